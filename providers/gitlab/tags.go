package gitlab

import (
	"context"
	"net/url"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// mostTags bounds the pages of tags that are read.
const mostTags = 200

// tags lists the repository's, newest first. They are remembered until an event tells of one, and for some minutes at most.
func (r *reading) tags(ctx context.Context) error {
	heard, sure := r.c.heardOf(ctx, gate.MarkTag, r.repo)
	known, ok := r.c.memory.tags.Get(r.key())
	if !ok || !sure || known.heard != heard || !r.c.within(known.at, r.kept(tagsKept)) {
		nodes, cut, err := pages[tagNode](ctx, r.a, at(r.repo, "repository", "tags"), url.Values{"order_by": {"updated"}}, mostTags)
		if err != nil {
			return err
		}
		known = tagsAt{at: r.c.opts.Now(), heard: heard}
		if cut {
			known.why = "The repository has more tags than the newest ones that were read."
		}
		for i := range nodes {
			known.tags = append(known.tags, nodes[i].tag())
		}
		if sure {
			r.c.memory.tags.Add(r.key(), known)
		}
	}
	if known.why != "" {
		r.gap("tags", "%s", known.why)
	}
	r.f.Tags = known.tags
	return nil
}

// tag is one in our words. An annotated one is an object of its own, which points at the commit; what points at no commit
// is a tag of none.
func (n *tagNode) tag() checks.Tag {
	t := checks.Tag{Name: n.Name}
	if n.Commit != nil {
		t.Commit = n.Commit.ID
		if n.Commit.CommittedDate != nil {
			t.At = n.Commit.CommittedDate.UTC()
		}
	}
	if t.Annotated = n.Target != "" && n.Target != t.Commit; t.Annotated && n.Created != nil {
		t.At = n.Created.UTC()
	}
	return t
}
