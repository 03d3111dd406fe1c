package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
)

// state is what a part of a satisfy tree comes to.
type state int

const (
	nothing state = iota // asks for nothing: off, advice alone, or for other changes
	unsure               // the facts do not tell
	wanting              // not met
	perhaps              // met if it is for this change at all, which the facts do not tell
	met
)

// weighed is a part of the tree with what there is to say of it.
type weighed struct {
	state    state
	findings []Finding
}

// weigh judges the rules as `satisfy` combines them; without a tree, all of them. asked says that an approval was
// needed by some rule for this change.
func (b *ballot) weigh() (asked bool, findings []Finding) {
	tree := b.pol.Approval.Satisfy
	var w weighed
	if tree.Rule == "" && len(tree.Any)+len(tree.All) == 0 {
		parts := make([]weighed, len(b.rules))
		for i := range b.rules {
			parts[i] = b.leaf(i)
		}
		w = allOf(parts)
	} else {
		w = b.node(tree)
	}
	for _, s := range b.standings {
		asked = asked || s != nil && s.applies != no && s.asks()
	}
	return asked, append(w.findings, b.unmatched(w.state)...)
}

// unmatched is what is said where no rule is for the change, if the policy wants one to be.
func (b *ballot) unmatched(s state) []Finding {
	if b.pol.Approval.Unmatched != "wait" || s != nothing && s != perhaps {
		return nil
	}
	return []Finding{{Outcome: Wait, Rule: b.pol.Rule("approval.unmatched"), Who: "whoever wrote the change, or keeps the policy",
		What: "No rule is for this change, and the policy wants one to be: change what it touches, or the policy.",
		How:  "The rules of the approval name conditions, and none of those that could let a change through holds here."}}
}

func (b *ballot) node(t policy.Satisfy) weighed {
	if t.Rule != "" {
		i := slices.IndexFunc(b.rules, func(r policy.ApprovalRule) bool { return r.Name == t.Rule })
		if i < 0 {
			return weighed{wanting, []Finding{{Outcome: Fail, Rule: b.pol.Rule("approval.satisfy"),
				What: fmt.Sprintf("The policy asks for a rule %q that it does not have.", plain(t.Rule, 60))}}}
		}
		return b.leaf(i)
	}
	parts := make([]weighed, 0, len(t.Any)+len(t.All))
	if len(t.Any) > 0 {
		for _, x := range t.Any {
			parts = append(parts, b.node(x))
		}
		w := b.anyOf(parts)
		if len(t.All) == 0 {
			return w
		}
		parts = []weighed{w}
	}
	for _, x := range t.All {
		parts = append(parts, b.node(x))
	}
	return allOf(parts)
}

// allOf needs every part. Advice is said and does not count.
func allOf(parts []weighed) weighed {
	var w weighed
	seen := map[state]bool{}
	for _, p := range parts {
		w.findings = append(w.findings, p.findings...)
		if p.state == wanting || p.state == unsure {
			if !blocking(p.findings) {
				continue
			}
		}
		seen[p.state] = true
	}
	for _, s := range []state{wanting, unsure, met, perhaps} {
		if seen[s] {
			w.state = s
			break
		}
	}
	return w
}

// anyOf needs one part. What asks for nothing is no choice, so that a rule for other changes opens nothing here.
func (b *ballot) anyOf(parts []weighed) weighed {
	byState := map[state][]Finding{}
	seen := map[state]bool{}
	for _, p := range parts {
		seen[p.state] = true
		byState[p.state] = append(byState[p.state], p.findings...)
	}
	switch {
	case seen[met]:
		return weighed{met, byState[met]}
	case seen[unsure]:
		return weighed{unsure, byState[unsure]}
	case seen[perhaps]:
		fs := byState[perhaps]
		for i := range fs {
			fs[i].Outcome, fs[i].What = Unknown, "Whether this rule is for the change is not known. "+fs[i].How
		}
		return weighed{unsure, fs}
	case seen[wanting]:
		return weighed{wanting, []Finding{b.choice(byState[wanting])}}
	}
	return weighed{nothing, byState[nothing]}
}

// choice makes one finding of several of which one has to be met.
func (b *ballot) choice(fs []Finding) Finding {
	open := slices.DeleteFunc(slices.Clone(fs), func(f Finding) bool { return f.Outcome.Open() })
	if len(open) == 1 {
		return open[0]
	}
	x := Finding{Outcome: Wait, Mode: policy.Off, Rule: b.pol.Rule("approval.satisfy")}
	var whats, hows, whos []string
	for _, f := range open {
		if f.Outcome == Fail {
			x.Outcome = Fail
		}
		if policy.Weaker(x.Mode, f.Mode) == x.Mode {
			x.Mode = policy.Weaker(f.Mode, "") // the strongest of them
		}
		what := strings.TrimSuffix(f.What, ".")
		if len(whats) > 0 {
			what = strings.TrimPrefix(what, "Needs ")
		}
		whats = append(whats, what)
		hows = append(hows, f.What+" "+f.How+" ("+f.Rule+")")
		if f.Who != "" && !slices.Contains(whos, f.Who) {
			whos = append(whos, f.Who)
		}
	}
	x.Who = Clip(strings.Join(whos, "; or "), mostWho)
	x.What = Clip(strings.Join(whats, ", or ")+".", 140)
	x.How = "One of these is enough:\n" + strings.Join(hows, "\n")
	return x
}

// blocking says whether one of the findings shuts the gate.
func blocking(fs []Finding) bool {
	return slices.ContainsFunc(fs, func(f Finding) bool {
		return !f.Outcome.Open() && policy.Weaker(f.Mode, "") == policy.Enforce
	})
}

// shuts says that nobody can meet the rule, whatever is approved.
func shuts(r *policy.ApprovalRule) bool {
	return r.Needs.Expression != nil && strings.TrimSpace(r.Needs.Expression.Source) == "false"
}

// leaf judges one rule.
func (b *ballot) leaf(i int) weighed {
	r := &b.rules[i]
	x := Finding{Mode: policy.Weaker(r.Mode, ""), Rule: b.pol.Rule(fmt.Sprintf("%s[%d]", cmp.Or(b.at, "approval.rules"), i))}
	if x.Mode == policy.Off {
		x.Outcome, x.What, x.Mode = Skip, "The rule"+quoted(r.Name)+" is switched off.", policy.Enforce
		return weighed{nothing, []Finding{x}}
	}
	s := b.standing(i)
	switch {
	case s.applies == no:
		return weighed{}
	case s.met == yes && r.Demand:
		x.Outcome, x.What = Pass, b.metSentence(s)
		return weighed{nothing, []Finding{x}}
	case s.met == yes:
		x.Outcome, x.What = Pass, b.metSentence(s)
		if s.applies == dunno {
			x.How = s.why
			return weighed{perhaps, []Finding{x}}
		}
		return weighed{met, []Finding{x}}
	case s.applies == yes && shuts(r):
		x.Outcome, x.What = Fail, Clip("The policy lets no change through that is like this one"+inRule(s)+".", 140)
		x.How = "The rule is for this change, and nobody can meet it: change what it names under when, or the policy."
		return weighed{wanting, []Finding{x}}
	case s.applies == dunno || s.met == dunno:
		x.Outcome, x.What = Unknown, Clip(s.why, 140)
		x.How = "Nobody's approval is taken for granted: this is looked at again."
		return weighed{unsure, []Finding{x}}
	default:
		x.Outcome, x.What, x.How, x.Who = Wait, b.missingSentence(s), b.remedy(s), b.cures(s)
		return weighed{wanting, []Finding{x}}
	}
}
