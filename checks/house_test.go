package checks

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/expression"
	"github.com/sluicegate/sluice/checks/policy"
)

// sources are a repository's policy and, where it is not empty, the organisation's.
func sources(repository, organisation string) []policy.Source {
	s := []policy.Source{{Origin: policy.Repository, Name: ".sluice.yml", Text: repository}}
	if organisation != "" {
		s = append(s, policy.Source{Origin: policy.Organisation, Name: "acme/.github:sluice.yml", Text: organisation})
	}
	return s
}

func loaded(t testing.TB, s ...policy.Source) *policy.Set {
	t.Helper()
	set, err := policy.Load(s...)
	if err != nil {
		t.Fatalf("Load = %v, want nil", err)
	}
	return set
}

// houseFacts is a change of two files with 900 lines.
func houseFacts() *Facts {
	ana := Person{ID: 1, Login: "ana", Kind: "user", Name: "Ana", Email: "ana@acme.test"}
	return &Facts{
		Subject:    Subject{Forge: "github", Repo: "acme/shop", Kind: KindChange, Change: 7},
		Repository: Repository{Name: "acme/shop", Default: "main"},
		Change: &Change{
			Number: 7, Title: "Add a button", Author: ana, Additions: 890, Deletions: 10, ChangedFiles: 2, CommitCount: 1,
			Base: Ref{Name: "main"}, Head: Ref{Name: "button", Commit: "abc"}, Labels: []Label{{Name: "ui"}},
		},
		Files:   []File{{Path: "migrations/1.sql", Status: "added"}, {Path: "src/a.go", Status: "renamed", Old: "src/b.go", Additions: 890, Deletions: 10}},
		Commits: []Commit{{ID: "abc", Message: "Add a button\n\nIt is blue.", Author: ana, Committer: ana, CoAuthors: []Person{{Email: "bo@acme.test"}}}},
		Reviews: []Review{{By: Person{ID: 2, Login: "bo"}, State: "approved", Commit: "abc"}},
	}
}

func houseRule(rule, message, mode string) string {
	return fmt.Sprintf("checks: [{name: small, rule: %q, message: %q, mode: %s}]", rule, message, mode)
}

func TestHouseRules(t *testing.T) {
	t.Parallel()
	const holds, fails, text = "change.additions < 1000", "change.additions < 800", "{{change.additions}} lines are too many."
	for name, c := range map[string]struct {
		repository, organisation string
		change                   func(*Facts)
		want                     string // outcome, mode, reason, rule
	}{
		"holds":                         {houseRule(holds, text, "enforce"), "", nil, "pass enforce | The house rule holds. | .sluice.yml:1 checks[0].rule"},
		"does not hold":                 {houseRule(fails, text, "enforce"), "", nil, "fail enforce | 890 lines are too many. | .sluice.yml:1 checks[0].rule"},
		"does not hold and is advice":   {houseRule(fails, text, "advise"), "", nil, "advise advise | 890 lines are too many. | .sluice.yml:1 checks[0].rule"},
		"does not hold and is observed": {houseRule(fails, text, "observe"), "", nil, "fail observe | 890 lines are too many. | .sluice.yml:1 checks[0].rule"},
		"is off":                        {houseRule(fails, text, "off"), "", nil, "skip enforce | Switched off by the policy. | .sluice.yml:1 checks[0].rule"},
		"has a message without value":   {houseRule(fails, "{{files[9].path}}", "enforce"), "", nil, "fail enforce | The house rule small does not hold: change.additions < 800 | .sluice.yml:1 checks[0].rule"},
		"reads commits":                 {houseRule("commits.all(c, c.title == 'Add a button' && c.author == 'ana' && c.name == 'Ana' && c.email == c.committer + '@acme.test' && c.co_authors == ['bo@acme.test'])", text, "enforce"), "", nil, "pass enforce | The house rule holds. | .sluice.yml:1 checks[0].rule"},
		"reads files":                   {houseRule("files.exists(f, f.old == 'src/b.go' && f.status == 'renamed' && f.deletions == 10) && size(files) == change.files", text, "enforce"), "", nil, "pass enforce | The house rule holds. | .sluice.yml:1 checks[0].rule"},
		"reads reviews":                 {houseRule("reviews.exists(r, r.current && r.state == 'approved' && r.author == 'bo') && repository.name == 'acme/shop'", text, "enforce"), "", nil, "pass enforce | The house rule holds. | .sluice.yml:1 checks[0].rule"},
		"reads commits that are not whole": {houseRule("size(commits) < 9", text, "enforce"), "", func(f *Facts) { f.Gaps = []Gap{{"commits", "GitHub listed 250 of them."}} },
			"unknown enforce | The house rule small could not be judged: GitHub listed 250 of them. | .sluice.yml:1 checks[0].rule"},
		"reads labels that are not known": {houseRule("'x' in change.labels", text, "enforce"), "", func(f *Facts) { f.Gaps = []Gap{{"labels", "The timeline is cut off"}} },
			"unknown enforce | The house rule small could not be judged: The timeline is cut off. | .sluice.yml:1 checks[0].rule"},
		"reads reviews on disk": {houseRule("size(reviews) > 1", text, "enforce"), "", func(f *Facts) { f.Local = true },
			"skip enforce | Not judged here: a git repository on disk does not tell this; it is judged at the forge. | .sluice.yml:1 checks[0].rule"},
		"reads labels on disk": {houseRule("'x' in change.labels", text, "enforce"), "", func(f *Facts) { f.Local = true },
			"skip enforce | Not judged here: a git repository on disk does not tell this; it is judged at the forge. | .sluice.yml:1 checks[0].rule"},
		"has no change":                             {houseRule(holds, text, "enforce"), "", func(f *Facts) { f.Change = nil }, "unknown enforce | The house rule small could not be judged: there is no change here. | .sluice.yml:1 checks[0].rule"},
		"takes too long":                            {houseRule("files.all(a, files.all(b, files.all(c, a.path != '' && b.path != '' && c.path != '')))", text, "enforce"), "", func(f *Facts) { f.Files = make([]File, 300); f.Files[0].Path = "a" }, ""},
		"is required by the organisation":           {"", "required: {" + houseRule(fails, text, "enforce") + "}", nil, "fail enforce | 890 lines are too many. | acme/.github:sluice.yml:1 required.checks[0].rule"},
		"is looser than the organisation's":         {houseRule(holds, text, "enforce"), "required: {" + houseRule(fails, text, "enforce") + "}", nil, "fail enforce | 890 lines are too many. | acme/.github:sluice.yml:1 required.checks[0].rule"},
		"is off where the organisation requires it": {houseRule(holds, text, "off"), "required: {" + houseRule(fails, text, "enforce") + "}", nil, "fail enforce | 890 lines are too many. | acme/.github:sluice.yml:1 required.checks[0].rule"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := houseFacts()
			if c.change != nil {
				c.change(f)
			}
			if name == "takes too long" {
				for i := range f.Files {
					f.Files[i].Path = fmt.Sprint(i)
				}
				c.want = "unknown enforce | The house rule small could not be judged: the expression takes more steps than are allowed; make it simpler. | .sluice.yml:1 checks[0].rule"
			}
			vs := judgeHouse(loaded(t, sources(c.repository, c.organisation)...), f)
			if len(vs) != 1 || vs[0].Check != "small" {
				t.Fatalf("judgeHouse = %+v, want one verdict named small", vs)
			}
			if got := fmt.Sprintf("%s %s | %s | %s", vs[0].Outcome, vs[0].Mode, vs[0].Reason, vs[0].Rule); got != c.want {
				t.Errorf("judgeHouse\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestHouseRulesAreForChanges(t *testing.T) {
	t.Parallel()
	f := &Facts{Subject: Subject{Kind: KindTag, Tag: "v1"}, Pushed: &TagPush{Name: "v1"}}
	if vs := judgeHouse(loaded(t, sources(houseRule("true", "", "enforce"), "")...), f); len(vs) != 0 {
		t.Errorf("judgeHouse(a tag) = %+v, want none", vs)
	}
}

func TestFloorThatDoesNotMentionACheckIsSilent(t *testing.T) {
	t.Parallel()
	set := loaded(t, sources("", "required: {changelog: {}}")...)
	c := Check{"tagging", nil, func(*policy.Policy, *Facts) Result { return Result{Pass: "Fine."} }}
	if v := judgeOne(set, houseFacts(), c); v.Outcome != Pass || len(v.Findings) > 0 {
		t.Errorf("judgeOne(tagging under a floor without it) = %+v, want a pass without findings", v)
	}
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	p, err := expression.Compile("change.base == 'main' && !change.bot")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := houseFacts().evaluate(p); !got || err != nil {
		t.Errorf("evaluate(%s) = %v, %v, want true, nil", p.Source, got, err)
	}
	if got, err := (&Facts{}).evaluate(p); got || err == nil {
		t.Errorf("evaluate(%s) without a change = %v, %v, want an error", p.Source, got, err)
	}
}

// TestEveryFieldIsShown reads every field that an expression may name, so that none is declared and not there.
func TestEveryFieldIsShown(t *testing.T) {
	t.Parallel()
	facts := houseFacts()
	facts.Signed, facts.Statuses = true, []Status{{Name: "build", State: "success"}}
	f := (*factsObject)(facts)
	objects := map[expression.Kind]expression.Object{expression.Facts: f}
	for kind, name := range map[expression.Kind]string{expression.Change: "change", expression.Repository: "repository"} {
		objects[kind] = f.Field(name).(expression.Object)
	}
	for kind, name := range map[expression.Kind]string{expression.File: "files", expression.Commit: "commits", expression.Review: "reviews", expression.Status: "statuses"} {
		objects[kind] = f.Field(name).(expression.List).At(0)
	}
	for kind, o := range objects {
		for _, field := range expression.Fields(kind) {
			if err, ok := o.Field(field.Name).(error); ok {
				t.Errorf("%s.%s = %v, want a %s", kind, field.Name, err, field.Type)
			}
		}
	}
}

func BenchmarkHouseRules(b *testing.B) {
	for name, c := range map[string]struct {
		rule         string
		rules, files int
	}{
		"ordinary":                 {"change.additions + change.deletions <= 800", 3, 30},
		"200 rules, 3000 files":    {"change.additions + change.deletions <= 800 || change.title.startsWith('x')", 200, 3000},
		"20 rules over 3000 files": {"files.all(f, !f.path.startsWith('migrations/') || f.status == 'added')", 20, 3000},
	} {
		b.Run(name, func(b *testing.B) {
			var text strings.Builder
			text.WriteString("checks:\n")
			for i := range c.rules {
				fmt.Fprintf(&text, "- {name: r%d, rule: %q}\n", i, c.rule)
			}
			set := loaded(b, sources(text.String(), "")...)
			f := houseFacts()
			f.Change.Additions = 10
			for i := range c.files {
				f.Files = append(f.Files, File{Path: fmt.Sprintf("src/%d.go", i), Status: "modified"})
			}
			b.ReportAllocs()
			for b.Loop() {
				judgeHouse(set, f)
			}
		})
	}
}

// TestHouseRulesStayFast holds the promise for a large change under many rules, with room for a slow machine.
func TestHouseRulesStayFast(t *testing.T) {
	set := loaded(t, sources(houseRule("files.all(f, !f.path.startsWith('migrations/') || f.status == 'added')", "", "enforce"), "")...)
	f := houseFacts()
	for i := range 3000 {
		f.Files = append(f.Files, File{Path: fmt.Sprintf("src/%d.go", i), Status: "modified"})
	}
	began := time.Now()
	if vs := judgeHouse(set, f); vs[0].Outcome != Pass {
		t.Errorf("judgeHouse(3000 files) = %+v, want a pass", vs[0])
	}
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("judgeHouse(3000 files) took %v, want under 500ms", took)
	}
}
