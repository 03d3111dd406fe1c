package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluicegate/sluice/gate"
)

const qAskNew = `INSERT INTO ask (id, at, body) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`

const qAnswered = `UPDATE ask SET body = $2 WHERE id = $1`

const qAsked = `SELECT body FROM ask WHERE id = $1`

const qOldAsks = `DELETE FROM ask WHERE id IN (SELECT id FROM ask WHERE at < $1 LIMIT $2)`

const qTellIncident = `
INSERT INTO incident (id, forge, repo, environment, sha, promotion, opened_at, resolved_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (forge, repo, id) DO UPDATE SET resolved_at = excluded.resolved_at, body = excluded.body`

const qIncidents = `
SELECT body FROM incident WHERE forge = $1 AND repo = $2 AND (opened_at >= $3 OR resolved_at = 0) ORDER BY opened_at DESC, id`

// Ask keeps what was asked and raises the work on it, in one transaction, and returns when that is on disk. It returns
// false for an id that is kept already, and then neither stores nor raises anything.
func (s *Store) Ask(ctx context.Context, x gate.Ask) (added bool, err error) {
	body, err := json.Marshal(x)
	if err != nil {
		return false, fmt.Errorf("keep what was asked: %w", err)
	}
	var fresh bool // the closure's own: it may outlive this call
	mark := gate.Mark{Kind: gate.MarkAsk, Forge: x.Forge, Repo: x.Repo, Change: x.Change, Ask: x.ID, Why: "api." + x.Word}
	err = s.do(ctx, hasty, func(t *tx) error {
		n, err := t.exec(qAskNew, x.ID, x.At.UnixMilli(), string(body))
		if fresh = n > 0; err != nil || !fresh {
			return err
		}
		now := s.now()
		return s.bump(t, mark, nil, now, now)
	}, append(s.marksNames([]gate.Mark{mark}), nameOf("ask", x.ID))...)
	if err != nil {
		return false, fmt.Errorf("keep what was asked: %w", err)
	}
	if fresh {
		s.poke()
	}
	return fresh, nil
}

// Asked is what was asked under an id, with what came of it, or nil.
func (s *Store) Asked(ctx context.Context, id string) (*gate.Ask, error) {
	list, err := listed[gate.Ask](ctx, s, qAsked, id)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// Incidents are those told of in a repository since then, newest first, and those that are not over.
func (s *Store) Incidents(ctx context.Context, forge, repo string, since time.Time) ([]gate.Incident, error) {
	from := int64(0)
	if !since.IsZero() {
		from = since.UnixMilli()
	}
	return listed[gate.Incident](ctx, s, qIncidents, forge, fold(repo), from)
}

func tellIncident(t *tx, i gate.Incident) error {
	over := int64(0)
	if !i.Resolved.IsZero() {
		over = i.Resolved.UnixMilli()
	}
	return keepJSON(t, i, qTellIncident, i.ID, i.Forge, fold(i.Repo), fold(i.Environment), i.Commit, i.Promotion, i.Opened.UnixMilli(), over)
}
