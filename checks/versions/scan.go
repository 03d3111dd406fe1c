package versions

import "strings"

// shape says how a version was written, as far as somebody may object to it.
type shape struct {
	separator byte // between the numbers; 0 with one number
	joined    byte // before the suffix: '-', '.', '_', or 0 when it follows directly
	zeros     bool // a number starts with a needless zero
	strict    bool // SemVer 2.0.0 to the letter
	build     bool // has build metadata
}

// scan reads a version in any of the ways that people write one: numbers with one separator (. - or _), then
// perhaps a suffix: -anything, or one of the well-known words with or without a separator (rc1, .dev0, .post1, a).
// It allocates nothing: whole tag lists go through it.
func scan(s string) (Version, bool) {
	v := Version{Text: s}
	if len(s) > maxLength {
		return v, false
	}
	rest, ok := v.numbers(s)
	if !ok {
		return v, false
	}
	plain := rest
	if i := strings.IndexByte(rest, '+'); i >= 0 {
		v.shape.build = true
		plain = rest[:i]
		if !identifiers(rest[i+1:], false) {
			return v, false
		}
	}
	if plain != "" && !v.tail(plain) {
		return v, false
	}
	hyphenated := plain == "" || v.shape.joined == '-' && identifiers(plain[1:], true)
	v.shape.strict = v.count == 3 && v.shape.separator == '.' && !v.shape.zeros && hyphenated
	if v.shape.strict && plain != "" {
		v.phase, v.suffix = before, plain[1:] // to SemVer even -final and -hotfix come before
	}
	return v, true
}

// numbers reads the leading numbers and returns what follows them.
func (v *Version) numbers(s string) (rest string, ok bool) {
	for i := 0; ; {
		start := i
		var n uint64
		for i < len(s) && digit(s[i]) {
			d := uint64(s[i] - '0')
			if n > (1<<64-1-d)/10 {
				return "", false
			}
			n = n*10 + d
			i++
		}
		if i == start || v.count == maxNumbers {
			return "", false
		}
		v.shape.zeros = v.shape.zeros || i-start > 1 && s[start] == '0'
		v.nums[v.count] = n
		v.count++
		if i+1 >= len(s) || !digit(s[i+1]) || !v.separates(s[i]) {
			return s[i:], true
		}
		v.shape.separator = s[i]
		i++
	}
}

// separates says whether c stands between two numbers: once there is a separator, no other does.
func (v *Version) separates(c byte) bool {
	if v.shape.separator != 0 {
		return c == v.shape.separator
	}
	return c == '.' || c == '-' || c == '_'
}

// tail reads what follows the numbers.
func (v *Version) tail(s string) bool {
	if c := s[0]; c == '-' || c == '.' || c == '_' {
		v.shape.joined, s = c, s[1:]
	}
	for i := range len(s) {
		if c := s[i]; !digit(c) && !letter(c) && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	if s == "" || s[len(s)-1] == '.' {
		return false
	}
	i := 0
	for i < len(s) && letter(s[i]) {
		i++
	}
	v.suffix = s
	var known bool
	v.phase, known = phaseOf(s[:i])
	switch {
	case len(s) == 1 && i == 1 && (v.shape.joined == 0 || v.shape.separator == '-'):
		v.phase = after // 1.0.2a comes after 1.0.2, and 2021-05-24-a after 2021-05-24
	case known && v.phase == release:
		v.suffix = ""
	case !known:
		return v.shape.joined == '-'
	}
	return true
}

// phaseOf says what a well-known word after a version means.
func phaseOf(word string) (phase, bool) {
	switch strings.ToLower(word) {
	case "a", "alpha", "b", "beta", "c", "cr", "rc", "dev", "develop", "development", "ea", "m", "milestone", "pre", "prerelease",
		"preview", "snapshot", "nightly", "canary", "next", "test", "experimental":
		return before, true
	case "post", "rev", "r", "p", "pl", "patch", "hf", "hotfix", "sp", "sec":
		return after, true
	case "final", "ga", "release":
		return release, true
	}
	return before, false
}

// identifiers says whether s is a list of SemVer identifiers; in a prerelease numbers have no needless zero.
func identifiers(s string, prerelease bool) bool {
	for more := true; more; {
		var id string
		id, s, more = strings.Cut(s, ".")
		numeric := id != ""
		for i := range len(id) {
			if c := id[i]; !digit(c) {
				numeric = false
				if !letter(c) && c != '-' {
					return false
				}
			}
		}
		if id == "" || prerelease && numeric && len(id) > 1 && id[0] == '0' {
			return false
		}
	}
	return true
}

// split finds the version in a tag: in its last segment, from the leftmost place from which all the rest is a version
// of three numbers or more, else of two, else of a single number that stands apart. prefix is what comes before.
func split(tag string) (prefix string, v Version, ok bool) {
	if len(tag) > maxLength {
		return "", Version{}, false
	}
	start, best := strings.LastIndexByte(tag, '/')+1, -1
	for i := start; i < len(tag); i++ {
		if !digit(tag[i]) || i > start && digit(tag[i-1]) || i > start+1 && tag[i-1] == '.' && digit(tag[i-2]) {
			continue
		}
		got, fits := scan(tag[i:])
		if !fits || got.count == 1 && !apart(tag, start, i) {
			continue
		}
		if best < 0 || got.count > 2 && v.count < 3 || got.count == 2 && v.count == 1 {
			v, best = got, i
		}
		if v.count > 2 {
			break
		}
	}
	if best < 0 {
		return "", Version{}, false
	}
	return tag[:best], v, true
}

// apart says that the number at i is not the end of a word: at the start, after a separator, or after a v that is.
func apart(tag string, start, i int) bool {
	if i > start && (tag[i-1] == 'v' || tag[i-1] == 'V') {
		i--
	}
	return i == start || !letter(tag[i-1]) && !digit(tag[i-1])
}

// trimV parts a prefix from the v at its end, when that is no part of a word.
func trimV(prefix string) (component, v string) {
	n := len(prefix)
	if n == 0 || prefix[n-1]|0x20 != 'v' || n > 1 && (letter(prefix[n-2]) || digit(prefix[n-2])) {
		return prefix, ""
	}
	return prefix[:n-1], prefix[n-1:]
}

// NamesComponent says whether a tag carries a version behind the name of something: api/v1.0.0, @acme/web@1.0.0.
func NamesComponent(tag string) bool {
	prefix, v, ok := split(tag)
	component, _ := trimV(prefix)
	return ok && component != "" && v.count > 1
}
