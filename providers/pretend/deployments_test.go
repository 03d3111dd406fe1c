package pretend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// placed is what REST says of a deployment.
type placed struct {
	ID           int64
	SHA, Ref     string
	Environment  string
	Task         string
	Payload      json.RawMessage
	Message      string
	Production   bool `json:"production_environment"`
	Creator      struct{ Login, Type string }
	ViaGitHubApp *struct{ Slug string } `json:"performed_via_github_app"`
	Errors       []struct {
		Contexts []struct{ Context, State string }
		Field    string
	}
}

// webhooks are the bodies of those that wait, by event.
func (s *shop) webhooks(event string) (list []map[string]any) {
	s.t.Helper()
	s.Hooks(Target{To: func(_ context.Context, r *http.Request) (int, error) {
		if r.Header.Get("X-GitHub-Event") == event {
			var body map[string]any
			must(s.t, json.NewDecoder(r.Body).Decode(&body))
			list = append(list, body)
		}
		return http.StatusAccepted, nil
	}})
	_, err := s.Deliver(context.Background(), Order{})
	must(s.t, err)
	return list
}

// as makes the calls of one func with another token.
func (s *shop) as(token string, do func()) {
	mine := s.token
	s.token = token
	do()
	s.token = mine
}

const here = "/repos/acme/shop"

func TestADeploymentIsMadeOfBranchTagAndCommit(t *testing.T) {
	t.Parallel()
	s := open(t)
	main := s.Head("acme/shop", "main")
	_, err := s.Tag(Tag{Repo: "acme/shop", Name: "v1.0.0"})
	must(t, err)
	s.Forget()
	for _, ref := range []string{"main", "v1.0.0", main} {
		var d placed
		s.call("POST", here+"/deployments", obj{"ref": ref, "payload": obj{"sluice": obj{"promotion": "p1", "n": 12345678901234567}}}, 201, &d)
		if d.SHA != main || d.Ref != ref || d.Environment != "production" || d.Task != "deploy" || !d.Production ||
			string(d.Payload) != `{"sluice":{"n":12345678901234567,"promotion":"p1"}}` || d.Creator.Login != "sluice[bot]" || d.Creator.Type != "Bot" || d.ViaGitHubApp == nil || d.ViaGitHubApp.Slug != "sluice" {
			t.Errorf("deployment of %s: %+v, payload %s", ref, d, d.Payload)
		}
		var again placed
		s.call("GET", fmt.Sprintf("%s/deployments/%d", here, d.ID), nil, 200, &again)
		if again.ID != d.ID || string(again.Payload) != string(d.Payload) {
			t.Errorf("read again: %+v", again)
		}
	}
	hooks := s.webhooks("deployment")
	if len(hooks) != 3 || hooks[0]["action"] != "created" || hooks[0]["installation"] == nil || hooks[0]["deployment"].(map[string]any)["sha"] != main {
		t.Errorf("told %v", hooks)
	}
	for _, body := range []obj{{"ref": "nowhere"}, {}} {
		s.call("POST", here+"/deployments", body, 422, nil)
	}
	if n := s.CountDeployments("acme/shop", "Production", main); n != 3 {
		t.Errorf("%d deployments by the App, want 3", n)
	}
	s.as(s.Token("ana"), func() {
		var d placed
		s.call("POST", here+"/deployments", obj{"ref": "main", "environment": "qa", "payload": "plain"}, 201, &d)
		if d.ViaGitHubApp != nil || d.Creator.Login != "ana" || d.Production || string(d.Payload) != `"plain"` {
			t.Errorf("a person's: %+v", d)
		}
	})
	s.as(s.Token("eve"), func() { s.call("POST", here+"/deployments", obj{"ref": "main"}, 403, nil) })
	if n := s.CountDeployments("acme/shop", "qa", main); n != 0 {
		t.Errorf("%d deployments by the App into qa, want none", n)
	}
}

func TestDeploymentsAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	s := open(t)
	first := s.Head("acme/shop", "main")
	for _, to := range []string{"qa", "production"} {
		_, err := s.Deploy(Deployment{Repo: "acme/shop", Environment: to, By: "ana"})
		must(t, err)
	}
	second, err := s.Push(Push{Repo: "acme/shop", Commits: text("x", "x\n")})
	must(t, err)
	_, err = s.Deploy(Deployment{Repo: "acme/shop", Ref: second, Environment: "production", App: "other", Task: "deploy:migrations"})
	must(t, err)
	for query, want := range map[string]int{"": 3, "?sha=" + first: 2, "?environment=production": 2, "?environment=production&sha=" + second: 1,
		"?ref=main": 2, "?task=deploy:migrations": 1, "?task=none": 3, "?environment=PRODUCTION": 0} {
		var got []placed
		s.call("GET", here+"/deployments"+query, nil, 200, &got)
		if len(got) != want {
			t.Errorf("%s: %d deployments, want %d", query, len(got), want)
		}
	}
	var got []placed
	h := s.call("GET", here+"/deployments?per_page=2", nil, 200, &got)
	if len(got) != 2 || got[0].SHA != second || got[0].Creator.Login != "other[bot]" || got[0].ViaGitHubApp.Slug != "other" || !strings.Contains(h.Get("Link"), `rel="next"`) {
		t.Errorf("the first page: %+v, %s", got, h.Get("Link"))
	}
}

func TestADeploymentMergesTheDefaultBranchFirst(t *testing.T) {
	t.Parallel()
	s := open(t)
	for branch, files := range map[string][]Commit{"fine": text("new", "1\n"), "clash": text("README.md", "Mine\n")} {
		_, err := s.Push(Push{Repo: "acme/shop", Branch: branch, Commits: files})
		must(t, err)
	}
	was, clash := s.Head("acme/shop", "fine"), s.Head("acme/shop", "clash")
	_, err := s.Push(Push{Repo: "acme/shop", Commits: text("README.md", "Theirs\n")})
	must(t, err)
	var d placed
	s.call("POST", here+"/deployments", obj{"ref": "fine"}, 202, &d)
	now := s.Head("acme/shop", "fine")
	if d.Message != "Auto-merged main into fine on deployment." || d.ID != 0 || now == was || len(s.Deployments("acme/shop", "")) != 0 {
		t.Errorf("202 said %+v, the branch went from %s to %s", d, was, now)
	}
	s.call("POST", here+"/deployments", obj{"ref": "fine"}, 201, nil)
	for _, ref := range []string{"clash", clash} { // a commit cannot take a merge at all
		s.call("POST", here+"/deployments", obj{"ref": ref}, 409, &d)
		if d.Message != "Conflict merging main into "+ref+"." {
			t.Errorf("409 said %q", d.Message)
		}
		s.call("POST", here+"/deployments", obj{"ref": ref, "auto_merge": false}, 201, nil)
	}
}

func TestADeploymentWaitsForContexts(t *testing.T) {
	t.Parallel()
	s := open(t)
	must(t, s.Report(Report{Repo: "acme/shop", Commit: "main", Name: "ci", State: "success"}))
	s.call("POST", here+"/deployments", obj{"ref": "main"}, 201, nil)
	must(t, s.Report(Report{Repo: "acme/shop", Commit: "main", Name: "sluice/deploy (production)", State: "in_progress", App: "other"}))
	s.call("POST", here+"/deployments", obj{"ref": "main", "required_contexts": nil}, 409, nil) // null is as good as nothing: all of them
	var d placed
	s.call("POST", here+"/deployments", obj{"ref": "main"}, 409, &d)
	if d.Message != "Conflict: Commit status checks failed for main." || len(d.Errors) != 1 || d.Errors[0].Field != "required_contexts" || fmt.Sprint(d.Errors[0].Contexts) != "[{ci success} {sluice/deploy (production) pending}]" {
		t.Errorf("409 said %+v", d)
	}
	s.call("POST", here+"/deployments", obj{"ref": "main", "required_contexts": []string{"ci"}}, 201, nil)
	s.call("POST", here+"/deployments", obj{"ref": "main", "required_contexts": []string{}}, 201, nil)
	s.call("POST", here+"/deployments", obj{"ref": "main", "required_contexts": []string{"never"}}, 409, &d)
	if fmt.Sprint(d.Errors[len(d.Errors)-1].Contexts) != "[{never pending}]" {
		t.Errorf("409 said %+v", d)
	}
}

func TestASuccessMakesOlderOnesInactiveAndTellsNobody(t *testing.T) {
	t.Parallel()
	s := open(t)
	made := func(to string, transient bool) string {
		id, err := s.Deploy(Deployment{Repo: "acme/shop", Environment: to, Transient: transient})
		must(t, err)
		return fmt.Sprintf("%s/deployments/%d/statuses", here, id)
	}
	states := func(at string) string {
		var list []struct{ State string }
		s.call("GET", at, nil, 200, &list)
		return fmt.Sprint(list)
	}
	for to, want := range map[string]string{"qa": "[{inactive} {success}]", "production": "[{success}]"} {
		old, failed, transient, next := made(to, false), made(to, false), made(to, true), made(to, false)
		s.call("POST", failed, obj{"state": "failure"}, 201, nil)
		s.call("POST", transient, obj{"state": "success", "auto_inactive": false}, 201, nil)
		s.call("POST", old, obj{"state": "success"}, 201, nil)
		s.Forget()
		s.call("POST", next, obj{"state": "success"}, 201, nil)
		if got := states(old); got != want {
			t.Errorf("%s: older one is %s, want %s", to, got, want)
		}
		if states(failed) != "[{failure}]" || states(transient) != "[{success}]" || states(next) != "[{success}]" {
			t.Errorf("%s: others are %s, %s, %s", to, states(failed), states(transient), states(next))
		}
		if hooks := s.webhooks("deployment_status"); len(hooks) != 1 || hooks[0]["action"] != "created" {
			t.Errorf("%s: told %v, want the success alone", to, hooks)
		}
		s.call("POST", next, obj{"state": "inactive"}, 201, nil)
		if hooks := s.webhooks("deployment_status"); len(hooks) != 0 {
			t.Errorf("%s: told of inactive: %v", to, hooks)
		}
	}
	at := made("qa", false)
	s.call("POST", at, obj{"state": "waiting"}, 422, nil)
	s.call("POST", at, obj{"state": "success", "description": strings.Repeat("x", 141)}, 422, nil)
	s.call("POST", at, obj{"state": "in_progress", "environment": "moved"}, 201, nil)
	if got := s.Deployments("acme/shop", "moved"); len(got) != 1 || got[0].State != "in_progress" {
		t.Errorf("a status moves the environment: %+v", got)
	}
}

func TestDeploymentsNeedPermission(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.Permit("acme", "deployments", "read")
	s.call("POST", here+"/deployments", obj{"ref": "main"}, 403, nil)
	s.call("GET", here+"/deployments", nil, 200, nil)
	s.Permit("acme", "deployments", "")
	s.call("GET", here+"/deployments", nil, 403, nil)
	if got := s.ask(`{ repository(owner: "acme", name: "shop") { deployments(first: 1) { totalCount } } }`, nil); !strings.Contains(got, `"FORBIDDEN"`) {
		t.Errorf("GraphQL says %s", got)
	}
	_, err := s.Deploy(Deployment{Repo: "acme/shop"})
	must(t, err)
	if hooks := s.webhooks("deployment"); len(hooks) != 0 {
		t.Errorf("told an App that may not read deployments: %v", hooks)
	}
	s.Permit("acme", "actions", "")
	s.call("GET", here+"/environments", nil, 403, nil)
}

// What the caller does not hear of has happened all the same.
func TestADeploymentIsMadeThoughTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	s := open(t)
	main := s.Head("acme/shop", "main")
	post := func() (*http.Response, error) {
		req, err := http.NewRequest("POST", s.url+here+"/deployments", strings.NewReader(`{"ref": "main"}`))
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+s.token)
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		return resp, err
	}
	s.Fail(Fault{Route: "POST /repos/{owner}/{repo}/deployments", Status: 502, After: true})
	if resp, err := post(); err != nil || resp.StatusCode != 502 || s.CountDeployments("acme/shop", "", main) != 1 {
		t.Errorf("502: %v %v, %d deployments", resp, err, s.CountDeployments("acme/shop", "", main))
	}
	s.Fail(Fault{Route: "POST /repos/{owner}/{repo}/deployments", Reset: true, After: true})
	if resp, err := post(); err == nil || s.CountDeployments("acme/shop", "", main) != 2 {
		t.Errorf("broken connection: %v, %d deployments", resp, s.CountDeployments("acme/shop", "", main))
	}
	s.Fail(Fault{Route: "POST /repos/{owner}/{repo}/deployments", Status: 502})
	if _, err := post(); err != nil || s.CountDeployments("acme/shop", "", main) != 2 {
		t.Errorf("refused before: %v, %d deployments", err, s.CountDeployments("acme/shop", "", main))
	}
	if _, err := s.Deploy(Deployment{Repo: "acme/shop", Payload: "{"}); !errors.Is(err, ErrRefused) {
		t.Errorf("Deploy with half a payload = %v, want ErrRefused", err)
	}
}
