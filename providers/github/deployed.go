package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// placedNode is a deployment as REST tells it.
type placedNode struct {
	ID          int64           `json:"id"`
	SHA         string          `json:"sha"`
	Environment string          `json:"environment"`
	Original    string          `json:"original_environment"`
	Payload     json.RawMessage `json:"payload"`
	Creator     *accountNode    `json:"creator"`
	CreatedAt   time.Time       `json:"created_at"`
	App         *struct {
		ID int64 `json:"id"`
	} `json:"performed_via_github_app"`
}

// Deployed implements gate.Promoter. All environments of the commit are listed: GitHub's filter minds the case of a name.
func (c *Client) Deployed(ctx context.Context, s checks.Subject, o gate.Order) ([]checks.Deployment, error) {
	list, err := c.deployed(ctx, s, o.Promotion)
	if err != nil {
		return nil, fmt.Errorf("look for the deployments of %.8s to %s of %s: %w", s.Commit, checks.Clip(s.Environment, 60), s.Repo, err)
	}
	return list, nil
}

func (c *Client) deployed(ctx context.Context, s checks.Subject, promotion string) ([]checks.Deployment, error) {
	repo, in, err := c.at(ctx, s)
	if err != nil {
		return nil, err
	}
	if !oid(s.Commit) || promotion == "" {
		return nil, fmt.Errorf("there is no promotion %q of %q", promotion, s.Commit)
	}
	self, err := c.self(ctx, in)
	if err != nil {
		return nil, err
	}
	var found []checks.Deployment
	for page := 1; ; page++ {
		var list []placedNode
		q := url.Values{"sha": {s.Commit}, "per_page": {"100"}, "page": {fmt.Sprint(page)}}
		if err := in.get(ctx, "GET /repos/{owner}/{repo}/deployments", repo.path("/deployments?"+q.Encode()), &list); err != nil {
			return nil, err
		}
		for _, n := range list {
			if n.ours(s, c.app, self) && promotionIn(n.Payload) == promotion && !slices.ContainsFunc(found, func(d checks.Deployment) bool { return d.ID == n.ID }) {
				found = append(found, checks.Deployment{ID: n.ID, Commit: n.SHA, Creator: n.Creator.person(), Ours: true, Promotion: promotion, At: n.CreatedAt.UTC(), State: "pending"})
			}
		}
		if len(list) < 100 {
			break
		}
		if page == mostPages {
			return nil, fmt.Errorf("the commit has more than %d deployments", 100*mostPages)
		}
	}
	sorting.By(found, func(a, b checks.Deployment) int { return int(min(max(a.ID-b.ID, -1), 1)) })
	for i := range found {
		if err := c.progress(ctx, in, repo, &found[i]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// ours says whether this very App made the deployment, by its own account: what a payload claims, and an app that a person
// acted through, are no evidence.
func (n placedNode) ours(s checks.Subject, app, self int64) bool {
	return n.SHA == s.Commit && (strings.EqualFold(n.Environment, s.Environment) || strings.EqualFold(n.Original, s.Environment)) &&
		n.Creator != nil && n.Creator.ID == self && n.Creator.Type == "Bot" && (n.App == nil || n.App.ID == app)
}

// progress reads how far a deployment has come.
func (c *Client) progress(ctx context.Context, in *installation, repo repoName, d *checks.Deployment) error {
	for page := 1; ; page++ {
		var list []struct {
			State   string       `json:"state"`
			At      time.Time    `json:"created_at"`
			Creator *accountNode `json:"creator"`
		}
		path := repo.path(fmt.Sprintf("/deployments/%d/statuses?per_page=100&page=%d", d.ID, page))
		if err := in.get(ctx, "GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses", path, &list); err != nil {
			return err
		}
		for _, x := range list {
			if d.StateAt.IsZero() || x.At.After(d.StateAt) { // of two at one time, the first is the newer
				d.State, d.StateAt, d.StateBy = strings.ToLower(x.State), x.At.UTC(), x.Creator.person()
			}
			if x.State == "success" && (d.Live.IsZero() || x.At.Before(d.Live)) {
				d.Live = x.At.UTC()
			}
		}
		if len(list) < 100 || page == mostPages {
			return nil
		}
	}
}

// self is the account of the App itself, which stays what it is.
func (c *Client) self(ctx context.Context, in *installation) (int64, error) {
	if id := c.memory.self.Load(); id != 0 {
		return id, nil
	}
	var node answerNode
	errs, err := in.query(ctx, "Self", c.queries.document("Self", nil), nil, &node)
	switch {
	case err != nil:
		return 0, err
	case len(errs) > 0:
		return 0, errs[0].err("Self")
	case node.Viewer == nil || node.Viewer.DatabaseID == 0:
		return 0, errors.New("GitHub does not tell the App's own account")
	}
	c.memory.self.Store(node.Viewer.DatabaseID)
	return node.Viewer.DatabaseID, nil
}
