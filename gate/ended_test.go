package gate

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// findings are the reasons of those among the entries, one a line.
func findings(entries []Entry) string {
	var list []string
	for _, e := range entries {
		if e.Kind == EntryFinding || e.Kind == EntryPolicy {
			list = append(list, fmt.Sprintf("%s by %s: %s", e.Kind, e.Who.Login, e.Reason))
		}
	}
	return strings.Join(list, "\n")
}

// landedShut is a change that was merged as f is now, with what was decided before.
func landedShut(f *forge) *forge {
	f.facts.Change.State, f.facts.Change.MergeCommit = "merged", "m1"
	f.facts.Change.MergedBy = checks.Person{ID: 9, Login: "olga", Kind: "user"}
	return f
}

func TestAMergeIsAFindingUnlessTheGateWasOpen(t *testing.T) {
	t.Parallel()
	shut, none := "finding by olga: Merged into main while the gate was shut: approval", "finding by olga: Merged into main without a decision"
	for name, c := range map[string]struct {
		before func(*forge, *shelf)
		want   string
	}{
		"never approved": {func(*forge, *shelf) {}, shut},
		"approved": {func(f *forge, _ *shelf) {
			f.facts.Reviews = []checks.Review{{ID: 1, By: checks.Person{ID: 2, Login: "bo", Kind: "user"}, State: "approved", Commit: "c1"}}
		}, ""},
		"overridden": {func(_ *forge, s *shelf) {
			s.said["github:acme/shop#7"] = Acts{Overrides: []Override{override("c1", now)}}
		}, ""},
		"an override that had run out": {func(_ *forge, s *shelf) {
			o := override("c1", now.Add(-2*time.Hour))
			o.Until = now.Add(-time.Hour)
			s.said["github:acme/shop#7"] = Acts{Overrides: []Override{o}}
		}, shut},
		"held": {func(f *forge, s *shelf) {
			f.facts.Reviews = []checks.Review{{ID: 1, By: checks.Person{ID: 2, Login: "bo", Kind: "user"}, State: "approved", Commit: "c1"}}
			s.said["github:acme/shop#7"] = Acts{Hold: &Hold{By: checks.Person{ID: 3, Login: "eve"}, Reason: "wait"}}
		}, "finding by olga: Merged into main while the gate was shut: Held by eve"},
	} {
		f, s := &forge{facts: change()}, newShelf()
		c.before(f, s)
		r := reconciler(f, &s.memory)
		r.Memory = s
		s.must(t, r, work())
		landedShut(f)
		s.entries = nil
		for range 2 { // the same thing twice, before and after it is kept
			out, err := r.Work(t.Context(), work(Mark{Why: "pull_request.closed"}))
			if err != nil {
				t.Fatal(err)
			}
			if got := findings(out.Entries); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
		s.must(t, r, work(Mark{Why: "pull_request.closed"}))
		for _, why := range []string{"pull_request.closed", "landed", "sweep", "pull_request.labeled"} {
			if got := findings(s.must(t, r, work(Mark{Why: why})).Entries); got != "" {
				t.Errorf("%s: %s later: %q, want it said once", name, why, got)
			}
		}
	}
	t.Run("pushed to just before", func(t *testing.T) {
		f, s := &forge{facts: change()}, newShelf()
		r := reconciler(f, &s.memory)
		r.Memory = s
		s.must(t, r, work())
		landedShut(f).facts.Change.Head.Commit = "c2"
		if got := findings(s.must(t, r, work(Mark{Why: "pull_request.closed"})).Entries); !strings.HasPrefix(got, none) {
			t.Errorf("%q, want %q", got, none)
		}
	})
}

func TestAMergeFromBeforeSluiceWasThereIsNobodysBusiness(t *testing.T) {
	t.Parallel()
	for why, want := range map[string]bool{"pull_request.labeled": false, "issue_comment.created": false, "pull_request.closed": true, landing: true} {
		f, s := landedShut(&forge{facts: change()}), newShelf()
		r := reconciler(f, &s.memory)
		r.Memory = s
		if got := findings(s.must(t, r, work(Mark{Why: why})).Entries); (got != "") != want {
			t.Errorf("%s of a merged change that nobody knew: %q, want a finding: %v", why, got, want)
		}
	}
	f, s := landedShut(&forge{facts: change()}), newShelf()
	f.facts.Sources = nil
	r := reconciler(f, &s.memory)
	r.Memory = s
	if got := findings(s.must(t, r, work(Mark{Why: "pull_request.closed"})).Entries); got != "" {
		t.Errorf("without any policy: %q, want none", got)
	}
}

func TestWhatCountsForAMergeByTheQueueIsTheQueuesCommit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		queue bool
		want  string
	}{
		"open in the queue, shut on the head": {true, ""},
		"shut in the queue":                   {false, "finding by olga: Merged into main while the gate was shut"},
	} {
		f, s, r := inQueue(t)
		s.must(t, r, work()) // the change itself waits
		if !c.queue {
			f.carried[1].Reviews = nil
		}
		f.carried[1].Subject.Change = 7
		s.must(t, r, groupWork(1))
		landedShut(f.forge).facts.Change.MergeCommit = "q2"
		if got := findings(s.must(t, r, work(Mark{Why: "pull_request.closed"})).Entries); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// mergedInto is #7, approved and merged into main; decided are what was decided on its head and on the queue's commit.
func mergedInto(head, queued *Decision) (*Reconciler, *shelf) {
	f, s := landedShut(&forge{facts: change()}), newShelf()
	f.facts.Change.MergedAt = now
	group := f.facts.Subject
	group.Kind, group.Group = checks.KindGroup, "m1"
	for x, d := range map[checks.Subject]*Decision{f.facts.Subject: head, group: queued} {
		if d != nil {
			s.decisions[x.Key()] = d
		}
	}
	s.states[f.facts.Subject.Key()] = &SubjectState{Open: true, Base: "main"}
	r := reconciler(f, &s.memory)
	r.Memory = s
	return r, s
}

func TestOnlyADecisionForThatBranchAndTimeOpensAMerge(t *testing.T) {
	t.Parallel()
	decided := func(base string, open bool, overrides ...Override) *Decision {
		d := decision(verdict("approval", map[bool]checks.Outcome{true: checks.Pass, false: checks.Wait}[open], policy.Enforce))
		d.Commit, d.Base, d.Acts.Overrides = "c1", base, overrides
		apply(d.Verdicts, overrides)
		d.Gate = weigh(d.Verdicts)
		return seal(d)
	}
	until := func(at time.Time) Override { o := override("c1", now); o.Until = at; return o }
	for name, c := range map[string]struct {
		head, queued *Decision
		finding      string // how it ends
		release      string // why there is none
	}{
		"open":                                 {decided("main", true), nil, "", ""},
		"shut":                                 {decided("main", false), nil, "no reason", "the gate was shut"},
		"none":                                 {nil, nil, "had not judged c1.", "the gate never decided"},
		"for another branch":                   {decided("dev", true), nil, "it had decided for dev, and for main nothing.", "it had decided for dev"},
		"shut, for another branch":             {decided("dev", false), nil, "it had decided for dev, and for main nothing.", "it had decided for dev"},
		"from before branches were kept":       {decided("", true), nil, "", "it is not known for which branch it had decided"},
		"shut, from before they were kept":     {decided("", false), nil, "no reason", "not known"},
		"shut, and open in the queue":          {decided("main", false), decided("main", true), "", ""},
		"open, and shut in the queue":          {decided("main", true), decided("main", false), "no reason", "the gate was shut"},
		"for another, and open in the queue":   {decided("dev", true), decided("main", true), "", ""},
		"open, and in the queue for another":   {decided("main", true), decided("dev", true), "", ""},
		"overridden until the next push":       {decided("main", false, override("c1", now)), nil, "", ""},
		"overridden until later":               {decided("main", false, until(now.Add(time.Second))), nil, "", ""},
		"overridden until then":                {decided("main", false, until(now)), nil, "the override of approval had run out.", "the override of approval had run out"},
		"overridden in the queue until before": {nil, decided("main", false, until(now.Add(-time.Hour))), "the override of approval had run out.", "had run out"},
		"overridden by one that lasts, too":    {decided("main", false, until(now.Add(-time.Hour)), override("c1", now)), nil, "", ""},
		"overridden without need":              {decided("main", true, until(now.Add(-time.Hour))), nil, "", ""},
	} {
		if c.finding == "no reason" {
			c.finding = decided("main", false).Gate.Reason
		}
		r, s := mergedInto(c.head, c.queued)
		f := r.Providers["github"].(*forge).facts
		if why, err := r.shut(t.Context(), &f, nil); err != nil || !strings.Contains(why, c.release) || (why == "") != (c.release == "") {
			t.Errorf("%s: shut() = %q, %v; want %q", name, why, err, c.release)
		}
		got := findings(s.must(t, r, work(Mark{Why: "pull_request.closed"})).Entries)
		if !strings.HasSuffix(got, c.finding) || (got == "") != (c.finding == "") {
			t.Errorf("%s: found %q, want %q", name, got, c.finding)
		}
	}
}

// The same verdicts for another branch are another decision, or nobody could tell later which branch was meant.
func TestADecisionForAnotherBranchIsAnother(t *testing.T) {
	t.Parallel()
	f, s := &forge{facts: change()}, newShelf()
	r := reconciler(f, &s.memory)
	r.Memory = s
	first := s.must(t, r, work()).Decision
	f.facts.Change.Base.Name = "release"
	second := s.must(t, r, work()).Decision
	if first.Base != "main" || second == nil || second.Base != "release" {
		t.Fatalf("decided for %q, then %+v; want main, then release", first.Base, second)
	}
	if out := s.must(t, r, work()); out.Decision != nil {
		t.Errorf("a second look decided %+v, want the same as before", out.Decision)
	}
}

func TestOfTwoChangesWithOneHeadAnOverrideOnOneOpensNeither(t *testing.T) {
	t.Parallel()
	seven, eight := decision(verdict("approval", checks.Wait, policy.Enforce)), decision(verdict("approval", checks.Wait, policy.Enforce))
	eight.Subject.Change, eight.ID = 8, strings.Repeat("b", 32)
	apply(seven.Verdicts, []Override{{Check: "approval"}})
	seven.Gate = weigh(seven.Verdicts)
	if seal(seven); !seven.Open {
		t.Fatal("the overridden one is not open by itself")
	}
	for _, list := range [][]Post{posts(seven, []*Decision{eight}, ""), posts(eight, []*Decision{seven}, "")} {
		for _, p := range list {
			if (p.Name == "sluice/gate" || p.Name == "sluice/approval") && p.State() != "in_progress" {
				t.Errorf("%s shows %s, want that #8 still waits", p.Name, p.State())
			}
		}
	}
}

func TestAChangeThatClosesLeavesWhatIsShownToItsTwin(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: change()}, &memory{}
	r := reconciler(f, m)
	must(t, r, m, work())
	n := len(f.posted)
	twin := change().Subject
	twin.Change = 8
	m.open = []checks.Subject{change().Subject, twin}
	f.facts.Change.State = "closed"
	out := must(t, r, m, work(Mark{Why: "pull_request.closed"}))
	if got := marked1(out.Marks, MarkChange); len(f.posted) != n || got != "github:acme/shop#8" {
		t.Errorf("%d posts and marks %q, want none and the twin", len(f.posted)-n, got)
	}
}

func TestARetargetedChangeLosesItsOverrides(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		base  string
		cause Mark
		open  bool
	}{
		"it stays where it is":       {"main", Mark{Why: "pull_request.labeled", Commit: "c1"}, true},
		"it goes into another":       {"release", Mark{Why: "pull_request.edited", Detail: "base", Commit: "c1"}, false},
		"it went there and is back":  {"main", Mark{Why: "pull_request.edited", Detail: "base", Commit: "c1", At: now.Add(time.Minute)}, false},
		"its title was edited since": {"main", Mark{Why: "pull_request.edited", Commit: "c1", At: now.Add(time.Minute)}, true},
	} {
		f, s := &forge{facts: change()}, newShelf()
		f.facts.Change.Base.Name = c.base
		s.said["github:acme/shop#7"] = Acts{Overrides: []Override{override("c1", now)}}
		r := reconciler(f, &s.memory)
		r.Memory = s
		out := s.must(t, r, work(c.cause))
		if out.Decision.Open != c.open || len(out.Overrides) == 1 == c.open {
			t.Errorf("%s: open %v and %d overrides ended, want open %v", name, out.Decision.Open, len(out.Overrides), c.open)
		}
	}
}

func TestAChangeOfABotIsLetThroughByAPerson(t *testing.T) {
	t.Parallel()
	f, s := &forge{facts: change()}, newShelf()
	bot := checks.Person{ID: 49699333, Login: "dependabot[bot]", Kind: "bot"}
	f.facts.Change.Author, f.facts.Commits[0].Author, f.facts.Commits[0].Committer = bot, bot, bot
	f.facts.Reviews = []checks.Review{{ID: 1, By: bot, State: "approved", Commit: "c1"}}
	r := reconciler(f, &s.memory)
	r.Memory = s
	if out := s.must(t, r, work()); out.Decision.Open {
		t.Error("a bot that approves itself opens the gate")
	}
	s.said["github:acme/shop#7"] = Acts{Overrides: []Override{override("c1", now)}}
	if out := s.must(t, r, work()); !out.Decision.Open {
		t.Error("a person's override of a bot's change opens nothing")
	}
}

// teller is a forge that tells of branches.
type teller struct {
	*forge
	landed Landed
	err    error
	since  []string
}

func (f *teller) Landed(_ context.Context, _ Repo, _, since string) (*Landed, error) {
	f.since = append(f.since, since)
	l := f.landed
	return &l, f.err
}

func branchWork(why, by string) Work {
	return Work{Attempt: 1, Mark: Mark{Kind: MarkBranch, Forge: "github", Repo: "acme/shop", Base: "main", Why: why}, Causes: []Mark{{Why: why, By: by}}}
}

func TestWhatCameOntoABranch(t *testing.T) {
	t.Parallel()
	ours := []policy.Source{{Origin: policy.Repository, Name: ".sluice.yml", Text: "version: 1\n"}}
	was := policy.Digest(ours...)
	for name, c := range map[string]struct {
		seen   *BranchSeen
		landed Landed
		want   string
		marks  string
		tip    string
	}{
		"the first look":            {nil, Landed{Tip: "t1", Direct: []string{"t1"}, Sources: ours}, "", "", "t1"},
		"nothing":                   {&BranchSeen{Tip: "t1", Policy: was}, Landed{Tip: "t1", Sources: ours}, "", "", "t1"},
		"a merge":                   {&BranchSeen{Tip: "t1", Policy: was}, Landed{Tip: "t2", Changes: []int{7}, Sources: ours}, "", "github:acme/shop#7", "t2"},
		"pushed directly":           {&BranchSeen{Tip: "t1", Policy: was}, Landed{Tip: "t3", Direct: []string{"t3", "t2"}, Sources: ours}, "finding by olga: Pushed directly to main, past the gate: t3, t2.", "", "t3"},
		"more than are named":       {&BranchSeen{Tip: "t1", Policy: was}, Landed{Tip: "a", Direct: strings.Split("abcdefg", ""), Sources: ours}, "finding by olga: Pushed directly to main, past the gate: a, b, c, d, e and 2 more.", "", "a"},
		"rewritten":                 {&BranchSeen{Tip: "t1", Policy: was}, Landed{Tip: "t9", Cut: true, Looked: 500, Sources: ours}, "finding by olga: What came onto main since t1 is not known: it was not found among the newest 500 commits, so the branch was rewritten or very much came at once.", "", "t9"},
		"pushed, without a policy":  {&BranchSeen{Tip: "t1", Policy: policy.Digest()}, Landed{Tip: "t2", Direct: []string{"t2"}}, "", "", "t2"},
		"a push that takes it away": {&BranchSeen{Tip: "t1", Policy: was}, Landed{Tip: "t2", Direct: []string{"t2"}}, fmt.Sprintf("policy by olga: The policy in force for main changed from %.12s to %.12s.\nfinding by olga: Pushed directly to main, past the gate: t2.", was, policy.Digest()), "", "t2"},
		"a policy that is unread":   {&BranchSeen{Tip: "t1", Policy: was}, Landed{Tip: "t2", Unread: "It was not there."}, "", "", "t2"},
		"a branch that is gone":     {&BranchSeen{Tip: "t1", Policy: was}, Landed{}, "", "", ""},
	} {
		c.landed.Default = true
		f, s := &teller{forge: &forge{}, landed: c.landed}, newShelf()
		s.branch = c.seen
		r := reconciler(f.forge, &s.memory)
		r.Providers["github"], r.Memory = f, s
		out := s.must(t, r, branchWork("push", "olga"))
		if strings.Contains(c.want, "finding") && s.branch.Tip != "t1" {
			t.Errorf("%s: at the first look the tip is %q, want it looked at again", name, s.branch.Tip)
		}
		if c.seen != nil {
			s.must(t, r, branchWork(looksAgain, "olga"))
		}
		if got := findings(s.entries); got != c.want {
			t.Errorf("%s: entered %q, want %q", name, got, c.want)
		}
		if got := marked1(out.Marks, MarkChange); got != c.marks || s.branch.Tip != c.tip {
			t.Errorf("%s: marked %q and seen up to %q, want %q and %q", name, got, s.branch.Tip, c.marks, c.tip)
		}
	}
}

func TestAReleaseTagThatMovesIsAFindingOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tag  checks.TagPush
		want string
	}{
		"new":                   {checks.TagPush{Name: "v1.2.0", Commit: "aaa"}, ""},
		"moved":                 {checks.TagPush{Name: "v1.2.0", Commit: "bbb", Before: "aaa"}, "finding by : The release tag v1.2.0 moved from aaa to bbb."},
		"gone":                  {checks.TagPush{Name: "v1.2.0", Before: "aaa"}, "finding by : The release tag v1.2.0, which pointed to aaa, is gone."},
		"no release tag, moved": {checks.TagPush{Name: "nightly", Commit: "bbb", Before: "aaa"}, ""},
	} {
		f := &forge{facts: checks.Facts{At: now, Subject: checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindTag, Tag: c.tag.Name}, Listed: true,
			Repository: checks.Repository{Name: "acme/shop", Default: "main"}, Pushed: &c.tag}}
		s := newShelf()
		r := reconciler(f, &s.memory)
		r.Memory = s
		w := Work{Attempt: 1, Mark: Mark{Kind: MarkTag, Forge: "github", Repo: "acme/shop", Tag: c.tag.Name}}
		s.must(t, r, w)
		s.must(t, r, w)
		if got := findings(s.entries); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
