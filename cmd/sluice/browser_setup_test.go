package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/sluicegate/sluice/providers/simulators"
)

// storefront is the simulator with the two pages before it that a person clicks through and that it does not serve: the one that
// makes an App of a manifest, and the one that installs it. The exchange of the code, and all else, is the simulator's own.
type storefront struct {
	t     *testing.T
	s     *sim
	url   string
	asked map[string]any // the manifest
}

func newStorefront(t *testing.T, dir string, scenario map[string]any) *storefront {
	t.Helper()
	f := &storefront{t: t, s: &sim{t: t, log: &lockedBuffer{}}}
	var inner http.Handler
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inner.ServeHTTP(w, r) }))
	t.Cleanup(web.Close)
	f.url = web.URL
	scenario["settings"].(map[string]any)["public_url"] = web.URL
	b, err := json.Marshal(scenario)
	if err != nil {
		t.Fatal(err)
	}
	f.s.url = simulators.GitHub(t, dir, b)
	to, err := url.Parse(f.s.url)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /organizations/{org}/settings/apps/new", f.makes)
	mux.HandleFunc("POST /made/{slug}", f.installs)
	mux.HandleFunc("GET /apps/{slug}/installations/new", f.installing)
	mux.HandleFunc("GET /github-apps/{slug}/installations/new", f.installing)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }) // that a browser asks for by itself
	mux.Handle("/", httputil.NewSingleHostReverseProxy(to))
	inner = mux
	return f
}

const formHead = `<!doctype html><meta charset="utf-8"><title>GitHub</title><main>`

// makes is GitHub's page for a manifest: it holds it to what is documented, and asks for a click.
func (f *storefront) makes(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(r.PostForm.Get("manifest")), &m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	known := []string{"name", "url", "hook_attributes", "redirect_url", "callback_urls", "setup_url", "description", "public", "default_events", "default_permissions", "request_oauth_on_install", "setup_on_update"}
	for key := range m {
		if !slices.Contains(known, key) {
			f.t.Errorf("the manifest has %q, which GitHub does not document", key)
		}
	}
	f.asked = maps.Clone(m)
	m["owner"] = r.PathValue("org")
	code, _ := f.s.do("POST", "/manifests", m)["code"].(string)
	back, _ := m["redirect_url"].(string)
	back += "?" + url.Values{"code": {code}, "state": {r.URL.Query().Get("state")}}.Encode()
	fmt.Fprintf(w, `%s<h1>Create GitHub App</h1><a id="create" href="%s">Create</a></main>`, formHead, html.EscapeString(back))
}

func (f *storefront) installing(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, `%s<h1>Install</h1><form method="post" action="/made/%s"><button id="install">Install</button></form></main>`, formHead, html.EscapeString(r.PathValue("slug")))
}

func (f *storefront) installs(w http.ResponseWriter, r *http.Request) {
	f.s.do("POST", "/installations", map[string]any{"id": 99, "app": r.PathValue("slug"), "account": "acme", "repositories": []string{"shop"}})
	to, _ := f.asked["setup_url"].(string)
	http.Redirect(w, r, to+"?installation_id=99&setup_action=install", http.StatusSeeOther)
}

// From nothing to the first green check, in a browser, with one process that is never started again.
func fromNothingToTheFirstGreenCheck(t *testing.T) {
	dir := os.Getenv("SLUICE_SIM_GITHUB")
	if dir == "" {
		t.Skip("SLUICE_SIM_GITHUB does not name the simulator")
	}
	ctx := chromium(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	f := newStorefront(t, dir, map[string]any{
		"settings": map[string]any{"validate_webhooks": true, "oauth_user": "cy"},
		"users":    []any{user("ana"), user("cy")},
		"orgs":     []any{map[string]any{"login": "acme", "members": map[string]string{"ana": "member", "cy": "admin"}}},
		"repos": []any{map[string]any{"owner": "acme", "name": "shop", "author": "cy", "collaborators": map[string]string{"ana": "write"},
			"files": map[string]string{"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-01-02\n\n- All.\n", "shop.go": "package shop\n", "shop_test.go": "package shop\n"}}},
		"steps": []any{map[string]any{"path": "/repos/acme/shop/tags", "body": map[string]any{"name": "v1.0.0", "annotated": true, "message": "1.0.0", "user": "cy"}}},
	})
	s := f.s
	s.hook = freeAddress(t)
	s.env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "SLUICE_") }), "SLUICE_ADDR="+s.hook, "SLUICE_PUBLIC_URL=http://"+s.hook,
		"SLUICE_DATABASE=sqlite:"+filepath.Join(t.TempDir(), "sluice.db"), "SLUICE_LOG_LEVEL=debug")
	s.startServer(path)
	started := s.serve.Process.Pid
	at := regexp.MustCompile(`http://\S+/setup\?token=[A-Z2-7]+`).FindString(s.log.String())
	if at == "" {
		t.Fatalf("no address with a token was shown:\n%s", s.log)
	}
	for _, step := range []struct {
		name string
		do   chromedp.Tasks
	}{
		{"the token", chromedp.Tasks{chromedp.Navigate(at), says("Token of the set-up"), seenAt("token"), click(`main form button`)}},
		{"the App", chromedp.Tasks{says("Create the GitHub App"), seenAt("nothing"), chromedp.SetValue(`input[name=owner]`, "acme"), chromedp.SetValue(`input[name=name]`, "Sluice Acme"), chromedp.SetValue(`input[name=url]`, f.url), click(`form[action="/setup/github"] button`)}},
		{"to GitHub", chromedp.Tasks{says("The next page is"), seenAt("create"), click(`main form button`)}},
		{"at GitHub", chromedp.Tasks{says("Create GitHub App"), click(`#create`)}},
		{"back, and on to the installation", chromedp.Tasks{says("Install it on repositories"), seenAt("made"), click(`a[href$="/installations/new"]`)}},
		{"the installation", chromedp.Tasks{says("Install"), click(`#install`)}},
		{"the first webhook", chromedp.Tasks{says("GitHub was heard last"), says("sees 1 repository"), seenAt("heard"), click(`form[action="/setup/policy"] button`)}},
		{"the policy", chromedp.Tasks{says("Open it as a change"), says("gh api"), seenAt("policy"), click(`form[action="/setup/policy"] button`)}},
		{"the change", chromedp.Tasks{says("The change is open"), seenAt("proposed")}},
	} {
		if err := chromedp.Run(ctx, step.do); err != nil {
			var now string
			_ = chromedp.Run(ctx, chromedp.Text("main", &now))
			t.Fatalf("%s: %v\n%s", step.name, err, now)
		}
	}
	s.token = s.do("POST", "/tokens", map[string]any{"user": "cy"})["token"].(string)
	var pull struct{ Head, Base struct{ Ref string } }
	s.read("/pulls/1", &pull)
	if pull.Head.Ref != firstBranch || pull.Base.Ref != "main" {
		t.Errorf("the change goes from %s into %s", pull.Head.Ref, pull.Base.Ref)
	}
	s.shows(1, map[string]string{"sluice/policy": "success", "sluice/tagging": "success", "sluice/config-separation": "success", "sluice/changelog": "failure", "sluice/gate": "failure"}) // by the defaults, which ask for an entry
	closing := chromedp.Tasks{chromedp.Navigate("http://" + s.hook + "/login?next=/setup"), click(`a[href^="/login/github"]`), says("Close the set-up"), seenAt("close"), click(`form[action="/setup/done"] button`), says("acme/shop"),
		chromedp.Navigate("http://" + s.hook + "/setup"), says("Change that at GitHub"), seenAt("closed"), chromedp.Navigate("http://" + s.hook + "/doctor"), says("it is Sluice Acme, and its key works"), says("sluice/gate is not required on main"), seenAt("doctor"),
		chromedp.Navigate("http://" + s.hook + "/tokens"), says("API tokens"), seenAt("tokens")}
	if err := chromedp.Run(ctx, closing); err != nil {
		var now string
		_ = chromedp.Run(ctx, chromedp.Text("main", &now))
		t.Fatalf("close: %v\n%s", err, now)
	}
	if status, text := get(t, at); status != http.StatusOK || strings.Contains(text, "Token of the set-up") {
		t.Errorf("the token's page after the set-up was closed = %d %.300q", status, text)
	}
	if s.serve.ProcessState != nil || s.serve.Process.Pid != started {
		t.Error("the server did not run through")
	}
	key, _ := f.s.do("GET", "/apps/sluice-acme", nil)["private_key"].(string)
	if key == "" || strings.Contains(s.log.String(), strings.Split(key, "\n")[1]) {
		t.Error("the App's key is not known, or stands in the log")
	}
	s.honest()
}

// read reads something of the shop through the interface that people have.
func (s *sim) read(path string, into any) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), "GET", s.url+"/api/v3"+simRepo+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	if status := s.send(req, into); status != http.StatusOK {
		s.t.Fatalf("GET %s = %d", path, status)
	}
}

// seenAt looks at a page at three widths, in both schemes: it fits, and where SLUICE_SHOTS names a folder it is kept.
func seenAt(name string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		for _, width := range []int64{360, 3840, 1280} {
			var wide int64
			if err := chromedp.Run(ctx, chromedp.EmulateViewport(width, 900), chromedp.Evaluate(`document.documentElement.scrollWidth`, &wide)); err != nil {
				return err
			}
			if wide > width {
				return fmt.Errorf("%s is %d wide at %d", name, wide, width)
			}
			dir := cmp.Or(os.Getenv("SLUICE_AXE"), filepath.Join("..", "..", "testdata", "axe"))
			if text, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js")); err == nil {
				if list, err := heavily(ctx, string(text)); err != nil || len(list) > 0 {
					return fmt.Errorf("%s at %d: axe: %v, %v", name, width, list, err)
				}
			}
			if dir := os.Getenv("SLUICE_SHOTS"); dir != "" {
				var png []byte
				if err := chromedp.Run(ctx, chromedp.FullScreenshot(&png, 100)); err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(dir, "setup-"+name+"-"+strconv.FormatInt(width, 10)+".png"), png, 0o600); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// GitLab's tab, in a browser, against the pretend forge.
func gitLabIsSetUpInABrowser(t *testing.T) {
	ctx := chromium(t)
	y := newYard(t, "gitlab")
	y.forge.Install("acme")
	token, err := y.server.setup.offer(t.Context(), false)
	y.must(err)
	for _, step := range []struct {
		name string
		do   chromedp.Tasks
	}{
		{"the token", chromedp.Tasks{chromedp.Navigate(y.web.URL + "/setup?token=" + token), click(`main form button`), says("Create the GitHub App")}},
		{"the tab", chromedp.Tasks{click(`a[href="/setup/gitlab"]`), says("Access token"), seenAt("gitlab"), chromedp.SetValue(`input[name=url]`, y.hub), chromedp.SetValue(`input[name=token]`, y.forge.GitLabToken()), click(`form[action="/setup/gitlab"] button`)}},
		{"the webhooks", chromedp.Tasks{says("Make the webhooks"), chromedp.SetValue(`input[name=places]`, "acme/shop"), click(`form[action="/setup/gitlab/install"] button`), says("webhook made"), seenAt("gitlab-hooks")}},
		{"signing in", chromedp.Tasks{chromedp.SetValue(`input[name=id]`, "app"), chromedp.SetValue(`input[name=secret]`, "hush"), click(`form[action="/setup/gitlab/signin"] button`), says("Administrators")}},
	} {
		if err := chromedp.Run(ctx, step.do); err != nil {
			var now string
			_ = chromedp.Run(ctx, chromedp.Text("main", &now))
			t.Fatalf("%s: %v\n%s", step.name, err, now)
		}
	}
}
