package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/changelog"
	"github.com/sluicegate/sluice/checks/versions"
)

// between judges new versions that are not put where the newest goes: fine when they were tagged elsewhere, as for
// a branch that is still maintained.
func (l *ledger) between(path string, r logReading, fresh []*changelog.Version) {
	shown := 0
	for _, v := range r.delta.New {
		if shown++; shown > 200 {
			return
		}
		if slices.Contains(fresh, v) || r.after.Style == changelog.GNU || l.tagged(v.Version) {
			continue
		}
		if v.Bad {
			l.fail(path, v.Line, v.Line, fmt.Sprintf("The heading %q stands below released versions; it goes above them.", plain(v.Version, 40)),
				"Move the heading and its entries above the newest version.")
			continue
		}
		l.fail(path, v.Line, v.Line, fmt.Sprintf("%s is put among released versions, but there is no tag for it; a new version goes above them.", plain(v.Version, 40)),
			"Move the section to where the newest version goes, or tag that release first.")
	}
}

// begin judges a changelog, or a day of one, that is new and holds no entry still to be released.
func (l *ledger) begin(path string, owner *logPart, r logReading, fresh []*changelog.Version) {
	newest := fresh[0]
	if r.after.Ascending {
		newest = fresh[len(fresh)-1]
	}
	if what, how := l.unfit(newest, owner, r, r.after.Style == changelog.GNU); what != "" {
		l.fail(path, newest.Line, newest.Line, what, how)
		return
	}
	l.released = l.released || r.after.Style != changelog.GNU
	l.satisfy([]*logPart{owner}, fmt.Sprintf("Adds %s to %s.", plain(newest.Version, 40), path))
}

// release judges a change that makes a version: its number, its date, and that nothing stays behind.
func (l *ledger) release(path string, owner *logPart, r logReading, fresh []*changelog.Version) {
	problems := len(l.findings)
	l.between(path, r, fresh)
	for i, v := range fresh {
		if i >= maxShown {
			break
		}
		if what, how := l.unfit(v, owner, r, false); what != "" {
			l.fail(path, v.Line, v.Line, what, how)
		}
	}
	name := plain(fresh[0].Version, 40)
	for i, e := range r.delta.Left {
		if l.shown(path, i, len(r.delta.Left), "entries stay under Unreleased") {
			l.fail(path, e.Line, e.EndLine, fmt.Sprintf("This entry stays under Unreleased although %s is made; move it there.", name), "Move the entry below the heading of "+name+".")
		}
	}
	for i, e := range r.delta.Lost {
		if l.shown(path, i, len(r.delta.Lost), "unreleased entries are lost") {
			l.fail(path, fresh[0].Line, fresh[0].Line, fmt.Sprintf("An entry that was unreleased is missing from %s: %s", name, plain(e.Words(), 70)),
				"Add below "+name+": \""+plain(e.Words(), 300)+"\"")
		}
	}
	l.leftovers(path, owner, r, fresh[0])
	l.released = true
	if len(l.findings) == problems {
		l.satisfy([]*logPart{owner}, fmt.Sprintf("Makes %s in %s, with every unreleased entry in it.", name, path))
	}
}

// leftovers looks for fragments that a release made from fragments did not take.
func (l *ledger) leftovers(path string, owner *logPart, r logReading, v *changelog.Version) {
	taken := slices.ContainsFunc(l.consumed, func(p string) bool { return l.speaker(l.partOf(p)) == owner || l.partOf(p) == l.parts[0] })
	if !taken || r.after.Style == changelog.Changesets && strings.ContainsRune(v.Version, '-') {
		return // Changesets keep their files through prereleases
	}
	shown := 0
	for _, p := range l.f.Paths {
		if !l.isFragment(p) || l.speaker(l.partOf(p)) != owner {
			continue
		}
		if shown++; shown > maxShown {
			return
		}
		l.fail(path, v.Line, v.Line, fmt.Sprintf("The fragment %s stays behind although %s is made; gather it too.", plain(p, 60), plain(v.Version, 30)),
			"Put its text below "+plain(v.Version, 40)+" and git rm "+quoteArg(p))
	}
}

// unfit says what is wrong with a version that is made, and how to mend it.
func (l *ledger) unfit(v *changelog.Version, owner *logPart, r logReading, day bool) (what, how string) {
	name := plain(v.Version, 40)
	if v.Bad {
		return fmt.Sprintf("%q is no version; the heading of a release has to name one.", name), "Write the heading as: ## [1.2.3] - " + l.today()
	}
	if !day {
		if what, how := l.unfitNumber(v, owner, r); what != "" {
			return what, how
		}
	}
	switch at, _ := time.Parse(time.DateOnly, v.Date); {
	case v.BadDate:
		return fmt.Sprintf("%s, the date of %s, is no day of the calendar.", plain(v.Written, 30), name), "Write the day of the release: " + l.today()
	case v.Written == "" && needsDate(r.before, r.after):
		return fmt.Sprintf("%s has no date; add the day of the release to its heading.", name), "Write the heading as: " + name + " - " + l.today()
	case !l.f.At.IsZero() && at.After(l.f.At.Add(48*time.Hour)):
		return fmt.Sprintf("%s, the date of %s, lies in the future.", plain(v.Written, 30), name), "Write the day of the release: " + l.today()
	}
	// Nothing waited: then the version may be as empty as what it was made from.
	if !(r.delta.Turned && len(r.delta.Fresh(r.after)) == 1) && !slices.ContainsFunc(v.Entries, func(e changelog.Entry) bool { return e.Form != changelog.Block && changelog.Tells(e.Words()) }) {
		return fmt.Sprintf("%s has no entry; tell what it brings.", name), "Add a line such as \"- What this release brings.\" below its heading."
	}
	return "", ""
}

func (l *ledger) today() string { return l.f.At.UTC().Format(time.DateOnly) }

// unfitNumber says why a version is not one that may come next. A project that has always written its versions
// another way than the scheme asks goes on doing so; tagging is the check that minds.
func (l *ledger) unfitNumber(v *changelog.Version, owner *logPart, r logReading) (what, how string) {
	name := plain(v.Version, 40)
	byDay := v.Version == v.Date || r.after.Style == changelog.Debian
	scheme, err := l.scheme(owner)
	if err != nil {
		return Clip(err.Error(), 140), "Correct tagging.scheme in the policy."
	}
	old := r.before.Versions
	if !byDay {
		if _, err := scheme.Parse(v.Version); err != nil && !l.habit(scheme, v.Version, old) {
			return Clip(err.Error(), 140), "Write a version that follows " + scheme.String() + "."
		}
	}
	known := slices.ContainsFunc(old, func(o *changelog.Version) bool { return o.Package == v.Package })
	for _, o := range old {
		if o.Bad || o.Package != v.Package && known {
			continue
		}
		c := changelog.Compare(v.Version, o.Version)
		if a, ok := scheme.Loose(v.Version); ok && !byDay {
			if b, ok := scheme.Loose(o.Version); ok {
				c = a.Compare(b)
			}
		}
		if c < 0 && !r.delta.Turned && continues(v, o, scheme, r) {
			continue
		}
		if c < 0 || c == 0 && !byDay {
			return fmt.Sprintf("%s is not higher than %s, which is released.", name, plain(o.Version, 40)), "Write a version above " + plain(o.Version, 40) + "."
		}
	}
	return "", ""
}

// continues says whether a version that is lower than another one is the next of an older line: what is released from a
// branch for maintenance is often told in the main changelog too. It is never what Unreleased becomes.
func continues(v, higher *changelog.Version, scheme versions.Scheme, r logReading) bool {
	mine, ok := scheme.Loose(v.Version)
	if !ok || !slices.ContainsFunc(r.after.Versions, func(x *changelog.Version) bool { return x.Version == higher.Version && x.Package == higher.Package }) {
		return false
	}
	line := false
	for _, o := range r.before.Versions {
		other, ok := scheme.Loose(o.Version)
		if !ok || o.Bad || o.Package != v.Package || other.Number(0) != mine.Number(0) || other.Number(1) != mine.Number(1) {
			continue
		}
		if mine.Compare(other) <= 0 {
			return false
		}
		line = true
	}
	return line
}

// habit says whether versions before were written in a way that the scheme refuses too, and this one like them.
func (l *ledger) habit(scheme versions.Scheme, version string, old []*changelog.Version) bool {
	if _, ok := scheme.Loose(version); !ok {
		return false
	}
	for _, o := range old[:min(len(old), 20)] {
		if _, err := scheme.Parse(o.Version); err != nil && !o.Bad && strings.Count(o.Version, ".") == strings.Count(version, ".") {
			return true
		}
	}
	return false
}

func (l *ledger) scheme(owner *logPart) (versions.Scheme, error) {
	t := l.p.Tagging
	if owner.scheme != "" {
		return versions.ParseScheme(owner.scheme, t.Pattern)
	}
	return versions.ParseScheme(t.Scheme, t.Pattern)
}

// needsDate says whether versions bear dates here: as those before do, and where there are none yet, they should.
func needsDate(before, after *changelog.File) bool {
	if len(before.Versions) == 0 {
		return after.Style != changelog.Changesets
	}
	return slices.ContainsFunc(before.Versions[:min(len(before.Versions), 5)], func(v *changelog.Version) bool { return v.Written != "" })
}

func severalOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
