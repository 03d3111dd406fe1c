package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	gitlab "github.com/xanzy/go-gitlab"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// protectedNode is the protection of an environment: who may deploy, and who has to approve.
type protectedNode struct {
	Name   string `json:"name"`
	Deploy []struct {
		User  int64 `json:"user_id"`
		Group int64 `json:"group_id"`
		Level int   `json:"access_level"`
	} `json:"deploy_access_levels"`
	Required int            `json:"required_approval_count"` // as older versions count, without rules
	Rules    []approvalRule `json:"approval_rules"`
}

// Guarded implements gate.Promoter.
func (c *Client) Guarded(ctx context.Context, s checks.Subject) (*gate.Guarding, error) {
	g, err := c.guarded(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("read how %s of %s is protected: %w", checks.Clip(s.Environment, 60), s.Repo, err)
	}
	return g, nil
}

func (c *Client) guarded(ctx context.Context, s checks.Subject) (*gate.Guarding, error) {
	a, err := c.reach(s.Repo)
	if err != nil {
		return nil, err
	}
	spelt, err := c.spellings(ctx, a, s)
	if err != nil {
		return nil, err
	}
	g := &gate.Guarding{Exists: len(spelt.found) > 0}
	for _, e := range spelt.found {
		list, err := c.protections(ctx, a, s, e)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			ours, alone, err := c.needs(ctx, a, s.Repo, p)
			if err != nil {
				return nil, err
			}
			if ours {
				g.Bypass = g.Bypass && g.Ours || !g.Ours && !alone
				g.Ours = true
			}
		}
	}
	return g, nil
}

// protections are those of the environment itself, and those that its groups put on all environments of its tier.
func (c *Client) protections(ctx context.Context, a *access, s checks.Subject, e environmentNode) (list []protectedNode, err error) {
	paths := []string{at(s.Repo, "protected_environments", e.Name)}
	for group := parent(s.Repo); e.Tier != "" && group != ""; group = parent(group) {
		paths = append(paths, "groups/"+gitlab.PathEscape(group)+"/protected_environments/"+gitlab.PathEscape(e.Tier))
	}
	for i, path := range paths {
		var p protectedNode
		_, err := a.get(ctx, path, nil, &p)
		switch {
		case err == nil:
			list = append(list, p)
		case errors.Is(err, gate.ErrGone): // it is not protected, or the tier of the instance has none
		case i > 0 && (status(err) == http.StatusForbidden || status(err) == http.StatusUnauthorized): // a project's token sees no group
		default:
			return nil, err
		}
	}
	return list, nil
}

// parent is the path of the group that something lies in; "": none.
func parent(path string) string { return path[:max(strings.LastIndexByte(path, '/'), 0)] }

// needs says whether a protection asks for our approval, and whether nobody else's would do.
func (c *Client) needs(ctx context.Context, a *access, repo string, p protectedNode) (ours, alone bool, err error) {
	me, err := a.myself(ctx)
	if err != nil {
		return false, false, err
	}
	rules := p.Rules
	if len(rules) == 0 && p.Required > 0 { // whoever may deploy may approve
		for _, d := range p.Deploy {
			rules = append(rules, approvalRule{User: d.User, Group: d.Group, Level: d.Level, Required: p.Required})
		}
	}
	for _, r := range rules {
		is, err := c.fits(ctx, a, repo, r, int64(me.ID))
		if err != nil {
			return false, false, err
		}
		if is && r.Required > 0 {
			ours, alone = true, alone || r.User != 0 && len(p.Rules) > 0
		}
	}
	return ours, alone, nil
}
