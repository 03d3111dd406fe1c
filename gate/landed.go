package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	Pending           Pending
}

// Pending is what of a branch waits to be looked at once more.
type Pending struct {
	Odd    []Sighting `json:"odd,omitempty"`    // oldest first; each is looked at again in its own time, whatever happens meanwhile
	Pushes []Push     `json:"pushes,omitempty"` // that were told of, and that the commits up to the tip do not account for
}

// Sighting is a tip of a branch below which commits were seen for the first time that seemed to have come by no change.
type Sighting struct {
	Tip string    `json:"tip"`
	At  time.Time `json:"at"`
}

// relook is when commits that seem to have come by no change are looked at once more: a forge may take a moment to
// connect a merge with its change.
const relook = time.Minute

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
	out := Outcome{Branch: &BranchSeen{m.Forge, m.Repo, m.Base, m.Installation, l.Tip, policy.Digest(l.Sources...), false, Pending{}}}
	if seen != nil {
		err = r.compare(ctx, w, seen, l, &out)
	}
	if err == nil && l.Default && l.Unread == "" {
		err = r.guards(ctx, m, l.Sources, seen == nil || seen.Policy != out.Branch.Policy, &out)
	}
	if err == nil {
		err = r.waiting(ctx, m, l, &out)
	}
	if err != nil {
		return Outcome{}, err
	}
	if !l.Default && len(out.Branch.Pending.Odd) == 0 {
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

// compare enters what is new since seen: another policy at once, what came past any change when it still seems so after
// relook. Until then the branch counts as seen no further, so that all of it is read again.
func (r *Reconciler) compare(ctx context.Context, w Work, seen *BranchSeen, l *Landed, out *Outcome) error {
	m, now := w.Mark, r.Now().UTC()
	if err := r.unexamined(ctx, m, l, out); err != nil {
		return err
	}
	p := newPassage(m, seen, l, recall(seen.Pending.Pushes, w.Causes, now))
	switch {
	case l.Unread != "":
		out.Branch.Policy = seen.Policy
	case seen.Policy != "" && seen.Policy != out.Branch.Policy:
		out.Entries = append(out.Entries, p.policy(out.Branch.Policy))
	}
	odd := seen.Pending.Odd
	guarded := len(l.Sources) > 0 || l.Unread != "" || seen.Policy != "" && seen.Policy != policy.Digest()
	if guarded && p.news(odd) {
		odd = append(slices.Clone(odd), Sighting{l.Tip, now})
	}
	due := 0
	for due < len(odd) && now.Sub(odd[due].At) >= relook {
		due++
	}
	for _, e := range p.findings(odd[:due]) {
		r.found(out, e)
	}
	if odd = odd[due:]; l.Cut && due > 0 {
		odd = nil // all is said that can be
	}
	if len(odd) > 0 {
		out.Branch.Tip, out.Next = p.upTo(seen.Pending.Odd[:due]), odd[0].At.Add(relook)
	}
	out.Branch.Pending = Pending{odd, p.open(out.Branch.Tip, now)}
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

func landedEntry(kind EntryKind, m Mark, l *Landed, by Who, commit string) Entry {
	e := Entry{Kind: kind, Forge: m.Forge, Repo: m.Repo, Commit: commit, Who: by, Policy: policy.Digest(l.Sources...)}
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
			mark.Detail = QueueRef(m.Base)
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
	return &BranchSeen{s.Forge, s.Repo, base.Name, s.Installation, base.Commit, policy.Digest(f.Sources...), true, Pending{}}, nil
}

func branchMark(repo Repo, branch, why string) Mark {
	return Mark{Kind: MarkBranch, Forge: repo.Forge, Repo: repo.Name, Base: branch, Installation: repo.Installation, Why: why}
}
