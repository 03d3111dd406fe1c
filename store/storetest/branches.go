package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

func group(commit string) gate.Mark {
	return gate.Mark{Kind: gate.MarkGroup, Forge: "github", Repo: "acme/Shop", Commit: commit, Installation: 7, Why: "merge_group.checks_requested", Detail: "refs/heads/q"}
}

// grouped works a merge queue's commit off.
func (f *fixture) grouped(commit string, o gate.Outcome) {
	f.t.Helper()
	must(f.t, f.Mark(ctx, group(commit)))
	w := f.one()
	equal(f.t, "the commit of the work", w.Mark.Commit, commit)
	f.finish(w, o)
}

func (f *fixture) groups(of checks.Subject) (commits []string) {
	f.t.Helper()
	of.Forge = "github"
	list, err := f.Groups(ctx, of)
	must(f.t, err)
	for _, g := range list {
		equal(f.t, "where it is", g, checks.Subject{Forge: "github", Repo: "acme/Shop", Kind: checks.KindGroup, Group: g.Group, Installation: 7})
		commits = append(commits, g.Group)
	}
	return commits
}

var branches = map[string]func(*testing.T, *fixture){
	"the commits of a merge queue are found by what they carry for as long as they live": func(t *testing.T, f *fixture) {
		live := func() *gate.SubjectState { return &gate.SubjectState{Open: true, Base: "main"} }
		f.grouped("q1", gate.Outcome{Subject: live(), Members: []int{7}})
		f.grouped("q2", gate.Outcome{Subject: live(), Members: []int{7, 8}})
		equal(t, "all", f.groups(checks.Subject{}), []string{"q1", "q2"})
		equal(t, "of 7", f.groups(checks.Subject{Repo: "ACME/shop", Change: 7}), []string{"q1", "q2"})
		equal(t, "of 8", f.groups(checks.Subject{Repo: "acme/shop", Change: 8}), []string{"q2"})
		equal(t, "of 9", f.groups(checks.Subject{Repo: "acme/shop", Change: 9}), []string(nil))
		f.grouped("q2", gate.Outcome{Subject: live(), Members: []int{8}})
		equal(t, "of 7 when it left", f.groups(checks.Subject{Repo: "acme/shop", Change: 7}), []string{"q1"})
		f.grouped("q2", gate.Outcome{Subject: &gate.SubjectState{Base: "main"}})
		equal(t, "of 8 when the queue let go", f.groups(checks.Subject{Repo: "acme/shop", Change: 8}), []string(nil))
		open, err := f.OpenSubjects(ctx, "github", "", "")
		must(t, err)
		equal(t, "open changes", len(open), 0)
	},
	"a merge queue's commit keeps a decision for each change, and what is shown": func(t *testing.T, f *fixture) {
		one, two := decision("a", 7, f.clock.Now()), decision("b", 8, f.clock.Now())
		for d, c := range map[*gate.Decision]string{one: "q1", two: "q2"} {
			d.Subject.Kind, d.Subject.Group, d.Commit = checks.KindGroup, c, c
		}
		f.grouped("q2", gate.Outcome{Subject: &gate.SubjectState{Open: true}, Members: []int{7, 8}, Posted: []gate.Posted{{Name: "sluice/gate", Commit: "q2", State: "success"}},
			Also: []gate.Kept{{Decision: one, Facts: []byte(`{"f":1}`), Sources: []byte(`[]`)}, {Decision: two, Facts: []byte(`{"f":2}`), Sources: []byte(`[]`)}}})
		for _, d := range []*gate.Decision{one, two} {
			got, _, err := f.Latest(ctx, d.Subject)
			must(t, err)
			equal(t, "Latest", got, d)
			got, _, _, err = f.Decision(ctx, d.ID)
			must(t, err)
			equal(t, "Decision", got, d)
		}
		got, _, err := f.Latest(ctx, subject(7))
		must(t, err)
		equal(t, "Latest of the change itself", got, (*gate.Decision)(nil))
		shown, err := f.Posted(ctx, group("q2").Subject(), "q2")
		must(t, err)
		equal(t, "Posted", len(shown), 1)
		f.none()
	},
	"what was seen of a branch is kept until it is watched no more": func(t *testing.T, f *fixture) {
		seen := gate.BranchSeen{Forge: "github", Repo: "acme/Shop", Name: "main", Installation: 7, Tip: "c1", Policy: "p1"}
		f.decided(1, gate.Outcome{Branch: &seen})
		f.decided(1, gate.Outcome{Branch: &gate.BranchSeen{Forge: "github", Repo: "acme/shop", Name: "main", Tip: "c0", Begins: true}})
		got, err := f.Branch(ctx, "github", "acme/shop", "main")
		must(t, err)
		equal(t, "Branch, which began before", got.Tip, "c1")
		at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		seen.Tip, seen.Policy = "c2", "p2"
		seen.Pending = gate.Pending{Odd: []gate.Sighting{{Tip: "c4", At: at}}, Pushes: []gate.Push{{Before: "c2", After: "c4", Who: gate.Who{ID: 42, Login: "olga"}, At: at}}}
		f.decided(1, gate.Outcome{Branch: &seen})
		next := gate.BranchSeen{Forge: "github", Repo: "acme/Shop", Name: "next", Tip: "c9"}
		f.decided(1, gate.Outcome{Branch: &next})
		all, err := f.Branches(ctx, "github")
		must(t, err)
		equal(t, "Branches", all, []gate.BranchSeen{seen, next})
		got, err = f.Branch(ctx, "github", "ACME/shop", "main")
		must(t, err)
		equal(t, "Branch", *got, gate.BranchSeen{Forge: "github", Repo: "ACME/shop", Name: "main", Installation: 7, Tip: "c2", Policy: "p2", Pending: seen.Pending})
		f.decided(1, gate.Outcome{Branch: &gate.BranchSeen{Forge: "github", Repo: "acme/shop", Name: "main"}})
		got, err = f.Branch(ctx, "github", "acme/shop", "main")
		must(t, err)
		equal(t, "Branch, watched no more", got, (*gate.BranchSeen)(nil))
	},
	"work on a branch is named by it, and who pushed is kept": func(t *testing.T, f *fixture) {
		must(t, f.Mark(ctx, gate.Mark{Kind: gate.MarkBranch, Forge: "github", Repo: "acme/shop", Base: "main", Before: "c1", Commit: "c2", By: "olga", Detail: "42", Why: "push"},
			gate.Mark{Kind: gate.MarkBranch, Forge: "github", Repo: "acme/shop", Base: "main", Before: "c2", Commit: "c3", By: "ana", Detail: "43", Why: "push"}))
		w := f.one()
		var got []string
		for _, c := range w.Causes {
			got = append(got, strings.Join([]string{c.Base, c.Before, c.Commit, c.By, c.Detail}, " "))
		}
		equal(t, "the pushes", got, []string{"main c1 c2 olga 42", "main c2 c3 ana 43"})
	},
	"that a merge was looked at is remembered": func(t *testing.T, f *fixture) {
		f.decided(1, gate.Outcome{Subject: &gate.SubjectState{Merged: true, Head: "h"}})
		st, err := f.State(ctx, subject(1))
		must(t, err)
		equal(t, "Merged", st.Merged, true)
	},
	"what a merge queue left behind goes in its time": func(t *testing.T, f *fixture) {
		f.grouped("q1", gate.Outcome{Subject: &gate.SubjectState{Base: "main", ReadAt: f.clock.Now()}, Members: []int{7}})
		f.clock.pass(500 * day)
		must(t, f.Prune(ctx, 400*day, 30*day))
		st, err := f.State(ctx, group("q1").Subject())
		must(t, err)
		equal(t, "State", st, (*gate.SubjectState)(nil))
	},
}
