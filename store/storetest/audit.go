package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/store"
)

// whole verifies the audit log and returns its entries.
func (f *fixture) whole() []gate.Entry {
	f.t.Helper()
	must(f.t, f.VerifyAudit(ctx, &audit.Chain{}))
	return f.entries(store.AuditFilter{})
}

func (f *fixture) entries(filter store.AuditFilter) (entries []gate.Entry) {
	f.t.Helper()
	must(f.t, f.Audit(ctx, filter, func(k audit.Kept) error {
		e, err := audit.Open(k.Line)
		entries = append(entries, e)
		return err
	}))
	return entries
}

func reasons(entries []gate.Entry) (list []string) {
	for _, e := range entries {
		list = append(list, e.Reason)
	}
	return list
}

var audits = map[string]func(*testing.T, *fixture){
	"an entry is kept with its outcome, and comes back whole": func(t *testing.T, f *fixture) {
		e := gate.Entry{At: f.clock.Now().Add(-time.Hour), Kind: gate.EntryOverride, Forge: "github", Repo: "acme/Shop", Change: 7, Commit: "c1",
			Environment: "production", Who: gate.Who{ID: 42, Login: "Ana"}, Check: "changelog", Reason: "The \"pager\" rang – 水\u202e", URL: "https://x/1",
			Policy: "p", Command: "override", Outcome: "granted", Decision: "d"}
		f.decided(1, gate.Outcome{Entries: []gate.Entry{e, {Kind: gate.EntryFinding}}})
		got := f.whole()
		if len(got) != 2 || got[1].Prev != got[0].Hash || !got[1].At.Equal(f.clock.Now()) {
			t.Fatalf("the log holds %+v", got)
		}
		e.Seq, e.Hash = 1, got[0].Hash
		equal(t, "entry", got[0], e)
		end, err := f.AuditEnd(ctx)
		must(t, err)
		equal(t, "AuditEnd", end, audit.End{Seq: 2, Hash: got[1].Hash})
		f.reopen()
		must(t, f.Enter(ctx, gate.Entry{Kind: gate.EntryPolicy}))
		equal(t, "entries after a restart", len(f.whole()), 3)
	},
	"an empty log is whole, and has no end": func(t *testing.T, f *fixture) {
		end, err := f.AuditEnd(ctx)
		must(t, errors.Join(err, f.Enter(ctx)))
		equal(t, "AuditEnd", end, audit.End{})
		equal(t, "entries", len(f.whole()), 0)
	},
	"what was not finished is not entered, and leaves no gap": func(t *testing.T, f *fixture) {
		f.decided(1, gate.Outcome{Decision: decision("a", 1, f.clock.Now()), Entries: []gate.Entry{{Reason: "first"}}})
		must(t, f.Mark(ctx, change(2)))
		w := f.one()
		if f.Finish(ctx, w, gate.Outcome{Entries: []gate.Entry{{Reason: "never"}}, Decision: decision("a", 2, f.clock.Now())}) == nil {
			t.Fatal("Finish with a decision id that is taken succeeded")
		}
		stale := w
		stale.Token--
		if err := f.Finish(ctx, stale, gate.Outcome{Entries: []gate.Entry{{Reason: "never"}}}); !errors.Is(err, store.ErrLost) {
			t.Fatalf("Finish of lost work = %v, want ErrLost", err)
		}
		f.finish(w, gate.Outcome{Entries: []gate.Entry{{Reason: "second"}}})
		equal(t, "entries", reasons(f.whole()), []string{"first", "second"})
	},
	"many writers at once make one chain without gaps": func(t *testing.T, f *fixture) {
		var all sync.WaitGroup
		for p := range 8 {
			all.Go(func() {
				for i := range 25 {
					id := fmt.Sprintf("%d-%d", p, i)
					if err := f.Enter(ctx, gate.Entry{Reason: id + "a"}, gate.Entry{Reason: id + "b"}); err != nil {
						t.Error(err)
					}
					if err := f.VerifyAudit(ctx, &audit.Chain{}); i%10 == 0 && err != nil {
						t.Errorf("verified beside writers: %v", err)
					}
				}
			})
		}
		all.Wait()
		got := reasons(f.whole())
		equal(t, "entries", len(got), 400)
		slices.Sort(got)
		equal(t, "distinct entries", len(slices.Compact(got)), 400)
	},
	"hostile text is kept within bounds, and found again": func(t *testing.T, f *fixture) {
		odd := "\x00\xff" + strings.Repeat("\u202e", 3000)
		must(t, f.Enter(ctx, gate.Entry{Kind: "finding", Repo: odd, Who: gate.Who{Login: odd}, Check: odd, Reason: odd, URL: odd, Forge: odd, At: time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)}))
		got := f.whole()
		if len(got) != 1 || len([]rune(got[0].Reason)) != 1000 || !got[0].At.Equal(f.clock.Now()) {
			t.Errorf("the log holds %d entries, a reason of %d characters", len(got), len([]rune(got[0].Reason)))
		}
		equal(t, "by its own repository", len(f.entries(store.AuditFilter{Repo: got[0].Repo})), 1)
	},
	"entries are found by who, what, where and when": func(t *testing.T, f *fixture) {
		start := f.clock.Now()
		for _, e := range []gate.Entry{
			{Reason: "1", Kind: "override", Repo: "acme/Shop", Who: gate.Who{ID: 1, Login: "Ana"}, Check: "changelog"},
			{Reason: "2", Kind: "command", Repo: "acme/shop", Who: gate.Who{ID: 2, Login: "7"}, Check: "tagging"},
			{Reason: "3", Kind: "decision", Repo: "acme/other", Who: gate.Who{}},
			{Reason: "4", Kind: "override", Repo: "acme/other", Who: gate.Who{ID: 7, Login: "bo"}, Check: "changelog"},
			{Reason: "5", Kind: "override", Repo: "acme/other", Who: gate.Who{ID: 7, Login: "bob"}, Check: "changelog"},
			{Reason: "6", Kind: "release", Repo: "acme/names", Check: "sluice/Changelog"},
			{Reason: "7", Kind: "release", Repo: "acme/names", Check: "approval,sluice/changelog,tagging"},
			{Reason: "8", Kind: "release", Repo: "acme/names", Check: "changelogs,a_changelog,sluice/x%y"},
		} {
			must(t, f.Enter(ctx, e))
			f.clock.pass(time.Hour)
		}
		for _, c := range []struct {
			filter store.AuditFilter
			want   string
		}{
			{store.AuditFilter{}, "1 2 3 4 5 6 7 8"},
			{store.AuditFilter{After: 3}, "4 5 6 7 8"},
			{store.AuditFilter{Newest: 2}, "7 8"},
			{store.AuditFilter{Newest: 2, Repo: "ACME/shop"}, "1 2"},
			{store.AuditFilter{Who: "aNA"}, "1"},
			{store.AuditFilter{Who: "7", WhoID: 7}, "2 4 5"},
			{store.AuditFilter{Who: "0"}, ""},
			{store.AuditFilter{Check: "changelog"}, "1 4 5 6 7"},
			{store.AuditFilter{Check: "sluice/CHANGELOG", Newest: 2}, "6 7"},
			{store.AuditFilter{Check: "approval"}, "7"},
			{store.AuditFilter{Check: "tagging"}, "2 7"},
			{store.AuditFilter{Check: "a!changelog"}, ""},
			{store.AuditFilter{Check: "%"}, ""},
			{store.AuditFilter{Check: "change_og"}, ""},
			{store.AuditFilter{Check: "x%y"}, "8"},
			{store.AuditFilter{Check: "a_changelog"}, "8"},
			{store.AuditFilter{Kinds: []gate.EntryKind{"command", "decision"}}, "2 3"},
			{store.AuditFilter{Since: start.Add(time.Hour), Until: start.Add(3 * time.Hour)}, "2 3"},
			{store.AuditFilter{Kinds: []gate.EntryKind{"override"}, Repo: "acme/other", Who: "bob", Since: start}, "5"},
		} {
			equal(t, fmt.Sprintf("Audit(%+v)", c.filter), strings.Join(reasons(f.entries(c.filter)), " "), c.want)
		}
		for after, want := range map[time.Duration]int64{-time.Hour: 1, time.Hour: 2, 61 * time.Minute: 3, 24 * time.Hour: 0} {
			seq, err := f.AuditSince(ctx, start.Add(after))
			must(t, err)
			equal(t, fmt.Sprintf("AuditSince(%v)", after), seq, want)
		}
	},
	"a chain goes on from where it was": func(t *testing.T, f *fixture) {
		must(t, f.Enter(ctx, gate.Entry{Reason: "1"}, gate.Entry{Reason: "2"}))
		end, err := f.AuditEnd(ctx)
		must(t, err)
		must(t, f.Enter(ctx, gate.Entry{Reason: "3"}))
		c := audit.After(end)
		must(t, f.VerifyAudit(ctx, c))
		equal(t, "End", c.End().Seq, int64(3))
		for _, never := range []audit.End{{Seq: 1, Hash: end.Hash}, {Seq: 2, Hash: strings.Repeat("0", 64)}, {Seq: 4, Hash: end.Hash}} {
			var fault *audit.Fault
			if err := f.VerifyAudit(ctx, audit.After(never)); !errors.As(err, &fault) || fault.Seq != never.Seq {
				t.Errorf("after an end that never was, %v: %v, want a fault", never, err)
			}
		}
	},
	"pruning leaves the log alone": func(t *testing.T, f *fixture) {
		f.decided(1, gate.Outcome{Decision: decision("a", 1, f.clock.Now()), Entries: []gate.Entry{{Reason: "kept"}}})
		f.clock.pass(10 * 365 * 24 * time.Hour)
		must(t, f.Prune(ctx, time.Hour, time.Hour))
		equal(t, "entries", reasons(f.whole()), []string{"kept"})
	},
}
