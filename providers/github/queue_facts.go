package github

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// asQueued reads one change as the queue made it: all of its own, but the difference of the queue's commit.
func (c *Client) asQueued(ctx context.Context, s checks.Subject, q *queueReading, e entry) (*checks.Facts, error) {
	r := c.reading(q.in, q.repo, s)
	r.asked.tip = slices.Clone(policy.Paths)
	for _, t := range r.likely() {
		if t.Side == checks.Tip {
			r.asked.tip = once(r.asked.tip, t.Path, foreseen)
		}
	}
	var node answerNode
	errs, err := r.in.query(ctx, "Facts", r.c.queries.document("Facts", r.parts()), r.variables(""), &node)
	if err != nil {
		return nil, err
	}
	pr, err := r.sort(&node, errs)
	if err != nil {
		return nil, err
	}
	if err := r.describe(ctx, pr, &node); err != nil {
		return nil, err
	}
	if pr.State != "OPEN" || r.head != e.head || r.tip != q.tip || pr.BaseRefName != q.branch {
		return nil, fmt.Errorf("%w: the change or its target moved while the queue was read", gate.ErrStale)
	}
	if err := r.further(ctx, pr); err != nil {
		return nil, missed(err)
	}
	if err := r.tags(ctx, node.Repository.Tags); err != nil {
		return nil, missed(err)
	}
	if err := r.inQueue(ctx, q, e); err != nil {
		return nil, missed(err)
	}
	return r.ended(), nil
}

// inQueue puts what the queue made of the change in the place of what the change is by itself.
func (r *reading) inQueue(ctx context.Context, q *queueReading, e entry) error {
	r.f.Queued = &checks.Queued{Branch: q.branch, Commit: e.commit, Before: e.before}
	r.head, r.start = e.commit, e.before
	r.f.Statuses = r.statuses(q.head)
	if q.head.Rollup != nil && q.head.Rollup.Contexts.PageInfo.HasNextPage {
		r.gap("statuses", "GitHub has more statuses than the %d that were read.", len(r.f.Statuses))
	}
	if r.diff, _ = r.c.memory.diffs.get(diffKey{r.key(), r.start, r.head}); r.diff == nil {
		found, err := r.compare(ctx, r.start, r.head)
		if err != nil {
			return err
		}
		if found.MergeBase.SHA != r.start {
			return fmt.Errorf("%w: %.8s does not sit on %.8s", gate.ErrStale, r.head, r.start)
		}
		r.diff = compared(found, r.start, r.head)
		if len(found.Files) >= comparedFiles {
			if err := r.wholeTrees(ctx, found); err != nil {
				return err
			}
		}
		r.keepDiff()
	}
	change := r.f.Change
	change.MergeBase, change.Additions, change.Deletions, change.ChangedFiles = r.start, 0, 0, len(r.diff.files)
	r.f.Files = make([]checks.File, len(r.diff.files))
	for i, f := range r.diff.files {
		change.Additions, change.Deletions = change.Additions+f.Additions, change.Deletions+f.Deletions
		f.Added, f.Removed, f.Read, f.Cut = nil, nil, false, false
		r.f.Files[i] = f
	}
	if !r.diff.full {
		r.gap("files", "GitHub showed %d files of the queue's commit, and there are more.", len(r.diff.files))
	}
	if len(r.f.Commits) < change.CommitCount {
		r.gap("commits", "GitHub showed %d of %d commits.", len(r.f.Commits), change.CommitCount)
	}
	return r.rounds(ctx, r.c.ask)
}
