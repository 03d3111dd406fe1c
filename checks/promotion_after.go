package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/calendar"
	"github.com/sluicegate/sluice/checks/policy"
)

// goesBack holds a rollback to its promise, whatever is switched off: the commit was live and well there.
func goesBack(g *guard) Result {
	if !g.m.How.Back() {
		return Result{}
	}
	if g.m.Rolls.IsZero() || g.m.Rolls.After(g.f.At) {
		return g.one(Fail, "rollback", fmt.Sprintf("%s was never live and well in %s, so there is no going back to it.", short(g.m.Commit), g.name()),
			"Roll back to a commit that was verified there, or promote this one: `/sluice deploy "+g.name()+" "+short(g.m.Commit)+"`.")
	}
	return g.passes("rollback", fmt.Sprintf("It was live and well in %s on %s.", g.name(), calendar.When(g.m.Rolls, g.f.At, "UTC")))
}

// name is the environment's, fit for a sentence.
func (g *guard) name() string { return plain(g.e.Name, 40) }

// stage is how far the commit has come in the environment before, when it is there or was well there; else what it waits for.
func (g *guard) stage() (*Stage, Result) {
	before, s := plain(g.e.After, 40), g.m.Before
	how := fmt.Sprintf("Promote it there first: `/sluice deploy %s %s`.", before, short(g.m.Commit))
	switch {
	case s == nil || s.State == "":
		return nil, g.one(Wait, "after", fmt.Sprintf("%s has to be live and well in %s first: it has not been there.", short(g.m.Commit), before), how).
			by(g.deployersOf(g.e.After))
	case !strings.EqualFold(s.Environment, g.e.After):
		return nil, g.one(Unknown, "after", fmt.Sprintf("How far %s has come in %s is not known.", short(g.m.Commit), before), "It is looked at again.")
	case s.State == "live" && (s.Live.IsZero() || s.Live.After(g.f.At)):
		return nil, g.one(Unknown, "after", fmt.Sprintf("Since when %s is live in %s is not known.", short(g.m.Commit), before), "It is looked at again.")
	case s.State != "live" && s.State != "verified":
		if s.Why != "" {
			how = plain(s.Why, 300) + "\n" + how
		}
		who := g.deployersOf(g.e.After)
		if s.State == "requested" || s.State == "gated" || s.State == "deploying" {
			how, who = "It is on its way there: this goes on by itself.", "the promotion into "+before
		}
		return nil, g.one(Wait, "after", fmt.Sprintf("%s has to be live and well in %s first: there it is %s.", short(g.m.Commit), before, plain(s.State, 20)), how).by(who)
	}
	return s, Result{}
}

// judgeAfter wants the commit to be live in the environment before.
func judgeAfter(g *guard) Result {
	if g.e.After == "" {
		return g.passes("after", "No environment comes before this one.")
	}
	s, r := g.stage()
	if s == nil {
		return r
	}
	return g.passes("after", fmt.Sprintf("It is %s in %s.", s.State, plain(g.e.After, 40)))
}

// proving are the guards of the environment before, where the commit is live and has still to be proven well. Else there are
// none, and r is all that is to be said.
func (g *guard) proving() (s *Stage, guards []*guard, before string, r Result) {
	if g.e.After == "" {
		return nil, nil, "", g.passes("after", "No environment comes before this one.")
	}
	if s, r = g.stage(); s == nil {
		return nil, nil, "", r
	}
	if before = plain(g.e.After, 40); s.State == "verified" {
		return s, nil, before, g.passes("after", "It was verified in "+before+".")
	}
	if guards = guardsOf(g.set, g.e.After, g.f); len(guards) == 0 {
		r = g.one(Unknown, "after", "No policy in force guards "+before+", so nothing tells whether it is well there.", "")
	}
	return s, guards, before, r
}

// judgeVerify wants what the environment before names under `verify` to have turned green there.
func judgeVerify(g *guard) Result {
	s, guards, before, r := g.proving()
	if len(guards) == 0 {
		return r
	}
	if x, unread := g.statusesUnread("after"); unread && slices.ContainsFunc(guards, func(b *guard) bool { return len(b.e.Verify) > 0 }) {
		return x
	}
	p := prove(guards, g.f.Statuses, s.Live, g.f.At, false)
	for _, x := range p.open {
		r.Findings = append(r.Findings, Finding{Outcome: Wait, Rule: x.guard.rule("verify"), Who: "CI: " + x.name, What: Clip(x.what+" in "+before+".", 140), How: x.how})
	}
	r.Pass, r.Rule = "What "+before+" asks for is green there.", guards[0].rule("verify")
	if !p.asked {
		r.Pass = "Nothing has to turn green in " + before + "."
	}
	return r
}

func wantSoak(g *guard, w *Wants) {
	if g.e.After != "" && g.m.Before != nil && g.m.Before.State == "live" {
		wantHotfix(g.set, g.e.After, g.f, w)
	}
}

// judgeSoak wants the commit to have been live in the environment before for as long as that asks.
func judgeSoak(g *guard) Result {
	s, guards, before, r := g.proving()
	if len(guards) == 0 {
		return r
	}
	hotfix, _ := IsHotfix(g.set, g.e.After, g.f) // where that is not known, the lane shortens nothing
	p := prove(guards, nil, s.Live, g.f.At, hotfix)
	if p.ends.After(g.f.At) {
		return Result{Findings: []Finding{{Outcome: Wait, Rule: p.longest.rule("soak"), Until: p.ends.UTC(),
			What: Clip(fmt.Sprintf("Soaks in %s until %s.", before, calendar.When(p.ends, g.f.At, "UTC")), 140),
			How:  fmt.Sprintf("It has to be live there for %s; this ends by itself.", p.soak)}}}
	}
	if p.soak == 0 {
		return g.passes("after", "Nothing has to soak in "+before+".")
	}
	return Result{Pass: Clip(fmt.Sprintf("It has been live in %s since %s.", before, calendar.When(s.Live, g.f.At, "UTC")), 140), Rule: p.longest.rule("soak")}
}

// unproven is a status that `verify` names and that is not green.
type unproven struct {
	guard     *guard
	name      string
	what, how string
	red       string // how it failed
}

// proven is how far a commit that is live has come in proving itself.
type proven struct {
	open    []unproven
	asked   bool // something has to turn green
	soak    policy.Duration
	longest *guard    // whose soak that is
	ends    time.Time // the soak
}

// prove looks at all the guards of the environment: every status that one names has to be green after the commit went live,
// and the longest soak counts. Of several statuses with one name all those since then have to be green. A lane for hotfixes
// shortens the soak of its own policy alone.
func prove(guards []*guard, statuses []Status, live, now time.Time, hotfix bool) proven {
	p := proven{longest: guards[0]}
	var names []string
	for _, g := range guards {
		for _, name := range g.e.Verify {
			if slices.Contains(names, name) {
				continue
			}
			names, p.asked = append(names, name), true
			if x, open := proof(name, statuses, live); open {
				x.guard = g
				p.open = append(p.open, x)
			}
		}
		soak := g.e.Soak
		if hotfix && g.hasLane() && g.p.Given(g.path("hotfix.soak")) {
			soak = min(soak, g.e.Hotfix.Soak)
		}
		if soak > p.soak {
			p.soak, p.longest = soak, g
		}
	}
	p.ends = live.Add(time.Duration(p.soak))
	return p
}

// proof says what is open about one status.
func proof(name string, statuses []Status, live time.Time) (x unproven, open bool) {
	word, since, early := plain(name, 50), 0, ""
	x.name = word
	for i := range statuses {
		s := &statuses[i]
		if s.Ours || !strings.EqualFold(s.Name, name) {
			continue
		}
		if before, why := s.before(live); before {
			early = max(early, why)
			continue
		}
		switch state := strings.ToLower(s.State); {
		case state == "failure" || state == "error" || state == "cancelled" || state == "timed_out":
			x.red, x.what = plain(word+": "+state, 90), fmt.Sprintf("%s is red (%s) since it went live", word, plain(state, 20))
			x.how = "Run it again if the failure was not the commit's; else promote another commit."
			return x, true
		case state == "success" && s.Name == name:
			since++
		default:
			x.what, open = fmt.Sprintf("%s is %s and not green yet", word, plain(state, 20)), true
		}
	}
	x.how = "What deploys or tests there has to post it on the commit, after the deployment succeeded."
	if since == 0 && !open {
		x.what, open = word+" has not turned green yet since it went live", true
		if early != "" {
			x.how = "What is shown of it " + early + ", so it does not count: run it again."
		}
	}
	return x, open
}

// before says whether a status tells nothing of a commit that went live then, and why, where that is not plain: a test that had
// begun by then saw what was live before, and of two things in one second, of which forges tell no more, none is known to be
// the later.
func (s *Status) before(live time.Time) (before bool, why string) {
	switch {
	case s.At.Equal(live):
		return true, "came in the very second in which it went live"
	case s.At.After(live) && !s.Began.IsZero() && s.Began.Before(live):
		return true, "had begun before it went live"
	}
	return !s.At.After(live), ""
}

// Proving is how far a commit that is live in an environment is on its way to be well there.
type Proving struct {
	Well   bool
	Red    string    // a status that `verify` names failed there: which, and how
	Waits  string    // for what, in one sentence; "" when Well
	How    string    // who or what brings that about
	Until  time.Time // when that may change by itself
	Unread bool      // it cannot be told
	Soaks  bool      // the soak is not over yet
	Open   bool      // a status that `verify` names is not green
}

// Prove says whether a commit that is live since then is well in the environment: its verify statuses turned green after
// that, and it soaked. hotfix has the lane's soak apply.
func Prove(set *policy.Set, environment string, statuses []Status, live, now time.Time, hotfix bool) Proving {
	guards := guardsOf(set, environment, nil)
	switch {
	case len(guards) == 0:
		return Proving{Waits: "No policy in force guards the environment.", Unread: true}
	case live.IsZero():
		return Proving{Waits: "Since when it is live is not known.", Unread: true}
	}
	p := prove(guards, statuses, live, now, hotfix)
	v := Proving{Soaks: p.ends.After(now), Open: len(p.open) > 0}
	if v.Soaks {
		v.Until, v.Waits = p.ends.UTC(), "Soaks until "+calendar.When(p.ends, now, "UTC")+"."
		v.How = fmt.Sprintf("It has to be live there for %s; this ends by itself.", p.soak)
	}
	if len(p.open) > 0 {
		v.Waits, v.How = Clip(p.open[0].what+".", 140), p.open[0].how
	}
	for _, x := range p.open {
		if x.red != "" {
			v.Red, v.Waits, v.How = x.red, Clip(x.what+".", 140), x.how
			break
		}
	}
	v.Well = v.Waits == ""
	return v
}
