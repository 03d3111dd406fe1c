package gate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// calmLook is how often an environment where nothing is going on is looked at for deployments of which nobody told.
const calmLook = time.Hour

// environmentMarks are the environments that a sweep looks at: those where something is going on, unless all of it waits for
// an instant, and the others now and then.
func (r *Reconciler) environmentMarks(ctx context.Context, forge string) (marks []Mark, err error) {
	if r.Book == nil {
		return nil, nil
	}
	list, err := r.Book.Environments(ctx, forge, "")
	if err != nil {
		return nil, fmt.Errorf("list the environments: %w", err)
	}
	now := r.Now()
	for _, e := range list {
		if now.Before(e.Rests) || !e.Busy && e.Looked && now.Sub(e.At) < calmLook {
			continue
		}
		s := checks.Subject{Forge: e.Forge, Repo: e.Repo, Installation: e.Installation}
		marks = append(marks, environmentMark(s, e.Name, sweeping))
	}
	return marks, nil
}

// promotedAt are the environments with a promotion of a commit that is not over.
func (r *Reconciler) promotedAt(ctx context.Context, m Mark, why string) (marks []Mark, err error) {
	if r.Book == nil {
		return nil, nil
	}
	names, err := r.Book.Awaited(ctx, m.Forge, m.Repo, m.Commit)
	if err != nil {
		return nil, fmt.Errorf("find the promotions of %.8s: %w", m.Commit, err)
	}
	for _, name := range names {
		marks = append(marks, environmentMark(m.Subject(), name, why))
	}
	return marks, nil
}

// guards remembers the environments that the policies of a default branch guard, so that each is looked at from now on,
// and has those looked at again where something waits when the policies changed.
func (r *Reconciler) guards(ctx context.Context, m Mark, sources []policy.Source, changed bool, out *Outcome) error {
	set, err := r.policies.load(sources)
	if r.Book == nil || err != nil {
		return nil // a broken policy guards what it guarded before; what waits there is judged under it, and stays shut
	}
	known, err := r.Book.Environments(ctx, m.Forge, m.Repo)
	if err != nil {
		return fmt.Errorf("list the environments of %s: %w", m.Repo, err)
	}
	at := checks.Subject{Forge: m.Forge, Repo: m.Repo, Installation: m.Installation}
	for _, g := range environments(set) {
		i := slices.IndexFunc(known, func(e EnvironmentSeen) bool { return sameName(e.Name, g.name) })
		switch {
		case i < 0:
			out.Seen = append(out.Seen, EnvironmentSeen{Forge: m.Forge, Repo: m.Repo, Name: g.name, Installation: m.Installation})
			out.later(environmentMark(at, g.name, "first look"))
		case changed && known[i].Busy:
			out.later(environmentMark(at, g.name, "policy"))
		}
	}
	return nil
}

// onMerge asks for the promotions that a merge into the default branch brings about.
func (r *Reconciler) onMerge(f *checks.Facts, out *Outcome) error {
	c := f.Change
	if r.Book == nil || c.Base.Name != f.Repository.Default {
		return nil
	}
	set, err := r.policies.load(f.Sources)
	if err != nil {
		return nil // a broken policy has nothing follow by itself
	}
	s := f.Subject
	for _, g := range environments(set) {
		if g.deploy != "on-merge" {
			continue
		}
		if c.MergeCommit == "" {
			return fmt.Errorf("%w: the commit that the merge of %v made", ErrStale, s)
		}
		now := r.Now().UTC()
		at := now
		if !c.MergedAt.IsZero() && c.MergedAt.Before(now) {
			at = c.MergedAt.UTC()
		}
		out.Requests = append(out.Requests, Promotion{
			ID: r.NewID(), Forge: s.Forge, Repo: s.Repo, Installation: s.Installation, Environment: g.name, Commit: c.MergeCommit,
			Request: fmt.Sprintf("merge/%d/%s", c.Number, c.MergeCommit), How: checks.OnMerge, By: c.MergedBy, URL: c.URL, Change: c.Number,
			At: at, State: Requested, Since: now,
		})
		out.later(environmentMark(s, g.name, "merged"))
	}
	return nil
}

// waitingOn has the environments of a repository looked at that may wait for what was found out about a merged change.
func (r *Reconciler) waitingOn(ctx context.Context, s checks.Subject, out *Outcome) error {
	if r.Book == nil {
		return nil
	}
	list, err := r.Book.Environments(ctx, s.Forge, s.Repo)
	if err != nil {
		return fmt.Errorf("list the environments of %s: %w", s.Repo, err)
	}
	for _, e := range list {
		if e.Busy {
			out.later(environmentMark(s, e.Name, "a merge was looked at"))
		}
	}
	return nil
}
