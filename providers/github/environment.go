package github

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

var (
	_ gate.Promoter = (*Client)(nil)
	_ gate.Witness  = (*Client)(nil)
)

// mostWatched bounds the commits whose statuses one reading shows.
const mostWatched = 50

// standing is one reading of an environment.
type standing struct {
	*reading
	place   *place
	spelt   []string
	watched []string
	asking  []string // groups
	origin  int      // the change asked for at once; 0: none
	out     *gate.Standing
	p       *checks.Promotion // nil without a commit
	branch  string
	known   map[string]*cameNode // commits read, by id
	order   []string             // these, newest first
	came    page                 // where more of them are
	under   map[string]*cameNode // what is live and below it, as far as that was read: with parents alone
	line    []string             // commits of the default branch that were read
	pages   []historyAt          // more of these, asked for along with what is wanted
	paged   bool                 // they were
	sought  string               // what is live, where they have to tell what lies above it
	late    *lateCommits         // of the change asked for at once, after the first hundred; nil: there are none
	told    map[string]bringing  // who brought a commit, of those asked for in this reading

	unlabelled string // why it is not known who set the labels of the origin
}

// Environment implements gate.Promoter: one GraphQL request for most, and a comparison beside it for a pair of commits
// that was not compared yet.
func (c *Client) Environment(ctx context.Context, s checks.Subject, watched []string, p checks.Promotion) (*gate.Standing, error) {
	st, err := c.environment(ctx, s, watched, p)
	if hint := s.Installation; hint != 0 && errors.Is(err, gate.ErrGone) { // the App may have been installed anew since
		c.forget(s.Repo)
		if in, lost := c.reach(ctx, s.Repo, 0); lost == nil && in.id != hint {
			s.Installation = in.id
			st, err = c.environment(ctx, s, watched, p)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read environment %s of %s: %w", checks.Clip(s.Environment, 60), s.Repo, err)
	}
	return st.out, nil
}

func (c *Client) environment(ctx context.Context, s checks.Subject, watched []string, p checks.Promotion) (*standing, error) {
	st, err := c.standing(ctx, s, watched, p)
	if err != nil {
		return nil, err
	}
	node, err := st.ask(ctx)
	if err != nil {
		return nil, err
	}
	if err := st.take(ctx, node); err != nil {
		return nil, missed(err)
	}
	if st.p == nil {
		return st, nil
	}
	if err := st.promotion(ctx, node); err != nil {
		return nil, missed(err)
	}
	return st, nil
}

func (c *Client) standing(ctx context.Context, s checks.Subject, watched []string, p checks.Promotion) (*standing, error) {
	repo, in, err := c.at(ctx, s)
	switch {
	case err != nil:
		return nil, err
	case s.Environment == "" || len(s.Environment) > 255:
		return nil, fmt.Errorf("%q is no environment's name", checks.Clip(s.Environment, 60))
	case s.Commit != "" && !oid(s.Commit):
		return nil, fmt.Errorf("%q is not a commit id", checks.Clip(s.Commit, 60))
	}
	s.Installation, s.Kind = in.id, checks.KindPromotion
	st := &standing{reading: c.reading(in, repo, s), place: c.memory.place(s), out: &gate.Standing{}, known: map[string]*cameNode{}, under: map[string]*cameNode{}, told: map[string]bringing{}}
	st.reading.asked.tip = slices.Clone(policy.Paths)
	for _, w := range watched {
		if oid(w) && w != s.Commit && !slices.Contains(st.watched, w) && len(st.watched) < mostWatched {
			st.watched = append(st.watched, w)
		}
	}
	if s.Commit != "" {
		st.p, st.head = &p, s.Commit
		st.p.Environment, st.p.Commit = s.Environment, s.Commit
		st.origin, _ = c.memory.origins.Get(diffKey{repo: st.key(), to: s.Commit})
	}
	st.expect()
	return st, nil
}

// ask sends the first request.
func (st *standing) ask(ctx context.Context) (*answerNode, error) {
	r := st.reading
	r.habit.mu.Lock()
	everybody := st.p != nil && !r.habit.crowded && !r.habit.barred
	r.organisation = !r.habit.alone
	r.habit.mu.Unlock()
	vars := map[string]any{
		"owner": r.repo.owner, "name": r.repo.name, "spelt": st.spelt, "promotion": st.p != nil, "commit": nil, "came": st.origin != 0,
		"unknown": st.p != nil && st.origin == 0, "origin": st.origin, "everybody": everybody, "organisation": r.organisation,
	}
	if st.p != nil {
		vars["commit"] = st.head
	}
	parts := r.asked.parts()
	parts["Wanted"], parts["Hints"] = watchedPart(st.watched, nil), groupsPart(st.asking)
	document := r.c.queries.document("Environment", parts)
	for deep := r.c.memory.depth(); ; deep = shallow {
		var node answerNode
		vars["deep"] = deep
		errs, err := r.in.query(ctx, "Environment", document, vars, &node)
		switch {
		case err == nil:
			return &node, st.sort(&node, errs)
		case !tooMuch(err) || deep == shallow || ctx.Err() != nil:
			return nil, err
		}
		r.c.memory.shallow.Store(true) // a server that cannot look so far at once: the rest is compared
	}
}

// sort looks at the errors beside the data: what GitHub does not show of deployments and statuses is a gap, so that
// people read which permission is missing; the rest ends the reading.
func (st *standing) sort(node *answerNode, errs []graphError) error {
	r := st.reading
	for _, e := range errs {
		switch {
		case e.at("organisation"):
			if node.Repository != nil && node.Repository.IsInOrganization {
				r.organisationError(e)
			}
		case e.at("repository", "deployments"), e.at("repository", "every"), e.at("viewer"):
			st.cut("GitHub did not show the deployments: %s.", checks.Clip(e.err("Environment").Error(), 200))
		case e.at("repository", "candidate", "statusCheckRollup"):
			r.gap("statuses", "GitHub did not show the statuses of the commit: %s.", checks.Clip(e.err("Environment").Error(), 200))
		case e.at("repository", "pullRequest", "labelled"):
			st.unlabelled = "GitHub did not tell who set the labels: " + checks.Clip(e.Message, 100) + "."
		case e.at("repository", "candidate", "owners"): // asked for again by itself, should it be the one
			if node.Repository != nil && node.Repository.Candidate != nil {
				node.Repository.Candidate.Owners.Nodes = nil
			}
		case e.at("repository", "pullRequest") && e.Type == "NOT_FOUND", r.mendable(e), st.watchedError(node, e):
		default:
			return e.err("Environment")
		}
	}
	if node.Repository == nil {
		return fmt.Errorf("%w: GitHub shows no repository %s", gate.ErrGone, r.repo)
	}
	return r.owned(node.Repository)
}

// cut says that the deployments are not complete back to what is live.
func (st *standing) cut(format string, args ...any) {
	if st.out.Cut == "" {
		st.out.Cut = fmt.Sprintf(format, args...)
	}
	st.gap("deployments", format, args...)
}

// take takes in what is asked of an environment, with or without a commit.
func (st *standing) take(ctx context.Context, node *answerNode) error {
	r, repo := st.reading, node.Repository
	r.repository(repo)
	st.branch = r.f.Repository.Default
	if repo.Tip == nil || repo.Tip.Target == nil {
		r.gap("policy", "The repository has no default branch, so there is no policy in force.")
		r.policies(nil, node)
	} else {
		r.tip = repo.Tip.Target.OID
		if err := r.contents(checks.Tip, r.tip, r.asked.tip, repo.Tip.Target); err != nil {
			return err
		}
		r.policies(repo.Tip.Target, node)
	}
	if g, unread := r.f.Gap("policy"); unread {
		st.out.Unread = g.Reason
	}
	st.out.Sources, st.out.Branch, st.out.URL = r.f.Sources, st.branch, repo.URL
	if v := node.Viewer; v != nil && v.DatabaseID != 0 {
		r.c.memory.self.Store(v.DatabaseID)
	}
	if err := st.deployments(ctx, repo); err != nil {
		return err
	}
	return st.watch(ctx, repo)
}

// promotion takes in what is asked of the commit.
func (st *standing) promotion(ctx context.Context, node *answerNode) error {
	r, candidate := st.reading, node.Repository.Candidate
	if candidate == nil || candidate.Typename != "Commit" {
		return fmt.Errorf("%w: the commit %.8s", gate.ErrStale, r.head)
	}
	if err := r.contents(checks.Head, r.head, r.asked.head, candidate); err != nil {
		return err
	}
	r.grouped(st.asking, node)
	for _, n := range candidate.Came.Nodes {
		if n != nil && oid(n.OID) {
			st.known[n.OID], st.order = n, append(st.order, n.OID)
		}
	}
	st.came = candidate.Came.PageInfo
	st.p.Branch, st.p.Deployments = st.branch, st.out.Deployments
	r.f.Promotion = st.p
	if err := r.tags(ctx, node.Repository.Tags); err != nil {
		return err
	}
	if err := st.signatures(ctx, node.Repository.Tags); err != nil {
		return err
	}
	if err := st.ahead(ctx, node.Repository); err != nil {
		return err
	}
	owner := node.Repository.PullRequest
	if owners := candidate.Owners.Nodes; owner == nil && len(owners) > 0 {
		owner = owners[0]
	}
	if err := st.cameFrom(ctx, owner); err != nil {
		return err
	}
	if err := st.rounds(ctx); err != nil {
		return err
	}
	if err := st.settle(ctx, node.Repository); err != nil {
		return err
	}
	st.out.Facts = r.ended()
	st.remember()
	return nil
}

func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
