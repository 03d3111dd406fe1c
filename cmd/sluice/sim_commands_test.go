package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// say writes a comment below a change.
func (s *sim) say(n int, user, body string) {
	s.t.Helper()
	s.pull(n, "/comments", map[string]any{"user": user, "body": body})
}

// get reads the simulator's own API as somebody who may read everything.
func (s *sim) get(path string, out any) error {
	req, err := http.NewRequestWithContext(s.t.Context(), "GET", s.url+"/api/v3"+simRepo+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	if status := s.send(req, out); status != http.StatusOK {
		return fmt.Errorf("%s: %d", path, status)
	}
	return nil
}

// answered waits until the newest reply of Sluice below the change says this, and returns how many replies there are.
func (s *sim) answered(n int, want string) (replies int) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("change %d is answered %q", n, want), func() error {
		var list []struct {
			Body string
			User struct{ Login string }
		}
		if err := s.get(fmt.Sprintf("/issues/%d/comments?per_page=100", n), &list); err != nil {
			return err
		}
		replies = 0
		newest := ""
		for _, c := range list {
			if c.User.Login == "sluice[bot]" {
				replies, newest = replies+1, c.Body
			}
		}
		if !strings.Contains(newest, want) {
			return fmt.Errorf("the newest of %d replies is %q", replies, newest)
		}
		return nil
	})
	return replies
}

// Commands on a forge that is not ours: reactions, replies, rights, and what may be merged.
func TestSimulatorCommands(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": bad, "sluice/gate": bad})
	s.pull(n, "/reviews", map[string]any{"user": "bo", "state": "APPROVE"})
	s.shows(n, map[string]string{"sluice/approval": good, "sluice/gate": bad})

	s.say(n, "bo", "/sluice override changelog I would like to.")
	s.answered(n, "bo may not override here")
	s.merges(n, false)

	s.say(n, "cy", "/sluice override changelog The entry follows.")
	s.shows(n, map[string]string{"sluice/changelog": "neutral", "sluice/gate": good})
	s.answered(n, "is overridden for")
	s.merges(n, true)

	s.say(n, "cy", "/sluice hold Not on a Friday.")
	s.shows(n, map[string]string{"sluice/gate": waiting})
	s.merges(n, false)
	s.say(n, "bo", "/sluice unhold")
	s.answered(n, "needs the right")
	s.say(n, "cy", "/sluice unhold")
	s.shows(n, map[string]string{"sluice/gate": good})

	s.pull(n, "/commits", map[string]any{"message": "fix: more", "files": map[string]string{"gift.go": "package shop // more\n"}})
	s.shows(n, map[string]string{"sluice/changelog": bad, "sluice/gate": bad})
	s.merges(n, false)
	s.eventually("the first answer says what ended the override", func() error {
		var list []struct{ Body string }
		if err := s.get(fmt.Sprintf("/issues/%d/comments?per_page=100", n), &list); err != nil {
			return err
		}
		if !slices.ContainsFunc(list, func(c struct{ Body string }) bool { return strings.Contains(c.Body, "ended by a push") }) {
			return fmt.Errorf("no reply says so in %v", list)
		}
		return nil
	})
	s.reacted(n, "/sluice hold")
	s.honest()
}

// reacted waits until Sluice has reacted to the comment that begins like this.
func (s *sim) reacted(n int, comment string) {
	s.t.Helper()
	s.eventually("a reaction to "+comment, func() error {
		var list []struct {
			Body      string
			Reactions struct{ Eyes int }
		}
		if err := s.get(fmt.Sprintf("/issues/%d/comments?per_page=100", n), &list); err != nil {
			return err
		}
		for _, c := range list {
			if strings.HasPrefix(c.Body, comment) && c.Reactions.Eyes == 1 {
				return nil
			}
		}
		return fmt.Errorf("none in %v", list)
	})
}

func TestSimulatorButton(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": bad})
	sha := s.do("GET", fmt.Sprintf("%s/pulls/%d", simRepo, n), nil)["head_sha"].(string)
	var list struct {
		CheckRuns []struct {
			ID   int64
			Name string
		} `json:"check_runs"`
	}
	if err := s.get("/commits/"+sha+"/check-runs?per_page=100", &list); err != nil {
		t.Fatal(err)
	}
	for _, r := range list.CheckRuns {
		if r.Name == "sluice/changelog" {
			s.do("POST", fmt.Sprintf("%s/check_runs/%d/action", simRepo, r.ID), map[string]any{"user": "bo", "identifier": "override"})
		}
	}
	s.answered(n, "/sluice override changelog REASON")
	s.honest()
}

// A comment whose answer is lost on the way is answered once, and obeyed once.
func TestSimulatorCommandWithFaults(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": bad})
	s.do("POST", "/faults", map[string]any{"kind": "502", "path": "/issues/[0-9]+/comments$", "method": "POST", "count": 1, "after_effect": true})
	s.do("PATCH", "/settings", map[string]any{"webhook_duplicate": 1, "webhook_shuffle_ms": 30})
	s.say(n, "cy", "/sluice override changelog The entry follows.")
	s.shows(n, map[string]string{"sluice/changelog": "neutral"})
	s.say(n, "cy", "/sluice status")
	if replies := s.answered(n, "/sluice status"); replies != 2 {
		t.Errorf("%d replies to two comments", replies)
	}
	s.honest()
}

// A maintainer releases what was merged: the change that makes the version, the tag and the release, on a forge that is
// not ours; and an entry is written by command.
func TestSimulatorReleaseAndEntry(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": bad})
	s.say(n, "ana", "/sluice changelog Added: Gift cards.")
	s.answered(n, "Wrote the entry to")
	s.shows(n, map[string]string{"sluice/changelog": good})
	s.pull(n, "/reviews", map[string]any{"user": "bo", "state": "APPROVE"})
	s.shows(n, map[string]string{"sluice/gate": good})
	s.pull(n, "/merge", map[string]any{"user": "bo", "method": "merge"})

	s.say(n, "bo", "/sluice release minor")
	s.answered(n, "only maintainers release")
	s.say(n, "cy", "/sluice release minor")
	s.answered(n, "turns what is unreleased into")
	made := n + 1
	s.shows(made, map[string]string{"sluice/changelog": good, "sluice/tagging": good})
	s.pull(made, "/reviews", map[string]any{"user": "bo", "state": "APPROVE"})
	s.shows(made, map[string]string{"sluice/gate": good})
	s.pull(made, "/merge", map[string]any{"user": "bo", "method": "merge"})
	s.answered(n, "Released")
	var release struct {
		Tag  string `json:"tag_name"`
		Body string
	}
	if err := s.get("/releases/tags/v1.1.0", &release); err != nil || release.Tag != "v1.1.0" || !strings.Contains(release.Body, "Gift cards.") {
		t.Errorf("release %+v, %v", release, err)
	}
	s.honest()
}

// Two people, a revocation, and a merge past a shut gate, which is found and entered.
func TestSimulatorTwoPeopleAndAMergePastTheGate(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	s.do("PUT", simRepo+"/collaborators/eve", map[string]any{"permission": "admin"})
	s.do("POST", simRepo+"/commits", map[string]any{"branch": "main", "user": "cy", "author": "cy", "message": "two people", "files": map[string]string{".sluice.yml": simPolicy + "override: {people: 2}\n"}})
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": bad})
	s.say(n, "cy", "/sluice override changelog Urgent.")
	s.answered(n, "waits for a second person")
	s.say(n, "eve", "/sluice override changelog Seen it.")
	s.shows(n, map[string]string{"sluice/changelog": "neutral"})
	s.say(n, "cy", "/sluice revoke changelog")
	s.shows(n, map[string]string{"sluice/changelog": bad, "sluice/gate": bad})
	s.merges(n, false)
	s.pull(n, "/merge", map[string]any{"user": "cy", "method": "merge", "force": true})
	s.eventually("the merge is found and entered", func() error {
		list := exec.Command(s.serve.Path, "audit", "list", "--kind", "finding", "--json")
		list.Env = s.env
		out, err := list.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		if !strings.Contains(string(out), "while the gate was shut") {
			return fmt.Errorf("found %q", out)
		}
		return nil
	})
	verify := exec.Command(s.serve.Path, "audit", "verify")
	verify.Env = s.env
	if out, err := verify.CombinedOutput(); err != nil {
		t.Errorf("audit verify: %v\n%s", err, out)
	}
	s.honest()
}
