package gate

import (
	"context"

	"github.com/sluicegate/sluice/checks"
)

// Asked does one verified command, as the comment work calls it.
func Asked(ctx context.Context, r *Reconciler, p Provider, f *checks.Facts, c *Comment, command string) (Result, Outcome) {
	set, err := r.policies.load(f.Sources)
	a := &asking{provider: p, s: f.Subject, comment: c, command: readCommand(command), facts: f, set: set, policyErr: err}
	a.command.Line = 1
	var out Outcome
	if a.command.Word == "changelog" {
		return r.addEntry(ctx, a, &out), out
	}
	return r.release(ctx, a, &out), out
}

// Now is what came by now of the release that a comment asked for.
func Now(ctx context.Context, r *Reconciler, s checks.Subject, comment int64) (Result, bool) {
	return r.releaseNow(ctx, s, comment, 1)
}
