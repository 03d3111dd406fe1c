package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/changelog"
)

// addEntry does `changelog CATEGORY: TEXT`: it commits the entry to the branch of the change, or says why it does not.
// Said again it finds the entry there, so nothing of it needs to be remembered.
func (r *Reconciler) addEntry(ctx context.Context, a *asking, _ *Outcome) Result {
	c := a.facts.Change
	switch {
	case r.DryRun:
		return a.refuse("this is a dry run: nothing is written")
	case c.State != "open":
		return a.refuse("the change is %s, so its branch takes no entry any more; write it in another change", Plain(c.State))
	}
	if why := a.mayWrite(ctx); why != "" {
		return a.refuse("%s", why)
	}
	if why := unwritable(c); why != "" {
		return a.refuse("%s", why)
	}
	if why := r.guarded(ctx, a); why != "" {
		return a.refuse("%s", why)
	}
	if a.policyErr != nil || a.set == nil {
		return a.refuse("the policy on `%s` cannot be read, so I cannot tell where entries go; see sluice/gate", Plain(c.Base.Name))
	}
	entry, err := a.entry(ctx, r)
	if err != nil {
		return a.failed(err)
	}
	if entry.There {
		return a.result("done", "This entry is in %s already; nothing was written.", codeSpan(entry.Path))
	}
	return a.commit(ctx, entry)
}

// within says whether the change's branch lies in the repository that it goes into.
func (a *asking) within() bool {
	return !a.facts.Change.Fork || strings.EqualFold(a.facts.Change.Head.Repo, a.s.Repo)
}

// mayWrite says why somebody may not have the branch written to. The author may where the branch is in a fork, which is
// his to write. In the repository itself nothing makes it his: who may only read it can open a change between two
// branches of others, and who could write it once may not any more.
func (a *asking) mayWrite(ctx context.Context) (why string) {
	author := a.comment.By.ID != 0 && a.comment.By.ID == a.facts.Change.Author.ID
	if author && !a.within() {
		return ""
	}
	_, why, _ = holder(ctx, a.provider, a.s, a.comment.By, "write")
	switch {
	case why == "":
		return ""
	case a.within():
		return "the branch of the change lies in this repository, and only people with write access may write to it: " + why
	}
	return "only the author of the change and people with write access may: " + why
}

// guarded says why a branch of the repository is not this change's alone to write to: what is committed there would come
// to others past the checks that a change into it has to pass.
func (r *Reconciler) guarded(ctx context.Context, a *asking) (why string) {
	const cure = "Write the entry in a change into it"
	committer, ok := a.provider.(Committer)
	if !a.within() || !ok {
		return ""
	}
	head := a.facts.Change.Head.Name
	if head == a.facts.Repository.Default {
		return fmt.Sprintf("the change comes from %s, the default branch, and what is written there comes past every check. %s", codeSpan(head), cure)
	}
	into, err := r.Memory.OpenSubjects(ctx, a.s.Forge, a.s.Repo, head)
	if err != nil {
		r.Log.Warn("find the changes into the branch of a change", "subject", a.s.Key(), "err", err)
		return "whether other changes go into the branch could not be read: say it again"
	}
	into = slices.DeleteFunc(into, func(s checks.Subject) bool { return s.Kind != checks.KindChange })
	if len(into) > 0 {
		return fmt.Sprintf("the change comes from %s, into which other changes go (#%d), and what is written there comes past their checks. %s", codeSpan(head), into[0].Change, cure)
	}
	branch, err := committer.Branch(ctx, a.s, head)
	switch {
	case err != nil:
		r.Log.Warn("read the branch of a change", "subject", a.s.Key(), "err", err)
		return "whether the branch is protected could not be read: say it again"
	case branch == nil:
		return fmt.Sprintf("the branch %s is gone. Its author can push it again", codeSpan(head))
	case branch.Protected:
		return fmt.Sprintf("the branch is protected: a rule of the repository guards %s. %s, or write it yourself if the rule lets you", codeSpan(head), cure)
	}
	return ""
}

// unwritable says why nobody but its owner can write to the change's branch.
func unwritable(c *checks.Change) string {
	switch {
	case c.Head.Repo == "" || c.Head.Name == "":
		return "the repository or branch that the change comes from is gone, or is not shown to Sluice. Its author can write the entry"
	case c.Fork && !c.Editable:
		return fmt.Sprintf("the change comes from the fork %s, which does not let maintainers edit it. Its author can tick \"Allow edits by maintainers\" "+
			"beside the change and you say it again, or the author writes the entry", codeSpan(c.Head.Repo))
	}
	return ""
}

// entry works out the file that holds the entry.
func (a *asking) entry(ctx context.Context, r *Reconciler) (*checks.Written, error) {
	books, ok := a.provider.(Librarian)
	if !ok {
		return nil, &RefusalError{Why: "this forge's files cannot be read one by one"}
	}
	head := a.facts.Change.Head.Commit
	tree, err := books.Tree(ctx, a.s, a.s.Repo, head) // a fork's commits are there too, as those of the change
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	place, err := checks.PlaceEntry(a.set, listed(a.facts, tree), checks.Wording{Category: a.command.Category, Text: a.command.Reason, At: r.Now()})
	if err != nil {
		return nil, err
	}
	texts, err := books.Texts(ctx, a.s, a.s.Repo, head, place.Reads)
	if err != nil {
		return nil, fmt.Errorf("read the changelog: %w", err)
	}
	return place.Write(texts)
}

// listed are the facts with the whole tree of a commit.
func listed(f *checks.Facts, tree []string) *checks.Facts {
	g := *f
	g.Paths, g.Listed, g.Gaps = tree, true, nil
	for _, gap := range f.Gaps {
		if gap.Part != "paths" {
			g.Gaps = append(g.Gaps, gap)
		}
	}
	return &g
}

func (a *asking) commit(ctx context.Context, w *checks.Written) Result {
	committer, ok := a.provider.(Committer)
	if !ok {
		return a.refuse("this forge takes no commits from Sluice")
	}
	c := a.facts.Change
	// Nothing of the text stands in the message: there it could close an issue or call somebody.
	e := Edit{Repo: c.Head.Repo, Branch: c.Head.Name, Expect: c.Head.Commit, Title: "Add a changelog entry", For: a.comment.By,
		Body: "Asked for in " + origin(a), Files: map[string]string{w.Path: w.Text}}
	id, err := committer.Commit(ctx, a.s, e)
	if err != nil {
		return a.failed(err)
	}
	where := codeSpan(w.Path)
	if w.Line > 0 {
		where += fmt.Sprintf(", line %d", w.Line)
	}
	if w.Category != "" {
		where += ", under " + codeSpan(w.Category)
	}
	return a.result("done", "Wrote the entry to %s: commit %.8s on %s. The new head is judged anew; what was approved or overridden before does not count for it.", where, Plain(id), codeSpan(c.Head.Name))
}

// refuse is a refusal in a sentence; args are escaped already.
func (a *asking) refuse(format string, args ...any) Result {
	return a.result("refused", "Nothing was written: "+format+".", args...)
}

// failed tells of an error: a no, or a forge that did not answer, and then saying it again is harmless.
func (a *asking) failed(err error) Result {
	var said *changelog.Refusal
	if errors.As(err, &said) {
		return a.refuse("%s", escape(err.Error()))
	}
	if why, ok := no(err); ok {
		return a.refuse("%s", escape(why))
	}
	return a.result("refused", "The forge did not answer as it should, so I do not know whether it was written: %s. Say it again; nothing is written twice.", escape(checks.Clip(err.Error(), 200)))
}
