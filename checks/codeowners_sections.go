package checks

import (
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

// parseSections reads the sections whose owners have to be asked. The first is what stands above any heading; optional ones are
// left out, and headings of one name are one section.
func parseSections(text string) [][]codeownersLine {
	sections := [][]codeownersLine{nil}
	index := map[string]int{}
	at, n := 0, 0
	var usual []codeowners.Owner
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if m := sectionHeading.FindStringSubmatch(line); m != nil {
			usual = ownersIn(m[3])
			if at = -1; m[1] == "" {
				name := strings.ToLower(strings.TrimSpace(m[2]))
				if _, had := index[name]; !had {
					index[name] = len(sections)
					sections = append(sections, nil)
				}
				at = index[name]
			}
			continue
		}
		if at < 0 {
			continue
		}
		pattern, rest := cutPattern(line)
		l := codeownersLine{n: n, owners: ownersIn(rest)}
		if len(l.owners) == 0 {
			l.owners = usual
		}
		if pattern, l.out = strings.CutPrefix(pattern, "!"); pattern == "" {
			continue
		}
		l.glob = globbed(pattern)
		if !strings.ContainsAny(pattern, `[]{}\`) {
			if l.prefix, l.part = literals(pattern); pattern[0] != '/' {
				l.prefix = "" // it matches at any depth
			}
		}
		sections[at] = append(sections[at], l)
	}
	return sections
}

// globbed is a pattern as one of doublestar's, against a path with a slash before it.
func globbed(pattern string) string {
	if pattern == "*" {
		return "/**/*"
	}
	if !strings.HasPrefix(pattern, "/") {
		pattern = "/**/" + pattern
	}
	if strings.HasSuffix(pattern, "/") {
		pattern += "**/*"
	}
	return strings.NewReplacer("{", `\{`, "}", `\}`).Replace(pattern) // braces are letters there
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

// decide finds the line of a section that decides on each path, the last that matches it; nil where none does, or where the
// section takes the path out.
func decide(section []codeownersLine, paths []string) []*codeownersLine {
	found := make([]*codeownersLine, len(paths))
	for i, p := range paths {
		for j := len(section) - 1; j >= 0; j-- {
			l := &section[j]
			if found[i] != nil && !l.out || !l.globs(p) {
				continue
			}
			if l.out {
				found[i] = nil
				break
			}
			found[i] = l
		}
	}
	return found
}

// globs says whether the pattern of a line in a section matches a path.
func (l *codeownersLine) globs(path string) bool {
	return strings.HasPrefix(path, l.prefix) && strings.Contains(path, l.part) && doublestar.MatchUnvalidated(l.glob, "/"+path)
}
