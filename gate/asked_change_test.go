package gate

import (
	"context"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks"
)

// desk keeps what was asked.
type desk struct {
	Book
	asks map[string]*Ask
}

func (d desk) Asked(_ context.Context, id string) (*Ask, error) { return d.asks[id], nil }

// registry knows accounts beside.
type registry struct {
	*talker
	who checks.Person
}

func (r registry) Account(context.Context, Repo, string) (checks.Person, error) { return r.who, nil }

const looked = "0123456789abcdef0123456789abcdef01234567"

func TestAnOverrideIsAskedForThroughTheAPI(t *testing.T) {
	t.Parallel()
	good := Ask{ID: "a1", Forge: "github", Repo: "acme/shop", Word: "override", Change: 7, Commit: looked, Checks: "approval", Reason: "Bo is ill.", By: "olga", ByID: 9, At: now}
	for name, c := range map[string]struct {
		spoil func(*Ask, *talker)
		who   int64
		says  string
		given int
	}{
		"by who may, of the commit looked at": {func(*Ask, *talker) {}, 9, "`approval` is overridden on `01234567`, until the next push.", 1},
		"of another commit":                   {func(x *Ask, _ *talker) { x.Commit = strings.Repeat("a", 40) }, 9, "A push arrived in between", 0},
		"of a short commit":                   {func(x *Ask, _ *talker) { x.Commit = "0123456" }, 9, "name the head that you have looked at", 0},
		"without the right":                   {func(_ *Ask, f *talker) { f.right = "maintain" }, 9, "may not override here", 0},
		"of a check that there is not":        {func(x *Ask, _ *talker) { x.Checks = "aproval" }, 9, "the nearest is", 0},
		"of no check":                         {func(x *Ask, _ *talker) { x.Checks = "" }, 9, "The checks are named once", 0},
		"of two with a space":                 {func(x *Ask, _ *talker) { x.Checks = "approval, changelog" }, 9, "no space between them", 0},
		"without a reason":                    {func(x *Ask, _ *talker) { x.Reason = "" }, 9, "reason is missing", 0},
		"another word":                        {func(x *Ask, _ *talker) { x.Word = "release" }, 9, "no such thing to ask of a change", 0},
		"of a change that is closed":          {func(_ *Ask, f *talker) { f.facts.Change.State = "closed" }, 9, "This change is closed", 0},
		"under a login that changed hands":    {func(*Ask, *talker) {}, 8, "another account by now", 0},
		"too long ago":                        {func(x *Ask, _ *talker) { x.At = now.Add(-8 * 24 * 60 * 60 * 1e9) }, 9, "more than a week ago", 0},
	} {
		f := says("/sluice help")
		f.facts.Change.Head.Commit, f.facts.Change.URL = looked, "https://f/7"
		x := good
		c.spoil(&x, f)
		r := reconciler(&f.forge, &memory{})
		r.Providers["github"], r.Book = registry{f, checks.Person{ID: c.who, Login: "olga", Kind: "user"}}, desk{asks: map[string]*Ask{"a1": &x}}
		m := Mark{Kind: MarkAsk, Forge: "github", Repo: "acme/shop", Change: 7, Ask: "a1"}
		out, err := r.Work(t.Context(), Work{Attempt: 1, Mark: m})
		if err != nil || out.Asked == nil {
			t.Errorf("%s: %v, %+v", name, err, out)
			continue
		}
		got := out.Asked.Result
		if !strings.Contains(got.Text, c.says) || len(out.Overrides) != c.given || (got.Outcome == done) != (c.given > 0) {
			t.Errorf("%s: %s %q with %+v, want %q and %d", name, got.Outcome, got.Text, out.Overrides, c.says, c.given)
		}
		for _, o := range out.Overrides {
			if o.By.ID != 9 || o.Commit != looked || o.Comment >= 0 || o.Reason != "Bo is ill." || o.URL == "" {
				t.Errorf("%s: override %+v", name, o)
			}
		}
		if e := out.Entries[len(out.Entries)-1]; e.Kind != EntryCommand || e.Who.ID != 9 || e.Change != 7 || e.Outcome != got.Outcome {
			t.Errorf("%s: entry %+v", name, e)
		}
		if c.given > 0 && (len(out.Marks) != 1 || out.Marks[0].Kind != MarkChange || out.Said == nil) {
			t.Errorf("%s: marks %+v", name, out.Marks)
		}
	}
}

// What is said about a change in a comment can be asked for through the API: by the same rights, with the same record.
func TestWhatIsSaidAboutAChangeIsAskedForThroughTheAPI(t *testing.T) {
	t.Parallel()
	given := Override{Check: "approval", Commit: looked, Base: "main", By: checks.Person{ID: 4, Login: "bo"}, People: 1, Reason: "Ill.", Comment: -7}
	held := Acts{Hold: &Hold{By: checks.Person{ID: 4, Login: "bo"}, Right: "write", Reason: "The fair."}}
	for name, c := range map[string]struct {
		ask     Ask
		acts    Acts
		right   string
		outcome string
		says    string
		entry   string // of the audit log, before that of the command
	}{
		"revoke":                             {Ask{Word: "revoke", Checks: "approval"}, Acts{Overrides: []Override{given}}, "admin", done, "The override of `approval` is revoked", "revoked"},
		"revoke without the right":           {Ask{Word: "revoke", Checks: "approval"}, Acts{Overrides: []Override{given}}, "write", refused, "may not override here", ""},
		"revoke what is not overridden":      {Ask{Word: "revoke", Checks: "changelog"}, Acts{Overrides: []Override{given}}, "admin", refused, "is not overridden", ""},
		"revoke two at once":                 {Ask{Word: "revoke", Checks: "approval,changelog"}, Acts{}, "admin", refused, "One override is revoked at a time", ""},
		"revoke nothing":                     {Ask{Word: "revoke"}, Acts{}, "admin", refused, "The checks are named once each", ""},
		"hold":                               {Ask{Word: "hold", Reason: "The fair."}, Acts{}, "write", done, "Held: the gate stays shut", ""},
		"hold without a reason":              {Ask{Word: "hold"}, Acts{}, "write", refused, "reason is missing", ""},
		"hold without the right":             {Ask{Word: "hold", Reason: "The fair."}, Acts{}, "triage", refused, "Holding a change", ""},
		"hold what is held":                  {Ask{Word: "hold", Reason: "The fair."}, held, "write", refused, "bo holds this change already", ""},
		"unhold":                             {Ask{Word: "unhold"}, held, "write", done, "The hold of bo is lifted", ""},
		"unhold by less than the holder has": {Ask{Word: "unhold"}, Acts{Hold: &Hold{By: checks.Person{ID: 4, Login: "bo"}, Right: "admin"}}, "write", refused, "Lifting the hold of bo", ""},
		"unhold what nobody holds":           {Ask{Word: "unhold"}, Acts{}, "write", refused, "Nobody holds this change", ""},
		"recheck":                            {Ask{Word: "recheck"}, Acts{}, "read", done, "Read and judged afresh", ""},
	} {
		f := says("/sluice help")
		f.facts.Change.Head.Commit, f.facts.Change.URL, f.right = looked, "https://f/7", c.right
		x := c.ask
		x.ID, x.Forge, x.Repo, x.Change, x.By, x.ByID, x.At = "a1", "github", "acme/shop", 7, "olga", 9, now
		for i := range c.acts.Overrides {
			c.acts.Overrides[i].Base = f.facts.Change.Base.Name
		}
		r := reconciler(&f.forge, &memory{acts: c.acts})
		r.Providers["github"], r.Book = registry{f, checks.Person{ID: 9, Login: "olga", Kind: "user"}}, desk{asks: map[string]*Ask{"a1": &x}}
		out, err := r.Work(t.Context(), Work{Attempt: 1, Mark: Mark{Kind: MarkAsk, Forge: "github", Repo: "acme/shop", Change: 7, Ask: "a1"}})
		if err != nil || out.Asked == nil {
			t.Errorf("%s: %v, %+v", name, err, out)
			continue
		}
		if got := out.Asked.Result; got.Outcome != c.outcome || !strings.Contains(got.Text, c.says) {
			t.Errorf("%s: %s %q, want %s %q", name, got.Outcome, got.Text, c.outcome, c.says)
		}
		judged := false
		for _, m := range out.Marks {
			judged = judged || m.Kind == MarkChange && m.Change == 7
		}
		last := out.Entries[len(out.Entries)-1]
		if last.Kind != EntryCommand || last.Command != x.Word || last.Who.ID != 9 || last.Outcome != c.outcome || judged != (c.outcome == done) {
			t.Errorf("%s: entry %+v, marks %+v", name, last, out.Marks)
		}
		if c.entry != "" && (len(out.Entries) != 2 || out.Entries[0].Outcome != c.entry || out.Entries[0].Who.ID != 9) {
			t.Errorf("%s: entries %+v, want one that says %s first", name, out.Entries, c.entry)
		}
	}
}
