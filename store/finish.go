package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// Finish keeps what came of a piece of work and gives it back, all in one transaction. When more was asked for in the
// meantime the work is due again at once, for exactly one more look. It fails with ErrLost, and keeps nothing, when the
// lease ran out and somebody else has the work.
func (s *Store) Finish(ctx context.Context, w gate.Work, o gate.Outcome) error {
	packed, err := s.prepare(w, o)
	if err != nil {
		return fmt.Errorf("finish %s %s: %w", w.Mark.Kind, w.Mark.Key(), err)
	}
	also, err := s.carried(w, o)
	if err != nil {
		return fmt.Errorf("finish %s %s: %w", w.Mark.Kind, w.Mark.Key(), err)
	}
	names := append(s.workNames(w, o), packed.names()...)
	for _, r := range also {
		names = append(names, r.names()...)
	}
	var more int64
	if !o.Kept && len(o.Beside) > 0 {
		o.Marks = append(slices.Clip(o.Marks), o.Beside...)
	}
	raised := len(o.Marks)
	err = s.do(ctx, calm, func(t *tx) error {
		now := s.now()
		n, err := t.exec(qFinish, w.ID, w.Token, w.Seen, now, millis(o.Next), clip(o.Note, 1000))
		if err == nil && n == 0 {
			err = ErrLost
		}
		if err == nil {
			_, err = t.row([]any{&more}, qMore, w.ID)
		}
		if err == nil {
			_, err = t.exec(qForget, w.ID, w.Seen)
		}
		if err == nil {
			err = packed.keep(s, t, now)
		}
		for i := 0; err == nil && i < len(also); i++ {
			err = also[i].keep(s, t, now)
		}
		if err == nil {
			err = see(t, o.Branch)
		}
		if err == nil {
			err = enter(t, packed.entries)
		}
		if err == nil {
			var told []gate.Mark
			told, err = s.notify(t, o.Notices, now)
			all := o // this may be run twice
			all.Marks = append(slices.Clip(o.Marks), told...)
			raised = len(all.Marks)
			if err == nil {
				err = s.follow(t, all, now)
			}
		}
		return err
	}, names...)
	if err != nil {
		return fmt.Errorf("finish %s %s: %w", w.Mark.Kind, w.Mark.Key(), err)
	}
	if more != 0 || raised > 0 {
		s.poke()
	}
	return nil
}

// follow raises the work that came of it, in the order that never locks in a ring.
func (s *Store) follow(t *tx, o gate.Outcome, now int64) error {
	type next struct {
		mark gate.Mark
		key  string
		due  int64
	}
	nexts := make([]next, 0, len(o.Marks))
	for i, m := range o.Marks {
		due := now
		if i < len(o.Delays) {
			due += max(o.Delays[i], 0).Milliseconds()
		}
		nexts = append(nexts, next{m, m.Key(), due})
	}
	sorting.By(nexts, func(a, b next) int {
		if c := strings.Compare(string(a.mark.Kind), string(b.mark.Kind)); c != 0 {
			return c
		}
		return strings.Compare(a.key, b.key)
	})
	for _, n := range nexts {
		if err := s.bump(t, n.mark, nil, now, n.due); err != nil {
			return fmt.Errorf("mark %s %s: %w", n.mark.Kind, n.mark.Key(), err)
		}
	}
	return nil
}

// record is an outcome made ready to be written: packing a large body is not the writer's work.
type record struct {
	work           gate.Work
	outcome        gate.Outcome
	subject        checks.Subject
	body           []byte
	facts, sources packed
	entries        []gate.Entry
}

// packed is a blob by its content.
type packed struct {
	digest string
	size   int
	body   []byte
	zip    func() []byte // of one that is most likely had already: only asked where it is not
}

func (s *Store) prepare(w gate.Work, o gate.Outcome) (*record, error) {
	r := &record{work: w, outcome: o, subject: w.Mark.Subject(), entries: s.tidied(o.Entries)}
	d := o.Decision
	if d == nil {
		r.facts = s.blob(o.Facts)
		return r, nil
	}
	if d.ID == "" {
		return nil, fmt.Errorf("keep a decision without an id")
	}
	if d.Subject.Repo != "" {
		r.subject = d.Subject
	}
	if o.Kept {
		return r, nil
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("keep decision %s: %w", d.ID, err)
	}
	r.body, r.facts, r.sources = s.pack.zip(text), s.blob(o.Facts), s.familiar(o.Sources)
	return r, nil
}

func (s *Store) blob(b []byte) packed {
	if b == nil {
		return packed{}
	}
	return packed{digest: digest(b), size: len(b), body: s.pack.zip(b)}
}

// familiar is a blob that most likely is kept: policies change rarely.
func (s *Store) familiar(b []byte) packed {
	if b == nil {
		return packed{}
	}
	return packed{digest: digest(b), size: len(b), zip: func() []byte { return s.pack.zip(b) }}
}

// keep writes the decision, the state and what is shown.
func (r *record) keep(s *Store, t *tx, now int64) error {
	o := r.outcome
	if err := r.answered(t); err != nil {
		return err
	}
	if err := r.released(t); err != nil {
		return err
	}
	if err := r.promoted(t); err != nil {
		return err
	}
	if o.Decision == nil && o.Subject == nil && len(o.Posted)+len(o.Overrides) == 0 && o.Hold == nil {
		return nil
	}
	id, err := r.subjectID(t)
	if err != nil {
		return err
	}
	if err := r.act(s, t, id); err != nil {
		return err
	}
	if err := r.carries(t); err != nil {
		return err
	}
	if err := r.decide(t, id); err != nil {
		return err
	}
	if err := r.seen(t, now); err != nil {
		return fmt.Errorf("keep what was seen: %w", err)
	}
	if err := r.state(t, id, now); err != nil {
		return fmt.Errorf("keep the state: %w", err)
	}
	decision := ""
	if o.Decision != nil {
		decision = o.Decision.ID
	} else if o.Subject != nil {
		decision = o.Subject.Decision
	}
	for _, p := range o.Posted {
		if _, err := t.exec(qPost, id, p.Commit, p.Name, p.ID, p.Node, p.Digest, p.State, decision, now); err != nil {
			return fmt.Errorf("keep what %s shows: %w", p.Name, err)
		}
	}
	return nil
}

// subjectID is the row of the subject that was judged: nearly always the work's own.
func (r *record) subjectID(t *tx) (int64, error) {
	kind := gate.MarkKind(r.subject.Kind)
	if kind == r.work.Mark.Kind && r.subject.Key() == r.work.Mark.Subject().Key() {
		return r.work.ID, nil
	}
	if r.subject.Change == 0 && r.subject.Tag == "" && r.subject.Environment == "" {
		return 0, fmt.Errorf("there is no change or tag to keep it for")
	}
	m := gate.Mark{Kind: kind, Forge: r.subject.Forge, Repo: r.subject.Repo, Change: r.subject.Change, Tag: r.subject.Tag,
		Commit: cmp.Or(r.subject.Group, r.subject.Commit), Environment: r.subject.Environment, Installation: r.subject.Installation}
	var id int64
	var wanted int64
	if _, err := t.exec(qRest, identity(m)...); err != nil {
		return 0, err
	}
	_, err := t.row([]any{&id, &wanted}, qWanted, string(m.Kind), m.Key())
	return id, err
}

func (r *record) decide(t *tx, subject int64) error {
	d := r.outcome.Decision
	if d == nil || r.outcome.Kept {
		return nil
	}
	facts, err := r.facts.keep(t)
	if err != nil {
		return fmt.Errorf("keep the facts of decision %s: %w", d.ID, err)
	}
	sources, err := r.sources.keep(t)
	if err != nil {
		return fmt.Errorf("keep the policy of decision %s: %w", d.ID, err)
	}
	_, err = t.exec(qDecide, d.ID, subject, r.subject.Forge, fold(r.subject.Repo), d.Commit, d.At.UnixMilli(), flag(d.Open),
		d.Policy, d.Facts, d.Digest, r.body, facts, sources)
	if err != nil {
		return fmt.Errorf("keep decision %s: %w", d.ID, err)
	}
	return nil
}

func (p packed) keep(t *tx) (id sql.NullInt64, err error) {
	if p.digest == "" {
		return id, nil
	}
	if p.zip != nil {
		if had, err := t.row([]any{&id}, qBlobID, p.digest); had || err != nil {
			return id, err
		}
		p.body = p.zip()
	}
	for range 3 { // it may be pruned in between; where it is later, the reference to it fails, and all is run again
		if _, err = t.exec(qBlob, p.digest, p.size, p.body); err != nil {
			return id, err
		}
		if had, err := t.row([]any{&id}, qBlobID, p.digest); had || err != nil {
			return id, err
		}
	}
	return id, errors.New("what is to be kept is pruned again and again")
}

func (r *record) state(t *tx, subject, now int64) error {
	st, d := r.outcome.Subject, r.outcome.Decision
	if st == nil {
		if d == nil {
			return nil
		}
		_, err := t.exec(qStateDecision, subject, d.ID)
		return err
	}
	decision, read := st.Decision, now
	if decision == "" && d != nil {
		decision = d.ID
	}
	if !st.ReadAt.IsZero() {
		read = st.ReadAt.UnixMilli()
	}
	_, err := t.exec(qState, subject, r.subject.Forge, fold(r.subject.Repo), flag(st.Open), st.Head, st.Base, st.Author,
		st.Title, decision, read, flag(st.Merged), st.Shut)
	return err
}

// millis is a time as it is kept; zero is NULL.
func millis(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}
