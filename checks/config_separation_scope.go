package checks

import (
	"slices"

	"github.com/sluicegate/sluice/checks/baked"
	"github.com/sluicegate/sluice/checks/environments"
	"github.com/sluicegate/sluice/checks/policy"
)

// separation is one look at a change under one policy.
type separation struct {
	p          *policy.Policy
	c          *policy.ConfigSeparation
	f          *Facts
	finder     *environments.Finder
	scanner    *baked.Scanner
	head, base *environments.Layout // with the change, and without
	had        map[string]string    // new path to the one before, of renames
	left       map[string]bool      // the paths before, of renames
	changed    map[string]File      // by path
	read       map[Text]Text        // by side and path
}

func separate(p *policy.Policy, f *Facts) *separation {
	c := &p.ConfigSeparation
	var names []string
	for _, e := range p.Environments {
		names = append(names, e.Name)
	}
	for _, e := range c.Environments {
		names = append(names, e.Name)
	}
	s := &separation{
		p: p, c: c, f: f, finder: environments.NewFinder(c.Environments, c.Ignore, names...), scanner: baked.NewScanner(c.Hosts, names),
		had: map[string]string{}, left: map[string]bool{}, changed: map[string]File{}, read: map[Text]Text{},
	}
	for _, t := range f.Texts {
		s.read[Text{Side: t.Side, Path: t.Path}] = t
	}
	s.layouts()
	return s
}

// layouts finds the environments' files with and without the change. The paths are those of the head; the change
// itself tells which of them were not there before.
func (s *separation) layouts() {
	head, base := map[string]bool{}, map[string]bool{}
	for _, p := range s.f.Paths {
		if s.finder.Candidate(p) {
			head[p], base[p] = true, true
		}
	}
	for _, c := range s.f.Files {
		s.changed[c.Path] = c
		if c.Old != "" && c.Status == "renamed" {
			s.had[c.Path], s.left[c.Old] = c.Old, true
			delete(base, c.Path)
			delete(head, c.Old)
			base[c.Old] = true
		}
		switch c.Status {
		case "removed":
			delete(head, c.Path)
			base[c.Path] = true
		case "added", "copied":
			delete(base, c.Path)
			head[c.Path] = true
		case "renamed":
			head[c.Path] = true
		default:
			head[c.Path], base[c.Path] = true, true
		}
	}
	// A path that one file of the change leaves may be taken by another.
	for _, c := range s.f.Files {
		if c.Status != "removed" {
			head[c.Path] = true
		}
	}
	s.head, s.base = s.finder.Find(pathsOf(head)), s.finder.Find(pathsOf(base))
}

func pathsOf(m map[string]bool) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (s *separation) on(m policy.Mode) bool { return policy.Weaker(m, policy.Enforce) != policy.Off }

// before is the path that the file had without the change.
func (s *separation) before(c File) string {
	if c.Status == "renamed" && c.Old != "" {
		return c.Old
	}
	return c.Path
}

func (s *separation) ignored(c File) bool {
	return s.finder.Ignored(c.Path) && s.finder.Ignored(s.before(c))
}

// environment is whose configuration the file is or was, or "".
func (s *separation) environment(c File) string {
	if x, ok := s.head.File(c.Path); ok && x.Environment != "" && c.Status != "removed" {
		return x.Environment
	}
	x, _ := s.base.File(s.before(c))
	if c.Status == "added" || c.Status == "copied" {
		return ""
	}
	return x.Environment
}

// isCode says that the path is code, and no environment's.
func (s *separation) isCode(p string) bool {
	k := environments.KindOf(p)
	return k == environments.Code || k == environments.Build
}

// families are the names of those the change touches, in the layout with it, sorted.
func (s *separation) families() []string {
	names := map[string]bool{}
	add := func(l *environments.Layout, path string) {
		if x, ok := l.File(path); ok {
			names[x.Family] = true
		}
	}
	for _, c := range s.f.Files {
		if s.ignored(c) {
			continue
		}
		if c.Status != "removed" {
			add(s.head, c.Path)
		}
		if c.Status != "added" && c.Status != "copied" {
			add(s.base, s.before(c))
		}
	}
	return pathsOf(names)
}

// needsPaths says that the files beside those of the change have to be known: it touches configuration, or adds what
// may be a value of some environment. Paths are read once and for all checks together, so they are asked for as long
// as lines that may hold such a value are still unread.
func (s *separation) needsPaths() bool {
	if _, gap := s.f.Gap("paths"); gap {
		return false
	}
	if s.on(s.c.Parity) || s.on(s.c.Mixing) {
		for _, c := range s.f.Files {
			if !s.ignored(c) && (s.finder.Candidate(c.Path) || c.Old != "" && s.finder.Candidate(c.Old)) {
				return true
			}
		}
	}
	if !s.on(s.c.BakedIn) {
		return false
	}
	unread := func(c File) bool { return !c.Read && s.codeToSearch(c) }
	return slices.ContainsFunc(s.f.Files, unread) || s.anyValue()
}

// bounds on what is asked of a forge for one change.
const (
	mostParity = 400 // texts of families that it touches
	mostValues = 120 // files whose values are looked for in code
)

// texts are those that have to be known, each once: of the families touched, of environments whose values may be in
// code, and of files whose lines the forge withholds.
func (s *separation) texts() []Text {
	var ts []Text
	seen := map[Text]bool{}
	add := func(side Side, path string) {
		if t := (Text{Side: side, Path: path}); !seen[t] {
			seen[t] = true
			ts = append(ts, t)
		}
	}
	if s.on(s.c.Parity) {
		for _, t := range s.parityTexts() {
			add(t.Side, t.Path)
		}
	}
	if s.on(s.c.BakedIn) {
		for _, c := range s.f.Files {
			if c.Cut && s.linesMatter(c) {
				s.cutTexts(c, add)
			}
		}
		if s.anyValue() {
			paths, _ := s.valueFiles()
			for _, p := range paths {
				add(Head, p)
			}
		}
	}
	return ts
}

// parityTexts are those of the families touched, with the change, and of the files changed also without it.
func (s *separation) parityTexts() []Text {
	var ts []Text
	for _, name := range s.families() {
		for _, path := range familyPaths(s.head.Family(name)) {
			if c, changed := s.changed[path]; !changed || c.Kind == "" {
				ts = append(ts, Text{Side: Head, Path: path})
			}
		}
		for _, path := range familyPaths(s.base.Family(name)) {
			ts = append(ts, Text{Side: s.sideOf(path), Path: path})
		}
	}
	return ts
}

// sideOf is the side to read a path of the base at: what the change leaves alone is the same at the head, which was
// asked for anyway.
func (s *separation) sideOf(path string) Side {
	if _, changed := s.changed[path]; changed {
		return Base
	}
	if s.left[path] {
		return Base
	}
	return Head
}

// familyPaths are the files of a family whose keys can be read.
func familyPaths(f *environments.Family) []string {
	if f == nil {
		return nil
	}
	var paths []string
	for _, x := range f.Files {
		if environments.Readable(x.Path) {
			paths = append(paths, x.Path)
		}
	}
	for _, b := range f.Base {
		if environments.Readable(b) {
			paths = append(paths, b)
		}
	}
	return paths
}

// valueFiles are those whose values are looked for in code: production's first, and no more than mostValues. left is
// how many others there are.
func (s *separation) valueFiles() (paths []string, left int) {
	for _, first := range []bool{true, false} {
		for _, fam := range s.head.Families {
			if slices.Contains(fam.Environments(), "production") != first {
				continue
			}
			if more := familyPaths(fam); len(paths)+len(more) <= mostValues {
				paths = append(paths, more...)
			} else {
				left += len(more)
			}
		}
	}
	return paths, left
}
