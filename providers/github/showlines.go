package github

import (
	"slices"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/providers/compare"
)

// wantLines puts into the order what it takes to find the changed lines of the files wanted, and returns those files'
// numbers. Most have their lines from the comparison.
func (r *reading) wantLines(w *checks.Wants, o *order) []int {
	if w.Lines == nil || r.diff == nil {
		return nil
	}
	var wanted []int
	seen := map[string]bool{}
	for i := range r.f.Files {
		if !w.Lines(r.f.Files[i]) {
			continue
		}
		wanted = append(wanted, i)
		d := r.diff.files[i]
		if d.Read || d.Cut || d.Kind != "" {
			continue
		}
		if s, ok := r.diff.objects[d.Path]; ok {
			for _, id := range []string{s.Before, s.After} {
				if _, have := r.blobs[id]; id != "" && !have && !seen[id] && s.Bytes <= compare.Largest {
					seen[id] = true
					o.objects, o.bytes = append(o.objects, id), append(o.bytes, min(s.Bytes, 512<<10))
				}
			}
			continue
		}
		for _, t := range compare.BothSides(d) {
			if _, ok := r.known(t.Side, t.Path); !ok && !slices.Contains(o.texts, t) {
				o.texts = append(o.texts, t)
			}
		}
	}
	return wanted
}

// unread are the texts of those files whose difference has to be found from them.
func (r *reading) unread(wanted []int) []checks.Text {
	var ts []checks.Text
	for _, i := range wanted {
		d := r.diff.files[i]
		if _, ok := r.diff.objects[d.Path]; !ok && !d.Read && !d.Cut && d.Kind == "" {
			ts = append(ts, compare.BothSides(d)...)
		}
	}
	return ts
}

// showLines puts the lines into the facts. What was found from texts is kept with the difference.
func (r *reading) showLines(wanted []int) {
	var grown *difference
	for _, i := range wanted {
		d := r.diff.files[i]
		if !d.Read && !d.Cut && d.Kind == "" {
			d = r.between(d)
			if grown == nil {
				copied := *r.diff
				copied.files = slices.Clone(r.diff.files)
				grown = &copied
			}
			grown.files[i] = d
		}
		f := &r.f.Files[i]
		f.Added, f.Removed, f.Read, f.Cut, f.Kind = d.Added, d.Removed, d.Read && d.Kind == "", d.Cut, d.Kind
		if f.Additions+f.Deletions == 0 {
			f.Additions, f.Deletions = len(d.Added), len(d.Removed)
		}
	}
	if grown != nil {
		r.diff = grown
		r.keepDiff()
	}
}

// between finds the changed lines of a file from its two texts; what GitHub did not give of them is cut.
func (r *reading) between(f checks.File) checks.File {
	var before, after checks.Text
	if s, ok := r.diff.objects[f.Path]; ok {
		var ok1, ok2 bool
		before, ok1 = r.object(s.Before)
		after, ok2 = r.object(s.After)
		if !ok1 || !ok2 {
			f.Cut = true
			return f
		}
		return compare.WithLines(f, before, after)
	}
	for _, t := range compare.BothSides(f) {
		got, ok := r.known(t.Side, t.Path)
		if !ok {
			f.Cut = true
			return f
		}
		if t.Side == checks.Base {
			before = got
		} else {
			after = got
		}
	}
	return compare.WithLines(f, before, after)
}

func (r *reading) object(id string) (checks.Text, bool) {
	if id == "" {
		return checks.Text{Absent: true}, true
	}
	t, ok := r.blobs[id]
	return t, ok
}
