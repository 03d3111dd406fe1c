package calendar

import (
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/checks/zones"
)

// Opening is a stretch in which windows let deployments start.
type Opening struct {
	Span
	// Window is the place in the list of the window that opens it; -1 where there are no windows, hence always open.
	Window int `json:"window"`
}

// Windows are the windows of one environment in one layer of a policy; any of them opens it. None: always open.
//
// A window is open while the clock in its own zone shows a time in it, on one of its days: what people see on their
// wall. A time that is skipped never comes, so a window that lies in the gap does not open that day, and one that the
// gap cuts into opens when the clock has jumped into it. An hour that comes twice is in the window both times. A day
// that a country skips has no window. A window whose zone is unknown here never opens.
type Windows []policy.Window

// At says whether the windows are open at the instant, and until when; or else when they open next. ok is false where
// they are shut and do not open within the Horizon. An opening that outlasts the Horizon ends there.
func (w Windows) At(t time.Time) (open bool, o Opening, ok bool) {
	for o := range w.From(t, t.Add(Horizon)) {
		return !o.From.After(t), o, true
	}
	return false, Opening{}, false
}

// stride is how far the iterator looks at a time.
const stride = 8 * 24 * time.Hour

// From goes over the openings from one instant to another, in order; those that touch are one. What is open at the
// first instant begins there.
func (w Windows) From(from, to time.Time) iter.Seq[Opening] {
	return func(yield func(Opening) bool) {
		if len(w) == 0 {
			if from.Before(to) {
				yield(Opening{Span{from, to}, -1})
			}
			return
		}
		read, waiting := w.read(), Opening{}
		for ; from.Before(to); from = from.Add(stride) {
			piece := Span{from, earlier(from.Add(stride), to)}
			for _, s := range read.spans(piece) {
				if !waiting.Empty() && s.From.Equal(waiting.To) {
					waiting.To = s.To
					continue
				}
				if !waiting.Empty() && !yield(waiting) {
					return
				}
				waiting = Opening{s, read.opener(s.From)}
			}
		}
		if !waiting.Empty() {
			yield(waiting)
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// daily is a window made ready: which days, from when to when after midnight, in which zone.
type daily struct {
	days     [7]bool
	from, to time.Duration
	zone     *time.Location
}

type readWindows []daily

var weekdays = map[string]time.Weekday{
	"sun": time.Sunday, "mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday,
}

// read makes the windows ready, each at its place. Where something cannot be read, which the policy's loader has refused,
// the window stays shut.
func (w Windows) read() readWindows {
	read, known := make(readWindows, len(w)), map[string]*time.Location{}
	for i, window := range w {
		zone, ok := known[window.Timezone]
		if !ok {
			zone, _ = time.LoadLocation(window.Timezone)
			known[window.Timezone] = zone
		}
		d := daily{from: clock(window.From), to: clock(window.To), zone: zone}
		for _, day := range window.Days {
			if n, ok := weekdays[day]; ok && zone != nil {
				d.days[n] = true
			}
		}
		read[i] = d
	}
	return read
}

// clock reads 15:04 as the time since midnight; what is none is before every time.
func clock(s string) time.Duration {
	h, m, ok := strings.Cut(s, ":")
	hours, bad := strconv.Atoi(h)
	minutes, worse := strconv.Atoi(m)
	if !ok || bad != nil || worse != nil {
		return -1
	}
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
}

// spans are when any of the windows is open within a span.
func (r readWindows) spans(in Span) []Span {
	var all []Span
	for _, d := range r {
		all = append(all, d.spans(in)...)
	}
	return Join(all)
}

// spans goes over the stretches in which the zone keeps one distance from UTC, since within one the wall clock runs evenly.
func (d daily) spans(in Span) (spans []Span) {
	if d.zone == nil || d.from < 0 {
		return nil
	}
	for at := in.From; at.Before(in.To); {
		p := zones.At(at, d.zone)
		piece := Span{at, in.To}
		if !p.To.IsZero() {
			piece.To = earlier(p.To, in.To)
		}
		last := piece.To.Add(p.Offset)
		for day := midnight(at.Add(p.Offset)); day.Before(last); day = day.Add(24 * time.Hour) {
			if s := (Span{day.Add(d.from - p.Offset), day.Add(d.to - p.Offset)}).Cut(piece); d.days[day.Weekday()] && !s.Empty() {
				spans = append(spans, s)
			}
		}
		at = piece.To
	}
	return spans
}

func midnight(wall time.Time) time.Time {
	year, month, day := wall.UTC().Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// opener is the first in the list of the windows that are open at the instant.
func (r readWindows) opener(t time.Time) int {
	for i, d := range r {
		if len(d.spans(Span{t, t.Add(1)})) > 0 {
			return i
		}
	}
	return -1
}
