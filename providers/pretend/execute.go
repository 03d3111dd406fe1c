package pretend

import (
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

//go:embed schema.graphql
var schemaText string

// schema validates queries with the library that gqlgen uses, and remembers those that it saw.
type schema struct {
	mu    sync.Mutex
	types *ast.Schema
	known map[string]*ast.QueryDocument
}

func loadSchema() *schema {
	return &schema{types: gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: schemaText}), known: map[string]*ast.QueryDocument{}}
}

func (s *schema) query(text string) (*ast.QueryDocument, gqlerror.List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if doc := s.known[text]; doc != nil {
		return doc, nil
	}
	doc, errs := gqlparser.LoadQueryWithRules(s.types, text, rules.NewDefaultRules())
	if len(errs) > 0 {
		return nil, errs
	}
	if len(s.known) > 200 {
		clear(s.known)
	}
	s.known[text] = doc
	return doc, nil
}

// thing is one value of an object type: its name under "__typename", and under each field a value, a func() any or a
// func(args) any that is called when the field is asked for. An error among the values makes the field null.
type thing map[string]any

type args map[string]any

func (a args) text(name string) string { s, _ := a[name].(string); return s }

// number is an integer, as a variable or written out.
func (a args) number(name string) (int, bool) {
	switch n := a[name].(type) {
	case int64:
		return int(n), true
	case int:
		return n, true
	case float64:
		return int(n), true
	case interface{ Int64() (int64, error) }:
		i, err := n.Int64()
		return int(i), err == nil
	}
	return 0, false
}

func (a args) yes(name string) bool { b, _ := a[name].(bool); return b }

func (a args) texts(name string) []string {
	var list []string
	v := reflect.ValueOf(a[name])
	if v.Kind() == reflect.String {
		return []string{v.String()}
	}
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			if s, ok := v.Index(i).Interface().(string); ok {
				list = append(list, s)
			}
		}
	}
	return list
}

func (a args) object(name string) args {
	m, _ := a[name].(map[string]any)
	return m
}

// fault is an error of one field, in GitHub's words.
type fault struct{ kind, message string }

func (e fault) Error() string { return e.message }

func notFound(format string, a ...any) error { return fault{"NOT_FOUND", fmt.Sprintf(format, a...)} }

// execution is one operation under way.
type execution struct {
	schema *schema
	vars   map[string]any
	errs   []any
}

// run executes the operation over the root and returns the answer's body.
func (s *schema) run(text, operation string, vars map[string]any, root func(*ast.OperationDefinition) thing) obj {
	doc, errs := s.query(text)
	if len(errs) > 0 {
		return obj{"errors": problems(errs)}
	}
	op := doc.Operations.ForName(operation)
	if op == nil {
		return obj{"errors": []any{obj{"message": "An operation name is required"}}}
	}
	values, err := validator.VariableValues(s.types, op, vars)
	if err != nil {
		list := gqlerror.List{}
		if !errors.As(err, &list) {
			list = gqlerror.List{gqlerror.Wrap(err)}
		}
		return obj{"errors": problems(list)}
	}
	x := &execution{schema: s, vars: values}
	data := x.object(root(op), op.SelectionSet, nil)
	if len(x.errs) > 0 {
		return obj{"data": data, "errors": x.errs}
	}
	return obj{"data": data}
}

func problems(errs gqlerror.List) []any {
	var list []any
	for _, e := range errs {
		o := obj{"message": e.Message}
		var at []any
		for _, l := range e.Locations {
			at = append(at, obj{"line": l.Line, "column": l.Column})
		}
		if at != nil {
			o["locations"] = at
		}
		list = append(list, o)
	}
	return list
}

func (x *execution) object(t thing, set ast.SelectionSet, path []any) *ordered {
	out := &ordered{}
	x.collect(t, set, path, out)
	return out
}

// collect follows fields and fragments. The same name twice is one field, its selections joined.
func (x *execution) collect(t thing, set ast.SelectionSet, path []any, out *ordered) {
	fields := map[string]*ast.Field{}
	var names []string
	x.flatten(t, set, func(f *ast.Field) {
		if old := fields[f.Alias]; old != nil {
			joined := *old
			joined.SelectionSet = append(append(ast.SelectionSet{}, old.SelectionSet...), f.SelectionSet...)
			fields[f.Alias] = &joined
			return
		}
		fields[f.Alias] = f
		names = append(names, f.Alias)
	})
	for _, name := range names {
		f := fields[name]
		here := append(append(make([]any, 0, len(path)+1), path...), name)
		out.put(name, x.field(t, f, here))
	}
}

func (x *execution) flatten(t thing, set ast.SelectionSet, see func(*ast.Field)) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if x.wanted(s.Directives) {
				see(s)
			}
		case *ast.InlineFragment:
			if x.wanted(s.Directives) && x.fits(t, s.TypeCondition) {
				x.flatten(t, s.SelectionSet, see)
			}
		case *ast.FragmentSpread:
			if x.wanted(s.Directives) && x.fits(t, s.Definition.TypeCondition) {
				x.flatten(t, s.Definition.SelectionSet, see)
			}
		}
	}
}

func (x *execution) wanted(ds ast.DirectiveList) bool {
	for _, d := range ds {
		on, _ := d.ArgumentMap(x.vars)["if"].(bool)
		if d.Name == "include" && !on || d.Name == "skip" && on {
			return false
		}
	}
	return true
}

// fits says whether the value is of the type, or of one that implements it or is in its union.
func (x *execution) fits(t thing, condition string) bool {
	name, _ := t["__typename"].(string)
	if condition == "" || condition == name {
		return true
	}
	def := x.schema.types.Types[condition]
	if def == nil {
		return false
	}
	for _, p := range x.schema.types.GetPossibleTypes(def) {
		if p.Name == name {
			return true
		}
	}
	return false
}

func (x *execution) field(t thing, f *ast.Field, path []any) any {
	v, ok := t[f.Name]
	if !ok {
		return x.fail(fault{"INTERNAL", fmt.Sprintf("the pretend forge does not answer %v.%s", t["__typename"], f.Name)}, path)
	}
	switch do := v.(type) {
	case func() any:
		v = do()
	case func(args) any:
		v = do(f.ArgumentMap(x.vars))
	}
	return x.value(v, f, path)
}

func (x *execution) value(v any, f *ast.Field, path []any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case error:
		return x.fail(v, path)
	case thing:
		if v == nil {
			return nil
		}
		return x.object(v, f.SelectionSet, path)
	case time.Time:
		return stamp(v)
	case []thing:
		list := make([]any, len(v))
		for i := range v {
			list[i] = x.value(v[i], f, append(path[:len(path):len(path)], i))
		}
		return list
	case *connection:
		return x.value(v.page(f.ArgumentMap(x.vars)), f, path)
	}
	return v
}

func (x *execution) fail(err error, path []any) any {
	e := obj{"message": err.Error(), "path": path}
	if f := (fault{}); errors.As(err, &f) {
		e["type"] = f.kind
	}
	x.errs = append(x.errs, e)
	return nil
}

// connection is a list that is read by pages: total items, each made when its page is.
type connection struct {
	kind  string // PullRequestCommit: its type and edges are named after it
	total int
	item  func(i int) thing
	edge  func(i int) obj // further fields of the edge, or nil
	more  thing           // further fields of the connection
	of    string          // the commit whose history it is: the forge's cursors name it and count
}

// page cuts out what first, last, after and before say, as GitHub does: one of first and last is a must, at most 100.
func (c *connection) page(a args) any {
	from, to := 0, c.total
	if s := a.text("after"); s != "" {
		at, ok := c.position(s)
		if !ok {
			return fault{"INVALID_CURSOR_ARGUMENTS", fmt.Sprintf("`%s` does not appear to be a valid cursor.", s)}
		}
		from = at + 1
	}
	if s := a.text("before"); s != "" {
		at, _ := c.position(s)
		to = min(to, at)
	}
	from, to = max(0, min(from, c.total)), max(to, 0)
	to = max(from, to)
	first, isFirst := a.number("first")
	last, isLast := a.number("last")
	switch {
	case !isFirst && !isLast:
		return fault{"MISSING_PAGINATION_BOUNDARIES", "You must provide a `first` or `last` value to properly paginate the connection."}
	case isFirst && (first < 0 || first > 100), isLast && (last < 0 || last > 100):
		return fault{"EXCESSIVE_PAGINATION", fmt.Sprintf("Requesting %d records exceeds the `first` limit of 100 records.", max(first, last))}
	}
	if isFirst {
		to = min(to, from+first)
	}
	if isLast {
		from = max(from, to-last)
	}
	info := thing{"__typename": "PageInfo", "hasNextPage": to < c.total, "hasPreviousPage": from > 0, "startCursor": nil, "endCursor": nil}
	if from < to {
		info["startCursor"], info["endCursor"] = c.cursor(from), c.cursor(to-1)
	}
	out := thing{"__typename": c.kind + "Connection", "totalCount": c.total, "pageInfo": info,
		"nodes": func() any {
			list := make([]thing, 0, to-from)
			for i := from; i < to; i++ {
				list = append(list, c.item(i))
			}
			return list
		},
		"edges": func() any {
			list := make([]thing, 0, to-from)
			for i := from; i < to; i++ {
				e := thing{"__typename": c.kind + "Edge", "cursor": c.cursor(i), "node": c.item(i)}
				if c.edge != nil {
					for k, v := range c.edge(i) {
						e[k] = v
					}
				}
				list = append(list, e)
			}
			return list
		}}
	for k, v := range c.more {
		out[k] = v
	}
	return out
}

func cursor(i int) string { return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "cursor:%d", i)) }

func position(s string) int {
	raw, _ := base64.StdEncoding.DecodeString(s)
	i, err := strconv.Atoi(strings.TrimPrefix(string(raw), "cursor:"))
	if err != nil {
		return -1
	}
	return i
}

func (c *connection) cursor(i int) string {
	if c.of != "" {
		return c.of + " " + strconv.Itoa(i)
	}
	return cursor(i)
}

// position is where a cursor stands. One of another commit's history is none of this one's.
func (c *connection) position(s string) (at int, ok bool) {
	if c.of == "" {
		return position(s), true
	}
	id, count, _ := strings.Cut(s, " ")
	at, err := strconv.Atoi(count)
	return at, err == nil && id == c.of
}

// list is a connection over a slice.
func list[T any](kind string, items []T, item func(T) thing) *connection {
	return &connection{kind: kind, total: len(items), item: func(i int) thing { return item(items[i]) }}
}
