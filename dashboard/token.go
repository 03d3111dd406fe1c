package dashboard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// Tokens keep people's tokens for the API, by their hashes.
type Tokens interface {
	// AddToken returns false, and keeps nothing, for one more than most.
	AddToken(ctx context.Context, t gate.Token, hash string, most int) (added bool, err error)
	// Token is the one with this hash, or nil for one that is revoked or over.
	Token(ctx context.Context, hash string) (*gate.Token, error)
	Tokens(ctx context.Context, forge, person string) ([]gate.Token, error)
	DropToken(ctx context.Context, forge, person, id string) (was bool, err error)
	UseToken(ctx context.Context, id string, when time.Time) error
}

// What a token may be for. Whoever may command may read.
const (
	scopeRead    = "read"
	scopeCommand = "command"
)

const (
	tokenPrefix = "sluice_" // by which scanners of secrets know it
	mostTokens  = 50        // of one person
	tokenLasts  = 90 * 24 * time.Hour
	tokenMost   = 366 * 24 * time.Hour
	mostName    = 100
)

// tokenWish is what somebody wants a token to be.
type tokenWish struct {
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"`
	For    string   `json:"for"` // 30d; "": 90 days
}

// problem says what is wrong with it, and else what it comes to.
func (x *tokenWish) problem(now time.Time) (until time.Time, wrong string) {
	x.Name = strings.TrimSpace(x.Name)
	until = now.Add(tokenLasts)
	if x.For != "" {
		d, wrong := lasting(x.For)
		if wrong != "" {
			return until, wrong
		}
		until = now.Add(d)
	}
	if len(x.Scopes) == 0 {
		x.Scopes = []string{scopeRead}
	}
	slices.Sort(x.Scopes)
	x.Scopes = slices.Compact(x.Scopes)
	switch {
	case x.Name == "" || len(x.Name) > mostName || strings.ContainsFunc(x.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return until, "The name says what the token is for, in at most 100 characters that can be seen."
	case slices.ContainsFunc(x.Scopes, func(s string) bool { return s != scopeRead && s != scopeCommand }):
		return until, "The scopes are read and command."
	case until.After(now.Add(tokenMost)):
		return until, "A token lasts a year at most."
	}
	return until, ""
}

var errTooMany = errors.New("too many tokens")

// mint makes a token. What its person sends is returned once, and is kept nowhere.
func (s *SignIn) mint(ctx context.Context, p Person, x tokenWish, until time.Time) (*gate.Token, string, error) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	value := tokenPrefix + hex.EncodeToString(b[:])
	var id [16]byte
	_, _ = rand.Read(id[:])
	t := gate.Token{ID: hex.EncodeToString(id[:]), Forge: p.Forge, Person: p.ID, Name: x.Name, Scopes: x.Scopes, At: s.Now().UTC().Truncate(time.Millisecond), Until: until.UTC().Truncate(time.Millisecond)}
	added, err := s.Tokens.AddToken(ctx, t, tokenHash(value), mostTokens)
	if err == nil && !added {
		err = errTooMany
	}
	return &t, value, err
}

// tokenHash is what is kept. The token has 256 random bits, so a plain hash is as good as a slow one.
func tokenHash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

// bearer is whose a token is, if it is one and its person has not been signed out for good; nil: nobody's.
func (s *SignIn) bearer(ctx context.Context, value string) (*Person, *gate.Token, error) {
	if len(s.Forges) == 0 || !strings.HasPrefix(value, tokenPrefix) || len(value) > 200 {
		return nil, nil, nil
	}
	t, err := s.Tokens.Token(ctx, tokenHash(value))
	if err != nil || t == nil || !s.Now().Before(t.Until) {
		return nil, nil, err
	}
	if _, ok := s.forge(t.Forge); !ok {
		return nil, nil, nil
	}
	p, err := s.person(ctx, t.Forge, t.Person)
	if err != nil || p == nil {
		return nil, nil, err
	}
	if now := s.Now(); now.Sub(t.Used) > time.Hour {
		if err := s.Tokens.UseToken(ctx, t.ID, now); err != nil { // that it was used is worth knowing, and holds nothing up
			s.Log.Warn("remember that a token was used", "token", t.ID, "err", err)
		}
	}
	return p, t, nil
}

// tokenSheet is what the page of tokens shows.
type tokenSheet struct {
	Who    Person
	Tokens []gate.Token
	New    string // shown once
	Wrong  string
}

func (s *SignIn) tokens(w http.ResponseWriter, r *http.Request) {
	s.showTokens(w, r, http.StatusOK, tokenSheet{})
}

func (s *SignIn) showTokens(w http.ResponseWriter, r *http.Request, status int, x tokenSheet) {
	p, ok := PersonOf(r.Context())
	if !ok {
		http.Redirect(w, r, "/login?next=/tokens", http.StatusSeeOther)
		return
	}
	var err error
	if x.Tokens, err = s.Tokens.Tokens(r.Context(), p.Forge, p.ID); err != nil {
		s.broken(w, r, "list tokens", err)
		return
	}
	x.Who = p
	s.render(w, r, status, "API tokens", "tokens.html", x)
}

// newToken makes the token of a form.
func (s *SignIn) newToken(w http.ResponseWriter, r *http.Request) {
	p, ok := PersonOf(r.Context())
	if !ok {
		http.Redirect(w, r, "/login?next=/tokens", http.StatusSeeOther)
		return
	}
	if err := r.ParseForm(); err != nil {
		s.showTokens(w, r, http.StatusBadRequest, tokenSheet{Wrong: "The form could not be read."})
		return
	}
	x := tokenWish{Name: r.PostForm.Get("name"), Scopes: r.PostForm["scope"], For: strings.TrimSpace(r.PostForm.Get("for"))}
	until, wrong := x.problem(s.Now())
	if wrong != "" {
		s.showTokens(w, r, http.StatusUnprocessableEntity, tokenSheet{Wrong: wrong})
		return
	}
	_, value, err := s.mint(r.Context(), p, x, until)
	switch {
	case errors.Is(err, errTooMany):
		s.showTokens(w, r, http.StatusUnprocessableEntity, tokenSheet{Wrong: "You have as many tokens as one can have: revoke one first."})
	case err != nil:
		s.broken(w, r, "make a token", err)
	default:
		s.showTokens(w, r, http.StatusOK, tokenSheet{New: value})
	}
}

// revoke ends a token of whoever is looking. One of somebody else is none.
func (s *SignIn) revoke(w http.ResponseWriter, r *http.Request) {
	p, ok := PersonOf(r.Context())
	if ok {
		if _, err := s.Tokens.DropToken(r.Context(), p.Forge, p.ID, checks.Clip(r.PathValue("id"), 40)); err != nil {
			s.broken(w, r, "revoke a token", err)
			return
		}
	}
	http.Redirect(w, r, "/tokens", http.StatusSeeOther)
}
