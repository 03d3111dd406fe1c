package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/gate"
)

// lineWriter writes lines for a terminal and remembers the first error. All that came from a forge is made plain, since
// a terminal obeys odd characters.
type lineWriter struct {
	w   io.Writer
	err error
}

func (l *lineWriter) line(indent int, format string, args ...any) {
	for i, a := range args {
		switch s := a.(type) {
		case string:
			args[i] = gate.Plain(s)
		case verbatim:
			args[i] = string(s[:len(s)-len(strings.TrimLeft(string(s), " "))]) + gate.Plain(string(s))
		}
	}
	if l.err == nil {
		_, l.err = fmt.Fprintln(l.w, strings.TrimRight(strings.Repeat(" ", indent)+fmt.Sprintf(format, args...), " "))
	}
}

// verbatim is a line that is copied: its indentation counts.
type verbatim string

// field writes one fact, unless there is nothing to say.
func (l *lineWriter) field(name, value string) {
	if value != "" {
		l.line(2, "%-10s %s", name, value)
	}
}

// write tells of the decision as a person reads it.
func (e explained) write(w io.Writer) error {
	l := &lineWriter{w: w}
	d := e.decision
	l.line(0, "%s is %s: %s", gate.Name(d.Subject), map[bool]string{true: "open", false: "shut"}[d.Open], d.Gate.Reason)
	l.line(0, "")
	l.field("decision", d.ID)
	l.field("decided", d.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	l.field("commit", d.Commit)
	if len(e.sources) == 0 {
		l.field("policy", "none: the defaults")
	}
	for _, s := range e.sources {
		l.field("policy", fmt.Sprintf("%s (%s) at %.12s", s.Name, s.Origin, s.Commit))
	}
	for _, v := range d.Verdicts {
		l.line(0, "")
		e.verdict(l, v)
	}
	if d.Acts.Hold != nil {
		l.line(0, "")
		l.line(0, "HELD by %s: %s", d.Acts.Hold.By.Login, d.Acts.Hold.Reason)
		l.line(2, "%s", d.Acts.Hold.URL)
	}
	l.line(0, "")
	l.line(0, "FACTS, as they were at %s", e.facts.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	e.factsInShort(l)
	l.line(0, "")
	e.replayed(l)
	return l.err
}

// verdict writes one: outcome, reason, rule and the rule's line, what it found, and who let it through.
func (e explained) verdict(l *lineWriter, v checks.Verdict) {
	mode := ""
	if v.Mode == "observe" || v.Mode == "advise" {
		mode = " (" + string(v.Mode) + ")"
	}
	l.line(0, "%s sluice/%s%s: %s", strings.ToUpper(v.Outcome.String()), v.Check, mode, v.Reason)
	if v.Outcome == checks.Overridden {
		l.line(2, "beneath: %s. %s", v.Beneath.String(), v.Override)
		for _, o := range e.decision.Acts.Overrides {
			if o.Check == v.Check {
				l.line(2, "said at %s", o.URL)
			}
		}
	}
	e.rule(l, 2, v.Rule)
	for _, f := range v.Findings {
		if len(v.Findings) > 1 || f.What != v.Reason {
			label := f.Outcome.String()
			if f.Mode == "observe" || f.Mode == "advise" {
				label += ", " + string(f.Mode)
			}
			l.line(2, "- %s: %s", label, f.What)
			if f.Rule != v.Rule {
				e.rule(l, 4, f.Rule)
			}
		}
		if f.Path != "" {
			l.line(4, "where: %s", place(f.Path, f.Line))
		}
		if f.URL != "" {
			l.line(4, "see: %s", f.URL)
		}
		for i, how := range strings.Split(f.How, "\n") {
			if f.How != "" {
				l.line(4, "%s %s", []string{"how:", "    "}[min(i, 1)], verbatim(how))
			}
		}
	}
}

func place(path string, line int) string {
	if line > 0 {
		return fmt.Sprintf("%s:%d", path, line)
	}
	return path
}

var ruleAt = patterns.New(`^(.+):(\d+) `)

// rule writes where a rule stands and, from the policy that was kept, what stands there.
func (e explained) rule(l *lineWriter, indent int, rule string) {
	if rule == "" {
		return
	}
	l.line(indent, "rule: %s", rule)
	m := ruleAt.FindStringSubmatch(rule)
	if m == nil {
		return
	}
	n, _ := strconv.Atoi(m[2]) // digits; a number too large names no line
	for _, s := range e.sources {
		if lines := strings.Split(s.Text, "\n"); s.Name == m[1] && n > 0 && n <= len(lines) {
			l.line(indent+2, "%d | %s", n, verbatim(lines[n-1]))
		}
	}
}

// factsInShort are those that decisions mostly hang on; --facts shows all.
func (e explained) factsInShort(l *lineWriter) {
	f := e.facts
	if c := f.Change; c != nil {
		l.field("change", fmt.Sprintf("%q by %s, from %s into %s (%s)", c.Title, login(c.Author), c.Head.Name, c.Base.Name, c.State))
		l.field("link", c.URL)
		l.field("files", fmt.Sprintf("%d changed, +%d -%d lines%s", c.ChangedFiles, c.Additions, c.Deletions, someFiles(f.Files)))
		l.field("commits", fmt.Sprintf("%d by %s", c.CommitCount, strings.Join(authors(f.Commits), ", ")))
		l.field("labels", strings.Join(labelsWithSetters(c.Labels), ", "))
	}
	if p := f.Pushed; p != nil {
		l.field("tag", fmt.Sprintf("%s at %.12s, before %.12s; annotated %v, signed %v", p.Name, p.Commit, p.Before, p.Annotated, p.Signed))
		if p.By != nil {
			l.field("pushed by", login(*p.By))
		}
		l.field("branches", strings.Join(p.Branches, ", "))
	}
	for _, r := range f.Reviews {
		at := fmt.Sprintf("of %.8s", r.Commit)
		if f.Change != nil && r.Commit == f.Change.Head.Commit {
			at = "of this commit"
		}
		l.field("review", fmt.Sprintf("%s by %s, %s", r.State, login(r.By), at))
	}
	for _, id := range sortedIDs(f.People) {
		l.field("right", fmt.Sprintf("%s: %s", login(f.People[id]), f.People[id].Permission))
	}
	for _, g := range f.Gaps {
		l.field("not read", g.Part+": "+g.Reason)
	}
}

func someFiles(files []checks.File) string {
	if len(files) == 0 {
		return ""
	}
	var names []string
	for _, c := range files[:min(len(files), 5)] {
		names = append(names, c.Path)
	}
	if len(files) > 5 {
		names = append(names, "…")
	}
	return ": " + strings.Join(names, ", ")
}

func login(p checks.Person) string {
	switch {
	case p.Login != "":
		return p.Login
	case p.Name != "":
		return p.Name + " (no account)"
	}
	return "nobody known"
}

func authors(commits []checks.Commit) (names []string) {
	for _, c := range commits {
		for _, p := range append([]checks.Person{c.Author}, c.CoAuthors...) {
			if !slices.Contains(names, login(p)) {
				names = append(names, login(p))
			}
		}
	}
	return names
}

func labelsWithSetters(labels []checks.Label) (names []string) {
	for _, x := range labels {
		by := "set by nobody known"
		if x.By != nil {
			by = "set by " + login(*x.By)
		}
		names = append(names, x.Name+" ("+by+")")
	}
	return names
}

func sortedIDs(people map[int64]checks.Person) (ids []int64) {
	for id := range people {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// replayed says whether the replay gave the same, and else what it gave.
func (e explained) replayed(l *lineWriter) {
	if e.same() {
		l.line(0, "Replayed by sluice %s: the same, byte for byte.", version())
		return
	}
	if e.decision.Facts != e.again.Facts {
		l.line(0, "The facts that are kept are not those that this was decided on: their digest is another.")
	}
	names := e.differing()
	l.line(0, "Replayed by sluice %s: NOT the same. Sluice judged otherwise when this was decided, or the record was altered.", version())
	if len(names) == 0 {
		l.line(2, "The verdicts are the same; something else of the decision differs (see --json).")
	}
	for _, name := range names {
		was, is := verdictFor(e.decision, name), verdictFor(e.again, name)
		l.line(2, "%s was %s: %s", name, was.Outcome.String(), was.Reason)
		l.line(2, "%s  is %s: %s", strings.Repeat(" ", len(name)), is.Outcome.String(), is.Reason)
	}
}
