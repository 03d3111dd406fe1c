// Package calendar knows when deploying is allowed: windows that open, freezes that forbid, iCalendar texts that hold
// freezes, and the next moment at which all of them agree.
//
// Times and texts come in and answers go out: it reads no clock, no file and no address. It refuses to take what it
// cannot read for nothing: a broken calendar is an error with its place, and what is unknown is never "no freeze".
package calendar

import (
	"cmp"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks/sorting"
)

// Horizon is how far ahead is looked for an opening: what does not come within it is not promised.
const Horizon = 400 * 24 * time.Hour

// Span is a stretch of time; To is not in it.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Holds says that the instant lies in the span.
func (s Span) Holds(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// Empty says that no instant lies in the span.
func (s Span) Empty() bool { return !s.From.Before(s.To) }

// Cut is what two spans share.
func (s Span) Cut(by Span) Span {
	if by.From.After(s.From) {
		s.From = by.From
	}
	if by.To.Before(s.To) {
		s.To = by.To
	}
	return s
}

// Join puts spans in order and makes one of those that overlap or touch.
func Join(spans []Span) []Span {
	spans = slices.DeleteFunc(slices.Clone(spans), Span.Empty)
	sorting.By(spans, func(a, b Span) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) })
	var joined []Span
	for _, s := range spans {
		if last := len(joined) - 1; last >= 0 && !s.From.After(joined[last].To) {
			if s.To.After(joined[last].To) {
				joined[last].To = s.To
			}
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// Both is where two lists of joined spans hold at once.
func Both(a, b []Span) []Span {
	var both []Span
	for len(a) > 0 && len(b) > 0 {
		if s := a[0].Cut(b[0]); !s.Empty() {
			both = append(both, s)
		}
		if a[0].To.Before(b[0].To) {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return both
}

// Without is what is left of joined spans once others are taken out.
func Without(spans, taken []Span) []Span {
	var left []Span
	for _, s := range spans {
		for _, t := range taken {
			if !t.To.After(s.From) {
				continue
			}
			if !t.From.Before(s.To) {
				break
			}
			if s.From.Before(t.From) {
				left = append(left, Span{s.From, t.From})
			}
			s.From = t.To
		}
		if !s.Empty() {
			left = append(left, s)
		}
	}
	return left
}
