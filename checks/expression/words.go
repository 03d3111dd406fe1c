package expression

import (
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Object is one thing of the facts, as its owner holds it: nothing is copied until an expression asks.
//
// Field gives the value of one of the fields that Fields lists for the kind: a string, an int, a bool, a []string, an
// Object or a List; or an error, which says why the value is not known and ends the evaluation.
type Object interface{ Field(name string) any }

// List is a number of Objects of one kind.
type List struct {
	Len int
	At  func(int) Object
}

// Kind names what an Object is, and so which fields it has.
type Kind string

// The kinds; Facts is the whole, whose fields are the variables of an expression.
const (
	Facts      Kind = "Facts"
	Change     Kind = "Change"
	File       Kind = "File"
	Commit     Kind = "Commit"
	Review     Kind = "Review"
	Repository Kind = "Repository"
	Status     Kind = "Status"
)

// Field is one that an expression may name. Type is "string", "int", "bool", "list(string)", a Kind or "list(Kind)".
type Field struct{ Name, Type, Meaning string }

// Fields lists the fields of a kind in the order shown, or nil for an unknown kind.
func Fields(k Kind) []Field {
	switch k {
	case Facts:
		return []Field{
			{"change", "Change", "the change that is judged"},
			{"files", "list(File)", "what it touches, sorted by path"},
			{"touched", "list(string)", "paths that it touches, the old ones of renames included"},
			{"commits", "list(Commit)", "its commits, oldest first"},
			{"reviews", "list(Review)", "opinions on it, oldest first"},
			{"statuses", "list(Status)", "what the forge shows on the head commit, the newest of each name; Sluice's own left out"},
			{"repository", "Repository", "where it lives"},
		}
	case Change:
		return []Field{
			{"number", "int", ""},
			{"title", "string", ""},
			{"body", "string", "the description"},
			{"draft", "bool", ""},
			{"author", "string", "login"},
			{"bot", "bool", "the author is an app or a bot"},
			{"fork", "bool", "it comes from another repository"},
			{"base", "string", "the target branch"},
			{"head", "string", "the source branch"},
			{"source", "string", "the source branch, with its owner and a colon before it where it comes from another repository"},
			{"labels", "list(string)", "names, whoever set them"},
			{"additions", "int", "lines"},
			{"deletions", "int", "lines"},
			{"files", "int", "number of changed files"},
			{"commits", "int", "number of commits"},
		}
	case File:
		return []Field{
			{"path", "string", ""},
			{"old", "string", "the path before a rename or copy, else empty"},
			{"status", "string", "added, modified, removed, renamed, copied or changed"},
			{"kind", "string", "empty for an ordinary file, else symlink, submodule, binary or lfs"},
			{"additions", "int", "lines"},
			{"deletions", "int", "lines"},
		}
	case Commit:
		return []Field{
			{"id", "string", "full object id"},
			{"message", "string", "all of it"},
			{"title", "string", "the message's first line"},
			{"author", "string", "login, or empty where the forge knows no account"},
			{"name", "string", "the author's name in the commit"},
			{"email", "string", "the author's mail address in the commit"},
			{"committer", "string", "login, or empty"},
			{"co_authors", "list(string)", "mail addresses"},
			{"signed", "bool", "it has a signature that the forge has verified"},
			{"signer", "string", "login of whose signature it is, or empty"},
			{"signing_key", "string", "id of the GPG key, or empty"},
		}
	case Review:
		return []Field{
			{"author", "string", "login"},
			{"state", "string", "approved, changes_requested, dismissed or commented"},
			{"commit", "string", "what was looked at"},
			{"current", "bool", "it looked at the head commit"},
		}
	case Status:
		return []Field{
			{"name", "string", ""},
			{"state", "string", "as the forge says: success, failure, neutral, skipped, pending, in_progress, …"},
		}
	case Repository:
		return []Field{
			{"name", "string", "with its owner: acme/shop"},
			{"default", "string", "the default branch"},
			{"private", "bool", ""},
		}
	}
	return nil
}

// celType is the type of a field in CEL.
func celType(name string) *types.Type {
	if inner, ok := strings.CutPrefix(name, "list("); ok {
		return types.NewListType(celType(strings.TrimSuffix(inner, ")")))
	}
	switch name {
	case "string":
		return types.StringType
	case "int":
		return types.IntType
	case "bool":
		return types.BoolType
	}
	return types.NewObjectType(name)
}

// vocabulary tells CEL of the kinds, so that a misspelt field is found when the policy is read, and reads the fields
// through Object without reflection or copies.
type vocabulary struct {
	*types.Registry
	fields map[string]map[string]*types.FieldType
}

func newVocabulary() (*vocabulary, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	v := &vocabulary{Registry: registry, fields: map[string]map[string]*types.FieldType{}}
	for _, k := range []Kind{Change, File, Commit, Review, Repository, Status} {
		v.fields[string(k)] = map[string]*types.FieldType{}
		for i, f := range Fields(k) {
			v.fields[string(k)][f.Name] = &types.FieldType{
				Type:    celType(f.Type),
				IsSet:   func(any) bool { return true },
				GetFrom: func(o any) (any, error) { return o.(*object).field(v, i, f) },
			}
		}
	}
	return v, nil
}

// FindStructType finds a kind by its name.
func (v *vocabulary) FindStructType(name string) (*types.Type, bool) {
	if _, ok := v.fields[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return v.Registry.FindStructType(name)
}

// FindStructFieldNames lists the fields of a kind.
func (v *vocabulary) FindStructFieldNames(name string) ([]string, bool) {
	if _, ok := v.fields[name]; !ok {
		return v.Registry.FindStructFieldNames(name)
	}
	var names []string
	for _, f := range Fields(Kind(name)) {
		names = append(names, f.Name)
	}
	return names, true
}

// FindStructFieldType finds one field of a kind.
func (v *vocabulary) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if fields, ok := v.fields[name]; ok {
		f, ok := fields[field]
		return f, ok
	}
	return v.Registry.FindStructFieldType(name, field)
}

// convert makes CEL's value of a field's.
func (v *vocabulary) convert(x any, typ string) (ref.Val, error) {
	switch x := x.(type) {
	case error:
		return nil, &withheld{x}
	case string:
		return types.String(x), nil
	case int:
		return types.Int(x), nil
	case bool:
		return types.Bool(x), nil
	case []string:
		return types.NewStringList(v, x), nil
	case Object:
		return &object{of: x, typ: celType(typ)}, nil
	case List:
		return v.list(x, celType(strings.TrimSuffix(strings.TrimPrefix(typ, "list("), ")"))), nil
	}
	return nil, &unknownValue{typ}
}

// list wraps the objects in one piece of memory: a change may touch thousands of files.
func (v *vocabulary) list(l List, typ *types.Type) ref.Val {
	objects, values := make([]object, l.Len), make([]ref.Val, l.Len)
	for i := range objects {
		objects[i] = object{of: l.At(i), typ: typ}
		values[i] = &objects[i]
	}
	return types.NewRefValList(v, values)
}

// withheld is the error of a part of the facts that is not known, kept apart from CEL's own words around it.
type withheld struct{ error }

type unknownValue struct{ typ string }

func (e *unknownValue) Error() string { return "no value of type " + e.typ }

// variables declares the fields of Facts.
func variables() []cel.EnvOption {
	var options []cel.EnvOption
	for _, f := range Fields(Facts) {
		options = append(options, cel.Variable(f.Name, celType(f.Type)))
	}
	return options
}

// nearest returns the word of an expression that is closest to what was written, or "".
func nearest(written string) string {
	var words []string
	for _, k := range []Kind{Facts, Change, File, Commit, Review, Repository, Status} {
		for _, f := range Fields(k) {
			words = append(words, f.Name)
		}
	}
	slices.Sort(words)
	best, least := "", min(len(written)/3+1, 4)
	for _, w := range slices.Compact(words) {
		if d := levenshtein.Distance(written, w, nil); d < least || best == "" && d == least {
			best, least = w, d
		}
	}
	return best
}
