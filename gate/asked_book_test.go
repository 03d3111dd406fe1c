package gate_test

import (
	"context"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// Nothing is asked of these, and nobody tells of incidents.

func (register) Asked(context.Context, string) (*gate.Ask, error) { return nil, nil }

func (register) Incidents(context.Context, string, string, time.Time) ([]gate.Incident, error) {
	return nil, nil
}
