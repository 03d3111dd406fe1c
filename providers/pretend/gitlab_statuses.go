package pretend

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/sorting"
)

// labStatusEndpoints are those of commit statuses.
func labStatusEndpoints() []labEndpoint {
	return []labEndpoint{
		{method: "GET", path: "/projects/{id}/repository/commits/{sha}/statuses", level: reporter, do: inCommit(commitStatuses)},
		{method: "POST", path: "/projects/{id}/statuses/{sha}", level: developer, creates: true, do: inCommit(postLabStatus)},
	}
}

// posted is what somebody says of a commit from outside.
type posted struct {
	state, ref, name string
	pipeline         int64
	url, description *string
	act              bool // of the domain, which asks nobody for leave
}

func (f *Forge) renderLabStatus(j *ciJob) obj {
	url := any(fmt.Sprintf("%s/%s/-/jobs/%d", f.url, j.pipeline.repo.Name, j.id))
	if j.outside {
		url = orNil(j.url)
	}
	return obj{"id": j.id, "sha": j.pipeline.commit.id, "ref": j.pipeline.ref, "status": j.status, "name": j.name, "target_url": url, "description": orNil(j.description),
		"created_at": labStamp(j.created), "started_at": labStamp(j.started), "finished_at": labStamp(j.finished), "allow_failure": j.mayFail, "coverage": nil,
		"author": f.labUser(j.by), "pipeline_id": j.pipeline.id}
}

// commitStatuses are jobs and posted statuses of all pipelines of a commit; of each name the latest, or, by ?all, all.
func commitStatuses(q *labRequest, c *commit) reply {
	var list []*ciJob
	for _, l := range q.f.project(q.repo).pipelines {
		is := func(name, value string) bool { return !q.in.has(name) || q.in.text(name) == value }
		if l.commit != c || !is("ref", l.ref) || !is("pipeline_id", fmt.Sprint(l.id)) {
			continue
		}
		for _, j := range l.jobs {
			if (!j.retried || q.in.flag("all")) && is("name", j.name) && is("stage", j.stage) {
				list = append(list, j)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *ciJob) int { return int(a.id - b.id) })
	if q.in.text("sort") == "desc" {
		slices.Reverse(list)
	}
	return labPage(q, list, nil, func(j *ciJob) any { return q.f.renderLabStatus(j) })
}

func postLabStatus(q *labRequest, c *commit) reply {
	if wrong := q.in.missing("state"); wrong != "" {
		return labWrong(wrong)
	}
	if wrong := q.in.oneOf("state", "pending", "running", "success", "failed", "canceled", "skipped"); wrong != "" {
		return labWrong(wrong)
	}
	say := posted{state: q.in.text("state"), ref: q.in.text("ref"), name: or(or(q.in.text("name"), q.in.text("context")), "default"), pipeline: q.in.number("pipeline_id")}
	for name, to := range map[string]**string{"target_url": &say.url, "description": &say.description} {
		if q.in.has(name) {
			text := q.in.text(name)
			*to = &text
			if len([]rune(text)) > 255 {
				return labRefuse(http.StatusBadRequest, obj{name: []string{"is too long (maximum is 255 characters)"}})
			}
		}
	}
	if say.url != nil && !strings.HasPrefix(*say.url, "http://") && !strings.HasPrefix(*say.url, "https://") {
		return labRefuse(http.StatusBadRequest, obj{"target_url": []string{"is blocked: Only allowed schemes are http, https"}})
	}
	j, a := q.f.putStatus(q.repo, c, q.who, say)
	if j == nil {
		return a
	}
	return made(q.f.renderLabStatus(j))
}

// putStatus puts a status where GitLab puts it: into the pipeline that was named, else into the newest of the commit (and
// of the ref, when that was said), else into one that it makes.
func (f *Forge) putStatus(r *Repo, c *commit, who *User, say posted) (*ciJob, reply) {
	var l *pipeline
	for _, x := range f.project(r).pipelines {
		if x.commit == c && (say.ref == "" || x.ref == say.ref) && (say.pipeline == 0 || x.id == say.pipeline) {
			l = x
		}
	}
	ref := say.ref
	switch {
	case l == nil && say.pipeline != 0:
		return nil, labLost("Pipeline for pipeline_id, sha and ref")
	case l != nil:
		ref = l.ref
	case ref == "":
		if ref = r.branchWith(c); ref == "" {
			return nil, labLost("References for commit")
		}
	}
	if !say.act && slices.ContainsFunc(f.protectedBranches(r), func(p *protectedRef) bool { return p.covers(ref) }) && f.levelOn(r, who) < developer {
		return nil, labForbidden
	}
	fresh := l == nil
	if fresh {
		_, tag := r.tags[ref]
		l = &pipeline{repo: r, commit: c, ref: ref, how: "external", by: who, tag: tag && r.branches[ref] == nil}
	}
	return f.state(l, fresh, who, say)
}

// branchWith is the first branch, by name, that contains a commit.
func (r *Repo) branchWith(c *commit) string {
	for _, name := range sortedLogins(r.branches) {
		if ancestors(r.branches[name])[c] {
			return name
		}
	}
	return ""
}

// state sets a status of a pipeline: the one of the name that its author left pending or running, else a new one, in the
// place of an older one of that name, whoever made it. What the state does not allow changes nothing, no text either.
func (f *Forge) state(l *pipeline, fresh bool, who *User, say posted) (*ciJob, reply) {
	var j *ciJob
	for _, x := range l.jobs {
		if x.outside && x.name == say.name && x.by == who && (x.status == "pending" || x.status == "running") {
			j = x
		}
	}
	if j != nil {
		if wrong := refusedMove(j.status, say.state); wrong != "" {
			return nil, labRefuse(http.StatusBadRequest, wrong)
		}
	} else {
		if fresh {
			f.newPipeline(l)
		}
		j = f.add(l, &ciJob{name: say.name, stage: "external", outside: true, by: who})
	}
	if say.url != nil {
		j.url = *say.url
	}
	if say.description != nil {
		j.description = *say.description
	}
	if say.state == "failed" {
		j.reason = "api_failure"
	}
	f.becomes(j, say.state)
	return j, reply{}
}

// refusedMove is GitLab's refusal of a step from one state of a status to another, or "".
func refusedMove(from, to string) string {
	verb := map[string]string{"pending": "enqueue", "running": "run", "skipped": "skip"}[to]
	if to == "pending" || to == "running" && from == "running" || to == "skipped" && from == "running" {
		return fmt.Sprintf("Cannot transition status via :%s from :%s (Reason(s): Status cannot transition via \"%s\")", verb, from, verb)
	}
	return ""
}

// labShown is what the account under test shows in a pipeline, in the domain's words.
func (f *Forge) labShown(l *pipeline) (list []Shown) {
	if l == nil {
		return nil
	}
	for _, j := range l.latest() {
		if j.outside && j.by == f.app.Bot {
			list = append(list, Shown{Name: j.name, State: shownState(j.status), Title: j.description, App: f.app.Slug, URL: j.url})
		}
	}
	sorting.By(list, func(a, b Shown) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func shownState(status string) string {
	if w := map[string]string{"failed": "failure", "pending": "in_progress", "running": "in_progress", "canceled": "cancelled"}[status]; w != "" {
		return w
	}
	return status
}

// shownOnChange is what stands in a merge request's head pipeline, or, while that is the train's, in the newest beside it; of a
// fork, in that of its ref in the target project, which holds nobody back.
func (f *Forge) shownOnChange(p *Pull) []Shown {
	l := f.headPipeline(p)
	if l != nil && strings.HasSuffix(l.ref, "/train") {
		l = nil
		for _, x := range f.project(p.Repo).pipelines {
			if x.pull == p && x.source == p.head && !strings.HasSuffix(x.ref, "/train") {
				l = x
			}
		}
		return f.labShown(l)
	}
	if l == nil || l.repo != p.Repo {
		if other := f.project(p.Repo).newest(p.head, ""); other != nil {
			l = other
		}
	}
	return f.labShown(l)
}

// shownOnCommit takes, of each name, what stands in the newest pipeline that has it.
func (f *Forge) shownOnCommit(r *Repo, c *commit) []Shown {
	var list []Shown
	for _, l := range slices.Backward(f.project(r).pipelines) {
		if l.commit != c {
			continue
		}
		for _, s := range f.labShown(l) {
			if !slices.ContainsFunc(list, func(x Shown) bool { return x.Name == s.Name }) {
				list = append(list, s)
			}
		}
	}
	sorting.By(list, func(a, b Shown) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// strays are names that the account under test made external pipelines for more than once on a commit.
func (f *Forge) strays(r *Repo, c *commit) []string {
	times := map[string]int{}
	for _, l := range f.project(r).pipelines {
		if l.commit == c && l.how == "external" {
			for _, s := range f.labShown(l) {
				times[s.Name]++
			}
		}
	}
	return slices.DeleteFunc(sortedLogins(times), func(n string) bool { return times[n] < 2 })
}

// labReport is Report at GitLab: a job of the commit's newest pipeline ends so, or somebody posts a status.
func (f *Forge) labReport(r *Repo, c *commit, who *User, p Report) error {
	state := map[string]string{"failure": "failed", "error": "failed", "timed_out": "failed", "action_required": "failed", "neutral": "success", "cancelled": "canceled",
		"in_progress": "running", "queued": "pending"}[p.State]
	state = or(state, p.State)
	l := f.project(r).newest(c, "")
	for _, x := range f.project(r).pipelines { // of a head whose pipeline runs on the merged result
		if x.source == c && strings.HasSuffix(x.ref, "/merge") {
			l = x
		}
	}
	if l != nil {
		for _, j := range l.latest() {
			if !j.outside && j.name == p.Name {
				f.becomes(j, state)
				return nil
			}
		}
	}
	title := p.Title
	j, a := f.putStatus(r, c, who, posted{state: state, name: p.Name, description: &title, act: true})
	if j == nil {
		return fmt.Errorf("status %q: %v: %w", p.State, a.body, ErrRefused)
	}
	return nil
}
