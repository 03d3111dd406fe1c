package gate

import (
	"context"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
)

// Warden is a Provider that sees to it that deliveries keep coming.
type Warden interface {
	// Mend puts right what the forge did to the ways by which it tells us, such as switching off a webhook that had failed
	// for a while, and says in words what was mended. On an error some of it may have been.
	Mend(ctx context.Context) (mended []string, err error)
}

// Surveyor is a Provider that knows which repositories it is to guard without having been told of them.
type Surveyor interface {
	// Repositories are those that may have open changes of which no delivery told. On an error some may be missing.
	Repositories(ctx context.Context) ([]Repo, error)
}

// Forereader is a Provider that can read what all changes of a repository share before one of them is looked at.
type Forereader interface {
	Ahead(ctx context.Context, repo Repo) error
}

// readAhead has that read. Nothing rests on it: what could not be read now is read by the look that needs it.
func (r *Reconciler) readAhead(ctx context.Context, w Work) (Outcome, error) {
	reader, ok := r.Providers[w.Mark.Forge].(Forereader)
	if !ok {
		return Outcome{Note: "nothing is read ahead at " + w.Mark.Forge}, nil
	}
	if err := reader.Ahead(ctx, Repo{w.Mark.Forge, w.Mark.Repo, w.Mark.Installation}); err != nil {
		r.Log.Debug("read ahead of events", "subject", w.Mark.Key(), "err", err)
	}
	return Outcome{}, nil
}

// mend has deliveries come again. It holds no sweep up: what could not be mended is tried with the next one.
func (r *Reconciler) mend(ctx context.Context, forge string) {
	warden, ok := r.Providers[forge].(Warden)
	if !ok || r.DryRun {
		return
	}
	mended, err := warden.Mend(ctx)
	for _, what := range mended {
		r.Log.Warn("deliveries had stopped, and come again", "forge", forge, "what", Plain(what))
	}
	if err != nil {
		r.Log.Warn("see whether deliveries come", "forge", forge, "err", err)
	}
}

// survey marks the repositories that may have open changes of which nobody told, those first that are known to have any: that is
// where the next event comes from. What is known to be open in one of them is looked at with it, and left out of what the sweep
// marks by itself.
func (r *Reconciler) survey(ctx context.Context, forge string, known []checks.Subject) (rest []checks.Subject, marks []Mark) {
	surveyor, ok := r.Providers[forge].(Surveyor)
	if !ok {
		return known, nil
	}
	repos, err := surveyor.Repositories(ctx)
	if err != nil {
		r.Log.Warn("list the repositories to guard", "forge", forge, "err", err)
	}
	open, found := map[string]bool{}, map[string]bool{}
	for _, s := range known {
		open[strings.ToLower(s.Repo)] = true
	}
	var others []Mark
	for _, repo := range repos {
		found[strings.ToLower(repo.Name)] = true
		m := Mark{Kind: MarkBase, Forge: repo.Forge, Repo: repo.Name, Installation: repo.Installation, Why: sweeping}
		if open[strings.ToLower(repo.Name)] {
			marks = append(marks, m)
		} else {
			others = append(others, m)
		}
	}
	marks = append(marks, others...)
	rest = slices.DeleteFunc(known, func(s checks.Subject) bool { return found[strings.ToLower(s.Repo)] })
	return rest, marks
}
