package pretend

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// clocked is open with a clock of the test's own.
func clocked(t *testing.T) (*shop, *time.Time) {
	s := open(t)
	at := s.now()
	s.now = func() time.Time { return at }
	return s, &at
}

// waits starts a run that waits at production for the rules of the Apps.
func (s *shop) waits(rules ...string) (at string, run int64) {
	s.t.Helper()
	must(s.t, s.Environment(Environment{Repo: "acme/shop", Name: "Production/EU", Rules: rules}))
	run, err := s.Start(Workflow{Repo: "acme/shop", Environments: []string{"production/eu"}, By: "ana"})
	must(s.t, err)
	return fmt.Sprintf("%s/actions/runs/%d", here, run), run
}

// standing is what the newest job and its deployment have come to.
func (s *shop) standing() string {
	jobs, deployed := s.Jobs("acme/shop"), s.Deployments("acme/shop", "")
	return jobs[len(jobs)-1].Status + ", " + deployed[len(deployed)-1].State
}

func TestAJobWaitsForTheAppsRule(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.Served(s.url)
	s.open(PR{By: "ana", Branch: "c", Commits: text("c", "c\n")})
	must(t, s.Environment(Environment{Repo: "acme/shop", Name: "Production/EU", Rules: []string{"sluice"}}))
	s.Forget()
	id, err := s.Start(Workflow{Repo: "acme/shop", Ref: "c", Environments: []string{"production/eu"}, By: "ana", Event: "pull_request"})
	must(t, err)
	at := fmt.Sprintf("%s/actions/runs/%d", here, id)
	hooks := s.webhooks("deployment_protection_rule")
	if len(hooks) != 1 {
		t.Fatalf("told %v", hooks)
	}
	h := hooks[0]
	deployed, pulls := h["deployment"].(map[string]any), h["pull_requests"].([]any)
	if h["action"] != "requested" || h["environment"] != "Production/EU" || h["event"] != "pull_request" || h["sha"] != s.Head("acme/shop", "c") || h["ref"] != "refs/heads/c" ||
		h["deployment_callback_url"] != s.url+"/api/v3"+at+"/deployment_protection_rule" || h["installation"] == nil || deployed["environment"] != "Production/EU" ||
		deployed["creator"].(map[string]any)["login"] != "github-actions[bot]" || len(pulls) != 1 || pulls[0].(map[string]any)["number"] != 1.0 {
		t.Errorf("asked by %v", h)
	}
	if s.standing() != "waiting, waiting" {
		t.Errorf("the job is %s", s.standing())
	}
	var run struct {
		Status     string
		Conclusion *string
		Head       string `json:"head_sha"`
	}
	s.call("GET", at, nil, 200, &run)
	if run.Status != "waiting" || run.Conclusion != nil || run.Head != s.Head("acme/shop", "c") {
		t.Errorf("the run is %+v", run)
	}
	var pending []struct {
		Environment struct{ Name string }
		Reviewers   []any
	}
	s.call("GET", at+"/pending_deployments", nil, 200, &pending)
	if len(pending) != 1 || pending[0].Environment.Name != "Production/EU" {
		t.Errorf("pending %+v", pending)
	}
	s.call("POST", "/api/v3"+at+"/deployment_protection_rule", obj{"environment_name": "Production/EU", "state": "approved", "comment": "All is well."}, 204, nil)
	if s.standing() != "in_progress, in_progress" {
		t.Errorf("the job is %s once approved", s.standing())
	}
	must(t, s.Finish("acme/shop", "Production/EU", "success"))
	s.call("GET", at, nil, 200, &run)
	if s.standing() != "success, success" || run.Status != "completed" || *run.Conclusion != "success" {
		t.Errorf("the job is %s, the run %+v in the end", s.standing(), run)
	}
	var said []struct {
		State, Comment string
		User           struct{ Login string }
	}
	s.call("GET", at+"/approvals", nil, 200, &said)
	if len(said) != 1 || said[0].State != "approved" || said[0].Comment != "All is well." || said[0].User.Login != "sluice[bot]" {
		t.Errorf("approvals %+v", said)
	}
}

func TestAnAppAnswersItsOwnRuleAlone(t *testing.T) {
	t.Parallel()
	s := open(t)
	at, _ := s.waits("other")
	if hooks := s.webhooks("deployment_protection_rule"); len(hooks) != 0 {
		t.Errorf("asked for a rule of another App: %v", hooks)
	}
	answer := obj{"environment_name": "production/eu", "state": "approved", "comment": "Yes."}
	s.call("POST", at+"/deployment_protection_rule", answer, 403, nil)
	at, _ = s.waits("other", "sluice")
	s.call("POST", at+"/deployment_protection_rule", obj{"environment_name": "qa", "state": "approved"}, 404, nil)
	s.call("POST", here+"/actions/runs/1/deployment_protection_rule", answer, 404, nil)
	s.as(s.Token("olga"), func() { s.call("POST", at+"/deployment_protection_rule", answer, 403, nil) })
	s.Permit("acme", "deployments", "read")
	s.call("POST", at+"/deployment_protection_rule", answer, 403, nil)
	s.Permit("acme", "deployments", "write")
	s.call("POST", at+"/deployment_protection_rule", answer, 204, nil)
	if s.standing() != "waiting, waiting" {
		t.Errorf("the job is %s while the other App has not answered", s.standing())
	}
	s.call("POST", at+"/deployment_protection_rule", answer, 422, nil)
}

func TestAnAnswerHasItsBounds(t *testing.T) {
	t.Parallel()
	s := open(t)
	at, _ := s.waits("sluice")
	rule := at + "/deployment_protection_rule"
	for _, body := range []obj{{"environment_name": "production/eu"}, {"state": "approved"}, {"environment_name": "production/eu", "state": "maybe", "comment": "x"},
		{"environment_name": "production/eu", "comment": strings.Repeat("ä", 1025)}} {
		s.call("POST", rule, body, 422, nil)
	}
	for range 10 {
		s.call("POST", rule, obj{"environment_name": "production/eu", "comment": strings.Repeat("ä", 1024)}, 204, nil)
	}
	s.call("POST", rule, obj{"environment_name": "production/eu", "comment": "Once more."}, 422, nil)
	if s.standing() != "waiting, waiting" {
		t.Errorf("the job is %s after reports", s.standing())
	}
	s.call("POST", rule, obj{"environment_name": "production/eu", "state": "rejected", "comment": "Never."}, 204, nil)
	if s.standing() != "failure, failure" {
		t.Errorf("the job is %s once rejected", s.standing())
	}
	s.call("POST", rule, obj{"environment_name": "production/eu", "state": "approved"}, 422, nil)
	if said := s.Jobs("acme/shop")[0].Said; len(said) != 11 || said[0].State != "pending" || said[10] != (GateAnswer{"sluice[bot]", "rejected", "Never."}) {
		t.Errorf("said %v", said)
	}
}

func TestAnAdminBypassesUnlessTheEnvironmentSaysNo(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.waits("sluice")
	s.Forget()
	if err := s.Bypass("acme/shop", "production/eu", "ana", "hurry"); !errors.Is(err, ErrRefused) {
		t.Errorf("Bypass by a writer = %v, want ErrRefused", err)
	}
	must(t, s.Bypass("acme/shop", "production/eu", "olga", "hurry"))
	if s.standing() != "in_progress, in_progress" {
		t.Errorf("the job is %s", s.standing())
	}
	if hooks := s.webhooks("deployment_status"); len(hooks) != 1 || hooks[0]["deployment_status"].(map[string]any)["state"] != "in_progress" {
		t.Errorf("told %v", hooks)
	}
	must(t, s.Environment(Environment{Repo: "acme/shop", Name: "production/eu", Rules: []string{"sluice"}, NoBypass: true}))
	_, err := s.Start(Workflow{Repo: "acme/shop", Environments: []string{"production/eu"}})
	must(t, err)
	if err := s.Bypass("acme/shop", "production/eu", "olga", "hurry"); !errors.Is(err, ErrRefused) {
		t.Errorf("Bypass where nobody may = %v, want ErrRefused", err)
	}
}

func TestEnvironmentsAreReadInAnyCase(t *testing.T) {
	t.Parallel()
	s := open(t)
	must(t, s.Environment(Environment{Repo: "acme/shop", Name: "Production/EU", Rules: []string{"sluice", "other"}, Reviewers: []string{"bo"}, Wait: 5}))
	_, err := s.Deploy(Deployment{Repo: "acme/shop", Environment: "qa"})
	must(t, err)
	var all struct {
		Total        int `json:"total_count"`
		Environments []struct {
			Name   string
			Rules  []struct{ Type string } `json:"protection_rules"`
			Bypass bool                    `json:"can_admins_bypass"`
		}
	}
	s.call("GET", here+"/environments", nil, 200, &all)
	if fmt.Sprint(all) != "{2 [{Production/EU [{wait_timer} {required_reviewers}] true} {qa [] true}]}" {
		t.Errorf("environments %v", all)
	}
	for _, path := range []string{"/environments/Production%2FEU", "/environments/production%2feu"} {
		s.call("GET", here+path, nil, 200, nil)
		s.call("GET", "/api/v3"+here+path, nil, 200, nil)
		var rules struct {
			Total int `json:"total_count"`
			Rules []struct {
				Enabled bool
				App     struct {
					ID   int64
					Slug string
				}
			} `json:"custom_deployment_protection_rules"`
		}
		s.call("GET", here+path+"/deployment_protection_rules", nil, 200, &rules)
		if rules.Total != 2 || rules.Rules[0].App.ID != s.AppID() || !rules.Rules[0].Enabled || rules.Rules[1].App.Slug != "other" {
			t.Errorf("%s: rules %+v", path, rules)
		}
	}
	s.call("GET", here+"/environments/nowhere", nil, 404, nil)
	must(t, s.Unprotect("acme/shop", "PRODUCTION/eu"))
	var rules struct {
		Total int `json:"total_count"`
	}
	if s.call("GET", here+"/environments/Production%2FEU/deployment_protection_rules", nil, 200, &rules); rules.Total != 0 {
		t.Errorf("%d rules once switched off", rules.Total)
	}
	_, err = s.Start(Workflow{Repo: "acme/shop", Environments: []string{"production/eu"}})
	must(t, err)
	if s.standing() != "in_progress, in_progress" {
		t.Errorf("the job is %s where nothing protects", s.standing())
	}
}

func TestReviewersAndTimeLetAJobIn(t *testing.T) {
	t.Parallel()
	s, clock := clocked(t)
	must(t, s.Environment(Environment{Repo: "acme/shop", Name: "production", Reviewers: []string{"bo"}, Wait: 5}))
	id, err := s.Start(Workflow{Repo: "acme/shop"})
	must(t, err)
	if err := s.Admit("acme/shop", "production", "ana", "approved", ""); !errors.Is(err, ErrRefused) {
		t.Errorf("Admit by somebody else = %v, want ErrRefused", err)
	}
	must(t, s.Admit("acme/shop", "production", "bo", "approved", "Go."))
	if s.standing() != "waiting, waiting" {
		t.Errorf("the job is %s before its time", s.standing())
	}
	*clock = clock.Add(5 * time.Minute)
	s.call("GET", fmt.Sprintf("%s/actions/runs/%d", here, id), nil, 200, nil)
	if s.standing() != "in_progress, in_progress" {
		t.Errorf("the job is %s once its time has come", s.standing())
	}
}

func TestAJobFailsThatWaitedForThirtyDays(t *testing.T) {
	t.Parallel()
	s, clock := clocked(t)
	at, _ := s.waits("sluice")
	*clock = clock.Add(30*24*time.Hour - time.Second)
	s.call("POST", at+"/deployment_protection_rule", obj{"environment_name": "Production/EU", "comment": "Still waiting."}, 204, nil)
	*clock = clock.Add(time.Second)
	s.call("POST", at+"/deployment_protection_rule", obj{"environment_name": "Production/EU", "state": "approved"}, 422, nil)
	if s.standing() != "failure, failure" {
		t.Errorf("the job is %s", s.standing())
	}
}
