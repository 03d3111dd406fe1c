package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// Set-up: from nothing to the first verdict, in a browser and without a restart. It is open to whoever has the token that the
// server printed at its start, until it is closed; from then on to administrators alone. It refuses to show a secret that it
// was given, to believe a forge's answer that it did not ask for, and to change what the environment of the server sets.

// Lock keeps the set-up to those whom it is for.
type Lock interface {
	// Open is the mark of the token that lets people in now; "": set-up is closed, or never was open.
	Open(ctx context.Context) (mark string, err error)
	// Redeem takes the token, once, and says which mark it leaves. What it refuses is a Refusal.
	Redeem(ctx context.Context, token string) (mark string, err error)
	// Close ends the set-up. Administrators are as in SLUICE_ADMINS; what is wrong with them is a Refusal.
	Close(ctx context.Context, by, administrators string) error
	// Secret seals what is given to browsers to bring back.
	Secret() (*Secret, error)
}

// Hub is GitHub, as it is being set up.
type Hub interface {
	State(ctx context.Context) (*HubState, error)
	// Manifest is the page of the forge that makes an App of a manifest.
	Manifest(place HubPlace) (page string, manifest []byte, err error)
	// Made exchanges the code that a browser came back with, keeps what comes of it, and goes on with it.
	Made(ctx context.Context, by string, place HubPlace, code string) error
	// Pull has deliveries fetched, for places without a way in.
	Pull(ctx context.Context, by string) error
}

// Lab is GitLab, as it is being set up.
type Lab interface {
	State(ctx context.Context) (*LabState, error)
	// Keep tries a token, keeps it and goes on with it.
	Keep(ctx context.Context, by, url, token string) error
	// Install makes webhooks for these groups and projects, and tells what it did and what their settings enforce.
	Install(ctx context.Context, by string, places []string) (told string, err error)
	// SignIn keeps the OAuth application that people sign in by.
	SignIn(ctx context.Context, by, id, secret string) error
}

// Drafts are first policies.
type Drafts interface {
	// Draft words one that fits the repository.
	Draft(ctx context.Context, forge, repo string) (*Draft, error)
	// Propose opens a change with it.
	Propose(ctx context.Context, by, forge, repo, text string) (*gate.Proposed, error)
}

// Refusal is a no that its reader can do something about. It shows no secret.
type Refusal struct{ Why string }

func (r Refusal) Error() string { return r.Why }

// HubPlace is where an App is made, and for whom.
type HubPlace struct {
	URL   string `json:"url"`
	Owner string `json:"owner"`
	Name  string `json:"name"`
}

// Where the settings of a forge come from.
const (
	FromEnvironment = "environment"
	FromPage        = "page"
)

// HubState is how far GitHub is set up.
type HubState struct {
	From     string   // FromEnvironment, FromPage; "": nothing is set up
	Settings []string // that the environment sets
	Aside    string   // why what was stored is not in force
	URL      string   // of the forge, where the environment says which
	Number   int64
	Name     string
	Page     string // of the App
	Install  string // where it is installed
	Accounts []string
	Repos    []gate.Repo
	Heard    time.Time // the newest delivery; zero: none came since the App was made
	Pull     bool
	PullFrom string
	Hidden   string // why the forge cannot reach this server; "": it may
	SignsIn  bool
	Trouble  string // why the forge could not be asked
	Awaits   bool   // the page looks again by itself, so nothing is typed on it
}

// LabState is how far GitLab is set up.
type LabState struct {
	From     string
	Settings []string
	URL      string
	Account  string // that the token acts as
	Ends     time.Time
	Places   []string // that are guarded
	More     bool     // ... and others
	Heard    time.Time
	Hidden   string
	SignsIn  bool
	Trouble  string
}

// Draft is a first policy of a repository.
type Draft struct {
	Forge, Repo, Branch string
	Path, Text          string
	There               string // a policy that is there already
	New                 string // the forge's page for a new file, filled in
	Require             Require
}

// Require is how a check is required, to copy.
type Require struct{ JSON, Command string }

// SetUp is what the pages are made from.
type SetUp struct {
	Lock      Lock
	Hub       Hub
	Lab       Lab
	Drafts    Drafts
	PublicURL string
	Unfit     string // why it cannot be set up by a page: the address, the key; "": it can
	Admins    string // that the environment names
	SignsIn   bool   // people can
	Now       func() time.Time
}

// setUpVisit is one request of somebody who may set up.
type setUpVisit struct {
	*SetUp
	b    *Board
	w    http.ResponseWriter
	r    *http.Request
	by   string // who, for the record
	mark string // of the token that is good now; "": set-up is closed
	who  *Person
	key  *Secret
}

// byToken stands in the record for whoever has the token of the set-up.
const byToken = "set-up"

// SetUp serves /setup. It goes within Known.
func (b *Board) SetUp(x *SetUp) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /setup/token", func(w http.ResponseWriter, r *http.Request) { b.redeem(x, w, r) })
	for path, serve := range map[string]func(*setUpVisit) error{
		"GET /setup":                 (*setUpVisit).hub,
		"POST /setup/github":         (*setUpVisit).hubMakes,
		"GET /setup/github/created":  (*setUpVisit).hubMade,
		"POST /setup/github/pull":    (*setUpVisit).hubPulls,
		"GET /setup/gitlab":          (*setUpVisit).lab,
		"POST /setup/gitlab":         (*setUpVisit).labKeeps,
		"POST /setup/gitlab/install": (*setUpVisit).labInstalls,
		"POST /setup/gitlab/signin":  (*setUpVisit).labSignsIn,
		"GET /setup/policy":          (*setUpVisit).policy,
		"POST /setup/policy":         (*setUpVisit).proposes,
		"POST /setup/done":           (*setUpVisit).done,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { b.settingUp(x, w, r, serve) })
	}
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		b.public(w, r, http.StatusNotFound, "Nothing here", "missing.html", "There is no such page.")
	})
	inner := http.NewCrossOriginProtection().Handler(mux)
	return secured(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, mostForm)
		w.Header().Set("Referrer-Policy", "same-origin") // with none a browser would not say where a form was sent from, either
		w.Header().Set("Cache-Control", "no-store")
		inner.ServeHTTP(w, r)
	}))
}

// settingUp serves a page to whoever may set up, and says to everybody else who may.
func (b *Board) settingUp(x *SetUp, w http.ResponseWriter, r *http.Request, serve func(*setUpVisit) error) {
	v := &setUpVisit{SetUp: x, b: b, w: w, r: r}
	mark, err := x.Lock.Open(r.Context())
	if err != nil {
		v.fails(err)
		return
	}
	v.mark = mark
	if p, ok := PersonOf(r.Context()); ok {
		v.who = &p
	}
	if v.key, err = x.Lock.Secret(); err != nil && mark != "" {
		v.fails(err)
		return
	}
	switch {
	case v.who != nil && v.who.Admin && v.key != nil:
		v.by = v.who.Login
	case mark != "" && v.holds(mark):
		v.by = byToken
	case mark != "":
		v.asksToken("")
		return
	case v.who == nil && x.SignsIn:
		http.Redirect(w, r, "/login?next="+url.QueryEscape("/setup"), http.StatusSeeOther)
		return
	default:
		v.closed()
		return
	}
	if err := r.ParseForm(); err != nil {
		v.fails(wrong{"The form could not be read. Go back, and try once more."})
		return
	}
	if err := serve(v); err != nil {
		v.fails(err)
	}
}

// setUpPage is what the templates are given.
type setUpPage struct {
	Tab     string
	Title   string
	Version string
	Now     time.Time
	Open    bool // it is not closed yet
	*SetUp
	Who       *Person
	Suggested string // the administrators that the form begins with
	Problem   string
	Data      any
}

func (v *setUpVisit) render(status int, name, tab, title string, data any, problem string) {
	p := &setUpPage{Tab: tab, Title: title, Version: v.b.version, Now: v.Now().UTC(), Open: v.mark != "", SetUp: v.SetUp, Who: v.who, Data: data, Problem: problem}
	if v.who != nil {
		p.Suggested = "@" + v.who.Login
	}
	v.b.write(v.w, status, name, p)
}

// fails says what went wrong: what its reader can do something about in full, all else in the log alone.
func (v *setUpVisit) fails(err error) {
	var no Refusal
	var odd wrong
	var forge *gate.RefusalError
	switch {
	case v.r.Context().Err() != nil:
		return // whoever asked is gone
	case errors.As(err, &no):
		v.trouble(http.StatusUnprocessableEntity, no.Why)
	case errors.As(err, &odd):
		v.trouble(http.StatusUnprocessableEntity, odd.why)
	case errors.As(err, &forge):
		v.trouble(http.StatusUnprocessableEntity, forge.Why+".")
	default:
		v.b.log.Error("set up", "path", v.r.URL.Path, "err", err)
		v.w.Header().Set("Retry-After", "5")
		v.trouble(http.StatusServiceUnavailable, "That did not work just now; the server's log says why. Go back and try again, and run `sluice doctor` if it stays so.")
	}
}

func (v *setUpVisit) trouble(status int, text string) {
	v.render(status, "setup-trouble.html", "", "That cannot be done", gate.Plain(text), "")
}

// asksToken is for whoever has not shown the token. A link may carry it, but only a click spends it: links are looked at by
// programs too.
func (v *setUpVisit) asksToken(problem string) {
	status := http.StatusOK
	if v.r.Method != http.MethodGet || problem != "" {
		status = http.StatusForbidden
	}
	token := v.r.URL.Query().Get("token")
	if len(token) > 100 {
		token = ""
	}
	v.render(status, "setup-token.html", "", "Set-up", token, problem)
}

// closed is for whoever may not set up, or no more.
func (v *setUpVisit) closed() {
	status := http.StatusOK
	if v.who != nil {
		status = http.StatusForbidden
	}
	v.render(status, "setup-closed.html", "", "Set-up", nil, "")
}

// redeem takes the token, and lets this browser in.
func (b *Board) redeem(x *SetUp, w http.ResponseWriter, r *http.Request) {
	v := &setUpVisit{SetUp: x, b: b, w: w, r: r}
	if err := r.ParseForm(); err != nil {
		v.fails(wrong{"The form could not be read. Go back, and try once more."})
		return
	}
	mark, err := x.Lock.Redeem(r.Context(), strings.TrimSpace(r.PostForm.Get("token")))
	var no Refusal
	if errors.As(err, &no) {
		v.asksToken(no.Why)
		return
	}
	if err == nil {
		v.key, err = x.Lock.Secret()
	}
	if err != nil {
		v.fails(fmt.Errorf("take the token of the set-up: %w", err))
		return
	}
	v.lets(mark)
	http.Redirect(w, r, "/setup", http.StatusSeeOther)
}
