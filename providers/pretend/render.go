package pretend

import (
	"fmt"
	"strings"
	"time"
)

// What REST answers and webhooks carry, in GitHub's shapes. Fields that nobody needs here are left out, not invented.

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// ghost stands for a deleted account, as at the forge.
func (f *Forge) renderUser(u *User) any {
	if u == nil || u.Deleted {
		return obj{"login": "ghost", "id": 10137, "node_id": "U_10137", "type": "User", "site_admin": false, "html_url": f.url + "/ghost"}
	}
	return obj{"login": u.Login, "id": u.ID, "node_id": node(u.Type[:1], u.ID), "type": u.Type, "site_admin": false,
		"html_url": f.url + "/" + strings.TrimSuffix(u.Login, "[bot]")}
}

func (f *Forge) renderRepo(r *Repo) any {
	if r == nil || f.repos[fold(r.Name)] != r {
		return nil // deleted
	}
	visibility := "public"
	if r.Private {
		visibility = "private"
	}
	return obj{"id": r.ID, "node_id": node("R", r.ID), "name": r.short(), "full_name": r.Name, "private": r.Private,
		"owner": f.renderUser(r.Owner), "html_url": f.url + "/" + r.Name, "default_branch": r.Default, "fork": r.parent != nil,
		"archived": r.Archived, "visibility": visibility, "created_at": stamp(r.Created), "url": f.url + "/api/v3/repos/" + r.Name}
}

func renderLabel(l *Label) any {
	return obj{"id": l.ID, "node_id": node("LA", l.ID), "name": l.Name, "color": "ededed", "default": false, "description": nil}
}

func renderTeam(t *Team) any {
	return obj{"id": t.ID, "node_id": node("T", t.ID), "slug": t.Slug, "name": t.Name, "privacy": "closed", "permission": "pull"}
}

func (f *Forge) renderEnd(r *Repo, branch string, c *commit) any {
	label, owner := branch, any(nil)
	if r != nil {
		label, owner = r.Owner.Login+":"+branch, f.renderUser(r.Owner)
	}
	return obj{"label": label, "ref": branch, "sha": c.id, "user": owner, "repo": f.renderRepo(r)}
}

// renderPull is a pull request in full; in webhooks and lists GitHub says a little less.
func (f *Forge) renderPull(p *Pull) obj {
	labels := []any{}
	for _, l := range p.labels {
		labels = append(labels, renderLabel(l))
	}
	reviewers, teams := []any{}, []any{}
	for _, u := range p.asked {
		reviewers = append(reviewers, f.renderUser(u))
	}
	for _, t := range p.askedTeams {
		teams = append(teams, renderTeam(t))
	}
	state := "open"
	if p.Closed {
		state = "closed"
	}
	var merged any
	if p.Merged {
		merged = p.Ended
	}
	added, removed, files := p.size()
	body := any(p.Body)
	if p.Body == "" {
		body = nil
	}
	o := obj{"id": p.ID, "node_id": node("PR", p.ID), "number": p.Number, "state": state, "locked": p.Locked, "title": p.Title, "body": body,
		"user": f.renderUser(p.Author), "draft": p.Draft, "labels": labels, "assignees": []any{}, "requested_reviewers": reviewers, "requested_teams": teams,
		"created_at": stamp(p.Created), "updated_at": stamp(p.Updated), "closed_at": stamp(p.Ended), "merged_at": nil,
		"merged": p.Merged, "mergeable": nil, "mergeable_state": "unknown", "merge_commit_sha": nil, "author_association": f.association(p.Repo, p.Author),
		"head": f.renderEnd(p.headRepo, p.headRef, p.head), "base": f.renderEnd(p.Repo, p.baseRef, p.base),
		"additions": added, "deletions": removed, "changed_files": files, "commits": len(p.commits()),
		"html_url": f.pullURL(p), "url": fmt.Sprintf("%s/api/v3/repos/%s/pulls/%d", f.url, p.Repo.Name, p.Number), "maintainer_can_modify": p.Editable}
	if merged != nil {
		o["merged_at"], o["merge_commit_sha"], o["merged_by"] = stamp(p.Ended), p.mergeCommit.id, f.renderUser(p.mergedBy)
	}
	return o
}

func (f *Forge) pullURL(p *Pull) string {
	return fmt.Sprintf("%s/%s/pull/%d", f.url, p.Repo.Name, p.Number)
}

// size counts what the pull request changes.
func (p *Pull) size() (added, removed, files int) {
	for _, c := range p.changes() {
		d := c.patch()
		added, removed, files = added+d.added, removed+d.removed, files+1
	}
	return added, removed, files
}

func (f *Forge) association(r *Repo, u *User) string {
	switch {
	case u == nil:
		return "NONE"
	case u == r.Owner:
		return "OWNER"
	case r.Owner.members[u] != "":
		return "MEMBER"
	case rank(r.roles[u]) > 0:
		return "COLLABORATOR"
	}
	return "NONE"
}

// renderReview says the state in capitals to REST and in small letters in webhooks, as GitHub does.
func (f *Forge) renderReview(r *Review, hook bool) any {
	state := r.State
	if hook {
		state = strings.ToLower(state)
	}
	return obj{"id": r.ID, "node_id": node("PRR", r.ID), "user": f.renderUser(r.By), "body": r.Body, "state": state, "commit_id": r.Commit.id,
		"submitted_at": stamp(r.Submitted), "author_association": f.association(r.Pull.Repo, r.By),
		"html_url": fmt.Sprintf("%s#pullrequestreview-%d", f.pullURL(r.Pull), r.ID)}
}

func renderApp(a *App) any {
	return obj{"id": a.ID, "node_id": node("A", a.ID), "slug": a.Slug, "name": a.Name, "permissions": a.Permissions, "events": a.Events}
}

// pullsAt are the open pull requests of the repository itself with that head; those from forks are not told of.
func (f *Forge) pullsAt(r *Repo, c *commit) []any {
	list := []any{}
	for _, p := range r.pulls {
		if p.head == c && !p.Closed && p.headRepo == r {
			end := func(ref string, c *commit) any {
				return obj{"ref": ref, "sha": c.id, "repo": obj{"id": r.ID, "name": r.short(), "url": f.url + "/api/v3/repos/" + r.Name}}
			}
			list = append(list, obj{"id": p.ID, "number": p.Number, "head": end(p.headRef, p.head), "base": end(p.baseRef, p.base)})
		}
	}
	return list
}

func (f *Forge) renderRun(run *Run) obj {
	var conclusion any
	if run.Conclusion != "" {
		conclusion = run.Conclusion
	}
	return obj{"id": run.ID, "node_id": node("CR", run.ID), "name": run.Name, "head_sha": run.Commit.id, "external_id": run.ExternalID,
		"status": run.Status, "conclusion": conclusion, "started_at": stamp(run.Started), "completed_at": stamp(run.Completed),
		"details_url": run.DetailsURL, "html_url": fmt.Sprintf("%s/%s/runs/%d", f.url, run.Repo.Name, run.ID),
		"output":      obj{"title": orNil(run.Title), "summary": orNil(run.Summary), "text": orNil(run.Text), "annotations_count": len(run.Annotations)},
		"check_suite": obj{"id": run.suite.id}, "app": renderApp(run.App), "pull_requests": f.pullsAt(run.Repo, run.Commit)}
}

func (f *Forge) renderSuite(s *suite) obj {
	return obj{"id": s.id, "node_id": node("CS", s.id), "head_sha": s.commit.id, "head_branch": s.repo.branchAt(s.commit), "status": "queued",
		"conclusion": nil, "app": renderApp(s.app), "pull_requests": f.pullsAt(s.repo, s.commit), "before": nil, "after": s.commit.id}
}

func (r *Repo) branchAt(c *commit) any {
	var found any
	for n, tip := range r.branches {
		if tip == c && (found == nil || n < found.(string)) {
			found = n
		}
	}
	return found
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func renderSignature(s Signature) any {
	return obj{"name": s.Name, "email": s.Email, "date": stamp(s.At)}
}

// renderCommit is one of a list of commits.
func (f *Forge) renderCommit(c *commit) obj {
	parents := []any{}
	for _, p := range c.parents {
		parents = append(parents, obj{"sha": p.id})
	}
	account := func(s Signature) any {
		if u := f.author(s); u != nil {
			return f.renderUser(u)
		}
		return nil
	}
	return obj{"sha": c.id, "node_id": "C_" + c.id, "parents": parents, "author": account(c.author), "committer": account(c.committer),
		"commit": obj{"message": c.message, "author": renderSignature(c.author), "committer": renderSignature(c.committer),
			"tree": obj{"sha": c.tree.hash()}, "verification": obj{"verified": c.verified, "reason": map[bool]string{true: "valid", false: "unsigned"}[c.verified]}}}
}

// renderChange is one file of a comparison. GitHub says no mode.
func (f *Forge) renderChange(c *change) obj {
	d := c.patch()
	o := obj{"filename": c.path, "status": c.status, "additions": d.added, "deletions": d.removed, "changes": d.added + d.removed}
	if e := c.is; c.has {
		o["sha"] = e.id()
	} else {
		o["sha"] = c.was.id()
	}
	if d.text != "" {
		o["patch"] = d.text
	}
	if c.old != "" {
		o["previous_filename"] = c.old
	}
	return o
}

// hookCommit is a commit as a push tells of it.
func (f *Forge) hookCommit(c *commit) any {
	who := func(s Signature) any {
		o := obj{"name": s.Name, "email": s.Email}
		if u := f.author(s); u != nil {
			o["username"] = u.Login
		}
		return o
	}
	added, removed, modified := []string{}, []string{}, []string{}
	if len(c.parents) == 1 {
		for _, d := range (&objects{diffs: map[[2]*tree][]*change{}}).diff(c.parents[0].tree, c.tree) {
			switch d.status {
			case "added":
				added = append(added, d.path)
			case "removed":
				removed = append(removed, d.path)
			case "renamed":
				added, removed = append(added, d.path), append(removed, d.old)
			default:
				modified = append(modified, d.path)
			}
		}
	}
	return obj{"id": c.id, "tree_id": c.tree.hash(), "distinct": true, "message": c.message, "timestamp": stamp(c.committer.At),
		"author": who(c.author), "committer": who(c.committer), "added": added, "removed": removed, "modified": modified}
}
