//go:build unix

package local

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

// counted has every git that a reading starts written down, and returns what they were told to do.
func counted(t *testing.T, read func()) (verbs []string) {
	t.Helper()
	real, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	script := "#!/bin/sh\necho \"$*\" >> " + log + "\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	read()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"cat-file", "rev-parse", "config", "for-each-ref", "diff-tree", "ls-tree", "rev-list", "merge-base", "tag"}
	for line := range strings.Lines(string(text)) {
		for _, word := range strings.Fields(line) {
			for _, verb := range known {
				if word == verb {
					verbs = append(verbs, verb)
				}
			}
		}
	}
	return verbs
}

// What a small change costs in git processes is what it costs in time, so it is a test and not only a figure.
func TestASmallChangeStartsFewProcesses(t *testing.T) {
	r := newRepo(t)
	r.commit("root", map[string]string{"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n", "code.go": "package a\n", "docs/a.md": "# A\n"})
	r.git("checkout", "-q", "-b", "code")
	r.commit("code", map[string]string{"code.go": "package b\n"})
	r.git("checkout", "-q", "-b", "document", "main")
	r.commit("document", map[string]string{"docs/a.md": "# B\n"})
	found, named := "version: 1\n", "version: 1\nchangelog: {files: [CHANGELOG.md], fragments: []}\n"
	for name, x := range map[string]struct {
		head, policy string
		most         int
		lists        bool
	}{
		"code, changelog found":     {"code", found, 5, true},
		"code, changelog named":     {"code", named, 4, false},
		"document, changelog named": {"document", named, 4, false},
	} {
		t.Run(name, func(t *testing.T) {
			verbs := counted(t, func() {
				f, err := openFacts(r.dir, "main", x.head, &policy.Source{Origin: policy.Given, Name: "x", Text: x.policy})
				if err != nil || len(f.Files) != 1 || f.Listed != x.lists {
					t.Fatalf("Facts = %+v, %v", f, err)
				}
			})
			if len(verbs) > x.most {
				t.Errorf("%d processes, want at most %d: %q", len(verbs), x.most, verbs)
			}
		})
	}
}
