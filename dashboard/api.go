package dashboard

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/gate"
)

// Shelf is what the API needs of the store.
type Shelf interface {
	// Ask keeps what was asked, and returns false for an id that is kept already.
	Ask(ctx context.Context, x gate.Ask) (added bool, err error)
	// Asked is what was asked under an id, with what came of it, or nil.
	Asked(ctx context.Context, id string) (*gate.Ask, error)
	Environments(ctx context.Context, forge, repo string) ([]gate.EnvironmentSeen, error)
	Environment(ctx context.Context, forge, repo, name string) (*gate.EnvironmentBook, error)
	Promotion(ctx context.Context, id string) (*gate.Promotion, error)
}

// API serves /api/v1 to whoever has the operator's token, and to people, by a token of theirs or from a browser that is signed
// in. It decides nothing: what is asked of it is written down, in the name of a person, and worked off as a command in a
// comment is. A person is shown what the forge shows them.
type API struct {
	Token     string   // the operator's; "": there is none
	People    *SignIn  // nil: nobody can sign in
	Sight     Sight    // of the people
	Records   Records  // nil: nothing is listed
	Forges    []string // that are configured; which one is meant has to be said (?forge=) where there are several
	Shelf     Shelf
	Decisions Decisions
	Now       func() time.Time
	PublicURL string
	Log       *slog.Logger
	// Calendar is what is open and frozen in an environment ("": in all of a repository's), as iCalendar; gate.ErrGone for
	// what is not guarded. nil: none is served.
	Calendar func(ctx context.Context, repo gate.Repo, environment string) (string, error)
	Quotas   func() []gate.Quota // what the forges leave; may be nil
	Doctor   Doctor              // may be nil
	Owners   Owners              // nil: no forge can be asked

	once  sync.Once
	pages *Pages // of Records
}

// mostAsked is the size of a body, in bytes.
const mostAsked = 16 << 10

// route is one path of the API.
type route struct {
	method, path string
	needs        string // scope; "": none, it is for everybody
	serve        http.HandlerFunc
}

const (
	atRepo        = "/api/v1/repos/{owner}/{repo}"
	atEnvironment = atRepo + "/environments/{environment}"
	atChange      = atRepo + "/changes/{number}"
)

// routes are all of it. The document that describes them is held to them by a test.
func (a *API) routes() []route {
	ask := func(word string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { a.ask(w, r, word) }
	}
	list := []route{
		{"POST", atEnvironment + "/promotions", scopeCommand, ask("deploy")},
		{"POST", atEnvironment + "/rollback", scopeCommand, ask("rollback")},
		{"POST", atEnvironment + "/lock", scopeCommand, ask("lock")},
		{"DELETE", atEnvironment + "/lock", scopeCommand, ask("unlock")},
		{"POST", atEnvironment + "/cancel", scopeCommand, ask("cancel")},
		{"POST", atEnvironment + "/approvals", scopeCommand, ask("approve")},
		{"POST", atChange + "/overrides", scopeCommand, ask("override")},
		{"DELETE", atChange + "/overrides/{check}", scopeCommand, ask("revoke")},
		{"POST", atChange + "/hold", scopeCommand, ask("hold")},
		{"DELETE", atChange + "/hold", scopeCommand, ask("unhold")},
		{"POST", atChange + "/recheck", scopeCommand, ask("recheck")},
		{"GET", atRepo + "/environments", scopeRead, a.environments},
		{"GET", atEnvironment + "/promotions/{id}", scopeRead, a.promotion},
		{"GET", "/api/v1/asks/{id}", scopeRead, a.asked},
		{"GET", "/api/v1/quota", scopeRead, a.quota},
		{"GET", "/api/v1/doctor", scopeRead, a.doctor},
		{"GET", "/api/v1/openapi.json", "", a.openapi},
	}
	if a.Calendar != nil {
		list = append(list, route{"GET", atEnvironment + "/" + calendarFile, scopeRead, a.calendar}, route{"GET", atRepo + "/" + calendarFile, scopeRead, a.calendar})
	}
	if a.Records != nil {
		list = append(append(list, a.records()...), a.pageRoutes()...)
	}
	if a.People != nil && len(a.People.Forges) > 0 {
		list = append(list, route{"GET", "/api/v1/me", scopeRead, a.me}, route{"GET", "/api/v1/tokens", scopeRead, a.tokens},
			route{"POST", "/api/v1/tokens", scopeCommand, a.newToken}, route{"DELETE", "/api/v1/tokens/{id}", scopeCommand, a.revoke})
	}
	return list
}

// Handler serves all of it. A browser's request from another origin is refused before anything is read.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, x := range a.routes() {
		mux.HandleFunc(x.method+" "+x.path, a.scoped(x))
	}
	mux.HandleFunc("/", a.scoped(route{needs: scopeRead, serve: func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, "There is no such path, or it does not take "+r.Method+".")
	}}))
	own := http.NewCrossOriginProtection()
	own.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusForbidden, "A page of another site asks this, and none but our own may.")
	}))
	inner := own.Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		inner.ServeHTTP(w, r)
	})
}

// body is what is sent with a request for something.
type body struct {
	Ref    string `json:"ref"`
	Reason string `json:"reason"`
	By     string `json:"by"`
	For    string `json:"for"`
	Reject bool   `json:"reject"`
	Checks string `json:"checks"`
	Commit string `json:"commit"`
}

// takes are the members that each request may have, beside by.
var takes = map[string]string{"deploy": "ref reason", "rollback": "ref reason", "lock": "reason for", "unlock": "reason", "cancel": "reason", "approve": "reject reason", "override": "checks commit reason for", "revoke": "reason", "hold": "reason", "unhold": "reason", "recheck": ""}

func (a *API) ask(w http.ResponseWriter, r *http.Request, word string) {
	x, status, wrong := a.read(w, r, word)
	if wrong != "" {
		problem(w, status, wrong)
		return
	}
	added, err := a.Shelf.Ask(r.Context(), *x)
	if err == nil && !added {
		var before *gate.Ask
		if before, err = a.Shelf.Asked(r.Context(), x.ID); err == nil && before != nil && !same(*before, *x) {
			problem(w, http.StatusUnprocessableEntity, "This Idempotency-Key was used for something else. Take another one.")
			return
		}
	}
	if err != nil {
		a.Log.Error("keep what was asked", "err", err)
		w.Header().Set("Retry-After", "5")
		problem(w, http.StatusServiceUnavailable, "It could not be written down, so nothing will come of it. Ask again, with the same Idempotency-Key if you gave one.")
		return
	}
	w.Header().Set("Location", "/api/v1/asks/"+x.ID)
	answer(w, http.StatusAccepted, map[string]any{"id": x.ID, "url": strings.TrimRight(a.PublicURL, "/") + "/api/v1/asks/" + x.ID})
}

// same says whether two askings ask for the same.
func same(x, y gate.Ask) bool {
	x.At, x.Result, y.At, y.Result = time.Time{}, nil, time.Time{}, nil
	return x == y
}

// read makes of a request what it asks for, or says what is wrong with it.
func (a *API) read(w http.ResponseWriter, r *http.Request, word string) (x *gate.Ask, status int, wrong string) {
	at, status, wrong := a.where(r)
	if wrong != "" {
		return nil, status, wrong
	}
	b, status, wrong := decoded(w, r, word)
	if wrong != "" {
		return nil, status, wrong
	}
	by, status, wrong := a.by(r, b.By)
	if wrong != "" {
		return nil, status, wrong
	}
	x = &gate.Ask{Forge: at.Forge, Repo: at.Name, Word: word, Environment: r.PathValue("environment"), Ref: b.Ref, Reason: strings.TrimSpace(b.Reason), By: by.Login, ByID: by.ID, At: a.Now().UTC().Truncate(time.Millisecond)}
	if b.Reject {
		x.Word = "reject"
	}
	if r.PathValue("number") != "" {
		if x.Change, _ = strconv.Atoi(r.PathValue("number")); x.Change <= 0 {
			return nil, http.StatusNotFound, "There is no such change."
		}
		x.Checks, x.Commit = cmp.Or(b.Checks, r.PathValue("check")), b.Commit
	}
	if b.For != "" {
		if x.For, wrong = lasting(b.For); wrong != "" {
			return nil, http.StatusUnprocessableEntity, wrong
		}
	}
	if wrong := x.Problem(); wrong != "" {
		return nil, http.StatusUnprocessableEntity, wrong
	}
	x.ID, wrong = identity(r, callerOf(r.Context()))
	return x, http.StatusBadRequest, wrong
}

var isName = patterns.New(`^[A-Za-z0-9_.-]{1,100}$`)

// mostParts is how deep a repository may lie: GitLab allows twenty groups above a project.
const mostParts = 22

// where is the repository that a request is about. A group below another is written with its slash escaped: acme%2Fplatform.
func (a *API) where(r *http.Request) (repo gate.Repo, status int, wrong string) {
	repo.Name = r.PathValue("owner") + "/" + r.PathValue("repo")
	parts := strings.Split(repo.Name, "/")
	for _, p := range parts {
		if !isName.MatchString(p) || strings.Trim(p, ".") == "" || len(parts) > mostParts {
			return repo, http.StatusNotFound, "There is no such repository."
		}
	}
	repo.Forge = r.URL.Query().Get("forge")
	if c := callerOf(r.Context()); repo.Forge == "" && !c.operator {
		repo.Forge = c.person.Forge // nobody sees another one
	}
	switch {
	case repo.Forge == "" && len(a.Forges) == 1:
		repo.Forge = a.Forges[0]
	case repo.Forge == "" && len(a.Forges) > 1:
		return repo, http.StatusUnprocessableEntity, "Several forges are configured here. Say which one is meant: ?forge=" + strings.Join(a.Forges, " or ?forge=") + "."
	case !slices.Contains(a.Forges, repo.Forge):
		return repo, http.StatusNotFound, "No such forge is configured here."
	}
	status, wrong = a.sees(r.Context(), repo)
	return repo, status, wrong
}

// decoded is the body of a request: one object, of no more than is asked for.
func decoded(w http.ResponseWriter, r *http.Request, word string) (b body, status int, wrong string) {
	if r.Method == http.MethodDelete && r.ContentLength == 0 {
		return b, 0, "" // nothing has to be said about it
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return b, http.StatusUnsupportedMediaType, "The body must be JSON, with the Content-Type application/json."
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostAsked))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return b, http.StatusRequestEntityTooLarge, "The body is larger than 16 KiB."
	}
	var members map[string]json.RawMessage
	if err != nil || json.Unmarshal(text, &members) != nil || json.Unmarshal(text, &b) != nil {
		return b, http.StatusBadRequest, "The body is not one JSON object with text in its members."
	}
	for name := range members {
		if name != "by" && !strings.Contains(" "+takes[word]+" ", " "+name+" ") {
			return b, http.StatusBadRequest, "The body has a member that is not taken here. It may have: by " + takes[word] + "."
		}
	}
	return b, 0, ""
}

// identity is the id of what is asked: of one key of one caller always the same, so that asking twice with it asks once.
func identity(r *http.Request, c *caller) (id, wrong string) {
	var b [16]byte
	keys := r.Header.Values("Idempotency-Key")
	switch {
	case len(keys) == 0:
		_, _ = rand.Read(b[:]) // never fails, by its documentation
	case len(keys) > 1 || keys[0] == "" || len(keys[0]) > 200:
		return "", "The Idempotency-Key must be one, of at most 200 characters."
	default:
		sum := sha256.Sum256([]byte("ask\x00" + c.name() + keys[0]))
		copy(b[:], sum[:])
	}
	return hex.EncodeToString(b[:]), ""
}

// problemJSON is what is told of a request that came to nothing, as RFC 9457 has it.
type problemJSON struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"` // one sentence or two: what is missing, and what cures it
}

// problem tells in a sentence what is wrong.
func problem(w http.ResponseWriter, status int, text string) {
	if text == "" {
		text = http.StatusText(status) + "."
	}
	write(w, status, "application/problem+json", problemJSON{"about:blank", http.StatusText(status), status, text})
}

func answer(w http.ResponseWriter, status int, v any) {
	write(w, status, "application/json; charset=utf-8", v)
}

func write(w http.ResponseWriter, status int, kind string, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "This could not be written as JSON.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // whoever asked may be gone
}
