package gitlab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

const (
	rounds  = 4 // how often the checks may want more after they saw more
	abreast = 8 // reads at once
)

// Facts implements gate.Provider. Where nothing has changed it costs two requests: the merge request and its approvals; a third
// where reviewers were asked and the gate is open, since objections show nowhere else.
func (c *Client) Facts(ctx context.Context, s checks.Subject, expect string) (*checks.Facts, error) {
	f, err := c.facts(ctx, s, expect)
	if err != nil {
		if errors.Is(err, gate.ErrGone) {
			c.forget(s.Repo)
		}
		return nil, fmt.Errorf("read facts of %v: %w", s, err)
	}
	return f, nil
}

func (c *Client) facts(ctx context.Context, s checks.Subject, expect string) (*checks.Facts, error) {
	if expect != "" && !objectID(expect) {
		return nil, fmt.Errorf("%q is not a commit id", expect)
	}
	a, err := c.reach(s.Repo)
	if err != nil {
		return nil, err
	}
	r := &reading{c: c, a: a, repo: s.Repo, f: &checks.Facts{Subject: s}}
	switch {
	case s.Kind == checks.KindChange && s.Change > 0:
		defer c.alone(ctx, s.Repo)()
		if err = r.change(ctx, expect); errors.Is(err, errVotes) {
			r = &reading{c: c, a: a, repo: s.Repo, f: &checks.Facts{Subject: s}, sure: true}
			err = r.change(ctx, expect)
		}
	case s.Kind == checks.KindTag && s.Tag != "":
		err = r.tag(ctx, expect)
	default:
		err = fmt.Errorf("%v is neither a change nor a tag", s)
	}
	if err != nil {
		return nil, err
	}
	return r.ended(), nil
}

// objectID says whether a string is a whole object id, of SHA-1 or SHA-256.
func objectID(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	return !slices.ContainsFunc([]byte(s), func(b byte) bool { return (b < '0' || b > '9') && (b < 'a' || b > 'f') })
}

// reading is one pass over one subject.
type reading struct {
	c    *Client
	a    *access
	repo string // as the subject has it
	f    *checks.Facts
	p    *project

	mr    *mergeRequest
	car   *car   // as which it stands on a merge train, or nil
	prior *prior // of the same change, or nil
	same  bool   // nothing shows that anything is otherwise than in prior
	next  prior  // what the next reading will find

	spare  roll // of reviews: not read as long as nothing else is otherwise
	sure   bool // nothing is spared
	early  bool // this is no look, but what is read ahead of one
	roused bool // that is done since somebody pushed
	learnt atomic.Int32

	diff    *difference
	tip     string // of the target branch (of the default branch for a tag)
	start   string // the merge base
	head    string
	cutTree string // why the list of files is not whole

	mu sync.Mutex // of gaps, and of what several requests at once bring
}

// gap says that a part could not be had in full, once for each part.
func (r *reading) gap(part, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, there := r.f.Gap(part); !there {
		r.f.Gaps = append(r.f.Gaps, checks.Gap{Part: part, Reason: fmt.Sprintf(format, args...)})
	}
}

// key is what is remembered of the project under.
func (r *reading) key() string { return lower(r.repo) }

// ended are the facts when all was read.
func (r *reading) ended() *checks.Facts {
	r.f.At = r.c.opts.Now().UTC()
	sort.Slice(r.f.Texts, func(i, j int) bool {
		a, b := r.f.Texts[i], r.f.Texts[j]
		return a.Path < b.Path || a.Path == b.Path && a.Side < b.Side
	})
	sort.SliceStable(r.f.Gaps, func(i, j int) bool { return r.f.Gaps[i].Part < r.f.Gaps[j].Part })
	return r.f
}

// change reads a merge request.
func (r *reading) change(ctx context.Context, expect string) error {
	r.prior, _ = r.c.memory.changes.Get(r.f.Subject.Key())
	r.spare = r.sparable(ctx)
	ctx = learning(ctx, &r.learnt)
	group, all := errgroup.WithContext(ctx)
	group.Go(func() (err error) { r.p, err = r.c.projectWithin(all, r.repo, placeKept); return err })
	group.Go(func() (err error) { r.mr, err = r.mergeRequest(all); return err })
	group.Go(func() error { return r.first(all) })
	if err := group.Wait(); err != nil {
		return err
	}
	if err := r.belongs(); err != nil {
		return err
	}
	if err := r.fresh(ctx, expect); err != nil {
		return err
	}
	if err := r.describe(ctx); err != nil {
		return err
	}
	if r.next.at = r.c.opts.Now(); r.unchanged() {
		r.next.at = r.prior.at
	}
	if err := r.rest(ctx); err != nil {
		return missed(err)
	}
	if err := r.spared(ctx); err != nil {
		return missed(err)
	}
	r.next.tip = r.tip
	r.c.memory.changes.Add(r.f.Subject.Key(), &r.next)
	if err := r.soon(ctx); err != nil {
		r.c.opts.Log.Debug("read ahead of events", "subject", r.f.Subject.Key(), "err", err)
	}
	return nil
}

// here is the path of something below the change.
func (r *reading) here(parts ...string) string {
	return at(r.repo, append([]string{"merge_requests", fmt.Sprint(r.f.Subject.Change)}, parts...)...)
}

// rest reads what the first requests did not bring: at once what hangs on no other, then what the checks want.
func (r *reading) rest(ctx context.Context) error {
	group, all := errgroup.WithContext(ctx)
	for _, read := range []func(context.Context) error{
		r.policies, r.differences, r.statuses, r.tags, r.reviews,
	} {
		group.Go(func() error { return read(all) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := r.labelled(ctx); err != nil {
		return err
	}
	r.adopt()
	if err := r.written(ctx); err != nil {
		return err
	}
	if r.car != nil {
		if err := r.boarded(ctx); err != nil {
			return err
		}
	}
	return r.rounds(ctx, checks.AskFor)
}

// missed is an error about a part of a subject that GitLab has just shown: if the part is gone the subject has moved, and
// is to be read again.
func missed(err error) error {
	if errors.Is(err, gate.ErrGone) && !errors.Is(err, gate.ErrStale) {
		return fmt.Errorf("%w: %v", gate.ErrStale, err)
	}
	return err
}

// rounds lets the checks ask until they know enough. A policy that cannot be loaded asks for nothing: it is what will be
// reported.
func (r *reading) rounds(ctx context.Context, ask func(*policy.Set, *checks.Facts) *checks.Wants) error {
	set, err := r.c.memory.policy(r.f.Sources)
	if err != nil {
		return nil
	}
	for range rounds {
		w := ask(set, r.f)
		if w.Empty() {
			break
		}
		if err := r.fill(ctx, w); err != nil {
			return err
		}
	}
	return nil
}
