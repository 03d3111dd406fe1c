package checks

import (
	"fmt"
	"time"

	"github.com/sluicegate/sluice/checks/calendar"
	"github.com/sluicegate/sluice/checks/policy"
)

// judgeWindow wants one of the windows to be open.
func judgeWindow(g *guard) Result {
	if len(g.e.Windows) == 0 {
		return g.passes("windows", "Deployments may start at any time.")
	}
	open, next, ok := calendar.Windows(g.e.Windows).At(g.f.At)
	if !ok {
		return g.one(Wait, "windows", "No window opens within a year: the policy has to name one that does.", "Edit the windows of this environment in the policy.").by("whoever keeps the policy")
	}
	key, zone := "windows", "UTC"
	if next.Window >= 0 && next.Window < len(g.e.Windows) {
		key, zone = fmt.Sprintf("windows[%d]", next.Window), g.e.Windows[next.Window].Timezone
	}
	switch {
	case open && !next.To.Before(g.f.At.Add(calendar.Horizon)): // nobody looked further, so that is no end
		return g.passes(key, "A window is open, and stays so.")
	case open:
		return g.passes(key, fmt.Sprintf("A window is open until %s.", calendar.When(next.To, g.f.At, zone)))
	}
	r := g.one(Wait, key, fmt.Sprintf("Waits for the window that opens %s.", calendar.When(next.From, g.f.At, zone)), "It is deployed by itself then, if all else holds.")
	r.Findings[0].Until = next.From.UTC()
	r.Findings[0].How += g.orOverride("window")
	return r
}

// stale is how old the text of a calendar may be.
const stale = time.Hour

// calendars are the texts that freezes name. One that is too old might lack a freeze that was entered since.
func (g *guard) calendars() []calendar.Text {
	var texts []calendar.Text
	for _, c := range g.m.Calendars {
		t := calendar.Text{Name: c.Name, Text: c.Text, Read: c.Read, Problem: plain(c.Failed, 80)}
		if t.Problem == "" && g.f.At.Sub(c.Read) > stale {
			t.Problem = "it was not read within the last hour"
		}
		texts = append(texts, t)
	}
	return texts
}

// judgeFreeze wants no freeze to hold, by dates, by calendar or by the forge's own. What cannot be read might hold one.
func judgeFreeze(g *guard) Result {
	own, unread := g.frozen()
	if len(g.e.Freezes) == 0 && len(own) == 0 && len(unread) == 0 {
		return g.passes("freezes", "No freeze is planned.")
	}
	r := g.passes("freezes", "No freeze holds now.")
	freezes, unknown := calendar.Freezes(g.p, *g.e, g.calendars(), calendar.Span{From: g.f.At, To: g.f.At.Add(calendar.Horizon)})
	for _, u := range append(unknown, unread...) {
		r.Findings = append(r.Findings, Finding{Outcome: Unknown, Rule: u.Rule,
			What: Clip(fmt.Sprintf("Whether a freeze holds is not known: %s %s.", plain(u.Calendar, 50), plain(u.Reason, 90)), 140),
			How:  "It is read again; until then nothing is taken for allowed."})
	}
	if z, frozen := calendar.Frozen(append(freezes, own...), g.f.At); frozen {
		why := ""
		if z.First.Reason != "" {
			why = " (" + plain(z.First.Reason, 50) + ")"
		}
		x := Finding{Outcome: Wait, Rule: z.First.Rule, Until: z.To.UTC(), How: "The freeze is that of " + plain(z.First.Source(), 200) + ". A rollback goes through it."}
		if z.First.UID == forgeFreeze {
			x.Rule = g.rule("modes.freeze")
		}
		x.What = Clip(fmt.Sprintf("Frozen%s until %s.", why, calendar.When(z.To, g.f.At, z.First.Zone)), 140)
		x.How += g.orOverride("freeze")
		r.Findings = append(r.Findings, x)
	}
	return r
}

// forgeFreeze marks a freeze that no policy asks for.
const forgeFreeze = "forge"

// frozen are the forge's own freezes, which no policy has to name. Below a policy of the repository a floor says nothing of them.
func (g *guard) frozen() (list []calendar.Freeze, unread []calendar.Unknown) {
	if !g.whole {
		return nil, nil
	}
	for _, z := range g.m.Frozen {
		list = append(list, calendar.Freeze{Span: calendar.Span{From: z.From, To: z.To}, Zone: z.Zone, Rule: plain(z.Source, 120), UID: forgeFreeze})
	}
	if gap, missing := g.f.Gap("freezes"); missing {
		unread = append(unread, calendar.Unknown{Calendar: "the forge's own freezes", Rule: g.rule("modes.freeze"), Reason: "are not known: " + gap.Reason})
	}
	return list, unread
}

// orOverride is what to do about a line that only time cures, where the policies let it be overridden.
func (g *guard) orOverride(line string) string {
	if !g.overridable(line) {
		return ""
	}
	return " If it cannot wait: `/sluice override " + line + " REASON`."
}

// overridable says whether the policies let the line be overridden at all.
func (g *guard) overridable(line string) bool {
	ok, _, _ := g.set.Leave().Of(line)
	return ok
}

// judgeInterval wants the last deployment here to have been made long enough ago.
func judgeInterval(g *guard) Result {
	if g.e.Interval == 0 {
		return g.passes("interval", "Deployments may follow on one another.")
	}
	gap, unread := g.f.Gap("deployments")
	d := g.last()
	switch {
	case d == nil && unread:
		return g.one(Unknown, "interval", "When the last deployment here was made is not known: "+plain(gap.Reason, 70), "It is looked at again.")
	case d == nil:
		return g.passes("interval", "Nothing was deployed here before.")
	}
	next := d.At.Add(time.Duration(g.e.Interval))
	if !next.After(g.f.At) {
		return g.passes("interval", fmt.Sprintf("The last deployment here was made on %s.", calendar.When(d.At, g.f.At, "UTC")))
	}
	r := g.one(Wait, "interval", fmt.Sprintf("The last deployment here is too recent: the next may start %s.", calendar.When(next, g.f.At, "UTC")),
		fmt.Sprintf("%s lie between two deployments here; %s was deployed on %s.", policy.Duration(g.e.Interval), short(d.Commit), calendar.When(d.At, g.f.At, "UTC")))
	r.Findings[0].Until = next.UTC()
	return r
}

// last is the newest deployment that is not this promotion's own. A workflow's that waits for leave, or was turned away, was
// never begun.
func (g *guard) last() *Deployment {
	for i := range g.m.Deployments {
		d := &g.m.Deployments[i]
		own := g.m.ID != "" && d.Ours && d.Promotion == g.m.ID
		soon := (d.State == "pending" || d.State == "queued") && (g.m.How != Workflow || d.Commit != g.m.Commit)
		if !own && (d.Ran() || soon) {
			return d
		}
	}
	return nil
}
