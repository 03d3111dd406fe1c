package pretend

//lint:file-ignore ST1005 these are GitHub's words

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

// token is what a caller shows: the App itself, an installation, or a person. It lives by the real clock, for so does
// the client that keeps it.
type token struct {
	app     bool
	install *Install
	user    *User
	repos   []string
	scopes  []string // at GitLab
	expires time.Time
}

// may says whether the caller has a permission, at least at a level.
func (t *token) may(name, level string) bool {
	switch {
	case t.install != nil:
		have := t.install.Permissions[name]
		return have == level || have == "write" && level == "read" || have == "admin"
	case t.user != nil:
		return true // bounded by sees and the role
	}
	return false
}

// mayOn is may, on one repository.
func (t *token) mayOn(r *Repo, name, level string) bool {
	if t.install != nil {
		return t.may(name, level) && t.install.covers(r)
	}
	return t.user != nil && (level == "read" || rank(r.role(t.user)) >= rank("write"))
}

// sees says whether the repository exists for the caller.
func (t *token) sees(f *Forge, r *Repo) bool {
	switch {
	case r == nil || f.repos[fold(r.Name)] != r:
		return false
	case !r.Private:
		return true
	case t.install != nil:
		return t.install.covers(r) && (len(t.repos) == 0 || slices.Contains(t.repos, r.short()))
	case t.user != nil:
		return rank(r.role(t.user)) >= rank("read")
	}
	return false
}

var errCredentials = errors.New("Bad credentials")

// caller reads who is calling from the Authorization header; f is locked.
func (f *Forge) caller(r *http.Request) (*token, error) {
	kind, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if kind = fold(kind); kind != "token" && kind != "bearer" || value == "" {
		return nil, errors.New("Requires authentication")
	}
	if t := f.tokens[value]; t != nil {
		if !t.expires.IsZero() && time.Now().After(t.expires) || t.install != nil && f.installs[fold(t.install.Account.Login)] != t.install {
			return nil, errCredentials
		}
		return t, nil
	}
	if kind == "bearer" && strings.Count(value, ".") == 2 {
		return f.appToken(value)
	}
	return nil, errCredentials
}

// appToken checks an App's own JSON web token: RS256 by the App's key, issued by it, for ten minutes at most.
func (f *Forge) appToken(value string) (*token, error) {
	var claims jwt.RegisteredClaims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}))
	if _, err := parser.ParseWithClaims(value, &claims, func(*jwt.Token) (any, error) { return &f.key.PublicKey, nil }); err != nil {
		return nil, errors.New("A JSON web token could not be decoded")
	}
	if claims.Issuer != strconv.FormatInt(f.app.ID, 10) {
		return nil, errors.New("Integration not found")
	}
	if claims.ExpiresAt == nil || claims.IssuedAt == nil || claims.ExpiresAt.Sub(claims.IssuedAt.Time) > 11*time.Minute {
		return nil, errors.New("'Expiration time' claim ('exp') is too far in the future")
	}
	return &token{app: true, user: f.app.Bot}, nil
}

// mint makes an installation's token, good for an hour.
func (f *Forge) mint(in *Install, repos []string) (string, time.Time) {
	var b [20]byte
	rand.Read(b[:])
	value := "ghs_" + hex.EncodeToString(b[:])
	expires := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	f.tokens[value] = &token{install: in, user: f.app.Bot, repos: repos, expires: expires}
	return value, expires
}

// Token makes a token of a person's own, for calls in his name.
func (f *Forge) Token(login string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lab != nil {
		return f.access(f.user(login, ""), "api")
	}
	var b [20]byte
	rand.Read(b[:])
	value := "ghp_" + hex.EncodeToString(b[:])
	f.tokens[value] = &token{user: f.user(login, "")}
	return value
}

// ExpireTokens ends all tokens of installations: the next call with one is refused.
func (f *Forge) ExpireTokens() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for v, t := range f.tokens {
		if t.install != nil || f.lab != nil && t.user == f.app.Bot {
			delete(f.tokens, v)
		}
	}
}
