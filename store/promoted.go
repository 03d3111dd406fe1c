package store

import (
	"context"
	"fmt"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// qPromotedSince: what changed since, what may have been live then (all that was deployed since one was last well), and the first
// of each environment. Promotions are never pruned.
const qPromotedSince = `
SELECT body, attempt FROM promotion p WHERE (repo = $1 OR $1 = '') AND (environment = $2 OR $2 = '') AND (since >= $3
  OR deployment <> 0 AND NOT EXISTS (SELECT 1 FROM promotion n WHERE n.forge = p.forge AND n.repo = p.repo AND n.environment = p.environment
    AND n.state = 'verified' AND n.since > p.since AND n.since < $3)
  OR NOT EXISTS (SELECT 1 FROM promotion o WHERE o.forge = p.forge AND o.repo = p.repo AND o.environment = p.environment
    AND (o.at < p.at OR o.at = p.at AND o.id < p.id)))
ORDER BY at, attempt, id`

// PromotedSince are the promotions that tell what was deployed since then, oldest first: those that changed since, those
// that may have been live at that time, and the first of each environment. Of all repositories and environments unless they
// are named.
func (s *Store) PromotedSince(ctx context.Context, repo, environment string, since time.Time) ([]gate.Promotion, error) {
	from := int64(0)
	if !since.IsZero() {
		from = since.UnixMilli()
	}
	list, err := s.promotions(ctx, qPromotedSince, fold(repo), fold(environment), from)
	if err != nil {
		return nil, fmt.Errorf("read promotions: %w", err)
	}
	return list, nil
}
