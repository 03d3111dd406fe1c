package calendar

import (
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/patterns"
)

// moment reads a property that holds one date or time.
func (r *reader) moment(p property) (moment, error) { return r.value(p, p.Value) }

// value reads one date or time of a property, whose parameters say in which zone.
func (r *reader) value(p property, s string) (moment, error) {
	s = strings.ToUpper(strings.TrimSpace(s))
	utc := strings.HasSuffix(s, "Z")
	day := len(s) == len("20060102")
	layout := "20060102T150405"
	if day {
		layout = "20060102"
	}
	wall, err := time.Parse(layout, strings.TrimSuffix(s, "Z"))
	if kind := strings.ToUpper(p.param("VALUE")); err != nil || day && kind == "DATE-TIME" || !day && kind == "DATE" {
		return moment{}, broken(p.line, "%s holds no date or time as 20061224 or 20061224T180000Z, but %q", p.IANAToken, clip(s, 40))
	}
	zone := r.zone
	if tzid := p.param("TZID"); utc {
		zone = time.UTC
	} else if tzid != "" && !day { // a day has no zone of its own
		if zone, err = r.named(p.line, tzid); err != nil {
			return moment{}, err
		}
	}
	return moment{wall, zone, day}, nil
}

// length is how long an event lasts: days go by the clock on the wall, the rest by a stopwatch.
type length struct {
	days int
	rest time.Duration
}

// after is when an event of this length ends that begins then.
func (l length) after(m moment) time.Time {
	m.wall = m.wall.AddDate(0, 0, l.days)
	return m.at().Add(l.rest)
}

// lengthOf takes it from DTEND, which is not in the event, or DURATION. A day is a day long where neither is given, and
// where it ends on the day on which it begins, which many programs write for one day.
func (r *reader) lengthOf(c component, start moment) (length, error) {
	p, ends := c.one("DTEND")
	d, lasts := c.one("DURATION")
	switch {
	case ends && lasts:
		return length{}, broken(d.line, "the event has a DTEND and a DURATION too")
	case lasts:
		l, err := durationOf(d.line, d.Value)
		if err == nil && start.day && l.rest != 0 {
			return l, broken(d.line, "the event begins on a day, and its DURATION is not one of days: %q", clip(d.Value, 40))
		}
		return l, err
	case !ends && start.day:
		return length{days: 1}, nil
	case !ends:
		return length{}, nil
	}
	end, err := r.moment(p)
	if err != nil {
		return length{}, err
	}
	if end.day != start.day {
		return length{}, broken(p.line, "DTEND and DTSTART are not both a day or both a time")
	}
	if start.day {
		return length{days: max(1, int(end.wall.Sub(start.wall)/(24*time.Hour)))}, before(p, end, start)
	}
	return length{rest: end.at().Sub(start.at())}, before(p, end, start)
}

func before(p property, end, start moment) error {
	if end.at().Before(start.at()) {
		return broken(p.line, "the event ends before it begins")
	}
	return nil
}

var durationForm = patterns.New(`^\+?P(?:([0-9]{1,4})W)?(?:([0-9]{1,4})D)?(T(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,7})S)?)?$`)

func durationOf(line int, s string) (length, error) {
	m := durationForm.FindStringSubmatch(strings.ToUpper(strings.TrimSpace(s)))
	if m == nil || m[1]+m[2]+m[4]+m[5]+m[6] == "" || m[3] == "T" {
		return length{}, broken(line, "a DURATION such as P1D or PT8H is expected, not %q", clip(s, 40))
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(m[i])
		return n
	}
	rest := time.Duration(number(4))*time.Hour + time.Duration(number(5))*time.Minute + time.Duration(number(6))*time.Second
	return length{7*number(1) + number(2), rest}, nil
}

// named is the zone that a TZID means: of the time zone database, with or without a maker's prefix, or else what the
// calendar itself says of it, as Outlook's names need.
func (r *reader) named(line int, tzid string) (*time.Location, error) {
	if zone, ok := r.zones[tzid]; ok {
		return zone, nil
	}
	for name := strings.Trim(tzid, "/"); len(tzid) <= 200; {
		if zone, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
			r.zones[tzid] = zone
			return zone, nil
		}
		_, rest, more := strings.Cut(name, "/")
		if !more || !strings.HasPrefix(tzid, "/") {
			break
		}
		name = rest
	}
	return nil, broken(line, "the time zone %q is neither one of the time zone database nor told in the calendar", clip(tzid, 60))
}
