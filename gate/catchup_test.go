package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// logbook is a forge's log of deliveries, the newest first, and an inbox.
type logbook struct {
	mu      sync.Mutex
	now     time.Time
	ahead   time.Duration // of our own clock
	asked   time.Time     // when Sluice was started for the first time; zero: now
	slow    time.Duration // the forge takes as long to answer first
	entries []Logged
	gone    map[int64]bool
	broken  map[int64]error
	kept    map[string]bool
	order   []string
	until   time.Time
	lists   int
	fetches int
}

func (b *logbook) Logged(_ context.Context, from string) (*LogPage, error) {
	if b.lists++; b.lists == 1 {
		b.now = b.now.Add(b.slow)
	}
	at := 0
	if from != "" {
		fmt.Sscan(from, &at)
	}
	end := min(at+100, len(b.entries))
	page := &LogPage{At: b.now, Entries: b.entries[at:end]}
	if end < len(b.entries) {
		page.Next = fmt.Sprint(end)
	}
	return page, nil
}

func (b *logbook) Fetch(_ context.Context, id int64) (string, []byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fetches++
	if b.gone[id] {
		return "", nil, fmt.Errorf("%w: it", ErrGone)
	}
	return "pull_request", []byte("{}"), b.broken[id]
}

func (b *logbook) Reads(event string) bool { return event != "ping" }

func (b *logbook) Take(_ context.Context, _, guid string, _ []byte) (bool, error) {
	added := !b.kept[guid]
	b.kept[guid] = true
	b.order = append(b.order, guid)
	return added, nil
}

func (b *logbook) Had(_ context.Context, _ string, guids []string) (map[string]bool, error) {
	had := map[string]bool{}
	for _, g := range guids {
		had[g] = b.kept[g]
	}
	return had, nil
}

func (b *logbook) Caught(context.Context, string) (time.Time, error) { return b.until, nil }

func (b *logbook) Catch(_ context.Context, _ string, at time.Time) error { b.until = at; return nil }

// logs adds entries, one a second up to now, and says how they are called.
func (b *logbook) logs(n int, event string) (guids []string) {
	for range n {
		b.now = b.now.Add(time.Second)
		id := int64(len(b.entries) + 1)
		b.entries = slices.Insert(b.entries, 0, Logged{ID: id, GUID: fmt.Sprint("guid-", id), Event: event, At: b.now})
		guids = append(guids, fmt.Sprint("guid-", id))
	}
	return guids
}

func newLogbook() *logbook {
	return &logbook{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), kept: map[string]bool{}, gone: map[int64]bool{}, broken: map[int64]error{}}
}

func (b *logbook) look(t *testing.T, why string, pull bool) (Outcome, time.Duration, error) {
	t.Helper()
	r := &Reconciler{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return b.now.Add(b.ahead) },
		Missed: map[string]Missed{"github": {Ledger: b, Intake: b, Receipts: b, Pull: pull}}}
	b.lists, b.fetches, b.order = 0, 0, nil
	out, err := r.Work(t.Context(), Work{Mark: Mark{Kind: MarkCatchUp, Forge: "github"}, Causes: []Mark{{Why: why}}, Since: cmp.Or(b.asked, b.now).Add(b.ahead)})
	return out, out.Next.Sub(b.now.Add(b.ahead)), err
}

// Where no look has come to its end yet, all is wanted that was sent since Sluice was started for the first time, whatever was
// received since and whatever our own clock says; what was sent before anybody was there to read it is not, but for where the
// App is installed.
func TestNoLookWasEverThrough(t *testing.T) {
	t.Parallel()
	b := newLogbook()
	b.ahead, b.slow = 3*time.Hour, 5*time.Second
	before := b.logs(1, "issue_comment")
	installed := b.logs(1, "installation")
	b.now = b.now.Add(10 * time.Minute)
	b.asked = b.now
	missed := b.logs(1, "issue_comment")
	b.now = b.now.Add(10 * time.Minute)
	missed = append(missed, b.logs(150, "pull_request")...)
	b.now = b.now.Add(10 * time.Minute)
	b.kept[b.logs(1, "pull_request")[0]] = true
	if _, _, err := b.look(t, "start", false); err != nil {
		t.Fatal(err)
	}
	if want := append(installed, missed...); !slices.Equal(b.order, want) {
		t.Errorf("taken in: %v, want %v", b.order, want)
	}
	if b.kept[before[0]] || !b.until.Equal(b.now) {
		t.Errorf("what was said before there was anybody to read it is taken in: %v; read up to %v, want %v", b.kept[before[0]], b.until, b.now)
	}
}

func TestMissedDeliveriesAreTakenInOnceAndInOrder(t *testing.T) {
	t.Parallel()
	b := newLogbook()
	for _, g := range b.logs(3, "pull_request") { // these arrived
		b.kept[g] = true
	}
	b.until = b.now
	missed := b.logs(60, "pull_request")
	b.logs(2, "ping")
	b.entries = slices.Insert(b.entries, 0, Logged{ID: 999, GUID: missed[7], Event: "pull_request", At: b.now}) // made anew, in vain
	out, next, err := b.look(t, "start", false)
	if err != nil || b.lists != 1 || b.fetches != 60 {
		t.Fatalf("looked with %d lists and %d fetches (%v), want 1 and 60", b.lists, b.fetches, err)
	}
	for _, g := range missed {
		if !b.kept[g] {
			t.Errorf("%s was not taken in: %s", g, out.Note)
		}
	}
	if next != catchSoon {
		t.Errorf("after something was missed the next look is in %v, want %v", next, catchSoon)
	}
	rest := slices.DeleteFunc(slices.Clone(missed), func(g string) bool { return g == missed[7] })
	if got := slices.DeleteFunc(b.order, func(g string) bool { return g == missed[7] }); !slices.Equal(got, rest) {
		t.Errorf("taken in as %v, want in the order in which they happened", got)
	}
	if _, next, err = b.look(t, "timer", false); err != nil || b.lists != 1 || b.fetches != 0 || next != catchEvery {
		t.Errorf("the next look: %d lists, %d fetches, the one after in %v (%v); want 1, 0, %v", b.lists, b.fetches, next, err, catchEvery)
	}
}

// A start looks no further than the first page on which nothing is missing, and what is further back is looked at later.
func TestAStartIsQuickAndNothingIsLeftOut(t *testing.T) {
	t.Parallel()
	b := newLogbook()
	b.until = b.now
	early := b.logs(1, "pull_request")[0] // lost, long before the server went down
	for _, g := range b.logs(400, "pull_request") {
		b.kept[g] = true
	}
	b.logs(10, "pull_request")
	until := b.until
	if _, next, err := b.look(t, "start", false); err != nil || b.lists != 2 || b.fetches != 10 || next != catchSoon || !b.until.Equal(until) {
		t.Fatalf("a start: %d lists, %d fetches, next in %v (%v); want 2, 10, %v, and the look that follows begins at the same place", b.lists, b.fetches, next, err, catchSoon)
	}
	if _, _, err := b.look(t, "timer", false); err != nil || !b.kept[early] || b.lists != 5 || b.fetches != 1 || !b.until.Equal(b.now) {
		t.Errorf("the look after it: %d lists, %d fetches (%v), want 5 and 1", b.lists, b.fetches, err)
	}
}

func TestWhatCannotBeFetchedHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	b := newLogbook()
	b.until = b.now
	guids := b.logs(40, "push")
	b.gone[3], b.broken[5] = true, errors.New("502 Bad Gateway")
	until := b.until
	if _, _, err := b.look(t, "timer", false); err == nil || !b.until.Equal(until) {
		t.Fatalf("a look that could not fetch one: %v, and goes on from %v; want an error, and from %v", err, b.until, until)
	}
	if len(b.order) != 38 || b.kept[guids[4]] {
		t.Errorf("%d taken in, want all 38 others", len(b.order))
	}
	delete(b.broken, 5)
	if _, _, err := b.look(t, "timer", false); err != nil || !b.kept[guids[4]] || b.fetches != 2 {
		t.Errorf("the next look: %d fetches (%v), want those two", b.fetches, err)
	}
}

// What people wrote before there was a server is no command; where the App was installed is worth knowing.
func TestTheFirstLookTakesInstallationsAlone(t *testing.T) {
	t.Parallel()
	b := newLogbook()
	comment, install := b.logs(1, "issue_comment")[0], b.logs(1, "installation")[0]
	if _, _, err := b.look(t, "start", false); err != nil || b.kept[comment] || !b.kept[install] || b.until.IsZero() {
		t.Errorf("the first look took in %v (%v), want %s", b.order, err, install)
	}
}

func TestADeliveryOnItsWayIsLeftToArrive(t *testing.T) {
	t.Parallel()
	b := newLogbook()
	b.until = b.now
	guid := b.logs(1, "push")[0]
	b.entries[0].Pending = true
	if _, _, err := b.look(t, "timer", false); err != nil || b.fetches != 0 {
		t.Errorf("%d fetched (%v), want none", b.fetches, err)
	}
	b.now = b.now.Add(time.Minute)
	if _, _, err := b.look(t, "timer", false); err != nil || !b.kept[guid] {
		t.Errorf("a minute later it was not taken in (%v)", err)
	}
}

// Down for longer than the log is kept: the sweep has to find what can be found, and it is said that the rest is lost.
func TestAGapInTheLogIsSaidAndSwept(t *testing.T) {
	t.Parallel()
	b := newLogbook()
	b.until = b.now
	b.now = b.now.Add(4 * 24 * time.Hour)
	b.logs(2, "push")
	out, _, err := b.look(t, "start", false)
	if err != nil || len(b.order) != 2 || !strings.Contains(out.Note, "reading all that is open anew") {
		t.Errorf("a look after four days: %q (%v)", out.Note, err)
	}
	if !slices.ContainsFunc(out.Marks, func(m Mark) bool { return m.Kind == MarkSweep && m.Forge == "github" }) {
		t.Errorf("it marked %v, want a sweep", out.Marks)
	}
	if out, _, err = b.look(t, "timer", false); err != nil || len(out.Marks) > 0 {
		t.Errorf("the look after that marked %v (%v), want nothing", out.Marks, err)
	}
}

// A log in which nothing happened for long is no gap.
func TestAnIdleLogIsNoGap(t *testing.T) {
	t.Parallel()
	b := newLogbook()
	for range 5 {
		b.until = b.now
		b.now = b.now.Add(24 * time.Hour)
		if out, _, err := b.look(t, "timer", false); err != nil || len(out.Marks) > 0 || !b.until.Equal(b.now) {
			t.Fatalf("an empty log: %q, %v (%v)", out.Note, out.Marks, err)
		}
	}
}

// With no way in the log is asked often while something happens, and seldom while nothing does.
func TestPullingSlowsDown(t *testing.T) {
	t.Parallel()
	b := newLogbook()
	b.until = b.now
	b.logs(1, "push")
	for _, x := range []struct{ idle, want time.Duration }{{0, pullFast}, {time.Minute, pullFast}, {5 * time.Minute, 30 * time.Second}, {time.Hour, pullSlow}} {
		b.now = b.entries[0].At.Add(x.idle)
		if _, next, err := b.look(t, "timer", true); err != nil || next != x.want {
			t.Errorf("idle for %v: asks again in %v (%v), want %v", x.idle, next, err, x.want)
		}
	}
}
