package policybot

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// trouble names the key and the value for which a predicate that is known could not be carried over.
func (im *importer) trouble(p pair) string {
	if slices.Contains([]string{"has_author_in", "has_contributor_in", "only_has_contributors_in", "has_valid_signatures_by"}, p.name) {
		if a := im.people(p.value); a.odd != "" {
			return a.odd + " names nobody whom Sluice could name"
		}
		return shown(p.value) + " names more than users, and Sluice knows by whom something is signed by login alone"
	}
	known := keysOf(p.name)
	ps, ok := im.pairs(p.value)
	if len(known) == 0 || !ok {
		return shown(p.value) + " is not what policy-bot takes there"
	}
	for _, q := range ps {
		if !slices.Contains(known, q.name) {
			return keyed(q) + " has no counterpart"
		}
	}
	for _, q := range ps {
		if what := im.wrong(q); what != "" {
			return what
		}
	}
	return shown(p.value) + " is not what policy-bot takes there"
}

// wrong says what is wrong with the value of a key of a predicate, or "".
func (im *importer) wrong(q pair) string {
	list, ok := im.texts(q.value)
	switch {
	case q.name == "pattern":
		s, fine := text(q.value)
		list, ok = []string{s}, fine || absent(q.value)
	case slices.Contains([]string{"additions", "deletions", "total"}, q.name):
		if s, _ := text(q.value); s != "" && !comparison.MatchString(strings.TrimSpace(s)) {
			return keyed(q) + ` is no comparison such as "> 100"`
		}
		return ""
	}
	if !ok {
		return keyed(q) + " is not what policy-bot takes there"
	}
	if !slices.Contains([]string{"paths", "ignore", "pattern", "matches", "not_matches"}, q.name) {
		return ""
	}
	for _, s := range list {
		if _, err := regexp.Compile(s); err != nil {
			return fmt.Sprintf("%s: %s is no regular expression", q.name, quotedShort(s))
		}
	}
	return ""
}

// keysOf are the keys of a predicate that Sluice has something for; none where it is no mapping.
func keysOf(predicate string) []string {
	switch predicate {
	case "changed_files", "no_changed_files":
		return []string{"paths", "ignore"}
	case "only_changed_files", "file_added", "file_not_added", "file_deleted", "file_not_deleted":
		return []string{"paths"}
	case "targets_branch", "from_branch":
		return []string{"pattern"}
	case "modified_lines":
		return []string{"additions", "deletions", "total"}
	case "has_status":
		return []string{"conclusions", "statuses"}
	case "repository", "title":
		return []string{"matches", "not_matches"}
	case "has_valid_signatures_by_keys":
		return []string{"key_ids"}
	}
	return nil
}

// keyed is a key with its value, as shown shows it.
func keyed(p pair) string { return oneLine(p.name) + ": " + shown(p.value) }

// shown is a value in few words: its beginning, and no more of it than fits into a line.
func shown(n *yaml.Node) string {
	const most = 3
	switch n.Kind {
	case yaml.ScalarNode:
		return quotedShort(n.Value)
	case yaml.SequenceNode:
		var parts []string
		for _, c := range n.Content[:min(most, len(n.Content))] {
			if c.Kind == yaml.ScalarNode {
				parts = append(parts, quotedShort(c.Value))
			} else {
				parts = append(parts, "…")
			}
		}
		if len(n.Content) > most {
			parts = append(parts, "…")
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case yaml.MappingNode:
		return "{" + shownKeys(n) + "}"
	}
	return "…"
}

// shownKeys are the first keys of a mapping.
func shownKeys(n *yaml.Node) string {
	var parts []string
	for i := 0; i+1 < len(n.Content) && i < 6 && n.Kind == yaml.MappingNode; i += 2 {
		parts = append(parts, oneLine(n.Content[i].Value)+": …")
	}
	if len(parts) == 0 {
		return "it"
	}
	return strings.Join(parts, ", ")
}

func quotedShort(s string) string {
	if runes := []rune(oneLine(s)); len(runes) > 40 {
		return strconv.Quote(string(runes[:40]) + "…")
	}
	return strconv.Quote(oneLine(s))
}
