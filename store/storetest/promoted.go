package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// promoted is what a report on deployments reads.
var promoted = map[string]func(*testing.T, *fixture){
	"a report reads what changed since, what may have been live then, and the first of each environment": func(t *testing.T, f *fixture) {
		begin := f.clock.Now()
		day := func(n int) time.Time { return begin.AddDate(0, 0, n) }
		keep := func(id, repo, environment string, asked, since int, state gate.State, deployment int64) {
			t.Helper()
			p := gate.Promotion{ID: id, Forge: "github", Repo: repo, Environment: environment, Commit: "c-" + id, Request: id, At: day(asked), State: gate.Requested, Since: day(asked)}
			f.add(delivery("request-"+id, gate.Mark{Kind: gate.MarkEnvironment, Forge: "github", Repo: repo, Environment: environment}))
			f.finish(f.one(), gate.Outcome{Requests: []gate.Promotion{p}})
			p.State, p.Since, p.Deployment = state, day(since), deployment
			f.add(delivery("end-"+id, gate.Mark{Kind: gate.MarkEnvironment, Forge: "github", Repo: repo, Environment: environment}))
			f.finish(f.one(), gate.Outcome{Promotions: []gate.Promotion{p}})
		}
		keep("first", "acme/Shop", "Production", 0, 1, gate.Superseded, 0)
		keep("older", "acme/Shop", "Production", 2, 3, gate.Verified, 1)
		keep("well", "acme/Shop", "Production", 4, 5, gate.Verified, 2)
		keep("red", "acme/Shop", "Production", 6, 7, gate.Failed, 3) // it is what is live, nevertheless
		keep("idle", "acme/Shop", "Production", 8, 9, gate.Superseded, 0)
		keep("across", "acme/Shop", "Production", 8, 12, gate.RolledBack, 4)
		keep("inside", "acme/Shop", "Production", 20, 21, gate.Verified, 5)
		keep("elsewhere", "acme/shop", "staging", 2, 3, gate.Cancelled, 0)
		keep("other", "acme/other", "production", 2, 3, gate.Verified, 6)
		for asked, want := range map[string]string{
			"/":                    "first elsewhere other well red across inside",
			"ACME/shop/":           "first elsewhere well red across inside",
			"acme/shop/production": "first well red across inside",
			"/STAGING":             "elsewhere",
			"acme/none/":           "",
		} {
			cut := strings.LastIndex(asked, "/")
			list, err := f.PromotedSince(t.Context(), asked[:cut], asked[cut+1:], day(10))
			var got []string
			for _, p := range list {
				got = append(got, p.ID)
				if p.Attempt != 1 || p.Commit != "c-"+p.ID {
					t.Errorf("PromotedSince(%q) = %+v", asked, p)
				}
			}
			words := strings.Fields(want)
			if slices.Sort(got); err != nil || !slices.Equal(got, slices.Sorted(slices.Values(words))) {
				t.Errorf("PromotedSince(%q) = %v, %v, want %v", asked, got, err, words)
			}
		}
		if list, err := f.PromotedSince(t.Context(), "", "", time.Time{}); err != nil || len(list) != 9 || !slices.IsSortedFunc(list, func(a, b gate.Promotion) int { return a.At.Compare(b.At) }) {
			t.Errorf("PromotedSince of all time = %d promotions, %v, want 9, oldest first", len(list), err)
		}
	},
	"promotions and incidents are never pruned": func(t *testing.T, f *fixture) {
		p := gate.Promotion{ID: "p", Forge: "github", Repo: "acme/shop", Environment: "production", Commit: "c1", Request: "r", At: f.clock.Now(), State: gate.Requested, Since: f.clock.Now()}
		i := gate.Incident{ID: "i", Forge: "github", Repo: "acme/shop", Environment: "production", Commit: "c1", Promotion: "p", Opened: f.clock.Now(), Resolved: f.clock.Now()}
		f.add(delivery("d", gate.Mark{Kind: gate.MarkEnvironment, Forge: "github", Repo: "acme/shop", Environment: "production"}))
		f.finish(f.one(), gate.Outcome{Requests: []gate.Promotion{p}, Incidents: []gate.Incident{i}})
		f.clock.pass(10 * 365 * 24 * time.Hour)
		must(t, f.Prune(t.Context(), time.Hour, time.Hour))
		list, err := f.PromotedSince(t.Context(), "", "", time.Time{})
		incidents, err2 := f.Incidents(t.Context(), "github", "acme/shop", time.Time{})
		if err != nil || err2 != nil || len(list) != 1 || len(incidents) != 1 {
			t.Errorf("after Prune: %v, %v, %v, %v; want one promotion and one incident", list, err, incidents, err2)
		}
	},
}
