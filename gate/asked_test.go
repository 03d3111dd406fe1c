package gate

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
)

func TestWhatIsAskedThroughTheAPIIsDoneAsACommandIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ask    Ask
		given  func(*works)
		leaves string // "": it is refused
		says   string
	}{
		"deploy":                        {Ask{Word: "deploy", Ref: "v2"}, idle, "api ddddddd into production by olga of #7; look at production", "Asked for"},
		"deploy what is well before":    {Ask{Word: "deploy"}, idle, "api ddddddd into production by olga of #7; look at production", "Asked for"},
		"rollback":                      {Ask{Word: "rollback", Reason: "v1.0.0 is what we want"}, idle, `rollback bbbbbbb into production by olga of #5; lock "production" unasked=true rolled back to bbbbbbb2: v1.0.0 is what we want; look at production`, "to `bbbbbbb2`"},
		"rollback to a tag":             {Ask{Word: "rollback", Ref: "v1.0.0", Reason: "It is slow."}, idle, `rollback aaaaaaa into production by olga of #5; lock "production" unasked=true rolled back to aaaaaaa1: It is slow.; look at production`, "to `aaaaaaa1`"},
		"rollback to what is not there": {Ask{Word: "rollback", Ref: "v7", Reason: "It is slow."}, idle, "", "There is no commit or tag `v7` here"},
		"lock":                          {Ask{Word: "lock", Reason: "The fair.", For: time.Hour}, idle, `lock "production" unasked=false The fair.; look at production`, "is locked by olga"},
		"lock without a reason":         {Ask{Word: "lock"}, idle, "", "The reason is missing"},
		"cancel":                        {Ask{Word: "cancel"}, func(*works) {}, "cancel p4 by olga; look at production", "is cancelled"},
		"approve in the name of nobody": {Ask{Word: "approve", By: "mallory"}, func(*works) {}, "", "no account `mallory`"},
		"approve in the name of a bot":  {Ask{Word: "approve", By: "robot"}, func(*works) {}, "", "is no person's account"},
		"approve without the right":     {Ask{Word: "approve"}, func(*works) {}, "", "the approvers of `production`"},
		"a week ago":                    {Ask{Word: "deploy", At: ago(8 * 24 * time.Hour)}, idle, "", "more than a week ago"},
		"an option":                     {Ask{Word: "deploy", Ref: "--x"}, idle, "", "is no name of a commit"},
		"by another who has that login": {Ask{Word: "deploy", ByID: 4711}, idle, "", "another account by now"},
		"another word":                  {Ask{Word: "override"}, idle, "", "There is no such thing to ask for"},
		"two environments":              {Ask{Word: "deploy", Environment: "production integration"}, idle, "", "printable ASCII without spaces"},
	} {
		f := deploys("")
		c.given(f)
		x := c.ask
		x.ID, x.Forge, x.Repo = "a1", "github", "acme/shop"
		if x.By == "" {
			x.By = "olga"
		}
		if x.Environment == "" {
			x.Environment = "production"
		}
		if x.At.IsZero() {
			x.At = now
		}
		f.asks = map[string]*Ask{"a1": &x}
		r := reconciler(&f.forge, &memory{})
		r.Providers["github"], r.Book = f, stacks{works: f}
		m := Mark{Kind: MarkAsk, Forge: "github", Repo: "acme/shop", Ask: "a1"}
		out, err := r.Work(t.Context(), Work{Attempt: 1, Mark: m})
		if err != nil || out.Asked == nil || out.Asked.Result == nil {
			t.Fatalf("%s: %v, %+v", name, err, out)
		}
		if got, says := leaves(out), out.Asked.Result.Text; got != c.leaves || !strings.Contains(says, c.says) || (got == "") != (out.Asked.Result.Outcome == refused) {
			t.Errorf("%s:\nleaves %s\nwant   %s\nsays   %s\nwant   %s", name, got, c.leaves, says, c.says)
		}
		if e := out.Entries[0]; e.Kind != EntryCommand || e.URL != "" || e.Change != 0 || e.Who.Login != x.By || e.Environment == "" {
			t.Errorf("%s: entry %+v", name, e)
		}
		for _, p := range out.Requests {
			if p.Request != "ask/a1" || p.Comment != 0 {
				t.Errorf("%s: request %+v", name, p)
			}
		}
		if again, err := r.Work(t.Context(), Work{Attempt: 2, Mark: m}); err != nil || leaves(again) != "" || again.Asked != nil {
			t.Errorf("%s: done twice: %+v, %v", name, again, err)
		}
	}
}

// What could not be looked up is asked again: it was accepted.
func TestWhatIsAskedThroughTheAPIIsTriedAgain(t *testing.T) {
	t.Parallel()
	f := deploys("")
	f.err = errors.New("502")
	f.accounts["olga"] = checks.Person{ID: 9, Login: "olga", Kind: "user"}
	f.asks = map[string]*Ask{"a1": {ID: "a1", Forge: "github", Repo: "acme/shop", Word: "deploy", Environment: "production", By: "olga", At: now}}
	r := reconciler(&f.forge, &memory{})
	r.Providers["github"], r.Book = f, stacks{works: f}
	if out, err := r.Work(t.Context(), Work{Attempt: 1, Mark: Mark{Kind: MarkAsk, Forge: "github", Repo: "acme/shop", Ask: "a1"}}); err == nil || f.asks["a1"].Result != nil {
		t.Errorf("Work = %+v, %v, want an error and no result", out, err)
	}
}
