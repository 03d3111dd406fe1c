package checks

import (
	"slices"
	"strings"

	"github.com/hmarr/codeowners"

	"github.com/sluicegate/sluice/checks/policy"
)

// mostAsked is how many reviewers GitHub takes for one change.
const mostAsked = 15

// ReviewersToAsk lists whose review to request: the people (logins) and teams ("org/slug") whom rules that still lack
// approvals name, stage by stage. Left out are the author, contributors and others whose approval would not count,
// everybody who has reviewed or is asked already, and teams a member of which has. Where a right alone is named nobody
// in particular is asked, and nobody for a draft or a change that is not open. Both lists are sorted.
//
// It tells what is not asked now: a forge forgets a request once it was answered, so who asks on this word keeps for
// itself whom it has asked before.
func ReviewersToAsk(set *policy.Set, f *Facts) (users, teams []string) {
	if f.Local || f.Change == nil || f.Change.Draft || f.Change.State != "open" {
		return nil, nil
	}
	if _, gap := f.Gap("reviews", "commits"); gap {
		return nil, nil
	}
	for _, p := range set.Layers {
		if mode := p.ModeOf("approval"); mode == policy.Off || mode == policy.Observe {
			continue
		}
		b := newBallot(p, f)
		for i := range b.rules {
			u, t := b.unasked(i)
			users, teams = append(users, u...), append(teams, t...)
		}
	}
	users, teams = sortedOnce(users), sortedOnce(teams)
	users = users[:min(len(users), mostAsked)]
	return users, teams[:min(len(teams), mostAsked-len(users))]
}

// unasked are those whom rule i waits for.
func (b *ballot) unasked(i int) (users, teams []string) {
	r := &b.rules[i]
	if mode := policy.Weaker(r.Mode, ""); mode == policy.Off || mode == policy.Observe || !b.named(r.Name) {
		return nil, nil
	}
	s := b.standing(i)
	if s.applies != yes || s.met == yes || len(s.before) > 0 || !s.asks() {
		return nil, nil
	}
	for _, x := range s.from {
		switch x.kind {
		case aUser:
			users = append(users, x.name)
		case aTeam:
			teams = append(teams, x.name)
		}
	}
	for _, g := range s.bare {
		for _, o := range g.owners {
			switch o.Type {
			case codeowners.UsernameOwner:
				users = append(users, o.Value)
			case codeowners.TeamOwner:
				teams = append(teams, strings.ToLower(o.Value))
			}
		}
	}
	users = slices.DeleteFunc(users, func(u string) bool { return b.barred(s, u) || b.heard(u) || b.isAsked(u) })
	teams = slices.DeleteFunc(teams, func(t string) bool { return b.isAsked(t) || b.heardOf(t) })
	return users, teams
}

// heard says whether somebody has given any opinion, or is the author.
func (b *ballot) heard(user string) bool {
	return sameLogin(b.f.Change.Author, user) ||
		slices.ContainsFunc(b.f.Reviews, func(r Review) bool { return sameLogin(r.By, user) })
}

// heardOf says whether a member of the team, as far as those are known, has given any opinion.
func (b *ballot) heardOf(team string) bool {
	return slices.ContainsFunc(b.f.Reviews, func(r Review) bool {
		in, _ := has(b.f.Teams, team, r.By.ID)
		return in
	})
}

func (b *ballot) isAsked(name string) bool {
	return slices.ContainsFunc(b.f.Change.Requested, func(r string) bool { return strings.EqualFold(r, name) })
}

func sortedOnce(names []string) []string {
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.CompactFunc(names, strings.EqualFold)
}
