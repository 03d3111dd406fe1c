package gitlab

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

const promotionScenario = `{
  "settings": {"license": "premium"},
  "users": [{"username":"root","admin":true},{"username":"alice","email":"alice@example.com","public_email":"alice@example.com"},{"username":"bob"},{"username":"carol"}],
  "groups": [{"path":"acme","members":{"alice":"maintainer","bob":"maintainer","carol":"maintainer"}},{"path":"platform","parent":"acme"}],
  "projects": [{"path_with_namespace":"acme/platform/shop","creator":"alice",
    "files":{"README.md":"# shop\n",".sluice.yml":"version: 1\nenvironments: {production: {statuses: [build], lineage: enforce, changes: enforce}}\n"},
    "pipeline_jobs":[{"name":"build","status":"success"},{"name":"deploy-production","stage":"deploy","environment":"production","when":"manual"}]}],
  "tokens": [{"user":"root","token":"tok-root","scopes":["api"]},{"project":"acme/platform/shop","token":"tok-bot","access_level":"maintainer","scopes":["api"]}]
}`

func into(environment, commit string) checks.Subject {
	s := checks.Subject{Forge: "gitlab", Repo: simRepo, Kind: checks.KindEnvironment, Environment: environment, Commit: commit}
	if commit != "" {
		s.Kind = checks.KindPromotion
	}
	return s
}

func (s *sim) tip(branch string) string {
	s.t.Helper()
	return s.as("root", "GET", "/repository/branches/"+branch, nil)["commit"].(obj)["id"].(string)
}

func (s *sim) push(files obj) string {
	s.t.Helper()
	s.shop("/commits", obj{"user": "alice", "message": "By hand", "files": files})
	return s.tip("main")
}

// deploy makes a deployment as somebody does through the interface.
func (s *sim) deploy(who, environment, commit, status string) int64 {
	s.t.Helper()
	d := s.as(who, "POST", "/deployments", obj{"environment": environment, "sha": commit, "ref": "main", "tag": false, "status": status})
	return int64(d["id"].(float64))
}

func standingOf(t *testing.T, c *Client, environment, commit string, watched ...string) *gate.Standing {
	t.Helper()
	st, err := c.Environment(t.Context(), into(environment, commit), watched, checks.Promotion{How: checks.ByCommand})
	if err != nil {
		t.Fatalf("Environment(%s, %.8s): %v", environment, commit, err)
	}
	return st
}

// lose has the next write have its effect and its answer get lost.
func (s *sim) lose(method, path string) {
	s.t.Helper()
	s.do("POST", "/faults", obj{"status": 502, "method": method, "path": path, "count": 1, "after_effect": true})
}

func ids(list []checks.Deployment) (all []int64) {
	for _, d := range list {
		all = append(all, d.ID)
	}
	return all
}

// Whatever breaks off between the call and its answer, what was made is found, once, and is nobody else's.
func TestSimADeploymentIsMadeOnce(t *testing.T) {
	t.Parallel()
	s := startSimAs(t, promotionScenario)
	c, main := s.client(Options{}), s.tip("main")
	st := standingOf(t, c, "production", main)
	if len(st.Deployments) != 0 || st.Cut != "" || st.Unread != "" || st.Branch != "main" || !st.Facts.Promotion.OnBranch || len(st.Facts.Gaps) != 0 {
		t.Fatalf("before anything: %+v, facts %+v", st, st.Facts)
	}
	first := gate.Order{Promotion: "p1", After: -1, Within: time.Minute}
	s.lose("POST", "/deployments$")
	_, err := c.Deploy(t.Context(), into("production", main), first)
	var refused *gate.RefusalError
	if err == nil || errors.As(err, &refused) {
		t.Fatalf("after a lost answer: %v; want an error that leaves open whether it was made", err)
	}
	s.deploy("alice", "production", main, "running") // somebody else, of the same commit at the same moment
	found, err := c.Deployed(t.Context(), into("production", main), first)
	if err != nil || len(found) != 1 || !found[0].Ours || found[0].State != "in_progress" || found[0].Commit != main || found[0].Workflow {
		t.Fatalf("Deployed = %+v, %v; want the one that was made", found, err)
	}
	mine := found[0].ID
	if again, err := c.Deploy(t.Context(), into("production", main), first); err != nil || again != mine {
		t.Errorf("Deploy again = %d, %v; want %d and no second one", again, err, mine)
	}
	s.as("alice", "PUT", fmt.Sprintf("/deployments/%d", mine), obj{"status": "success"})
	st = standingOf(t, c, "production", "")
	if d := st.Deployments[1]; len(st.Deployments) != 2 || d.ID != mine || !d.Ours || d.Live.IsZero() || d.State != "success" || d.URL == "" || st.Deployments[0].Ours || st.Deployments[0].Creator.Login != "alice" {
		t.Errorf("told %+v", st.Deployments)
	}
	second := gate.Order{Promotion: "p2", After: st.Deployments[0].ID, Others: []int64{mine}, Within: time.Minute}
	if found, err := c.Deployed(t.Context(), into("production", main), second); err != nil || len(found) != 0 {
		t.Errorf("Deployed for the next promotion of the commit = %v, %v", ids(found), err)
	}
	next, err := c.Deploy(t.Context(), into("production", main), second)
	if err != nil || next <= mine {
		t.Fatalf("Deploy = %d, %v", next, err)
	}
	second.Made = next
	for name, o := range map[string]gate.Order{"what is known": second, "what it can be": {Promotion: "p2", After: second.After, Others: second.Others}, "without its promotion's mark": {Promotion: "p2", After: -1, Others: second.Others}} {
		if found, err := c.Deployed(t.Context(), into("production", main), o); err != nil || !slices.Equal(ids(found), []int64{next}) {
			t.Errorf("Deployed by %s = %v, %v; want %d", name, ids(found), err, next)
		}
	}
	if err := c.Conclude(t.Context(), into("production", main), next, "error", "Cancelled"); err != nil {
		t.Error(err)
	}
	if err := c.Conclude(t.Context(), into("production", main), next, "error", "Cancelled"); err != nil {
		t.Errorf("said twice: %v", err)
	}
	if d := standingOf(t, c, "production", "").Deployments[0]; d.ID != next || d.State != "error" {
		t.Errorf("concluded: %+v", d)
	}
	_, err = c.Deploy(t.Context(), into("production", strings.Repeat("0", 40)), gate.Order{Promotion: "p3", Within: time.Minute})
	if !errors.As(err, &refused) || refused.Cures || !strings.Contains(refused.Why, "does not exist") {
		t.Errorf("of no commit: %v", err)
	}
}

// GitLab takes Production and production for two environments, and people for one.
func TestSimSpellings(t *testing.T) {
	t.Parallel()
	s := startSimAs(t, promotionScenario)
	c, main := s.client(Options{}), s.tip("main")
	s.deploy("alice", "production", main, "success")
	id, err := c.Deploy(t.Context(), into("Production", main), gate.Order{Promotion: "p1", Within: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"production", "Production", "PRODUCTION"} {
		if st := standingOf(t, c, name, ""); len(st.Deployments) != 2 || st.Deployments[0].ID != id || st.Deployments[1].Live.IsZero() {
			t.Errorf("%s: %+v", name, st.Deployments)
		}
	}
	if places := s.as("root", "GET", "/environments?per_page=100", nil); len(places) > 1 {
		t.Errorf("environments: %v", places)
	}
}

// run starts a pipeline of the default branch as somebody, and returns the deployment and the job that wait in it.
func (s *sim) run(who string) (deployment, job int64) {
	s.t.Helper()
	s.as(who, "POST", "/pipeline", obj{"ref": "main"})
	list := s.do("GET", "/projects/acme%2Fplatform%2Fshop", nil)["deployments"].([]any)
	deployment = int64(list[len(list)-1].(obj)["id"].(float64))
	job = int64(s.as("root", "GET", fmt.Sprintf("/deployments/%d", deployment), nil)["deployable"].(obj)["id"].(float64))
	return deployment, job
}

func (s *sim) job(id int64, status string) {
	s.t.Helper()
	s.shop(fmt.Sprintf("/jobs/%d", id), obj{"status": status})
}

func refusal(t *testing.T, err error, cures bool, words ...string) {
	t.Helper()
	var r *gate.RefusalError
	if !errors.As(err, &r) || r.Cures != cures {
		t.Errorf("got %v, want a refusal that cures: %v", err, cures)
		return
	}
	for _, w := range words {
		if !strings.Contains(r.Why, w) {
			t.Errorf("refused with %q, want %q in it", r.Why, w)
		}
	}
}

// The job that the policy names is played once, found again, and run anew for a second promotion or a rollback.
func TestSimAJobIsPlayed(t *testing.T) {
	t.Parallel()
	s := startSimAs(t, promotionScenario)
	c, main := s.client(Options{}), s.tip("main")
	at, o := into("production", main), gate.Order{Promotion: "p1", Job: "deploy-production", After: -1, Within: time.Minute}
	_, err := c.Deploy(t.Context(), at, o)
	refusal(t, err, true, "no pipeline of main ran")
	d, job := s.run("alice")
	st := standingOf(t, c, "production", main)
	if x := st.Deployments[0]; x.ID != d || x.State != "waiting" || x.Ran() || x.Ours || !x.Workflow || len(st.Waiting) != 0 {
		t.Fatalf("a job that waits for somebody to start it: %+v, waiting %v", x, st.Waiting)
	}
	o.After, o.Idle = d, []int64{d}
	wrong := o
	wrong.Job = "Deploy-Production"
	_, err = c.Deploy(t.Context(), at, wrong)
	refusal(t, err, false, "has no job “Deploy-Production” (it has “deploy-production”)")
	wrong.Job = "build"
	_, err = c.Deploy(t.Context(), at, wrong)
	refusal(t, err, false, "does not deploy to production")
	s.lose("POST", "/play$")
	if _, err := c.Deploy(t.Context(), at, o); err == nil || errors.As(err, new(*gate.RefusalError)) {
		t.Fatalf("after a lost answer: %v", err)
	}
	found, err := c.Deployed(t.Context(), at, o)
	if err != nil || !slices.Equal(ids(found), []int64{d}) || !found[0].Ours {
		t.Fatalf("Deployed = %+v, %v; want %d", found, err, d)
	}
	if again, err := c.Deploy(t.Context(), at, o); err != nil || again != d {
		t.Errorf("Deploy again = %d, %v; want %d", again, err, d)
	}
	second := gate.Order{Promotion: "p2", Job: o.Job, After: d, Others: []int64{d}, Within: time.Minute}
	_, err = c.Deploy(t.Context(), at, second)
	refusal(t, err, true, "has to end first")
	s.job(job, "success")
	if x := standingOf(t, c, "production", "").Deployments[0]; x.Live.IsZero() || !x.Ran() || !strings.Contains(x.URL, "/-/jobs/") {
		t.Errorf("once it has run: %+v", x)
	}
	next, err := c.Deploy(t.Context(), at, second)
	if err != nil || next <= d {
		t.Fatalf("run anew: %d, %v", next, err)
	}
	if found, err := c.Deployed(t.Context(), at, second); err != nil || !slices.Equal(ids(found), []int64{next}) {
		t.Errorf("Deployed = %v, %v; want %d", ids(found), err, next)
	}
	if err := c.Conclude(t.Context(), at, next, "error", "Cancelled"); err != nil {
		t.Error(err)
	}
	if x := standingOf(t, c, "production", "").Deployments[0]; x.State != "error" {
		t.Errorf("cancelled: %+v", x)
	}
	theirs, job := s.run("alice")
	s.as("bob", "POST", fmt.Sprintf("/jobs/%d/play", job), obj{})
	third := gate.Order{Promotion: "p3", Job: o.Job, After: next, Others: []int64{d, next}, Idle: []int64{theirs}, Within: time.Minute}
	if found, err := c.Deployed(t.Context(), at, third); err != nil || len(found) != 0 {
		t.Errorf("what somebody else played is taken for ours: %v, %v", ids(found), err)
	}
	_, err = c.Deploy(t.Context(), at, third)
	refusal(t, err, true, "set going by bob")
}

func (s *sim) protect(rules ...obj) {
	s.t.Helper()
	s.as("root", "POST", "/protected_environments", obj{"name": "production", "deploy_access_levels": []obj{{"access_level": 40}}, "approval_rules": rules})
}

func (s *sim) bot() int64 {
	s.t.Helper()
	c := s.client(Options{})
	me, err := c.ways[0].myself(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return int64(me.ID)
}

// A deployment that is held until it is approved is a run that waits: it is let through, turned away, or left to others.
func TestSimBlockedDeployments(t *testing.T) {
	t.Parallel()
	for _, after := range []string{"created", "blocked"} {
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			s := startSimAs(t, promotionScenario)
			s.do("POST", "/settings", obj{"status_after_approval": after})
			bot, main := s.bot(), s.tip("main")
			c := s.client(Options{})
			if g, err := c.Guarded(t.Context(), into("production", "")); err != nil || g.Exists || g.Ours {
				t.Errorf("Guarded = %+v, %v; want nothing there", g, err)
			}
			s.protect(obj{"user_id": bot, "required_approvals": 1})
			d, job := s.run("alice")
			c = s.client(Options{})
			if g, err := c.Guarded(t.Context(), into("Production", "")); err != nil || !g.Exists || !g.Ours || g.Bypass {
				t.Errorf("Guarded = %+v, %v; want it to wait for us alone", g, err)
			}
			if st := standingOf(t, c, "production", ""); !slices.Equal(st.Waiting, []int64{d}) {
				t.Fatalf("waiting %v, want %d", st.Waiting, d)
			}
			at := gate.Repo{Forge: "gitlab", Name: simRepo}
			run, err := c.Run(t.Context(), at, d)
			if err != nil || !slices.Equal(run.Waits, []string{"production"}) || run.Over || run.Commit != main || run.Actor.Login != "alice" || !run.Actor.Human() || run.Event != "api" || run.URL == "" || run.Attempt != 1 {
				t.Fatalf("Run = %+v, %v", run, err)
			}
			s.calls()
			if err := c.Answer(t.Context(), into("production", main), d, "", "Waits for a window."); err != nil || len(s.calls()) != 0 {
				t.Errorf("a report: %v; want nothing asked", err)
			}
			s.lose("POST", "/approval$")
			if err := c.Answer(t.Context(), into("production", main), d, "approved", "All is well."); err == nil {
				t.Fatal("an answer that was lost is no error")
			}
			if run, err = c.Run(t.Context(), at, d); err != nil || !slices.Equal(run.Waits, []string{"production"}) {
				t.Fatalf("approved and not played: %+v, %v; want it to wait still", run, err)
			}
			if err := c.Answer(t.Context(), into("production", main), d, "approved", "All is well."); err != nil {
				t.Fatal(err)
			}
			if run, err = c.Run(t.Context(), at, d); err != nil || len(run.Waits) != 0 || run.Over {
				t.Errorf("let through: %+v, %v", run, err)
			}
			if err := c.Answer(t.Context(), into("production", main), d, "approved", ""); !errors.Is(err, gate.ErrGone) {
				t.Errorf("once more: %v, want that it waits no more", err)
			}
			s.job(job, "success")
			if x := standingOf(t, c, "production", "").Deployments[0]; x.Run != d || x.Live.IsZero() || !x.Ran() {
				t.Errorf("live: %+v", x)
			}
			second, _ := s.run("alice")
			if err := c.Answer(t.Context(), into("production", main), second, "rejected", "No: "+strings.Repeat("é", 400)); err != nil {
				t.Fatal(err)
			}
			if run, err = c.Run(t.Context(), at, second); err != nil || !run.Over {
				t.Errorf("rejected: %+v, %v", run, err)
			}
			if err := c.Answer(t.Context(), into("production", main), second+99, "rejected", "No."); !errors.Is(err, gate.ErrGone) {
				t.Errorf("of no deployment: %v", err)
			}
		})
	}
}

func TestSimWhoseApprovalIsMissing(t *testing.T) {
	t.Parallel()
	s := startSimAs(t, promotionScenario)
	bot, main := s.bot(), s.tip("main")
	s.protect(obj{"user_id": bot, "required_approvals": 1}, obj{"access_level": 40, "required_approvals": 1})
	d, _ := s.run("alice")
	c := s.client(Options{})
	if g, err := c.Guarded(t.Context(), into("production", "")); err != nil || !g.Ours || g.Bypass {
		t.Errorf("Guarded = %+v, %v", g, err)
	}
	refusal(t, c.Answer(t.Context(), into("production", main), d, "approved", ""), true, "1 more approval(s) of other people")
	s.as("carol", "POST", fmt.Sprintf("/deployments/%d/approval", d), obj{"status": "approved"})
	if err := c.Answer(t.Context(), into("production", main), d, "approved", ""); err != nil {
		t.Errorf("once the others have approved: %v", err)
	}
	own, _ := s.run("alice")
	var started obj
	if _, err := c.ways[0].send(t.Context(), "POST", at(simRepo, "pipeline"), nil, obj{"ref": "main"}, &started); err != nil {
		t.Fatal(err)
	}
	ours := own + 1
	s.as("carol", "POST", fmt.Sprintf("/deployments/%d/approval", ours), obj{"status": "approved"})
	refusal(t, c.Answer(t.Context(), into("production", main), ours, "approved", ""), true, "started by the account of Sluice's own token")

	t.Run("nobody asks us", func(t *testing.T) {
		t.Parallel()
		s := startSimAs(t, promotionScenario)
		main := s.tip("main")
		s.protect(obj{"user_id": s.bot() - 1, "required_approvals": 1})
		d, _ := s.run("alice")
		c := s.client(Options{})
		st := standingOf(t, c, "production", main)
		run, err := c.Run(t.Context(), gate.Repo{Name: simRepo}, d)
		if err != nil || len(run.Waits) != 0 || len(st.Waiting) != 0 {
			t.Errorf("waits %v, waiting %v, %v; want it to wait for somebody else", run.Waits, st.Waiting, err)
		}
		if g, err := c.Guarded(t.Context(), into("production", "")); err != nil || !g.Exists || g.Ours {
			t.Errorf("Guarded = %+v, %v", g, err)
		}
	})
	t.Run("the job that the policy names", func(t *testing.T) {
		t.Parallel()
		s := startSimAs(t, promotionScenario)
		main := s.tip("main")
		s.protect(obj{"user_id": s.bot(), "required_approvals": 1})
		d, _ := s.run("alice")
		id, err := s.client(Options{}).Deploy(t.Context(), into("production", main), gate.Order{Promotion: "p1", Job: "deploy-production", After: d, Idle: []int64{d}, Within: time.Minute})
		if err != nil || id != d {
			t.Errorf("Deploy = %d, %v; want %d approved and played", id, err, d)
		}
	})
	t.Run("a deployment of the API that is held", func(t *testing.T) {
		t.Parallel()
		s := startSimAs(t, promotionScenario)
		s.do("POST", "/settings", obj{"block_api_deployments": true})
		main := s.tip("main")
		s.protect(obj{"access_level": 40, "required_approvals": 1})
		c := s.client(Options{})
		id, err := c.Deploy(t.Context(), into("production", main), gate.Order{Promotion: "p1", After: -1, Within: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if x := standingOf(t, c, "production", "").Deployments[0]; x.ID != id || !x.Live.IsZero() || x.State != "waiting" {
			t.Errorf("held: %+v", x)
		}
	})
}

// What GitLab calls frozen at an instant, the stretches that are told hold just then.
func TestSimFreezes(t *testing.T) {
	t.Parallel()
	s := startSimAs(t, promotionScenario)
	for _, f := range []obj{{"freeze_start": "0 18 * * fri", "freeze_end": "0 8 * * mon", "cron_timezone": "Europe/Berlin"}, {"freeze_start": "30 2 29 3 *", "freeze_end": "15 3 31 3 *", "cron_timezone": "Europe/Berlin"}} {
		s.as("alice", "POST", "/freeze_periods", f)
	}
	for _, now := range []string{"2026-03-27T16:59:00Z", "2026-03-27T17:00:00Z", "2026-03-28T12:00:00Z", "2026-03-30T05:59:00Z", "2026-03-30T06:00:00Z", "2026-03-31T01:14:00Z", "2026-03-31T01:15:00Z", "2026-04-02T10:00:00Z", "2026-10-26T06:59:00Z", "2026-10-26T07:00:00Z"} {
		s.do("POST", "/clock", obj{"fixed": now})
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		c := s.client(Options{Now: func() time.Time { return at }})
		st := standingOf(t, c, "production", "")
		frozen := slices.ContainsFunc(st.Frozen, func(z checks.Frozen) bool { return !z.From.After(at) && at.Before(z.To) })
		if want := s.do("GET", "/projects/acme%2Fplatform%2Fshop/freeze", nil)["frozen"]; frozen != want || st.Thawing != "" {
			t.Errorf("at %s: frozen %v by %+v (%s), GitLab says %v", now, frozen, st.Frozen[:2], st.Thawing, want)
		}
	}
}

// change opens and merges a merge request with commits of these titles.
func (s *sim) change(branch string, how obj, titles ...string) (int, string) {
	s.t.Helper()
	for _, title := range titles {
		s.shop("/commits", obj{"branch": branch, "user": "alice", "message": title, "files": obj{title: title + "\n"}})
	}
	mr := s.shop("/merge_requests", obj{"source_branch": branch, "title": "All of " + branch, "author": "alice"})
	n := int(mr["iid"].(float64))
	body := obj{"user": "bob"}
	for k, v := range how {
		body[k] = v
	}
	s.act(n, "merge", body)
	return n, s.tip("main")
}

func carriedWords(list []checks.Carried) (told []string) {
	for _, c := range list {
		told = append(told, fmt.Sprintf("%s !%d", c.Title, c.Change))
	}
	slices.Sort(told)
	return told
}

func TestSimWhatAPromotionBrings(t *testing.T) {
	t.Parallel()
	s := startSimAs(t, promotionScenario)
	c := s.client(Options{})
	begin := s.tip("main")
	s.deploy("alice", "production", begin, "success")
	one, _ := s.change("one", nil, "a", "b")
	two, _ := s.change("two", obj{"squash": true}, "c", "d")
	s.do("PATCH", "/projects/acme%2Fplatform%2Fshop", obj{"settings": obj{"merge_method": "ff"}})
	three, _ := s.change("three", nil, "e", "f")
	head := s.push(obj{"h": "h\n"})
	var told []string
	for range 2 {
		f := standingOf(t, c, "production", head).Facts
		told = carriedWords(f.Promotion.Between)
		byHand := "By hand !0"
		if !slices.Contains(told, byHand) || !slices.Contains(told, fmt.Sprintf("a !%d", one)) || !slices.Contains(told, fmt.Sprintf("b !%d", one)) || !slices.Contains(told, fmt.Sprintf("e !%d", three)) || !slices.Contains(told, fmt.Sprintf("f !%d", three)) || len(f.Gaps) != 0 || len(f.Promotion.Lacks) != 0 || !f.Promotion.OnBranch {
			t.Fatalf("between %q, lacks %v, gaps %v", told, f.Promotion.Lacks, f.Gaps)
		}
		if n := strings.Count(strings.Join(told, "\n"), fmt.Sprintf("!%d", two)); n == 0 || f.Promotion.Origin != nil {
			t.Errorf("between %q, origin %+v", told, f.Promotion.Origin)
		}
		if x := f.Promotion.Between[0]; x.Author.Login != "alice" || x.Commit != head || x.At.IsZero() || len(x.Parents) != 1 {
			t.Errorf("the newest: %+v", x)
		}
	}
	f := standingOf(t, c, "production", f3(s, three)).Facts
	if o := f.Promotion.Origin; o == nil || o.Change.Number != three || o.Change.MergedBy.Login != "bob" || o.Change.Author.Login != "alice" || len(o.Files) != 2 || len(o.Commits) != 2 || len(o.Gaps) != 0 || o.Commits[0].Author.Login != "alice" {
		t.Errorf("came from %+v", o)
	}
	s.shop("/commits", obj{"branch": "fix", "start": "main", "user": "alice", "message": "Mend the till", "files": obj{"till": "mended\n"}})
	hot := s.tip("fix")
	s.deploy("alice", "production", hot, "success")
	s.push(obj{"m": "m\n"})
	head = s.tip("main")
	f = standingOf(t, c, "production", head).Facts
	if p := f.Promotion; len(p.Lacks) != 1 || p.Lacks[0].Commit != hot || p.Lacks[0].Patch == "" || p.Between[0].Patch == "" || p.Between[0].Patch == p.Lacks[0].Patch {
		t.Errorf("lacks %+v, between %+v", p.Lacks, p.Between)
	}
	s.shop("/commits", obj{"user": "alice", "message": "Mend the till, on main", "files": obj{"till": "mended\n"}})
	f = standingOf(t, c, "production", s.tip("main")).Facts
	if p := f.Promotion; len(p.Lacks) != 1 || !slices.ContainsFunc(p.Between, func(x checks.Carried) bool { return x.Patch == p.Lacks[0].Patch }) {
		t.Errorf("the picked commit is not known again: lacks %+v, between %+v", p.Lacks, p.Between)
	}
	old := standingOf(t, c, "production", begin).Facts
	if p := old.Promotion; len(p.Between) != 0 || len(p.Lacks) == 0 || !p.OnBranch || len(old.Gaps) != 0 {
		t.Errorf("back to what is older: %+v, gaps %v", p, old.Gaps)
	}
}

func f3(s *sim, n int) string {
	s.t.Helper()
	return s.as("root", "GET", fmt.Sprintf("/merge_requests/%d", n), nil)["sha"].(string)
}

// A promotion that is judged again costs three reads, however many commits it brings.
func TestSimPromotionCounts(t *testing.T) {
	t.Parallel()
	for _, commits := range []int{1, 60, 240} {
		t.Run(fmt.Sprint(commits), func(t *testing.T) {
			t.Parallel()
			s := startSimAs(t, promotionScenario)
			s.deploy("alice", "production", s.tip("main"), "success")
			var titles []string
			for i := range commits {
				titles = append(titles, fmt.Sprint("part", i))
			}
			_, head := s.change("many", nil, titles...)
			c := s.client(Options{})
			s.calls()
			f := standingOf(t, c, "production", head).Facts
			if len(f.Promotion.Between) != commits+1 || slices.ContainsFunc(f.Promotion.Between, func(x checks.Carried) bool { return x.Change == 0 }) || len(f.Gaps) != 0 {
				t.Fatalf("%d commits, gaps %v", len(f.Promotion.Between), f.Gaps)
			}
			first := s.calls()
			standingOf(t, c, "production", head)
			again := s.calls()
			t.Logf("%d commits: first %d %q, again %d %q", commits, len(first), first, len(again), again)
			if len(again) > 3 || len(first) > 24 {
				t.Errorf("%d reads at first and %d again; want at most 24 and 3", len(first), len(again))
			}
			_, after := s.change("next", nil, "next")
			s.calls()
			standingOf(t, c, "production", after)
			if next := s.calls(); len(next) > 11 {
				t.Errorf("the first look at another commit, in a project that is known: %d reads %q", len(next), next)
			} else {
				t.Logf("another commit: %d reads %q", len(next), next)
			}
			standingOf(t, c, "production", head)
			s.calls()
			s.pass(61 * time.Second)
			standingOf(t, c, "production", head)
			if aged := s.calls(); len(aged) > 6 {
				t.Errorf("after a minute: %d reads %q", len(aged), aged)
			} else {
				t.Logf("after a minute: %d reads %q", len(aged), aged)
			}
		})
	}
}
