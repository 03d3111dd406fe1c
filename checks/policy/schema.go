package policy

import _ "embed"

// schema is made of the struct tags and of docs/policy.md by `go test ./checks/policy -run Schema -update`.
//
//go:embed schema.json
var schema []byte

// Schema is the JSON Schema (draft-07, which editors know) of a policy. It is a little looser than Load: what needs to
// look at two keys at once, as a circle of `after`, it cannot say.
func Schema() []byte { return append([]byte(nil), schema...) }
