package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// writeFixture writes a policy test of one case: the facts and the policy that were recorded, and the verdicts.
func (e explained) writeFixture(w io.Writer) error {
	if _, unread := e.facts.Gap("policy"); unread {
		return errors.New("the policy could not be read when this was decided: there is nothing to test")
	}
	if _, err := policy.Load(e.sources...); err != nil {
		return fmt.Errorf("the policy was broken when this was decided, so there is nothing to test:\n%w", err)
	}
	test := &yaml.Node{Kind: yaml.MappingNode}
	for _, s := range e.sources {
		key := "policy"
		if s.Origin == policy.Organisation {
			key = "organisation"
		}
		add(test, key, &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.LiteralStyle, Value: s.Text})
	}
	one, err := e.fixtureCase()
	if err != nil {
		return err
	}
	add(test, "cases", &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{one}})
	fmt.Fprintf(w, "# Decision %s. It may quote what is private. To test the policy of today, name its file: policy: .sluice.yml\n", e.decision.ID)
	out := yaml.NewEncoder(w)
	out.SetIndent(2)
	if err := out.Encode(test); err != nil {
		return err
	}
	return out.Close()
}

func (e explained) fixtureCase() (*yaml.Node, error) {
	d := e.decision
	one := &yaml.Node{Kind: yaml.MappingNode}
	add(one, "name", word(gate.Plain(fmt.Sprintf("%s at %.8s", gate.Name(d.Subject), d.Commit))))
	f := *e.facts
	if f.Sources = e.sources; f.Promotion == nil {
		f.Statuses = nil // what the forge showed is not judged
	}
	if f.Sources == nil {
		f.Sources = []policy.Source{}
	}
	facts, err := asYAML(f)
	if err != nil {
		return nil, err
	}
	if len(f.Sources) == 0 { // which says that they were recorded, under the defaults
		add(facts, "sources", &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle})
	}
	add(one, "facts", facts)
	if len(d.Acts.Overrides) > 0 || d.Acts.Hold != nil {
		acts, err := asYAML(d.Acts)
		if err != nil {
			return nil, err
		}
		add(one, "acts", acts)
	}
	want := &yaml.Node{Kind: yaml.MappingNode}
	for _, v := range d.Verdicts {
		add(want, v.Check, word(v.Outcome.String()))
	}
	add(want, "gate", word(d.Gate.Outcome.String()))
	add(one, "want", want)
	return one, nil
}

func add(m *yaml.Node, key string, value *yaml.Node) {
	m.Content = append(m.Content, word(key), value)
}

func word(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	return n
}

// asYAML writes a value by its JSON names. Numbers stay whole: ids are longer than a float is exact.
func asYAML(v any) (*yaml.Node, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		return nil, err
	}
	n := &yaml.Node{}
	return n, n.Encode(whole(plain))
}

func whole(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = whole(v[k])
		}
	}
	return v
}
