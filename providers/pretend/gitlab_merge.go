package pretend

import (
	"fmt"
	"net/http"
	"slices"
)

// labMergeEndpoints are those of merging, at once, when the pipeline succeeds, and by trains.
func labMergeEndpoints() []labEndpoint {
	return []labEndpoint{
		{method: "PUT", path: "/projects/{id}/merge_requests/{iid}/merge", level: developer, do: inChange(putMerge)},
		{method: "GET", path: "/projects/{id}/merge_trains", level: developer, do: mergeTrains},
		{method: "GET", path: "/projects/{id}/merge_trains/{branch}", level: developer, do: mergeTrains},
		{method: "GET", path: "/projects/{id}/merge_trains/merge_requests/{iid}", level: developer, do: inChange(oneTrain)},
		{method: "POST", path: "/projects/{id}/merge_trains/merge_requests/{iid}", level: developer, do: inChange(postTrain)},
	}
}

// detailed is the first thing that holds a merge request back, in GitLab's words and its order; "mergeable" for nothing.
func (f *Forge) detailed(p *Pull) string {
	s := f.project(p.Repo)
	switch {
	case p.Closed:
		return "not_open"
	case f.lab.licensed("premium") && slices.ContainsFunc(f.reviewersOf(p), func(v reviewing) bool { return v.state == "requested_changes" }):
		return "requested_changes"
	case !f.satisfied(p):
		return "not_approved"
	case f.lab.licensed("ultimate") && s.allChecks && !f.checksPassed(p):
		return "status_checks_must_pass"
	case p.Draft:
		return "draft_status"
	case p.Repo.branches[p.baseRef] == nil || len(p.commits()) == 0:
		return "commits_status"
	}
	if ci := f.ciState(p); ci != "" {
		return ci
	}
	if f.conflicted(p) {
		return "conflict"
	}
	return "mergeable"
}

// ciState is how "pipelines must succeed" holds a merge request back, or "".
func (f *Forge) ciState(p *Pull) string {
	if !f.passes(p.Repo) {
		return ""
	}
	l := f.headPipeline(p)
	switch {
	case l == nil:
		return "ci_must_pass"
	case l.status == "success", l.status == "skipped" && f.project(p.Repo).skippedPasses:
		return ""
	case slices.Contains([]string{"created", "waiting_for_resource", "preparing", "pending", "running"}, l.status):
		return "ci_still_running"
	}
	return "ci_must_pass"
}

// labBlocked is detailed with a word on the pipeline, for people; "" when it may be merged.
func (f *Forge) labBlocked(p *Pull) string {
	why := f.detailed(p)
	switch why {
	case "mergeable":
		return ""
	case "not_open":
		return "it is closed"
	case "draft_status":
		return "it is a draft"
	case "ci_must_pass", "ci_still_running":
		l := f.headPipeline(p)
		if l == nil {
			return why + ": it has no pipeline"
		}
		for _, j := range l.latest() {
			if j.status != "success" && j.status != "skipped" && !(j.mayFail && j.status == "manual") {
				return fmt.Sprintf("%s: the pipeline is %s, %s is %s", why, l.status, j.name, j.status)
			}
		}
		return fmt.Sprintf("%s: the pipeline is %s", why, l.status)
	}
	return why
}

// conflicted says whether both sides changed the same lines.
func (f *Forge) conflicted(p *Pull) bool {
	if p.Closed || p.Repo.branches[p.baseRef] == nil {
		return false
	}
	_, fine := p.Repo.objects.merge(p.Repo.branches[p.baseRef], p.head)
	return !fine
}

func (f *Forge) mergeStatus(p *Pull) string {
	if !p.Closed && (f.conflicted(p) || p.Repo.branches[p.baseRef] == nil) {
		return "cannot_be_merged"
	}
	return "can_be_merged"
}

// mergedResult is what merging would make now; the same both sides make the same commit. Nil: they conflict.
func (f *Forge) mergedResult(p *Pull) *commit {
	base := p.target()
	t, fine := p.Repo.objects.merge(base, p.head)
	if !fine {
		return nil
	}
	who := Signature{Name: p.Author.Name, Email: p.Author.Email, At: p.head.committer.At}
	return p.Repo.objects.commit(t, []*commit{base, p.head}, fmt.Sprintf("Merge %s into %s", p.head.id, base.id), who, who)
}

// putMerge merges, if nothing holds it back and the given sha is the head; or has it merged when its pipeline succeeds.
func putMerge(q *labRequest, p *Pull) reply {
	f, sha := q.f, q.in.text("sha")
	why := f.detailed(p)
	switch {
	case !slices.ContainsFunc([]*protectedRef{{name: p.baseRef}}, func(*protectedRef) bool { return f.levelOn(p.Repo, q.who) >= developer }):
		return labUnauthorized
	case sha != "" && sha != p.head.id:
		return labRefuse(http.StatusConflict, "SHA does not match HEAD of source branch: "+p.head.id)
	case why == "ci_still_running" && (q.in.flag("merge_when_pipeline_succeeds") || q.in.flag("auto_merge")):
		f.extra(p).auto = true
		return ok(f.renderChangeWhole(p, q.who))
	case why == "conflict":
		return labRefuse(http.StatusUnprocessableEntity, "Branch cannot be merged")
	case why != "mergeable":
		return labRefuse(http.StatusMethodNotAllowed, "405 Method Not Allowed")
	}
	if _, err := f.merge(p, q.who, q.in.flag("squash")); err != nil {
		return labRefuse(http.StatusUnprocessableEntity, "Branch cannot be merged")
	}
	return ok(f.renderChangeWhole(p, q.who))
}

// AutoMerge has a merge request merged as soon as its pipeline succeeds.
func (f *Forge) AutoMerge(repo string, n int, by string) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error {
		if f.lab == nil || p.Closed {
			return refusedAct("auto-merge")
		}
		p.mergedBy = who
		f.extra(p).auto = true
		if l := f.headPipeline(p); l != nil {
			f.autoMerge(l)
		}
		return nil
	})
}

// autoMerge merges what waited for the pipeline, and for nothing else.
func (f *Forge) autoMerge(l *pipeline) {
	for _, r := range f.sortedRepos() {
		for _, p := range r.pulls {
			if x := f.lab.pulls[p]; x != nil && x.auto && !p.Closed && f.headPipeline(p) == l && f.detailed(p) == "mergeable" {
				x.auto = false
				by := p.mergedBy
				if by == nil {
					by = p.Author
				}
				_, _ = f.merge(p, by, false) // what cannot be merged after all stays open
			}
		}
	}
}

// boarded makes the pipeline of an entry of a merge train.
func (f *Forge) boarded(e *queued) {
	r := e.pull.Repo
	e.ref = fmt.Sprintf("refs/merge-requests/%d/train", e.pull.Number)
	r.built = append(r.built, e)
	f.buildPipeline(&pipeline{repo: r, commit: e.head, source: e.pull.head, ref: e.ref, how: "merge_request_event", pull: e.pull, by: e.by})
}

// alighted ends what still runs of an entry that the train has let go of, as GitLab does: jobs, and what was posted.
func (f *Forge) alighted(e *queued) {
	l := f.project(e.pull.Repo).newest(e.head, e.ref)
	if l == nil {
		return
	}
	for _, j := range l.latest() {
		if !over(j.status) {
			f.turn(j, "canceled")
		}
	}
	f.settle(l)
}

// Await runs a job that waits until the account under test has said something by a name in the job's own pipeline: each such
// job that is not over succeeds where that stands.
func (f *Forge) Await(repo, job, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil || f.lab == nil {
		return err
	}
	for _, l := range slices.Clone(f.project(r).pipelines) {
		stands := slices.ContainsFunc(f.labShown(l), func(s Shown) bool { return s.Name == name })
		for _, j := range l.latest() {
			if stands && !j.outside && j.name == job && !over(j.status) {
				f.begins()
				f.becomes(j, "success")
			}
		}
	}
	return nil
}

// trainVerdict is what the train makes of the pipeline of an entry.
func (f *Forge) trainVerdict(e *queued) (good, bad bool) {
	l := f.project(e.pull.Repo).newest(e.head, e.ref)
	if l == nil {
		return false, false
	}
	return l.status == "success", slices.Contains([]string{"failed", "canceled", "skipped"}, l.status)
}

// boards says whether a train can take a merge request: it needs pipelines for merge requests.
func (f *Forge) boards(p *Pull) error {
	s := ciOf(p.head)
	if !f.lab.licensed("premium") || !f.project(p.Repo).trains || s == nil || !s.onChanges {
		return refusedAct("merge trains need a Premium project that has them switched on, and pipelines for merge requests in .gitlab-ci.yml")
	}
	return nil
}

func (q *labRequest) renderTrain(e *queued) any {
	var l any
	if x := q.f.project(q.repo).newest(e.head, e.ref); x != nil {
		l = q.f.renderPipeline(x)
	}
	return obj{"id": e.id, "user": q.f.labUser(e.by), "pipeline": l, "created_at": e.at, "updated_at": e.at, "target_branch": e.pull.baseRef, "status": "fresh", "merged_at": nil, "duration": nil,
		"merge_request": obj{"id": e.pull.ID, "iid": e.pull.Number, "project_id": e.pull.Repo.ID, "title": e.pull.labTitle(), "state": e.pull.labState(), "web_url": q.f.changeURL(e.pull)}}
}

func mergeTrains(q *labRequest) reply {
	var list []*queued
	for _, branch := range sortedLogins(q.repo.queues) {
		if want := q.PathValue("branch"); want == "" || want == branch {
			list = append(list, q.repo.queues[branch]...)
		}
	}
	return labPage(q, list, nil, q.renderTrain)
}

func oneTrain(q *labRequest, p *Pull) reply {
	if e := p.queue(); e != nil {
		return ok(q.renderTrain(e))
	}
	return labLost("")
}

func postTrain(q *labRequest, p *Pull) reply {
	if sha := q.in.text("sha"); sha != "" && sha != p.head.id {
		return labRefuse(http.StatusConflict, "SHA does not match HEAD of source branch: "+p.head.id)
	}
	if err := q.f.enqueue(p, q.who); err != nil {
		return labRefuse(http.StatusBadRequest, "400 Bad request - "+err.Error())
	}
	return made(rendered(q.repo.queues[p.baseRef], q.renderTrain))
}
