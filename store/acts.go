package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

const qSetOverride = `
INSERT INTO override (subject_id, comment, name, live, body) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (subject_id, comment, name) DO UPDATE SET live = excluded.live, body = excluded.body`

const qSetHold = `
INSERT INTO hold (subject_id, body) VALUES ($1, $2) ON CONFLICT (subject_id) DO UPDATE SET body = excluded.body`

const qSetComment = `
INSERT INTO comment (subject_id, body) VALUES ($1, $2) ON CONFLICT (subject_id) DO UPDATE SET body = excluded.body`

const qLiveOverrides = `
SELECT o.body FROM override o JOIN subject s ON s.id = o.subject_id
WHERE s.kind = $1 AND s.key = $2 AND o.live = 1 ORDER BY o.comment, o.name`

const qOverridesOf = `
SELECT o.body FROM override o JOIN subject s ON s.id = o.subject_id
WHERE s.kind = $1 AND s.key = $2 AND o.comment = $3 ORDER BY o.name`

const qHold = `SELECT h.body FROM hold h JOIN subject s ON s.id = h.subject_id WHERE s.kind = $1 AND s.key = $2`

const qUnheard = `SELECT 1 FROM subject WHERE kind = $1 AND key >= $2 AND key < $3 AND wanted > done AND attempt < $4 LIMIT 1`

const qComment = `SELECT c.body FROM comment c JOIN subject s ON s.id = c.subject_id WHERE s.kind = $1 AND s.key = $2`

// knownHead is the head of a change by the order in which deliveries were kept: what the newest of those that nobody has
// looked into tells, or else what was read last; and the target branch that was read last, unless it was retargeted since.
const qKnownHead = `
SELECT COALESCE((SELECT c.sha FROM cause c WHERE c.subject_id = s.id AND c.seq > s.done AND c.sha <> '' ORDER BY c.seq DESC, c.id DESC LIMIT 1),
  t.head, ''),
  CASE WHEN EXISTS (SELECT 1 FROM cause c WHERE c.subject_id = s.id AND c.seq > s.done AND c.why LIKE '%.edited' AND c.detail = 'base')
  THEN '' ELSE COALESCE(t.base, '') END
FROM subject s LEFT JOIN subject_state t ON t.subject_id = s.id WHERE s.kind = 'change' AND s.key = $1`

// moves are the deliveries kept after a certain one that told of another head, or of another target.
const qMoved = `
SELECT 1 FROM cause c JOIN subject s ON s.id = c.subject_id
WHERE s.kind = 'change' AND s.key = $1 AND c.id > $2
  AND (c.why LIKE '%.synchronize' AND c.sha <> $3 OR c.why LIKE '%.edited' AND c.detail = 'base') LIMIT 1`

// arrival is when a head came to be, by the forge's clock, as the push was told.
const qArrival = `
SELECT c.detail FROM cause c JOIN subject s ON s.id = c.subject_id
WHERE s.kind = 'change' AND s.key = $1 AND c.why LIKE '%.synchronize' AND c.sha = $2 AND c.detail <> ''
ORDER BY c.id DESC LIMIT 1`

// learnt is when a head was first heard of: told with whatever happened to the change, or read and decided on.
const qLearnt = `
SELECT MIN(at) FROM (
  SELECT c.at AS at FROM cause c JOIN subject s ON s.id = c.subject_id WHERE s.kind = 'change' AND s.key = $1 AND c.sha = $2
  UNION ALL
  SELECT d.at AS at FROM decision d JOIN subject s ON s.id = d.subject_id WHERE s.kind = 'change' AND s.key = $1 AND d.sha = $2) AS heard`

// Moved says whether a change was told to have had another head than this, or another target, since a delivery was kept
// (Mark.Receipt), and when this head came to be by the forge's clock, or, where the push itself was not told, when it was
// first heard of; zero: never.
func (s *Store) Moved(ctx context.Context, subject checks.Subject, receipt int64, head string) (moved bool, arrived time.Time, err error) {
	var one int
	if moved, err = s.scan(ctx, []any{&one}, qMoved, subject.Key(), receipt, head); err != nil {
		return false, arrived, err
	}
	var told string
	found, err := s.scan(ctx, []any{&told}, qArrival, subject.Key(), head)
	if err == nil && !found {
		var first sql.NullInt64
		_, err = s.scan(ctx, []any{&first}, qLearnt, subject.Key(), head)
		return moved, at(first.Int64), err
	}
	if err != nil {
		return moved, arrived, err
	}
	arrived, err = time.Parse(time.RFC3339, told)
	return moved, arrived, err
}

// version is of what people said about a subject: it is another after any of it changed.
func (s *Store) version(t *tx, subject int64) (string, error) {
	h := sha256.New()
	add := func(scan func(...any) error) error {
		var body string
		err := scan(&body)
		fmt.Fprintf(h, "%d:%s", len(body), body)
		return err
	}
	err := t.rows(add, qLiveBodies, subject)
	if err == nil {
		err = t.rows(add, qHoldBody, subject)
	}
	return hex.EncodeToString(h.Sum(nil)), err
}

const qLiveBodies = `SELECT body FROM override WHERE subject_id = $1 AND live = 1 ORDER BY comment, name`

const qHoldBody = `SELECT body FROM hold WHERE subject_id = $1`

// ErrChanged says that what people said about a subject changed while it was worked on: work it off again.
var ErrChanged = errors.New("what people said has changed meanwhile")

// act keeps what people said, of the subject with this row.
func (r *record) act(s *Store, t *tx, subject int64) error {
	if seen := r.outcome.Said; seen != nil && (len(r.outcome.Overrides) > 0 || r.outcome.Hold != nil) {
		if now, err := s.version(t, subject); err != nil {
			return err
		} else if now != *seen {
			return ErrChanged
		}
	}
	for _, o := range r.outcome.Overrides {
		body, err := json.Marshal(o)
		if err == nil {
			_, err = t.exec(qSetOverride, subject, o.Comment, o.Check, flag(o.Ended.IsZero()), string(body))
		}
		if err != nil {
			return fmt.Errorf("keep the override of %s: %w", o.Check, err)
		}
	}
	if h := r.outcome.Hold; h != nil {
		body, err := json.Marshal(h)
		if err == nil {
			_, err = t.exec(qSetHold, subject, string(body))
		}
		if err != nil {
			return fmt.Errorf("keep the hold: %w", err)
		}
	}
	return nil
}

// answered keeps what came of a comment.
func (r *record) answered(t *tx) error {
	if r.outcome.Comment == nil {
		return nil
	}
	body, err := json.Marshal(r.outcome.Comment)
	if err == nil {
		_, err = t.exec(qSetComment, r.work.ID, string(body))
	}
	if err != nil {
		return fmt.Errorf("keep what came of the comment: %w", err)
	}
	return nil
}

// Acts are the overrides of a subject that have not ended, and its hold unless it was lifted.
func (s *Store) Acts(ctx context.Context, subject checks.Subject) (gate.Acts, error) {
	var a gate.Acts
	var err error
	sum := sha256.New()
	// First, so that what is worked off meanwhile is told either by this or by what is read after it.
	if a.Unheard, err = s.unheard(ctx, subject); err != nil {
		return a, err
	}
	rows, err := s.query(brief(ctx), qLiveOverrides, string(subject.Kind), subject.Key())
	if err != nil {
		return a, err
	}
	if a.Overrides, err = overridesIn(rows, sum); err != nil {
		return a, err
	}
	var body string
	found, err := s.scan(brief(ctx), []any{&body}, qHold, string(subject.Kind), subject.Key())
	if found {
		fmt.Fprintf(sum, "%d:%s", len(body), body)
	}
	a.Version = hex.EncodeToString(sum.Sum(nil))
	if err != nil || !found {
		return a, err
	}
	h := &gate.Hold{}
	if err := json.Unmarshal([]byte(body), h); err != nil {
		return a, fmt.Errorf("read the hold of %v: %w", subject, err)
	}
	if !h.Lifted {
		a.Hold = h
	}
	return a, nil
}

// unheard says whether a comment on a change waits to be worked off. A dead letter does not count: it may never be.
func (s *Store) unheard(ctx context.Context, subject checks.Subject) (bool, error) {
	var one int
	first := subject.Key() + "/comment-"
	return s.scan(brief(ctx), []any{&one}, qUnheard, string(gate.MarkComment), first, first+":", s.opts.DeadAfter) // ':' comes after the digits
}

// OverridesOf are those that a comment asked for, ended ones too.
func (s *Store) OverridesOf(ctx context.Context, subject checks.Subject, comment int64) ([]gate.Override, error) {
	return s.overrides(ctx, qOverridesOf, string(subject.Kind), subject.Key(), comment)
}

func (s *Store) overrides(ctx context.Context, text string, args ...any) ([]gate.Override, error) {
	rows, err := s.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	return overridesIn(rows, io.Discard)
}

// overridesIn reads overrides, and tells h what each is.
func overridesIn(rows *sql.Rows, h io.Writer) (list []gate.Override, err error) {
	err = each(rows, func(scan func(...any) error) error {
		var body string
		var o gate.Override
		err := scan(&body)
		fmt.Fprintf(h, "%d:%s", len(body), body)
		if err == nil {
			err = json.Unmarshal([]byte(body), &o)
		}
		list = append(list, o)
		return err
	})
	return list, err
}

// Comment is what came of a comment, or nil.
func (s *Store) Comment(ctx context.Context, m gate.Mark) (*gate.CommentState, error) {
	var body string
	found, err := s.scan(ctx, []any{&body}, qComment, string(m.Kind), m.Key())
	if err != nil || !found {
		return nil, err
	}
	c := &gate.CommentState{}
	return c, json.Unmarshal([]byte(body), c)
}
