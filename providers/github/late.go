package github

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluicegate/sluice/checks"
)

// lateCommits are those of the change that brought the commit, after the first hundred.
type lateCommits struct {
	o    *reading
	node *changeNode
	more *changeNode // nil: not had yet
}

// later has them come along with what is wanted.
func (st *standing) later(o *reading, node *changeNode) {
	late := &lateCommits{o: o, node: node}
	part := fmt.Sprintf("pullRequest(number: %d) { headRefOid commits(first: 100, after: %s) { ...Commits } last: commits(last: 100) { ...Commits } } ",
		node.Number, quoted(after(node.Commits.PageInfo)))
	st.along = append(st.along, along{part, func(repo *repoNode) {
		if pr := repo.PullRequest; pr != nil && pr.HeadRefOID == o.head {
			late.more = pr
		}
	}})
	st.late = late
}

// complete takes them in. Those that did not come along are asked for: with all else that nothing was wanted along with, or
// alone.
func (st *standing) complete(ctx context.Context) (err error) {
	late := st.late
	if late.more == nil {
		if err := st.fetchPart(ctx, &order{}); err != nil {
			return err
		}
	}
	if late.more == nil {
		if late.more, err = late.o.page(ctx, pages{commits: after(late.node.Commits.PageInfo)}); err != nil {
			return err
		}
	}
	o := late.o
	gaps := o.f.Gaps // with what was still to come
	o.f.Gaps = nil
	o.wrote(late.node, late.more)
	if at := slices.IndexFunc(gaps, func(g checks.Gap) bool { return g.Part == "commits" }); at >= 0 {
		o.f.Gaps = slices.Replace(gaps, at, at+1, o.f.Gaps...)
	} else {
		o.f.Gaps = append(gaps, o.f.Gaps...)
	}
	st.p.Origin.Commits, st.p.Origin.Gaps = o.f.Commits, o.f.Gaps
	return nil
}

// rounds is that of a reading. The list of files comes before all else that is wanted, so that the texts it leads to are
// asked for with the rest in one request. Where commits of the change came along with that, what is wanted is asked anew
// by all of them: next to nothing has to be read then, and the facts hold no more than if all had been there at once.
func (st *standing) rounds(ctx context.Context) error {
	before := *st.f
	before.Gaps = slices.Clone(st.f.Gaps)
	if err := st.round(ctx); err != nil || st.late == nil {
		return err
	}
	if err := st.complete(ctx); err != nil {
		return err
	}
	if people, unread := st.f.Gap("people"); unread {
		before.Gaps = append(before.Gaps, people)
	}
	*st.f, st.wanted = before, nil
	return st.round(ctx)
}

func (st *standing) round(ctx context.Context) error {
	set, err := st.c.memory.policy(st.f.Sources)
	if err != nil {
		return nil
	}
	if w := st.c.askPromotion(set, st.f); w.Paths != nil {
		if err := st.list(ctx, w.Paths); err != nil {
			return err
		}
	}
	return st.reading.rounds(ctx, st.c.askPromotion)
}
