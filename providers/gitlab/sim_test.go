package gitlab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// These tests run against a simulator of GitLab's interface that notes what breaks its contract. They run where
// SLUICE_SIM_GITLAB names the simulator's folder, as in CI.

type obj = map[string]any

const simScenario = `{
  "users": [{"username":"root","admin":true},{"username":"alice","email":"alice@example.com"},{"username":"bob","email":"bob@example.com"},
    {"username":"carol"},{"username":"dave"},{"username":"mallory"}],
  "groups": [{"path":"acme","name":"Acme","members":{"alice":"maintainer","bob":"developer","carol":"developer","dave":"developer"}},
    {"path":"platform","name":"Platform","parent":"acme","members":{"carol":"owner"}}],
  "projects": [{"path_with_namespace":"acme/platform/shop","creator":"alice",
    "files":{"README.md":"# shop\n","CHANGELOG.md":"# Changelog\n\n## [Unreleased]\n","src/main.go":"package main\n\nfunc main() {}\n",".sluice.yml":"version: 1\n"},
    "tags":[{"name":"v1.0.0","message":"First"},{"name":"light"}]},
    {"path_with_namespace":"mallory/shop","creator":"mallory","fork_of":"acme/platform/shop"}],
  "tokens": [{"user":"root","token":"tok-root","scopes":["api"]},{"project":"acme/platform/shop","token":"tok-bot","access_level":"maintainer","scopes":["api"]}]
}`

const simRepo = "acme/platform/shop"

// sim is a simulator in a process of its own.
type sim struct {
	t   testing.TB
	url string
	now atomic.Int64 // what the client's clock is ahead by
}

func startSim(t testing.TB) *sim {
	t.Helper()
	return startSimAs(t, simScenario)
}

// startSimAs starts one with another scenario.
func startSimAs(t testing.TB, scenario string) *sim {
	t.Helper()
	dir := os.Getenv("SLUICE_SIM_GITLAB")
	if dir == "" {
		t.Skip("SLUICE_SIM_GITLAB does not name the simulator")
	}
	state := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(state, []byte(scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "sim.mjs", "--port", "0", "--state", state)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the simulator did not start: %v", err)
	}
	s := &sim{t: t, url: strings.TrimSpace(line[strings.Index(line, "http"):])}
	t.Cleanup(func() {
		unknown := func(c simCall) bool { // GitLab has it, and the simulator has not
			return c.Method == "GET" && strings.HasPrefix(c.Path, "/api/v4/groups/") && strings.HasSuffix(c.Path, "/protected_environments")
		}
		if bad := slices.DeleteFunc(s.log("&violations=1"), unknown); len(bad) > 0 {
			t.Errorf("%d calls break GitLab's contract, the first: %+v", len(bad), bad[0])
		}
	})
	return s
}

func (s *sim) do(method, path string, body any) obj {
	s.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	if body == nil {
		b = nil
	}
	req, err := http.NewRequest(method, s.url+"/_sim"+path, bytes.NewReader(b))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %d %v %s", method, path, resp.StatusCode, err, all)
	}
	var out obj
	if len(all) > 0 && all[0] == '{' {
		if err := json.Unmarshal(all, &out); err != nil {
			s.t.Fatalf("%v: %s", err, all)
		}
	}
	return out
}

// shop does something in the project.
func (s *sim) shop(path string, body any) obj {
	s.t.Helper()
	return s.do("POST", "/projects/"+url.PathEscape(simRepo)+path, body)
}

// as calls the interface as somebody.
func (s *sim) as(who, method, path string, body any) obj {
	s.t.Helper()
	return s.do(method, "/as/"+who+"/projects/"+url.PathEscape(simRepo)+path, body)
}

// merge opens a merge request with its own branch, and returns its number and head.
func (s *sim) merge(branch string, files obj, more obj) (int, string) {
	s.t.Helper()
	s.shop("/commits", obj{"branch": branch, "user": "alice", "message": "feat: " + branch, "files": files})
	body := obj{"source_branch": branch, "title": "feat: " + branch, "author": "alice"}
	for k, v := range more {
		body[k] = v
	}
	mr := s.shop("/merge_requests", body)
	n := int(mr["iid"].(float64))
	return n, s.head(n)
}

func (s *sim) head(n int) string {
	s.t.Helper()
	return s.as("root", "GET", fmt.Sprintf("/merge_requests/%d", n), nil)["sha"].(string)
}

// act does something with a merge request.
func (s *sim) act(n int, verb string, body obj) {
	s.t.Helper()
	s.shop(fmt.Sprintf("/merge_requests/%d/%s", n, verb), body)
}

type simCall struct {
	Method, Path string
	Status       int
	Violations   []string
}

func (s *sim) log(query string) []simCall {
	s.t.Helper()
	b, err := json.Marshal(s.do("GET", "/calls?limit=10000"+query, nil)["calls"])
	if err != nil {
		s.t.Fatal(err)
	}
	var calls []simCall
	if err := json.Unmarshal(b, &calls); err != nil {
		s.t.Fatal(err)
	}
	return calls
}

// calls are those since the last time.
func (s *sim) calls() []string {
	s.t.Helper()
	var got []string
	for _, c := range s.log("") {
		got = append(got, c.Method+" "+unnamed(strings.TrimPrefix(c.Path, "/api/v4")))
	}
	s.do("DELETE", "/calls", nil)
	return got
}

func (s *sim) client(o Options) *Client {
	s.t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return time.Now().Add(time.Duration(s.now.Load())) }
	}
	c, err := New(Settings{URL: s.url, Token: "tok-bot", WebhookSecret: "x"}, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// pass lets the client's clock run on.
func (s *sim) pass(d time.Duration) { s.now.Add(int64(d)) }

func simChange(n int) checks.Subject {
	return checks.Subject{Forge: "gitlab", Repo: simRepo, Kind: checks.KindChange, Change: n}
}

func mustFacts(t testing.TB, c *Client, s checks.Subject, expect string) *checks.Facts {
	t.Helper()
	f, err := c.Facts(context.Background(), s, expect)
	if err != nil {
		t.Fatalf("Facts(%v): %v", s, err)
	}
	return f
}

func TestSimPlainChange(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	n, head := s.merge("c", obj{"src/c.go": "package main\n\nvar c = 1\n", "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n- C.\n"}, nil)
	s.act(n, "approve", obj{"user": "bob"})
	c := s.client(Options{})
	f := mustFacts(t, c, simChange(n), head)
	ch := f.Change
	got := fmt.Sprint(ch.Number, ch.Title, ch.State, ch.Draft, ch.Fork, ch.ChangedFiles, ch.CommitCount, ch.Additions, ch.Deletions, ch.Author.Login, ch.Base.Name, ch.Head.Name, ch.Head.Repo, f.Repository.Name)
	if want := fmt.Sprint(n, "feat: c", "open", false, false, 2, 1, 5, 0, "alice", "main", "c", simRepo, simRepo); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var files []string
	for _, x := range f.Files {
		files = append(files, fmt.Sprintf("%s %s +%d-%d", x.Status, x.Path, x.Additions, x.Deletions))
	}
	if !slices.Equal(files, []string{"modified CHANGELOG.md +2-0", "added src/c.go +3-0"}) {
		t.Errorf("files %q", files)
	}
	if len(f.Commits) != 1 || f.Commits[0].Author.Login != "alice" || f.Commits[0].Author.ID == 0 || f.Commits[0].ID != head {
		t.Errorf("commits %+v", f.Commits)
	}
	if len(f.Reviews) != 1 || f.Reviews[0].By.Login != "bob" || f.Reviews[0].Commit != head || f.Reviews[0].State != "approved" || !f.Reviews[0].By.Human() {
		t.Errorf("reviews %+v", f.Reviews)
	}
	if len(f.Sources) != 1 || f.Sources[0].Text != "version: 1\n" || f.Sources[0].Commit != ch.Base.Commit || len(ch.Base.Commit) != 40 {
		t.Errorf("sources %+v", f.Sources)
	}
	if len(f.Tags) != 2 || len(f.Gaps) != 0 || f.People[f.Reviews[0].By.ID].Permission != "write" {
		t.Errorf("tags %+v, gaps %+v, people %+v", f.Tags, f.Gaps, f.People)
	}
	t.Logf("cold: %q", s.calls())
	mustFacts(t, c, simChange(n), head)
	t.Logf("again: %q", s.calls())
}
