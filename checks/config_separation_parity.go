package checks

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/environments"
	"github.com/sluicegate/sluice/checks/policy"
)

// parity reports the keys that an environment lacks with the change and did not lack without it. Older gaps are
// counted in a finding that passes.
func (s *separation) parity() []Finding {
	families := s.families()
	if len(families) == 0 {
		return nil
	}
	if fs := s.unread("config-separation.parity", s.c.Parity, s.parityTexts()); len(fs) > 0 {
		return fs
	}
	var fs []Finding
	older := 0
	for _, name := range families {
		found, old := s.familyParity(name)
		fs = append(fs, found...)
		older += old
	}
	if older > 0 {
		fs = append(fs, s.finding(Pass, fmt.Sprintf("%d %s missing in some environment before this change too.", older, oneOrMany(older, "key was", "keys were")), "Run `sluice inspect config` to see which."))
	}
	return fs
}

func (s *separation) finding(o Outcome, what, how string) Finding {
	return Finding{Outcome: o, Mode: policy.Weaker(s.c.Parity, policy.Enforce), Rule: s.p.Rule("config-separation.parity"), What: Clip(what, 140), How: how}
}

// unread says why the texts that are needed are not there, or are too many.
func (s *separation) unread(rule string, mode policy.Mode, texts []Text) []Finding {
	f := Finding{Mode: policy.Weaker(mode, policy.Enforce), Rule: s.p.Rule(rule)}
	if g, gap := s.f.Gap("paths"); gap || !s.f.Listed {
		f.Outcome, f.What = Unknown, Clip("The repository's configuration files could not be listed: "+strings.TrimSpace(g.Reason+"."), 140)
		return []Finding{f}
	}
	if len(texts) > mostParity {
		f.Outcome = Fail
		f.What = fmt.Sprintf("The change touches so much configuration that %d files would have to be compared: split it.", len(texts))
		f.How = fmt.Sprintf("Split the change, or name what need not be compared under config-separation.ignore; at most %d files are read.", mostParity)
		return []Finding{f}
	}
	for _, t := range texts {
		if _, ok := s.read[t]; !ok {
			g, _ := s.f.Gap("text:" + t.Path)
			f.Outcome, f.What = Unknown, Clip(fmt.Sprintf("%s could not be read. %s", t.Path, g.Reason), 140)
			return []Finding{f}
		}
	}
	return nil
}

// contents parses the texts of a family at one side of the change. A file that cannot be compared is left out, and
// why is told.
func (s *separation) contents(f *environments.Family, side func(string) Side) (environments.Contents, map[string]error) {
	contents, failed := environments.Contents{}, map[string]error{}
	for _, p := range familyPaths(f) {
		t, ok := s.read[Text{Side: side(p), Path: p}]
		switch keys, err := environments.Parse(p, t.Text); {
		case !ok || t.Absent:
			failed[p] = errors.New("not there")
		case t.Kind != "":
			failed[p] = errors.New(kindWords(t.Kind))
		case err != nil:
			failed[p] = err
		default:
			contents[p] = keys
		}
	}
	return contents, failed
}

func (s *separation) familyParity(name string) (fs []Finding, older int) {
	head, base := s.head.Family(name), s.base.Family(s.familyBefore(name))
	if head == nil {
		return nil, 0
	}
	now, failed := s.contents(head, func(string) Side { return Head })
	old := map[string]bool{}
	var was []environments.Gap
	if base != nil {
		before, failedBefore := s.contents(base, s.sideOf)
		fs = append(fs, s.broken(failed, failedBefore)...)
		fs = append(fs, s.dropped(head, base)...)
		was = environments.Compare(base, before)
	} else {
		fs = append(fs, s.broken(failed, nil)...)
	}
	for _, g := range was {
		for _, e := range g.Lacking {
			old[g.ID+"\x00"+e] = true
		}
	}
	var fresh []environments.Gap
	for _, g := range environments.Compare(head, now) {
		all := len(g.Lacking)
		g.Lacking = slices.DeleteFunc(g.Lacking, func(e string) bool { return old[g.ID+"\x00"+e] })
		if len(g.Lacking) > 0 {
			fresh = append(fresh, g)
		}
		if len(g.Lacking) < all {
			older++
		}
	}
	return append(fs, s.report(head, fresh, now)...), older
}

// familyBefore is the family's name without the change: another, when its files were moved.
func (s *separation) familyBefore(name string) string {
	if s.base.Family(name) != nil {
		return name
	}
	for _, x := range s.head.Family(name).Files {
		if was, ok := s.base.File(s.had[x.Path]); ok {
			return was.Family
		}
	}
	return name
}

// broken reports files that the change made unreadable. One that was so before is not this change's.
func (s *separation) broken(now, before map[string]error) []Finding {
	var paths []string
	for p := range now {
		if c, changed := s.changed[p]; changed && c.Kind == "" && before[s.before(c)] == nil {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	var fs []Finding
	for _, p := range paths {
		f := s.finding(Fail, fmt.Sprintf("%s is %s: its keys cannot be compared.", p, now[p]), "Mend the file, so that what reads it can, too.")
		f.Path, f.Line = p, 1
		var syntax *environments.SyntaxError
		if errors.As(now[p], &syntax) {
			f.Line = max(syntax.Line, 1)
		}
		fs = append(fs, f)
	}
	return fs
}

// dropped reports environments whose files in a family the change takes away while others keep theirs. An environment
// that is gone everywhere is given up on purpose, unless the policy still declares it.
func (s *separation) dropped(head, base *environments.Family) []Finding {
	left := head.Environments()
	var fs []Finding
	for _, e := range base.Environments() {
		if slices.Contains(left, e) || len(left) == 0 || !head.Declared && !slices.Contains(s.head.Names(), e) {
			continue
		}
		var gone []string
		for _, x := range base.Files {
			if x.Environment == e {
				gone = append(gone, x.Path)
			}
		}
		fs = append(fs, s.finding(Fail, fmt.Sprintf("%s loses %s, while %s %s theirs.", e, inWords(gone), inWords(left), oneOrMany(len(left), "keeps", "keep")),
			fmt.Sprintf("Keep %s, or remove what the others have instead of it too.", inWords(gone))))
	}
	return fs
}

// report words the gaps: one by one, or several of one sort together.
func (s *separation) report(fam *environments.Family, gaps []environments.Gap, now environments.Contents) []Finding {
	var groups [][]environments.Gap
	number := map[string]int{}
	for _, g := range gaps {
		id := strings.Join(g.Lacking, ",") + "/" + strings.Join(g.Having, ",")
		i, known := number[id]
		if !known {
			i = len(groups)
			number[id] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], g)
	}
	var fs []Finding
	for _, x := range groups {
		if len(x) > 5 {
			fs = append(fs, s.reportMany(fam, x, now))
			continue
		}
		for _, g := range x {
			fs = append(fs, s.reportOne(fam, g, now))
		}
	}
	return fs
}

func (s *separation) reportOne(fam *environments.Family, g environments.Gap, now environments.Contents) Finding {
	f := s.finding(Fail, fmt.Sprintf("%s %s the key %s, which %s %s.", inWords(g.Lacking), oneOrMany(len(g.Lacking), "lacks", "lack"), g.Key,
		inWords(g.Having), oneOrMany(len(g.Having), "has", "have")), s.cure(fam, g, g.Key))
	f.Path, f.Line = s.place(fam, g, now)
	return f
}

func (s *separation) reportMany(fam *environments.Family, gaps []environments.Gap, now environments.Contents) Finding {
	g := gaps[0]
	var keys []string
	for _, x := range gaps {
		keys = append(keys, x.Key)
	}
	f := s.finding(Fail, fmt.Sprintf("%s %s %d keys that %s %s, such as %s.", inWords(g.Lacking), oneOrMany(len(g.Lacking), "lacks", "lack"), len(gaps),
		inWords(g.Having), oneOrMany(len(g.Having), "has", "have"), g.Key), s.cure(fam, g, Clip(strings.Join(keys, ", "), 1500)))
	f.Path, f.Line = s.place(fam, g, now)
	return f
}

// cure names the files to edit.
func (s *separation) cure(fam *environments.Family, g environments.Gap, keys string) string {
	var to []string
	for _, x := range fam.Files {
		if slices.Contains(g.Lacking, x.Environment) {
			to = append(to, x.Path)
		}
	}
	how := fmt.Sprintf("Add %s to %s", keys, inWords(to))
	if len(fam.Base) > 0 {
		return how + fmt.Sprintf(", or to %s, which all share.", fam.Base[0])
	}
	return how + fmt.Sprintf(", as %s has it.", g.Path)
}

// place is where to show a gap: at the key in a file that the change touches, else at the top of a touched file that
// lacks it, else nowhere.
func (s *separation) place(fam *environments.Family, g environments.Gap, now environments.Contents) (string, int) {
	for _, x := range fam.Files {
		if _, changed := s.changed[x.Path]; !changed {
			continue
		}
		for _, k := range now[x.Path] {
			if k.Path == g.Key {
				return x.Path, k.Line
			}
		}
	}
	for _, x := range fam.Files {
		if _, changed := s.changed[x.Path]; changed && slices.Contains(g.Lacking, x.Environment) {
			return x.Path, 1
		}
	}
	return g.Path, 0
}
