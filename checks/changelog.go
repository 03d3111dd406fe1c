package checks

import (
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks/changelog"
	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/checks/policy"
)

// wantChangelog asks for the names of changelogs and fragments where the policy does not name them, for the texts of
// those that the change touches, and for the rights of whoever set an exempting label.
func wantChangelog(p *policy.Policy, f *Facts, w *Wants) {
	if f.Change == nil || len(f.Files) == 0 {
		return
	}
	x := exemption(p, f)
	if x.by != "" {
		return
	}
	for _, person := range x.ask {
		w.WantPerson(f, person)
	}
	l := newLedger(p, f)
	if l.looks() {
		w.WantPaths(f, l.listed)
	}
	l.touched(func(c *File) {
		if old, ok := l.before(c); ok {
			w.WantText(f, Base, old)
		}
		if c.Status != "removed" {
			w.WantText(f, Head, c.Path)
		}
	})
	for _, c := range l.archives {
		w.WantText(f, Head, c.Path)
	}
	for _, c := range l.fragments {
		if c.Kind != "" {
			continue
		}
		if old, ok := l.before(c); ok {
			w.WantText(f, Base, old)
		}
		w.WantText(f, Head, c.Path)
	}
	if len(l.logs)+len(l.fragments) == 0 {
		for _, path := range l.named() {
			w.WantText(f, Head, path) // to say where in it the entry goes, or that it is not there
		}
	}
}

// judgeChangelog passes a change that tells its readers what it does: by an entry among what is to be released, by a
// fragment, or by making a release of what was there. What was told of earlier releases has to stay as it is.
func judgeChangelog(p *policy.Policy, f *Facts) Result {
	rule := p.Rule("changelog")
	if f.Change == nil {
		return Result{Findings: []Finding{{Outcome: Skip, What: "Only changes are asked for a changelog entry.", Rule: rule}}}
	}
	if g, ok := f.Gap("files"); ok {
		return notRead(rule, "", "Sluice could not read which files the change touches: "+g.Reason)
	}
	if len(f.Files) == 0 {
		if f.Change.ChangedFiles > 0 {
			return notRead(rule, "", "Sluice was not told which files the change touches; it asks again.")
		}
		return Result{Findings: []Finding{{Outcome: Skip, What: "The change touches no file.", Rule: rule}}}
	}
	x := exemption(p, f)
	if x.by != "" {
		return Result{Findings: []Finding{{Outcome: Skip, What: x.by, Rule: x.rule}}}
	}
	l := newLedger(p, f)
	l.judge()
	if len(l.findings) == 0 {
		l.missing()
		if len(l.findings) > 0 && x.unproven != "" {
			return notRead(x.rule, "", x.unproven)
		}
	}
	return Result{Findings: l.findings, Pass: l.pass, Rule: rule}
}

func notRead(rule, path, what string) Result {
	return Result{Findings: []Finding{{Outcome: Unknown, What: plain(Clip(what, 140), 140), Rule: rule, Path: path}}}
}

// ledger is what one policy finds in one change.
type ledger struct {
	p    *policy.Policy
	f    *Facts
	rule string

	declared  policy.Globs // changelogs that the policy names
	logs      []*File      // changelogs that the change touches
	archives  []*File      // older parts of changelogs that it touches
	fragments []*File      // fragments that it adds or changes
	consumed  []string     // fragments that it takes away
	speaks    []bool       // by place in Files: a changelog, a fragment or an archive, which speaks of other files
	parts     []*logPart   // the first is the repository as a whole
	homes     map[string]*logPart
	owners    map[string]*logPart // by changelog
	texts     map[Text]*Text

	findings []Finding
	pass     string
	released bool // a version is made somewhere
}

// newLedger sorts the files of the change.
func newLedger(p *policy.Policy, f *Facts) *ledger {
	l := &ledger{p: p, f: f, rule: p.Rule("changelog"), declared: policy.Globs(p.Changelog.Files)}
	l.speaks = make([]bool, len(f.Files))
	for i := range f.Files {
		c := &f.Files[i]
		l.speaks[i] = true
		switch {
		case l.isLog(c.Path) || c.Old != "" && c.Status == "renamed" && l.isLog(c.Old):
			l.logs = append(l.logs, c)
		case changelog.IsArchive(c.Path):
			if c.Status != "removed" {
				l.archives = append(l.archives, c)
			}
		case l.isFragment(c.Path):
			switch {
			case c.Status == "removed":
				l.consumed = append(l.consumed, c.Path)
			default:
				l.fragments = append(l.fragments, c)
			}
		case c.Status == "renamed" && l.isFragment(c.Old):
			l.consumed = append(l.consumed, c.Old)
			l.speaks[i] = false // it may have become code
		default:
			l.speaks[i] = false
		}
	}
	return l
}

// isLog says whether a path is a changelog under this policy.
func (l *ledger) isLog(path string) bool {
	for _, c := range l.p.Tagging.Components {
		if c.Changelog != "" && c.Changelog == path {
			return true
		}
	}
	if len(l.declared) > 0 {
		return l.declared.Match(path)
	}
	return changelog.IsChangelog(path)
}

func (l *ledger) isFragment(path string) bool {
	if l.fragmentsGiven() {
		return l.p.Changelog.Fragments.Match(path) && !changelog.Sidekick(path)
	}
	return changelog.IsFragment(path)
}

// fragmentsGiven says whether the policy names the fragments; it may say that there are none.
func (l *ledger) fragmentsGiven() bool {
	return l.p.Changelog.Fragments != nil || l.p.Given("changelog.fragments")
}

// named are the changelogs that the policy names by a path rather than by a pattern.
func (l *ledger) named() []string {
	var paths []string
	for _, f := range l.declared {
		if !strings.ContainsAny(f, "*?[{") {
			paths = append(paths, f)
		}
	}
	return paths
}

// looks says whether the tree has to be searched: for changelogs that are not named by a path, and for fragments that
// a release may have left behind.
func (l *ledger) looks() bool {
	return len(l.named()) < len(l.declared) || len(l.declared) == 0 || len(l.consumed) > 0
}

// listed says whether a path of the tree matters.
func (l *ledger) listed(path string) bool { return l.isLog(path) || l.isFragment(path) }

// touched calls do for every changelog of the change that can be read.
func (l *ledger) touched(do func(*File)) {
	for _, c := range l.logs {
		if c.Kind == "" {
			do(c)
		}
	}
}

// before is the path of a changelog before the change, when it was there.
func (l *ledger) before(c *File) (string, bool) {
	switch {
	case c.Status == "added" || c.Status == "copied":
		return "", false
	case c.Old != "" && c.Status == "renamed":
		return c.Old, true
	}
	return c.Path, true
}

func (l *ledger) fail(path string, line, end int, what, how string) {
	f := Finding{Outcome: Fail, What: plain(Clip(what, 140), 140), How: how, Rule: l.rule, Path: path, Line: line}
	if end > line {
		f.EndLine = end
	}
	l.findings = append(l.findings, f)
}

// judge looks at all that the change does to changelogs and fragments.
func (l *ledger) judge() {
	if g, partly := l.f.Gap("paths"); l.looks() && (partly || !l.f.Listed) {
		why := "it asks again."
		if partly {
			why = g.Reason
		}
		l.findings = notRead(l.rule, "", "Sluice could not look for changelogs in the repository: "+why).Findings
		return
	}
	l.divide()
	older := l.older()
	for _, c := range l.logs {
		l.log(c, older)
	}
	for _, c := range l.fragments {
		l.fragment(c)
	}
	if l.reverts() && !l.released {
		for _, p := range l.consumed {
			l.satisfy([]*logPart{l.partOf(p)}, fmt.Sprintf("Takes back the fragment %s, as a revert does.", p))
		}
	}
}

// revert is how the title of a change begins that takes another one back: as git and GitHub's button write it, or as a
// Conventional Commit.
var revert = patterns.New(`(?i)^revert(?:\([^()\r\n]*\))?(?:!?:[ \t]+\S|[ \t]+["“'])`)

// reverts says whether the change takes another one back. What was never released then needs no entry of its own: the
// entry goes with it, and nobody will read of either.
func (l *ledger) reverts() bool { return revert.MatchString(l.f.Change.Title) }

// older reads the changelogs' older parts: what moved there is not gone.
func (l *ledger) older() []*changelog.File {
	var files []*changelog.File
	for _, c := range l.archives {
		if t, ok := l.text(Head, c.Path); ok && t.Kind == "" && !t.Absent {
			files = append(files, changelog.Parse(c.Path, t.Text))
		}
	}
	return files
}

// fragment reads a fragment. One that says nothing, or what it said before in other words, does not count; the first
// is only spoken of when it is all there is.
func (l *ledger) fragment(c *File) {
	now, ok := l.readable(c, Head, c.Path)
	if !ok {
		return
	}
	read, err := changelog.ReadFragment(c.Path, now.Text)
	if err != nil {
		p := l.partOf(c.Path)
		p.hollow = append(p.hollow, Finding{
			What: fmt.Sprintf("The fragment %s %v; write what the change does for its users.", plain(c.Path, 60), err), Path: c.Path, Line: 1,
		})
		return
	}
	how := "Adds the fragment"
	if old, was := l.before(c); was && l.isFragment(old) {
		before, ok := l.readable(c, Base, old)
		if !ok {
			return
		}
		if said, _ := changelog.ReadFragment(old, before.Text); !read.Adds(said) {
			return
		}
		how = "Adds to the fragment"
	}
	l.satisfy(l.told(c.Path, read.Packages), fmt.Sprintf("%s %s.", how, c.Path))
}

// satisfy notes that these parts have what they need.
func (l *ledger) satisfy(parts []*logPart, how string) {
	for _, p := range parts {
		p.satisfied = true
	}
	if l.pass == "" {
		l.pass = plain(Clip(how, 140), 140)
	}
}
