package changelog

import (
	"slices"

	"github.com/sluicegate/sluice/checks/patterns"
)

// Delta is what a change does to one changelog.
type Delta struct {
	// Added are the real entries that are new among what is to be released.
	Added []Entry
	// Hollow are new ones that tell nothing: empty items, placeholders.
	Hollow []Entry
	// Late are entries that are new in a version that was released before.
	Late []Misplaced
	// Reworded and Removed are what became of entries of released versions.
	Reworded, Removed []Misplaced
	// Gone are versions of which nothing is left.
	Gone []*Version
	// New are the versions that were not there before, in the order of the file.
	New []*Version
	// Turned says that what was to be released, or a heading of it, became one of New.
	Turned bool
	// Left are entries that are still to be released although a version was made; Lost are those that were to be
	// released before and are nowhere now. Both only where there are New ones on top.
	Left, Lost []Entry
	// Withdrawn are entries that were to be released and are nowhere now, where no version was made.
	Withdrawn []Entry
	// Undated are versions that had a date which is gone or wrong now.
	Undated []*Version
}

// Misplaced is an entry of a released version.
type Misplaced struct {
	Version string
	Line    int    // in the new text: of the entry, or of the version's heading where the entry is gone
	EndLine int    // likewise
	Words   string // of the entry, as it is now, or was
}

// Tampers says whether what was released is told otherwise now.
func (d *Delta) Tampers() bool {
	return len(d.Late)+len(d.Reworded)+len(d.Removed)+len(d.Gone)+len(d.Undated) > 0
}

// Diff compares a changelog before and after a change. Nil stands for a file that is not there. elsewhere are the
// other changelogs of the change as they are now: a version that moved there whole is not gone.
func Diff(before, after *File, elsewhere ...*File) *Delta {
	if before == nil {
		before = &File{}
	}
	if after == nil {
		after = &File{}
	}
	d := &Delta{}
	key := (*Version).Key
	if before.distinct() && after.distinct() {
		key = func(v *Version) string { return v.Version } // "thing 1.0" may become "1.0"
	}
	was, is := index(before, key), index(after, key)
	moved := map[string]*merged{}
	for _, f := range elsewhere {
		for k, m := range index(f, key).all {
			if moved[k] == nil {
				moved[k] = m
			}
		}
	}
	for _, k := range was.keys {
		old, now := was.all[k], is.all[k]
		switch {
		case old.first.Bad: // no version, so nothing that was released
		case now != nil:
			d.compare(old, now, after.Style)
		case moved[k] == nil || !moved[k].holds(old):
			d.Gone = append(d.Gone, old.first)
		}
	}
	for _, v := range after.Versions {
		if was.all[key(v)] == nil {
			d.New = append(d.New, v)
		}
	}
	d.pending(before, after)
	return d
}

// merged is a version with the entries of all its sections: some files name one twice.
type merged struct {
	first   *Version
	entries []Entry
	owned   bool // entries is no longer the slice of first
}

type indexed struct {
	keys []string
	all  map[string]*merged
}

// distinct says whether no version is named for two packages.
func (f *File) distinct() bool {
	seen := make(map[string]string, len(f.Versions))
	for _, v := range f.Versions {
		if pkg, ok := seen[v.Version]; ok && pkg != v.Package {
			return false
		}
		seen[v.Version] = v.Package
	}
	return true
}

func index(f *File, keyOf func(*Version) string) indexed {
	ix := indexed{all: make(map[string]*merged, len(f.Versions))}
	for _, v := range f.Versions {
		key := keyOf(v)
		m := ix.all[key]
		if m == nil {
			m = &merged{first: v, entries: v.Entries}
			ix.all[key], ix.keys = m, append(ix.keys, key)
			continue
		}
		if !m.owned {
			m.entries, m.owned = slices.Concat(m.entries), true
		}
		m.entries = append(m.entries, v.Entries...)
	}
	return ix
}

// holds says whether every entry of old is in m.
func (m *merged) holds(old *merged) bool {
	gone, _ := unmatched(old.entries, m.entries)
	return len(gone) == 0
}

// compare looks for what became of the entries of one released version.
func (d *Delta) compare(old, now *merged, style Style) {
	if old.first.Written != "" && !old.first.BadDate && (now.first.Written == "" || now.first.BadDate) && !old.first.Bad {
		d.Undated = append(d.Undated, now.first)
	}
	if same(old.entries, now.entries) {
		return
	}
	gone, added := unmatched(old.entries, now.entries)
	v := now.first
	pairs, gone, added := pair(gone, added)
	for _, p := range pairs {
		d.Reworded = append(d.Reworded, Misplaced{v.Version, p.now.Line, p.now.EndLine, p.now.Words()})
	}
	for _, e := range gone {
		if e.Words() != "" {
			d.Removed = append(d.Removed, Misplaced{v.Version, v.Line, v.Line, e.Words()})
		}
	}
	for _, e := range added {
		if e.Words() != "" {
			d.Late = append(d.Late, Misplaced{v.Version, e.Line, e.EndLine, e.Words()})
		}
	}
}

// same says whether two lists hold the same text in the same order, which is what most versions do.
func same(a, b []Entry) bool {
	return slices.EqualFunc(a, b, func(x, y Entry) bool { return x.Text == y.Text })
}

// unmatched returns what is only in one of two lists, going by words; how often counts, the order does not.
func unmatched(was, is []Entry) (gone, added []Entry) {
	count := make(map[string]int, len(was))
	for _, e := range was {
		count[e.Words()]++
	}
	for _, e := range is {
		w := e.Words()
		if count[w] > 0 {
			count[w]--
			continue
		}
		added = append(added, e)
	}
	for _, e := range was {
		if w := e.Words(); count[w] > 0 {
			count[w]--
			gone = append(gone, e)
		}
	}
	return gone, added
}

// figures are the versions that an entry speaks of.
var figures = patterns.New(`\d+(?:\.\d+)+`)

type rewording struct{ was, now Entry }

// maxPairs bounds how many entries are compared with how many: past it a rewording counts as one gone and one added.
const maxPairs = 100

// pair finds, among entries that are gone and added, those that are one entry in other words.
func pair(gone, added []Entry) (pairs []rewording, restGone, restAdded []Entry) {
	if len(gone) == 0 || len(added) == 0 {
		return nil, gone, added
	}
	taken := make([]bool, len(gone))
	for i, e := range added {
		if i >= maxPairs {
			restAdded = append(restAdded, added[i:]...)
			break
		}
		w, at := e.Words(), -1
		for j := range gone[:min(len(gone), maxPairs)] {
			if !taken[j] && Alike(gone[j].Words(), w) {
				at = j
				break
			}
		}
		if at < 0 {
			restAdded = append(restAdded, e)
			continue
		}
		taken[at] = true
		pairs = append(pairs, rewording{gone[at], e})
	}
	for j, e := range gone {
		if !taken[j] {
			restGone = append(restGone, e)
		}
	}
	return pairs, restGone, restAdded
}

// pending compares what was and is to be released, and looks for where it went.
func (d *Delta) pending(before, after *File) {
	was, is := before.waiting(), after.waiting()
	gone, added := unmatched(was, is)
	pairs, gone, added := pair(gone, added)
	for _, p := range pairs {
		if !slices.Equal(figures.FindAllString(p.was.Words(), -1), figures.FindAllString(p.now.Words(), -1)) {
			added = append(added, p.now) // "update x to 1.3", which was 1.2 before, is news
		}
	}
	known := make(map[string]bool, len(was))
	for _, e := range was {
		known[e.Words()] = true
	}
	for _, e := range added {
		switch {
		case !e.Real():
			if e.Form == Item {
				d.Hollow = append(d.Hollow, e)
			}
		case !known[e.Words()]: // said twice is not said anew
			known[e.Words()] = true
			d.Added = append(d.Added, e)
		}
	}
	fresh := d.Fresh(after)
	if len(fresh) == 0 {
		for _, e := range gone {
			if e.Real() {
				d.Withdrawn = append(d.Withdrawn, e)
			}
		}
		return
	}
	d.leftBehind(after, fresh)
	var released []Entry
	for _, v := range fresh {
		released = append(released, v.Entries...)
		d.Turned = d.Turned || slices.ContainsFunc(before.Pending, func(s *Section) bool { return s.Version == v.Version })
	}
	still := len(gone)
	gone, rest := unmatched(gone, released)
	if moved, lost, _ := pair(gone, rest); len(moved)+still-len(gone) > 0 || len(lost) < len(gone) {
		gone, d.Turned = lost, true
	}
	for _, e := range gone {
		if e.Real() {
			d.Lost = append(d.Lost, e)
		}
	}
	d.Turned = d.Turned || len(was) == 0 && len(before.Pending) > 0
}

// leftBehind collects what still waits although its package was released. What waits for a higher version than the
// one made, or for another package, was not meant.
func (d *Delta) leftBehind(after *File, fresh []*Version) {
	for _, s := range after.Pending {
		if !slices.ContainsFunc(fresh, func(v *Version) bool {
			return v.Package == s.Package && (s.Version == "" || Compare(s.Version, v.Version) <= 0)
		}) {
			continue
		}
		for _, e := range s.Entries {
			if e.Real() {
				d.Left = append(d.Left, e)
			}
		}
	}
}

// waiting are the entries of all pending sections, placeholders included.
func (f *File) waiting() []Entry {
	if len(f.Pending) == 1 {
		return f.Pending[0].Entries
	}
	var all []Entry
	for _, s := range f.Pending {
		all = append(all, s.Entries...)
	}
	return all
}

// Fresh are the new versions that stand where the newest one has to: before all that were there, or behind them in
// a file that goes from old to new. The others were put in between.
func (d *Delta) Fresh(after *File) []*Version {
	isNew := make(map[*Version]bool, len(d.New))
	for _, v := range d.New {
		isNew[v] = true
	}
	var first, last *Version // of those that were there before
	for _, v := range after.Versions {
		if !isNew[v] {
			if last = v; first == nil {
				first = v
			}
		}
	}
	var fresh []*Version
	for _, v := range d.New {
		if first == nil || !after.Ascending && v.Line < first.Line || after.Ascending && v.Line > last.Line {
			fresh = append(fresh, v)
		}
	}
	return fresh
}
