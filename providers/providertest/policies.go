package providertest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/providers/pretend"
)

func targetPolicy(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{".sluice.yml": "version: 1\napproval: {mode: \"off\"}\n"})})
	f := w.facts(n)
	w.check("sources", []any{len(f.Sources), f.Sources[0].Text, f.Sources[0].Origin}, []any{1, policyText, policy.Repository})
	// The next change finds it where it was put in force: on the target branch.
	w.push("main", "bo", map[string]string{".sluice.yml": "version: 1\n"})
	w.check("policy after the target moved", w.facts(n).Sources[0].Text, "version: 1\n")
	_, err := w.forge.Push(pretend.Push{Repo: repo, By: "bo", Commits: []pretend.Commit{{Files: map[string]pretend.File{
		".sluice.yml": {Gone: true}, ".github/sluice.yml": {Text: "version: 1\nroles: {}\n"}}}}})
	w.must(err)
	f = w.facts(n)
	w.check("policy in the second place", []string{f.Sources[0].Name, f.Sources[0].Text}, []string{".github/sluice.yml", "version: 1\nroles: {}\n"})
}

func organisationPolicy(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	w.check("sources before", len(w.facts(n).Sources), 1)
	w.later()
	const floor = "version: 1\nrequired:\n  approval: {rules: [{name: two, count: 2}]}\n"
	w.must(w.forge.Repo(or(w.Floor, "acme/.github"), true, pretend.Texts(map[string]string{"sluice.yml": floor})))
	f := w.facts(n)
	if len(f.Sources) != 2 {
		w.Fatalf("sources: got %+v", f.Sources)
	}
	w.check("repository's first", []any{f.Sources[0].Origin, f.Sources[1].Origin}, []any{policy.Repository, policy.Organisation})
	w.check("organisation's text", f.Sources[1].Text, floor)
	if f.Sources[1].Name == f.Sources[0].Name || f.Sources[1].Commit == "" {
		w.Errorf("organisation's source: %+v", f.Sources[1])
	}
}

func oddPolicies(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	for kind, file := range map[string]pretend.File{
		"symlink":  {Text: "CHANGELOG.md", Mode: pretend.ModeSymlink},
		"binary":   {Text: "version: 1\x00\n"},
		"encoding": {Text: "version: 1 # \xff\xfe\n"},
		"lfs":      {Text: "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("a", 64) + "\nsize 12\n"},
	} {
		_, err := w.forge.Push(pretend.Push{Repo: repo, By: "bo", Commits: []pretend.Commit{{Files: map[string]pretend.File{".sluice.yml": file}}}})
		w.must(err)
		f := w.facts(n)
		if len(f.Sources) != 1 || f.Sources[0].Kind != kind || f.Sources[0].Text != "" {
			w.Errorf("policy that is %s: got %+v", kind, f.Sources)
		}
		if _, err := policy.Load(f.Sources...); err == nil {
			w.Errorf("policy that is %s: loads", kind)
		}
	}
}

func tags(w *world) {
	var want []string
	for i := range 120 {
		t := pretend.Tag{Repo: repo, Name: fmt.Sprintf("v1.%d.0", i), By: "bo"}
		if i%2 == 0 {
			t.Message = "Release"
		}
		_, err := w.forge.Tag(t)
		w.must(err)
		want = append(want, fmt.Sprint(t.Name, " ", t.Message != ""))
	}
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	f := w.facts(n)
	got := map[string]bool{}
	for _, t := range f.Tags {
		got[fmt.Sprint(t.Name, " ", t.Annotated)] = true
		if t.Commit != w.forge.Head(repo, t.Name) || t.At.IsZero() {
			w.Errorf("tag %+v does not point to %s", t, w.forge.Head(repo, t.Name))
		}
	}
	w.check("number of tags", len(f.Tags), len(want))
	for _, t := range want {
		if !got[t] {
			w.Errorf("tag %s is missing", t)
		}
	}
}

func rights(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"migrations/1.sql": "select 1;\n"})})
	for _, who := range []string{"bo", "eve", "dora", "olga"} {
		w.review(n, who, "approved", "")
	}
	f := w.facts(n)
	for login, want := range map[string]string{"bo": "maintain", "eve": "read", "olga": "admin"} {
		if p, ok := f.People[w.forge.User(login).ID]; ok && p.Permission != want {
			w.Errorf("permission of %s: got %s, want %s", login, p.Permission, want)
		} else if !ok {
			w.Errorf("permission of %s is unknown: %+v", login, f.People)
		}
	}
	team, ok := f.Teams["acme/data"]
	members := team.Members
	if w.Inherits != "" {
		members = slices.DeleteFunc(slices.Clone(members), func(id int64) bool {
			return id != w.forge.User("bo").ID && id != w.forge.User("dora").ID && id != w.forge.User("ana").ID
		})
	}
	w.check("team", fmt.Sprint(ok, team.Complete, members), fmt.Sprint(true, true, []int64{w.forge.User("bo").ID, w.forge.User("dora").ID}))
	w.gaps(f)
}

func manyOfEverything(w *world) {
	files := map[string]string{}
	for i := range 101 {
		files[fmt.Sprintf("f/%03d.txt", i)] = "x\n"
	}
	commits := write(files)
	for i := 1; i < 101; i++ {
		commits = append(commits, pretend.Commit{Message: fmt.Sprint("commit ", i), Files: pretend.Texts(map[string]string{"f/000.txt": fmt.Sprint(i, "\n")})})
	}
	n := w.open(pretend.PR{Branch: "c", Commits: commits})
	for i := range 101 {
		w.review(n, []string{"bo", "eve"}[i%2], "commented", "")
	}
	w.review(n, "bo", "approved", "")
	for i := range 30 {
		w.must(w.forge.Label(repo, n, "ana", fmt.Sprint("label ", i)))
		w.must(w.forge.Unlabel(repo, n, "ana", fmt.Sprint("label ", i)))
		w.must(w.forge.Label(repo, n, "bo", fmt.Sprint("label ", i)))
	}
	f := w.facts(n)
	opinions := 102
	if w.Newest != "" {
		opinions = 1 // what was only said is none
	}
	w.check("files, commits, labels", []int{len(f.Files), len(f.Commits), len(f.Change.Labels)}, []int{101, 101, 30})
	if len(f.Reviews) != opinions {
		w.Fatalf("%d reviews, want %d", len(f.Reviews), opinions)
	}
	w.check("first and last commit", []string{f.Commits[0].ID, f.Commits[100].ID}, []string{w.parent(f, 0), f.Change.Head.Commit})
	w.check("last review", f.Reviews[opinions-1].State, "approved")
	seen := map[string]bool{}
	for _, c := range f.Commits {
		seen[c.ID] = true
	}
	w.check("different commits", len(seen), 101)
	for _, l := range f.Change.Labels {
		if l.By == nil || l.By.Login != "bo" {
			w.Errorf("label %s: set by %+v, want bo", l.Name, l.By)
			break
		}
	}
	w.gaps(f)
}

// parent finds the commit whose parent is the merge base.
func (w *world) parent(f *checks.Facts, i int) string {
	if len(f.Commits[i].Parents) == 1 && f.Commits[i].Parents[0] != f.Change.MergeBase {
		return "one whose parent is " + f.Change.MergeBase
	}
	return f.Commits[i].ID
}

// tooMany has more files than a forge lists and more commits than it shows. What cannot be had in full is a gap.
func tooMany(w *world) {
	files := map[string]string{}
	for i := range 3100 {
		files[fmt.Sprintf("many/%02d/%04d.txt", i%50, i)] = "x\n"
	}
	commits := write(files)
	for i := range 259 {
		commits = append(commits, pretend.Commit{Message: fmt.Sprint("commit ", i), Files: pretend.Texts(map[string]string{"counter": fmt.Sprint(i, "\n")})})
	}
	n := w.open(pretend.PR{Branch: "c", Commits: commits})
	f := w.facts(n)
	if _, gap := f.Gap("files"); !gap && len(f.Files) != 3101 {
		w.Errorf("%d of 3101 files, and no gap", len(f.Files))
	}
	if _, gap := f.Gap("commits"); !gap && len(f.Commits) != 260 {
		w.Errorf("%d of 260 commits, and no gap", len(f.Commits))
	}
	w.check("as counted", []int{f.Change.ChangedFiles, f.Change.CommitCount}, []int{3101, 260})
}
