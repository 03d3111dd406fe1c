package github

import (
	"fmt"
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// TestSimCallsOfTheChecksThemselves holds the number of calls with what the checks really want.
func TestSimCallsOfTheChecksThemselves(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	c.ask = checks.AskFor
	warm, head := s.pull(obj{"user": "bob", "title": "Warm", "files": obj{"w.txt": "w\n"}})
	f := mustFacts(t, c, change(warm), head)
	t.Logf("first reading ever: %q; texts %d, paths %d, gaps %v", s.calls(), len(f.Texts), len(f.Paths), f.Gaps)
	mustFacts(t, c, change(warm), head)
	expectCalls(t, s, "nothing changed", "graphql:Facts")
	files := obj{"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n- More\n"}
	var paths []string
	for i := range 29 {
		p := fmt.Sprintf("src/f%02d.go", i)
		files[p] = fmt.Sprintf("package main\n\nvar f%d = %d\n", i, i)
		paths = append(paths, p)
	}
	n, head := s.pull(obj{"user": "bob", "title": "Ordinary", "files": files})
	c.Hint(gate.Repo{Forge: "github", Name: "acme/shop"}, head, append(paths, "CHANGELOG.md"))
	mustFacts(t, c, change(n), head)
	expectCalls(t, s, "opened", "graphql:Facts")
	s.shop(fmt.Sprintf("/pulls/%d/reviews", n), obj{"user": "alice", "state": "APPROVED"})
	f = mustFacts(t, c, change(n), head)
	expectCalls(t, s, "reviewed", "graphql:Facts")
	t.Logf("texts %d, paths %d, people %v, gaps %v", len(f.Texts), len(f.Paths), f.People, f.Gaps)
}
