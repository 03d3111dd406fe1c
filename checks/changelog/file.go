// Package changelog reads changelogs in the styles that people write them, and the fragments that some projects keep
// instead: which entries wait for a release, which versions were released when, with what.
//
// It refuses to do I/O, to read a clock, and to render. It refuses to guess what an author meant: text that stands
// under no heading it understands belongs to no section. All it does is linear in the size of the text.
package changelog

import (
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
)

// Style is the way a changelog is written.
type Style string

// The styles.
const (
	KeepAChangelog Style = "keep-a-changelog"
	Conventional   Style = "conventional" // as conventional-changelog, standard-version and release-please write it
	Changesets     Style = "changesets"
	Markdown       Style = "markdown" // headings with #
	Setext         Style = "setext"   // headings underlined
	RST            Style = "rst"
	Plain          Style = "plain" // NEWS and the like
	GNU            Style = "gnu"   // ChangeLog: sections by day and author, no releases
	Debian         Style = "debian"
)

// MaxBytes is the largest text that Parse reads.
const MaxBytes = 32 << 20

// File is one changelog as read.
type File struct {
	Path  string
	Style Style
	// Unreleased is the first of Pending, or nil.
	Unreleased *Section
	// Pending are the sections of what is not released yet, in the order of the file. Most files have one or none.
	Pending []*Section
	// Versions are the released ones, in the order of the file.
	Versions []*Version
	// Latest is the newest released version, "" when there is none.
	Latest string
	// Ascending says that the newest version is at the end.
	Ascending bool
	// TooLarge says that the text has more than MaxBytes, or far more headings than people write, and was not read.
	TooLarge bool
	// Sealed says that the text ends with the heading that Around puts at a cut.
	Sealed bool
	// Lines is how many lines the text has.
	Lines int
}

// Section is a heading with the entries below it.
type Section struct {
	Title   string // the heading, without markup
	Line    int    // of the heading, from 1
	EndLine int    // the last line that belongs to it
	Package string // what the heading names before the version, or the heading above it in a file for several packages
	Version string // what it will be released as, or "" where the heading does not say
	Entries []Entry
}

// Version is a released section.
type Version struct {
	Section        // Version is without a leading v; a release named by its day alone has that day
	Date    string // as YYYY-MM-DD, "" where it is missing or cannot be normalised
	Written string // the date as written
	BadDate bool   // Written has the form of a date and is no day of the calendar
	Bad     bool   // the heading is like those of versions, and Version is none
	Yanked  bool
}

// Key tells versions of one file apart.
func (v *Version) Key() string {
	if v.Package == "" {
		return v.Version
	}
	return v.Package + "\x00" + v.Version
}

// Entry is one statement: an item of a list, or a paragraph.
type Entry struct {
	Line, EndLine int
	Depth         int    // of nesting in lists, from 0
	Category      string // the heading it stands under within the section
	Text          string // as written, its lines joined by line breaks
	Form          Form
}

// Words is the entry's text without markup.
func (e Entry) Words() string { return Words(e.Text) }

// Real says whether the entry tells a reader anything.
func (e Entry) Real() bool {
	words := e.Words()
	return e.Form != Block && Real(words) && !(e.Form == Prose && len(words) < 300 && signpost.MatchString(words))
}

// signpost is a paragraph that tells contributors where entries are kept.
var signpost = patterns.New(`(?i)^(?:\W*)(?:see|please|look|changes?|entries|unreleased|add|to add|this|the|for|do not|don't|you should)\b.*(?:\bfragments?\b|changelog\.d|newsfragments|\.changeset|\bchangesets?\b|managed by)`)

// Form says what an entry is in the text.
type Form int

// The forms.
const (
	Item  Form = iota // of a list
	Prose             // a paragraph
	Block             // code, a table, a directive: part of what is told, and never an entry by itself
)

// Count is how many entries a reader would count: the items at the outermost level, or the paragraphs where there
// are no items.
func Count(entries []Entry) int {
	items, prose := 0, 0
	for _, e := range entries {
		switch {
		case !e.Real():
		case e.Form == Item && e.Depth == 0:
			items++
		case e.Form == Prose:
			prose++
		}
	}
	if items > 0 {
		return items
	}
	return prose
}

// Parse reads a changelog. Any text gives a File; one without a heading that is understood gives one without sections.
// CRLF and a byte order mark are no part of the text.
func Parse(name, text string) *File {
	f := &File{Path: name, Style: Plain}
	if len(text) > MaxBytes {
		f.TooLarge = true
		return f
	}
	text = unify(text)
	f.Lines = lineCount(text)
	left := &budget{maxTitles}
	switch format(name, text) {
	case Markdown:
		blocks := markdown(text, left)
		f.Sealed = len(blocks) > 0 && blocks[len(blocks)-1].kind == headingBlock && blocks[len(blocks)-1].text == strings.Trim(sentinel, "# \n")
		f.assemble(blocks, left)
		if len(f.Versions)+len(f.Pending) == 0 && !f.Sealed {
			f.assemble(promote(blocks, left), left)
		}
		f.Style = f.markdownStyle(text)
	case Debian:
		f.assemble(debian(text, left), left)
		f.Style = Debian
	case GNU:
		f.assemble(gnu(text, left), left)
		f.Style = GNU
	case RST:
		f.assemble(lines(text, true, left), left)
		f.Style = RST
		if len(f.Versions)+len(f.Pending) == 0 {
			f.assemble(lines(text, false, left), left)
		}
	default:
		f.assemble(lines(text, false, left), left)
	}
	if left.left < 0 {
		return &File{Path: name, Style: f.Style, Lines: f.Lines, TooLarge: true}
	}
	f.settle()
	return f
}

// unify gives text its line breaks as \n alone and drops a byte order mark.
func unify(text string) string {
	text = strings.TrimPrefix(text, "\ufeff")
	if strings.IndexByte(text, '\r') >= 0 {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	}
	return text
}

func lineCount(text string) int {
	n := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		n++
	}
	return n
}
