package checks

import (
	"fmt"

	"github.com/sluicegate/sluice/checks/changelog"
)

// maxShown bounds how many places of one sort are annotated.
const maxShown = 20

// tampering reports what became of released versions.
func (l *ledger) tampering(path string, d *changelog.Delta) {
	for i, m := range d.Late {
		if l.shown(path, i, len(d.Late), "entries are added to released versions") {
			l.fail(path, m.Line, m.EndLine, fmt.Sprintf("This entry is added under %s, which is released; move it under Unreleased.", plain(m.Version, 40)),
				"Move this entry below the heading Unreleased: \""+plain(m.Words, 120)+"\"")
		}
	}
	for i, m := range d.Reworded {
		if l.shown(path, i, len(d.Reworded), "entries of released versions are reworded") {
			l.fail(path, m.Line, m.EndLine, fmt.Sprintf("This entry of %s is reworded, but that is released; restore it.", plain(m.Version, 40)),
				"Restore the entry as it was, and tell what is new under Unreleased.")
		}
	}
	for i, m := range d.Removed {
		if l.shown(path, i, len(d.Removed), "entries of released versions are removed") {
			l.fail(path, m.Line, m.EndLine, fmt.Sprintf("An entry of %s is removed, but that is released; restore it: %s", plain(m.Version, 40), plain(m.Words, 60)),
				"Restore below "+plain(m.Version, 40)+": \""+plain(m.Words, 300)+"\"")
		}
	}
	for i, v := range d.Gone {
		if l.shown(path, i, len(d.Gone), "released versions are removed") {
			l.fail(path, 1, 1, fmt.Sprintf("The section of %s, which is released, is removed from %s; restore it.", plain(v.Version, 40), plain(path, 50)),
				"Restore the section with its heading and all of its entries.")
		}
	}
	for i, v := range d.Undated {
		if l.shown(path, i, len(d.Undated), "released versions lose their date") {
			l.fail(path, v.Line, v.Line, fmt.Sprintf("The date of %s, which is released, is gone or no day of the calendar; restore it.", plain(v.Version, 40)),
				"Restore the date in the heading.")
		}
	}
}

// shown says whether the i-th of n findings is still shown by itself; the first that is not speaks for the rest.
func (l *ledger) shown(path string, i, n int, what string) bool {
	if i == maxShown {
		l.fail(path, 1, 1, fmt.Sprintf("In %s %d more %s.", plain(path, 60), n-maxShown, what), "Restore what was released as it was.")
	}
	return i < maxShown
}
