package github

import (
	"sort"
	"sync"
	"time"
)

// budget bounds content creation, which GitHub documents as 80 a minute and 500 an hour. A part is kept
// for gates, and a gate that waits goes before all details, so that a burst delays the details and not the gates.
//
// Whether check runs count, and whether a server of one's own has the limits at all, is not documented. As long as they
// are enough nobody needs to know. When more gates wait than a minute has room for, or one would wait for longer than
// patience, a single one is sent as a probe: if GitHub takes it the limits do not hold here, and if GitHub refuses it
// they do; either is believed for an hour. So there is at most one refusal an hour, and none where it is not needed.
type budget struct {
	now          func() time.Time
	minute, hour int

	mu      sync.Mutex
	spent   []time.Time          // within the last hour, oldest first
	turned  map[string]time.Time // when a subject's gate was last turned away
	probing bool
	lifted  time.Time // until when the limits are known not to hold
	proven  time.Time // until when they are known to hold
}

// How long a gate may wait for room before a probe is worth it, how often one that waits asks again meanwhile, and how
// long the answer to a probe is believed.
const (
	patience = 90 * time.Second
	again    = 15 * time.Second
	believed = time.Hour
)

// GitHub counts when a call arrives, Sluice when it is sent: windows are taken a little longer, for calls that travel.
const slack = 2 * time.Second

func newBudget(now func() time.Time, minute, hour int) *budget {
	return &budget{now: now, minute: minute, hour: hour}
}

// take books n creations for a subject, all or none. The first of a subject may use all there is, the others leave a
// reserve. It returns 0, or how long until it is worth asking again.
func (b *budget) take(subject string, n int, first bool) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	for len(b.spent) > 0 && !b.spent[0].After(now.Add(-time.Hour-slack)) {
		b.spent = b.spent[1:]
	}
	for s, t := range b.turned {
		if now.Sub(t) > time.Minute+slack {
			delete(b.turned, s)
		}
	}
	minute, hour := b.minute, b.hour
	if !first {
		minute, hour = b.minute-b.minute/8, b.hour-b.hour/5
	}
	after := max(b.room(now, n, minute, time.Minute), b.room(now, n, hour, time.Hour))
	if !first && len(b.turned) > 0 {
		after = max(after, again) // gates that wait go before details
	}
	if after > 0 && now.After(b.lifted) {
		if first {
			b.turn(subject, now)
		}
		if !b.probe(now, after) {
			return b.pause(now, after, first)
		}
	}
	delete(b.turned, subject)
	for range n {
		b.spent = append(b.spent, now)
	}
	return 0
}

// fits books n within the numbers as they are: nobody finds out here whether the forge would take more. It returns 0, or
// how long until they fit.
func (b *budget) fits(n int) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	for len(b.spent) > 0 && !b.spent[0].After(now.Add(-time.Hour-slack)) {
		b.spent = b.spent[1:]
	}
	if after := max(b.room(now, n, b.minute, time.Minute), b.room(now, n, b.hour, time.Hour)); after > 0 {
		return after
	}
	for range n {
		b.spent = append(b.spent, now)
	}
	return 0
}

// turn notes that a subject's gate waits.
func (b *budget) turn(subject string, now time.Time) {
	if b.turned == nil {
		b.turned = map[string]time.Time{}
	}
	b.turned[subject] = now
}

// probe decides whether to try what the documented limits have no room for.
func (b *budget) probe(now time.Time, after time.Duration) bool {
	if now.Before(b.proven) || b.probing {
		return false
	}
	b.probing = after > patience || len(b.turned) > b.minute
	return b.probing
}

// pause is when to ask again: soon, as long as a probe may lift the limits.
func (b *budget) pause(now time.Time, after time.Duration, first bool) time.Duration {
	if first && !now.Before(b.proven) {
		return min(after, again)
	}
	return after
}

// told takes in how GitHub answered a creation.
func (b *budget) told(refused bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch now := b.now(); {
	case refused:
		b.proven, b.lifted, b.probing = now.Add(believed), time.Time{}, false
	case b.probing:
		b.lifted, b.probing, b.turned = now.Add(believed), false, nil
	}
}

// unclear takes back a probe that was answered by something else.
func (b *budget) unclear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}

// room is how long until n more fit among most within the span; 0 when they do now.
func (b *budget) room(now time.Time, n, most int, span time.Duration) time.Duration {
	since := now.Add(-span - slack)
	i := sort.Search(len(b.spent), func(i int) bool { return b.spent[i].After(since) })
	over := len(b.spent) - i + n - max(most, n)
	if over <= 0 {
		return 0
	}
	return max(b.spent[i+over-1].Sub(since), time.Millisecond)
}
