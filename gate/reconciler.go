package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// Reconciler works off one piece of work at a time: read, judge, decide, keep, show. Looking twice is harmless, so
// lost, late, doubled and shuffled deliveries need no cleverness.
type Reconciler struct {
	Providers map[string]Provider // by forge
	Memory    Memory
	Past      Past // nil: a change that edits the policy is not told what would flip
	Log       *slog.Logger
	Now       func() time.Time // UTC
	NewID     func() string    // 32 random hex digits
	PublicURL string
	DryRun    bool          // judge and record, post nothing
	Sweep     time.Duration // how often open subjects are read anew
	Prune     func(context.Context) error
	Observe   Observer
	Releases  Releases      // nil: none are made
	Book      Book          // nil: no environments are guarded
	Reserve   time.Duration // how long a deployment may be in the making; 45 seconds when 0
	Calendars Calendars     // nil: none from the web are allowed
	Outbox    Outbox
	Messenger Messenger         // nil: nobody is told
	Missed    map[string]Missed // by forge: how deliveries that did not arrive are found
	policies  policyCache
}

// Observer is told what happened, for metrics; any of its functions may be nil.
type Observer struct {
	Decided func(check, outcome string)
	Posted  func(sinceEvent time.Duration)
	Worked  func(kind MarkKind, outcome string)

	// Began is told that a piece of work is taken up. What it returns goes with the work, to the forge and the store too; ended is
	// called when what came of it is written down.
	Began func(context.Context, Work) (with context.Context, ended func(error))
	// Judged is told of a decision just made, and how long it took to make.
	Judged func(ctx context.Context, d *Decision, took time.Duration)
}

func (o Observer) began(ctx context.Context, w Work) (context.Context, func(error)) {
	if o.Began == nil {
		return ctx, func(error) {}
	}
	return o.Began(ctx, w)
}

// Work works off one piece and says what it leaves behind. An error means that it must be tried again.
func (r *Reconciler) Work(ctx context.Context, w Work) (Outcome, error) {
	ctx = WithClass(ctx, w.class())
	switch w.Mark.Kind {
	case MarkChange:
		return r.change(ctx, w)
	case MarkTag:
		return r.tag(ctx, w)
	case MarkBase, MarkHead:
		return r.fanOut(ctx, w)
	case MarkSweep:
		return r.sweep(ctx, w)
	case MarkAhead:
		return r.readAhead(ctx, w)
	case MarkComment:
		return r.comment(ctx, w)
	case MarkGroup:
		return r.group(ctx, w)
	case MarkBranch:
		return r.branch(ctx, w)
	case MarkEnvironment:
		return r.environment(ctx, w)
	case MarkAsk:
		return r.asked(ctx, w)
	case MarkAction:
		return r.pressed(ctx, w)
	case MarkNotice:
		return r.notify(ctx, w.Mark.Target)
	case MarkCatchUp:
		return r.catchUp(ctx, w)
	case MarkPrune:
		return Outcome{Next: r.Now().Add(24 * time.Hour)}, r.Prune(ctx)
	}
	return Outcome{Note: "nothing is done for " + string(w.Mark.Kind)}, nil
}

// change judges one change as it is now.
func (r *Reconciler) change(ctx context.Context, w Work) (Outcome, error) {
	s := w.Mark.Subject()
	provider, ok := r.Providers[s.Forge]
	if !ok {
		return Outcome{Note: "no forge " + s.Forge + " is configured"}, nil
	}
	if done, err := r.examined(ctx, w); err != nil || done {
		return Outcome{Note: "its merge was looked at before"}, err
	}
	latest, sources, err := r.Memory.Latest(ctx, s)
	if err != nil {
		return Outcome{}, fmt.Errorf("read latest decision of %v: %w", s, err)
	}
	if latest != nil && maybeIdle(w) {
		why, idle, err := r.rests(ctx, w, latest, sources)
		if err != nil || idle {
			return Outcome{Note: why, Next: latest.Acts.next()}, err
		}
	}
	f, err := provider.Facts(ctx, s, newestHead(w))
	switch {
	case errors.Is(err, ErrGone):
		return r.vanished(ctx, w, err)
	case err != nil:
		return Outcome{}, fmt.Errorf("read facts of %v: %w", s, err)
	}
	if f.Change == nil {
		return Outcome{}, fmt.Errorf("read facts of %v: the forge told of no change", s)
	}
	if f.Change.State != "open" {
		return r.ended(ctx, provider, f, w)
	}
	return r.settle(ctx, provider, f, latest, w)
}

// vanished is about a change that the forge does not show. One that is open, or of whose beginning or end somebody told, is
// looked for again for as long as an environment is, and is what it was until then: replicas lag, a repository that is renamed,
// transferred or suspended comes back, and what was told of is not told again.
func (r *Reconciler) vanished(ctx context.Context, w Work, gone error) (Outcome, error) {
	s := w.Mark.Subject()
	st, err := r.Memory.State(ctx, s)
	if err != nil {
		return Outcome{}, fmt.Errorf("read state of %v: %w", s, err)
	}
	matters := st == nil || st.Open || slices.ContainsFunc(w.Causes, func(c Mark) bool { return c.tells("closed") || c.tells("reopened") })
	lately := r.Now().Sub(w.Since) < goneFor || st != nil && r.Now().Sub(st.ReadAt) < goneFor
	told := slices.ContainsFunc(w.Causes, func(c Mark) bool { return strings.HasPrefix(c.Why, "installation") }) // it was taken off
	if matters && !told && (lately || w.Attempt <= 7) {
		after := goneFor / 6
		if w.Attempt == 1 {
			after = 10 * time.Second
		}
		return Outcome{}, &RetryError{After: after, Err: fmt.Errorf("read facts of %v: %w", s, gone)}
	}
	r.Log.Info("subject is gone", "subject", s.Key(), "err", gone)
	return Outcome{Subject: &SubjectState{ReadAt: r.Now()}, Note: "gone"}, nil
}

// rests says that there is nothing to do, and why: as long as some of what should be shown is missing, there is something
// to do whatever happened.
func (r *Reconciler) rests(ctx context.Context, w Work, latest *Decision, sources []byte) (why string, idle bool, err error) {
	if why, idle = r.idle(w, latest, sources); !idle || r.DryRun {
		return why, idle, nil
	}
	recorded, err := r.Memory.Posted(ctx, latest.Subject, latest.Commit)
	if err != nil {
		return "", false, fmt.Errorf("read what was posted on %v: %w", latest.Subject, err)
	}
	others, err := r.sharing(ctx, latest)
	if err != nil {
		return "", false, err
	}
	return why, told(posts(latest, others, r.PublicURL), recorded), nil
}

// settle decides, keeps and shows.
func (r *Reconciler) settle(ctx context.Context, provider Provider, f *checks.Facts, latest *Decision, w Work) (Outcome, error) {
	acts, err := r.Memory.Acts(ctx, f.Subject)
	if err != nil {
		return Outcome{}, fmt.Errorf("read what people said about %v: %w", f.Subject, err)
	}
	acts, ended := r.settleActs(acts, f, w)
	d := r.decide(ctx, f, acts)
	if err := acts.heardOut(d, w.Attempt); err != nil {
		return Outcome{}, err
	}
	if err := r.lookAhead(ctx, f, d, latest, w); err != nil {
		return Outcome{}, err
	}
	out := Outcome{Subject: stateOf(f, d, r.Now()), Next: d.Acts.next(), Overrides: ended, Said: &acts.Version}
	for _, o := range ended {
		out.Entries = append(out.Entries, overrideEntry(f.Subject, d.Policy, o, endedAs(o)))
		out.Marks = append(out.Marks, answerAgain(f.Subject, o.Comment))
	}
	others, err := r.sharing(ctx, d)
	if err != nil {
		return Outcome{}, err
	}
	queued, err := r.queues(ctx, f.Subject)
	if err != nil {
		return Outcome{}, err
	}
	out.Marks = append(out.Marks, queued...)
	if out.Branch, err = r.begins(ctx, f); err != nil {
		return Outcome{}, err
	}
	if out.Branch != nil && out.Branch.Name == f.Repository.Default {
		if err := r.guards(ctx, besides([]*Decision{d})[0], f.Sources, false, &out); err != nil {
			return Outcome{}, err
		}
	}
	if latest != nil && latest.Digest == d.Digest {
		d.ID, out.Subject.Decision = latest.ID, latest.ID // nothing new was decided: the links stay
		if out.Facts, err = seen(f); err != nil {
			return Outcome{}, err
		}
	} else if err := keep(&out, f, d); err != nil {
		return Outcome{}, err
	} else {
		logDecision(r.Log, d)
		out.Entries = append(out.Entries, decided(d))
		out.Beside = besides(others)
	}
	if names := foreigners(f.Statuses); len(names) > 0 {
		r.Log.Warn("somebody else writes under our names", "subject", f.Subject.Key(), "commit", d.Commit, "checks", names)
	}
	if r.DryRun {
		out.Note = "dry run: nothing was posted"
		return out, nil
	}
	err = r.show(ctx, provider, f, d, others, w, &out)
	var later *RetryError
	if errors.As(err, &later) && later.After > 0 {
		// What was decided is kept now; the rest is shown when the forge lets us write again.
		out.Next, out.Note = sooner(out.Next, r.Now().Add(later.After)), checks.Clip("not all shown yet: "+err.Error(), 300)
		return out, nil
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("show %v: %w", f.Subject, err)
	}
	r.ask(ctx, provider, f, &out)
	r.timed(w)
	return out, nil
}

// decide judges the facts, and tells whoever counts decisions.
func (r *Reconciler) decide(ctx context.Context, f *checks.Facts, acts Acts) *Decision {
	began := time.Now()
	d := r.judged(f, acts)
	if r.Observe.Judged != nil {
		r.Observe.Judged(ctx, d, time.Since(began))
	}
	if r.Observe.Decided != nil {
		for _, v := range append([]checks.Verdict{d.Gate}, d.Verdicts...) {
			r.Observe.Decided(v.Check, v.Outcome.String())
		}
	}
	return d
}

// judged judges the facts under the policies that came with them.
func (r *Reconciler) judged(f *checks.Facts, acts Acts) *Decision {
	return judge(r.policies.load, f, acts, r.NewID(), r.Now())
}

// show posts what the forge does not show yet.
func (r *Reconciler) show(ctx context.Context, provider Provider, f *checks.Facts, d *Decision, others []*Decision, w Work, out *Outcome) error {
	recorded, err := r.Memory.Posted(ctx, f.Subject, d.Commit)
	if err != nil {
		return fmt.Errorf("read what was posted: %w", err)
	}
	_, unread := f.Gap("statuses")
	news, found := changed(posts(d, others, r.PublicURL), recorded, f.Statuses, !unread, rerequested(w))
	out.Posted = append(out.Posted, found...)
	if len(news) == 0 {
		return nil
	}
	if err := r.keepFirst(ctx, w, out); err != nil {
		return err
	}
	posted, err := provider.Post(ctx, f.Subject, f, news)
	out.Posted = append(out.Posted, posted...)
	return err
}

// keepFirst keeps what was decided before anybody is told. A process that ends after it has shown an open gate would else leave
// a change that may be merged, and no word of who judged it, and why.
func (r *Reconciler) keepFirst(ctx context.Context, w Work, out *Outcome) error {
	if out.Kept || out.Decision == nil && len(out.Also) == 0 {
		return nil
	}
	about := func(e Entry) bool {
		return e.Decision != "" && e.Promotion == "" && (out.Decision != nil && e.Decision == out.Decision.ID ||
			slices.ContainsFunc(out.Also, func(k Kept) bool { return e.Decision == k.Decision.ID }))
	}
	now := Outcome{Decision: out.Decision, Facts: out.Facts, Sources: out.Sources, Also: out.Also, Beside: out.Beside, Said: out.Said,
		Entries: where(out.Entries, about)}
	if err := r.Memory.Keep(ctx, w, now); err != nil {
		return fmt.Errorf("keep what was decided: %w", err)
	}
	out.Kept, out.Entries = true, slices.DeleteFunc(out.Entries, about)
	return nil
}

// timed notes how long it took from the oldest cause to what people see.
func (r *Reconciler) timed(w Work) {
	if r.Observe.Posted == nil || w.Since.IsZero() {
		return
	}
	r.Observe.Posted(r.Now().Sub(w.Since))
}

// keep puts the decision, with its facts and policies, into what is written.
func keep(out *Outcome, f *checks.Facts, d *Decision) error {
	facts, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("keep facts of %v: %w", f.Subject, err)
	}
	sources, err := json.Marshal(f.Sources)
	if err != nil {
		return fmt.Errorf("keep policy of %v: %w", f.Subject, err)
	}
	sum := sha256.Sum256(facts)
	d.Facts = hex.EncodeToString(sum[:])
	out.Decision, out.Facts, out.Sources = d, facts, sources
	return nil
}

func stateOf(f *checks.Facts, d *Decision, now time.Time) *SubjectState {
	st := &SubjectState{ReadAt: now}
	if c := f.Change; c != nil {
		st.Open, st.Head, st.Base = c.State == "open", c.Head.Commit, c.Base.Name
		st.Author, st.Title = c.Author.Login, checks.Clip(c.Title, 250)
	}
	if f.Pushed != nil {
		st.Head = f.Pushed.Commit
	}
	if d != nil {
		st.Decision = d.ID
	}
	return st
}

// rerequested says which checks somebody asked to be run again: a named one, or the whole suite.
func rerequested(w Work) func(name string) bool {
	return func(name string) bool {
		for _, c := range w.Causes {
			if strings.HasSuffix(c.Why, ".rerequested") && (c.Detail == "" || strings.EqualFold(c.Detail, name)) {
				return true
			}
		}
		return false
	}
}

// newestHead is the newest head commit that an event told of, or "" when none did.
func newestHead(w Work) string {
	for i := len(w.Causes) - 1; i >= 0; i-- {
		if c := w.Causes[i].Commit; c != "" {
			return c
		}
	}
	return ""
}

// load returns the policies in force for these sources, loading each set of sources once.
func (c *policyCache) load(sources []policy.Source) (*policy.Set, error) {
	key, bytes := policy.Digest(sources...), 0
	if e, ok := c.get(key); ok {
		return e.set, e.err
	}
	set, err := policy.Load(sources...)
	for _, s := range sources {
		bytes += len(s.Text)
	}
	c.put(key, loaded{set, err}, bytes)
	return set, err
}
