package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

const (
	attempts    = 3                      // of a call that may be repeated
	pause       = 150 * time.Millisecond // before the first repetition, doubled each time, spread by jitter
	largestBody = 64 << 20               // of an answer
	atOnce      = 80                     // calls at a time per installation; GitHub refuses more than 100
	keptETags   = 128
	keptBody    = 32 << 10 // the largest answer kept for a conditional request
)

// installation is one way to reach GitHub, with all state that must not be shared with another.
type installation struct {
	id       int64 // 0: the App itself
	client   *Client
	auth     *authority
	slots    *semaphore.Weighted
	limits   limits
	creation *budget
	etags    *lru.Cache[string, kept]
}

// kept is an answer that can be asked for conditionally.
type kept struct {
	etag string
	body []byte
}

// call is one request to GitHub.
type call struct {
	route  string // for people: no names in it
	method string
	url    string
	body   []byte
	accept string
	safe   bool // repeating it is harmless
	raw    bool // the answer is not JSON
	out    any  // what the JSON of a success is read into
	limit  int64
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func newInstallation(c *Client, id int64) *installation {
	etags, err := lru.New[string, kept](keptETags)
	if err != nil {
		panic(err) // the size is a constant above zero
	}
	return &installation{
		id: id, client: c, auth: newAuthority(c, id), slots: semaphore.NewWeighted(atOnce), etags: etags,
		creation: newBudget(c.opts.Now, c.opts.PerMinute, c.opts.PerHour),
	}
}

// get reads path (below the REST base) into out. A GET of what was read before is conditional: a 304 costs nothing.
func (in *installation) get(ctx context.Context, route, path string, out any) error {
	_, err := in.do(ctx, call{route: route, method: http.MethodGet, url: in.client.bases.rest + path, safe: true, out: out})
	return err
}

// post sends a write that may be repeated without harm.
func (in *installation) post(ctx context.Context, route, path string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, err = in.do(ctx, call{route: route, method: http.MethodPost, url: in.client.bases.rest + path, body: b, safe: true})
	return err
}

// do sends a call, repeats it where that is safe, and returns the answer of a success. Errors are *Error,
// *gate.RetryError, *unclear, or what the context or the connection says.
func (in *installation) do(ctx context.Context, c call) (*answer, error) {
	resource := "core"
	if c.url == in.client.bases.graphql {
		resource = "graphql"
	}
	if err := in.limits.check(resource, in.client.opts.Now()); err != nil {
		return nil, err
	}
	if err := in.slots.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer in.slots.Release(1)
	renewed := false
	for try := 1; ; try++ {
		used := in.auth.transport()
		a, err := in.send(ctx, c, used)
		again := false
		if err != nil {
			again = ctx.Err() == nil && (c.safe || untouched(err)) && passing(err)
			err = in.faulty(c, err)
		} else {
			if err := in.limits.note(a, resource, in.client.opts.Now(), in.client.opts.Jitter()); err != nil {
				return nil, err
			}
			switch {
			case a.status == http.StatusUnauthorized && !renewed:
				renewed = true
				in.auth.renew(used)
				try--
				continue
			case a.status < 300:
				return a, nil
			case a.status >= 500:
				again, err = c.safe, refusal(c.route, a)
				if !c.safe {
					return nil, &unclear{err}
				}
			default:
				return nil, refusal(c.route, a)
			}
		}
		if !again || try >= attempts {
			if again || c.safe && passing(err) {
				return nil, &gate.RetryError{After: 5 * time.Second, Err: err}
			}
			return nil, err
		}
		if err := in.rest(ctx, try); err != nil {
			return nil, err
		}
	}
}

// rest waits before the next try, at most the pause doubled each time.
func (in *installation) rest(ctx context.Context, try int) error {
	t := time.NewTimer(time.Duration(float64(pause) * float64(int(1)<<(try-1)) * (0.5 + in.client.opts.Jitter())))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// send makes one attempt. A body that is cut short or is no JSON is an error, like a connection that breaks.
func (in *installation) send(ctx context.Context, c call, via http.RoundTripper) (a *answer, err error) {
	o := in.client.opts
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	began := o.Now()
	defer func() {
		status := "error"
		if a != nil {
			status = strconv.Itoa(a.status)
		}
		o.Call(c.route, status, o.Now().Sub(began))
	}()
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, bytes.NewReader(c.body))
	if err != nil {
		return nil, err
	}
	in.dress(req, c)
	old, conditional := in.condition(req, c)
	client := http.Client{Transport: via, CheckRedirect: redirect}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	in.quota(resp.Header)
	if conditional && resp.StatusCode == http.StatusNotModified {
		return &answer{http.StatusOK, resp.Header, old.body}, c.read(old.body)
	}
	limit := c.limit
	if limit == 0 {
		limit = largestBody
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if int64(len(body)) > limit {
		return nil, &Error{Route: c.route, Status: resp.StatusCode, Message: fmt.Sprintf("the answer is larger than %d bytes", limit)}
	}
	if resp.StatusCode < 300 {
		if err := c.read(body); err != nil {
			return nil, err
		}
	}
	a = &answer{resp.StatusCode, resp.Header, body}
	in.keep(req, c, a)
	return a, nil
}

// read decodes the body of a success. One that is no JSON was cut short or made by something in between: another try
// may do better. JSON of another shape than expected is GitHub's word.
func (c call) read(body []byte) error {
	if c.out == nil {
		return nil
	}
	err := json.Unmarshal(body, c.out)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return errBody
	case err != nil:
		return &Error{Route: c.route, Status: http.StatusOK, Message: "the answer does not have the shape expected: " + checks.Clip(err.Error(), 120)}
	}
	return nil
}

var errBody = errors.New("the answer was cut short or is no JSON")

func (in *installation) dress(req *http.Request, c call) {
	accept := c.accept
	if accept == "" {
		accept = "application/vnd.github+json"
	}
	req.Header.Set("Accept", accept)
	if c.method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
	}
}

func (in *installation) condition(req *http.Request, c call) (kept, bool) {
	if c.method != http.MethodGet || c.raw {
		return kept{}, false
	}
	old, ok := in.etags.Get(c.url)
	if ok {
		req.Header.Set("If-None-Match", old.etag)
	}
	return old, ok
}

func (in *installation) keep(req *http.Request, c call, a *answer) {
	etag := a.header.Get("ETag")
	if req.Method == http.MethodGet && !c.raw && a.status == http.StatusOK && etag != "" && len(a.body) <= keptBody {
		in.etags.Add(c.url, kept{etag, a.body})
	}
}

func (in *installation) quota(h http.Header) {
	remaining, err1 := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	limit, err2 := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	reset, err3 := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err1 == nil && err2 == nil && err3 == nil {
		in.client.opts.Quota(in.id, h.Get("X-RateLimit-Resource"), remaining, limit, time.Unix(reset, 0).UTC())
	}
}

// redirect follows to the same host only, and never with a body.
func redirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case len(via) > 3:
		return errors.New("redirected too often")
	case req.URL.Host != first.URL.Host || req.URL.Scheme != first.URL.Scheme:
		return fmt.Errorf("refused a redirect to %s://%s: not the configured forge", req.URL.Scheme, req.URL.Host)
	case first.Method != http.MethodGet:
		return http.ErrUseLastResponse
	}
	return nil
}

// faulty makes an error without an answer readable: a token that could not be had, a connection that broke.
func (in *installation) faulty(c call, err error) error {
	var mint *ghinstallation.HTTPError
	if errors.As(err, &mint) {
		return in.unminted(mint)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var refused *Error
	if errors.As(err, &refused) {
		return err
	}
	err = fmt.Errorf("%s: %w", c.route, err)
	if !c.safe && !untouched(err) {
		return &unclear{err}
	}
	return err
}

// unminted explains why GitHub gave no token for the installation.
func (in *installation) unminted(e *ghinstallation.HTTPError) error {
	const route = "POST /app/installations/{id}/access_tokens"
	if e.Response == nil {
		return fmt.Errorf("%s: %w", route, e.RootCause)
	}
	body, _ := io.ReadAll(io.LimitReader(e.Response.Body, 64<<10)) // the message is a help, no more
	e.Response.Body.Close()
	a := &answer{e.Response.StatusCode, e.Response.Header, body}
	now := in.client.opts.Now()
	if err := in.limits.note(a, "core", now, in.client.opts.Jitter()); err != nil {
		return err
	}
	err := refusal(route, a)
	switch {
	case a.status == http.StatusUnauthorized:
		err.Message += " (check SLUICE_GITHUB_APP_ID, SLUICE_GITHUB_PRIVATE_KEY and the clock)"
	case a.status == http.StatusForbidden && strings.Contains(strings.ToLower(err.Message), "suspended"):
		return fmt.Errorf("%w: %w", gate.ErrGone, err)
	}
	return err
}

// passing says whether the fault may be gone at the next try.
func passing(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Status >= 500
	}
	var mint *ghinstallation.HTTPError
	if errors.As(err, &mint) && mint.Response != nil {
		return mint.Response.StatusCode >= 500
	}
	return !errors.Is(err, context.Canceled) && !isRetry(err) && !strings.Contains(err.Error(), "not the configured forge")
}

// untouched says whether a failed call cannot have reached GitHub: no token was had, or no connection.
func untouched(err error) bool {
	var mint *ghinstallation.HTTPError
	var dial *net.OpError
	return errors.As(err, &mint) || errors.As(err, &dial) && dial.Op == "dial"
}
