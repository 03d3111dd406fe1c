// Package dashboard shows people what was decided, over the store.
//
// Pages are for people who signed in, and each shows what the forge lets that person see. Where nobody can sign in, a decision
// is shown to whoever has its link, which stands on the check run and ends in 128 random bits; so those see it whom the forge
// shows the check. It refuses to list anything to strangers, to decide (what is asked for on a page is written down and worked
// off as a command in a comment is), scripts but one of its own, frames, and anything from elsewhere; it escapes every string.
package dashboard

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	template "github.com/DataDog/datadog-agent/pkg/template/html"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

//go:embed pages/*.html pages/style.css pages/live.js
var pages embed.FS

// Decisions is what the pages need of the store.
type Decisions interface {
	// Decision is the decision with this id, or nil.
	Decision(ctx context.Context, id string) (*gate.Decision, error)
	// Promoted is what the decision with this id on a promotion was told of it, and the promotion as it stands by now; both
	// may be nil.
	Promoted(ctx context.Context, id string) (told *checks.Promotion, now *gate.Promotion, err error)
}

// Board serves the pages.
type Board struct {
	decisions Decisions
	log       *slog.Logger
	templates *template.Template
	version   string
	forge     bool   // a forge is configured
	pages     *Pages // nil: only what is reached by a link is shown
	pulse     *pulse
}

// New makes the pages over a store; forge says whether one is configured, else the set-up page is what there is.
func New(decisions Decisions, forge bool, version string, log *slog.Logger) (*Board, error) {
	t, err := template.New("").Funcs(words()).ParseFS(pages, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("read pages: %w", err)
	}
	return &Board{decisions: decisions, log: log, templates: t, version: version, forge: forge}, nil
}

// shown are the findings that people are shown; of a single one the words stand above it already.
func shown(v checks.Verdict) []checks.Finding {
	var list []checks.Finding
	for _, f := range v.Findings {
		if f.Mode != policy.Observe || v.Mode == policy.Observe {
			list = append(list, f)
		}
	}
	if len(list) == 1 && list[0].What == v.Reason {
		list[0].What = ""
		if list[0].Rule == v.Rule {
			list[0].Rule = ""
		}
		if list[0].Path+list[0].How+list[0].Rule == "" && list[0].Until.IsZero() {
			return nil
		}
	}
	return list
}

// lines are those of an edit or command, without control or direction characters: what is copied is what is seen.
func lines(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		b.WriteString(indent + gate.Plain(line) + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Handler serves all pages. What a browser sends from another origin is refused before anything is read.
func (b *Board) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /decisions/{id}", b.decision)
	for _, name := range []string{"style.css", "live.js"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=3600")
			http.ServeFileFS(w, r, pages, "pages/"+name)
		})
	}
	b.routes(mux)
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		b.public(w, r, http.StatusNotFound, "Nothing here", "missing.html", "There is no such page.")
	})
	return secured(http.NewCrossOriginProtection().Handler(mux))
}

// home is what there is for nobody: how to set up what is missing.
func (b *Board) home(w http.ResponseWriter, r *http.Request) {
	if !b.forge {
		http.Redirect(w, r, "/setup", http.StatusSeeOther)
		return
	}
	b.public(w, r, http.StatusOK, "Sluice", "home.html", nil)
}

var decisionID = patterns.New(`^[0-9a-f]{32}$`)

func (b *Board) decision(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !decisionID.MatchString(id) {
		b.public(w, r, http.StatusNotFound, "Nothing here", "missing.html", "There is no such decision.")
		return
	}
	d, err := b.decisions.Decision(r.Context(), id)
	switch {
	case err != nil:
		b.log.Error("read decision", "decision", id, "err", err)
		b.public(w, r, http.StatusServiceUnavailable, "Not now", "missing.html", "The decision cannot be read right now. Try again in a minute.")
	case d == nil:
		b.public(w, r, http.StatusNotFound, "Nothing here", "missing.html", "There is no such decision. It may be older than SLUICE_KEEP.")
	case !b.mayRead(w, r, d):
	case r.URL.Query().Get("format") == "json":
		answer(w, http.StatusOK, d)
	default:
		b.public(w, r, http.StatusOK, gate.Plain(d.Subject.Key()), "decision.html", b.sheet(r.Context(), d))
	}
}

// mayRead says whether whoever asks is shown a decision, and answers where not. Where people sign in, a link is no leave.
func (b *Board) mayRead(w http.ResponseWriter, r *http.Request, d *gate.Decision) bool {
	if b.pages == nil || b.pages.Sight == nil {
		return true
	}
	v, ok := b.visit(w, r)
	if !ok {
		return false
	}
	if _, err := v.sees(d.Subject.Forge, d.Subject.Repo); err != nil {
		b.fail(v, err)
		return false
	}
	return true
}

// sheet is what a decision's page shows.
type sheet struct {
	*gate.Decision
	Told *checks.Promotion // of a promotion: what was known of it
	Now  *gate.Promotion   // ... and where it stands by now
}

func (b *Board) sheet(ctx context.Context, d *gate.Decision) sheet {
	x := sheet{Decision: d}
	if d.Subject.Kind != checks.KindPromotion {
		return x
	}
	var err error
	if x.Told, x.Now, err = b.decisions.Promoted(ctx, d.ID); err != nil { // the decision itself is worth showing
		b.log.Error("read the promotion of a decision", "decision", d.ID, "err", err)
	}
	return x
}

// askedBy says in words what asked for a promotion.
func askedBy(h checks.How) string {
	switch h {
	case checks.OnMerge:
		return "by merging"
	case checks.Automatic:
		return "by itself, after the environment before"
	case checks.ByCommand:
		return "by command"
	case checks.ByAPI:
		return "through the API"
	case checks.Workflow:
		return "by a workflow that waits there"
	case checks.Rollback:
		return "as a rollback"
	case checks.RollsBack:
		return "as a rollback by Sluice itself"
	}
	return string(h)
}

// public renders a page that is also for who has not signed in; who has finds the way to the others on it.
func (b *Board) public(w http.ResponseWriter, r *http.Request, status int, title, name string, data any) {
	p := &page{Title: title, Data: data}
	if b.pages != nil && b.pages.Sight != nil {
		p.Person, _ = PersonOf(r.Context())
		p.SignIn = p.Person.Login == ""
	}
	b.render(w, status, name, p)
}

// write renders into memory first, so that a fault in a template is a 500 and not half a page.
func (b *Board) write(w http.ResponseWriter, status int, name string, data any) {
	var out bytes.Buffer
	if err := b.templates.ExecuteTemplate(&out, name, data); err != nil {
		b.log.Error("render", "page", name, "err", err)
		http.Error(w, "This page could not be made; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // whoever asked may be gone
}

// secured sets what a browser needs to know to keep a page to itself.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Robots-Tag", "noindex, nofollow")
		h.Set("Cache-Control", "private, no-cache")
		next.ServeHTTP(w, r)
	})
}
