package gate

import (
	"context"

	"github.com/sluicegate/sluice/checks"
)

// asked is the name under which it is remembered whose review was requested, and askedAt stands for the commit: a
// request is for the change, whatever its head.
const (
	asked   = "review-request:"
	askedAt = "change"
)

// ask requests the reviews that rules wait for, of each person and team once in the life of a change: whoever takes a
// request back is not asked again. It is a courtesy, so a refusal is logged and holds nothing up.
func (r *Reconciler) ask(ctx context.Context, provider Provider, f *checks.Facts, out *Outcome) {
	asker, ok := provider.(Asker)
	set, err := r.policies.load(f.Sources)
	if !ok || err != nil {
		return
	}
	users, teams := checks.ReviewersToAsk(set, f)
	if len(users)+len(teams) == 0 {
		return
	}
	log := r.Log.With("subject", f.Subject.Key())
	before, err := r.Memory.Posted(ctx, f.Subject, askedAt)
	if err != nil {
		log.Warn("read whose review was requested", "err", err)
		return
	}
	fresh := func(names []string) (list []string) {
		for _, n := range names {
			if find(before, Post{Name: asked + n, Commit: askedAt}) == nil {
				list = append(list, n)
				out.Posted = append(out.Posted, Posted{Name: asked + n, Commit: askedAt})
			}
		}
		return list
	}
	if users, teams = fresh(users), fresh(teams); len(users)+len(teams) == 0 {
		return
	}
	if err := asker.RequestReviewers(ctx, f.Subject, users, teams); err != nil {
		log.Warn("request reviews", "users", users, "teams", teams, "err", err)
	}
}
