package pretend

import (
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
)

func (v view) commit(r *Repo, c *commit) thing {
	headline, rest, _ := strings.Cut(c.message, "\n")
	o := v.gitObject(r, "Commit", c.id)
	for k, x := range (thing{
		"message": c.message, "messageHeadline": headline, "messageBody": strings.TrimSpace(rest), "url": v.url + "/" + r.Name + "/commit/" + c.id,
		"author": v.gitActor(c.author), "committer": v.gitActor(c.committer), "authoredDate": c.author.At, "committedDate": c.committer.At,
		"authoredByCommitter": c.author == c.committer, "committedViaWeb": c.committer.Email == "noreply@github.com",
		"authors": func() any { return list("GitActor", c.authors(), v.gitActor) },
		"parents": func() any {
			return list("Commit", c.parents, func(p *commit) thing { return v.commit(r, p) })
		},
		"history": func(a args) any {
			h := list("CommitHistory", c.history(), func(p *commit) thing { return v.commit(r, p) })
			h.of = c.id
			return h.page(a)
		},
		"tree": func() any { return v.treeOf(r, c.tree, "") },
		"file": func(a args) any {
			path := strings.Trim(a.text("path"), "/")
			e, ok := c.tree.at(path)
			if !ok || path == "" {
				return nil
			}
			return v.entry(r, e, path[strings.LastIndexByte(path, '/')+1:], path)
		},
		"signature":               nil,
		"additions":               func() any { a, _ := c.size(r.objects); return a },
		"deletions":               func() any { _, d := c.size(r.objects); return d },
		"changedFilesIfAvailable": func() any { return len(r.objects.diff(c.before(), c.tree)) },
		"deployments":             func(a args) any { return v.deployments(r, c, a) },
		"statusCheckRollup":       func() any { return v.rollup(r, c) },
		"status":                  func() any { return v.combined(r, c) },
		"checkSuites": func(a args) any {
			var suites []*suite
			by := a.object("filterBy")
			app, isApp := by.number("appId")
			for _, s := range r.suites {
				if s.commit == c && (!isApp || s.app.ID == int64(app)) {
					suites = append(suites, s)
				}
			}
			return list("CheckSuite", suites, v.checkSuite).page(a)
		},
		"comments": func(a args) any { return list("CommitComment", c.comments(r), v.commitNote).page(a) },
		"associatedPullRequests": func(a args) any {
			var pulls []*Pull
			for _, p := range r.pulls {
				if p.mergeCommit == c || contains(p.commits(), c) {
					pulls = append(pulls, p)
				}
			}
			return list("PullRequest", pulls, v.pull).page(a)
		},
	}) {
		o[k] = x
	}
	return o
}

func contains(list []*commit, c *commit) bool {
	for _, x := range list {
		if x == c {
			return true
		}
	}
	return false
}

func (c *commit) before() *tree {
	if len(c.parents) == 0 {
		return nil
	}
	return c.parents[0].tree
}

func (c *commit) size(o *objects) (added, removed int) {
	for _, d := range o.diff(c.before(), c.tree) {
		p := d.patch()
		added, removed = added+p.added, removed+p.removed
	}
	return added, removed
}

// history is newest first, children before parents.
func (c *commit) history() []*commit {
	all := between(nil, c)
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

var trailer = patterns.New(`(?mi)^co-authored-by:[ \t]*([^<\n]*?)[ \t]*<([^>\n]+)>[ \t]*$`)

// authors are the author and the co-authors that the message names.
func (c *commit) authors() []Signature {
	list := []Signature{c.author}
	for _, m := range trailer.FindAllStringSubmatch(c.message, -1) {
		if fold(m[2]) != fold(c.author.Email) {
			list = append(list, Signature{Name: m[1], Email: m[2], At: c.author.At})
		}
	}
	return list
}

func (v view) rollup(r *Repo, c *commit) any {
	runs, statuses := r.latest(c), r.contexts(c)
	if len(runs)+len(statuses) == 0 {
		return nil
	}
	state := "SUCCESS"
	for _, run := range runs {
		switch {
		case run.Status != "completed" && state == "SUCCESS":
			state = "PENDING"
		case run.Conclusion == "failure" || run.Conclusion == "cancelled" || run.Conclusion == "timed_out" || run.Conclusion == "action_required":
			state = "FAILURE"
		}
	}
	for _, s := range statuses {
		if s.state != "success" && state != "FAILURE" {
			state = strings.ToUpper(s.state)
		}
	}
	return thing{"__typename": "StatusCheckRollup", "id": "SCR_" + c.id, "state": state, "commit": func() any { return v.commit(r, c) },
		"contexts": &connection{kind: "StatusCheckRollupContext", total: len(runs) + len(statuses), more: thing{
			"checkRunCount": len(runs), "statusContextCount": len(statuses)},
			item: func(i int) thing {
				if i < len(runs) {
					return v.checkRun(runs[i])
				}
				return v.statusContext(r, c, statuses[i-len(runs)])
			}}}
}

func (v view) combined(r *Repo, c *commit) any {
	statuses := r.contexts(c)
	if len(statuses) == 0 {
		return nil
	}
	list, state := []thing{}, "SUCCESS"
	for _, s := range statuses {
		list = append(list, v.statusContext(r, c, s))
		if s.state != "success" {
			state = strings.ToUpper(s.state)
		}
	}
	return thing{"__typename": "Status", "id": "S_" + c.id, "state": state, "contexts": list, "commit": func() any { return v.commit(r, c) }}
}

func (v view) statusContext(r *Repo, c *commit, s *status) thing {
	return thing{"__typename": "StatusContext", "id": node("SC", s.id), "context": s.context, "state": strings.ToUpper(s.state),
		"description": orNil(s.description), "targetUrl": orNil(s.url), "createdAt": s.at, "creator": func() any { return v.actor(s.by) },
		"isRequired": func(a args) any { return r.requires(a, s.context, 0) }, "commit": func() any { return v.commit(r, c) }}
}

// requires says whether the pull request in the arguments needs the check.
func (r *Repo) requires(a args, name string, app int64) bool {
	n, _ := a.number("pullRequestNumber")
	for _, p := range r.pulls {
		if p.Number == n || a.text("pullRequestId") == node("PR", p.ID) {
			for _, want := range r.required[p.baseRef] {
				if fold(want.Context) == fold(name) && (want.App == 0 || want.App == app) {
					return true
				}
			}
		}
	}
	return false
}

func (v view) checkRun(run *Run) thing {
	return thing{"__typename": "CheckRun", "id": node("CR", run.ID), "databaseId": run.ID, "name": run.Name, "status": strings.ToUpper(run.Status),
		"conclusion": orNil(strings.ToUpper(run.Conclusion)), "title": orNil(run.Title), "summary": orNil(run.Summary), "text": orNil(run.Text),
		"detailsUrl": orNil(run.DetailsURL), "externalId": orNil(run.ExternalID), "startedAt": run.Started, "completedAt": stamp(run.Completed),
		"url":        v.url + "/" + run.Repo.Name + "/runs/" + node("", run.ID)[1:],
		"checkSuite": func() any { return v.checkSuite(run.suite) }, "isRequired": func(a args) any { return run.Repo.requires(a, run.Name, run.App.ID) },
		"annotations": func() any {
			return list("CheckAnnotation", run.Annotations, func(n Annotation) thing {
				at := func(l int) thing { return thing{"__typename": "CheckAnnotationPosition", "line": l, "column": nil} }
				return thing{"__typename": "CheckAnnotation", "path": n.Path, "annotationLevel": strings.ToUpper(n.Level), "message": n.Message,
					"title": orNil(n.Title), "rawDetails": nil,
					"location": thing{"__typename": "CheckAnnotationSpan", "start": at(n.Start), "end": at(n.End)}}
			})
		}}
}

func (v view) checkSuite(s *suite) thing {
	return thing{"__typename": "CheckSuite", "id": node("CS", s.id), "databaseId": s.id, "status": "QUEUED", "conclusion": nil, "createdAt": s.commit.committer.At,
		"app":    thing{"__typename": "App", "id": node("A", s.app.ID), "databaseId": s.app.ID, "slug": s.app.Slug, "name": s.app.Name},
		"commit": func() any { return v.commit(s.repo, s.commit) },
		"checkRuns": func(a args) any {
			var runs []*Run
			name := a.object("filterBy").text("checkName")
			for _, run := range s.repo.latest(s.commit) {
				if run.suite == s && (name == "" || run.Name == name) {
					runs = append(runs, run)
				}
			}
			return list("CheckRun", runs, v.checkRun).page(a)
		}}
}
