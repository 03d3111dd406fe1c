package gate

import (
	"testing"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// outline is the tree of a text, with what is struck out told like what is stressed.
func outline(source string, strike parser.InlineParser) (list []string) {
	p := parser.NewParser(parser.WithBlockParsers(parser.DefaultBlockParsers()...), parser.WithInlineParsers(
		util.Prioritized(parser.NewEmphasisParser(), 500), util.Prioritized(strike, 500)))
	_ = ast.Walk(p.Parse(text.NewReader([]byte(source))), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		kind := n.Kind().String()
		if kind == "Strikethrough" {
			kind = "Emphasis"
		}
		if entering {
			kind += "("
		}
		if t, ok := n.(*ast.Text); ok && entering {
			kind += string(t.Value([]byte(source)))
		}
		list = append(list, kind)
		return ast.WalkContinue, nil
	})
	return list
}

// What is struck out is found where goldmark's own extension finds it.
func FuzzStruck(f *testing.F) {
	for _, s := range []string{"~a~", "~~a~~", "~~a~", "~~~a~~~", "a~b~c", "~ a ~", "~~a\nb~~", "*~a*~", "~*a~*", "~~", "\\~a~", "~~a ~b~~ c~", "é~a~é", "~~**a**~~ ~"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, want := outline(s, struck{}), outline(s, extension.NewStrikethroughParser())
		if len(got) != len(want) {
			t.Fatalf("outline(%q) = %q, want %q", s, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("outline(%q) = %q, want %q", s, got, want)
			}
		}
	})
}
