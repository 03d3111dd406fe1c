package checks

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks/baked"
	"github.com/sluicegate/sluice/checks/environments"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/secrets"
)

// linesMatter says whether something could be baked in by the file's lines: anything written by hand that is neither
// a test nor for people to read. What code loses matters too, since code that moves is not new.
func (s *separation) linesMatter(c File) bool {
	if c.Kind != "" || s.ignored(c) {
		return false
	}
	switch environments.KindOf(c.Path) {
	case environments.Test, environments.Docs, environments.Vendor:
		return false
	}
	if c.Status == "removed" {
		return s.isCode(c.Path)
	}
	return c.Additions > 0 || c.Status == "added" || c.Status == "modified"
}

// lines are what a file adds and loses; ok is false when they are not known.
func (s *separation) lines(c File) (added, removed []Line, ok bool) {
	if c.Read {
		return c.Added, c.Removed, true
	}
	if !c.Cut {
		return nil, nil, c.Status == "removed"
	}
	now, haveNow := s.text(Head, c.Path, c.Status != "removed")
	was, haveWas := s.text(Base, s.before(c), c.Status != "added" && c.Status != "copied")
	if !haveNow || !haveWas {
		return nil, nil, false
	}
	return linesBeyond(now, was), linesBeyond(was, now), true
}

// text at a side, empty where the file is not to be there.
func (s *separation) text(side Side, path string, there bool) (string, bool) {
	if !there {
		return "", true
	}
	t, ok := s.read[Text{Side: side, Path: path}]
	return t.Text, ok && t.Kind == ""
}

func (s *separation) cutTexts(c File, add func(Side, string)) {
	if c.Status != "removed" {
		add(Head, c.Path)
	}
	if c.Status != "added" && c.Status != "copied" {
		add(Base, s.before(c))
	}
}

// linesBeyond are the lines of a that b has not as often. It stands in for the difference that the forge withholds.
func linesBeyond(a, b string) []Line {
	left := map[string]int{}
	for l := range strings.SplitSeq(b, "\n") {
		left[l]++
	}
	var out []Line
	n := 0
	for l := range strings.SplitSeq(a, "\n") {
		n++
		if left[l]--; left[l] < 0 {
			out = append(out, Line{n, l})
		}
	}
	return out
}

// anyValue says that added code holds something that could be a value of an environment.
func (s *separation) anyValue() bool {
	for _, c := range s.f.Files {
		if !s.codeToSearch(c) {
			continue
		}
		if c.Cut {
			return true
		}
		found := false
		s.scanner.Values(c.Path, bakedLines(c.Added), func(string) { found = true })
		if found {
			return true
		}
	}
	return false
}

// codeToSearch says that values, hosts and branches are looked for in the file.
func (s *separation) codeToSearch(c File) bool {
	return c.Status != "removed" && s.linesMatter(c) && s.isCode(c.Path) && s.environment(c) == ""
}

func bakedLines(lines []Line) []baked.Line {
	out := make([]baked.Line, len(lines))
	for i, l := range lines {
		out[i] = baked.Line{N: l.N, Text: l.Text}
	}
	return out
}

// spot is something baked in, at a file.
type spot struct {
	baked.Hit
	path string
}

// baked reports what the change bakes into code.
func (s *separation) baked() []Finding {
	var fs []Finding
	var spots []spot
	values := map[string]bool{}
	for _, c := range s.f.Files {
		if c.Status == "removed" || !s.linesMatter(c) {
			continue
		}
		added, _, ok := s.lines(c)
		if !ok {
			fs = append(fs, s.withheld(c))
			continue
		}
		visit := func(h baked.Hit) {
			spots = append(spots, spot{h, c.Path})
			if h.Kind == baked.Value {
				values[h.Word] = true
			}
		}
		switch {
		case s.codeToSearch(c):
			s.scanner.Code(c.Path, bakedLines(added), visit)
		case s.environment(c) == "" && environments.KindOf(c.Path) == environments.Data:
			s.scanner.Data(c.Path, bakedLines(added), visit)
		}
	}
	fs = append(fs, s.secrets()...)
	if len(spots) == 0 {
		return fs
	}
	own, unread := s.origins(values)
	fs = append(fs, unread...)
	return append(fs, s.spots(spots, own)...)
}

// withheld words that a file's changed lines are not known.
func (s *separation) withheld(c File) Finding {
	f := Finding{Mode: policy.Weaker(s.c.BakedIn, policy.Enforce), Rule: s.p.Rule("config-separation.baked-in"), Path: c.Path, Line: 1}
	for _, t := range []Text{{Side: Head, Path: c.Path}, {Side: Base, Path: s.before(c)}} {
		if kind := s.read[t].Kind; c.Cut && kind != "" {
			f.Outcome = Fail
			f.What = Clip(fmt.Sprintf("%s cannot be searched for baked-in values: it is %s.", c.Path, kindWords(kind)), 140)
			f.How = fmt.Sprintf("Split %s, or have it named under config-separation.ignore on the target branch.", c.Path)
			return f
		}
	}
	g, _ := s.f.Gap("lines", "text:"+c.Path)
	f.Outcome, f.What = Unknown, Clip(fmt.Sprintf("The changed lines of %s could not be read. %s", c.Path, g.Reason), 140)
	return f
}

// origins finds the environments' own values among the candidates.
func (s *separation) origins(values map[string]bool) (map[string]baked.Origin, []Finding) {
	if len(values) == 0 {
		return nil, nil
	}
	var needed []Text
	paths, left := s.valueFiles()
	for _, p := range paths {
		needed = append(needed, Text{Side: Head, Path: p})
	}
	if fs := s.unread("config-separation.baked-in", s.c.BakedIn, needed); len(fs) > 0 {
		return nil, fs
	}
	texts := map[string]string{}
	for _, t := range needed {
		texts[t.Path] = s.read[t].Text
	}
	var fs []Finding
	if left > 0 {
		fs = append(fs, Finding{
			Outcome: Pass, Mode: policy.Weaker(s.c.BakedIn, policy.Enforce), Rule: s.p.Rule("config-separation.baked-in"),
			What: fmt.Sprintf("Values of %d files of configuration were looked for in code; those of %d more were not.", len(paths), left),
			How:  "Declare under config-separation.environments which files matter.",
		})
	}
	return baked.Origins(s.head, texts, values), fs
}

// spots words what was found, without what the change merely moves from one place in code to another.
func (s *separation) spots(spots []spot, own map[string]baked.Origin) []Finding {
	var fs []Finding
	var moved map[string]int
	seen := map[string]bool{}
	for _, x := range spots {
		origin, mine := own[x.Word]
		if x.Kind == baked.Value && !mine {
			continue
		}
		if moved == nil {
			moved = s.moved()
		}
		id := fmt.Sprint(x.Kind, x.Text)
		if moved[id] > 0 {
			moved[id]--
			continue
		}
		if at := fmt.Sprint(x.Kind, x.path, x.Line); !seen[at] {
			seen[at] = true
			fs = append(fs, s.word(x, origin))
		}
	}
	return fs
}

// moved counts what the change takes out of code.
func (s *separation) moved() map[string]int {
	counts := map[string]int{}
	for _, c := range s.f.Files {
		if !s.isCode(s.before(c)) || !s.linesMatter(c) || s.environment(c) != "" {
			continue
		}
		if _, removed, ok := s.lines(c); ok {
			s.scanner.Code(s.before(c), bakedLines(removed), func(h baked.Hit) { counts[fmt.Sprint(h.Kind, h.Text)]++ })
		}
	}
	return counts
}

func (s *separation) word(x spot, from baked.Origin) Finding {
	f := Finding{Outcome: Fail, Mode: policy.Weaker(s.c.BakedIn, policy.Enforce), Rule: s.p.Rule("config-separation.baked-in"), Path: x.path, Line: x.Line}
	f.What, f.How = spotWords(x, from)
	if x.Kind == baked.Host {
		f.Rule = s.p.Rule("config-separation.hosts")
	}
	return f
}

// spotWords never repeat what stands in the line: a value may be a secret.
func spotWords(x spot, from baked.Origin) (what, how string) {
	switch x.Kind {
	case baked.Value:
		what = fmt.Sprintf("%s:%d holds a value of %s: that of %s in %s.", x.path, x.Line, from.Environment, from.Key, from.Path)
		how = fmt.Sprintf("Read %s from the configuration of the environment that the code runs in.", from.Key)
	case baked.Host:
		what = fmt.Sprintf("%s:%d names a host that the policy keeps out of code (%s).", x.path, x.Line, x.Word)
		how = "Move the host into the configuration of its environment, and read it from there."
	default:
		what = fmt.Sprintf("%s:%d branches on the environment's name (%s).", x.path, x.Line, x.Word)
		how = "Give what differs a key in the configuration of each environment, and branch on that."
	}
	return Clip(what, 140), how
}

// secrets reports secrets among the added lines: in code, in what all environments share, in anything that is
// shipped. In the configuration of one environment it is advice, since its values are that file's purpose.
func (s *separation) secrets() []Finding {
	type found struct {
		secrets.Finding
		file File
	}
	var all []found
	budget := secrets.NewBudget()
	for _, c := range s.f.Files {
		added, _, ok := s.lines(c)
		if c.Status == "removed" || !ok || len(added) == 0 || !s.linesMatter(c) {
			continue
		}
		if err := secretsIn(c.Path, added, s.isCode(c.Path), budget, func(x secrets.Finding) { all = append(all, found{x, c}) }); err != nil {
			return []Finding{s.unsearched(c, err)}
		}
	}
	if len(all) == 0 {
		return nil
	}
	moved := map[string]int{}
	for _, c := range s.f.Files {
		if _, removed, ok := s.lines(c); ok && len(removed) > 0 && s.linesMatter(c) {
			if err := secretsIn(s.before(c), removed, s.isCode(c.Path), budget, func(x secrets.Finding) { moved[x.Digest]++ }); err != nil {
				break // a secret that moved is then told as a new one
			}
		}
	}
	var fs []Finding
	for _, x := range all {
		if moved[x.Digest] > 0 {
			moved[x.Digest]--
			continue
		}
		f := Finding{Outcome: Fail, Mode: policy.Weaker(s.c.BakedIn, policy.Enforce), Rule: s.p.Rule("config-separation.baked-in"), Path: x.file.Path, Line: x.Line, EndLine: x.EndLine}
		if s.environment(x.file) != "" {
			f.Outcome = Advise
		}
		f.What, f.How = secretWords(x.file.Path, x.Finding)
		fs = append(fs, f)
	}
	return fs
}

// unsearched words that a file could not be searched for secrets: its author can split it, or have it excepted.
func (s *separation) unsearched(c File, err error) Finding {
	f := Finding{Outcome: Unknown, Mode: policy.Weaker(s.c.BakedIn, policy.Enforce), Rule: s.p.Rule("config-separation.baked-in"), Path: c.Path, Line: 1}
	f.What = Clip(fmt.Sprintf("%s could not be searched for secrets: %v.", c.Path, err), 140)
	if errors.Is(err, secrets.ErrTooMuch) {
		f.Outcome, f.What = Fail, Clip(fmt.Sprintf("%s %v.", c.Path, err), 140)
		f.How = fmt.Sprintf("Split the change, or have %s named under config-separation.ignore on the target branch.", c.Path)
	}
	return f
}

// secretsIn finds the secrets that count in a file of the kind: in code all but those that go by a name and stand in
// a comment, elsewhere those that are plainly real.
func secretsIn(path string, lines []Line, code bool, budget *secrets.Budget, visit func(secrets.Finding)) error {
	text := make([]secrets.Line, len(lines))
	for i, l := range lines {
		text[i] = secrets.Line{N: l.N, Text: l.Text}
	}
	found, err := secrets.Scan(path, text, budget)
	if err != nil {
		return err
	}
	var commented func(line, column int) bool
	for _, x := range found {
		if x.Generic {
			if commented == nil {
				commented = baked.Commented(path, bakedLines(lines))
			}
			if !code || commented(x.Line, x.Column) {
				continue
			}
		}
		visit(x)
	}
	return nil
}

func secretWords(path string, x secrets.Finding) (what, how string) {
	return Clip(fmt.Sprintf("%s:%d holds a secret, by its form: %s.", path, x.Line, x.What), 140),
		"Take it out of every commit of the change, revoke it, and read its successor from a secret store."
}
