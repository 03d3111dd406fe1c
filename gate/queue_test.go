package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// queueForge is a forge with a merge queue whose commit q2 carries #7 as q1 and #8 as q2.
type queueForge struct {
	*forge
	carried []*checks.Facts
	err     error
	asked   []string
}

func (f *queueForge) Queued(_ context.Context, _ Repo, branch, commit string) ([]*checks.Facts, error) {
	f.asked = append(f.asked, branch+" "+commit)
	for _, c := range f.carried {
		c.Statuses = f.facts.Statuses
	}
	return f.carried, f.err
}

// shelf keeps by subject what outcomes leave behind.
type shelf struct {
	memory
	decisions map[string]*Decision
	states    map[string]*SubjectState
	said      map[string]Acts
	entries   []Entry
}

func newShelf() *shelf {
	return &shelf{decisions: map[string]*Decision{}, states: map[string]*SubjectState{}, said: map[string]Acts{}}
}

func (s *shelf) Latest(_ context.Context, x checks.Subject) (*Decision, []byte, error) {
	return s.decisions[x.Key()], []byte(`[{}]`), nil
}
func (s *shelf) State(_ context.Context, x checks.Subject) (*SubjectState, error) {
	return s.states[x.Key()], nil
}
func (s *shelf) Acts(_ context.Context, x checks.Subject) (Acts, error) { return s.said[x.Key()], nil }

func (s *shelf) Keep(ctx context.Context, w Work, o Outcome) error {
	if err := s.memory.Keep(ctx, w, o); err != nil {
		return err
	}
	s.takes(w, o)
	return nil
}

func (s *shelf) takes(w Work, o Outcome) {
	s.memory.keep(o)
	if o.Decision != nil {
		s.decisions[o.Decision.Subject.Key()] = o.Decision
	}
	for _, k := range o.Also {
		s.decisions[k.Decision.Subject.Key()] = k.Decision
	}
	if o.Subject != nil {
		s.states[w.Mark.Subject().Key()] = o.Subject
	}
	s.entries = append(s.entries, o.Entries...)
}

func queuedChange(n int, author checks.Person, commit, before string) *checks.Facts {
	f := change()
	f.Subject = checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindGroup, Change: n, Group: commit}
	f.Change.Number, f.Change.Author, f.Change.Head.Commit = n, author, fmt.Sprintf("head%d", n)
	f.Commits[0].ID = f.Change.Head.Commit
	f.Queued = &checks.Queued{Branch: "main", Commit: commit, Before: before}
	return &f
}

func approved(f *checks.Facts, commit string) *checks.Facts {
	f.Reviews = append(f.Reviews, checks.Review{ID: 1, By: checks.Person{ID: 2, Login: "bo", Kind: "user"}, State: "approved", Commit: commit})
	return f
}

func inQueue(t *testing.T) (*queueForge, *shelf, *Reconciler) {
	t.Helper()
	ana := checks.Person{ID: 1, Login: "ana", Kind: "user"}
	f := &queueForge{forge: &forge{facts: change()}, carried: []*checks.Facts{
		approved(queuedChange(7, ana, "q1", "b1"), "head7"), approved(queuedChange(8, ana, "q2", "q1"), "head8")}}
	s := newShelf()
	r := reconciler(f.forge, &s.memory)
	r.Providers["github"], r.Memory = f, s
	return f, s, r
}

func groupWork(attempt int64, causes ...Mark) Work {
	return Work{Attempt: attempt, Mark: Mark{Kind: MarkGroup, Forge: "github", Repo: "acme/shop", Commit: "q2"}, Causes: causes}
}

func (s *shelf) must(t *testing.T, r *Reconciler, w Work) Outcome {
	t.Helper()
	out, err := r.Work(t.Context(), w)
	if err != nil {
		t.Fatalf("Work(%v) = %v", w.Mark.Key(), err)
	}
	s.takes(w, out)
	return out
}

// shownOn is what the forge shows last of a check.
func (f *forge) shownOn(name string) (state string) {
	for _, p := range f.posted {
		if p.Name == name {
			state = p.State() + " on " + p.Commit
		}
	}
	return state
}

func TestAQueuesCommitIsJudgedForAllThatItCarries(t *testing.T) {
	t.Parallel()
	f, s, r := inQueue(t)
	out := s.must(t, r, groupWork(1, Mark{Why: "merge_group.checks_requested", Detail: "refs/heads/gh-readonly-queue/release/pr-1/pr-8-b1"}))
	if f.asked[0] != "release/pr-1 q2" {
		t.Errorf("asked for %q, want the branch that the ref names", f.asked[0])
	}
	if len(out.Also) != 2 || fmt.Sprint(out.Members) != "[7 8]" || !out.Subject.Open || len(s.entries) != 2 {
		t.Fatalf("outcome %+v and entries %+v, want a decision and an entry for each of two changes", out, s.entries)
	}
	if got := f.shownOn("sluice/gate"); got != "success on q2" {
		t.Errorf("the gate shows %q, want success on q2", got)
	}
	n := len(f.posted)
	if out = s.must(t, r, groupWork(1)); len(out.Also) != 0 || len(f.posted) != n || len(out.Entries) != 0 {
		t.Errorf("a second look decided %d, posted %d, entered %d; want nothing new", len(out.Also), len(f.posted)-n, len(out.Entries))
	}
}

func TestTheStrictestOfAQueuesChangesCounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mend func(*queueForge, *shelf)
		want string
	}{
		"the first lacks an approval":                {func(f *queueForge, _ *shelf) { f.carried[0].Reviews = nil }, "in_progress on q2"},
		"the last was approved before its last push": {func(f *queueForge, _ *shelf) { f.carried[1].Reviews[0].Commit = "older" }, "in_progress on q2"},
		"the approval is of the queue's commit":      {func(f *queueForge, _ *shelf) { f.carried[1].Reviews[0].Commit = "q2" }, "in_progress on q2"},
		"an override on the change's head": {func(f *queueForge, s *shelf) {
			f.carried[0].Reviews = nil
			s.said["github:acme/shop#7"] = Acts{Overrides: []Override{override("head7", now)}}
		}, "success on q2"},
		"an override of another change": {func(f *queueForge, s *shelf) {
			f.carried[0].Reviews = nil
			s.said["github:acme/shop#8"] = Acts{Overrides: []Override{override("head8", now)}}
		}, "in_progress on q2"},
		"an override of an earlier head": {func(f *queueForge, s *shelf) {
			f.carried[0].Reviews = nil
			s.said["github:acme/shop#7"] = Acts{Overrides: []Override{override("before", now)}}
		}, "in_progress on q2"},
		"a hold": {func(_ *queueForge, s *shelf) {
			s.said["github:acme/shop#7"] = Acts{Hold: &Hold{By: checks.Person{ID: 3, Login: "eve"}, Right: "write", Reason: "wait"}}
		}, "in_progress on q2"},
		"a policy that could not be read": {func(f *queueForge, _ *shelf) {
			f.carried[1].Sources, f.carried[1].Gaps = nil, []checks.Gap{{Part: "policy", Reason: "It was not there."}}
		}, "in_progress on q2"},
		"a policy that is broken": {func(f *queueForge, _ *shelf) { f.carried[0].Sources[0].Text = "version: 3\n" }, "failure on q2"},
	} {
		f, s, r := inQueue(t)
		c.mend(f, s)
		s.must(t, r, groupWork(1))
		if got := f.shownOn("sluice/gate"); got != c.want {
			t.Errorf("%s: the gate shows %q, want %q", name, got, c.want)
		}
	}
}

func override(commit string, at time.Time) Override {
	return Override{Check: "approval", Commit: commit, Base: "main", By: checks.Person{ID: 9, Login: "olga"}, People: 1, Reason: "outage", Comment: 5, At: at}
}

func TestAQueueThatCannotBeReadOpensNothingAndIsReadAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		carried bool
		err     error
		retry   bool
	}{
		"the forge fails":                 {false, errors.New("502"), false},
		"the commit is not in the queue":  {false, fmt.Errorf("read: %w", ErrStale), true},
		"the queue carries nothing":       {false, nil, false},
		"what it carries ends in another": {true, nil, false},
	} {
		f, _, r := inQueue(t)
		f.err = c.err
		if f.carried = f.carried[:1]; !c.carried {
			f.carried = nil
		}
		_, err := r.Work(t.Context(), groupWork(1, Mark{Why: "merge_group.checks_requested"}))
		var later *RetryError
		if err == nil || errors.As(err, &later) != c.retry || len(f.posted) != 0 {
			t.Errorf("%s: Work = %v with %d posts, want an error (with a pause: %v) and none", name, err, len(f.posted), c.retry)
		}
	}
}

func TestACommitThatTheQueueLetGoOfRests(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		attempt int64
		cause   string
		known   *SubjectState
		rests   bool
	}{
		"told to be destroyed":         {1, "merge_group.destroyed", nil, true},
		"never seen, for the 1st time": {1, "merge_group.checks_requested", nil, false},
		"never seen, for long":         {sought, "merge_group.checks_requested", nil, true},
		"seen before, a moment later":  {1, "sweep", &SubjectState{Open: true}, false},
		"seen before, for long":        {missed, "sweep", &SubjectState{Open: true}, true},
		"let go of before":             {1, "merge_group.checks_requested", &SubjectState{}, true},
	} {
		f, s, r := inQueue(t)
		f.err = ErrStale
		if c.known != nil {
			s.states["github:acme/shop^q2"] = c.known
		}
		out, err := r.Work(t.Context(), groupWork(c.attempt, Mark{Why: c.cause}))
		if rests := err == nil && !out.Subject.Open; rests != c.rests {
			t.Errorf("%s: Work = %+v, %v; want at rest: %v", name, out.Subject, err, c.rests)
		}
	}
}

func TestWhatIsPendingOnAQueuesCommitEndsWithIt(t *testing.T) {
	t.Parallel()
	f, s, r := inQueue(t)
	f.carried[0].Reviews = nil
	s.must(t, r, groupWork(1))
	n := len(f.posted)
	f.err = ErrStale
	out := s.must(t, r, groupWork(1, Mark{Why: "merge_group.destroyed"}))
	if len(f.posted) != n+2 || f.shownOn("sluice/gate") != "cancelled on q2" || out.Subject.Open {
		t.Errorf("%d posts, the gate shows %q; want approval and gate cancelled", len(f.posted)-n, f.shownOn("sluice/gate"))
	}
	s.must(t, r, groupWork(1, Mark{Why: "merge_group.destroyed"}))
	if len(f.posted) != n+2 {
		t.Errorf("a second telling posted %d more", len(f.posted)-n-2)
	}
}

func TestADecisionOnAQueuesCommitIsReplayedByteForByte(t *testing.T) {
	t.Parallel()
	f, s, r := inQueue(t)
	f.carried[0].Reviews = nil
	s.said["github:acme/shop#7"] = Acts{Overrides: []Override{override("head7", now)}}
	for _, k := range s.must(t, r, groupWork(1)).Also {
		var facts checks.Facts
		if err := json.Unmarshal(k.Facts, &facts); err != nil {
			t.Fatal(err)
		}
		set, err := policy.Load(facts.Sources...)
		if err != nil {
			t.Fatal(err)
		}
		again := Decide(set, &facts, k.Decision.Acts, k.Decision.ID, k.Decision.At)
		again.Facts = k.Decision.Facts
		got, err1 := json.Marshal(again)
		want, err2 := json.Marshal(k.Decision)
		if err1 != nil || err2 != nil || string(got) != string(want) {
			t.Errorf("replayed %s\nwant     %s", got, want)
		}
	}
}

func TestWhateverHappensToAChangeIsLookedAtInTheQueueToo(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change()}, &memory{groups: []checks.Subject{{Forge: "github", Repo: "acme/shop", Kind: checks.KindGroup, Group: "q2"}}}
	r := reconciler(f, m)
	for _, state := range []string{"open", "open", "closed", "merged"} {
		f.facts.Change.State = state
		if got := marked1(must(t, r, m, work()).Marks, MarkGroup); got != "github:acme/shop^q2" {
			t.Errorf("a look at the %s change marked %q, want the queue's commit", state, got)
		}
	}
}

func TestARerunOnAQueuesCommitIsAskedOfTheQueue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		known *SubjectState
		want  string
	}{
		"a queue's commit":             {&SubjectState{Open: true}, "github:acme/shop^q2"},
		"one that the queue let go of": {&SubjectState{}, ""},
		"another commit":               {nil, ""},
	} {
		f, s, r := inQueue(t)
		if f.facts.Statuses = nil; c.known != nil {
			s.states["github:acme/shop^q2"] = c.known
		}
		out := s.must(t, r, Work{Attempt: 1, Mark: Mark{Kind: MarkHead, Forge: "github", Repo: "acme/shop", Commit: "q2"}, Causes: []Mark{{Why: "check_suite.rerequested"}}})
		if got := marked1(out.Marks, MarkGroup); got != c.want {
			t.Errorf("%s: marked %q, want %q", name, got, c.want)
		}
	}
	f, s, r := inQueue(t)
	s.must(t, r, groupWork(1))
	n := len(f.posted)
	s.must(t, r, groupWork(1, Mark{Why: "check_suite.rerequested"}))
	if len(f.posted) != 2*n {
		t.Errorf("a rerun posted %d of %d checks again", len(f.posted)-n, n)
	}
}

func marked1(marks []Mark, kind MarkKind) string {
	var keys []string
	for _, m := range marks {
		if m.Kind == kind {
			keys = append(keys, m.Key())
		}
	}
	return strings.Join(keys, " ")
}
