package checks

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/changelog"
)

// missing says which parts lack an entry.
func (l *ledger) missing() {
	root := l.parts[0]
	lacking := 0
	any := slices.ContainsFunc(l.parts, func(p *logPart) bool { return p.satisfied })
	needed := slices.ContainsFunc(l.parts, func(p *logPart) bool { return p.touched != "" })
	for _, p := range l.parts {
		switch {
		case p.satisfied, p.touched == "" && (needed || p != root || any):
		case p == root && any && (l.released || len(p.logs) == 0 && !p.fragments):
			// What belongs to no component, in a release of components or where there is no changelog but theirs.
		default:
			if lacking++; lacking <= 10 {
				l.lacks(p)
			}
		}
	}
}

// lacks says what a part needs and where it goes.
func (l *ledger) lacks(p *logPart) {
	if len(p.hollow) > 0 {
		h := p.hollow[0]
		l.fail(h.Path, h.Line, h.EndLine, h.What, h.How)
		return
	}
	whose := ""
	if p.name != "" {
		whose = " for " + plain(p.name, 40)
	}
	log, absent := l.logOf(p)
	switch {
	case log == "" && p.fragments:
		l.fail("", 0, 0, fmt.Sprintf("The change adds no changelog fragment%s; its author has to add one.", whose), l.fragmentHow(p))
	case log == "" && len(l.parts) > 1:
		l.fail("", 0, 0, fmt.Sprintf("The change adds no entry to any changelog; its author has to add one (%s has none of its own).", plain(p.touched, 50)),
			"Add an entry to the changelog of the component that this is for, or a fragment.")
	case log == "":
		l.fail("", 0, 0, "The repository has no changelog; the author has to create CHANGELOG.md with an entry for this change.",
			"Create CHANGELOG.md:\n\n# Changelog\n\n## [Unreleased]\n\n### Changed\n\n- What this change does, in a sentence for its users.")
	case absent:
		l.findings = append(l.findings, Finding{
			Outcome: Fail, Rule: l.p.Rule("changelog.files"),
			What: Clip(fmt.Sprintf("%s, which the policy names as changelog, does not exist; create it or correct the policy.", plain(log, 60)), 140),
			How: fmt.Sprintf("Create %s with \"## [Unreleased]\" and an entry below it, or correct changelog.files in %s.", log,
				strings.TrimPrefix(l.p.Rule("changelog.files"), "default ")),
		})
	default:
		l.fail("", 0, 0, fmt.Sprintf("The change adds no entry%s to %s; its author has to add one.", whose, plain(log, 70)), l.entryHow(p, log))
	}
}

// logOf is the changelog a part's entry goes to, and whether it is known not to be there. A list of paths proves that
// only when it was this check that had it made: what others asked for leaves changelogs out.
func (l *ledger) logOf(p *logPart) (log string, absent bool) {
	for _, c := range p.logs {
		if t, ok := l.text(Head, c); ok && t.Absent {
			log, absent = c, true
			continue
		}
		if l.looks() && l.f.Listed && len(l.declared) > 0 && !slices.Contains(l.f.Paths, c) && l.f.File(c) == nil {
			log, absent = c, true
			continue
		}
		return c, false
	}
	if log == "" && p == l.parts[0] && len(l.declared) > 0 {
		return l.declared[0], true // a pattern that nothing matches
	}
	return log, absent
}

// entryHow tells where in a changelog the entry goes.
func (l *ledger) entryHow(p *logPart, log string) string {
	how := fmt.Sprintf("Add a line such as \"- What this change does.\" under the heading Unreleased of %s.", log)
	if t, ok := l.text(Head, log); ok && t.Kind == "" && !t.Absent {
		file := changelog.Parse(log, t.Text)
		switch {
		case file.Unreleased != nil && file.Unreleased.Title != "":
			how = fmt.Sprintf("Add a line such as \"- What this change does.\" below \"%s\" (line %d of %s).", plain(file.Unreleased.Title, 60), file.Unreleased.Line, log)
		case len(file.Versions) > 0:
			how = fmt.Sprintf("Add a heading \"Unreleased\" above line %d of %s, and below it a line such as \"- What this change does.\"", file.Versions[0].Line, log)
		}
	}
	if p.fragments || l.parts[0].fragments {
		how += " Or add a fragment: " + l.fragmentHow(p)
	}
	return how
}

func (l *ledger) fragmentHow(p *logPart) string {
	if l.fragmentsGiven() && len(l.p.Changelog.Fragments) > 0 {
		return "a file that matches " + l.p.Changelog.Fragments[0] + ", with a sentence on what this change does."
	}
	for _, f := range l.f.Paths {
		if l.isFragment(f) && (l.partOf(f) == p || l.partOf(f) == l.parts[0]) {
			return "a file in " + path.Dir(f) + "/ beside " + path.Base(f) + ", with a sentence on what this change does."
		}
	}
	return "a file in the folder for fragments, with a sentence on what this change does."
}
