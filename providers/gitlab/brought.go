package gitlab

import (
	"context"
	"fmt"
	"net/url"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Tracer = (*Client)(nil)

// mergedNode is a merged merge request, with the commits that it became.
type mergedNode struct {
	IID    int    `json:"iid"`
	State  string `json:"state"`
	Target int64  `json:"target_project_id"`
	Branch string `json:"target_branch"`
	Merge  string `json:"merge_commit_sha"`
	Squash string `json:"squash_commit_sha"`
	Head   string `json:"sha"`
}

// became is the commit that the merge put on the branch: a merge, or the squashed commit, or the head itself where GitLab only
// moved the branch forward.
func (m mergedNode) became() string { return or(m.Merge, or(m.Squash, m.Head)) }

// Brought implements gate.Tracer.
func (c *Client) Brought(ctx context.Context, s checks.Subject) ([]gate.Brought, string, error) {
	list, branch, err := c.brought(ctx, s)
	if err != nil {
		return nil, "", fmt.Errorf("read what brought %v: %w", s, err)
	}
	return list, branch, nil
}

func (c *Client) brought(ctx context.Context, s checks.Subject) (list []gate.Brought, branch string, err error) {
	a, err := c.reach(s.Repo)
	if err != nil {
		return nil, "", err
	}
	project, err := c.project(ctx, s.Repo)
	if err != nil {
		return nil, "", err
	}
	merged, err := a.bringers(ctx, s.Repo, s.Commit)
	if err != nil {
		return nil, "", err
	}
	for _, m := range merged {
		if m.Target == int64(project.ID) {
			list = append(list, gate.Brought{Change: m.IID, Commit: m.became()})
		}
	}
	return list, project.DefaultBranch, nil
}

// bringers are the merged merge requests that a commit came with, as it is or as what the merge made of it.
func (a *access) bringers(ctx context.Context, repo, commit string) ([]mergedNode, error) {
	list, cut, err := pages[mergedNode](ctx, a, at(repo, "repository", "commits", commit, "merge_requests"), url.Values{"state": {"merged"}}, 5)
	if err == nil && cut {
		err = fmt.Errorf("GitLab names more than 500 merge requests with %.8s", commit)
	}
	var merged []mergedNode
	for _, m := range list {
		if m.State == "merged" {
			merged = append(merged, m)
		}
	}
	return merged, err
}
