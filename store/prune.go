package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// chunk is how much is deleted in one transaction: enough to get on, little enough that no delivery waits for it.
const chunk = 200

// Prune deletes what is older than it is kept: deliveries that no subject waits for, decisions but the newest of each
// open change, facts and policies that no decision needs any more, what was shown on old commits, notices, and subjects
// with nothing left to remember. It works in small transactions and gives the space back to the file system.
func (s *Store) Prune(ctx context.Context, keepDecisions, keepDeliveries time.Duration) error {
	decisions := s.Now().Add(-keepDecisions).UnixMilli()
	deliveries := s.Now().Add(-keepDeliveries).UnixMilli()
	steps := []struct {
		what string
		step func(*tx) (more bool, err error)
	}{
		{"deliveries", func(t *tx) (bool, error) {
			n, err := t.exec(qOldDeliveries, deliveries, chunk)
			return n == chunk, err
		}},
		{"what was asked through the API", func(t *tx) (bool, error) {
			n, err := t.exec(qOldAsks, deliveries, chunk)
			return n == chunk, err
		}},
		{"sessions", func(t *tx) (bool, error) {
			n, err := t.exec(qOldSessions, s.now(), chunk)
			return n == chunk, err
		}},
		{"tokens", func(t *tx) (bool, error) {
			n, err := t.exec(qOldTokens, deliveries, chunk)
			return n == chunk, err
		}},
		{"grants", func(t *tx) (bool, error) {
			n, err := t.exec(qUnusedGrants, s.Now().Add(-time.Hour).UnixMilli(), chunk, []byte{})
			return n == chunk, err
		}},
		{"decisions", func(t *tx) (bool, error) { return dropDecisions(t, decisions) }},
		{"notices", func(t *tx) (bool, error) {
			n, err := t.exec(qOldNotices, decisions, chunk)
			return n == chunk, err
		}},
		{"posted checks", func(t *tx) (bool, error) { return dropPosted(t, decisions) }},
		{"subjects", dropSubjects(decisions)},
		{"free pages", s.d.shrink},
	}
	for _, p := range steps {
		for more := true; more; {
			err := s.do(ctx, patient|alone, func(t *tx) (err error) {
				more, err = p.step(t)
				return err
			})
			if err != nil {
				return fmt.Errorf("prune %s: %w", p.what, err)
			}
		}
	}
	return nil
}

// dropDecisions deletes a chunk of decisions, and of their facts and policies what no other decision shares.
func dropDecisions(t *tx, before int64) (bool, error) {
	var seqs []int64
	blobs := map[int64]bool{}
	err := t.rows(func(scan func(...any) error) error {
		var seq int64
		var facts, sources, seen sql.NullInt64
		err := scan(&seq, &facts, &sources, &seen)
		seqs = append(seqs, seq)
		for _, b := range []sql.NullInt64{facts, sources, seen} {
			if b.Valid {
				blobs[b.Int64] = true
			}
		}
		return err
	}, qOldDecisions, before, chunk)
	for i := 0; err == nil && i < len(seqs); i++ {
		_, err = t.exec(qDropDecision, seqs[i])
	}
	for b := range blobs {
		if err == nil {
			err = dropBlob(t, b)
		}
	}
	return len(seqs) == chunk, err
}

// dropBlob deletes a blob that nothing needs. It has the row first, and looks then: what refers to it at the same
// time waits for the row, and is run again when that has gone.
func dropBlob(t *tx, id int64) error {
	var one int
	if free, err := t.row([]any{&one}, qHaveBlob, id); err != nil || !free {
		return err
	}
	_, err := t.exec(qDropBlob, id)
	return err
}

func dropPosted(t *tx, before int64) (bool, error) {
	var keys [][]any
	err := t.rows(func(scan func(...any) error) error {
		var subject int64
		var sha, name string
		err := scan(&subject, &sha, &name)
		keys = append(keys, []any{subject, sha, name})
		return err
	}, qOldPosted, before, chunk)
	for i := 0; err == nil && i < len(keys); i++ {
		_, err = t.exec(qDropPosted, keys[i]...)
	}
	return len(keys) == chunk, err
}

// dropSubjects pages through all subjects and deletes those at rest of which nothing else is kept. Run twice, as a write
// may be, it goes on from the page after, and leaves that page for the next pruning.
func dropSubjects(before int64) func(*tx) (bool, error) {
	last := int64(0)
	return func(t *tx) (bool, error) {
		var idle []int64
		count, after := 0, last
		err := t.rows(func(scan func(...any) error) error {
			var id int64
			var gone bool
			err := scan(&id, &gone)
			if gone {
				idle = append(idle, id)
			}
			count, after = count+1, id
			return err
		}, qIdle, last, chunk, before)
		for i := 0; err == nil && i < len(idle); i++ {
			err = dropSubject(t, idle[i], before)
		}
		if err == nil {
			last = after
		}
		return count == chunk, err
	}
}

// dropSubject deletes a subject if it is idle still, now that nobody else can raise it.
func dropSubject(t *tx, id, before int64) error {
	var one, seen int64
	var gone bool
	if free, err := t.row([]any{&one}, qHaveSubject, id); err != nil || !free {
		return err
	}
	if found, err := t.row([]any{&seen, &gone}, qIdle, id-1, 1, before); err != nil || !found || seen != id || !gone {
		return err
	}
	if _, err := t.exec(qDropState, id); err != nil {
		return err
	}
	_, err := t.exec(qDropSubject, id)
	return err
}
