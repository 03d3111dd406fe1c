package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// answering is a server that answers a command's calls in order, and what they were.
type answering struct {
	answers []string // "202 {…}"
	calls   []string
	bodies  []map[string]string
	keys    []string
}

func (s *answering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls = append(s.calls, r.Method+" "+r.URL.EscapedPath()+" "+r.Header.Get("Authorization"))
	var b map[string]string
	_ = json.NewDecoder(r.Body).Decode(&b) // of a GET there is none
	s.bodies, s.keys = append(s.bodies, b), append(s.keys, r.Header.Get("Idempotency-Key"))
	n := min(len(s.calls), len(s.answers)) - 1
	code, text, _ := strings.Cut(s.answers[n], " ")
	var status int
	fmt.Sscan(code, &status) //nolint:errcheck // our own writing
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}

func remotely(t *testing.T, s *answering, environ []string, args ...string) (code int, out, errs string) {
	t.Helper()
	h := httptest.NewServer(s)
	defer h.Close()
	if environ == nil {
		environ = []string{"SLUICE_PUBLIC_URL=" + h.URL + "/", "SLUICE_API_TOKEN=secret"}
	}
	var stdout, stderr bytes.Buffer
	code = run(context.Background(), process{args: args, environ: environ, stdout: &stdout, stderr: &stderr})
	return code, stdout.String(), stderr.String()
}

const standsAt = ` "promotion": {"environment": "production", "commit": "0123456789", "state": `

func TestCommandsThatAskAServer(t *testing.T) {
	t.Parallel()
	who := []string{"--repo", "acme/shop", "--by", "olga"}
	for name, c := range map[string]struct {
		args    []string
		answers []string
		code    int
		call    string
		says    string
	}{
		"deploy":                {[]string{"deploy", "production", "v1"}, []string{`202 {"id": "a"}`, `200 {"state": "done", "text": "Asked for it."}`}, 0, "POST /api/v1/repos/acme/shop/environments/production/promotions Bearer secret", "Asked for it."},
		"deploy to a path":      {[]string{"deploy", "eu/prod"}, []string{`202 {"id": "a"}`, `200 {"state": "done"}`}, 0, "POST /api/v1/repos/acme/shop/environments/eu%2Fprod/promotions Bearer secret", ""},
		"lock all":              {[]string{"lock", "*", "--reason", "The fair.", "--for", "2h"}, []string{`202 {"id": "a"}`, `200 {"state": "done"}`}, 0, "POST /api/v1/repos/acme/shop/environments/%2A/lock Bearer secret", ""},
		"unlock":                {[]string{"unlock", "production"}, []string{`202 {"id": "a"}`, `200 {"state": "done"}`}, 0, "DELETE /api/v1/repos/acme/shop/environments/production/lock Bearer secret", ""},
		"approve":               {[]string{"approve", "production"}, []string{`202 {"id": "a"}`, `200 {"state": "done"}`}, 0, "POST /api/v1/repos/acme/shop/environments/production/approvals Bearer secret", ""},
		"reject":                {[]string{"reject", "production", "--reason", "No."}, []string{`202 {"id": "a"}`, `200 {"state": "done"}`}, 0, "POST /api/v1/repos/acme/shop/environments/production/approvals Bearer secret", ""},
		"cancel":                {[]string{"cancel", "production"}, []string{`202 {"id": "a"}`, `200 {"state": "done"}`}, 0, "POST /api/v1/repos/acme/shop/environments/production/cancel Bearer secret", ""},
		"override":              {[]string{"override", "changelog", "--change", "7", "--commit", "0123456789abcdef0123456789abcdef01234567", "--reason", "Later."}, []string{`202 {"id": "a"}`, `200 {"state": "done", "text": "It is overridden."}`}, 0, "POST /api/v1/repos/acme/shop/changes/7/overrides Bearer secret", "It is overridden."},
		"revoke":                {[]string{"revoke", "changelog", "--change", "7"}, []string{`202 {"id": "a"}`, `200 {"state": "done", "text": "It is revoked."}`}, 0, "DELETE /api/v1/repos/acme/shop/changes/7/overrides/changelog Bearer secret", "It is revoked."},
		"hold":                  {[]string{"hold", "--change", "7", "--reason", "The fair."}, []string{`202 {"id": "a"}`, `200 {"state": "done", "text": "Held."}`}, 0, "POST /api/v1/repos/acme/shop/changes/7/hold Bearer secret", "Held."},
		"unhold":                {[]string{"unhold", "--change", "7"}, []string{`202 {"id": "a"}`, `200 {"state": "refused", "text": "Nobody holds it."}`}, 1, "DELETE /api/v1/repos/acme/shop/changes/7/hold Bearer secret", "refused: Nobody holds it."},
		"recheck":               {[]string{"recheck", "--change", "7"}, []string{`202 {"id": "a"}`, `200 {"state": "done"}`}, 0, "POST /api/v1/repos/acme/shop/changes/7/recheck Bearer secret", ""},
		"refused later":         {[]string{"rollback", "production", "--reason", "x"}, []string{`202 {"id": "a"}`, `200 {"state": "waiting"}`, `200 {"state": "refused", "text": "olga may not\u001b[2J."}`}, 1, "", "refused: olga may not[2J."},
		"refused at once":       {[]string{"deploy", "production", "--", "--force"}, []string{`422 {"detail": "The ref is no name."}`}, 1, "", "refused: The ref is no name."},
		"another token":         {[]string{"deploy", "production"}, []string{`401 {"detail": "The bearer token is missing."}`}, 2, "", "(401): The bearer token is missing."},
		"no Sluice":             {[]string{"deploy", "production"}, []string{`200 <html>`}, 2, "", "does not speak JSON"},
		"led elsewhere":         {[]string{"deploy", "production"}, []string{`302 {}`}, 2, "", "(302)"},
		"busy at first":         {[]string{"deploy", "production"}, []string{`503 {}`, `202 {"id": "a"}`, `200 {"state": "done"}`}, 0, "", ""},
		"followed until live":   {[]string{"deploy", "production", "--wait"}, []string{`202 {"id": "a"}`, `200 {"state": "done",` + standsAt + `"gated", "verdicts": [{"line": "lock", "outcome": "wait", "reason": "Locked.", "blocks": true}, {"line": "window", "outcome": "pass", "reason": "Open."}]}}`, `200 {"state": "done",` + standsAt + `"live"}}`}, 0, "", "01234567 into production: gated\n  wait lock: Locked.\n01234567 into production: live\n"},
		"followed until failed": {[]string{"deploy", "production", "--wait"}, []string{`202 {"id": "a"}`, `200 {"state": "done",` + standsAt + `"failed", "why": "smoke is red"}}`}, 1, "", "01234567 into production: failed, smoke is red"},
	} {
		s := &answering{answers: c.answers}
		code, out, errs := remotely(t, s, nil, append(append([]string{c.args[0]}, who...), c.args[1:]...)...)
		if code != c.code || c.call != "" && s.calls[0] != c.call || !strings.Contains(out+errs, c.says) {
			t.Errorf("%s: exit %d, want %d; calls %q; says %s%s; want %s", name, code, c.code, s.calls, out, errs, c.says)
			continue
		}
		if s.bodies[0]["by"] != "olga" || s.keys[0] == "" || name == "busy at first" && s.keys[1] != s.keys[0] {
			t.Errorf("%s: bodies %v with keys %q", name, s.bodies, s.keys)
		}
		if strings.Contains(out+errs, "\x1b") || strings.Contains(out+errs, "secret") {
			t.Errorf("%s: shows %q", name, out+errs)
		}
	}
}

func TestTheTokenGoesNowhereElse(t *testing.T) {
	t.Parallel()
	deploy := []string{"deploy", "production", "--repo", "acme/shop", "--by", "olga"}
	for name, c := range map[string]struct {
		environ []string
		args    []string
		says    string
	}{
		"in the clear":          {[]string{"SLUICE_PUBLIC_URL=http://sluice.example", "SLUICE_API_TOKEN=secret"}, deploy, "in the clear"},
		"with a name in it":     {[]string{"SLUICE_PUBLIC_URL=https://a:b@sluice.example", "SLUICE_API_TOKEN=secret"}, deploy, "no http:// or https:// address"},
		"no address":            {[]string{"SLUICE_PUBLIC_URL=sluice", "SLUICE_API_TOKEN=secret"}, deploy, "no http:// or https:// address"},
		"no token":              {[]string{"SLUICE_PUBLIC_URL=https://sluice.example"}, deploy, "SLUICE_API_TOKEN is not set"},
		"no environment":        {nil, []string{"deploy", "--repo", "acme/shop", "--by", "olga"}, "which environment is missing"},
		"no repository":         {nil, []string{"deploy", "production", "--by", "olga"}, "which repository is missing"},
		"nobody":                {nil, []string{"deploy", "production", "--repo", "acme/shop"}, "in whose name is missing"},
		"no reason":             {nil, []string{"lock", "production", "--repo", "acme/shop", "--by", "olga"}, "the reason is missing"},
		"a reason unquoted":     {nil, []string{"deploy", "production", "v1", "now", "--repo", "acme/shop", "--by", "olga"}, "one word too many"},
		"no change":             {nil, []string{"override", "changelog", "--commit", "c", "--reason", "x", "--repo", "acme/shop", "--by", "olga"}, "which change is missing"},
		"no commit":             {nil, []string{"override", "changelog", "--change", "7", "--reason", "x", "--repo", "acme/shop", "--by", "olga"}, "which commit is missing"},
		"no server":             {nil, []string{"--server"}, "--server is without its address"},
		"what asks no one":      {nil, []string{"--server", "https://sluice.example", "check"}, "asks no server"},
		"a server in the clear": {[]string{"SLUICE_API_TOKEN=secret"}, append([]string{"--server=http://sluice.example"}, deploy...), "in the clear"},
		"what it never took":    {nil, []string{"unlock", "production", "--wait", "--repo", "acme/shop", "--by", "olga"}, "not defined"},
	} {
		s := &answering{answers: []string{"500 {}"}}
		code, out, errs := remotely(t, s, c.environ, c.args...)
		if code != exitFailed || len(s.calls) > 0 || !strings.Contains(errs, c.says) {
			t.Errorf("%s: exit %d, calls %q, says %s%s, want %s", name, code, s.calls, out, errs, c.says)
		}
	}
}

func TestStatusOfAServer(t *testing.T) {
	t.Parallel()
	const two = `200 {"environments": [{"name": "production", "live": {"commit": "0123456789", "state": "verified", "since": "2026-11-20T12:00:00Z"}, "under_way": null,
		"waiting": {"commit": "abcdef0123", "state": "gated", "since": "2026-11-21T12:00:00Z"}, "locks": [{"environment": "production", "by": "olga\u001b[2J", "reason": "The fair."}]}]}`
	for name, c := range map[string]struct {
		args   []string
		answer string
		code   int
		says   string
	}{
		"what stands":    {nil, two, exitOpen, "01234567 verified since 2026-11-20 12:00"},
		"a lock":         {nil, two, exitOpen, "production is locked by olga[2J: The fair."},
		"as JSON":        {[]string{"--json"}, two, exitOpen, `"under_way": null`},
		"nothing":        {nil, `200 {"environments": []}`, exitOpen, "no environment is guarded there"},
		"not shown":      {nil, `404 {"detail": "There is no such repository."}`, exitFailed, "(404): There is no such repository."},
		"too many words": {[]string{"production"}, two, exitFailed, "a word too many"},
	} {
		s := &answering{answers: []string{c.answer}}
		code, out, errs := remotely(t, s, nil, append([]string{"status", "--repo", "acme/shop", "--forge", "github"}, c.args...)...)
		if code != c.code || !strings.Contains(out+errs, c.says) || strings.Contains(out, "\x1b") {
			t.Errorf("%s: %d %s%s, want %d and %q", name, code, out, errs, c.code, c.says)
		}
	}
}

// With a person's own token nobody has to be named, and the address goes before the command.
func TestAskingWithAPersonsToken(t *testing.T) {
	t.Parallel()
	s := &answering{answers: []string{`202 {"id": "a"}`, `200 {"state": "done", "text": "Asked for it."}`}}
	h := httptest.NewServer(s)
	defer h.Close()
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), process{args: []string{"--server", h.URL, "deploy", "production", "--repo", "acme/shop"},
		environ: []string{"SLUICE_PUBLIC_URL=https://elsewhere.example", "SLUICE_API_TOKEN=sluice_0"}, stdout: &stdout, stderr: &stderr})
	if code != exitOpen || s.calls[0] != "POST /api/v1/repos/acme/shop/environments/production/promotions Bearer sluice_0" || s.bodies[0]["by"] != "" {
		t.Errorf("exit %d, calls %q, bodies %v, says %s%s", code, s.calls, s.bodies, &stdout, &stderr)
	}
}
