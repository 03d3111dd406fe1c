package github

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v60/github"

	"github.com/sluicegate/sluice/gate"
)

// guard lets requests pass to the configured host only, whoever built them, so that no redirect, no `url` field and no
// callback can carry a token elsewhere, and only for work that this process still believes to hold. It stands beneath
// everything that adds a token.
type guard struct {
	next      http.RoundTripper
	scheme    string
	host      string
	userAgent string
}

func newGuard(next http.RoundTripper, b bases, userAgent string) (*guard, error) {
	u, err := url.Parse(b.rest)
	if err != nil {
		return nil, err
	}
	return &guard{next: next, scheme: u.Scheme, host: u.Host, userAgent: userAgent}, nil
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != g.scheme || !strings.EqualFold(r.URL.Host, g.host) {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, fmt.Errorf("refused to send a request to %s://%s: not the configured forge", r.URL.Scheme, r.URL.Host)
	}
	if err := gate.Held(r.Context()); err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", g.userAgent)
	r.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	return g.next.RoundTrip(r)
}

// authority adds the credentials of one installation, or of the App itself, to requests. Each installation has an
// AppsTransport of its own: ghinstallation writes to it while it refreshes a token.
type authority struct {
	mint func() http.RoundTripper

	mu      sync.Mutex
	current http.RoundTripper
}

func newAuthority(c *Client, installation int64) *authority {
	return &authority{mint: func() http.RoundTripper {
		apps := ghinstallation.NewAppsTransportFromPrivateKey(c.base, c.app, c.key)
		apps.BaseURL = c.bases.rest
		if installation == 0 {
			return asApp{apps}
		}
		t := ghinstallation.NewFromAppsTransport(apps, installation)
		t.InstallationTokenOptions = &github.InstallationTokenOptions{} // a nil one would be sent as "null"
		return t
	}}
}

func (a *authority) transport() http.RoundTripper {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == nil {
		a.current = a.mint()
	}
	return a.current
}

// renew drops the token that `used` holds, unless somebody has done so already.
func (a *authority) renew(used http.RoundTripper) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == used {
		a.current = nil
	}
}

// asApp signs requests with the App's own key. ghinstallation changes the request that it is given; this gives a copy.
type asApp struct{ *ghinstallation.AppsTransport }

// RoundTrip implements http.RoundTripper.
func (t asApp) RoundTrip(r *http.Request) (*http.Response, error) {
	return t.AppsTransport.RoundTrip(r.Clone(r.Context()))
}
