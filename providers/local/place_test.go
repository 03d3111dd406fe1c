package local

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Where git need not be asked where a repository lies, it would have said the same.
func TestAPlainRepositoryLiesWhereGitSays(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("root", map[string]string{"sub/a.go": "package a\n"})
	root := t.TempDir()
	linked, bare, shallow, worktree, link := filepath.Join(root, "linked"), filepath.Join(root, "b.git"), filepath.Join(root, "shallow"), filepath.Join(root, "w"), filepath.Join(root, "link")
	sha256 := filepath.Join(root, "sha256")
	r.commit("second", map[string]string{"sub/a.go": "package b\n"})
	r.git("worktree", "add", "-q", worktree, "HEAD~")
	r.git("clone", "-q", "--bare", r.dir, bare)
	r.git("clone", "-q", "--depth", "1", "file://"+r.dir, shallow)
	r.git("init", "-q", "--object-format=sha256", sha256)
	r.git("clone", "-q", "--separate-git-dir", filepath.Join(root, "elsewhere"), r.dir, linked)
	if err := os.Symlink(r.dir, link); err != nil {
		t.Skip("no links here")
	}
	if err := os.Mkdir(filepath.Join(r.dir, "sub", ".git"), 0o700); err != nil { // nothing that git takes for a repository
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		from  string
		plain bool
	}{
		"a work tree":                     {r.dir, true},
		"its own folder":                  {filepath.Join(r.dir, ".git"), true},
		"a bare one":                      {bare, true},
		"a shallow one":                   {shallow, true},
		"one with long object ids":        {sha256, true},
		"one behind a link":               {link, true},
		"a folder in one":                 {filepath.Join(r.dir, "sub"), false},
		"a linked work tree":              {worktree, false},
		"one whose own folder is distant": {linked, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, err := findGit(x.from)
			if err != nil {
				t.Fatal(err)
			}
			want, err := g.asked(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			dir := plain(x.from)
			if (dir != "") != x.plain {
				t.Fatalf("plain = %q, want it to be one: %v", dir, x.plain)
			}
			settings, err := g.settings(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := told(dir, settings); x.plain && (!ok || got != want) {
				t.Errorf("got %+v (%v), want %+v", got, ok, want)
			}
		})
	}
}

// What git does not take for a repository is not opened, whatever it looks like.
func TestWhatGitRefusesIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.Command("git", "init", "-q", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	config := filepath.Join(dir, ".git", "config")
	if err := os.WriteFile(config, []byte("[core]\n\trepositoryformatversion = 99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := Open(dir); err == nil {
		t.Errorf("opened %+v, of a version that git does not know", r)
	}
}
