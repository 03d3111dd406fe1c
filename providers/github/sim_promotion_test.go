package github

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// TestSimAPromotionFromTheMergeToItsRollback holds every call of gate.Promoter to GitHub's published description.
func TestSimAPromotionFromTheMergeToItsRollback(t *testing.T) {
	t.Parallel()
	s := startSim(t)
	c := s.client(Options{})
	c.askPromotion = func(_ *policy.Set, f *checks.Facts) *checks.Wants {
		w := &checks.Wants{}
		w.WantPaths(f, func(string) bool { return true })
		w.WantText(f, checks.Head, "CHANGELOG.md")
		w.WantTeam(f, "acme/release")
		return w
	}
	place := func(commit string) checks.Subject {
		x := into("production", commit)
		x.Installation = 99
		return x
	}
	at := gate.Repo{Forge: "github", Name: "acme/shop", Installation: 99}
	look := func(commit string, watched ...string) *gate.Standing {
		t.Helper()
		st, err := c.Environment(t.Context(), place(commit), watched, checks.Promotion{How: checks.ByCommand})
		must(t, err)
		return st
	}
	begin, _, err := c.Resolve(t.Context(), at, "main")
	must(t, err)

	// Deploy and Deployed.
	first, err := c.Deploy(t.Context(), place(begin), gate.Order{Promotion: "p0", Decision: "d0", Attempt: 1, Description: "First"})
	must(t, err)
	s.shop(fmt.Sprintf("/deployments/%d/statuses", first), obj{"user": "alice", "state": "in_progress"})
	s.shop(fmt.Sprintf("/deployments/%d/statuses", first), obj{"user": "alice", "state": "success", "log_url": "https://ci.example.com/1"})
	s.shop("/deployments", obj{"ref": "main", "environment": "Production", "user": "bob", "payload": obj{"sluice": obj{"promotion": "p0"}}})
	found, err := c.Deployed(t.Context(), place(begin), gate.Order{Promotion: "p0"})
	if err != nil || len(found) != 1 || found[0].ID != first || found[0].State != "success" || found[0].Live.IsZero() {
		t.Errorf("Deployed = %+v, %v; want %d", found, err, first)
	}

	// A change is merged, and its commit is read as a promotion.
	n, _ := s.pull(obj{"user": "bob", "title": "Mend the till", "head": "hotfix/till", "commits": []obj{
		{"message": "Mend\n\nCo-authored-by: Carol <carol@example.com>", "author": "bob", "files": obj{"src/till.go": "package main\n"}}, {"message": "Mend more", "author": "alice", "files": obj{"src/till.go": "package main\n\n"}}}})
	s.shop(fmt.Sprintf("/pulls/%d/labels", n), obj{"user": "alice", "add": []string{"hotfix"}})
	s.shop(fmt.Sprintf("/pulls/%d/merge", n), obj{"user": "alice", "method": "merge", "force": true})
	merge, change, err := c.Resolve(t.Context(), at, "main")
	if err != nil || change != n || merge == begin {
		t.Fatalf("Resolve(main) = %s, %d, %v; want the merge of %d", merge, change, err, n)
	}
	if commit, _, err := c.Resolve(t.Context(), at, merge[:9]); err != nil || commit != merge {
		t.Errorf("Resolve(%s) = %s, %v", merge[:9], commit, err)
	}
	if commit, _, err := c.Resolve(t.Context(), at, "v1.0.0"); err != nil || commit != begin {
		t.Errorf("Resolve(v1.0.0) = %s, %v; want it peeled", commit, err)
	}
	s.shop("/statuses", obj{"sha": merge, "context": "build", "state": "success", "user": "alice"})
	st := look(merge, begin)
	f := st.Facts
	p := f.Promotion
	if len(st.Deployments) != 2 || st.Deployments[0].Ours || st.Deployments[1].ID != first || !st.Deployments[1].Ours || st.Deployments[1].Promotion != "p0" || st.Deployments[1].URL != "https://ci.example.com/1" || p.Live() == nil || p.Live().ID != first {
		t.Errorf("deployments %+v", st.Deployments)
	}
	if len(f.Gaps) != 0 || len(p.Between) != 3 || p.Between[0].Commit != merge || len(p.Lacks) != 0 || !p.OnBranch || !f.Listed || len(f.Teams["acme/release"].Members) != 1 || len(f.Tags) != 2 || len(f.Sources) != 2 {
		t.Errorf("gaps %v, promotion %+v", f.Gaps, p)
	}
	for _, x := range p.Between {
		if x.Change != n {
			t.Errorf("%s was brought by %d, want %d", x.Title, x.Change, n)
		}
	}
	o := p.Origin
	if o == nil || o.Change.Number != n || o.Change.Author.Login != "bob" || o.Change.MergedBy.Login != "alice" || o.Change.MergeCommit != merge || len(o.Change.Labels) != 1 || o.Change.Labels[0].By == nil || o.Change.Labels[0].By.Login != "alice" ||
		len(o.Files) != 1 || len(o.Commits) != 2 || len(o.Commits[0].CoAuthors) != 1 || o.Commits[0].CoAuthors[0].Login != "carol" || len(o.Gaps) != 0 {
		t.Errorf("origin %+v", o)
	}
	i := 0
	for i < len(f.Statuses) && f.Statuses[i].Name != "build" {
		i++
	}
	if i == len(f.Statuses) || f.Statuses[i].State != "success" || f.Statuses[i].At.IsZero() || f.Statuses[i].Ours {
		t.Errorf("statuses %+v", f.Statuses)
	}
	s.calls()
	look(merge)
	expectCalls(t, s, "judged again", "graphql:Environment")

	// A fix that is live on another branch is missed, and known again once it was picked.
	s.shop("/branches", obj{"name": "fix", "from": begin})
	s.shop("/commits", obj{"branch": "fix", "user": "bob", "message": "Guard the till", "files": obj{"README.md": "# shop\nguarded\n"}})
	hot, _, err := c.Resolve(t.Context(), at, "fix")
	must(t, err)
	id, err := c.Deploy(t.Context(), place(hot), gate.Order{Promotion: "p1", Attempt: 1, Contexts: []string{"build"}, Within: time.Minute})
	must(t, err)
	s.shop(fmt.Sprintf("/deployments/%d/statuses", id), obj{"user": "alice", "state": "success"})
	p = look(merge).Facts.Promotion
	if len(p.Lacks) != 1 || p.Lacks[0].Commit != hot || p.Lacks[0].Patch == "" {
		t.Errorf("lacks %+v", p.Lacks)
	}
	s.shop("/commits", obj{"branch": "main", "user": "bob", "message": "Guard the till, again", "files": obj{"README.md": "# shop\nguarded\n"}})
	picked, _, err := c.Resolve(t.Context(), at, "main")
	must(t, err)
	p = look(picked).Facts.Promotion
	if len(p.Lacks) != 1 || len(p.Between) != 4 || p.Between[0].Commit != picked || p.Between[0].Patch != p.Lacks[0].Patch || p.Between[0].Change != 0 {
		t.Errorf("lacks %+v, between %+v", p.Lacks, p.Between)
	}
	must(t, c.Conclude(t.Context(), place(hot), id, "failure", "Verify turned red."))
	if d := look("").Deployments[0]; d.ID != id || d.State != "failure" || d.Live.IsZero() || d.StateBy.Login != "sluice[bot]" {
		t.Errorf("concluded %+v", d)
	}

	// What GitHub refuses.
	s.shop("/statuses", obj{"sha": picked, "context": "build", "state": "pending", "user": "alice"})
	var refused *gate.RefusalError
	if _, err := c.Deploy(t.Context(), place(picked), gate.Order{Promotion: "p2", Contexts: []string{"build"}}); !errors.As(err, &refused) || !refused.Cures || !strings.Contains(refused.Why, "build is pending") {
		t.Errorf("Deploy with a context that is not green: %v", err)
	}
	if _, err := c.Deploy(t.Context(), place(strings.Repeat("0", 40)), gate.Order{Promotion: "p2"}); !errors.As(err, &refused) || refused.Cures {
		t.Errorf("Deploy of no commit: %v", err)
	}
	s.guards(c, place(picked), at)
}

// guards drives a workflow that waits at the environment.
func (s *sim) guards(c *Client, place checks.Subject, at gate.Repo) {
	t := s.t.(*testing.T)
	t.Helper()
	place.Environment = "production/eu"
	guarded := func(want gate.Guarding) {
		t.Helper()
		g, err := c.Guarded(t.Context(), place)
		if err != nil || *g != want {
			t.Errorf("Guarded = %+v, %v; want %+v", g, err, want)
		}
	}
	guarded(gate.Guarding{})
	s.do("PUT", "/repos/acme/shop/environments/Production%2FEU", obj{"custom_rules": []string{"sluice"}})
	guarded(gate.Guarding{Exists: true, Ours: true, Bypass: true})
	started := s.shop("/workflow_runs", obj{"environment": "Production/EU", "user": "alice"})
	id := int64(started["id"].(float64))
	run, err := c.Run(t.Context(), at, id)
	if err != nil || run.ID != id || run.Commit != place.Commit || run.Attempt != 1 || run.Event != "push" || run.Actor.Login != "alice" || !run.Actor.Human() || run.Over || fmt.Sprint(run.Waits) != "[Production/EU]" {
		t.Errorf("Run = %+v, %v", run, err)
	}
	must(t, c.Answer(t.Context(), place, id, "", "Waits for a window."))
	must(t, c.Answer(t.Context(), place, id, "approved", "All is well."))
	if err := c.Answer(t.Context(), place, id, "rejected", "No."); !errors.Is(err, gate.ErrGone) {
		t.Errorf("Answer to what waits no more: %v", err)
	}
	if err := c.Answer(t.Context(), place, id+999, "rejected", "No."); !errors.Is(err, gate.ErrGone) {
		t.Errorf("Answer to no run: %v", err)
	}
	s.shop(fmt.Sprintf("/workflow_runs/%d/finish", id), obj{"conclusion": "success"})
	if run, err = c.Run(t.Context(), at, id); err != nil || !run.Over || len(run.Waits) != 0 {
		t.Errorf("Run = %+v, %v; want it over", run, err)
	}
	st, err := c.Environment(t.Context(), place, nil, checks.Promotion{})
	if err != nil || len(st.Deployments) != 1 || !st.Deployments[0].Workflow || st.Deployments[0].Ours || st.Deployments[0].Live.IsZero() {
		t.Errorf("the environment in another case: %+v, %v", st, err)
	}
}
