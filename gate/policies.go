package gate

import (
	"sync"

	"github.com/sluicegate/sluice/checks/policy"
)

// policyCache keeps the newest loaded policies, so that a repository's is compiled once and not per event. The zero
// value is ready. It holds at most policyLimit of them and then starts anew, which costs one loading each.
type policyCache struct {
	mu   sync.Mutex
	sets map[string]loaded
}

const policyLimit = 512

type loaded struct {
	set *policy.Set
	err error
}

func (c *policyCache) get(key string) (loaded, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.sets[key]
	return e, ok
}

func (c *policyCache) put(key string, e loaded) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sets == nil || len(c.sets) >= policyLimit {
		c.sets = map[string]loaded{}
	}
	c.sets[key] = e
}
