package local

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// repo is a git repository under construction.
type repo struct {
	t   testing.TB
	dir string
}

func newRepo(t testing.TB, args ...string) *repo {
	t.Helper()
	r := &repo{t, filepath.Join(t.TempDir(), "shop")}
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r.git(append([]string{"init", "-q", "-b", "main"}, args...)...)
	return r
}

// git runs git as a user would, with a clock and names of its own.
func (r *repo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "GIT_") }),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Ana Lima", "GIT_AUTHOR_EMAIL=ana@acme.example",
		"GIT_COMMITTER_NAME=Bo Berg", "GIT_COMMITTER_EMAIL=bo@acme.example", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_DATE=2026-01-02T03:04:05Z", "GIT_ALLOW_PROTOCOL=file")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// write puts files into the work tree; a content of "-" deletes.
func (r *repo) write(files map[string]string) {
	r.t.Helper()
	for name, text := range files {
		path := filepath.Join(r.dir, name)
		if text == "-" {
			if err := os.Remove(path); err != nil {
				r.t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
}

// commit writes files, commits everything and returns the commit's id.
func (r *repo) commit(message string, files map[string]string) string {
	r.t.Helper()
	r.write(files)
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", message)
	return r.git("rev-parse", "HEAD")
}

func (r *repo) facts(base, head string) *checks.Facts {
	r.t.Helper()
	f, err := openFacts(r.dir, base, head, nil)
	if err != nil {
		r.t.Fatalf("Facts(%q, %q): %v", base, head, err)
	}
	return f
}

func openFacts(dir, base, head string, given *policy.Source) (*checks.Facts, error) {
	l, err := Open(dir)
	if err != nil {
		return nil, err
	}
	return l.Facts(context.Background(), base, head, given)
}

// reading opens a repository for a test of one part.
func (r *repo) reading(head string) *reading {
	r.t.Helper()
	l, err := Open(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	x := &reading{Repository: l, ctx: r.t.Context(), objects: l.reader(r.t.Context()), f: &checks.Facts{Change: &checks.Change{}}}
	r.t.Cleanup(x.objects.close)
	x.f.Change.Head.Commit = head
	return x
}

func paths(f *checks.Facts) string {
	var s []string
	for _, x := range f.Files {
		e := x.Status[:1] + " " + x.Path
		if x.Old != "" {
			e += " < " + x.Old
		}
		if x.Kind != "" {
			e += " " + x.Kind
		}
		s = append(s, fmt.Sprintf("%s +%d-%d", e, x.Additions, x.Deletions))
	}
	return strings.Join(s, "; ")
}

func TestChangeOfABranch(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.git("remote", "add", "origin", "git@git.acme.example:acme/shop.git")
	start := r.commit("start", map[string]string{"a.txt": "1\n2\n3\n", "b/old.txt": strings.Repeat("same\n", 50), "gone": "x\n", "mode.sh": "x\n"})
	r.git("checkout", "-q", "-b", "topic")
	first := r.commit("feat: more\n\nWords.\n\nCo-authored-by: Cid <cid@acme.example>\nco-authored-by: Dora Dorn <4+dora@users.noreply.github.com>\n",
		map[string]string{"a.txt": "1\ntwo\n3\n", "new ü\t\"x\".txt": "n\n"})
	r.git("mv", "b/old.txt", "b/moved.txt")
	r.git("update-index", "--chmod=+x", "mode.sh")
	r.write(map[string]string{"b/moved.txt": strings.Repeat("same\n", 50) + "and one\n", "gone": "-"})
	r.git("add", "b", "gone")
	r.git("commit", "-q", "-m", "second")
	r.git("reset", "-q", "--hard")
	head := r.git("rev-parse", "HEAD")
	r.git("checkout", "-q", "main")
	tip := r.commit("meanwhile", map[string]string{"other": "x\n"})
	r.git("checkout", "-q", "topic")

	f := r.facts("", "")
	c := f.Change
	if c.MergeBase != start || c.Base != (checks.Ref{Name: "main", Commit: tip}) || c.Head != (checks.Ref{Name: "topic", Commit: head}) {
		t.Errorf("Facts(…): merge base %s, base %+v, head %+v, want %s, main at %s, topic at %s", c.MergeBase, c.Base, c.Head, start, tip, head)
	}
	want := "m a.txt +1-1; r b/moved.txt < b/old.txt +1-0; r gone +0-1; c mode.sh +0-0; a new ü\t\"x\".txt +1-0"
	if got := paths(f); got != want {
		t.Errorf("Facts(…).Files = %s\nwant %s", got, want)
	}
	if c.Additions != 3 || c.Deletions != 2 || c.ChangedFiles != 5 || c.CommitCount != 2 || c.Title != "topic" {
		t.Errorf("Facts(…).Change = %+v, want 3 lines added, 2 removed, 5 files, 2 commits, title topic", c)
	}
	if len(f.Commits) != 2 || f.Commits[0].ID != first || !reflect.DeepEqual(f.Commits[0].Parents, []string{start}) {
		t.Fatalf("Facts(…).Commits = %+v, want %s first, on %s", f.Commits, first, start)
	}
	one := f.Commits[0]
	people := []checks.Person{one.Author, one.Committer, one.CoAuthors[0], one.CoAuthors[1]}
	if want := []checks.Person{{Name: "Ana Lima", Email: "ana@acme.example"}, {Name: "Bo Berg", Email: "bo@acme.example"},
		{Name: "Cid", Email: "cid@acme.example"}, {Name: "Dora Dorn", Email: "4+dora@users.noreply.github.com"}}; !reflect.DeepEqual(people, want) {
		t.Errorf("Facts(…).Commits[0] is by %+v, want %+v", people, want)
	}
	if !f.Local || f.Subject.Repo != "acme/shop" || f.Repository.Default != "main" || f.Subject.Forge != "local" {
		t.Errorf("Facts(…) of %+v, repository %+v", f.Subject, f.Repository)
	}
}

func TestWhereAChangeBegins(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	root := r.commit("root", map[string]string{"a": "1\n"})
	second := r.commit("second", map[string]string{"a": "2\n"})
	third := r.commit("third", map[string]string{"a": "3\n"})
	r.git("tag", "v1", second)
	r.git("checkout", "-q", "-b", "topic", second)
	topic := r.commit("topic", map[string]string{"b": "1\n"})
	r.git("checkout", "-q", "--orphan", "island")
	island := r.commit("island", nil)
	for name, c := range map[string]struct{ base, head, mergeBase, tip, headID string }{
		"on the default branch, the commit before": {"", "main", second, second, third},
		"an older commit of the default branch":    {"", "v1", root, root, second},
		"the first commit of all":                  {"", root, "", "", root},
		"on a branch":                              {"", "topic", second, third, topic},
		"given by name":                            {"v1", "main", second, second, third},
		"given by an abbreviation":                 {root[:10], "topic", root, root, topic},
		"given by a distance":                      {"main~2", "main", root, root, third},
		"given, ahead of the head":                 {"main", "v1", second, third, second},
		"a branch that has nothing in common":      {"", "island", "", third, island},
		"HEAD, where nothing is said":              {"main", "", "", third, island},
	} {
		f := r.facts(c.base, c.head)
		if g := f.Change; g.MergeBase != c.mergeBase || g.Base.Commit != c.tip || g.Head.Commit != c.headID {
			t.Errorf("%s: Facts(%q, %q) begins at %q on %q with head %q, want %q, %q, %q", name, c.base, c.head,
				g.MergeBase, g.Base.Commit, g.Head.Commit, c.mergeBase, c.tip, c.headID)
		}
		if _, gap := f.Gap("files"); gap != (c.headID == island) {
			t.Errorf("%s: Facts(%q, %q).Gaps = %v", name, c.base, c.head, f.Gaps)
		}
	}
	if got := paths(r.facts("", root)); got != "a a +1-0" {
		t.Errorf("Facts of the first commit shows %s, want the file added", got)
	}
	// What is at the remote counts before what is here.
	r.git("update-ref", "refs/remotes/origin/trunk", root)
	r.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
	if g := r.facts("", "main").Change; g.MergeBase != root || g.Base.Name != "trunk" {
		t.Errorf("Facts with origin/HEAD begins at %s on %s, want %s on trunk", g.MergeBase, g.Base.Name, root)
	}
}

func TestRevisionsThatAreNone(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("root", map[string]string{"a": "1\n"})
	for _, rev := range []string{"-h", "--output=x", "nothing", "a b", "main\nmain", "main:a", "\x00", strings.Repeat("x", 100000)} {
		if f, err := openFacts(r.dir, "", rev, nil); err == nil {
			t.Errorf("Facts(…, %.40q) = %+v, want an error", rev, f.Change)
		}
		if f, err := openFacts(r.dir, rev, "", nil); err == nil {
			t.Errorf("Facts(%.40q, …) = %+v, want an error", rev, f.Change)
		}
	}
	if _, err := openFacts(t.TempDir(), "", "", nil); err == nil || !strings.Contains(err.Error(), "not a git repository") {
		t.Errorf("Open(an empty folder) = %v, want: not a git repository", err)
	}
	if _, err := openFacts(newRepo(t).dir, "", "", nil); err == nil || !strings.Contains(err.Error(), "no commits yet") {
		t.Errorf("Facts of an empty repository = %v, want: no commit", err)
	}
}

func TestPolicyComesFromTheBase(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	base := r.commit("root", map[string]string{".github/sluice.yml": "version: 1\n"})
	r.git("checkout", "-q", "-b", "topic")
	r.commit("mine", map[string]string{".sluice.yml": "version: 1\napproval: {mode: off}\n", ".github/sluice.yml": "version: 1\n# weaker\n"})
	want := []policy.Source{{Origin: policy.Repository, Name: ".github/sluice.yml", Commit: base, Text: "version: 1\n"}}
	if got := r.facts("", "").Sources; !reflect.DeepEqual(got, want) {
		t.Errorf("Facts(…).Sources = %+v, want %+v", got, want)
	}
	given := policy.Source{Origin: policy.Given, Name: "x.yml", Text: "version: 1\n"}
	f, err := openFacts(r.dir, "", "", &given)
	if err != nil || !reflect.DeepEqual(f.Sources, []policy.Source{given}) {
		t.Errorf("Facts with a policy given = %+v, %v, want that one alone", f.Sources, err)
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	if err := os.Symlink("text", filepath.Join(r.dir, "link")); err != nil {
		t.Fatal(err)
	}
	head := r.commit("root", map[string]string{
		"text": "ä\r\n", "dir/in": "x", "binary": "a\x00b", "latin": "\xe4\n", "pointer": lfsPointer + "oid sha256:1\nsize 3\n",
		"empty": "", "odd\nname": "odd", "large": strings.Repeat("x", largestText+1),
	})
	x := r.reading(head)
	for path, want := range map[string]checks.Text{
		"text": {Text: "ä\r\n"}, "dir/in": {Text: "x"}, "binary": {Kind: "binary"}, "latin": {Kind: "encoding"}, "pointer": {Kind: "lfs"},
		"empty": {}, "odd\nname": {Text: "odd"}, "large": {Kind: "large"}, "link": {Kind: "symlink"}, "dir": {Absent: true}, "nothing": {Absent: true},
		"text/in": {Absent: true}, "link/in": {Absent: true}, "../text": {Absent: true}, "./text": {Absent: true}, "": {Absent: true}, "/text": {Absent: true},
	} {
		want.Side, want.Path = checks.Head, path
		if got, err := x.text(checks.Head, head, path); err != nil || got != want {
			t.Errorf("text(%q) = %.60v, %v, want %v", path, got, err, want)
		}
	}
	if got, err := x.text(checks.Base, "", "text"); err != nil || !got.Absent {
		t.Errorf("text at a side that is not there = %v, %v, want it absent", got, err)
	}
	if _, err := x.text(checks.Head, strings.Repeat("1", 40), "text"); !x.lacks(err) {
		t.Errorf("text at a commit that is not there: %v, want it missing", err)
	}
	if got, err := x.text(checks.Head, head, "empty"); err != nil || got.Text != "" || got.Kind != "" {
		t.Errorf("text after one that was missing = %v, %v", got, err)
	}
	listed, err := x.list(head, func(p string) bool { return strings.Contains(p, "d") })
	if slices.Sort(listed); err != nil || !reflect.DeepEqual(listed, []string{"dir/in", "odd\nname"}) {
		t.Errorf("list(…) = %q, %v", listed, err)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	many := strings.Repeat("line\n", 30)
	r.commit("root", map[string]string{
		"edit": "1\n2\n3\n4\n5\n", "old": "first\n" + many, "removed": "-- a\n", "latin": "x\n", "crlf": "a\r\nb\r\n", "pointer": lfsPointer + "oid sha256:1\nsize 3\n",
		"unwanted": "1\n", "twin1": "same\n", "twin2": "same\n",
	})
	r.git("mv", "old", "renamed")
	head := r.commit("edit", map[string]string{
		"edit": "1\ntwo\n2b\n3\n5\n", "renamed": "First\n" + many, "removed": "-", "latin": "\xe4\n", "crlf": "a\r\nB\r\n", "added": "++ x\n--- y\ndiff --git a b\nno end",
		"pointer": lfsPointer + "oid sha256:2\nsize 3\n", "unwanted": "2\n", "twin1": "other\n", "twin2": "other\n", "bin": "\x00\n",
		"long": strings.Repeat("y", 200<<10) + "\n",
	})
	x := r.reading(head)
	base := r.git("rev-parse", "HEAD~")
	if err := x.files(base, head); err != nil {
		t.Fatal(err)
	}
	if err := x.lines(base, head, func(f checks.File) bool { return f.Path != "unwanted" && f.Kind == "" && !f.Read }); err != nil {
		t.Fatal(err)
	}
	lines := func(ls []checks.Line) string {
		var s []string
		for _, l := range ls {
			s = append(s, fmt.Sprintf("%d:%.20s", l.N, l.Text))
		}
		return strings.Join(s, "|")
	}
	for path, want := range map[string]string{
		"edit": "+2:two|3:2b -2:2|4:4 read", "renamed": "+1:First -1:first read", "removed": "+ -1:-- a read", "latin": "+ - cut", "crlf": "+2:B -2:b read",
		"added": "+1:++ x|2:--- y|3:diff --git a b|4:no end - read", "pointer": "+ - lfs", "unwanted": "+ -", "twin1": "+1:other -1:same read",
		"twin2": "+1:other -1:same read", "bin": "+ - binary", "long": "+1:yyyyyyyyyyyyyyyyyyyy - read",
	} {
		f := x.f.File(path)
		got := "+" + lines(f.Added) + " -" + lines(f.Removed)
		switch {
		case f.Cut:
			got += " cut"
		case f.Read:
			got += " read"
		case f.Kind != "":
			got += " " + f.Kind
		}
		if got != want {
			t.Errorf("lines of %s = %s, want %s", path, got, want)
		}
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	c := r.commit("root", map[string]string{"a": "1\n"})
	r.git("tag", "v1.0.0")
	r.git("tag", "-a", "v1.1.0", "-m", "x")
	r.git("tag", "-a", "nested", "v1.1.0", "-m", "x")
	r.git("tag", "tree", "HEAD^{tree}")
	r.git("tag", "a/b")
	r.commit("next", map[string]string{"a": "2\n"})
	var got []string
	for _, x := range r.facts("", "").Tags {
		if x.Commit != c || x.At.IsZero() {
			t.Errorf("tag %+v, want one of commit %s with a time", x, c)
		}
		got = append(got, fmt.Sprint(x.Name, " ", x.Annotated))
	}
	if want := []string{"a/b false", "nested true", "v1.0.0 false", "v1.1.0 true"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Facts(…).Tags = %q, want %q", got, want)
	}
}

func TestKindsOfRepository(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("root", map[string]string{"a/b/c": "1\n", ".sluice.yml": "version: 1\n"})
	r.git("checkout", "-q", "-b", "topic")
	r.commit("more", map[string]string{"a/b/c": "2\n"})
	want := paths(r.facts("", "topic"))
	at := func(name string) string { return filepath.Join(filepath.Dir(r.dir), name) }
	r.git("clone", "-q", "--bare", r.dir, at("bare.git"))
	r.git("worktree", "add", "-q", "--detach", at("linked"), "topic")
	r.git("clone", "-q", r.dir, at("clone"))
	r.git("clone", "-q", "--filter=blob:none", "--no-checkout", "--bare", "file://"+r.dir, at("partial.git"))
	r.git("config", "uploadpack.allowFilter", "true")
	for _, dir := range []string{r.dir, filepath.Join(r.dir, "a/b"), at("bare.git"), at("linked"), at("clone"), at("partial.git"), filepath.Join(r.dir, ".git")} {
		f, err := openFacts(dir, "main", "topic", nil)
		if dir == at("clone") {
			f, err = openFacts(dir, "", "", nil)
		}
		if err != nil || paths(f) != want || len(f.Sources) != 1 {
			t.Errorf("Facts of %s = %v, %v, want %s", dir, f, err, want)
			continue
		}
		if dir == at("linked") && f.Subject.Repo != "shop" {
			t.Errorf("a linked work tree is called %q, want shop", f.Subject.Repo)
		}
	}
}

func TestShallowClones(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("root", map[string]string{"a": "1\n"})
	r.commit("second", map[string]string{"a": "2\n"})
	r.git("checkout", "-q", "-b", "topic")
	r.commit("third", map[string]string{"b": "1\n"})
	r.commit("fourth", map[string]string{"b": "2\n"})
	at := func(name string) string { return filepath.Join(filepath.Dir(r.dir), name) }
	clone := func(name string, args ...string) string {
		r.git(append(append([]string{"clone", "-q"}, args...), "file://"+r.dir, at(name))...)
		return at(name)
	}
	for name, c := range map[string]struct {
		dir, base string
		gap       string
		files     string
	}{
		"deep enough":               {clone("deep", "--depth=3", "--no-single-branch"), "origin/main", "", "a b +1-0"},
		"one commit, a base given":  {clone("one", "--depth=1", "--no-single-branch"), "origin/main", "git fetch --deepen", ""},
		"one commit, nothing given": {clone("alone", "--depth=1"), "", "git fetch --deepen", ""},
	} {
		f, err := openFacts(c.dir, c.base, "", nil)
		if err != nil {
			t.Errorf("%s: Facts(…) = %v", name, err)
			continue
		}
		g, _ := f.Gap("files")
		if got := paths(f); got != c.files || !strings.Contains(g.Reason, c.gap) || (c.gap == "") != (g.Reason == "") {
			t.Errorf("%s: Facts(…) = %s with gap %q, want %q with %q", name, got, g.Reason, c.files, c.gap)
		}
	}
	if _, err := openFacts(at("alone"), "origin/main", "", nil); err == nil || !strings.Contains(err.Error(), "git fetch") {
		t.Errorf("Facts from a branch that is not here = %v, want advice to fetch", err)
	}
}

func TestPartialCloneThatCannotFetch(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.git("config", "uploadpack.allowFilter", "true")
	r.commit("root", map[string]string{"a": "1\n", ".sluice.yml": "version: 1\n"})
	r.git("checkout", "-q", "-b", "topic")
	r.commit("more", map[string]string{"a": "2\n"})
	at := filepath.Join(filepath.Dir(r.dir), "partial.git")
	r.git("clone", "-q", "--filter=blob:none", "--bare", "file://"+r.dir, at)
	p := &repo{t, at}
	if f, err := openFacts(at, "main", "topic", nil); err != nil || paths(f) != "m a +1-1" {
		t.Fatalf("Facts of a partial clone = %v, %v, want the missing fetched", f, err)
	}
	r.git("clone", "-q", "--filter=blob:none", "--bare", "file://"+r.dir, at+"2")
	p = &repo{t, at + "2"}
	ran := filepath.Join(filepath.Dir(r.dir), "ran")
	p.git("config", "remote.origin.uploadpack", "touch "+ran+"; git-upload-pack")
	given := &policy.Source{Origin: policy.Given, Name: "x", Text: "version: 1\n"}
	f, err := openFacts(p.dir, "main", "topic", given)
	if err != nil {
		t.Fatalf("Facts of a partial clone that must not fetch: %v", err)
	}
	if g, ok := f.Gap("files"); !ok || !strings.Contains(g.Reason, "name a program") {
		t.Errorf("Facts(…).Gaps = %v, want the files missing, and why", f.Gaps)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Errorf("Facts ran the program that the repository names")
	}
}

// TestHostileRepositories has programs wherever git would run one, and attributes that hide text.
func TestHostileRepositories(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	ran := filepath.Join(filepath.Dir(r.dir), "ran")
	program := filepath.Join(filepath.Dir(r.dir), "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$0 $@\" >> "+ran+"\ncat 2>/dev/null\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.commit("root", map[string]string{"a.go": "1\n", "b.go": "1\n", "real.png": "\x00"})
	r.git("checkout", "-q", "-b", "topic")
	r.commit("mine", map[string]string{"a.go": "2\n", "b.go": "2\n", "real.png": "\x00\x01", ".gitattributes": "*.go -diff binary\n*.md diff=x filter=x\n", "c.md": "1\n"})
	for _, s := range [][2]string{
		{"core.fsmonitor", program}, {"core.hooksPath", filepath.Dir(program)}, {"core.pager", program}, {"diff.external", program},
		{"diff.x.textconv", program}, {"diff.x.command", program}, {"filter.x.clean", program}, {"filter.x.smudge", program},
		{"log.showSignature", "true"}, {"gpg.program", program}, {"core.editor", program}, {"core.alternateRefsCommand", program},
		{"diff.renames", "false"}, {"diff.noprefix", "true"}, {"color.ui", "always"}, {"core.quotePath", "false"}, {"diff.context", "9"},
		{"diff.algorithm", "patience"}, {"diff.orderFile", program}, {"diff.ignoreSubmodules", "all"}, {"diff.submodule", "log"},
	} {
		r.git("config", s[0], s[1])
	}
	if err := os.WriteFile(filepath.Join(r.dir, ".git", "info", "attributes"), []byte("b.go binary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mine := r.reading(r.git("rev-parse", "topic"))
	_ = os.Remove(ran)
	f := r.facts("main", "topic")
	want := "a .gitattributes +2-0; m a.go +1-1; m b.go +1-1; a c.md +1-0; m real.png binary +0-0"
	if got := paths(f); got != want {
		t.Errorf("Facts(…).Files = %s\nwant %s", got, want)
	}
	mine.f.Files, mine.blobs = nil, nil
	base := f.Change.MergeBase
	if err := mine.files(base, f.Change.Head.Commit); err != nil {
		t.Fatal(err)
	}
	if err := mine.lines(base, f.Change.Head.Commit, func(x checks.File) bool { return x.Kind == "" }); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"a.go", "b.go", "c.md"} {
		if x := mine.f.File(path); !x.Read || len(x.Added) != 1 || x.Additions != 1 {
			t.Errorf("lines of %s = %+v, want one added line read", path, x)
		}
	}
	if b, err := os.ReadFile(ran); err == nil {
		t.Errorf("Facts ran programs that the repository names:\n%s", b)
	}
}

func TestReplacedObjectsAreNotBelieved(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("root", map[string]string{"a": "1\n"})
	r.git("checkout", "-q", "-b", "topic")
	bad := r.commit("bad", map[string]string{"secret": "1\n"})
	r.git("replace", bad, "main")
	if got := paths(r.facts("main", bad)); got != "a secret +1-0" {
		t.Errorf("Facts of a replaced commit shows %q, want what it holds", got)
	}
}

func TestLinksSubmodulesAndChangesOfType(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("root", map[string]string{"was-file": "target", "x": "1\n"})
	r.git("checkout", "-q", "-b", "topic")
	r.write(map[string]string{"was-file": "-"})
	if err := os.Symlink("target", filepath.Join(r.dir, "was-file")); err != nil {
		t.Fatal(err)
	}
	r.git("add", "-A")
	r.git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",module")
	r.git("commit", "-q", "-m", "x")
	if got := paths(r.facts("main", "topic")); got != "a module submodule +1-0; c was-file symlink +0-0" {
		t.Errorf("Facts(…).Files = %s", got)
	}
}

func TestManyPathsAndOddNames(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	before, after := map[string]string{}, map[string]string{}
	for i := range 1500 {
		name := fmt.Sprintf("folder-with-a-long-name-%d/:(exclude)*%s-%d", i%7, strings.Repeat("n", 80), i)
		before[name], after[name] = fmt.Sprintln("before", i), fmt.Sprintln("after", i)
	}
	r.commit("root", before)
	head := r.commit("edit", after)
	base := r.git("rev-parse", "HEAD~")
	x := r.reading(head)
	if err := x.files(base, head); err != nil {
		t.Fatal(err)
	}
	if err := x.lines(base, head, func(checks.File) bool { return true }); err != nil {
		t.Fatal(err)
	}
	for _, f := range x.f.Files {
		if !f.Read || len(f.Added) != 1 || !strings.HasPrefix(f.Added[0].Text, "after") {
			t.Fatalf("lines of %s = %+v, want one added", f.Path, f)
		}
	}
	if len(x.f.Files) != 1500 {
		t.Errorf("files(…) found %d files, want 1500", len(x.f.Files))
	}
}

func TestNameOfARepository(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://github.com/acme/shop.git": "acme/shop", "git@github.com:acme/shop.git": "acme/shop", "ssh://git@h:22/a/b/c": "a/b/c",
		"https://user:secret@h/acme/shop": "acme/shop", "/srv/git/shop.git": "", "../shop": "", "file:///srv/shop": "", "C:\\x\\y": "", "": "",
	} {
		if got := fromAddress(address); got != want {
			t.Errorf("fromAddress(%q) = %q, want %q", address, got, want)
		}
	}
}

func FuzzParseCommit(f *testing.F) {
	f.Add("tree x\nparent y\nauthor A <a@b> 1 +0000\ncommitter B <b@c> 2 +0000\ngpgsig x\n y\n\nsubject\n\nCo-authored-by: C <c@d>\n")
	f.Add("author <<>> x\n\n")
	f.Add("\n\n\xff")
	f.Fuzz(func(t *testing.T, data string) {
		c := parseCommit("id", data)
		for _, s := range []string{c.Message, c.Author.Name, c.Author.Email, c.Committer.Name} {
			if !bytes.Equal([]byte(s), []byte(strings.ToValidUTF8(s, ""))) {
				t.Errorf("parseCommit(%q) holds %q, which is not UTF-8", data, s)
			}
		}
	})
}

func FuzzReadLines(f *testing.F) {
	f.Add("diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1 +1,2 @@ f\n-a\n+b\n+c\n\\ No newline at end of file\n")
	f.Add("index 1..2\n@@ -0,0 +1,999999999 @@\n+x")
	f.Add("@@ -1 +1 @@\n\n")
	f.Fuzz(func(t *testing.T, out string) {
		x := checks.File{Path: "x"}
		r := &reading{}
		if err := r.readLines(strings.NewReader(out), wanted{{"1", "2"}: {&x}}); err == nil && len(x.Added)+len(x.Removed) > strings.Count(out, "\n")+1 {
			t.Errorf("readLines(%q) finds %d lines", out, len(x.Added)+len(x.Removed))
		}
	})
}
