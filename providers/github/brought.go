package github

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Tracer = (*Client)(nil)

// broughtNode is a pull request that a commit belongs to.
type broughtNode struct {
	Number         int    `json:"number"`
	State          string `json:"state"`
	BaseRepository *struct {
		NameWithOwner string `json:"nameWithOwner"`
	} `json:"baseRepository"`
	MergeCommit *oidNode `json:"mergeCommit"`
}

// Brought implements gate.Tracer. GitHub names pull requests of forks with a commit as well, and such as are open.
func (c *Client) Brought(ctx context.Context, s checks.Subject) ([]gate.Brought, string, error) {
	repo, in, err := c.at(ctx, s)
	if err != nil {
		return nil, "", fmt.Errorf("read what brought %v: %w", s, err)
	}
	var list []gate.Brought
	for vars := map[string]any{"owner": repo.owner, "name": repo.name, "commit": s.Commit}; ; {
		branch, page, err := c.brought(ctx, in, vars)
		if err != nil {
			return nil, "", fmt.Errorf("read what brought %v: %w", s, err)
		}
		for _, n := range page.Nodes {
			if n != nil && n.State == "MERGED" && n.BaseRepository != nil && strings.EqualFold(n.BaseRepository.NameWithOwner, repo.String()) {
				b := gate.Brought{Change: n.Number}
				if n.MergeCommit != nil {
					b.Commit = n.MergeCommit.OID
				}
				list = append(list, b)
			}
		}
		if !page.PageInfo.HasNextPage || page.PageInfo.EndCursor == "" {
			return list, branch, nil
		}
		vars["after"] = page.PageInfo.EndCursor
	}
}

// brought is one page of the pull requests of a commit, and the default branch.
func (c *Client) brought(ctx context.Context, in *installation, vars map[string]any) (string, *connection[*broughtNode], error) {
	var node struct {
		Repository *struct {
			Default *labelNode `json:"defaultBranchRef"`
			Object  *struct {
				Pulls *connection[*broughtNode] `json:"associatedPullRequests"`
			} `json:"object"`
		} `json:"repository"`
	}
	errs, err := in.query(ctx, "Brought", c.queries.document("Brought", nil), vars, &node)
	switch {
	case err != nil:
		return "", nil, err
	case len(errs) > 0:
		return "", nil, errs[0].err("Brought")
	case node.Repository == nil || node.Repository.Object == nil || node.Repository.Object.Pulls == nil || node.Repository.Default == nil:
		return "", nil, fmt.Errorf("%w: GitHub shows no such commit", gate.ErrGone)
	}
	return node.Repository.Default.Name, node.Repository.Object.Pulls, nil
}
