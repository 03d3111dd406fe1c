package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// acts is what people said about a change: two comments may be worked off at once, and neither may undo the other unseen.
var acts = map[string]func(*testing.T, *fixture){
	"a comment on a change is unheard until it is worked off, or is a dead letter": func(t *testing.T, f *fixture) {
		unheard := func(n int) bool {
			t.Helper()
			a, err := f.Acts(ctx, checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindChange, Change: n})
			must(t, err)
			return a.Unheard
		}
		says := func(id string) {
			t.Helper()
			m := gate.Mark{Kind: gate.MarkComment, Forge: "github", Repo: "acme/shop", Change: 1, Comment: 7, Detail: "d"}
			_, err := f.Add(ctx, gate.Delivery{Forge: "github", ID: id, Event: "issue_comment", Body: []byte("{}"), Marks: []gate.Mark{m}})
			must(t, err)
		}
		equal(t, "before", unheard(1), false)
		says("a")
		equal(t, "received", unheard(1), true)
		equal(t, "on another change", unheard(11), false)
		w := f.claim(1)[0]
		equal(t, "taken", unheard(1), true)
		f.finish(w, gate.Outcome{})
		equal(t, "worked off", unheard(1), false)
		says("b")
		for range 12 {
			f.clock.pass(2 * time.Hour)
			must(t, f.Fail(ctx, f.claim(1)[0], "the forge is down", 0))
		}
		equal(t, "a dead letter", unheard(1), false)
	},
	"what people said is kept only if nobody said something else meanwhile": func(t *testing.T, f *fixture) {
		s := checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindChange, Change: 1}
		said := func(id string, n int64) gate.Work {
			t.Helper()
			m := gate.Mark{Kind: gate.MarkComment, Forge: "github", Repo: "acme/shop", Change: 1, Comment: n, Detail: "d"}
			if _, err := f.Add(t.Context(), gate.Delivery{Forge: "github", ID: id, Event: "issue_comment", Body: []byte("{}"), Marks: []gate.Mark{m}}); err != nil {
				t.Fatal(err)
			}
			works, err := f.Claim(t.Context(), 1, time.Minute)
			if err != nil || len(works) != 1 || works[0].Mark.Comment != n {
				t.Fatalf("Claim = %+v, %v", works, err)
			}
			return works[0]
		}
		seen := func() *string {
			t.Helper()
			a, err := f.Acts(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			return &a.Version
		}
		o := gate.Override{Check: "changelog", Commit: "c1", Base: "main", By: checks.Person{ID: 1}, People: 2, Comment: 1, At: f.clock.Now()}
		if err := f.Finish(t.Context(), said("a", 1), gate.Outcome{Overrides: []gate.Override{o}, Said: seen()}); err != nil {
			t.Fatal(err)
		}
		second, revoke := said("b", 2), said("c", 3) // two workers, and both have read the same
		before := seen()
		revoked, seconded := o, o
		revoked.Ended, revoked.Why = f.clock.Now(), "revoked"
		seconded.Second = &checks.Person{ID: 2}
		if err := f.Finish(t.Context(), revoke, gate.Outcome{Overrides: []gate.Override{revoked}, Said: before}); err != nil {
			t.Fatal(err)
		}
		if err := f.Finish(t.Context(), second, gate.Outcome{Overrides: []gate.Override{seconded}, Said: before}); !errors.Is(err, store.ErrChanged) {
			t.Errorf("Finish after another's = %v, want ErrChanged", err)
		}
		if a, err := f.Acts(t.Context(), s); err != nil || len(a.Overrides) != 0 {
			t.Errorf("Acts = %+v, %v; want the revoked override gone", a, err)
		}
		admin, writer := said("d", 4), said("e", 5)
		before = seen()
		if err := f.Finish(t.Context(), admin, gate.Outcome{Hold: &gate.Hold{Right: "admin"}, Said: before}); err != nil {
			t.Fatal(err)
		}
		if err := f.Finish(t.Context(), writer, gate.Outcome{Hold: &gate.Hold{Right: "write"}, Said: before}); !errors.Is(err, store.ErrChanged) {
			t.Errorf("Finish of a second hold = %v, want ErrChanged", err)
		}
		if a, err := f.Acts(t.Context(), s); err != nil || a.Hold == nil || a.Hold.Right != "admin" {
			t.Errorf("Acts = %+v, %v; want the first hold", a, err)
		}
	},
	"a comment is told with the head and target known when it came, and with what moved since": func(t *testing.T, f *fixture) {
		deliver := func(id string, m gate.Mark) {
			t.Helper()
			m.Forge, m.Repo, m.Change = "github", "acme/shop", 1
			if _, err := f.Add(t.Context(), gate.Delivery{Forge: "github", ID: id, Event: "x", Body: []byte("{}"), Marks: []gate.Mark{m}}); err != nil {
				t.Fatal(err)
			}
		}
		deliver("1", gate.Mark{Kind: gate.MarkChange, Commit: "c1", Why: "pull_request.opened"})
		works, err := f.Claim(t.Context(), 1, time.Minute)
		if err != nil || len(works) != 1 {
			t.Fatalf("Claim = %v, %v", works, err)
		}
		if err := f.Finish(t.Context(), works[0], gate.Outcome{Subject: &gate.SubjectState{Open: true, Head: "c1", Base: "main"}}); err != nil {
			t.Fatal(err)
		}
		deliver("2", gate.Mark{Kind: gate.MarkComment, Comment: 7, Detail: "d", Why: "issue_comment.created"})
		deliver("3", gate.Mark{Kind: gate.MarkChange, Commit: "c2", Why: "pull_request.synchronize", Detail: "2026-11-02T09:00:00Z"})
		deliver("4", gate.Mark{Kind: gate.MarkComment, Comment: 8, Detail: "d", Why: "issue_comment.created"})
		deliver("5", gate.Mark{Kind: gate.MarkChange, Commit: "c2", Why: "pull_request.edited", Detail: "base"})
		deliver("6", gate.Mark{Kind: gate.MarkComment, Comment: 9, Detail: "d", Why: "issue_comment.created"})
		works, err = f.Claim(t.Context(), 9, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		want := map[int64]struct {
			head, base string
			moved      bool
		}{7: {"c1", "main", true}, 8: {"c2", "main", true}, 9: {"c2", "", false}}
		for _, w := range works {
			if w.Mark.Kind != gate.MarkComment {
				continue
			}
			c, is := w.Causes[0], want[w.Mark.Comment]
			moved, arrived, err := f.Moved(t.Context(), c.Subject(), c.Receipt, c.Commit)
			if err != nil || c.Commit != is.head || c.Before != is.base || moved != is.moved {
				t.Errorf("comment %d: head %q, base %q, moved %v, %v; want %+v", w.Mark.Comment, c.Commit, c.Before, moved, err, is)
			}
			if c.Commit == "c2" && !arrived.Equal(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)) {
				t.Errorf("comment %d: the head arrived at %v", w.Mark.Comment, arrived)
			}
			delete(want, w.Mark.Comment)
		}
		if len(want) > 0 {
			t.Errorf("not claimed: %v", want)
		}
	},
}
