package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
)

var models = map[string]func(*testing.T, *fixture){
	"random work agrees with a model in memory": func(t *testing.T, f *fixture) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		compare(t, f, rand.New(rand.NewPCG(seed, 1)), 1500)
	},
	"many workers never hold the same subject, and every event is covered": crowd,
}

// entry is a subject in the model: what the store must believe of it, said plainly.
type entry struct {
	wanted, done int
	next         time.Time // zero: at rest
	held         bool
	attempt      int
	undone       []string // details of causes not covered
	seen         int      // while held
	work         gate.Work
}

// compare does the same random things to the store and to a model of it, and looks for a difference after each.
func compare(t *testing.T, f *fixture, r *rand.Rand, steps int) {
	model := map[int]*entry{}
	var log []string
	for i := range steps {
		n := r.IntN(6) + 1
		e := model[n]
		if e == nil {
			e = &entry{}
			model[n] = e
		}
		now := f.clock.Now()
		switch op := r.IntN(10); {
		case op < 4:
			detail := fmt.Sprint(i)
			f.add(delivery(detail, with(change(n), func(m *gate.Mark) { m.Detail = detail })))
			e.wanted++
			e.undone = append(e.undone, detail)
			if !e.held && (e.attempt == 0 || e.attempt >= 4) && (e.next.IsZero() || e.next.After(now)) {
				e.next = now
			}
			log = append(log, fmt.Sprintf("add %d", n))
		case op < 6:
			claimed := f.claim(r.IntN(3) + 1)
			log = append(log, fmt.Sprintf("claim %d", len(claimed)))
			checkClaim(t, model, claimed, now)
		case op < 8 && e.held:
			e.finish(f, r, now)
			log = append(log, fmt.Sprintf("finish %d", n))
		case op < 9 && e.held:
			must(t, f.Fail(ctx, e.work, "x", 10*time.Second))
			e.held = false
			e.next = time.Time{}
			for _, item := range f.inbox(storeAll) { // the pause is jittered: take the store's word within bounds
				if item.Key == e.work.Mark.Key() {
					e.next = item.Due
				}
			}
			if low := now.Add(10 * time.Second); e.next.Before(low) || e.attempt < 4 && e.next.After(low.Add(time.Second)) {
				t.Fatalf("tried again at %v after a failure at %v", e.next, now)
			}
			log = append(log, fmt.Sprintf("fail %d", n))
		default:
			f.clock.pass(time.Duration(r.IntN(20000)) * time.Millisecond)
		}
		if t.Failed() {
			t.Fatal(strings.Join(log[max(0, len(log)-30):], ", "))
		}
	}
}

// checkClaim holds what was claimed against the model: due, not more than was due, each with its undone causes.
func checkClaim(t *testing.T, model map[int]*entry, claimed []gate.Work, now time.Time) {
	due := 0
	for _, e := range model {
		if !e.next.IsZero() && !e.next.After(now) {
			due++
		}
	}
	if len(claimed) == 0 && due > 0 {
		t.Fatalf("Claim = nothing, and %d are due", due)
	}
	for _, w := range claimed {
		e := model[w.Mark.Change]
		if e.next.IsZero() || e.next.After(now) {
			t.Errorf("Claim gave %v, which is not due before %v", w.Mark.Key(), e.next)
		}
		var details []string
		for _, c := range w.Causes {
			details = append(details, c.Detail)
		}
		if !slices.Equal(details, e.undone) {
			t.Errorf("Causes of %v = %v, want %v", w.Mark.Key(), details, e.undone)
		}
		e.attempt++
		if int(w.Attempt) != e.attempt || int(w.Seen) != e.wanted {
			t.Errorf("%v: Attempt %d, Seen %d, want %d, %d", w.Mark.Key(), w.Attempt, w.Seen, e.attempt, e.wanted)
		}
		e.held, e.seen, e.work, e.next = true, len(e.undone), w, now.Add(lease)
	}
}

func (e *entry) finish(f *fixture, r *rand.Rand, now time.Time) {
	o := gate.Outcome{}
	if r.IntN(3) == 0 {
		o.Next = now.Add(time.Duration(r.IntN(60)) * time.Second)
	}
	f.finish(e.work, o)
	e.undone = e.undone[e.seen:]
	e.done, e.held, e.attempt = int(e.work.Seen), false, 0
	if e.next = o.Next; e.wanted > e.done {
		e.next = now
	}
}

// crowd has several workers and producers at it at once; the race detector and the counts judge.
func crowd(t *testing.T, f *fixture) {
	const producers, each, subjects = 8, 60, 5
	var holding [subjects + 1]atomic.Int32
	var covered atomic.Int64
	var wait, work sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		work.Go(func() {
			for {
				works, err := f.Claim(ctx, 2, time.Hour)
				if err != nil {
					t.Error(err)
					return
				}
				for _, w := range works {
					if holding[w.Mark.Change].Add(1) != 1 {
						t.Errorf("%v is held twice", w.Mark.Key())
					}
					covered.Add(int64(len(w.Causes)))
					holding[w.Mark.Change].Add(-1)
					if err := f.Finish(ctx, w, gate.Outcome{}); err != nil {
						t.Error(err)
					}
				}
				select {
				case <-stop:
					if len(works) == 0 {
						return
					}
				default:
				}
			}
		})
	}
	for p := range producers {
		wait.Go(func() {
			for i := range each {
				if _, err := f.Add(ctx, delivery(fmt.Sprint(p, "/", i), change(i%subjects+1))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	close(stop)
	work.Wait()
	equal(t, "causes covered", covered.Load(), producers*each)
	st, err := f.Stats(ctx)
	must(t, err)
	equal(t, "left over", cmp.Or(st.Waiting, st.Running, st.Dead), 0)
}
