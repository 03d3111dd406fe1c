package checks

import (
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
func (t *packageTree) stated(side Side, p string) (version string, line int, how fileState, kind string) {
	text, ok := t.text(side, p)
	switch {
	case !ok:
		return "", 0, unread, ""
	case text.Absent, text.Kind == "symlink", text.Kind == "submodule":
		return "", 0, absent, "" // what a link states, its target states
	case text.Kind != "":
		return "", 0, hidden, text.Kind
	}
	version, line, ok = versions.ReadVersionFile(p, text.Text)
	if !ok {
		return "", 0, absent, ""
	}
	return version, line, stated, ""
}

// link says whether the change leaves a link or a submodule at a path.
func (t *packageTree) link(file string) bool {
	text, _ := t.text(Head, file)
	return text.Kind == "symlink" || text.Kind == "submodule"
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
	t := &packageTree{p: p, f: f, l: l}
	for i := range f.Files {
		c := &f.Files[i]
		if c.Status == "removed" || !l.isVersionFile(p, c.Path) {
			continue
		}
		w.WantText(f, Head, c.Path)
		if c.Status != "added" {
			w.WantText(f, Base, before(c))
		}
		s := t.statement(c)
		if s == nil {
			continue
		}
		wantEntries(p, f, w, l)
		if _, all := literal(p); !all {
			w.WantPaths(f, func(file string) bool {
				_, lock := versions.Lock(file)
				return lock || l.isVersionFile(p, file) || versions.Manifest(file)
			})
		}
		others := t.others(s)
		for _, other := range others[:min(len(others), maxOthers)] {
			w.WantText(f, Head, other)
		}
	}
}

// statement is what a changed file newly states; nil when it states the same as before, or nothing.
func (t *packageTree) statement(c *File) *statement {
	text, line, how, _ := t.stated(Head, c.Path)
	if how != stated {
		return nil
	}
	s := &statement{path: c.Path, line: line, text: text}
	if c.Status != "added" {
		old, _, was, _ := t.stated(Base, before(c))
		if was == unread || was == stated && old == text {
			return nil
		}
		s.old = old
	}
	s.version, s.err = t.l.read(c.Path, text)
	s.home = t.home(c.Path)
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
