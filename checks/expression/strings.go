package expression

import (
	"errors"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// mostGrown bounds what one call may make, in bytes. CEL's own string library has no such bound: it counts the steps of
// join and replace after they were made, when a 64 KB description has long become gigabytes.
const mostGrown = 1 << 18

var errGrown = errors.New("a text grows past 256 KB")

// text is one function over strings: its arguments after the first, and what it makes of them.
type text struct {
	name   string
	id     string
	self   *cel.Type
	args   []*cel.Type
	result *cel.Type
	call   func(v *vocabulary, args []ref.Val) ref.Val
}

// texts are the functions on strings that expressions have beside CEL's standard ones.
func texts() []text {
	s, n, l := cel.StringType, cel.IntType, cel.ListType(cel.StringType)
	return []text{
		{"lowerAscii", "text_lower", s, nil, s, func(_ *vocabulary, a []ref.Val) ref.Val {
			return types.String(ascii(str(a[0]), 'A', 'Z', 'a'-'A'))
		}},
		{"upperAscii", "text_upper", s, nil, s, func(_ *vocabulary, a []ref.Val) ref.Val {
			return types.String(ascii(str(a[0]), 'a', 'z', 'A'-'a'))
		}},
		{"trim", "text_trim", s, nil, s, func(_ *vocabulary, a []ref.Val) ref.Val {
			return types.String(strings.TrimSpace(str(a[0])))
		}},
		{"indexOf", "text_index", s, []*cel.Type{s}, n, func(_ *vocabulary, a []ref.Val) ref.Val {
			before, _, found := strings.Cut(str(a[0]), str(a[1]))
			if !found {
				return types.Int(-1)
			}
			return types.Int(utf8.RuneCountInString(before))
		}},
		{"substring", "text_from", s, []*cel.Type{n}, s, func(_ *vocabulary, a []ref.Val) ref.Val {
			return substring(str(a[0]), int64(a[1].(types.Int)), int64(len(str(a[0]))))
		}},
		{"substring", "text_range", s, []*cel.Type{n, n}, s, func(_ *vocabulary, a []ref.Val) ref.Val {
			return substring(str(a[0]), int64(a[1].(types.Int)), int64(a[2].(types.Int)))
		}},
		{"replace", "text_replace", s, []*cel.Type{s, s}, s, func(_ *vocabulary, a []ref.Val) ref.Val {
			return replace(str(a[0]), str(a[1]), str(a[2]))
		}},
		{"split", "text_split", s, []*cel.Type{s}, l, func(v *vocabulary, a []ref.Val) ref.Val {
			if strings.Count(str(a[0]), str(a[1])) > mostGrown/16 {
				return types.WrapErr(errGrown)
			}
			return types.NewStringList(v, strings.Split(str(a[0]), str(a[1])))
		}},
		{"join", "text_join", l, []*cel.Type{s}, s, func(_ *vocabulary, a []ref.Val) ref.Val {
			return join(a[0].(traits.Lister), str(a[1]))
		}},
	}
}

// functions declares the texts.
func functions(v *vocabulary) []cel.EnvOption {
	var options []cel.EnvOption
	for _, t := range texts() {
		options = append(options, cel.Function(t.name, cel.MemberOverload(t.id, append([]*cel.Type{t.self}, t.args...), t.result,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val { return t.call(v, args) }))))
	}
	return options
}

// costs counts a step for every ten bytes that a text function reads or makes, as CEL does for its own.
func costs() cel.ProgramOption {
	var options []cost.TrackerOption
	for _, t := range texts() {
		options = append(options, cost.OverloadTracker(t.id, func(args []ref.Val, result ref.Val) *uint64 {
			steps := uint64(1) + weight(result)
			for _, a := range args {
				steps += weight(a)
			}
			return &steps
		}))
	}
	return cel.CostTrackerOptions(options...)
}

func weight(v ref.Val) uint64 {
	switch v := v.(type) {
	case types.String:
		return uint64(len(v)) / 10
	case traits.Lister:
		return uint64(v.Size().(types.Int))
	}
	return 0
}

func str(v ref.Val) string { return string(v.(types.String)) }

// ascii moves the letters from low to high by an offset.
func ascii(s string, low, high byte, by int) string {
	b := []byte(s)
	for i, c := range b {
		if c >= low && c <= high {
			b[i] = byte(int(c) + by)
		}
	}
	return string(b)
}

// substring counts in characters, as indexOf does.
func substring(s string, from, to int64) ref.Val {
	if int(to) == len(s) || to > int64(utf8.RuneCountInString(s)) {
		to = int64(utf8.RuneCountInString(s))
	}
	if from < 0 || from > to {
		return types.NewErr("a substring from %d to %d", from, to)
	}
	return types.String([]rune(s)[from:to])
}

func replace(s, old, new string) ref.Val {
	n := strings.Count(s, old)
	if grown := n * (len(new) - len(old)); grown > 0 && len(s)+grown > mostGrown {
		return types.WrapErr(errGrown)
	}
	return types.String(strings.ReplaceAll(s, old, new))
}

func join(l traits.Lister, separator string) ref.Val {
	var out strings.Builder
	for i, it := 0, l.Iterator(); it.HasNext() == types.True; i++ {
		s, ok := it.Next().(types.String)
		if !ok {
			return types.NewErr("only texts can be joined")
		}
		if i > 0 {
			out.WriteString(separator)
		}
		if out.Len()+len(s) > mostGrown {
			return types.WrapErr(errGrown)
		}
		out.WriteString(string(s))
	}
	return types.String(out.String())
}
