package webhook

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// mostEnvironment is how long the name of an environment may be at GitHub.
const mostEnvironment = 255

// deployment is what deliveries tell of one.
type deployment struct {
	ID          int64  `json:"id"`
	Environment string `json:"environment"`
	SHA         string `json:"sha"`
}

// deployments: one was made, or its pipeline says how far it is. What it is and where it stands is read afresh.
func (h *receiver) deployments(_ context.Context, p *payload) ([]gate.Mark, error) {
	repo, err := p.repo()
	if err != nil {
		return nil, err
	}
	d := p.Deployment
	if d == nil {
		return nil, missing("deployment")
	}
	id, err := identifier(d.ID, "deployment.id")
	if err != nil {
		return nil, err
	}
	environment, err := environmentName(d.Environment, "deployment.environment")
	if err != nil {
		return nil, err
	}
	if p.Action == "" {
		return nil, missing("action")
	}
	return []gate.Mark{{Kind: gate.MarkEnvironment, Repo: repo, Environment: environment, Detail: fmt.Sprintf("deployment/%d", id)}}, nil
}

// protection: a workflow run waits at an environment that we guard. Where it is answered is not taken from the delivery:
// its callback has to be the very address of that run at the forge that is configured, or nobody is answered.
func (h *receiver) protection(_ context.Context, p *payload) ([]gate.Mark, error) {
	repo, err := p.repo()
	if err != nil {
		return nil, err
	}
	environment, err := environmentName(p.Environment, "environment")
	if err != nil {
		return nil, err
	}
	switch p.Action {
	case "":
		return nil, missing("action")
	case "requested":
	default:
		return nil, nil
	}
	run, err := gate.CallbackFits(h.API, repo, p.CallbackURL)
	if err != nil {
		return nil, fmt.Errorf("deployment_callback_url: %w", err)
	}
	return []gate.Mark{{Kind: gate.MarkEnvironment, Repo: repo, Environment: environment, Detail: fmt.Sprintf("run/%d", run)}}, nil
}

// awaited marks the environments whose promotions may hang on what others show on a commit.
func (h *receiver) awaited(ctx context.Context, repo, commit string) (marks []gate.Mark) {
	if h.Awaited == nil {
		return nil
	}
	environments, err := h.Awaited(ctx, h.forge, repo, commit)
	if err != nil { // the next sweep finds it
		h.Log.Warn("cannot tell whether a promotion waits for the status", "err", err)
	}
	for _, name := range environments {
		marks = append(marks, gate.Mark{Kind: gate.MarkEnvironment, Repo: repo, Environment: name})
	}
	return marks
}

// environmentName holds the name of an environment to what can be one.
func environmentName(name, place string) (string, error) {
	switch {
	case name == "":
		return "", missing(place)
	case len(name) > mostEnvironment*4 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", fmt.Errorf("%s: is no name of an environment", place)
	}
	return name, nil
}
