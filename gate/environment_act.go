package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// reserveFor is how long a call that makes a deployment may be under way: whoever finds a reservation that is older makes
// no second one before looking for the first.
const reserveFor = 45 * time.Second

// promote deploys through an open gate: it reserves, judges again by what the forge tells at this very moment, calls, and
// writes down what came of it. Whatever breaks off in between is found by the next visit.
func (v *visit) promote(ctx context.Context, p *Promotion, d *Decision) error {
	if err := v.reserve(ctx, p, d); err != nil {
		return err
	}
	if err := v.reread(ctx, p); err != nil {
		return err
	}
	again, err := v.decide(ctx, p)
	if err != nil {
		return err
	}
	if p.State != Deploying { // somebody cancelled it just now
		return v.remember(p, again)
	}
	if !again.Open || v.set == nil {
		p.Reserved = time.Time{}
		if err := v.move(p, Gated, "shut when it was judged again", Who{}); err != nil {
			return err
		}
		v.out.later(environmentMark(v.s, v.s.Environment, "judged again"))
		return v.remember(p, again)
	}
	if again.Digest != d.Digest {
		if err := v.reserve(ctx, p, again); err != nil {
			return err
		}
	}
	p.Hotfix, _ = checks.IsHotfix(v.set, v.s.Environment, v.standing.Facts)
	if p.Run != 0 {
		return v.letRun(ctx, p, p.Run)
	}
	return v.deploy(ctx, p)
}

// reread reads the environment once more: what the forge tells now, and what people said in the meantime.
func (v *visit) reread(ctx context.Context, p *Promotion) error {
	now, err := v.r.Book.Environment(ctx, v.s.Forge, v.s.Repo, v.s.Environment)
	if err != nil {
		return fmt.Errorf("read what is remembered: %w", err)
	}
	v.book.Acts, v.book.Locks = now.Acts, now.Locks
	if err := v.read(ctx, p); err != nil {
		return err
	}
	for _, a := range now.Acts {
		if a.Promotion == p.ID && a.Kind == ActCancel && p.State == Deploying {
			return v.cancel(p, a)
		}
	}
	return nil
}

// reserve writes down that the promotion is under way, with the decision that lets it, before anything is asked of the forge.
// All that happened to it in this visit is entered with that: it stands in its order, and a crash does not lose it.
func (v *visit) reserve(ctx context.Context, p *Promotion, d *Decision) error {
	if p.State != Deploying {
		if err := v.move(p, Deploying, "", Who{}); err != nil {
			return err
		}
	}
	kept := Outcome{}
	v.decision = d
	if p.Digest == d.Digest {
		d.ID = p.Decision
	} else {
		p.Decision, p.Digest = d.ID, d.Digest
		if err := keep(&kept, v.standing.Facts, d); err != nil {
			return err
		}
		logDecision(v.r.Log, d)
		v.out.Entries = append(v.out.Entries, decided(d))
	}
	p.Reserved = v.r.Now().UTC().Add(v.making())
	v.mark(p)
	var k *Kept
	if kept.Decision != nil {
		k = &Kept{Decision: kept.Decision, Facts: kept.Facts, Sources: kept.Sources}
	}
	its := func(e Entry) bool { return e.Promotion == p.ID || e.Decision == d.ID }
	if err := v.r.Book.Reserve(ctx, v.w, *p, k, where(v.out.Entries, its)); err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	v.out.Entries = slices.DeleteFunc(v.out.Entries, its)
	return nil
}

// where are the entries that are so.
func where(list []Entry, so func(Entry) bool) (found []Entry) {
	for _, e := range list {
		if so(e) {
			found = append(found, e)
		}
	}
	return found
}

// deploy creates the deployment.
func (v *visit) deploy(ctx context.Context, p *Promotion) error {
	left, err := v.left(p)
	if err != nil {
		return fmt.Errorf("create the deployment: %w", err)
	}
	o := v.order(p)
	o.Contexts, o.Description, o.Within = contexts(v.set, v.s.Environment), checks.Clip(describe(p), 140), left
	id, err := v.provider.Deploy(ctx, p.Subject(), o)
	var refused *RefusalError
	switch {
	case errors.As(err, &refused) && refused.Cures:
		v.out.Next = sooner(v.out.Next, v.now.Add(5*time.Minute))
		return v.move(p, Gated, "the forge refused it: "+refused.Why, Who{})
	case errors.As(err, &refused):
		return v.move(p, Failed, "the forge refused the deployment: "+refused.Why, Who{})
	case err != nil:
		return fmt.Errorf("create the deployment: %w", err)
	}
	v.made(p, id, v.r.Now().UTC())
	return nil
}

// mark remembers, as a promotion is reserved first, which deployments there were already: they are none of its own, whatever
// becomes of the calls that make one.
func (v *visit) mark(p *Promotion) {
	if p.After != 0 {
		return
	}
	p.After = -1
	for _, d := range v.standing.Deployments {
		p.After = max(p.After, d.ID)
		if d.Commit == p.Commit && !d.Ran() {
			p.Idle = append(p.Idle, d.ID)
		}
	}
}

// order is what makes a promotion's deployment, and what it is known by.
func (v *visit) order(p *Promotion) Order {
	o := Order{Promotion: p.ID, Decision: p.Decision, Attempt: p.Attempt, Job: jobOfPolicy(v.set, v.s.Environment), After: p.After, Idle: p.Idle, Made: p.Deployment}
	for _, q := range v.book.Promotions {
		if q.ID == p.ID {
			continue
		}
		if q.Deployment != 0 {
			o.Others = append(o.Others, q.Deployment)
		}
		o.Others = append(o.Others, q.Also...)
	}
	return o
}

// jobOfPolicy is the job that the policies have played to deploy to an environment; the repository's word goes first.
func jobOfPolicy(set *policy.Set, environment string) string {
	if set == nil {
		return ""
	}
	for _, layer := range set.Layers {
		if e := checks.Environment(layer, environment); e != nil && e.GitLab.Job != "" {
			return e.GitLab.Job
		}
	}
	return ""
}

func (v *visit) making() time.Duration { return cmp.Or(v.r.Reserve, reserveFor) }

// left is how long a call that lets a promotion go on may last: it ends well before anybody takes the reservation for one that
// broke off. What is under way already, and only lets another run in, was read just now.
func (v *visit) left(p *Promotion) (time.Duration, error) {
	until := p.Reserved
	if until.IsZero() {
		until = v.now.Add(v.making())
	}
	left := until.Sub(v.r.Now()) - v.making()/3
	if left <= 0 { // whoever comes next reserves anew
		return 0, errors.New("the reservation has run out")
	}
	return left, nil
}

// describe says in a sentence what a deployment is.
func describe(p *Promotion) string {
	if p.How.Back() {
		return fmt.Sprintf("Rollback to %s%s", short(p.Commit), because(Plain(p.Reason)))
	}
	if p.Change != 0 {
		return fmt.Sprintf("#%d into %s, %s", p.Change, Plain(p.Environment), p.How)
	}
	return fmt.Sprintf("%s into %s, %s", short(p.Commit), Plain(p.Environment), p.How)
}

// letRun tells a workflow run that waits here to go on.
func (v *visit) letRun(ctx context.Context, p *Promotion, run int64) error {
	comment := fmt.Sprintf("Every check of %s holds for %s. %s", codeSpan(v.s.Environment), codeSpan(short(p.Commit)), v.link(p))
	left, err := v.left(p)
	if err != nil {
		return fmt.Errorf("approve run %d: %w", run, err)
	}
	call, stop := context.WithTimeout(ctx, left)
	defer stop()
	err = v.provider.Answer(call, p.Subject(), run, "approved", comment)
	var refused *RefusalError
	switch {
	case errors.Is(err, ErrGone): // it was answered before a crash, or it ended: what became of it is told by the next look
	case errors.As(err, &refused) && p.Run == run && !slices.Contains(p.Knocks, run):
		v.out.Next = sooner(v.out.Next, v.now.Add(time.Minute))
		return v.move(p, Gated, "the forge did not take the approval: "+refused.Why, Who{})
	case errors.As(err, &refused) && !refused.Cures:
		v.log.Warn("approve a run", "run", run, "err", err)
		return nil
	case err != nil:
		return fmt.Errorf("approve run %d: %w", run, err)
	}
	v.touched[p.ID] = true
	p.Run, p.Reserved = run, time.Time{}
	v.out.Next = sooner(v.out.Next, v.now.Add(time.Minute))
	return nil
}

// answerRuns tells the runs that wait here what became of their promotions: the rejected are rejected, the others learn
// why they wait, ten times at most.
func (v *visit) answerRuns(ctx context.Context) error {
	for i := range v.book.Promotions {
		p := &v.book.Promotions[i]
		if p.Run == 0 || !v.touched[p.ID] || v.r.DryRun {
			continue
		}
		if err := v.answerRun(ctx, p); err != nil && !errors.Is(err, ErrGone) {
			return err
		}
	}
	return nil
}

// mostReports is how often a run is told why it waits: GitHub takes ten.
const mostReports = 10

func (v *visit) answerRun(ctx context.Context, p *Promotion) error {
	state, text := "", v.reportText(p)
	switch {
	case slices.Contains(v.turned, p.ID):
		state = "rejected"
	case p.Deployment != 0:
		return nil // it was let through
	case p.State == Failed || p.State == Superseded && p.LiveAt.IsZero() || p.State == Cancelled:
		state = "rejected"
	case p.State != Gated:
		return nil
	}
	digest := textDigest(state + text)
	if p.Told == digest || state == "" && p.Reports >= mostReports {
		return nil
	}
	err := v.provider.Answer(ctx, p.Subject(), p.Run, state, text)
	if refused := (*RefusalError)(nil); errors.As(err, &refused) {
		v.log.Warn("answer a run", "run", p.Run, "err", err)
		err = nil
	}
	if err == nil || errors.Is(err, ErrGone) {
		p.Told = digest
		if state == "" {
			p.Reports++
		}
	}
	return err
}

// fallBack rolls back by itself what turned red within its soak, where the policy says so: to the newest commit that was
// well here before it. It says whether it does.
func (v *visit) fallBack(p *Promotion, why string) bool {
	if !automaticRollback(v.set, v.s.Environment) || p.How.Back() {
		return false
	}
	to := lastWell(v.book.Promotions, p.Commit)
	if to == nil {
		return false
	}
	v.out.Requests = append(v.out.Requests, Promotion{
		ID: v.r.NewID(), Forge: p.Forge, Repo: p.Repo, Installation: p.Installation, Environment: p.Environment, Commit: to.Commit,
		Request: "red/" + p.ID, How: checks.RollsBack, Reason: why, Change: to.Change, Rolls: p.Commit, At: v.now, State: Requested, Since: v.now,
	})
	v.out.Locks = append(v.out.Locks, UnaskedLock(p.Forge, p.Repo, p.Environment, "red/"+p.ID, checks.Person{Login: "sluice"}, why, "", v.now))
	v.out.later(environmentMark(v.s, v.s.Environment, "rolls back"))
	return true
}

// lastWell is the newest promotion that was well here and was not rolled back since, of another commit, or nil.
func lastWell(list []Promotion, not string) (found *Promotion) {
	for i := range list {
		p := &list[i]
		if p.Commit != not && p.State != RolledBack && !p.VerifiedAt.IsZero() && (found == nil || p.VerifiedAt.After(found.VerifiedAt)) {
			found = p
		}
	}
	return found
}

// UnaskedLock holds back, after a rollback, what nobody asks for by name, until somebody lifts it.
func UnaskedLock(forge, repo, environment, id string, by checks.Person, reason, url string, now time.Time) LockState {
	return LockState{ID: "rollback/" + environment + "/" + id, Forge: forge, Repo: repo,
		Lock: checks.Lock{Environment: environment, By: by, Reason: reason, At: now, URL: url, Unasked: true}}
}
