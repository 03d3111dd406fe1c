package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/providers/compare"
)

const (
	mostPatches  = 100 // diffs read for one promotion
	patchesAhead = 8   // at once
	largestPatch = 4 << 20
)

// patchID is what is known of a commit's patch-id; unread says why there is none.
type patchID struct{ id, unread string }

// patched gives those commits their patch-ids that have to be told apart: what the candidate lacks, and as much of what it
// brings as it takes to find the same patches there. A merge has none.
func (st *standing) patched(ctx context.Context) error {
	if len(st.p.Between) == 0 || len(st.p.Lacks) == 0 {
		return nil
	}
	room := mostPatches
	lacks := single(st.p.Lacks)
	if err := st.patchAll(ctx, st.p.Lacks, lacks, &room); err != nil {
		return err
	}
	open := map[string]bool{}
	for _, i := range lacks {
		if c := st.p.Lacks[i]; c.Patch != "" {
			open[c.Patch] = true
		}
	}
	for rest := st.likeliest(); len(open) > 0 && len(rest) > 0; {
		part := rest[:min(len(rest), patchesAhead)]
		rest = rest[len(part):]
		if err := st.patchAll(ctx, st.p.Between, part, &room); err != nil {
			return err
		}
		for _, i := range part {
			delete(open, st.p.Between[i].Patch)
		}
	}
	if len(open) > 0 {
		return nil // something is lacking anyhow
	}
	return st.unmerged(ctx, &room)
}

// unmerged takes those merges off what the candidate lacks that add nothing of their own to what they merge: the commits
// they merge stand for them.
func (st *standing) unmerged(ctx context.Context, room *int) error {
	var lacks []checks.Carried
	for _, c := range st.p.Lacks {
		clean := false
		if len(c.Parents) == 2 {
			var err error
			if clean, err = st.clean(ctx, c, room); err != nil {
				return err
			}
		}
		if !clean {
			lacks = append(lacks, c)
		}
	}
	st.p.Lacks = lacks
	return nil
}

// clean says whether a merge changes its first parent by just what the second one had changed.
func (st *standing) clean(ctx context.Context, merge checks.Carried, room *int) (bool, error) {
	var ids []string
	for _, path := range []string{"/commits/" + merge.Commit, "/compare/" + merge.Parents[0] + "..." + merge.Parents[1]} {
		key := diffKey{repo: st.key(), to: path}
		id, ok := st.c.memory.patches.Get(key)
		if !ok {
			if *room == 0 {
				return false, nil
			}
			*room--
			var err error
			if id, err = st.patch(ctx, path); err != nil {
				return false, err
			}
			st.c.memory.patches.Add(key, id)
		}
		ids = append(ids, id.id)
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
func (st *standing) likeliest() []int {
	titles := map[string]bool{}
	for _, c := range st.p.Lacks {
		titles[c.Title] = true
	}
	list := single(st.p.Between)
	slices.SortStableFunc(list, func(a, b int) int {
		x, y := titles[st.p.Between[a].Title], titles[st.p.Between[b].Title]
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
func (st *standing) patchAll(ctx context.Context, list []checks.Carried, places []int, room *int) error {
	got := make([]patchID, len(places))
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(patchesAhead)
	for k, i := range places {
		key := diffKey{repo: st.key(), to: "/commits/" + list[i].Commit}
		if id, ok := st.c.memory.patches.Get(key); ok {
			got[k] = id
			continue
		}
		if *room == 0 {
			got[k].unread = fmt.Sprintf("more than %d commits would have to be compared", mostPatches)
			continue
		}
		*room--
		group.Go(func() (err error) {
			if got[k], err = st.patch(all, key.to); err == nil {
				st.c.memory.patches.Add(key, got[k])
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for k, i := range places {
		if list[i].Patch = got[k].id; got[k].unread != "" {
			st.gap("lacks", "Whether the fixes that are live are in this commit too is not known: %s.", got[k].unread)
		}
	}
	return nil
}

// patch reads the diff of a commit, or of two. GitHub refuses those that are too long for it.
func (st *standing) patch(ctx context.Context, path string) (patchID, error) {
	route := "GET /repos/{owner}/{repo}/commits/{ref}"
	if strings.HasPrefix(path, "/compare/") {
		route = "GET /repos/{owner}/{repo}/compare/{basehead}"
	}
	a, err := st.in.do(ctx, call{route: route, method: http.MethodGet, safe: true, raw: true, limit: largestPatch,
		url: st.c.bases.rest + st.repo.path(path), accept: "application/vnd.github.diff"})
	var e *Error
	switch {
	case errors.As(err, &e) && (e.Status == http.StatusNotAcceptable || e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusOK):
		return patchID{unread: fmt.Sprintf("what %.60s changes is too large to be compared", path[strings.LastIndexByte(path, '/')+1:])}, nil
	case err != nil:
		return patchID{}, err
	}
	return patchID{id: compare.PatchID(string(a.body))}, nil
}
