package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks/sorting"
)

// Ledger is a Provider whose forge keeps a log of the deliveries that it made, or tried to make.
type Ledger interface {
	// Logged is one page of the log, the newest first: that which begins with the newest, or the one that an earlier page
	// named as next.
	Logged(ctx context.Context, from string) (*LogPage, error)
	// Fetch reads one delivery of the log whole, by the forge's own number. ErrGone: the log has it no more.
	Fetch(ctx context.Context, id int64) (event string, body []byte, err error)
}

// LogPage is a part of a forge's log.
type LogPage struct {
	At      time.Time // when it was answered, by the forge's clock; zero: not told
	Entries []Logged
	Next    string // names the page with what is older; "": there is none
}

// Logged is an entry of the log. A delivery that was made anew is there several times, under one GUID.
type Logged struct {
	ID      int64
	GUID    string
	Event   string
	At      time.Time // delivered, or tried, by the forge's clock
	Pending bool      // on its way: how it ended is not known
}

// Intake takes deliveries in that the forge's own log holds, as if they had been received.
type Intake interface {
	// Reads says whether an event may mean something.
	Reads(event string) bool
	// Take keeps a delivery and raises what it marks; false: it was had. Nobody signed it, so it must come from the forge.
	Take(ctx context.Context, event, guid string, body []byte) (added bool, err error)
}

// Receipts is what is remembered of deliveries.
type Receipts interface {
	// Had says which of these deliveries are kept.
	Had(ctx context.Context, forge string, guids []string) (map[string]bool, error)
	// Caught is up to when the forge's log was gone through, by the forge's clock; zero: never.
	Caught(ctx context.Context, forge string) (time.Time, error)
	// Catch remembers up to when the log was gone through.
	Catch(ctx context.Context, forge string, at time.Time) error
}

// Missed is how the deliveries of a forge are found that did not arrive.
type Missed struct {
	Ledger   Ledger
	Intake   Intake
	Receipts Receipts
	Pull     bool // none arrives: there is no way in
}

const (
	catchEvery   = 5 * time.Minute            // between two looks where deliveries arrive
	catchSoon    = 20 * time.Second           // after a look that found some: whatever keeps them from arriving may go on
	pullFast     = 10 * time.Second           // between two looks where none arrives
	pullSlow     = time.Minute                // the same, when nothing has happened for ten minutes
	logOverlap   = time.Minute                // an entry may come into the log after newer ones: a delivery may last half a minute
	logKept      = 3*24*time.Hour - time.Hour // GitHub says three days
	firstLook    = 24 * time.Hour             // back to when somebody may have installed an App whose server did not run yet
	mostLogPages = 100                        // of a hundred entries
	logAtOnce    = 16                         // fetched at the same time
)

// catchUp goes through the forge's log from its newest entry back to where the last look ended, and takes in what is not
// in the inbox.
func (r *Reconciler) catchUp(ctx context.Context, w Work) (Outcome, error) {
	m, ok := r.Missed[w.Mark.Forge]
	if !ok {
		return Outcome{Note: "the log of " + w.Mark.Forge + " is not read"}, nil
	}
	l := &logLook{Missed: m, r: r, forge: w.Mark.Forge, asked: w.Since, quick: slices.ContainsFunc(w.Causes, func(c Mark) bool { return c.Why == "start" })}
	if err := l.list(ctx); err != nil {
		return Outcome{}, fmt.Errorf("list the deliveries of %s: %w", l.forge, err)
	}
	if err := l.take(ctx); err != nil {
		return Outcome{}, fmt.Errorf("fetch deliveries that were missed: %w", err)
	}
	if !l.until.IsZero() && !l.cut {
		if err := m.Receipts.Catch(ctx, l.forge, l.until); err != nil {
			return Outcome{}, fmt.Errorf("remember how far the deliveries of %s were listed: %w", l.forge, err)
		}
	}
	out := Outcome{Note: l.note(), Next: r.Now().Add(l.pause())}
	if l.gap != "" {
		r.Log.Warn("deliveries may be lost: "+l.gap, "forge", l.forge)
		out.Marks = append(out.Marks, Mark{Kind: MarkSweep, Forge: l.forge, Why: "gap"})
	}
	return out, nil
}

// logLook is one look at a forge's log.
type logLook struct {
	Missed
	r     *Reconciler
	forge string

	quick  bool      // what was missed while down is the newest there is, and is wanted now: the first page with nothing missing ends it
	cut    bool      // it did, so the next look begins where this one did
	asked  time.Time // when this look was asked for first, by our clock; zero: not known
	first  bool      // none came to its end before: it was asked for when Sluice was started for the first time
	since  time.Time // what was sent before that is known
	now    time.Time // by the forge's clock
	until  time.Time // up to when the log is known: the same, but never by our own clock, which may jump
	newest time.Time // when the newest entry was
	pages  int
	missed []Logged // oldest first
	taken  int
	lost   int    // the log had them no more when they were asked for
	gap    string // what may be lost without a trace
}

// list reads as many pages as there are since the last look. Nothing is kept of a list that broke off: the next look
// begins where this one did.
func (l *logLook) list(ctx context.Context) error {
	until, err := l.Receipts.Caught(ctx, l.forge)
	if err != nil {
		return err
	}
	l.first, l.since = until.IsZero(), until.Add(-logOverlap)
	for from := ""; ; {
		page, err := l.Ledger.Logged(ctx, from)
		if err != nil {
			return err
		}
		if l.pages++; l.pages == 1 {
			if l.until, l.now = page.At, page.At; l.now.IsZero() {
				l.until, l.now = until, l.r.Now()
			}
			if l.first {
				l.since = l.now.Add(-l.waited())
			}
			if len(page.Entries) > 0 {
				l.newest = page.Entries[0].At
			}
			if l.newest.After(l.until) {
				l.until = l.newest
			}
		}
		missed := len(l.missed)
		oldest, err := l.sift(ctx, page.Entries)
		switch {
		case err != nil:
			return err
		case oldest.Before(l.since) && !oldest.IsZero():
			return nil
		case l.quick && !l.first && len(l.missed) == missed && page.Next != "":
			l.cut = true
			return nil
		case page.Next == "":
			if !l.first && l.now.Sub(until) > logKept {
				l.gap = fmt.Sprintf("the log was last read up to %s, and reaches back to less; what happened in between is found by reading all that is open anew, but for what people wrote",
					until.UTC().Format(time.RFC3339))
			}
			return nil
		case l.pages == mostLogPages:
			l.gap = fmt.Sprintf("more than %d were logged since %s; what the others told is found by reading all that is open anew, but for what people wrote",
				mostLogPages*100, l.since.UTC().Format(time.RFC3339))
			return nil
		}
		from = page.Next
	}
}

// waited is how long ago this look was asked for first. It is a time span and no time, for the forge's log is by the forge's
// clock, and ours may be wrong; it ends when the forge has answered, so that it is never too short.
func (l *logLook) waited() time.Duration {
	if l.asked.IsZero() {
		return 0
	}
	return max(0, l.r.Now().Sub(l.asked))
}

// sift adds to what was missed what is not in the inbox, and says when the oldest of the entries was.
func (l *logLook) sift(ctx context.Context, entries []Logged) (oldest time.Time, err error) {
	var guids []string
	for _, e := range entries {
		guids = append(guids, e.GUID)
		if oldest.IsZero() || e.At.Before(oldest) {
			oldest = e.At
		}
	}
	had, err := l.Receipts.Had(ctx, l.forge, guids)
	if err != nil {
		return oldest, err
	}
	for _, e := range entries {
		if had[e.GUID] || !l.wants(e) {
			continue
		}
		had[e.GUID] = true
		l.missed = append(l.missed, e)
	}
	sorting.By(l.missed, func(a, b Logged) int { return a.At.Compare(b.At) })
	l.missed = slices.CompactFunc(l.missed, func(a, b Logged) bool { return a.GUID == b.GUID })
	return oldest, nil
}

// wants says whether an entry is worth fetching. What people wrote before there was anybody to read it is no command: of the
// time before Sluice was started for the first time it is only where the App was installed.
func (l *logLook) wants(e Logged) bool {
	if e.At.Before(l.since) && (!l.first || !installs(e.Event) || e.At.Before(l.now.Add(-firstLook))) {
		return false
	}
	if e.Pending && !l.Pull && l.now.Sub(e.At) < 30*time.Second {
		return false // it is arriving; the next look sees whether it did
	}
	return l.Intake.Reads(e.Event)
}

// installs says whether an event tells where the App is installed.
func installs(event string) bool {
	return event == "installation" || event == "installation_repositories"
}

// take fetches what was missed, several at a time, and takes it in in the order in which it happened. One that cannot be
// fetched holds up no other.
func (l *logLook) take(ctx context.Context) error {
	var faults []error
	for some := range slices.Chunk(l.missed, logAtOnce) {
		bodies := make([]fetched, len(some))
		var g errgroup.Group
		for i, e := range some {
			g.Go(func() error {
				bodies[i].event, bodies[i].body, bodies[i].err = l.Ledger.Fetch(ctx, e.ID)
				return nil
			})
		}
		_ = g.Wait() // each has its own
		for i, e := range some {
			if err := l.keep(ctx, e, bodies[i]); err != nil {
				faults = append(faults, err)
			}
		}
		if len(faults) >= logAtOnce || ctx.Err() != nil {
			break
		}
	}
	return errors.Join(faults...)
}

type fetched struct {
	event string
	body  []byte
	err   error
}

func (l *logLook) keep(ctx context.Context, e Logged, f fetched) error {
	if errors.Is(f.err, ErrGone) {
		l.lost++
		l.r.Log.Warn("a delivery that was missed is not in the log any more", "delivery", Plain(e.GUID), "event", Plain(e.Event))
		return nil
	}
	if f.err != nil {
		return f.err
	}
	added, err := l.Intake.Take(ctx, f.event, e.GUID, f.body)
	if added {
		l.taken++
	}
	return err
}

// pause is how long until the next look. Where no delivery arrives by itself it is short, and grows to a minute while nothing
// happens: a tenth of how long nothing did.
func (l *logLook) pause() time.Duration {
	switch {
	case l.cut || !l.Pull && len(l.missed) > 0:
		return catchSoon
	case !l.Pull:
		return catchEvery
	case l.newest.IsZero():
		return pullSlow
	}
	return min(max(l.now.Sub(l.newest)/10, pullFast), pullSlow)
}

func (l *logLook) note() string {
	note := fmt.Sprintf("%d deliveries that were missed taken in, in %d pages of the log", l.taken, l.pages)
	if l.lost > 0 {
		note += fmt.Sprintf("; %d more were gone", l.lost)
	}
	if l.gap != "" {
		note += "; " + l.gap
	}
	return note
}
