package gitlab

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// Standing is what a project's settings and tier make of what Sluice says there.
type Standing struct {
	Place   Place
	Pages   string // the address of its pages
	Tier    string // free, premium or ultimate, as far as its interface shows
	Level   int    // the access level of our account: 30 Developer, 40 Maintainer, 50 Owner; 0: no member
	Default string // branch

	Pipelines    bool // "Pipelines must succeed"
	Skipped      bool // "Skipped pipelines are considered successful"
	StatusChecks bool // "Status checks must succeed"
	Builds       bool // CI/CD is on; without it there are no pipelines and no statuses
	Trains       bool // merge trains
	CI           bool // it has pipelines of its own, which may end before Sluice has spoken
	Waits        bool // a job of theirs names sluice/gate: it waits for that, as far as can be seen
	Forks        bool // others than members may fork it, and open merge requests from there

	Services     []StatusService // external status checks
	Required     int             // approvals that the tier's own rules require
	KeepsVotes   bool            // approvals outlive a push
	Protected    bool            // the default branch
	PushLevels   []int           // who may push to it past any merge request: access levels
	Force        bool            // and rewrite it
	Environments []ProtectedEnvironment

	config string // where its pipelines are described
}

// StatusService is an external status check.
type StatusService struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	URL  string `json:"external_url"`
}

// ProtectedEnvironment is one that not everybody may deploy to.
type ProtectedEnvironment struct {
	Name  string `json:"name"`
	Rules []struct {
		Required int `json:"required_approvals"`
	} `json:"approval_rules"`
	Count int `json:"required_approval_count"`
}

// Approvals is how many are asked for before it is deployed to.
func (p ProtectedEnvironment) Approvals() (n int) {
	for _, r := range p.Rules {
		n += r.Required
	}
	return max(n, p.Count)
}

// Standing reads how a project stands.
func (c *Client) Standing(ctx context.Context, p Place) (*Standing, error) {
	a, err := c.way(p.Path)
	if err != nil {
		return nil, err
	}
	s := &Standing{Place: p, Tier: "free"}
	for _, read := range []func(context.Context, *access) error{s.settings, s.pipelines, s.level, s.branch, s.premium, s.ultimate} {
		if err := read(ctx, a); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Standing) settings(ctx context.Context, a *access) error {
	var x struct {
		Pages        string `json:"web_url"`
		Default      string `json:"default_branch"`
		Pipelines    bool   `json:"only_allow_merge_if_pipeline_succeeds"`
		Skipped      *bool  `json:"allow_merge_on_skipped_pipeline"`
		StatusChecks bool   `json:"only_allow_merge_if_all_status_checks_passed"`
		Jobs         *bool  `json:"jobs_enabled"`
		Builds       string `json:"builds_access_level"`
		Trains       bool   `json:"merge_trains_enabled"`
		Forking      string `json:"forking_access_level"`
		Config       string `json:"ci_config_path"`
		Auto         bool   `json:"auto_devops_enabled"`
	}
	if _, err := a.get(ctx, at(s.Place.Path), nil, &x); err != nil {
		return err
	}
	s.Pages, s.Default, s.Pipelines, s.StatusChecks, s.Trains = x.Pages, x.Default, x.Pipelines, x.StatusChecks, x.Trains
	s.Skipped = x.Skipped != nil && *x.Skipped
	s.Builds = x.Builds != "disabled" && (x.Jobs == nil || *x.Jobs)
	s.Forks = x.Forking != "disabled"
	s.CI, s.config = x.Auto, or(x.Config, ".gitlab-ci.yml")
	return nil
}

// pipelines finds out whether the project has pipelines of its own, and whether a job in them waits for Sluice. What a file takes
// in from elsewhere GitLab alone can put together.
func (s *Standing) pipelines(ctx context.Context, a *access) error {
	elsewhere := strings.Contains(s.config, "@") || strings.Contains(s.config, "://")
	if !elsewhere {
		if s.Default == "" {
			return nil
		}
		t, _, err := a.text(ctx, s.Place.Path, s.Default, s.config)
		if err != nil {
			return err
		}
		s.CI, s.Waits = s.CI || !t.Absent, namesGate(t.Text)
		if s.Waits || t.Absent || !strings.Contains(t.Text, "include") {
			return nil
		}
	}
	s.CI = true
	var x struct {
		Merged string `json:"merged_yaml"`
	}
	_, err := a.get(ctx, at(s.Place.Path, "ci", "lint"), nil, &x)
	if absent(err) {
		return nil
	}
	s.Waits = namesGate(x.Merged)
	return err
}

// namesGate says whether the text of a pipeline names our status, as it is or within an address.
func namesGate(text string) bool {
	return strings.Contains(text, gateName) || strings.Contains(strings.ToLower(text), strings.ToLower(url.QueryEscape(gateName)))
}

func (s *Standing) level(ctx context.Context, a *access) error {
	me, err := a.myself(ctx)
	if err != nil {
		return err
	}
	var x struct {
		Level int `json:"access_level"`
	}
	_, err = a.get(ctx, at(s.Place.Path, "members", "all", strconv.Itoa(me.ID)), nil, &x)
	if errors.Is(err, gate.ErrGone) {
		return nil
	}
	s.Level = x.Level
	return err
}

func (s *Standing) branch(ctx context.Context, a *access) error {
	if s.Default == "" {
		return nil
	}
	var x struct {
		Push []struct {
			Level int `json:"access_level"`
		} `json:"push_access_levels"`
		Force bool `json:"allow_force_push"`
	}
	_, err := a.get(ctx, at(s.Place.Path, "protected_branches", s.Default), nil, &x)
	if absent(err) {
		return nil
	}
	s.Protected, s.Force = err == nil, x.Force
	for _, l := range x.Push {
		s.PushLevels = append(s.PushLevels, l.Level)
	}
	return err
}

// premium asks for what only Premium has.
func (s *Standing) premium(ctx context.Context, a *access) error {
	list, _, err := pages[ProtectedEnvironment](ctx, a, at(s.Place.Path, "protected_environments"), nil, 3)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	s.Tier, s.Environments = "premium", list
	var x struct {
		Required int   `json:"approvals_before_merge"`
		Reset    *bool `json:"reset_approvals_on_push"`
	}
	if _, err := a.get(ctx, at(s.Place.Path, "approvals"), nil, &x); err != nil && !absent(err) {
		return err
	}
	s.KeepsVotes = x.Reset != nil && !*x.Reset
	rules, _, err := pages[struct {
		Required int `json:"approvals_required"`
	}](ctx, a, at(s.Place.Path, "approval_rules"), nil, 3)
	if err != nil && !absent(err) {
		return err
	}
	for _, r := range rules {
		s.Required += r.Required
	}
	return nil
}

// ultimate asks for what only Ultimate has.
func (s *Standing) ultimate(ctx context.Context, a *access) error {
	list, _, err := pages[StatusService](ctx, a, at(s.Place.Path, "external_status_checks"), nil, 3)
	if absent(err) {
		return nil
	}
	if err == nil {
		s.Tier, s.Services = "ultimate", list
	}
	return err
}

// Watch has an external status check ask the server at url, with secret as what it signs by.
func (c *Client) Watch(ctx context.Context, p Place, name, url, secret string) error {
	a, err := c.way(p.Path)
	if err != nil {
		return err
	}
	body := map[string]any{"name": name, "external_url": url}
	if secret != "" {
		body["shared_secret"] = secret
	}
	_, err = a.send(ctx, http.MethodPost, at(p.Path, "external_status_checks"), nil, body, nil)
	return err
}

// Token is what GitLab tells of one of our tokens.
type Token struct {
	For     string // the group or project that it is for; "" for everything
	Account string // the login that it acts as
	Admin   bool   // of the whole instance
	Bot     bool   // of a group's or project's token
	Name    string
	Scopes  []string
	Active  bool
	Expires time.Time // the end of that day, UTC; zero: never
	Skew    time.Duration
	Left    int // calls that are left, of Limit; -1 where GitLab does not say
	Limit   int
	Err     error // it cannot be used
}

// Tokens reads what our tokens are.
func (c *Client) Tokens(ctx context.Context) (list []Token) {
	for _, a := range c.ways {
		t := Token{For: a.path, Left: -1}
		t.Err = t.read(ctx, a, c.opts.Now)
		list = append(list, t)
	}
	return list
}

func (t *Token) read(ctx context.Context, a *access, now func() time.Time) error {
	var me struct {
		Username string `json:"username"`
		Admin    bool   `json:"is_admin"`
		Bot      bool   `json:"bot"`
	}
	resp, err := a.get(ctx, "user", nil, &me)
	if err != nil {
		return err
	}
	t.Account, t.Admin, t.Bot = me.Username, me.Admin, me.Bot || tokenAccount.MatchString(me.Username)
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		t.Skew = at.Sub(now())
	}
	left, err1 := strconv.Atoi(resp.Header.Get("RateLimit-Remaining"))
	limit, err2 := strconv.Atoi(resp.Header.Get("RateLimit-Limit"))
	if err1 == nil && err2 == nil {
		t.Left, t.Limit = left, limit
	}
	var x struct {
		Name    string   `json:"name"`
		Scopes  []string `json:"scopes"`
		Active  bool     `json:"active"`
		Expires string   `json:"expires_at"`
	}
	if _, err := a.get(ctx, "personal_access_tokens/self", nil, &x); err != nil {
		return err
	}
	t.Name, t.Scopes, t.Active = x.Name, x.Scopes, x.Active
	if day, err := time.Parse(time.DateOnly, x.Expires); err == nil {
		t.Expires = day
	}
	return nil
}

// Version is the instance's, "18.2.0-ee".
func (c *Client) Version(ctx context.Context) (string, error) {
	var x struct {
		Version string `json:"version"`
	}
	_, err := c.ways[0].get(ctx, "version", url.Values{}, &x)
	return x.Version, err
}
