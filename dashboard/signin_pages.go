package dashboard

import (
	"bytes"
	"embed"
	"net/http"
	"sync"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

//go:embed pages/frame.html pages/sign/*.html
var signPages embed.FS

var signTemplates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(words()).ParseFS(signPages, "pages/*.html", "pages/sign/*.html"))
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

// ownPages tells a browser what every page tells it, and to keep no copy of these.
func ownPages(next http.Handler) http.Handler {
	return secured(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, mostAsked)
		w.Header().Set("Referrer-Policy", "same-origin") // with none a browser would not say where a form was sent from, either
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	}))
}

// account is what the page of signing in shows.
type account struct {
	Who    *Person // nil: nobody is signed in
	Title  string  // of the forge that knows the person
	Forges []Forge
	Next   string // where to go on to
}

// page is /login: where to sign in, or out.
func (s *SignIn) page(w http.ResponseWriter, r *http.Request) {
	data := account{Forges: s.Forges, Next: local(r.URL.Query().Get("next"))}
	title := "Sign in"
	if p, ok := PersonOf(r.Context()); ok {
		f, _ := s.forge(p.Forge)
		data.Who, data.Title, title = &p, f.Title, "Account"
	}
	s.render(w, r, http.StatusOK, title, "login.html", data)
}

func (s *SignIn) refuse(w http.ResponseWriter, r *http.Request, status int, text string) {
	s.render(w, r, status, "Sign in", "refused.html", text)
}

// broken tells nobody but the log what went wrong.
func (s *SignIn) broken(w http.ResponseWriter, r *http.Request, doing string, err error) {
	s.Log.Error(doing, "err", err)
	w.Header().Set("Retry-After", "5")
	s.refuse(w, r, http.StatusServiceUnavailable, "That did not work just now; the log says why. Try again in a minute.")
}

// render renders into memory first, so that a fault in a template is a 500 and not half a page.
func (s *SignIn) render(w http.ResponseWriter, r *http.Request, status int, title, name string, data any) {
	p := &page{Title: title, Here: "account", Data: data, Now: s.Now().UTC(), SignIn: len(s.Forges) > 0}
	p.Person, _ = PersonOf(r.Context())
	var out bytes.Buffer
	if err := signTemplates().ExecuteTemplate(&out, name, p); err != nil {
		s.Log.Error("render", "page", name, "err", err)
		http.Error(w, "This page could not be made; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // whoever asked may be gone
}
