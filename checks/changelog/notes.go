package changelog

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/checks/sorting"
)

// Notes are what a changelog tells of a version, as Markdown without the version's own heading; false when it has no
// section for it. A link that is defined elsewhere in the file is defined in the notes too.
func Notes(name, text, version string) (string, bool) {
	f := Parse(name, text)
	i := slices.IndexFunc(f.Versions, func(v *Version) bool { return v.Version == version && !v.Bad })
	if i < 0 {
		return "", false
	}
	return f.notes(text, &f.Versions[i].Section), true
}

// Pended are the notes of what is not released yet; "" when nothing waits.
func Pended(name, text string) string {
	f := Parse(name, text)
	if f.Unreleased == nil || !slices.ContainsFunc(f.Unreleased.Entries, Entry.Real) {
		return ""
	}
	return f.notes(text, f.Unreleased)
}

func (f *File) notes(text string, s *Section) string {
	switch f.Style {
	case RST, Plain, GNU, Debian:
		return List(s.Entries)
	}
	return f.cut(newSheet(text), s)
}

var (
	comment   = patterns.New(`(?s)<!--.*?-->`)
	anchor    = patterns.New(`(?i)<a (?:name|id)="[^"]*">\s*</a>`)
	blankRuns = patterns.New(`\n{3,}`)
	labelled  = patterns.New(`\[([^\[\]\n]{1,200})\]`)
)

// cut takes a section out of a Markdown file as it is, but for its comments and link definitions.
func (f *File) cut(t *sheet, s *Section) string {
	var body []string
	first := s.Line + 1
	if adornment(t.at(s.Line+1)) != 0 && !hashes.MatchString(t.at(s.Line)) {
		first++
	}
	for n := first; n <= min(s.EndLine, len(t.lines)); n++ {
		if !definition.MatchString(t.at(n)) {
			body = append(body, t.at(n))
		}
	}
	out := anchor.ReplaceAllString(comment.ReplaceAllString(strings.Join(body, "\n"), ""), "")
	out = strings.TrimSpace(blankRuns.ReplaceAllString(out, "\n\n"))
	used := map[string]bool{}
	for _, m := range labelled.FindAllStringSubmatch(out, -1) {
		used[strings.ToLower(m[1])] = true
	}
	var links []string
	for n := 1; n <= len(t.lines) && len(used) > 0; n++ {
		if m := definition.FindStringSubmatch(t.at(n)); m != nil && used[strings.ToLower(m[2])] {
			links = append(links, strings.TrimSpace(t.at(n)))
			delete(used, strings.ToLower(m[2]))
		}
	}
	if len(links) > 0 {
		out += "\n\n" + strings.Join(links, "\n")
	}
	return out
}

// List writes entries as a Markdown list below their categories.
func List(entries []Entry) string {
	var b strings.Builder
	category := ""
	for _, e := range entries {
		if e.Category != category {
			category = e.Category
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "### %s\n\n", category)
		}
		text := strings.Join(strings.Fields(e.Text), " ")
		switch {
		case e.Form == Block:
			fmt.Fprintf(&b, "\n```\n%s\n```\n\n", strings.ReplaceAll(e.Text, "```", "'''"))
		case text == "":
		case e.Form == Prose:
			fmt.Fprintf(&b, "%s\n\n", text)
		default:
			fmt.Fprintf(&b, "%s- %s\n", strings.Repeat("  ", min(e.Depth, 8)), text)
		}
	}
	return strings.TrimSpace(blankRuns.ReplaceAllString(b.String(), "\n\n"))
}

// Gather makes notes of fragments: each with its texts below what its name calls it. "" when they tell nothing.
func Gather(paths []string, texts map[string]string) string {
	var all []Entry
	for _, p := range paths {
		f, err := ReadFragment(p, texts[p])
		if err != nil {
			continue
		}
		category := ""
		if m := crier.FindStringSubmatch(path.Base(p)); m != nil && f.Tool == Towncrier {
			category = strings.ToUpper(m[1][:1]) + m[1][1:]
		}
		for _, e := range f.Entries {
			if e.Form == Prose {
				e.Form = Item
			}
			if e.Category == "" {
				e.Category = category
			}
			all = append(all, e)
		}
	}
	sorting.By(all, func(a, b Entry) int { return strings.Compare(a.Category, b.Category) })
	return List(all)
}
