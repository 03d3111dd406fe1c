package store

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// Nothing waits for an hour, and nothing is taken from whoever works on it, when somebody sets the clock.
func TestAClockThatIsSetMovesWhatIsDueWithIt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	wall, steady := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), time.Duration(0)
	pass := func(d time.Duration) { wall, steady = wall.Add(d), steady+d }
	path := filepath.Join(t.TempDir(), "x.db")
	begin := func() *Store {
		s, err := Open(ctx, Options{URL: "sqlite:" + path, Now: func() time.Time { return wall }, Steady: func() time.Duration { return steady }})
		must(t, err)
		return s
	}
	s := begin()
	claim := func() []gate.Work {
		works, err := s.Claim(ctx, 9, 30*time.Second)
		must(t, err)
		return works
	}
	_, err := s.Add(ctx, marked("held", 1))
	must(t, err)
	held := claim()
	if len(held) != 1 {
		t.Fatalf("Claim = %v", held)
	}
	_, err = s.Add(ctx, marked("waits", 2))
	must(t, err)
	wall = wall.Add(-time.Hour)
	must(t, s.Extend(ctx, held[0], 30*time.Second))
	pass(time.Second)
	waits := claim()
	if len(waits) != 1 || waits[0].Mark.Change != 2 {
		t.Fatalf("Claim after an hour back = %v, want what was due before", waits)
	}
	wall = wall.Add(time.Hour)
	pass(time.Second)
	if works := claim(); len(works) != 0 {
		t.Errorf("Claim after an hour forth = %v, and both are being worked on", works)
	}
	must(t, s.Finish(ctx, held[0], gate.Outcome{}))
	pass(time.Minute) // whoever has the other is gone
	if works := claim(); len(works) != 1 || works[0].Mark.Change != 2 {
		t.Errorf("Claim after the lease = %v, want it taken over", works)
	}
	_, err = s.Add(ctx, marked("before", 3))
	must(t, err)
	must(t, s.Close())
	wall = wall.Add(-time.Hour)
	s = begin()
	works := claim()
	if len(works) != 2 {
		t.Errorf("Claim after a start an hour back = %v, want both", works)
	}
	wall = wall.Add(time.Hour)
	for _, w := range works {
		must(t, s.Fail(ctx, w, "no", 0))
	}
	must(t, s.Close())
	wall = wall.Add(-time.Hour)
	s = begin()
	defer s.Close()
	if works := claim(); len(works) != 2 {
		t.Errorf("Claim after a start an hour back = %v, want both that failed under the clock before", works)
	}
}
