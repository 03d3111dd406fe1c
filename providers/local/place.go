package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// place is what git says of where a repository lies and what it is.
type place struct {
	dir     string // its own folder, absolute
	shallow bool
	sha256  bool
}

// asked has git tell.
func (g *git) asked(ctx context.Context) (place, error) {
	out, err := g.output(ctx, "rev-parse", "--absolute-git-dir", "--is-shallow-repository", "--show-object-format")
	if err != nil {
		return place{}, err
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != 3 {
		return place{}, errors.New("git is too old, 2.30 or newer is needed")
	}
	return place{filepath.FromSlash(lines[0]), lines[1] == "true", lines[2] == "sha256"}, nil
}

// plain is the folder of the usual repository, where one look suffices to know what git would answer: from is the root
// of its work tree, or it is bare, and nothing of it lies elsewhere. "" means that git is to be asked, as it always is
// where the settings show that git did not read them: then it does not trust the owner or knows no such repository.
func plain(from string) string {
	dir, err := filepath.Abs(from)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return ""
	}
	inside := filepath.Join(dir, ".git")
	info, err := os.Lstat(inside)
	if err == nil {
		dir = inside // git looks there first
		if !info.IsDir() {
			return ""
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "commondir")); !errors.Is(err, os.ErrNotExist) || !holdsGit(dir) {
		return ""
	}
	return dir
}

// holdsGit says whether git would take the folder for a repository's own, by what it looks at.
func holdsGit(dir string) bool {
	for _, name := range []string{"objects", "refs"} {
		if info, err := os.Lstat(filepath.Join(dir, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	head, err := os.ReadFile(filepath.Join(dir, "HEAD"))
	return err == nil && (strings.HasPrefix(string(head), "ref: refs/") || len(strings.TrimRight(string(head), "\n")) == 40 && strings.Trim(string(head), "0123456789abcdef\n") == "")
}

// told is the place of a plain repository by its settings; false where git read none of its own.
func told(dir string, settings []setting) (p place, ok bool) {
	p.dir = dir
	for _, s := range settings {
		ok = ok || s.scope == "local"
		if s.scope == "local" && s.key == "extensions.objectformat" {
			p.sha256 = s.value == "sha256"
		}
	}
	_, err := os.Stat(filepath.Join(dir, "shallow"))
	p.shallow = err == nil
	return p, ok
}
