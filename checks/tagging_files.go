package checks

import (
	"path"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/versions"
)

// statement is a version that a file states on the change's side.
type statement struct {
	path    string
	line    int
	text    string           // as written
	version versions.Version // as the line reads it; zero when it is malformed
	err     error            // why it is malformed
	old     string           // what the file stated before, "" for nothing
	home    string           // the directory of the package that it belongs to
}

func (s *statement) name() string { return plain(s.path, 40) }

// fileState says how a version file stands on one side.
type fileState int

const (
	absent fileState = iota // not there, or it states no version
	stated
	hidden // there, and no text: binary, LFS pointer, too large
	unread // asked for and not told
)

// stated reads what a file states on one side.
func (f *Facts) stated(side Side, p string) (version string, line int, how fileState, kind string) {
	t, ok := f.Text(side, p)
	switch {
	case !ok:
		return "", 0, unread, ""
	case t.Absent, t.Kind == "symlink", t.Kind == "submodule":
		return "", 0, absent, "" // what a link states, its target states
	case t.Kind != "":
		return "", 0, hidden, t.Kind
	}
	version, line, ok = versions.ReadVersionFile(p, t.Text)
	if !ok {
		return "", 0, absent, ""
	}
	return version, line, stated, ""
}

// isVersionFile says whether a path states the version of the line: declared by the policy, or known by its name.
func (l *releaseLine) isVersionFile(p *policy.Policy, file string) bool {
	if !l.holds(file) {
		return false
	}
	if len(p.Tagging.Files) > 0 {
		return policy.Globs(p.Tagging.Files).Match(file)
	}
	_, lock := versions.Lock(file)
	return !lock && versions.IsVersionFile(file)
}

// wantStatements asks for both sides of the version files that the change touches and, once one of them sets a
// version, for the others of its package.
func wantStatements(p *policy.Policy, f *Facts, w *Wants, l *releaseLine) {
	dirs := packagesOf(f)
	for i := range f.Files {
		c := &f.Files[i]
		if c.Status == "removed" || !l.isVersionFile(p, c.Path) {
			continue
		}
		w.WantText(f, Head, c.Path)
		if c.Status != "added" {
			w.WantText(f, Base, before(c))
		}
		s := readStatement(f, l, dirs, c)
		if s == nil {
			continue
		}
		if _, all := literal(p); !all {
			w.WantPaths(f, func(file string) bool {
				_, lock := versions.Lock(file)
				return lock || l.isVersionFile(p, file) || versions.Manifest(file)
			})
		}
		for _, other := range l.others(p, f, dirs, s) {
			w.WantText(f, Head, other)
		}
	}
}

// readStatement is what a changed file newly states; nil when it states the same as before, or nothing.
func readStatement(f *Facts, l *releaseLine, dirs packages, c *File) *statement {
	text, line, how, _ := f.stated(Head, c.Path)
	if how != stated {
		return nil
	}
	s := &statement{path: c.Path, line: line, text: text}
	if c.Status != "added" {
		old, _, was, _ := f.stated(Base, before(c))
		if was == unread || was == stated && old == text {
			return nil
		}
		s.old = old
	}
	s.version, s.err = l.read(c.Path, text)
	s.home = dirs.home(c.Path)
	return s
}

// read reads a version as a file of its kind writes it. Python and Ruby know no hyphen: 1.3.0rc1 is their 1.3.0-rc.1.
// Python, npm and Cargo know no zeros before a number: 2024.5.1 is their 2024.05.1.
func (l *releaseLine) read(file, text string) (versions.Version, error) {
	v, err := l.Scheme.Parse(text)
	if err == nil {
		return v, nil
	}
	if v, ok := l.Scheme.Dialect(text, versions.Unhyphenated(file)); ok {
		return v, nil
	}
	return versions.Version{}, err
}

// packages are the directories that have a manifest.
type packages map[string]bool

func packagesOf(f *Facts) packages {
	dirs := packages{}
	for _, p := range f.Paths {
		if versions.Manifest(p) {
			dirs[path.Dir(p)] = true
		}
	}
	for i := range f.Files {
		if c := &f.Files[i]; c.Status != "removed" && versions.Manifest(c.Path) {
			dirs[path.Dir(c.Path)] = true
		}
	}
	return dirs
}

// home is the directory of the package that a file belongs to: the nearest one above it that has a manifest; "." for
// the root, and where there is none.
func (dirs packages) home(file string) string {
	for dir := path.Dir(file); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if dirs[dir] {
			return dir
		}
	}
	return "."
}

// listed says whether the version files of the tree are known: they were asked for, and so the changed one is there.
func listed(f *Facts, changed string) bool {
	_, found := slices.BinarySearch(f.Paths, changed)
	return f.Listed && found
}

// literal returns the declared files, when all of them are paths and no patterns.
func literal(p *policy.Policy) ([]string, bool) {
	for _, file := range p.Tagging.Files {
		if strings.ContainsAny(file, `*?[{\`) {
			return nil, false
		}
	}
	return p.Tagging.Files, len(p.Tagging.Files) > 0
}

// others are the files that may state the same version as one that is set, itself left out, sorted: all that the
// policy declares for the line, or else those of the same package. Where the tree was listed for somebody else's
// purposes the well-known names beside the file are tried.
func (l *releaseLine) others(p *policy.Policy, f *Facts, dirs packages, set *statement) []string {
	var all []string
	if files, ok := literal(p); ok {
		for _, file := range files {
			if l.holds(file) {
				all = append(all, file)
			}
		}
	} else if listed(f, set.path) {
		for _, file := range f.Paths {
			beside, lock := versions.Lock(file)
			switch {
			case lock && beside == set.path, l.isVersionFile(p, file) && (len(p.Tagging.Files) > 0 || dirs.home(file) == set.home):
				all = append(all, file)
			}
		}
	} else if f.Listed {
		for _, name := range []string{"VERSION", "version.txt", "package.json", "package-lock.json", "pyproject.toml", "setup.cfg", "setup.py", "Cargo.toml", "Chart.yaml", "composer.json", "gradle.properties"} {
			if beside, lock := versions.Lock(path.Join(set.home, name)); !lock || beside == set.path {
				all = append(all, path.Join(set.home, name))
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	all = slices.DeleteFunc(all, func(file string) bool { return file == set.path })
	return all[:min(len(all), maxOthers)]
}

// maxOthers bounds how many files one set version is compared with.
const maxOthers = 60
