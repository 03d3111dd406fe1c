package environments

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/sorting"
)

// Gap is a key that some environments of a family have and others lack, and that nothing they share has.
type Gap struct {
	Family  string
	Key     string   // as spelled where it is
	ID      string   // the key without the environment's own name in it: "find-*.url" for "find-prod.url"
	Lacking []string // environments, sorted
	Having  []string
	Files   []string // of those lacking it, then of those having it; each part sorted
	Path    string   // a file that has the key
	Line    int      // there
}

// Contents are the keys of the files of one family; a file that could not be parsed is not in it.
type Contents map[string][]Key

// Compare returns the gaps within a family, by key. An environment counts only if all its files in the family are in
// the contents; one of which nothing could be read has no gaps.
//
// Nothing is deployed to environments such as `local` and `ci`, unless the policy declares them: what only they have
// is theirs, and what they lack is not missed.
func Compare(f *Family, contents Contents) []Gap {
	envs := f.readable(contents)
	if len(envs) < 2 {
		return nil
	}
	common := keySet{}
	for _, b := range f.Base {
		common.add(b, contents[b], sharedName)
	}
	have := map[string]keySet{}
	for _, x := range f.Files {
		if !slices.Contains(envs, x.Environment) {
			continue
		}
		if have[x.Environment] == nil {
			have[x.Environment] = keySet{}
		}
		have[x.Environment].add(x.Path, contents[x.Path], ownName(x.Environment))
	}
	var gaps []Gap
	seen := map[string]bool{}
	for _, k := range leaves(envs, have) {
		if seen[k.id] || common.covers(k.key) || k.id != k.key && common.covers(k.id) {
			continue
		}
		seen[k.id] = true
		if g, ok := f.gap(k, envs, have); ok {
			gaps = append(gaps, g)
		}
	}
	return gaps
}

// ownName takes an environment's own name out of a key, since some files repeat it: [production.database],
// alerts.shop-prod.url.
func ownName(environment string) func(key string) string {
	same := func(w string) bool { return w == environment || Name(w) == environment }
	return func(key string) string { return star(key, same) }
}

// sharedName does the same for [default.database] in what is shared.
func sharedName(key string) string {
	if first, rest, ok := strings.Cut(key, "."); ok && shared(strings.ToLower(first)) {
		return "*." + rest
	}
	return key
}

// readable are the environments whose every file was parsed, without those that are no stop on the way to production.
func (f *Family) readable(contents Contents) []string {
	var out []string
	names := f.Environments()
	for _, name := range names {
		ok := f.Declared || !side(name) || name == "local" && !slices.Contains(names, "development")
		for _, x := range f.Files {
			if _, had := contents[x.Path]; x.Environment == name && !had {
				ok = false
			}
		}
		if ok {
			out = append(out, name)
		}
	}
	return out
}

func (f *Family) gap(k leaf, envs []string, have map[string]keySet) (Gap, bool) {
	g := Gap{Family: f.Name, Key: k.key, ID: k.id, Path: k.at.path, Line: k.at.line}
	for _, e := range envs {
		if have[e].covers(k.key) || k.id != k.key && have[e].covers(k.id) {
			g.Having = append(g.Having, e)
		} else {
			g.Lacking = append(g.Lacking, e)
		}
	}
	if len(g.Lacking) == 0 {
		return g, false
	}
	lacks := map[string]bool{}
	for _, e := range g.Lacking {
		lacks[e] = true
	}
	for _, first := range []bool{true, false} {
		for _, x := range f.Files {
			if lacks[x.Environment] == first && (first || slices.Contains(g.Having, x.Environment)) {
				g.Files = append(g.Files, x.Path)
			}
		}
	}
	return g, true
}

// keySet holds keys and everything above them: with a.b.c also a.b and a.
type keySet map[string]where

type where struct {
	path string
	line int
	id   string // "" for what is not spelled so
	leaf bool   // a key, not only the way to one
	full bool   // with a value, which may stand for a group of keys: a template, say
}

// add puts keys in, as spelled and without the environment's name.
func (s keySet) add(path string, keys []Key, neutral func(string) string) {
	for _, k := range keys {
		id := neutral(k.Path)
		s.put(k.Path, where{path, k.Line, id, true, k.Value != ""})
		if id != k.Path {
			s.put(id, where{path: path, line: k.Line, leaf: true, full: k.Value != ""})
		}
	}
}

func (s keySet) put(key string, at where) {
	if old, ok := s[key]; !ok || !old.leaf {
		s[key] = at
	}
	for up := above(key); up != ""; up = above(up) {
		if _, ok := s[up]; ok {
			break
		}
		s[up] = where{path: at.path, line: at.line}
	}
}

// covers says that the key is there: by itself, as a group of keys, or as part of a value that stands for a group.
func (s keySet) covers(key string) bool {
	if _, ok := s[key]; ok {
		return true
	}
	for up := above(key); up != ""; up = above(up) {
		if at, ok := s[up]; ok {
			return at.full && !strings.HasPrefix(key[len(up):], "[")
		}
	}
	return false
}

// above returns the path without its last name: "a.b[c]" for "a.b[c].d", "a.b" for "a.b[c]", "" for "a".
func above(p string) string {
	if strings.HasSuffix(p, "]") {
		if i := strings.LastIndexByte(p, '['); i > 0 {
			return p[:i]
		}
	}
	if i := strings.LastIndexByte(p, '.'); i > 0 && !strings.Contains(p[i:], "]") {
		return p[:i]
	}
	if i := strings.LastIndexByte(p, '['); i > 0 {
		return p[:i]
	}
	return ""
}

type leaf struct {
	key, id string
	at      where
}

// leaves are the keys as spelled, by name, the first environment's first.
func leaves(envs []string, have map[string]keySet) []leaf {
	var out []leaf
	for _, e := range envs {
		for k, at := range have[e] {
			if at.leaf && at.id != "" {
				out = append(out, leaf{k, at.id, at})
			}
		}
	}
	sorting.By(out, func(a, b leaf) int {
		return cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.at.path, b.at.path))
	})
	return out
}
