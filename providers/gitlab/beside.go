package gitlab

import (
	"context"
	"slices"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// Beside is what is known to all processes that share the work. What one of them is told, or shows, the others may have to
// forget or to see: here they ask, before they believe what they remember. Nobody is asked where there is one process.
type Beside interface {
	// Heard is another text after each event that told of a branch (gate.MarkBase) or a tag (gate.MarkTag) of a repository.
	Heard(ctx context.Context, kind gate.MarkKind, forge, repo string) (string, error)
	// Posted is what the forge was last known to show for the subject on a commit.
	Posted(ctx context.Context, s checks.Subject, commit string) ([]gate.Posted, error)
}

// heardOf is asked before something is read, and kept with it; false: it could not be asked, so nothing may be believed.
func (c *Client) heardOf(ctx context.Context, kind gate.MarkKind, repo string) (heard string, sure bool) {
	if c.opts.Beside == nil {
		return "", true
	}
	heard, err := c.opts.Beside.Heard(ctx, kind, "gitlab", repo)
	return heard, err == nil
}

// alone says that nobody else has shown anything since on what this process remembers as shown. Where the commit stands in a
// queue it is read each time: what is written down there is of several changes.
func (r *reading) alone(ctx context.Context, list []statusNode) bool {
	if r.c.opts.Beside == nil {
		return true
	}
	posted, err := r.c.opts.Beside.Posted(ctx, r.f.Subject, r.head)
	if err != nil || r.car != nil {
		return false
	}
	return !slices.ContainsFunc(posted, func(p gate.Posted) bool {
		return !slices.ContainsFunc(list, func(n statusNode) bool { return n.Name == p.Name && n.ID == p.ID && stateWord(n.Status) == p.State })
	})
}
