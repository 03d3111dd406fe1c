package checks

import (
	"fmt"

	"github.com/sluicegate/sluice/checks/policy"
)

// objections are the requested changes that block. On the head it is the author's turn, who has to change something;
// on an earlier commit the author has, and whoever objected has to look again.
func (b *ballot) objections() []Finding {
	var fs []Finding
	if len(b.pol.Approval.Objections.Comments) > 0 {
		if why, unheard := b.unheard(); unheard {
			fs = append(fs, Finding{Outcome: Unknown, What: why, Rule: b.pol.Rule("approval.objections.comments")})
		}
	}
	for i := range b.against {
		s := &b.against[i]
		a, why := b.mayObject(s)
		x := Finding{Rule: b.pol.Rule("approval")}
		switch {
		case a == no:
			continue
		case a == dunno:
			x.Outcome, x.What = Unknown, Clip(fmt.Sprintf("%s requested changes. %s", login(s.by()), why), 140)
		case s.comment != nil:
			x.Outcome, x.Rule = Fail, b.pol.Rule("approval.objections.comments")
			x.What = fmt.Sprintf("%s objects in a comment: see to it, then ask for it to be taken back.", login(s.by()))
		case s.review.Commit == b.f.Change.Head.Commit:
			x.Outcome = Fail
			x.What = fmt.Sprintf("%s requested changes: make them, then ask for another review.", login(s.by()))
		default:
			x.Outcome, x.Who = Wait, login(s.by())
			x.What = fmt.Sprintf("%s requested changes on an earlier commit and has to look again.", login(s.by()))
		}
		x.How = fmt.Sprintf("Only %s can withdraw this, by approving; or somebody with write access dismisses the review.", login(s.by()))
		if s.comment != nil {
			x.How = fmt.Sprintf("Only %s can withdraw this, by approving, by a comment that says so, or by deleting the comment.", login(s.by()))
		}
		fs = append(fs, x)
	}
	return fs
}

// dissent adds the comments that object: those that the same person has not taken back later.
func (b *ballot) dissent() {
	o := &b.pol.Approval.Objections
	if len(o.Comments) == 0 {
		return
	}
	against, withdrawn := compiled(o.Comments), compiled(o.Withdrawn)
	last := map[int64]saying{} // a person's objection that stands
	var order []int64
	for _, s := range b.said {
		id := s.by().ID
		before, objected := last[id]
		switch {
		case s.comment != nil && matches(against, s.comment.Text):
			if !objected {
				order = append(order, id)
			}
			last[id] = s
		case s.comment != nil && objected && matches(withdrawn, s.comment.Text) && s.comment.At.After(before.comment.At),
			s.review != nil && objected && s.review.State == "approved" && s.review.At.After(before.comment.At):
			delete(last, id)
		}
	}
	for _, id := range order {
		if s, stands := last[id]; stands {
			b.against = append(b.against, s)
			delete(last, id)
		}
	}
}

// mayObject says whether somebody's request for changes blocks. In a comment, an app objects only where it is named.
func (b *ballot) mayObject(s *saying) (answer, string) {
	p := s.by()
	switch {
	case p.ID != 0 && (p.Kind == "bot" || p.Kind == "app") && s.review != nil:
		return yes, ""
	case p.ID == 0 || !p.Human() && s.review != nil:
		return no, "" // the account is gone, and its rights with it
	}
	a, why := b.fitsPlainly(p, b.objectors())
	if a == yes {
		return yes, ""
	}
	for i := range b.rules {
		r := &b.rules[i]
		if policy.Weaker(r.Mode, "") == policy.Off || !b.named(r.Name) || b.standing(i).applies == no {
			continue
		}
		switch x, reason := b.fits(p, named(r.From, b.pol)); {
		case x == yes:
			return yes, ""
		case x == dunno && a == no:
			a, why = dunno, reason
		}
	}
	return a, why
}

func objectors() []selector { return []selector{{aPermission, "write"}} }

// objectors are those who may object to any change.
func (b *ballot) objectors() []selector {
	if b.pol.Approval.Objections.From.Zero() {
		return objectors()
	}
	return append(objectors(), named(b.pol.Approval.Objections.From, b.pol)...)
}

// wantObjectors asks for the rights of those who requested changes.
func (b *ballot) wantObjectors(w *Wants) {
	if len(b.pol.Approval.Objections.Comments) > 0 {
		w.WantComments(b.f)
	}
	for i := range b.against {
		s := &b.against[i]
		p := s.by()
		if !p.Human() && s.comment == nil {
			continue
		}
		if a, _ := b.fitsPlainly(p, objectors()); a == dunno {
			wantFits(b.f, w, []Person{p}, objectors())
			continue // most objectors can write: one question settles it
		}
		wantFits(b.f, w, []Person{p}, b.objectors())
		if a, _ := b.mayObject(s); a == dunno {
			for j := range b.rules {
				if b.standing(j).applies != no {
					b.wantSelectors(w, []Person{p}, named(b.rules[j].From, b.pol))
				}
			}
		}
	}
}

// named says whether a rule is part of `satisfy`.
func (b *ballot) named(rule string) bool {
	t := b.pol.Approval.Satisfy
	return t.Rule == "" && len(t.Any)+len(t.All) == 0 || mentions(t, rule)
}

func mentions(t policy.Satisfy, rule string) bool {
	if t.Rule == rule && rule != "" {
		return true
	}
	for _, x := range t.Any {
		if mentions(x, rule) {
			return true
		}
	}
	for _, x := range t.All {
		if mentions(x, rule) {
			return true
		}
	}
	return false
}
