package gitlab

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hooked is a GitLab of one group with two projects, as far as webhooks go: it keeps them, sends a test delivery, and
// tells what it did. Without group webhooks it is GitLab Free.
type hooked struct {
	*httptest.Server
	hooks    map[string]map[int]map[string]any // by place
	free     bool
	testable bool // groups too
	empty    bool // projects have nothing that a push could tell of
	did      []string
	next     int
}

func newHooked(t *testing.T) *hooked {
	h := &hooked{hooks: map[string]map[int]map[string]any{}, testable: true}
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.Close)
	return h
}

func (h *hooked) client(t *testing.T, now func() time.Time) *Client {
	t.Helper()
	s := Settings{URL: h.URL, Token: "acme=tok", WebhookSecret: "s3cret"}
	c, err := New(s, Options{Now: now, Hook: s.Wish("https://sluice.example")})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (h *hooked) serve(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v4/")
	if r.Header.Get("PRIVATE-TOKEN") != "tok" {
		w.WriteHeader(401)
		return
	}
	switch {
	case path == "groups/acme/projects":
		answer(w, []any{map[string]any{"id": 1, "path_with_namespace": "acme/shop"}, map[string]any{"id": 2, "path_with_namespace": "acme/site"}})
		return
	case path == "groups/acme":
		answer(w, map[string]any{"id": 9, "full_path": "acme"})
		return
	}
	place, rest, ok := strings.Cut(path, "/hooks")
	if !ok || h.free && strings.HasPrefix(place, "groups/") {
		w.WriteHeader(404)
		return
	}
	h.hook(w, r, place, strings.Split(strings.Trim(rest, "/"), "/"))
}

func (h *hooked) hook(w http.ResponseWriter, r *http.Request, place string, rest []string) {
	all := h.hooks[place]
	if all == nil {
		all = map[int]map[string]any{}
		h.hooks[place] = all
	}
	id, _ := strconv.Atoi(rest[0])
	if r.Method != http.MethodGet {
		h.did = append(h.did, fmt.Sprintf("%s %s/%s", r.Method, place, strings.Join(rest, "/")))
	}
	switch {
	case rest[0] == "" && r.Method == http.MethodGet:
		list := []any{}
		for _, k := range slices.Sorted(maps.Keys(all)) {
			list = append(list, all[k])
		}
		answer(w, list)
		return
	case rest[0] == "" && r.Method == http.MethodPost:
		h.next++
		id = h.next
		all[id] = map[string]any{"id": id, "alert_status": "executable", "token_present": false, "description": nil}
	case all[id] == nil, len(rest) > 1 && strings.HasPrefix(place, "groups/") && !h.testable:
		w.WriteHeader(404)
		return
	case r.Method == http.MethodDelete:
		delete(all, id)
		w.WriteHeader(204)
		return
	case len(rest) == 3 && h.empty && rest[2] == "push_events":
		w.WriteHeader(422)
		return
	case len(rest) == 3:
		all[id]["alert_status"], all[id]["disabled_until"] = "executable", nil
		answer(w, map[string]any{"message": "201 Created"})
		return
	}
	if r.Method != http.MethodGet {
		var sent map[string]any
		if json.NewDecoder(r.Body).Decode(&sent) != nil {
			w.WriteHeader(400)
			return
		}
		if sent["token"] != nil {
			sent["token_present"] = true
			delete(sent, "token")
		}
		maps.Copy(all[id], sent)
	}
	answer(w, all[id])
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

var (
	aGroup   = Place{Path: "acme", Group: true, ID: 9}
	aProject = Place{Path: "acme/shop", ID: 1}
)

func TestAHookIsMadeOnceAndMendedWhereItLacks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(map[string]any)
		lacks string
	}{
		"as it should be":         {func(map[string]any) {}, ""},
		"without an event":        {func(m map[string]any) { m["note_events"] = false }, "it is not sent note_events"},
		"certificates unverified": {func(m map[string]any) { m["enable_ssl_verification"] = false }, "certificates are not verified"},
		"some branches alone":     {func(m map[string]any) { m["push_events_branch_filter"] = "main" }, "pushes to some branches are not sent"},
		"a body of its own":       {func(m map[string]any) { m["custom_webhook_template"] = "{}" }, "its body has a template of its own"},
		"the secret taken away":   {func(m map[string]any) { m["token_present"] = false }, "it has no secret"},
		"another secret before":   {func(m map[string]any) { m["description"] = "Sluice (made by sluice gitlab install; secret 00000000)" }, "its secret may be another one"},
		"another address before":  {func(m map[string]any) { m["url"] = "https://old.example/webhook/gitlab" }, "it goes to another address"},
		"no word of it, as of old": {func(m map[string]any) {
			delete(m, "description")
			delete(m, "token_present")
			delete(m, "alert_status")
		}, ""},
	} {
		for _, p := range []Place{aGroup, aProject} {
			h := newHooked(t)
			client := h.client(t, nil)
			w := client.opts.Hook
			made, err := client.Hang(t.Context(), p, nil, w)
			if err != nil {
				t.Fatalf("%s: Hang: %v", name, err)
			}
			c.spoil(h.hooks[strings.Replace(p.route(), "%2F", "/", 1)][int(made.ID)])
			list, err := client.Hooks(t.Context(), p)
			ours := Ours(list, w)
			if err != nil || ours == nil {
				t.Fatalf("%s: Hooks = %v, %v, want one of ours", name, list, err)
			}
			if got := strings.Join(ours.Lacks(p, w), "; "); got != c.lacks {
				t.Errorf("%s at %v: lacks %q, want %q", name, p, got, c.lacks)
			}
			if _, err := client.Hang(t.Context(), p, ours, w); err != nil {
				t.Fatalf("%s: Hang again: %v", name, err)
			}
			if list, err = client.Hooks(t.Context(), p); err != nil || len(list) != 1 || len(list[0].Lacks(p, w)) > 0 {
				t.Errorf("%s at %v, mended: %+v, %v, want the one, lacking nothing", name, p, list, err)
			}
		}
	}
}

func TestHooksOfOthersAreNotOurs(t *testing.T) {
	t.Parallel()
	w := Settings{WebhookSecret: "s"}.Wish("https://sluice.example/")
	others := []Hook{{URL: "https://ci.example/hook"}, {URL: "https://other.example/webhook/gitlab"}, {URL: "https://ci.example/x", Description: w.Note}}
	if h := Ours(others, w); h != nil {
		t.Errorf("Ours = %+v, want none", h)
	}
	if strings.Contains(w.Note, "s3cret") || w.URL != "https://sluice.example/webhook/gitlab" || w.Token != "s" {
		t.Errorf("Wish = %+v", w)
	}
}

func TestTheNoteTellsSecretsApartAndTellsNone(t *testing.T) {
	t.Parallel()
	one := Settings{WebhookSecret: "old-s3cret, whsec_MDEyMzQ1Njc4OWFiY2RlZg==,new"}.Wish("https://sluice.example")
	if one.Token != "old-s3cret" || one.Signing != "whsec_MDEyMzQ1Njc4OWFiY2RlZg==" || strings.Contains(one.Note, "s3cret") || strings.Contains(one.Note, "MDEy") {
		t.Errorf("Wish = %+v", one)
	}
	seen := map[string]bool{one.Note: true}
	for _, s := range []Settings{{WebhookSecret: "old-s3cret"}, {WebhookSecret: "new"}} {
		seen[s.Wish("https://sluice.example").Note] = true
	}
	seen[Settings{WebhookSecret: "new"}.Wish("https://other.example").Note] = true
	if len(seen) != 4 {
		t.Errorf("%d notes, want each secret and server to have its own: %v", len(seen), seen)
	}
}

func TestHooksThatGitLabSwitchedOffAreSwitchedOnAgain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		place    Place
		testable bool
		empty    bool
		did      string
	}{
		"of a project":                             {aProject, true, false, "POST projects/acme/shop/1/test/push_events"},
		"of a project without a commit":            {aProject, true, true, "POST projects/acme/shop/1/test/push_events POST projects/acme/shop/1/test/merge_requests_events"},
		"of a group":                               {aGroup, true, false, "POST groups/acme/1/test/push_events"},
		"of a group where GitLab is older than it": {aGroup, false, false, "POST groups/acme/1/test/push_events POST groups/acme/ DELETE groups/acme/1"},
	} {
		h := newHooked(t)
		client := h.client(t, func() time.Time { return now })
		if _, err := client.Hang(t.Context(), c.place, nil, client.opts.Hook); err != nil {
			t.Fatal(err)
		}
		all := h.hooks[strings.Replace(c.place.route(), "%2F", "/", 1)]
		all[1]["alert_status"], all[1]["disabled_until"] = "temporarily_disabled", "2026-11-02T10:00:00Z"
		h.did, h.testable, h.empty = nil, c.testable, c.empty
		mended, err := client.Mend(t.Context())
		if got := strings.Join(h.did, " "); err != nil || len(mended) != 1 || got != c.did {
			t.Errorf("%s: mended %v, %v by %s, want one by %s", name, mended, err, got, c.did)
		}
		h.did = nil
		if mended, err := client.Mend(t.Context()); err != nil || len(mended) > 0 || len(h.did) > 0 {
			t.Errorf("%s, again: mended %v, %v by %v, want nothing", name, mended, err, h.did)
		}
	}
}

func TestHooksOfOthersAreLeftOff(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	h.hooks["projects/acme/shop"] = map[int]map[string]any{5: {"id": 5, "url": "https://ci.example/hook", "alert_status": "disabled"}}
	if mended, err := h.client(t, nil).Mend(t.Context()); err != nil || len(mended)+len(h.did) > 0 {
		t.Errorf("mended %v, %v by %v, want nothing", mended, err, h.did)
	}
	h.free = true
	if mended, err := h.client(t, nil).Mend(t.Context()); err != nil || len(mended) > 0 {
		t.Errorf("on Free: mended %v, %v, want nothing", mended, err)
	}
}
