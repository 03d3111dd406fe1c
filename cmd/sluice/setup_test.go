package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/providers/pretend"
	"github.com/sluicegate/sluice/store/postgrestest"
)

// yard is a server of which nothing is set up yet, before a forge that makes Apps.
type yard struct {
	t      *testing.T
	forge  *pretend.Forge
	hub    string
	server *server
	web    *httptest.Server
	log    *lockedBuffer
	gives  map[string]any // what the forge says of the App that it made
	codes  int            // that were exchanged
}

const (
	yardSecret = "the webhooks' own secret"
	yardClient = "the client's own secret"
)

// newYard has a pretend forge with the exchange of a manifest's code before it, which that does not have.
func newYard(t *testing.T, where string, more ...func(*settings)) *yard {
	t.Helper()
	y := &yard{t: t, log: &lockedBuffer{}, forge: pretendAt(where, pretend.Options{Secret: yardSecret})}
	mux := http.NewServeMux()
	mux.Handle("/", y.forge.Handler())
	mux.HandleFunc("POST /api/v3/app-manifests/{code}/conversions", y.converts)
	api := httptest.NewServer(mux)
	t.Cleanup(api.Close)
	y.hub = api.URL
	y.forge.Served(api.URL)
	y.forge.Org("acme", "ana")
	y.must(y.forge.Repo("acme/shop", true, pretend.Texts(map[string]string{"README.md": "x\n", "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n"})))
	y.must(y.forge.Grant("acme/shop", "ana", "write"))
	key := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(y.forge.Key())})
	y.gives = map[string]any{"id": y.forge.AppID(), "slug": "sluice", "name": "Sluice", "html_url": api.URL + "/apps/sluice", "pem": string(key), "webhook_secret": yardSecret,
		"client_id": "client", "client_secret": yardClient, "owner": map[string]string{"login": "acme", "type": "Organization"}}
	var handler http.Handler
	y.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(y.web.Close)
	s := settings{PublicURL: y.web.URL, Database: "sqlite:" + filepath.Join(t.TempDir(), "sluice.db"), Sweep: duration(time.Hour), Keep: duration(time.Hour), LogFormat: "text", LogLevel: "info"}
	for _, f := range more {
		f(&s)
	}
	y.server = y.starts(s)
	handler = y.server.handler
	return y
}

func (y *yard) starts(s settings) *server {
	y.t.Helper()
	v, err := assemble(y.t.Context(), s, outside{}, slog.New(slog.NewTextHandler(y.log, nil)))
	y.must(err)
	y.t.Cleanup(func() { _ = v.store.Close() })
	return v
}

func (y *yard) must(err error) {
	y.t.Helper()
	if err != nil {
		y.t.Fatalf("%v\n%s", err, y.log)
	}
}

// converts is GitHub's exchange: a code is good once.
func (y *yard) converts(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("code") != "c0de" || r.Header.Get("Authorization") != "" {
		http.Error(w, `{"message":"Not Found"}`, http.StatusNotFound)
		return
	}
	y.codes++
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(y.gives)
}

// surfer is a browser.
type surfer struct {
	y *yard
	http.Client
}

func (y *yard) surfer() *surfer {
	jar, err := cookiejar.New(nil)
	y.must(err)
	s := &surfer{y: y}
	s.Jar, s.CheckRedirect = jar, func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s
}

// goes asks for a page; with a form it posts.
func (s *surfer) goes(path string, form url.Values, header ...string) (status int, text string, h http.Header) {
	s.y.t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(s.y.t.Context(), method, s.y.web.URL+path, body)
	s.y.must(err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Do(req)
	s.y.must(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	s.y.must(err)
	for _, name := range []string{"Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options"} {
		if resp.Header.Get(name) == "" && !strings.HasPrefix(path, "/webhook/") {
			s.y.t.Errorf("%s %s has no %s", method, path, name)
		}
	}
	for _, secret := range []string{yardSecret, yardClient, "PRIVATE KEY"} {
		if strings.Contains(html.UnescapeString(string(b)), secret) {
			s.y.t.Errorf("%s %s shows a secret", method, path)
		}
	}
	return resp.StatusCode, string(b), resp.Header
}

func (s *surfer) wants(path string, form url.Values, status int, says string, header ...string) string {
	s.y.t.Helper()
	got, text, _ := s.goes(path, form, header...)
	if got != status || !strings.Contains(text, says) {
		s.y.t.Fatalf("%s = %d %s, want %d and %q", path, got, text, status, says)
	}
	return text
}

// enters shows the token.
func (s *surfer) enters() *surfer {
	s.y.t.Helper()
	token, err := s.y.server.setup.offer(s.y.t.Context(), false)
	s.y.must(err)
	s.wants("/setup/token", url.Values{"token": {token}}, 303, "")
	return s
}

// sent begins an App, and is the state that must come back.
func (s *surfer) sent(form url.Values) string {
	s.y.t.Helper()
	text := s.wants("/setup/github", form, 200, "The next page is")
	found := regexp.MustCompile(`action="([^"]+)\?state=([A-Z2-7]+)"`).FindStringSubmatch(text)
	if found == nil {
		s.y.t.Fatalf("no form with a state: %s", text)
	}
	return found[2]
}

func (s *surfer) makesApp() *surfer {
	s.y.t.Helper()
	state := s.sent(url.Values{"url": {s.y.hub}, "owner": {"acme"}})
	s.wants("/setup/github/created?code=c0de&state="+state, nil, 303, "")
	return s
}

func TestSetUpIsForWhoeverHasTheToken(t *testing.T) {
	t.Parallel()
	y := newYard(t, "github")
	token, err := y.server.setup.offer(t.Context(), false)
	y.must(err)
	again, err := y.server.setup.offer(t.Context(), false)
	if y.must(err); again != token || len(token) != 26 {
		t.Errorf("the tokens are %q and %q, want the same one twice", token, again)
	}
	stranger := y.surfer()
	stranger.wants("/setup", nil, 200, "Token of the set-up")
	stranger.wants("/setup?token="+token, nil, 200, token) // looking at the link does not spend it
	for path, form := range map[string]url.Values{"/setup/github": {"owner": {"acme"}}, "/setup/gitlab": {"token": {"x"}}, "/setup/policy": {"repo": {"acme/shop"}}, "/setup/done": {"admins": {"@eve"}}, "/setup/github/pull": {}} {
		stranger.wants(path, form, 403, "Token of the set-up")
	}
	stranger.wants("/setup/github/created?code=c0de&state=x", nil, 200, "Token of the set-up")
	stranger.wants("/setup/token", url.Values{"token": {strings.Repeat("A", 26)}}, 403, "That is not the token")
	stranger.wants("/setup/token", url.Values{"token": {token}}, 403, "", "Sec-Fetch-Site", "cross-site")
	stranger.wants("/setup/token", url.Values{"token": {token}}, 403, "", "Origin", "https://evil.example")
	y.surfer().enters().wants("/setup", nil, 200, "Create the GitHub App")
	stranger.wants("/setup/token", url.Values{"token": {token}}, 403, "was used already")
	for range 12 {
		_, _, _ = stranger.goes("/setup/token", url.Values{"token": {"x"}})
	}
	stranger.wants("/setup/token", url.Values{"token": {token}}, 403, "Too many tokens")
	if strings.Contains(y.log.String(), token) {
		t.Errorf("the token stands in the log of requests:\n%s", y.log)
	}
}

func TestAnAppIsTakenOverOnlyWhereItWasAskedFor(t *testing.T) {
	t.Parallel()
	y := newYard(t, "github")
	one := y.surfer().enters()
	one.wants("/setup/github", url.Values{"url": {"http://forge.example"}}, 422, "http is for loopback hosts only")
	one.wants("/setup/github", url.Values{"url": {y.hub}, "owner": {"acme/../x"}}, 422, "no organisation")
	one.wants("/setup/github", url.Values{"url": {y.hub}, "owner": {"acme"}}, 403, "", "Sec-Fetch-Site", "cross-site")
	_, _, h := one.goes("/setup/github", url.Values{"url": {y.hub}})
	if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' "+y.hub+";") {
		t.Errorf("the form that goes to the forge may go to %s", csp)
	}
	one.wants("/setup/github/created?code=c0de&state=AAAA", nil, 422, "not sent to GitHub for this App")
	state := one.sent(url.Values{"url": {y.hub}})
	one.wants("/setup/github/created?code=c0de", nil, 422, "not sent to GitHub for this App")
	one.wants("/setup/github/created?code=c0de&state="+state, nil, 422, "not sent to GitHub for this App") // it was good for one answer
	state = one.sent(url.Values{"url": {y.hub}})
	one.wants("/setup/github/created?state="+state, nil, 422, "no code")
	state = one.sent(url.Values{"url": {y.hub}})
	one.wants("/setup/github/created?code=other&state="+state, nil, 422, "does not take the code any more")
	if y.codes != 0 || y.server.live.Load().settings.GitHub.Configured() {
		t.Fatal("an App was taken over that nobody asked for here")
	}
	one.wants("/webhook/github", url.Values{}, 405, "")
	one.makesApp()
	if y.codes != 1 {
		t.Errorf("%d codes were exchanged, want 1", y.codes)
	}
	one.wants("/webhook/github", url.Values{}, 401, "")
	if _, text, h := one.goes("/setup", nil); h.Get("Refresh") == "" || strings.Contains(text, "<input") || !strings.Contains(text, "Install it on repositories") {
		t.Errorf("while the installation is awaited the page looks again: %q, and says %s", h.Get("Refresh"), text)
	}
	if _, text, h := one.goes("/setup?wait=no", nil); h.Get("Refresh") != "" || !strings.Contains(text, "Close the set-up") {
		t.Errorf("without waiting it looks again: %q, and says %s", h.Get("Refresh"), text)
	}
	one.wants("/setup/github", url.Values{"url": {y.hub}}, 422, "There is an App already")
	one.wants("/setup/github/pull", url.Values{}, 303, "")
	if live := y.server.live.Load(); !live.settings.Pull || !live.reconciler.Missed["github"].Pull {
		t.Error("deliveries are not fetched, though it was asked for")
	}
	one.wants("/setup", nil, 200, "Pull mode is on")
}

// What the forge tells of itself reaches the page escaped, or not at all.
func TestAForgeThatLiesIsNotBelieved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says map[string]any
		want int
	}{
		"a script for a name":       {map[string]any{"name": `<script>alert(1)</script>`}, 303},
		"a page elsewhere":          {map[string]any{"html_url": "https://evil.example/apps/sluice"}, 303},
		"a slug that leads away":    {map[string]any{"slug": "../../evil"}, 503},
		"no key":                    {map[string]any{"pem": ""}, 503},
		"no webhook secret":         {map[string]any{"webhook_secret": ""}, 503},
		"no number":                 {map[string]any{"id": 0}, 503},
		"no client to sign in with": {map[string]any{"client_id": "", "client_secret": ""}, 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := newYard(t, "github")
			for k, v := range c.says {
				y.gives[k] = v
			}
			b := y.surfer().enters()
			status, text, _ := b.goes("/setup/github/created?code=c0de&state="+b.sent(url.Values{"url": {y.hub}}), nil)
			if status != c.want || strings.Contains(text, "evil") {
				t.Fatalf("%d %s, want %d", status, text, c.want)
			}
			_, text, _ = b.goes("/setup", nil)
			if strings.Contains(text, "<script>alert") || strings.Contains(text, "evil.example") {
				t.Errorf("the page says %s", text)
			}
			if taken := y.server.live.Load().settings.GitHub.Configured(); taken != (c.want == 303) {
				t.Errorf("the App is taken over: %v", taken)
			}
			if strings.Contains(y.log.String(), yardSecret) || strings.Contains(y.log.String(), "PRIVATE KEY") {
				t.Errorf("a secret stands in the log:\n%s", y.log)
			}
		})
	}
}

// It is sealed on the disk, in a backup, and to whoever has another key; and the environment needs none of it.
func TestWhatIsSetUpIsSealed(t *testing.T) {
	t.Parallel()
	y := newYard(t, "github")
	y.surfer().enters().makesApp()
	s := y.server.settings
	file := strings.TrimPrefix(s.Database, "sqlite:")
	backup := filepath.Join(t.TempDir(), "backup.db")
	_, err := y.server.store.Backup(t.Context(), backup)
	y.must(err)
	y.must(y.server.store.Close())
	for _, name := range []string{file, backup} {
		raw, err := os.ReadFile(name)
		y.must(err)
		for _, secret := range []string{yardSecret, yardClient, "PRIVATE KEY", y.forgeKeyLine()} {
			if strings.Contains(string(raw), secret) {
				t.Errorf("%s holds %q in the clear", name, secret)
			}
		}
	}
	if info, err := os.Stat(file + ".key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v, %v, want it to be its owner's alone", info.Mode(), err)
	}
	v := y.starts(s)
	if g := v.live.Load().settings.GitHub; g.WebhookSecret != yardSecret || g.ClientSecret != yardClient || g.URL != y.hub {
		t.Errorf("after a restart the settings are of %s", g.URL)
	}
	y.must(v.store.Close())
	y.must(os.Rename(file+".key", file+".key.put-away"))
	for name, prepare := range map[string]func(){"there is no file": func() {}, "was sealed with another key": func() { _, err := makeSecret(file + ".key"); y.must(err) }} {
		prepare()
		_, err := assemble(t.Context(), s, outside{}, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "SLUICE_SECRET_KEY_FILE") || !strings.Contains(err.Error(), "sluice setup forget") {
			t.Errorf("%s: %v", name, err)
		}
		_ = os.Remove(file + ".key")
	}
	other := s
	other.GitHub.URL, other.GitHub.AppID, other.GitHub.PrivateKey, other.GitHub.WebhookSecret = y.hub, 7, testKey(t), "env"
	v = y.starts(other) // no key is there, and none is needed
	if g := v.live.Load().settings.GitHub; g.AppID != 7 || g.WebhookSecret != "env" || g.ClientSecret != "" {
		t.Errorf("the environment's App is mixed with the stored one: %d", g.AppID)
	}
	y.must(v.store.Close())
	environ := []string{"SLUICE_DATABASE=" + s.Database}
	var out lockedBuffer
	if code := run(t.Context(), process{args: []string{"setup", "forget", "all"}, environ: environ, stdout: &out, stderr: &out}); code != exitOpen {
		t.Fatalf("sluice setup forget: %s", out.String())
	}
	if v = y.starts(s); v.live.Load().settings.GitHub.Configured() {
		t.Error("what was forgotten is in force")
	}
}

func (y *yard) forgeKeyLine() string {
	return strings.Split(string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(y.forge.Key())})), "\n")[1]
}

func TestTheEnvironmentWinsOverThePage(t *testing.T) {
	t.Parallel()
	y := newYard(t, "github", func(s *settings) {
		s.GitHub.URL, s.GitHub.AppID, s.GitHub.PrivateKey, s.GitHub.WebhookSecret = "http://127.0.0.1:1", 7, testKey(t), "env"
		s.set = []string{"SLUICE_GITHUB_APP_ID", "SLUICE_GITHUB_PRIVATE_KEY"}
	})
	b := y.surfer()
	b.wants("/setup", nil, 200, "nobody can sign in")
	b.wants("/setup/token", url.Values{"token": {"x"}}, 403, "The set-up is closed")
	if strings.Contains(y.log.String(), "token=") {
		t.Error("a token is shown though nothing is to be set up")
	}
	h := hubSetup{y.server.setup}
	st, err := h.State(t.Context())
	y.must(err)
	if st.From != "environment" || strings.Join(st.Settings, " ") != "SLUICE_GITHUB_APP_ID SLUICE_GITHUB_PRIVATE_KEY" {
		t.Errorf("GitHub is from %q by %v", st.From, st.Settings)
	}
	if err := h.Pull(t.Context(), "x"); err == nil {
		t.Error("the page changes an App of the environment's")
	}
	pinned := y.server.settings
	pinned.GitHub.AppID, pinned.GitHub.PrivateKey, pinned.GitHub.WebhookSecret, pinned.GitHub.URL = 0, "", "", "https://ghe.example"
	pinned.set = []string{"SLUICE_GITHUB_URL", "SLUICE_GITHUB_PULL"}
	z := newYard(t, "github")
	z.surfer().enters().makesApp()
	list, err := z.server.store.Setups(t.Context())
	z.must(err)
	pinned.Database = z.server.settings.Database
	f, err := pinned.with(t.Context(), list)
	z.must(err)
	if f.github != "" || !strings.Contains(f.aside, "https://ghe.example") || f.pull != "environment" {
		t.Errorf("an App of another GitHub than the environment names: from %q, aside %q, pull from %q", f.github, f.aside, f.pull)
	}
}

// A replica that nobody touched goes on with what was set up at another.
func TestReplicasGoOnWithWhatWasSetUp(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "key")
	if _, err := makeSecret(key); err != nil {
		t.Fatal(err)
	}
	database := postgrestest.Fresh(t)
	y := newYard(t, "github", func(s *settings) { s.Database, s.SecretKey = database, key })
	other := y.starts(y.server.settings)
	mine, err := y.server.setup.offer(t.Context(), false)
	y.must(err)
	theirs, err := other.setup.offer(t.Context(), false)
	if y.must(err); mine != theirs {
		t.Errorf("one replica shows %q, the other %q", mine, theirs)
	}
	y.surfer().enters().makesApp()
	y.must(other.setup.goOn(t.Context()))
	if !other.live.Load().settings.GitHub.Configured() || other.live.Load().reconciler.Providers["github"] == nil {
		t.Error("the other replica did not notice")
	}
	if changed, err := other.setup.refresh(t.Context()); changed || err != nil {
		t.Errorf("it goes on anew though nothing changed: %v, %v", changed, err)
	}
}

func TestASetUpIsClosedForGood(t *testing.T) {
	t.Parallel()
	y := newYard(t, "github")
	b := y.surfer().enters()
	b.wants("/setup/done", url.Values{}, 422, "Nothing is set up yet")
	b.makesApp()
	b.wants("/setup/done", url.Values{"admins": {"acme"}}, 422, "is no team")
	b.wants("/setup/done", url.Values{"admins": {"acme/ops"}}, 303, "")
	status, _, h := b.goes("/setup", nil)
	if status != 303 || !strings.HasPrefix(h.Get("Location"), "/login") {
		t.Errorf("after it was closed: %d to %s", status, h.Get("Location"))
	}
	if y.server.live.Load().settings.Admins != "github:acme/ops" {
		t.Errorf("administrators are %q", y.server.live.Load().settings.Admins)
	}
	var out lockedBuffer
	if code := run(t.Context(), process{args: []string{"setup", "open"}, environ: []string{"SLUICE_DATABASE=" + y.server.settings.Database, "SLUICE_PUBLIC_URL=" + y.web.URL}, stdout: &out, stderr: &out}); code != exitOpen {
		t.Fatal(out.String())
	}
	token := regexp.MustCompile(`token=([A-Z2-7]{26})`).FindStringSubmatch(out.String())
	if token == nil {
		t.Fatalf("sluice setup open says %s", out.String())
	}
	b.wants("/setup", nil, 200, "Token of the set-up")
	b.wants("/setup/token", url.Values{"token": {token[1]}}, 303, "")
	b.wants("/setup", nil, 200, "Install it on repositories")
}

func TestGitLabIsSetUpByThePage(t *testing.T) {
	t.Parallel()
	y := newYard(t, "gitlab")
	y.forge.Install("acme")
	b := y.surfer().enters()
	b.wants("/setup/gitlab", nil, 200, "Access token")
	text := b.wants("/setup/gitlab", url.Values{"url": {y.hub}, "token": {"glpat-wrong"}}, 422, "does not take the token")
	if strings.Contains(text, "glpat-wrong") || strings.Contains(y.log.String(), "glpat-wrong") {
		t.Error("a token that was tried is shown")
	}
	b.wants("/setup/gitlab/install", url.Values{"places": {"acme"}}, 422, "There is no token yet")
	b.wants("/setup/gitlab", url.Values{"url": {y.hub}, "token": {y.forge.GitLabToken()}}, 303, "")
	b.wants("/webhook/gitlab", url.Values{}, 401, "")
	b.wants("/setup/gitlab", nil, 200, "Make the webhooks")
	b.wants("/setup/gitlab/install", url.Values{"places": {"<b>"}}, 422, "&lt;b&gt;")
	b.wants("/setup/gitlab/install", url.Values{"places": {"acme/shop"}}, 200, "project acme/shop: webhook made.")
	b.wants("/setup/gitlab/install", url.Values{"places": {"acme/shop"}}, 200, "project acme/shop: webhook") // the pretend forge keeps no descriptions, so it is written anew
	b.wants("/setup/policy?forge=gitlab&repo=acme/shop", nil, 200, "files: [CHANGELOG.md]")
	b.wants("/setup/policy", url.Values{"forge": {"gitlab"}, "repo": {"acme/shop"}, "text": {"version: 7\n"}}, 422, "no valid policy")
	b.wants("/setup/policy", url.Values{"forge": {"gitlab"}, "repo": {"acme/shop"}, "text": {"version: 1\r\n"}}, 200, "The change is open")
	b.wants("/setup/gitlab/signin", url.Values{"id": {"app"}}, 422, "Both are needed")
	b.wants("/setup/gitlab/signin", url.Values{"id": {"app"}, "secret": {"hush"}}, 303, "")
	b.wants("/login", nil, 200, "Sign in with GitLab")
	if raw, err := os.ReadFile(strings.TrimPrefix(y.server.settings.Database, "sqlite:") + "-wal"); err != nil || strings.Contains(string(raw), y.forge.GitLabToken()) {
		t.Errorf("the token lies in the clear, or the journal cannot be read: %v", err)
	}
}

func TestAFirstPolicyIsProposedOnce(t *testing.T) {
	t.Parallel()
	y := newYard(t, "github")
	b := y.surfer().enters().makesApp()
	b.wants("/setup/policy?forge=github&repo=acme/shop", nil, 422, "does not show Sluice this repository")
	y.forge.Install("acme")
	text := b.wants("/setup/policy?forge=github&repo=acme/shop", nil, 200, "files: [CHANGELOG.md]")
	for _, want := range []string{"gh api", "sluice/gate", "integration_id", "/new/main?filename=.sluice.yml"} {
		if !strings.Contains(html.UnescapeString(text), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for range 2 { // again it makes nothing twice
		b.wants("/setup/policy", url.Values{"forge": {"github"}, "repo": {"acme/shop"}, "text": {"version: 1\n"}}, 200, "The change is open")
	}
	b.wants("/setup/policy?forge=github&repo=<script>", nil, 422, "Name the repository")
	b.wants("/setup/policy?forge=local&repo=acme/shop", nil, 422, "not set up yet")
	if got := y.forge.Pulls("acme/shop"); got != 1 {
		t.Errorf("%d changes were opened, want 1", got)
	}
}

func TestWhereAForgeCannotReach(t *testing.T) {
	t.Parallel()
	for at, c := range map[string]struct {
		forge  string
		hidden bool
	}{
		"http://localhost:8080":      {"https://github.com", true},
		"https://10.1.2.3":           {"https://github.com", true},
		"https://sluice.internal":    {"https://gitlab.com", true},
		"https://sluice":             {"https://github.com", true},
		"https://[fd00::1]":          {"https://github.com", true},
		"https://sluice.example.com": {"https://github.com", false},
		"https://8.8.8.8":            {"https://github.com", false},
		"https://10.1.2.4":           {"https://ghe.internal", false},
		"http://127.0.0.1:8080":      {"https://ghe.internal", true},
		"http://127.0.0.1:8081":      {"http://127.0.0.1:9", false},
		"https://sluice.test":        {"https://acme.ghe.com", true},
	} {
		if why := (settings{PublicURL: at}).hidden(c.forge); (why != "") != c.hidden {
			t.Errorf("%s for %s: %q", at, c.forge, why)
		}
	}
}
