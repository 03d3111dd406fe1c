package main

import (
	"context"
	"strconv"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// The gate and the dashboard know the store only as interfaces; where its words are wider than theirs, these narrow them.

type queue struct{ *store.Store }

var _ gate.Queue = queue{}

func (q queue) Claim(ctx context.Context, n int, lease time.Duration) ([]gate.Work, error) {
	return q.Store.Claim(ctx, n, lease)
}

type memory struct{ *store.Store }

var _ gate.Memory = memory{}

func (m memory) Latest(ctx context.Context, s checks.Subject) (*gate.Decision, []byte, error) {
	return m.Store.Latest(ctx, s)
}

func (m memory) OpenSubjects(ctx context.Context, forge, repo, base string) ([]checks.Subject, error) {
	return m.Store.OpenSubjects(ctx, forge, repo, base, "")
}

func (m memory) Decision(ctx context.Context, id string) (*gate.Decision, error) {
	d, _, _, err := m.Store.Decision(ctx, id)
	return d, err
}

// delivery is told by the receiver.
func (m *metrics) delivery(event, outcome string) { m.deliveries.WithLabelValues(event, outcome).Inc() }

// left is told by the client what the forge says is left.
func (m *metrics) left(installation int64, resource string, remaining, _ int, _ time.Time) {
	m.quota.WithLabelValues(strconv.FormatInt(installation, 10), resource).Set(float64(remaining))
}
