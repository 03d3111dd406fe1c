package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// mostChanges bounds the pages of open merge requests that are listed.
const mostChanges = 200

// Changes implements gate.Provider.
func (c *Client) Changes(ctx context.Context, repo gate.Repo, base, head string) ([]checks.Subject, error) {
	subjects, err := c.changes(ctx, repo, base, head)
	if err != nil {
		return nil, fmt.Errorf("list the open changes of %s: %w", repo.Name, err)
	}
	return subjects, nil
}

func (c *Client) changes(ctx context.Context, repo gate.Repo, base, head string) ([]checks.Subject, error) {
	if head != "" && !objectID(head) {
		return nil, fmt.Errorf("%q is not a commit id", head)
	}
	a, err := c.reach(repo.Name)
	if err != nil {
		return nil, err
	}
	path, q := at(repo.Name, "merge_requests"), url.Values{"state": {"opened"}, "order_by": {"created_at"}, "sort": {"asc"}}
	if base != "" { // it was pushed to
		c.memory.tips.Remove(pair{lower(repo.Name), "", base})
		q.Set("target_branch", base)
	}
	if head != "" {
		path, q = at(repo.Name, "repository", "commits", head, "merge_requests"), url.Values{"state": {"opened"}}
	}
	if base != "" {
		c.aheadOfPush(ctx, a, repo.Name)
	}
	list, cut, err := pages[mergeRequest](ctx, a, path, q, mostChanges)
	if head != "" && errors.Is(err, gate.ErrGone) { // no such commit, or no such project
		_, err = a.get(ctx, at(repo.Name), nil, nil)
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	if cut {
		return nil, fmt.Errorf("there are more than the %d that are listed", len(list))
	}
	var subjects []checks.Subject
	seen := map[int]bool{}
	for i := range list {
		mr := &list[i]
		if mr.State != "opened" || seen[mr.IID] || head != "" && mr.SHA != head || base != "" && mr.TargetBranch != base {
			continue
		}
		seen[mr.IID] = true
		subjects = append(subjects, checks.Subject{Forge: "gitlab", Repo: repo.Name, Kind: checks.KindChange, Change: mr.IID})
	}
	sorting.By(subjects, func(a, b checks.Subject) int { return a.Change - b.Change })
	if base == "" && head == "" {
		c.aheadOfAll(ctx, a, repo.Name)
	}
	return subjects, nil
}

// pipelineName is a pipeline as gate.Posted.Node and checks.Status.Node carry it.
func pipelineName(id int64) string { return "pipeline/" + strconv.FormatInt(id, 10) }
