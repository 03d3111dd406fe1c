package dashboard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
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

// API serves /api/v1 to whoever has the operator's token. It decides nothing: what is asked of it is written down, in the
// name of a person, and worked off as a command in a comment is.
type API struct {
	Token     string   // "": there is none, and every path is missing
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
}

// mostAsked is the size of a body, in bytes.
const mostAsked = 16 << 10

// Handler serves all of it. A browser's request from another origin is refused before anything is read.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	const at = "/api/v1/repos/{owner}/{repo}/environments"
	for path, word := range map[string]string{"POST " + at + "/{environment}/promotions": "deploy", "POST " + at + "/{environment}/rollback": "rollback",
		"POST " + at + "/{environment}/lock": "lock", "DELETE " + at + "/{environment}/lock": "unlock", "POST " + at + "/{environment}/cancel": "cancel",
		"POST " + at + "/{environment}/approvals": "approve"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { a.ask(w, r, word) })
	}
	mux.HandleFunc("GET "+at, a.environments)
	mux.HandleFunc("GET "+at+"/{environment}/promotions/{id}", a.promotion)
	mux.HandleFunc("GET /api/v1/asks/{id}", a.asked)
	mux.HandleFunc("GET /api/v1/quota", a.quota)
	if a.Calendar != nil {
		mux.HandleFunc("GET "+at+"/{environment}/"+calendarFile, a.calendar)
		mux.HandleFunc("GET /api/v1/repos/{owner}/{repo}/"+calendarFile, a.calendar)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, "There is no such path, or it does not take "+r.Method+".")
	})
	return http.NewCrossOriginProtection().Handler(a.admitted(mux))
}

// admitted lets through whoever has the token. Digests are compared, so that not even its length is told by the time it takes.
func (a *API) admitted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if a.Token == "" {
			problem(w, http.StatusNotFound, "There is no API here: whoever runs Sluice can set SLUICE_API_TOKEN.")
			return
		}
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if _, password, ok := r.BasicAuth(); ok && strings.HasSuffix(r.URL.Path, "/"+calendarFile) {
			scheme, token = "Bearer", password // calendar programs know no other way
		}
		given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(a.Token))
		if subtle.ConstantTimeCompare(given[:], want[:]) != 1 || !strings.EqualFold(scheme, "Bearer") {
			w.Header().Set("WWW-Authenticate", `Bearer realm="sluice"`)
			problem(w, http.StatusUnauthorized, "The bearer token is missing or is not the one in SLUICE_API_TOKEN.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// body is what is sent with a request for something.
type body struct {
	Ref    string `json:"ref"`
	Reason string `json:"reason"`
	By     string `json:"by"`
	For    string `json:"for"`
	Reject bool   `json:"reject"`
}

// takes are the members that each request may have, beside by.
var takes = map[string]string{"deploy": "ref reason", "rollback": "ref reason", "lock": "reason for", "unlock": "reason", "cancel": "reason", "approve": "reject reason"}

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
	x = &gate.Ask{Forge: at.Forge, Repo: at.Name, Word: word, Environment: r.PathValue("environment"), Ref: b.Ref, Reason: strings.TrimSpace(b.Reason), By: b.By, At: a.Now().UTC().Truncate(time.Millisecond)}
	if b.Reject {
		x.Word = "reject"
	}
	if b.For != "" {
		if x.For, wrong = lasting(b.For); wrong != "" {
			return nil, http.StatusUnprocessableEntity, wrong
		}
	}
	if wrong := x.Problem(); wrong != "" {
		return nil, http.StatusUnprocessableEntity, wrong
	}
	x.ID, wrong = identity(r)
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
	switch {
	case repo.Forge == "" && len(a.Forges) == 1:
		repo.Forge = a.Forges[0]
	case repo.Forge == "" && len(a.Forges) > 1:
		return repo, http.StatusUnprocessableEntity, "Several forges are configured here. Say which one is meant: ?forge=" + strings.Join(a.Forges, " or ?forge=") + "."
	case !slices.Contains(a.Forges, repo.Forge):
		return repo, http.StatusNotFound, "No such forge is configured here."
	}
	return repo, 0, ""
}

// decoded is the body of a request: one object, of no more than is asked for.
func decoded(w http.ResponseWriter, r *http.Request, word string) (b body, status int, wrong string) {
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

// identity is the id of what is asked: of one key always the same, so that asking twice with it asks once.
func identity(r *http.Request) (id, wrong string) {
	var b [16]byte
	keys := r.Header.Values("Idempotency-Key")
	switch {
	case len(keys) == 0:
		_, _ = rand.Read(b[:]) // never fails, by its documentation
	case len(keys) > 1 || keys[0] == "" || len(keys[0]) > 200:
		return "", "The Idempotency-Key must be one, of at most 200 characters."
	default:
		sum := sha256.Sum256([]byte("ask\x00" + keys[0]))
		copy(b[:], sum[:])
	}
	return hex.EncodeToString(b[:]), ""
}

// problem tells in a sentence what is wrong.
func problem(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]string{"error": text})
}

func answer(w http.ResponseWriter, status int, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "This could not be written as JSON.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // whoever asked may be gone
}
