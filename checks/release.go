package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/changelog"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/versions"
)

// ReleasePlan is a release that may be made of a commit.
type ReleasePlan struct {
	Tag, Version string
	Component    string // "" for the whole repository
	Previous     string // the tag of the highest release before; ""
	PreviousAt   string // its commit
	There        bool   // the tag stands at the commit already
	Prerelease   bool
	Latest       bool // higher than every release of its line
}

// PlanRelease finds the version that a commit of the target branch may be released as. word is major, minor, patch, a
// version or a whole tag. The tags must all be there. The error is a *changelog.Refusal, which names the choices where the
// change touches several components.
func PlanRelease(set *policy.Set, f *Facts, commit, word string) (*ReleasePlan, error) {
	if g, gap := f.Gap("tags", "files"); gap {
		return nil, refused("which version is next is not known: %s", plain(g.Reason, 90))
	}
	g := *f
	change := *f.Change
	change.Head.Commit = commit // what stands there is this very release, and in nobody's way
	g.Change = &change
	p := set.Layers[0]
	l, err := chosenLine(p, &g, word)
	if err != nil {
		return nil, err
	}
	plan, err := l.plan(p, &g, commit, word)
	if err != nil || plan.There {
		return plan, err
	}
	for _, layer := range set.Layers {
		if err := fits(layer, &g, plan.Tag, commit); err != nil {
			return nil, err
		}
	}
	return plan, nil
}

func refused(format string, args ...any) error {
	return &changelog.Refusal{Why: fmt.Sprintf(format, args...)}
}

// chosenLine is the line of releases that is meant: that of a whole tag, or the only one that the change touches.
func chosenLine(p *policy.Policy, f *Facts, word string) (*releaseLine, error) {
	all, err := policyLines(p)
	if err != nil {
		return nil, refused("the policy's tagging scheme cannot be used: %s", plain(err.Error(), 90))
	}
	var named *releaseLine
	for _, l := range all {
		if l.adapt(p, f); l.name == "" {
			continue
		}
		if _, mine, _ := l.Parse(word); mine && (named == nil || len(l.Template.String()) > len(named.Template.String())) {
			named = l
		}
	}
	if named != nil {
		return named.filled(f), nil
	}
	var touched []*releaseLine
	for _, l := range all {
		if l.touched(f) {
			touched = append(touched, l)
		}
	}
	if len(touched) == 1 {
		return touched[0].filled(f), nil
	}
	if len(touched) == 0 {
		touched = all
	}
	var tags []string
	for _, l := range touched[:min(len(touched), 8)] {
		l.filled(f)
		tags = append(tags, "`"+plain(l.Template.Tag(l.Scheme.Next(l.base(), versions.Minor, f.At)), 60)+"`")
	}
	return nil, refused("several components could be meant; name the whole tag, such as %s", strings.Join(tags, ", "))
}

// filled reads the releases of the line that are there, those at the commit left out.
func (l *releaseLine) filled(f *Facts) *releaseLine {
	l.there = nil
	l.strict = f.Change.Base.Name == f.Repository.Default || f.Repository.Default == ""
	for _, t := range f.Tags {
		if v, ok := l.Read(t.Name); ok && t.Commit != f.Change.Head.Commit {
			l.there = append(l.there, v)
		}
	}
	l.maintain(f)
	l.highest, l.pre = versions.Highest(l.there)
	l.parts = l.name == "" && len(l.there) == 0 && slices.ContainsFunc(f.Tags, func(t Tag) bool { return versions.NamesComponent(t.Name) })
	return l
}

// plan is the release that a word asks of the line.
func (l *releaseLine) plan(p *policy.Policy, f *Facts, commit, word string) (*ReleasePlan, error) {
	if l.parts && !p.Given("tagging.tag") {
		return nil, refused("tags here name components, and tagging.components in the policy declares none")
	}
	plan := &ReleasePlan{Component: l.name, Previous: l.highest.Tag}
	for _, t := range f.Tags {
		if t.Name == plan.Previous {
			plan.PreviousAt = t.Commit
		}
	}
	standing, stands := l.standing(f, commit)
	level, byLevel := versions.ParseLevel(word)
	if byLevel && stands {
		return plan.as(l, standing, true), nil
	}
	if byLevel {
		text := l.Scheme.Next(l.base(), level, f.At.UTC())
		v, err := l.Scheme.Parse(text)
		if err != nil {
			return nil, refused("%s allows no further release now", l.Scheme)
		}
		return plan.as(l, v, false), nil
	}
	text, whole := l.Template.Version(word)
	v, err := l.Scheme.Parse(word)
	if whole && err != nil {
		v, err = l.Scheme.Parse(text)
	}
	switch {
	case err != nil:
		return nil, refused("%s. Next could come %s", strings.TrimSuffix(plain(err.Error(), 140), "."), l.nexts(f.At))
	case stands && standing.Text == v.Text:
		return plan.as(l, v, true), nil
	case stands && !v.Prerelease():
		return nil, refused("this commit is released as %s already", plain(standing.Tag, 60))
	}
	return plan.as(l, v, false), nil
}

// standing is the highest release of the line at the commit; a prerelease may still become a release.
func (l *releaseLine) standing(f *Facts, commit string) (versions.Version, bool) {
	var at []versions.Version
	for _, t := range f.Tags {
		if v, ok := l.Read(t.Name); ok && t.Commit == commit {
			at = append(at, v)
		}
	}
	v, _ := versions.Highest(at)
	return v, !v.Zero()
}

func (plan *ReleasePlan) as(l *releaseLine, v versions.Version, there bool) *ReleasePlan {
	plan.Version, plan.Tag, plan.Prerelease, plan.There = v.Text, l.Template.Tag(v.Text), v.Prerelease(), there
	if there && v.Tag != "" {
		plan.Tag = v.Tag
	}
	plan.Latest = !plan.Prerelease && (l.highest.Zero() || v.Compare(l.highest) > 0) && l.strict
	return plan
}

// nexts are the versions that could come next.
func (l *releaseLine) nexts(at time.Time) string {
	var all []string
	for _, level := range []versions.Level{versions.Patch, versions.Minor, versions.Major} {
		if v := l.Scheme.Next(l.base(), level, at.UTC()); v != "" && !slices.Contains(all, "`"+v+"`") {
			all = append(all, "`"+v+"`")
		}
	}
	if len(all) == 0 {
		return "one above " + plain(l.highest.Text, 40)
	}
	return strings.Join(all, ", ")
}

// fits holds a tag that is not there yet against a policy, by the rules for tags that are pushed.
func fits(p *policy.Policy, f *Facts, tag, commit string) error {
	if p.ModeOf("tagging") == policy.Off {
		return nil
	}
	g := *f
	g.Pushed = &TagPush{Name: tag, Commit: commit, Annotated: true}
	j, err := newPushJudge(p, &g)
	switch {
	case err != nil:
		return refused("the policy's tagging scheme cannot be used: %s", plain(err.Error(), 90))
	case j.skip != "":
		return refused("%s", strings.TrimSuffix(j.skip, "."))
	case p.Tagging.Signed:
		return refused("the policy (%s) asks for signed tags, and Sluice has no key of its own: tag it yourself", p.Rule("tagging.signed"))
	}
	for _, t := range f.Tags {
		if t.Name == tag {
			return refused("the tag %s is there already, at %s", plain(tag, 60), short(t.Commit))
		}
	}
	j.placed()
	if len(j.findings) > 0 {
		return refused("%s (%s)", strings.TrimSuffix(j.findings[0].What, "."), j.findings[0].Rule)
	}
	l := j.line.filled(f)
	if v, _, err := l.Parse(tag); err == nil && l.strict && !v.Prerelease() && !l.highest.Zero() && v.Compare(l.highest) <= 0 {
		return refused("%s is not higher than %s, the highest release", plain(tag, 60), plain(l.highest.Tag, 60))
	}
	return nil
}

// ReleaseBranch says whether releases may be made of a branch: of one that tagging.branches names, else of the default
// one; and the rule that says so.
func ReleaseBranch(set *policy.Set, f *Facts) (ok bool, rule string) {
	for _, p := range set.Layers {
		names := policy.Globs(p.Tagging.Branches)
		if len(names) == 0 && f.Change.Base.Name != f.Repository.Default || len(names) > 0 && !names.Match(f.Change.Base.Name) {
			return false, p.Rule("tagging.branches")
		}
	}
	return true, ""
}

// ReleaseLog finds the changelog that tells of a component's releases ("" for the repository's), and its fragments.
// Facts.Paths have to be the whole tree at the commit.
func ReleaseLog(set *policy.Set, f *Facts, component string) (log string, fragments []string) {
	return releaseLog(set.Layers[0], f, component)
}

func releaseLog(pol *policy.Policy, f *Facts, component string) (log string, fragments []string) {
	g := *f
	g.Files, g.Texts = nil, nil
	l := newLedger(pol, &g)
	l.divide()
	part := l.parts[0]
	for _, p := range l.parts {
		if p.name == component && component != "" {
			part = l.speaker(p)
		}
	}
	for _, p := range f.Paths {
		if l.isFragment(p) && l.speaker(l.partOf(p)) == part {
			fragments = append(fragments, p)
		}
	}
	for _, p := range part.logs {
		if slices.Contains(f.Paths, p) {
			return p, fragments
		}
	}
	return "", fragments
}
