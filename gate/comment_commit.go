package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
)

// readyFor reads what the commands of a comment are about. On a commit that is the change which was merged as this commit:
// what was decided about it is what counts, and so nothing is released that nobody judged.
func (r *Reconciler) readyFor(ctx context.Context, a *asking, w Work, commands []Command) error {
	if a.s.Kind != checks.KindCommit {
		return r.ready(ctx, a, w)
	}
	a.on, a.head = a.s.Commit, a.s.Commit
	if !slices.ContainsFunc(commands, func(c Command) bool { return c.Word == "release" && c.Problem == "" }) {
		return nil
	}
	n, why, err := r.mergedAs(ctx, a)
	if err != nil || why != "" {
		a.unbrought = why
		return err
	}
	a.s = checks.Subject{Forge: a.s.Forge, Repo: a.s.Repo, Kind: checks.KindChange, Change: n, Installation: a.s.Installation}
	return r.ready(ctx, a, w)
}

// mergedAs is the one change that was merged as the commit, or why there is none.
func (r *Reconciler) mergedAs(ctx context.Context, a *asking) (change int, why string, err error) {
	history, knows := a.provider.(Tracer)
	books, reads := a.provider.(Librarian)
	if !knows || !reads {
		return 0, "this forge does not tell which change brought a commit: say it on the change", nil
	}
	merged, branch, err := history.Brought(ctx, a.s)
	if err != nil {
		return 0, "", fmt.Errorf("read what brought %v: %w", a.s, err)
	}
	var as []Brought
	for _, b := range merged {
		if b.Commit == a.on {
			as = append(as, b)
		}
	}
	switch {
	case len(as) == 1:
		return as[0].Change, "", nil
	case len(as) > 1:
		return 0, fmt.Sprintf("more than one change was merged as %s (%s): say it on the one that is meant", codeSpan(short(a.on)), numbers(as)), nil
	case len(merged) > 0:
		return 0, fmt.Sprintf("%s came with %s, and is not what that merge made: say it on the change, or on the commit that its merge made", codeSpan(short(a.on)), numbers(merged)), nil
	}
	on, err := books.Relation(ctx, a.s, branch, a.on)
	switch {
	case err != nil:
		return 0, "", fmt.Errorf("look for %v on %s: %w", a.s, branch, err)
	case on == "identical" || on == "behind":
		return 0, fmt.Sprintf("no change brought %s to %s, so nobody judged it: release the next change that is merged there (if this one was merged just now, say it again in a minute)", codeSpan(short(a.on)), codeSpan(branch)), nil
	}
	return 0, fmt.Sprintf("%s is not on %s, and no change was merged as it: only what is on the branch is released", codeSpan(short(a.on)), codeSpan(branch)), nil
}

func numbers(list []Brought) string {
	var names []string
	for _, b := range list[:min(5, len(list))] {
		names = append(names, fmt.Sprintf("#%d", b.Change))
	}
	return strings.Join(names, ", ")
}

// notHere refuses what cannot be said on a commit.
func (a *asking) notHere() (Result, bool) {
	switch word := a.command.Word; {
	case a.on == "":
		return Result{}, false
	case word == "release" && a.unbrought != "":
		return a.unreleased(a.unbrought), true
	case word != "release" && word != "help":
		return a.result(refused, "%s concerns a change, and this is a commit, where only `release` and `help` are obeyed: write it on the change.", codeSpan(word)), true
	}
	return Result{}, false
}
