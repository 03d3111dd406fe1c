package pretend

import (
	"fmt"
	"slices"
)

// User is an account: a person, a bot or an organisation.
type User struct {
	ID          int64
	Login       string
	Name, Email string
	Type        string // User, Bot, Organization, Mannequin
	Deleted     bool   // the forge shows it as ghost, or not at all
	hidden      bool   // its address

	members map[*User]string // of an organisation: admin or member
	teams   map[string]*Team // by slug
}

// Team is one of an organisation. Members of its children are its members too.
type Team struct {
	ID         int64
	Slug, Name string
	Org        *User
	Parent     *Team
	members    []*User
	repos      map[*Repo]string
}

// User returns the account with the login, made if it is new: "dependabot[bot]" makes a bot.
func (f *Forge) User(login string) User {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *f.user(login, "")
}

func (f *Forge) user(login, kind string) *User {
	u := f.users[fold(login)]
	if u == nil {
		u = &User{ID: f.id(), Login: login, Type: "User", Name: login, Email: fold(login) + "@example.com"}
		if n := len(login) - len("[bot]"); n > 0 && login[n:] == "[bot]" {
			u.Type, u.Email = "Bot", fmt.Sprintf("%d+%s@users.noreply.github.com", u.ID, login)
		}
		f.users[fold(login)] = u
		f.keep(u.ID, u)
	}
	if kind != "" {
		u.Type = kind
	}
	return u
}

// Describe sets the name and mail address that an account commits under. The forge knows commits by the address.
func (f *Forge) Describe(login, name, email string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.user(login, "")
	u.Name, u.Email = name, email
}

// Rename gives an account another login; its id stays.
func (f *Forge) Rename(login, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.users[fold(login)]
	if u == nil || f.users[fold(to)] != nil {
		return fmt.Errorf("rename %s to %s: %w", login, to, ErrRefused)
	}
	delete(f.users, fold(login))
	u.Login = to
	f.users[fold(to)] = u
	return nil
}

// Delete closes an account: what it did stays, its name goes.
func (f *Forge) Delete(login string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.user(login, "")
	u.Deleted = true
	delete(f.users, fold(login))
}

// Org makes an organisation, or adds members to it. A login as "ana:admin" makes an owner.
func (f *Forge) Org(login string, members ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	org := f.org(login)
	for _, m := range members {
		name, role := splitRole(m, "member")
		org.members[f.user(name, "")] = role
	}
}

func (f *Forge) org(login string) *User {
	org := f.user(login, "Organization")
	if org.members == nil {
		org.members, org.teams = map[*User]string{}, map[string]*Team{}
	}
	return org
}

func splitRole(s, role string) (string, string) {
	for i := len(s) - 1; i > 0; i-- {
		if s[i] == ':' {
			return s[:i], s[i+1:]
		}
	}
	return s, role
}

// Team makes a team "acme/dba", or sets its members; parent is the slug of the team above it, or "".
func (f *Forge) Team(name, parent string, members ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	owner, slug, ok := cut(name)
	if !ok {
		return fmt.Errorf("team %q: want org/slug: %w", name, ErrRefused)
	}
	org := f.org(owner)
	t := org.teams[slug]
	if t == nil {
		t = &Team{ID: f.id(), Slug: slug, Name: slug, Org: org, repos: map[*Repo]string{}}
		org.teams[slug] = t
		f.keep(t.ID, t)
	}
	if parent != "" {
		if t.Parent = org.teams[parent]; t.Parent == nil {
			return fmt.Errorf("team %q: parent %q: %w", name, parent, ErrUnknown)
		}
	}
	t.members = nil
	for _, m := range members {
		u := f.user(m, "")
		t.members = append(t.members, u)
		if _, in := org.members[u]; !in {
			org.members[u] = "member"
		}
	}
	return nil
}

// all are the members of the team and of those below it, by id, deleted ones left out.
func (t *Team) all(immediate bool) []*User {
	var list []*User
	for _, u := range t.Org.teams {
		in := u == t
		for p := u.Parent; p != nil && !immediate; p = p.Parent {
			in = in || p == t
		}
		if in {
			list = append(list, u.members...)
		}
	}
	return people(list)
}

// people sorts by id and leaves out doubles and deleted accounts.
func people(list []*User) []*User {
	list = slices.DeleteFunc(slices.Clone(list), func(u *User) bool { return u.Deleted })
	slices.SortFunc(list, func(a, b *User) int { return int(a.ID - b.ID) })
	return slices.Compact(list)
}

func (u *User) memberList() []*User {
	var list []*User
	for m := range u.members {
		list = append(list, m)
	}
	return people(list)
}

func (u *User) team(slug string) *Team { return u.teams[slug] }

// Grant gives somebody a role on a repository: read, triage, write, maintain, admin, or none to take it away.
func (f *Forge) Grant(repo, login, role string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return err
	}
	if rank(role) < 0 {
		return fmt.Errorf("grant %s on %s: role %q: %w", login, repo, role, ErrRefused)
	}
	r.roles[f.user(login, "")] = role
	return nil
}

// GrantTeam gives a team a role on a repository.
func (f *Forge) GrantTeam(repo, team, role string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return err
	}
	owner, slug, _ := cut(team)
	t := f.org(owner).teams[slug]
	if t == nil {
		return fmt.Errorf("team %q: %w", team, ErrUnknown)
	}
	t.repos[r] = role
	return nil
}

func rank(role string) int {
	return slices.Index([]string{"none", "read", "triage", "write", "maintain", "admin"}, role)
}

// role is what somebody may do on a repository: the highest of what is granted to him, his teams, owners, and everybody.
func (r *Repo) role(u *User) string {
	best := "none"
	if !r.Private {
		best = "read"
	}
	if u == nil || u.Deleted {
		return best
	}
	better := func(role string) {
		if rank(role) > rank(best) {
			best = role
		}
	}
	better(r.roles[u])
	if u == r.Owner || r.Owner.members[u] == "admin" {
		better("admin")
	}
	for _, t := range r.Owner.teams {
		if role, ok := t.repos[r]; ok && slices.Contains(t.all(false), u) {
			better(role)
		}
	}
	return best
}

// legacy is the word that the REST API uses for a role: triage is read, maintain is write.
func legacy(role string) string {
	switch role {
	case "triage":
		return "read"
	case "maintain":
		return "write"
	}
	return role
}

func cut(name string) (owner, rest string, ok bool) {
	for i := range name {
		if name[i] == '/' {
			return name[:i], name[i+1:], i > 0 && i+1 < len(name)
		}
	}
	return "", name, false
}
