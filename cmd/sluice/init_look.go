package main

import (
	"path"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/environments"
	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/checks/policy"
)

// conventions are those that a repository shows.
type conventions struct {
	tag, scheme string // of its releases, "" when there are none
	annotated   bool
	components  []policy.Component

	changelogs []string // globs
	fragments  []string // globs
	generated  bool     // the changelog is written when a release is made

	environments []policy.EnvFiles
	sparse       bool // files of environments override a base: they lack keys by nature

	exempt  []string // globs
	bots    []string
	owners  bool     // CODEOWNERS
	systems []string // of CI

	unsaid []string // what a policy cannot say, and is left to be found
}

func conventionsOf(v *glance) conventions {
	var c conventions
	c.lookAtTags(v)
	c.lookAtChangelogs(v)
	c.lookAtEnvironments(v)
	c.lookAtHabits(v)
	return c
}

func (c *conventions) lookAtEnvironments(v *glance) {
	finder := environments.NewFinder(nil, nil)
	var candidates []string
	for _, p := range v.Paths {
		if finder.Candidate(p) {
			candidates = append(candidates, p)
		}
	}
	layout := finder.Find(candidates)
	for _, name := range layout.Names() {
		var files []string
		for _, f := range layout.Files {
			if f.Environment == name {
				files = append(files, f.Path)
			}
		}
		if len(files) > 0 {
			c.environments = append(c.environments, policy.EnvFiles{Name: name, Paths: foldersOrFiles(files, v.Paths)})
		}
	}
	for _, family := range layout.Families {
		c.sparse = c.sparse || len(family.Base) > 0
	}
}

// foldersOrFiles are patterns for the files of one environment: two or more of a kind that are all there is of that
// kind in a folder stand for those to come as well.
func foldersOrFiles(files, paths []string) policy.Globs {
	kind := func(p string) string { return path.Dir(p) + "/*" + path.Ext(p) }
	all, mine := map[string]int{}, map[string]int{}
	for _, p := range files {
		mine[kind(p)]++
	}
	for _, p := range paths {
		if k := kind(p); mine[k] > 0 {
			all[k]++
		}
	}
	var globs policy.Globs
	for _, p := range files {
		k, glob := kind(p), escapeGlob(p)
		if mine[k] > 1 && mine[k] == all[k] && path.Ext(p) != "" && path.Dir(p) != "." {
			glob = escapeGlob(path.Dir(p)) + "/*" + escapeGlob(path.Ext(p))
		}
		if !slices.Contains(globs, glob) {
			globs = append(globs, glob)
		}
	}
	return globs
}

// habit is a file that tells of a habit, by the path or its beginning.
type habit struct{ at, exempt, bot, ci string }

func habits() []habit {
	return []habit{
		{".github/dependabot.y", "", "dependabot[bot]", ""},
		{"renovate.json", "", "renovate[bot]", ""}, {".github/renovate.json", "", "renovate[bot]", ""}, {".renovaterc", "", "renovate[bot]", ""},
		{".github/workflows/", ".github/**", "", "GitHub Actions"}, {".gitlab-ci.yml", ".gitlab-ci.yml", "", "GitLab CI"},
		{".circleci/config.yml", ".circleci/**", "", "CircleCI"}, {"Jenkinsfile", "Jenkinsfile", "", "Jenkins"},
		{".travis.yml", ".travis.yml", "", "Travis CI"}, {"azure-pipelines.yml", "azure-pipelines.yml", "", "Azure Pipelines"},
		{".buildkite/", ".buildkite/**", "", "Buildkite"}, {"docs/", "docs/**", "", ""}, {"doc/", "doc/**", "", ""},
	}
}

// testFiles are how the main languages name their tests.
func testFiles() []struct{ suffix, glob string } {
	return []struct{ suffix, glob string }{
		{"_test.go", "**/*_test.go"}, {"_test.py", "**/*_test.py"}, {"_spec.rb", "**/*_spec.rb"}, {".test.ts", "**/*.test.ts"}, {".test.js", "**/*.test.js"},
	}
}

func (c *conventions) lookAtHabits(v *glance) {
	add := func(list *[]string, s string) {
		if s != "" && !slices.Contains(*list, s) {
			*list = append(*list, s)
		}
	}
	for _, p := range v.Paths {
		for _, h := range habits() {
			if strings.HasPrefix(p, h.at) {
				add(&c.exempt, h.exempt)
				add(&c.bots, h.bot)
				add(&c.systems, h.ci)
			}
		}
		for _, t := range testFiles() {
			if strings.HasSuffix(p, t.suffix) {
				add(&c.exempt, t.glob)
			}
		}
		if strings.HasPrefix(p, "tests/") || strings.HasPrefix(p, "test/") || strings.HasPrefix(p, "spec/") {
			add(&c.exempt, p[:strings.IndexByte(p, '/')]+"/**")
		}
		if slices.Contains([]string{"CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS"}, p) {
			c.owners = true
		}
	}
	slices.Sort(c.exempt)
}

var globbing = patterns.New(`[\\*?\[\]{}]`)

// escapeGlob makes a pattern that matches the path alone.
func escapeGlob(p string) string { return globbing.ReplaceAllString(p, `\$0`) }
