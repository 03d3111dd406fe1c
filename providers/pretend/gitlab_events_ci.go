package pretend

import (
	"fmt"
	"strings"
)

// labMoved tells of a branch or tag that was made, moved or deleted, and makes the pipeline that .gitlab-ci.yml wants of it.
func (f *Forge) labMoved(r *Repo, name string, before, after named, by *User) {
	was, is := idOf(before), idOf(after)
	kind, event, flag := "push", "Push Hook", "push_events"
	short, tagged := strings.CutPrefix(name, "refs/tags/")
	if tagged {
		kind, event, flag = "tag_push", "Tag Push Hook", "tag_push_events"
	} else {
		short = strings.TrimPrefix(name, "refs/heads/")
	}
	tip, message := commitOf(after), any(nil)
	if t, annotated := after.(*tag); annotated && t != nil {
		message = t.message
	}
	commits, total := []any{}, 0
	if !tagged && tip != nil {
		from := commitOf(before)
		if from == nil {
			from = r.branches[r.Default]
		}
		list := between(from, tip)
		total = len(list)
		for _, c := range list[max(0, len(list)-20):] { // GitLab tells of twenty
			commits = append(commits, f.labHookCommit(r, c, true))
		}
	}
	checkout := any(nil)
	if tip != nil {
		checkout = tip.id
	}
	f.fire(r, event, "", flag, obj{"object_kind": kind, "event_name": kind, "before": was, "after": is, "ref": name, "ref_protected": f.protectedName(r, short, tagged), "checkout_sha": checkout,
		"message": message, "user_id": f.labUser(by).(obj)["id"], "user_name": by.Name, "user_username": f.loginOf(by), "user_email": nil, "user_avatar": nil, "project_id": r.ID,
		"project": f.hookProject(r), "commits": commits, "total_commits_count": total, "push_options": obj{}, "repository": f.hookRepository(r)})
	if tip != nil {
		if s := ciOf(tip); s != nil && (tagged || !s.onChanges) {
			f.buildPipeline(&pipeline{repo: r, commit: tip, ref: short, how: "push", tag: tagged, by: by})
		}
	}
}

func idOf(x named) string {
	switch x := x.(type) {
	case *commit:
		if x != nil {
			return x.id
		}
	case *tag:
		if x != nil {
			return x.id
		}
	}
	return nobody
}

func commitOf(x named) *commit {
	switch x := x.(type) {
	case *commit:
		return x
	case *tag:
		return x.target
	}
	return nil
}

func (f *Forge) protectedName(r *Repo, name string, tag bool) bool {
	list := f.protectedBranches(r)
	if tag {
		list = f.project(r).tags
	}
	for _, p := range list {
		if p.covers(name) {
			return true
		}
	}
	return false
}

// hookPipeline tells of a pipeline whose status changed. Of one of a merge request the ref is the branch.
func (f *Forge) hookPipeline(l *pipeline) {
	ref, change := l.ref, any(nil)
	if p := l.pull; p != nil {
		ref = p.headRef
		change = obj{"id": p.ID, "iid": p.Number, "title": p.labTitle(), "source_branch": p.headRef, "source_project_id": p.headRepo.ID, "target_branch": p.baseRef,
			"target_project_id": p.Repo.ID, "state": p.labState(), "merge_status": f.mergeStatus(p), "detailed_merge_status": f.detailed(p), "url": f.changeURL(p)}
	}
	var stages []string
	builds := []any{}
	for _, j := range l.latest() {
		if len(stages) == 0 || stages[len(stages)-1] != j.stage {
			stages = append(stages, j.stage)
		}
		if !j.outside {
			builds = append(builds, f.hookBuild(j))
		}
	}
	f.fire(l.repo, "Pipeline Hook", l.status, "pipeline_events", obj{"object_kind": "pipeline", "user": f.hookUser(l.by), "project": f.hookProject(l.repo),
		"commit": f.labHookCommit(l.repo, l.commit, false), "builds": builds, "merge_request": change, "source_pipeline": nil,
		"object_attributes": obj{"id": l.id, "iid": l.number, "name": nil, "ref": ref, "tag": l.tag, "sha": l.commit.id, "before_sha": nobody, "source": l.how, "status": l.status,
			"detailed_status": l.status, "stages": stages, "created_at": hookStamp(l.created), "finished_at": hookStamp(l.finished), "duration": nil, "queued_duration": nil, "variables": []any{},
			"url": f.pipelineURL(l)}})
}

func (f *Forge) hookPlace(j *ciJob) any {
	if j.place == nil {
		return nil
	}
	return obj{"name": j.place.name, "action": "start", "deployment_tier": tierOf(j.place.name)}
}

func (f *Forge) hookBuild(j *ciJob) any {
	return obj{"id": j.id, "stage": j.stage, "name": j.name, "status": j.status, "created_at": hookStamp(j.created), "started_at": hookStamp(j.started), "finished_at": hookStamp(j.finished),
		"duration": nil, "queued_duration": nil, "failure_reason": orNil(j.reason), "when": map[bool]string{true: "manual", false: "on_success"}[j.manual], "manual": j.manual,
		"allow_failure": j.mayFail, "user": f.hookUser(j.by), "runner": nil, "artifacts_file": obj{"filename": nil, "size": nil}, "environment": f.hookPlace(j)}
}

// hookJob tells of a job whose status changed.
func (f *Forge) hookJob(j *ciJob) {
	l := j.pipeline
	title, _, _ := strings.Cut(l.commit.message, "\n")
	f.fire(l.repo, "Job Hook", j.status, "job_events", obj{"object_kind": "build", "ref": l.ref, "tag": l.tag, "before_sha": nobody, "sha": l.commit.id, "retries_count": 0, "build_id": j.id,
		"build_name": j.name, "build_stage": j.stage, "build_status": j.status, "build_created_at": hookStamp(j.created), "build_started_at": hookStamp(j.started),
		"build_finished_at": hookStamp(j.finished), "build_duration": nil, "build_queued_duration": nil, "build_allow_failure": j.mayFail, "build_failure_reason": or(j.reason, "unknown_failure"),
		"pipeline_id": l.id, "runner": nil, "project_id": l.repo.ID, "project_name": l.repo.Name, "user": f.hookUser(j.by),
		"commit":     obj{"id": l.id, "name": nil, "sha": l.commit.id, "message": title, "author_name": l.commit.author.Name, "author_email": "[REDACTED]", "status": l.status},
		"repository": f.hookRepository(l.repo), "project": f.hookProject(l.repo), "environment": f.hookPlace(j)})
}

// hookDeployment tells of a deployment that began to run or ended. Of its commit it says but the beginning of the id.
func (f *Forge) hookDeployment(d *deployment) {
	x := f.lab.places[d]
	title, _, _ := strings.Cut(d.commit.message, "\n")
	job, url := any(nil), any(nil)
	if x.job != nil {
		job, url = x.job.id, fmt.Sprintf("%s/%s/-/jobs/%d", f.url, d.repo.Name, x.job.id)
	}
	f.fire(d.repo, "Deployment Hook", x.status, "deployment_events", obj{"object_kind": "deployment", "status": x.status, "status_changed_at": d.updated.UTC().Format("2006-01-02 15:04:05 +0000"),
		"deployment_id": d.id, "deployable_id": job, "deployable_url": url, "environment": d.environment, "environment_tier": tierOf(d.environment), "environment_slug": slugOf(d.environment),
		"environment_external_url": nil, "project": f.hookProject(d.repo), "ref": d.ref, "short_sha": d.commit.id[:8], "user": f.hookUser(d.by), "user_url": f.url + "/" + f.loginOf(d.by),
		"commit_url": fmt.Sprintf("%s/%s/-/commit/%s", f.url, d.repo.Name, d.commit.id), "commit_title": title})
}

func (f *Forge) hookRelease(q *labRequest, l *Release, action string) {
	o := q.renderRelease(l)
	f.fire(q.repo, "Release Hook", action, "releases_events", obj{"object_kind": "release", "id": l.ID, "created_at": hookStamp(l.At), "description": l.Body, "name": or(l.Name, l.Tag),
		"released_at": hookStamp(l.At), "tag": l.Tag, "project": f.hookProject(q.repo), "url": o["_links"].(obj)["self"], "action": action,
		"assets": obj{"count": 4, "links": []any{}, "sources": []any{}}, "commit": f.labHookCommit(q.repo, q.repo.tags[l.Tag].commit, false)})
}
