package pretend

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// pipeline is one, of a commit and a ref.
type pipeline struct {
	id                                  int64
	number                              int
	repo                                *Repo
	commit                              *commit // of a merged result: the merge commit
	source                              *commit // of a merge request: its head
	ref, how                            string  // how: push, merge_request_event, external, web, api
	status                              string
	tag                                 bool
	pull                                *Pull
	by                                  *User
	jobs                                []*ciJob
	created, updated, started, finished time.Time
}

// ciJob is a job of a pipeline, or a status that somebody posted from outside.
type ciJob struct {
	id                         int64
	pipeline                   *pipeline
	name, stage, status        string
	outside                    bool // posted, not run
	manual, mayFail            bool
	retried                    bool // a newer one of the name stands in its place
	by                         *User
	url, description           string
	reason                     string // of a failure
	place                      *environment
	deployment                 *deployment
	created, started, finished time.Time
}

// labPipelineEndpoints are those of pipelines and their jobs.
func labPipelineEndpoints() []labEndpoint {
	const project = "/projects/{id}"
	return []labEndpoint{
		{method: "GET", path: project + "/pipelines", level: reporter, do: labPipelines},
		{method: "GET", path: project + "/pipelines/{pid}", level: reporter, do: inPipeline(func(q *labRequest, l *pipeline) reply { return ok(q.f.renderPipelineWhole(l)) })},
		{method: "GET", path: project + "/pipelines/{pid}/jobs", level: reporter, do: inPipeline(pipelineJobs)},
		{method: "GET", path: project + "/merge_requests/{iid}/pipelines", level: reporter, do: inChange(changePipelines)},
		{method: "GET", path: project + "/jobs/{jid}", level: reporter, do: inJob(func(q *labRequest, j *ciJob) reply { return ok(q.f.renderJob(j)) })},
		{method: "POST", path: project + "/jobs/{jid}/play", level: developer, do: inJob(playJob)},
		{method: "POST", path: project + "/jobs/{jid}/cancel", level: developer, do: inJob(cancelJob)},
	}
}

// latest are the jobs that count: not those that a newer one replaced.
func (l *pipeline) latest() (list []*ciJob) {
	for _, j := range l.jobs {
		if !j.retried {
			list = append(list, j)
		}
	}
	return list
}

// newest is the newest pipeline of a commit and, unless "", of a ref.
func (p *labProject) newest(c *commit, ref string) *pipeline {
	for _, l := range slices.Backward(p.pipelines) {
		if l.commit == c && (ref == "" || l.ref == ref) {
			return l
		}
	}
	return nil
}

func (p *labProject) pipeline(id int64) *pipeline {
	for _, l := range p.pipelines {
		if l.id == id {
			return l
		}
	}
	return nil
}

// headPipeline is the newest that GitLab takes for a merge request's own: of its branch where the branch lives, or made
// for it, and of its newest commit. One of another ref is not, whatever its commit.
func (f *Forge) headPipeline(p *Pull) (found *pipeline) {
	look := func(r *Repo) {
		if !f.there(r) {
			return
		}
		for _, l := range f.project(r).pipelines {
			branch := r == p.headRepo && l.pull == nil && !l.tag && l.ref == p.headRef && l.commit == p.head
			if branch || l.pull == p && l.source == p.head {
				if found == nil || l.id > found.id {
					found = l
				}
			}
		}
	}
	look(p.headRepo)
	if p.headRepo != p.Repo {
		look(p.Repo)
	}
	return found
}

// compose is the status that jobs make together.
func compose(jobs []*ciJob) string {
	seen := map[string]bool{}
	for _, j := range jobs {
		s := j.status
		switch {
		case j.mayFail && (s == "failed" || s == "canceled"):
			s = "success"
		case j.mayFail && s == "manual":
			s = "skipped"
		}
		seen[s] = true
	}
	only := func(words ...string) bool {
		for s := range seen {
			if !slices.Contains(words, s) {
				return false
			}
		}
		return true
	}
	switch {
	case len(seen) == 0 || only("created"):
		return "created"
	case only("skipped"):
		return "skipped"
	case only("success", "skipped"):
		return "success"
	case only("canceled", "success", "skipped"):
		return "canceled"
	case only("created", "pending", "skipped"):
		return "pending"
	case seen["running"] || seen["pending"]:
		return "running"
	case seen["manual"]:
		return "manual"
	case seen["created"]:
		return "running"
	}
	return "failed"
}

func over(status string) bool {
	return slices.Contains([]string{"success", "failed", "canceled", "skipped"}, status)
}

// settle sets the pipeline's status from its jobs' and tells of a change.
func (f *Forge) settle(l *pipeline) {
	was := l.status
	l.status = compose(l.latest())
	if l.status == was {
		return
	}
	l.updated = f.at()
	if l.started.IsZero() && l.status != "created" && l.status != "pending" {
		l.started = l.updated
	}
	l.finished = time.Time{}
	if over(l.status) {
		l.finished = l.updated
	}
	f.hookPipeline(l)
}

// newPipeline keeps a new pipeline.
func (f *Forge) newPipeline(l *pipeline) *pipeline {
	p := f.project(l.repo)
	l.id, l.number, l.status, l.created, l.updated = f.id(), p.number("pipeline"), "created", f.at(), f.at()
	p.pipelines = append(p.pipelines, l)
	return l
}

// add puts a job into a pipeline, in the place of an older one of its name.
func (f *Forge) add(l *pipeline, j *ciJob) *ciJob {
	for _, old := range l.jobs {
		old.retried = old.retried || old.name == j.name
	}
	j.id, j.pipeline, j.status, j.created = f.id(), l, "created", f.at()
	l.jobs = append(l.jobs, j)
	return j
}

func (f *Forge) pipelineURL(l *pipeline) string {
	return fmt.Sprintf("%s/%s/-/pipelines/%d", f.url, l.repo.Name, l.id)
}

func (f *Forge) renderPipeline(l *pipeline) obj {
	return obj{"id": l.id, "iid": l.number, "project_id": l.repo.ID, "sha": l.commit.id, "ref": l.ref, "status": l.status, "source": l.how, "created_at": labStamp(l.created),
		"updated_at": labStamp(l.updated), "web_url": f.pipelineURL(l), "name": nil}
}

func (f *Forge) renderPipelineWhole(l *pipeline) obj {
	o := f.renderPipeline(l)
	o["before_sha"], o["tag"], o["yaml_errors"], o["user"] = nobody, l.tag, nil, f.labUser(l.by)
	o["started_at"], o["finished_at"], o["committed_at"], o["duration"], o["coverage"] = labStamp(l.started), labStamp(l.finished), nil, nil, nil
	o["detailed_status"] = obj{"text": l.status, "label": l.status, "group": l.status, "has_details": true, "details_path": fmt.Sprintf("/%s/-/pipelines/%d", l.repo.Name, l.id)}
	return o
}

func inPipeline(do func(*labRequest, *pipeline) reply) func(*labRequest) reply {
	return func(q *labRequest) reply {
		if l := q.f.project(q.repo).pipeline(parse(q.PathValue("pid"))); l != nil {
			return do(q, l)
		}
		return labLost("")
	}
}

// labPipelines lists them, the newest first.
func labPipelines(q *labRequest) reply {
	var list []*pipeline
	for _, l := range slices.Backward(q.f.project(q.repo).pipelines) {
		is := func(name, value string) bool { return !q.in.has(name) || q.in.text(name) == value }
		if is("sha", l.commit.id) && is("ref", l.ref) && is("status", l.status) && is("source", l.how) {
			list = append(list, l)
		}
	}
	if q.in.text("sort") == "asc" {
		slices.Reverse(list)
	}
	return labPage(q, list, func(l *pipeline) string { return fmt.Sprint(l.id) }, func(l *pipeline) any { return q.f.renderPipeline(l) })
}

// changePipelines are those of a merge request's commits, old ones too.
func changePipelines(q *labRequest, p *Pull) reply {
	var list []*pipeline
	for _, r := range []*Repo{p.Repo, p.headRepo} {
		if !q.f.there(r) || r == p.Repo && len(list) > 0 {
			continue
		}
		for _, l := range q.f.project(r).pipelines {
			if (l.pull == p || l.pull == nil && r == p.headRepo && l.ref == p.headRef) && !slices.Contains(list, l) {
				list = append(list, l)
			}
		}
	}
	slices.SortFunc(list, func(a, b *pipeline) int { return int(b.id - a.id) })
	return labPage(q, list, nil, func(l *pipeline) any { return q.f.renderPipeline(l) })
}

// pipelineJobs leaves out what was posted from outside, as GitLab does.
func pipelineJobs(q *labRequest, l *pipeline) reply {
	var list []*ciJob
	for _, j := range slices.Backward(l.jobs) {
		if !j.outside && (!j.retried || q.in.flag("include_retried")) && (!q.in.has("scope") || slices.Contains(q.in.list("scope"), j.status)) {
			list = append(list, j)
		}
	}
	return labPage(q, list, nil, func(j *ciJob) any { return q.f.renderJob(j) })
}

func inJob(do func(*labRequest, *ciJob) reply) func(*labRequest) reply {
	return func(q *labRequest) reply {
		for _, l := range q.f.project(q.repo).pipelines {
			for _, j := range l.jobs {
				if j.id == parse(q.PathValue("jid")) && !j.outside {
					return do(q, j)
				}
			}
		}
		return labLost("")
	}
}

func (f *Forge) renderJob(j *ciJob) obj {
	var reason any
	if j.status == "failed" {
		reason = or(j.reason, "script_failure")
	}
	return obj{"id": j.id, "name": j.name, "stage": j.stage, "status": j.status, "ref": j.pipeline.ref, "tag": j.pipeline.tag, "allow_failure": j.mayFail, "created_at": labStamp(j.created),
		"started_at": labStamp(j.started), "finished_at": labStamp(j.finished), "erased_at": nil, "duration": nil, "queued_duration": nil, "coverage": nil, "archived": false,
		"user": f.labUser(j.by), "commit": f.renderLabCommit(j.pipeline.repo, j.pipeline.commit), "pipeline": f.renderPipeline(j.pipeline), "failure_reason": reason,
		"web_url": fmt.Sprintf("%s/%s/-/jobs/%d", f.url, j.pipeline.repo.Name, j.id), "project": obj{"ci_job_token_scope_enabled": false}, "artifacts": []any{}, "runner": nil, "tag_list": []any{}}
}

func cancelJob(q *labRequest, j *ciJob) reply {
	if over(j.status) {
		return labRefuse(http.StatusForbidden, "403 Forbidden - Job is not cancelable")
	}
	q.f.becomes(j, "canceled")
	return made(q.f.renderJob(j))
}
