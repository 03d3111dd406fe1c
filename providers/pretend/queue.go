package pretend

import (
	"fmt"
	"slices"
)

// queued is one pull request in a branch's merge queue, with the commit that the queue made of it.
type queued struct {
	id   int64
	pull *Pull
	by   *User
	base *commit // what it sits on: the entry before, or the tip of the branch
	head *commit
	ref  string
	at   string
}

// Waiting is an entry that a merge queue had or has.
type Waiting struct {
	Change     int
	Base, Head string
	Ref        string
	Round      int  // how often the queue had built the change by then
	Waits      bool // it still does
}

// Enqueue puts a pull request into the merge queue of its target branch. One whose required checks are missing is let
// in for an administrator alone.
func (f *Forge) Enqueue(repo string, n int, by string) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error { return f.enqueue(p, who) })
}

func (f *Forge) enqueue(p *Pull, who *User) error {
	n := p.Number
	if f.lab != nil {
		if err := f.lab.boards(p); err != nil {
			return err
		}
	}
	if why := f.blocked(p); p.queue() != nil || p.Closed || p.Draft || why != "" && rank(p.Repo.role(who)) < rank("admin") {
		return fmt.Errorf("enqueue #%d: %s: %w", n, or(why, "it is closed, a draft or queued"), ErrRefused)
	}
	r := p.Repo
	e := &queued{id: f.id(), pull: p, by: who, at: stamp(f.at()).(string)}
	if !f.build(e, r.lastOf(p.baseRef)) {
		return fmt.Errorf("enqueue #%d: it conflicts: %w", n, ErrRefused)
	}
	r.queues[p.baseRef] = append(r.queues[p.baseRef], e)
	f.emitPull(p, "enqueued", who, nil)
	f.asked(e)
	return nil
}

// Dequeue takes a pull request out of its merge queue.
func (f *Forge) Dequeue(repo string, n int, by string) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error {
		if p.queue() == nil {
			return fmt.Errorf("dequeue #%d: %w", n, ErrUnknown)
		}
		f.dequeue(p, who, "MANUAL")
		return nil
	})
}

// Queued lists all that the merge queues of a repository ever built, in the order built.
func (f *Forge) Queued(repo string) (list []Waiting) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return nil
	}
	rounds := map[int]int{}
	for _, e := range r.built {
		n := e.pull.Number
		rounds[n]++
		now := e.pull.queue()
		list = append(list, Waiting{n, e.base.id, e.head.id, e.ref, rounds[n], now != nil && now.head == e.head})
	}
	return list
}

// queue is the entry of a pull request, or nil.
func (p *Pull) queue() *queued {
	for _, e := range p.Repo.queues[p.baseRef] {
		if e.pull == p {
			return e
		}
	}
	return nil
}

func (r *Repo) lastOf(branch string) *commit {
	if q := r.queues[branch]; len(q) > 0 {
		return q[len(q)-1].head
	}
	return r.branches[branch]
}

// build makes the queue's commit of an entry upon base, and a branch for it.
func (f *Forge) build(e *queued, base *commit) bool {
	p := e.pull
	r := p.Repo
	t, ok := r.objects.merge(base, p.head)
	if !ok {
		return false
	}
	web := f.signature(f.users["web-flow"])
	message := fmt.Sprintf("Merge pull request #%d from %s\n\n%s", p.Number, p.headRef, p.Title)
	e.base, e.head = base, r.objects.commit(t, []*commit{base, p.head}, message, f.signature(e.by), web)
	e.ref = fmt.Sprintf("gh-readonly-queue/%s/pr-%d-%s", p.baseRef, p.Number, base.id)
	return true
}

// asked tells that checks are wanted on an entry's commit.
func (f *Forge) asked(e *queued) {
	if f.lab != nil {
		f.lab.boarded(e)
		return
	}
	r := e.pull.Repo
	r.branches[e.ref] = e.head
	r.built = append(r.built, e)
	f.moved(r, "refs/heads/"+e.ref, (*commit)(nil), e.head, f.queuer())
	f.emitGroup(e, "checks_requested", "")
}

// queuer is the account in whose name the forge works its queues.
func (f *Forge) queuer() *User { return f.user("github-merge-queue[bot]", "Bot") }

func (f *Forge) emitGroup(e *queued, action, reason string) {
	r := e.pull.Repo
	if f.installation(r) == nil {
		return
	}
	body := obj{"merge_group": obj{"head_sha": e.head.id, "head_ref": "refs/heads/" + e.ref, "base_sha": e.base.id,
		"base_ref": "refs/heads/" + e.pull.baseRef, "head_commit": f.hookCommit(e.head)}}
	if reason != "" {
		body["reason"] = reason
	}
	f.emit("merge_group", action, r, nil, f.queuer(), body)
}

// dropped takes an entry's branch away and tells why.
func (f *Forge) dropped(e *queued, reason string) {
	if f.lab != nil {
		if reason != "merged" {
			f.lab.alighted(e)
		}
		return
	}
	r := e.pull.Repo
	delete(r.branches, e.ref)
	f.emitGroup(e, "destroyed", reason)
}

// dequeue takes a pull request out, if it is in a queue, and builds those behind it anew.
func (f *Forge) dequeue(p *Pull, by *User, why string) {
	e := p.queue()
	if e == nil {
		return
	}
	r, branch := p.Repo, p.baseRef
	i := slices.Index(r.queues[branch], e)
	behind := r.queues[branch][i+1:]
	r.queues[branch] = slices.Clone(r.queues[branch][:i])
	f.dropped(e, "dequeued")
	f.emitPull(p, "dequeued", by, obj{"reason": why})
	f.rebuild(r, branch, behind)
}

// rebuild makes anew what sat on something that is gone. What conflicts now leaves the queue.
func (f *Forge) rebuild(r *Repo, branch string, entries []*queued) {
	for _, e := range entries {
		f.dropped(e, "invalidated")
	}
	for _, e := range entries {
		next := *e
		if !f.build(&next, r.lastOf(branch)) {
			f.emitPull(e.pull, "dequeued", f.queuer(), obj{"reason": "MERGE_CONFLICT"})
			continue
		}
		r.queues[branch] = append(r.queues[branch], &next)
		f.asked(&next)
	}
}

// outrun builds the queue of a branch anew when somebody pushed past it.
func (f *Forge) outrun(r *Repo, branch string) {
	if q := r.queues[branch]; len(q) > 0 && q[0].base != r.branches[branch] {
		r.queues[branch] = nil
		f.rebuild(r, branch, q)
	}
}

// advance merges what stands first in a queue and is green, and takes out what is red there.
func (f *Forge) advance(r *Repo) {
	for branch := range r.queues {
		for len(r.queues[branch]) > 0 {
			e := r.queues[branch][0]
			good, bad := f.verdictOf(e)
			if bad {
				f.dequeue(e.pull, f.queuer(), "CI_FAILURE")
			} else if good {
				f.arrive(e)
			} else {
				break
			}
		}
	}
}

func (f *Forge) verdictOf(e *queued) (good, bad bool) {
	if f.lab != nil {
		return f.lab.trainVerdict(e)
	}
	good = true
	for _, want := range e.pull.Repo.required[e.pull.baseRef] {
		switch e.pull.Repo.stateOf(e.head, want) {
		case "success", "skipped", "neutral":
		case "failure", "cancelled", "timed_out", "action_required", "error":
			bad = true
		default:
			good = false
		}
	}
	return good && !bad, bad
}

// arrive merges the first entry.
func (f *Forge) arrive(e *queued) {
	p := e.pull
	r, branch := p.Repo, p.baseRef
	r.queues[branch] = slices.Clone(r.queues[branch][1:])
	f.emitPull(p, "dequeued", f.queuer(), obj{"reason": "MERGE"})
	f.land(p, e.head, f.queuer())
	f.dropped(e, "merged")
}
