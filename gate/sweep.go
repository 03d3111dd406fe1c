package gate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// Lister is a Provider that tells with the open changes of a repository what shows whether one of them moved: a list of a
// hundred costs one request, where reading each would cost a hundred.
type Lister interface {
	Open(ctx context.Context, repo Repo) ([]Opened, error)
}

// Opened is an open change in a list.
type Opened struct {
	Subject    checks.Subject
	Head, Base string // commit; branch
}

// atOnce is how many changes that are not as they were remembered one look at a list has read: all of them are written in one go,
// which nobody else may write during. The list is looked at again for the rest, so much later that a quota bears it.
const (
	atOnce = 2000
	rested = 10 * time.Minute
)

// few is how many open changes of a repository are read one by one without listing them first.
const few = 20

// spread is how far apart the readings of a sweep are: a few at once, and many over half of the time until the next.
func (r *Reconciler) spread(n int) time.Duration {
	switch {
	case n == 0 || r.Sweep <= 0:
		return fanStep
	case n <= few:
		return min(fanStep, r.Sweep/2/time.Duration(n))
	}
	return r.Sweep / 2 / time.Duration(n)
}

// ration sorts what is known to be open, the longest unread first, into what this sweep reads by itself, and the repositories
// whose changes are listed first since there are many. What one way allows goes to those that were not read for the longest;
// the others have their turn with a later sweep.
func (r *Reconciler) ration(forge string, known []checks.Subject) (read []checks.Subject, many []Mark) {
	each := map[string]int{}
	for _, s := range known {
		each[strings.ToLower(s.Repo)]++
	}
	_, lists := r.Providers[forge].(Lister)
	left, listed := map[int64]int{}, map[string]bool{}
	read = known[:0] // there may be a hundred thousand
	for _, s := range known {
		repo, key := Repo{s.Forge, s.Repo, s.Installation}, strings.ToLower(s.Repo)
		if lists && each[key] > few {
			if !listed[key] {
				many = append(many, Mark{Kind: MarkBase, Forge: s.Forge, Repo: s.Repo, Installation: s.Installation, Why: sweeping})
			}
			listed[key] = true
			continue
		}
		if _, ok := left[s.Installation]; !ok {
			left[s.Installation] = r.allowed(repo)
		}
		if left[s.Installation]--; left[s.Installation] >= 0 {
			read = append(read, s)
		}
	}
	return read, many
}

// allowed is how many changes one sweep may read by the way to a repository.
func (r *Reconciler) allowed(repo Repo) int {
	if p, ok := r.Providers[repo.Forge].(Pacer); ok {
		return p.Sweeps(repo, r.Sweep)
	}
	return 1 << 30
}

// sweepRepo lists the open changes of one repository, and has read what the list says is not as it was remembered: those that
// nobody told of, that were closed, retargeted or pushed to. Of all others those are read that were not for the longest.
func (r *Reconciler) sweepRepo(ctx context.Context, provider Provider, repo Repo) (Outcome, error) {
	listed, err := opened(ctx, provider, repo)
	if err != nil {
		return Outcome{}, err
	}
	known, err := r.Memory.OpenSubjects(ctx, repo.Forge, repo.Name, "")
	if err != nil {
		return Outcome{}, fmt.Errorf("list remembered changes of %s: %w", repo.Name, err)
	}
	shown, remembered := make(map[string]bool, len(listed)), make(map[string]bool, len(listed))
	for _, o := range listed {
		shown[o.Subject.Key()] = true
	}
	for _, s := range known { // of which there may be many more
		if key := s.Key(); shown[key] {
			remembered[key] = true
		}
	}
	var first, rest []checks.Subject
	moved, odd, most := map[string]bool{}, 0, r.allowed(repo)
	other := func(s checks.Subject) {
		if odd++; odd <= atOnce {
			first = append(first, s)
		}
	}
	for _, o := range listed {
		is := !remembered[o.Subject.Key()]
		if !is && o.Head != "" {
			if is, err = r.shifted(ctx, o); err != nil {
				return Outcome{}, err
			}
		}
		if is {
			moved[o.Subject.Key()] = true
			other(o.Subject)
		}
	}
	for _, s := range known {
		switch {
		case !shown[s.Key()]:
			other(s)
		case !moved[s.Key()] && len(rest) < most:
			rest = append(rest, s)
		}
	}
	out := marked(first, sweeping, fanStep)
	later := marked(rest, sweeping, r.spread(len(rest)))
	out.Marks, out.Delays = append(out.Marks, later.Marks...), append(out.Delays, later.Delays...)
	if odd > atOnce {
		again := Mark{Kind: MarkBase, Forge: repo.Forge, Repo: repo.Name, Installation: repo.Installation, Why: sweeping}
		out.Marks, out.Delays = append(out.Marks, again), append(out.Delays, rested)
	}
	out.Note = fmt.Sprintf("%d open changes listed: %d are not as remembered, %d are read anew", len(listed), odd, len(rest))
	return out, nil
}

// opened lists the open changes, with what shows whether one moved where the forge tells that.
func opened(ctx context.Context, provider Provider, repo Repo) (list []Opened, err error) {
	if l, ok := provider.(Lister); ok {
		return l.Open(ctx, repo)
	}
	subjects, err := provider.Changes(ctx, repo, "", "")
	for _, s := range subjects {
		list = append(list, Opened{Subject: s})
	}
	return list, err
}

// shifted says whether a change has another head or target than is remembered.
func (r *Reconciler) shifted(ctx context.Context, o Opened) (bool, error) {
	st, err := r.Memory.State(ctx, o.Subject)
	if err != nil {
		return false, fmt.Errorf("read state of %v: %w", o.Subject, err)
	}
	return st == nil || st.Head != o.Head || st.Base != o.Base, nil
}

// pace is how far apart the judgements are that one push to a base branch asks for.
func (r *Reconciler) pace(repo Repo, n int) time.Duration {
	if p, ok := r.Providers[repo.Forge].(Pacer); ok {
		return p.Pace(repo, n)
	}
	return fanStep
}
