package environments

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks/patterns"
)

var (
	yamlLine = patterns.New(`line (\d+)`)
	// Templates of Helm, Nais and Ansible stand in YAML that is no YAML before they are filled in.
	template     = patterns.New(`\{\{[^\n{}]*\}\}`)
	templateLine = patterns.New(`(?m)^[ \t]*(?:\{\{-?[^\n]*\}\}|\{%-?[^\n]*%\})[ \t]*$`)
)

// readYAML reads all documents. Templates are taken for plain words.
func readYAML(text string) ([]*node, error) {
	docs, err := yamlDocuments(text)
	if err == nil || errors.Is(err, ErrTooLarge) || !strings.Contains(text, "{{") && !strings.Contains(text, "{%") {
		return docs, err
	}
	plain := template.ReplaceAllString(templateLine.ReplaceAllString(text, ""), "template")
	if docs, again := yamlDocuments(plain); again == nil {
		return docs, nil
	}
	return nil, err
}

func yamlDocuments(text string) ([]*node, error) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	c := &yamlTree{left: 5 * maxKeys}
	var docs []*node
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, yamlError(err)
		}
		if len(n.Content) == 1 {
			d := c.node(n.Content[0], 0)
			if c.left <= 0 {
				return nil, ErrTooLarge
			}
			if d.kind != scalar || d.value != "" {
				docs = append(docs, d)
			}
		}
	}
}

func yamlError(err error) error {
	e := &SyntaxError{Format: "YAML"}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
	}
	return e
}

// yamlTree copies a document with its aliases expanded, up to a number of nodes: an alias bomb runs into it.
type yamlTree struct{ left int }

func (c *yamlTree) node(y *yaml.Node, depth int) *node {
	c.left--
	if depth > maxDepth {
		c.left = 0
	}
	if c.left <= 0 {
		return &node{line: y.Line}
	}
	switch y.Kind {
	case yaml.AliasNode:
		return c.node(y.Alias, depth+1)
	case yaml.SequenceNode:
		n := &node{kind: list, line: y.Line}
		for _, item := range y.Content {
			n.items = append(n.items, c.node(item, depth+1))
		}
		return n
	case yaml.MappingNode:
		return c.mapping(y, depth)
	}
	n := &node{line: y.Line, value: y.Value}
	if y.Tag == "!!null" {
		n.value = ""
	}
	return n
}

func (c *yamlTree) mapping(y *yaml.Node, depth int) *node {
	n := &node{kind: mapping, line: y.Line}
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		if k.Tag == "!!merge" {
			c.merge(n, v, depth)
			continue
		}
		name := k.Value
		if k.Kind == yaml.AliasNode && k.Alias != nil {
			name = k.Alias.Value
		}
		n.set(name, k.Line, c.node(v, depth+1))
	}
	return n
}

// merge takes over what `<<` points at, unless the mapping has it itself.
func (c *yamlTree) merge(n *node, y *yaml.Node, depth int) {
	from := c.node(y, depth+1)
	sources := []*node{from}
	if from.kind == list {
		sources = from.items
	}
	for _, s := range sources {
		for i, name := range s.names {
			if n.child(name) == nil {
				n.set(name, s.at[i], s.items[i])
			}
		}
	}
}
