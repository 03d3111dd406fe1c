package github

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

// SignIn lets people sign in with GitHub, by the App's own OAuth, and asks with their tokens what they may see. It is safe for
// concurrent use.
type SignIn struct {
	bases  bases
	config oauth2.Config
	client *http.Client
	opts   Options
}

// NewSignIn returns nil where the settings have no client of OAuth; the error names the setting at fault.
func NewSignIn(s Settings, o Options) (*SignIn, error) {
	if err := s.Check(); err != nil || s.ClientID == "" {
		return nil, err
	}
	b, err := s.bases()
	if err != nil {
		return nil, err
	}
	x := &SignIn{bases: b, opts: o.filled(), config: oauth2.Config{ClientID: s.ClientID, ClientSecret: s.ClientSecret, Endpoint: oauth2.Endpoint{
		AuthURL: b.web + "/login/oauth/authorize", TokenURL: b.web + "/login/oauth/access_token", AuthStyle: oauth2.AuthStyleInParams}}}
	x.client = &http.Client{Timeout: x.opts.Timeout, Transport: ownHosts{x.opts, b},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return x, nil
}

// ownHosts lets requests pass to the forge's pages and to its interface alone.
type ownHosts struct {
	opts  Options
	bases bases
}

// RoundTrip implements http.RoundTripper.
func (t ownHosts) RoundTrip(r *http.Request) (*http.Response, error) {
	at := r.URL.Scheme + "://" + r.URL.Host
	if at != t.bases.web && !strings.HasPrefix(t.bases.rest+"/", at+"/") {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, fmt.Errorf("refused to send a request to %s: not the configured forge", at)
	}
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", t.opts.UserAgent)
	return t.opts.Transport.RoundTrip(r)
}

// Ask is the page on which GitHub asks a person whether Sluice may know them. verifier is PKCE's, of which it is told the hash.
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

// Renew makes a grant anew that has run out: an App's are good for eight hours. The old one is then good for nothing.
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
	case errors.As(err, &refused) && (refused.ErrorCode == "bad_verification_code" || refused.ErrorCode == "bad_refresh_token" || refused.ErrorCode == "invalid_grant"):
		return fmt.Errorf("%s: %w", doing, gate.ErrSignedOut)
	case errors.As(err, &refused) && refused.ErrorCode != "":
		return fmt.Errorf("%s: GitHub says %s", doing, checks.Clip(gate.Plain(refused.ErrorCode), 80))
	case errors.As(err, &refused):
		return fmt.Errorf("%s: GitHub answered %d", doing, refused.Response.StatusCode)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// mostSignInAnswer is how much of an answer is read, in bytes.
const mostSignInAnswer = 16 << 20

// get asks in the person's name.
func (s *SignIn) get(ctx context.Context, access, route, path string, out any) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, s.bases.rest+path, nil)
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+access)
	q.Header.Set("Accept", "application/vnd.github+json")
	q.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	began := s.opts.Now()
	resp, err := s.client.Do(q)
	if err != nil {
		s.opts.Call(ctx, route, "error", s.opts.Now().Sub(began))
		return fmt.Errorf("%s: %w", route, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostSignInAnswer))
	s.opts.Call(ctx, route, fmt.Sprint(resp.StatusCode), s.opts.Now().Sub(began))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", route, err)
	case resp.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%s: %w", route, gate.ErrSignedOut)
	case resp.StatusCode != http.StatusOK:
		return refusal(route, &answer{status: resp.StatusCode, header: resp.Header, body: body})
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s: GitHub's answer cannot be read: %w", route, err)
	}
	return nil
}

// Self is whose a grant is.
func (s *SignIn) Self(ctx context.Context, access string) (checks.Person, error) {
	var u struct {
		ID    int64  `json:"id"`
		Login string `json:"login"`
		Name  string `json:"name"`
		Type  string `json:"type"`
	}
	if err := s.get(ctx, access, "GET /user", "/user", &u); err != nil {
		return checks.Person{}, err
	}
	p := person(&actorNode{Typename: u.Type, Login: u.Login, DatabaseID: u.ID})
	p.Name = u.Name
	return p, nil
}

// Belongs says whether the person is in a team, "org/slug". What they may not ask, they are not in.
func (s *SignIn) Belongs(ctx context.Context, access string, who checks.Person, to string) (bool, error) {
	org, team, ok := strings.Cut(to, "/")
	if !ok || !plain(org) || !plain(team) || !plain(who.Login) {
		return false, nil
	}
	var got struct {
		State string `json:"state"`
	}
	err := s.get(ctx, access, "GET /orgs/{org}/teams/{team_slug}/memberships/{username}",
		"/orgs/"+url.PathEscape(org)+"/teams/"+url.PathEscape(team)+"/memberships/"+url.PathEscape(who.Login), &got)
	if hidden(err) {
		return false, nil
	}
	return err == nil && got.State == "active", err
}

// hidden says that the forge showed nothing: it is not there, or not for this person (an organisation may ask for more than a
// sign-in). That it would not answer any more for a while is no such answer.
func hidden(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Status == http.StatusNotFound || e.Status == http.StatusForbidden && !strings.Contains(strings.ToLower(e.Message), "rate limit")
}
