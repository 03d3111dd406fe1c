package gitlab

import (
	"context"
	"errors"
	"fmt"

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
	c.promo.spelt.Remove(under(s.Repo, s.Environment))
	spelt, err := c.spellings(ctx, a, s)
	if err != nil {
		return nil, err
	}
	above, err := c.above(ctx, a, s.Repo)
	if err != nil {
		return nil, err
	}
	g := &gate.Guarding{Exists: len(spelt.found) > 0}
	for _, e := range spelt.found {
		var all []protectionOf
		for _, p := range above {
			if p.Name == e.Tier {
				all = append(all, p)
			}
		}
		p, err := a.protection(ctx, s, e)
		if err != nil {
			return nil, err
		}
		if p != nil {
			all = append(all, protectionOf{*p, at(s.Repo)})
		}
		some, sole := false, false
		for _, p := range all {
			ours, alone, err := c.needs(ctx, a, p)
			if err != nil {
				return nil, err
			}
			some, sole = some || ours, sole || alone
		}
		g.Ours, g.Bypass = g.Ours || some, g.Bypass || some && !sole
	}
	return g, nil
}

// protection is that of the environment itself; nil: it has none.
func (a *access) protection(ctx context.Context, s checks.Subject, e environmentNode) (*protectedNode, error) {
	var p protectedNode
	_, err := a.get(ctx, at(s.Repo, "protected_environments", e.Name), nil, &p)
	switch {
	case errors.Is(err, gate.ErrGone): // it is not protected, or the tier of the instance has no protection
		return nil, nil
	case err == nil && p.Name != e.Name:
		err = fmt.Errorf("GitLab answered with the environment %q", checks.Clip(p.Name, 60))
	}
	return &p, err
}

// needs says whether a protection asks for our approval, and whether nobody else's would do.
func (c *Client) needs(ctx context.Context, a *access, p protectionOf) (ours, alone bool, err error) {
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
		is, err := c.fits(ctx, a, p.of, r, int64(me.ID))
		if err != nil {
			return false, false, err
		}
		if is && r.Required > 0 {
			ours, alone = true, alone || r.User != 0 && len(p.Rules) > 0
		}
	}
	return ours, alone, nil
}
