package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/providers/pretend"
)

// What follows the story: one more change waits before production, and whoever looks at the board takes it there.

// viewer is the person of the pretend forge who looks at the board: cy, a release manager who wrote none of it.
func (d *stage) viewer() *onlooker {
	cy := d.forge.User("cy")
	return &onlooker{dashboard.Person{Forge: "github", ID: strconv.FormatInt(cy.ID, 10), Login: cy.Login, Name: "Cy", Admin: true, Guest: true}}
}

// second has a second change merged and well in integration.
func (d *stage) second(ctx context.Context) error {
	steps := []struct {
		act   func(*pretend.Forge) error
		takes time.Duration
		comes string
	}{
		{act: func(f *pretend.Forge) error {
			_, err := f.Open(pretend.PR{Repo: shop, By: "ana", Title: "feat: wish lists", Branch: "wish-lists", Commits: []pretend.Commit{{
				Message: "feat: wish lists",
				Files: pretend.Texts(map[string]string{
					"wish.go":      "package shop\n\n// Wish keeps what somebody would like to have.\nfunc Wish(list []string, what string) []string { return append(list, what) }\n",
					"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Gift cards.\n- Wish lists.\n\n## [1.2.0] - 2026-01-15\n\n### Added\n\n- A basket.\n",
				})}}})
			return err
		}},
		{act: func(f *pretend.Forge) error { _, err := f.Review(shop, 2, "bo", "approved", ""); return err }},
		{act: func(f *pretend.Forge) error { _, err := f.Merge(shop, 2, "bo", false); return err }},
		{act: pipeline("development", "success")},
		{act: pipeline("integration", "success")},
		{act: smoke, takes: time.Second, comes: "sluice/deploy (integration) success"},
	}
	for i, s := range steps {
		if err := pass(ctx, s.takes); err != nil {
			return err
		}
		if err := s.act(d.forge); err != nil {
			return fmt.Errorf("second change, step %d: %w", i+1, err)
		}
		if err := d.settled(ctx, s.comes); err != nil {
			return err
		}
	}
	return nil
}

// smoke has the smoke tests turn green on what is newest.
func smoke(f *pretend.Forge) error {
	return f.Report(pretend.Report{Repo: shop, Commit: "main", Name: "smoke-tests", State: "success", App: "ci"})
}

// deploying plays the pipeline from now on: it deploys whatever deployment is created, and runs the smoke tests after it.
func (d *stage) deploying(ctx context.Context) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	var tested time.Time // when the smoke tests are due
	for {
		for _, x := range d.forge.Deployments(shop, "") {
			if x.State != "" {
				continue
			}
			if err := pipeline(x.Environment, "success")(d.forge); err != nil {
				return err
			}
			tested = time.Now().Add(1500 * time.Millisecond) // in the second after it went live
		}
		if !tested.IsZero() && time.Now().After(tested) {
			tested = time.Time{}
			if err := smoke(d.forge); err != nil {
				return err
			}
		}
		if _, err := d.forge.Deliver(ctx, pretend.Order{}); err != nil && ctx.Err() == nil {
			return fmt.Errorf("deliver what the pipeline did: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
