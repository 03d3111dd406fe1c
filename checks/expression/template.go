package expression

import (
	"fmt"
	"strings"
	"unicode"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/traits"
)

// mostText bounds what a message may grow to, in characters.
const mostText = 1000

// Template is a text with "{{expression}}" inside. It is safe for concurrent use.
type Template struct {
	Source string
	parts  []part
}

// part is a piece of plain text, or an expression.
type part struct {
	text string
	run  *Program
}

// CompileTemplate compiles a message. The error is an *Error, placed in the whole text.
func CompileTemplate(src string) (*Template, error) {
	t := &Template{Source: src}
	rest, at := src, 0
	for {
		text, after, found := strings.Cut(rest, "{{")
		if i := strings.Index(text, "}}"); i >= 0 {
			return nil, place(src, at+i, 0, "}} stands here without {{ before it")
		}
		t.parts = append(t.parts, part{text: text})
		if !found {
			return t, nil
		}
		at += len(text) + 2
		end := closing(after)
		if end < 0 {
			return nil, place(src, at-2, 0, "{{ is not closed by }}")
		}
		p, err := compile(after[:end])
		if err != nil {
			e := err.(*Error)
			return nil, place(src, at, e.Column-1, e.Message)
		}
		if !printable(p.result) {
			return nil, place(src, at, 0, fmt.Sprintf("{{%s}} gives %s, which cannot be written into a text", after[:end], p.result))
		}
		t.parts = append(t.parts, part{run: p})
		at += end + 2
		rest = after[end+2:]
	}
}

// place is an error at a byte of the source, some columns further on.
func place(src string, at, columns int, message string) *Error {
	before := src[:at]
	return &Error{1 + strings.Count(before, "\n"), 1 + len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + columns, message}
}

// closing returns where the }} that ends an expression stands: outside its quotes and braces. -1: nowhere.
func closing(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\'', '"':
			for i++; i < len(s) && s[i] != c; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case '{':
			depth++
		case '}':
			if depth == 0 && strings.HasPrefix(s[i:], "}}") {
				return i
			}
			depth--
		}
	}
	return -1
}

func printable(t *cel.Type) bool {
	switch t.Kind() {
	case types.StringKind, types.IntKind, types.UintKind, types.DoubleKind, types.BoolKind:
		return true
	case types.ListKind:
		return t.Parameters()[0].IsExactType(cel.StringType)
	}
	return false
}

// Text fills the template in, on one line, without control characters and within 1000 characters. An error says which
// part of it has no value.
func (t *Template) Text(b *Binding) (string, error) {
	var out strings.Builder
	for _, p := range t.parts {
		if p.run == nil {
			out.WriteString(p.text)
			continue
		}
		v, err := p.run.value(b)
		if err != nil {
			return "", fmt.Errorf("{{%s}}: %w", p.run.Source, err)
		}
		out.WriteString(written(v))
		if out.Len() > 4*mostText {
			break
		}
	}
	return legible(out.String()), nil
}

// written is a value as a text shows it.
func written(v any) string {
	if list, ok := v.(traits.Lister); ok {
		var words []string
		for it := list.Iterator(); it.HasNext() == types.True && len(words) < mostText; {
			words = append(words, written(it.Next()))
		}
		return strings.Join(words, ", ")
	}
	if s, ok := v.(types.String); ok {
		return string(s)
	}
	return fmt.Sprint(v.(interface{ Value() any }).Value())
}

// legible leaves out what could make a text look like another: control and direction characters, line ends.
func legible(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > mostText {
		s = string(r[:mostText-1]) + "…"
	}
	return s
}
