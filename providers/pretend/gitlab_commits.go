package pretend

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// labCommitEndpoints are those of commits.
func labCommitEndpoints() []labEndpoint {
	const commits = "/projects/{id}/repository/commits"
	return []labEndpoint{
		{method: "GET", path: commits, level: reporter, do: labCommits},
		{method: "POST", path: commits, do: postCommit}, // who may push to the branch, without being a member of a fork too,
		{method: "GET", path: commits + "/{sha}", level: reporter, do: inCommit(func(q *labRequest, c *commit) reply { return ok(q.f.renderLabCommitWhole(q.repo, c)) })},
		{method: "GET", path: commits + "/{sha}/refs", level: reporter, do: inCommit(commitRefs)},
		{method: "GET", path: commits + "/{sha}/merge_requests", level: reporter, do: inCommit(commitChanges)},
		{method: "GET", path: commits + "/{sha}/diff", level: reporter, do: inCommit(commitDiff)},
		{method: "GET", path: commits + "/{sha}/signature", level: reporter, do: inCommit(commitSignature)},
	}
}

func inCommit(do func(*labRequest, *commit) reply) func(*labRequest) reply {
	return func(q *labRequest) reply {
		if c := q.f.labResolve(q.repo, q.PathValue("sha")); c != nil {
			return do(q, c)
		}
		return labLost("Commit")
	}
}

func (f *Forge) renderLabCommit(r *Repo, c *commit) obj {
	parents := []string{}
	for _, p := range c.parents {
		parents = append(parents, p.id)
	}
	title, _, _ := strings.Cut(c.message, "\n")
	return obj{"id": c.id, "short_id": c.id[:8], "created_at": labDate(c.committer.At), "parent_ids": parents, "title": title, "message": c.message,
		"author_name": c.author.Name, "author_email": c.author.Email, "authored_date": labDate(c.author.At), "committer_name": c.committer.Name,
		"committer_email": c.committer.Email, "committed_date": labDate(c.committer.At), "trailers": obj{}, "extended_trailers": obj{},
		"web_url": fmt.Sprintf("%s/%s/-/commit/%s", f.url, r.Name, c.id)}
}

func (f *Forge) renderLabCommitWhole(r *Repo, c *commit) obj {
	o := f.renderLabCommit(r, c)
	o["status"], o["last_pipeline"], o["project_id"] = nil, nil, r.ID
	var was *tree
	if len(c.parents) > 0 {
		was = c.parents[0].tree
	}
	added, removed := 0, 0
	for _, d := range r.objects.diff(was, c.tree) {
		p := d.patch()
		added, removed = added+p.added, removed+p.removed
	}
	o["stats"] = obj{"additions": added, "deletions": removed, "total": added + removed}
	if l := f.project(r).newest(c, ""); l != nil {
		o["status"], o["last_pipeline"] = l.status, f.renderPipeline(l)
	}
	return o
}

// labCommits lists what is reachable from ?ref_name, "a..b" included, newest first. GitLab does not count them.
func labCommits(q *labRequest) reply {
	name := or(q.in.text("ref_name"), q.repo.Default)
	from, to, ranged := strings.Cut(name, "..")
	if !ranged {
		from, to = "", name
	}
	to = strings.TrimPrefix(to, ".")
	var base *commit
	head := q.f.labResolve(q.repo, to)
	if from != "" {
		if base = q.f.labResolve(q.repo, from); base == nil {
			return labLost("Commit")
		}
	}
	if head == nil {
		return labLost("Commit")
	}
	list := between(base, head)
	slices.Reverse(list)
	list = slices.DeleteFunc(list, func(c *commit) bool {
		since, after := q.in.time("since")
		until, before := q.in.time("until")
		return after && c.committer.At.Before(since) || before && c.committer.At.After(until) || q.in.text("path") != "" && !touches(c, q.in.text("path"))
	})
	if q.in.flag("first_parent") {
		line := map[*commit]bool{}
		for c := head; c != nil; c = firstParent(c) {
			line[c] = true
		}
		list = slices.DeleteFunc(list, func(c *commit) bool { return !line[c] })
	}
	a := labPage(q, list, nil, func(c *commit) any { return q.f.renderLabCommit(q.repo, c) })
	a.header.Del("X-Total")
	a.header.Del("X-Total-Pages")
	return a
}

func firstParent(c *commit) *commit {
	if len(c.parents) == 0 {
		return nil
	}
	return c.parents[0]
}

// touches says whether a commit changed what stands at a path.
func touches(c *commit, path string) bool {
	is, here := c.tree.at(path)
	if len(c.parents) == 0 {
		return here
	}
	return !slices.ContainsFunc(c.parents, func(p *commit) bool {
		was, before := p.tree.at(path)
		return here == before && (!here || is.id() == was.id())
	})
}

// commitRefs are the branches and tags that contain a commit.
func commitRefs(q *labRequest, c *commit) reply {
	var list []any
	for _, kind := range []string{"branch", "tag"} {
		if want := q.in.text("type"); want != "" && want != "all" && want != kind {
			continue
		}
		for _, name := range q.repo.refNames(kind) {
			if ancestors(q.repo.resolve(map[string]string{"branch": "refs/heads/", "tag": "refs/tags/"}[kind] + name))[c] {
				list = append(list, obj{"type": kind, "name": name})
			}
		}
	}
	return labPage(q, list, nil, func(x any) any { return x })
}

func (r *Repo) refNames(kind string) []string {
	if kind == "tag" {
		return sortedLogins(r.tags)
	}
	return sortedLogins(r.branches)
}

// commitChanges are the merge requests that brought a commit: by their own commits, or by what merging made.
func commitChanges(q *labRequest, c *commit) reply {
	var list []*Pull
	for _, p := range q.repo.pulls {
		v, o := q.f.version(p), p.Repo.objects
		if p.mergeCommit == c || slices.Contains(between(o.commits[v.start], o.commits[v.head]), c) {
			list = append(list, p)
		}
	}
	list = slices.DeleteFunc(list, func(p *Pull) bool { return q.in.has("state") && p.labState() != q.in.text("state") })
	slices.Reverse(list)
	return labPage(q, list, nil, func(p *Pull) any { return q.f.renderChangeBasic(p) })
}

func commitDiff(q *labRequest, c *commit) reply {
	var was *tree
	if len(c.parents) > 0 {
		was = c.parents[0].tree
	}
	all, _ := listedOf(q.repo.objects.diff(was, c.tree))
	var page []*change
	a := labPage(q, all, nil, func(c *change) any { page = append(page, c); return nil })
	a.body = renderDiffs(page, false)
	return a
}

func commitSignature(q *labRequest, c *commit) reply {
	if !c.verified {
		return labLost("Signature")
	}
	return ok(obj{"signature_type": "SSH", "verification_status": "verified_system", "key": nil, "commit_source": "gitaly"})
}

// postCommit writes one commit onto a branch, or onto a new one from another. It is held to the branch's protection.
func postCommit(q *labRequest) reply {
	if wrong := q.in.missing("branch", "commit_message", "actions"); wrong != "" {
		return labWrong(wrong)
	}
	f, r, branch := q.f, q.repo, q.in.text("branch")
	tip, start := r.branches[branch], or(q.in.text("start_branch"), q.in.text("start_sha"))
	bad := func(format string, a ...any) reply {
		return labRefuse(http.StatusBadRequest, fmt.Sprintf(format, a...))
	}
	switch {
	case !f.mayPushTo(r, branch, q.who):
		return labRefuse(http.StatusForbidden, "403 Forbidden - You are not allowed to push into this branch")
	case tip == nil && start == "":
		return bad("You can only create or edit files when you are on a branch")
	case tip != nil && start != "" && start != branch && !q.in.flag("force"):
		return bad("A branch called '%s' already exists. Switch to that branch in order to make changes", branch)
	}
	on := tip
	if start != "" {
		if on = f.labResolve(r, start); on == nil {
			return bad("Cannot find start_branch '%s'", start)
		}
	}
	files, wrong := labActions(q.in.objects("actions"), on)
	if wrong != "" {
		return bad("%s", wrong)
	}
	push := Push{Branch: branch, By: q.who.Login, Force: q.in.flag("force"), Commits: []Commit{{Message: q.in.text("commit_message"), Files: files}}}
	if start != "" {
		push.From = on.id
	}
	if name := q.in.text("author_name"); name != "" {
		push.Commits[0].Author = &Signature{Name: name, Email: q.in.text("author_email")}
		me := f.signature(q.who)
		push.Commits[0].Committer = &me
	}
	c, err := f.push(r, push)
	if err != nil {
		return bad("%v", err)
	}
	c.verified = true
	return made(f.renderLabCommitWhole(r, c))
}

// labActions are the files that a commit's actions write, or what is wrong with them.
func labActions(actions []params, on *commit) (map[string]File, string) {
	files := map[string]File{}
	for _, a := range actions {
		name, text := a.text("file_path"), a.text("content")
		if a.text("encoding") == "base64" {
			raw, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return nil, "content is not valid base64"
			}
			text = string(raw)
		}
		is, there := on.tree.at(name)
		switch action := a.text("action"); {
		case name == "":
			return nil, "file_path is missing"
		case action == "create" && there:
			return nil, "A file with this name already exists"
		case slices.Contains([]string{"update", "delete", "chmod"}, action) && !there:
			return nil, "A file with this name doesn't exist"
		case action == "update" && a.text("last_commit_id") != "" && lastCommit(on, name).id != a.text("last_commit_id"):
			return nil, "The file has changed since you started editing it"
		case action == "create", action == "update":
			mode := is.mode
			if a.flag("execute_filemode") {
				mode = ModeExec
			}
			files[name] = File{Text: text, Mode: mode}
		case action == "delete":
			files[name] = File{Gone: true}
		default:
			return nil, "the pretend forge does not know the action " + action
		}
	}
	return files, ""
}
