package gate

import (
	"context"
	"fmt"
	"slices"
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

// pushed is a push as it is told of; ids are those of the people.
func pushed(before, after, by string) Mark {
	id := map[string]string{"olga": "9", "ana": "1", "cy": "4"}[by]
	return Mark{Kind: MarkBranch, Forge: "github", Repo: "acme/shop", Base: "main", Why: "push", Before: before, Commit: after, By: by, Detail: id}
}

func branchWork(causes ...Mark) Work {
	return Work{Attempt: 1, Mark: Mark{Kind: MarkBranch, Forge: "github", Repo: "acme/shop", Base: "main"}, Causes: causes}
}

// onBranch is a branch that is watched, at a forge that tells of it, and a clock to move.
func onBranch(seen *BranchSeen) (*teller, *shelf, *Reconciler, *time.Time) {
	f, s, clock := &teller{forge: &forge{}}, newShelf(), now
	s.branch = seen
	r := reconciler(f.forge, &s.memory)
	r.Providers["github"], r.Memory, r.Now = f, s, func() time.Time { return clock }
	return f, s, r, &clock
}

var ours = []policy.Source{{Origin: policy.Repository, Name: ".sluice.yml", Text: "version: 1\n"}}

func TestWhatCameOntoABranch(t *testing.T) {
	t.Parallel()
	was := policy.Digest(ours...)
	seen, bare := &BranchSeen{Tip: "t1", Policy: was}, &BranchSeen{Tip: "t1", Policy: policy.Digest()}
	direct := func(ids ...string) Landed {
		return Landed{Tip: ids[0], Direct: ids, Line: ids, Sources: ours}
	}
	less := func(l Landed) Landed { l.Sources = nil; return l }
	olga := func(to string) []Mark { return []Mark{pushed("t1", to, "olga")} }
	for name, c := range map[string]struct {
		seen   *BranchSeen
		landed Landed
		pushes []Mark
		want   string
		marks  string
		tip    string
	}{
		"the first look":      {nil, direct("t1"), olga("t1"), "", "", "t1"},
		"nothing":             {seen, Landed{Tip: "t1", Sources: ours}, olga("t1"), "", "", "t1"},
		"a merge":             {seen, Landed{Tip: "t2", Changes: []int{7}, Line: []string{"t2"}, Sources: ours}, olga("t2"), "", "github:acme/shop#7", "t2"},
		"pushed directly":     {seen, direct("t3", "t2"), olga("t3"), "finding by olga: Pushed directly to main, past the gate: t3, t2.", "", "t3"},
		"nobody told of it":   {seen, direct("t3", "t2"), nil, "finding by : Pushed directly to main, past the gate, by whom is not known: t3, t2.", "", "t3"},
		"more than are named": {seen, direct(strings.Split("abcdefg", "")...), olga("a"), "finding by olga: Pushed directly to main, past the gate: a, b, c, d, e and 2 more, in t1..a.", "", "a"},
		"one push of several was told of": {seen, direct("t4", "t3", "t2"), []Mark{pushed("t2", "t3", "olga")},
			"finding by olga: Pushed directly to main, past the gate: t3.\nfinding by : Pushed directly to main, past the gate, by whom is not known: t4, t2.", "", "t4"},
		"several pushed": {seen, direct("t4", "t3", "t2"), []Mark{pushed("t1", "t2", "ana"), pushed("t2", "t4", "cy")},
			"finding by ana: Pushed directly to main, past the gate: t2.\nfinding by cy: Pushed directly to main, past the gate: t4, t3.", "", "t4"},
		"several pushed, told of in another order and twice": {seen, direct("t4", "t3", "t2"), []Mark{pushed("t2", "t4", "cy"), pushed("t1", "t2", "ana"), pushed("t2", "t4", "cy")},
			"finding by cy: Pushed directly to main, past the gate: t4, t3.\nfinding by ana: Pushed directly to main, past the gate: t2.", "", "t4"},
		"between merges": {seen, Landed{Tip: "m2", Line: []string{"m2", "t2", "m1"}, Changes: []int{8, 7}, Direct: []string{"t2"}, Sources: ours}, []Mark{pushed("t1", "m1", "bo"), pushed("m1", "t2", "ana"), pushed("t2", "m2", "cy")},
			"finding by ana: Pushed directly to main, past the gate: t2.", "github:acme/shop#8 github:acme/shop#7", "m2"},
		"his own push rewritten": {seen, direct("y2", "y1"), []Mark{pushed("t1", "x", "ana"), pushed("x", "y2", "ana")},
			"finding by ana: Pushed directly to main, past the gate: y2, y1.", "", "y2"},
		"somebody else's push rewritten": {seen, direct("y2", "y1"), []Mark{pushed("t1", "x", "ana"), pushed("x", "y2", "cy")},
			"finding by cy: Pushed directly to main, past the gate: y2.\nfinding by : Pushed directly to main, past the gate, by whom is not known: y1.", "", "y2"},
		"rewritten": {seen, Landed{Tip: "t9", Cut: true, Looked: 500, Sources: ours}, olga("t9"), "finding by olga: What came onto main since t1 is not known: it was not found among the newest 500 commits, so the branch was rewritten or very much came at once.", "", "t9"},
		"rewritten by several": {seen, Landed{Tip: "t9", Cut: true, Looked: 500, Sources: ours}, []Mark{pushed("t1", "t8", "ana"), pushed("t8", "t9", "cy")},
			"finding by : What came onto main since t1 is not known: it was not found among the newest 500 commits, so the branch was rewritten or very much came at once. Pushed by several: ana, cy.", "", "t9"},
		"rewritten after a push that nobody told of": {seen, Landed{Tip: "t9", Cut: true, Looked: 500, Sources: ours}, []Mark{pushed("t8", "t9", "cy")},
			"finding by : What came onto main since t1 is not known: it was not found among the newest 500 commits, so the branch was rewritten or very much came at once. Of who pushed not all are known: cy among others.", "", "t9"},
		"pushed, without a policy":  {bare, less(direct("t2")), olga("t2"), "", "", "t2"},
		"a push that takes it away": {seen, less(direct("t2")), olga("t2"), fmt.Sprintf("policy by olga: The policy in force for main changed from %.12s to %.12s.\nfinding by olga: Pushed directly to main, past the gate: t2.", was, policy.Digest()), "", "t2"},
		"several, and it is gone": {seen, less(Landed{Tip: "m2", Line: []string{"m2", "m1"}}), []Mark{pushed("t1", "m1", "ana"), pushed("m1", "m2", "cy")},
			fmt.Sprintf("policy by : The policy in force for main changed from %.12s to %.12s. Pushed by several: ana, cy.", was, policy.Digest()), "", "m2"},
		"a policy that is unread": {seen, Landed{Tip: "t2", Line: []string{"t2"}, Unread: "It was not there."}, olga("t2"), "", "", "t2"},
		"a branch that is gone":   {seen, Landed{}, nil, "", "", ""},
	} {
		f, s, r, clock := onBranch(c.seen)
		f.landed, f.landed.Default = c.landed, true
		out := s.must(t, r, branchWork(c.pushes...))
		if strings.Contains(c.want, "finding") && (s.branch.Tip != "t1" || !out.Next.Equal(clock.Add(relook)) || strings.Contains(findings(s.entries), "finding")) {
			t.Errorf("%s: at the first look the tip is %q, the next look %v and entered %q, want it looked at again", name, s.branch.Tip, out.Next, findings(s.entries))
		}
		for range 2 {
			if *clock = clock.Add(relook); s.branch.Tip == c.landed.Tip {
				f.landed = Landed{Tip: c.landed.Tip, Default: true, Sources: c.landed.Sources, Unread: c.landed.Unread}
			}
			s.must(t, r, branchWork(c.pushes...))
		}
		if got := findings(s.entries); got != c.want {
			t.Errorf("%s: entered %q, want %q", name, got, c.want)
		}
		if got := marked1(out.Marks, MarkChange); got != c.marks || s.branch.Tip != c.tip {
			t.Errorf("%s: marked %q and seen up to %q, want %q and %q", name, got, s.branch.Tip, c.marks, c.tip)
		}
		for _, e := range s.entries {
			if want := map[string]int64{"olga": 9, "ana": 1, "cy": 4}[e.Who.Login]; e.Who.ID != want || e.Commit == "" {
				t.Errorf("%s: the entry is of commit %q by %+v, want the id %d", name, e.Commit, e.Who, want)
			}
		}
	}
}

// Whatever comes meanwhile, a push is looked at again a minute after it was first seen, and no other before its time.
func TestNoPushPutsOffTheFindingOnAnother(t *testing.T) {
	t.Parallel()
	f, s, r, clock := onBranch(&BranchSeen{Tip: "t1", Policy: policy.Digest(ours...)})
	start, before := *clock, "t1"
	when := map[string]time.Duration{}
	var line, direct []string
	for i := range 12 { // one push every 30 seconds, by turns; from the fourth on they are merges
		after, by := fmt.Sprintf("p%d", i), []string{"ana", "cy", "olga"}[i%3]
		if line = append([]string{after}, line...); i < 3 {
			direct = append([]string{after}, direct...)
		}
		f.landed = since(s.branch.Tip, line, direct)
		out := s.must(t, r, branchWork(pushed(before, after, by)))
		if i < 3 && !out.Next.After(*clock) {
			t.Errorf("after %s the next look is %v, want one", after, out.Next)
		}
		for _, e := range out.Entries {
			want := "finding by " + map[string]string{"p0": "ana", "p1": "cy", "p2": "olga"}[e.Commit] + ": Pushed directly to main, past the gate: " + e.Commit + "."
			if got := findings([]Entry{e}); got != want {
				t.Errorf("entered %q, want %q", got, want)
			}
			when[e.Commit] = clock.Sub(start)
		}
		before, *clock = after, clock.Add(30*time.Second)
	}
	for commit, want := range map[string]time.Duration{"p0": 60 * time.Second, "p1": 90 * time.Second, "p2": 120 * time.Second} {
		if got, ok := when[commit]; !ok || got != want {
			t.Errorf("%s is found after %v (%v), want after %v", commit, got, ok, want)
		}
	}
	if len(when) != 3 || len(s.branch.Pending.Odd) != 0 || len(s.branch.Pending.Pushes) != 0 || s.branch.Tip != before {
		t.Errorf("%d findings, and of the branch is remembered %+v, want three and nothing that waits", len(when), s.branch)
	}
}

// since is what a forge tells of a branch with this line that was seen up to tip.
func since(tip string, line, direct []string) Landed {
	l := Landed{Tip: line[0], Default: true, Line: line, Sources: ours}
	if i := slices.Index(line, tip); i >= 0 {
		l.Line = line[:i]
	}
	l.Direct = slices.DeleteFunc(slices.Clone(direct), func(id string) bool { return !slices.Contains(l.Line, id) })
	return l
}

func TestAnotherPolicyIsEnteredAtOnceWhateverIsOdd(t *testing.T) {
	t.Parallel()
	f, s, r, clock := onBranch(&BranchSeen{Tip: "t1", Policy: policy.Digest(ours...)})
	f.landed = Landed{Tip: "t2", Default: true, Direct: []string{"t2"}, Line: []string{"t2"}, Sources: ours}
	s.must(t, r, branchWork(pushed("t1", "t2", "ana")))
	*clock = clock.Add(30 * time.Second)
	f.landed = Landed{Tip: "t3", Default: true, Direct: []string{"t3", "t2"}, Line: []string{"t3", "t2"}}
	s.must(t, r, branchWork(pushed("t2", "t3", "cy")))
	want := fmt.Sprintf("policy by cy: The policy in force for main changed from %.12s to %.12s.", policy.Digest(ours...), policy.Digest())
	if got := findings(s.entries); got != want {
		t.Fatalf("entered %q, want %q", got, want)
	}
	*clock = clock.Add(relook)
	s.must(t, r, branchWork())
	want += "\nfinding by ana: Pushed directly to main, past the gate: t2.\nfinding by cy: Pushed directly to main, past the gate: t3."
	if got := findings(s.entries); got != want {
		t.Errorf("a minute later entered %q, want %q", got, want)
	}
}

func TestAMergeThatTheForgeConnectsLateIsNoFinding(t *testing.T) {
	t.Parallel()
	f, s, r, clock := onBranch(&BranchSeen{Tip: "t1", Policy: policy.Digest(ours...)})
	f.landed = Landed{Tip: "d1", Default: true, Direct: []string{"d1"}, Line: []string{"d1"}, Sources: ours}
	s.must(t, r, branchWork(pushed("t1", "d1", "ana")))
	*clock = clock.Add(59 * time.Second)
	f.landed = Landed{Tip: "m2", Default: true, Direct: []string{"m2", "d1"}, Line: []string{"m2", "d1"}, Sources: ours}
	s.must(t, r, branchWork(pushed("d1", "m2", "cy")))
	*clock = clock.Add(time.Second)
	s.must(t, r, branchWork())
	f.landed = Landed{Tip: "m2", Default: true, Changes: []int{8}, Line: []string{"m2"}, Sources: ours}
	*clock = clock.Add(relook)
	s.must(t, r, branchWork())
	if got, want := findings(s.entries), "finding by ana: Pushed directly to main, past the gate: d1."; got != want || s.branch.Tip != "m2" {
		t.Errorf("entered %q and seen up to %q, want %q and m2", got, s.branch.Tip, want)
	}
}

func TestAPushThatIsTakenBackIsFoundEvenSo(t *testing.T) {
	t.Parallel()
	f, s, r, clock := onBranch(&BranchSeen{Tip: "t1", Policy: policy.Digest(ours...)})
	f.landed = Landed{Tip: "x", Default: true, Direct: []string{"x"}, Line: []string{"x"}, Sources: ours}
	s.must(t, r, branchWork(pushed("t1", "x", "ana")))
	f.landed = Landed{Tip: "t1", Default: true, Sources: ours}
	*clock = clock.Add(relook)
	s.must(t, r, branchWork(pushed("x", "t1", "cy")))
	*clock = clock.Add(relook)
	s.must(t, r, branchWork())
	want := "finding by ana: Pushed directly to main, past the gate, as it seemed, and then gone from its line of commits: x."
	if got := findings(s.entries); got != want || s.branch.Tip != "t1" {
		t.Errorf("entered %q and seen up to %q, want %q and t1", got, s.branch.Tip, want)
	}
}

func TestEachPushOfABaseIsToldToItsBranch(t *testing.T) {
	t.Parallel()
	f, s := &forge{}, newShelf()
	r := reconciler(f, &s.memory)
	r.Memory = s
	one, two := pushed("t1", "t2", "ana"), pushed("t2", "t3", "cy")
	for _, c := range []struct {
		causes []Mark
		want   string
	}{
		{[]Mark{one, {Why: "tag"}, two}, "t1 t2 ana 1, t2 t3 cy 4"},
		{[]Mark{{Why: "installed"}}, "   "},
	} {
		w := Work{Attempt: 1, Mark: Mark{Kind: MarkBase, Forge: "github", Repo: "acme/shop", Base: "main", Commit: "t3"}, Causes: c.causes}
		var got []string
		for _, m := range s.must(t, r, w).Marks {
			if m.Kind == MarkBranch {
				got = append(got, m.Before+" "+m.Commit+" "+m.By+" "+m.Detail)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("marked %q, want %q", got, c.want)
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
