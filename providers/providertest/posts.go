package providertest

import (
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/pretend"
)

func (w *world) post(f *checks.Facts, posts ...gate.Post) []gate.Posted {
	w.Helper()
	got, err := w.Provider.Post(w.Context(), f.Subject, f, posts)
	if err != nil {
		w.Fatalf("Post: %v", err)
	}
	if len(got) != len(posts) {
		w.Fatalf("Post: got %d posted, want %d: %+v", len(got), len(posts), got)
	}
	for i, p := range got {
		if p.Name != posts[i].Name || p.Commit != posts[i].Commit || p.Digest != posts[i].Digest {
			w.Errorf("posted: got %+v, want the %s of %s, in the order given", p, posts[i].Name, posts[i].Commit)
		}
	}
	return got
}

// shown is what people see on a commit, one line a check.
func (w *world) shown(commit string) string {
	var lines []string
	for _, s := range w.forge.ShownOn(repo, commit) {
		lines = append(lines, fmt.Sprint(s.Name, " ", s.State, " ", s.Title))
	}
	return strings.Join(lines, "\n")
}

func about(f *checks.Facts, name string, outcome checks.Outcome, title string) gate.Post {
	return gate.Post{Name: name, Commit: f.Change.Head.Commit, Outcome: outcome, Title: title, Summary: title + " In *Markdown*.",
		URL: "https://sluice.example/decisions/d1", ExternalID: "d1", Digest: title}
}

func posting(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	f := w.facts(n)
	first := w.post(f, about(f, "sluice/gate", checks.Wait, "Waits."), about(f, "sluice/changelog", checks.Fail, "No entry."))
	w.check("shown", w.shown(f.Change.Head.Commit), "sluice/changelog failure No entry.\nsluice/gate in_progress Waits.")
	for _, s := range w.forge.ShownOn(repo, f.Change.Head.Commit) {
		if !strings.HasSuffix(s.URL, "/d1") || w.Bare == "" && (s.ExternalID != "d1" || s.Summary == "") {
			w.Errorf("shown: %+v", s)
		}
	}
	f = w.facts(n)
	var statuses []string
	for _, s := range f.Statuses {
		statuses = append(statuses, fmt.Sprint(s.Name, " ", s.State, " ", s.Title, " ", s.ExternalID, " ", s.Ours))
	}
	w.check("statuses are read back", len(statuses), 2)
	for i, want := range []string{"sluice/gate in_progress Waits. d1 true", "sluice/changelog failure No entry. d1 true"} {
		if !strings.Contains(strings.Join(statuses, "\n"), want) {
			w.Errorf("status %d: got %q, want %s", i, statuses, want)
		}
	}
	next := about(f, "sluice/gate", checks.Pass, "Open.")
	next.Known = &first[0]
	again := w.post(f, next)
	w.check("shown after", w.shown(f.Change.Head.Commit), "sluice/changelog failure No entry.\nsluice/gate success Open.")
	w.check("no further one beside it", len(w.forge.ShownOn(repo, f.Change.Head.Commit)), 2)
	w.check("posted", again[0].State, "success")
}

func outcomes(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	f := w.facts(n)
	var posts []gate.Post
	var want []string
	for i, row := range []struct {
		outcome checks.Outcome
		state   string
	}{{checks.Pass, "success"}, {checks.Fail, "failure"}, {checks.Wait, "in_progress"}, {checks.Unknown, "in_progress"},
		{checks.Advise, "neutral"}, {checks.Skip, "skipped"}, {checks.Overridden, "neutral"}} {
		name := fmt.Sprint("sluice/", i)
		if w.Bare != "" && (row.state == "neutral" || row.state == "skipped") {
			row.state = "success"
		}
		posts = append(posts, about(f, name, row.outcome, "T."))
		want = append(want, name+" "+row.state+" T.")
	}
	for i, p := range w.post(f, posts...) {
		w.check("state posted", fmt.Sprint(p.Name, " ", p.State, " T."), want[i])
	}
	w.check("shown", w.shown(f.Change.Head.Commit), strings.Join(want, "\n"))
}

func manyAnnotations(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": strings.Repeat("c\n", 200)})})
	f := w.facts(n)
	p := about(f, "sluice/config-separation", checks.Fail, "Many.")
	for i := range 120 {
		p.Annotations = append(p.Annotations, checks.Annotation{Path: "c", Line: i + 1, Message: fmt.Sprint("m", i), Outcome: checks.Fail})
	}
	w.post(f, p)
	shown := w.forge.ShownOn(repo, f.Change.Head.Commit)
	if len(shown) != 1 || len(shown[0].Annotations) != 120 || shown[0].State != "failure" {
		w.Fatalf("shown: got %d runs, the first with %d annotations", len(shown), len(shown[0].Annotations))
	}
	seen := map[int]bool{}
	for _, a := range shown[0].Annotations {
		seen[a.Start] = true
	}
	w.check("lines", len(seen), 120)
}

func foreign(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	f := w.facts(n)
	first := w.post(f, about(f, "sluice/gate", checks.Fail, "Shut."))
	w.must(w.forge.Report(pretend.Report{Repo: repo, Commit: "c", Name: "sluice/gate", State: "success", Title: "Fooled you.", App: "mallory"}))
	f = w.facts(n)
	ours, theirs := 0, 0
	for _, s := range f.Statuses {
		if s.Name == "sluice/gate" && s.Ours && s.State == "failure" {
			ours++
		}
		if s.Name == "sluice/gate" && !s.Ours && s.State == "success" {
			theirs++
		}
	}
	both := []int{1, 1}
	if w.Bare != "" {
		both = []int{0, 1} // of one name there is one status, whoever wrote it last
	}
	w.check("ours and theirs are told apart", []int{ours, theirs}, both)
	p := about(f, "sluice/gate", checks.Fail, "Shut, and somebody else wrote here.")
	p.Known = &first[0]
	w.post(f, p)
	w.check("shown", w.shown(f.Change.Head.Commit), "sluice/gate failure Shut, and somebody else wrote here.")
}

func cancelled(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	f := w.facts(n)
	first := w.post(f, about(f, "sluice/gate", checks.Wait, "Waits."))
	w.must(w.forge.Close(repo, n, "ana"))
	f = w.facts(n)
	p := about(f, "sluice/gate", checks.Wait, "Closed.")
	p.Cancelled, p.Known = true, &first[0]
	got := w.post(f, p)
	w.check("state", got[0].State, "cancelled")
	w.check("shown", w.shown(f.Change.Head.Commit), "sluice/gate cancelled Closed.")
}

// disliked is a post that the forge refuses for what it says: the state must be shown all the same.
func disliked(w *world) {
	n := w.open(pretend.PR{Branch: "c", Commits: write(map[string]string{"c": "c\n"})})
	f := w.facts(n)
	first := w.post(f, about(f, "sluice/gate", checks.Pass, "Open."))
	next := about(f, "sluice/gate", checks.Fail, "No entry.")
	next.Known, next.Annotations = &first[0], []checks.Annotation{{Path: "c", Line: 1, Outcome: checks.Fail}} // without a word
	w.post(f, next, about(f, "sluice/changelog", checks.Fail, "No entry."))
	w.check("shown", w.shown(f.Change.Head.Commit), "sluice/changelog failure No entry.\nsluice/gate failure No entry.")
}
