package checks

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

// edited is a change of one policy file from before to after; "" stands for no file.
func edited(path, before, after string) *Facts {
	f := houseFacts()
	f.Files = []File{{Path: path, Status: "modified"}}
	if before != "" {
		f.Sources = []policy.Source{{Origin: policy.Repository, Name: path, Text: before}}
	}
	for _, p := range policy.Paths {
		t := Text{Side: Head, Path: p, Absent: true}
		if p == path && after != "" {
			t = Text{Side: Head, Path: p, Text: after}
		}
		f.Texts = append(f.Texts, t)
	}
	return f
}

func TestPolicyCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts *Facts
		want  string // outcome and reason
		notes []string
	}{
		"a new policy":       {edited(".sluice.yml", "", "version: 1"), "pass The new policy is valid and asks for no less than the one in force.", nil},
		"a policy elsewhere": {edited(".github/sluice.yml", "", "version: 1"), "pass The new policy is valid and asks for no less than the one in force.", nil},
		"a broken policy": {edited(".sluice.yml", "version: 1", "version: 1\nchangelgo: {}\ntagging: {bump: x}"),
			`fail The new policy is broken at .sluice.yml:2:1: unknown key "changelgo"; did you mean "changelog"? (and 1 more)`,
			[]string{`.sluice.yml:2 The new policy is broken at .sluice.yml:2:1: unknown key "changelgo"; did you mean "changelog"?.`, `.sluice.yml:3`}},
		"a check that gets weaker": {edited(".sluice.yml", "version: 1", "version: 1\nchangelog:\n  mode: advise\n  exempt: {paths: [\"**\"]}\n"),
			"pass The new policy is valid. It asks less or other things of changelog; see the list.",
			[]string{".sluice.yml:3 changelog.mode goes from enforce to advise.", `.sluice.yml:4 changelog.exempt.paths now exempts "**".`}},
		"a check that gets stronger": {edited(".sluice.yml", "changelog: {mode: advise}", "version: 1"), "pass The new policy is valid and asks for no less than the one in force.", nil},
		"a policy that is deleted":   {edited(".sluice.yml", "version: 1", ""), "pass The policy is deleted: the defaults then apply, with one approval by somebody with write access.", nil},
		"a policy that becomes a symbolic link": {with(edited(".sluice.yml", "version: 1", "x"), func(f **Facts) { (*f).Texts[0].Text, (*f).Texts[0].Kind = "", "symlink" }),
			"fail The new policy is broken at .sluice.yml:1:1: the policy is a symbolic link; a policy must be an ordinary file, so that it cannot point else…", nil},
		"a policy that could not be read": {with(edited(".sluice.yml", "", "version: 1"), func(f **Facts) { (*f).Gaps = []Gap{{"text:.sluice.yml", "GitHub answered 502."}} }),
			"unknown The new policy could not be read: GitHub answered 502.", nil},
		"a policy that was not read": {with(edited(".sluice.yml", "", "version: 1"), func(f **Facts) { (*f).Texts = nil }), "unknown The new policy could not be read: .sluice.yml was not read.", nil},
		"a policy that is renamed away": {with(edited(".sluice.yml", "version: 1", ""), func(f **Facts) { (*f).Files = []File{{Path: "old.yml", Old: ".sluice.yml", Status: "renamed"}} }),
			"pass The policy is deleted: the defaults then apply, with one approval by somebody with write access.", nil},
		"another file": {with(edited(".sluice.yml", "", ""), func(f **Facts) { (*f).Files = []File{{Path: "a.go", Status: "added"}} }), "none", nil},
		"a list of files that is not whole, and the same policy": {with(edited(".sluice.yml", "version: 1", "version: 1"), func(f **Facts) {
			(*f).Files, (*f).Gaps = nil, []Gap{{"files", "cut off"}}
		}), "none", nil},
		"a list of files that is not whole, and another policy": {with(edited(".sluice.yml", "version: 1", "vresion: 1"), func(f **Facts) {
			(*f).Files, (*f).Gaps = nil, []Gap{{"files", "cut off"}}
		}), `fail The new policy is broken at .sluice.yml:1:1: unknown key "vresion"; did you mean "version"?.`, nil},
		"a policy in place of one that is not looked at then": {with(edited(".sluice.yml", "", "version: 1"), func(f **Facts) {
			(*f).Sources = []policy.Source{{Origin: policy.Repository, Name: ".github/sluice.yml", Text: "changelog: {mode: enforce}\ntagging: {signed: true}"}}
			(*f).Texts[1] = Text{Side: Head, Path: ".github/sluice.yml", Text: "changelog: {mode: enforce}\ntagging: {signed: true}"}
		}), "pass The new policy is valid. It asks less or other things of tagging; see the list.", []string{".sluice.yml:1 tagging.signed is no longer asked for."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, ok := judgePolicy(loaded(t, c.facts.Sources...), c.facts)
			got := "none"
			if ok {
				got = v.Outcome.String() + " " + v.Reason
			}
			if got != c.want {
				t.Errorf("judgePolicy\n got %s\nwant %s", got, c.want)
			}
			var notes []string
			for _, f := range v.Findings {
				notes = append(notes, fmt.Sprintf("%s:%d %s", f.Path, f.Line, f.What))
			}
			for i, want := range c.notes {
				if i >= len(notes) || !strings.HasPrefix(notes[i], want) {
					t.Errorf("judgePolicy notes %q, want %q", notes, c.notes)
				}
			}
			if v.Outcome == Fail && len(v.Annotations()) == 0 {
				t.Error("judgePolicy fails without an annotation")
			}
		})
	}
}

func TestPolicyCheckBesideAnOrganisation(t *testing.T) {
	t.Parallel()
	f := edited(".sluice.yml", "version: 1", "override: {checks: [small]}")
	f.Sources = append(f.Sources, policy.Source{Origin: policy.Organisation, Name: "acme/.github:sluice.yml", Text: "required: {checks: [{name: small, rule: 'true'}]}"})
	if v, ok := judgePolicy(loaded(t, f.Sources...), f); !ok || v.Outcome != Pass {
		t.Errorf("judgePolicy(an override of what the organisation requires) = %+v, want a pass", v)
	}
	set := loaded(t, f.Sources...)
	f.Sources[1].Text = "chekcs: []"
	if v, ok := judgePolicy(set, f); !ok || v.Outcome != Fail {
		t.Errorf("judgePolicy(an override of nothing beside a broken organisation's) = %+v, want a failure", v)
	}
	f.Texts[0].Text = "changelog: {mode: advise}"
	if v, ok := judgePolicy(set, f); !ok || v.Outcome != Pass {
		t.Errorf("judgePolicy(a valid policy beside a broken organisation's) = %+v, want a pass", v)
	}
}

func TestPolicyCheckOfTheOrganisation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ policies, repo, text, want string }{
		"a floor that is lowered":          {"", "acme/.github", "required: {changelog: {mode: advise}}", "pass The new policy is valid. It asks less or other things of changelog; see the list."},
		"a floor that is taken away":       {"", "acme/.github", "version: 1", "pass The new policy is valid. It asks less or other things of required; see the list."},
		"a floor that is broken":           {"", "acme/.github", "required: {chnagelog: {}}", `fail The new policy is broken at sluice.yml:1:12: unknown key "chnagelog"; did you mean "changelog"?.`},
		"a group's project":                {"sluice-policy", "acme/sluice-policy", "version: 1", "pass The new policy is valid. It asks less or other things of required; see the list."},
		"a file of that name elsewhere":    {"", "acme/shop", "required: {chnagelog: {}}", "none"},
		"a project of that name on GitHub": {"", "acme/sluice-policy", "required: {chnagelog: {}}", "none"},
	} {
		f := houseFacts()
		f.Repository.Policies, f.Repository.Name = c.policies, c.repo
		f.Files = []File{{Path: "sluice.yml", Status: "modified"}}
		f.Sources = []policy.Source{{Origin: policy.Organisation, Name: c.repo + ":sluice.yml", Text: "required: {changelog: {}}"}}
		f.Texts = []Text{{Side: Head, Path: "sluice.yml", Text: c.text}}
		got := "none"
		if v, ok := judgePolicy(loaded(t, f.Sources...), f); ok {
			got = v.Outcome.String() + " " + v.Reason
		}
		if got != c.want {
			t.Errorf("judgePolicy(%s)\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestPolicyCheckWants(t *testing.T) {
	t.Parallel()
	w := &Wants{}
	f := edited(".sluice.yml", "", "")
	f.Texts = nil
	wantPolicy(nil, f, w)
	var paths []string
	for _, text := range w.Texts {
		paths = append(paths, text.Path)
	}
	if !slices.Equal(paths, policy.Paths) {
		t.Errorf("wantPolicy(a change of .sluice.yml) = %v, want %v", paths, policy.Paths)
	}
	w = &Wants{}
	f.Files[0].Path = "a.go"
	if wantPolicy(nil, f, w); !w.Empty() {
		t.Errorf("wantPolicy(a change of a.go) = %+v, want nothing", w)
	}
}
