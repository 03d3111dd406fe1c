package gitlab

import (
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// Hint tells that a branch was pushed to. It is no evidence: it only ends what was remembered of the project sooner, so that
// a group's policy counts from the moment on that it was changed.
func (c *Client) Hint(repo gate.Repo, _ string, _ []string) {
	path := lower(repo.Name)
	if strings.HasSuffix(path, "/"+policyProject) {
		for _, a := range c.ways {
			c.memory.floors.Remove(floorKey{a.n, path})
		}
	}
}
