package checks

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"github.com/sluicegate/sluice/checks/policy"
)

// poll is what was said, weighed under the terms of a rule: whom it excludes, what makes an approval stale, and how one
// is given. Rules with the same terms share one.
type poll struct {
	b        *ballot
	rule     *policy.ApprovalRule
	exclude  []string
	stale    string
	text     []*regexp.Regexp
	comments []*regexp.Regexp

	votes []vote // approvals that count for whoever holds the right, in the order given
	void  []void // approvals that do not, and why
	why   string // some of it is not known, since

	unnamed []string // names and addresses, lower case, of contributors whom the forge cannot name
	anyone  bool     // there are such contributors
	old     bool     // there are approvals of earlier commits that the commits since decide about
}

// vote is an approval by a person who is not excluded, of a commit that counts.
type vote struct {
	at    int // position on the line of time
	by    Person
	alike bool // shares a name or an address with a contributor whom the forge cannot name
}

// byContributor is why the approval of a contributor does not count.
const byContributor = "contributed to the commits"

// wasEdited is why an approval does not count whose text somebody changed afterwards.
const wasEdited = "approved in words that were edited afterwards"

// void is an approval that does not count.
type void struct {
	by  Person
	why string
}

// poll is the one under the terms of a rule.
func (b *ballot) poll(r *policy.ApprovalRule) *poll {
	p := &poll{b: b, rule: r, exclude: r.Exclude, stale: cmp.Or(r.Stale, b.pol.Approval.Stale)}
	if p.exclude == nil {
		p.exclude = b.pol.Approval.Exclude
	}
	key := fmt.Sprintf("%q %s %s %q %q", p.exclude, p.stale, r.Reviews, r.ReviewText, r.Comments)
	if known := b.polls[key]; known != nil {
		return known
	}
	b.polls[key] = p
	p.text, p.comments = compiled(r.ReviewText), compiled(r.Comments)
	if p.listens() {
		p.why, _ = b.unheard()
	}
	p.hold()
	return p
}

// listens says whether the terms have to know what people said.
func (p *poll) listens() bool {
	return p.rule.Reviews == "unedited" || len(p.rule.ReviewText)+len(p.rule.Comments) > 0
}

// hold parts the approvals that count from those that do not.
func (p *poll) hold() {
	c := p.contributors()
	p.unnamed, p.anyone = c.unnamed, c.anyone
	fresh := freshness(p.stale, p.b.f)
	for i := range p.b.said {
		s := &p.b.said[i]
		if !p.approves(s) {
			continue
		}
		if why := p.objection(s, &c, fresh); why != "" {
			p.void = append(p.void, void{s.by(), why})
			if why == wasEdited && p.rule.Reviews == "unedited" { // what the same person said before is taken back by it
				p.votes = slices.DeleteFunc(p.votes, func(v vote) bool { return v.by.ID == s.by().ID })
			}
			continue
		}
		p.votes = append(p.votes, vote{at: s.at, by: s.by(), alike: p.alike(s.by())})
	}
	p.dropOvertaken()
}

// approves says whether something said is an approval under the terms.
func (p *poll) approves(s *saying) bool {
	if s.comment != nil {
		return matches(p.comments, s.comment.Text)
	}
	if s.review.State != "approved" || p.rule.Reviews == "none" {
		return false
	}
	if len(p.rule.ReviewText) > 0 {
		text, _ := p.b.text(s.review)
		return matches(p.text, text.Text)
	}
	return true
}

// objection is why an approval does not count; "" if it does.
func (p *poll) objection(s *saying, c *contributors, fresh func(string) bool) string {
	by := s.by()
	if p.b.barring != nil {
		if why := p.b.barring(by); why != "" {
			return why
		}
	}
	if s.review != nil {
		p.old = p.old || s.review.Commit != p.b.f.Change.Head.Commit
	}
	switch {
	case !by.Human():
		return "is no person's account"
	case slices.Contains(p.exclude, "author") && sameAccount(by, p.b.f.Change.Author):
		return "is the author"
	case c.includes(by):
		return byContributor
	case s.comment != nil && (s.comment.Edited || p.stale != "never"):
		return wasEdited
	case s.comment != nil && slices.ContainsFunc(p.b.against, func(o saying) bool { return sameAccount(o.by(), by) }):
		return "objects to the change"
	case s.review != nil && p.rule.Reviews == "unedited" && p.edited(s.review):
		return wasEdited
	case s.review != nil && !fresh(s.review.Commit):
		return "approved an earlier commit"
	}
	return ""
}

func (p *poll) edited(r *Review) bool {
	text, known := p.b.text(r)
	return !known || text.Edited
}

// contributors are those whom the terms exclude as such.
func (p *poll) contributors() contributors {
	var c contributors
	others := slices.Contains(p.exclude, "other-contributors")
	if !others && !slices.Contains(p.exclude, "contributors") {
		return c
	}
	c = contributorsOf(p.b.f)
	if author := p.b.f.Change.Author; others && !slices.Contains(p.exclude, "contributors") {
		c.spare(author)
	}
	return c
}

// dropOvertaken forgets void approvals of people who have given one that counts.
func (p *poll) dropOvertaken() {
	seen := map[int64]bool{}
	for _, v := range p.votes {
		seen[v.by.ID] = true
	}
	p.void = slices.DeleteFunc(p.void, func(v void) bool {
		again := v.by.ID != 0 && seen[v.by.ID]
		seen[v.by.ID] = true
		return again
	})
}
