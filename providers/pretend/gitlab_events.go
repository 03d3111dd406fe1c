package pretend

import (
	"fmt"
	"slices"
	"strings"
)

// labPullMoved tells of what happened to a merge request, and keeps what GitLab keeps of it: a version for each push and
// each target, a pipeline for it where .gitlab-ci.yml wants one.
func (f *Forge) labPullMoved(p *Pull, action string, by *User, more obj) {
	attrs, changes := obj{}, obj{}
	moved := action == "opened" || action == "synchronize" || action == "reopened" && f.version(p).head != p.head.id
	if edits, _ := more["changes"].(obj); edits["base"] != nil || moved {
		f.versioned(p)
	}
	word := map[string]string{"opened": "open", "closed": "close", "reopened": "reopen"}[action]
	if p.Merged && action == "closed" {
		word = "merge"
	}
	switch action {
	case "synchronize":
		attrs["oldrev"] = more["before"]
	case "edited":
		changes = f.edits(p, more["changes"].(obj))
	case "labeled", "unlabeled":
		changes["labels"] = f.labelChange(p, action == "labeled", more["label"].(obj))
	case "ready_for_review", "converted_to_draft":
		was := map[bool]string{true: p.Title, false: "Draft: " + p.Title}[p.Draft]
		changes["title"], changes["draft"] = obj{"previous": was, "current": p.labTitle()}, obj{"previous": !p.Draft, "current": p.Draft}
	case "review_requested":
		changes["reviewers"] = obj{"previous": []any{}, "current": f.hookReviewers(p)}
	case "enqueued", "dequeued":
		return
	}
	if moved {
		f.changePipeline(p)
	}
	f.hookChange(p, or(word, "update"), by, attrs, changes)
	if action == "synchronize" && f.project(p.Repo).resetOnPush && f.lab.licensed("premium") {
		f.resetApprovals(p, by)
	}
}

// resetApprovals takes all approvals away, as GitLab itself does on a push.
func (f *Forge) resetApprovals(p *Pull, by *User) {
	if len(approvalsOf(p)) == 0 {
		return
	}
	for _, r := range p.reviews {
		if r.State == "APPROVED" {
			r.State, r.was = "DISMISSED", r.State
		}
	}
	f.hookChange(p, "unapproved", by, obj{"system": true, "system_action": "approvals_reset_on_push"}, obj{})
}

// changePipeline makes the pipeline of a merge request: of the merged result, where the project has that on.
func (f *Forge) changePipeline(p *Pull) {
	s := ciOf(p.head)
	if s == nil || !s.onChanges || !f.there(p.headRepo) {
		return
	}
	l := &pipeline{repo: p.headRepo, commit: p.head, source: p.head, ref: fmt.Sprintf("refs/merge-requests/%d/head", p.Number), how: "merge_request_event", pull: p, by: p.Author}
	if p.headRepo == p.Repo && f.project(p.Repo).trains && f.lab.licensed("premium") {
		if c := f.mergedResult(p); c != nil {
			l.commit, l.ref = c, fmt.Sprintf("refs/merge-requests/%d/merge", p.Number)
		}
	}
	f.buildPipeline(l)
}

// RunPipeline starts a pipeline anew by hand: of a branch or tag, or, with change, of a merge request.
func (f *Forge) RunPipeline(repo, ref string, change int, by string) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begins()
	r, err := f.repo(repo)
	if err != nil {
		return 0, err
	}
	if change > 0 {
		p, err := f.pull(repo, change)
		if err != nil {
			return 0, err
		}
		f.changePipeline(p)
		if l := f.headPipeline(p); l != nil {
			return l.id, nil
		}
		return 0, refusedAct("no pipeline for the merge request")
	}
	c := r.resolve(ref)
	if c == nil {
		return 0, fmt.Errorf("pipeline of %q: %w", ref, ErrUnknown)
	}
	if l := f.buildPipeline(&pipeline{repo: r, commit: c, ref: ref, how: "web", by: f.user(or(by, r.Owner.Login), "")}); l != nil {
		return l.id, nil
	}
	return 0, refusedAct(".gitlab-ci.yml names no jobs")
}

func (f *Forge) edits(p *Pull, said obj) obj {
	changes := obj{}
	if x, is := said["title"].(obj); is {
		changes["title"] = obj{"previous": x["from"], "current": p.labTitle()}
	}
	if x, is := said["body"].(obj); is {
		changes["description"] = obj{"previous": x["from"], "current": p.Body}
	}
	if x, is := said["base"].(obj); is {
		changes["target_branch"] = obj{"previous": x["ref"].(obj)["from"], "current": p.baseRef}
	}
	return changes
}

func (f *Forge) hookLabels(p *Pull) []any {
	return rendered(p.labels, func(l *Label) any { return f.hookLabel(p.Repo, l.Name) })
}

func (f *Forge) hookLabel(r *Repo, name string) obj {
	return obj{"id": f.labelID(r, name), "title": name, "color": "#6699cc", "project_id": r.ID, "created_at": hookStamp(r.Created), "updated_at": hookStamp(r.Created), "template": false,
		"description": nil, "type": "ProjectLabel", "group_id": nil}
}

func (f *Forge) labelChange(p *Pull, added bool, label obj) obj {
	now, name := f.hookLabels(p), label["name"].(string)
	was := slices.DeleteFunc(slices.Clone(now), func(x any) bool { return added && fold(x.(obj)["title"].(string)) == fold(name) })
	if !added {
		was = append(was, f.hookLabel(p.Repo, name))
	}
	return obj{"previous": was, "current": now}
}

func (f *Forge) hookReviewers(p *Pull) []any {
	return rendered(f.reviewersOf(p), func(v reviewing) any {
		o := f.hookUser(v.user).(obj)
		o["state"], o["re_requested"] = v.state, false
		return o
	})
}

// hookReviewersBefore are the reviewers as they were before a review that asks for changes, or that does so no more.
func (f *Forge) hookReviewersBefore(r *Review) []any {
	list := slices.DeleteFunc(f.reviewersOf(r.Pull), func(v reviewing) bool { return v.user == r.By })
	if r.was == "CHANGES_REQUESTED" {
		list = append(list, reviewing{r.By, "requested_changes", r.Submitted})
	}
	return rendered(list, func(v reviewing) any {
		o := f.hookUser(v.user).(obj)
		o["state"], o["re_requested"] = v.state, false
		return o
	})
}

// hookAttributes are what webhooks tell of a merge request itself.
func (f *Forge) hookAttributes(p *Pull) obj {
	var l, source any
	if x := f.headPipeline(p); x != nil {
		l = x.id
	}
	if f.there(p.headRepo) {
		source = p.headRepo.ID
	}
	o := obj{"id": p.ID, "iid": p.Number, "title": p.labTitle(), "description": p.Body, "state": p.labState(), "state_id": map[string]int{"opened": 1, "closed": 2, "merged": 3}[p.labState()],
		"author_id": f.labUser(p.Author).(obj)["id"], "assignee_id": nil, "assignee_ids": []any{}, "reviewer_ids": rendered(f.reviewersOf(p), func(v reviewing) any { return v.user.ID }),
		"created_at": hookStamp(p.Created), "updated_at": hookStamp(p.touched()), "source_branch": p.headRef, "target_branch": p.baseRef, "source_project_id": source,
		"target_project_id": p.Repo.ID, "draft": p.Draft, "work_in_progress": p.Draft, "merge_status": f.mergeStatus(p), "detailed_merge_status": f.detailed(p), "head_pipeline_id": l,
		"merge_commit_sha": nil, "labels": f.hookLabels(p), "last_commit": f.labHookCommit(p.Repo, p.head, false), "source": f.hookProject(p.headRepo), "target": f.hookProject(p.Repo),
		"url": f.changeURL(p), "blocking_discussions_resolved": true, "first_contribution": false, "merge_when_pipeline_succeeds": f.extra(p).auto, "time_estimate": 0, "total_time_spent": 0}
	if p.Merged {
		o["merge_commit_sha"] = p.mergeCommit.id
	}
	return o
}

func (f *Forge) hookChange(p *Pull, action string, by *User, more, changes obj) {
	attrs := f.hookAttributes(p)
	attrs["action"], attrs["system"] = action, false
	for k, v := range more {
		attrs[k] = v
	}
	f.fire(p.Repo, "Merge Request Hook", action, "merge_requests_events", obj{"object_kind": "merge_request", "event_type": "merge_request", "user": f.hookUser(by), "project": f.hookProject(p.Repo),
		"object_attributes": attrs, "labels": attrs["labels"], "changes": changes, "repository": f.hookRepository(p.Repo), "reviewers": f.hookReviewers(p)})
}

func (f *Forge) hookRepository(r *Repo) any {
	web := f.url + "/" + r.Name
	return obj{"name": r.Name[strings.LastIndexByte(r.Name, '/')+1:], "url": "git@gitlab.example:" + r.Name + ".git", "description": nil, "homepage": web}
}

func (f *Forge) labHookCommit(r *Repo, c *commit, files bool) any {
	if c == nil {
		return nil
	}
	title, _, _ := strings.Cut(c.message, "\n")
	o := obj{"id": c.id, "message": c.message, "title": title, "timestamp": c.committer.At.UTC().Format("2006-01-02T15:04:05-07:00"), "url": fmt.Sprintf("%s/%s/-/commit/%s", f.url, r.Name, c.id),
		"author": obj{"name": c.author.Name, "email": "[REDACTED]"}}
	if files {
		said := f.hookCommit(c).(obj)
		o["added"], o["modified"], o["removed"] = said["added"], said["modified"], said["removed"]
	}
	return o
}

// hookReview tells of an approval, or of one that was taken back, as of the state that it left; of other reviews as of notes.
func (f *Forge) hookReview(r *Review, action string, by *User) {
	p := r.Pull
	note := note{id: r.ID, by: by, at: r.Submitted, edited: r.Submitted, system: true, body: "approved this merge request"}
	switch {
	case action == "submitted" && r.State == "APPROVED":
		f.hookChange(p, map[bool]string{true: "approved", false: "approval"}[f.satisfied(p)], by, nil, obj{})
	case action == "dismissed" && r.was == "APPROVED":
		left := f.satisfied(p) && f.project(p.Repo).approvals > 0
		f.hookChange(p, map[bool]string{true: "unapproval", false: "unapproved"}[left], by, nil, obj{})
		note.body = "unapproved this merge request"
	case r.State == "COMMENTED":
		note.system, note.body = false, or(r.Body, "I had a look.")
	default:
		f.hookChange(p, "update", by, nil, obj{"reviewers": obj{"previous": f.hookReviewersBefore(r), "current": f.hookReviewers(p)}})
		return
	}
	f.fireNote(p, note, by, map[bool]string{true: "update", false: "create"}[action == "edited"])
}

// hookNote tells of a note that was written or changed.
func (f *Forge) hookNote(c *comment, by *User, action string) {
	if c.pull == nil {
		return // the pretend forge tells of notes on merge requests alone
	}
	f.fireNote(c.pull, note{id: c.id, by: c.by, body: c.body, at: c.created, edited: f.at(), hidden: f.lab.internal[c], comment: c}, by, action)
}

func (f *Forge) noteAttributes(p *Pull, n note) obj {
	return obj{"id": n.id, "note": n.body, "description": n.body, "author_id": f.labUser(n.by).(obj)["id"], "noteable_id": p.ID, "noteable_type": "MergeRequest", "project_id": p.Repo.ID,
		"system": n.system, "internal": n.hidden, "type": nil, "attachment": nil, "commit_id": nil, "discussion_id": fmt.Sprintf("%040x", n.id), "line_code": "", "st_diff": nil,
		"created_at": hookStamp(n.at), "updated_at": hookStamp(n.edited), "updated_by_id": nil, "position": nil, "original_position": nil, "change_position": nil, "resolved_at": nil,
		"resolved_by_id": nil, "resolved_by_push": nil, "url": fmt.Sprintf("%s#note_%d", f.changeURL(p), n.id)}
}

func (f *Forge) fireNote(p *Pull, n note, by *User, action string) {
	attrs, change := f.noteAttributes(p, n), f.hookAttributes(p)
	attrs["action"] = action
	kind, event, flag := "note", "Note Hook", "note_events"
	if n.hidden {
		kind, event, flag = "confidential_note", "Confidential Note Hook", "confidential_note_events"
	}
	f.fire(p.Repo, event, action, flag, obj{"object_kind": "note", "event_type": kind, "user": f.hookUser(by), "project_id": p.Repo.ID, "project": f.hookProject(p.Repo),
		"object_attributes": attrs, "repository": f.hookRepository(p.Repo), "merge_request": change})
}

func (f *Forge) hookEmoji(p *Pull, n note, r reaction) {
	f.fire(p.Repo, "Emoji Hook", "award", "emoji_events", obj{"object_kind": "emoji", "event_type": "award", "user": f.hookUser(r.by), "project_id": p.Repo.ID, "project": f.hookProject(p.Repo),
		"object_attributes": obj{"id": r.id, "user_id": r.by.ID, "name": r.content, "awardable_type": "Note", "awardable_id": n.id, "created_at": hookStamp(f.at()), "action": "award"},
		"note":              f.noteAttributes(p, n), "merge_request": f.hookAttributes(p)})
}
