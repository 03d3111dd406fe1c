package gate

import (
	"sync"

	"github.com/sluicegate/sluice/checks/policy"
)

// policyCache keeps the newest loaded policies, so that a repository's is compiled once and not per event. The zero
// value is ready. It holds at most policyLimit of them, of policyBytes of text together, and then starts anew, which
// costs one loading each. They are kept by what they say and not by the commit they were read at: a branch moves often,
// and a policy that somebody made large would be held once for each of its commits.
type policyCache struct {
	mu    sync.Mutex
	sets  map[string]loaded
	bytes int
}

const (
	policyLimit = 512
	policyBytes = 4 << 20
)

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

func (c *policyCache) put(key string, e loaded, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sets == nil || len(c.sets) >= policyLimit || c.bytes+bytes > policyBytes {
		c.sets, c.bytes = map[string]loaded{}, 0
	}
	if _, again := c.sets[key]; !again {
		c.bytes += bytes
	}
	c.sets[key] = e
}
