package github

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var theKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
})

func testKey(t testing.TB) string {
	t.Helper()
	return theKey()
}

func blobID(text string) string {
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(text), text))
	return hex.EncodeToString(sum[:])
}

// stub is a server that mints tokens and leaves the rest to a function.
type stub struct {
	*httptest.Server
	minted atomic.Int32
	calls  atomic.Int32
}

func newStub(t *testing.T, handle func(n int, w http.ResponseWriter, r *http.Request)) (*stub, *Client) {
	t.Helper()
	s := &stub{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/access_tokens") {
			n := s.minted.Add(1)
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, `{"token":"ghs_secret%d","expires_at":%q}`, n, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
			return
		}
		handle(int(s.calls.Add(1)), w, r)
	}))
	t.Cleanup(s.Close)
	c, err := New(Settings{URL: s.URL, AppID: 1, PrivateKey: testKey(t), WebhookSecret: "x"}, Options{Jitter: func() float64 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestCallsAreRepeatedOnlyWhereThatIsSafe(t *testing.T) {
	t.Parallel()
	hangUp := func(w http.ResponseWriter) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}
	faults := map[string]func(http.ResponseWriter){
		"502":               func(w http.ResponseWriter) { w.WriteHeader(502) },
		"a reset":           hangUp,
		"half an answer":    func(w http.ResponseWriter) { fmt.Fprint(w, `{"data":{"repo`) },
		"a page of HTML":    func(w http.ResponseWriter) { fmt.Fprint(w, `<html>`) },
		"a length too long": func(w http.ResponseWriter) { w.Header().Set("Content-Length", "999"); fmt.Fprint(w, `{`) },
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := newStub(t, func(n int, w http.ResponseWriter, _ *http.Request) {
				if n < 3 {
					fault(w)
					return
				}
				fmt.Fprint(w, `{"data":{"id":7}}`)
			})
			in := c.installation(5)
			var out struct{ ID int }
			if _, err := in.query(context.Background(), "Q", "query Q { id }", nil, &out); err != nil || out.ID != 7 || s.calls.Load() != 3 {
				t.Errorf("query = %v after %d calls; want an answer after 3", err, s.calls.Load())
			}
			s.calls.Store(0)
			_, err := in.mutate(context.Background(), "M", "mutation M { x }", nil, &out)
			var u *unclear
			if !errors.As(err, &u) || s.calls.Load() != 1 {
				t.Errorf("mutate = %v after %d calls; want an unclear error after 1", err, s.calls.Load())
			}
		})
	}
}

func TestATokenThatIsRefusedIsRenewedOnce(t *testing.T) {
	t.Parallel()
	s, c := newStub(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("Authorization"), "secret1") {
			w.WriteHeader(401)
			return
		}
		fmt.Fprint(w, `{"data":{}}`)
	})
	in := c.installation(5)
	if _, err := in.query(context.Background(), "Q", "", nil, &struct{}{}); err != nil || s.minted.Load() != 2 {
		t.Errorf("query = %v with %d tokens, want none with 2", err, s.minted.Load())
	}
	dead, c := newStub(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(401)
		fmt.Fprint(w, `{"message":"Bad credentials"}`)
	})
	_, err := c.installation(5).query(context.Background(), "Q", "", nil, &struct{}{})
	if err == nil || dead.minted.Load() != 2 || strings.Contains(err.Error(), "secret") {
		t.Errorf("query = %v with %d tokens", err, dead.minted.Load())
	}
}

func TestTokensStayWithTheForge(t *testing.T) {
	t.Parallel()
	var leaked atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked.Store(leaked.Load() || r.Header.Get("Authorization") != "")
		fmt.Fprint(w, `{}`)
	}))
	defer other.Close()
	_, c := newStub(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
	})
	var out struct{}
	if err := c.installation(5).get(context.Background(), "GET /x", "/x", &out); err == nil || !strings.Contains(err.Error(), "not the configured forge") {
		t.Errorf("get through a redirect elsewhere = %v", err)
	}
	if _, err := c.installation(5).do(context.Background(), call{route: "x", method: "GET", url: other.URL, safe: true}); err == nil {
		t.Error("a call elsewhere was sent")
	}
	if leaked.Load() {
		t.Error("the token reached another host")
	}
}

func TestRefusalsSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, c := newStub(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Accepted-GitHub-Permissions", "contents=read")
		w.WriteHeader(403)
		fmt.Fprint(w, `{"message":"Resource not accessible by integration"}`)
	})
	err := c.installation(5).get(context.Background(), "GET /x", "/x", &struct{}{})
	if err == nil || !strings.Contains(err.Error(), "the App needs the permission contents=read") {
		t.Errorf("get = %v", err)
	}
	for _, status := range []int{404, 410, 451} {
		_, c := newStub(t, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		if err := c.installation(5).get(context.Background(), "GET /x", "/x", &struct{}{}); !errors.Is(err, gate.ErrGone) {
			t.Errorf("get answered %d = %v, want gone", status, err)
		}
	}
}

func TestOneInstallationAtItsLimitDoesNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	s, c := newStub(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(429)
			return
		}
		fmt.Fprint(w, `{}`)
	})
	ctx := context.Background()
	var r *gate.RetryError
	if err := c.installation(1).get(ctx, "GET /x", "/x", &struct{}{}); !errors.As(err, &r) || r.After != time.Minute {
		t.Errorf("get = %v", err)
	}
	if err := c.installation(1).get(ctx, "GET /x", "/x", &struct{}{}); !errors.As(err, &r) || s.calls.Load() != 1 {
		t.Errorf("get again = %v after %d calls", err, s.calls.Load())
	}
	if err := c.installation(2).get(ctx, "GET /x", "/x", &struct{}{}); err != nil {
		t.Errorf("get elsewhere = %v", err)
	}
}

func TestWhatIsUnchangedIsAskedForConditionally(t *testing.T) {
	t.Parallel()
	_, c := newStub(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(304)
			return
		}
		fmt.Fprint(w, `{"id":4}`)
	})
	for range 2 {
		var out struct{ ID int }
		if err := c.installation(5).get(context.Background(), "GET /x", "/x", &out); err != nil || out.ID != 4 {
			t.Errorf("get = %+v, %v", out, err)
		}
	}
}

func TestAnswersWithoutDataAreErrors(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		body string
		gone bool
	}{
		"nothing":                  {`{}`, false},
		"null":                     {`null`, false},
		"no data":                  {`{"data":null}`, false},
		"a list":                   {`[]`, false},
		"a refusal":                {`{"data":null,"errors":[{"message":"no"}]}`, false},
		"a refusal without data":   {`{"errors":[{"message":"no","path":["query"]}]}`, false},
		"no repository":            {`{"data":{"repository":null}}`, true},
		"an error beneath":         {`{"data":{"repository":{"pullRequest":null}},"errors":[{"type":"NOT_FOUND","path":["repository","pullRequest"]}]}`, true},
		"a part that is forbidden": {`{"data":{"repository":{"pullRequest":{"number":1}}},"errors":[{"type":"FORBIDDEN","path":["repository","pullRequest","reviews"]}]}`, false},
		"a part of another shape":  {`{"data":{"repository":{"pullRequest":{"number":"one"}}}}`, false},
	} {
		_, c := newStub(t, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, x.body) })
		f, err := c.Facts(context.Background(), checks.Subject{Forge: "github", Repo: "a/b", Kind: checks.KindChange, Change: 1, Installation: 5}, "")
		if err == nil || errors.Is(err, gate.ErrGone) != x.gone {
			t.Errorf("%s: Facts = %v, %v; gone should be %v", name, f, err, x.gone)
		}
	}
}

func TestAnInstallationThatIsSuspendedIsGone(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		status int
		body   string
		gone   bool
		retry  bool
	}{
		"suspended":   {403, `{"message":"This installation has been suspended"}`, true, false},
		"deleted":     {404, `{"message":"Not Found"}`, true, false},
		"a wrong key": {401, `{"message":"A JSON web token could not be decoded"}`, false, false},
		"a fault":     {503, `{}`, false, true},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(x.status); fmt.Fprint(w, x.body) }))
		defer s.Close()
		c, err := New(Settings{URL: s.URL, AppID: 1, PrivateKey: testKey(t), WebhookSecret: "x"}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = c.installation(5).get(context.Background(), "GET /x", "/x", &struct{}{})
		if err == nil || errors.Is(err, gate.ErrGone) != x.gone || isRetry(err) != x.retry {
			t.Errorf("%s: get = %v; gone %v, retry %v", name, err, x.gone, x.retry)
		}
		if x.status == 401 && !strings.Contains(err.Error(), "SLUICE_GITHUB_PRIVATE_KEY") {
			t.Errorf("%s: the error does not name the setting: %v", name, err)
		}
	}
}

func TestManyInstallationsAtOnce(t *testing.T) {
	t.Parallel()
	s, c := newStub(t, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) })
	var group sync.WaitGroup
	for i := range 60 {
		group.Go(func() {
			if err := c.installation(int64(1+i%6)).get(context.Background(), "GET /x", "/x", &struct{}{}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := s.minted.Load(); n != 6 {
		t.Errorf("%d tokens minted for 6 installations", n)
	}
}

func TestNamesThatAreNone(t *testing.T) {
	t.Parallel()
	_, c := newStub(t, func(_ int, _ http.ResponseWriter, r *http.Request) { t.Errorf("called %s", r.URL) })
	for _, repo := range []string{"", "a", "a/b/c", "../b", "a/..", "a/b?x=1", "a/b c"} {
		if _, err := c.Facts(context.Background(), checks.Subject{Repo: repo, Kind: checks.KindChange, Change: 1}, ""); err == nil {
			t.Errorf("Facts of %q has no error", repo)
		}
	}
	if _, err := c.Facts(context.Background(), checks.Subject{Repo: "a/b", Kind: checks.KindChange, Change: 1, Installation: 1}, "main"); err == nil {
		t.Error("Facts at a head that is no commit id has no error")
	}
}

func TestAGateIsShownEvenIfGitHubRefusesTheWordsOfIt(t *testing.T) {
	t.Parallel()
	for name, poison := range map[string]func(*gate.Post){
		"a title":       func(p *gate.Post) { p.Title = "poison" },
		"a summary":     func(p *gate.Post) { p.Summary = "poison" },
		"an annotation": func(p *gate.Post) { p.Annotations = []checks.Annotation{{Path: "poison", Line: 1, Message: "x"}} },
	} {
		for _, at := range []int{0, 1} {
			var states []string
			_, c := newStub(t, func(_ int, w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if strings.Contains(string(body), "poison") {
					fmt.Fprint(w, `{"errors":[{"message":"Variable $i0 of type CreateCheckRunInput! was provided invalid value"}]}`)
					return
				}
				var sent struct{ Variables map[string]map[string]any }
				if err := json.Unmarshal(body, &sent); err != nil {
					t.Error(err)
				}
				data := map[string]any{}
				for k, v := range sent.Variables {
					states = append(states, fmt.Sprint(v["name"], " ", v["conclusion"]))
					data["r"+k[1:]] = map[string]any{"checkRun": map[string]any{"id": k, "databaseId": 7, "status": "COMPLETED", "conclusion": v["conclusion"]}}
				}
				json.NewEncoder(w).Encode(map[string]any{"data": data}) //nolint:errcheck // a test's answer
			})
			posts := []gate.Post{{Name: "sluice/gate", Commit: strings.Repeat("a", 40), Outcome: checks.Fail, Title: "t", Summary: "s"},
				{Name: "sluice/changelog", Commit: strings.Repeat("a", 40), Outcome: checks.Fail, Title: "t", Summary: "s"}}
			poison(&posts[at])
			posted, err := c.Post(t.Context(), checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindChange, Change: 1, Installation: 1},
				&checks.Facts{Repository: checks.Repository{Node: "R_1"}}, posts)
			if want := []string{"sluice/gate FAILURE", "sluice/changelog FAILURE"}; err != nil || len(posted) != 2 || !slices.Equal(states, want) {
				t.Errorf("Post with %s at %d that is refused: shown %q, posted %+v, %v; want %q", name, at, states, posted, err, want)
			}
		}
	}
}
