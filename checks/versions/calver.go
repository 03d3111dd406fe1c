package versions

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// token is one number of a CalVer format, and the text that stands before it.
type token struct {
	before string
	name   string
}

// tokenNames are those of calver.org, those first that others start with.
var tokenNames = [...]string{"YYYY", "YY", "0Y", "MAJOR", "MINOR", "MICRO", "MODIFIER", "MM", "0M", "WW", "0W", "DD", "0D"}

// calver reads a format. MODIFIER may only come last, dates must go from year to day, so that versions sort, and
// nothing but . - _ may stand between tokens, or nothing at all where the token before has a fixed width.
func calver(format string) (Scheme, error) {
	s := Scheme{name: "calver:" + format}
	rest, modifier := format, false
	for rest != "" {
		t := token{}
		if i := strings.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune(".-_", r) }); i > 0 {
			t.before, rest = rest[:i], rest[i:]
		}
		i := slices.IndexFunc(tokenNames[:], func(n string) bool { return strings.HasPrefix(rest, n) })
		switch {
		case i < 0:
			return Scheme{}, fmt.Errorf("calver format %q: %s is no token of calver.org (YYYY YY 0Y MM 0M WW 0W DD 0D MAJOR MINOR MICRO MODIFIER)", format, clip(rest))
		case modifier:
			return Scheme{}, fmt.Errorf("calver format %q: MODIFIER must come last", format)
		case len(t.before) > 1, len(s.tokens) == 0 && t.before != "":
			return Scheme{}, fmt.Errorf("calver format %q: one separator between two tokens, none before the first", format)
		}
		t.name = tokenNames[i]
		rest = rest[len(t.name):]
		if t.name == "MODIFIER" {
			modifier = true // any version may carry one
			continue
		}
		s.tokens = append(s.tokens, t)
	}
	return s, s.sound(format)
}

// sound says why versions of the format could not be read back or would not sort.
func (s Scheme) sound(format string) error {
	if len(s.tokens) == 0 || len(s.tokens) > maxNumbers {
		return fmt.Errorf("calver format %q: it needs one to %d numbers", format, maxNumbers)
	}
	rank := -1
	seen := map[int]bool{}
	for i, t := range s.tokens {
		r := significance(t.name)
		if seen[r] {
			return fmt.Errorf("calver format %q: %s comes twice", format, t.name)
		}
		seen[r] = true
		if i > 0 && t.before == "" && width(s.tokens[i-1].name) == 0 {
			return fmt.Errorf("calver format %q: without a separator nobody can tell where %s ends", format, s.tokens[i-1].name)
		}
		if counts(t.name) {
			continue
		}
		if r < rank {
			return fmt.Errorf("calver format %q: %s must stand before the smaller ones, or versions do not sort", format, t.name)
		}
		rank = r
	}
	if !seen[0] {
		return fmt.Errorf("calver format %q: it needs a year (YYYY, YY or 0Y)", format)
	}
	if seen[2] && (seen[1] || seen[3]) {
		return fmt.Errorf("calver format %q: weeks go with neither months nor days", format)
	}
	if seen[3] && !seen[1] {
		return fmt.Errorf("calver format %q: a day needs its month", format)
	}
	return nil
}

// significance orders the date tokens, and tells the counting ones apart.
func significance(name string) int {
	switch name {
	case "YYYY", "YY", "0Y":
		return 0
	case "MM", "0M":
		return 1
	case "WW", "0W":
		return 2
	case "DD", "0D":
		return 3
	case "MAJOR":
		return 10
	case "MINOR":
		return 11
	}
	return 12
}

// counts says whether a token counts releases instead of telling the date.
func counts(name string) bool { return significance(name) >= 10 }

// width is how many digits a token always has, or 0.
func width(name string) int {
	switch name {
	case "YYYY":
		return 4
	case "0M", "0W", "0D":
		return 2
	}
	return 0
}

// parseCalver reads a version by the format. A modifier may follow in any of the usual ways; a MICRO at the end may
// be missing only where the scheme was found to leave it out.
func (s Scheme) parseCalver(text string) (Version, error) {
	v := Version{Text: text}
	bad := func(why string) (Version, error) {
		return v, fmt.Errorf("%s is not %s: %s", clip(text), strings.TrimPrefix(s.name, "calver:"), why)
	}
	if len(text) > maxLength {
		return bad("it is too long")
	}
	rest := text
	for i, t := range s.tokens {
		after, found := strings.CutPrefix(rest, t.before)
		n := 0
		for n < len(after) && digit(after[n]) && (width(t.name) == 0 || n < width(t.name)) {
			n++
		}
		if !found || n == 0 {
			if i > 0 && i == len(s.tokens)-1 && t.name == "MICRO" && s.micro != full {
				v.count++
				break
			}
			return bad("it has no " + t.name)
		}
		if why := misfit(t.name, after[:n]); why != "" {
			return bad(why)
		}
		number, err := strconv.ParseUint(after[:n], 10, 64)
		if err != nil {
			return bad(t.name + " is too large")
		}
		v.nums[v.count], v.count, rest = number, v.count+1, after[n:]
	}
	if why := s.noDate(v); why != "" {
		return bad(why)
	}
	if !v.modifier(rest) {
		return bad(clip(rest) + " follows it")
	}
	return v, nil
}

// misfit says why the digits cannot be the token.
func misfit(name, digits string) string {
	padded := len(digits) > 1 && digits[0] == '0'
	switch name {
	case "YYYY":
		if len(digits) != 4 || padded {
			return "YYYY is a year of four digits"
		}
	case "0Y", "0M", "0W", "0D":
		if len(digits) < 2 || len(digits) > 2 && padded {
			return name + " has two digits"
		}
	default:
		if padded {
			return name + " has no zero before it"
		}
	}
	return ""
}

// noDate says why the numbers are no date.
func (s Scheme) noDate(v Version) string {
	year, month := uint64(2000), uint64(1)
	for i, t := range s.tokens {
		n := v.Number(i)
		switch significance(t.name) {
		case 0:
			if year = n; t.name != "YYYY" {
				year += 2000
			}
		case 1:
			if month = n; n < 1 || n > 12 {
				return fmt.Sprintf("there is no month %d", n)
			}
		case 2:
			if n < 1 || n > 53 {
				return fmt.Sprintf("there is no week %d", n)
			}
		case 3:
			days := time.Date(int(year%10000), time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
			if n < 1 || n > uint64(days) {
				return fmt.Sprintf("month %d has no day %d", month, n)
			}
		}
	}
	return ""
}

// modifier reads what follows the numbers of a CalVer.
func (v *Version) modifier(rest string) bool {
	if rest == "" {
		return true
	}
	t, ok := scan("0" + rest) // the suffix of any version
	if !ok || t.count != 1 {
		return false
	}
	v.suffix, v.phase = t.suffix, t.phase
	if len(rest) == 2 && rest[0] == '-' && letter(rest[1]) {
		v.phase = after // 2021-05-24-a
	}
	return true
}

// nextCalver renews the date. Where that makes a new period, the counters after it start anew; else the counter of
// the level goes up. A highest version from the future stays in its period.
func (s Scheme) nextCalver(highest Version, level Level, at time.Time) string {
	next, later := s.renewed(highest, at)
	if highest.Prerelease() && later < 0 {
		return s.render(next) // what the prerelease leads to
	}
	at0 := s.counter(level)
	if later >= 0 && (at0 < 0 || level != Major || s.tokens[at0].name != "MAJOR" || highest.Zero()) {
		return s.render(next)
	}
	if at0 < 0 {
		return ""
	}
	next.nums[at0]++
	for i := at0 + 1; i < len(s.tokens); i++ {
		if counts(s.tokens[i].name) {
			next.nums[i] = s.habit[i]
		}
	}
	return s.render(next)
}

// renewed is the version with the date of at, and the index of the first token that made it later, or -1.
func (s Scheme) renewed(highest Version, at time.Time) (next Version, later int) {
	next, later = highest.Core(), -1
	next.count = len(s.tokens)
	for i, t := range s.tokens {
		if counts(t.name) {
			if later >= 0 || highest.Zero() {
				next.nums[i] = s.habit[i]
			}
			continue
		}
		now := s.now(t.name, at)
		if later < 0 && now < highest.Number(i) {
			return next, -1
		}
		if later < 0 && now > highest.Number(i) {
			later = i
		}
		next.nums[i] = now
	}
	return next, later
}

// now is a date token's number on that day. Years go by ISO where weeks do.
func (s Scheme) now(name string, at time.Time) uint64 {
	year, week := at.ISOWeek()
	if !slices.ContainsFunc(s.tokens, func(t token) bool { return significance(t.name) == 2 }) {
		year = at.Year()
	}
	switch significance(name) {
	case 1:
		return uint64(at.Month())
	case 2:
		return uint64(week)
	case 3:
		return uint64(at.Day())
	}
	if name != "YYYY" {
		year -= 2000
	}
	return uint64(max(year, 0))
}

// counter is the index of the token that a level raises: its own, else the nearest one below, else above; or -1.
func (s Scheme) counter(level Level) int {
	order := map[Level][]string{
		Major: {"MAJOR", "MINOR", "MICRO"}, Minor: {"MINOR", "MICRO", "MAJOR"}, Patch: {"MICRO", "MINOR", "MAJOR"},
	}[level]
	for _, name := range order {
		if i := slices.IndexFunc(s.tokens, func(t token) bool { return t.name == name }); i >= 0 {
			return i
		}
	}
	return -1
}

// render writes the numbers by the format.
func (s Scheme) render(v Version) string {
	var b strings.Builder
	for i, t := range s.tokens {
		n := v.Number(i)
		if s.micro == short && i > 0 && i == len(s.tokens)-1 && t.name == "MICRO" && n == 0 {
			break
		}
		b.WriteString(t.before)
		if t.name[0] == '0' && n < 10 {
			b.WriteByte('0')
		}
		b.WriteString(strconv.FormatUint(n, 10))
	}
	return b.String()
}
