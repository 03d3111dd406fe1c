// Package github turns GitHub's words into ours and back: it reads changes and tags as checks.Facts, shows verdicts as
// check runs, and lists what is open.
//
// It refuses to judge, to remember anything that a restart may not forget, to send a token anywhere but to the
// configured host, and to pass a part that it could not read off as read: that is a Gap or an error.
package github

import (
	"context"
	"crypto/rsa"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// Options are what the client is given besides the settings. Every one may be left out.
type Options struct {
	Log       *slog.Logger
	Now       func() time.Time
	Transport http.RoundTripper // beneath everything: connections
	Jitter    func() float64    // in [0,1); spreads retries
	UserAgent string            // "sluice" when empty
	Timeout   time.Duration     // of one attempt of one call; 20 s when 0
	// Call is told of every answered or failed attempt. route is method and path with names left out, or
	// "graphql:Operation"; status is the HTTP status or "error".
	Call func(ctx context.Context, route, status string, took time.Duration)
	// Quota is told what GitHub says is left, by installation and resource ("core", "graphql").
	Quota func(installation int64, resource string, remaining, limit int, reset time.Time)
	// PerMinute and PerHour bound content creation per installation; 80 and 500, as GitHub documents, when 0.
	PerMinute, PerHour int
	// Shared says that other processes may write to the same check runs.
	Shared bool
}

// Client is GitHub as one App sees it. It is safe for concurrent use.
type Client struct {
	bases bases
	app   int64
	key   *rsa.PrivateKey
	opts  Options
	base  http.RoundTripper

	mu            sync.Mutex
	installations map[int64]*installation
	jwt           *installation    // calls as the App itself
	known         map[string]int64 // installation by repository, lower case
	lost          map[int64]bool   // installations for which GitHub gave no token since
	memory        *memory
	queries       *queries
	ask, askTag   func(*policy.Set, *checks.Facts) *checks.Wants
	askPromotion  func(*policy.Set, *checks.Facts) *checks.Wants
}

var _ gate.Provider = (*Client)(nil)

// New returns a client for the App of the settings; the error names the setting at fault.
func New(s Settings, o Options) (*Client, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	key, err := s.key()
	if err != nil {
		return nil, err
	}
	b, err := s.bases()
	if err != nil {
		return nil, err
	}
	c := &Client{bases: b, app: s.AppID, key: key, opts: o.filled(), installations: map[int64]*installation{}, known: map[string]int64{}, lost: map[int64]bool{}, memory: newMemory(), ask: checks.AskFor, askTag: checks.AskForTag, askPromotion: checks.AskForPromotion}
	if c.base, err = newGuard(c.opts.Transport, b, c.opts.UserAgent); err != nil {
		return nil, err
	}
	if c.queries, err = loadQueries(); err != nil {
		return nil, err
	}
	c.jwt = newInstallation(c, 0)
	return c, nil
}

func (o Options) filled() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.UserAgent == "" {
		o.UserAgent = "sluice"
	}
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	if o.Call == nil {
		o.Call = func(context.Context, string, string, time.Duration) {}
	}
	if o.Quota == nil {
		o.Quota = func(int64, string, int, int, time.Time) {}
	}
	if o.PerMinute == 0 {
		o.PerMinute = 80
	}
	if o.PerHour == 0 {
		o.PerHour = 500
	}
	if o.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 200, 100
		t.ResponseHeaderTimeout = o.Timeout
		o.Transport = t
	}
	return o
}

// installation returns the installation by id, made on demand.
func (c *Client) installation(id int64) *installation {
	c.mu.Lock()
	defer c.mu.Unlock()
	in := c.installations[id]
	if in == nil {
		in = newInstallation(c, id)
		c.installations[id] = in
	}
	return in
}

// reach returns the installation for a repository: the one hinted at, the one remembered, or what GitHub says.
func (c *Client) reach(ctx context.Context, repo string, hint int64) (*installation, error) {
	key := strings.ToLower(repo)
	c.mu.Lock()
	id := c.known[key]
	if hint != 0 && !c.lost[hint] {
		id = hint
		c.known[key] = hint
	}
	if c.lost[id] { // the App may have been installed anew since
		id = 0
	}
	c.mu.Unlock()
	if id != 0 {
		return c.installation(id), nil
	}
	r, err := splitRepo(repo)
	if err != nil {
		return nil, err
	}
	var found struct {
		ID int64 `json:"id"`
	}
	if err := c.jwt.get(ctx, "GET /repos/{owner}/{repo}/installation", r.path("/installation"), &found); err != nil {
		return nil, fmt.Errorf("find the installation for %s: %w", repo, err)
	}
	if found.ID == 0 {
		return nil, fmt.Errorf("find the installation for %s: GitHub named none", repo)
	}
	c.mu.Lock()
	c.known[key] = found.ID
	delete(c.lost, found.ID)
	c.mu.Unlock()
	return c.installation(found.ID), nil
}

// forget drops what is remembered of how a repository is reached, after GitHub said that it is gone.
func (c *Client) forget(repo string) {
	c.mu.Lock()
	delete(c.known, strings.ToLower(repo))
	c.mu.Unlock()
}

// lose remembers that an installation is none any more, so that the next who needs it asks anew.
func (c *Client) lose(id int64) {
	c.mu.Lock()
	c.lost[id] = true
	c.mu.Unlock()
}
