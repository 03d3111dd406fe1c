package gate

import (
	"context"
	"time"
)

// Class says who is served first when a forge's quota is short.
type Class int

// The classes: the zero one is an event's.
const (
	ForEvent   Class = iota // something happened
	ForCommand              // somebody asked, and waits for the answer
	ForSweep                // nothing happened: it is looked anew all the same
)

// String is the class's name.
func (c Class) String() string {
	return [...]string{"event", "command", "sweep"}[c]
}

type classKey struct{}

// WithClass says for whom the forge is asked from here on.
func WithClass(ctx context.Context, c Class) context.Context {
	return context.WithValue(ctx, classKey{}, c)
}

// ClassOf is for whom the forge is asked: an event where nobody said so.
func ClassOf(ctx context.Context) Class {
	c, _ := ctx.Value(classKey{}).(Class)
	return c
}

// class is that of a piece of work: a sweep's only where nothing else brought it about.
func (w Work) class() Class {
	switch w.Mark.Kind {
	case MarkComment, MarkAction, MarkAsk:
		return ForCommand
	case MarkSweep, MarkPrune, MarkAhead:
		return ForSweep
	case MarkCatchUp:
		return ForEvent
	}
	if w.Dropped || len(w.Causes) == 0 {
		return ForEvent
	}
	for _, c := range w.Causes {
		if c.Why != sweeping {
			return ForEvent
		}
	}
	return ForSweep
}

// Quota is what a forge leaves of one allowance.
type Quota struct {
	Forge    string `json:"forge"`
	Account  int64  `json:"account"`        // the installation (0: the App itself), or the token's place in the settings
	Name     string `json:"name,omitempty"` // whose it is, where that is known
	Resource string `json:"resource"`       // as the forge calls it: core, graphql

	Limit int       `json:"limit"`
	Left  int       `json:"left"`
	Reset time.Time `json:"reset"` // when it is whole again, by our clock

	PerMinute float64        `json:"per_minute"`       // used over the last minutes
	Empty     time.Time      `json:"empty,omitzero"`   // when nothing is left at this rate; zero: not before it is whole again
	Turned    map[string]int `json:"turned,omitempty"` // requests not made for want of it, by class, since the start
	Paused    time.Time      `json:"paused,omitzero"`  // until when the forge wants to be left alone
}

// Metered is a Provider that knows what is left of its forge's quotas.
type Metered interface {
	Quotas() []Quota
}

// Pacer is a Provider that knows how fast many subjects may be read at once.
type Pacer interface {
	// Pace is how long to wait between the readings of n subjects by one way, so that what the forge allows lasts.
	Pace(repo Repo, n int) time.Duration
	// Sweeps is how many subjects may be read anew by one way within a time, where nothing asks for it.
	Sweeps(repo Repo, within time.Duration) int
}

// Postponer is a Queue that takes work back which nothing is wrong with: it waits, and a failure is not counted. Something
// new makes it due at once.
type Postponer interface {
	Postpone(ctx context.Context, w Work, why string, after time.Duration) error
}
