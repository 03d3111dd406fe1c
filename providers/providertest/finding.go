package providertest

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/pretend"
)

func (w *world) changes(base, head string) []int {
	w.Helper()
	list, err := w.Provider.Changes(w.Context(), gate.Repo{Forge: w.Name, Name: repo}, base, head)
	if err != nil {
		w.Fatalf("Changes(%q, %q): %v", base, head, err)
	}
	numbers := []int{}
	for _, s := range list {
		numbers = append(numbers, s.Change)
		if s.Forge != w.Name || s.Kind != checks.KindChange || s.Repo != repo {
			w.Errorf("Changes: got %+v", s)
		}
	}
	slices.Sort(numbers)
	return numbers
}

func changes(w *world) {
	w.must(pushed(w.forge.Push(pretend.Push{Repo: repo, Branch: "release", By: "bo", From: "main", Commits: write(map[string]string{"r": "r\n"})})))
	one := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	two := w.open(pretend.PR{Branch: "c", Base: "release"})
	three := w.open(pretend.PR{Branch: "d", By: "eve", Fork: "eve/shop", Commits: write(map[string]string{"d": "d\n"})})
	shut := w.open(pretend.PR{Branch: "e", Commits: write(map[string]string{"e": "e\n"})})
	w.must(w.forge.Close(repo, shut, "ana"))
	w.check("all", w.changes("", ""), []int{one, two, three})
	w.check("into release", w.changes("release", ""), []int{two})
	w.check("into a branch that is not there", w.changes("nowhere", ""), []int{})
	w.check("with one head", w.changes("", w.forge.Head(repo, "c")), []int{one, two})
	w.check("from a fork by its head", w.changes("", w.forge.Head("eve/shop", "d")), []int{three})
	w.check("with a head that is closed", w.changes("", w.forge.Head(repo, "e")), []int{})
	for i := range 101 {
		w.open(pretend.PR{Branch: fmt.Sprint("b", i), Commits: write(map[string]string{fmt.Sprint("b", i): "x\n"})})
	}
	w.check("more than a page", len(w.changes("", "")), 104)
}

func gone(w *world) {
	_, err := w.Provider.Facts(w.Context(), w.subject(99), "")
	w.is(err, gate.ErrGone, "a change that never was")
	s := w.subject(1)
	s.Repo = "acme/nothing"
	_, err = w.Provider.Facts(w.Context(), s, "")
	w.is(err, gate.ErrGone, "a repository that never was")
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	w.facts(n)
	w.must(w.forge.Drop(repo))
	_, err = w.Provider.Facts(w.Context(), w.subject(n), "")
	w.is(err, gate.ErrGone, "a repository that was deleted")
	_, err = w.Provider.Changes(w.Context(), gate.Repo{Forge: w.Name, Name: repo}, "", "")
	w.is(err, gate.ErrGone, "changes of a repository that was deleted")
}

func stale(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	_, err := w.Provider.Facts(w.Context(), w.subject(n), "0123456789012345678901234567890123456789")
	w.is(err, gate.ErrStale, "a head that the forge does not know")
	before := w.forge.Head(repo, "c")
	now := w.push("c", "ana", map[string]string{"c": "d\n"})
	for _, expect := range []string{now, before} {
		f, err := w.Provider.Facts(w.Context(), w.subject(n), expect)
		if err != nil || f.Change.Head.Commit != now {
			w.Errorf("Facts expecting %s: got %v, want the newest head", expect, err)
		}
	}
}

func forced(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	w.facts(n)
	before := w.forge.Head(repo, "c")
	now, err := w.forge.Push(pretend.Push{Repo: repo, Branch: "c", By: "ana", From: "main", Force: true, Commits: write(map[string]string{"other": "x\n"})})
	w.must(err)
	f, err := w.Provider.Facts(w.Context(), w.subject(n), before)
	if err != nil {
		w.Fatalf("Facts expecting what was there before: %v", err)
	}
	w.check("head and files", []any{f.Change.Head.Commit, len(f.Files), f.Files[0].Path, len(f.Commits)}, []any{now, 1, "other", 1})
}

func (w *world) tag(name string) *checks.TagPush {
	w.Helper()
	f, err := w.Provider.Facts(w.Context(), checks.Subject{Forge: w.Name, Repo: repo, Kind: checks.KindTag, Tag: name}, "")
	if err != nil || f.Pushed == nil {
		w.Fatalf("Facts(%s): %v, pushed %+v", name, err, f)
	}
	w.check("policy", f.Sources[0].Text, policyText)
	return f.Pushed
}

func pushedTag(w *world) {
	main, err := w.forge.Tag(pretend.Tag{Repo: repo, Name: "v1.1.0", By: "bo", Message: "One", Signed: true})
	w.must(err)
	got := w.tag("v1.1.0")
	w.check("annotated and signed", fmt.Sprint(got.Commit, got.Annotated, got.Signed), fmt.Sprint(main, true, true))
	w.check("lies on", got.Branches, []string{"main"})
	side, err := w.forge.Push(pretend.Push{Repo: repo, Branch: "side", By: "bo", Commits: write(map[string]string{"s": "s\n"})})
	w.must(err)
	_, err = w.forge.Tag(pretend.Tag{Repo: repo, Name: "v1.1.0", By: "eve", At: "side"})
	w.must(err)
	got = w.tag("v1.1.0")
	w.check("moved", fmt.Sprint(got.Commit, got.Annotated, got.Signed, got.Branches), fmt.Sprint(side, false, false, []string{}))
	w.must(w.forge.Untag(repo, "v1.1.0", "eve"))
	w.check("deleted", w.tag("v1.1.0").Commit, "")
}

func otherCase(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	s := w.subject(n)
	s.Repo = "Acme/SHOP"
	f, err := w.Provider.Facts(w.Context(), s, "")
	if err != nil || f.Repository.Name != repo {
		w.Errorf("Facts(%s): got %v", s.Repo, err)
	}
}

func deterministic(w *world) {
	n := w.open(pretend.PR{Branch: "c", Labels: []string{"minor", "other"}, Commits: write(map[string]string{"CHANGELOG.md": changelogText + "\n", "migrations/1": "x\n", "z": "z\n"})})
	w.review(n, "bo", "approved", "")
	a, b := w.facts(n), w.facts(n)
	b.At = a.At
	x, err := json.Marshal(a)
	w.must(err)
	y, err := json.Marshal(b)
	w.must(err)
	w.check("facts", string(x), string(y))
}
