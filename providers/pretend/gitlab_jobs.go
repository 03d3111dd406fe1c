package pretend

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks/sorting"
)

// jobSpec is a job as .gitlab-ci.yml has it, as far as it matters here.
type jobSpec struct {
	name    string
	Stage   string    `yaml:"stage"`
	When    string    `yaml:"when"`
	MayFail *bool     `yaml:"allow_failure"`
	Place   yaml.Node `yaml:"environment"`
}

// ciSpec is a whole .gitlab-ci.yml.
type ciSpec struct {
	stages    []string
	jobs      []jobSpec
	onChanges bool // its pipelines are those of merge requests
}

var ciWords = []string{"stages", "workflow", "default", "variables", "include", "image", "services", "before_script", "after_script", "cache", "pages", "spec"}

// ciOf reads the jobs of a commit's .gitlab-ci.yml; nil when it has none that makes jobs.
func ciOf(c *commit) *ciSpec {
	e, found := c.tree.at(".gitlab-ci.yml")
	if !found || e.blob == nil {
		return nil
	}
	var all map[string]yaml.Node
	if yaml.Unmarshal(e.blob.data, &all) != nil {
		return nil
	}
	s := &ciSpec{stages: []string{"build", "test", "deploy"}, onChanges: strings.Contains(string(e.blob.data), "merge_request_event")}
	if n, said := all["stages"]; said && n.Decode(&s.stages) != nil {
		return nil
	}
	for _, name := range sortedLogins(all) {
		n := all[name]
		j := jobSpec{name: name}
		if slices.Contains(ciWords, name) || strings.HasPrefix(name, ".") || n.Kind != yaml.MappingNode || n.Decode(&j) != nil {
			continue
		}
		j.Stage = or(j.Stage, "test")
		s.jobs = append(s.jobs, j)
	}
	sorting.By(s.jobs, func(a, b jobSpec) int { return slices.Index(s.stages, a.Stage) - slices.Index(s.stages, b.Stage) })
	if len(s.jobs) == 0 {
		return nil
	}
	return s
}

// place is the name of the environment that a job deploys to, or "".
func (j jobSpec) place() string {
	if j.Place.Kind == yaml.ScalarNode {
		return j.Place.Value
	}
	var in struct {
		Name string `yaml:"name"`
	}
	_ = j.Place.Decode(&in) // no environment at all
	return in.Name
}

// build makes a pipeline of the jobs that the commit's .gitlab-ci.yml names, if it names any.
func (f *Forge) buildPipeline(l *pipeline) *pipeline {
	s := ciOf(l.commit)
	if s == nil {
		return nil
	}
	f.newPipeline(l)
	for _, spec := range s.jobs {
		j := f.add(l, &ciJob{name: spec.name, stage: spec.Stage, manual: spec.When == "manual", by: l.by})
		j.mayFail = j.manual
		if spec.MayFail != nil {
			j.mayFail = *spec.MayFail
		}
		if name := spec.place(); name != "" {
			j.place = f.environment(l.repo, name)
		}
	}
	f.hookPipeline(l)
	f.proceed(l)
	f.settle(l)
	return l
}

// proceed lets the jobs of a stage begin when those before it are done, and skips them when one of those failed.
func (f *Forge) proceed(l *pipeline) {
	var stages []string
	for _, j := range l.jobs {
		if !j.outside && !slices.Contains(stages, j.stage) {
			stages = append(stages, j.stage)
		}
	}
	failed := false
	for _, stage := range stages {
		busy := false
		for _, j := range l.latest() {
			if j.outside || j.stage != stage {
				continue
			}
			if j.status == "created" {
				f.begin(j, failed)
			}
			busy = busy || !over(j.status) && !(j.status == "manual" && j.mayFail)
		}
		if busy {
			return
		}
		failed = failed || slices.ContainsFunc(l.latest(), func(j *ciJob) bool { return !j.outside && j.stage == stage && j.status == "failed" && !j.mayFail })
	}
}

// begin lets a job begin, or wait to be started by hand, as one also does whose environment asks for approvals.
func (f *Forge) begin(j *ciJob, failed bool) {
	if failed {
		f.turn(j, "skipped")
		return
	}
	blocked := false
	if j.place != nil {
		blocked = f.guarded(j.pipeline.repo, j.place.name).wanted() > 0
		f.deployJob(j, blocked)
	}
	if j.manual || blocked {
		f.turn(j, "manual")
		return
	}
	f.turn(j, "pending")
	if j.place != nil {
		f.turn(j, "running")
	}
}

// turn sets a job's status, and that of what it deploys, and tells of it; the pipeline is not looked at.
func (f *Forge) turn(j *ciJob, status string) {
	j.status = status
	now := f.at()
	if status == "running" && j.started.IsZero() {
		j.started = now
	}
	if over(status) {
		j.finished = now
		if j.started.IsZero() && j.outside && status != "skipped" { // a job that ended before it ran has no start
			j.started = now
		}
	}
	if j.deployment != nil && slices.Contains([]string{"running", "success", "failed", "canceled", "skipped"}, status) {
		f.turnDeployment(j.deployment, status)
	}
	if !j.outside {
		f.hookJob(j)
	}
}

// becomes sets a job's status, and all that follows from it.
func (f *Forge) becomes(j *ciJob, status string) {
	f.turn(j, status)
	if !j.outside {
		f.proceed(j.pipeline)
	}
	f.settle(j.pipeline)
	f.advance(j.pipeline.repo)
	f.autoMerge(j.pipeline)
}

// playJob starts a job that waits to be started by hand.
func playJob(q *labRequest, j *ciJob) reply {
	f := q.f
	if j.place != nil && !f.mayDeploy(q.repo, j.place.name, q.who) || j.deployment != nil && f.pendingApprovals(j.deployment) > 0 || !f.mayPlay(j, q.who) {
		return labForbidden
	}
	if j.status != "manual" {
		return labRefuse(http.StatusBadRequest, "400 Bad request - Unplayable Job")
	}
	f.play(j, q.who)
	return ok(f.renderJob(j))
}

// mayPlay: on a protected branch only who may push or merge there.
func (f *Forge) mayPlay(j *ciJob, who *User) bool {
	level := f.levelOn(j.pipeline.repo, who)
	for _, p := range f.protectedBranches(j.pipeline.repo) {
		if p.covers(j.pipeline.ref) {
			return level >= max(p.merge, developer)
		}
	}
	return level >= developer
}

func (f *Forge) play(j *ciJob, who *User) {
	j.by = who
	if j.deployment != nil {
		f.lab.places[j.deployment].status = "created"
		j.deployment.by = who
		if who == f.app.Bot {
			j.deployment.app = f.app
		}
	}
	f.turn(j, "pending")
	f.becomes(j, "running")
}

// labStart is Start at GitLab: a pipeline with a job for each environment. It returns the first deployment's id.
func (f *Forge) labStart(r *Repo, c *commit, p Workflow) (int64, error) {
	ref := or(p.Ref, r.Default)
	_, tag := r.tags[ref]
	l := f.newPipeline(&pipeline{repo: r, commit: c, ref: ref, tag: tag && r.branches[ref] == nil, how: "push", by: f.user(or(p.By, r.Owner.Login), "")})
	if len(p.Environments) == 0 {
		p.Environments = []string{"production"}
	}
	var first int64
	for _, name := range p.Environments {
		j := f.deployAt(l, name)
		if first == 0 {
			first = j.deployment.id
		}
	}
	return first, nil
}

// deployAt puts a job into a pipeline that deploys into an environment.
func (f *Forge) deployAt(l *pipeline, environment string) *ciJob {
	name := "deploy to " + environment
	if n := len(l.jobs); slices.ContainsFunc(l.jobs, func(j *ciJob) bool { return j.name == name }) { // it is no retry of that one
		name = fmt.Sprintf("%s %d", name, n+1)
	}
	j := f.add(l, &ciJob{name: name, stage: "deploy", by: l.by, place: f.environment(l.repo, environment)})
	f.begin(j, false)
	f.settle(l)
	return j
}

func anyJob(*ciJob) bool { return true }

// jobAt is the newest job at an environment that is such a one.
func (f *Forge) jobAt(repo, environment string, such func(*ciJob) bool) (*ciJob, error) {
	r, err := f.repo(repo)
	if err != nil {
		return nil, err
	}
	for _, l := range slices.Backward(f.project(r).pipelines) {
		for _, j := range slices.Backward(l.jobs) {
			if j.place != nil && j.place.name == environment && such(j) {
				return j, nil
			}
		}
	}
	return nil, fmt.Errorf("job at %q: %w", environment, ErrUnknown)
}

// labFinish is Finish at GitLab: of the newest job that runs, where each job waits for itself.
func (f *Forge) labFinish(repo, environment, conclusion string) error {
	j, err := f.jobAt(repo, environment, func(j *ciJob) bool { return conclusion == "cancelled" || j.status == "running" })
	if errors.Is(err, ErrUnknown) {
		j, err = f.jobAt(repo, environment, anyJob)
	}
	if err != nil {
		return err
	}
	status := map[string]string{"success": "success", "failure": "failed", "cancelled": "canceled"}[conclusion]
	if status == "" || over(j.status) || j.status == "manual" && status != "canceled" {
		return fmt.Errorf("%s of a job that is %s: %w", conclusion, j.status, ErrRefused)
	}
	f.becomes(j, status)
	return nil
}

// Play has somebody start the newest job at an environment that waits to be started by hand.
func (f *Forge) Play(repo, environment, by string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	j, err := f.jobAt(repo, environment, anyJob)
	if err != nil {
		return err
	}
	if j.status != "manual" || f.pendingApprovals(j.deployment) > 0 {
		return fmt.Errorf("start of a job that is %s: %w", j.status, ErrRefused)
	}
	f.play(j, f.user(by, ""))
	return nil
}

// labJobs is Jobs at GitLab.
func (f *Forge) labJobs(r *Repo) (list []Job) {
	for _, l := range f.project(r).pipelines {
		for _, j := range l.jobs {
			if j.place == nil || j.deployment == nil {
				continue
			}
			words := map[string]string{"manual": "waiting", "created": "waiting", "pending": "in_progress", "running": "in_progress", "failed": "failure", "canceled": "cancelled"}
			x := Job{Run: j.deployment.id, Environment: j.place.name, Commit: l.commit.id, Status: or(words[j.status], j.status)}
			for _, a := range f.lab.places[j.deployment].approvals {
				x.Said = append(x.Said, GateAnswer{f.loginOf(a.by), a.status, a.comment})
			}
			list = append(list, x)
		}
	}
	return list
}
