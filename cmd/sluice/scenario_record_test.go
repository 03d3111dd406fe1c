package main

import (
	"context"
	"slices"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/store"
)

// recorded looks, whenever the server of a scenario stops, whether its audit log is whole, and whether every decision that
// was kept has its one entry.
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
}
