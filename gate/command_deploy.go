package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
)

// deploy asks for a promotion: of the commit that is named, of what this change's merge made, or of what is live and well
// in the environment before.
func (r *Reconciler) deploy(ctx context.Context, a *asking, x *site, out *Outcome) (Result, error) {
	if err := x.mayDeploy(ctx, a, x.name); err != nil {
		return Result{}, err
	}
	if err := x.askedAlready(out); err != nil {
		return Result{}, err
	}
	commit, change, err := r.candidate(ctx, a, x)
	if err != nil {
		return Result{}, err
	}
	how := checks.ByCommand
	if a.ask != "" {
		how = checks.ByAPI
	}
	p := a.asks(r, x, how, commit, change)
	a.concerns = &p
	for i := range x.book.Promotions { // a second asking would have it approved anew
		if q := &x.book.Promotions[i]; q.Waiting() && q.Commit == commit && q.How.Commanded() {
			a.concerns = q
			result := a.result(done, "%s waits already: %s asked for it. Nothing new was asked for.", x.what(q), escape(q.By.Login))
			result.Promotion = q.ID
			return result, nil
		}
	}
	out.Requests = append(out.Requests, p)
	x.look(a, out, x.name)
	result := a.result(done, "Asked for %s. It is deployed when every line of its verdict holds.%s%s", x.what(&p), x.lockedNow(r, &p), x.separated(a, &p))
	result.Promotion = p.ID
	return result, nil
}

// askedAlready refuses a second promotion into one environment by one comment: nobody could say which of them is meant.
func (x *site) askedAlready(out *Outcome) error {
	i := slices.IndexFunc(out.Requests, func(p Promotion) bool { return sameName(p.Environment, x.name) })
	if i < 0 {
		return nil
	}
	return decline("This comment asks for %s already, and asks for one promotion into an environment at most.", x.what(&out.Requests[i]))
}

// lockedNow tells of a lock that holds the promotion back at the moment.
func (x *site) lockedNow(r *Reconciler, p *Promotion) string {
	for _, l := range x.book.Locks {
		if l.Holds(r.Now()) && (!l.Lock.Unasked || p.unasked()) {
			return " It waits for the lock of " + escape(l.Lock.By.Login) + ": " + escape(strings.TrimRight(l.Lock.Reason, ".")) + "."
		}
	}
	return ""
}

// candidate is the commit that is to be deployed, and the change that brought it; 0: none is known.
func (r *Reconciler) candidate(ctx context.Context, a *asking, x *site) (commit string, change int, err error) {
	var c *checks.Change
	if a.facts != nil {
		c = a.facts.Change
	}
	switch {
	case a.command.Ref != "":
		if commit, change, err = x.resolve(ctx, a, a.command.Ref); err != nil {
			return "", 0, err
		}
	case c != nil && c.State == "merged":
		if err := mergedBefore(a); err != nil {
			return "", 0, err
		}
		commit, change = c.MergeCommit, c.Number
	case c != nil && c.State == "closed":
		return "", 0, decline("This change was closed without being merged, so it brought nothing. Write `%s deploy %s REF`, or write it on a change that was merged.", prefix, x.name)
	default:
		return r.wellBefore(ctx, a, x)
	}
	return commit, change, x.onBranch(ctx, a, commit)
}

// mergedBefore refuses what was written while the change was open, when that meant something else, and where the forge does
// not say yet what the merge made.
func mergedBefore(a *asking) error {
	switch c := a.facts.Change; {
	case c.MergedAt.After(a.comment.At):
		return decline("The change was merged after this was written, and on a merged change the command means something else. Write it again if it still holds.")
	case c.MergeCommit == "":
		return decline("The forge does not say yet which commit the merge made: write it again in a minute.")
	}
	return nil
}

// resolve finds the commit that a REF means.
func (x *site) resolve(ctx context.Context, a *asking, ref string) (commit string, change int, err error) {
	if !isRef(ref) {
		return "", 0, decline("%s is no name of a commit, a tag or a branch.", codeSpan(ref))
	}
	commit, change, err = x.promoter.Resolve(ctx, Repo{a.s.Forge, a.s.Repo, a.s.Installation}, ref)
	why, refused := no(err)
	switch {
	case refused:
		return "", 0, decline("%s names no one commit here: %s.", codeSpan(ref), escape(strings.TrimRight(why, ".")))
	case err != nil:
		return "", 0, fmt.Errorf("find %s: %w", Plain(ref), err)
	}
	return commit, change, nil
}

// isRef says whether git would take a word for the name of a ref or for an object id: nothing else is asked for, so that
// no word becomes an option, a path, a range or an expression.
func isRef(ref string) bool {
	switch {
	case ref == "" || !ascii(ref) || strings.ContainsAny(ref, `~^:?*[\"'<>|;&$`+"`"):
		return false
	case strings.Contains(ref, "..") || strings.Contains(ref, "@{") || strings.Contains(ref, "//") || ref == "@":
		return false
	}
	return !slices.ContainsFunc(strings.Split(ref, "/"), func(part string) bool {
		return part == "" || part[0] == '.' || part[0] == '-' || strings.HasSuffix(part, ".lock") || strings.HasSuffix(part, ".")
	})
}

// onBranch refuses a commit that is not on the default branch: what came past it came past every change. A commit of a fork
// is shown by a forge as if it were the repository's own.
func (x *site) onBranch(ctx context.Context, a *asking, commit string) error {
	books, ok := a.provider.(Librarian)
	if !ok {
		return decline("This forge does not say whether a commit is on a branch.")
	}
	on, err := books.Relation(ctx, a.s, x.standing.Branch, commit)
	switch {
	case errors.Is(err, ErrGone) && !errors.Is(err, ErrStale):
		on = ""
	case err != nil:
		return fmt.Errorf("look for %.8s on %s: %w", commit, x.standing.Branch, err)
	}
	if on == "identical" || on == "behind" {
		return nil
	}
	return decline("%s is not on %s, and only what is on the default branch is deployed: merge it there first.", codeSpan(short(commit)), codeSpan(x.standing.Branch))
}

// wellBefore is what is live and well in the environment before.
func (r *Reconciler) wellBefore(ctx context.Context, a *asking, x *site) (commit string, change int, err error) {
	all := environments(x.set)
	i := slices.IndexFunc(all, func(g guarded) bool { return sameName(g.name, x.name) })
	const name = "Name a commit (`%s deploy %s REF`), or write it on the change that was merged."
	if i < 0 || len(all[i].after) == 0 {
		return "", 0, decline("No environment comes before %s, so it is not known what to deploy. "+name, codeSpan(x.name), prefix, x.name)
	}
	before := all[i].after[0]
	st, _, err := r.standing(ctx, a, x.promoter, before)
	if err != nil {
		return "", 0, err
	}
	live := liveOf(st)
	switch {
	case live == nil && st.Cut != "":
		return "", 0, fmt.Errorf("read what is live in %s: %s", before, st.Cut)
	case live == nil:
		return "", 0, decline("Nothing is live in %s, which comes before %s, so there is nothing to deploy. "+name, codeSpan(before), codeSpan(x.name), prefix, x.name)
	}
	book, err := r.Book.Environment(ctx, a.s.Forge, a.s.Repo, before)
	if err != nil {
		return "", 0, fmt.Errorf("read what is remembered of %s: %w", before, err)
	}
	for _, p := range book.Promotions {
		if p.Commit == live.Commit && p.State == Verified {
			return p.Commit, p.Change, nil
		}
	}
	return "", 0, decline("%s is live in %s, which comes before %s, and is not known to be well there. Wait until it is, or see its check there. "+name,
		codeSpan(short(live.Commit)), codeSpan(before), codeSpan(x.name), prefix, x.name)
}
