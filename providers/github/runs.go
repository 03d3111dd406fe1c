package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// mostAnswered is how many characters an answer to a protection rule may have.
const mostAnswered = 1024

// Run implements gate.Promoter.
func (c *Client) Run(ctx context.Context, repo gate.Repo, run int64) (*gate.Run, error) {
	r, in, err := c.at(ctx, checks.Subject{Repo: repo.Name, Installation: repo.Installation})
	if err != nil {
		return nil, err
	}
	var said struct {
		ID      int64        `json:"id"`
		Attempt int          `json:"run_attempt"`
		SHA     string       `json:"head_sha"`
		Event   string       `json:"event"`
		Status  string       `json:"status"`
		URL     string       `json:"html_url"`
		Actor   *accountNode `json:"actor"`
		Again   *accountNode `json:"triggering_actor"` // who started this attempt
	}
	if err := in.get(ctx, "GET /repos/{owner}/{repo}/actions/runs/{run_id}", r.path(fmt.Sprintf("/actions/runs/%d", run)), &said); err != nil {
		return nil, fmt.Errorf("read run %d of %s: %w", run, r, err)
	}
	if said.ID != run || !oid(said.SHA) {
		return nil, fmt.Errorf("read run %d of %s: GitHub answered with run %d of %q", run, r, said.ID, checks.Clip(said.SHA, 60))
	}
	x := &gate.Run{ID: run, Attempt: said.Attempt, Commit: said.SHA, Event: said.Event, Actor: said.Actor.person(), URL: said.URL, Over: said.Status == "completed"}
	if said.Again != nil {
		x.Actor = said.Again.person()
	}
	if x.Over {
		return x, nil
	}
	if x.Waits, err = in.waits(ctx, r, run); err != nil {
		return nil, fmt.Errorf("read where run %d of %s waits: %w", run, r, err)
	}
	return x, nil
}

// waits are the environments that a run waits at.
func (in *installation) waits(ctx context.Context, r repoName, run int64) ([]string, error) {
	var pending []struct {
		Environment struct {
			Name string `json:"name"`
		} `json:"environment"`
	}
	if err := in.fresh(ctx, "GET /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments", r.path(fmt.Sprintf("/actions/runs/%d/pending_deployments", run)), &pending); err != nil {
		return nil, err
	}
	var names []string
	for _, p := range pending {
		if n := p.Environment.Name; n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names, nil
}

// Answer implements gate.Promoter. The address is built here, whatever an event named. GitHub may want the environment's
// name in its own spelling: where it does not know the one given, the one that the run waits at is tried.
func (c *Client) Answer(ctx context.Context, s checks.Subject, run int64, state, comment string) error {
	if err := c.answer(ctx, s, run, state, comment); err != nil {
		return fmt.Errorf("answer run %d of %s for %s: %w", run, s.Repo, checks.Clip(s.Environment, 60), err)
	}
	return nil
}

func (c *Client) answer(ctx context.Context, s checks.Subject, run int64, state, comment string) error {
	if state != "" && state != "approved" && state != "rejected" {
		return fmt.Errorf("%q is no answer", state)
	}
	repo, in, err := c.at(ctx, s)
	if err != nil {
		return err
	}
	body := map[string]string{"environment_name": s.Environment, "comment": clipped(comment, mostAnswered)}
	if state != "" {
		body["state"] = state
	}
	send := func() error {
		return in.create(ctx, s, "POST /repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule", repo.path(fmt.Sprintf("/actions/runs/%d/deployment_protection_rule", run)), body, nil)
	}
	err = send()
	if !unanswered(err) {
		return undeployed(err)
	}
	names, lost := in.waits(ctx, repo, run)
	if lost != nil {
		return lost
	}
	i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, s.Environment) })
	if i < 0 {
		return fmt.Errorf("%w: the run does not wait there any more", gate.ErrGone)
	}
	if names[i] != s.Environment {
		body["environment_name"] = names[i]
		if err = send(); !unanswered(err) {
			return undeployed(err)
		}
	}
	if told(err, "pending") { // it waits there, but not for this App
		return fmt.Errorf("%w: the run does not wait for Sluice any more", gate.ErrGone)
	}
	return undeployed(err)
}

// LetBy implements gate.Witness: those who approved, as reviewers or past the protection, of which GitHub makes no difference.
func (c *Client) LetBy(ctx context.Context, s checks.Subject, run int64) ([]checks.Person, error) {
	repo, in, err := c.at(ctx, s)
	if err != nil {
		return nil, err
	}
	var reviews []struct {
		State        string       `json:"state"`
		User         *accountNode `json:"user"`
		Environments []struct {
			Name string `json:"name"`
		} `json:"environments"`
	}
	if err := in.fresh(ctx, "GET /repos/{owner}/{repo}/actions/runs/{run_id}/approvals", repo.path(fmt.Sprintf("/actions/runs/%d/approvals", run)), &reviews); err != nil {
		return nil, fmt.Errorf("read who approved run %d of %s: %w", run, s.Repo, err)
	}
	var people []checks.Person
	for _, r := range reviews {
		at := false
		for _, e := range r.Environments {
			at = at || strings.EqualFold(e.Name, s.Environment)
		}
		by := r.User.person()
		if at && r.State == "approved" && by.Human() && !slices.Contains(people, by) {
			people = append(people, by)
		}
	}
	return people, nil
}

// unanswered says that GitHub knows no such run at the environment, or that nothing waits there; or that it does not like
// the answer.
func unanswered(err error) bool {
	var e *Error
	return errors.As(err, &e) && !unsure(err) && (e.Status == http.StatusNotFound || e.Status == http.StatusUnprocessableEntity)
}

func told(err error, word string) bool {
	var e *Error
	return errors.As(err, &e) && strings.Contains(strings.ToLower(e.Message), word)
}

// clipped cuts a text of several lines.
func clipped(s string, most int) string {
	s = strings.ToValidUTF8(s, "")
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// API is where GitHub's REST interface is configured to be, for gate.CallbackFits.
func (c *Client) API() string { return c.bases.rest }

// Guarded implements gate.Promoter.
func (c *Client) Guarded(ctx context.Context, s checks.Subject) (*gate.Guarding, error) {
	g, err := c.guarded(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("read how %s of %s is protected: %w", checks.Clip(s.Environment, 60), s.Repo, err)
	}
	return g, nil
}

func (c *Client) guarded(ctx context.Context, s checks.Subject) (*gate.Guarding, error) {
	repo, in, err := c.at(ctx, s)
	if err != nil {
		return nil, err
	}
	base := repo.path("/environments/" + url.PathEscape(s.Environment))
	var place struct {
		Name   string `json:"name"`
		Bypass *bool  `json:"can_admins_bypass"`
	}
	err = in.get(ctx, "GET /repos/{owner}/{repo}/environments/{environment_name}", base, &place)
	switch {
	case errors.Is(err, gate.ErrGone):
		return &gate.Guarding{}, nil
	case err != nil:
		return nil, err
	case !strings.EqualFold(place.Name, s.Environment):
		return nil, fmt.Errorf("GitHub answered with the environment %q", checks.Clip(place.Name, 60))
	}
	g := &gate.Guarding{Exists: true, Bypass: place.Bypass == nil || *place.Bypass} // administrators may unless it says otherwise
	var rules struct {
		Rules []struct {
			Enabled bool `json:"enabled"`
			App     *struct {
				ID int64 `json:"id"`
			} `json:"app"`
		} `json:"custom_deployment_protection_rules"`
	}
	err = in.get(ctx, "GET /repos/{owner}/{repo}/environments/{environment_name}/deployment_protection_rules", base+"/deployment_protection_rules", &rules)
	if errors.Is(err, gate.ErrGone) { // a plan without such rules
		return g, nil
	}
	for _, r := range rules.Rules {
		g.Ours = g.Ours || r.Enabled && r.App != nil && r.App.ID == c.app
	}
	return g, err
}
