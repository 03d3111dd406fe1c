package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/simulators"
)

// These tests run against a simulator of GitHub's API that holds requests and answers to GitHub's published
// description. They run where SLUICE_SIM_GITHUB names the simulator's folder, as in CI.

// sim is a simulator in a process of its own.
type sim struct {
	t   testing.TB
	url string
	key string
}

const scenario = `{
  "users": [{"login":"alice","email":"alice@example.com"},{"login":"bob","email":"bob@example.com"},{"login":"carol","email":"carol@example.com"},{"login":"mallory","email":"mallory@example.com"}],
  "orgs": [{"login":"acme","members":{"alice":"admin","bob":"member","carol":"member"},
    "teams":[{"name":"Release","slug":"release","members":["bob"],"repos":{"shop":"maintain"}}]}],
  "apps": [{"id":4242,"slug":"sluice","name":"Sluice","owner":{"login":"acme","type":"Organization"},
    "permissions":{"checks":"write","contents":"read","deployments":"write","actions":"read","issues":"write","members":"read","merge_queues":"read","metadata":"read","pull_requests":"write","statuses":"write"},
    "events":["pull_request"]}],
  "repos": [
    {"owner":"acme","name":"shop","author":"alice","date":"2024-01-01T00:00:00Z","collaborators":{"bob":"write","carol":"read"},
     "files":{"README.md":"# shop\n","CHANGELOG.md":"# Changelog\n\n## [Unreleased]\n","src/main.go":"package main\n\nfunc main() {}\n",".sluice.yml":"version: 1\n"}},
    {"owner":"acme","name":".github","author":"alice","files":{"sluice.yml":"version: 1\n"}},
    {"owner":"mallory","name":"shop","fork_of":"acme/shop","owner_type":"User"}],
  "installations": [{"id":99,"app":"sluice","account":"acme","repositories":["shop",".github"]}],
  "steps": [{"path":"/repos/acme/shop/tags","body":{"name":"v1.0.0","annotated":true,"message":"First"}},{"path":"/repos/acme/shop/tags","body":{"name":"light"}}]
}`

func startSim(t testing.TB, settings ...string) *sim {
	t.Helper()
	dir := os.Getenv("SLUICE_SIM_GITHUB")
	if dir == "" {
		t.Skip("SLUICE_SIM_GITHUB does not name the simulator")
	}
	all, err := simulators.With([]byte(scenario), map[string]any{"validate_responses": true, "content_creation_limit": slices.Contains(settings, "content_creation_limit")})
	if err != nil {
		t.Fatal(err)
	}
	s := &sim{t: t, url: simulators.GitHub(t, dir, all)}
	s.key = s.do("GET", "/apps/sluice", nil)["private_key"].(string)
	t.Cleanup(s.unbroken)
	return s
}

func (s *sim) raw(method, path string, body any) []byte {
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
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	all, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 200 {
		s.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, all)
	}
	return all
}

func (s *sim) do(method, path string, body any) map[string]any {
	s.t.Helper()
	var out map[string]any
	all := s.raw(method, path, body)
	if len(all) > 0 && all[0] == '{' {
		if err := json.Unmarshal(all, &out); err != nil {
			s.t.Fatalf("%v: %s", err, all)
		}
	}
	return out
}

type obj = map[string]any

func (s *sim) shop(path string, body any) map[string]any {
	s.t.Helper()
	return s.do("POST", "/repos/acme/shop"+path, body)
}

// pull opens a pull request and returns its number and head.
func (s *sim) pull(body obj) (int, string) {
	s.t.Helper()
	p := s.shop("/pulls", body)
	return int(p["number"].(float64)), p["head_sha"].(string)
}

func (s *sim) head(n int) string {
	s.t.Helper()
	return s.do("GET", fmt.Sprintf("/repos/acme/shop/pulls/%d", n), nil)["head_sha"].(string)
}

type simCall struct {
	Method, Path, Operation string
	Status                  int
	Violations              []string
}

// calls returns what was called since the last time, tokens left out.
func (s *sim) calls() []string {
	s.t.Helper()
	var got []string
	for _, c := range s.log("") {
		if strings.HasSuffix(c.Path, "/access_tokens") || strings.Contains(c.Path, "/_sim") {
			continue
		}
		name := c.Operation
		if name == "" {
			name = c.Method + " " + c.Path
		}
		got = append(got, name)
	}
	s.raw("DELETE", "/calls", nil)
	return got
}

func (s *sim) log(query string) []simCall {
	s.t.Helper()
	all := s.raw("GET", "/calls?limit=10000"+query, nil)
	var list []simCall
	if err := json.Unmarshal(all, &list); err != nil {
		var wrapped struct{ Calls []simCall }
		if err := json.Unmarshal(all, &wrapped); err != nil {
			s.t.Fatalf("%v: %.300s", err, all)
		}
		list = wrapped.Calls
	}
	return list
}

func (s *sim) unbroken() {
	for _, c := range s.log("&violations=1") {
		s.t.Errorf("%s %s breaks GitHub's contract: %v", c.Method, c.Path, c.Violations)
	}
}

func (s *sim) client(o Options) *Client {
	s.t.Helper()
	c, err := New(Settings{URL: s.url, AppID: 4242, PrivateKey: s.key, WebhookSecret: "x"}, o)
	if err != nil {
		s.t.Fatal(err)
	}
	c.ask, c.askTag = usual, func(*policy.Set, *checks.Facts) *checks.Wants { return &checks.Wants{} }
	return c
}

// usual wants what the four checks want of an ordinary change.
func usual(_ *policy.Set, f *checks.Facts) *checks.Wants {
	w := &checks.Wants{}
	w.WantText(f, checks.Base, "CHANGELOG.md")
	w.WantText(f, checks.Head, "CHANGELOG.md")
	w.WantPaths(f, func(p string) bool { return strings.HasSuffix(p, ".go") || strings.HasSuffix(p, ".md") })
	w.WantLines(f, func(checks.File) bool { return true })
	for _, r := range f.Reviews {
		if r.State == "approved" {
			w.WantPerson(f, r.By)
		}
	}
	w.WantTeam(f, "acme/release")
	return w
}

func change(n int) checks.Subject {
	return checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindChange, Change: n, Installation: 99}
}

func mustFacts(t testing.TB, c *Client, s checks.Subject, expect string) *checks.Facts {
	t.Helper()
	f, err := c.Facts(context.Background(), s, expect)
	if err != nil {
		t.Fatalf("Facts(%v, %.8s): %v", s, expect, err)
	}
	return f
}

func TestSimFactsOfAnOrdinaryChange(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	n, head := s.pull(obj{"user": "bob", "title": "Add a", "body": "Why not", "labels": []string{"bug"}, "files": obj{
		"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n- Added a\n", "src/a.go": "package main\n\nvar a = 1\n", "src/main.go": nil,
		"bin": obj{"base64": "AAECAwQ="}}})
	s.shop(fmt.Sprintf("/pulls/%d/reviews", n), obj{"user": "alice", "state": "APPROVED", "body": "good"})
	s.shop(fmt.Sprintf("/pulls/%d/labels", n), obj{"user": "alice", "add": []string{"minor"}})
	f := mustFacts(t, c, change(n), head)

	if f.Change.Head.Commit != head || f.Change.Author.Login != "bob" || f.Change.Author.Kind != "user" || f.Change.State != "open" || f.Change.Base.Name != "main" {
		t.Errorf("change %+v", f.Change)
	}
	if f.Change.MergeBase != f.Change.Base.Commit {
		t.Errorf("merge base %s, tip %s", f.Change.MergeBase, f.Change.Base.Commit)
	}
	var paths []string
	for _, x := range f.Files {
		paths = append(paths, x.Status+" "+x.Path+" "+x.Kind)
		if !x.Read && x.Kind == "" {
			t.Errorf("lines of %s not read", x.Path)
		}
	}
	want := []string{"modified CHANGELOG.md ", "added bin binary", "added src/a.go ", "removed src/main.go "}
	if !slices.Equal(paths, want) {
		t.Errorf("files %q, want %q", paths, want)
	}
	if a := f.File("CHANGELOG.md").Added; len(a) == 0 || a[len(a)-1].Text != "- Added a" || a[len(a)-1].N != 5 {
		t.Errorf("added lines %+v", a)
	}
	if got, ok := f.Text(checks.Head, "CHANGELOG.md"); !ok || !strings.Contains(got.Text, "Added a") {
		t.Errorf("text %+v %v", got, ok)
	}
	if !slices.Equal(f.Paths, []string{"CHANGELOG.md", "README.md", "src/a.go"}) {
		t.Errorf("paths %q", f.Paths)
	}
	if len(f.Reviews) != 1 || f.Reviews[0].State != "approved" || f.Reviews[0].Commit != head || f.People[f.Reviews[0].By.ID].Permission != "admin" {
		t.Errorf("reviews %+v, people %+v", f.Reviews, f.People)
	}
	if len(f.Change.Labels) != 2 || f.Change.Labels[1].Name != "minor" || f.Change.Labels[1].By == nil || f.Change.Labels[1].By.Login != "alice" || f.Change.Labels[0].By.Login != "bob" {
		t.Errorf("labels %+v", f.Change.Labels)
	}
	if len(f.Commits) != 1 || f.Commits[0].Author.Login != "bob" || len(f.Gaps) != 0 {
		t.Errorf("commits %+v, gaps %v", f.Commits, f.Gaps)
	}
	if len(f.Tags) != 2 || !slices.ContainsFunc(f.Tags, func(x checks.Tag) bool { return x.Name == "v1.0.0" && x.Annotated && x.Commit == f.Change.Base.Commit }) {
		t.Errorf("tags %+v", f.Tags)
	}
	if len(f.Sources) != 2 || f.Sources[0].Name != ".sluice.yml" || f.Sources[1].Name != "acme/.github:sluice.yml" || f.Sources[1].Text == "" {
		t.Errorf("sources %+v", f.Sources)
	}
	if g := f.Teams["acme/release"]; !g.Complete || len(g.Members) != 1 {
		t.Errorf("team %+v", g)
	}
}

func TestSimCallsPerEvent(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	warm, head := s.pull(obj{"user": "bob", "title": "Warm", "files": obj{"w.txt": "w\n"}})
	mustFacts(t, c, change(warm), head)
	t.Logf("first reading ever: %q", s.calls())

	files := obj{"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n- More\n"}
	for i := range 29 {
		files[fmt.Sprintf("src/f%02d.go", i)] = fmt.Sprintf("package main\n\nvar f%d = %d\n", i, i)
	}
	n, head := s.pull(obj{"user": "bob", "title": "Ordinary", "files": files})
	f := mustFacts(t, c, change(n), head)
	expectCalls(t, s, "opened", "graphql:Facts", "repos/compare-commits-with-basehead")
	posts := postsFor(f)
	posted, err := c.Post(context.Background(), change(n), f, posts)
	if err != nil || len(posted) != len(posts) {
		t.Fatalf("Post: %v %v", posted, err)
	}
	expectCalls(t, s, "shown", "graphql:Post")

	s.shop(fmt.Sprintf("/pulls/%d/reviews", n), obj{"user": "alice", "state": "APPROVED"})
	again := mustFacts(t, c, change(n), head)
	expectCalls(t, s, "reviewed", "graphql:Facts")
	if len(again.Statuses) != len(posts) || !again.Statuses[0].Ours || again.Statuses[0].Title == "" || again.Statuses[0].ExternalID != "d1" || again.Statuses[0].Summary == "" {
		t.Errorf("statuses %+v", again.Statuses)
	}
	same(t, f.Files, again.Files)
	mustFacts(t, c, change(n), "")
	expectCalls(t, s, "swept", "graphql:Facts")

	s.shop("/commits", obj{"branch": f.Change.Head.Name, "user": "bob", "message": "More", "files": obj{"src/f01.go": "package main\n"}})
	pushed := mustFacts(t, c, change(n), s.head(n))
	expectCalls(t, s, "pushed", "graphql:Facts", "repos/compare-commits-with-basehead")

	s.shop("/commits", obj{"branch": f.Change.Head.Name, "user": "bob", "message": "Even more", "files": obj{"src/f02.go": "package other\n"}})
	head = s.head(n)
	c.Hint(gate.Repo{Forge: "github", Name: "acme/shop"}, head, []string{"src/f02.go"})
	hinted := mustFacts(t, c, change(n), head)
	expectCalls(t, s, "pushed, with a hint", "graphql:Facts")
	if len(hinted.Files) != len(pushed.Files) || !hinted.File("src/f02.go").Read || hinted.File("src/f02.go").Added[0].Text != "package other" {
		t.Errorf("files %+v", hinted.Files)
	}
	fresh := s.client(Options{})
	same(t, mustFacts(t, fresh, change(n), head).Files, hinted.Files)
	s.calls()

	m, head := s.pull(obj{"user": "bob", "title": "Hinted", "files": obj{"src/main.go": "package main\n\nfunc main() { run() }\n", "x.txt": "x\n", "README.md": nil}})
	c.Hint(gate.Repo{Forge: "github", Name: "acme/shop"}, head, []string{"src/main.go", "x.txt", "README.md"})
	f = mustFacts(t, c, change(m), head)
	expectCalls(t, s, "opened, with a hint", "graphql:Facts")
	same(t, mustFacts(t, s.client(Options{}), change(m), head).Files, f.Files)
}

func same(t *testing.T, want, got any) {
	t.Helper()
	a, _ := json.MarshalIndent(want, "", " ")
	b, _ := json.MarshalIndent(got, "", " ")
	if !bytes.Equal(a, b) {
		t.Errorf("got %s\nwant %s", b, a)
	}
}

func expectCalls(t *testing.T, s *sim, what string, want ...string) {
	t.Helper()
	got := s.calls()
	sort.Strings(got)
	sort.Strings(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: calls %q, want %q", what, got, want)
	}
}

func postsFor(f *checks.Facts) []gate.Post {
	var posts []gate.Post
	for i, name := range []string{"sluice/gate", "sluice/tagging", "sluice/changelog", "sluice/config-separation", "sluice/approval"} {
		posts = append(posts, gate.Post{Name: name, Commit: f.Change.Head.Commit, Outcome: []checks.Outcome{checks.Wait, checks.Pass, checks.Fail, checks.Advise, checks.Skip}[i],
			Title: "Says " + name, Summary: "**Why**", URL: "https://sluice.example.com/d/1", ExternalID: "d1", Digest: fmt.Sprint("digest", i)})
	}
	return posts
}

func TestSimPost(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	n, head := s.pull(obj{"user": "mallory", "title": "From a fork", "head": "mallory:patch", "files": obj{"a.txt": "a\n"}})
	f := mustFacts(t, c, change(n), head)
	if !f.Change.Fork {
		t.Errorf("change %+v is not from a fork", f.Change)
	}
	posts := postsFor(f)
	for i := range 120 {
		posts[2].Annotations = append(posts[2].Annotations, checks.Annotation{Path: "a.txt", Line: i + 1, Message: fmt.Sprint("line ", i), Outcome: checks.Fail})
	}
	posted, err := c.Post(context.Background(), change(n), f, posts)
	if err != nil || len(posted) != 5 {
		t.Fatalf("Post: %+v, %v", posted, err)
	}
	states := map[string]string{}
	for _, p := range posted {
		states[p.Name] = p.State
	}
	want := map[string]string{"sluice/gate": "in_progress", "sluice/tagging": "success", "sluice/changelog": "failure", "sluice/config-separation": "neutral", "sluice/approval": "skipped"}
	same(t, want, states)

	posts[0].Outcome, posts[0].Known = checks.Pass, &posted[0]
	posts[2].Outcome, posts[2].Known, posts[2].Annotations = checks.Pass, &posted[2], nil
	second, err := c.Post(context.Background(), change(n), f, []gate.Post{posts[0], posts[2]})
	if err != nil || len(second) != 2 || second[0].ID != posted[0].ID || second[1].ID == posted[2].ID {
		t.Fatalf("Post again: %+v, %v; want the first updated, the second anew: it has annotations", second, err)
	}
	posts[0].Outcome, posts[0].Known = checks.Wait, &second[0]
	third, err := c.Post(context.Background(), change(n), f, posts[:1])
	if err != nil || third[0].State != "in_progress" {
		t.Fatalf("Post back to waiting: %+v, %v", third, err)
	}
	posts[0].Cancelled, posts[0].Known = true, &third[0]
	if last, err := c.Post(context.Background(), change(n), f, posts[:1]); err != nil || last[0].State != "cancelled" {
		t.Fatalf("Post cancelled: %+v, %v", last, err)
	}
	after := mustFacts(t, c, change(n), "")
	if len(after.Statuses) != 5 {
		t.Errorf("statuses %+v", after.Statuses)
	}
}

func TestSimPostAfterAnUnclearFault(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	n, head := s.pull(obj{"user": "bob", "title": "x", "files": obj{"a.txt": "a\n"}})
	f := mustFacts(t, c, change(n), head)
	s.do("POST", "/faults", obj{"kind": "502", "path": "/graphql$", "body": "createCheckRun", "count": 1, "after_effect": true})
	_, err := c.Post(context.Background(), change(n), f, postsFor(f))
	var u *unclear
	if !errors.As(err, &u) {
		t.Fatalf("Post = %v, want an unclear outcome", err)
	}
	if f = mustFacts(t, c, change(n), ""); len(f.Statuses) != 5 {
		t.Errorf("the facts show %d statuses, want the 5 that took effect", len(f.Statuses))
	}
}

func TestSimReadsRepeatThroughFaults(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	n, head := s.pull(obj{"user": "bob", "title": "x", "files": obj{"a.txt": "a\n"}})
	for _, kind := range []string{"500", "502", "reset", "truncate", "invalid_json"} {
		s.do("POST", "/faults", obj{"kind": kind, "path": "/(graphql|compare)", "count": 2})
		mustFacts(t, c, change(n), head)
		s.raw("DELETE", "/faults", nil)
	}
	s.do("POST", "/tokens/expire", obj{"installation_id": 99})
	mustFacts(t, c, change(n), head)
}

func TestSimLimits(t *testing.T) {
	t.Parallel()
	s := startSim(t, "content_creation_limit")
	now := time.Now()
	c := s.client(Options{Now: func() time.Time { return now }, Jitter: func() float64 { return 0 }})
	n, head := s.pull(obj{"user": "bob", "title": "x", "files": obj{"a.txt": "a\n"}})
	f := mustFacts(t, c, change(n), head)
	shown := 0
	var after time.Duration
	for range 40 {
		posted, err := c.Post(context.Background(), change(n), f, postsFor(f))
		shown += len(posted)
		var r *gate.RetryError
		if errors.As(err, &r) {
			after = r.After
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if shown < 70 || shown > 80 || after <= 0 || after > 63*time.Second {
		t.Errorf("shown %d, again in %v", shown, after)
	}
	for _, k := range s.log("") {
		if k.Status == 403 || k.Status == 429 {
			t.Errorf("provoked %d by %s %s", k.Status, k.Method, k.Path)
		}
	}
	s.do("POST", "/rate_limit/exhaust", obj{"installation_id": 99, "resource": "graphql", "reset_in_s": 50})
	_, err := c.Facts(context.Background(), change(n), head)
	var r *gate.RetryError
	if !errors.As(err, &r) || r.After < 40*time.Second || r.After > 60*time.Second {
		t.Errorf("Facts with the quota used up = %v", err)
	}
	s.calls()
	if _, err := c.Facts(context.Background(), change(n), ""); !errors.As(err, &r) || len(s.calls()) != 0 {
		t.Errorf("Facts again = %v, want a refusal without a call", err)
	}
	now = now.Add(time.Hour)
	s.do("POST", "/rate_limit/reset", obj{})
	s.do("POST", "/faults", obj{"kind": "secondary_rate_limit", "path": "/graphql", "count": 1, "retry_after": 30})
	if _, err := c.Facts(context.Background(), change(n), head); !errors.As(err, &r) || r.After != 30*time.Second {
		t.Errorf("Facts at a secondary limit = %v", err)
	}
}

func TestSimLargestChange(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	warm, head := s.pull(obj{"user": "bob", "title": "Warm", "files": obj{"w.txt": "w\n"}})
	mustFacts(t, c, change(warm), head)
	commits := make([]obj, 250)
	for i := range commits {
		files := obj{}
		for j := range 12 {
			files[fmt.Sprintf("big/d%03d/f%02d.txt", i, j)] = fmt.Sprintf("one\ntwo\nthree %d %d\n", i, j)
		}
		commits[i] = obj{"message": fmt.Sprint("Commit ", i), "files": files, "author": "bob"}
	}
	n, head := s.pull(obj{"user": "bob", "title": "Big", "commits": commits})
	s.calls()
	began := time.Now()
	f := mustFacts(t, c, change(n), head)
	calls := s.calls()
	t.Logf("%d calls in %v: %q", len(calls), time.Since(began), calls)
	if len(calls) > 7 {
		t.Errorf("%d calls: %q", len(calls), calls)
	}
	if len(f.Files) != 3000 || len(f.Commits) != 250 || len(f.Gaps) != 0 {
		t.Errorf("%d files, %d commits, gaps %v", len(f.Files), len(f.Commits), f.Gaps)
	}
	for _, x := range f.Files {
		if !x.Read || len(x.Added) != 3 {
			t.Fatalf("file %+v", x)
		}
	}
	for i, k := range f.Commits {
		if k.Message != fmt.Sprint("Commit ", i) {
			t.Fatalf("commit %d is %q", i, k.Message)
		}
	}
	mustFacts(t, c, change(n), "")
	t.Logf("again: %q", s.calls())
}

func TestSimChangesAndInstallations(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	one, _ := s.pull(obj{"user": "bob", "title": "one", "files": obj{"a.txt": "a\n"}})
	two, head := s.pull(obj{"user": "mallory", "title": "two", "head": "mallory:patch", "files": obj{"b.txt": "b\n"}})
	closed, _ := s.pull(obj{"user": "bob", "title": "three", "files": obj{"c.txt": "c\n"}})
	s.shop(fmt.Sprintf("/pulls/%d/close", closed), obj{"user": "bob"})
	repo := gate.Repo{Forge: "github", Name: "acme/shop"}
	for _, x := range []struct {
		base, head string
		want       []int
	}{{"", "", []int{one, two}}, {"main", "", []int{one, two}}, {"other", "", nil}, {"", head, []int{two}}} {
		got, err := c.Changes(context.Background(), repo, x.base, x.head)
		var numbers []int
		for _, g := range got {
			numbers = append(numbers, g.Change)
		}
		if err != nil || !slices.Equal(numbers, x.want) {
			t.Errorf("Changes(%q, %.8s) = %v, %v; want %v", x.base, x.head, numbers, err, x.want)
		}
	}
	list, err := c.Installations(context.Background())
	if err != nil || len(list) != 1 || list[0].ID != 99 || len(list[0].Repositories) != 2 {
		t.Errorf("Installations() = %+v, %v", list, err)
	}
	if err := c.RequestReviewers(context.Background(), change(one), []string{"carol", "nobody-here"}, []string{"acme/release"}); err != nil {
		t.Errorf("RequestReviewers: %v", err)
	}
	if f := mustFacts(t, c, change(one), ""); !slices.Equal(f.Change.Requested, []string{"acme/release", "carol"}) {
		t.Errorf("requested %q", f.Change.Requested)
	}
}

func TestSimTag(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	s.shop("/branches", obj{"name": "side", "from": "main"})
	s.shop("/commits", obj{"branch": "side", "user": "bob", "message": "Aside", "files": obj{"x": "x\n"}})
	s.shop("/tags", obj{"name": "v2.0.0", "ref": "side", "annotated": true, "message": "Two"})
	tag := func(name string) checks.Subject {
		return checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindTag, Tag: name, By: "bob", Installation: 99}
	}
	f := mustFacts(t, c, tag("v1.0.0"), "")
	if p := f.Pushed; !p.Annotated || p.Signed || p.Reason != "unsigned" || !slices.Equal(p.Branches, []string{"main"}) || p.By == nil || p.By.Login != "bob" || p.Commit == "" {
		t.Errorf("pushed %+v", p)
	}
	if f = mustFacts(t, c, tag("v2.0.0"), ""); len(f.Pushed.Branches) != 0 || len(f.Tags) != 3 || len(f.Sources) != 2 {
		t.Errorf("pushed %+v, tags %v", f.Pushed, f.Tags)
	}
	if f = mustFacts(t, c, tag("gone"), ""); f.Pushed.Commit != "" {
		t.Errorf("pushed %+v", f.Pushed)
	}
	if _, err := c.Facts(context.Background(), tag("late"), strings.Repeat("a", 40)); !errors.Is(err, gate.ErrStale) {
		t.Errorf("Facts of a tag that is not there yet = %v", err)
	}
}

func TestSimManyTags(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	batch := []obj{}
	for i := range 250 {
		batch = append(batch, obj{"method": "POST", "path": "/repos/acme/shop/tags", "body": obj{"name": fmt.Sprintf("v0.%d.0", i), "annotated": true, "message": "x", "date": time.Unix(1700000000+int64(i)*60, 0).UTC().Format(time.RFC3339)}})
	}
	s.raw("POST", "/batch", batch)
	n, head := s.pull(obj{"user": "bob", "title": "x", "files": obj{"a.txt": "a\n"}})
	if f := mustFacts(t, c, change(n), head); len(f.Tags) != 252 || len(f.Gaps) != 0 {
		t.Errorf("%d tags, gaps %v", len(f.Tags), f.Gaps)
	}
	s.calls()
	s.shop("/tags", obj{"name": "v9.0.0", "annotated": true, "message": "x"})
	f := mustFacts(t, c, change(n), head)
	expectCalls(t, s, "one tag more", "graphql:Facts")
	if len(f.Tags) != 253 {
		t.Errorf("%d tags", len(f.Tags))
	}
	s.do("DELETE", "/repos/acme/shop/tags/v0.3.0", nil)
	if f := mustFacts(t, c, change(n), head); len(f.Tags) != 252 || slices.ContainsFunc(f.Tags, func(x checks.Tag) bool { return x.Name == "v0.3.0" }) {
		t.Errorf("%d tags after one was deleted", len(f.Tags))
	}
}

func TestSimGoneAndStale(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	if _, err := c.Facts(context.Background(), change(77), ""); !errors.Is(err, gate.ErrGone) {
		t.Errorf("Facts of no change = %v", err)
	}
	other := change(1)
	other.Repo, other.Installation = "acme/none", 0
	if _, err := c.Facts(context.Background(), other, ""); !errors.Is(err, gate.ErrGone) {
		t.Errorf("Facts of no repository = %v", err)
	}
	n, first := s.pull(obj{"user": "bob", "title": "x", "files": obj{"a.txt": "a\n"}})
	if _, err := c.Facts(context.Background(), change(n), strings.Repeat("b", 40)); !errors.Is(err, gate.ErrStale) {
		t.Errorf("Facts at an unknown head = %v", err)
	}
	old := change(n)
	old.Installation = 98
	if f := mustFacts(t, c, old, first); f.Subject.Installation != 99 {
		t.Errorf("the App was installed anew: subject %+v", f.Subject)
	}
	f := mustFacts(t, c, change(n), first)
	s.shop("/commits", obj{"branch": f.Change.Head.Name, "user": "bob", "message": "More", "files": obj{"a.txt": "aa\n"}})
	if f = mustFacts(t, c, change(n), first); f.Change.Head.Commit != s.head(n) {
		t.Errorf("the change moved on: judged %s, want %s", f.Change.Head.Commit, s.head(n))
	}
}
