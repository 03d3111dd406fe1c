package versions

import (
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/sorting"
)

// Tag is one of a repository. Commit and At help to tell moving tags and CalVer; either may be zero.
type Tag struct {
	Name   string
	Commit string
	At     time.Time
}

// History is a tag list, understood.
type History struct {
	groups  []*group
	invalid []Invalid
	moving  []string
	names   map[string]Tag
}

// group is one sequence of releases, found or declared.
type group struct {
	component string // the prefix without its v
	line      Line
	declared  bool
	entries   []entry   // releases and prereleases
	versions  []Version // of the entries, as the scheme reads them
	styles    []string  // prefixes at home here, the usual one first
	twins     bool      // releases are tagged in two styles at once, as a habit
}

// Report is what `inspect tags --json` shows.
type Report struct {
	Groups  []Group   `json:"groups"`
	Invalid []Invalid `json:"invalid"`
	Moving  []string  `json:"moving"`
}

// Group is one sequence of releases: Prefix is what stands before the version ("v", "api/v"), and all others are
// whole tags. Highest is "" when there is no release yet, Prerelease is the highest prerelease above it.
type Group struct {
	Prefix     string `json:"prefix"`
	Scheme     string `json:"scheme"`
	Highest    string `json:"highest"`
	Prerelease string `json:"prerelease,omitempty"`
	Next       Next   `json:"next"`
	Tags       int    `json:"tags"`
}

// Next are the tags that a release of each level would get; "" when the scheme allows none.
type Next struct {
	Patch string `json:"patch"`
	Minor string `json:"minor"`
	Major string `json:"major"`
}

// Invalid is a tag that follows no scheme, or not the one of its group.
type Invalid struct {
	Tag    string `json:"tag"`
	Reason string `json:"reason"`
}

// Read understands a tag list, in any order, in time linear in it but for sorting. Lines that a policy declares go
// first: their tags are held to them. The rest is grouped by prefix, and each group's scheme is found by looking.
func Read(tags []Tag, declared ...Line) *History {
	h := &History{names: make(map[string]Tag, len(tags))}
	for _, l := range declared {
		component, _ := trimV(l.Template.prefix)
		h.groups = append(h.groups, &group{component: component, line: l, declared: true, styles: []string{l.Template.prefix}})
	}
	found := map[string]map[string][]entry{} // by component, then by prefix
	for _, t := range tags {
		if _, twice := h.names[t.Name]; twice {
			continue
		}
		h.names[t.Name] = t
		if h.declare(t) {
			continue
		}
		prefix, v, ok := split(t.Name)
		switch {
		case movingName(t.Name) && !(ok && v.count > 1):
			h.moving = append(h.moving, t.Name)
		case !ok:
			h.invalid = append(h.invalid, Invalid{t.Name, holdsNone(t.Name)})
		default:
			v.Tag = t.Name
			component, _ := trimV(prefix)
			if found[component] == nil {
				found[component] = map[string][]entry{}
			}
			found[component][prefix] = append(found[component][prefix], entry{t, prefix, v})
		}
	}
	for _, component := range keys(found) {
		h.gather(component, found[component])
	}
	for _, g := range h.groups {
		if g.declared {
			h.settleDeclared(g)
		}
	}
	slices.SortStableFunc(h.groups, func(a, b *group) int { return strings.Compare(a.line.Template.prefix, b.line.Template.prefix) })
	sorting.By(h.invalid, func(a, b Invalid) int { return strings.Compare(a.Tag, b.Tag) })
	slices.Sort(h.moving)
	return h
}

// declare gives a tag to the declared line with the longest template that it is written by.
func (h *History) declare(t Tag) bool {
	var best *group
	for _, g := range h.groups {
		if _, mine, _ := g.line.Parse(t.Name); mine && (best == nil || len(g.line.Template.prefix) > len(best.line.Template.prefix)) {
			best = g
		}
	}
	if best == nil {
		return false
	}
	text, _ := best.line.Template.Version(t.Name)
	v, ok := best.line.Scheme.Loose(text)
	if !ok {
		v, _ = scan(text)
	}
	v.Tag = t.Name
	best.entries = append(best.entries, entry{t, best.line.Template.prefix, v})
	return true
}

func keys[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// gather makes groups of one component's tags. With and without v they are one sequence, as a rule: projects change
// their minds. Where dates are counted in one and not in the other, they are two.
func (h *History) gather(component string, byPrefix map[string][]entry) {
	var plain []entry
	for _, prefix := range keys(byPrefix) {
		entries := byPrefix[prefix]
		if s := detect(entries); s.tokens != nil && len(byPrefix) > 1 {
			h.add(component, s, entries)
		} else {
			plain = append(plain, entries...)
		}
	}
	if len(plain) > 0 {
		h.add(component, detect(plain), plain)
	}
}

// add settles a group: moving tags out, a name for the rest.
func (h *History) add(component string, s Scheme, entries []entry) {
	if !worthy(entries, s) {
		for _, e := range entries {
			if _, v := trimV(e.prefix); v != "" && e.v.suffix == "" {
				h.moving = append(h.moving, e.tag.Name)
			} else {
				h.invalid = append(h.invalid, Invalid{e.tag.Name, "a number alone is no version"})
			}
		}
		return
	}
	g := &group{component: component, line: Line{Scheme: s}, entries: entries}
	h.settle(g)
	g.styles = styles(g.entries)
	g.line.Template.prefix = g.styles[0]
	g.twins = twins(g.entries)
	for _, e := range g.entries {
		if !slices.Contains(g.styles, e.prefix) && 20*count(g.entries, e.prefix) < len(g.entries) {
			h.invalid = append(h.invalid, Invalid{e.tag.Name, "others here start with " + clip(g.styles[0]) + ", not with " + clip(e.prefix)})
		}
	}
	h.groups = append(h.groups, g)
}

func count(entries []entry, prefix string) int {
	n := 0
	for _, e := range entries {
		if e.prefix == prefix {
			n++
		}
	}
	return n
}

// worthy says whether these are versions at all: something has more than one number, a lone number is a date, or
// there are at least three lone numbers.
func worthy(entries []entry, s Scheme) bool {
	return s.tokens != nil || len(entries) > 2 || slices.ContainsFunc(entries, func(e entry) bool { return e.v.count > 1 })
}

func (h *History) settleDeclared(g *group) {
	h.settle(g)
	for i := range g.entries {
		g.entries[i].prefix = g.line.Template.prefix
	}
}

// settle takes the moving tags out of a group and lists what is malformed; what has its place in the order stays.
func (h *History) settle(g *group) {
	scanned := make([]Version, len(g.entries))
	for i, e := range g.entries {
		scanned[i] = e.v
	}
	among := companionsOf(scanned, func(v Version) string { return h.names[v.Tag].Commit })
	semver := g.line.Scheme.name == ""
	rest := g.entries[:0:0]
	for _, e := range g.entries {
		v, err := g.line.Scheme.Parse(e.v.Text)
		if err != nil {
			if semver && among.moves(e.v, e.tag.Commit) {
				h.moving = append(h.moving, e.tag.Name)
				continue
			}
			h.invalid = append(h.invalid, Invalid{e.tag.Name, err.Error()})
			ok := false
			if v, ok = g.line.Scheme.Loose(e.v.Text); !ok {
				continue
			}
		}
		v.Tag = e.tag.Name
		e.v = v
		rest = append(rest, e)
		g.versions = append(g.versions, v)
	}
	g.entries = rest
}

// styles are the prefixes at home in a group: those of at least two of the ten highest, or of the highest. The one
// that most of the ten have comes first; of two equally common ones the longer.
func styles(entries []entry) []string {
	if len(entries) == 0 {
		return []string{""}
	}
	top := newest(entries, 10)
	n := map[string]int{}
	for _, e := range top {
		n[e.prefix]++
	}
	var all []string
	for _, prefix := range keys(n) {
		if n[prefix] > 1 || prefix == top[0].prefix {
			all = append(all, prefix)
		}
	}
	slices.SortStableFunc(all, func(a, b string) int {
		if n[a] != n[b] {
			return n[b] - n[a]
		}
		return len(b) - len(a)
	})
	return all
}

// twins says whether some three versions have two tags.
func twins(entries []entry) bool {
	sorted, n := newest(entries, len(entries)), 0
	for i := 1; i < len(sorted); i++ {
		if sorted[i].prefix != sorted[i-1].prefix && sorted[i].v.Compare(sorted[i-1].v) == 0 {
			n++
		}
	}
	return n > 2
}

// holdsNone says why no version was found in a tag.
func holdsNone(tag string) string {
	if len(tag) > maxLength {
		return "it is too long for a version"
	}
	if i := strings.LastIndexByte(tag, '@'); i > 0 {
		if _, v, ok := split(tag[:i]); ok && v.count > 1 {
			return clip(tag[i:]) + " follows the version"
		}
	}
	for i := range len(tag) {
		if digit(tag[i]) && (i == 0 || !digit(tag[i-1]) && tag[i-1] != '.') {
			var v Version
			if rest, ok := v.numbers(tag[i:]); ok && v.count > 1 && rest != "" {
				return clip(rest) + " follows the numbers and is no known suffix"
			}
		}
	}
	return "it holds no version"
}

// Report says what there is; at is the day for which CalVer's next versions are meant.
func (h *History) Report(at time.Time) Report {
	r := Report{Groups: []Group{}, Invalid: []Invalid{}, Moving: []string{}}
	r.Invalid = append(r.Invalid, h.invalid...)
	r.Moving = append(r.Moving, h.moving...)
	for _, g := range h.groups {
		if len(g.versions) > 0 || g.declared {
			r.Groups = append(r.Groups, g.report(at))
		}
	}
	return r
}

func (g *group) report(at time.Time) Group {
	high, pre := Highest(g.versions)
	out := Group{Prefix: g.line.Template.prefix, Scheme: g.line.Scheme.String(), Tags: len(g.versions)}
	for _, v := range g.versions { // of two tags with one version the one in the usual style
		if v.Compare(high) == 0 && v.Prerelease() == high.Prerelease() && strings.HasPrefix(v.Tag, out.Prefix) {
			high = v
		}
	}
	out.Highest = high.Tag
	base := high
	if !pre.Zero() && (high.Zero() || pre.Compare(high) > 0) {
		out.Prerelease = pre.Tag
		if high.Zero() {
			base = pre
		}
	}
	next := func(l Level) string { return g.line.Template.Tag(g.line.Scheme.Next(base, l, at)) }
	out.Next = Next{next(Patch), next(Minor), next(Major)}
	return out
}
