package github

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
)

// mostMembers bounds a team or organisation that is read whole, in pages of a hundred.
const mostMembers = 50

// groupName is "org" or "org/team", checked.
func groupName(s string) (org, team string, ok bool) {
	org, team, both := strings.Cut(s, "/")
	return org, team, plain(org) && (!both || plain(team))
}

func groupsPart(names []string) string {
	var b strings.Builder
	for i, name := range names {
		org, team, _ := groupName(name)
		if team != "" {
			fmt.Fprintf(&b, "g%d: organization(login: %s) { team(slug: %s) { members(first: 100) { ...TeamMembers } } } ", i, quoted(org), quoted(team))
		} else {
			fmt.Fprintf(&b, "g%d: organization(login: %s) { membersWithRole(first: 100) { ...OrgMembers } } ", i, quoted(org))
		}
	}
	return b.String()
}

// group is a team or organisation that was read within the last minute. Teams belong to who may see them: what one
// installation was told is no answer to another.
func (r *reading) group(name string) (groupAt, bool) {
	g, ok := r.c.memory.groups.Get(r.groupKey(name))
	return g, ok && r.young(g.at)
}

func (r *reading) groupKey(name string) string {
	return fmt.Sprintf("%d:%s", r.in.id, strings.ToLower(name))
}

func (r *reading) keepGroup(name string, g checks.Group, why string) {
	r.c.memory.groups.Add(r.groupKey(name), groupAt{group: g, why: why, at: r.c.opts.Now()})
}

func (r *reading) wantGroups(w *checks.Wants, o *order) {
	for _, name := range append(append([]string{}, w.Teams...), w.Orgs...) {
		if _, ok := r.group(name); ok || slices.Contains(o.groups, name) {
			continue
		}
		if _, _, ok := groupName(name); !ok {
			r.keepGroup(name, checks.Group{}, "is no name that a team or an organisation can have")
			continue
		}
		o.groups = append(o.groups, name)
	}
}

// grouped takes in the first hundred members of each group that was asked for. What is larger is read on when it is
// wanted.
func (r *reading) grouped(names []string, node *answerNode) {
	for i, name := range names {
		n := node.groups[i]
		_, team, _ := groupName(name)
		switch {
		case n == nil || team == "" && n.Members == nil || team != "" && n.Team == nil:
			r.keepGroup(name, checks.Group{}, "does not exist, or the App may not see it (it needs the permission members=read)")
		case team != "":
			r.keepMembers(name, n.Team.Members)
		default:
			r.keepMembers(name, *n.Members)
		}
	}
}

func (r *reading) keepMembers(name string, n membersNode) {
	g, next := checks.Group{Complete: !n.PageInfo.HasNextPage}, ""
	g.Members = members(nil, n)
	if !g.Complete {
		next = n.PageInfo.EndCursor
	}
	r.c.memory.groups.Add(r.groupKey(name), groupAt{group: g, next: next, at: r.c.opts.Now()})
}

func members(sofar []int64, n membersNode) []int64 {
	for _, m := range n.Nodes {
		if m != nil && m.DatabaseID != 0 {
			sofar = append(sofar, m.DatabaseID)
		}
	}
	slices.Sort(sofar)
	return slices.Compact(sofar)
}

// showGroups puts the groups wanted into the facts.
func (r *reading) showGroups(ctx context.Context, w *checks.Wants) error {
	for _, name := range w.Teams {
		g, err := r.whole(ctx, name)
		if err != nil {
			return err
		}
		if r.f.Teams == nil {
			r.f.Teams = map[string]checks.Group{}
		}
		r.f.Teams[name] = r.told("teams", "team", name, g)
	}
	for _, name := range w.Orgs {
		g, err := r.whole(ctx, name)
		if err != nil {
			return err
		}
		if r.f.Orgs == nil {
			r.f.Orgs = map[string]checks.Group{}
		}
		r.f.Orgs[name] = r.told("teams", "organisation", name, g)
	}
	return nil
}

func (r *reading) told(part, kind, name string, g groupAt) checks.Group {
	if !g.group.Complete {
		why := g.why
		if why == "" {
			why = fmt.Sprintf("has more members than the %d that were read", len(g.group.Members))
		}
		r.gap(part, "The %s %s %s.", kind, checks.Clip(name, 80), why)
	}
	return g.group
}

// whole is a group with all its members, read to its end.
func (r *reading) whole(ctx context.Context, name string) (groupAt, error) {
	g, ok := r.group(name)
	if !ok {
		return g, fmt.Errorf("read the members of %s: GitHub gave no answer", name)
	}
	for range mostMembers {
		if g.group.Complete || g.next == "" {
			break
		}
		org, team, _ := groupName(name)
		var node struct {
			Organization *organisationNode `json:"organization"`
		}
		errs, err := r.in.query(ctx, "Members", r.c.queries.document("Members", nil), map[string]any{"org": org, "slug": team, "team": team != "", "after": g.next}, &node)
		if err != nil {
			return g, err
		}
		if len(errs) > 0 {
			return g, errs[0].err("Members")
		}
		n := node.Organization
		if n == nil || team == "" && n.Members == nil || team != "" && n.Team == nil {
			return g, errors.New("read members: the group is gone")
		}
		page := n.Members
		if team != "" {
			page = &n.Team.Members
		}
		g.group.Members = members(slices.Clone(g.group.Members), *page)
		g.group.Complete, g.next = !page.PageInfo.HasNextPage, after(page.PageInfo)
	}
	g.at = r.c.opts.Now()
	r.c.memory.groups.Add(r.groupKey(name), g)
	return g, nil
}
