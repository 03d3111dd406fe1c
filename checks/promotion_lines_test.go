package checks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

// chain is the policy of the tests: development, integration, production.
const chain = `
environments:
  development: {deploy: on-merge}
  integration: {after: development, deploy: automatic, soak: 15m, verify: [smoke-tests]}
  production:
    after: integration
    statuses: [build, e2e]
    approval: [{name: release manager, from: {teams: [acme/operations]}}]
    separate: [author]
    windows: [{days: [tue, thu], from: "09:00", to: "16:00", timezone: Europe/Berlin}]
    freezes: [{from: 2026-12-18, to: 2027-01-04, reason: year end, timezone: Europe/Berlin}]
    interval: 4h
    lineage: enforce
    changes: enforce
    release: enforce
`

// noon is a Tuesday in Berlin, within the window.
var noon = time.Date(2026, 12, 1, 11, 0, 0, 0, time.UTC)

const (
	candidate = "c0ffee0000000000000000000000000000000000"
	living    = "11fe000000000000000000000000000000000000"
)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

// promotable are facts of a promotion to production under chain in which every line passes.
func promotable() *Facts {
	return &Facts{
		At:         noon,
		Subject:    Subject{Forge: "github", Repo: "acme/shop", Kind: KindPromotion, Environment: "production", Commit: candidate},
		Repository: Repository{Name: "acme/shop", Default: "main", URL: "https://github.com/acme/shop"},
		Promotion: &Promotion{
			ID: "9", Environment: "production", Commit: candidate, Branch: "main", OnBranch: true, How: ByCommand, Requester: ana, Requested: ago(time.Hour),
			Origin: &Origin{Known: true,
				Change: &Change{Number: 7, Title: "Sell more", Author: mal, Base: Ref{Name: "main"}, Head: Ref{Name: "more", Commit: "c2"}, CommitCount: 1, ChangedFiles: 1,
					Labels: []Label{{Name: "Hotfix", By: &bo}}},
				Commits: []Commit{{ID: "c2", Author: mal, Committer: mal}}, Files: []File{{Path: "src/shop.go", Status: "modified"}}},
			Approvals:   []Saying{{By: bo, At: ago(30 * time.Minute)}},
			Deployments: []Deployment{{ID: 5, Commit: living, At: ago(24 * time.Hour), State: "success", Live: ago(23 * time.Hour)}},
			Before:      &Stage{Environment: "integration", State: "verified", Live: ago(2 * time.Hour)},
			Between:     []Carried{{Commit: candidate, Title: "Sell more", Author: mal, Change: 7, Patch: "p1"}},
		},
		Tags:   []Tag{{Name: "v1.3.0", Commit: candidate, Annotated: true}, {Name: "v1.2.0", Commit: living, Annotated: true}},
		Paths:  []string{"CHANGELOG.md", "config/development.yml", "config/production.yml", "src/shop.go"},
		Listed: true,
		Texts: []Text{
			{Side: Head, Path: "CHANGELOG.md", Text: "# Changelog\n\n## [1.3.0] - 2026-12-01\n\n### Added\n\n- More.\n\n## [1.2.0] - 2026-11-01\n\n- Less.\n"},
			{Side: Head, Path: "config/development.yml", Text: "url: http://localhost\nretries: 1\n"},
			{Side: Head, Path: "config/production.yml", Text: "url: https://shop\nretries: 3\n"},
		},
		Statuses: []Status{{Name: "build", State: "success", At: ago(3 * time.Hour)}, {Name: "e2e", State: "success", At: ago(3 * time.Hour)}},
		People: map[int64]Person{
			1: {ID: 1, Login: "ana", Permission: "write"}, 2: {ID: 2, Login: "bo", Permission: "write"}, 3: {ID: 3, Login: "cid", Permission: "maintain"},
			5: {ID: 5, Login: "eve", Permission: "read"}, 9: {ID: 9, Login: "mal", Permission: "admin"},
		},
		Teams: map[string]Group{"acme/operations": {Members: []int64{2, 3, 9}, Complete: true}},
	}
}

func policies(t *testing.T, texts ...string) *policy.Set {
	t.Helper()
	var sources []policy.Source
	for i, text := range texts {
		origin, name := policy.Repository, ".sluice.yml"
		if i == 1 {
			origin, name = policy.Organisation, "acme/.github:sluice.yml"
		}
		if text != "" {
			sources = append(sources, policy.Source{Origin: origin, Name: name, Text: text})
		}
	}
	set, err := policy.Load(sources...)
	if err != nil {
		t.Fatalf("Load(%q): %v", texts, err)
	}
	return set
}

// lineCase is one promotion that differs from the promotable one.
type lineCase struct {
	policy string // more keys of production, or a whole policy that begins with "environments:"
	floor  string
	facts  func(*Facts, *Promotion)
	want   Outcome
	says   string    // part of what the verdict says
	until  time.Time // of the verdict
}

func (c lineCase) judge(t *testing.T) ([]Verdict, *Facts) {
	t.Helper()
	text := chain
	switch {
	case strings.HasPrefix(c.policy, "environments:"):
		text = c.policy
	case c.policy != "":
		text = replaced(chain, c.policy)
	}
	f := promotable()
	if c.facts != nil {
		c.facts(f, f.Promotion)
	}
	return JudgePromotion(policies(t, text, c.floor), f), f
}

// replaced is the policy with lines of production in place of those with the same key.
func replaced(policy, lines string) string {
	for _, l := range strings.Split(lines, "\n") {
		key, _, _ := strings.Cut(strings.TrimSpace(l), ":")
		head, tail, _ := strings.Cut(policy, "  production:\n")
		var kept []string
		for _, old := range strings.Split(tail, "\n") {
			if !strings.HasPrefix(strings.TrimSpace(old), key+":") {
				kept = append(kept, old)
			}
		}
		policy = head + "  production:\n    " + strings.TrimSpace(l) + "\n" + strings.Join(kept, "\n")
	}
	return policy
}

func allOfIt(v Verdict) string {
	all := v.Reason + "\n" + v.Rule
	for _, x := range v.Findings {
		all += "\n" + x.What + "\n" + x.How + "\n" + x.Rule
	}
	return all
}

// runLines judges each case and looks at one line.
func runLines(t *testing.T, line string, cases map[string]lineCase) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdicts, _ := c.judge(t)
			i := slices.IndexFunc(verdicts, func(v Verdict) bool { return v.Check == line })
			if i < 0 {
				t.Fatalf("JudgePromotion has no line %s", line)
			}
			v := verdicts[i]
			if v.Outcome != c.want || !strings.Contains(allOfIt(v), c.says) || !v.Until.Equal(c.until) {
				t.Errorf("%s = %v until %v: %s\nwant %v until %v: %q", line, v.Outcome, v.Until, allOfIt(v), c.want, c.until, c.says)
			}
			for _, x := range v.Findings {
				if x.Outcome == Wait && x.Who == "" && x.Until.IsZero() {
					t.Errorf("%s waits (%s) and names nobody who cures it, and no time", line, x.What)
				}
			}
			if len([]rune(v.Reason)) > 140 || v.Reason == "" {
				t.Errorf("%s says %q (%d runes), want a sentence within 140", line, v.Reason, len([]rune(v.Reason)))
			}
		})
	}
}

func TestEveryLinePasses(t *testing.T) {
	t.Parallel()
	verdicts, _ := lineCase{}.judge(t)
	want := strings.Fields("tagging changelog config-separation approval statuses after verify soak window freeze lock interval lineage changes")
	if got := LineNames(); !slices.Equal(got, want) {
		t.Errorf("LineNames() = %v, want %v", got, want)
	}
	for i, v := range verdicts {
		if v.Check != want[i] || v.Outcome != Pass || v.Blocks() || v.Rule == "" || !v.Until.IsZero() {
			t.Errorf("line %d = %s %v (%s, %s), want %s to pass by a rule", i, v.Check, v.Outcome, v.Reason, v.Rule, want[i])
		}
	}
}

// What the facts do not hold is never a pass where the policy asks for it.
func TestNothingKnownOpensNothing(t *testing.T) {
	t.Parallel()
	f := &Facts{At: noon, Promotion: &Promotion{Environment: "production", Commit: candidate, How: ByCommand}}
	for _, v := range JudgePromotion(policies(t, chain), f) {
		if free := v.Check == "window" || v.Check == "freeze" || v.Check == "lock" || v.Check == "interval" || v.Check == "lineage" || v.Check == "changes"; !free && !v.Blocks() {
			t.Errorf("%s = %v %s, want it shut with no facts", v.Check, v.Outcome, v.Reason)
		}
	}
	for _, part := range []string{"tags", "paths", "people", "statuses", "deployments", "lacks", "between"} {
		verdicts, _ := lineCase{facts: func(f *Facts, p *Promotion) {
			f.Gaps = []Gap{{part, "GitHub answered 502."}}
			f.Tags, f.Paths, f.Listed, f.People, f.Teams, f.Statuses, p.Deployments = nil, nil, false, nil, nil, nil, nil
		}}.judge(t)
		if !slices.ContainsFunc(verdicts, func(v Verdict) bool { return v.Outcome == Unknown }) && part != "lacks" && part != "between" {
			t.Errorf("with a gap in %s no line is unknown: %v", part, verdicts)
		}
	}
}

func TestUnguardedEnvironmentIsNeverOpen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		texts []string
		env   string
	}{
		"one that no policy names":                {[]string{chain}, "staging"},
		"one that is switched off":                {[]string{"environments: {production: {mode: off}}"}, "production"},
		"one that the floor alone switches off":   {[]string{"version: 1", "required: {environments: {production: {mode: off}}}"}, "production"},
		"facts of a change, without a promotion":  {[]string{chain}, ""},
		"no policy anywhere":                      {nil, "production"},
		"one whose name looks like another's one": {[]string{chain}, "production "},
	} {
		f := promotable()
		if f.Promotion.Environment = c.env; c.env == "" {
			f.Promotion = nil
		}
		for _, v := range JudgePromotion(policies(t, c.texts...), f) {
			if v.Outcome != Unknown || !v.Blocks() {
				t.Errorf("%s: %s = %v, want unknown", name, v.Check, v.Outcome)
			}
		}
	}
}

func TestModesOfLines(t *testing.T) {
	t.Parallel()
	red := func(f *Facts, p *Promotion) { f.Statuses = nil }
	runLines(t, "statuses", map[string]lineCase{
		"enforced":                      {facts: red, want: Wait, says: ".sluice.yml:"},
		"advised":                       {policy: "modes: {statuses: advise}", facts: red, want: Advise},
		"observed":                      {policy: "modes: {statuses: observe}", facts: red, want: Wait},
		"switched off":                  {policy: "modes: {statuses: off}", facts: red, want: Skip, says: "Switched off by the policy."},
		"the whole environment advised": {policy: "mode: advise", facts: red, want: Advise},
		"a line is never stricter than the whole":   {policy: "mode: advise\nmodes: {statuses: enforce}", facts: red, want: Advise},
		"a floor asks what the repository does not": {policy: "environments: {production: {}}", floor: "required: {environments: {production: {statuses: [scan]}}}", want: Wait, says: "scan was not told"},
		"a floor stays where the repository switches off": {policy: "modes: {statuses: off}", floor: "required: {environments: {production: {statuses: [scan]}}}",
			want: Wait, says: "acme/.github:sluice.yml:1 required.environments.production.statuses[0]"},
		"a floor in another case is the same environment": {floor: "required: {environments: {Production: {statuses: [scan]}}}", want: Wait, says: "scan was not told"},
		"a floor that gives other keys asks for none":     {floor: "required: {environments: {production: {interval: 1h}}}", want: Pass},
		"a floor that switches off what it gives":         {floor: "required: {environments: {production: {statuses: [scan], modes: {statuses: off}}}}", want: Pass, says: "Green"},
		"the floor alone guards":                          {policy: "environments: {}", floor: "required: {environments: {production: {interval: 1h}}}", want: Pass, says: "No status has to be green"},
	})
	runLines(t, "approval", map[string]lineCase{
		"where the repository is switched off the floor guards with its defaults": {policy: "environments: {production: {mode: off}}", floor: "required: {environments: {production: {interval: 1h}}}",
			facts: func(f *Facts, p *Promotion) { p.Requester = eve }, want: Wait, says: "eve may not deploy to production"},
		"a floor's deployers bind beside the repository's": {floor: "required: {environments: {production: {deployers: {users: [bo]}}}}", want: Wait, says: "ana may not deploy"},
		"a floor without deployers binds nobody more": {policy: "deployers: {users: [eve]}", floor: "required: {environments: {production: {interval: 1h}}}",
			facts: func(f *Facts, p *Promotion) { p.Requester = eve }, want: Pass},
		"a floor's separation that advises binds nobody else's": {policy: "separate: []", floor: "required: {environments: {production: {separate: [author], modes: {approval: advise}}}}",
			facts: func(f *Facts, p *Promotion) { p.Approvals[0].By = mal }, want: Pass},
		"a floor's separation binds the repository's rules": {policy: "separate: []", floor: "required: {environments: {production: {separate: [author]}}}",
			facts: func(f *Facts, p *Promotion) { p.Approvals[0].By = mal }, want: Wait, says: "is the author"},
	})
}

func TestWhenAVerdictMayChangeByItself(t *testing.T) {
	t.Parallel()
	later := func(d time.Duration) time.Time { return noon.Add(d) }
	for name, c := range map[string]struct {
		findings []Finding
		want     time.Time
	}{
		"the last of several":              {[]Finding{{Until: later(1)}, {Until: later(3)}, {Until: later(2)}}, later(3)},
		"never where somebody is needed":   {[]Finding{{Until: later(1)}, {}}, time.Time{}},
		"not by what is advised":           {[]Finding{{Until: later(1)}, {Mode: policy.Advise}}, later(1)},
		"not by what is observed":          {[]Finding{{Until: later(1)}, {Mode: policy.Observe, Until: later(9)}}, later(1)},
		"not at all when it lets through":  {[]Finding{{Outcome: Pass}}, time.Time{}},
		"not at all when all is observed":  {[]Finding{{Mode: policy.Observe, Until: later(9)}}, time.Time{}},
		"never where nothing can cure it":  {[]Finding{{Until: later(1)}, {Outcome: Fail}}, time.Time{}},
		"never where it could not be read": {[]Finding{{Until: later(1)}, {Outcome: Unknown}}, time.Time{}},
	} {
		if got := conclude("x", c.findings, "", "").until(); !got.Equal(c.want) {
			t.Errorf("%s: until() = %v, want %v", name, got, c.want)
		}
	}
}

// The lines only read: the same facts give the same verdicts, and are what they were.
func TestJudgingPromotionsIsPure(t *testing.T) {
	t.Parallel()
	sets := []*policy.Set{
		policies(t, chain),
		policies(t, replaced(chain, "hotfix: {when: {labels: [hotfix]}, approval: [{name: one}]}\nseparate: [author, contributors, requester]"),
			"required: {environments: {production: {release: enforce, approval: [{name: floor}], windows: [{days: [mon]}]}}}"),
	}
	for i, change := range []func(*Facts, *Promotion){
		func(*Facts, *Promotion) {},
		func(f *Facts, p *Promotion) { p.Origin = nil },
		func(f *Facts, p *Promotion) { p.How, p.Rolls = Rollback, ago(time.Hour) },
		func(f *Facts, p *Promotion) {
			p.Lacks = []Carried{{Commit: living, Title: "Fix"}}
			p.Approvals = append(p.Approvals, Saying{By: cid, Reject: true, Reason: "no"})
			f.Gaps = []Gap{{"people", "x"}}
		},
	} {
		f := promotable()
		change(f, f.Promotion)
		before, _ := json.Marshal(f)
		for j, set := range sets {
			first, _ := json.Marshal(JudgePromotion(set, f))
			AskForPromotion(set, f)
			second, _ := json.Marshal(JudgePromotion(set, f))
			var stored Facts
			if err := json.Unmarshal(before, &stored); err != nil {
				t.Fatal(err)
			}
			replayed, _ := json.Marshal(JudgePromotion(set, &stored))
			if string(first) != string(second) || string(first) != string(replayed) {
				t.Errorf("facts %d under policy %d:\n%s\n%s\n%s", i, j, first, second, replayed)
			}
		}
		if after, _ := json.Marshal(f); string(after) != string(before) {
			t.Errorf("facts %d were changed by judging:\n%s\n%s", i, before, after)
		}
	}
}

// Nothing that a forge tells gets into a sentence as it is.
func TestPromotionSentencesAreTame(t *testing.T) {
	t.Parallel()
	const evil = "x\u202e\x1b[31m\n# y"
	verdicts, _ := lineCase{facts: func(f *Facts, p *Promotion) {
		p.Locks = []Lock{{By: Person{ID: 1, Login: evil}, Reason: evil}}
		p.Lacks = []Carried{{Commit: living, Title: evil, Author: Person{Name: evil}}}
		p.Between = []Carried{{Commit: candidate, Title: evil, Shut: evil, Change: 3}, {Commit: candidate, Title: evil}}
		p.Approvals = []Saying{{By: with(bo, func(p *Person) { p.Login = evil }), Reject: true, Reason: evil}}
		p.Requester = Person{ID: 99, Login: evil, Kind: "user"}
		p.Before = &Stage{Environment: "integration", State: evil, Why: evil}
		f.Statuses = []Status{{Name: "build", State: evil}}
		f.People[99] = Person{ID: 99}
		f.Tags = []Tag{{Name: "v1" + evil, Commit: candidate}}
		f.Gaps = []Gap{{"paths", evil}}
	}}.judge(t)
	for _, v := range verdicts {
		for _, x := range v.Findings {
			if strings.ContainsAny(x.What, "\u202e\x1b\n") || strings.ContainsAny(x.How, "\u202e\x1b") {
				t.Errorf("%s says %q, %q", v.Check, x.What, x.How)
			}
		}
	}
}

func TestAskForPromotion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy string
		facts  func(*Facts, *Promotion)
		want   string
	}{
		"nothing once all is known": {"", func(f *Facts, p *Promotion) {}, ""},
		"the tree":                  {"", func(f *Facts, p *Promotion) { f.Listed, f.Paths, f.Texts = false, nil, nil }, "CHANGELOG.md config/production.yml"},
		"texts":                     {"", func(f *Facts, p *Promotion) { f.Texts = nil }, "text CHANGELOG.md text config/development.yml text config/production.yml"},
		"no tree that cannot be listed": {"", func(f *Facts, p *Promotion) {
			f.Listed, f.Paths, f.Texts, f.Gaps = false, nil, nil, []Gap{{"paths", "x"}}
		}, ""},
		"nothing of the changelog without a tag": {"modes: {config-separation: off}", func(f *Facts, p *Promotion) { f.Listed, f.Paths, f.Texts, f.Tags = false, nil, nil, nil }, ""},
		"the right of who asked":                 {"", func(f *Facts, p *Promotion) { delete(f.People, 1) }, "ana"},
		"not of who merged":                      {"", func(f *Facts, p *Promotion) { delete(f.People, 1); p.How = OnMerge }, ""},
		"the team of who approved":               {"", func(f *Facts, p *Promotion) { f.Teams = nil }, "acme/operations"},
		"the team of who rejected":               {"approval: []", func(f *Facts, p *Promotion) { delete(f.People, 2); p.Approvals[0].Reject = true }, "bo"},
		"who set a label that shortens":          {"hotfix: {when: {labels: [hotfix]}, approval: [{name: one}]}", func(f *Facts, p *Promotion) { delete(f.People, 2) }, "bo"},
		"only deployers of a rollback":           {"", func(f *Facts, p *Promotion) { p.How, f.People, f.Teams, f.Listed = Rollback, nil, nil, false }, "ana"},
	} {
		f := promotable()
		c.facts(f, f.Promotion)
		text := chain
		if c.policy != "" {
			text = replaced(chain, c.policy)
		}
		w := AskForPromotion(policies(t, text), f)
		var got []string
		for _, p := range w.People {
			got = append(got, p.Login)
		}
		got = append(got, w.Teams...)
		for _, p := range promotable().Paths {
			if w.Paths != nil && w.Paths(p) && p != "config/development.yml" {
				got = append(got, p)
			}
		}
		for _, x := range w.Texts {
			got = append(got, "text "+x.Path)
		}
		if s := strings.Join(got, " "); s != c.want || w.Signatures || w.Comments {
			t.Errorf("%s: AskForPromotion = %q, want %q", name, s, c.want)
		}
	}
}

func ExampleLineNames() {
	fmt.Println(strings.Join(LineNames(), ", "))
	// Output: tagging, changelog, config-separation, approval, statuses, after, verify, soak, window, freeze, lock, interval, lineage, changes
}
