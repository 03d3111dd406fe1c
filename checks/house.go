package checks

import (
	"errors"
	"fmt"

	"github.com/sluicegate/sluice/checks/expression"
	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/checks/policy"
)

// wantHouse asks for signatures where a rule reads them; all else that expressions read, every change is read with.
func wantHouse(p *policy.Policy, f *Facts, w *Wants) {
	for _, r := range p.Checks {
		if r.Mode != policy.Off {
			wantExpression(r.Rule, f, w)
		}
	}
}

// wantExpression asks for what an expression reads and not every change is read with. A text that merely looks like it
// asks in vain, which costs a request and changes nothing.
func wantExpression(p *expression.Program, f *Facts, w *Wants) {
	if p != nil && f.Change != nil && readsSignatures.MatchString(p.Source) {
		w.WantSignatures(f)
	}
}

var readsSignatures = patterns.New(`\b(signed|signer|signing_key)\b`)

// judgeHouse gives one verdict per house rule, in the order of the policies. A rule that two policies have under one
// name is judged under both, and the strictest word counts.
func judgeHouse(set *policy.Set, f *Facts) []Verdict {
	if f.Change == nil && f.Subject.Kind == KindTag {
		return nil
	}
	facts := expression.Bind((*factsObject)(f))
	var names []string
	found := map[string][]Finding{}
	rules := map[string]string{}
	for _, layer := range set.Layers {
		for i, r := range layer.Checks {
			at := layer.Rule(fmt.Sprintf("checks[%d].rule", i))
			if _, ok := rules[r.Name]; !ok {
				names = append(names, r.Name)
				rules[r.Name] = at
			}
			if layer.Floor() && r.Mode == policy.Off {
				continue
			}
			found[r.Name] = append(found[r.Name], judgeRule(r, at, facts)...)
		}
	}
	var verdicts []Verdict
	for _, name := range names {
		verdicts = append(verdicts, conclude(name, found[name], "The house rule holds.", rules[name]))
	}
	return verdicts
}

// judgeRule judges one house rule of one policy; a rule that holds has nothing to say.
func judgeRule(r policy.HouseRule, at string, facts *expression.Binding) []Finding {
	if r.Mode == policy.Off {
		return []Finding{{Outcome: Skip, What: "Switched off by the policy.", Rule: at}}
	}
	holds, err := r.Rule.Eval(facts)
	switch {
	case errors.Is(err, errOffline):
		return []Finding{{Outcome: Skip, Mode: r.Mode, What: "Not judged here: " + err.Error() + ".", Rule: at}}
	case err != nil:
		return []Finding{{Outcome: Unknown, Mode: r.Mode, What: Clip(fmt.Sprintf("The house rule %s could not be judged: %v.", r.Name, err), 140), Rule: at}}
	case holds:
		return []Finding{{Outcome: Pass, Mode: r.Mode, What: "The house rule holds.", Rule: at}}
	}
	return []Finding{{Outcome: Fail, Mode: r.Mode, What: message(r, facts), How: "The rule asks for: " + r.Rule.Source, Rule: at}}
}

// message is what the rule tells the author; one that cannot be filled in never hides that the rule does not hold.
func message(r policy.HouseRule, facts *expression.Binding) string {
	if r.Message != nil {
		if text, err := r.Message.Text(facts); err == nil && text != "" {
			return Clip(text, 140)
		}
	}
	return Clip(fmt.Sprintf("The house rule %s does not hold: %s", r.Name, r.Rule.Source), 140)
}

// evaluate runs a condition over the facts. An error says why there is no answer; it is never one.
func (f *Facts) evaluate(p *expression.Program) (bool, error) {
	return p.Eval(expression.Bind((*factsObject)(f)))
}
