package gate

import (
	"slices"
	"time"
)

// What a worker sends right before it is frozen or killed may arrive at the forge after what its successor sent: an old
// success above a newer failure. No token travels with it. So what was taken over is looked at once more when whatever was
// on its way has arrived, by what the forge shows then.

// tookOver is the cause of that look; it ends in no word of a forge, so that no look is spared for it.
const tookOver = "taken over"

// takenOver says whether somebody before may have shown something without writing it down.
func takenOver(w Work) bool {
	return w.Taken || slices.ContainsFunc(w.Causes, func(c Mark) bool { return c.Why == tookOver })
}

// lookedAt is the mark for the look; false where nothing is shown that a later look would mend.
func lookedAt(w Work) (Mark, bool) {
	switch w.Mark.Kind {
	case MarkChange, MarkTag, MarkGroup, MarkEnvironment, MarkComment:
		m := Mark{Kind: w.Mark.Kind, Forge: w.Mark.Forge, Repo: w.Mark.Repo, Change: w.Mark.Change, Tag: w.Mark.Tag, Comment: w.Mark.Comment,
			Environment: w.Mark.Environment, Installation: w.Mark.Installation, Why: tookOver}
		if m.Kind == MarkGroup || m.Kind == MarkComment {
			m.Commit = w.Mark.Commit
		}
		return m, true
	}
	return Mark{}, false
}

// seenAgain adds the look at what was taken over, a lease from now: a request lasts no longer.
func seenAgain(w Work, out Outcome, lease time.Duration) Outcome {
	m, ok := lookedAt(w)
	if !w.Taken || !ok {
		return out
	}
	delays := make([]time.Duration, len(out.Marks), len(out.Marks)+1)
	copy(delays, out.Delays)
	out.Marks, out.Delays = append(slices.Clip(out.Marks), m), append(delays, lease)
	return out
}
