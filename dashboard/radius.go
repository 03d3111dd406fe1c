package dashboard

import (
	"path"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/environments"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/sorting"
)

// radius is a part of what a promotion or change touches, with the files of it.
type radius struct {
	What  string
	Files []string
	More  int
	order int
}

// mostFiles is how many files of a part are named.
const mostFiles = 12

// radiusOf sorts what was touched by what it may break, the worst first.
func radiusOf(files []checks.File, set *policy.Set) (list []radius) {
	owned := configurationOf(files, set)
	for _, f := range files {
		what, order := partOf(f.Path)
		if name := owned[f.Path]; name != "" {
			what, order = "Configuration of "+name, 1
		}
		list = filed(list, what, order, f.Path)
	}
	sorting.By(list, func(a, b radius) int { return a.order - b.order })
	return list
}

// filed is the list with a file under its part.
func filed(list []radius, what string, order int, path string) []radius {
	i := slices.IndexFunc(list, func(r radius) bool { return r.What == what })
	if i < 0 {
		list, i = append(list, radius{What: what, order: order}), len(list)
	}
	list[i].add(path)
	return list
}

// add is one file more of it.
func (r *radius) add(path string) {
	if len(r.Files) < mostFiles {
		r.Files = append(r.Files, path)
		return
	}
	r.More++
}

// Count is how many files there are.
func (r radius) Count() int { return len(r.Files) + r.More }

// configurationOf says which files are an environment's configuration, as the policies find them.
func configurationOf(files []checks.File, set *policy.Set) map[string]string {
	found := map[string]string{}
	if set == nil {
		return found
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	for _, layer := range set.Layers {
		c := layer.ConfigSeparation
		layout := environments.NewFinder(c.Environments, c.Ignore).Find(paths)
		for _, p := range paths {
			if x, ok := layout.File(p); ok && found[p] == "" {
				found[p] = x.Environment
			}
		}
	}
	return found
}

// partOf says what a file belongs to that is nobody's configuration.
func partOf(file string) (what string, order int) {
	base := path.Base(file)
	switch {
	case strings.Contains("/"+file, "/migrations/") || strings.Contains("/"+file, "/migrate/") || path.Ext(file) == ".sql":
		return "Database migrations", 0
	case base == "CODEOWNERS" || slices.Contains(policy.Paths, file):
		return "Owners and policy", 2
	case strings.HasPrefix(file, ".github/workflows/") || slices.Contains([]string{".gitlab-ci.yml", "Dockerfile", "Jenkinsfile"}, base):
		return "Pipelines and images", 3
	case slices.Contains([]string{"go.mod", "go.sum", "package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "Cargo.toml", "Cargo.lock", "requirements.txt", "poetry.lock", "Gemfile.lock", "pom.xml"}, base):
		return "Dependencies", 4
	}
	return "Code and the rest", 5
}
