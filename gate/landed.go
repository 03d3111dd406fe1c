package gate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// BranchSeen is what was last seen of a branch that is watched: the default one, and those that changes go into.
type BranchSeen struct {
	Forge, Repo, Name string
	Installation      int64
	Tip               string // up to where it was looked at; "": it is watched no more
	Policy            string // digest of the policies in force for it; "": not known
	Begins            bool   // to be kept only where nothing is known of the branch yet
}

// relook is when commits that seem to have come by no change are looked at once more: a forge may take a moment to
// connect a merge with its change.
const relook = time.Minute

const looksAgain = "looked at again"

// branch looks at what came onto a branch since it was last looked at: merges that were never judged, commits that came
// past any change, and another policy. Of each push one finding is entered at most. The first look only remembers.
func (r *Reconciler) branch(ctx context.Context, w Work) (Outcome, error) {
	m := w.Mark
	historian, ok := r.Providers[m.Forge].(Historian)
	if !ok {
		return Outcome{Note: "no forge " + m.Forge + " that tells of branches is configured"}, nil
	}
	seen, err := r.Memory.Branch(ctx, m.Forge, m.Repo, m.Base)
	if err != nil {
		return Outcome{}, fmt.Errorf("read what was seen of %s: %w", m.Key(), err)
	}
	since := ""
	if seen != nil {
		since = seen.Tip
	}
	l, err := historian.Landed(ctx, Repo{m.Forge, m.Repo, m.Installation}, m.Base, since)
	forget := Outcome{Branch: &BranchSeen{Forge: m.Forge, Repo: m.Repo, Name: m.Base}, Note: "the branch is watched no more"}
	if errors.Is(err, ErrGone) && !errors.Is(err, ErrStale) || err == nil && l.Tip == "" {
		return forget, nil
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("read what came onto %s: %w", m.Key(), err)
	}
	out := Outcome{Branch: &BranchSeen{m.Forge, m.Repo, m.Base, m.Installation, l.Tip, policy.Digest(l.Sources...), false}}
	if seen != nil {
		err = r.compare(ctx, w, seen, l, &out)
	}
	if err == nil {
		err = r.waiting(ctx, m, l, &out)
	}
	if err != nil {
		return Outcome{}, err
	}
	if !l.Default && out.Branch != seen {
		open, err := r.Memory.OpenSubjects(ctx, m.Forge, m.Repo, m.Base)
		if err != nil {
			return Outcome{}, fmt.Errorf("list open changes of %s: %w", m.Key(), err)
		}
		if len(open) == 0 {
			out.Branch, out.Note = forget.Branch, forget.Note
		}
	}
	return out, nil
}

// compare enters what is new since seen.
func (r *Reconciler) compare(ctx context.Context, w Work, seen *BranchSeen, l *Landed, out *Outcome) error {
	m, by := w.Mark, pusher(w)
	if err := r.unexamined(ctx, m, l, out); err != nil {
		return err
	}
	guarded := len(l.Sources) > 0 || l.Unread != "" || seen.Policy != "" && seen.Policy != policy.Digest()
	odd := guarded && len(l.Direct) > 0 || guarded && l.Cut
	if odd && m.Why != looksAgain { // until then nothing was seen, the policy before the push included
		again := branchMark(Repo{m.Forge, m.Repo, m.Installation}, m.Base, by, looksAgain)
		out.Branch, out.Marks, out.Delays = seen, append(out.Marks, again), append(out.Delays, relook)
		return nil
	}
	switch {
	case l.Unread != "":
		out.Branch.Policy = seen.Policy
	case seen.Policy != "" && seen.Policy != out.Branch.Policy:
		e := landedEntry(EntryPolicy, m, l, by, l.Tip)
		e.Reason = fmt.Sprintf("The policy in force for %s changed from %.12s to %.12s.", Plain(m.Base), seen.Policy, out.Branch.Policy)
		out.Entries = append(out.Entries, e)
	}
	if odd {
		r.found(out, past(m, seen, l, by))
	}
	return nil
}

// unexamined marks the changes that were merged and of which nobody has looked yet whether their gates were open.
func (r *Reconciler) unexamined(ctx context.Context, m Mark, l *Landed, out *Outcome) error {
	for _, n := range l.Changes {
		s := checks.Subject{Forge: m.Forge, Repo: m.Repo, Kind: checks.KindChange, Change: n}
		st, err := r.Memory.State(ctx, s)
		if err != nil {
			return fmt.Errorf("read state of %v: %w", s, err)
		}
		if st == nil || !st.Merged { // what tells of the merge itself is as a rule under way: it may go first
			out.Marks = append(out.Marks, Mark{Kind: MarkChange, Forge: m.Forge, Repo: m.Repo, Change: n, Installation: m.Installation, Why: landing})
			out.Delays = append(out.Delays, 2*time.Second)
		}
	}
	return nil
}

// past is the finding on commits that came by no change.
func past(m Mark, seen *BranchSeen, l *Landed, by string) Entry {
	if len(l.Direct) == 0 {
		e := landedEntry(EntryFinding, m, l, by, l.Tip)
		e.Reason = fmt.Sprintf("What came onto %s since %.12s is not known: it was not found among the newest %d commits, so the branch was rewritten or very much came at once.", Plain(m.Base), seen.Tip, l.Looked)
		return e
	}
	e := landedEntry(EntryFinding, m, l, by, l.Direct[0])
	var ids []string
	for _, id := range l.Direct[:min(5, len(l.Direct))] {
		ids = append(ids, id[:min(12, len(id))])
	}
	e.Reason = fmt.Sprintf("Pushed directly to %s, past the gate: %s", Plain(m.Base), strings.Join(ids, ", "))
	if n := len(l.Direct) - len(ids); n > 0 {
		e.Reason += fmt.Sprintf(" and %d more", n)
	}
	if l.Cut {
		e.Reason += fmt.Sprintf("; %.12s, seen before, is not among the newest %d commits, so there may be more", seen.Tip, l.Looked)
	}
	e.Reason += "."
	return e
}

func landedEntry(kind EntryKind, m Mark, l *Landed, by, commit string) Entry {
	e := Entry{Kind: kind, Forge: m.Forge, Repo: m.Repo, Commit: commit, Who: Who{Login: by}, Policy: policy.Digest(l.Sources...)}
	if e.URL = l.URL; e.URL != "" {
		e.URL += "/commit/" + commit
	}
	if kind == EntryFinding {
		e.Check = Gate
	}
	return e
}

// waiting marks the merge queue's commits of which nobody told.
func (r *Reconciler) waiting(ctx context.Context, m Mark, l *Landed, out *Outcome) error {
	for _, id := range l.Queue {
		g := checks.Subject{Forge: m.Forge, Repo: m.Repo, Kind: checks.KindGroup, Group: id, Installation: m.Installation}
		st, err := r.Memory.State(ctx, g)
		if err != nil {
			return fmt.Errorf("read state of %v: %w", g, err)
		}
		if st == nil {
			mark := groupMark(g, "found in the queue")
			mark.Detail = "refs/heads/gh-readonly-queue/" + m.Base + "/pr-"
			out.Marks, out.Delays = append(out.Marks, mark), append(out.Delays, 0)
		}
	}
	return nil
}

// begins is what is remembered of a branch when the first change into it is judged: from there on it is watched.
func (r *Reconciler) begins(ctx context.Context, f *checks.Facts) (*BranchSeen, error) {
	s, base := f.Subject, f.Change.Base
	seen, err := r.Memory.Branch(ctx, s.Forge, s.Repo, base.Name)
	if err != nil {
		return nil, fmt.Errorf("read what was seen of %s: %w", base.Name, err)
	}
	if _, unread := f.Gap("policy"); seen != nil || unread || base.Commit == "" || f.Local {
		return nil, nil
	}
	return &BranchSeen{s.Forge, s.Repo, base.Name, s.Installation, base.Commit, policy.Digest(f.Sources...), true}, nil
}

// pusher is who pushed, as far as all that happened tells of one person.
func pusher(w Work) (by string) {
	for _, c := range w.Causes {
		switch {
		case c.By == "" || c.By == by:
		case by == "":
			by = c.By
		default:
			return ""
		}
	}
	return by
}

func branchMark(repo Repo, branch, by, why string) Mark {
	return Mark{Kind: MarkBranch, Forge: repo.Forge, Repo: repo.Name, Base: branch, By: by, Installation: repo.Installation, Why: why}
}
