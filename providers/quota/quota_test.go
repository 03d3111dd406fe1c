package quota

import (
	"errors"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// Commands go before events, and events before sweeps, whatever is left.
func TestWhoMayAskWhenItIsShort(t *testing.T) {
	t.Parallel()
	for left, may := range map[int][3]bool{ // sweep, event, command
		5000: {true, true, true}, 1500: {true, true, true}, 1499: {false, true, true}, 250: {false, true, true}, 249: {false, false, true}, 1: {false, false, true},
	} {
		p := &Purse{}
		p.Told("core", 5000, left, start.Add(20*time.Minute), start)
		for i, class := range []gate.Class{gate.ForSweep, gate.ForEvent, gate.ForCommand} {
			err := p.Admit(class, "core", 1, start, 0)
			if (err == nil) != may[i] {
				t.Errorf("with %d left a %v: %v", left, class, err)
			}
			var later *gate.RetryError
			if err != nil && (!errors.As(err, &later) || !later.Quota || later.After != 20*time.Minute) {
				t.Errorf("with %d left a %v is turned away with %v, want to come again in 20m", left, class, err)
			}
			if err := p.Admit(class, "graphql", 1, start, 0); err != nil {
				t.Errorf("another resource: %v", err)
			}
			if err := p.Admit(class, "core", 1, start.Add(21*time.Minute), 0); err != nil {
				t.Errorf("when it is whole again: %v", err)
			}
		}
	}
}

// Whoever is turned away comes again at a time of his own.
func TestThoseTurnedAwayDoNotComeAllAtOnce(t *testing.T) {
	t.Parallel()
	p := &Purse{}
	p.Told("core", 5000, 0, start.Add(time.Minute), start)
	var early, late *gate.RetryError
	if !errors.As(p.Admit(gate.ForSweep, "core", 1, start, 0), &early) || !errors.As(p.Admit(gate.ForSweep, "core", 1, start, 0.99), &late) || late.After-early.After < 4*time.Minute {
		t.Errorf("they come again after %v and %v", early, late)
	}
}

// Within a minute no more is asked than the forge bears, and a sweep leaves room for events.
func TestWhatIsAskedIsShaped(t *testing.T) {
	t.Parallel()
	shaped := func() *Purse {
		p := &Purse{Shapes: map[string]Shape{"core": {Burst: 400, PerSecond: 8}}}
		p.Told("core", 5000, 4999, start.Add(time.Hour), start)
		return p
	}
	count := func(p *Purse, class gate.Class) (n int) {
		for at := start; at.Before(start.Add(time.Minute)); at = at.Add(10 * time.Millisecond) {
			if p.Admit(class, "core", 1, at, 0) == nil {
				n++
			}
		}
		return n
	}
	if n := count(shaped(), gate.ForEvent); n < 800 || n > 900 {
		t.Errorf("%d events in a minute, want nearly 900", n)
	}
	p := shaped()
	sweeps := 0
	for p.Admit(gate.ForSweep, "core", 1, start, 0) == nil {
		sweeps++
	}
	if sweeps < 150 || sweeps > 200 || p.Admit(gate.ForEvent, "core", 1, start, 0) != nil {
		t.Errorf("%d sweeps at once, want half of what there is, and room for an event", sweeps)
	}
	for range 1000 {
		if err := p.Admit(gate.ForCommand, "core", 1, start, 0); err != nil {
			t.Fatalf("a command: %v", err)
		}
	}
	p.Told("core", 1<<30, 1<<30-1, start.Add(time.Hour), start)
	if err := p.Admit(gate.ForEvent, "core", 1, start, 0); err != nil {
		t.Errorf("where there are no limits: %v", err)
	}
}

// The rate is that of the last minutes, and says when nothing is left. Answers that come out of order do not count twice.
func TestWhenItRunsOut(t *testing.T) {
	t.Parallel()
	p, reset := &Purse{}, start.Add(time.Hour)
	for i := range 11 {
		p.Told("core", 5000, 5000-200*i, reset, start.Add(time.Duration(i)*time.Minute))
	}
	now := start.Add(10 * time.Minute)
	p.Told("core", 5000, 4000, reset, now) // overtaken
	q := p.Quotas(now)[0]
	if q.Left != 3000 || q.PerMinute < 180 || q.PerMinute > 260 {
		t.Errorf("told %+v, want 3000 left at about 200 a minute", q)
	}
	if q.Empty.Before(now.Add(10*time.Minute)) || q.Empty.After(now.Add(18*time.Minute)) {
		t.Errorf("it is empty at %v, want in about 15 minutes", q.Empty.Sub(now))
	}
	later := now.Add(20 * time.Minute)
	if q = p.Quotas(later)[0]; q.PerMinute != 0 || !q.Empty.IsZero() {
		t.Errorf("after a quiet time: %+v", q)
	}
	p.Told("core", 5000, 4990, reset.Add(time.Hour), reset.Add(time.Minute))
	if q = p.Quotas(reset.Add(time.Minute))[0]; q.Left != 4990 || q.PerMinute > 10 {
		t.Errorf("whole again, and ten used: %+v", q)
	}
}
