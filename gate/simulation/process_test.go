package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// A process is one Sluice: its own clock, its own workers, its own memory.
type process struct {
	world   *world
	number  int
	rng     *rand.Rand
	store   *store.Store
	skew    time.Duration
	jumped  bool      // its clock was set, and nothing was claimed since
	frozen  time.Time // until then it stands still
	dead    bool
	stop    context.CancelFunc
	ended_  chan struct{}
	wake    chan struct{}
	stale   bool      // it was not told yet that something is due
	refused int       // the step in which its last claim failed
	claimed []*worker // that have not begun yet
}

// set sets its clock.
func (p *process) set(skew time.Duration) { p.jumped, p.skew = p.jumped || skew != p.skew, skew }

func (p *process) now() time.Time {
	p.world.passesOn()
	return time.Now().Add(p.skew).UTC()
}

const (
	lease = 30 * time.Second
	limit = 3*time.Minute + 7*time.Second // no multiple of what a lease is extended after: nothing ends in the instant of a tick
	sweep = 20 * time.Minute
)

// start starts the process of that number.
func (w *world) start(number int) {
	var skew time.Duration // a machine's clock stays as it was set
	if old := w.procs[number]; old != nil && !w.calm {
		skew = old.skew
	}
	p := &process{world: w, number: number, skew: skew, rng: rand.New(rand.NewPCG(w.rng.Uint64(), 7)), ended_: make(chan struct{}), //nolint:gosec // to be repeated
		wake: make(chan struct{}, 1), refused: -1, store: w.store}
	w.procs[number] = p
	if w.one {
		var err error
		if p.store, err = w.open(p.now); err != nil {
			w.wrong("open the store: %v", err)
			p.dead = true
			return
		}
		w.store = p.store
		clear(w.leases) // what the one before held was freed
	}
	s := shelf{p.store, p}
	r := &gate.Reconciler{Providers: map[string]gate.Provider{"github": counter{w, p}}, Memory: s, Book: s, Past: s, Releases: s, Log: slog.New(watcher{w, p}), Now: p.now,
		NewID:     func() string { return fmt.Sprintf("%016x%016x", p.rng.Uint64(), p.rng.Uint64()) },
		PublicURL: "https://sluice.example", Sweep: sweep, Prune: s.prune, Observe: gate.Observer{Began: p.takes},
		Missed: map[string]gate.Missed{"github": {Ledger: counter{w, p}, Intake: s, Receipts: s}}}
	runner := &gate.Runner{Reconciler: r, Queue: s, Wake: p.wake, Workers: 3, Lease: lease, Poll: 15 * time.Second, Limit: limit}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	if err := p.store.Mark(ctx, gate.Mark{Kind: gate.MarkPrune, Why: "start"}, gate.Mark{Kind: gate.MarkSweep, Forge: "github", Why: "start"},
		gate.Mark{Kind: gate.MarkCatchUp, Forge: "github", Why: "start"}); err != nil {
		w.wrong("mark what is looked at by itself: %v", err)
	}
	w.note("p%d starts", number)
	go func() {
		defer close(p.ended_)
		_ = runner.Run(ctx) // it ends with its context, and with no error
	}()
}

// kill ends the process; what it holds stays held until the lease runs out or the database is opened anew. Another one is
// started in its place.
func (w *world) kill(p *process) {
	if p.dead {
		return
	}
	p.dead = true
	w.seen.kills++
	p.stop()
	w.mu.Lock()
	rest := w.parked[:0:0]
	for _, c := range w.parked {
		if c.p == p {
			close(c.leave)
		} else {
			rest = append(rest, c)
		}
	}
	w.parked = rest
	w.mu.Unlock()
	down := w.between(time.Second, 40*time.Second)
	if w.calm {
		down = time.Second
	}
	w.later(down, func() {
		<-p.ended_
		if w.one {
			if err := p.store.Close(); err != nil {
				w.wrong("close the store: %v", err)
			}
		}
		w.start(p.number)
	})
}

// asking says whether the loop that claims is in a claim.
func (p *process) asking() bool {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	for _, c := range p.world.parked {
		if c.p == p && c.name == "Claim" {
			return true
		}
	}
	return false
}

// watcher reads the log: a panic is a fault, however well it was caught.
type watcher struct {
	w *world
	p *process
}

func (watcher) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (h watcher) WithAttrs([]slog.Attr) slog.Handler         { return h }
func (h watcher) WithGroup(string) slog.Handler              { return h }

func (h watcher) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "panic" && !h.p.dead {
		r.Attrs(func(a slog.Attr) bool {
			h.w.wrong("panic: %s %v", a.Key, a.Value)
			return true
		})
	}
	return nil
}
