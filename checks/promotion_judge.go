package checks

import (
	"slices"

	"github.com/sluicegate/sluice/checks/policy"
)

// Lines are those of a promotion's verdict, in the order shown.
func Lines() []PromotionLine {
	return []PromotionLine{
		{Name: "tagging", Mode: func(e *policy.Environment) policy.Mode { return asked(e.Modes.Tagging, e.Release) },
			keys: []string{"release"}, judge: judgeCarriedTag},
		{Name: "changelog", Mode: func(e *policy.Environment) policy.Mode { return asked(e.Modes.Changelog, e.Release) },
			keys: []string{"release"}, wants: wantSection, judge: judgeSection},
		{Name: "config-separation", Mode: func(e *policy.Environment) policy.Mode { return e.Modes.ConfigSeparation },
			wants: wantComplete, judge: judgeComplete},
		{Name: "approval", Mode: func(e *policy.Environment) policy.Mode { return e.Modes.Approval },
			keys: []string{"approval", "deployers", "separate", "hotfix.approval"}, back: true, wants: wantAgreed, judge: judgeAgreed},
		{Name: "statuses", Mode: func(e *policy.Environment) policy.Mode { return e.Modes.Statuses },
			keys: []string{"statuses"}, back: true, judge: judgeStatuses},
		{Name: "after", Mode: func(e *policy.Environment) policy.Mode { return e.Modes.After },
			keys: []string{"after"}, judge: judgeAfter, always: goesBack},
		{Name: "verify", Mode: func(e *policy.Environment) policy.Mode { return e.Modes.Verify },
			keys: []string{"after"}, judge: judgeVerify},
		{Name: "soak", Mode: func(e *policy.Environment) policy.Mode { return e.Modes.Soak },
			keys: []string{"after"}, wants: wantSoak, judge: judgeSoak},
		{Name: "window", Mode: func(e *policy.Environment) policy.Mode { return e.Modes.Window },
			keys: []string{"windows"}, judge: judgeWindow},
		{Name: "freeze", Mode: func(e *policy.Environment) policy.Mode { return e.Modes.Freeze },
			keys: []string{"freezes"}, judge: judgeFreeze},
		{Name: "lock", Mode: func(e *policy.Environment) policy.Mode { return e.Modes.Lock }, back: true, judge: judgeLock},
		{Name: "interval", Mode: func(e *policy.Environment) policy.Mode { return e.Modes.Interval },
			keys: []string{"interval"}, judge: judgeInterval},
		{Name: "lineage", Mode: func(e *policy.Environment) policy.Mode { return asked(e.Modes.Lineage, e.Lineage) },
			keys: []string{"lineage"}, judge: judgeLineage},
		{Name: "changes", Mode: func(e *policy.Environment) policy.Mode { return asked(e.Modes.Changes, e.Changes) },
			keys: []string{"changes"}, judge: judgeChanges, always: mergedOpen},
	}
}

// asked is the mode of a line that a key of its own asks for: where that is off, nothing is asked, which is no switching off.
func asked(line, key policy.Mode) policy.Mode {
	if key == policy.Off || key == "" {
		return policy.Weaker(line, "")
	}
	return policy.Weaker(line, key)
}

// LineNames are the names of Lines.
func LineNames() (names []string) {
	for _, l := range Lines() {
		names = append(names, l.Name)
	}
	return names
}

// guard is an environment under one of the policies in force, with the facts of a promotion into it.
type guard struct {
	set *policy.Set
	all []*guard // of the same environment, this one among them
	p   *policy.Policy
	e   *policy.Environment
	f   *Facts
	m   *Promotion
	// whole says that what the policy leaves out has its default. A floor beside a repository's policy asks for nothing more
	// than it gives; where the repository does not guard the environment, the floor does, with its defaults.
	whole bool
}

// guardsOf are those of an environment. One that is switched off guards nothing.
func guardsOf(set *policy.Set, environment string, f *Facts) []*guard {
	var all []*guard
	own := false
	for _, layer := range set.Layers {
		e := Environment(layer, environment)
		if e == nil || policy.Weaker(e.Mode, "") == policy.Off {
			continue
		}
		g := &guard{set: set, p: layer, e: e, f: f}
		if f != nil {
			g.m = f.Promotion
		}
		own = own || !layer.Floor()
		all = append(all, g)
	}
	for _, g := range all {
		g.all, g.whole = all, !g.p.Floor() || !own
	}
	return all
}

// path is a key of the environment as the policy knows it.
func (g *guard) path(key string) string { return "environments." + g.e.Name + "." + key }

// rule says where the policy asks for it.
func (g *guard) rule(key string) string { return g.p.Rule(g.path(key)) }

// given says whether the policy asks for what a key says, by itself or by default.
func (g *guard) given(key string) bool { return g.whole || g.p.Given(g.path(key)) }

// asks says whether the policy has the line judged at all.
func (g *guard) asks(l *PromotionLine) bool {
	return g.given("modes."+l.Name) || slices.ContainsFunc(l.keys, g.given)
}

// mode is that of a line here.
func (g *guard) mode(l *PromotionLine) policy.Mode { return policy.Weaker(g.e.Mode, l.Mode(g.e)) }

// one is a result with a single finding.
func (g *guard) one(o Outcome, key, what, how string) Result {
	return Result{Findings: []Finding{{Outcome: o, What: Clip(what, 140), How: how, Rule: g.rule(key)}}}
}

// by says of the findings who cures them.
func (r Result) by(who string) Result {
	for i := range r.Findings {
		r.Findings[i].Who = Clip(who, mostWho)
	}
	return r
}

// passes is a result without one.
func (g *guard) passes(key, what string) Result {
	return Result{Pass: Clip(what, 140), Rule: g.rule(key)}
}

// AskForPromotion says what the lines still have to know about a promotion under the policies in force.
func AskForPromotion(set *policy.Set, f *Facts) *Wants {
	w := &Wants{}
	if f.Promotion == nil {
		return w
	}
	guards := guardsOf(set, f.Promotion.Environment, f)
	for _, l := range Lines() {
		for _, g := range guards {
			if l.wants != nil && g.asks(&l) && g.mode(&l) != policy.Off && (l.back || !g.m.How.Back()) {
				l.wants(g, w)
			}
		}
	}
	return w
}

// JudgePromotion gives one verdict per line, in the order of Lines. It is pure: Facts.At is now.
func JudgePromotion(set *policy.Set, f *Facts) []Verdict {
	var guards []*guard
	if f.Promotion != nil {
		guards = guardsOf(set, f.Promotion.Environment, f)
	}
	var verdicts []Verdict
	for _, l := range Lines() {
		v := judgeLine(&l, guards, f)
		v.Until = v.until()
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// judgeLine judges one line under every policy that guards the environment: all are in force, the strictest word counts.
func judgeLine(l *PromotionLine, guards []*guard, f *Facts) Verdict {
	if len(guards) == 0 {
		what := "No policy in force guards this environment, so nothing can be said for the promotion."
		return conclude(l.Name, []Finding{{Outcome: Unknown, What: what, Rule: "environments",
			How: "Describe the environment below `environments:` in `.sluice.yml` on the default branch."}}, "", "environments")
	}
	var findings []Finding
	var pass, rule string
	if l.always != nil {
		r := l.always(guards[0])
		findings, pass, rule = r.Findings, r.Pass, r.Rule
	}
	if f.Promotion.How.Back() && !l.back {
		if len(findings) == 0 && pass == "" {
			findings = []Finding{{Outcome: Skip, What: "A rollback goes back to what was live and well.", Rule: guards[0].rule("mode")}}
		}
		return conclude(l.Name, findings, pass, rule)
	}
	for _, g := range guards {
		mode := g.mode(l)
		switch {
		case !g.asks(l), mode == policy.Off && !g.whole:
			continue
		case mode == policy.Off:
			findings = append(findings, Finding{Outcome: Skip, What: "Switched off by the policy.", Rule: g.rule("modes." + l.Name)})
			continue
		}
		r := l.judge(g)
		if len(r.Findings) == 0 && r.Pass == "" { // a line that says nothing opens nothing
			r.Findings = []Finding{{Outcome: Unknown, What: "This line came to no conclusion.", Rule: g.rule("mode")}}
		}
		for _, x := range r.Findings {
			x.Mode = policy.Weaker(x.Mode, mode)
			if !slices.ContainsFunc(findings, x.repeats) {
				findings = append(findings, x)
			}
		}
		if pass == "" {
			pass, rule = r.Pass, r.Rule
		}
	}
	if len(findings) == 0 && pass == "" {
		findings = []Finding{{Outcome: Unknown, What: "No policy in force says anything of this line.", Rule: guards[0].rule("mode")}}
	}
	return conclude(l.Name, findings, pass, rule)
}
