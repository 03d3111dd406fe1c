package github

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Historian = (*Client)(nil)

const (
	landedPage  = 50 // commits in one request, for one point
	landedPages = 10
)

type landedNode struct {
	OID     string `json:"oid"`
	Parents struct {
		Nodes []oidNode `json:"nodes"`
	} `json:"parents"`
	PullRequests *connection[*openNode] `json:"associatedPullRequests"`
}

// Landed implements gate.Historian.
func (c *Client) Landed(ctx context.Context, repo gate.Repo, branch, since string) (*gate.Landed, error) {
	l, err := c.landed(ctx, repo, branch, since)
	if err != nil {
		return nil, fmt.Errorf("read what came onto %s of %s: %w", checks.Clip(branch, 60), repo.Name, err)
	}
	return l, nil
}

func (c *Client) landed(ctx context.Context, repo gate.Repo, branch, since string) (*gate.Landed, error) {
	name, err := splitRepo(repo.Name)
	if err != nil {
		return nil, err
	}
	in, err := c.reach(ctx, repo.Name, repo.Installation)
	if err != nil {
		return nil, err
	}
	r := c.reading(in, name, checks.Subject{Forge: "github", Repo: repo.Name, Kind: checks.KindChange})
	r.asked.tip = slices.Clone(policy.Paths)
	h := &history{r: r, branch: branch, since: since, parents: map[string][]string{}, known: map[string]landedNode{}}
	for range landedPages {
		more, err := h.page(ctx)
		if err != nil {
			return nil, err
		}
		if !more || since == "" || h.known[since].OID != "" {
			break
		}
	}
	return h.landed(), nil
}

// history is one reading of a branch.
type history struct {
	r             *reading
	branch, since string
	after, tip    string
	home          *repoNode
	order         []string // commits read, newest first
	known         map[string]landedNode
	parents       map[string][]string
	queue         []string
}

// page reads one page, and says whether there is another.
func (h *history) page(ctx context.Context) (more bool, err error) {
	r := h.r
	many := landedPage
	if h.since == "" {
		many = 1
	}
	parts := r.asked.parts()
	blind := r.c.memory.noQueues.Load()
	if h.after == "" && !blind {
		parts["Wanted"] = fmt.Sprintf("queue: mergeQueue(branch: %s) { entries(first: 50) { nodes { headCommit { oid } } } } ", quoted(h.branch))
	}
	r.habit.mu.Lock()
	r.organisation = !r.habit.alone
	r.habit.mu.Unlock()
	vars := map[string]any{"owner": r.repo.owner, "name": r.repo.name, "ref": "refs/heads/" + h.branch, "many": many, "after": nil, "organisation": r.organisation}
	if h.after != "" {
		vars["after"] = h.after
	}
	var node answerNode
	errs, err := r.in.query(ctx, "Landed", r.c.queries.document("Landed", parts), vars, &node)
	if err != nil && !blind && unheardOf(err) { // a server without merge queues refuses the whole query
		r.c.memory.noQueues.Store(true)
		return h.page(ctx)
	}
	if err != nil {
		return false, err
	}
	errs = slices.DeleteFunc(errs, func(e graphError) bool { return e.at("repository", "queue") }) // the App may not see it
	if _, err := r.sortLanded(&node, errs); err != nil {
		return false, err
	}
	return h.take(&node)
}

// unheardOf says whether GitHub does not know what was asked for, rather than refuse it.
func unheardOf(err error) bool {
	var e *Error
	return errors.As(err, &e) && strings.Contains(e.Message, "mergeQueue")
}

// sortLanded is sort, for an answer without a change.
func (r *reading) sortLanded(node *answerNode, errs []graphError) (*repoNode, error) {
	for _, e := range errs {
		if !e.at("organisation") {
			return nil, e.err("Landed")
		}
		if node.Repository != nil && node.Repository.IsInOrganization {
			r.organisationError(e)
		}
	}
	if node.Repository == nil {
		return nil, fmt.Errorf("%w: GitHub shows no repository %s", gate.ErrGone, r.repo)
	}
	return node.Repository, r.owned(node.Repository)
}

// take takes in one answer. A branch that moves between two pages is read anew.
func (h *history) take(node *answerNode) (more bool, err error) {
	r, repo := h.r, node.Repository
	if repo.Tip == nil || repo.Tip.Target == nil || repo.Landed == nil {
		h.home, h.tip = repo, ""
		return false, nil
	}
	tip := repo.Tip.Target
	if h.tip == "" {
		h.home, h.tip, r.tip = repo, tip.OID, tip.OID
		r.repository(repo)
		if err := r.contents(checks.Tip, r.tip, r.asked.tip, tip); err != nil {
			return false, err
		}
		r.policies(tip, node)
		if repo.Queue != nil {
			for _, e := range repo.Queue.Entries.Nodes {
				if e != nil && e.HeadCommit != nil {
					h.queue = append(h.queue, e.HeadCommit.OID)
				}
			}
		}
	}
	if tip.OID != h.tip {
		return false, fmt.Errorf("%w: the branch moved while it was read", gate.ErrStale)
	}
	list := repo.Landed.Target.History
	for _, n := range list.Nodes {
		h.order = append(h.order, n.OID)
		h.known[n.OID] = n
		for _, p := range n.Parents.Nodes {
			h.parents[n.OID] = append(h.parents[n.OID], p.OID)
		}
	}
	h.after = list.PageInfo.EndCursor
	return list.PageInfo.HasNextPage && h.after != "", nil
}

// landed sorts what is new on the branch's line of first parents, where each merge, squashed or rebased commit stands:
// what a change brought, and what came by none.
func (h *history) landed() *gate.Landed {
	l := &gate.Landed{Tip: h.tip, Looked: len(h.order), Sources: h.r.f.Sources, URL: h.home.URL, Queue: h.queue}
	l.Default = h.home.DefaultBranchRef != nil && h.home.DefaultBranchRef.Name == h.branch
	if g, unread := h.r.f.Gap("policy"); unread {
		l.Unread = g.Reason
	}
	if h.since == "" || h.tip == "" {
		return l
	}
	old := h.below(h.since)
	l.Cut = h.known[h.since].OID == ""
	for at := h.tip; at != "" && !old[at]; {
		n, ok := h.known[at]
		if !ok {
			l.Cut = true
			break
		}
		l.Line = append(l.Line, at)
		by := h.brought(n)
		if by == 0 {
			l.Direct = append(l.Direct, at)
		} else if !slices.Contains(l.Changes, by) {
			l.Changes = append(l.Changes, by)
		}
		if at = ""; len(h.parents[n.OID]) > 0 {
			at = h.parents[n.OID][0]
		}
	}
	if l.Cut {
		l.Direct, l.Line = nil, nil // without its end the line is not known: what is on it may be old
	}
	return l
}

// below are the commits that were read and that a commit contains, itself included.
func (h *history) below(commit string) map[string]bool {
	seen := map[string]bool{}
	for todo := []string{commit}; len(todo) > 0; {
		at := todo[len(todo)-1]
		if todo = todo[:len(todo)-1]; !seen[at] {
			seen[at] = true
			todo = append(todo, h.parents[at]...)
		}
	}
	return seen
}

// brought is the change into this branch that brought a commit; 0: none did.
func (h *history) brought(n landedNode) int {
	if n.PullRequests == nil {
		return 0
	}
	for _, p := range n.PullRequests.Nodes {
		if p != nil && p.State == "MERGED" && p.BaseRefName == h.branch && (p.BaseRepository == nil || strings.EqualFold(p.BaseRepository.NameWithOwner, h.r.repo.String())) {
			return p.Number
		}
	}
	return 0
}
