package pretend

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// labDeployment is what GitLab keeps of a deployment beside the domain.
type labDeployment struct {
	number    int
	status    string // created, blocked, running, success, failed, canceled, skipped
	job       *ciJob // nil: made by a call
	tag       bool
	finished  time.Time
	approvals []*deployApproval
}

// deployApproval is what somebody said of a blocked deployment.
type deployApproval struct {
	by              *User
	status, comment string
	at              time.Time
	rule            *guardRule
}

// labDeploymentEndpoints are those of deployments.
func labDeploymentEndpoints() []labEndpoint {
	const deployments = "/projects/{id}/deployments"
	return []labEndpoint{
		{method: "GET", path: deployments, level: reporter, do: labDeployments},
		{method: "POST", path: deployments, level: developer, creates: true, do: makeDeployment},
		{method: "GET", path: deployments + "/{did}", level: reporter, do: atDeployment(func(q *labRequest, d *deployment) reply { return ok(q.f.renderDeployedWhole(d)) })},
		{method: "PUT", path: deployments + "/{did}", level: developer, do: atDeployment(putDeployment)},
		{method: "POST", path: deployments + "/{did}/approval", level: reporter, do: atDeployment(postApproval)},
	}
}

// begun keeps a deployment that begins, blocked or not.
func (f *Forge) begun(d *deployment, status string) *labDeployment {
	x := &labDeployment{number: f.project(d.repo).number("deployment"), status: status}
	f.lab.places[d] = x
	f.deploy(d)
	d.statuses = nil
	if status == "blocked" {
		d.statuses = []*deploymentStatus{{id: f.id(), of: d, state: "waiting", by: d.by, at: d.at}}
	}
	return x
}

// deployJob makes the deployment of a job, blocked where the environment asks for approvals.
func (f *Forge) deployJob(j *ciJob, blocked bool) {
	l := j.pipeline
	status := map[bool]string{true: "blocked", false: "created"}[blocked]
	j.deployment = &deployment{repo: l.repo, commit: l.commit, ref: l.ref, environment: j.place.name, production: j.place.name == "production", by: j.by}
	x := f.begun(j.deployment, status)
	x.job, x.tag = j, l.tag
}

// turnDeployment sets a deployment's status and tells of it; of being created or blocked GitLab tells nobody.
func (f *Forge) turnDeployment(d *deployment, status string) {
	x := f.lab.places[d]
	if x.status == status {
		return
	}
	x.status, d.updated = status, f.at()
	if over(status) {
		x.finished = d.updated
	}
	words := map[string]string{"running": "in_progress", "failed": "failure", "canceled": "inactive", "skipped": "inactive", "created": "pending"}
	d.statuses = append(d.statuses, &deploymentStatus{id: f.id(), of: d, state: or(words[status], status), by: d.by, app: d.app, at: d.updated})
	if slices.Contains([]string{"running", "success", "failed", "canceled"}, status) {
		f.hookDeployment(d)
	}
}

func (f *Forge) renderDeployed(d *deployment) obj {
	x := f.lab.places[d]
	var job any
	if x.job != nil {
		job = f.renderJob(x.job)
	}
	return obj{"id": d.id, "iid": x.number, "ref": d.ref, "sha": d.commit.id, "created_at": labStamp(d.at), "updated_at": labStamp(d.updated), "user": f.labUser(d.by), "status": x.status,
		"environment": f.renderLabPlace(d.repo, f.environment(d.repo, d.environment)), "deployable": job}
}

// renderDeployedWhole tells of approvals too, which lists do not.
func (f *Forge) renderDeployedWhole(d *deployment) obj {
	o := f.renderDeployed(d)
	if !f.lab.licensed("premium") {
		return o
	}
	render := func(list []*deployApproval) []any {
		return rendered(list, func(a *deployApproval) any {
			return obj{"user": f.labUser(a.by), "status": a.status, "created_at": labStamp(a.at), "comment": a.comment}
		})
	}
	x, rules := f.lab.places[d], []any{}
	for _, r := range f.guarded(d.repo, d.environment).rules {
		r1 := f.renderGuardRule(r)
		r1["deployment_approvals"] = render(slices.DeleteFunc(slices.Clone(x.approvals), func(a *deployApproval) bool { return a.rule != r }))
		rules = append(rules, r1)
	}
	o["pending_approval_count"], o["approvals"], o["approval_summary"] = f.pendingApprovals(d), render(x.approvals), obj{"rules": rules}
	return o
}

func atDeployment(do func(*labRequest, *deployment) reply) func(*labRequest) reply {
	return func(q *labRequest) reply {
		if id := parse(q.PathValue("did")); id != 0 {
			if d := q.repo.deployment(id, ""); d != nil && d.id == id {
				return do(q, d)
			}
		}
		return labLost("")
	}
}

// labDeployments lists them, by default the oldest first. What is filtered by a time must be sorted by it.
func labDeployments(q *labRequest) reply {
	in := q.in
	order := or(in.text("order_by"), "id")
	for _, name := range []string{"updated", "finished"} {
		if (in.has(name+"_after") || in.has(name+"_before")) && order != name+"_at" {
			return labRefuse(http.StatusBadRequest, fmt.Sprintf("`%s_at` filter requires `%s_at` sort.", name, name))
		}
	}
	if wrong := in.oneOf("status", "created", "running", "success", "failed", "canceled", "skipped", "blocked"); wrong != "" {
		return labWrong(wrong)
	}
	if (in.has("finished_after") || in.has("finished_before")) && in.text("status") != "success" {
		return labRefuse(http.StatusBadRequest, "`finished_at` filter must be combined with `success` status filter.")
	}
	when := func(d *deployment) time.Time {
		return map[string]time.Time{"updated_at": d.updated, "finished_at": q.f.lab.places[d].finished}[order]
	}
	var list []*deployment
	for _, d := range q.repo.deployments {
		after, since := in.time(order[:max(0, len(order)-3)] + "_after")
		before, until := in.time(order[:max(0, len(order)-3)] + "_before")
		if in.has("environment") && d.environment != in.text("environment") || in.has("status") && q.f.lab.places[d].status != in.text("status") ||
			since && when(d).Before(after) || until && when(d).After(before) {
			continue
		}
		list = append(list, d)
	}
	slices.SortStableFunc(list, func(a, b *deployment) int {
		if n := when(a).Compare(when(b)); n != 0 {
			return n
		}
		return int(a.id - b.id)
	})
	if in.text("sort") == "desc" {
		slices.Reverse(list)
	}
	return labPage(q, list, nil, func(d *deployment) any { return q.f.renderDeployed(d) })
}

// makeDeployment makes one. GitLab holds none of these back for approvals, but only lets in who may deploy.
func makeDeployment(q *labRequest) reply {
	in := q.in
	if wrong := in.missing("environment", "sha", "ref", "tag", "status"); wrong != "" {
		return labWrong(wrong)
	}
	if wrong := in.oneOf("status", "running", "success", "failed", "canceled"); wrong != "" {
		return labWrong(wrong)
	}
	c, at := q.repo.objects.commits[in.text("sha")], q.f.labResolve(q.repo, in.text("ref"))
	switch {
	case !q.f.mayDeploy(q.repo, in.text("environment"), q.who):
		return labForbidden
	case c == nil:
		return labRefuse(http.StatusBadRequest, obj{"sha": []string{"The commit does not exist"}})
	case at == nil:
		return labRefuse(http.StatusBadRequest, obj{"ref": []string{"The branch or tag does not exist"}})
	case !goodPlace(in.text("environment")):
		return labRefuse(http.StatusBadRequest, obj{"environment": []string{"name is invalid"}})
	}
	return made(q.f.renderDeployed(q.f.labDeploy(q.repo, c, in.text("ref"), in.text("environment"), in.text("status"), q.who, in.flag("tag"))))
}

// labDeploy makes a deployment outside of pipelines.
func (f *Forge) labDeploy(r *Repo, c *commit, ref, environment, status string, who *User, tag bool) *deployment {
	d := &deployment{repo: r, commit: c, ref: ref, environment: environment, production: environment == "production", by: who}
	if who == f.app.Bot {
		d.app = f.app
	}
	f.begun(d, "created").tag = tag
	f.turnDeployment(d, status)
	return d
}

func putDeployment(q *labRequest, d *deployment) reply {
	status := q.in.text("status")
	if wrong := or(q.in.missing("status"), q.in.oneOf("status", "running", "success", "failed", "canceled")); wrong != "" {
		return labWrong(wrong)
	}
	x := q.f.lab.places[d]
	verb := map[string]string{"running": "run", "success": "succeed", "failed": "drop", "canceled": "cancel"}[status]
	switch {
	case !q.f.mayDeploy(q.repo, d.environment, q.who):
		return labForbidden
	case x.job != nil: // the job alone says how it goes
		return labForbidden
	case x.status == status, status == "running" && x.status != "created" && x.status != "blocked":
		return labRefuse(http.StatusBadRequest, obj{"status": []string{fmt.Sprintf("cannot transition via %q", verb)}})
	}
	q.f.turnDeployment(d, status)
	return ok(q.f.renderDeployed(d))
}

// pendingApprovals is how many approvals a deployment still needs.
func (f *Forge) pendingApprovals(d *deployment) (n int) {
	if d == nil {
		return 0
	}
	for _, r := range f.guarded(d.repo, d.environment).rules {
		n += max(0, r.required-f.given(d, r))
	}
	return n
}

func (f *Forge) given(d *deployment, r *guardRule) (n int) {
	for _, a := range f.lab.places[d].approvals {
		if a.rule == r && a.status == "approved" {
			n++
		}
	}
	return n
}

func postApproval(q *labRequest, d *deployment) reply {
	if wrong := or(q.in.missing("status"), q.in.oneOf("status", "approved", "rejected")); wrong != "" {
		return labWrong(wrong)
	}
	a, why := q.f.approveDeployment(d, q.who, q.in.text("status"), q.in.text("comment"))
	if why != "" {
		return labRefuse(http.StatusBadRequest, why)
	}
	return made(obj{"user": q.f.labUser(a.by), "status": a.status, "created_at": labStamp(a.at), "comment": a.comment})
}

// approveDeployment approves or rejects a blocked deployment, or says why somebody may not. Who started it may not approve.
// Once all have approved, its job waits to be started by hand.
func (f *Forge) approveDeployment(d *deployment, who *User, status, comment string) (*deployApproval, string) {
	x, g := f.lab.places[d], f.guarded(d.repo, d.environment)
	switch {
	case !f.lab.licensed("premium") || g.wanted() == 0:
		return nil, "This environment is not protected."
	case x.status != "blocked":
		return nil, "This deployment is not waiting for approvals."
	case d.by == who && status == "approved":
		return nil, "You cannot approve your own deployment."
	}
	var rule *guardRule
	for _, r := range g.rules {
		if r.allows(f, d.repo, who) && (rule == nil || f.given(d, rule) >= rule.required) {
			rule = r
		}
	}
	if rule == nil {
		return nil, "You don't have permission to approve this deployment. Contact the project or group owner for help."
	}
	x.approvals = slices.DeleteFunc(x.approvals, func(a *deployApproval) bool { return a.by == who })
	a := &deployApproval{by: who, status: status, comment: comment, at: f.at(), rule: rule}
	x.approvals = append(x.approvals, a)
	d.updated = a.at
	switch {
	case status == "rejected" && x.job != nil:
		x.job.reason = "deployment_rejected"
		f.becomes(x.job, "failed")
	case f.pendingApprovals(d) == 0:
		x.status = "created"
	}
	return a, ""
}

// labProgress is DeploymentStatus at GitLab: the words of the domain stand for GitLab's nearest.
func (f *Forge) labProgress(d *deployment, state string) error {
	status := map[string]string{"success": "success", "failure": "failed", "error": "failed", "in_progress": "running", "inactive": "canceled"}[state]
	x := f.lab.places[d]
	switch {
	case status == "": // queued, pending: it is created
		return nil
	case x.job != nil:
		f.becomes(x.job, status)
	default:
		f.turnDeployment(d, status)
	}
	return nil
}

// labAdmit is Admit at GitLab.
func (f *Forge) labAdmit(repo, environment, by, state, comment string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begins()
	j, err := f.jobAt(repo, environment, anyJob)
	if err != nil {
		return err
	}
	if _, why := f.approveDeployment(j.deployment, f.user(by, ""), state, comment); why != "" {
		return refusedAct(why)
	}
	return nil
}
