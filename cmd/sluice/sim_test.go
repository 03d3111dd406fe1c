package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluicegate/sluice/providers/simulators"
)

// These tests run the real binary against an independent simulator of GitHub's API, which holds every request to
// GitHub's published description. They run where SLUICE_SIM_GITHUB names the simulator's folder, as in CI.

// binary builds the program once for all of them.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sluice-binary-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "sluice")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// sim is one simulator with one server beside it.
type sim struct {
	t     *testing.T
	url   string // of the simulator
	hook  string // address of the server
	token string // of a person who may read everything
	log   *lockedBuffer
	serve *exec.Cmd
	env   []string
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const simPolicy = `version: 1
tagging: {annotated: false}
changelog: {files: [CHANGELOG.md], exempt: {labels: [no-changelog]}}
approval: {rules: [{name: peer review, count: 1}]}
`

func simScenario(hook, policy string, asks manifest) map[string]any {
	main := map[string]string{".sluice.yml": policy, "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-01-02\n\n### Added\n\n- All.\n", "shop.go": "package shop\n"}
	return map[string]any{
		"settings": map[string]any{"validate_webhooks": true},
		"users":    []any{user("ana"), user("bo"), user("cy"), user("eve")},
		"orgs":     []any{map[string]any{"login": "acme", "members": map[string]string{"ana": "member", "bo": "member", "cy": "admin"}}},
		"apps": []any{map[string]any{"id": 4242, "slug": "sluice", "name": "Sluice", "owner": map[string]string{"login": "acme", "type": "Organization"},
			"permissions": asks.Permissions, "events": asks.Events,
			"webhook": map[string]string{"url": "http://" + hook + "/webhook/github", "secret": "s3cret"}}},
		"repos": []any{map[string]any{"owner": "acme", "name": "shop", "author": "cy", "files": main, "collaborators": map[string]string{"ana": "write", "bo": "write", "eve": "read"},
			"protection": map[string]any{"main": map[string]any{"required_status_checks": map[string]any{"strict": false, "checks": []any{map[string]any{"context": "sluice/gate", "app_id": 4242}}},
				"enforce_admins": true, "required_pull_request_reviews": nil, "restrictions": nil}}}},
		"installations": []any{map[string]any{"id": 99, "app": "sluice", "account": "acme", "repositories": []string{"shop"}}},
		"steps": []any{map[string]any{"path": "/repos/acme/shop/tags", "body": map[string]any{"name": "v1.0.0", "annotated": true, "message": "1.0.0", "user": "cy"}},
			map[string]any{"path": "/repos/acme/shop/branches", "body": map[string]any{"name": "next", "from": "main", "user": "cy"}}},
	}
}

func user(login string) map[string]string {
	return map[string]string{"login": login, "name": login, "email": login + "@example.com"}
}

// freeAddress is one that nobody listens on, and that nobody is given who asks for any: a server that is started anew there
// finds it free. The kernel hands out ports from 32768 on.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		if l, err := net.Listen("tcp", address); err == nil {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// simulated starts a simulator and a server, and stops both at the end, when no request may have broken the contract.
func simulated(t *testing.T, morePolicy ...string) *sim {
	t.Helper()
	dir := os.Getenv("SLUICE_SIM_GITHUB")
	if dir == "" {
		t.Skip("SLUICE_SIM_GITHUB does not name the simulator")
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := &sim{t: t, hook: freeAddress(t), log: &lockedBuffer{}}
	b, err := json.Marshal(simScenario(s.hook, simPolicy+strings.Join(morePolicy, ""), asked(t)))
	if err != nil {
		t.Fatal(err)
	}
	s.url = simulators.GitHub(t, dir, b)
	key := s.do("GET", "/apps/sluice", nil)["private_key"].(string)
	s.token = s.do("POST", "/tokens", map[string]any{"user": "cy"})["token"].(string)
	s.env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "SLUICE_") }), "SLUICE_ADDR="+s.hook, "SLUICE_PUBLIC_URL=http://"+s.hook, "SLUICE_DATABASE=sqlite:"+filepath.Join(t.TempDir(), "sluice.db"),
		"SLUICE_GITHUB_URL="+s.url, "SLUICE_GITHUB_APP_ID=4242", "SLUICE_GITHUB_PRIVATE_KEY="+key, "SLUICE_GITHUB_WEBHOOK_SECRET=s3cret", "SLUICE_LOG_LEVEL=debug")
	s.startServer(path)
	return s
}

func (s *sim) startServer(path string) {
	s.t.Helper()
	s.serve = exec.Command(path, "serve")
	s.serve.Env, s.serve.Stderr = s.env, s.log
	if err := s.serve.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		s.stops()
		if s.t.Failed() {
			s.t.Logf("the server's log:\n%s", s.log)
		}
	})
	s.eventually("the server is ready", func() error {
		r, err := http.Get("http://" + s.hook + "/readyz")
		if err != nil {
			return err
		}
		r.Body.Close()
		if r.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz: %d", r.StatusCode)
		}
		return nil
	})
}

// stops stops the server, if it runs.
func (s *sim) stops() {
	s.t.Helper()
	if s.serve.ProcessState != nil {
		return
	}
	_ = s.serve.Process.Signal(syscall.SIGTERM)
	if err := s.serve.Wait(); err != nil {
		s.t.Errorf("the server ended with %v", err)
	}
}

// do calls the simulator's control interface.
func (s *sim) do(method, path string, body any) map[string]any {
	s.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+"/_sim"+path, in)
	if err != nil {
		s.t.Fatal(err)
	}
	var answer any
	if status := s.send(req, &answer); status != http.StatusOK {
		s.t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	out, _ := answer.(map[string]any) // some answer with a list, which nobody here reads
	return out
}

func (s *sim) send(req *http.Request, out any) int {
	s.t.Helper()
	req.Header.Set("User-Agent", "sluice-test")
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal(b, out); err != nil && r.StatusCode == http.StatusOK {
		s.t.Fatalf("%s: %v in %.200s", req.URL, err, b)
	}
	return r.StatusCode
}

const simRepo = "/repos/acme/shop"

// open opens a change by ana that lacks a changelog entry, and returns its number.
func (s *sim) open(body map[string]any) int {
	s.t.Helper()
	full := map[string]any{"user": "ana", "title": "feat: gift cards", "files": map[string]string{"gift.go": "package shop\n"}}
	for k, v := range body {
		full[k] = v
	}
	return int(s.do("POST", simRepo+"/pulls", full)["number"].(float64))
}

func (s *sim) pull(n int, act string, body map[string]any) map[string]any {
	s.t.Helper()
	return s.do("POST", fmt.Sprintf("%s/pulls/%d%s", simRepo, n, act), body)
}

// entry is the changelog with an entry for what the change does.
func entry(what string) map[string]any {
	return map[string]any{"message": "docs: changelog", "files": map[string]string{
		"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- " + what + "\n\n## [1.0.0] - 2026-01-02\n\n### Added\n\n- All.\n"}}
}

// shows waits until the newest check runs on the change's head are these: name to conclusion, or to status without one.
func (s *sim) shows(n int, want map[string]string) {
	s.t.Helper()
	s.showsWhere(fmt.Sprintf("change %d", n), func() string {
		return s.do("GET", fmt.Sprintf("%s/pulls/%d", simRepo, n), nil)["head_sha"].(string)
	}, want)
}

// showsOn is shows on a commit.
func (s *sim) showsOn(commit string, want map[string]string) {
	s.t.Helper()
	s.showsWhere("commit "+commit, func() string { return commit }, want)
}

func (s *sim) showsWhere(what string, where func() string, want map[string]string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("%s shows %v", what, want), func() error { return s.shown(where(), want) })
}

// shown says in what the newest check runs on a commit differ from these.
func (s *sim) shown(sha string, want map[string]string) error {
	req, err := http.NewRequestWithContext(s.t.Context(), "GET", s.url+"/api/v3"+simRepo+"/commits/"+sha+"/check-runs?per_page=100", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	var list struct {
		CheckRuns []struct{ Name, Status, Conclusion string } `json:"check_runs"`
	}
	if status := s.send(req, &list); status != http.StatusOK {
		return fmt.Errorf("check runs: %d", status)
	}
	got := map[string]string{}
	for _, r := range list.CheckRuns {
		if got[r.Name] == "" {
			got[r.Name] = r.Conclusion
			if r.Conclusion == "" {
				got[r.Name] = r.Status
			}
		}
	}
	for name, state := range want {
		if got[name] != state {
			return fmt.Errorf("%s is %q in %v", name, got[name], got)
		}
	}
	return nil
}

func (s *sim) eventually(what string, try func() error) {
	s.t.Helper()
	deadline := time.Now().Add(150 * time.Second) // details may wait two minutes for room within the write limits
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond) // another process is waited for: there is no clock to take over
	}
}

// honest fails when a request broke GitHub's published contract.
func (s *sim) honest() {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), "GET", s.url+"/_sim/calls?violations=1", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	var calls any
	if s.send(req, &calls); strings.Contains(fmt.Sprint(calls), "violations") {
		b, _ := json.Marshal(calls)
		s.t.Errorf("requests broke GitHub's contract: %.2000s", b)
	}
}
