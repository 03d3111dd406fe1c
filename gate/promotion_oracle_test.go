package gate_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// The oracle judges by itself whether something may go into an environment: by the forge's own history and by what was
// written in the book, with the plainest arithmetic there is. It shares no line with the rules that it is held against.

// policing is the policy in force, as the oracle knows it; text is the same for Sluice.
type policing struct {
	broken, verify, statuses, approval, deployers, separate, window, freeze, lineage, changes, release, automatic, fallsBack bool
	soak, interval                                                                                                           time.Duration
}

func (p policing) text() string {
	if p.broken {
		return "version: 1\nenvironments: [nobody knows\n"
	}
	var b strings.Builder
	yes := func(on bool, line string) {
		if on {
			b.WriteString("    " + line + "\n")
		}
	}
	b.WriteString("version: 1\nenvironments:\n  development:\n    deploy: on-merge\n")
	yes(p.verify, "verify: [smoke-development]")
	b.WriteString("  integration:\n    after: development\n    deploy: automatic\n")
	yes(p.verify, "verify: [smoke-integration]")
	yes(p.soak > 0, "soak: "+p.soak.String())
	yes(p.fallsBack && p.verify, "rollback: automatic")
	b.WriteString("  production:\n    after: integration\n")
	yes(p.automatic, "deploy: automatic")
	yes(p.statuses, "statuses: [build, e2e]")
	yes(p.approval, "approval: [{name: release manager, count: 1, from: {users: [rita, rob]}}]")
	yes(p.deployers, "deployers: {users: [dora, dan, rita]}")
	yes(p.separate, "separate: [author]")
	yes(p.window, `windows: [{days: [mon, tue, wed, thu, fri, sat, sun], from: "07:30", to: "19:00", timezone: Europe/Berlin}]`)
	yes(p.freeze, "freezes: [{from: 2000-01-03, to: 2000-01-03, reason: stocktaking}]")
	yes(p.interval > 0, "interval: "+p.interval.String())
	yes(p.lineage, "lineage: enforce")
	yes(p.changes, "changes: enforce")
	yes(p.release, "release: enforce")
	return b.String()
}

// slack is how far apart the parts of one reading may lie: stale statuses, latency, and clocks that differ.
const slack = 20 * time.Second

// reading is what was last served to a process about a commit on its way into an environment.
type reading struct {
	commit string
	begun  time.Time // by true time
	served time.Time // as of when the forge told
	at     time.Time // by the reader's clock
}

// shut says why a promotion may not go on: as the forge stood at served, as the book says, at the time now. Nothing: it may.
func (w *world) shut(p *gate.Promotion, g *page, served, now time.Time) (why []string) {
	rules := w.rulesAt(served)
	if rules.broken {
		return []string{"policy"}
	}
	say := func(line string, bad bool) {
		if bad && !w.letBy(g, p, line, now) {
			why = append(why, line)
		}
	}
	back := p.How == gateRollback || p.How == checks.RollsBack
	production := p.Environment == "production"
	say("lock", w.lockedFor(g, p, now))
	if production {
		say("statuses", rules.statuses && (w.colour(p.Commit, "build", served) != "success" || w.colour(p.Commit, "e2e", served) != "success"))
	} else {
		rules.approval, rules.deployers, rules.separate = false, false, false
	}
	say("approval", commanded(p) && !rules.deploys(p.By.Login) || !back && w.disagreed(g, p, rules))
	if back {
		say("after", !w.wellSometime(p.Environment, p.Commit))
		return why
	}
	c := w.change(w.commit(p.Commit).change)
	if before := map[string]string{"integration": "development", "production": "integration"}[p.Environment]; before != "" {
		// What is proven there is three lines of the verdict, each of which may be let by alone: the oracle knows one.
		if !w.wellSometime(before, p.Commit) && !w.letBy(g, p, "soak", now) && !w.letBy(g, p, "verify", now) && !w.letBy(g, p, "after", now) {
			why = append(why, "after")
		}
	}
	say("changes", p.How == checks.OnMerge && (c == nil || c.shut != "" || !c.examined))
	if !production {
		return why
	}
	say("window", rules.window && !w.daytime(now))
	say("freeze", rules.freeze && now.UTC().Year() == 2000 && now.UTC().YearDay() == 3)
	say("interval", rules.interval > 0 && w.lastDeployed(p, served).Add(rules.interval).After(now))
	if live := w.liveIn(p.Environment, served); live != "" {
		say("lineage", rules.lineage && len(w.lacking(p.Commit, live)) > 0)
		say("changes", rules.changes && w.smuggled(p.Commit, live))
	}
	if rules.release {
		say("tagging", !w.tagged(p.Commit, served))
		say("changelog", !w.tagged(p.Commit, served) || !w.commit(p.Commit).section)
	}
	return why
}

const gateRollback = checks.Rollback

func commanded(p *gate.Promotion) bool {
	return p.How == checks.ByCommand || p.How == checks.ByAPI || p.How == checks.Rollback
}

// deploys says who may ask by name: those whom the policy names, or whoever may write.
func (p policing) deploys(who string) bool {
	return who != "eve" && (!p.deployers || slices.Contains([]string{"dora", "dan", "rita"}, who))
}

// letBy says whether somebody's override of the line holds for the commit.
func (w *world) letBy(g *page, p *gate.Promotion, line string, now time.Time) bool {
	for _, o := range g.overrides {
		if o.Check == line && o.Commit == p.Commit && o.Ended.IsZero() && (o.Until.IsZero() || now.Before(o.Until)) {
			return true
		}
	}
	return false
}

func (w *world) lockedFor(g *page, p *gate.Promotion, now time.Time) bool {
	for _, l := range g.locks {
		byName := p.How != checks.OnMerge && p.How != checks.Automatic
		here := l.Lock.Environment == "" || l.Lock.Environment == p.Environment
		if l.Lifted.IsZero() && here && (l.Lock.Until.IsZero() || now.Before(l.Lock.Until)) && !(l.Lock.Unasked && byName) {
			return true
		}
	}
	for _, o := range g.promotions {
		if o.ID != p.ID && o.Environment == p.Environment && o.State == gate.Deploying {
			return true
		}
	}
	return false
}

// colour is what a status says.
func (w *world) colour(commit, name string, at time.Time) (state string) {
	for _, s := range w.statuses {
		if s.commit == commit && s.name == name && !s.at.After(at) {
			state = s.state
		}
	}
	return state
}

// disagreed says whether the people whom the policy asks have not said yes.
func (w *world) disagreed(g *page, p *gate.Promotion, rules policing) bool {
	author := ""
	if c := w.change(w.commit(p.Commit).change); c != nil {
		author = c.author
	}
	if rules.separate && (author == "" || p.By.Login == author) {
		return true
	}
	last := map[string]bool{}
	for _, a := range g.acts {
		if a.Promotion == p.ID && a.Kind != gate.ActCancel {
			last[a.Saying.By.Login] = a.Saying.Reject
		}
	}
	yes := 0
	for by, reject := range last {
		entitled := by == "rita" || by == "rob"
		if !rules.approval {
			entitled = by != "eve"
		}
		switch {
		case entitled && reject: // the author may stop what he may not let through
			return true
		case entitled && !reject && !(rules.separate && by == author):
			yes++
		}
	}
	return rules.approval && yes == 0
}

// daytime is the window, in minutes of the day in Berlin: an hour after UTC, two from the last Sunday of March on.
func (w *world) daytime(now time.Time) bool {
	u := now.UTC()
	ahead := 60
	if !u.Before(time.Date(2000, 3, 26, 1, 0, 0, 0, time.UTC)) {
		ahead = 120
	}
	minute := (u.Hour()*60 + u.Minute() + ahead) % (24 * 60)
	return minute >= 7*60+30 && minute < 19*60
}

// lastDeployed is when anything else was last deployed to the environment.
func (w *world) lastDeployed(p *gate.Promotion, at time.Time) (last time.Time) {
	for _, d := range w.deployments {
		if d.environment != p.Environment || d.at.After(at) || d.promotion == p.ID {
			continue
		}
		if d.run != 0 && !d.began(at) && (d.state(at) != "pending" || p.How == checks.Workflow && d.commit == p.Commit) {
			continue // it waits, or was turned away
		}
		if d.at.After(last) {
			last = d.at
		}
	}
	return last
}

// liveIn is the commit of the newest deployment that ever succeeded.
func (w *world) liveIn(environment string, at time.Time) (commit string) {
	for _, d := range w.deployments {
		if d.environment == environment && !d.live(at).IsZero() && !d.at.After(at) {
			commit = d.commit
		}
	}
	return commit
}

func (w *world) contains(commit, ancestor string) bool {
	return commit == ancestor || commit != "" && w.contains(w.commit(commit).parent, ancestor)
}

// lacking are the commits that are live and neither in the candidate nor picked into it.
func (w *world) lacking(candidate, live string) (list []string) {
	for _, c := range w.commits {
		if !w.contains(live, c.id) || w.contains(candidate, c.id) {
			continue
		}
		picked := slices.ContainsFunc(w.commits, func(o *commit) bool {
			return o.patch == c.patch && w.contains(candidate, o.id) && !w.contains(live, o.id)
		})
		if !picked {
			list = append(list, c.id)
		}
	}
	return list
}

// smuggled says whether the candidate brings something that came past the gate.
func (w *world) smuggled(candidate, live string) bool {
	return slices.ContainsFunc(w.commits, func(c *commit) bool {
		m := w.change(c.change)
		return w.contains(candidate, c.id) && !w.contains(live, c.id) && (m == nil || m.shut != "" || !m.examined)
	})
}

func (w *world) tagged(commit string, at time.Time) bool {
	return slices.ContainsFunc(w.tags, func(t checks.Tag) bool { return t.Commit == commit && t.Annotated && !t.At.After(at) })
}

// wellSometime says whether there was an instant at which a commit was live and well in an environment: let through the
// gate, deployed with success, long enough ago, and green since, all by the policy of that instant.
//
// Sluice may have seen it in another look than the one that is judged here, so all that has happened by now counts.
func (w *world) wellSometime(environment, commit string) bool {
	served := time.Now()
	return slices.ContainsFunc(w.deployments, func(d *deployment) bool {
		since := d.live(served)
		if d.environment != environment || d.commit != commit || since.IsZero() || !w.through(d) {
			return false
		}
		at := []time.Time{served}
		for _, s := range w.statuses {
			if s.commit == commit {
				at = append(at, s.at)
			}
		}
		for _, r := range w.rules {
			at = append(at, r.at, r.at.Add(-1))
		}
		for _, r := range w.rules {
			at = append(at, since.Add(r.soak))
		}
		at = append(at, since, since.Add(slack))
		return slices.ContainsFunc(at, func(t time.Time) bool {
			return !t.After(served) && !t.Before(since) && w.wellAt(d, since, t)
		})
	})
}

func (w *world) wellAt(d *deployment, since, at time.Time) bool {
	rules := w.rulesAt(at)
	if rules.broken || at.Add(slack).Before(since.Add(w.soakIn(d.environment, rules))) {
		return false
	}
	if !rules.verify || d.environment == "production" {
		return true
	}
	name, green := "smoke-"+d.environment, false
	for _, s := range w.statuses {
		if s.commit == d.commit && s.name == name && s.at.After(since) && !s.at.After(at) {
			green = s.state == "success"
		}
	}
	return green
}

func (w *world) soakIn(environment string, rules policing) time.Duration {
	if environment == "integration" {
		return rules.soak
	}
	return 0
}

// through says whether a deployment was made or let through by Sluice. Where an administrator lets a run by in the moment in
// which Sluice would have, it counts as let through.
func (w *world) through(d *deployment) bool {
	if d.run != 0 {
		return w.run(d.run).approved || slices.ContainsFunc(w.page().promotions, func(p *gate.Promotion) bool { return p.Run == d.run && !p.LiveAt.IsZero() })
	}
	return d.by.ID == ourApp
}

// deploys is asked at the very moment at which a deployment comes into being.
func (w *world) deploys(r *replica, s checks.Subject, o gate.Order) {
	p := w.page().promotion(o.Promotion)
	if p == nil || p.Commit != s.Commit || !strings.EqualFold(p.Environment, s.Environment) {
		w.wrong("a deployment of %.8s to %s for the promotion %q, which is none of it", s.Commit, s.Environment, o.Promotion)
		return
	}
	if first, twice := w.created[p.ID]; twice {
		w.wrong("a second deployment for the promotion %s (%s), after %d", p.ID, p.Request, first)
	}
	w.created[p.ID] = int64(1000 + len(w.deployments))
	if d := w.kept[o.Decision]; d == nil || !d.Open || d.Commit != s.Commit {
		w.wrong("promotion %s was deployed on a decision that is not kept, or not open", p.ID)
	}
	w.opened(r, p)
}

// approves is asked when a run is let through.
func (w *world) approves(r *replica, x *run) {
	for _, p := range w.page().of(x.environment) {
		if x.event == "deployment" && p.Commit == x.commit && p.How != checks.Workflow && p.State == gate.Deploying && w.created[p.ID] != 0 {
			w.opened(r, p) // what was let through set the run off, whatever was asked for it before that was known
			return
		}
	}
	for _, p := range w.page().of(x.environment) {
		if p.Run == x.id {
			w.opened(r, p)
			return
		}
	}
	w.wrong("run %d was let through, and no promotion asks for that", x.id)
}

// opened holds an act to promise 1: it was reserved, then judged again, and by what was served then it may go on.
func (w *world) opened(r *replica, p *gate.Promotion) {
	x, ok := r.readings[p.Environment]
	if !ok || x.commit != p.Commit {
		w.wrong("promotion %s went on, and was never judged", p.ID)
		return
	}
	pages := w.since(x.begun)
	for _, g := range pages {
		if q := g.promotion(p.ID); q == nil || q.State != gate.Deploying {
			w.wrong("promotion %s went on, and was not judged again after it was reserved", p.ID)
			return
		}
	}
	if age := time.Since(x.begun); age > time.Minute {
		w.wrong("promotion %s went on, and was judged %v before", p.ID, age)
	}
	i := len(w.pages) - len(pages)
	for i > 0 && w.pages[i-1].promotion(p.ID).State == gate.Deploying {
		i-- // since it was reserved: what was written then counts
	}
	var why []string
	for _, g := range w.pages[i:] {
		q := *g.promotion(p.ID)
		if why = append(w.shut(&q, g, x.served, x.at), w.passed(g, &q)...); len(why) == 0 {
			return
		}
	}
	w.wrong("promotion %s of %.8s to %s, %s by %s, went on while shut: %s", p.ID, p.Commit, p.Environment, p.How, p.By.Login, strings.Join(why, ", "))
}

// passed says why a promotion's time is over.
func (w *world) passed(g *page, p *gate.Promotion) (why []string) {
	for _, a := range g.acts {
		if a.Promotion == p.ID && a.Kind == gate.ActCancel {
			why = append(why, "cancelled")
		}
	}
	for _, o := range g.promotions {
		if o.Environment == p.Environment && o.Deployment != 0 && !o.How.Back() && o.At.After(p.At) && o.Commit != p.Commit {
			why = append(why, fmt.Sprintf("overtaken by %s", o.ID))
		}
	}
	return why
}
