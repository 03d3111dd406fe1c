package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// qPromotedSince: what changed since, what may have been live then (all that was deployed since one was last well), and the
// first of each environment. Promotions are never pruned, so that each environment is looked through once.
const qPromotedSince = `
WITH well AS (SELECT forge, repo, environment, max(since) AS since FROM promotion WHERE state = 'verified' AND since < $3 GROUP BY forge, repo, environment),
  begun AS (SELECT forge, repo, environment, min(at) AS at FROM promotion GROUP BY forge, repo, environment)
SELECT p.body, p.attempt FROM promotion p
  JOIN begun b ON b.forge = p.forge AND b.repo = p.repo AND b.environment = p.environment
  LEFT JOIN well w ON w.forge = p.forge AND w.repo = p.repo AND w.environment = p.environment
WHERE (p.repo = $1 OR $1 = '') AND (p.environment = $2 OR $2 = '')
  AND (p.since >= $3 OR p.at = b.at OR p.deployment <> 0 AND (w.since IS NULL OR p.since >= w.since))
ORDER BY p.at, p.attempt, p.id`

// qPromotedOf is the same of one repository, by its index.
var qPromotedOf = strings.NewReplacer("state = 'verified' AND", "repo = $1 AND state = 'verified' AND", "FROM promotion GROUP BY", "FROM promotion WHERE repo = $1 GROUP BY",
	"(p.repo = $1 OR $1 = '')", "p.repo = $1").Replace(qPromotedSince)

// qPromotedIn is the same of a page of repositories.
var qPromotedIn = wanted("forge", "repo") + `,
well AS (SELECT p.forge, p.repo, p.environment, max(p.since) AS since FROM want w CROSS JOIN promotion p
  WHERE p.forge = w.forge AND p.repo = w.repo AND p.state = 'verified' AND p.since < $101 GROUP BY p.forge, p.repo, p.environment),
begun AS (SELECT p.forge, p.repo, p.environment, min(p.at) AS at FROM want w CROSS JOIN promotion p
  WHERE p.forge = w.forge AND p.repo = w.repo GROUP BY p.forge, p.repo, p.environment)
SELECT p.body, p.attempt FROM want w CROSS JOIN promotion p
  JOIN begun b ON b.forge = p.forge AND b.repo = p.repo AND b.environment = p.environment
  LEFT JOIN well g ON g.forge = p.forge AND g.repo = p.repo AND g.environment = p.environment
WHERE p.forge = w.forge AND p.repo = w.repo AND (p.since >= $101 OR p.at = b.at OR p.deployment <> 0 AND (g.since IS NULL OR p.since >= g.since))
ORDER BY p.at, p.attempt, p.id`

var qIncidentsIn = wanted("forge", "repo") + `
SELECT i.body FROM want w CROSS JOIN incident i WHERE i.forge = w.forge AND i.repo = w.repo AND (i.opened_at >= $101 OR i.resolved_at = 0)
ORDER BY i.opened_at DESC, i.id`

// inSince are the arguments of a query for a page of repositories and a time.
func inSince(repos []gate.Repo, since time.Time) []any {
	from := int64(0)
	if !since.IsZero() {
		from = since.UnixMilli()
	}
	return append(padded(repos[:min(len(repos), page)], 2, func(r gate.Repo) []any { return []any{r.Forge, fold(r.Name)} }), from)
}

// PromotedIn are what PromotedSince tells of these repositories, at most fifty.
func (s *Store) PromotedIn(ctx context.Context, repos []gate.Repo, since time.Time) ([]gate.Promotion, error) {
	list, err := s.promotions(ctx, qPromotedIn, inSince(repos, since)...)
	if err != nil {
		return nil, fmt.Errorf("read promotions: %w", err)
	}
	return list, nil
}

// IncidentsIn are those of these repositories, at most fifty, that were told of since then, or are not over.
func (s *Store) IncidentsIn(ctx context.Context, repos []gate.Repo, since time.Time) ([]gate.Incident, error) {
	return listed[gate.Incident](ctx, s, qIncidentsIn, inSince(repos, since)...)
}

// PromotedSince are the promotions that tell what was deployed since then, oldest first: those that changed since, those
// that may have been live at that time, and the first of each environment. Of all repositories and environments unless they
// are named.
func (s *Store) PromotedSince(ctx context.Context, repo, environment string, since time.Time) ([]gate.Promotion, error) {
	from := int64(0)
	if !since.IsZero() {
		from = since.UnixMilli()
	}
	text := qPromotedSince
	if repo != "" {
		text = qPromotedOf
	}
	list, err := s.promotions(ctx, text, fold(repo), fold(environment), from)
	if err != nil {
		return nil, fmt.Errorf("read promotions: %w", err)
	}
	return list, nil
}
