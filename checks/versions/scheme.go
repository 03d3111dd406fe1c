package versions

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Scheme is a convention that versions follow. The zero Scheme is SemVer.
type Scheme struct {
	name    string
	tokens  []token            // of CalVer
	pattern *regexp.Regexp     // of a pattern
	micro   micro              // of CalVer: whether the last MICRO may be left out
	habit   [maxNumbers]uint64 // of CalVer: what counters start with
}

// micro says how a CalVer writes a MICRO of zero at its end.
type micro int8

const (
	full  micro = iota // 2017.1.0
	mixed              // either way
	short              // 2017.1
)

// Level is how much a release changes. The zero Level is none.
type Level int

// The levels, each higher than the one before.
const (
	None Level = iota
	Patch
	Minor
	Major
)

func (l Level) String() string { return [...]string{"none", "patch", "minor", "major"}[l] }

// ParseLevel reads major, minor or patch, in any case.
func ParseLevel(s string) (Level, bool) {
	switch strings.ToLower(s) {
	case "major":
		return Major, true
	case "minor":
		return Minor, true
	case "patch":
		return Patch, true
	}
	return None, false
}

// ParseScheme reads "semver" (or ""), "calver:FORMAT", "regexp:PATTERN", or "regexp" with the pattern beside it.
// The error says what is wrong with the format or pattern.
func ParseScheme(name, pattern string) (Scheme, error) {
	kind, rest, _ := strings.Cut(name, ":")
	switch strings.TrimSpace(kind) {
	case "", "semver":
		if rest != "" {
			return Scheme{}, fmt.Errorf("scheme %q: semver takes nothing after it", name)
		}
		return Scheme{}, nil
	case "calver":
		return calver(strings.TrimSpace(rest))
	case "regexp":
		if rest == "" {
			rest = pattern
		}
		return patterned(rest)
	}
	return Scheme{}, fmt.Errorf("scheme %q is none of semver, calver:FORMAT, regexp:PATTERN", name)
}

// String is the scheme as a policy writes it.
func (s Scheme) String() string {
	if s.name == "" {
		return "semver"
	}
	return s.name
}

// Parse reads a version that has to follow the scheme to the letter. The error says in what it does not.
func (s Scheme) Parse(text string) (Version, error) {
	switch {
	case s.tokens != nil:
		return s.parseCalver(text)
	case s.pattern != nil:
		return s.parsePattern(text)
	}
	return parseSemver(text)
}

// Loose reads a version that is there already, however it is written: what Parse refuses may still have its place
// in the order.
func (s Scheme) Loose(text string) (Version, bool) {
	switch {
	case s.tokens != nil, s.pattern != nil:
		v, err := s.Parse(text)
		return v, err == nil
	}
	v, ok := scan(text)
	return v, ok && v.count > 1 && v.shape.separator == '.'
}

func parseSemver(text string) (Version, error) {
	v, ok := scan(text)
	if ok && v.shape.strict {
		return v, nil
	}
	return v, fmt.Errorf("%s is not SemVer: %s", clip(text), v.complaint(ok))
}

// complaint says in what a version that was scanned is not SemVer.
func (v Version) complaint(ok bool) string {
	core := func() string { return fmt.Sprintf("%d.%d.%d", v.nums[0], v.nums[1], v.nums[2]) }
	switch {
	case v.Text == "":
		return "it is empty"
	case !ok && (v.Text[0]|0x20) == 'v' && len(v.Text) > 1 && digit(v.Text[1]):
		return "the v is part of the tag, not of the version"
	case !ok:
		return "it must be MAJOR.MINOR.PATCH, like 1.4.0"
	case v.count != 3:
		return fmt.Sprintf("%s where MAJOR.MINOR.PATCH has three", numbers(v.count))
	case v.shape.separator != '.':
		return fmt.Sprintf("%q between the numbers instead of dots", v.shape.separator)
	case v.shape.zeros:
		return "a number starts with a zero; " + core() + " would do"
	case v.suffix != "" && v.shape.joined != '-':
		return "a prerelease follows a hyphen, like " + core() + "-" + hyphenated(v.suffix)
	default:
		return "its prerelease or build part is malformed"
	}
}

func numbers(n int) string {
	return [...]string{"no number", "one number", "two numbers", "three numbers", "four numbers", "five numbers", "six numbers"}[n]
}

// hyphenated writes "rc1" the way SemVer sorts rightly: "rc.1".
func hyphenated(suffix string) string {
	if word, n := splitNumber(suffix); word != "" && n != "" && !strings.HasSuffix(word, ".") {
		return word + "." + strings.TrimLeft(n[:len(n)-1], "0") + n[len(n)-1:]
	}
	return suffix
}

// clip keeps a text from a forge short enough for a sentence, and on one line.
func clip(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:57], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}

// Next is the version that a release of the level gets after the highest there is; at is the day of the release, for
// CalVer. Zero highest: the first release. "" means that the scheme allows none: a second one on a day, where the
// format ends with the day. Below 1.0.0 it takes the level at its word: what breaks is for the caller to weigh.
func (s Scheme) Next(highest Version, level Level, at time.Time) string {
	switch {
	case level == None:
		return ""
	case s.tokens != nil:
		return s.nextCalver(highest, level, at)
	case s.pattern != nil:
		return s.nextPattern(highest, level)
	}
	a, b, c := highest.nums[0], highest.nums[1], highest.nums[2]
	switch {
	case highest.Zero() && level == Major:
		return "1.0.0"
	case highest.Zero():
		return "0.1.0"
	case highest.Prerelease() && level == Patch, highest.Prerelease() && c == 0 && (level == Minor || b == 0):
		return fmt.Sprintf("%d.%d.%d", a, b, c)
	case level == Major:
		a, b, c = a+1, 0, 0
	case level == Minor:
		b, c = b+1, 0
	default:
		c++
	}
	return fmt.Sprintf("%d.%d.%d", a, b, c)
}

// lines are how many leading numbers two versions share when one is a maintenance release of the other's line,
// the narrowest line first: 1.2 and 1 of 1.2.3, or the period of a CalVer whose last token counts.
func (s Scheme) lines(v Version) []int {
	switch {
	case s.tokens != nil:
		if last := s.tokens[len(s.tokens)-1]; counts(last.name) && v.count > 1 {
			return []int{len(s.tokens) - 1}
		}
		if v.phase == after {
			return []int{len(s.tokens)} // 2021-05-24a mends 2021-05-24, however late
		}
		return nil
	case v.count > 2:
		return []int{v.count - 1, 1}
	case v.count == 2:
		return []int{1}
	}
	return nil
}
