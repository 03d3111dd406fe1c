package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/webhook"
)

// Of a burst of refused deliveries one look comes, when it can be written down, and another of what is refused after it.
func TestARefusedDeliveryHasTheLogLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away, looks := 3, 0
		r := newRefusals(func(_ context.Context, delay time.Duration, marks ...gate.Mark) error {
			if away--; away >= 0 {
				return errors.New("the database is away")
			}
			if delay != refusedPause || len(marks) != 1 || marks[0].Kind != gate.MarkCatchUp || marks[0].Forge != "github" {
				t.Errorf("marked %+v after %v", marks, delay)
			}
			looks++
			return nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.watch(ctx, func() []string { return []string{"github"} }) }()
		for _, outcome := range []string{webhook.Stored, webhook.Ignored, webhook.Duplicate, webhook.Refused, webhook.Malformed, webhook.TooLarge} {
			r.heard(outcome)
		}
		synctest.Wait()
		if away != 3 {
			t.Error("an answer that refused nothing good has the log looked at")
		}
		for range 50 {
			r.heard(webhook.Failed)
		}
		time.Sleep(time.Minute)
		synctest.Wait()             // so that what was done meanwhile is seen
		if looks < 1 || looks > 2 { // one that is refused while a look is written down may come after it
			t.Errorf("%d looks for one burst", looks)
		}
		before := looks
		r.heard(webhook.Failed)
		time.Sleep(time.Minute)
		synctest.Wait() // so that what was done meanwhile is seen
		if looks != before+1 {
			t.Errorf("%d looks after another refusal, want %d", looks, before+1)
		}
		away = 1 << 30
		r.heard(webhook.Failed)
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
