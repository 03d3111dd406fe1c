package github

import (
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/patterns"
)

// person is an account; a deleted one is nobody.
func person(a *actorNode) checks.Person {
	if a == nil {
		return checks.Person{}
	}
	p := checks.Person{ID: a.DatabaseID, Login: a.Login}
	switch a.Typename {
	case "User":
		p.Kind = "user"
		if a.Login == "ghost" {
			return checks.Person{}
		}
	case "Bot":
		p.Kind = "bot"
		if !strings.HasSuffix(p.Login, "[bot]") {
			p.Login += "[bot]" // as everybody writes it; GraphQL leaves it out
		}
	}
	return p
}

// noreply is the address that GitHub gives to accounts. It is all that GraphQL shows of a bot as author.
var noreply = patterns.New(`^(\d{1,18})\+([A-Za-z0-9-]+\[bot\])@users\.noreply\.[A-Za-z0-9.-]+$`)

// author is a name in a commit, with the account that GitHub finds for it.
func author(n *nameNode) checks.Person {
	if n == nil {
		return checks.Person{}
	}
	p := checks.Person{Name: n.Name, Email: n.Email}
	switch {
	case n.User != nil && n.User.Login == "web-flow", n.User == nil && strings.EqualFold(n.Email, "noreply@github.com"):
		p.Kind, p.Login = "bot", "web-flow"
		if n.User != nil {
			p.ID = n.User.DatabaseID
		}
	case n.User != nil:
		p.ID, p.Login, p.Kind = n.User.DatabaseID, n.User.Login, "user"
	default:
		if m := noreply.FindStringSubmatch(n.Email); m != nil {
			p.ID, _ = strconv.ParseInt(m[1], 10, 64) // at most 18 digits
			p.Login, p.Kind = m[2], "bot"
		}
	}
	return p
}

var trailer = patterns.New(`(?im)^co-authored-by:[ \t]*(.*?)[ \t]*<([^<>\n]+)>[ \t]*\r?$`)

func commits(nodes []*changeCommit) []checks.Commit {
	var cs []checks.Commit
	for _, n := range nodes {
		if n == nil {
			continue // counted against the total, hence seen
		}
		c := n.Commit
		cs = append(cs, checks.Commit{ID: c.OID, Message: c.Message, Author: author(c.Author), Committer: author(c.Committer), CoAuthors: coAuthors(n), At: c.CommittedDate.UTC()})
	}
	return cs
}

// parents fills in the parents of a change's commits where all of them were told.
func parents(cs []checks.Commit, pr *changeNode) {
	if len(cs) != len(pr.Line.Nodes) || pr.Commits.TotalCount != len(cs) {
		return
	}
	for i, n := range pr.Line.Nodes {
		if n == nil || n.Commit.OID != cs[i].ID {
			return
		}
	}
	for i, n := range pr.Line.Nodes {
		for _, p := range n.Commit.Parents.Nodes {
			cs[i].Parents = append(cs[i].Parents, p.OID)
		}
	}
}

// coAuthors are those of GitHub's list that are not the author. What is beyond the list's end is read from the message:
// such people have no account here, and count as unknown.
func coAuthors(n *changeCommit) []checks.Person {
	c := n.Commit
	var people []checks.Person
	seen := map[string]bool{}
	if c.Author != nil {
		seen[strings.ToLower(c.Author.Email)] = true
	}
	for i := range c.Authors.Nodes {
		a := &c.Authors.Nodes[i]
		if key := strings.ToLower(a.Email); !seen[key] {
			seen[key] = true
			people = append(people, author(a))
		}
	}
	if c.Authors.TotalCount > len(c.Authors.Nodes) {
		for _, m := range trailer.FindAllStringSubmatch(c.Message, -1) {
			if key := strings.ToLower(m[2]); !seen[key] {
				seen[key] = true
				people = append(people, checks.Person{Name: m[1], Email: m[2]})
			}
		}
	}
	return people
}
