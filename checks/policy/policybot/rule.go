package policybot

import (
	"cmp"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// rule is one approval rule, as it will be written.
type rule struct {
	node        *yaml.Node
	line        int
	name        string
	description string
	when, needs *condition
	never       bool // nobody can meet it
	demand      bool
	automatic   bool
	count       int
	from        *actors
	exclude     []string
	stale       string
	reviews     string
	reviewText  []string
	comments    []string
	notes       []Note
	used        bool // the tree names it
	first, last int  // its notes among all of them
}

// say notes what becomes of a construct of the rule, beside the rule and for those who run the import.
func (im *importer) say(x *rule, n *yaml.Node, refused bool, what, instead string) {
	x.notes = append(x.notes, im.note(n, refused, what, instead))
}

// rule reads one.
func (im *importer) rule(n *yaml.Node, defaults *options) *rule {
	x := &rule{node: n, line: n.Line, when: &condition{}, needs: &condition{}}
	o, required := &options{}, (*yaml.Node)(nil)
	ps, ok := im.pairs(n)
	if !ok {
		im.refuse(x, n, "the rule is no mapping, or gives a key twice")
	}
	for _, p := range ps {
		switch p.name {
		case "name":
			x.name = p.value.Value
			x.line = p.key.Line
		case "description":
			x.description = p.value.Value
		case "if":
			x.when = im.predicates(p.value)
		case "options":
			o = im.options(p.value)
		case "requires":
			required = p.value
		default:
			im.refuse(x, p.key, fmt.Sprintf("%q is no key of a rule, so policy-bot approves nothing", oneLine(p.name)))
		}
	}
	im.applies(x)
	im.requires(x, required)
	if !x.automatic {
		im.terms(x, o.under(defaults))
	}
	return x
}

// refuse makes the rule one that nobody can meet.
func (im *importer) refuse(x *rule, n *yaml.Node, what string) {
	x.never = true
	im.say(x, n, true, what, "a rule that nobody can meet")
}

// applies makes the rule a demand where it is not known which changes it is for.
func (im *importer) applies(x *rule) {
	for _, p := range x.when.open {
		x.demand = true
		im.say(x, p.key, false, "if."+im.lacking(p),
			"the rule has to be met whether that holds or not, and opens nothing by being met")
	}
}

// requires reads what the rule asks for.
func (im *importer) requires(x *rule, n *yaml.Node) {
	x.automatic = true
	if n == nil {
		return
	}
	ps, ok := im.pairs(n)
	if !ok {
		im.refuse(x, n, "requires is no mapping, or gives a key twice")
	}
	a := &actors{node: n}
	for _, p := range ps {
		switch {
		case absent(p.value) || im.actor(a, p):
		case p.name == "count":
			var fine bool
			if x.count, fine = number(p.value); !fine {
				im.refuse(x, p.key, "requires.count is no number, so policy-bot approves nothing")
			}
		case p.name == "conditions":
			x.needs = im.predicates(p.value)
			for _, open := range x.needs.open {
				im.refuse(x, open.key, "requires.conditions."+im.lacking(open))
			}
		default:
			im.refuse(x, p.key, fmt.Sprintf("%q is no key of requires, so policy-bot approves nothing", oneLine(p.name)))
		}
	}
	a.tidy()
	im.asked(x, a)
}

// asked settles who has to approve.
func (im *importer) asked(x *rule, a *actors) {
	x.from = a
	x.automatic = x.count <= 0 && !a.owners
	switch {
	case x.automatic:
		if len(a.users)+len(a.teams)+len(a.orgs) > 0 || a.permission != "" {
			im.say(x, a.node, false, "requires names people, and no count above 0",
				"a rule that asks nobody, which is how policy-bot understands it")
		}
		return
	case a.broken:
		im.say(x, a.node, false, "requires names people whom Sluice cannot name: "+a.odd, "those who can be, alone")
	}
	for _, u := range a.users {
		if strings.HasSuffix(u, "[bot]") {
			im.say(x, a.node, false, "requires.users names the app "+u, "the same, and Sluice never counts an approval by an app")
		}
	}
	switch {
	case a.owners:
		x.count = 1
		im.say(x, a.node, false, "requires.codeowners is written as from: {codeowners: true}",
			"where nobody owns what is touched, one person with write access is asked, and an owner needs write access too")
	case a.nobody():
		im.refuse(x, a.node, "requires asks for approvals and names nobody who could give one")
	case x.count > 100:
		im.refuse(x, a.node, "requires.count is more than the 100 that Sluice counts to")
	}
}

// terms are whose approvals count, until when, and how they are given.
func (im *importer) terms(x *rule, o *options) {
	for _, p := range o.unknown {
		im.refuse(x, p.key, fmt.Sprintf("options.%s is not known", oneLine(p.name)))
	}
	x.exclude, x.stale, x.reviews = o.exclude(), o.stale(), "any"
	ignoring := "their authors count as contributors, and with invalidate_on_push they end approvals"
	if o.updateMerges != nil {
		im.say(x, o.updateMerges, false, "options.ignore_update_merges has no counterpart", "merges of the target branch count like all commits: "+ignoring)
	}
	if o.commitsBy != nil {
		im.say(x, o.commitsBy, false, "options.ignore_commits_by has no counterpart", "these commits count like all others: "+ignoring)
	}
	if o.is(o.unedited) {
		x.reviews = "unedited"
	}
	im.means(x, o.methods)
}

// means are how approvals are given.
func (im *importer) means(x *rule, m *methods) {
	for _, p := range append(m.unreadable, m.strange...) {
		im.say(x, p.key, false, fmt.Sprintf("options.methods.%s is not understood", oneLine(p.name)), "approval by that means does not count")
	}
	if len(m.body) > 0 {
		im.say(x, m.bodyNode, false, "options.methods.body_patterns has no counterpart", "the description of a change approves nothing")
	}
	var whole bool
	if x.comments, whole = fitting(m.said(":+1:", "👍")); !whole {
		im.say(x, m.node, false, "options.methods.comments has patterns of more than 1000 bytes", "comments like these approve nothing")
	}
	if x.stale == "commit" && len(x.comments) > 0 {
		x.comments = nil
		im.say(x, cmp.Or(m.node, x.node), false, "comments approve, with invalidate_on_push",
			"only reviews do: a comment does not tell which commit it is about")
	}
	x.reviewText, whole = fitting(m.reviewText)
	switch reviews := m.reviews == nil || *m.reviews || len(m.reviewText) > 0; {
	case !whole:
		im.say(x, m.node, false, "options.methods.github_review_comment_patterns has patterns of more than 1000 bytes", "reviews like these approve nothing")
		if len(x.reviewText) > 0 {
			break
		}
		x.reviews = "none"
	case !reviews:
		x.reviews = "none"
	}
	if x.reviews == "none" {
		if x.reviewText = nil; len(x.comments) == 0 {
			im.refuse(x, cmp.Or(m.node, x.node), "no means of approval is left")
			x.reviews = "any"
		}
	}
	for i, t := range x.reviewText {
		if t == "" {
			x.reviewText[i] = "^"
		}
	}
}
