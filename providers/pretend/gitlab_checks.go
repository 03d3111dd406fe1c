package pretend

import (
	"net/http"
	"slices"
	"time"
)

// statusCheck is an external status check of a project, on Ultimate: a service that says whether a merge request is well.
type statusCheck struct {
	id        int64
	name, url string
}

// checkAnswer is what the service said of a head.
type checkAnswer struct {
	check       *statusCheck
	sha, status string
	at          time.Time
}

// patienceOfChecks is how long a check may be pending before it counts as failed.
const patienceOfChecks = 2 * time.Minute

// labCheckEndpoints are those of external status checks.
func labCheckEndpoints() []labEndpoint {
	return []labEndpoint{
		{method: "GET", path: "/projects/{id}/external_status_checks", level: maintainer, do: onUltimate(func(q *labRequest) reply {
			return labPage(q, q.f.project(q.repo).checks, nil, func(c *statusCheck) any { return q.renderCheck(c) })
		})},
		{method: "POST", path: "/projects/{id}/external_status_checks", level: maintainer, do: onUltimate(postCheck)},
		{method: "GET", path: "/projects/{id}/merge_requests/{iid}/status_checks", level: reporter, do: onUltimate(inChange(changeChecks))},
		{method: "POST", path: "/projects/{id}/merge_requests/{iid}/status_check_responses", level: developer, do: onUltimate(inChange(postAnswer))},
	}
}

func onUltimate(do func(*labRequest) reply) func(*labRequest) reply {
	return func(q *labRequest) reply {
		if !q.f.lab.licensed("ultimate") {
			return labUnauthorized
		}
		return do(q)
	}
}

func (q *labRequest) renderCheck(c *statusCheck) any {
	return obj{"id": c.id, "name": c.name, "project_id": q.repo.ID, "external_url": c.url, "hmac": false, "protected_branches": []any{}}
}

// StatusCheck gives a repository an external status check.
func (f *Forge) StatusCheck(repo, name, url string) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return 0, err
	}
	c := &statusCheck{id: f.id(), name: name, url: url}
	f.project(r).checks = append(f.project(r).checks, c)
	return c.id, nil
}

func postCheck(q *labRequest) reply {
	if wrong := q.in.missing("name", "external_url"); wrong != "" {
		return labWrong(wrong)
	}
	s := q.f.project(q.repo)
	if slices.ContainsFunc(s.checks, func(c *statusCheck) bool { return c.name == q.in.text("name") }) {
		return labRefuse(http.StatusUnprocessableEntity, []string{"Name has already been taken"})
	}
	c := &statusCheck{id: q.f.id(), name: q.in.text("name"), url: q.in.text("external_url")}
	s.checks = append(s.checks, c)
	return made(q.renderCheck(c))
}

// answerOf is how a check stands on the head: what was pending for too long has failed.
func (f *Forge) answerOf(p *Pull, c *statusCheck) string {
	for _, a := range slices.Backward(f.extra(p).answers) {
		if a.check == c && a.sha == p.head.id {
			if a.status == "pending" && f.now().Sub(a.at) > patienceOfChecks {
				return "failed"
			}
			return a.status
		}
	}
	return "pending"
}

func (f *Forge) checksPassed(p *Pull) bool {
	return !slices.ContainsFunc(f.project(p.Repo).checks, func(c *statusCheck) bool { return f.answerOf(p, c) != "passed" })
}

func changeChecks(q *labRequest, p *Pull) reply {
	return labPage(q, q.f.project(q.repo).checks, nil, func(c *statusCheck) any {
		return obj{"id": c.id, "name": c.name, "external_url": c.url, "status": q.f.answerOf(p, c)}
	})
}

// postAnswer takes an answer for the newest commit of the source branch alone.
func postAnswer(q *labRequest, p *Pull) reply {
	in := q.in
	if wrong := or(in.missing("sha", "external_status_check_id", "status"), in.oneOf("status", "passed", "failed", "pending")); wrong != "" {
		return labWrong(wrong)
	}
	i := slices.IndexFunc(q.f.project(q.repo).checks, func(c *statusCheck) bool { return c.id == in.number("external_status_check_id") })
	switch {
	case i < 0:
		return labLost("")
	case in.text("sha") != p.head.id:
		return labRefuse(http.StatusConflict, "SHA does not match HEAD of source branch: "+p.head.id)
	}
	c := q.f.project(q.repo).checks[i]
	a := &checkAnswer{check: c, sha: p.head.id, status: in.text("status"), at: q.f.now()}
	q.f.extra(p).answers = append(q.f.extra(p).answers, a)
	return made(obj{"id": q.f.id(), "merge_request": q.f.renderChangeBasic(p), "external_status_check": q.renderCheck(c), "status": a.status})
}

// StatusChecks are how the external status checks of a merge request stand, by name.
func (f *Forge) StatusChecks(repo string, n int) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, err := f.pull(repo, n)
	if err != nil {
		return nil
	}
	list := map[string]string{}
	for _, c := range f.project(p.Repo).checks {
		list[c.name] = f.answerOf(p, c)
	}
	return list
}
