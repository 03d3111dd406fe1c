package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// notice is one for these targets.
func notice(f *fixture, of string, targets ...string) gate.Notification {
	return gate.NewNotification(gate.NoticeLive, of, gate.Notification{Forge: "github", Repo: "acme/shop", Environment: "production", At: f.clock.Now(), For: targets})
}

// untold are the ids that a target waits for.
func untold(f *fixture, target string) (ids []string) {
	f.t.Helper()
	list, err := f.Untold(ctx, target, 100)
	must(f.t, err)
	for _, u := range list {
		ids = append(ids, u.ID)
	}
	return ids
}

var notices = map[string]func(*testing.T, *fixture){
	"a notice is kept with its outcome, once for each target, and raises their work": func(t *testing.T, f *fixture) {
		n := notice(f, "p1", "chat", "mail")
		f.decided(1, gate.Outcome{Notices: []gate.Notification{n, n}})
		works := f.claim(10)
		var targets []string
		for _, w := range works {
			if w.Mark.Kind != gate.MarkNotice || w.Mark.Target != w.Mark.Key() {
				t.Errorf("claimed %+v, want work of telling a target", w.Mark)
			}
			targets = append(targets, w.Mark.Target)
		}
		equal(t, "targets", targets, []string{"chat", "mail"})
		list, err := f.Untold(ctx, "chat", 10)
		must(t, err)
		equal(t, "untold", list, []gate.Untold{{Notification: n, Kept: f.clock.Now().UTC()}})
	},
	"what tells of the same is not kept again, however it was told": func(t *testing.T, f *fixture) {
		for _, r := range []gate.Telling{{Err: "refused"}, {GivenUp: true, Err: "gone"}, {Done: true}} {
			f.decided(1, gate.Outcome{Notices: []gate.Notification{notice(f, "p1", "chat")}})
			for _, w := range f.claim(10) {
				f.finish(w, gate.Outcome{})
			}
			must(t, f.Told(ctx, "chat", notice(f, "p1").ID, r))
			f.clock.pass(time.Hour)
		}
		f.decided(1, gate.Outcome{Notices: []gate.Notification{notice(f, "p1", "chat", "mail")}})
		f.none()
		equal(t, "untold", untold(f, "chat"), nil)
	},
	"what was told stays told, whoever is late": func(t *testing.T, f *fixture) {
		n := notice(f, "p1", "chat", "mail")
		f.decided(1, gate.Outcome{Notices: []gate.Notification{n}})
		must(t, f.Told(ctx, "chat", n.ID, gate.Telling{Done: true}))
		must(t, f.Told(ctx, "chat", n.ID, gate.Telling{Err: "late"}))
		must(t, f.Told(ctx, "chat", n.ID, gate.Telling{GivenUp: true, Err: "late"}))
		equal(t, "untold of the one told", untold(f, "chat"), nil)
		equal(t, "untold of the other", untold(f, "mail"), []string{n.ID})
		lost, _, err := f.GaveUp(ctx, "chat", time.Time{})
		must(t, err)
		equal(t, "given up", lost, 0)
	},
	"tries are counted, the order is that of the keeping, and what was given up says why": func(t *testing.T, f *fixture) {
		var want []string
		for i := range 5 {
			n := notice(f, fmt.Sprint(i), "chat")
			want = append(want, n.ID)
			f.decided(1, gate.Outcome{Notices: []gate.Notification{n}})
			for _, w := range f.claim(10) {
				f.finish(w, gate.Outcome{})
			}
		}
		equal(t, "untold", untold(f, "chat"), want)
		for range 3 {
			must(t, f.Told(ctx, "chat", want[0], gate.Telling{Err: "refused"}))
		}
		list, err := f.Untold(ctx, "chat", 1)
		must(t, err)
		if len(list) != 1 || list[0].ID != want[0] || list[0].Tries != 3 {
			t.Errorf("Untold = %+v, want the first, tried 3 times", list)
		}
		must(t, f.Told(ctx, "chat", want[0], gate.Telling{GivenUp: true, Err: "it answered 404"}))
		lost, why, err := f.GaveUp(ctx, "chat", f.clock.Now().Add(-time.Hour))
		must(t, err)
		equal(t, "given up", fmt.Sprint(lost, why), "1it answered 404")
		if lost, _, err = f.GaveUp(ctx, "chat", f.clock.Now().Add(time.Second)); err != nil || lost != 0 {
			t.Errorf("given up since later = %d, %v", lost, err)
		}
	},
	"an outcome of work that was lost tells nobody": func(t *testing.T, f *fixture) {
		must(t, f.Mark(ctx, change(1)))
		w := f.one()
		f.clock.pass(2 * lease)
		f.one()
		if err := f.Finish(ctx, w, gate.Outcome{Notices: []gate.Notification{notice(f, "p1", "chat")}}); err == nil {
			t.Error("the work was lost, and finished all the same")
		}
		f.none()
		equal(t, "untold", untold(f, "chat"), nil)
	},
	"nothing is kept for nobody": func(t *testing.T, f *fixture) {
		f.decided(1, gate.Outcome{Notices: []gate.Notification{notice(f, "p1")}})
		f.decided(1, gate.Outcome{Notices: []gate.Notification{notice(f, "p1", "chat")}})
		equal(t, "untold", len(untold(f, "chat")), 1)
	},
	"a notice outlives a restart, and goes when it is old": func(t *testing.T, f *fixture) {
		f.decided(1, gate.Outcome{Notices: []gate.Notification{notice(f, "p1", "chat")}})
		f.reopen()
		equal(t, "due", f.one().Mark.Target, "chat")
		must(t, f.Prune(ctx, 400*day, 30*day))
		equal(t, "untold", len(untold(f, "chat")), 1)
		f.clock.pass(401 * day)
		must(t, f.Prune(ctx, 400*day, 30*day))
		equal(t, "untold", len(untold(f, "chat")), 0)
	},
}
