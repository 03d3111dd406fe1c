package gate

import (
	"context"
	"fmt"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// expired writes down which overrides for the promotions of a merged change have ended by now, and sees to it that it is
// looked at again when the next one runs out.
func (r *Reconciler) expired(ctx context.Context, f *checks.Facts, w Work, out *Outcome) error {
	acts, err := r.Memory.Acts(ctx, f.Subject)
	if err != nil {
		return fmt.Errorf("read what people said about %v: %w", f.Subject, err)
	}
	given := Acts{Version: acts.Version}
	for _, o := range acts.Overrides {
		if o.Promotion {
			given.Overrides = append(given.Overrides, o)
		}
	}
	left, ended := r.settleActs(given, f, w)
	out.Next = sooner(out.Next, left.next())
	if len(ended) == 0 {
		return nil
	}
	out.Overrides, out.Said = ended, &acts.Version
	for _, o := range ended {
		out.Entries = append(out.Entries, overrideEntry(f.Subject, policy.Digest(f.Sources...), o, endedAs(o)))
		out.later(answerAgain(f.Subject, o.Comment))
	}
	if r.Book == nil {
		return nil
	}
	names, err := r.Book.Awaited(ctx, f.Subject.Forge, f.Subject.Repo, f.Change.MergeCommit)
	if err != nil {
		return fmt.Errorf("read what waits for %.8s: %w", f.Change.MergeCommit, err)
	}
	for _, name := range names {
		out.later(environmentMark(f.Subject, name, "override"))
	}
	return nil
}
