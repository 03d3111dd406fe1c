// Package storetest is the contract that every database under the store keeps: nothing acknowledged is lost, causes
// coalesce, one worker holds a subject at a time, whoever lost it cannot finish, and what is old goes.
//
// It refuses to know a dialect. It is imported by tests alone.
package storetest

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// Contract runs all of it. fresh returns the URL of a database that is empty and nobody else's.
func Contract(t *testing.T, fresh func(testing.TB) string) {
	for _, group := range []map[string]func(*testing.T, *fixture){deliveries, work, failures, records, recorded, branches, pruning, models, audits, releases, acts, notices, asks, promoted, beside, caught, accounts, setups, boards} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, newFixture(t, fresh(t)))
			})
		}
	}
	t.Run("killed at random, nothing acknowledged is lost", func(t *testing.T) { kills(t, fresh(t)) })
}

// fixture is an open store with a clock that only moves when told to.
type fixture struct {
	t     *testing.T
	url   string
	clock *clock
	*store.Store
}

type clock struct {
	sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.Lock()
	defer c.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.Lock()
	defer c.Unlock()
	c.now = c.now.Add(d)
}

func newFixture(t *testing.T, url string) *fixture {
	f := &fixture{t: t, url: url, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	f.open()
	t.Cleanup(func() { f.Close() })
	return f
}

func (f *fixture) open() {
	f.t.Helper()
	s, err := store.Open(context.Background(), store.Options{URL: f.url, Now: f.clock.Now, DeadAfter: 4,
		Targets: func(n gate.Notification) []string { return n.For }})
	must(f.t, err)
	f.Store = s
}

func (f *fixture) reopen() {
	f.t.Helper()
	must(f.t, f.Close())
	f.open()
}

const lease = 30 * time.Second

func (f *fixture) claim(n int) []gate.Work {
	f.t.Helper()
	works, err := f.Claim(context.Background(), n, lease)
	must(f.t, err)
	return works
}

// one claims what must be the only due piece of work.
func (f *fixture) one() gate.Work {
	f.t.Helper()
	works := f.claim(10)
	if len(works) != 1 {
		f.t.Fatalf("Claim(10) = %d pieces of work, want 1: %v", len(works), works)
	}
	return works[0]
}

func (f *fixture) none() {
	f.t.Helper()
	if works := f.claim(10); len(works) != 0 {
		f.t.Fatalf("Claim(10) = %v, want nothing due", works)
	}
}

func (f *fixture) finish(w gate.Work, o gate.Outcome) {
	f.t.Helper()
	must(f.t, f.Finish(context.Background(), w, o))
}

func (f *fixture) add(d gate.Delivery) {
	f.t.Helper()
	added, err := f.Add(context.Background(), d)
	must(f.t, err)
	if !added {
		f.t.Fatalf("Add(%s) = false, want it added", d.ID)
	}
}

func (f *fixture) inbox(filter store.InboxFilter) []store.Item {
	f.t.Helper()
	items, err := f.Inbox(context.Background(), filter)
	must(f.t, err)
	return items
}

func delivery(id string, marks ...gate.Mark) gate.Delivery {
	return gate.Delivery{Forge: "github", ID: id, Event: "pull_request", Action: "opened", Body: []byte(`{"a":1}`), Marks: marks}
}

func change(n int) gate.Mark {
	return gate.Mark{Kind: gate.MarkChange, Forge: "github", Repo: "acme/Shop", Change: n, Why: "pull_request.opened", Installation: 7}
}

func with(m gate.Mark, edit func(*gate.Mark)) gate.Mark { edit(&m); return m }

func subject(n int) checks.Subject { return change(n).Subject() }

func decision(id string, n int, at time.Time) *gate.Decision {
	return &gate.Decision{ID: strings.Repeat(id, 32)[:32], Subject: subject(n), Commit: "c1", At: at, Open: true,
		Verdicts: []checks.Verdict{{Check: "tagging", Outcome: checks.Pass, Reason: "fine"}}, Policy: "p", Facts: "f", Digest: "d" + id}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		_, file, line, _ := runtime.Caller(2)
		t.Fatalf("%s:%d: %v", filepath.Base(file), line, err)
	}
}

func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s = %+v, want %+v", what, got, want)
	}
}

func ids(n int, format string) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(format, i))
	}
	return all
}
