package pretend

import (
	"net/http"
	"slices"
	"time"
)

// labApprovalEndpoints are those of approvals and reviewers.
func labApprovalEndpoints() []labEndpoint {
	const change = "/projects/{id}/merge_requests/{iid}"
	return []labEndpoint{
		{method: "GET", path: change + "/approvals", level: reporter, do: inChange(func(q *labRequest, p *Pull) reply { return ok(q.f.renderApprovals(p, q.who)) })},
		{method: "GET", path: change + "/approval_state", level: reporter, do: inChange(approvalState)},
		{method: "GET", path: change + "/reviewers", level: reporter, do: inChange(changeReviewers)},
		{method: "POST", path: change + "/approve", level: developer, do: inChange(postApprove)},
		{method: "POST", path: change + "/unapprove", level: developer, do: inChange(postUnapprove)},
		{method: "GET", path: "/projects/{id}/approvals", level: reporter, do: projectApprovals},
		{method: "GET", path: "/projects/{id}/approval_rules", level: reporter, do: approvalRules},
	}
}

// approval is one that counts now.
type approval struct {
	user *User
	at   time.Time
}

// approvalsOf are those that stand: whose newest word was yes, and was not taken back. Those of deleted accounts are gone.
func approvalsOf(p *Pull) (list []approval) {
	for _, r := range p.reviews {
		list = slices.DeleteFunc(list, func(a approval) bool { return a.user == r.By && r.State != "COMMENTED" })
		if r.State == "APPROVED" && !r.By.Deleted {
			list = append(list, approval{r.By, r.Submitted})
		}
	}
	return list
}

// satisfied says whether as many have approved as the project asks for; on Free it asks for none.
func (f *Forge) satisfied(p *Pull) bool {
	return !f.lab.licensed("premium") || len(approvalsOf(p)) >= f.project(p.Repo).approvals
}

func (f *Forge) renderApprovals(p *Pull, who *User) obj {
	by, mine := []any{}, false
	for _, a := range approvalsOf(p) {
		by = append(by, obj{"user": f.labUser(a.user), "approved_at": labStamp(a.at)})
		mine = mine || a.user == who
	}
	o := obj{"user_has_approved": mine, "user_can_approve": !mine && !p.Closed && f.levelOn(p.Repo, who) >= developer, "approved": f.satisfied(p), "approved_by": by}
	if !f.lab.licensed("premium") {
		o["approved"] = len(by) > 0
		return o
	}
	need := f.project(p.Repo).approvals
	for k, v := range (obj{"id": p.ID, "iid": p.Number, "project_id": p.Repo.ID, "title": p.labTitle(), "description": p.Body, "state": p.labState(), "created_at": labStamp(p.Created),
		"updated_at": labStamp(p.touched()), "merge_status": f.mergeStatus(p), "approvals_required": need, "approvals_left": max(0, need-len(by)), "require_password_to_approve": false,
		"suggested_approvers": []any{}, "approvers": []any{}, "approver_groups": []any{}, "approval_rules_left": []any{}, "has_approval_rules": need > 0,
		"merge_request_approvers_available": true, "multiple_approval_rules_available": true, "invalid_approvers_rules": []any{}}) {
		o[k] = v
	}
	return o
}

func (f *Forge) renderRule(r *Repo) obj {
	return obj{"id": r.ID, "name": "All Members", "rule_type": "any_approver", "report_type": nil, "eligible_approvers": []any{}, "approvals_required": f.project(r).approvals,
		"users": []any{}, "groups": []any{}, "contains_hidden_groups": false}
}

func approvalState(q *labRequest, p *Pull) reply {
	rules := []any{}
	if q.f.lab.licensed("premium") && q.f.project(p.Repo).approvals > 0 {
		o, by := q.f.renderRule(p.Repo), []any{}
		for _, a := range approvalsOf(p) {
			by = append(by, q.f.labUser(a.user))
		}
		o["approved_by"], o["approved"], o["section"], o["source_rule"], o["overridden"], o["code_owner"] = by, q.f.satisfied(p), nil, nil, false, false
		rules = append(rules, o)
	}
	return ok(obj{"approval_rules_overwritten": false, "rules": rules})
}

func approvalRules(q *labRequest) reply {
	if !q.f.lab.licensed("premium") {
		return labLost("")
	}
	var list []*Repo
	if q.f.project(q.repo).approvals > 0 {
		list = append(list, q.repo)
	}
	return labPage(q, list, nil, func(r *Repo) any {
		o := q.f.renderRule(r)
		o["protected_branches"], o["applies_to_all_protected_branches"] = []any{}, false
		return o
	})
}

func projectApprovals(q *labRequest) reply {
	if !q.f.lab.licensed("premium") {
		return labLost("")
	}
	p := q.f.project(q.repo)
	return ok(obj{"approvers": []any{}, "approver_groups": []any{}, "approvals_before_merge": p.approvals, "reset_approvals_on_push": p.resetOnPush, "selective_code_owner_removals": false,
		"disable_overriding_approvers_per_merge_request": false, "merge_requests_author_approval": true, "merge_requests_disable_committers_approval": false,
		"require_password_to_approve": false, "require_reauthentication_to_approve": false})
}

// reviewing is somebody whose review was asked for or who gave one, and how far he is.
type reviewing struct {
	user  *User
	state string
	at    time.Time
}

// reviewersOf are the reviewers of a merge request: who was asked, and who reviewed otherwise than by approving.
func (f *Forge) reviewersOf(p *Pull) (list []reviewing) {
	at := func(u *User) int { return slices.IndexFunc(list, func(v reviewing) bool { return v.user == u }) }
	for _, e := range p.events {
		u, _ := e.about.(*User)
		switch {
		case e.kind == "ReviewRequestedEvent" && u != nil && at(u) >= 0: // asked anew
			list[at(u)].state = "unreviewed"
		case e.kind == "ReviewRequestedEvent" && u != nil:
			list = append(list, reviewing{u, "unreviewed", e.at})
		case e.kind == "PullRequestReview" && at(e.actor) < 0 && e.review.State != "APPROVED" && e.review.was != "APPROVED":
			list = append(list, reviewing{e.actor, "", e.at})
			fallthrough
		case e.kind == "PullRequestReview" && at(e.actor) >= 0:
			list[at(e.actor)].state = map[string]string{"APPROVED": "approved", "CHANGES_REQUESTED": "requested_changes", "COMMENTED": "reviewed"}[e.review.State]
			if e.review.State == "DISMISSED" {
				list[at(e.actor)].state = map[bool]string{true: "unapproved", false: "unreviewed"}[e.review.was == "APPROVED"]
			}
		}
	}
	return slices.DeleteFunc(list, func(v reviewing) bool {
		return v.user.Deleted || v.state == "unreviewed" && !slices.Contains(p.asked, v.user)
	})
}

func changeReviewers(q *labRequest, p *Pull) reply {
	return labPage(q, q.f.reviewersOf(p), nil, func(v reviewing) any {
		return obj{"user": q.f.labUser(v.user), "state": v.state, "created_at": labStamp(v.at)}
	})
}

// postApprove approves in the caller's name. A given sha has to be the head.
func postApprove(q *labRequest, p *Pull) reply {
	switch sha := q.in.text("sha"); {
	case sha != "" && sha != p.head.id:
		return labRefuse(http.StatusConflict, "SHA does not match HEAD of source branch: "+p.head.id)
	case p.Closed, slices.ContainsFunc(approvalsOf(p), func(a approval) bool { return a.user == q.who }):
		return labUnauthorized
	}
	q.f.approve(p, q.who)
	return made(q.f.renderApprovals(p, q.who))
}

func postUnapprove(q *labRequest, p *Pull) reply {
	if !slices.ContainsFunc(approvalsOf(p), func(a approval) bool { return a.user == q.who }) {
		return labLost("")
	}
	if err := q.f.dismiss(p, q.who, q.who); err != nil {
		return labLost("")
	}
	return made(q.f.renderApprovals(p, q.who))
}

// approve gives an approval of the newest commit.
func (f *Forge) approve(p *Pull, who *User) *Review {
	r := &Review{ID: f.id(), Pull: p, By: who, State: "APPROVED", Commit: p.head, Submitted: f.at()}
	p.reviews = append(p.reviews, r)
	f.keep(r.ID, r)
	p.note(f, &event{kind: "PullRequestReview", actor: who, review: r})
	f.emitReview(r, "submitted", who)
	return r
}

// labReview is an act of Review at GitLab: yes is an approval, no is a reviewer's request for changes, anything else a note.
// GitLab takes an approval of the newest commit alone; who had approved has to take that back first. Its author may
// approve, as on Free he may.
func (f *Forge) labReview(p *Pull, who *User, state string, on *commit) (*Review, error) {
	if on != p.head {
		return nil, refusedAct("GitLab takes opinions of the newest commit alone")
	}
	if state == "APPROVED" {
		if slices.ContainsFunc(approvalsOf(p), func(a approval) bool { return a.user == who }) {
			if err := f.dismiss(p, who, who); err != nil {
				return nil, err
			}
		}
		return f.approve(p, who), nil
	}
	r := &Review{ID: f.id(), Pull: p, By: who, State: state, Commit: on, Submitted: f.at()}
	p.reviews = append(p.reviews, r)
	f.keep(r.ID, r)
	p.note(f, &event{kind: "PullRequestReview", actor: who, review: r})
	f.emitReview(r, "submitted", who)
	return r, nil
}
