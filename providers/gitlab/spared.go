package gitlab

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// Who approves and who objects are two lists at GitLab, and neither has to leave a trace in the merge request. While one of them
// alone keeps sluice/approval shut, nothing that the other holds could open it: then the first is read, and the other is taken as
// both were found some minutes ago. An open gate rests on both, and has both read. As soon as a look learns anything else, so
// that something might open, the list that was spared is read after all.

// roll is one of both lists.
type roll int

const (
	neither roll = iota
	approvers
	reviewers
)

// votes are both lists as they were read.
type votes struct {
	approvals approvalsNode
	opinions  []opinion
	cut       bool      // there are more opinions
	at        time.Time // of the older one
	shown     shownKey  // where what was made of them stands
}

// errVotes says that a list that was spared is not what it was taken for.
var errVotes = errors.New("the reviews are not what they were")

// sparable is the list that need not be read where nothing else is otherwise: the approvals while somebody objects, and what
// reviewers think while approvals are missing.
func (r *reading) sparable(ctx context.Context) roll {
	switch {
	case r.sure || r.prior == nil || r.prior.votes.cut || len(r.prior.votes.opinions) == 0 || !r.c.within(r.prior.votes.at, settled) || gate.Afresh(ctx) || !r.shut(ctx):
		return neither
	case slices.ContainsFunc(r.prior.votes.opinions, opinion.objects):
		return approvers
	}
	return reviewers
}

func (o opinion) objects() bool { return o.State == "requested_changes" }

// shut says that sluice/approval is shown as shut by us, and that nobody has written over that.
func (r *reading) shut(ctx context.Context) bool {
	me, err := r.a.myself(ctx)
	known, ok := r.c.memory.shown.Get(r.prior.votes.shown)
	if err != nil || !ok {
		return false
	}
	is := false
	for _, s := range known.list {
		if !strings.EqualFold(s.Name, "sluice/approval") {
			continue
		}
		if s.Author == nil || s.Author.ID != int64(me.ID) || s.Status == "success" || s.Status == "skipped" {
			return false
		}
		is = true
	}
	return is
}

// first reads the list that comes along with the merge request.
func (r *reading) first(ctx context.Context) error {
	if r.spare == approvers {
		return r.readOpinions(ctx)
	}
	return r.readApprovals(ctx)
}

// second reads the other list, unless it may be spared.
func (r *reading) second(ctx context.Context) (err error) {
	if r.spare != neither && !(r.same && r.prior.mark.reviewers == r.next.mark.reviewers && r.firstStays()) {
		if r.spare == approvers {
			err = r.readApprovals(ctx)
		}
		if r.spare = neither; err != nil {
			return err
		}
	}
	r.next.votes.at = r.c.opts.Now()
	switch {
	case r.spare == approvers:
		r.next.votes.approvals, r.next.votes.at = r.prior.votes.approvals, r.prior.votes.at
	case r.spare == reviewers:
		r.next.votes.opinions, r.next.votes.at = r.prior.votes.opinions, r.prior.votes.at
	case len(r.mr.Reviewers) > 0 && r.next.votes.opinions == nil:
		return r.readOpinions(ctx)
	}
	return nil
}

func (r *reading) firstStays() bool {
	if r.spare == approvers {
		return sameOpinions(r.prior.votes.opinions, r.next.votes.opinions)
	}
	return sameApprovals(r.prior.votes.approvals, r.next.votes.approvals)
}

// spared reads what was spared after all where this look has learnt more than that nothing has changed.
func (r *reading) spared(ctx context.Context) error {
	if r.spare == neither || r.learnt.Load() <= 2 {
		return nil
	}
	was, same := r.next.votes, false
	var err error
	if r.spare == approvers {
		err = r.readApprovals(ctx)
		same = sameApprovals(was.approvals, r.next.votes.approvals)
	} else {
		err = r.readOpinions(ctx)
		same = sameOpinions(was.opinions, r.next.votes.opinions)
	}
	if err == nil && !same {
		err = errVotes
	}
	r.next.votes.at = r.c.opts.Now()
	return err
}

func (r *reading) readApprovals(ctx context.Context) error {
	r.next.votes.approvals = approvalsNode{}
	_, err := r.a.get(ctx, r.here("approvals"), nil, &r.next.votes.approvals)
	return err
}

func (r *reading) readOpinions(ctx context.Context) error {
	list, cut, err := pages[opinion](ctx, r.a, r.here("reviewers"), nil, 5)
	if err != nil {
		return err
	}
	if cut {
		r.gap("reviews", "GitLab lists more reviewers than the %d that were read.", len(list))
	}
	r.next.votes.opinions, r.next.votes.cut = list, cut
	return nil
}

func sameApprovals(a, b approvalsNode) bool {
	return slices.EqualFunc(a.By, b.By, func(x, y approval) bool { return sameUser(x.User, y.User) && sameTime(x.At, y.At) })
}

func sameOpinions(a, b []opinion) bool {
	return slices.EqualFunc(a, b, func(x, y opinion) bool {
		return sameUser(x.User, y.User) && x.State == y.State && sameTime(x.Updated, y.Updated)
	})
}

func sameUser(a, b *userNode) bool { return a == b || a != nil && b != nil && a.ID == b.ID }

func sameTime(a, b *time.Time) bool { return a == b || a != nil && b != nil && a.Equal(*b) }

// learntKey is where a look counts what it asks for.
type learntKey struct{}

// learning has the requests under a context counted.
func learning(ctx context.Context, n *atomic.Int32) context.Context {
	return context.WithValue(ctx, learntKey{}, n)
}

// asks counts one.
func asks(ctx context.Context) {
	if n, ok := ctx.Value(learntKey{}).(*atomic.Int32); ok {
		n.Add(1)
	}
}

// sameRight says that somebody's right, asked for again, is what it was: that taught nothing.
func (r *reading) sameRight(p checks.Person, right string) bool {
	known, ok := r.c.memory.ranks.Get(rankKey{r.key(), p.ID})
	return ok && known.right == right
}
