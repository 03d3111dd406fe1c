package checks

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/sluicegate/sluice/checks/policy"
)

func TestJudgeTag(t *testing.T) {
	t.Parallel()
	writer, reader, unread, robot := Person{ID: 1, Login: "wanda", Kind: "user"}, Person{ID: 2, Login: "rita", Kind: "user"}, Person{ID: 3, Login: "uma", Kind: "user"}, Person{ID: 4, Login: "shop-release[bot]", Kind: "bot"}
	tests := map[string]struct {
		policy string
		tag    string
		tags   string // that are there too
		change func(*Facts)
		want   Outcome
		reason string
	}{
		"a release tag in order":                 {"", "v1.2.4", "v1.2.3 v1.2.4", nil, Pass, "v1.2.4 is a valid release tag after v1.2.3."},
		"the first release":                      {"", "v0.1.0", "v0.1.0", nil, Pass, "the first of its line"},
		"a prerelease":                           {"", "v1.3.0-rc.1", "v1.2.3", nil, Pass, "after v1.2.3"},
		"a maintenance release":                  {"", "v1.2.4", "v1.2.3 v1.3.0", nil, Pass, "v1.2.4 is a valid release tag after v1.2.3."},
		"a tag that is too low":                  {"", "v1.2.2", "v1.2.3 v1.3.0", nil, Fail, "v1.2.2 cannot come next: it is not higher than v1.2.3"},
		"a line that never was":                  {"", "v1.1.0", "v1.0.0 v1.2.3", nil, Fail, "cannot come next"},
		"a version with two tags":                {"", "v1.2.3+build.2", "v1.2.3", nil, Fail, "v1.2.3 is there already"},
		"a prerelease after its release":         {"", "v1.2.3-rc.1", "v1.2.3", nil, Fail, "v1.2.3 is released already"},
		"a malformed version":                    {"", "v1.3", "v1.2.3", nil, Fail, "two numbers where MAJOR.MINOR.PATCH has three"},
		"a prerelease without hyphen":            {"", "v1.3.0rc1", "v1.2.3", nil, Fail, "a prerelease follows a hyphen"},
		"a moving major":                         {"", "v1", "v1.2.3", nil, Skip, "it moves along with the releases"},
		"a moving major that moved":              {"", "v1", "v1.2.3", func(f *Facts) { f.Pushed.Before = "old" }, Skip, "it moves"},
		"a moving minor":                         {"", "v1.2", "v1.2.0 v1.2.3", nil, Skip, "it moves"},
		"a tag of another kind":                  {"", "nightly", "v1.2.3", nil, Skip, "nightly is no release tag: those are written v{version}."},
		"a word that starts with the template":   {"", "vendor-fix", "v1.2.3", nil, Skip, "no release tag"},
		"a tag without v where others have it":   {"", "1.2.4", "v1.2.3", nil, Skip, "no release tag"},
		"a tag without v where none has it":      {"", "1.2.4", "1.2.3", nil, Pass, "1.2.4 is a valid release tag after 1.2.3"},
		"a tag that moved":                       {"", "v1.2.3", "v1.2.3", func(f *Facts) { f.Pushed.Before = "0123456789" }, Fail, "The release tag v1.2.3 moved from 0123456 to c0ffee1"},
		"a tag that vanished":                    {"", "v1.2.3", "", func(f *Facts) { f.Pushed.Before, f.Pushed.Commit = "0123456789", "" }, Fail, "The release tag v1.2.3 was deleted; it pointed at 0123456"},
		"a malformed tag that vanished":          {"", "v1.2", "v1.1.0", func(f *Facts) { f.Pushed.Before, f.Pushed.Commit = "0123456789", "" }, Skip, "no valid release tag"},
		"a tag seen again where it was":          {"", "v1.2.4", "v1.2.3", func(f *Facts) { f.Pushed.Before = f.Pushed.Commit }, Pass, "after v1.2.3"},
		"a lightweight tag":                      {"", "v1.2.4", "v1.2.3", func(f *Facts) { f.Pushed.Annotated = false }, Fail, "release tags must be annotated"},
		"a lightweight tag that may be":          {"tagging: {annotated: false}", "v1.2.4", "v1.2.3", func(f *Facts) { f.Pushed.Annotated = false }, Pass, ""},
		"a tag that is not signed":               {"tagging: {signed: true}", "v1.2.4", "v1.2.3", func(f *Facts) { f.Pushed.Reason = "unsigned" }, Fail, "the forge says unsigned"},
		"a tag that is signed":                   {"tagging: {signed: true}", "v1.2.4", "v1.2.3", func(f *Facts) { f.Pushed.Signed = true }, Pass, ""},
		"a signature that could not be verified": {"tagging: {signed: true}", "v1.2.4", "v1.2.3", func(f *Facts) { f.Pushed.Reason = "gpgverify_unavailable" }, Unknown, "could not be verified"},
		"a commit on no protected branch":        {"", "v1.2.4", "v1.2.3", func(f *Facts) { f.Pushed.Branches = nil }, Fail, "not on a protected branch"},
		"branches that could not be read":        {"", "v1.2.4", "v1.2.3", func(f *Facts) { f.Pushed.Branches = nil; f.Gaps = []Gap{{"branches", "asleep"}} }, Unknown, "Which branches contain v1.2.4"},
		"a commit on another branch":             {"tagging: {branches: ['release/*']}", "v1.2.4", "v1.2.3", nil, Fail, "not on release/*"},
		"a commit on a branch that is named":     {"tagging: {branches: ['release/*']}", "v1.2.4", "v1.2.3", func(f *Facts) { f.Pushed.Branches = []string{"release/1"} }, Pass, ""},
		"a pusher without write access":          {"", "v1.2.4", "v1.2.3", func(f *Facts) { f.Pushed.By = &reader }, Fail, "rita may not push release tags"},
		"a pusher who is not known":              {"", "v1.2.4", "v1.2.3", func(f *Facts) { f.Pushed.By = nil }, Unknown, "Who pushed v1.2.4 is not known"},
		"a pusher whose rights are not known":    {"", "v1.2.4", "v1.2.3", func(f *Facts) { f.Pushed.By = &unread }, Unknown, "Whether uma may push release tags is not known"},
		"an app that the policy names":           {"tagging: {by: {users: ['shop-release[bot]']}}", "v1.2.4", "v1.2.3", func(f *Facts) { f.Pushed.By = &robot }, Pass, ""},
		"a writer whom the policy does not name": {"tagging: {by: {users: [rita]}}", "v1.2.4", "v1.2.3", nil, Fail, "wanda may not"},
		"tags that could not be read":            {"", "v1.2.4", "v1.2.3", func(f *Facts) { f.Gaps = []Gap{{"tags", "asleep"}} }, Unknown, "is higher than what was there is not known"},
		"tags read in part, and one is higher":   {"", "v1.2.2", "v1.2.3", func(f *Facts) { f.Gaps = []Gap{{"tags", "asleep"}} }, Fail, "cannot come next"},
		"a local repository tells of no people":  {"", "v1.2.4", "v1.2.3", func(f *Facts) { f.Local, f.Pushed.By, f.Pushed.Branches = true, nil, nil }, Pass, ""},
		"CalVer":                                 {"tagging: {scheme: 'calver:YYYY.0M.MICRO'}", "v2026.08.0", "v2026.07.3", nil, Pass, "after v2026.07.3"},
		"CalVer of a month that is none":         {"tagging: {scheme: 'calver:YYYY.0M.MICRO'}", "v2026.13.0", "v2026.07.3", nil, Fail, "there is no month 13"},
		"a component":                            {"tagging: {components: [{name: api, paths: ['api/**'], tag: 'api/v{version}'}]}", "api/v1.0.1", "api/v1.0.0 v9.0.0", nil, Pass, "after api/v1.0.0"},
		"a tag of no component":                  {"tagging: {components: [{name: api, paths: ['api/**'], tag: 'api/v{version}'}]}", "v1.0.1", "api/v1.0.0", nil, Skip, "written api/v{version}"},
		"a policy that switches tagging off":     {"tagging: {mode: off}", "v1", "", nil, Skip, "Switched off"},
		"nothing known of the tag":               {"", "v1.2.4", "", func(f *Facts) { f.Pushed = nil }, Unknown, "Nothing is known"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, f := tagging{policy: test.policy, tags: test.tags}.facts(t)
			f.Subject.Kind, f.Change = KindTag, nil
			f.Pushed = &TagPush{Name: test.tag, Commit: "c0ffee1234", Annotated: true, By: &writer, Branches: []string{"main"}}
			if test.change != nil {
				test.change(f)
			}
			got := JudgeTag(set, f)
			if len(got) != 1 || got[0].Check != "tagging" || got[0].Outcome != test.want || !strings.Contains(whole(got[0]), test.reason) {
				t.Errorf("JudgeTag(%q among %q under %q)\n got %+v\nwant %v %q", test.tag, test.tags, test.policy, got, test.want, test.reason)
			}
		})
	}
}

func TestAskForTag(t *testing.T) {
	t.Parallel()
	set, f := tagging{policy: "tagging: {by: {teams: [acme/release]}}", tags: "v1.2.3"}.facts(t)
	f.Pushed = &TagPush{Name: "v1.2.4", Commit: "c", By: &Person{ID: 9, Login: "x", Kind: "user"}}
	if w := AskForTag(set, f); len(w.Teams) != 1 || w.Teams[0] != "acme/release" {
		t.Errorf("AskForTag(a release tag) = %+v, want the team's members", w)
	}
	f.Pushed.Name = "nightly"
	if w := AskForTag(set, f); !w.Empty() {
		t.Errorf("AskForTag(no release tag) = %+v, want nothing", w)
	}
}

func TestTagNamesAreQuotedInCommands(t *testing.T) {
	t.Parallel()
	set, f := tagging{}.facts(t)
	f.Pushed = &TagPush{Name: "v1.2.3$(reboot)'", Before: "0123456789", Commit: "c"}
	for _, v := range JudgeTag(set, f) {
		for _, x := range v.Findings {
			if strings.Contains(x.How, "$(reboot)") && !strings.Contains(x.How, `'v1.2.3$(reboot)'\'''`) {
				t.Errorf("How = %q, want the name quoted for the shell", x.How)
			}
		}
	}
}

// benchmarkFacts are those of an ordinary change in a repository with 300 tags, which edits a version file.
func benchmarkFacts(b *testing.B) (*policy.Set, *Facts) {
	tags := make([]string, 300)
	for i := range tags {
		tags[i] = "v1." + string(rune('0'+i/100)) + "." + string(rune('0'+i/10%10)) + string(rune('0'+i%10))
	}
	set, f := tagging{tags: strings.ReplaceAll(strings.Join(tags, " "), ".0", "."), title: "feat: x", labels: []string{"minor"}, files: map[string][2]string{
		"package.json": {`{"version":"1.2.98"}`, `{"version":"1.3.0"}`}, "main.go": {"a", "b"}}}.facts(b)
	f.At = time.Date(2026, 8, 5, 0, 0, 0, 0, time.UTC)
	return set, f
}

func BenchmarkTagging(b *testing.B) {
	set, f := benchmarkFacts(b)
	b.ReportAllocs()
	for b.Loop() {
		judgeOne(set, f, Check{Name: "tagging", Judge: judgeTagging})
	}
}

// A version bump of a whole monorepo: 1,500 packages, 3,000 files.
func BenchmarkTaggingMonorepo(b *testing.B) {
	files := map[string][2]string{}
	for i := range 1500 {
		dir := fmt.Sprintf("packages/p%d/", i)
		files[dir+"package.json"] = [2]string{`{"version":"1.2.3"}`, `{"version":"1.3.0"}`}
		files[dir+"index.js"] = [2]string{"a", "b"}
	}
	set, f := tagging{tags: "v1.2.3", title: "chore: release", files: files}.facts(b)
	b.ReportAllocs()
	for b.Loop() {
		judgeOne(set, f, Check{Name: "tagging", Judge: judgeTagging})
	}
}

func FuzzTagging(f *testing.F) {
	f.Add("feat(x)!: y", "BREAKING CHANGE: z", "semver:minor", "v1.2.3 v1 latest", "1.2.4", "v1.2.4", "release/1.2")
	f.Add("Prepare", "<!-- ```", "MAJOR", "api/v1.0.0 2024.05.1", "1.2.4-SNAPSHOT", "v1.2", "1.x")
	f.Fuzz(func(t *testing.T, title, body, label, tags, version, tag, base string) {
		set, facts := tagging{tags: tags, title: title, body: body, labels: []string{strings.ReplaceAll(label, "@", "")}, base: base,
			files: map[string][2]string{"VERSION": {"1.2.3", version}}}.facts(t)
		facts.Pushed = &TagPush{Name: tag, Commit: "c", Before: "b"}
		for _, v := range append(JudgeTag(set, facts), judgeOne(set, facts, Check{Name: "tagging", Judge: judgeTagging})) {
			if v.Reason == "" || len([]rune(v.Reason)) > 140 || v.Rule == "" {
				t.Errorf("reason %q, rule %q", v.Reason, v.Rule)
			}
			for _, x := range v.Findings {
				if len([]rune(x.What)) > 140 || strings.ContainsFunc(x.What, func(r rune) bool { return !graphic(r) && r != unicode.ReplacementChar }) {
					t.Errorf("finding %q", x.What)
				}
			}
		}
	})
}
