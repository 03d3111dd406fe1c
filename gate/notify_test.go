package gate_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// told is a target and what is kept for it, with a clock that moves when told to.
type told struct {
	now     time.Time
	waiting []gate.Untold
	ends    []string // id and what came of it, in the order of the ends
	tries   []string // ids, in the order of the tries
	answer  func(try int, id string) error
	lost    int
}

func (b *told) Serves(target string) bool { return target == "chat" }

func (b *told) Tell(_ context.Context, _ string, n gate.Notification) error {
	b.tries = append(b.tries, n.ID)
	return b.answer(len(b.tries), n.ID)
}

func (b *told) Untold(_ context.Context, _ string, limit int) ([]gate.Untold, error) {
	return slices.Clone(b.waiting[:min(limit, len(b.waiting))]), nil
}

func (b *told) Told(_ context.Context, _, id string, r gate.Telling) error {
	i := slices.IndexFunc(b.waiting, func(u gate.Untold) bool { return u.ID == id })
	b.waiting[i].Tries++
	if r.Done || r.GivenUp {
		b.waiting = slices.Delete(b.waiting, i, i+1)
		b.ends = append(b.ends, fmt.Sprintf("%s %t %s", id, r.Done, r.Err))
	}
	if r.GivenUp {
		b.lost++
	}
	return nil
}

func (b *told) GaveUp(context.Context, string, time.Time) (int, string, error) {
	return b.lost, "it said so", nil
}

func (b *told) work(t *testing.T, ctx context.Context, edit ...func(*gate.Reconciler)) (gate.Outcome, error) {
	t.Helper()
	r := &gate.Reconciler{Outbox: b, Messenger: b, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return b.now }}
	for _, e := range edit {
		e(r)
	}
	return r.Work(ctx, gate.Work{Mark: gate.Mark{Kind: gate.MarkNotice, Target: "chat"}})
}

func waits(n int, answer func(try int, id string) error) *told {
	b := &told{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), answer: answer}
	for i := range n {
		b.waiting = append(b.waiting, gate.Untold{Notification: gate.Notification{ID: fmt.Sprint("n", i)}, Kept: b.now})
	}
	return b
}

func takes(int, string) error { return nil }

func TestNoticesAreToldInOrderAndOnce(t *testing.T) {
	t.Parallel()
	b := waits(45, takes)
	for rounds := 1; ; rounds++ {
		out, err := b.work(t, t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if out.Next.IsZero() {
			break
		}
		if !out.Next.Equal(b.now) || rounds > 5 {
			t.Fatalf("round %d ends with %+v, want the rest at once", rounds, out)
		}
	}
	var want []string
	for i := range 45 {
		want = append(want, fmt.Sprint("n", i))
	}
	if !slices.Equal(b.tries, want) {
		t.Errorf("tries = %v, want each once and in order", b.tries)
	}
}

func TestANoticeThatDoesNotGetThroughHoldsUpTheOthers(t *testing.T) {
	t.Parallel()
	b := waits(2, func(try int, _ string) error {
		if try <= 12 {
			return errors.New("it answered 500")
		}
		return nil
	})
	want := time.Second
	for range 12 {
		_, err := b.work(t, t.Context())
		var later *gate.RetryError
		if !errors.As(err, &later) || later.After != want {
			t.Fatalf("after %d tries: %v, want again in %v", len(b.tries), err, want)
		}
		want = min(2*want, 5*time.Minute)
	}
	if _, err := b.work(t, t.Context()); err != nil || len(b.waiting) != 0 {
		t.Errorf("Work = %v with %d waiting, want both told", err, len(b.waiting))
	}
	if slices.Contains(b.tries[:12], "n1") {
		t.Errorf("tries = %v, want the second only after the first", b.tries)
	}
}

func TestTheTargetNamesThePause(t *testing.T) {
	t.Parallel()
	for asked, want := range map[time.Duration]time.Duration{time.Minute: time.Minute, 100 * time.Hour: time.Hour} {
		b := waits(1, func(int, string) error { return &gate.RetryError{After: asked, Err: errors.New("it answered 429")} })
		_, err := b.work(t, t.Context())
		var later *gate.RetryError
		if !errors.As(err, &later) || later.After != want {
			t.Errorf("Work = %v, want again in %v", err, want)
		}
	}
}

func TestWhatWillNotBeTakenIsGivenUpAndTheNextIsTold(t *testing.T) {
	t.Parallel()
	b := waits(2, func(_ int, id string) error {
		if id == "n0" {
			return fmt.Errorf("%w: it answered 404", gate.ErrUndeliverable)
		}
		return nil
	})
	out, err := b.work(t, t.Context())
	if err != nil || !slices.Equal(b.ends, []string{"n0 false it will not be taken: it answered 404", "n1 true "}) {
		t.Errorf("Work = %v, ended %q", err, b.ends)
	}
	if !strings.Contains(out.Note, "1 given up in the last 7 days, the last because it said so") || out.Next.IsZero() {
		t.Errorf("outcome = %+v, want it kept in the inbox with a note", out)
	}
}

func TestOldNewsIsGivenUpOnceItWasTried(t *testing.T) {
	t.Parallel()
	b := waits(2, func(int, string) error { return errors.New("it answered 500") })
	b.now = b.now.Add(25 * time.Hour)
	if _, err := b.work(t, t.Context()); err != nil || len(b.tries) != 2 || len(b.ends) != 2 {
		t.Errorf("Work = %v, tried %v, ended %q, want both tried once and given up", err, b.tries, b.ends)
	}
}

func TestStoppingBeginsNoOtherNotice(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b := waits(2, func(int, string) error { cancel(); return nil })
	if _, err := b.work(t, ctx); !errors.Is(err, context.Canceled) || len(b.ends) != 1 || len(b.waiting) != 1 || b.waiting[0].Tries != 0 {
		t.Errorf("Work = %v, ended %q, waiting %+v, want the first told and the second untouched", err, b.ends, b.waiting)
	}
}

func TestWhatWasToldWhileStoppingIsWrittenDown(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b := waits(1, func(int, string) error { cancel(); return nil })
	if out, err := b.work(t, ctx); err != nil || len(b.ends) != 1 {
		t.Errorf("Work = %+v, %v, ended %q, want it told", out, err, b.ends)
	}
}

func TestADryRunTellsNobody(t *testing.T) {
	t.Parallel()
	b := waits(1, takes)
	out, err := b.work(t, t.Context(), func(r *gate.Reconciler) { r.DryRun = true })
	if err != nil || len(b.tries) != 0 || !strings.Contains(out.Note, "dry run") {
		t.Errorf("Work = %+v, %v, tried %v", out, err, b.tries)
	}
}

func TestATargetThatIsConfiguredNoMoreIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := waits(1, takes)
	_, err := b.work(t, t.Context(), func(r *gate.Reconciler) { r.Messenger = nil })
	if err != nil || len(b.tries) != 0 || len(b.waiting) != 1 {
		t.Errorf("Work = %v, tried %v, waiting %v", err, b.tries, b.waiting)
	}
}

func TestANoticeIsNamedByWhatItTells(t *testing.T) {
	t.Parallel()
	base := gate.Notification{Forge: "github", Repo: "acme/shop", Environment: "production", Why: "first", At: time.Unix(1, 0)}
	again := base
	again.Repo, again.Why, again.At = "ACME/Shop", "found again", time.Unix(99, 0)
	if a, b := gate.NewNotification(gate.NoticeLive, "p1", base), gate.NewNotification(gate.NoticeLive, "p1", again); a.ID != b.ID {
		t.Errorf("the same happening has two names: %s, %s", a.ID, b.ID)
	}
	seen := map[string]string{}
	for what, n := range map[string]gate.Notification{
		"live":            gate.NewNotification(gate.NoticeLive, "p1", base),
		"failed":          gate.NewNotification(gate.NoticeFailed, "p1", base),
		"another":         gate.NewNotification(gate.NoticeLive, "p2", base),
		"elsewhere":       gate.NewNotification(gate.NoticeLive, "p1", gate.Notification{Forge: "github", Repo: "acme/shop", Environment: "staging"}),
		"quoted together": gate.NewNotification(gate.NoticeLive, `p1" "`, base),
	} {
		if had, ok := seen[n.ID]; ok {
			t.Errorf("%s and %s have one name", what, had)
		}
		seen[n.ID] = what
	}
}

func TestANoticeIsBoundedAndPlain(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	people := make([]string, 500)
	n := gate.NewNotification(gate.NoticeWaiting, "p", gate.Notification{Environment: "prod\r\nBcc: a@b", Why: long + "\u202e", Who: checks.Person{Login: "a\nb"},
		For: people, Page: "javascript:alert(1)", ChangePage: "https://github.com/acme/shop/pull/1"})
	if strings.ContainsAny(n.Environment+n.Who.Login+n.Why, "\r\n\u202e") || len(n.Why) > 700 || len(n.For) > 20 || n.Page != "" || n.ChangePage == "" {
		t.Errorf("notice = %+v", n)
	}
}
