package policybot

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
)

// write gives the text of the policy.
func (im *importer) write() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# yaml-language-server: $schema=./sluice.schema.json
# Made of %s by sluice policy import policy-bot. The comments name its lines.
# Besides what is written here, Sluice counts no approval by an app, holds a change up for which somebody with write
# access requests changes, and asks for one approval more where commits name people whom the forge does not know.
version: 1

approval:
`, im.name)
	im.writeTerms(&b)
	im.writeObjections(&b)
	im.writeRules(&b)
	b.WriteString(`
# policy-bot knows nothing of these, so they are shown and block nothing. Leave the modes out to enforce them.
tagging: {mode: advise}
changelog: {mode: advise}
config-separation: {mode: advise}
`)
	return b.String()
}

// writeTerms writes what holds for all rules.
func (im *importer) writeTerms(b *strings.Builder) {
	if im.tree != nil && !im.open {
		b.WriteString("  unmatched: wait # a change for which policy-bot skips all rules is not approved\n")
	}
}

func (im *importer) writeObjections(b *strings.Builder) {
	o := im.objections
	if o == nil {
		return
	}
	fmt.Fprintf(b, "  # %s:%d policy.disapproval\n", im.name, o.line)
	comment(b, "  ", o.notes)
	fmt.Fprintf(b, "  objections:\n    from: %s\n", o.from.yaml())
	if len(o.comments) > 0 {
		fmt.Fprintf(b, "    comments: %s\n    withdrawn: %s\n", listed(o.comments), listed(o.withdrawn))
	}
}

func (im *importer) writeRules(b *strings.Builder) {
	if len(im.rules) == 0 {
		b.WriteString("  rules: []\n")
		return
	}
	b.WriteString("  rules:\n")
	for _, x := range im.rules {
		im.writeRule(b, x)
	}
	b.WriteString("  satisfy:\n    all:\n")
	im.tree.write(b, "      ")
}

func (im *importer) writeRule(b *strings.Builder, x *rule) {
	const in = "      "
	fmt.Fprintf(b, "    # %s:%d", im.name, x.line)
	if x.description != "" {
		fmt.Fprintf(b, " %s", oneLine(x.description))
	}
	b.WriteString("\n")
	comment(b, "    ", x.notes)
	fmt.Fprintf(b, "    - name: %s\n", scalar(x.name))
	x.when.write(b, in, "when")
	if x.never {
		fmt.Fprintf(b, "%sneeds: {expression: \"false\"} # nobody can meet this\n", in)
	} else {
		x.needs.write(b, in, "needs")
	}
	if x.demand {
		fmt.Fprintf(b, "%sdemand: true\n", in)
	}
	if x.automatic || x.never {
		fmt.Fprintf(b, "%sautomatic: true\n", in)
		return
	}
	fmt.Fprintf(b, "%scount: %d\n%sfrom: %s\n", in, x.count, in, x.from.yaml())
	if !slices.Equal(x.exclude, []string{"author", "contributors"}) {
		fmt.Fprintf(b, "%sexclude: %s\n", in, listed(x.exclude))
	}
	if x.stale != "commit" {
		fmt.Fprintf(b, "%sstale: %s\n", in, x.stale)
	}
	if x.reviews != "any" {
		fmt.Fprintf(b, "%sreviews: %s\n", in, x.reviews)
	}
	if len(x.reviewText) > 0 {
		fmt.Fprintf(b, "%sreview-text: %s\n", in, listed(x.reviewText))
	}
	if len(x.comments) > 0 {
		fmt.Fprintf(b, "%scomments: %s\n", in, listed(x.comments))
	}
}

func (c *condition) write(b *strings.Builder, in, key string) {
	if c.always() {
		return
	}
	fmt.Fprintf(b, "%s%s:\n", in, key)
	for _, p := range []struct {
		key  string
		from *actors
	}{{"authors", c.authors}, {"contributors", c.contributors}, {"only-contributors", c.allFrom}} {
		if p.from != nil {
			fmt.Fprintf(b, "%s  %s: %s\n", in, p.key, p.from.yaml())
		}
	}
	if len(c.terms) > 0 {
		fmt.Fprintf(b, "%s  expression: %s\n", in, scalar(c.expression()))
	}
}

// comment writes notes beside what was written for them.
func comment(b *strings.Builder, in string, notes []Note) {
	for _, n := range notes {
		fmt.Fprintf(b, "%s# line %d: %s; instead: %s\n", in, n.Line, n.What, n.Instead)
	}
}

var plainly = patterns.New(`^[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*$`)

// scalar is a text in YAML: bare where nothing could take it for something else.
func scalar(s string) string {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return `"` + s + `"`
	}
	if plainly.MatchString(s) {
		return s
	}
	if strings.IndexFunc(s, func(r rune) bool { return !printable(r) }) < 0 && s != "" {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	escaped, err := json.Marshal(s)
	if err != nil {
		return `""` // a string always marshals
	}
	return string(escaped)
}

func listed(list []string) string {
	quotes := make([]string, len(list))
	for i, s := range list {
		quotes[i] = scalar(s)
	}
	return "[" + strings.Join(quotes, ", ") + "]"
}
