package checks

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/baked"
	"github.com/sluicegate/sluice/checks/environments"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/secrets"
	"github.com/sluicegate/sluice/checks/sorting"
)

// ConfigReport is what `sluice inspect config --json` shows of a repository as it stands.
type ConfigReport struct {
	Environments map[string][]string `json:"environments"` // name to paths, sorted
	Missing      []MissingKey        `json:"missing"`
	BakedIn      []BakedIn           `json:"baked_in"`
}

// MissingKey is a key that one environment lacks.
type MissingKey struct {
	Environment string   `json:"environment"`
	Key         string   `json:"key"`
	PresentIn   []string `json:"present_in"`
	Files       []string `json:"files"` // those that lack it, then those that have it
}

// BakedIn is something in code that belongs into configuration. Message holds no value.
type BakedIn struct {
	Path    string `json:"path"`
	Line    int    `json:"line"`
	Kind    string `json:"kind"` // value, host, secret, branch
	Message string `json:"message"`
}

// InspectConfig looks at all paths of a repository. read returns a file's text, and false for what is no text: such a
// file is passed over. What the policy ignores is not looked at.
func InspectConfig(p *policy.Policy, paths []string, read func(path string) (string, bool)) ConfigReport {
	s := separate(p, &Facts{})
	var candidates []string
	for _, path := range paths {
		if s.finder.Candidate(path) {
			candidates = append(candidates, path)
		}
	}
	s.head = s.finder.Find(candidates)
	r := ConfigReport{Environments: map[string][]string{}, Missing: []MissingKey{}, BakedIn: []BakedIn{}}
	for _, x := range s.head.Files {
		r.Environments[x.Environment] = append(r.Environments[x.Environment], x.Path)
	}
	texts := map[string]string{}
	for _, fam := range s.head.Families {
		contents := environments.Contents{}
		for _, path := range familyPaths(fam) {
			text, ok := read(path)
			if !ok {
				continue
			}
			texts[path] = text
			if keys, err := environments.Parse(path, text); err == nil {
				contents[path] = keys
			}
		}
		r.missing(fam, environments.Compare(fam, contents))
	}
	own := baked.Origins(s.head, texts, nil)
	for _, path := range slices.Sorted(slices.Values(paths)) {
		if s.finder.Ignored(path) || !searched(path) {
			continue
		}
		if text, ok := read(path); ok {
			r.BakedIn = append(r.BakedIn, s.inspect(path, text, own)...)
		}
	}
	return r
}

func (r *ConfigReport) missing(fam *environments.Family, gaps []environments.Gap) {
	for _, g := range gaps {
		for _, e := range g.Lacking {
			m := MissingKey{Environment: e, Key: g.Key, PresentIn: g.Having}
			for _, want := range [][]string{{e}, g.Having} {
				for _, x := range fam.Files {
					if slices.Contains(want, x.Environment) {
						m.Files = append(m.Files, x.Path)
					}
				}
			}
			r.Missing = append(r.Missing, m)
		}
	}
}

// searched says that things may be baked into a file of the kind.
func searched(path string) bool {
	switch environments.KindOf(path) {
	case environments.Test, environments.Docs, environments.Vendor:
		return false
	}
	return true
}

func (s *separation) inspect(path, text string, own map[string]baked.Origin) []BakedIn {
	var lines []Line
	n := 0
	for l := range strings.SplitSeq(text, "\n") {
		n++
		lines = append(lines, Line{n, strings.TrimSuffix(l, "\r")})
	}
	var out []BakedIn
	visit := func(h baked.Hit) {
		from, mine := own[h.Word]
		if h.Kind != baked.Value || mine {
			what, _ := spotWords(spot{h, path}, from)
			out = append(out, BakedIn{path, h.Line, [...]string{"value", "host", "branch"}[h.Kind], what})
		}
	}
	x, _ := s.head.File(path)
	switch {
	case x.Environment != "":
	case s.isCode(path):
		s.scanner.Code(path, bakedLines(lines), visit)
	case environments.KindOf(path) == environments.Data:
		s.scanner.Data(path, bakedLines(lines), visit)
	}
	err := secretsIn(path, lines, s.isCode(path), secrets.NewBudget(), func(f secrets.Finding) {
		what, _ := secretWords(path, f)
		out = append(out, BakedIn{path, f.Line, "secret", what})
	})
	if err != nil {
		out = append(out, BakedIn{path, 1, "secret", Clip(path+" "+err.Error()+".", 140)})
	}
	sorting.By(out, func(a, b BakedIn) int { return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Kind, b.Kind)) })
	return slices.Compact(out)
}
