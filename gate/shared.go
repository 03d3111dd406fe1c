package gate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
)

// A forge shows checks on commits, and two changes may have the same head commit. Each of them is judged by itself;
// what is shown on the commit is, check by check, the stricter word, or else an open gate of one would open the other.

// sharing are the newest decisions of other open changes on the commit of d.
func (r *Reconciler) sharing(ctx context.Context, d *Decision) ([]*Decision, error) {
	s := d.Subject
	subjects, err := r.Memory.OpenAt(ctx, s.Forge, s.Repo, d.Commit)
	if err != nil {
		return nil, fmt.Errorf("find changes with the head of %v: %w", s, err)
	}
	var others []*Decision
	for _, o := range subjects {
		if o.Key() == s.Key() || o.Kind != checks.KindChange {
			continue
		}
		latest, _, err := r.Memory.Latest(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("read latest decision of %v: %w", o, err)
		}
		if latest != nil && latest.Commit == d.Commit {
			others = append(others, latest)
		}
	}
	return others, nil
}

// shared is a verdict and the decision that it stands in.
type shared struct {
	checks.Verdict
	decision string // id
	change   int
}

// strictest are the verdicts to show of several decisions on one commit, the gate first. Whoever of them asks, the
// answer is the same, so that they do not take turns in posting.
func strictest(all ...*Decision) []shared {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b *Decision) int { return cmp.Compare(a.Subject.Change, b.Subject.Change) })
	var out []shared
	for _, d := range all {
		for _, v := range append([]checks.Verdict{d.Gate}, d.Verdicts...) {
			i := slices.IndexFunc(out, func(s shared) bool { return s.Check == v.Check })
			switch {
			case i < 0:
				out = append(out, shared{v, d.ID, d.Subject.Change})
			case strictness(v) > strictness(out[i].Verdict):
				out[i] = shared{v, d.ID, d.Subject.Change}
			}
		}
	}
	return out
}

// strictness orders verdicts: what shuts the gate above what does not, and what is said above what is left out.
func strictness(v checks.Verdict) int {
	if v.Blocks() {
		return 10 + rank(v.Outcome)
	}
	return slices.Index([]checks.Outcome{checks.Skip, checks.Pass, checks.Advise, checks.Overridden}, v.Outcome)
}

// sameHead says on a check that it speaks for several changes.
func sameHead(all []*Decision, s shared) string {
	if len(all) < 2 {
		return ""
	}
	what := "is the head of"
	if all[0].Subject.Kind == checks.KindGroup {
		what = "of the merge queue carries"
	}
	var names []string
	for _, d := range all {
		names = append(names, fmt.Sprintf("#%d", d.Subject.Change))
	}
	slices.Sort(names)
	return fmt.Sprintf("\nThis commit %s %s. The strictest verdict is shown: that of #%d.\n", what, escape(strings.Join(names, ", ")), s.change)
}

// besides marks the other changes with the same head, since what is shown on it has changed.
func besides(others []*Decision) (marks []Mark) {
	for _, o := range others {
		s := o.Subject
		marks = append(marks, Mark{Kind: MarkChange, Forge: s.Forge, Repo: s.Repo, Change: s.Change, Installation: s.Installation, Why: "same head"})
	}
	return marks
}

// overlooked are the changes to look at once more after a decision is kept: itself and those with the same head that
// it did not know of. Two workers may judge two changes of one commit at once, each before the other's decision is
// kept, and then whoever posts last is shown. Whoever is kept last finds the other here.
func (r *Reconciler) overlooked(ctx context.Context, out Outcome) ([]Mark, error) {
	d := out.Decision
	if d == nil || d.Subject.Kind != checks.KindChange {
		return nil, nil
	}
	others, err := r.sharing(ctx, d)
	if err != nil {
		return nil, err
	}
	marks := besides(slices.DeleteFunc(others, func(o *Decision) bool {
		return slices.ContainsFunc(append(slices.Clip(out.Marks), out.Beside...), func(m Mark) bool { return m.Kind == MarkChange && m.Key() == o.Subject.Key() })
	}))
	if len(marks) > 0 {
		marks = append(marks, besides([]*Decision{d})...)
	}
	return marks, nil
}
