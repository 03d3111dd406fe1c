package policybot

import (
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// config reads the whole text.
func (im *importer) config(root *yaml.Node) {
	var approval, disapproval, rules *yaml.Node
	var strange []pair
	defaults := &options{}
	ps, ok := im.pairs(root)
	if !ok {
		strange = append(strange, pair{"the policy", root, root})
	}
	for _, p := range ps {
		switch p.name {
		case "policy":
			approval, disapproval, strange = im.parts(p, strange)
		case "approval_rules":
			rules = p.value
		case "approval_defaults":
			v, fine := im.only(p.value, "options")
			if defaults = im.options(v["options"]); !fine {
				strange = append(strange, p)
			}
		case "remote":
			im.remote(p, ps)
			return
		default:
			strange = append(strange, p)
		}
	}
	im.defined(rules, defaults)
	if approval != nil {
		im.tree = im.approval(approval)
	}
	if im.tree == nil {
		im.note(root, false, "policy.approval asks for nothing, so policy-bot approves every change", "an approval without rules")
	}
	im.disapproval(disapproval)
	for _, p := range strange {
		im.shut(p.key, fmt.Sprintf("%q is not understood here, so policy-bot approves nothing", oneLine(p.name)))
	}
	if im.left >= 0 {
		im.settle()
	}
}

// parts are those of the key policy.
func (im *importer) parts(p pair, strange []pair) (approval, disapproval *yaml.Node, _ []pair) {
	inner, ok := im.pairs(p.value)
	if !ok {
		strange = append(strange, p)
	}
	for _, q := range inner {
		switch q.name {
		case "approval":
			approval = q.value
		case "disapproval":
			disapproval = q.value
		default:
			strange = append(strange, q)
		}
	}
	return approval, disapproval, strange
}

// remote says where the policy stands instead.
func (im *importer) remote(p pair, ps []pair) {
	where := oneLine(p.value.Value)
	for _, q := range ps {
		switch q.name {
		case "path":
			where += ", " + oneLine(q.value.Value)
		case "ref":
			where += ", at " + oneLine(q.value.Value)
		}
	}
	im.elsewhere = true
	im.note(p.key, true, "the policy stands in another repository ("+where+")",
		"nothing: import that file, as the organisation's policy (sluice.yml in its .github repository) where several repositories share it")
}

// defined reads the rules. Of two with one name the later counts.
func (im *importer) defined(n *yaml.Node, defaults *options) {
	im.byName = map[string]*rule{}
	if n == nil {
		return
	}
	items, ok := im.items(n)
	if !ok {
		im.shut(n, "approval_rules is no list, so policy-bot approves nothing")
	}
	for _, c := range items {
		before := len(im.notes)
		x := im.rule(c, defaults)
		x.first, x.last = before, len(im.notes)
		if old := im.byName[x.name]; old != nil {
			im.unsay(old)
			im.note(c, false, fmt.Sprintf("there is a rule %q already, in line %d", oneLine(x.name), old.line), "this one, as policy-bot takes the last")
		}
		im.byName[x.name] = x
	}
}

// settle joins what is asked for with what must not be, puts the rules into the order of the text, and forgets those that
// count for nothing.
func (im *importer) settle() {
	if im.open = im.tree == nil; im.open {
		im.tree = &tree{}
	}
	im.tree.parts = append(im.tree.parts, im.blocks...)
	used := im.tree.leaves()
	im.rules = slices.DeleteFunc(im.rules, func(x *rule) bool { return !slices.Contains(used, x) })
	slices.SortStableFunc(im.rules, func(a, b *rule) int { return a.line - b.line })
	for _, name := range slices.Sorted(maps.Keys(im.byName)) {
		if x := im.byName[name]; !slices.Contains(used, x) {
			im.unsay(x)
			im.notes = append(im.notes, Note{Line: x.line, Column: 1, What: fmt.Sprintf("policy.approval does not name the rule %q", oneLine(name)),
				Instead: "nothing, as for policy-bot it does not count either"})
		}
	}
	im.notes = slices.DeleteFunc(im.notes, func(n Note) bool { return n.Line == 0 })
}

// unsay takes back what was said of a rule that does not count.
func (im *importer) unsay(x *rule) {
	for i := x.first; i < x.last; i++ {
		im.notes[i].Line = 0
	}
}

// block makes a part one that every change needs.
func (im *importer) block(part *tree) { im.blocks = append(im.blocks, part) }
