package calendar

import (
	"slices"
	"strings"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
)

const (
	mostDepth  = 8        // a VALARM in a VEVENT in a VCALENDAR is 3
	mostLine   = 64 << 10 // bytes of a line that is looked at, its folds joined
	mostEquals = 200      // "=" in it: the library copies the line for each parameter
)

// component is what stands between a BEGIN and its END.
type component struct {
	name  string
	line  int
	props []property
	parts []component
}

// property is a line of a component that is looked at, and where it stands.
type property struct {
	*ics.BaseProperty
	line   int
	wanted bool
}

// wanted are the lines that are looked at; of others only that they are lines.
var wanted = strings.Fields(`BEGIN END DTSTART DTEND DURATION RRULE RDATE EXDATE EXRULE RECURRENCE-ID STATUS SUMMARY UID
	TZID TZOFFSETFROM TZOFFSETTO TZNAME`)

func (c component) all(name string) (found []property) {
	for _, p := range c.props {
		if p.IANAToken == name {
			found = append(found, p)
		}
	}
	return found
}

func (c component) one(name string) (property, bool) {
	for _, p := range c.props {
		if p.IANAToken == name {
			return p, true
		}
	}
	return property{}, false
}

func (c component) text(name string) string {
	if p, ok := c.one(name); ok {
		return strings.TrimSpace(p.Value)
	}
	return ""
}

// param is the first value of a parameter, or "".
func (p property) param(name string) string {
	for key, values := range p.ICalParameters {
		if strings.EqualFold(key, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// parse reads the calendars in a text. What is cut off, or is no calendar at all, as a page that asks to sign in, is
// broken.
func parse(text string) (roots []component, err error) {
	if len(text) > MostBytes {
		return nil, broken(1, "the calendar is larger than 2 MB")
	}
	if !utf8.ValidString(text) {
		return nil, broken(1+strings.Count(strings.ToValidUTF8(text, "\x00")[:firstInvalid(text)], "\n"), "the calendar is not UTF-8 here")
	}
	var open []component
	for number, line := range unfold(strings.TrimPrefix(text, "\ufeff")) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		p, err := propertyOf(number, line)
		if err != nil {
			return nil, err
		}
		switch {
		case len(open) == 0 && (p.IANAToken != "BEGIN" || !strings.EqualFold(p.Value, "VCALENDAR")):
			return nil, broken(number, "this is no iCalendar: BEGIN:VCALENDAR is expected, not %q", clip(line, 40))
		case p.IANAToken == "BEGIN":
			if open = append(open, component{name: strings.ToUpper(p.Value), line: number}); len(open) > mostDepth {
				return nil, broken(number, "components are nested more than %d deep", mostDepth)
			}
		case p.IANAToken == "END":
			done := open[len(open)-1]
			if open = open[:len(open)-1]; !strings.EqualFold(p.Value, done.name) {
				return nil, broken(number, "END:%s does not end the %s that begins in line %d", clip(p.Value, 40), clip(done.name, 40), done.line)
			}
			if len(open) == 0 {
				roots = append(roots, done)
			} else if above := &open[len(open)-1]; done.name != "VALARM" {
				above.parts = append(above.parts, done)
			}
		case p.wanted:
			above := &open[len(open)-1]
			above.props = append(above.props, p)
		}
	}
	if len(open) > 0 {
		last := open[len(open)-1]
		return nil, broken(last.line, "the calendar is cut off: the %s that begins here has no end", clip(last.name, 40))
	}
	if len(roots) == 0 {
		return nil, broken(1, "there is no calendar in the text")
	}
	return roots, nil
}

// firstInvalid is the place of the first byte that is not UTF-8.
func firstInvalid(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return len(s)
}

// unfold goes over the lines with those joined that are folded, each with the number of its first.
func unfold(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		var parts []string
		first, number := 1, 0
		for line := range strings.SplitSeq(text, "\n") {
			number++
			line = strings.TrimSuffix(line, "\r")
			if len(parts) > 0 && line != "" && (line[0] == ' ' || line[0] == '\t') {
				parts = append(parts, line[1:])
				continue
			}
			if len(parts) > 0 && !yield(first, strings.Join(parts, "")) {
				return
			}
			parts, first = append(parts[:0], line), number
		}
		yield(first, strings.Join(parts, ""))
	}
}

// propertyOf reads a line; of one that is not wanted, its name.
func propertyOf(number int, line string) (property, error) {
	end := strings.IndexAny(line, ";:")
	name := ""
	if end > 0 {
		name = strings.ToUpper(line[:end])
	}
	if name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" || !strings.Contains(line, ":") {
		return property{}, broken(number, "this is no line of an iCalendar: %q", clip(line, 40))
	}
	if !slices.Contains(wanted, name) {
		return property{&ics.BaseProperty{IANAToken: name}, number, false}, nil
	}
	if len(line) > mostLine || strings.Count(line, "=") > mostEquals {
		return property{}, broken(number, "this line is too long for a %s", name)
	}
	p, err := ics.ParseProperty(ics.ContentLine(name + line[end:]))
	if err != nil || p == nil {
		return property{}, broken(number, "this %s cannot be read: %q", name, clip(line, 60))
	}
	p.Value = strings.TrimSpace(p.Value)
	return property{p, number, true}, nil
}
