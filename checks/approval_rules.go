package checks

import (
	"slices"

	"github.com/sluicegate/sluice/checks/policy"
)

// standing is how one rule stands.
type standing struct {
	rule    *policy.ApprovalRule
	poll    *poll // nil where nobody is asked
	from    []selector
	applies answer
	met     answer
	why     string   // of a dunno
	start   int      // approvals up to this position do not count: the stage before was not met yet
	at      int      // position of the approval that met it; -1: none was needed
	early   int      // where at would be if every right that is not known were held
	soonest int      // where start would be then
	by      []Person // who approved, in order
	bare    []owned  // paths that still lack an approval of one of their owners
	before  []string // rules that have to be met first
	need    int      // approvals
	lacking bool     // what it needs besides does not hold
	pending bool     // being worked out: a rule that comes after itself is never met
}

// standing works out how rule i stands, once.
func (b *ballot) standing(i int) *standing {
	if s := b.standings[i]; s != nil {
		return s
	}
	r := &b.rules[i]
	s := &standing{rule: r, at: -1, early: -1, start: -1, soonest: -1, need: r.Count, pending: true}
	b.standings[i] = s
	s.applies, s.why = b.applies(&r.When)
	switch {
	case s.applies == no || r.Count <= 0 && !r.Automatic:
		s.met = yes
	case r.Automatic:
		s.met = b.stage(s)
		s.at, s.early = s.start, s.soonest
	default:
		s.from = named(r.From, b.pol)
		if s.poll = b.poll(r); s.poll.anyone {
			s.need++
		}
		if s.met = b.stage(s); s.met == yes {
			s.met = b.count(s)
		}
		if s.met == no && s.poll.why != "" {
			s.met, s.why = dunno, s.poll.why
		}
	}
	b.needs(s)
	s.pending = false
	return s
}

// asks says whether anybody's approval is asked for.
func (s *standing) asks() bool { return s.rule.Count > 0 && !s.rule.Automatic }

// needs weighs what has to hold besides the approvals.
func (b *ballot) needs(s *standing) {
	if s.applies == no || s.rule.Needs.Zero() {
		return
	}
	a, why := b.applies(&s.rule.Needs)
	s.lacking = a == no
	if a == dunno && s.met != no {
		s.why = why
	}
	s.met = min(s.met, a)
}

// stage says whether the rules that come before are met, and from where on approvals count. Rules that never block
// do not hold up a later stage either.
func (b *ballot) stage(s *standing) answer {
	all := yes
	for _, name := range s.rule.After {
		i := slices.IndexFunc(b.rules, func(r policy.ApprovalRule) bool { return r.Name == name })
		if i < 0 {
			s.before, all = append(s.before, name), no
			continue
		}
		if policy.Weaker(b.rules[i].Mode, "") != policy.Enforce {
			continue
		}
		e := b.standing(i)
		switch {
		case e.pending || e.met == no:
			s.before, all = append(s.before, name), no
		case e.met == dunno && all == yes:
			s.why, all = e.why, dunno
		case e.met == yes:
			s.start, s.soonest = max(s.start, e.at), max(s.soonest, e.early)
			if e.early < e.at && s.why == "" {
				s.why = e.why
			}
		}
	}
	return all
}

// count goes through the approvals in the order given until the rule is met. What the facts do not tell counts as
// no; if it could have made the difference, the answer is dunno.
func (b *ballot) count(s *standing) answer {
	var groups []owned
	if slices.Contains(s.from, selector{kind: theOwners}) {
		o := b.ownership()
		if o.why != "" {
			s.why = o.why
			return dunno
		}
		groups = o.groups
		if len(groups) == 0 {
			// Nobody owns any of it. Taking that for an approval would open the gate to paths that were forgotten.
			s.from = append(slices.DeleteFunc(slices.Clone(s.from), isOwners), selector{aPermission, "write"})
		}
	}
	t := tally{b: b, s: s, groups: groups, got: make([]bool, len(groups))}
	at, ok := t.run(s.start, false)
	s.by = t.by
	if !ok {
		s.bare = t.missing()
	}
	if s.at, s.early = at, at; t.open || s.soonest < s.start {
		early, could := t.run(s.soonest, true)
		if s.early = early; t.why != "" {
			s.why = t.why
		}
		if could && !ok {
			return dunno
		}
	}
	return told(ok, true)
}

func isOwners(s selector) bool { return s.kind == theOwners }

// tally counts for one rule.
type tally struct {
	b      *ballot
	s      *standing
	groups []owned // of paths by their owners, each of which has to approve; none: the rule names no owners
	got    []bool  // by group
	by     []Person
	unlike bool // one of by shares no name with a contributor whom the forge cannot name
	open   bool // a right was not known
	why    string
}

// run counts approvals after start until the rule is met, and says where that was. Rights that are not known are
// taken for held with benefit, else for not.
func (t *tally) run(start int, benefit bool) (at int, met bool) {
	t.by, t.unlike = nil, false
	clear(t.got)
	for _, v := range t.s.poll.votes {
		if v.at <= start || !t.counts(v.by, benefit) {
			continue
		}
		if !slices.ContainsFunc(t.by, func(p Person) bool { return p.ID == v.by.ID }) {
			t.by = append(t.by, v.by)
		}
		t.unlike = t.unlike || !v.alike
		if len(t.by) >= t.s.need && (t.unlike || !t.s.poll.anyone) && !slices.Contains(t.got, false) {
			return v.at, true
		}
	}
	return -1, false
}

// counts says whether a person's approval counts, and notes what it covers. Whoever is named otherwise stands in for
// every owner; an owner covers the paths that are his.
func (t *tally) counts(p Person, benefit bool) bool {
	a, why := t.b.fitsPlainly(p, t.s.from)
	if t.take(a, why, benefit) {
		for i := range t.got {
			t.got[i] = true
		}
		return true
	}
	counts := false
	for i := range t.groups {
		a, why := t.b.owns(p, t.groups[i])
		if t.take(a, why, benefit) {
			t.got[i], counts = true, true
		}
	}
	return counts
}

func (t *tally) take(a answer, why string, benefit bool) bool {
	if a == dunno {
		if t.why == "" {
			t.why = why
		}
		t.open = true
		return benefit
	}
	return a == yes
}

func (t *tally) missing() []owned {
	var bare []owned
	for i, g := range t.groups {
		if !t.got[i] {
			bare = append(bare, g)
		}
	}
	return bare
}

// fits says whether somebody is named, as an owner of any path touched too.
func (b *ballot) fits(p Person, from []selector) (answer, string) {
	a, why := b.fitsPlainly(p, from)
	if a == yes || !slices.ContainsFunc(from, isOwners) {
		return a, why
	}
	o := b.ownership()
	if o.why != "" {
		return dunno, o.why
	}
	for _, g := range o.groups {
		switch x, reason := b.owns(p, g); {
		case x == yes:
			return yes, ""
		case x == dunno && a == no:
			a, why = dunno, reason
		}
	}
	return a, why
}

// fitsPlainly leaves owners of paths aside.
func (b *ballot) fitsPlainly(p Person, from []selector) (answer, string) {
	a := told(b.f.fitsAny(p, from))
	if a == dunno {
		return a, b.rightUnread(p)
	}
	return a, ""
}

// rightUnread says why somebody's right is not known.
func (b *ballot) rightUnread(p Person) string {
	who := plain(p.Login, 39)
	if g, ok := b.f.Gap("people", "teams"); ok {
		return "Whether " + who + " may approve is not known: " + plain(g.Reason, 70)
	}
	return "Whether " + who + " may approve was not read."
}
