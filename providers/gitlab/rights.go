package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	gitlab "github.com/xanzy/go-gitlab"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var (
	_ gate.Registrar = (*Client)(nil)
	_ gate.Registry  = (*Client)(nil)
)

// Rights behind commands are asked of GitLab each time: nothing that was read for approvals stands in.

// Permission implements gate.Registrar. An account that goes by another name than the one that wrote is another account:
// names change hands. That somebody runs the whole instance, the API does not tell.
func (c *Client) Permission(ctx context.Context, s checks.Subject, who checks.Person) (string, error) {
	right, err := c.permission(ctx, s, who)
	if err != nil {
		return "none", fmt.Errorf("ask what %s may do in %s: %w", gate.Plain(who.Login), s.Repo, err)
	}
	return right, nil
}

func (c *Client) permission(ctx context.Context, s checks.Subject, who checks.Person) (string, error) {
	a, err := c.reach(s.Repo)
	if err != nil || who.ID == 0 {
		return "none", err
	}
	m, err := a.member(ctx, at(s.Repo), who)
	switch {
	case err != nil:
		return "none", err
	case m == nil:
		return c.stranger(ctx, a, s, who)
	case !m.holds(c.opts.Now()):
		return "none", nil
	}
	return m.right(), nil
}

// stranger is the right of one who is no member: to read what all may read.
func (c *Client) stranger(ctx context.Context, a *access, s checks.Subject, who checks.Person) (string, error) {
	project, err := c.project(ctx, s.Repo)
	if err != nil || project.Visibility != gitlab.PublicVisibility && project.Visibility != gitlab.InternalVisibility {
		return "none", err
	}
	var u userNode
	_, err = a.get(ctx, "users/"+strconv.FormatInt(who.ID, 10), nil, &u)
	if errors.Is(err, gate.ErrGone) {
		return "none", nil
	}
	if err != nil || !strings.EqualFold(u.Username, who.Login) || u.State != "" && u.State != "active" {
		return "none", err
	}
	return "read", nil
}

// member is somebody's membership in a project or group, inherited ones included; nil: he has none.
func (a *access) member(ctx context.Context, of string, who checks.Person) (*rankNode, error) {
	var m rankNode
	_, err := a.get(ctx, of+"/members/all/"+strconv.FormatInt(who.ID, 10), nil, &m)
	switch {
	case errors.Is(err, gate.ErrGone):
		return nil, nil
	case err != nil:
		return nil, err
	case m.ID != who.ID || !strings.EqualFold(m.Username, who.Login):
		return nil, nil
	}
	return &m, nil
}

// Member implements gate.Registrar: a team is a group by its full path, and an organisation one at the top.
func (c *Client) Member(ctx context.Context, s checks.Subject, who checks.Person, group string) (bool, error) {
	is, err := c.memberOf(ctx, s, who, group)
	if err != nil {
		return false, fmt.Errorf("ask whether %s is in %s: %w", gate.Plain(who.Login), gate.Plain(group), err)
	}
	return is, nil
}

func (c *Client) memberOf(ctx context.Context, s checks.Subject, who checks.Person, group string) (bool, error) {
	a, err := c.reach(s.Repo)
	if err != nil || who.ID == 0 || !canBeGroup(group) {
		return false, err
	}
	m, err := a.member(ctx, "groups/"+escaped(group), who)
	if err != nil || m == nil {
		return false, err
	}
	return m.holds(c.opts.Now()) && m.Level > 0, nil
}

// Account implements gate.Registry.
func (c *Client) Account(ctx context.Context, repo gate.Repo, login string) (checks.Person, error) {
	a, err := c.reach(repo.Name)
	if err != nil {
		return checks.Person{}, err
	}
	who, err := c.account(ctx, a, login)
	if err != nil {
		return checks.Person{}, fmt.Errorf("find the account %s: %w", checks.Clip(gate.Plain(login), 60), err)
	}
	return who, nil
}

func (c *Client) account(ctx context.Context, a *access, login string) (checks.Person, error) {
	var list []userNode
	if _, err := a.get(ctx, "users", url.Values{"username": {login}}, &list); err != nil {
		return checks.Person{}, err
	}
	for _, u := range list {
		if !strings.EqualFold(u.Username, login) {
			continue
		}
		return (&reading{c: c, a: a}).surely(ctx, &u)
	}
	return checks.Person{}, fmt.Errorf("%w: there is none", gate.ErrGone)
}
