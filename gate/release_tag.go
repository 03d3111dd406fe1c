package gate

import (
	"context"
	"fmt"

	"github.com/sluicegate/sluice/checks"
)

// onBehalf puts the person who asked for a release in the place of the App that pushed its tag: the tag is judged as that
// person's, with the right that was found when it was made.
func (r *Reconciler) onBehalf(ctx context.Context, f *checks.Facts) error {
	t := f.Pushed
	if r.Releases == nil || t.Commit == "" || t.By != nil && t.By.Kind == "user" {
		return nil
	}
	x, err := r.Releases.ReleaseOf(ctx, f.Subject.Forge, f.Subject.Repo, t.Name)
	if err != nil {
		return fmt.Errorf("read who released %v: %w", f.Subject, err)
	}
	if x == nil || x.Commit != t.Commit || x.Right == "" {
		return nil
	}
	by := x.By
	by.Permission = x.Right
	t.By = &x.By
	if f.People == nil {
		f.People = map[int64]checks.Person{}
	}
	f.People[by.ID] = by
	return nil
}
