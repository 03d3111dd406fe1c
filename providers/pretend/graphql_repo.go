package pretend

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

func sortTeams(teams []*Team) []*Team {
	sort.Slice(teams, func(i, j int) bool { return teams[i].ID < teams[j].ID })
	return teams
}

func (v view) repository(r *Repo) thing {
	visibility := "PUBLIC"
	if r.Private {
		visibility = "PRIVATE"
	}
	return thing{
		"__typename": "Repository", "id": node("R", r.ID), "databaseId": r.ID, "name": r.short(), "nameWithOwner": r.Name,
		"owner": func() any { return v.actor(r.Owner) }, "url": v.url + "/" + r.Name, "isPrivate": r.Private, "isFork": r.parent != nil,
		"isArchived": r.Archived, "isInOrganization": r.Owner.Type == "Organization", "visibility": visibility, "createdAt": r.Created,
		"viewerPermission": nil,
		"parent": func() any {
			if r.parent == nil || !v.who.sees(v.Forge, r.parent) {
				return nil
			}
			return v.repository(r.parent)
		},
		"defaultBranchRef": func() any { return v.branch(r, r.Default) },
		"object":           func(a args) any { return v.object(r, a) },
		"ref": func(a args) any {
			name := a.text("qualifiedName")
			if t, ok := strings.CutPrefix(name, "refs/tags/"); ok {
				return v.tagRef(r, t)
			}
			if b := v.branch(r, strings.TrimPrefix(name, "refs/heads/")); b != nil {
				return b
			}
			return v.tagRef(r, name)
		},
		"refs": func(a args) any { return v.refs(r, a) },
		"pullRequest": func(a args) any {
			n, _ := a.number("number")
			p, err := v.Forge.pull(r.Name, n)
			if err != nil {
				return notFound("Could not resolve to a PullRequest with the number of %d.", n)
			}
			if !v.who.may("pull_requests", "read") {
				return fault{"FORBIDDEN", "Resource not accessible by integration"}
			}
			return v.pull(p)
		},
		"deployments":   func(a args) any { return v.deployments(r, nil, a) },
		"environments":  func(a args) any { return v.environments(r, a) },
		"environment":   func(a args) any { return v.oneEnvironment(r, a.text("name")) },
		"mergeQueue":    func(a args) any { return v.mergeQueue(r, a) },
		"pullRequests":  func(a args) any { return list("PullRequest", v.pulls(r, a), v.pull).page(a) },
		"collaborators": func(a args) any { return v.collaborators(r, a) },
	}
}

// pulls are those that the arguments ask for, oldest first unless they say otherwise.
func (v view) pulls(r *Repo, a args) []*Pull {
	states := a.texts("states")
	found := []*Pull{}
	for _, p := range r.pulls {
		if (len(states) == 0 || slices.Contains(states, p.state())) && matches(a, "baseRefName", p.baseRef) && matches(a, "headRefName", p.headRef) {
			found = append(found, p)
		}
	}
	by := a.object("orderBy")
	if by.text("field") == "UPDATED_AT" {
		sort.SliceStable(found, func(i, j int) bool { return found[i].Updated.Before(found[j].Updated) })
	}
	if by.text("direction") == "DESC" {
		slices.Reverse(found)
	}
	return found
}

// matches says whether an optional argument allows the value; null allows all.
func matches(a args, name, value string) bool { return a[name] == nil || a.text(name) == value }

func (v view) collaborators(r *Repo, a args) any {
	var users []*User
	query := fold(a.text("query") + a.text("login"))
	for _, u := range v.users {
		if u.Type == "User" && r.listed(u) && strings.Contains(fold(u.Login+" "+u.Name), query) {
			users = append(users, u)
		}
	}
	users = people(users)
	c := list("RepositoryCollaborator", users, v.person)
	c.edge = func(i int) obj { return obj{"permission": strings.ToUpper(r.role(users[i]))} }
	return c.page(a)
}

// listed says whether somebody stands in the list of collaborators: whoever was granted something, and owners.
func (r *Repo) listed(u *User) bool {
	if rank(r.roles[u]) > 0 || u == r.Owner || r.Owner.members[u] == "admin" {
		return true
	}
	for _, t := range r.Owner.teams {
		if _, ok := t.repos[r]; ok && slices.Contains(t.all(false), u) {
			return true
		}
	}
	return false
}

func (v view) branch(r *Repo, name string) any {
	c := r.branches[name]
	if c == nil {
		return nil
	}
	return thing{"__typename": "Ref", "id": "REF_" + name, "name": name, "prefix": "refs/heads/",
		"target": func() any { return v.commit(r, c) }, "repository": func() any { return v.repository(r) },
		"associatedPullRequests": func(a args) any {
			open := slices.DeleteFunc(v.pulls(r, a), func(p *Pull) bool { return p.headRef != name || p.headRepo != r })
			return list("PullRequest", open, v.pull).page(a)
		}}
}

func (v view) tagRef(r *Repo, name string) any {
	t, ok := r.tags[name]
	if !ok {
		return nil
	}
	return thing{"__typename": "Ref", "id": "REF_" + name, "name": name, "prefix": "refs/tags/", "repository": func() any { return v.repository(r) },
		"target": func() any {
			if t.tag != nil {
				return v.tag(r, t.tag)
			}
			return v.commit(r, t.commit)
		}}
}

// refs lists branches or tags: by name, or by the date of the commit.
func (v view) refs(r *Repo, a args) any {
	type entry struct {
		name string
		at   int64
	}
	var refs []entry
	tags := strings.HasPrefix(a.text("refPrefix"), "refs/tags/")
	rest := strings.TrimPrefix(strings.TrimPrefix(a.text("refPrefix"), "refs/tags/"), "refs/heads/")
	if tags {
		for n, t := range r.tags {
			refs = append(refs, entry{n, t.commit.committer.At.Unix()})
		}
	} else {
		for n, c := range r.branches {
			refs = append(refs, entry{n, c.committer.At.Unix()})
		}
	}
	refs = slices.DeleteFunc(refs, func(e entry) bool {
		return !strings.HasPrefix(e.name, rest) || !strings.Contains(fold(e.name), fold(a.text("query")))
	})
	by := a.object("orderBy")
	sort.Slice(refs, func(i, j int) bool {
		x, y := refs[i], refs[j]
		if by.text("direction") == "DESC" || a.text("direction") == "DESC" {
			x, y = y, x
		}
		if by.text("field") == "TAG_COMMIT_DATE" && x.at != y.at {
			return x.at < y.at
		}
		return x.name < y.name
	})
	return list("Ref", refs, func(e entry) thing {
		of := v.branch
		if tags {
			of = v.tagRef
		}
		t, _ := of(r, e.name).(thing)
		t["name"] = strings.TrimPrefix(e.name, rest)
		return t
	}).page(a)
}

// object follows an id, or an expression: "REV", "REV:PATH".
func (v view) object(r *Repo, a args) any {
	if !v.who.may("contents", "read") {
		return fault{"FORBIDDEN", "Resource not accessible by integration"}
	}
	if id := a.text("oid"); id != "" {
		o := r.objects
		switch {
		case o.commits[id] != nil:
			return v.commit(r, o.commits[id])
		case o.blobs[id] != nil:
			return v.blob(r, o.blobs[id])
		case o.trees[id] != nil:
			return v.treeOf(r, o.trees[id], "")
		case o.tags[id] != nil:
			return v.tag(r, o.tags[id])
		}
		return nil
	}
	rev, path, isPath := strings.Cut(a.text("expression"), ":")
	if rev == "HEAD" {
		rev = r.Default
	}
	c := r.resolve(rev)
	switch {
	case c == nil && r.objects.trees[rev] != nil:
		if e, ok := r.objects.trees[rev].at(path); ok {
			return v.entryObject(r, e, path)
		}
		return nil
	case c == nil:
		return nil
	case !isPath:
		if t := r.tags[strings.TrimPrefix(rev, "refs/tags/")]; t.tag != nil && r.branches[rev] == nil {
			return v.tag(r, t.tag)
		}
		return v.commit(r, c)
	}
	e, ok := c.tree.at(path)
	if !ok {
		return nil
	}
	return v.entryObject(r, e, path)
}

func (v view) gitObject(r *Repo, kind, id string) thing {
	return thing{"__typename": kind, "id": kind[:1] + "_" + id, "oid": id, "abbreviatedOid": id[:min(7, len(id))],
		"repository": func() any { return v.repository(r) }}
}

func (v view) entryObject(r *Repo, e entry, path string) any {
	switch {
	case e.blob != nil:
		return v.blob(r, e.blob)
	case e.tree != nil:
		return v.treeOf(r, e.tree, path)
	}
	return nil // a submodule's commit lives elsewhere
}

// blobLimit is the size in bytes above which the text is cut, as GitHub does at half a megabyte.
const blobLimit = 512000

func (v view) blob(r *Repo, b *blob) thing {
	t := v.gitObject(r, "Blob", b.id)
	t["byteSize"], t["isBinary"], t["isTruncated"] = len(b.data), b.binary(), len(b.data) > blobLimit
	t["text"] = func() any {
		if b.binary() {
			return nil
		}
		return strings.ToValidUTF8(string(b.data[:min(len(b.data), blobLimit)]), "\uFFFD")
	}
	return t
}

func (v view) treeOf(r *Repo, t *tree, path string) thing {
	o := v.gitObject(r, "Tree", t.hash())
	o["entries"] = func() any {
		list := []thing{}
		for _, n := range t.names() {
			list = append(list, v.entry(r, t.entries[n], n, join(path, n)))
		}
		return list
	}
	return o
}

func join(folder, name string) string {
	if folder == "" {
		return name
	}
	return folder + "/" + name
}

func (v view) entry(r *Repo, e entry, name, path string) thing {
	var mode, size int
	fmt.Sscanf(e.mode, "%o", &mode)
	if e.blob != nil {
		size = len(e.blob.data)
	}
	return thing{"__typename": "TreeEntry", "mode": mode, "name": name, "oid": e.id(), "path": path, "size": size, "type": e.kind(),
		"object": func() any { return v.entryObject(r, e, path) }, "repository": func() any { return v.repository(r) }}
}

func (v view) tag(r *Repo, t *tag) thing {
	o := v.gitObject(r, "Tag", t.id)
	o["name"], o["message"] = t.name, t.message
	o["tagger"] = v.gitActor(t.tagger)
	o["target"] = func() any { return v.commit(r, t.target) }
	return o
}

func (v view) gitActor(s Signature) thing {
	return thing{"__typename": "GitActor", "name": s.Name, "email": s.Email, "date": s.At, "user": func() any {
		if u := v.author(s); u != nil && u.Type == "User" { // GraphQL shows no bot here
			return v.actor(u)
		}
		return nil
	}}
}
