package github

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/quota"
)

var (
	_ gate.Metered = (*Client)(nil)
	_ gate.Pacer   = (*Client)(nil)
)

// shapes is what GitHub bears within a minute, besides its hourly quota: 900 points of REST and 2,000 of GraphQL, of which a
// read is one and a write five. A full bucket and what drops into it within a minute stay below that.
// Source: GitHub "Rate limits for the REST API", "About secondary rate limits".
func shapes() map[string]quota.Shape {
	return map[string]quota.Shape{"core": {Burst: 400, PerSecond: 8}, "graphql": {Burst: 900, PerSecond: 18}}
}

// readCost is about what a reading takes of the hourly quota, in points: one request, and sometimes a second.
const readCost = 2

// writes says whether a call changes something. A query is no write, though it is POSTed.
func (c call) writes(resource string) bool {
	return c.method != http.MethodGet && (resource != "graphql" || !c.safe)
}

// admit asks the purse. What belongs to something already begun is not held up: it would have to be read anew.
func (in *installation) admit(ctx context.Context, c call, resource string) error {
	now := in.client.opts.Now()
	if err := in.limits.check(resource, now); err != nil {
		return err
	}
	if c.writes(resource) {
		in.purse.Spend(resource, 5, now)
		return nil
	}
	return in.purse.Admit(gate.ClassOf(ctx), resource, 1, now, in.client.opts.Jitter())
}

// here is a time of GitHub's by our own clock.
func here(theirs time.Time, h http.Header, now time.Time) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return now.Add(theirs.Sub(t))
	}
	return theirs
}

// Quotas implements gate.Metered: of each installation that was asked for something since the start.
func (c *Client) Quotas() []gate.Quota {
	now := c.opts.Now()
	var list []gate.Quota
	for _, in := range c.all() {
		some := in.purse.Quotas(now)
		for i := range some {
			q := &some[i]
			q.Forge, q.Account, q.Name = "github", in.id, c.owner(in.id)
			q.Paused = in.limits.paused(q.Resource, now)
		}
		list = append(list, some...)
	}
	sorting.By(list, func(a, b gate.Quota) int {
		if a.Account != b.Account {
			return int(min(max(a.Account-b.Account, -1), 1))
		}
		return strings.Compare(a.Resource, b.Resource)
	})
	return list
}

// all are the App itself and the installations in use.
func (c *Client) all() []*installation {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := []*installation{c.jwt}
	for _, in := range c.installations {
		list = append(list, in)
	}
	return list
}

// owner is whose an installation is, as far as that is known.
func (c *Client) owner(id int64) string {
	if id == 0 {
		return "the App itself"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for repo, at := range c.known {
		if at == id {
			owner, _, _ := strings.Cut(repo, "/")
			return owner
		}
	}
	return ""
}

// paused is until when GitHub wants to be left alone with a resource; zero: it does not.
func (l *limits) paused(resource string, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := l.until[resource]
	if all := l.until[""]; all.After(until) {
		until = all
	}
	if !until.After(now) {
		return time.Time{}
	}
	return until
}

// Pace implements gate.Pacer. As long as all of it takes no more than half of what is left, it is only so fast that others
// come in between; else it is spread over the time until the quota is whole again.
func (c *Client) Pace(repo gate.Repo, n int) time.Duration {
	const quick = 50 * time.Millisecond
	_, left, lasts, known := c.purse(repo).Left("graphql", c.opts.Now())
	if !known || n == 0 || n*readCost <= left/2 {
		return quick
	}
	return max(quick, lasts/time.Duration(n))
}

// Sweeps implements gate.Pacer: what is read for no reason takes a quarter of the quota.
func (c *Client) Sweeps(repo gate.Repo, within time.Duration) int {
	limit, _, _, known := c.purse(repo).Left("graphql", c.opts.Now())
	if !known {
		return 1 << 30
	}
	return max(1, int(float64(limit)/4/readCost*within.Hours()))
}

// purse is that of the installation by which a repository is reached, as far as that is known.
func (c *Client) purse(repo gate.Repo) *quota.Purse {
	c.mu.Lock()
	id := c.known[strings.ToLower(repo.Name)]
	c.mu.Unlock()
	if repo.Installation != 0 {
		id = repo.Installation
	}
	return c.installation(id).purse
}
