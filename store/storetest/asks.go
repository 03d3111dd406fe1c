package storetest

import (
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var asks = map[string]func(*testing.T, *fixture){
	"what is asked is kept once, with the work on it, and then with what came of it": func(t *testing.T, f *fixture) {
		x := gate.Ask{ID: "a1", Forge: "github", Repo: "acme/Shop", Word: "deploy", Environment: "production", By: "olga", At: f.clock.Now()}
		for n := range 3 {
			added, err := f.Ask(ctx, x)
			must(t, err)
			equal(t, "added", added, n == 0)
		}
		w := f.one()
		equal(t, "the work", []any{w.Mark.Kind, w.Mark.Ask, w.Mark.Repo}, []any{gate.MarkAsk, "a1", "acme/Shop"})
		x.Result = &gate.Result{Word: "deploy", Outcome: "done", Promotion: "p1"}
		p := gate.Promotion{ID: "p1", Forge: "github", Repo: "acme/Shop", Environment: "production", Commit: "c1", Request: "ask/a1", State: gate.Requested, At: x.At, Since: x.At}
		must(t, f.Finish(ctx, w, gate.Outcome{Asked: &x, Requests: []gate.Promotion{p}}))
		got, err := f.Asked(ctx, "a1")
		must(t, err)
		equal(t, "what came of it", got, &x)
		kept, err := f.Promotion(ctx, "p1")
		must(t, err)
		equal(t, "known since", kept.Known, x.At)
		if none, err := f.Asked(ctx, "a2"); none != nil || err != nil {
			t.Errorf("what nobody asked: %v, %v", none, err)
		}
	},
	"what is asked about a change is its": func(t *testing.T, f *fixture) {
		x := gate.Ask{ID: "a1", Forge: "github", Repo: "acme/shop", Word: "override", Change: 7, Commit: "c1", Checks: "changelog", By: "olga", ByID: 3, At: f.clock.Now()}
		_, err := f.Ask(ctx, x)
		must(t, err)
		w := f.one()
		equal(t, "the work", []any{w.Mark.Kind, w.Mark.Ask, w.Mark.Change}, []any{gate.MarkAsk, "a1", 7})
		x.Result = &gate.Result{Word: "override", Outcome: "done"}
		o := gate.Override{Check: "changelog", Commit: "c1", By: checks.Person{ID: 3, Login: "olga"}, People: 1, Reason: "Later.", Comment: -5, At: x.At}
		must(t, f.Finish(ctx, w, gate.Outcome{Asked: &x, Overrides: []gate.Override{o}}))
		acts, err := f.Acts(ctx, checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindChange, Change: 7})
		must(t, err)
		equal(t, "the override of the change", acts.Overrides, []gate.Override{o})
	},
	"incidents are found since a time, and as long as they are not over": func(t *testing.T, f *fixture) {
		i := gate.Incident{ID: "comment/7/1", Forge: "github", Repo: "acme/shop", Environment: "production", Commit: "c1", By: checks.Person{ID: 3, Login: "mia"}, Reason: "Errors.", Opened: f.clock.Now()}
		f.decided(1, gate.Outcome{Incidents: []gate.Incident{i}})
		later := i.Opened.Add(time.Hour)
		open, err := f.Incidents(ctx, "github", "Acme/Shop", later)
		must(t, err)
		equal(t, "one that is not over", open, []gate.Incident{i})
		i.Resolved, i.How = later, "Mended."
		f.decided(1, gate.Outcome{Incidents: []gate.Incident{i}})
		over, err := f.Incidents(ctx, "github", "acme/shop", later)
		must(t, err)
		equal(t, "one that is over, later", len(over), 0)
		all, err := f.Incidents(ctx, "github", "acme/shop", time.Time{})
		must(t, err)
		equal(t, "all", all, []gate.Incident{i})
	},
}
