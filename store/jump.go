package store

import (
	"context"
	"sync"
	"time"
)

// On SQLite what is due and whose lease has ended goes by this machine's clock, which somebody may set. pace compares it with
// the one that nobody sets: when they part, what was written by the old clock is moved with it. Else an hour back would let
// everything wait for an hour, and an hour forth would end the lease on work that goes on.
type pace struct {
	mu     sync.Mutex
	clocks func() (wall time.Time, steady time.Duration) // nil: nobody sets the clock, or another one counts
	wall   time.Time
	steady time.Duration
}

// jumpy is how far the clocks may part before that counts as a jump.
const jumpy = 2 * time.Second

// machineClocks are this machine's.
func machineClocks() func() (time.Time, time.Duration) {
	begun := time.Now()
	return func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(begun)
	}
}

// jump moves leases with the clock, and back with it all that is due: looking too early is harmless.
const qJump = `UPDATE subject SET next_at = next_at + $1 WHERE next_at IS NOT NULL AND (holder IS NOT NULL OR $1 < 0)`

// rewound frees at the start what was marked by a clock that was ahead of this one, and what failed and would wait for longer
// than any pause of ours: it failed under such a clock, or is a dead letter, and a start is a reason to try it again.
const qRewound = `
UPDATE subject SET next_at = $1 WHERE holder IS NULL AND next_at > $1 AND wanted > done AND (since > $1 + 2000 OR error <> '' AND next_at > $1 + 330000)`

// keepPace is asked before anything is claimed or held for longer.
func (s *Store) keepPace(ctx context.Context) error {
	p := &s.pace
	if p.clocks == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	wall, steady := p.clocks()
	jump := time.Duration(0)
	if !p.wall.IsZero() {
		jump = wall.Sub(p.wall) - (steady - p.steady)
	}
	if jump.Abs() > jumpy {
		err := s.do(ctx, patient, func(t *tx) error {
			_, err := t.exec(qJump, jump.Milliseconds())
			return err
		})
		if err != nil {
			return err
		}
		s.opts.Log.Warn("this machine's clock was set: what is due was moved with it", "by", jump.Round(time.Second))
		s.poke()
	}
	p.wall, p.steady = wall, steady
	return nil
}
