package checks

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/sorting"
)

// wantConfigSeparation asks for the changed lines of what may hold something baked in; for the paths of configuration
// files where the change touches one, or where its code holds something that could be an environment's value; and
// then for the texts that have to be compared.
func wantConfigSeparation(p *policy.Policy, f *Facts, w *Wants) {
	if f.Change == nil {
		return
	}
	s := separate(p, f)
	if s.on(s.c.BakedIn) {
		w.WantLines(f, s.linesMatter)
	}
	if !f.Listed {
		if s.needsPaths() {
			w.WantPaths(f, s.finder.Candidate)
		}
		return
	}
	for _, t := range s.texts() {
		if _, gap := f.Gap("text:" + t.Path); !gap {
			w.WantText(f, t.Side, t.Path)
		}
	}
}

// judgeConfigSeparation reports code and configuration in one change, keys that the change leaves missing in an
// environment, and what it bakes into code. What was so before the change is not held against it.
func judgeConfigSeparation(p *policy.Policy, f *Facts) Result {
	r := Result{Pass: "Configuration is kept apart from code, and no environment lacks a key by this change.", Rule: p.Rule("config-separation")}
	if f.Change == nil {
		r.Findings = []Finding{{Outcome: Skip, What: "A tag changes no configuration.", Rule: r.Rule}}
		return r
	}
	if g, ok := f.Gap("files"); ok {
		r.Findings = []Finding{{Outcome: Unknown, What: Clip("The files of this change could not be listed: "+g.Reason, 140), Rule: r.Rule}}
		return r
	}
	s := separate(p, f)
	r.Findings = append(r.Findings, s.hidden()...)
	if s.on(s.c.BakedIn) {
		r.Findings = append(r.Findings, s.baked()...)
	}
	if s.on(s.c.Parity) {
		r.Findings = append(r.Findings, s.parity()...)
	}
	if s.on(s.c.Mixing) {
		r.Findings = append(r.Findings, s.mixing()...)
	}
	r.Findings = firstFindings(r.Findings, r.Rule)
	return r
}

// mostFindings is what people read, and what a forge shows.
const mostFindings = 100

// firstFindings keeps the worst, in their order, and counts the others.
func firstFindings(fs []Finding, rule string) []Finding {
	if len(fs) <= mostFindings {
		return fs
	}
	sorting.By(fs, func(a, b Finding) int { return cmp.Compare(b.shown().severity(), a.shown().severity()) })
	rest := fs[mostFindings:]
	more := Finding{Outcome: rest[0].Outcome, Mode: rest[0].Mode, Rule: rule, What: fmt.Sprintf("%d more findings of the same kinds are not listed.", len(rest))}
	return append(fs[:mostFindings:mostFindings], more)
}

// mixing reports code and an environment's configuration in one change.
func (s *separation) mixing() []Finding {
	var code, config string
	var where File
	for _, c := range s.f.Files {
		switch {
		case s.ignored(c):
		case s.environment(c) != "":
			if config == "" {
				config, where = s.environment(c), c
			}
		case code == "" && s.isCode(c.Path):
			code = c.Path
		}
	}
	if code == "" || config == "" {
		return nil
	}
	return []Finding{{
		Outcome: Fail, Mode: policy.Weaker(s.c.Mixing, policy.Enforce), Rule: s.p.Rule("config-separation.mixing"),
		What: Clip(fmt.Sprintf("Code and the configuration of %s change together (%s, %s).", config, where.Path, code), 140),
		How:  fmt.Sprintf("Put %s into a change of its own, so that each can be released and taken back by itself.", where.Path),
		Path: where.Path, Line: firstLine(where),
	}}
}

func firstLine(c File) int {
	if len(c.Added) > 0 {
		return c.Added[0].N
	}
	return 0
}

// hidden reports configuration files that the change turned into something that cannot be looked into.
func (s *separation) hidden() []Finding {
	mode := policy.Weaker(s.c.Parity, policy.Enforce)
	if mode == policy.Off {
		mode = policy.Weaker(s.c.BakedIn, policy.Enforce)
	}
	if mode == policy.Off {
		return nil
	}
	var fs []Finding
	for _, c := range s.f.Files {
		if c.Kind == "" || c.Status == "removed" || s.ignored(c) || !s.configures(c) {
			continue
		}
		fs = append(fs, Finding{
			Outcome: Fail, Mode: mode, Rule: s.p.Rule("config-separation.environments"), Path: c.Path, Line: 1,
			What: Clip(fmt.Sprintf("%s is %s: its keys cannot be compared.", c.Path, kindWords(c.Kind)), 140),
			How:  fmt.Sprintf("Commit %s as a text file.", c.Path),
		})
	}
	return fs
}

// configures says that the file is configuration, or that it stands where a folder of configuration would.
func (s *separation) configures(c File) bool {
	if s.environment(c) != "" {
		return true
	}
	return (c.Kind == "submodule" || c.Kind == "symlink") && s.finder.Holds(c.Path)
}

func kindWords(kind string) string {
	switch kind {
	case "symlink":
		return "a symbolic link"
	case "submodule":
		return "a submodule"
	case "lfs":
		return "a pointer to large file storage"
	case "encoding":
		return "not UTF-8"
	case "large":
		return "too large"
	}
	return kind
}

func oneOrMany(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func inWords(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
