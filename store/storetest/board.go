package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// boards is what the pages read.
var boards = map[string]func(*testing.T, *fixture){
	"the board tells of each environment what is live, under way and waiting, and by how much it is behind": boardPlaces,
	"repositories are found by name, and by what is the matter with them":                                   boardRepositories,
	"changes and decisions are paged through by key":                                                        boardPages,
	"the pulse beats when something was decided, and not otherwise":                                         boardPulse,
}

// shopAt keeps an environment with its view, and the promotions into it.
func (f *fixture) shopAt(repo string, e gate.EnvironmentSeen, list ...gate.Promotion) {
	f.t.Helper()
	e.Forge, e.Repo = "github", repo
	mark := gate.Mark{Kind: gate.MarkEnvironment, Forge: "github", Repo: repo, Environment: e.Name}
	out := gate.Outcome{Seen: []gate.EnvironmentSeen{e}}
	for i := range list {
		p := &list[i]
		p.Forge, p.Repo, p.Environment, p.Request = "github", repo, e.Name, "request of "+p.ID
		asked := *p
		asked.State = gate.Requested
		out.Requests = append(out.Requests, asked)
	}
	f.add(delivery(fmt.Sprint("ask ", repo, e.Name, len(list)), mark))
	f.finish(f.one(), out)
	f.add(delivery(fmt.Sprint("end ", repo, e.Name, len(list)), mark))
	f.finish(f.one(), gate.Outcome{Promotions: list})
}

func boardPlaces(t *testing.T, f *fixture) {
	t0 := f.clock.Now()
	brings := func(n int) *gate.Brings {
		return &gate.Brings{Commits: n, Oldest: t0.Add(-time.Duration(n) * time.Hour)}
	}
	put := func(id, commit string, n int, state gate.State) gate.Promotion {
		p := gate.Promotion{ID: id, Commit: commit, At: t0.Add(time.Duration(n) * time.Minute), State: state, Since: t0, Deployment: int64(n), Brings: brings(n)}
		if state != gate.Gated {
			p.LiveAt = p.At
		}
		return p
	}
	see := func(rank int, after string, live *gate.LiveSeen) *gate.EnvironmentView {
		return &gate.EnvironmentView{Rank: rank, After: after, Live: live}
	}
	f.shopAt("acme/Shop", gate.EnvironmentSeen{Name: "Integration", View: see(1, "", &gate.LiveSeen{Deployment: 3, Commit: "c3"})},
		put("i1", "c1", 1, gate.Superseded), put("i2", "c2", 2, gate.Superseded), put("i3", "c3", 3, gate.Verified))
	gated := put("p2", "c3", 12, gate.Gated)
	gated.Deployment, gated.Decision = 0, strings.Repeat("e", 32)
	f.shopAt("acme/Shop", gate.EnvironmentSeen{Name: "an alarm", View: see(2, "integration", &gate.LiveSeen{Deployment: 11, Commit: "c1", Outside: true})}, put("p1", "c1", 11, gate.Verified), gated)
	f.shopAt("acme/other", gate.EnvironmentSeen{Name: "production"})
	d := decision("e", 7, t0)
	d.Gate.Reason = "It waits for a release manager."
	f.add(delivery("d", change(7)))
	f.finish(f.one(), gate.Outcome{Decision: d, Facts: []byte(`{}`), Sources: []byte(`[]`)})
	f.add(delivery("l", gate.Mark{Kind: gate.MarkEnvironment, Forge: "github", Repo: "acme/Shop", Environment: "Integration"}))
	f.finish(f.one(), gate.Outcome{Locks: []gate.LockState{
		{ID: "1", Forge: "github", Repo: "acme/Shop", Lock: checks.Lock{Environment: "an alarm", Reason: "the fair"}},
		{ID: "2", Forge: "github", Repo: "acme/Shop", Lock: checks.Lock{Reason: "over", Until: t0}}}})
	must(t, f.SetTag(t.Context(), "github", "acme/Shop", "v1.2.3", "c3"))

	places, err := f.Places(t.Context(), []gate.Repo{{Forge: "github", Name: "acme/shop"}, {Forge: "github", Name: "acme/other"}, {Forge: "github", Name: "acme/none"}})
	must(t, err)
	var got []string
	for _, p := range places {
		line := p.Seen.Name + ":"
		for _, x := range []*gate.Promotion{p.Live, p.UnderWay, p.Waiting} {
			if x != nil {
				line += " " + x.ID
			}
		}
		if p.Behind != nil {
			line += fmt.Sprintf(" behind %d in %d since %v", p.Behind.Commits, p.Behind.Promotions, t0.Sub(p.Behind.Since))
		}
		for _, l := range p.Locks {
			line += " locked: " + l.Lock.Reason
		}
		got = append(got, strings.TrimSpace(line+" "+p.Tag+" "+p.Verdict))
	}
	want := []string{"Integration: i3 v1.2.3", "an alarm: p1 p2 behind 5 in 2 since 3h0m0s locked: the fair  It waits for a release manager.", "production:"}
	if !slices.Equal(got, want) {
		t.Errorf("Places =\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func boardRepositories(t *testing.T, f *fixture) {
	f.shopAt("acme/quiet", gate.EnvironmentSeen{Name: "production"})
	f.shopAt("acme/busy_one", gate.EnvironmentSeen{Name: "production"}, gate.Promotion{ID: "w", Commit: "c", At: f.clock.Now(), State: gate.Gated, Since: f.clock.Now()})
	f.shopAt("acme/red", gate.EnvironmentSeen{Name: `"outside":true`, View: &gate.EnvironmentView{Live: &gate.LiveSeen{Commit: "c", Outside: true}}})
	f.shopAt("acme/green", gate.EnvironmentSeen{Name: `"outside":true`, View: &gate.EnvironmentView{Live: &gate.LiveSeen{Commit: "c", Version: `"outside":true`}}})
	f.add(delivery("c", change(7)))
	f.finish(f.one(), gate.Outcome{Subject: &gate.SubjectState{Open: true, Head: "h", Base: "main", Title: "T", Author: "ana"}, Locks: []gate.LockState{{ID: "1", Forge: "github", Repo: "acme/quiet", Lock: checks.Lock{Reason: "x"}}}})
	must(t, f.SetInstallation(t.Context(), "github", "acme", 9))
	for name, c := range map[string]struct {
		f    gate.BoardFilter
		want string
	}{
		"all":                  {gate.BoardFilter{}, "acme/busy_one acme/green acme/quiet acme/red acme/shop"},
		"by name":              {gate.BoardFilter{Search: "QUI"}, "acme/quiet"},
		"by a name with signs": {gate.BoardFilter{Search: "y_o"}, "acme/busy_one"},
		"signs stand for none": {gate.BoardFilter{Search: "%"}, ""},
		"of another forge":     {gate.BoardFilter{Forge: "gitlab"}, ""},
		"waiting":              {gate.BoardFilter{Waiting: true}, "acme/busy_one"},
		"locked":               {gate.BoardFilter{Locked: true}, "acme/quiet"},
		"outside the gate":     {gate.BoardFilter{Outside: true}, "acme/red"},
		"with open changes":    {gate.BoardFilter{Changes: true}, "acme/shop"},
		"two conditions":       {gate.BoardFilter{Waiting: true, Locked: true}, ""},
	} {
		list, err := f.Repositories(t.Context(), c.f)
		must(t, err)
		var names []string
		for _, r := range list {
			names = append(names, r.Name)
			if r.Installation != 9 || r.Forge != "github" {
				t.Errorf("%s: %+v, want it reached by 9", name, r)
			}
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func boardPages(t *testing.T, f *fixture) {
	for n := 1; n <= 3; n++ {
		f.add(delivery(fmt.Sprint("c", n), change(n)))
		d := decision(fmt.Sprint(n), n, f.clock.Now())
		f.finish(f.one(), gate.Outcome{Subject: &gate.SubjectState{Open: n != 2, Title: fmt.Sprint("title ", n)}, Decision: d, Facts: []byte(`{}`), Sources: []byte(`[]`)})
	}
	f.add(delivery("again", change(3)))
	f.finish(f.one(), gate.Outcome{Decision: decision("a", 3, f.clock.Now()), Facts: []byte(`{}`), Sources: []byte(`[]`)})
	first, err := f.OpenChanges(t.Context(), "github", "ACME/shop", 0, 1)
	must(t, err)
	rest, err := f.OpenChanges(t.Context(), "github", "acme/shop", 3, 10)
	must(t, err)
	if len(first) != 1 || first[0].Number != 3 || first[0].Title != "title 3" || len(rest) != 1 || rest[0].Number != 1 || rest[0].Decision != strings.Repeat("1", 32) {
		t.Errorf("OpenChanges = %+v, then %+v; want 3, then 1", first, rest)
	}
	closed, err := f.Change(t.Context(), subject(2))
	if err != nil || closed == nil || closed.Open || closed.Title != "title 2" {
		t.Errorf("Change(2) = %+v, %v", closed, err)
	}
	h, err := f.History(t.Context(), subject(3), 0, 1)
	must(t, err)
	older, err := f.History(t.Context(), subject(3), h[0].Seq, 10)
	if err != nil || h[0].ID[0] != 'a' || !h[0].Open || len(older) != 1 || older[0].ID[0] != '3' {
		t.Errorf("History = %+v, then %+v, %v", h, older, err)
	}
}

func boardPulse(t *testing.T, f *fixture) {
	pulse := func() int64 {
		n, err := f.Pulse(t.Context())
		must(t, err)
		return n
	}
	before := pulse()
	f.add(delivery("c", change(1)))
	f.finish(f.one(), gate.Outcome{})
	still := pulse()
	must(t, f.Enter(t.Context(), gate.Entry{Kind: gate.EntryCommand, Repo: "acme/shop"}))
	entered := pulse()
	f.add(delivery("d", change(1)))
	f.finish(f.one(), gate.Outcome{Decision: decision("1", 1, f.clock.Now()), Facts: []byte(`{}`), Sources: []byte(`[]`)})
	if decided := pulse(); before != still || entered <= still || decided <= entered {
		t.Errorf("Pulse = %d, %d, %d, %d, want the same and then ever more", before, still, entered, decided)
	}
}
