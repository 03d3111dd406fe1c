package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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
	if err != nil { // nothing was sent yet
		return 0, &gate.RefusalError{Why: "the statuses of the commit could not be read: " + checks.Clip(err.Error(), 200), Cures: true}
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
	c.memory.place(s).deployed(made.ID, c.opts.Now())
	return made.ID, nil
}

func (p *place) deployed(id int64, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id > p.made {
		p.made, p.madeAt = id, at
	}
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
		return &gate.RefusalError{Why: fmt.Sprintf("the App needs the permission %s, which an owner has to accept; GitHub says: %s", needs, why), Cures: true}
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
