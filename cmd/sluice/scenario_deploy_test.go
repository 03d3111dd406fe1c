package main

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/sluicegate/sluice/providers/pretend"
)

// guarded is how an environment is protected, in forge.yml and in the act `environment`.
type guarded struct {
	Name      string   `yaml:"name"`
	Rules     []string `yaml:"rules"` // slugs of Apps: sluice is the one under test
	Reviewers []string `yaml:"reviewers"`
	Wait      int      `yaml:"wait"`      // minutes
	NoBypass  bool     `yaml:"no-bypass"` // admins have to wait as well
}

func (g guarded) at(repo string) pretend.Environment {
	return pretend.Environment{Repo: repo, Name: g.Name, Rules: g.Rules, Reviewers: g.Reviewers, Wait: g.Wait, NoBypass: g.NoBypass}
}

// deployWords are what acts about environments may say. The environment is production when left out, the commit main.
type deployWords struct {
	guarded      `yaml:",inline"` // of the act `environment`; the name is also a status's
	Repo         string           `yaml:"repo"`
	Environment  string           `yaml:"environment"`
	Environments []string         `yaml:"environments"`
	Commit       string           `yaml:"commit"` // as in other acts, or main@3: main after step 3
	Ref          string           `yaml:"ref"`    // of a workflow run: the branch
	Deployment   int              `yaml:"deployment"`
	By           string           `yaml:"by"`
	App          string           `yaml:"app"`
	Task         string           `yaml:"task"`
	Payload      string           `yaml:"payload"`
	Event        string           `yaml:"event"`
	State        string           `yaml:"state"`
	Message      string           `yaml:"message"`
	Transient    bool             `yaml:"transient"`
	KeepOlder    bool             `yaml:"keep-older"`
	Ends         bool             `yaml:"ends"`
	Unswept      bool             `yaml:"unswept"` // a status of which the forge says nothing is not told by a sweep either
}

// onEnvironment are the acts about environments: who deploys beside Sluice, what pipelines say, and what a person does
// to the protection.
func (r *playing) onEnvironment(a act) (err error, known bool) {
	do := map[string]func(deployWords) error{
		"deployment": func(w deployWords) error { // outside of the gate
			if w.Payload == "copied" { // from the newest of ours
				for _, d := range r.forge.Deployments(w.Repo, "") {
					if !d.Outside {
						w.Payload = d.Payload
					}
				}
			}
			_, err := r.forge.Deploy(pretend.Deployment{Repo: w.Repo, Ref: w.Commit, Environment: w.Environment, By: or(w.By, "olga"), App: w.App, Task: w.Task, Payload: w.Payload, Transient: w.Transient})
			return err
		},
		"deployment_status": r.deploymentStatus,
		"undeploy":          r.undeploy,
		"environment":       func(w deployWords) error { return r.forge.Environment(w.at(w.Repo)) },
		"unprotect":         func(w deployWords) error { return r.forge.Unprotect(w.Repo, w.Environment) },
		"workflow_run": func(w deployWords) error {
			if w.Environments == nil {
				w.Environments = []string{w.Environment}
			}
			_, err := r.forge.Start(pretend.Workflow{Repo: w.Repo, Ref: w.Ref, Commit: w.Commit, Environments: w.Environments, Event: w.Event, By: w.By, Name: w.Name})
			return err
		},
		"workflow_job": func(w deployWords) error { return r.forge.Continue(w.Repo, w.Environment) }, // one more of the newest run
		"bypass":       func(w deployWords) error { return r.forge.Bypass(w.Repo, w.Environment, or(w.By, "olga"), w.Message) },
		"admit": func(w deployWords) error {
			return r.forge.Admit(w.Repo, w.Environment, w.By, or(w.State, "approved"), w.Message)
		},
		"ask":      r.asks,
		"calendar": r.calendar,
		"finish":   func(w deployWords) error { return r.forge.Finish(w.Repo, w.Environment, or(w.State, "success")) },
		"status": func(w deployWords) error {
			if r.where == "gitlab" && w.App != "" { // whoever posts is an account there
				w.App, w.By = "", "olga"
			}
			told := r.forge.Pending()
			err := r.forge.Report(pretend.Report{Repo: w.Repo, Commit: or(w.Commit, "main"), Name: w.Name, State: or(w.State, "success"), Title: w.Message, App: w.App, By: w.By, Ends: w.Ends})
			if err == nil && r.where == "gitlab" && r.forge.Pending() == told { // of no status that leaves its pipeline's as it was
				if w.Unswept { // it is looked for, soon
					r.clock.move(r.clock.now().Add(time.Minute))
					return nil
				}
				return r.sweep()
			}
			return err
		},
	}[a.name]
	if do == nil {
		return nil, false
	}
	var w deployWords
	if err := strict(a.raw, &w); err != nil {
		return err, true
	}
	w.Repo, w.Commit, w.Environment = or(w.Repo, shop), r.commitOf(w.Commit), or(w.Environment, "production")
	return do(w), true
}

// deploymentStatus is the pipeline's word on the newest deployment into an environment, or on the one with the number.
func (r *playing) deploymentStatus(w deployWords) error {
	s := pretend.DeploymentStatus{Repo: w.Repo, Environment: w.Environment, State: or(w.State, "success"), Description: w.Message, By: w.By, App: w.App, KeepOlder: w.KeepOlder}
	if w.By == "" && w.App == "" {
		s.App = "pipeline"
	}
	if all := r.forge.Deployments(w.Repo, ""); w.Deployment > 0 {
		if w.Deployment > len(all) {
			return fmt.Errorf("there are %d deployments, and %d is none of them", len(all), w.Deployment)
		}
		s.ID = all[w.Deployment-1].ID
	}
	return r.forge.DeploymentStatus(s)
}

// undeploy deletes the deployment with the number. The forge takes only one that is inactive or the last, and tells nobody.
func (r *playing) undeploy(w deployWords) error {
	all := r.forge.Deployments(w.Repo, "")
	if w.Deployment < 1 || w.Deployment > len(all) {
		return fmt.Errorf("there are %d deployments, and %d is none of them", len(all), w.Deployment)
	}
	delete(r.told, fmt.Sprintf("deployment %d", w.Deployment-1))
	return r.forge.DeleteDeployment(w.Repo, all[w.Deployment-1].ID)
}

// commitOf is at, which knows main@3 too.
func (r *playing) commitOf(name string) string {
	if step, ok := strings.CutPrefix(name, "main@"); ok {
		return r.told["main after "+step]
	}
	return r.at(name)
}

// passed remembers where main stands after a step.
func (r *playing) passed(step string) {
	r.told["main after "+step] = r.forge.Head(shop, "main")
}

// named is the commit in words that do not hang on its id: the first step after which it was the tip of main, or the head
// of change 1, else what it says of itself.
func (r *playing) named(commit string) string {
	for _, what := range []string{"main", "head"} {
		for n := range 100 {
			step := strconv.Itoa(n)
			if what == "main" && r.told["main after "+step] == commit || what == "head" && r.heads[step] == commit {
				return what + "@" + step
			}
		}
	}
	subject, _, _ := strings.Cut(r.forge.Message(shop, commit), "\n")
	return strconv.Quote(subject)
}

// deployed are the deployments, and the jobs that waited or wait, as far as they are new or stand otherwise.
func (r *playing) deployed() (lines []string) {
	for i, d := range r.forge.Deployments(shop, "") {
		if r.where == "gitlab" && slices.ContainsFunc(r.forge.Jobs(shop), func(j pretend.Job) bool { return j.Run == d.ID }) {
			d.By = "github-actions[bot]" // there it has whoever started its pipeline, or played its job
		}
		line := fmt.Sprintf("deployment %d into %s of %s by %s: %s", i+1, d.Environment, r.named(d.Commit), d.By, or(d.State, "no status"))
		if r.news(fmt.Sprintf("deployment %d", i), line) {
			lines = append(lines, line)
		}
	}
	for i, j := range r.forge.Jobs(shop) {
		line := fmt.Sprintf("job %d at %s of %s: %s", i+1, j.Environment, r.named(j.Commit), j.Status)
		if r.news(fmt.Sprintf("job %d", i), line) {
			lines = append(lines, line)
		}
		for n, s := range j.Said {
			if key := fmt.Sprintf("job %d said %d", i, n); r.news(key, s.State) {
				lines = append(lines, fmt.Sprintf("  %s by %s: %s", s.State, s.By, strings.ReplaceAll(r.unhashed(s.Comment), "\n", "\n      ")))
			}
		}
	}
	return lines
}

// What the acts do is told, each deployment and each job in one line, and only when it is new.
func TestScenariosTellOfDeployments(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	got := play(t, txtar.Parse([]byte(`
-- forge.yml --
environments: [{name: production, rules: [sluice]}]
-- 1-merged.yml --
- push: {branch: main, by: olga, message: Direct, files: {a.txt: a}}
- deployment: {environment: development, by: ana}
- deployment: {environment: development, commit: main@0, app: argo}
- deployment_status: {environment: development, state: in_progress}
-- 2-waits.yml --
- workflow_run: {by: ana}
- deployment_status: {deployment: 1}
- status: {name: smoke, commit: main, app: smoke}
-- 3-let-in.yml --
bypass: {message: now}
-- 4-done.yml --
finish: {state: failure}
-- 5-bare.yml --
- unprotect: {}
- environment: {name: qa, reviewers: [bo]}
- workflow_run: {environments: [production, qa], commit: main@0}
- admit: {environment: qa, by: bo, state: rejected, message: no}
`)), key)
	want := `1-merged
  deployment 1 into development of main@1 by ana: no status
  deployment 2 into development of main@0 by argo[bot]: in_progress
2-waits
  main@1 deploy (production)  wait    No policy guards production: name it under environments: in .sluice.yml on the default branch, or take Sluice off it.
  deployment 1 into development of main@1 by ana: success
  deployment 3 into production of main@1 by github-actions[bot]: waiting
  job 1 at production of main@1: waiting
    pending by sluice[bot]: No policy guards production&#58; name it under environments&#58; in .sluice.yml on the default branch, or take Sluice off it.
      
      https://sluice.example/decisions/…
3-let-in
  main@1 deploy (production)  cancelled  Cancelled: its run went on past the protection of production.
  deployment 3 into production of main@1 by github-actions[bot]: in_progress
  job 1 at production of main@1: in_progress
    approved by olga: now
4-done
  deployment 3 into production of main@1 by github-actions[bot]: failure
  job 1 at production of main@1: failure
5-bare
  deployment 4 into production of main@0 by github-actions[bot]: in_progress
  deployment 5 into qa of main@0 by github-actions[bot]: failure
  job 2 at production of main@0: in_progress
  job 3 at qa of main@0: failure
    rejected by bo: no
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
