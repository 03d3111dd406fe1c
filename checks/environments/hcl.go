package environments

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// readHCL reads variables and blocks by HCL's own parser. Nothing is evaluated: an expression that is no literal
// has no value.
func readHCL(text string) ([]*node, error) {
	if deepHCL(text) {
		return nil, ErrTooLarge
	}
	file, diags := hclsyntax.ParseConfig([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		e := &SyntaxError{Format: "HCL"}
		if at := diags[0].Subject; at != nil {
			e.Line = at.Start.Line
		}
		return nil, e
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, &SyntaxError{Format: "HCL"}
	}
	t := &hclTree{left: 5 * maxKeys}
	root := t.body(body, 0)
	if t.left <= 0 {
		return nil, ErrTooLarge
	}
	return []*node{root}, nil
}

// deepHCL says that HCL's parser, which recurses, could run out of stack: brackets are counted for all formats, and
// here also signs in a row, conditions and template directives.
func deepHCL(text string) bool {
	signs := 0
	for i := range len(text) {
		switch text[i] {
		case '!', '-':
			if signs++; signs > maxNest {
				return true
			}
		case ' ', '\t', '\r', '\n':
		default:
			signs = 0
		}
	}
	return strings.Count(text, "?") > maxNest || strings.Count(text, "%{") > maxNest
}

type hclTree struct{ left int }

func (t *hclTree) body(b *hclsyntax.Body, depth int) *node {
	n := &node{kind: mapping, line: b.SrcRange.Start.Line}
	if t.left--; depth > maxDepth || t.left <= 0 {
		t.left = 0
		return n
	}
	for _, a := range sortedAttributes(b) {
		n.set(a.Name, a.NameRange.Start.Line, t.expression(a.Expr, depth+1))
	}
	for _, block := range b.Blocks {
		name := strings.Join(append([]string{block.Type}, block.Labels...), ".")
		n.set(name, block.TypeRange.Start.Line, t.body(block.Body, depth+1))
	}
	return n
}

func (t *hclTree) expression(e hclsyntax.Expression, depth int) *node {
	n := &node{line: e.Range().Start.Line}
	if t.left--; depth > maxDepth || t.left <= 0 {
		t.left = 0
		return n
	}
	switch e := e.(type) {
	case *hclsyntax.ObjectConsExpr:
		n.kind = mapping
		for _, item := range e.Items {
			n.set(hclName(item.KeyExpr), item.KeyExpr.Range().Start.Line, t.expression(item.ValueExpr, depth+1))
		}
	case *hclsyntax.TupleConsExpr:
		n.kind = list
		for _, item := range e.Exprs {
			n.items = append(n.items, t.expression(item, depth+1))
		}
	default:
		n.value = hclLiteral(e)
	}
	return n
}

func hclName(e hclsyntax.Expression) string {
	if k := hcl.ExprAsKeyword(e); k != "" {
		return k
	}
	if s := hclLiteral(e); s != "" {
		return s
	}
	return "?"
}

// hclLiteral is the text of a plain string; anything else is not looked at.
func hclLiteral(e hclsyntax.Expression) string {
	if w, ok := e.(*hclsyntax.ObjectConsKeyExpr); ok {
		e = w.Wrapped
	}
	if t, ok := e.(*hclsyntax.TemplateExpr); ok && t.IsStringLiteral() {
		if v, diags := t.Value(nil); !diags.HasErrors() && !v.IsNull() {
			return v.AsString()
		}
	}
	return ""
}

func sortedAttributes(b *hclsyntax.Body) []*hclsyntax.Attribute {
	var as []*hclsyntax.Attribute
	for _, a := range b.Attributes {
		as = append(as, a)
	}
	slices.SortFunc(as, func(a, b *hclsyntax.Attribute) int { return a.NameRange.Start.Byte - b.NameRange.Start.Byte })
	return as
}
