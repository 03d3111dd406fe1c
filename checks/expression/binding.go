package expression

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Binding is one set of facts made readable for expressions. What was read once is kept, so that many expressions over
// the same facts share it. It is for one goroutine at a time.
type Binding struct {
	facts  Object
	words  *vocabulary
	values map[string]any
}

// Bind makes facts (an Object of the kind Facts) readable. It costs nothing until an expression asks.
func Bind(facts Object) *Binding { return &Binding{facts: facts} }

// ResolveName gives CEL a variable.
func (b *Binding) ResolveName(name string) (any, bool) {
	if v, ok := b.values[name]; ok {
		return v, true
	}
	for _, f := range Fields(Facts) {
		if f.Name == name {
			v, err := b.words.convert(b.facts.Field(name), f.Type)
			if err != nil {
				return types.WrapErr(err), true
			}
			if b.values == nil {
				b.values = make(map[string]any, 4)
			}
			b.values[name] = v
			return v, true
		}
	}
	return nil, false
}

// Parent is none: facts are all there is.
func (b *Binding) Parent() cel.Activation { return nil }

// object is an Object as a value of CEL's. It keeps the fields that were read, for the next expression over the same
// facts: of a large change, each path is made a value once.
type object struct {
	of   Object
	typ  *types.Type
	read []ref.Val
}

// field reads the i-th field of the object's kind.
func (o *object) field(v *vocabulary, i int, f Field) (any, error) {
	if i < len(o.read) && o.read[i] != nil {
		return o.read[i], nil
	}
	value, err := v.convert(o.of.Field(f.Name), f.Type)
	if err != nil {
		return nil, err
	}
	if i >= len(o.read) {
		o.read = append(o.read, make([]ref.Val, i+1-len(o.read))...)
	}
	o.read[i] = value
	return value, nil
}

func (o *object) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("a %s cannot become a %v", o.typ.TypeName(), t)
}

func (o *object) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return o.typ
	}
	return types.NewErr("a %s cannot become a %s", o.typ.TypeName(), t.TypeName())
}

// Equal holds for the very same object alone.
func (o *object) Equal(other ref.Val) ref.Val {
	p, ok := other.(*object)
	return types.Bool(ok && p.of == o.of)
}

func (o *object) Type() ref.Type { return o.typ }
func (o *object) Value() any     { return o }
