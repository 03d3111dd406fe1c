package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
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

func TestALargeOrOddChangeIsNotReadAtOnce(t *testing.T) {
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
	long := r.commit("long", map[string]string{"long": strings.Repeat("line\n", mostBytesAtOnce/5)})
	files := map[string]string{}
	for i := range mostAtOnce + 1 {
		files[fmt.Sprint("f", i)] = "x\n"
	}
	many := r.commit("many", files)
	for name, x := range map[string][2]string{"a change of type": {before, odd}, "much text": {odd, long}, "many files": {long, many}} {
		l := r.reading(x[1])
		if err := l.atOnce(x[0], x[1]); !errors.Is(err, errNotSmall) || l.f.Files != nil || l.patch != nil {
			t.Errorf("%s: atOnce = %v with %d files, want %v with none", name, err, len(l.f.Files), errNotSmall)
		}
		l.objects.close()
	}
}
