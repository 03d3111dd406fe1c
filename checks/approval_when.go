package checks

import (
	"regexp"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/sluicegate/sluice/checks/policy"
)

// applies says whether every condition given holds; with dunno comes the reason. One condition that certainly does
// not hold settles it, whatever the others are.
func (b *ballot) applies(w *policy.When) (answer, string) {
	all, why := yes, ""
	if b.orphaned != "" && !w.Zero() {
		return dunno, b.orphaned
	}
	for _, condition := range [...]func(*ballot, *policy.When) (answer, string){
		(*ballot).onBranch, (*ballot).labelled, (*ballot).sized, (*ballot).titled,
		(*ballot).touches, (*ballot).touchesOnly, (*ballot).byAuthor, (*ballot).bySome, (*ballot).byOnly, (*ballot).expressed,
	} {
		switch a, reason := condition(b, w); {
		case a == no:
			return no, ""
		case a == dunno && all == yes:
			all, why = dunno, reason
		}
	}
	return all, why
}

func (b *ballot) onBranch(w *policy.When) (answer, string) {
	return told(len(w.Branches) == 0 || w.Branches.Match(b.f.Change.Base.Name), true), ""
}

// labelled holds when one of the labels is set, by whomever; forges do not tell labels apart by case.
func (b *ballot) labelled(w *policy.When) (answer, string) {
	for _, name := range w.Labels {
		for i := range b.f.Change.Labels {
			if strings.EqualFold(b.f.Change.Labels[i].Name, name) {
				return yes, ""
			}
		}
	}
	if g, gap := b.f.Gap("labels"); gap && len(w.Labels) > 0 {
		return dunno, "The labels are not all known: " + plain(g.Reason, 80)
	}
	return told(len(w.Labels) == 0, true), ""
}

func (b *ballot) sized(w *policy.When) (answer, string) {
	lines := b.f.Change.Additions + b.f.Change.Deletions
	return told(lines >= w.Size.Min && (w.Size.Max == 0 || lines <= w.Size.Max), true), ""
}

func (b *ballot) titled(w *policy.When) (answer, string) {
	if w.Title == "" {
		return yes, ""
	}
	re, err := regexp.Compile(w.Title)
	if err != nil {
		return dunno, "The pattern for titles cannot be read: " + plain(err.Error(), 80)
	}
	return told(re.MatchString(b.f.Change.Title), true), ""
}

// touches holds when one path, old ones of renames included, is among the patterns. One that is known is proof
// enough where the list of files is cut.
func (b *ballot) touches(w *policy.When) (answer, string) {
	if len(w.Paths) == 0 {
		return yes, ""
	}
	for _, g := range quick(w.Paths) {
		for _, p := range b.touched() {
			if g.match(p) {
				return yes, ""
			}
		}
	}
	why, unread := b.filesUnread()
	return told(false, !unread), why
}

// touchesOnly holds when all paths are among the patterns. A change that touches nothing is no change of those paths.
func (b *ballot) touchesOnly(w *policy.When) (answer, string) {
	if len(w.OnlyPaths) == 0 {
		return yes, ""
	}
	globs := quick(w.OnlyPaths)
	for _, p := range b.touched() {
		if !matchAny(globs, p) {
			return no, ""
		}
	}
	if why, unread := b.filesUnread(); unread {
		return dunno, why
	}
	return told(len(b.touched()) > 0, true), ""
}

func (b *ballot) byAuthor(w *policy.When) (answer, string) {
	if w.Authors.Zero() {
		return yes, ""
	}
	return b.fits(b.f.Change.Author, named(w.Authors, b.pol))
}

func (b *ballot) expressed(w *policy.When) (answer, string) {
	if w.Expression == nil {
		return yes, ""
	}
	holds, err := b.f.evaluate(w.Expression)
	if err != nil {
		return dunno, "The condition could not be evaluated: " + plain(err.Error(), 90)
	}
	return told(holds, true), ""
}

// quickGlob is a path pattern with what every match begins with, ends with and contains: comparing that first spares
// nearly all of the matching in a change of thousands of files.
type quickGlob struct{ pattern, prefix, part, suffix string }

func quick(globs policy.Globs) []quickGlob {
	qs := make([]quickGlob, len(globs))
	for i, g := range globs {
		qs[i] = quickly(g)
	}
	return qs
}

func quickly(g string) quickGlob {
	q := quickGlob{pattern: g}
	plainly := g // up to where classes, alternatives and escapes begin, which are not for this shortcut to read
	if at := strings.IndexAny(g, `{[\`); at >= 0 {
		plainly = g[:at]
	} else {
		q.suffix = strings.TrimPrefix(g[strings.LastIndexAny(g, "*?")+1:], "/") // "**/a" matches "a" too
	}
	for first := true; ; first = false {
		at := strings.IndexAny(plainly, "*?")
		run := plainly
		if at >= 0 {
			run = plainly[:at]
		}
		run = strings.Trim(run, "/") // "a/**" matches "a" too
		if first && !strings.HasPrefix(g, "/") {
			q.prefix = run
		}
		if len(run) > len(q.part) {
			q.part = run
		}
		if at < 0 {
			return q
		}
		plainly = plainly[at+1:]
	}
}

func (g quickGlob) match(path string) bool {
	return strings.HasPrefix(path, g.prefix) && strings.HasSuffix(path, g.suffix) && strings.Contains(path, g.part) &&
		doublestar.MatchUnvalidated(g.pattern, path)
}

func matchAny(globs []quickGlob, path string) bool {
	for _, g := range globs {
		if g.match(path) {
			return true
		}
	}
	return false
}
