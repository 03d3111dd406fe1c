package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// repository is a real git repository under construction.
type repository struct {
	tb  testing.TB
	dir string
}

func newRepository(tb testing.TB, args ...string) *repository {
	tb.Helper()
	r := &repository{tb, filepath.Join(tb.TempDir(), "shop")}
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	r.git(append([]string{"init", "-q", "-b", "main"}, args...)...)
	return r
}

// git runs git as a user would, with a clock and names of its own.
func (r *repository) git(args ...string) string {
	r.tb.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "GIT_") }),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Ana Lima", "GIT_AUTHOR_EMAIL=ana@acme.example",
		"GIT_COMMITTER_NAME=Bo Berg", "GIT_COMMITTER_EMAIL=bo@acme.example", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_DATE=2026-01-02T03:04:05Z", "GIT_ALLOW_PROTOCOL=file")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.tb.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files, commits everything and returns the commit's id. A text of "-" deletes.
func (r *repository) commit(message string, files map[string]string) string {
	r.tb.Helper()
	for name, text := range files {
		path := filepath.Join(r.dir, name)
		if text == "-" {
			if err := os.Remove(path); err != nil {
				r.tb.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			r.tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			r.tb.Fatal(err)
		}
	}
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", message)
	return r.git("rev-parse", "HEAD")
}

// tag makes annotated tags on HEAD, one after the other.
func (r *repository) tag(names ...string) {
	r.tb.Helper()
	for _, n := range names {
		r.git("tag", "-a", "-m", "release "+n, n)
	}
}

// ran is what a command did.
type ran struct {
	code        int
	out, errors string
}

// sluice runs a command as main does; it stands in no terminal.
func sluice(tb testing.TB, stdin string, args ...string) ran {
	tb.Helper()
	var out, errs bytes.Buffer
	code := run(tb.Context(), process{args: args, stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs})
	return ran{code, out.String(), errs.String()}
}

const kept = "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-01-01\n\n### Added\n\n- A basket.\n"
const keptWithEntry = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Gift cards.\n\n## [1.2.0] - 2026-01-01\n\n### Added\n\n- A basket.\n"
