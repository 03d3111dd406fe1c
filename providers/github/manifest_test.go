package github

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestAManifestIsAppYMLWithThisServersAddresses(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../app.yml")
	if err != nil {
		t.Fatal(err)
	}
	page, raw, err := Manifest(text, Wanted{URL: "https://ghe.example", Owner: "acme", Name: "Sluice Acme", PublicURL: "https://sluice.acme.example/", Done: "/setup/github/created", Installed: "/setup"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://ghe.example/organizations/acme/settings/apps/new"; page != want {
		t.Errorf("the page is %s, want %s", page, want)
	}
	var m struct {
		Name, URL   string
		Public      bool
		Redirect    string            `json:"redirect_url"`
		SetUp       string            `json:"setup_url"`
		Callbacks   []string          `json:"callback_urls"`
		Permissions map[string]string `json:"default_permissions"`
		Events      []string          `json:"default_events"`
		Hook        struct {
			URL    string
			Active bool
		} `json:"hook_attributes"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	const base = "https://sluice.acme.example"
	if m.Name != "Sluice Acme" || m.URL != base || m.Public || m.Redirect != base+"/setup/github/created" || m.SetUp != base+"/setup" || len(m.Callbacks) != 1 || m.Callbacks[0] != base+"/login/github/callback" ||
		m.Hook.URL != base+"/webhook/github" || !m.Hook.Active || m.Permissions["checks"] != "write" || len(m.Permissions) != 10 || len(m.Events) != 14 {
		t.Errorf("the manifest is %s", raw)
	}
	if strings.Contains(string(raw), "sluice.example.com") || strings.Contains(string(raw), `"version"`) {
		t.Errorf("the file's own is left in %s", raw)
	}
	for says, w := range map[string]Wanted{"no organisation": {Owner: "acme/../x"}, "characters": {Name: strings.Repeat("x", 35)}, "control": {Name: "a\u202eb"}, "loopback hosts": {URL: "http://ghe.example"}} {
		if _, _, err := Manifest(text, w); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Manifest(%+v) = %v, want an error with %q", w, err, says)
		}
	}
	if page, _, err := Manifest(text, Wanted{}); err != nil || page != "https://github.com/settings/apps/new" {
		t.Errorf("one's own App is made at %s, %v", page, err)
	}
}

// The code is as good as the App's key: it is sent once, to the forge, and stands in no error.
func TestACodeIsExchangedWithTheForgeAlone(t *testing.T) {
	t.Parallel()
	status, body, asked := http.StatusCreated, `{"id":1,"slug":"sluice"}`, 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.Method != http.MethodPost || r.URL.Path != "/api/v3/app-manifests/c0de/conversions" || r.Header.Get("Authorization") != "" {
			t.Errorf("asked for %s %s", r.Method, r.URL)
		}
		w.Header().Set("Location", "https://evil.example/")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer web.Close()
	ask := func(code string) error {
		_, err := Convert(t.Context(), web.URL, code, Options{})
		if err == nil || strings.Contains(err.Error(), "c0de") {
			t.Errorf("%d %s: %v", status, body, err)
		}
		return err
	}
	_ = ask("c0de")                              // the answer lacks most of it
	body = `{"id":1,"slug":"sluice","pem":"hush` // cut short
	if err := ask("c0de"); err != nil && strings.Contains(err.Error(), "hush") {
		t.Errorf("the answer stands in %v", err)
	}
	for s, over := range map[int]bool{http.StatusNotFound: true, http.StatusUnprocessableEntity: true, http.StatusFound: false, http.StatusBadGateway: false, http.StatusOK: false} {
		if status = s; errors.Is(ask("c0de"), ErrCode) != over {
			t.Errorf("a %d says that the code is over: %v", s, !over)
		}
	}
	before := asked
	for _, code := range []string{"", "../x", "a b", "a?b", strings.Repeat("x", 101)} {
		if err := ask(code); !errors.Is(err, ErrCode) {
			t.Errorf("Convert(%q) = %v", code, err)
		}
	}
	if asked != before {
		t.Error("a code that is none was sent")
	}
	web.Close()
	_ = ask("c0de")
}
