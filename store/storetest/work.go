package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

var work = map[string]func(*testing.T, *fixture){
	"a decision may be kept before its work is finished, once, by whoever holds the work": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		w := f.one()
		o := gate.Outcome{Decision: decision("a", 1, f.clock.Now()), Facts: []byte("f"), Sources: []byte("s"), Entries: []gate.Entry{{Reason: "opened"}}, Marks: []gate.Mark{change(2)}}
		must(t, f.Keep(ctx, w, o))
		d, sources, err := f.Latest(ctx, subject(1))
		if err != nil || d == nil || d.ID != o.Decision.ID || string(sources) != "s" {
			t.Errorf("Latest = %+v, %q, %v, want what was kept", d, sources, err)
		}
		o.Early, o.Entries, o.Marks = true, nil, nil
		o.Subject = &gate.SubjectState{Open: true, Head: "c1", Base: "main"}
		f.finish(w, o)
		equal(t, "entries", len(f.whole()), 1)
		st, err := f.State(ctx, subject(1))
		must(t, err)
		equal(t, "Decision of the state", st.Decision, o.Decision.ID)
		equal(t, "what it raised", f.one().Mark.Change, 2)
		o.Decision = decision("b", 1, f.clock.Now())
		if err := f.Keep(ctx, w, o); !errors.Is(err, store.ErrLost) {
			t.Errorf("Keep for work that was given back = %v, want ErrLost", err)
		}
	},
	"work that is held is nobody else's": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		f.one()
		f.none()
	},
	"events during a look bring exactly one more": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		w := f.one()
		f.clock.pass(time.Second)
		f.add(delivery("d2", change(1)))
		f.add(delivery("d3", change(1)))
		f.none()
		f.finish(w, gate.Outcome{})
		again := f.one()
		equal(t, "causes of the second look", len(again.Causes), 2)
		equal(t, "Since", again.Since, f.clock.Now())
		f.finish(again, gate.Outcome{})
		f.none()
	},
	"a lease that ran out lets another have it, and the first cannot finish": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		old := f.one()
		f.clock.pass(lease)
		young := f.one()
		equal(t, "Attempt", young.Attempt, 2)
		for name, err := range map[string]error{
			"Finish": f.Finish(ctx, old, gate.Outcome{Decision: decision("a", 1, f.clock.Now())}), "Extend": f.Extend(ctx, old, lease),
			"Fail": f.Fail(ctx, old, "x", 0), "Release": f.Release(ctx, old),
		} {
			if !errors.Is(err, store.ErrLost) {
				t.Errorf("%s with the old token = %v, want ErrLost", name, err)
			}
		}
		if d, _, _ := f.Latest(ctx, subject(1)); d != nil {
			t.Errorf("Latest = %v after a lost Finish, want nothing", d)
		}
		f.finish(young, gate.Outcome{})
		if err := f.Finish(ctx, young, gate.Outcome{}); !errors.Is(err, store.ErrLost) {
			t.Errorf("Finish a second time = %v, want ErrLost", err)
		}
	},
	"a lease that is extended holds": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		w := f.one()
		f.clock.pass(lease - time.Second)
		must(t, f.Extend(ctx, w, lease))
		f.clock.pass(lease - time.Second)
		f.none()
		f.finish(w, gate.Outcome{})
	},
	"an event does not shorten a lease": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		f.one()
		f.add(delivery("d2", change(1)))
		f.none()
		f.clock.pass(lease)
		equal(t, "causes after the lease", len(f.one().Causes), 2)
	},
	"a timer brings work back without an event": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		f.finish(f.one(), gate.Outcome{Next: f.clock.Now().Add(time.Minute), Note: "waits for a minute"})
		f.none()
		next, ok, err := f.NextDue(ctx)
		if want := f.clock.Now().Add(time.Minute); err != nil || !ok || !next.Equal(want) {
			t.Errorf("NextDue = %v, %v, %v, want %v", next, ok, err, want)
		}
		equal(t, "inbox without timers", len(f.inbox(store.InboxFilter{})), 0)
		all := f.inbox(store.InboxFilter{All: true})
		if len(all) != 1 || all[0].Standing != store.Scheduled || all[0].Note != "waits for a minute" {
			t.Errorf("Inbox(All) = %+v, want one scheduled", all)
		}
		f.clock.pass(time.Minute)
		f.finish(f.one(), gate.Outcome{})
		if _, ok, _ := f.NextDue(ctx); ok {
			t.Error("NextDue says something is due in an empty queue")
		}
	},
	"an event comes before a timer": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		f.finish(f.one(), gate.Outcome{Next: f.clock.Now().Add(time.Hour)})
		f.add(delivery("d2", change(1)))
		f.one()
	},
	"work that comes of work waits as long as it is told to": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", with(change(0), func(m *gate.Mark) { m.Kind, m.Base = gate.MarkBase, "main" })))
		f.finish(f.one(), gate.Outcome{Marks: []gate.Mark{change(2), change(1)}, Delays: []time.Duration{time.Second, 0}})
		equal(t, "first", f.one().Mark.Change, 1)
		f.clock.pass(time.Second)
		equal(t, "second", f.one().Mark.Change, 2)
	},
	"work may ask for itself again": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		f.finish(f.one(), gate.Outcome{Marks: []gate.Mark{change(1)}, Delays: []time.Duration{time.Minute}})
		f.none()
		f.clock.pass(time.Minute)
		f.one()
	},
	"the longest due is claimed first, and kinds are claimed in the order asked for": func(t *testing.T, f *fixture) {
		for i := range 3 {
			f.add(delivery(fmt.Sprint("c", i), change(i+1)))
			f.clock.pass(time.Second)
		}
		f.add(delivery("b", with(change(0), func(m *gate.Mark) { m.Kind, m.Base = gate.MarkBase, "main" })))
		equal(t, "longest due", f.one3(1)[0].Mark.Change, 1)
		works, err := f.ClaimKinds(ctx, 2, lease, gate.MarkBase, gate.MarkChange)
		must(t, err)
		if len(works) != 2 || works[0].Mark.Kind != gate.MarkBase || works[1].Mark.Change != 2 {
			t.Errorf("ClaimKinds(base, change) = %v", works)
		}
		works, err = f.ClaimKinds(ctx, 2, lease, gate.MarkTag)
		if err != nil || len(works) != 0 {
			t.Errorf("ClaimKinds(tag) = %v, %v, want none", works, err)
		}
	},
	"a process that starts frees what the last one held": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		old := f.one()
		f.reopen()
		young := f.one()
		equal(t, "Attempt", young.Attempt, 2)
		equal(t, "causes", len(young.Causes), 1)
		if err := f.Finish(ctx, old, gate.Outcome{}); !errors.Is(err, store.ErrLost) {
			t.Errorf("Finish with the token of the last process = %v, want ErrLost", err)
		}
	},
	"what may have killed the process twice waits a minute": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		for range 3 {
			f.one()
			f.reopen()
		}
		f.none()
		f.clock.pass(time.Minute)
		f.one()
	},
	"work that is released is due at once and has not failed": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", change(1)))
		must(t, f.Release(ctx, f.one()))
		equal(t, "Attempt", f.one().Attempt, 1)
	},
}

func (f *fixture) one3(n int) []gate.Work { return f.claim(n) }
