package checks

import (
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

// writing is a change to the files given, in a repository with these files.
func writing(t *testing.T, policyText string, there map[string]string, touched ...string) (*policy.Set, *Facts) {
	t.Helper()
	src := policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: "version: 1\n" + policyText}
	set, err := policy.Load(src)
	if err != nil {
		t.Fatal(err)
	}
	f := &Facts{At: time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC), Subject: Subject{Forge: "github", Repo: "acme/shop", Kind: KindChange, Change: 7},
		Repository: Repository{Name: "acme/shop", Default: "main"}, Listed: true, Sources: []policy.Source{src},
		Change: &Change{Number: 7, State: "open", Base: Ref{Name: "main", Commit: "b1"}, Head: Ref{Name: "x", Commit: "c1"}, ChangedFiles: len(touched)}}
	for p := range there {
		f.Paths = append(f.Paths, p)
	}
	for _, p := range touched {
		f.Files = append(f.Files, File{Path: p, Status: "modified"})
		f.Paths = append(f.Paths, p)
	}
	return set, f
}

const (
	kept       = "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-01-01\n\n### Added\n\n- The shop.\n"
	components = "tagging:\n  components:\n    - {name: shop, paths: [\"shop/**\"], changelog: shop/CHANGELOG.md}\n    - {name: api, paths: [\"api/**\"], changelog: api/CHANGELOG.md}\n"
)

// Each row is where the entry goes and what the file then says; "!" begins what a refusal says.
func TestPlaceEntry(t *testing.T) {
	t.Parallel()
	both := map[string]string{"shop/CHANGELOG.md": kept, "api/CHANGELOG.md": kept}
	for name, c := range map[string]struct {
		policy, category string
		there            map[string]string
		touched          []string
		path, text       string
	}{
		"the only changelog":                {"", "fixed", map[string]string{"CHANGELOG.md": kept}, []string{"a.go"}, "CHANGELOG.md", "## [Unreleased]\n\n### Fixed\n\n- It holds.\n\n## [1.0.0]"},
		"the component that is touched":     {components, "Added", both, []string{"api/a.go"}, "api/CHANGELOG.md", "### Added\n\n- It holds.\n\n## [1.0.0]"},
		"the component that is named":       {components, "shop/Added", both, []string{"api/a.go", "shop/b.go"}, "shop/CHANGELOG.md", "- It holds."},
		"several components":                {components, "Added", both, []string{"api/a.go", "shop/b.go"}, "!`shop/Added`, `api/Added`", ""},
		"a component that is none":          {components, "web/Added", both, []string{"api/a.go"}, "!there is no component", ""},
		"components that nobody declared":   {"", "Added", both, []string{"api/a.go"}, "api/CHANGELOG.md", "- It holds."},
		"there is no changelog yet":         {"", "Added", nil, []string{"a.go"}, "CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- It holds.\n"},
		"the policy names one that is none": {"changelog: {files: [docs/NEWS.md]}\n", "Added", nil, []string{"a.go"}, "docs/NEWS.md", "# Changelog"},
		"a fragment":                        {"", "Fixed", map[string]string{"NEWS.rst": "x", "newsfragments/3.bugfix.rst": "Else.\n"}, []string{"a.py"}, "newsfragments/7.bugfix.rst", "It holds.\n"},
		"an empty folder for changesets":    {"", "patch", map[string]string{".changeset/config.json": "{}", "package.json": `{"name": "@acme/shop"}`}, []string{"src/a.ts"}, ".changeset/change-7-", "\"@acme/shop\": patch"},
		"a changelog that is a link":        {"", "Fixed", map[string]string{"CHANGELOG.md": "\x00"}, []string{"a.go"}, "!cannot be read as text", ""},
	} {
		set, f := writing(t, c.policy, c.there, c.touched...)
		place, err := PlaceEntry(set, f, Wording{Category: c.category, Text: "It holds.", At: f.At})
		var got *Written
		if err == nil {
			texts := map[string]string{}
			for _, p := range place.Reads {
				if text, ok := c.there[p]; ok && text != "\x00" {
					texts[p] = text
				}
			}
			got, err = place.Write(texts)
		}
		if refusal, ok := strings.CutPrefix(c.path, "!"); ok {
			if err == nil || !strings.Contains(err.Error(), refusal) {
				t.Errorf("%s: got %+v, %v; want a refusal that says %q", name, got, err, refusal)
			}
			continue
		}
		if err != nil || !strings.HasPrefix(got.Path, c.path) || !strings.Contains(got.Text, c.text) {
			t.Errorf("%s: got %+v, %v; want %s with %q", name, got, err, c.path, c.text)
			continue
		}
		if v := withEntry(set, f, got, c.there); v.Outcome != Pass && len(c.touched) == 1 { // the other component lacks its own
			t.Errorf("%s: sluice/changelog on what was written is %v: %s", name, v.Outcome, v.Reason)
		}
	}
}

// withEntry is what the changelog check says of the change with the entry in it.
func withEntry(set *policy.Set, f *Facts, w *Written, there map[string]string) Verdict {
	g := *f
	status := "added"
	if text, was := there[w.Path]; was {
		status = "modified"
		g.Texts = append(g.Texts, Text{Side: Base, Path: w.Path, Text: text})
	} else {
		g.Paths = append(append([]string{}, f.Paths...), w.Path)
	}
	g.Texts = append(g.Texts, Text{Side: Head, Path: w.Path, Text: w.Text})
	g.Files = append(append([]File{}, f.Files...), File{Path: w.Path, Status: status})
	for _, v := range Judge(set, &g) {
		if v.Check == "changelog" {
			return v
		}
	}
	return Verdict{}
}

func TestPlanRelease(t *testing.T) {
	t.Parallel()
	tags := func(names ...string) (list []Tag) {
		for _, n := range names {
			name, commit, _ := strings.Cut(n, " ")
			list = append(list, Tag{Name: name, Commit: commit, Annotated: true})
		}
		return list
	}
	many := tags("shop/v1.2.0 a", "api/v0.3.0 b")
	for name, c := range map[string]struct {
		policy, word string
		tags         []Tag
		touched      string
		want         string // tag previous there latest; "!" begins what a refusal says
	}{
		"a minor one":                    {"", "minor", tags("v1.2.0 a", "v1.3.0-rc.1 b"), "a.go", "v1.3.0 v1.2.0 false true"},
		"the first":                      {"", "minor", nil, "a.go", "v0.1.0  false true"},
		"by its number":                  {"", "1.2.1", tags("v1.2.0 a"), "a.go", "v1.2.1 v1.2.0 false true"},
		"by its tag":                     {"", "v2.0.0-rc.1", tags("v1.2.0 a"), "a.go", "v2.0.0-rc.1 v1.2.0 false false"},
		"tags without a v":               {"", "patch", tags("1.2.0 a"), "a.go", "1.2.1 1.2.0 false true"},
		"of a commit that has one":       {"", "minor", tags("v1.2.0 a", "v1.3.0 m"), "a.go", "v1.3.0 v1.2.0 true true"},
		"final of what was a prerelease": {"", "minor", tags("v1.2.0 a", "v1.3.0-rc.1 m"), "a.go", "v1.3.0 v1.2.0 false true"},
		"another of the same commit":     {"", "1.4.0", tags("v1.3.0 m"), "a.go", "!released as v1.3.0 already"},
		"too low":                        {"", "1.1.9", tags("v1.2.0 a"), "a.go", "!not higher than v1.2.0"},
		"an older line, on main":         {"", "1.1.9", tags("v1.1.8 a", "v1.2.0 b"), "a.go", "!not higher than v1.2.0, the highest release"},
		"taken":                          {"", "1.2.0", tags("v1.2.0 a"), "a.go", "!v1.2.0 is there already"},
		"no version":                     {"", "one", tags("v1.2.0 a"), "a.go", "!Next could come `1.2.1`, `1.3.0`, `2.0.0`"},
		"signed tags":                    {"tagging: {signed: true}\n", "minor", tags("v1.2.0 a"), "a.go", "!asks for signed tags"},
		"the component that is touched":  {components, "minor", many, "api/a.go", "api/v0.4.0 api/v0.3.0 false true"},
		"a whole tag of another":         {components, "shop/v1.2.1", many, "api/a.go", "shop/v1.2.1 shop/v1.2.0 false true"},
		"no component is touched":        {components, "minor", many, "a.go", "!`shop/v1.3.0`, `api/v0.4.0`"},
		"components nobody declared":     {"", "minor", many, "a.go", "!tagging.components in the policy declares none"},
		"by the calendar":                {"tagging: {scheme: \"calver:YYYY.MM.MICRO\"}\n", "minor", tags("v2026.11.4 a"), "a.go", "v2026.11.5 v2026.11.4 false true"},
	} {
		set, f := writing(t, c.policy, nil, c.touched)
		f.Tags = c.tags
		got, err := PlanRelease(set, f, "m", c.word)
		if refusal, ok := strings.CutPrefix(c.want, "!"); ok {
			if err == nil || !strings.Contains(err.Error(), refusal) {
				t.Errorf("%s: PlanRelease(%s) = %+v, %v; want a refusal that says %q", name, c.word, got, err, refusal)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: PlanRelease(%s): %v", name, c.word, err)
			continue
		}
		said := strings.Join([]string{got.Tag, got.Previous, map[bool]string{true: "true", false: "false"}[got.There], map[bool]string{true: "true", false: "false"}[got.Latest]}, " ")
		if said != c.want {
			t.Errorf("%s: PlanRelease(%s) = %s, want %s", name, c.word, said, c.want)
		}
	}
	set, f := writing(t, "", nil, "a.go")
	f.Gaps = []Gap{{Part: "tags", Reason: "GitHub gave half of them."}}
	if got, err := PlanRelease(set, f, "m", "minor"); err == nil {
		t.Errorf("PlanRelease with half the tags = %+v, want a refusal", got)
	}
}

func TestReleaseBranch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy, base string
		want         bool
	}{{"", "main", true}, {"", "next", false}, {"tagging: {branches: [\"release/*\"]}\n", "release/1.x", true}, {"tagging: {branches: [\"release/*\"]}\n", "main", false}} {
		set, f := writing(t, c.policy, nil, "a.go")
		f.Change.Base.Name = c.base
		if got, rule := ReleaseBranch(set, f); got != c.want || !got && rule == "" {
			t.Errorf("ReleaseBranch(%q, %s) = %v, %q, want %v", c.policy, c.base, got, rule, c.want)
		}
	}
}
