package checks

import (
	"fmt"

	"github.com/sluicegate/sluice/checks/policy"
)

// objections are the requested changes that block. On the head it is the author's turn, who has to change something;
// on an earlier commit the author has, and whoever objected has to look again.
func (b *ballot) objections() []Finding {
	var fs []Finding
	for i := range b.against {
		r := &b.against[i]
		a, why := b.mayObject(r.By)
		x := Finding{Rule: b.pol.Rule("approval")}
		switch {
		case a == no:
			continue
		case a == dunno:
			x.Outcome, x.What = Unknown, Clip(fmt.Sprintf("%s requested changes. %s", login(r.By), why), 140)
		case r.Commit == b.f.Change.Head.Commit:
			x.Outcome = Fail
			x.What = fmt.Sprintf("%s requested changes: make them, then ask for another review.", login(r.By))
		default:
			x.Outcome = Wait
			x.What = fmt.Sprintf("%s requested changes on an earlier commit and has to look again.", login(r.By))
		}
		x.How = fmt.Sprintf("Only %s can withdraw this, by approving; or somebody with write access dismisses the review.", login(r.By))
		fs = append(fs, x)
	}
	return fs
}

// mayObject says whether somebody's request for changes blocks.
func (b *ballot) mayObject(p Person) (answer, string) {
	switch {
	case p.ID != 0 && (p.Kind == "bot" || p.Kind == "app"):
		return yes, ""
	case !p.Human():
		return no, "" // the account is gone, and its rights with it
	}
	a, why := b.fitsPlainly(p, objectors())
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

// wantObjectors asks for the rights of those who requested changes.
func (b *ballot) wantObjectors(w *Wants) {
	for i := range b.against {
		p := b.against[i].By
		if !p.Human() {
			continue
		}
		if a, _ := b.fitsPlainly(p, objectors()); a == dunno {
			wantFits(b.f, w, []Person{p}, objectors())
			continue // most objectors can write: one question settles it
		}
		if a, _ := b.mayObject(p); a == dunno {
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
