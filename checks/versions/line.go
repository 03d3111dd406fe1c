package versions

import (
	"fmt"
	"strings"
)

// Line is one sequence of releases: how its tags are written, and how its versions are ordered.
type Line struct {
	Template Template
	Scheme   Scheme
}

// defaultTemplate is what a policy that says nothing of tags asks for.
const defaultTemplate = "v{version}"

// NewLine makes a line of what a policy says: its tag template ("" for the default), scheme and pattern. A pattern
// that starts with a letter speaks of the whole tag, unless the template is another than the default.
func NewLine(tag, scheme, pattern string) (Line, error) {
	s, err := ParseScheme(scheme, pattern)
	if err != nil {
		return Line{}, err
	}
	if tag == "" {
		tag = defaultTemplate
	}
	if p := strings.TrimPrefix(s.name, "regexp:"); s.pattern != nil && tag == defaultTemplate {
		if p = strings.TrimLeft(p, "^("); p != "" && letter(p[0]) {
			tag = "{version}"
		}
	}
	t, err := ParseTemplate(tag)
	return Line{t, s}, err
}

// Read reads a tag that is there already, however its version is written; false when it is no release of the line.
func (l Line) Read(tag string) (Version, bool) {
	text, ok := l.Template.Version(tag)
	if !ok || !l.claims(text) {
		return Version{}, false
	}
	v, ok := l.Scheme.Loose(text)
	v.Tag = tag
	return v, ok
}

// Parse reads a tag that has to follow the line to the letter. mine is false when it does not look like one of the
// line's tags at all; err says in what one that does is wrong.
func (l Line) Parse(tag string) (v Version, mine bool, err error) {
	text, ok := l.Template.Version(tag)
	if !ok || !l.claims(text) {
		return Version{}, false, nil
	}
	v, err = l.Scheme.Parse(text)
	v.Tag = tag
	return v, true, err
}

// claims says whether a text in the place of a version means to be one.
func (l Line) claims(text string) bool {
	return text != "" && (digit(text[0]) || l.Scheme.pattern != nil && l.Scheme.pattern.MatchString(text))
}

// Verdict is what comes of proposing a tag.
type Verdict string

// The verdicts.
const (
	OK            Verdict = "ok"
	Used          Verdict = "used"           // the tag, or its version, is there
	NotIncreasing Verdict = "not-increasing" // higher than neither the highest release nor its own line
	Malformed     Verdict = "malformed"      // no version of the scheme, or no name for a tag
	StyleMismatch Verdict = "style-mismatch" // a version, written or named as no other here is
)

// Place says whether v may be released next to those that are there: OK, Used or NotIncreasing, and why.
//
// A release may come if it is higher than every other, or continues an older line: higher than all of its own minor
// version, or of its own major one, where that has releases. So 1.2.4 may follow 1.3.0 when 1.2.3 exists, and 1.1.0
// may not when there was no 1.1 and there is a 1.2. A CalVer line is the period that its last counter counts in.
// A prerelease must not come after its release, nor below one of its own kind.
func (s Scheme) Place(v Version, there []Version) (Verdict, string) {
	var highest, released, sibling Version
	var exists [2]bool
	var top [2]Version
	lines := s.lines(v)
	for _, o := range there {
		c := v.Compare(o)
		if c == 0 && o.count == v.count {
			return Used, fmt.Sprintf("%s is there already", o.name())
		}
		for k, n := range lines {
			if v.sameLine(o, n) {
				if exists[k] = true; !o.Prerelease() && o.Compare(top[k]) > 0 {
					top[k] = o
				}
			}
		}
		if v.Prerelease() && v.Core().Compare(o.Core()) == 0 {
			if !o.Prerelease() {
				released = o
			} else if c < 0 && kin(v.suffix, o.suffix) && (sibling.Zero() || o.Compare(sibling) > 0) {
				sibling = o
			}
		}
		if !o.Prerelease() && (highest.Zero() || o.Compare(highest) > 0) {
			highest = o
		}
	}
	switch {
	case !released.Zero():
		return NotIncreasing, fmt.Sprintf("%s is released already", released.name())
	case !sibling.Zero():
		return NotIncreasing, fmt.Sprintf("it is not higher than %s", sibling.name())
	case highest.Zero():
		return OK, "the first release"
	case v.Compare(highest) > 0:
		return OK, fmt.Sprintf("higher than %s", highest.name())
	}
	for k := range lines {
		if exists[k] && v.Compare(top[k]) > 0 {
			if top[k].Zero() {
				return OK, "the first release of its line"
			}
			return OK, fmt.Sprintf("continues the line of %s, below %s", top[k].name(), highest.name())
		}
	}
	if len(lines) > 0 && exists[0] {
		return NotIncreasing, fmt.Sprintf("it is not higher than %s, the highest of its line", top[0].name())
	}
	return NotIncreasing, fmt.Sprintf("it is not higher than %s, and continues no older line", highest.name())
}

func (v Version) name() string {
	if v.Tag != "" {
		return v.Tag
	}
	return v.Text
}

// kin says whether two prereleases of one version can be told apart by order. Channels run side by side: -beta.3 says
// nothing about -alpha.4, nor -soak-time-preview about -rc.1.
func kin(a, b string) bool { return firstWord(a) == firstWord(b) }

func firstWord(s string) string {
	i := 0
	for i < len(s) && letter(s[i]) {
		i++
	}
	return strings.ToLower(s[:i])
}

// Highest returns the highest release and the highest prerelease among them; zero when there is none.
func Highest(there []Version) (release, prerelease Version) {
	for _, v := range there {
		if v.Prerelease() {
			if prerelease.Zero() || v.Compare(prerelease) > 0 {
				prerelease = v
			}
		} else if release.Zero() || v.Compare(release) > 0 {
			release = v
		}
	}
	return release, prerelease
}
