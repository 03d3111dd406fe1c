package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// arrivals writes down the workflow runs that were told to wait here. They are judged with the next look, which follows at
// once: until then they are not in the book.
func (v *visit) arrivals(ctx context.Context) error {
	var seen []int64
	for _, c := range v.w.Causes {
		id, is := strings.CutPrefix(c.Detail, "run/")
		n, err := strconv.ParseInt(id, 10, 64)
		if !is || err != nil || slices.Contains(seen, n) {
			continue
		}
		seen = append(seen, n)
		if err := v.arrives(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (v *visit) arrives(ctx context.Context, id int64) error {
	run, err := v.provider.Run(ctx, Repo{v.s.Forge, v.s.Repo, v.s.Installation}, id)
	if errors.Is(err, ErrGone) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read run %d: %w", id, err)
	}
	i := slices.IndexFunc(run.Waits, v.is)
	if i < 0 {
		return nil
	}
	request := fmt.Sprintf("run/%d/%d", id, run.Attempt)
	if asked, again, err := v.askedBefore(ctx, run, request); asked || err != nil {
		return err
	} else if again > 0 {
		request += fmt.Sprintf("/%d", again)
	}
	v.out.Requests = append(v.out.Requests, Promotion{
		ID: v.r.NewID(), Forge: v.s.Forge, Repo: v.s.Repo, Installation: v.s.Installation, Environment: run.Waits[i], Commit: run.Commit,
		Request: request, How: checks.Workflow, By: run.Actor, URL: run.URL, Run: id, Event: run.Event, At: v.now, State: Requested, Since: v.now,
	})
	v.out.later(environmentMark(v.s, v.s.Environment, "a run waits"))
	return nil
}

// obey does what was said about promotions that wait or are under way.
func (v *visit) obey() error {
	for _, a := range v.book.Acts {
		i := slices.IndexFunc(v.book.Promotions, func(p Promotion) bool { return p.ID == a.Promotion })
		if i < 0 || a.Kind != ActCancel {
			continue
		}
		p := &v.book.Promotions[i]
		if !p.Waiting() && (p.State != Deploying || p.Deployment == 0) { // of one that is reserved it is not known yet what was made
			continue
		}
		if err := v.cancel(p, a); err != nil {
			return err
		}
	}
	return nil
}

// cancel ends a promotion for somebody. Its pipeline may go on nevertheless: the forge is told that it should not.
func (v *visit) cancel(p *Promotion, a PromotionAct) error {
	if p.Deployment != 0 {
		v.ending = append(v.ending, p.Deployment)
	}
	p.Reserved = time.Time{}
	return v.move(p, Cancelled, "cancelled by "+a.Saying.By.Login+because(a.Saying.Reason), who(a.Saying.By))
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// admit takes the newest promotion that waits, and has it supersede the others. A rollback goes before what came by
// itself after it. What was asked for before the newest that was deployed here is superseded too: merges and proofs may be
// told in any order.
func (v *visit) admit() (*Promotion, error) {
	first := v.foremost()
	for i := range v.book.Promotions {
		p := &v.book.Promotions[i]
		if !p.Waiting() || p == first && v.overtook(p) == nil || first != nil && first.How.Back() && p.unasked() && p.At.After(first.At) {
			continue
		}
		newer := v.overtook(p)
		if newer == nil {
			newer = first
		}
		if err := v.move(p, Superseded, fmt.Sprintf("a newer one, of %s, was asked for", short(newer.Commit)), Who{}); err != nil {
			return nil, err
		}
	}
	switch {
	case first == nil || !first.Waiting():
		return nil, nil
	case first.State == Gated:
		return first, nil
	}
	return first, v.move(first, Gated, "", who(first.By))
}

// foremost is the newest promotion that waits, or the rollback that waits behind what came by itself.
func (v *visit) foremost() (first *Promotion) {
	for i := range v.book.Promotions { // newest first
		p := &v.book.Promotions[i]
		if p.Waiting() && (first == nil || first.unasked() && p.How.Back()) {
			first = p
		}
	}
	return first
}

// unasked says whether nobody asked for it by name.
func (p *Promotion) unasked() bool { return p.How == checks.OnMerge || p.How == checks.Automatic }

// overtook is the promotion that was deployed here and asked for after p, or nil.
func (v *visit) overtook(p *Promotion) *Promotion {
	for i := range v.book.Promotions {
		if q := &v.book.Promotions[i]; q.Deployment != 0 && !q.How.Back() && q.At.After(p.At) && q.Commit != p.Commit {
			return q
		}
	}
	return nil
}
