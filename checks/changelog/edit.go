package changelog

import (
	"fmt"
	"strings"
)

// Refusal says in a sentence why a text is not edited.
type Refusal struct{ Why string }

func (r *Refusal) Error() string { return r.Why }

func refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// sheet is a text by its lines, each with the ending that it has, so that what is not edited stays as it is to the byte.
// Its lines are counted as Parse counts them.
type sheet struct {
	lines []string
	eol   string // what most lines end with
}

func newSheet(text string) *sheet {
	s := &sheet{eol: "\n"}
	if strings.Count(text, "\r\n")*2 > strings.Count(text, "\n") {
		s.eol = "\r\n"
	}
	for text != "" {
		i := strings.IndexAny(text, "\r\n")
		switch {
		case i < 0:
			i = len(text)
		case strings.HasPrefix(text[i:], "\r\n"):
			i += 2
		default:
			i++
		}
		s.lines, text = append(s.lines, text[:i]), text[i:]
	}
	return s
}

func (s *sheet) String() string { return strings.Join(s.lines, "") }

// at is line n, from 1, without its ending; "" where there is none.
func (s *sheet) at(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	line := strings.TrimRight(s.lines[n-1], "\r\n")
	if n == 1 {
		line = strings.TrimPrefix(line, "\ufeff")
	}
	return line
}

// insert puts lines behind line n; 0 is before the first. A text whose last line has no ending keeps it that way.
func (s *sheet) insert(n int, lines ...string) {
	n = min(n, len(s.lines))
	var added []string
	for _, l := range lines {
		added = append(added, l+s.eol)
	}
	if n > 0 && n == len(s.lines) && !strings.HasSuffix(s.lines[n-1], "\n") && !strings.HasSuffix(s.lines[n-1], "\r") {
		s.lines[n-1] += s.eol
		added[len(added)-1] = lines[len(lines)-1]
	}
	if n == 0 && len(s.lines) > 0 && strings.HasPrefix(s.lines[0], "\ufeff") {
		added[0], s.lines[0] = "\ufeff"+added[0], strings.TrimPrefix(s.lines[0], "\ufeff")
	}
	s.lines = append(s.lines[:n:n], append(added, s.lines[n:]...)...)
}

// replace writes another text into line n and leaves its ending.
func (s *sheet) replace(n int, line string) {
	old := s.lines[n-1]
	end := old[len(strings.TrimRight(old, "\r\n")):]
	if n == 1 && strings.HasPrefix(old, "\ufeff") {
		line = "\ufeff" + line
	}
	s.lines[n-1] = line + end
}

// filled is the last line that is not blank, from line `from` on and up to line `to`; from-1 when there is none.
func (s *sheet) filled(from, to int) int {
	for to >= from && blank(s.at(to)) {
		to--
	}
	return to
}
