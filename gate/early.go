package gate

import (
	"context"
	"fmt"
	"slices"
)

// early keeps new decisions before anybody is shown that one of them opens a gate. Whoever sees it may merge at once, and a
// process that died between showing and keeping would take that merge for one that nobody had judged, and refuse it for ever.
// A decision that leaves the gate shut lets nothing through: it is kept with the rest, which spares a trip to the disk.
func (r *Reconciler) early(ctx context.Context, w Work, out *Outcome, entries []Entry, marks []Mark) error {
	keeper, can := r.Memory.(Keeper)
	opens := out.Decision != nil && out.Decision.Open || slices.ContainsFunc(out.Also, func(k Kept) bool { return k.Decision.Open })
	if !can || !opens || r.DryRun {
		out.Entries, out.Marks = append(out.Entries, entries...), append(out.Marks, marks...)
		return nil
	}
	now := Outcome{Decision: out.Decision, Facts: out.Facts, Sources: out.Sources, Also: out.Also, Entries: entries, Marks: marks}
	if err := keeper.Keep(ctx, w, now); err != nil {
		return fmt.Errorf("keep the decision before it is shown: %w", err)
	}
	out.Early = true
	return nil
}
