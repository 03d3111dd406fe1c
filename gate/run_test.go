package gate

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"
)

// leases counts how often a lease was extended, and refuses once it was lost.
type leases struct {
	Queue
	extended chan struct{}
	left     int
}

func (l *leases) Extend(context.Context, Work, time.Duration) error {
	if l.left--; l.left < 0 {
		return errors.New("somebody else has it")
	}
	l.extended <- struct{}{}
	return nil
}

// The lease is extended again and again while the work goes on; when it is lost the work is cancelled.
func TestLeaseIsExtendedUntilItIsLost(t *testing.T) {
	t.Parallel()
	queue := &leases{extended: make(chan struct{}, 3), left: 3}
	r := &Runner{Reconciler: &Reconciler{Log: slog.New(slog.DiscardHandler)}, Queue: queue, Lease: 3 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	stop := r.alive(ctx, cancel, Work{})
	<-ctx.Done()
	stop()
	if n := len(queue.extended); n != 3 {
		t.Errorf("the lease was extended %d times before it was lost, want 3", n)
	}
}

// Work that has ended extends nothing and is not told of a loss.
func TestLeaseIsLeftAloneWhenTheWorkEnded(t *testing.T) {
	t.Parallel()
	queue := &leases{extended: make(chan struct{}, 1000), left: 1000}
	r := &Runner{Reconciler: &Reconciler{Log: slog.New(slog.DiscardHandler)}, Queue: queue, Lease: 3 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stop := r.alive(ctx, cancel, Work{})
	<-queue.extended
	stop()
	if ctx.Err() != nil {
		t.Error("work that had its lease was cancelled")
	}
}

// finishing takes in whatever is done.
type finishing struct{ Queue }

func (finishing) Finish(context.Context, Work, Outcome) error { return nil }

// What is taken up after Use is worked off by the other reconciler, and what is under way ends with the one that it began with.
func TestWorkGoesOnWithAnotherReconciler(t *testing.T) {
	t.Parallel()
	var did []string
	var r *Runner
	made := func(name string, during func()) *Reconciler {
		return &Reconciler{Log: slog.New(slog.DiscardHandler), Now: time.Now, Prune: func(context.Context) error {
			during()
			did = append(did, name)
			return nil
		}}
	}
	next := made("next", func() {})
	r = &Runner{Reconciler: made("first", func() { r.Use(next) }), Queue: finishing{}, Lease: time.Minute, Limit: time.Minute}
	for range 2 {
		r.one(t.Context(), Work{Mark: Mark{Kind: MarkPrune}})
	}
	if !slices.Equal(did, []string{"first", "next"}) {
		t.Errorf("the work was done by %v, want the first and then the next", did)
	}
}
