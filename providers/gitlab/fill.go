package gitlab

import (
	"context"
	"fmt"
	"slices"

	gitlab "github.com/xanzy/go-gitlab"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
)

func escaped(s string) string { return gitlab.PathEscape(s) }

func sortedOnce(ids []int64) []int64 {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// fill reads what the checks want, everything at once.
func (r *reading) fill(ctx context.Context, w *checks.Wants) error {
	var entries []string
	commit, adjust := r.listedAt()
	group, all := errgroup.WithContext(ctx)
	group.Go(func() error { return r.said(all, w) })
	group.Go(func() error { return r.wantPeople(all, w.People) })
	group.Go(func() error { return r.wantGroups(all, append(slices.Clone(w.Teams), w.Orgs...)) })
	if w.Paths != nil {
		group.Go(func() (err error) {
			entries, r.cutTree, err = r.list(all, commit)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := r.fetch(ctx, w.Texts); err != nil { // after the list: what made that may tell texts as well
		return err
	}
	if w.Paths != nil { // not beside the reading: a check that panics at a path must take this work down and not the process
		r.paths(entries, adjust, w.Paths)
	}
	if err := r.showTexts(w.Texts); err != nil {
		return err
	}
	r.showLines(w)
	if err := r.showPeople(w.People); err != nil {
		return err
	}
	return r.showGroups(w)
}

func (r *reading) showTexts(want []checks.Text) error {
	for _, t := range want {
		got, ok := r.have(t.Side, t.Path)
		if !ok {
			return fmt.Errorf("read %s at %s: GitLab gave no answer", t.Path, t.Side)
		}
		r.f.Texts = append(r.f.Texts, got)
	}
	return nil
}

// showLines puts the lines wanted into the facts. All that there are were found with the difference.
func (r *reading) showLines(w *checks.Wants) {
	if w.Lines == nil || r.diff == nil {
		return
	}
	for i := range r.f.Files {
		f := &r.f.Files[i]
		if !w.Lines(*f) {
			continue
		}
		d := r.diff.files[i]
		f.Added, f.Removed, f.Read, f.Kind = d.Added, d.Removed, d.Read && d.Kind == "", d.Kind
		f.Cut = d.Cut || !d.Read && d.Kind == ""
	}
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
func (r *reading) paths(entries []string, adjust bool, keep func(string) bool) {
	set := map[string]bool{}
	for _, p := range entries {
		if keep(p) {
			set[p] = true
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
	r.f.Paths, r.f.Listed = make([]string, 0, len(set)), true
	for p := range set {
		r.f.Paths = append(r.f.Paths, p)
	}
	slices.Sort(r.f.Paths)
	if r.cutTree != "" {
		r.gap("paths", "%s", r.cutTree)
	}
}
