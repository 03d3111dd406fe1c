package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// What an event costs GitLab, read off the simulator's own list of requests; docs/gitlab.md has the figures.

// costs reports when something takes more requests than it may.
func (s *lab) costs(what string, reads, writes int, do func()) {
	s.t.Helper()
	r, w := s.spends(do)
	s.t.Logf("%s: %d reads, %d writes", what, len(r), len(w))
	if len(r) > reads || len(w) > writes {
		s.t.Errorf("%s took %d reads and %d writes, want at most %d and %d:\n%s\n%s", what, len(r), len(w), reads, writes, strings.Join(texts(r), "\n"), strings.Join(texts(w), "\n"))
	}
}

// What a look costs: two reads when nothing changed, six at most when something did (here it is less), and a write for each check
// that changed, with one for the note.
func TestGitLabCosts(t *testing.T) {
	t.Parallel()
	s := labbed(t)
	n := 0
	for _, x := range []struct {
		what          string
		do            func()
		reads, writes int
	}{
		// A server that was just started has swept, though there was no merge request.
		{"the first merge request after a start", func() {
			n = s.open(map[string]any{"source_branch": "tills", "files": map[string]string{"till.go": "package shop\n"}})
		}, 4, 6},
		{"a push that cures one check", func() { s.pushes(n, entry("Gift cards.")) }, 3, 6},
		// The gate opens by it, and the pipeline turns green: an event of its own, at which nothing has changed.
		{"an approval", func() { s.act(n, "approve", map[string]any{"user": "bo"}) }, 5 + 2, 3},
		{"an approval that is taken back", func() { s.act(n, "unapprove", map[string]any{"user": "bo"}) }, 2, 3},
		{"a title that changes one verdict's words", func() { s.act(n, "update", map[string]any{"user": "ana", "title": "fix: tills"}) }, 2, 2},
		{"nothing", func() { s.act(n, "update", map[string]any{"user": "ana", "description": "Nobody reads this."}) }, 2, 0},
		{"a reviewer who is asked", func() { s.act(n, "update", map[string]any{"user": "ana", "reviewers": []string{"bo"}}) }, 0, 0},
		{"the first look since then", func() { s.act(n, "update", map[string]any{"user": "ana", "description": "Nor that."}) }, 3, 0},
		{"nothing, where a reviewer was asked", func() { s.act(n, "update", map[string]any{"user": "ana", "description": "Nor this."}) }, 2, 0},
		{"nothing that concerns us", func() { s.act(n, "update", map[string]any{"user": "ana", "assignees": []string{"bo"}}) }, 0, 0},
		{"another push", func() {
			s.pushes(n, map[string]any{"message": "fix: tills", "files": map[string]string{"till.go": "package shop // till\n"}})
		}, 4, 6},
		{"a new merge request", func() {
			s.open(map[string]any{"source_branch": "bills", "files": map[string]string{"bill.go": "package shop\n"}})
		}, 4, 6},
	} {
		s.costs(x.what, x.reads, x.writes, x.do)
	}
}

// The first event after a start with a database that knows of changes, and what nothing costs where the gate is open and reviewers
// were asked: who approves and who objects are two lists.
func TestGitLabCostsAfterARestart(t *testing.T) {
	t.Parallel()
	s := labbed(t)
	s.do("POST", "/clock", map[string]any{"advance_ms": -600_000})
	n := s.open(map[string]any{"reviewers": []string{"bo", "cy"}, "files": entry("Gift cards.")["files"]})
	s.shows(n, map[string]string{"sluice/gate": amber})
	s.settles()
	s.stops()
	s.startServer(s.serve.Path)
	// The pipeline turns green by it: an event of its own, at which nothing has changed.
	s.costs("an approval, the first event after a start", 5+3, 3, func() { s.act(n, "approve", map[string]any{"user": "bo"}) })
	s.costs("nothing, with an open gate", 3, 0, s.repeats)
	s.costs("an edit", 3, 0, func() { s.act(n, "update", map[string]any{"user": "ana", "description": "Nobody reads this."}) })
	s.costs("nothing again", 3, 0, s.repeats)
	s.act(n, "request_changes", map[string]any{"user": "cy"})
	s.costs("an objection", 4, 3, func() {
		s.act(n, "update", map[string]any{"user": "ana", "description": "This moves the time, as what GitLab notes of it does."})
	})
	s.shows(n, map[string]string{"sluice/gate": red})
	s.pushes(n, map[string]any{"message": "fix: gifts", "files": map[string]string{"gift.go": "package shop\n"}})
	s.settles()
	s.stops()
	s.startServer(s.serve.Path)
	s.costs("a push, the first event after a start", 4, 6, func() { s.pushes(n, map[string]any{"message": "fix: cards"}) })
}

// The first merge request of a project that was made a moment ago. What is pushed there is heard of before, and has the project read
// ahead; where none of that was heard of, the first event pays for all.
func TestGitLabCostsOfANewProject(t *testing.T) {
	t.Parallel()
	s := labbed(t, func(w *labWorld) {
		w.token = map[string]any{"project": nil, "group": "acme", "access_level": "owner"}
		w.install = []string{"acme"}
	})
	hears := func(does bool) {
		s.do("POST", "/webhook_options", map[string]any{"drop": map[bool]int{true: 0, false: 1}[does]})
	}
	for _, x := range []struct {
		name               string
		policy             bool
		made, pushed       bool // they are heard of
		making, push, open int  // reads
	}{
		{"wallet", true, true, true, 8, 0, 4},
		{"purse", false, true, true, 9, 0, 4},
		{"till", true, false, true, 0, 6, 4},
		{"safe", true, false, false, 0, 0, 10},
	} {
		project, files := "/projects/acme%2F"+x.name, map[string]string{"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n", "shop.go": "package shop\n"}
		if x.policy {
			files[".sluice.yml"] = simPolicy
		}
		hears(x.made)
		s.costs(x.name+" is made", x.making, 0, func() {
			s.do("POST", "/projects", map[string]any{"path_with_namespace": "acme/" + x.name, "creator": "cy", "files": files, "members": map[string]string{"ana": "developer"}})
		})
		hears(x.pushed)
		s.costs("a push to "+x.name, x.push, 0, func() {
			s.do("POST", project+"/commits", map[string]any{"branch": "gifts", "start": "main", "user": "ana", "message": "feat: gifts", "files": map[string]string{"gift.go": "package shop\n"}})
		})
		hears(true)
		s.costs("the first merge request of "+x.name, x.open, 6, func() {
			s.do("POST", project+"/merge_requests", map[string]any{"source_branch": "gifts", "title": "feat: gifts", "author": "ana"})
		})
	}
}

// repeats has what GitLab last told of a merge request told once more, as something new: there is nothing new to be seen.
func (s *lab) repeats() {
	s.t.Helper()
	var list struct {
		Deliveries []struct {
			Headers map[string]string
			Body    json.RawMessage
		}
	}
	s.gets("/_sim/deliveries?event=Merge%20Request%20Hook", &list)
	last := list.Deliveries[len(list.Deliveries)-1]
	req, err := http.NewRequestWithContext(s.t.Context(), "POST", "http://"+s.hook+"/webhook/gitlab", bytes.NewReader(last.Body))
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range last.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("Idempotency-Key", rand.Text())
	req.Header.Set("X-Gitlab-Token", "s3cret-of-the-hook")
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	if r.Body.Close(); r.StatusCode != http.StatusAccepted {
		s.t.Fatalf("a delivery was answered %s", r.Status)
	}
}
