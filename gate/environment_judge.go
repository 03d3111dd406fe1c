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

// patience is how long a workflow run is kept waiting: GitHub fails it after 30 days, without a word.
const patience = 29 * 24 * time.Hour

// rejected begins why a promotion failed that was never deployed.
const rejected = "rejected: "

// judge decides about the promotion that waits, and does what follows from it.
func (v *visit) judge(ctx context.Context, p *Promotion) error {
	d, err := v.decide(ctx, p)
	if err != nil {
		return err
	}
	switch {
	case d.Open && v.set != nil && v.r.DryRun:
		v.out.Note = "dry run: nothing is deployed"
	case d.Open && v.set != nil:
		return v.promote(ctx, p, d)
	}
	if err := v.remember(p, d); err != nil {
		return err
	}
	why, never := v.incurable(d)
	switch {
	case v.set != nil && v.spelt == "" && p.Run == 0: // a run waits: the policy may come to name the environment
		why, never = fmt.Sprintf("no policy guards an environment named %s", v.s.Environment), true
	case p.Run != 0 && !v.now.Before(p.At.Add(patience)):
		why, never = "the run waited for 29 days, and the forge ends it at 30", true
	}
	if never {
		return v.move(p, Failed, rejected+why, Who{})
	}
	v.waits(p, d)
	if v.set != nil {
		v.tellApprovers(p, d)
	}
	return nil
}

// decide judges a promotion by what was just read and what is remembered.
func (v *visit) decide(ctx context.Context, p *Promotion) (*Decision, error) {
	f := v.standing.Facts
	if f == nil || f.Promotion == nil {
		return nil, fmt.Errorf("the forge told no facts of promotion %s", p.ID)
	}
	if err := v.fill(ctx, p, f); err != nil {
		return nil, err
	}
	v.brings(p, f)
	acts, err := v.acts(ctx, p)
	if err != nil {
		return nil, err
	}
	d := v.r.decide(ctx, f, acts)
	return d, acts.heardOut(d, v.w.Attempt)
}

// incurable says why neither time nor people can open the gate of this promotion, if so. A policy that is broken can be
// mended.
func (v *visit) incurable(d *Decision) (why string, never bool) {
	if v.set == nil {
		return "", false
	}
	for _, x := range d.Verdicts {
		if x.Blocks() && x.Outcome == checks.Fail {
			return x.Check + ": " + x.Reason, true
		}
	}
	return "", false
}

// restsOnStatuses are the lines that a status posted from outside may cure.
var restsOnStatuses = []string{"statuses", "verify"}

// waits says when the promotion is to be looked at again by itself.
func (v *visit) waits(p *Promotion, d *Decision) {
	again, resting := d.Acts.next(), v.set != nil && v.spelt != "" && !v.frozen()
	for _, x := range d.Verdicts {
		if !x.Blocks() {
			continue
		}
		if v.spelt != "" && (x.Outcome == checks.Unknown || v.standing.Unsaid && slices.Contains(restsOnStatuses, x.Check)) {
			again = sooner(again, v.now.Add(patient(v.now.Sub(p.Since))))
		}
		if x.Until.IsZero() {
			resting = false
		}
		again = sooner(again, x.Until)
	}
	if v.set == nil {
		again = sooner(again, v.now.Add(patient(v.now.Sub(p.Since))))
	}
	if p.Run != 0 {
		again = sooner(again, p.At.Add(patience))
	}
	v.out.Next = sooner(v.out.Next, again)
	if p.Waits = (time.Time{}); resting {
		p.Waits = again
	}
	v.touched[p.ID] = true
}

// frozen says whether a freeze of the forge's own holds, which somebody may lift there without a word to us.
func (v *visit) frozen() bool {
	return slices.ContainsFunc(v.standing.Frozen, func(z checks.Frozen) bool { return !z.From.After(v.now) && z.To.After(v.now) })
}

// patient is how long what could not be told is left before it is looked at again by itself: ever longer, since some of it stays
// unknown, such as who wrote a commit that no change brought.
func patient(waited time.Duration) time.Duration { return min(max(waited/10, time.Minute), time.Hour) }

// remember keeps the decision, unless it says what the one before it said.
func (v *visit) remember(p *Promotion, d *Decision) error {
	v.touched[p.ID] = true
	v.decision = d
	if p.Digest == d.Digest {
		d.ID = p.Decision
		return nil
	}
	p.Decision, p.Digest = d.ID, d.Digest
	if err := keep(&v.out, v.standing.Facts, d); err != nil {
		return err
	}
	logDecision(v.r.Log, d)
	v.out.Entries = append(v.out.Entries, decided(d))
	return nil
}

// contexts are the statuses that the policies ask for.
func contexts(set *policy.Set, environment string) (names []string) {
	for _, layer := range set.Layers {
		if e := checks.Environment(layer, environment); e != nil {
			for _, n := range e.Statuses {
				if !slices.Contains(names, n) {
					names = append(names, n)
				}
			}
		}
	}
	return names
}

func sameName(a, b string) bool { return strings.EqualFold(a, b) }
