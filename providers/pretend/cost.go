package pretend

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// cost counts an operation as GitHub's formula does: the requests that its connections stand for, by a hundred, at
// least one point.
func cost(set ast.SelectionSet, vars map[string]any) int {
	return max(1, (requests(set, vars, 1)+50)/100)
}

func requests(set ast.SelectionSet, vars map[string]any, times int) int {
	n := 0
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			inner := times
			if s.Definition != nil {
				a := args(s.ArgumentMap(vars))
				first, ok := a.number("first")
				if !ok {
					first, ok = a.number("last")
				}
				if ok && s.Definition.Arguments.ForName("first") != nil {
					n += times
					inner = times * max(first, 1)
				}
			}
			n += requests(s.SelectionSet, vars, inner)
		case *ast.InlineFragment:
			n += requests(s.SelectionSet, vars, times)
		case *ast.FragmentSpread:
			if s.Definition != nil {
				n += requests(s.Definition.SelectionSet, vars, times)
			}
		}
	}
	return n
}

// ordered is a JSON object whose members stand in the order asked for, as GraphQL says.
type ordered struct {
	names  []string
	values []any
}

func (o *ordered) put(name string, v any) {
	o.names, o.values = append(o.names, name), append(o.values, v)
}

// MarshalJSON writes the members in their order.
func (o *ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	err := encode(&b, o)
	return b.Bytes(), err
}

// encode writes what an execution made, without looking at any part of it twice.
func encode(b *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case *ordered:
		if v == nil {
			b.WriteString("null")
			return nil
		}
		for i, n := range v.names {
			b.WriteByte("{,"[min(i, 1)])
			b.WriteString(strconv.Quote(n)) // a GraphQL name: letters, digits and _
			b.WriteByte(':')
			if err := encode(b, v.values[i]); err != nil {
				return err
			}
		}
		if len(v.names) == 0 {
			b.WriteByte('{')
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, x := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := encode(b, x); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	default:
		raw, err := json.Marshal(v)
		b.Write(raw)
		return err
	}
	return nil
}
