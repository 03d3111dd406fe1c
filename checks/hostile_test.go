package checks

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks/policy"
)

// hostile are policies that between them switch everything on.
var hostile = []string{
	"version: 1\n",
	"version: 1\ntagging: {scheme: \"calver:YYYY.MM.MICRO\"}\napproval: {rules: [{name: a, from: {codeowners: true}}], stale: push-by-others}\n",
	"version: 1\ntagging:\n  bump: declared\n  components:\n    - {name: a, paths: [\"config/**\"], tag: \"a-{version}\"}\n" +
		"config-separation: {mixing: enforce, environments: {production: [\"**/prod*\"], dev: [\"**/dev*\"]}, hosts: [\"*.x.y\"]}\n",
	"version: 1\nchecks: [{name: h, rule: \"files.all(f, f.path.matches('^[a-z]+$'))\", message: \"{{change.title}}\"}]\n",
}

var (
	oddNames = strings.Split("\u023a|\u023aTest|\xff||..|config|production|dev|deploy|CHANGELOG.md|changelog.d|newsfragments|.changeset|package.json|VERSION|"+
		"\u0130prod|.env|.env.production|values-prod|a{b}|[x]|**|CODEOWNERS|.github|x.Cs|x.py|\u023a.yml|prod.tfvars|prod.json|prod.properties|Chart.yaml|"+
		"Cargo.toml|pyproject.toml|debian|docs|\n|a b|\u202e|1.2.3|1.feature.rst|vendor|.sluice.yml|prod.toml|prod.ini|setup.py", "|")
	oddTexts = []string{"", "\n", "\r\n", "# Changelog\n\n## [Unreleased]\n\n- \u023a\n", "## [1.0.0] - 2026-01-01\n- x\n", "{\"version\":\"1.2.3\"}", "{",
		"a: &a [*a]\n", "a:\n  - b: \u023a\n", "\ufeff# c\n", "version = \"99999999999999999999.1.1\"\n", "1.2.3", "\x00", "---\n\"x\": minor\n---\n\nNew",
		"KEY=\u023a\nKEY2='", "if env == \"production\" {", "<!-- ", "```", "* @acme/ops\n/\u023a [a\n", "variable \"x\" {}\n", strings.Repeat("[", 500)}
)

// odd makes facts such as no forge should tell, and answers what is wanted with more of the kind.
type odd struct{ *rand.Rand }

func (o odd) of(words ...string) string { return words[o.IntN(len(words))] }

func (o odd) path() string {
	parts := make([]string, 1+o.IntN(4))
	for i := range parts {
		parts[i] = o.of(oddNames...)
	}
	return strings.Join(parts, "/")
}

func (o odd) lines() (lines []Line) {
	for range o.IntN(4) {
		lines = append(lines, Line{o.IntN(9) - 1, o.of(oddTexts...)})
	}
	return lines
}

func (o odd) facts() *Facts {
	f := approvalFacts(approved(ana, "c2"), requested(ghost, "zz"), approved(ghost, ""))
	if o.IntN(20) == 0 {
		f.Change.Author, f.Commits = Person{}, append(f.Commits, Commit{})
	}
	f.Files = nil
	for range o.IntN(8) {
		c := File{Path: o.path(), Status: o.of("added", "modified", "removed", "renamed", "copied", "changed", ""), Kind: o.of("", "", "", "symlink", "submodule", "binary", "lfs")}
		if c.Status == "renamed" || o.IntN(20) == 0 {
			c.Old = o.path()
		}
		c.Read = o.IntN(2) == 0
		c.Cut = !c.Read && o.IntN(2) == 0
		if c.Read {
			c.Added, c.Removed = o.lines(), o.lines()
		}
		f.Files = append(f.Files, c)
	}
	f.Change.ChangedFiles, f.Change.Title, f.Change.Body = len(f.Files), o.of(oddTexts...)+o.of(oddNames...), o.of(oddTexts...)
	f.Change.Labels = append(f.Change.Labels, Label{Name: o.of(oddNames...)}, Label{Name: "semver:\u023a"}, Label{Name: "minor", By: &ana})
	for range o.IntN(4) {
		f.Tags = append(f.Tags, Tag{Name: o.of("v1.2.3", "1.2.3", "v\u023a", "a-1.0.0", "v2026.01.1", "v99999999999999999999.0.0", ""), Commit: "x"})
	}
	return f
}

func (o odd) fill(f *Facts, w *Wants) {
	if w.Paths != nil {
		f.Listed = true
		for range 12 {
			if p := o.path(); w.Paths(p) {
				f.Paths = append(f.Paths, p)
			}
		}
	}
	for i := range f.Files {
		f.Files[i].Read = f.Files[i].Read || w.Lines != nil && w.Lines(f.Files[i])
	}
	for _, t := range w.Texts {
		switch o.IntN(6) {
		case 0:
			t.Absent = true
		case 1:
			t.Kind = o.of("symlink", "binary", "large", "encoding", "lfs")
		default:
			t.Text = o.of(oddTexts...)
		}
		f.Texts = append(f.Texts, t)
	}
}

// Whatever a change is named and holds, judging it ends with verdicts.
func TestJudgingOddFactsEnds(t *testing.T) {
	t.Parallel()
	var sets []*policy.Set
	for _, text := range hostile {
		set, err := policy.Load(policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: text})
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, set)
	}
	for seed := range uint64(6000) {
		o := odd{rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // a test that can be repeated
		f, set := o.facts(), sets[o.IntN(len(sets))]
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("seed %d: panic %v, with files %+v", seed, p, f.Files)
				}
			}()
			for range 4 {
				w := AskFor(set, f)
				if w.Empty() {
					break
				}
				o.fill(f, w)
			}
			if len(Judge(set, f)) < 4 {
				t.Errorf("seed %d: fewer verdicts than checks", seed)
			}
		}()
	}
}
