package pretend

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// environment is a place to deploy to. One that a deployment names is there, and unprotected.
type environment struct {
	id               int64
	name             string
	created, updated time.Time
	reviewers        []*User
	reviewID, waitID int64 // of the rules, for those who read them
	wait             int   // minutes
	noBypass         bool  // admins have to wait as everybody does
	rules            []*customRule
}

// customRule lets an App say whether a job may enter.
type customRule struct {
	id  int64
	app *App
}

// rulesLimit is how many custom rules an environment may have.
const rulesLimit = 6

// environment is the one with the name, in any case, made when it is new.
func (f *Forge) environment(r *Repo, name string) *environment {
	key := fold(name)
	if f.lab != nil {
		key = name // GitLab tells cases apart
	}
	e := r.environments[key]
	if e == nil {
		e = &environment{id: f.id(), name: name, created: f.at(), updated: f.at(), reviewID: f.id(), waitID: f.id()}
		r.environments[key] = e
		f.keep(e.id, e)
	}
	return e
}

func (r *Repo) sortedEnvironments() []*environment {
	var list []*environment
	for _, name := range sortedLogins(r.environments) {
		list = append(list, r.environments[name])
	}
	return list
}

// appNamed is the App under test, by its slug, or another.
func (f *Forge) appNamed(slug string) *App {
	if slug == f.app.Slug {
		return f.app
	}
	return f.other(slug)
}

// Environment is how an environment is protected.
type Environment struct {
	Repo      string
	Name      string
	Rules     []string // slugs of the Apps whose custom rules it has
	Reviewers []string // logins, one of whom has to approve
	Wait      int      // minutes, up to 30 days
	NoBypass  bool     // admins may not bypass; the forge lets them unless told not to
}

// Environment makes an environment, or replaces all of its protection. Jobs that wait already go on waiting for what
// they met. Nobody is told: the forge has no webhook for it.
func (f *Forge) Environment(p Environment) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(p.Repo)
	if err != nil {
		return err
	}
	if p.Name == "" || len(p.Name) > 255 || len(p.Rules) > rulesLimit || len(p.Reviewers) > 6 || p.Wait < 0 || p.Wait > 43200 {
		return fmt.Errorf("environment %q: %w", p.Name, ErrRefused)
	}
	if f.lab != nil {
		return f.lab.environment(r, p)
	}
	e := f.environment(r, p.Name)
	old := e.rules
	e.updated, e.wait, e.noBypass, e.reviewers, e.rules = f.at(), p.Wait, p.NoBypass, nil, nil
	for _, login := range p.Reviewers {
		e.reviewers = append(e.reviewers, f.user(login, ""))
	}
	for _, slug := range p.Rules {
		app := f.appNamed(slug)
		if i := slices.IndexFunc(old, func(x *customRule) bool { return x.app == app }); i >= 0 {
			e.rules = append(e.rules, old[i])
		} else {
			e.rules = append(e.rules, &customRule{f.id(), app})
		}
	}
	return nil
}

// Unprotect takes all protection off an environment.
func (f *Forge) Unprotect(repo, name string) error {
	return f.Environment(Environment{Repo: repo, Name: name})
}

// environmentEndpoints are those of environments and what protects them.
func environmentEndpoints() []endpoint {
	return []endpoint{
		{method: "GET", path: "/repos/{owner}/{repo}/environments", need: "actions:read", do: inRepo(environmentList)},
		{method: "GET", path: "/repos/{owner}/{repo}/environments/{name}", need: "actions:read", do: inEnvironment(func(r *request, x *Repo, e *environment) reply {
			return ok(r.f.renderEnvironment(x, e))
		})},
		{method: "GET", path: "/repos/{owner}/{repo}/environments/{name}/deployment_protection_rules", need: "actions:read", do: inEnvironment(customRules)},
	}
}

// inEnvironment finds the environment: its name is one segment of the path, escaped, and in any case.
func inEnvironment(do func(*request, *Repo, *environment) reply) func(*request) reply {
	return inRepo(func(r *request, x *Repo) reply {
		if e := x.environments[fold(r.PathValue("name"))]; e != nil {
			return do(r, x, e)
		}
		return lost
	})
}

func environmentList(r *request, x *Repo) reply {
	all := x.sortedEnvironments()
	out, h := page(r, all, func(e *environment) any { return r.f.renderEnvironment(x, e) })
	return reply{status: http.StatusOK, header: h, body: obj{"total_count": len(all), "environments": out}}
}

// customRules lists the rules of Apps, which GitHub leaves out of the environment's own protection_rules.
func customRules(r *request, _ *Repo, e *environment) reply {
	list := []any{}
	for _, c := range e.rules {
		list = append(list, obj{"id": c.id, "node_id": node("GA", c.id), "enabled": true, "app": obj{"id": c.app.ID, "slug": c.app.Slug,
			"integration_url": r.f.api() + "/apps/" + c.app.Slug, "node_id": node("A", c.app.ID)}})
	}
	return ok(obj{"total_count": len(list), "custom_deployment_protection_rules": list})
}

func (f *Forge) renderEnvironment(r *Repo, e *environment) obj {
	rules := []any{}
	if e.wait > 0 {
		rules = append(rules, obj{"id": e.waitID, "node_id": node("GA", e.waitID), "type": "wait_timer", "wait_timer": e.wait})
	}
	if len(e.reviewers) > 0 {
		rules = append(rules, obj{"id": e.reviewID, "node_id": node("GA", e.reviewID), "type": "required_reviewers", "prevent_self_review": false, "reviewers": f.renderReviewers(e)})
	}
	o := f.renderPlace(r, e)
	o["protection_rules"], o["can_admins_bypass"], o["deployment_branch_policy"] = rules, !e.noBypass, nil
	return o
}

func (f *Forge) renderReviewers(e *environment) []any {
	list := []any{}
	for _, u := range e.reviewers {
		list = append(list, obj{"type": "User", "reviewer": f.renderUser(u)})
	}
	return list
}

// renderPlace says no more than which environment it is.
func (f *Forge) renderPlace(r *Repo, e *environment) obj {
	return obj{"id": e.id, "node_id": node("EN", e.id), "name": e.name, "created_at": stamp(e.created), "updated_at": stamp(e.updated),
		"url":      fmt.Sprintf("%s/repos/%s/environments/%s", f.api(), r.Name, url.PathEscape(e.name)),
		"html_url": fmt.Sprintf("%s/%s/deployments/activity_log?environments_filter=%s", f.url, r.Name, url.QueryEscape(e.name))}
}
