package pretend

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/patterns"
)

// guard is what protects an environment: who may deploy there, and whose approvals each deployment needs.
type guard struct {
	name   string
	deploy []*guardRule
	rules  []*guardRule
}

// guardRule names an account, a group or a level; an approval rule also how many of them.
type guardRule struct {
	id       int64
	user     *User
	group    *labGroup
	level    int
	required int
}

// freeze is a time in which nothing is to be deployed, as two cron expressions.
type freeze struct {
	id               int64
	start, end, zone string
	at               time.Time
}

var placeName = patterns.New(`^[A-Za-z0-9_/${}. -]+$`)

func goodPlace(name string) bool {
	return placeName.MatchString(name) && len(name) <= 255 && !strings.HasPrefix(name, "/") && !strings.HasSuffix(name, "/")
}

// labEnvironmentEndpoints are those of environments and what protects them.
func labEnvironmentEndpoints() []labEndpoint {
	const project = "/projects/{id}"
	return []labEndpoint{
		{method: "GET", path: project + "/environments", level: reporter, do: labPlaces},
		{method: "GET", path: project + "/environments/{eid}", level: reporter, do: labPlace},
		{method: "POST", path: project + "/environments", level: developer, do: postPlace},
		{method: "GET", path: project + "/protected_environments", level: developer, do: guards},
		{method: "GET", path: project + "/protected_environments/{name}", level: developer, do: oneGuard},
		{method: "GET", path: "/groups/{id}/protected_environments", level: maintainer, do: tierGuards},
		{method: "GET", path: project + "/freeze_periods", level: reporter, do: func(q *labRequest) reply {
			return labPage(q, q.f.project(q.repo).freezes, nil, renderFreeze)
		}},
	}
}

// protections are all that protect an environment: its own, and those of its tier by the groups above.
func (f *Forge) protections(r *Repo, name string) (all []*guard) {
	if !f.lab.licensed("premium") {
		return nil
	}
	if g := f.project(r).guards[name]; g != nil {
		all = append(all, g)
	}
	for up := parent(r.Name); up != ""; up = parent(up) {
		if g := f.labGroupOf(up); g != nil && g.tiers[tierOf(name)] != nil {
			all = append(all, g.tiers[tierOf(name)])
		}
	}
	return all
}

// guarded has the approval rules of all that protects an environment.
func (f *Forge) guarded(r *Repo, name string) *guard {
	all := &guard{name: name}
	for _, g := range f.protections(r, name) {
		all.rules = append(all.rules, g.rules...)
	}
	return all
}

// GuardTier has a group ask for an approval by each of these accounts before anything is deployed to environments of a tier, in its
// projects and in those of the groups below it; without any, it protects them no more.
func (f *Forge) GuardTier(group, tier string, approvers ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.labGroupOf(group)
	if g == nil || !f.lab.licensed("premium") {
		return fmt.Errorf("protect the tier %q of %q: %w", tier, group, ErrRefused)
	}
	if g.tiers == nil {
		g.tiers = map[string]*guard{}
	}
	if delete(g.tiers, tier); len(approvers) == 0 {
		return nil
	}
	x := &guard{name: tier, deploy: []*guardRule{{id: f.id(), level: developer}}}
	for _, login := range approvers {
		who := f.app.Bot
		if login != f.app.Slug {
			who = f.user(login, "")
		}
		x.rules = append(x.rules, &guardRule{id: f.id(), user: who, required: 1})
	}
	g.tiers[tier] = x
	return nil
}

func (g *guard) wanted() (n int) {
	for _, r := range g.rules {
		n += r.required
	}
	return n
}

func (r *guardRule) allows(f *Forge, repo *Repo, who *User) bool {
	switch {
	case r.user != nil:
		return r.user == who
	case r.group != nil:
		return f.levelIn(r.group, who) >= developer
	}
	return f.levelOn(repo, who) >= r.level
}

// mayDeploy says whether somebody may deploy to an environment.
func (f *Forge) mayDeploy(r *Repo, name string, who *User) bool {
	barred := func(g *guard) bool {
		return !slices.ContainsFunc(g.deploy, func(x *guardRule) bool { return x.allows(f, r, who) })
	}
	return f.levelOn(r, who) >= developer && !slices.ContainsFunc(f.protections(r, name), barred)
}

// labEnvironment is Environment at GitLab: the App's rule is an approval rule for its account, and each reviewer has one of
// his own. GitLab knows no time to wait, and without a licence it protects no environments.
func (f *Forge) labEnvironment(r *Repo, p Environment) error {
	switch {
	case p.Wait > 0:
		return refusedAct("GitLab's environments have no time to wait")
	case len(p.Rules)+len(p.Reviewers) > 0 && !f.lab.licensed("premium"):
		return refusedAct("protected environments need a licence")
	case !goodPlace(p.Name):
		return fmt.Errorf("environment %q: %w", p.Name, ErrRefused)
	}
	f.environment(r, p.Name)
	s := f.project(r)
	if len(p.Rules)+len(p.Reviewers) == 0 {
		delete(s.guards, p.Name)
		return nil
	}
	g := &guard{name: p.Name, deploy: []*guardRule{{id: f.id(), level: developer}}}
	for _, slug := range p.Rules {
		g.rules = append(g.rules, &guardRule{id: f.id(), user: f.appNamed(slug).Bot, required: 1})
	}
	for _, login := range p.Reviewers {
		g.rules = append(g.rules, &guardRule{id: f.id(), user: f.user(login, ""), required: 1})
	}
	s.guards[p.Name] = g
	return nil
}

// Freeze makes a freeze period of a repository: cron expressions of its beginning and its end, and their time zone.
func (f *Forge) Freeze(repo, start, end, zone string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return err
	}
	s := f.project(r)
	s.freezes = append(s.freezes, &freeze{id: f.id(), start: start, end: end, zone: or(zone, "UTC"), at: f.at()})
	return nil
}

// Thaw takes all freeze periods away.
func (f *Forge) Thaw(repo string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err == nil {
		f.project(r).freezes = nil
	}
	return err
}

func renderFreeze(x *freeze) any {
	return obj{"id": x.id, "freeze_start": x.start, "freeze_end": x.end, "cron_timezone": x.zone, "created_at": labStamp(x.at), "updated_at": labStamp(x.at)}
}

func tierOf(name string) string {
	switch n := fold(name); {
	case strings.Contains(n, "dev") || strings.Contains(n, "review"):
		return "development"
	case strings.Contains(n, "test") || strings.Contains(n, "qa"):
		return "testing"
	case strings.Contains(n, "stag") || strings.Contains(n, "pre"):
		return "staging"
	case strings.Contains(n, "prod") || strings.Contains(n, "live"):
		return "production"
	}
	return "other"
}

func slugOf(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, fold(name)), "-")
}

func (f *Forge) renderLabPlace(_ *Repo, e *environment) obj {
	return obj{"id": e.id, "name": e.name, "slug": slugOf(e.name), "description": nil, "external_url": nil, "created_at": labStamp(e.created), "updated_at": labStamp(e.updated),
		"tier": tierOf(e.name), "state": "available", "auto_stop_at": nil, "auto_stop_setting": "always"}
}

func labPlaces(q *labRequest) reply {
	list := slices.DeleteFunc(q.repo.sortedEnvironments(), func(e *environment) bool {
		return q.in.has("name") && e.name != q.in.text("name") || q.in.has("search") && !strings.Contains(fold(e.name), fold(q.in.text("search")))
	})
	return labPage(q, list, nil, func(e *environment) any { return q.f.renderLabPlace(q.repo, e) })
}

// labPlace tells of one environment, with the newest deployment that succeeded there.
func labPlace(q *labRequest) reply {
	for _, e := range q.repo.sortedEnvironments() {
		if e.id != parse(q.PathValue("eid")) {
			continue
		}
		o := q.f.renderLabPlace(q.repo, e)
		o["last_deployment"] = nil
		for _, d := range q.repo.deployments {
			if d.environment == e.name && q.f.lab.places[d].status == "success" {
				last := q.f.renderDeployed(d)
				delete(last, "environment")
				o["last_deployment"] = last
			}
		}
		return ok(o)
	}
	return labLost("")
}

func postPlace(q *labRequest) reply {
	name := q.in.text("name")
	switch {
	case name == "":
		return labWrong("name is missing")
	case !goodPlace(name):
		return labRefuse(http.StatusBadRequest, obj{"name": []string{"can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces, but it cannot start or end with '/'"}})
	case q.repo.environments[name] != nil:
		return labRefuse(http.StatusBadRequest, obj{"name": []string{"has already been taken"}})
	}
	return made(q.f.renderLabPlace(q.repo, q.f.environment(q.repo, name)))
}

func (f *Forge) renderGuardRule(r *guardRule) obj {
	o := obj{"id": r.id, "user_id": nil, "group_id": nil, "access_level": nil, "access_level_description": "", "required_approvals": r.required, "group_inheritance_type": 0}
	switch {
	case r.user != nil:
		o["user_id"], o["access_level_description"] = r.user.ID, r.user.Name
	case r.group != nil:
		o["group_id"], o["access_level_description"] = r.group.id, r.group.path
	default:
		o["access_level"], o["access_level_description"] = r.level, map[int]string{developer: "Developers + Maintainers", maintainer: "Maintainers"}[r.level]
	}
	return o
}

func (f *Forge) renderGuard(g *guard) any {
	levels := []any{}
	for _, r := range g.deploy {
		o := f.renderGuardRule(r)
		delete(o, "required_approvals")
		levels = append(levels, o)
	}
	return obj{"name": g.name, "deploy_access_levels": levels, "required_approval_count": 0, "approval_rules": rendered(g.rules, func(r *guardRule) any { return f.renderGuardRule(r) })}
}

func guards(q *labRequest) reply {
	if !q.f.lab.licensed("premium") {
		return labLost("")
	}
	s := q.f.project(q.repo)
	return labPage(q, sortedLogins(s.guards), nil, func(name string) any { return q.f.renderGuard(s.guards[name]) })
}

func tierGuards(q *labRequest) reply {
	if !q.f.lab.licensed("premium") {
		return labLost("")
	}
	return labPage(q, sortedLogins(q.group.tiers), nil, func(tier string) any { return q.f.renderGuard(q.group.tiers[tier]) })
}

func oneGuard(q *labRequest) reply {
	g := q.f.project(q.repo).guards[q.PathValue("name")]
	if g == nil || !q.f.lab.licensed("premium") {
		return labLost("")
	}
	return ok(q.f.renderGuard(g))
}
