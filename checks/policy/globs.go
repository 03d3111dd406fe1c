package policy

import "github.com/bmatcuk/doublestar/v4"

// Globs are path patterns: `*` within a name, `**` over folders, `{a,b}` and `[a-z]`; no leading slash.
// The loader refuses patterns that are malformed or built to be slow.
type Globs []string

// Match says whether one of the patterns matches the slash-separated path.
func (g Globs) Match(path string) bool {
	_, ok := g.Which(path)
	return ok
}

// Which returns the first pattern that matches the path.
func (g Globs) Which(path string) (string, bool) {
	for _, p := range g {
		if doublestar.MatchUnvalidated(p, path) {
			return p, true
		}
	}
	return "", false
}
