package checks

import (
	"slices"

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

// ballot is what the reviews of a change say under one policy, before anybody's right is asked.
type ballot struct {
	f     *Facts
	pol   *policy.Policy
	rules []policy.ApprovalRule

	votes   []vote   // approvals that count for whoever holds the right, in the order given
	void    []void   // approvals that do not, and why
	against []Review // whose latest opinion is that changes are needed, in the order given

	unnamed   []string // names and addresses, lower case, of contributors whom the forge cannot name
	anyone    bool     // there are such contributors
	old       bool     // there are approvals of earlier commits that the commits since decide about
	paths     []string // touched, old paths of renames included
	owners    *ownership
	standings []*standing
}

// vote is an approval by a person who is not excluded, of a commit that counts.
type vote struct {
	at    int // position among the reviews: the order at the forge
	by    Person
	alike bool // shares a name or an address with a contributor whom the forge cannot name
}

// byContributor is why the approval of a contributor does not count.
const byContributor = "contributed to the commits"

// void is an approval that does not count.
type void struct {
	by  Person
	why string
}

func newBallot(p *policy.Policy, f *Facts) *ballot {
	b := &ballot{f: f, pol: p, rules: p.Approval.Rules, standings: make([]*standing, len(p.Approval.Rules))}
	var c contributors
	if slices.Contains(p.Approval.Exclude, "contributors") {
		c = contributorsOf(f)
		b.unnamed, b.anyone = c.unnamed, c.anyone
	}
	author := slices.Contains(p.Approval.Exclude, "author")
	fresh := freshness(p.Approval.Stale, f)
	for i, r := range latest(f.Reviews) {
		if r == nil {
			continue
		}
		if r.State == "changes_requested" {
			b.against = append(b.against, *r)
			continue
		}
		b.old = b.old || r.Commit != f.Change.Head.Commit
		why := ""
		switch {
		case !r.By.Human():
			why = "is no person's account"
		case author && sameAccount(r.By, f.Change.Author):
			why = "is the author"
		case c.includes(r.By):
			why = byContributor
		case !fresh(r.Commit):
			why = "approved an earlier commit"
		}
		if why != "" {
			b.void = append(b.void, void{r.By, why})
			continue
		}
		b.votes = append(b.votes, vote{at: i, by: r.By, alike: b.alike(r.By)})
	}
	b.dropOvertaken()
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

// dropOvertaken forgets void approvals of people who have given one that counts.
func (b *ballot) dropOvertaken() {
	seen := map[int64]bool{}
	for _, v := range b.votes {
		seen[v.by.ID] = true
	}
	b.void = slices.DeleteFunc(b.void, func(v void) bool {
		again := v.by.ID != 0 && seen[v.by.ID]
		seen[v.by.ID] = true
		return again
	})
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
