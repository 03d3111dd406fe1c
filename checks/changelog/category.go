package changelog

import (
	"slices"
	"strings"
	"unicode"

	"github.com/agext/levenshtein"
)

// Kept are the categories of Keep a Changelog, in its order.
func Kept() []string {
	return []string{"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
}

// aliases are other words for the categories of Keep a Changelog.
func aliases() map[string]string {
	return map[string]string{"add": "Added", "new": "Added", "feature": "Added", "feat": "Added", "change": "Changed", "changes": "Changed",
		"deprecate": "Deprecated", "remove": "Removed", "fix": "Fixed", "fixes": "Fixed", "bugfix": "Fixed", "bug": "Fixed"}
}

// letters are those of a name, in lower case: "Bug Fixes", "bug-fixes" and ":bug: BugFixes" are told by them.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// match finds the valid name that a category means, whatever its case, hyphens and plural; the error names those that
// there are.
func match(category string, valid []string) (string, error) {
	want := letters(category)
	for _, fit := range []func(name string) bool{
		func(name string) bool { return letters(name) == want },
		func(name string) bool { return strings.EqualFold(aliases()[want], name) },
		func(name string) bool { return want != "" && (letters(name) == want+"s" || letters(name)+"s" == want) },
	} {
		if i := slices.IndexFunc(valid, fit); i >= 0 {
			return valid[i], nil
		}
	}
	best, least := "", len(want)/2+1
	for _, name := range valid {
		if d := levenshtein.Distance(want, letters(name), nil); d < least {
			best, least = name, d
		}
	}
	shown := valid[:min(len(valid), 12)]
	if best != "" {
		return "", refuse("there is no category %q here; the nearest is %q. There are: %s", clip(category, 40), best, strings.Join(shown, ", "))
	}
	return "", refuse("there is no category %q here. There are: %s", clip(category, 40), strings.Join(shown, ", "))
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// categories are the names that an entry may stand under in a file: those of Keep a Changelog where it is kept so, and
// those that the file has. None: entries stand right below the version.
func (f *File) categories() []string {
	var all []string
	if f.Style == KeepAChangelog || len(f.Versions) == 0 && f.Style == Markdown {
		all = Kept()
	}
	used := 0
	add := func(s *Section) {
		for _, e := range s.Entries {
			if e.Category == "" || len([]rune(e.Category)) > 40 || len(all) > 40 {
				continue
			}
			used++
			if !slices.ContainsFunc(all, func(name string) bool { return letters(name) == letters(e.Category) }) {
				all = append(all, e.Category)
			}
		}
	}
	for _, s := range f.Pending {
		add(s)
	}
	for _, v := range f.Versions[:min(len(f.Versions), 20)] {
		add(&v.Section)
	}
	if used == 0 && f.Style == KeepAChangelog {
		return Kept()
	}
	return all
}
