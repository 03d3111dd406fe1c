package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/dashboard"
	"github.com/sluicegate/sluice/dashboard/apitest"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// onlyOf is a Sight that shows the repositories of one owner.
type onlyOf struct{ owner string }

func (o onlyOf) Repos(_ context.Context, _ dashboard.Person, repos []gate.Repo) (may []gate.Repo, err error) {
	for _, r := range repos {
		if strings.HasPrefix(r.Name, o.owner+"/") {
			may = append(may, r)
		}
	}
	return may, nil
}

func (o onlyOf) Role(ctx context.Context, p dashboard.Person, repo gate.Repo) (string, error) {
	if may, _ := o.Repos(ctx, p, []gate.Repo{repo}); len(may) == 0 {
		return "", nil
	}
	return "read", nil
}

// ownedBy is the CODEOWNERS of every commit.
type ownedBy string

func (o ownedBy) CodeOwners(_ context.Context, _ checks.Subject, _ string, paths []string) (path, text string, err error) {
	return paths[0], string(o), nil
}

// What the pages show the API tells, held to its document; and to a person no more than the forge shows that person.
func TestTheAPITellsWhatThePagesShow(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "x.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if err := (seeding{repos: 130, decisions: 5200, seed: 1}).fill(t.Context(), st, io.Discard); err != nil {
		t.Fatal(err)
	}
	m, theirs := &maker{i: 5, repo: seedRepo(5)}, seedRepo(6)
	owner, _, _ := strings.Cut(m.repo, "/")
	a := &dashboard.API{Token: "secret", Sight: onlyOf{owner}, People: &dashboard.SignIn{Forges: []dashboard.Forge{{Name: "github"}}}, Records: records{st}, Forges: []string{"github"}, Shelf: st, Decisions: decisions{st},
		Now: st.Now, PublicURL: "https://sluice.example", Log: slog.New(slog.DiscardHandler), Owners: ownedBy("* @acme/everyone\n")}
	doc := httptest.NewRecorder()
	a.Handler().ServeHTTP(doc, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
	h := apitest.Handler(t, apitest.Document(t, doc.Body.Bytes()), a.Handler())
	get := func(method, path, body string, operator bool) (int, string, map[string]any) {
		r := httptest.NewRequest(method, "https://sluice.example/api/v1"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if operator {
			r.Header.Set("Authorization", "Bearer secret")
		} else {
			r = r.WithContext(dashboard.WithPerson(r.Context(), dashboard.Person{Forge: "github", ID: "9", Login: "cy"}))
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var got map[string]any
		_ = json.Unmarshal(w.Body.Bytes(), &got)
		return w.Code, w.Body.String(), got
	}
	here, there := "/repos/"+m.repo, "/repos/"+theirs
	for path, says := range map[string]string{
		"/board": `"behind"`, "/board?only=waiting": `"waiting"`, "/board?q=api&limit=2": `"next"`, "/calendar": `"freezes"`, "/overrides": `"granted"`, "/overrides?by=repo&days=400": `"granted"`, here + "/changes/1": `"verdicts"`,
		here + "/environments/production/promotions": m.id(2, 4), here + "/environments/production/promotions/" + m.id(2, 4): `"commits"`, here + "/metrics": `"deployment_frequency"`, here + "/policy": "peer review",
	} {
		code, text, _ := get(http.MethodGet, path, "", true)
		if code != http.StatusOK || !strings.Contains(text, says) {
			t.Errorf("the operator's GET %s = %d, want one that tells of %s\n%.1500s", path, code, says, text)
		}
		if code, text, _ = get(http.MethodGet, path, "", false); code != http.StatusOK || strings.Contains(text, theirs) {
			t.Errorf("a person's GET %s = %d, want it without %s\n%.1500s", path, code, theirs, text)
		}
	}
	if _, text, _ := get(http.MethodGet, here+"/environments/production/promotions/"+m.id(2, 4), "", false); !strings.Contains(text, `"what": "@acme/everyone"`) || !strings.Contains(text, `"owned_by": ".github/CODEOWNERS"`) {
		t.Errorf("a promotion does not tell who owns what it touches: %.3000s", text)
	}
	for _, path := range []string{"/changes/1", "/environments/production/promotions", "/metrics", "/policy"} {
		if code, text, _ := get(http.MethodGet, there+path, "", false); code != http.StatusNotFound {
			t.Errorf("a person's GET %s of what is not shown = %d %.300s, want 404", there+path, code, text)
		}
	}
	seen, next := map[string]bool{}, "/board?limit=20"
	for next != "" {
		_, _, got := get(http.MethodGet, next, "", true)
		list, _ := got["repositories"].([]any)
		for _, r := range list {
			name, _ := r.(map[string]any)["name"].(string)
			if seen[name] {
				t.Fatalf("%s is on two pages of the board", name)
			}
			seen[name] = true
		}
		cursor, _ := got["next"].(string)
		if next = ""; cursor != "" {
			next = "/board?limit=20&cursor=" + cursor
		}
	}
	if len(seen) != 130 {
		t.Errorf("the pages of the board have %d repositories, want 130", len(seen))
	}
	for body, want := range map[string]int{`{"all": true}`: 200, `{"ids": [1, 2]}`: 200, `{}`: 422, `{"ids": [1], "all": true}`: 422} {
		if code, text, _ := get(http.MethodPost, "/inbox/retry", body, true); code != want {
			t.Errorf("retry of %s = %d %s, want %d", body, code, text, want)
		}
	}
	if code, _, _ := get(http.MethodPost, "/inbox/retry", `{"all": true}`, false); code != http.StatusForbidden {
		t.Errorf("a retry by somebody who is no administrator = %d, want 403", code)
	}
}
