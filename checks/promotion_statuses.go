package checks

import (
	"fmt"
	"slices"
	"strings"
)

// statusesUnread says that the statuses on the commit are not known.
func (g *guard) statusesUnread(key string) (Result, bool) {
	gap, unread := g.f.Gap("statuses")
	if !unread {
		return Result{}, false
	}
	return g.one(Unknown, key, "The statuses on the commit could not be read: "+plain(gap.Reason, 80), "They are read again."), true
}

// judgeStatuses wants what CI says under each name to be green on this very commit. A forge takes names that differ in case
// for one, so what stands under another spelling counts against a name and never for it.
func judgeStatuses(g *guard) Result {
	if len(g.e.Statuses) == 0 {
		return g.passes("statuses", "No status has to be green before.")
	}
	if r, unread := g.statusesUnread("statuses"); unread {
		return r
	}
	r := g.passes("statuses", "Green: "+plain(strings.Join(g.e.Statuses, ", "), 120)+".")
	for i, name := range g.e.Statuses {
		if what, how := g.notGreen(name); what != "" {
			r.Findings = append(r.Findings, Finding{Outcome: Wait, What: Clip(what, 140), How: how, Who: "CI: " + plain(name, 50), Rule: g.rule(fmt.Sprintf("statuses[%d]", i))})
		}
	}
	return r
}

// unfinished are the states of what still runs.
var unfinished = []string{"pending", "queued", "in_progress", "waiting", "requested", "expected"}

// notGreen says why a name is not green; "" if it is. Of several under one name, a status and a check run, all have to be.
func (g *guard) notGreen(name string) (what, how string) {
	word, green, runs := plain(name, 50), 0, ""
	for i := range g.f.Statuses {
		s := &g.f.Statuses[i]
		if s.Ours || !strings.EqualFold(s.Name, name) {
			continue
		}
		switch state := strings.ToLower(s.State); {
		case state == "success":
			if s.Name == name {
				green++
			}
		case slices.Contains(unfinished, state):
			runs = plain(state, 20)
		default:
			return fmt.Sprintf("%s is not green on %s (%s): run it again or promote another commit.", word, short(g.m.Commit), plain(state, 20)),
				"Only success counts: what was skipped or is neutral proves nothing."
		}
	}
	switch {
	case runs != "":
		return fmt.Sprintf("%s is not done on %s yet (%s).", word, short(g.m.Commit), runs), "It goes on by itself when that has turned green."
	case green == 0:
		return fmt.Sprintf("%s was not told of %s: CI has to post it on this commit.", word, short(g.m.Commit)),
			"Run it on this very commit, under exactly this name. Sluice's own checks do not count here."
	}
	return "", ""
}
