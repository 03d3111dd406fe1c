// Package versions reads versions, the tags that carry them and the files that state them: which convention they
// follow, which is the highest, what may come next, and what is wrong with the rest.
//
// It refuses to run git, to read a file or a clock, and to guess where a policy has spoken. It reads more than it
// approves of: a tag list is what it is, so 1.4 and 4.0.0rc1 have their place in the order, and are named as malformed.
package versions

import "strings"

// maxNumbers is how many numbers a version may hold, and maxLength how many bytes a tag: nobody writes more.
const (
	maxNumbers = 6
	maxLength  = 250
)

// Version is one version as it was read. The zero Version is lower than every other, or equal.
type Version struct {
	Text   string // as written, without what the tag puts around it
	Tag    string // the tag that it was read from, or ""
	nums   [maxNumbers]uint64
	count  int
	suffix string // what follows the numbers, without what joins it: "rc.1", "post1"
	phase  phase
	shape  shape
}

// phase says where a suffix puts a version: before the release with the same numbers, or after it.
type phase int8

const (
	before  phase = -1
	release phase = 0
	after   phase = 1
)

// Prerelease says that the version comes before a release: 1.2.0-rc.1, 1.2.0b1, 1.2.0.dev0.
func (v Version) Prerelease() bool { return v.phase == before }

// Zero says that v is no version at all.
func (v Version) Zero() bool { return v.count == 0 }

// Core is the version that a prerelease leads to: 1.2.0 for 1.2.0-rc.1.
func (v Version) Core() Version {
	v.suffix, v.phase = "", release
	return v
}

// Number returns the i-th number, and 0 past the last.
func (v Version) Number(i int) uint64 {
	if i < 0 || i >= v.count {
		return 0
	}
	return v.nums[i]
}

// Compare orders two versions of one scheme: the numbers one by one, a missing one as 0, then the suffix as SemVer
// has it. It goes beyond SemVer in one point: rc10 is higher than rc9, which is what whoever writes them means.
// Build metadata is not looked at.
func (v Version) Compare(o Version) int {
	for i := range max(v.count, o.count) {
		if a, b := v.Number(i), o.Number(i); a != b {
			return sign(a < b)
		}
	}
	if v.phase != o.phase {
		return sign(v.phase < o.phase)
	}
	return compareSuffix(v.suffix, o.suffix)
}

// sameLine says that the first n numbers are equal.
func (v Version) sameLine(o Version, n int) bool {
	for i := range n {
		if v.Number(i) != o.Number(i) {
			return false
		}
	}
	return true
}

func sign(less bool) int {
	if less {
		return -1
	}
	return 1
}

// compareSuffix compares dot-separated identifiers: numbers by value and below words, the longer list above the
// shorter one it starts with.
func compareSuffix(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := compareIdentifier(x, y); c != 0 {
			return c
		}
	}
	switch {
	case a == b:
		return 0
	default:
		return sign(a == "")
	}
}

// compareIdentifier compares the word of an identifier and then the number at its end, so that the order is total.
func compareIdentifier(x, y string) int {
	xw, xn := splitNumber(x)
	yw, yn := splitNumber(y)
	if xw != yw {
		return strings.Compare(xw, yw) // a bare number has the empty word: lowest
	}
	return compareDigits(xn, yn)
}

// splitNumber parts "rc10" into "rc" and "10".
func splitNumber(s string) (word, number string) {
	i := len(s)
	for i > 0 && digit(s[i-1]) {
		i--
	}
	return s[:i], s[i:]
}

// compareDigits compares numbers of any length; none at all is the lowest.
func compareDigits(a, b string) int {
	if a == "" || b == "" {
		return strings.Compare(a, b)
	}
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return sign(len(a) < len(b))
	}
	return strings.Compare(a, b)
}

func digit(c byte) bool  { return '0' <= c && c <= '9' }
func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
