package pretend

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// labChangeEndpoints are those of merge requests themselves.
func labChangeEndpoints() []labEndpoint {
	return []labEndpoint{
		{method: "GET", path: "/projects/{id}/merge_requests", level: reporter, do: labChanges},
		{method: "POST", path: "/projects/{id}/merge_requests", level: developer, creates: true, do: postChange},
		{method: "GET", path: "/projects/{id}/merge_requests/{iid}", level: reporter, do: inChange(func(q *labRequest, p *Pull) reply { return ok(q.f.renderChangeWhole(p, q.who)) })},
		{method: "PUT", path: "/projects/{id}/merge_requests/{iid}", level: developer, do: inChange(putChange)},
		{method: "GET", path: "/groups/{id}/merge_requests", do: labChanges},
		{method: "GET", path: "/merge_requests", do: labChanges},
	}
}

// inChange finds the merge request that the path names.
func inChange(do func(*labRequest, *Pull) reply) func(*labRequest) reply {
	return func(q *labRequest) reply {
		n := parse(q.PathValue("iid"))
		if n < 1 || n > int64(len(q.repo.pulls)) {
			return labLost("")
		}
		return do(q, q.repo.pulls[n-1])
	}
}

// labState is the state of a merge request in GitLab's words.
func (p *Pull) labState() string {
	return map[string]string{"OPEN": "opened", "CLOSED": "closed", "MERGED": "merged"}[p.state()]
}

// labTitle says by itself that it is a draft.
func (p *Pull) labTitle() string {
	if p.Draft {
		return "Draft: " + p.Title
	}
	return p.Title
}

func labChanges(q *labRequest) reply {
	var list []*Pull
	for _, r := range q.f.sortedRepos() {
		if q.repo != nil && r != q.repo || q.group != nil && !q.group.holds(r) || !q.f.labSees(r, q.who) {
			continue
		}
		for _, p := range r.pulls {
			if q.wants(p) {
				list = append(list, p)
			}
		}
	}
	for _, wrong := range []string{q.in.oneOf("state", "opened", "closed", "locked", "merged", "all"), q.in.oneOf("order_by", "created_at", "updated_at", "merged_at", "title"), q.in.oneOf("sort", "asc", "desc")} {
		if wrong != "" {
			return labWrong(wrong)
		}
	}
	when := func(p *Pull) time.Time {
		if q.in.text("order_by") == "updated_at" {
			return p.touched()
		}
		return p.Created
	}
	slices.SortStableFunc(list, func(a, b *Pull) int {
		n := when(a).Compare(when(b))
		if n == 0 {
			n = int(a.ID - b.ID)
		}
		if q.in.text("sort") != "asc" {
			n = -n
		}
		return n
	})
	return labPage(q, list, nil, func(p *Pull) any { return q.f.renderChangeBasic(p) })
}

// touched is when something last happened to it.
func (p *Pull) touched() time.Time {
	if p.Updated.IsZero() {
		return p.Created
	}
	return p.Updated
}

// wants says whether the filters of a list let a merge request through.
func (q *labRequest) wants(p *Pull) bool {
	in := q.in
	is := func(name, value string) bool { return !in.has(name) || in.text(name) == value }
	since := func(name string, at time.Time, after bool) bool {
		t, said := in.time(name)
		return !said || (after && !at.Before(t)) || (!after && !at.After(t))
	}
	source := int64(0)
	if p.headRepo != nil {
		source = p.headRepo.ID
	}
	labelled := !slices.ContainsFunc(in.list("labels"), func(l string) bool {
		return !slices.ContainsFunc(p.labels, func(x *Label) bool { return x.Name == l })
	})
	return (is("state", p.labState()) || in.text("state") == "all") && is("source_branch", p.headRef) && is("target_branch", p.baseRef) &&
		is("author_username", q.f.loginOf(p.Author)) && is("source_project_id", fmt.Sprint(source)) && labelled &&
		(!in.has("iids") || slices.Contains(in.list("iids"), fmt.Sprint(p.Number))) &&
		since("updated_after", p.touched(), true) && since("updated_before", p.touched(), false) && since("created_after", p.Created, true) && since("created_before", p.Created, false)
}

// renderChangeBasic is a merge request as lists tell of it.
func (f *Forge) renderChangeBasic(p *Pull) obj {
	labels, reviewers := []string{}, []any{}
	for _, l := range p.labels {
		labels = append(labels, l.Name)
	}
	for _, v := range f.reviewersOf(p) {
		reviewers = append(reviewers, f.labUser(v.user))
	}
	reference := fmt.Sprintf("!%d", p.Number)
	o := obj{"id": p.ID, "iid": p.Number, "project_id": p.Repo.ID, "title": p.labTitle(), "description": p.Body, "state": p.labState(), "created_at": labStamp(p.Created),
		"updated_at": labStamp(p.touched()), "merged_by": nil, "merge_user": nil, "merged_at": nil, "closed_by": nil, "closed_at": nil, "target_branch": p.baseRef, "source_branch": p.headRef,
		"author": f.labUser(p.Author), "assignees": []any{}, "assignee": nil, "reviewers": reviewers, "source_project_id": nil, "target_project_id": p.Repo.ID, "labels": labels,
		"draft": p.Draft, "work_in_progress": p.Draft, "milestone": nil, "merge_when_pipeline_succeeds": f.extra(p).auto, "merge_status": f.mergeStatus(p), "detailed_merge_status": f.detailed(p),
		"sha": p.head.id, "merge_commit_sha": nil, "squash_commit_sha": nil, "discussion_locked": nil, "prepared_at": labStamp(p.Created), "user_notes_count": len(f.notesOf(p, false)),
		"upvotes": 0, "downvotes": 0, "reference": reference, "references": obj{"short": reference, "relative": reference, "full": p.Repo.Name + reference}, "web_url": f.changeURL(p),
		"squash": false, "has_conflicts": f.conflicted(p), "blocking_discussions_resolved": true, "task_completion_status": obj{"count": 0, "completed_count": 0},
		"time_stats": obj{"time_estimate": 0, "total_time_spent": 0, "human_time_estimate": nil, "human_total_time_spent": nil}}
	if f.there(p.headRepo) {
		o["source_project_id"] = p.headRepo.ID
		if p.headRepo != p.Repo {
			o["allow_collaboration"], o["allow_maintainer_to_push"] = p.Editable, p.Editable
		}
	}
	switch {
	case p.Merged:
		o["merged_at"], o["merged_by"], o["merge_user"] = labStamp(p.Ended), f.labUser(p.mergedBy), f.labUser(p.mergedBy)
		if len(p.mergeCommit.parents) > 1 {
			o["merge_commit_sha"] = p.mergeCommit.id
		} else {
			o["squash"], o["squash_commit_sha"] = true, p.mergeCommit.id
		}
	case p.Closed:
		o["closed_at"] = labStamp(p.Ended)
	}
	return o
}

// there says whether a repository was not deleted.
func (f *Forge) there(r *Repo) bool { return r != nil && f.repos[fold(r.Name)] == r }

// renderChangeWhole is one merge request with all that is told of it.
func (f *Forge) renderChangeWhole(p *Pull, who *User) obj {
	o := f.renderChangeBasic(p)
	v := f.version(p)
	o["diff_refs"] = obj{"base_sha": v.base, "head_sha": v.head, "start_sha": v.start}
	o["changes_count"] = countOf(f.changesOf(v, p.Repo.objects))
	o["subscribed"], o["merge_error"], o["first_contribution"], o["pipeline"], o["head_pipeline"] = false, nil, false, nil, nil
	o["latest_build_started_at"], o["latest_build_finished_at"] = nil, nil
	if l := f.headPipeline(p); l != nil {
		o["pipeline"], o["head_pipeline"] = f.renderPipeline(l), f.renderPipelineWhole(l)
	}
	o["user"] = obj{"can_merge": f.levelOn(p.Repo, who) >= developer}
	return o
}

func (f *Forge) changeURL(p *Pull) string {
	return fmt.Sprintf("%s/%s/-/merge_requests/%d", f.url, p.Repo.Name, p.Number)
}

// postChange opens a merge request from a branch that is there.
func postChange(q *labRequest) reply {
	if wrong := q.in.missing("source_branch", "target_branch", "title"); wrong != "" {
		return labWrong(wrong)
	}
	f, from, to := q.f, q.repo, q.repo
	if id := q.in.text("target_project_id"); id != "" {
		if to = f.labRepo(id); to == nil || !f.labSees(to, q.who) {
			return labLost("Project")
		}
	}
	source, target := q.in.text("source_branch"), q.in.text("target_branch")
	head, base := from.branches[source], to.branches[target]
	for _, p := range f.pullsFrom(from, source) {
		if p.Repo == to && p.baseRef == target {
			return labRefuse(http.StatusConflict, []string{fmt.Sprintf("Another open merge request already exists for this source branch: !%d", p.Number)})
		}
	}
	switch {
	case from == to && source == target:
		return labRefuse(http.StatusUnprocessableEntity, []string{"You can't use same project/branch for source and target"})
	case head == nil:
		return labRefuse(http.StatusBadRequest, []string{fmt.Sprintf("Source branch %q does not exist", source)})
	case base == nil:
		return labRefuse(http.StatusBadRequest, []string{fmt.Sprintf("Target branch %q does not exist", target)})
	}
	title, draft := undrafted(q.in.text("title"))
	p := f.opened(&Pull{Title: title, Body: q.in.text("description"), Draft: draft, Repo: to, Author: q.who, headRepo: from, headRef: source, baseRef: target, head: head, base: base})
	for _, l := range q.in.list("labels") {
		f.label(p, l, q.who)
	}
	q.reviewers(p)
	return made(f.renderChangeWhole(p, q.who))
}

// undrafted splits a title from the word that makes a draft of it.
func undrafted(title string) (string, bool) {
	for _, word := range []string{"draft:", "[draft]", "(draft)"} {
		if strings.HasPrefix(fold(title), word) {
			return strings.TrimSpace(title[len(word):]), true
		}
	}
	return title, false
}

// reviewers asks those whose ids were given; who was asked and is not among them is asked no more.
func (q *labRequest) reviewers(p *Pull) {
	if !q.in.has("reviewer_ids") {
		return
	}
	wanted := q.in.list("reviewer_ids")
	if !q.f.lab.licensed("premium") {
		wanted = wanted[:min(len(wanted), 1)] // on Free there is one
	}
	p.asked = slices.DeleteFunc(slices.Clone(p.asked), func(u *User) bool { return !slices.Contains(wanted, fmt.Sprint(u.ID)) })
	for _, id := range wanted {
		if u, found := q.f.byID[parse(id)].(*User); found && q.f.levelOn(p.Repo, u) > 0 {
			q.f.ask(p, q.who, u, nil)
		}
	}
}

// putChange changes a merge request: texts, target, labels, reviewers, open or closed.
func putChange(q *labRequest, p *Pull) reply {
	f, e := q.f, Edit{}
	if q.in.has("title") {
		title, draft := undrafted(q.in.text("title"))
		e.Title = &title
		f.draft(p, q.who, draft)
	}
	if q.in.has("description") {
		body := q.in.text("description")
		e.Body = &body
	}
	if base := q.in.text("target_branch"); base != "" {
		e.Base = &base
	}
	if e.Title != nil || e.Body != nil || e.Base != nil {
		if err := f.rewrite(p, q.who, e); err != nil {
			return labRefuse(http.StatusBadRequest, []string{err.Error()})
		}
	}
	had := slices.Clone(p.labels)
	for _, l := range append(q.in.list("labels"), q.in.list("add_labels")...) {
		f.label(p, l, q.who)
	}
	for _, l := range had {
		if q.in.has("labels") && !slices.Contains(q.in.list("labels"), l.Name) || slices.Contains(q.in.list("remove_labels"), l.Name) {
			f.unlabel(p, l.Name, q.who)
		}
	}
	q.reviewers(p)
	switch q.in.text("state_event") {
	case "close":
		f.shut(p, q.who)
	case "reopen":
		if err := f.reopen(p, q.who); err != nil {
			return labRefuse(http.StatusUnprocessableEntity, []string{err.Error()})
		}
	}
	return ok(f.renderChangeWhole(p, q.who))
}
