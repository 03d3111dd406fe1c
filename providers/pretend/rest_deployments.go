package pretend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// deploymentEndpoints are those of deployments and their statuses.
func deploymentEndpoints() []endpoint {
	return []endpoint{
		{method: "GET", path: "/repos/{owner}/{repo}/deployments", need: "deployments:read", do: inRepo(deploymentList)},
		{method: "POST", path: "/repos/{owner}/{repo}/deployments", need: "deployments:write", creates: true, do: inRepo(postDeployment)},
		{method: "GET", path: "/repos/{owner}/{repo}/deployments/{id}", need: "deployments:read", do: inDeployment(func(r *request, d *deployment) reply { return ok(r.f.renderDeployment(d)) })},
		{method: "GET", path: "/repos/{owner}/{repo}/deployments/{id}/statuses", need: "deployments:read", do: inDeployment(deploymentStatusList)},
		{method: "GET", path: "/repos/{owner}/{repo}/deployments/{id}/statuses/{status}", need: "deployments:read", do: inDeployment(oneDeploymentStatus)},
		{method: "POST", path: "/repos/{owner}/{repo}/deployments/{id}/statuses", need: "deployments:write", creates: true, do: inDeployment(postDeploymentStatus)},
	}
}

func inDeployment(do func(*request, *deployment) reply) func(*request) reply {
	return inRepo(func(r *request, x *Repo) reply {
		id := parse(r.PathValue("id"))
		if d := x.deployment(id, ""); id > 0 && d != nil {
			return do(r, d)
		}
		return lost
	})
}

// deploymentList is newest first; a filter "none" filters nothing.
func deploymentList(r *request, x *Repo) reply {
	q := r.URL.Query()
	fits := func(name, value string) bool {
		want := q.Get(name)
		return want == "" || want == "none" || want == value
	}
	var list []*deployment
	for _, d := range slices.Backward(x.deployments) {
		if fits("sha", d.commit.id) && fits("ref", d.ref) && fits("task", d.task) && fits("environment", d.environment) {
			list = append(list, d)
		}
	}
	return paged(r, list, func(d *deployment) any { return r.f.renderDeployment(d) })
}

// deploymentInput is what a request may say of a deployment; nil: nothing, and then the forge's default counts.
type deploymentInput struct {
	Ref, Task, Environment, Description *string
	AutoMerge                           *bool           `json:"auto_merge"`
	Contexts                            *[]string       `json:"required_contexts"`
	Payload                             json.RawMessage `json:"payload"`
	Transient                           *bool           `json:"transient_environment"`
	Production                          *bool           `json:"production_environment"`
}

func postDeployment(r *request, x *Repo) reply {
	var in deploymentInput
	if r.decode(&in) != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	ref := value(in.Ref, "")
	if ref == "" {
		return unprocessable("Validation Failed", "Deployment", "ref", "missing_field")
	}
	c := x.resolve(ref)
	if c == nil {
		return refuse(http.StatusUnprocessableEntity, "No ref found for: %s", ref)
	}
	if a, stop := r.behind(x, ref, c, in); stop {
		return a
	}
	if a, stop := unfit(x, ref, c, in); stop {
		return a
	}
	to := or(value(in.Environment, ""), "production")
	if bytes.Equal(in.Payload, []byte("null")) || bytes.Equal(in.Payload, []byte(`""`)) {
		in.Payload = nil
	}
	d := r.f.deploy(&deployment{repo: x, commit: c, ref: ref, task: or(value(in.Task, ""), "deploy"), environment: to, description: value(in.Description, ""),
		payload: in.Payload, transient: value(in.Transient, false), production: value(in.Production, to == "production"), by: r.who.user, app: r.via()})
	return reply{status: http.StatusCreated, body: r.f.renderDeployment(d), header: http.Header{"Location": {fmt.Sprintf("%s/repos/%s/deployments/%d", r.f.api(), x.Name, d.id)}}}
}

func value[T any](p *T, other T) T {
	if p == nil {
		return other
	}
	return *p
}

// via is the App that a request is made through, or nil for a person's own token.
func (r *request) via() *App {
	if r.who.install != nil {
		return r.f.app
	}
	return nil
}

// behind merges the default branch into what is to be deployed, unless the caller says no: 202, and nothing is deployed.
// Only a branch can take the merge; of a tag or a commit that is behind, GitHub says that merging conflicts.
func (r *request) behind(x *Repo, ref string, c *commit, in deploymentInput) (reply, bool) {
	base := x.branches[x.Default]
	if !value(in.AutoMerge, true) || ref == x.Default || len(between(c, base)) == 0 {
		return reply{}, false
	}
	conflict := refuse(http.StatusConflict, "Conflict merging %s into %s.", x.Default, ref)
	if x.branches[ref] != c {
		return conflict, true
	}
	t, fine := x.objects.merge(c, base)
	if !fine {
		return conflict, true
	}
	who := r.f.signature(r.who.user)
	m := x.objects.commit(t, []*commit{c, base}, fmt.Sprintf("Merge %s into %s", x.Default, ref), who, who)
	x.branches[ref] = m
	r.f.moved(x, "refs/heads/"+ref, c, m, r.who.user)
	r.f.follow(x, ref, c, m, r.who.user, false)
	return reply{status: http.StatusAccepted, body: obj{"message": fmt.Sprintf("Auto-merged %s into %s on deployment.", x.Default, ref)}}, true
}

// unfit refuses a commit whose contexts are not all green: those that the caller names, or all that there are. Check
// runs count as statuses do; a named one that has not reported is pending.
func unfit(x *Repo, ref string, c *commit, in deploymentInput) (reply, bool) {
	type context struct {
		Context string `json:"context"`
		State   string `json:"state"`
	}
	var all, asked []context
	for _, s := range x.contexts(c) {
		all = append(all, context{s.context, s.state})
	}
	for _, run := range x.latest(c) {
		all = append(all, context{run.Name, or(run.Conclusion, "pending")})
	}
	if asked = all; in.Contexts != nil {
		asked = nil
		for _, name := range *in.Contexts {
			before := len(asked)
			for _, s := range all {
				if fold(s.Context) == fold(name) {
					asked = append(asked, s)
				}
			}
			if len(asked) == before {
				asked = append(asked, context{name, "pending"})
			}
		}
	}
	if !slices.ContainsFunc(asked, func(s context) bool { return s.State != "success" }) {
		return reply{}, false
	}
	a := refuse(http.StatusConflict, "Conflict: Commit status checks failed for %s.", ref)
	a.body.(obj)["errors"] = []any{obj{"contexts": asked, "resource": "Deployment", "field": "required_contexts", "code": "invalid"}}
	return a, true
}

func deploymentStatusList(r *request, d *deployment) reply {
	newest := slices.Clone(d.statuses)
	slices.Reverse(newest)
	return paged(r, newest, func(s *deploymentStatus) any { return r.f.renderDeploymentStatus(s) })
}

func oneDeploymentStatus(r *request, d *deployment) reply {
	for _, s := range d.statuses {
		if strconv.FormatInt(s.id, 10) == r.PathValue("status") {
			return ok(r.f.renderDeploymentStatus(s))
		}
	}
	return lost
}

func postDeploymentStatus(r *request, d *deployment) reply {
	var in struct {
		State, Description, Environment string
		Log                             string `json:"log_url"`
		Target                          string `json:"target_url"`
		URL                             string `json:"environment_url"`
		AutoInactive                    *bool  `json:"auto_inactive"`
	}
	switch {
	case r.decode(&in) != nil:
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	case !progress(in.State):
		return unprocessable("Validation Failed", "DeploymentStatus", "state", "invalid")
	case len([]rune(in.Description)) > 140:
		return unprocessable("Validation Failed", "DeploymentStatus", "description", "too_long")
	}
	s := r.f.post(d, &deploymentStatus{state: in.State, description: in.Description, environment: in.Environment, url: in.URL, log: or(in.Log, in.Target),
		by: r.who.user, app: r.via()}, !value(in.AutoInactive, true))
	return reply{status: http.StatusCreated, body: r.f.renderDeploymentStatus(s)}
}
