package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluicegate/sluice/gate"
)

const qNotice = `INSERT INTO notice (id, at, body) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`

const qNoticeSeq = `SELECT seq FROM notice WHERE id = $1`

const qNoticeFor = `INSERT INTO notice_target (notice_seq, target, state, tries, at, error) VALUES ($1, $2, 'waiting', 0, $3, '')`

const qUntold = `
SELECT n.body, n.at, t.tries FROM notice_target t JOIN notice n ON n.seq = t.notice_seq
WHERE t.target = $1 AND t.state = 'waiting' ORDER BY t.notice_seq LIMIT $2`

// qTold never takes back that it was told: whoever is late with another word changes nothing.
const qTold = `
UPDATE notice_target SET state = $3, tries = tries + 1, at = $4, error = $5
WHERE notice_seq = (SELECT seq FROM notice WHERE id = $1) AND target = $2 AND state <> 'told'`

const qGaveUp = `SELECT count(*) FROM notice_target WHERE target = $1 AND state = 'given up' AND at >= $2`

const qGaveUpWhy = `
SELECT error FROM notice_target WHERE target = $1 AND state = 'given up' AND at >= $2 ORDER BY at DESC, notice_seq DESC LIMIT 1`

const qOldNotices = `DELETE FROM notice WHERE seq IN (SELECT seq FROM notice WHERE at < $1 ORDER BY at LIMIT $2)`

// notify keeps the notices that are new, each for the targets that want it, and returns the work of telling them.
func (s *Store) notify(t *tx, list []gate.Notification, now int64) (marks []gate.Mark, err error) {
	for _, n := range list {
		targets := s.targets(n)
		if len(targets) == 0 {
			continue
		}
		fresh, err := s.keepNotice(t, n, targets, now)
		if err != nil {
			return nil, fmt.Errorf("keep the notice %s: %w", n.ID, err)
		}
		for i := 0; fresh && i < len(targets); i++ {
			marks = append(marks, gate.Mark{Kind: gate.MarkNotice, Target: targets[i], Why: "notice." + string(n.Event)})
		}
	}
	return marks, nil
}

func (s *Store) targets(n gate.Notification) []string {
	if s.opts.Targets == nil {
		return nil
	}
	return s.opts.Targets(n)
}

func (s *Store) keepNotice(t *tx, n gate.Notification, targets []string, now int64) (fresh bool, err error) {
	if n.ID == "" {
		return false, fmt.Errorf("it has no id")
	}
	body, err := json.Marshal(n)
	if err != nil {
		return false, err
	}
	added, err := t.exec(qNotice, n.ID, now, string(body))
	if err != nil || added == 0 {
		return false, err
	}
	var seq int64
	_, err = t.row([]any{&seq}, qNoticeSeq, n.ID)
	for i := 0; err == nil && i < len(targets); i++ {
		_, err = t.exec(qNoticeFor, seq, targets[i], now)
	}
	return true, err
}

// Untold are the notices that a target waits for, oldest first.
func (s *Store) Untold(ctx context.Context, target string, limit int) ([]gate.Untold, error) {
	rows, err := s.query(ctx, qUntold, target, limit)
	if err != nil {
		return nil, err
	}
	var list []gate.Untold
	err = each(rows, func(scan func(...any) error) error {
		var u gate.Untold
		var body string
		var kept int64
		err := scan(&body, &kept, &u.Tries)
		if err == nil {
			err = json.Unmarshal([]byte(body), &u.Notification)
		}
		u.Kept = at(kept)
		list = append(list, u)
		return err
	})
	return list, err
}

// Told writes down what came of sending a notice to a target.
func (s *Store) Told(ctx context.Context, target, id string, r gate.Telling) error {
	state := "waiting"
	switch {
	case r.Done:
		state = "told"
	case r.GivenUp:
		state = "given up"
	}
	return s.do(ctx, patient, func(t *tx) error {
		_, err := t.exec(qTold, id, target, state, s.now(), clip(r.Err, 500))
		return err
	}, nameOf("notice", id))
}

// GaveUp counts the notices for a target that were given up since, and says why the newest was.
func (s *Store) GaveUp(ctx context.Context, target string, since time.Time) (n int, why string, err error) {
	if _, err = s.scan(ctx, []any{&n}, qGaveUp, target, since.UnixMilli()); err == nil && n > 0 {
		_, err = s.scan(ctx, []any{&why}, qGaveUpWhy, target, since.UnixMilli())
	}
	return n, why, err
}
