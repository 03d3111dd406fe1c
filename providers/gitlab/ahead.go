package gitlab

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// What all changes of a project share is read with each sweep, so that an event finds it read, and its first answer does not
// wait for it: after a start above all, and in a project where nothing happened for a while. That is done where there is a policy
// and somebody worked within the last weeks, and it is little: a large list of files is left to a look, and so is one that was
// read and had to make room for others. A push to any branch has it read too where it is not known, since what was pushed becomes
// a change as a rule: of a project that no sweep has come to, that is the first thing to be heard.
// Nothing is decided by it, and what could not be read is read by the look that needs it.

const (
	asleep  = time.Hour           // how long a project is let alone that has no policy, or where nobody works; and between two pushes that have it read
	dormant = 30 * 24 * time.Hour // since when nobody works there

	mostSoon = 5 // for a review, of whom it is found out ahead whether they are people
)

// Unread says, of a project that was pushed to, whether what its changes share is to be read ahead: it is not known, and nobody was
// told so within the last hour. Another process may have read it, or nobody may ever open a merge request there.
func (c *Client) Unread(repo gate.Repo) bool {
	at, ok := c.memory.told.Get(lower(repo.Name))
	if c.knows(repo.Name) || ok && c.within(at, asleep) {
		return false
	}
	c.memory.told.Add(lower(repo.Name), c.opts.Now())
	return true
}

var _ gate.Forereader = (*Client)(nil)

// Ahead implements gate.Forereader, for a project where somebody has just pushed, whether it has a policy or not.
func (c *Client) Ahead(ctx context.Context, repo gate.Repo) error {
	a, err := c.reach(repo.Name)
	if err != nil {
		return err
	}
	c.aheadOfPush(ctx, a, repo.Name)
	return nil
}

func (c *Client) aheadOfPush(ctx context.Context, a *access, repo string) {
	defer c.alone(ctx, repo)()
	if !c.knows(repo) {
		c.ahead(gate.WithClass(ctx, gate.ForSweep), &reading{c: c, a: a, repo: repo, early: true, roused: true})
	}
}

// aheadOfAll reads ahead with a sweep.
func (c *Client) aheadOfAll(ctx context.Context, a *access, repo string) {
	if at, ok := c.memory.asleep.Get(lower(repo)); ok && c.within(at, asleep) {
		return
	}
	defer c.alone(ctx, repo)()
	c.ahead(ctx, &reading{c: c, a: a, repo: repo, early: true})
}

// ahead reads what the next look at any change of a project will want.
func (c *Client) ahead(ctx context.Context, r *reading) {
	repo := r.repo
	r.f = &checks.Facts{Subject: checks.Subject{Forge: "gitlab", Repo: repo, Kind: checks.KindChange}}
	err := r.ahead(ctx)
	if err != nil {
		c.opts.Log.Debug("read ahead of events", "subject", repo, "err", err)
		return
	}
	if len(r.f.Sources) == 0 { // or it was not asked for
		c.memory.asleep.Add(lower(repo), c.opts.Now())
	}
}

func (r *reading) ahead(ctx context.Context) (err error) {
	if r.p, err = r.c.projectWithin(ctx, r.repo, r.kept(placeKept)); err != nil || r.p.DefaultBranch == "" || !r.awake() {
		return err
	}
	r.describeProject()
	if _, err := r.atTip(ctx, r.p.DefaultBranch); err != nil {
		return err
	}
	if err := r.floor(ctx); err != nil || len(r.f.Sources) == 0 && !r.roused || r.tip == "" {
		return err
	}
	group, all := errgroup.WithContext(ctx)
	group.Go(func() error { _, err := r.a.myself(all); return err })
	group.Go(func() error { return r.tags(all) })
	group.Go(func() error { return r.outside(all) })
	if err := group.Wait(); err != nil {
		return err
	}
	if before, ok := r.c.memory.ahead.Get(r.key()); ok && (before == r.tip || !r.follows()) {
		return nil
	}
	r.c.memory.ahead.Add(r.key(), r.tip)
	r.likely()
	return r.rounds(ctx, checks.AskFor)
}

// awake says that somebody has done something in the project within the last weeks.
func (r *reading) awake() bool {
	return r.roused || r.p.LastActivityAt == nil || r.c.opts.Now().Sub(*r.p.LastActivityAt) < dormant
}

// follows says that the list of files of the tip can be worked out of one that is remembered.
func (r *reading) follows() bool {
	before, ok := r.c.memory.latest.Get(r.key())
	if ok {
		_, ok = r.c.memory.lists.Get(pair{r.key(), "", before})
	}
	return ok
}

// outside finds out whether the project has external status checks: where it has none, nobody need ask which of them are ours.
// Who may not see that asks with each change.
func (r *reading) outside(ctx context.Context) error {
	key := outsideKey(r.repo, "")
	if known, ok := r.c.talk.outside.Get(key); ok && r.c.within(known.at, r.kept(outsideKept)) {
		return nil
	}
	list, _, err := pages[outsider](ctx, r.a, at(r.repo, "external_status_checks"), nil, 1)
	if err != nil && !absent(err) {
		return err
	}
	r.c.talk.outside.Add(key, outsiders{at: r.c.opts.Now(), none: err == nil && len(list) == 0})
	return nil
}

// likely makes the facts those of a change upon the tip of the default branch, to some code and with an entry for it: what the
// checks want of that, they want of most.
func (r *reading) likely() {
	r.start, r.head = r.tip, r.tip
	files := []checks.File{{Path: "CHANGELOG.md", Status: "modified", Read: true}, {Path: "main.go", Status: "modified", Read: true}}
	r.diff = &difference{base: r.tip, start: r.tip, head: r.tip, files: files, full: true}
	here := checks.Ref{Repo: r.f.Repository.Name, Name: r.p.DefaultBranch, Commit: r.tip}
	r.f.Change = &checks.Change{State: "open", Base: here, Head: here, MergeBase: r.tip, ChangedFiles: len(files)}
	r.showFiles()
}

// soon reads, with a sweep's look at a change, what the next event of it would be the first to want after a start: the note with
// the details, and whether those who are asked for a review are people. The look itself does without.
func (r *reading) soon(ctx context.Context) error {
	key := r.f.Subject.Key()
	if _, done := r.c.memory.soon.Get(key); done || gate.ClassOf(ctx) != gate.ForSweep || r.f.Subject.Kind != checks.KindChange || r.f.Change.State != "open" {
		return nil
	}
	r.c.memory.soon.Add(key, true)
	for i := range r.mr.Reviewers[:min(len(r.mr.Reviewers), mostSoon)] {
		if _, err := r.surely(ctx, &r.mr.Reviewers[i]); err != nil {
			return err
		}
	}
	p := &posting{c: r.c, a: r.a, s: r.f.Subject, f: r.f}
	if _, known := r.c.talk.details.Get(key); known || r.c.opts.Beside != nil { // several processes read it each time
		return nil
	}
	d, err := p.readDetails(ctx)
	if err == nil && d.id != 0 {
		r.c.talk.details.Add(key, d)
	}
	return err
}
