package main

import (
	"crypto/rand"
	"crypto/rsa"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// us is our own account, as the forge spells it.
func (r *playing) us() string {
	if r.where == "gitlab" {
		return r.forge.Bot()
	}
	return "sluice[bot]"
}

// Each scenario is played at GitLab too, unless it is about what GitHub alone has; then it says so, with a reason, in `only`.
// What comes of it must be the same.
func TestScenariosAtGitLab(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../testdata/scenarios/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			ar := txtar.Parse(raw)
			var stage stageFile
			if err := strict([]byte(section(ar, "forge.yml")), &stage); err != nil {
				t.Fatal(err)
			}
			if why := stage.Only["github"]; why != "" {
				t.Skip("only at GitHub: " + why)
			}
			got, want := playedAt(t, "gitlab", ar, key).out.String(), section(ar, "want")
			if got != want {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", strings.TrimSpace(string(ar.Comment)), got, want)
			}
		})
	}
}
