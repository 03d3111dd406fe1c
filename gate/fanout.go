package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// fanStep spreads the judgements that one push to a base branch asks for, so that a repository with a thousand open
// changes does not ask for all of them at once.
const fanStep = 50 * time.Millisecond

// fanOut marks the open changes of a base branch, or those with one head commit.
func (r *Reconciler) fanOut(ctx context.Context, w Work) (Outcome, error) {
	m := w.Mark
	provider, ok := r.Providers[m.Forge]
	if !ok {
		return Outcome{Note: "no forge " + m.Forge + " is configured"}, nil
	}
	repo := Repo{m.Forge, m.Repo, m.Installation}
	if m.Kind == MarkBase && m.Base == "" && w.class() == ForSweep {
		out, err := r.sweepRepo(ctx, provider, repo)
		if errors.Is(err, ErrGone) {
			return Outcome{Note: "gone"}, nil
		}
		return out, err
	}
	subjects, err := r.concerned(ctx, provider, m)
	if errors.Is(err, ErrGone) {
		return Outcome{Note: "gone"}, nil
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("list open changes of %s: %w", m.Repo, err)
	}
	if m.Kind == MarkBase { // those we believe open, and the forge did not list, were closed or retargeted
		known, err := r.Memory.OpenSubjects(ctx, m.Forge, m.Repo, m.Base)
		if err != nil {
			return Outcome{}, fmt.Errorf("list remembered changes of %s: %w", m.Repo, err)
		}
		subjects = union(subjects, known)
	}
	why := string(m.Kind)
	if n := len(w.Causes); n > 0 {
		why = w.Causes[n-1].Why
	}
	out := marked(subjects, why, r.pace(repo, len(subjects)))
	if m.Kind == MarkHead { // it may be a merge queue's commit, or one on its way into an environment
		promoted, err := r.promotedAt(ctx, m, why)
		if err != nil {
			return Outcome{}, err
		}
		out.Marks = append(out.Marks, promoted...)
		g := checks.Subject{Forge: m.Forge, Repo: m.Repo, Kind: checks.KindGroup, Group: m.Commit, Installation: m.Installation}
		st, err := r.Memory.State(ctx, g)
		if err != nil {
			return Outcome{}, fmt.Errorf("read state of %v: %w", g, err)
		}
		if st != nil && st.Open {
			out.Marks = append(out.Marks, groupMark(g, why))
		}
	}
	if m.Kind == MarkBase && m.Base != "" {
		out.Marks = append(out.Marks, branchMarks(w, why)...)
	}
	return out, nil
}

// concerned are the open changes that a branch or a head commit is of. Who has a head is known as a rule: another change that has
// come by the same one since is judged by an event of its own. Only where nobody is known to have it is the forge asked.
func (r *Reconciler) concerned(ctx context.Context, provider Provider, m Mark) ([]checks.Subject, error) {
	repo := Repo{m.Forge, m.Repo, m.Installation}
	if m.Kind == MarkBase { // the commit is where the branch was pushed to: no change has it for its head
		return provider.Changes(ctx, repo, m.Base, "")
	}
	known, err := r.Memory.OpenAt(ctx, m.Forge, m.Repo, m.Commit)
	if err != nil {
		return nil, fmt.Errorf("find remembered changes with the head %.8s: %w", m.Commit, err)
	}
	if len(known) > 0 {
		for i := range known {
			known[i].Installation = cmp.Or(m.Installation, known[i].Installation)
		}
		return known, nil
	}
	return provider.Changes(ctx, repo, "", m.Commit)
}

// sweep has open subjects read anew, as many as the forge's quota bears, the longest unread first, and itself called again.
func (r *Reconciler) sweep(ctx context.Context, w Work) (Outcome, error) {
	subjects, err := r.Memory.OpenSubjects(ctx, w.Mark.Forge, "", "")
	if err != nil {
		return Outcome{}, fmt.Errorf("list open subjects: %w", err)
	}
	r.mend(ctx, w.Mark.Forge)
	subjects, repos := r.survey(ctx, w.Mark.Forge, subjects)
	subjects, many := r.ration(w.Mark.Forge, subjects)
	repos = append(repos, many...)
	step := r.spread(len(subjects) + len(repos))
	out := marked(subjects, sweeping, step)
	for i, m := range repos {
		out.Marks, out.Delays = append(out.Marks, m), append(out.Delays, time.Duration(len(subjects)+i)*step)
	}
	groups, err := r.Memory.Groups(ctx, checks.Subject{Forge: w.Mark.Forge})
	if err != nil {
		return Outcome{}, fmt.Errorf("list the commits of merge queues: %w", err)
	}
	for _, g := range groups {
		out.Marks = append(out.Marks, groupMark(g, "sweep"))
	}
	branches, err := r.Memory.Branches(ctx, w.Mark.Forge)
	if err != nil {
		return Outcome{}, fmt.Errorf("list the branches that are watched: %w", err)
	}
	for _, b := range branches {
		out.Marks = append(out.Marks, branchMark(Repo{b.Forge, b.Repo, b.Installation}, b.Name, "sweep"))
	}
	watched, err := r.environmentMarks(ctx, w.Mark.Forge)
	if err != nil {
		return Outcome{}, err
	}
	out.Marks = append(out.Marks, watched...)
	out.Next = r.Now().Add(r.Sweep)
	return out, nil
}

func marked(subjects []checks.Subject, why string, step time.Duration) Outcome {
	out := Outcome{Note: fmt.Sprintf("%d open changes marked", len(subjects)), Marks: make([]Mark, 0, len(subjects)+1), Delays: make([]time.Duration, 0, len(subjects)+1)}
	for i, s := range subjects {
		out.Marks = append(out.Marks, Mark{Kind: MarkChange, Forge: s.Forge, Repo: s.Repo, Change: s.Change, Installation: s.Installation, Why: why})
		out.Delays = append(out.Delays, time.Duration(i)*step)
	}
	return out
}

// union adds to a what is in b alone.
func union(a, b []checks.Subject) []checks.Subject {
	have := map[string]bool{}
	for _, s := range a {
		have[s.Key()] = true
	}
	for _, s := range b {
		if !have[s.Key()] {
			a = append(a, s)
		}
	}
	return a
}
