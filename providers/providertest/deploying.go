package providertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/pretend"
)

// deploysUnmarked is deploys where a deployment carries no word of ours: what is a promotion's is told by what was there
// before it, and by what is known to be another's.
func (w *world) deploysUnmarked(main string, p gate.Promoter, s checks.Subject) {
	older := w.deployed("production/EU", main, "success")
	order := gate.Order{Promotion: "p1", Attempt: 1, After: older, Within: time.Minute}
	id, err := p.Deploy(w.Context(), s, order)
	w.must(err)
	again, err := p.Deploy(w.Context(), s, order)
	w.must(err)
	made := w.forge.Deployments(repo, "production/EU")
	if len(made) != 2 || made[1].ID != id || again != id || made[1].Commit != main || made[1].Outside {
		w.Fatalf("made %+v, asked twice for %d and %d", made, id, again)
	}
	second, err := p.Deploy(w.Context(), s, gate.Order{Promotion: "p2", After: older, Others: []int64{id}})
	w.must(err)
	if second == id {
		w.Errorf("two promotions have one deployment")
	}
	w.deployed("production/EU", main, "success") // by somebody else
	for promotion, want := range map[string]int64{"p1": id, "p2": second} {
		others := []int64{id + second - want}
		if found, err := p.Deployed(w.Context(), s, gate.Order{Promotion: promotion, After: older, Others: others}); err != nil || len(found) != 1 || found[0].ID != want || !found[0].Ours {
			w.Errorf("Deployed of %s = %+v, %v; want %d", promotion, found, err, want)
		}
	}
	if none, err := p.Deployed(w.Context(), s, gate.Order{Promotion: "p3", After: older, Others: []int64{id, second}}); err != nil || len(none) != 0 {
		w.Errorf("Deployed of another promotion = %+v, %v", none, err)
	}
	w.must(p.Conclude(w.Context(), s, id, "failure", "Verify turned red."))
	w.check("concluded", w.forge.Deployments(repo, "production/EU")[1].State, "failure")
}

func deploys(w *world) {
	if w.Unmarked != "" {
		deploysUnmarked(w)
		return
	}
	main, p := w.forge.Head(repo, "main"), w.promoter()
	w.push("main", "olga", map[string]string{"later": "l\n"}) // a branch's tip is not what is deployed
	s := w.into("production/EU", main)
	if w.Unmarked != "" {
		w.deploysUnmarked(main, p, s)
		return
	}
	w.must(w.forge.Report(pretend.Report{Repo: repo, Commit: main, Name: "build", State: "success", By: "bo"}))
	w.must(w.forge.Report(pretend.Report{Repo: repo, Commit: main, Name: "sluice/gate", State: "pending", By: "bo"}))
	order := gate.Order{Promotion: "p1", Decision: "d1", Attempt: 2, Contexts: []string{"Build", "a check run's name"}, Description: "Promote\n" + strings.Repeat("é", 200), Within: time.Minute}
	id, err := p.Deploy(w.Context(), s, order)
	w.must(err)
	made := w.forge.Deployments(repo, "production/EU")
	if len(made) != 1 || made[0].ID != id || made[0].Commit != main || made[0].Ref != main || made[0].Task != "deploy" || made[0].Outside || made[0].Payload != `{"sluice":{"attempt":2,"decision":"d1","promotion":"p1"}}` {
		w.Fatalf("made %+v", made)
	}
	second, err := p.Deploy(w.Context(), s, gate.Order{Promotion: "p2", Attempt: 1})
	w.must(err)
	third, err := p.Deploy(w.Context(), w.into("staging", main), gate.Order{Promotion: "p1"})
	w.must(err)
	again, err := p.Deploy(w.Context(), s, order)
	w.must(err)
	w.must(w.forge.DeploymentStatus(pretend.DeploymentStatus{Repo: repo, ID: id, State: "success", By: "bo"}))
	w.must(p.Conclude(w.Context(), s, id, "failure", "Verify turned\nred. "+strings.Repeat("x", 300)))
	found, err := p.Deployed(w.Context(), s, gate.Order{Promotion: "p1"})
	w.must(err)
	if len(found) != 2 || found[0].ID != id || found[1].ID != again || !found[0].Ours || found[0].Promotion != "p1" || found[0].State != "failure" || found[0].Live.IsZero() || found[1].State != "pending" {
		w.Errorf("Deployed = %+v; want %d and %d, and neither %d nor %d", found, id, again, second, third)
	}
	if made = w.forge.Deployments(repo, "production/EU"); made[0].State != "failure" {
		w.Errorf("concluded %+v", made[0])
	}
	if none, err := p.Deployed(w.Context(), s, gate.Order{Promotion: "p3"}); err != nil || len(none) != 0 {
		w.Errorf("Deployed of another promotion = %+v, %v", none, err)
	}
}

// deploysUnmarked is deploys where no word of ours stays with a deployment: the order tells whose it can be.
func deploysUnmarked(w *world) {
	main, p := w.forge.Head(repo, "main"), w.promoter()
	w.push("main", "olga", map[string]string{"later": "l\n"}) // a branch's tip is not what is deployed
	s := w.into("production/EU", main)
	first := gate.Order{Promotion: "p1", Attempt: 1, After: -1, Within: time.Minute}
	id, err := p.Deploy(w.Context(), s, first)
	w.must(err)
	made := w.forge.Deployments(repo, "production/EU")
	if len(made) != 1 || made[0].ID != id || made[0].Commit != main || made[0].State != "in_progress" {
		w.Fatalf("made %+v", made)
	}
	again, err := p.Deploy(w.Context(), s, first)
	w.must(err)
	w.check("what was made is not made again", again, id)
	third, err := p.Deploy(w.Context(), w.into("staging", main), gate.Order{Promotion: "p1", After: -1})
	w.must(err)
	w.must(w.forge.DeploymentStatus(pretend.DeploymentStatus{Repo: repo, ID: id, State: "success", By: "bo"}))
	next := gate.Order{Promotion: "p2", Attempt: 2, After: id, Others: []int64{id}}
	second, err := p.Deploy(w.Context(), s, next)
	w.must(err)
	w.deployed("production/EU", main) // somebody else's, of the same commit
	for _, c := range []struct {
		of   string
		o    gate.Order
		want []int64
	}{{"the first", first, []int64{id, second}}, {"the first, beside the second", gate.Order{Promotion: "p1", After: -1, Others: []int64{second}}, []int64{id}},
		{"the second", next, []int64{second}}, {"one that is known", gate.Order{Promotion: "p2", Made: second}, []int64{second}}, {"none yet", gate.Order{Promotion: "p3", After: third + 1000}, nil}} {
		found, err := p.Deployed(w.Context(), s, c.o)
		w.must(err)
		var got []int64
		for _, d := range found {
			if got = append(got, d.ID); !d.Ours || d.Commit != main {
				w.Errorf("%s: found %+v", c.of, d)
			}
		}
		w.check(c.of, got, c.want)
	}
	w.must(p.Conclude(w.Context(), s, second, "failure", "Verify turned\nred. "+strings.Repeat("x", 300)))
	if found, err := p.Deployed(w.Context(), s, next); err != nil || len(found) != 1 || found[0].State != "failure" || !found[0].Live.IsZero() {
		w.Errorf("concluded %+v, %v", found, err)
	}
}

// refused reports an error that is no refusal, and whether it may be otherwise later.
func (w *world) refused(err error, cures bool, words ...string) {
	w.Helper()
	var r *gate.RefusalError
	if !errors.As(err, &r) || r.Cures != cures {
		w.Errorf("got %v, want a refusal that cures: %v", err, cures)
		return
	}
	for _, word := range words {
		if !strings.Contains(r.Why, word) {
			w.Errorf("refused with %q, want %q in it", r.Why, word)
		}
	}
}

func refusals(w *world) {
	main, p := w.forge.Head(repo, "main"), w.promoter()
	s := w.into("production", main)
	w.must(w.forge.Report(pretend.Report{Repo: repo, Commit: main, Name: "build", State: "failure", By: "bo"}))
	_, err := p.Deploy(w.Context(), s, gate.Order{Promotion: "p1", Contexts: []string{"build"}})
	if w.Unmarked == "" {
		w.refused(err, true, "build")
	}
	w.check("deployments", len(w.forge.Deployments(repo, "")), map[bool]int{true: 0, false: 1}[w.Unmarked == ""])
	gone := s
	gone.Commit = strings.Repeat("0", 40)
	_, err = p.Deploy(w.Context(), gone, gate.Order{Promotion: "p2"})
	w.refused(err, false)
	_, err = p.Deploy(w.Context(), s, gate.Order{Promotion: "p3", Within: time.Nanosecond})
	if !errors.Is(err, context.DeadlineExceeded) {
		w.Errorf("after its deadline: %v", err)
	}
	w.check("deployments after all", len(w.forge.Deployments(repo, "")), map[bool]int{true: 0, false: 1}[w.Unmarked == ""])
}

func answersRuns(w *world) {
	p, main := w.promoter(), w.forge.Head(repo, "main")
	w.must(w.forge.Environment(pretend.Environment{Repo: repo, Name: "Production/EU", Rules: []string{"sluice"}}))
	id, err := w.forge.Start(pretend.Workflow{Repo: repo, Environments: []string{"Production/EU"}, By: "ana", Event: "push"})
	w.must(err)
	at := gate.Repo{Forge: w.Name, Name: repo}
	run, err := p.Run(w.Context(), at, id)
	w.must(err)
	if run.ID != id || run.Attempt != 1 || run.Commit != main || run.Event != "push" || run.Actor.Login != "ana" || !run.Actor.Human() || run.URL == "" || run.Over || fmt.Sprint(run.Waits) != "[Production/EU]" {
		w.Errorf("Run = %+v", run)
	}
	s := w.into("production/eu", main)
	w.must(p.Answer(w.Context(), s, id, "", "Waits for a window.\n\n"+strings.Repeat("é", 2000)))
	w.must(p.Answer(w.Context(), s, id, "approved", "All is well."))
	said := w.forge.Jobs(repo)[0].Said
	if w.Unmarked != "" { // why it waits is told elsewhere
		w.check("told", fmt.Sprint(len(said), said[0].State, said[0].Comment), fmt.Sprint(1, "approved", "All is well."))
	} else if len(said) != 2 || said[0].State != "pending" || len([]rune(said[0].Comment)) != 1024 || !strings.HasPrefix(said[0].Comment, "Waits for a window.\n\n") || said[1].State != "approved" || said[1].Comment != "All is well." {
		w.Errorf("the run was told %+v", said)
	}
	w.is(p.Answer(w.Context(), s, id, "rejected", "No."), gate.ErrGone, "an answer to what waits no more")
	w.is(p.Answer(w.Context(), w.into("qa", main), id, "rejected", "No."), gate.ErrGone, "an answer where nothing waits")
	w.is(p.Answer(w.Context(), s, id+999, "rejected", "No."), gate.ErrGone, "an answer to no run")
	if run, err = p.Run(w.Context(), at, id); err != nil || len(run.Waits) != 0 || run.Over {
		w.Errorf("Run = %+v, %v; want it under way", run, err)
	}
	w.must(w.forge.Finish(repo, "Production/EU", "success"))
	if run, err = p.Run(w.Context(), at, id); err != nil || !run.Over {
		w.Errorf("Run = %+v, %v; want it over", run, err)
	}
	_, err = p.Run(w.Context(), at, id+999)
	w.is(err, gate.ErrGone, "a run that is not there")
	many, err := w.forge.Start(pretend.Workflow{Repo: repo, Environments: []string{"Production/EU"}, By: "ana"})
	w.must(err)
	for range 10 {
		w.must(p.Answer(w.Context(), s, many, "", "Waits."))
	}
	if w.Unmarked == "" {
		w.refused(p.Answer(w.Context(), s, many, "", "Waits."), false, "maximum")
	}
	w.must(p.Answer(w.Context(), s, many, "rejected", "Nothing can cure it."))
	jobs := w.forge.Jobs(repo)
	w.check("the job", jobs[len(jobs)-1].Status, "failure")
}

func guarding(w *world) {
	p := w.promoter()
	word := func(exists, ours, bypass bool) string {
		if w.Unmarked != "" { // there approvers are named, and nobody goes by
			bypass = false
		}
		return fmt.Sprintf("exists %v, ours %v, bypass %v", exists, ours, bypass)
	}
	look := func(name string) string {
		w.later()
		g, err := p.Guarded(w.Context(), w.into(name, ""))
		w.must(err)
		return word(g.Exists, g.Ours, g.Bypass)
	}
	around := fmt.Sprint("bypass ", w.NoWayAround == "")
	w.check("nowhere", look("production/EU"), "exists false, ours false, bypass false")
	w.must(w.forge.Environment(pretend.Environment{Repo: repo, Name: "Production/EU", Rules: []string{"sluice", "other"}}))
	w.check("guarded", look("production/EU"), "exists true, ours true, "+around)
	w.must(w.forge.Environment(pretend.Environment{Repo: repo, Name: "Production/EU", Rules: []string{"sluice"}, NoBypass: true}))
	w.check("without a way around", look("Production/EU"), word(true, true, false))
	w.must(w.forge.Environment(pretend.Environment{Repo: repo, Name: "Production/EU", Rules: []string{"other"}}))
	w.check("guarded by another App", look("Production/EU"), "exists true, ours false, "+around)
	w.must(w.forge.Unprotect(repo, "Production/EU"))
	w.check("not guarded any more", look("Production/EU"), "exists true, ours false, "+around)
}

func resolves(w *world) {
	p, at := w.promoter(), gate.Repo{Forge: w.Name, Name: repo}
	n := w.open(pretend.PR{Branch: "feature/x", Commits: write(map[string]string{"c": "c\n"})})
	tip := w.forge.Head(repo, "feature/x")
	merge, err := w.forge.Merge(repo, n, "bo", false)
	w.must(err)
	_, err = w.forge.Tag(pretend.Tag{Repo: repo, Name: "v1.0.0", At: merge, Message: "First"})
	w.must(err)
	direct := w.push("main", "olga", map[string]string{"d": "d\n"})
	_, err = w.forge.Push(pretend.Push{Repo: repo, Branch: "both", From: merge, By: "ana"})
	w.must(err)
	_, err = w.forge.Tag(pretend.Tag{Repo: repo, Name: "both", At: direct})
	w.must(err)
	for ref, want := range map[string]string{
		"main": fmt.Sprint(direct, " ", 0), "refs/heads/main": fmt.Sprint(direct, " ", 0), "v1.0.0": fmt.Sprint(merge, " ", n), "refs/tags/v1.0.0": fmt.Sprint(merge, " ", n),
		"feature/x": fmt.Sprint(tip, " ", n), merge: fmt.Sprint(merge, " ", n), merge[:12]: fmt.Sprint(merge, " ", n), strings.ToUpper(merge[:12]): fmt.Sprint(merge, " ", n),
		"refs/heads/both": fmt.Sprint(merge, " ", n), "refs/tags/both": fmt.Sprint(direct, " ", 0),
	} {
		commit, change, err := p.Resolve(w.Context(), at, ref)
		if got := fmt.Sprint(commit, " ", change); err != nil || got != want {
			w.Errorf("Resolve(%q) = %q, %v; want %q", ref, got, err, want)
		}
	}
	for _, ref := range []string{"", "nowhere", "both", "main~1", "HEAD", "main..v1.0.0", ":/First", "v1.0.0^{}", "refs/pull/1/head", merge[:4], "0000000", strings.Repeat("0", 40), "a b", "main\n", "\u202emain"} {
		commit, _, err := p.Resolve(w.Context(), at, ref)
		var no *gate.RefusalError
		if !errors.As(err, &no) || commit != "" {
			w.Errorf("Resolve(%q) = %q, %v; want it refused", ref, commit, err)
		}
	}
}
