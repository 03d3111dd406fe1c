package calendar

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/checks/sorting"
)

// onset is when an observance of a zone begins.
type onset struct {
	at time.Time
	observed
}

// mostOnsets is four centuries of two a year.
const mostOnsets = 800

// timezones reads the zones that a calendar tells itself. Those of the time zone database are taken from there, which
// knows more than what a program wrote down once.
func (r *reader) timezones(root component) error {
	for _, c := range root.parts {
		tzid := c.text("TZID")
		if c.name != "VTIMEZONE" || tzid == "" {
			continue
		}
		if _, err := r.named(c.line, tzid); err == nil {
			continue
		}
		zone, err := r.timezone(c, tzid)
		if err != nil {
			return err
		}
		r.zones[tzid] = zone
	}
	return nil
}

// timezone makes a zone of its observances.
func (r *reader) timezone(c component, tzid string) (*time.Location, error) {
	var onsets []onset
	before, first := 0, time.Time{}
	for _, o := range c.parts {
		from, err := offset(o, "TZOFFSETFROM")
		if err != nil {
			return nil, err
		}
		begins, err := r.onsets(o, from)
		if err != nil {
			return nil, err
		}
		for _, b := range begins {
			if first.IsZero() || b.at.Before(first) {
				first, before = b.at, from
			}
		}
		onsets = append(onsets, begins...)
	}
	if len(onsets) == 0 || len(onsets) > mostOnsets || len(c.parts) > mostObserved {
		return nil, broken(c.line, "the time zone %q tells of no change of the clock, or of too many", clip(tzid, 60))
	}
	sorting.By(onsets, func(a, b onset) int { return a.at.Compare(b.at) })
	zone, err := time.LoadLocationFromTZData(clip(tzid, 60), tzif(before, onsets))
	if err != nil {
		return nil, broken(c.line, "the time zone %q cannot be reckoned with", clip(tzid, 60))
	}
	return zone, nil
}

// onsets are when an observance begins, each time.
func (r *reader) onsets(o component, from int) ([]onset, error) {
	to, err := offset(o, "TZOFFSETTO")
	if err != nil {
		return nil, err
	}
	p, ok := o.one("DTSTART")
	if !ok {
		return nil, broken(o.line, "this part of a time zone has no DTSTART")
	}
	if p.Value, ok = strings.CutPrefix(p.Value, "1601"); ok { // how Outlook says "ever since"
		p.Value = "1970" + p.Value
	}
	start, err := r.moment(p)
	if err != nil {
		return nil, err
	}
	start = moment{start.wall, time.UTC, false}
	walls := []time.Time{start.wall}
	e := event{component: o, start: start, length: length{rest: 1}}
	for _, rule := range o.all("RRULE") {
		again := *r
		again.during = Span{start.wall, r.during.To.AddDate(2, 0, 0)}
		repeated, err := again.repeat(rule, e)
		if r.steps, r.repeats = again.steps, again.repeats; err != nil {
			return nil, err
		}
		if len(repeated) > 0 && walls[0].Year() == 1970 {
			walls = walls[:0]
		}
		for _, s := range repeated {
			walls = append(walls, s.wall)
		}
	}
	for _, dates := range o.all("RDATE") {
		more, err := r.dates(dates, e)
		if err != nil {
			return nil, err
		}
		for _, s := range more {
			walls = append(walls, s.wall)
		}
	}
	name := o.text("TZNAME")
	if len(name) > 6 || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		name = "" // a name that people do not write behind a time
	}
	var onsets []onset
	for _, wall := range walls {
		onsets = append(onsets, onset{wall.Add(-time.Duration(from) * time.Second), observed{to, name}})
	}
	return onsets, nil
}

var offsetForm = patterns.New(`^([+-])([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])?$`)

// offset reads +0130 as seconds.
func offset(c component, name string) (int, error) {
	p, _ := c.one(name)
	value := c.text(name)
	m := offsetForm.FindStringSubmatch(value)
	if m == nil {
		return 0, broken(max(p.line, c.line), "this part of a time zone has no %s such as +0100, but %q", name, clip(value, 40))
	}
	hours, _ := strconv.Atoi(m[2])
	minutes, _ := strconv.Atoi(m[3])
	seconds, _ := strconv.Atoi(m[4])
	total := hours*3600 + minutes*60 + seconds
	if m[1] == "-" {
		total = -total
	}
	return total, nil
}

// observed is one way in which the clock is set in a zone.
type observed struct {
	offset int
	name   string
}

// mostObserved is more than any zone has, and keeps the place of a name in a byte.
const mostObserved = 20

// tzif writes a zone as the time zone database does (RFC 8536), since that is the one form in which Go takes the rules of
// a zone: first a block of 32-bit times, which is empty, then one of 64-bit times.
func tzif(before int, onsets []onset) []byte {
	header := func(b []byte, times, kinds, letters int) []byte {
		b = append(append(b, "TZif2"...), make([]byte, 15)...)
		for _, n := range []int{0, 0, 0, times, kinds, letters} {
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		}
		return b
	}
	kinds, names := []observed{{before, ""}}, []byte{0}
	for _, o := range onsets {
		if !slices.Contains(kinds, o.observed) {
			kinds = append(kinds, o.observed)
		}
	}
	var rows []byte
	for _, k := range kinds {
		rows = append(binary.BigEndian.AppendUint32(rows, uint32(int32(k.offset))), 0, byte(len(names)))
		names = append(append(names, k.name...), 0)
	}
	b := header(header(nil, 0, 0, 0), len(onsets), len(kinds), len(names))
	for _, o := range onsets {
		b = binary.BigEndian.AppendUint64(b, uint64(o.at.Unix()))
	}
	for _, o := range onsets {
		b = append(b, byte(slices.Index(kinds, o.observed)))
	}
	return append(append(append(b, rows...), names...), "\n\n"...)
}
