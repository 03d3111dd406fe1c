package policybot

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluicegate/sluice/checks/expression"
	"github.com/sluicegate/sluice/checks/patterns"
)

// condition is what predicates come to: all of it has to hold. The zero value always does.
type condition struct {
	terms                          []string // of an expression
	authors, contributors, allFrom *actors
	open                           []pair // predicates without a counterpart: whether they hold is not known
}

// always says that there is nothing to hold.
func (c *condition) always() bool {
	return len(c.terms) == 0 && c.authors == nil && c.contributors == nil && c.allFrom == nil
}

// predicates read the block of an `if` or of conditions.
func (im *importer) predicates(n *yaml.Node) *condition {
	c := &condition{}
	ps, ok := im.pairs(n)
	if !ok {
		c.open = append(c.open, pair{name: "it", key: n, value: n})
	}
	for _, p := range ps {
		if absent(p.value) {
			continue
		}
		if !im.predicate(c, p) {
			c.open = append(c.open, p)
		}
	}
	c.fit(n)
	return c
}

// fit makes sure that the terms are an expression that Sluice takes; those that are too much are left open.
func (c *condition) fit(n *yaml.Node) {
	if len(c.terms) == 0 {
		return
	}
	if _, err := expression.Compile(c.expression()); err != nil {
		c.open = append(c.open, pair{name: "what it asks for, too long for one expression,", key: n})
		c.terms = nil
	}
}

func (c *condition) expression() string {
	if len(c.terms) == 1 {
		return c.terms[0]
	}
	terms := make([]string, len(c.terms))
	for i, t := range c.terms {
		if terms[i] = t; chooses(t) {
			terms[i] = "(" + t + ")"
		}
	}
	return strings.Join(terms, " && ")
}

var literals = patterns.New(`r"[^"]*"|"(?:[^"\\]|\\.)*"`)

// chooses says that a term is several with || between them, and none that holds such in brackets.
func chooses(term string) bool {
	depth := 0
	for i, r := range literals.ReplaceAllString(term, "") {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == '|' && depth == 0 && i > 0:
			return true
		}
	}
	return false
}

// lacking says in a few words why a predicate was left open.
func (im *importer) lacking(p pair) string {
	switch {
	case p.name == "has_workflow_result", strings.HasPrefix(p.name, "custom_property_"):
		return p.name + " has no counterpart"
	case slices.Contains(predicateNames(), p.name):
		return p.name + " cannot be carried over as it is written: " + im.trouble(p)
	}
	return oneLine(p.name) + " is not known"
}

// predicateNames are those that have a counterpart, most of the time.
func predicateNames() []string {
	return []string{
		"changed_files", "no_changed_files", "only_changed_files", "file_added", "file_not_added", "file_deleted", "file_not_deleted",
		"has_author_in", "has_contributor_in", "only_has_contributors_in", "author_is_only_contributor", "targets_branch", "from_branch",
		"modified_lines", "has_status", "has_successful_status", "has_labels", "repository", "title",
		"has_valid_signatures", "has_valid_signatures_by", "has_valid_signatures_by_keys",
	}
}

// predicate takes in one, and says whether it has a counterpart.
func (im *importer) predicate(c *condition, p pair) bool {
	if term, ok := im.plainly(p); ok {
		if term != "" {
			c.terms = append(c.terms, term)
		}
		return true
	}
	into := map[string]**actors{"has_author_in": &c.authors, "has_contributor_in": &c.contributors, "only_has_contributors_in": &c.allFrom}[p.name]
	if into == nil {
		return false
	}
	a := im.people(p.value)
	switch {
	case a.broken:
		return false
	case a.nobody():
		c.terms = append(c.terms, "false")
	default:
		*into = a
	}
	return true
}

// plainly is a predicate as a term of an expression; "" where it always holds.
func (im *importer) plainly(p pair) (term string, ok bool) {
	switch p.name {
	case "changed_files", "no_changed_files":
		return im.changedFiles(p)
	case "only_changed_files":
		return im.onlyChangedFiles(p)
	case "file_added", "file_not_added", "file_deleted", "file_not_deleted":
		return im.filesOf(p)
	case "author_is_only_contributor":
		is, ok := truth(p.value)
		return negated(!is, `!change.bot && commits.all(c, c.author == change.author && (c.committer == change.author || c.committer == "web-flow"))`), ok
	case "targets_branch":
		return im.onePattern(p, "change.base")
	case "from_branch":
		return im.onePattern(p, "change.source")
	case "modified_lines":
		return im.modifiedLines(p)
	case "has_status":
		return im.hasStatus(p)
	case "has_successful_status":
		names, ok := im.texts(p.value)
		return statuses(names, []string{"success"}), ok
	case "has_labels":
		return im.hasLabels(p)
	case "repository":
		return im.matchesOrNot(p, "repository.name")
	case "title":
		return im.matchesOrNot(p, "change.title")
	case "has_valid_signatures":
		is, ok := truth(p.value)
		return negated(!is, "commits.all(c, c.signed)"), ok
	case "has_valid_signatures_by":
		a := im.people(p.value)
		return "commits.all(c, c.signed && c.signer in " + words(a.users) + ")",
			!a.broken && len(a.teams)+len(a.orgs) == 0 && a.permission == ""
	case "has_valid_signatures_by_keys":
		keys, ok := im.only(p.value, "key_ids")
		ids, fine := im.texts(keys["key_ids"])
		return "commits.all(c, c.signed && c.signing_key in " + words(ids) + ")", ok && fine && !hasEmpty(ids)
	}
	return "", false
}

func hasEmpty(list []string) bool {
	for _, s := range list {
		if s == "" {
			return true
		}
	}
	return false
}

// only returns the values of a mapping that has no keys but these; absent ones are nodes for nothing.
func (im *importer) only(n *yaml.Node, names ...string) (map[string]*yaml.Node, bool) {
	values := map[string]*yaml.Node{}
	for _, name := range names {
		values[name] = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	ps, ok := im.pairs(n)
	for _, p := range ps {
		if _, known := values[p.name]; !known {
			return values, false
		}
		values[p.name] = p.value
	}
	return values, ok
}

func (im *importer) changedFiles(p pair) (string, bool) {
	v, ok := im.only(p.value, "paths", "ignore")
	paths, fine := im.patterns(v["paths"])
	ignore, fine2 := im.patterns(v["ignore"])
	if len(paths) == 0 {
		im.note(p.key, false, p.name+" names no paths, so for policy-bot no file is one of them", "the same")
		return negated(p.name == "no_changed_files", "false"), ok && fine && fine2
	}
	term := "touched.exists(p, " + matching("p", paths)
	if len(ignore) > 0 {
		term += " && !" + matching("p", ignore)
	}
	return negated(p.name == "no_changed_files", term+")"), ok && fine && fine2
}

func (im *importer) onlyChangedFiles(p pair) (string, bool) {
	v, ok := im.only(p.value, "paths")
	paths, fine := im.patterns(v["paths"])
	if len(paths) == 0 {
		return "false", ok && fine
	}
	return "size(touched) > 0 && touched.all(p, " + matching("p", paths) + ")", ok && fine
}

// filesOf are predicates on files that were added or deleted; a rename is both.
func (im *importer) filesOf(p pair) (string, bool) {
	v, ok := im.only(p.value, "paths")
	paths, fine := im.patterns(v["paths"])
	term := "false"
	switch {
	case len(paths) == 0:
	case strings.HasSuffix(p.name, "added"):
		term = `files.exists(f, f.status in ["added", "renamed"] && ` + matching("f.path", paths) + ")"
	default:
		term = `files.exists(f, f.status == "removed" && ` + matching("f.path", paths) + ` || f.status == "renamed" && ` + matching("f.old", paths) + ")"
	}
	return negated(strings.Contains(p.name, "_not_"), term), ok && fine
}

func (im *importer) onePattern(p pair, of string) (string, bool) {
	v, ok := im.only(p.value, "pattern")
	pattern, fine := text(v["pattern"])
	if _, err := regexp.Compile(pattern); err != nil {
		return "", false
	}
	if absent(v["pattern"]) {
		return "false", ok
	}
	return matching(of, []string{pattern}), ok && fine
}

var comparison = patterns.New(`^([<>=])[ \t]*(-?[0-9]{1,18})$`)

// modifiedLines holds where one of the comparisons does.
func (im *importer) modifiedLines(p pair) (string, bool) {
	v, ok := im.only(p.value, "additions", "deletions", "total")
	var terms []string
	for _, k := range []struct{ name, of string }{
		{"additions", "change.additions"}, {"deletions", "change.deletions"}, {"total", "change.additions + change.deletions"},
	} {
		s, fine := text(v[k.name])
		if s = strings.TrimSpace(s); !fine || s == "" {
			continue
		}
		m := comparison.FindStringSubmatch(s)
		if m == nil {
			return "", false
		}
		terms = append(terms, k.of+" "+strings.Replace(m[1], "=", "==", 1)+" "+m[2])
	}
	if len(terms) == 0 {
		return "false", ok
	}
	return strings.Join(terms, " || "), ok
}

func (im *importer) hasStatus(p pair) (string, bool) {
	v, ok := im.only(p.value, "conclusions", "statuses")
	conclusions, fine := im.texts(v["conclusions"])
	names, fine2 := im.texts(v["statuses"])
	if len(conclusions) == 0 {
		conclusions = []string{"success"}
	}
	return statuses(names, conclusions), ok && fine && fine2
}

func statuses(names, conclusions []string) string {
	var terms []string
	for _, name := range names {
		terms = append(terms, fmt.Sprintf("statuses.exists(s, s.name == %s && s.state in %s)", quoted(name), words(conclusions)))
	}
	return strings.Join(terms, " && ")
}

// hasLabels wants all of them; case does not matter.
func (im *importer) hasLabels(p pair) (string, bool) {
	names, ok := im.texts(p.value)
	var terms []string
	for _, name := range names {
		terms = append(terms, "change.labels.exists(l, l.matches("+quoted("(?i)^"+regexp.QuoteMeta(name)+"$")+"))")
	}
	return strings.Join(terms, " && "), ok
}

// matchesOrNot holds where one of some patterns matches, or none of others does.
func (im *importer) matchesOrNot(p pair, of string) (string, bool) {
	v, ok := im.only(p.value, "matches", "not_matches")
	matches, fine := im.patterns(v["matches"])
	not, fine2 := im.patterns(v["not_matches"])
	var terms []string
	if len(matches) > 0 {
		terms = append(terms, matching(of, matches))
	}
	if len(not) > 0 {
		terms = append(terms, "!"+matching(of, not))
	}
	if len(terms) == 0 {
		terms = []string{"false"}
	}
	return strings.Join(terms, " || "), ok && fine && fine2
}

// matching says that one of the patterns matches. Many are several expressions: one that is too long Sluice refuses.
func matching(of string, patterns []string) string {
	var terms []string
	for len(patterns) > 0 {
		n, bytes := 1, len(patterns[0])
		for n < len(patterns) && bytes+len(patterns[n]) < 500 {
			bytes += len(patterns[n])
			n++
		}
		terms = append(terms, of+".matches("+quoted(joined(patterns[:n]))+")")
		patterns = patterns[n:]
	}
	if len(terms) == 1 {
		return terms[0]
	}
	return "(" + strings.Join(terms, " || ") + ")"
}

func joined(patterns []string) string {
	if len(patterns) == 1 {
		return patterns[0]
	}
	groups := make([]string, len(patterns))
	for i, p := range patterns {
		groups[i] = "(?:" + p + ")"
	}
	return strings.Join(groups, "|")
}

func negated(is bool, term string) string {
	switch {
	case !is:
		return term
	case term == "false":
		return ""
	}
	return "!(" + term + ")"
}

// quoted is a text as an expression says it; raw where that is easier to read.
func quoted(s string) string {
	if strings.Contains(s, `\`) && !strings.ContainsAny(s, "\"\n\r\t") && strings.IndexFunc(s, func(r rune) bool { return !printable(r) }) < 0 {
		return `r"` + s + `"`
	}
	return strconv.Quote(s)
}

func words(list []string) string {
	quotes := make([]string, len(list))
	for i, s := range list {
		quotes[i] = quoted(s)
	}
	return "[" + strings.Join(quotes, ", ") + "]"
}
