package github

import (
	"context"
	"fmt"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// mostPages bounds how far a connection is followed.
const mostPages = 40

// pages are the cursors to go on from; "" leaves a connection out.
type pages struct{ files, commits, reviews, contexts string }

// page reads on where the first request ended, all connections in one.
func (r *reading) page(ctx context.Context, p pages) (*changeNode, error) {
	v := map[string]any{"owner": r.repo.owner, "name": r.repo.name, "number": r.f.Subject.Change}
	for name, cursor := range map[string]string{"files": p.files, "commits": p.commits, "reviews": p.reviews, "contexts": p.contexts} {
		v[name], v[name+"After"] = cursor != "", nil
		if cursor != "" {
			v[name+"After"] = cursor
		}
	}
	var node answerNode
	errs, err := r.in.query(ctx, "Pages", r.c.queries.document("Pages", nil), v, &node)
	if err != nil {
		return nil, err
	}
	if len(errs) > 0 {
		return nil, errs[0].err("Pages")
	}
	if node.Repository == nil || node.Repository.PullRequest == nil {
		return nil, fmt.Errorf("%w: GitHub shows the pull request no more", gate.ErrGone)
	}
	if node.Repository.PullRequest.HeadRefOID != r.head {
		return nil, fmt.Errorf("%w: the change moved while it was read", gate.ErrStale)
	}
	return node.Repository.PullRequest, nil
}

// further reads what an ordinary change has not: more than a hundred commits, reviews or statuses.
func (r *reading) further(ctx context.Context, pr *changeNode) error {
	var next pages
	var last []checks.Commit
	next.commits = after(pr.Commits.PageInfo)
	if pr.Reviews != nil {
		next.reviews = after(pr.Reviews.PageInfo)
	}
	if rollup := pr.Head.Nodes[0].Commit.Rollup; rollup != nil {
		next.contexts = after(rollup.Contexts.PageInfo)
	}
	for range mostPages {
		if next == (pages{}) {
			break
		}
		more, err := r.page(ctx, next)
		if err != nil {
			return err
		}
		if next.commits != "" {
			r.f.Commits = append(r.f.Commits, commits(more.Commits.Nodes)...)
			next.commits = after(more.Commits.PageInfo)
			if more.Last != nil {
				last = commits(more.Last.Nodes)
			}
			if joined, ok := join(r.f.Commits, last, pr.Commits.TotalCount); ok {
				r.f.Commits, next.commits = joined, ""
			}
		}
		if next.reviews != "" {
			r.f.Reviews = append(r.f.Reviews, reviews(more.Reviews)...)
			next.reviews = ""
			if more.Reviews != nil {
				next.reviews = after(more.Reviews.PageInfo)
			}
		}
		if next.contexts != "" {
			next.contexts = r.moreStatuses(more)
		}
	}
	if next.reviews != "" {
		r.gap("reviews", "GitHub has more reviews than the %d that were read.", len(r.f.Reviews))
	}
	if next.contexts != "" {
		r.gap("statuses", "GitHub has more statuses than the %d that were read.", len(r.f.Statuses))
	}
	return nil
}

func (r *reading) moreStatuses(more *changeNode) string {
	if len(more.Head.Nodes) == 0 || more.Head.Nodes[0] == nil || more.Head.Nodes[0].Commit.Rollup == nil {
		return ""
	}
	seen := map[string]bool{}
	for _, s := range r.f.Statuses {
		seen[s.Node] = true
	}
	rollup := more.Head.Nodes[0].Commit.Rollup
	for _, n := range rollup.Contexts.Nodes {
		if !seen[n.ID] {
			r.f.Statuses = append(r.f.Statuses, r.status(n, nil))
		}
	}
	sortStatuses(r.f.Statuses)
	return after(rollup.Contexts.PageInfo)
}

func after(p page) string {
	if !p.HasNextPage {
		return ""
	}
	return p.EndCursor
}

// join puts the last commits behind the first ones where both together are all: they overlap, or just meet.
func join(first, last []checks.Commit, total int) ([]checks.Commit, bool) {
	if len(first) >= total {
		return first, true
	}
	missing := total - len(first)
	if missing > len(last) {
		return first, false
	}
	return append(first[:len(first):len(first)], last[len(last)-missing:]...), true
}
