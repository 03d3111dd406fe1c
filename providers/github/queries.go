package github

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
)

// The documents, one operation a file, and fragments.graphql with what they share.
//
//go:embed *.graphql
var documents embed.FS

var (
	fragmentDefinition = patterns.New(`(?m)^fragment (\w+) on `)
	fragmentSpread     = patterns.New(`\.\.\.(\w+)`)
)

// generated are the fragments that are written for each request, with the type that each stands on.
func generated() map[string]string {
	return map[string]string{"AtTip": "Commit", "AtHead": "Commit", "AtStart": "Commit", "People": "Repository", "Wanted": "Repository", "Hints": "Query"}
}

// queries composes documents: an operation, the fragments it spreads, and those that are written for the request.
type queries struct {
	operations map[string]string   // by operation
	fragments  map[string]string   // by name
	top        map[string][]string // what an operation spreads
	spreads    map[string][]string // what a fragment spreads
}

func loadQueries() (*queries, error) {
	q := &queries{operations: map[string]string{}, top: map[string][]string{}, fragments: map[string]string{}, spreads: map[string][]string{}}
	files, err := fs.Glob(documents, "*.graphql")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		b, err := documents.ReadFile(file)
		if err != nil {
			return nil, err
		}
		text := uncommented(string(b))
		if file == "fragments.graphql" {
			q.cut(text)
			continue
		}
		name := regexp.MustCompile(`(?:query|mutation) (\w+)`).FindStringSubmatch(text)
		if name == nil {
			return nil, fmt.Errorf("%s holds no named operation", file)
		}
		q.operations[name[1]] = text
		q.top[name[1]] = spreads(text)
	}
	return q, nil
}

func (q *queries) cut(text string) {
	at := fragmentDefinition.FindAllStringSubmatchIndex(text, -1)
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		name := text[m[2]:m[3]]
		q.fragments[name] = text[m[0]:end]
		q.spreads[name] = spreads(q.fragments[name])
	}
}

func uncommented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func spreads(text string) []string {
	var names []string
	for _, m := range fragmentSpread.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// document returns an operation with all that it spreads. parts are the bodies of the generated fragments; one that is
// spread and not given asks for nothing.
func (q *queries) document(operation string, parts map[string]string) string {
	var b strings.Builder
	b.WriteString(q.operations[operation])
	done := map[string]bool{}
	types := generated()
	var add func(names []string)
	add = func(names []string) {
		for _, name := range names {
			if done[name] {
				continue
			}
			done[name] = true
			if on, ok := types[name]; ok {
				body := parts[name]
				fmt.Fprintf(&b, "fragment %s on %s { __typename %s}\n", name, on, body)
				add(spreads(body))
				continue
			}
			b.WriteString(q.fragments[name])
			add(q.spreads[name])
		}
	}
	add(q.top[operation])
	return b.String()
}

// quoted is s as a GraphQL string. JSON's escapes are GraphQL's too.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // a string always marshals
	}
	return string(b)
}

// alias is the index of "f12" for prefix 'f', or -1.
func alias(name string, prefix byte) int {
	if len(name) < 2 || name[0] != prefix {
		return -1
	}
	n, err := strconv.Atoi(name[1:])
	if err != nil || n < 0 {
		return -1
	}
	return n
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
