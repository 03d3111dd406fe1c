// Package zones turns what a wall clock shows into instants and back, with daylight saving as the zone has it there.
//
// A local time may not exist (the clock is put forward over it, or a country skips a day) and may come twice (the clock
// is put back). It refuses to guess in either case: what is taken is said below, and is what RFC 5545 takes.
package zones

import "time"

// Period is a stretch in which a zone keeps one distance from UTC. A zero From or To has no bound.
type Period struct {
	From, To time.Time
	Offset   time.Duration // what is added to UTC
	Name     string        // "CET"
}

// At is the period of the zone that the instant lies in.
func At(t time.Time, zone *time.Location) Period {
	local := t.In(zone)
	name, seconds := local.Zone()
	from, to := local.ZoneBounds()
	if !to.IsZero() && !to.After(t) {
		to = time.Time{} // a zone whose rules end here, which no table has
	}
	return Period{from.UTC(), to.UTC(), time.Duration(seconds) * time.Second, name}
}

// Wall is what the clock in the zone shows at the instant, as a time in UTC, so that it can be reckoned with.
func Wall(t time.Time, zone *time.Location) time.Time {
	return t.UTC().Add(At(t, zone).Offset)
}

// farthest is more than any zone has ever been from UTC.
const farthest = 26 * time.Hour

// Instant is when the clock in the zone shows the wall time, whose own zone does not count. Of a time that comes twice
// it is the first; one that is skipped is read as if the clock had not been put forward, hence lies behind the gap.
func Instant(wall time.Time, zone *time.Location) time.Time {
	at, _, _ := find(wall, zone)
	return at
}

// Day is when the day of the wall time begins in the zone: the first instant whose date is that day or a later one.
func Day(wall time.Time, zone *time.Location) time.Time {
	year, month, day := wall.Date()
	at, gap, exists := find(time.Date(year, month, day, 0, 0, 0, 0, time.UTC), zone)
	if !exists {
		return gap
	}
	return at
}

// find also tells where the gap ends that a wall time lies in which does not exist.
func find(wall time.Time, zone *time.Location) (at, gap time.Time, exists bool) {
	year, month, day := wall.Date()
	hour, minute, second := wall.Clock()
	wall = time.Date(year, month, day, hour, minute, second, wall.Nanosecond(), time.UTC)
	for p := At(wall.Add(-farthest), zone); ; p = At(p.To, zone) {
		at = wall.Add(-p.Offset)
		if p.To.IsZero() || at.Before(p.To) {
			return at, at, true
		}
		if next := At(p.To, zone); wall.Add(-next.Offset).Before(p.To) {
			return at, p.To, false
		}
	}
}
