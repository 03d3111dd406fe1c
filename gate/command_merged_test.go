package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
)

const lets = "override: {checks: [freeze, approval]}\nenvironments: {production: {}}\n"

// afterMerge is a change that was merged, whose policy lets lines of its promotions be overridden.
func afterMerge(body string) *works {
	f := deploys(body)
	f.right = "admin"
	f.facts.Sources[0].Text += lets
	f.facts.Commits, f.facts.Change.CommitCount = nil, 0
	return f
}

func TestLinesOfAPromotionAreOverriddenForWhatTheMergeMade(t *testing.T) {
	t.Parallel()
	f := afterMerge("/sluice override freeze for 1h The fair.")
	answer, out := f.does(t)
	if len(out.Overrides) != 1 || leaves(out) != "look at production" {
		t.Fatalf("overrides %+v, leaves %q, answers %s", out.Overrides, leaves(out), answer)
	}
	o := out.Overrides[0]
	if o.Check != "freeze" || o.Commit != made || !o.Promotion || o.By.ID != 9 || !o.Until.Equal(now.Add(time.Hour)) {
		t.Errorf("override %+v", o)
	}
	acts := Acts{Overrides: out.Overrides}
	if len(acts.promoting(made, now)) != 1 || len(acts.promoting(made, now.Add(time.Hour))) != 0 || len(acts.promoting(bad, now)) != 0 || len(acts.live(made, "main", now)) != 0 {
		t.Errorf("%+v counts elsewhere than for the promotions of %s within the hour", o, made)
	}
	if e := out.Entries[0]; e.Kind != EntryOverride || e.Outcome != "granted" || e.Commit != made || e.Check != "freeze" || e.Environment != "" {
		t.Errorf("entry %+v", e)
	}
	if strings.Contains(answer, "push") || !strings.Contains(answer, "`freeze` is overridden for `ddddddd4` by olga, until 2026-") {
		t.Errorf("answers %s", answer)
	}
}

// Of a line that is named with its environment the override holds there alone, and is revoked by the same name.
func TestAnOverrideHoldsForTheEnvironmentThatItNames(t *testing.T) {
	t.Parallel()
	f := afterMerge("/sluice override Production/freeze for 1h The fair.")
	answer, out := f.does(t)
	if len(out.Overrides) != 1 || out.Overrides[0].Check != "production/freeze" || !strings.Contains(answer, "`production/freeze` is overridden for") {
		t.Fatalf("overrides %+v, answers %s", out.Overrides, answer)
	}
	if e := out.Entries[0]; e.Check != "production/freeze" || e.Environment != "production" {
		t.Errorf("entry %+v", e)
	}
	for where, want := range map[string]int{"Production": 1, "integration": 0} {
		v := &visit{s: checks.Subject{Environment: where}}
		got := v.here(out.Overrides)
		if len(got) != want || want > 0 && got[0].Check != "freeze" {
			t.Errorf("in %s %+v holds, want %d", where, got, want)
		}
	}
	g := afterMerge("/sluice revoke PRODUCTION/freeze")
	r := reconciler(&g.forge, &memory{acts: Acts{Overrides: out.Overrides}})
	r.Providers["github"], r.Book = g, stacks{works: g}
	if out, err := r.Work(t.Context(), heard(g.talker, "c1")); err != nil || len(out.Overrides) != 1 || out.Overrides[0].Ended.IsZero() {
		t.Errorf("revoked: %+v, %v", out.Overrides, err)
	}
}

func TestOverridesOnAMergedChangeThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		say   string
		given func(*works)
		says  string
	}{
		"by the author":                      {"override freeze The fair.", func(f *works) { f.comment.By = anaIs }, "took part in this change"},
		"by who may not":                     {"override freeze The fair.", func(f *works) { f.right = "write" }, "olga may not override here"},
		"of what is no line":                 {"override frieze The fair.", func(*works) {}, "no line `frieze`; the nearest is `freeze`"},
		"of a place that is none":            {"override staging/freeze The fair.", func(*works) {}, "No policy guards an environment `staging`; there are: `production`"},
		"of a line there that may not be":    {"override production/lineage The fair.", func(*works) {}, "`lineage` may not be overridden"},
		"of a line that may not be":          {"override lineage The fair.", func(*works) {}, "`lineage` may not be overridden"},
		"written before the merge":           {"override approval The fair.", func(f *works) { f.facts.Change.MergedAt = now.Add(time.Second) }, "merged after this was written"},
		"of what went into another branch":   {"override freeze The fair.", func(f *works) { f.facts.Change.Base.Name = "next" }, "merged into `next`"},
		"revoked where nothing is":           {"revoke freeze", func(*works) {}, "Nothing is overridden"},
		"where nothing is guarded":           {"override freeze The fair.", func(f *works) { f.facts.Sources[0].Text = "version: 1\n" }, "guards no environment"},
		"held":                               {"hold The fair.", func(*works) {}, "`/sluice lock ENVIRONMENT REASON` holds back"},
		"rechecked where nothing is to come": {"recheck", func(f *works) { f.book = nil }, "nothing of it is on its way"},
	} {
		f := afterMerge("/sluice " + c.say)
		c.given(f)
		if answer, out := f.does(t); len(out.Overrides) > 0 || out.Hold != nil || !strings.Contains(answer, "refused") || !strings.Contains(answer, c.says) {
			t.Errorf("%s: %+v, answers %s, want %s", name, out.Overrides, answer, c.says)
		}
	}
}

func TestStatusAndRecheckOfAMergedChange(t *testing.T) {
	t.Parallel()
	answer, _ := afterMerge("/sluice status").does(t)
	if !strings.Contains(answer, "| `integration` | verified |") || !strings.Contains(answer, "| `production` | gated |") {
		t.Errorf("status answers %s", answer)
	}
	if answer, out := afterMerge("/sluice recheck").does(t); leaves(out) != "look at production" || !strings.Contains(answer, "into `production`") {
		t.Errorf("recheck leaves %q, answers %s", leaves(out), answer)
	}
}

// given is a reconciler of a merged change with an override for its promotions.
func given(f *works, o Override) (*Reconciler, *memory) {
	m := &memory{state: &SubjectState{Merged: true}, acts: Acts{Overrides: []Override{o}, Version: "1"}}
	r := reconciler(&f.forge, m)
	r.Providers["github"], r.Book = f, stacks{works: f}
	return r, m
}

func TestWhatEndsAnOverrideOnAMergedChange(t *testing.T) {
	t.Parallel()
	o := Override{Check: "freeze", Commit: made, Base: "main", By: checks.Person{ID: 9, Login: "olga"}, People: 1, Reason: "The fair.", Comment: 77, Promotion: true, At: ago(time.Hour)}
	for name, c := range map[string]struct {
		change func(*works, *Override)
		why    string
	}{
		"nothing":     {func(*works, *Override) {}, ""},
		"its end":     {func(_ *works, o *Override) { o.Until = now }, "expired"},
		"the policy":  {func(f *works, _ *Override) { f.facts.Sources[0].Text += "override: {checks: [approval]}\n" }, "lets it be overridden no more"},
		"not a merge": {func(_ *works, o *Override) { o.Promotion = false }, ""},
	} {
		f := deploys("")
		if name != "the policy" {
			f.facts.Sources[0].Text += lets
		}
		x := o
		c.change(f, &x)
		r, _ := given(f, x)
		m := Mark{Kind: MarkChange, Forge: "github", Repo: "acme/shop", Change: 7, Why: "comment.override"}
		out, err := r.Work(t.Context(), Work{Attempt: 1, Mark: m, Causes: []Mark{m}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.why == "" && len(out.Overrides) > 0 || c.why != "" && (len(out.Overrides) != 1 || !strings.Contains(out.Overrides[0].Why, c.why) || !strings.HasPrefix(leaves(out), "look at production")) {
			t.Errorf("%s: ended %+v, leaves %q", name, out.Overrides, leaves(out))
		}
	}
	f := deploys("")
	f.facts.Sources[0].Text += lets
	o.Until = now.Add(time.Hour)
	r, _ := given(f, o)
	m := Mark{Kind: MarkChange, Forge: "github", Repo: "acme/shop", Change: 7, Why: "comment.override"}
	if out, err := r.Work(t.Context(), Work{Attempt: 1, Mark: m, Causes: []Mark{m}}); err != nil || !out.Next.Equal(o.Until) {
		t.Errorf("next is %v (%v), want when it runs out", out.Next, err)
	}
}

func TestRevokeEndsTheOverrideOfTheLineAlone(t *testing.T) {
	t.Parallel()
	f := afterMerge("/sluice revoke freeze")
	line := Override{Check: "freeze", Commit: made, Base: "main", By: rob, People: 1, Comment: 70, Promotion: true}
	ofChange := line
	ofChange.Comment, ofChange.Promotion, ofChange.Commit = 71, false, "c1"
	m := &memory{acts: Acts{Overrides: []Override{line, ofChange}}}
	r := reconciler(&f.forge, m)
	r.Providers["github"], r.Book = f, stacks{works: f}
	out, err := r.Work(t.Context(), heard(f.talker, "c1"))
	if err != nil || len(out.Overrides) != 1 || out.Overrides[0].Comment != 70 || out.Overrides[0].EndedBy == nil || !strings.HasPrefix(leaves(out), "look at production") {
		t.Errorf("%v, overrides %+v, leaves %q", err, out.Overrides, leaves(out))
	}
}

// A reply tells where the promotion stands that its comment asked for.
func TestTheReplyTellsWhatCameOfAPromotion(t *testing.T) {
	t.Parallel()
	f := deploys("/sluice deploy production")
	idle(f)
	_, out := f.does(t)
	p := out.Requests[0]
	if p.Comment != 77 || p.On != 7 || p.Request != "comment/77/1" || !p.At.Equal(now) {
		t.Errorf("request %+v", p)
	}
	p.State, p.Why = Failed, "rejected: lineage: it lacks <a fix>"
	f.book["production"].Promotions = append([]Promotion{p}, f.book["production"].Promotions...)
	m := &memory{answers: map[string]*CommentState{heard(f.talker, "c1").Mark.Key(): out.Comment}}
	r := reconciler(&f.forge, m)
	r.Providers["github"], r.Book = f, stacks{works: f}
	again := answerAgain(checks.Subject{Forge: "github", Repo: "acme/shop", Change: p.On}, p.Comment)
	if _, err := r.Work(t.Context(), Work{Attempt: 1, Mark: again}); err != nil || len(f.replies) != 2 {
		t.Fatalf("%v, replies %q", err, f.replies)
	}
	if got := f.replies[1]; !strings.Contains(got, "By now: failed, rejected&#58; lineage&#58; it lacks &#60;a fix&#62;.") {
		t.Errorf("reply %s", got)
	}
}
