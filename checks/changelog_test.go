package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

const (
	changelogTop = "# Changelog\n\n"
	waitingOne   = "## [Unreleased]\n\n### Added\n\n- A theme for the dark.\n\n"
	waitingNone  = "## [Unreleased]\n\n"
	releasedTwo  = "## [1.1.0] - 2024-02-03\n\n### Fixed\n\n- The parser no longer crashes on tabs.\n\n"
	releasedOne  = "## [1.0.0] - 2024-01-02\n\n- The first release, with a parser.\n"
	keptLog      = changelogTop + waitingOne + releasedTwo + releasedOne
)

// logFacts makes the facts of a change from the texts of a repository before and after it; "" is a file that is not
// there. Only what differs is touched.
func logFacts(base, head map[string]string) *Facts {
	f := &Facts{
		At:      time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC),
		Subject: Subject{Forge: "github", Repo: "acme/shop", Kind: KindChange, Change: 1},
		Change:  &Change{Number: 1, MergeBase: "c0", Author: Person{ID: 1, Login: "ana", Kind: "user"}, CommitCount: 1},
		Commits: []Commit{{ID: "c1", Author: Person{ID: 1, Login: "ana", Kind: "user"}, Committer: Person{ID: 1, Login: "ana", Kind: "user"}}},
	}
	for path, text := range head {
		f.Paths = append(f.Paths, path)
		if was, ok := base[path]; !ok {
			f.Files = append(f.Files, File{Path: path, Status: "added"})
		} else if was != text {
			f.Files = append(f.Files, File{Path: path, Status: "modified"})
		}
	}
	for path := range base {
		if _, ok := head[path]; !ok {
			f.Files = append(f.Files, File{Path: path, Status: "removed"})
		}
	}
	slices.Sort(f.Paths)
	slices.SortFunc(f.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return f
}

// logAnswer fills in what the check wants, as a provider does, and returns how many rounds that took.
func logAnswer(t *testing.T, p *policy.Policy, f *Facts, base, head map[string]string) int {
	t.Helper()
	for round := range 5 {
		w := &Wants{}
		wantChangelog(p, f, w)
		if w.Empty() {
			return round
		}
		if w.Paths != nil {
			f.Listed = true
			f.Paths = slices.DeleteFunc(f.Paths, func(path string) bool { return !w.Paths(path) })
		}
		for _, x := range w.Texts {
			text, ok := map[Side]map[string]string{Base: base, Head: head}[x.Side][x.Path]
			x.Text, x.Absent = text, !ok
			f.Texts = append(f.Texts, x)
		}
		for _, who := range w.People {
			if f.People == nil {
				f.People = map[int64]Person{}
			}
			f.People[who.ID] = Person{ID: who.ID, Permission: "read"}
		}
	}
	t.Fatalf("wantChangelog still wants something after 5 rounds")
	return 0
}

// logTold writes a verdict in short: its outcome, then path, line and sentence of what shuts.
func logTold(p *policy.Policy, f *Facts) string {
	r := judgeChangelog(p, f)
	v := conclude("changelog", r.Findings, r.Pass, r.Rule)
	s := v.Outcome.String()
	if v.Outcome == Pass {
		return s + " " + v.Reason
	}
	for _, x := range v.Findings {
		s += fmt.Sprintf(" | %s:%d %s", x.Path, x.Line, x.What)
		if len([]rune(x.What)) > 140 || x.Rule == "" {
			s += fmt.Sprintf(" (BAD FINDING %d %q)", len([]rune(x.What)), x.Rule)
		}
	}
	return s
}

// logEdit is a repository before and after, with code that changes too.
func logEdit(before, after map[string]string) (base, head map[string]string) {
	base, head = map[string]string{"main.go": "a"}, map[string]string{"main.go": "b"}
	for k, v := range before {
		base[k] = v
	}
	for k, v := range after {
		head[k] = v
	}
	return base, head
}

func TestChangelogEntries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, after, want string }{
		"an entry more":                             {keptLog, changelogTop + waitingOne + "- Another theme, for the light.\n\n" + releasedTwo + releasedOne, "pass Adds an entry to CHANGELOG.md, line 9."},
		"an entry within an entry":                  {keptLog, strings.Replace(keptLog, "dark.\n", "dark.\n  - It follows the system's setting.\n", 1), "pass Adds an entry to CHANGELOG.md, line 8."},
		"an entry more, CRLF now":                   {keptLog, strings.ReplaceAll(strings.Replace(keptLog, "dark.\n", "dark.\n- For the light as well.\n", 1), "\n", "\r\n"), "pass Adds an entry to CHANGELOG.md, line 8."},
		"a dependency that moved on":                {changelogTop + "## Unreleased\n\n- Update router to 2.1.0\n", changelogTop + "## Unreleased\n\n- Update router to 2.2.0\n", "pass Adds an entry to CHANGELOG.md, line 5."},
		"the heading and an entry":                  {changelogTop + releasedOne, changelogTop + waitingOne + releasedOne, "pass Adds an entry to CHANGELOG.md, line 7."},
		"the first changelog":                       {"", changelogTop + waitingOne, "pass Adds an entry to CHANGELOG.md, line 7."},
		"the first changelog, with a release":       {"", changelogTop + releasedOne, "pass Adds 1.0.0 to CHANGELOG.md."},
		"no line end at the end":                    {changelogTop + "## Unreleased\n\n- One thing", changelogTop + "## Unreleased\n\n- One thing\n- Another matter", "pass Adds an entry to CHANGELOG.md, line 6."},
		"nothing":                                   {keptLog, keptLog, "fail | :0 The change adds no entry to CHANGELOG.md; its author has to add one."},
		"an entry in other words":                   {keptLog, strings.Replace(keptLog, "A theme for the dark.", "A new theme for the dark!", 1), "fail | :0 The change adds no entry to CHANGELOG.md; its author has to add one."},
		"an entry moved":                            {keptLog, strings.Replace(keptLog, "### Added\n\n- A theme", "### Changed\n\n* A\n  theme", 1), "fail | :0 The change adds no entry to CHANGELOG.md; its author has to add one."},
		"an entry said twice":                       {keptLog, strings.Replace(keptLog, "dark.\n", "dark.\n- A theme for the dark.\n", 1), "fail | :0 The change adds no entry to CHANGELOG.md; its author has to add one."},
		"an entry less, as of a revert":             {keptLog, changelogTop + waitingNone + releasedTwo + releasedOne, "fail | :0 The change adds no entry to CHANGELOG.md; its author has to add one."},
		"an empty item":                             {keptLog, strings.Replace(keptLog, "dark.\n", "dark.\n-\n", 1), "fail | CHANGELOG.md:8 The new entry in CHANGELOG.md says nothing yet; write what the change does for its users."},
		"a placeholder":                             {keptLog, strings.Replace(keptLog, "dark.\n", "dark.\n- TODO\n", 1), "fail | CHANGELOG.md:8 The new entry in CHANGELOG.md says nothing yet; write what the change does for its users."},
		"a comment":                                 {keptLog, strings.Replace(keptLog, "dark.\n", "dark.\n<!-- - Something hidden -->\n", 1), "fail | :0 The change adds no entry to CHANGELOG.md; its author has to add one."},
		"a comment in an item":                      {keptLog, strings.Replace(keptLog, "dark.\n", "dark.\n- <!-- Something hidden -->\n", 1), "fail | CHANGELOG.md:8 The new entry in CHANGELOG.md says nothing yet; write what the change does for its users."},
		"an entry within a fence":                   {keptLog, strings.Replace(keptLog, "dark.\n", "dark.\n\n```\n- Something\n```\n", 1), "fail | :0 The change adds no entry to CHANGELOG.md; its author has to add one."},
		"an entry above all headings":               {keptLog, strings.Replace(keptLog, changelogTop, changelogTop+"- Something new\n\n", 1), "fail | :0 The change adds no entry to CHANGELOG.md; its author has to add one."},
		"an entry under a second heading far below": {keptLog, keptLog + "\n## Unreleased\n\n- Something new\n", "fail | CHANGELOG.md:19 The heading \"Unreleased\" stands below released versions; it goes above them."},
	} {
		base, head := logEdit(map[string]string{}, map[string]string{})
		if c.before != "" {
			base["CHANGELOG.md"] = c.before
		}
		head["CHANGELOG.md"] = c.after
		f, p := logFacts(base, head), policy.Defaults()
		logAnswer(t, p, f, base, head)
		if got := logTold(p, f); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestChangelogOfReleasedVersions(t *testing.T) {
	t.Parallel()
	added := strings.Replace(keptLog, "dark.\n", "dark.\n- For the light as well.\n", 1)
	for name, c := range map[string]struct{ after, want string }{
		"an entry added under a release":        {strings.Replace(keptLog, "tabs.\n", "tabs.\n- And neither on line feeds.\n", 1), "fail | CHANGELOG.md:14 This entry is added under 1.1.0, which is released; move it under Unreleased."},
		"the same beside a good entry":          {strings.Replace(added, "tabs.\n", "tabs.\n- And neither on line feeds.\n", 1), "fail | CHANGELOG.md:15 This entry is added under 1.1.0, which is released; move it under Unreleased."},
		"an entry reworded":                     {strings.Replace(added, "no longer crashes on tabs", "no longer crashes on blanks", 1), "fail | CHANGELOG.md:14 This entry of 1.1.0 is reworded, but that is released; restore it."},
		"an entry removed":                      {strings.Replace(added, "- The parser no longer crashes on tabs.\n", "", 1), "fail | CHANGELOG.md:10 An entry of 1.1.0 is removed, but that is released; restore it: The parser no longer crashes on tabs."},
		"a section removed":                     {strings.Replace(added, releasedTwo, "", 1), "fail | CHANGELOG.md:1 The section of 1.1.0, which is released, is removed from CHANGELOG.md; restore it."},
		"a heading removed":                     {strings.Replace(added, "## [1.1.0] - 2024-02-03\n", "", 1), "fail | CHANGELOG.md:1 The section of 1.1.0, which is released, is removed from CHANGELOG.md; restore it."},
		"a version renamed":                     {strings.Replace(added, "[1.1.0]", "[1.0.5]", 1), "fail | CHANGELOG.md:1 The section of 1.1.0, which is released, is removed from CHANGELOG.md; restore it. | CHANGELOG.md:10 1.0.5 is not higher than 1.1.0"},
		"an entry moved to another release":     {strings.Replace(strings.Replace(added, "- The parser no longer crashes on tabs.\n", "", 1), "- The first", "- The parser no longer crashes on tabs.\n- The first", 1), "fail | CHANGELOG.md:17 This entry is added under 1.0.0, which is released; move it under Unreleased. | CHANGELOG.md:10 An entry of 1.1.0 is removed, but that is released; restore it: The parser no longer crashes on tabs."},
		"a released entry taken back to come":   {strings.Replace(strings.Replace(added, "- The parser no longer crashes on tabs.\n", "", 1), "light as well.\n", "light as well.\n- The parser no longer crashes on tabs.\n", 1), "fail | CHANGELOG.md:11 An entry of 1.1.0 is removed, but that is released; restore it: The parser no longer crashes on tabs."},
		"a heading put into a release":          {strings.Replace(keptLog, "- The parser no", "## [Unreleased]\n\n- The parser no", 1), "fail | CHANGELOG.md:9 An entry of 1.1.0 is removed, but that is released; restore it: The parser no longer crashes on tabs."},
		"a date lost":                           {strings.Replace(added, " - 2024-02-03", "", 1), "fail | CHANGELOG.md:10 The date of 1.1.0, which is released, is gone or no day of the calendar; restore it."},
		"a release called unreleased":           {strings.Replace(added, " - 2024-02-03", " (unreleased)", 1), "fail | CHANGELOG.md:1 The section of 1.1.0, which is released, is removed from CHANGELOG.md; restore it."},
		"a comment opened over what was there":  {strings.Replace(added, releasedTwo, "<!--\n"+releasedTwo, 1), "fail | CHANGELOG.md:1 The section of 1.1.0, which is released, is removed from CHANGELOG.md; restore it. | CHANGELOG.md:1 The section of 1.0.0, which is released, is removed from CHANGELOG.md; restore it."},
		"bullets and line breaks in other form": {strings.NewReplacer("- The parser no longer", "* The parser\n  no longer", "### Fixed", "### Bug fixes").Replace(added), "pass Adds an entry to CHANGELOG.md, line 8."},
		"a release headed without its package":  {strings.Replace(added, "## [1.0.0]", "## shop 1.0.0", 1), "pass Adds an entry to CHANGELOG.md, line 8."},
		"a release yanked":                      {strings.Replace(added, "2024-02-03", "2024-02-03 [YANKED]", 1), "pass Adds an entry to CHANGELOG.md, line 8."},
	} {
		base, head := logEdit(map[string]string{"CHANGELOG.md": keptLog}, map[string]string{"CHANGELOG.md": c.after})
		f, p := logFacts(base, head), policy.Defaults()
		logAnswer(t, p, f, base, head)
		if got := logTold(p, f); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestChangelogReleases(t *testing.T) {
	t.Parallel()
	made := func(heading string) string {
		return changelogTop + waitingNone + heading + "\n\n### Added\n\n- A theme for the dark.\n\n" + releasedTwo + releasedOne
	}
	release := "# Changelog\n\n## [1.1.0](https://x/c) (2024-02-03)\n\n\n### Features\n\n* one thing ([a](https://x))\n\n## [1.0.0](https://x/c) (2024-01-02)\n\n* first\n"
	older := "# Changelog\n\n## 2.0.0 (2024-02-03)\n\n* one thing\n\n## 1.0.0 (2024-01-02)\n\n* first\n"
	const good = "pass Makes 1.2.0 in CHANGELOG.md, with every unreleased entry in it."
	for name, c := range map[string]struct{ before, after, want string }{
		"a release":                        {keptLog, made("## [1.2.0] - 2024-06-01"), good},
		"a release, the heading gone":      {keptLog, strings.Replace(made("## [1.2.0] - 2024-06-01"), waitingNone, "", 1), good},
		"a release, an entry polished":     {keptLog, strings.Replace(made("## [1.2.0] - 2024-06-01"), "A theme for the dark", "A new theme for the dark", 1), good},
		"a release with nothing in it":     {changelogTop + waitingNone + releasedTwo, changelogTop + waitingNone + "## [1.2.0] - 2024-06-01\n\n" + releasedTwo, good},
		"a day ahead":                      {keptLog, made("## [1.2.0] - 2024-06-02"), good},
		"a section for release-please":     {release, strings.Replace(release, "# Changelog\n\n", "# Changelog\n\n## [1.2.0](https://x/c) (2024-05-31)\n\n\n### Features\n\n* another\n\n", 1), good},
		"Changesets, which has no dates":   {"# cli\n\n## 1.1.0\n\n### Minor Changes\n\n- abc: One thing\n", "# cli\n\n## 1.2.0\n\n### Minor Changes\n\n- def: Another\n\n## 1.1.0\n\n### Minor Changes\n\n- abc: One thing\n", good},
		"a heading with the version, made": {"## 1.2.0 (unreleased)\n\n- One thing\n\n" + releasedTwo, "## 1.2.0 (2024-05-31)\n\n- One thing\n\n" + releasedTwo, good},
		"an entry left":                    {keptLog, strings.Replace(made("## [1.2.0] - 2024-06-01"), waitingNone, waitingNone+"- A window.\n\n", 1), "fail | CHANGELOG.md:5 This entry stays under Unreleased although 1.2.0 is made; move it there."},
		"an entry lost":                    {strings.Replace(keptLog, "dark.\n", "dark.\n- Cups and saucers.\n", 1), made("## [1.2.0] - 2024-06-01"), "fail | CHANGELOG.md:5 An entry that was unreleased is missing from 1.2.0: Cups and saucers."},
		"no day of the calendar":           {keptLog, made("## [1.2.0] - 2024-02-30"), "fail | CHANGELOG.md:5 2024-02-30, the date of 1.2.0, is no day of the calendar."},
		"a day to come":                    {keptLog, made("## [1.2.0] - 2042-06-01"), "fail | CHANGELOG.md:5 2042-06-01, the date of 1.2.0, lies in the future."},
		"no date":                          {keptLog, made("## [1.2.0]"), "fail | CHANGELOG.md:5 1.2.0 has no date; add the day of the release to its heading."},
		"no higher version":                {keptLog, made("## [1.0.9] - 2024-06-01"), "fail | CHANGELOG.md:5 1.0.9 is not higher than 1.1.0, which is released."},
		"the next of an older line":        {older, strings.Replace(older, "# Changelog\n\n", "# Changelog\n\n## 1.0.1 (2024-05-31)\n\n* mended\n\n", 1), "pass Makes 1.0.1 in CHANGELOG.md"},
		"one of an older line once more":   {older, strings.Replace(older, "# Changelog\n\n", "# Changelog\n\n## 2.0.0-rc.1 (2024-05-31)\n\n* mended\n\n", 1), "fail | CHANGELOG.md:3 2.0.0-rc.1 is not higher than 2.0.0, which is released."},
		"an older line that never was":     {older, strings.Replace(older, "# Changelog\n\n", "# Changelog\n\n## 1.3.1 (2024-05-31)\n\n* mended\n\n", 1), "fail | CHANGELOG.md:3 1.3.1 is not higher than 2.0.0, which is released."},
		"a version with a zero in front":   {keptLog, made("## [01.2.0] - 2024-06-01"), "fail | CHANGELOG.md:5 "},
		"a version of two numbers":         {keptLog, made("## [1.2] - 2024-06-01"), "fail | CHANGELOG.md:5 "},
		"no version at all":                {keptLog, made("## [banana] - 2024-06-01"), "fail | CHANGELOG.md:5 \"banana\" is no version; the heading of a release has to name one."},
		"a section without an entry":       {release, strings.Replace(release, "# Changelog\n\n", "# Changelog\n\n## [1.2.0](https://x/c) (2024-05-31)\n\n", 1), "fail | CHANGELOG.md:3 1.2.0 has no entry; tell what it brings."},
		"a version below others":           {keptLog, strings.Replace(strings.Replace(keptLog, "dark.\n", "dark.\n- Cups and saucers.\n", 1), releasedOne, "## [1.0.1] - 2024-01-09\n\n- Something that never was.\n\n"+releasedOne, 1), "fail | CHANGELOG.md:16 1.0.1 is put among released versions, but there is no tag for it; a new version goes above them."},
	} {
		base, head := logEdit(map[string]string{"CHANGELOG.md": c.before}, map[string]string{"CHANGELOG.md": c.after})
		f, p := logFacts(base, head), policy.Defaults()
		logAnswer(t, p, f, base, head)
		if got := logTold(p, f); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestChangelogVersionThatIsStillWritten(t *testing.T) {
	t.Parallel()
	before := "# 1.2.0\n\n- One thing\n\n# 1.1.0\n\n- First thing\n"
	after := strings.Replace(before, "One thing\n", "One thing\n- Another matter\n", 1)
	base, head := logEdit(map[string]string{"NEWS.md": before}, map[string]string{"NEWS.md": after})
	for name, c := range map[string]struct {
		tags []string
		want string
	}{
		"tagged":                        {[]string{"v1.1.0", "v1.2.0"}, "fail | NEWS.md:4 This entry is added under 1.2.0, which is released; move it under Unreleased."},
		"not tagged, as the one before": {[]string{"v1.1.0", "v11.2.0"}, "pass Adds an entry to NEWS.md, line 4."},
		"nothing tagged":                {nil, "fail | NEWS.md:4 This entry is added under 1.2.0, which is released; move it under Unreleased."},
	} {
		f, p := logFacts(base, head), policy.Defaults()
		for _, tag := range c.tags {
			f.Tags = append(f.Tags, Tag{Name: tag})
		}
		logAnswer(t, p, f, base, head)
		if got := logTold(p, f); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestARevertTakesItsEntryBack(t *testing.T) {
	t.Parallel()
	less := changelogTop + waitingNone + releasedTwo + releasedOne
	for name, c := range map[string]struct{ title, before, after, want string }{
		"by the forge's button":            {`Revert "A theme for the dark"`, keptLog, less, "pass Takes back an unreleased entry of CHANGELOG.md, as a revert does."},
		"as a Conventional Commit":         {"revert(ui): the theme", keptLog, less, "pass Takes back an unreleased entry of CHANGELOG.md, as a revert does."},
		"that leaves the entry":            {`Revert "A theme for the dark"`, keptLog, keptLog, "fail | :0 The change adds no entry to CHANGELOG.md; its author has to add one."},
		"that says why in another entry":   {`Revert "A theme for the dark"`, keptLog, strings.Replace(keptLog, "A theme for the dark.", "No more flicker.", 1), "pass Adds an entry to CHANGELOG.md, line 7."},
		"of what was released":             {`Revert "The first"`, keptLog, changelogTop + waitingOne + releasedTwo, "fail"},
		"a title that only sounds like it": {"Reverting gear", keptLog, less, "fail | :0 The change adds no entry to CHANGELOG.md; its author has to add one."},
	} {
		base, head := logEdit(map[string]string{"CHANGELOG.md": c.before}, map[string]string{"CHANGELOG.md": c.after})
		f, p := logFacts(base, head), policy.Defaults()
		f.Change.Title = c.title
		logAnswer(t, p, f, base, head)
		if got := logTold(p, f); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestARevertTakesItsFragmentBack(t *testing.T) {
	t.Parallel()
	base := map[string]string{"main.go": "a", "changelog.d/7.added.md": "A theme.\n", "changelog.d/8.fixed.md": "A fix.\n"}
	head := map[string]string{"main.go": "b", "changelog.d/8.fixed.md": "A fix.\n"}
	for title, want := range map[string]string{
		`Revert "feat: a theme"`: "pass Takes back the fragment changelog.d/7.added.md, as a revert does.",
		"feat: less of a theme":  "fail",
	} {
		f, p := logFacts(base, head), policy.Defaults()
		f.Change.Title = title
		logAnswer(t, p, f, base, head)
		if got := logTold(p, f); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", title, got, want)
		}
	}
}
