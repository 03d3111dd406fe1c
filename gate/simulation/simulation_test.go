// Package simulation runs the whole engine under a seed: the real workers, the real reconciler and the real store on SQLite,
// beside a forge that is made up, in time that is made up, with a scheduler that lets one of them go on at a time. People,
// pipelines, deliveries, faults, clocks and deaths all come from the seed, so that a run that fails can be run again, the same
// to the byte. An oracle that shares no line with the rules holds the engine to the promises that it makes.
//
// Its moves are those of people, pipelines and the forge, and what breaks: calls that fail, hang, are lost before or after their
// effect, arrive late, or take only half of it; replicas of the forge that lag after a webhook; deliveries that are late, doubled,
// shuffled, or do not arrive, with the forge's log to find them in; a repository that is shown no more for a while, a suspended
// installation, a full disk; a process that dies, drains, or stands still for longer than its lease, also between the look at the
// lease and the wire; a machine's clock that is set an hour forth or back (on SQLite; replicas go by their database's clock).
//
// Seen to turn red when a guard is taken out, each within ten worlds: a command that is not heard out; a deployment that is not
// looked for before one is made; a reservation that is not written down; a lease that is believed in for ever; a token that does
// not fence; a delivery's key that is not unique; an answer that is not looked for after a lost one; a lock that does not hold;
// missed deliveries that are not fetched.
//
// Not seen in as many: an override that outlives a push, a revocation that is not kept, a decision that is not taken again right
// before the deployment, the second look at work that was taken over, a head that was told of and is not waited for: overrides
// are rare here, a lock or a policy has to come in that very second, and a sweep mends the rest before anybody looks. Those are
// the business of gate's own tests and of the scenarios. A merge that a later promotion carries need not ask for one of its own. What is created (a
// deployment, an answer) by a process that stands still for longer than its lease between the look at it and the wire comes
// doubled, at a forge that takes no key with it: so that is not played.
//
// It refuses to reach for anything outside: no network, no real clock, no sleep. It knows nothing of a forge's protocol
// (providers/pretend plays that), of PostgreSQL (storetest and cmd/sluice play that) and of workflow runs and merge queues
// (gate's own tests play those).
package simulation

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	theSeed  = flag.Uint64("seed", 1, "of the first world; each further one has the next")
	theSteps = flag.Int64("steps", 0, "how many to run at least, in as many worlds as that takes; 0: a million, or few with -short; that takes one to two minutes of a processor")
	lanes    = flag.Int("lanes", min(2, runtime.GOMAXPROCS(0)), "how many worlds run at once")
	traceTo  = flag.String("trace", "", "directory that gets the whole trace of each world")
)

// length is how many steps a world has before its faults end: long enough for many deaths, short enough to be read.
const length = 6000

// Whatever comes, in whatever order, with whatever breaking in between: nothing is let through that the oracle calls shut,
// nothing is done twice, nothing is lost, and when all is calm nothing is said that was said before.
func TestSimulation(t *testing.T) {
	t.Parallel()
	steps := *theSteps
	if steps == 0 {
		steps = 1_000_000
		if testing.Short() {
			steps = 20_000
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // there is memory, and a fifth of the time went into tidying it
	var worlds, begun, done atomic.Int64
	var told tally
	began := time.Now()
	t.Run("lanes", func(t *testing.T) {
		for lane := range *lanes {
			t.Run(fmt.Sprintf("lane %d", lane), func(t *testing.T) {
				t.Parallel()
				for !t.Failed() {
					left := steps - begun.Add(length) + length
					if left <= 0 {
						return
					}
					budget := min(left, length)
					w := run(t, *theSeed+uint64(worlds.Add(1)-1), int(budget), nil) //nolint:gosec // there are not that many
					begun.Add(int64(w.steps) - length)                              // those of the calm after its faults count as well
					done.Add(int64(w.steps))
					told.add(w)
				}
			})
		}
	})
	took := time.Since(began)
	t.Logf("%d steps in %v, %.0f a second: %s", done.Load(), took.Round(time.Second), float64(done.Load())/took.Seconds(), told.String())
	told.shows(t, done.Load())
}

// A seed is a run: everything that it does, it does again, to the byte.
func TestASeedPlaysAgainTheSame(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{*theSeed + 1_000_000, *theSeed + 1_000_001} {
		var first, second strings.Builder
		run(t, seed, 2500, &first)
		run(t, seed, 2500, &second)
		if first.String() != second.String() {
			a, b := strings.Split(first.String(), "\n"), strings.Split(second.String(), "\n")
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					t.Fatalf("seed %d: line %d was\n%s\nand is\n%s\nafter\n%s", seed, i+1, a[i], b[i], strings.Join(a[max(0, i-12):i], "\n"))
				}
			}
			t.Fatalf("seed %d: %d lines, and then %d", seed, len(a), len(b))
		}
		if n := strings.Count(first.String(), "\n"); n < 2500 {
			t.Errorf("seed %d: a trace of %d lines shows nothing", seed, n)
		}
	}
}

// run plays one world to its end. trace, when not nil, is given every line of it.
func run(t *testing.T, seed uint64, steps int, trace *strings.Builder) (w *world) {
	dir := memory(t)
	defer os.RemoveAll(dir)
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(seed, steps, dir)
		if w.all = trace; *traceTo != "" && trace == nil {
			w.all = &strings.Builder{}
		}
		defer w.end()
		w.play()
	})
	if *traceTo != "" && trace == nil {
		if err := os.WriteFile(filepath.Join(*traceTo, fmt.Sprintf("seed-%d", seed)), []byte(w.all.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.broken) > 0 {
		t.Errorf("%s\n\nthe last steps:\n%s\n\nto see it again:\n  go test ./gate/simulation -run 'TestSimulation$' -lanes 1 -seed %d -steps %d",
			strings.Join(w.broken, "\n"), strings.Join(w.lately(), "\n"), seed, steps)
	}
	return w
}

// memory is a directory for a database that nothing has to survive: in memory where the machine has such a place.
func memory(t *testing.T) string {
	for _, base := range []string{"/dev/shm", ""} {
		if dir, err := os.MkdirTemp(base, "sluice-simulation-"); err == nil {
			return dir
		}
	}
	t.Fatal("there is no place for a database")
	return ""
}

// tally is what happened over all worlds: a run in which nothing happens shows nothing.
type tally struct {
	worlds, deliveries, posts, opened, deployed, answered, overridden, kills, faults, merges atomic.Int64
}

func (n *tally) add(w *world) {
	for at, add := range map[*atomic.Int64]int{&n.worlds: 1, &n.deliveries: w.seen.accepted, &n.posts: w.seen.posts, &n.opened: w.seen.opened,
		&n.deployed: w.seen.deployed, &n.answered: w.seen.answered, &n.overridden: w.seen.overridden, &n.kills: w.seen.kills, &n.faults: w.seen.faults, &n.merges: w.seen.merges} {
		at.Add(int64(add))
	}
}

func (n *tally) String() string {
	return fmt.Sprintf("%d worlds, %d deliveries accepted, %d posts, %d of them an open gate, %d merges, %d deployments, %d comments answered, %d overrides, %d faults, %d deaths",
		n.worlds.Load(), n.deliveries.Load(), n.posts.Load(), n.opened.Load(), n.merges.Load(), n.deployed.Load(), n.answered.Load(), n.overridden.Load(), n.faults.Load(), n.kills.Load())
}

// shows holds the run to have had something to get wrong.
func (n *tally) shows(t *testing.T, steps int64) {
	if t.Failed() || steps < 100_000 {
		return
	}
	for name, got := range map[string]int64{"open gates": n.opened.Load(), "deployments": n.deployed.Load(), "answers": n.answered.Load(), "overrides": 10 * n.overridden.Load(), "deaths": n.kills.Load()} {
		if got < steps/5000 {
			t.Errorf("only %d %s (of overrides ten times as many) in %d steps: nothing is shown by that", got, name, steps)
		}
	}
}
