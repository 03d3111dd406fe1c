package gate

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
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
}

// Run works until ctx is done, then waits for what is under way.
func (r *Runner) Run(ctx context.Context) error {
	free := semaphore.NewWeighted(int64(r.Workers))
	var under sync.WaitGroup
	defer under.Wait()
	tick := time.NewTicker(r.Poll)
	defer tick.Stop()
	done := make(chan struct{}, 1)
	for {
		asked, taken := r.claim(ctx, free, &under, done)
		for asked > 0 && taken == asked {
			asked, taken = r.claim(ctx, free, &under, done)
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
func (r *Runner) claim(ctx context.Context, free *semaphore.Weighted, under *sync.WaitGroup, done chan<- struct{}) (asked, taken int) {
	n := 0
	for n < r.Workers && free.TryAcquire(1) {
		n++
	}
	if n == 0 || ctx.Err() != nil {
		free.Release(int64(n))
		return 0, 0
	}
	sent := time.Now()
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
			r.until(ctx, w, r.believed(sent))
		})
	}
	return n, len(works)
}

// one works off one piece that was claimed just now.
func (r *Runner) one(ctx context.Context, w Work) { r.until(ctx, w, r.believed(time.Now())) }

// until works off one piece, held until then unless the lease is extended, and sees to it that it is finished or tried again,
// whatever happens.
func (r *Runner) until(ctx context.Context, w Work, until time.Time) {
	work, cancel := context.WithTimeout(ctx, r.Limit)
	defer cancel()
	stop := r.alive(work, cancel, w, until)
	out, err := r.guarded(work, w)
	stop()
	log := r.Reconciler.Log.With("work", w.Mark.Key(), "attempt", w.Attempt)
	// What was decided is written even while stopping: the forge may already show it.
	end, release := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer release()
	if err == nil {
		err = r.Queue.Finish(end, w, out)
	}
	r.worked(w, err)
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
		after = time.Millisecond // stopping: the next start takes it up at once
	}
	log.Warn("will be tried again", "err", err)
	if err := r.Queue.Fail(end, w, err.Error(), after); err != nil {
		log.Error("hand work back", "err", err)
	}
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
	return r.Reconciler.Work(ctx, w)
}

// alive extends the lease while the work goes on, and cancels the work when the lease was lost, or when by this process's own
// monotonic clock it may be: who stood still, or is cut off from the store, acts no more on what others may hold by now. It
// counts from before the store was asked, for that is the least that the store can have counted from.
func (r *Runner) alive(ctx context.Context, cancel context.CancelFunc, w Work, until time.Time) (stop func()) {
	ctx, end := context.WithCancel(ctx)
	over := time.AfterFunc(time.Until(until), func() {
		if ctx.Err() == nil {
			r.Reconciler.Log.Warn("lease over", "work", w.Mark.Key())
			cancel()
		}
	})
	go func() {
		defer over.Stop()
		t := time.NewTicker(r.Lease / 3)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				sent := time.Now()
				err := r.Queue.Extend(ctx, w, r.Lease)
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					r.Reconciler.Log.Warn("lease lost", "work", w.Mark.Key(), "err", err)
					cancel()
					return
				}
				over.Reset(time.Until(r.believed(sent)))
			}
		}
	}()
	return end
}

// believed is until when a lease that was asked for then is believed in: a tenth is left for a call that is on its way.
func (r *Runner) believed(sent time.Time) time.Time { return sent.Add(r.Lease * 9 / 10) }

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
