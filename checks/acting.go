package checks

import (
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
)

// Who may command is asked of the forge at that moment. What is here says what to ask, and reads the answers, which come
// in as facts: Facts.People, Teams and Orgs must then hold nothing older.

// WantEntitled asks for what Entitled has to know about one person.
func WantEntitled(pol *policy.Policy, f *Facts, w *Wants, p Person, from policy.From) {
	selectors := named(from, pol)
	wantFits(f, w, []Person{p}, selectors)
	if f.Change != nil && slices.ContainsFunc(selectors, isOwners) {
		newBallot(pol, f).wantOwners(w, []Person{p})
	}
}

// Entitled says whether p is one of those that from names, owners of the paths touched included. known is false when
// the facts do not tell; whoever asks about a command takes that for a no.
func Entitled(pol *policy.Policy, f *Facts, p Person, from policy.From) (yes, known bool) {
	selectors := named(from, pol)
	if f.Change == nil {
		return f.fitsAny(p, selectors)
	}
	a, _ := newBallot(pol, f).fits(p, selectors)
	return a == told(true, true), a != told(false, false)
}

// TookPart says whether p is the author of the change or one of the authors, committers and co-authors of its commits.
// A commit whose author the forge cannot name is p's when it bears p's name or address. known is false when the
// commits were not all read: then anybody may have taken part.
func TookPart(f *Facts, p Person) (yes, known bool) {
	if f.Change == nil {
		return false, false
	}
	c := contributorsOf(f)
	_, gap := f.Gap("commits")
	b := &poll{b: &ballot{f: f}, unnamed: c.unnamed}
	switch {
	case sameAccount(p, f.Change.Author), c.includes(p), b.alike(p):
		return true, true
	case gap, len(f.Commits) < f.Change.CommitCount:
		return false, false
	}
	return false, true
}

// Unnamed says that a commit has an author whom the forge cannot name: it might be anyone, whoever acts on the change too.
func Unnamed(f *Facts) bool { return contributorsOf(f).anyone }

// Names are the checks of a change under these policies, as commands name them: the four, the house rules, and policy.
func Names(set *policy.Set) []string {
	var names []string
	for _, c := range All() {
		names = append(names, c.Name)
	}
	if set != nil {
		for _, layer := range set.Layers {
			for _, h := range layer.Checks {
				if !slices.Contains(names, h.Name) {
					names = append(names, h.Name)
				}
			}
		}
	}
	return append(names, "policy")
}

// AtLeast says whether the right `has` contains the right `asked`: none, read, triage, write, maintain, admin.
func AtLeast(has, asked string) bool { return atLeast(strings.ToLower(has), asked) }
