package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// These tests run the real binary against an independent simulator of GitLab, which decides by GitLab's rules what may be
// merged and what may be deployed, and holds every request to GitLab's published interface. They run where
// SLUICE_SIM_GITLAB names the simulator's folder, as in CI.

// What GitLab says of a status.
const (
	green, red, amber, grey = "success", "failed", "pending", "canceled"
)

// labWorld is what a GitLab begins with.
type labWorld struct {
	policy   string
	settings map[string]any // of the simulator: its tier, above all
	project  map[string]any
	token    map[string]any
	install  []string // what is given to `sluice gitlab install`; none: no webhook is hung
	env      []string // more settings of the server
}

// lab is a GitLab with one server beside it. Everybody is the same as on GitHub; where GitLab has no words of its own for what
// they may do there, it has levels: ana and bo write, cy owns the group, eve reports.
type lab struct{ *sim }

func labScenario(w *labWorld) map[string]any {
	main := map[string]string{".sluice.yml": w.policy, "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-01-02\n\n### Added\n\n- All.\n", "shop.go": "package shop\n"}
	project := map[string]any{"path_with_namespace": "acme/shop", "creator": "cy", "files": main, "members": map[string]string{"ana": "developer", "bo": "developer", "eve": "reporter"},
		"settings": map[string]any{"only_allow_merge_if_pipeline_succeeds": true}, "approvals": map[string]any{"reset_approvals_on_push": false},
		"protected_branches": []any{map[string]any{"name": "main", "push_access_level": "maintainer", "merge_access_level": "developer"}},
		"tags":               []any{map[string]any{"name": "v1.0.0", "message": "1.0.0"}}, "branches": map[string]string{"next": "main"}}
	maps.Copy(project, w.project)
	token := map[string]any{"project": "acme/shop", "name": "sluice", "token": "glpat-sluice-and-nobody-else", "access_level": "maintainer"}
	maps.Copy(token, w.token)
	person := func(login string) map[string]any {
		return map[string]any{"username": login, "name": login, "email": login + "@example.com", "public_email": login + "@example.com"}
	}
	return map[string]any{
		"settings": w.settings,
		"users":    []any{person("ana"), person("bo"), person("cy"), person("eve"), map[string]any{"username": "root", "admin": true}},
		"groups":   []any{map[string]any{"path": "acme", "name": "Acme", "members": map[string]string{"cy": "owner"}}},
		"projects": []any{project},
		"tokens":   []any{token},
	}
}

// startSimulator starts one of GitLab: that is quickly done.
func (s *lab) startSimulator(dir, state string) {
	s.t.Helper()
	node := exec.Command("node", "sim.mjs", "--port", "0", "--state", state)
	node.Dir = dir
	out, err := node.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	node.Stderr = os.Stderr
	if err := node.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = node.Process.Kill(); _ = node.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.t.Fatalf("the simulator did not start: %v", err)
	}
	_, url, ok := strings.Cut(strings.TrimSpace(line), "gitlab simulator on ")
	if !ok {
		s.t.Fatalf("the simulator said %q", line)
	}
	s.url = url
}

// labbed starts a simulator, has the webhooks hung by the command for it, and starts a server. When the test is over, no
// request may have broken GitLab's contract.
func labbed(t *testing.T, change ...func(*labWorld)) *lab {
	t.Helper()
	dir := os.Getenv("SLUICE_SIM_GITLAB")
	if dir == "" {
		t.Skip("SLUICE_SIM_GITLAB does not name the simulator")
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	w := &labWorld{policy: simPolicy, settings: map[string]any{}, project: map[string]any{}, token: map[string]any{}, install: []string{"acme/shop"}}
	for _, f := range change {
		f(w)
	}
	s := &lab{&sim{t: t, hook: freeAddress(t), log: &lockedBuffer{}}}
	state := filepath.Join(t.TempDir(), "state.json")
	b, err := json.Marshal(labScenario(w))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(state, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s.startSimulator(dir, state)
	s.env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "SLUICE_") }), "SLUICE_ADDR="+s.hook, "SLUICE_PUBLIC_URL=http://"+s.hook, "SLUICE_DATABASE=sqlite:"+filepath.Join(t.TempDir(), "sluice.db"),
		"SLUICE_GITLAB_URL="+s.url, "SLUICE_GITLAB_TOKEN=glpat-sluice-and-nobody-else", "SLUICE_GITLAB_WEBHOOK_SECRET=s3cret-of-the-hook", "SLUICE_LOG_LEVEL=debug")
	s.env = append(s.env, w.env...)
	if len(w.install) > 0 {
		s.runs(path, append([]string{"gitlab", "install"}, w.install...)...)
	}
	s.startServer(path)
	s.settles()
	t.Cleanup(func() { // before the server is stopped
		if bad := slices.DeleteFunc(s.calls("violations=1"), unknownThere); len(bad) > 0 {
			t.Errorf("%d requests broke GitLab's contract, the first of them %s", len(bad), bad[0])
		}
		if t.Failed() {
			t.Logf("the requests:\n%s", strings.Join(texts(s.calls("")), "\n"))
		}
	})
	return s
}

// runs runs a command of the binary with the server's settings, and returns what it said.
func (s *lab) runs(path string, args ...string) string {
	s.t.Helper()
	c := exec.Command(path, args...)
	c.Env = s.env
	out, err := c.CombinedOutput()
	if err != nil {
		s.t.Fatalf("sluice %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// call is one request to GitLab.
type call struct {
	Seq          int
	Method, Path string
	Query        string
	Status       int
	Body         map[string]any
	Response     any
	Violations   []string
	Note         string
	DurationMS   float64 `json:"duration_ms"`
}

func (c call) String() string {
	b, _ := json.Marshal(c.Body)
	answer := ""
	if c.Response != nil {
		answer = fmt.Sprint(c.Response)
	}
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s?%s %s: %d %s %s %s", c.Method, c.Path, c.Query, strings.ReplaceAll(string(b), "null", ""), c.Status, answer, c.Note, strings.Join(c.Violations, "; "))), " ")
}

// unknownThere says whether a request is for what GitLab has and the simulator has not: signatures of tags, and what groups
// protect.
func unknownThere(c call) bool {
	is := strings.Contains(c.Path, "/repository/tags/") && strings.HasSuffix(c.Path, "/signature") ||
		strings.Contains(c.Path, "/groups/") && strings.HasSuffix(c.Path, "/protected_environments")
	return is && c.Method == "GET" && len(c.Violations) == 1 && strings.HasPrefix(c.Violations[0], "no such route")
}

func texts(calls []call) (list []string) {
	for _, c := range calls {
		list = append(list, c.String())
	}
	return list
}

// calls are the requests that were made, as the query of /_sim/calls says.
func (s *lab) calls(query string) []call {
	s.t.Helper()
	var list struct{ Calls []call }
	s.gets("/_sim/calls?"+query, &list)
	return list.Calls
}

// gets reads something that is not part of the tests' own control.
func (s *lab) gets(path string, out any) {
	s.t.Helper()
	if err := s.try("GET", path, nil, out); err != nil {
		s.t.Fatal(err)
	}
}

// try makes a request of any kind to the simulator, after the test's context too.
func (s *lab) try(method, path string, body, out any) error {
	var in bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&in).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequest(method, s.url+path, &in) //nolint:noctx // some of these are made when the test's context is over
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		return err
	}
	if r.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %.500s", method, path, r.StatusCode, b.Bytes())
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b.Bytes(), out)
}

// as calls GitLab's own interface as somebody, without a token and outside the record of requests.
func (s *lab) as(who, method, path string, body, out any) {
	s.t.Helper()
	if err := s.try(method, "/_sim/as/"+who+"/projects/1"+path, body, out); err != nil {
		s.t.Fatal(err)
	}
}

const labProject = "/projects/1"

// shop does something in the project.
func (s *lab) shop(path string, body map[string]any) map[string]any {
	s.t.Helper()
	return s.do("POST", labProject+path, body)
}

// open opens a merge request by ana that lacks a changelog entry, and returns its number.
func (s *lab) open(body map[string]any) int {
	s.t.Helper()
	full := map[string]any{"author": "ana", "title": "feat: gift cards", "source_branch": "cards", "files": map[string]string{"gift.go": "package shop\n"}}
	maps.Copy(full, body)
	maps.DeleteFunc(full, func(_ string, v any) bool { return v == nil })
	return int(s.shop("/merge_requests", full)["iid"].(float64))
}

// act does something to a merge request.
func (s *lab) act(n int, verb string, body map[string]any) map[string]any {
	s.t.Helper()
	return s.shop(fmt.Sprintf("/merge_requests/%d/%s", n, verb), body)
}

// pushes pushes to a merge request's branch, as its author.
func (s *lab) pushes(n int, body map[string]any) {
	s.t.Helper()
	full := map[string]any{"user": "ana"}
	maps.Copy(full, body)
	s.act(n, "push", full)
}

// labChange is a merge request as GitLab shows it.
type labChange struct {
	SHA, State  string
	MergeCommit string `json:"merge_commit_sha"`
	Pipeline    *struct {
		ID          int64
		SHA, Status string
		Source, Ref string
	} `json:"head_pipeline"`
}

func (s *lab) change(n int) (m labChange) {
	s.t.Helper()
	s.as("root", "GET", fmt.Sprintf("/merge_requests/%d", n), nil, &m)
	return m
}

// labStatus is a commit status.
type labStatus struct {
	ID, Pipeline int64
	Name, Status string
	Description  string
	Target       string `json:"target_url"`
	PipelineID   int64  `json:"pipeline_id"`
	Author       struct{ Username string }
}

// statuses are the newest of each name on a commit, of one pipeline or (0) of all.
func (s *lab) statuses(commit string, pipeline int64) map[string]labStatus {
	s.t.Helper()
	q := url.Values{"per_page": {"100"}}
	if pipeline != 0 {
		q.Set("pipeline_id", strconv.FormatInt(pipeline, 10))
	}
	var list []labStatus
	s.as("root", "GET", "/repository/commits/"+commit+"/statuses?"+q.Encode(), nil, &list)
	newest := map[string]labStatus{}
	for _, one := range list { // in order of their ids
		newest[one.Name] = one
	}
	return newest
}

func states(list map[string]labStatus) map[string]string {
	got := map[string]string{}
	for name, one := range list {
		got[name] = one.Status
	}
	return got
}

func differs(got, want map[string]string) error {
	for name, state := range want {
		if got[name] != state {
			return fmt.Errorf("%s is %q in %v", name, got[name], got)
		}
	}
	return nil
}

// shows waits until these statuses are the newest in the pipeline that decides about the merge request.
func (s *lab) shows(n int, want map[string]string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("merge request %d shows %v", n, want), func() error {
		m := s.change(n)
		if m.Pipeline == nil {
			return fmt.Errorf("it has no pipeline")
		}
		return differs(states(s.statuses(m.SHA, m.Pipeline.ID)), want)
	})
}

// showsOn waits until these are the newest statuses on a commit.
func (s *lab) showsOn(commit string, want map[string]string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("commit %.8s shows %v", commit, want), func() error { return differs(states(s.statuses(commit, 0)), want) })
}

// merges waits until GitLab would merge it.
func (s *lab) merges(n int) {
	s.t.Helper()
	s.decided(n, "mergeable")
}

// shut waits until it is the pipeline, with our statuses in it, that keeps GitLab from merging it: it failed, or has not ended.
func (s *lab) shut(n int) {
	s.t.Helper()
	s.decided(n, "ci_must_pass", "ci_still_running")
}

// decided waits until GitLab's decision is one of these.
func (s *lab) decided(n int, words ...string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("merge request %d is %q", n, words), func() error {
		m := s.do("GET", fmt.Sprintf("%s/merge_requests/%d", labProject, n), nil)
		if word, _ := m["detailed_merge_status"].(string); !slices.Contains(words, word) || m["mergeable"] != (word == "mergeable") {
			return fmt.Errorf("mergeable %v, %v in %v", m["mergeable"], word, m["checks"])
		}
		return nil
	})
}

// pipelines are those on a commit, the newest first.
func (s *lab) pipelines(commit string) (list []labPipeline) {
	s.t.Helper()
	s.as("root", "GET", "/pipelines?per_page=100&sha="+commit, nil, &list)
	return list
}

type labPipeline struct {
	ID                  int64
	SHA, Status, Source string
	Ref                 string
}

// runsOn starts a pipeline of the project's own, with one job.
func (s *lab) runsOn(body map[string]any) (id int64) {
	s.t.Helper()
	full := map[string]any{"user": "ana", "jobs": []any{map[string]any{"name": "build", "status": "running"}}}
	maps.Copy(full, body)
	return int64(s.shop("/pipelines", full)["id"].(float64))
}

// settles waits until nothing is on its way any more: no delivery, no work that is due or under way, and no request.
func (s *lab) settles() {
	s.t.Helper()
	s.eventually("all is at rest", func() error {
		before := s.last()
		if f := s.do("POST", "/flush", map[string]any{}); f["idle"] != true {
			return fmt.Errorf("deliveries are on their way: %v", f)
		}
		for _, gauge := range []string{"sluice_queue_depth", "sluice_queue_running"} {
			if n, err := s.gauge(gauge); err != nil || n != 0 {
				return fmt.Errorf("%s is %v: %w", gauge, n, err)
			}
		}
		if f := s.do("GET", "", nil); f["pending_deliveries"] != 0.0 || s.last() != before {
			return fmt.Errorf("requests are made still: %v", f)
		}
		return nil
	})
}

// last is the number of the last request.
func (s *lab) last() int {
	s.t.Helper()
	var list struct {
		Last int `json:"last_seq"`
	}
	s.gets("/_sim/calls?limit=1", &list)
	return list.Last
}

// gauge reads one of the server's metrics.
func (s *lab) gauge(name string) (float64, error) {
	r, err := http.Get("http://" + s.hook + "/metrics")
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(rest, 64)
		}
	}
	return 0, fmt.Errorf("there is no %s", name)
}

// spends settles, does something, settles again, and returns the requests that it took.
func (s *lab) spends(do func()) (reads, writes []call) {
	s.t.Helper()
	s.settles()
	before := s.last()
	do()
	s.settles()
	for _, c := range s.calls(fmt.Sprintf("since=%d", before)) {
		if c.Method == "GET" || c.Method == "HEAD" {
			reads = append(reads, c)
		} else {
			writes = append(writes, c)
		}
	}
	return reads, writes
}
