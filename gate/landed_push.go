package gate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Push is one that was told of: who moved a branch, from where to where.
type Push struct {
	Before string    `json:"before"` // "": the branch was new
	After  string    `json:"after"`
	Who    Who       `json:"who"`
	At     time.Time `json:"at"` // when it was first heard of
}

const (
	mostPushes = 256       // are remembered of a branch, the newest
	pushAge    = time.Hour // for so long a push is remembered that the branch does not show: it may show it yet
)

// recall adds to the pushes that were known those that were told of since, each once.
func recall(known []Push, causes []Mark, now time.Time) []Push {
	known = slices.Clone(known)
	for _, c := range causes {
		id, err := strconv.ParseInt(c.Detail, 10, 64)
		if err != nil {
			id = 0
		}
		p := Push{c.Before, c.Commit, Who{id, c.By}, now}
		same := func(q Push) bool { return q.Before == p.Before && q.After == p.After && q.Who == p.Who }
		if p.After != "" && !slices.ContainsFunc(known, same) {
			known = append(known, p)
		}
	}
	return known[max(0, len(known)-mostPushes):]
}

// passage is what came onto a branch since it was last looked at, and who brought it.
type passage struct {
	mark   Mark
	seen   *BranchSeen
	landed *Landed
	pushes []Push
	at     map[string]int // where on the line a commit stands; one past its end is what was seen before
	direct map[string]bool
}

func newPassage(m Mark, seen *BranchSeen, l *Landed, pushes []Push) *passage {
	p := &passage{m, seen, l, pushes, map[string]int{seen.Tip: len(l.Line)}, map[string]bool{}}
	for i, id := range l.Line {
		p.at[id] = i
	}
	for _, id := range l.Direct {
		p.direct[id] = true
	}
	return p
}

// news says whether there is something odd that none of the sightings covers.
func (p *passage) news(odd []Sighting) bool {
	if p.landed.Cut {
		return len(odd) == 0
	}
	return len(p.named(0, p.newest(odd))) > 0
}

// newest is where on the line the newest of the sightings stands that is still on it.
func (p *passage) newest(odd []Sighting) int {
	n := len(p.landed.Line)
	for _, s := range odd {
		if i, ok := p.at[s.Tip]; ok {
			n = min(n, i)
		}
	}
	return n
}

// upTo is the tip up to which all is said once these sightings are.
func (p *passage) upTo(due []Sighting) string {
	if n := p.newest(due); n < len(p.landed.Line) {
		return p.landed.Line[n]
	}
	return p.seen.Tip
}

// named are the commits that came by no change between two places of the line, newest first.
func (p *passage) named(from, to int) (ids []string) {
	for i := from; i < to && i < len(p.landed.Line); i++ {
		if id := p.landed.Line[i]; p.direct[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// findings are one for each push that the sightings cover, and one for all that no push accounts for.
func (p *passage) findings(due []Sighting) (list []Entry) {
	if len(due) == 0 {
		return nil
	}
	if p.landed.Cut {
		return []Entry{p.cut()}
	}
	for _, s := range due {
		if _, ok := p.at[s.Tip]; !ok {
			list = append(list, p.gone(s.Tip))
		}
	}
	from, told := p.newest(due), map[string]bool{}
	for _, push := range p.pushes {
		a, ok := p.at[push.After]
		if !ok || a == len(p.landed.Line) {
			continue
		}
		ids := p.named(max(a, from), p.reach(push, a))
		for _, id := range ids {
			told[id] = true
		}
		if len(ids) > 0 {
			list = append(list, p.past(ids, push.Who, push.Before, push.After))
		}
	}
	rest := slices.DeleteFunc(p.named(from, len(p.landed.Line)), func(id string) bool { return told[id] })
	if len(rest) > 0 {
		list = append(list, p.past(rest, Who{}, "", ""))
	}
	return list
}

// reach is the end of what a push brought. Where it moved the branch from is not on the line when it rewrote it: then only
// what the same person had pushed there is known to be his, too, and else nothing but the commit that he pushed.
func (p *passage) reach(push Push, a int) int {
	for range p.pushes {
		if push.Before == "" {
			return len(p.landed.Line)
		}
		if b, ok := p.at[push.Before]; ok {
			return max(b, a+1)
		}
		i := slices.IndexFunc(p.pushes, func(q Push) bool { return q.After == push.Before && q.Who == push.Who })
		if i < 0 {
			break
		}
		push = p.pushes[i]
	}
	return a + 1
}

// past is the finding on commits that came by no change, in one push.
func (p *passage) past(ids []string, by Who, before, after string) Entry {
	e := landedEntry(EntryFinding, p.mark, p.landed, by, ids[0])
	e.Reason = fmt.Sprintf("Pushed directly to %s, past the gate", Plain(p.mark.Base))
	if by == (Who{}) {
		e.Reason += ", by whom is not known"
	}
	var short []string
	for _, id := range ids[:min(5, len(ids))] {
		short = append(short, fmt.Sprintf("%.12s", id))
	}
	e.Reason += ": " + strings.Join(short, ", ")
	if n := len(ids) - len(short); n > 0 {
		e.Reason += fmt.Sprintf(" and %d more", n)
		if before != "" {
			e.Reason += fmt.Sprintf(", in %.12s..%.12s", before, after)
		}
	}
	e.Reason += "."
	return e
}

// gone is the finding on what was seen and is no more where it was: it was taken back, or hidden behind a merge.
func (p *passage) gone(tip string) Entry {
	var by Who
	for _, q := range p.pushes {
		if q.After == tip {
			by = q.Who
		}
	}
	e := landedEntry(EntryFinding, p.mark, p.landed, by, tip)
	e.Reason = fmt.Sprintf("Pushed directly to %s, past the gate, as it seemed, and then gone from its line of commits: %.12s.", Plain(p.mark.Base), tip)
	return e
}

// cut is the finding on what cannot be followed.
func (p *passage) cut() Entry {
	by, names := p.pushers(p.seen.Tip)
	e := landedEntry(EntryFinding, p.mark, p.landed, by, p.landed.Tip)
	e.Reason = fmt.Sprintf("What came onto %s since %.12s is not known: it was not found among the newest %d commits, so the branch was rewritten or very much came at once.%s",
		Plain(p.mark.Base), p.seen.Tip, p.landed.Looked, names)
	return e
}

// policy is the entry on another policy. It came after the newest sighting, for the policy was looked at then.
func (p *passage) policy(now string) Entry {
	from := []string{p.seen.Tip}
	for _, s := range p.seen.Pending.Odd {
		from = append(from, s.Tip)
	}
	by, names := p.pushers(from...)
	e := landedEntry(EntryPolicy, p.mark, p.landed, by, p.landed.Tip)
	e.Reason = fmt.Sprintf("The policy in force for %s changed from %.12s to %.12s.%s", Plain(p.mark.Base), p.seen.Policy, now, names)
	return e
}

// pushers is who moved the branch from one of these tips to where it is, when that was one person and every push on the
// way was told of; else a sentence with those that are known.
func (p *passage) pushers(from ...string) (by Who, names string) {
	left, at, whole := slices.Clone(p.pushes), p.landed.Tip, true
	var all []Who
	for whole && !slices.Contains(from, at) {
		i := len(left) - 1
		for i >= 0 && left[i].After != at {
			i--
		}
		if whole = i >= 0 && left[i].Who != (Who{}); whole {
			if at = left[i].Before; !slices.Contains(all, left[i].Who) {
				all = append(all, left[i].Who)
			}
			left = slices.Delete(left, i, i+1)
		}
	}
	if whole && len(all) == 1 {
		return all[0], ""
	}
	if len(all) == 0 {
		return Who{}, ""
	}
	var logins []string
	for _, w := range slices.Backward(all) {
		logins = append(logins, Plain(w.Login))
	}
	if !whole {
		return Who{}, fmt.Sprintf(" Of who pushed not all are known: %s among others.", strings.Join(logins, ", "))
	}
	return Who{}, fmt.Sprintf(" Pushed by several: %s.", strings.Join(logins, ", "))
}

// open are the pushes that what was seen up to tip does not account for.
func (p *passage) open(tip string, now time.Time) (list []Push) {
	end, ok := p.at[tip]
	for _, q := range p.pushes {
		i, shown := p.at[q.After]
		if q.After != tip && now.Sub(q.At) < pushAge && (!shown || ok && i < end) {
			list = append(list, q)
		}
	}
	return list
}

// branchMarks tell of a branch each push to it that a piece of work has for its cause, or that it is to be looked at.
func branchMarks(w Work, why string) (marks []Mark) {
	repo := Repo{w.Mark.Forge, w.Mark.Repo, w.Mark.Installation}
	for _, c := range w.Causes {
		if c.Commit != "" {
			m := branchMark(repo, w.Mark.Base, c.Why)
			m.Before, m.Commit, m.By, m.Detail = c.Before, c.Commit, c.By, c.Detail
			marks = append(marks, m)
		}
	}
	if marks == nil {
		marks = append(marks, branchMark(repo, w.Mark.Base, why))
	}
	return marks
}
