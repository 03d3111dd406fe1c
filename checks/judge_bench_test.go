package checks

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

// ordinaryPolicy is the default one with what a team usually adds.
const ordinaryPolicy = `
version: 1
changelog:
  exempt: {paths: ["docs/**", "**/*_test.go", ".github/**"], labels: [no-changelog], authors: ["dependabot[bot]"]}
config-separation:
  hosts: ["*.prod.acme.internal"]
approval:
  rules:
    - {name: peer review}
    - {name: operations own production, when: {paths: ["deploy/prod/**"]}, from: {teams: [acme/operations]}, after: [peer review]}
    - {name: database experts, when: {paths: ["migrations/**"]}, from: {teams: [acme/dba]}, mode: advise}
checks:
  - name: small-batch
    rule: change.additions + change.deletions <= 8000
    message: "Split this change: {{change.additions + change.deletions}} lines are more than 8000."
  - {name: titled, rule: "change.title.size() > 4", mode: advise}
`

// judged is a change of so many files and commits with five reviews, as a provider reads it under the policy.
func judged(tb testing.TB, text string, files, commits int) (*policy.Set, *Facts) {
	tb.Helper()
	base, head := shopTree{}, shopTree{}
	log := "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Baskets.\n"
	old := ""
	for i := range 100 { // releases of six entries each
		old += fmt.Sprintf("\n## [1.%d.0] - 2026-01-02\n\n### Added\n\n- Thing %d, [#12](https://github.com/acme/shop/pull/12).\n", 99-i, i) +
			"- Another of its own.\n- And one more.\n\n### Fixed\n\n- The first mistake.\n- The second.\n- The third, **at last**.\n"
	}
	base["CHANGELOG.md"], head["CHANGELOG.md"] = log+old, log+"- Gift cards for whole baskets.\n"+old
	for _, e := range []string{"development", "production"} {
		base["config/"+e+".yml"] = "database: {url: \"postgres://db." + e + ".acme-corp.com/shop\", pool: 5}\n"
		head["config/"+e+".yml"] = base["config/"+e+".yml"]
	}
	for i := range files - 1 {
		path := fmt.Sprintf("src/module%d/part%d.go", i%50, i)
		code := fmt.Sprintf("package part\n\n// Part %d of the shop.\nfunc Part() string {\n\treturn call(%d, \"a word\")\n}\n", i, i)
		base[path], head[path] = code, code+fmt.Sprintf("\nfunc Other() int { return %d }\n", i)
	}
	f := approvalFacts(commented(bo, "c0"), commented(cid, "c1"), commented(dora, "c2"), commented(ana, "c2"), approved(ana, fmt.Sprint("c", commits-1)))
	f.At = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	f.Sources = []policy.Source{{Origin: policy.Repository, Name: ".sluice.yml", Text: text}}
	f.Files, f.Commits, f.Change.Labels = changesOf(base, head), nil, nil
	for i := range commits {
		f.Commits = append(f.Commits, Commit{ID: fmt.Sprint("c", i), Parents: []string{fmt.Sprint("c", i-1)}, Message: fmt.Sprintf("feat: part %d", i), Author: mal, Committer: mal})
	}
	f.Change.Title, f.Change.ChangedFiles, f.Change.CommitCount = "feat: gift cards", files, commits
	f.Change.Head.Commit, f.Change.Additions = fmt.Sprint("c", commits-1), 2*files
	f.Tags = []Tag{{Name: "v1.98.0", Commit: "t1", Annotated: true}, {Name: "v1.99.0", Commit: "t2", Annotated: true}}
	set := loaded(tb, f.Sources...)
	for range 5 {
		w := AskFor(set, f)
		if w.Empty() {
			return set, f
		}
		fulfil(f, w, base, head)
	}
	tb.Fatal("AskFor still wants something after 5 rounds")
	return nil, nil
}

// largePolicy has 200 rules: about approvals, and of the house.
func largePolicy() string {
	var s strings.Builder
	s.WriteString("version: 1\nchangelog: {exempt: {paths: [\"docs/**\"]}}\napproval:\n  rules:\n")
	for i := range 150 {
		glob := []string{"deploy/%d/**", "**/x%d.go", "**/lib%d/**", "src/*/section%d/{a,b}.go"}[i%4]
		fmt.Fprintf(&s, "    - {name: r%d, when: {paths: [%q]}}\n", i, fmt.Sprintf(glob, i))
	}
	s.WriteString("    - {name: everybody}\nchecks:\n")
	for i := range 49 {
		fmt.Fprintf(&s, "  - {name: h%d, rule: \"change.additions + change.deletions <= 80000 || change.title.startsWith('x')\"}\n", i)
	}
	return s.String()
}

// mustPass ends the test where a check keeps the change back, for a figure of the wrong answer is none.
func mustPass(tb testing.TB, set *policy.Set, f *Facts) {
	tb.Helper()
	for _, v := range Judge(set, f) {
		if !v.Outcome.Open() {
			tb.Fatalf("%s is %v: %s", v.Check, v.Outcome, v.Reason)
		}
	}
}

// The promise is 2,000; a count does not depend on the machine.
func TestJudgingAnOrdinaryChangeIsCheap(t *testing.T) {
	set, f := judged(t, ordinaryPolicy, 30, 10)
	mustPass(t, set, f)
	if n := testing.AllocsPerRun(50, func() { Judge(set, f) }); n >= 2000 {
		t.Errorf("Judge(30 files, 10 commits, 5 reviews) makes %v allocations, want fewer than 2000", n)
	}
}

// Nothing is worse than linear in files and in rules: ten times the work allocates at most so much more, and half as much
// again for what grows in steps.
func TestJudgingGrowsLinearly(t *testing.T) {
	allocs := func(files int) float64 {
		set, f := judged(t, largePolicy(), files, 10)
		mustPass(t, set, f)
		return testing.AllocsPerRun(3, func() { Judge(set, f) })
	}
	small, large := allocs(300), allocs(3000)
	if large > 15*small {
		t.Errorf("Judge makes %v allocations for 300 files and %v for 3000, want at most 15 times as many", small, large)
	}
}

// BenchmarkJudgeOrdinary is every check together on 30 files, 10 commits and 5 reviews: under 1 ms and 2,000 allocations.
func BenchmarkJudgeOrdinary(b *testing.B) {
	set, f := judged(b, ordinaryPolicy, 30, 10)
	mustPass(b, set, f)
	b.ReportAllocs()
	for b.Loop() {
		Judge(set, f)
	}
}

// BenchmarkJudgeLarge is every check together on 3,000 files and 250 commits under 200 rules: under 50 ms.
func BenchmarkJudgeLarge(b *testing.B) {
	set, f := judged(b, largePolicy(), 3000, 250)
	mustPass(b, set, f)
	b.ReportAllocs()
	for b.Loop() {
		Judge(set, f)
	}
}
