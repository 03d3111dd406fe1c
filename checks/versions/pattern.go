package versions

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// patterned makes a scheme of an RE2 pattern, which has to match a whole version. Its groups are compared in order:
// digits by value; other text as a suffix, one in a group called pre, prerelease, suffix or modifier coming before
// the release without it.
func patterned(pattern string) (Scheme, error) {
	if pattern == "" {
		return Scheme{}, errors.New("scheme regexp needs a pattern")
	}
	if len(pattern) > 1000 {
		return Scheme{}, errors.New("scheme regexp: the pattern is longer than 1000 characters")
	}
	re, err := regexp.Compile(`^(?:` + pattern + `)$`)
	if err != nil {
		return Scheme{}, fmt.Errorf("scheme regexp: %w", err)
	}
	if n := re.NumSubexp(); n == 0 || n > maxNumbers+4 {
		return Scheme{}, fmt.Errorf("scheme regexp: it needs one to %d groups to compare by, and has %d", maxNumbers+4, n)
	}
	return Scheme{name: "regexp:" + pattern, pattern: re}, nil
}

func (s Scheme) parsePattern(text string) (Version, error) {
	v := Version{Text: text}
	var at []int
	if len(text) <= maxLength {
		at = s.pattern.FindStringSubmatchIndex(text)
	}
	if at == nil {
		return v, fmt.Errorf("%s does not match %s", clip(text), strings.TrimPrefix(s.name, "regexp:"))
	}
	names := s.pattern.SubexpNames()
	for i := 1; i < len(names); i++ {
		group := ""
		if at[2*i] >= 0 {
			group = text[at[2*i]:at[2*i+1]]
		}
		if err := v.group(names[i], group); err != nil {
			return v, fmt.Errorf("%s: %w", clip(text), err)
		}
	}
	if v.count == 0 {
		return v, fmt.Errorf("%s has no number in the groups of %s", clip(text), strings.TrimPrefix(s.name, "regexp:"))
	}
	return v, nil
}

// group takes one group's text into the version.
func (v *Version) group(name, text string) error {
	if pre := preGroup(name); !pre && strings.Trim(text, "0123456789") == "" {
		if v.count == maxNumbers {
			return fmt.Errorf("more than %d numbers", maxNumbers)
		}
		n, err := strconv.ParseUint("0"+text, 10, 64)
		if err != nil {
			return errors.New("a number in it is too large")
		}
		v.nums[v.count], v.count = n, v.count+1
		return nil
	} else if text != "" {
		word := strings.TrimLeft(text, ".-_")
		p, known := phaseOf(strings.TrimRight(word, "0123456789."))
		switch {
		case pre && (!known || p == release):
			p = before
		case !known:
			p = after
		}
		v.suffix = strings.TrimPrefix(v.suffix+"."+word, ".")
		v.phase = p
	}
	return nil
}

// preGroup says whether a group is named for what comes before a release.
func preGroup(name string) bool {
	switch strings.ToLower(name) {
	case "pre", "prerelease", "pre_release", "suffix", "modifier":
		return true
	}
	return false
}

// nextPattern raises the number of the level in the text of the highest version: the first group is the major, the
// last one the patch, unless groups are named. Those after it become zero, as wide as they were where zeros fill them up, and a suffix goes.
// "" when what comes of it does not match the pattern, or when there is nothing to start from.
func (s Scheme) nextPattern(highest Version, level Level) string {
	at := s.pattern.FindStringSubmatchIndex(highest.Text)
	if at == nil {
		return ""
	}
	var groups []int // those that hold numbers
	for i := 1; i <= s.pattern.NumSubexp(); i++ {
		if at[2*i] >= 0 && !preGroup(s.pattern.SubexpNames()[i]) && strings.Trim(highest.Text[at[2*i]:at[2*i+1]], "0123456789") == "" {
			groups = append(groups, i)
		}
	}
	chosen := s.groupOf(groups, level)
	if chosen < 0 {
		return ""
	}
	if n := len(groups); level == Patch && chosen == 1 && n == 2 {
		if longer := s.lengthened(highest, at, groups); longer != "" {
			return longer
		}
	}
	out, end := "", 0
	for k, i := range groups {
		from, to := at[2*i], at[2*i+1]
		if from < end {
			return "" // nested groups
		}
		text := highest.Text[from:to]
		switch {
		case k == chosen:
			n, _ := strconv.ParseUint(text, 10, 64)
			text = fmt.Sprintf("%0*d", padded(text), n+1)
		case k > chosen:
			text = fmt.Sprintf("%0*d", padded(text), 0)
		}
		out, end = out+highest.Text[end:from]+text, to
	}
	for _, tail := range []string{"", highest.Text[end:]} {
		if v, err := s.Parse(out + tail); err == nil && v.Compare(highest) > 0 && !v.Prerelease() {
			return out + tail
		}
	}
	return ""
}

// lengthened is the first patch of a version of two numbers, where the pattern has room for a third: 1.7.1 after 1.7.
func (s Scheme) lengthened(highest Version, at, groups []int) string {
	from, to := at[2*groups[0]+1], at[2*groups[1]]
	end := at[2*groups[1]+1]
	if from > to {
		return ""
	}
	longer := highest.Text[:end] + highest.Text[from:to] + "1"
	if v, err := s.Parse(longer); err != nil || v.Number(2) != 1 || v.Prerelease() || v.Compare(highest) <= 0 {
		return ""
	}
	return longer
}

// groupOf is the index among the groups of the one that a level raises.
func (s Scheme) groupOf(groups []int, level Level) int {
	names := map[Level][]string{Major: {"major"}, Minor: {"minor"}, Patch: {"patch", "micro"}}[level]
	for k, i := range groups {
		if slices.Contains(names, strings.ToLower(s.pattern.SubexpNames()[i])) {
			return k
		}
	}
	switch {
	case len(groups) == 0:
		return -1
	case level == Major:
		return 0
	case level == Minor && len(groups) > 1:
		return 1
	}
	return len(groups) - 1
}

// padded is the width that a number is filled up to with zeros.
func padded(number string) int {
	if len(number) > 1 && number[0] == '0' {
		return len(number)
	}
	return 1
}
