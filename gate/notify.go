package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// A target's notices are sent one after another, oldest first: the first that does not get through holds up those
// behind it and no other target. The pauses, leases and what a crash leaves behind are the queue's. A notice is written
// down as told once the target has it; who is killed in between sends it again, under the same ID.

const (
	noticesAtOnce  = 20              // sent before the worker looks after other work
	noticesFor     = time.Minute     // and no longer than this
	noticeNews     = 24 * time.Hour  // what could not be told for so long is given up
	noticeLongest  = 5 * time.Minute // between two tries, unless the target names a pause
	noticePauseMax = time.Hour       // that a target may name
	noticeShown    = 7 * 24 * time.Hour
)

// notify sends a target what it waits for.
func (r *Reconciler) notify(ctx context.Context, target string) (Outcome, error) {
	switch {
	case r.DryRun:
		return Outcome{Note: "dry run: nobody is told"}, nil
	case r.Outbox == nil || r.Messenger == nil || !r.Messenger.Serves(target):
		return Outcome{Note: "there is no such target any more; what waits for it goes with what is old"}, nil
	}
	list, err := r.Outbox.Untold(ctx, target, noticesAtOnce)
	if err != nil {
		return Outcome{}, fmt.Errorf("read the notices for %s: %w", target, err)
	}
	begun, sent := r.Now(), 0
	for _, u := range list {
		if err := cmp.Or(ctx.Err(), Held(ctx)); err != nil {
			return Outcome{}, fmt.Errorf("tell %s: %w", target, err)
		}
		if r.Now().Sub(begun) > noticesFor {
			break
		}
		if err := r.tell(ctx, target, u); err != nil {
			return Outcome{}, err
		}
		sent++
	}
	return r.notified(ctx, target, sent, sent < len(list) || len(list) == noticesAtOnce)
}

// tell sends one notice and writes down what came of it. It returns an error where the others have to wait too.
func (r *Reconciler) tell(ctx context.Context, target string, u Untold) error {
	// Who is stopping ends what it is sending, and writes it down: broken off, it would be sent again.
	ctx = context.WithoutCancel(ctx)
	err := r.Messenger.Tell(ctx, target, u.Notification)
	late := r.Now().Sub(u.Kept) > noticeNews
	gone := err != nil && (errors.Is(err, ErrUndeliverable) || late)
	telling := Telling{Done: err == nil, GivenUp: gone}
	if err != nil {
		telling.Err = err.Error()
	}
	if err := r.Outbox.Told(ctx, target, u.ID, telling); err != nil {
		return fmt.Errorf("keep what came of telling %s: %w", target, err)
	}
	switch {
	case err == nil:
		r.Log.Info("told", "target", target, "notice", u.ID, "event", u.Event, "environment", u.Environment)
	case gone:
		r.Log.Error("a notice was given up", "target", target, "notice", u.ID, "event", u.Event, "environment", u.Environment, "tries", u.Tries+1, "err", err)
	default:
		return pausing(u.Tries, err)
	}
	return nil
}

// pausing is the error that has the queue try again: after what the target asks for, or a second, doubled each time.
func pausing(tries int, err error) error {
	var asked *RetryError
	if errors.As(err, &asked) && asked.After > 0 {
		return &RetryError{After: min(asked.After, noticePauseMax), Err: asked.Err}
	}
	pause := noticeLongest
	if tries < 9 {
		pause = min(pause, time.Second<<tries)
	}
	return &RetryError{After: pause, Err: err}
}

// notified ends the work. Where some were given up lately it is kept in the inbox, with a note that says why.
func (r *Reconciler) notified(ctx context.Context, target string, sent int, more bool) (out Outcome, err error) {
	lost, why, err := r.Outbox.GaveUp(ctx, target, r.Now().Add(-noticeShown))
	if err != nil {
		return out, fmt.Errorf("count the notices for %s that were given up: %w", target, err)
	}
	out.Note = fmt.Sprintf("%d sent", sent)
	if lost > 0 {
		out.Note += checks.Clip(fmt.Sprintf("; %d given up in the last 7 days, the last because %s", lost, why), 400)
		out.Next = r.Now().Add(24 * time.Hour)
	}
	if more {
		out.Next = r.Now()
	}
	return out, nil
}
