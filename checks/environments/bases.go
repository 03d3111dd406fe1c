package environments

import (
	"path"
	"slices"
	"strings"
)

// base says whether the path may hold what the environments of a family share: application.yml, values.yaml, .env,
// default.toml, or anything in a folder called base.
func base(p string) bool {
	stem, ext, ok := split(path.Base(p))
	if !ok || ext == "script" || excluded(p) {
		return false
	}
	if ext == "env" && stem == "env" {
		return true
	}
	for rest := p; ; {
		dir, after, more := strings.Cut(rest, "/")
		if !more {
			break
		}
		if shared(strings.ToLower(dir)) && dir != "main" {
			return true
		}
		rest = after
	}
	for _, w := range words(stem) {
		if shared(w.word) {
			return true
		}
		switch w.word {
		case "application", "bootstrap", "values", "appsettings", "settings", "config", "configuration", "vars", "variables", "app", "parameters", "terraform":
			return true
		}
	}
	return false
}

// baseIndex finds what a family shares by looking up the names it could have, so that many families and many shared
// files cost no more than their sum.
type baseIndex struct {
	byName map[string][]string // normal path to the paths as they are
	charts map[string][]string // folder to the values.yml one or two folders below it
}

func indexBases(paths []string) *baseIndex {
	ix := &baseIndex{map[string][]string{}, map[string][]string{}}
	for _, p := range paths {
		n := normal(p)
		ix.byName[n] = append(ix.byName[n], p)
		if dir, name := path.Split(n); name == "values.yml" {
			for range 2 {
				if dir = parent(dir); dir == "" {
					break
				}
				ix.charts[dir] = append(ix.charts[dir], p)
			}
		}
	}
	return ix
}

// parent of "a/b/" is "a/", of "a/" is "./", and of "./" is "".
func parent(dir string) string {
	if dir == "" || dir == "./" {
		return ""
	}
	up, _ := path.Split(strings.TrimSuffix(dir, "/"))
	if up == "" {
		return "./"
	}
	return up
}

// normal makes YAML's two endings, and the two formats of Spring, one.
func normal(p string) string {
	ext := path.Ext(p)
	if ext == ".yaml" || ext == ".properties" && strings.HasPrefix(path.Base(p), "application") {
		return strings.TrimSuffix(p, ext) + ".yml"
	}
	return p
}

// of returns what the family shares.
func (ix *baseIndex) of(family string) []string {
	var out []string
	for _, n := range baseNames(family) {
		out = append(out, ix.byName[n]...)
	}
	dir, name := path.Split(family)
	if !strings.Contains(dir, "*") && strings.HasPrefix(name, "values") && path.Ext(name) == ".yml" {
		if dir == "" {
			dir = "./"
		}
		out = append(out, ix.charts[dir]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// baseNames are the paths that would be shared by the family: with a shared word in place of the environment's name,
// without the name, and for a star in the folders also in the folder above and beside.
func baseNames(family string) []string {
	var names []string
	for _, w := range []string{"default", "defaults", "base", "common", "shared", "global", "all"} {
		names = append(names, strings.ReplaceAll(family, "*", w))
	}
	dir, name := path.Split(family)
	if !strings.Contains(dir, "*") {
		return append(names, without(dir, name)...)
	}
	before, rest, _ := strings.Cut(family, "*")
	_, file, _ := strings.Cut(rest, "/")
	file = strings.ReplaceAll(file, "*", "")
	names = append(names, before+file)
	up := path.Dir(strings.TrimSuffix(before, "/"))
	for _, w := range []string{"base", "bases", "common", "shared", "default", "defaults"} {
		names = append(names, path.Join(up, w, file))
	}
	return names
}

// without are the names beside: application-*.yml has application.yml, settings/*.yml has settings.yml.
func without(dir, name string) []string {
	bare := name
	for _, cut := range []string{"-*", "_*", ".*", "*-", "*_", "*.", "*"} {
		if i := strings.Index(bare, cut); i >= 0 {
			bare = bare[:i] + bare[i+len(cut):]
			break
		}
	}
	ext := path.Ext(name)
	if strings.TrimLeft(bare, ".-_") == strings.TrimPrefix(ext, ".") && !strings.HasPrefix(bare, ".env") {
		names := []string{strings.TrimSuffix(dir, "/") + ext}
		if ext == ".env" {
			names = append(names, dir+".env")
		}
		return names
	}
	return []string{dir + bare, dir + strings.Replace(bare, ".template", "", 1)}
}
