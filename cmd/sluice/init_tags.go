package main

import (
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/changelog"
	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/checks/versions"
)

func (c *conventions) lookAtTags(v *glance) {
	var whole, parts []versions.Group
	for _, g := range versions.Read(tagsOf(v.Tags)).Report(time.Now().UTC()).Groups {
		switch {
		case g.Highest == "" && g.Prerelease == "":
		case component(g.Prefix) == "":
			whole = append(whole, g)
		default:
			parts = append(parts, g)
		}
	}
	if len(parts) > 0 {
		c.components = componentsOf(foldersOf(v), parts)
	}
	if len(whole) == 0 && len(c.components) <= 1 { // the repository's own name stands in its tags
		whole, c.components = parts, nil
	}
	if len(whole) > 0 { // of several ways to write it, the one that is used most
		g := slices.MaxFunc(whole, func(a, b versions.Group) int { return cmp.Compare(a.Tags, b.Tags) })
		c.tag, c.scheme = g.Prefix+"{version}", g.Scheme
	}
	c.annotated = annotatedOf(v.Tags, append(whole, parts...))
}

// componentsOf are the parts that have a folder; each folder has one, under the name that its package states or that
// is tagged most.
func componentsOf(f folders, parts []versions.Group) []policy.Component {
	owner := map[string]versions.Group{}
	for _, g := range parts {
		folder, ok := f.of(component(g.Prefix))
		if !ok {
			continue
		}
		old, taken := owner[folder]
		stated := func(g versions.Group) bool { return f.packages[component(g.Prefix)] == folder }
		if !taken || stated(g) && !stated(old) || stated(g) == stated(old) && g.Tags > old.Tags {
			owner[folder] = g
		}
	}
	var list []policy.Component
	for _, folder := range sortedKeys(owner) {
		g := owner[folder]
		list = append(list, policy.Component{Name: component(g.Prefix), Paths: policy.Globs{escapeGlob(folder) + "/**"}, Tag: g.Prefix + "{version}", Scheme: g.Scheme})
	}
	return list
}

// habitual is how many of the newest releases tell whether tags are annotated: habits change.
const habitual = 20

// annotatedOf says whether most of the newest releases have annotated tags.
func annotatedOf(tags []checks.Tag, groups []versions.Group) bool {
	var releases []checks.Tag
	for _, t := range tags {
		if slices.ContainsFunc(groups, func(g versions.Group) bool {
			rest, ok := strings.CutPrefix(t.Name, g.Prefix)
			return ok && rest != "" && rest[0] >= '0' && rest[0] <= '9'
		}) {
			releases = append(releases, t)
		}
	}
	sorting.By(releases, func(a, b checks.Tag) int { return b.At.Compare(a.At) })
	releases = releases[:min(len(releases), habitual)]
	annotated := 0
	for _, t := range releases {
		if t.Annotated {
			annotated++
		}
	}
	return annotated*2 > len(releases)
}

var separators = patterns.New(`(?:[@/_-]v?|v)$`)

// component is the name of what a tag's prefix releases: "api" of "api/v" and of "api-"; "" of "v" and of "release-".
func component(prefix string) string {
	name := separators.ReplaceAllString(prefix, "")
	if name == "" || slices.Contains([]string{"v", "release", "rel", "releases", "version", "ver", "r", "tag", "tags"}, strings.ToLower(name)) {
		return ""
	}
	return name
}

// folders knows which folder a name in a tag stands for.
type folders struct {
	own      map[string]bool   // folders that hold a package: a manifest or a changelog of their own
	nearest  map[string]string // by last name: the shortest of them
	packages map[string]string // by the name that package.json states
}

// manifests are files that make a folder a package of its own.
func manifests() []string {
	return []string{"package.json", "go.mod", "Cargo.toml", "pyproject.toml", "setup.py", "setup.cfg", "pom.xml", "build.gradle", "build.gradle.kts",
		"Chart.yaml", "composer.json", "mix.exs", "VERSION", "Package.swift", "pubspec.yaml", "BUILD.bazel", "Dockerfile"}
}

func foldersOf(v *glance) folders {
	f := folders{own: map[string]bool{}, nearest: map[string]string{}, packages: map[string]string{}}
	for _, p := range v.Paths {
		dir, base := path.Dir(p), path.Base(p)
		if dir == "." || changelog.Foreign(p) || !(slices.Contains(manifests(), base) || strings.HasSuffix(base, ".gemspec") ||
			strings.HasSuffix(base, ".csproj") || changelog.IsChangelog(p)) {
			continue
		}
		f.own[dir] = true
		name := path.Base(dir)
		if old, ok := f.nearest[name]; !ok || len(dir) < len(old) {
			f.nearest[name] = dir
		}
		if base == "package.json" {
			if name := packageName(v, p); name != "" && f.packages[name] == "" {
				f.packages[name] = dir
			}
		}
	}
	return f
}

// of is the folder that a name stands for: a path, the package of that name, or the folder so called.
func (f folders) of(name string) (string, bool) {
	if f.own[name] {
		return name, true
	}
	if dir, ok := f.packages[name]; ok {
		return dir, true
	}
	dir, ok := f.nearest[path.Base(name)]
	return dir, ok
}

func packageName(v *glance, p string) string {
	text, _ := v.Text(p)
	var pkg struct {
		Name string `json:"name"`
	}
	if json.Unmarshal([]byte(text), &pkg) != nil {
		return ""
	}
	return pkg.Name
}
