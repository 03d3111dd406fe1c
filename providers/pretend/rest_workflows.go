package pretend

import (
	"fmt"
	"net/http"
	"slices"
)

// What GitHub allows of an App's answers.
const (
	gateReports = 10   // without a state, for one deployment
	gateComment = 1024 // characters
)

// workflowEndpoints are those of workflow runs that wait at environments.
func workflowEndpoints() []endpoint {
	return []endpoint{
		{method: "GET", path: "/repos/{owner}/{repo}/actions/runs/{id}", need: "actions:read", do: inWorkflow(func(r *request, w *workflowRun) reply { return ok(r.f.renderWorkflow(w)) })},
		{method: "GET", path: "/repos/{owner}/{repo}/actions/runs/{id}/pending_deployments", need: "actions:read", do: inWorkflow(pendingDeployments)},
		{method: "GET", path: "/repos/{owner}/{repo}/actions/runs/{id}/approvals", need: "actions:read", do: inWorkflow(gateReviews)},
		{method: "POST", path: "/repos/{owner}/{repo}/actions/runs/{id}/deployment_protection_rule", need: "deployments:write", do: inWorkflow(answerRule)},
	}
}

func inWorkflow(do func(*request, *workflowRun) reply) func(*request) reply {
	return inRepo(func(r *request, x *Repo) reply {
		for _, w := range x.workflows {
			if w.id == parse(r.PathValue("id")) {
				if err := w.pass(r.f); err != nil {
					return refuse(http.StatusInternalServerError, "%v", err)
				}
				return do(r, w)
			}
		}
		return lost
	})
}

// renderWorkflow is a run; what has no bearing on environments is left out.
func (f *Forge) renderWorkflow(w *workflowRun) obj {
	u := fmt.Sprintf("%s/repos/%s/actions/runs/%d", f.api(), w.repo.Name, w.id)
	return obj{"id": w.id, "node_id": node("WFR", w.id), "name": w.name, "workflow_id": w.workflow, "head_branch": w.branch, "head_sha": w.commit.id,
		"path": ".github/workflows/deploy.yml", "event": w.event, "status": w.status, "conclusion": orNil(w.conclusion), "run_number": 1, "run_attempt": 1,
		"actor": f.renderUser(w.by), "triggering_actor": f.renderUser(w.by), "created_at": stamp(w.at), "updated_at": stamp(w.updated), "run_started_at": stamp(w.at),
		"url": u, "html_url": fmt.Sprintf("%s/%s/actions/runs/%d", f.url, w.repo.Name, w.id), "pull_requests": f.pullsAt(w.repo, w.commit),
		"head_commit": nil, "repository": f.renderRepo(w.repo), "head_repository": f.renderRepo(w.repo)}
}

// short is the run as deployments tell of it; nil when it is none's.
func (w *workflowRun) short(f *Forge) any {
	if w == nil {
		return nil
	}
	return f.renderWorkflow(w)
}

func pendingDeployments(r *request, w *workflowRun) reply {
	list := []any{}
	for _, j := range w.jobs {
		if j.status != "waiting" {
			continue
		}
		var since any
		if j.place.wait > 0 {
			since = stamp(j.at)
		}
		mine := r.who.install == nil && slices.Contains(j.place.reviewers, r.who.user)
		list = append(list, obj{"environment": r.f.renderPlace(w.repo, j.place), "wait_timer": j.place.wait, "wait_timer_started_at": since,
			"current_user_can_approve": mine, "reviewers": r.f.renderReviewers(j.place)})
	}
	return ok(list)
}

func gateReviews(r *request, w *workflowRun) reply {
	list := []any{}
	for _, s := range w.reviews {
		list = append(list, obj{"state": s.state, "comment": s.comment, "user": r.f.renderUser(s.by), "environments": []any{r.f.renderPlace(w.repo, s.place)}})
	}
	return ok(list)
}

// answerRule takes what the App says of its own rule: yes, no, or, without a state, why it still waits.
func answerRule(r *request, w *workflowRun) reply {
	var in struct {
		Environment string `json:"environment_name"`
		State       string
		Comment     string
	}
	switch {
	case r.decode(&in) != nil:
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	case r.via() == nil:
		return refuse(http.StatusForbidden, "You must authenticate via a GitHub App.")
	case in.Environment == "" || !slices.Contains([]string{"", "approved", "rejected"}, in.State) || in.State == "" && in.Comment == "":
		return refuse(http.StatusUnprocessableEntity, "Invalid request.")
	case len([]rune(in.Comment)) > gateComment:
		return refuse(http.StatusUnprocessableEntity, "Comment is too long (maximum is %d characters)", gateComment)
	}
	return r.answered(w, in.Environment, in.State, in.Comment)
}

// answered settles the gates of the App itself, of all jobs that the run has at the environment.
func (r *request) answered(w *workflowRun, environment, state, comment string) reply {
	var there, own, did bool
	for _, j := range w.jobs {
		if fold(j.place.name) != fold(environment) {
			continue
		}
		there = true
		for _, g := range j.gates {
			if own = own || g.app == r.f.app; g.app != r.f.app || g.state != "pending" || j.status != "waiting" {
				continue
			}
			if state == "" && g.reports >= gateReports {
				return refuse(http.StatusUnprocessableEntity, "A maximum of %d status reports is allowed.", gateReports)
			}
			if err := r.f.settleGate(j, g, state, r.who.user, comment); err != nil {
				return refuse(http.StatusUnprocessableEntity, "%v", err)
			}
			did = true
		}
	}
	switch {
	case !there:
		return lost
	case !own:
		return refuse(http.StatusForbidden, "The app is not a deployment protection rule of %s", environment)
	case !did:
		return refuse(http.StatusUnprocessableEntity, "There are no pending deployment protection rules for this environment.")
	}
	return reply{status: http.StatusNoContent}
}
