package changelog

import (
	"strings"
	"testing"
	"time"
)

func TestCompose(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		k                    Keeping
		category, path, text string // path "!": what a refusal says
		there                bool
	}{
		"towncrier by its own words": {Keeping{Tool: Towncrier, Dir: "newsfragments", There: []string{"newsfragments/1.feature.rst"}}, "Fixed", "newsfragments/7.bugfix.rst", "It works_.\n", false},
		"towncrier's types of the settings": {Keeping{Tool: Towncrier, Dir: "changes", There: []string{"changes/1.fix.md"},
			Texts: map[string]string{"pyproject.toml": "[tool.towncrier]\ndirectory='changes'\n[[tool.towncrier.type]]\ndirectory='fix'\n[[tool.towncrier.type]]\ndirectory='new'\n"}}, "bugfix", "!There are: fix, new", "", false},
		"towncrier, the second of a change": {Keeping{Tool: Towncrier, Dir: "newsfragments", There: []string{"newsfragments/7.bugfix.md"}, Texts: map[string]string{"newsfragments/7.bugfix.md": "Else\n"}}, "bugfix", "newsfragments/7.bugfix.1.md", "It works_.\n", false},
		"towncrier, there already":          {Keeping{Tool: Towncrier, Dir: "newsfragments", There: []string{"newsfragments/7.bugfix.md"}, Texts: map[string]string{"newsfragments/7.bugfix.md": "It works_.\n"}}, "bugfix", "newsfragments/7.bugfix.md", "It works_.\n", true},
		"Changesets":                        {Keeping{Tool: ChangesetsTool, Dir: ".changeset"}, "Minor", ".changeset/change-7-1258c567.md", "---\n\"@acme/shop\": minor\n---\n\nIt works_.\n", false},
		"Changesets want a bump":            {Keeping{Tool: ChangesetsTool, Dir: ".changeset"}, "Fixed", "!There are: major, minor, patch", "", false},
		"changie": {Keeping{Tool: Records, Dir: ".changes/unreleased", Texts: map[string]string{".changie.yaml": "kinds: [{label: Added}, {label: Fixed}]\ncustom: [{key: Issue, type: int}]\n"}}, "fix",
			".changes/unreleased/fixed-7-3abbf2c3.yaml", "kind: Fixed\nbody: It works_.\ntime: 2026-11-29T12:00:00Z\ncustom:\n    Issue: \"7\"\n", false},
		"changie asks for more":        {Keeping{Tool: Records, Dir: ".changes/unreleased", Texts: map[string]string{".changie.yaml": "kinds: [{label: Fixed}]\ncustom: [{key: Author}]\n"}}, "fix", "!changie asks for \"Author\"", "", false},
		"another tool's records":       {Keeping{Tool: Records, Dir: ".chloggen"}, "Fixed", "!only changie's form", "", false},
		"one file per change":          {Keeping{Tool: Texts, Dir: "changelog.d", There: []string{"changelog.d/5.md"}, Texts: map[string]string{"changelog.d/5.md": "Else.\n"}}, "Fixed", "changelog.d/7.md", "It works_.\n", false},
		"a text with its category":     {Keeping{Tool: Texts, Dir: "changelog.d", There: []string{"changelog.d/20260101_ana.md"}, Texts: map[string]string{"changelog.d/20260101_ana.md": "### Added\n\n- Else.\n"}}, "fixed", "changelog.d/7-42954d3a.md", "### Fixed\n\n- It works_.\n", false},
		"something else is there":      {Keeping{Tool: Texts, Dir: "changelog.d", There: []string{"changelog.d/7.md"}, Texts: map[string]string{"changelog.d/7.md": "Else.\n"}}, "Fixed", "!says something else", "", false},
		"a form that nobody writes by": {Keeping{Tool: Fenced, Dir: ".changelog"}, "Fixed", "!a form that I do not write", "", false},
	} {
		got, err := c.k.Compose(News{Change: 7, Category: c.category, Words: "It works_.", Packages: []string{"@acme/shop"}, At: day})
		if refusal, ok := strings.CutPrefix(c.path, "!"); ok {
			if err == nil || !strings.Contains(err.Error(), refusal) {
				t.Errorf("%s: Compose = %+v, %v; want a refusal that says %q", name, got, err, refusal)
			}
			continue
		}
		text := c.text
		if strings.HasSuffix(c.path, ".rst") {
			text = strings.Replace(text, "works_.", `works\_.`, 1)
		}
		if err != nil || got.Path != c.path || got.Text != text || got.There != c.there {
			t.Errorf("%s: Compose = %+v, %v; want %s: %q", name, got, err, c.path, text)
			continue
		}
		if !IsFragment(got.Path) && c.k.Dir != "changes" {
			t.Errorf("%s: %s is no fragment's path", name, got.Path)
		}
	}
}

func TestKeptEmpty(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{".changeset/config.json {}": ".changeset", ".changie.yaml changesDir: notes": "notes/unreleased",
		"pyproject.toml [tool.towncrier]\ndirectory='newsfragments'": "newsfragments", "pyproject.toml [tool.towncrier]\ndirectory='../x'": "", "pyproject.toml [tool.black]": ""} {
		name, text, _ := strings.Cut(file, " ")
		k, ok := KeptEmpty(map[string]string{name: text})
		if ok != (want != "") || ok && k.Dir != want {
			t.Errorf("KeptEmpty(%s) = %q, %v; want %q", file, k.Dir, ok, want)
		}
	}
}
