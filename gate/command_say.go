package gate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// say does `approve` and `reject`: it writes down what somebody said about the promotion that waited when he said it.
func (r *Reconciler) say(ctx context.Context, a *asking, x *site, out *Outcome) (Result, error) {
	p, err := x.meant(a)
	if err != nil {
		return Result{}, err
	}
	a.concerns = p
	if !p.Waiting() {
		return Result{}, decline("%s is %s by now, so there is nothing to %s.", x.what(p), p.State, a.command.Word)
	}
	if err := x.mayApprove(ctx, a, p); err != nil {
		return Result{}, err
	}
	act := PromotionAct{Promotion: p.ID, Key: a.request(), Kind: ActApprove,
		Saying: checks.Saying{By: a.by(), At: a.received, Reason: Plain(a.command.Reason), URL: a.comment.URL}}
	done1 := "approved"
	if a.command.Word == "reject" {
		act.Kind, act.Saying.Reject, done1 = ActReject, true, "rejected"
	}
	out.Acts = append(out.Acts, act)
	x.look(a, out, x.name)
	return a.result(done, "%s is %s by %s.%s", x.what(p), done1, escape(a.by().Login), x.separated(a, p)), nil
}

// cancel ends the promotion that waited, or was under way, when it was said.
func (r *Reconciler) cancel(ctx context.Context, a *asking, x *site, out *Outcome) (Result, error) {
	p, err := x.meant(a)
	if err != nil {
		return Result{}, err
	}
	a.concerns = p
	if !p.Waiting() && p.State != Deploying {
		return Result{}, decline("%s is %s by now, so there is nothing to cancel.", x.what(p), p.State)
	}
	if err := x.mayDeploy(ctx, a, x.name); err != nil {
		return Result{}, err
	}
	out.Acts = append(out.Acts, PromotionAct{Promotion: p.ID, Key: a.request(), Kind: ActCancel,
		Saying: checks.Saying{By: a.by(), At: a.received, URL: a.comment.URL}})
	x.look(a, out, x.name)
	if p.State == Deploying {
		return a.result(done, "%s is cancelled. It was under way: Sluice follows it no more, and the pipeline that deploys it has to be stopped by whoever runs it.", x.what(p)), nil
	}
	return a.result(done, "%s is cancelled.", x.what(p)), nil
}

// what names a promotion.
func (x *site) what(p *Promotion) string {
	text := fmt.Sprintf("%s into %s", codeSpan(short(p.Commit)), codeSpan(x.name))
	if p.Change != 0 {
		text += fmt.Sprintf(" (from #%d)", p.Change)
	}
	return text
}

// meant is the promotion that a command is about: the one that waited when it was received, or else was under way. What
// was asked for since is another one, which whoever wrote the command has not seen; and on a change whose own promotion is
// known, what came from another change is not what its reader has before him.
func (x *site) meant(a *asking) (*Promotion, error) {
	then, now := x.waitedAt(a.received), (&visit{book: x.book}).foremost()
	switch {
	case then == nil && now == nil:
		return nil, decline("Nothing waits for %s.", codeSpan(x.name))
	case then == nil:
		return nil, decline("%s was asked for only after this was written. Look at it, and write the command again.", x.what(now))
	case now != nil && now.ID != then.ID && then.State != Deploying || then.State == Superseded:
		a.concerns = then
		text := fmt.Sprintf("It was about %s, which a newer promotion superseded meanwhile", x.what(then))
		if now != nil && now.ID != then.ID {
			text += ": " + x.what(now)
		}
		return nil, decline("%s. Look at that one, and write the command again if it still holds.", text)
	case a.s.Change != 0 && then.Change != 0 && then.Change != a.s.Change && x.cameFrom(a.s.Change):
		a.concerns = then
		return nil, decline("What waits is %s, and not what came from this change. Write it on #%d if that is meant.", x.what(then), then.Change)
	}
	return then, nil
}

// waitedAt is the promotion that waited at a time, or else was under way; nil: none.
func (x *site) waitedAt(at time.Time) (found *Promotion) {
	under := func(p *Promotion) bool { return p.State == Deploying }
	for i := range x.book.Promotions { // newest first
		p := &x.book.Promotions[i]
		if p.At.After(at) || p.Known.After(at) || !p.Waiting() && !under(p) && !p.Since.After(at) {
			continue
		}
		if found == nil || under(found) && p.Waiting() || found.unasked() && p.How.Back() && p.Waiting() && found.Waiting() {
			found = p
		}
	}
	return found
}

// cameFrom says whether a promotion of what a change brought is known here.
func (x *site) cameFrom(change int) bool {
	return slices.ContainsFunc(x.book.Promotions, func(p Promotion) bool { return p.Change == change })
}
