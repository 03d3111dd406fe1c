package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// mostDescribed is how long the description of a deployment or of its status may be.
const mostDescribed = 140

// Deploy implements gate.Promoter. The call is sent once: GitHub has no key by which it could tell a repetition. What
// GitHub refuses was not made; after anything else nobody knows.
func (c *Client) Deploy(ctx context.Context, s checks.Subject, o gate.Order) (int64, error) {
	id, err := c.deploy(ctx, s, o)
	if err != nil {
		return 0, fmt.Errorf("deploy %.8s to %s of %s: %w", s.Commit, checks.Clip(s.Environment, 60), s.Repo, err)
	}
	return id, nil
}

func (c *Client) deploy(ctx context.Context, s checks.Subject, o gate.Order) (int64, error) {
	if o.Within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Within)
		defer cancel()
	}
	repo, in, err := c.at(ctx, s)
	if err != nil {
		return 0, err
	}
	if !oid(s.Commit) || s.Environment == "" || o.Promotion == "" {
		return 0, &gate.RefusalError{Why: fmt.Sprintf("a deployment needs a commit, an environment and a promotion, and not %q, %q, %q", s.Commit, s.Environment, o.Promotion)}
	}
	contexts, err := c.contexts(ctx, in, repo, s.Commit, o.Contexts)
	if err != nil {
		return 0, err
	}
	body, err := json.Marshal(map[string]any{
		"ref": s.Commit, "task": "deploy", "auto_merge": false, "required_contexts": contexts, "environment": s.Environment,
		"description": checks.Clip(gate.Plain(o.Description), mostDescribed),
		"payload":     map[string]any{"sluice": map[string]any{"promotion": o.Promotion, "attempt": o.Attempt, "decision": o.Decision}},
	})
	if err != nil {
		return 0, err
	}
	var made struct {
		ID  int64  `json:"id"`
		SHA string `json:"sha"`
	}
	var a *answer
	err = in.counted(s, func() (err error) {
		a, err = in.do(ctx, call{route: "POST /repos/{owner}/{repo}/deployments", method: http.MethodPost, url: c.bases.rest + repo.path("/deployments"), body: body, out: &made})
		return err
	})
	switch {
	case err != nil:
		return 0, undeployed(err)
	case a.status == http.StatusAccepted: // it merged something instead, which it was told not to
		return 0, &gate.RefusalError{Why: "GitHub took the request and made no deployment of it: " + checks.Clip(said(a.body), 200)}
	case made.ID == 0:
		return 0, &unclear{errors.New("GitHub took the deployment and named none")}
	case made.SHA != "" && made.SHA != s.Commit:
		return 0, &unclear{fmt.Errorf("GitHub made deployment %d of %.8s", made.ID, made.SHA)}
	}
	return made.ID, nil
}

func said(body []byte) string {
	var s struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(body, &s) // a body that is no JSON says nothing
	return strings.ToValidUTF8(s.Message, "?")
}

// contexts are those of the policy's statuses that GitHub has commit statuses for, never nil: nothing at all would mean
// every context there is. GitHub promises to hold commit statuses alone against the list, so a check run's name could
// leave it waiting for a status that nobody posts; the gate has judged those already.
func (c *Client) contexts(ctx context.Context, in *installation, repo repoName, commit string, names []string) ([]string, error) {
	known := []string{}
	if len(names) == 0 {
		return known, nil
	}
	var node struct {
		Repository *struct {
			Object *struct {
				Status *struct {
					Contexts []struct {
						Context string `json:"context"`
					} `json:"contexts"`
				} `json:"status"`
			} `json:"object"`
		} `json:"repository"`
	}
	errs, err := in.query(ctx, "Contexts", c.queries.document("Contexts", nil), map[string]any{"owner": repo.owner, "name": repo.name, "commit": commit}, &node)
	switch {
	case err != nil:
		return nil, err
	case len(errs) > 0:
		return nil, errs[0].err("Contexts")
	case node.Repository == nil || node.Repository.Object == nil:
		return nil, fmt.Errorf("%w: the commit %.8s", gate.ErrStale, commit)
	case node.Repository.Object.Status == nil:
		return known, nil
	}
	for _, x := range node.Repository.Object.Status.Contexts {
		if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, x.Context) }) {
			known = append(known, x.Context)
		}
	}
	return known, nil
}

// undeployed tells what GitHub refused, and so did not do, from what may have been done.
func undeployed(err error) error {
	var e *Error
	var later *gate.RetryError
	switch {
	case errors.As(err, &later) && (errors.Is(err, errPrimary) || errors.Is(err, errSecondary) || errors.Is(err, errRoom)):
		return &gate.RetryError{After: later.After, Err: &gate.RefusalError{Why: later.Err.Error(), Cures: true}}
	case isRetry(err) || unsure(err) || !errors.As(err, &e):
		return err
	}
	why := checks.Clip(strings.Join(strings.Fields(e.Message), " "), 240)
	switch {
	case e.Status == http.StatusForbidden || e.Status == http.StatusNotFound:
		needs := "deployments: write"
		if e.Needs != "" {
			needs = e.Needs
		}
		return &gate.RefusalError{Why: fmt.Sprintf("GitHub does not let Sluice do that (%s): the App needs the permission %s, which an owner has to accept", why, needs)}
	case e.Status == http.StatusConflict:
		return &gate.RefusalError{Why: "GitHub did not take it: " + why, Cures: true}
	case e.Status >= 400 && e.Status < 500 && e.Status != http.StatusRequestTimeout:
		return &gate.RefusalError{Why: "GitHub did not take it: " + why}
	}
	return err
}

func unsure(err error) bool {
	var u *unclear
	return errors.As(err, &u)
}

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
func (c *Client) Deployed(ctx context.Context, s checks.Subject, promotion string) ([]checks.Deployment, error) {
	list, err := c.deployed(ctx, s, promotion)
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
	slices.SortFunc(found, func(a, b checks.Deployment) int { return int(min(max(a.ID-b.ID, -1), 1)) })
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

// Conclude implements gate.Promoter. Other deployments are left as they are.
func (c *Client) Conclude(ctx context.Context, s checks.Subject, deployment int64, state, description string) error {
	repo, in, err := c.at(ctx, s)
	if err == nil {
		body := map[string]any{"state": state, "description": checks.Clip(gate.Plain(description), mostDescribed), "auto_inactive": false}
		path := repo.path(fmt.Sprintf("/deployments/%d/statuses", deployment))
		err = undeployed(in.create(ctx, s, "POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses", path, body, nil))
	}
	if err != nil {
		return fmt.Errorf("say that deployment %d of %s is %s: %w", deployment, s.Repo, checks.Clip(state, 20), err)
	}
	return nil
}
