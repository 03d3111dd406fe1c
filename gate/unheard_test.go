package gate

import (
	"errors"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// What was said of a change and is not taken in yet may be a revocation or a hold: nothing is let through before it is known. What
// is shut is shown all the same.
func TestNothingOpensBeforeWhatWasSaidIsTakenIn(t *testing.T) {
	t.Parallel()
	over := []Override{{Check: "changelog", Commit: "h1", Base: "main", By: checks.Person{ID: 9}, Comment: 1}}
	for name, c := range map[string]struct {
		acts  Acts
		open  bool
		waits bool
	}{
		"open, and all is heard":              {Acts{}, true, false},
		"open, and something is not":          {Acts{Unheard: true}, true, true},
		"shut":                                {Acts{Unheard: true}, false, false},
		"shut, but a check is let through":    {Acts{Unheard: true, Overrides: over}, false, true},
		"let through before, all of it heard": {Acts{Overrides: over}, false, false},
	} {
		d := &Decision{Gate: checks.Verdict{Check: Gate, Outcome: checks.Fail}}
		if c.open {
			d.Gate.Outcome = checks.Pass
		}
		err := c.acts.heardOut(d, 3)
		var later *RetryError
		if errors.As(err, &later) != c.waits || c.waits && later.After != 4*time.Second {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := &forge{facts: change()}
	m := &memory{acts: Acts{Overrides: []Override{{Check: "changelog", Commit: f.facts.Change.Head.Commit, Base: f.facts.Change.Base.Name, By: checks.Person{ID: 9}, Comment: 1}}, Unheard: true}}
	out, err := reconciler(f, m).Work(t.Context(), work())
	if err == nil || len(f.posted) > 0 || out.Decision != nil {
		t.Errorf("with something unheard: %+v posted, %v", f.posted, err)
	}
	m.acts.Unheard = false
	if _, err := reconciler(f, m).Work(t.Context(), work()); err != nil || len(f.posted) == 0 {
		t.Errorf("when it is heard: %+v posted, %v", f.posted, err)
	}
	q, shelf, r := inQueue(t)
	shelf.said = map[string]Acts{checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindChange, Change: 7}.Key(): {Unheard: true, Overrides: over}}
	if _, err := r.Work(t.Context(), groupWork(1)); err == nil || len(q.posted) > 0 {
		t.Errorf("in a merge queue: %+v posted, %v", q.posted, err)
	}
	v := &visit{r: reconciler(f, &memory{acts: Acts{Unheard: true}})}
	if a, err := v.acts(t.Context(), &Promotion{Change: 7}); err != nil || !a.Unheard {
		t.Errorf("for a promotion: %+v, %v", a, err)
	}
}
