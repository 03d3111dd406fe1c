package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

var failures = map[string]func(*testing.T, *fixture){
	"a failure is tried again after a pause that doubles, and tells why": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		for attempt, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			w := f.one()
			equal(t, "Attempt", w.Attempt, int64(attempt+1))
			equal(t, "causes", len(w.Causes), 1)
			must(t, f.Fail(ctx, w, "the forge said no", 0))
			f.clock.pass(pause * 79 / 100)
			f.none()
			f.clock.pass(pause * 42 / 100)
		}
		item := f.inbox(store.InboxFilter{})[0]
		equal(t, "Error", item.Error, "the forge said no")
		equal(t, "Standing", item.Standing, store.Waiting)
		equal(t, "Why", item.Why, "pull_request.opened")
		f.finish(f.one(), gate.Outcome{})
		f.add(delivery("d2", change(1)))
		equal(t, "Attempt after a success", f.one().Attempt, 1)
	},
	"a pause that the forge names is kept": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		must(t, f.Fail(ctx, f.one(), "limit", 20*time.Minute))
		f.clock.pass(20*time.Minute - time.Second)
		f.none()
		f.clock.pass(2*time.Minute + 2*time.Second)
		must(t, f.Fail(ctx, f.one(), "stopping", time.Millisecond))
		f.clock.pass(2 * time.Millisecond)
		f.one()
	},
	"what waits for quota is no failure, and what happens meanwhile is looked at once": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		for range 10 { // more often than kills
			w := f.one()
			equal(t, "Attempt", w.Attempt, int64(1))
			must(t, f.Postpone(ctx, w, "the quota is short", 20*time.Minute))
			f.clock.pass(20*time.Minute - time.Second)
			f.none()
			f.clock.pass(time.Second)
		}
		equal(t, "Error", f.inbox(store.InboxFilter{})[0].Error, "the quota is short")
		w := f.one()
		must(t, f.Postpone(ctx, w, "the quota is short", 20*time.Minute))
		f.add(delivery("d2", change(1)))
		again := f.one()
		equal(t, "causes", len(again.Causes), 2)
		if err := f.Postpone(ctx, w, "late", 0); !errors.Is(err, store.ErrLost) {
			t.Errorf("Postpone of what another has = %v, want ErrLost", err)
		}
	},
	"an event does not shorten a pause": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		must(t, f.Fail(ctx, f.one(), "limit", time.Minute))
		f.add(delivery("d2", change(1)))
		f.none()
		f.clock.pass(2 * time.Minute)
		equal(t, "causes", len(f.one().Causes), 2)
	},
	"what fails too often is a dead letter, tried hourly": func(t *testing.T, f *fixture) {
		f.dead()
		equal(t, "dead", len(f.inbox(store.InboxFilter{Standing: store.Dead})), 1)
		st, err := f.Stats(ctx)
		must(t, err)
		next, _, err := f.NextDue(ctx)
		must(t, err)
		equal(t, "Stats", st, store.Stats{Dead: 1, Next: next})
		f.clock.pass(50 * time.Minute)
		must(t, f.Mark(ctx, change(1))) // a sweep does not revive it
		f.none()
		f.clock.pass(11 * time.Minute)
		must(t, f.Fail(ctx, f.one(), "again", 0))
		f.clock.pass(50 * time.Minute)
		f.none()
	},
	"what finds deliveries that are missing is tried every five minutes, however often it failed": func(t *testing.T, f *fixture) {
		for _, kind := range []gate.MarkKind{gate.MarkCatchUp, gate.MarkSweep} {
			must(t, f.Mark(ctx, gate.Mark{Kind: kind, Forge: "github"}))
			for range 5 {
				must(t, f.Fail(ctx, f.one(), "no", 0))
				f.clock.pass(6 * time.Minute)
			}
			f.finish(f.one(), gate.Outcome{})
		}
	},
	"a delivery revives a dead letter": func(t *testing.T, f *fixture) {
		f.dead()
		f.add(delivery("new", change(1)))
		f.finish(f.one(), gate.Outcome{})
		equal(t, "inbox", len(f.inbox(store.InboxFilter{All: true})), 0)
	},
	"a dead letter that the forge puts off is tried every five minutes": func(t *testing.T, f *fixture) {
		f.dead()
		f.add(delivery("new", change(1)))
		must(t, f.Fail(ctx, f.one(), "limit", time.Second))
		f.clock.pass(4 * time.Minute)
		f.none()
		f.clock.pass(2 * time.Minute)
		f.one()
	},
	"a person revives dead letters, one or all": func(t *testing.T, f *fixture) {
		f.dead()
		item := f.inbox(store.InboxFilter{Standing: store.Dead})[0]
		n, err := f.Retry(ctx, item.ID, 999)
		if n != 1 || err != nil {
			t.Errorf("Retry(%d, 999) = %d, %v, want 1", item.ID, n, err)
		}
		w := f.one()
		equal(t, "Attempt", w.Attempt, 1)
		if n, _ := f.Retry(ctx, item.ID); n != 0 {
			t.Errorf("Retry of work that is held = %d, want 0", n)
		}
		must(t, f.Fail(ctx, w, "x", 0))
		n, err = f.Retry(ctx)
		if n != 1 || err != nil {
			t.Errorf("Retry() = %d, %v, want 1", n, err)
		}
		f.one()
	},
	"the queue is counted": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1), change(2), change(3)))
		f.clock.pass(5 * time.Second)
		f.claim(1)
		st, err := f.Stats(ctx)
		must(t, err)
		next, _, err := f.NextDue(ctx)
		must(t, err)
		equal(t, "Stats", st, store.Stats{Waiting: 2, Running: 1, Oldest: 5 * time.Second, Next: next})
		running := f.inbox(store.InboxFilter{Standing: store.Running})
		if len(running) != 1 || running[0].Holder == "" {
			t.Errorf("Inbox(running) = %+v, want one with a holder", running)
		}
		equal(t, "waiting", len(f.inbox(store.InboxFilter{Standing: store.Waiting})), 2)
		page := f.inbox(store.InboxFilter{Limit: 2})
		equal(t, "first page", len(page), 2)
		equal(t, "second page", len(f.inbox(store.InboxFilter{Limit: 2, After: page[1].ID})), 1)
	},
	"a hostile error text is made short and plain": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		must(t, f.Fail(ctx, f.one(), "a\x00b\xff\nc", 0))
		equal(t, "Error", f.inbox(store.InboxFilter{})[0].Error, "ab� c")
	},
	"bytes that are no text never fail a write, and name the same when they come again": func(t *testing.T, f *fixture) {
		odd := "a\x00b\xff\xc3\x28/\u202e"
		m := gate.Mark{Kind: gate.MarkBranch, Forge: "github", Repo: "acme/" + odd, Base: odd, Why: odd, Detail: odd, Commit: odd, Before: odd, By: odd}
		d := gate.Delivery{Forge: "github", ID: odd, Event: odd, Action: odd, Account: odd, Install: 7, Body: []byte(odd), Marks: []gate.Mark{m}}
		f.add(d)
		if added, err := f.Add(ctx, d); added || err != nil {
			t.Errorf("Add again = %v, %v, want it known", added, err)
		}
		w := f.one()
		f.finish(w, gate.Outcome{Note: odd, Branch: &gate.BranchSeen{Forge: "github", Repo: odd, Name: odd, Tip: odd, Policy: odd}, Entries: []gate.Entry{{Reason: odd}},
			Marks: []gate.Mark{with(change(1), func(m *gate.Mark) { m.Why, m.Detail = odd, odd })}})
		f.finish(f.one(), gate.Outcome{Decision: decision("a", 1, f.clock.Now()), Facts: []byte(odd), Sources: []byte(odd),
			Subject: &gate.SubjectState{Open: true, Head: odd, Base: odd, Author: odd, Title: odd}, Posted: []gate.Posted{{Name: odd, Commit: odd, Node: odd, State: odd}}})
		must(t, f.SetTag(ctx, "github", odd, odd, odd))
		if _, seen, err := f.LastTag(ctx, "github", odd, odd); !seen || err != nil {
			t.Errorf("LastTag = %v, %v, want it seen", seen, err)
		}
		if id, err := f.Installation(ctx, "github", odd); id != 7 || err != nil {
			t.Errorf("Installation = %d, %v", id, err)
		}
		if b, err := f.Branch(ctx, "github", odd, odd); b == nil || err != nil {
			t.Errorf("Branch = %v, %v", b, err)
		}
		if open, err := f.HasOpen(ctx, "github", "acme/Shop", odd); !open || err != nil {
			t.Errorf("HasOpen = %v, %v", open, err)
		}
	},
	"the store is ready": func(t *testing.T, f *fixture) { must(t, f.Ready(ctx)) },
}

// dead makes change 1 a dead letter.
func (f *fixture) dead() {
	f.t.Helper()
	f.add(delivery("d1", change(1)))
	for range 4 {
		must(f.t, f.Fail(ctx, f.one(), "no", 0))
		f.clock.pass(time.Minute)
	}
	f.none()
}
