package gate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// record is a Past in memory. It hands out what it holds, whatever is asked of it, and counts how often.
type record struct {
	open, settled []Recorded
	asked         []Recall
}

func (p *record) Recorded(_ context.Context, q Recall, each func(Recorded) error) error {
	p.asked = append(p.asked, q)
	list := p.settled
	if q.Of == OpenChanges {
		list = p.open
	}
	for _, r := range list {
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

const off = "tagging: {mode: off}\nconfig-separation: {mode: off}\nchangelog: {mode: off}\n"

// decidedOn is a decision on change n as it would have been recorded; the approvals are bo's and cy's.
func decidedOn(t *testing.T, n, approvals int, alter func(*checks.Facts)) Recorded {
	t.Helper()
	f := change()
	f.Subject.Change, f.Change.Number = n, n
	f.Change.URL = fmt.Sprintf("https://github.example/%s/pull/%d", f.Subject.Repo, n)
	for i := range approvals {
		id := int64(2 + i)
		by := checks.Person{ID: id, Login: []string{"bo", "cy"}[i], Kind: "user", Permission: "write"}
		f.People[id] = by
		f.Reviews = append(f.Reviews, checks.Review{By: by, State: "approved", Commit: "c1"})
	}
	if alter != nil {
		alter(&f)
	}
	out := Outcome{}
	load := func(s []policy.Source) (*policy.Set, error) { return policy.Load(s...) }
	if err := keep(&out, &f, judge(load, &f, Acts{}, fmt.Sprintf("%032x", n), now)); err != nil {
		t.Fatal(err)
	}
	return Recorded{Decision: out.Decision, Facts: out.Facts, Sources: out.Sources}
}

// editing is a change that brings a policy.
func editing(text string) checks.Facts {
	f := change()
	f.Files = []checks.File{{Path: ".sluice.yml", Status: "modified", Read: true}}
	f.Change.ChangedFiles = 1
	for _, path := range policy.Paths {
		f.Texts = append(f.Texts, checks.Text{Side: checks.Head, Path: path, Text: text, Absent: path != ".sluice.yml"})
	}
	return f
}

const two = off + "approval: {rules: [{name: peers, count: 2}]}\n"

func TestAPolicyEditIsToldWhatWouldFlip(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: editing(two)}, &memory{}
	elsewhere := decidedOn(t, 14, 1, func(f *checks.Facts) { f.Change.Base.Name = "release" })
	own := decidedOn(t, 7, 1, nil)
	past := &record{open: []Recorded{decidedOn(t, 11, 1, nil), decidedOn(t, 12, 2, nil), elsewhere, own}, settled: []Recorded{decidedOn(t, 13, 1, nil)}}
	r := reconciler(f, m)
	r.Past = past
	out := must(t, r, m, work())
	found := out.Decision.Foresight
	if found == nil || found.Open.Judged != 2 || found.Open.Shut != 1 || found.Settled.Shut != 1 || found.Partial {
		t.Fatalf("Foresight = %+v, want one of two open changes shut, and one of before", found)
	}
	v := verdictOf(out.Decision, "policy")
	if v.Outcome != checks.Pass || !strings.HasSuffix(v.Reason, "; it would flip 1 open change and 1 of the last 30 days.") || len(v.Reason) > 140 {
		t.Errorf("policy is %v: %s", v.Outcome, v.Reason)
	}
	var shown string
	for _, p := range f.posted {
		if p.Name == "sluice/policy" {
			shown = p.Summary
		}
	}
	for _, says := range []string{"&#35;11 &#40;open&#41; would be shut by approval", "  See: <https://github.example/acme/shop/pull/11>", "  Why: `.sluice.yml:4 approval.rules[0]`", "&#35;13 &#40;of the last 30 days&#41; would have been shut"} {
		if !strings.Contains(shown, says) {
			t.Errorf("the check says\n%s\nwant %q", shown, says)
		}
	}
	again, err := Replay(Recorded{Decision: out.Decision, Facts: out.Facts, Sources: out.Sources})
	if err != nil || !Same(again, out.Decision) {
		t.Errorf("replayed %+v, %v, want %+v", again, err, out.Decision)
	}
}

// What others do meanwhile does not have the check posted again: it is found anew for another head or policy, or when
// somebody asks for it.
func TestWhatWouldFlipIsFoundOnceForAHead(t *testing.T) {
	t.Parallel()
	f, m := &forge{facts: editing(two)}, &memory{}
	past := &record{open: []Recorded{decidedOn(t, 11, 1, nil)}}
	r := reconciler(f, m)
	r.Past = past
	first := must(t, r, m, work()).Decision
	statuses := f.facts.Statuses
	past.open = append(past.open, decidedOn(t, 12, 1, nil))
	for name, c := range map[string]struct {
		causes []Mark
		alter  func(*checks.Facts)
		asks   bool
	}{
		"nothing":               {nil, func(*checks.Facts) {}, false},
		"the target moves":      {nil, func(f *checks.Facts) { f.Change.Base.Commit, f.Sources[0].Commit = "b2", "b2" }, false},
		"its policy moves":      {nil, func(f *checks.Facts) { f.Sources[0].Text += "# more\n" }, true},
		"a push":                {nil, func(f *checks.Facts) { f.Change.Head.Commit = "c2" }, true},
		"the check is rerun":    {[]Mark{{Why: "check_run.rerequested", Detail: "sluice/policy", Commit: "c1"}}, func(*checks.Facts) {}, true},
		"another check is":      {[]Mark{{Why: "check_run.rerequested", Detail: "sluice/gate", Commit: "c1"}}, func(*checks.Facts) {}, false},
		"a check of all is":     {[]Mark{{Why: "check_suite.rerequested", Commit: "c1"}}, func(*checks.Facts) {}, true},
		"a policy like the old": {nil, func(f *checks.Facts) { f.Texts[0].Text = f.Sources[0].Text }, false},
	} {
		past.asked = nil
		f.facts = editing(two)
		c.alter(&f.facts)
		latest, before := *m.latest, *m
		if _, err := r.Work(t.Context(), work(c.causes...)); err != nil {
			t.Fatal(err)
		}
		if *m = before; len(past.asked) > 0 != c.asks {
			t.Errorf("%s: the record was asked %d times, want %v", name, len(past.asked), c.asks)
		}
		m.latest = &latest
	}
	f.facts, f.posted = editing(two), nil
	f.facts.Statuses = statuses
	if out := must(t, r, m, work()); out.Decision != nil || len(f.posted) > 0 {
		t.Errorf("a second look decided %+v and posted %d, want neither (first: %s)", out.Decision, len(f.posted), first.ID)
	}
}

func TestWhatWouldFlipIsSaidInGrammar(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]*Foresight{
		"Of 1 change that is open now, 1 would be shut and 0 opened by this policy.":                     {Open: Flips{Judged: 1, Shut: 1}},
		"Of 2 changes that are open now, 1 would be shut and 0 opened by this policy.":                   {Open: Flips{Judged: 2, Shut: 1}},
		"Of 1 change or tag of the last 30 days, 0 would have been shut and 1 opened by this policy.":    {Settled: Flips{Judged: 1, Opened: 1}},
		"Of 0 changes and tags of the last 30 days, 0 would have been shut and 0 opened by this policy.": {},
		"1 of them lies in a private repository and is not named here.":                                  {Open: Flips{Judged: 1, Shut: 1, Hidden: 1}},
		"2 of them lie in private repositories and are not named here.":                                  {Open: Flips{Judged: 2, Shut: 2, Hidden: 2}},
		"1 more is not listed; `sluice policy replay` lists all.":                                        {Open: Flips{Judged: 1, Shut: 1}},
		"2 more are not listed; `sluice policy replay` lists all.":                                       {Open: Flips{Judged: 2, Shut: 2}},
	} {
		if list := f.findings(); !slices.ContainsFunc(list, func(x checks.Finding) bool { return x.What == want }) {
			t.Errorf("findings of %+v = %+v, want %q", f, list, want)
		}
	}
}

func TestHeadingTellsWhatIsCertainFirst(t *testing.T) {
	t.Parallel()
	verdict := func(check string, o checks.Outcome, reason string) checks.Verdict {
		return checks.Verdict{Check: check, Outcome: o, Mode: policy.Enforce, Reason: reason}
	}
	untold := verdict("changelog", checks.Unknown, "Cannot be told from what was recorded: the files.")
	waits := verdict("approval", checks.Wait, "Needs 1 more approval.")
	hold := Acts{Hold: &Hold{By: checks.Person{ID: 1, Login: "ana"}, Reason: "the pager rang"}}
	for name, c := range map[string]struct {
		verdicts []checks.Verdict
		acts     Acts
		want     string
	}{
		"all is told":       {[]checks.Verdict{waits}, Acts{}, "approval: Needs 1 more approval."},
		"one is not":        {[]checks.Verdict{untold, waits}, Acts{}, "approval: Needs 1 more approval; 1 more cannot be told."},
		"nothing else":      {[]checks.Verdict{untold, verdict("approval", checks.Pass, "Approved.")}, Acts{}, "changelog: Cannot be told from what was recorded: the files."},
		"two are certain":   {[]checks.Verdict{untold, waits, verdict("tagging", checks.Fail, "No tag.")}, Acts{}, "2 checks hold this back; tagging: No tag; 1 more cannot be told."},
		"a hold is certain": {[]checks.Verdict{untold}, hold, "; 1 more cannot be told."},
	} {
		j := &Rejudged{After: &Decision{Verdicts: c.verdicts, Acts: c.acts, Gate: weigh(c.verdicts)}, Untold: checks.Untold{}}
		if c.verdicts[0].Check == "changelog" {
			j.Untold["changelog"] = "the files"
		}
		j.After.hold()
		if got := j.Heading().Reason; !strings.HasSuffix(got, c.want) || len(got) > 140 || strings.Contains(c.want, "; 1 more") && strings.Contains(got, "Cannot be told from") {
			t.Errorf("%s: Heading() = %q, want %q", name, got, c.want)
		}
	}
}

func TestLookingAheadIsBounded(t *testing.T) {
	t.Parallel()
	f, m, past := &forge{facts: editing(two)}, &memory{}, &record{}
	for n := range aheadMost + 50 {
		past.open = append(past.open, decidedOn(t, 100+n, 1, nil))
	}
	r := reconciler(f, m)
	r.Past = past
	found := must(t, r, m, work()).Decision.Foresight
	if found.Open.Judged != aheadMost || found.Open.Shut != aheadMost || len(found.Open.Named) != aheadNamed || !found.Partial {
		t.Errorf("judged %d, named %d, partial %v; want %d, %d and so", found.Open.Judged, len(found.Open.Named), found.Partial, aheadMost, aheadNamed)
	}
}

// Whoever reads the organisation's .github sees its checks. That does not show him what private repositories hold.
func TestFlipsOfOtherRepositoriesShowNoSecrets(t *testing.T) {
	t.Parallel()
	of := func(n int, repo string, private bool) Recorded {
		return decidedOn(t, n, 0, func(f *checks.Facts) {
			f.Subject.Repo, f.Repository.Name, f.Repository.Private = repo, repo, private
			f.Change.URL = fmt.Sprintf("https://github.example/%s/pull/%d", repo, n)
			f.Change.Title = "Buy Initech"
			f.Sources = []policy.Source{{Origin: policy.Repository, Name: ".sluice.yml", Text: off + "approval: {mode: advise}\n"}}
		})
	}
	for name, c := range map[string]struct {
		private bool
		hidden  int
		says    []string
		silent  []string
	}{
		"a public .github names public repositories alone": {false, 1, []string{"acme/web#21 (open) would be shut by initech-rule.", "1 of them lies in a private repository and"}, []string{"merger", "Buy Initech"}},
		"a private .github names all, without reasons":     {true, 0, []string{"acme/web#21 (open)", "acme/merger#22 (open) would be shut by initech-rule."}, []string{"Buy Initech", "private repositories"}},
	} {
		f := editing("")
		f.Subject.Repo, f.Repository.Name, f.Repository.Private = "acme/.github", "acme/.github", c.private
		f.Files[0].Path = "sluice.yml"
		f.Texts = []checks.Text{{Side: checks.Head, Path: "sluice.yml", Text: "required:\n  checks: [{name: initech-rule, rule: 'change.title == \"x\"', message: '{{change.title}}'}]\n"}}
		m, past := &memory{}, &record{open: []Recorded{of(21, "acme/web", false), of(22, "acme/merger", true)}}
		r := reconciler(&forge{facts: f}, m)
		r.Past = past
		d := must(t, r, m, Work{Attempt: 1, Mark: Mark{Kind: MarkChange, Forge: "github", Repo: "acme/.github", Change: 7}}).Decision
		if past.asked[0].Owner != "acme" || past.asked[0].Repo != "" || d.Foresight.Open.Shut != 2 || d.Foresight.Open.Hidden != c.hidden {
			t.Errorf("%s: asked for %+v, found %+v", name, past.asked[0], d.Foresight)
		}
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range c.says {
			if !strings.Contains(string(b), s) {
				t.Errorf("%s: got %s, want %q", name, b, s)
			}
		}
		for _, s := range c.silent {
			if strings.Contains(string(b), s) {
				t.Errorf("%s: %q is shown: %s", name, s, b)
			}
		}
	}
}

// The newest look tells more than the decision's own facts: a second approval made no difference then.
func TestRejudgingTakesWhatWasSeenLast(t *testing.T) {
	t.Parallel()
	r := decidedOn(t, 11, 1, nil)
	j := Rejudger{Swap: func([]policy.Source) []policy.Source {
		return []policy.Source{{Origin: policy.Given, Name: "p", Text: two}}
	}}
	got, err := j.Judge(r)
	if err != nil || got.Gate() != WouldShut {
		t.Fatalf("under two approvals: %q, %v, want shut", got.Gate(), err)
	}
	later := decidedOn(t, 11, 2, nil)
	var f checks.Facts
	if err := json.Unmarshal(later.Facts, &f); err != nil {
		t.Fatal(err)
	}
	if r.Seen, err = seen(&f); err != nil {
		t.Fatal(err)
	}
	r.SeenAt = now.Add(time.Hour)
	if got, err = j.Judge(r); err != nil || got.Gate() != Unturned || !got.Facts.At.Equal(r.SeenAt) {
		t.Errorf("with the second approval seen since: %q, %v, want no flip", got.Gate(), err)
	}
}

func TestRejudgingKeepsActsAndCannotTellWhatIsNotRecorded(t *testing.T) {
	t.Parallel()
	held := decidedOn(t, 11, 2, nil)
	held.Decision.Acts.Hold = &Hold{By: checks.Person{Login: "bo"}, Right: "write"}
	let := decidedOn(t, 12, 1, nil)
	let.Decision.Acts.Overrides = []Override{{Check: "approval", Commit: "c1", Base: "main", People: 1}}
	unread := decidedOn(t, 13, 1, func(f *checks.Facts) { f.Gaps = []checks.Gap{{Part: "policy", Reason: "GitHub was away."}} })
	for name, c := range map[string]struct {
		in     Recorded
		policy string
		want   Turn
	}{
		"a held change stays shut under less":            {held, off + "approval: {mode: off}\n", Unturned},
		"an override stands under more":                  {let, two, Unturned},
		"an override stands for what is not told either": {let, off + "approval: {rules: [{name: a, from: {teams: [acme/x]}}]}\n", Unturned},
		"more is asked":                {decidedOn(t, 14, 1, nil), two, WouldShut},
		"less is asked":                {decidedOn(t, 14, 0, nil), off + "approval: {mode: advise}\n", WouldOpen},
		"a team that nobody asked for": {decidedOn(t, 14, 1, nil), off + "approval: {rules: [{name: a, from: {teams: [acme/x]}}]}\n", CannotTell},
		"that team, and a rule that is known not to hold": {decidedOn(t, 14, 1, nil),
			off + "approval: {rules: [{name: a, from: {teams: [acme/x]}}]}\nchecks: [{name: no, rule: 'change.title == \"\"'}]\n", WouldShut},
		"that team, where it is only advised": {decidedOn(t, 14, 1, nil), off + "approval: {mode: advise, rules: [{name: a, from: {teams: [acme/x]}}]}\n", Unturned},
		"policies that could not be read":     {unread, two, CannotTell},
		"a policy that is broken":             {decidedOn(t, 14, 1, nil), "changelgo: {}\n", WouldShut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := c.in
			d := *in.Decision
			again, err := Replay(in)
			if err != nil {
				t.Fatal(err)
			}
			d.Open = again.Open // as it was decided with these acts
			in.Decision = &d
			j := Rejudger{Swap: func([]policy.Source) []policy.Source {
				return []policy.Source{{Origin: policy.Given, Name: "p", Text: c.policy}}
			}}
			got, err := j.Judge(in)
			if err != nil || got.Gate() != c.want {
				t.Errorf("gate %q, %v; untold %v; %+v; want %q", got.Gate(), err, got.Untold, got.After.Gate, c.want)
			}
		})
	}
}
