package versions

import (
	"path"
	"slices"
	"strings"
)

// Unhyphenated says whether files of this kind write prereleases without a hyphen, because their language has no
// other way: 1.3.0rc1 in Python, 1.3.0.pre.1 in Ruby.
func Unhyphenated(file string) bool {
	switch path.Ext(file) {
	case ".py", ".rb", ".gemspec", ".podspec":
		return true
	}
	base := path.Base(file)
	return base == "pyproject.toml" || base == "setup.cfg"
}

// Dialect reads a version that says the same as one of the scheme in the words of a language: without the hyphen
// before a prerelease, where unhyphenated allows that, and without the zeros that a CalVer fills its months up with.
// The version that comes back is written as the scheme wants it.
func (s Scheme) Dialect(text string, unhyphenated bool) (Version, bool) {
	switch {
	case s.tokens != nil:
		plain := s
		plain.tokens = slices.Clone(s.tokens)
		for i := range plain.tokens {
			if name := plain.tokens[i].name; name == "0M" || name == "0W" || name == "0D" || name == "0Y" {
				plain.tokens[i].name = strings.Repeat(name[1:], 2)
			}
		}
		v, err := plain.parseCalver(text)
		if err != nil {
			return v, false
		}
		w, err := s.parseCalver(s.render(v) + text[len(v.Numbers()):])
		return w, err == nil
	case s.pattern == nil && unhyphenated:
		v, ok := scan(text)
		if !ok || v.count != 3 || v.phase != before || v.shape.separator != '.' || v.shape.zeros || v.shape.build {
			return v, false
		}
		w, err := parseSemver(v.Numbers() + "-" + hyphenated(v.suffix))
		return w, err == nil
	}
	return Version{}, false
}

// Numbers is the version as written, without its suffix.
func (v Version) Numbers() string {
	var n Version
	if rest, ok := n.numbers(v.Text); ok {
		return v.Text[:len(v.Text)-len(rest)]
	}
	return v.Text
}

// Development says that the version only stands in for the release with its numbers while that is worked on:
// 1.3.0-SNAPSHOT, 1.3.0.dev0. Nobody tags those.
func (v Version) Development() bool {
	if v.phase != before {
		return false
	}
	switch firstWord(v.suffix) {
	case "snapshot", "dev", "develop", "development":
		return true
	}
	return false
}
