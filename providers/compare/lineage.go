package compare

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
)

const (
	mostPatches  = 100 // diffs read for one promotion
	patchesAhead = 8   // at once
)

// Carrier is the merged change that brought a commit to a branch. Merge says that the commit is the merge itself.
type Carrier struct {
	Change int
	Merge  bool
}

// Below gives what lies below a change's merge, and not on the branch before it, to that change.
func Below(list []checks.Carried, found map[string]Carrier) {
	at := map[string]int{}
	for i, c := range list {
		at[c.Commit] = i
	}
	for m := len(list) - 1; m >= 0; m-- { // the oldest first: the inner merge brought it
		if by := found[list[m].Commit]; by.Merge && len(list[m].Parents) > 1 {
			before := reach(list, at, list[m].Parents[:1], nil)
			for i := range reach(list, at, list[m].Parents[1:], before) {
				if list[i].Change == 0 {
					list[i].Change = by.Change
				}
			}
		}
	}
}

// reach are the places in the list of commits and of all below them, those of stop left out.
func reach(list []checks.Carried, at map[string]int, from []string, stop map[int]bool) map[int]bool {
	seen := map[int]bool{}
	for todo := append([]string{}, from...); len(todo) > 0; {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if i, ok := at[id]; ok && !seen[i] && !stop[i] {
			seen[i] = true
			todo = append(todo, list[i].Parents...)
		}
	}
	return seen
}

// Diff names what one commit changes, or, with From, what lies between two commits since they parted.
type Diff struct{ From, To string }

// Patch is what is known of a diff's patch-id; Unread says why there is none.
type Patch struct{ ID, Unread string }

// Lineage finds out which of the commits that a candidate lacks are in it all the same, as the same patch.
type Lineage struct {
	Between, Lacks []checks.Carried
	Known          func(Diff) (Patch, bool)
	Read           func(context.Context, Diff) (Patch, error) // and remembers it; called for several at once
	Gap            func(why string)

	room int
}

// Settle gives those commits their patch-ids that have to be told apart: what the candidate lacks, and as much of what it
// brings as it takes to find the same patches there. A merge has none: one that adds nothing of its own is taken off what the
// candidate lacks.
func (l *Lineage) Settle(ctx context.Context) error {
	if len(l.Between) == 0 || len(l.Lacks) == 0 {
		return nil
	}
	l.room = mostPatches
	lacks := single(l.Lacks)
	if err := l.patchAll(ctx, l.Lacks, lacks); err != nil {
		return err
	}
	open := map[string]bool{}
	for _, i := range lacks {
		if c := l.Lacks[i]; c.Patch != "" {
			open[c.Patch] = true
		}
	}
	for rest := l.likeliest(); len(open) > 0 && len(rest) > 0; {
		part := rest[:min(len(rest), patchesAhead)]
		rest = rest[len(part):]
		if err := l.patchAll(ctx, l.Between, part); err != nil {
			return err
		}
		for _, i := range part {
			delete(open, l.Between[i].Patch)
		}
	}
	if len(open) > 0 {
		return nil // something is lacking anyhow
	}
	return l.unmerged(ctx)
}

// unmerged takes those merges off what the candidate lacks that add nothing of their own to what they merge: the commits they
// merge stand for them.
func (l *Lineage) unmerged(ctx context.Context) error {
	var lacks []checks.Carried
	for _, c := range l.Lacks {
		clean := false
		if len(c.Parents) == 2 {
			var err error
			if clean, err = l.clean(ctx, c); err != nil {
				return err
			}
		}
		if !clean {
			lacks = append(lacks, c)
		}
	}
	l.Lacks = lacks
	return nil
}

// clean says whether a merge changes its first parent by just what the second one had changed.
func (l *Lineage) clean(ctx context.Context, merge checks.Carried) (bool, error) {
	var ids []string
	for _, d := range []Diff{{To: merge.Commit}, {From: merge.Parents[0], To: merge.Parents[1]}} {
		p, ok := l.Known(d)
		if !ok {
			if l.room == 0 {
				return false, nil
			}
			l.room--
			var err error
			if p, err = l.Read(ctx, d); err != nil {
				return false, err
			}
		}
		ids = append(ids, p.ID)
	}
	return ids[0] == ids[1] && ids[0] != "", nil
}

// single are the places of the commits that are no merges.
func single(list []checks.Carried) (at []int) {
	for i, c := range list {
		if len(c.Parents) < 2 {
			at = append(at, i)
		}
	}
	return at
}

// likeliest are the commits that the candidate brings, those first that have the title of one that it lacks.
func (l *Lineage) likeliest() []int {
	titles := map[string]bool{}
	for _, c := range l.Lacks {
		titles[c.Title] = true
	}
	list := single(l.Between)
	slices.SortStableFunc(list, func(a, b int) int {
		x, y := titles[l.Between[a].Title], titles[l.Between[b].Title]
		switch {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	})
	return list
}

// patchAll fills in patch-ids. A commit whose diff could not be read leaves open what is lacking.
func (l *Lineage) patchAll(ctx context.Context, list []checks.Carried, places []int) error {
	got := make([]Patch, len(places))
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(patchesAhead)
	for k, i := range places {
		d := Diff{To: list[i].Commit}
		if p, ok := l.Known(d); ok {
			got[k] = p
			continue
		}
		if l.room == 0 {
			got[k].Unread = fmt.Sprintf("more than %d commits would have to be compared", mostPatches)
			continue
		}
		l.room--
		group.Go(func() (err error) {
			got[k], err = l.Read(all, d)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for k, i := range places {
		if list[i].Patch = got[k].ID; got[k].Unread != "" {
			l.Gap(got[k].Unread)
		}
	}
	return nil
}
