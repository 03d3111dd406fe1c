package dashboard

import (
	"encoding/json"
	"strconv"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// changePage is one change: what was decided, why, who cures it, and how it came to that.
type changePage struct {
	Row      *gate.ChangeRow
	Repo     gate.Repo
	Decision *gate.Decision
	Newest   bool // it is the newest
	Lines    []verdictShown
	Facts    *factsShown
	Radius   []radius
	History  []gate.DecisionRow
	Next     string // address of the older ones
	Acts     gate.Acts
	Diff     *difference
	A, B     string // decisions that are compared
	Names    []string
	Raw      string
}

const historyOnPage = 20

// change serves it.
func change(v *visitor) (*page, string, error) {
	repo, err := named(v.r.PathValue("forge"), v.r.PathValue("repo"))
	if err != nil {
		return nil, "", err
	}
	n, err := strconv.Atoi(v.r.PathValue("number"))
	if err != nil || n <= 0 {
		return nil, "", errMissing
	}
	if repo, err = v.sees(repo.Forge, repo.Name); err != nil {
		return nil, "", err
	}
	s := checks.Subject{Forge: repo.Forge, Repo: repo.Name, Kind: checks.KindChange, Change: n}
	data := &changePage{Repo: repo}
	if data.Row, err = v.Library.Change(v.ctx(), s); err != nil {
		return nil, "", err
	}
	if err := v.decided(data, s); err != nil {
		return nil, "", err
	}
	if data.Row == nil {
		return nil, "", errMissing
	}
	if data.Acts, err = v.Library.Acts(v.ctx(), s); err != nil {
		return nil, "", err
	}
	title := checks.Clip(gate.Plain(data.Row.Title), 80)
	return &page{Title: "#" + strconv.Itoa(n) + " " + title, Here: "board", Data: data, Live: true}, "change.html", nil
}

// decided adds the decision that is meant (?decision=, or the newest), its facts, the history and what two differ in.
func (v *visitor) decided(x *changePage, s checks.Subject) error {
	q := v.r.URL.Query()
	before, err := number(q.Get("before"))
	if err != nil {
		return err
	}
	if x.History, err = v.Library.History(v.ctx(), s, before, historyOnPage); err != nil {
		return err
	}
	if n := len(x.History); n == historyOnPage {
		x.Next = changePath(s.Forge, s.Repo, s.Change) + "?before=" + strconv.FormatInt(x.History[n-1].Seq, 10)
	}
	id := ""
	if x.Row != nil {
		id = x.Row.Decision
	}
	if id == "" && len(x.History) > 0 {
		id = x.History[0].ID
	}
	rec, err := v.decisionOn(s, id)
	if err != nil || rec == nil {
		return err
	}
	x.Decision, x.Newest, x.Raw = rec.Decision, true, "/decisions/"+id+"?format=json"
	author := ""
	if x.Facts = factsOf(rec.Facts); x.Facts != nil {
		author = x.Facts.Author.Login
	}
	x.Lines = shownVerdicts(rec.Decision, rec.Sources, author)
	if x.Row == nil { // it is over for so long that no more than its decisions is remembered
		x.Row = &gate.ChangeRow{Forge: s.Forge, Repo: s.Repo, Number: s.Change, Head: rec.Decision.Commit, Base: rec.Decision.Base}
		if x.Facts != nil {
			x.Row.Title, x.Row.Author, x.Row.Merged = x.Facts.Title, x.Facts.Author.Login, x.Facts.State == "merged"
		}
	}
	if x.Facts != nil {
		x.Radius = radiusOf(x.Facts.Files, setOf(rec.Sources))
	}
	for _, l := range x.Lines {
		if l.Blocks() {
			x.Names = append(x.Names, l.Check)
		}
	}
	x.A, x.B = q.Get("a"), q.Get("b")
	if x.A == "" || x.B == "" {
		return nil
	}
	first, err := v.decisionOn(s, x.A)
	if err != nil {
		return err
	}
	second, err := v.decisionOn(s, x.B)
	if err != nil {
		return err
	}
	if first == nil || second == nil {
		return errMissing
	}
	x.Diff = differ(first, second)
	return nil
}

// decisionOn is a decision, if it is one on this very subject: an id alone opens nothing.
func (v *visitor) decisionOn(s checks.Subject, id string) (*gate.Recorded, error) {
	if !decisionID.MatchString(id) {
		return nil, nil
	}
	rec, err := v.Library.Record(v.ctx(), id)
	if err != nil || rec == nil || rec.Decision.Subject.Key() != s.Key() {
		return nil, err
	}
	return rec, nil
}

// factsShown are those facts that people look for.
type factsShown struct {
	*checks.Change
	Commits []checks.Commit
	Reviews []checks.Review
	Files   []checks.File
	Gaps    []checks.Gap

	// What a page has room for.
	FirstCommits []checks.Commit
	FirstReviews []checks.Review
	FirstFiles   []checks.File
	FirstLabels  []checks.Label
}

func factsOf(facts []byte) *factsShown {
	var f checks.Facts
	if facts == nil || json.Unmarshal(facts, &f) != nil || f.Change == nil {
		return nil
	}
	return &factsShown{Change: f.Change, Commits: f.Commits, Reviews: f.Reviews, Files: f.Files, Gaps: f.Gaps,
		FirstCommits: f.Commits[:min(len(f.Commits), 40)], FirstReviews: f.Reviews[:min(len(f.Reviews), 40)],
		FirstFiles: f.Files[:min(len(f.Files), 40)], FirstLabels: f.Change.Labels[:min(len(f.Change.Labels), 20)]}
}

// difference is what two decisions differ in.
type difference struct {
	Before, After *gate.Decision
	Lines         []turned
	Policies      bool // they were made under different policies
	Commits       bool
}

// turned is a check that came out otherwise.
type turned struct {
	Check         string
	Before, After *checks.Verdict // nil: it was not judged
}

func differ(a, b *gate.Recorded) *difference {
	d := &difference{Before: a.Decision, After: b.Decision, Policies: a.Decision.Policy != b.Decision.Policy, Commits: a.Decision.Commit != b.Decision.Commit}
	find := func(list []checks.Verdict, name string) *checks.Verdict {
		for i := range list {
			if list[i].Check == name {
				return &list[i]
			}
		}
		return nil
	}
	seen := map[string]bool{}
	for _, v := range append(append([]checks.Verdict{}, a.Decision.Verdicts...), b.Decision.Verdicts...) {
		if seen[v.Check] {
			continue
		}
		seen[v.Check] = true
		x, y := find(a.Decision.Verdicts, v.Check), find(b.Decision.Verdicts, v.Check)
		if x == nil || y == nil || x.Outcome != y.Outcome || x.Reason != y.Reason || x.Rule != y.Rule || x.Override != y.Override {
			d.Lines = append(d.Lines, turned{v.Check, x, y})
		}
	}
	return d
}
