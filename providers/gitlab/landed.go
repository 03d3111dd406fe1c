package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Historian = (*Client)(nil)

const (
	landedPages = 5  // of a hundred commits
	mergedPages = 5  // of a hundred merged merge requests
	mostAsked   = 50 // commits that GitLab is asked for one by one
)

// Landed implements gate.Historian.
func (c *Client) Landed(ctx context.Context, repo gate.Repo, branch, since string) (*gate.Landed, error) {
	l, err := c.landed(ctx, repo.Name, branch, since)
	if err != nil {
		return nil, fmt.Errorf("read what came onto %s of %s: %w", checks.Clip(gate.Plain(branch), 60), repo.Name, err)
	}
	return l, nil
}

func (c *Client) landed(ctx context.Context, repo, branch, since string) (*gate.Landed, error) {
	a, err := c.reach(repo)
	if err != nil {
		return nil, err
	}
	project, err := c.project(ctx, repo)
	if err != nil {
		return nil, err
	}
	l := &gate.Landed{URL: project.WebURL, Default: branch == project.DefaultBranch}
	b, err := a.branch(ctx, repo, branch)
	if err != nil || b == nil {
		return l, err
	}
	l.Tip, l.Default = b.Commit.ID, b.Default || l.Default
	r := &reading{c: c, a: a, repo: repo, p: project, tip: l.Tip, f: &checks.Facts{}}
	if _, err := r.own(ctx); err != nil {
		return nil, err
	}
	if err := r.floor(ctx); err != nil {
		return nil, err
	}
	l.Sources = r.f.Sources
	if g, unread := r.f.Gap("policy"); unread {
		l.Unread = g.Reason
	}
	if project.MergeTrainsEnabled {
		if l.Queue, err = a.train(ctx, repo, branch); err != nil {
			return nil, err
		}
	}
	if since == "" || since == l.Tip {
		return l, nil
	}
	h := &history{a: a, repo: repo, branch: branch, project: int64(project.ID), known: map[string]historyNode{}, by: map[string]int{}}
	return l, h.fill(ctx, l, since)
}

// train are the commits of the branch's merge train.
func (a *access) train(ctx context.Context, repo, branch string) (queue []string, err error) {
	type car struct {
		Pipeline *struct {
			SHA string `json:"sha"`
		} `json:"pipeline"`
		Branch string `json:"target_branch"`
	}
	list, _, err := pages[car](ctx, a, at(repo, "merge_trains"), url.Values{"scope": {"active"}}, 3)
	if slices.Contains([]int{http.StatusForbidden, http.StatusNotFound}, status(err)) {
		return nil, nil // the tier, or the role, has none
	}
	for _, one := range list {
		if one.Branch == branch && one.Pipeline != nil && objectID(one.Pipeline.SHA) {
			queue = append(queue, one.Pipeline.SHA)
		}
	}
	return queue, err
}

// history is one reading of a branch.
type history struct {
	a            *access
	repo, branch string
	project      int64
	order        []historyNode
	known        map[string]historyNode
	line         []string       // of first parents, newest first
	by           map[string]int // the change that brought a commit of the line
}

type historyNode struct {
	ID        string    `json:"id"`
	Parents   []string  `json:"parent_ids"`
	Committed time.Time `json:"committed_date"`
}

// fill reads what is new since a tip: all commits that it does not contain. It is an ancestor of the new tip just when it is a
// parent of one of them; else the branch was rewritten, and what is old on it cannot be told from what is new.
func (h *history) fill(ctx context.Context, l *gate.Landed, since string) error {
	cut, err := h.read(ctx, l.Tip, since)
	if err != nil {
		return err
	}
	l.Looked = len(h.order)
	l.Cut = cut || !slices.ContainsFunc(h.order, func(n historyNode) bool { return slices.Contains(n.Parents, since) })
	for at := l.Tip; ; {
		n, ok := h.known[at]
		if !ok {
			break
		}
		h.line = append(h.line, at)
		if len(n.Parents) == 0 {
			break
		}
		at = n.Parents[0]
	}
	whole, err := h.explain(ctx)
	if err != nil {
		return err
	}
	l.Cut = l.Cut || !whole
	for _, id := range h.line {
		switch by := h.by[id]; {
		case by == 0:
			l.Direct = append(l.Direct, id)
		case !slices.Contains(l.Changes, by):
			l.Changes = append(l.Changes, by)
		}
	}
	if l.Line = h.line; l.Cut {
		l.Direct, l.Line = nil, nil // without its end the line is not known: what is on it may be old
	}
	return nil
}

// read lists the commits of tip that since does not contain; cut says that these are not all, or that since is not known.
func (h *history) read(ctx context.Context, tip, since string) (cut bool, err error) {
	h.order, cut, err = pages[historyNode](ctx, h.a, at(h.repo, "repository", "commits"), url.Values{"ref_name": {since + ".." + tip}}, landedPages)
	if errors.Is(err, gate.ErrGone) || status(err) == http.StatusBadRequest {
		h.order, cut, err = nil, true, nil
	}
	for _, n := range h.order {
		h.known[n.ID] = n
	}
	return cut, err
}

// explain finds which changes brought the commits of the line. The list of what was merged last tells it of most in one call:
// a commit is asked for by itself only where that list does not reach. whole says that it is known of all of them.
func (h *history) explain(ctx context.Context) (whole bool, err error) {
	if len(h.line) == 0 {
		return true, nil
	}
	if whole, err = h.merged(ctx); err != nil || whole {
		return whole, err
	}
	asked := 0
	for _, id := range h.line {
		if h.by[id] != 0 {
			continue
		}
		if asked++; asked > mostAsked {
			return false, nil
		}
		list, err := h.a.bringers(ctx, h.repo, id)
		if err != nil {
			return false, err
		}
		for _, m := range list {
			if m.Branch == h.branch && m.Target == h.project {
				h.by[id] = m.IID
			}
		}
	}
	return true, nil
}

// merged goes through what was merged into the branch, what changed last first, as far back as the line reaches. whole says that
// there is no more of it.
func (h *history) merged(ctx context.Context) (whole bool, err error) {
	oldest := h.known[h.line[0]].Committed
	for _, id := range h.line {
		if at := h.known[id].Committed; at.Before(oldest) {
			oldest = at
		}
	}
	q := url.Values{"state": {"merged"}, "target_branch": {h.branch}, "order_by": {"updated_at"}, "sort": {"desc"}, "per_page": {"100"}}
	for page := 1; page <= mergedPages; page++ {
		q.Set("page", strconv.Itoa(page))
		var list []struct {
			mergedNode
			Updated time.Time `json:"updated_at"`
		}
		resp, err := h.a.get(ctx, at(h.repo, "merge_requests"), q, &list)
		if err != nil {
			return false, err
		}
		for _, m := range list {
			if m.State == "merged" && m.Branch == h.branch {
				if err := h.take(ctx, m.mergedNode); err != nil {
					return false, err
				}
			}
		}
		switch {
		case last(resp, len(list)), h.explained():
			return true, nil
		case len(list) > 0 && list[len(list)-1].Updated.Before(oldest.Add(-24*time.Hour)):
			return false, nil
		}
	}
	return false, nil
}

func (h *history) explained() bool {
	return !slices.ContainsFunc(h.line, func(id string) bool { return h.by[id] == 0 })
}

// take notes the commits of the line that a merged change brought. Where GitLab only moved the branch forward, all of the
// change's commits lie on the line.
func (h *history) take(ctx context.Context, m mergedNode) error {
	i := slices.Index(h.line, m.became())
	if i < 0 {
		return nil
	}
	h.by[h.line[i]] = m.IID
	if m.Merge != "" || i+1 >= len(h.line) || h.by[h.line[i+1]] != 0 {
		return nil
	}
	list, _, err := pages[historyNode](ctx, h.a, at(h.repo, "merge_requests", strconv.Itoa(m.IID), "commits"), nil, landedPages)
	for _, n := range list {
		if _, on := h.known[n.ID]; on && h.by[n.ID] == 0 {
			h.by[n.ID] = m.IID
		}
	}
	return err
}
