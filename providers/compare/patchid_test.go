package compare

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestPatchIDsAreGits makes commits of all kinds, and holds what is computed of their diffs against git's own word.
func TestPatchIDsAreGits(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	git := func(in string, args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "core.autocrlf=false", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(in)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "LC_ALL=C")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v %s", args, err, out)
		}
		return string(out)
	}
	write := func(path, text string) {
		t.Helper()
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("", "init", "-q")
	seen := map[string]string{}
	commit := func(name string) string {
		t.Helper()
		git("", "add", "-A")
		git("", "commit", "-q", "--allow-empty", "-m", name)
		diff := git("", "show", "--format=", "HEAD")
		want, _, _ := strings.Cut(git(diff, "patch-id", "--stable"), " ")
		if got := PatchID(diff); got != strings.TrimSpace(want) {
			t.Errorf("%s: patch-id %q, git says %q of\n%s", name, got, want, diff)
		}
		whole := git("", "show", "HEAD")
		if got := PatchID(whole); got != strings.TrimSpace(want) {
			t.Errorf("%s, with its message: patch-id %q, git says %q", name, got, want)
		}
		seen[name] = strings.TrimSpace(want)
		return seen[name]
	}
	lines := func(n int, mark string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString("line " + strconv.Itoa(i) + mark + "\n")
		}
		return b.String()
	}
	write("a.txt", lines(40, ""))
	write("b/c.go", "package c\n")
	write("empty", "")
	commit("new files")
	write("a.txt", strings.Replace(lines(40, ""), "line 3\n", "line three\n", 1))
	commit("one line")
	write("a.txt", strings.NewReplacer("line 3\n", "line three\n", "line 30\n", "", "line 20\n", "line 20\n\n--- not a header\n+++ nor this\n@@ -1 +1 @@\ndiff --git x\n").Replace(lines(40, "")))
	commit("several hunks, and lines that look like headers")
	write("b/c.go", "package c\n\nvar C = 1")
	commit("no newline at the end")
	write("b/c.go", "package c\n\nvar C = 2")
	commit("no newline at both ends")
	write("bin", "\x00\x01\x02")
	commit("a binary file")
	write("bin", "\x00\x01\x03")
	write("a.txt", lines(10, " x"))
	commit("a binary file beside a text")
	git("", "mv", "a.txt", "moved.txt")
	commit("moved")
	git("", "mv", "moved.txt", "again.txt")
	write("again.txt", lines(10, " x")+"more\n")
	commit("moved and changed")
	if err := os.Chmod(filepath.Join(dir, "again.txt"), 0o700); err != nil {
		t.Fatal(err)
	}
	commit("a mode")
	git("", "rm", "-q", "b/c.go", "empty")
	commit("removed")
	write("odd \"name\"\u00e9", "x\n")
	commit("an odd name")
	write("space.txt", "a b\tc  d\r\n\u00a0e\u2003f\v\f\n")
	commit("white space of all kinds")
	write("latin", "caf\xe9\n\xff\xfe\n")
	commit("bytes that are no UTF-8")
	if id := commit("nothing"); id != "" {
		t.Errorf("a commit that changes nothing has the patch-id %q", id)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 25 {
		for range 1 + r.IntN(3) {
			var b strings.Builder
			for range r.IntN(60) {
				b.WriteString(strings.Repeat(string(" -+@\\dx\t"[r.IntN(8)]), r.IntN(4)) + strconv.Itoa(r.IntN(9)) + "\n")
			}
			write("r"+strconv.Itoa(r.IntN(4)), b.String())
		}
		commit("random " + strconv.Itoa(i))
	}
}

// TestAPickedCommitKeepsItsPatchID moves a change to another place, under another message.
func TestAPickedCommitKeepsItsPatchID(t *testing.T) {
	t.Parallel()
	const one = "diff --git a/x b/x\nindex 1111111..2222222 100644\n--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n+fix\n b\n"
	moved := strings.NewReplacer("1111111..2222222", "aaaaaaa..bbbbbbb", "@@ -1,2 +1,3 @@", "@@ -101,2 +107,3 @@ func f() {").Replace(one)
	if PatchID(one) == "" || PatchID(one) != PatchID(moved) {
		t.Errorf("patch-ids %q and %q", PatchID(one), PatchID(moved))
	}
	second := "diff --git a/y b/y\nindex 1..2 100644\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n"
	if PatchID(one+second) != PatchID(second+one) || PatchID(one+second) == PatchID(one) {
		t.Error("the order of files counts, or a file does not")
	}
	for _, odd := range []string{"", "\n", "x", "diff ", "diff --git a/x b/x", "diff --git a/x b/x\n@@", "diff --git a/x b/x\n--- a\n+++ b\n@@ -1,99999999999999999999 +1 @@\n a\n", one[:len(one)-3]} {
		PatchID(odd) // answers, whatever it is given
	}
}
