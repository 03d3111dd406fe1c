package calendar

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/sluicegate/sluice/checks/zones"
)

// Bounds on a calendar that somebody else wrote. Past them it is refused as a whole.
const (
	MostBytes   = 2 << 20
	mostEvents  = 10_000
	mostRepeats = 1_000   // events that recur
	mostSteps   = 200_000 // of going over recurrences, see rule.go
)

// Broken is why a calendar cannot be read, and where.
type Broken struct {
	Calendar string // as the policy names it
	Line     int    // from 1
	What     string // half a sentence
}

func (b *Broken) Error() string { return fmt.Sprintf("%s:%d: %s", b.Calendar, b.Line, b.What) }

func broken(line int, format string, args ...any) error {
	return &Broken{Line: line, What: fmt.Sprintf(format, args...)}
}

// Read returns the freezes in an iCalendar text that touch the span, in order: every event that is not cancelled is one,
// whether it is shown as busy or free. Times without a zone, and days, are in the given zone, "" stands for UTC.
//
// What RFC 5545 leaves open, and what it has that no freeze needs, is refused with a *Broken: an hourly recurrence, a
// change to "this and all that follow", an event without any length. One event that cannot be understood makes the
// calendar broken, since it might be the freeze of today.
func Read(name, text, timezone string, during Span) ([]Freeze, error) {
	zone, err := time.LoadLocation(timezone)
	if err != nil || timezone == "Local" {
		return nil, &Broken{name, 1, "the policy gives it a time zone that is unknown here: " + clip(timezone, 60)}
	}
	r := &reader{during: during, zone: zone, zones: map[string]*time.Location{}, steps: mostSteps}
	freezes, err := r.read(text)
	var b *Broken
	if errors.As(err, &b) {
		b.Calendar = name
		return nil, b
	} else if err != nil {
		return nil, err
	}
	for i := range freezes {
		freezes[i].Calendar = name
	}
	return inOrder(freezes), nil
}

// reader goes over one calendar.
type reader struct {
	during  Span
	zone    *time.Location            // of what has none
	zones   map[string]*time.Location // those looked up so far, and those that the calendar brings along
	steps   int                       // that are left
	repeats int
}

func (r *reader) read(text string) ([]Freeze, error) {
	roots, err := parse(text)
	if err != nil {
		return nil, err
	}
	var events []event
	for _, root := range roots {
		if err := r.timezones(root); err != nil {
			return nil, err
		}
		for _, c := range root.parts {
			if c.name != "VEVENT" {
				continue
			}
			e, err := r.event(c)
			if err != nil {
				return nil, err
			}
			if events = append(events, e); len(events) > mostEvents {
				return nil, broken(c.line, "the calendar has more than %d events", mostEvents)
			}
		}
	}
	return r.freezes(events)
}

// event is one VEVENT, understood.
type event struct {
	component
	uid, summary string
	cancelled    bool
	start        moment
	length       length
	replaces     *moment // the occurrence of the event with this UID that it stands in for
}

func (r *reader) event(c component) (e event, err error) {
	e = event{component: c, uid: clip(c.text("UID"), 200), summary: clip(c.text("SUMMARY"), 200)}
	e.cancelled = strings.EqualFold(c.text("STATUS"), "CANCELLED")
	for _, name := range []string{"DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "STATUS", "UID"} {
		if again := c.all(name); len(again) > 1 {
			return e, broken(again[1].line, "the event has a second %s", name)
		}
	}
	if p, ok := c.one("EXRULE"); ok {
		return e, broken(p.line, "EXRULE is not understood, which RFC 5545 took out; name the days by EXDATE")
	}
	if p, ok := c.one("RECURRENCE-ID"); ok {
		if p.param("RANGE") != "" {
			return e, broken(p.line, "a change to this occurrence and all that follow is not understood; end the event there and make a new one")
		}
		m, err := r.moment(p)
		if err != nil {
			return e, err
		}
		if e.replaces = &m; e.cancelled {
			return e, nil // its own times do not count
		}
	}
	p, ok := c.one("DTSTART")
	if !ok {
		return e, broken(c.line, "the event has no DTSTART")
	}
	if e.start, err = r.moment(p); err != nil {
		return e, err
	}
	e.length, err = r.lengthOf(c, e.start)
	return e, err
}

// freezes are what comes of the events, those aside that are cancelled and those that another one stands in for.
func (r *reader) freezes(events []event) ([]Freeze, error) {
	type occurrence struct {
		uid string
		at  int64
	}
	replaced, movable := map[occurrence]bool{}, map[string]bool{}
	for _, e := range events {
		if e.replaces != nil {
			movable[e.uid] = true
			replaced[occurrence{e.uid, e.replaces.at().Unix()}] = true
		}
	}
	var freezes []Freeze
	for _, e := range events {
		if e.cancelled {
			continue
		}
		starts, err := r.starts(e)
		if err != nil {
			return nil, err
		}
		for _, s := range starts {
			span := Span{s.at(), s.end}
			if e.replaces == nil && movable[e.uid] && replaced[occurrence{e.uid, span.From.Unix()}] || span.Cut(r.during).Empty() {
				continue
			}
			freezes = append(freezes, Freeze{Span: span, Reason: e.summary, Zone: e.start.zone.String(), Line: e.line, UID: e.uid})
		}
	}
	return freezes, nil
}

// started is an occurrence: when it begins on the wall, and when it ends.
type started struct {
	moment
	end time.Time
}

// starts are the occurrences of an event that may touch the span asked for.
func (r *reader) starts(e event) ([]started, error) {
	first := started{e.start, e.length.after(e.start)}
	if !first.end.After(first.at()) {
		return nil, broken(e.line, "the event has no length, so it would freeze nothing; give it a DTEND later than DTSTART, or a DURATION")
	}
	if e.replaces != nil {
		return []started{first}, nil
	}
	all := []started{first}
	for _, p := range e.all("RRULE") {
		more, err := r.repeat(p, e)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	for _, p := range e.all("RDATE") {
		more, err := r.dates(p, e)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	except := map[int64]bool{}
	for _, p := range e.all("EXDATE") {
		left, err := r.exceptions(p, e)
		if err != nil {
			return nil, err
		}
		for _, m := range left {
			except[m.at().Unix()] = true
		}
	}
	var starts []started
	seen := map[int64]bool{}
	for _, s := range all {
		if at := s.at().Unix(); !except[at] && !seen[at] {
			seen[at] = true
			starts = append(starts, s)
		}
	}
	return starts, nil
}

// dates reads an RDATE: further moments at which the event begins, or periods.
func (r *reader) dates(p property, e event) (dates []started, err error) {
	for value := range strings.SplitSeq(p.Value, ",") {
		if r.steps--; r.steps < 0 {
			return nil, broken(p.line, "the calendar's recurrences are too many")
		}
		from, to, period := strings.Cut(value, "/")
		m, err := r.value(p, from)
		if err != nil {
			return nil, err
		}
		s := started{m, e.length.after(m)}
		if period {
			if s.end, err = r.periodEnd(p, m, to); err != nil {
				return nil, err
			}
		}
		dates = append(dates, s)
	}
	return dates, nil
}

func (r *reader) periodEnd(p property, from moment, to string) (time.Time, error) {
	if strings.HasPrefix(to, "P") || strings.HasPrefix(to, "+P") {
		l, err := durationOf(p.line, to)
		return l.after(from), err
	}
	m, err := r.value(p, to)
	return m.at(), err
}

// exceptions reads an EXDATE. Of an event of whole days a midnight counts as its day, which is how Exchange writes it;
// of one with a time, a day is not enough.
func (r *reader) exceptions(p property, e event) (left []moment, err error) {
	for value := range strings.SplitSeq(p.Value, ",") {
		if r.steps--; r.steps < 0 {
			return nil, broken(p.line, "the calendar's recurrences are too many")
		}
		m, err := r.value(p, value)
		if err != nil {
			return nil, err
		}
		switch {
		case m.day && !e.start.day:
			return nil, broken(p.line, "EXDATE names the day %s, and the event begins at a time of day; name the time too", m.wall.Format(time.DateOnly))
		case !m.day && e.start.day:
			m = moment{midnight(m.wall), e.start.zone, true}
		}
		left = append(left, m)
	}
	return left, nil
}

// moment is a time on the wall of a zone, or a whole day there.
type moment struct {
	wall time.Time // in UTC, whatever the zone
	zone *time.Location
	day  bool
}

func (m moment) at() time.Time {
	if m.day {
		return zones.Day(m.wall, m.zone)
	}
	return zones.Instant(m.wall, m.zone)
}

// clip makes a text of somebody else one line of at most so many characters, without control and direction characters.
func clip(s string, most int) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, s)), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
