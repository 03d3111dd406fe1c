// Package local reads a git repository on disk as a forge would tell of a change: files, commits, tags, policy, texts.
//
// It drives the git program and refuses to run anything that the repository brings along: no hooks, no file system
// monitor, no external diff or text conversion, no attributes that would hide a difference, no replaced objects, and
// no fetching where the repository's own settings name programs to fetch with. It refuses to judge what is not
// committed, to write anything, and to make up people: a commit names whomever it likes, and nobody here can tell.
package local

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Repository is a git repository on disk: a work tree, a linked work tree, a bare repository, or a folder in one.
type Repository struct {
	git     *git
	name    string // "acme/shop" as the remote's address tells, else the folder's name
	shallow bool
	partial bool   // git may fetch what is missing
	empty   string // id of the tree without files
	first   *first
}

// Open finds the repository that dir lies in. It fails where there is none, where git does not trust the folder's
// owner, and where the git program is missing. Who opens is to read: a git waits for that.
func Open(dir string) (*Repository, error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("open the repository: %s is no folder", dir)
	}
	g, err := findGit(dir)
	if err != nil {
		return nil, err
	}
	begun := startFirst(g)
	r, err := g.find()
	if err != nil {
		begun.end()
		return nil, err
	}
	r.first = begun
	if r.partial {
		begun.end()
	}
	return r, nil
}

// find looks the repository up.
func (g *git) find() (*Repository, error) {
	// git itself looks for the repository first: it refuses those of other owners, and told where to look it does not.
	var at place
	var settings []setting
	var both errgroup.Group
	dir := plain(g.from)
	if dir == "" {
		both.Go(func() (err error) {
			at, err = g.asked(context.Background())
			return err
		})
	}
	both.Go(func() (err error) {
		settings, err = g.settings(context.Background())
		return err
	})
	err := both.Wait()
	if err == nil && dir != "" {
		var ok bool
		if at, ok = told(dir, settings); !ok {
			at, err = g.asked(context.Background())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	}
	r := &Repository{git: g, shallow: at.shallow, partial: isPartial(settings), empty: "4b825dc642cb6eb9a060e54bf8d69288fbee4904"}
	if at.sha256 {
		r.empty = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
	}
	g.dir = at.dir
	g.confine(settings)
	r.name = nameOf(settings, g.dir)
	return r, nil
}

// nameOf is how people call the repository.
func nameOf(settings []setting, dir string) string {
	address := ""
	for _, s := range settings {
		if s.key == "remote.origin.url" || address == "" && strings.HasPrefix(s.key, "remote.") && strings.HasSuffix(s.key, ".url") {
			address = s.value
		}
	}
	if name := fromAddress(address); name != "" {
		return name
	}
	dir = filepath.ToSlash(dir)
	if i := strings.Index(dir, "/.git/worktrees/"); i >= 0 {
		dir = dir[:i]
	}
	return path.Base(strings.TrimSuffix(strings.TrimSuffix(dir, "/.git"), ".git"))
}

// fromAddress takes "acme/shop" out of https://host/acme/shop.git or git@host:acme/shop.git; "" of a path on disk.
func fromAddress(address string) string {
	_, rest, ok := strings.Cut(address, "://")
	switch {
	case ok && strings.HasPrefix(address, "file:"):
		return ""
	case ok:
		_, rest, _ = strings.Cut(rest, "/")
	default:
		if _, rest, ok = strings.Cut(address, ":"); !ok || strings.HasPrefix(address, "/") || strings.HasPrefix(address, ".") {
			return ""
		}
	}
	name := strings.TrimSuffix(strings.Trim(rest, "/"), ".git")
	if strings.Count(name, "/") < 1 || strings.ContainsAny(name, "\\ \t\n:") {
		return ""
	}
	return name
}
