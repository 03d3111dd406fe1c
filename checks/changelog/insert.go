package changelog

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
)

// Insertion is a changelog with an entry more.
type Insertion struct {
	Text     string
	Line     int    // of the entry, from 1
	Category string // as the file writes it; "" where entries stand right below the version
	There    bool   // the entry was there already, word for word: Text is as it was
}

// Insert writes an entry among what is to be released, below the heading of its category, in the manner of the file;
// headings that are missing are made. Nothing else changes. It reads what it wrote, and where that is not the file with one
// entry more it gives a *Refusal instead, as it does for a file that a tool writes. An empty text becomes a changelog.
func Insert(name, text, category, words string) (*Insertion, error) {
	if strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")) == "" {
		text = "# Changelog\n\n## [Unreleased]\n"
		if format(name, text) != Markdown {
			return nil, refuse("%s is empty, and I begin changelogs in Markdown only", name)
		}
	}
	before := Parse(name, text)
	if err := before.writable(); err != nil {
		return nil, err
	}
	in := &inserter{sheet: newSheet(text), f: before, words: Sentence(before.Style, words)}
	if !Real(Words(in.words)) {
		return nil, refuse("the text says nothing that a reader could use")
	}
	if err := harmless(before.Style, in.words); err != nil {
		return nil, err
	}
	if e := before.waits(Words(in.words)); e != nil {
		return &Insertion{Text: text, Line: e.Line, Category: e.Category, There: true}, nil
	}
	var err error
	if valid := before.categories(); len(valid) > 0 {
		if in.category, err = match(category, valid); err != nil {
			return nil, err
		}
	}
	if err := in.write(); err != nil {
		return nil, err
	}
	out := in.String()
	return &Insertion{Text: out, Line: in.line, Category: in.category}, in.proven(name, out)
}

// writable says why people do not write into a file like this.
func (f *File) writable() error {
	byHand := f.Unreleased != nil && f.Unreleased.Title != ""
	switch {
	case f.TooLarge:
		return refuse("it is too large to be edited here")
	case f.Style == GNU || f.Style == Debian:
		return refuse("it is kept by day and author, in a form that I do not write")
	case f.Style == Changesets && !byHand:
		return refuse("it is written by Changesets: add a changeset instead")
	case f.Style == Conventional && !byHand:
		return refuse("it is generated from the commits' titles: write the change's title as a Conventional Commit instead")
	}
	return nil
}

// waits is the entry with these words among what is to be released, or nil.
func (f *File) waits(words string) *Entry {
	for _, s := range f.Pending {
		for i := range s.Entries {
			if s.Entries[i].Words() == words {
				return &s.Entries[i]
			}
		}
	}
	return nil
}

// inserter is one insertion under way.
type inserter struct {
	*sheet
	f        *File
	words    string // of the entry, fit for the file
	category string
	line     int
}

func (in *inserter) write() error {
	s := in.f.Unreleased
	if s == nil {
		return in.begin()
	}
	if in.category == "" {
		in.put(s.Entries, s.Line+in.underline(s.Line), s.EndLine)
		return nil
	}
	if own := within(s, in.category); len(own) > 0 {
		in.put(own, own[0].Line-1, in.end(s, own))
		return nil
	}
	if at := in.headingOf(s, in.category); at > 0 {
		in.put(nil, at+in.underline(at), s.EndLine)
		return nil
	}
	in.head(s)
	return nil
}

// proven reads what was written: it must be the file with this entry more and no other difference.
func (in *inserter) proven(name, out string) error {
	after := Parse(name, out)
	d := Diff(in.f, after)
	fine := len(d.Added) == 1 && d.Added[0].Words() == Words(in.words) && d.Added[0].Form == Item && d.Added[0].Line == in.line && len(after.Pending) > 0 &&
		len(d.New)+len(d.Hollow)+len(d.Left)+len(d.Lost) == 0 && !d.Tampers() && len(after.Versions) == len(in.f.Versions)
	if fine && in.category != "" {
		fine = letters(d.Added[0].Category) == letters(in.category)
	}
	if !fine {
		return refuse("I cannot tell where in it an entry goes: write it by hand")
	}
	return nil
}

// within are the entries of a section below one category, where it is named first.
func within(s *Section, category string) []Entry {
	i := slices.IndexFunc(s.Entries, func(e Entry) bool { return letters(e.Category) == letters(category) })
	if i < 0 {
		return nil
	}
	j := i
	for j < len(s.Entries) && s.Entries[j].Category == s.Entries[i].Category {
		j++
	}
	return s.Entries[i:j]
}

// end is the last line that may belong to these entries: before the heading of the next.
func (in *inserter) end(s *Section, own []Entry) int {
	last := own[len(own)-1]
	for _, e := range s.Entries {
		if e.Line > last.EndLine && e.Category != last.Category {
			return e.Line - 1
		}
	}
	return s.EndLine
}

// underline is how many lines the heading at line n takes beyond its first.
func (in *inserter) underline(n int) int {
	if !strings.HasPrefix(strings.TrimLeft(in.at(n), " "), "#") && adornment(in.at(n+1)) != 0 {
		return 1
	}
	return 0
}

// headingOf is the line of a category that is named in a section and has no entry, or 0.
func (in *inserter) headingOf(s *Section, category string) int {
	for n := max(s.Line, 1); n <= min(s.EndLine, len(in.lines)); n++ {
		line := strings.TrimSpace(in.at(n))
		if n == s.Line && s.Title != "" || line == "" || letters(line) != letters(category) {
			continue
		}
		if strings.HasPrefix(line, "#") || adornment(in.at(n+1)) != 0 || strings.HasPrefix(line, "**") || strings.HasSuffix(line, ":") {
			return n
		}
	}
	return 0
}

var itemLine = patterns.New(`^([ \t]*)([-*+•·‣]|o|\(?\d{1,3}[.)]|#\.)([ \t]+)`)

// put writes the entry below the others, or where there are none behind line `at`. to is the last line of what it may
// stand in.
func (in *inserter) put(others []Entry, at, to int) {
	last, items := at, []Entry{}
	for _, e := range others {
		last = max(last, e.EndLine)
		if e.Form == Item && e.Depth == 0 {
			items = append(items, e)
		}
	}
	if len(items) == 0 {
		in.first(last, len(others) > 0, to)
		return
	}
	lead := in.lead(items)
	lines := []string{lead + in.words}
	if in.loose(items) {
		lines = append([]string{""}, lines...)
	}
	if to = min(to, len(in.lines)); last < to && !blank(in.at(last+1)) { // a directive, a comment: what stands below the item is its own
		last = in.filled(last+1, in.paragraph(last, to))
	}
	in.insert(last, lines...)
	in.line = last + len(lines)
}

// paragraph is the end of the lines that follow line n without a blank one.
func (in *inserter) paragraph(n, to int) int {
	for n < to && !blank(in.at(n+1)) {
		n++
	}
	return n
}

// lead is what stands before an item's text here: the last one's indentation and bullet, counted on.
func (in *inserter) lead(items []Entry) string {
	for _, e := range slices.Backward(items) {
		m := itemLine.FindStringSubmatch(in.at(e.Line))
		if m == nil {
			continue
		}
		bullet := m[2]
		if number := strings.Trim(bullet, "().#"); number != "" && strings.Trim(number, "0123456789") == "" {
			bullet = strings.Replace(bullet, number, next(number), 1)
		}
		return m[1] + bullet + m[3]
	}
	return in.usual()
}

// next is the number after a short one.
func next(number string) string {
	n, err := strconv.Atoi(number)
	if err != nil { // it has three digits at most
		return number
	}
	return strconv.Itoa(n + 1)
}

// loose says whether the last items have a blank line between them.
func (in *inserter) loose(items []Entry) bool {
	n := len(items)
	return n > 1 && blank(in.at(items[n-1].Line-1))
}

// usual is what items begin with elsewhere in the file.
func (in *inserter) usual() string {
	for _, v := range in.f.Versions {
		for _, e := range v.Entries {
			if m := itemLine.FindStringSubmatch(in.at(e.Line)); m != nil && e.Form == Item && e.Depth == 0 && strings.Trim(m[2], "().#0123456789") != "" {
				return m[1] + m[2] + m[3]
			}
		}
	}
	return "- "
}

// first writes the first item of a list: below a heading, with a blank line between as elsewhere, or below a paragraph.
func (in *inserter) first(at int, prose bool, to int) {
	to = min(to, len(in.lines))
	lines := []string{in.usual() + in.words}
	spaced := prose || in.spaced()
	blankBelow := at < len(in.lines) && blank(in.at(at+1))
	switch {
	case spaced && blankBelow && at+1 <= to: // the blank line that is there parts heading and item, another what follows
		at++
		if at < len(in.lines) && !blank(in.at(at+1)) {
			lines = append(lines, "")
		}
	case spaced:
		lines = append([]string{""}, lines...)
		if at < len(in.lines) && !blankBelow {
			lines = append(lines, "")
		}
	case at < len(in.lines) && !blankBelow:
		lines = append(lines, "")
	}
	in.insert(at, lines...)
	in.line = at + 1 + slices.IndexFunc(lines, func(l string) bool { return l != "" })
}

// spaced says whether a blank line stands between headings and items here; so it is where nothing tells otherwise.
func (in *inserter) spaced() bool {
	for _, s := range in.f.sections() {
		for i, e := range s.Entries {
			if e.Form == Item && e.Depth == 0 && (i == 0 || s.Entries[i-1].Category != e.Category) {
				return blank(in.at(e.Line - 1))
			}
		}
	}
	return true
}

// sections are all of the file, what is to be released first.
func (f *File) sections() []*Section {
	all := slices.Clone(f.Pending)
	for _, v := range f.Versions {
		all = append(all, &v.Section)
	}
	return all
}
