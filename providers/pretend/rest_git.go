package pretend

import (
	"encoding/json"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// What GitHub cuts off.
const (
	comparedFiles = 300
	commitFiles   = 3000
	treeEntries   = 100_000
	inlineContent = 1 << 20
)

func rawJSON(b []byte) any { return json.RawMessage(b) }

func parse(s string) int64 { n, _ := strconv.ParseInt(s, 10, 64); return n }

func sortedLogins[T any](m map[string]T) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}

// comparison is BASE...HEAD; a side may name another repository's owner: "ana:feature".
func comparison(r *request, x *Repo) reply {
	base, head, found := strings.Cut(r.PathValue("basehead"), "...")
	a, b := r.f.side(x, base), r.f.side(x, head)
	if !found || a == nil || b == nil {
		return lost
	}
	root := x.objects.mergeBase(a, b)
	if root == nil {
		return refuse(http.StatusNotFound, "No common ancestor between %s and %s.", base, head)
	}
	if asDiff(r) {
		return diffOf(x.objects.diff(root.tree, b.tree))
	}
	ahead, behind := between(a, b), len(between(b, a))
	status := "diverged"
	switch {
	case len(ahead) == 0 && behind == 0:
		status = "identical"
	case behind == 0:
		status = "ahead"
	case len(ahead) == 0:
		status = "behind"
	}
	shown := ahead
	if r.URL.Query().Get("page") == "" && r.URL.Query().Get("per_page") == "" {
		shown = ahead[:min(len(ahead), 250)]
	}
	commits, h := page(r, shown, func(c *commit) any { return r.f.renderCommit(c) })
	if r.URL.Query().Get("page") == "" && r.URL.Query().Get("per_page") == "" {
		commits, h = []any{}, http.Header{}
		for _, c := range shown {
			commits = append(commits, r.f.renderCommit(c))
		}
	}
	files := []any{}
	if p := r.URL.Query().Get("page"); p == "" || p == "1" {
		all := x.objects.diff(root.tree, b.tree)
		for _, c := range all[:min(len(all), comparedFiles)] {
			files = append(files, r.f.renderChange(c))
		}
	}
	return reply{status: http.StatusOK, header: h, body: obj{"status": status, "ahead_by": len(ahead), "behind_by": behind, "total_commits": len(ahead),
		"base_commit": r.f.renderCommit(a), "merge_base_commit": r.f.renderCommit(root), "commits": commits, "files": files}}
}

func (f *Forge) side(x *Repo, name string) *commit {
	if owner, branch, ok := strings.Cut(name, ":"); ok {
		for _, r := range f.sortedRepos() {
			if r.objects == x.objects && fold(r.Owner.Login) == fold(owner) {
				return r.resolve(branch)
			}
		}
		return nil
	}
	return x.resolve(name)
}

func contents(r *request, x *Repo) reply {
	ref := or(r.URL.Query().Get("ref"), x.Default)
	c := x.resolve(ref)
	if c == nil {
		return refuse(http.StatusNotFound, "No commit found for the ref %s", ref)
	}
	path := strings.Trim(r.PathValue("path"), "/")
	e, found := c.tree.at(path)
	name := path[strings.LastIndexByte(path, '/')+1:]
	accept := r.Header.Get("Accept")
	switch {
	case !found:
		return lost
	case e.tree != nil:
		list := []any{}
		for _, n := range e.tree.names() {
			s := e.tree.entries[n]
			list = append(list, obj{"name": n, "path": join(path, n), "sha": s.id(), "type": contentType(s), "size": size(s)})
		}
		return ok(list)
	case e.mode == ModeSubmodule:
		return ok(obj{"type": "submodule", "name": name, "path": path, "sha": e.link, "size": 0, "submodule_git_url": nil})
	case strings.Contains(accept, "raw"):
		return reply{status: http.StatusOK, body: e.blob.data, header: http.Header{"Content-Type": {"application/vnd.github.raw; charset=utf-8"}}}
	case e.mode == ModeSymlink:
		return ok(obj{"type": "symlink", "name": name, "path": path, "sha": e.blob.id, "size": len(e.blob.data), "target": string(e.blob.data)})
	}
	o := obj{"type": "file", "name": name, "path": path, "sha": e.blob.id, "size": len(e.blob.data), "encoding": "base64", "content": encode64(e.blob.data)}
	if len(e.blob.data) > inlineContent {
		o["encoding"], o["content"] = "none", ""
	}
	return ok(o)
}

func contentType(e entry) string {
	switch {
	case e.tree != nil:
		return "dir"
	case e.mode == ModeSubmodule:
		return "submodule"
	case e.mode == ModeSymlink:
		return "symlink"
	}
	return "file"
}

func size(e entry) int {
	if e.blob != nil {
		return len(e.blob.data)
	}
	return 0
}

func commitList(r *request, x *Repo) reply {
	c := x.resolve(or(r.URL.Query().Get("sha"), x.Default))
	if c == nil {
		return lost
	}
	return paged(r, c.history(), func(c *commit) any { return r.f.renderCommit(c) })
}

func oneCommit(r *request, x *Repo) reply {
	c := x.resolve(r.PathValue("ref"))
	if c == nil {
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", r.PathValue("ref"))
	}
	all := x.objects.diff(c.before(), c.tree)
	if asDiff(r) {
		return diffOf(all)
	}
	o := r.f.renderCommit(c)
	added, removed := c.size(x.objects)
	o["stats"] = obj{"additions": added, "deletions": removed, "total": added + removed}
	if q := r.URL.Query(); !q.Has("per_page") { // 300 files at a time, unless the caller wants fewer
		q.Set("per_page", strconv.Itoa(comparedFiles))
		r.URL.RawQuery = q.Encode()
	}
	files, h := pageOf(r, all[:min(len(all), commitFiles)], comparedFiles, func(d *change) any { return r.f.renderChange(d) })
	o["files"] = files
	return reply{status: http.StatusOK, header: h, body: o}
}

// gitTree lists one folder, or, with ?recursive, all below it; it says so when it had to stop.
func gitTree(r *request, x *Repo) reply {
	t := x.objects.trees[r.PathValue("sha")]
	if c := x.resolve(r.PathValue("sha")); t == nil && c != nil {
		t = c.tree
	}
	if t == nil {
		return lost
	}
	list, cut := []any{}, false
	deep := r.URL.Query().Has("recursive")
	t.walk("", func(path string, e entry) bool {
		if len(list) >= treeEntries {
			cut = true
			return false
		}
		o := obj{"path": path, "mode": e.mode, "type": e.kind(), "sha": e.id()}
		if e.blob != nil {
			o["size"] = len(e.blob.data)
		}
		list = append(list, o)
		return deep
	})
	return ok(obj{"sha": t.hash(), "tree": list, "truncated": cut})
}

func gitBlob(r *request, x *Repo) reply {
	b := x.objects.blobs[r.PathValue("sha")]
	switch {
	case b == nil:
		return lost
	case strings.Contains(r.Header.Get("Accept"), "raw"):
		return reply{status: http.StatusOK, body: b.data, header: http.Header{"Content-Type": {"application/vnd.github.raw; charset=utf-8"}}}
	}
	return ok(obj{"sha": b.id, "size": len(b.data), "encoding": "base64", "content": encode64(b.data)})
}

func gitTag(r *request, x *Repo) reply {
	t := x.objects.tags[r.PathValue("sha")]
	if t == nil {
		return lost
	}
	reason := t.reason
	if t.signed {
		reason = "valid"
	}
	return ok(obj{"tag": t.name, "sha": t.id, "message": t.message, "tagger": renderSignature(t.tagger),
		"object": obj{"type": "commit", "sha": t.target.id}, "verification": obj{"verified": t.signed, "reason": reason, "signature": nil, "payload": nil}})
}

func (r *Repo) renderRef(name string) any {
	if b, ok := strings.CutPrefix(name, "heads/"); ok && r.branches[b] != nil {
		return obj{"ref": "refs/" + name, "object": obj{"type": "commit", "sha": r.branches[b].id}}
	}
	if t, ok := strings.CutPrefix(name, "tags/"); ok {
		if x, found := r.tags[t]; found {
			kind := "commit"
			if x.tag != nil {
				kind = "tag"
			}
			return obj{"ref": "refs/" + name, "object": obj{"type": kind, "sha": x.target().oid()}}
		}
	}
	return nil
}

func gitRef(r *request, x *Repo) reply {
	if o := x.renderRef(r.PathValue("ref")); o != nil {
		return ok(o)
	}
	return lost
}

func matchingRefs(r *request, x *Repo) reply {
	var names []string
	for b := range x.branches {
		names = append(names, "heads/"+b)
	}
	for t := range x.tags {
		names = append(names, "tags/"+t)
	}
	sort.Strings(names)
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, r.PathValue("ref")) })
	return paged(r, names, func(n string) any { return x.renderRef(n) })
}

func branchList(r *request, x *Repo) reply {
	names := sortedLogins(x.branches)
	if only := r.URL.Query().Get("protected"); only != "" {
		names = slices.DeleteFunc(names, func(n string) bool { return (len(x.required[n]) > 0) != (only == "true") })
	}
	return paged(r, names, func(n string) any {
		return obj{"name": n, "commit": obj{"sha": x.branches[n].id}, "protected": len(x.required[n]) > 0}
	})
}

func protection(r *request, x *Repo) reply {
	required := x.required[r.PathValue("branch")]
	if len(required) == 0 {
		return refuse(http.StatusNotFound, "Branch not protected")
	}
	list := []any{}
	for _, w := range required {
		app := any(nil)
		if w.App != 0 {
			app = w.App
		}
		list = append(list, obj{"context": w.Context, "app_id": app})
	}
	return ok(obj{"required_status_checks": obj{"strict": false, "checks": list}})
}

func branchRules(r *request, x *Repo) reply {
	rules := []any{}
	if required := x.required[r.PathValue("branch")]; len(required) > 0 {
		list := []any{}
		for _, w := range required {
			o := obj{"context": w.Context}
			if w.App != 0 {
				o["integration_id"] = w.App
			}
			list = append(list, o)
		}
		rules = append(rules, obj{"type": "required_status_checks", "ruleset_source_type": "Repository", "ruleset_source": x.Name, "ruleset_id": 1,
			"parameters": obj{"strict_required_status_checks_policy": false, "required_status_checks": list}})
	}
	return ok(rules)
}
