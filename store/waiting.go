package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// Standing is where a piece of work stands.
type Standing string

// The standings of work in the inbox.
const (
	Waiting   Standing = "waiting"   // to be looked at, now or after a pause that follows a failure
	Running   Standing = "running"   // somebody holds it
	Dead      Standing = "dead"      // failed too often: a new delivery or a person revives it
	Scheduled Standing = "scheduled" // nothing happened; a timer will bring it
)

// Item is one piece of work in the inbox, as people see it.
type Item struct {
	ID       int64     `json:"id"`
	Kind     string    `json:"kind"`
	Key      string    `json:"key"` // "github:acme/shop#42"
	Standing Standing  `json:"standing"`
	Why      string    `json:"why,omitempty"`    // the newest cause
	Since    time.Time `json:"since,omitzero"`   // when the oldest cause that is not done arrived
	Due      time.Time `json:"due,omitzero"`     // when it is tried; while running, when the lease ends
	Attempts int64     `json:"attempts"`         // since the last success
	Error    string    `json:"error,omitempty"`  // of the last attempt
	Note     string    `json:"note,omitempty"`   // of the last success
	Holder   string    `json:"holder,omitempty"` // while running
	Unseen   int64     `json:"unseen,omitempty"` // causes that no finished look has covered
}

// InboxPage is how many items Inbox lists when no limit is given.
const InboxPage = 1000

// InboxFilter says what of the inbox to list.
type InboxFilter struct {
	Standing Standing // "": all but Scheduled
	All      bool     // Scheduled too
	Resting  bool     // with All: also what nothing will bring
	Kind     string   // "": every
	Repo     string   // "acme/shop"; "": every
	After    int64    // page on: the ID of the last one had
	Limit    int      // InboxPage when 0
}

// Inbox lists work that is not at rest, by ID.
func (s *Store) Inbox(ctx context.Context, f InboxFilter) ([]Item, error) {
	if f.Limit <= 0 {
		f.Limit = InboxPage
	}
	text := qItems
	args := []any{f.After, s.opts.DeadAfter, s.now()}
	if f.Standing != "" {
		args = append(args, string(f.Standing))
		text += fmt.Sprintf(" AND (%s) = $4", standing)
	} else if !f.All {
		text += fmt.Sprintf(" AND (%s) <> '%s'", standing, Scheduled)
	}
	for _, c := range []struct{ column, value string }{{"s.kind", f.Kind}, {"lower(s.repo)", fold(f.Repo)}} {
		if c.value != "" {
			args = append(args, c.value)
			text += fmt.Sprintf(" AND %s = $%d", c.column, len(args))
		}
	}
	if !f.Resting {
		text += " AND s.next_at IS NOT NULL"
	}
	args = append(args, f.Limit)
	rows, err := s.query(ctx, text+fmt.Sprintf(" ORDER BY s.id + 0 LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list the inbox: %w", err)
	}
	var items []Item
	err = each(rows, func(scan func(...any) error) error {
		i, err := scanItem(scan)
		items = append(items, i)
		return err
	})
	return items, err
}

func scanItem(scan func(...any) error) (i Item, err error) {
	var since, due sql.NullInt64
	var holder sql.NullString
	err = scan(&i.ID, &i.Kind, &i.Key, &i.Standing, &i.Unseen, &since, &due, &holder, &i.Attempts, &i.Error, &i.Note, &i.Why)
	i.Since, i.Due, i.Holder = at(since.Int64), at(due.Int64), holder.String
	return i, err
}

// Retry makes work due at once with its failures forgotten: these pieces, or with none named all that failed. It says
// how many there were; work that somebody holds is left alone.
func (s *Store) Retry(ctx context.Context, ids ...int64) (int, error) {
	var total int64
	slices.Sort(ids)
	err := s.do(ctx, patient|alone, func(t *tx) (err error) {
		total = 0
		if len(ids) == 0 {
			total, err = t.exec(qRetryAll, s.now())
			return err
		}
		for _, id := range ids {
			n, err := t.exec(qRetry, s.now(), id)
			if err != nil {
				return err
			}
			total += n
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("retry: %w", err)
	}
	s.poke()
	return int(total), nil
}

// Stats is how the queue is doing.
type Stats struct {
	Waiting, Running, Dead, Scheduled int
	Oldest                            time.Duration // how long the oldest piece that waits has waited
	Next                              time.Time     // when the next piece is due, held work counting when its lease ends; zero: never
}

// Stats counts the queue.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	var st Stats
	var oldest, next int64
	now := s.now()
	_, err := s.scan(ctx, []any{&st.Waiting, &st.Running, &st.Dead, &st.Scheduled, &oldest, &next}, qDepth, now, s.opts.DeadAfter)
	if err != nil {
		return st, fmt.Errorf("count the queue: %w", err)
	}
	if oldest > 0 {
		st.Oldest = max(0, time.Duration(now-oldest)*time.Millisecond)
	}
	if next > 0 {
		st.Next = at(next)
	}
	return st, nil
}
