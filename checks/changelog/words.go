package changelog

import (
	"html"
	"strings"
)

// Words is the text of an entry as a reader sees it: without markup, comments, link targets and line breaks. Two
// entries with equal Words differ in form alone. It is linear in raw, whatever is in there.
func Words(raw string) string { return plain(raw, false) }

// plain strips markup in one pass. Titles keep their brackets, which say what in them is a version.
func plain(raw string, brackets bool) string {
	if !strings.ContainsAny(raw, "<[]*_`\\&~!") {
		return squeeze(raw)
	}
	s := &stripper{raw: raw, brackets: brackets}
	s.out.Grow(len(raw))
	for s.i < len(raw) {
		s.step()
	}
	text := s.out.String()
	if strings.IndexByte(text, '&') >= 0 {
		text = html.UnescapeString(text)
	}
	return squeeze(text)
}

// squeeze joins the fields of s by single spaces; it returns s itself when there is nothing to do.
func squeeze(s string) string {
	space := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x80 || c < ' ' || c == ' ' && space {
			return strings.Join(strings.Fields(s), " ")
		}
		space = c == ' '
	}
	if space {
		return strings.TrimRight(s, " ")
	}
	return s
}

// stripper walks raw once. The positions of closing marks are remembered, so that text built of opening ones alone
// is not searched again and again.
type stripper struct {
	raw      string
	brackets bool
	i        int
	out      strings.Builder
	ahead    map[string]int
}

// find returns where mark comes next, from position from on, or -1.
func (s *stripper) find(mark string, from int) int {
	if at, ok := s.ahead[mark]; ok && (at < 0 || at >= from) {
		return at
	}
	at := -1
	if from < len(s.raw) {
		if at = strings.Index(s.raw[from:], mark); at >= 0 {
			at += from
		}
	}
	if s.ahead == nil {
		s.ahead = make(map[string]int, 4)
	}
	s.ahead[mark] = at
	return at
}

func (s *stripper) step() {
	switch c := s.raw[s.i]; c {
	case '\\':
		if s.i++; s.i < len(s.raw) {
			s.out.WriteByte(s.raw[s.i])
			s.i++
		}
	case '`':
		s.code()
	case '<':
		s.tag()
	case '!':
		if strings.HasPrefix(s.raw[s.i:], "![") {
			s.image()
			return
		}
		s.keep(c)
	case '[':
		if s.brackets {
			s.out.WriteByte(c)
		}
		s.i++
	case ']':
		s.target()
	case '*', '~':
		s.i++
	case '_':
		s.underscore()
	default:
		s.keep(c)
	}
}

func (s *stripper) keep(c byte) {
	s.out.WriteByte(c)
	s.i++
}

// code copies what stands between backticks as it is.
func (s *stripper) code() {
	n := 1
	for s.i+n < len(s.raw) && s.raw[s.i+n] == '`' {
		n++
	}
	s.i += n
	if n > 8 {
		return // a fence or an underline, no code span
	}
	if end := s.find("````````"[:n], s.i); end >= 0 {
		s.out.WriteString(s.raw[s.i:end])
		s.i = end + n
	}
}

// tag drops comments and well-known elements, and keeps addresses and anything else in angle brackets.
func (s *stripper) tag() {
	rest := s.raw[s.i:]
	if strings.HasPrefix(rest, "<!--") {
		if end := s.find("-->", s.i+4); end >= 0 {
			s.i = end + 3
		} else {
			s.i = len(s.raw) // hidden to the end, as browsers have it
		}
		s.out.WriteByte(' ')
		return
	}
	end := s.find(">", s.i)
	if end < 0 || end-s.i > 2000 {
		s.keep('<')
		return
	}
	inner := s.raw[s.i+1 : end]
	switch name := elementName(inner); {
	case strings.Contains(inner, "://") && !strings.Contains(inner, " "):
		s.out.WriteString(inner)
	case name != "" && strings.Contains(elements, " "+name+" "):
		s.out.WriteByte(' ')
	default:
		s.keep('<')
		return
	}
	s.i = end + 1
}

const elements = " a abbr b blockquote br center code dd del details div dl dt em font h1 h2 h3 h4 h5 h6 hr i img ins kbd li " +
	"ol p picture pre q s small source span strike strong sub summary sup table tbody td th thead tr u ul video "

func elementName(inner string) string {
	inner = strings.TrimPrefix(inner, "/")
	end := 0
	for end < len(inner) && end < 12 && (inner[end]|0x20 >= 'a' && inner[end]|0x20 <= 'z' || inner[end] >= '0' && inner[end] <= '9') {
		end++
	}
	if end < len(inner) && !strings.ContainsRune(" /\t\n", rune(inner[end])) {
		return ""
	}
	return strings.ToLower(inner[:end])
}

// image drops a picture, the words that stand in for it included: they are not shown.
func (s *stripper) image() {
	if end := s.find("](", s.i); end >= 0 {
		if end = s.find(")", end); end >= 0 && end-s.i < 4000 {
			s.i = end + 1
			return
		}
	}
	s.i += 2
}

// target drops what a link points at: its words stay.
func (s *stripper) target() {
	if s.brackets {
		s.out.WriteByte(']')
	}
	s.i++
	if s.i >= len(s.raw) {
		return
	}
	closing := map[byte]string{'(': ")", '[': "]"}[s.raw[s.i]]
	if closing == "" || closing == "]" && s.brackets {
		return
	}
	if end := s.find(closing, s.i); end >= 0 && end-s.i < 4000 && (closing == "]" || destination(s.raw[s.i+1:end])) {
		s.i = end + 1
	}
}

// destination says whether t is what a link may point at: one word, perhaps with a title in quotes behind it. Words
// in plain parentheses are shown, so they count.
func destination(t string) bool {
	t = strings.TrimSpace(t)
	i := strings.IndexAny(t, " \t\n")
	return i < 0 || t[0] == '<' || strings.ContainsAny(strings.TrimSpace(t[i:])[:1], "\"'")
}

// underscore keeps those within names and drops those that stand for emphasis.
func (s *stripper) underscore() {
	before := s.i > 0 && wordy(s.raw[s.i-1])
	after := s.i+1 < len(s.raw) && wordy(s.raw[s.i+1])
	if before && after {
		s.out.WriteByte('_')
	}
	s.i++
}

func wordy(c byte) bool {
	return c >= 0x80 || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
