package main

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/store"
)

// inOrder looks whether the audit log tells of each promotion that it waited for its gate before it was deployed.
func (r *playing) inOrder(ctx context.Context, st *store.Store) {
	r.t.Helper()
	gated, stood := map[string]bool{}, map[string]string{}
	err := st.Audit(ctx, store.AuditFilter{Kinds: []gate.EntryKind{gate.EntryDeployment}}, func(k audit.Kept) error {
		e, err := audit.Open(k.Line)
		if e.Outcome != "created" {
			r.crossed.from(stood[e.Promotion], e.Outcome)
			stood[e.Promotion] = e.Outcome
		}
		switch e.Outcome {
		case string(gate.Gated):
			gated[e.Promotion] = true
		case string(gate.Deploying), "created", string(gate.Live):
			if !gated[e.Promotion] {
				r.t.Errorf("entry %d tells that promotion %s is %s, and none before it that it was gated", e.Seq, e.Promotion, e.Outcome)
			}
		}
		return err
	})
	if err != nil {
		r.t.Errorf("read the audit log: %v", err)
	}
	r.crossed.end()
}

// crossings are the moves that promotions made in all scenarios together.
type crossings struct {
	mu    sync.Mutex
	seen  map[string]bool
	ended int
}

func (c *crossings) from(state, to string) {
	if c == nil {
		return
	}
	if state == "" {
		state = string(gate.Requested)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[state+" to "+to] = true
}

func (c *crossings) end() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended++
}

// complete wants every move that a promotion may make to be made in some scenario, if all were played. One that is cancelled before
// it was ever judged takes two things in one instant: the property test has it.
func (c *crossings) complete(t *testing.T, scenarios int) {
	t.Helper()
	if c.ended < scenarios {
		return
	}
	for _, move := range []string{
		"requested to gated", "requested to superseded",
		"gated to deploying", "gated to superseded", "gated to cancelled", "gated to failed",
		"deploying to gated", "deploying to live", "deploying to failed", "deploying to cancelled",
		"live to verified", "live to failed", "live to rolled back", "live to superseded",
		"verified to rolled back",
	} {
		if !c.seen[move] {
			t.Errorf("in no scenario a promotion goes from %s", move)
		}
	}
}

// recorded looks, whenever the server of a scenario stops, whether its audit log is whole, whether every decision that was
// kept has its one entry, and whether the overrides that stand by the log are those that count.
func (r *playing) recorded() {
	r.t.Helper()
	ctx, st := context.Background(), r.server.store
	if err := st.VerifyAudit(ctx, &audit.Chain{}); err != nil {
		r.t.Errorf("the audit log is not whole: %v", err)
	}
	var entered []string
	err := st.Audit(ctx, store.AuditFilter{Kinds: []gate.EntryKind{gate.EntryDecision}}, func(k audit.Kept) error {
		e, err := audit.Open(k.Line)
		entered = append(entered, e.Decision)
		return err
	})
	if err != nil {
		r.t.Errorf("read the audit log: %v", err)
	}
	r.inOrder(ctx, st)
	past, err := st.Decisions(ctx, store.Past{Limit: 10_000})
	if err != nil {
		r.t.Errorf("read the decisions: %v", err)
	}
	var kept []string
	for _, d := range slices.Backward(past) {
		kept = append(kept, d.ID)
	}
	if !slices.Equal(entered, kept) {
		r.t.Errorf("the audit log tells of the decisions %v, and %v were kept", entered, kept)
	}
	standing, counted := 0, audit.CountOverrides(audit.ByCheck, time.Time{}, time.Time{})
	if _, err := countOverrides(ctx, st, store.AuditFilter{}, counted.Add); err != nil {
		r.t.Errorf("count the overrides: %v", err)
	}
	for _, c := range counted.Counts() {
		standing += c.Live + c.Waiting
	}
	seen := map[string]bool{}
	for _, d := range past {
		if seen[d.Subject.Key()] {
			continue
		}
		seen[d.Subject.Key()] = true
		acts, err := st.Acts(ctx, d.Subject)
		if err != nil {
			r.t.Errorf("read what people said: %v", err)
		}
		standing -= len(acts.Overrides)
	}
	if standing != 0 {
		r.t.Errorf("by the audit log %d more overrides stand than do", standing)
	}
}
