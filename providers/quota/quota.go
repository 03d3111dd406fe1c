// Package quota keeps a forge's allowances, one Purse for each account that has its own: what is left, how fast it is
// used, and who may still use it. Commands are served before events, and events before sweeps.
//
// It refuses to make anybody wait: whoever may not ask now is told when to come again. It knows no forge and no clock.
package quota

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sluicegate/sluice/gate"
)

// What is kept of an allowance for those who go before, in hundredths of it.
const (
	afterSweeps = 30 // below it nothing is looked at without a reason
	afterEvents = 5  // below it only people are answered
)

// minutes is over how many the rate of use is taken.
const minutes = 5

// boundless is an allowance so large that there is none: neither is it shared out, nor are there others beside it.
const boundless = 1_000_000

// Shape is what a forge bears of one resource within a short time: so many points at once, and so many a second.
type Shape struct {
	Burst     int
	PerSecond float64
}

// Purse is what one account has. The zero value has everything. It is safe for concurrent use.
type Purse struct {
	Shapes map[string]Shape // by resource; none: it is not shaped

	mu sync.Mutex
	by map[string]*allowance
}

type allowance struct {
	limit, left int
	reset       time.Time
	used        [minutes + 1]struct {
		minute int64
		points int
	}
	since  time.Time // when it was first heard of
	turned map[string]int
	shaper *rate.Limiter
}

// Told takes in what the forge says is left. An answer that was overtaken by a later one says more than there is, and is not
// believed.
func (p *Purse) Told(resource string, limit, left int, reset, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.of(resource, now)
	same := a.limit == limit && reset.Sub(a.reset).Abs() < 30*time.Second
	if a.limit != 0 && same && left >= a.left {
		return
	}
	used := 0
	switch {
	case a.limit != 0 && same:
		used = a.left - left
	case a.limit != 0: // since it was whole again
		used = limit - left
	}
	a.limit, a.left, a.reset = limit, left, reset
	slot := &a.used[now.Unix()/60%int64(len(a.used))]
	if slot.minute != now.Unix()/60 {
		slot.minute, slot.points = now.Unix()/60, 0
	}
	slot.points += used
}

func (p *Purse) of(resource string, now time.Time) *allowance {
	if p.by == nil {
		p.by = map[string]*allowance{}
	}
	a := p.by[resource]
	if a == nil {
		a = &allowance{since: now, turned: map[string]int{}}
		if s, ok := p.Shapes[resource]; ok {
			a.shaper = rate.NewLimiter(rate.Limit(s.PerSecond), s.Burst)
		}
		p.by[resource] = a
	}
	return a
}

// errShort says for whom the rest of the quota is kept.
type errShort struct {
	resource string
	class    gate.Class
	left     int
	limit    int
}

func (e *errShort) Error() string {
	kept := "events and commands"
	if e.class == gate.ForEvent {
		kept = "commands"
	}
	return fmt.Sprintf("%d of %d of the forge's quota %s are left for now, and kept for %s", e.left, e.limit, e.resource, kept)
}

var errFast = errors.New("more was asked of the forge than it bears in a minute")

// Admit says whether a class may ask now: nil, or a *gate.RetryError that says when. spread, in [0,1), keeps those who are
// turned away from coming again all at once.
func (p *Purse) Admit(class gate.Class, resource string, points int, now time.Time, spread float64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.of(resource, now)
	if a.limit >= boundless || a.limit == 0 {
		return nil
	}
	share, apart := 0, time.Duration(0)
	switch class {
	case gate.ForSweep:
		share, apart = afterSweeps, 5*time.Minute
	case gate.ForEvent:
		share, apart = afterEvents, 20*time.Second
	}
	if now.Before(a.reset) && a.left*100 < a.limit*share {
		a.turned[class.String()]++
		after := a.reset.Sub(now) + time.Duration(spread*float64(apart))
		return &gate.RetryError{After: after, Quota: true, Err: &errShort{resource, class, a.left, a.limit}}
	}
	if after := a.shape(class, points, now); after > 0 {
		a.turned[class.String()]++
		return &gate.RetryError{After: after + time.Duration(spread*float64(after)), Quota: true, Err: errFast}
	}
	return nil
}

// shape takes points out of what may be asked in a short time, or says after how long there is room. Sweeps leave half of it
// to the others. A command never waits for it: it is one, and goes into debt.
func (a *allowance) shape(class gate.Class, points int, now time.Time) (after time.Duration) {
	if a.shaper == nil {
		return 0
	}
	tokens, floor := a.shaper.TokensAt(now), 0.0
	switch class {
	case gate.ForCommand:
		a.shaper.ReserveN(now, points)
		return 0
	case gate.ForSweep:
		floor = float64(a.shaper.Burst()) / 2
	}
	if lack := floor + float64(points) - tokens; lack > 0 {
		return max(time.Duration(lack/float64(a.shaper.Limit())*float64(time.Second)), time.Second)
	}
	a.shaper.ReserveN(now, points)
	return 0
}

// Spend takes what nobody is asked about: a write that belongs to what was read before, or a token.
func (p *Purse) Spend(resource string, points int, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.of(resource, now); a.shaper != nil && a.limit != 0 && a.limit < boundless {
		a.shaper.ReserveN(now, points)
	}
}

// Left is what there is of a resource, and until when it has to last; known is false before the forge said so, and where it
// has no bounds.
func (p *Purse) Left(resource string, now time.Time) (limit, left int, lasts time.Duration, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.by[resource]
	switch {
	case a == nil || a.limit == 0 || a.limit >= boundless:
		return 0, 0, 0, false
	case !now.Before(a.reset):
		return a.limit, a.limit, time.Hour, true
	}
	return a.limit, a.left, a.reset.Sub(now), true
}

// Quotas tells all there is to tell, but for whose it is.
func (p *Purse) Quotas(now time.Time) (list []gate.Quota) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for resource, a := range p.by {
		if a.limit == 0 {
			continue
		}
		q := gate.Quota{Resource: resource, Limit: a.limit, Left: a.left, Reset: a.reset, PerMinute: a.perMinute(now), Turned: maps.Clone(a.turned)}
		if !now.Before(a.reset) {
			q.Left = a.limit
		}
		if q.PerMinute > 0 {
			if at := now.Add(time.Duration(float64(q.Left) / q.PerMinute * float64(time.Minute))); at.Before(a.reset) {
				q.Empty = at
			}
		}
		list = append(list, q)
	}
	return list
}

// perMinute is what was used over the last minutes, or since the first word of it.
func (a *allowance) perMinute(now time.Time) float64 {
	points, current := 0, now.Unix()/60
	for _, u := range a.used {
		if current-u.minute <= minutes && u.minute <= current {
			points += u.points
		}
	}
	span := min(max(now.Sub(a.since), time.Minute), minutes*time.Minute+time.Duration(now.Unix()%60)*time.Second)
	return float64(points) / span.Minutes()
}
