package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// back begins a sign-in and stops where the forge sends the browser back to us.
func (b *browser) back() string {
	b.t.Helper()
	b.CheckRedirect = func(q *http.Request, _ []*http.Request) error {
		if strings.HasSuffix(q.URL.Path, "/callback") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	defer func() { b.CheckRedirect = nil }()
	answer, err := b.Get(b.web.URL + "/login/" + b.where)
	b.must(err)
	defer answer.Body.Close()
	at := answer.Header.Get("Location")
	if !strings.Contains(at, "/callback?") || !strings.Contains(at, "code=") {
		b.t.Fatalf("the forge sends back to %q", at)
	}
	return at
}

func TestNobodySignsInByAnswersThatAreNotTheirs(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, where string) {
		h := newHouse(t, where, nil)
		h.sits("ana", time.Hour)
		refused := func(name string, b *browser, at string) {
			t.Helper()
			status, text, _ := b.open(at)
			if status != http.StatusBadRequest || b.me().Login != "" {
				t.Errorf("%s: %d %s, signed in as %q", name, status, text, b.me().Login)
			}
			for _, secret := range []string{"code=", "hush", "ghu_"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s: the page tells %q", name, secret)
				}
			}
		}
		mallory, victim := h.browser(), h.browser()
		refused("an answer to somebody else's browser", victim, mallory.back())

		victim.back() // one of their own is under way
		refused("an answer to somebody else's browser, in the midst of one of theirs", victim, mallory.back())

		late := h.browser()
		at := late.back()
		h.pass(11 * time.Minute)
		refused("an answer after more than ten minutes", late, at)

		for name, change := range map[string]func(url.Values){
			"no state":      func(q url.Values) { q.Del("state") },
			"another state": func(q url.Values) { q.Set("state", "x") },
			"another code":  func(q url.Values) { q.Set("code", "0123456789") },
		} {
			b := h.browser()
			u, err := url.Parse(b.back())
			h.must(err)
			q := u.Query()
			change(q)
			u.RawQuery = q.Encode()
			refused(name, b, u.String())
		}

		b := h.browser()
		at = b.back()
		b.open(at)
		if b.me().Login != "ana" {
			t.Fatal("an answer that is theirs does not sign in")
		}
		if b.post("/logout", nil); b.me().Login != "" {
			t.Fatal("still signed in")
		}
		refused("an answer that was used", b, at)

		stolen := h.browser() // the cookie of the sign-in without the verifier's forge: a code begun elsewhere
		mine := stolen.back()
		other := h.browser()
		theirs, err := url.Parse(other.back())
		h.must(err)
		u, err := url.Parse(mine)
		h.must(err)
		q := u.Query()
		q.Set("code", theirs.Query().Get("code"))
		u.RawQuery = q.Encode()
		refused("a code that another verifier belongs to", stolen, u.String())
	})
}

func TestASignInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "github", nil)
	h.sits("ana", time.Hour)
	for next, want := range map[string]string{
		"/setup?a=1#b": "/setup?a=1#b", "": "/", "//evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/", `\\evil.example`: "/", "evil": "/", "/\t/evil.example": "/",
		"/%5cevil.example": "/", "/%2f%2fevil.example": "/", "javascript:alert(1)": "/", "/logout": "/", "/login/github": "/", "http:/evil.example": "/", strings.Repeat("/a", 600): "/",
	} {
		b := h.browser()
		if _, _, at := b.open("/login/github?next=" + url.QueryEscape(next)); at != h.web.URL+want {
			t.Errorf("next=%q leads to %s, want %s", next, at, want)
		}
	}
}

func TestOtherSitesSignNobodyInOrOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "github", nil)
	b := h.browser()
	b.signIn("ana")
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for name, header := range map[string]http.Header{"by what the browser says": {"Sec-Fetch-Site": {"cross-site"}}, "by its origin": {"Origin": {"https://evil.example"}}} {
		for k, v := range form {
			header[k] = v
		}
		for _, path := range []string{"/logout", "/tokens", "/tokens/0123456789abcdef0123456789abcdef/revoke"} {
			if status, text, _ := b.send(http.MethodPost, path, "name=x", header); status != http.StatusForbidden {
				t.Errorf("%s, POST %s: %d %s", name, path, status, text)
			}
		}
		header.Set("Content-Type", "application/json")
		if status, text, _ := b.send(http.MethodPost, "/api/v1/repos/acme/shop/environments/production/promotions", "{}", header); status != http.StatusForbidden {
			t.Errorf("%s, asking for a promotion: %d %s", name, status, text)
		}
	}
	if b.me().Login != "ana" {
		t.Error("another site signed somebody out")
	}
}

// The cookies are held to what keeps them from others, and the session's is another after signing in.
func TestCookiesAreKeptFromOthers(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]struct{ prefix, attributes string }{
		"https://sluice.example": {"__Host-sluice-", "Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"},
		"http://localhost:8080":  {"sluice-", "Path=/; Max-Age=600; HttpOnly; SameSite=Lax"},
	} {
		h := newHouse(t, "github", func(s *settings) { s.PublicURL = at })
		h.sits("ana", time.Hour)
		w := httptest.NewRecorder()
		h.server.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/login/github", nil))
		cookie := w.Header().Get("Set-Cookie")
		if !strings.HasPrefix(cookie, want.prefix) || !strings.HasSuffix(cookie, want.attributes) || strings.Contains(cookie, "Domain") {
			t.Errorf("at %s the cookie of a sign-in is %s, want %s…%s", at, cookie, want.prefix, want.attributes)
		}
		to, err := url.Parse(w.Header().Get("Location"))
		h.must(err)
		q := to.Query()
		if q.Get("redirect_uri") != at+"/login/github/callback" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(q.Get("state")) < 20 {
			t.Errorf("at %s the forge is asked %v", at, q)
		}
	}
	h := newHouse(t, "github", nil)
	b := h.browser()
	here, err := url.Parse(h.web.URL)
	h.must(err)
	session := func() string {
		for _, c := range b.Jar.Cookies(here) {
			if c.Name == "sluice-session" {
				return c.Value
			}
		}
		return ""
	}
	b.Jar.SetCookies(here, []*http.Cookie{{Name: "sluice-session", Value: "planted", Path: "/"}})
	b.signIn("ana")
	first := session()
	if first == "" || first == "planted" {
		t.Errorf("the session's cookie after signing in is %q", first)
	}
	b.signIn("bo")
	if again := session(); again == "" || again == first {
		t.Error("signing in again keeps the cookie")
	}
	old := h.browser()
	old.Jar.SetCookies(here, []*http.Cookie{{Name: "sluice-session", Value: first, Path: "/"}})
	if got := old.me(); got.Login != "" {
		t.Errorf("the cookie of before is %s's still", got.Login)
	}
}

func TestPagesOfSignInAreHeldToThemselves(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "github", nil)
	b := h.browser()
	b.signIn("ana")
	for _, path := range []string{"/login", "/login/github/callback", "/login/nowhere", "/tokens", "/logout", "/api/v1/me", "/badge/github/acme/shop/production.svg"} {
		answer, err := b.Get(h.web.URL + path)
		h.must(err)
		answer.Body.Close()
		csp := answer.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || answer.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(answer.Header.Get("Cache-Control"), "no-") {
			t.Errorf("%s: %d %v", path, answer.StatusCode, answer.Header)
		}
		if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") && !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s may be framed: %s", path, csp)
		}
	}
}
