package changelog

import (
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
)

// found is a version within a heading.
type found struct {
	version    string
	pkg        string // what is joined to it: "cli" in cli@1.2.3, cli-v1.2.3, cli/v1.2.3
	start, end int    // of the token in the heading
	bracketed  bool
	date       date // a date between dots that stands beside it
}

var (
	versionToken = patterns.New(`^(?:[vVrR]|[vV]er|[vV]ersion|[rR]elease|[rR]el)?[-_.=:]?(\d+(?:\.\d+)+(?:[-._+~]?[0-9A-Za-z][0-9A-Za-z]*)*)$`)
	singleToken  = patterns.New(`^[vVrR](\d{1,9})$`)
	bareNumber   = patterns.New(`^\d{1,9}$`)
	joinedToken  = patterns.New(`^(@?[A-Za-z][A-Za-z0-9_./-]*?)[-_/](?:[vV]\.?)?(\d+(?:\.\d+)+(?:[-.+~]?[0-9A-Za-z]+)*)$`)
	atToken      = patterns.New(`^(@?[A-Za-z0-9][^@\s]*)@[vV]?(\d+(?:\.\d+)*(?:[-.+~]?[0-9A-Za-z]+)*)$`)
	rangeToken   = patterns.New(`^[vV]?\d+(?:\.\d+)+-([vV]\d+(?:\.\d+)+|\d+\.\d+\.\d+)$`)
)

// findVersion returns the version a heading names: the first, but the second of "from … to …" and of a range.
func findVersion(s string) (found, bool) {
	var first found
	ok := false
	second := fromTo.MatchString(s)
	previous := ""
	each(s, func(token string, start, end int) bool {
		f, is := readVersion(token, previous, s, start)
		previous = strings.ToLower(token)
		if !is {
			return true
		}
		f.start, f.end = start, end
		switch {
		case !ok:
			first, ok = f, true
		case second:
			f.start = first.start
			first, second = f, false
		default:
			if d, is := dottedDate(token); is && first.date.text == "" {
				first.date, first.end = d, end
			}
		}
		return true
	})
	return first, ok
}

// each calls do for every token of s: what stands between blanks, brackets, commas and quotes.
func each(s string, do func(token string, start, end int) bool) {
	for i := 0; i < len(s); {
		if strings.IndexByte(" \t[](){},;\"'`|&", s[i]) >= 0 {
			i++
			continue
		}
		start := i
		for i < len(s) && strings.IndexByte(" \t[](){},;\"'`|&", s[i]) < 0 {
			i++
		}
		token := strings.TrimRight(s[start:i], ":.!/")
		if !strings.Contains(token, "://") && !do(token, start, start+len(token)) {
			return
		}
	}
}

func readVersion(token, previous, s string, start int) (found, bool) {
	if !strings.ContainsAny(token, "0123456789") || len(token) > 120 {
		return found{}, false
	}
	f := found{bracketed: start > 0 && s[start-1] == '['}
	if m := rangeToken.FindStringSubmatch(token); m != nil {
		f.version = strings.TrimLeft(m[1], "vV")
		return f, true
	}
	if m := versionToken.FindStringSubmatch(token); m != nil {
		f.version = m[1]
		return f, true
	}
	if m := singleToken.FindStringSubmatch(token); m != nil {
		f.version = m[1]
		return f, true
	}
	if bareNumber.MatchString(token) {
		f.version = token
		switch previous {
		case "version", "ver", "release", "rel", "revision", "rev", "v", "versions", "between", "and", "from", "to":
			return f, true
		}
		return f, f.bracketed && start == 1
	}
	if head, rest, ok := strings.Cut(token, "/"); ok && head != "" && head[0] <= '9' || ok && strings.HasPrefix(head, "v") {
		if m := versionToken.FindStringSubmatch(head); m != nil && strings.ContainsAny(rest, "0123456789") {
			f.version = m[1] // 1.44.0/0.66.0: several modules at once
			return f, true
		}
	}
	if m := atToken.FindStringSubmatch(token); m != nil {
		f.pkg, f.version = m[1], m[2]
		return f, true
	}
	if m := joinedToken.FindStringSubmatch(token); m != nil {
		f.pkg, f.version = m[1], m[2]
		return f, true
	}
	return found{}, false
}

// Compare orders two versions, dates and numbers alike: the numbers one by one, then a release above what has a
// suffix, then the suffixes. It is for the order within one file, where the policy's scheme is not known.
func Compare(a, b string) int {
	an, as := numbers(a)
	bn, bs := numbers(b)
	for an != "" || bn != "" {
		var x, y string
		x, an, _ = strings.Cut(an, ".")
		y, bn, _ = strings.Cut(bn, ".")
		if c := compareNumber(x, y); c != 0 {
			return c
		}
	}
	switch {
	case as == bs:
		return 0
	case as == "":
		return 1
	case bs == "":
		return -1
	}
	return strings.Compare(as, bs)
}

// numbers cuts a version into its numbers, joined by dots, and its suffix. Days have numbers too.
func numbers(v string) (nums, suffix string) {
	v = strings.TrimLeft(v, "vV")
	if len(v) == 10 && v[4] == '-' && v[7] == '-' {
		return strings.ReplaceAll(v, "-", "."), ""
	}
	i := 0
	for i < len(v) && (v[i] >= '0' && v[i] <= '9' || v[i] == '.') {
		i++
	}
	nums, suffix = strings.Trim(v[:i], "."), strings.TrimLeft(v[i:], "-._~")
	if strings.HasPrefix(v[i:], "+") || strings.HasPrefix(suffix, "post") {
		nums, suffix = nums+"."+strings.Trim(strings.TrimLeft(suffix, "+post"), "."), ""
		nums = strings.Trim(nums, ".")
	}
	return nums, suffix
}

func compareNumber(x, y string) int {
	x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	return strings.Compare(x, y)
}

// release is the line of releases that a version belongs to: its first two numbers.
func release(v string) string {
	nums, _ := numbers(v)
	parts := strings.SplitN(nums, ".", 3)
	if len(parts) < 3 {
		return v
	}
	return parts[0] + "." + parts[1]
}
