package gate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// talker is a forge with comments.
type talker struct {
	forge
	comment  Comment
	right    string
	rightErr error
	replyErr error
	unseen   error

	shownFrom int // so often it is not shown
	replies   []string
	reacted   int
}

func (f *talker) Comment(context.Context, checks.Subject, int64) (*Comment, error) {
	c := f.comment
	if f.shownFrom > 0 {
		f.shownFrom--
		return &c, f.unseen
	}
	return &c, nil
}
func (f *talker) React(context.Context, checks.Subject, int64) error { f.reacted++; return nil }
func (f *talker) Reply(_ context.Context, _ checks.Subject, _ string, known int64, body string) (int64, error) {
	if f.replyErr != nil {
		return 0, f.replyErr
	}
	f.replies = append(f.replies, fmt.Sprintf("%d %s", known, body))
	return 500, nil
}
func (f *talker) Permission(context.Context, checks.Subject, checks.Person) (string, error) {
	return f.right, f.rightErr
}
func (f *talker) Member(context.Context, checks.Subject, checks.Person, string) (bool, error) {
	return false, f.rightErr
}

func says(body string) *talker {
	f := &talker{right: "admin", comment: Comment{ID: 77, Body: body, At: now, By: checks.Person{ID: 9, Login: "olga", Kind: "user"}, URL: "https://f/77"}}
	f.facts = change()
	f.facts.Sources[0].Text = "version: 1\ntagging: {mode: off}\nconfig-separation: {mode: off}\nchangelog: {mode: off}\n"
	return f
}

// heard is the work of a comment whose delivery came when head was the head.
func heard(f *talker, head string) Work {
	m := Mark{Kind: MarkComment, Forge: "github", Repo: "acme/shop", Change: 7, Comment: 77}
	c := m
	c.Commit, c.Detail, c.At, c.Why = head, textDigest(f.comment.Body), now, "issue_comment.created"
	return Work{Attempt: 1, Mark: m, Causes: []Mark{c}}
}

func obeyed(t *testing.T, f *talker, m *memory, w Work) Outcome {
	t.Helper()
	r := reconciler(&f.forge, m)
	r.Providers["github"] = f
	out, err := r.Work(t.Context(), w)
	if err != nil {
		t.Fatalf("Work = %v", err)
	}
	return out
}

func TestOverrideOfACommentIsKeptWithAllThatItHangsOn(t *testing.T) {
	t.Parallel()
	f := says("/sluice override approval for 2h Bo is ill.")
	out := obeyed(t, f, &memory{}, heard(f, "c1"))
	if len(out.Overrides) != 1 {
		t.Fatalf("overrides %+v, results %+v", out.Overrides, out.Comment.Results)
	}
	o := out.Overrides[0]
	if o.Check != "approval" || o.Commit != "c1" || o.Base != "main" || o.By.ID != 9 || o.Reason != "Bo is ill." || o.Comment != 77 || !o.Until.Equal(now.Add(2*time.Hour)) || o.People != 1 {
		t.Errorf("override %+v", o)
	}
	kinds := ""
	for _, e := range out.Entries {
		kinds += string(e.Kind) + ":" + e.Outcome + ":" + e.Who.Login + " "
	}
	if kinds != "override:granted:olga command:done:olga " {
		t.Errorf("entries %q", kinds)
	}
	if len(out.Marks) != 1 || out.Marks[0].Kind != MarkChange || f.reacted != 1 || len(f.replies) != 1 {
		t.Errorf("marks %+v, %d reactions, replies %q", out.Marks, f.reacted, f.replies)
	}
}

// Whatever is not certain about who asks, or about what, is a no.
func TestCommandsThatAreRefused(t *testing.T) {
	t.Parallel()
	const say = "/sluice override approval Bo is ill."
	for name, c := range map[string]struct {
		spoil func(*talker, *Work)
		says  string // part of the answer; "": nothing is answered at all
	}{
		"edited":                           {func(f *talker, _ *Work) { f.comment.Edited = true }, "was edited"},
		"edited within the second":         {func(f *talker, _ *Work) { f.comment.Body += "!" }, "was edited"},
		"old":                              {func(f *talker, _ *Work) { f.comment.At = now.Add(-8 * 24 * time.Hour) }, "older than a week"},
		"by a bot":                         {func(f *talker, _ *Work) { f.comment.By.Kind = "bot" }, ""},
		"by a deleted account":             {func(f *talker, _ *Work) { f.comment.By = checks.Person{} }, ""},
		"through an app":                   {func(f *talker, _ *Work) { f.comment.App = true }, ""},
		"without the right":                {func(f *talker, _ *Work) { f.right = "maintain" }, "may not override here"},
		"with a right that is no word":     {func(f *talker, _ *Work) { f.right = "owner" }, "may not override here"},
		"when the forge does not answer":   {func(f *talker, _ *Work) { f.right, f.rightErr = "admin", errors.New("502") }, "no answer means no"},
		"when the head is not known":       {func(_ *talker, w *Work) { w.Causes[0].Commit = "" }, "had not read this change yet"},
		"when another head was known":      {func(_ *talker, w *Work) { w.Causes[0].Commit = "c0" }, "A push arrived in between"},
		"when the change is closed":        {func(f *talker, _ *Work) { f.facts.Change.State = "closed" }, "This change is closed"},
		"by the author":                    {func(f *talker, _ *Work) { f.comment.By = checks.Person{ID: 1, Login: "ana", Kind: "user"} }, "took part in this change"},
		"when commits are missing":         {func(f *talker, _ *Work) { f.facts.Change.CommitCount = 9 }, "could not all be read"},
		"told again with nothing to go by": {func(_ *talker, w *Work) { w.Causes = nil }, ""},
	} {
		f := says(say)
		w := heard(f, "c1")
		c.spoil(f, &w)
		out := obeyed(t, f, &memory{}, w)
		if len(out.Overrides) > 0 {
			t.Errorf("%s: overridden: %+v", name, out.Overrides)
		}
		all := strings.Join(f.replies, "\n")
		if c.says == "" && all != "" || !strings.Contains(all, c.says) {
			t.Errorf("%s: answered %q, want %q", name, all, c.says)
		}
	}
}

func TestACommentIsObeyedOnce(t *testing.T) {
	t.Parallel()
	f := says("/sluice override approval Bo is ill.")
	first := obeyed(t, f, &memory{}, heard(f, "c1"))
	m := &memory{answers: map[string]*CommentState{heard(f, "c1").Mark.Key(): first.Comment}}
	m.acts.Overrides = first.Overrides
	again := obeyed(t, f, m, heard(f, "c1"))
	if len(again.Overrides)+len(again.Entries)+len(again.Marks) > 0 || len(f.replies) != 1 {
		t.Errorf("again: %+v, replies %q", again, f.replies)
	}
	m.acts.Overrides[0].Ended, m.acts.Overrides[0].Why = now, "ended by a push"
	if obeyed(t, f, m, heard(f, "c1")); len(f.replies) != 2 || !strings.HasPrefix(f.replies[1], "500 ") || !strings.Contains(f.replies[1], "ended by a push") {
		t.Errorf("replies %q", f.replies)
	}
}

func TestAnAnswerThatIsNotTakenIsTriedAgainAndNotForEver(t *testing.T) {
	t.Parallel()
	f := says("/sluice override approval Bo is ill.")
	f.replyErr = errors.New("the conversation is locked")
	w, m := heard(f, "c1"), &memory{}
	out := obeyed(t, f, m, w)
	if len(out.Overrides) != 1 || out.Next.IsZero() || out.Comment.Reply != -1 {
		t.Fatalf("out %+v", out)
	}
	m.answers = map[string]*CommentState{w.Mark.Key(): out.Comment}
	tries := 1
	for ; !out.Next.IsZero() && tries < 50; tries++ {
		out = obeyed(t, f, m, w)
	}
	if tries != mostTries {
		t.Errorf("tried %d times, want %d", tries, mostTries)
	}
}

// Whether the first try was looked for makes no difference: what was sent after that may have been made.
func TestAnAnswerThatMayHaveBeenMadeIsLookedFor(t *testing.T) {
	t.Parallel()
	for attempt := int64(1); attempt <= 3; attempt++ {
		f := says("/sluice override approval Bo is ill.")
		f.replyErr = errors.New("connection reset")
		w, m := heard(f, "c1"), &memory{}
		w.Attempt = attempt
		out := obeyed(t, f, m, w)
		m.answers = map[string]*CommentState{w.Mark.Key(): out.Comment}
		w.Attempt, f.replyErr = 1, nil
		if obeyed(t, f, m, w); len(f.replies) != 1 || !strings.HasPrefix(f.replies[0], "-1 ") {
			t.Errorf("after a lost answer at attempt %d: %q, want one that was looked for (-1)", attempt, f.replies)
		}
	}
}

// noter is a forge with deployments and comments.
type noter struct {
	Promoter
	*talker
}

func TestANoteThatMayHaveBeenMadeIsLookedFor(t *testing.T) {
	t.Parallel()
	f := says("")
	v := &visit{r: reconciler(&f.forge, &memory{}), provider: noter{nil, f}, w: Work{Attempt: 1}, now: now}
	p := &Promotion{ID: "p", Environment: "production", Commit: "c1", Change: 7, State: Failed, Why: "rejected"}
	f.replyErr = errors.New("connection reset")
	if err := v.showNote(t.Context(), p); err == nil {
		t.Fatal("no error of a note that was not taken")
	}
	f.replyErr = nil
	if err := v.showNote(t.Context(), p); err != nil || len(f.replies) != 1 || !strings.HasPrefix(f.replies[0], "-1 ") || p.Note != 500 {
		t.Errorf("the note after a lost one: %v, %q, id %d; want one that was looked for (-1)", err, f.replies, p.Note)
	}
}

// A forge whose replicas lag, or whose repository is being renamed, does not show what it has told of.
func TestACommentThatIsNotShownIsLookedForAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		age     time.Duration
		attempt int64
		facts   error
		again   time.Duration // 0: it is over
		times   int
	}{
		"just told":                  {time.Second, 1, nil, 10 * time.Second, 9},
		"told, and looked for twice": {11 * time.Second, 2, nil, time.Minute, 9},
		"told a while ago, and the change is not shown either": {20 * time.Minute, 5, ErrGone, 5 * time.Minute, 9},
		"told a while ago, and the change is shown":            {20 * time.Minute, 5, nil, 0, 9},
		"told a while ago, and shown with the change just now": {20 * time.Minute, 5, nil, 5 * time.Minute, 1},
		"told long ago, and the change is not shown":           {5 * time.Hour, 15, ErrGone, 5 * time.Minute, 9},
		"too old to be obeyed":                                 {8 * 24 * time.Hour, 20, ErrGone, 0, 9},
	} {
		f := says("/sluice hold wait")
		w := heard(f, "c1")
		w.Attempt, w.Causes[0].At = c.attempt, now.Add(-c.age)
		f.unseen, f.shownFrom, f.err = ErrGone, c.times, c.facts
		r := reconciler(&f.forge, &memory{})
		r.Providers["github"] = f
		_, err := r.Work(t.Context(), w)
		var later *RetryError
		if errors.As(err, &later); c.again == 0 && err != nil || c.again != 0 && (later == nil || later.After != c.again) {
			t.Errorf("%s: %v, want again in %v", name, err, c.again)
		}
	}
}

// Under a broken policy the change that mends it gets in when every check and the policy itself are let through.
func TestOverrideUnderABrokenPolicy(t *testing.T) {
	t.Parallel()
	f := says("/sluice override policy,tagging,changelog,config-separation,approval This mends it.")
	f.facts.Sources = []policy.Source{{Origin: policy.Repository, Name: ".sluice.yml", Text: "version: 9\n"}}
	out := obeyed(t, f, &memory{}, heard(f, "c1"))
	if len(out.Overrides) != 5 {
		t.Fatalf("overrides %+v, results %+v", out.Overrides, out.Comment.Results)
	}
	_, problem := policy.Load(f.facts.Sources...)
	for n := range 6 {
		acts := Acts{Overrides: out.Overrides[:n]}
		if d := DecideBroken(&f.facts, problem, acts, "id", now); d.Open != (n == 5) {
			t.Errorf("with %d of 5 overrides open is %v: %+v", n, d.Open, d.Gate)
		}
	}
}

// A hold shuts whatever else is open, and never makes a failure look like waiting.
func TestHoldShuts(t *testing.T) {
	t.Parallel()
	facts := change()
	set, err := policy.Load(policy.Source{Origin: policy.Repository, Name: ".sluice.yml",
		Text: "version: 1\ntagging: {mode: off}\nconfig-separation: {mode: off}\nchangelog: {mode: off}\napproval: {mode: off}\nchecks: [{name: small, rule: change.additions < 5}]\n"})
	if err != nil {
		t.Fatal(err)
	}
	held := Acts{Hold: &Hold{By: checks.Person{ID: 9, Login: "olga"}, Right: "admin", Reason: "wait"}}
	if d := Decide(set, &facts, Acts{}, "id", now); !d.Open {
		t.Fatalf("shut without a hold: %+v", d.Gate)
	}
	if d := Decide(set, &facts, held, "id", now); d.Open || d.Gate.Outcome != checks.Wait || !strings.Contains(d.Gate.Reason, "Held by olga") {
		t.Errorf("held: %+v", d.Gate)
	}
	facts.Change.Additions = 9
	if d := Decide(set, &facts, held, "id", now); d.Open || d.Gate.Outcome != checks.Fail {
		t.Errorf("held and failed: %+v", d.Gate)
	}
}

func TestOverridesThatNoLongerCount(t *testing.T) {
	t.Parallel()
	o := Override{Check: "approval", Commit: "c1", Base: "main", People: 1, At: now}
	for name, c := range map[string]struct {
		change func(*Override)
		cause  Mark
		live   bool
	}{
		"as given":                              {func(*Override) {}, Mark{}, true},
		"another commit":                        {func(o *Override) { o.Commit = "c0" }, Mark{}, false},
		"another target":                        {func(o *Override) { o.Base = "next" }, Mark{}, false},
		"run out":                               {func(o *Override) { o.Until = now }, Mark{}, false},
		"not run out":                           {func(o *Override) { o.Until = now.Add(time.Second) }, Mark{}, true},
		"ended":                                 {func(o *Override) { o.Ended = now }, Mark{}, false},
		"one of two":                            {func(o *Override) { o.People = 2 }, Mark{}, false},
		"two of two":                            {func(o *Override) { o.People, o.Second = 2, &checks.Person{ID: 8} }, Mark{}, true},
		"pushed away and back since":            {func(*Override) {}, Mark{Why: "pull_request.synchronize", Commit: "c9", At: now.Add(1)}, false},
		"told late of a push before it":         {func(*Override) {}, Mark{Why: "pull_request.synchronize", Commit: "c9", At: now.Add(-1)}, true},
		"told again of the head that it is for": {func(*Override) {}, Mark{Why: "pull_request.synchronize", Commit: "c1", At: now.Add(1)}, true},
		"retargeted and back since":             {func(*Override) {}, Mark{Why: "pull_request.edited", Detail: "base", At: now.Add(1)}, false},
		"retitled since":                        {func(*Override) {}, Mark{Why: "pull_request.edited", At: now.Add(1)}, true},
	} {
		f, x := change(), o
		c.change(&x)
		r := reconciler(&forge{}, &memory{})
		left, ended := r.settleActs(Acts{Overrides: []Override{x}}, &f, Work{Causes: []Mark{c.cause}})
		if got := len(left.live("c1", "main", now)) == 1; got != c.live {
			t.Errorf("%s: live is %v, want %v (ended %+v)", name, got, c.live, ended)
		}
	}
}
