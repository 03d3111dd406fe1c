package gitlab

import (
	"context"
	"fmt"
	"time"
)

// A group may protect all environments of a tier in its projects and in those of its subgroups (Premium). Such a protection stands
// beside the environment's own, and a deployment has to satisfy both. GitLab shows it to who is Maintainer of that group: the
// token of a project, or of a group below, is told that there is nothing, and sluice doctor says so.

// protectionOf is a protection with the path of the project or group that it is of. That of a group is called as a tier.
type protectionOf struct {
	protectedNode
	of string
}

// aboveAt are the protections of one group.
type aboveAt struct {
	list []protectedNode
	seen bool // false: the token is not shown them, or the instance has none
	at   time.Time
}

const mostProtected = 3 // pages; there are five tiers

// above are the protections of the groups that a project lies in, each group read some minutes apart.
func (c *Client) above(ctx context.Context, a *access, repo string) (list []protectionOf, err error) {
	p, err := c.project(ctx, repo)
	if err != nil || p.Namespace == nil || p.Namespace.Kind == "user" {
		return nil, err
	}
	for _, group := range groupsAbove(p.PathWithNamespace) {
		now, err := c.protectedBy(ctx, a, group)
		if err != nil {
			return nil, err
		}
		for _, one := range now.list {
			list = append(list, protectionOf{one, "groups/" + escaped(group)})
		}
	}
	return list, nil
}

// groupsAbove are the groups that a project lies in, the topmost first.
func groupsAbove(project string) (list []string) {
	for i, r := range project {
		if r == '/' {
			list = append(list, project[:i])
		}
	}
	return list
}

// protectedBy are the protections of one group. What was seen before and is not any more is no evidence of its being gone.
func (c *Client) protectedBy(ctx context.Context, a *access, group string) (aboveAt, error) {
	key := under(number(a.n), group)
	known, ok := c.promo.above.Get(key)
	if ok && c.within(known.at, remembered) {
		return known, nil
	}
	now := aboveAt{at: c.opts.Now()}
	var err error
	if now.list, now.seen, err = protections[protectedNode](ctx, a, group); err != nil {
		return now, err
	}
	if known.seen && !now.seen {
		return now, fmt.Errorf("GitLab does not show any more what the group %s protects: the token's account has to be Maintainer there", group)
	}
	c.promo.above.Add(key, now)
	return now, nil
}

// protections are a group's; seen is false where GitLab does not show them.
func protections[T any](ctx context.Context, a *access, group string) (list []T, seen bool, err error) {
	list, _, err = pages[T](ctx, a, "groups/"+escaped(group)+"/protected_environments", nil, mostProtected)
	if absent(err) {
		return nil, false, nil
	}
	return list, err == nil, err
}
