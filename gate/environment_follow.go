package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// move moves a promotion on, enters that in the audit log, and has it shown.
func (v *visit) move(p *Promotion, to State, why string, by Who) error {
	if err := p.to(to, why, v.now); err != nil {
		return err
	}
	v.touched[p.ID] = true
	if p.Comment != 0 { // its reply tells where the promotion stands
		v.out.later(answerAgain(checks.Subject{Forge: p.Forge, Repo: p.Repo, Change: p.On, Installation: p.Installation}, p.Comment))
	}
	v.out.Entries = append(v.out.Entries, movedEntry(p, by))
	v.tell(p)
	v.log.Info("promotion", "promotion", p.ID, "commit", p.Commit, "state", string(to), "why", Plain(why))
	return nil
}

// movedEntry is what the audit log says of a promotion that moved on.
func movedEntry(p *Promotion, by Who) Entry {
	e := Entry{Kind: EntryDeployment, Forge: p.Forge, Repo: p.Repo, Change: p.Change, Commit: p.Commit, Environment: p.Environment,
		Who: by, Outcome: string(p.State), Reason: p.Why, URL: p.URL, Decision: p.Decision, Promotion: p.ID}
	if p.State == Gated && p.Why == "" {
		e.Reason = "asked for: " + string(p.How) + because(p.Reason)
	}
	return e
}

// underWay is the promotion that is being deployed, or nil.
func (v *visit) underWay() *Promotion {
	i := slices.IndexFunc(v.book.Promotions, func(p Promotion) bool { return p.State == Deploying })
	if i < 0 {
		return nil
	}
	return &v.book.Promotions[i]
}

// follow moves what is under way or live by what the forge tells.
func (v *visit) follow(ctx context.Context) error {
	if p := v.underWay(); p != nil {
		if err := v.followOne(ctx, p); err != nil {
			return err
		}
	}
	live := v.liveNow()
	for i := range v.book.Promotions {
		p := &v.book.Promotions[i]
		if p.State != Live {
			continue
		}
		if live != nil && live.Commit != p.Commit && live.At.After(p.Created) {
			to, why := Superseded, fmt.Sprintf("%s went live here before this one was known to be well", short(live.Commit))
			if p.Red != "" {
				to, why = Failed, p.Red+", until "+short(live.Commit)+" went live"
			}
			if err := v.move(p, to, why, Who{}); err != nil {
				return err
			}
			continue
		}
		if err := v.prove(p); err != nil {
			return err
		}
	}
	return nil
}

// made says whether a deployment is the promotion's.
func (p *Promotion) made(id int64) bool { return p.Deployment == id || slices.Contains(p.Also, id) }

func (v *visit) liveNow() *checks.Deployment {
	return (&checks.Promotion{Deployments: v.standing.Deployments}).Live()
}

// listing is how long after a deployment was made the forge may leave it out of its list; later it was deleted.
const listing = 2 * time.Minute

// followOne follows the promotion that is under way.
func (v *visit) followOne(ctx context.Context, p *Promotion) error {
	if p.Deployment == 0 && p.Run == 0 {
		return v.recover(ctx, p)
	}
	if p.Run != 0 {
		v.adopt(p)
	}
	d := v.told(p)
	switch {
	case d == nil && p.Run != 0:
		return v.overdue(ctx, p)
	case d == nil:
		return v.missing(ctx, p)
	case !d.Live.IsZero():
		return v.lives(p, d)
	case d.State == "failure" || d.State == "error":
		return v.move(p, Failed, "the deployment ended as "+d.State, who(d.StateBy))
	case d.State == "inactive":
		return v.move(p, Failed, "the deployment was made inactive before it had succeeded", who(d.StateBy))
	}
	return nil
}

// told is the newest of the promotion's deployments that the forge told of; one that has succeeded goes before it.
func (v *visit) told(p *Promotion) (found *checks.Deployment) {
	for i, d := range v.standing.Deployments {
		if p.made(d.ID) && (found == nil || found.Live.IsZero() && !d.Live.IsZero()) {
			found = &v.standing.Deployments[i]
		}
	}
	return found
}

// adopt takes the deployments that the run's job made for its own: those of a workflow, of the very commit, since it asked,
// and of no other run. One that waits for its environment says nothing yet: the answer to the run may have been lost.
func (v *visit) adopt(p *Promotion) {
	for _, d := range v.standing.Deployments {
		taken := slices.ContainsFunc(v.book.Promotions, func(q Promotion) bool { return q.made(d.ID) })
		itself := d.ID == p.Run && d.Run == p.Run // a forge where what waits is the deployment: it may have waited long
		recent := (d.Run == 0 || d.Run == p.Run) && !d.At.Before(p.At.Add(-time.Hour))
		if !taken && d.Workflow && d.Ran() && d.Commit == p.Commit && (itself || recent) {
			p.Also = append(p.Also, d.ID)
			v.touched[p.ID] = true
			if p.Deployment == 0 {
				p.Deployment, p.Created = d.ID, d.At
			}
		}
	}
}

// lives says that the promotion is live, and what that makes of those before it.
func (v *visit) lives(p *Promotion, d *checks.Deployment) error {
	p.LiveAt = d.Live
	if err := v.move(p, Live, "", who(d.StateBy)); err != nil {
		return err
	}
	if p.How.Back() {
		for i := range v.book.Promotions {
			q := &v.book.Promotions[i]
			if q.Commit == p.Rolls && q.ID != p.ID && (q.State == Live || q.State == Verified) {
				if err := v.move(q, RolledBack, "rolled back to "+short(p.Commit)+because(p.Reason), who(p.By)); err != nil {
					return err
				}
			}
		}
	}
	v.followers("live")
	return nil
}

// recover finds out what became of a deployment that was reserved: it may have been made though nobody was told. One that
// is not there is made once more when no earlier call can be under way any more, judged again as ever.
func (v *visit) recover(ctx context.Context, p *Promotion) error {
	if err := v.find(ctx, p); err != nil {
		return err
	}
	if p.Deployment != 0 {
		if d := v.told(p); d != nil && !d.Live.IsZero() {
			return v.lives(p, d)
		}
		return nil
	}
	if v.now.Before(p.Reserved) {
		v.out.Next = sooner(v.out.Next, p.Reserved)
		return nil
	}
	return v.move(p, Gated, "no deployment was made; it is judged once more", Who{})
}

// find looks for the deployment of a promotion that was reserved, unless it is known.
func (v *visit) find(ctx context.Context, p *Promotion) error {
	if p.Deployment != 0 {
		return nil
	}
	found, err := v.provider.Deployed(ctx, p.Subject(), v.order(p))
	if err != nil {
		return fmt.Errorf("look for the deployment of promotion %s: %w", p.ID, err)
	}
	if len(found) > 0 {
		v.made(p, found[0].ID, found[0].At)
	}
	return nil
}

// made writes down the deployment that was made.
func (v *visit) made(p *Promotion, id int64, at time.Time) {
	p.Deployment, p.Created, p.Reserved = id, at, time.Time{}
	v.touched[p.ID] = true
	e := movedEntry(p, who(p.By))
	e.Outcome, e.Reason = "created", fmt.Sprintf("deployment %d at the forge", id)
	v.out.Entries = append(v.out.Entries, e)
	v.tell(p) // the visit that reserved it may have been broken off
}

// missing is about a deployment that is not among those told of: the list ends with what is live, and a new one may not be
// in it yet. One that the forge does not find by itself either, some time after it was made, was deleted.
func (v *visit) missing(ctx context.Context, p *Promotion) error {
	found, err := v.provider.Deployed(ctx, p.Subject(), v.order(p))
	if err != nil {
		return fmt.Errorf("look for the deployment of promotion %s: %w", p.ID, err)
	}
	v.out.Next = sooner(v.out.Next, v.now.Add(listing))
	if len(found) == 0 && v.now.Sub(p.Created) >= listing {
		return v.move(p, Failed, "its deployment was deleted at the forge", Who{})
	}
	return nil
}

// overdue is about a run that was let through and of whose deployment the forge tells nothing.
func (v *visit) overdue(ctx context.Context, p *Promotion) error {
	run, err := v.provider.Run(ctx, Repo{p.Forge, p.Repo, p.Installation}, p.Run)
	switch {
	case errors.Is(err, ErrGone):
		return v.move(p, Failed, "its workflow run was deleted", Who{})
	case err != nil:
		return fmt.Errorf("read run %d: %w", p.Run, err)
	case run.Over:
		return v.move(p, Failed, "its workflow run ended without a deployment here", Who{})
	case !p.Reserved.IsZero() && slices.ContainsFunc(run.Waits, v.is): // it was reserved, and the answer was lost
		if v.now.Before(p.Reserved) {
			v.out.Next = sooner(v.out.Next, p.Reserved)
			return nil
		}
		return v.move(p, Gated, "the run waits still; it is judged once more", Who{})
	}
	return nil
}

// guarded is one environment under all policies in force.
// environments are those that the policies guard, each once, in their order. The repository's own word on how it is
// deployed counts, or else the organisation's.
