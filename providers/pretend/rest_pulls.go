package pretend

import (
	"net/http"
	"slices"
)

func permission(r *request, x *Repo) reply {
	u := r.f.users[fold(r.PathValue("user"))]
	if u == nil {
		return lost
	}
	role := x.role(u)
	return ok(obj{"permission": legacy(role), "role_name": role, "user": obj{"login": u.Login, "id": u.ID, "type": u.Type, "role_name": role,
		"permissions": obj{"pull": rank(role) >= 1, "triage": rank(role) >= 2, "push": rank(role) >= 3, "maintain": rank(role) >= 4, "admin": rank(role) >= 5}}})
}

func (r *request) wantedTeam() *Team {
	if org := r.f.users[fold(r.PathValue("org"))]; org != nil {
		return org.teams[r.PathValue("team")]
	}
	return nil
}

func teamMembers(r *request) reply {
	t := r.wantedTeam()
	if t == nil {
		return lost
	}
	return paged(r, t.all(false), r.f.renderUser)
}

func membership(r *request) reply {
	t, u := r.wantedTeam(), r.f.users[fold(r.PathValue("user"))]
	if t == nil || u == nil || !slices.Contains(t.all(false), u) {
		return lost
	}
	role := "member"
	if t.Org.members[u] == "admin" {
		role = "maintainer"
	}
	return ok(obj{"state": "active", "role": role})
}

func orgMembers(r *request) reply {
	org := r.f.users[fold(r.PathValue("org"))]
	if org == nil || org.Type != "Organization" {
		return lost
	}
	return paged(r, org.memberList(), r.f.renderUser)
}

func orgMember(r *request) reply {
	org, u := r.f.users[fold(r.PathValue("org"))], r.f.users[fold(r.PathValue("user"))]
	if org == nil || u == nil || org.members[u] == "" {
		return lost
	}
	return reply{status: http.StatusNoContent}
}

func oneUser(r *request) reply {
	if u := r.f.users[fold(r.PathValue("user"))]; u != nil {
		return ok(r.f.renderUser(u))
	}
	return lost
}

func pullList(r *request, x *Repo) reply {
	q := r.URL.Query()
	var found []*Pull
	for _, p := range slices.Backward(x.pulls) {
		open := or(q.Get("state"), "open")
		if (open == "all" || (open == "open") == !p.Closed) && (q.Get("base") == "" || q.Get("base") == p.baseRef) {
			found = append(found, p)
		}
	}
	return paged(r, found, func(p *Pull) any { return r.f.renderPull(p) })
}

func onePull(r *request, p *Pull) reply { return ok(r.f.renderPull(p)) }

func pullFiles(r *request, p *Pull) reply {
	all := p.changes()
	return paged(r, all[:min(len(all), 3000)], func(c *change) any { return r.f.renderChange(c) })
}

func pullCommits(r *request, p *Pull) reply {
	all := p.commits()
	return paged(r, all[:min(len(all), 250)], func(c *commit) any { return r.f.renderCommit(c) })
}

func pullReviews(r *request, p *Pull) reply {
	return paged(r, p.reviews, func(v *Review) any { return r.f.renderReview(v, false) })
}

func requestedReviewers(r *request, p *Pull) reply {
	users, teams := []any{}, []any{}
	for _, u := range p.asked {
		users = append(users, r.f.renderUser(u))
	}
	for _, t := range p.askedTeams {
		teams = append(teams, renderTeam(t))
	}
	return ok(obj{"users": users, "teams": teams})
}

func requestReviewers(r *request, p *Pull) reply {
	var in struct {
		Reviewers     []string `json:"reviewers"`
		TeamReviewers []string `json:"team_reviewers"`
	}
	if r.decode(&in) != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	const not = "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the %s repository."
	var users []*User
	var teams []*Team
	for _, login := range in.Reviewers {
		u := r.f.users[fold(login)]
		if u == nil || !p.Repo.listed(u) && p.Repo.Owner.members[u] == "" {
			return refuse(http.StatusUnprocessableEntity, not, p.Repo.Name)
		}
		if u == p.Author {
			return refuse(http.StatusUnprocessableEntity, "Review cannot be requested from pull request author.")
		}
		users = append(users, u)
	}
	for _, slug := range in.TeamReviewers {
		t := p.Repo.Owner.teams[slug]
		if t == nil {
			return refuse(http.StatusUnprocessableEntity, not, p.Repo.Name)
		}
		teams = append(teams, t)
	}
	for _, u := range users {
		r.f.ask(p, r.who.user, u, nil)
	}
	for _, t := range teams {
		r.f.ask(p, r.who.user, nil, t)
	}
	return reply{status: http.StatusCreated, body: r.f.renderPull(p)}
}

func postComment(r *request, p *Pull) reply {
	body, fine := commentBody(r)
	if !fine {
		return refuse(http.StatusUnprocessableEntity, "Validation Failed")
	}
	return reply{status: http.StatusCreated, body: r.f.renderComment(r.f.comment(p, r.who.user, body))}
}

// runBody is what REST says of a check run.
type runBody struct {
	Name       *string `json:"name"`
	HeadSHA    *string `json:"head_sha"`
	Status     *string `json:"status"`
	Conclusion *string `json:"conclusion"`
	DetailsURL *string `json:"details_url"`
	ExternalID *string `json:"external_id"`
	Actions    []any   `json:"actions"`
	Output     *struct {
		Title       string `json:"title"`
		Summary     string `json:"summary"`
		Text        string `json:"text"`
		Annotations []struct {
			Path    string `json:"path"`
			Start   int    `json:"start_line"`
			End     int    `json:"end_line"`
			Level   string `json:"annotation_level"`
			Message string `json:"message"`
			Title   string `json:"title"`
		} `json:"annotations"`
	} `json:"output"`
}

func (r *request) run() (runInput, error) {
	var in runBody
	if err := r.decode(&in); err != nil {
		return runInput{}, err
	}
	out := runInput{Name: in.Name, HeadSHA: in.HeadSHA, Status: in.Status, Conclusion: in.Conclusion, DetailsURL: in.DetailsURL, ExternalID: in.ExternalID, Actions: in.Actions}
	if o := in.Output; o != nil {
		out.Output = &runOutput{Title: o.Title, Summary: o.Summary, Text: o.Text}
		for _, a := range o.Annotations {
			out.Output.Annotations = append(out.Output.Annotations, Annotation{Path: a.Path, Start: a.Start, End: a.End, Level: a.Level, Message: a.Message, Title: a.Title})
		}
	}
	return out, nil
}

func invalid(err error) reply {
	a := refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n%v", err)
	a.body.(obj)["errors"] = []any{err.Error()}
	return a
}

func postRun(r *request, x *Repo) reply {
	in, err := r.run()
	switch {
	case err != nil:
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	case r.who.install == nil:
		return refuse(http.StatusForbidden, "You must authenticate via a GitHub App.")
	case in.HeadSHA == nil || x.objects.commits[*in.HeadSHA] == nil:
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA")
	}
	run, err := r.f.createRun(x, r.f.app, x.objects.commits[*in.HeadSHA], in)
	if err != nil {
		return invalid(err)
	}
	return reply{status: http.StatusCreated, body: r.f.renderRun(run)}
}

func (r *request) wantedRun(x *Repo) *Run {
	if run, found := r.f.byID[parse(r.PathValue("id"))].(*Run); found && run.Repo == x {
		return run
	}
	return nil
}

func oneRun(r *request, x *Repo) reply {
	if run := r.wantedRun(x); run != nil {
		return ok(r.f.renderRun(run))
	}
	return lost
}

func patchRun(r *request, x *Repo) reply {
	in, err := r.run()
	run := r.wantedRun(x)
	switch {
	case err != nil:
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	case run == nil:
		return lost
	case run.App != r.f.app || r.who.install == nil:
		return refuse(http.StatusForbidden, "Invalid app_id `%d` - check run can only be modified by the GitHub App that created it.", r.f.app.ID)
	}
	if err := r.f.updateRun(run, in); err != nil {
		return invalid(err)
	}
	return ok(r.f.renderRun(run))
}

func runAnnotations(r *request, x *Repo) reply {
	run := r.wantedRun(x)
	if run == nil {
		return lost
	}
	return paged(r, run.Annotations, func(a Annotation) any {
		return obj{"path": a.Path, "start_line": a.Start, "end_line": a.End, "annotation_level": a.Level, "message": a.Message, "title": orNil(a.Title)}
	})
}

func runList(r *request, x *Repo) reply {
	c := x.resolve(r.PathValue("ref"))
	if c == nil {
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", r.PathValue("ref"))
	}
	q := r.URL.Query()
	runs := x.latest(c)
	if q.Get("filter") == "all" {
		runs = slices.DeleteFunc(slices.Clone(x.runs), func(run *Run) bool { return run.Commit != c })
	}
	runs = slices.DeleteFunc(runs, func(run *Run) bool {
		return q.Get("app_id") != "" && parse(q.Get("app_id")) != run.App.ID || q.Get("check_name") != "" && q.Get("check_name") != run.Name
	})
	out, h := page(r, runs, func(run *Run) any { return r.f.renderRun(run) })
	return reply{status: http.StatusOK, header: h, body: obj{"total_count": len(runs), "check_runs": out}}
}

func (f *Forge) renderStatus(s *status) any {
	return obj{"id": s.id, "node_id": node("SC", s.id), "context": s.context, "state": s.state, "description": orNil(s.description),
		"target_url": orNil(s.url), "creator": f.renderUser(s.by), "created_at": stamp(s.at), "updated_at": stamp(s.at)}
}

func statusList(r *request, x *Repo) reply {
	c := x.resolve(r.PathValue("ref"))
	if c == nil {
		return lost
	}
	all := slices.Clone(x.statuses[c.id])
	slices.Reverse(all)
	return paged(r, all, r.f.renderStatus)
}

func postStatus(r *request, x *Repo) reply {
	var in struct {
		State, Context, Description string
		TargetURL                   string `json:"target_url"`
	}
	c := x.objects.commits[r.PathValue("sha")]
	if r.decode(&in) != nil || c == nil {
		return refuse(http.StatusUnprocessableEntity, "Validation Failed")
	}
	if err := r.f.status(x, c, r.who.user, in.Context, in.State, in.Description, in.TargetURL); err != nil {
		return invalid(err)
	}
	return reply{status: http.StatusCreated, body: r.f.renderStatus(x.statuses[c.id][len(x.statuses[c.id])-1])}
}

func commitPulls(r *request, x *Repo) reply {
	c := x.resolve(r.PathValue("ref"))
	var found []*Pull
	for _, p := range x.pulls {
		if c != nil && (p.mergeCommit == c || slices.Contains(p.commits(), c)) {
			found = append(found, p)
		}
	}
	return paged(r, found, func(p *Pull) any { return r.f.renderPull(p) })
}
