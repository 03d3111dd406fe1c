package gate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// ended is what is left to do for a change that is open no more: a release that waits for it goes on, what was pending on its
// head ends if it was closed, and whether the gate was open is looked at if it was merged. The change is no longer an open one then.
func (r *Reconciler) ended(ctx context.Context, provider Provider, f *checks.Facts, w Work) (Outcome, error) {
	out := Outcome{Subject: stateOf(f, nil, r.Now()), Note: f.Change.State}
	queued, err := r.queues(ctx, f.Subject)
	if err != nil {
		return Outcome{}, err
	}
	twins, err := r.twins(ctx, f)
	if err != nil {
		return Outcome{}, err
	}
	out.Marks = append(queued, twins...)
	if err := r.releases(ctx, provider, f, &out); err != nil {
		return Outcome{}, err
	}
	if f.Change.State == "merged" {
		if err := r.expired(ctx, f, w, &out); err != nil {
			return Outcome{}, err
		}
		return out, r.merged(ctx, f, w, &out)
	}
	if r.DryRun || len(twins) > 0 { // what is shown there is theirs from now on
		return out, nil
	}
	var end []Post
	for _, s := range f.Statuses {
		if s.Ours && s.State == "in_progress" {
			known := Posted{Name: s.Name, Commit: f.Change.Head.Commit, ID: s.ID, Node: s.Node, State: s.State}
			p := r.cancelled(known, s.ExternalID, "The change was closed.")
			p.Summary = "The change was closed without being merged."
			p.Digest = p.digest()
			end = append(end, p)
		}
	}
	if len(end) == 0 {
		return out, nil
	}
	out.Posted, err = provider.Post(ctx, f.Subject, f, end)
	return out, err
}

// twins marks the other open changes with the same head: what is shown on it is theirs alone now.
func (r *Reconciler) twins(ctx context.Context, f *checks.Facts) (marks []Mark, err error) {
	s := f.Subject
	subjects, err := r.Memory.OpenAt(ctx, s.Forge, s.Repo, f.Change.Head.Commit)
	if err != nil {
		return nil, fmt.Errorf("find changes with the head of %v: %w", s, err)
	}
	for _, o := range subjects {
		if o.Key() != s.Key() && o.Kind == checks.KindChange {
			marks = append(marks, Mark{Kind: MarkChange, Forge: o.Forge, Repo: o.Repo, Change: o.Change, Installation: o.Installation, Why: "same head"})
		}
	}
	return marks, nil
}

// landing is the cause of a look at a change that was found merged on a branch.
const landing = "landed"

// carrying is the cause of a look at a merged change that a promotion carries, and of which nobody knows whether its gate was
// open. It may have been merged long ago.
const carrying = "carried"

// shutAt says why the gate was not open for a merge, in a sentence; "" when it was.
func (d *Decision) shutAt(c *checks.Change) string {
	why := d.against(c)
	if why == "" && !d.Open {
		why = "its gate was shut"
	}
	return checks.Clip(why, 300)
}

// examined says that there is nothing to look at: a branch tells of a merge that was looked at when it was told.
func (r *Reconciler) examined(ctx context.Context, w Work) (bool, error) {
	if len(w.Causes) == 0 || w.Dropped || slices.ContainsFunc(w.Causes, func(c Mark) bool { return c.Why != landing }) {
		return false, nil
	}
	st, err := r.Memory.State(ctx, w.Mark.Subject())
	if err != nil {
		return false, fmt.Errorf("read state of %v: %w", w.Mark.Subject(), err)
	}
	return st != nil && st.Merged && st.Shut != Unexamined, nil
}

// merged enters a finding when a change was merged and its gate was not open. It is looked at once: when the change
// was known as an open one, or when somebody tells that it was merged just now. A merge of long ago, from before Sluice
// was there, is nobody's business.
func (r *Reconciler) merged(ctx context.Context, f *checks.Facts, w Work, out *Outcome) error {
	last, err := r.Memory.State(ctx, f.Subject)
	if err != nil {
		return fmt.Errorf("read state of %v: %w", f.Subject, err)
	}
	told := slices.ContainsFunc(w.Causes, func(c Mark) bool { return c.tells("closed") || c.Why == landing })
	now := !(last != nil && last.Merged) && (told || last != nil && last.Open) // and not long ago, or under an older Sluice
	if last != nil && last.Merged && last.Shut != Unexamined {
		out.Subject.Merged, out.Subject.Shut = true, last.Shut
		return nil
	}
	carried := slices.ContainsFunc(w.Causes, func(c Mark) bool { return c.Why == carrying })
	if out.Subject.Merged = now || carried || last != nil && last.Merged; !out.Subject.Merged {
		return nil
	}
	d, sources, err := r.deciding(ctx, f)
	if err != nil {
		return err
	}
	if d != nil && d.Base == "" && last != nil { // kept when decisions did not name their branch: the one remembered with it counts
		named := *d
		named.Base, d = last.Base, &named
	}
	if out.Subject.Shut = "nobody had judged it"; d != nil {
		out.Subject.Shut = d.shutAt(f.Change)
	}
	if err := r.waitingOn(ctx, f.Subject, out); err != nil {
		return err
	}
	if !now {
		return nil
	}
	if err := r.onMerge(f, out); err != nil {
		return err
	}
	if out.Subject.Shut == "" {
		return nil
	}
	if _, unread := f.Gap("policy"); len(f.Sources) == 0 && !unread && !sources {
		return nil // nobody here asked for a gate
	}
	r.found(out, mergedShut(f, d))
	return nil
}

// deciding is the decision that counted when the change was merged: the one on the merge queue's commit that it became,
// or else the one on its head; nil when there was none. One for the branch that it went into goes before one for another,
// which is returned to say so: the forge lets a change through by what is shown on its head, whatever branch that was
// decided for. sources says whether a policy was in force then.
func (r *Reconciler) deciding(ctx context.Context, f *checks.Facts) (d *Decision, sources bool, err error) {
	queued := f.Subject
	queued.Kind, queued.Group = checks.KindGroup, f.Change.MergeCommit
	for _, s := range []checks.Subject{queued, f.Subject} {
		latest, src, err := r.Memory.Latest(ctx, s)
		if err != nil {
			return nil, false, fmt.Errorf("read latest decision of %v: %w", s, err)
		}
		if latest == nil {
			continue
		}
		sources = sources || len(src) > len("null")
		if s.Kind != checks.KindGroup && latest.Commit != f.Change.Head.Commit {
			continue
		}
		if latest.Base == "" || latest.Base == f.Change.Base.Name {
			return latest, sources, nil
		}
		if d == nil {
			d = latest
		}
	}
	return d, sources, nil
}

// against says why the gate was not open for a merge, or "".
func (d *Decision) against(c *checks.Change) string {
	switch {
	case d.Base == "":
		return "it is not known for which branch it had decided."
	case d.Base != c.Base.Name:
		return fmt.Sprintf("it had decided for %s, and for %s nothing.", Plain(d.Base), Plain(c.Base.Name))
	case !d.Open:
		return d.Gate.Reason
	}
	return d.runOut(c.MergedAt)
}

// runOut says which check was let through by nothing but overrides that had run out by then, or "".
func (d *Decision) runOut(at time.Time) string {
	for _, v := range d.Verdicts {
		lasts := func(o Override) bool {
			return o.Check == v.Check && (o.Until.IsZero() || !at.IsZero() && at.Before(o.Until))
		}
		if v.Outcome == checks.Overridden && !slices.ContainsFunc(d.Acts.Overrides, lasts) {
			return fmt.Sprintf("the override of %s had run out.", v.Check)
		}
	}
	return ""
}

func mergedShut(f *checks.Facts, d *Decision) Entry {
	c := f.Change
	e := entry(EntryFinding, f.Subject, c.Head.Commit)
	e.Who, e.Check, e.URL = who(c.MergedBy), Gate, c.URL
	if e.Policy = policy.Digest(f.Sources...); d == nil {
		e.Reason = fmt.Sprintf("Merged into %s without a decision: Sluice had not judged %.12s.", Plain(c.Base.Name), c.Head.Commit)
		return e
	}
	e.Policy, e.Decision = d.Policy, d.ID
	e.Reason = "Merged into " + Plain(c.Base.Name) + " while the gate was shut: " + d.against(c)
	return e
}

// found enters a finding, and warns of it.
func (r *Reconciler) found(out *Outcome, e Entry) {
	out.Entries = append(out.Entries, e)
	r.Log.Warn("finding", "repo", e.Repo, "change", e.Change, "commit", e.Commit, "check", e.Check, "who", Plain(e.Who.Login), "reason", Plain(e.Reason))
}
