package pretend

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestDeploymentsAreAnsweredOverGraphQL(t *testing.T) {
	t.Parallel()
	s := open(t)
	main := s.Head("acme/shop", "main")
	var made placed
	s.call("POST", here+"/deployments", obj{"ref": main, "payload": obj{"sluice": obj{"promotion": "p1"}}}, 201, &made)
	must(t, s.DeploymentStatus(DeploymentStatus{Repo: "acme/shop", State: "in_progress", App: "pipeline"}))
	must(t, s.DeploymentStatus(DeploymentStatus{Repo: "acme/shop", State: "success", Description: "Live.", App: "pipeline"}))
	_, err := s.Deploy(Deployment{Repo: "acme/shop", Environment: "qa", By: "ana", Payload: `"by hand"`})
	must(t, err)
	const fields = `totalCount nodes { databaseId commitOid environment latestEnvironment state payload task creator { __typename login ... on Bot { databaseId } }
		latestStatus { state } statuses(first: 5) { nodes { state description creator { login } } } }`
	got := s.ask(`query($oid: GitObjectID!) { repository(owner: "acme", name: "shop") {
		newest: deployments(last: 1, environments: ["production"], orderBy: {field: CREATED_AT, direction: ASC}) { `+fields+` }
		all: deployments(first: 5) { totalCount }
		object(oid: $oid) { ... on Commit { deployments(first: 1, orderBy: {field: CREATED_AT, direction: DESC}) { totalCount nodes { environment state payload latestStatus { state } } } } } } }`, obj{"oid": main})
	want := fmt.Sprintf(`{"data":{"repository":{"newest":{"totalCount":1,"nodes":[{"databaseId":%d,"commitOid":"%s","environment":"production","latestEnvironment":"production","state":"ACTIVE",`+
		`"payload":"{\"sluice\":{\"promotion\":\"p1\"}}","task":"deploy","creator":{"__typename":"Bot","login":"sluice","databaseId":%d},"latestStatus":{"state":"SUCCESS"},`+
		`"statuses":{"nodes":[{"state":"SUCCESS","description":"Live.","creator":{"login":"pipeline"}},{"state":"IN_PROGRESS","description":null,"creator":{"login":"pipeline"}}]}}]},`+
		`"all":{"totalCount":2},"object":{"deployments":{"totalCount":2,"nodes":[{"environment":"qa","state":"PENDING","payload":"by hand","latestStatus":null}]}}}}}`, made.ID, main, s.User("sluice[bot]").ID)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := s.ask(`query($id: ID!) { node(id: $id) { ... on Deployment { commit { oid } ref { name } repository { name } } } }`, obj{"id": node("DE", made.ID)}); got !=
		fmt.Sprintf(`{"data":{"node":{"commit":{"oid":"%s"},"ref":null,"repository":{"name":"shop"}}}}`, main) {
		t.Errorf("by its id: %s", got)
	}
}

func TestEnvironmentsAreAnsweredOverGraphQL(t *testing.T) {
	t.Parallel()
	s := open(t)
	must(t, s.Environment(Environment{Repo: "acme/shop", Name: "Production", Rules: []string{"sluice"}, Reviewers: []string{"bo"}, Wait: 5}))
	must(t, s.Environment(Environment{Repo: "acme/shop", Name: "qa"}))
	got := s.ask(`{ repository(owner: "acme", name: "shop") { environments(first: 5) { totalCount nodes { name } } nowhere: environment(name: "x") { name }
		environment(name: "production") { name latestCompletedDeployment { task } protectionRules(first: 5) { nodes { type timeout reviewers(first: 1) { nodes { ... on User { login } } } } } } } }`, nil)
	want := `{"data":{"repository":{"environments":{"totalCount":2,"nodes":[{"name":"Production"},{"name":"qa"}]},"nowhere":null,"environment":{"name":"Production","latestCompletedDeployment":null,` +
		`"protectionRules":{"nodes":[{"type":"WAIT_TIMER","timeout":5,"reviewers":{"nodes":[]}},{"type":"REQUIRED_REVIEWERS","timeout":0,"reviewers":{"nodes":[{"login":"bo"}]}}]}}}}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := s.ask(`{ repository(owner: "acme", name: "shop") { environment(name: "qa") { canAdminsBypass } } }`, nil); !strings.Contains(got, `"errors"`) {
		t.Errorf("answers what GitHub's schema has not: %s", got)
	}
}

func TestAnyCommitTellsItsHistoryAndItsChecks(t *testing.T) {
	t.Parallel()
	s := open(t)
	begin := s.Head("acme/shop", "main")
	n := s.open(PR{By: "ana", Branch: "c", Title: "Add c", Commits: text("c", "c\n")})
	_, err := s.Merge("acme/shop", n, "bo", false)
	must(t, err)
	merged := s.Head("acme/shop", "main")
	direct, err := s.Push(Push{Repo: "acme/shop", By: "olga", Commits: text("d", "d\n")})
	must(t, err)
	must(t, s.Report(Report{Repo: "acme/shop", Commit: merged, Name: "smoke", State: "success", App: "pipeline"}))
	must(t, s.Report(Report{Repo: "acme/shop", Commit: merged, Name: "ci", State: "failure", By: "bo"}))
	got := s.ask(`query($oid: GitObjectID!) { repository(owner: "acme", name: "shop") { object(oid: $oid) { ... on Commit {
		history(first: 2) { totalCount nodes { oid parents(first: 2) { nodes { oid } } associatedPullRequests(first: 1) { nodes { number merged } } } } } } } }`, obj{"oid": direct})
	want := fmt.Sprintf(`{"oid":"%s","parents":{"nodes":[{"oid":"%s"}]},"associatedPullRequests":{"nodes":[]}},{"oid":"%s","parents":{"nodes":[{"oid":"%s"},{"oid":"%s"}]},"associatedPullRequests":{"nodes":[{"number":1,"merged":true}]}}`,
		direct, merged, merged, begin, s.Head("acme/shop", "refs/pull/1/head"))
	if !strings.Contains(got, want) {
		t.Errorf("history %s\nwant %s", got, want)
	}
	got = s.ask(`query($oid: GitObjectID!) { repository(owner: "acme", name: "shop") { object(oid: $oid) { ... on Commit { statusCheckRollup { contexts(first: 5) { nodes { __typename
		... on CheckRun { databaseId name status conclusion completedAt checkSuite { app { databaseId slug } } } ... on StatusContext { context state createdAt creator { login } } } } } } } } }`, obj{"oid": merged})
	for _, part := range []string{`"name":"smoke","status":"COMPLETED","conclusion":"SUCCESS","completedAt":"2026-`, `"slug":"pipeline"`, `"context":"ci","state":"FAILURE","createdAt":"2026-`, `"creator":{"login":"bo"}`} {
		if !strings.Contains(got, part) {
			t.Errorf("checks %s\nwant %s", got, part)
		}
	}
}

// get is the raw answer in a media type.
func (s *shop) get(path, accept string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest("GET", s.url+path, nil)
	must(s.t, err)
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(req)
	must(s.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(s.t, err)
	return resp.StatusCode, string(raw)
}

// What the forge prints as a diff, git itself can apply.
func TestACommitsDiffIsGits(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	s := open(t)
	before := s.Head("acme/shop", "main")
	id, err := s.Push(Push{Repo: "acme/shop", Commits: []Commit{{Files: map[string]File{"README.md": {Text: "Shop\nopen"}, "src/a.go": {Gone: true},
		"src/c.go": {Text: "package a\n"}, "run.sh": {Text: "#!/bin/sh\n", Mode: ModeExec}, "src/b.go": {Text: "package a\n\nvar B = 2\n"}}}}})
	must(t, err)
	const diff = "application/vnd.github.diff"
	status, patch := s.get(here+"/commits/"+id, diff)
	_, compared := s.get(here+"/compare/"+before+"..."+id, "application/vnd.github.v3.diff")
	if status != 200 || patch != compared || !strings.HasPrefix(patch, "diff --git a/README.md b/README.md\nindex ") {
		t.Fatalf("%d %s\ncompared %s", status, patch, compared)
	}
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "src"), 0o750))
	for name, text := range map[string]string{"README.md": "Shop\n", "src/a.go": "package a\n", "src/b.go": "package a\n\nvar B = 1\n"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	apply := exec.Command("git", "apply", "-")
	apply.Dir, apply.Stdin = dir, strings.NewReader(patch)
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v %s\n%s", err, out, patch)
	}
	for name, want := range map[string]string{"README.md": "Shop\nopen", "src/b.go": "package a\n\nvar B = 2\n", "src/c.go": "package a\n", "run.sh": "#!/bin/sh\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s is %q (%v), want %q", name, got, err, want)
		}
	}
	long, err := s.Push(Push{Repo: "acme/shop", Commits: text("long", strings.Repeat("x\n", diffLines+1))})
	must(t, err)
	if status, said := s.get(here+"/commits/"+long, diff); status != 406 {
		t.Errorf("a long diff is answered %d %.100s", status, said)
	}
}

func TestACommitsFilesCome300AtATime(t *testing.T) {
	t.Parallel()
	s := open(t)
	files := map[string]string{}
	for i := range 301 {
		files[fmt.Sprintf("f%03d", i)] = "x\n"
	}
	id, err := s.Push(Push{Repo: "acme/shop", Commits: []Commit{{Files: Texts(files)}}})
	must(t, err)
	var c struct {
		SHA     string
		Parents []struct{ SHA string }
		Files   []struct{ Filename, Status, Patch string }
		Stats   struct{ Total int }
	}
	h := s.call("GET", here+"/commits/"+id, nil, 200, &c)
	if len(c.Files) != 300 || c.Stats.Total != 301 || len(c.Parents) != 1 || c.Files[0].Patch != "@@ -0,0 +1 @@\n+x" || !strings.Contains(h.Get("Link"), "page=2") {
		t.Errorf("%d files, %+v, first %+v, %s", len(c.Files), c.Stats, c.Files[0], h.Get("Link"))
	}
	if s.call("GET", here+"/commits/"+id+"?page=2", nil, 200, &c); len(c.Files) != 1 || c.Files[0].Filename != "f300" {
		t.Errorf("the second page: %+v", c.Files)
	}
}

func TestAnyTwoCommitsAreCompared(t *testing.T) {
	t.Parallel()
	s := open(t)
	a := s.Head("acme/shop", "main")
	var commits []Commit
	for i := range 251 {
		commits = append(commits, Commit{Files: Texts(map[string]string{"n": fmt.Sprintln(i)})})
	}
	b, err := s.Push(Push{Repo: "acme/shop", Commits: commits})
	must(t, err)
	side, err := s.Push(Push{Repo: "acme/shop", Branch: "side", From: a, Commits: text("s", "s\n")})
	must(t, err)
	for pair, want := range map[string]string{a + "..." + b: "{ahead 251 0 251}", b + "..." + a: "{behind 0 251 0}", a + "..." + a: "{identical 0 0 0}", side + "..." + b: "{diverged 251 1 251}"} {
		var got struct {
			Status string
			Ahead  int `json:"ahead_by"`
			Behind int `json:"behind_by"`
			Total  int `json:"total_commits"`
		}
		if s.call("GET", here+"/compare/"+pair, nil, 200, &got); fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", pair, got, want)
		}
	}
	var got struct {
		Commits []struct {
			SHA     string
			Parents []struct{ SHA string }
			Author  struct{ Login string }
		}
		Files []any
	}
	if s.call("GET", here+"/compare/"+a+"..."+b, nil, 200, &got); len(got.Commits) != 250 || got.Commits[0].Parents[0].SHA != a || got.Commits[0].Author.Login != "acme" {
		t.Errorf("unpaged: %d commits, first %+v", len(got.Commits), got.Commits[0])
	}
	if s.call("GET", here+"/compare/"+a+"..."+b+"?per_page=100&page=3", nil, 200, &got); len(got.Commits) != 51 || got.Commits[50].SHA != b || len(got.Files) != 0 {
		t.Errorf("the third page: %d commits, %d files", len(got.Commits), len(got.Files))
	}
}
