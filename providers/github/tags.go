package github

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// listKept is how long a long list of tags is believed where only its newest hundred were seen again. A tag that moves
// becomes new, or changes the count; what does neither is found after this.
const listKept = 10 * time.Minute

// mostTags bounds how many pages of tags are read.
const mostTags = 200

// tags completes the list that came along: the newest hundred, with how many there are. Further pages are read only
// until they meet what is remembered of the repository.
func (r *reading) tags(ctx context.Context, c *connection[*tagNode]) error {
	if c == nil {
		r.gap("tags", "GitHub did not show the tags.")
		return nil
	}
	old, _ := r.c.memory.tags.Get(r.key())
	if r.c.opts.Now().Sub(old.at) > listKept {
		old = tagList{}
	}
	total, began := c.TotalCount, old.at
	var list []checks.Tag
	for range mostTags {
		for _, n := range c.Nodes {
			if t, ok := tagOf(n); ok {
				list = append(list, t)
			}
		}
		if !c.PageInfo.HasNextPage {
			began = r.c.opts.Now()
			break
		}
		if rest, ok := meet(list, old.tags, total); ok {
			list = rest
			break
		}
		more, err := r.moreTags(ctx, c.PageInfo.EndCursor)
		if err != nil {
			return err
		}
		c = more
	}
	if len(list) < total {
		r.gap("tags", "GitHub showed %d of %d tags.", len(list), total)
	} else if total > 100 {
		r.c.memory.tags.Add(r.key(), tagList{total: total, tags: list, at: began})
	}
	r.f.Tags = list
	return nil
}

func (r *reading) moreTags(ctx context.Context, cursor string) (*connection[*tagNode], error) {
	var node answerNode
	errs, err := r.in.query(ctx, "Tags", r.c.queries.document("Tags", nil), map[string]any{"owner": r.repo.owner, "name": r.repo.name, "after": cursor}, &node)
	if err != nil {
		return nil, err
	}
	if len(errs) > 0 {
		return nil, errs[0].err("Tags")
	}
	if node.Repository == nil || node.Repository.Tags == nil {
		return nil, fmt.Errorf("read the tags of %s: GitHub gave no answer", r.repo)
	}
	return node.Repository.Tags, nil
}

// meet joins the newest tags with the remembered ones, where the last of the newest is among those and both together
// are as many as there should be.
func meet(newest, old []checks.Tag, total int) ([]checks.Tag, bool) {
	if len(newest) == 0 || len(old) == 0 {
		return nil, false
	}
	i := slices.Index(old, newest[len(newest)-1])
	if i < 0 {
		return nil, false
	}
	rest := old[i+1:]
	if len(newest)+len(rest) != total {
		return nil, false
	}
	seen := make(map[string]bool, len(newest))
	for _, t := range newest {
		seen[t.Name] = true
	}
	for _, t := range rest {
		if seen[t.Name] {
			return nil, false
		}
	}
	return append(slices.Clone(newest), rest...), true
}

// tagOf peels a tag. What points at a tree or a blob is a tag of no commit, and kept with an empty one.
func tagOf(n *tagNode) (checks.Tag, bool) {
	if n == nil || n.Target == nil {
		return checks.Tag{}, false
	}
	t := checks.Tag{Name: n.Name, Annotated: n.Target.Typename == "Tag"}
	at := n.Target
	if t.Annotated && at.Tagger != nil && at.Tagger.Date != nil {
		t.At = at.Tagger.Date.UTC()
	}
	for at != nil && at.Typename == "Tag" {
		at = at.Target
	}
	if at != nil && at.Typename == "Commit" {
		t.Commit = at.OID
		if t.At.IsZero() && at.CommittedDate != nil {
			t.At = at.CommittedDate.UTC()
		}
	}
	return t, true
}
