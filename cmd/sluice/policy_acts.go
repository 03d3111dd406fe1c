package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// acts reads what people said that counts in a case. They have the names of gate.Acts in JSON; people may be written as
// logins, and what an override is of is the head of the case.
func (r caseReader) acts(n *yaml.Node, f *checks.Facts) (a gate.Acts, err error) {
	if n == nil {
		return a, nil
	}
	var whole map[string]any
	if err := n.Decode(&whole); err != nil {
		return a, r.wrong(n, "acts must be a mapping: %v", err)
	}
	persons(whole)
	eachItem(whole, "overrides", func(v any) any {
		if o, ok := v.(map[string]any); ok {
			if login, ok := o["second"].(string); ok {
				o["second"] = account(login)
			}
		}
		return v
	})
	text, err := json.Marshal(whole)
	if err != nil {
		return a, r.wrong(n, "%v", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return a, r.wrong(n, "the acts of the case: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if f.Change == nil && f.Promotion == nil {
		return a, r.wrong(n, "people override and hold changes, and the facts of the case are of none")
	}
	for i := range a.Overrides {
		if a.Overrides[i].Check == "" {
			return a, r.wrong(n, "an override needs the check that it is of")
		}
		completeOverride(&a.Overrides[i], f)
	}
	if a.Hold != nil && f.Promotion != nil {
		return a, r.wrong(n, "people hold changes, and the facts of the case are of a promotion")
	}
	if a.Hold != nil {
		setDefault(&a.Hold.Right, "write")
	}
	return a, nil
}

func completeOverride(o *gate.Override, f *checks.Facts) {
	o.People = max(o.People, 1)
	if o.At.IsZero() {
		o.At = f.At
	}
	if f.Promotion != nil {
		setDefault(&o.Commit, f.Promotion.Commit)
		o.Promotion = true
		return
	}
	setDefault(&o.Commit, f.Change.Head.Commit)
	setDefault(&o.Base, f.Change.Base.Name)
}

// decide decides the case: recorded facts as they were recorded, others in a closed world.
func (c policyCase) decide(set *policy.Set) (*gate.Decision, error) {
	id := strings.Repeat("0", 32)
	if c.recorded == nil {
		answerWants(set, c.facts)
		return gate.Decide(set, c.facts, c.acts.Under(set), id, c.facts.At), nil
	}
	facts, err := json.Marshal(c.facts)
	if err != nil {
		return nil, fmt.Errorf("write the facts: %w", err)
	}
	sources, err := json.Marshal(c.recorded)
	if err != nil {
		return nil, fmt.Errorf("write the policy: %w", err)
	}
	j := gate.Rejudger{Swap: func([]policy.Source) []policy.Source { return c.sources }}
	got, err := j.Judge(gate.Recorded{Decision: &gate.Decision{ID: id, At: c.facts.At, Acts: c.acts.Under(set)}, Facts: facts, Sources: sources})
	if err != nil {
		return nil, err
	}
	return got.After, nil
}
