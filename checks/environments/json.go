package environments

import (
	"encoding/json"
	"errors"
	"io"
	"sort"
	"strings"
)

// readJSON reads one value. Comments and commas at the end are blanked out first, since ASP.NET allows them.
func readJSON(text string) ([]*node, error) {
	plain := uncomment(text)
	p := &jsonParser{dec: json.NewDecoder(strings.NewReader(plain)), lines: lineStarts(plain)}
	p.dec.UseNumber()
	n, err := p.value(0)
	if err == nil {
		if _, more := p.dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one value")
		}
	}
	if errors.Is(err, ErrTooLarge) {
		return nil, err
	}
	if err != nil {
		if strings.TrimSpace(plain) == "" {
			return nil, nil
		}
		return nil, &SyntaxError{Format: "JSON", Line: p.line()}
	}
	return []*node{n}, nil
}

type jsonParser struct {
	dec   *json.Decoder
	lines []int // offsets at which lines start
}

// line is that of the token read last.
func (p *jsonParser) line() int {
	return sort.SearchInts(p.lines, int(p.dec.InputOffset()))
}

func lineStarts(text string) []int {
	starts := []int{0}
	for i := range len(text) {
		if text[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

func (p *jsonParser) value(depth int) (*node, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, ErrTooLarge
	}
	n := &node{line: p.line()}
	switch v := t.(type) {
	case json.Delim:
		if v == '[' {
			n.kind = list
			return n, p.list(n, depth)
		}
		if v == '{' {
			n.kind = mapping
			return n, p.object(n, depth)
		}
		return nil, errors.New("a closing bracket")
	case string:
		n.value = v
	case json.Number:
		n.value = v.String()
	case bool:
		n.value = map[bool]string{true: "true", false: "false"}[v]
	}
	return n, nil
}

func (p *jsonParser) list(n *node, depth int) error {
	for p.dec.More() {
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err := p.dec.Token()
	return err
}

func (p *jsonParser) object(n *node, depth int) error {
	for p.dec.More() {
		t, err := p.dec.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		line := p.line()
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.set(name, line, item)
	}
	_, err := p.dec.Token()
	return err
}

// uncomment replaces comments and trailing commas by blanks, so that all offsets stay.
func uncomment(text string) string {
	if !strings.Contains(text, "//") && !strings.Contains(text, "/*") && !strings.Contains(text, ",") {
		return text
	}
	b := []byte(text)
	comma := -1 // the last comma with nothing after it yet
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			comma = -1
			i = endOfString(b, i)
		case c == '/' && i+1 < len(b) && (b[i+1] == '/' || b[i+1] == '*'):
			i = blankComment(b, i)
		case c == ',':
			comma = i
		case c == '}' || c == ']':
			if comma >= 0 {
				b[comma] = ' '
			}
			comma = -1
		case c != ' ' && c != '\t' && c != '\n' && c != '\r':
			comma = -1
		}
	}
	return string(b)
}

func endOfString(b []byte, i int) int {
	for i++; i < len(b) && b[i] != '"' && b[i] != '\n'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i
}

func blankComment(b []byte, i int) int {
	line := b[i+1] == '/'
	for from := i; i < len(b); i++ {
		if line && b[i] == '\n' {
			return i
		}
		if !line && i > from+2 && b[i] == '/' && b[i-1] == '*' {
			b[i] = ' '
			for j := from; j < i; j++ {
				if b[j] != '\n' {
					b[j] = ' '
				}
			}
			return i
		}
		if line {
			b[i] = ' '
		}
	}
	return i
}
