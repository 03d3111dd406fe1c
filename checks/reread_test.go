package checks

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

// asForge reads facts as a forge would: it tells what the checks want of all that there is, and nothing else.
func asForge(t *testing.T, set *policy.Set, all *Facts) *Facts {
	t.Helper()
	f := unasked(all)
	for range mostRounds {
		w := askFor(set, f)
		if w.Empty() {
			return f
		}
		r := &rereading{recorded: all, f: f, untold: Untold{}}
		r.fill(set, w)
		for _, x := range w.Texts {
			if _, ok := f.Text(x.Side, x.Path); !ok {
				f.Texts = append(f.Texts, Text{Side: x.Side, Path: x.Path, Absent: true})
			}
		}
		for _, p := range w.People {
			if _, ok := f.People[p.ID]; !ok {
				f.People = grown(f.People, p.ID, Person{ID: p.ID, Login: p.Login, Kind: p.Kind, Permission: "none"})
			}
		}
		for _, name := range w.Teams {
			if _, ok := f.Teams[name]; !ok {
				f.Teams = grown(f.Teams, name, Group{Complete: true})
			}
		}
	}
	return f
}

func policySet(t *testing.T, text string) *policy.Set {
	t.Helper()
	set, err := policy.Load(policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// everything is all that there is to know about a change of code and of two environments.
func everything() *Facts {
	ana, bo := Person{ID: 1, Login: "ana", Kind: "user"}, Person{ID: 2, Login: "bo", Kind: "user", Permission: "write"}
	head := Ref{Name: "x", Commit: "c1"}
	return &Facts{
		Subject: Subject{Forge: "github", Repo: "acme/shop", Kind: KindChange, Change: 7}, Repository: Repository{Name: "acme/shop", Default: "main"},
		Change: &Change{Number: 7, Title: "feat: x", State: "open", Author: ana, Base: Ref{Name: "main", Commit: "b1"}, Head: head, ChangedFiles: 3, CommitCount: 1},
		Files: []File{
			{Path: "CHANGELOG.md", Status: "modified", Read: true, Added: []Line{{N: 5, Text: "- x"}}},
			{Path: "ops/live.yml", Status: "modified", Read: true, Added: []Line{{N: 1, Text: "host: db.live"}, {N: 2, Text: "only: here"}}},
			{Path: "src/a.go", Status: "added", Read: true, Added: []Line{{N: 1, Text: `const host = "db.live"`}}},
		},
		Commits: []Commit{{ID: "c1", Author: ana, Committer: ana}},
		Reviews: []Review{{By: bo, State: "approved", Commit: "c1"}},
		Listed:  true, Paths: []string{"CHANGELOG.md", "NEWS.md", "ops/live.yml", "ops/test.yml", "src/a.go"},
		Texts: []Text{
			{Side: Base, Path: "CHANGELOG.md", Text: "# Changelog\n\n## [Unreleased]\n\n"}, {Side: Head, Path: "CHANGELOG.md", Text: "# Changelog\n\n## [Unreleased]\n\n- x\n"},
			{Side: Base, Path: "ops/live.yml", Text: "host: db.live\n"}, {Side: Head, Path: "ops/live.yml", Text: "host: db.live\nonly: here\n"},
			{Side: Head, Path: "ops/test.yml", Text: "host: db.test\n"},
		},
		People: map[int64]Person{2: bo}, Teams: map[string]Group{"acme/dba": {Members: []int64{2}, Complete: true}},
	}
}

// Whatever was recorded under one policy and is judged under another: a check either says what it would say of all
// there is, or is named as untold.
func TestRereadNeverGuesses(t *testing.T) {
	t.Parallel()
	const environments = "config-separation: {environments: {live: ['ops/live.*'], test: ['ops/test.*']}}\n"
	policies := map[string]string{
		"defaults": "", "nothing": "tagging: {mode: off}\nchangelog: {mode: off}\nconfig-separation: {mode: off}\napproval: {mode: off}\n",
		"environments": environments, "environments, no parity": strings.Replace(environments, "{environments", "{parity: off, environments", 1),
		"environments, ignored": strings.Replace(environments, "{environments", "{ignore: ['src/**'], environments", 1),
		"news":                  "changelog: {files: ['*.md']}\n", "one log": "changelog: {files: [CHANGELOG.md]}\n", "exempt": "changelog: {exempt: {paths: ['**']}}\n",
		"a team": "approval: {rules: [{name: a, from: {teams: [acme/dba]}}]}\n", "declared": "tagging: {bump: declared, files: ['ops/*.yml']}\n",
		"hosts": "config-separation: {hosts: ['db.*']}\n", "owners": "approval: {rules: [{name: a, from: {codeowners: true}}]}\n",
	}
	told := 0
	for was, text := range policies {
		under := policySet(t, text)
		recorded := asForge(t, under, everything())
		for is, text := range policies {
			set := policySet(t, text)
			got, untold := Reread(set, under, recorded)
			want := Judge(set, asForge(t, set, everything()))
			for i, v := range Judge(set, got) {
				switch {
				case untold[v.Check] != "":
					if was == is {
						t.Errorf("under %q as before: %s lacks %s", is, v.Check, untold[v.Check])
					}
				case !reflect.DeepEqual(v, want[i]):
					t.Errorf("recorded under %q, judged under %q:\n got %+v\nwant %+v", was, is, v, want[i])
				default:
					told++
				}
			}
		}
	}
	if all := len(policies) * len(policies) * 4; told < all/2 {
		t.Errorf("%d of %d verdicts were told, want half of them", told, all)
	}
}

func TestRereadNamesWhatIsNotRecorded(t *testing.T) {
	t.Parallel()
	const environments = "config-separation: {environments: {live: ['ops/live.*'], test: ['ops/test.*']}}\n"
	for name, c := range map[string]struct {
		under, set string
		take       func(*Facts)
		check      string
		want       string
	}{
		"paths that were listed for others":  {"", environments, func(*Facts) {}, "config-separation", "which files of the repository matter to it"},
		"paths that were listed for it":      {environments, environments, func(*Facts) {}, "config-separation", ""},
		"paths that nobody listed":           {environments, environments, func(f *Facts) { f.Paths, f.Listed = nil, false }, "config-separation", "which files the repository has"},
		"lines that nobody read":             {"", "", func(f *Facts) { f.Files[2] = File{Path: "src/a.go", Status: "added"} }, "config-separation", "the changed lines of src/a.go"},
		"a right that nobody asked for":      {"", "", func(f *Facts) { f.People = nil }, "approval", "what bo may do"},
		"a team that nobody asked for":       {"", "approval: {rules: [{name: a, from: {teams: [acme/x]}}]}\n", func(*Facts) {}, "approval", "who is in the team acme/x"},
		"a log that nobody read":             {"", "", func(f *Facts) { f.Texts = nil }, "changelog", "CHANGELOG.md at the base"},
		"what an added file was before":      {"", "tagging: {files: ['src/*.go']}\n", func(*Facts) {}, "tagging", "src/a.go at the head"},
		"a look that listed odd paths":       {"", "", func(f *Facts) { f.Paths = append(f.Paths, "zzz/odd.txt") }, "changelog", "which files of the repository matter to it"},
		"an edited policy that nobody read":  {"", "", func(f *Facts) { f.Files[0].Path = ".sluice.yml" }, "policy", ".sluice.yml at the head"},
		"a policy of then that is not known": {"broken", "", func(*Facts) {}, "changelog", "which files of the repository matter to it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var under *policy.Set
			recorded := everything()
			if c.under != "broken" {
				under = policySet(t, c.under)
				recorded = asForge(t, under, recorded)
			}
			c.take(recorded)
			before := slices.Clone(recorded.Files)
			_, untold := Reread(policySet(t, c.set), under, recorded)
			if got := untold[c.check]; got != c.want {
				t.Errorf("untold %v, want %q of %s", untold, c.want, c.check)
			}
			if !reflect.DeepEqual(before, recorded.Files) {
				t.Error("the recorded facts were changed")
			}
		})
	}
}

func TestProposalsStandInForThePolicy(t *testing.T) {
	t.Parallel()
	own, floor := policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: "a"}, policy.Source{Origin: policy.Organisation, Name: "acme/.github:sluice.yml", Text: "b"}
	next, over := policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: "c"}, policy.Source{Origin: policy.Organisation, Name: "sluice.yml", Text: "d"}
	for name, c := range map[string]struct {
		p    Proposal
		want []policy.Source
	}{
		"the repository's":            {Proposal{policy.Repository, &next}, []policy.Source{next, floor}},
		"the organisation's":          {Proposal{policy.Organisation, &over}, []policy.Source{own, over}},
		"the repository's is deleted": {Proposal{policy.Repository, nil}, []policy.Source{floor}},
		"so is the organisation's":    {Proposal{policy.Organisation, nil}, []policy.Source{own}},
	} {
		if got := c.p.In([]policy.Source{own, floor}); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
