package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Registrar = (*Client)(nil)

// Rights behind commands are asked of GitHub each time: neither what was read for approvals nor an answer kept for
// conditional requests stands in.

// Permission implements gate.Registrar by role_name, which tells maintain and triage apart from write and read.
func (c *Client) Permission(ctx context.Context, s checks.Subject, who checks.Person) (string, error) {
	repo, in, err := c.at(ctx, s)
	if err == nil {
		var has string
		if has, err = in.permission(ctx, repo, who); err == nil {
			return has, nil
		}
	}
	return "none", fmt.Errorf("ask what %s may do in %s: %w", who.Login, s.Repo, err)
}

// Member implements gate.Registrar. Membership that waits to be accepted is none.
func (c *Client) Member(ctx context.Context, s checks.Subject, who checks.Person, group string) (bool, error) {
	_, in, err := c.at(ctx, s)
	if err == nil {
		var is bool
		if is, err = in.member(ctx, who, group); err == nil {
			return is, nil
		}
	}
	return false, fmt.Errorf("ask whether %s is in %s: %w", who.Login, group, err)
}

func (in *installation) member(ctx context.Context, who checks.Person, group string) (bool, error) {
	org, team, isTeam := strings.Cut(group, "/")
	if !plain(who.Login) || who.ID == 0 {
		return false, nil
	}
	route, path := "GET /orgs/{org}/memberships/{username}", "/orgs/"+url.PathEscape(org)+"/memberships/"+url.PathEscape(who.Login)
	if isTeam {
		route = "GET /orgs/{org}/teams/{team_slug}/memberships/{username}"
		path = "/orgs/" + url.PathEscape(org) + "/teams/" + url.PathEscape(team) + "/memberships/" + url.PathEscape(who.Login)
	}
	var got struct {
		State string `json:"state"`
	}
	err := in.fresh(ctx, route, path, &got)
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return got.State == "active", in.same(ctx, who)
}

var _ gate.Registry = (*Client)(nil)

// Account implements gate.Registry.
func (c *Client) Account(ctx context.Context, repo gate.Repo, login string) (checks.Person, error) {
	who, err := c.account(ctx, checks.Subject{Forge: repo.Forge, Repo: repo.Name, Installation: repo.Installation}, login)
	if err != nil {
		return checks.Person{}, fmt.Errorf("find the account %s: %w", checks.Clip(gate.Plain(login), 60), err)
	}
	return who, nil
}

func (c *Client) account(ctx context.Context, s checks.Subject, login string) (checks.Person, error) {
	_, in, err := c.at(ctx, s)
	if err != nil {
		return checks.Person{}, err
	}
	if !plain(login) {
		return checks.Person{}, fmt.Errorf("%w: it is no login", gate.ErrGone)
	}
	var u struct {
		ID    int64  `json:"id"`
		Login string `json:"login"`
		Type  string `json:"type"`
	}
	err = in.fresh(ctx, "GET /users/{username}", "/users/"+url.PathEscape(login), &u)
	var e *Error
	switch {
	case errors.As(err, &e) && e.Status == http.StatusNotFound:
		return checks.Person{}, fmt.Errorf("%w: there is none", gate.ErrGone)
	case err != nil:
		return checks.Person{}, err
	}
	return person(&actorNode{Typename: u.Type, Login: u.Login, DatabaseID: u.ID}), nil
}

// same makes sure that the login is still the account's that wrote: logins change hands.
func (in *installation) same(ctx context.Context, who checks.Person) error {
	var u struct {
		ID int64 `json:"id"`
	}
	if err := in.fresh(ctx, "GET /users/{username}", "/users/"+url.PathEscape(who.Login), &u); err != nil {
		return err
	}
	if u.ID != who.ID {
		return fmt.Errorf("the login %s belongs to another account now", who.Login)
	}
	return nil
}

// fresh reads without what was kept from earlier answers.
func (in *installation) fresh(ctx context.Context, route, path string, out any) error {
	in.etags.Remove(in.client.bases.rest + path)
	return in.get(ctx, route, path, out)
}
