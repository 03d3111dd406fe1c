package policy_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

func TestLoadExample(t *testing.T) {
	t.Parallel()
	p := load(t, repository(read(t, "testdata/full.yml"))).Layers[0]
	for name, c := range map[string]struct{ got, want any }{
		"lists":                     {p.Changelog.Exempt.Authors, []string{"dependabot[bot]"}},
		"environments in order":     {p.ConfigSeparation.Environments[1].Name, "production"},
		"patterns":                  {p.ConfigSeparation.Environments[1].Paths, policy.Globs{"config/production.*", "deploy/prod/**"}},
		"a rule's default count":    {p.Approval.Rules[2].Count, 1},
		"a rule's mode":             {p.Approval.Rules[2].Mode, policy.Advise},
		"a team and no other right": {p.Approval.Rules[1].From, policy.From{Teams: []string{"acme/operations"}}},
		"after":                     {p.Approval.Rules[1].After, []string{"peer review"}},
		"an expression":             {p.Checks[0].Rule.Source, "change.additions + change.deletions <= 800"},
		"roles":                     {p.Roles["release-managers"], policy.From{Teams: []string{"acme/release"}}},
		"deployment environments":   {[]string{p.Environments[0].Name, p.Environments[1].Name, p.Environments[2].Name}, []string{"development", "integration", "production"}},
		"a duration":                {time.Duration(p.Environments[1].Soak), 15 * time.Minute},
		"a date":                    {p.Environments[2].Freezes[0].From, "2026-12-18"},
		"who overrides":             {p.Override.By, policy.From{Permission: "admin"}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s of the example: got %v, want %v", name, c.got, c.want)
		}
	}
}

func TestLoadNothing(t *testing.T) {
	t.Parallel()
	for name, sources := range map[string][]policy.Source{
		"no policy":       nil,
		"an empty policy": {repository("")},
		"only comments":   {repository("# nothing yet\n")},
		"only a version":  {repository("version: 1\n")},
	} {
		p := load(t, sources...).Layers[0]
		rules := p.Approval.Rules
		if len(rules) != 1 || rules[0].Count != 1 || !reflect.DeepEqual(rules[0].From, policy.From{Permission: "write"}) {
			t.Errorf("Load(%s) asks for %+v, want one person with write access", name, rules)
		}
		for _, check := range []string{"tagging", "changelog", "config-separation", "approval"} {
			if got := p.ModeOf(check); got != policy.Enforce {
				t.Errorf("Load(%s).ModeOf(%s) = %s, want enforce", name, check, got)
			}
		}
		if len(p.Environments)+len(p.ConfigSeparation.Hosts)+len(p.Changelog.Exempt.Paths) > 0 {
			t.Errorf("Load(%s) = %+v, want no hosts, exemptions or environments", name, p)
		}
	}
}

// TestLoadValues has one row per way to write something.
func TestLoadValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		got  func(*policy.Policy) any
		want any
	}{
		"off without quotes is the mode":      {"changelog: {mode: off}", func(p *policy.Policy) any { return p.Changelog.Mode }, policy.Off},
		"after may be one name":               {"approval: {rules: [{name: a}, {name: b, after: a}]}", func(p *policy.Policy) any { return p.Approval.Rules[1].After }, []string{"a"}},
		"authors may be a list of logins":     {"approval: {rules: [{when: {authors: [ana]}}]}", func(p *policy.Policy) any { return p.Approval.Rules[0].When.Authors }, policy.From{Users: []string{"ana"}}},
		"authors may be people":               {"approval: {rules: [{when: {authors: {teams: [a/b]}}}]}", func(p *policy.Policy) any { return p.Approval.Rules[0].When.Authors }, policy.From{Teams: []string{"a/b"}}},
		"a size above":                        {`approval: {rules: [{when: {size: "> 500"}}]}`, func(p *policy.Policy) any { return p.Approval.Rules[0].When.Size }, policy.Size{Min: 501}},
		"a size at most":                      {`approval: {rules: [{when: {size: "<= 20"}}]}`, func(p *policy.Policy) any { return p.Approval.Rules[0].When.Size }, policy.Size{Max: 20}},
		"a size between":                      {`approval: {rules: [{when: {size: {min: 3, max: 9}}}]}`, func(p *policy.Policy) any { return p.Approval.Rules[0].When.Size }, policy.Size{Min: 3, Max: 9}},
		"a rule without a name has a number":  {"approval: {rules: [{count: 1}, {count: 2}]}", func(p *policy.Policy) any { return p.Approval.Rules[1].Name }, "rule 2"},
		"empty people stand for the default":  {"override: {by: {}}", func(p *policy.Policy) any { return p.Override.By }, policy.From{Permission: "admin"}},
		"an approval without rules has one":   {"approval: {stale: never}", func(p *policy.Policy) any { return len(p.Approval.Rules) }, 1},
		"an explicit empty list stays empty":  {"approval: {rules: []}", func(p *policy.Policy) any { return len(p.Approval.Rules) }, 0},
		"days and weeks are durations":        {"environments: {p: {soak: 1w2d3h}}", func(p *policy.Policy) any { return time.Duration(p.Environments[0].Soak) }, 219 * time.Hour},
		"a tree of rules":                     {"approval: {rules: [{name: a}, {name: b}], satisfy: {any: [a, {all: [b]}]}}", func(p *policy.Policy) any { return p.Approval.Satisfy.Any[1].All[0].Rule }, "b"},
		"satisfy all is the zero value":       {"approval: {satisfy: all}", func(p *policy.Policy) any { return p.Approval.Satisfy }, policy.Satisfy{}},
		"a byte order mark does not matter":   {"\ufeffversion: 1", func(p *policy.Policy) any { return p.Version }, 1},
		"line ends of Windows do not matter":  {"version: 1\r\nchangelog:\r\n  mode: advise\r\n", func(p *policy.Policy) any { return p.Changelog.Mode }, policy.Advise},
		"a calendar version":                  {"tagging: {scheme: 'calver:YYYY.0M.MICRO'}", func(p *policy.Policy) any { return p.Tagging.Scheme }, "calver:YYYY.0M.MICRO"},
		"a regular expression beside a name":  {"tagging: {scheme: regexp, pattern: 'r([0-9]+)'}", func(p *policy.Policy) any { return p.Tagging.Pattern }, "r([0-9]+)"},
		"a pattern for one component":         {"tagging: {pattern: 'r([0-9]+)', components: [{name: a, paths: [a], scheme: regexp}]}", func(p *policy.Policy) any { return p.Tagging.Components[0].Scheme }, "regexp"},
		"codeowners alone asks nobody else":   {"approval: {rules: [{from: {codeowners: true}}]}", func(p *policy.Policy) any { return p.Approval.Rules[0].From }, policy.From{Codeowners: true}},
		"an environment asks for what it has": {"environments: {p: {}}", func(p *policy.Policy) any { return p.Environments[0].Lineage }, policy.Off},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.got(load(t, repository(c.text)).Layers[0]); !reflect.DeepEqual(got, c.want) {
				t.Errorf("Load(%q): got %#v, want %#v", c.text, got, c.want)
			}
		})
	}
}

// TestLoadProblems has one row per thing that is refused: where, and in which words.
func TestLoadProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"an unknown key":                     {"version: 1\nchangelgo: {}\n", `2:1: unknown key "changelgo"; did you mean "changelog"?`},
		"an unknown key inside":              {"changelog:\n  exempt:\n    path: [x]\n", `3:5: unknown key "path" in changelog.exempt; did you mean "paths"?`},
		"a key like none":                    {"override: {zzzzz: 1}", `1:12: unknown key "zzzzz" in override; known are by, checks, people, self, lasts`},
		"a mode like none":                   {"changelog: {mode: enforced}", `1:19: changelog.mode must be enforce, advise, observe or off, not "enforced"; did you mean "enforce"?`},
		"false for off":                      {"changelog: {mode: false}", `1:19: changelog.mode must be enforce, advise, observe or off, not "false"`},
		"yes for true":                       {"tagging: {signed: yes}", `1:19: tagging.signed must be true or false, not "yes"`},
		"a word for a list":                  {"changelog:\n  files: CHANGELOG.md", `2:10: changelog.files must be a list, not "CHANGELOG.md": write [CHANGELOG.md]`},
		"a number for a word":                {"approval: {rules: [{name: 7}]}", `1:27: approval.rules[0].name must be text: put it in quotes, "7"`},
		"a key without value":                {"approval:\n  stale:\n", `2:9: approval.stale has no value; leave the key out for its default`},
		"a list for a mapping":               {"changelog: [a]", `1:12: changelog must be a mapping of keys to values, not a list`},
		"a list at the top":                  {"- a", `1:1: the policy must be a mapping of keys to values, not a list`},
		"a word at the top":                  {"hello", `1:1: the policy must be a mapping of keys to values, not "hello"`},
		"a key twice":                        {"changelog: {mode: off}\nchangelog: {mode: enforce}", `2:1: "changelog" is given twice, first in line 1`},
		"an anchor":                          {"changelog: &a {mode: off}", `1:12: anchors are not allowed in a policy; write the value out`},
		"an alias":                           {"roles: {a: {users: &x [b]}, c: {users: *x}}", `1:20: anchors are not allowed`},
		"a merge key":                        {"changelog:\n  <<: {mode: off}", `2:3: merge keys (<<) are not allowed`},
		"a tag":                              {"changelog: {mode: !!str off}", `1:19: the tag "!!str" is not allowed`},
		"a second document":                  {"version: 1\n---\nversion: 1\n", `a second document begins here`},
		"broken YAML":                        {"version: 1\nchangelog: [\n", `this is not YAML`},
		"a tab":                              {"changelog:\n\tmode: off", `2:1: this is not YAML`},
		"deep nesting":                       {"roles: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), `nested more than 24 deep`},
		"a wrong version":                    {"version: 2", `1:10: version must be 1, not 2`},
		"a count of none":                    {"approval: {rules: [{count: 0}]}", `1:28: approval.rules[0].count must be from 1 to 100, not 0`},
		"a count below none":                 {"approval: {rules: [{count: -1}]}", `must be from 1 to 100, not -1`},
		"a permission like none":             {"override: {by: {permission: amdin}}", `did you mean "admin"?`},
		"a team without organisation":        {"override: {by: {teams: [dba]}}", `must be a team as organisation/slug, such as acme/operations, not "dba"`},
		"a login with @":                     {"override: {by: {users: ['@ana']}}", `must be a login such as octocat or dependabot[bot], without @`},
		"a pattern that is none":             {"changelog: {fragments: ['a[']}", `must be a path pattern`},
		"a pattern from the root":            {"changelog: {fragments: ['/a/*']}", `must not begin with a slash: patterns start at the repository's root, so write "a/*"`},
		"a pattern for a folder":             {"changelog: {exempt: {paths: [docs/]}}", `for all within the folder write "docs/**"`},
		"a pattern that excludes":            {"changelog: {exempt: {paths: ['!docs/**']}}", `must not begin with !`},
		"a pattern that climbs":              {"changelog: {exempt: {paths: ['../x']}}", `must not hold the parts . or ..`},
		"a slow pattern of stars":            {"changelog: {exempt: {paths: ['" + strings.Repeat("*a", 20) + "']}}", `must be simpler`},
		"a slow pattern of braces":           {"changelog: {exempt: {paths: ['" + strings.Repeat("{a,b}", 7) + "']}}", `must be simpler`},
		"braces inside braces":               {"changelog: {exempt: {paths: ['{a,{b,c}}']}}", `must be simpler`},
		"a long pattern":                     {"changelog: {exempt: {paths: ['" + strings.Repeat("a", 600) + "']}}", `must be at most 512 bytes long`},
		"a broken regular expression":        {"approval: {rules: [{when: {title: '('}}]}", `must be a regular expression (RE2): missing closing )`},
		"a duration without unit":            {"environments: {p: {soak: '15'}}", `must be a duration such as 15m, 4h, 2d or 1w, not "15"`},
		"a number for a duration":            {"environments: {p: {soak: 15}}", `must be text: put it in quotes`},
		"a time zone like none":              {"environments: {p: {windows: [{timezone: Europe/Berlni}]}}", `must be a time zone such as Europe/Berlin or UTC`},
		"an hour that is none":               {"environments: {p: {windows: [{from: '9:00'}]}}", `must be a time of day such as 09:00, not "9:00"`},
		"a window past midnight":             {"environments: {p: {windows: [{from: '22:00', to: '06:00'}]}}", `must be later than from; for a window past midnight write two`},
		"a window without days":              {"environments: {p: {windows: [{days: []}]}}", `names no day`},
		"a date that is none":                {"environments: {p: {freezes: [{from: 2026-02-30, to: 2026-03-01}]}}", `must be a date such as 2026-12-18`},
		"a freeze that ends before it began": {"environments: {p: {freezes: [{from: 2026-03-02, to: 2026-03-01}]}}", `is before from`},
		"an automatic one with none before":  {"environments: {p: {deploy: automatic}}", `1:20: environments.p.deploy is automatic, which means by the environment before it turning well: name that under after`},
		"going back by what is not asked":    {"environments: {p: {rollback: automatic}}", `1:20: environments.p.rollback is automatic, which means by a status of verify turning red`},
		"a way back that is none":            {"environments: {p: {rollback: always}}", `must be by-request or automatic, not "always"`},
		"a lane for everything":              {"environments: {p: {soak: 1h, hotfix: {soak: 1m}}}", `environments.p.hotfix needs when`},
		"a lane that is slower":              {"environments: {p: {soak: 1m, hotfix: {when: {labels: [h]}, soak: 1h}}}", `hotfix.soak is 1h, longer than the soak of 1m`},
		"a lane whose rule is nobody's":      {"environments: {p: {hotfix: {when: {labels: [h]}, approval: [{from: {roles: [x]}}]}}}", `hotfix.approval[0].from.roles[0] names the role "x"`},
		"a lane whose rules go in a circle":  {"environments: {p: {hotfix: {when: {labels: [h]}, approval: [{name: a, after: a}]}}}", `goes in a circle`},
		"a lane by who contributed":          {"environments: {p: {hotfix: {when: {contributors: [a]}}}}", `unknown key "contributors" in environments.p.hotfix.when`},
		"one environment in two cases":       {"environments: {prod: {}, Prod: {}}", `environments.Prod is "prod" in another case`},
		"a line like none":                   {"environments: {p: {modes: {windows: off}}}", `unknown key "windows" in environments.p.modes; did you mean "window"?`},
		"a line's mode like none":            {"environments: {p: {modes: {window: of}}}", `environments.p.modes.window must be enforce, advise, observe or off`},
		"a freeze without dates":             {"environments: {p: {freezes: [{reason: x}]}}", `1:30: environments.p.freezes[0] needs from and to, or a calendar`},
		"a freeze by dates and a calendar":   {"environments: {p: {freezes: [{calendar: a.ics, from: 2026-03-02}]}}", `1:31: environments.p.freezes[0].calendar says when by itself`},
		"a calendar in the clear":            {"environments: {p: {freezes: [{calendar: 'http://cal.example/a.ics'}]}}", `must be an https URL, so that nobody on the way`},
		"a calendar with a password":         {"environments: {p: {freezes: [{calendar: 'https://a:b@cal.example/a.ics'}]}}", `without a name, a password`},
		"a calendar by another scheme":       {"environments: {p: {freezes: [{calendar: 'file:///etc/passwd'}]}}", `must be an https URL`},
		"a calendar outside the repository":  {"environments: {p: {freezes: [{calendar: ../a.ics}]}}", `a path from the repository's root`},
		"a calendar from the root":           {"environments: {p: {freezes: [{calendar: /a.ics}]}}", `a path from the repository's root`},
		"a scheme like none":                 {"tagging: {scheme: semvar}", `did you mean "semver"?`},
		"a calendar version without year":    {"tagging: {scheme: 'calver:MM.MICRO'}", `year`},
		"a calendar version with a word":     {"tagging: {scheme: 'calver:YYYY.FOO'}", `calver format`},
		"a regexp without pattern":           {"tagging: {scheme: regexp}", `tagging.scheme is regexp, so tagging.pattern must say`},
		"a regexp without groups":            {"tagging: {scheme: regexp, pattern: 'r[0-9]+'}", `needs one to 10 groups`},
		"a pattern without regexp":           {"tagging: {pattern: x}", `tagging.pattern is for scheme: regexp alone`},
		"a tag without version":              {"tagging: {tag: v1}", `with {version} in it once`},
		"a tag that Git refuses":             {"tagging: {tag: 'v {version}'}", `a name that Git allows for a tag`},
		"two components with one tag":        {"tagging: {components: [{name: a, paths: [a], tag: 'x{version}'}, {name: b, paths: [b], tag: 'x{version}'}]}", `their tags could not be told apart`},
		"a component without paths":          {"tagging: {components: [{name: a}]}", `needs paths`},
		"a rule after an unknown one":        {"approval: {rules: [{name: review}, {name: b, after: [reviw]}]}", `approval.rules[1].after[0] names the rule "reviw", which does not exist; did you mean "review"?`},
		"rules in a circle":                  {"approval: {rules: [{name: a, after: b}, {name: b, after: a}]}", `goes in a circle`},
		"comments on any commit":             {"approval: {rules: [{comments: [lgtm]}]}", `approval.rules[0].comments count with stale: never alone`},
		"comments, staleness said once":      {"approval: {stale: never, rules: [{comments: [lgtm], stale: commit}]}", `approval.rules[0].comments count with stale: never alone`},
		"a comment that is no pattern":       {"approval: {stale: never, rules: [{comments: ['(']}]}", `approval.rules[0].comments[0] must be a regular expression`},
		"no means of approval":               {"approval: {rules: [{reviews: none}]}", `so nobody could approve`},
		"words of reviews that do not count": {"approval: {stale: never, rules: [{reviews: none, comments: [a], review-text: [a]}]}", `review-text has no meaning with reviews: none`},
		"an automatic rule that counts":      {"approval: {rules: [{automatic: true, count: 2}]}", `asks nobody, so count and from have no meaning`},
		"needs of an environment's rule":     {"environments: {p: {approval: [{needs: {labels: [a]}}]}}", `unknown key "needs" in environments.p.approval[0]`},
		"contributors before an environment": {"environments: {p: {approval: [{when: {contributors: [a]}}]}}", `unknown key "contributors"`},
		"an unknown role as contributor":     {"approval: {rules: [{when: {contributors: {roles: [a]}}}]}", `names the role "a", which does not exist`},
		"an unknown role that objects":       {"approval: {objections: {from: {roles: [a]}}}", `approval.objections.from.roles[0] names the role "a"`},
		"an unknown role among needs":        {"approval: {rules: [{needs: {authors: {roles: [a]}}}]}", `approval.rules[0].needs.authors.roles[0] names the role "a"`},
		"a word like unmatched":              {"approval: {unmatched: fail}", `approval.unmatched must be pass or wait, not "fail"`},
		"two rules with one name":            {"approval: {rules: [{name: a}, {name: a}]}", `approval.rules[1].name is "a", as is that of approval.rules[0]`},
		"an unknown role":                    {"approval: {rules: [{from: {roles: [owner]}}]}\nroles: {owners: {users: [a]}}", `names the role "owner", which does not exist; did you mean "owners"?`},
		"a role of roles":                    {"roles: {a: {users: [x]}, b: {roles: [a]}}", `a role names people and teams, not other roles`},
		"a role of nobody":                   {"roles: {a: {}}", `roles.a names nobody`},
		"a tree with an unknown rule":        {"approval: {rules: [{name: a}], satisfy: {any: [a, b]}}", `names the rule "b", which does not exist`},
		"a tree that leaves a rule out":      {"approval: {rules: [{name: a}, {name: b}], satisfy: {any: [a]}}", `("b") is not in approval.satisfy, so it would never count`},
		"an empty branch":                    {"approval: {rules: [{name: a}], satisfy: {any: []}}", `must be a list of at least one rule`},
		"environments in a circle":           {"environments: {a: {after: b}, b: {after: a}}", `goes in a circle`},
		"an environment after nothing":       {"environments: {production: {after: stagin}, staging: {}}", `names the environment "stagin", which does not exist; did you mean "staging"?`},
		"a name with a control character":    {"environments: {\"a\\u202eb\": {}}", `must not hold control or direction characters`},
		"a house rule called changelog":      {"checks: [{name: changelog, rule: 'true'}]", `that is the name of a check of Sluice's own`},
		"a house rule in capitals":           {"checks: [{name: Small, rule: 'true'}]", `must be lower-case words joined by -`},
		"a house rule without rule":          {"checks: [{name: small}]", `checks[0] needs a rule`},
		"two house rules with one name":      {"checks: [{name: a, rule: 'true'}, {name: a, rule: 'true'}]", `checks[1].name is "a"`},
		"a misspelt field":                   {"checks:\n  - name: a\n    rule: change.aditions > 1\n", `3:17: checks[0].rule: the facts have nothing called "aditions"; did you mean "additions"?`},
		"a misspelt field in quotes":         {"checks:\n  - name: a\n    rule: \"change.aditions > 1\"\n", `3:18: checks[0].rule`},
		"a misspelt field in a block":        {"checks:\n  - name: a\n    rule: |\n      true &&\n      change.aditions > 1\n", `5:13: checks[0].rule`},
		"an expression that is no condition": {"checks: [{name: a, rule: 1 + 1}]", `must be true or false`},
		"an unclosed message":                {"checks: [{name: a, rule: 'true', message: 'see {{change.author'}]", `{{ is not closed by }}`},
		"an override of nothing":             {"override: {checks: [changelogs]}", `names the check "changelogs", which does not exist; did you mean "changelog"?`},
		"three people":                       {"override: {people: 3}", `must be from 1 to 2, not 3`},
		"an override for ever":               {"override: {lasts: forever}", `must be commit or a duration such as 2h or 1d`},
		"required in a repository":           {"required: {changelog: {}}", `required: belongs to the organisation's policy`},
		"a size that is none":                {"approval: {rules: [{when: {size: big}}]}", `must be a bound on lines such as "> 500"`},
		"not UTF-8":                          {"changelog:\n  \xff: 1", `2:3: the policy is not UTF-8 here`},
		"larger than 1 MB":                   {strings.Repeat("# comment\n", 1<<17), `1:1: the policy is larger than 1 MB`},
		"a host with a scheme":               {"config-separation: {hosts: ['https://a.b']}", `without scheme and path`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := policy.Load(repository(c.text))
			var problems policy.Problems
			if !errors.As(err, &problems) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Load(%.200q)\n got %v\nwant %s", c.text, err, c.want)
			}
			for _, p := range problems {
				if p.File != ".sluice.yml" || p.Line < 1 || p.Column < 1 {
					t.Errorf("Load(%.200q) gives a problem without a place: %+v", c.text, p)
				}
			}
		})
	}
}

func TestLoadTellsAllProblemsInOrder(t *testing.T) {
	t.Parallel()
	_, err := policy.Load(repository("changelog: {mode: no}\ntagging:\n  bump: x\n  bmup: y\n"))
	want := strings.Join([]string{
		`.sluice.yml:1:19: changelog.mode must be enforce, advise, observe or off, not "no"`,
		`.sluice.yml:3:9: tagging.bump must be inferred or declared, not "x"`,
		`.sluice.yml:4:3: unknown key "bmup" in tagging; did you mean "bump"?`,
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("Load = %v\nwant %s", err, want)
	}
	var problems policy.Problems
	if errors.As(err, &problems) && problems.First().Line != 1 {
		t.Errorf("First() = %+v, want line 1", problems.First())
	}
	var many strings.Builder
	for i := range 400 {
		fmt.Fprintf(&many, "key%d: 1\n", i)
	}
	if _, err := policy.Load(repository(many.String())); !errors.As(err, &problems) || len(problems) > 51 {
		t.Errorf("Load(400 unknown keys) gives %d problems, want at most 51", len(problems))
	}
}

func TestLoadKinds(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"symlink": "symbolic link", "binary": "binary", "submodule": "submodule", "lfs": "LFS", "encoding": "UTF-8", "large": "1 MB", "else": "cannot be read"} {
		s := repository("")
		s.Kind = kind
		if _, err := policy.Load(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(a policy of kind %s) = %v, want an error with %q", kind, err, want)
		}
	}
}

func TestGivenStandsForTheRepository(t *testing.T) {
	t.Parallel()
	given := policy.Source{Origin: policy.Given, Name: "mine.yml", Text: "changelog: {mode: advise}"}
	set := load(t, repository("changelog: {mode: off}"), organisation("required: {tagging: {}}"), given)
	if got := set.Layers[0].Changelog.Mode; got != policy.Advise || len(set.Layers) != 2 {
		t.Errorf("Load(repository, organisation, given) has mode %s in %d layers, want advise in 2", got, len(set.Layers))
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	a, b := repository("version: 1"), repository("version: 1")
	b.Commit = "abc"
	if policy.Digest(a) != policy.Digest(b) {
		t.Error("Digest depends on the commit, want it not to")
	}
	b.Name = "other"
	if policy.Digest(a) == policy.Digest(b) || policy.Digest(a) == policy.Digest(organisation("version: 1")) || policy.Digest() == policy.Digest(a) {
		t.Error("Digest is the same for different sources")
	}
	if got := load(t, a).Digest; got != policy.Digest(a) {
		t.Errorf("Load.Digest = %s, want %s", got, policy.Digest(a))
	}
}

func TestRule(t *testing.T) {
	t.Parallel()
	p := load(t, repository(read(t, "testdata/full.yml"))).Layers[0]
	for path, want := range map[string]string{
		"changelog.exempt":                    ".sluice.yml:13 changelog.exempt",
		"changelog.exempt.paths[1]":           ".sluice.yml:14 changelog.exempt.paths[1]",
		"changelog.mode":                      ".sluice.yml:10 changelog.mode",
		"approval.rules[1].count":             ".sluice.yml:35 approval.rules[1].count",
		"approval.rules[2].count":             ".sluice.yml:38 approval.rules[2].count",
		"environments.production.windows[0]":  ".sluice.yml:70 environments.production.windows[0]",
		"config-separation.environments.none": ".sluice.yml:19 config-separation.environments.none",
	} {
		if got := p.Rule(path); got != want {
			t.Errorf("Rule(%s) = %q, want %q", path, got, want)
		}
	}
	if got := policy.Defaults().Rule("changelog"); got != "default changelog" {
		t.Errorf("Defaults().Rule(changelog) = %q, want default changelog", got)
	}
}

func FuzzLoad(f *testing.F) {
	for _, s := range []string{
		"version: 1", "changelog: {mode: off}", "a: &a [*a]", "approval: {satisfy: {any: [a]}}", "checks: [{name: a, rule: 'true', message: '{{1}}'}]",
		"environments: {p: {windows: [{from: '09:00'}]}}", "required: {approval: {}}", "? {a: b}\n: c", "\"a\\u0000b\": 1", "a: |\n  b\n---\n", "tagging: {scheme: 'calver:YYYY'}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range []policy.Source{repository(text), organisation(text)} {
			set, err := policy.Load(s)
			var problems policy.Problems
			if err != nil && (!errors.As(err, &problems) || len(problems) == 0) {
				t.Fatalf("Load(%q) = %v, want Problems", text, err)
			}
			if err == nil {
				for _, p := range set.Layers {
					policy.Render(p)
				}
				if _, err := policy.Load(repository(policy.Render(set.Layers[0]))); err != nil && s.Origin == policy.Repository {
					t.Errorf("Render(Load(%q)) does not load: %v", text, err)
				}
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	small := "version: 1\nchangelog: {exempt: {paths: [docs/**]}}\n"
	var large strings.Builder
	large.WriteString("checks:\n")
	for i := range 900 {
		fmt.Fprintf(&large, "  - {name: rule-%d, rule: \"change.additions < %d\", message: \"%s\"}\n", i, i, strings.Repeat("word ", 200))
	}
	for name, text := range map[string]string{"ordinary": small, "1MB": large.String()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := policy.Load(repository(text)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
