package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// forge is a provider in memory: it shows what was posted, as a forge would.
type forge struct {
	facts   checks.Facts
	err     error
	postErr error
	reads   int
	posted  []Post
	open    []checks.Subject
	nextID  int64
}

func (f *forge) Facts(context.Context, checks.Subject, string) (*checks.Facts, error) {
	f.reads++
	if f.err != nil {
		return nil, f.err
	}
	var copied checks.Facts
	b, err := json.Marshal(f.facts)
	if err != nil {
		return nil, err
	}
	return &copied, json.Unmarshal(b, &copied)
}

func (f *forge) Post(_ context.Context, _ checks.Subject, _ *checks.Facts, posts []Post) ([]Posted, error) {
	if f.postErr != nil {
		return nil, f.postErr
	}
	var out []Posted
	for _, p := range posts {
		f.nextID++
		f.posted = append(f.posted, p)
		f.facts.Statuses = append(f.facts.Statuses, checks.Status{Name: p.Name, ID: f.nextID, State: p.State(), Title: p.Title,
			Summary: p.Summary, ExternalID: p.ExternalID, Ours: true})
		out = append(out, Posted{p.Name, p.Commit, f.nextID, "", p.Digest, p.State()})
	}
	return out, nil
}

func (f *forge) Changes(context.Context, Repo, string, string) ([]checks.Subject, error) {
	return f.open, f.err
}

// memory keeps what outcomes leave behind.
type memory struct {
	state   *SubjectState
	latest  *Decision
	sources []byte
	posted  []Posted
	open    []checks.Subject
	acts    Acts
	queued  *Decision
	moved   bool
	arrived time.Time
	answers map[string]*CommentState // by Mark.Key
	groups  []checks.Subject
	branch  *BranchSeen
	first   []Outcome // what was kept before anybody was told
	refuses error     // what Keep answers
}

func (m *memory) Branch(context.Context, string, string, string) (*BranchSeen, error) {
	return m.branch, nil
}
func (m *memory) Branches(context.Context, string) ([]BranchSeen, error) {
	if m.branch == nil {
		return nil, nil
	}
	return []BranchSeen{*m.branch}, nil
}

// Keep notes what is known before anybody is told.
func (m *memory) Keep(_ context.Context, _ Work, o Outcome) error {
	m.first = append(m.first, o)
	return m.refuses
}

func (m *memory) Groups(context.Context, checks.Subject) ([]checks.Subject, error) {
	return m.groups, nil
}

func (m *memory) Acts(context.Context, checks.Subject) (Acts, error) { return m.acts, nil }
func (m *memory) OverridesOf(_ context.Context, _ checks.Subject, comment int64) ([]Override, error) {
	return slices.DeleteFunc(slices.Clone(m.acts.Overrides), func(o Override) bool { return o.Comment != comment }), nil
}
func (m *memory) Moved(context.Context, checks.Subject, int64, string) (bool, time.Time, error) {
	return m.moved, m.arrived, nil
}
func (m *memory) LatestQueued(context.Context, checks.Subject) (*Decision, error) {
	return m.queued, nil
}
func (m *memory) Comment(_ context.Context, c Mark) (*CommentState, error) {
	return m.answers[c.Key()], nil
}

func (m *memory) State(context.Context, checks.Subject) (*SubjectState, error) { return m.state, nil }
func (m *memory) Latest(context.Context, checks.Subject) (*Decision, []byte, error) {
	return m.latest, m.sources, nil
}
func (m *memory) Posted(context.Context, checks.Subject, string) ([]Posted, error) {
	return m.posted, nil
}
func (m *memory) OpenSubjects(context.Context, string, string, string) ([]checks.Subject, error) {
	return slices.Clone(m.open), nil
}

func (m *memory) OpenAt(context.Context, string, string, string) ([]checks.Subject, error) {
	return m.open, nil
}

func (m *memory) keep(o Outcome) {
	if o.Decision != nil {
		m.latest, m.sources = o.Decision, o.Sources
	}
	if o.Subject != nil {
		m.state = o.Subject
	}
	if o.Branch != nil {
		m.branch = o.Branch
	}
	for _, p := range o.Posted {
		m.posted = append(slices.DeleteFunc(m.posted, func(q Posted) bool { return q.Name == p.Name && q.Commit == p.Commit }), p)
	}
}

func change() checks.Facts {
	return checks.Facts{
		At: now, Subject: checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindChange, Change: 7}, Listed: true,
		Repository: checks.Repository{Name: "acme/shop", Default: "main"},
		Sources: []policy.Source{{Origin: policy.Repository, Name: ".sluice.yml",
			Text: "version: 1\ntagging: {mode: off}\nconfig-separation: {mode: off}\nchangelog: {mode: off}\n"}},
		Change: &checks.Change{Number: 7, State: "open", Title: "Add a basket", Author: checks.Person{ID: 1, Login: "ana", Kind: "user"},
			Base: checks.Ref{Name: "main", Commit: "b1"}, Head: checks.Ref{Name: "x", Commit: "c1"}},
		Commits: []checks.Commit{{ID: "c1", Author: checks.Person{ID: 1, Login: "ana", Kind: "user"}, Committer: checks.Person{ID: 1, Login: "ana", Kind: "user"}}},
		People:  map[int64]checks.Person{1: {ID: 1, Login: "ana", Kind: "user", Permission: "write"}, 2: {ID: 2, Login: "bo", Kind: "user", Permission: "write"}},
	}
}

func reconciler(f *forge, m *memory) *Reconciler {
	n := 0
	return &Reconciler{
		Providers: map[string]Provider{"github": f}, Memory: m, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
		NewID: func() string { n++; return fmt.Sprintf("%032x", n) }, PublicURL: "http://sluice.example", Sweep: 10 * time.Minute,
	}
}

func work(causes ...Mark) Work {
	return Work{Attempt: 1, Mark: Mark{Kind: MarkChange, Forge: "github", Repo: "acme/shop", Change: 7}, Causes: causes}
}

func must(t *testing.T, r *Reconciler, m *memory, w Work) Outcome {
	t.Helper()
	out, err := r.Work(t.Context(), w)
	if err != nil {
		t.Fatalf("Work(%v) = %v", w.Mark.Key(), err)
	}
	m.keep(out)
	return out
}

func TestWorkPostsEachCheckOnceAndThenIsQuiet(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change()}, &memory{}
	r := reconciler(f, m)
	out := must(t, r, m, work())
	if out.Decision == nil || out.Decision.Open || len(f.posted) != 5 {
		t.Fatalf("first look posted %d checks and decided %+v, want five and shut", len(f.posted), out.Decision)
	}
	first := out.Decision.ID
	if out = must(t, r, m, work()); out.Decision != nil || len(f.posted) != 5 {
		t.Errorf("second look posted %d more and decided %v, want nothing new", len(f.posted)-5, out.Decision)
	}
	f.facts.Reviews = []checks.Review{{ID: 1, By: checks.Person{ID: 2, Login: "bo", Kind: "user"}, State: "approved", Commit: "c1"}}
	out = must(t, r, m, work())
	if out.Decision == nil || !out.Decision.Open || len(f.posted) != 7 || out.Decision.ID == first {
		t.Errorf("an approval posted %d more and decided %+v, want approval and gate alone, open, under a new id", len(f.posted)-5, out.Decision)
	}
}

func TestWorkAfterACrashBetweenPostingAndRemembering(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change()}, &memory{}
	r := reconciler(f, m)
	if _, err := r.Work(t.Context(), work()); err != nil { // and its outcome is lost
		t.Fatal(err)
	}
	must(t, r, m, work())
	if len(f.posted) != 5 {
		t.Errorf("posted %d checks in all, want the five of the first look", len(f.posted))
	}
}

func TestWorkDoesNotReadWhatNoRuleReads(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change()}, &memory{}
	r := reconciler(f, m)
	must(t, r, m, work())
	for name, c := range map[string]struct {
		cause Mark
		reads int
	}{
		"a label that no rule names":  {Mark{Why: "pull_request.labeled", Detail: "wip", Commit: "c1"}, 0},
		"a comment as a review":       {Mark{Why: "pull_request_review.submitted", Detail: "commented", Commit: "c1"}, 0},
		"a label on another head":     {Mark{Why: "pull_request.labeled", Detail: "wip", Commit: "c2"}, 1},
		"an approval":                 {Mark{Why: "pull_request_review.submitted", Detail: "approved", Commit: "c1"}, 1},
		"a push":                      {Mark{Why: "pull_request.synchronize", Commit: "c1"}, 1},
		"a re-request by hand":        {Mark{Why: "check_run.rerequested"}, 1},
		"a sweep":                     {Mark{Why: "sweep"}, 1},
		"a label that may be a bump":  {Mark{Why: "pull_request.labeled", Detail: "semver:minor", Commit: "c1"}, 0}, // tagging is off here
		"an event of unknown meaning": {Mark{Why: "something.new"}, 1},
	} {
		before := f.reads
		must(t, r, m, work(c.cause))
		if got := f.reads - before; got != c.reads {
			t.Errorf("%s: %d reads, want %d", name, got, c.reads)
		}
	}
}

func TestWorkOnABrokenPolicyShutsTheGate(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change()}, &memory{}
	f.facts.Sources[0].Text = "version: 1\nchangelgo: {}\n"
	out := must(t, reconciler(f, m), m, work())
	if out.Decision.Open || !strings.Contains(out.Decision.Gate.Reason, ".sluice.yml:2:1") {
		t.Errorf("gate = %v %q, want shut and naming the line", out.Decision.Open, out.Decision.Gate.Reason)
	}
}

func TestWorkOnAClosedChangeEndsWhatIsPending(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change()}, &memory{}
	r := reconciler(f, m)
	must(t, r, m, work())
	n := len(f.posted)
	f.facts.Change.State = "closed"
	out := must(t, r, m, work())
	for _, p := range f.posted[n:] {
		if !p.Cancelled {
			t.Errorf("%s was posted as %s, want cancelled", p.Name, p.State())
		}
	}
	if len(f.posted) != n+2 || out.Subject.Open { // approval and gate were waiting
		t.Errorf("%d posts, open %v; want the two pending ones ended and the change forgotten", len(f.posted)-n, out.Subject.Open)
	}
}

func TestWorkKeepsTheDecisionWhenTheForgeWantsAPause(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change(), postErr: &RetryError{After: time.Minute, Err: errors.New("secondary limit")}}, &memory{}
	out := must(t, reconciler(f, m), m, work())
	if out.Decision == nil || !out.Next.Equal(now.Add(time.Minute)) {
		t.Errorf("decision %v, next %v; want it kept and another look in a minute", out.Decision, out.Next)
	}
}

func TestWorkInADryRunPostsNothing(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change()}, &memory{}
	r := reconciler(f, m)
	r.DryRun = true
	if out := must(t, r, m, work()); out.Decision == nil || len(f.posted) != 0 {
		t.Errorf("decision %v and %d posts, want the decision alone", out.Decision, len(f.posted))
	}
}

func TestWorkOnAnErrorIsTriedAgainAndOpensNothing(t *testing.T) {
	t.Parallel()
	f, m := &forge{err: errors.New("502")}, &memory{}
	if _, err := reconciler(f, m).Work(t.Context(), work()); err == nil || len(f.posted) != 0 {
		t.Errorf("Work = %v with %d posts, want an error and none", err, len(f.posted))
	}
	f.err = fmt.Errorf("read: %w", ErrGone)
	w := work()
	w.Attempt = 8 // it was looked for for a while
	if out := must(t, reconciler(f, m), m, w); out.Subject == nil || out.Subject.Open {
		t.Errorf("a subject that is gone left %+v, want it forgotten", out.Subject)
	}
}

func TestFanOutMarksOpenChangesAndThoseWeBelieveOpen(t *testing.T) {
	t.Parallel()
	s := func(n int) checks.Subject {
		return checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindChange, Change: n}
	}
	f, m := &forge{open: []checks.Subject{s(1), s(2)}}, &memory{open: []checks.Subject{s(2), s(3)}}
	out := must(t, reconciler(f, m), m, Work{Mark: Mark{Kind: MarkBase, Forge: "github", Repo: "acme/shop", Base: "main"}})
	var got []int
	for _, k := range out.Marks {
		if k.Kind == MarkChange {
			got = append(got, k.Change)
		}
	}
	if fmt.Sprint(got) != "[1 2 3]" || out.Delays[2] <= out.Delays[1] {
		t.Errorf("marked %v after %v, want 1, 2 and 3, spread out", got, out.Delays)
	}
}

func TestReplayGivesTheSameDecisionByteForByte(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change()}, &memory{}
	out := must(t, reconciler(f, m), m, work())
	got, err := Replay(Recorded{Decision: out.Decision, Facts: out.Facts, Sources: out.Sources})
	if err != nil || !Same(got, out.Decision) {
		t.Errorf("replayed %+v, %v, want %+v", got, err, out.Decision)
	}
	if _, err := Replay(Recorded{Decision: out.Decision, Sources: out.Sources}); !errors.Is(err, ErrIncomplete) {
		t.Errorf("replay without facts = %v, want ErrIncomplete", err)
	}
}

// What an earlier version kept names no branch, and its digest none either: it is still what it was.
func TestReplayOfADecisionThatNamesNoBranch(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change()}, &memory{}
	out := must(t, reconciler(f, m), m, work())
	old := *out.Decision
	old.Base = ""
	old.Digest = digestOf(struct {
		Subject, Commit, Policy string
		Verdicts                []checks.Verdict
		Gate                    checks.Verdict
	}{old.Subject.Key(), old.Commit, old.Policy, old.Verdicts, old.Gate})
	if old.Digest == out.Decision.Digest {
		t.Error("the branch is not part of what is sealed")
	}
	got, err := Replay(Recorded{Decision: &old, Facts: out.Facts, Sources: out.Sources})
	if err != nil || !Same(got, &old) {
		t.Errorf("replayed %+v, %v, want %+v", got, err, old)
	}
}

func TestWorkThatWasNotAllShownIsGoneOnWithWhateverHappens(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change(), postErr: &RetryError{After: time.Minute, Err: errors.New("secondary limit")}}, &memory{}
	r := reconciler(f, m)
	must(t, r, m, work())
	f.postErr = nil
	if must(t, r, m, work(Mark{Why: "pull_request.labeled", Detail: "wip", Commit: "c1"})); len(f.posted) != 5 {
		t.Errorf("%d checks posted, want the five that were still missing", len(f.posted))
	}
}

// twins are two changes with one head commit: each judged by itself, one memory for both.
func TestOneHeadOfTwoChangesShowsTheStricterVerdict(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change()}, &memory{}
	f.facts.Reviews = []checks.Review{{ID: 1, By: checks.Person{ID: 2, Login: "bo", Kind: "user"}, State: "approved", Commit: "c1"}}
	other := decision(verdict("approval", checks.Wait, policy.Enforce))
	other.Subject.Change, other.ID = 8, strings.Repeat("b", 32)
	m.open, m.latest = []checks.Subject{other.Subject}, other
	r := reconciler(f, m)
	out, err := r.Work(t.Context(), Work{Attempt: 1, Mark: Mark{Kind: MarkChange, Forge: "github", Repo: "acme/shop", Change: 7}})
	if err != nil {
		t.Fatal(err)
	}
	if out.Decision == nil || !out.Decision.Open {
		t.Fatalf("decision %+v, want #7 by itself open", out.Decision)
	}
	for _, p := range f.posted {
		if (p.Name == "sluice/gate" || p.Name == "sluice/approval") && (p.State() != "in_progress" || p.ExternalID != other.ID || !strings.Contains(p.Summary, "that of #8")) {
			t.Errorf("%s shows %s of %s, want that #8 still waits:\n%s", p.Name, p.State(), p.ExternalID, p.Summary)
		}
	}
	if len(out.Beside) != 1 || out.Beside[0].Change != 8 {
		t.Errorf("beside it %v, want the other change looked at again", out.Beside)
	}
}

func TestPostsOnASharedHeadDoNotDependOnWhoAsks(t *testing.T) {
	t.Parallel()
	a := decision(verdict("approval", checks.Wait, policy.Enforce), verdict("mood", checks.Pass, policy.Enforce))
	b := decision(verdict("approval", checks.Wait, policy.Enforce), verdict("changelog", checks.Fail, policy.Observe))
	b.Subject.Change, b.ID = 8, strings.Repeat("b", 32)
	if one, two := fmt.Sprintf("%+v", posts(a, []*Decision{b}, "")), fmt.Sprintf("%+v", posts(b, []*Decision{a}, "")); one != two {
		t.Errorf("posts(a, b) = %s\nposts(b, a) = %s", one, two)
	}
}

func TestWorkUnderAPolicyThatCouldNotBeReadOpensNothing(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change()}, &memory{}
	f.facts.Sources, f.facts.Gaps = nil, []checks.Gap{{Part: "policy", Reason: "The target branch is gone."}}
	out := must(t, reconciler(f, m), m, work())
	if out.Decision.Open || out.Decision.Gate.Outcome != checks.Unknown || !strings.Contains(out.Decision.Gate.Reason, "The target branch is gone.") {
		t.Errorf("gate = %v %q, want unknown and why", out.Decision.Gate.Outcome, out.Decision.Gate.Reason)
	}
}

// askingForge is a forge that can request reviews.
type askingForge struct {
	*forge
	users, teams []string
	err          error
}

func (f *askingForge) RequestReviewers(_ context.Context, _ checks.Subject, users, teams []string) error {
	f.users, f.teams = append(f.users, users...), append(f.teams, teams...)
	return f.err
}

func TestReviewsAreRequestedOnceInTheLifeOfAChange(t *testing.T) {
	t.Parallel()
	f, m := &askingForge{forge: &forge{facts: change()}, err: errors.New("403")}, &memory{}
	f.facts.Sources[0].Text += "approval: {rules: [{name: operations, from: {users: [olga], teams: [acme/operations]}}]}\n"
	r := reconciler(f.forge, m)
	r.Providers["github"] = f
	must(t, r, m, work())
	must(t, r, m, work(Mark{Why: "pull_request.synchronize"}))
	if got := fmt.Sprint(f.users, f.teams); got != "[olga] [acme/operations]" {
		t.Errorf("asked %s, want olga and the team once, though the forge refused", got)
	}
}

// A repository that is renamed, transferred or suspended comes back: what is open there is looked for for a while.
func TestAnOpenChangeThatIsNotShownIsLookedForAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state   *SubjectState
		attempt int64
		since   time.Time
		again   bool
	}{
		"never read":                      {nil, 1, now, true},
		"never read, and gone for long":   {nil, 9, now.Add(-time.Hour), false},
		"closed":                          {&SubjectState{ReadAt: now}, 1, now, false},
		"open":                            {&SubjectState{Open: true, ReadAt: now.Add(-time.Hour)}, 1, now.Add(-time.Hour), true},
		"open, and read a short time ago": {&SubjectState{Open: true, ReadAt: now.Add(-20 * time.Minute)}, 9, now.Add(-time.Hour), true},
		"open, and told a short time ago": {&SubjectState{Open: true, ReadAt: now.Add(-time.Hour)}, 9, now.Add(-time.Minute), true},
		"open, and gone for long":         {&SubjectState{Open: true, ReadAt: now.Add(-time.Hour)}, 9, now.Add(-time.Hour), false},
	} {
		f := &forge{facts: change(), err: ErrGone}
		w := work()
		w.Attempt, w.Since = c.attempt, c.since
		out, err := reconciler(f, &memory{state: c.state}).Work(t.Context(), w)
		var later *RetryError
		if errors.As(err, &later) != c.again || !c.again && (err != nil || out.Subject == nil || out.Subject.Open) {
			t.Errorf("%s: %+v, %v; want again %v", name, out.Subject, err, c.again)
		}
	}
}
