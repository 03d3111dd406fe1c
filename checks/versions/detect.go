package versions

import (
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/sorting"
)

// entry is one tag in which a version was found.
type entry struct {
	tag    Tag
	prefix string // what stands before the version, the v included
	v      Version
}

// newest are the n releases of the highest versions, or prereleases where there are no releases. It sorts a copy.
func newest(entries []entry, n int) []entry {
	sorted := slices.DeleteFunc(slices.Clone(entries), func(e entry) bool { return e.v.Prerelease() })
	if len(sorted) == 0 {
		sorted = slices.Clone(entries)
	}
	sorting.By(sorted, func(a, b entry) int {
		if c := b.v.Compare(a.v); c != 0 {
			return c
		}
		return strings.Compare(b.tag.Name, a.tag.Name)
	})
	return sorted[:min(n, len(sorted))]
}

// detect finds the scheme that the newest releases follow: CalVer where the numbers tell dates (and the tags are as
// old as they say), SemVer where at least half are to the letter, else a pattern made of what they look like.
func detect(entries []entry) Scheme {
	top := newest(entries, 12)
	if s, ok := detectCalver(entries, top); ok {
		return s
	}
	top = top[:min(10, len(top))]
	strict := 0
	for _, e := range top {
		if e.v.shape.strict {
			strict++
		}
	}
	if 2*strict > len(top) || 2*strict == len(top) && len(top) < 6 || len(entries) == 1 && top[0].v.shape.separator == '.' {
		return Scheme{}
	}
	return lookalike(entries)
}

// detectCalver tries the usual formats, the most telling first, on the newest releases.
func detectCalver(entries, top []entry) (Scheme, bool) {
	numbers, separator := 0, ""
	for _, e := range top {
		if e.v.count > numbers && e.v.shape.separator != 0 {
			separator = string(e.v.shape.separator)
		}
		numbers = max(numbers, e.v.count)
	}
	for _, format := range formats(numbers, separator) {
		if !plausible(format, top) {
			continue
		}
		s, err := calver(format)
		if err != nil {
			continue
		}
		s.micro = mixed
		if s.suits(top) && (width(s.tokens[0].name) == 4 || counts(s.tokens[0].name) || s.suits(newest(entries, len(entries)))) {
			s.micro, s.habit = habits(s, entries)
			if numbers == 2 {
				s.name = strings.TrimSuffix(s.name, separator+"MICRO")
			}
			return s, true
		}
	}
	return Scheme{}, false
}

// plausible says whether one of the versions could start with the format's year at all; most tag lists end here.
func plausible(format string, top []entry) bool {
	at := strings.Count(format[:strings.Index(format, "YY")], "R") // behind MAJOR: the second number
	for _, e := range top {
		n := e.v.Number(at)
		switch {
		case strings.Contains(format, "YYYY0M0D"):
			if n > 19900100 && n < 21001232 {
				return true
			}
		case strings.Contains(format, "YYYY"):
			if n >= 1990 && n <= 2100 {
				return true
			}
		case n > 0 && n < 100 && len(top) > 2:
			return true
		}
	}
	return false
}

// formats are the usual ones with so many numbers.
func formats(numbers int, separator string) []string {
	tails := map[int][]string{
		1: {"0M0D"},
		2: {"0M-MICRO", "MM-MICRO", "MINOR-MICRO"}, // 22.04 may be followed by 22.04.1
		3: {"0M-0D", "MM-DD", "0M-MICRO", "MM-MICRO", "MINOR-MICRO"},
		4: {"0M-0D-MICRO", "MM-DD-MICRO", "MM-MINOR-MICRO"},
	}[numbers]
	var all []string
	for _, year := range []string{"YYYY", "YY"} {
		for _, tail := range tails {
			if numbers == 1 && year == "YYYY" {
				all = append(all, year+tail)
			} else if numbers > 1 {
				all = append(all, year+separator+strings.ReplaceAll(tail, "-", separator))
			}
		}
	}
	if numbers == 3 {
		all = append(all, "MAJOR"+separator+"YYYY0M0D"+separator+"MICRO")
	}
	return all
}

// suits says whether at least two in three of the versions fit the format and were tagged about when they say. A year
// of two digits is a number like any other: it takes three tags with dates, or five without, from several years.
func (s Scheme) suits(top []entry) bool {
	fit, dated := 0, 0
	years, small, padded := map[uint64]bool{}, 0, false
	for _, e := range top {
		v, err := s.parseCalver(e.v.Text)
		if err != nil {
			continue
		}
		from, to := s.period(v)
		if from.Year() < 1990 || from.Year() > 2100 {
			continue
		}
		if !e.tag.At.IsZero() {
			if dated++; e.tag.At.Before(from) || e.tag.At.After(to) {
				continue
			}
		}
		fit++
		years[v.nums[0]] = true
		if v.Number(1) >= 1 && v.Number(1) <= 12 {
			small++
		}
		padded = padded || e.v.shape.zeros
	}
	if fit == 0 || fit*3 < len(top)*2 {
		return false
	}
	if width(s.tokens[0].name) == 4 || len(s.tokens) > 1 && s.tokens[1].name == "YYYY" {
		return dated > 0 || s.counted() || padded || len(s.tokens) > 1 && highMonth(top)
	}
	return dated >= 3 && fit >= 3 || dated == 0 && fit >= 5 && small == fit && len(years) >= 3
}

// counted says that nothing but the year tells a date.
func (s Scheme) counted() bool { return len(s.tokens) > 1 && counts(s.tokens[1].name) }

// highMonth says that the second numbers reach the later months, as a counter of releases seldom does.
func highMonth(top []entry) bool {
	return slices.ContainsFunc(top, func(e entry) bool { return e.v.Number(1) >= 7 })
}

// period is when a version of the format may have been tagged: the time it names, and some days around it.
func (s Scheme) period(v Version) (from, to time.Time) {
	year, month, day := 0, 0, 0
	for i, t := range s.tokens {
		switch n := int(v.Number(i) % 10000); significance(t.name) {
		case 0:
			if year = n; t.name != "YYYY" {
				year += 2000
			}
		case 1:
			month = n
		case 3:
			day = n
		}
	}
	switch {
	case day > 0:
		from = time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
		return from.AddDate(0, 0, -15), from.AddDate(0, 0, 30)
	case month > 0:
		from = time.Date(year, time.Month(month), 1, 0, 0, 0, 0, time.UTC)
		return from.AddDate(0, 0, -10), from.AddDate(0, 1, 20)
	}
	from = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	to = from.AddDate(1, 1, 0)
	if width(s.tokens[0].name) == 4 {
		to = from.AddDate(2, 0, 0) // 2020.2.4 may well come in 2021
	}
	return from.AddDate(0, -1, 0), to
}

// habits are how the group writes a MICRO of zero, and what its counters start with.
func habits(s Scheme, entries []entry) (micro, [maxNumbers]uint64) {
	var lowest [maxNumbers]uint64
	last, fitting, without, zeros := len(s.tokens)-1, 0, 0, 0
	for _, e := range entries {
		v, err := s.parseCalver(e.v.Text)
		if err != nil {
			continue
		}
		for i := range s.tokens {
			if n := v.Number(i); fitting == 0 || n < lowest[i] {
				lowest[i] = n
			}
		}
		fitting++
		if e.v.count == last && s.tokens[last].name == "MICRO" {
			without++
		} else if v.Number(last) == 0 && !v.Prerelease() {
			zeros++
		}
	}
	var habit [maxNumbers]uint64
	for i := range s.tokens {
		if fitting > 1 && lowest[i] > 0 {
			habit[i] = 1
		}
	}
	switch {
	case without > 0 && zeros == 0:
		return short, habit
	case without > 1:
		return mixed, habit
	}
	return full, habit
}

// lookalike makes a pattern of what the versions look like, in the form that a policy takes. It leaves room for a third
// number and a suffix: 1.7.1 and 1.8rc1 may come after 1.7.
func lookalike(entries []entry) Scheme {
	least, most := maxNumbers, 1
	separators := map[byte]int{}
	for _, e := range entries {
		least, most = min(least, e.v.count), max(most, e.v.count)
		separators[e.v.shape.separator]++
	}
	separator := `\.`
	if n := separators['.']; separators['-'] > n && separators['-'] >= separators['_'] {
		separator = "-"
	} else if separators['_'] > n {
		separator = "_"
	}
	if least > 1 {
		most = max(most, 3)
	}
	var b strings.Builder
	b.WriteString(`(\d+)`)
	for i := 1; i < most; i++ {
		if i < least {
			b.WriteString(separator + `(\d+)`)
		} else {
			b.WriteString("(?:" + separator + `(\d+))?`)
		}
	}
	b.WriteString(`(?P<pre>[-._]?[A-Za-z][0-9A-Za-z.-]*|-[0-9A-Za-z.-]+)?`)
	s, err := patterned(b.String())
	if err != nil {
		return Scheme{}
	}
	return s
}
