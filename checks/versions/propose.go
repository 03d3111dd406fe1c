package versions

import (
	"fmt"
	"slices"
	"strings"
)

// Proposals is what `inspect tags --propose` shows.
type Proposals struct {
	Proposals []Proposal `json:"proposals"`
}

// Proposal is a tag that somebody thinks of, and what would be wrong with it.
type Proposal struct {
	Tag     string  `json:"tag"`
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason"`
}

// Propose judges a tag against a tag list. Whoever has several tags reads the list once with Read.
func Propose(tags []Tag, tag string) Proposal { return Read(tags).Propose(tag) }

// Propose judges a tag that is not there yet: its name, its scheme and style against those of its group, its place in
// the order. What it may be below is said at Scheme.Place.
func (h *History) Propose(tag string) Proposal {
	verdict, reason := h.propose(tag)
	return Proposal{tag, verdict, reason}
}

func (h *History) propose(tag string) (Verdict, string) {
	if t, there := h.names[tag]; there {
		if t.Commit != "" {
			return Used, "it is there already, at " + t.Commit[:min(10, len(t.Commit))]
		}
		return Used, "it is there already"
	}
	if why := refProblem(tag); why != "" {
		return Malformed, why
	}
	for _, g := range h.groups {
		if v, mine, err := g.line.Parse(tag); g.declared && mine {
			return h.place(g, v, err)
		}
	}
	prefix, v, ok := split(tag)
	if !ok || movingName(tag) && v.count < 2 {
		if movingName(tag) {
			return Malformed, "a name that moves from release to release, not a release"
		}
		return Malformed, holdsNone(tag)
	}
	component, _ := trimV(prefix)
	g := h.home(component, prefix, v)
	if g == nil {
		return h.newcomer(component, prefix, v)
	}
	parsed, err := g.line.Scheme.Parse(v.Text)
	parsed.Tag = tag
	if err == nil && !slices.Contains(g.styles, prefix) {
		return StyleMismatch, fmt.Sprintf("tags here are written %s%s, like %s", g.styles[0], "{version}", g.example())
	}
	if err == nil && g.line.Scheme.name == "" && dateAmong(parsed, g.versions) {
		return StyleMismatch, "it looks like a date; versions here are SemVer, like " + g.example()
	}
	return h.place(g, parsed, err)
}

// place judges a tag that is written as its group's are.
func (h *History) place(g *group, v Version, err error) (Verdict, string) {
	if err != nil {
		if loose, ok := scan(v.Text); ok && h.movesHere(g, loose) {
			return OK, "a tag that moves with its releases, like others here; not a release itself"
		}
		return Malformed, err.Error()
	}
	verdict, reason := g.line.Scheme.Place(v, g.versions)
	if verdict == Used && g.twins {
		return OK, reason + " in the other style; here versions are tagged in both"
	}
	return verdict, reason
}

// movesHere says whether a short tag would be one of those that this project moves along with its releases.
func (h *History) movesHere(g *group, v Version) bool {
	habit := slices.ContainsFunc(h.moving, func(tag string) bool {
		prefix, m, ok := split(tag)
		return ok && m.count == v.count && slices.Contains(g.styles, prefix)
	})
	return habit && slices.ContainsFunc(g.versions, func(o Version) bool { return o.count > v.count && o.sameLine(v, v.count) })
}

// home is the group that a proposal belongs to: of its component, with its prefix if there is one, else one whose
// scheme takes it.
func (h *History) home(component, prefix string, v Version) *group {
	var best *group
	rank := -1
	for _, g := range h.groups {
		if g.component != component || len(g.versions) == 0 {
			continue
		}
		r := 0
		if slices.Contains(g.styles, prefix) {
			r += 2
		}
		if _, err := g.line.Scheme.Parse(v.Text); err == nil {
			r++
		}
		if r > rank {
			best, rank = g, r
		}
	}
	return best
}

// newcomer judges the first tag of a component. It must be written as other components' tags are.
func (h *History) newcomer(component, prefix string, v Version) (Verdict, string) {
	var like *group
	for _, g := range h.groups {
		if len(g.versions) == 0 {
			continue
		}
		if like == nil {
			like = g
		}
		if component != "" && g.component != "" && joint(prefix) == joint(g.line.Template.prefix) {
			if parsed, err := g.line.Scheme.Parse(v.Text); err != nil {
				return Malformed, err.Error()
			} else if !parsed.Zero() {
				return OK, "the first tag of " + clip(strings.TrimRight(component, "/@-_"))
			}
		}
	}
	if g := h.home("", "", v); g != nil && strings.HasSuffix(component, "/") && slices.Contains(g.styles, prefix[len(component):]) {
		if _, err := g.line.Scheme.Parse(v.Text); err == nil {
			return OK, "the first tag of " + clip(strings.TrimRight(component, "/"))
		}
	}
	if like != nil {
		return StyleMismatch, fmt.Sprintf("no tag here starts with %s; they are written like %s", clip(prefix), like.example())
	}
	s := detect([]entry{{v: v}})
	if s.tokens == nil {
		s = Scheme{}
	}
	if _, err := s.Parse(v.Text); err != nil {
		return Malformed, err.Error()
	}
	return OK, "the first release"
}

// joint is what stands between a component's name and the version: "/v", "@", "-".
func joint(prefix string) string {
	component, v := trimV(prefix)
	if component == "" {
		return v
	}
	if c := component[len(component)-1]; !letter(c) && !digit(c) {
		return string(c) + v
	}
	return v
}

// example is a tag of the group in its usual style.
func (g *group) example() string {
	high, pre := Highest(g.versions)
	if high.Zero() {
		high = pre
	}
	text := high.Text
	if text == "" {
		return g.line.Template.String()
	}
	return g.line.Template.Tag(text)
}

// dateAmong says that v starts with a year and nothing else comes near it.
func dateAmong(v Version, there []Version) bool {
	if v.nums[0] < 1990 || v.nums[0] > 2100 {
		return false
	}
	return !slices.ContainsFunc(there, func(o Version) bool { return o.nums[0] >= 1000 })
}
