package main

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// The rooms know the store only as interfaces of their own; where its words are wider than theirs, these narrow them.

var _ gate.Memory = (*store.Store)(nil)

var _ gate.Releases = (*store.Store)(nil)

var _ gate.Outbox = (*store.Store)(nil)

type queue struct{ *store.Store }

var _ gate.Queue = queue{}

func (q queue) Claim(ctx context.Context, n int, lease time.Duration) ([]gate.Work, error) {
	return q.Store.Claim(ctx, n, lease)
}

type decisions struct{ *store.Store }

var _ dashboard.Decisions = decisions{}

func (d decisions) Decision(ctx context.Context, id string) (*gate.Decision, error) {
	found, _, _, err := d.Store.Decision(ctx, id)
	if errors.Is(err, store.ErrUnknown) {
		return nil, nil
	}
	return found, err
}

// Promoted reads of the facts only what tells whose promotion it is.
func (d decisions) Promoted(ctx context.Context, id string) (*checks.Promotion, *gate.Promotion, error) {
	_, facts, _, err := d.Store.Decision(ctx, id)
	if errors.Is(err, store.ErrUnknown) {
		return nil, nil, nil
	}
	var told struct {
		Promotion *checks.Promotion `json:"promotion"`
	}
	if err == nil {
		err = json.Unmarshal(facts, &told)
	}
	if err != nil || told.Promotion == nil || told.Promotion.ID == "" {
		return told.Promotion, nil, err
	}
	now, err := d.Store.Promotion(ctx, told.Promotion.ID)
	return told.Promotion, now, err
}

// delivery is told by the receiver.
func (m *metrics) delivery(event, outcome string) { m.deliveries.WithLabelValues(event, outcome).Inc() }

// left is told by the client what the forge says is left.
func (m *metrics) left(installation int64, resource string, remaining, _ int, _ time.Time) {
	m.quota.WithLabelValues(strconv.FormatInt(installation, 10), resource).Set(float64(remaining))
}
