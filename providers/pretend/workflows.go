package pretend

import (
	"fmt"
	"slices"
	"time"
)

// workflowRun is one run of a workflow, as far as environments go: each of its jobs enters one.
type workflowRun struct {
	id, workflow       int64
	repo               *Repo
	commit             *commit
	branch, name       string
	event              string
	status, conclusion string
	by                 *User
	at, updated        time.Time
	jobs               []*job
	reviews            []*gateReview
}

// job waits at its environment until each of the gates that it met is open.
type job struct {
	run                *workflowRun
	check              *Run // its id is the job's
	place              *environment
	deployment         *deployment
	status, conclusion string // waiting, in_progress, completed
	at                 time.Time
	gates              []*gate
}

// Workflow is a run that somebody starts.
type Workflow struct {
	Repo         string
	Ref          string   // a branch or tag; "": the default branch
	Commit       string   // "": what Ref points at
	Environments []string // one job each; none: production
	Event        string   // that started it; "": push
	By           string
	Name         string // of the workflow; "": Deploy
}

// Start starts a workflow run. Its jobs wait where their environment is protected, and the App is asked where the rule
// is its own; elsewhere they run. It returns the run's id.
func (f *Forge) Start(p Workflow) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(p.Repo)
	if err != nil {
		return 0, err
	}
	branch := or(p.Ref, r.Default)
	c := r.resolve(or(p.Commit, branch))
	if c == nil {
		return 0, fmt.Errorf("run of %q: %w", or(p.Commit, branch), ErrUnknown)
	}
	if f.lab != nil {
		f.begins()
		return f.lab.start(r, c, p)
	}
	w := &workflowRun{id: f.id(), workflow: f.id(), repo: r, commit: c, branch: branch, name: or(p.Name, "Deploy"), event: or(p.Event, "push"),
		status: "queued", by: f.user(or(p.By, r.Owner.Login), ""), at: f.at(), updated: f.at()}
	r.workflows = append(r.workflows, w)
	f.keep(w.id, w)
	if len(p.Environments) == 0 {
		p.Environments = []string{"production"}
	}
	for _, name := range p.Environments {
		if err := f.startJob(w, f.environment(r, name)); err != nil {
			return 0, err
		}
	}
	return w.id, nil
}

// Continue starts one more job of a repository's newest run, at an environment.
func (f *Forge) Continue(repo, environment string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return err
	}
	if f.lab != nil {
		if list := f.project(r).pipelines; len(list) > 0 {
			f.lab.deployAt(list[len(list)-1], environment)
			return nil
		}
	}
	if len(r.workflows) == 0 {
		return fmt.Errorf("one more job at %q: %w", environment, ErrUnknown)
	}
	return f.startJob(r.workflows[len(r.workflows)-1], f.environment(r, environment))
}

// actions is the App that runs workflows.
func (f *Forge) actions() *App { return f.other("github-actions") }

func (f *Forge) startJob(w *workflowRun, e *environment) error {
	j := &job{run: w, place: e, status: "waiting", at: f.at(), gates: e.gates(f.at())}
	name, waits := "deploy to "+e.name, "waiting"
	check, err := f.createRun(w.repo, f.actions(), w.commit, runInput{Name: &name, Status: &waits})
	if err != nil {
		return err
	}
	j.check = check
	w.jobs = append(w.jobs, j)
	j.deployment = f.deploy(&deployment{repo: w.repo, commit: w.commit, ref: w.branch, task: "deploy", environment: e.name,
		production: e.name == "production", by: f.actions().Bot, app: f.actions(), workflow: w})
	if len(j.gates) == 0 {
		return f.enter(j)
	}
	f.say(j, "waiting")
	w.settle(f)
	for _, g := range j.gates {
		if g.app == f.app {
			f.askRule(j)
		}
	}
	return nil
}

// say posts a status of the job's deployment.
func (f *Forge) say(j *job, state string) {
	url := fmt.Sprintf("%s/%s/actions/runs/%d/job/%d", f.url, j.run.repo.Name, j.run.id, j.check.ID)
	f.post(j.deployment, &deploymentStatus{state: state, log: url, by: f.actions().Bot, app: f.actions()}, false)
}

// enter lets the job run.
func (f *Forge) enter(j *job) error {
	j.status = "in_progress"
	if err := f.updateRun(j.check, runInput{Status: &j.status}); err != nil {
		return err
	}
	f.say(j, "in_progress")
	j.run.settle(f)
	return nil
}

// finish ends the job: success, failure or cancelled.
func (f *Forge) finish(j *job, conclusion string) error {
	if j.status == "completed" {
		return fmt.Errorf("the job at %s is over: %w", j.place.name, ErrRefused)
	}
	if err := f.updateRun(j.check, runInput{Conclusion: &conclusion}); err != nil {
		return err
	}
	j.status, j.conclusion = "completed", conclusion
	f.say(j, deployed(conclusion))
	j.run.settle(f)
	return nil
}

// deployed is the state of a deployment whose job ended so.
func deployed(conclusion string) string {
	switch conclusion {
	case "success":
		return "success"
	case "cancelled":
		return "inactive"
	}
	return "failure"
}

// settle sets the run's status from its jobs'.
func (w *workflowRun) settle(f *Forge) {
	w.updated, w.status, w.conclusion = f.at(), "completed", "success"
	for _, status := range []string{"waiting", "in_progress"} {
		if slices.ContainsFunc(w.jobs, func(j *job) bool { return j.status == status }) {
			w.status, w.conclusion = status, ""
		}
	}
	for _, j := range w.jobs {
		if w.status == "completed" && j.conclusion != "success" {
			w.conclusion = j.conclusion
		}
	}
}

// work does something with the job of a repository's newest run at an environment.
func (f *Forge) work(repo, environment string, do func(*job) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return err
	}
	for _, w := range slices.Backward(r.workflows) {
		for _, j := range w.jobs {
			if fold(j.place.name) == fold(environment) {
				if err := w.pass(f); err != nil {
					return err
				}
				return do(j)
			}
		}
	}
	return fmt.Errorf("job at %q: %w", environment, ErrUnknown)
}

// Finish ends the newest job at an environment: success, failure or cancelled. One that waits can only be cancelled.
func (f *Forge) Finish(repo, environment, conclusion string) error {
	if f.lab != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.begins()
		return f.lab.finish(repo, environment, conclusion)
	}
	return f.work(repo, environment, func(j *job) error {
		if !slices.Contains([]string{"success", "failure", "cancelled"}, conclusion) || j.status == "waiting" && conclusion != "cancelled" {
			return fmt.Errorf("%s of a job that is %s: %w", conclusion, j.status, ErrRefused)
		}
		return f.finish(j, conclusion)
	})
}

// Job is one as it stands, with what was said of it.
type Job struct {
	Run         int64
	Environment string
	Commit      string
	Status      string // waiting, in_progress, or how it ended
	Said        []GateAnswer
}

// GateAnswer is what somebody said of a job at its environment.
type GateAnswer struct{ By, State, Comment string }

// Jobs are those of all workflow runs, oldest first.
func (f *Forge) Jobs(repo string) []Job {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return nil
	}
	if f.lab != nil {
		return f.lab.jobs(r)
	}
	var list []Job
	for _, w := range r.workflows {
		for _, j := range w.jobs {
			x := Job{Run: w.id, Environment: j.place.name, Commit: w.commit.id, Status: or(j.conclusion, j.status)}
			for _, s := range w.reviews {
				if s.place == j.place {
					x.Said = append(x.Said, GateAnswer{s.by.Login, s.state, s.comment})
				}
			}
			list = append(list, x)
		}
	}
	return list
}
