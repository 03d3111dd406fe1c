package github

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"golang.org/x/oauth2"

	"github.com/sluicegate/sluice/gate"
)

// came is what the simulator sends a browser back with, as whoever sits before it.
func (s *sim) came(x *SignIn, login, state, verifier string) url.Values {
	s.t.Helper()
	s.do("PATCH", "/settings", map[string]any{"oauth_user": login})
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(x.Ask("http://127.0.0.1:9/cb", state, verifier))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || u.Query().Get("code") == "" || u.Query().Get("state") != state {
		s.t.Fatalf("the simulator answers %d and leads to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	return u.Query()
}

func TestSimSignIn(t *testing.T) {
	s := startSim(t)
	app := s.do("GET", "/apps/sluice", nil)
	id, _ := app["client_id"].(string)
	secret, _ := app["client_secret"].(string)
	x, err := NewSignIn(Settings{URL: s.url, AppID: 4242, PrivateKey: s.key, WebhookSecret: "x", ClientID: id, ClientSecret: secret}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	const back = "http://127.0.0.1:9/cb"
	verifier := oauth2.GenerateVerifier()
	if _, err := x.Redeem(ctx, back, s.came(x, "bob", "xyz", verifier).Get("code"), oauth2.GenerateVerifier()); !errors.Is(err, gate.ErrSignedOut) {
		t.Errorf("with another verifier: %v", err)
	}
	code := s.came(x, "bob", "xyz", verifier).Get("code")
	grant, err := x.Redeem(ctx, back, code, verifier)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Redeem(ctx, back, code, verifier); !errors.Is(err, gate.ErrSignedOut) {
		t.Errorf("a second time: %v", err)
	}
	who, err := x.Self(ctx, grant.AccessToken)
	if err != nil || who.Login != "bob" || !who.Human() {
		t.Errorf("Self = %+v, %v", who, err)
	}
	seen, err := x.Seen(ctx, grant.AccessToken)
	if err != nil || !slices.Contains(seen, "acme/shop") {
		t.Errorf("Seen = %v, %v", seen, err)
	}
	for repo, want := range map[string]string{"acme/shop": "maintain", "acme/nothing": "", "acme": "", "../x": ""} {
		if role, err := x.Role(ctx, grant.AccessToken, who, repo); err != nil || role != want {
			t.Errorf("Role(%s) = %q, %v, want %q", repo, role, err, want)
		}
	}
	for team, want := range map[string]bool{"acme/release": true, "acme/nothing": false, "acme": false} {
		if is, err := x.Belongs(ctx, grant.AccessToken, who, team); err != nil || is != want {
			t.Errorf("Belongs(%s) = %v, %v, want %v", team, is, err, want)
		}
	}
	if grant.RefreshToken != "" {
		fresh, err := x.Renew(ctx, grant)
		if err != nil || fresh.AccessToken == grant.AccessToken {
			t.Fatalf("Renew = %v", err)
		}
		if _, err := x.Renew(ctx, grant); !errors.Is(err, gate.ErrSignedOut) {
			t.Errorf("renewed a second time: %v", err)
		}
		if _, err := x.Self(ctx, grant.AccessToken); !errors.Is(err, gate.ErrSignedOut) {
			t.Errorf("with the old token: %v", err)
		}
		grant = fresh
	}
	carol, err := x.Redeem(ctx, back, s.came(x, "carol", "xyz", verifier).Get("code"), verifier)
	if err != nil {
		t.Fatal(err)
	}
	if role, err := x.Role(ctx, carol.AccessToken, who, "acme/shop"); err != nil || role != "read" {
		t.Errorf("carol's role is %q, %v", role, err)
	}
}
