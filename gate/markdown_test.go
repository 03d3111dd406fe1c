package gate

import (
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

func TestEscape(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"plain words stay":                  {"Add an entry.", "Add an entry."},
		"code stays code":                   {"run `git tag v1`", "run `git tag v1`"},
		"a mention is none":                 {"@acme/ops look", "&#64;&#8203;acme/ops look"},
		"nor after a bracket":               {"(@all)", "&#40;&#64;&#8203;all&#41;"},
		"nor after a letter that is none":   {"é@all `@all` _@all", "é&#64;&#8203;all `@all` &#95;&#64;&#8203;all"},
		"an address stays one":              {"ana@acme.example", "ana&#64;acme.example"},
		"a link is none":                    {"[x](https://evil)", "&#91;x&#93;&#40;https&#58;//evil&#41;"},
		"HTML is none":                      {"<img src=x>", "&#60;img src=x&#62;"},
		"a lone backtick opens nothing":     {"a ` b", "a &#96; b"},
		"line breaks end no cell":           {"a\n| b", "a &#124; b"},
		"direction characters are left out": {"a\u202egpj.exe", "agpj.exe"},
		"a pipe in code ends no cell":       {"`a|b`", "<code>a&#124;b</code>"},
		"broken UTF-8 is left out":          {"a\xffb", "ab"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := escape(c.in); got != c.want {
				t.Errorf("escape(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", " ": "", "a": "a", "a b~!": "a b~!", " a": "a", "a ": "a", "a  b": "a b", "a\tb": "a b", "a\nb": "a b", "a\x1bb": "ab", "a\x7fb": "ab",
		"a\u00a0b": "a b", "é": "é", "a\u202eb": "ab", "a\xffb": "ab", "a\ufffdb": "ab",
	} {
		if got := Plain(in); got != want {
			t.Errorf("Plain(%q) = %q, want %q", in, got, want)
		}
	}
}

// Whatever a title says, no link, image or HTML of its making may come out of the Markdown.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"[a](b)", "![a](b)", "<script>", "`a` `b", "**b** _c_ ~d~", "http://x.y", "a | b", "&lt;", "\\`[x](y)`", "1. a", "# b", "`` ` ``"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		source := []byte("- x " + escape(s))
		doc := goldmark.DefaultParser().Parse(text.NewReader(source))
		err := ast.Walk(doc, func(n ast.Node, in bool) (ast.WalkStatus, error) {
			switch n := n.(type) {
			case *ast.Link, *ast.Image, *ast.AutoLink, *ast.HTMLBlock:
				t.Errorf("escape(%q) = %q makes a %s", s, source, n.Kind())
			case *ast.RawHTML:
				if raw := string(n.Segments.Value(source)); raw != "<code>" && raw != "</code>" {
					t.Errorf("escape(%q) = %q makes the tag %s", s, source, raw)
				}
			}
			return ast.WalkContinue, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestFence(t *testing.T) {
	t.Parallel()
	got := fence("a\n```\n</details>")
	if !strings.HasPrefix(got, "````\n") || !strings.HasSuffix(got, "\n````") {
		t.Errorf("fence with a fence inside = %q, want a longer fence around it", got)
	}
}
