package policybot

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// tree combines rules: a leaf, or parts of which all or any are needed.
type tree struct {
	rule  *rule
	any   bool
	parts []*tree
}

// mostRules is more than Sluice takes.
const mostRules = 1000

// deepest is how far Sluice nests.
const deepest = 9

// approval reads policy.approval; nil stands for nothing asked.
func (im *importer) approval(n *yaml.Node) *tree {
	items, ok := im.items(n)
	if !ok {
		return &tree{parts: []*tree{im.lostFor(n, nothingPasses, "policy.approval is no list, so policy-bot approves nothing")}}
	}
	if len(items) == 0 {
		return nil
	}
	root := &tree{}
	for _, c := range items {
		root.add(im.branch(c, 0))
	}
	if root.depth() > deepest {
		return &tree{parts: []*tree{im.lostFor(n, nothingPasses, fmt.Sprintf("policy.approval nests more than %d deep", deepest))}}
	}
	return root
}

// branch reads the name of a rule, or a mapping with one key, `or` or `and`.
func (im *importer) branch(n *yaml.Node, depth int) *tree {
	if im.left < 0 {
		return &tree{}
	}
	if name, ok := text(n); ok {
		x := im.byName[name]
		if x == nil {
			return im.lost(n, fmt.Sprintf("there is no rule %q, so policy-bot approves nothing", oneLine(name)))
		}
		im.use(x)
		return &tree{rule: x}
	}
	ps, ok := im.pairs(n)
	if !ok || len(ps) != 1 || ps[0].name != "or" && ps[0].name != "and" || depth > mostDepth {
		return im.lost(n, "policy.approval wants names of rules, or mappings with one key, or: or and:")
	}
	items, ok := im.items(ps[0].value)
	if !ok || len(items) == 0 {
		return im.lost(ps[0].key, ps[0].name+" wants a list with something in it, so policy-bot approves nothing")
	}
	t := &tree{any: ps[0].name == "or"}
	for _, c := range items {
		t.add(im.branch(c, depth+1))
	}
	if len(t.parts) == 1 {
		return t.parts[0]
	}
	return t
}

// add takes a part in; one that combines in the same way is dissolved, which changes nothing.
func (t *tree) add(part *tree) {
	if part.rule == nil && part.any == t.any {
		t.parts = append(t.parts, part.parts...)
		return
	}
	t.parts = append(t.parts, part)
}

// closed says that no change can meet it.
func (t *tree) closed() bool {
	switch {
	case t.rule != nil:
		return t.rule.never && t.rule.when.always()
	case t.any:
		return len(t.parts) > 0 && !slices.ContainsFunc(t.parts, func(p *tree) bool { return !p.closed() })
	}
	return slices.ContainsFunc(t.parts, (*tree).closed)
}

func (t *tree) depth() int {
	deep := 0
	for _, p := range t.parts {
		deep = max(deep, p.depth()+1)
	}
	return deep
}

// lost is a part that could not be understood: a rule that nobody can meet.
func (im *importer) lost(n *yaml.Node, what string) *tree {
	return im.lostFor(n, "a rule that nobody can meet", what)
}

// nothingPasses is what is written for something that every change needs.
const nothingPasses = "a rule that nobody can meet and that every change needs: no change can pass until you mend this"

// shut shuts the gate for every change: what could not be understood shuts it for some, and it is not known for which.
func (im *importer) shut(n *yaml.Node, what string) { im.block(im.lostFor(n, nothingPasses, what)) }

func (im *importer) lostFor(n *yaml.Node, instead, what string) *tree {
	if len(im.rules) > mostRules {
		im.left = -1
	}
	x := &rule{node: n, line: n.Line, name: "not carried over", when: &condition{}, needs: &condition{}, automatic: true, never: true}
	im.say(x, n, true, what, instead)
	x.name = im.unique(x.name)
	im.rules = append(im.rules, x)
	return &tree{rule: x}
}

// use notes that a rule is named.
func (im *importer) use(x *rule) {
	if !x.used {
		x.used, x.name = true, im.unique(x.name)
		im.rules = append(im.rules, x)
	}
}

// unique makes a name that Sluice takes and that is not given out.
func (im *importer) unique(name string) string {
	if name = oneLine(name); name == "" {
		name = "rule"
	}
	for len(name) > 200 {
		runes := []rune(name)
		name = strings.TrimSpace(string(runes[:len(runes)*3/4])) + "…"
	}
	if im.names == nil {
		im.names = map[string]int{}
	}
	free := name
	for im.names[free] > 0 {
		im.names[name]++
		free = fmt.Sprintf("%s (%d)", name, im.names[name])
	}
	im.names[free] = 1
	return free
}

// leaves are the rules of a tree.
func (t *tree) leaves() []*rule {
	if t == nil {
		return nil
	}
	if t.rule != nil {
		return []*rule{t.rule}
	}
	var all []*rule
	for _, p := range t.parts {
		all = append(all, p.leaves()...)
	}
	return all
}

func (t *tree) write(b *strings.Builder, indent string) {
	for _, p := range t.parts {
		if p.rule != nil {
			fmt.Fprintf(b, "%s- %s\n", indent, scalar(p.rule.name))
			continue
		}
		fmt.Fprintf(b, "%s- %s:\n", indent, map[bool]string{true: "any", false: "all"}[p.any])
		p.write(b, indent+"    ")
	}
}
