package checks

import (
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/versions"
)

// The tagging check says which version a change would ship, and fails when the change sets one that cannot be.
//
// How much a change ships is asked of four sources, and the first that says something is believed:
//
//  1. A label major, minor or patch, with or without semver: (also semver/ and semver-), set by somebody with write
//     access. Of several the highest counts.
//  2. The title as a Conventional Commit: feat is minor; fix, perf and revert are patch; an exclamation mark or a
//     BREAKING CHANGE in the body or a commit is major. Other types say nothing.
//  3. The categories of the changelog entries that it adds: Removed and Breaking are major; Added, Changed and
//     Deprecated are minor; Fixed, Security and the rest are patch.
//  4. The version file that it edits, or the section that it makes in a changelog for a version above all releases.
//
// Where none says anything the commits' own types are looked at, and at last it is a patch. Under `bump: declared`
// the four have to. Below 1.0.0 what breaks is a minor release, as is the custom; only a label makes 1.0.0 of it.
//
// A version that the change sets must be valid, above the highest release, and not taken. A change into a branch that
// is not the default one may continue an older line instead, see versions.Scheme.Place. A tag that points at the
// change's own head is this very release and stands in nobody's way.
func judgeTagging(p *policy.Policy, f *Facts) Result {
	r := Result{Rule: p.Rule("tagging.scheme")}
	if f.Change == nil {
		r.Findings = []Finding{{Outcome: Skip, Rule: p.Rule("tagging"), What: "There is no change that would ship a version."}}
		return r
	}
	if g, ok := f.Gap("files"); ok {
		r.Findings = []Finding{{Outcome: Unknown, Rule: r.Rule, What: "The files of the change could not be read: " + plain(g.Reason, 90)}}
		return r
	}
	lines, err := releaseLines(p, f)
	if err != nil {
		r.Findings = []Finding{{Outcome: Unknown, Rule: r.Rule, What: "The policy's tagging scheme cannot be used: " + plain(err.Error(), 90)}}
		return r
	}
	j := tagJudge{p: p, f: f, who: labelled(p, f), title: conventional(f)}
	for _, l := range lines {
		j.line(l)
	}
	r.Findings, r.Pass = j.findings, j.pass(lines)
	return r
}

// wantTagging asks for who set the labels that name a level, for both sides of the version files that the change
// touches, for changelogs where label and title are silent, and for other version files once a version is set.
func wantTagging(p *policy.Policy, f *Facts, w *Wants) {
	if f.Change == nil {
		return
	}
	told := conventional(f).level != versions.None
	for _, l := range f.Change.Labels {
		if _, ok := labelLevel(l.Name); ok {
			told = true
			if l.By != nil && !f.Local {
				wantHolds(f, w, []Person{*l.By}, policy.From{Permission: "write"}, p)
			}
		}
	}
	lines, err := touchedLines(p, f)
	if err != nil {
		return
	}
	for _, l := range lines {
		if !told {
			wantEntries(p, f, w, l)
		}
		wantStatements(p, f, w, l)
	}
}

// tagJudge gathers what the check finds.
type tagJudge struct {
	p        *policy.Policy
	f        *Facts
	who      labels
	title    said
	findings []Finding
	ships    []shipment
	nothing  string // why a line ships nothing
}

// shipment is what one line would ship.
type shipment struct {
	level versions.Level
	tag   string
	after string // the highest release before, "" for none
	from  string // "the title"; "" when nothing says
	aside string // what a version file says else
}

// line judges one line of releases.
func (j *tagJudge) line(l *releaseLine) {
	set := j.statements(l)
	var e entries
	if set != nil || j.who.level == versions.None && j.title.level == versions.None {
		e = readEntries(j.p, j.f, l, set)
	}
	if e.stray != nil && !set.version.Development() {
		j.at(e.stray, "tagging.files", fmt.Sprintf("%s has a section for %s where %s says %s: the author must make them agree.", e.stray.name(), plain(e.stray.text, 25), set.name(), plain(set.text, 25)), "")
	}
	if set == nil {
		set = e.heading
	}
	level, from := j.level(l, set, e)
	if level == versions.None {
		return
	}
	if _, gap := j.f.Gap("tags"); gap {
		g, _ := j.f.Gap("tags")
		j.add(Unknown, "tagging.tag", "Which version is next is not known, the tags could not be read: "+plain(g.Reason, 60), "")
		return
	}
	s := shipment{level: level, from: from, after: l.highest.Tag}
	s.tag = l.Template.Tag(l.Scheme.Next(l.base(), level, j.f.At.UTC()))
	if set != nil {
		own := l.Template.Tag(l.shipped(set.version))
		if from == set.name() {
			s.tag = own
		} else if own != s.tag {
			s.aside = fmt.Sprintf("%s says %s", set.name(), plain(set.text, 30))
		}
	}
	if l.parts {
		s.tag, s.aside = "", "tags here name components, and tagging.components declares none"
	}
	j.ships = append(j.ships, s)
}

// level is how much the change ships on a line, and who says so. A level that was inferred is lowered below 1.0.0.
func (j *tagJudge) level(l *releaseLine, set *statement, e entries) (versions.Level, string) {
	if !j.f.Local {
		if g, gap := j.f.Gap("labels"); gap {
			j.add(Unknown, "tagging.bump", "The labels could not be read: "+plain(g.Reason, 100), "")
			return versions.None, ""
		}
		if j.who.unsure != "" {
			j.add(Unknown, "tagging.bump", fmt.Sprintf("It is not known whether whoever set the label %s has write access.", j.who.unsure), "")
			return versions.None, ""
		}
		if j.who.level != versions.None {
			return j.who.level, "the label"
		}
	}
	if j.title.level != versions.None {
		return l.inferred(j.title.level), j.title.from
	}
	if e.unknown != "" {
		j.add(Unknown, "changelog.files", e.unknown, "")
		return versions.None, ""
	} else if e.level != versions.None {
		return l.inferred(e.level), "the changelog"
	}
	if set != nil {
		return l.difference(set.version), set.name()
	}
	return j.undeclared(l)
}

// undeclared is what becomes of a change that says nothing of its version.
func (j *tagJudge) undeclared(l *releaseLine) (versions.Level, string) {
	if j.p.Tagging.Bump == "declared" {
		how := "Give the change a title such as `fix: ...` or `feat: ...`, or have somebody with write access set the label `patch`, `minor` or `major`."
		if j.who.ignored != "" {
			how += fmt.Sprintf(" The label %s does not count: whoever set it has no write access, or is not known.", j.who.ignored)
		}
		if g, gap := j.f.Gap("commits"); gap {
			j.add(Unknown, "tagging.bump", "Nothing seen says what this would ship, and not all commits were read: "+plain(g.Reason, 50), how)
			return versions.None, ""
		}
		j.add(Fail, "tagging.bump", "Nothing says whether this is a major, minor or patch release: the author can, in the title.", how)
		return versions.None, ""
	}
	if j.title.kind != "" {
		j.nothing = "its title says " + plain(j.title.kind, 20)
		return versions.None, ""
	}
	if level := commitsLevel(j.f); level != versions.None {
		return l.inferred(level), "its commits"
	}
	return versions.Patch, ""
}

// add keeps a finding that belongs to no line of a file, once.
func (j *tagJudge) add(o Outcome, key, what, how string) {
	x := Finding{Outcome: o, What: Clip(what, 140), How: how, Rule: j.p.Rule(key)}
	for _, y := range j.findings {
		if y == x {
			return
		}
	}
	j.findings = append(j.findings, x)
}

// pass is the sentence for when nothing is wrong.
func (j *tagJudge) pass(lines []*releaseLine) string {
	if len(j.ships) == 0 {
		switch {
		case len(lines) == 0:
			return "Ships no version: it touches none of the components."
		case j.nothing != "":
			return Clip("Ships no release by itself: "+j.nothing+".", 140)
		}
		return "Ships no release by itself."
	}
	s := j.ships[0]
	text := "Ships "
	if s.level != versions.None {
		text += s.level.String() + ": "
	}
	if len(j.ships) > 1 {
		tags := make([]string, len(j.ships))
		for i, s := range j.ships {
			tags[i] = plain(s.tag, 40)
		}
		return Clip(text+strings.Join(tags[:len(tags)-1], ", ")+" and "+tags[len(tags)-1]+s.source()+".", 140)
	}
	if s.tag == "" && s.after == "" {
		return Clip("Ships "+s.level.String()+s.source()+"; "+s.aside+".", 140)
	}
	if s.tag == "" {
		return Clip(text+"the scheme has no other version today, after "+plain(s.after, 40)+".", 140)
	}
	text += plain(s.tag, 50)
	if s.after == "" {
		text += ", the first release"
	} else {
		text += " after " + plain(s.after, 50)
	}
	text += s.source()
	if s.aside != "" {
		text += "; " + s.aside
	}
	return Clip(text+".", 140)
}

func (s shipment) source() string {
	if s.from == "" {
		return " (nothing says more)"
	}
	return " (from " + s.from + ")"
}
