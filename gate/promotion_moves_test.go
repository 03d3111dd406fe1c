package gate

import (
	"slices"
	"testing"
	"time"
)

// Every pair of states is a move or none, written out here once more: nothing leaves an end but what was well and is rolled
// back, nothing becomes live that was not deployed, and nothing goes back but what was reserved and never made.
func TestPromotionsMoveOnlyAsTheyMay(t *testing.T) {
	t.Parallel()
	legal := map[State][]State{
		Requested:  {Gated, Superseded, Cancelled},
		Gated:      {Deploying, Superseded, Cancelled, Failed},
		Deploying:  {Gated, Live, Failed, Cancelled},
		Live:       {Verified, Failed, RolledBack, Superseded},
		Verified:   {RolledBack},
		Failed:     nil,
		Superseded: nil,
		RolledBack: nil,
		Cancelled:  nil,
	}
	then, now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	for from, may := range legal {
		for to := range legal {
			p := Promotion{ID: "1", State: from, Why: "before", Since: then}
			err := p.to(to, "after", now)
			want := p
			if want.State, want.Why, want.Since = from, "before", then; slices.Contains(may, to) {
				want.State, want.Why, want.Since = to, "after", now
			}
			if (err == nil) != slices.Contains(may, to) || p.State != want.State || p.Why != want.Why || !p.Since.Equal(want.Since) {
				t.Errorf("from %s to %s: got %s (%s) since %v, %v; may it: %v", from, to, p.State, p.Why, p.Since, err, slices.Contains(may, to))
			}
		}
		p := Promotion{State: from}
		if want := len(may) == 0 || from == Verified; p.Over() != want {
			t.Errorf("%s: over %v, want %v", from, p.Over(), want)
		}
		if want := from == Requested || from == Gated; p.Waiting() != want {
			t.Errorf("%s: waiting %v, want %v", from, p.Waiting(), want)
		}
	}
	if err := (&Promotion{State: "lost"}).to(Live, "", now); err == nil {
		t.Error("a state that nobody knows moved on")
	}
}

// What was rolled back is nothing to go back to by itself, however lately it was well.
func TestTheLastThatWasWell(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	list := []Promotion{
		{Commit: "now", State: Live},
		{Commit: "bad", State: RolledBack, VerifiedAt: at.Add(2 * time.Hour)},
		{Commit: "good", State: Verified, VerifiedAt: at.Add(time.Hour)},
		{Commit: "old", State: Verified, VerifiedAt: at},
	}
	if got := lastWell(list, "now"); got == nil || got.Commit != "good" {
		t.Errorf("lastWell = %+v, want good", got)
	}
	if got := lastWell(list, "good"); got == nil || got.Commit != "old" {
		t.Errorf("lastWell but good = %+v, want old", got)
	}
	if got := lastWell(list[:2], "now"); got != nil {
		t.Errorf("lastWell of what was rolled back = %+v, want none", got)
	}
}
