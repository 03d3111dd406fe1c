package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/changelog"
)

// log judges what the change does to one changelog.
func (l *ledger) log(c *File, older []*changelog.File) {
	before, after, ok := l.both(c)
	if !ok {
		return
	}
	owner := l.speaker(l.partOf(c.Path))
	if old, _ := l.before(c); before != "" && (after == "" || !l.isLog(c.Path)) {
		l.vanishes(c, old, before, older)
		return
	}
	r := l.read(c.Path, before, after, older)
	if r.before.TooLarge || r.after.TooLarge {
		l.tooLarge(c.Path)
		return
	}
	l.tampering(c.Path, r.delta)
	fresh := r.delta.Fresh(r.after)
	if len(fresh) > 0 && r.after.Style != changelog.GNU && before != "" {
		l.release(c.Path, owner, r, fresh)
		return
	}
	l.between(c.Path, r, fresh)
	switch {
	case before == "" && l.second(owner, c.Path):
		return // what a part says goes to the changelog that it has
	case len(r.delta.Added) > 0:
		e := r.delta.Added[0]
		l.satisfy([]*logPart{owner}, fmt.Sprintf("Adds an entry to %s, line %d.", c.Path, e.Line))
	case len(fresh) > 0: // a ChangeLog's new day, or a changelog that is new
		l.begin(c.Path, owner, r, fresh)
	case len(r.delta.Withdrawn) > 0 && l.reverts():
		l.satisfy([]*logPart{owner}, fmt.Sprintf("Takes back an unreleased entry of %s, as a revert does.", c.Path))
	case len(r.delta.Hollow) > 0:
		e := r.delta.Hollow[0]
		owner.hollow = append(owner.hollow, Finding{
			What: fmt.Sprintf("The new entry in %s says nothing yet; write what the change does for its users.", plain(c.Path, 60)),
			How:  "Replace it by a sentence.", Path: c.Path, Line: e.Line, EndLine: e.EndLine,
		})
	}
}

// second says whether a changelog that is new stands beside one that the part had before, and the policy does not
// name it: entries in there are for nobody.
func (l *ledger) second(owner *logPart, path string) bool {
	return len(l.declared) == 0 && slices.ContainsFunc(owner.logs, func(log string) bool {
		c := l.f.File(log)
		return log != path && (c == nil || c.Status != "added" && c.Status != "copied" && c.Status != "removed" && c.Status != "renamed")
	})
}

// both reads the two texts of a changelog; "" stands for a file that is not there.
func (l *ledger) both(c *File) (before, after string, ok bool) {
	if c.Kind != "" && c.Status != "removed" {
		l.readable(c, Head, c.Path)
		return "", "", false
	}
	from := c
	if _, was := l.before(c); !was {
		from = l.replaced(c) // a rename that the forge did not see
	}
	if old, was := l.before(from); was {
		t, ok := l.readable(from, Base, old)
		if !ok {
			return "", "", false
		}
		before = t.Text
	}
	if c.Status != "removed" {
		t, ok := l.readable(c, Head, c.Path)
		if !ok {
			return "", "", false
		}
		after = t.Text
	}
	return before, after, true
}

// replaced is the changelog of the same part that the change removes while it adds c, or c itself.
func (l *ledger) replaced(c *File) *File {
	for _, o := range l.logs {
		if o.Status == "removed" && o.Kind == "" && l.partOf(o.Path) == l.partOf(c.Path) {
			return o
		}
	}
	return c
}

// logReading is one changelog before and after.
type logReading struct {
	before, after *changelog.File
	delta         *changelog.Delta
}

// read compares the texts. Most changes add a few lines near the top, so first only what surrounds the difference is
// read; where that shows more than an added entry, all is.
func (l *ledger) read(path, before, after string, older []*changelog.File) logReading {
	if b, a, cut := changelog.Around(path, before, after); cut {
		r := l.parse(path, b, a, nil)
		if d := r.delta; r.before.Sealed && r.after.Sealed && len(d.Added) > 0 && len(d.New) == 0 && !d.Tampers() {
			return r
		}
	}
	return l.parse(path, before, after, older)
}

func (l *ledger) parse(path, before, after string, older []*changelog.File) logReading {
	r := logReading{before: changelog.Parse(path, before), after: changelog.Parse(path, after)}
	if v := r.before.Newest(); v != nil && (r.before.Style == changelog.GNU || l.untagged(r.before, v)) {
		r.before.Reopen(v.Key())
		r.after.Reopen(v.Key())
	}
	r.delta = changelog.Diff(r.before, r.after, older...)
	return r
}

// untagged says whether the newest version of a changelog is still being written: it bears no date, and there is no
// tag for it although there is one for another of the file.
func (l *ledger) untagged(f *changelog.File, newest *changelog.Version) bool {
	if newest.Written != "" || len(l.f.Tags) == 0 {
		return false
	}
	if _, partly := l.f.Gap("tags"); partly || l.tagged(newest.Version) {
		return false
	}
	looked := 0
	for _, v := range f.Versions {
		if v != newest && l.tagged(v.Version) {
			return true
		}
		if looked++; looked > 8 {
			break
		}
	}
	return false
}

// tagged says whether a tag carries a version, whatever stands before it in the tag's name.
func (l *ledger) tagged(version string) bool {
	for i := range l.f.Tags {
		rest, ok := strings.CutSuffix(l.f.Tags[i].Name, version)
		if ok && (rest == "" || !strings.ContainsRune("0123456789.", rune(rest[len(rest)-1]))) {
			return true
		}
	}
	return false
}

// vanishes judges a changelog that is removed: what it told has to be told elsewhere.
func (l *ledger) vanishes(c *File, old, before string, older []*changelog.File) {
	for _, o := range l.logs {
		if o != c && o.Status != "removed" {
			if t, ok := l.text(Head, o.Path); ok && t.Kind == "" {
				older = append(older, changelog.Parse(o.Path, t.Text))
			}
		}
	}
	was := changelog.Parse(old, before)
	if was.TooLarge {
		l.tooLarge(old)
		return
	}
	d := changelog.Diff(was, nil, older...)
	if n := len(d.Gone); n > 0 {
		l.fail(old, 1, 1, fmt.Sprintf("%s is removed with %s; its author has to keep them.", plain(old, 60), severalOf(n, "released version")),
			"git checkout "+l.f.Change.MergeBase+" -- "+quoteArg(old))
	}
}
