package changelog

import (
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/patterns"
)

// date is what a heading says of when a version was released.
type date struct {
	text string    // as written; "" when there is none
	day  time.Time // zero when text is no day of the calendar, or only a month
	bad  bool      // text has the form of a date and is none: 2024-02-30
}

// String is the day as YYYY-MM-DD, or "".
func (d date) String() string {
	if d.day.IsZero() {
		return ""
	}
	if len(d.text) == 10 && d.text[4] == '-' && d.text[7] == '-' {
		return d.text
	}
	return d.day.Format(time.DateOnly)
}

const months = `(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?`

// forms are the ways to write a date; a, b and c are its parts in the order of the letters in order.
var forms = []struct {
	re    *patterns.Pattern
	order string // y year, m month, d day, ? day or month
}{
	{patterns.New(`\b(\d{4})-(\d{1,2})-(\d{1,2})(?:T[\d:.]+Z?)?\b`), "ymd"},
	{patterns.New(`\b(\d{4})/(\d{1,2})/(\d{1,2})\b`), "ymd"},
	{patterns.New(`\b(\d{1,2})-(\d{1,2})-(\d{4})\b`), "dmy"},
	{patterns.New(`\b(\d{1,2})/(\d{1,2})/(\d{4})\b`), "??y"},
	{patterns.New(`(?i)(?:^|[^\d.])(\d{1,2})(?:st|nd|rd|th)?(?:\s+of)?(?:,?\s+|-|/|\.\s?)(` + months + `)[\s,-]*(\d{4})\b`), "dmy"},
	{patterns.New(`(?i)\b(` + months + `)\s*(\d{1,2})(?:st|nd|rd|th)?(?:\s+\d\d:\d\d(?::\d\d)?(?:\s+[A-Z]{2,5})?)?[\s,]+(\d{4})\b`), "mdy"},
	{patterns.New(`(?i)\b(\d{4})[\s,-]+(` + months + `)[\s,-]*(\d{1,2})\b`), "ymd"},
	{patterns.New(`(?i)\b(` + months + `),?\s+(\d{4})\b`), "my"},
}

// dotted dates look like versions, so they are only taken for dates where a version stands beside them.
var dotted = []struct {
	re    *patterns.Pattern
	order string
}{
	{patterns.New(`^(\d{1,2})\.(\d{1,2})\.(\d{4})$`), "dmy"},
	{patterns.New(`^(\d{4})\.(\d{1,2})\.(\d{1,2})$`), "ymd"},
	{patterns.New(`^((?:19|20)\d{2})(\d{2})(\d{2})$`), "ymd"},
}

var weekday = patterns.New(`(?i)(?:^|[\s(,-])((?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}[,.]?\s+)$`)

// findDate returns the first date in s and where it stands, the day of the week included.
func findDate(s string) (d date, start, end int) {
	if !strings.ContainsAny(s, "0123456789") {
		return date{}, 0, 0
	}
	for _, f := range forms {
		if m := f.re.FindStringSubmatchIndex(s); m != nil {
			parts := make([]string, 0, 3)
			for i := 2; i < len(m); i += 2 {
				parts = append(parts, s[m[i]:m[i+1]])
			}
			start = m[2]
			if w := weekday.FindStringSubmatchIndex(s[:start]); w != nil {
				start = w[2]
			}
			return makeDate(s[m[2]:m[1]], parts, f.order), start, m[1]
		}
	}
	return date{}, 0, 0
}

// dottedDate reads a token that may be a date between dots or eight digits.
func dottedDate(token string) (date, bool) {
	for _, f := range dotted {
		if m := f.re.FindStringSubmatch(token); m != nil {
			return makeDate(token, m[1:], f.order), true
		}
	}
	return date{}, false
}

func makeDate(text string, parts []string, order string) date {
	d := date{text: text}
	year, month, day := 0, 0, 0
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		switch order[i] {
		case 'y':
			year = n
		case 'd':
			day = n
		case 'm':
			if month = n; err != nil {
				month = monthNumber(p)
			}
		}
	}
	switch order {
	case "my":
		d.bad = year < 1900
		return d
	case "??y":
		a, _ := strconv.Atoi(parts[0])
		b, _ := strconv.Atoi(parts[1])
		switch {
		case a > 12:
			day, month = a, b
		case b > 12 || a == b:
			day, month = b, a
		default:
			d.bad = a < 1 || b < 1 // 03/04/2024: a day, but nobody knows which
			return d
		}
	case "dmy":
		if month > 12 && day <= 12 {
			day, month = month, day
		}
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if month < 1 || month > 12 || day < 1 || t.Day() != day || year < 1900 {
		d.bad = true
		return d
	}
	d.day = t
	return d
}

func monthNumber(name string) int {
	name = strings.ToLower(name)
	for i := time.January; i <= time.December; i++ {
		if strings.HasPrefix(name, strings.ToLower(i.String()[:3])) {
			return int(i)
		}
	}
	return 0
}
