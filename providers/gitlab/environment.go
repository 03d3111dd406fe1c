package gitlab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Promoter = (*Client)(nil)

// mostWatched bounds the commits whose statuses one reading shows.
const mostWatched = 50

// standing is one reading of an environment. Where nothing is new it costs three requests, however many commits a promotion
// brings: the policy at the tip, the deployments, and the statuses of the commit. What else a line of the policies rests on
// costs one more: the tags where a release is asked for, the change that brought the commit where its labels or words decide.
// Where no line rests on them, and on statuses, they are believed for a while.
type standing struct {
	*reading
	out     *gate.Standing
	p       *checks.Promotion // nil without a commit
	branch  string
	watched []string
	set     *policy.Set // nil: broken or unread
}

// Environment implements gate.Promoter.
func (c *Client) Environment(ctx context.Context, s checks.Subject, watched []string, p checks.Promotion) (*gate.Standing, error) {
	st, err := c.environment(ctx, s, watched, p)
	if err != nil {
		if errors.Is(err, gate.ErrGone) {
			c.forget(s.Repo)
		}
		return nil, fmt.Errorf("read environment %s of %s: %w", checks.Clip(s.Environment, 60), s.Repo, err)
	}
	return st.out, nil
}

func (c *Client) environment(ctx context.Context, s checks.Subject, watched []string, p checks.Promotion) (*standing, error) {
	st, err := c.standing(ctx, s, watched, p)
	if err != nil {
		return nil, err
	}
	if err := st.inForce(ctx); err != nil {
		return nil, err
	}
	if err := st.take(ctx); err != nil {
		return nil, missed(err)
	}
	if st.p == nil {
		return st, nil
	}
	return st, missed(st.promotion(ctx))
}

func (c *Client) standing(ctx context.Context, s checks.Subject, watched []string, p checks.Promotion) (*standing, error) {
	a, err := c.reach(s.Repo)
	switch {
	case err != nil:
		return nil, err
	case s.Environment == "" || len(s.Environment) > 255:
		return nil, fmt.Errorf("%q is no environment's name", checks.Clip(s.Environment, 60))
	case s.Commit != "" && !objectID(s.Commit):
		return nil, fmt.Errorf("%q is not a commit id", checks.Clip(s.Commit, 60))
	}
	s.Kind = checks.KindPromotion
	st := &standing{reading: &reading{c: c, a: a, repo: s.Repo, f: &checks.Facts{Subject: s}, head: s.Commit}, out: &gate.Standing{Unsaid: true}}
	if st.reading.p, err = c.project(ctx, s.Repo); err != nil {
		return nil, err
	}
	for _, w := range watched {
		if objectID(w) && w != s.Commit && !slices.Contains(st.watched, w) && len(st.watched) < mostWatched {
			st.watched = append(st.watched, w)
		}
	}
	if s.Commit != "" {
		st.p = &p
		st.p.Environment, st.p.Commit = s.Environment, s.Commit
	}
	return st, nil
}

// inForce reads the policies of the default branch.
func (st *standing) inForce(ctx context.Context) error {
	st.describeProject()
	st.branch = st.f.Repository.Default
	st.out.Branch, st.out.URL = st.branch, st.f.Repository.URL
	found := false
	var err error
	if st.branch != "" {
		if found, err = st.atTip(ctx, st.branch); err != nil {
			return err
		}
	}
	if !found {
		st.gap("policy", "The repository has no default branch, so there is no policy in force.")
	}
	if err := st.floor(ctx); err != nil && ctx.Err() != nil {
		return err
	}
	if g, unread := st.f.Gap("policy"); unread {
		st.out.Unread = g.Reason
	}
	if st.out.Sources = st.f.Sources; st.out.Unread == "" {
		if st.set, err = st.c.memory.policy(st.f.Sources); err != nil {
			st.set = nil // what is broken is told by whoever judges
		}
	}
	return nil
}

// take takes in what is asked of an environment, with or without a commit, all at once.
func (st *standing) take(ctx context.Context) error {
	group, all := errgroup.WithContext(ctx)
	group.Go(func() error { return st.deployed(all) })
	group.Go(func() (err error) {
		st.out.Frozen, st.out.Thawing, err = st.c.freezes(all, st.a, st.f.Subject)
		return err
	})
	group.Go(func() error { return st.watch(all) })
	if st.p != nil {
		if st.releases() { // a tag may have been moved or deleted without a word
			st.c.memory.tags.Remove(st.key())
		}
		group.Go(func() error { return st.tags(all) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if st.out.Thawing != "" {
		st.gap("freezes", "%s.", strings.TrimSuffix(st.out.Thawing, "."))
	}
	return nil
}

// deployed takes in the environment's deployments back to what is live, and finds out what waits there for us.
func (st *standing) deployed(ctx context.Context) error {
	list, cut, err := st.c.everywhere(ctx, st.a, st.f.Subject, succeeded)
	if err != nil {
		return err
	}
	if cut && !succeeded(list) {
		st.out.Cut = fmt.Sprintf("Nothing is live among the newest %d deployments, and there are more.", len(list))
		st.gap("deployments", "%s", st.out.Cut)
	}
	if err := st.current(list); err != nil {
		return err
	}
	me, err := st.a.myself(ctx)
	if err != nil {
		return err
	}
	for _, n := range list {
		st.out.Deployments = append(st.out.Deployments, st.c.told(n, int64(me.ID), st.f.Repository.URL))
	}
	return st.waiting(ctx, list)
}

// current makes sure that the answer is not older than the deployment that was made here last: replicas lag at times, and one
// that is missed would look like one that was deleted.
func (st *standing) current(list []*deploymentNode) error {
	made, ok := st.c.promo.made.Get(under(st.repo, st.f.Subject.Environment))
	if !ok || !st.c.within(made.at, 2*time.Minute) || slices.ContainsFunc(list, func(n *deploymentNode) bool { return n.ID >= made.id }) {
		return nil
	}
	return fmt.Errorf("%w: the deployment %d", gate.ErrStale, made.id)
}

// waiting finds the newest deployment that is held, if it waits for us. GitLab tells of none by an event, and the list does not
// say what approvals one waits for: it is read by itself. Older ones, and those before what was deployed since, are past.
func (st *standing) waiting(ctx context.Context, list []*deploymentNode) error {
	for _, n := range list {
		if n.Job == nil || n.begun() {
			return nil
		}
		if n.Status != "blocked" || n.Job.Status != "manual" {
			continue
		}
		known, ok := st.c.promo.asks.Get(under(st.repo, number(n.ID)))
		if !ok || !st.c.within(known.at, fleeting) {
			whole, err := st.a.deployment(ctx, st.repo, n.ID)
			if errors.Is(err, gate.ErrGone) {
				continue
			}
			if err == nil {
				known.asks, err = st.c.asks(ctx, st.a, st.repo, whole)
			}
			if err != nil {
				return err
			}
		}
		if known.asks {
			st.out.Waiting = []int64{n.ID}
		}
		return nil
	}
	return nil
}

// promotion takes in what is asked of the commit.
func (st *standing) promotion(ctx context.Context) error {
	st.p.Branch, st.p.Deployments = st.branch, st.out.Deployments
	st.f.Promotion = st.p
	st.f.Statuses = st.out.Statuses[st.head]
	if err := st.signatures(ctx); err != nil {
		return err
	}
	if err := st.onBranch(ctx); err != nil {
		return err
	}
	if err := st.carried(ctx); err != nil {
		return err
	}
	if err := st.cameFrom(ctx); err != nil {
		return err
	}
	if err := st.rounds(ctx, checks.AskForPromotion); err != nil {
		return err
	}
	st.out.Facts = st.ended()
	return nil
}

// environments are what the policies in force say of the one that is read.
func (st *standing) environments() (list []*policy.Environment) {
	if st.set == nil {
		return nil
	}
	for _, layer := range st.set.Layers {
		if e := checks.Environment(layer, st.f.Subject.Environment); e != nil {
			list = append(list, e)
		}
	}
	return list
}

// releases says whether a line rests on tags.
func (st *standing) releases() bool {
	asks := func(e *policy.Environment) bool { return policy.Weaker(e.Release, "") != policy.Off }
	return st.set == nil || slices.ContainsFunc(st.environments(), asks)
}

// mostSigned bounds the tags at one commit whose signatures are read; the rest stay unread, and so count for nothing.
const mostSigned = 5

// signatures reads GitLab's word on the signatures of the tags at the commit, where a policy asks for signed ones. It is not
// remembered: a key may be taken back.
func (st *standing) signatures(ctx context.Context) error {
	asks := func(l *policy.Policy) bool {
		e := checks.Environment(l, st.f.Subject.Environment)
		return l.Tagging.Signed && e != nil && policy.Weaker(e.Release, "") != policy.Off
	}
	if st.set == nil || !slices.ContainsFunc(st.set.Layers, asks) {
		return nil
	}
	st.f.Tags = slices.Clone(st.f.Tags)
	read := 0
	for i := range st.f.Tags {
		t := &st.f.Tags[i]
		if t.Commit != st.head || !t.Annotated || read == mostSigned {
			continue
		}
		read++
		verified, word, err := st.a.signature(ctx, at(st.repo, "repository", "tags", t.Name, "signature"))
		if err != nil {
			return err
		}
		if t.Signature = word; verified {
			t.Signature = "valid"
		}
	}
	return nil
}
