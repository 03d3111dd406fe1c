package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/environments"
	"github.com/sluicegate/sluice/checks/policy"
)

// layout is where the environments' configuration lies at the commit.
func (g *guard) layout() *separation {
	f := *g.f
	f.Files = nil
	return separate(g.p, &f)
}

// means says whether a name found in paths is that of the environment.
func (g *guard) means(name string) bool {
	return strings.EqualFold(name, g.e.Name) || environments.Name(name) == environments.Name(g.e.Name)
}

// own are the families that the environment has files in.
func (g *guard) own(s *separation) (families []*environments.Family) {
	for _, fam := range s.head.Families {
		if slices.ContainsFunc(fam.Environments(), g.means) {
			families = append(families, fam)
		}
	}
	return families
}

// comparing is the mode of comparing keys at all.
func (g *guard) comparing() policy.Mode {
	mode := policy.Weaker(g.p.ConfigSeparation.Parity, "")
	if !g.p.Floor() || g.p.Given("config-separation") {
		mode = policy.Weaker(mode, g.p.ModeOf("config-separation"))
	}
	return mode
}

func wantComplete(g *guard, w *Wants) {
	_, gap := g.f.Gap("paths")
	if g.comparing() == policy.Off || gap {
		return
	}
	s := g.layout()
	if !g.f.Listed {
		w.WantPaths(g.f, s.finder.Candidate)
		return
	}
	paths := configPaths(g.own(s))
	if len(paths) > mostParity {
		return
	}
	for _, p := range paths {
		if _, gap := g.f.Gap("text:" + p); !gap {
			w.WantText(g.f, Head, p)
		}
	}
}

// configPaths are the files of families whose keys can be read.
func configPaths(families []*environments.Family) (paths []string) {
	for _, fam := range families {
		paths = append(paths, familyPaths(fam)...)
	}
	return paths
}

// judgeComplete wants the environment's configuration to have, at this commit, every key that another environment's has.
func judgeComplete(g *guard) Result {
	const key = "config-separation.parity"
	at := g.p.Rule(key)
	mode := g.comparing()
	if mode == policy.Off {
		return Result{Findings: []Finding{{Outcome: Skip, What: "Switched off by the policy: keys are not compared.", Rule: at}}}
	}
	unknown := func(what string) Result {
		return Result{Findings: []Finding{{Outcome: Unknown, Mode: mode, What: Clip(what, 140), Rule: at, How: "It is looked at again."}}}
	}
	if gap, unread := g.f.Gap("paths"); unread || !g.f.Listed {
		return unknown("The configuration files could not be listed: " + plain(gap.Reason, 90))
	}
	s := g.layout()
	families := g.own(s)
	if len(families) == 0 {
		return Result{Pass: Clip("No configuration files of "+g.name()+" were found that could lack a key.", 140), Rule: at}
	}
	paths := configPaths(families)
	if len(paths) > mostParity {
		return unknown(fmt.Sprintf("%d files would have to be compared: name what need not be under config-separation.ignore.", len(paths)))
	}
	for _, p := range paths {
		if _, read := s.read[Text{Side: Head, Path: p}]; !read {
			gap, _ := g.f.Gap("text:" + p)
			return unknown(plain(p, 80) + " was not read. " + plain(gap.Reason, 50))
		}
	}
	r := Result{Pass: fmt.Sprintf("No key is missing in the configuration of %s (%s compared).", g.name(), severalOf(len(paths), "file")), Rule: at}
	for _, fam := range families {
		r.Findings = append(r.Findings, g.incomplete(s, fam)...)
	}
	for i := range r.Findings {
		r.Findings[i].Mode = mode
	}
	r.Findings = firstFindings(r.Findings, at)
	return r
}

// incomplete are the keys that the environment lacks in a family, and its files that cannot be compared.
func (g *guard) incomplete(s *separation, fam *environments.Family) (fs []Finding) {
	now, failed := s.contents(fam, func(string) Side { return Head })
	for _, x := range fam.Files {
		if why := failed[x.Path]; why != nil && g.means(x.Environment) {
			f := s.finding(Fail, fmt.Sprintf("%s is %s: its keys cannot be compared.", plain(x.Path, 70), plain(why.Error(), 50)),
				"Mend the file and promote what comes of it; or name it under config-separation.ignore.")
			f.Path, f.Line = x.Path, 1
			fs = append(fs, f)
		}
	}
	var gaps []environments.Gap
	for _, x := range environments.Compare(fam, now) {
		x.Lacking = slices.DeleteFunc(slices.Clone(x.Lacking), func(e string) bool { return !g.means(e) })
		if len(x.Lacking) > 0 {
			gaps = append(gaps, x)
		}
	}
	return append(fs, s.report(fam, gaps, now)...)
}
