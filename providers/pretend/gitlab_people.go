package pretend

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/sorting"
)

// labUserEndpoints are those of accounts and of the instance itself.
func labUserEndpoints() []labEndpoint {
	return []labEndpoint{
		{method: "GET", path: "/user", do: func(q *labRequest) reply { return ok(q.f.labUserWhole(q.who)) }},
		{method: "GET", path: "/users", do: labUsers},
		{method: "GET", path: "/users/{uid}", do: labOneUser},
		{method: "GET", path: "/version", do: labVersion},
		{method: "GET", path: "/metadata", do: labVersion},
		{method: "GET", path: "/personal_access_tokens/self", do: labTokenSelf},
	}
}

func labVersion(q *labRequest) reply {
	body := obj{"version": "18.6.0", "revision": "pretend"}
	if q.f.lab.licensed("premium") {
		body["version"] = "18.6.0-ee"
	}
	if strings.HasSuffix(q.URL.Path, "/metadata") {
		body["enterprise"], body["kas"] = q.f.lab.licensed("premium"), obj{"enabled": false, "externalUrl": nil, "version": nil}
	}
	return ok(body)
}

func labTokenSelf(q *labRequest) reply {
	return ok(obj{"id": q.who.ID, "name": "token of " + q.who.Name, "revoked": false, "active": true, "scopes": q.token.scopes, "user_id": q.who.ID,
		"created_at": labStamp(time.Unix(0, 0)), "expires_at": q.f.now().UTC().AddDate(0, 6, 0).Format(time.DateOnly)})
}

// labUsers finds accounts by their login, or searches in names and logins, and for the address that an account shows.
func labUsers(q *labRequest) reply {
	var list []*User
	for _, u := range q.f.users {
		login, search := fold(q.f.loginOf(u)), fold(q.in.text("search"))
		if u.Type != "Organization" && !u.Deleted && u.Login != "web-flow" && (!q.in.has("username") || login == fold(q.in.text("username"))) &&
			(search == "" || strings.Contains(login, search) || strings.Contains(fold(u.Name), search) || search == fold(q.f.shows(u))) {
			list = append(list, u)
		}
	}
	return labPage(q, people(list), nil, func(u *User) any { return q.f.labUser(u) })
}

// shows is the address that an account lets everybody see: people do, until they hide it, and bots do not.
func (f *Forge) shows(u *User) string {
	if u.Type == "Bot" || u.hidden {
		return ""
	}
	return u.Email
}

// HideEmail has an account show its address no more.
func (f *Forge) HideEmail(login string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.user(login, "").hidden = true
}

func labOneUser(q *labRequest) reply {
	u, found := q.f.byID[parse(q.PathValue("uid"))].(*User)
	if !found || u.Type == "Organization" || u.Deleted {
		return labLost("User")
	}
	return ok(q.f.labUserWhole(u))
}

// labUser says no more of an account than GitLab does in passing: not whether it is a bot.
func (f *Forge) labUser(u *User) any {
	if u == nil || u.Deleted || u.Login == "web-flow" {
		return obj{"id": f.lab.ghost, "username": "ghost", "public_email": "", "name": "Ghost User", "state": "active", "locked": false, "avatar_url": nil, "web_url": f.url + "/ghost"}
	}
	name := f.loginOf(u)
	return obj{"id": u.ID, "username": name, "public_email": f.shows(u), "name": u.Name, "state": "active", "locked": false, "avatar_url": nil, "web_url": f.url + "/" + name}
}

func (f *Forge) labUserWhole(u *User) any {
	o := f.labUser(u).(obj)
	o["bot"], o["created_at"], o["bio"] = u.Type == "Bot", "2026-01-01T00:00:00.000Z", ""
	return o
}

// hookUser is an account in a webhook: its mail address is not told.
func (f *Forge) hookUser(u *User) any {
	o := f.labUser(u).(obj)
	return obj{"id": o["id"], "name": o["name"], "username": o["username"], "avatar_url": nil, "email": "[REDACTED]"}
}

// member is somebody's place in a group or project.
type member struct {
	user  *User
	level int
}

// labMemberEndpoints are those of members.
func labMemberEndpoints() []labEndpoint {
	var list []labEndpoint
	for _, of := range []string{"/projects/{id}", "/groups/{id}"} {
		for _, all := range []bool{false, true} {
			path := of + "/members"
			if all {
				path += "/all"
			}
			list = append(list, labEndpoint{method: "GET", path: path, do: func(q *labRequest) reply {
				var found []member
				for _, m := range q.members(all) {
					if want := q.in.list("user_ids"); len(want) == 0 || slices.Contains(want, strconv.FormatInt(m.user.ID, 10)) {
						found = append(found, m)
					}
				}
				return labPage(q, found, nil, func(m member) any { return q.f.renderMember(m) })
			}}, labEndpoint{method: "GET", path: path + "/{uid}", do: func(q *labRequest) reply {
				for _, m := range q.members(all) {
					if m.user.ID == parse(q.PathValue("uid")) {
						return ok(q.f.renderMember(m))
					}
				}
				return labLost("")
			}})
		}
	}
	return list
}

// members are those of the project or group of the path: its own, or with all that it inherits.
func (q *labRequest) members(all bool) []member {
	if q.repo != nil {
		return q.f.membersOf(q.repo, all)
	}
	return q.f.membersIn(q.group, all)
}

func (f *Forge) renderMember(m member) any {
	o := f.labUser(m.user).(obj)
	o["access_level"], o["created_at"], o["expires_at"], o["membership_state"] = m.level, "2026-01-01T00:00:00.000Z", nil, "active"
	return o
}

// levelOf is the level that a role of the domain stands for.
func levelOf(role string) int {
	return map[string]int{"read": guest, "triage": reporter, "write": developer, "maintain": maintainer, "admin": owner}[role]
}

// highest keeps each account once, with the highest level that it has, by id; deleted ones are no members.
func highest(list []member) (out []member) {
	best := map[*User]int{}
	for _, m := range list {
		if m.user != nil && !m.user.Deleted && m.level > 0 {
			best[m.user] = max(best[m.user], m.level)
		}
	}
	for u, level := range best {
		out = append(out, member{u, level})
	}
	sorting.By(out, func(a, b member) int { return int(a.user.ID - b.user.ID) })
	return out
}

// membersOf are the members of a project: its own; with all also those of the groups that it lies in or was shared with.
func (f *Forge) membersOf(r *Repo, all bool) []member {
	var list []member
	for u, role := range r.roles {
		list = append(list, member{u, levelOf(role)})
	}
	if r.Owner.members == nil {
		list = append(list, member{r.Owner, owner})
	}
	if in := f.installs[fold(r.Owner.Login)]; in.covers(r) && !in.Suspended && len(in.Repos) > 0 {
		list = append(list, member{f.app.Bot, maintainer})
	}
	if !all {
		return highest(list)
	}
	if g := f.labGroupOf(parent(r.Name)); g != nil {
		list = append(list, f.inherited(f.membersIn(g, true))...)
	}
	for _, t := range r.Owner.teams {
		for _, u := range t.all(false) {
			list = append(list, member{u, levelOf(t.repos[r])})
		}
	}
	return highest(list)
}

// inherited leaves out who has but minimal access, which goes no deeper.
func (f *Forge) inherited(list []member) []member {
	return slices.DeleteFunc(list, func(m member) bool { return m.level <= minimal })
}

// levelOn is what an account may do on a project, as a number.
func (f *Forge) levelOn(r *Repo, u *User) int {
	for _, m := range f.membersOf(r, true) {
		if m.user == u {
			return m.level
		}
	}
	return 0
}

// labSees says whether the project exists for somebody.
func (f *Forge) labSees(r *Repo, u *User) bool {
	return f.repos[fold(r.Name)] == r && (!r.Private || f.levelOn(r, u) >= guest)
}

// labRepo is the project of a number or of a path.
func (f *Forge) labRepo(id string) *Repo {
	if r, found := f.byID[parse(id)].(*Repo); found && !strings.Contains(id, "/") {
		return r
	}
	return f.repos[fold(id)]
}

func parent(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return ""
}

// named is a reply with no body.
func empty(status int) reply { return reply{status: status} }

var noContent = empty(http.StatusNoContent)
