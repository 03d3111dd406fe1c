package dashboard

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// caller is who asks the API.
type caller struct {
	operator bool // by the operator's token: in anybody's name
	person   Person
	scopes   []string
	token    bool // of a token, not of a browser that is signed in
}

type callerKey struct{}

func withCaller(ctx context.Context, c *caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerOf is who asks; nobody may do nothing.
func callerOf(ctx context.Context) *caller {
	if c, ok := ctx.Value(callerKey{}).(*caller); ok {
		return c
	}
	return &caller{}
}

// name sets the keys of one caller apart from those of others.
func (c *caller) name() string {
	if c.operator {
		return ""
	}
	return "person\x00" + c.person.Forge + "\x00" + c.person.ID + "\x00"
}

func (c *caller) may(scope string) bool {
	return c.operator || slices.Contains(c.scopes, scope) || scope == scopeRead && slices.Contains(c.scopes, scopeCommand)
}

// admin says whether the caller may see what is nobody's in particular.
func (c *caller) admin() bool { return c.operator || c.person.Admin }

// scoped lets through whoever shows a token or is signed in, and may do what the route needs.
func (a *API) scoped(x route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, status, wrong := a.caller(r)
		switch {
		case x.needs == "":
			c = &caller{}
		case wrong != "":
			if status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="sluice"`)
			}
			problem(w, status, wrong)
			return
		case !c.may(x.needs):
			w.Header().Set("WWW-Authenticate", `Bearer realm="sluice", error="insufficient_scope", scope="`+x.needs+`"`)
			problem(w, http.StatusForbidden, "This token is for less than that: it has not the scope "+x.needs+". Make another one at /tokens.")
			return
		}
		x.serve(w, r.WithContext(withCaller(r.Context(), c)))
	}
}

// caller finds out who asks. A token that is shown and is none lets nobody in, signed in or not.
func (a *API) caller(r *http.Request) (c *caller, status int, wrong string) {
	people := a.People != nil && len(a.People.Forges) > 0
	if a.Token == "" && !people {
		return nil, http.StatusNotFound, "There is no API here: whoever runs Sluice can set SLUICE_API_TOKEN, or let people sign in."
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if _, password, ok := r.BasicAuth(); ok && strings.HasSuffix(r.URL.Path, "/"+calendarFile) {
		scheme, token = "Bearer", password // calendar programs know no other way
	}
	if scheme == "" {
		if p, ok := PersonOf(r.Context()); ok && people {
			return &caller{person: p, scopes: []string{scopeRead, scopeCommand}}, 0, ""
		}
		return nil, http.StatusUnauthorized, "The bearer token is missing: send one that you made at /tokens, or that in SLUICE_API_TOKEN."
	}
	if strings.EqualFold(scheme, "Bearer") {
		// Digests are compared, so that not even its length is told by the time it takes.
		given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(a.Token))
		if a.Token != "" && subtle.ConstantTimeCompare(given[:], want[:]) == 1 {
			return &caller{operator: true}, 0, ""
		}
		if people {
			p, t, err := a.People.bearer(r.Context(), token)
			if err != nil {
				a.Log.Error("read whose a token is", "err", err)
				return nil, http.StatusServiceUnavailable, "Whose this token is cannot be read right now. Try again in a minute."
			}
			if p != nil {
				return &caller{person: *p, scopes: t.Scopes, token: true}, 0, ""
			}
		}
	}
	return nil, http.StatusUnauthorized, "The bearer token is not the one in SLUICE_API_TOKEN, and no person's that is valid: it may be revoked or over, or its person has to sign in again."
}

// sees says what is wrong with asking about a repository, where the caller may not see it: it is as if it were not there.
func (a *API) sees(ctx context.Context, repo gate.Repo) (status int, wrong string) {
	c := callerOf(ctx)
	if c.operator {
		return 0, ""
	}
	role, err := a.Sight.Role(ctx, c.person, repo)
	switch {
	case errors.Is(err, gate.ErrSignedOut):
		return http.StatusUnauthorized, "The forge does not take your sign-in any more. Sign in again at /login."
	case err != nil:
		a.Log.Error("ask what somebody may see", "repo", repo.Name, "err", err)
		return http.StatusServiceUnavailable, "The forge did not say just now whether you may see this. Try again in a minute."
	case role == "":
		return http.StatusNotFound, "There is no such repository."
	}
	return 0, ""
}

// by is in whose name something is asked: a person's own, or whose the operator says.
func (a *API) by(r *http.Request, named string) (who checks.Person, status int, wrong string) {
	c := callerOf(r.Context())
	switch {
	case c.operator:
		return checks.Person{Login: named}, 0, ""
	case named != "" && !strings.EqualFold(named, c.person.Login):
		return who, http.StatusForbidden, "You ask in your own name, " + gate.Plain(c.person.Login) + ": leave `by` out. Only SLUICE_API_TOKEN asks in the name of others."
	}
	return c.person.account(), 0, ""
}

// me tells who asks.
func (a *API) me(w http.ResponseWriter, r *http.Request) {
	c := callerOf(r.Context())
	if c.operator {
		answer(w, http.StatusOK, meJSON{Operator: true, Scopes: []string{scopeCommand, scopeRead}})
		return
	}
	answer(w, http.StatusOK, meJSON{Forge: c.person.Forge, ID: c.person.ID, Login: gate.Plain(c.person.Login), Name: gate.Plain(c.person.Name), Admin: c.person.Admin, Scopes: c.scopes})
}

type meJSON struct {
	Operator bool     `json:"operator"`
	Forge    string   `json:"forge,omitempty"`
	ID       string   `json:"id,omitempty"`
	Login    string   `json:"login,omitempty"`
	Name     string   `json:"name,omitempty"`
	Admin    bool     `json:"admin"`
	Scopes   []string `json:"scopes"`
}
