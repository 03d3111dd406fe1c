package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Promoter = (*Client)(nil)

// mostWatched bounds the commits whose statuses one reading shows.
const mostWatched = 50

// place is what readings of one environment have wanted so far. All of it only says what to ask for at once.
type place struct {
	mu     sync.Mutex
	spelt  []string // how its name is written at GitHub, as far as that was seen
	texts  []string // of the commit
	groups []string
}

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
	st := &standing{reading: c.reading(in, repo, s), place: c.memory.place(s), out: &gate.Standing{}, known: map[string]*cameNode{}}
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

// expect decides what the first request asks for besides: what earlier readings of the environment wanted.
func (st *standing) expect() {
	st.place.mu.Lock()
	defer st.place.mu.Unlock()
	st.spelt = slices.Clone(st.place.spelt)
	if st.p == nil {
		return
	}
	for _, path := range st.place.texts {
		if !st.remembered(st.head, path) {
			st.reading.asked.head = once(st.reading.asked.head, path, foreseen)
		}
	}
	for _, name := range st.place.groups {
		if _, ok := st.group(name); !ok && len(st.asking) < 10 {
			st.asking = append(st.asking, name)
		}
	}
}

// place is what is remembered of an environment. GitHub takes names that differ in case for one environment, but filters
// deployments by the very name: the likely spellings are asked for from the beginning.
func (m *memory) place(s checks.Subject) *place {
	key := strings.ToLower(s.Repo + ">" + s.Environment)
	if p, ok := m.places.Get(key); ok {
		p.spell(s.Environment)
		return p
	}
	p := &place{}
	lower, upper := strings.ToLower(s.Environment), strings.ToUpper(s.Environment)
	_, first := utf8.DecodeRuneInString(lower)
	p.spell(s.Environment, lower, strings.ToUpper(lower[:first])+lower[first:], upper)
	if old, ok, _ := m.places.PeekOrAdd(key, p); ok {
		return old
	}
	return p
}

// spell adds spellings, and says whether one is new.
func (p *place) spell(names ...string) (fresh bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range names {
		if !slices.Contains(p.spelt, n) && len(p.spelt) < 32 {
			p.spelt, fresh = append(p.spelt, n), true
		}
	}
	return fresh
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
		"origin": st.origin, "everybody": everybody, "organisation": r.organisation,
	}
	if st.p != nil {
		vars["commit"] = st.head
	}
	parts := r.asked.parts()
	parts["Wanted"], parts["Hints"] = watchedPart(st.watched, nil), groupsPart(st.asking)
	var node answerNode
	errs, err := r.in.query(ctx, "Environment", r.c.queries.document("Environment", parts), vars, &node)
	if err != nil {
		return nil, err
	}
	return &node, st.sort(&node, errs)
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
	st.p.Branch, st.p.Deployments = st.branch, st.out.Deployments
	r.f.Promotion = st.p
	if err := r.tags(ctx, node.Repository.Tags); err != nil {
		return err
	}
	if err := st.onBranch(ctx, node.Repository.Tip.Target); err != nil {
		return err
	}
	if err := st.carried(ctx); err != nil {
		return err
	}
	if err := st.cameFrom(ctx, node.Repository.PullRequest); err != nil {
		return err
	}
	if err := r.rounds(ctx, r.c.askPromotion); err != nil {
		return err
	}
	st.out.Facts = r.ended()
	st.remember()
	return nil
}

// remember keeps what the next reading of the environment will profit from.
func (st *standing) remember() {
	var texts []string
	for _, t := range st.wanted {
		if t.Side == checks.Head && !slices.Contains(texts, t.Path) {
			texts = append(texts, t.Path)
		}
	}
	st.place.mu.Lock()
	defer st.place.mu.Unlock()
	st.place.texts, st.place.groups = texts, append(sortedKeys(st.f.Teams), sortedKeys(st.f.Orgs)...)
}

// onBranch finds out whether the default branch has the commit: among the newest of it, below a commit of it that is
// known to have it, or by a comparison. Whether one commit has another below it never changes.
func (st *standing) onBranch(ctx context.Context, tip *commitNode) error {
	r := st.reading
	key := diffKey{repo: r.key(), to: r.head}
	upon, _ := r.c.memory.upon.Get(key)
	for _, n := range tip.History.Nodes {
		if n.OID == r.head || n.OID == upon {
			r.c.memory.upon.Add(key, r.tip)
			st.p.OnBranch = true
			return nil
		}
	}
	off := diffKey{r.key(), r.head, r.tip}
	if _, no := r.c.memory.upon.Get(off); no {
		return nil
	}
	has, known, err := r.has(ctx, r.tip, r.head)
	switch {
	case err != nil:
		return err
	case has:
		r.c.memory.upon.Add(key, r.tip)
	case known:
		r.c.memory.upon.Add(off, "")
	}
	st.p.OnBranch = has
	return nil
}

// has says whether a commit has another one below it; known is false where GitHub could not compare them, and then it
// counts as no, but is asked again.
func (r *reading) has(ctx context.Context, commit, below string) (has, known bool, err error) {
	var c struct {
		Status string `json:"status"`
		Ahead  *int   `json:"ahead_by"`
	}
	err = r.in.get(ctx, "GET /repos/{owner}/{repo}/compare/{basehead}", r.repo.path("/compare/"+commit+"..."+below+"?per_page=1"), &c)
	if incomparable(err) {
		return false, false, nil
	}
	return err == nil && (c.Status == "identical" || c.Status == "behind") && c.Ahead != nil && *c.Ahead == 0, true, err
}

// incomparable says that two commits have no common history, or that one of them is gone.
func incomparable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
