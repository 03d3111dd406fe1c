package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicegate/sluice/dashboard/apitest"
	"github.com/sluicegate/sluice/providers/github"
	"github.com/sluicegate/sluice/providers/gitlab"
	"github.com/sluicegate/sluice/providers/pretend"
)

// house is a server that people sign in to, and the forge that knows them.
type house struct {
	t      *testing.T
	where  string
	forge  *pretend.Forge
	server *server
	web    *httptest.Server
	mu     sync.Mutex
	now    time.Time
	log    bytes.Buffer
}

// Write is the log's.
func (h *house) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(b)
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// newHouse has the repositories acme/shop, where ana writes and bo reads, acme/vault, where ana alone does, and acme/site,
// which is public; ana is in acme/admins.
func newHouse(t *testing.T, where string, more func(*settings)) *house {
	t.Helper()
	h := &house{t: t, where: where, now: time.Now().UTC().Truncate(time.Millisecond)}
	h.forge = pretendAt(where, pretend.Options{Secret: "secret"})
	api := httptest.NewServer(h.forge.Handler())
	t.Cleanup(api.Close)
	h.forge.Served(api.URL)
	h.forge.Org("acme", "ana", "olga")
	for name, private := range map[string]bool{"acme/shop": true, "acme/vault": true, "acme/site": false} {
		h.must(h.forge.Repo(name, private, pretend.Texts(map[string]string{"README.md": "x\n"})))
		h.must(h.forge.Grant(name, "ana", "write"))
	}
	h.must(h.forge.Grant("acme/shop", "bo", map[string]string{"github": "read", "gitlab": "triage"}[where])) // a guest sees no code there
	h.must(h.forge.Team("acme/admins", "", "ana"))
	h.forge.Install("acme")
	var handler http.Handler
	h.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(h.web.Close)
	s := settings{PublicURL: h.web.URL, Database: "sqlite:" + filepath.Join(t.TempDir(), "sluice.db"), Sweep: duration(time.Hour), Keep: duration(time.Hour), APIToken: apiToken}
	if where == "gitlab" {
		s.GitLab = gitlab.Settings{URL: api.URL, Token: h.forge.GitLabToken(), WebhookSecret: "secret", ClientID: "client", ClientSecret: "hush"}
	} else {
		key := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(h.forge.Key())})
		s.GitHub = github.Settings{URL: api.URL, AppID: h.forge.AppID(), PrivateKey: string(key), WebhookSecret: "secret", ClientID: "client", ClientSecret: "hush"}
	}
	if more != nil {
		more(&s)
	}
	h.must(s.checkSignIn())
	var err error
	h.server, err = assemble(t.Context(), s, outside{now: h.clock}, slog.New(slog.NewTextHandler(h, nil)))
	h.must(err)
	t.Cleanup(func() { h.must(h.server.store.Close()) })
	doc := httptest.NewRecorder()
	h.server.handler.ServeHTTP(doc, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
	handler = apitest.Handler(t, apitest.Document(t, doc.Body.Bytes()), h.server.handler)
	return h
}

// works opens a change in each repository, and has the server look at them.
func (h *house) works() {
	h.t.Helper()
	h.forge.Hooks(pretend.Target{URL: h.web.URL + "/webhook/" + h.where})
	for _, name := range []string{"acme/shop", "acme/vault", "acme/site"} {
		_, err := h.forge.Open(pretend.PR{Repo: name, By: "ana", Title: "feat: eggs <b>", Branch: "eggs", Commits: []pretend.Commit{{Message: "feat: eggs", Files: pretend.Texts(map[string]string{"eggs.txt": "eggs\n"})}}})
		h.must(err)
	}
	_, err := h.forge.Deliver(h.t.Context(), pretend.Order{})
	h.must(err)
	h.idle()
	if known, err := h.server.store.KnownRepos(h.t.Context()); err != nil || len(known) != 3 {
		h.t.Fatalf("known are %v, %v", known, err)
	}
}

// idle has the server work until nothing is left to do.
func (h *house) idle() {
	h.t.Helper()
	h.server.runner.Workers, h.server.runner.Poll = 2, 2*time.Millisecond
	ctx, stop := context.WithCancel(h.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.server.runner.Run(ctx) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		q, err := h.server.store.Stats(h.t.Context())
		h.must(err)
		if q.Waiting == 0 && q.Running == 0 {
			break
		}
	}
	stop()
	h.must(<-ended)
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatalf("%v\n%s", err, h.log.String())
	}
}

// sits has somebody sit before the browser at the forge; "" refuses.
func (h *house) sits(login string, lasts time.Duration) {
	h.forge.SignsIn("client", "hush", h.web.URL+"/login/"+h.where+"/callback", login, lasts)
}

// browser is one with its cookies.
type browser struct {
	*house
	http.Client
}

func (h *house) browser() *browser {
	jar, err := cookiejar.New(nil)
	h.must(err)
	return &browser{h, http.Client{Jar: jar}}
}

// open opens an address, relative to ours, and follows where it leads.
func (b *browser) open(path string) (status int, body string, at string) {
	b.t.Helper()
	return b.send(http.MethodGet, path, "", nil)
}

func (b *browser) send(method, path, body string, header http.Header) (status int, text string, at string) {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.web.URL + path
	}
	q, err := http.NewRequest(method, path, strings.NewReader(body))
	b.must(err)
	for k, v := range header {
		q.Header[k] = v
	}
	answer, err := b.Do(q)
	b.must(err)
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	b.must(err)
	return answer.StatusCode, string(got), answer.Request.URL.String()
}

// post sends a form as a browser does from a page of ours.
func (b *browser) post(path string, form url.Values) (status int, text string) {
	b.t.Helper()
	status, text, _ = b.send(http.MethodPost, path, form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}})
	return status, text
}

// signIn signs in, as somebody.
func (b *browser) signIn(login string) {
	b.t.Helper()
	b.sits(login, time.Hour)
	if status, text, _ := b.open("/login/" + b.where); status != http.StatusOK {
		b.t.Fatalf("signing in as %s: %d %s\n%s", login, status, text, b.log.String())
	}
	if got := b.me(); got.Login != login {
		b.t.Fatalf("signed in as %q, want %s\n%s", got.Login, login, b.log.String())
	}
}

type who struct {
	Forge, ID, Login string
	Admin            bool
	Scopes           []string
	Detail           string
}

// me is who the API says is asking; nobody: an empty one.
func (b *browser) me() (got who) {
	b.t.Helper()
	_, text, _ := b.open("/api/v1/me")
	b.must(json.Unmarshal([]byte(text), &got))
	return got
}

// sees are the repositories that the API lists.
func (b *browser) sees() string {
	b.t.Helper()
	var got struct{ Repositories []struct{ Name string } }
	status, text, _ := b.open("/api/v1/repos")
	b.must(json.Unmarshal([]byte(text), &got))
	var names []string
	for _, r := range got.Repositories {
		names = append(names, r.Name)
	}
	if status != http.StatusOK {
		return text
	}
	return strings.Join(names, " ")
}

// everywhere runs a test at both forges.
func everywhere(t *testing.T, test func(t *testing.T, where string)) {
	for _, where := range []string{"github", "gitlab"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			test(t, where)
		})
	}
}

func TestPeopleSignInAndOut(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, where string) {
		h := newHouse(t, where, func(s *settings) { s.Admins = "acme/admins" })
		b, other := h.browser(), h.browser()
		if status, text, _ := b.open("/login?next=/setup"); status != 200 || !strings.Contains(text, "/login/"+where+"?next=%2fsetup") {
			t.Errorf("the page to sign in: %d %s", status, text)
		}
		if got := b.me(); got.Login != "" || got.Detail == "" {
			t.Errorf("before signing in: %+v", got)
		}
		h.sits("ana", time.Hour)
		if status, _, at := b.open("/login/" + where + "?next=/setup"); status != 200 || at != h.web.URL+"/setup" {
			t.Fatalf("signing in leads to %d %s\n%s", status, at, h.log.String())
		}
		if got := b.me(); got.Login != "ana" || got.Forge != where || !got.Admin || got.ID == "" {
			t.Errorf("signed in: %+v", got)
		}
		if _, text, _ := b.open("/login"); !strings.Contains(text, "ana") || !strings.Contains(text, `action="/logout"`) {
			t.Errorf("the page of who is signed in: %s", text)
		}
		other.signIn("ana")
		if b.post("/logout", nil); b.me().Login != "" || other.me().Login != "ana" {
			t.Error("signing out in one browser does not sign out there alone")
		}
		b.signIn("ana")
		if b.post("/logout", url.Values{"everywhere": {"1"}}); b.me().Login != "" || other.me().Login != "" {
			t.Error("signing out everywhere leaves a browser signed in")
		}
		third := h.browser()
		third.signIn("bo")
		if got := third.me(); got.Admin {
			t.Errorf("who is in no team of administrators is one: %+v", got)
		}
		h.sits("", 0)
		if status, text, _ := b.open("/login/" + where); status != http.StatusForbidden || !strings.Contains(text, "was not let to tell who you are") {
			t.Errorf("refusing at the forge: %d %s", status, text)
		}
		if strings.Contains(h.log.String(), "hush") || strings.Contains(h.log.String(), "ghu_") {
			t.Errorf("the log tells a secret:\n%s", h.log.String())
		}
	})
}
