package changelog

import "bytes"

// maxIndent is how many columns of indentation are looked at: nobody nests deeper, and a text that does would cost its
// square.
const maxIndent = 40

// tame blanks out front matter and cuts indentation built to be slow. Lines keep their numbers.
func tame(source string) []byte {
	src := []byte(source)
	if bytes.HasPrefix(src, []byte("---\n")) {
		if end := bytes.Index(src[3:], []byte("\n---\n")); end >= 0 && end < 64<<10 {
			for i := range src[:3+end+4] {
				if src[i] != '\n' {
					src[i] = ' '
				}
			}
		}
	}
	out, changed := src[:0], false
	for rest := src; len(rest) > 0; {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line = rest[:i+1]
		}
		rest = rest[len(line):]
		if cut := nesting(line); cut > 0 {
			if !changed {
				out, changed = append(make([]byte, 0, len(src)), src[:len(src)-len(rest)-len(line)]...), true
			}
			line = line[cut:]
		}
		if changed {
			out = append(out, line...)
		}
	}
	if changed {
		return out
	}
	return src
}

// maxMarks is how many marks of lists and quotes at the start of one line are looked at.
const maxMarks = 8

// nesting returns how many bytes at the start of a line are nesting beyond what is looked at.
func nesting(line []byte) int {
	i, marks := 0, 0
	var at [maxMarks]int // where the last marks start
	for i < len(line) {
		if n := mark(line[i:]); n > 0 {
			at[marks%maxMarks] = i
			marks, i = marks+1, i+n
		} else if line[i] == ' ' || line[i] == '\t' {
			i++
		} else {
			break
		}
	}
	switch {
	case marks > maxMarks:
		return at[marks%maxMarks]
	case marks == 0 && i > maxIndent:
		return i - maxIndent
	}
	return 0
}

// mark is the length of a mark of a quote or a list at the start of s, or 0.
func mark(s []byte) int {
	n := 0
	switch {
	case s[0] == '>':
		return 1
	case s[0] == '-' || s[0] == '+' || s[0] == '*':
		n = 1
	default:
		for n < len(s) && n < 10 && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		if n == 0 || n == len(s) || s[n] != '.' && s[n] != ')' {
			return 0
		}
		n++
	}
	if n < len(s) && s[n] != ' ' && s[n] != '\t' {
		return 0
	}
	return n
}
