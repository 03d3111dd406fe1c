package github

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/providers/compare"
)

const (
	mostAliases = 1500     // files in one request
	mostBytes   = 12 << 20 // of texts in one request, as far as sizes are known
)

// fill reads what the checks want, in as few requests as it takes: one for most.
func (r *reading) fill(ctx context.Context, w *checks.Wants) error {
	if w.Comments || w.Signatures {
		if err := r.said(ctx, w); err != nil {
			return err
		}
	}
	var o order
	for _, t := range w.Texts {
		r.wanted = append(r.wanted, checks.Text{Side: t.Side, Path: t.Path})
		if _, ok := r.known(t.Side, t.Path); !ok {
			o.texts = append(o.texts, t)
		}
	}
	lines := r.wantLines(w, &o)
	r.wantPeople(w, &o)
	r.wantGroups(w, &o)
	group, both := errgroup.WithContext(ctx)
	var entries []compare.Entry
	commit, adjust := r.listedAt()
	if w.Paths != nil {
		group.Go(func() (err error) {
			var full bool
			entries, full, err = r.tree(both, commit)
			r.cutTree = !full
			return err
		})
	}
	group.Go(func() error { return r.fetch(both, &o) })
	if err := group.Wait(); err != nil {
		return err
	}
	if w.Paths != nil { // not beside the reading: a check that panics at a path must take this work down and not the process
		r.paths(entries, adjust, w.Paths)
	}
	if r.cutTree {
		r.gap("paths", "GitHub cut the list of the repository's files off.")
	}
	if err := r.longTexts(ctx, append(r.unread(lines), w.Texts...)); err != nil {
		return err
	}
	for _, t := range w.Texts {
		got, ok := r.known(t.Side, t.Path)
		if !ok {
			return fmt.Errorf("read %s at %s: GitHub gave no answer", t.Path, t.Side)
		}
		r.f.Texts = append(r.f.Texts, got)
	}
	r.showLines(lines)
	if err := r.showPeople(ctx, w.People); err != nil {
		return err
	}
	return r.showGroups(ctx, w)
}

// list reads which files there are.
func (r *reading) list(ctx context.Context, keep func(string) bool) error {
	commit, adjust := r.listedAt()
	entries, full, err := r.tree(ctx, commit)
	if err != nil {
		return err
	}
	if r.paths(entries, adjust, keep); !full {
		r.cutTree = true
		r.gap("paths", "GitHub cut the list of the repository's files off.")
	}
	return nil
}

// known is a text that needs no asking: it was read, or the list of changed files says that it is not there, or that it
// is the same as on the other side.
func (r *reading) known(side checks.Side, path string) (checks.Text, bool) {
	if t, ok := r.have(side, path); ok {
		return t, true
	}
	if side == checks.Tip || r.diff == nil || !r.diff.full {
		return checks.Text{}, false
	}
	absent := checks.Text{Side: side, Path: path, Absent: true}
	i, touched := r.diff.find(path)
	switch {
	case touched && (side == checks.Base && r.diff.files[i].Status == "added" || side == checks.Head && r.diff.files[i].Status == "removed"):
		return absent, true
	case touched || r.diff.old(path):
		return checks.Text{}, false
	}
	other := checks.Base
	if side == checks.Base {
		other = checks.Head
	}
	t, ok := r.have(other, path)
	t.Side = side
	return t, ok
}

func (d *difference) find(path string) (int, bool) {
	i, ok := sort.Find(len(d.files), func(i int) int { return strings.Compare(path, d.files[i].Path) })
	return i, ok
}

// old says whether a file was moved away from path.
func (d *difference) old(path string) bool {
	return slices.ContainsFunc(d.files, func(f checks.File) bool { return f.Old == path })
}

// listedAt is the commit whose files are listed: the merge base, which changes rarely, to be adjusted by what the change
// did to it, or the head.
func (r *reading) listedAt() (commit string, adjust bool) {
	if r.start != "" && r.diff != nil && r.diff.full {
		return r.start, true
	}
	return r.head, false
}

// paths keeps those files of a list that are wanted; adjust says that the change has to be applied to it.
func (r *reading) paths(entries []compare.Entry, adjust bool, keep func(string) bool) {
	set := map[string]bool{}
	for _, e := range entries {
		if keep(e.Path) {
			set[e.Path] = true
		}
	}
	if adjust {
		for _, f := range r.diff.files {
			if f.Status == "removed" {
				delete(set, f.Path)
			}
			if f.Status == "renamed" {
				delete(set, f.Old)
			}
		}
		for _, f := range r.diff.files {
			if f.Status != "removed" && keep(f.Path) {
				set[f.Path] = true
			}
		}
	}
	r.f.Paths, r.f.Listed = sortedKeys(set), true
}
