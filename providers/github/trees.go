package github

import (
	"context"
	"net/url"
	"sort"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/providers/compare"
)

// tree lists all files of a tree, or of a commit's, sorted by path. full is false when GitHub cut the list off.
func (r *reading) tree(ctx context.Context, id string) (entries []compare.Entry, full bool, err error) {
	key := r.key() + "@" + id
	if entries, ok := r.c.memory.trees.get(key); ok {
		return entries, true, nil
	}
	var t struct {
		Truncated bool `json:"truncated"`
		Tree      []struct {
			Path string `json:"path"`
			Mode string `json:"mode"`
			Type string `json:"type"`
			SHA  string `json:"sha"`
			Size int64  `json:"size"`
		} `json:"tree"`
	}
	if err := r.in.get(ctx, "GET /repos/{owner}/{repo}/git/trees/{tree_sha}", r.repo.path("/git/trees/"+url.PathEscape(id)+"?recursive=1"), &t); err != nil {
		return nil, false, err
	}
	weight := 100
	for _, e := range t.Tree {
		if e.Type == "tree" {
			continue
		}
		mode, _ := strconv.ParseInt(e.Mode, 8, 32) // what is no number is no link and no submodule
		entries = append(entries, compare.Entry{Path: e.Path, Mode: int(mode), ID: e.SHA, Bytes: e.Size})
		weight += 120 + len(e.Path)
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Path < entries[j].Path })
	if !t.Truncated {
		r.c.memory.trees.add(key, entries, weight)
	}
	return entries, !t.Truncated, nil
}

// trees finds the difference of a change with more files than GitHub compares, by its two trees. Where those are cut
// off as well, the list of paths has to do, without lines.
func (r *reading) trees(ctx context.Context, pr *changeNode, c *comparison) error {
	var before, after []compare.Entry
	var full1, full2 bool
	group, both := errgroup.WithContext(ctx)
	group.Go(func() (err error) { before, full1, err = r.tree(both, r.start); return err })
	group.Go(func() (err error) { after, full2, err = r.tree(both, pr.Head.Nodes[0].Commit.Tree.OID); return err })
	if err := group.Wait(); err != nil {
		return err
	}
	r.diff = compared(c, r.start, r.head)
	if !full1 || !full2 {
		return r.listed(ctx, pr)
	}
	r.combine(before, after, c)
	return nil
}

// wholeTrees is trees for a commit of a merge queue, of which there is no list of paths to fall back on.
func (r *reading) wholeTrees(ctx context.Context, c *comparison) error {
	before, full1, err := r.tree(ctx, r.start)
	if err != nil {
		return err
	}
	after, full2, err := r.tree(ctx, r.head)
	if err != nil {
		return err
	}
	if r.diff.full = full1 && full2; r.diff.full {
		r.combine(before, after, c)
	}
	return nil
}

// combine makes the difference of two trees, and takes from the comparison the lines that it showed.
func (r *reading) combine(before, after []compare.Entry, c *comparison) {
	known := map[string]checks.File{}
	for _, f := range r.diff.files {
		known[f.Path] = f
	}
	d := &difference{base: r.start, head: r.head, full: true, ahead: c.Total}
	d.files, d.objects = compare.Trees(before, after)
	for i, f := range d.files { // what the comparison showed of them is there already
		if k, ok := known[f.Path]; ok && k.Status == f.Status && k.Old == f.Old {
			if k.Kind == "" {
				k.Kind = f.Kind
			}
			d.files[i] = k
		}
	}
	r.diff = d
}

// listed takes the paths from GitHub's list of files, page by page, where neither comparison nor trees hold them all.
func (r *reading) listed(ctx context.Context, pr *changeNode) error {
	d := &difference{base: r.start, head: r.head, ahead: r.diff.ahead}
	known := map[string]checks.File{}
	for _, f := range r.diff.files {
		known[f.Path] = f
	}
	moved := false
	for page := pr.Files; page != nil; {
		for _, n := range page.Nodes {
			if n == nil {
				continue
			}
			f, ok := known[n.Path]
			if !ok {
				f = checks.File{Path: n.Path, Additions: n.Additions, Deletions: n.Deletions, Status: statusWord(n.ChangeType)}
				moved = moved || f.Status == "renamed" || f.Status == "copied" // from where, GraphQL does not say
			}
			d.files = append(d.files, f)
		}
		if !page.PageInfo.HasNextPage {
			break
		}
		more, err := r.page(ctx, pages{files: page.PageInfo.EndCursor})
		if err != nil {
			return err
		}
		page = more.Files
	}
	compare.Sort(d.files)
	d.full = !moved && len(d.files) >= pr.ChangedFiles
	r.diff = d
	return nil
}

func statusWord(changeType string) string {
	switch changeType {
	case "ADDED":
		return "added"
	case "DELETED":
		return "removed"
	case "MODIFIED":
		return "modified"
	case "RENAMED":
		return "renamed"
	case "COPIED":
		return "copied"
	}
	return "changed"
}
