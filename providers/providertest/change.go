package providertest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/providers/pretend"
)

func plainChange(w *world) {
	n := w.open(pretend.PR{Title: "feat: c", Body: "Why.", Branch: "c", Commits: []pretend.Commit{
		{Message: "feat: c", Files: pretend.Texts(map[string]string{"src/c.go": "package a\n"})},
		{Message: "docs: c\n\nMore.", Files: pretend.Texts(map[string]string{"CHANGELOG.md": strings.Replace(changelogText, "]\n", "]\n\n- C.\n", 1)})}}})
	f := w.facts(n)
	ana, main := w.forge.User("ana"), w.forge.Head(repo, "main")
	c := f.Change
	if c == nil {
		w.Fatal("no change")
	}
	w.check("change", fmt.Sprint(c.Number, c.Title, c.Body, c.State, c.Draft, c.Fork, c.ChangedFiles, c.CommitCount, c.Additions, c.Deletions),
		fmt.Sprint(n, "feat: c", "Why.", "open", false, false, 2, 2, 3, 0))
	w.check("author", c.Author, checks.Person{ID: ana.ID, Login: "ana", Kind: "user"})
	w.check("base", []string{c.Base.Name, c.Base.Commit, c.MergeBase}, []string{"main", main, main})
	w.check("head", []string{c.Head.Name, c.Head.Commit, c.Head.Repo}, []string{"c", w.forge.Head(repo, "c"), repo})
	w.check("repository", []any{f.Repository.Name, f.Repository.Default, f.Repository.Private}, []any{repo, "main", true})
	if c.URL == "" || c.CreatedAt.IsZero() {
		w.Errorf("URL %q, created %v", c.URL, c.CreatedAt)
	}
	var files, commits []string
	for _, x := range f.Files {
		files = append(files, fmt.Sprintf("%s %s +%d-%d", x.Status, x.Path, x.Additions, x.Deletions))
	}
	for _, x := range f.Commits {
		commits = append(commits, x.Message)
		w.check("commit's author", []any{x.Author.ID, x.Author.Login, x.Committer.ID}, []any{ana.ID, "ana", ana.ID})
	}
	w.check("files", files, []string{"modified CHANGELOG.md +2-0", "added src/c.go +1-0"})
	w.check("commits", fmt.Sprintf("%q", commits), `["feat: c" "docs: c\n\nMore."]`)
	w.check("policies", []any{len(f.Sources), f.Sources[0].Name, f.Sources[0].Text, f.Sources[0].Commit}, []any{1, ".sluice.yml", policyText, main})
	w.check("reviews, labels, statuses, tags", []int{len(f.Reviews), len(c.Labels), len(f.Statuses), len(f.Tags)}, []int{0, 0, 0, 0})
	w.gaps(f)
	if changelog := f.File("CHANGELOG.md"); changelog.Read {
		w.check("lines", []any{len(changelog.Removed), changelog.Added}, []any{0, []checks.Line{{N: 4, Text: ""}, {N: 5, Text: "- C."}}})
	}
}

func forked(w *world) {
	w.must(w.forge.Drop(repo)) // a private fork is hidden from whoever was not let into it
	w.must(w.forge.Repo(repo, false, pretend.Texts(map[string]string{".sluice.yml": policyText, "CHANGELOG.md": changelogText})))
	n := w.open(pretend.PR{By: "eve", Fork: "eve/shop", Branch: "main", Commits: write(map[string]string{
		"CHANGELOG.md": strings.Replace(changelogText, "]\n", "]\n\n- From a fork.\n", 1), ".sluice.yml": "version: 1\nchangelog: {mode: \"off\"}\n"})})
	f := w.facts(n)
	w.check("fork", []any{f.Change.Fork, f.Change.Head.Repo, f.Change.Head.Name, f.Change.Author.Login}, []any{true, "eve/shop", "main", "eve"})
	w.check("policy", f.Sources[0].Text, policyText)
	if t, ok := f.Text(checks.Head, "CHANGELOG.md"); ok && !strings.Contains(t.Text, "From a fork.") {
		w.Errorf("the changelog at head is not the fork's: %q", t.Text)
	}
	w.must(w.forge.Drop("eve/shop"))
	f = w.facts(n)
	w.check("fork that was deleted", []any{f.Change.Fork, f.Change.Head.Repo, len(f.Files)}, []any{true, "", 2})
}

func kindsOfFiles(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: []pretend.Commit{{Files: map[string]pretend.File{
		"src/a.go": {Gone: true}, "src/b.go": {Gone: true}, "lib/b.go": {Text: "package a\n\nvar B = 1\n"},
		"link": {Text: "src/b.go", Mode: pretend.ModeSymlink}, "sub": {Text: strings.Repeat("a", 40), Mode: pretend.ModeSubmodule},
		"logo.png": {Text: "\x89PNG\x00\x01"}, "run.sh": {Text: "#!/bin/sh\n", Mode: pretend.ModeExec},
		"odd name\t\"ü\".txt": {Text: "x\n"}, "../up": {Text: "x\n"}}}}})
	f := w.facts(n)
	var got []string
	for _, x := range f.Files {
		got = append(got, strings.TrimSpace(x.Status+" "+x.Path+" "+x.Old))
	}
	w.check("files", got, []string{"added ../up", "renamed lib/b.go src/b.go", "added link", "added logo.png", "added odd name\t\"ü\".txt", "added run.sh", "removed src/a.go", "added sub"})
	if r := f.File("lib/b.go"); r == nil || f.File("src/b.go") != nil {
		w.Errorf("a rename is one file under its new path")
	}
}

func labels(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"}), Labels: []string{"minor", "other"}})
	w.must(w.forge.Label(repo, n, "eve", "no-changelog"))
	w.must(w.forge.Unlabel(repo, n, "ana", "minor"))
	w.must(w.forge.Label(repo, n, "bo", "minor"))
	w.must(w.forge.Unlabel(repo, n, "bo", "other"))
	got := map[string]string{}
	for _, l := range w.facts(n).Change.Labels {
		if got[l.Name] = "nobody"; l.By != nil {
			got[l.Name] = fmt.Sprintf("%s %v", l.By.Login, l.By.ID == w.forge.User(l.By.Login).ID)
		}
	}
	w.check("labels and who set them", got, map[string]string{"minor": "bo true", "no-changelog": "eve true"})
}

func reviews(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	first := w.forge.Head(repo, "c")
	w.review(n, "bo", "approved", "")
	w.review(n, "eve", "changes_requested", "")
	second := w.push("c", "ana", map[string]string{"c": "d\n"})
	w.review(n, "bo", "commented", "")
	w.review(n, "olga", "approved", "")
	w.must(w.forge.Dismiss(repo, n, "ana", "eve"))
	var got []string
	for _, r := range w.facts(n).Reviews {
		got = append(got, fmt.Sprint(r.By.Login, " ", r.State, " ", r.Commit, " ", r.By.Human()))
		if r.ID == 0 || r.At.IsZero() {
			w.Errorf("review %+v has no id or time", r)
		}
	}
	if w.Newest != "" {
		w.check("reviews", got, []string{"bo approved " + first + " true", "olga approved " + second + " true"})
		return
	}
	w.check("reviews", got, []string{"bo approved " + first + " true", "eve dismissed " + first + " true", "bo commented " + second + " true", "olga approved " + second + " true"})
}

func deletedAccounts(w *world) {
	n := w.open(pretend.PR{By: "bo", Branch: "c", Commits: write(map[string]string{"c": "c\n"}), Labels: []string{"minor"}})
	w.review(n, "ana", "approved", "")
	w.forge.Delete("ana")
	w.forge.Delete("bo")
	f := w.facts(n)
	w.check("author is a person", f.Change.Author.Human(), false)
	w.check("author's id", f.Change.Author.ID, int64(0))
	if len(f.Reviews) != 1 && w.Newest == "" || slices.ContainsFunc(f.Reviews, func(r checks.Review) bool { return r.By.Human() }) {
		w.Errorf("reviews: %+v", f.Reviews)
	}
	if by := f.Change.Labels[0].By; by != nil && by.Human() {
		w.Errorf("label set by %+v", by)
	}
	if len(f.Commits) != 1 || f.Commits[0].Author.ID != 0 || f.Commits[0].Author.Email == "" {
		w.Errorf("commits: %+v", f.Commits)
	}
}

func commitAuthors(w *world) {
	w.forge.Describe("bo", "Bo B.", "bo@acme.example")
	bot := w.forge.User("dependabot[bot]")
	n := w.open(pretend.PR{Branch: "c", Commits: []pretend.Commit{
		{Message: "one\n\nCo-authored-by: Bo B. <bo@acme.example>\nCo-authored-by: Stranger <s@else.example>", Files: pretend.Texts(map[string]string{"c": "1\n"})},
		{Message: "two", Files: pretend.Texts(map[string]string{"c": "2\n"}), Author: &pretend.Signature{Name: "Nobody", Email: "nobody@else.example"}},
		{Message: "three", Files: pretend.Texts(map[string]string{"c": "3\n"}), Author: &pretend.Signature{Name: bot.Login, Email: bot.Email},
			Committer: &pretend.Signature{Name: "GitHub", Email: "noreply@github.com"}}}})
	f := w.facts(n)
	if len(f.Commits) != 3 {
		w.Fatalf("commits: %+v", f.Commits)
	}
	one, two, three := f.Commits[0], f.Commits[1], f.Commits[2]
	w.check("authors of one", names(append([]checks.Person{one.Author}, one.CoAuthors...)), "ana/user bo/user /")
	w.check("a co-author that nobody knows", []any{one.CoAuthors[1].ID, one.CoAuthors[1].Email}, []any{0, "s@else.example"})
	w.check("an author that nobody knows", []any{two.Author.ID, two.Author.Name, two.Author.Email}, []any{0, "Nobody", "nobody@else.example"})
	w.check("a bot and the forge itself are no people", []any{three.Author.Human(), three.Committer.Human()}, []any{false, false})
}

func retargeted(w *world) {
	w.must(pushed(w.forge.Push(pretend.Push{Repo: repo, Branch: "release", By: "bo", From: "main",
		Commits: write(map[string]string{".sluice.yml": "version: 1\ntagging: {bump: declared}\n", "only-here": "x\n"})})))
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	w.check("policy before", w.facts(n).Sources[0].Text, policyText)
	base := "release"
	w.must(w.forge.Edit(repo, n, "ana", pretend.Edit{Base: &base}))
	f := w.facts(n)
	w.check("base", []string{f.Change.Base.Name, f.Change.Base.Commit}, []string{"release", w.forge.Head(repo, "release")})
	w.check("policy after", f.Sources[0].Text, "version: 1\ntagging: {bump: declared}\n")
	w.check("files", []any{len(f.Files), f.Files[0].Path}, []any{1, "c"})
}

func pushed(_ string, err error) error { return err }

func movedTarget(w *world) {
	base := w.forge.Head(repo, "main")
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"src/b.go": "package a\n\nvar B = 2\n"})})
	w.facts(n)
	tip := w.push("main", "bo", map[string]string{"src/a.go": "package a // moved on\n", "CHANGELOG.md": strings.Replace(changelogText, "]\n", "]\n\n- Other.\n", 1)})
	f := w.facts(n)
	w.check("base and merge base", []string{f.Change.Base.Commit, f.Change.MergeBase}, []string{tip, base})
	w.check("files", []any{len(f.Files), f.Files[0].Path}, []any{1, "src/b.go"})
}

func states(w *world) {
	n := w.open(pretend.PR{Branch: "c", Draft: true, Commits: write(map[string]string{"c": "c\n"})})
	w.check("draft", w.facts(n).Change.Draft, true)
	w.must(w.forge.SetDraft(repo, n, "ana", false))
	w.check("draft that is ready", w.facts(n).Change.Draft, false)
	w.must(w.forge.Close(repo, n, "ana"))
	w.check("closed", w.facts(n).Change.State, "closed")
	m := w.open(pretend.PR{Branch: "d", Commits: write(map[string]string{"d": "d\n"})})
	_, err := w.forge.Merge(repo, m, "bo", true)
	w.must(err)
	w.must(w.forge.Unbranch(repo, "d", "bo"))
	w.check("merged", w.facts(m).Change.State, "merged")
}

func sides(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"CHANGELOG.md": strings.Replace(changelogText, "]\n", "]\n\n- Head.\n", 1)})})
	w.push("main", "bo", map[string]string{"CHANGELOG.md": strings.Replace(changelogText, "]\n", "]\n\n- Tip.\n", 1)})
	for range 2 { // the second time from what is remembered
		f := w.facts(n)
		read := 0
		for side, want := range map[checks.Side]string{checks.Base: changelogText,
			checks.Head: strings.Replace(changelogText, "]\n", "]\n\n- Head.\n", 1), checks.Tip: strings.Replace(changelogText, "]\n", "]\n\n- Tip.\n", 1)} {
			if t, ok := f.Text(side, "CHANGELOG.md"); ok {
				read++
				w.check("changelog at "+string(side), t.Text, want)
			}
		}
		if read == 0 {
			w.Errorf("the changelog check wanted no changelog: %+v", f.Texts)
		}
	}
}
