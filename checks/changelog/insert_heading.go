package changelog

import (
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
)

// head makes the category's heading and puts the entry below it: in the order of Keep a Changelog, else at the end.
func (in *inserter) head(s *Section) {
	at := in.placeOf(s)
	heading := in.categoryHeading(s)
	lines := slices.Clone(heading)
	if in.spaced() {
		lines = append(lines, "")
	}
	lines = append(lines, in.usual()+in.words)
	in.paste(at, lines)
}

// paste puts a block of lines behind line n, parted from what surrounds it by one blank line each.
func (in *inserter) paste(at int, lines []string) {
	if at > 0 && !blank(in.at(at)) {
		lines = append([]string{""}, lines...)
	}
	if at < len(in.lines) && !blank(in.at(at+1)) {
		lines = append(lines, "")
	}
	in.insert(at, lines...)
	in.line = at
	for i, l := range lines {
		if l != "" {
			in.line = at + i + 1 // the last line that is not blank is the entry
		}
	}
}

// placeOf is the line behind which a new category goes.
func (in *inserter) placeOf(s *Section) int {
	order := func(name string) int {
		return slices.IndexFunc(Kept(), func(k string) bool { return letters(k) == letters(name) })
	}
	mine := order(in.category)
	for n := s.Line; n <= min(s.EndLine, len(in.lines)) && mine >= 0; n++ {
		if (n != s.Line || s.Title == "") && in.isHeading(n) && order(in.at(n)) > mine {
			return n - 1
		}
	}
	return in.filled(s.Line+in.underline(s.Line)*b2i(s.Title != ""), in.lastOf(s))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// lastOf is the last line of a section that a category may follow: link definitions at its end stay at the end.
func (in *inserter) lastOf(s *Section) int {
	end := in.filled(s.Line, min(s.EndLine, len(in.lines)))
	for end > s.Line && (reference.MatchString(in.at(end)) || blank(in.at(end)) || strings.HasPrefix(in.at(end), "..")) {
		end--
	}
	return end
}

func (in *inserter) isHeading(n int) bool {
	line := strings.TrimSpace(in.at(n))
	return line != "" && (strings.HasPrefix(line, "#") || adornment(in.at(n+1)) != 0 && adornment(line) == 0 || strings.HasPrefix(line, "**") && strings.HasSuffix(strings.TrimRight(line, ":"), "**"))
}

var hashes = patterns.New(`^( {0,3})(#{1,6})([ \t]*)`)

// categoryHeading is the heading of the new category, as others are written here.
func (in *inserter) categoryHeading(unreleased *Section) []string {
	for _, s := range in.f.sections() {
		seen := ""
		for _, e := range s.Entries {
			if e.Category == "" || e.Category == seen {
				continue
			}
			seen = e.Category
			for n := e.Line - 1; n > s.Line-b2i(s.Title == "") && n > e.Line-4; n-- {
				if letters(in.at(n)) == letters(e.Category) && letters(in.at(n)) != "" {
					return in.like(n)
				}
			}
		}
	}
	if m := hashes.FindStringSubmatch(in.at(unreleased.Line)); m != nil {
		return []string{m[1] + m[2] + "# " + in.category}
	}
	switch in.f.Style {
	case Setext:
		return []string{"### " + in.category}
	case RST:
		mark := adornment(in.at(unreleased.Line + 1))
		under := "~"
		if mark == '~' {
			under = "^"
		}
		return []string{in.category, strings.Repeat(under, max(4, len([]rune(in.category))))}
	}
	return []string{in.category + ":"}
}

// like writes the category as the heading at line n is written.
func (in *inserter) like(n int) []string {
	line := in.at(n)
	if m := hashes.FindStringSubmatch(line); m != nil {
		tail := ""
		if rest := strings.TrimRight(line, " "); strings.HasSuffix(rest, m[2]) && len(rest) > len(m[0])+len(m[2]) {
			tail = " " + m[2]
		}
		return []string{m[1] + m[2] + or(m[3], " ") + in.category + tail}
	}
	trimmed := strings.TrimSpace(line)
	indent := lead(line)
	switch {
	case adornment(in.at(n+1)) != 0:
		under := string(adornment(in.at(n + 1)))
		return []string{indent + in.category, strings.Repeat(under, max(3, len([]rune(in.category))))}
	case strings.HasPrefix(trimmed, "**") && strings.HasSuffix(trimmed, "**:"):
		return []string{indent + "**" + in.category + "**:"}
	case strings.HasPrefix(trimmed, "**") && strings.HasSuffix(trimmed, ":**"):
		return []string{indent + "**" + in.category + ":**"}
	case strings.HasPrefix(trimmed, "**"):
		return []string{indent + "**" + in.category + "**"}
	case strings.HasSuffix(trimmed, ":"):
		return []string{indent + in.category + ":"}
	}
	return []string{indent + in.category}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// begin makes the heading of what is to be released, with the category and the entry below it: where the newest version
// stands, or behind what introduces the file.
func (in *inserter) begin() error {
	newest := in.f.Newest()
	if newest != nil && newest.Package != "" && !in.f.distinct() {
		return refuse("it tells of several packages, and none has a heading for what is to be released")
	}
	at := in.lastOf(&Section{Line: 0, EndLine: len(in.lines)})
	title := []string{"## [Unreleased]"}
	switch {
	case newest != nil && in.f.Ascending:
		title = in.unreleasedLike(newest)
		at = in.filled(newest.Line, min(newest.EndLine, len(in.lines)))
	case newest != nil:
		title = in.unreleasedLike(newest)
		at = newest.Line - 1
		if adornment(in.at(at)) != 0 && adornment(in.at(at)) == adornment(in.at(newest.Line+1)) {
			at-- // the line above an underlined title
		}
		at = in.anchored(at)
	case in.f.Style != Markdown && in.f.Style != KeepAChangelog:
		return refuse("it has no version yet to tell how headings are written in it")
	}
	lines := title
	if in.category != "" {
		lines = append(append(lines, ""), in.categoryHeading(&Section{Line: max(1, lineOf(newest))})...)
	}
	if in.spaced() || in.category == "" && len(title) == 1 && !strings.HasPrefix(title[0], "#") {
		lines = append(lines, "")
	}
	lines = append(lines, in.usual()+in.words)
	in.paste(at, lines)
	return nil
}

// anchored goes up over the anchors that belong to the heading below line n.
func (in *inserter) anchored(n int) int {
	for i := n; i > 0; i-- {
		switch line := strings.TrimSpace(in.at(i)); {
		case strings.HasPrefix(line, "<a ") || strings.HasPrefix(line, ".. _"):
			n = i - 1
		case line != "":
			return n
		}
	}
	return n
}

func lineOf(v *Version) int {
	if v == nil {
		return 0
	}
	return v.Line
}

// unreleasedLike is the heading of what is to be released, in the form of the newest version's.
func (in *inserter) unreleasedLike(v *Version) []string {
	line := in.at(v.Line)
	if m := hashes.FindStringSubmatch(line); m != nil {
		word := "Unreleased"
		if strings.HasPrefix(line[len(m[0]):], "[") {
			word = "[Unreleased]"
		}
		return []string{m[1] + m[2] + or(m[3], " ") + word}
	}
	if mark := adornment(in.at(v.Line + 1)); mark != 0 {
		under := strings.Repeat(string(mark), 10)
		if adornment(in.at(v.Line-1)) == mark {
			return []string{under, "Unreleased", under}
		}
		return []string{"Unreleased", under}
	}
	if t := strings.TrimSpace(line); strings.HasPrefix(t, "**") {
		return []string{"**Unreleased**"}
	}
	return []string{lead(line) + "Unreleased"}
}
