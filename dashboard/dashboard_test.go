package dashboard

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

const (
	id     = "0123456789abcdef0123456789abcdef"
	broken = "ffffffffffffffffffffffffffffffff"
	evil   = "<script>alert(1)</script>\"' onload=x \u202egnp.exe\x1b[2J {{.}}"
)

// kept are decisions in memory.
type kept map[string]*gate.Decision

func (k kept) Decision(_ context.Context, id string) (*gate.Decision, error) {
	if id == broken {
		return nil, errors.New("the disk is gone: /secret/path")
	}
	return k[id], nil
}

func (k kept) Promoted(context.Context, string) (*checks.Promotion, *gate.Promotion, error) {
	at := time.Date(2026, 11, 20, 11, 0, 0, 0, time.UTC)
	told := &checks.Promotion{How: checks.ByCommand, Requester: checks.Person{Login: "bo" + evil}, Requested: at,
		Origin: &checks.Origin{Change: &checks.Change{Number: 7, Title: "Cards" + evil, URL: "https://github.example/acme/shop/pull/7", Author: checks.Person{Login: "ana"}}}}
	return told, &gate.Promotion{State: gate.Superseded, Since: at, Why: "a newer one was asked for" + evil, Reason: "The fair" + evil, Decision: strings.Repeat("b", 32)}, nil
}

func decided() *gate.Decision {
	return &gate.Decision{ID: id, Commit: "c0ffee", At: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), Policy: "ab",
		Subject: checks.Subject{Forge: "github", Repo: "acme/" + evil, Kind: checks.KindChange, Change: 7},
		Gate:    checks.Verdict{Check: "gate", Outcome: checks.Fail, Reason: evil},
		Verdicts: []checks.Verdict{
			{Check: "changelog", Outcome: checks.Fail, Reason: "No entry.", Rule: ".sluice.yml:3 changelog", Findings: []checks.Finding{
				{Outcome: checks.Fail, What: "No entry.", How: "Add:\n  - a line" + evil, Rule: ".sluice.yml:3 changelog"}}},
			{Check: "config-separation", Outcome: checks.Fail, Reason: "Two things (and 1 more)", Rule: "default x", Findings: []checks.Finding{
				{Outcome: checks.Fail, What: "First " + evil, How: "Mend <it>", Rule: "rule one", Path: "a/" + evil, Line: 4},
				{Outcome: checks.Advise, What: "Second", Rule: "rule two", Path: "b.go"},
				{Outcome: checks.Fail, What: "watched only", Mode: policy.Observe}}},
			{Check: "long", Outcome: checks.Wait, Reason: strings.Repeat("x", 10000)},
			{Check: "approval", Outcome: checks.Pass, Reason: "Approved by bo."},
		}}
}

func board(t *testing.T, forge bool) http.Handler {
	t.Helper()
	b, err := New(kept{id: decided()}, forge, "v1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return b.Handler()
}

func ask(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestPages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		forge        bool
		method, path string
		status       int
		want         string
	}{
		"home with a forge":            {true, "GET", "/", 200, "Sluice is running"},
		"home without a forge":         {false, "GET", "/", 303, "/setup"},
		"a decision":                   {true, "GET", "/decisions/" + id, 200, "sluice/changelog"},
		"its head alone":               {true, "HEAD", "/decisions/" + id, 200, ""},
		"a decision that is not there": {true, "GET", "/decisions/" + strings.Repeat("0", 32), 404, "There is no such decision"},
		"an id that is none":           {true, "GET", "/decisions/7", 404, "There is no such decision"},
		"an id in capitals":            {true, "GET", "/decisions/" + strings.ToUpper(id), 404, "There is no such decision"},
		"an id that goes elsewhere":    {true, "GET", "/decisions/..%2f..%2fetc%2fpasswd", 404, "There is no such decision"},
		"an id that is a script":       {true, "GET", "/decisions/%3Cscript%3E", 404, "There is no such decision"},
		"a list of decisions":          {true, "GET", "/decisions/", 404, "There is no such"},
		"a database that is down":      {true, "GET", "/decisions/" + broken, 503, "Try again in a minute"},
		"the style":                    {true, "GET", "/style.css", 200, "color-scheme"},
		"nothing there":                {true, "GET", "/pages/decision.html", 404, "There is no such page"},
		"posting":                      {true, "POST", "/decisions/" + id, 405, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := ask(board(t, c.forge), c.method, c.path)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s %s = %d %s, want %d and %q", c.method, c.path, w.Code, w.Body, c.status, c.want)
			}
			if strings.Contains(w.Body.String(), "/secret/path") {
				t.Errorf("%s %s tells of the server's insides: %s", c.method, c.path, w.Body)
			}
			for header, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; style-src 'self'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
				"X-Robots-Tag": "noindex",
			} {
				if got := w.Header().Get(header); !strings.HasPrefix(got, want) {
					t.Errorf("%s %s: %s is %q, want %q", c.method, c.path, header, got, want)
				}
			}
			if w.Header().Get("Cache-Control") == "" {
				t.Errorf("%s %s does not say whether it may be kept", c.method, c.path)
			}
		})
	}
}

func TestDecisionEscapesWhatTheChangeSays(t *testing.T) {
	t.Parallel()
	page := ask(board(t, true), "GET", "/decisions/"+id).Body.String()
	for _, never := range []string{"<script>", "\u202e", "\x1b", "&#x202e;", "Mend <it>"} {
		if strings.Contains(page, never) {
			t.Errorf("the page contains %q", never)
		}
	}
	for _, want := range []string{"&lt;script&gt;alert(1)", strings.Repeat("x", 599) + "…", "{{.}}"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %.40q", want)
		}
	}
}

func TestDecisionSaysWhatWhyAndHow(t *testing.T) {
	t.Parallel()
	page := ask(board(t, true), "GET", "/decisions/"+id).Body.String()
	for _, want := range []string{
		`<span class="outcome fail">shut</span>`, "No entry.", "<code>.sluice.yml:3 changelog</code>", "Add:\n  - a line", // of the only finding
		"First ", "<code>rule one</code>", "Mend &lt;it&gt;", ":4</code>", "Second", "<code>rule two</code>", "<code>b.go</code>", // of several
		`<span class="outcome pass">pass</span> sluice/approval`, "Approved by bo.", "2026-11-20 12:00:00 UTC", "c0ffee", "Sluice v1.2.3",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%.6000s", want, page)
		}
	}
	if strings.Contains(page, "watched only") {
		t.Error("the page shows what is only observed")
	}
	if n := strings.Count(page, "No entry."); n != 1 {
		t.Errorf("the page says the only finding %d times, want once", n)
	}
}

// What people let through stands beside the verdict, which stays what it was beneath.
func TestOverridesAreShownWithWhatIsBeneath(t *testing.T) {
	t.Parallel()
	d := decided()
	d.Verdicts = []checks.Verdict{{Check: "changelog", Outcome: checks.Overridden, Beneath: checks.Fail, Reason: "No entry.", Override: "By olga: " + evil}}
	d.Acts = gate.Acts{
		Overrides: []gate.Override{{Check: "changelog", By: checks.Person{Login: "olga" + evil}, Second: &checks.Person{Login: "otto"}, Reason: "later " + evil,
			URL: "https://github.example/acme/shop/pull/7#issuecomment-1"}},
		Hold: &gate.Hold{By: checks.Person{Login: "bo"}, Reason: "wait " + evil, URL: "javascript:alert(1)"}}
	b, err := New(kept{id: d}, true, "v1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	page := ask(b.Handler(), http.MethodGet, "/decisions/"+id).Body.String()
	for _, want := range []string{`Beneath the override stands <span class="outcome fail">fail</span>`, "and <bdi>otto</bdi>", "until the next push",
		`href="https://github.example/acme/shop/pull/7#issuecomment-1"`, "Held"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
	for _, no := range []string{"<script>", "javascript:", "\u202e", "\x1b"} {
		if strings.Contains(page, no) {
			t.Errorf("the page holds %q", no)
		}
	}
}

// A promotion's page says into what, who asked, from which change, where it stands by now, and when lines may change.
func TestAPromotionIsShownWithWhoAskedAndWhereItStands(t *testing.T) {
	t.Parallel()
	d := decided()
	d.Subject = checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindPromotion, Environment: "production" + evil, Commit: "c0ffee"}
	opens := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	d.Verdicts = []checks.Verdict{{Check: "window", Outcome: checks.Wait, Reason: "Opens on Tuesday.", Until: opens, Findings: []checks.Finding{{Outcome: checks.Wait, What: "Opens on Tuesday.", Until: opens}}}}
	b, err := New(kept{id: d}, true, "v1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	page := ask(b.Handler(), http.MethodGet, "/decisions/"+id).Body.String()
	for _, want := range []string{"<dt>Into</dt><dd><bdi>production", "by command, <bdi>bo", `<a href="https://github.example/acme/shop/pull/7" rel="noreferrer">#7</a>`,
		"superseded, since", "<dt>Reason</dt><dd><bdi>The fair", `href="/decisions/bbbb`, `</span> window</h2>`, "2026-11-24 08:00:00 UTC</time>, by itself"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
	for _, no := range []string{"<script>", "\u202e", "\x1b"} {
		if strings.Contains(page, no) {
			t.Errorf("the page holds %q", no)
		}
	}
}
