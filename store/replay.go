package store

import (
	"context"
	"fmt"

	"github.com/sluicegate/sluice/gate"
)

const qKept = `SELECT id, forge, event, action, account, installation, received_at, body FROM delivery WHERE guid = $1 AND (forge = $2 OR CAST($2 AS text) = '') ORDER BY forge`

const qKeptOf = `SELECT id FROM delivery WHERE forge = $1 AND guid = $2`

const qMeans = `UPDATE delivery SET outcome = 'stored' WHERE id = $1 AND outcome <> 'stored'`

// atOnce forgets failures, for a person asks: nobody waits for a pause to end.
const qAtOnce = `UPDATE subject SET next_at = $1, attempt = 0 WHERE holder IS NULL AND kind = $2 AND key = $3`

const qShown = `
SELECT c.why, c.detail, c.sha, c.at, COALESCE((SELECT d.guid FROM delivery d WHERE d.id = c.delivery_id), ''), CASE WHEN c.seq <= s.done THEN 1 ELSE 0 END
FROM cause c JOIN subject s ON s.id = c.subject_id WHERE s.id = $1 ORDER BY c.seq DESC, c.id DESC LIMIT 100`

// Delivery is one that is kept, without what it means; ErrUnknown when none is. forge may be "" where only one has such an id.
func (s *Store) Delivery(ctx context.Context, forge, guid string) (gate.Delivery, error) {
	rows, err := s.query(ctx, qKept, guid, forge)
	if err != nil {
		return gate.Delivery{}, fmt.Errorf("read delivery: %w", err)
	}
	var found []gate.Delivery
	err = each(rows, func(scan func(...any) error) error {
		var id, when int64
		d := gate.Delivery{ID: guid}
		if err := scan(&id, &d.Forge, &d.Event, &d.Action, &d.Account, &d.Install, &when, &d.Body); err != nil {
			return err
		}
		d.At = at(when)
		found = append(found, d)
		return nil
	})
	switch {
	case err != nil:
		return gate.Delivery{}, fmt.Errorf("read delivery: %w", s.explain(err))
	case len(found) == 0:
		return gate.Delivery{}, fmt.Errorf("delivery %q: %w: it never came, or is older than deliveries are kept", guid, ErrUnknown)
	case len(found) > 1:
		return gate.Delivery{}, fmt.Errorf("delivery %q: both %s and %s have one: say which", guid, found[0].Forge, found[1].Forge)
	}
	d := found[0]
	if len(d.Body) > 0 {
		if d.Body, err = s.unpack(d.Body); err != nil {
			return gate.Delivery{}, fmt.Errorf("read delivery: %w", err)
		}
	}
	return d, nil
}

// Replay raises what a kept delivery means once more, as if it had come again and were new, and enters into the audit log who
// had that done and why. It fails with ErrUnknown, and does nothing, when the delivery is not kept any more.
func (s *Store) Replay(ctx context.Context, d gate.Delivery, by, reason string) error {
	marks, now := sorted(d.Marks), s.now()
	entries := s.tidied([]gate.Entry{replayed(d, by, reason)})
	err := s.do(ctx, patient, func(t *tx) error {
		var id int64
		found, err := t.row([]any{&id}, qKeptOf, d.Forge, d.ID)
		if err == nil && !found {
			err = ErrUnknown
		}
		for i := 0; err == nil && i < len(marks); i++ {
			if err = s.bump(t, marks[i], &d, now, now); err == nil {
				_, err = t.exec(qAtOnce, now, string(marks[i].Kind), marks[i].Key())
			}
		}
		if err == nil && len(marks) > 0 {
			_, err = t.exec(qMeans, id)
		}
		if err == nil {
			err = enter(t, entries)
		}
		return err
	}, s.deliveryNames(d)...)
	if err != nil {
		return fmt.Errorf("replay delivery %s: %w", d.ID, err)
	}
	s.poke()
	return nil
}

// Item is one piece of work with its newest causes, the newest first; ErrUnknown when there is none.
func (s *Store) Item(ctx context.Context, id int64) (Item, []Cause, error) {
	items, err := s.Inbox(ctx, InboxFilter{All: true, Resting: true, After: id - 1, Limit: 1})
	if err == nil && (len(items) == 0 || items[0].ID != id) {
		err = ErrUnknown
	}
	if err != nil {
		return Item{}, nil, fmt.Errorf("work %d: %w", id, err)
	}
	rows, err := s.query(ctx, qShown, id)
	if err != nil {
		return Item{}, nil, fmt.Errorf("work %d: %w", id, err)
	}
	var causes []Cause
	err = each(rows, func(scan func(...any) error) error {
		c, err := scanCauseShown(scan)
		causes = append(causes, c)
		return err
	})
	return items[0], causes, err
}
