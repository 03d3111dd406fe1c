package gitlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// SignIn lets people sign in with GitLab, and asks with their tokens what they may see. It is safe for concurrent use.
type SignIn struct {
	base   *url.URL
	config oauth2.Config
	client *http.Client
	opts   Options
}

// NewSignIn returns nil where the settings have no client of OAuth; the error names the setting at fault.
func NewSignIn(s Settings, o Options) (*SignIn, error) {
	if err := s.Check(); err != nil || s.ClientID == "" {
		return nil, err
	}
	base, err := s.base()
	if err != nil {
		return nil, err
	}
	x := &SignIn{base: base, opts: o.filled(), config: oauth2.Config{ClientID: s.ClientID, ClientSecret: s.ClientSecret, Scopes: []string{"read_api"},
		Endpoint: oauth2.Endpoint{AuthURL: base.String() + "/oauth/authorize", TokenURL: base.String() + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams}}}
	x.client = &http.Client{Timeout: x.opts.Timeout, Transport: ownHost{x.opts, base},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return x, nil
}

// ownHost lets requests pass to the configured instance alone.
type ownHost struct {
	opts Options
	base *url.URL
}

// RoundTrip implements http.RoundTripper.
func (t ownHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != t.base.Scheme || !strings.EqualFold(r.URL.Host, t.base.Host) || !strings.HasPrefix(r.URL.EscapedPath(), t.base.EscapedPath()+"/") {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, fmt.Errorf("refused to send a request to %s://%s: not the configured forge", r.URL.Scheme, r.URL.Host)
	}
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", t.opts.UserAgent)
	return t.opts.Transport.RoundTrip(r)
}

// Ask is the page on which GitLab asks a person whether Sluice may read in their name. verifier is PKCE's, of which it is told
// the hash.
func (s *SignIn) Ask(callback, state, verifier string) string {
	c := s.config
	c.RedirectURL = callback
	return c.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier))
}

// Redeem makes a grant of the code that the person came back with.
func (s *SignIn) Redeem(ctx context.Context, callback, code, verifier string) (*oauth2.Token, error) {
	c := s.config
	c.RedirectURL = callback
	t, err := c.Exchange(context.WithValue(ctx, oauth2.HTTPClient, s.client), code, oauth2.VerifierOption(verifier))
	return t, refusedGrant("redeem the code of a sign-in", err)
}

// Renew makes a grant anew that has run out: GitLab's are good for two hours. The old one is then good for nothing.
func (s *SignIn) Renew(ctx context.Context, t *oauth2.Token) (*oauth2.Token, error) {
	if t.RefreshToken == "" {
		return nil, fmt.Errorf("renew a sign-in: %w", gate.ErrSignedOut)
	}
	old := &oauth2.Token{RefreshToken: t.RefreshToken, Expiry: time.Unix(1, 0)}
	fresh, err := s.config.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, s.client), old).Token()
	return fresh, refusedGrant("renew a sign-in", err)
}

// refusedGrant says gate.ErrSignedOut of what the forge refuses, and never repeats what was sent.
func refusedGrant(doing string, err error) error {
	var refused *oauth2.RetrieveError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.ErrorCode == "invalid_grant":
		return fmt.Errorf("%s: %w", doing, gate.ErrSignedOut)
	case errors.As(err, &refused) && refused.ErrorCode != "":
		return fmt.Errorf("%s: GitLab says %s", doing, checks.Clip(gate.Plain(refused.ErrorCode), 80))
	case errors.As(err, &refused):
		return fmt.Errorf("%s: GitLab answered %d", doing, refused.Response.StatusCode)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// mostSignInAnswer is how much of an answer is read, in bytes.
const mostSignInAnswer = 16 << 20

// get asks in the person's name, and returns which page comes next, "" for none. It says gate.ErrGone of what GitLab does not show.
func (s *SignIn) get(ctx context.Context, access, route, path string, q url.Values, out any) (next string, err error) {
	u := s.base.String() + "/api/v4" + path
	if len(q) > 0 {
		u += "?" + q.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+access)
	began := s.opts.Now()
	resp, err := s.client.Do(r)
	if err != nil {
		s.opts.Call(ctx, route, "error", s.opts.Now().Sub(began))
		return "", fmt.Errorf("%s: %w", route, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostSignInAnswer))
	s.opts.Call(ctx, route, fmt.Sprint(resp.StatusCode), s.opts.Now().Sub(began))
	switch code := resp.StatusCode; {
	case err != nil:
		return "", fmt.Errorf("%s: %w", route, err)
	case code == http.StatusUnauthorized:
		return "", fmt.Errorf("%s: %w", route, gate.ErrSignedOut)
	case code == http.StatusNotFound || code == http.StatusForbidden:
		return "", fmt.Errorf("%s: GitLab answered %d: %w", route, code, gate.ErrGone)
	case code != http.StatusOK:
		return "", fmt.Errorf("%s: GitLab answered %d", route, code)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return "", fmt.Errorf("%s: GitLab's answer cannot be read: %w", route, err)
	}
	return resp.Header.Get("X-Next-Page"), nil
}

// Self is whose a grant is.
func (s *SignIn) Self(ctx context.Context, access string) (checks.Person, error) {
	var u userNode
	if _, err := s.get(ctx, access, "GET /user", "/user", nil, &u); err != nil {
		return checks.Person{}, err
	}
	p := (&reading{}).person(&u)
	if u.State != "" && u.State != "active" {
		p.Kind = "" // blocked: nobody whose word counts
	}
	p.Name = u.Name
	return p, nil
}
