package gate

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// Runner takes work from a queue and has it worked off, several pieces at a time, each by one worker at a time.
type Runner struct {
	Reconciler *Reconciler
	Queue      Queue
	Wake       <-chan struct{} // something new is due
	Workers    int
	Lease      time.Duration // a third of it passes between signs of life
	Poll       time.Duration // how often to look without being woken
	Limit      time.Duration // for one piece of work
	Drain      time.Duration // how long what is under way may go on after the end was asked for; 0: it is cancelled at once

	instead atomic.Pointer[Reconciler] // of Reconciler, since Use; work is told of, and written down, as before
}

// Use has what is taken up from now on worked off by another reconciler: the forges are others. What is under way ends with the
// one that it began with.
func (r *Runner) Use(x *Reconciler) { r.instead.Store(x) }

func (r *Runner) reconciler() *Reconciler {
	if x := r.instead.Load(); x != nil {
		return x
	}
	return r.Reconciler
}

// Run works until ctx is done, then waits for what is under way.
func (r *Runner) Run(ctx context.Context) error {
	free := semaphore.NewWeighted(int64(r.Workers))
	var under sync.WaitGroup
	defer under.Wait()
	work, end := r.outlasting(ctx)
	defer end()
	tick := time.NewTicker(r.Poll)
	defer tick.Stop()
	done := make(chan struct{}, 1)
	for {
		asked, taken := r.claim(ctx, work, free, &under, done)
		for asked > 0 && taken == asked {
			asked, taken = r.claim(ctx, work, free, &under, done)
		}
		var freed <-chan struct{}
		if taken == asked { // everybody is busy, so more may be due; else nothing is until somebody says so
			freed = done
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.Wake:
		case <-freed:
		case <-tick.C:
		}
	}
}

// claim asks for as much as there are free workers, and says how much it asked for and took.
func (r *Runner) claim(ctx, work context.Context, free *semaphore.Weighted, under *sync.WaitGroup, done chan<- struct{}) (asked, taken int) {
	n := 0
	for n < r.Workers && free.TryAcquire(1) {
		n++
	}
	if n == 0 || ctx.Err() != nil {
		free.Release(int64(n))
		return 0, 0
	}
	began := time.Now()
	works, err := r.Queue.Claim(ctx, n, r.Lease)
	free.Release(int64(n - len(works)))
	if err != nil {
		if ctx.Err() == nil {
			r.Reconciler.Log.Error("claim work", "err", err)
		}
		return n, 0
	}
	for _, w := range works {
		under.Go(func() {
			defer func() {
				free.Release(1)
				select {
				case done <- struct{}{}:
				default:
				}
			}()
			r.hold(work, w, began)
		})
	}
	return n, len(works)
}

// one works off one piece that was claimed just now.
func (r *Runner) one(ctx context.Context, w Work) { r.hold(ctx, w, time.Now()) }

// hold works off one piece, whose lease was asked for at that moment, and sees to it that it is finished or tried again,
// whatever happens.
func (r *Runner) hold(ctx context.Context, w Work, asked time.Time) {
	ctx, ended := r.Reconciler.Observe.began(ctx, w)
	work, cancel := context.WithTimeout(ctx, r.Limit)
	defer cancel()
	work, held, over := underLease(work, w, r.Lease, asked)
	defer over()
	stop := r.alive(work, cancel, w)
	out, err := r.guarded(work, w)
	stop()
	lapsed := held.check() != nil
	if lapsed && err != nil {
		err = fmt.Errorf("%w (%w)", ErrLapsed, err)
	}
	out = seenAgain(w, out, r.Lease)
	log := r.Reconciler.Log.With("work", w.Mark.Key(), "attempt", w.Attempt)
	// What was decided is written even while stopping: the forge may already show it.
	end, release := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer release()
	if err == nil {
		err = r.Queue.Finish(end, w, out)
	}
	r.worked(w, err)
	ended(err)
	if err == nil {
		r.lookAgain(end, w, out)
		log.Debug("worked off", "note", out.Note)
		return
	}
	var later *RetryError
	var after time.Duration
	if errors.As(err, &later) {
		after = later.After
	}
	if ctx.Err() != nil {
		after = time.Millisecond // stopping: whoever is there, or the next start, takes it up at once
	}
	if p, ok := r.Queue.(Postponer); ok && later != nil && later.Quota && ctx.Err() == nil {
		log.Info("waits for the forge's quota", "err", err)
		if err := p.Postpone(end, w, err.Error(), after); err != nil {
			log.Error("hand work back", "err", err)
		}
		return
	}
	log.Warn("will be tried again", "err", err)
	if lost := err; !errors.Is(lost, ErrLost) {
		if err = r.Queue.Fail(end, w, lost.Error(), after); err == nil {
			return
		}
	}
	if errors.Is(err, ErrLost) {
		if r.late(end, w); lapsed {
			return
		}
	}
	log.Error("hand work back", "err", err)
}

// late has somebody look at what this process did too late: what it sent while it still believed to hold the work, and was
// not answered, may have come after what its successor has sent since. A clock that was set may end a lease that it believed
// in to the end.
func (r *Runner) late(ctx context.Context, w Work) {
	if m, ok := lookedAt(w); ok {
		if err := r.Queue.Mark(ctx, m); err != nil {
			r.Reconciler.Log.Error("have late work looked at", "work", w.Mark.Key(), "err", err)
		}
	}
}

// outlasting goes on for some time after ctx has ended, so that what is under way can end.
func (r *Runner) outlasting(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.Drain <= 0 {
		return context.WithCancel(ctx)
	}
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		over := time.NewTimer(r.Drain)
		defer over.Stop()
		select {
		case <-over.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}

// lookAgain raises what was decided beside this, on the same commit and at the same time.
func (r *Runner) lookAgain(ctx context.Context, w Work, out Outcome) {
	marks, err := r.Reconciler.overlooked(ctx, out)
	if err == nil && len(marks) > 0 {
		err = r.Queue.Mark(ctx, marks...)
	}
	if err != nil { // the next sweep finds it
		r.Reconciler.Log.Error("look for changes with the same head", "work", w.Mark.Key(), "err", err)
	}
}

// guarded turns a panic into an error: one hostile change must not stop the others.
func (r *Runner) guarded(ctx context.Context, w Work) (out Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.Reconciler.Log.Error("panic", "work", w.Mark.Key(), "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("internal fault while working on %s; it is in the log", w.Mark.Key())
		}
	}()
	return r.reconciler().Work(ctx, w)
}

// alive extends the lease while the work goes on, and cancels the work when the lease was lost. A database that does not
// answer has until this process believes in its lease no more. Most work is over long before a third of the lease is: a timer
// costs it less than a goroutine that waits beside it.
func (r *Runner) alive(ctx context.Context, cancel context.CancelFunc, w Work) (stop func()) {
	held := leaseIn(ctx)
	ctx, end := context.WithCancel(ctx)
	var beat *time.Timer
	beat = time.AfterFunc(time.Hour, func() {
		if ctx.Err() != nil {
			return
		}
		next, asked := r.Lease/3, time.Now()
		switch err := r.Queue.Extend(ctx, w, r.Lease); {
		case err == nil:
			held.renewed(asked)
		case ctx.Err() != nil:
			return
		case held == nil, errors.Is(err, ErrLost):
			r.Reconciler.Log.Warn("lease lost", "work", w.Mark.Key(), "err", err)
			held.lose()
			cancel()
			return
		default:
			r.Reconciler.Log.Warn("lease not extended", "work", w.Mark.Key(), "err", err)
			next = r.Lease / 15
		}
		beat.Reset(next)
	})
	beat.Reset(r.Lease / 3) // only now may it go off: before, it had no name
	return func() {
		end()
		beat.Stop()
	}
}

func (r *Runner) worked(w Work, err error) {
	if r.Reconciler.Observe.Worked == nil {
		return
	}
	outcome := "done"
	if err != nil {
		outcome = "retry"
	}
	r.Reconciler.Observe.Worked(w.Mark.Kind, outcome)
}
