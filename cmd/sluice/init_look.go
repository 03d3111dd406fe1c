package main

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/changelog"
	"github.com/sluicegate/sluice/checks/environments"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/versions"
	"github.com/sluicegate/sluice/providers/local"
)

// conventions are those that a repository shows.
type conventions struct {
	tag, scheme string // of its releases, "" when there are none
	annotated   bool
	tags        int
	components  []policy.Component

	changelogs []string
	fragments  []string // globs

	environments []policy.EnvFiles
	sparse       bool // files of environments override a base: they lack keys by nature

	exempt  []string // globs
	bots    []string
	owners  bool     // CODEOWNERS
	systems []string // of CI
}

func conventionsOf(v *local.View) conventions {
	var c conventions
	c.lookAtTags(v)
	c.lookAtChangelogs(v)
	c.lookAtEnvironments(v)
	c.lookAtHabits(v)
	return c
}

func (c *conventions) lookAtTags(v *local.View) {
	report := versions.Read(tagsOf(v.Tags)).Report(time.Now().UTC())
	released := map[string]bool{}
	for _, t := range v.Tags {
		released[t.Name] = t.Annotated
	}
	annotated, all := 0, 0
	for _, g := range report.Groups {
		if g.Highest == "" {
			continue
		}
		for name, a := range released {
			if strings.HasPrefix(name, g.Prefix) {
				all++
				if a {
					annotated++
				}
			}
		}
		if component(g.Prefix) != "" {
			if x, ok := c.component(v, g); ok {
				c.components = append(c.components, x)
			}
			continue
		}
		if g.Tags > c.tags { // of several ways to write it, the one that is used most
			c.tag, c.scheme, c.tags = g.Prefix+"{version}", g.Scheme, g.Tags
		}
	}
	c.annotated = annotated*2 > all
}

var separators = regexp.MustCompile(`(?:[@/_-]v?|v)$`)

// component is the name of what a tag's prefix releases: "api" of "api/v" and of "api-"; "" of "v" and of "release-".
func component(prefix string) string {
	name := separators.ReplaceAllString(prefix, "")
	if name == "" || slices.Contains([]string{"v", "release", "rel", "version", "ver", "r"}, strings.ToLower(name)) {
		return ""
	}
	return name
}

// component finds the folder that a component's tags belong to: by its name, or by the package that states it.
func (c *conventions) component(v *local.View, g versions.Group) (policy.Component, bool) {
	name := component(g.Prefix)
	folder := ""
	for _, p := range v.Paths {
		dir := path.Dir(p)
		for d := dir; d != "." && d != "/"; d = path.Dir(d) {
			if d == name || path.Base(d) == name && (folder == "" || len(d) < len(folder)) {
				folder = d
			}
		}
		if path.Base(p) == "package.json" && strings.HasPrefix(name, "@") && packageName(v, p) == name {
			folder = dir
			break
		}
	}
	if folder == "" || folder == "." {
		return policy.Component{}, false
	}
	return policy.Component{Name: name, Paths: policy.Globs{escapeGlob(folder) + "/**"}, Tag: g.Prefix + "{version}", Scheme: g.Scheme}, true
}

func packageName(v *local.View, p string) string {
	text, _ := v.Text(p)
	var pkg struct {
		Name string `json:"name"`
	}
	if json.Unmarshal([]byte(text), &pkg) != nil {
		return ""
	}
	return pkg.Name
}

func (c *conventions) lookAtChangelogs(v *local.View) {
	files, fragments := changelog.Find(v.Paths)
	c.changelogs = files
	for _, f := range fragments {
		glob := escapeGlob(path.Dir(f)) + "/*"
		if ext := path.Ext(f); ext != "" && !strings.ContainsAny(ext, "{}[]*?\\") {
			glob += ext
		}
		if !slices.Contains(c.fragments, glob) {
			c.fragments = append(c.fragments, glob)
		}
	}
}

func (c *conventions) lookAtEnvironments(v *local.View) {
	finder := environments.NewFinder(nil, nil)
	var candidates []string
	for _, p := range v.Paths {
		if finder.Candidate(p) {
			candidates = append(candidates, p)
		}
	}
	layout := finder.Find(candidates)
	for _, name := range layout.Names() {
		e := policy.EnvFiles{Name: name}
		for _, f := range layout.Files {
			if f.Environment == name {
				e.Paths = append(e.Paths, escapeGlob(f.Path))
			}
		}
		if len(e.Paths) > 0 {
			c.environments = append(c.environments, e)
		}
	}
	for _, family := range layout.Families {
		c.sparse = c.sparse || len(family.Base) > 0
	}
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

func (c *conventions) lookAtHabits(v *local.View) {
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

var globbing = regexp.MustCompile(`[\\*?\[\]{}]`)

// escapeGlob makes a pattern that matches the path alone.
func escapeGlob(p string) string { return globbing.ReplaceAllString(p, `\$0`) }
