package calendar

import (
	"slices"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/sluicegate/sluice/checks/zones"
)

const (
	mostRule     = 1000 // bytes of an RRULE
	mostInterval = 1000 // days, weeks or months; years a tenth of it
	earliest     = 1900 // years in which what recurs may begin
	latest       = 2199
)

// ages is by how many years a rule is moved before it is gone through. The calendar is the same every 400 years, and the
// library looks for the next day until the year 9999: so a rule that never comes is found out after some centuries
// rather than after eighty.
const ages = 7600

// repeat lists the occurrences that an RRULE makes of an event, as far as they may touch the span asked for.
//
// The rule is gone through on the wall, and each wall time is then made an instant by the event's zone: the library would
// lose or double hours at the ends of daylight saving.
func (r *reader) repeat(p property, e event) (starts []started, err error) {
	defer func() {
		if recover() != nil { // the library's bounds are not ours, and the text is somebody else's
			starts, err = nil, broken(p.line, "the recurrence cannot be reckoned: %q", clip(p.Value, 60))
		}
	}()
	rule, until, err := r.rule(p, e)
	if err != nil {
		return nil, err
	}
	next, last, count := rule.Iterator(), e.start.wall, 0
	for ; ; count++ {
		wall, ok := next()
		if !ok && count == 0 {
			return nil, broken(p.line, "the recurrence never comes: %q", clip(p.Value, 60))
		}
		m := moment{wall.AddDate(-ages, 0, 0), e.start.zone, e.start.day}
		if !ok || !m.at().Before(r.during.To) || !until.IsZero() && m.at().After(until) {
			return starts, nil
		}
		// Searching costs time too: a step for each day that comes, and one for a hundred that do not.
		r.steps -= 1 + int(m.wall.Sub(last)/(100*24*time.Hour))
		if last = m.wall; r.steps < 0 {
			return nil, broken(p.line, "the calendar's recurrences are too many")
		}
		if end := e.length.after(m); end.After(r.during.From) {
			starts = append(starts, started{m, end})
		}
	}
}

// rule makes an RRULE ready, and says after which instant it has no more occurrences; zero for none.
func (r *reader) rule(p property, e event) (rule *rrule.RRule, until time.Time, err error) {
	if r.repeats++; r.repeats > mostRepeats {
		return nil, until, broken(p.line, "more than %d events recur", mostRepeats)
	}
	value := strings.ToUpper(strings.TrimSpace(p.Value))
	if len(value) > mostRule {
		return nil, until, broken(p.line, "the recurrence is longer than %d bytes", mostRule)
	}
	o, err := rrule.StrToROptionInLocation(value, time.UTC)
	if err != nil {
		return nil, until, broken(p.line, "the recurrence %q cannot be read: %s", clip(value, 60), clip(err.Error(), 80))
	}
	if why := refused(o, e.start.wall.Year()); why != "" {
		return nil, until, broken(p.line, "%s: %q", why, clip(value, 60))
	}
	if until, err = r.until(p, value, e); err != nil {
		return nil, until, err
	}
	o.Dtstart, o.Until = e.start.wall.AddDate(ages, 0, 0), time.Time{}
	if rule, err = rrule.NewRRule(*o); err != nil {
		return nil, until, broken(p.line, "the recurrence %q cannot be read: %s", clip(value, 60), clip(err.Error(), 80))
	}
	return rule, until, nil
}

// refused says why a rule is not gone through: what no freeze needs, and what the library would not come to an end with.
func refused(o *rrule.ROption, year int) string {
	nth := func(d rrule.Weekday) bool { return d.N() < -5 || d.N() > 5 }
	switch {
	case o.Freq > rrule.DAILY:
		return "a freeze recurs daily at most; for hours of a day write a daily event of that length"
	case o.Interval > mostInterval, o.Freq == rrule.YEARLY && o.Interval > mostInterval/10:
		return "the recurrence's INTERVAL is too large"
	case year < earliest || year > latest:
		return "what recurs has to begin between 1900 and 2199"
	case len(o.Bysetpos) > 12 || max(1, len(o.Byhour))*max(1, len(o.Byminute))*max(1, len(o.Bysecond)) > 100:
		return "the recurrence has too many times a day, or positions"
	case len(o.Byeaster) > 0:
		return "BYEASTER is not of RFC 5545"
	case (o.Freq == rrule.MONTHLY || len(o.Bymonth) > 0) && slices.ContainsFunc(o.Byweekday, nth):
		return "a month has no such day"
	}
	return ""
}

// until is the last instant at which an occurrence may begin: RFC 5545 has it in UTC, or as a day, or on the wall.
func (r *reader) until(p property, rule string, e event) (time.Time, error) {
	for part := range strings.SplitSeq(rule, ";") {
		value, ok := strings.CutPrefix(part, "UNTIL=")
		if !ok {
			continue
		}
		m, err := r.value(p, value)
		if err != nil {
			return time.Time{}, err
		}
		if !strings.HasSuffix(value, "Z") {
			m.zone = e.start.zone
		}
		if !m.day && !e.start.day {
			return m.at(), nil
		}
		// A time stands for its day here, in UTC or where the event is: Exchange means the latter. The later one freezes.
		last := m.wall
		if there := zones.Wall(m.at(), e.start.zone); there.After(last) {
			last = there
		}
		return zones.Day(last.AddDate(0, 0, 1), e.start.zone).Add(-1), nil
	}
	return time.Time{}, nil
}
