package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Weakening is one thing that a policy asks less of than another did.
type Weakening struct {
	Path string // key path in the newer policy
	What string // half a sentence: "goes from enforce to advise"
}

// WeakerThan lists what the newer of two layers asks less of, in the order of the keys. Where less or more cannot be told
// apart, as with who may approve, every difference counts: it is for people to look at.
func WeakerThan(before, after *Policy) []Weakening {
	c := &comparison{before: before, after: after}
	c.tagging(before.Tagging, after.Tagging)
	c.changelog(before.Changelog, after.Changelog)
	c.configSeparation(before.ConfigSeparation, after.ConfigSeparation)
	c.approval(before.Approval, after.Approval)
	c.house(before.Checks, after.Checks)
	for _, name := range sortedNames(before.Roles) {
		c.differs("roles."+name, before.Roles[name], after.Roles[name])
	}
	c.environments(before.Environments, after.Environments)
	c.override(before.Override, after.Override)
	return c.found
}

type comparison struct {
	before, after *Policy
	found         []Weakening
}

func (c *comparison) note(path, format string, args ...any) {
	c.found = append(c.found, Weakening{path, fmt.Sprintf(format, args...)})
}

func (c *comparison) mode(path string, before, after Mode) {
	if before, after = Weaker(before, Enforce), Weaker(after, Enforce); before != after && Weaker(before, after) == after {
		c.note(path, "goes from %s to %s", before, after)
	}
}

// grows notes entries that were added to a list which lets something through.
func (c *comparison) grows(path, what string, before, after []string) {
	for _, s := range after {
		if !slices.Contains(before, s) {
			c.note(path, "%s %s", what, quote(s))
		}
	}
}

// shrinks notes entries that were taken from a list which asks for something.
func (c *comparison) shrinks(path, what string, before, after []string) {
	for _, s := range before {
		if !slices.Contains(after, s) {
			c.note(path, "%s %s", what, quote(s))
		}
	}
}

// differs notes any difference.
func (c *comparison) differs(path string, before, after any) {
	if !same(before, after) {
		c.note(path, "changes")
	}
}

// same compares values, an absent list and an empty one being alike.
func same(a, b any) bool {
	v, w := reflect.ValueOf(a), reflect.ValueOf(b)
	if v.Kind() == reflect.Slice && v.Len() == 0 && w.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a, b)
}

func (c *comparison) tagging(b, a Tagging) {
	c.mode("tagging.mode", b.Mode, a.Mode)
	c.differs("tagging.scheme", b.Scheme, a.Scheme)
	c.differs("tagging.pattern", b.Pattern, a.Pattern)
	c.differs("tagging.tag", b.Tag, a.Tag)
	if b.Bump == "declared" && a.Bump != b.Bump {
		c.note("tagging.bump", "goes from declared to inferred")
	}
	if b.Annotated && !a.Annotated {
		c.note("tagging.annotated", "is no longer asked for")
	}
	if b.Signed && !a.Signed {
		c.note("tagging.signed", "is no longer asked for")
	}
	c.differs("tagging.by", b.By, a.By)
	c.differs("tagging.branches", b.Branches, a.Branches)
	c.differs("tagging.files", b.Files, a.Files)
	c.differs("tagging.components", b.Components, a.Components)
}

func (c *comparison) changelog(b, a Changelog) {
	c.mode("changelog.mode", b.Mode, a.Mode)
	c.differs("changelog.files", b.Files, a.Files)
	c.differs("changelog.fragments", b.Fragments, a.Fragments)
	c.grows("changelog.exempt.paths", "now exempts", b.Exempt.Paths, a.Exempt.Paths)
	c.grows("changelog.exempt.labels", "now exempts", b.Exempt.Labels, a.Exempt.Labels)
	c.grows("changelog.exempt.authors", "now exempts", b.Exempt.Authors, a.Exempt.Authors)
}

func (c *comparison) configSeparation(b, a ConfigSeparation) {
	c.mode("config-separation.mode", b.Mode, a.Mode)
	c.differs("config-separation.environments", b.Environments, a.Environments)
	c.mode("config-separation.mixing", b.Mixing, a.Mixing)
	c.mode("config-separation.baked-in", b.BakedIn, a.BakedIn)
	c.mode("config-separation.parity", b.Parity, a.Parity)
	c.shrinks("config-separation.hosts", "no longer names", b.Hosts, a.Hosts)
	c.grows("config-separation.ignore", "now ignores", b.Ignore, a.Ignore)
}

func (c *comparison) approval(b, a Approval) {
	c.mode("approval.mode", b.Mode, a.Mode)
	c.rules("approval.rules", b.Rules, a.Rules)
	c.shrinks("approval.exclude", "no longer excludes", b.Exclude, a.Exclude)
	order := []string{"commit", "push-by-others", "never"}
	if slices.Index(order, a.Stale) > slices.Index(order, b.Stale) {
		c.note("approval.stale", "goes from %s to %s", b.Stale, a.Stale)
	}
	if b.Unmatched == "wait" && a.Unmatched != b.Unmatched {
		c.note("approval.unmatched", "goes from wait to pass")
	}
	c.differs("approval.objections.from", b.Objections.From, a.Objections.From)
	c.shrinks("approval.objections.comments", "no longer names", b.Objections.Comments, a.Objections.Comments)
	c.grows("approval.objections.withdrawn", "now takes", b.Objections.Withdrawn, a.Objections.Withdrawn)
	c.ownTerms(b, a)
	c.differs("approval.satisfy", b.Satisfy, a.Satisfy)
}

func (c *comparison) rules(path string, before, after []ApprovalRule) {
	for _, b := range before {
		i := slices.IndexFunc(after, func(r ApprovalRule) bool { return r.Name == b.Name })
		if i < 0 {
			c.note(path, "no longer has the rule %s", quote(b.Name))
			continue
		}
		a, at := after[i], fmt.Sprintf("%s[%d]", path, i)
		c.mode(at+".mode", b.Mode, a.Mode)
		if a.Count < b.Count {
			c.note(at+".count", "goes from %d to %d", b.Count, a.Count)
		}
		c.differs(at+".from", b.From, a.From)
		c.shrinks(at+".after", "no longer names", b.After, a.After)
		c.given(at, b, a)
		if source(b.When) != source(a.When) {
			c.note(at+".when", "changes")
		}
		if source(b.Needs) != source(a.Needs) {
			c.note(at+".needs", "changes")
		}
	}
}

// ownTerms compares what rules say of exclusion and staleness themselves, apart from the approval as a whole.
func (c *comparison) ownTerms(before, after Approval) {
	order := []string{"commit", "push-by-others", "never"}
	for i, a := range after.Rules {
		j := slices.IndexFunc(before.Rules, func(r ApprovalRule) bool { return r.Name == a.Name })
		if j < 0 {
			continue
		}
		b, at := before.Rules[j], fmt.Sprintf("approval.rules[%d]", i)
		if b.exclude(before) != nil || a.exclude(after) != nil {
			c.shrinks(at+".exclude", "no longer excludes", b.Exclude, a.Exclude)
		}
		if old, now := b.stale(before), a.stale(after); (old != "" || now != "") && slices.Index(order, a.Stale) > slices.Index(order, b.Stale) {
			c.note(at+".stale", "goes from %s to %s", b.Stale, a.Stale)
		}
	}
}

// exclude is whom the rule itself excludes; nil where it leaves that to the approval as a whole.
func (r ApprovalRule) exclude(a Approval) []string {
	if r.Exclude == nil || slices.Equal(r.Exclude, a.Exclude) {
		return nil
	}
	return append([]string{}, r.Exclude...)
}

// stale is what the rule itself says of staleness; "" where it leaves that to the approval as a whole.
func (r ApprovalRule) stale(a Approval) string {
	if r.Stale == a.Stale {
		return ""
	}
	return r.Stale
}

// given compares how approvals are given.
func (c *comparison) given(at string, b, a ApprovalRule) {
	c.differs(at+".reviews", b.Reviews, a.Reviews)
	c.differs(at+".review-text", b.ReviewText, a.ReviewText)
	c.grows(at+".comments", "now takes comments like", b.Comments, a.Comments)
	if a.Automatic && !b.Automatic {
		c.note(at+".automatic", "asks nobody now")
	}
	if b.Demand && !a.Demand {
		c.note(at+".demand", "is no longer said")
	}
}

// source is a condition as text, for comparing: programs compare by what was written.
func source(w When) string {
	written := ""
	if w.Expression != nil {
		written = w.Expression.Source
	}
	w.Expression = nil
	return fmt.Sprintf("%+v %s", w, written)
}

func (c *comparison) house(before, after []HouseRule) {
	for _, b := range before {
		i := slices.IndexFunc(after, func(r HouseRule) bool { return r.Name == b.Name })
		if i < 0 {
			c.note("checks", "no longer has the house rule %s", quote(b.Name))
			continue
		}
		at := fmt.Sprintf("checks[%d]", i)
		c.mode(at+".mode", b.Mode, after[i].Mode)
		if b.Rule.Source != after[i].Rule.Source {
			c.note(at+".rule", "changes")
		}
	}
}

func (c *comparison) environments(before, after []Environment) {
	for _, b := range before {
		i := slices.IndexFunc(after, func(e Environment) bool { return e.Name == b.Name })
		at := "environments." + b.Name
		if i < 0 {
			c.note("environments", "no longer guards %s", quote(b.Name))
			continue
		}
		a := after[i]
		c.mode(at+".mode", b.Mode, a.Mode)
		c.differs(at+".after", b.After, a.After)
		c.differs(at+".deploy", b.Deploy, a.Deploy)
		if a.Soak < b.Soak {
			c.note(at+".soak", "goes from %s to %s", b.Soak, a.Soak)
		}
		c.shrinks(at+".verify", "no longer asks for", b.Verify, a.Verify)
		c.shrinks(at+".statuses", "no longer asks for", b.Statuses, a.Statuses)
		c.rules(at+".approval", b.Approval, a.Approval)
		c.differs(at+".deployers", b.Deployers, a.Deployers)
		c.shrinks(at+".separate", "no longer names", b.Separate, a.Separate)
		c.differs(at+".windows", b.Windows, a.Windows)
		c.differs(at+".freezes", b.Freezes, a.Freezes)
		if a.Interval < b.Interval {
			c.note(at+".interval", "goes from %s to %s", b.Interval, a.Interval)
		}
		c.mode(at+".lineage", b.Lineage, a.Lineage)
		c.mode(at+".changes", b.Changes, a.Changes)
		c.mode(at+".release", b.Release, a.Release)
		c.promoting(at, b, a)
	}
}

// promoting compares what an environment says of its lines, of going back, and of the lane for hotfixes.
func (c *comparison) promoting(at string, b, a Environment) {
	modes := a.Modes.all()
	for i, before := range b.Modes.all() {
		c.mode(at+".modes."+before.name, *before.of, *modes[i].of)
	}
	c.differs(at+".rollback", b.Rollback, a.Rollback)
	c.differs(at+".gitlab.job", b.GitLab.Job, a.GitLab.Job)
	switch was, is := !b.Hotfix.When.Zero(), !a.Hotfix.When.Zero(); {
	case !is:
	case !was:
		c.note(at+".hotfix", "now has a lane that asks less of some changes")
	default:
		if source(b.Hotfix.When) != source(a.Hotfix.When) {
			c.note(at+".hotfix.when", "changes")
		}
		c.differs(at+".hotfix.soak", b.Hotfix.Soak, a.Hotfix.Soak)
		if key := at + ".hotfix.approval"; !c.before.Given(key) && c.after.Given(key) {
			c.note(at+".hotfix.approval", "now stands in place of the approval")
		}
		c.rules(at+".hotfix.approval", b.Hotfix.Approval, a.Hotfix.Approval)
	}
}

func (c *comparison) override(b, a Override) {
	c.differs("override.by", b.By, a.By)
	c.grows("override.checks", "now lets through", b.Checks, a.Checks)
	if a.People < b.People {
		c.note("override.people", "goes from %d to %d", b.People, a.People)
	}
	if a.Self && !b.Self {
		c.note("override.self", "is now allowed")
	}
	c.differs("override.lasts", b.Lasts, a.Lasts)
}

// Check names the check that a weakening is of: the first step of its path.
func (w Weakening) Check() string {
	first, _, _ := strings.Cut(w.Path, ".")
	first, _, _ = strings.Cut(first, "[")
	return first
}
