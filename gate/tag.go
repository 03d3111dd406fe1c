package gate

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluicegate/sluice/checks"
)

// tag judges a tag that was pushed, moved or deleted. Where it pointed before is what we last saw; only for a tag
// never seen before is the event's word taken, since the forge does not remember it.
func (r *Reconciler) tag(ctx context.Context, w Work) (Outcome, error) {
	s := w.Mark.Subject()
	for _, c := range w.Causes {
		if c.By != "" {
			s.By = c.By
		}
		if c.Before != "" && s.Before == "" {
			s.Before = c.Before
		}
	}
	provider, ok := r.Providers[s.Forge]
	if !ok {
		return Outcome{Note: "no forge " + s.Forge + " is configured"}, nil
	}
	last, err := r.Memory.State(ctx, s)
	if err != nil {
		return Outcome{}, fmt.Errorf("read state of %v: %w", s, err)
	}
	if last != nil && last.Head != "" {
		s.Before = last.Head
	}
	latest, _, err := r.Memory.Latest(ctx, s)
	if err != nil {
		return Outcome{}, fmt.Errorf("read latest decision of %v: %w", s, err)
	}
	f, err := provider.Facts(ctx, s, "")
	switch {
	case errors.Is(err, ErrGone):
		return Outcome{Note: "gone"}, nil
	case err != nil:
		return Outcome{}, fmt.Errorf("read facts of %v: %w", s, err)
	case f.Pushed == nil:
		return Outcome{}, fmt.Errorf("read facts of %v: the forge told of no tag", s)
	case f.Pushed.Commit == "" && f.Pushed.Before == "":
		return Outcome{Note: "the tag came and went"}, nil
	}
	if err := r.onBehalf(ctx, f); err != nil {
		return Outcome{}, err
	}
	out, err := r.settleTag(ctx, provider, f, latest, w)
	if err != nil {
		return Outcome{}, err
	}
	// A release tag takes a version: what open changes would ship may have changed with it.
	out.Marks = append(out.Marks, Mark{Kind: MarkBase, Forge: s.Forge, Repo: s.Repo, Installation: s.Installation, Why: "tag"})
	err = r.released(ctx, f, &out)
	return out, err
}

// released has the environments looked at where a commit waits that a tag came to or left.
func (r *Reconciler) released(ctx context.Context, f *checks.Facts, out *Outcome) error {
	for _, commit := range involved(f.Pushed) {
		m := Mark{Forge: f.Subject.Forge, Repo: f.Subject.Repo, Installation: f.Subject.Installation, Commit: commit}
		marks, err := r.promotedAt(ctx, m, "tag")
		if err != nil {
			return err
		}
		for _, x := range marks {
			out.later(x)
		}
	}
	return nil
}

// settleTag decides, keeps, and shows the verdict on every commit involved: where the tag is, and where it was.
func (r *Reconciler) settleTag(ctx context.Context, provider Provider, f *checks.Facts, latest *Decision, w Work) (Outcome, error) {
	d := r.decide(ctx, f, Acts{})
	out := Outcome{Subject: stateOf(f, d, r.Now())}
	if latest != nil && latest.Digest == d.Digest {
		d.ID, out.Subject.Decision = latest.ID, latest.ID
	} else if err := keep(&out, f, d); err != nil {
		return Outcome{}, err
	} else {
		logDecision(r.Log, d)
		out.Entries = append(out.Entries, decided(d))
		r.moved(f, d, &out)
	}
	if r.DryRun || len(d.Verdicts) == 0 || skipped(d) {
		return out, nil
	}
	for _, commit := range involved(f.Pushed) {
		at := *d
		at.Commit = commit
		if err := r.show(ctx, provider, f, &at, nil, w, &out); err != nil {
			return Outcome{}, fmt.Errorf("show %v: %w", f.Subject, err)
		}
	}
	return out, nil
}

// moved enters a finding when a release tag points elsewhere than it was last seen to, or is gone.
func (r *Reconciler) moved(f *checks.Facts, d *Decision, out *Outcome) {
	t := f.Pushed
	if t.Before == "" || t.Before == t.Commit || skipped(d) {
		return
	}
	e := entry(EntryFinding, f.Subject, t.Commit)
	e.Check, e.Policy, e.Decision, e.URL = "tagging", d.Policy, d.ID, f.Repository.URL
	e.Reason = fmt.Sprintf("The release tag %s moved from %.12s to %.12s.", Plain(t.Name), t.Before, t.Commit)
	if t.Commit == "" {
		e.Commit, e.Reason = t.Before, fmt.Sprintf("The release tag %s, which pointed to %.12s, is gone.", Plain(t.Name), t.Before)
	}
	if t.By != nil {
		e.Who = who(*t.By)
	}
	r.found(out, e)
}

// skipped says that the tag is no release tag: nothing is said about it.
func skipped(d *Decision) bool {
	for _, v := range d.Verdicts {
		if v.Outcome != checks.Skip {
			return false
		}
	}
	return true
}

func involved(t *checks.TagPush) []string {
	var commits []string
	if t.Commit != "" {
		commits = append(commits, t.Commit)
	}
	if t.Before != "" && t.Before != t.Commit {
		commits = append(commits, t.Before)
	}
	return commits
}
