package checks

import (
	"path"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/versions"
)

// packageTree is where a line's version files lie, by the package that they belong to. It is built when first asked, since
// few changes touch one.
type packageTree struct {
	p *policy.Policy
	f *Facts
	l *releaseLine

	built bool
	dirs  map[string]bool     // that have a manifest
	files map[string][]string // version files at head by package, and all of them under ""
	locks map[string][]string // lock files by what they repeat
	outer string              // the outermost package with a version file
	alone bool                // there is no other as far out
	texts map[textAt]int      // index into the facts' texts, where there are many
}

type textAt struct {
	side Side
	path string
}

// text is Facts.Text, by an index: a bump of a whole monorepo has thousands of texts.
func (t *packageTree) text(side Side, path string) (Text, bool) {
	if len(t.f.Texts) < 50 {
		return t.f.Text(side, path)
	}
	if t.texts == nil {
		t.texts = make(map[textAt]int, len(t.f.Texts))
		for i := len(t.f.Texts) - 1; i >= 0; i-- { // the first counts
			t.texts[textAt{t.f.Texts[i].Side, t.f.Texts[i].Path}] = i
		}
	}
	i, ok := t.texts[textAt{side, path}]
	if !ok {
		return Text{}, false
	}
	return t.f.Texts[i], true
}

func (t *packageTree) build() {
	if t.built {
		return
	}
	t.built, t.dirs, t.files, t.locks = true, map[string]bool{}, map[string][]string{}, map[string][]string{}
	paths := slices.Clone(t.f.Paths)
	for i := range t.f.Files {
		if c := &t.f.Files[i]; c.Status != "removed" {
			if _, there := slices.BinarySearch(t.f.Paths, c.Path); !there {
				paths = append(paths, c.Path)
			}
		}
	}
	for _, file := range paths {
		if versions.Manifest(file) {
			t.dirs[path.Dir(file)] = true
		}
	}
	for _, file := range paths {
		if beside, lock := versions.Lock(file); lock {
			t.locks[beside] = append(t.locks[beside], file)
		}
		if t.l.isVersionFile(t.p, file) {
			home := t.home(file)
			t.files[home] = append(t.files[home], file)
			t.files[""] = append(t.files[""], file)
		}
	}
	t.outermost()
}

// outermost finds the package that is least deep, and whether it is alone there.
func (t *packageTree) outermost() {
	least := -1
	for home := range t.files {
		if home == "" {
			continue
		}
		switch d := depth(home); {
		case least < 0 || d < least:
			least, t.outer, t.alone = d, home, true
		case d == least:
			t.alone = false
		}
	}
}

func depth(dir string) int {
	if dir == "." {
		return 0
	}
	return 1 + strings.Count(dir, "/")
}

// home is the directory of the package that a file belongs to: the nearest one above it that has a manifest; "." for
// the root, and where there is none.
func (t *packageTree) home(file string) string {
	t.build()
	for dir := path.Dir(file); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if t.dirs[dir] {
			return dir
		}
	}
	return "."
}

// leads says whether a package speaks for the whole line by where it lies.
func (t *packageTree) leads(home string) bool {
	t.build()
	return t.alone && home == t.outer
}

// listed says whether the version files of the tree are known: they were asked for, and so the changed one is there.
func (t *packageTree) listed(changed string) bool {
	_, found := slices.BinarySearch(t.f.Paths, changed)
	return t.f.Listed && found
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
func (t *packageTree) others(set *statement) []string {
	t.build()
	var all []string
	files, paths := literal(t.p)
	switch {
	case paths:
		for _, file := range files {
			if t.l.holds(file) {
				all = append(all, file)
			}
		}
	case t.listed(set.path) && len(t.p.Tagging.Files) > 0:
		all = append(all, t.files[""]...)
	case t.listed(set.path):
		all = append(append(all, t.files[set.home]...), t.locks[set.path]...)
	case t.f.Listed:
		for _, name := range []string{"VERSION", "version.txt", "package.json", "package-lock.json", "pyproject.toml", "setup.cfg", "setup.py", "Cargo.toml", "Chart.yaml", "composer.json", "gradle.properties"} {
			if beside, lock := versions.Lock(path.Join(set.home, name)); !lock || beside == set.path {
				all = append(all, path.Join(set.home, name))
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(file string) bool { return file == set.path })
}

// maxOthers bounds how many files one set version is compared with; where there are more, nobody can say.
const maxOthers = 500
