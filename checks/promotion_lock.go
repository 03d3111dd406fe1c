package checks

import (
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks/calendar"
)

// judgeLock wants no lock to hold, on the environment or on the whole repository, and nothing else to be under way.
func judgeLock(g *guard) Result {
	r := g.passes("modes.lock", "Nothing is locked, and nothing else is under way here.")
	for i := range g.m.Locks {
		if l := &g.m.Locks[i]; g.binds(l) {
			r.Findings = append(r.Findings, g.locked(l))
		}
	}
	if u := g.m.UnderWay; u != nil {
		by := ""
		if u.By.Login != "" {
			by = ", asked for by " + login(u.By)
		}
		r.Findings = append(r.Findings, Finding{Outcome: Wait, Rule: r.Rule, Who: "what deploys " + short(u.Commit) + by,
			What: Clip(fmt.Sprintf("%s is on its way here since %s%s: one at a time.", short(u.Commit), calendar.When(u.Since, g.f.At, "UTC"), by), 140),
			How:  "It goes on by itself when that one is over, or when somebody ends it: `/sluice cancel " + g.name() + "`."})
	}
	return r
}

// binds says whether a lock holds now, here, and for a promotion that was asked for in this way.
func (g *guard) binds(l *Lock) bool {
	over := !l.Until.IsZero() && !g.f.At.Before(l.Until)
	elsewhere := l.Environment != "" && !strings.EqualFold(l.Environment, g.e.Name)
	aside := l.Unasked && g.m.How != OnMerge && g.m.How != Automatic
	return !over && !elsewhere && !aside
}

func (g *guard) locked(l *Lock) Finding {
	what, unlock := g.name(), "/sluice unlock "+g.name()
	if l.Environment == "" {
		what, unlock = "The repository", "/sluice unlock *"
	}
	x := Finding{Outcome: Wait, Rule: g.rule("modes.lock"), URL: l.URL, Until: l.Until, Who: g.deployers()}
	until := ""
	if !l.Until.IsZero() {
		x.Until, until = l.Until.UTC(), " until "+calendar.When(l.Until, g.f.At, "UTC")
	}
	if l.Unasked {
		what = "Promoting to " + g.name() + " by itself"
	}
	x.What = Clip(fmt.Sprintf("%s is locked by %s%s: %s", what, login(l.By), until, plain(l.Reason, 70)), 140)
	x.How = "One of the deployers lifts it: `" + unlock + "`."
	return x
}
