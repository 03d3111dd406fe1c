package checks

import (
	"github.com/sluicegate/sluice/checks/policy"
)

// answer is yes, no, or that the facts do not tell. The zero value is no.
type answer int

const (
	no answer = iota
	dunno
	yes
)

// told makes an answer of the pair that holds returns.
func told(is, known bool) answer {
	switch {
	case is:
		return yes
	case known:
		return no
	}
	return dunno
}

// ballot is what the reviews and comments of a change say under one policy, before anybody's right is asked.
type ballot struct {
	f     *Facts
	pol   *policy.Policy
	rules []policy.ApprovalRule

	said    []saying // in the order given
	against []saying // objections that stand, in the order given

	// Of the rules of an environment: where they stand in the policy, who has to leave it to others, and why it is not
	// known which change it is about.
	at       string
	promotes bool // it is about a promotion, which nobody reviews
	barring  func(Person) string
	orphaned string

	polls     map[string]*poll // by terms
	paths     []string         // touched, old paths of renames included
	owners    *ownership
	standings []*standing
}

func newBallot(p *policy.Policy, f *Facts) *ballot {
	b := &ballot{f: f, pol: p, rules: p.Approval.Rules, standings: make([]*standing, len(p.Approval.Rules)), polls: map[string]*poll{}}
	b.listen()
	return b
}

// latest keeps, at their positions, the opinions in force: a person's last request for changes, if nothing but
// comments followed it, or the approvals that no other opinion of the same person followed.
func latest(reviews []Review) []*Review {
	kept := make([]*Review, len(reviews))
	type account struct {
		id    int64
		login string // where there is no id
	}
	later := map[account]string{} // what came after: approved when there were approvals alone
	for i := len(reviews) - 1; i >= 0; i-- {
		r := &reviews[i]
		if r.State != "approved" && r.State != "changes_requested" && r.State != "dismissed" {
			continue
		}
		who := account{id: r.By.ID}
		if who.id == 0 {
			who.login = r.By.Login
		}
		after, spoke := later[who]
		if !spoke && r.State != "dismissed" || r.State == "approved" && after == "approved" {
			kept[i] = r
		}
		if after == "" || after == "approved" {
			later[who] = r.State
		}
	}
	return kept
}

// sameAccount compares by id, and by login only where one side has no id.
func sameAccount(a, b Person) bool {
	if a.ID != 0 && b.ID != 0 {
		return a.ID == b.ID
	}
	return a.Login != "" && sameLogin(a, b.Login)
}

// touched are the paths of the change, old paths of renames included.
func (b *ballot) touched() []string {
	if b.paths == nil {
		b.paths = make([]string, 0, len(b.f.Files)+8)
		for i := range b.f.Files {
			c := &b.f.Files[i]
			b.paths = append(b.paths, c.Path)
			if c.Old != "" && c.Old != c.Path {
				b.paths = append(b.paths, c.Old)
			}
		}
	}
	return b.paths
}

// filesUnread says why the files are not all there, if so.
func (b *ballot) filesUnread() (string, bool) {
	if g, ok := b.f.Gap("files"); ok {
		return "The changed files are not all known: " + plain(g.Reason, 80), true
	}
	if len(b.f.Files) == 0 && b.f.Change.ChangedFiles > 0 {
		return "The changed files were not read.", true
	}
	return "", false
}
