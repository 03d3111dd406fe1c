package pretend

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// oauth is where people let others know who they are: the App at GitHub, an application of the instance's at GitLab.
type oauth struct {
	id, secret string
	back       string // the callback that is registered
	who        *User  // who sits before the browser
	denies     bool
	lasts      time.Duration // of a token; 0: for ever
	codes      map[string]*oauthCode
	refresh    map[string]*User
}

type oauthCode struct {
	user                *User
	challenge, redirect string
}

// SignsIn registers a client of OAuth with its callback, and says who sits before the browser from now on: "" refuses. Tokens
// are good for as long as lasts; 0: for ever.
func (f *Forge) SignsIn(id, secret, callback, login string, lasts time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.oauth == nil {
		f.oauth = &oauth{codes: map[string]*oauthCode{}, refresh: map[string]*User{}}
	}
	o := f.oauth
	o.id, o.secret, o.back, o.denies, o.lasts = id, secret, callback, login == "", lasts
	if login != "" {
		o.who = f.user(login, "")
	}
}

// SignOut ends all that somebody let others know: tokens, and what they are renewed with.
func (f *Forge) SignOut(login string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.user(login, "")
	for value, t := range f.tokens {
		if t.user == u && t.install == nil && !t.app {
			delete(f.tokens, value)
		}
	}
	for value, of := range f.oauth.refresh {
		if of == u {
			delete(f.oauth.refresh, value)
		}
	}
}

// oauthHandler serves the two pages of OAuth.
func (f *Forge) oauthHandler(mux *http.ServeMux, authorize, token string) {
	mux.HandleFunc("GET "+authorize, func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		to, err := f.authorize(r.URL.Query())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, to, http.StatusFound)
	})
	mux.HandleFunc("POST "+token, func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		body, problem := f.exchange(r.PostForm)
		status := http.StatusOK
		if problem != "" {
			body = obj{"error": problem, "error_description": "The code passed is incorrect or expired."}
			if f.lab != nil { // GitHub says so with 200
				status = http.StatusBadRequest
			}
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	})
}

// authorize is where the browser goes from the page that asks.
func (f *Forge) authorize(q url.Values) (string, error) {
	o := f.oauth
	switch {
	case o == nil || q.Get("client_id") != o.id:
		return "", fmt.Errorf("no such client: %w", ErrUnknown)
	case q.Get("redirect_uri") != o.back:
		return "", fmt.Errorf("the redirect_uri is not associated with this application: %w", ErrRefused)
	case q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "":
		return "", fmt.Errorf("this forge wants PKCE: %w", ErrRefused)
	}
	back := url.Values{"state": {q.Get("state")}}
	if o.denies {
		back.Set("error", "access_denied")
	} else {
		code := rand.Text()
		o.codes[code] = &oauthCode{o.who, q.Get("code_challenge"), o.back}
		back.Set("code", code)
	}
	return o.back + "?" + back.Encode(), nil
}

// exchange gives a token for a code, once and only to whoever began, or for what a token is renewed with.
func (f *Forge) exchange(q url.Values) (body obj, problem string) {
	o := f.oauth
	bad, used := "bad_verification_code", "bad_refresh_token"
	if f.lab != nil {
		bad, used = "invalid_grant", "invalid_grant"
	}
	if o == nil || q.Get("client_id") != o.id || q.Get("client_secret") != o.secret {
		return nil, "incorrect_client_credentials"
	}
	var who *User
	if q.Get("grant_type") == "refresh_token" {
		value := q.Get("refresh_token")
		if who = o.refresh[value]; who == nil {
			return nil, used
		}
		delete(o.refresh, value)
	} else {
		c := o.codes[q.Get("code")]
		delete(o.codes, q.Get("code"))
		sum := sha256.Sum256([]byte(q.Get("code_verifier")))
		if c == nil || c.redirect != q.Get("redirect_uri") || base64.RawURLEncoding.EncodeToString(sum[:]) != c.challenge {
			return nil, bad
		}
		who = c.user
	}
	t := &token{user: who, scopes: []string{"read_api"}}
	value := "ghu_" + rand.Text()
	body = obj{"access_token": value, "token_type": "bearer", "scope": "read_api"}
	if o.lasts > 0 {
		t.expires = time.Now().Add(o.lasts)
		renew := "ghr_" + rand.Text()
		o.refresh[renew] = who
		body["expires_in"], body["refresh_token"] = int(o.lasts/time.Second), renew
	}
	f.tokens[value] = t
	return body, ""
}

// personEndpoints are what a person asks about himself.
func personEndpoints() []endpoint {
	return []endpoint{
		{method: "GET", path: "/user", do: func(r *request) reply {
			if !r.who.person() {
				return refuse(http.StatusForbidden, "Resource not accessible by integration")
			}
			o := r.f.renderUser(r.who.user).(obj)
			o["name"] = r.who.user.Name
			return ok(o)
		}},
		{method: "GET", path: "/user/installations", do: func(r *request) reply {
			list := []any{}
			for _, in := range r.f.installs {
				if r.who.person() && slices.ContainsFunc(r.f.sortedRepos(), func(x *Repo) bool { return r.theirs(in, x) }) {
					list = append(list, obj{"id": in.ID, "account": r.f.renderUser(in.Account), "app_id": r.f.app.ID})
				}
			}
			return ok(obj{"total_count": len(list), "installations": list})
		}},
		{method: "GET", path: "/user/installations/{id}/repositories", do: func(r *request) reply {
			var list []*Repo
			for _, in := range r.f.installs {
				for _, x := range r.f.sortedRepos() {
					if int64(r.number("id")) == in.ID && r.theirs(in, x) {
						list = append(list, x)
					}
				}
			}
			a := paged(r, list, func(x *Repo) any { return r.seenRepo(x) })
			a.body = obj{"total_count": len(list), "repositories": a.body}
			return a
		}},
	}
}

// person says whether it is a person's own token.
func (t *token) person() bool { return t.user != nil && t.install == nil && !t.app }

// theirs says whether a repository is in an installation and the person was given a role on it.
func (r *request) theirs(in *Install, x *Repo) bool {
	if !r.who.person() || !in.covers(x) {
		return false
	}
	hidden := *x
	hidden.Private = true // what all may read, nobody was given
	return rank(hidden.role(r.who.user)) >= rank("read")
}

// seenRepo is a repository with what the person may do there.
func (r *request) seenRepo(x *Repo) any {
	o, is := r.f.renderRepo(x).(obj)
	if is && r.who.person() {
		mine, may := rank(x.role(r.who.user)), obj{}
		for key, role := range map[string]string{"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin"} {
			may[key] = mine >= rank(role)
		}
		o["permissions"] = may
	}
	return o
}
