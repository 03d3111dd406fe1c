package checks

import (
	"fmt"

	"github.com/sluicegate/sluice/checks/policy"
)

// party are the accounts that had a hand in the change: who opened it, and who wrote or committed its commits, the account
// as which a forge commits what is edited on its pages among them. Co-authors are what a message claims.
func (b *ballot) party() []Person {
	people := []Person{b.f.Change.Author}
	seen := map[int64]bool{b.f.Change.Author.ID: true}
	for i := range b.f.Commits {
		m := &b.f.Commits[i]
		for _, p := range []Person{m.Author, m.Committer} {
			if p.ID != 0 && !seen[p.ID] {
				people, seen[p.ID] = append(people, p), true
			}
		}
	}
	return people
}

// isForge says that a name without an account is the forge's, or a bot's that it does not tell more of.
func isForge(p Person, at place) bool { return itself(p, at) }

// claimed says that an account is read out of an address alone: a forge names no account for what a bot commits.
func (b *ballot) claimed(p Person) bool {
	return p.Kind != "user" && p.Login != "web-flow" && p.ID != b.f.Change.Author.ID
}

func onlyClaimed(p Person) string {
	return "That " + login(p) + " wrote some of the commits is only what they claim."
}

// strange says why it is not known who had a hand in the change, if so: a commit names somebody without an account, or
// not all commits were read.
func (b *ballot) strange() (string, bool) {
	if g, gap := b.f.Gap("commits"); gap {
		return "The commits are not all known: " + plain(g.Reason, 80), true
	}
	if len(b.f.Commits) < b.f.Change.CommitCount {
		return "The commits were not all read.", true
	}
	at := placeOf(b.f)
	for i := range b.f.Commits {
		m := &b.f.Commits[i]
		for _, p := range []Person{m.Author, m.Committer} {
			if p.ID == 0 && !isForge(p, at) {
				return fmt.Sprintf("Who %s in commit %.10s is, the forge does not know.", plain(folded(p.Name+" "+p.Email), 50), m.ID), true
			}
		}
	}
	return "", false
}

// bySome holds when one of them is meant. Where somebody is not known, not finding one proves nothing.
func (b *ballot) bySome(w *policy.When) (answer, string) {
	if w.Contributors.Zero() {
		return yes, ""
	}
	from, a, why := named(w.Contributors, b.pol), no, ""
	for _, p := range b.party() {
		switch x, reason := b.fits(p, from); {
		case x == yes && b.claimed(p):
			a, why = dunno, onlyClaimed(p)
		case x == yes:
			return yes, ""
		case x == dunno:
			a, why = dunno, reason
		}
	}
	if reason, strange := b.strange(); strange && a == no {
		return dunno, reason
	}
	return a, why
}

// byOnly holds when all of them are meant.
func (b *ballot) byOnly(w *policy.When) (answer, string) {
	if w.OnlyContributors.Zero() {
		return yes, ""
	}
	from, a, why := named(w.OnlyContributors, b.pol), yes, ""
	for _, p := range b.party() {
		switch x, reason := b.fits(p, from); {
		case x == no && b.claimed(p):
			a, why = dunno, onlyClaimed(p)
		case x == no:
			return no, ""
		case x == dunno:
			a, why = dunno, reason
		}
	}
	if reason, strange := b.strange(); strange && a == yes {
		return dunno, reason
	}
	return a, why
}
