package gate

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A process believes that it holds a piece of work for as long as its own monotonic clock says so, counted from before it
// asked for the lease; the store, which counts from after that, gives the work to nobody else meanwhile. One that was
// frozen for longer, or is cut off from the database, thus knows by itself that others may be at it: its work is cancelled,
// and nothing more is sent to a forge. The store's token keeps it from writing down what came of it.

// ErrLost says that the lease on a piece of work ran out and somebody else has it, or had it: drop what came of it.
var ErrLost = errors.New("this work was taken over by another worker")

// ErrLapsed says that the lease on the work is over by this process's clock, so that nothing may be sent for it any more.
var ErrLapsed = errors.New("the lease on this work is over, and another worker may have it: nothing more is sent for it")

// Held says whether whoever works under this context still believes to hold the work, ErrLapsed if not. Every client of
// something outside asks right before it sends. Under a context of no work the answer is yes.
func Held(ctx context.Context) error { return leaseIn(ctx).check() }

// Afresh says that what is shown at the forge must be read there, whatever is remembered of it: this work was taken over
// from somebody who may have shown something since without writing it down.
func Afresh(ctx context.Context) bool {
	l := leaseIn(ctx)
	return l != nil && l.afresh
}

type leaseKey struct{}

func leaseIn(ctx context.Context) *lease {
	l, _ := ctx.Value(leaseKey{}).(*lease)
	return l
}

// lease is the belief in one.
type lease struct {
	length time.Duration
	afresh bool
	end    context.CancelCauseFunc // of the work

	mu    sync.Mutex
	until time.Time // by the monotonic clock
	timer *time.Timer
}

// underLease is a context for the work that ends with the belief in its lease, which was asked for at that moment.
func underLease(ctx context.Context, w Work, length time.Duration, asked time.Time) (_ context.Context, l *lease, stop func()) {
	ctx, end := context.WithCancelCause(ctx)
	l = &lease{length: length, afresh: takenOver(w), end: end}
	l.until = l.over(asked)
	l.timer = time.AfterFunc(time.Until(l.until), func() {
		if l.check() != nil {
			end(ErrLapsed)
		}
	})
	return context.WithValue(ctx, leaseKey{}, l), l, func() {
		l.timer.Stop()
		end(context.Canceled)
	}
}

// over is when a lease that was asked for then is over for us: a little before it is for anybody else, whose clock may be
// ahead by what the way to the database takes.
func (l *lease) over(asked time.Time) time.Time { return asked.Add(l.length - l.length/10) }

// check is Held. Nobody's lease has lapsed.
func (l *lease) check() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().Before(l.until) {
		return nil
	}
	return ErrLapsed
}

// renewed goes on believing: it was asked for anew at that moment, and given. What has lapsed meanwhile stays so: the work
// was cancelled.
func (l *lease) renewed(asked time.Time) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().Before(l.until) {
		l.until = l.over(asked)
		l.timer.Reset(time.Until(l.until))
	}
}

// lose ends the belief.
func (l *lease) lose() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = time.Time{}
	l.end(ErrLost)
}
