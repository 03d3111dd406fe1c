package checks

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/hmarr/codeowners"

	"github.com/sluicegate/sluice/checks/patterns"
)

// A CODEOWNERS in sections, where a forge reads it so (Repository.Sections): each section decides for itself, a heading may name
// owners for the lines that name none, a line beginning with ! takes paths out of its section for good, and a pattern matches at
// any depth unless it begins with a slash. How many approvals a heading asks for is left to the policy's own count.

var (
	sectionHeading = patterns.New(`\A(\^?)\[([^\]]+)\](?:\[\d*\])?(.*)\z`)
	ownerRole      = patterns.New(`\A@@(developer|maintainer|owner)s?\z`)
)

// aRole is the kind of an owner that is a role in the project.
const aRole = "role"

// roles are those that may own, by the permission that they are.
func roles() map[string]string {
	return map[string]string{"developer": "write", "maintainer": "maintain", "owner": "admin"}
}

// mostSections and mostOwnerLines are more than any file that people keep has; what is made to be slow ends here.
const (
	mostSections   = 1000
	mostOwnerLines = 50000
)

// ownerSection is a part of the file that decides for itself. Nobody has to approve what an optional one owns.
type ownerSection struct {
	optional bool
	lines    []codeownersLine
	out      []codeownersLine // those that take paths out
}

// parseSections reads the sections; the first is what stands above any heading, and headings of one name are one section, which is
// optional if all of them say so. why says that the file is not one to go by.
func parseSections(text string) (sections []ownerSection, why string) {
	sections = []ownerSection{{}}
	index := map[string]int{}
	at, n, kept := 0, 0, 0
	var usual []codeowners.Owner
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if kept++; kept > mostOwnerLines || len(sections) > mostSections {
			return nil, fmt.Sprintf("has more than %d lines or %d sections: make it smaller on the target branch.", mostOwnerLines, mostSections)
		}
		if m := sectionHeading.FindStringSubmatch(line); m != nil {
			usual = ownersIn(m[3])
			name := strings.ToLower(strings.TrimSpace(m[2]))
			if _, had := index[name]; !had {
				index[name] = len(sections)
				sections = append(sections, ownerSection{optional: true})
			}
			at = index[name]
			sections[at].optional = sections[at].optional && m[1] != ""
			continue
		}
		sections[at].read(line, n, usual)
	}
	return sections, ""
}

// read adds a line that is no heading; usual are the owners that the heading names.
func (s *ownerSection) read(line string, n int, usual []codeowners.Owner) {
	pattern, rest := cutPattern(line)
	l := codeownersLine{n: n, owners: ownersIn(rest)}
	if len(l.owners) == 0 {
		l.owners = usual
	}
	pattern, out := strings.CutPrefix(pattern, "!")
	if pattern == "" {
		return
	}
	l.glob = globbed(pattern)
	if !strings.ContainsAny(pattern, `[]{}\`) {
		if l.prefix, l.part = literals(pattern); pattern[0] != '/' {
			l.prefix = "" // it matches at any depth
		}
	}
	if out {
		s.out = append(s.out, l)
		return
	}
	s.lines = append(s.lines, l)
}

// globbed is a pattern as one of doublestar's, against a path with a slash before it. Braces are letters there, and two stars mean
// folders only before a slash.
func globbed(pattern string) string {
	if pattern == "*" {
		return "/**/*"
	}
	if !strings.HasPrefix(pattern, "/") {
		pattern = "/**/" + pattern
	}
	switch {
	case strings.HasSuffix(pattern, "/"):
		pattern += "**/*"
	case strings.HasSuffix(pattern, "/**"):
		pattern = strings.TrimSuffix(pattern, "*")
	}
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			b.WriteString(pattern[i : i+2])
			i++
		case c == '{' || c == '}':
			b.WriteString(`\` + string(c))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// ownersIn are the owners among the words of a line; a comment's count too, as the forge has it.
func ownersIn(words string) (list []codeowners.Owner) {
	for word := range strings.FieldsSeq(words) {
		if m := ownerRole.FindStringSubmatch(word); m != nil {
			list = append(list, codeowners.Owner{Value: m[1], Type: aRole})
			continue
		}
		for _, form := range ownerForms() {
			if o, err := form.Match(word); err == nil {
				list = append(list, o)
				break
			}
		}
	}
	return list
}

// deciding finds the line that decides on each path, the last that matches it; nil where none does, or where the section takes the
// path out.
func (s *ownerSection) deciding(paths []string) []*codeownersLine {
	found := make([]*codeownersLine, len(paths))
	for i, p := range paths {
		if last := lastOf(s.lines, p); last != nil && lastOf(s.out, p) == nil {
			found[i] = last
		}
	}
	return found
}

// lastOf is the last of the lines whose pattern matches a path.
func lastOf(lines []codeownersLine, path string) *codeownersLine {
	for i := len(lines) - 1; i >= 0; i-- {
		l := &lines[i]
		if strings.HasPrefix(path, l.prefix) && strings.Contains(path, l.part) && doublestar.MatchUnvalidated(l.glob, "/"+path) {
			return l
		}
	}
	return nil
}
