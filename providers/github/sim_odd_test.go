package github

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

func TestSimOddFiles(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	long := strings.Repeat("0123456789abcde\n", 50_000) // 800 kB: more than GraphQL shows
	s.shop("/commits", obj{"branch": "main", "user": "alice", "message": "Odd", "files": obj{"long.txt": long, "moved.txt": "one\ntwo\nthree\nfour\nfive\n", "gone.txt": "x\n"}})
	paths := []string{"long.txt", "huge.txt", "latin.txt", "link.md", "moved.txt", "new.txt", "gone.txt", "never.txt", "bin"}
	c.ask = func(_ *policy.Set, f *checks.Facts) *checks.Wants {
		w := &checks.Wants{}
		for _, p := range paths {
			w.WantText(f, checks.Base, p)
			w.WantText(f, checks.Head, p)
		}
		w.WantLines(f, func(checks.File) bool { return true })
		return w
	}
	n, head := s.pull(obj{"user": "bob", "title": "Odd", "files": obj{
		"long.txt": "first\n" + long, "huge.txt": strings.Repeat("0123456789abcde\n", 600_000), "latin.txt": obj{"base64": base64.StdEncoding.EncodeToString([]byte("caf\xe9\n"))},
		"link.md": obj{"base64": base64.StdEncoding.EncodeToString([]byte("README.md")), "mode": "120000"}, "moved.txt": nil, "new.txt": "one\ntwo\nthree\nfour\nfive\nsix\n", "gone.txt": nil,
		"bin": obj{"base64": "AAECAw=="}, "empty": ""}})
	f := mustFacts(t, c, change(n), head)
	for _, x := range []struct {
		side   checks.Side
		path   string
		kind   string
		absent bool
		length int
	}{
		{checks.Base, "long.txt", "", false, 800_000}, {checks.Head, "long.txt", "", false, 800_006}, {checks.Head, "huge.txt", "large", false, 0},
		{checks.Base, "huge.txt", "", true, 0}, {checks.Head, "latin.txt", "encoding", false, 0}, {checks.Head, "link.md", "symlink", false, 0},
		{checks.Head, "moved.txt", "", true, 0}, {checks.Base, "moved.txt", "", false, 24}, {checks.Head, "new.txt", "", false, 28}, {checks.Base, "new.txt", "", true, 0},
		{checks.Head, "gone.txt", "", true, 0}, {checks.Base, "gone.txt", "", false, 2}, {checks.Head, "never.txt", "", true, 0}, {checks.Head, "bin", "binary", false, 0},
	} {
		got, ok := f.Text(x.side, x.path)
		if !ok || got.Kind != x.kind || got.Absent != x.absent || len(got.Text) != x.length {
			t.Errorf("%s at %s: kind %q, absent %v, %d bytes, read %v; want %q, %v, %d", x.path, x.side, got.Kind, got.Absent, len(got.Text), ok, x.kind, x.absent, x.length)
		}
	}
	for _, x := range f.Files {
		t.Logf("%s %s->%s kind %q read %v cut %v +%d -%d", x.Status, x.Old, x.Path, x.Kind, x.Read, x.Cut, len(x.Added), len(x.Removed))
		switch x.Path {
		case "long.txt":
			if !x.Read || len(x.Added) != 1 || x.Added[0].Text != "first" {
				t.Errorf("lines of %s: %v", x.Path, x.Added[:min(3, len(x.Added))])
			}
		case "huge.txt":
			if !x.Read && !x.Cut {
				t.Errorf("%s is neither read nor cut", x.Path)
			}
		case "new.txt":
			if x.Old != "moved.txt" || x.Status != "renamed" || len(x.Added) != 1 {
				t.Errorf("file %+v", x)
			}
		}
	}
}

func TestSimMoreThanIsListed(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	n, head := s.pull(obj{"user": "bob", "title": "Long", "count": 260})
	for i := range 130 {
		s.shop(fmt.Sprintf("/pulls/%d/reviews", n), obj{"user": []string{"alice", "carol"}[i%2], "state": "COMMENTED", "body": fmt.Sprint(i)})
	}
	f := mustFacts(t, c, change(n), head)
	if f.Change.Head.Commit != head || len(f.Reviews) != 130 {
		t.Errorf("head %s, %d reviews", f.Change.Head.Commit, len(f.Reviews))
	}
	if g, ok := f.Gap("commits"); !ok || len(f.Commits) != 250 {
		t.Errorf("%d commits, gap %v", len(f.Commits), g)
	}
	t.Logf("%q; gaps %v", s.calls(), f.Gaps)
}

func TestSimMissingPermissions(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	n, head := s.pull(obj{"user": "bob", "title": "x", "files": obj{"a.txt": "a\n"}})
	f := mustFacts(t, c, change(n), head)
	if f.Teams["acme/release"].Complete != true {
		t.Errorf("teams %+v", f.Teams)
	}
	s.do("PATCH", "/installations/99", obj{"permissions": obj{"checks": "read", "contents": "read", "pull_requests": "read", "metadata": "read"}})
	s.do("POST", "/tokens/expire", obj{"installation_id": 99})
	c = s.client(Options{})
	f = mustFacts(t, c, change(n), head)
	if g, ok := f.Gap("teams"); !ok || !strings.Contains(g.Reason, "members=read") {
		t.Errorf("gaps %v", f.Gaps)
	}
	if _, err := c.Post(context.Background(), change(n), f, postsFor(f)); err == nil || !strings.Contains(err.Error(), "checks=write") {
		t.Errorf("Post without the permission = %v", err)
	}
}

func TestSimMovedTargets(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	n, head := s.pull(obj{"user": "bob", "title": "x", "files": obj{"a.txt": "a\n"}})
	first := mustFacts(t, c, change(n), head)
	s.shop("/commits", obj{"branch": "main", "user": "alice", "message": "On", "files": obj{"b.txt": "b\n", ".sluice.yml": "version: 1\n# new\n"}})
	s.calls()
	f := mustFacts(t, c, change(n), head)
	expectCalls(t, s, "the target moved on", "graphql:Facts")
	same(t, first.Files, f.Files)
	if f.Change.MergeBase != first.Change.MergeBase || f.Change.Base.Commit == first.Change.Base.Commit || !strings.Contains(f.Sources[0].Text, "# new") {
		t.Errorf("change %+v, policy %q", f.Change, f.Sources[0].Text)
	}
	s.shop("/commits", obj{"branch": f.Change.Head.Name, "user": "bob", "message": "Forced", "parent": f.Change.MergeBase, "files": obj{"c.txt": "c\n"}})
	forced := mustFacts(t, c, change(n), s.head(n))
	if len(forced.Files) != 1 || forced.Files[0].Path != "c.txt" {
		t.Errorf("files %+v", forced.Files)
	}
	if late := mustFacts(t, c, change(n), head); late.Change.Head.Commit != s.head(n) {
		t.Errorf("the change moved on by force: judged %s", late.Change.Head.Commit)
	}
	s.do("DELETE", "/repos/acme/shop/branches/"+f.Change.Head.Name, nil)
	if gone := mustFacts(t, c, change(n), ""); gone.Change.Head.Commit != forced.Change.Head.Commit {
		t.Errorf("change %+v", gone.Change)
	}
}
