package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// Load reads the policies found, the repository's first, and returns what is in force. With no source it is the
// defaults. A broken source gives Problems, all of them, each with file, line and column.
//
// A Given source stands in for the repository's. Of several with one origin the first counts.
func Load(sources ...Source) (*Set, error) {
	var problems Problems
	own, organisation := pick(sources)
	for _, s := range sources {
		if s.Origin != Repository && s.Origin != Organisation && s.Origin != Given {
			problems = append(problems, Problem{s.Name, 1, 1, fmt.Sprintf("the policy has no known origin: %s", quote(string(s.Origin)))})
		}
	}
	set := &Set{Digest: Digest(sources...)}
	first, floor := Defaults(), (*Policy)(nil)
	if organisation != nil {
		d := &decoder{file: organisation.Name, text: organisation.Text}
		first, floor = d.organisation(*organisation)
		problems = append(problems, d.problems.sorted()...)
	}
	if own != nil {
		d := &decoder{file: own.Name, text: own.Text}
		first = d.repository(*own)
		problems = append(problems, d.problems.sorted()...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	set.Layers = []*Policy{first}
	if floor != nil {
		floor.inherit(first)
		set.Layers = append(set.Layers, floor)
	}
	for _, p := range set.Layers {
		p.settleRules()
	}
	if problems := validate(set); len(problems) > 0 {
		return nil, problems
	}
	return set, nil
}

// pick returns the source that stands for the repository and the organisation's.
func pick(sources []Source) (own, organisation *Source) {
	for i := range sources {
		s := &sources[i]
		switch {
		case s.Origin == Given && (own == nil || own.Origin == Repository), s.Origin == Repository && own == nil:
			own = s
		case s.Origin == Organisation && organisation == nil:
			organisation = s
		}
	}
	return own, organisation
}

// Digest is the SHA-256 over the sources, hex: equal digests load to equal sets. Where a text was read does not count.
func Digest(sources ...Source) string {
	h := sha256.New()
	for _, s := range sources {
		for _, part := range []string{string(s.Origin), s.Name, s.Kind, s.Text} {
			fmt.Fprintf(h, "%d:", len(part))
			io.WriteString(h, part)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// repository reads a repository's policy.
func (d *decoder) repository(s Source) *Policy {
	root := d.parse(s)
	if key, _ := find(root, "required"); key != nil {
		d.problem(key.Line, key.Column, "required: belongs to the organisation's policy; a repository cannot set a floor for itself")
	}
	return d.policy(s, root)
}

// organisation reads the organisation's policy: what is in force where a repository has none, and its floor, or nil.
func (d *decoder) organisation(s Source) (whole, floor *Policy) {
	root := d.parse(s)
	whole = d.policy(s, root)
	key, value := find(root, "required")
	if key == nil {
		return whole, nil
	}
	d.required = true
	floor = d.policy(s, value)
	floor.floor = true
	d.at("", key)
	floor.below(whole)
	return whole, floor
}

// policy reads the keys of one layer.
func (d *decoder) policy(s Source, root *yaml.Node) *Policy {
	p := Defaults()
	p.source = s
	d.where = p.where
	if root == nil {
		return p
	}
	if d.required {
		d.object(root, reflect.ValueOf(p).Elem(), "")
		if key, _ := find(root, "version"); key != nil {
			d.problem(key.Line, key.Column, "version stands at the top of the policy, not below required")
		}
		return p
	}
	d.object(root, reflect.ValueOf(p).Elem(), "", "required")
	return p
}

// settleRules gives each rule what it leaves to the whole of the approval.
func (p *Policy) settleRules() {
	for i := range p.Approval.Rules {
		r := &p.Approval.Rules[i]
		if r.Exclude == nil {
			r.Exclude = p.Approval.Exclude
		}
		if r.Stale == "" {
			r.Stale = p.Approval.Stale
		}
	}
}

// find returns the key and the value under a name in a mapping, or nil.
func find(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}
