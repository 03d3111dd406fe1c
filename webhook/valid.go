package webhook

import (
	"fmt"
	"math"
	"strings"
	"unicode"
)

// These are asked of every delivery, and a pattern takes ten times as long.

func lower(c byte) bool  { return 'a' <= c && c <= 'z' }
func digit(c byte) bool  { return '0' <= c && c <= '9' }
func letter(c byte) bool { return lower(c) || 'A' <= c && c <= 'Z' }

// of says whether s is made of nothing else.
func of(s string, what func(byte) bool) bool {
	for i := range len(s) {
		if !what(s[i]) {
			return false
		}
	}
	return true
}

// objectID says whether s is the whole id of one of git's objects.
func objectID(s string) bool {
	return (len(s) == 40 || len(s) == 64) && of(s, func(c byte) bool { return digit(c) || 'a' <= c && c <= 'f' })
}

// word says whether s is 1 to 100 letters, digits, - and _, or one of those beside.
func word(s, beside string) bool {
	return s != "" && len(s) <= 100 && of(s, func(c byte) bool {
		return letter(c) || digit(c) || c == '-' || c == '_' || strings.IndexByte(beside, c) >= 0
	})
}

// fullName says whether s is OWNER/NAME.
func fullName(s string) bool {
	owner, name, ok := strings.Cut(s, "/")
	return ok && word(owner, "") && word(name, ".")
}

// login says whether s may be the login of a person or of an App.
func login(s string) bool { return word(strings.TrimSuffix(s, "[bot]"), "") }

func missing(place string) error { return fmt.Errorf("%s: is missing", place) }

// repo is the repository that the delivery is about.
func (p *payload) repo() (string, error) {
	if p.Repository == nil {
		return "", missing("repository")
	}
	return p.Repository.name("repository")
}

func (r repository) name(place string) (string, error) {
	switch {
	case r.FullName == "":
		return "", missing(place + ".full_name")
	case !fullName(r.FullName) || strings.HasSuffix(r.FullName, "/.") || strings.HasSuffix(r.FullName, "/.."):
		return "", fmt.Errorf("%s.full_name: is no OWNER/NAME", place)
	}
	return r.FullName, nil
}

// number is a pull request's.
func number(n int64, place string) (int, error) {
	if n == 0 {
		return 0, missing(place)
	}
	if n < 0 || n > math.MaxInt32 {
		return 0, fmt.Errorf("%s: is no pull request's number", place)
	}
	return int(n), nil
}

// identifier is the forge's own id of something.
func identifier(n int64, place string) (int64, error) {
	if n == 0 {
		return 0, missing(place)
	}
	if n < 0 {
		return 0, fmt.Errorf("%s: is no id", place)
	}
	return n, nil
}

func sha(s, place string) (string, error) {
	if s == "" {
		return "", missing(place)
	}
	if !objectID(s) {
		return "", fmt.Errorf("%s: is no full object id", place)
	}
	return s, nil
}

// tip is where a pushed ref points: "" for nowhere, which GitHub writes as zeros.
func tip(s, place string) (string, error) {
	s, err := sha(s, place)
	if strings.Trim(s, "0") == "" {
		return "", err
	}
	return s, err
}

// ref is the name of a branch or tag, as git allows it.
func ref(s, place string) (string, error) {
	bad := func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune(" ~^:?*[\\\ufffd", r) }
	switch {
	case s == "":
		return "", missing(place)
	case len(s) > 1024 || strings.ContainsFunc(s, bad) || strings.Contains(s, "..") || strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/"):
		return "", fmt.Errorf("%s: is no name that git allows", place)
	}
	return s, nil
}

// known is a login, or "" where it is none: it is only told on, never believed.
func known(s string) string {
	if login(s) {
		return s
	}
	return ""
}

// detail is a label's name. One that is too odd to compare becomes "", and then the change is looked at in any case.
func detail(s string) string {
	if len(s) > 255 || strings.ContainsFunc(s, unicode.IsControl) || strings.ContainsRune(s, '\ufffd') {
		return ""
	}
	return s
}
