package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicegate/sluice/gate"
)

// Filling is what is to be known of a subject, with no work on it: what Finish would have kept.
type Filling struct {
	Mark    gate.Mark
	Outcome gate.Outcome
}

// ErrNotEmpty says that the database holds something already.
var ErrNotEmpty = errors.New("the database holds something already")

// Fill writes what is made up, for demos and tests, in one transaction and by what keeps the outcome of work: so it is in every
// index that the real thing would be in. It raises no work, tells nobody, and overwrites no decision.
func (s *Store) Fill(ctx context.Context, list []Filling) error {
	type filling struct {
		Filling
		main *record
		also []*record
	}
	var all []filling
	var names []string
	for _, f := range list {
		w := gate.Work{Mark: f.Mark}
		main, err := s.prepare(w, f.Outcome)
		if err != nil {
			return fmt.Errorf("fill in %s: %w", f.Mark.Key(), err)
		}
		also, err := s.carried(w, f.Outcome)
		if err != nil {
			return fmt.Errorf("fill in %s: %w", f.Mark.Key(), err)
		}
		names = append(append(names, s.workNames(w, f.Outcome)...), main.names()...)
		for _, r := range also {
			names = append(names, r.names()...)
		}
		all = append(all, filling{f, main, also})
	}
	err := s.do(ctx, patient, func(t *tx) error {
		now := s.now()
		for _, f := range all {
			id, err := restOf(t, f.Mark)
			if err != nil {
				return fmt.Errorf("%s: %w", f.Mark.Key(), err)
			}
			for _, r := range append(f.also, f.main) {
				if r.work.ID = id; err == nil {
					err = r.keep(s, t, now)
				}
			}
			if err == nil {
				err = enter(t, f.main.entries)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", f.Mark.Key(), err)
			}
		}
		return nil
	}, names...)
	if err != nil {
		return fmt.Errorf("fill in: %w", err)
	}
	return nil
}

// restOf is the row of a subject that nothing is to be done about.
func restOf(t *tx, m gate.Mark) (id int64, err error) {
	if _, err = t.exec(qRest, identity(m)...); err != nil {
		return 0, err
	}
	var wanted int64
	_, err = t.row([]any{&id, &wanted}, qWanted, string(m.Kind), m.Key())
	return id, err
}

// Unused fails with ErrNotEmpty, and says where something lies, unless nobody has worked on the database yet.
func (s *Store) Unused(ctx context.Context) error {
	for _, table := range []string{"subject", "delivery", "decision", "audit", "promotion", "environment_seen", "account"} {
		var one int
		found, err := s.scan(ctx, []any{&one}, "SELECT 1 FROM "+quoted(table)+" LIMIT 1")
		if err != nil {
			return fmt.Errorf("look for what the database holds: %w", err)
		}
		if found {
			return fmt.Errorf("%w (in table %s)", ErrNotEmpty, table)
		}
	}
	return nil
}
