package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// causes is how many causes are handed to a worker with its work, the newest.
const causes = 256

// Claim takes up to n pieces of due work for the length of a lease, the longest due first. Nobody else gets them until
// the lease has run out: Extend it in time, and end with Finish, Fail or Release.
func (s *Store) Claim(ctx context.Context, n int, lease time.Duration) ([]gate.Work, error) {
	return s.ClaimKinds(ctx, n, lease)
}

// ClaimKinds is Claim for work of these kinds alone, those of the first kind first; no kinds means any.
func (s *Store) ClaimKinds(ctx context.Context, n int, lease time.Duration, kinds ...gate.MarkKind) ([]gate.Work, error) {
	if err := s.keepPace(ctx); err != nil {
		return nil, fmt.Errorf("claim work: %w", err)
	}
	var one int
	due, err := s.scan(brief(ctx), []any{&one}, qDue, s.now())
	if err != nil || !due || n <= 0 {
		return nil, err // the usual answer costs no write
	}
	var works []gate.Work
	err = s.do(ctx, light, func(t *tx) error {
		now := s.now()
		works = works[:0]
		taken, err := s.claim(t, n, now, now+lease.Milliseconds(), kinds)
		for i := 0; err == nil && i < len(taken); i++ {
			err = tell(t, &taken[i])
			works = append(works, taken[i].Work)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim work: %w", err)
	}
	return works, nil
}

// taken is work that was claimed, and what the last look that finished had covered.
type taken struct {
	gate.Work
	done int64
}

func (s *Store) claim(t *tx, n int, now, until int64, kinds []gate.MarkKind) (works []taken, err error) {
	take := func(text string, args ...any) error {
		first := len(works)
		err := t.rows(func(scan func(...any) error) error {
			w, err := scanWork(scan)
			works = append(works, w)
			return err
		}, text, args...)
		for i := first; err == nil && i < len(works); i++ {
			_, err = t.exec(qClaim, works[i].ID, until, s.opts.Holder)
		}
		return err
	}
	if len(kinds) == 0 {
		err = take(qClaimable, now, n)
	}
	for _, kind := range kinds {
		if left := n - len(works); left > 0 && err == nil {
			err = take(qClaimableKind, now, left, string(kind))
		}
	}
	if len(kinds) == 0 {
		sorting.By(works, func(a, b taken) int { return a.Since.Compare(b.Since) })
	}
	return works, err
}

func scanWork(scan func(...any) error) (w taken, err error) {
	var number int
	var name string
	var since int64
	m := &w.Mark
	err = scan(&w.ID, &m.Kind, &m.Forge, &m.Repo, &number, &name, &m.Installation, &w.Seen, &w.done, &since, &w.Token, &w.Attempt, &w.Taken)
	w.Since = at(since)
	switch m.Kind {
	case gate.MarkChange:
		m.Change = number
	case gate.MarkTag:
		m.Tag = name
	case gate.MarkBase, gate.MarkBranch:
		m.Base = name
	case gate.MarkHead:
		m.Commit = name
	case gate.MarkNotice:
		m.Target = name
	case gate.MarkGroup:
		m.Change, m.Commit = number, name
	case gate.MarkComment:
		m.Change = number
		if commit, id, on := strings.Cut(name, "/"); on {
			m.Commit, name = commit, id
		}
		m.Comment, _ = strconv.ParseInt(name, 10, 64) // our own writing
	case gate.MarkAction:
		m.Change, m.Commit = number, name
	case gate.MarkEnvironment:
		m.Environment = name
	case gate.MarkAsk:
		m.Change, m.Ask = number, name
	}
	return w, err
}

// tell fills in what was delivered since the last success. The newest cause that names a commit says what to expect;
// an old commit is never expected, for a forge that has moved on would look stale for ever.
func tell(t *tx, w *taken) error {
	err := t.rows(func(scan func(...any) error) error {
		c, err := scanCause(scan, w.Mark)
		w.Causes = append(w.Causes, c)
		return err
	}, qCauses, w.ID, w.done, w.Seen, causes+1)
	if err != nil {
		return err
	}
	if w.Dropped = len(w.Causes) > causes; w.Dropped {
		w.Causes = w.Causes[:causes]
	}
	told := false
	for i, c := range w.Causes { // newest first
		if i == 0 {
			w.Mark.Why, w.Mark.Detail = c.Why, c.Detail
		}
		if c.Commit != "" && !told || c.Before != "" && !told {
			w.Mark.Commit, w.Mark.Before, w.Mark.By, told = c.Commit, c.Before, c.By, true
		}
	}
	if len(w.Causes) == 0 {
		w.Mark.Why = "timer"
	}
	slices.Reverse(w.Causes)
	return nil
}

func scanCause(scan func(...any) error, identity gate.Mark) (gate.Mark, error) {
	m := identity
	var when int64
	err := scan(&when, &m.Receipt, &m.Why, &m.Detail, &m.Commit, &m.Before, &m.By, &m.Installation, &m.Delivery)
	m.At = at(when)
	return m, err
}

// NextDue says when the next piece of work is due, held work counting when its lease ends; false: never.
func (s *Store) NextDue(ctx context.Context, kinds ...gate.MarkKind) (time.Time, bool, error) {
	var first sql.NullInt64
	if len(kinds) == 0 {
		_, err := s.scan(ctx, []any{&first}, qNext)
		return at(first.Int64), first.Valid, err
	}
	for _, kind := range kinds {
		var next sql.NullInt64
		if _, err := s.scan(ctx, []any{&next}, qNextKind, string(kind)); err != nil {
			return time.Time{}, false, err
		}
		if next.Valid && (!first.Valid || next.Int64 < first.Int64) {
			first = next
		}
	}
	return at(first.Int64), first.Valid, nil
}

// Extend keeps the work for another lease from now on. It fails with ErrLost when somebody else has it: stop then.
func (s *Store) Extend(ctx context.Context, w gate.Work, lease time.Duration) error {
	if err := s.keepPace(ctx); err != nil { // else a clock that was set back a moment ago would take back what is given here
		return err
	}
	return s.held(ctx, w, "extend the lease on", qExtend, s.now()+lease.Milliseconds())
}

// Release gives work back unharmed, due at once: the process is ending.
func (s *Store) Release(ctx context.Context, w gate.Work) error {
	return s.held(ctx, w, "release", qRelease, s.now())
}

// Postpone gives work back with which nothing is wrong, to be taken again after a time, or at once when something new asks for
// it. That it was taken does not count as a failure.
func (s *Store) Postpone(ctx context.Context, w gate.Work, why string, after time.Duration) error {
	return s.held(ctx, w, "postpone", qPostpone, s.now()+max(after, 0).Milliseconds(), clip(why, 1000))
}

// Fail gives work back after an error. It is tried again after retryAfter, or, when that is 0, after a pause that doubles
// up to five minutes. After Options.DeadAfter failures in a row it is a dead letter: shown as such, revived by a new
// delivery or by Retry, and else tried only once an hour, or every five minutes where the forge names its own pause or where it
// is what finds deliveries that are missing.
func (s *Store) Fail(ctx context.Context, w gate.Work, why string, retryAfter time.Duration) error {
	dead := w.Attempt >= int64(s.opts.DeadAfter)
	pause, least := retryAfter+time.Duration(s.opts.Dice()*float64(max(retryAfter, 0)/10)), 5*time.Minute
	if retryAfter <= 0 {
		pause, least = backoff(w.Attempt, s.opts.Dice()), time.Hour
	}
	if w.Mark.Kind == gate.MarkCatchUp || w.Mark.Kind == gate.MarkSweep { // no delivery revives what finds those that are missing
		least = 5 * time.Minute
	}
	if dead {
		pause = max(pause, least)
	}
	return s.held(ctx, w, "give back", qFail, s.now()+pause.Milliseconds(), clip(why, 1000))
}

func (s *Store) held(ctx context.Context, w gate.Work, doing, text string, args ...any) error {
	err := s.do(ctx, patient, func(t *tx) error {
		n, err := t.exec(text, append([]any{w.ID, w.Token}, args...)...)
		if err == nil && n == 0 {
			err = ErrLost
		}
		return err
	}, s.marksNames([]gate.Mark{w.Mark})...)
	if err != nil {
		return fmt.Errorf("%s %s %s: %w", doing, w.Mark.Kind, w.Mark.Key(), err)
	}
	return nil
}

// backoff is a second, doubled with every attempt, at most five minutes, give or take a fifth.
func backoff(attempt int64, dice float64) time.Duration {
	d := 5 * time.Minute
	if attempt < 10 {
		d = min(d, time.Second<<max(attempt-1, 0))
	}
	return min(5*time.Minute, time.Duration(float64(d)*(0.8+0.4*dice)))
}

// clip keeps a text short, and valid where a database insists on it.
func clip(text string, n int) string {
	return checks.Clip(strings.ReplaceAll(strings.ToValidUTF8(text, "�"), "\x00", ""), n)
}

func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
