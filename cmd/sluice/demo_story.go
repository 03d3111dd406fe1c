package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/providers/pretend"
)

const shop = "acme/shop"

// scene is one step of the story: what somebody does, and the act itself.
type scene struct {
	told  string
	act   func(*pretend.Forge) error
	takes time.Duration // before it is done
	comes string        // what the forge shows in the end that takes its time; "": nothing does
}

// story plays the life of one change: it fails three checks, is mended step by step, is approved and turns green, is
// merged, and reaches production.
func (d *stage) story(ctx context.Context) error {
	if err := d.shop(); err != nil {
		return fmt.Errorf("set the stage: %w", err)
	}
	fmt.Fprintf(d.out, "A small shop, %s, guarded by Sluice: v1.2.0 is live, the policy is in .sluice.yml on main.\n", shop)
	for i, s := range append(scenes(), promotionScenes()...) {
		if i == len(scenes()) {
			fmt.Fprint(d.out, beforeTheMerge)
		}
		fmt.Fprintf(d.out, "\n%d. %s\n", i+1, s.told)
		if err := pass(ctx, s.takes); err != nil {
			return err
		}
		if err := s.act(d.forge); err != nil {
			return fmt.Errorf("scene %d: %w", i+1, err)
		}
		if err := d.settled(ctx, s.comes); err != nil {
			return err
		}
		if i < len(scenes()) {
			d.tell()
		} else {
			d.tellPromotions()
		}
	}
	return nil
}

// tell prints what the forge shows on the change, as a person would see it: what has changed since the last scene.
func (d *stage) tell() {
	for _, s := range d.forge.Shown(shop, 1) {
		d.show(s, s.Name == "sluice/gate")
	}
	may, why := d.forge.Mergeable(shop, 1)
	if may {
		fmt.Fprintln(d.out, "   ⇒ the forge lets it be merged")
	} else {
		fmt.Fprintf(d.out, "   ⇒ the forge does not let it be merged: %s\n", why)
	}
}

// pass lets some time pass.
func pass(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// show prints a check when it says something new, and where to read on about it.
func (d *stage) show(s pretend.Shown, details bool) {
	line := fmt.Sprintf("   %s %-27s %s", sign(s.State), s.Name, s.Title)
	if d.told[s.Name] == line {
		return
	}
	d.told[s.Name] = line
	fmt.Fprintln(d.out, line)
	if details && d.told["details of "+s.Name] != s.URL {
		d.told["details of "+s.Name] = s.URL
		fmt.Fprintf(d.out, "     %-27s %s\n", "details", s.URL)
	}
}

// sign is the mark that a forge shows beside a check.
func sign(state string) string {
	switch strings.ToLower(state) {
	case "success":
		return "✓"
	case "failure":
		return "✗"
	case "neutral", "skipped", "cancelled":
		return "–"
	}
	return "●"
}

// shop makes the repository, its people, its policy and its last release.
func (d *stage) shop() error {
	f := d.forge
	f.Org("acme", "ana", "bo", "cy")
	if err := f.Repo(shop, true, pretend.Texts(shopFiles())); err != nil {
		return err
	}
	for _, who := range []string{"ana", "bo", "cy"} {
		if err := f.Grant(shop, who, "write"); err != nil {
			return err
		}
	}
	if _, err := f.Tag(pretend.Tag{Repo: shop, Name: "v1.2.0", By: "bo", Message: "Shop 1.2.0"}); err != nil {
		return err
	}
	if err := f.Protect(shop, "main", pretend.Required{Context: "sluice/gate", App: f.AppID()}); err != nil {
		return err
	}
	if err := f.Team("acme/release", "", "cy"); err != nil {
		return err
	}
	if err := shopIsLive(f); err != nil {
		return err
	}
	f.Install("acme")
	f.Forget() // all this was before Sluice came
	return nil
}

func shopFiles() map[string]string {
	return map[string]string{
		".sluice.yml": `version: 1
changelog:
  files: [CHANGELOG.md]
config-separation:
  environments:
    development: ["config/development.yml"]
    production: ["config/production.yml"]
approval:
  rules:
    - {name: peer review, count: 1}
` + shopEnvironments,
		"CHANGELOG.md":           "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-01-15\n\n### Added\n\n- A basket.\n",
		"VERSION":                "1.2.0\n",
		".github/CODEOWNERS":     "* @acme/shop\n/config/ @acme/operations\n",
		"config/development.yml": "payments:\n  url: http://localhost:9000\n",
		"config/production.yml":  "payments:\n  url: https://pay.prod.acme.internal/v2\n",
		"shop.go":                "package shop\n\n// Total is the sum of the basket, in cents.\nfunc Total(basket []int) (sum int) {\n\tfor _, price := range basket {\n\t\tsum += price\n\t}\n\treturn sum\n}\n",
	}
}

func scenes() []scene {
	push := func(message string, files map[string]string) func(*pretend.Forge) error {
		return func(f *pretend.Forge) error {
			_, err := f.Push(pretend.Push{Repo: shop, Branch: "gift-cards", By: "ana",
				Commits: []pretend.Commit{{Message: message, Files: pretend.Texts(files)}}})
			return err
		}
	}
	return []scene{
		{told: "ana opens a change. It calls production's payment host from code, adds no changelog entry, and sets a version that is out already.",
			act: func(f *pretend.Forge) error {
				_, err := f.Open(pretend.PR{Repo: shop, By: "ana", Title: "feat: gift cards", Branch: "gift-cards", Commits: []pretend.Commit{{
					Message: "feat: gift cards",
					Files: pretend.Texts(map[string]string{
						"gift.go": "package shop\n\n// payments is where gift cards are booked.\nconst payments = \"https://pay.prod.acme.internal/v2\"\n",
						"VERSION": "1.1.0\n",
					})}}})
				return err
			}},
		{told: "ana reads the annotation and takes the host from the configuration instead.",
			act: push("fix: read the payment host from the configuration", map[string]string{
				"gift.go": "package shop\n\n// GiftCard books a gift card with the payment service at url.\nfunc GiftCard(url string, cents int) string {\n\treturn url\n}\n"})},
		{told: "ana adds the changelog entry that the check asked for.",
			act: push("docs: changelog", map[string]string{
				"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Gift cards.\n\n## [1.2.0] - 2026-01-15\n\n### Added\n\n- A basket.\n"})},
		{told: "ana sets the version that comes next.", act: push("chore: version 1.3.0", map[string]string{"VERSION": "1.3.0\n"})},
		{told: "ana approves her own change. That does not count.",
			act: func(f *pretend.Forge) error {
				_, err := f.Review(shop, 1, "ana", "approved", "")
				return ignoreRefused(err)
			}},
		{told: "bo approves this very commit.",
			act: func(f *pretend.Forge) error { _, err := f.Review(shop, 1, "bo", "approved", ""); return err }},
	}
}

// ignoreRefused: the forge itself may refuse what Sluice would not count.
func ignoreRefused(err error) error {
	if errors.Is(err, pretend.ErrRefused) {
		return nil
	}
	return err
}
