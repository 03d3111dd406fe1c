package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// Deploy implements gate.Promoter. GitLab has no key by which it could tell a repetition: what an earlier call made is looked
// for first, and the call itself is sent once. What GitLab refuses was not made; after anything else nobody knows.
func (c *Client) Deploy(ctx context.Context, s checks.Subject, o gate.Order) (int64, error) {
	id, err := c.deploy(ctx, s, o)
	if err != nil {
		return 0, fmt.Errorf("deploy %.8s to %s of %s: %w", s.Commit, checks.Clip(s.Environment, 60), s.Repo, err)
	}
	c.promo.made.Add(under(s.Repo, s.Environment), madeAt{id, c.opts.Now()})
	return id, nil
}

func (c *Client) deploy(ctx context.Context, s checks.Subject, o gate.Order) (int64, error) {
	if o.Within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Within)
		defer cancel()
	}
	if !objectID(s.Commit) || s.Environment == "" || o.Promotion == "" {
		return 0, &gate.RefusalError{Why: fmt.Sprintf("a deployment needs a commit, an environment and a promotion, and not %q, %q, %q", s.Commit, s.Environment, o.Promotion)}
	}
	a, err := c.reach(s.Repo)
	if err != nil {
		return 0, err
	}
	found, err := c.deployed(ctx, s, o)
	if err != nil { // nothing was sent yet
		if ctx.Err() != nil {
			return 0, err
		}
		return 0, &gate.RefusalError{Why: "the deployments could not be read: " + checks.Clip(err.Error(), 200), Cures: true}
	}
	if len(found) > 0 {
		return found[0].ID, nil
	}
	if o.Job != "" {
		return c.play(ctx, a, s, o)
	}
	return c.create(ctx, a, s)
}

// create makes a deployment through the API. It begins as running: GitLab tells of a deployment when it runs and when it ends,
// so that is what whoever carries it out can listen to.
func (c *Client) create(ctx context.Context, a *access, s checks.Subject) (int64, error) {
	project, err := c.project(ctx, s.Repo)
	if err != nil {
		return 0, &gate.RefusalError{Why: "the project could not be read: " + checks.Clip(err.Error(), 200), Cures: true}
	}
	spelt, err := c.spellings(ctx, a, s)
	if err != nil {
		return 0, &gate.RefusalError{Why: "the environments could not be read: " + checks.Clip(err.Error(), 200), Cures: true}
	}
	var made deploymentNode
	body := map[string]any{"environment": spelt.name(), "sha": s.Commit, "ref": project.DefaultBranch, "tag": false, "status": "running"}
	_, err = a.send(ctx, http.MethodPost, at(s.Repo, "deployments"), nil, body, &made)
	switch {
	case err != nil:
		return 0, undeployed(err, fmt.Sprintf("let the account of Sluice's token deploy: the role Developer or higher, and where %s is a protected environment among those allowed to deploy to it", s.Environment))
	case len(spelt.found) == 0: // the environment came into being with it, as the policy spells it
		c.promo.spelt.Remove(under(s.Repo, s.Environment))
	}
	switch {
	case made.ID == 0:
		return 0, &Unclear{errors.New("GitLab took the deployment and named none")}
	case made.SHA != "" && made.SHA != s.Commit:
		return 0, &Unclear{fmt.Errorf("GitLab made deployment %d of %.8s", made.ID, made.SHA)}
	}
	return made.ID, nil
}

// undeployed tells what GitLab refused, and so did not do, from what may have been done. cure is what lets it.
func undeployed(err error, cure string) error {
	var e *Error
	var later *gate.RetryError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &later) && errors.Is(err, errLimit):
		return &gate.RetryError{After: later.After, Err: &gate.RefusalError{Why: later.Err.Error(), Cures: true}}
	case !errors.As(err, &e):
		return err
	}
	why := checks.Clip(strings.Join(strings.Fields(gate.Plain(e.Message)), " "), 200)
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return &gate.RefusalError{Why: strings.TrimSuffix("GitLab did not let Sluice: "+cure+". "+why, ". "), Cures: true}
	case http.StatusConflict:
		return &gate.RefusalError{Why: "GitLab did not take it: " + why, Cures: true}
	}
	if e.Status >= 400 && e.Status < 500 && e.Status != http.StatusRequestTimeout {
		return &gate.RefusalError{Why: "GitLab did not take it: " + why}
	}
	return err
}

// Conclude implements gate.Promoter. A job that deploys is cancelled: its deployment follows it. One that ended as wanted, by
// whomever, is left.
func (c *Client) Conclude(ctx context.Context, s checks.Subject, deployment int64, state, description string) error {
	if err := c.conclude(ctx, s, deployment, state); err != nil {
		return fmt.Errorf("say that deployment %d of %s is %s: %w", deployment, s.Repo, checks.Clip(state, 20), err)
	}
	return nil
}

func (c *Client) conclude(ctx context.Context, s checks.Subject, deployment int64, state string) error {
	word, ok := map[string]string{"success": "success", "failure": "failed", "error": "canceled", "inactive": "canceled", "in_progress": "running"}[state]
	if !ok {
		return fmt.Errorf("%q is no end of a deployment", state)
	}
	a, err := c.reach(s.Repo)
	if err != nil {
		return err
	}
	n, err := a.deployment(ctx, s.Repo, deployment)
	if err != nil {
		return err
	}
	const cure = "let the account of Sluice's token deploy to the environment"
	switch {
	case n.Status == word:
		return nil
	case n.Job == nil:
		_, err = a.send(ctx, http.MethodPut, at(s.Repo, "deployments", number(deployment)), nil, map[string]any{"status": word}, nil)
	case word == "success" || word == "running" || !n.begun() && n.Job.idle():
		return nil // a job says itself how it went, and one that waits has nothing to be stopped
	case n.Status == "running" || n.Status == "created" || n.Status == "blocked":
		_, err = a.send(ctx, http.MethodPost, at(s.Repo, "jobs", number(n.Job.ID), "cancel"), nil, nil, nil)
	}
	return undeployed(err, cure)
}
