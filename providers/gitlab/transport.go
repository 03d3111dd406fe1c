package gitlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/gate"
)

const (
	attempts    = 3                      // of a read
	firstPause  = 150 * time.Millisecond // before the second, doubled each time, spread by jitter
	largestBody = 64 << 20               // of an answer
)

// transport stands beneath the library: it lets requests pass to the configured instance only, keeps the limits that
// GitLab tells of, bounds each attempt in time, reads answers to their end, and repeats what failed if it was a read.
// A write is sent once: whether one that broke off had its effect, only a look can tell.
type transport struct {
	c *Client
	a *access
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.c.inside(r.URL) {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, fmt.Errorf("refused to send a request to %s://%s: not the configured forge", r.URL.Scheme, r.URL.Host)
	}
	if err := t.a.limits.check(t.c.opts.Now()); err != nil {
		return nil, err
	}
	asks(r.Context())
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	if err := t.a.admit(r, safe, t.c.opts); err != nil {
		return nil, err
	}
	body, err := drained(r.Body)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		if err := gate.Held(r.Context()); err != nil { // others may have the work
			return nil, err
		}
		resp, err := t.attempt(r, body)
		if err == nil {
			if err := t.a.limits.note(resp, t.c.opts.Now(), t.c.opts.Jitter()); err != nil {
				return nil, err
			}
		}
		broken := err != nil || resp.StatusCode >= 500
		if !broken {
			return resp, nil
		}
		if !safe && (err == nil || !untouched(err)) {
			return nil, &Unclear{Err: broke(resp, err)}
		}
		if r.Context().Err() != nil {
			return resp, err
		}
		if try >= attempts {
			return nil, &gate.RetryError{After: 5 * time.Second, Err: broke(resp, err)}
		}
		if err := t.pause(r.Context(), try); err != nil {
			return nil, err
		}
	}
}

// inside says whether an address is one of the instance's interface: on its host, below its path.
func (c *Client) inside(u *url.URL) bool {
	return u.Scheme == c.base.Scheme && strings.EqualFold(u.Host, c.base.Host) && u.User == nil && strings.HasPrefix(u.EscapedPath(), c.base.EscapedPath()+"/api/v4/")
}

func broke(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("GitLab answered %d", resp.StatusCode)
}

func drained(b io.ReadCloser) ([]byte, error) {
	if b == nil || b == http.NoBody {
		return nil, nil
	}
	defer b.Close()
	return io.ReadAll(b)
}

// attempt sends the request once and reads the whole answer.
func (t *transport) attempt(r *http.Request, body []byte) (resp *http.Response, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), t.c.opts.Timeout)
	defer cancel()
	began := t.c.opts.Now()
	defer func() {
		status := "error"
		if err == nil {
			status = strconv.Itoa(resp.StatusCode)
			t.quota(resp.Header)
		}
		t.c.opts.Call(ctx, t.c.route(r), status, t.c.opts.Now().Sub(began))
	}()
	q := r.Clone(ctx)
	q.Header.Set("User-Agent", t.c.opts.UserAgent)
	if body != nil {
		q.Body, q.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	resp, err = t.c.opts.Transport.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(io.LimitReader(resp.Body, largestBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the answer: %w", err)
	case len(all) > largestBody:
		return nil, fmt.Errorf("the answer is larger than %d bytes", largestBody)
	case resp.ContentLength >= 0 && r.Method != http.MethodHead && int64(len(all)) < resp.ContentLength:
		return nil, errors.New("the answer was cut short")
	}
	resp.Body = io.NopCloser(bytes.NewReader(all))
	t.c.heard(t.a, r, resp, all)
	return resp, nil
}

// pause waits before the next try, at most the first pause doubled each time.
func (t *transport) pause(ctx context.Context, try int) error {
	timer := time.NewTimer(time.Duration(float64(firstPause) * float64(int(1)<<(try-1)) * (0.5 + t.c.opts.Jitter())))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (t *transport) quota(h http.Header) {
	remaining, err1 := strconv.Atoi(h.Get("RateLimit-Remaining"))
	limit, err2 := strconv.Atoi(h.Get("RateLimit-Limit"))
	reset, err3 := strconv.ParseInt(h.Get("RateLimit-Reset"), 10, 64)
	if err1 == nil && err2 == nil && err3 == nil {
		t.c.opts.Quota(t.a.n, "api", remaining, limit, time.Unix(reset, 0).UTC())
		t.a.told(h, limit, remaining, time.Unix(reset, 0), t.c.opts.Now())
	}
}

// untouched says whether a failed call cannot have reached GitLab: there was no connection.
func untouched(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

var (
	names   = patterns.New(`/(projects|groups|files|branches|tags|protected_branches|protected_tags|protected_environments|releases)/[^/]+`)
	numbers = patterns.New(`/([0-9a-f]{40}|\d+)(/|$)`)
)

// route is method and path with names left out, for people and metrics: "GET /projects/{id}/merge_requests/{n}".
func (c *Client) route(r *http.Request) string {
	return r.Method + " " + unnamed(strings.TrimPrefix(r.URL.EscapedPath(), c.base.EscapedPath()+"/api/v4"))
}

// unnamed is a path without the names and numbers in it.
func unnamed(path string) string {
	path = names.ReplaceAllString(path, "/$1/{id}")
	return numbers.ReplaceAllString(numbers.ReplaceAllString(path, "/{n}$2"), "/{n}$2")
}
