package checks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// contributors are the authors, committers and co-authors of the commits of a change.
//
// All of it is what the commits claim. Whom the forge gives an account for is excluded by id. Where it gives none, a
// no-reply address of the forge still names the account. Who is left might be anyone, an approver too: such a name
// excludes nobody, but it costs one approval more than the rule asks, since at most one of the approvers is that
// contributor, and at least one of them must share none of the names and addresses claimed.
type contributors struct {
	ids     map[int64]bool
	logins  map[string]bool // lower case, of those without an id
	unnamed []string        // lower case, sorted: names and addresses of those without an account
	anyone  bool
}

func contributorsOf(f *Facts) contributors {
	c := contributors{ids: map[int64]bool{}}
	at := placeOf(f)
	for i := range f.Commits {
		m := &f.Commits[i]
		c.add(m.Author, at)
		if !itself(m.Committer, at) {
			c.add(m.Committer, at)
		}
		for _, p := range m.CoAuthors {
			c.add(p, at)
		}
	}
	slices.Sort(c.unnamed)
	c.unnamed = slices.Compact(c.unnamed)
	return c
}

func (c *contributors) add(p Person, at place) {
	if p.ID != 0 {
		c.ids[p.ID] = true
		return
	}
	if p.Kind == "bot" || p.Kind == "app" {
		return // no person
	}
	id, login := fromNoReply(p.Email, at)
	if p.Login != "" && !strings.EqualFold(p.Login, "ghost") {
		login = p.Login
	}
	switch {
	case id != 0:
		c.ids[id] = true
	case login != "":
		if c.logins == nil {
			c.logins = map[string]bool{}
		}
		c.logins[strings.ToLower(login)] = true
	default:
		c.anyone = true
		for _, s := range []string{p.Name, p.Email} {
			if s = folded(s); s != "" {
				c.unnamed = append(c.unnamed, s)
			}
		}
	}
}

func (c *contributors) includes(p Person) bool {
	return c.ids[p.ID] || len(c.logins) > 0 && c.logins[strings.ToLower(p.Login)]
}

// spare takes one account out.
func (c *contributors) spare(p Person) {
	delete(c.ids, p.ID)
	delete(c.logins, strings.ToLower(p.Login))
}

// alike says whether somebody bears a name or an address of a contributor whom the forge cannot name.
func (b *poll) alike(p Person) bool {
	if len(b.unnamed) == 0 {
		return false
	}
	known := b.b.f.People[p.ID]
	for _, s := range []string{p.Login, p.Name, p.Email, known.Login, known.Name, known.Email} {
		if s = folded(s); s == "" {
			continue
		}
		if _, found := slices.BinarySearch(b.unnamed, s); found {
			return true
		}
	}
	return false
}

func folded(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// itself says that the committer is the forge: GitHub commits what is edited or merged on its pages, under a name of
// its own, and keeps the person as the author.
func itself(p Person, at place) bool {
	if p.Kind == "bot" || p.Kind == "app" {
		return true
	}
	if at.noReply != "" {
		return false
	}
	local, domain, _ := strings.Cut(strings.ToLower(p.Email), "@")
	return p.ID == 0 && local == "noreply" && (domain == "github.com" || at.host != "" && domain == at.host) &&
		(p.Name == "GitHub" || p.Name == "GitHub Enterprise")
}

// place is what of the forge it takes to read its addresses.
type place struct{ host, noReply string }

func placeOf(f *Facts) place { return place{hostOf(f.Repository.URL), f.Repository.NoReply} }

// fromNoReply reads the account out of an address that the forge gives to those who hide theirs:
// 123+login@users.noreply.github.com, login@users.noreply.github.com, and 123-login@… at GitLab. Another forge's address
// says nothing of the accounts at this one.
func fromNoReply(email string, at place) (id int64, login string) {
	local, domain, ok := strings.Cut(strings.ToLower(strings.TrimSpace(email)), "@")
	if !ok || local == "" {
		return 0, ""
	}
	github := domain == "users.noreply.github.com"
	switch {
	case at.noReply != "":
		if domain != strings.ToLower(at.noReply) {
			return 0, ""
		}
	case !github && domain != "users.noreply.gitlab.com" && (at.host == "" || domain != "users.noreply."+at.host):
		return 0, ""
	}
	if i := strings.IndexAny(local, "+-"); i > 0 && (local[i] == '+' || !github) {
		if n, err := strconv.ParseInt(local[:i], 10, 64); err == nil && n > 0 {
			return n, local[i+1:]
		}
	}
	return 0, local
}

// hostOf is the host of the repository's page, lower case, without a port.
func hostOf(url string) string {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, ":")
	return strings.ToLower(host)
}

// commitsUnread says that the commits, on which it hangs who may approve, are not all there.
func (b *ballot) commitsUnread() []Finding {
	excluding, since := false, false
	for i, s := range b.standings {
		if s == nil || s.applies == no || !s.asks() {
			continue
		}
		p := b.poll(&b.rules[i])
		excluding = excluding || slices.Contains(p.exclude, "contributors") || slices.Contains(p.exclude, "other-contributors")
		since = since || p.stale == "push-by-others" && p.old
	}
	if !excluding && !since {
		return nil
	}
	x := Finding{Outcome: Unknown, Rule: b.pol.Rule("approval.exclude")}
	if !excluding {
		x.Rule = b.pol.Rule("approval.stale")
	}
	have, all := len(b.f.Commits), b.f.Change.CommitCount
	g, gap := b.f.Gap("commits")
	switch {
	case have > 0 && have < all:
		x.Outcome = Fail
		x.What = fmt.Sprintf("Only %d of %d commits can be read, so who contributed is not known: split the change or squash it.", have, all)
		x.How = "Approvals of contributors do not count, and a commit that cannot be seen may be anybody's."
	case gap:
		x.What = "The commits could not be read, so who contributed is not known: " + plain(g.Reason, 60)
	case have < all:
		x.What = "The commits were not read, so who contributed is not known."
	default:
		return nil
	}
	return []Finding{x}
}

// freshness says which commits an approval may be of, under `stale`.
//
//   - commit: the head alone.
//   - push-by-others: an earlier commit of the change too, as long as every commit that is not among its ancestors
//     is the author's own: author and committer are the account that opened the change (or the forge, committing for
//     it), with no co-author. What this lets through is work by the author that nobody looked at; it is meant for
//     teams that trust an author after the first approval and want to see everybody else's pushes. It rests on what
//     commits claim, so somebody who may push to the branch can pass for the author: where that matters, use commit.
//     An approval of a commit that is no longer in the change (a force-push) is stale.
//   - never: any commit.
func freshness(stale string, f *Facts) func(commit string) bool {
	head := f.Change.Head.Commit
	switch stale {
	case "never":
		return func(string) bool { return true }
	case "push-by-others":
		known := map[string]bool{}
		return func(commit string) bool {
			if commit == head {
				return head != ""
			}
			fresh, ok := known[commit]
			if !ok {
				fresh = onlyAuthorSince(f, commit)
				known[commit] = fresh
			}
			return fresh
		}
	default:
		return func(commit string) bool { return commit == head && head != "" }
	}
}

// onlyAuthorSince says whether every commit of the change that is not part of what was approved is the author's own.
// Where the forge leaves parents out, all commits but the one approved must be.
func onlyAuthorSince(f *Facts, approved string) bool {
	if _, gap := f.Gap("commits"); gap || len(f.Commits) < f.Change.CommitCount {
		return false
	}
	seen := ancestors(f.Commits, approved)
	if seen == nil {
		return false
	}
	at := placeOf(f)
	for i := range f.Commits {
		if m := &f.Commits[i]; !seen[m.ID] && !ownWork(m, f.Change.Author, at) {
			return false
		}
	}
	return true
}

func ownWork(m *Commit, author Person, at place) bool {
	mine := author.ID != 0 && m.Author.ID == author.ID && len(m.CoAuthors) == 0
	return mine && (m.Committer.ID == author.ID || itself(m.Committer, at))
}

// ancestors are the commits of the change that are part of the given one, itself included; nil when it is none of
// them. Where the forge leaves out parents that is the one commit alone.
func ancestors(commits []Commit, of string) map[string]bool {
	at := make(map[string]int, len(commits))
	told := true
	for i := range commits {
		at[commits[i].ID] = i
		told = told && len(commits[i].Parents) > 0
	}
	if _, ok := at[of]; !ok {
		return nil
	}
	seen, todo := map[string]bool{of: true}, []string{of}
	for told && len(todo) > 0 {
		i := at[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		for _, id := range commits[i].Parents {
			if _, ours := at[id]; ours && !seen[id] {
				seen[id] = true
				todo = append(todo, id)
			}
		}
	}
	return seen
}
