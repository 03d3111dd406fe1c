package gitlab

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// newStub is a client of a server that answers by hand; n counts the requests from 1.
func newStub(t testing.TB, o Options, answer func(n int, w http.ResponseWriter, r *http.Request)) (*Client, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(int(n.Add(1)), w, r) }))
	t.Cleanup(server.Close)
	if o.Jitter == nil {
		o.Jitter = func() float64 { return -0.5 } // no pause
	}
	c, err := New(Settings{URL: server.URL + "/gitlab", Token: "secret-token", WebhookSecret: "x"}, o)
	if err != nil {
		t.Fatal(err)
	}
	return c, &n
}

func reads(c *Client) error {
	var out any
	_, err := c.ways[0].get(context.Background(), "version", nil, &out)
	return err
}

func writes(c *Client) error {
	_, err := c.ways[0].send(context.Background(), http.MethodPost, "projects/1/x", nil, map[string]string{"a": "b"}, nil)
	return err
}

func TestReadsAreRepeatedAndWritesNever(t *testing.T) {
	t.Parallel()
	bad := map[string]func(w http.ResponseWriter){
		"500": func(w http.ResponseWriter) { w.WriteHeader(500) },
		"502": func(w http.ResponseWriter) { w.WriteHeader(502) },
		"a body that is cut": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"ver`)
		},
		"a broken connection": func(w http.ResponseWriter) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				conn.Close()
			}
		},
	}
	for name, fail := range bad {
		c, n := newStub(t, Options{}, func(n int, w http.ResponseWriter, _ *http.Request) {
			if n < 3 {
				fail(w)
				return
			}
			_, _ = io.WriteString(w, `{}`)
		})
		if err := reads(c); err != nil || n.Load() != 3 {
			t.Errorf("%s: a read = %v after %d requests, want none after 3", name, err, n.Load())
		}
		c, n = newStub(t, Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) { fail(w) })
		var retry *gate.RetryError
		if err := reads(c); !errors.As(err, &retry) || n.Load() != attempts {
			t.Errorf("%s: a read = %v after %d requests, want to be told to wait after %d", name, err, n.Load(), attempts)
		}
		c, n = newStub(t, Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) { fail(w) })
		var unclear *Unclear
		if err := writes(c); !errors.As(err, &unclear) || errors.As(err, &retry) && retry == nil || n.Load() != 1 {
			t.Errorf("%s: a write = %v after %d requests, want it unclear after one", name, err, n.Load())
		}
	}
}

func TestAWriteThatNobodyWaitedForIsUnclear(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	c, _ := newStub(t, Options{}, func(_ int, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	_, err := c.ways[0].send(ctx, http.MethodPost, "projects/1/x", nil, map[string]string{"a": "b"}, nil)
	var unclear *Unclear
	if !errors.As(err, &unclear) {
		t.Errorf("a write that was cancelled = %v, want it unclear", err)
	}
}

func TestAnAttemptIsBoundedInTime(t *testing.T) {
	t.Parallel()
	c, n := newStub(t, Options{Timeout: 50 * time.Millisecond}, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			<-r.Context().Done()
			return
		}
		_, _ = io.WriteString(w, `{}`)
	})
	c.opts.Timeout = 50 * time.Millisecond
	for range 20 { // a slow machine may take more than one attempt over its time
		if err := reads(c); err == nil {
			break
		}
	}
	if n.Load() < 2 {
		t.Errorf("%d requests: an answer that never came was waited for", n.Load())
	}
}

func TestAWriteWithoutAConnectionIsTriedAgain(t *testing.T) {
	t.Parallel()
	dials := 0
	c, n := newStub(t, Options{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials++; dials < 3 {
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("refused")}
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}}, func(_ int, w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) })
	if err := writes(c); err != nil || n.Load() != 1 || dials != 3 {
		t.Errorf("a write = %v after %d requests and %d dials, want none after one request", err, n.Load(), dials)
	}
}

func TestLimitsAreKept(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, x := range map[string]struct {
		headers map[string]string
		status  int
		wait    time.Duration // of the call, or of the next one
		refused bool
	}{
		"429 that says when":                {map[string]string{"Retry-After": "7"}, 429, 7 * time.Second, true},
		"429 that says a date":              {map[string]string{"Retry-After": now.Add(9 * time.Second).Format(http.TimeFormat)}, 429, 9 * time.Second, true},
		"429 that says when the count ends": {map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": fmt.Sprint(now.Add(30 * time.Second).Unix())}, 429, 30 * time.Second, true},
		"429 by another clock":              {map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": fmt.Sprint(now.Add(time.Hour + 30*time.Second).Unix()), "Date": now.Add(time.Hour).Format(http.TimeFormat)}, 429, 30 * time.Second, true},
		"429 without a word":                {nil, 429, time.Minute, true},
		"429 that says an age":              {map[string]string{"Retry-After": "99999999"}, 429, 2 * time.Hour, true},
		"403 that asks for a pause":         {map[string]string{"Retry-After": "3"}, 403, 3 * time.Second, true},
		"an answer that was the last one":   {map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": fmt.Sprint(now.Add(20 * time.Second).Unix())}, 200, 20 * time.Second, false},
		"an answer with more left":          {map[string]string{"RateLimit-Remaining": "5", "RateLimit-Reset": fmt.Sprint(now.Add(20 * time.Second).Unix())}, 200, 0, false},
	} {
		clock := now
		c, n := newStub(t, Options{Now: func() time.Time { return clock }, Jitter: func() float64 { return 0 }}, func(n int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", now.Format(http.TimeFormat))
			if n == 1 {
				for k, v := range x.headers {
					w.Header().Set(k, v)
				}
				w.WriteHeader(x.status)
			}
			_, _ = io.WriteString(w, `{}`)
		})
		err := reads(c)
		var retry *gate.RetryError
		if x.refused != errors.As(err, &retry) || x.refused && retry.After != x.wait {
			t.Errorf("%s: %v, want to wait %v", name, err, x.wait)
		}
		if x.wait > 0 {
			if err := writes(c); !errors.As(err, &retry) || n.Load() != 1 {
				t.Errorf("%s: the next call = %v after %d requests, want it held back", name, err, n.Load())
			}
			clock = clock.Add(x.wait)
		}
		if err := reads(c); err != nil || n.Load() != 2 {
			t.Errorf("%s: later = %v after %d requests", name, err, n.Load())
		}
	}
}

func TestTheTokenGoesNowhereElse(t *testing.T) {
	t.Parallel()
	var leaked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked.Add(1)
		_, _ = io.WriteString(w, `{}`)
	}))
	t.Cleanup(other.Close)
	for name, to := range map[string]func(c *Client) string{
		"another host":              func(*Client) string { return other.URL + "/gitlab/api/v4/version" },
		"another scheme":            func(c *Client) string { return "https://" + c.base.Host + "/gitlab/api/v4/version" },
		"another place on the host": func(c *Client) string { return "http://" + c.base.Host + "/elsewhere/api/v4/version" },
		"a user in the address":     func(c *Client) string { return "http://evil@" + c.base.Host + "/gitlab/api/v4/version" },
	} {
		var c *Client
		c, n := newStub(t, Options{}, func(_ int, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to(c), http.StatusFound) })
		if err := reads(c); err == nil || !strings.Contains(err.Error(), "refused a redirect") || n.Load() != 1 {
			t.Errorf("%s: %v after %d requests, want it refused", name, err, n.Load())
		}
		if _, err := (&transport{c: c, a: c.ways[0]}).RoundTrip(httptest.NewRequest("GET", to(c), nil)); err == nil || !strings.Contains(err.Error(), "refused to send") {
			t.Errorf("%s: sent by itself: %v", name, err)
		}
	}
	if leaked.Load() != 0 {
		t.Errorf("%d requests went elsewhere", leaked.Load())
	}
	c, n := newStub(t, Options{}, func(n int, w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Private-Token") != "secret-token" {
			t.Errorf("request %d came with the token %q", n, r.Header.Get("Private-Token"))
		}
		if n == 1 {
			http.Redirect(w, r, "/gitlab/api/v4/projects/7", http.StatusMovedPermanently)
			return
		}
		_, _ = io.WriteString(w, `{}`)
	})
	if err := reads(c); err != nil || n.Load() != 2 {
		t.Errorf("a project that was moved: %v after %d requests", err, n.Load())
	}
	c, n = newStub(t, Options{}, func(_ int, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/gitlab/api/v4/projects/7", http.StatusTemporaryRedirect)
	})
	if err := writes(c); err == nil || n.Load() != 1 {
		t.Errorf("a write that was redirected = %v after %d requests, want an error after one", err, n.Load())
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	page := make([]byte, 1<<20)
	for range largestBody>>20 + 1 {
		if _, err := z.Write(page); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	c, _ := newStub(t, Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	})
	if err := reads(c); err == nil || !strings.Contains(err.Error(), "the answer is larger than") {
		t.Errorf("an answer that unfolds = %v, want an error that says its size", err)
	}
}

func TestListsAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]bool{"with a word on what comes next": true, "where something took that word away": false} {
		c, n := newStub(t, Options{}, func(_ int, w http.ResponseWriter, r *http.Request) {
			page, _ := strconv.Atoi(r.URL.Query().Get("page"))
			if tell {
				w.Header().Set("X-Next-Page", map[bool]string{true: strconv.Itoa(page + 1)}[page < 3])
			}
			some := strings.Repeat("1,", map[bool]int{true: 99, false: 9}[page < 3]) + "1"
			_, _ = io.WriteString(w, "["+some+"]")
		})
		list, cut, err := pages[int](context.Background(), c.ways[0], "x", nil, 5)
		if err != nil || cut || len(list) != 210 || n.Load() != 3 {
			t.Errorf("%s: %d of 210, cut %v, %v", name, len(list), cut, err)
		}
		if list, cut, err = pages[int](context.Background(), c.ways[0], "x", nil, 2); err != nil || !cut || len(list) != 200 {
			t.Errorf("%s: two pages: %d, cut %v, %v", name, len(list), cut, err)
		}
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for code, x := range map[int]struct {
		says string
		gone bool
	}{401: {"SLUICE_GITLAB_TOKEN", false}, 403: {"scope api", false}, 404: {"404", true}, 410: {"410", true}, 422: {"bad words", false}} {
		c, _ := newStub(t, Options{}, func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, `{"message":"bad words"}`)
		})
		err := reads(c)
		if err == nil || !strings.Contains(err.Error(), x.says) || errors.Is(err, gate.ErrGone) != x.gone || status(err) != code || strings.Contains(err.Error(), "secret-token") {
			t.Errorf("%d: %v, gone %v", code, err, errors.Is(err, gate.ErrGone))
		}
	}
}
