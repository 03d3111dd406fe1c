package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestPeopleSeeWhatTheForgeLetsThemSee(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, where string) {
		h := newHouse(t, where, nil)
		h.works()
		ana, bo, carl := h.browser(), h.browser(), h.browser()
		ana.signIn("ana")
		bo.signIn("bo")
		carl.signIn("carl")
		for name, c := range map[string]struct {
			b    *browser
			want string
		}{"who writes to all": {ana, "acme/shop acme/site acme/vault"}, "who reads one": {bo, "acme/shop acme/site"}, "a stranger": {carl, "acme/site"}} {
			if got := c.b.sees(); got != c.want {
				t.Errorf("%s sees %q, want %q\n%s", name, got, c.want, h.log.String())
			}
		}
		if status, text, _ := h.browser().open("/api/v1/repos"); status != http.StatusUnauthorized {
			t.Errorf("nobody sees: %d %s", status, text)
		}
		for _, path := range []string{"", "/environments", "/changes", "/changes/1/decisions", "/decisions", "/overrides", "/audit", "/calendar.ics"} {
			if status, text, _ := ana.open("/api/v1/repos/acme/vault" + path); path != "" && status != http.StatusOK && path != "/calendar.ics" {
				t.Errorf("ana, who may see it: GET %s: %d %s", path, status, text)
			}
			if status, text, _ := bo.open("/api/v1/repos/acme/vault" + path); status != http.StatusNotFound {
				t.Errorf("bo, who may not: GET %s: %d %s", path, status, text)
			}
		}
		for _, path := range []string{"/api/v1/audit", "/api/v1/inbox", "/api/v1/quota"} {
			if status, text, _ := ana.open(path); status != http.StatusForbidden {
				t.Errorf("who is no administrator: GET %s: %d %s", path, status, text)
			}
		}
		var list struct {
			Changes []struct{ Title, Decision string }
		}
		_, text, _ := ana.open("/api/v1/repos/acme/vault/changes")
		h.must(json.Unmarshal([]byte(text), &list))
		if len(list.Changes) != 1 || list.Changes[0].Title != "feat: eggs <b>" || list.Changes[0].Decision == "" {
			t.Fatalf("the changes: %s", text)
		}
		decision := "/api/v1/decisions/" + list.Changes[0].Decision
		if status, text, _ := ana.open(decision); status != http.StatusOK || !strings.Contains(text, `"verdicts"`) {
			t.Errorf("a decision: %d %s", status, text)
		}
		if status, _, _ := bo.open(decision); status != http.StatusNotFound {
			t.Errorf("a decision of what may not be seen: %d", status)
		}
		if status, text, _ := ana.open("/api/v1/repos/acme/vault/audit"); status != http.StatusOK || !strings.Contains(text, `"kind": "decision"`) || strings.Contains(text, "acme/shop") {
			t.Errorf("a page of the audit log: %d %s", status, text)
		}
		if status, text, _ := ana.open("/api/v1/repos?limit=2"); status != http.StatusOK || strings.Contains(text, "vault") {
			t.Errorf("a page of two: %d %s", status, text)
		} else {
			var page struct{ Next string }
			h.must(json.Unmarshal([]byte(text), &page))
			if _, text, _ := ana.open("/api/v1/repos?cursor=" + page.Next); !strings.Contains(text, "acme/vault") || strings.Contains(text, "acme/shop") {
				t.Errorf("the page after: %s", text)
			}
		}

		// What is taken away at the forge is gone within minutes; when the forge does not say, nothing is shown.
		h.must(h.forge.Grant("acme/shop", "bo", "none"))
		h.pass(6 * time.Minute)
		if got := bo.sees(); got != "acme/site" {
			t.Errorf("after the right was taken away bo sees %q", got)
		}
		h.forge.SignOut("ana")
		h.pass(6 * time.Minute)
		if status, text, _ := ana.open("/api/v1/repos/acme/vault/changes"); status == http.StatusOK {
			t.Errorf("after the sign-in was revoked at the forge: %d %s", status, text)
		}
		if got := ana.me(); got.Login != "" {
			t.Errorf("after the forge took the grant no more, still signed in: %+v", got)
		}
	})
}

func TestGrantsAreRenewedOnce(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, where string) {
		h := newHouse(t, where, nil)
		h.works()
		b := h.browser()
		b.signIn("ana")
		for range 3 {
			h.pass(2 * time.Hour)
			ended := make(chan string, 4)
			for range cap(ended) {
				go func() { ended <- b.sees() }()
			}
			for range cap(ended) {
				if got := <-ended; got != "acme/shop acme/site acme/vault" {
					t.Fatalf("with a grant that ran out she sees %q\n%s", got, h.log.String())
				}
			}
		}
	})
}

func TestSessionsRunOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "github", nil)
	b := h.browser()
	b.signIn("ana")
	for range 6 { // used, it lasts beyond its days of rest
		h.pass(48 * time.Hour)
		if got := b.me(); got.Login != "ana" {
			t.Fatalf("used every other day, it is over: %+v", got)
		}
	}
	for range 2 {
		h.pass(47 * time.Hour)
		b.me()
	}
	if got := b.me(); got.Login != "" {
		t.Errorf("after a fortnight it lasts still: %+v", got)
	}
	b.signIn("ana")
	h.pass(73 * time.Hour)
	if got := b.me(); got.Login != "" {
		t.Errorf("unused for three days it lasts still: %+v", got)
	}
}

var tokenOnPage = regexp.MustCompile(`sluice_[0-9a-f]{64}`)

func TestTokensAreTheirPersons(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, where string) {
		h := newHouse(t, where, nil)
		h.works()
		ana, bo := h.browser(), h.browser()
		ana.signIn("ana")
		bo.signIn("bo")
		made := func(b *browser, scopes ...string) string {
			t.Helper()
			status, text := b.post("/tokens", url.Values{"name": {"CI <b>"}, "scope": scopes, "for": {"30d"}})
			if status != http.StatusOK || strings.Contains(text, "CI <b>") {
				t.Fatalf("making a token: %d %s", status, text)
			}
			return tokenOnPage.FindString(text)
		}
		with := func(token, method, path, body string) (int, string) {
			t.Helper()
			status, text, _ := h.browser().send(method, path, body, http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}})
			return status, text
		}
		const deploy = "/api/v1/repos/acme/shop/environments/production/promotions"
		reads, commands := made(ana, "read"), made(ana, "read", "command")
		if status, text := with(reads, "GET", "/api/v1/me", ""); status != 200 || !strings.Contains(text, `"ana"`) {
			t.Errorf("a token: %d %s", status, text)
		}
		if status, text := with(reads, "POST", deploy, "{}"); status != http.StatusForbidden || !strings.Contains(text, "scope command") {
			t.Errorf("without the scope: %d %s", status, text)
		}
		if status, text := with(commands, "POST", deploy, `{"by": "bo"}`); status != http.StatusForbidden {
			t.Errorf("in another's name: %d %s", status, text)
		}
		status, text := with(commands, "POST", deploy, "{}")
		if status != http.StatusAccepted {
			t.Fatalf("in her own name: %d %s", status, text)
		}
		var accepted struct{ ID string }
		h.must(json.Unmarshal([]byte(text), &accepted))
		kept, err := h.server.store.Asked(t.Context(), accepted.ID)
		if h.must(err); kept.By != "ana" || kept.ByID != h.forge.User("ana").ID {
			t.Errorf("kept is %+v", kept)
		}
		if status, text := with(reads, "GET", "/api/v1/asks/"+accepted.ID, ""); status != 200 {
			t.Errorf("what came of it: %d %s", status, text)
		}
		if status, _ := with(commands, "POST", "/api/v1/tokens", `{"name": "another"}`); status != http.StatusForbidden {
			t.Errorf("a token makes another: %d", status)
		}
		if status, text := with(made(bo, "command"), "POST", "/api/v1/repos/acme/vault/environments/production/promotions", "{}"); status != http.StatusNotFound {
			t.Errorf("where its person may not look: %d %s", status, text)
		}

		var listed struct{ Tokens []struct{ ID, Name string } }
		_, text, _ = ana.open("/api/v1/tokens")
		h.must(json.Unmarshal([]byte(text), &listed))
		if len(listed.Tokens) != 2 || strings.Contains(text, reads) {
			t.Fatalf("her tokens: %s", text)
		}
		for _, x := range listed.Tokens {
			bo.post("/tokens/"+x.ID+"/revoke", nil)
		}
		if status, _ := with(reads, "GET", "/api/v1/me", ""); status != 200 {
			t.Error("somebody else revoked it")
		}
		ana.post("/tokens/"+listed.Tokens[0].ID+"/revoke", nil)
		ana.send(http.MethodDelete, "/api/v1/tokens/"+listed.Tokens[1].ID, "", nil)
		for _, token := range []string{reads, commands} {
			if status, _ := with(token, "GET", "/api/v1/me", ""); status != http.StatusUnauthorized {
				t.Errorf("one that was revoked: %d", status)
			}
		}
		short := made(ana, "read")
		h.pass(31 * 24 * time.Hour)
		if status, _ := with(short, "GET", "/api/v1/me", ""); status != http.StatusUnauthorized {
			t.Errorf("one whose time is over: %d", status)
		}
		for _, token := range []string{"", "sluice_", "sluice_" + strings.Repeat("0", 64), apiToken + "x"} {
			if status, _ := with(token, "GET", "/api/v1/me", ""); status != http.StatusUnauthorized {
				t.Errorf("%q is somebody's: %d", token, status)
			}
		}
		if status, _, _ := ana.send(http.MethodGet, "/api/v1/me", "", http.Header{"Authorization": {"Bearer x"}}); status != http.StatusUnauthorized {
			t.Errorf("a wrong token in a browser that is signed in: %d", status)
		}
		if status, text := with(apiToken, "GET", "/api/v1/audit?limit=1", ""); status != 200 || !strings.Contains(text, `"next"`) {
			t.Errorf("the operator reads the audit log: %d %s", status, text)
		}
		if strings.Contains(h.log.String(), "sluice_") {
			t.Errorf("the log tells a token:\n%s", h.log.String())
		}
	})
}

func TestAdministratorsAreWhoTheListSays(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, where string) {
		h := newHouse(t, where, func(s *settings) { s.Admins = "acme/admins, @olga" })
		for login, want := range map[string]bool{"ana": true, "olga": true, "bo": false} {
			b := h.browser()
			b.signIn(login)
			status, text, _ := b.open("/api/v1/inbox")
			if got := b.me().Admin; got != want || (status == http.StatusOK) != want {
				t.Errorf("%s: administrator %v, the inbox answers %d %s; want %v", login, got, status, text, want)
			}
		}
	})
}

// A person overrides a check by the API as by a comment: what may be done is asked of the forge, and the record names who asked.
func TestAnOverrideInOnesOwnName(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, where string) {
		h := newHouse(t, where, nil)
		h.must(h.forge.Grant("acme/shop", "olga", "admin"))
		h.works()
		olga, bo := h.browser(), h.browser()
		olga.signIn("olga")
		bo.signIn("bo")
		var list struct{ Changes []struct{ Head string } }
		_, text, _ := olga.open("/api/v1/repos/acme/shop/changes")
		h.must(json.Unmarshal([]byte(text), &list))
		same := http.Header{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}}
		ask := func(b *browser, commit string) string {
			t.Helper()
			status, text, _ := b.send(http.MethodPost, "/api/v1/repos/acme/shop/changes/1/overrides", `{"checks": "changelog", "commit": "`+commit+`", "reason": "Later."}`, same)
			var got struct{ ID string }
			if h.must(json.Unmarshal([]byte(text), &got)); status != http.StatusAccepted {
				t.Fatalf("asking: %d %s", status, text)
			}
			h.idle()
			_, text, _ = b.open("/api/v1/asks/" + got.ID)
			return text
		}
		if got := ask(bo, list.Changes[0].Head); !strings.Contains(got, `"refused"`) || !strings.Contains(got, "may not override here") {
			t.Errorf("without the right: %s", got)
		}
		if got := ask(olga, strings.Repeat("0", 40)); !strings.Contains(got, `"refused"`) || !strings.Contains(got, "A push arrived in between") {
			t.Errorf("of another commit: %s", got)
		}
		if got := ask(olga, list.Changes[0].Head); !strings.Contains(got, `"done"`) || !strings.Contains(got, "is overridden on") {
			t.Fatalf("by who may: %s\n%s", got, h.log.String())
		}
		if _, text, _ := olga.open("/api/v1/repos/acme/shop/overrides"); !strings.Contains(text, `"login": "olga"`) || !strings.Contains(text, `"granted"`) || !strings.Contains(text, "Later.") {
			t.Errorf("the record: %s", text)
		}
		_, text, _ = olga.open("/api/v1/repos/acme/shop/changes/1/decisions?limit=1")
		var past struct{ Decisions []struct{ ID string } }
		h.must(json.Unmarshal([]byte(text), &past))
		if _, text, _ := olga.open("/api/v1/decisions/" + past.Decisions[0].ID); !strings.Contains(text, `"Later."`) {
			t.Errorf("the newest decision does not hold the override: %s", text)
		}
	})
}
