package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sluicegate/sluice/checks"
)

// rollBack asks to go back to a commit that was live and well in the environment, and holds back what nobody asks for by
// name until somebody lifts that: else the next merge would undo it.
func (r *Reconciler) rollBack(ctx context.Context, a *asking, x *site, out *Outcome) (Result, error) {
	if err := x.mayDeploy(ctx, a, x.name); err != nil {
		return Result{}, err
	}
	if err := x.askedAlready(out); err != nil {
		return Result{}, err
	}
	live := x.live()
	switch {
	case live == nil && x.standing.Cut != "":
		return Result{}, fmt.Errorf("read what is live in %s: %s", x.name, x.standing.Cut)
	case live == nil:
		return Result{}, decline("Nothing is live in %s, so there is nothing to go back from.", codeSpan(x.name))
	}
	to, err := r.target(ctx, a, x, live)
	if err != nil {
		return Result{}, err
	}
	p := a.asks(r, x, checks.Rollback, to.Commit, to.Change)
	p.Rolls = live.Commit
	a.concerns = &p
	lock := UnaskedLock(a.s.Forge, a.s.Repo, x.name, a.request(), a.by(), "rolled back to "+short(to.Commit)+because(Plain(a.command.Reason)), a.comment.URL, a.received)
	out.Requests, out.Locks = append(out.Requests, p), append(out.Locks, lock)
	x.look(a, out, x.name)
	result := a.result(done, "Asked for the rollback of %s from %s to %s, which was live and well there. What nobody asks for by name is held back from now on, until one of its deployers writes `%s unlock %s`.%s",
		codeSpan(x.name), codeSpan(short(live.Commit)), codeSpan(short(to.Commit)), prefix, x.name, x.lockedNow(r, &p))
	result.Promotion = p.ID
	return result, nil
}

// target is the promotion whose commit is gone back to: the one that the first word names, or else the newest that was well
// before what is live now. The word is taken off the reason.
func (r *Reconciler) target(ctx context.Context, a *asking, x *site, live *checks.Deployment) (*Promotion, error) {
	word, rest := a.command.Ref, a.command.Reason
	if word == "" && a.ask == "" {
		word, rest = next(a.command.Reason)
	}
	if word == "" {
		return x.lastGood(live)
	}
	to, err := x.wellAs(ctx, a, word)
	switch {
	case err != nil:
		return nil, err
	case to == nil && a.command.Ref != "":
		return nil, decline("There is no commit or tag %s here. %s", codeSpan(word), x.goodOnes())
	case to == nil: // the reason begins with it
		return x.lastGood(live)
	}
	a.command.Reason = strings.TrimSpace(rest)
	switch {
	case !strings.ContainsFunc(a.command.Reason, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) }):
		return nil, decline("The reason is missing. Write `%s rollback %s %s REASON`.", prefix, x.name, escape(word))
	case to.Commit == live.Commit:
		return nil, decline("%s is what is live in %s.", codeSpan(short(to.Commit)), codeSpan(x.name))
	}
	return to, nil
}

// wellAs is what was well here and goes by that name: the beginning of a commit's id, or a tag. A word that names a commit
// or a tag of the repository which never was well here is refused; nil: it names nothing.
func (x *site) wellAs(ctx context.Context, a *asking, word string) (*Promotion, error) {
	if isID(word) {
		var found []*Promotion
		for i := range x.book.Promotions {
			p := &x.book.Promotions[i]
			same := func(q *Promotion) bool { return q.Commit == p.Commit }
			if !p.VerifiedAt.IsZero() && strings.HasPrefix(p.Commit, strings.ToLower(word)) && !slices.ContainsFunc(found, same) {
				found = append(found, p)
			}
		}
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return nil, decline("%s is the beginning of more than one commit that was well in %s: write more of it.", codeSpan(word), codeSpan(x.name))
		}
	}
	commit, err := x.names(ctx, a, word)
	switch {
	case err != nil:
		return nil, err
	case commit == "" && isID(word) && strings.ContainsAny(word, "0123456789"): // a slip in an id is no reason
		return nil, decline("There is no commit and no tag %s here. If it belongs to the reason, begin that with another word. %s", codeSpan(word), x.goodOnes())
	case commit == "":
		return nil, nil
	}
	for i := range x.book.Promotions {
		if p := &x.book.Promotions[i]; p.Commit == commit && !p.VerifiedAt.IsZero() {
			return p, nil
		}
	}
	return nil, decline("%s was never live and well in %s, and nothing else is gone back to. %s", codeSpan(word), codeSpan(x.name), x.goodOnes())
}

// isID says whether a word may be the beginning of a commit's id.
func isID(word string) bool {
	return len(word) >= 7 && len(word) <= 64 && strings.Trim(strings.ToLower(word), "0123456789abcdef") == ""
}

// names is the commit that a word names, as an id or as a tag; "": none. A branch is none: it moves.
func (x *site) names(ctx context.Context, a *asking, word string) (commit string, err error) {
	if !isRef(word) {
		return "", nil
	}
	if isID(word) {
		commit, _, err = x.promoter.Resolve(ctx, Repo{a.s.Forge, a.s.Repo, a.s.Installation}, word)
		switch _, refused := no(err); {
		case err == nil && strings.HasPrefix(commit, strings.ToLower(word)):
			return commit, nil
		case err != nil && !refused:
			return "", fmt.Errorf("find %s: %w", word, err)
		}
	}
	tags, ok := a.provider.(Releaser)
	if !ok {
		return "", nil
	}
	tag, err := tags.TagAt(ctx, a.s, word)
	if err != nil {
		return "", fmt.Errorf("find the tag %s: %w", word, err)
	}
	if tag == nil {
		return "", nil
	}
	return tag.Commit, nil
}

// lastGood is the newest promotion that was well here before what is live now went live. What was rolled back is not gone
// back to by itself.
func (x *site) lastGood(live *checks.Deployment) (*Promotion, error) {
	since := live.Live
	for _, p := range x.book.Promotions { // after a rollback, what counts is before the first time
		if p.Commit == live.Commit && !p.LiveAt.IsZero() && p.LiveAt.Before(since) {
			since = p.LiveAt
		}
	}
	var found *Promotion
	for i := range x.book.Promotions {
		p := &x.book.Promotions[i]
		if x.good(p, live.Commit, since) && (found == nil || p.VerifiedAt.After(found.VerifiedAt)) {
			found = p
		}
	}
	if found == nil {
		return nil, decline("Nothing that was well in %s before %s is known, so there is nothing to go back to. Deploy what mends it: `%s deploy %s REF`.",
			codeSpan(x.name), codeSpan(short(live.Commit)), prefix, x.name)
	}
	return found, nil
}

func (x *site) good(p *Promotion, not string, before time.Time) bool {
	if p.VerifiedAt.IsZero() || p.Commit == not || !p.VerifiedAt.Before(before) {
		return false
	}
	return !slices.ContainsFunc(x.book.Promotions, func(q Promotion) bool { return q.Commit == p.Commit && q.State == RolledBack })
}

// goodOnes lists what can be gone back to, the newest.
func (x *site) goodOnes() string {
	var ids []string
	for _, p := range x.book.Promotions {
		if !p.VerifiedAt.IsZero() && !slices.Contains(ids, short(p.Commit)) && len(ids) < 5 {
			ids = append(ids, short(p.Commit))
		}
	}
	if len(ids) == 0 {
		return "Nothing ever was, as far as Sluice knows."
	}
	return "These were: " + codeList(ids) + "."
}
