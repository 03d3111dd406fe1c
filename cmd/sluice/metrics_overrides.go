package main

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/audit"
	"github.com/sluicegate/sluice/store"
)

// overrideMetrics are the numbers of `sluice report overrides --by check` of all time. They are counted from the audit log
// and not by the process, so that they are the same after a restart and in every replica. People and repositories are no
// labels: /metrics asks nobody to sign in, and the names of private repositories are not for it to tell.
type overrideMetrics struct {
	store *store.Store

	mu      sync.Mutex
	counted *audit.Overrides
	last    int64
}

var (
	overridesTotal = prometheus.NewDesc("sluice_overrides_total",
		"Overrides by check and what became of them, from the audit log; refused commands under check \"\".", []string{"check", "outcome"}, nil)
	overridesStanding = prometheus.NewDesc("sluice_overrides_standing",
		"Overrides that stand, by check: live ones, and ones that wait for a second person.", []string{"check", "standing"}, nil)
)

func newOverrideMetrics(s *store.Store) *overrideMetrics {
	return &overrideMetrics{store: s, counted: audit.CountOverrides(audit.ByCheck, time.Time{}, time.Time{})}
}

// Describe says what Collect gives.
func (m *overrideMetrics) Describe(c chan<- *prometheus.Desc) {
	c <- overridesTotal
	c <- overridesStanding
}

// Collect reads what was entered since the last time. When that cannot be had, the numbers are those of the last time.
func (m *overrideMetrics) Collect(out chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	m.last, _ = countOverrides(ctx, m.store, store.AuditFilter{After: m.last}, func(e gate.Entry) {
		if e.Kind == gate.EntryCommand {
			e.Check = "" // whoever may comment may name any, and a label must not be anybody's word
		}
		m.counted.Add(e)
	})
	refused := 0
	for _, c := range m.counted.Counts() {
		if c.Name == "" {
			refused = c.Refused
			continue
		}
		for outcome, n := range map[string]int{"granted": c.Granted, "revoked": c.Revoked, "expired": c.Expired, "ended": c.Ended} {
			out <- prometheus.MustNewConstMetric(overridesTotal, prometheus.CounterValue, float64(n), c.Name, outcome)
		}
		for standing, n := range map[string]int{"live": c.Live, "waiting": c.Waiting} {
			out <- prometheus.MustNewConstMetric(overridesStanding, prometheus.GaugeValue, float64(n), c.Name, standing)
		}
	}
	out <- prometheus.MustNewConstMetric(overridesTotal, prometheus.CounterValue, float64(refused), "", "refused")
}
