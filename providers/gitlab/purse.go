package gitlab

import (
	"net/http"
	"time"

	"github.com/sluicegate/sluice/gate"
)

var (
	_ gate.Metered = (*Client)(nil)
	_ gate.Pacer   = (*Client)(nil)
)

// readCost is about how many requests a reading takes.
const readCost = 12

// admit asks the token's purse. A write belongs to something already begun, and is not held up.
func (a *access) admit(r *http.Request, safe bool, o Options) error {
	if !safe {
		return nil
	}
	return a.purse.Admit(gate.ClassOf(r.Context()), "api", 1, o.Now(), o.Jitter())
}

// told takes in what GitLab says is left of a minute's requests; the reset is told by its clock.
func (a *access) told(h http.Header, limit, left int, reset, now time.Time) {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		reset = now.Add(reset.Sub(t))
	}
	a.purse.Told("api", limit, left, reset.UTC(), now)
}

// Quotas implements gate.Metered: of each token, where GitLab has limits and says so.
func (c *Client) Quotas() []gate.Quota {
	now := c.opts.Now()
	var list []gate.Quota
	for _, a := range c.ways {
		for _, q := range a.purse.Quotas(now) {
			q.Forge, q.Account, q.Name = "gitlab", a.n, a.path
			if a.limits.check(now) != nil {
				a.limits.mu.Lock()
				q.Paused = a.limits.until
				a.limits.mu.Unlock()
			}
			list = append(list, q)
		}
	}
	return list
}

// Pace implements gate.Pacer: a quarter of what GitLab allows in a minute.
func (c *Client) Pace(repo gate.Repo, _ int) time.Duration {
	const quick = 50 * time.Millisecond
	if each := c.each(repo); each > 0 {
		return max(quick, 4*each)
	}
	return quick
}

// Sweeps implements gate.Pacer: what is read for no reason takes a tenth.
func (c *Client) Sweeps(repo gate.Repo, within time.Duration) int {
	if each := c.each(repo); each > 0 {
		return max(1, int(within/(10*each)))
	}
	return 1 << 30
}

// each is how often one may read when nobody else does; 0: as often as one likes.
func (c *Client) each(repo gate.Repo) time.Duration {
	a, err := c.way(repo.Name)
	if err != nil {
		return 0
	}
	limit, _, _, known := a.purse.Left("api", c.opts.Now())
	if !known {
		return 0
	}
	return time.Minute * readCost / time.Duration(limit)
}
