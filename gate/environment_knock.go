package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A run may come to wait for a promotion that is under way already: our own deployment set it off, or another job of the run
// that was let through needs the environment too. It knocks, and is let through when the promotion is judged once more, at
// that moment, and still open.

// askedBefore says whether a promotion takes care of the run that waits; or else how many of its attempt were over before it
// waited again.
func (v *visit) askedBefore(ctx context.Context, run *Run, request string) (asked bool, again int, err error) {
	if run.Event == "deployment" {
		if p := v.underWay(); p != nil && p.Run == 0 && p.Commit == run.Commit && (len(p.Knocks) == 0 || slices.Contains(p.Knocks, run.ID)) {
			if err := v.find(ctx, p); err != nil {
				return false, 0, err
			}
			if p.Deployment != 0 { // our own deployment set it off; what is reserved alone may yet be shut
				v.knock(p, run.ID)
				return true, 0, v.joins(run, request)
			}
		}
	}
	var newest *Promotion
	for i := range v.book.Promotions { // newest first
		if p := &v.book.Promotions[i]; p.Request == request || strings.HasPrefix(p.Request, request+"/") {
			again++
			if newest == nil {
				newest = p
			}
		}
	}
	switch {
	case newest == nil:
		return false, 0, nil
	case newest.Run == 0: // the run went along with another promotion then
		return false, again, nil
	case newest.State == Deploying && newest.Reserved.IsZero(): // a job of it was let through, and now another one waits
		v.knock(newest, run.ID)
	case newest.State == Live, newest.State == Verified, newest.State == Superseded && !newest.LiveAt.IsZero():
		return false, again, nil
	case newest.State != Deploying && !newest.Waiting(): // what ended badly lets nobody through any more
		v.turned = append(v.turned, newest.ID)
		newest.Told, v.touched[newest.ID] = "", true
	}
	return true, 0, nil
}

// joins lets go of a run what was asked for it before it was known that our own deployment set it off: it would wait for the
// very promotion that waits for the run.
func (v *visit) joins(run *Run, request string) error {
	for i := range v.book.Promotions {
		p := &v.book.Promotions[i]
		if p.Run != run.ID || !p.Waiting() || p.Request != request && !strings.HasPrefix(p.Request, request+"/") {
			continue
		}
		p.Run, p.Reserved = 0, time.Time{}
		if err := v.move(p, Cancelled, "its run goes on with the deployment that set it off", Who{}); err != nil {
			return err
		}
	}
	return nil
}

func (v *visit) knock(p *Promotion, run int64) {
	if !slices.Contains(p.Knocks, run) {
		p.Knocks, v.touched[p.ID] = append(p.Knocks, run), true
	}
}

// admitRuns lets the runs through that knock, if the promotion is still open.
func (v *visit) admitRuns(ctx context.Context, p *Promotion) error {
	d, err := v.decide(ctx, p)
	if err != nil {
		return err
	}
	if !d.Open || v.set == nil || v.r.DryRun {
		return v.holdRuns(ctx, p, d)
	}
	if err := v.remember(p, d); err != nil {
		return err
	}
	for _, run := range p.Knocks {
		if err := v.letRun(ctx, p, run); err != nil {
			return err
		}
	}
	p.Knocks, v.touched[p.ID] = nil, true
	v.out.later(environmentMark(v.s, v.s.Environment, "a run goes on")) // what waits behind it was not judged
	return nil
}

// holdRuns tells the runs that knock why they wait, and has the promotion judged again soon.
func (v *visit) holdRuns(ctx context.Context, p *Promotion, d *Decision) error {
	v.out.Next = sooner(v.out.Next, v.now.Add(time.Minute))
	text := shortened(escape(d.Gate.Reason)+"\n\n"+v.link(p), 1000)
	digest := textDigest(text)
	if v.r.DryRun || p.Told == digest || p.Reports >= mostReports {
		return nil
	}
	for _, run := range p.Knocks {
		err := v.provider.Answer(ctx, p.Subject(), run, "", text)
		if refused := (*RefusalError)(nil); err != nil && !errors.Is(err, ErrGone) && !errors.As(err, &refused) {
			return fmt.Errorf("tell run %d why it waits: %w", run, err)
		}
	}
	p.Told, p.Reports, v.touched[p.ID] = digest, p.Reports+1, true
	return nil
}

// knockAnew has the runs looked at anew that knocked at a promotion which is over. One that ended badly ends for them too: whoever
// cancelled it meant all of it.
func (v *visit) knockAnew(ctx context.Context) error {
	for i := range v.book.Promotions {
		p := &v.book.Promotions[i]
		if p.State == Deploying || len(p.Knocks) == 0 {
			continue
		}
		for _, run := range p.Knocks {
			if err := v.turnAway(ctx, p, run); err != nil {
				return err
			}
		}
		p.Knocks, v.touched[p.ID] = nil, true
	}
	return nil
}

func (v *visit) turnAway(ctx context.Context, p *Promotion, run int64) error {
	if !slices.Contains([]State{Failed, Cancelled, RolledBack}, p.State) || v.r.DryRun {
		m := environmentMark(v.s, v.s.Environment, "a run waits")
		m.Detail = fmt.Sprintf("run/%d", run)
		v.out.later(m)
		return nil
	}
	err := v.provider.Answer(ctx, p.Subject(), run, "rejected", v.reportText(p))
	if refused := (*RefusalError)(nil); err == nil || errors.Is(err, ErrGone) || errors.As(err, &refused) && !refused.Cures {
		return nil
	}
	return fmt.Errorf("reject run %d: %w", run, err)
}

// waiting has those runs looked at that the forge shows to wait here and that nobody told of. One that this very visit was
// for is left: it waits for somebody else.
func (v *visit) waiting() {
	for _, run := range v.standing.Waiting {
		detail := fmt.Sprintf("run/%d", run)
		known := slices.ContainsFunc(v.book.Promotions, func(p Promotion) bool { return p.Run == run || slices.Contains(p.Knocks, run) })
		if known || slices.ContainsFunc(v.w.Causes, func(c Mark) bool { return c.Detail == detail }) {
			continue
		}
		m := environmentMark(v.s, v.s.Environment, "a run waits")
		m.Detail = detail
		v.out.later(m)
	}
}
