package webhook

import (
	"fmt"
	"math"
	"strings"
	"unicode"

	"github.com/sluicegate/sluice/checks/patterns"
)

var (
	objectID = patterns.New(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	fullName = patterns.New(`^[A-Za-z0-9_-]{1,100}/[A-Za-z0-9._-]{1,100}$`)
	login    = patterns.New(`^[A-Za-z0-9_-]{1,100}(\[bot\])?$`)
)

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
	case !fullName.MatchString(r.FullName) || strings.HasSuffix(r.FullName, "/.") || strings.HasSuffix(r.FullName, "/.."):
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
	if !objectID.MatchString(s) {
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
	if login.MatchString(s) {
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
