package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks"
)

// TestASmallChangeIsReadAtOnceAsALargeOneIsInParts compares the two ways of reading, on all that is odd.
func TestASmallChangeIsReadAtOnceAsALargeOneIsInParts(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("line\n", 50)
	r := newRepo(t)
	before := r.commit("first", map[string]string{
		"edited.go": many, "moved.go": "moved\n" + many, "gone.go": "gone\n", "twin1": "same\n", "twin2": "same\n", "end": "no newline",
		"picture.png": "\x89PNG\x00\x01", "called-binary.txt": "password\n", "mode.sh": "run\n",
		"odd\tname\n\"quoted\"\\ é.txt": "a\n", "odd\nindex 0000..1111 100644\n@@ -1 +1 @@\n+x": "b\n",
	})
	r.git("mv", "moved.go", "here.go")
	if err := os.Chmod(filepath.Join(r.dir, "mode.sh"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("edited.go", filepath.Join(r.dir, "link")); err != nil {
		t.Fatal(err)
	}
	after := r.commit("second", map[string]string{
		"edited.go": "--- a/x\n+++ b/x\n" + many + "@@ -1 +1 @@\nindex 1..2 100644\n", "here.go": "moved\n" + many + "more\n", "gone.go": "-",
		"twin1": "other\n", "twin2": "other\n", "end": "no newline still", "new.go": "new\n", "empty": "", "picture.png": "\x89PNG\x00\x02",
		"called-binary.txt": "password\nsecret\n", "odd\tname\n\"quoted\"\\ é.txt": "aa\n", "odd\nindex 0000..1111 100644\n@@ -1 +1 @@\n+x": "bb\n",
		"latin.txt": "caf\xe9\n",
	})
	if err := os.WriteFile(filepath.Join(r.dir, ".git/info/attributes"), []byte("called-binary.txt binary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.git("config", "core.quotePath", "false")
	read := func(parts bool) []checks.File {
		x := r.reading(after)
		defer x.objects.close()
		if parts {
			x.patch = nil
			if err := x.inParts(before, after); err != nil {
				t.Fatalf("inParts: %v", err)
			}
		} else if err := x.atOnce(before, after); err != nil {
			t.Fatalf("atOnce: %v", err)
		}
		if err := x.sorted(); err != nil {
			t.Fatal(err)
		}
		if err := x.lines(before, after, func(f checks.File) bool { return f.Kind == "" && !f.Read && f.Path != "new.go" }); err != nil {
			t.Fatal(err)
		}
		return x.f.Files
	}
	got, want := read(false), read(true)
	if !reflect.DeepEqual(got, want) {
		for i := range want {
			if i >= len(got) || !reflect.DeepEqual(got[i], want[i]) {
				t.Errorf("atOnce gives %+v, want %+v as in parts", got[min(i, len(got)-1)], want[i])
			}
		}
	}
	if n := len(want); n != 15 {
		t.Errorf("%d files changed, want 15", n)
	}
}

func TestAnOddChangeIsNotReadAtOnce(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	before := r.commit("first", map[string]string{"type": "a\n"})
	if err := os.Remove(filepath.Join(r.dir, "type")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("x", filepath.Join(r.dir, "type")); err != nil {
		t.Fatal(err)
	}
	odd := r.commit("another type", nil)
	l := r.reading(odd)
	if err := l.atOnce(before, odd); !errors.Is(err, errOdd) || l.f.Files != nil || l.patch != nil {
		t.Errorf("atOnce = %v with %d files, want %v with none", err, len(l.f.Files), errOdd)
	}
}

// Of a difference that is too long to be kept the lines are counted, and are the same when they are asked for.
func TestALongDifferenceIsCountedAndReadAgain(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	before := r.commit("first", map[string]string{"a": "a\n"})
	const lines = mostKept / 1000
	after := r.commit("long", map[string]string{"long": strings.Repeat(strings.Repeat("x", 1100)+"\n", lines), "a": "b\n", "binary": "\x00"})
	l := r.reading(after)
	if err := l.files(before, after); err != nil || l.patch != nil || len(l.f.Files) != 3 {
		t.Fatalf("files = %v with %d files and patch %v, want 3 without", err, len(l.f.Files), l.patch)
	}
	if f := l.f.Files[2]; f.Path != "long" || f.Additions != lines || f.Read || l.f.Files[1].Kind != "binary" {
		t.Errorf("before the lines are read: %+v", l.f.Files)
	}
	if err := l.lines(before, after, func(f checks.File) bool { return f.Path == "a" }); err != nil {
		t.Fatal(err)
	}
	if f := l.f.Files[0]; len(f.Added) != 1 || f.Added[0].Text != "b" {
		t.Errorf("lines gives %+v", f)
	}
}

// What lies in one line is found without git, and nothing else is.
func TestLine(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	first := r.commit("first", map[string]string{"a": "a\n"})
	second := r.commit("second", map[string]string{"a": "b\n"})
	third := r.commit("third", map[string]string{"a": "c\n"})
	r.git("checkout", "-q", "-b", "side", first)
	side := r.commit("side", map[string]string{"b": "b\n"})
	r.git("merge", "-q", "--no-edit", third)
	merge := r.git("rev-parse", "HEAD")
	tree := r.git("rev-parse", second+"^{tree}")
	posing := r.commitOf("tree " + tree + "\nauthor A <a@x> 1700000000 +0000\ncommitter A <a@x> 1700000000 +0000\nparent " + first + "\n\nposing\n")
	for name, x := range map[string]struct {
		after, upTo string
		want        []string
	}{
		"two":                       {first, third, []string{third, second}},
		"none":                      {third, third, nil},
		"the other way":             {third, first, nil},
		"beside":                    {side, third, nil},
		"a merge":                   {third, merge, nil},
		"what only poses as parent": {first, posing, nil},
	} {
		if got := r.reading(x.upTo).line(x.after, x.upTo); !slices.Equal(got, x.want) {
			t.Errorf("%s: line = %q, want %q", name, got, x.want)
		}
	}
}

// commitOf writes a commit as it is given, however odd.
func (r *repo) commitOf(text string) string {
	r.t.Helper()
	file := filepath.Join(r.t.TempDir(), "commit")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return r.git("hash-object", "-t", "commit", "-w", "--literally", file)
}

func TestExpected(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	var ids []string
	for i := range 40 {
		ids = append(ids, r.commit(fmt.Sprint(i), map[string]string{"a": fmt.Sprint(i)}))
	}
	o := r.reading(ids[0]).objects
	all := func(string) bool { return true }
	ids[30] = strings.Repeat("1", 40)
	o.expect(ids, all)
	for i, id := range ids {
		if i == 10 { // one that was not expected
			if x, err := o.get(ids[35], largestCommit); err != nil || x.id != ids[35] {
				t.Errorf("get = %s, %v", x.id, err)
			}
			o.expect(ids[i:], all)
		}
		x, err := o.get(id, largestCommit)
		if i == 30 {
			if !errors.Is(err, errMissing) {
				t.Errorf("get of what is not there = %v", err)
			}
			continue
		}
		if err != nil || x.id != id || !strings.HasSuffix(string(x.data), "\n"+fmt.Sprint(i)+"\n") {
			t.Errorf("get(%d) = %s, %v", i, x.data, err)
		}
	}
}
