package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// A shelf is one process's way to the store. What is not written here goes by unseen, and only reads.
type shelf struct {
	*store.Store
	p *process
}

var (
	_ gate.Queue    = shelf{}
	_ gate.Memory   = shelf{}
	_ gate.Book     = shelf{}
	_ gate.Releases = shelf{}
)

func (s shelf) Claim(ctx context.Context, n int, lasts time.Duration) (works []gate.Work, err error) {
	s.p.world.passesOn()
	select { // whoever claims has heard that something is due
	case <-s.p.wake:
	default:
	}
	if err := s.p.ended(ctx); err != nil {
		return nil, err
	}
	if at, ok, err := s.NextDue(context.Background()); err == nil && !s.p.jumped && (!ok || at.After(s.p.now())) {
		return nil, nil // to look into an empty queue is nothing that happens
	}
	if s.p.refused == s.p.world.steps { // nor is to ask again in the same moment
		return nil, errFull
	}
	err = s.p.at(ctx, writes, "Claim", fmt.Sprint(n), func() error {
		works, err = s.Store.Claim(ctx, n, lasts)
		s.p.jumped = s.p.jumped && err != nil
		s.p.world.handed(s.p, works, lasts)
		return err
	})
	if err != nil {
		s.p.refused = s.p.world.steps
		return nil, err
	}
	for _, w := range works {
		s.p.claimed = append(s.p.claimed, &worker{work: w, claimed: time.Now(), readings: map[any]*reading{}, remembered: map[string]time.Time{}})
	}
	return works, nil
}

func (s shelf) Extend(ctx context.Context, w gate.Work, lasts time.Duration) error {
	return s.p.at(ctx, writes, "Extend", fmt.Sprintf("%d.%d", w.ID, w.Token), func() error {
		err := s.Store.Extend(ctx, w, lasts)
		s.p.world.kept(w, err, lasts)
		return err
	})
}

func (s shelf) Finish(ctx context.Context, w gate.Work, o gate.Outcome) error {
	return s.p.at(ctx, writes, "Finish", s.p.world.outcome(w, o), func() error {
		err := s.Store.Finish(ctx, w, o)
		s.p.world.over(w, err)
		if err == nil {
			s.p.world.wrote(w, o)
		}
		return err
	})
}

func (s shelf) Fail(ctx context.Context, w gate.Work, why string, after time.Duration) error {
	return s.p.at(ctx, writes, "Fail", fmt.Sprintf("%s %s %v: %s", w.Mark.Kind, w.Mark.Key(), after, why), func() error {
		err := s.Store.Fail(ctx, w, why, after)
		s.p.world.over(w, err)
		return err
	})
}

func (s shelf) Mark(ctx context.Context, marks ...gate.Mark) error {
	return s.p.at(ctx, writes, "Mark", fmt.Sprint(len(marks)), func() error { return s.Store.Mark(ctx, marks...) })
}

func (s shelf) Reserve(ctx context.Context, w gate.Work, p gate.Promotion, k *gate.Kept, e []gate.Entry) error {
	return s.p.at(ctx, writes, "Reserve", p.ID, func() error {
		err := s.Store.Reserve(ctx, w, p, k, e)
		if by := self(ctx); err == nil && by.reserved.IsZero() {
			by.reserved = time.Now()
		}
		return err
	})
}

func (s shelf) prune(ctx context.Context) error {
	return s.p.at(ctx, writes, "Prune", "", func() error { return s.Store.Prune(ctx, 400*24*time.Hour, 30*24*time.Hour) })
}

// look is a read that may take its time and break.
func look[T any](s shelf, ctx context.Context, name, what string, read func() (T, error)) (v T, err error) {
	err = s.p.at(ctx, reads, name, what, func() (err error) { v, err = read(); return err })
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}

func (s shelf) State(ctx context.Context, x checks.Subject) (*gate.SubjectState, error) {
	return look(s, ctx, "State", x.Key(), func() (*gate.SubjectState, error) { return s.Store.State(ctx, x) })
}

func (s shelf) Latest(ctx context.Context, x checks.Subject) (d *gate.Decision, sources []byte, err error) {
	d, err = look(s, ctx, "Latest", x.Key(), func() (d *gate.Decision, err error) { d, sources, err = s.Store.Latest(ctx, x); return d, err })
	return d, sources, err
}

func (s shelf) Posted(ctx context.Context, x checks.Subject, commit string) ([]gate.Posted, error) {
	return look(s, ctx, "Posted", x.Key(), func() ([]gate.Posted, error) { return s.Store.Posted(ctx, x, commit) })
}

func (s shelf) OpenSubjects(ctx context.Context, forge, repo, base string) ([]checks.Subject, error) {
	return look(s, ctx, "OpenSubjects", repo+"/"+base, func() ([]checks.Subject, error) { return s.Store.OpenSubjects(ctx, forge, repo, base) })
}

func (s shelf) OpenAt(ctx context.Context, forge, repo, head string) ([]checks.Subject, error) {
	return look(s, ctx, "OpenAt", head, func() ([]checks.Subject, error) { return s.Store.OpenAt(ctx, forge, repo, head) })
}

func (s shelf) Acts(ctx context.Context, x checks.Subject) (gate.Acts, error) {
	return look(s, ctx, "Acts", x.Key(), func() (gate.Acts, error) { return s.Store.Acts(ctx, x) })
}

func (s shelf) Moved(ctx context.Context, x checks.Subject, receipt int64, head string) (moved bool, at time.Time, err error) {
	moved, err = look(s, ctx, "Moved", x.Key(), func() (moved bool, err error) {
		moved, at, err = s.Store.Moved(ctx, x, receipt, head)
		return moved, err
	})
	return moved, at, err
}

func (s shelf) Comment(ctx context.Context, m gate.Mark) (*gate.CommentState, error) {
	return look(s, ctx, "CommentState", m.Key(), func() (*gate.CommentState, error) { return s.Store.Comment(ctx, m) })
}

func (s shelf) Branch(ctx context.Context, forge, repo, name string) (*gate.BranchSeen, error) {
	return look(s, ctx, "Branch", name, func() (*gate.BranchSeen, error) { return s.Store.Branch(ctx, forge, repo, name) })
}

func (s shelf) Environment(ctx context.Context, forge, repo, name string) (*gate.EnvironmentBook, error) {
	if by := self(ctx); by != nil {
		by.remembered[name] = time.Now()
	}
	return look(s, ctx, "Book", name, func() (*gate.EnvironmentBook, error) { return s.Store.Environment(ctx, forge, repo, name) })
}

func (s shelf) Environments(ctx context.Context, forge, repo string) ([]gate.EnvironmentSeen, error) {
	return look(s, ctx, "Environments", repo, func() ([]gate.EnvironmentSeen, error) { return s.Store.Environments(ctx, forge, repo) })
}

// outcome names what a piece of work leaves behind; with the whole trace, all of it.
func (w *world) outcome(k gate.Work, o gate.Outcome) string {
	text := fmt.Sprintf("%s %s", k.Mark.Kind, k.Mark.Key())
	if o.Decision != nil {
		text += fmt.Sprintf(" open=%v", o.Decision.Open)
	}
	if o.Note != "" {
		text += " (" + o.Note + ")"
	}
	if w.all != nil {
		all, err := json.Marshal(o)
		text += fmt.Sprintf(" %s %v", print(string(all)), err)
	}
	return text
}
