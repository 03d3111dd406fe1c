package github

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// rounds bounds how often the checks may want more after they saw more.
const rounds = 4

// Facts implements gate.Provider. An ordinary change costs one GraphQL request once its repository is known, and a
// comparison beside it when its head is new.
func (c *Client) Facts(ctx context.Context, s checks.Subject, expect string) (*checks.Facts, error) {
	f, err := c.facts(ctx, s, expect)
	if hint := s.Installation; hint != 0 && errors.Is(err, gate.ErrGone) { // the App may have been installed anew since
		c.forget(s.Repo)
		if in, lost := c.reach(ctx, s.Repo, 0); lost == nil && in.id != hint {
			s.Installation = in.id
			f, err = c.facts(ctx, s, expect)
		}
	}
	if err != nil {
		if errors.Is(err, gate.ErrGone) {
			c.forget(s.Repo)
		}
		return nil, fmt.Errorf("read facts of %v: %w", s, err)
	}
	return f, nil
}

func (c *Client) facts(ctx context.Context, s checks.Subject, expect string) (*checks.Facts, error) {
	repo, err := splitRepo(s.Repo)
	if err != nil {
		return nil, err
	}
	in, err := c.reach(ctx, s.Repo, s.Installation)
	if err != nil {
		return nil, err
	}
	s.Installation = in.id
	r := c.reading(in, repo, s)
	switch {
	case s.Kind == checks.KindChange && s.Change > 0:
		err = r.change(ctx, expect)
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

func (c *Client) reading(in *installation, repo repoName, s checks.Subject) *reading {
	return &reading{
		c: c, in: in, repo: repo, habit: c.memory.habit(s.Repo), f: &checks.Facts{Subject: s},
		texts: map[textKey]checks.Text{}, long: map[textKey]string{}, blobs: map[string]checks.Text{}, longBlobs: map[string]bool{},
	}
}

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

// reading is one pass over one subject.
type reading struct {
	c     *Client
	in    *installation
	repo  repoName
	habit *habit
	prior *prior // of the same change, or nil
	f     *checks.Facts

	asked        asked
	organisation bool // its policy is asked for
	diff         *difference
	tip          string // of the target branch (of the default branch for a tag)
	start        string // the merge base
	head         string

	texts     map[textKey]checks.Text
	long      map[textKey]string // object ids of texts that GraphQL shows only the beginning of
	blobs     map[string]checks.Text
	longBlobs map[string]bool
	cutTree   bool

	everybody map[int64]string // rights of all collaborators, or nil
	asking    []string         // teams and organisations asked for at once
	wanted    []checks.Text
	along     []along
}

func (r *reading) gap(part, format string, args ...any) {
	for _, g := range r.f.Gaps {
		if g.Part == part {
			return
		}
	}
	r.f.Gaps = append(r.f.Gaps, checks.Gap{Part: part, Reason: fmt.Sprintf(format, args...)})
}

// change reads a pull request.
func (r *reading) change(ctx context.Context, expect string) error {
	if expect != "" && !oid(expect) {
		return fmt.Errorf("%q is not a commit id", expect)
	}
	r.prior, _ = r.c.memory.changes.Get(r.f.Subject.Key())
	r.foresee(expect)
	var node answerNode
	var early *comparison
	var group errgroup.Group
	if tip := r.likelyTip(); expect != "" && tip != "" && !r.foretold(tip, expect) {
		group.Go(func() error {
			early, _ = r.compare(ctx, tip, expect) // if it fails it is asked for again, should it be needed
			return nil
		})
	}
	errs, err := r.in.query(ctx, "Facts", r.c.queries.document("Facts", r.parts()), r.variables(expect), &node)
	group.Wait()
	if err != nil {
		return err
	}
	pr, err := r.sort(&node, errs)
	if err != nil {
		return err
	}
	if err := r.fresh(pr, node.Repository.Expected, expect); err != nil {
		return err
	}
	if err := r.describe(ctx, pr, &node); err != nil {
		return err
	}
	if r.head != expect { // the change has moved on: what was compared is not what is judged
		early = nil
	}
	if err := r.rest(ctx, pr, &node, early); err != nil {
		return missed(err)
	}
	r.remember()
	return nil
}

// rest reads what the first request did not bring.
func (r *reading) rest(ctx context.Context, pr *changeNode, node *answerNode, early *comparison) error {
	if err := r.further(ctx, pr); err != nil {
		return err
	}
	if err := r.tags(ctx, node.Repository.Tags); err != nil {
		return err
	}
	if err := r.differences(ctx, pr, early); err != nil {
		return err
	}
	return r.rounds(ctx, r.c.ask)
}

// missed is an error about a part of a subject that GitHub has just shown: if the part is gone the subject has moved,
// and is to be read again.
func missed(err error) error {
	if errors.Is(err, gate.ErrGone) && !errors.Is(err, gate.ErrStale) {
		return fmt.Errorf("%w: %v", gate.ErrStale, err)
	}
	return err
}

func (r *reading) variables(expect string) map[string]any {
	v := map[string]any{
		"owner": r.repo.owner, "name": r.repo.name, "number": r.f.Subject.Change, "app": r.c.app,
		"expected": expect != "", "expect": nil,
	}
	if expect != "" {
		v["expect"] = expect
	}
	r.habit.mu.Lock()
	defer r.habit.mu.Unlock()
	v["everybody"] = !r.habit.crowded && !r.habit.barred
	r.organisation = !r.habit.alone
	v["organisation"] = r.organisation
	return v
}

// likelyTip is the tip of the branch that the change most likely goes into, as last seen; "" when nothing was seen.
func (r *reading) likelyTip() string {
	r.habit.mu.Lock()
	defer r.habit.mu.Unlock()
	branch := r.habit.defaults
	if r.prior != nil {
		branch = r.prior.base
	}
	return r.habit.tips[branch]
}

// foretold says whether the difference at a head is known already, or what a push told of it will do instead.
func (r *reading) foretold(tip, head string) bool {
	if r.asked.foretold {
		return true
	}
	base, ok := r.c.memory.bases.Get(diffKey{r.key(), tip, head})
	if !ok && r.prior != nil && r.prior.head == head {
		base, ok = r.prior.start, true
	}
	if !ok {
		return false
	}
	_, ok = r.c.memory.diffs.get(diffKey{r.key(), base, head})
	return ok
}

func (r *reading) key() string { return strings.ToLower(r.repo.String()) }

// sort looks at the errors beside the data: those under a part that matters end the reading, others are gaps.
func (r *reading) sort(node *answerNode, errs []graphError) (*changeNode, error) {
	for _, e := range errs {
		switch {
		case e.at("organisation"):
			if node.Repository != nil && node.Repository.IsInOrganization {
				r.organisationError(e)
			}
		case r.mendable(e):
		case e.at("repository", "pullRequest", "labelled"):
			r.gap("labels", "GitHub did not tell who set the labels: %s.", checks.Clip(e.Message, 100))
		default:
			return nil, e.err("Facts")
		}
	}
	if node.Repository == nil {
		return nil, fmt.Errorf("%w: GitHub shows no repository %s", gate.ErrGone, r.repo)
	}
	if r.f.Subject.Kind != checks.KindTag && node.Repository.PullRequest == nil {
		return nil, fmt.Errorf("%w: GitHub shows no pull request %d", gate.ErrGone, r.f.Subject.Change)
	}
	return node.Repository.PullRequest, nil
}

// mendable says whether an error is about people, teams or organisations: these are asked for again, by themselves.
func (r *reading) mendable(e graphError) bool {
	if len(e.Path) == 0 {
		return false
	}
	first, _ := e.Path[0].(string)
	if alias(first, 'g') >= 0 {
		return true
	}
	if first != "repository" || len(e.Path) < 2 {
		return false
	}
	second, _ := e.Path[1].(string)
	if second == "collaborators" {
		r.habit.mu.Lock()
		r.habit.barred = true
		r.habit.mu.Unlock()
	}
	return second == "collaborators" || alias(second, 'u') >= 0
}

func (r *reading) organisationError(e graphError) {
	if e.Type != "NOT_FOUND" {
		r.gap("policy", "The organisation's policy in %s/.github could not be read: %s.", r.repo.owner, checks.Clip(e.Message, 100))
	}
}

// rounds lets the checks ask until they know enough. A policy that cannot be loaded asks for nothing: it is what will
// be reported.
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

// remember keeps what the next reading will profit from.
func (r *reading) remember() {
	f := r.f
	if f.Change != nil {
		r.c.memory.changes.Add(f.Subject.Key(), &prior{head: r.head, base: f.Change.Base.Name, start: r.start, texts: slices.Clone(r.wanted)})
	}
	r.habit.mu.Lock()
	defer r.habit.mu.Unlock()
	for _, t := range r.habit.texts { // changes differ in what they want: some of what others wanted stays
		if len(r.wanted) < foreseen/2 && !slices.Contains(r.wanted, t) {
			r.wanted = append(r.wanted, t)
		}
	}
	r.habit.texts, r.habit.read = r.wanted, true
	r.habit.teams, r.habit.orgs = sortedKeys(f.Teams), sortedKeys(f.Orgs)
}
