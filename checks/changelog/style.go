package changelog

import (
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
)

var (
	generated  = patterns.New(`(?m)^#{1,4} \[?v?\d+\.\d+\.\d+\S*\]\([^)\n]*\) ?\(\d{4}-\d\d-\d\d\)|^<a name="?v?\d+\.\d+|(?i:standard-version|conventional-?changelog|conventionalcommits|release-please|semantic-release)`)
	byBump     = patterns.New(`(?m)^## \d+\.\d+\.\d+\S*\n\n+### (?:Major|Minor|Patch) Changes$`)
	keptByHand = patterns.New(`(?i)keepachangelog\.com|(?m:^#+ \[unreleased\])`)
	kept       = patterns.New(`(?m)^#{1,3} \[v?\d+\.\d+[^\]\n]*\] (?:-|–|/) `)
	keptGroups = patterns.New(`(?m)^#{2,4} (?:Added|Changed|Deprecated|Removed|Fixed|Security)\s*$`)
)

// markdownStyle tells the dialects apart by their first lines.
func (f *File) markdownStyle(source string) Style {
	head := source[:min(len(source), 16<<10)]
	switch {
	case keptByHand.MatchString(head):
		return KeepAChangelog
	case byBump.MatchString(head):
		return Changesets
	case generated.MatchString(head):
		return Conventional
	case kept.MatchString(head) || keptGroups.MatchString(head) && (len(f.Pending) > 0 || strings.Contains(head, "\n## [")):
		return KeepAChangelog
	}
	starts, first := 0, 0
	if len(f.Versions) > 0 {
		first = f.Versions[0].Line
	}
	if len(f.Pending) > 0 && (first == 0 || f.Pending[0].Line < first) && f.Pending[0].Title != "" {
		first = f.Pending[0].Line
	}
	for line := 1; line < first; line++ {
		i := strings.IndexByte(source[starts:], '\n')
		if i < 0 {
			return Markdown
		}
		starts += i + 1
	}
	if first > 0 && !strings.HasPrefix(strings.TrimLeft(source[starts:], " "), "#") && underlined(source[starts:min(len(source), starts+400)]) {
		return Setext
	}
	return Markdown
}
