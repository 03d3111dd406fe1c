package pretend

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
)

// protectedRef is a branch or tag that not everybody may write to, by its name or a pattern of names.
type protectedRef struct {
	id    int64
	name  string
	push  int // level that may push, or make the tag; 0: nobody
	merge int
}

// labRefEndpoints are those of branches, tags and what protects them.
func labRefEndpoints() []labEndpoint {
	const repository = "/projects/{id}/repository"
	return []labEndpoint{
		{method: "GET", path: repository + "/branches", level: reporter, do: labBranches},
		{method: "GET", path: repository + "/branches/{branch}", level: reporter, do: labBranch},
		{method: "POST", path: repository + "/branches", level: developer, do: postBranch},
		{method: "DELETE", path: repository + "/branches/{branch}", level: developer, do: deleteBranch},
		{method: "GET", path: repository + "/tags", level: reporter, do: labTags},
		{method: "GET", path: repository + "/tags/{tag}", level: reporter, do: labTag},
		{method: "POST", path: repository + "/tags", level: developer, do: postLabTag},
		{method: "GET", path: repository + "/tags/{tag}/signature", level: reporter, do: tagSignature},
		{method: "GET", path: "/projects/{id}/protected_branches", level: reporter, do: func(q *labRequest) reply {
			return labPage(q, q.f.protectedBranches(q.repo), nil, renderProtectedBranch)
		}},
		{method: "GET", path: "/projects/{id}/protected_branches/{name}", level: reporter, do: func(q *labRequest) reply {
			return oneProtected(q, q.f.protectedBranches(q.repo), renderProtectedBranch)
		}},
		{method: "GET", path: "/projects/{id}/protected_tags", level: reporter, do: func(q *labRequest) reply {
			return labPage(q, q.f.project(q.repo).tags, nil, renderProtectedTag)
		}},
		{method: "GET", path: "/projects/{id}/protected_tags/{name}", level: reporter, do: func(q *labRequest) reply {
			return oneProtected(q, q.f.project(q.repo).tags, renderProtectedTag)
		}},
	}
}

// protectedBranches are those that were protected, and those that require anything.
func (f *Forge) protectedBranches(r *Repo) []*protectedRef {
	p := f.project(r)
	for _, name := range sortedLogins(r.required) {
		if len(r.required[name]) > 0 && !slices.ContainsFunc(p.branches, func(b *protectedRef) bool { return b.name == name }) {
			p.branches = append(p.branches, &protectedRef{id: f.id(), name: name, push: developer, merge: developer})
		}
	}
	return p.branches
}

// ProtectBranch lets a level ("maintain", "write", "none") push to branches of a name or pattern.
func (f *Forge) ProtectBranch(repo, name, push string) error {
	return f.protect(repo, name, push, func(p *labProject) *[]*protectedRef { return &p.branches })
}

// ProtectTag lets a level make tags of a name or pattern.
func (f *Forge) ProtectTag(repo, name, create string) error {
	return f.protect(repo, name, create, func(p *labProject) *[]*protectedRef { return &p.tags })
}

func (f *Forge) protect(repo, name, level string, of func(*labProject) *[]*protectedRef) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return err
	}
	list := of(f.project(r))
	*list = slices.DeleteFunc(*list, func(x *protectedRef) bool { return x.name == name })
	*list = append(*list, &protectedRef{id: f.id(), name: name, push: levelOf(level), merge: developer})
	return nil
}

// covers says whether a name is protected by it: "*" stands for anything, slashes too.
func (p *protectedRef) covers(name string) bool {
	fine, err := path.Match(strings.ReplaceAll(p.name, "/", "\x00"), strings.ReplaceAll(name, "/", "\x00"))
	return err == nil && fine
}

// mayWrite says whether somebody may write to a branch or tag, by the most lenient of what protects it.
func mayWrite(list []*protectedRef, name string, level int) bool {
	covered := false
	for _, p := range list {
		if p.covers(name) {
			covered = true
			if p.push > 0 && level >= p.push {
				return true
			}
		}
	}
	return !covered && level >= developer
}

// mayPushTo says whether somebody may push to a branch; to that of a merge request from a fork also who may in its target.
func (f *Forge) mayPushTo(r *Repo, branch string, who *User) bool {
	if mayWrite(f.protectedBranches(r), branch, f.levelOn(r, who)) {
		return true
	}
	return slices.ContainsFunc(f.pullsFrom(r, branch), func(p *Pull) bool { return p.Repo != r && p.Editable && f.levelOn(p.Repo, who) >= developer })
}

func levels(level int) []any {
	text := map[int]string{0: "No one", developer: "Developers + Maintainers", maintainer: "Maintainers", owner: "Owners"}[level]
	return []any{obj{"id": level, "access_level": level, "access_level_description": text, "user_id": nil, "group_id": nil, "deploy_key_id": nil}}
}

func renderProtectedBranch(p *protectedRef) any {
	return obj{"id": p.id, "name": p.name, "push_access_levels": levels(p.push), "merge_access_levels": levels(p.merge), "unprotect_access_levels": []any{},
		"allow_force_push": false, "code_owner_approval_required": false, "inherited": false}
}

func renderProtectedTag(p *protectedRef) any {
	return obj{"name": p.name, "create_access_levels": levels(p.push)}
}

func oneProtected(q *labRequest, list []*protectedRef, render func(*protectedRef) any) reply {
	for _, p := range list {
		if p.name == q.PathValue("name") {
			return ok(render(p))
		}
	}
	return labLost("")
}

func (q *labRequest) renderBranch(name string) any {
	c := q.repo.branches[name]
	list := q.f.protectedBranches(q.repo)
	o := obj{"name": name, "commit": q.f.renderLabCommit(q.repo, c), "merged": name != q.repo.Default && ancestors(q.repo.branches[q.repo.Default])[c],
		"protected":           slices.ContainsFunc(list, func(p *protectedRef) bool { return p.covers(name) }),
		"developers_can_push": mayWrite(list, name, developer), "developers_can_merge": true, "can_push": q.f.mayPushTo(q.repo, name, q.who), "default": name == q.repo.Default,
		"web_url": fmt.Sprintf("%s/%s/-/tree/%s", q.f.url, q.repo.Name, name)}
	return o
}

// branchNames leaves out the refs that only the domain keeps as branches.
func (q *labRequest) branchNames() []string {
	return slices.DeleteFunc(sortedLogins(q.repo.branches), func(n string) bool {
		search := q.in.text("search")
		return strings.HasPrefix(n, "gh-readonly-queue/") || !strings.Contains(n, strings.Trim(search, "^$"))
	})
}

func labBranches(q *labRequest) reply {
	return labPage(q, q.branchNames(), func(n string) string { return n }, q.renderBranch)
}

func labBranch(q *labRequest) reply {
	if q.repo.branches[q.PathValue("branch")] == nil {
		return labLost("Branch")
	}
	return ok(q.renderBranch(q.PathValue("branch")))
}

func postBranch(q *labRequest) reply {
	if wrong := q.in.missing("branch", "ref"); wrong != "" {
		return labWrong(wrong)
	}
	name, c := q.in.text("branch"), q.f.labResolve(q.repo, q.in.text("ref"))
	switch {
	case q.repo.branches[name] != nil:
		return labRefuse(http.StatusBadRequest, "Branch already exists")
	case c == nil:
		return labRefuse(http.StatusBadRequest, "Invalid reference name: "+q.in.text("ref"))
	case badRef(name):
		return labRefuse(http.StatusBadRequest, "Branch name is invalid")
	case !q.f.mayPushTo(q.repo, name, q.who):
		return labForbidden
	}
	q.repo.branches[name] = c
	q.f.labMoved(q.repo, "refs/heads/"+name, nil, c, q.who)
	return made(q.renderBranch(name))
}

func badRef(name string) bool {
	return name == "" || strings.ContainsAny(name, " ~^:?*[\\") || strings.Contains(name, "..") || strings.HasSuffix(name, ".lock") || strings.HasSuffix(name, "/") || strings.HasPrefix(name, "/")
}

func deleteBranch(q *labRequest) reply {
	name := q.PathValue("branch")
	before := q.repo.branches[name]
	switch {
	case before == nil:
		return labLost("Branch")
	case slices.ContainsFunc(q.f.protectedBranches(q.repo), func(p *protectedRef) bool { return p.covers(name) }):
		return labForbidden
	}
	delete(q.repo.branches, name)
	q.f.labMoved(q.repo, "refs/heads/"+name, before, nil, q.who)
	for _, p := range q.f.pullsFrom(q.repo, name) {
		q.f.shut(p, q.who)
	}
	return noContent
}
