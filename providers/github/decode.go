package github

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	legacy "github.com/go-json-experiment/json/v1"
)

// decode reads an answer of GitHub's in one pass, as leniently as encoding/json does: names match whatever their case, of
// a name given twice the last one counts, and what is no UTF-8 becomes U+FFFD.
func decode(body []byte, into any) error {
	return json.Unmarshal(body, into, json.MatchCaseInsensitiveNames(true), legacy.MatchCaseSensitiveDelimiter(true),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// extras are the members of an answer that its type does not name: among them what generated fragments asked for, by a
// letter and a number.
type extras map[string]jsontext.Value

// UnmarshalJSONFrom reads the fixed fields, then the files by their number.
func (c *commitNode) UnmarshalJSONFrom(in *jsontext.Decoder) (err error) {
	type fixed commitNode
	if err := json.UnmarshalDecode(in, (*fixed)(c)); err != nil {
		return err
	}
	c.files, err = byNumber[entryNode](c.Extras, 'f', in.Options())
	c.Extras = nil
	return err
}

// UnmarshalJSONFrom reads the fixed fields, then people, objects and commits by their numbers.
func (n *repoNode) UnmarshalJSONFrom(in *jsontext.Decoder) (err error) {
	type fixed repoNode
	if err := json.UnmarshalDecode(in, (*fixed)(n)); err != nil {
		return err
	}
	o := in.Options()
	if n.rights, err = byNumber[rightsNode](n.Extras, 'u', o); err != nil {
		return err
	}
	if n.watched, err = byNumber[commitNode](n.Extras, 'w', o); err != nil {
		return err
	}
	if n.carried, err = byNumber[cameNode](n.Extras, 'c', o); err != nil {
		return err
	}
	if n.pages, err = byNumber[pageNode](n.Extras, 'q', o); err != nil {
		return err
	}
	n.objects, err = byNumber[blobNode](n.Extras, 'b', o)
	n.Extras = nil
	return err
}

// UnmarshalJSONFrom reads the fixed fields, then teams and organisations by their number.
func (a *answerNode) UnmarshalJSONFrom(in *jsontext.Decoder) (err error) {
	type fixed answerNode
	if err := json.UnmarshalDecode(in, (*fixed)(a)); err != nil {
		return err
	}
	a.groups, err = byNumber[organisationNode](a.Extras, 'g', in.Options())
	a.Extras = nil
	return err
}

// byNumber reads the members of one letter. One that is null is there, and nil.
func byNumber[T any](all extras, letter byte, o json.Options) (map[int]*T, error) {
	var m map[int]*T
	for name, raw := range all {
		if n := alias(name, letter); n >= 0 {
			var v *T
			if err := json.Unmarshal(raw, &v, o); err != nil {
				return nil, err
			}
			if m == nil {
				m = map[int]*T{}
			}
			m[n] = v
		}
	}
	return m, nil
}
