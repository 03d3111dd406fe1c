package pretend

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// writeEndpoints are those that write to a repository's branches and tags, and open pull requests.
func writeEndpoints() []endpoint {
	return []endpoint{
		{method: "GET", path: "/repos/{owner}/{repo}/branches/{branch}", need: "contents:read", do: inRepo(oneBranch)},
		{method: "POST", path: "/repos/{owner}/{repo}/git/refs", need: "contents:write", creates: true, do: inRepo(postRef)},
		{method: "POST", path: "/repos/{owner}/{repo}/git/tags", need: "contents:write", creates: true, do: inRepo(postTag)},
		{method: "POST", path: "/repos/{owner}/{repo}/pulls", need: "pull_requests:write", creates: true, do: inRepo(postPull)},
		{method: "GET", path: "/repos/{owner}/{repo}/releases/tags/{tag...}", need: "contents:read", do: inRepo(releaseByTag)},
		{method: "GET", path: "/repos/{owner}/{repo}/releases", need: "contents:read", do: inRepo(releaseList)},
		{method: "POST", path: "/repos/{owner}/{repo}/releases", need: "contents:write", creates: true, do: inRepo(postRelease)},
	}
}

func oneBranch(r *request, x *Repo) reply {
	c := x.branches[r.PathValue("branch")]
	if c == nil {
		return refuse(http.StatusNotFound, "Branch not found")
	}
	return ok(obj{"name": r.PathValue("branch"), "commit": r.f.renderCommit(c), "protected": len(x.required[r.PathValue("branch")]) > 0,
		"protection": obj{"enabled": false, "required_status_checks": obj{"enforcement_level": "off", "contexts": []any{}, "checks": []any{}}}}) // rulesets require what is required
}

// unprocessable is a refusal with what is wrong field by field.
func unprocessable(message, resource, field, code string) reply {
	a := refuse(http.StatusUnprocessableEntity, "%s", message)
	a.body.(obj)["errors"] = []any{obj{"resource": resource, "field": field, "code": code}}
	return a
}

// postRef makes a branch or a tag. A tag's name may point to a tag object or to a commit, a branch's to a commit alone.
func postRef(r *request, x *Repo) reply {
	var in struct {
		Ref string `json:"ref"`
		SHA string `json:"sha"`
	}
	if r.decode(&in) != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	kind, name, found := strings.Cut(strings.TrimPrefix(in.Ref, "refs/"), "/")
	switch {
	case !strings.HasPrefix(in.Ref, "refs/") || !found || name == "":
		return refuse(http.StatusUnprocessableEntity, "Reference name must start with 'refs/' and contain at least one more component.")
	case strings.ContainsAny(name, " ~^:?*[\\") || strings.Contains(name, "..") || strings.HasSuffix(name, ".lock") || strings.HasSuffix(name, "/"):
		return refuse(http.StatusUnprocessableEntity, "%s is not a valid ref name.", in.Ref)
	case x.renderRef(kind+"s/"+name) != nil || x.renderRef(strings.TrimPrefix(in.Ref, "refs/")) != nil:
		return refuse(http.StatusUnprocessableEntity, "Reference already exists")
	}
	t, c := x.objects.tags[in.SHA], x.objects.commits[in.SHA]
	switch {
	case t == nil && c == nil:
		return refuse(http.StatusUnprocessableEntity, "Object does not exist")
	case kind == "heads" && c == nil:
		return refuse(http.StatusUnprocessableEntity, "Reference update failed")
	case kind == "heads":
		x.branches[name] = c
		r.f.moved(x, in.Ref, nil, c, r.who.user)
	case kind == "tags" && t != nil:
		x.tags[name] = ref{tag: t, commit: t.target}
		r.f.moved(x, in.Ref, nil, t, r.who.user)
	case kind == "tags":
		x.tags[name] = ref{commit: c}
		r.f.moved(x, in.Ref, nil, c, r.who.user)
	default:
		return refuse(http.StatusUnprocessableEntity, "the pretend forge makes branches and tags only")
	}
	return reply{status: http.StatusCreated, body: x.renderRef(strings.TrimPrefix(in.Ref, "refs/"))}
}

// postTag makes the object of an annotated tag, which no name points to yet. What an App makes is not signed.
func postTag(r *request, x *Repo) reply {
	var in struct{ Tag, Message, Object, Type string }
	if r.decode(&in) != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	c := x.objects.commits[in.Object]
	if in.Tag == "" || in.Type != "commit" || c == nil {
		return refuse(http.StatusUnprocessableEntity, "Validation Failed")
	}
	t := x.objects.annotate(in.Tag, in.Message, c, r.f.signature(r.who.user), false, "unsigned")
	return reply{status: http.StatusCreated, body: obj{"tag": t.name, "sha": t.id, "message": t.message, "tagger": renderSignature(t.tagger), "object": obj{"type": "commit", "sha": c.id}}}
}

// postPull opens a pull request from a branch that is there.
func postPull(r *request, x *Repo) reply {
	var in struct {
		Title, Head, Base, Body string
		Draft                   bool
	}
	if r.decode(&in) != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	branch := strings.TrimPrefix(in.Head, x.Owner.Login+":")
	head, base := x.branches[branch], x.branches[in.Base]
	switch {
	case strings.TrimSpace(in.Title) == "":
		return unprocessable("Validation Failed", "PullRequest", "title", "missing_field")
	case head == nil:
		return unprocessable("Validation Failed", "PullRequest", "head", "invalid")
	case base == nil:
		return unprocessable("Validation Failed", "PullRequest", "base", "invalid")
	case slices.ContainsFunc(r.f.pullsFrom(x, branch), func(p *Pull) bool { return p.Repo == x && p.baseRef == in.Base }):
		a := refuse(http.StatusUnprocessableEntity, "Validation Failed")
		a.body.(obj)["errors"] = []any{obj{"resource": "PullRequest", "code": "custom", "message": "A pull request already exists for " + x.Owner.Login + ":" + branch + "."}}
		return a
	case len(between(base, head)) == 0:
		a := refuse(http.StatusUnprocessableEntity, "Validation Failed")
		a.body.(obj)["errors"] = []any{obj{"resource": "PullRequest", "code": "custom", "message": fmt.Sprintf("No commits between %s and %s", in.Base, branch)}}
		return a
	}
	p := r.f.opened(&Pull{Title: in.Title, Body: in.Body, Repo: x, Author: r.who.user, Draft: in.Draft, headRepo: x, headRef: branch, baseRef: in.Base, head: head, base: base})
	return reply{status: http.StatusCreated, body: r.f.renderPull(p)}
}

// createCommit puts one commit on a branch, if that stands where the caller expects it.
func (v view) createCommit(in args) any {
	at := in.object("branch")
	r, err := v.seen(at.text("repositoryNameWithOwner"))
	if err != nil {
		return err
	}
	branch := strings.TrimPrefix(at.text("branchName"), "refs/heads/")
	tip := r.branches[branch]
	files := map[string]File{}
	for _, a := range in.object("fileChanges").objects("additions") {
		text, err := base64.StdEncoding.DecodeString(a.text("contents"))
		if err != nil {
			return fault{"UNPROCESSABLE", "The contents are not Base64."}
		}
		files[a.text("path")] = File{Text: string(text)}
	}
	switch {
	case !v.mayPush(r, branch):
		return forbidden
	case tip == nil:
		return notFound("Could not resolve to a branch with the name '%s'.", branch)
	case tip.id != in.text("expectedHeadOid"):
		return fault{"STALE_DATA", fmt.Sprintf("Expected branch to point to %q but it did not.  Pull and try again.", in.text("expectedHeadOid"))}
	case len(in.object("fileChanges").objects("deletions")) > 0:
		return fault{"UNPROCESSABLE", "the pretend forge deletes no files"}
	case len(r.required[branch]) > 0:
		return fault{"UNPROCESSABLE", fmt.Sprintf("Protected branch update failed for refs/heads/%s: required status checks are expected.", branch)}
	}
	for path := range files {
		if strings.HasPrefix(path, ".github/workflows/") && !v.who.may("workflows", "write") {
			return forbidden
		}
		if e, found := tip.tree.at(path); found && e.tree == nil && e.mode == ModeExec {
			files[path] = File{Text: files[path].Text, Mode: ModeExec}
		}
	}
	message := in.object("message").text("headline")
	if body := in.object("message").text("body"); body != "" {
		message += "\n\n" + body
	}
	me, web := v.Forge.signature(v.who.user), v.Forge.signature(v.users["web-flow"])
	c, err := v.Forge.push(r, Push{Branch: branch, By: v.who.user.Login, Commits: []Commit{{Message: message, Files: files, Author: &me, Committer: &web}}})
	if err != nil {
		return fault{"UNPROCESSABLE", err.Error()}
	}
	c.verified = true
	return v.payload("CreateCommitOnBranchPayload", in, thing{"commit": v.commit(r, c), "ref": v.branch(r, branch)})
}

// mayPush says whether the caller may write to the branch: with the right on the repository, or to the branch of a pull
// request from a fork that lets maintainers of its target edit it.
func (v view) mayPush(r *Repo, branch string) bool {
	if v.who.mayOn(r, "contents", "write") {
		return true
	}
	return slices.ContainsFunc(v.pullsFrom(r, branch), func(p *Pull) bool {
		return p.Repo != r && p.Editable && v.who.mayOn(p.Repo, "contents", "write")
	})
}
