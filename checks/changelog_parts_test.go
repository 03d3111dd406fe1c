package checks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

func TestChangelogParts(t *testing.T) {
	t.Parallel()
	more := strings.Replace(keptLog, "dark.\n", "dark.\n- For the light as well.\n", 1)
	made := changelogTop + waitingNone + "## [1.2.0] - 2024-06-01\n\n- A theme for the dark.\n\n" + releasedTwo + releasedOne
	mono := map[string]string{"CHANGELOG.md": keptLog, "packages/a/CHANGELOG.md": keptLog, "packages/a/a.js": "1", "packages/b/CHANGELOG.md": keptLog, "packages/b/b.js": "1", "packages/c/c.js": "1"}
	changeset := "---\n\"@acme/a\": minor\n---\n\nA new button.\n"
	type texts = map[string]string
	for name, c := range map[string]struct {
		before texts
		change texts // "" removes
		set    func(*policy.Policy)
		want   string
	}{
		"a component with its entry":           {mono, texts{"packages/a/a.js": "2", "packages/a/CHANGELOG.md": more}, nil, "pass Adds an entry to packages/a/CHANGELOG.md, line 8."},
		"a component, entry in another's":      {mono, texts{"packages/a/a.js": "2", "packages/b/CHANGELOG.md": more}, nil, "fail | :0 The change adds no entry for packages/a to packages/a/CHANGELOG.md; its author has to add one."},
		"a component, entry in the root's":     {mono, texts{"packages/a/a.js": "2", "CHANGELOG.md": more}, nil, "fail | :0 The change adds no entry for packages/a to packages/a/CHANGELOG.md; its author has to add one."},
		"a component without a changelog":      {mono, texts{"packages/c/c.js": "2", "CHANGELOG.md": more}, nil, "pass Adds an entry to CHANGELOG.md, line 8."},
		"two components, one entry":            {mono, texts{"packages/a/a.js": "2", "packages/b/b.js": "2", "packages/a/CHANGELOG.md": more}, nil, "fail | :0 The change adds no entry for packages/b to packages/b/CHANGELOG.md; its author has to add one."},
		"two components, one of them exempt":   {mono, texts{"packages/a/a.js": "2", "packages/b/b.js": "2", "packages/a/CHANGELOG.md": more}, func(p *policy.Policy) { p.Changelog.Exempt.Paths = policy.Globs{"packages/b/**"} }, "pass Adds an entry to packages/a/CHANGELOG.md, line 8."},
		"a release of a component, and a lock": {mono, texts{"packages/a/CHANGELOG.md": made, "lock.json": "2"}, nil, "pass Makes 1.2.0 in packages/a/CHANGELOG.md, with every unreleased entry in it."},
		"components that the policy names": {texts{"cli/x.go": "1", "web/x.go": "1", "docs/cli.md": keptLog, "web/CHANGES.md": keptLog}, texts{"cli/x.go": "2", "web/x.go": "2", "web/CHANGES.md": more}, func(p *policy.Policy) {
			p.Tagging.Components = []policy.Component{{Name: "cli", Paths: policy.Globs{"cli/**"}, Changelog: "docs/cli.md"}, {Name: "web", Paths: policy.Globs{"web/**"}}}
		}, "fail | :0 The change adds no entry for cli to docs/cli.md; its author has to add one."},
		"no root changelog, and a path of no component": {texts{"packages/a/CHANGELOG.md": keptLog, "packages/b/CHANGELOG.md": keptLog, "site/x.md": "1"}, texts{"site/x.md": "2"}, nil, "fail | :0 The change adds no entry to any changelog; its author has to add one (site/x.md has none of its own)."},
		"the only changelog, in a folder":               {texts{"docs/changelog.md": keptLog, "x.go": "1"}, texts{"docs/changelog.md": more, "x.go": "2"}, nil, "pass Adds an entry to docs/changelog.md, line 8."},
		"no changelog":                                  {texts{"x.go": "1"}, texts{"x.go": "2"}, nil, "fail | :0 The repository has no changelog; the author has to create CHANGELOG.md with an entry for this change."},
		"somebody else's changelog":                     {texts{"vendor/x/CHANGELOG.md": keptLog, "x.go": "1"}, texts{"vendor/x/CHANGELOG.md": more, "x.go": "2"}, nil, "fail | :0 The repository has no changelog; the author has to create CHANGELOG.md with an entry for this change."},
		"a file that the policy names is not there":     {texts{"x.go": "1"}, texts{"x.go": "2"}, func(p *policy.Policy) { p.Changelog.Files = []string{"HISTORY.md"} }, "fail | :0 HISTORY.md, which the policy names as changelog, does not exist; create it or correct the policy."},
		"a pattern that nothing matches":                {texts{"x.go": "1", "CHANGELOG.md": keptLog}, texts{"x.go": "2"}, func(p *policy.Policy) { p.Changelog.Files = []string{"log/*.md"} }, "fail | :0 log/*.md, which the policy names as changelog, does not exist; create it or correct the policy."},
		"an entry in a file that the policy leaves out": {texts{"NEWS.md": keptLog, "CHANGELOG.md": keptLog}, texts{"NEWS.md": more}, func(p *policy.Policy) { p.Changelog.Files = []string{"CHANGELOG.md"} }, "fail | :0 The change adds no entry to CHANGELOG.md; its author has to add one."},

		"a fragment":                             {texts{"CHANGES.rst": "1.0.0\n=====\n\n- One\n"}, texts{"x.go": "2", "newsfragments/12.feature.rst": "A new button.\n"}, nil, "pass Adds the fragment newsfragments/12.feature.rst."},
		"a fragment that is empty":               {texts{"CHANGES.rst": "1.0.0\n=====\n\n- One\n"}, texts{"x.go": "2", "newsfragments/12.feature.rst": "\n"}, nil, "fail | newsfragments/12.feature.rst:1 The fragment newsfragments/12.feature.rst says nothing yet; write what the change does for its users."},
		"a fragment in other words":              {texts{"newsfragments/12.feature.rst": "A new buton.\n"}, texts{"x.go": "2", "newsfragments/12.feature.rst": "A new button.\n"}, nil, "fail | :0 The change adds no changelog fragment; its author has to add one."},
		"an entry more in a fragment":            {texts{"newsfragments/12.feature.rst": "A new button.\n"}, texts{"x.go": "2", "newsfragments/12.feature.rst": "A new button.\n\nDoors can be locked.\n"}, nil, "pass Adds to the fragment newsfragments/12.feature.rst."},
		"the notes beside fragments":             {texts{"newsfragments/12.feature.rst": "A new button.\n"}, texts{"x.go": "2", "newsfragments/README.md": "Write fragments.\n"}, nil, "fail | :0 The change adds no changelog fragment; its author has to add one."},
		"a fragment as the policy has it":        {texts{"x.go": "1"}, texts{"x.go": "2", "log/next/a.md": "- A new button\n"}, func(p *policy.Policy) { p.Changelog.Fragments = policy.Globs{"log/next/*.md"} }, "pass Adds the fragment log/next/a.md."},
		"a fragment where there are to be none":  {texts{"CHANGELOG.md": keptLog}, texts{"x.go": "2", "newsfragments/1.doc": "Text.\n"}, func(p *policy.Policy) { p.Changelog.Fragments = policy.Globs{} }, "fail | :0 The change adds no entry to CHANGELOG.md; its author has to add one."},
		"a changeset for the component":          {mono, texts{"packages/a/a.js": "2", ".changeset/x.md": changeset}, nil, "pass Adds the fragment .changeset/x.md."},
		"a changeset for another":                {mono, texts{"packages/b/b.js": "2", ".changeset/x.md": changeset}, nil, "fail | :0 The change adds no entry for packages/b to packages/b/CHANGELOG.md; its author has to add one."},
		"a changeset without text":               {mono, texts{"packages/a/a.js": "2", ".changeset/x.md": "---\n\"@acme/a\": minor\n---\n"}, nil, "fail"},
		"a fragment in the component's folder":   {mono, texts{"packages/a/a.js": "2", "packages/a/newsfragments/1.feature": "A new button.\n"}, nil, "pass Adds the fragment packages/a/newsfragments/1.feature."},
		"a release that takes all fragments":     {texts{"CHANGES.md": changelogTop + releasedOne, "newsfragments/1.feature": "A new button."}, texts{"CHANGES.md": changelogTop + "## [1.1.0] - 2024-06-01\n\n- A new button.\n\n" + releasedOne, "newsfragments/1.feature": ""}, nil, "pass Makes 1.1.0 in CHANGES.md, with every unreleased entry in it."},
		"a release that leaves a fragment":       {texts{"CHANGES.md": changelogTop + releasedOne, "newsfragments/1.feature": "A new button.", "newsfragments/2.feature": "A door."}, texts{"CHANGES.md": changelogTop + "## [1.1.0] - 2024-06-01\n\n- A new button.\n\n" + releasedOne, "newsfragments/1.feature": ""}, nil, "fail | CHANGES.md:3 The fragment newsfragments/2.feature stays behind although 1.1.0 is made; gather it too."},
		"a second changelog":                     {texts{"CHANGELOG.md": keptLog}, texts{"x.go": "2", "NEWS.md": changelogTop + waitingOne}, nil, "fail | :0 The change adds no entry to CHANGELOG.md; its author has to add one."},
		"a changelog in place of another":        {texts{"HISTORY.md": keptLog}, texts{"HISTORY.md": "", "CHANGELOG.md": more}, nil, "pass Adds an entry to CHANGELOG.md, line 8."},
		"a changelog removed":                    {texts{"CHANGELOG.md": keptLog}, texts{"CHANGELOG.md": ""}, nil, "fail | CHANGELOG.md:1 CHANGELOG.md is removed with 2 released versions; its author has to keep them."},
		"old versions moved to a file beside it": {texts{"CHANGELOG.md": keptLog}, texts{"CHANGELOG.md": strings.Replace(more, releasedOne, "", 1), "CHANGELOG-1.0.md": "# Older\n\n" + releasedOne}, nil, "pass Adds an entry to CHANGELOG.md, line 8."},
		"old versions moved, and shortened":      {texts{"CHANGELOG.md": keptLog}, texts{"CHANGELOG.md": strings.Replace(more, releasedOne, "", 1), "CHANGELOG-1.0.md": "# Older\n\n## 1.0.0\n\n- The first.\n"}, nil, "fail | CHANGELOG.md:1 The section of 1.0.0, which is released, is removed from CHANGELOG.md; restore it."},
	} {
		base, head := logEdit(c.before, c.before)
		for path, text := range c.change {
			if head[path] = text; text == "" {
				delete(head, path)
			}
		}
		if strings.HasPrefix(name, "a component") || strings.HasPrefix(name, "two") || strings.Contains(name, "changeset") || strings.Contains(name, "policy names") || strings.Contains(name, "folder") || strings.Contains(name, "no component") || strings.Contains(name, "a lock") {
			head["main.go"] = base["main.go"]
		}
		f, p := logFacts(base, head), policy.Defaults()
		if c.set != nil {
			c.set(p)
		}
		if rounds := logAnswer(t, p, f, base, head); rounds > 2 {
			t.Errorf("%s: the check asked in %d rounds, want 2 at most", name, rounds)
		}
		if got := logTold(p, f); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestChangelogThatCannotBeRead(t *testing.T) {
	t.Parallel()
	more := strings.Replace(keptLog, "dark.\n", "dark.\n- For the light as well.\n", 1)
	for name, c := range map[string]struct {
		spoil func(*Facts)
		want  string
	}{
		"nothing spoiled":               {func(*Facts) {}, "pass"},
		"a symbolic link":               {func(f *Facts) { f.Files[0].Kind = "symlink" }, "fail | CHANGELOG.md:1 CHANGELOG.md is a symbolic link"},
		"Git LFS":                       {func(f *Facts) { f.Files[0].Kind = "lfs" }, "fail | CHANGELOG.md:1 CHANGELOG.md is kept in Git LFS"},
		"a text that is binary":         {func(f *Facts) { f.Texts[1].Kind, f.Texts[1].Text = "binary", "" }, "fail | CHANGELOG.md:1 CHANGELOG.md is binary"},
		"a text that is not UTF-8":      {func(f *Facts) { f.Texts[1].Kind, f.Texts[1].Text = "encoding", "" }, "fail | CHANGELOG.md:1 CHANGELOG.md is not UTF-8"},
		"a text that is too large":      {func(f *Facts) { f.Texts[1].Kind, f.Texts[1].Text = "large", "" }, "fail | CHANGELOG.md:1 CHANGELOG.md is too large to be read"},
		"a text from before, too large": {func(f *Facts) { f.Texts[0].Kind, f.Texts[0].Text = "large", "" }, "fail | CHANGELOG.md:1 CHANGELOG.md is too large to be read"},
		"a text too large to parse":     {func(f *Facts) { f.Texts[1].Text = strings.Repeat("- a b\n", 6<<20) }, "fail | CHANGELOG.md:1 CHANGELOG.md is too large to be read"},
		"a text that was not read":      {func(f *Facts) { f.Texts = f.Texts[:1] }, "unknown | CHANGELOG.md:0 Sluice could not read CHANGELOG.md: it asks again."},
		"a text with a gap": {func(f *Facts) { f.Texts, f.Gaps = f.Texts[:1], []Gap{{"text:CHANGELOG.md", "GitHub answered 502."}} },
			"unknown | CHANGELOG.md:0 Sluice could not read CHANGELOG.md: GitHub answered 502."},
		"files with a gap":     {func(f *Facts) { f.Gaps = []Gap{{"files", "GitHub lists 3,000."}} }, "unknown | :0 Sluice could not read which files the change touches: GitHub lists 3,000."},
		"paths with a gap":     {func(f *Facts) { f.Listed, f.Gaps = false, []Gap{{"paths", "GitHub cut the tree."}} }, "unknown | :0 Sluice could not look for changelogs in the repository: GitHub cut the tree."},
		"paths cut off":        {func(f *Facts) { f.Gaps = []Gap{{"paths", "GitHub cut the tree."}} }, "unknown | :0 Sluice could not look for changelogs in the repository: GitHub cut the tree."},
		"files not told":       {func(f *Facts) { f.Files, f.Change.ChangedFiles = nil, 2 }, "unknown | :0 Sluice was not told which files"},
		"no files":             {func(f *Facts) { f.Files = nil }, "skip | :0 The change touches no file."},
		"no change, but a tag": {func(f *Facts) { f.Change = nil }, "skip | :0 Only changes are asked for a changelog entry."},
	} {
		base, head := logEdit(map[string]string{"CHANGELOG.md": keptLog}, map[string]string{"CHANGELOG.md": more})
		f, p := logFacts(base, head), policy.Defaults()
		logAnswer(t, p, f, base, head)
		c.spoil(f)
		if got := logTold(p, f); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestChangelogRenamed(t *testing.T) {
	t.Parallel()
	more := strings.Replace(keptLog, "dark.\n", "dark.\n- For the light as well.\n", 1)
	base, head := logEdit(map[string]string{"HISTORY.md": keptLog}, map[string]string{"CHANGELOG.md": more})
	f, p := logFacts(base, head), policy.Defaults()
	f.Files = []File{{Path: "CHANGELOG.md", Old: "HISTORY.md", Status: "renamed"}, {Path: "main.go", Status: "modified"}}
	logAnswer(t, p, f, base, head)
	if got, want := logTold(p, f), "pass Adds an entry to CHANGELOG.md, line 8."; got != want {
		t.Errorf("a changelog renamed:\n got %s\nwant %s", got, want)
	}
	base, head = logEdit(map[string]string{"CHANGELOG.md": keptLog}, map[string]string{"old.txt": more})
	f = logFacts(base, head)
	f.Files = []File{{Path: "old.txt", Old: "CHANGELOG.md", Status: "renamed"}, {Path: "main.go", Status: "modified"}}
	logAnswer(t, p, f, base, head)
	if got, want := logTold(p, f), "fail | CHANGELOG.md:1 CHANGELOG.md is removed with 2 released versions; its author has to keep them."; got != want {
		t.Errorf("a changelog renamed to what is none:\n got %s\nwant %s", got, want)
	}
}

func TestChangelogWantsNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	more := strings.Replace(keptLog, "dark.\n", "dark.\n- For the light as well.\n", 1)
	base, head := logEdit(map[string]string{"CHANGELOG.md": keptLog, "sub/CHANGELOG.md": keptLog}, map[string]string{"CHANGELOG.md": more, "sub/CHANGELOG.md": keptLog})
	for name, c := range map[string]struct {
		files []string
		paths bool
		texts string
	}{
		"where the policy names nothing":   {nil, true, "[base CHANGELOG.md head CHANGELOG.md]"},
		"where the policy names the file":  {[]string{"CHANGELOG.md"}, false, "[base CHANGELOG.md head CHANGELOG.md]"},
		"where it names another":           {[]string{"NEWS.md"}, false, "[head NEWS.md]"},
		"where it names files by patterns": {[]string{"**/CHANGELOG.md"}, true, "[base CHANGELOG.md head CHANGELOG.md]"},
	} {
		f, p, w := logFacts(base, head), policy.Defaults(), &Wants{}
		p.Changelog.Files = c.files
		wantChangelog(p, f, w)
		var texts []string
		for _, x := range w.Texts {
			texts = append(texts, string(x.Side)+" "+x.Path)
		}
		if got := fmt.Sprint(texts); got != c.texts || (w.Paths != nil) != c.paths || w.Lines != nil {
			t.Errorf("%s: wantChangelog wants texts %s and paths %v, want %s and %v", name, got, w.Paths != nil, c.texts, c.paths)
		}
	}
}

func BenchmarkChangelog(b *testing.B) {
	var long strings.Builder
	long.WriteString(keptLog)
	for i := range 2000 {
		fmt.Fprintf(&long, "\n## [0.%d.0] - 2020-01-02\n\n### Fixed\n\n- Mends number %d in [the parser](https://example.com/%d).\n- And another.\n", 2000-i, i, i)
	}
	before := long.String()
	base, head := logEdit(map[string]string{"CHANGELOG.md": before}, map[string]string{"CHANGELOG.md": strings.Replace(before, "dark.\n", "dark.\n- For the light as well.\n", 1)})
	f, p := logFacts(base, head), policy.Defaults()
	f.Listed = true
	for side, texts := range map[Side]map[string]string{Base: base, Head: head} {
		f.Texts = append(f.Texts, Text{Side: side, Path: "CHANGELOG.md", Text: texts["CHANGELOG.md"]})
	}
	for i := range 30 {
		f.Files = append(f.Files, File{Path: fmt.Sprintf("src/file%d.go", i), Status: "modified"})
	}
	b.ReportAllocs()
	for b.Loop() {
		if r := judgeChangelog(p, f); len(r.Findings) > 0 {
			b.Fatal(r.Findings)
		}
	}
}

func BenchmarkChangelogMonorepo(b *testing.B) {
	base, head := map[string]string{}, map[string]string{}
	f, p := logFacts(base, head), policy.Defaults()
	f.Listed = true
	for i := range 300 {
		log := fmt.Sprintf("packages/p%d/CHANGELOG.md", i)
		f.Paths = append(f.Paths, log)
		for j := range 10 {
			f.Files = append(f.Files, File{Path: fmt.Sprintf("packages/p%d/src/f%d.js", i, j), Status: "modified"})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		judgeChangelog(p, f)
	}
}
