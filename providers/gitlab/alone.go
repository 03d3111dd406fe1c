package gitlab

import (
	"context"
	"time"
)

// Of several who come at once to a project of which nothing is known, as after a start, each would read all that they share. One
// reads, and the others wait for what it finds.

// patience is how long they wait at most: then each reads for itself.
const patience = 10 * time.Second

// knows says that a project's settings are remembered, and with them what else its changes share.
func (c *Client) knows(repo string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known(lower(repo))
}

// known is the same of a path in lower case, for whoever holds the lock.
func (c *Client) known(key string) bool {
	p := c.projects[key]
	return p != nil && c.within(p.at, placeKept)
}

// alone waits for whoever reads a project that is not known, or is the one that the others wait for until it calls done.
func (c *Client) alone(ctx context.Context, repo string) (done func()) {
	other, done := c.turn(lower(repo))
	if other == nil {
		return done
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-other:
	case <-limit.C:
	case <-ctx.Done():
	}
	return done
}

// turn is closed when another has read the project; nil: there is none.
func (c *Client) turn(key string) (other <-chan struct{}, done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other, there := c.reads[key]; there || c.known(key) {
		return other, func() {}
	}
	mine := make(chan struct{})
	c.reads[key] = mine
	return nil, func() {
		c.mu.Lock()
		delete(c.reads, key)
		c.mu.Unlock()
		close(mine)
	}
}
