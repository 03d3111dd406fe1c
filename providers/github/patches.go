package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sluicegate/sluice/providers/compare"
)

const largestPatch = 4 << 20

// patched tells apart what the candidate lacks and what it has as the same patch.
func (st *standing) patched(ctx context.Context) error {
	key := func(d compare.Diff) diffKey {
		if d.From == "" {
			return diffKey{repo: st.key(), to: "/commits/" + d.To}
		}
		return diffKey{repo: st.key(), to: "/compare/" + d.From + "..." + d.To}
	}
	l := compare.Lineage{
		Between: st.p.Between, Lacks: st.p.Lacks,
		Known: func(d compare.Diff) (compare.Patch, bool) { return st.c.memory.patches.Get(key(d)) },
		Read: func(ctx context.Context, d compare.Diff) (compare.Patch, error) {
			p, err := st.patch(ctx, key(d).to)
			if err == nil {
				st.c.memory.patches.Add(key(d), p)
			}
			return p, err
		},
		Gap: func(why string) {
			st.gap("lacks", "Whether the fixes that are live are in this commit too is not known: %s.", why)
		},
	}
	err := l.Settle(ctx)
	st.p.Lacks = l.Lacks
	return err
}

// patch reads the diff of a commit, or of two. GitHub refuses those that are too long for it.
func (st *standing) patch(ctx context.Context, path string) (compare.Patch, error) {
	route := "GET /repos/{owner}/{repo}/commits/{ref}"
	if strings.HasPrefix(path, "/compare/") {
		route = "GET /repos/{owner}/{repo}/compare/{basehead}"
	}
	a, err := st.in.do(ctx, call{route: route, method: http.MethodGet, safe: true, raw: true, limit: largestPatch,
		url: st.c.bases.rest + st.repo.path(path), accept: "application/vnd.github.diff"})
	var e *Error
	switch {
	case errors.As(err, &e) && (e.Status == http.StatusNotAcceptable || e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusOK):
		return compare.Patch{Unread: fmt.Sprintf("what %.60s changes is too large to be compared", path[strings.LastIndexByte(path, '/')+1:])}, nil
	case err != nil:
		return compare.Patch{}, err
	}
	return compare.Patch{ID: compare.PatchID(string(a.body))}, nil
}
