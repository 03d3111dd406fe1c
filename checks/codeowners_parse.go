package checks

import (
	"strings"

	"github.com/hmarr/codeowners"

	"github.com/sluicegate/sluice/checks/patterns"
)

// codeownersLine is one line of CODEOWNERS. Its pattern is compiled only if a path might match, since a file may
// have tens of thousands of lines and a change touches few of them.
type codeownersLine struct {
	text   string // repaired
	n      int
	prefix string // what every match begins with
	part   string // what every match contains
	rule   *codeowners.Rule
	broken bool

	// Of a file in sections, in place of all that.
	glob   string
	owners []codeowners.Owner
}

// named are the owners of a line that matches a path.
func (l *codeownersLine) named() []codeowners.Owner {
	if l.rule != nil {
		return l.rule.Owners
	}
	return l.owners
}

// parseCodeowners reads the lines that GitHub would: what it does not understand (character classes, negation, an
// owner that cannot be one) it skips, that line alone.
func parseCodeowners(text string) []codeownersLine {
	text = strings.TrimPrefix(text, "\ufeff")
	lines := make([]codeownersLine, 0, strings.Count(text, "\n")+1)
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		pattern, owners := cutPattern(line)
		if strings.ContainsAny(pattern, "[]!") || strings.Trim(pattern, "/") == "" {
			continue // GitHub does not know the former, and a slash alone matches nothing
		}
		l := codeownersLine{n: n}
		l.prefix, l.part = literals(pattern)
		l.text = repaired(pattern) + owners
		lines = append(lines, l)
	}
	return lines
}

// cutPattern splits a line at the first white space that no backslash escapes.
func cutPattern(line string) (pattern, owners string) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case ' ', '\t':
			return line[:i], line[i:]
		}
	}
	return line, ""
}

// repaired makes a pattern fit for the library, which knows fewer letters than file names have: one that it refuses
// becomes a question mark, which matches that letter too.
func repaired(pattern string) string {
	var out strings.Builder
	escaped := false
	for _, r := range pattern {
		known := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(`*?./@_+-()`, r)
		switch {
		case r == '\\' && !escaped:
			escaped = true
			continue
		case escaped && (known || r == ' ' || r == '\t' || r == '\\'):
			out.WriteByte('\\')
			out.WriteRune(r)
		case known:
			out.WriteRune(r)
		default:
			out.WriteByte('?')
		}
		escaped = false
	}
	return out.String()
}

// literals are what every path that matches begins with and contains.
func literals(pattern string) (prefix, part string) {
	anchored := strings.Contains(strings.TrimSuffix(pattern, "/"), "/")
	if strings.Contains(pattern, `\`) {
		return "", ""
	}
	body := strings.Trim(pattern, "/")
	for i, run := range strings.FieldsFunc("\x00"+body, func(r rune) bool { return r == '*' || r == '?' }) {
		first := i == 0
		if run = strings.Trim(strings.TrimPrefix(run, "\x00"), "/"); first && anchored {
			prefix = run
		}
		if len(run) > len(part) {
			part = run
		}
	}
	return prefix, part
}

// claim takes the paths that the line matches out of left.
func (l *codeownersLine) claim(paths []string, left []int, found []*codeownersLine) []int {
	kept := left[:0]
	for _, i := range left {
		if l.matches(paths[i]) {
			found[i] = l
			continue
		}
		kept = append(kept, i)
	}
	return kept
}

func (l *codeownersLine) matches(path string) bool {
	if l.broken || !strings.HasPrefix(path, l.prefix) || !strings.Contains(path, l.part) {
		return false
	}
	if l.rule == nil {
		rules, err := codeowners.ParseFile(strings.NewReader(l.text), codeowners.WithOwnerMatchers(ownerForms()))
		if l.broken = err != nil || len(rules) != 1; l.broken {
			return false
		}
		l.rule = &rules[0]
	}
	ok, err := l.rule.Match(path)
	return ok && err == nil
}

func (l *codeownersLine) key() string {
	var key strings.Builder
	for _, o := range l.named() {
		key.WriteString(strings.ToLower(spelt(o)))
		key.WriteByte(' ')
	}
	return key.String()
}

var (
	ownerTeam = patterns.New(`\A@([\w.-]+(?:/[\w.-]+)+)\z`)
	ownerUser = patterns.New(`\A@([\w.-]+)\z`)
	ownerMail = patterns.New(`\A([^@/]+@[^@/]+\.[^@/]+)\z`)
)

// ownerForms are wider than the library's, which would throw away a line, and with it the claim to its paths, for an
// address in a long top-level domain or for GitLab's names: dots in them, groups within groups.
func ownerForms() []codeowners.OwnerMatcher {
	form := func(re *patterns.Pattern, kind string) codeowners.OwnerMatcher {
		return codeowners.OwnerMatchFunc(func(s string) (codeowners.Owner, error) {
			if m := re.FindStringSubmatch(s); m != nil {
				return codeowners.Owner{Value: m[1], Type: kind}, nil
			}
			return codeowners.Owner{}, codeowners.ErrNoMatch
		})
	}
	return []codeowners.OwnerMatcher{
		form(ownerMail, codeowners.EmailOwner), form(ownerTeam, codeowners.TeamOwner), form(ownerUser, codeowners.UsernameOwner),
	}
}
