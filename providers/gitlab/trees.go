package gitlab

import (
	"context"
	"fmt"
	"net/url"
	"sort"

	"github.com/sluicegate/sluice/providers/compare"
)

const (
	mostFolder = 50  // pages of one folder
	mostTree   = 500 // pages of a whole tree: 50,000 files
	mostEarly  = 10  // of one that nobody has asked for yet
)

type treeNode struct {
	ID   string `json:"id"`
	Path string `json:"path"`
	Type string `json:"type"` // blob, tree, commit
	Mode string `json:"mode"`
}

// tree lists all files of a commit, sorted by path; why says that they are not all there. GitLab shows a hundred entries
// at once, folders included, so a tree is remembered and the next one worked out by what was changed.
func (r *reading) tree(ctx context.Context, commit string) (entries []compare.Entry, why string, err error) {
	key := pair{r.key(), "", commit}
	if entries, ok := r.c.memory.trees.Get(key); ok {
		return entries, "", nil
	}
	most := mostTree
	if r.early {
		most = mostEarly
	}
	list, why, err := r.a.treeNodes(ctx, r.repo, commit, most)
	if err != nil {
		return nil, "", err
	}
	weight := 100
	for _, e := range list {
		if e.Type != "tree" {
			entries = append(entries, compare.Entry{Path: e.Path, Mode: octal(e.Mode), ID: e.ID, Bytes: -1})
			weight += 120 + len(e.Path)
		}
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Path < entries[j].Path })
	if why == "" {
		r.c.memory.trees.Add(key, entries, weight)
	}
	return entries, why, nil
}

// treeNodes reads a tree page by page, by the token that the answer tells: pages by number get slower with each.
func (a *access) treeNodes(ctx context.Context, repo, commit string, most int) (list []treeNode, why string, err error) {
	q := url.Values{"ref": {commit}, "recursive": {"true"}, "per_page": {"100"}, "pagination": {"keyset"}}
	for range most {
		var some []treeNode
		resp, err := a.get(ctx, at(repo, "repository", "tree"), q, &some)
		if err != nil {
			return nil, "", err
		}
		list = append(list, some...)
		if resp.NextLink == "" {
			return list, "", nil
		}
		next, err := url.Parse(resp.NextLink) // only its token is used: the address is ours
		if err != nil || next.Query().Get("page_token") == "" {
			return list, "GitLab did not say how its list of files goes on.", nil
		}
		q.Set("page_token", next.Query().Get("page_token"))
	}
	return list, fmt.Sprintf("The repository has more than the %d entries that are read.", len(list)), nil
}
