package dashboard

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"sync"
	"time"

	"github.com/sluicegate/sluice/gate"
)

//go:embed pages/sign/*.html
var signPages embed.FS

var signTemplates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{"plain": gate.Plain, "day": day}).ParseFS(signPages, "pages/sign/*.html"))
})

// Handler serves /login, /logout and /tokens. It goes within Known, and without SignIn there is but the page that says how to set
// it up.
func (s *SignIn) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", s.page)
	mux.HandleFunc("GET /login/{forge}", s.begin)
	mux.HandleFunc("GET /login/{forge}/callback", s.back)
	mux.HandleFunc("POST /logout", s.leave)
	mux.HandleFunc("GET /tokens", s.tokens)
	mux.HandleFunc("POST /tokens", s.newToken)
	mux.HandleFunc("POST /tokens/{id}/revoke", s.revoke)
	own := http.NewCrossOriginProtection()
	own.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, http.StatusForbidden, "A page of another site asks this, and none but our own may.")
	}))
	return ownPages(own.Handler(mux))
}

// ownPages tells a browser to keep such a page to itself, and to send its forms nowhere else.
func ownPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, mostAsked)
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin") // with none a browser would not say where a form was sent from, either
		h.Set("X-Robots-Tag", "noindex, nofollow")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// page is /login: where to sign in, or out.
func (s *SignIn) page(w http.ResponseWriter, r *http.Request) {
	data := struct {
		Who    *Person
		Title  string
		Forges []Forge
		Next   string
	}{Forges: s.Forges, Next: local(r.URL.Query().Get("next"))}
	if p, ok := PersonOf(r.Context()); ok {
		f, _ := s.forge(p.Forge)
		data.Who, data.Title = &p, f.Title
	}
	s.render(w, http.StatusOK, "login.html", data)
}

func (s *SignIn) refuse(w http.ResponseWriter, _ *http.Request, status int, text string) {
	s.render(w, status, "refused.html", struct{ Text string }{text})
}

// broken tells nobody but the log what went wrong.
func (s *SignIn) broken(w http.ResponseWriter, r *http.Request, doing string, err error) {
	s.Log.Error(doing, "err", err)
	w.Header().Set("Retry-After", "5")
	s.refuse(w, r, http.StatusServiceUnavailable, "That did not work just now; the log says why. Try again in a minute.")
}

// render renders into memory first, so that a fault in a template is a 500 and not half a page.
func (s *SignIn) render(w http.ResponseWriter, status int, page string, data any) {
	var out bytes.Buffer
	if err := signTemplates().ExecuteTemplate(&out, page, data); err != nil {
		s.Log.Error("render", "page", page, "err", err)
		http.Error(w, "This page could not be made; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // whoever asked may be gone
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }
