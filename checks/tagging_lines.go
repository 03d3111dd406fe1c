package checks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/versions"
)

// releaseLine is one sequence of releases that a subject belongs to: the repository's, or one of a component.
type releaseLine struct {
	versions.Line
	name   string // of the component, "" for the whole
	key    string // of the policy: "tagging" or "tagging.components[0]"
	paths  policy.Globs
	log    string // its changelog, where the policy names one
	strict bool   // nothing may come below the highest release
	parts  bool   // the repository releases components that the policy does not declare, and nothing as a whole

	there   []versions.Version
	highest versions.Version // release
	pre     versions.Version // prerelease
}

// policyLines are the lines that a policy names, without what is there: its components', or else the repository's.
func policyLines(p *policy.Policy) ([]*releaseLine, error) {
	t := p.Tagging
	if len(t.Components) == 0 {
		l, err := versions.NewLine(t.Tag, t.Scheme, t.Pattern)
		return []*releaseLine{{Line: l, key: "tagging"}}, err
	}
	var lines []*releaseLine
	for i, c := range t.Components {
		scheme, tag := c.Scheme, c.Tag
		if scheme == "" {
			scheme = t.Scheme
		}
		if tag == "" {
			tag = c.Name + "/v{version}" // as Go modules below the root have it
		}
		l, err := versions.NewLine(tag, scheme, t.Pattern)
		if err != nil {
			return nil, err
		}
		lines = append(lines, &releaseLine{Line: l, name: c.Name, key: fmt.Sprintf("tagging.components[%d]", i), paths: c.Paths, log: c.Changelog})
	}
	return lines, nil
}

// touchedLines are those that the change touches.
func touchedLines(p *policy.Policy, f *Facts) ([]*releaseLine, error) {
	all, err := policyLines(p)
	if err != nil {
		return nil, err
	}
	var lines []*releaseLine
	for _, l := range all {
		if l.touched(f) {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// releaseLines are those that the change touches, with the releases that are there.
func releaseLines(p *policy.Policy, f *Facts) ([]*releaseLine, error) {
	lines, err := touchedLines(p, f)
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		if len(lines) == 1 {
			l.there = make([]versions.Version, 0, len(f.Tags))
		}
		l.adapt(p, f)
		l.strict = f.Change.Base.Name == f.Repository.Default || f.Repository.Default == ""
		for _, t := range f.Tags {
			if v, ok := l.Read(t.Name); ok && t.Commit != f.Change.Head.Commit {
				l.there = append(l.there, v)
			}
		}
		l.maintain(f)
		l.highest, l.pre = versions.Highest(l.there)
		l.parts = l.name == "" && len(l.there) == 0 && !p.Given("tagging.tag") &&
			slices.ContainsFunc(f.Tags, func(t Tag) bool { return versions.NamesComponent(t.Name) })
	}
	return lines, nil
}

// adapt takes tags without their v, where the policy does not say how tags are written and all are written so.
func (l *releaseLine) adapt(p *policy.Policy, f *Facts) {
	if p.Given("tagging.tag") || p.Given(l.key+".tag") || l.name != "" || l.Template.String() != "v{version}" {
		return
	}
	bare, err := versions.NewLine("{version}", p.Tagging.Scheme, p.Tagging.Pattern)
	if err != nil {
		return
	}
	found := false
	for _, t := range f.Tags {
		if _, ok := l.Read(t.Name); ok {
			return
		}
		if _, mine, err := bare.Parse(t.Name); mine && err == nil {
			found = true
		}
	}
	if found {
		l.Line = bare
	}
}

// holds says whether a path belongs to the line.
func (l *releaseLine) holds(path string) bool {
	return l.name == "" || l.paths.Match(path) || path != "" && path == l.log
}

func (l *releaseLine) touched(f *Facts) bool {
	if l.name == "" {
		return true
	}
	for i := range f.Files {
		if c := &f.Files[i]; l.holds(c.Path) || c.Old != "" && l.holds(c.Old) {
			return true
		}
	}
	return false
}

// maintenance finds the line that a branch is named for: release/1.2, 4.x, v4, stable-2024.1.
var maintenance = patterns.New(`^(?:(?:.*[/_-])?(?:release|rel|hotfix|maint|maintenance|stable|support|lts|branch)[/_-]v?|v?)(\d{1,6})(?:[._-](\d{1,6}|x))?(?:[._-](?:\d{1,6}|x))?$`)

// maintain keeps the releases of the target branch's own line, where it is named for one that has releases.
func (l *releaseLine) maintain(f *Facts) {
	if l.strict {
		return
	}
	m := maintenance.FindStringSubmatch(f.Change.Base.Name)
	if m == nil {
		return
	}
	var own []versions.Version
	major, _ := strconv.ParseUint(m[1], 10, 64)
	minor, err := strconv.ParseUint(m[2], 10, 64)
	for _, v := range l.there {
		if v.Number(0) == major && (err != nil || v.Number(1) == minor) {
			own = append(own, v)
		}
	}
	if release, _ := versions.Highest(own); !release.Zero() {
		l.there = own
	}
}

// base is what the next version is counted from: the highest release, or the prerelease that leads to the first.
func (l *releaseLine) base() versions.Version {
	if l.highest.Zero() {
		return l.pre
	}
	return l.highest
}

// inferred lowers what breaks to a minor release below 1.0.0, where SemVer promises nothing yet.
func (l *releaseLine) inferred(level versions.Level) versions.Level {
	if level == versions.Major && l.Scheme.String() == "semver" && l.highest.Number(0) == 0 {
		return versions.Minor
	}
	return level
}

// difference is the level that leads from the highest release to a version; None where the scheme has no levels.
func (l *releaseLine) difference(v versions.Version) versions.Level {
	if strings.HasPrefix(l.Scheme.String(), "calver") {
		return versions.Patch
	}
	for i, level := range []versions.Level{versions.Major, versions.Minor} {
		if v.Number(i) != l.highest.Number(i) {
			return level
		}
	}
	return versions.Patch
}
