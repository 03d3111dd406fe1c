package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Whatever GitLab answers, the right verdict comes in the end and nothing wrong before it; and nothing is said twice.
func TestGitLabFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]map[string]any{
		"500 on reads":                   {"status": 500, "path": "/api/v4/projects/", "method": "GET", "count": 3},
		"502 on reads":                   {"status": 502, "path": "/api/v4/projects/", "method": "GET", "count": 3},
		"reset on reads":                 {"kind": "reset", "path": "/api/v4/projects/", "method": "GET", "count": 3},
		"half an answer":                 {"kind": "truncate", "path": "/api/v4/projects/", "method": "GET", "count": 3},
		"too many reads":                 {"status": 429, "retry_after": 1, "path": "/merge_requests/1", "method": "GET", "count": 2},
		"a slow forge":                   {"latency_ms": 300, "path": "/api/v4/", "count": 20},
		"a status that is lost":          {"status": 502, "path": "/statuses/", "method": "POST", "count": 1, "skip": 1},
		"a status whose answer is lost":  {"status": 502, "path": "/statuses/", "method": "POST", "count": 2, "after_effect": true},
		"a status whose answer is cut":   {"kind": "reset", "path": "/statuses/", "method": "POST", "count": 2, "after_effect": true},
		"a status answered by half":      {"kind": "truncate", "path": "/statuses/", "method": "POST", "count": 2, "after_effect": true},
		"too many statuses":              {"status": 429, "retry_after": 1, "path": "/statuses/", "method": "POST", "count": 2},
		"a note whose answer is lost":    {"status": 500, "path": "/notes$", "method": "POST", "count": 1, "after_effect": true},
		"a note whose answer is cut":     {"kind": "reset", "path": "/notes$", "method": "POST", "count": 1, "after_effect": true},
		"a note that is lost":            {"status": 503, "path": "/notes$", "method": "POST", "count": 1},
		"faults on everything for a bit": {"status": 503, "path": "/api/", "probability": 0.3, "count": 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := labbed(t)
			s.do("POST", "/faults", fault)
			n := s.open(nil)
			s.shows(n, map[string]string{"sluice/changelog": red, "sluice/approval": amber, "sluice/gate": red, "sluice/tagging": green, "sluice/config-separation": green})
			s.eventually("there is a note", func() error {
				if list := s.notes(n); !slices.ContainsFunc(list, func(x labNote) bool { return strings.Contains(x.Body, "sluice:details") }) {
					return fmt.Errorf("the notes are %+v", list)
				}
				return nil
			})
			s.pushes(n, entry("Gift cards."))
			s.act(n, "approve", map[string]any{"user": "bo"})
			s.shows(n, map[string]string{"sluice/changelog": green, "sluice/approval": green, "sluice/gate": green})
			s.merges(n)
			s.oneNote(n)
			s.pipelined(n, s.change(n).Pipeline.ID)
			s.once(n)
		})
	}
}

// once fails when a status stands in a pipeline twice: as one that is under way beside another of its name.
func (s *lab) once(n int) {
	s.t.Helper()
	var list []labStatus
	s.as("root", "GET", "/repository/commits/"+s.change(n).SHA+"/statuses?per_page=100&all=true", nil, &list)
	open := map[string]int{}
	for _, x := range list {
		if x.Status == amber || x.Status == "running" {
			open[x.Name]++
		}
	}
	for name, times := range open {
		if times > 1 {
			s.t.Errorf("%s is under way %d times: %+v", name, times, list)
		}
	}
}

func TestGitLabDuplicatedShuffledAndLostDeliveries(t *testing.T) {
	t.Parallel()
	s := labbed(t, func(w *labWorld) { w.env = []string{"SLUICE_SWEEP=5s"} })
	s.do("POST", "/webhook_options", map[string]any{"duplicates": 0.5, "shuffle_ms": 200, "drop": 0.2, "concurrency": 4, "seed": 7})
	var all []int
	for i := range 6 {
		n := s.open(map[string]any{"source_branch": fmt.Sprint("cards", i)})
		s.pushes(n, entry("Cards."))
		s.act(n, "approve", map[string]any{"user": "bo"})
		all = append(all, n)
	}
	for _, n := range all {
		s.shows(n, map[string]string{"sluice/changelog": green, "sluice/approval": green, "sluice/gate": green})
		s.merges(n)
	}
}

// What no delivery told of, a sweep over open merge requests finds.
func TestGitLabMissedEvents(t *testing.T) {
	t.Parallel()
	s := labbed(t, func(w *labWorld) { w.env = []string{"SLUICE_SWEEP=2s"} })
	s.do("POST", "/webhook_options", map[string]any{"drop": 1})
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": red, "sluice/approval": amber})
	s.pushes(n, entry("Gift cards."))
	s.shows(n, map[string]string{"sluice/changelog": green, "sluice/gate": amber})
	s.act(n, "approve", map[string]any{"user": "bo"})
	s.shows(n, map[string]string{"sluice/gate": green})
	s.merges(n)
}

// A server that was away finds its webhook switched off when it starts, and what was missed in the meantime.
func TestGitLabHookThatWasSwitchedOff(t *testing.T) {
	t.Parallel()
	s := labbed(t)
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": red})
	s.settles()
	s.stops()
	for range 5 { // after four failures GitLab stops sending
		s.pushes(n, map[string]any{"message": "fix: more"})
		s.do("POST", "/flush", map[string]any{})
	}
	if got := s.alert(); got == "executable" {
		t.Fatalf("the webhook is %s after its server was away", got)
	}
	s.pushes(n, entry("Gift cards."))
	s.startServer(s.serve.Path)
	s.shows(n, map[string]string{"sluice/changelog": green, "sluice/gate": amber})
	s.eventually("the webhook is on again", func() error {
		if got := s.alert(); got != "executable" {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
	s.act(n, "approve", map[string]any{"user": "bo"})
	s.shows(n, map[string]string{"sluice/gate": green})
	s.merges(n)
}

// alert is how GitLab stands to the webhook.
func (s *lab) alert() string {
	s.t.Helper()
	var list []struct {
		Alert string `json:"alert_status"`
	}
	s.as("root", "GET", "/hooks", nil, &list)
	if len(list) != 1 {
		s.t.Fatalf("there are webhooks %+v", list)
	}
	return list[0].Alert
}

// What sluice doctor says of a project that is as it should be.
func TestGitLabDoctor(t *testing.T) {
	t.Parallel()
	s := labbed(t)
	out := s.runs(s.serve.Path, "doctor")
	if !strings.Contains(out, "its webhook is there") || strings.Contains(out, "s3cret") || strings.Contains(out, "glpat-") {
		t.Errorf("doctor says\n%s", out)
	}
	again := s.runs(s.serve.Path, "gitlab", "install", "acme")
	if !strings.Contains(again, "the webhook is as it should be; nothing changed") {
		t.Errorf("install says\n%s", again)
	}
	s.alert()
}

// What sluice doctor says of a project where nothing is as it should be, of which install was never told, and of one whose
// webhook GitLab switched off: each with what cures it, and with an exit that says so.
func TestGitLabDoctorFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := labbed(t, func(w *labWorld) {
		w.install = nil
		w.project["settings"] = map[string]any{"only_allow_merge_if_pipeline_succeeds": false, "allow_merge_on_skipped_pipeline": true}
		w.project["protected_branches"] = []any{map[string]any{"name": "main", "push_access_level": "developer", "merge_access_level": "developer"}}
	})
	out := s.fails(1, "doctor")
	for _, want := range []string{"there is no webhook to http://" + s.hook + "/webhook/gitlab", "cure  sluice gitlab install acme/shop", "may be merged whatever sluice/gate says",
		"a pipeline that was skipped counts", "Developers may push to the default branch", "4 wrong"} {
		if !strings.Contains(out, want) {
			t.Errorf("doctor does not say %q:\n%s", want, out)
		}
	}
	s.shop("/hooks", map[string]any{"url": "http://" + s.hook + "/webhook/gitlab", "token": "another", "merge_requests_events": true})
	out = s.fails(1, "doctor")
	for _, want := range []string{"its webhook is not as it must be", "it is not sent note_events", "its secret may be another one"} {
		if !strings.Contains(out, want) {
			t.Errorf("doctor does not say %q of a webhook that somebody else made:\n%s", want, out)
		}
	}
	if said := s.runs(s.serve.Path, "gitlab", "install", "acme/shop"); !strings.Contains(said, "webhook mended: ") {
		t.Errorf("install says\n%s", said)
	}
	out = s.fails(1, "doctor", "--json")
	var report struct {
		Version, Wrong int
		Findings       []finding
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.Version != 1 || report.Wrong != 3 || len(report.Findings) < 6 {
		t.Errorf("doctor --json says %v\n%s", err, out)
	}
	s.shop("/commits", map[string]any{"user": "cy", "branch": "main", "message": "ci: build", "files": map[string]string{".gitlab-ci.yml": "build: {script: [make]}\n"}})
	s.try("PATCH", "/_sim"+labProject, map[string]any{"settings": map[string]any{"only_allow_merge_if_pipeline_succeeds": true}}, nil)
	if out = s.fails(1, "doctor"); !strings.Contains(out, "a pipeline that ends before Sluice has spoken") {
		t.Errorf("doctor does not tell of a pipeline that may end too soon:\n%s", out)
	}
	s.env = append(s.env, "SLUICE_GITLAB_TOKEN=glpat-of-nobody-at-all")
	if out = s.fails(1, "doctor"); !strings.Contains(out, "it cannot be used") || strings.Contains(out, "glpat-of-nobody") {
		t.Errorf("doctor says of a token that is none\n%s", out)
	}
}

// fails runs a command that has to end in this way, and returns what it said.
func (s *lab) fails(code int, args ...string) string {
	s.t.Helper()
	c := exec.Command(s.serve.Path, args...)
	c.Env = s.env
	out, err := c.Output()
	if got := c.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("sluice %s: exit %d, want %d: %v\n%s", strings.Join(args, " "), got, code, err, out)
	}
	return string(out)
}
