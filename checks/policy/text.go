package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks/patterns"
)

const (
	mostBytes = 1 << 20 // of one policy
	mostDepth = 24      // of nesting; the deepest policy needs 12
	mostItems = 1000    // of one list or mapping
)

// kinds says in words why a Source's Kind cannot be read.
var kinds = map[string]string{
	"binary":    "is a binary file, not YAML text",
	"symlink":   "is a symbolic link; a policy must be an ordinary file, so that it cannot point elsewhere",
	"submodule": "is a submodule, not a file",
	"lfs":       "is a Git LFS pointer; a policy must be kept in the repository itself",
	"encoding":  "is not UTF-8",
	"large":     "is larger than 1 MB",
}

// parse reads the text as one YAML document and returns its root, or nil for an empty one. It refuses all that could
// make a small text mean something large or something else: anchors, aliases, merge keys, tags, further documents.
func (d *decoder) parse(s Source) *yaml.Node {
	if s.Kind != "" {
		why, ok := kinds[s.Kind]
		if !ok {
			why = "is of a kind that cannot be read: " + quote(s.Kind)
		}
		d.problem(1, 1, "the policy %s", why)
		return nil
	}
	if len(s.Text) > mostBytes {
		d.problem(1, 1, "the policy is larger than 1 MB")
		return nil
	}
	if line, column, bad := illegible(s.Text); bad {
		d.problem(line, column, "the policy is not UTF-8 here")
		return nil
	}
	root, ok := d.document(s.Text)
	if !ok || root == nil || !d.tree(root, 0) {
		return nil
	}
	return root
}

// document returns the root of the only document.
func (d *decoder) document(text string) (*yaml.Node, bool) {
	reader := yaml.NewDecoder(strings.NewReader(text))
	var doc, next yaml.Node
	if err := reader.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, true
	} else if err != nil {
		d.syntax(err)
		return nil, false
	}
	if err := reader.Decode(&next); err == nil {
		d.problem(max(next.Line, 1), max(next.Column, 1), "a second document begins here; a policy is one document")
		return nil, false
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
		return nil, false
	}
	if len(doc.Content) == 0 {
		return nil, true
	}
	return doc.Content[0], true
}

var syntaxLine = patterns.New(`line (\d+)`)

// syntax turns the parser's error into a problem; it tells the line in its text alone, and never the column.
func (d *decoder) syntax(err error) {
	line := 1
	if m := syntaxLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	message := syntaxLine.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "")
	d.problem(max(line, 1), 1, "this is not YAML: %s", strings.Trim(message, " :"))
}

// tree walks over all nodes before any is given a meaning.
func (d *decoder) tree(n *yaml.Node, depth int) bool {
	switch {
	case depth > mostDepth:
		d.problem(n.Line, n.Column, "nested more than %d deep", mostDepth)
		return false
	case n.Kind == yaml.AliasNode:
		d.problem(n.Line, n.Column, "aliases are not allowed in a policy; write the value out")
		return false
	case n.Anchor != "":
		d.problem(n.Line, n.Column, "anchors are not allowed in a policy; write the value out")
		return false
	case n.Style&yaml.TaggedStyle != 0:
		d.problem(n.Line, n.Column, "the tag %s is not allowed in a policy; put a value that begins with ! in quotes", quote(n.Tag))
		return false
	case len(n.Content) > 2*mostItems:
		d.problem(n.Line, n.Column, "more than %d entries", mostItems)
		return false
	}
	fine := true
	for _, c := range n.Content {
		fine = d.tree(c, depth+1) && fine
		if len(d.problems) > mostProblems {
			return false
		}
	}
	return fine && d.keys(n)
}

// keys refuses keys that are no words and those that are given twice, where YAML parsers differ on which one counts.
func (d *decoder) keys(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode {
		return true
	}
	fine, seen := true, make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		first, again := seen[k.Value]
		switch {
		case k.Kind != yaml.ScalarNode:
			d.problem(k.Line, k.Column, "a key must be a word")
		case k.Tag == "!!merge":
			d.problem(k.Line, k.Column, "merge keys (<<) are not allowed in a policy; write the values out")
		case again:
			d.problem(k.Line, k.Column, "%s is given twice, first in line %d", quote(k.Value), first)
		default:
			seen[k.Value] = k.Line
			continue
		}
		fine = false
	}
	return fine
}

// illegible returns the place of the first byte that is not UTF-8 or that is a control character YAML has no use for.
func illegible(text string) (line, column int, bad bool) {
	if utf8.ValidString(text) && !strings.ContainsRune(text, 0) {
		return 0, 0, false
	}
	at := 0
	for at < len(text) {
		r, size := utf8.DecodeRuneInString(text[at:])
		if r == utf8.RuneError && size == 1 || r == 0 {
			break
		}
		at += size
	}
	before := []byte(text[:at])
	return 1 + bytes.Count(before, []byte{'\n'}), 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]), true
}

// problem notes one thing that is wrong.
func (d *decoder) problem(line, column int, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.file, line, column, fmt.Sprintf(format, args...)})
}
