package simulation

import (
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// The oracle judges by itself, by what the forge held at an instant and by what the engine had written down by then, with the
// plainest arithmetic there is. It shares no line with the rules that it is held against.

// shut says why the gate of a change is shut, by what was read. Nothing: it is open.
func (b *book) shut(x *reading) (why []string) {
	c, v, rules := x.change, x.version, b.w.rulesAt(x.served)
	if v.state != "open" {
		why = append(why, "it is "+v.state)
	}
	if rules.broken {
		return append(why, "the policy is broken")
	}
	if !b.approved(c, v, rules, x.served) && !b.letBy(c, v, "approval", x) {
		why = append(why, "approval")
	}
	if rules.label && slices.Contains(v.labels, "blocked") && !b.letBy(c, v, "unblocked", x) {
		why = append(why, "unblocked")
	}
	if b.heldBack(c.number, x.begun) {
		why = append(why, "held")
	}
	return why
}

// approved counts who said yes to the head, and may, and had no part in it; and whoever may write and says no shuts it.
func (b *book) approved(c *change, v *version, rules rules, at time.Time) bool {
	yes := map[string]bool{}
	for _, r := range v.reviews { // a word holds until the same person objects, or it is dismissed
		yes[r.By.Login] = yes[r.By.Login] && r.State != "changes_requested" || r.State == "approved" && r.Commit == v.head()
	}
	count := 0
	for who, last := range opinions(v.reviews) {
		has := b.w.permission(who, at)
		part := who == c.author || slices.ContainsFunc(v.commits, func(m checks.Commit) bool { return m.Author.Login == who })
		switch {
		case has != "write" && has != "admin":
		case last.State == "changes_requested":
			return false
		case yes[who] && !part:
			count++
		}
	}
	return count >= rules.approvals
}

// letBy says whether an override of the check held for the head at any instant since the reading began.
func (b *book) letBy(c *change, v *version, name string, x *reading) bool {
	last := map[int64]bool{}
	for _, o := range b.overrides {
		if o.change == c.number && o.Check == name && !o.Promotion {
			live := o.Ended.IsZero() && o.Commit == v.head() && (o.Until.IsZero() || x.at.Before(o.Until))
			if last[o.Comment] = live; live && o.at.After(x.begun) {
				return true
			}
		}
	}
	for _, live := range last {
		if live {
			return true
		}
	}
	return b.wasLive(c, v, name, x)
}

// wasLive says whether one held when the reading began, and ended since.
func (b *book) wasLive(c *change, v *version, name string, x *reading) bool {
	last := map[int64]bool{}
	for _, o := range b.overrides {
		if o.change == c.number && o.Check == name && !o.at.After(x.begun) {
			last[o.Comment] = o.Ended.IsZero() && o.Commit == v.head() && (o.Until.IsZero() || x.at.Before(o.Until))
		}
	}
	for _, live := range last {
		if live {
			return true
		}
	}
	return false
}

// heldBack says whether somebody held the change when the reading began, and nobody has lifted that since.
func (b *book) heldBack(change int, begun time.Time) (held bool) {
	for _, h := range b.holds[change] {
		if !h.at.After(begun) {
			held = !h.Lifted
		} else if h.Lifted {
			return false
		}
	}
	return held
}

// shutFor says why a promotion may not go on: as the forge stood when it was read, and as the book said.
func (w *world) shutFor(p *gate.Promotion, x *reading) (why []string) {
	rules := w.rulesAt(x.served)
	if rules.broken {
		return []string{"policy"}
	}
	defer func() {
		why = slices.DeleteFunc(why, func(line string) bool { return w.letGo(p.Commit, line) })
	}()
	if w.locked(p.Environment, x) {
		why = append(why, "lock")
	}
	c, i := w.commit(p.Commit)
	if p.How == checks.OnMerge && !w.passed(c) {
		why = append(why, "changes")
	}
	if p.How == checks.ByCommand && !w.has(p.By.Login, "write", p.At) && !w.has(p.By.Login, "admin", p.At) {
		why = append(why, "approval")
	}
	if p.Environment != prod {
		return why
	}
	if rules.statuses && w.colour(p.Commit, "build", x.served) != "success" {
		why = append(why, "statuses")
	}
	if !w.wellBefore(p.Commit, x) {
		why = append(why, "after")
	}
	if live := w.liveIn(prod, x.served); rules.changes && live != "" {
		for _, j := w.commit(live); i > j; i-- {
			if !w.passed(w.line[i]) {
				why = append(why, "changes")
			}
		}
	}
	return why
}

// letGo says whether a line of the promotions of a commit was ever overridden.
func (w *world) letGo(commit, line string) bool {
	return slices.ContainsFunc(w.overrides, func(o overriding) bool { return o.Promotion && o.Commit == commit && o.Check == line })
}

// passed says whether a commit came by a change whose gate was once open on the head that was merged.
func (w *world) passed(c *commit) bool {
	return c != nil && c.change != 0 && w.openRead[w.change(c.change).now().head()]
}

// wellBefore says whether a commit was live in staging for long enough under any policy so far.
func (w *world) wellBefore(commit string, x *reading) bool {
	soak := time.Hour
	for _, p := range w.policies {
		soak = min(soak, p.soak)
	}
	return slices.ContainsFunc(w.deployments, func(d *deployment) bool {
		live := d.live(time.Now())
		return d.environment == staging && d.commit == commit && d.by.ID == ourApp && !live.IsZero() && !x.at.Before(live.Add(soak-time.Second))
	})
}

// locked says whether a lock held before the environment was read, and was not lifted since. What was said at the very moment at
// which it was read, or between its two readings in here and at the forge, may have come after.
func (w *world) locked(environment string, x *reading) bool {
	last := map[string]locking{}
	for _, l := range w.locks {
		if l.at.Before(x.remembered) || !l.Lifted.IsZero() {
			last[l.ID] = l
		}
	}
	for _, l := range last {
		here := l.Lock.Environment == "" || l.Lock.Environment == environment
		if here && l.Lifted.IsZero() && (l.Lock.Until.IsZero() || x.at.Before(l.Lock.Until)) && !l.Lock.Unasked {
			return true
		}
	}
	return false
}
