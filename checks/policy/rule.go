package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rule says where the value at a key path came from: ".sluice.yml:12 changelog.exempt" with the line of that key or,
// where it is silent, of the nearest key above it; "default changelog.exempt" where neither is given.
func (p *Policy) Rule(path string) string {
	for at := path; at != ""; at = parent(at) {
		if w, ok := p.where[at]; ok {
			if w.required {
				path = "required." + path
			}
			return fmt.Sprintf("%s:%d %s", w.file, w.Line, path)
		}
	}
	if w, ok := p.where[""]; ok && p.floor {
		return fmt.Sprintf("%s:%d required.%s", w.file, w.Line, path)
	}
	return "default " + path
}

// Given says whether the policy itself gives a value at the key path, rather than a default.
func (p *Policy) Given(path string) bool {
	_, ok := p.where[path]
	return ok
}

// At returns where the key at the path, or the nearest one above it, stands in the text; 1:1 where none is given.
func (p *Policy) At(path string) Position {
	for at := path; at != ""; at = parent(at) {
		if w, ok := p.where[at]; ok {
			return w.Position
		}
	}
	return Position{1, 1}
}

// Floor says that this layer is the organisation's `required:`, in which what is not mentioned asks for nothing.
func (p *Policy) Floor() bool { return p.floor }

// Source is the text that the layer was read from; the zero Source for the defaults.
func (p *Policy) Source() Source { return p.source }

// parent cuts the last step off a key path.
func parent(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// sortedNames lists the names of a mapping in order.
func sortedNames(roles map[string]From) []string { return slices.Sorted(maps.Keys(roles)) }
