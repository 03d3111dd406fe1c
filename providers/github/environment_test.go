package github

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/pretend"
)

func into(environment, commit string) checks.Subject {
	s := checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindEnvironment, Environment: environment, Commit: commit}
	if commit != "" {
		s.Kind = checks.KindPromotion
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reads are the reading calls since the last time.
func reads(f *pretend.Forge) (routes []string) {
	for _, c := range f.Calls() {
		if !c.Token && !c.Write && !strings.Contains(c.Route, "/installation") {
			routes = append(routes, strings.TrimPrefix(c.Route, "graphql query "))
		}
	}
	f.ResetCalls()
	return routes
}

// TestAPromotionsReadsDoNotGrowWithItsCommits counts what a judgement reads with one commit since the live one, and with
// 250 that nothing is known of: the first time, again, and after the world has moved on.
func TestAPromotionsReadsDoNotGrowWithItsCommits(t *testing.T) {
	t.Parallel()
	for _, many := range []int{1, 100, 250} {
		t.Run(fmt.Sprint(many), func(t *testing.T) {
			t.Parallel()
			f, c := pretended(t)
			c.askPromotion = func(_ *policy.Set, f *checks.Facts) *checks.Wants {
				w := &checks.Wants{}
				w.WantPaths(f, func(string) bool { return true })
				w.WantText(f, checks.Head, "README.md")
				w.WantText(f, checks.Head, "CHANGELOG.md")
				w.WantPerson(f, f.Promotion.Origin.Change.Author)
				w.WantTeam(f, "acme/ops")
				return w
			}
			f.Org("acme", "olga:admin", "ana", "bo")
			must(t, f.Team("acme/ops", "", "bo"))
			must(t, f.Grant("acme/shop", "ana", "write"))
			_, err := f.Deploy(pretend.Deployment{Repo: "acme/shop"})
			must(t, err)
			must(t, f.DeploymentStatus(pretend.DeploymentStatus{Repo: "acme/shop", State: "success"}))
			for i := range many - 1 { // by nobody: each is asked for again
				_, err := f.Push(pretend.Push{Repo: "acme/shop", By: "olga", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{"n": fmt.Sprintln(i)})}}})
				must(t, err)
			}
			n, err := f.Open(pretend.PR{Repo: "acme/shop", By: "ana", Branch: "c", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{"c": "c\n"})}}})
			must(t, err)
			head, err := f.Merge("acme/shop", n, "bo", true)
			must(t, err)
			look := func(why string, most int) {
				t.Helper()
				f.ResetCalls()
				st, err := c.Environment(t.Context(), into("production", head), []string{head}, checks.Promotion{})
				must(t, err)
				p := st.Facts.Promotion
				if len(p.Between) != many || len(st.Facts.Gaps) != 0 || p.Origin == nil || p.Origin.Change.Number != n || !st.Facts.Listed || len(st.Facts.Texts) != 2 || len(st.Facts.Teams) != 1 || len(st.Facts.People) != 1 || !p.OnBranch {
					t.Fatalf("%s: %d commits between, gaps %v, origin %+v, %d texts, on branch %v", why, len(p.Between), st.Facts.Gaps, p.Origin, len(st.Facts.Texts), p.OnBranch)
				}
				routes := reads(f)
				if t.Logf("%s: %q", why, routes); len(routes) > most {
					t.Errorf("%s: %d reads %q, want at most %d", why, len(routes), routes, most)
				}
			}
			look("the first time", 3)
			look("again", 2)
			_, err = f.Push(pretend.Push{Repo: "acme/shop", By: "olga", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{"later": "l\n"})}}})
			must(t, err)
			must(t, f.Report(pretend.Report{Repo: "acme/shop", Commit: head, Name: "smoke", State: "success", App: "pipeline"}))
			look("after the branch and a status moved on", 2)
			f.ResetCalls()
			_, err = c.Environment(t.Context(), into("production", ""), []string{head}, checks.Promotion{})
			must(t, err)
			if routes := reads(f); !slices.Equal(routes, []string{"Environment"}) {
				t.Errorf("the environment alone: %q", routes)
			}
		})
	}
}

// TestWhatIsRememberedNeverMakesAStalePass changes what may change, and looks whether the next reading tells.
func TestWhatIsRememberedNeverMakesAStalePass(t *testing.T) {
	t.Parallel()
	f, c := pretended(t)
	begin := f.Head("acme/shop", "main")
	n, err := f.Open(pretend.PR{Repo: "acme/shop", By: "ana", Title: "A", Branch: "c", Commits: []pretend.Commit{{Author: &pretend.Signature{Name: "D", Email: "d@example.com"}, Files: pretend.Texts(map[string]string{"c": "c\n"})}}})
	must(t, err)
	head, err := f.Merge("acme/shop", n, "bo", true)
	must(t, err)
	look := func() *gate.Standing {
		t.Helper()
		st, err := c.Environment(t.Context(), into("production", head), nil, checks.Promotion{})
		must(t, err)
		return st
	}
	if p := look().Facts.Promotion; p.Live() != nil || !p.OnBranch || p.Origin.Commits[0].Author.ID != 0 {
		t.Fatalf("promotion %+v", p)
	}
	id, err := f.Deploy(pretend.Deployment{Repo: "acme/shop", Ref: begin})
	must(t, err)
	must(t, f.DeploymentStatus(pretend.DeploymentStatus{Repo: "acme/shop", ID: id, State: "success"}))
	f.Describe("dora", "D", "d@example.com")
	title := "B"
	must(t, f.Edit("acme/shop", n, "ana", pretend.Edit{Title: &title}))
	must(t, f.Label("acme/shop", n, "eve", "hotfix"))
	p := look().Facts.Promotion
	if p.Live() == nil || p.Live().ID != id || len(p.Between) != 1 || p.Origin.Commits[0].Author.Login != "dora" || p.Origin.Change.Title != "B" || len(p.Origin.Change.Labels) != 1 {
		t.Errorf("after all of it changed: %+v, %+v", p, p.Origin)
	}
	_, err = f.Push(pretend.Push{Repo: "acme/shop", Branch: "main", From: begin, Force: true, By: "olga", Commits: []pretend.Commit{{Files: pretend.Texts(map[string]string{"o": "o\n"})}}})
	must(t, err)
	for range 2 {
		if p := look().Facts.Promotion; p.OnBranch {
			t.Error("still on the branch after that was rewritten")
		}
	}
	f.Permit("acme", "deployments", "none")
	st := look()
	if _, gap := st.Facts.Gap("deployments"); !gap || !strings.Contains(st.Cut, "deployments=read") || len(st.Deployments) != 0 {
		t.Errorf("without the permission: cut %q, gaps %v", st.Cut, st.Facts.Gaps)
	}
	if _, gap := st.Facts.Gap("between"); !gap {
		t.Errorf("what is live is not known, and the gaps are %v", st.Facts.Gaps)
	}
}

func TestADeploymentIsSentOnce(t *testing.T) {
	t.Parallel()
	const route = "POST /repos/{owner}/{repo}/deployments"
	for name, fault := range map[string]struct {
		pretend.Fault
		made    int
		refused bool
		cures   bool
	}{
		"502 after it was made":           {pretend.Fault{Status: 502, After: true}, 1, false, false},
		"500 and nothing was made":        {pretend.Fault{Status: 500}, 0, false, false},
		"an answer cut short":             {pretend.Fault{Cut: true}, 1, false, false},
		"a connection broken afterwards":  {pretend.Fault{Reset: true, After: true}, 1, false, false},
		"a connection broken before":      {pretend.Fault{Reset: true}, 0, false, false},
		"408":                             {pretend.Fault{Status: 408, After: true}, 1, false, false},
		"an answer that is too late":      {pretend.Fault{Delay: time.Minute}, 0, false, false},
		"202":                             {pretend.Fault{Status: 202, Body: `{"message":"Auto-merged main into x"}`}, 0, true, false},
		"201 that names none":             {pretend.Fault{Status: 201, Body: `{}`}, 0, false, false},
		"201 of another commit":           {pretend.Fault{Status: 201, Body: `{"id": 7, "sha": "` + strings.Repeat("a", 40) + `"}`}, 0, false, false},
		"a permission that is missing":    {pretend.Fault{Status: 403, Body: `{"message":"Resource not accessible by integration"}`, Header: http.Header{"X-Accepted-Github-Permissions": {"deployments=write"}}}, 0, true, true},
		"404":                             {pretend.Fault{Status: 404}, 0, true, true},
		"409":                             {pretend.Fault{Status: 409}, 0, true, true},
		"422":                             {pretend.Fault{Status: 422}, 0, true, false},
		"the secondary limit":             {pretend.Fault{Second: true}, 0, true, true},
		"a redirect, which is not for it": {pretend.Fault{Status: 307, Header: http.Header{"Location": {"/elsewhere"}}}, 0, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, c := pretended(t)
			s := into("production", f.Head("acme/shop", "main"))
			fault.Route = route
			if fault.Count = -1; fault.Delay > 0 {
				c.opts.Timeout = 50 * time.Millisecond
			}
			f.Fail(fault.Fault)
			id, err := c.Deploy(t.Context(), s, gate.Order{Promotion: "p1"})
			var refused *gate.RefusalError
			if err == nil || id != 0 || errors.As(err, &refused) != fault.refused || fault.refused && refused.Cures != fault.cures {
				t.Errorf("Deploy = %d, %v (%T); want refused %v, cures %v", id, err, err, fault.refused, fault.cures)
			}
			sent := 0
			for _, call := range f.Calls() {
				if call.Route == route {
					sent++
				}
			}
			if made := len(f.Deployments("acme/shop", "")); made != fault.made || sent > 1 {
				t.Errorf("%d deployments after %d calls, want %d after one", made, sent, fault.made)
			}
			f.Heal()
			c.limits(s)
			c.opts.Timeout = time.Minute // the look itself is in no hurry
			if found, err := c.Deployed(t.Context(), s, gate.Order{Promotion: "p1"}); err != nil || len(found) != fault.made {
				t.Errorf("Deployed = %+v, %v; want %d", found, err, fault.made)
			}
		})
	}
}

// limits forgets that GitHub asked for a pause.
func (c *Client) limits(s checks.Subject) {
	for _, in := range c.installations {
		in.limits.until = nil
	}
}

func TestADeploymentLeavesWhatIsNoStatusToTheGate(t *testing.T) {
	t.Parallel()
	f, c := pretended(t)
	s := into("production", f.Head("acme/shop", "main"))
	must(t, f.Report(pretend.Report{Repo: "acme/shop", Commit: s.Commit, Name: "unit", State: "success", App: "pipeline"}))
	must(t, f.Report(pretend.Report{Repo: "acme/shop", Commit: s.Commit, Name: "Build", State: "success", By: "bo"}))
	_, in, err := c.at(t.Context(), s)
	must(t, err)
	repo, _ := splitRepo(s.Repo)
	for want, names := range map[string][]string{`[]`: nil, `[Build]`: {"build", "unit", "nobody's"}, ` []`: {"unit"}} {
		got, err := c.contexts(t.Context(), in, repo, s.Commit, names)
		if err != nil || got == nil || fmt.Sprint(got) != strings.TrimSpace(want) {
			t.Errorf("contexts(%q) = %q, %v; want %s", names, got, err, want)
		}
	}
	f.Fail(pretend.Fault{Route: "graphql", Status: 500, Count: -1})
	var refused *gate.RefusalError
	if _, err := c.Deploy(t.Context(), s, gate.Order{Promotion: "p1", Contexts: []string{"build"}}); !errors.As(err, &refused) || !refused.Cures || len(f.Deployments(s.Repo, "")) != 0 {
		t.Errorf("Deploy = %v; want that nothing was done", err)
	}
}

func TestDeploymentsCountAgainstTheBudget(t *testing.T) {
	t.Parallel()
	f, c := pretended(t)
	c.opts.PerMinute, c.opts.PerHour = 2, 100
	s := into("production", f.Head("acme/shop", "main"))
	for i := range 2 {
		_, err := c.Deploy(t.Context(), s, gate.Order{Promotion: fmt.Sprint("p", i)})
		must(t, err)
	}
	var refused *gate.RefusalError
	var later *gate.RetryError
	if _, err := c.Deploy(t.Context(), s, gate.Order{Promotion: "p3"}); !errors.As(err, &refused) || !errors.As(err, &later) || later.After <= 0 || !refused.Cures {
		t.Errorf("Deploy beyond the limit: %v", err)
	}
	if err := c.Conclude(t.Context(), s, 1, "failure", "x"); !errors.As(err, &later) {
		t.Errorf("Conclude beyond the limit: %v", err)
	}
	if n := len(f.Deployments(s.Repo, "")); n != 2 {
		t.Errorf("%d deployments, want 2", n)
	}
}

// TestAServerThatGivesUpOnALongHistoryIsAskedForLess has GitHub answer nothing but the shorter of the two.
func TestAServerThatGivesUpOnALongHistoryIsAskedForLess(t *testing.T) {
	t.Parallel()
	f, c := pretended(t)
	begin := f.Head("acme/shop", "main")
	_, err := f.Deploy(pretend.Deployment{Repo: "acme/shop"})
	must(t, err)
	must(t, f.DeploymentStatus(pretend.DeploymentStatus{Repo: "acme/shop", State: "success"}))
	n, err := f.Open(pretend.PR{Repo: "acme/shop", By: "ana", Branch: "c", Commits: slices.Repeat([]pretend.Commit{{Files: pretend.Texts(map[string]string{"c": "c\n"})}}, 40)})
	must(t, err)
	head, err := f.Merge("acme/shop", n, "bo", false)
	must(t, err)
	f.Fail(pretend.Fault{Route: "graphql", Count: attempts, Status: 502})
	for range 2 {
		st, err := c.Environment(t.Context(), into("production", head), []string{begin}, checks.Promotion{})
		must(t, err)
		p := st.Facts.Promotion
		if len(p.Between) != 41 || p.Between[0].Commit != head || len(st.Facts.Gaps) != 0 || slices.ContainsFunc(p.Between, func(x checks.Carried) bool { return x.Change != n }) {
			t.Errorf("%d commits between, gaps %v", len(p.Between), st.Facts.Gaps)
		}
	}
	if !c.memory.shallow.Load() {
		t.Error("asked for as much again")
	}
}

func TestPointsOfAPromotion(t *testing.T) {
	t.Parallel()
	f, c := pretended(t)
	head := f.Head("acme/shop", "main")
	for range 2 {
		f.ResetCalls()
		_, err := c.Environment(t.Context(), into("production", head), nil, checks.Promotion{})
		must(t, err)
		for _, call := range f.Calls() {
			if strings.Contains(call.Route, "Environment") && call.Points > 4 {
				t.Errorf("%s costs %d points", call.Route, call.Points)
			}
		}
	}
}

// TestADeploymentJustMadeIsNotMissed has GitHub's list lag behind what was made.
func TestADeploymentJustMadeIsNotMissed(t *testing.T) {
	t.Parallel()
	f, c := pretended(t)
	now := time.Now()
	c.opts.Now = func() time.Time { return now }
	s := into("production", f.Head("acme/shop", "main"))
	id, err := c.Deploy(t.Context(), s, gate.Order{Promotion: "p1"})
	must(t, err)
	if st, err := c.Environment(t.Context(), s, nil, checks.Promotion{}); err != nil || st.Deployments[0].ID != id {
		t.Fatalf("Environment = %+v, %v", st, err)
	}
	c.memory.place(s).deployed(id+1, now) // GitHub's list does not have it yet
	for range 2 {
		if _, err := c.Environment(t.Context(), into("Production", ""), nil, checks.Promotion{}); !errors.Is(err, gate.ErrStale) {
			t.Errorf("a list that is too old: %v", err)
		}
	}
	now = now.Add(3 * time.Minute)
	if _, err := c.Environment(t.Context(), s, nil, checks.Promotion{}); err != nil {
		t.Errorf("it was deleted, and is waited for: %v", err)
	}
}
