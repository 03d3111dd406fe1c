package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Promotions on a GitLab that is not ours: it says what may be merged, which job may be played and whether a blocked
// deployment may run. Deployments are counted there.

type labDeployment struct {
	ID          int64
	SHA, Status string
	User        struct{ Username string }
	Deployable  *struct {
		ID   int64
		User struct{ Username string }
	}
}

// deployments are those into an environment, the newest first.
func (s *lab) deployments(environment string) (list []labDeployment) {
	s.t.Helper()
	s.as("root", "GET", "/deployments?per_page=100&order_by=id&sort=desc&environment="+environment, nil, &list)
	return list
}

// deployed waits until the environment has so many deployments, the newest of them of the commit by Sluice.
func (s *lab) deployed(environment, commit string, n int) (id int64) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("deployment %d into %s", n, environment), func() error {
		list := s.deployments(environment)
		if len(list) != n || list[0].SHA != commit || !strings.HasPrefix(list[0].User.Username, "project_1_bot") || list[0].Deployable != nil {
			return fmt.Errorf("%+v", list)
		}
		id = list[0].ID
		return nil
	})
	return id
}

// counted fails when an environment has another number of deployments.
func (s *lab) counted(environment string, n int) {
	s.t.Helper()
	s.settles()
	if list := s.deployments(environment); len(list) != n {
		s.t.Errorf("%d deployments into %s, want %d: %+v", len(list), environment, n, list)
	}
}

// goes says how a deployment went.
func (s *lab) goes(id int64, state string) {
	s.t.Helper()
	s.shop(fmt.Sprintf("/deployments/%d", id), map[string]any{"user": "bo", "status": state})
}

// merged has a merge request with an entry pass its gate and be merged as GitLab allows, and returns it with its merge commit.
func (s *lab) merged(what string) (n int, commit string) {
	s.t.Helper()
	word := strings.Fields(what)[0]
	n = s.open(map[string]any{"title": "feat: " + what, "source_branch": word, "files": map[string]string{word + ".go": "package shop\n"}})
	s.pushes(n, entry(what))
	s.act(n, "approve", map[string]any{"user": "bo"})
	s.merges(n)
	s.act(n, "merge", map[string]any{"user": "bo"})
	return n, s.change(n).MergeCommit
}

// builds puts a status of the pipeline on a commit of the default branch.
func (s *lab) builds(commit, name string) {
	s.t.Helper()
	s.as("bo", "POST", "/statuses/"+commit, map[string]any{"name": name, "state": "success", "ref": "main"}, nil)
}

// integrated takes a merged commit as far as integration, where it is the nth.
func (s *lab) integrated(commit string, n int) {
	s.t.Helper()
	s.goes(s.deployed("development", commit, n), "success")
	s.goes(s.deployed("integration", commit, n), "success")
	s.eventually("integration is well", func() error { // what turns green in the very second of going live does not count
		s.builds(commit, "smoke")
		return differs(states(s.statuses(commit, 0)), map[string]string{"sluice/deploy (integration)": green})
	})
	s.builds(commit, "build")
}

// released takes it into production by command and approval.
func (s *lab) released(change int, commit string, n int) {
	s.t.Helper()
	s.say(change, "bo", "/sluice deploy production")
	s.showsOn(commit, map[string]string{"sluice/deploy (production)": amber})
	s.say(change, "cy", "/sluice approve production")
	s.goes(s.deployed("production", commit, n), "success")
	s.showsOn(commit, map[string]string{"sluice/deploy (production)": green})
}

func withPolicy(more string) func(*labWorld) {
	return func(w *labWorld) { w.policy += more }
}

func TestGitLabPromotionsFromTheMergeToARollback(t *testing.T) {
	t.Parallel()
	s := labbed(t, withPolicy(simEnvironments))
	n, first := s.merged("cards for gifts")
	s.integrated(first, 1)
	s.say(n, "eve", "/sluice deploy production") // may not write
	s.answered(n, "eve may not")
	s.say(n, "bo", "/sluice deploy production")
	s.showsOn(first, map[string]string{"sluice/deploy (production)": amber})
	s.say(n, "ana", "/sluice approve production")
	s.answered(n, "ana may not")
	s.counted("production", 0)
	s.say(n, "cy", "/sluice approve production")
	s.goes(s.deployed("production", first, 1), "success")
	s.showsOn(first, map[string]string{"sluice/deploy (production)": green})

	m, second := s.merged("baskets")
	s.integrated(second, 2)
	s.released(m, second, 2)
	s.say(m, "bo", "/sluice rollback production Baskets lose eggs.")
	s.goes(s.deployed("production", first, 3), "success")
	s.showsOn(second, map[string]string{"sluice/deploy (production)": red})
	s.audited("deployment", "rolled back")
	for environment, count := range map[string]int{"development": 2, "integration": 2, "production": 3} {
		s.counted(environment, count)
	}
}

const labByJob = `environments:
  production:
    approval: [{name: release manager, from: {users: [cy]}}]
    gitlab: {job: deploy-production}
`

// deploys starts a pipeline of the default branch with a job that deploys, and returns the job's number.
func (s *lab) deploys(commit, when string) (job int64) {
	s.t.Helper()
	deploy := map[string]any{"name": "deploy-production", "stage": "deploy", "environment": "production"}
	if when != "" {
		deploy["when"] = when
	}
	p := s.shop("/pipelines", map[string]any{"ref": "main", "sha": commit, "user": "bo", "jobs": []any{map[string]any{"name": "build", "status": "success"}, deploy}})
	for _, j := range p["jobs"].([]any) {
		if j := j.(map[string]any); j["name"] == "deploy-production" {
			job = int64(j["id"].(float64))
		}
	}
	return job
}

// job is how a job stands.
func (s *lab) job(id int64) string {
	s.t.Helper()
	var j struct{ Status string }
	s.as("root", "GET", fmt.Sprintf("/jobs/%d", id), nil, &j)
	return j.Status
}

// comes waits until a job stands so.
func (s *lab) comes(id int64, want string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("job %d is %s", id, want), func() error {
		if got := s.job(id); got != want {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
}

// ends moves a job to its end.
func (s *lab) ends(id int64, states ...string) {
	s.t.Helper()
	for _, state := range states {
		s.shop(fmt.Sprintf("/jobs/%d", id), map[string]any{"status": state})
	}
}

// A manual job of the commit's own pipeline is played once the gate is open, and not before.
func TestGitLabPromotionPlaysTheManualJob(t *testing.T) {
	t.Parallel()
	s := labbed(t, withPolicy(labByJob))
	n, first := s.merged("cards for gifts")
	job := s.deploys(first, "manual")
	s.say(n, "bo", "/sluice deploy production")
	s.showsOn(first, map[string]string{"sluice/deploy (production)": amber})
	s.settles()
	if got := s.job(job); got != "manual" {
		t.Fatalf("the job is %s before anybody approved", got)
	}
	s.say(n, "cy", "/sluice approve production")
	s.comes(job, "pending")
	s.ends(job, "running", "success")
	s.showsOn(first, map[string]string{"sluice/deploy (production)": green})
	s.counted("production", 1)
	if plays := s.calls("path=/play$"); len(plays) != 1 {
		t.Errorf("the job was played %d times: %v", len(plays), plays)
	}
}

// protect has deployments to production wait for Sluice, and for nobody else.
func (s *lab) protect() {
	s.t.Helper()
	var list []struct{ Username string }
	s.as("root", "GET", "/members/all?per_page=100", nil, &list)
	for _, m := range list {
		if strings.HasPrefix(m.Username, "project_1_bot") {
			s.shop("/protected_environments", map[string]any{"name": "production", "deploy_access_levels": []any{map[string]any{"access_level": "developer"}},
				"approval_rules": []any{map[string]any{"user": m.Username, "required_approvals": 1}}})
			return
		}
	}
	s.t.Fatalf("Sluice's account is not among %+v", list)
}

// A job at a protected environment runs only when Sluice lets it; one that nothing can cure never does; what goes by past the
// gate is found.
func TestGitLabProtectedEnvironment(t *testing.T) {
	t.Parallel()
	for _, after := range []string{"created", "blocked"} { // as versions of GitLab leave a deployment that was approved
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			s := labbed(t, onTier("premium"), withPolicy(simGuarded), func(w *labWorld) { w.settings["status_after_approval"] = after })
			s.protect()
			n, first := s.merged("cards for gifts")
			job := s.deploys(first, "")
			s.showsOn(first, map[string]string{"sluice/deploy (production)": amber})
			s.settles()
			if got := s.job(job); got != "manual" {
				t.Fatalf("the job is %s before anybody approved", got)
			}
			s.say(n, "cy", "/sluice approve production")
			s.comes(job, "pending")
			s.ends(job, "running", "success")
			s.showsOn(first, map[string]string{"sluice/deploy (production)": green})

			past := s.shop("/commits", map[string]any{"branch": "main", "user": "cy", "message": "past every gate", "files": map[string]string{"past.go": "package shop\n"}})["id"].(string)
			job = s.deploys(past, "")
			s.comes(job, red) // of a commit that was pushed past every change
			s.showsOn(past, map[string]string{"sluice/deploy (production)": red})

			id := int64(s.shop("/deployments", map[string]any{"api": true, "ref": "main", "environment": "production", "user": "cy", "status": "success"})["id"].(float64))
			s.audited("outside-the-gate", fmt.Sprintf("Deployment %d of", id))
			for _, d := range s.deployments("production") {
				if strings.HasPrefix(d.User.Username, "project_1_bot") && d.Deployable == nil {
					t.Errorf("Sluice made deployment %d where a job deploys", d.ID)
				}
			}
		})
	}
}

// GitLab's own freeze periods hold a promotion back, until they are lifted.
func TestGitLabFreezePeriod(t *testing.T) {
	t.Parallel()
	s := labbed(t, withPolicy("environments: {development: {deploy: on-merge}}\n"), func(w *labWorld) { w.env = []string{"SLUICE_SWEEP=2s"} })
	at := func(t time.Time) string {
		return fmt.Sprintf("%d %d %d %d *", t.Minute(), t.Hour(), t.Day(), t.Month())
	}
	now := time.Now().UTC()
	period := s.shop("/freeze_periods", map[string]any{"freeze_start": at(now.Add(-3 * time.Hour)), "freeze_end": at(now.Add(72 * time.Hour)), "cron_timezone": "UTC"})
	if f := s.do("GET", labProject+"/freeze", nil); f["frozen"] != true {
		t.Fatalf("GitLab is not frozen: %v", f)
	}
	_, commit := s.merged("cards for gifts")
	s.showsOn(commit, map[string]string{"sluice/deploy (development)": amber})
	s.counted("development", 0)
	s.do("DELETE", fmt.Sprintf("%s/freeze_periods/%v", labProject, period["id"]), nil)
	s.goes(s.deployed("development", commit, 1), "success")
	s.showsOn(commit, map[string]string{"sluice/deploy (development)": green})
}

// Whatever becomes of the answer, one deployment is made of one request.
func TestGitLabDeploymentsWithFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]map[string]any{
		"500 after the effect":    {"status": 500, "after_effect": true},
		"502 after the effect":    {"status": 502, "after_effect": true},
		"reset after the effect":  {"kind": "reset", "after_effect": true},
		"half an answer":          {"kind": "truncate", "after_effect": true},
		"lost before it":          {"status": 502},
		"refused for a moment":    {"status": 429, "retry_after": 1},
		"no answer for some time": {"latency_ms": 1500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := labbed(t, withPolicy("environments: {development: {deploy: on-merge}}\n"))
			fault["path"], fault["method"], fault["count"] = "/deployments$", "POST", 1
			s.do("POST", "/faults", fault)
			_, commit := s.merged("cards for gifts")
			s.goes(s.deployed("development", commit, 1), "success")
			s.showsOn(commit, map[string]string{"sluice/deploy (development)": green})
			s.counted("development", 1)
		})
	}
}

// The same of a job that is played, and of a deployment that is approved.
func TestGitLabJobsWithFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]map[string]any{
		"a play whose answer is lost":      {"status": 502, "after_effect": true, "path": "/play$"},
		"a play that is lost":              {"status": 502, "path": "/play$"},
		"an approval whose answer is lost": {"status": 502, "after_effect": true, "path": "/approval$"},
		"an approval that is cut off":      {"kind": "reset", "after_effect": true, "path": "/approval$"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy, guarded := labByJob, strings.Contains(name, "approval")
			if guarded {
				policy = simGuarded
			}
			s := labbed(t, onTier("premium"), withPolicy(policy))
			fault["method"], fault["count"] = "POST", 1
			s.do("POST", "/faults", fault)
			if guarded {
				s.protect()
			}
			n, commit := s.merged("cards for gifts")
			job := s.deploys(commit, map[bool]string{true: "", false: "manual"}[guarded])
			if !guarded {
				s.say(n, "bo", "/sluice deploy production")
			}
			s.showsOn(commit, map[string]string{"sluice/deploy (production)": amber})
			s.say(n, "cy", "/sluice approve production")
			s.comes(job, "pending")
			s.ends(job, "running", "success")
			s.showsOn(commit, map[string]string{"sluice/deploy (production)": green})
			s.counted("production", 1)
		})
	}
}

func TestGitLabPromotionsWhileDeliveriesAreDoubledAndShuffled(t *testing.T) {
	t.Parallel()
	s := labbed(t, withPolicy(strings.Replace(simEnvironments, "    statuses: [build]\n", "    deploy: automatic\n", 1)))
	s.do("POST", "/webhook_options", map[string]any{"duplicates": 0.7, "shuffle_ms": 300, "concurrency": 4})
	for n, what := range []string{"cards for gifts", "baskets", "tills"} {
		change, commit := s.merged(what)
		s.integrated(commit, n+1)
		s.showsOn(commit, map[string]string{"sluice/deploy (production)": amber})
		s.say(change, "cy", "/sluice approve production")
		s.goes(s.deployed("production", commit, n+1), "success")
		s.showsOn(commit, map[string]string{"sluice/deploy (production)": green})
	}
	for _, environment := range []string{"development", "integration", "production"} {
		s.counted(environment, 3)
	}
}
