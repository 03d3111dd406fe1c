package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

var ctx = context.Background()

var deliveries = map[string]func(*testing.T, *fixture){
	"a delivery makes its subject due at once": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", with(change(1), func(m *gate.Mark) { m.Commit = "abc" })))
		w := f.one()
		equal(t, "Mark", w.Mark, with(change(1), func(m *gate.Mark) { m.Commit = "abc" }))
		equal(t, "Since", w.Since, f.clock.Now())
		equal(t, "Attempt", w.Attempt, 1)
		select {
		case <-f.Wake():
		default:
			t.Error("Wake() is silent after a delivery")
		}
	},
	"a delivery that was had already changes nothing": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		f.finish(f.one(), gate.Outcome{})
		added, err := f.Add(ctx, delivery("d1", change(1), change(2)))
		if added || err != nil {
			t.Errorf("Add of the same id = %v, %v, want false, nil", added, err)
		}
		f.none()
	},
	"the same id from two forges is two deliveries": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		other := delivery("d1", change(1))
		other.Forge = "gitlab"
		f.add(other)
	},
	"an event that nothing is done about is kept": func(t *testing.T, f *fixture) {
		f.add(delivery("d1"))
		f.none()
		if added, _ := f.Add(ctx, delivery("d1")); added {
			t.Error("Add of an ignored delivery a second time = true, want false")
		}
	},
	"an echo of what we posted is had only once": func(t *testing.T, f *fixture) {
		d := delivery("d1")
		d.Echo = true
		f.add(d)
		f.none()
		if added, err := f.Add(ctx, d); added || err != nil {
			t.Errorf("Add of an echo a second time = %v, %v, want false, nil", added, err)
		}
	},
	"a delivery without an id is refused": func(t *testing.T, f *fixture) {
		if _, err := f.Add(ctx, delivery("")); err == nil {
			t.Error("Add without an id succeeded")
		}
	},
	"one delivery raises several subjects": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(2), change(1), with(change(0), func(m *gate.Mark) { m.Kind, m.Base = gate.MarkBase, "main" })))
		works := f.claim(10)
		if len(works) != 3 {
			t.Fatalf("Claim = %d pieces, want 3", len(works))
		}
	},
	"many events on one subject are one piece of work with all causes": func(t *testing.T, f *fixture) {
		for i := range 5 {
			f.add(delivery(fmt.Sprint(i), with(change(1), func(m *gate.Mark) { m.Detail, m.Commit = fmt.Sprint(i), fmt.Sprint("c", i) })))
			f.clock.pass(time.Second)
		}
		w := f.one()
		if len(w.Causes) != 5 || w.Causes[0].Detail != "0" || w.Causes[4].Detail != "4" || w.Dropped {
			t.Errorf("Causes = %v, Dropped %v, want 0 to 4 in order", w.Causes, w.Dropped)
		}
		equal(t, "Mark.Commit", w.Mark.Commit, "c4")
		equal(t, "Since", w.Since, f.clock.Now().Add(-5*time.Second))
	},
	"the newest 256 of too many causes are told": func(t *testing.T, f *fixture) {
		for _, id := range ids(300, "%d") {
			f.add(delivery(id, with(change(1), func(m *gate.Mark) { m.Detail = id })))
		}
		w := f.one()
		if len(w.Causes) != 256 || !w.Dropped || w.Causes[255].Detail != "299" || w.Causes[0].Detail != "44" {
			t.Errorf("%d causes, Dropped %v, first %q, last %q", len(w.Causes), w.Dropped, w.Causes[0].Detail, w.Causes[len(w.Causes)-1].Detail)
		}
	},
	"the commit to expect is that of the newest cause that names one, and none is expected of a timer": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", with(change(1), func(m *gate.Mark) { m.Commit = "c1" })))
		must(t, f.Mark(ctx, with(change(1), func(m *gate.Mark) { m.Why = "sweep" })))
		w := f.one()
		equal(t, "Commit", w.Mark.Commit, "c1")
		equal(t, "Why", w.Mark.Why, "sweep")
		f.finish(w, gate.Outcome{Next: f.clock.Now().Add(time.Hour)})
		f.clock.pass(time.Hour)
		w = f.one()
		equal(t, "Commit after a timer", w.Mark.Commit, "")
		equal(t, "Why after a timer", w.Mark.Why, "timer")
		equal(t, "Causes after a timer", len(w.Causes), 0)
	},
	"marks of every kind come back as what they point at": func(t *testing.T, f *fixture) {
		marks := []gate.Mark{
			{Kind: gate.MarkBase, Forge: "github", Repo: "acme/shop", Base: "release/1.x", Why: "push"},
			{Kind: gate.MarkChange, Forge: "github", Repo: "acme/shop", Change: 3, Why: "x"},
			{Kind: gate.MarkHead, Forge: "github", Repo: "acme/shop", Commit: "abc", Why: "status"},
			{Kind: gate.MarkPrune, Forge: "", Why: "start"},
			{Kind: gate.MarkSweep, Forge: "github", Why: "start"},
			{Kind: gate.MarkTag, Forge: "github", Repo: "acme/shop", Tag: "v1.0", Commit: "n", Before: "o", By: "ana", Why: "push"},
		}
		f.add(delivery("d1", marks...))
		got := map[gate.MarkKind]gate.Mark{}
		for _, w := range f.claim(10) {
			got[w.Mark.Kind] = w.Mark
		}
		for _, m := range marks {
			equal(t, string(m.Kind), got[m.Kind], m)
		}
	},
	"a sweep over work that is still to do adds no second cause": func(t *testing.T, f *fixture) {
		for range 3 {
			must(t, f.Mark(ctx, with(change(1), func(m *gate.Mark) { m.Why = "sweep" })))
		}
		w := f.one()
		equal(t, "causes", len(w.Causes), 1)
		must(t, f.Mark(ctx, with(change(1), func(m *gate.Mark) { m.Why = "sweep" })))
		f.finish(w, gate.Outcome{})
		equal(t, "causes of the sweep that came during the look", len(f.one().Causes), 1)
	},
	"a delivery whose context is over is not claimed to be stored": func(t *testing.T, f *fixture) {
		over, cancel := context.WithCancel(ctx)
		cancel()
		if added, err := f.Add(over, delivery("d1", change(1))); added || !errors.Is(err, context.Canceled) {
			t.Errorf("Add = %v, %v, want false, context canceled", added, err)
		}
	},
	"a closed store says so": func(t *testing.T, f *fixture) {
		must(t, f.Close())
		if _, err := f.Add(ctx, delivery("d1")); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Add = %v, want ErrClosed", err)
		}
	},
}
