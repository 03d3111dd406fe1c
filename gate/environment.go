package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// visit is one look at an environment: what is remembered of it, what the forge tells now, and what comes of it. Only
// visits move promotions, and the queue lets one visit an environment at a time.
type visit struct {
	r        *Reconciler
	w        Work
	provider Promoter
	s        checks.Subject // the environment
	book     *EnvironmentBook
	standing *Standing
	set      *policy.Set // nil: the policy is broken or unread
	spelt    string      // as the policy spells the environment
	now      time.Time
	out      Outcome
	touched  map[string]bool // promotions that changed, by id
	resumed  string          // the promotion that was under way when this visit began, by id
	decision *Decision       // on the promotion that was judged
	earlier  *Decision       // on the one that is shown, from before this visit
	turned   []string        // promotions that are over, by id, for which a run waits nevertheless
	ending   []int64         // deployments that were cancelled
	strange  []stranger      // found outside the gate just now
	asked    []string        // commits of which was asked what is shown on them
	log      *slog.Logger
}

// environment looks at an environment: it follows what is under way, takes the newest promotion that waits, judges it, and
// deploys it through an open gate.
func (r *Reconciler) environment(ctx context.Context, w Work) (Outcome, error) {
	provider, ok := r.Providers[w.Mark.Forge].(Promoter)
	if !ok || r.Book == nil {
		return Outcome{Note: "no forge " + w.Mark.Forge + " with deployments is configured"}, nil
	}
	s := w.Mark.Subject()
	book, err := r.Book.Environment(ctx, s.Forge, s.Repo, s.Environment)
	if err != nil {
		return Outcome{}, fmt.Errorf("read what is remembered of %v: %w", s, err)
	}
	if strange, err := r.unknown(ctx, w, book); strange || err != nil {
		return Outcome{Note: "no policy here guards it"}, err
	}
	v := &visit{r: r, w: w, provider: provider, s: s, book: book, now: r.Now().UTC(), touched: map[string]bool{}, log: r.Log.With("environment", s.Key())}
	if u := v.underWay(); u != nil {
		v.resumed = u.ID
	}
	err = v.walk(ctx)
	switch {
	case errors.Is(err, ErrGone) && !errors.Is(err, ErrStale):
		if since := v.w.Since; v.busy() && !since.IsZero() && v.now.Sub(since) < goneFor {
			return Outcome{}, &RetryError{After: goneFor / 6, Err: fmt.Errorf("look at %v: %w", s, err)}
		}
		return v.forget(), nil
	case err != nil:
		return Outcome{}, fmt.Errorf("look at %v: %w", s, err)
	}
	if err := v.show(ctx); err != nil { // what was done is kept; the rest is shown with the next look
		v.log.Warn("not all shown yet", "err", err)
		v.out.Note = checks.Clip("not all shown yet: "+err.Error(), 300)
		v.out.Next = sooner(v.out.Next, v.now.Add(wait(err)))
	}
	return v.end(), nil
}

// unknown says that an environment is none of those that the repository's policy guards, as far as that was looked at: what
// is deployed to it is nobody's business here.
func (r *Reconciler) unknown(ctx context.Context, w Work, book *EnvironmentBook) (bool, error) {
	if book.Seen != nil || len(book.Promotions) > 0 || slices.ContainsFunc(w.Causes, func(c Mark) bool { return strings.HasPrefix(c.Detail, "run/") || c.Detail == RunsWait }) {
		return false, nil
	}
	others, err := r.Book.Environments(ctx, w.Mark.Forge, w.Mark.Repo)
	if err != nil {
		return false, fmt.Errorf("list the environments of %s: %w", w.Mark.Repo, err)
	}
	return len(others) > 0, nil
}

// wait is how long to wait after what the forge did not take.
func wait(err error) time.Duration {
	if later := (*RetryError)(nil); errors.As(err, &later) && later.After > 0 {
		return later.After
	}
	return 30 * time.Second
}

// walk is what a visit does, in order.
func (v *visit) walk(ctx context.Context) error {
	if err := v.arrivals(ctx); err != nil {
		return err
	}
	under := v.underWay()
	if err := v.obey(); err != nil {
		return err
	}
	p, err := v.admit()
	if err != nil {
		return err
	}
	if p == nil && !v.worthReading() {
		v.out.Note = "nothing waits here"
		return nil
	}
	if u := v.underWay(); u != nil && len(u.Knocks) > 0 { // what waits behind it is judged when it is over
		p = u
	}
	if err := v.read(ctx, p); err != nil {
		return err
	}
	if err := v.follow(ctx); err != nil {
		return err
	}
	if err := v.strangers(ctx); err != nil {
		return err
	}
	if err := v.runsOver(); err != nil {
		return err
	}
	v.waiting()
	if err := v.knockAnew(ctx); err != nil {
		return err
	}
	if under != nil && under.State != Deploying { // the book still has it under way, and would take no reservation beside it
		v.out.later(environmentMark(v.s, v.s.Environment, "the way is free"))
		return nil
	}
	switch {
	case p != nil && p.Waiting():
		return v.judge(ctx, p)
	case p != nil && p.State == Deploying:
		return v.admitRuns(ctx, p)
	}
	return nil
}

// worthReading says whether the forge has to be asked though nothing waits: something is under way or not well yet, or it
// told of a deployment, or it is time to look for deployments of which nobody told.
func (v *visit) worthReading() bool {
	if slices.ContainsFunc(v.book.Promotions, func(p Promotion) bool { return p.State == Deploying || p.State == Live }) {
		return true
	}
	return v.book.Seen == nil || !v.book.Seen.Looked || slices.ContainsFunc(v.w.Causes, func(c Mark) bool {
		return c.Why == sweeping || c.deploys() || c.Why == "first look" || c.Detail == RunsWait
	})
}

// read asks the forge for the environment, and for all the facts of the promotion that waits, if one does.
func (v *visit) read(ctx context.Context, p *Promotion) error {
	s, asks := v.s, checks.Promotion{Environment: v.s.Environment}
	if p != nil {
		s, asks = p.Subject(), v.asking(p)
	}
	var watched []string
	for _, q := range v.book.Promotions {
		if q.State == Live && (p == nil || q.Commit != p.Commit) && !slices.Contains(watched, q.Commit) {
			watched = append(watched, q.Commit)
		}
	}
	if v.asked = watched; p != nil {
		v.asked = append(slices.Clone(watched), p.Commit)
	}
	st, err := v.provider.Environment(ctx, s, watched, asks)
	if err != nil {
		return fmt.Errorf("read the environment: %w", err)
	}
	v.standing, v.now = st, v.r.Now().UTC()
	if v.set = nil; st.Unread == "" {
		if v.set, err = v.r.policies.load(st.Sources); err != nil {
			v.set = nil
		}
	}
	if v.set != nil {
		v.spelt, _ = checks.Guarded(v.set, v.s.Environment)
	}
	if st.Facts != nil {
		st.Facts.Promotion.Deployments = st.Deployments
	}
	return nil
}

// asking is what is remembered of a promotion that the forge's reading depends on.
func (v *visit) asking(p *Promotion) checks.Promotion {
	asks := checks.Promotion{ID: p.ID, Environment: p.Environment, Commit: p.Commit, How: p.How, Event: p.Event, Requester: p.By, Requested: p.At}
	for _, a := range v.book.Acts {
		if a.Promotion == p.ID && a.Kind != ActCancel {
			asks.Approvals = append(asks.Approvals, a.Saying)
		}
	}
	return asks
}

// RunsWait is the Detail of a mark on an environment where a run may have come to wait, though the forge did not say which.
const RunsWait = "runs wait"

// sweeping is the cause of a look that nothing brought about.
const sweeping = "sweep"

// goneFor is how long a forge may show a repository no more before what waits there is given up: one that is renamed,
// transferred or suspended for a while is not lost.
const goneFor = 30 * time.Minute

// busy says whether something would be lost by forgetting the environment.
func (v *visit) busy() bool {
	return slices.ContainsFunc(v.book.Promotions, func(p Promotion) bool { return p.Waiting() || p.State == Deploying })
}

// forget ends what waits in an environment that the forge shows no more.
func (v *visit) forget() Outcome {
	for i := range v.book.Promotions {
		if p := &v.book.Promotions[i]; p.Waiting() || p.State == Deploying && p.Deployment != 0 {
			if err := v.move(p, Cancelled, "the forge shows the repository or its commit no more", Who{}); err != nil {
				v.log.Error("cancel a promotion", "err", err)
			}
			p.Owed = true
		}
	}
	v.out.Note = "gone"
	return v.end()
}

// environmentMark has an environment looked at.
func environmentMark(s checks.Subject, environment, why string) Mark {
	return Mark{Kind: MarkEnvironment, Forge: s.Forge, Repo: s.Repo, Environment: environment, Installation: s.Installation, Why: why}
}
