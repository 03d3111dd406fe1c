package pretend

import (
	"fmt"
	"strings"
)

// labGroup is a group: an organisation, one of its teams, or a folder of projects that somebody named.
type labGroup struct {
	id    int64
	path  string // acme/platform
	org   *User  // acme, of the first
	team  *Team
	own   map[*User]int     // levels of a folder's members
	tiers map[string]*guard // what it protects in all its projects, by tier
}

// labGroupOf is the group of a number or of a path, or nil. The folders that projects lie in are groups.
func (f *Forge) labGroupOf(id string) *labGroup {
	switch x := f.byID[parse(id)].(type) {
	case *User:
		id = x.Login
	case *Team:
		id = x.Org.Login + "/" + x.Slug
	case *labGroup:
		id = x.path
	}
	path := fold(strings.Trim(id, "/"))
	if g := f.lab.groups[path]; g != nil {
		return g
	}
	top, rest, deeper := strings.Cut(path, "/")
	org := f.users[top]
	if org == nil || org.members == nil {
		return nil
	}
	g := &labGroup{id: org.ID, path: org.Login, org: org}
	if deeper {
		if g.team = org.teams[rest]; g.team != nil {
			g.id, g.path = g.team.ID, org.Login+"/"+g.team.Slug
		} else if name := f.folder(path); name != "" {
			g.id, g.path = f.id(), name
			f.keep(g.id, g)
		} else {
			return nil
		}
	}
	f.lab.groups[path] = g
	return g
}

// folder is the path as projects have it that lie in it, or "".
func (f *Forge) folder(path string) string {
	for name, r := range f.repos {
		if strings.HasPrefix(name, path+"/") {
			return r.Name[:len(path)]
		}
	}
	return ""
}

// Subgroup makes a folder of projects, acme/platform, or sets its members: "ana:maintain"; without a role they may write.
func (f *Forge) Subgroup(path string, members ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	top, _, deeper := cut(path)
	if !deeper || f.lab == nil {
		return fmt.Errorf("subgroup %q: %w", path, ErrRefused)
	}
	org := f.org(top)
	g := f.labGroupOf(path)
	if g == nil {
		g = &labGroup{id: f.id(), path: path, org: org}
		f.keep(g.id, g)
		f.lab.groups[fold(path)] = g
	}
	g.own = map[*User]int{}
	for _, m := range members {
		name, role := splitRole(m, "write")
		g.own[f.user(name, "")] = levelOf(role)
	}
	return nil
}

// membersIn are the members of a group: its own; with all also those of the groups above it, and of the groups that were
// invited into it, which is how the domain's teams below a team are members of that too. Members of the organisation
// who own nothing have minimal access, which is inherited nowhere.
func (f *Forge) membersIn(g *labGroup, all bool) []member {
	var list []member
	switch {
	case g.team != nil:
		for _, u := range g.team.all(!all) {
			list = append(list, member{u, developer})
		}
	case strings.Contains(g.path, "/"):
		for u, level := range g.own {
			list = append(list, member{u, level})
		}
	default:
		for u, role := range g.org.members {
			list = append(list, member{u, map[bool]int{true: owner, false: minimal}[role == "admin"]})
		}
		if in := f.installs[fold(g.org.Login)]; in != nil && !in.Suspended && len(in.Repos) == 0 {
			list = append(list, member{f.app.Bot, maintainer})
		}
	}
	if up := parent(g.path); all && up != "" {
		if above := f.labGroupOf(up); above != nil {
			list = append(list, f.inherited(f.membersIn(above, true))...)
		}
	}
	return highest(list)
}

func (f *Forge) levelIn(g *labGroup, u *User) int {
	for _, m := range f.membersIn(g, true) {
		if m.user == u {
			return m.level
		}
	}
	return 0
}

// labSeesGroup says whether a group exists for somebody: groups are private.
func (f *Forge) labSeesGroup(g *labGroup, u *User) bool { return f.levelIn(g, u) > 0 }

func (f *Forge) renderGroup(g *labGroup) any {
	var up any
	if above := f.labGroupOf(parent(g.path)); above != nil {
		up = above.id
	}
	name := g.path[strings.LastIndexByte(g.path, '/')+1:]
	return obj{"id": g.id, "name": name, "path": name, "full_path": g.path, "full_name": strings.ReplaceAll(g.path, "/", " / "), "parent_id": up, "visibility": "private",
		"description": "", "web_url": f.url + "/groups/" + g.path, "avatar_url": nil, "created_at": "2026-01-01T00:00:00.000Z", "share_with_group_lock": false,
		"require_two_factor_authentication": false, "project_creation_level": "developer", "default_branch": nil, "lfs_enabled": true, "request_access_enabled": true}
}

// below says whether a project lies in the group.
func (g *labGroup) holds(r *Repo) bool { return strings.HasPrefix(fold(r.Name), fold(g.path)+"/") }
