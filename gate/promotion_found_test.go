package gate_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// What the property found is held by a story of its own each.
func TestPromotionStories(t *testing.T) {
	t.Parallel()
	ask := func(w *world, where, c string) {
		w.act(gate.Outcome{Requests: []gate.Promotion{w.asks(where, c, checks.ByCommand, people["dora"])}}, where)
	}
	for name, tell := range map[string]struct {
		rules policing
		story func(*world)
		holds func(*world) string // why it does not; ""
	}{
		"asked for once, it is deployed by the first look": {story: func(w *world) {
			ask(w, "development", w.commits[0].id)
		}, holds: func(w *world) string { return all(w, gate.Verified) }},
		"one goes live and the next one goes on in its turn": {story: func(w *world) {
			ask(w, "development", w.commits[0].id)
			w.passes(5 * time.Second)
			ask(w, "development", w.land(w.commits[0].id, 0, "").id)
		}, holds: func(w *world) string { return all(w, gate.Verified) }},
		"the approval of a run is lost with the process, and is given again": {story: func(w *world) {
			w.faults = []*fault{{Call: "Answer", Kind: "kill"}}
			w.start(w.commits[0].id, "development", "push", people["dora"])
		}, holds: func(w *world) string { return all(w, gate.Verified) }},
		"a lock is put on while the forge is slow to answer": {story: func(w *world) {
			w.faults = []*fault{{Call: "Reserve", Kind: "slow"}}
			ask(w, "development", w.commits[0].id)
			w.passes(700 * time.Millisecond)
			w.act(gate.Outcome{Locks: []gate.LockState{{ID: "l", Forge: "github", Repo: ourRepo, Lock: checks.Lock{By: people["rob"], At: time.Now()}}}}, places...)
		}, holds: func(w *world) string { return all(w, gate.Gated) }},
		"a run that came before its deployment was known goes on with it": {story: func(w *world) {
			w.start(w.commits[0].id, "development", "deployment", people["dora"])
			m := environmentAt("development")
			m.Detail = fmt.Sprintf("run/%d", w.runs[0].id)
			time.AfterFunc(0, func() { w.deliver(m) }) // read by the same look that deploys what is asked for now
			ask(w, "development", w.commits[0].id)
			w.passes(3 * time.Second)
			w.tell(m)
		}, holds: func(w *world) string {
			for _, p := range w.page().promotions {
				if p.How == checks.Workflow {
					if p.State == gate.Cancelled && p.Run == 0 && w.runs[0].approved {
						return ""
					}
					return "what was asked for the run alone has " + string(p.State) + ": " + p.Why
				}
			}
			return "nothing was asked for the run"
		}},
		"what nobody can tell is not asked for once a minute": {rules: policing{separate: true}, story: func(w *world) {
			ask(w, "production", w.commits[0].id)
		}, holds: func(w *world) string {
			if w.judged > 100 {
				return "it was judged too often"
			}
			return ""
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(12 * time.Hour)
				w := founded(3, tell.rules)
				defer w.close()
				time.Sleep(10 * time.Second)
				func() {
					w.mu.Lock()
					defer w.mu.Unlock()
					w.steady = true
					tell.story(w)
				}()
				time.Sleep(2 * time.Minute)
				w.rest()
				w.final()
				w.mu.Lock()
				defer w.mu.Unlock()
				if why := tell.holds(w); why != "" || len(w.broken) > 0 {
					t.Errorf("%s\n%s", why, strings.Join(w.broken, "\n"))
				}
			})
		})
	}
}

// passes lets time pass for a story that holds the world.
func (w *world) passes(d time.Duration) {
	w.mu.Unlock()
	time.Sleep(d)
	w.mu.Lock()
}

// all says whether every promotion has come to a state.
func all(w *world, s gate.State) string {
	for _, p := range w.page().promotions {
		if p.State != s {
			return p.Environment + " has " + string(p.State) + ": " + p.Why
		}
	}
	if len(w.page().promotions) == 0 {
		return "nothing was asked for"
	}
	return ""
}
