package gitlab

import (
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/providers/compare"
)

type (
	originAt   struct{ at time.Time }
	carrier    = compare.Carrier
	patchID    = compare.Patch
	statusesAt struct{ at time.Time }
)

// stretch is what one commit has and another has not, newest first. Both are object ids, so it never changes.
type stretch struct {
	commits []checks.Carried
	cut     string // why these are not all
}
