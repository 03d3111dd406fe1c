package github

import (
	"sort"
	"sync"
	"time"
)

// budget bounds content creation: GitHub refuses more than 80 a minute and 500 an hour, and Sluice never tries.
// Half of a minute is kept for what matters most, so that a burst delays the details and not the gates.
type budget struct {
	now          func() time.Time
	minute, hour int

	mu    sync.Mutex
	spent []time.Time // within the last hour, oldest first
}

// GitHub counts when a call arrives, Sluice when it is sent: windows are taken a little longer, for calls that travel.
const slack = 2 * time.Second

func newBudget(now func() time.Time, minute, hour int) *budget {
	return &budget{now: now, minute: minute, hour: hour}
}

// take books n creations, all or none. The first of a subject may use all there is, the others leave a reserve. It
// returns 0, or how long until there is room.
func (b *budget) take(n int, first bool) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	for len(b.spent) > 0 && !b.spent[0].After(now.Add(-time.Hour-slack)) {
		b.spent = b.spent[1:]
	}
	minute, hour := b.minute, b.hour
	if !first {
		minute, hour = (b.minute+1)/2, b.hour-b.hour/5
	}
	after := max(b.room(now, n, minute, time.Minute), b.room(now, n, hour, time.Hour))
	if after > 0 {
		return after
	}
	for range n {
		b.spent = append(b.spent, now)
	}
	return 0
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
