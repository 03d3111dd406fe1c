package github

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/providers/compare"
)

// brought finds for each commit the change into the default branch that brought it. That one did is remembered, for it
// stays so; that none did is asked each time, for GitHub may learn of it late.
func (st *standing) brought(ctx context.Context, lists ...[]checks.Carried) error {
	var open []string
	for _, list := range lists {
		for _, c := range list {
			if _, ok := st.bringerOf(c.Commit); !ok {
				open = append(open, c.Commit)
			}
		}
	}
	if err := st.askBringers(ctx, open); err != nil {
		return err
	}
	for _, list := range lists {
		found := map[string]compare.Carrier{}
		for i, c := range list {
			found[c.Commit], _ = st.bringerOf(c.Commit)
			list[i].Change = found[c.Commit].Change
		}
		compare.Below(list, found)
	}
	return nil
}

// bringerOf is what is known of who brought a commit; ok is false when it has to be asked.
func (st *standing) bringerOf(id string) (b compare.Carrier, ok bool) {
	key := diffKey{st.key(), st.branch, id}
	if n := st.known[id]; n != nil {
		if b = st.bringer(n.Bringers.Nodes, id); b.Change != 0 {
			st.c.memory.bringer.Add(key, b)
		}
		return b, b.Change != 0 || !n.Bringers.PageInfo.HasNextPage
	}
	return st.c.memory.bringer.Get(key)
}

// bringer is the change of a list that brought a commit: the one whose merge it is, or the one that was merged first.
func (st *standing) bringer(nodes []*openNode, id string) (b compare.Carrier) {
	var first *openNode
	for _, n := range nodes {
		if n == nil || n.State != "MERGED" || n.BaseRefName != st.branch || n.BaseRepository == nil || !strings.EqualFold(n.BaseRepository.NameWithOwner, st.repo.String()) {
			continue
		}
		if n.MergeCommit != nil && n.MergeCommit.OID == id {
			return compare.Carrier{Change: n.Number, Merge: true}
		}
		if first == nil || utc(n.MergedAt).Before(utc(first.MergedAt)) {
			first = n
		}
	}
	if first != nil {
		b.Change = first.Number
	}
	return b
}

// askBringers asks for the changes that commits belong to, all in one request; one that is too much for GitHub is cut
// in half.
func (st *standing) askBringers(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	var b strings.Builder
	for i, id := range ids {
		fmt.Fprintf(&b, "c%d: object(oid: %s) { ... on Commit { oid associatedPullRequests(first: 50) { ...Bringers } } } ", i, quoted(id))
	}
	node, err := st.more(ctx, b.String())
	if err != nil {
		if len(ids) > 20 && tooMuch(err) && ctx.Err() == nil {
			if err := st.askBringers(ctx, ids[:len(ids)/2]); err != nil {
				return err
			}
			return st.askBringers(ctx, ids[len(ids)/2:])
		}
		return err
	}
	for i, id := range ids {
		n := node.carried[i]
		if n == nil || n.OID != id {
			continue // no change is known to have brought it
		}
		if b := st.bringer(n.Bringers.Nodes, id); b.Change != 0 {
			st.c.memory.bringer.Add(diffKey{st.key(), st.branch, id}, b)
		} else if n.Bringers.PageInfo.HasNextPage {
			st.gap("between", "GitHub names more than 50 changes that the commit %.8s belongs to, and none of those that were read brought it.", id)
		}
	}
	return nil
}
