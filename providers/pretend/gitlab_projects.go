package pretend

import (
	"fmt"
	"net/http"
	"strings"
)

// labProjectEndpoints are those of projects and groups.
func labProjectEndpoints() []labEndpoint {
	return []labEndpoint{
		{method: "GET", path: "/projects", do: labProjects},
		{method: "GET", path: "/projects/{id}", do: func(q *labRequest) reply { return ok(q.f.renderProject(q.repo, q.who)) }},
		{method: "PUT", path: "/projects/{id}", level: maintainer, do: putProject},
		{method: "GET", path: "/projects/{id}/labels", do: labLabels},
		{method: "GET", path: "/groups", do: labGroups},
		{method: "GET", path: "/groups/{id}", do: func(q *labRequest) reply { return ok(q.f.renderGroup(q.group)) }},
		{method: "GET", path: "/groups/{id}/projects", do: groupProjects},
		{method: "GET", path: "/groups/{id}/subgroups", do: subgroups},
	}
}

// labProjects lists what the caller sees; membership=true: what he is a member of.
func labProjects(q *labRequest) reply {
	var list []*Repo
	for _, r := range q.f.sortedRepos() {
		level := q.f.levelOn(r, q.who)
		if q.f.labSees(r, q.who) && (!q.in.flag("membership") || level > 0) && level >= int(q.in.number("min_access_level")) {
			list = append(list, r)
		}
	}
	return labPage(q, list, func(r *Repo) string { return fmt.Sprint(r.ID) }, func(r *Repo) any { return q.f.renderProject(r, q.who) })
}

func groupProjects(q *labRequest) reply {
	var list []*Repo
	for _, r := range q.f.sortedRepos() {
		if q.group.holds(r) && q.f.labSees(r, q.who) && (q.in.flag("include_subgroups") || fold(parent(r.Name)) == fold(q.group.path)) &&
			(!q.in.has("archived") || r.Archived == q.in.flag("archived")) {
			list = append(list, r)
		}
	}
	return labPage(q, list, nil, func(r *Repo) any { return q.f.renderProject(r, q.who) })
}

// groupPaths are all groups that there are, by path.
func (f *Forge) groupPaths() []string {
	paths := map[string]bool{}
	for _, u := range f.users {
		if u.members != nil {
			paths[u.Login] = true
			for slug := range u.teams {
				paths[u.Login+"/"+slug] = true
			}
		}
	}
	for _, r := range f.repos {
		for p := parent(r.Name); p != "" && r.Owner.members != nil; p = parent(p) {
			paths[p] = true
		}
	}
	return sortedLogins(paths)
}

func labGroups(q *labRequest) reply {
	var list []*labGroup
	for _, path := range q.f.groupPaths() {
		if g := q.f.labGroupOf(path); q.f.labSeesGroup(g, q.who) && q.f.levelIn(g, q.who) >= int(q.in.number("min_access_level")) &&
			strings.Contains(fold(g.path), fold(q.in.text("search"))) && !(q.in.flag("top_level_only") && strings.Contains(g.path, "/")) {
			list = append(list, g)
		}
	}
	return labPage(q, list, nil, func(g *labGroup) any { return q.f.renderGroup(g) })
}

func subgroups(q *labRequest) reply {
	var list []*labGroup
	for _, path := range q.f.groupPaths() {
		if fold(parent(path)) == fold(q.group.path) {
			list = append(list, q.f.labGroupOf(path))
		}
	}
	return labPage(q, list, nil, func(g *labGroup) any { return q.f.renderGroup(g) })
}

// passes says whether "pipelines must succeed" is ticked: where it was not set, it is, once a branch requires anything.
func (f *Forge) passes(r *Repo) bool {
	if p := f.project(r); p.mustPass != nil {
		return *p.mustPass
	}
	for _, required := range r.required {
		if len(required) > 0 {
			return true
		}
	}
	return false
}

func (f *Forge) visibility(r *Repo) string {
	if r.Private {
		return "private"
	}
	return "public"
}

func (f *Forge) renderProject(r *Repo, who *User) obj {
	p, short := f.project(r), r.Name[strings.LastIndexByte(r.Name, '/')+1:]
	o := obj{"id": r.ID, "name": short, "path": short, "path_with_namespace": r.Name, "name_with_namespace": strings.ReplaceAll(r.Name, "/", " / "), "description": nil,
		"default_branch": r.Default, "visibility": f.visibility(r), "archived": r.Archived, "empty_repo": len(r.branches) == 0, "created_at": labStamp(r.Created),
		"web_url": f.url + "/" + r.Name, "http_url_to_repo": f.url + "/" + r.Name + ".git", "ssh_url_to_repo": "git@gitlab.example:" + r.Name + ".git", "avatar_url": nil,
		"namespace": f.renderNamespace(r), "merge_requests_enabled": true, "jobs_enabled": true, "builds_access_level": "enabled", "repository_access_level": "enabled", "merge_requests_access_level": "enabled", "ci_config_path": "",
		"only_allow_merge_if_pipeline_succeeds": f.passes(r), "allow_merge_on_skipped_pipeline": p.skippedPasses, "only_allow_merge_if_all_discussions_are_resolved": p.threads,
		"merge_method": "merge", "squash_option": "default_off", "remove_source_branch_after_merge": true, "merge_trains_enabled": p.trains, "merge_pipelines_enabled": p.trains}
	if r.parent != nil && f.repos[fold(r.parent.Name)] == r.parent {
		o["forked_from_project"] = obj{"id": r.parent.ID, "path_with_namespace": r.parent.Name, "web_url": f.url + "/" + r.parent.Name}
	}
	if f.lab.licensed("premium") {
		o["approvals_before_merge"] = p.approvals
	}
	if f.lab.licensed("ultimate") {
		o["only_allow_merge_if_all_status_checks_passed"] = p.allChecks
	}
	access := func(list []member) any {
		for _, m := range list {
			if m.user == who {
				return obj{"access_level": m.level, "notification_level": 3}
			}
		}
		return nil
	}
	var in any
	if g := f.labGroupOf(parent(r.Name)); g != nil {
		in = access(f.inherited(f.membersIn(g, true)))
	}
	o["permissions"] = obj{"project_access": access(f.membersOf(r, false)), "group_access": in}
	return o
}

func (f *Forge) renderNamespace(r *Repo) any {
	path := parent(r.Name)
	o := obj{"id": r.Owner.ID, "name": path, "path": path[strings.LastIndexByte(path, '/')+1:], "kind": "user", "full_path": path, "parent_id": nil, "avatar_url": nil, "web_url": f.url + "/" + path}
	if g := f.labGroupOf(path); g != nil {
		o["id"], o["kind"], o["web_url"] = g.id, "group", f.url+"/groups/"+path
	}
	return o
}

// hookProject is a project as webhooks tell of it.
func (f *Forge) hookProject(r *Repo) any {
	if r == nil {
		return nil
	}
	web := f.url + "/" + r.Name
	return obj{"id": r.ID, "name": r.Name[strings.LastIndexByte(r.Name, '/')+1:], "description": nil, "web_url": web, "avatar_url": nil, "git_ssh_url": "git@gitlab.example:" + r.Name + ".git",
		"git_http_url": web + ".git", "namespace": parent(r.Name), "visibility_level": map[bool]int{true: 0, false: 20}[r.Private], "path_with_namespace": r.Name,
		"default_branch": r.Default, "ci_config_path": "", "homepage": web, "url": web + ".git", "ssh_url": "git@gitlab.example:" + r.Name + ".git", "http_url": web + ".git"}
}

func putProject(q *labRequest) reply {
	p := q.f.project(q.repo)
	set := func(name string, to *bool) {
		if q.in.has(name) {
			*to = q.in.flag(name)
		}
	}
	if q.in.has("only_allow_merge_if_pipeline_succeeds") {
		on := q.in.flag("only_allow_merge_if_pipeline_succeeds")
		p.mustPass = &on
	}
	set("allow_merge_on_skipped_pipeline", &p.skippedPasses)
	set("only_allow_merge_if_all_discussions_are_resolved", &p.threads)
	set("merge_trains_enabled", &p.trains)
	if q.f.lab.licensed("ultimate") {
		set("only_allow_merge_if_all_status_checks_passed", &p.allChecks)
	}
	if b := q.in.text("default_branch"); b != "" {
		if q.repo.branches[b] == nil {
			return labRefuse(http.StatusBadRequest, obj{"base": []string{"Could not change HEAD: branch '" + b + "' does not exist"}})
		}
		q.repo.Default = b
	}
	return ok(q.f.renderProject(q.repo, q.who))
}

// labels of a project are those that its merge requests ever carried.
func labLabels(q *labRequest) reply {
	p := q.f.project(q.repo)
	for _, pull := range q.repo.pulls {
		for _, l := range pull.labels {
			q.f.labelID(q.repo, l.Name)
		}
	}
	return labPage(q, sortedLogins(p.labels), nil, func(name string) any {
		return obj{"id": p.labels[name], "name": name, "color": "#6699cc", "text_color": "#FFFFFF", "description": nil, "is_project_label": true, "priority": nil}
	})
}

// labelID is the number of a project's label, which is the same at all merge requests.
func (f *Forge) labelID(r *Repo, name string) int64 {
	p := f.project(r)
	if p.labels[name] == 0 {
		p.labels[name] = f.id()
	}
	return p.labels[name]
}

// SettleProject sets what a project's page of settings says: how merges are held back beside required checks.
func (f *Forge) SettleProject(repo string, s ProjectSettings) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return err
	}
	p := f.project(r)
	p.resetOnPush, p.threads, p.allChecks, p.trains, p.approvals, p.skippedPasses = s.ResetOnPush, s.Threads, s.StatusChecks, s.Trains, s.Approvals, s.SkippedPasses
	return nil
}

// ProjectSettings are those of a project at GitLab.
type ProjectSettings struct {
	ResetOnPush   bool // approvals go when commits come
	Threads       bool // all threads must be resolved
	StatusChecks  bool // external status checks must succeed
	Trains        bool // merge trains and pipelines for merged results
	Approvals     int  // of anybody, before merging
	SkippedPasses bool // a skipped pipeline counts as one that succeeded
}
