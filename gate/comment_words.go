package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
)

// help lists the commands, once a comment.
func (a *asking) help(before []Result) Result {
	if slices.ContainsFunc(before, func(r Result) bool { return r.Word == "help" }) {
		return a.result(done, "See above.")
	}
	if a.on != "" {
		return a.result(done, "On a commit I obey `%s release` and `%s help`; all else is written on a change.\n\n%s", prefix, prefix, helpText())
	}
	return a.result(done, "%s", helpText())
}

// helpText lists the commands.
func helpText() string {
	var b strings.Builder
	b.WriteString("A command is a line of its own that starts with `" + prefix + "`, in a new comment on a change, ten at most:\n")
	for _, f := range forms() {
		fmt.Fprintf(&b, "\n- `%s %s`: %s", prefix, f.usage, f.who)
	}
	return b.String()
}

// status says where the change stands, judged just now.
func (r *Reconciler) status(a *asking) Result {
	if a.facts.Change.State != "open" {
		return a.result(done, "This change is %s, so it is not judged any more.", a.facts.Change.State)
	}
	d := r.judged(a.facts, a.acts)
	var b strings.Builder
	fmt.Fprintf(&b, "The gate is **%s** for %s: %s\n", openWord(d), codeSpan(short(d.Commit)), escape(d.Gate.Reason))
	var list []shared
	for _, v := range d.Verdicts {
		list = append(list, shared{Verdict: v})
	}
	b.WriteString(table(list))
	return a.result(done, "%s", strings.TrimRight(b.String(), "\n"))
}

func openWord(d *Decision) string {
	if d.Open {
		return "open"
	}
	return "shut"
}

func short(commit string) string { return commit[:min(8, len(commit))] }

// recheck has the change read and judged afresh, and says what came of it.
func (r *Reconciler) recheck(a *asking, out *Outcome) Result {
	if a.facts.Change.State != "open" {
		return a.result(refused, "This change is %s: there is nothing to judge any more.", a.facts.Change.State)
	}
	out.Marks = append(out.Marks, judgeAgain(a.s, "comment.recheck"))
	d := r.judged(a.facts, a.acts)
	return a.result(done, "Read and judged afresh: the gate is **%s** for %s. %s", openWord(d), codeSpan(short(d.Commit)), escape(d.Gate.Reason))
}

// judgeAgain has the change judged.
func judgeAgain(s checks.Subject, why string) Mark {
	return Mark{Kind: MarkChange, Forge: s.Forge, Repo: s.Repo, Change: s.Change, Installation: s.Installation, Why: why}
}

// holdBack shuts the gate of the change until somebody lifts the hold.
func (r *Reconciler) holdBack(ctx context.Context, a *asking, out *Outcome) Result {
	if a.facts.Change.State != "open" {
		return a.result(refused, "This change is %s, so there is nothing to hold. `%s lock ENVIRONMENT REASON` holds back what goes into an environment.", a.facts.Change.State, prefix)
	}
	has, no, ok := a.atLeast(ctx, "write", "Holding a change")
	if !ok {
		return no
	}
	if h := a.acts.Hold; h != nil {
		return a.result(refused, "%s holds this change already: %s. `%s unhold` lifts that first.", escape(h.By.Login), escape(strings.TrimRight(h.Reason, ".")), prefix)
	}
	a.acts.Hold = &Hold{By: a.by(), Right: has, Reason: Plain(a.command.Reason), URL: a.comment.URL, Comment: a.comment.ID, At: a.received}
	out.Hold = a.acts.Hold
	out.Marks = append(out.Marks, judgeAgain(a.s, "comment.hold"))
	return a.result(done, "Held: the gate stays shut, whatever is pushed, until somebody with at least the right %s writes `%s unhold`.", codeSpan(has), prefix)
}

// letGo lifts the hold.
func (r *Reconciler) letGo(ctx context.Context, a *asking, out *Outcome) Result {
	h := a.acts.Hold
	if h == nil {
		return a.result(refused, "Nobody holds this change.")
	}
	needs := h.Right
	if !checks.AtLeast(needs, "write") {
		needs = "write"
	}
	if _, no, ok := a.atLeast(ctx, needs, "Lifting the hold of "+escape(h.By.Login)); !ok {
		return no
	}
	lifted := *h
	lifted.Lifted = true
	a.acts.Hold, out.Hold = nil, &lifted
	out.Marks = append(out.Marks, judgeAgain(a.s, "comment.unhold"))
	return a.result(done, "The hold of %s is lifted.", escape(h.By.Login))
}
