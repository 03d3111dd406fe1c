package webhook

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// shape says which members of an object are read: by lower-case name, each with the shape of what it holds, nil where that is
// read as it stands.
type shape map[string]shape

// skimmed are the shapes of the bodies that are large and of which little is read.
var skimmed = sync.OnceValue(func() map[reflect.Type]shape {
	return map[reflect.Type]shape{
		reflect.TypeFor[*payload]():  shapeOf(reflect.TypeFor[payload]()),
		reflect.TypeFor[*hookBody](): shapeOf(reflect.TypeFor[hookBody]()),
	}
})

func shapeOf(t reflect.Type) shape {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	s := shape{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		s[strings.ToLower(name)] = shapeOf(f.Type)
	}
	return s
}

// skim copies of a body what has the shape, and makes sure that the rest is JSON. What it leaves out nobody would read, so that
// a name given twice there means nothing; it is a twentieth of what GitHub sends, and reading all of it takes five times as long.
func skim(body []byte, s shape) ([]byte, error) {
	in := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true))
	out, err := s.copy(in, make([]byte, 0, 2<<10))
	if err != nil {
		return nil, err
	}
	if _, err := in.ReadToken(); err != io.EOF {
		return nil, errors.New("something follows the body")
	}
	return out, nil
}

// copy adds the next value to out, of an object only what has the shape.
func (s shape) copy(in *jsontext.Decoder, out []byte) ([]byte, error) {
	switch kind := in.PeekKind(); {
	case s != nil && kind == '{':
		return s.members(in, out)
	case s != nil && kind == '[':
		return s.elements(in, out)
	}
	v, err := in.ReadValue()
	return append(out, v...), err
}

func (s shape) members(in *jsontext.Decoder, out []byte) ([]byte, error) {
	if _, err := in.ReadToken(); err != nil {
		return nil, err
	}
	out = append(out, '{')
	first := len(out)
	for in.PeekKind() != '}' {
		name, err := in.ReadValue()
		if err != nil {
			return nil, err
		}
		under, read := s[string(name[1:len(name)-1])]
		if !read && !odd(name) {
			if _, err := in.ReadValue(); err != nil {
				return nil, err
			}
			continue
		}
		if len(out) > first {
			out = append(out, ',')
		}
		out = append(append(out, name...), ':')
		if out, err = under.copy(in, out); err != nil {
			return nil, err
		}
	}
	_, err := in.ReadToken()
	return append(out, '}'), err
}

func (s shape) elements(in *jsontext.Decoder, out []byte) ([]byte, error) {
	if _, err := in.ReadToken(); err != nil {
		return nil, err
	}
	out = append(out, '[')
	for n := 0; in.PeekKind() != ']'; n++ {
		if n > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = s.copy(in, out); err != nil {
			return nil, err
		}
	}
	_, err := in.ReadToken()
	return append(out, ']'), err
}

// odd says that a name may match another that is not the same: it has capitals, escapes or characters beyond ASCII. Then it is
// kept, and found out where it is read.
func odd(name []byte) bool {
	return slices.ContainsFunc(name, func(c byte) bool { return c >= 0x80 || c == '\\' || 'A' <= c && c <= 'Z' })
}
