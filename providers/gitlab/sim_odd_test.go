package gitlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// What is read does not hang on whether GitLab had to be asked again, and what it never told is never made up.
func TestSimFaults(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	n, head := s.merge("c", obj{"src/c.go": "package main\n\nvar c = 1\n", "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n- C.\n"}, nil)
	s.act(n, "approve", obj{"user": "bob"})
	facts := func() string {
		f, err := s.client(Options{Jitter: func() float64 { return -0.5 }}).Facts(context.Background(), simChange(n), head)
		var retry *gate.RetryError
		switch {
		case errors.As(err, &retry):
			return "later"
		case errors.Is(err, gate.ErrGone), errors.Is(err, gate.ErrStale):
			return "gone or stale"
		case err != nil:
			return err.Error()
		}
		f.At = f.Change.CreatedAt
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	whole := facts()
	for name, x := range map[string]struct {
		fault obj
		want  string
	}{
		"500, once each":          {obj{"status": 500, "count": 2}, whole},
		"502 at the comparison":   {obj{"status": 502, "count": 1, "path": "/repository/compare"}, whole},
		"cut bodies":              {obj{"kind": "truncate", "count": 2}, whole},
		"broken connections":      {obj{"kind": "reset", "count": 2}, whole},
		"500 for good":            {obj{"status": 500, "path": "/approvals"}, "later"},
		"429":                     {obj{"status": 429, "retry_after": 3, "count": 1}, "later"},
		"404 of a part":           {obj{"status": 404, "path": "/repository/compare"}, "gone or stale"},
		"404 of the merge itself": {obj{"status": 404, "path": "/merge_requests/\\d+$"}, "gone or stale"},
	} {
		s.do("POST", "/faults", obj{"faults": []obj{x.fault}, "replace": true})
		if got := facts(); got != x.want {
			t.Errorf("%s:\ngot  %.300s\nwant %.300s", name, got, x.want)
		}
	}
	s.do("DELETE", "/faults", nil)
	if got := facts(); got != whole {
		t.Errorf("afterwards: %.300s", got)
	}
}

func TestSimTags(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	n, head := s.merge("c", obj{"c.txt": "c\n"}, nil)
	if f := mustFacts(t, c, simChange(n), head); len(f.Tags) != 2 || f.Tags[0].Name == f.Tags[1].Name {
		t.Errorf("tags %+v", f.Tags)
	}
	s.shop("/tags", obj{"name": "v1.1.0", "user": "alice", "message": "Second", "ref": "main"})
	tag := checks.Subject{Forge: "gitlab", Repo: simRepo, Kind: checks.KindTag, Tag: "v1.1.0", By: "Alice", Before: ""}
	f := mustFacts(t, c, tag, "")
	p := f.Pushed
	if p == nil || !p.Annotated || p.Signed || p.Reason != "unsigned" || len(p.Commit) != 40 || p.By == nil || p.By.Login != "alice" || fmt.Sprint(p.Branches) != "[main]" {
		t.Errorf("pushed %+v", p)
	}
	if len(f.Tags) != 3 || f.People[p.By.ID].Permission != "admin" && f.People[p.By.ID].Permission != "maintain" {
		t.Errorf("%d tags, people %+v", len(f.Tags), f.People)
	}
	if f := mustFacts(t, c, simChange(n), head); len(f.Tags) != 3 {
		t.Errorf("a change is judged with %d tags after an event told of the third", len(f.Tags))
	}
	if _, err := c.Facts(context.Background(), tag, strings.Repeat("0", 40)); !errors.Is(err, gate.ErrStale) {
		t.Errorf("a tag that points elsewhere than the event said: %v, want it stale", err)
	}
	s.as("root", "DELETE", "/repository/tags/v1.1.0", nil)
	if f := mustFacts(t, c, tag, ""); f.Pushed.Commit != "" || len(f.Tags) != 2 {
		t.Errorf("a tag that is gone: %+v, %d tags", f.Pushed, len(f.Tags))
	}
}

func TestSimForkAndChanges(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	fork := "/projects/" + url.PathEscape("mallory/shop")
	s.do("POST", fork+"/commits", obj{"branch": "evil", "start": "main", "user": "mallory", "message": "feat: evil", "files": obj{".sluice.yml": "version: 1\napproval: {mode: \"off\"}\n", "e.txt": "e\n"}})
	target := s.as("root", "GET", "", nil)
	mr := s.do("POST", "/as/mallory"+fork+"/merge_requests", obj{"source_branch": "evil", "target_branch": "main", "title": "evil", "target_project_id": target["id"]})
	n := int(mr["iid"].(float64))
	c := s.client(Options{})
	f := mustFacts(t, c, simChange(n), "")
	if !f.Change.Fork || f.Change.Author.Login != "mallory" || len(f.Files) != 2 || f.Sources[0].Text != "version: 1\n" {
		t.Errorf("change %+v, files %+v, policy %+v; want the target's policy", f.Change, f.Files, f.Sources)
	}
	m, head := s.merge("d", obj{"d.txt": "d\n"}, nil)
	list := func(base, head string) string {
		subjects, err := c.Changes(context.Background(), gate.Repo{Forge: "gitlab", Name: simRepo}, base, head)
		var got []int
		for _, x := range subjects {
			got = append(got, x.Change)
		}
		return fmt.Sprint(got, err)
	}
	for _, x := range []struct{ base, head, want string }{
		{"", "", fmt.Sprint([]int{n, m}, nil)}, {"main", "", fmt.Sprint([]int{n, m}, nil)}, {"other", "", "[] <nil>"},
		{"", head, fmt.Sprint([]int{m}, nil)}, {"", strings.Repeat("0", 40), "[] <nil>"},
	} {
		if got := list(x.base, x.head); got != x.want {
			t.Errorf("Changes(%q, %.8q) = %s, want %s", x.base, x.head, got, x.want)
		}
	}
}

// A hundred files and a hundred commits cost what one of each does.
func TestSimCountsOfALargeChange(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	n, head := s.ordinary("a")
	mustFacts(t, c, simChange(n), head)
	for i := range 100 {
		s.shop("/commits", obj{"branch": "large", "user": "alice", "message": fmt.Sprint("feat: ", i), "files": obj{fmt.Sprintf("large/%03d.go", i): "package large\n"}})
	}
	mr := s.shop("/merge_requests", obj{"source_branch": "large", "title": "feat: large", "author": "alice"})
	m := int(mr["iid"].(float64))
	s.act(m, "approve", obj{"user": "bob"})
	s.costs(c, m, s.head(m), "a hundred files and commits", 6)
	s.costs(c, m, s.head(m), "nothing changed", 2)
	if f := mustFacts(t, c, simChange(m), ""); len(f.Files) != 100 || len(f.Commits) != 100 || f.Change.Additions != 100 || f.Commits[99].ID != s.head(m) {
		t.Errorf("%d files, %d commits, %d lines", len(f.Files), len(f.Commits), f.Change.Additions)
	}
}
