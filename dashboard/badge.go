package dashboard

import (
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// BadgePath is where badges are: /badge/github/acme/shop/production.svg.
const BadgePath = "/badge/{forge}/{owner}/{repo}/{file}"

// Badge draws what is live in an environment. Public: for everybody; else for whoever may see the repository, by a session or a
// token. To others there is no such badge.
func (a *API) Badge(public bool) http.Handler {
	serve := a.badge
	if !public {
		serve = a.scoped(route{needs: scopeRead, serve: a.badge})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Robots-Tag", "noindex")
		h.Set("Cache-Control", map[bool]string{true: "public, max-age=60", false: "private, no-cache"}[public])
		if public {
			r = r.WithContext(withCaller(r.Context(), &caller{operator: true}))
		}
		serve(w, r)
	})
}

func (a *API) badge(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutSuffix(r.PathValue("file"), ".svg")
	if !ok {
		problem(w, http.StatusNotFound, "There is no such badge.")
		return
	}
	q := r.URL.Query()
	q.Set("forge", r.PathValue("forge"))
	r.URL.RawQuery = q.Encode()
	repo, status, wrong := a.where(r)
	if wrong != "" {
		problem(w, status, wrong)
		return
	}
	seen, err := a.Shelf.Environments(r.Context(), repo.Forge, repo.Name)
	i := slices.IndexFunc(seen, func(e gate.EnvironmentSeen) bool { return strings.EqualFold(e.Name, name) })
	if err != nil || i < 0 {
		if err != nil {
			a.unread(w, err)
			return
		}
		problem(w, http.StatusNotFound, "There is no such environment.")
		return
	}
	book, err := a.Shelf.Environment(r.Context(), repo.Forge, repo.Name, seen[i].Name)
	if err != nil {
		a.unread(w, err)
		return
	}
	text, colour := a.badgeOf(a.place(seen[i], book))
	w.Header().Set("Content-Type", "image/svg+xml; charset=utf-8")
	_, _ = w.Write([]byte(drawn(seen[i].Name, text, colour))) // whoever asked may be gone
}

// The colours of badges, with which white letters can be read.
const (
	badgeGood = "#1a7f37"
	badgeBusy = "#9a6700"
	badgeDull = "#57606a"
)

// badgeOf says in a few words what is live.
func (a *API) badgeOf(p placeJSON) (text, colour string) {
	switch {
	case len(p.Locks) > 0 && p.Live != nil:
		return fmt.Sprintf("%.7s, locked", p.Live.Commit), badgeBusy
	case p.UnderWay != nil:
		return fmt.Sprintf("deploying %.7s", p.UnderWay.Commit), badgeBusy
	case p.Live == nil:
		return "nothing live", badgeDull
	case p.Live.State == gate.Verified || p.Live.State == gate.Live:
		return fmt.Sprintf("%.7s %s", p.Live.Commit, p.Live.State), badgeGood
	}
	return fmt.Sprintf("%.7s %s", p.Live.Commit, p.Live.State), badgeDull
}

// drawn is the picture. A letter is taken for seven units wide, and told to be.
func drawn(label, text, colour string) string {
	label, text = checks.Clip(gate.Plain(label), 40), checks.Clip(gate.Plain(text), 40)
	left, right := 7*utf8.RuneCountInString(label)+12, 7*utf8.RuneCountInString(text)+12
	label, text = html.EscapeString(label), html.EscapeString(text)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="20" role="img" aria-label="%s: %s"><title>%s: %s</title>`+
		`<rect width="%d" height="20" rx="3" fill="#24292f"/><rect x="%d" width="%d" height="20" rx="3" fill="%s"/>`+
		`<g fill="#fff" font-family="Verdana,sans-serif" font-size="11" text-anchor="middle"><text x="%d" y="14" textLength="%d">%s</text><text x="%d" y="14" textLength="%d">%s</text></g></svg>`+"\n",
		left+right, label, text, label, text, left+right, left, right, colour, left/2, left-12, label, left+right/2, right-12, text)
}
