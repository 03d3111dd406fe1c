package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	quick "github.com/go-json-experiment/json/v1"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var (
	_ gate.Queue  = (*Store)(nil)
	_ gate.Memory = (*Store)(nil)
)

// State is what is remembered of a subject, or nil.
func (s *Store) State(ctx context.Context, subject checks.Subject) (*gate.SubjectState, error) {
	var st gate.SubjectState
	var read int64
	ok, err := s.scan(brief(ctx), []any{&st.Open, &st.Head, &st.Base, &st.Author, &st.Title, &st.Decision, &read, &st.Merged, &st.Shut},
		qReadState, string(subject.Kind), subject.Key())
	if err != nil || !ok {
		return nil, err
	}
	st.ReadAt = at(read)
	return &st, nil
}

// Latest is the newest decision on a subject with the policy sources it was made under (canonical JSON), or nil.
func (s *Store) Latest(ctx context.Context, subject checks.Subject) (*gate.Decision, []byte, error) {
	var body, sources []byte
	ok, err := s.scan(brief(ctx), []any{&body, &sources}, qLatest, string(subject.Kind), subject.Key())
	if err != nil || !ok {
		return nil, nil, err
	}
	d, err := s.decision(body)
	if err != nil {
		return nil, nil, fmt.Errorf("read the newest decision on %v: %w", subject, err)
	}
	sources, err = s.unpack(sources)
	return d, sources, err
}

// brief is for reads that every judgement makes and that take microseconds: whoever could be cancelled in between would
// have two goroutines beside each that wait for it.
func brief(ctx context.Context) context.Context {
	if ctx.Err() != nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// Decision is one decision with the facts and the policy sources it came from (canonical JSON), or ErrUnknown.
func (s *Store) Decision(ctx context.Context, id string) (d *gate.Decision, facts, sources []byte, err error) {
	var body []byte
	ok, err := s.scan(ctx, []any{&body, &facts, &sources}, qReadDecision, id)
	if err == nil && !ok {
		err = ErrUnknown
	}
	if err == nil {
		d, err = s.decision(body)
	}
	if err == nil {
		facts, err = s.unpack(facts)
	}
	if err == nil {
		sources, err = s.unpack(sources)
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read decision %q: %w", checks.Clip(id, 40), err)
	}
	return d, facts, sources, nil
}

// Decided is a decision by its id, or nil when it is not kept any more.
func (s *Store) Decided(ctx context.Context, id string) (*gate.Decision, error) {
	d, _, _, err := s.Decision(ctx, id)
	if errors.Is(err, ErrUnknown) {
		return nil, nil
	}
	return d, err
}

func (s *Store) decision(body []byte) (*gate.Decision, error) {
	text, err := s.unpack(body)
	if err != nil {
		return nil, err
	}
	d := &gate.Decision{}
	return d, quick.Unmarshal(text, d) // as encoding/json reads it, in half the time: every look begins with one
}

// Past says which decisions to list.
type Past struct {
	Forge, Repo string         // "": all
	Subject     checks.Subject // zero: all
	Since       time.Time      // zero: all
	Before      int64          // page on: the Seq of the last one had; 0: from the newest
	Limit       int            // 100 when 0
}

// PastDecision is a decision in a list. Seq is for paging.
type PastDecision struct {
	gate.Decision
	Seq int64
}

// Decisions lists decisions, the newest first.
func (s *Store) Decisions(ctx context.Context, p Past) ([]PastDecision, error) {
	text := `SELECT d.seq, d.body FROM decision d WHERE 1 = 1`
	var args []any
	and := func(condition string, value any) {
		args = append(args, value)
		text += fmt.Sprintf(" AND "+condition, len(args))
	}
	if p.Forge != "" {
		and("d.forge = $%d", p.Forge)
	}
	if p.Repo != "" {
		and("d.repo = $%d", fold(p.Repo))
	}
	if p.Subject.Kind != "" {
		and("d.subject_id = (SELECT id FROM subject WHERE kind = $%d", string(p.Subject.Kind))
		and("key = $%d)", p.Subject.Key())
	}
	if !p.Since.IsZero() {
		and("d.at >= $%d", p.Since.UnixMilli())
	}
	if p.Before > 0 {
		and("d.seq < $%d", p.Before)
	}
	if p.Limit <= 0 {
		p.Limit = 100
	}
	args = append(args, p.Limit)
	rows, err := s.query(ctx, text+fmt.Sprintf(" ORDER BY d.seq DESC LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, err
	}
	var ds []PastDecision
	err = each(rows, func(scan func(...any) error) error {
		var seq int64
		var body []byte
		if err := scan(&seq, &body); err != nil {
			return err
		}
		d, err := s.decision(body)
		if err == nil {
			ds = append(ds, PastDecision{*d, seq})
		}
		return err
	})
	return ds, err
}

// Posted is what the forge was last known to show for the subject on a commit, by name.
func (s *Store) Posted(ctx context.Context, subject checks.Subject, commit string) ([]gate.Posted, error) {
	rows, err := s.query(brief(ctx), qReadPosted, string(subject.Kind), subject.Key(), commit)
	if err != nil {
		return nil, err
	}
	var ps []gate.Posted
	err = each(rows, func(scan func(...any) error) error {
		var p gate.Posted
		err := scan(&p.Name, &p.Commit, &p.ID, &p.Node, &p.Digest, &p.State)
		ps = append(ps, p)
		return err
	})
	return ps, err
}

// OpenSubjects are the open changes remembered: of a repository ("" for all), into a base branch ("" for all).
func (s *Store) OpenSubjects(ctx context.Context, forge, repo, base string) ([]checks.Subject, error) {
	return s.openSubjects(ctx, forge, repo, "base", base, "t.read_at, ")
}

// OpenAt are the open changes of a repository whose head was last known to be this commit.
func (s *Store) OpenAt(ctx context.Context, forge, repo, head string) ([]checks.Subject, error) {
	return s.openSubjects(ctx, forge, repo, "head", head, "")
}

// HasOpen says whether any open change of the repository is known to go into the base branch.
func (s *Store) HasOpen(ctx context.Context, forge, repo, base string) (bool, error) {
	var one int
	return s.scan(brief(ctx), []any{&one}, qHasOpen, forge, fold(repo), base)
}

func (s *Store) openSubjects(ctx context.Context, forge, repo, column, value, before string) ([]checks.Subject, error) {
	text, args := qWhereOpen, []any{forge}
	if repo != "" {
		args = append(args, fold(repo))
		text += fmt.Sprintf(" AND t.repo = $%d", len(args))
	}
	if value != "" {
		args = append(args, value)
		text += fmt.Sprintf(" AND t.%s = $%d", column, len(args))
	}
	var n int // there may be a hundred thousand: a list that grew would be there twice
	if value == "" {
		if _, err := s.scan(brief(ctx), []any{&n}, qCountOpen+text, args...); err != nil {
			return nil, err
		}
	}
	rows, err := s.query(brief(ctx), qOpen+text+" ORDER BY "+before+"t.repo, s.number, s.name", args...)
	if err != nil {
		return nil, err
	}
	subjects, last := make([]checks.Subject, 0, n), checks.Subject{}
	err = each(rows, func(scan func(...any) error) error {
		var x checks.Subject
		var name string
		err := scan(&x.Kind, &x.Forge, &x.Repo, &x.Change, &name, &x.Installation)
		if x.Kind == checks.KindTag {
			x.Tag = name
		}
		if x.Kind == last.Kind && x.Forge == last.Forge && x.Repo == last.Repo {
			x.Kind, x.Forge, x.Repo = last.Kind, last.Forge, last.Repo // words that follow each other are kept once
		}
		subjects, last = append(subjects, x), x
		return err
	})
	return subjects, err
}

// Installation is how a repository is reached, as last learnt for it or for its account; 0 when that is not known.
func (s *Store) Installation(ctx context.Context, forge, repo string) (int64, error) {
	account, _, _ := strings.Cut(fold(repo), "/")
	var id int64
	_, err := s.scan(ctx, []any{&id}, qInstallation, forge, fold(repo), account)
	return id, err
}

// SetInstallation remembers how an account ("acme") or a repository ("acme/shop") is reached; 0 forgets it.
func (s *Store) SetInstallation(ctx context.Context, forge, name string, id int64) error {
	err := s.do(ctx, patient, func(t *tx) (err error) {
		if id == 0 {
			_, err = t.exec(qDropInstallation, forge, fold(name))
			return err
		}
		_, err = t.exec(qSetInstallation, forge, fold(name), id)
		return err
	}, nameOf("installation", forge, fold(name)))
	if err == nil {
		s.accounts.Delete(forge + ":" + fold(name))
	}
	return err
}

// LastTag is where a tag pointed when it was last seen, "" when it was gone; false when it was never seen.
func (s *Store) LastTag(ctx context.Context, forge, repo, tag string) (commit string, seen bool, err error) {
	seen, err = s.scan(ctx, []any{&commit}, qTag, forge, fold(repo), tag)
	return commit, seen, err
}

// SetTag remembers where a tag points, "" for one that is gone.
func (s *Store) SetTag(ctx context.Context, forge, repo, tag, commit string) error {
	return s.do(ctx, patient, func(t *tx) error {
		_, err := t.exec(qSetTag, forge, fold(repo), tag, commit)
		return err
	}, nameOf("tag", forge, fold(repo), tag))
}
