package compare

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
)

func TestHunks(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		patch          string
		added, removed string
		ok             bool
	}{
		"one hunk":                      {"@@ -1,3 +1,3 @@ func x\n a\n-b\n+c\n d", "2:c", "2:b", true},
		"two hunks":                     {"@@ -1 +1,2 @@\n a\n+b\n@@ -9,2 +10 @@\n-x\n y", "2:b", "9:x", true},
		"a line that looks like a hunk": {"@@ -0,0 +1,2 @@\n+@@ -1 +1 @@\n+x", "1:@@ -1 +1 @@ 2:x", "", true},
		"lines that look like headers":  {"@@ -1,1 +1,1 @@\n--- a\n+++ b", "1:++ b", "1:-- a", true},
		"no newline at the end":         {"@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a", "1:a", "1:a", true},
		"windows lines":                 {"@@ -0,0 +1 @@\n+a\r", "1:a", "", true},
		"cut short":                     {"@@ -1,3 +1,3 @@\n a\n-b", "", "", false},
		"more than was said":            {"@@ -1 +1 @@\n-a\n+b\n+c", "", "", false},
		"rubbish":                       {"hello", "", "", false},
		"a number too large":            {"@@ -1,99999999999999999999 +1 @@\n-a\n+b", "", "", false},
		"nothing":                       {"", "", "", true},
	} {
		added, removed, ok := Hunks(x.patch)
		if ok != x.ok || ok && (shown(added) != x.added || shown(removed) != x.removed) {
			t.Errorf("%s: Hunks = %q, %q, %v; want %q, %q, %v", name, shown(added), shown(removed), ok, x.added, x.removed, x.ok)
		}
	}
}

func shown(lines []checks.Line) string {
	var s []string
	for _, l := range lines {
		s = append(s, fmt.Sprintf("%d:%s", l.N, l.Text))
	}
	return strings.Join(s, " ")
}

func FuzzHunks(f *testing.F) {
	f.Add("@@ -1,3 +1,3 @@ func x\n a\n-b\n+c\n d")
	f.Add("@@ -0,0 +1 @@\n+a\r\n\\ No newline at end of file")
	f.Add("@@ -1,99999999999999999999 +1 @@\n-a\n+b")
	f.Fuzz(func(t *testing.T, patch string) {
		added, removed, ok := Hunks(patch)
		if ok {
			Refine(added, removed)
			KindOf(patch, added, removed)
		}
	})
}

func FuzzBetween(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nx\nc\nd\n")
	f.Add("", "a")
	f.Add("a\n\nb\n\nc\n", "\n\na\nb\n")
	f.Add("x\nx\nx\ny\n", "y\nx\nz\nx\nx")
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Contains(before+after, "\r") {
			return // endings are no part of lines
		}
		added, removed := Between(before, after)
		gone := map[int]bool{}
		a, b := texts(numbered(before)), texts(numbered(after))
		for _, l := range removed {
			if l.N < 1 || l.N > len(a) || a[l.N-1] != l.Text || gone[l.N] {
				t.Fatalf("removed %+v of %q", removed, before)
			}
			gone[l.N] = true
		}
		come := map[int]bool{}
		for _, l := range added {
			if l.N < 1 || l.N > len(b) || b[l.N-1] != l.Text || come[l.N] {
				t.Fatalf("added %+v of %q", added, after)
			}
			come[l.N] = true
		}
		left := func(lines []string, out map[int]bool) (kept []string) {
			for i, l := range lines {
				if !out[i+1] {
					kept = append(kept, l)
				}
			}
			return kept
		}
		if x, y := left(a, gone), left(b, come); !slices.Equal(x, y) {
			t.Fatalf("Between(%q, %q): what is left differs: %q and %q", before, after, x, y)
		}
	})
}

func TestBetweenIsClose(t *testing.T) {
	t.Parallel()
	added, removed := Between("a\nb\nc\nb\ne\n", "a\nb\nX\nb\ne\nf\n")
	if shown(added) != "3:X 6:f" || shown(removed) != "3:c" {
		t.Errorf("added %q, removed %q", shown(added), shown(removed))
	}
	var long strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&long, "%d\n", i%977)
	}
	began := time.Now()
	added, removed = Between(long.String(), "new\n"+strings.Replace(long.String(), "\n500\n", "\nfive hundred\n", 1))
	if len(added) != 2 || len(removed) != 1 || time.Since(began) > 5*time.Second {
		t.Errorf("%d added, %d removed in %v", len(added), len(removed), time.Since(began))
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("a", 64) + "\nsize 12\n"
	add := func(text string) string {
		n := strings.Count(text, "\n")
		return fmt.Sprintf("@@ -0,0 +1,%d @@\n+%s", n, strings.TrimSuffix(strings.ReplaceAll(text, "\n", "\n+"), "\n+"))
	}
	for name, x := range map[string]struct{ patch, want string }{
		"a pointer of Git LFS":                {add(pointer), "lfs"},
		"a pointer with a secret behind it":   {add(pointer + "password = hunter2\n"), ""},
		"a submodule that moved":              {"@@ -1 +1 @@\n-Subproject commit " + strings.Repeat("a", 40) + "\n+Subproject commit " + strings.Repeat("b", 40), "submodule"},
		"a text that speaks of a submodule":   {add("Subproject commit " + strings.Repeat("a", 40) + "\nand more\n"), ""},
		"a text":                              {add("hello\n"), ""},
		"a text that became a pointer":        {"@@ -1 +1,3 @@\n-key = 1\n" + strings.SplitN(add(pointer), "\n", 2)[1], ""},
		"a size that was edited in a pointer": {"@@ -1,3 +1,3 @@\n version https://git-lfs.github.com/spec/v1\n oid sha256:" + strings.Repeat("a", 64) + "\n-size 1\n+size 2", "lfs"},
	} {
		added, removed, ok := Hunks(x.patch)
		if got := KindOf(x.patch, added, removed); !ok || got != x.want {
			t.Errorf("%s: KindOf = %q (read %v), want %q", name, got, ok, x.want)
		}
	}
}

func TestTrees(t *testing.T) {
	t.Parallel()
	e := func(path, id string, mode int) Entry { return Entry{path, mode, id, 5} }
	before := []Entry{e("a", "1", 0o100644), e("b", "2", 0o100644), e("c", "3", 0o100644), e("d", "4", 0o100644), e("m", "9", 0o100644)}
	after := []Entry{e("a", "1", 0o100644), e("b", "20", 0o100644), e("d", "4", 0o100755), e("link", "5", Link), e("sub", "6", Submodule), e("z", "3", 0o100644)}
	files, _ := Trees(before, after)
	var got []string
	for _, f := range files {
		got = append(got, strings.Join([]string{f.Status, f.Old, f.Path, f.Kind}, ","))
	}
	want := []string{"modified,,b,", "changed,,d,", "added,,link,symlink", "removed,,m,", "added,,sub,submodule", "renamed,c,z,"}
	if !slices.Equal(got, want) {
		t.Errorf("Trees = %q, want %q", got, want)
	}
}
