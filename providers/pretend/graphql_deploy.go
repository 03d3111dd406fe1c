package pretend

import (
	"encoding/json"
	"slices"
	"strings"
)

// deployments are those of a repository, or of one commit of it: oldest first unless the arguments say otherwise.
func (v view) deployments(r *Repo, c *commit, a args) any {
	if !v.who.may("deployments", "read") {
		return fault{"FORBIDDEN", "Resource not accessible by integration"}
	}
	var found []*deployment
	into := a.texts("environments")
	for _, d := range r.deployments {
		if (c == nil || d.commit == c) && (len(into) == 0 || slices.Contains(into, d.environment)) {
			found = append(found, d)
		}
	}
	if a.object("orderBy").text("direction") == "DESC" {
		slices.Reverse(found)
	}
	return list("Deployment", found, v.deployment).page(a)
}

func (v view) deployment(d *deployment) thing {
	return thing{"__typename": "Deployment", "id": node("DE", d.id), "databaseId": d.id, "commitOid": d.commit.id, "task": d.task, "description": orNil(d.description),
		"environment": d.environment, "latestEnvironment": d.environment, "originalEnvironment": d.original, "payload": d.payloadText(), "state": d.shown(),
		"createdAt": d.at, "updatedAt": d.updated, "creator": func() any { return v.actor(d.by) }, "repository": func() any { return v.repository(d.repo) },
		"commit": func() any { return v.commit(d.repo, d.commit) },
		"ref": func() any {
			if b := v.branch(d.repo, d.ref); b != nil {
				return b
			}
			return v.tagRef(d.repo, d.ref)
		},
		"latestStatus": func() any {
			if len(d.statuses) == 0 {
				return nil
			}
			return v.deploymentStatus(d.statuses[len(d.statuses)-1])
		},
		"statuses": func() any {
			newest := slices.Clone(d.statuses)
			slices.Reverse(newest)
			return list("DeploymentStatus", newest, v.deploymentStatus)
		}}
}

// payloadText is the payload as GraphQL gives it: a text as it is, anything else as JSON.
func (d *deployment) payloadText() string {
	var text string
	if json.Unmarshal(d.payload, &text) == nil {
		return text
	}
	return string(d.payload)
}

// shown is the state in GraphQL's words: what succeeded is active, and what went from a transient environment destroyed.
func (d *deployment) shown() string {
	switch state := d.state(); {
	case state == "":
		return "PENDING"
	case state == "success":
		return "ACTIVE"
	case state == "inactive" && d.transient:
		return "DESTROYED"
	default:
		return strings.ToUpper(state)
	}
}

func (v view) deploymentStatus(s *deploymentStatus) thing {
	return thing{"__typename": "DeploymentStatus", "id": node("DES", s.id), "state": strings.ToUpper(s.state), "description": orNil(s.description),
		"environment": s.environment, "environmentUrl": orNil(s.url), "logUrl": orNil(s.log), "createdAt": s.at, "updatedAt": s.at,
		"creator": func() any { return v.actor(s.by) }, "deployment": func() any { return v.deployment(s.of) }}
}

// environments are by name. Which are pinned, nobody needs here.
func (v view) environments(r *Repo, a args) any {
	if !v.who.may("actions", "read") {
		return fault{"FORBIDDEN", "Resource not accessible by integration"}
	}
	if a["pinnedEnvironmentFilter"] != nil && a.text("pinnedEnvironmentFilter") != "ALL" {
		return fault{"INTERNAL", "the pretend forge pins no environments"}
	}
	names := a.texts("names")
	found := slices.DeleteFunc(r.sortedEnvironments(), func(e *environment) bool {
		return len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return fold(n) == fold(e.name) })
	})
	if a.object("orderBy").text("direction") == "DESC" {
		slices.Reverse(found)
	}
	return list("Environment", found, func(e *environment) thing { return v.environment(r, e) }).page(a)
}

func (v view) oneEnvironment(r *Repo, name string) any {
	if !v.who.may("actions", "read") {
		return fault{"FORBIDDEN", "Resource not accessible by integration"}
	}
	if e := r.environments[fold(name)]; e != nil {
		return v.environment(r, e)
	}
	return nil
}

// environment has no custom rules: GraphQL does not know them.
func (v view) environment(r *Repo, e *environment) thing {
	return thing{"__typename": "Environment", "id": node("EN", e.id), "databaseId": e.id, "name": e.name,
		"latestCompletedDeployment": func() any {
			for _, d := range slices.Backward(r.deployments) {
				if fold(d.environment) == fold(e.name) && slices.Contains([]string{"success", "failure", "error"}, d.state()) {
					return v.deployment(d)
				}
			}
			return nil
		},
		"protectionRules": func(a args) any {
			var rules []thing
			rule := func(kind string, id int64, timeout int, reviewers []*User) {
				rules = append(rules, thing{"__typename": "DeploymentProtectionRule", "databaseId": id, "type": kind, "timeout": timeout, "preventSelfReview": false,
					"reviewers": list("DeploymentReviewer", reviewers, v.person)})
			}
			if e.wait > 0 {
				rule("WAIT_TIMER", e.waitID, e.wait, nil)
			}
			if len(e.reviewers) > 0 {
				rule("REQUIRED_REVIEWERS", e.reviewID, 0, e.reviewers)
			}
			return list("DeploymentProtectionRule", rules, func(t thing) thing { return t }).page(a)
		}}
}
