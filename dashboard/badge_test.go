package dashboard

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

func TestBadgesAreForWhoeverMaySee(t *testing.T) {
	t.Parallel()
	s, a := api()
	s.book.Locks = nil
	for name, c := range map[string]struct {
		public bool
		path   string
		bearer string
		want   int
		says   string
	}{
		"public":                      {true, "/badge/github/acme/shop/production.svg", "", 200, "production: c1"},
		"to nobody":                   {false, "/badge/github/acme/shop/production.svg", "", 401, ""},
		"with the token":              {false, "/badge/github/acme/shop/production.svg", token, 200, "production: c1"},
		"of no environment":           {true, "/badge/github/acme/shop/nowhere.svg", "", 404, ""},
		"of another forge":            {true, "/badge/gitlab/acme/shop/production.svg", "", 404, ""},
		"of no picture":               {true, "/badge/github/acme/shop/production", "", 404, ""},
		"of no name of a repository":  {true, "/badge/github/acme/%2e%2e/production.svg", "", 404, ""},
		"of a repository in a group":  {true, "/badge/github/acme%2Fteam/shop/production.svg", "", 200, "production"},
		"with the query of elsewhere": {true, "/badge/github/acme/shop/production.svg?forge=gitlab", "", 200, "production"},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		if c.bearer != "" {
			r.Header.Set("Authorization", "Bearer "+c.bearer)
		}
		mux := http.NewServeMux()
		mux.Handle("GET "+BadgePath, a.Badge(c.public))
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != c.want && (w.Code < 300 || w.Code > 399 || c.want != 404) || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.want)
		}
		if c.want == 200 && (w.Header().Get("Content-Type") != "image/svg+xml; charset=utf-8" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox")) {
			t.Errorf("%s: %v", name, w.Header())
		}
	}
}

func TestBadgesEscapeNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{`<script>alert(1)</script>`, `" onload="x`, "a\u202eb\x1b[2J", strings.Repeat("x", 10000), "Ünïcödé & co"} {
		got := drawn(name, name, badgeGood)
		for _, never := range []string{"<script", `" onload`, "\u202e", "\x1b"} {
			if strings.Contains(got, never) {
				t.Errorf("%.40q is drawn with %q: %.200s", name, never, got)
			}
		}
		d := xml.NewDecoder(strings.NewReader(got))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Errorf("%.40q: no XML: %v", name, err)
				break
			}
		}
		if len(got) > 2000 {
			t.Errorf("%.40q: %d bytes", name, len(got))
		}
	}
}

func TestBadgesTellWhatStands(t *testing.T) {
	t.Parallel()
	_, a := api()
	live := gate.Promotion{Commit: "0123456789", State: gate.Verified, LiveAt: noon, By: checks.Person{Login: "ana"}}
	for name, c := range map[string]struct {
		list []gate.Promotion
		want string
	}{
		"nothing":     {nil, "nothing live"},
		"live":        {[]gate.Promotion{live}, "0123456 verified"},
		"under way":   {[]gate.Promotion{live, {Commit: "abcdef0123", State: gate.Deploying}}, "deploying abcdef0"},
		"not so well": {[]gate.Promotion{{Commit: "0123456789", State: gate.Failed, LiveAt: noon}}, "0123456 failed"},
	} {
		if got, _ := a.badgeOf(a.place(gate.EnvironmentSeen{Name: "production"}, &gate.EnvironmentBook{Promotions: c.list})); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
