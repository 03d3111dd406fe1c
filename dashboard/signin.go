package dashboard

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// Way is how people sign in at one forge: OAuth 2 with PKCE. gate.ErrSignedOut says that the forge takes a code or a grant no more.
type Way interface {
	// Ask is the forge's page to send a browser to.
	Ask(callback, state, verifier string) string
	// Redeem makes a grant of the code that came back.
	Redeem(ctx context.Context, callback, code, verifier string) (*oauth2.Token, error)
	// Renew makes a grant anew. The old one is then good for nothing.
	Renew(ctx context.Context, grant *oauth2.Token) (*oauth2.Token, error)
	// Self is whose the grant is.
	Self(ctx context.Context, access string) (checks.Person, error)
}

// Accounts keep who signed in, and their grants.
type Accounts interface {
	Account(ctx context.Context, forge, id string) (*gate.Account, error)
	// KeepAccount returns false, and keeps nothing, when the grant is not the one of a.Version any more.
	KeepAccount(ctx context.Context, a gate.Account) (kept bool, err error)
}

// Forge is one where people can sign in.
type Forge struct {
	Name  string // "github"
	Title string // as its people call it
	Way   Way
	Eyes  Eyes
}

// SignIn knows people by their forge. It refuses to believe a browser anything that it did not give it, to send one elsewhere
// than to the forge and back, and to keep a forge's token where it can be read.
type SignIn struct {
	Forges    []Forge
	Admins    []Admin
	Accounts  Accounts
	Sessions  Sessions
	Tokens    Tokens
	Key       []byte // SecretSize bytes
	PublicURL string
	Now       func() time.Time
	Log       *slog.Logger

	once     sync.Once
	grants   *Secret
	cookies  *Secret
	sessions *scs.SessionManager
	memory   *sightMemory
	asking   singleflight.Group
	failed   error
}

// Ready says what is wrong with how it is set up.
func (s *SignIn) Ready() error {
	s.once.Do(func() {
		if s.grants, s.failed = NewSecret(s.Key, "grants"); s.failed == nil {
			s.cookies, s.failed = NewSecret(s.Key, "cookies")
		}
		s.sessions, s.memory = s.manager(), newSightMemory()
	})
	return s.failed
}

// secure says whether cookies go over TLS alone: always, but for somebody's own machine.
func (s *SignIn) secure() bool { return strings.HasPrefix(s.PublicURL, "https://") }

// cookie is a cookie's name. With the prefix no other host and no page in the clear can set it.
func (s *SignIn) cookie(name string) string {
	if s.secure() {
		return "__Host-" + name
	}
	return name
}

func (s *SignIn) forge(name string) (Forge, bool) {
	i := slices.IndexFunc(s.Forges, func(f Forge) bool { return f.Name == name })
	if i < 0 {
		return Forge{}, false
	}
	return s.Forges[i], true
}

// began is what is remembered of a sign-in under way, in the browser that began it: sealed, so that it can be read and made here alone.
type began struct {
	Forge    string    `json:"forge"`
	State    string    `json:"state"`
	Verifier string    `json:"verifier"`
	Next     string    `json:"next"`
	Until    time.Time `json:"until"`
}

const (
	signingIn    = "sluice-signing-in"
	signInWithin = 10 * time.Minute
)

// begin sends the browser to the forge.
func (s *SignIn) begin(w http.ResponseWriter, r *http.Request) {
	f, ok := s.forge(r.PathValue("forge"))
	if !ok {
		s.refuse(w, r, http.StatusNotFound, "Nobody can sign in with this forge here.")
		return
	}
	b := began{Forge: f.Name, State: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: local(r.URL.Query().Get("next")), Until: s.Now().Add(signInWithin)}
	text, err := json.Marshal(b)
	if err != nil {
		s.broken(w, r, "remember a sign-in", err)
		return
	}
	s.set(w, base64.RawURLEncoding.EncodeToString(s.cookies.Seal(signingIn, text)), int(signInWithin.Seconds()))
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, f.Way.Ask(s.callback(f), b.State, b.Verifier), http.StatusSeeOther)
}

func (s *SignIn) callback(f Forge) string {
	return strings.TrimRight(s.PublicURL, "/") + "/login/" + f.Name + "/callback"
}

// set writes the cookie of a sign-in under way. The forge sends the browser back by a link, which Lax lets it go along with.
func (s *SignIn) set(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{Name: s.cookie(signingIn), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode})
}

// under is the sign-in that this browser began with the forge, if what came back belongs to it.
func (s *SignIn) under(r *http.Request, f Forge) (b began, ok bool) {
	c, err := r.Cookie(s.cookie(signingIn))
	if err != nil {
		return b, false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return b, false
	}
	text, ok := s.cookies.Open(signingIn, sealed)
	if !ok || json.Unmarshal(text, &b) != nil || b.Forge != f.Name || !s.Now().Before(b.Until) {
		return b, false
	}
	return b, subtle.ConstantTimeCompare([]byte(b.State), []byte(r.URL.Query().Get("state"))) == 1
}

// back takes the browser that comes back from the forge.
func (s *SignIn) back(w http.ResponseWriter, r *http.Request) {
	f, ok := s.forge(r.PathValue("forge"))
	if !ok {
		s.refuse(w, r, http.StatusNotFound, "Nobody can sign in with this forge here.")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	b, ok := s.under(r, f)
	s.set(w, "", -1) // it is good for one answer
	code := r.URL.Query().Get("code")
	switch {
	case !ok:
		s.refuse(w, r, http.StatusBadRequest, "This browser did not begin this sign-in, or did so more than ten minutes ago. Begin again.")
		return
	case r.URL.Query().Get("error") == "access_denied":
		s.refuse(w, r, http.StatusForbidden, f.Title+" was not let to tell who you are. Begin again if that was not meant.")
		return
	case code == "":
		s.Log.Error("sign in", "forge", f.Name, "err", checks.Clip(gate.Plain(r.URL.Query().Get("error")), 80))
		s.refuse(w, r, http.StatusBadGateway, f.Title+" refused to sign you in; the log says why. Whoever runs Sluice can check the client id, its secret and its callback "+s.callback(f)+".")
		return
	}
	who, err := s.arrive(r.Context(), f, b, code)
	switch {
	case errors.Is(err, gate.ErrSignedOut):
		s.refuse(w, r, http.StatusBadRequest, f.Title+" does not take this sign-in any more. Begin again.")
	case errors.Is(err, errNoPerson):
		s.refuse(w, r, http.StatusForbidden, "This account is no person's, or is blocked, and nobody but a person signs in.")
	case err != nil:
		s.broken(w, r, "sign in with "+f.Name, err)
	default:
		if err := s.enter(r.Context(), f.Name, who); err != nil {
			s.broken(w, r, "keep a session", err)
			return
		}
		http.Redirect(w, r, b.Next, http.StatusSeeOther)
	}
}

var errNoPerson = errors.New("the account is no person's")

// arrive redeems the code and keeps whose it is.
func (s *SignIn) arrive(ctx context.Context, f Forge, b began, code string) (checks.Person, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	grant, err := f.Way.Redeem(ctx, s.callback(f), code, b.Verifier)
	if err != nil {
		return checks.Person{}, err
	}
	who, err := f.Way.Self(ctx, grant.AccessToken)
	if err == nil && !who.Human() {
		err = errNoPerson
	}
	if err != nil {
		return checks.Person{}, err
	}
	return who, s.keep(ctx, f.Name, who, grant)
}

// keep keeps a person with a fresh grant, whatever was kept before: nobody else's is newer.
func (s *SignIn) keep(ctx context.Context, forge string, who checks.Person, grant *oauth2.Token) error {
	id := strconv.FormatInt(who.ID, 10)
	for range 5 {
		before, err := s.Accounts.Account(ctx, forge, id)
		if err != nil {
			return err
		}
		a := gate.Account{Forge: forge, ID: id, Login: who.Login, Name: who.Name}
		if before != nil {
			a.Version = before.Version
		}
		if a.Grant, err = s.sealed(forge, id, grant); err != nil {
			return err
		}
		if kept, err := s.Accounts.KeepAccount(ctx, a); kept || err != nil {
			s.memory.forget(forge, id)
			return err
		}
	}
	return fmt.Errorf("keep who signed in: others did so at the same time")
}

// local is a path of our own to go on to, or the first page: nobody is sent elsewhere by a link that begins here.
func local(next string) string {
	u, err := url.Parse(next)
	bad := func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }
	switch {
	case err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "":
	case !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || len(next) > 1000 || strings.ContainsFunc(next, bad):
	case strings.HasPrefix(u.Path, "//") || strings.ContainsFunc(u.Path, bad):
	case u.Path == "/logout" || u.Path == "/login" || strings.HasPrefix(u.Path, "/login/"):
	default:
		return next
	}
	return "/"
}
