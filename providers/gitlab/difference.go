package gitlab

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/compare"
)

// difference is what lies between the merge base and the head of a change. Both are commits, so it never changes; what is
// learned later makes a new one.
type difference struct {
	base, start, head string
	files             []checks.File // sorted by path, with lines where Read
	full              bool          // files is all of them
	why               string        // it is not
	commits           []commitNode  // of the change, oldest first
	cut               string        // why commits are not all
	patches           map[string]string
	modes             map[string]modes
	objects           map[string]compare.Sides // of a difference made from trees
}

type modes struct{ before, after int }

// differences finds what the change touches, from memory or by asking GitLab to compare: commits and files come in one
// answer, without the limits that the list of a merge request's diffs has.
func (r *reading) differences(ctx context.Context) error {
	mr := r.mr
	if mr.Refs == nil || !objectID(mr.Refs.Base) || !objectID(mr.Refs.Start) {
		r.diff = &difference{head: r.head, why: "The change and its target branch have no common history."}
		return nil
	}
	r.start = mr.Refs.Base
	key := pair{r.key(), mr.Refs.Start, r.head}
	if r.diff, _ = r.c.memory.diffs.Get(key); r.diff != nil {
		return nil
	}
	d := &difference{base: r.start, start: mr.Refs.Start, head: r.head, full: true}
	var c comparisonNode
	q := url.Values{"from": {d.start}, "to": {d.head}}
	if _, err := r.a.get(ctx, at(r.repo, "repository", "compare"), q, &c); err != nil {
		return err
	}
	d.commits, d.cut = inOrder(c.Commits, d.head, d.base)
	d.take(c.Diffs)
	switch n := mr.Changes; {
	case c.Timeout:
		d.full, d.why = false, "GitLab gave up comparing the change with its target branch."
	case n.told && (len(d.files) < n.n || n.more && len(d.files) == n.n):
		d.full, d.why = false, fmt.Sprintf("GitLab showed %d of the %d files.", len(d.files), n.n)
	}
	r.diff = d
	if !d.full {
		if err := r.byTrees(ctx); err != nil {
			return err
		}
	}
	if err := r.withheld(ctx); err != nil {
		return err
	}
	r.keepDiff()
	return nil
}

// take makes files of the comparison's.
func (d *difference) take(diffs []diffNode) {
	d.patches, d.modes = map[string]string{}, map[string]modes{}
	for i := range diffs {
		f, m := changed(&diffs[i])
		if _, twice := d.modes[f.Path]; twice {
			d.full, d.why = false, "GitLab listed a file twice."
			continue
		}
		d.files = append(d.files, f)
		d.modes[f.Path] = m
		if f.Read && f.Kind == "" && diffs[i].Patch != "" {
			d.patches[f.Path] = diffs[i].Patch
		}
	}
	compare.Sort(d.files)
}

// changed is one file of a comparison. Lines are Read when the difference is all there: its counts tell, and where it is
// empty, the flags.
func changed(n *diffNode) (checks.File, modes) {
	m := modes{octal(n.Before), octal(n.After)}
	x := checks.File{Path: n.New, Status: "modified"}
	switch {
	case n.Added:
		x.Status = "added"
	case n.Deleted:
		x.Path, x.Status = n.Old, "removed"
	case n.Renamed || n.Old != n.New && n.Old != "":
		x.Status, x.Old = "renamed", n.Old
	case n.Patch == "" && m.before != m.after && n.whole():
		x.Status = "changed"
	}
	x.Kind = compare.ModeKind(m.after)
	if x.Kind == "" {
		x.Kind = compare.ModeKind(m.before)
	}
	switch {
	case x.Kind != "":
	case n.Patch == "":
		x.Read = n.whole() && (x.Status != "modified" || m.before != m.after) // a file that is modified has lines, or another mode
	case strings.HasPrefix(n.Patch, "Binary files "):
		x.Kind = "binary"
	default:
		lines(&x, n.Patch)
	}
	return x, m
}

func lines(x *checks.File, patch string) {
	added, removed, ok := compare.Hunks(patch)
	if !ok || len(added)+len(removed) == 0 {
		return
	}
	x.Kind = compare.KindOf(patch, added, removed)
	x.Additions, x.Deletions = len(added), len(removed)
	x.Added, x.Removed = compare.Refine(added, removed)
	x.Read = true
}

// whole says that GitLab withheld nothing, as far as this version tells.
func (n *diffNode) whole() bool {
	return n.Collapsed != nil && !*n.Collapsed && n.TooLarge != nil && !*n.TooLarge
}

func octal(mode string) int {
	n, _ := strconv.ParseInt(mode, 8, 32) // what is no number is no link and no submodule
	return int(n)
}

// inOrder puts the commits of a change into their order, oldest first: the parents of a commit stand before it. why says
// that they are not all there.
func inOrder(list []commitNode, head, base string) (sorted []commitNode, why string) {
	if len(list) == 0 {
		if head != base {
			why = "GitLab showed no commits."
		}
		return nil, why
	}
	byID := make(map[string]int, len(list))
	for i, c := range list {
		byID[c.ID] = i
	}
	if _, ok := byID[head]; !ok || len(byID) != len(list) {
		return list, "GitLab's list of commits does not hold the head, or holds one twice."
	}
	done := make([]bool, len(list))
	visit := func(start int) {
		for todo := []int{start}; len(todo) > 0; {
			i, ready := todo[len(todo)-1], true
			for _, id := range list[i].Parents {
				if p, ours := byID[id]; ours && !done[p] && !slices.Contains(todo, p) {
					todo, ready = append(todo, p), false
				}
			}
			if ready {
				todo = todo[:len(todo)-1]
				if !done[i] {
					done[i] = true
					sorted = append(sorted, list[i])
				}
			}
		}
	}
	if list[0].ID == head { // newest first
		list = slices.Clone(list)
		slices.Reverse(list)
		for i, c := range list {
			byID[c.ID] = i
		}
	}
	for i := range list {
		visit(i)
	}
	return sorted, ""
}

// withheld finds the lines of what GitLab showed no lines of, from the two texts: they are counted before any rule that
// goes by the size of a change can be judged.
func (r *reading) withheld(ctx context.Context) error {
	d := r.diff
	var open []int
	for i := range d.files {
		if f := &d.files[i]; !f.Read && !f.Cut && f.Kind == "" {
			open = append(open, i)
		}
	}
	if len(open) == 0 || !d.full {
		return nil
	}
	if len(open) > mostWithheld {
		d.why = fmt.Sprintf("GitLab withheld the lines of %d files, more than are read one by one.", len(open))
		d.full = false
		return nil
	}
	var want []checks.Text
	for _, i := range open {
		want = append(want, compare.BothSides(d.files[i])...)
	}
	if err := r.fetch(ctx, want); err != nil {
		return err
	}
	for _, i := range open {
		f, err := r.between(d.files[i])
		if err != nil {
			return err
		}
		f.Additions, f.Deletions = len(f.Added), len(f.Removed)
		if f.Status == "modified" && f.Read && f.Kind == "" && len(f.Added)+len(f.Removed) == 0 {
			if m := d.modes[f.Path]; m.before != m.after {
				f.Status = "changed"
			}
		}
		d.files[i] = f
	}
	return nil
}

// mostWithheld bounds how many files without lines are read one by one.
const mostWithheld = 100

// between finds the changed lines of a file from its two texts.
func (r *reading) between(f checks.File) (checks.File, error) {
	var before, after checks.Text
	for _, t := range compare.BothSides(f) {
		got, ok := r.have(t.Side, t.Path)
		if !ok {
			return f, fmt.Errorf("read %s at %s: GitLab gave no answer", t.Path, t.Side)
		}
		if got.Absent {
			return f, fmt.Errorf("%w: %s is not there at %s, though the difference says so", gate.ErrStale, t.Path, t.Side)
		}
		if t.Side == checks.Base {
			before = got
		} else {
			after = got
		}
	}
	return compare.WithLines(f, before, after), nil
}

// byTrees finds the files of a change that GitLab did not compare in full, by its two trees.
func (r *reading) byTrees(ctx context.Context) error {
	d := r.diff
	before, why, err := r.tree(ctx, d.base)
	if err != nil || why != "" {
		return err
	}
	after, why, err := r.tree(ctx, d.head)
	if err != nil || why != "" {
		return err
	}
	known := map[string]checks.File{}
	for _, f := range d.files {
		known[f.Path] = f
	}
	d.files, d.objects = compare.Trees(before, after)
	for i, f := range d.files { // what the comparison showed of them is there already
		if k, ok := known[f.Path]; ok && k.Status == f.Status && k.Old == f.Old {
			d.files[i] = k
		}
	}
	d.full, d.why = true, ""
	return nil
}

func (r *reading) keepDiff() {
	d := r.diff
	if !d.full || d.cut != "" {
		return
	}
	bytes := 500 + compare.Weight(d.files)
	for _, c := range d.commits {
		bytes += 400 + len(c.Message)
	}
	for _, p := range d.patches {
		bytes += len(p)
	}
	r.c.memory.diffs.Add(pair{r.key(), d.start, d.head}, d, bytes)
}

// adopt puts the difference into the facts, without lines: those are for the checks to want.
func (r *reading) adopt() {
	c := r.f.Change
	c.Base.Commit, c.MergeBase = r.tip, r.start
	r.showFiles()
	c.ChangedFiles = len(r.f.Files)
	if n := r.mr.Changes; !r.diff.full && n.told {
		c.ChangedFiles = max(c.ChangedFiles, n.n)
	}
	if !r.diff.full {
		r.gap("files", "%s", r.diff.why)
	}
	c.CommitCount = len(r.diff.commits)
	if r.diff.cut != "" {
		r.gap("commits", "%s", r.diff.cut)
	}
}

func (r *reading) showFiles() {
	c := r.f.Change
	r.f.Files = make([]checks.File, len(r.diff.files))
	for i, f := range r.diff.files {
		c.Additions, c.Deletions = c.Additions+f.Additions, c.Deletions+f.Deletions
		f.Added, f.Removed, f.Read, f.Cut = nil, nil, false, false
		r.f.Files[i] = f
	}
}

func (d *difference) find(path string) (int, bool) {
	i, ok := sort.Find(len(d.files), func(i int) int { return strings.Compare(path, d.files[i].Path) })
	return i, ok
}

// old says whether a file was moved away from path.
func (d *difference) old(path string) bool {
	return slices.ContainsFunc(d.files, func(f checks.File) bool { return f.Old == path })
}
