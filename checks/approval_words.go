package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
)

// passSentence names the approvers of the rules that are met, each once.
func (b *ballot) passSentence(findings []Finding) string {
	if !slices.ContainsFunc(findings, func(x Finding) bool { return x.Outcome == Pass }) {
		return "No rule asks for an approval of this change."
	}
	var by []Person
	for _, s := range b.standings {
		if s == nil || s.met != yes || policy.Weaker(s.rule.Mode, "") != policy.Enforce {
			continue
		}
		for _, p := range s.by {
			if !slices.ContainsFunc(by, func(q Person) bool { return q.ID == p.ID }) {
				by = append(by, p)
			}
		}
	}
	if len(by) == 0 {
		return "The rules ask for no approval of this change."
	}
	return Clip("Approved by "+people(by, 3)+".", 140)
}

func (b *ballot) metSentence(s *standing) string {
	if len(s.by) == 0 {
		return "No approval is asked for" + inRule(s) + "."
	}
	return Clip("Approved by "+people(s.by, 3)+inRule(s)+".", 140)
}

// missingSentence says what a rule still needs, and of whom.
func (b *ballot) missingSentence(s *standing) string {
	more := max(s.need-len(s.by), 0)
	if s.lacking && (!s.asks() || more == 0 && len(s.bare) == 0 && len(s.before) == 0) {
		return Clip("Waits for what the policy wants besides approvals"+inRule(s)+": "+wanted(s.rule.Needs)+".", 140)
	}
	if !s.asks() {
		return Clip("Needs "+plain(strings.Join(s.before, " and "), 60)+" first"+inRule(s)+".", 140)
	}
	if len(s.before) > 0 {
		return Clip(fmt.Sprintf("Needs %s first, then %s by %s%s.",
			plain(strings.Join(s.before, " and "), 40), approvals(s.need, ""), b.whom(s), inRule(s)), 140)
	}
	switch {
	case len(s.bare) > 0:
		more = max(more, 1)
		g := s.bare[0]
		return Clip(fmt.Sprintf("Needs %s by %s, who own %s%s.", approvals(more, "more"),
			g.names(2), plain(g.path, 40), inRule(s)), 140)
	case more == 0:
		return Clip(fmt.Sprintf("Needs 1 more approval by %s who did not write the commits%s.", b.whom(s), inRule(s)), 140)
	}
	return Clip(fmt.Sprintf("Needs %s by %s%s.", approvals(more, "more"), b.whom(s), inRule(s)), 140)
}

// remedy says who could approve, as far as the facts know them, and why approvals given do not count.
func (b *ballot) remedy(s *standing) string {
	var lines []string
	if s.lacking {
		lines = append(lines, "Besides, this has to hold: "+wanted(s.rule.Needs)+".")
	}
	if !s.asks() {
		return strings.Join(lines, "\n")
	}
	if who := b.able(s); len(who) > 0 {
		lines = append(lines, "These people could approve: "+list(who, 8)+".")
	} else {
		what := "a review"
		if b.promotes {
			what = "an approval"
		}
		lines = append(lines, "Ask "+b.whom(s)+" for "+what+".")
	}
	for _, g := range s.bare {
		if len(lines) > 10 {
			break
		}
		lines = append(lines, fmt.Sprintf("%s%s: owned by %s (%s:%d).", plain(g.path, 120), others(g.more), g.names(5), b.ownership().file, g.line))
	}
	for i, v := range s.poll.void {
		if i == 10 {
			lines = append(lines, fmt.Sprintf("%d more approvals do not count.", len(s.poll.void)-i))
			break
		}
		lines = append(lines, fmt.Sprintf("The approval by %s does not count: %s %s.", login(v.by), login(v.by), v.why))
	}
	for _, v := range s.poll.votes {
		if v.at <= s.start || len(s.before) > 0 {
			lines = append(lines, "Approvals given before the earlier stage was met have to be given again.")
			break
		}
	}
	if s.poll.anyone {
		lines = append(lines, "Commits name "+s.poll.strangers()+", whom the forge does not know and who might be anyone: "+
			"one approval more is asked for. Adding the address to the account it belongs to ends that.")
	}
	return strings.Join(lines, "\n")
}

// mostWho is how many characters are spent on those who cure something.
const mostWho = 300

// cures are those whom the rule waits for: people by name where the facts know them.
func (b *ballot) cures(s *standing) string {
	if s.lacking && !s.asks() {
		return "whoever wrote the change" // what lacks is of the change
	}
	if who := b.able(s); len(who) > 0 {
		return Clip(list(who, 8), mostWho)
	}
	var owners []string
	for _, g := range s.bare[:min(len(s.bare), 4)] {
		if names := g.names(4); !slices.Contains(owners, names) {
			owners = append(owners, names)
		}
	}
	if len(owners) > 0 {
		return Clip(strings.Join(owners, "; and "), mostWho)
	}
	return Clip(b.whom(s), mostWho)
}

// strangers are some of the names and addresses that commits claim without an account.
func (b *poll) strangers() string {
	if len(b.unnamed) == 0 {
		return "somebody"
	}
	names := make([]string, 0, 4)
	for _, n := range b.unnamed[:min(len(b.unnamed), 4)] {
		names = append(names, plain(n, 60))
	}
	return strings.Join(names, ", ")
}

// able are logins of people who could approve under the rule and have not, as far as the facts know them.
func (b *ballot) able(s *standing) []string {
	var names []string
	for _, x := range s.from {
		switch x.kind {
		case aUser:
			names = append(names, x.name)
		case aTeam:
			for _, id := range b.f.Teams[x.name].Members {
				if p, ok := b.f.People[id]; ok && p.Login != "" {
					names = append(names, p.Login)
				}
			}
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		return b.barred(s, n) || slices.ContainsFunc(s.by, func(p Person) bool { return sameLogin(p, n) })
	})
	for i, n := range names {
		names[i] = plain(n, 39)
	}
	slices.SortFunc(names, func(x, y string) int { return strings.Compare(strings.ToLower(x), strings.ToLower(y)) })
	return slices.Compact(names)
}

// barred says whether the account of that login may not approve this change.
func (b *ballot) barred(s *standing, name string) bool {
	if s.poll == nil {
		return false
	}
	author, others := sameLogin(b.f.Change.Author, name), slices.Contains(s.poll.exclude, "other-contributors")
	return slices.Contains(s.poll.exclude, "author") && author ||
		slices.ContainsFunc(s.poll.void, func(v void) bool { return v.why == byContributor && sameLogin(v.by, name) }) ||
		(slices.Contains(s.poll.exclude, "contributors") || others && !author) && contributed(b.f, name)
}

// wanted puts what a rule needs besides approvals into a few words.
func wanted(w policy.When) string {
	switch {
	case w.Expression != nil:
		return plain(w.Expression.Source, 90)
	case !w.Authors.Zero():
		return "the author is among those named"
	case !w.Contributors.Zero() || !w.OnlyContributors.Zero():
		return "the contributors are among those named"
	case len(w.Labels) > 0:
		return "one of the labels " + plain(strings.Join(w.Labels, ", "), 60)
	case w.Title != "":
		return "a title that matches " + plain(w.Title, 60)
	}
	return "the change is of the kind named"
}

func contributed(f *Facts, name string) bool {
	return slices.ContainsFunc(f.Commits, func(m Commit) bool {
		return sameLogin(m.Author, name) || sameLogin(m.Committer, name) ||
			slices.ContainsFunc(m.CoAuthors, func(p Person) bool { return sameLogin(p, name) })
	})
}

// whom names those whom a rule asks, in a few words.
func (b *ballot) whom(s *standing) string {
	from := s.from
	if from == nil {
		from = named(s.rule.From, b.pol)
	}
	var names []string
	for _, x := range from {
		switch x.kind {
		case aUser, aTeam:
			names = append(names, plain(x.name, 50))
		case anOrganization:
			names = append(names, "a member of "+plain(x.name, 39))
		case aPermission:
			names = append(names, holder(x.name))
		case theOwners:
			names = append(names, "an owner of the paths")
		}
	}
	if len(names) == 0 {
		return "nobody, since the rule names nobody"
	}
	return list(names, 3)
}

func holder(permission string) string {
	switch permission {
	case "admin":
		return "an administrator"
	case "maintain":
		return "a maintainer"
	}
	return "somebody with " + plain(permission, 20) + " access"
}

// people names some accounts in a sentence: "ana, bo and 2 more".
func people(ps []Person, some int) string {
	var names []string
	for _, p := range ps {
		names = append(names, login(p))
	}
	return joined(names, some, "and")
}

func list(names []string, some int) string { return joined(names, some, "or") }

func joined(names []string, some int, word string) string {
	switch {
	case len(names) > some:
		return fmt.Sprintf("%s %s %d more", strings.Join(names[:some], ", "), word, len(names)-some)
	case len(names) < 2:
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " " + word + " " + names[last]
}

// login is an account as it may stand in a sentence.
func login(p Person) string {
	if p.Login == "" {
		return "a deleted account"
	}
	return plain(p.Login, 39)
}

func approvals(n int, more string) string {
	if more != "" {
		more += " "
	}
	if n == 1 {
		return "1 " + more + "approval"
	}
	return fmt.Sprintf("%d %sapprovals", n, more)
}

func others(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" and %d other paths", n)
}

func quoted(name string) string {
	if name == "" {
		return ""
	}
	return ` "` + plain(name, 50) + `"`
}

func inRule(s *standing) string {
	if s.rule.Name == "" {
		return ""
	}
	return " (rule" + quoted(s.rule.Name) + ")"
}
