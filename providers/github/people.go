package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// fleeting is how long rights and memberships are believed.
const fleeting = time.Minute

// parts are the fragments of the first request: texts, and the teams and organisations that the last reading wanted.
func (r *reading) parts() map[string]string {
	p := r.asked.parts()
	r.habit.mu.Lock()
	names := append(append([]string{}, r.habit.teams...), r.habit.orgs...)
	r.habit.mu.Unlock()
	for _, name := range names {
		if _, ok := r.group(name); !ok && len(r.asking) < 10 {
			r.asking = append(r.asking, name)
		}
	}
	p["Hints"] = groupsPart(r.asking)
	return p
}

// rights are the permissions in a list of collaborators.
func rights(n *rightsNode) map[int64]string {
	m := map[int64]string{}
	for _, e := range n.Edges {
		if e != nil && e.Node != nil {
			m[e.Node.DatabaseID] = strings.ToLower(e.Permission)
		}
	}
	return m
}

func peoplePart(people []checks.Person) string {
	var b strings.Builder
	for i, p := range people {
		fmt.Fprintf(&b, "u%d: collaborators(login: %s, first: 100) { ...Rights } ", i, quoted(p.Login))
	}
	return b.String()
}

// wantPeople orders the rights of those who are neither among the collaborators that came along, nor asked for within
// the last minute. Bots and apps are no collaborators.
func (r *reading) wantPeople(w *checks.Wants, o *order) {
	r.habit.mu.Lock()
	barred := r.habit.barred
	r.habit.mu.Unlock()
	for _, p := range w.People {
		if _, ok := r.right(p); !ok && !barred && r.everybody == nil && plain(p.Login) {
			o.people = append(o.people, p)
		}
	}
}

// right is somebody's permission, as far as it is known without asking.
func (r *reading) right(p checks.Person) (string, bool) {
	if p.Kind != "user" && p.Kind != "" {
		return "none", true
	}
	if r.everybody != nil {
		permission, ok := r.everybody[p.ID]
		if !ok {
			permission, ok = r.stranger()
		}
		if ok {
			return permission, true
		}
	}
	got, ok := r.c.memory.rights.Get(rightKey{r.key(), p.ID})
	if !ok || !r.young(got.at) {
		return "", false
	}
	return got.permission, true
}

// stranger is the right of one who is not among the collaborators.
func (r *reading) stranger() (string, bool) {
	r.habit.mu.Lock()
	internal := r.habit.internal
	r.habit.mu.Unlock()
	switch {
	case internal:
		return "", false // whether he belongs to the enterprise, the list does not tell
	case r.f.Repository.Private:
		return "none", true
	}
	return "read", true
}

func (r *reading) young(at time.Time) bool {
	age := r.c.opts.Now().Sub(at)
	return age >= 0 && age < fleeting
}

// namedBy takes in the rights of those asked for by name. One who is not listed, though all are, has a stranger's.
func (r *reading) namedBy(people []checks.Person, n *repoNode) {
	for i, p := range people {
		list := n.rights[i]
		if list == nil {
			continue
		}
		permission, ok := rights(list)[p.ID]
		if !ok {
			if list.PageInfo.HasNextPage {
				continue
			}
			if permission, ok = r.stranger(); !ok {
				continue
			}
		}
		r.c.memory.rights.Add(rightKey{r.key(), p.ID}, rightAt{permission, r.c.opts.Now()})
	}
}

// showPeople puts the rights into the facts, asking one by one for those that no list told.
func (r *reading) showPeople(ctx context.Context, people []checks.Person) error {
	for _, p := range people {
		permission, ok := r.right(p)
		if !ok {
			var err error
			if permission, err = r.ask(ctx, p); err != nil {
				var e *Error
				if !errors.As(err, &e) || e.Status != http.StatusForbidden {
					return err
				}
				r.gap("people", "GitHub did not tell who may do what here: %s.", checks.Clip(e.Error(), 160))
				permission = "none"
			}
			r.c.memory.rights.Add(rightKey{r.key(), p.ID}, rightAt{permission, r.c.opts.Now()})
		}
		if r.f.People == nil {
			r.f.People = map[int64]checks.Person{}
		}
		p.Permission, p.Name, p.Email = permission, "", ""
		r.f.People[p.ID] = p
	}
	return nil
}

// ask asks for one person's permission.
func (r *reading) ask(ctx context.Context, p checks.Person) (string, error) {
	return r.in.permission(ctx, r.repo, p)
}

// permission asks for one person's permission. The account that answers must be the one meant: logins change hands.
func (in *installation) permission(ctx context.Context, repo repoName, p checks.Person) (string, error) {
	if !plain(p.Login) {
		return "none", nil
	}
	var got struct {
		Permission string `json:"permission"`
		User       *struct {
			ID          int64           `json:"id"`
			Role        string          `json:"role_name"`
			Permissions map[string]bool `json:"permissions"`
		} `json:"user"`
	}
	err := in.fresh(ctx, "GET /repos/{owner}/{repo}/collaborators/{username}/permission", repo.path("/collaborators/"+url.PathEscape(p.Login)+"/permission"), &got)
	var e *Error
	switch {
	case errors.As(err, &e) && e.Status == http.StatusNotFound:
		return "none", nil
	case err != nil:
		return "", err
	case got.User == nil || got.User.ID != p.ID:
		return "none", nil
	}
	switch role := strings.ToLower(got.User.Role); role {
	case "none", "read", "triage", "write", "maintain", "admin":
		return role, nil
	}
	for _, x := range []struct{ key, word string }{{"admin", "admin"}, {"maintain", "maintain"}, {"push", "write"}, {"triage", "triage"}, {"pull", "read"}} {
		if got.User.Permissions[x.key] {
			return x.word, nil // the base of a custom role
		}
	}
	switch got.Permission {
	case "admin", "write", "read":
		return got.Permission, nil
	}
	return "none", nil
}
