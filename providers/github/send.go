package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicegate/sluice/checks"
)

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
		o.Call(ctx, c.route, status, o.Now().Sub(began))
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
	err := decode(body, c.out)
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
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
		resource := h.Get("X-RateLimit-Resource")
		in.client.opts.Quota(in.id, resource, remaining, limit, time.Unix(reset, 0).UTC())
		if now := in.client.opts.Now(); resource == "core" || resource == "graphql" {
			in.purse.Told(resource, limit, remaining, here(time.Unix(reset, 0).UTC(), h, now), now)
		}
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
