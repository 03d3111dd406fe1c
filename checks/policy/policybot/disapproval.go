package policybot

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// objections are who may hold a change up, and how.
type objections struct {
	line                int
	from                *actors
	comments, withdrawn []string
	notes               []Note
}

// disapproval reads policy.disapproval.
func (im *importer) disapproval(n *yaml.Node) {
	if n == nil || absent(n) {
		return
	}
	ps, ok := im.pairs(n)
	if !ok {
		im.shut(n, "policy.disapproval is no mapping, or gives a key twice")
		return
	}
	var requires pair
	var disapprove, revoke *methods
	for _, p := range ps {
		switch p.name {
		case "if":
			im.blocked(p.value)
		case "options":
			disapprove, revoke = im.disapprovalOptions(p)
		case "requires":
			requires = p
		default:
			im.shut(p.key, fmt.Sprintf("policy.disapproval.%s is not understood, so policy-bot approves nothing", oneLine(p.name)))
		}
	}
	if requires.key == nil || absent(requires.value) {
		return
	}
	a := im.people(requires.value)
	switch {
	case a.broken:
		im.shut(requires.key, "policy.disapproval.requires names people whom Sluice cannot name: "+a.odd)
	case !a.nobody():
		im.objecting(requires.key, a, disapprove, revoke)
	}
}

func (im *importer) disapprovalOptions(p pair) (disapprove, revoke *methods) {
	v, ok := im.only(p.value, "methods")
	m, fine := im.only(v["methods"], "disapprove", "revoke")
	if !ok || !fine {
		im.shut(p.key, "policy.disapproval.options is not understood, so policy-bot approves nothing")
	}
	if !absent(m["disapprove"]) {
		disapprove = im.methods(m["disapprove"])
	}
	if !absent(m["revoke"]) {
		revoke = im.methods(m["revoke"])
	}
	return disapprove, revoke
}

// blocked are the predicates each of which disapproves: each becomes a rule for such changes that nobody can meet.
func (im *importer) blocked(n *yaml.Node) {
	ps, ok := im.pairs(n)
	if !ok {
		im.shut(n, "policy.disapproval.if is no mapping, or gives a key twice")
	}
	for _, p := range ps {
		if absent(p.value) {
			continue
		}
		c := &condition{}
		if !im.predicate(c, p) {
			c.open = append(c.open, p)
		}
		if c.fit(p.key); len(c.open) > 0 {
			im.shut(p.key, "policy.disapproval.if."+im.lacking(p))
			continue
		}
		im.blocking("disapproved by "+p.name, p.key, c)
	}
}

// blocking adds a rule that shuts the gate for the changes that it is for.
func (im *importer) blocking(name string, n *yaml.Node, c *condition) {
	x := &rule{node: n, line: n.Line, when: c, needs: &condition{}, automatic: true, never: true}
	x.name = im.unique(name)
	im.rules = append(im.rules, x)
	im.block(&tree{rule: x})
}

// objecting carries over who may disapprove, and how. That each withdraws his own objection alone is stricter.
func (im *importer) objecting(key *yaml.Node, a *actors, disapprove, revoke *methods) {
	yes := true
	if disapprove == nil {
		disapprove = &methods{node: key, comments: []string{":-1:", "👎"}, reviews: &yes}
	}
	if revoke == nil {
		revoke = &methods{node: key, comments: []string{":+1:", "👍"}, reviews: &yes}
	}
	o := &objections{line: key.Line, from: a}
	im.objections = o
	for _, p := range append(disapprove.unreadable, disapprove.strange...) {
		im.shut(p.key, fmt.Sprintf("disapprove.%s is not understood", oneLine(p.name)))
	}
	var whole bool
	if o.comments, whole = fitting(spoken(disapprove.comments, disapprove.patterns)); !whole {
		im.shut(disapprove.node, "disapprove has patterns of more than 1000 bytes")
	}
	o.withdrawn, _ = fitting(spoken(revoke.comments, revoke.patterns))
	if len(disapprove.body) > 0 {
		body := &condition{authors: a, terms: []string{matching("change.body", disapprove.body)}}
		if body.fit(disapprove.bodyNode); len(body.open) > 0 {
			im.shut(disapprove.bodyNode, "disapprove.body_patterns is too long for an expression")
		} else {
			im.blocking("disapproved by its description", disapprove.bodyNode, body)
		}
	}
	if revoke.reviews == nil || !*revoke.reviews {
		im.shut(revoke.node, "revoke without github_review has no counterpart: with Sluice an approving review always withdraws what its giver objected, so add github_review: true beside "+shownKeys(revoke.node))
	}
	instead := "each withdraws his own, or the review is dismissed; a dismissed review also takes back the requests that its giver made before it"
	o.notes = append(o.notes,
		im.note(key, false, "policy.disapproval lets one person revoke the disapproval of another", instead),
		im.note(key, false, "policy.disapproval lets only these people disapprove", "they can, and so can everybody with write access or named by a rule"))
}
