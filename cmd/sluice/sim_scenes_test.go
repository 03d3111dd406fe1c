package main

import (
	"fmt"
	"testing"
)

const (
	good, bad, waiting, skipped = "success", "failure", "in_progress", "skipped"
)

// The life of a change on a forge that is not ours: only an open gate may be merged there.
func TestSimulatorLifeOfAChange(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": bad, "sluice/approval": waiting, "sluice/gate": bad, "sluice/tagging": good})
	s.merges(n, false)

	s.pull(n, "/commits", entry("Gift cards."))
	s.shows(n, map[string]string{"sluice/changelog": good, "sluice/gate": waiting})
	s.merges(n, false)

	s.pull(n, "/reviews", map[string]any{"user": "eve", "state": "APPROVE"}) // may not write: does not count
	s.pull(n, "/reviews", map[string]any{"user": "bo", "state": "APPROVE"})
	s.shows(n, map[string]string{"sluice/approval": good, "sluice/gate": good})
	s.merges(n, true)

	s.pull(n, "/commits", map[string]any{"message": "fix: more", "files": map[string]string{"gift.go": "package shop // more\n"}})
	s.shows(n, map[string]string{"sluice/changelog": good, "sluice/approval": waiting, "sluice/gate": waiting})
	s.merges(n, false)
	s.honest()
}

func TestSimulatorLabels(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": bad})
	s.pull(n, "/labels", map[string]any{"user": "bo", "add": []string{"no-changelog"}})
	s.shows(n, map[string]string{"sluice/changelog": skipped})
	s.pull(n, "/labels", map[string]any{"user": "bo", "remove": []string{"no-changelog"}})
	s.shows(n, map[string]string{"sluice/changelog": bad})
	s.honest()
}

func TestSimulatorRetargetAndForcePush(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	s.do("POST", simRepo+"/commits", map[string]any{"branch": "next", "user": "cy", "author": "cy", "message": "policy", "files": map[string]string{
		".sluice.yml": "version: 1\nchangelog: {mode: off}\ntagging: {mode: off}\n"}})
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": bad})
	s.do("PATCH", fmt.Sprintf("%s/pulls/%d", simRepo, n), map[string]any{"user": "ana", "base": "next"})
	s.shows(n, map[string]string{"sluice/changelog": skipped, "sluice/gate": waiting})
	s.do("PATCH", fmt.Sprintf("%s/pulls/%d", simRepo, n), map[string]any{"user": "ana", "base": "main"})
	s.shows(n, map[string]string{"sluice/changelog": bad})
	with := entry("Cards.")
	with["force"] = true
	s.pull(n, "/commits", with)
	s.shows(n, map[string]string{"sluice/changelog": good})
	s.honest()
}

func TestSimulatorFork(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	s.do("POST", "/repos", map[string]any{"owner": "eve", "name": "shop", "fork_of": "acme/shop"})
	s.do("POST", "/repos/eve/shop/branches", map[string]any{"name": "cards", "from": "main", "user": "eve"})
	with := entry("Cards from afar.")
	with["branch"], with["user"], with["author"] = "cards", "eve", "eve"
	s.do("POST", "/repos/eve/shop/commits", with)
	n := s.open(map[string]any{"user": "eve", "head": "eve:cards", "files": nil})
	s.shows(n, map[string]string{"sluice/changelog": good, "sluice/gate": waiting})
	s.pull(n, "/reviews", map[string]any{"user": "bo", "state": "APPROVE"})
	s.shows(n, map[string]string{"sluice/gate": good})
	s.honest()
}

// Whatever the forge answers, the right verdict comes in the end and nothing wrong before it.
func TestSimulatorFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]map[string]any{
		"500 on reads":                   {"kind": "500", "path": "/graphql$", "count": 2},
		"502 on reads":                   {"kind": "502", "path": "/graphql$", "count": 3},
		"reset on reads":                 {"kind": "reset", "path": "/graphql$", "count": 2},
		"half an answer":                 {"kind": "truncate", "path": "/graphql$", "count": 2},
		"invalid JSON":                   {"kind": "invalid_json", "path": "/graphql$", "count": 2},
		"secondary limit":                {"kind": "secondary_rate_limit", "path": ".*", "count": 1, "retry_after": 1},
		"a slow forge":                   {"kind": "latency", "path": ".*", "latency_ms": 300, "count": 20},
		"a write that is lost":           {"kind": "502", "path": "/graphql$", "body": "CheckRun", "count": 1},
		"a write whose answer is lost":   {"kind": "502", "path": "/graphql$", "body": "createCheckRun", "count": 1, "after_effect": true},
		"a write whose answer is cut":    {"kind": "reset", "path": "/graphql$", "body": "createCheckRun", "count": 1, "after_effect": true},
		"faults on everything for a bit": {"kind": "503", "path": "/api/.*", "probability": 0.3, "count": 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := simulated(t)
			s.do("POST", "/faults", fault)
			n := s.open(nil)
			s.shows(n, map[string]string{"sluice/changelog": bad, "sluice/approval": waiting, "sluice/gate": bad})
			s.honest()
		})
	}
}

func TestSimulatorDuplicatedShuffledAndLostDeliveries(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	s.do("PATCH", "/settings", map[string]any{"webhook_duplicate": 0.5, "webhook_shuffle_ms": 200})
	var all []int
	for range 8 {
		n := s.open(nil)
		s.pull(n, "/commits", entry("Cards."))
		s.pull(n, "/reviews", map[string]any{"user": "bo", "state": "APPROVE"})
		all = append(all, n)
	}
	for _, n := range all {
		s.shows(n, map[string]string{"sluice/changelog": good, "sluice/approval": good, "sluice/gate": good})
	}
	s.honest()
}

// A group of two changes with one commit is merged only when both are all right there.
func TestSimulatorMergeQueue(t *testing.T) {
	t.Parallel()
	s := simulated(t)
	cards := s.open(nil)
	s.pull(cards, "/commits", entry("Gift cards."))
	s.pull(cards, "/reviews", map[string]any{"user": "bo", "state": "APPROVE"})
	s.shows(cards, map[string]string{"sluice/gate": good})
	till := s.open(map[string]any{"title": "fix: the till", "files": map[string]string{"till.go": "package shop\n"}, "labels": []string{}})
	s.pull(till, "/labels", map[string]any{"user": "bo", "add": []string{"no-changelog"}})
	s.shows(till, map[string]string{"sluice/changelog": skipped, "sluice/gate": waiting})

	group := s.do("POST", simRepo+"/merge_queue", map[string]any{"pulls": []int{cards, till}, "user": "cy"})
	at := group["head_sha"].(string)
	s.showsOn(at, map[string]string{"sluice/gate": waiting, "sluice/approval": waiting, "sluice/changelog": good})
	s.pull(till, "/reviews", map[string]any{"user": "bo", "state": "APPROVE"})
	s.showsOn(at, map[string]string{"sluice/gate": good, "sluice/approval": good, "sluice/changelog": good})
	s.eventually("both are merged", func() error {
		for _, n := range []int{cards, till} {
			if p := s.do("GET", fmt.Sprintf("%s/pulls/%d", simRepo, n), nil); p["merged"] != true {
				return fmt.Errorf("#%d is %v", n, p["state"])
			}
		}
		return nil
	})
	s.honest()
}

func (s *sim) merges(n int, want bool) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("change %d may be merged: %v", n, want), func() error {
		m := s.do("GET", fmt.Sprintf("%s/pulls/%d/mergeability?user=bo", simRepo, n), nil)
		if m["can_merge"] != want {
			return fmt.Errorf("can_merge is %v because %v", m["can_merge"], m["reasons"])
		}
		return nil
	})
}
