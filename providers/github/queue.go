package github

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Queuer = (*Client)(nil)

// mostLine bounds how many pages of a queue's history are followed back to the branch: thousands of commits.
const mostLine = 20

// entry is one change in a merge queue, and the commit that the queue made of it.
type entry struct {
	change                  int
	head                    string // of the change
	commit, before, claimed string // claimed: the base that GitHub names, if any
}

// Queued implements gate.Queuer. GitHub names the changes in the queue and the commits it made; the line of first
// parents from the commit back to the branch says which of them this commit carries, and in which order.
func (c *Client) Queued(ctx context.Context, repo gate.Repo, branch, commit string) ([]*checks.Facts, error) {
	facts, err := c.queued(ctx, repo, branch, commit)
	if err != nil {
		return nil, fmt.Errorf("read the merge queue of %s: %w", repo.Name, err)
	}
	return facts, nil
}

func (c *Client) queued(ctx context.Context, repo gate.Repo, branch, commit string) ([]*checks.Facts, error) {
	name, err := splitRepo(repo.Name)
	if err != nil {
		return nil, err
	}
	if !oid(commit) {
		return nil, fmt.Errorf("%q is not a commit id", commit)
	}
	in, err := c.reach(ctx, repo.Name, repo.Installation)
	if err != nil {
		return nil, err
	}
	q := &queueReading{c: c, in: in, repo: name, commit: commit}
	if err := q.read(ctx, branch); err != nil {
		return nil, err
	}
	carried, err := q.carried()
	if err != nil {
		return nil, err
	}
	var all []*checks.Facts
	for _, e := range carried {
		s := checks.Subject{Forge: "github", Repo: repo.Name, Kind: checks.KindGroup, Change: e.change, Group: e.commit, Installation: in.id}
		f, err := c.asQueued(ctx, s, q, e)
		if err != nil {
			return nil, fmt.Errorf("read #%d: %w", e.change, err)
		}
		all = append(all, f)
	}
	return all, nil
}

// queueReading is one look at a queue.
type queueReading struct {
	c       *Client
	in      *installation
	repo    repoName
	commit  string
	branch  string
	tip     string            // of the branch
	entries []entry           // in the queue's order
	parents map[string]string // of the commits below: their first
	second  map[string]string // their second, of merges
	head    *commitNode       // the commit, with what is shown on it
}

// read asks for the entries and the history, until both are had as far as they are needed.
func (q *queueReading) read(ctx context.Context, branch string) error {
	q.parents, q.second = map[string]string{}, map[string]string{}
	vars := map[string]any{"owner": q.repo.owner, "name": q.repo.name, "branch": nil, "head": q.commit, "app": q.c.app, "after": nil, "entries": nil}
	if branch != "" {
		vars["branch"] = branch
	}
	for range mostLine {
		var node answerNode
		errs, err := q.in.query(ctx, "Queue", q.c.queries.document("Queue", nil), vars, &node)
		if err == nil && len(errs) > 0 {
			err = errs[0].err("Queue")
		}
		if err != nil {
			return err
		}
		more, err := q.take(&node, vars)
		if err != nil || !more {
			return err
		}
	}
	return errors.New("the queue's history could not be followed back to its branch")
}

// take takes in one answer, and says whether another is needed.
func (q *queueReading) take(node *answerNode, vars map[string]any) (more bool, err error) {
	r := node.Repository
	switch {
	case r == nil:
		return false, fmt.Errorf("%w: GitHub shows no repository %s", gate.ErrGone, q.repo)
	case r.Queue == nil:
		return false, fmt.Errorf("%w: there is no merge queue for the branch", gate.ErrStale)
	case r.HeadAt == nil || r.HeadAt.OID != q.commit:
		return false, fmt.Errorf("%w: the commit %.8s", gate.ErrStale, q.commit)
	}
	if q.head == nil {
		q.head = r.HeadAt
	}
	for _, n := range r.Queue.Entries.Nodes {
		if n == nil || n.PullRequest == nil || n.HeadCommit == nil {
			continue // not built yet
		}
		e := entry{change: n.PullRequest.Number, head: n.PullRequest.HeadRefOID, commit: n.HeadCommit.OID}
		if n.BaseCommit != nil {
			e.claimed = n.BaseCommit.OID
		}
		q.branch = n.PullRequest.BaseRefName
		if b := n.PullRequest.BaseRef; b != nil && b.Target != nil {
			q.tip = b.Target.OID
		}
		if !slices.ContainsFunc(q.entries, func(o entry) bool { return o.change == e.change }) {
			q.entries = append(q.entries, e)
		}
	}
	for _, n := range r.HeadAt.Line.Nodes {
		for i, p := range n.Parents.Nodes {
			if i == 0 {
				q.parents[n.OID] = p.OID
			} else {
				q.second[n.OID] = p.OID
			}
		}
	}
	if p := r.Queue.Entries.PageInfo; p.HasNextPage && p.EndCursor != "" {
		vars["entries"], more = p.EndCursor, true
	}
	if p := r.HeadAt.Line.PageInfo; p.HasNextPage && p.EndCursor != "" && q.line() == nil {
		vars["after"], more = p.EndCursor, true
	}
	return more, nil
}

// line are the commits from the tip of the branch, which is left out, up to the commit, by first parents; nil when what
// was read of the history does not reach down to it.
func (q *queueReading) line() []string {
	var line []string
	for at, ok := q.commit, true; ok && len(line) <= len(q.parents); at, ok = q.parents[at] {
		if at == q.tip {
			slices.Reverse(line)
			return line
		}
		line = append(line, at)
	}
	return nil
}

func (q *queueReading) of(commit string) []entry {
	return slices.DeleteFunc(slices.Clone(q.entries), func(e entry) bool { return e.commit != commit })
}

// carried are the changes on the line from the tip of the branch to the commit. Each change's part of the line ends in
// its own commit and begins after that of the change before.
func (q *queueReading) carried() ([]entry, error) {
	if len(q.of(q.commit)) == 0 {
		return nil, fmt.Errorf("%w: no change in the queue has the commit %.8s", gate.ErrStale, q.commit)
	}
	line := q.line()
	if len(line) == 0 {
		return nil, fmt.Errorf("%w: the commit %.8s does not sit on the tip of %s", gate.ErrStale, q.commit, checks.Clip(q.branch, 60))
	}
	var carried []entry
	var part []string
	before := q.tip
	for _, at := range line {
		part = append(part, at)
		owners := q.of(at)
		if len(owners) == 0 {
			continue
		}
		found, err := q.parted(owners, part, before)
		if err != nil {
			return nil, err
		}
		carried = append(carried, found...)
		part, before = nil, at
	}
	return carried, nil
}

// parted gives each owner its commit of a part of the line. Where several have one commit, the queue built them at once:
// each has one commit of the part then, in the queue's order. What cannot be told apart like that is not known.
func (q *queueReading) parted(owners []entry, part []string, before string) ([]entry, error) {
	switch {
	case len(owners) == len(part):
		for i := range owners {
			owners[i].commit, owners[i].before = part[i], before
			before = part[i]
		}
	case len(owners) == 1 && !slices.ContainsFunc(part, func(id string) bool { return q.second[id] != "" }): // its commits, one by one
		owners[0].before = before
	default:
		return nil, fmt.Errorf("%w: the queue's commits from %.8s to %.8s cannot be told apart by change", gate.ErrStale, before, part[len(part)-1])
	}
	for _, e := range owners {
		if second := q.second[e.commit]; second != "" && second != e.head {
			return nil, fmt.Errorf("%w: the head of #%d moved since the queue made %.8s", gate.ErrStale, e.change, e.commit)
		}
		if len(owners) == 1 && slices.Contains(part[:len(part)-1], e.claimed) {
			return nil, fmt.Errorf("%w: what #%d sits on in the queue is of no change", gate.ErrStale, e.change)
		}
	}
	return owners, nil
}
