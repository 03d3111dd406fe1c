package gitlab

import (
	"context"
	"fmt"
	"net/url"

	"github.com/sluicegate/sluice/gate"
)

var _ gate.Sketcher = (*Client)(nil)

// Sketch implements gate.Sketcher. The newest hundred tags tell how a project writes them.
func (c *Client) Sketch(ctx context.Context, repo gate.Repo) (*gate.Sketch, error) {
	a, err := c.reach(repo.Name)
	if err != nil {
		return nil, err
	}
	var p struct {
		URL     string `json:"web_url"`
		Default string `json:"default_branch"`
	}
	if _, err := a.get(ctx, at(repo.Name), nil, &p); err != nil {
		return nil, fmt.Errorf("look at %s: %w", repo.Name, err)
	}
	x := &gate.Sketch{URL: p.URL}
	if p.Default == "" {
		return x, nil
	}
	b, err := a.branch(ctx, repo.Name, p.Default)
	if err != nil {
		return nil, err
	}
	if b != nil {
		x.Branch, x.Commit = p.Default, b.Commit.ID
	}
	tags, _, err := pages[tagNode](ctx, a, at(repo.Name, "repository", "tags"), url.Values{"order_by": {"updated"}}, 1)
	if err != nil {
		return nil, fmt.Errorf("list the tags of %s: %w", repo.Name, err)
	}
	for i := range tags {
		x.Tags = append(x.Tags, tags[i].tag())
	}
	return x, nil
}
