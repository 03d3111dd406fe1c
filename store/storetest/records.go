package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// decided works change n off with a decision.
func (f *fixture) decided(n int, o gate.Outcome) {
	f.t.Helper()
	must(f.t, f.Mark(ctx, change(n)))
	f.finish(f.one(), o)
}

func open(head, base string) *gate.SubjectState {
	return &gate.SubjectState{Open: true, Head: head, Base: base, Author: "ana", Title: "Add a basket"}
}

var records = map[string]func(*testing.T, *fixture){
	"a decision that is kept first is kept once, with its entry, and the rest with the end of the work": func(t *testing.T, f *fixture) {
		must(t, f.Mark(ctx, change(1)))
		w := f.one()
		d := decision("a", 1, f.clock.Now())
		o := gate.Outcome{Decision: d, Facts: []byte(`{"facts":1}`), Sources: []byte(`[]`), Beside: []gate.Mark{change(2)},
			Entries: []gate.Entry{{Kind: gate.EntryDecision, Forge: "github", Repo: "acme/shop", Decision: d.ID, Reason: "open"}}}
		must(t, f.Keep(ctx, w, o))
		if got, facts, _, err := f.Decision(ctx, d.ID); err != nil || got.ID != d.ID || string(facts) != `{"facts":1}` {
			t.Fatalf("Decision before the end of the work = %+v, %s, %v", got, facts, err)
		}
		beside := f.claim(10)
		if len(beside) != 1 || beside[0].Mark.Change != 2 {
			t.Fatalf("Claim = %v, want what is beside it and nothing else", beside)
		}
		f.finish(beside[0], gate.Outcome{})
		o.Kept, o.Entries, o.Subject = true, nil, open("h1", "main")
		o.Posted = []gate.Posted{{Name: "sluice/gate", Commit: "h1", ID: 5, State: "success"}}
		f.finish(w, o)
		f.none()
		st, err := f.State(ctx, subject(1))
		must(t, err)
		equal(t, "the decision of the state", st.Decision, d.ID)
		shown, err := f.Posted(ctx, subject(1), "h1")
		must(t, err)
		equal(t, "shown", len(shown), 1)
	},
	"whoever lost the work keeps no decision, and neither does who knows not all that was said": func(t *testing.T, f *fixture) {
		must(t, f.Mark(ctx, change(1)))
		w := f.one()
		other := "another"
		if err := f.Keep(ctx, w, gate.Outcome{Decision: decision("a", 1, f.clock.Now()), Said: &other}); !errors.Is(err, store.ErrChanged) {
			t.Errorf("Keep after something else was said = %v, want ErrChanged", err)
		}
		f.clock.pass(time.Hour)
		if err := f.Keep(ctx, w, gate.Outcome{Decision: decision("a", 1, f.clock.Now())}); !errors.Is(err, store.ErrLost) {
			t.Errorf("Keep when the lease is over = %v, want ErrLost", err)
		}
		if _, _, _, err := f.Decision(ctx, decision("a", 1, f.clock.Now()).ID); !errors.Is(err, store.ErrUnknown) {
			t.Errorf("Decision = %v, want that nothing was kept", err)
		}
	},
	"a decision comes back whole, with its facts and policy": func(t *testing.T, f *fixture) {
		d := decision("a", 1, f.clock.Now())
		f.decided(1, gate.Outcome{Decision: d, Facts: []byte(`{"facts":1}`), Sources: []byte(`[]`)})
		got, facts, sources, err := f.Decision(ctx, d.ID)
		must(t, err)
		equal(t, "Decision", got, d)
		equal(t, "facts", string(facts), `{"facts":1}`)
		equal(t, "sources", string(sources), `[]`)
		latest, policy, err := f.Latest(ctx, subject(1))
		must(t, err)
		equal(t, "Latest", latest, d)
		equal(t, "sources of Latest", string(policy), `[]`)
		if _, _, _, err := f.Decision(ctx, "nope"); !errors.Is(err, store.ErrUnknown) {
			t.Errorf("Decision(nope) = %v, want ErrUnknown", err)
		}
	},
	"the newest decision is the one kept last, whatever its clock said": func(t *testing.T, f *fixture) {
		f.decided(1, gate.Outcome{Decision: decision("a", 1, f.clock.Now())})
		f.decided(1, gate.Outcome{Decision: decision("b", 1, f.clock.Now().Add(-time.Hour))})
		d, _, err := f.Latest(ctx, subject(1))
		must(t, err)
		equal(t, "Latest", d.Digest, "db")
	},
	"nothing is known of an unknown subject": func(t *testing.T, f *fixture) {
		d, _, err := f.Latest(ctx, subject(9))
		st, err2 := f.State(ctx, subject(9))
		ps, err3 := f.Posted(ctx, subject(9), "c")
		if d != nil || st != nil || ps != nil || errors.Join(err, err2, err3) != nil {
			t.Errorf("got %v, %v, %v, %v, want nothing", d, st, ps, errors.Join(err, err2, err3))
		}
	},
	"a decision whose id is taken leaves nothing behind and the work held": func(t *testing.T, f *fixture) {
		f.decided(1, gate.Outcome{Decision: decision("a", 1, f.clock.Now())})
		must(t, f.Mark(ctx, change(2)))
		w := f.one()
		err := f.Finish(ctx, w, gate.Outcome{Decision: decision("a", 2, f.clock.Now()), Subject: open("h", "main"), Marks: []gate.Mark{change(3)}})
		if err == nil {
			t.Fatal("Finish with a decision id that is taken succeeded")
		}
		f.none()
		if st, _ := f.State(ctx, subject(2)); st != nil {
			t.Errorf("State = %v, want nothing", st)
		}
		f.finish(w, gate.Outcome{})
	},
	"state is kept, found by base and head, and forgotten as open": func(t *testing.T, f *fixture) {
		f.decided(1, gate.Outcome{Subject: open("h1", "main"), Decision: decision("a", 1, f.clock.Now())})
		f.decided(2, gate.Outcome{Subject: open("h2", "next")})
		st, err := f.State(ctx, subject(1))
		must(t, err)
		equal(t, "State", *st, gate.SubjectState{Open: true, Head: "h1", Base: "main", Author: "ana", Title: "Add a basket",
			Decision: strings.Repeat("a", 32), ReadAt: f.clock.Now()})
		one := checks.Subject{Forge: "github", Repo: "acme/Shop", Kind: checks.KindChange, Change: 1, Installation: 7}
		for name, ask := range map[string]func() ([]checks.Subject, error){
			"into main, case folded": func() ([]checks.Subject, error) { return f.OpenSubjects(ctx, "github", "ACME/shop", "main") },
			"at h1":                  func() ([]checks.Subject, error) { return f.OpenAt(ctx, "github", "acme/shop", "h1") },
		} {
			got, err := ask()
			must(t, err)
			equal(t, name, got, []checks.Subject{one})
		}
		all, _ := f.OpenSubjects(ctx, "github", "", "")
		equal(t, "all open", len(all), 2)
		for base, want := range map[string]bool{"main": true, "next": true, "other": false} {
			got, err := f.HasOpen(ctx, "github", "Acme/shop", base)
			must(t, err)
			equal(t, "HasOpen "+base, got, want)
		}
		f.decided(1, gate.Outcome{Subject: &gate.SubjectState{}})
		all, _ = f.OpenSubjects(ctx, "github", "", "")
		equal(t, "open after one closed", len(all), 1)
		st, _ = f.State(ctx, subject(1))
		equal(t, "its newest decision is still known", st.Decision, strings.Repeat("a", 32))
	},
	"what is shown is kept per commit and name, the newest": func(t *testing.T, f *fixture) {
		p := gate.Posted{Name: "sluice/gate", Commit: "c1", ID: 5, Node: "N", Digest: "x", State: "failure"}
		f.decided(1, gate.Outcome{Posted: []gate.Posted{p, {Name: "sluice/approval", Commit: "c1"}, {Name: "sluice/gate", Commit: "c0"}}})
		p.State = "success"
		f.decided(1, gate.Outcome{Posted: []gate.Posted{p}})
		got, err := f.Posted(ctx, subject(1), "c1")
		must(t, err)
		equal(t, "Posted", got, []gate.Posted{{Name: "sluice/approval", Commit: "c1"}, p})
	},
	"work of another kind may decide on a subject": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", gate.Mark{Kind: gate.MarkSweep, Forge: "github", Why: "start"}))
		f.finish(f.one(), gate.Outcome{Decision: decision("a", 1, f.clock.Now()), Subject: open("h", "main")})
		if d, _, err := f.Latest(ctx, subject(1)); err != nil || d == nil {
			t.Errorf("Latest = %v, %v, want the decision", d, err)
		}
		f.none()
	},
	"work on a branch has no state of its own": func(t *testing.T, f *fixture) {
		f.add(delivery("d1", gate.Mark{Kind: gate.MarkBase, Forge: "github", Repo: "acme/shop", Base: "main"}))
		w := f.one()
		if err := f.Finish(ctx, w, gate.Outcome{Subject: open("h", "main")}); err == nil {
			t.Error("Finish kept a state for no change")
		}
		f.finish(w, gate.Outcome{})
	},
	"decisions are listed newest first, by repository, subject and time, in pages": func(t *testing.T, f *fixture) {
		for i, id := range []string{"a", "b", "c"} {
			f.decided(i%2+1, gate.Outcome{Decision: decision(id, i%2+1, f.clock.Now())})
			f.clock.pass(time.Hour)
		}
		for name, p := range map[string]struct {
			ask  store.Past
			want string
		}{
			"all":           {store.Past{}, "dc db da"},
			"repository":    {store.Past{Forge: "github", Repo: "ACME/shop"}, "dc db da"},
			"other":         {store.Past{Forge: "github", Repo: "acme/other"}, ""},
			"subject":       {store.Past{Subject: subject(1)}, "dc da"},
			"since":         {store.Past{Since: f.clock.Now().Add(-2 * time.Hour)}, "dc db"},
			"page":          {store.Past{Limit: 1}, "dc"},
			"the next page": {store.Past{Limit: 1, Before: 3}, "db"},
		} {
			ds, err := f.Decisions(ctx, p.ask)
			must(t, err)
			var got []string
			for _, d := range ds {
				got = append(got, d.Digest)
			}
			equal(t, name, strings.Join(got, " "), p.want)
		}
	},
	"installations are learnt from deliveries and asked by repository": func(t *testing.T, f *fixture) {
		d := delivery("d1")
		d.Account, d.Install = "Acme", 7
		f.add(d)
		must(t, f.SetInstallation(ctx, "github", "acme/other", 8))
		for repo, want := range map[string]int64{"acme/shop": 7, "ACME/Other": 8, "bcme/shop": 0} {
			got, err := f.Installation(ctx, "github", repo)
			must(t, err)
			equal(t, "Installation "+repo, got, want)
		}
		must(t, f.SetInstallation(ctx, "github", "acme", 0))
		got, _ := f.Installation(ctx, "github", "acme/shop")
		equal(t, "a forgotten one", got, 0)
		d.ID = "d2"
		f.add(d)
		got, _ = f.Installation(ctx, "github", "acme/shop")
		equal(t, "one learnt again", got, 7)
	},
	"tags are remembered": func(t *testing.T, f *fixture) {
		_, seen, err := f.LastTag(ctx, "github", "acme/shop", "v1")
		if seen || err != nil {
			t.Errorf("LastTag of an unknown tag = %v, %v", seen, err)
		}
		must(t, f.SetTag(ctx, "github", "acme/shop", "v1", "c1"))
		must(t, f.SetTag(ctx, "github", "Acme/shop", "v1", ""))
		commit, seen, err := f.LastTag(ctx, "github", "acme/shop", "v1")
		if commit != "" || !seen || err != nil {
			t.Errorf("LastTag = %q, %v, %v, want one that is gone", commit, seen, err)
		}
	},
}
