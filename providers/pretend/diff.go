package pretend

import (
	"sort"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// patchLimit is the size of a text, in bytes, above which no patch is shown, as the forge withholds those of big files.
const patchLimit = 1 << 20

// change is one path that differs between two trees.
type change struct {
	path, old string // old: the name before a rename
	status    string // added, modified, removed, renamed, changed (mode or type alone)
	was, is   entry
	had, has  bool
	objects   *objects
}

// patch is the difference between two texts.
type patch struct {
	text           string // hunks only, as the forge gives them; "" for binary and big ones
	added, removed int
}

// diff lists what differs from a to b, sorted by path. A file removed here and added there with the same content is
// a rename. The list is kept: it must not be changed.
func (o *objects) diff(a, b *tree) []*change {
	key := [2]*tree{a, b}
	if list, ok := o.diffs[key]; ok {
		return list
	}
	var list []*change
	o.compare(a, b, "", &list)
	list = renames(list)
	sort.Slice(list, func(i, j int) bool { return list[i].path < list[j].path })
	o.diffs[key] = list
	return list
}

func (o *objects) compare(a, b *tree, prefix string, list *[]*change) {
	if a == b || a != nil && b != nil && a.hash() == b.hash() {
		return
	}
	get := func(t *tree, n string) (entry, bool) {
		if t == nil {
			return entry{}, false
		}
		e, ok := t.entries[n]
		return e, ok
	}
	each := func(t *tree, other *tree, first bool) {
		if t == nil {
			return
		}
		for n := range t.entries {
			x, inX := get(a, n)
			y, inY := get(b, n)
			if _, again := get(other, n); again && !first {
				continue
			}
			o.pair(prefix+n, x, inX, y, inY, list)
		}
	}
	each(a, b, true)
	each(b, a, false)
}

// pair compares what stands at one path on both sides. A folder that became a file is a removal and an addition.
func (o *objects) pair(path string, x entry, inX bool, y entry, inY bool, list *[]*change) {
	if x.tree != nil || y.tree != nil {
		o.compare(x.tree, y.tree, path+"/", list)
		if inX = inX && x.tree == nil; !inX {
			x = entry{}
		}
		if inY = inY && y.tree == nil; !inY {
			y = entry{}
		}
	}
	c := &change{path: path, was: x, is: y, had: inX, has: inY, objects: o}
	switch {
	case !inX && !inY, inX && inY && x.mode == y.mode && x.id() == y.id():
		return
	case !inX:
		c.status = "added"
	case !inY:
		c.status = "removed"
	case x.id() == y.id():
		c.status = "changed"
	default:
		c.status = "modified"
	}
	*list = append(*list, c)
}

// renames joins removals and additions of the same content, in the order of the paths.
func renames(list []*change) []*change {
	sort.Slice(list, func(i, j int) bool { return list[i].path < list[j].path })
	gone := map[*blob][]*change{}
	for _, c := range list {
		if c.status == "removed" && c.was.blob != nil && len(c.was.blob.data) > 0 {
			gone[c.was.blob] = append(gone[c.was.blob], c)
		}
	}
	drop := map[*change]bool{}
	for _, c := range list {
		if from := gone[c.is.blob]; c.status == "added" && c.is.blob != nil && len(from) > 0 {
			c.status, c.old, c.was, c.had = "renamed", from[0].path, from[0].was, true
			drop[from[0]] = true
			gone[c.is.blob] = from[1:]
		}
	}
	kept := list[:0]
	for _, c := range list {
		if !drop[c] {
			kept = append(kept, c)
		}
	}
	return kept
}

// patch is counted when somebody asks for it, and kept.
func (c *change) patch() *patch {
	key := [2]*blob{c.was.blob, c.is.blob}
	if p := c.objects.patches[key]; p != nil {
		return p
	}
	p := &patch{}
	c.objects.patches[key] = p
	text := func(b *blob) (string, bool) {
		if b == nil {
			return "", true
		}
		return string(b.data), !b.binary()
	}
	was, ok1 := text(c.was.blob)
	is, ok2 := text(c.is.blob)
	if !ok1 || !ok2 || c.was.blob == c.is.blob {
		return p
	}
	if len(was) > patchLimit || len(is) > patchLimit {
		p.added, p.removed = lines(is), lines(was)
		return p
	}
	p.text = hunks(udiff.Unified("a", "b", was, is))
	for line := range strings.SplitSeq(p.text, "\n") {
		if strings.HasPrefix(line, "+") {
			p.added++
		} else if strings.HasPrefix(line, "-") {
			p.removed++
		}
	}
	return p
}

// hunks cuts off the two lines that name the files, and the last newline, as the forge does.
func hunks(unified string) string {
	at := strings.Index(unified, "@@ ")
	if at < 0 {
		return ""
	}
	return strings.TrimSuffix(unified[at:], "\n")
}

func lines(s string) int {
	n := strings.Count(s, "\n")
	if s != "" && !strings.HasSuffix(s, "\n") {
		n++
	}
	return n
}
