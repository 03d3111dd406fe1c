package checks

import (
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

func TestChangelogExemptions(t *testing.T) {
	t.Parallel()
	ana := Person{ID: 1, Login: "ana", Kind: "user"}
	bot := Person{ID: 49, Login: "dependabot[bot]", Kind: "bot"}
	short := Person{ID: 49, Login: "dependabot", Kind: "bot"}
	web := Person{ID: 19, Login: "web-flow", Kind: "bot"}
	people := map[int64]Person{1: {ID: 1, Permission: "write"}, 2: {ID: 2, Permission: "triage"}, 49: {ID: 49, Permission: "write"}}
	by := func(author Person, commits ...Commit) func(*Facts) {
		return func(f *Facts) {
			f.Change.Author, f.Commits, f.Change.CommitCount = author, commits, len(commits)
		}
	}
	label := func(who *Person) func(*Facts) {
		return func(f *Facts) { f.Change.Labels, f.People = []Label{{Name: "No-Changelog", By: who}}, people }
	}
	const missing = "fail | :0 The change adds no entry to CHANGELOG.md; its author has to add one."
	for name, c := range map[string]struct {
		tell func(*Facts)
		want string
	}{
		"all paths exempt":                      {func(f *Facts) { f.Files = []File{{Path: "docs/a.md"}, {Path: "a_test.go"}} }, "skip | :0 All paths of the change are exempt from the changelog."},
		"one path that is not":                  {func(f *Facts) { f.Files = []File{{Path: "docs/a.md"}, {Path: "a.go"}} }, missing},
		"code moved to an exempt path":          {func(f *Facts) { f.Files = []File{{Path: "docs/a.md", Old: "a.go", Status: "renamed"}} }, missing},
		"code copied to an exempt path":         {func(f *Facts) { f.Files = []File{{Path: "docs/a.md", Old: "a.go", Status: "copied"}} }, "skip | :0 All paths of the change are exempt from the changelog."},
		"a label by somebody with write access": {label(&ana), "skip | :0 Exempt by the label No-Changelog, set by ana."},
		"a label by somebody without":           {label(&Person{ID: 2, Login: "bo", Kind: "user"}), missing},
		"a label by nobody knows whom":          {label(nil), missing},
		"a label by an app":                     {label(&bot), missing},
		"a label by somebody whose right could not be read": {func(f *Facts) {
			f.Change.Labels = []Label{{Name: "no-changelog", By: &Person{ID: 7, Login: "cy", Kind: "user"}}}
			f.People, f.Gaps = map[int64]Person{}, []Gap{{Part: "people", Reason: "GitHub answered 502."}}
		}, "unknown | :0 Sluice could not read whether cy, who set the label no-changelog, has write access; it asks again."},
		"an exempt app": {by(bot, Commit{Author: bot, Committer: web}), "skip | :0 Exempt because it is by dependabot[bot] alone."},
		"an exempt app, named without its suffix": {by(short, Commit{Author: short, Committer: short}), "skip | :0 Exempt because it is by dependabot alone."},
		"a person who calls himself so":           {by(Person{ID: 5, Login: "dependabot[bot]", Kind: "user"}, Commit{Author: bot, Committer: bot}), missing},
		"an app, with somebody's commit":          {by(bot, Commit{Author: bot, Committer: web}, Commit{Author: ana, Committer: ana}), missing},
		"an app, with somebody's merge":           {by(bot, Commit{Author: bot, Committer: web}, Commit{Author: ana, Committer: web, Parents: []string{"a", "b"}}), missing},
		"an app, committed by somebody":           {by(bot, Commit{Author: bot, Committer: ana}), missing},
		"an app, with a co-author":                {by(bot, Commit{Author: bot, Committer: web, CoAuthors: []Person{{Name: "Ana"}}}), missing},
		"an app, and commits without an account":  {by(bot, Commit{Author: Person{Name: "dependabot[bot]"}, Committer: web}), missing},
		"an app, and commits cut off": {func(f *Facts) {
			by(bot, Commit{Author: bot, Committer: web})(f)
			f.Gaps = []Gap{{Part: "commits", Reason: "GitHub lists 250."}}
		}, "unknown | :0 Sluice could not read whose commits these are, so the author's exemption is not proven: GitHub lists 250."},
		"an app, and fewer commits than there are": {func(f *Facts) {
			by(bot, Commit{Author: bot, Committer: web})(f)
			f.Change.CommitCount = 2
		}, "unknown | :0 Sluice was not told of all commits, so the author's exemption is not proven; it asks again."},
	} {
		base, head := logEdit(map[string]string{"CHANGELOG.md": keptLog}, map[string]string{"CHANGELOG.md": keptLog})
		f, p := logFacts(base, head), policy.Defaults()
		p.Changelog.Exempt = policy.Exempt{Paths: policy.Globs{"docs/**", "**/*_test.go"}, Labels: []string{"no-changelog"}, Authors: []string{"Dependabot[bot]"}}
		c.tell(f)
		w := &Wants{}
		wantChangelog(p, f, w)
		if strings.HasPrefix(c.want, "skip") && !w.Empty() {
			t.Errorf("%s: wantChangelog wants %+v of an exempt change, want nothing", name, w)
		}
		f.Listed = true
		if got := logTold(p, f); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestChangelogAsksWhoSetALabel(t *testing.T) {
	t.Parallel()
	base, head := logEdit(nil, nil)
	f, p := logFacts(base, head), policy.Defaults()
	p.Changelog.Exempt.Labels = []string{"no-changelog"}
	f.Change.Labels = []Label{{Name: "no-changelog", By: &Person{ID: 7, Login: "cy", Kind: "user"}}, {Name: "other", By: &Person{ID: 8, Login: "di", Kind: "user"}}}
	w := &Wants{}
	wantChangelog(p, f, w)
	if len(w.People) != 1 || w.People[0].ID != 7 {
		t.Errorf("wantChangelog wants the rights of %v, want those of cy alone", w.People)
	}
}
