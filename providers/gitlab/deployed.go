package gitlab

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// GitLab keeps no word of ours with a deployment. Which one is a promotion's is told by what it can only be: one of this very
// commit to this environment, made or played by our account, none of another promotion's, and none that there was already when
// the promotion was reserved first. Deployments have ids that grow, so no clock is asked. One promotion is under way in an
// environment at a time, so there is no other that it could be mistaken for; what the same account deploys besides, by somebody
// else's hand, cannot be told apart, which is why Sluice's token is to be used by nobody else.

// Deployed implements gate.Promoter.
func (c *Client) Deployed(ctx context.Context, s checks.Subject, o gate.Order) ([]checks.Deployment, error) {
	list, err := c.deployed(ctx, s, o)
	if err != nil {
		return nil, fmt.Errorf("look for the deployments of %.8s to %s of %s: %w", s.Commit, checks.Clip(s.Environment, 60), s.Repo, err)
	}
	return list, nil
}

func (c *Client) deployed(ctx context.Context, s checks.Subject, o gate.Order) ([]checks.Deployment, error) {
	a, err := c.reach(s.Repo)
	if err != nil {
		return nil, err
	}
	if !objectID(s.Commit) || o.Promotion == "" {
		return nil, fmt.Errorf("there is no promotion %q of %q", o.Promotion, s.Commit)
	}
	me, err := a.myself(ctx)
	if err != nil {
		return nil, err
	}
	project, err := c.project(ctx, s.Repo)
	if err != nil {
		return nil, err
	}
	nodes, err := c.candidates(ctx, a, s, o, int64(me.ID))
	if err != nil {
		return nil, err
	}
	var found []checks.Deployment
	for _, n := range slices.Backward(nodes) {
		d := c.told(n, int64(me.ID), project.WebURL)
		d.Promotion = o.Promotion
		found = append(found, d)
	}
	return found, nil
}

// candidates are the deployments that can be the promotion's, the newest first.
func (c *Client) candidates(ctx context.Context, a *access, s checks.Subject, o gate.Order, me int64) ([]*deploymentNode, error) {
	if o.Made != 0 {
		n, err := a.deployment(ctx, s.Repo, o.Made)
		if errors.Is(err, gate.ErrGone) {
			return nil, nil
		}
		return []*deploymentNode{n}, err
	}
	oldest := o.After
	for _, id := range o.Idle {
		oldest = min(oldest, id-1)
	}
	list, cut, err := c.everywhere(ctx, a, s, func(list []*deploymentNode) bool { return list[len(list)-1].ID <= oldest })
	if err == nil && cut {
		err = fmt.Errorf("there are more than %d deployments since the promotion was reserved", 100*deploymentsPages)
	}
	return slices.DeleteFunc(list, func(n *deploymentNode) bool { return !n.promotes(s, o, me) }), err
}

// promotes says whether a deployment can be the promotion's.
func (n *deploymentNode) promotes(s checks.Subject, o gate.Order, me int64) bool {
	made := n.Job == nil && o.Job == "" || n.Job != nil && o.Job != "" && n.Job.Name == o.Job
	return made && n.SHA == s.Commit && n.ours(me) && !slices.Contains(o.Others, n.ID) && (n.ID > o.After || slices.Contains(o.Idle, n.ID))
}

// deployment reads one by itself, with what approvals it waits for.
func (a *access) deployment(ctx context.Context, repo string, id int64) (*deploymentNode, error) {
	var n deploymentNode
	if _, err := a.get(ctx, at(repo, "deployments", number(id)), nil, &n); err != nil {
		return nil, err
	}
	if n.ID != id || !objectID(n.SHA) || n.Environment == nil {
		return nil, fmt.Errorf("read deployment %d: GitLab answered with deployment %d of %q", id, n.ID, checks.Clip(n.SHA, 60))
	}
	return &n, nil
}
