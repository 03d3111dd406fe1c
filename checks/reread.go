package checks

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/sorting"
)

// Recorded facts hold what the policy of their time asked for and no more. Under another policy they may be silent
// where a forge would have told, and silence must not pass for absence: a list of paths in which the other policy's
// files were never looked for looks like a repository without them.

// Untold says by check what was not recorded and would have to be known.
type Untold map[string]string

// Reread reads the facts that a forge would have told under set out of those that were recorded under another policy
// (under; nil when that was broken, so that nothing was asked). What was recorded and nobody asks for now is left out,
// just as a forge would not have been asked. Checks that lack something are named in Untold: what they say about these
// facts is worth nothing.
func Reread(set, under *policy.Set, recorded *Facts) (*Facts, Untold) {
	r := &rereading{recorded: recorded, under: under, f: unasked(recorded), untold: Untold{}}
	if r.rounds(set) {
		return r.f, r.untold
	}
	for name, w := range wantsByCheck(set, r.f) {
		if !w.Empty() && r.untold[name] == "" {
			r.untold[name] = w.words(r.f)
		}
	}
	return r.f, r.untold
}

// mostRounds bounds how often seeing more makes a check want more.
const mostRounds = 6

// rereading is one pass over recorded facts.
type rereading struct {
	recorded *Facts
	under    *policy.Set // that they were recorded under, or nil
	f        *Facts
	untold   Untold
}

// unasked are the facts as every reading begins: without what is only read when a check wants it.
func unasked(recorded *Facts) *Facts {
	f := *recorded
	f.Texts, f.Paths, f.Listed, f.People, f.Teams, f.Orgs = nil, nil, false, nil, nil, nil
	f.Files = slices.Clone(recorded.Files)
	for i := range f.Files {
		if c := &f.Files[i]; len(c.Added)+len(c.Removed) > 0 || c.Cut { // without lines there was nothing to ask for
			c.Added, c.Removed, c.Read, c.Cut = nil, nil, false, false
		}
	}
	return &f
}

// askFor is what every check together wants of a subject.
func askFor(set *policy.Set, f *Facts) *Wants {
	if f.Subject.Kind == KindTag {
		return AskForTag(set, f)
	}
	if f.Subject.Kind == KindPromotion {
		return AskForPromotion(set, f)
	}
	return AskFor(set, f)
}

// eachWant goes through the lines of a promotion's verdict that want something, under each policy that has them judged.
func eachWant(set *policy.Set, f *Facts, visit func(l *PromotionLine, g *guard)) {
	if f.Promotion == nil {
		return
	}
	lines := Lines()
	for _, g := range guardsOf(set, f.Promotion.Environment, f) {
		for i := range lines {
			if l := &lines[i]; l.wants != nil && g.asks(l) && g.mode(l) != policy.Off && (l.back || !g.m.How.Back()) {
				visit(l, g)
			}
		}
	}
}

// wantsByCheck is what each check wants by itself.
func wantsByCheck(set *policy.Set, f *Facts) map[string]*Wants {
	if f.Subject.Kind == KindTag {
		return map[string]*Wants{"tagging": AskForTag(set, f)}
	}
	wants := map[string]*Wants{}
	if f.Subject.Kind == KindPromotion {
		eachWant(set, f, func(l *PromotionLine, g *guard) {
			if wants[l.Name] == nil {
				wants[l.Name] = &Wants{}
			}
			l.wants(g, wants[l.Name])
		})
		return wants
	}
	wants["policy"] = &Wants{}
	wantPolicy(set, f, wants["policy"])
	for _, c := range All() {
		wants[c.Name] = &Wants{}
		for _, layer := range set.Layers {
			if layer.ModeOf(c.Name) != policy.Off {
				c.Wants(layer, f, wants[c.Name])
			}
		}
	}
	return wants
}

// rounds lets the checks ask until nothing that was recorded is left to tell, and says whether they know all they want.
func (r *rereading) rounds(set *policy.Set) bool {
	for range mostRounds {
		w := askFor(set, r.f)
		if w.Empty() || !r.fill(set, w) {
			return w.Empty()
		}
	}
	return false
}

// fill tells what was recorded, and says whether that was anything.
func (r *rereading) fill(set *policy.Set, w *Wants) (told bool) {
	if w.Paths != nil && r.recorded.Listed {
		r.uncovered(set)
		r.list(w.Paths)
		told = true
	}
	if w.Lines != nil {
		told = r.lines(w.Lines) || told
	}
	for _, t := range w.Texts {
		if got, ok := r.text(t.Side, t.Path); ok {
			r.f.Texts, told = append(r.f.Texts, got), true
		}
	}
	for _, p := range w.People {
		if got, ok := r.recorded.People[p.ID]; ok {
			r.f.People, told = grown(r.f.People, p.ID, got), true
		}
	}
	for _, name := range w.Teams {
		if got, ok := r.recorded.Teams[name]; ok {
			r.f.Teams, told = grown(r.f.Teams, name, got), true
		}
	}
	for _, name := range w.Orgs {
		if got, ok := r.recorded.Orgs[name]; ok {
			r.f.Orgs, told = grown(r.f.Orgs, name, got), true
		}
	}
	sorting.By(r.f.Texts, func(a, b Text) int { // as providers leave them
		if d := strings.Compare(a.Path, b.Path); d != 0 {
			return d
		}
		return strings.Compare(string(a.Side), string(b.Side))
	})
	return told
}

func grown[K comparable, V any](m map[K]V, key K, value V) map[K]V {
	if m == nil {
		m = map[K]V{}
	}
	m[key] = value
	return m
}

// list keeps of the recorded paths those that are wanted.
func (r *rereading) list(keep func(string) bool) {
	r.f.Listed = true
	for _, p := range r.recorded.Paths {
		if keep(p) {
			r.f.Paths = append(r.f.Paths, p)
		}
	}
}

func (r *rereading) lines(want func(File) bool) (told bool) {
	for i := range r.f.Files {
		c := &r.f.Files[i]
		if was := r.recorded.Files[i]; want(*c) && (was.Read || was.Cut) {
			c.Added, c.Removed, c.Read, c.Cut, told = was.Added, was.Removed, was.Read, was.Cut, true
		}
	}
	return told
}

// text is a text that was recorded, or that follows from the list of changed files: an added file was not there before,
// and what the change leaves alone is the same on both of its sides.
func (r *rereading) text(side Side, path string) (Text, bool) {
	if t, ok := r.recorded.Text(side, path); ok {
		return t, true
	}
	if _, partial := r.recorded.Gap("files"); partial || side == Tip {
		return Text{}, false
	}
	touched := false
	for i := range r.recorded.Files {
		c := &r.recorded.Files[i]
		if c.Path == path && (side == Base && c.Status == "added" || side == Head && c.Status == "removed") {
			return Text{Side: side, Path: path, Absent: true}, true
		}
		touched = touched || c.Path == path || c.Old == path
	}
	other := Base
	if side == Base {
		other = Head
	}
	t, ok := r.recorded.Text(other, path)
	t.Side = side
	return t, ok && !touched
}

// uncovered names the checks whose paths were not all looked for when the recorded ones were listed.
func (r *rereading) uncovered(set *policy.Set) {
	covered := pathsAsked(r.under, r.recorded)
	for name, layers := range pathsWanted(set, r.f) {
		for _, layer := range layers {
			if !slices.ContainsFunc(covered[name], func(was *policy.Policy) bool { return sameLook(name, was, layer) }) && !wellKnown(name, layer) {
				r.untold[name] = "which files of the repository matter to it"
			}
		}
	}
}

// pathsWanted are the layers under which each check wants paths now.
func pathsWanted(set *policy.Set, f *Facts) map[string][]*policy.Policy {
	wanted := map[string][]*policy.Policy{}
	if f.Subject.Kind == KindPromotion {
		eachWant(set, f, func(l *PromotionLine, g *guard) {
			w := &Wants{}
			if l.wants(g, w); w.Paths != nil {
				wanted[l.Name] = append(wanted[l.Name], g.p)
			}
		})
		return wanted
	}
	for _, c := range All() {
		for _, layer := range set.Layers {
			w := &Wants{}
			if layer.ModeOf(c.Name) != policy.Off {
				c.Wants(layer, f, w)
			}
			if w.Paths != nil {
				wanted[c.Name] = append(wanted[c.Name], layer)
			}
		}
	}
	return wanted
}

// pathsAsked are, by check, the layers for which the recorded paths were listed. A tree is listed once: what a check
// would have wanted of it in a later round was not looked for.
func pathsAsked(under *policy.Set, recorded *Facts) map[string][]*policy.Policy {
	if under == nil || !recorded.Listed || recorded.Subject.Kind == KindTag {
		return nil
	}
	r := &rereading{recorded: recorded, f: unasked(recorded), untold: Untold{}}
	for range mostRounds {
		w := askFor(under, r.f)
		if w.Paths != nil {
			if slices.ContainsFunc(recorded.Paths, func(p string) bool { return !w.Paths(p) }) {
				return nil // it was another look that listed them
			}
			return pathsWanted(under, r.f)
		}
		if w.Empty() || !r.fill(under, w) {
			return nil
		}
	}
	return nil
}

// sameLook says that a check looks for the same paths under two policies.
func sameLook(check string, a, b *policy.Policy) bool {
	switch check {
	case "changelog":
		return reflect.DeepEqual([]any{a.Changelog.Files, a.Changelog.Fragments, a.Given("changelog.fragments"), a.Tagging.Components},
			[]any{b.Changelog.Files, b.Changelog.Fragments, b.Given("changelog.fragments"), b.Tagging.Components})
	case "config-separation":
		return reflect.DeepEqual([]any{a.ConfigSeparation.Environments, a.ConfigSeparation.Ignore, environmentNames(a)},
			[]any{b.ConfigSeparation.Environments, b.ConfigSeparation.Ignore, environmentNames(b)})
	case "tagging":
		return reflect.DeepEqual([]any{a.Tagging.Files, a.Tagging.Components}, []any{b.Tagging.Files, b.Tagging.Components})
	}
	return false
}

func environmentNames(p *policy.Policy) (names []string) {
	for _, e := range p.Environments {
		names = append(names, e.Name)
	}
	return names
}

// wellKnown says that a check looks for nothing but what every list of paths holds, see statesVersion.
func wellKnown(check string, layer *policy.Policy) bool {
	_, paths := literal(layer)
	return check == "tagging" && (paths || len(layer.Tagging.Files) == 0)
}

// words names the first of what is wanted.
func (w *Wants) words(f *Facts) string {
	switch {
	case w.Lines != nil:
		for _, c := range f.Files {
			if w.Lines(c) {
				return "the changed lines of " + plain(c.Path, 80)
			}
		}
	case len(w.Texts) > 0:
		return fmt.Sprintf("%s at the %s", plain(w.Texts[0].Path, 80), w.Texts[0].Side)
	case w.Paths != nil:
		return "which files the repository has"
	case len(w.People) > 0:
		return "what " + plain(w.People[0].Login, 40) + " may do"
	case len(w.Teams) > 0:
		return "who is in the team " + plain(w.Teams[0], 60)
	case len(w.Orgs) > 0:
		return "who is in the organisation " + plain(w.Orgs[0], 60)
	}
	return "something that it asks for"
}
