package environments

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Key is one setting. A list whose items have no names is one key with several values.
type Key struct {
	Path  string // "spring.datasource.url", "env[LOG_LEVEL]"
	Line  int    // from 1
	Value string // of a scalar; "" else. Never to be shown.
}

// Bounds on one text. Past them it cannot be compared.
const (
	maxText  = 1 << 20
	maxKeys  = 20_000
	maxPath  = 1_000 // of one key
	maxDepth = 64
	maxNest  = 500 // open brackets, before any parser is let near
)

// Errors that Parse gives besides SyntaxError.
var (
	// ErrOpaque says that the format has no keys that Sluice can read.
	ErrOpaque = errors.New("not a format with keys")
	// ErrTooLarge says that the text is past the bounds, aliases expanded.
	ErrTooLarge = errors.New("too large or too deeply nested to compare")
)

// SyntaxError says where a text is not of its format. It holds no piece of the text.
type SyntaxError struct {
	Format string // "YAML"
	Line   int    // from 1; 0: not known
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return "not valid " + e.Format
	}
	return fmt.Sprintf("not valid %s at line %d", e.Format, e.Line)
}

// Parse reads the keys of a configuration file, in the order of the text. The format is told from the path.
// Errors: ErrOpaque, ErrTooLarge, *SyntaxError.
func Parse(p, text string) ([]Key, error) {
	if len(text) > maxText {
		return nil, ErrTooLarge
	}
	text = strings.TrimPrefix(text, "\ufeff")
	read := reader(p)
	if read == nil {
		return nil, ErrOpaque
	}
	if nesting(text) > maxNest {
		return nil, ErrTooLarge
	}
	docs, err := read(text)
	if err != nil {
		return nil, err
	}
	w := &walker{overlay: overlay(p)}
	for _, d := range docs {
		w.document(d, docs)
	}
	if w.full {
		return nil, ErrTooLarge
	}
	return w.keys, nil
}

// Readable says whether Parse knows the format.
func Readable(p string) bool { return reader(p) != nil }

func reader(p string) func(string) ([]*node, error) {
	_, ext, ok := split(path.Base(p))
	if !ok {
		return nil
	}
	switch ext {
	case "yml", "yaml":
		return readYAML
	case "json", "jsonc":
		return readJSON
	case "toml":
		return readTOML
	case "properties":
		return readProperties
	case "env":
		return readDotenv
	case "ini", "cfg":
		return readINI
	case "tfvars":
		if strings.HasSuffix(strings.ToLower(p), ".json") {
			return readJSON
		}
		return readHCL
	case "hcl":
		return readHCL
	}
	return nil
}

// nesting is the greatest number of brackets open at once. Brackets in strings count too: it is a bound, so that no
// parser below recurses without end.
func nesting(text string) int {
	depth, most := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '{', '[', '(':
			depth++
			most = max(most, depth)
		case '}', ']', ')':
			depth = max(depth-1, 0)
		}
	}
	return most
}

// node is a tree of settings, whatever the format.
type node struct {
	kind  nodeKind
	value string // of a scalar
	line  int
	names []string // of a mapping, beside items
	at    []int    // lines of the names
	items []*node
	index map[string]int
}

type nodeKind int

const (
	scalar nodeKind = iota
	list
	mapping
)

// child returns the item under a name.
func (n *node) child(name string) *node {
	if n == nil || n.kind != mapping {
		return nil
	}
	if n.index != nil {
		if i, ok := n.index[name]; ok {
			return n.items[i]
		}
		return nil
	}
	if i := slices.Index(n.names, name); i >= 0 {
		return n.items[i]
	}
	return nil
}

// set adds or replaces the item under a name.
func (n *node) set(name string, line int, item *node) {
	if n.index == nil {
		n.index = map[string]int{}
	}
	if i, ok := n.index[name]; ok {
		n.items[i], n.at[i] = item, line
		return
	}
	n.index[name] = len(n.items)
	n.names, n.at, n.items = append(n.names, name), append(n.at, line), append(n.items, item)
}

// text of a scalar child, or "".
func (n *node) text(name string) string {
	if c := n.child(name); c != nil && c.kind == scalar {
		return c.value
	}
	return ""
}
