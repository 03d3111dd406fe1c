package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// strangers finds the deployments that came to the environment past the gate, and enters each once.
func (v *visit) strangers(ctx context.Context) error {
	if v.set == nil || v.spelt == "" {
		return nil // nobody guards it, or nobody can say
	}
	seen := v.seen()
	first := !seen.Looked
	for _, d := range slices.Backward(v.standing.Deployments) { // oldest first
		if slices.Contains(seen.Outside, d.ID) || v.ours(&d) || !d.Ran() {
			continue
		}
		seen.Outside = append([]int64{d.ID}, seen.Outside...)
		if first && !v.toldOf(d.ID) {
			seen.Older = max(seen.Older, d.ID)
			continue // from before anybody watched
		}
		x := v.outside(ctx, &d)
		v.strange = append(v.strange, x)
		v.tellStrange(x, d.ID)
		v.out.Entries = append(v.out.Entries, x.entry)
	}
	if len(seen.Outside) > 200 {
		seen.Outside = seen.Outside[:200]
	}
	seen.Looked = true
	return v.protection(ctx)
}

// protection finds out that a workflow no longer waits for Sluice at an environment where it did.
func (v *visit) protection(ctx context.Context) error {
	if !slices.ContainsFunc(v.w.Causes, func(c Mark) bool { return c.Why == sweeping || c.Why == "first look" }) {
		return nil
	}
	g, err := v.provider.Guarded(ctx, v.s)
	if err != nil {
		v.log.Warn("read how the environment is protected", "err", err) // looked at again with the next sweep
		return nil
	}
	seen := v.seen()
	if seen.Protected && !g.Ours {
		e := Entry{Kind: EntryOutside, Forge: v.s.Forge, Repo: v.s.Repo, Environment: v.spelt, Check: "deploy", Policy: v.set.Digest,
			Reason: fmt.Sprintf("The protection of %s was switched off: its workflows no longer wait for Sluice.", Plain(v.spelt))}
		v.out.Entries = append(v.out.Entries, e)
		v.log.Warn("protection switched off")
		v.notify(NoticeUnprotected, v.now.Format("2006-01-02T15:04:05Z"), Notification{At: v.now, Forge: v.s.Forge, Repo: v.s.Repo, Environment: v.spelt, Why: e.Reason})
	}
	seen.Protected, seen.Bypass = g.Ours, g.Ours && g.Bypass
	return nil
}

// ours says whether a deployment belongs to a promotion that was let through, and did not end before it went live.
func (v *visit) ours(d *checks.Deployment) bool {
	return slices.ContainsFunc(v.book.Promotions, func(p Promotion) bool {
		if !d.Live.IsZero() && p.LiveAt.IsZero() && (p.State == Cancelled || p.State == Failed) {
			return false
		}
		return p.made(d.ID) || d.Ours && d.Promotion == p.ID && (p.State == Deploying || p.Deployment != 0)
	})
}

func (v *visit) toldOf(id int64) bool {
	return slices.ContainsFunc(v.w.Causes, func(c Mark) bool { return c.Detail == fmt.Sprintf("deployment/%d", id) })
}

// stranger is a deployment past the gate: what the audit log says of it, what its check says, and what is told outside.
type stranger struct {
	entry Entry
	title string
	event NoticeEvent
}

// outside is what is said of a deployment past the gate.
func (v *visit) outside(ctx context.Context, d *checks.Deployment) stranger {
	e := Entry{Kind: EntryOutside, Forge: v.s.Forge, Repo: v.s.Repo, Environment: v.spelt, Commit: d.Commit, Who: who(d.Creator), Check: "deploy", URL: d.URL}
	e.Policy = v.set.Digest
	e.Reason = fmt.Sprintf("Deployment %d of %s to %s was not made through the gate.", d.ID, short(d.Commit), Plain(v.spelt))
	x := stranger{title: Plain(e.Who.Login) + " deployed this to " + Plain(v.spelt) + " past Sluice.", event: NoticeOutside}
	if p := v.bypassed(d); p != nil {
		e.Reason = fmt.Sprintf("Deployment %d of %s to %s went on while its promotion was %s: somebody let it through past the environment's protection.%s", d.ID, short(d.Commit), Plain(v.spelt), p.State, v.letBy(ctx, p))
		e.Change, e.Promotion, e.Decision = p.Change, p.ID, p.Decision
		x.title, x.event = "a job went on to "+Plain(v.spelt)+" past the environment's protection.", NoticeBypassed
	}
	if i := slices.IndexFunc(v.book.Promotions, func(p Promotion) bool { return p.made(d.ID) }); i >= 0 {
		p := &v.book.Promotions[i]
		ended := map[State]string{Failed: "had failed", Cancelled: "was cancelled"}[p.State]
		e.Reason = fmt.Sprintf("Deployment %d of %s to %s went live after its promotion %s.", d.ID, short(d.Commit), Plain(v.spelt), ended)
		e.Who, e.Change, e.Promotion, e.Decision = who(d.StateBy), p.Change, p.ID, p.Decision
		x.title = "this went live in " + Plain(v.spelt) + " after its promotion " + ended + "."
	}
	v.log.Warn("outside the gate", "deployment", d.ID, "commit", d.Commit, "who", Plain(e.Who.Login))
	x.entry = e
	return x
}

// letBy says whom the forge names as having approved the run of a promotion that went on past the gate. Whether one of them
// passed the protection by, or approved as a reviewer may, the forge does not tell: none of them is entered as who did it.
func (v *visit) letBy(ctx context.Context, p *Promotion) string {
	forge, ok := v.provider.(Witness)
	if !ok {
		return ""
	}
	people, err := forge.LetBy(ctx, p.Subject(), p.Run)
	if err != nil {
		v.log.Warn("read who approved a run", "run", p.Run, "err", err)
	}
	if len(people) == 0 {
		return ""
	}
	var names []string
	for _, by := range people {
		names = append(names, Plain(by.Login))
	}
	return " The forge names " + strings.Join(names, ", ") + " as having approved the run."
}

// bypassed is the promotion whose run went on without having been let through.
func (v *visit) bypassed(d *checks.Deployment) *Promotion {
	i := slices.IndexFunc(v.book.Promotions, func(p Promotion) bool {
		return d.Workflow && p.Run != 0 && p.Commit == d.Commit && p.Waiting() && (d.Run == 0 || d.Run == p.Run)
	})
	if i < 0 {
		return nil
	}
	return &v.book.Promotions[i]
}

// runsOver ends promotions whose runs wait no more though nobody let them through here: they went on past the environment's
// protection, or they ended.
func (v *visit) runsOver() error {
	for i := range v.book.Promotions {
		p := &v.book.Promotions[i]
		d := v.jobOf(p)
		if d == nil || !p.Waiting() {
			continue
		}
		why := ""
		switch {
		case d.Ran():
			why = "its run went on past the protection of " + Plain(p.Environment)
		case slices.Contains([]string{"failure", "error", "inactive"}, d.State):
			why = "its run ended while it waited"
		default:
			continue
		}
		if err := v.move(p, Cancelled, why, who(d.StateBy)); err != nil {
			return err
		}
	}
	return nil
}

// jobOf is the deployment of the run that waits for a promotion, or nil.
func (v *visit) jobOf(p *Promotion) *checks.Deployment {
	i := slices.IndexFunc(v.standing.Deployments, func(d checks.Deployment) bool {
		return p.Run != 0 && d.Workflow && d.Run == p.Run && d.Commit == p.Commit
	})
	if i < 0 {
		return nil
	}
	return &v.standing.Deployments[i]
}

// seen is what is remembered of the environment after this visit.
func (v *visit) seen() *EnvironmentSeen {
	if v.book.Seen == nil {
		v.book.Seen = &EnvironmentSeen{Forge: v.s.Forge, Repo: v.s.Repo, Name: v.s.Environment}
	}
	return v.book.Seen
}

// end puts together what the visit leaves behind.
func (v *visit) end() Outcome {
	if v.book.Seen == nil && v.set != nil && v.spelt == "" && len(v.book.Promotions) == 0 {
		return v.out // nobody guards it
	}
	seen := v.seen()
	seen.Installation, seen.Busy, seen.Rests = v.s.Installation, false, time.Time{}
	if v.spelt != "" {
		seen.Name = v.spelt
	}
	for _, p := range v.book.Promotions {
		if v.touched[p.ID] {
			v.out.Promotions = append(v.out.Promotions, p)
		}
		if p.Waiting() || p.State == Deploying || p.State == Live {
			seen.Busy = true
		}
	}
	if v.standing != nil {
		seen.At = v.now
		v.sight()
	}
	seen.Rests = v.rests()
	v.out.Seen = append(v.out.Seen, *seen)
	return v.out
}

// rests is until when nothing has to be read here unless something happens: all that is left is to wait for an instant.
func (v *visit) rests() (until time.Time) {
	for _, p := range v.book.Promotions {
		switch {
		case p.State == Deploying, p.State == Live, p.State == Requested, p.State == Gated && p.Waits.IsZero():
			return time.Time{}
		case p.State == Gated:
			until = sooner(until, p.Waits)
		}
	}
	return until
}

// automaticRollback says whether a policy has what turns red within its soak rolled back.
func automaticRollback(set *policy.Set, environment string) bool {
	return set != nil && slices.ContainsFunc(set.Layers, func(p *policy.Policy) bool {
		e := checks.Environment(p, environment)
		return e != nil && e.Rollback == "automatic"
	})
}
