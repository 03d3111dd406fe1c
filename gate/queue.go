package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// A merge queue makes a commit of the target branch and of each change that waits in it, one upon the other, and merges
// a commit when the required checks on it are green. All changes that such a commit carries are judged here, as the
// queue made them, and the strictest word is shown on it. What cannot be found or read opens nothing.

// sought is how often a commit is looked for in a queue that does not show it, before it is taken for gone: nothing was
// shown on it that would let it through. One that was there before is gone sooner.
const (
	sought = 12
	missed = 4
)

// group judges a merge queue's commit.
func (r *Reconciler) group(ctx context.Context, w Work) (Outcome, error) {
	s := w.Mark.Subject()
	provider, ok := r.Providers[s.Forge]
	queuer, can := provider.(Queuer)
	if !ok || !can {
		return Outcome{Note: "no forge " + s.Forge + " with merge queues is configured"}, nil
	}
	known, err := r.Memory.State(ctx, s)
	if err != nil {
		return Outcome{}, fmt.Errorf("read state of %v: %w", s, err)
	}
	all, err := queuer.Queued(ctx, Repo{s.Forge, s.Repo, s.Installation}, queueOf(w, known), s.Group)
	switch {
	case errors.Is(err, ErrStale) && letGo(w, known), errors.Is(err, ErrGone) && !errors.Is(err, ErrStale):
		return r.left(ctx, provider, s, known)
	case errors.Is(err, ErrStale):
		return Outcome{}, &RetryError{After: min(time.Duration(w.Attempt)*5*time.Second, time.Minute), Err: fmt.Errorf("find %v in the merge queue: %w", s, err)}
	case err != nil:
		return Outcome{}, fmt.Errorf("read the changes of %v: %w", s, err)
	case len(all) == 0 || commitOf(all[len(all)-1]) != s.Group:
		return Outcome{}, fmt.Errorf("read the changes of %v: the forge named none that ends in it", s)
	}
	return r.settleGroup(ctx, provider, s, all, w)
}

const queueRefs = "refs/heads/gh-readonly-queue/"

// QueueRef is the Detail of a MarkGroup that tells whose queue the commit is in, where the forge's own ref does not.
func QueueRef(base string) string { return queueRefs + base + "/pr-" }

// queueOf is the branch whose queue holds the commit, by the name of the ref that the event told of: a hint that says
// where to look. What is found there counts.
func queueOf(w Work, known *SubjectState) string {
	for _, c := range slices.Backward(w.Causes) {
		name, ok := strings.CutPrefix(c.Detail, queueRefs)
		if i := strings.LastIndex(name, "/pr-"); ok && i > 0 {
			return name[:i]
		}
	}
	if known != nil {
		return known.Base
	}
	return ""
}

// letGo says that a commit which the queue does not show will not come: it was told to be gone, or sought long enough.
func letGo(w Work, known *SubjectState) bool {
	told := slices.ContainsFunc(w.Causes, func(c Mark) bool { return c.tells("destroyed") })
	seen := known != nil
	return told || seen && (!known.Open || w.Attempt >= missed) || w.Attempt >= sought
}

// left lets what is pending on a commit end that the queue has no use for any more.
func (r *Reconciler) left(ctx context.Context, provider Provider, s checks.Subject, known *SubjectState) (Outcome, error) {
	out := Outcome{Subject: &SubjectState{Head: s.Group, ReadAt: r.Now()}, Note: "the merge queue has let go of it"}
	if known != nil {
		out.Subject.Base = known.Base
	}
	posted, err := r.Memory.Posted(ctx, s, s.Group)
	if err != nil {
		return Outcome{}, fmt.Errorf("read what was posted on %v: %w", s, err)
	}
	var end []Post
	for _, p := range posted {
		if p.State == "in_progress" {
			end = append(end, r.cancelled(p, "", "The merge queue has let go of this commit."))
		}
	}
	if len(end) == 0 || r.DryRun {
		return out, nil
	}
	out.Posted, err = provider.Post(ctx, s, nil, end)
	if errors.Is(err, ErrGone) {
		return out, nil
	}
	return out, err
}

// cancelled is the post that ends a pending one.
func (r *Reconciler) cancelled(p Posted, decision, why string) Post {
	end := Post{Name: p.Name, Commit: p.Commit, Cancelled: true, Title: why, Summary: why, ExternalID: decision,
		Known: &Posted{Name: p.Name, Commit: p.Commit, ID: p.ID, Node: p.Node, State: p.State}}
	if decision != "" {
		end.URL = strings.TrimRight(r.PublicURL, "/") + "/decisions/" + decision
	}
	end.Digest = end.digest()
	return end
}

// settleGroup decides on each of the changes, keeps that, and shows the strictest words on the queue's commit.
func (r *Reconciler) settleGroup(ctx context.Context, provider Provider, s checks.Subject, all []*checks.Facts, w Work) (Outcome, error) {
	last := all[len(all)-1]
	out := Outcome{Subject: &SubjectState{Open: true, Head: s.Group, Base: last.Queued.Branch, Title: last.Change.Title, ReadAt: r.Now()}}
	var ds []*Decision
	for _, f := range all {
		d, err := r.carry(ctx, f, w, &out)
		if err != nil {
			return Outcome{}, err
		}
		ds = append(ds, d)
		out.Next = sooner(out.Next, d.Acts.next())
		if d.Gate.Outcome == checks.Unknown {
			out.Next = sooner(out.Next, r.Now().Add(time.Minute))
		}
	}
	if names := foreigners(last.Statuses); len(names) > 0 {
		r.Log.Warn("somebody else writes under our names", "subject", s.Key(), "commit", s.Group, "checks", names)
	}
	if r.DryRun {
		out.Note = "dry run: nothing was posted"
		return out, nil
	}
	err := r.showGroup(ctx, provider, s, last, ds, w, &out)
	var later *RetryError
	if errors.As(err, &later) && later.After > 0 {
		out.Next, out.Note = sooner(out.Next, r.Now().Add(later.After)), checks.Clip("not all shown yet: "+err.Error(), 300)
		return out, nil
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("show %v: %w", s, err)
	}
	r.timed(w)
	return out, nil
}

// carry decides on one change of a queue's commit: what was approved and overridden is its own head.
func (r *Reconciler) carry(ctx context.Context, f *checks.Facts, w Work, out *Outcome) (*Decision, error) {
	own := f.Subject
	own.Kind, own.Group = checks.KindChange, ""
	acts, err := r.Memory.Acts(ctx, own)
	if err != nil {
		return nil, fmt.Errorf("read what people said about %v: %w", own, err)
	}
	latest, _, err := r.Memory.Latest(ctx, f.Subject)
	if err != nil {
		return nil, fmt.Errorf("read latest decision of %v: %w", f.Subject, err)
	}
	d := r.decide(ctx, f, acts)
	if err := acts.heardOut(d, w.Attempt); err != nil {
		return nil, err
	}
	out.Members = append(out.Members, f.Subject.Change)
	if latest != nil && latest.Digest == d.Digest {
		d.ID = latest.ID
		return d, nil
	}
	var made Outcome
	if err := keep(&made, f, d); err != nil {
		return nil, err
	}
	logDecision(r.Log, d)
	out.Also = append(out.Also, Kept{d, made.Facts, made.Sources})
	out.Entries = append(out.Entries, decided(d))
	return d, nil
}

// showGroup posts on the queue's commit what is not shown there yet.
func (r *Reconciler) showGroup(ctx context.Context, provider Provider, s checks.Subject, f *checks.Facts, ds []*Decision, w Work, out *Outcome) error {
	recorded, err := r.Memory.Posted(ctx, s, s.Group)
	if err != nil {
		return fmt.Errorf("read what was posted: %w", err)
	}
	_, unread := f.Gap("statuses")
	end := len(ds) - 1
	news, found := changed(posts(ds[end], ds[:end], r.PublicURL), recorded, f.Statuses, !unread, rerequested(w))
	out.Posted = append(out.Posted, found...)
	if len(news) == 0 {
		return nil
	}
	if err := r.keepFirst(ctx, w, out); err != nil {
		return err
	}
	posted, err := provider.Post(ctx, s, f, news)
	out.Posted = append(out.Posted, posted...)
	return err
}

// queues marks the merge queues' commits that carry a change: something of it may be another now.
func (r *Reconciler) queues(ctx context.Context, s checks.Subject) (marks []Mark, err error) {
	groups, err := r.Memory.Groups(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("find the merge queue of %v: %w", s, err)
	}
	for _, g := range groups {
		marks = append(marks, groupMark(g, "change"))
	}
	return marks, nil
}

func groupMark(g checks.Subject, why string) Mark {
	return Mark{Kind: MarkGroup, Forge: g.Forge, Repo: g.Repo, Commit: g.Group, Installation: g.Installation, Why: why}
}
