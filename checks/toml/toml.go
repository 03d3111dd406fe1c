// Package toml reads TOML as far as other tools' settings and manifests are of interest here: tables, lists and strings. What has
// another type is there, and has no value.
//
// It walks the syntax tree of go-toml's parser. The decoder that stands on it there sets fields of any type, which nothing here needs,
// and takes 0.2 MB of the program. What TOML forbids beyond its syntax is an error where a name has two values; a header that comes twice
// is none.
package toml

import (
	"errors"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Table holds under each name a Table, a []any of such values, a string, or nil for what has another type.
type Table map[string]any

var errTwice = errors.New("a name has two values")

// Read reads a document.
func Read(text string) (Table, error) {
	var p unstable.Parser
	p.Reset([]byte(text))
	root := Table{}
	at := root
	for p.NextExpression() {
		e, ok := p.Expression(), true
		switch e.Kind {
		case unstable.Table:
			at, ok = root.open(names(e))
		case unstable.ArrayTable:
			at, ok = root.add(names(e))
		case unstable.KeyValue:
			ok = at.set(e)
		}
		if !ok {
			return nil, errTwice
		}
	}
	return root, p.Error()
}

// Table is the one below these names; nil: there is none.
func (t Table) Table(names ...string) Table {
	for _, name := range names {
		t, _ = t[name].(Table)
	}
	return t
}

// String is the one of this name; "": there is none.
func (t Table) String(name string) string {
	s, _ := t[name].(string)
	return s
}

func names(e *unstable.Node) (all []string) {
	for it := e.Key(); it.Next(); {
		all = append(all, string(it.Node().Data))
	}
	return all
}

// open is the table below t, made where it is missing. Of a list of tables it is the last.
func (t Table) open(names []string) (Table, bool) {
	for _, name := range names {
		x, had := t[name]
		if list, ok := x.([]any); ok && len(list) > 0 {
			x = list[len(list)-1]
		}
		next, ok := x.(Table)
		if had && !ok {
			return nil, false
		}
		if !had {
			next = Table{}
			t[name] = next
		}
		t = next
	}
	return t, true
}

// add makes one more table of a list.
func (t Table) add(names []string) (Table, bool) {
	in, ok := t.open(names[:len(names)-1])
	if !ok {
		return nil, false
	}
	last := names[len(names)-1]
	list, ok := in[last].([]any)
	if _, had := in[last]; had && !ok {
		return nil, false
	}
	made := Table{}
	in[last] = append(list, made)
	return made, true
}

func (t Table) set(e *unstable.Node) bool {
	all := names(e)
	in, ok := t.open(all[:len(all)-1])
	if !ok {
		return false
	}
	last := all[len(all)-1]
	if _, had := in[last]; had {
		return false
	}
	in[last], ok = value(e.Value())
	return ok
}

func value(v *unstable.Node) (any, bool) {
	switch v.Kind {
	case unstable.String:
		return string(v.Data), true
	case unstable.Array:
		list := []any{}
		for it := v.Children(); it.Next(); {
			x, ok := value(it.Node())
			if !ok {
				return nil, false
			}
			list = append(list, x)
		}
		return list, true
	case unstable.InlineTable:
		t := Table{}
		for it := v.Children(); it.Next(); {
			if !t.set(it.Node()) {
				return nil, false
			}
		}
		return t, true
	}
	return nil, true
}
