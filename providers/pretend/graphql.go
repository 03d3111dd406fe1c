package pretend

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// view answers GraphQL for one caller; the forge is locked meanwhile.
type view struct {
	*Forge
	who *token
}

// graphql answers one request: {"query", "operationName", "variables"}.
func (f *Forge) graphql(who *token, body []byte) (answer obj, op *ast.OperationDefinition, points int, err error) {
	var in struct {
		Query         string         `json:"query"`
		OperationName string         `json:"operationName"`
		Variables     map[string]any `json:"variables"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.Query == "" {
		return nil, nil, 0, fmt.Errorf("problems parsing JSON: %v", err)
	}
	v := view{f, who}
	answer = f.schema.run(in.Query, in.OperationName, in.Variables, func(o *ast.OperationDefinition) thing {
		op, points = o, cost(o.SelectionSet, in.Variables)
		if o.Operation == ast.Mutation {
			return v.mutation()
		}
		return v.query(points)
	})
	return answer, op, points, nil
}

func (v view) query(points int) thing {
	return thing{
		"__typename": "Query",
		"repository": func(a args) any {
			r, err := v.seen(a.text("owner") + "/" + a.text("name"))
			if err != nil {
				return err
			}
			return v.repository(r)
		},
		"organization": func(a args) any {
			u := v.users[fold(a.text("login"))]
			if u == nil || u.Type != "Organization" {
				return notFound("Could not resolve to an Organization with the login of '%s'.", a.text("login"))
			}
			return v.organization(u)
		},
		"user": func(a args) any {
			u := v.users[fold(a.text("login"))]
			if u == nil || u.Type != "User" {
				return notFound("Could not resolve to a User with the login of '%s'.", a.text("login"))
			}
			return v.actor(u)
		},
		"repositoryOwner": func(a args) any { return v.actor(v.users[fold(a.text("login"))]) },
		"viewer":          func() any { return v.actor(v.who.user) },
		"node":            func(a args) any { return v.byNode(a.text("id")) },
		"nodes": func(a args) any {
			list := []thing{}
			for _, id := range a.texts("ids") {
				t, _ := v.byNode(id).(thing)
				list = append(list, t)
			}
			return list
		},
		"rateLimit": func() any {
			b := v.meter.bucket(v.Forge, v.who, "graphql")
			return thing{"__typename": "RateLimit", "cost": points, "limit": b.limit, "remaining": max(0, b.limit-b.used), "used": b.used,
				"resetAt": b.reset, "nodeCount": points}
		},
	}
}

// seen is a repository that the caller may see.
func (v view) seen(name string) (*Repo, error) {
	if r := v.repos[fold(name)]; r != nil && v.who.sees(v.Forge, r) {
		return r, nil
	}
	return nil, notFound("Could not resolve to a Repository with the name '%s'.", name)
}

// byNode follows an id such as "PR_1007".
func (v view) byNode(id string) any {
	prefix, number, _ := strings.Cut(id, "_")
	n, _ := strconv.ParseInt(number, 10, 64)
	missing := notFound("Could not resolve to a node with the global id of '%s'", id)
	switch x := v.byID[n].(type) {
	case *Repo:
		if prefix == "R" && v.who.sees(v.Forge, x) {
			return v.repository(x)
		}
	case *Pull:
		if prefix == "PR" && v.who.sees(v.Forge, x.Repo) {
			return v.pull(x)
		}
	case *Run:
		if prefix == "CR" && v.who.sees(v.Forge, x.Repo) {
			return v.checkRun(x)
		}
	case *suite:
		if prefix == "CS" && v.who.sees(v.Forge, x.repo) {
			return v.checkSuite(x)
		}
	case *deployment:
		if prefix == "DE" && v.who.sees(v.Forge, x.repo) && v.who.may("deployments", "read") {
			return v.deployment(x)
		}
	case *User:
		return v.actor(x)
	case *Team:
		return v.team(x)
	case *Review:
		if v.who.sees(v.Forge, x.Pull.Repo) {
			return v.review(x)
		}
	}
	return missing
}

// actor is null for a deleted account.
func (v view) actor(u *User) any {
	if u == nil || u.Deleted {
		return nil
	}
	// GraphQL says a bot's login without "[bot]", REST with it.
	login := strings.TrimSuffix(u.Login, "[bot]")
	if u.Type == "Organization" {
		return v.organization(u)
	}
	return thing{"__typename": u.Type, "id": node(u.Type[:1], u.ID), "databaseId": u.ID, "login": login, "name": orNil(u.Name),
		"email": u.Email, "url": v.url + "/" + login}
}

func (v view) organization(u *User) thing {
	return thing{
		"__typename": "Organization", "id": node("O", u.ID), "databaseId": u.ID, "login": u.Login, "name": u.Name, "url": v.url + "/" + u.Login,
		"team": func(a args) any {
			if t := u.team(a.text("slug")); t != nil && v.who.may("members", "read") {
				return v.team(t)
			}
			return nil
		},
		"teams": func() any {
			var teams []*Team
			for _, t := range u.teams {
				teams = append(teams, t)
			}
			return list("Team", sortTeams(teams), v.team)
		},
		"membersWithRole": func() any {
			if !v.who.may("members", "read") {
				return fault{"FORBIDDEN", "Resource not accessible by integration"}
			}
			members := u.memberList()
			c := list("OrganizationMember", members, v.person)
			c.edge = func(i int) obj { return obj{"role": strings.ToUpper(u.members[members[i]])} }
			return c
		},
	}
}

func (v view) person(u *User) thing { t, _ := v.actor(u).(thing); return t }

func (v view) team(t *Team) thing {
	return thing{
		"__typename": "Team", "id": node("T", t.ID), "databaseId": t.ID, "slug": t.Slug, "name": t.Name,
		"combinedSlug": t.Org.Login + "/" + t.Slug, "organization": func() any { return v.organization(t.Org) },
		"members": func(a args) any {
			c := list("TeamMember", t.all(a.text("membership") == "IMMEDIATE"), v.person)
			c.edge = func(int) obj { return obj{"role": "MEMBER"} }
			return c.page(a)
		},
		"childTeams": func() any {
			var below []*Team
			for _, x := range t.Org.teams {
				if x.Parent == t {
					below = append(below, x)
				}
			}
			return list("Team", sortTeams(below), v.team)
		},
		"parentTeam": func() any {
			if t.Parent == nil {
				return nil
			}
			return v.team(t.Parent)
		},
	}
}
