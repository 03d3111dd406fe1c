package patterns

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every expression that is written anywhere compiles, though nothing compiles it at start.
func TestAllCompile(t *testing.T) {
	t.Parallel()
	seen := 0
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 || !names(call.Fun) {
				return true
			}
			if text, ok := written(call.Args[0]); ok {
				seen++
				if _, err := regexp.Compile(text); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || seen < 80 {
		t.Errorf("found %d expressions (%v), want all of them", seen, err)
	}
}

// Nothing compiles an expression at start: every command would wait for it.
func TestNoneCompilesAtStart(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			ast.Inspect(g, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "MustCompile" {
					t.Errorf("%s compiles an expression at start, use patterns.New", name)
				}
				_, later := n.(*ast.FuncLit)
				return !later
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// names says whether a call makes a pattern: patterns.New, or what the policy calls its own forms.
func names(f ast.Expr) bool {
	if s, ok := f.(*ast.SelectorExpr); ok {
		x, ok := s.X.(*ast.Ident)
		return ok && x.Name == "patterns" && s.Sel.Name == "New"
	}
	x, ok := f.(*ast.Ident)
	return ok && x.Name == "pattern"
}

// written is the text of an expression: literals, the constants of their file, and sums and joins of them.
func written(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.BinaryExpr:
		x, ok1 := written(e.X)
		y, ok2 := written(e.Y)
		return x + y, ok1 && ok2
	case *ast.Ident:
		if e.Obj == nil {
			return "", false
		}
		if v, ok := e.Obj.Decl.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			return written(v.Values[0])
		}
	case *ast.CallExpr: // strings.Join([]string{…}, "|")
		list, ok := e.Args[0].(*ast.CompositeLit)
		if !ok || len(e.Args) != 2 {
			return "", false
		}
		var parts []string
		for _, x := range list.Elts {
			s, ok := written(x)
			if !ok {
				return "", false
			}
			parts = append(parts, s)
		}
		between, ok := written(e.Args[1])
		return strings.Join(parts, between), ok
	}
	return "", false
}

func TestPatternIsItsExpression(t *testing.T) {
	t.Parallel()
	p := New(`^(\d+)-(\w+)$`)
	if got := p.FindStringSubmatch("12-ab"); len(got) != 3 || got[1] != "12" || got[2] != "ab" || p.String() != `^(\d+)-(\w+)$` {
		t.Errorf("FindStringSubmatch = %q", got)
	}
}
