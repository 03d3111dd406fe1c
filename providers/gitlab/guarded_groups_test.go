package gitlab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/gitlab"
	"github.com/sluicegate/sluice/providers/pretend"
)

// What a group protects counts for all environments of the tier in its projects, as far as it is shown.
func TestWhatAGroupProtects(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"a": "a\n"})
	l.must(l.Environment(pretend.Environment{Repo: labShop, Name: "live/eu"}))
	l.must(l.Environment(pretend.Environment{Repo: labShop, Name: "staging"}))
	is := func(what, environment, want string) {
		t.Helper()
		l.now = l.now.Add(10 * time.Minute)
		g, err := l.client.Guarded(t.Context(), checks.Subject{Forge: "gitlab", Repo: labShop, Kind: checks.KindPromotion, Environment: environment})
		got := ""
		if err == nil {
			got = fmt.Sprintf("exists %v, ours %v, bypass %v", g.Exists, g.Ours, g.Bypass)
		} else {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s is %s, want %s", what, environment, got, want)
		}
	}
	is("nothing is protected", "live/eu", "exists true, ours false, bypass false")
	l.must(l.GuardTier("acme", "production", "bo"))
	is("by somebody else's approval", "live/eu", "exists true, ours false, bypass false")
	l.must(l.GuardTier("acme", "production", "bo", "sluice"))
	is("by ours", "live/eu", "exists true, ours true, bypass false")
	is("of another tier", "staging", "exists true, ours false, bypass false")

	run, err := l.Start(pretend.Workflow{Repo: labShop, Environments: []string{"live/eu"}, By: "ana"})
	l.must(err)
	if r, err := l.client.Run(t.Context(), gate.Repo{Forge: "gitlab", Name: labShop}, run); err != nil || len(r.Waits) != 1 {
		t.Errorf("a deployment that the group's protection holds: %+v, %v; want it to wait for us", r, err)
	}

	s, err := l.client.Standing(t.Context(), gitlab.Place{Path: labShop})
	if err != nil || len(s.Tiers) != 1 || s.Tiers[0].Group != "acme" || s.Tiers[0].Name != "production" || s.Tiers[0].Approvals() != 2 || len(s.Unseen) != 0 {
		t.Errorf("Standing = %+v, %v; want what acme protects", s, err)
	}

	l.Install("acme", labShop) // a token of the project alone
	is("not shown any more", "live/eu", "does not show any more what the group acme protects")
	s, err = l.client.Standing(t.Context(), gitlab.Place{Path: labShop})
	if err != nil || len(s.Tiers) != 0 || fmt.Sprint(s.Unseen) != "[acme]" {
		t.Errorf("Standing = %+v, %v; want that acme does not show what it protects", s, err)
	}
	l.client, err = gitlab.New(gitlab.Settings{URL: l.url, Token: l.GitLabToken(), WebhookSecret: "s"}, gitlab.Options{Now: func() time.Time { return l.now }})
	l.must(err)
	is("never shown", "live/eu", "exists true, ours false, bypass false")

	l.Install("acme")
	l.must(l.GuardTier("acme", "production"))
	is("not protected any more", "live/eu", "exists true, ours false, bypass false")
}

// What would show a read of what a group protects is no evidence where it fails.
func TestAGroupThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]string{"a": "a\n"})
	l.must(l.Environment(pretend.Environment{Repo: labShop, Name: "production"}))
	l.Fail(pretend.Fault{Route: "GET /groups/{id}/protected_environments", Status: 500, Count: -1})
	if g, err := l.client.Guarded(t.Context(), checks.Subject{Forge: "gitlab", Repo: labShop, Kind: checks.KindPromotion, Environment: "production"}); err == nil {
		t.Errorf("Guarded = %+v, want that it could not be read", g)
	}
	if s, err := l.client.Standing(t.Context(), gitlab.Place{Path: labShop}); err == nil {
		t.Errorf("Standing = %+v, want that it could not be read", s)
	}
}
