package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// Promotions on a forge that is not ours: it says who may merge and which job may run, and holds every request to GitHub's
// published description. Deployments are counted there.

const simEnvironments = `environments:
  development: {deploy: on-merge}
  integration: {after: development, deploy: automatic, verify: [smoke], soak: 1s}
  production:
    after: integration
    statuses: [build]
    approval: [{name: release manager, from: {users: [cy]}}]
    separate: [author]
    lineage: enforce
    changes: enforce
`

type simDeployment struct {
	ID      int64
	SHA     string
	Creator struct{ Login string }
}

// deployments are those into an environment, newest first.
func (s *sim) deployments(environment string) []simDeployment {
	s.t.Helper()
	var list []simDeployment
	if err := s.get("/deployments?per_page=100&environment="+environment, &list); err != nil {
		s.t.Fatal(err)
	}
	return list
}

// deployed waits until the environment has so many deployments, the newest of them of the commit by Sluice.
func (s *sim) deployed(environment, commit string, n int) int64 {
	s.t.Helper()
	var id int64
	s.eventually(fmt.Sprintf("deployment %d into %s", n, environment), func() error {
		list := s.deployments(environment)
		if len(list) != n || list[0].SHA != commit || list[0].Creator.Login != "sluice[bot]" {
			return fmt.Errorf("%+v", list)
		}
		id = list[0].ID
		return nil
	})
	return id
}

// counted fails when an environment has another number of deployments.
func (s *sim) counted(environment string, n int) {
	s.t.Helper()
	if list := s.deployments(environment); len(list) != n {
		s.t.Errorf("%d deployments into %s, want %d: %+v", len(list), environment, n, list)
	}
}

// goes has the pipeline say how a deployment went.
func (s *sim) goes(id int64, states ...string) {
	s.t.Helper()
	for _, state := range states {
		s.do("POST", fmt.Sprintf("%s/deployments/%d/statuses", simRepo, id), map[string]any{"user": "pipeline", "state": state})
	}
}

// merged has a change with an entry pass its gate and be merged as the forge allows, and returns it with its merge commit.
func (s *sim) merged(what string) (n int, commit string) {
	s.t.Helper()
	file := strings.Fields(what)[0] + ".go"
	n = s.open(map[string]any{"title": "feat: " + what, "files": map[string]string{file: "package shop\n"}})
	s.pull(n, "/commits", entry(what))
	s.pull(n, "/reviews", map[string]any{"user": "bo", "state": "APPROVE"})
	s.merges(n, true)
	s.pull(n, "/merge", map[string]any{"user": "bo", "method": "merge"})
	return n, s.do("GET", fmt.Sprintf("%s/pulls/%d", simRepo, n), nil)["merge_commit_sha"].(string)
}

// smoke has the smoke tests run until they count: what turns green in the very second of going live does not.
func (s *sim) smoke(commit string) {
	s.t.Helper()
	s.eventually("integration is well", func() error {
		s.do("POST", simRepo+"/statuses", map[string]any{"sha": commit, "context": "smoke", "state": "success", "user": "pipeline"})
		return s.shown(commit, map[string]string{"sluice/deploy (integration)": good})
	})
}

// integrated takes a merged commit as far as integration, where it is the nth.
func (s *sim) integrated(commit string, n int) {
	s.t.Helper()
	s.goes(s.deployed("development", commit, n), "in_progress", "success")
	s.goes(s.deployed("integration", commit, n), "in_progress", "success")
	s.smoke(commit)
	s.do("POST", simRepo+"/statuses", map[string]any{"sha": commit, "context": "build", "state": "success", "user": "pipeline"})
}

// released takes it into production by command and approval.
func (s *sim) released(change int, commit string, n int) {
	s.t.Helper()
	s.say(change, "bo", "/sluice deploy production")
	s.showsOn(commit, map[string]string{"sluice/deploy (production)": waiting})
	s.say(change, "cy", "/sluice approve production")
	s.goes(s.deployed("production", commit, n), "in_progress", "success")
	s.showsOn(commit, map[string]string{"sluice/deploy (production)": good})
}

// audited waits until the audit log has an entry of the kind that says this.
func (s *sim) audited(kind, want string) {
	s.t.Helper()
	s.eventually("an entry of kind "+kind+" that says "+want, func() error {
		list := exec.Command(s.serve.Path, "audit", "list", "--kind", kind, "--json")
		list.Env = s.env
		out, err := list.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
}

func TestSimulatorPromotionsFromTheMergeToARollback(t *testing.T) {
	t.Parallel()
	s := simulated(t, simEnvironments)
	n, first := s.merged("cards for gifts")
	s.integrated(first, 1)
	s.say(n, "eve", "/sluice deploy production") // may not write
	s.answered(n, "eve may not")
	s.say(n, "bo", "/sluice deploy production")
	s.showsOn(first, map[string]string{"sluice/deploy (production)": waiting})
	s.say(n, "ana", "/sluice approve production")
	s.answered(n, "ana may not")
	s.counted("production", 0)
	s.say(n, "cy", "/sluice approve production")
	s.goes(s.deployed("production", first, 1), "in_progress", "success")
	s.showsOn(first, map[string]string{"sluice/deploy (production)": good})

	m, second := s.merged("baskets")
	s.integrated(second, 2)
	s.released(m, second, 2)
	s.say(m, "bo", "/sluice rollback production Baskets lose eggs.")
	s.goes(s.deployed("production", first, 3), "success")
	s.showsOn(second, map[string]string{"sluice/deploy (production)": bad})
	s.audited("deployment", "rolled back")
	for environment, count := range map[string]int{"development": 2, "integration": 2, "production": 3} {
		s.counted(environment, count)
	}
	s.honest()
}

const simGuarded = `environments:
  production:
    approval: [{name: release manager, from: {users: [cy]}}]
    changes: enforce
`

// run starts a workflow run at production.
func (s *sim) run() (act func(verb string, body map[string]any) map[string]any, status func() string) {
	s.t.Helper()
	id := int(s.do("POST", simRepo+"/workflow_runs", map[string]any{"environment": "production", "user": "bo"})["id"].(float64))
	path := fmt.Sprintf("%s/workflow_runs/%d", simRepo, id)
	act = func(verb string, body map[string]any) map[string]any {
		s.t.Helper()
		return s.do("POST", path+verb, body)
	}
	status = func() string {
		job := s.do("GET", path, nil)["jobs"].([]any)[0].(map[string]any)
		if job["conclusion"] != nil {
			return job["conclusion"].(string)
		}
		return job["status"].(string)
	}
	return act, status
}

func (s *sim) comes(what string, status func() string, want string) {
	s.t.Helper()
	s.eventually(what+" is "+want, func() error {
		if got := status(); got != want {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
}

// A job at a guarded environment runs only when Sluice lets it; a rejected one never does; what goes by past the gate is found.
func TestSimulatorGuardedEnvironment(t *testing.T) {
	t.Parallel()
	s := simulated(t, simGuarded)
	s.do("PUT", simRepo+"/environments/production", map[string]any{"custom_rules": []string{"sluice"}})
	n, first := s.merged("cards for gifts")
	act, status := s.run()
	s.showsOn(first, map[string]string{"sluice/deploy (production)": waiting})
	if got := status(); got != "waiting" {
		t.Fatalf("the job is %s before anybody approved", got)
	}
	s.say(n, "cy", "/sluice approve production")
	s.comes("the job", status, "in_progress")
	act("/finish", map[string]any{"conclusion": "success"})
	s.showsOn(first, map[string]string{"sluice/deploy (production)": good})

	s.do("POST", simRepo+"/commits", map[string]any{"branch": "main", "user": "cy", "author": "cy", "message": "past every gate", "files": map[string]string{"past.go": "package shop\n"}})
	_, status = s.run()
	s.comes("the job of a commit that was pushed past every change", status, bad)

	s.merged("baskets") // does not cure it: the pushed commit is carried still
	_, status = s.run()
	s.comes("the job of a commit on top of it", status, bad)

	laxer := simPolicy + strings.Replace(simGuarded, "    changes: enforce\n", "", 1)
	third := s.do("POST", simRepo+"/commits", map[string]any{"branch": "main", "user": "cy", "author": "cy", "message": "policy", "files": map[string]string{".sluice.yml": laxer}})["sha"].(string)
	act, status = s.run()
	s.showsOn(third, map[string]string{"sluice/deploy (production)": waiting})
	s.comes("the job", status, "waiting")
	act("/finish", map[string]any{"force": true}) // an administrator lets it past the protection
	s.audited("outside-the-gate", "past the environment's protection")

	id := s.do("POST", simRepo+"/deployments", map[string]any{"ref": "main", "environment": "production", "user": "cy"})["id"].(float64)
	s.goes(int64(id), "success")
	s.audited("outside-the-gate", fmt.Sprintf("Deployment %d of", int64(id)))
	for _, d := range s.deployments("production") {
		if d.Creator.Login == "sluice[bot]" {
			t.Errorf("Sluice made deployment %d where a workflow deploys", d.ID)
		}
	}
	s.honest()
}

// Whatever becomes of the answer, one deployment is made of one request.
func TestSimulatorDeploymentsWithFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]map[string]any{
		"502 after the effect":    {"kind": "502", "after_effect": true},
		"503 after the effect":    {"kind": "503", "after_effect": true},
		"reset after the effect":  {"kind": "reset", "after_effect": true},
		"half an answer":          {"kind": "truncate", "after_effect": true},
		"refused for a moment":    {"kind": "secondary_rate_limit", "retry_after": 1},
		"no answer for some time": {"kind": "latency", "latency_ms": 1500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := simulated(t, "environments: {development: {deploy: on-merge}}\n")
			fault["path"], fault["method"], fault["count"] = "/deployments$", "POST", 1
			s.do("POST", "/faults", fault)
			_, commit := s.merged("cards for gifts")
			s.goes(s.deployed("development", commit, 1), "success")
			s.showsOn(commit, map[string]string{"sluice/deploy (development)": good})
			s.counted("development", 1)
			s.honest()
		})
	}
}

func TestSimulatorPromotionsWhileDeliveriesAreDoubledAndShuffled(t *testing.T) {
	t.Parallel()
	s := simulated(t, strings.Replace(simEnvironments, "    statuses: [build]\n", "    deploy: automatic\n", 1))
	s.do("PATCH", "/settings", map[string]any{"webhook_duplicate": 0.7, "webhook_shuffle_ms": 300})
	for n, what := range []string{"cards for gifts", "baskets", "tills"} {
		change, commit := s.merged(what)
		s.integrated(commit, n+1)
		s.showsOn(commit, map[string]string{"sluice/deploy (production)": waiting})
		s.say(change, "cy", "/sluice approve production")
		s.goes(s.deployed("production", commit, n+1), "success")
		s.showsOn(commit, map[string]string{"sluice/deploy (production)": good})
	}
	for _, environment := range []string{"development", "integration", "production"} {
		s.counted(environment, 3)
	}
	s.honest()
}
