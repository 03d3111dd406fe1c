package main

import (
	"context"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/webhook"
)

// refusedPause is how long after a delivery that could not be stored the forge's log is gone through: what keeps one from
// being stored mostly keeps others too, and a forge does not send them again. Not to wait for the next look by itself saves
// people minutes; not to look at once saves the forge's log from being asked once for each of a burst.
const refusedPause = 20 * time.Second

// refusals remembers that deliveries were refused although nothing was wrong with them.
type refusals struct {
	some  chan struct{}
	retry time.Duration // while the database takes no mark either
	mark  func(ctx context.Context, delay time.Duration, marks ...gate.Mark) error
}

func newRefusals(mark func(context.Context, time.Duration, ...gate.Mark) error) *refusals {
	return &refusals{some: make(chan struct{}, 1), retry: time.Second, mark: mark}
}

// heard is told of every request's outcome.
func (r *refusals) heard(outcome string) {
	if outcome != webhook.Failed {
		return
	}
	select {
	case r.some <- struct{}{}:
	default: // it is known already
	}
}

// watch has the logs of the forges that there are by then gone through after refusals, as soon as that can be written down,
// until ctx is done.
func (r *refusals) watch(ctx context.Context, forges func() []string) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.some:
		}
		var marks []gate.Mark
		for _, forge := range forges() {
			marks = append(marks, gate.Mark{Kind: gate.MarkCatchUp, Forge: forge, Why: "refused"})
		}
		for r.mark(ctx, refusedPause, marks...) != nil { // whoever could not store has told why
			select {
			case <-ctx.Done():
				return nil // the next start looks
			case <-time.After(r.retry):
			}
		}
	}
}
