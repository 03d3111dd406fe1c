package policybot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	mostBytes = 1 << 20
	mostNodes = 20_000 // that may be looked at, each as often as an alias stands for it
	mostDepth = 40
)

// reader walks over the nodes of the text, aliases followed, and gathers notes. What it sees is bounded: aliases can make
// a small text endless.
type reader struct {
	left  int // nodes that may still be looked at
	notes []Note
}

// document returns the root of the only document, which has to be a mapping.
func (r *reader) document(text string) (*yaml.Node, error) {
	switch {
	case len(text) > mostBytes:
		return nil, fmt.Errorf("%w: it is larger than 1 MB", ErrUnreadable)
	case !utf8.ValidString(text):
		return nil, fmt.Errorf("%w: it is not UTF-8", ErrUnreadable)
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewBufferString(text))
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it is empty", ErrUnreadable)
	} else if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrUnreadable, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%w: it is no mapping", ErrUnreadable)
	}
	var next yaml.Node
	if err := d.Decode(&next); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it has more than one document", ErrUnreadable)
	}
	return doc.Content[0], nil
}

// note says what becomes of a construct.
func (r *reader) note(n *yaml.Node, refused bool, what, instead string) Note {
	x := Note{What: what, Instead: instead, Refused: refused, Line: 1, Column: 1}
	if n != nil && n.Line > 0 {
		x.Line, x.Column = n.Line, n.Column
	}
	r.notes = append(r.notes, x)
	return x
}

// at follows aliases to what they stand for.
func (r *reader) at(n *yaml.Node) *yaml.Node {
	for range mostDepth {
		if n == nil || n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	r.left--
	if r.left < 0 || n == nil || n.Kind == yaml.AliasNode {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	return n
}

// pair is one key with its value.
type pair struct {
	name       string
	key, value *yaml.Node
}

// pairs are the keys of a mapping, merged ones (<<) behind its own. ok is false for anything else but nothing at all.
func (r *reader) pairs(n *yaml.Node) (ps []pair, ok bool) { return r.merged(n, 0) }

func (r *reader) merged(n *yaml.Node, depth int) (ps []pair, ok bool) {
	n = r.at(n)
	if absent(n) {
		return nil, true
	}
	if n.Kind != yaml.MappingNode || depth > 10 {
		return nil, false
	}
	seen, ok := map[string]bool{}, true
	var later []pair
	for i := 0; i+1 < len(n.Content) && r.left >= 0; i += 2 {
		key := r.at(n.Content[i])
		if key.Kind == yaml.ScalarNode && key.Tag == "!!merge" {
			more, fine := r.mergedAll(n.Content[i+1], depth)
			later, ok = append(later, more...), ok && fine
			continue
		}
		if key.Kind != yaml.ScalarNode || seen[key.Value] {
			ok = false
			continue
		}
		seen[key.Value] = true
		ps = append(ps, pair{key.Value, key, r.at(n.Content[i+1])})
	}
	for _, p := range later {
		if !seen[p.name] {
			seen[p.name] = true
			ps = append(ps, p)
		}
	}
	return ps, ok
}

func (r *reader) mergedAll(n *yaml.Node, depth int) (ps []pair, ok bool) {
	if n = r.at(n); n.Kind != yaml.SequenceNode {
		return r.merged(n, depth+1)
	}
	ok = true
	for _, c := range n.Content {
		more, fine := r.merged(c, depth+1)
		ps, ok = append(ps, more...), ok && fine
	}
	return ps, ok
}

// items are the entries of a list. ok is false for anything else but nothing at all.
func (r *reader) items(n *yaml.Node) (list []*yaml.Node, ok bool) {
	n = r.at(n)
	if absent(n) {
		return nil, true
	}
	if n.Kind != yaml.SequenceNode {
		return nil, false
	}
	for _, c := range n.Content {
		if r.left < 0 {
			return nil, false
		}
		list = append(list, r.at(c))
	}
	return list, true
}

// texts are the entries of a list of plain values.
func (r *reader) texts(n *yaml.Node) (list []string, ok bool) {
	items, ok := r.items(n)
	for _, c := range items {
		s, fine := text(c)
		list, ok = append(list, s), ok && fine
	}
	return list, ok
}

// patterns are the entries of a list of regular expressions.
func (r *reader) patterns(n *yaml.Node) (list []string, ok bool) {
	list, ok = r.texts(n)
	for _, p := range list {
		if _, err := regexp.Compile(p); err != nil {
			return nil, false
		}
	}
	return list, ok
}

func absent(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func text(n *yaml.Node) (string, bool) {
	return n.Value, n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null"
}

func truth(n *yaml.Node) (is, ok bool) {
	if n.Kind != yaml.ScalarNode {
		return false, false
	}
	switch strings.ToLower(n.Value) { // the older YAML that policy-bot reads has more words for it
	case "true", "yes", "on", "y":
		return true, n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
	case "false", "no", "off", "n", "", "~", "null":
		return false, n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
	}
	return false, false
}

func number(n *yaml.Node) (int, bool) {
	i, err := strconv.Atoi(n.Value)
	return i, n.Kind == yaml.ScalarNode && err == nil
}

func printable(r rune) bool { return unicode.IsPrint(r) }
