package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/sorting"
)

// merged says whether a command is about what became of the change, and not about the change.
func (a *asking) merged() bool { return a.facts.Change.State == "merged" }

// overrideLines lets lines through for the promotions of what the merge made: by whom the policy names, with a reason, until
// it runs out or is revoked.
func (r *Reconciler) overrideLines(ctx context.Context, a *asking, out *Outcome) (Result, error) {
	if err := a.boundToMerge(); err != nil {
		return Result{}, err
	}
	leave := a.leave()
	names, err := a.lines(leave)
	if err != nil {
		return Result{}, err
	}
	if no, ok := a.mayOverride(ctx, leave); !ok {
		return no, nil
	}
	unnamed := !leave.Self && checks.Unnamed(a.facts) // it might be anybody, whoever overrides too
	leave.Two = leave.Two || unnamed
	a.head = a.facts.Change.MergeCommit
	result := a.result(done, "")
	if unnamed {
		result.Text = "A commit here has an author whom the forge cannot name, so two people have to say it. "
	}
	for _, name := range names {
		result.Text += r.grantLine(ctx, a, leave, name, out)
		result.Checks = append(result.Checks, name)
	}
	if slices.ContainsFunc(out.Overrides, func(o Override) bool { return o.Comment == a.comment.ID && !o.complete() && o.Ended.IsZero() }) {
		result.Outcome = waiting
	}
	return result, r.lookAtAwaited(ctx, a, out)
}

// grantLine makes the override of one line, or completes one, and says so where a second person does.
func (r *Reconciler) grantLine(ctx context.Context, a *asking, leave policy.Leave, name string, out *Outcome) (text string) {
	for _, o := range r.grant(ctx, a, leave, name) {
		outcome := o.event(a.comment.ID)
		out.Overrides = replaced(out.Overrides, o)
		out.Entries = append(out.Entries, overrideEntry(a.s, digestIn(a), o, outcome))
		if o.Comment != a.comment.ID {
			out.Marks = append(out.Marks, answerAgain(a.s, o.Comment))
		}
		if outcome == "seconded" {
			text += fmt.Sprintf("%s is overridden now that a second person says so: %s asked for it first. ", codeSpan(name), escape(o.By.Login))
		}
	}
	return text
}

// boundToMerge refuses what was meant for the change before it was merged, and what cannot be promoted.
func (a *asking) boundToMerge() error {
	if err := mergedBefore(a); err != nil {
		return err
	}
	if c, branch := a.facts.Change, a.facts.Repository.Default; c.Base.Name != branch {
		return decline("The change was merged into %s, and only what is on %s is promoted: there is nothing to override.", codeSpan(c.Base.Name), codeSpan(branch))
	}
	if a.set != nil && len(environments(a.set)) == 0 {
		return decline("This change is merged, and the policy guards no environment that it could go into: there is nothing to override.")
	}
	return nil
}

// lines are those that the command names, as far as there are such and they may be overridden.
func (a *asking) lines(leave policy.Leave) (names []string, err error) {
	all := checks.LineNames()
	for _, word := range a.command.Checks {
		name, where := strings.TrimPrefix(strings.ToLower(word), "sluice/"), ""
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			if where, err = a.place(name[:i]); err != nil {
				return nil, err
			}
			name, where = name[i+1:], where+"/"
		}
		if !slices.Contains(all, name) {
			if len(all) == 0 {
				return nil, decline("There is no line %s.", codeSpan(word))
			}
			return nil, decline("A promotion's verdict has no line %s; the nearest is %s. There are: %s.", codeSpan(word), codeSpan(nearest(name, all)), codeList(all))
		}
		if may, rule, list := leave.Of(name); !may {
			return nil, decline("%s may not be overridden: %s allows %s. Whoever owns that policy can add it there.", codeSpan(name), codeSpan(rule), codeList(list))
		}
		names = append(names, where+name)
	}
	return names, nil
}

// place is an environment as the policy spells it.
func (a *asking) place(word string) (string, error) {
	if a.set == nil {
		return "", decline("The policy cannot be read, so it is not known whether there is an environment %s.", codeSpan(word))
	}
	if spelt, ok := checks.Guarded(a.set, word); ok {
		return spelt, nil
	}
	var names []string
	for _, g := range environments(a.set) {
		names = append(names, g.name)
	}
	return "", decline("No policy guards an environment %s; there are: %s.", codeSpan(word), codeList(names))
}

// lookAtAwaited has the environments looked at that the commit is on its way into, and the change, which writes down when an
// override runs out.
func (r *Reconciler) lookAtAwaited(ctx context.Context, a *asking, out *Outcome) error {
	out.later(judgeAgain(a.s, "comment."+a.command.Word))
	if r.Book == nil {
		return nil
	}
	names, err := r.Book.Awaited(ctx, a.s.Forge, a.s.Repo, a.facts.Change.MergeCommit)
	if err != nil {
		return fmt.Errorf("read what waits for %.8s: %w", a.facts.Change.MergeCommit, err)
	}
	for _, name := range names {
		out.later(environmentMark(a.s, name, "comment."+a.command.Word))
	}
	return nil
}

// revokeLine ends what is overridden of a line.
func (r *Reconciler) revokeLine(ctx context.Context, a *asking, out *Outcome) (Result, error) {
	if err := mergedBefore(a); err != nil {
		return Result{}, err
	}
	if no, ok := a.mayOverride(ctx, a.leave()); !ok {
		return no, nil
	}
	no, ended := r.endOverrides(a, out)
	if !ended {
		return no, nil
	}
	return no, r.lookAtAwaited(ctx, a, out)
}

// passage says where the promotions of what the merge made stand, the newest into each environment.
func (r *Reconciler) passage(ctx context.Context, a *asking) (Result, error) {
	list, err := r.promotionsOf(ctx, a)
	if err != nil {
		return Result{}, err
	}
	made := a.facts.Change.MergeCommit
	if len(list) == 0 {
		return a.result(done, "This change is merged, as %s. Nothing is known to be on its way into an environment.", codeSpan(short(made))), nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "This change is merged, as %s.\n\n| environment | stands | since | |\n|---|---|---|---|\n", codeSpan(short(made)))
	for _, p := range list {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", codeSpan(p.Environment), p.State, stamp(p.Since), escape(p.Why))
	}
	return a.result(done, "%s", strings.TrimRight(b.String(), "\n")), nil
}

// promotionsOf are the newest promotions of what the merge made, one an environment.
func (r *Reconciler) promotionsOf(ctx context.Context, a *asking) (list []Promotion, err error) {
	made := a.facts.Change.MergeCommit
	if r.Book == nil || made == "" {
		return nil, nil
	}
	all, err := r.Book.Promotions(ctx, a.s.Forge, a.s.Repo, made, 100)
	if err != nil {
		return nil, fmt.Errorf("read the promotions of %.8s: %w", made, err)
	}
	for _, p := range all { // newest first
		if !slices.ContainsFunc(list, func(q Promotion) bool { return sameName(q.Environment, p.Environment) }) {
			list = append(list, p)
		}
	}
	sorting.By(list, func(p, q Promotion) int { return strings.Compare(p.Environment, q.Environment) })
	return list, nil
}

// recheckMerged has the environments looked at that what the merge made is on its way into.
func (r *Reconciler) recheckMerged(ctx context.Context, a *asking, out *Outcome) (Result, error) {
	before := len(out.Marks)
	if err := r.lookAtAwaited(ctx, a, out); err != nil {
		return Result{}, err
	}
	var names []string
	for _, m := range out.Marks[before:] {
		if m.Kind == MarkEnvironment {
			names = append(names, m.Environment)
		}
	}
	if len(names) == 0 {
		return Result{}, decline("This change is merged, and nothing of it is on its way into an environment: there is nothing to judge any more.")
	}
	return a.result(done, "Read and judged afresh: the way of %s into %s. Its checks say what comes of it.", codeSpan(short(a.facts.Change.MergeCommit)), codeList(names)), nil
}
