// Package environments knows which files are configuration of which environment, what keys they hold, and which
// key one environment has and another lacks.
//
// It refuses to read files: paths and texts come in. It refuses to tell a value to anybody but its caller: nothing
// that it words holds one. It refuses to compare what was never meant to be equal: files are compared only within a
// family, that is with the files whose paths differ from theirs in the environment's name alone.
package environments

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/sorting"
)

// File is one configuration file.
type File struct {
	Path        string
	Environment string // "production"; "" for what its family shares
	Family      string // "config/*.yml"
}

// Family are the files that are compared with one another.
type Family struct {
	Name     string
	Files    []File // of environments, sorted by path
	Base     []string
	Declared bool // by the policy: every environment counts, and nothing is taken for sparse
}

// Environments are the names in the family, sorted, each once.
func (f *Family) Environments() []string {
	var names []string
	for _, x := range f.Files {
		if !slices.Contains(names, x.Environment) {
			names = append(names, x.Environment)
		}
	}
	slices.Sort(names)
	return names
}

// Finder tells environment configuration from other files. It is made once per policy and is safe for concurrent use.
type Finder struct {
	declared []policy.EnvFiles
	ignore   policy.Globs
	extra    map[string]string // names that the policy uses for environments: as spelled, to themselves
}

// NewFinder returns a finder for the environments declared (none: found by well-known names) and further names of
// environments that the policy speaks of.
func NewFinder(declared []policy.EnvFiles, ignore policy.Globs, names ...string) *Finder {
	f := &Finder{declared: declared, ignore: ignore}
	for _, e := range declared {
		names = append(names, e.Name)
	}
	for _, n := range names {
		word := strings.ToLower(n)
		if _, strong := alias(word); !strong && !strings.ContainsAny(word, "./*") && word != "" {
			if f.extra == nil {
				f.extra = map[string]string{}
			}
			f.extra[word] = Name(word)
		}
	}
	return f
}

// Declared says that the policy names the environments' files.
func (f *Finder) Declared() bool { return len(f.declared) > 0 }

// Ignored says that the policy wants the path left alone.
func (f *Finder) Ignored(p string) bool { return f.ignore.Match(p) }

func (f *Finder) known(word string) (string, bool) {
	if name, ok := f.extra[word]; ok {
		return name, true
	}
	return alias(word)
}

// Candidate says whether the path may be configuration of an environment, or what such files share. It is what has
// to be known of a tree before Find can tell.
func (f *Finder) Candidate(p string) bool {
	if f.ignore.Match(p) {
		return false
	}
	if f.Declared() {
		for _, e := range f.declared {
			if e.Paths.Match(p) {
				return true
			}
		}
		return false
	}
	if _, ok := locate(p, f.known); ok {
		return true
	}
	return base(p)
}

// Holds says whether configuration of an environment may lie in a folder: by the folder's place, whatever the files in
// it are called.
func (f *Finder) Holds(dir string) bool {
	if f.Declared() || f.ignore.Match(dir) {
		return f.Candidate(dir + "/config.yml")
	}
	_, ok := locate(dir+"/x.yml", f.known)
	return ok
}

// Find returns the families among the paths, sorted by name, and the files that are an environment's, sorted by path.
// Two names that the aliases make one (values-dev and values-development) keep their spelling within their family.
func (f *Finder) Find(paths []string) *Layout {
	l := &Layout{byPath: map[string]File{}}
	if f.Declared() {
		f.findDeclared(l, paths)
	} else {
		f.findKnown(l, paths)
	}
	l.finish()
	return l
}

// Layout is what was found.
type Layout struct {
	Families []*Family
	Files    []File // of environments, sorted by path
	byPath   map[string]File
	byName   map[string]*Family
}

// File returns what is known of a path that is an environment's, or shared by a family.
func (l *Layout) File(p string) (File, bool) {
	x, ok := l.byPath[p]
	return x, ok
}

// Family returns a family by its name, or nil.
func (l *Layout) Family(name string) *Family { return l.byName[name] }

// Names are the environments, sorted.
func (l *Layout) Names() []string {
	var names []string
	for _, x := range l.Files {
		names = append(names, x.Environment)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (l *Layout) add(family string, x File, declared bool) {
	if l.byName == nil {
		l.byName = map[string]*Family{}
	}
	fam := l.byName[family]
	if fam == nil {
		fam = &Family{Name: family, Declared: declared}
		l.byName[family] = fam
		l.Families = append(l.Families, fam)
	}
	fam.Files = append(fam.Files, x)
}

func (l *Layout) finish() {
	slices.SortFunc(l.Families, func(a, b *Family) int { return strings.Compare(a.Name, b.Name) })
	for _, fam := range l.Families {
		sorting.By(fam.Files, func(a, b File) int { return strings.Compare(a.Path+"\x00"+a.Environment, b.Path+"\x00"+b.Environment) })
		slices.Sort(fam.Base)
		for _, b := range fam.Base {
			if _, taken := l.byPath[b]; !taken {
				l.byPath[b] = File{Path: b, Family: fam.Name}
			}
		}
		for _, x := range fam.Files {
			l.byPath[x.Path] = x
			l.Files = append(l.Files, x)
		}
	}
	sorting.By(l.Files, func(a, b File) int { return strings.Compare(a.Path+"\x00"+a.Environment, b.Path+"\x00"+b.Environment) })
}

// findDeclared groups by the policy's globs. The family is the path without the environment's name, where the path
// bears it; else the place of the glob in its list, with what the wildcard stands for.
func (f *Finder) findDeclared(l *Layout, paths []string) {
	for _, p := range paths {
		if f.ignore.Match(p) {
			continue
		}
		for _, e := range f.declared {
			i := slices.IndexFunc(e.Paths, func(g string) bool { return doublestar.MatchUnvalidated(g, p) })
			if i < 0 {
				continue
			}
			l.add(declaredFamily(p, e, i), File{Path: p, Environment: e.Name, Family: declaredFamily(p, e, i)}, true)
		}
	}
}

func declaredFamily(p string, e policy.EnvFiles, i int) string {
	usual, own := Name(e.Name), strings.ToLower(e.Name)
	same := func(w string) bool { return w == own || Name(w) == usual }
	parts := strings.Split(p, "/")
	starred := false
	for j, part := range parts {
		parts[j] = star(part, same)
		starred = starred || parts[j] != part
	}
	if starred {
		return strings.Join(parts, "/")
	}
	dir, pattern := doublestar.SplitPattern(e.Paths[i])
	if !strings.ContainsAny(pattern, "*?[{") {
		return fmt.Sprintf("paths[%d]%s", i, path.Ext(p))
	}
	return fmt.Sprintf("paths[%d]/%s", i, strings.TrimPrefix(strings.TrimPrefix(p, dir), "/"))
}

// findKnown groups by well-known names. What the shape alone does not prove needs another environment beside it.
func (f *Finder) findKnown(l *Layout, paths []string) {
	found := map[string][]located{}
	var bases, names []string
	for _, p := range paths {
		if f.ignore.Match(p) {
			continue
		}
		pl, ok := locate(p, f.known)
		if !ok {
			if base(p) {
				bases = append(bases, p)
			}
			continue
		}
		if found[pl.family] == nil {
			names = append(names, pl.family)
		}
		found[pl.family] = append(found[pl.family], located{p, pl})
	}
	slices.Sort(names)
	for _, name := range names {
		if group := found[name]; supported(group) {
			for _, x := range group {
				l.add(name, File{Path: x.path, Environment: f.nameIn(x, group), Family: name}, false)
			}
		}
	}
	ix := indexBases(bases)
	for _, fam := range l.Families {
		fam.Base = ix.of(fam.Name)
	}
}

type located struct {
	path string
	place
}

// supported says that the group proves itself: one sure place, or two environments of which one is plainly so named.
func supported(group []located) bool {
	strong, many := false, false
	for _, x := range group {
		if x.sure {
			return true
		}
		strong = strong || x.strong
		many = many || x.word != group[0].word
	}
	return strong && many
}

// nameIn is the usual name of the environment, unless another word in the group has the same usual name.
func (f *Finder) nameIn(x located, group []located) string {
	name, _ := f.known(x.word)
	if name == "" {
		return x.word
	}
	for _, y := range group {
		if other, _ := f.known(y.word); y.word != x.word && other == name {
			return x.word
		}
	}
	return name
}
