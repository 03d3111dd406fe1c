package compare

import "strings"

// Apply works out the text that a patch makes of another; Undo the one that it was made from. ok is false for a patch that
// is not whole, or that does not fit the text in each line that it shows.
func Apply(before, patch string) (after string, ok bool) { return applied(before, patch, '-', '+') }

// Undo is Apply backwards.
func Undo(after, patch string) (before string, ok bool) { return applied(after, patch, '+', '-') }

// piece is a text that is worked through line by line.
type piece struct {
	rest string
	at   int // number of the next line
	out  strings.Builder
	left bool // the end of what comes out lacks its newline
}

// applied takes the lines marked gone out of a text and puts those marked come in.
func applied(text, patch string, gone, come byte) (string, bool) {
	if _, _, whole := Hunks(patch); !whole {
		return "", false
	}
	p := &piece{rest: text, at: 1}
	lines := strings.Split(strings.TrimSuffix(patch, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		m := hunkHeader.FindStringSubmatch(lines[i])
		if m == nil {
			return "", false
		}
		start, count := m[1], m[2]
		other := m[4]
		if gone == '+' {
			start, count, other = m[3], m[4], m[2]
		}
		from, left := span(start, count)
		_, right := span("0", other)
		if left == 0 {
			from++ // an empty range stands behind the line that it names
		}
		if !p.upTo(from) {
			return "", false
		}
		for left > 0 || right > 0 || i+1 < len(lines) && strings.HasPrefix(lines[i+1], "\\") {
			if i++; i >= len(lines) {
				return "", false
			}
			line := lines[i]
			if line == "" {
				line = " "
			}
			bare := i+1 < len(lines) && strings.HasPrefix(lines[i+1], "\\") // it has no newline
			switch line[0] {
			case '\\':
				continue
			case gone:
				if left--; !p.take(line[1:], bare) {
					return "", false
				}
			case come:
				if right--; !p.put(line[1:], bare) {
					return "", false
				}
			case ' ':
				left, right = left-1, right-1
				if !p.take(line[1:], bare) || !p.put(line[1:], bare) {
					return "", false
				}
			}
		}
	}
	if p.rest != "" && p.left {
		return "", false
	}
	return p.out.String() + p.rest, true
}

// upTo copies what stands before the line with that number.
func (p *piece) upTo(n int) bool {
	for p.at < n {
		line, rest, ended := strings.Cut(p.rest, "\n")
		if !ended || p.left {
			return false
		}
		p.out.WriteString(line + "\n")
		p.rest, p.at = rest, p.at+1
	}
	return p.at == n
}

// take drops the next line, which has to be this one.
func (p *piece) take(want string, bare bool) bool {
	line, rest, ended := strings.Cut(p.rest, "\n")
	if line != want || ended == bare || !ended && line == "" && !bare {
		return false
	}
	p.rest, p.at = rest, p.at+1
	return true
}

// put writes a line.
func (p *piece) put(line string, bare bool) bool {
	if p.left {
		return false
	}
	p.out.WriteString(line)
	if p.left = bare; !bare {
		p.out.WriteString("\n")
	}
	return true
}
