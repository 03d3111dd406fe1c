package pretend

import "github.com/aymanbagabas/go-udiff"

// merge joins what head changed since both parted into what base has, by lines where both changed one file.
func (o *objects) merge(base, head *commit) (*tree, bool) {
	start := o.mergeBase(base, head)
	if start == nil {
		return nil, false
	}
	theirs := map[string]*change{}
	for _, c := range o.diff(start.tree, base.tree) {
		theirs[c.path] = c
		if c.old != "" {
			theirs[c.old] = c
		}
	}
	t := base.tree
	for _, c := range o.diff(start.tree, head.tree) {
		is := c.is
		if other := theirs[c.path]; other != nil && (other.status != c.status || other.is.id() != c.is.id()) {
			joined, ok := o.join(c, other)
			if !ok {
				return nil, false
			}
			is = joined
		}
		if c.old != "" {
			t = t.with(c.old, nil)
		}
		if c.has {
			t = t.with(c.path, &is)
		} else {
			t = t.with(c.path, nil)
		}
	}
	t.seal()
	return t, true
}

// join merges two changes of one text.
func (o *objects) join(a, b *change) (entry, bool) {
	if a.status != "modified" || b.status != "modified" || a.was.blob == nil || a.is.blob == nil || b.is.blob == nil || a.was.blob.binary() {
		return entry{}, false
	}
	was := string(a.was.blob.data)
	ours, theirs := udiff.Lines(was, string(b.is.blob.data)), udiff.Lines(was, string(a.is.blob.data))
	if touch(ours, theirs) {
		return entry{}, false
	}
	edits, ok := udiff.Merge(ours, theirs)
	if !ok {
		return entry{}, false
	}
	text, err := udiff.Apply(was, edits)
	if err != nil {
		return entry{}, false
	}
	return entry{mode: a.is.mode, blob: o.blob([]byte(text))}, true
}

// touch says whether two sides edit lines that meet, which git leaves to people, unless they make the same of them.
func touch(a, b []udiff.Edit) bool {
	for _, x := range a {
		for _, y := range b {
			if x != y && x.Start <= y.End && y.Start <= x.End {
				return true
			}
		}
	}
	return false
}
