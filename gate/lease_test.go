package gate

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// heldQueue is a queue with one piece of work, which is somebody else's once it was lost.
type heldQueue struct {
	Queue
	extend           func(try int) error
	tries            int
	finished, failed error
	ended            []string
	marked           []Mark
	outcome          Outcome
}

func (q *heldQueue) Extend(context.Context, Work, time.Duration) error {
	q.tries++
	if q.extend == nil {
		return nil
	}
	return q.extend(q.tries)
}

func (q *heldQueue) Finish(_ context.Context, _ Work, o Outcome) error {
	q.ended, q.outcome = append(q.ended, "finish"), o
	return q.finished
}

func (q *heldQueue) Fail(context.Context, Work, string, time.Duration) error {
	q.ended = append(q.ended, "fail")
	return q.failed
}

func (q *heldQueue) Mark(_ context.Context, marks ...Mark) error {
	q.marked = append(q.marked, marks...)
	return nil
}

// pruning is a runner whose work is fn.
func pruning(q *heldQueue, fn func(ctx context.Context) error) *Runner {
	r := &Reconciler{Log: slog.New(slog.DiscardHandler), Now: time.Now, Prune: fn}
	return &Runner{Reconciler: r, Queue: q, Workers: 1, Lease: 30 * time.Second, Poll: time.Hour, Limit: time.Hour}
}

func TestALeaseIsBelievedInForAsLongAsItIsExtended(t *testing.T) {
	t.Parallel()
	cut := errors.New("the database does not answer")
	for name, x := range map[string]struct {
		extend func(try int) error
		want   time.Duration // how long the work believes, of the five minutes that it takes
	}{
		"extended all the time":                 {nil, 5 * time.Minute},
		"taken over":                            {func(int) error { return ErrLost }, 10 * time.Second},
		"never extended":                        {func(int) error { return cut }, 27 * time.Second},
		"not extended for a while":              {func(try int) error { return map[bool]error{true: cut}[try%3 == 1] }, 5 * time.Minute},
		"an answer that comes when it is over":  {func(int) error { time.Sleep(20 * time.Second); return nil }, 27 * time.Second},
		"an answer that comes late, and counts": {func(int) error { time.Sleep(5 * time.Second); return nil }, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began, until := time.Now(), time.Duration(0)
				q := &heldQueue{extend: x.extend}
				pruning(q, func(ctx context.Context) error {
					select {
					case <-ctx.Done():
						if Held(ctx) == nil {
							t.Error("it was cancelled, and may send all the same")
						}
					case <-time.After(5 * time.Minute):
						if err := Held(ctx); err != nil {
							t.Errorf("Held = %v while the lease is extended", err)
						}
					}
					until = time.Since(began)
					return ctx.Err()
				}).one(t.Context(), Work{Mark: Mark{Kind: MarkPrune}})
				time.Sleep(time.Minute) // what is asked late is answered
				if until != x.want {
					t.Errorf("it went on for %v, want %v", until, x.want)
				}
			})
		})
	}
}

// Time passes for the process without its timers being heard: what a frozen one sees when it goes on.
func TestWhoeverWasFrozenKnowsByTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, l, over := underLease(t.Context(), Work{}, 30*time.Second, time.Now().Add(-26*time.Second))
		defer over()
		if err := Held(ctx); err != nil {
			t.Errorf("Held = %v a second before", err)
		}
		l.timer.Stop() // not heard
		time.Sleep(time.Second)
		if err := Held(ctx); !errors.Is(err, ErrLapsed) {
			t.Errorf("Held = %v, want ErrLapsed", err)
		}
		l.renewed(time.Now())
		if err := Held(ctx); !errors.Is(err, ErrLapsed) {
			t.Errorf("Held = %v after an answer that came too late, want ErrLapsed", err)
		}
	})
	if err := Held(t.Context()); err != nil {
		t.Errorf("Held = %v under no lease", err)
	}
}

func TestWhatWasTakenOverIsLookedAtOnceMore(t *testing.T) {
	t.Parallel()
	mark := Mark{Kind: MarkChange, Forge: "nowhere", Repo: "acme/shop", Change: 7}
	q := &heldQueue{}
	run := pruning(q, nil)
	run.one(t.Context(), Work{Mark: mark, Taken: true})
	if n := len(q.outcome.Marks); n != 1 || q.outcome.Marks[0].Key() != mark.Key() || len(q.outcome.Delays) != 1 || q.outcome.Delays[0] != run.Lease {
		t.Errorf("taken over: marks %+v after %v, want one of itself a lease later", q.outcome.Marks, q.outcome.Delays)
	}
	again := Work{Mark: mark, Causes: []Mark{q.outcome.Marks[0]}}
	ctx, _, over := underLease(t.Context(), again, time.Minute, time.Now())
	defer over()
	if !Afresh(ctx) {
		t.Error("that look takes what is shown from memory")
	}
	if maybeIdle(again) {
		t.Error("that look may be spared")
	}
	q.outcome = Outcome{}
	run.one(t.Context(), again)
	if len(q.outcome.Marks) > 0 {
		t.Errorf("that look marks %+v, want nothing: it would never end", q.outcome.Marks)
	}
}

func TestWhoeverCameTooLateHasItLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &heldQueue{extend: func(int) error { return errors.New("cut off") }, failed: ErrLost}
		run := pruning(q, nil)
		run.Reconciler.Providers = map[string]Provider{"github": stuck{}}
		run.Reconciler.Memory = &memory{}
		run.one(t.Context(), Work{Mark: Mark{Kind: MarkChange, Forge: "github", Repo: "acme/shop", Change: 7}})
		if len(q.marked) != 1 || q.marked[0].Key() != "github:acme/shop#7" {
			t.Errorf("marked %+v, want the change", q.marked)
		}
	})
}

// stuck is a forge that does not answer.
type stuck struct{ Provider }

func (stuck) Facts(ctx context.Context, _ checks.Subject, _ string) (*checks.Facts, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
