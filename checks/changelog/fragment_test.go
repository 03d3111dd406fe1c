package changelog

import (
	"slices"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"CHANGELOG.md": "file", "CHANGES": "file", "History.md": "file", "NEWS.rst": "file", "docs/changelog.md": "file",
		"packages/cli/CHANGELOG.md": "file", "debian/changelog": "file", "RELEASE_NOTES.txt": "file", "Changes": "file",
		"node_modules/x/CHANGELOG.md": "", "vendor/x/CHANGELOG.md": "", "testdata/CHANGELOG.md": "", "src/history.go": "", "lib/changes": "",
		"third_party/a/NEWS": "", "CHANGELOG.md.orig": "", "changelog.go": "",
		"newsfragments/123.feature.rst": "fragment", "newsfragments/+orphan.bugfix": "fragment", "src/pkg/newsfragments/7.misc": "fragment",
		"CHANGES/12.bugfix.rst": "fragment", "changes/add-x.md": "fragment", "changelog/431.bugfix.rst": "fragment", "changelog/fix_a_crash.md": "fragment",
		".changeset/brave-eagles-pick.md": "fragment", ".changes/unreleased/fixed-2024.yaml": "fragment", "changelog.d/20240101_120000_ana_x.rst": "fragment",
		"changelog.d/20240101_120000_ana_release_template.rst": "fragment", "packages/a/newsfragments/1.doc.md": "fragment",
		".changelog/5572.txt": "fragment", "changelog.d/2024.md": "fragment", ".changeset/changelog-github-template.md": "fragment", "changelogs/2024.md": "",
		".chloggen/fix-x.yaml": "fragment", "releasenotes/notes/a-1f.yaml": "fragment", "changelogs/fragments/12-x.yml": "fragment",
		"newsfragments/README.md": "", "newsfragments/.gitignore": "", "changelog/_template.rst": "", ".changeset/README.md": "", ".changeset/config.json": "",
		"changelog.d/towncrier_template.rst": "", "CHANGES/.TEMPLATE.rst": "", "changelog/1.2.0.md": "", ".changes/v1.2.0.md": "", "changelog/index.md": "",
		".changes/header.tpl.md": "", "app/models/deep/er/changes/a.md": "", "changes/main.go": "", "vendor/x/newsfragments/1.doc": "",
	} {
		files, fragments := Find([]string{path})
		got := strings.Repeat("file", len(files)) + strings.Repeat("fragment", len(fragments))
		if got != want {
			t.Errorf("Find(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestReadFragment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path, text string
		packages   []string
		want       string // the error
	}{
		"towncrier":                            {"newsfragments/1.feature", "New theme.\n", nil, ""},
		"towncrier, empty":                     {"newsfragments/1.feature", "  \n", nil, "says nothing yet"},
		"towncrier, a number alone, for misc":  {"newsfragments/1.misc.rst", "", nil, ""},
		"towncrier, no number, for trivial":    {"news/a2f33265-61e1-4886-a925-d5ece116010f.trivial.rst", "", nil, ""},
		"no news and no sort of it":            {"news/trivial.rst", "", nil, "says nothing yet"},
		"towncrier, a placeholder":             {"newsfragments/1.feature.rst", "TODO\n", nil, "says nothing yet"},
		"scriv, with text":                     {"changelog.d/20240101_x.rst", ".. A comment\n\nAdded\n.....\n\n- New theme.\n", nil, ""},
		"scriv, all of it commented out":       {"changelog.d/20240101_x.rst", ".. Added\n.. .....\n..\n.. - A bullet item for the Added category.\n", nil, "says nothing yet"},
		"scriv in Markdown, commented out":     {"changelog.d/20240101_x.md", "<!--\n### Added\n\n- A bullet item for the Added category.\n\n-->\n", nil, "says nothing yet"},
		"rubocop":                              {"changelog/fix_x.md", "* [#1](https://example.com): Fix a crash. ([@ana][])\n", nil, ""},
		"a changeset":                          {".changeset/a.md", "---\n\"@acme/cli\": minor\n'core': patch\nweb: major\n---\n\nNew theme.\n", []string{"@acme/cli", "core", "web"}, ""},
		"a changeset with CRLF":                {".changeset/a.md", "---\r\n\"cli\": minor\r\n---\r\n\r\nNew theme.\r\n", []string{"cli"}, ""},
		"a changeset without text":             {".changeset/a.md", "---\n\"cli\": minor\n---\n", []string{"cli"}, "says nothing yet"},
		"a changeset that names no package":    {".changeset/a.md", "---\n---\n\nNothing to release.\n", nil, "names no package with major, minor or patch in its front matter"},
		"a changeset without front matter":     {".changeset/a.md", "New theme.\n", nil, "has no front matter between --- that names packages and their bumps"},
		"changie":                              {".changes/unreleased/added.yaml", "kind: Added\nbody: New theme\ntime: 2024-01-02T03:04:05Z\ncustom:\n  Issue: \"1\"\n", nil, ""},
		"changie, for one project":             {".changes/unreleased/added.yaml", "project: cli\nkind: Added\nbody: New theme\n", []string{"cli"}, ""},
		"changie, without a body":              {".changes/unreleased/added.yaml", "kind: Added\nbody: \"\"\n", nil, "says nothing yet"},
		"changie, broken":                      {".changes/unreleased/added.yaml", "kind: [", nil, "is no valid YAML or JSON"},
		"an alias bomb":                        {".changes/unreleased/b.yaml", "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nkind: x\n", nil, "says nothing yet"},
		"reno":                                 {"releasenotes/notes/a.yaml", "---\nfeatures:\n  - |\n    New theme.\n", nil, ""},
		"go-changelog":                         {".changelog/12.txt", "```release-note:bug\nparser: no crash any more\n```\n", nil, ""},
		"a path that the policy alone knows":   {"docs/next/x.md", "- New theme\n", nil, ""},
		"a record that the policy alone knows": {"docs/next/x.yml", "text: New theme\n", nil, ""},
		"too large":                            {"newsfragments/1.feature", strings.Repeat("x", maxFragment+1), nil, "is larger than 256 KB"},
	} {
		f, err := ReadFragment(c.path, c.text)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want || !slices.Equal(f.Packages, c.packages) {
			t.Errorf("%s: ReadFragment(%q) = %q, %q, want %q, %q", name, c.path, f.Packages, got, c.packages, c.want)
		}
	}
}
