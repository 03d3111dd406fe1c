package checks

import "github.com/sluicegate/sluice/checks/policy"

// Proposal is one policy as a change would leave it.
type Proposal struct {
	Origin policy.Origin
	Source *policy.Source // nil: the change deletes it
}

// Proposals are the policies that a change edits, as far as they could be read and would be another than the one in
// force. A broken one is no proposal: it would not come into force.
func Proposals(f *Facts) (all []Proposal) {
	for _, e := range edits(f) {
		after, gap := atHead(f, e)
		if gap != "" || sameText(sourceOf(f, e.origin), after) {
			continue
		}
		if after != nil {
			if _, err := loadBeside(f, *after); err != nil {
				continue
			}
		}
		all = append(all, Proposal{e.origin, after})
	}
	return all
}

// In returns the sources with what is proposed in place of what is there.
func (p Proposal) In(sources []policy.Source) []policy.Source {
	var out []policy.Source
	for _, s := range sources {
		if s.Origin != p.Origin {
			out = append(out, s)
		}
	}
	switch {
	case p.Source == nil:
		return out
	case p.Origin == policy.Repository:
		return append([]policy.Source{*p.Source}, out...)
	}
	return append(out, *p.Source)
}
