package policy_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

func TestLayers(t *testing.T) {
	t.Parallel()
	own := repository("changelog: {mode: advise}")
	for name, c := range map[string]struct {
		sources []policy.Source
		first   string // Name of the source of the first layer
		floor   bool
	}{
		"nothing":                              {nil, "", false},
		"a repository's":                       {[]policy.Source{own}, ".sluice.yml", false},
		"an organisation's":                    {[]policy.Source{organisation("changelog: {mode: off}")}, "acme/.github:sluice.yml", false},
		"both":                                 {[]policy.Source{own, organisation("changelog: {mode: off}")}, ".sluice.yml", false},
		"both with a floor":                    {[]policy.Source{own, organisation("required: {changelog: {}}")}, ".sluice.yml", true},
		"an organisation's alone with a floor": {[]policy.Source{organisation("required: {changelog: {}}")}, "acme/.github:sluice.yml", true},
		"in the other order":                   {[]policy.Source{organisation("required: {changelog: {}}"), own}, ".sluice.yml", true},
	} {
		set := load(t, c.sources...)
		if got := set.Layers[0].Source().Name; got != c.first || (len(set.Layers) == 2) != c.floor {
			t.Errorf("Load(%s): first layer from %q of %d, want %q, floor %v", name, got, len(set.Layers), c.first, c.floor)
		}
		if c.floor && !set.Layers[1].Floor() {
			t.Errorf("Load(%s): the last layer is no floor", name)
		}
	}
}

func TestFloorHoldsOnlyWhatItMentions(t *testing.T) {
	t.Parallel()
	floor := load(t, repository(""), organisation("version: 1\nrequired:\n  changelog:\n    exempt: {labels: [skip]}\n")).Layers[1]
	for check, want := range map[string]policy.Mode{"tagging": policy.Off, "changelog": policy.Enforce, "config-separation": policy.Off, "approval": policy.Off} {
		if got := floor.ModeOf(check); got != want {
			t.Errorf("floor.ModeOf(%s) = %s, want %s", check, got, want)
		}
	}
	if len(floor.Approval.Rules) != 0 {
		t.Errorf("a floor that does not mention approval has the rules %v", floor.Approval.Rules)
	}
	for path, want := range map[string]string{
		"changelog.exempt.labels[0]": "acme/.github:sluice.yml:4 required.changelog.exempt.labels[0]",
		"changelog.files":            "acme/.github:sluice.yml:3 required.changelog.files",
		"tagging.mode":               "acme/.github:sluice.yml:2 required.tagging.mode",
	} {
		if got := floor.Rule(path); got != want {
			t.Errorf("floor.Rule(%s) = %q, want %q", path, got, want)
		}
	}
}

func TestFloorInheritsWhereThingsAreAndNothingElse(t *testing.T) {
	t.Parallel()
	own := repository(`
tagging: {scheme: 'calver:YYYY.MM', tag: 'r{version}', files: [V], annotated: false, branches: ['**'], by: {permission: read}}
changelog: {files: [NEWS], mode: off, exempt: {paths: ['**']}}
config-separation: {environments: {live: [live/**]}, ignore: ['**'], hosts: [a.b], parity: off}
approval: {rules: [], stale: never, exclude: []}
roles: {owners: {users: [mallory]}, mine: {users: [ana]}}
override: {by: {permission: read}, self: true}
checks: [{name: x, rule: 'true'}]
`)
	floor := load(t, own, organisation(`
required:
  tagging: {}
  changelog: {}
  config-separation: {}
  approval: {rules: [{name: owner, from: {roles: [owners, mine]}}]}
  roles: {owners: {teams: [acme/owners]}}
`)).Layers[1]
	want := policy.Defaults()
	for name, c := range map[string]struct{ got, want any }{
		"the scheme is taken":              {floor.Tagging.Scheme, "calver:YYYY.MM"},
		"the tag is taken":                 {floor.Tagging.Tag, "r{version}"},
		"version files are taken":          {floor.Tagging.Files, []string{"V"}},
		"annotated is not":                 {floor.Tagging.Annotated, true},
		"branches are not":                 {floor.Tagging.Branches, want.Tagging.Branches},
		"who may push tags is not":         {floor.Tagging.By, want.Tagging.By},
		"changelog files are taken":        {floor.Changelog.Files, []string{"NEWS"}},
		"the mode is not":                  {floor.Changelog.Mode, policy.Enforce},
		"exemptions are not":               {len(floor.Changelog.Exempt.Paths), 0},
		"environments are taken":           {floor.ConfigSeparation.Environments, []policy.EnvFiles{{Name: "live", Paths: policy.Globs{"live/**"}}}},
		"what is ignored is not":           {len(floor.ConfigSeparation.Ignore), 0},
		"parity is not":                    {floor.ConfigSeparation.Parity, policy.Enforce},
		"stale is not":                     {floor.Approval.Stale, "commit"},
		"exclude is not":                   {floor.Approval.Exclude, []string{"author", "contributors"}},
		"a role of the floor's own stays":  {floor.Roles["owners"], policy.From{Teams: []string{"acme/owners"}}},
		"a role that it lacks is taken":    {floor.Roles["mine"], policy.From{Users: []string{"ana"}}},
		"who may override is not":          {floor.Override.By, policy.From{Permission: "admin"}},
		"house rules are not":              {len(floor.Checks), 0},
		"an inherited key names its place": {floor.Rule("changelog.files"), ".sluice.yml:3 changelog.files"},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", name, c.got, c.want)
		}
	}
}

func TestFloorRolesComeFromTheOrganisationFirst(t *testing.T) {
	t.Parallel()
	floor := load(t, repository("roles: {owners: {users: [mallory]}}"),
		organisation("roles: {owners: {teams: [acme/owners]}}\nrequired: {approval: {rules: [{from: {roles: [owners]}}]}}")).Layers[1]
	if got := floor.Roles["owners"]; len(got.Users) > 0 {
		t.Errorf("floor.Roles[owners] = %+v, want the organisation's", got)
	}
}

func TestFloorProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"an unknown key":     {"required:\n  changelgo: {}", `acme/.github:sluice.yml:2:3: unknown key "changelgo"; did you mean "changelog"?`},
		"a floor in a floor": {"required:\n  required: {}", `unknown key "required"`},
		"a version":          {"required:\n  version: 1", `version stands at the top`},
		"an unknown role":    {"required: {approval: {rules: [{from: {roles: [nobody]}}]}}", `names the role "nobody", which does not exist`},
	} {
		if _, err := policy.Load(repository(""), organisation(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Load(%s) = %v, want %s", name, err, c.want)
		}
	}
}

func TestWeakerThan(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, after, want string }{
		"nothing":                         {"", "version: 1", ""},
		"a mode lowered":                  {"", "changelog: {mode: advise}", "changelog.mode goes from enforce to advise"},
		"a mode raised":                   {"changelog: {mode: advise}", "", ""},
		"an exemption added":              {"changelog: {exempt: {paths: [a]}}", "changelog: {exempt: {paths: [a, b]}}", `changelog.exempt.paths now exempts "b"`},
		"an exemption removed":            {"changelog: {exempt: {paths: [a, b]}}", "changelog: {exempt: {paths: [a]}}", ""},
		"a count lowered":                 {"approval: {rules: [{name: a, count: 2}]}", "approval: {rules: [{name: a}]}", "approval.rules[0].count goes from 2 to 1"},
		"a rule removed":                  {"approval: {rules: [{name: a}, {name: b}]}", "approval: {rules: [{name: b}]}", `approval.rules no longer has the rule "a"`},
		"who may approve":                 {"approval: {rules: [{name: a}]}", "approval: {rules: [{name: a, from: {users: [mallory]}}]}", "approval.rules[0].from changes"},
		"when a rule applies":             {"approval: {rules: [{name: a}]}", "approval: {rules: [{name: a, when: {paths: [x]}}]}", "approval.rules[0].when changes"},
		"the author let in":               {"", "approval: {rules: [{name: approval}], exclude: []}", `approval.exclude no longer excludes "author"; approval.exclude no longer excludes "contributors"`},
		"old approvals let in":            {"approval: {rules: [{name: a}]}", "approval: {rules: [{name: a}], stale: never}", "approval.stale goes from commit to never"},
		"a house rule changed":            {"checks: [{name: a, rule: 'change.draft'}]", "checks: [{name: a, rule: 'true'}]", "checks[0].rule changes"},
		"a house rule removed":            {"checks: [{name: a, rule: 'change.draft'}]", "", `checks no longer has the house rule "a"`},
		"an environment gone":             {"environments: {p: {}}", "", `environments no longer guards "p"`},
		"a freeze taken away":             {"environments: {p: {freezes: [{from: 2026-01-01, to: 2026-01-02}]}}", "environments: {p: {}}", "environments.p.freezes changes"},
		"a line let through":              {"environments: {p: {}}", "environments: {p: {modes: {window: advise, lock: off}}}", "environments.p.modes.window goes from enforce to advise; environments.p.modes.lock goes from enforce to off"},
		"another way back":                {"environments: {p: {verify: [s], rollback: automatic}}", "environments: {p: {verify: [s]}}", "environments.p.rollback changes"},
		"a lane opened":                   {"environments: {p: {}}", "environments: {p: {hotfix: {when: {labels: [h]}}}}", "environments.p.hotfix now has a lane that asks less of some changes"},
		"a lane closed":                   {"environments: {p: {hotfix: {when: {labels: [h]}}}}", "environments: {p: {}}", ""},
		"a lane widened":                  {"environments: {p: {hotfix: {when: {labels: [h]}}}}", "environments: {p: {hotfix: {when: {labels: [h, i]}}}}", "environments.p.hotfix.when changes"},
		"a lane without approvals":        {"environments: {p: {hotfix: {when: {labels: [h]}}}}", "environments: {p: {hotfix: {when: {labels: [h]}, approval: []}}}", "environments.p.hotfix.approval now stands in place of the approval"},
		"a lane with fewer approvals":     {"environments: {p: {hotfix: {when: {labels: [h]}, approval: [{name: a, count: 2}]}}}", "environments: {p: {hotfix: {when: {labels: [h]}, approval: [{name: a}]}}}", "environments.p.hotfix.approval[0].count goes from 2 to 1"},
		"signatures given up":             {"tagging: {signed: true}", "", "tagging.signed is no longer asked for"},
		"a rule lets the author in":       {"approval: {rules: [{name: a}]}", "approval: {rules: [{name: a, exclude: [contributors]}]}", `approval.rules[0].exclude no longer excludes "author"`},
		"a rule lets old approvals in":    {"approval: {rules: [{name: a}]}", "approval: {rules: [{name: a, stale: never}]}", "approval.rules[0].stale goes from commit to never"},
		"a rule takes comments":           {"approval: {stale: never, rules: [{name: a}]}", "approval: {stale: never, rules: [{name: a, comments: [ok]}]}", `approval.rules[0].comments now takes comments like "ok"`},
		"a rule asks nobody":              {"approval: {rules: [{name: a}]}", "approval: {rules: [{name: a, automatic: true}]}", "approval.rules[0].automatic asks nobody now"},
		"a rule needs less":               {"approval: {rules: [{name: a, needs: {labels: [x]}}]}", "approval: {rules: [{name: a}]}", "approval.rules[0].needs changes"},
		"a demand that becomes a choice":  {"approval: {rules: [{name: a, demand: true}]}", "approval: {rules: [{name: a}]}", "approval.rules[0].demand is no longer said"},
		"what no rule is for passes":      {"approval: {unmatched: wait}", "", "approval.unmatched goes from wait to pass"},
		"what no rule is for waits":       {"", "approval: {unmatched: wait}", ""},
		"an objection is heard no longer": {"approval: {objections: {comments: [no]}}", "", `approval.objections.comments no longer names "no"`},
		"self override allowed":           {"", "override: {self: true}", "override.self is now allowed"},
	} {
		var got []string
		for _, w := range policy.WeakerThan(load(t, repository(c.before)).Layers[0], load(t, repository(c.after)).Layers[0]) {
			got = append(got, w.Path+" "+w.What)
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("WeakerThan(%s) = %q, want %q", name, s, c.want)
		}
	}
}

// A file would be each repository's own, which could empty it: an organisation freezes by an address.
func TestAnOrganisationsCalendarIsNoFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"required: {environments: {p: {freezes: [{calendar: ops/f.ics}]}}}":              "o:1:42: environments.p.freezes[0].calendar must be an https URL in an organisation's policy",
		"environments: {p: {freezes: [{calendar: ops/f.ics}]}}":                          "o:1:31: environments.p.freezes[0].calendar must be an https URL in an organisation's policy",
		"required: {environments: {p: {freezes: [{calendar: 'https://cal.example/'}]}}}": "",
	} {
		_, err := policy.Load(policy.Source{Origin: policy.Organisation, Name: "o", Text: text})
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Load(%s) = %v, want %s", text, err, want)
		}
	}
}

// A freeze begins with the day and ends with the day also where the day has no midnight, or is skipped.
func TestFreezeSpansWholeDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, zone, begins, ends string }{
		{"2026-03-29", "2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		{"2018-11-03", "2018-11-03", "America/Sao_Paulo", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"},
		{"2018-11-04", "2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
		{"2011-12-29", "2011-12-30", "Pacific/Apia", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},
		{"2026-12-18T09:00:00+01:00", "2026-12-18T10:00:00+01:00", "UTC", "2026-12-18T08:00:00Z", "2026-12-18T09:00:00Z"},
	} {
		from, to, err := policy.Freeze{From: c.from, To: c.to, Timezone: c.zone}.Span()
		if err != nil || from.UTC().Format(time.RFC3339) != c.begins || to.UTC().Format(time.RFC3339) != c.ends {
			t.Errorf("Span(%s to %s in %s) = %s, %s, %v, want %s, %s", c.from, c.to, c.zone, from.UTC(), to.UTC(), err, c.begins, c.ends)
		}
	}
}
