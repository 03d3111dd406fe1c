package dashboard

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// Records are what the API lists of the store.
type Records interface {
	// KnownRepos are the repositories that something is kept of, by name and forge.
	KnownRepos(ctx context.Context) ([]gate.Repo, error)
	// Open are the changes of a repository that are known to be open, with what is remembered of each.
	Open(ctx context.Context, repo gate.Repo) ([]OpenChange, error)
	// Decided are decisions, the newest first; before is the seq of the last one had, 0 of none.
	Decided(ctx context.Context, repo gate.Repo, change int, before int64, limit int) ([]PastDecision, error)
	// Entries are lines of the audit log, the oldest first.
	Entries(ctx context.Context, q AuditQuery) ([]AuditLine, error)
	// Waits are pieces of work, by id; after is the last one had, 0 of none.
	Waits(ctx context.Context, standing string, after int64, limit int) (items any, last int64, n int, err error)
	// Pages are what the pages are made from, but for whom they are shown to.
	Pages() *Pages
}

// OpenChange is a change that is open.
type OpenChange struct {
	Number int
	State  gate.SubjectState
}

// PastDecision is a decision in a list. Seq is for paging.
type PastDecision struct {
	gate.Decision
	Seq int64
}

// AuditQuery says which entries of the audit log are meant.
type AuditQuery struct {
	Repo  gate.Repo // the zero one: all
	Kind  gate.EntryKind
	Who   string
	Since time.Time
	After int64 // the seq of the last one had
	Limit int
}

// AuditLine is an entry, as it is kept.
type AuditLine struct {
	Seq  int64
	Line string
}

func (a *API) records() []route {
	return []route{
		{"GET", "/api/v1/repos", scopeRead, a.repos},
		{"GET", atRepo + "/changes", scopeRead, a.changes},
		{"GET", atRepo + "/changes/{number}/decisions", scopeRead, a.history},
		{"GET", atRepo + "/decisions", scopeRead, a.history},
		{"GET", atRepo + "/overrides", scopeRead, func(w http.ResponseWriter, r *http.Request) { a.entries(w, r, gate.EntryOverride) }},
		{"GET", atRepo + "/audit", scopeRead, func(w http.ResponseWriter, r *http.Request) { a.entries(w, r, "") }},
		{"GET", "/api/v1/decisions/{id}", scopeRead, a.decision},
		{"GET", "/api/v1/audit", scopeRead, func(w http.ResponseWriter, r *http.Request) { a.entries(w, r, "") }},
		{"GET", "/api/v1/inbox", scopeRead, a.inbox},
	}
}

// How much is on a page.
const (
	pageSize = 50
	pageMost = 100
)

// pageAsked is which page is asked for: after is what the cursor of the one before held.
func pageAsked(r *http.Request) (after string, limit int, wrong string) {
	limit = pageSize
	q := r.URL.Query()
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > pageMost {
			return "", 0, "The limit is a number from 1 to 100."
		}
		limit = n
	}
	b, err := base64.RawURLEncoding.DecodeString(q.Get("cursor"))
	if err != nil || len(b) > 500 {
		return "", 0, "The cursor is none that was given here: begin without one."
	}
	return string(b), limit, ""
}

// pageAfter is pageAsked for pages that go by numbers.
func pageAfter(r *http.Request) (after int64, limit int, wrong string) {
	text, limit, wrong := pageAsked(r)
	if wrong == "" && text != "" {
		var err error
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			wrong = "The cursor is none that was given here: begin without one."
		}
	}
	return after, limit, wrong
}

// listed answers a page, with the cursor of the next one where there is more.
func listed(w http.ResponseWriter, r *http.Request, name string, list any, next string) {
	body := map[string]any{name: list}
	if next != "" {
		cursor := base64.RawURLEncoding.EncodeToString([]byte(next))
		body["next"] = cursor
		q := r.URL.Query()
		q.Set("cursor", cursor)
		w.Header().Set("Link", "<"+(&url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: q.Encode()}).String()+`>; rel="next"`)
	}
	answer(w, http.StatusOK, body)
}

type repoJSON struct {
	Forge string `json:"forge"`
	Name  string `json:"name"`
}

func (a *API) repos(w http.ResponseWriter, r *http.Request) {
	after, limit, wrong := pageAsked(r)
	if wrong != "" {
		problem(w, http.StatusUnprocessableEntity, wrong)
		return
	}
	all, err := a.Records.KnownRepos(r.Context())
	if c := callerOf(r.Context()); err == nil && !c.operator {
		all, err = a.Sight.Repos(r.Context(), c.person, all)
	}
	if err != nil {
		a.unread(w, err)
		return
	}
	forge := r.URL.Query().Get("forge")
	all = slices.DeleteFunc(slices.Clone(all), func(x gate.Repo) bool {
		return forge != "" && x.Forge != forge || strings.Compare(repoCursor(x), after) <= 0
	})
	sorting.By(all, func(x, y gate.Repo) int { return strings.Compare(repoCursor(x), repoCursor(y)) })
	list, next := []repoJSON{}, ""
	for _, x := range all[:min(limit, len(all))] {
		list = append(list, repoJSON{x.Forge, x.Name})
	}
	if len(all) > limit {
		next = repoCursor(all[limit-1])
	}
	listed(w, r, "repositories", list, next)
}

func repoCursor(x gate.Repo) string { return strings.ToLower(x.Name) + " " + x.Forge }

// wherePaged is which repository is meant, and which page of what there is of it; it has answered where it is not ok.
func (a *API) wherePaged(w http.ResponseWriter, r *http.Request) (repo gate.Repo, after int64, limit int, ok bool) {
	repo, status, wrong := a.where(r)
	if wrong != "" {
		problem(w, status, wrong)
		return repo, 0, 0, false
	}
	if after, limit, wrong = pageAfter(r); wrong != "" {
		problem(w, http.StatusUnprocessableEntity, wrong)
		return repo, 0, 0, false
	}
	return repo, after, limit, true
}

type changeJSON struct {
	Number   int       `json:"number"`
	Title    string    `json:"title"`
	Author   string    `json:"author"`
	Head     string    `json:"head"`
	Base     string    `json:"base"`
	Decision string    `json:"decision,omitempty"` // the newest one's id
	ReadAt   time.Time `json:"read_at,omitzero"`
}

func (a *API) changes(w http.ResponseWriter, r *http.Request) {
	repo, after, limit, ok := a.wherePaged(w, r)
	if !ok {
		return
	}
	open, err := a.Records.Open(r.Context(), repo)
	if err != nil {
		a.unread(w, err)
		return
	}
	sorting.By(open, func(x, y OpenChange) int { return y.Number - x.Number })
	open = slices.DeleteFunc(open, func(x OpenChange) bool { return after > 0 && int64(x.Number) >= after })
	list, next := []changeJSON{}, ""
	for _, x := range open[:min(limit, len(open))] {
		list = append(list, changeJSON{x.Number, gate.Plain(x.State.Title), gate.Plain(x.State.Author), x.State.Head, gate.Plain(x.State.Base), x.State.Decision, x.State.ReadAt})
	}
	if len(open) > limit {
		next = strconv.Itoa(open[limit-1].Number)
	}
	listed(w, r, "changes", list, next)
}

type pastJSON struct {
	ID      string    `json:"id"`
	Subject string    `json:"subject"`
	Commit  string    `json:"commit"`
	At      time.Time `json:"at"`
	Open    bool      `json:"open"`
	Outcome string    `json:"outcome"`
	Reason  string    `json:"reason"`
}

// history lists decisions: of one change, or of all of a repository.
func (a *API) history(w http.ResponseWriter, r *http.Request) {
	repo, before, limit, ok := a.wherePaged(w, r)
	if !ok {
		return
	}
	number := 0
	if text := r.PathValue("number"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 {
			problem(w, http.StatusNotFound, "There is no such change.")
			return
		}
		number = n
	}
	found, err := a.Records.Decided(r.Context(), repo, number, before, limit+1)
	if err != nil {
		a.unread(w, err)
		return
	}
	list, next := []pastJSON{}, ""
	for _, d := range found[:min(limit, len(found))] {
		list = append(list, pastJSON{d.ID, d.Subject.Key(), d.Commit, d.At, d.Open, d.Gate.Outcome.String(), gate.Plain(d.Gate.Reason)})
	}
	if len(found) > limit {
		next = strconv.FormatInt(found[limit-1].Seq, 10)
	}
	listed(w, r, "decisions", list, next)
}

// decision is one decision, whole, as it is kept.
func (a *API) decision(w http.ResponseWriter, r *http.Request) {
	d, err := (*gate.Decision)(nil), error(nil)
	if id := r.PathValue("id"); decisionID.MatchString(id) {
		d, err = a.Decisions.Decision(r.Context(), id)
	}
	if err != nil {
		a.unread(w, err)
		return
	}
	const none = "There is no such decision. It may be older than SLUICE_KEEP."
	if d == nil {
		problem(w, http.StatusNotFound, none)
		return
	}
	switch status, wrong := a.sees(r.Context(), gate.Repo{Forge: d.Subject.Forge, Name: d.Subject.Repo}); {
	case status == http.StatusNotFound:
		problem(w, status, none)
	case wrong != "":
		problem(w, status, wrong)
	default:
		answer(w, http.StatusOK, d)
	}
}

// entries lists the audit log: of one repository, or, to the operator, of all.
func (a *API) entries(w http.ResponseWriter, r *http.Request, kind gate.EntryKind) {
	q := AuditQuery{Kind: kind, Who: r.URL.Query().Get("who")}
	if r.PathValue("repo") != "" {
		repo, status, wrong := a.where(r)
		if wrong != "" {
			problem(w, status, wrong)
			return
		}
		q.Repo = repo
	} else if !callerOf(r.Context()).operator {
		problem(w, http.StatusForbidden, "The whole audit log is for SLUICE_API_TOKEN alone: ask for that of a repository, at /api/v1/repos/OWNER/NAME/audit.")
		return
	}
	if q.Kind == "" {
		q.Kind = gate.EntryKind(checks.Clip(r.URL.Query().Get("kind"), 40))
	}
	var wrong string
	if q.After, q.Limit, wrong = pageAfter(r); wrong == "" && r.URL.Query().Get("since") != "" {
		var err error
		if q.Since, err = time.Parse(time.RFC3339, r.URL.Query().Get("since")); err != nil {
			wrong = "The time (since) is none: write 2026-11-20T12:00:00Z."
		}
	}
	if wrong != "" {
		problem(w, http.StatusUnprocessableEntity, wrong)
		return
	}
	limit := q.Limit
	q.Limit++
	found, err := a.Records.Entries(r.Context(), q)
	if err != nil {
		a.unread(w, err)
		return
	}
	list, next := []json.RawMessage{}, ""
	for _, e := range found[:min(limit, len(found))] {
		list = append(list, json.RawMessage(e.Line))
	}
	if len(found) > limit {
		next = strconv.FormatInt(found[limit-1].Seq, 10)
	}
	listed(w, r, "entries", list, next)
}

// administered lets administrators through, and says who the others can ask.
func administered(w http.ResponseWriter, r *http.Request) bool {
	if !callerOf(r.Context()).admin() {
		problem(w, http.StatusForbidden, "This is for administrators: whoever runs Sluice names them in SLUICE_ADMINS.")
		return false
	}
	return true
}

func (a *API) inbox(w http.ResponseWriter, r *http.Request) {
	if !administered(w, r) {
		return
	}
	after, limit, wrong := pageAfter(r)
	standing := r.URL.Query().Get("standing")
	if wrong == "" && !slices.Contains([]string{"", "waiting", "running", "dead", "scheduled"}, standing) {
		wrong = "The standing is one of waiting, running, dead and scheduled."
	}
	if wrong != "" {
		problem(w, http.StatusUnprocessableEntity, wrong)
		return
	}
	items, last, n, err := a.Records.Waits(r.Context(), standing, after, limit)
	if err != nil {
		a.unread(w, err)
		return
	}
	next := ""
	if n == limit {
		next = strconv.FormatInt(last, 10)
	}
	listed(w, r, "items", items, next)
}
