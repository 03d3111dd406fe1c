// Package changelog reads changelogs in the styles that people write them, and the fragments that some projects keep
// instead: which entries wait for a release, which versions were released when, with what.
//
// It refuses to do I/O, to read a clock, and to render. It refuses to guess what an author meant: text that stands
// under no heading it understands belongs to no section. All it does is linear in the size of the text.
package changelog

import (
	"path"
	"regexp"
	"slices"
	"strings"
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
var signpost = regexp.MustCompile(`(?i)^(?:\W*)(?:see|please|look|changes?|entries|unreleased|add|to add|this|the|for|do not|don't|you should)\b.*(?:\bfragments?\b|changelog\.d|newsfragments|\.changeset|\bchangesets?\b|managed by)`)

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

// format says how a text is to be read: by its name, and where that says nothing by its first lines.
func format(name, text string) Style {
	head := text[:min(len(text), 64<<10)]
	switch strings.ToLower(path.Ext(name)) {
	case ".md", ".markdown", ".mdown", ".mkd", ".mkdn", ".mdx", ".mdwn":
		return Markdown
	case ".rst", ".rest":
		return RST
	case ".debian", ".dch":
		return Debian
	}
	first := strings.TrimLeft(head, "\n\t ")
	if i := strings.IndexByte(first, '\n'); i >= 0 {
		first = first[:i]
	}
	switch {
	case debianHead.MatchString(first):
		return Debian
	case gnuHead.MatchString(first):
		return GNU
	case strings.Contains(head, "\n.. ") && underlined(head):
		return RST
	case atx(head):
		return Markdown
	case underlined(head):
		return RST
	}
	return Plain
}

// settle works out what is newest.
func (f *File) settle() {
	f.Ascending = f.ascends()
	f.retire()
	if len(f.Pending) > 0 {
		f.Unreleased = f.Pending[0]
	}
	for i := range f.Versions {
		v := f.Versions[i]
		if f.Ascending {
			v = f.Versions[len(f.Versions)-1-i]
		}
		if !v.Bad {
			f.Latest = v.Version
			return
		}
	}
}

// retire moves sections that are called unreleased and have long been overtaken to the versions: those below a later
// release of their own line, "0.7.0 (unreleased)" below 0.7.1.
func (f *File) retire() {
	if len(f.Pending) == 0 || len(f.Versions) == 0 {
		return
	}
	if first, last := f.Versions[0].Line, f.Versions[len(f.Versions)-1].Line; !slices.ContainsFunc(f.Pending, func(s *Section) bool {
		return !f.Ascending && s.Line > first || f.Ascending && s.Line < last
	}) {
		return
	}
	above := f.overtaking()
	kept, moved := f.Pending[:0], false
	for _, s := range f.Pending {
		v := above[s.Package]
		if s.Version != "" {
			if v = above[s.Package+"\x00"+release(s.Version)]; v != nil && Compare(v.Version, s.Version) <= 0 {
				v = nil
			}
		} else if len(f.Versions) < 2 {
			v = nil // with one version nobody can tell which end is the newer
		}
		if v == nil || f.Ascending != (v.Line > s.Line) {
			kept = append(kept, s)
			continue
		}
		old := &Version{Section: *s, Bad: s.Version == ""}
		if old.Bad {
			old.Version = s.Title
		}
		f.Versions, moved = append(f.Versions, old), true
	}
	if f.Pending = kept; moved {
		slices.SortStableFunc(f.Versions, func(a, b *Version) int { return a.Line - b.Line })
	}
}

// overtaking gives for each package, and for each line of releases in it, the newest version of the file.
func (f *File) overtaking() map[string]*Version {
	all := map[string]*Version{}
	for i := range f.Versions {
		v := f.Versions[i]
		if f.Ascending {
			v = f.Versions[len(f.Versions)-1-i]
		}
		if v.Bad {
			continue
		}
		for _, key := range []string{v.Package, v.Package + "\x00" + release(v.Version)} {
			if all[key] == nil {
				all[key] = v
			}
		}
	}
	return all
}

// ascends says whether the versions go from old to new: by their dates, or without dates by their numbers.
func (f *File) ascends() bool {
	up, down := 0, 0
	for i := 1; i < len(f.Versions); i++ {
		a, b := f.Versions[i-1], f.Versions[i]
		order := strings.Compare(a.Date, b.Date)
		if a.Date == "" || b.Date == "" || order == 0 {
			order = Compare(a.Version, b.Version)
		}
		switch {
		case order < 0:
			up++
		case order > 0:
			down++
		}
	}
	return up > down
}

// Newest is the newest version, or nil.
func (f *File) Newest() *Version {
	if len(f.Versions) == 0 {
		return nil
	}
	if f.Ascending {
		return f.Versions[len(f.Versions)-1]
	}
	return f.Versions[0]
}

// Reopen makes the version with that key one that is to be released, if it is the newest and bears no date, or the
// file is a ChangeLog, where the newest day is still being written.
func (f *File) Reopen(key string) {
	v := f.Newest()
	if v == nil || v.Key() != key || v.Written != "" && f.Style != GNU {
		return
	}
	f.Versions = slices.DeleteFunc(f.Versions, func(o *Version) bool { return o == v })
	f.Pending = append(f.Pending, &v.Section)
	f.Unreleased = f.Pending[0]
}
