package gitlab

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/sluicegate/sluice/gate"
)

func TestSimSignIn(t *testing.T) {
	const back = "http://127.0.0.1:9000/cb"
	as := func(login string) (*SignIn, *oauth2.Token, string) {
		t.Helper()
		scenario := strings.Replace(simScenario, `"tokens":`, `"settings": {"oauth_user": "`+login+`"}, "oauth_applications": [{"uid": "app", "secret": "x", "redirect_uri": "`+back+`", "scopes": ["read_api"]}], "tokens":`, 1)
		s := startSimAs(t, scenario)
		x, err := NewSignIn(Settings{URL: s.url, Token: "tok-bot", WebhookSecret: "x", ClientID: "app", ClientSecret: "x"}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		code := func(verifier string) string {
			resp, err := client.Get(x.Ask(back, "xyz", verifier))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			u, err := url.Parse(resp.Header.Get("Location"))
			if err != nil || u.Query().Get("code") == "" || u.Query().Get("state") != "xyz" {
				t.Fatalf("the simulator answers %d and leads to %q", resp.StatusCode, resp.Header.Get("Location"))
			}
			return u.Query().Get("code")
		}
		verifier := oauth2.GenerateVerifier()
		if _, err := x.Redeem(t.Context(), back, code(verifier), oauth2.GenerateVerifier()); !errors.Is(err, gate.ErrSignedOut) {
			t.Errorf("with another verifier: %v", err)
		}
		once := code(verifier)
		grant, err := x.Redeem(t.Context(), back, once, verifier)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.Redeem(t.Context(), back, once, verifier); !errors.Is(err, gate.ErrSignedOut) {
			t.Errorf("a second time: %v", err)
		}
		return x, grant, grant.AccessToken
	}
	ctx := t.Context()
	x, grant, access := as("carol")
	who, err := x.Self(ctx, access)
	if err != nil || who.Login != "carol" || !who.Human() {
		t.Fatalf("Self = %+v, %v", who, err)
	}
	if seen, err := x.Seen(ctx, access); err != nil || !slices.Contains(seen, simRepo) {
		t.Errorf("Seen = %v, %v", seen, err)
	}
	for repo, want := range map[string]string{simRepo: "admin", "acme/nothing": ""} {
		if role, err := x.Role(ctx, access, who, repo); err != nil || role != want {
			t.Errorf("Role(%s) = %q, %v, want %q", repo, role, err, want)
		}
	}
	for group, want := range map[string]bool{"acme/platform": true, "acme": true, "nothing": false, "7": false} {
		if is, err := x.Belongs(ctx, access, who, group); err != nil || is != want {
			t.Errorf("Belongs(%s) = %v, %v, want %v", group, is, err, want)
		}
	}
	fresh, err := x.Renew(ctx, grant)
	if err != nil || fresh.AccessToken == access {
		t.Fatalf("Renew = %v", err)
	}
	if _, err := x.Self(ctx, access); !errors.Is(err, gate.ErrSignedOut) {
		t.Errorf("with the old token: %v", err)
	}
	if _, err := x.Renew(ctx, grant); !errors.Is(err, gate.ErrSignedOut) {
		t.Errorf("renewed a second time: %v", err)
	}

	x, _, access = as("bob")
	bob, err := x.Self(ctx, access)
	if err != nil {
		t.Fatal(err)
	}
	if role, err := x.Role(ctx, access, bob, simRepo); err != nil || role != "write" {
		t.Errorf("bob's role is %q, %v, want write", role, err)
	}
	if is, err := x.Belongs(ctx, access, bob, "acme/platform"); err != nil || is {
		t.Errorf("who is in the group above only is in it: %v, %v", is, err)
	}
}
