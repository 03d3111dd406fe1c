package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

const day = 24 * time.Hour

var pruning = map[string]func(*testing.T, *fixture){
	"old deliveries go, and their ids with them": func(t *testing.T, f *fixture) {
		for i := range 450 {
			f.add(delivery(fmt.Sprint(i)))
		}
		f.clock.pass(31 * day)
		f.add(delivery("young"))
		must(t, f.Prune(ctx, 400*day, 30*day))
		if added, _ := f.Add(ctx, delivery("young")); added {
			t.Error("a young delivery was pruned")
		}
		f.add(delivery("0"))
	},
	"a delivery that a subject waits for is kept however old": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", with(change(1), func(m *gate.Mark) { m.Detail = "label" })))
		f.clock.pass(500 * day)
		must(t, f.Prune(ctx, 400*day, 30*day))
		w := f.one()
		if len(w.Causes) != 1 || w.Causes[0].Detail != "label" {
			t.Errorf("Causes = %v after pruning, want the one", w.Causes)
		}
	},
	"the newest decision of an open change is kept however old, older ones go with their facts": func(t *testing.T, f *fixture) {
		shared := []byte(`{"same":"facts"}`)
		for _, id := range []string{"a", "b"} {
			f.decided(1, gate.Outcome{Decision: decision(id, 1, f.clock.Now()), Facts: shared, Sources: []byte(id), Subject: open("h", "main"),
				Posted: []gate.Posted{{Name: "sluice/gate", Commit: "h"}, {Name: "sluice/gate", Commit: "old" + id}}})
		}
		f.clock.pass(401 * day)
		must(t, f.Prune(ctx, 400*day, 30*day))
		if _, _, _, err := f.Decision(ctx, decision("a", 1, time.Time{}).ID); !errors.Is(err, store.ErrUnknown) {
			t.Errorf("the older decision is still there: %v", err)
		}
		d, facts, sources, err := f.Decision(ctx, decision("b", 1, time.Time{}).ID)
		must(t, err)
		if d == nil || string(facts) != string(shared) || string(sources) != "b" {
			t.Errorf("the newest decision lost its facts or policy: %q, %q", facts, sources)
		}
		for commit, want := range map[string]int{"h": 1, "olda": 0} {
			ps, err := f.Posted(ctx, subject(1), commit)
			must(t, err)
			equal(t, "posted on "+commit, len(ps), want)
		}
	},
	"a number is given to one piece of work alone, whatever was deleted": func(t *testing.T, f *fixture) {
		must(t, f.Mark(ctx, gate.Mark{Kind: gate.MarkBase, Forge: "github", Repo: "acme/shop", Base: "main"}))
		old := f.one()
		f.finish(old, gate.Outcome{})
		must(t, f.Prune(ctx, 400*day, 30*day))
		f.add(delivery("d1", change(1)))
		if w := f.one(); w.ID == old.ID {
			t.Fatalf("%s has the number of %s, %d, and token %d", w.Mark.Key(), old.Mark.Key(), w.ID, w.Token)
		}
		if err := f.Finish(ctx, old, gate.Outcome{}); !errors.Is(err, store.ErrLost) {
			t.Errorf("Finish of what is deleted = %v, want ErrLost", err)
		}
	},
	"nothing is left of a closed change": func(t *testing.T, f *fixture) {
		f.decided(1, gate.Outcome{Decision: decision("a", 1, f.clock.Now()), Facts: []byte("x"), Subject: open("h", "main"),
			Posted: []gate.Posted{{Name: "sluice/gate", Commit: "h"}}})
		f.decided(1, gate.Outcome{Subject: &gate.SubjectState{Head: "h"}})
		must(t, f.Prune(ctx, 400*day, 30*day))
		if st, _ := f.State(ctx, subject(1)); st == nil {
			t.Error("a change that closed just now is forgotten")
		}
		f.clock.pass(401 * day)
		must(t, f.Prune(ctx, 400*day, 30*day))
		d, _, err := f.Latest(ctx, subject(1))
		st, err2 := f.State(ctx, subject(1))
		if d != nil || st != nil || errors.Join(err, err2) != nil {
			t.Errorf("left: %v, %v, %v", d, st, errors.Join(err, err2))
		}
	},
	"where a tag pointed is never forgotten": func(t *testing.T, f *fixture) {
		tag := gate.Mark{Kind: gate.MarkTag, Forge: "github", Repo: "acme/shop", Tag: "v1"}
		must(t, f.Mark(ctx, tag))
		f.finish(f.one(), gate.Outcome{Subject: &gate.SubjectState{Head: "c1"}})
		f.clock.pass(5000 * day)
		must(t, f.Prune(ctx, 400*day, 30*day))
		if st, err := f.State(ctx, tag.Subject()); err != nil || st == nil || st.Head != "c1" {
			t.Errorf("State = %v, %v, want the commit", st, err)
		}
	},
	"what is due, held or scheduled is never pruned": func(t *testing.T, f *fixture) {
		for i := range 450 {
			f.add(delivery(fmt.Sprint(i), change(i+1)))
		}
		f.claim(100)
		f.clock.pass(401 * day)
		must(t, f.Prune(ctx, 0, 0))
		st, err := f.Stats(ctx)
		must(t, err)
		equal(t, "Stats", [2]int{st.Waiting, st.Running}, [2]int{350, 100})
	},
	"work goes on while it is pruned": func(t *testing.T, f *fixture) {
		for i := range 450 {
			f.add(delivery(fmt.Sprint(i), change(i%10+1)))
		}
		for _, w := range f.claim(100) {
			f.finish(w, gate.Outcome{})
		}
		f.clock.pass(31 * day)
		done := make(chan error, 1)
		go func() { done <- f.Prune(ctx, 400*day, 30*day) }()
		for i := range 50 {
			f.add(delivery(fmt.Sprint("new", i), change(i%10+1)))
		}
		must(t, <-done)
		equal(t, "due", len(f.claim(100)), 10)
	},
}
