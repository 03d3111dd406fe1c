package changelog

import (
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
)

// liner reads reStructuredText and plain text line by line. Such files are written more loosely than either format
// allows, so this is no parser of reStructuredText: it knows underlined titles, comments, directives, lists by their
// bullets and paragraphs by the blank lines between them.
type liner struct {
	left     *budget
	all      []string
	i        int
	rst      bool // only underlined titles are headings
	blocks   []block
	adorned  []string // the adornments met, outermost first
	depths   []int    // indentation of the items that are open
	indented bool     // the section's body is indented
}

var (
	bullet     = patterns.New(`^(\s*)([-*+•·‣]|o|\(?\d{1,3}[.)]|#\.)(?:\s+|$)`)
	outline    = patterns.New(`^(\*{1,4}) (\S.*)$`)
	debianHead = patterns.New(`^[a-z0-9][a-z0-9+.-]* \(([^)\s]+)\) ([A-Za-z][A-Za-z -]*);`)
	debianFoot = patterns.New(`^ -- .*>  ?(.*)$`)
	gnuHead    = patterns.New(`^(?:\d{4}-\d{2}-\d{2}|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} [ \d]\d \d\d:\d\d:\d\d .*\d{4})  ?\S.*(?:<|@)`)
)

// lines reads a text; with rst only underlined titles are headings, else lines that stand for themselves as well.
func lines(source string, rst bool, left *budget) []block {
	l := &liner{left: left, all: strings.Split(source, "\n"), rst: rst}
	for l.i < len(l.all) {
		l.next()
	}
	return l.blocks
}

func (l *liner) at(i int) string {
	if i < 0 || i >= len(l.all) {
		return ""
	}
	return l.all[i]
}

func (l *liner) next() {
	line := l.all[l.i]
	switch {
	case blank(line):
		l.i++
	case l.title():
	case adornment(line) != 0:
		l.i++ // a ruler
	case strings.HasPrefix(line, ".. ") || strings.TrimRight(line, " ") == "..":
		l.directive()
	case !l.rst && l.bareTitle(line):
	case bullet.MatchString(line):
		l.item(line)
	default:
		l.paragraph()
	}
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// adornment returns the character that a line repeats, three times or more, or 0.
func adornment(line string) byte {
	line = strings.TrimRight(line, " \t")
	if len(line) < 3 || strings.IndexByte("=-~^\"'`#*+.:_<>", line[0]) < 0 {
		return 0
	}
	if strings.Trim(line, line[:1]) != "" {
		return 0
	}
	return line[0]
}

// title reads an underlined title, with or without a line above it.
func (l *liner) title() bool {
	i := l.i
	over := adornment(l.at(i)) != 0
	if over {
		if i++; adornment(l.at(i)) != 0 {
			return false
		}
	}
	text, under := l.at(i), adornment(l.at(i+1))
	if blank(text) || under == 0 || len(text) > maxTitle || over && under != adornment(l.at(l.i)) {
		return false
	}
	if !over && (bullet.MatchString(text) || text[0] == ' ' && len(text)-len(strings.TrimLeft(text, " ")) > 3) {
		return false
	}
	if !over && len(strings.TrimRight(l.at(i+1), " ")) < 3+len(text)/4 {
		return false
	}
	style := string(under)
	if over {
		style += style
	}
	level := 0
	for level < len(l.adorned) && l.adorned[level] != style {
		level++
	}
	if level == len(l.adorned) {
		l.adorned = append(l.adorned, style)
	}
	l.blocks = append(l.blocks, block{kind: headingBlock, level: level + 1, line: i + 1, end: i + 2, text: strings.TrimSpace(text), setext: true})
	l.i, l.depths = i+2, nil
	return true
}

// directive skips a comment or a target; what a directive shows is a block.
func (l *liner) directive() {
	start := l.i
	first := strings.TrimSpace(strings.TrimPrefix(l.all[l.i], ".."))
	for l.i++; l.i < len(l.all) && (blank(l.all[l.i]) || l.all[l.i][0] == ' ' || l.all[l.i][0] == '\t'); l.i++ {
		if first == "" && blank(l.all[start+1]) {
			break // an empty comment does not take what follows
		}
	}
	if strings.Contains(first, "::") && !strings.HasPrefix(first, "_") {
		end := l.i
		for end > start+1 && blank(l.all[end-1]) {
			end--
		}
		l.blocks = append(l.blocks, block{kind: otherBlock, line: start + 1, end: end, text: strings.Join(l.all[start:end], "\n")})
	}
}

// bareTitle reads a line that names a version without any mark of a heading.
func (l *liner) bareTitle(line string) bool {
	if len(line) > 120 {
		return false
	}
	text, level := line, 10
	if m := outline.FindStringSubmatch(line); m != nil {
		text, level = m[2], 9+len(m[1])
		if len(m[1]) > 1 { // "** Bug fixes", or an entry of one line
			kind := headingBlock
			if strings.HasSuffix(text, ".") || len(strings.Fields(text)) > 6 {
				kind = itemBlock
			}
			l.blocks = append(l.blocks, block{kind: kind, level: level, line: l.i + 1, end: l.i + 1, text: text})
			l.i, l.depths = l.i+1, nil
			return true
		}
	}
	indent := len(line) - len(strings.TrimLeft(line, " \t"))
	alone := blank(l.at(l.i-1)) || adornment(l.at(l.i-1)) != 0
	if indent > 0 && !alone || strings.HasSuffix(text, ",") || bullet.MatchString(text) {
		return false
	}
	if !strings.ContainsAny(text, "0123456789") && !l.mayBePending(text) {
		return false
	}
	t := l.left.title(text)
	if t.weak || t.kind != versionTitle && t.kind != pendingTitle || t.kind == pendingTitle && !alone {
		return false
	}
	if indent > 0 && (l.indented || len(l.blocks) > 0 && !headed(text)) {
		return false
	}
	if !alone && !startsVersion(text) {
		return false
	}
	l.blocks = append(l.blocks, block{kind: headingBlock, level: level, line: l.i + 1, end: l.i + 1, text: strings.TrimSpace(text), title: &t})
	l.i, l.depths = l.i+1, nil
	l.indented = strings.HasPrefix(l.at(l.i), " ") || strings.HasPrefix(l.at(l.i), "\t") || blank(l.at(l.i)) && strings.HasPrefix(l.at(l.i+1), "  ")
	return true
}

// headed says whether an indented line says itself that it is a heading.
func headed(text string) bool {
	w := strings.ToLower(text)
	return strings.Contains(w, "version") || strings.Contains(w, "release") || strings.Contains(w, "changes")
}

// startsVersion says whether a line within a block of lines begins with a version, as "0.14:" does.
func startsVersion(text string) bool {
	f, ok := findVersion(text)
	return ok && f.start <= 9 && (f.start == 0 || headed(text)) && closed(text[f.end:])
}

func (l *liner) mayBePending(text string) bool {
	return len(text) < 60 && !strings.HasSuffix(text, ".") && l.left.title(text).kind == pendingTitle
}

// item reads an item of a list with the lines that belong to it.
func (l *liner) item(line string) {
	m := bullet.FindStringSubmatch(line)
	start, indent := l.i, width(m[1])
	parts := []string{strings.TrimSpace(line[len(m[0]):])}
	for l.i++; l.i < len(l.all); l.i++ {
		s := l.all[l.i]
		if blank(s) {
			if next := l.at(l.i + 1); blank(next) || width(lead(next)) <= indent || bullet.MatchString(next) {
				break
			}
			continue
		}
		if bullet.MatchString(s) || width(lead(s)) <= indent && (width(lead(s)) == 0 && indent > 0 || l.breaks(s)) {
			break
		}
		parts = append(parts, strings.TrimSpace(s))
	}
	for len(l.depths) > 0 && l.depths[len(l.depths)-1] >= indent {
		l.depths = l.depths[:len(l.depths)-1]
	}
	depth := len(l.depths)
	if depth < 20 {
		l.depths = append(l.depths, indent)
	}
	l.blocks = append(l.blocks, block{kind: itemBlock, depth: depth, line: start + 1, end: max(start+1, l.i), text: strings.TrimSpace(strings.Join(parts, "\n"))})
}

// breaks says whether a line that is not indented ends an item: a heading does, a lazy continuation does not.
func (l *liner) breaks(s string) bool {
	if adornment(l.at(l.i+1)) != 0 || adornment(s) != 0 || strings.HasPrefix(s, ".. ") {
		return true
	}
	if l.rst || len(s) > 120 || !strings.ContainsAny(s, "0123456789") {
		return false
	}
	t := l.left.title(s)
	return t.kind == versionTitle && !t.weak && startsVersion(s)
}

func lead(s string) string { return s[:len(s)-len(strings.TrimLeft(s, " \t"))] }

// width is how many columns blanks and tabs take.
func width(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] == '\t' {
			n += 8 - n%8
		} else {
			n++
		}
	}
	return n
}

// paragraph reads the lines up to a blank one. Where each line is a sentence of its own, each is a statement.
func (l *liner) paragraph() {
	start := l.i
	for l.i++; l.i < len(l.all) && !blank(l.all[l.i]) && !bullet.MatchString(l.all[l.i]) && !l.breaks(l.all[l.i]); l.i++ {
		previous := strings.TrimRight(l.all[l.i-1], " \t")
		if strings.ContainsRune(".!)", rune(previous[len(previous)-1])) && sentence(l.all[l.i]) && lead(l.all[l.i]) == lead(previous) ||
			strings.HasSuffix(previous, ":") {
			l.prose(start, l.i)
			start = l.i
		}
	}
	l.prose(start, l.i)
}

func sentence(s string) bool {
	s = strings.TrimLeft(s, " \t")
	return s != "" && s[0] >= 'A' && s[0] <= 'Z'
}

func (l *liner) prose(start, end int) {
	parts := make([]string, 0, end-start)
	for _, s := range l.all[start:end] {
		parts = append(parts, strings.TrimSpace(s))
	}
	l.depths = nil
	l.blocks = append(l.blocks, block{kind: proseBlock, line: start + 1, end: end, text: strings.Join(parts, "\n")})
}
