package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// call is one call over a boundary, of the store or of the forge: it waits until the scheduler lets it go on.
type call struct {
	p         *process
	by        *worker // nil: the loop that claims, what extends a lease, or one of several that fetch for a worker
	name      string
	what      string
	side      side
	ctx       context.Context
	leave     chan struct{}
	notBefore time.Time // it takes its time
	drawn     bool      // whether and how it breaks is known
	fault     string
	refused   error // by whoever sends: the work may be somebody else's
	sent      time.Time
}

type side int

const (
	reads side = iota // of the store
	writes
	looks // of the forge
	acts
)

func (c *call) String() string {
	who := "-"
	if c.by != nil {
		who = fmt.Sprintf("%d.%d", c.by.work.ID, c.by.work.Token)
	}
	return fmt.Sprintf("p%d %s %s %s", c.p.number, who, c.name, c.what)
}

// due is when it can go on: not while it takes its time, and not while its process stands still.
func (c *call) due() time.Time {
	if c.p.frozen.After(c.notBefore) {
		return c.p.frozen
	}
	return c.notBefore
}

var (
	errDead    = errors.New("the process is gone")
	errGateway = errors.New("502: bad gateway")
	errFull    = errors.New("database or disk is full")
)

// at is where everything may happen. Nothing but the scheduler knows when do is done, or whether.
func (p *process) at(ctx context.Context, s side, name, what string, do func() error) error {
	p.world.passesOn()
	if p.dead {
		return errDead
	}
	c := &call{p: p, name: name, what: what, side: s, ctx: ctx, leave: make(chan struct{})}
	world := p.world
	world.mu.Lock()
	if name != "Claim" && name != "Extend" && name != "Fetch" {
		if c.by = self(ctx); c.by == nil {
			world.wrong("nobody knows who calls: %s %s", name, what)
		}
	}
	world.parked = append(world.parked, c)
	world.mu.Unlock()
	<-c.leave
	err := cmp.Or(p.ended(ctx), c.refused)
	if err == nil || c.fault == "stalls" && !p.dead { // what was sent before it stood still was sent
		return cmp.Or(world.perform(c, do), err)
	}
	if !p.dead {
		world.note("%v: %v", c, err)
	}
	return err
}

// ended says that nothing more is done for whoever calls.
func (p *process) ended(ctx context.Context) error {
	if p.dead {
		return errDead
	}
	return ctx.Err()
}

// A worker works off one piece of work.
type worker struct {
	work       gate.Work
	claimed    time.Time
	remembered map[string]time.Time // by environment: when what is remembered of it was read last
	readings   map[any]*reading     // by the facts that were handed out; by environment
	reserved   time.Time            // when it first reserved a promotion
	looks      int
}

// takes has a worker take up a piece that was handed to its process. The worker goes with the work, to the forge and the store.
func (p *process) takes(ctx context.Context, w gate.Work) (context.Context, func(error)) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	i := slices.IndexFunc(p.claimed, func(k *worker) bool { return k.work.ID == w.ID && k.work.Token == w.Token })
	if i < 0 {
		p.world.wrong("nobody was handed %s", w.Mark.Key())
		return ctx, func(error) {}
	}
	k := p.claimed[i]
	p.claimed = slices.Delete(p.claimed, i, i+1)
	return context.WithValue(ctx, workerKey{}, k), func(error) {}
}

type workerKey struct{}

// self is the worker that calls.
func self(ctx context.Context) *worker {
	k, _ := ctx.Value(workerKey{}).(*worker)
	return k
}

// ofTheApp says whether a call is about the App itself, and no repository.
func (c *call) ofTheApp() bool { return c.name == "Logged" || c.name == "Fetch" }

// ready are the calls that can go on, in an order that does not hang on who came first.
func (w *world) ready() (list []*call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortStableFunc(w.parked, func(a, b *call) int {
		return cmp.Or(a.p.number-b.p.number, a.token()-b.token(), strings.Compare(a.name, b.name), strings.Compare(a.what, b.what))
	})
	now := time.Now()
	for _, c := range w.parked {
		if !c.due().After(now) {
			list = append(list, c)
		}
	}
	return list
}

// token orders what one process has under way.
func (c *call) token() int {
	if c.by == nil {
		return 0
	}
	return int(c.by.work.ID)<<20 + int(c.by.work.Token)
}

// release lets a call go on, or lets it take its time first.
func (w *world) release(c *call) {
	if !c.drawn {
		c.drawn, c.sent = true, time.Now()
		if c.side == acts && c.ctx.Err() == nil {
			if c.refused = gate.Held(c.ctx); c.refused == nil { // as every client asks right before it sends
				w.mayAct(c)
			}
		}
		if c.refused == nil {
			c.fault = w.fault(c)
		}
		if c.fault != "" {
			w.seen.faults++
		}
		switch c.fault {
		case "slow", "slow and lost":
			c.notBefore = time.Now().Add(w.between(time.Second, 20*time.Second))
		case "hangs", "cut":
			c.notBefore = time.Now().Add(time.Minute)
			if at, ok := c.ctx.Deadline(); ok && at.Before(c.notBefore) {
				c.notBefore = at.Add(time.Millisecond)
			}
		case "freezes":
			c.p.frozen = time.Now().Add(w.between(5*time.Second, 3*time.Minute))
			c.drawn = false // and goes on as if nothing had been
		case "stalls": // between the look at the lease and the wire
			c.p.frozen = time.Now().Add(w.between(5*time.Second, 3*time.Minute))
		}
		if c.due().After(time.Now()) {
			w.note("%v %s", c, c.fault)
			return
		}
	}
	w.mu.Lock()
	w.parked = slices.DeleteFunc(w.parked, func(x *call) bool { return x == c })
	w.mu.Unlock()
	close(c.leave)
}

// faults, by what they may befall. Some name what happens before the effect, some what happens after it.
var faults = [...][]string{
	reads:  {"error", "error", "error", "kill", "freezes", "slow"},
	writes: {"error", "error", "lost", "lost", "kill", "killed", "killed", "freezes", "slow"},
	looks:  {"error", "error", "error", "token", "limit", "hangs", "slow", "slow", "kill", "freezes"},
	acts:   {"error", "lost", "lost", "lost", "token", "limit", "hangs", "cut", "slow", "slow and lost", "late", "kill", "killed", "killed", "freezes", "stalls", "half"},
}

func (w *world) fault(c *call) string {
	if w.calm || w.rng.IntN(1000) >= w.harsh {
		return ""
	}
	kind := pick(w, faults[c.side]...)
	if kind == "late" && c.name != "Post" && c.name != "Deploy" {
		return "lost"
	}
	if kind == "stalls" && c.name != "Post" && c.name != "Conclude" {
		return "freezes" // what is created cannot be taken back: see the package's comment
	}
	return kind
}

// perform does what a call is about, as the fault has it.
func (w *world) perform(c *call, do func() error) (err error) {
	switch {
	case c.fault == "kill":
		w.note("%v: dies before", c)
		w.kill(c.p)
		return errDead
	case c.fault == "hangs" || c.fault == "error" || c.fault == "token" || c.fault == "limit":
		err = c.breaks(w)
	case c.side == writes && w.full.After(time.Now()):
		err = errFull
	case c.side >= looks && !c.ofTheApp() && w.barred.After(time.Now()):
		err = errors.New("403: This installation has been suspended")
	case c.side >= looks && !c.ofTheApp() && w.gone.After(time.Now()):
		err = fmt.Errorf("404: not found: %w", gate.ErrGone)
	case c.fault == "late": // it was given up, and arrives all the same
		w.later(w.between(time.Second, 8*time.Second), func() {
			w.note("%v: arrives late", c)
			_ = do()
		})
		err = errGateway
	default:
		w.count(c)
		err = do()
	}
	w.note("%v%s: %s", c, c.told(), short(err))
	switch c.fault {
	case "killed":
		w.note("%v: dies after", c)
		w.kill(c.p)
		return errDead
	case "lost", "slow and lost", "cut":
		if err == nil && c.side == writes {
			err = store.ErrBusy
		} else if err == nil {
			err = errGateway
		}
	}
	return err
}

func (w *world) count(c *call) {
	switch c.side {
	case looks:
		w.seen.reads++
		if c.by != nil {
			c.by.looks++
		}
	case acts:
		w.seen.writes++
	}
}

func (c *call) told() string {
	if c.fault == "" {
		return ""
	}
	return " (" + c.fault + ")"
}

func short(err error) string {
	if err == nil {
		return "ok"
	}
	s := err.Error()
	return s[:min(len(s), 120)]
}

// breaks is an error with nothing done.
func (c *call) breaks(w *world) error {
	switch {
	case c.side == writes || c.side == reads:
		return pick(w, errFull, store.ErrBusy, errors.New("database is locked"), errors.New("connection reset by peer"))
	case c.fault == "hangs":
		return context.DeadlineExceeded
	case c.fault == "token":
		return errors.New("401: bad credentials")
	case c.fault == "limit":
		return &gate.RetryError{After: w.between(time.Second, 2*time.Minute), Err: errors.New("403: secondary rate limit")}
	}
	return pick(w, errGateway, errors.New("500: server error"), errors.New("connection reset by peer"), errors.New("unexpected end of JSON input"))
}

// mayAct holds a write to the lease: whoever sends one must have reason to believe that the work is still its own.
func (w *world) mayAct(c *call) {
	if c.by == nil {
		w.wrong("%v: and holds no work", c)
		return
	}
	if until, ok := w.leases[held{c.by.work.ID, c.by.work.Token}]; !ok || time.Now().After(until) {
		w.wrong("%v: sent %v after its lease was over", c, time.Since(until))
	}
}
