package checks

import (
	"slices"

	"github.com/sluicegate/sluice/checks/policy"
)

// The approval check counts approvals by distinct people who hold the right at this moment, rule by rule.
//
// What it believes, and what it does not:
//
//   - A person is a numeric id. Apps, workflow identities and deleted accounts never approve.
//   - The latest opinion counts. An approval is gone once its giver requests changes or it is dismissed; a comment
//     changes nothing.
//   - Requested changes block until they are withdrawn or dismissed. They block when given by somebody with write
//     access, by somebody whom a rule of this change names, or by an app (which somebody had to install): a passer-by
//     must not be able to hold a change up.
//   - Authors, committers and co-authors of the commits are what the commits claim. Who claims to be nobody the
//     forge knows costs one approval more, see contributors.
//   - A label counts whoever set it. A rule that asks for more because of a label is therefore a courtesy of those
//     who may label, and the author may be one of them; what must hold, hang on paths or branches.
//   - Where `satisfy` is a tree, it decides alone: rules that it does not name are not asked for. A rule whose `when`
//     does not hold is met; below `any` it is no choice either, so that it cannot open the gate by not applying.
func judgeApproval(p *policy.Policy, f *Facts) Result {
	r := Result{Rule: p.Rule("approval.rules")}
	switch {
	case f.Local:
		r.Findings = []Finding{{Outcome: Skip, Rule: p.Rule("approval"),
			What: "A local repository has no reviews: approval is judged at the forge."}}
		return r
	case f.Change == nil:
		r.Findings = []Finding{{Outcome: Skip, Rule: p.Rule("approval"), What: "Approval is asked of changes, not of tags."}}
		return r
	}
	if g, ok := f.Gap("reviews"); ok {
		r.Findings = []Finding{{Outcome: Unknown, Rule: r.Rule, What: "The reviews could not be read: " + plain(g.Reason, 100)}}
		return r
	}
	b := newBallot(p, f)
	asked, findings := b.weigh()
	r.Findings = append(b.objections(), findings...)
	if asked {
		r.Findings = append(r.Findings, b.commitsUnread()...)
	}
	r.Pass = b.passSentence(r.Findings)
	return r
}

// wantApproval asks for the rights behind the opinions given, and for CODEOWNERS where a rule speaks of owners.
func wantApproval(p *policy.Policy, f *Facts, w *Wants) {
	if f.Local || f.Change == nil {
		return
	}
	if _, ok := f.Gap("reviews"); ok {
		return
	}
	b := newBallot(p, f)
	for i := range b.rules {
		b.wantRule(i, w)
	}
	b.wantObjectors(w)
}

// wantRule asks for what is still open about one rule: nothing when it is settled either way.
func (b *ballot) wantRule(i int, w *Wants) {
	r := b.rules[i]
	if !b.named(r.Name) || policy.Weaker(r.Mode, "") == policy.Off {
		return
	}
	s := b.standing(i)
	if s.applies == dunno {
		b.wantWhen(&r.When, w)
	}
	if s.applies == no {
		return
	}
	if s.met == dunno {
		b.wantWhen(&r.Needs, w)
	}
	if s.poll == nil {
		return
	}
	if s.poll.listens() {
		w.WantComments(b.f)
	}
	if s.met == dunno || s.early < s.at && b.awaited(r.Name) {
		var people []Person
		for _, v := range s.poll.votes {
			if v.at > s.soonest {
				people = append(people, v.by)
			}
		}
		b.wantSelectors(w, people, s.from)
	}
}

// wantWhen asks for what conditions hang on: the rights of people that they name, and signatures.
func (b *ballot) wantWhen(c *policy.When, w *Wants) {
	if !c.Authors.Zero() {
		b.wantSelectors(w, []Person{b.f.Change.Author}, named(c.Authors, b.pol))
	}
	if !c.Contributors.Zero() {
		b.wantSelectors(w, b.party(), named(c.Contributors, b.pol))
	}
	if !c.OnlyContributors.Zero() {
		b.wantSelectors(w, b.party(), named(c.OnlyContributors, b.pol))
	}
	wantExpression(c.Expression, b.f, w)
}

// awaited says whether another rule comes after the one named, so that it matters when that was met.
func (b *ballot) awaited(name string) bool {
	return slices.ContainsFunc(b.rules, func(r policy.ApprovalRule) bool { return slices.Contains(r.After, name) })
}

// wantSelectors asks for whether these people fit, owners of paths included.
func (b *ballot) wantSelectors(w *Wants, people []Person, from []selector) {
	wantFits(b.f, w, people, from)
	for _, s := range from {
		if s.kind == theOwners {
			b.wantOwners(w, people)
		}
	}
}
