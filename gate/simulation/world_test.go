package simulation

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// A world is everything: the forge and the people at it, the network, the processes of Sluice and their store. While the
// scheduler decides, all goroutines wait; then it lets one of them do one thing. So only mu's own are ever shared.
type world struct {
	forge
	book
	seed   uint64
	rng    *rand.Rand
	budget int
	steps  int
	calm   bool // nothing breaks, gets lost or lags any more
	harsh  int  // how many calls in a thousand break
	one    bool // one process, whose database is opened anew when it dies; else several share it
	dir    string
	store  *store.Store
	procs  []*process
	agenda []*item     // what happens by itself, by time
	mail   []*delivery // on its way
	log    []*delivery // all that the forge has sent or tried to send, oldest first
	began  time.Time
	caught time.Time // when the forge's log was gone through for the first time
	serial int
	gone   time.Time // until then the forge shows nothing of the repository
	barred time.Time // until then the installation is suspended
	full   time.Time // until then nothing can be written
	broken []string
	recent []string
	all    *strings.Builder
	seen   counts

	mu     sync.Mutex
	parked []*call
	baton  atomic.Int64
}

// passesOn is said by the scheduler before it lets time pass, and by whom time wakes before it looks around: what the one wrote
// the other reads. That they never run at once the race detector cannot know of a timer.
func (w *world) passesOn() { w.baton.Add(1) }

type counts struct {
	accepted, posts, opened, deployed, answered, overridden, kills, faults, merges int
	reads, writes                                                                  int // at the forge
}

// item is what happens at a time.
type item struct {
	at time.Time
	n  int
	do func()
}

// delivery is one on its way, with what it will tell.
type delivery struct {
	gate.Delivery
	due   time.Time
	tried time.Time          // when it was sent for the first time, whether or not it arrived
	marks func() []gate.Mark // as the receiver would make them at that moment
}

func newWorld(seed uint64, budget int, dir string) *world {
	w := &world{seed: seed, budget: budget, dir: dir, rng: rand.New(rand.NewPCG(seed, 0x5eed))} //nolint:gosec // to be repeated
	w.one = w.chance(50)
	w.harsh = pick(w, 2, 10, 30, 60)
	w.forge.w, w.book.w = w, w
	return w
}

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.rng.Int64N(int64(most-least)))
}

func pick[T any](w *world, of ...T) T { return of[w.rng.IntN(len(of))] }

func (w *world) wrong(format string, args ...any) {
	w.broken = append(w.broken, fmt.Sprintf("seed %d, step %d: ", w.seed, w.steps)+fmt.Sprintf(format, args...))
	w.note("WRONG: "+format, args...)
}

// note is a line of the trace.
func (w *world) note(format string, args ...any) {
	line := fmt.Sprintf("%6d %s ", w.steps, time.Now().UTC().Format("02 15:04:05.000")) + fmt.Sprintf(format, args...)
	if w.recent = append(w.recent, line); len(w.recent) > 400 {
		w.recent = append(w.recent[:0], w.recent[300:]...)
	}
	if w.all != nil {
		w.all.WriteString(line + "\n")
	}
}

func (w *world) lately() []string { return w.recent[max(0, len(w.recent)-60):] }

// print is a short name for what a value says.
func print(v string) string {
	h := fnv.New64a()
	h.Write([]byte(v))
	return fmt.Sprintf("%08x", h.Sum64()>>32)
}

// later has something happen at the forge or around it.
func (w *world) later(in time.Duration, do func()) {
	w.serial++
	w.agenda = append(w.agenda, &item{time.Now().Add(in), w.serial, do})
}

// play is a life: first anything goes, then all is calm, and then all must be right.
func (w *world) play() {
	w.found()
	for w.steps < w.budget && len(w.broken) == 0 {
		w.step()
	}
	if len(w.broken) == 0 {
		w.rest()
	}
}

// found begins the story: a repository with a policy, and processes that are started on an empty database.
func (w *world) found() {
	var err error
	w.began = time.Now()
	w.forge.begin()
	w.book.begins()
	if w.store, err = w.open(time.Now); !w.one && err != nil {
		w.wrong("open the store: %v", err)
		return
	}
	n := 1
	if !w.one {
		n = 2 + w.rng.IntN(2)
	} else if err == nil {
		err = w.store.Close()
	}
	if err != nil {
		w.wrong("close the store: %v", err)
	}
	for i := range n {
		w.procs = append(w.procs, nil)
		w.start(i)
	}
}

func (w *world) open(now func() time.Time) (*store.Store, error) {
	return store.Open(context.Background(), store.Options{URL: "sqlite:" + w.dir + "/db", Now: now, Holder: "simulation", Dice: w.rng.Float64,
		Steady: func() time.Duration { return time.Since(w.began) }})
}

// end ends all that runs.
func (w *world) end() {
	for _, p := range w.procs {
		if p != nil && !p.dead {
			w.kill(p)
		}
	}
	synctest.Wait()
	for _, p := range w.procs {
		if p != nil && p.store != nil {
			p.store.Close() // once more does no harm
		}
	}
}

// step lets one thing happen.
func (w *world) step() {
	w.settle()
	w.steps++
	ready := w.ready()
	post := slices.DeleteFunc(slices.Clone(w.mail), func(d *delivery) bool { return d.due.After(time.Now()) })
	at := w.rng.IntN(1000)
	if w.calm && len(ready) > 0 { // what can go on does, nearly always: nobody is slow any more
		at = at * 2 / 3
	}
	switch {
	case w.due(): // what has to happen at this time
	case len(ready) > 0 && at < 640:
		w.release(pick(w, ready...))
	case len(post) > 0 && at < 760:
		w.deliver(pick(w, post...))
	case !w.calm && at >= 900 && at < 980:
		w.people()
	case !w.calm && at >= 980 && at < 983:
		w.weather()
	default:
		w.passes(len(ready))
	}
}

// settle waits until nothing goes on by itself, and tells the processes what is new.
func (w *world) settle() {
	synctest.Wait()
	for _, p := range w.procs {
		if p.dead {
			continue
		}
		select {
		case <-p.store.Wake():
			for _, q := range w.procs {
				q.stale = true
			}
		default:
		}
	}
	for _, p := range w.procs {
		if p.stale && !p.dead && !p.asking() {
			p.stale = false
			select {
			case p.wake <- struct{}{}:
			default:
			}
			synctest.Wait()
		}
	}
}

// due has the first thing of the agenda happen whose time has come.
func (w *world) due() bool {
	var first *item
	for _, i := range w.agenda {
		if !i.at.After(time.Now()) && (first == nil || i.at.Before(first.at) || i.at.Equal(first.at) && i.n < first.n) {
			first = i
		}
	}
	if first == nil {
		return false
	}
	w.agenda = slices.DeleteFunc(w.agenda, func(i *item) bool { return i == first })
	first.do()
	return true
}

// passes lets time pass: little while calls are under way, much when nobody does anything.
func (w *world) passes(ready int) {
	d := w.between(time.Millisecond, 400*time.Millisecond)
	switch n := w.rng.IntN(100); {
	case w.calm && ready > 0:
	case ready == 0 && len(w.parked) == 0 && n < 40:
		d = w.between(time.Second, 40*time.Second)
	case ready == 0 && len(w.parked) == 0 && n < 50:
		d = w.between(time.Minute, 15*time.Minute)
	case n < 75:
	case n < 99:
		d = w.between(400*time.Millisecond, 4*time.Second)
	default:
		d = w.between(4*time.Second, 30*time.Second)
	}
	if next, ok := w.next(); ok && ready == 0 && next > 0 && next < d {
		d = next // not past what has to happen
	}
	for end := time.Now().Add(d); time.Now().Before(end); { // nobody is kept waiting who wakes meanwhile
		w.passesOn()
		time.Sleep(min(time.Until(end), 2*time.Second))
		synctest.Wait()
		if ready == 0 && len(w.ready()) > 0 {
			return
		}
	}
}

// next is how long it is until something of the agenda, the network or a call that takes its time.
func (w *world) next() (in time.Duration, ok bool) {
	see := func(at time.Time) {
		if d := time.Until(at); !ok || d < in {
			in, ok = d, true
		}
	}
	for _, i := range w.agenda {
		see(i.at)
	}
	for _, d := range w.mail {
		see(d.due)
	}
	for _, c := range w.parked {
		see(c.due())
	}
	return in, ok
}
