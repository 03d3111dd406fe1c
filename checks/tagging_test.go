package checks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

// tagging is one change to be judged: everything is given in short words and made into facts.
type tagging struct {
	policy   string               // YAML
	tags     string               // separated by spaces
	title    string               //
	body     string               //
	commit   string               // one commit's message
	labels   []string             // "minor" set by a writer; "minor@reader", "minor@nobody", "minor@unread"
	base     string               // target branch; "" for the default
	files    map[string][2]string // path: base and head text; "" for a side that has none, "!large" for a Kind
	paths    map[string]string    // further files of the tree, and their text at head
	gaps     []string
	local    bool
	unlisted bool
}

func (c tagging) facts(t testing.TB) (*policy.Set, *Facts) {
	t.Helper()
	var sources []policy.Source
	if c.policy != "" {
		sources = []policy.Source{{Origin: policy.Repository, Name: ".sluice.yml", Text: "version: 1\n" + c.policy}}
	}
	set, err := policy.Load(sources...)
	if err != nil {
		t.Fatalf("policy.Load(%q): %v", c.policy, err)
	}
	f := &Facts{
		At: time.Date(2026, 8, 5, 12, 0, 0, 0, time.UTC), Subject: Subject{Forge: "github", Repo: "acme/shop", Kind: KindChange, Change: 7},
		Repository: Repository{Name: "acme/shop", Default: "main"}, Local: c.local,
		Change: &Change{Number: 7, Title: c.title, Body: c.body, State: "open", Base: Ref{Name: "main"}, Head: Ref{Name: "topic", Commit: "head"}},
		People: map[int64]Person{1: {ID: 1, Permission: "write"}, 2: {ID: 2, Permission: "read"}},
		Listed: !c.unlisted,
	}
	if c.base != "" {
		f.Change.Base.Name = c.base
	}
	for i, name := range strings.Fields(c.tags) {
		name, commit, found := strings.Cut(name, "=")
		if !found {
			commit = fmt.Sprintf("c%d", i)
		}
		f.Tags = append(f.Tags, Tag{Name: name, Commit: commit, Annotated: true})
	}
	if c.commit != "" {
		f.Commits = []Commit{{ID: "0123456789abcdef", Message: c.commit}}
	}
	for _, l := range c.labels {
		name, by, _ := strings.Cut(l, "@")
		who := map[string]*Person{"": {ID: 1, Login: "wanda", Kind: "user"}, "reader": {ID: 2, Login: "rita", Kind: "user"}, "nobody": nil, "unread": {ID: 3, Login: "uma", Kind: "user"}}[by]
		f.Change.Labels = append(f.Change.Labels, Label{Name: name, By: who})
	}
	for _, g := range c.gaps {
		f.Gaps = append(f.Gaps, Gap{Part: g, Reason: "the forge was asleep."})
	}
	for _, path := range slices.Sorted(maps.Keys(c.files)) {
		sides, status := c.files[path], "modified"
		if sides[0] == "" {
			status = "added"
		} else if sides[1] == "" {
			status = "removed"
		}
		f.Files = append(f.Files, File{Path: path, Status: status})
		if sides[0] != "?" { // "?" stands for what was not read
			f.Texts = append(f.Texts, aText(Base, path, sides[0]), aText(Head, path, sides[1]))
		}
		if sides[1] != "" {
			f.Paths = append(f.Paths, path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(c.paths)) {
		f.Paths = append(f.Paths, path)
		f.Texts = append(f.Texts, aText(Head, path, c.paths[path]))
	}
	slices.Sort(f.Paths)
	if c.unlisted {
		f.Paths = nil
	}
	return set, f
}

func aText(side Side, path, text string) Text {
	if kind, ok := strings.CutPrefix(text, "!"); ok {
		return Text{Side: side, Path: path, Kind: kind}
	}
	return Text{Side: side, Path: path, Text: text, Absent: text == ""}
}

func TestTagging(t *testing.T) {
	t.Parallel()
	pkg := func(v string) string { return "{\n  \"name\": \"shop\",\n  \"version\": \"" + v + "\"\n}\n" }
	components := "tagging:\n  components:\n  - {name: api, paths: ['api/**'], tag: 'api/v{version}'}\n  - {name: web, paths: ['web/**'], tag: '@acme/web@{version}'}\n  - {name: lib, paths: ['lib/**']}\n"
	tests := map[string]struct {
		tagging
		want   Outcome
		reason string // part of it
	}{
		// Labels.
		"a label says minor":                           {tagging{tags: "v1.2.4", labels: []string{"minor"}}, Pass, "Ships minor: v1.3.0 after v1.2.4 (from the label)."},
		"a label with semver: says major":              {tagging{tags: "v1.2.4", labels: []string{"semver:major"}, title: "fix: x"}, Pass, "Ships major: v2.0.0 after v1.2.4 (from the label)."},
		"a label with semver/ and capitals":            {tagging{tags: "v1.2.4", labels: []string{"SemVer/Patch"}, title: "feat: x"}, Pass, "Ships patch: v1.2.5"},
		"a label with semver: and a space":             {tagging{tags: "v1.2.4", labels: []string{"semver: minor"}}, Pass, "v1.3.0"},
		"of two labels the higher counts":              {tagging{tags: "v1.2.4", labels: []string{"minor", "patch"}}, Pass, "Ships minor"},
		"a label of another name is no level":          {tagging{tags: "v1.2.4", labels: []string{"minor-issue", "semver"}, title: "fix: x"}, Pass, "v1.2.5 after v1.2.4 (from the title)"},
		"a label set without write access is nobody's": {tagging{tags: "v1.2.4", labels: []string{"major@reader"}, title: "fix: x"}, Pass, "Ships patch: v1.2.5"},
		"a label whose setter is not known":            {tagging{tags: "v1.2.4", labels: []string{"major@nobody"}, title: "fix: x"}, Pass, "Ships patch: v1.2.5"},
		"a label whose setter's right was not read":    {tagging{tags: "v1.2.4", labels: []string{"major@unread"}, title: "fix: x"}, Unknown, "label major"},
		"labels that could not be read":                {tagging{tags: "v1.2.4", title: "fix: x", gaps: []string{"labels"}}, Unknown, "labels could not be read"},
		"a local repository has no labels":             {tagging{tags: "v1.2.4", title: "fix: x", gaps: []string{"labels"}, local: true}, Pass, "v1.2.5"},

		// Titles.
		"feat":                                     {tagging{tags: "v1.2.4", title: "feat(cart): add a basket"}, Pass, "Ships minor: v1.3.0 after v1.2.4 (from the title)."},
		"fix in capitals":                          {tagging{tags: "v1.2.4", title: "Fix: the basket"}, Pass, "Ships patch: v1.2.5"},
		"feat with an exclamation mark":            {tagging{tags: "v1.2.4", title: "feat(api)!: drop v1"}, Pass, "Ships major: v2.0.0"},
		"chore with an exclamation mark":           {tagging{tags: "v1.2.4", title: "chore!: drop Go 1.20"}, Pass, "Ships major: v2.0.0"},
		"BREAKING CHANGE in the body":              {tagging{tags: "v1.2.4", title: "fix: x", body: "text\n\nBREAKING CHANGE: the flag is gone\n"}, Pass, "Ships major: v2.0.0 after v1.2.4 (from a BREAKING CHANGE in the description)"},
		"BREAKING CHANGE in a template's comment":  {tagging{tags: "v1.2.4", title: "fix: x", body: "<!--\nBREAKING CHANGE: say what\n-->\n"}, Pass, "Ships patch"},
		"BREAKING CHANGE in code":                  {tagging{tags: "v1.2.4", title: "fix: x", body: "```\nBREAKING CHANGE: like this\n```\n"}, Pass, "Ships patch"},
		"BREAKING CHANGE: none":                    {tagging{tags: "v1.2.4", title: "fix: x", body: "BREAKING CHANGE: none\n"}, Pass, "Ships patch"},
		"BREAKING CHANGE within a line":            {tagging{tags: "v1.2.4", title: "fix: x", body: "no BREAKING CHANGE: here"}, Pass, "Ships patch"},
		"BREAKING-CHANGE in a commit":              {tagging{tags: "v1.2.4", title: "fix: x", commit: "fix: x\n\nBREAKING-CHANGE: gone"}, Pass, "Ships major: v2.0.0 after v1.2.4 (from commit 0123456)"},
		"an exclamation mark in a commit":          {tagging{tags: "v1.2.4", title: "Rework", commit: "refactor!: x"}, Pass, "Ships major"},
		"docs ships nothing":                       {tagging{tags: "v1.2.4", title: "docs: x"}, Pass, "Ships no release by itself: its title says docs."},
		"docs ships nothing, tags unread":          {tagging{title: "docs: x", gaps: []string{"tags"}}, Pass, "Ships no release"},
		"no convention at all is a patch":          {tagging{tags: "v1.2.4", title: "Tidy up"}, Pass, "Ships patch: v1.2.5 after v1.2.4 (nothing says more)."},
		"the commits speak when nothing else does": {tagging{tags: "v1.2.4", title: "Baskets", commit: "feat: x"}, Pass, "Ships minor: v1.3.0 after v1.2.4 (from its commits)"},
		"a colon makes no type":                    {tagging{tags: "v1.2.4", title: "feat:x"}, Pass, "Ships patch"},
		"tags that could not be read":              {tagging{title: "fix: x", gaps: []string{"tags"}}, Unknown, "tags could not be read"},
		"files that could not be read":             {tagging{title: "fix: x", gaps: []string{"files"}}, Unknown, "files of the change"},

		// Before 1.0.0, and the first release.
		"below 1.0.0 what breaks is minor":       {tagging{tags: "v0.4.1", title: "feat!: x"}, Pass, "Ships minor: v0.5.0 after v0.4.1"},
		"below 1.0.0 a label makes 1.0.0":        {tagging{tags: "v0.4.1", labels: []string{"major"}}, Pass, "Ships major: v1.0.0 after v0.4.1"},
		"the first release":                      {tagging{title: "feat: x"}, Pass, "Ships minor: v0.1.0, the first release (from the title)."},
		"the first release by a label":           {tagging{labels: []string{"major"}}, Pass, "v1.0.0, the first release"},
		"the first release by a version file":    {tagging{title: "Start", files: map[string][2]string{"VERSION": {"", "1.0.0"}}}, Pass, "v1.0.0, the first release (from VERSION)"},
		"only prereleases so far":                {tagging{tags: "v1.0.0-rc.1 v1.0.0-rc.2", title: "fix: x"}, Pass, "v1.0.0"},
		"prereleases are not the highest":        {tagging{tags: "v1.2.4 v2.0.0-rc.1", title: "fix: x"}, Pass, "v1.2.5 after v1.2.4"},
		"moving tags are not the highest":        {tagging{tags: "v1.2.4 v1 v2 v1.2 latest", title: "fix: x"}, Pass, "v1.2.5 after v1.2.4"},
		"tags without v, and no policy for them": {tagging{tags: "1.2.4", title: "fix: x"}, Pass, "1.2.5 after 1.2.4"},

		// The changelog.
		"an entry under Added": {tagging{tags: "v1.2.4", title: "Baskets", files: map[string][2]string{"CHANGELOG.md": {
			"# Changelog\n\n## [Unreleased]\n\n## [1.2.4] - 2026-01-01\n### Fixed\n- a\n", "# Changelog\n\n## [Unreleased]\n### Added\n- Baskets can be kept.\n\n## [1.2.4] - 2026-01-01\n### Fixed\n- a\n"}}}, Pass, "Ships minor: v1.3.0 after v1.2.4 (from the changelog)"},
		"an entry under Removed": {tagging{tags: "v1.2.4", title: "chore: x", files: map[string][2]string{"CHANGELOG.md": {
			"# Changelog\n\n## [Unreleased]\n", "# Changelog\n\n## [Unreleased]\n### Removed\n- The old basket is gone.\n"}}}, Pass, "Ships major: v2.0.0"},
		"a changeset": {tagging{tags: "v1.2.4", title: "Baskets", files: map[string][2]string{".changeset/brave-cats.md": {"", "---\n\"shop\": minor\n---\n\nBaskets can be kept.\n"}}}, Pass, "Ships minor"},

		"a section for the next version": {tagging{tags: "v1.2.4", title: "Prepare release", files: map[string][2]string{"CHANGELOG.md": {
			"# Changelog\n\n## [Unreleased]\n### Added\n- Baskets can be kept.\n", "# Changelog\n\n## [Unreleased]\n\n## [1.3.0] - 2026-08-05\n### Added\n- Baskets can be kept.\n"}}}, Pass, "Ships minor: v1.3.0 after v1.2.4 (from CHANGELOG.md)."},
		"a section for another version than the file's": {tagging{tags: "v1.2.4", title: "chore: release", files: map[string][2]string{"VERSION": {"1.2.4", "1.3.0"}, "CHANGELOG.md": {
			"# Changelog\n\n## [Unreleased]\n### Added\n- Baskets can be kept.\n", "# Changelog\n\n## [Unreleased]\n\n## [1.4.0] - 2026-08-05\n### Added\n- Baskets can be kept.\n"}}}, Fail, "CHANGELOG.md has a section for 1.4.0 where VERSION says 1.3.0"},
		"a section for a version released before": {tagging{tags: "v1.2.4", title: "chore: x", files: map[string][2]string{"VERSION": {"1.2.4", "1.3.0"}, "CHANGELOG.md": {
			"# Changelog\n\n## [1.2.4] - 2026-08-05\n- a\n", "# Changelog\n\n## [1.2.4] - 2026-08-05\n- a\n\n## [1.2.3] - 2026-08-01\n- b was told of late\n"}}}, Pass, "v1.3.0"},

		// Version files.
		"a version file sets the next minor":            {tagging{tags: "v1.2.4", title: "chore: release", files: map[string][2]string{"package.json": {pkg("1.2.4"), pkg("1.3.0")}}}, Pass, "Ships minor: v1.3.0 after v1.2.4 (from package.json)."},
		"the title comes before the version file":       {tagging{tags: "v1.2.4", title: "feat: x", files: map[string][2]string{"package.json": {pkg("1.2.4"), pkg("2.0.0")}}}, Pass, "Ships minor: v1.3.0 after v1.2.4 (from the title); package.json says 2.0.0."},
		"a snapshot stands for its release":             {tagging{tags: "v1.2.4", title: "chore: x", files: map[string][2]string{"VERSION": {"1.2.4", "1.3.0-SNAPSHOT"}}}, Pass, "v1.3.0 after v1.2.4 (from VERSION)"},
		"a version file edited elsewhere":               {tagging{tags: "v1.2.4", title: "chore: x", files: map[string][2]string{"package.json": {pkg("1.2.4"), pkg("1.2.4") + "\n"}}}, Pass, "Ships no release"},
		"an invalid version":                            {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"package.json": {pkg("1.2.4"), pkg("1.3")}}}, Fail, `package.json sets a bad version: "1.3" is not SemVer`},
		"a version that is none":                        {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"VERSION": {"1.2.4", "soon"}}}, Fail, `VERSION sets a bad version`},
		"a version with a v in package.json":            {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"package.json": {pkg("1.2.4"), pkg("v1.3.0")}}}, Fail, "the v is part of the tag"},
		"a version that is too low":                     {tagging{tags: "v1.2.4 v1.3.0", title: "fix: x", files: map[string][2]string{"VERSION": {"1.3.0", "1.2.9"}}}, Fail, "VERSION sets 1.2.9, which is too low: the highest release is v1.3.0"},
		"a version that is the highest release":         {tagging{tags: "v1.3.0", title: "fix: x", files: map[string][2]string{"VERSION": {"1.2.9", "1.3.0"}}}, Fail, "VERSION sets 1.3.0, which is tagged already as v1.3.0"},
		"a version whose tag is on this very commit":    {tagging{tags: "v1.2.4 v1.3.0=head", title: "chore: x", files: map[string][2]string{"VERSION": {"1.2.4", "1.3.0"}}}, Pass, "v1.3.0 after v1.2.4"},
		"a snapshot of what is released":                {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"VERSION": {"1.2.4", "1.2.4-SNAPSHOT"}}}, Fail, "tagged already"},
		"a prerelease of what is released":              {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"VERSION": {"1.2.4", "1.2.4-rc.1"}}}, Fail, "too low"},
		"two files that differ":                         {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"package.json": {pkg("1.2.4"), pkg("1.3.0")}, "VERSION": {"1.2.4", "1.2.5"}}}, Fail, "VERSION says 1.2.5 where package.json says 1.3.0"},
		"a file left behind":                            {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"package.json": {pkg("1.2.4"), pkg("1.3.0")}}, paths: map[string]string{"VERSION": "1.2.4\n"}}, Fail, "VERSION says 1.2.4 where package.json says 1.3.0"},
		"a lock left behind":                            {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"package.json": {pkg("1.2.4"), pkg("1.3.0")}}, paths: map[string]string{"package-lock.json": pkg("1.2.4")}}, Fail, "package-lock.json says 1.2.4"},
		"a file that never agreed":                      {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"package.json": {pkg("1.2.4"), pkg("1.2.5")}}, paths: map[string]string{"VERSION": "7\n", "Chart.yaml": "version: 0.9.0\n"}}, Pass, "v1.2.5"},
		"a package of its own below":                    {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"package.json": {pkg("1.2.4"), pkg("1.2.5")}}, paths: map[string]string{"tools/x/package.json": pkg("1.2.4")}}, Pass, "v1.2.5"},
		"a package of its own below that is set":        {tagging{tags: "v5.0.0", title: "fix: x", files: map[string][2]string{"packages/x/package.json": {pkg("1.2.4"), pkg("1.2.5")}}, paths: map[string]string{"package.json": pkg("5.0.0")}}, Pass, "Ships patch: v5.0.1"},
		"many packages set at once, none declared":      {tagging{tags: "v5.0.0", title: "Version packages", files: map[string][2]string{"packages/x/package.json": {pkg("1.2.4"), pkg("1.2.5")}, "packages/y/package.json": {pkg("3.0.0"), pkg("4.0.0")}}, paths: map[string]string{"package.json": pkg("0.0.0")}}, Pass, "v5.0.1"},
		"a package below that has the released version": {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"src/app/app.csproj": {"<Project><PropertyGroup><Version>1.2.4</Version></PropertyGroup></Project>", "<Project><PropertyGroup><Version>1.2.3</Version></PropertyGroup></Project>"}}, paths: map[string]string{"package.json": pkg("0.0.1")}}, Fail, "too low"},
		"Python writes prereleases its own way":         {tagging{tags: "v1.2.4", title: "chore: x", files: map[string][2]string{"pyproject.toml": {"[project]\nversion='1.2.4'\n", "[project]\nversion='1.3.0rc1'\n"}}, paths: map[string]string{"src/shop/__init__.py": "__version__ = '1.3.0rc1'\n"}}, Pass, "v1.3.0-rc.1 after v1.2.4 (from pyproject.toml)"},
		"Python's module left behind":                   {tagging{tags: "v1.2.4", title: "chore: x", files: map[string][2]string{"pyproject.toml": {"[project]\nversion='1.2.4'\n", "[project]\nversion='1.3.0'\n"}}, paths: map[string]string{"src/shop/__init__.py": "__version__ = '1.2.4'\n"}}, Fail, "src/shop/__init__.py says 1.2.4"},
		"a Go constant":                                 {tagging{tags: "v1.2.4", title: "chore: x", files: map[string][2]string{"internal/version/version.go": {"package version\n\nconst Version = \"1.2.4\"\n", "package version\n\nconst Version = \"1.2.3\"\n"}}, paths: map[string]string{"go.mod": "module x\n"}}, Fail, "internal/version/version.go sets 1.2.3, which is too low"},
		"a version file that was not read":              {tagging{tags: "v1.2.4", title: "fix: x", unlisted: true, gaps: []string{"text:package.json"}, files: map[string][2]string{"package.json": {"?", "?"}}}, Unknown, "Which version package.json states is not known: the forge was asleep."},
		"a version file that is hidden on both sides":   {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"package.json": {"!large", "!large"}}}, Fail, "cannot be read (large)"},
		"a version file that was hidden":                {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"package.json": {"!lfs", pkg("1.2.3")}}}, Fail, "too low"},
		"a towncrier fragment":                          {tagging{tags: "v1.2.4", title: "Baskets", files: map[string][2]string{"newsfragments/12.feature.rst": {"", "Baskets can be kept.\n"}}}, Pass, "Ships minor"},
		"a changie fragment":                            {tagging{tags: "v1.2.4", title: "Baskets", files: map[string][2]string{".changes/unreleased/Fixed-1.yaml": {"", "kind: Fixed\nbody: Baskets are kept.\ntime: 2026-01-01T00:00:00Z\n"}}}, Pass, "Ships patch: v1.2.5 after v1.2.4 (from the changelog)"},
		"a changelog that was not read":                 {tagging{tags: "v1.2.4", title: "Baskets", files: map[string][2]string{"CHANGELOG.md": {"?", "?"}}}, Unknown, "Which entries are added to CHANGELOG.md"},
		"a tree that was not listed":                    {tagging{tags: "v1.2.4", title: "fix: x", unlisted: true, files: map[string][2]string{"VERSION": {"1.2.4", "1.2.5"}}}, Unknown, "Which other files state the version"},
		"a version file that turned binary":             {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"VERSION": {"1.2.4", "!binary"}}}, Fail, "cannot be read (binary)"},
		"a version file that became a link":             {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"VERSION": {"1.2.4", "!symlink"}}}, Fail, "becomes a link"},
		"a version file that is removed":                {tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"VERSION": {"1.2.4", ""}}}, Pass, "v1.2.5"},
		"declared files must all agree":                 {tagging{policy: "tagging: {files: [VERSION, src/app.h]}", tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"VERSION": {"1.2.4", "1.2.5"}}, paths: map[string]string{"src/app.h": "#define APP_VERSION \"1.0.0\"\n"}}, Fail, "src/app.h says 1.0.0 where VERSION says 1.2.5"},
		"declared files alone are looked at":            {tagging{policy: "tagging: {files: [VERSION]}", tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"package.json": {pkg("1.2.4"), pkg("1.0.0")}}}, Pass, "v1.2.5"},
		"a declared file that falls silent":             {tagging{policy: "tagging: {files: [VERSION]}", tags: "v1.2.4", title: "fix: x", files: map[string][2]string{"VERSION": {"1.2.4", "\n"}}}, Fail, "no longer states a version"},

		// Maintenance branches.
		"a maintenance branch continues its line":    {tagging{tags: "v1.2.4 v1.3.0 v2.0.0", title: "fix: x", base: "release/1.2"}, Pass, "Ships patch: v1.2.5 after v1.2.4"},
		"a maintenance branch of a major":            {tagging{tags: "v1.2.4 v1.3.0 v2.0.0", title: "feat: x", base: "1.x"}, Pass, "Ships minor: v1.4.0 after v1.3.0"},
		"a version set on a maintenance branch":      {tagging{tags: "v1.2.4 v1.3.0", title: "fix: x", base: "release-1.2", files: map[string][2]string{"VERSION": {"1.2.4", "1.2.5"}}}, Pass, "v1.2.5 after v1.2.4"},
		"the same version set on the default branch": {tagging{tags: "v1.2.4 v1.3.0", title: "fix: x", files: map[string][2]string{"VERSION": {"1.2.4", "1.2.5"}}}, Fail, "too low"},
		"a version that fills a hole":                {tagging{tags: "v1.2.4 v1.2.6", title: "fix: x", base: "release/1.2", files: map[string][2]string{"VERSION": {"1.2.4", "1.2.5"}}}, Fail, "too low"},

		// Policy.
		"declared, and nothing declares it":    {tagging{policy: "tagging: {bump: declared}", tags: "v1.2.4", title: "Tidy up", commit: "feat: x"}, Fail, "Nothing says whether this is a major, minor or patch release"},
		"declared, and docs does not say":      {tagging{policy: "tagging: {bump: declared}", tags: "v1.2.4", title: "docs: x"}, Fail, "Nothing says"},
		"declared by the title":                {tagging{policy: "tagging: {bump: declared}", tags: "v1.2.4", title: "fix: x"}, Pass, "v1.2.5"},
		"declared by a label of a reader":      {tagging{policy: "tagging: {bump: declared}", tags: "v1.2.4", title: "Tidy up", labels: []string{"patch@reader"}}, Fail, "Nothing says"},
		"declared by a label":                  {tagging{policy: "tagging: {bump: declared}", tags: "v1.2.4", title: "Tidy up", labels: []string{"patch"}}, Pass, "v1.2.5"},
		"declared by the version file":         {tagging{policy: "tagging: {bump: declared}", tags: "v1.2.4", title: "Tidy up", files: map[string][2]string{"VERSION": {"1.2.4", "1.2.5"}}}, Pass, "v1.2.5"},
		"declared, commits not all read":       {tagging{policy: "tagging: {bump: declared}", tags: "v1.2.4", title: "Tidy up", gaps: []string{"commits"}}, Unknown, "not all commits were read"},
		"advised only":                         {tagging{policy: "tagging: {bump: declared, mode: advise}", tags: "v1.2.4", title: "Tidy up"}, Advise, "Nothing says"},
		"switched off":                         {tagging{policy: "tagging: {mode: off}", tags: "v1.2.4", title: "Tidy up"}, Skip, "Switched off"},
		"CalVer goes by the day":               {tagging{policy: "tagging: {scheme: 'calver:YYYY.MM.MICRO', tag: '{version}'}", tags: "2026.7.0 2026.7.1", title: "fix: x"}, Pass, "Ships patch: 2026.8.0 after 2026.7.1"},
		"CalVer in the same month":             {tagging{policy: "tagging: {scheme: 'calver:YYYY.0M.MICRO', tag: '{version}'}", tags: "2026.08.0", title: "fix: x"}, Pass, "2026.08.1 after 2026.08.0"},
		"CalVer whose file has no zeros":       {tagging{policy: "tagging: {scheme: 'calver:YYYY.0M.MICRO', tag: '{version}'}", tags: "2026.07.0", title: "chore: x", files: map[string][2]string{"package.json": {pkg("2026.7.0"), pkg("2026.8.0")}}}, Pass, "2026.08.0 after 2026.07.0 (from package.json)"},
		"CalVer with a month that is none":     {tagging{policy: "tagging: {scheme: 'calver:YYYY.0M.MICRO', tag: '{version}'}", tags: "2026.07.0", title: "fix: x", files: map[string][2]string{"VERSION": {"2026.07.0", "2026.13.0"}}}, Fail, "there is no month 13"},
		"a pattern":                            {tagging{policy: "tagging: {scheme: 'regexp:release-(\\d+)'}", tags: "release-41 release-42", title: "fix: x"}, Pass, "release-43 after release-42"},
		"components are judged by their paths": {tagging{policy: components, tags: "api/v1.2.4 @acme/web@3.0.0 lib/v0.1.0", title: "feat: x", files: map[string][2]string{"api/main.go": {"a", "b"}, "web/app.ts": {"a", "b"}}}, Pass, "Ships minor: api/v1.3.0 and @acme/web@3.1.0 (from the title)."},
		"a component without a tag of its own": {tagging{policy: components, tags: "api/v1.2.4 lib/v0.1.0", title: "feat: x", files: map[string][2]string{"lib/a.go": {"a", "b"}}}, Pass, "lib/v0.2.0 after lib/v0.1.0"},
		"components that nobody declared":      {tagging{tags: "api/v1.2.4 web/v2.0.0", title: "feat: x", files: map[string][2]string{"api/a.go": {"a", "b"}}}, Pass, "Ships minor (from the title); tags here name components, and tagging.components declares none."},
		"no component is touched":              {tagging{policy: components, tags: "api/v1.2.4", title: "feat: x", files: map[string][2]string{"README.md": {"a", "b"}}}, Pass, "touches none of the components"},
		"a component's version is too low":     {tagging{policy: components, tags: "api/v1.2.4 @acme/web@3.0.0", title: "feat: x", files: map[string][2]string{"web/package.json": {pkg("3.0.0"), pkg("2.9.0")}}}, Fail, "web/package.json sets 2.9.0, which is too low: the highest release is @acme/web@3.0.0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, f := test.facts(t)
			got := judgeOne(set, f, Check{Name: "tagging", Judge: judgeTagging})
			if got.Outcome != test.want || !strings.Contains(whole(got), test.reason) {
				t.Errorf("tagging of %+v\n got %v %q\nwant %v %q", test.tagging, got.Outcome, whole(got), test.want, test.reason)
			}
			if n := len([]rune(got.Reason)); n > 140 {
				t.Errorf("the reason has %d characters: %q", n, got.Reason)
			}
		})
	}
}

// whole is the reason without the cut that several findings or a long sentence bring.
func whole(v Verdict) string {
	s := v.Reason
	for _, f := range v.Findings {
		s += "\n" + f.What
	}
	return s
}

func TestTaggingAnnotatesTheLine(t *testing.T) {
	t.Parallel()
	set, f := tagging{tags: "v1.2.4", title: "fix: x", files: map[string][2]string{
		"package.json": {"{\n \"version\": \"1.2.4\"\n}", "{\n \"version\": \"1.3\"\n}"}}}.facts(t)
	got := judgeOne(set, f, Check{Name: "tagging", Judge: judgeTagging}).Annotations()
	if len(got) != 1 || got[0].Path != "package.json" || got[0].Line != 2 || !strings.Contains(got[0].Message, "1.2.5 or 1.3.0 or 2.0.0") {
		t.Errorf("Annotations() = %+v, want one at package.json:2 that names 1.2.5, 1.3.0 and 2.0.0", got)
	}
}

func TestTaggingWants(t *testing.T) {
	t.Parallel()
	ask := func(f *Facts, set *policy.Set) *Wants {
		w := &Wants{}
		wantTagging(set.Layers[0], f, w)
		return w
	}
	set, f := tagging{tags: "v1.2.4", title: "fix: x", labels: []string{"minor", "help wanted@unread"}, unlisted: true, files: map[string][2]string{
		"package.json": {"{\"version\": \"1.2.4\"}", "{\"version\": \"1.2.5\"}"}, "package-lock.json": {"{}", "{}"}, "CHANGELOG.md": {"a", "b"}, "main.go": {"a", "b"}}}.facts(t)
	texts := f.Texts
	f.Texts, f.People = nil, nil
	w := ask(f, set)
	if len(w.Texts) != 2 || w.Texts[0].Path != "package.json" || w.Paths != nil || len(w.People) != 1 || w.People[0].ID != 1 {
		t.Errorf("first wants = %+v, want both sides of package.json and the right of whoever set the label", w)
	}
	f.Texts, f.People = texts, map[int64]Person{1: {ID: 1, Permission: "write"}}
	w = ask(f, set)
	if w.Paths == nil || !w.Paths("package-lock.json") || !w.Paths("src/x/__init__.py") || !w.Paths("go.mod") || w.Paths("main.go") {
		t.Errorf("second wants = %+v, want the version files and manifests of the tree", w)
	}
	f.Listed, f.Paths = true, []string{"VERSION", "package-lock.json", "package.json", "sub/package.json"}
	w = ask(f, set)
	if len(w.Texts) != 1 || w.Texts[0].Path != "VERSION" || w.Texts[0].Side != Head {
		t.Errorf("third wants = %+v, want VERSION at head", w)
	}
	f.Texts = append(f.Texts, Text{Side: Head, Path: "VERSION", Text: "1.2.5"})
	if w = ask(f, set); !w.Empty() {
		t.Errorf("fourth wants = %+v, want nothing more", w)
	}
	_, f = tagging{tags: "v1.2.4", title: "fix: x", unlisted: true, files: map[string][2]string{"main.go": {"a", "b"}, "CHANGELOG.md": {"a", "b"}}}.facts(t)
	if w = ask(f, set); !w.Empty() {
		t.Errorf("wants of an ordinary change = %+v, want nothing", w)
	}
}
