package environments

import (
	"github.com/pelletier/go-toml/v2/unstable"
)

// readTOML reads by go-toml's own syntax tree, since its decoder does not tell lines.
func readTOML(text string) ([]*node, error) {
	p := &unstable.Parser{}
	p.Reset([]byte(text))
	t := &tomlTree{p: p, root: &node{kind: mapping, line: 1}, left: 5 * maxKeys}
	t.table = t.root
	for p.NextExpression() {
		if !t.expression(p.Expression()) {
			return nil, ErrTooLarge
		}
	}
	if err := p.Error(); err != nil {
		return nil, &SyntaxError{Format: "TOML", Line: t.line + 1}
	}
	return []*node{t.root}, nil
}

type tomlTree struct {
	p     *unstable.Parser
	root  *node
	table *node // the one that key-values go to
	line  int   // of the last expression
	left  int
}

func (t *tomlTree) expression(e *unstable.Node) bool {
	switch e.Kind {
	case unstable.KeyValue:
		names, line := t.key(e)
		t.line = line
		return t.put(t.table, names, line, t.value(e.Value(), line, 0))
	case unstable.Table:
		names, line := t.key(e)
		t.line = line
		t.table = t.open(t.root, names, line)
	case unstable.ArrayTable:
		names, line := t.key(e)
		t.line = line
		if len(names) == 0 {
			return true
		}
		in := t.open(t.root, names[:len(names)-1], line)
		last := names[len(names)-1]
		l := in.child(last)
		if l == nil || l.kind != list {
			l = &node{kind: list, line: line}
			in.set(last, line, l)
		}
		t.table = &node{kind: mapping, line: line}
		l.items = append(l.items, t.table)
	}
	t.left--
	return t.left > 0
}

// key returns the parts of a key and the line it stands on.
func (t *tomlTree) key(e *unstable.Node) ([]string, int) {
	var names []string
	line := t.line
	for it := e.Key(); it.Next(); {
		k := it.Node()
		if len(names) == 0 {
			line = t.p.Shape(k.Raw).Start.Line
		}
		names = append(names, string(k.Data))
	}
	return names, line
}

// open returns the table at the names below n, made where it is missing. Of a list of tables it is the last.
func (t *tomlTree) open(n *node, names []string, line int) *node {
	for _, name := range names {
		t.left--
		c := n.child(name)
		if c != nil && c.kind == list && len(c.items) > 0 {
			c = c.items[len(c.items)-1]
		}
		if c == nil || c.kind != mapping {
			c = &node{kind: mapping, line: line}
			n.set(name, line, c)
		}
		n = c
	}
	return n
}

func (t *tomlTree) put(n *node, names []string, line int, v *node) bool {
	if len(names) == 0 || len(names) > maxDepth {
		return false
	}
	t.open(n, names[:len(names)-1], line).set(names[len(names)-1], line, v)
	t.left--
	return t.left > 0
}

func (t *tomlTree) value(v *unstable.Node, line, depth int) *node {
	t.left--
	n := &node{line: line}
	if v == nil || !v.Valid() || depth > maxDepth || t.left <= 0 {
		return n
	}
	switch v.Kind {
	case unstable.Array:
		n.kind = list
		for it := v.Children(); it.Next(); {
			n.items = append(n.items, t.value(it.Node(), line, depth+1))
		}
	case unstable.InlineTable:
		n.kind = mapping
		for it := v.Children(); it.Next(); {
			names, at := t.key(it.Node())
			t.put(n, names, at, t.value(it.Node().Value(), at, depth+1))
		}
	default:
		n.value = string(v.Data)
	}
	return n
}
