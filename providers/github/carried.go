package github

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/providers/compare"
)

// carrier is the merged change that brought a commit to a branch.
type carrier = compare.Carrier

// bringing is what GitHub said of who brought a commit; cut: there are more changes that it belongs to.
type bringing struct {
	carrier
	cut bool
}

// brought finds for each commit the change into the default branch that brought it. That one did is remembered, for it
// stays so; that none did is asked each time, for GitHub may learn of it late.
func (st *standing) brought(ctx context.Context, lists ...[]checks.Carried) error {
	var open []string
	for _, list := range lists {
		for _, c := range list {
			st.tooMany(c.Commit)
		}
		open = append(open, st.unknown(list)...)
	}
	if err := st.askBringers(ctx, open); err != nil {
		return err
	}
	for _, list := range lists {
		found := map[string]carrier{}
		for i, c := range list {
			found[c.Commit], _ = st.bringerOf(c.Commit)
			list[i].Change = found[c.Commit].Change
		}
		compare.Below(list, found)
	}
	return nil
}

// unknown are the commits of which it has to be asked who brought them.
func (st *standing) unknown(list []checks.Carried) (ids []string) {
	for _, c := range list {
		if _, ok := st.bringerOf(c.Commit); !ok {
			ids = append(ids, c.Commit)
		}
	}
	return ids
}

// bringerOf is what is known of who brought a commit; ok is false when it has to be asked.
func (st *standing) bringerOf(id string) (b carrier, ok bool) {
	if t, ok := st.told[id]; ok {
		return t.carrier, true
	}
	key := diffKey{st.key(), st.branch, id}
	if n := st.known[id]; n != nil {
		if b = st.bringer(n.Bringers.Nodes, id); b.Change != 0 {
			st.c.memory.bringer.Add(key, b)
			return b, true
		}
		if !n.Bringers.PageInfo.HasNextPage {
			return b, true
		}
	}
	return st.c.memory.bringer.Get(key)
}

// bringer is the change of a list that brought a commit: the one whose merge it is, or the one that was merged first.
func (st *standing) bringer(nodes []*openNode, id string) (b carrier) {
	var first *openNode
	for _, n := range nodes {
		if n == nil || n.State != "MERGED" || n.BaseRefName != st.branch || n.BaseRepository == nil || !strings.EqualFold(n.BaseRepository.NameWithOwner, st.repo.String()) {
			continue
		}
		if n.MergeCommit != nil && n.MergeCommit.OID == id {
			return carrier{Change: n.Number, Merge: true}
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
	node, err := st.more(ctx, bringersPart(ids))
	if err != nil {
		if len(ids) > 20 && tooMuch(err) && ctx.Err() == nil {
			if err := st.askBringers(ctx, ids[:len(ids)/2]); err != nil {
				return err
			}
			return st.askBringers(ctx, ids[len(ids)/2:])
		}
		return err
	}
	st.takeBringers(ids, node)
	for _, id := range ids {
		st.tooMany(id)
	}
	return nil
}

func bringersPart(ids []string) string {
	var b strings.Builder
	for i, id := range ids {
		fmt.Fprintf(&b, "c%d: object(oid: %s) { ... on Commit { oid associatedPullRequests(first: 50) { ...Bringers } } } ", i, quoted(id))
	}
	return b.String()
}

func (st *standing) takeBringers(ids []string, node *repoNode) {
	for i, id := range ids {
		n := node.carried[i]
		if n == nil || n.OID != id {
			st.told[id] = bringing{} // no change is known to have brought it
			continue
		}
		t := bringing{carrier: st.bringer(n.Bringers.Nodes, id)}
		if t.Change != 0 {
			st.c.memory.bringer.Add(diffKey{st.key(), st.branch, id}, t.carrier)
		}
		t.cut = t.Change == 0 && n.Bringers.PageInfo.HasNextPage
		st.told[id] = t
	}
}

// tooMany tells of a commit that belongs to more changes than were read.
func (st *standing) tooMany(id string) {
	if st.told[id].cut {
		st.gap("between", "GitHub names more than 50 changes that the commit %.8s belongs to, and none of those that were read brought it.", id)
	}
}
