package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/sluicegate/sluice/store"
)

// unkind is what people write who mean no good, or who write otherwise than we do: markup, another direction, and very much of it.
func unkind() string {
	return `<script>window.broken=1</script><img src=x onerror="window.broken=1">"'{{.}} ` + "\u202egnp.exe\u202c العربية עברית " + strings.Repeat("W", 3000) + strings.Repeat(" ولا", 2000)
}

// spoiled are repositories in which all that people write is unkind, and everything is held back.
func spoiled(t *testing.T, url string, repos int) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	for n := range repos {
		m := newMaker(seeding{repos: 1, decisions: 60, seed: 1, now: st.Now()}, 0, []byte(`[]`))
		m.i, m.repo = n*50*60*97, seedRepo(n) // by this number there is a freeze, a lock, and something outside the gate
		m.changes()
		m.environments()
		spoil(m)
		if err := st.Fill(t.Context(), m.out); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

func spoil(m *maker) {
	for i := range m.out {
		o := &m.out[i].Outcome
		if o.Subject != nil {
			o.Subject.Title, o.Subject.Author, o.Subject.Base = unkind(), unkind(), unkind()
		}
		for _, k := range o.Also {
			k.Decision.Gate.Reason = unkind()
			for j := range k.Decision.Verdicts {
				v := &k.Decision.Verdicts[j]
				v.Reason, v.Rule = unkind(), unkind()
			}
		}
		for j := range o.Entries {
			e := &o.Entries[j]
			e.Reason, e.Who.Login, e.Check = unkind(), unkind(), unkind()
		}
		for j := range o.Overrides {
			o.Overrides[j].Reason, o.Overrides[j].By.Login = unkind(), unkind()
		}
		for j := range o.Promotions {
			p := &o.Promotions[j]
			p.Version, p.By.Login, p.Why, p.Reason = unkind(), unkind(), unkind(), unkind()
		}
		for j := range o.Locks {
			o.Locks[j].Lock.Reason, o.Locks[j].Lock.By.Login = unkind(), unkind()
		}
		for _, s := range o.Seen {
			if s.View.Live != nil {
				s.View.Live.Version, s.View.Live.By.Login = unkind(), unkind()
			}
			for j := range s.View.Freezes {
				s.View.Freezes[j].Reason = unkind()
			}
		}
	}
}

// However much people write, no page is large.
func TestPagesStaySmallWhateverPeopleWrite(t *testing.T) {
	t.Parallel()
	h, err := seededPages(spoiled(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db"), 25), mayAll{})
	if err != nil {
		t.Fatal(err)
	}
	m := &maker{repo: seedRepo(0)}
	for _, path := range unkindPages(m) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if t.Logf("%-60s %d, %d bytes", path, w.Code, w.Body.Len()); w.Code != http.StatusOK || w.Body.Len() > 100_000 {
			t.Errorf("GET %s = %d with %d bytes, want 100 KB at most", path, w.Code, w.Body.Len())
		}
	}
}

func unkindPages(m *maker) []string {
	return []string{"/", "/repos/github/" + m.repo, "/changes/github/1/" + m.repo, "/environments/github/production/" + m.repo, "/promotions/" + m.id(2, 2), "/decisions/" + m.id(ofChange, decisionsOfChange),
		"/ask/approve/github/development/" + m.repo, "/audit", "/overrides?days=365", "/overrides?days=365&by=check", "/calendar", "/metrics/deployments?repo=" + m.repo, "/metrics/deployments?team=accounts", "/policy/github/" + m.repo}
}

// shot keeps a picture of the page where SLUICE_SHOTS names a folder.
func shot(ctx context.Context, t *testing.T, parts ...string) {
	t.Helper()
	dir := os.Getenv("SLUICE_SHOTS")
	if dir == "" {
		return
	}
	var png []byte
	if err := chromedp.Run(ctx, chromedp.FullScreenshot(&png, 100)); err != nil {
		t.Fatal(err)
	}
	name := strings.Trim(strings.NewReplacer("/", "_", "?", "_", "=", "_", "&", "_").Replace(strings.Join(parts, "-")), "_")
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// fits looks at pages at every width and in both schemes: nothing is wider than the screen, and nothing of what people write runs.
func fits(ctx context.Context, t *testing.T, kind, url string, paths []string) {
	t.Helper()
	for _, path := range paths {
		for _, wide := range []int64{360, 1280, 3840} {
			for _, how := range []string{"light", "dark"} {
				if how == "dark" && wide != 1280 && os.Getenv("SLUICE_SHOTS") == "" {
					continue // colours move nothing: for all of them somebody has to look
				}
				var is int64
				var broken bool
				err := chromedp.Run(ctx, chromedp.EmulateViewport(wide, 900), scheme(how), chromedp.Navigate(url+path),
					chromedp.Evaluate(`document.documentElement.scrollWidth`, &is), chromedp.Evaluate(`"broken" in window`, &broken))
				if err != nil || is > wide || broken {
					t.Errorf("%s page %s at %d in %s: %d wide, ran what somebody wrote: %v, %v", kind, path, wide, how, is, broken, err)
					continue
				}
				shot(ctx, t, kind, path, how, strconv.FormatInt(wide, 10))
			}
		}
	}
}

func pagesWithstandWhatPeopleWriteInABrowser(t *testing.T) {
	ctx := chromium(t)
	h, err := seededPages(spoiled(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db"), 1), mayAll{})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	fits(ctx, t, "unkind", s.URL, unkindPages(&maker{repo: seedRepo(0)}))
}

// Where there is nothing yet, every page says what to do.
func pagesWithNothingOnThemSayWhatToDo(t *testing.T) {
	ctx := chromium(t)
	st, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "x.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	h, err := seededPages(st, mayAll{})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	if err := chromedp.Run(ctx); err != nil { // the browser is started here: it would end with the first short context
		t.Fatal(err)
	}
	told := map[string]string{"/": "sluice init", "/audit": "It fills with the first", "/overrides": "/sluice override", "/calendar": "/sluice lock", "/metrics/deployments": "the first promotion", "/metrics/deployments?team=acme": "Choose one", "/inbox": "until it is done",
		"/policy/github/acme/shop": "Nothing was judged here yet", "/repos/github/acme/shop": "ask for access to the repository"}
	var paths []string
	for path, want := range told {
		paths = append(paths, path)
		short, stop := context.WithTimeout(ctx, 2*time.Minute)
		if err := chromedp.Run(short, chromedp.Navigate(s.URL+path), says(want)); err != nil {
			var text string
			_ = chromedp.Run(ctx, chromedp.Text("main", &text))
			t.Errorf("%s does not say %q: %v\n%s", path, want, err, text)
		}
		stop()
	}
	fits(ctx, t, "empty", s.URL, paths)
}
