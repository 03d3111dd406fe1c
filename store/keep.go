package store

import (
	"context"
	"fmt"

	"github.com/sluicegate/sluice/gate"
)

// Keep writes what was decided before anybody is told: its decisions with their facts and policies, their entries in the audit
// log, and the work beside them, all in one transaction that is on the disk when Keep returns. The rest of the outcome is for
// Finish. It fails with ErrLost when somebody else has the work, and with ErrChanged when what was said is another than Said.
func (s *Store) Keep(ctx context.Context, w gate.Work, o gate.Outcome) error {
	o = gate.Outcome{Decision: o.Decision, Facts: o.Facts, Sources: o.Sources, Also: o.Also, Said: o.Said, Entries: o.Entries, Marks: o.Beside}
	fail := func(err error) error { return fmt.Errorf("keep the decision on %s: %w", w.Mark.Key(), err) }
	packed, err := s.prepare(w, o)
	if err != nil {
		return fail(err)
	}
	also, err := s.carried(w, o)
	if err != nil {
		return fail(err)
	}
	names := append(s.workNames(w, o), packed.names()...)
	for _, r := range also {
		names = append(names, r.names()...)
	}
	err = s.do(ctx, patient, func(t *tx) error {
		var one int
		now := s.now()
		held, err := t.row([]any{&one}, qHeld, w.ID, w.Token, now)
		if err == nil && !held {
			err = ErrLost
		}
		if err == nil {
			err = packed.unsaid(s, t)
		}
		if err == nil {
			err = packed.keep(s, t, now)
		}
		for i := 0; err == nil && i < len(also); i++ {
			err = also[i].keep(s, t, now)
		}
		if err == nil {
			err = enter(t, packed.entries)
		}
		if err == nil {
			err = s.follow(t, o, now)
		}
		return err
	}, names...)
	if err != nil {
		return fail(err)
	}
	if len(o.Marks) > 0 {
		s.poke()
	}
	return nil
}

// unsaid fails with ErrChanged when something was said meanwhile that the decision does not know of.
func (r *record) unsaid(s *Store, t *tx) error {
	if r.outcome.Said == nil {
		return nil
	}
	id, err := r.subjectID(t)
	if err != nil {
		return err
	}
	now, err := s.version(t, id)
	if err == nil && now != *r.outcome.Said {
		err = ErrChanged
	}
	return err
}
