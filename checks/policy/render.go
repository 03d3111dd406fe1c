package policy

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks/expression"
	"github.com/sluicegate/sluice/checks/patterns"
)

// Render writes a layer as YAML with every key that there is, each value with a comment on where it came from. It can
// be loaded again: a key that has neither value nor default is a comment as a whole.
func Render(p *Policy) string {
	r := &renderer{p}
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	// Nodes that are made here and hold no cycle always encode, and a buffer takes all.
	_ = e.Encode(r.object(reflect.ValueOf(p).Elem(), ""))
	return unset.ReplaceAllString(out.String(), "$1# $2: none")
}

var unset = patterns.New(`(?m)^( *)([a-z-]+): null # default$`)

type renderer struct{ p *Policy }

func (r *renderer) object(v reflect.Value, path string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key := f.Tag.Get("yaml")
		if key == "" || key == "-" || !f.IsExported() || misplaced(f, path) {
			continue
		}
		r.add(n, key, r.value(v.Field(i), join(path, key)), join(path, key))
	}
	return n
}

// add puts a key into a mapping, with the comment where the value is no block of its own.
func (r *renderer) add(n *yaml.Node, key string, value *yaml.Node, path string) {
	if len(value.Content) == 0 || value.Style&yaml.FlowStyle != 0 {
		value.LineComment = r.origin(path)
	}
	k := &yaml.Node{}
	k.SetString(key)
	n.Content = append(n.Content, k, value)
}

// origin is the comment on a value: "default", or the file and line.
func (r *renderer) origin(path string) string {
	if !r.p.Given(path) {
		return "default"
	}
	place, _, _ := strings.Cut(r.p.Rule(path), " ")
	return place
}

// none stands for a key that has neither value nor default.
func none() *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"} }

func (r *renderer) value(v reflect.Value, path string) *yaml.Node {
	switch x := v.Interface().(type) {
	case Duration:
		if x == 0 && !r.p.Given(path) && strings.HasSuffix(path, ".hotfix.soak") {
			return none() // nothing is not the same as no time
		}
		return text(x.String())
	case []ApprovalRule:
		if len(x) == 0 && !r.p.Given(path) && strings.HasSuffix(path, ".hotfix.approval") {
			return none()
		}
	case Satisfy:
		return tree(x)
	case From:
		return r.people(v)
	case *expression.Program:
		if x == nil {
			return none()
		}
		return text(x.Source)
	case *expression.Template:
		if x == nil {
			return none()
		}
		return text(x.Source)
	case []EnvFiles:
		n := mapping(len(x))
		for _, e := range x {
			r.add(n, e.Name, words(e.Paths), join(path, e.Name))
		}
		return n
	case []Environment:
		n := mapping(len(x))
		for i, e := range x {
			r.add(n, e.Name, r.object(v.Index(i), join(path, e.Name)), join(path, e.Name))
		}
		return n
	case map[string]From:
		n := mapping(len(x))
		for _, name := range slices.Sorted(maps.Keys(x)) {
			r.add(n, name, r.people(reflect.ValueOf(x[name])), join(path, name))
		}
		return n
	}
	return r.kind(v, path)
}

func (r *renderer) kind(v reflect.Value, path string) *yaml.Node {
	switch v.Kind() {
	case reflect.String:
		if v.String() == "" {
			return none()
		}
		return text(v.String())
	case reflect.Bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v.Bool())}
	case reflect.Int:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(v.Int(), 10)}
	case reflect.Struct:
		return r.object(v, path)
	}
	if v.Type().Elem().Kind() == reflect.String {
		list := make([]string, v.Len())
		for i := range list {
			list[i] = v.Index(i).String()
		}
		return words(list)
	}
	n := &yaml.Node{Kind: yaml.SequenceNode}
	if v.Len() == 0 {
		n.Style = yaml.FlowStyle
	}
	for i := range v.Len() {
		n.Content = append(n.Content, r.value(v.Index(i), path+"["+strconv.Itoa(i)+"]"))
	}
	return n
}

// people writes only what is named: a list of all that is not would bury it.
func (r *renderer) people(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	for i := range v.NumField() {
		if f := v.Field(i); !f.IsZero() && f.Kind() != reflect.Slice || f.Kind() == reflect.Slice && f.Len() > 0 {
			k := &yaml.Node{}
			k.SetString(v.Type().Field(i).Tag.Get("yaml"))
			n.Content = append(n.Content, k, r.kind(f, ""))
		}
	}
	return n
}

// tree writes a Satisfy.
func tree(s Satisfy) *yaml.Node {
	if s.Zero() {
		return text("all")
	}
	if s.Rule != "" {
		return text(s.Rule)
	}
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	key, branches := "all", s.All
	if s.Any != nil {
		key, branches = "any", s.Any
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, b := range branches {
		list.Content = append(list.Content, tree(b))
	}
	n.Content = []*yaml.Node{text(key), list}
	return n
}

func text(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	return n
}

func words(list []string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, s := range list {
		n.Content = append(n.Content, text(s))
	}
	return n
}

// mapping is one for so many names; an empty one is written as {}.
func mapping(names int) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	if names == 0 {
		n.Style = yaml.FlowStyle
	}
	return n
}
