package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/versions"
	"github.com/sluicegate/sluice/checks/zones"
)

// validate finds what no single key shows: names that nothing carries, names carried twice, circles, spans that are
// empty. It goes by layer, and stops at the first with problems, since the floor inherits from the one before it.
func validate(set *Set) Problems {
	for _, p := range set.Layers {
		v := &validator{Policy: p, set: set}
		v.tagging()
		v.configSeparation()
		v.rules("approval.rules", p.Approval.Rules)
		v.satisfy()
		v.house()
		v.people()
		v.environments()
		v.override()
		if len(v.problems) > 0 {
			return v.problems.sorted()
		}
	}
	return nil
}

type validator struct {
	*Policy
	set      *Set
	problems Problems
}

// wrong notes a problem at a key path or the nearest key above it.
func (v *validator) wrong(path, format string, args ...any) {
	p := Problem{File: v.source.Name, Line: 1, Column: 1, Message: path + " " + fmt.Sprintf(format, args...)}
	for at := path; at != ""; at = parent(at) {
		if w, ok := v.where[at]; ok {
			p.File, p.Line, p.Column = w.file, w.Line, w.Column
			break
		}
	}
	v.problems = append(v.problems, p)
}

// unknown notes a name that nothing carries.
func (v *validator) unknown(path, what, name string, known []string) {
	hint := suggest(name, known)
	if hint == "" && len(known) > 0 && len(known) <= 20 {
		hint = "; known are " + strings.Join(known, ", ")
	}
	v.wrong(path, "names %s %s, which does not exist%s", what, quote(name), hint)
}

func (v *validator) tagging() {
	v.scheme("tagging", v.Tagging.Scheme, v.Tagging.Pattern)
	uses := func(c Component) bool { return c.Scheme == "regexp" }
	if v.Tagging.Pattern != "" && v.Tagging.Scheme != "regexp" && !slices.ContainsFunc(v.Tagging.Components, uses) {
		v.wrong("tagging.pattern", "is for scheme: regexp alone, and the scheme is %s", v.Tagging.Scheme)
	}
	names, tags := map[string]int{}, map[string]int{}
	for i, c := range v.Tagging.Components {
		at := fmt.Sprintf("tagging.components[%d]", i)
		if c.Name == "" {
			v.wrong(at, "needs a name")
		} else if j, again := names[c.Name]; again {
			v.wrong(at+".name", "is %s, as is that of tagging.components[%d]", quote(c.Name), j)
		}
		if j, again := tags[c.Tag]; again && c.Tag != "" {
			v.wrong(at+".tag", "is %s, as is that of tagging.components[%d]: their tags could not be told apart", quote(c.Tag), j)
		}
		if len(c.Paths) == 0 {
			v.wrong(at, "needs paths: the patterns of the files that belong to it")
		}
		names[c.Name], tags[c.Tag] = i, i
		v.scheme(at, c.Scheme, v.Tagging.Pattern)
	}
}

func (v *validator) scheme(at, scheme, pattern string) {
	if scheme == "regexp" && pattern == "" {
		v.wrong(at+".scheme", "is regexp, so tagging.pattern must say what a version looks like (or write regexp:PATTERN)")
		return
	}
	if _, err := versions.ParseScheme(scheme, pattern); scheme == "regexp" && err != nil {
		v.wrong("tagging.pattern", "is not a scheme: %v", err)
	}
}

func (v *validator) configSeparation() {
	for _, e := range v.ConfigSeparation.Environments {
		if len(e.Paths) == 0 {
			v.wrong("config-separation.environments."+e.Name, "needs at least one pattern of its files")
		}
	}
}

// rules checks one list of approval rules: of a change, or of an environment.
func (v *validator) rules(path string, rules []ApprovalRule) {
	names, after := map[string]int{}, map[string][]string{}
	for i, r := range rules {
		if j, again := names[r.Name]; again {
			v.wrong(fmt.Sprintf("%s[%d].name", path, i), "is %s, as is that of %s[%d]", quote(r.Name), path, j)
			continue
		}
		names[r.Name], after[r.Name] = i, r.After
	}
	for i, r := range rules {
		at := fmt.Sprintf("%s[%d]", path, i)
		for j, a := range r.After {
			if _, ok := names[a]; !ok {
				v.unknown(fmt.Sprintf("%s.after[%d]", at, j), "the rule", a, slices.Sorted(maps.Keys(names)))
			}
		}
		if names[r.Name] == i && circular(r.Name, after) {
			v.wrong(at+".after", "goes in a circle: %s would wait for itself", quote(r.Name))
		}
		v.named(at+".from", r.From)
		v.when(at+".when", r.When)
		v.when(at+".needs", r.Needs)
		v.given(at, r)
	}
}

func (v *validator) when(at string, w When) {
	v.named(at+".authors", w.Authors)
	v.named(at+".contributors", w.Contributors)
	v.named(at+".only-contributors", w.OnlyContributors)
}

// given checks how approvals are counted and given.
func (v *validator) given(at string, r ApprovalRule) {
	switch {
	case r.Automatic && (v.Given(at+".count") || v.Given(at+".from")):
		v.wrong(at+".automatic", "asks nobody, so count and from have no meaning beside it")
	case len(r.Comments) > 0 && r.Stale != "never":
		v.wrong(at+".comments", "count with stale: never alone: a comment does not tell which commit it is about")
	case r.Reviews == "none" && len(r.Comments) == 0:
		v.wrong(at+".reviews", "is none and no comments are named, so nobody could approve")
	case r.Reviews == "none" && len(r.ReviewText) > 0:
		v.wrong(at+".review-text", "has no meaning with reviews: none")
	}
}

// circular says whether following `after` from a name leads back to it.
func circular(name string, after map[string][]string) bool {
	seen, next := map[string]bool{}, slices.Clone(after[name])
	for len(next) > 0 {
		n := next[len(next)-1]
		next = next[:len(next)-1]
		if n == name {
			return true
		}
		if !seen[n] {
			seen[n] = true
			next = append(next, after[n]...)
		}
	}
	return false
}

// satisfy wants every rule that enforces to stand in the tree: one that is left out would look like a guard and be none.
func (v *validator) satisfy() {
	if v.Approval.Satisfy.Zero() {
		return
	}
	var names []string
	for _, r := range v.Approval.Rules {
		names = append(names, r.Name)
	}
	used := map[string]bool{}
	for _, name := range v.Approval.Satisfy.names() {
		used[name] = true
		if !slices.Contains(names, name) {
			v.unknown("approval.satisfy="+name, "the rule", name, names)
		}
	}
	for i, r := range v.Approval.Rules {
		if !used[r.Name] && (r.Mode == Enforce || r.Mode == "") {
			v.wrong(fmt.Sprintf("approval.rules[%d]", i), "(%s) is not in approval.satisfy, so it would never count; add it there, or give it mode: advise", quote(r.Name))
		}
	}
}

// Zero says that all rules must be met.
func (s Satisfy) Zero() bool { return s.Rule == "" && s.Any == nil && s.All == nil }

// names lists the rules in the tree, in its order.
func (s Satisfy) names() []string {
	if s.Rule != "" {
		return []string{s.Rule}
	}
	var names []string
	for _, branch := range append(slices.Clone(s.Any), s.All...) {
		names = append(names, branch.names()...)
	}
	return names
}

func (v *validator) house() {
	names := map[string]int{}
	for i, r := range v.Checks {
		at := fmt.Sprintf("checks[%d]", i)
		if r.Name == "" {
			v.wrong(at, "needs a name")
		} else if j, again := names[r.Name]; again {
			v.wrong(at+".name", "is %s, as is that of checks[%d]", quote(r.Name), j)
		}
		if r.Rule == nil {
			v.wrong(at, "needs a rule: an expression that is true where the change is fine")
		}
		names[r.Name] = i
	}
}

// people checks who is named outside the approval rules.
func (v *validator) people() {
	v.named("tagging.by", v.Tagging.By)
	v.named("override.by", v.Override.By)
	v.named("approval.objections.from", v.Approval.Objections.From)
	for _, name := range slices.Sorted(maps.Keys(v.Roles)) {
		if len(v.Roles[name].Roles) > 0 {
			v.wrong("roles."+name+".roles", "is not allowed: a role names people and teams, not other roles")
		}
		if v.Roles[name].Zero() {
			v.wrong("roles."+name, "names nobody")
		}
	}
}

func (v *validator) named(path string, f From) {
	for i, r := range f.Roles {
		if _, ok := v.Roles[r]; !ok {
			v.unknown(fmt.Sprintf("%s.roles[%d]", path, i), "the role", r, slices.Sorted(maps.Keys(v.Roles)))
		}
	}
}

func (v *validator) environments() {
	after := map[string][]string{}
	for _, p := range v.set.Layers {
		for _, e := range p.Environments {
			after[e.Name] = nil
		}
	}
	names := slices.Sorted(maps.Keys(after))
	for _, e := range v.Environments {
		if e.After != "" {
			after[e.Name] = []string{e.After}
		}
	}
	for _, e := range v.Environments {
		at := "environments." + e.Name
		if _, ok := after[e.After]; !ok && e.After != "" {
			v.unknown(at+".after", "the environment", e.After, names)
		}
		if circular(e.Name, after) {
			v.wrong(at+".after", "goes in a circle: %s would wait for itself", quote(e.Name))
		}
		v.rules(at+".approval", e.Approval)
		v.named(at+".deployers", e.Deployers)
		v.promoting(at, e)
		for i, w := range e.Windows {
			v.window(fmt.Sprintf("%s.windows[%d]", at, i), w)
		}
		for i, f := range e.Freezes {
			v.freeze(fmt.Sprintf("%s.freezes[%d]", at, i), f)
		}
	}
}

// promoting checks how an environment is promoted to and back from, and its lane for hotfixes. What several policies say of
// one environment counts together.
func (v *validator) promoting(at string, e Environment) {
	if i := slices.IndexFunc(v.Environments, func(o Environment) bool { return strings.EqualFold(o.Name, e.Name) }); v.Environments[i].Name != e.Name {
		v.wrong(at, "is %s in another case: a forge takes the two for one environment", quote(v.Environments[i].Name))
	}
	some := func(has func(Environment) bool) bool {
		return slices.ContainsFunc(v.set.Layers, func(p *Policy) bool {
			return slices.ContainsFunc(p.Environments, func(o Environment) bool { return strings.EqualFold(o.Name, e.Name) && has(o) })
		})
	}
	if e.Deploy == "automatic" && !some(func(o Environment) bool { return o.After != "" }) {
		v.wrong(at+".deploy", "is automatic, which means by the environment before it turning well: name that under after")
	}
	if e.Rollback == "automatic" && !some(func(o Environment) bool { return len(o.Verify) > 0 }) {
		v.wrong(at+".rollback", "is automatic, which means by a status of verify turning red: name one under verify")
	}
	v.hotfix(at+".hotfix", e)
}

// hotfix checks the lane, which asks for nothing where it is silent and is none without a condition.
func (v *validator) hotfix(at string, e Environment) {
	h := e.Hotfix
	v.when(at+".when", h.When)
	v.rules(at+".approval", h.Approval)
	if h.When.Zero() && (v.Given(at+".soak") || v.Given(at+".approval")) {
		v.wrong(at, "needs when: the conditions that make a change a hotfix, such as labels: [hotfix]")
	}
	if v.Given(at+".soak") && h.Soak > e.Soak {
		v.wrong(at+".soak", "is %s, longer than the soak of %s that it is there to shorten", h.Soak, e.Soak)
	}
}

func (v *validator) window(at string, w Window) {
	if w.From >= w.To {
		v.wrong(at+".to", "must be later than from; for a window past midnight write two")
	}
	if len(w.Days) == 0 {
		v.wrong(at+".days", "names no day, so the window would never open")
	}
}

func (v *validator) freeze(at string, f Freeze) {
	if f.Calendar != "" {
		v.calendar(at, f)
		return
	}
	if f.From == "" || f.To == "" {
		v.wrong(at, "needs from and to, or a calendar")
		return
	}
	from, to, err := f.Span()
	if err == nil && !from.Before(to) {
		v.wrong(at+".to", "is before from, so the freeze would never be")
	}
}

// calendar wants the calendar alone to say when. An organisation's is not to be a file, since each repository would have
// its own, and could empty it.
func (v *validator) calendar(at string, f Freeze) {
	if f.From != "" || f.To != "" {
		v.wrong(at+".calendar", "says when by itself, so from and to have no meaning beside it")
	}
	if v.source.Origin == Organisation && !strings.Contains(f.Calendar, ":") {
		v.wrong(at+".calendar", "must be an https URL in an organisation's policy: the file %s would be each repository's own, which could empty it", quote(f.Calendar))
	}
}

// Span returns when the freeze begins and the moment after it ends: dates are inclusive, in its time zone.
func (f Freeze) Span() (from, to time.Time, err error) {
	zone, err := time.LoadLocation(f.Timezone)
	if err != nil {
		return from, to, err
	}
	if from, err = instant(f.From, zone, 0); err != nil {
		return from, to, err
	}
	to, err = instant(f.To, zone, 1)
	return from, to, err
}

// instant reads a date, some days on, or an RFC 3339 instant, which stands for itself.
func instant(s string, zone *time.Location, days int) (time.Time, error) {
	if d, err := time.Parse(time.DateOnly, s); err == nil {
		return zones.Day(d.AddDate(0, 0, days), zone), nil
	}
	return time.Parse(time.RFC3339, s)
}

// Overridable are the checks of Sluice's own that a policy may allow to be overridden.
var Overridable = []string{
	"tagging", "changelog", "config-separation", "approval", "policy",
	"statuses", "after", "verify", "soak", "window", "freeze", "lock", "interval", "lineage", "changes",
}

func (v *validator) override() {
	known := slices.Clone(Overridable)
	for _, p := range v.set.Layers {
		for _, r := range p.Checks {
			known = append(known, r.Name)
		}
	}
	for i, c := range v.Override.Checks {
		if !slices.Contains(known, c) {
			v.unknown(fmt.Sprintf("override.checks[%d]", i), "the check", c, known)
		}
	}
}
