package pretend

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// deployment is one of a commit into an environment.
type deployment struct {
	id                    int64
	repo                  *Repo
	commit                *commit
	ref, task             string
	environment, original string // a status may move it; original stays
	description           string
	payload               json.RawMessage // any JSON, as it came
	transient, production bool
	by                    *User
	app                   *App // that made it; nil: a person
	at, updated           time.Time
	statuses              []*deploymentStatus
	workflow              *workflowRun // whose job it is, or nil
}

type deploymentStatus struct {
	id                    int64
	of                    *deployment
	state, description    string
	environment, url, log string
	by                    *User
	app                   *App
	at                    time.Time
}

// state is that of the newest status, or "".
func (d *deployment) state() string {
	if len(d.statuses) == 0 {
		return ""
	}
	return d.statuses[len(d.statuses)-1].state
}

// deploy keeps a new deployment and tells of it. Its environment is made when it is new, as the forge does.
func (f *Forge) deploy(d *deployment) *deployment {
	d.id, d.at, d.updated, d.original = f.id(), f.at(), f.at(), d.environment
	if len(d.payload) == 0 {
		d.payload = json.RawMessage("{}")
	}
	d.repo.deployments = append(d.repo.deployments, d)
	f.keep(d.id, d)
	f.environment(d.repo, d.environment)
	f.emitDeploy("deployment", "created", d, d.by, obj{"deployment": f.renderDeployment(d), "workflow": nil, "workflow_run": d.workflow.short(f)})
	return d
}

// post puts a status on a deployment. A success makes those before it inactive where the environment is neither
// production nor transient, unless the caller says no; nobody is told of inactive ones.
func (f *Forge) post(d *deployment, s *deploymentStatus, keepOlder bool) *deploymentStatus {
	s.id, s.of, s.at = f.id(), d, f.at()
	if s.environment == "" {
		s.environment = d.environment
	}
	d.environment, d.updated = s.environment, s.at
	d.statuses = append(d.statuses, s)
	if s.state == "success" && !keepOlder {
		f.outdate(d, s)
	}
	if s.state != "inactive" {
		f.emitDeploy("deployment_status", "created", d, s.by, obj{"deployment_status": f.renderDeploymentStatus(s), "deployment": f.renderDeployment(d),
			"check_run": nil, "workflow": nil, "workflow_run": d.workflow.short(f)})
	}
	return s
}

func (f *Forge) outdate(by *deployment, s *deploymentStatus) {
	for _, x := range by.repo.deployments {
		if x != by && x.id < by.id && x.environment == by.environment && !x.transient && !x.production && x.state() == "success" {
			old := *s
			old.id, old.of, old.state, old.description = f.id(), x, "inactive", ""
			x.statuses, x.updated = append(x.statuses, &old), s.at
		}
	}
}

// emitDeploy only reaches an App that may read deployments.
func (f *Forge) emitDeploy(event, action string, d *deployment, by *User, more obj) {
	if in := f.installation(d.repo); in != nil && (&token{install: in}).may("deployments", "read") {
		f.emit(event, action, d.repo, nil, by, more)
	}
}

func (f *Forge) renderDeployment(d *deployment) obj {
	repo := fmt.Sprintf("%s/repos/%s", f.api(), d.repo.Name)
	u := fmt.Sprintf("%s/deployments/%d", repo, d.id)
	return obj{"id": d.id, "node_id": node("DE", d.id), "url": u, "sha": d.commit.id, "ref": d.ref, "task": d.task, "payload": d.payload,
		"environment": d.environment, "original_environment": d.original, "description": orNil(d.description), "creator": f.renderUser(d.by),
		"created_at": stamp(d.at), "updated_at": stamp(d.updated), "statuses_url": u + "/statuses", "repository_url": repo,
		"transient_environment": d.transient, "production_environment": d.production, "performed_via_github_app": renderVia(d.app)}
}

func (f *Forge) renderDeploymentStatus(s *deploymentStatus) obj {
	repo := fmt.Sprintf("%s/repos/%s", f.api(), s.of.repo.Name)
	u := fmt.Sprintf("%s/deployments/%d", repo, s.of.id)
	return obj{"id": s.id, "node_id": node("DES", s.id), "url": fmt.Sprintf("%s/statuses/%d", u, s.id), "state": s.state, "creator": f.renderUser(s.by),
		"description": s.description, "environment": s.environment, "environment_url": s.url, "log_url": s.log, "target_url": s.log,
		"created_at": stamp(s.at), "updated_at": stamp(s.at), "deployment_url": u, "repository_url": repo, "performed_via_github_app": renderVia(s.app)}
}

func renderVia(a *App) any {
	if a == nil {
		return nil
	}
	return renderApp(a)
}

// Deployment is one that somebody makes without a call: a person, or an App.
type Deployment struct {
	Repo        string
	Ref         string // a branch, tag or commit; "": the default branch
	Environment string // "": production
	By          string
	App         string // slug of the App that makes it; "": By does
	Task        string // "": deploy
	Payload     string // JSON; "": {}
	Transient   bool
}

// Deploy makes the deployment, whatever the statuses of the commit are, and returns its id.
func (f *Forge) Deploy(p Deployment) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(p.Repo)
	if err != nil {
		return 0, err
	}
	c := r.resolve(or(p.Ref, r.Default))
	if c == nil {
		return 0, fmt.Errorf("deployment of %q: %w", p.Ref, ErrUnknown)
	}
	if p.Payload != "" && !json.Valid([]byte(p.Payload)) {
		return 0, fmt.Errorf("payload %q: %w", p.Payload, ErrRefused)
	}
	f.begins()
	by, app := f.actor(r, p.By, p.App)
	to := or(p.Environment, "production")
	if f.lab != nil {
		return f.lab.deploy(r, c, or(p.Ref, r.Default), to, "running", by, false).id, nil
	}
	d := f.deploy(&deployment{repo: r, commit: c, ref: or(p.Ref, r.Default), task: or(p.Task, "deploy"), environment: to,
		payload: json.RawMessage(p.Payload), transient: p.Transient, production: to == "production", by: by, app: app})
	return d.id, nil
}

// actor is who acts: an App, or a person.
func (f *Forge) actor(r *Repo, login, app string) (*User, *App) {
	if app != "" {
		a := f.appNamed(app)
		return a.Bot, a
	}
	return f.user(or(login, r.Owner.Login), ""), nil
}

// DeploymentStatus is what a pipeline says of a deployment.
type DeploymentStatus struct {
	Repo        string
	ID          int64  // of the deployment; 0: the newest into Environment
	Environment string // "": production
	State       string
	Description string
	By          string
	App         string // slug of the App that says it; "": By does
	KeepOlder   bool   // auto_inactive: false
}

// DeploymentStatus posts the status.
func (f *Forge) DeploymentStatus(p DeploymentStatus) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(p.Repo)
	if err != nil {
		return err
	}
	d := r.deployment(p.ID, or(p.Environment, "production"))
	if d == nil {
		return fmt.Errorf("deployment %d into %q: %w", p.ID, p.Environment, ErrUnknown)
	}
	if !progress(p.State) || len([]rune(p.Description)) > 140 {
		return fmt.Errorf("deployment status %q: %w", p.State, ErrRefused)
	}
	f.begins()
	by, app := f.actor(r, p.By, p.App)
	if f.lab != nil {
		return f.lab.progress(d, p.State)
	}
	f.post(d, &deploymentStatus{state: p.State, description: p.Description, by: by, app: app}, p.KeepOlder)
	return nil
}

// DeleteDeployment deletes a deployment that is inactive, or the only one, as GitHub allows. Nobody is told.
func (f *Forge) DeleteDeployment(repo string, id int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return err
	}
	d := r.deployment(id, "")
	if d == nil || id == 0 {
		return fmt.Errorf("deployment %d: %w", id, ErrUnknown)
	}
	if len(r.deployments) > 1 && d.state() != "inactive" {
		return fmt.Errorf("deletion of deployment %d, which is %s and not the only one: %w", id, or(d.state(), "without a status"), ErrRefused)
	}
	r.deployments = slices.DeleteFunc(r.deployments, func(x *deployment) bool { return x == d })
	return nil
}

// deployment is the one with the id, or, for 0, the newest into an environment; nil when there is none.
func (r *Repo) deployment(id int64, environment string) *deployment {
	for _, d := range slices.Backward(r.deployments) {
		if d.id == id || id == 0 && fold(d.environment) == fold(environment) {
			return d
		}
	}
	return nil
}

// progress says whether a caller may post the state; waiting is the forge's own.
func progress(s string) bool {
	return slices.Contains([]string{"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}, s)
}

// Deployed is a deployment as it stands.
type Deployed struct {
	ID                       int64
	Environment, Commit, Ref string
	State                    string // of the newest status; "": none yet
	By, Task, Payload        string
	Via                      string // slug of the App that made it
	Outside                  bool   // another than the App under test made it
	Run                      int64  // the workflow run whose job it is, or 0
}

// Deployments are those into an environment, or, for "", into all, oldest first.
func (f *Forge) Deployments(repo, environment string) []Deployed {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return nil
	}
	var list []Deployed
	for _, d := range r.deployments {
		if environment != "" && fold(d.environment) != fold(environment) {
			continue
		}
		x := Deployed{ID: d.id, Environment: d.environment, Commit: d.commit.id, Ref: d.ref, State: d.state(), By: f.loginOf(d.by), Task: d.task,
			Payload: string(d.payload), Outside: d.app != f.app}
		if d.app != nil {
			x.Via = d.app.Slug
		}
		if d.workflow != nil {
			x.Run = d.workflow.id
		}
		if f.lab != nil && f.lab.places[d].job != nil {
			x.Run = d.id
		}
		list = append(list, x)
	}
	return list
}

// CountDeployments counts those of a commit into an environment that the App under test made.
func (f *Forge) CountDeployments(repo, environment, commit string) int {
	n := 0
	for _, d := range f.Deployments(repo, environment) {
		if !d.Outside && d.Commit == commit {
			n++
		}
	}
	return n
}
