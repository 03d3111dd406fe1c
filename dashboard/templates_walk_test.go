package dashboard

import (
	"fmt"
	"reflect"
	"slices"
	"text/template/parse"
)

// walk goes through templates as if it executed every branch, with types in place of values. A nil type is that of what was found
// wrong already.
type walk struct {
	tree     func(name string) *parse.Tree
	data     reflect.Type // of what a page shows: its field Data holds anything
	seen     map[string]bool
	problems []string
}

// variable is one that is in sight.
type variable struct {
	name string
	is   reflect.Type
}

func (w *walk) wrong(format string, a ...any) reflect.Type {
	if text := fmt.Sprintf(format, a...); !slices.Contains(w.problems, text) {
		w.problems = append(w.problems, text)
	}
	return nil
}

func (w *walk) template(name string, dot reflect.Type) {
	if key := fmt.Sprint(name, " ", dot); !w.seen[key] {
		w.seen[key] = true
		w.node(w.tree(name).Root, dot, []variable{{"$", dot}})
	}
}

// node walks a node, and returns the variables that are in sight behind it.
func (w *walk) node(n parse.Node, dot reflect.Type, vars []variable) []variable {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return vars
		}
		inner := vars
		for _, x := range n.Nodes {
			inner = w.node(x, dot, inner)
		}
	case *parse.ActionNode:
		got := w.pipe(n.Pipe, dot, vars)
		for _, d := range n.Pipe.Decl {
			vars = append(slices.Clip(vars), variable{d.Ident[0], got})
		}
	case *parse.TemplateNode:
		w.template(n.Name, w.pipe(n.Pipe, dot, vars))
	case *parse.IfNode:
		w.branch(n.BranchNode, dot, vars)
	case *parse.WithNode:
		w.branch(n.BranchNode, dot, vars)
	case *parse.RangeNode:
		w.branch(n.BranchNode, dot, vars)
	}
	return vars
}

func (w *walk) branch(n parse.BranchNode, dot reflect.Type, vars []variable) {
	got := w.pipe(n.Pipe, dot, vars)
	within, declared := dot, []reflect.Type{got}
	switch n.NodeType {
	case parse.NodeWith:
		within = got
	case parse.NodeRange:
		within = w.element(got)
		if declared[0] = within; len(n.Pipe.Decl) == 2 {
			declared = []reflect.Type{reflect.TypeFor[int](), within}
		}
	}
	for i, d := range n.Pipe.Decl {
		vars = append(slices.Clip(vars), variable{d.Ident[0], declared[i]})
	}
	w.node(n.List, within, vars)
	w.node(n.ElseList, dot, vars)
}

func (w *walk) element(t reflect.Type) reflect.Type {
	switch {
	case t == nil:
		return nil
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Array:
		return t.Elem()
	}
	return w.wrong("%v has no elements", t)
}

func (w *walk) pipe(p *parse.PipeNode, dot reflect.Type, vars []variable) (got reflect.Type) {
	if p == nil {
		return nil
	}
	for i, c := range p.Cmds {
		var args []reflect.Type
		for _, a := range c.Args[1:] {
			args = append(args, w.value(a, dot, vars))
		}
		if i > 0 {
			args = append(args, got)
		}
		switch word, ok := c.Args[0].(*parse.IdentifierNode); {
		case ok:
			got = w.call(word.Ident, args)
		case len(args) > 0:
			w.value(c.Args[0], dot, vars)
			got = w.wrong("%s is called", c.Args[0])
		default:
			got = w.value(c.Args[0], dot, vars)
		}
	}
	return got
}

func (w *walk) value(n parse.Node, dot reflect.Type, vars []variable) reflect.Type {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return w.fields(dot, n.Ident)
	case *parse.VariableNode:
		for _, v := range slices.Backward(vars) {
			if v.name == n.Ident[0] {
				return w.fields(v.is, n.Ident[1:])
			}
		}
	case *parse.ChainNode:
		return w.fields(w.value(n.Node, dot, vars), n.Field)
	case *parse.PipeNode:
		return w.pipe(n, dot, vars)
	case *parse.IdentifierNode:
		return w.call(n.Ident, nil)
	case *parse.StringNode:
		return reflect.TypeFor[string]()
	case *parse.NumberNode:
		return reflect.TypeFor[int]()
	}
	return w.wrong("%s is more than this test knows of", n)
}

func (w *walk) fields(t reflect.Type, names []string) reflect.Type {
	for _, name := range names {
		if t == nil {
			return nil
		}
		at := t
		if t.Kind() == reflect.Pointer {
			at = t.Elem()
		}
		method := reflect.PointerTo(at)
		if _, ok := method.MethodByName(name); ok {
			return w.wrong("%s is a method of %v", name, t)
		}
		if at.Kind() != reflect.Struct {
			return w.wrong("%v has no field %s", t, name)
		}
		f, ok := at.FieldByName(name)
		if !ok || !f.IsExported() {
			return w.wrong("%v has no field %s", t, name)
		}
		if t = f.Type; t.Kind() == reflect.Interface && name == "Data" {
			t = w.data
		}
	}
	return t
}

// call is what a word comes to, or a function that every template has.
func (w *walk) call(name string, args []reflect.Type) reflect.Type {
	if slices.Contains(args, nil) {
		return nil
	}
	switch name {
	case "and", "or":
		return args[0]
	case "not":
		return reflect.TypeFor[bool]()
	case "eq", "ne", "lt", "le", "gt", "ge":
		if args[0].Kind() != args[1].Kind() {
			w.wrong("%s compares a %v and a %v", name, args[0], args[1])
		}
		return reflect.TypeFor[bool]()
	case "len":
		w.element(args[0])
		return reflect.TypeFor[int]()
	case "index":
		return w.element(args[0])
	case "print":
		return reflect.TypeFor[string]()
	}
	f := reflect.TypeOf(words()[name])
	if f == nil || f.NumIn() != len(args) {
		return w.wrong("%s is given %d values", name, len(args))
	}
	for i, a := range args {
		if to := f.In(i); !a.AssignableTo(to) && !(a.Kind() == reflect.Pointer && a.Elem().AssignableTo(to)) {
			w.wrong("%s is given a %v, and takes a %v", name, a, to)
		}
	}
	return f.Out(0)
}
