package github

import (
	"context"
	"fmt"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Sketcher = (*Client)(nil)

const sketchDocument = `query Sketch($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { url
  head: defaultBranchRef { name target { __typename oid } }
  tags: refs(refPrefix: "refs/tags/", first: 100, orderBy: {field: TAG_COMMIT_DATE, direction: DESC}) { ...Tags } } }
`

// Sketch implements gate.Sketcher. The newest hundred tags tell how a repository writes them.
func (c *Client) Sketch(ctx context.Context, repo gate.Repo) (*gate.Sketch, error) {
	r, in, err := c.at(ctx, checks.Subject{Forge: repo.Forge, Repo: repo.Name, Installation: repo.Installation})
	if err != nil {
		return nil, err
	}
	var node struct {
		Repository *struct {
			URL  string                `json:"url"`
			Head *tagNode              `json:"head"`
			Tags *connection[*tagNode] `json:"tags"`
		} `json:"repository"`
	}
	errs, err := in.query(ctx, "Sketch", sketchDocument+c.queries.fragments["Tags"]+"\n"+c.queries.fragments["TagTarget"], map[string]any{"owner": r.owner, "name": r.name}, &node)
	switch {
	case err != nil:
		return nil, fmt.Errorf("look at %s: %w", r, err)
	case len(errs) > 0:
		return nil, fmt.Errorf("look at %s: %w", r, errs[0].err("Sketch"))
	case node.Repository == nil:
		return nil, fmt.Errorf("%w: GitHub shows no repository %s", gate.ErrGone, r)
	}
	x := &gate.Sketch{URL: node.Repository.URL}
	if h := node.Repository.Head; h != nil && h.Target != nil && oid(h.Target.OID) {
		x.Branch, x.Commit = h.Name, h.Target.OID
	}
	if node.Repository.Tags != nil {
		for _, n := range node.Repository.Tags.Nodes {
			if t, ok := tagOf(n); ok {
				x.Tags = append(x.Tags, t)
			}
		}
	}
	return x, nil
}
