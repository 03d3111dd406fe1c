package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/gate"
)

// onlooker is who looks at the pages of a demo: one person of the pretend forge, without signing in. A server that serves
// others never has it.
type onlooker struct {
	person dashboard.Person
}

// wrap puts the person into every request.
func (l *onlooker) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(dashboard.WithPerson(r.Context(), l.person)))
	})
}

// sight asks the forge of the demo, as it is asked for anybody.
func (l *onlooker) sight(r *gate.Reconciler) dashboard.Sight { return forgeSight{r.Providers} }

// forgeSight asks each time, and remembers nothing.
type forgeSight struct{ providers map[string]gate.Provider }

func (f forgeSight) Repos(ctx context.Context, p dashboard.Person, repos []gate.Repo) (may []gate.Repo, err error) {
	for _, r := range repos {
		role, err := f.Role(ctx, p, r)
		if err != nil {
			return nil, err
		}
		if role != "" {
			may = append(may, r)
		}
	}
	return may, nil
}

func (f forgeSight) Role(ctx context.Context, p dashboard.Person, repo gate.Repo) (string, error) {
	registrar, ok := f.providers[repo.Forge].(gate.Registrar)
	if !ok || p.Forge != repo.Forge {
		return "", nil
	}
	role, err := registrar.Permission(ctx, checks.Subject{Forge: repo.Forge, Repo: repo.Name, Installation: repo.Installation}, checks.Person{ID: accountID(p), Login: p.Login, Kind: "user"})
	if role == "none" || errors.Is(err, gate.ErrGone) {
		return "", nil
	}
	return role, err
}

// accountID is the number of an account; 0 where it is none.
func accountID(p dashboard.Person) int64 {
	id, err := strconv.ParseInt(p.ID, 10, 64)
	if err != nil {
		return 0
	}
	return id
}
