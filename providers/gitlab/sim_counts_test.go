package gitlab

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// ordinary opens a change of 30 files and 10 commits, and has three people approve it.
func (s *sim) ordinary(branch string) (int, string) {
	s.t.Helper()
	for i := range 10 {
		files := obj{}
		for j := range 3 {
			files[fmt.Sprintf("src/%s%d.go", branch, 3*i+j)] = fmt.Sprintf("package main\n\nvar %s%d = 1\n", branch, 3*i+j)
		}
		if i == 0 {
			files["CHANGELOG.md"] = "# Changelog\n\n## [Unreleased]\n\n- C.\n"
		}
		s.shop("/commits", obj{"branch": branch, "user": "alice", "message": fmt.Sprint("feat: ", branch, i), "files": files})
	}
	mr := s.shop("/merge_requests", obj{"source_branch": branch, "title": "feat: " + branch, "author": "alice"})
	n := int(mr["iid"].(float64))
	for _, who := range []string{"bob", "carol", "dave"} {
		s.act(n, "approve", obj{"user": who})
	}
	return n, s.head(n)
}

// costs reads a change and reports when it took more requests than it may.
func (s *sim) costs(c *Client, n int, head, what string, most int) {
	s.t.Helper()
	s.calls()
	f := mustFacts(s.t, c, simChange(n), head)
	if len(f.Gaps) > 0 {
		s.t.Errorf("%s: gaps %+v", what, f.Gaps)
	}
	calls := s.calls()
	s.t.Logf("%s: %d reads %q", what, len(calls), calls)
	if len(calls) > most {
		s.t.Errorf("%s: %d reads, want at most %d: %q", what, len(calls), most, calls)
	}
}

func TestSimCounts(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	n, head := s.ordinary("a")
	s.costs(c, n, head, "a cold start", 18)
	s.costs(c, n, head, "nothing changed", 2)
	m, head := s.ordinary("b")
	s.costs(c, m, head, "another change, of a repository that is known", 4)
	s.costs(c, m, head, "nothing changed there", 2)
	s.pass(61 * time.Second)
	s.costs(c, m, head, "nothing changed, and rights have aged", 3)
	s.shop("/commits", obj{"branch": "b", "user": "alice", "message": "fix: b", "files": obj{"src/b0.go": "package main\n\nvar b0 = 2\n"}})
	s.pass(61 * time.Second)
	s.costs(c, m, s.head(m), "a push", 3)
	for _, who := range []string{"bob", "carol", "dave"} {
		s.act(m, "approve", obj{"user": who})
	}
	s.costs(c, m, "", "three approvals", 5)
	s.act(m, "unapprove", obj{"user": "dave"})
	s.costs(c, m, "", "an approval that was taken back", 3)
	s.act(m, "approve", obj{"user": "dave"})
	s.costs(c, m, "", "an approval", 4)
	s.shop("/commits", obj{"user": "alice", "message": "chore: more", "files": obj{"README.md": "# Shop\n", "more/x.txt": "x\n"}})
	s.pass(61 * time.Second)
	s.costs(c, m, "", "the target branch moved on", 5)
	k, head := s.ordinary("c")
	s.costs(c, k, head, "another change, upon a target branch that moved on", 5)
	f := mustFacts(t, c, simChange(k), head)
	if text, _ := f.Text(checks.Base, "CHANGELOG.md"); text.Text != "# Changelog\n\n## [Unreleased]\n" {
		t.Errorf("the changelog at the merge base is %+v", text)
	}
	if text, _ := f.Text(checks.Head, "CHANGELOG.md"); text.Text != "# Changelog\n\n## [Unreleased]\n\n- C.\n" {
		t.Errorf("the changelog at the head is %+v", text)
	}
}

// What a process reads that was just started, and why: the rest it then knows for all changes of the project, and of the people in
// them. docs/gitlab.md has the table.
func TestSimColdCosts(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	n, head := s.ordinary("a")
	m, second := s.ordinary("b")
	c, before := s.client(Options{}), len(s.log(""))
	mustFacts(t, c, simChange(n), head)
	why, all := map[string]int{}, s.log("")[before:]
	for _, x := range all {
		why[sharedBy(x.Path)]++
	}
	for of, most := range map[string]int{"change": 4, "process": 1, "project": 7, "person": 5} { // three approvers
		if why[of] > most {
			t.Errorf("%d reads for the %s, want at most %d", why[of], of, most)
		}
	}
	t.Logf("the first look: %d reads, %v", len(all), why)
	s.costs(c, m, second, "the second change after a start", 4)
}

// What an event costs that is the first after a start, or after a long time: a sweep has read what all changes of a project share.
func TestSimCountsAfterASweep(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	sweep := func(what string) {
		t.Helper()
		before := len(s.log(""))
		if _, err := c.Changes(t.Context(), gate.Repo{Forge: "gitlab", Name: simRepo}, "", ""); err != nil {
			t.Fatal(err)
		}
		for _, x := range s.log("")[before:] {
			t.Log(what, x.Path)
		}
	}
	sweep("the first sweep")
	n, head := s.merge("a", obj{"a.txt": "a\n", "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n- A.\n"}, nil)
	s.costs(c, n, head, "the first event after a start", 4)
	sweep("at once")
	later := func(by time.Duration) {
		s.pass(by)
		s.do("POST", "/clock", obj{"advance_ms": by.Milliseconds()})
	}
	later(21 * time.Minute)
	sweep("later")
	later(6 * time.Minute)
	m, head := s.merge("b", obj{"b.txt": "b\n", "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n- B.\n"}, nil)
	s.costs(c, m, head, "the first event after a long time", 3)
	s.act(n, "approve", obj{"user": "bob"})
	s.costs(c, n, "", "the first approval of somebody", 5)
	s.post(c, head, "sluice/gate", "failed", obj{"ref": "b"})
	s.act(m, "update", obj{"user": "alice", "reviewers": []string{"bob"}})
	s.costs(c, m, "", "one who is asked", 3)
	sweep("before")
	later(9 * time.Minute)
	s.act(m, "approve", obj{"user": "bob"})
	s.costs(c, m, "", "an approval of one who was asked, minutes later", 6)
	s.costs(c, m, "", "nothing, with an open gate", 3) // objections and approvals are two lists
}

// sharedBy is whom what is read at a path is read once for.
func sharedBy(path string) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(path, "/api/v4/"), "shop")
	switch {
	case strings.HasPrefix(path, "/api/v4/users"), strings.HasPrefix(rest, "/members"):
		return "person"
	case strings.HasPrefix(path, "/api/v4/user"):
		return "process"
	case strings.HasPrefix(rest, "/merge_requests"), strings.HasPrefix(rest, "/repository/compare"):
		return "change"
	}
	return "project"
}

// post writes a status as the client does.
func (s *sim) post(c *Client, sha, name, state string, more obj) {
	s.t.Helper()
	body := obj{"name": name, "state": state, "description": "Needs 1 more approval.", "target_url": "https://sluice.example/decisions/d1"}
	for k, v := range more {
		body[k] = v
	}
	var out obj
	if _, err := c.ways[0].send(context.Background(), "POST", at(simRepo, "statuses", sha), nil, body, &out); err != nil {
		s.t.Fatal(err)
	}
}

// What the client wrote itself it knows without asking, and what somebody else wrote over it, it sees.
func TestSimStatuses(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	n, head := s.merge("c", obj{"c.txt": "c\n"}, nil)
	c := s.client(Options{})
	if f := mustFacts(t, c, simChange(n), head); len(f.Statuses) != 0 {
		t.Errorf("statuses %+v", f.Statuses)
	}
	s.post(c, head, "sluice/gate", "failed", obj{"ref": "c"})
	s.post(c, head, "sluice/approval", "pending", obj{"ref": "c"})
	s.costs(c, n, head, "nothing but our own words", 2)
	f := mustFacts(t, c, simChange(n), head)
	if len(f.Statuses) != 2 || f.Statuses[1].Name != "sluice/gate" || !f.Statuses[1].Ours || f.Statuses[1].State != "failure" || f.Statuses[0].State != "in_progress" ||
		f.Statuses[1].Title != "Needs 1 more approval." || f.Statuses[1].ExternalID != "d1" || !strings.HasPrefix(f.Statuses[1].Node, "pipeline/") {
		t.Errorf("statuses %+v", f.Statuses)
	}
	s.post(c, head, "sluice/approval", "success", obj{"ref": "c"})
	s.as("bob", "POST", "/statuses/"+head, obj{"name": "sluice/gate", "state": "success", "ref": "c"})
	f = mustFacts(t, c, simChange(n), head)
	var foreign bool
	for _, x := range f.Statuses {
		foreign = foreign || x.Name == "sluice/gate" && !x.Ours && x.State == "success"
	}
	if !foreign {
		t.Errorf("what another wrote under our name, and what made the pipeline green, is not seen: %+v", f.Statuses)
	}
}
