package providertest

import (
	"fmt"

	"github.com/sluicegate/sluice/providers/pretend"
)

// overtaken reads changes whose head moved on before anybody read the one that the event told of: what a provider asked
// for beforehand, on the event's word, is not about the head that is judged.
func overtaken(w *world) {
	w.facts(w.open(pretend.PR{Branch: "other", Commits: write(map[string]string{"other": "x\n"})})) // so that the repository is known
	harmless := map[string]string{"docs/a.md": "a\n"}
	for branch, forced := range map[string]bool{"ahead": false, "instead": true} {
		n := w.open(pretend.PR{Branch: branch, Commits: write(harmless)})
		told := w.forge.Head(repo, branch)
		p := pretend.Push{Repo: repo, Branch: branch, By: "ana", Commits: []pretend.Commit{{
			Files: map[string]pretend.File{"docs/a.md": {Gone: true}, "deploy.yml": {Text: "live\n"}}}}}
		if forced {
			p.From, p.Force, p.Commits = "main", true, write(map[string]string{"deploy.yml": "live\n"})
		}
		now, err := w.forge.Push(p)
		w.must(err)
		for _, expect := range []string{told, now, ""} {
			f, err := w.Provider.Facts(w.Context(), w.subject(n), expect)
			if err != nil {
				w.Fatalf("Facts(%s) expecting %q: %v", branch, expect, err)
			}
			var files []string
			for _, x := range f.Files {
				files = append(files, x.Path)
			}
			w.check(fmt.Sprintf("%s: head and files, expecting %.8s", branch, expect), []any{f.Change.Head.Commit, files}, []any{now, []string{"deploy.yml"}})
		}
	}
}
