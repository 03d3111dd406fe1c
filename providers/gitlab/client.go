// Package gitlab turns GitLab's words into ours and back: it reads merge requests and tags as checks.Facts, shows
// verdicts as commit statuses and a note, answers notes, and follows deployments.
//
// It refuses to judge, to remember anything that a restart may not forget, to send a token anywhere but to the
// configured instance, to let a library repeat a write, and to pass a part that it could not read off as read: that is
// a Gap or an error. What GitLab or its tier cannot do is told as data; nobody else asks which forge this is.
package gitlab

//lint:file-ignore SA1019 the library's types are all that is used of it; under its new path they are others

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	gitlab "github.com/xanzy/go-gitlab"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/quota"
)

// Options are what the client is given besides the settings. Every one may be left out.
type Options struct {
	Log       *slog.Logger
	Now       func() time.Time
	Transport http.RoundTripper // beneath everything: connections
	Jitter    func() float64    // in [0,1); spreads retries
	UserAgent string            // "sluice" when empty
	Timeout   time.Duration     // of one attempt of one call; 20 s when 0
	Hook      Wish              // what webhooks of ours are like; without a URL none are looked after
	// Call is told of every answered or failed attempt. route is method and path with names left out; status is the
	// HTTP status or "error".
	Call func(ctx context.Context, route, status string, took time.Duration)
	// Quota is told what GitLab says is left, by token (0, 1, … in the order of the setting's paths) and resource ("api").
	Quota func(token int64, resource string, remaining, limit int, reset time.Time)
	// Beside is asked by each of several processes that share the work; nil: there is one.
	Beside Beside
}

// Client is GitLab as the tokens of the settings see it. It is safe for concurrent use.
type Client struct {
	base  *url.URL // of the pages
	opts  Options
	ways  []*access // the longest path first
	talk  *talk
	promo *promoting

	mu       sync.Mutex
	projects map[string]*project      // by full path, lower case
	reads    map[string]chan struct{} // by the same: of which nothing is known, and somebody reads it; closed when he has
	looked   map[string]time.Time     // when the webhooks of a place were looked at

	memory *memory // what saves reading
}

// access is one token and the client that uses it, with all state that must not be shared with another.
type access struct {
	n      int64
	path   string // group or project that it is for, lower case; "" for all that no other is for
	token  string
	api    *gitlab.Client
	limits limits
	purse  quota.Purse

	mu sync.Mutex
	me *gitlab.User
}

// New returns a client for the settings; the error names the setting at fault.
func New(s Settings, o Options) (*Client, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	base, err := s.base()
	if err != nil {
		return nil, err
	}
	tokens, err := s.tokens()
	if err != nil {
		return nil, err
	}
	c := &Client{base: base, opts: o.filled(), talk: newTalk(), promo: newPromoting(), memory: newMemory(), projects: map[string]*project{}, reads: map[string]chan struct{}{}}
	for i, t := range tokens {
		a := &access{n: int64(i), path: t.path, token: t.token}
		a.api, err = gitlab.NewClient(t.token, gitlab.WithBaseURL(base.String()), gitlab.WithoutRetries(), gitlab.WithCustomLimiter(unlimited{}),
			gitlab.WithHTTPClient(&http.Client{Transport: &transport{c: c, a: a}, CheckRedirect: c.redirect}))
		if err != nil {
			return nil, fmt.Errorf("SLUICE_GITLAB_URL: %w", err)
		}
		c.ways = append(c.ways, a)
	}
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
	o.UserAgent = or(o.UserAgent, "sluice")
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	if o.Call == nil {
		o.Call = func(context.Context, string, string, time.Duration) {}
	}
	if o.Quota == nil {
		o.Quota = func(int64, string, int, int, time.Time) {}
	}
	if o.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 200, 100
		o.Transport = t
	}
	return o
}

// unlimited stands in for the library's limiter, which it sets up in a race; limits are kept in this package.
type unlimited struct{}

// Wait implements gitlab.RateLimiter.
func (unlimited) Wait(ctx context.Context) error { return ctx.Err() }

// reach is the token for a repository: the one whose group or project it lies in most closely.
func (c *Client) reach(repo string) (*access, error) {
	path := strings.ToLower(repo)
	if strings.Count(path, "/") < 1 || strings.Contains(path, "..") || strings.ContainsAny(path, " ?#%\\\n\r\t") {
		return nil, fmt.Errorf("%q is not the path of a project", repo)
	}
	for _, a := range c.ways {
		if a.path == "" || a.path == path || strings.HasPrefix(path, a.path+"/") {
			return a, nil
		}
	}
	return nil, fmt.Errorf("%w: no token in SLUICE_GITLAB_TOKEN is for %s", gate.ErrGone, repo)
}

// myself is the account that a token acts as, asked for once.
func (a *access) myself(ctx context.Context) (*gitlab.User, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.me == nil {
		me, _, err := a.api.Users.CurrentUser(gitlab.WithContext(ctx))
		if err != nil {
			return nil, fault("GET /user", err)
		}
		if me.ID == 0 {
			return nil, fmt.Errorf("GET /user: GitLab named nobody")
		}
		a.me = me
	}
	return a.me, nil
}

// project is what is remembered of one for a few minutes.
type project struct {
	gitlab.Project
	at time.Time
}

// remembered is how long a project's settings may be taken as they were.
const remembered = 5 * time.Minute

// project reads a project, or remembers it.
func (c *Client) project(ctx context.Context, repo string) (*project, error) {
	return c.projectWithin(ctx, repo, remembered)
}

// projectWithin is project for whom an older memory will do.
func (c *Client) projectWithin(ctx context.Context, repo string, age time.Duration) (*project, error) {
	key := strings.ToLower(repo)
	c.mu.Lock()
	p := c.projects[key]
	c.mu.Unlock()
	if p != nil && c.opts.Now().Sub(p.at) < age {
		return p, nil
	}
	a, err := c.reach(repo)
	if err != nil {
		return nil, err
	}
	p = &project{at: c.opts.Now()}
	got, _, err := a.api.Projects.GetProject(repo, nil, gitlab.WithContext(ctx))
	if err != nil {
		c.forget(repo)
		return nil, fault("GET /projects/{id}", err)
	}
	p.Project = *got
	c.mu.Lock()
	c.projects[key] = p
	c.mu.Unlock()
	return p, nil
}

// forget drops what is remembered of a project.
func (c *Client) forget(repo string) {
	c.mu.Lock()
	delete(c.projects, strings.ToLower(repo))
	c.mu.Unlock()
}

// redirect follows within the same interface only, as to where a project was moved, and never with a body.
func (c *Client) redirect(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) > 3:
		return fmt.Errorf("redirected too often")
	case !c.inside(req.URL):
		return fmt.Errorf("refused a redirect to %s://%s: not the configured forge", req.URL.Scheme, req.URL.Host)
	case via[0].Method != http.MethodGet:
		return http.ErrUseLastResponse
	}
	return nil
}

// Own says whether a login is that of an account that a token acts as, as far as that was asked before.
func (c *Client) Own(login string) bool {
	for _, a := range c.ways {
		if !a.mu.TryLock() { // it is being asked just now
			continue
		}
		is := a.me != nil && strings.EqualFold(a.me.Username, login)
		a.mu.Unlock()
		if is {
			return true
		}
	}
	return false
}
