package policy

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder fills a Policy from YAML nodes. The keys are in the struct tags of Policy: `yaml` names them, `one` lists the
// words allowed, `is` names the form (see forms) and `min`, `max` bound a number. It notes where each key stands, and
// goes on after a problem, so that all of them are told at once.
type decoder struct {
	file     string
	text     string
	required bool // inside the organisation's required:
	where    map[string]place
	problems Problems
}

// place is where a key stands.
type place struct {
	Position
	file     string
	required bool
}

// at notes the place of a key path.
func (d *decoder) at(path string, n *yaml.Node) {
	d.where[path] = place{Position{n.Line, n.Column}, d.file, d.required}
}

// wrong notes that a value is not what its key wants.
func (d *decoder) wrong(n *yaml.Node, path, format string, args ...any) {
	d.problem(n.Line, n.Column, "%s", path+" "+fmt.Sprintf(format, args...))
}

// mapping walks over the keys of a mapping. An empty value, as when all children are commented out, has none.
func (d *decoder) mapping(n *yaml.Node, path string, each func(key, value *yaml.Node)) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.wrong(n, name(path), "must be a mapping of keys to values, not %s", describe(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		each(n.Content[i], n.Content[i+1])
	}
}

// object fills a struct by its tags; extra keys are known too and left to the caller.
func (d *decoder) object(n *yaml.Node, v reflect.Value, path string, extra ...string) {
	d.mapping(n, path, func(key, value *yaml.Node) {
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if key.Value == field.Tag.Get("yaml") && field.IsExported() && key.Value != "-" && !misplaced(field, path) {
				at := join(path, key.Value)
				d.at(at, key)
				d.value(value, v.Field(i), at, field.Tag)
				return
			}
		}
		for _, k := range extra {
			if k == key.Value {
				return
			}
		}
		d.unknown(key, path, append(keysOf(v.Type()), extra...))
	})
}

// misplaced says that the field is for changes alone, and the path leads to a rule of an environment.
func misplaced(f reflect.StructField, path string) bool {
	return f.Tag.Get("only") == "changes" && strings.HasPrefix(path, "environments.")
}

// unknown notes a key that nothing reads.
func (d *decoder) unknown(key *yaml.Node, path string, known []string) {
	in := ""
	if path != "" {
		in = " in " + path
	}
	hint := suggest(key.Value, known)
	if hint == "" && len(known) <= 20 {
		hint = "; known are " + strings.Join(known, ", ")
	}
	d.problem(key.Line, key.Column, "unknown key %s%s%s", quote(key.Value), in, hint)
}

// value fills one value by its type.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	if d.special(n, v, path, tag) {
		return
	}
	switch v.Kind() {
	case reflect.String:
		if s, ok := d.scalar(n, path); ok {
			d.word(n, s, path, tag)
			v.SetString(s)
		}
	case reflect.Bool:
		d.boolean(n, v, path)
	case reflect.Int:
		d.number(n, v, path, tag)
	case reflect.Slice:
		d.list(n, v, path, tag)
	case reflect.Struct:
		d.object(n, v, path)
	default:
		panic("policy: no way to read a " + v.Type().String())
	}
}

// scalar reads a text that stands for itself. A date needs no quotes; what YAML takes for a number or a truth value does.
func (d *decoder) scalar(n *yaml.Node, path string) (string, bool) {
	if n.Kind == yaml.ScalarNode {
		switch n.ShortTag() {
		case "!!str", "!!timestamp":
			return n.Value, true
		case "!!null":
			d.wrong(n, path, "has no value; leave the key out for its default")
			return "", false
		case "!!int", "!!float", "!!bool":
			d.wrong(n, path, "must be text: put it in quotes, \"%s\"", n.Value)
			return "", false
		}
	}
	d.wrong(n, path, "must be text, not %s", describe(n))
	return "", false
}

// word checks a text by its key's tags.
func (d *decoder) word(n *yaml.Node, s, path string, tag reflect.StructTag) {
	if one := tag.Get("one"); one != "" {
		d.oneOf(n, s, path, strings.Fields(one))
	}
	if is := tag.Get("is"); is != "" {
		if err := forms[is](s); err != nil {
			d.wrong(n, path, "%v", err)
		}
	}
}

func (d *decoder) oneOf(n *yaml.Node, s, path string, words []string) {
	for _, w := range words {
		if s == w {
			return
		}
	}
	d.wrong(n, path, "must be %s, not %s%s", either(words), quote(s), suggest(s, words))
}

func (d *decoder) boolean(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		d.wrong(n, path, "must be true or false, not %s", describe(n))
		return
	}
	v.SetBool(strings.EqualFold(n.Value, "true"))
}

func (d *decoder) number(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	i, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || err != nil {
		d.wrong(n, path, "must be a whole number, not %s", describe(n))
		return
	}
	low, high := 0, 1_000_000_000
	if s := tag.Get("min"); s != "" {
		low, _ = strconv.Atoi(s)
	}
	if s := tag.Get("max"); s != "" {
		high, _ = strconv.Atoi(s)
	}
	if i < low || i > high {
		if low == high {
			d.wrong(n, path, "must be %d, not %d", low, i)
		} else {
			d.wrong(n, path, "must be from %d to %d, not %d", low, high, i)
		}
		return
	}
	v.SetInt(int64(i))
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	if n.Kind != yaml.SequenceNode {
		hint := ""
		if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
			hint = ": write [" + n.Value + "]"
		}
		d.wrong(n, path, "must be a list, not %s%s", describe(n), hint)
		return
	}
	if len(n.Content) > mostItems {
		d.wrong(n, path, "has more than %d entries", mostItems)
		return
	}
	items := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		at := path + "[" + strconv.Itoa(i) + "]"
		d.at(at, c)
		d.value(c, items.Index(i), at, tag)
	}
	v.Set(items)
}

// keysOf lists the keys of a struct, in its order.
func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if k := t.Field(i).Tag.Get("yaml"); k != "" && k != "-" {
			keys = append(keys, k)
		}
	}
	return keys
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// name is a path as a message says it.
func name(path string) string {
	if path == "" {
		return "the policy"
	}
	return path
}

// describe says what a node is, for a message that wants something else there.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null":
		return "nothing"
	}
	return quote(n.Value)
}

// either joins words for a message: "a, b or c".
func either(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
