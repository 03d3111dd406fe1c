package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/gitlab"
)

const gitlabUsage = `usage: sluice gitlab install GROUP|PROJECT... [--url URL] [--renew] [--status-check]

Has GitLab tell the server at SLUICE_PUBLIC_URL what happens: makes or mends one webhook on each group (Premium), or on each
project, those of a group and of its subgroups where the tier has no group webhooks. Run again, it changes nothing that is
as it should be. Then it says of each project what its tier and settings enforce, and what not.

  --url URL       the server's address, in place of SLUICE_PUBLIC_URL
  --renew         write the secret anew even where it seems to be the right one
  --status-check  on Ultimate, also make an external status check named sluice

Needs SLUICE_GITLAB_URL, SLUICE_GITLAB_TOKEN (of a Maintainer, of an Owner for a group's webhook) and
SLUICE_GITLAB_WEBHOOK_SECRET. Exit: 0 all webhooks are in place; 1 some are not; 2 it could not be tried.
`

// gitlabCommand sets GitLab up.
func gitlabCommand(ctx context.Context, p process) int {
	if len(p.args) == 0 || p.args[0] != "install" {
		fmt.Fprint(p.stderr, gitlabUsage)
		if len(p.args) > 0 && helpCode(p.args[0]) == exitOpen {
			return exitOpen
		}
		return exitFailed
	}
	flags := flag.NewFlagSet("sluice gitlab install", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.Usage = func() { fmt.Fprint(flags.Output(), gitlabUsage) }
	address := flags.String("url", "", "")
	renew := flags.Bool("renew", false, "")
	service := flags.Bool("status-check", false, "")
	args, err := parseAnywhere(flags, p.args[1:], p.stdout)
	if err != nil {
		return helpOr(err, exitFailed)
	}
	i, err := newInstaller(ctx, p, *address)
	if err == nil && len(args) == 0 {
		err = errors.New("which GROUP or PROJECT is missing")
	}
	if err != nil {
		fmt.Fprintln(p.stderr, "sluice gitlab install:", gate.Plain(err.Error()))
		return exitFailed
	}
	i.renew, i.service = *renew, *service
	return i.all(ctx, args)
}

// all sees to all of these groups and projects, and then says what is enforced there.
func (i *installer) all(ctx context.Context, paths []string) int {
	code := exitOpen
	for _, path := range paths {
		if err := i.install(ctx, path); err != nil {
			fmt.Fprintf(i.errs, "sluice gitlab install: %s\n", gate.Plain(fmt.Sprintf("%s: %v", path, err)))
			code = exitShut
		}
	}
	if err := i.enforces(ctx); err != nil {
		fmt.Fprintln(i.errs, "sluice gitlab install:", gate.Plain(err.Error()))
		code = exitShut
	}
	return code
}

// installer makes webhooks.
type installer struct {
	client         *gitlab.Client
	wish           gitlab.Wish
	renew, service bool
	out, errs      io.Writer
	projects       []gitlab.Place // that were seen to
}

func newInstaller(ctx context.Context, p process, address string) (*installer, error) {
	s, err := readSettings(ctx, p.environ)
	if err != nil {
		return nil, err
	}
	if !s.GitLab.Configured() {
		f, err := stored(ctx, s)
		switch {
		case err != nil:
			return nil, fmt.Errorf("SLUICE_GITLAB_URL, SLUICE_GITLAB_TOKEN and SLUICE_GITLAB_WEBHOOK_SECRET are not set, and what /setup stored cannot be read: %w", err)
		case f.gitlab == "":
			return nil, errors.New("SLUICE_GITLAB_URL, SLUICE_GITLAB_TOKEN and SLUICE_GITLAB_WEBHOOK_SECRET are not set, and /setup stored none")
		}
		s = f.settings
	}
	i, err := newInstallerFor(s, address, s.logger(p.stderr))
	if err == nil {
		i.out, i.errs = p.stdout, p.stderr
	}
	return i, err
}

func newInstallerFor(s settings, address string, log *slog.Logger) (*installer, error) {
	if address == "" {
		address = s.PublicURL
	}
	u, err := url.Parse(address)
	forge, _ := url.Parse(s.GitLab.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%q is no http:// or https:// address", address)
	case loopback(u.Hostname()) && !loopback(forge.Hostname()):
		return nil, fmt.Errorf("SLUICE_PUBLIC_URL: GitLab at %s cannot reach %s; set the address of the server as GitLab sees it", forge.Host, u.Host)
	}
	client, err := newGitLab(s, outside{}, nil, log)
	if err != nil {
		return nil, err
	}
	return &installer{client: client, wish: s.GitLab.Wish(address)}, nil
}

// install sees to one group or project.
func (i *installer) install(ctx context.Context, path string) error {
	place, err := i.client.Find(ctx, path)
	switch {
	case errors.Is(err, gate.ErrGone):
		return fmt.Errorf("the token sees no such group or project: %w", err)
	case err != nil:
		return err
	case !place.Group:
		i.remember(place)
		return i.hang(ctx, place)
	}
	projects, err := i.client.Projects(ctx, place.Path)
	if err != nil {
		return err
	}
	i.remember(projects...)
	err = i.hang(ctx, place)
	if err == nil || !gitlab.Absent(err) {
		return err
	}
	say(i.out, "%v: no group webhooks here (they need Premium, and a token of an Owner); each of its projects (%d) gets one.", place, len(projects))
	var faults []error
	for _, project := range projects {
		faults = append(faults, i.hang(ctx, project))
	}
	return errors.Join(faults...)
}

// remember keeps which projects were seen to, each once.
func (i *installer) remember(places ...gitlab.Place) {
	for _, p := range places {
		if !slices.Contains(i.projects, p) {
			i.projects = append(i.projects, p)
		}
	}
}

// hang makes or mends the webhook of one place, and says what it did.
func (i *installer) hang(ctx context.Context, place gitlab.Place) error {
	hooks, err := i.client.Hooks(ctx, place)
	if err != nil {
		return fmt.Errorf("webhooks of the %v: %w", place, err)
	}
	ours := gitlab.Ours(hooks, i.wish)
	var lacks []string
	if ours != nil {
		lacks = ours.Lacks(place, i.wish)
	}
	switch {
	case ours == nil || len(lacks) > 0 || i.renew:
		made, err := i.client.Hang(ctx, place, ours, i.wish)
		if err != nil {
			return fmt.Errorf("webhook of the %v: %w", place, err)
		}
		if ours == nil {
			say(i.out, "%v: webhook made.", place)
		} else {
			say(i.out, "%v: webhook mended: %s.", place, cmp.Or(strings.Join(lacks, "; "), "its secret was written anew"))
		}
		ours = made
	default:
		say(i.out, "%v: the webhook is as it should be; nothing changed.", place)
	}
	if ours.Off() {
		if err := i.client.Wake(ctx, place, ours); err != nil {
			return fmt.Errorf("the webhook of the %v is %s, and could not be switched on: %w", place, ours.Status, err)
		}
		say(i.out, "%v: the webhook was switched off, and is on again.", place)
	}
	return nil
}

// enforces says of each project what is enforced there.
func (i *installer) enforces(ctx context.Context) error {
	var list []finding
	for _, place := range i.projects {
		s, err := i.client.Standing(ctx, place)
		if err != nil {
			return fmt.Errorf("settings of the %v: %w", place, err)
		}
		if i.service && s.Tier == "ultimate" && !asksUs(s, i.wish.URL) {
			if err := i.client.Watch(ctx, place, "sluice", i.wish.URL, i.wish.Token); err != nil {
				return fmt.Errorf("external status check of the %v: %w", place, err)
			}
			say(i.out, "%v: external status check made.", place)
			if s, err = i.client.Standing(ctx, place); err != nil {
				return fmt.Errorf("settings of the %v: %w", place, err)
			}
		}
		list = append(list, enforced(s, i.wish.URL)...)
	}
	if len(list) > 0 {
		fmt.Fprintln(i.out)
	}
	return writeFindings(i.out, list)
}

func asksUs(s *gitlab.Standing, hook string) bool {
	for _, x := range s.Services {
		if x.URL == hook {
			return true
		}
	}
	return false
}
