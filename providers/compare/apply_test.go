package compare

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

func TestApply(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		before, patch, after string
		ok                   bool
	}{
		"a line":                   {"a\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", "a\nB\nc\n", true},
		"two hunks":                {"a\nb\nc\nd\ne\n", "@@ -1 +1,2 @@\n a\n+x\n@@ -5 +6 @@\n-e\n+E\n", "a\nx\nb\nc\nd\nE\n", true},
		"a new file":               {"", "@@ -0,0 +1,2 @@\n+a\n+b\n", "a\nb\n", true},
		"an end without a newline": {"a\nb", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n", "a\nc\n", true},
		"an end that loses it":     {"a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n", "a\nc", true},
		"an end that keeps none":   {"a\nb", "@@ -1,2 +1,3 @@\n+x\n a\n b\n\\ No newline at end of file", "x\na\nb", true},
		"an insertion":             {"a\nb\n", "@@ -1,0 +2 @@\n+x\n", "a\nx\nb\n", true},
		"windows lines":            {"a\r\nb\r\n", "@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n", "a\r\nc\r\n", true},
		"another text":             {"a\nz\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", "", false},
		"another context":          {"z\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", "", false},
		"a text that is too short": {"a\n", "@@ -5 +5 @@\n-b\n+B\n", "", false},
		"a newline more":           {"a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n", "", false},
		"a patch cut short":        {"a\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n", "", false},
		"hunks out of order":       {"a\nb\nc\n", "@@ -3 +3 @@\n-c\n+C\n@@ -1 +1 @@\n-a\n+A\n", "", false},
		"no patch":                 {"a\n", "hello", "", false},
	} {
		after, ok := Apply(x.before, x.patch)
		if ok != x.ok || ok && after != x.after {
			t.Errorf("%s: Apply = %q, %v; want %q, %v", name, after, ok, x.after, x.ok)
		}
		if !x.ok {
			continue
		}
		if before, ok := Undo(x.after, x.patch); !ok || before != x.before {
			t.Errorf("%s: Undo = %q, %v; want %q", name, before, ok, x.before)
		}
	}
}

// What a patch is made of comes out of it again, and a patch that is damaged makes nothing up.
func FuzzApply(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nx\nc\nd\n", 7)
	f.Add("", "a", 0)
	f.Add("x\nx\ny", "y\nx\nz\nx\nx\n", 12)
	f.Fuzz(func(t *testing.T, before, after string, cut int) {
		if before == after {
			return
		}
		_, patch, _ := strings.Cut(string(diff.Diff("a", []byte(before), "b", []byte(after))), "\n+++ b\n")
		if got, ok := Apply(before, patch); !ok || got != after {
			t.Fatalf("Apply(%q, %q) = %q, %v; want %q", before, patch, got, ok, after)
		}
		if got, ok := Undo(after, patch); !ok || got != before {
			t.Fatalf("Undo(%q, %q) = %q, %v; want %q", after, patch, got, ok, before)
		}
		if cut > 0 && cut < len(patch) {
			if got, ok := Apply(before, patch[:cut]); ok {
				if again, back := Undo(got, patch[:cut]); !back || again != before {
					t.Fatalf("Apply(%q, %q) = %q, which undone is %q", before, patch[:cut], got, again)
				}
			}
		}
	})
}

func ExampleApply() {
	fmt.Println(Apply("a\nb\n", "@@ -2 +2 @@\n-b\n+c\n"))
	// Output: a
	// c
	//  true
}
