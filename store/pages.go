package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// The queries of the pages beside the board.

const qChanges = `
SELECT s.forge, s.repo, s.number, t.title, t.author, t.head, t.base, t.open, t.merged, t.decision, t.read_at
FROM subject_state t JOIN subject s ON s.id = t.subject_id
WHERE t.forge = $1 AND t.repo = $2 AND t.open = 1 AND s.kind = 'change' AND (s.number < $3 OR CAST($3 AS bigint) = 0) ORDER BY s.number DESC LIMIT $4`

const qChange = `
SELECT s.forge, s.repo, s.number, t.title, t.author, t.head, t.base, t.open, t.merged, t.decision, t.read_at
FROM subject_state t JOIN subject s ON s.id = t.subject_id WHERE s.kind = 'change' AND s.key = $1`

const qHistory = `
SELECT d.seq, d.body FROM decision d WHERE d.subject_id = (SELECT id FROM subject WHERE kind = $1 AND key = $2) AND (d.seq < $3 OR CAST($3 AS bigint) = 0)
ORDER BY d.seq DESC LIMIT $4`

const qRecent = `SELECT seq, body FROM decision WHERE forge = $1 AND repo = $2 ORDER BY at DESC LIMIT $3`

const qFrozen = `SELECT body FROM environment_seen WHERE frozen = 1 ORDER BY repo, forge, name LIMIT $1`

const qAllLocks = `SELECT body FROM environment_lock WHERE lifted = 0 ORDER BY repo, forge, environment, id LIMIT $1`

var qFactsOf = wanted("id") + `SELECT d.id, f.body FROM want w CROSS JOIN decision d JOIN blob f ON f.id = d.facts_blob WHERE d.id = w.id`

var qChangeFacts = wanted("key") + `SELECT s.number, f.body FROM want w CROSS JOIN subject s JOIN subject_state t ON t.subject_id = s.id JOIN decision d ON d.id = t.decision JOIN blob f ON f.id = d.facts_blob
WHERE s.kind = 'change' AND s.key = w.key`

const qActsOn = `SELECT body FROM promotion_act WHERE promotion = $1 ORDER BY seq`

const qPulse = `SELECT (SELECT COALESCE(max(seq), 0) FROM audit), (SELECT COALESCE(max(seq), 0) FROM decision)`

// OpenChanges are the open changes of a repository, the highest number first; before 0 is from the highest on.
func (s *Store) OpenChanges(ctx context.Context, forge, repo string, before, limit int) ([]gate.ChangeRow, error) {
	list, err := s.changes(ctx, qChanges, forge, fold(repo), before, limit)
	if err != nil {
		return nil, fmt.Errorf("list the changes of %s: %w", repo, err)
	}
	return list, nil
}

// Change is what is remembered of a change, or nil.
func (s *Store) Change(ctx context.Context, subject checks.Subject) (*gate.ChangeRow, error) {
	list, err := s.changes(ctx, qChange, subject.Key())
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

func (s *Store) changes(ctx context.Context, text string, args ...any) (list []gate.ChangeRow, err error) {
	rows, err := s.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	err = each(rows, func(scan func(...any) error) error {
		var c gate.ChangeRow
		var open, merged, read int64
		err := scan(&c.Forge, &c.Repo, &c.Number, &c.Title, &c.Author, &c.Head, &c.Base, &open, &merged, &c.Decision, &read)
		c.Open, c.Merged, c.ReadAt = open == 1, merged == 1, at(read)
		list = append(list, c)
		return err
	})
	return list, err
}

// History are the decisions on a subject, the newest first; before is the Seq of the last one had, 0 of none.
func (s *Store) History(ctx context.Context, subject checks.Subject, before int64, limit int) ([]gate.DecisionRow, error) {
	list, err := s.decisionRows(ctx, qHistory, string(subject.Kind), subject.Key(), before, limit)
	if err != nil {
		return nil, fmt.Errorf("list the decisions on %v: %w", subject, err)
	}
	return list, nil
}

// Recent are the newest decisions of a repository, the newest first.
func (s *Store) Recent(ctx context.Context, forge, repo string, limit int) ([]gate.DecisionRow, error) {
	list, err := s.decisionRows(ctx, qRecent, forge, fold(repo), limit)
	if err != nil {
		return nil, fmt.Errorf("list the decisions of %s: %w", repo, err)
	}
	return list, nil
}

func (s *Store) decisionRows(ctx context.Context, text string, args ...any) (list []gate.DecisionRow, err error) {
	rows, err := s.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	err = each(rows, func(scan func(...any) error) error {
		var seq int64
		var body []byte
		if err := scan(&seq, &body); err != nil {
			return err
		}
		d, err := s.decision(body)
		if err == nil {
			list = append(list, gate.DecisionRow{ID: d.ID, Subject: d.Subject, Commit: d.Commit, Reason: d.Gate.Reason, Policy: d.Policy, At: d.At, Open: d.Open, Outcome: d.Gate.Outcome, Seq: seq})
		}
		return err
	})
	return list, err
}

// Said is what people said about a promotion, oldest first.
func (s *Store) Said(ctx context.Context, promotion string) ([]gate.PromotionAct, error) {
	return listed[gate.PromotionAct](ctx, s, qActsOn, promotion)
}

// Pulse is a number that is another whenever something was decided, said or deployed.
func (s *Store) Pulse(ctx context.Context) (int64, error) {
	var entries, decisions int64
	_, err := s.scan(ctx, []any{&entries, &decisions}, qPulse)
	if err != nil {
		return 0, fmt.Errorf("look for what is new: %w", err)
	}
	return entries + decisions, nil
}

// Frozen are the environments of which freezes are known that hold or come, or may be, at most limit.
func (s *Store) Frozen(ctx context.Context, limit int) ([]gate.EnvironmentSeen, error) {
	list, err := listed[gate.EnvironmentSeen](ctx, s, qFrozen, limit)
	if err != nil {
		return nil, fmt.Errorf("list the freezes: %w", err)
	}
	return list, nil
}

// Locks are those that hold now, of all repositories, at most limit.
func (s *Store) Locks(ctx context.Context, limit int) (holding []gate.LockState, err error) {
	list, err := listed[gate.LockState](ctx, s, qAllLocks, limit)
	if err != nil {
		return nil, fmt.Errorf("list the locks: %w", err)
	}
	now := s.Now()
	for _, l := range list {
		if l.Holds(now) {
			holding = append(holding, l)
		}
	}
	return holding, nil
}

// ChangeFacts hands over what the newest decisions on changes were made from; those of which nothing is kept are left out.
func (s *Store) ChangeFacts(ctx context.Context, forge, repo string, changes []int, see func(change int, facts []byte) error) error {
	return inChunks(changes, func(some []int) error {
		rows, err := s.query(ctx, qChangeFacts, padded(some, 1, func(n int) []any {
			return []any{checks.Subject{Forge: forge, Repo: repo, Kind: checks.KindChange, Change: n}.Key()}
		})...)
		if err != nil {
			return fmt.Errorf("read what changes of %s were judged by: %w", repo, err)
		}
		return s.unpacked(rows, func(id, facts []byte) error {
			n, err := strconv.Atoi(string(id))
			if err != nil {
				return err
			}
			return see(n, facts)
		})
	})
}

// FactsOf hands over the facts that decisions were made from, by their ids; those that are not kept are left out.
func (s *Store) FactsOf(ctx context.Context, ids []string, see func(id string, facts []byte) error) error {
	return inChunks(ids, func(some []string) error {
		rows, err := s.query(ctx, qFactsOf, padded(some, 1, func(id string) []any { return []any{id} })...)
		if err != nil {
			return fmt.Errorf("read the facts of decisions: %w", err)
		}
		return s.unpacked(rows, func(id, facts []byte) error { return see(string(id), facts) })
	})
}

// unpacked hands over what rows of an id and something packed hold.
func (s *Store) unpacked(rows *sql.Rows, see func(id, body []byte) error) error {
	return each(rows, func(scan func(...any) error) error {
		var id, body []byte
		err := scan(&id, &body)
		if err == nil {
			body, err = s.unpack(body)
		}
		if err == nil {
			err = see(id, body)
		}
		return err
	})
}
