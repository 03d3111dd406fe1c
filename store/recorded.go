package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

var _ gate.Past = (*Store)(nil)

// recordedPage is how many decisions are found at once. They are read one by one after that: between two of them nothing
// is held, so that a server beside this goes on writing, and memory holds one decision's facts however many there are.
const recordedPage = 200

// Recorded hands over, newest first, the decisions that q asks for: of each subject and commit the newest one. What is
// deleted meanwhile is left out.
func (s *Store) Recorded(ctx context.Context, q gate.Recall, each func(gate.Recorded) error) error {
	for before, left := int64(0), q.Limit; ; {
		ids, last, err := s.recordedPage(ctx, q, before)
		if err != nil {
			return fmt.Errorf("list recorded decisions: %w", err)
		}
		for _, id := range ids {
			var r gate.Recorded
			r.Decision, r.Facts, r.Sources, err = s.Decision(ctx, id)
			if errors.Is(err, ErrUnknown) {
				continue
			}
			if err == nil {
				r.Seen, r.SeenAt, err = s.seen(ctx, id)
			}
			if err != nil {
				return err
			}
			if err := each(r); err != nil {
				return err
			}
			if left--; left == 0 {
				return nil
			}
		}
		if len(ids) < recordedPage {
			return nil
		}
		before = last
	}
}

const qKeepSeen = `
INSERT INTO seen (decision_seq, at, facts_blob) VALUES ($1, $2, $3)
ON CONFLICT (decision_seq) DO UPDATE SET at = excluded.at, facts_blob = excluded.facts_blob`

const qSeenBefore = `
SELECT d.seq, n.facts_blob FROM decision d LEFT JOIN seen n ON n.decision_seq = d.seq WHERE d.id = $1`

const qSeen = `
SELECT b.body, n.at FROM decision d JOIN seen n ON n.decision_seq = d.seq JOIN blob b ON b.id = n.facts_blob WHERE d.id = $1`

// seen keeps the facts of a look that came to the same decision as before, when they are not those kept already.
func (r *record) seen(t *tx, now int64) error {
	o := r.outcome
	if o.Decision != nil || o.Facts == nil || o.Subject == nil || o.Subject.Decision == "" {
		return nil
	}
	blob, err := r.facts.keep(t)
	if err != nil {
		return err
	}
	var seq int64
	var before sql.NullInt64
	found, err := t.row([]any{&seq, &before}, qSeenBefore, o.Subject.Decision)
	if err != nil || found && before == blob {
		return err
	}
	if found {
		_, err = t.exec(qKeepSeen, seq, now, blob)
	}
	for _, unused := range []sql.NullInt64{before, blob} {
		if err == nil && unused.Valid {
			err = dropBlob(t, unused.Int64) // which spares what is used
		}
	}
	return err
}

// seen are the facts of the newest look that came to this decision, or nil when its own are the newest.
func (s *Store) seen(ctx context.Context, id string) (facts []byte, when time.Time, err error) {
	var kept int64
	found, err := s.scan(ctx, []any{&facts, &kept}, qSeen, id)
	if err != nil || !found {
		return nil, time.Time{}, err
	}
	facts, err = s.unpack(facts)
	return facts, at(kept), err
}

// recordedPage lists the ids of the next page, and says where it ends.
func (s *Store) recordedPage(ctx context.Context, q gate.Recall, before int64) (ids []string, last int64, err error) {
	text := `SELECT d.seq, d.id FROM decision d WHERE `
	var args []any
	and := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		text += condition + " AND "
	}
	newer := `NOT EXISTS (SELECT 1 FROM decision n WHERE n.subject_id = d.subject_id AND n.seq > d.seq`
	open := `EXISTS (SELECT 1 FROM subject_state t WHERE t.subject_id = d.subject_id AND t.open = 1)`
	switch q.Of {
	case gate.OpenChanges:
		and(open)
		and(newer + `)`)
	case gate.SettledChanges:
		and(`NOT ` + open)
		and(newer + ` AND n.sha = d.sha)`)
	default:
		and(newer + ` AND n.sha = d.sha)`)
	}
	if q.Forge != "" {
		and(`d.forge = ?`, q.Forge)
	}
	if q.Repo != "" {
		and(`d.repo = ?`, fold(q.Repo))
	}
	if q.Owner != "" {
		and(`d.repo >= ? AND d.repo < ?`, fold(q.Owner)+"/", fold(q.Owner)+"0") // 0 is what follows / in ASCII
	}
	if !q.Since.IsZero() {
		and(`d.at >= ?`, q.Since.UnixMilli())
	}
	if before > 0 {
		and(`d.seq < ?`, before)
	}
	args = append(args, recordedPage)
	rows, err := s.query(ctx, text+fmt.Sprintf("1 = 1 ORDER BY d.seq DESC LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, 0, err
	}
	err = each(rows, func(scan func(...any) error) error {
		var id string
		err := scan(&last, &id)
		ids = append(ids, id)
		return err
	})
	return ids, last, err
}

// DecisionsNamed are the ids, at most two, that begin with a prefix of hex digits.
func (s *Store) DecisionsNamed(ctx context.Context, prefix string) (ids []string, err error) {
	rows, err := s.query(ctx, `SELECT id FROM decision WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 2`, prefix, prefix+"g")
	if err != nil {
		return nil, fmt.Errorf("find decisions that begin with %q: %w", prefix, err)
	}
	err = each(rows, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}
