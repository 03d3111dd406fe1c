package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Queuer = (*Client)(nil)

// A merge queue is a merge train here. Each merge request on it has a commit of its own, made of its head and of what the
// ones before it became, and a pipeline that runs on it.

const (
	mostCars  = 10 // pages of a train
	mostHops  = 4  // commits that a train makes of one merge request: it may squash before it merges
	mostAhead = 50 // merge requests that one commit carries
)

// carNode is a merge request on a train.
type carNode struct {
	MergeRequest struct {
		IID int `json:"iid"`
	} `json:"merge_request"`
	Target   string        `json:"target_branch"`
	Pipeline *pipelineNode `json:"pipeline"` // null until it is built
}

// car is one with the commit that the train made of it, and the one that this sits on.
type car struct {
	change         int
	commit, before string
	merged         string // second parent of the commit, if it is a merge
	pipeline       *pipelineNode
}

// Queued implements gate.Queuer. The line of first parents from the commit back to the tip of the branch says which of the
// merge requests on the train it carries.
func (c *Client) Queued(ctx context.Context, repo gate.Repo, branch, commit string) ([]*checks.Facts, error) {
	facts, err := c.queued(ctx, repo, branch, commit)
	if err != nil {
		return nil, fmt.Errorf("read the merge train of %s: %w", repo.Name, err)
	}
	return facts, nil
}

func (c *Client) queued(ctx context.Context, repo gate.Repo, branch, commit string) ([]*checks.Facts, error) {
	if !objectID(commit) {
		return nil, fmt.Errorf("%q is not a commit id", commit)
	}
	a, err := c.reach(repo.Name)
	if err != nil {
		return nil, err
	}
	p, err := c.projectWithin(ctx, repo.Name, placeKept)
	if err != nil {
		return nil, err
	}
	t := &train{c: c, a: a, repo: repo.Name, branch: or(branch, p.DefaultBranch)}
	if !p.MergeTrainsEnabled && t.never(ctx, commit) { // what is remembered of the project may have changed: the pipelines tell
		return nil, t.none(commit)
	}
	err = t.read(ctx)
	var carried []car
	if err == nil {
		carried, err = t.carried(ctx, commit)
	}
	if errors.Is(err, gate.ErrStale) && t.never(ctx, commit) {
		return nil, t.none(commit)
	}
	if err != nil {
		return nil, err
	}
	var all []*checks.Facts
	for _, x := range carried {
		f, err := t.asQueued(ctx, x)
		if err != nil {
			return nil, fmt.Errorf("read !%d: %w", x.change, err)
		}
		all = append(all, f)
	}
	return all, nil
}

// train is one look at a merge train.
type train struct {
	c            *Client
	a            *access
	repo, branch string
	tip          string
	cars         []car // that are built, in their order
}

func (t *train) read(ctx context.Context) error {
	group, all := errgroup.WithContext(ctx)
	group.Go(func() error { return t.list(all) })
	group.Go(func() error {
		var b struct {
			Commit commitNode `json:"commit"`
		}
		_, err := t.a.get(all, at(t.repo, "repository", "branches", t.branch), nil, &b)
		t.tip = b.Commit.ID
		return err
	})
	return missed(group.Wait())
}

func (t *train) list(ctx context.Context) error {
	nodes, cut, err := pages[carNode](ctx, t.a, at(t.repo, "merge_trains", t.branch), url.Values{"scope": {"active"}, "sort": {"asc"}}, mostCars)
	switch {
	case status(err) == 403 || status(err) == 404:
		return fmt.Errorf("%w: GitLab shows no merge train into %s", gate.ErrStale, checks.Clip(t.branch, 60))
	case err != nil:
		return err
	case cut:
		return fmt.Errorf("the train is longer than the %d merge requests that are read", len(nodes))
	}
	for _, n := range nodes {
		if n.Pipeline != nil && objectID(n.Pipeline.SHA) && n.Target == t.branch {
			t.cars = append(t.cars, car{change: n.MergeRequest.IID, commit: n.Pipeline.SHA, pipeline: n.Pipeline})
		}
	}
	return nil
}

// carried are the merge requests between the tip of the branch and the commit, in the train's order.
func (t *train) carried(ctx context.Context, commit string) ([]car, error) {
	var list []car
	for at := commit; at != t.tip || len(list) == 0; {
		i := slices.IndexFunc(t.cars, func(x car) bool { return x.commit == at })
		if i < 0 {
			return nil, fmt.Errorf("%w: no merge request on the train became %.8s", gate.ErrStale, at)
		}
		x := t.cars[i]
		if err := t.below(ctx, &x); err != nil {
			return nil, err
		}
		list = append(list, x)
		if at = x.before; len(list) > mostAhead || len(list) > len(t.cars) {
			return nil, fmt.Errorf("the commit %.8s carries more merge requests than the %d that are read", commit, len(list)-1)
		}
	}
	slices.Reverse(list)
	return list, nil
}

// below follows the first parents of what the train made of a merge request, down to what that sits on: what became of the
// one before it, or the tip of the branch.
func (t *train) below(ctx context.Context, x *car) error {
	id := x.commit
	for range mostHops {
		var n commitNode
		if _, err := t.a.get(ctx, at(t.repo, "repository", "commits", id), nil, &n); err != nil {
			return missed(err)
		}
		if len(n.Parents) == 0 {
			break
		}
		if id == x.commit && len(n.Parents) > 1 {
			x.merged = n.Parents[1]
		}
		id = n.Parents[0]
		if id == t.tip || slices.ContainsFunc(t.cars, func(o car) bool { return o.commit == id && o.change != x.change }) {
			x.before = id
			return nil
		}
	}
	return fmt.Errorf("%w: %.8s sits neither on %s nor on what became of another merge request", gate.ErrStale, x.commit, checks.Clip(t.branch, 60))
}

// never says that a commit is known to be no train's: it has pipelines, and none runs on a train's ref. Events do not tell
// merged results from trains, so most of what is sought here and not found is one of those.
func (t *train) never(ctx context.Context, commit string) bool {
	list, cut, err := pages[pipelineNode](ctx, t.a, at(t.repo, "pipelines"), url.Values{"sha": {commit}}, 1)
	return err == nil && !cut && len(list) > 0 && !slices.ContainsFunc(list, func(p pipelineNode) bool { return onTrain(p.Ref) })
}

func (t *train) none(commit string) error {
	return fmt.Errorf("%w: %.8s runs in pipelines of no merge train", gate.ErrGone, commit)
}

// onTrain says whether a pipeline's ref is one of a merge train.
func onTrain(ref string) bool {
	return strings.HasPrefix(ref, "refs/merge-requests/") && strings.HasSuffix(ref, "/train")
}

// asQueued reads one merge request as the train made it: all of its own, but the difference of the train's commit.
func (t *train) asQueued(ctx context.Context, x car) (*checks.Facts, error) {
	s := checks.Subject{Forge: "gitlab", Repo: t.repo, Kind: checks.KindGroup, Change: x.change, Group: x.commit}
	r := &reading{c: t.c, a: t.a, repo: t.repo, f: &checks.Facts{Subject: s}, car: &x}
	if err := r.change(ctx, ""); err != nil {
		return nil, err
	}
	moved := x.merged != "" && x.merged != r.f.Change.Head.Commit && !r.mr.Squash // what is squashed is merged under another id
	if moved || r.f.Change.State != "open" || r.tip != t.tip || r.f.Change.Base.Name != t.branch {
		return nil, fmt.Errorf("%w: the merge request or its target moved while the train was read", gate.ErrStale)
	}
	return r.ended(), nil
}

// boarded puts what the train made of the change in the place of what it is by itself. Its commits stay its own.
func (r *reading) boarded(ctx context.Context) error {
	x, change := r.car, r.f.Change
	r.f.Queued = &checks.Queued{Branch: change.Base.Name, Commit: x.commit, Before: x.before}
	r.head, r.start = x.commit, x.before
	key := pair{r.key(), x.before, x.commit}
	if r.diff, _ = r.c.memory.diffs.Get(key); r.diff == nil {
		r.diff = &difference{base: x.before, start: x.before, head: x.commit, full: true}
		var c comparisonNode
		if _, err := r.a.get(ctx, at(r.repo, "repository", "compare"), url.Values{"from": {x.before}, "to": {x.commit}}, &c); err != nil {
			return err
		}
		r.diff.take(c.Diffs)
		if c.Timeout {
			r.diff.full, r.diff.why = false, "GitLab gave up comparing the train's commit with the one before it."
			if err := r.byTrees(ctx); err != nil {
				return err
			}
		}
		if err := r.withheld(ctx); err != nil {
			return err
		}
		r.keepDiff()
	}
	change.MergeBase, change.Additions, change.Deletions, change.ChangedFiles = r.start, 0, 0, len(r.diff.files)
	r.showFiles()
	r.f.Gaps = slices.DeleteFunc(r.f.Gaps, func(g checks.Gap) bool { return g.Part == "files" })
	if !r.diff.full {
		r.gap("files", "%s", r.diff.why)
	}
	return nil
}
