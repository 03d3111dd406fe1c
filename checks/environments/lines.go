package environments

import (
	"strconv"
	"strings"
)

// readDotenv reads KEY=value lines as the dotenv libraries agree on them: `export` before, quotes that may span
// lines, `#` comments. A line that is none of it is passed over, as the libraries do. No library in use keeps lines.
func readDotenv(text string) ([]*node, error) {
	d := &node{kind: mapping, line: 1}
	lines := splitLines(text)
	strange := 0
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || line[0] == '#' {
			continue
		}
		line = strings.TrimSpace(strings.TrimPrefix(line, "export "))
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			name, value, ok = strings.Cut(line, ": ")
		}
		name = strings.TrimSpace(name)
		if !ok || !dotenvName(name) {
			if strange == 0 {
				strange = i + 1
			}
			continue
		}
		at := i + 1
		value, i = dotenvValue(strings.TrimSpace(value), lines, i)
		d.set(name, at, &node{line: at, value: value})
	}
	if len(d.items) == 0 && strange > 0 {
		return nil, &SyntaxError{Format: "environment file", Line: strange}
	}
	return []*node{d}, nil
}

func dotenvName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c == '_' || c == '.' || c == '-' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') {
			return false
		}
	}
	return s != ""
}

// dotenvValue takes the quotes off a value, reading on when they close on a later line. One that never closes ends
// with its own line, lest it swallow the file.
func dotenvValue(v string, lines []string, i int) (string, int) {
	if v == "" || v[0] != '"' && v[0] != '\'' && v[0] != '`' {
		if j := strings.Index(v, " #"); j >= 0 {
			v = strings.TrimSpace(v[:j])
		}
		return v, i
	}
	quote := v[0]
	if end := closing(v[1:], quote); end >= 0 {
		return v[1 : 1+end], i
	}
	parts := []string{v[1:]}
	for j := i + 1; j < len(lines) && j < i+200; j++ {
		if end := closing(lines[j], quote); end >= 0 {
			return strings.Join(append(parts, lines[j][:end]), "\n"), j
		}
		parts = append(parts, lines[j])
	}
	return v[1:], i
}

// closing finds the quote in s that is not escaped, or -1.
func closing(s string, quote byte) int {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && quote == '"' {
			i++
		} else if s[i] == quote {
			return i
		}
	}
	return -1
}

func splitLines(text string) []string {
	return strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\n")
}

// readProperties reads Java's properties, as java.util.Properties does.
func readProperties(text string) ([]*node, error) {
	d := &node{kind: mapping, line: 1}
	lines := splitLines(text)
	for i := 0; i < len(lines); i++ {
		line := strings.TrimLeft(lines[i], " \t\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		at := i + 1
		if odd(line) {
			var b strings.Builder
			for odd(line) && i+1 < len(lines) {
				b.WriteString(line[:len(line)-1])
				i++
				line = strings.TrimLeft(lines[i], " \t\f")
			}
			b.WriteString(line)
			line = b.String()
		}
		name, value := property(line)
		d.set(name, at, &node{line: at, value: value})
	}
	return []*node{d}, nil
}

// odd says that the line ends in an odd number of backslashes: it goes on.
func odd(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// property cuts a logical line at the first `=`, `:` or blank that is not escaped.
func property(line string) (name, value string) {
	i := 0
	for i < len(line) && !strings.ContainsRune("=: \t\f", rune(line[i])) {
		if line[i] == '\\' {
			i++
		}
		i++
	}
	i = min(i, len(line))
	value = strings.TrimLeft(line[i:], " \t\f")
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], " \t\f")
	}
	return unescape(line[:i]), unescape(value)
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'u':
			if i+4 < len(s) {
				if r, err := strconv.ParseUint(s[i+1:i+5], 16, 16); err == nil {
					b.WriteRune(rune(r))
					i += 4
					continue
				}
			}
			b.WriteByte('u')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// readINI reads sections of name = value lines.
func readINI(text string) ([]*node, error) {
	root := &node{kind: mapping, line: 1}
	section := root
	for i, line := range splitLines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			name := strings.TrimSpace(strings.Trim(line, "[]"))
			if section = root.child(name); section == nil || section.kind != mapping {
				section = &node{kind: mapping, line: i + 1}
				root.set(name, i+1, section)
			}
		default:
			name, value, ok := strings.Cut(line, "=")
			if c, v, colon := strings.Cut(line, ":"); colon && (!ok || len(c) < len(name)) {
				name, value, ok = c, v, true
			}
			if ok {
				section.set(strings.TrimSpace(name), i+1, &node{line: i + 1, value: strings.TrimSpace(value)})
			}
		}
	}
	return []*node{root}, nil
}
