package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func onTier(tier string) func(*labWorld) {
	return func(w *labWorld) { w.settings["license"] = tier }
}

// The life of a merge request on a GitLab that is not ours, on every tier: only an open gate may be merged there.
func TestGitLabLifeOfAChange(t *testing.T) {
	t.Parallel()
	for _, tier := range []string{"free", "premium", "ultimate"} {
		t.Run(tier, func(t *testing.T) {
			t.Parallel()
			s := labbed(t, onTier(tier))
			n := s.open(nil)
			s.shows(n, map[string]string{"sluice/changelog": red, "sluice/approval": amber, "sluice/gate": red, "sluice/tagging": green})
			s.shut(n)

			s.pushes(n, entry("Gift cards."))
			s.shows(n, map[string]string{"sluice/changelog": green, "sluice/gate": amber})
			s.shut(n)

			s.act(n, "approve", map[string]any{"user": "bo"})
			s.shows(n, map[string]string{"sluice/approval": green, "sluice/gate": green})
			s.merges(n)

			s.act(n, "unapprove", map[string]any{"user": "bo"})
			s.shows(n, map[string]string{"sluice/approval": amber, "sluice/gate": amber})
			s.shut(n)
			s.act(n, "approve", map[string]any{"user": "bo"})
			s.shows(n, map[string]string{"sluice/gate": green})

			s.pushes(n, map[string]any{"message": "fix: more", "files": map[string]string{"gift.go": "package shop // more\n"}})
			s.shows(n, map[string]string{"sluice/changelog": green, "sluice/approval": amber, "sluice/gate": amber})
			s.shut(n)
			s.oneNote(n)
		})
	}
}

// oneNote fails unless one note of ours holds what the statuses cannot.
func (s *lab) oneNote(n int) labNote {
	s.t.Helper()
	s.settles()
	var found []labNote
	for _, x := range s.notes(n) {
		if strings.Contains(x.Body, "<!-- sluice:details -->") {
			found = append(found, x)
		}
	}
	if len(found) != 1 || !found[0].ours() || found[0].Internal {
		s.t.Fatalf("merge request %d has these notes with details: %+v", n, found)
	}
	return found[0]
}

// The statuses of a change end when it is closed, and begin anew when it is opened again.
func TestGitLabClosedAndReopened(t *testing.T) {
	t.Parallel()
	s := labbed(t)
	n := s.open(nil)
	s.pushes(n, entry("Gift cards."))
	s.shows(n, map[string]string{"sluice/changelog": green, "sluice/approval": amber, "sluice/gate": amber})
	s.act(n, "close", map[string]any{"user": "ana"})
	s.shows(n, map[string]string{"sluice/changelog": green, "sluice/approval": grey, "sluice/gate": grey})
	s.act(n, "reopen", map[string]any{"user": "ana"})
	s.shows(n, map[string]string{"sluice/changelog": green, "sluice/approval": amber, "sluice/gate": amber})
	s.act(n, "approve", map[string]any{"user": "bo"})
	s.shows(n, map[string]string{"sluice/gate": green})
	s.merges(n)
}

// What is not known does not count: GitLab's simulator tells of no label who set it. The title says which version it is.
func TestGitLabLabelsAndTitles(t *testing.T) {
	t.Parallel()
	s := labbed(t)
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": red})
	s.act(n, "label", map[string]any{"user": "bo", "add": []string{"no-changelog"}})
	s.settles()
	s.shows(n, map[string]string{"sluice/changelog": red})
	s.act(n, "update", map[string]any{"user": "ana", "title": "feat!: gift cards"})
	s.says(n, "sluice/tagging", "v2.0.0")
	s.act(n, "update", map[string]any{"user": "ana", "title": "fix: gift cards"})
	s.says(n, "sluice/tagging", "v1.0.1")
}

// says waits until a status of a merge request has this in its description.
func (s *lab) says(n int, name, want string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("%s of merge request %d says %q", name, n, want), func() error {
		m := s.change(n)
		if got := s.statuses(m.SHA, 0)[name]; !strings.Contains(got.Description, want) {
			return fmt.Errorf("it says %q", got.Description)
		}
		return nil
	})
}

func TestGitLabRetargetDraftAndForcePush(t *testing.T) {
	t.Parallel()
	s := labbed(t)
	s.shop("/commits", map[string]any{"branch": "next", "user": "cy", "message": "policy", "files": map[string]string{
		".sluice.yml": "version: 1\nchangelog: {mode: off}\ntagging: {mode: off}\n"}})
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": red})
	s.act(n, "update", map[string]any{"user": "ana", "target_branch": "next"})
	s.shows(n, map[string]string{"sluice/changelog": green, "sluice/gate": amber})
	s.act(n, "update", map[string]any{"user": "ana", "target_branch": "main"})
	s.shows(n, map[string]string{"sluice/changelog": red, "sluice/gate": red})

	s.do("DELETE", labProject+"/branches/cards", nil) // GitLab lets a branch move backwards only to who pushes; it ends and begins anew
	s.shop("/branches", map[string]any{"name": "cards", "ref": "main", "user": "ana"})
	with := entry("Cards.")
	with["branch"], with["user"] = "cards", "ana"
	s.shop("/commits", with)
	s.shows(n, map[string]string{"sluice/changelog": green, "sluice/gate": amber})

	s.act(n, "draft", map[string]any{"user": "ana"})
	s.act(n, "approve", map[string]any{"user": "bo"})
	s.shows(n, map[string]string{"sluice/approval": green, "sluice/gate": green})
	s.decided(n, "draft_status")
	s.act(n, "ready", map[string]any{"user": "ana"})
	s.merges(n)
}

// Of a fork GitLab asks no pipeline of the target project: what we say there is to be read, and stands in the merge request's
// own ref.
func TestGitLabFork(t *testing.T) {
	t.Parallel()
	s := labbed(t)
	s.do("POST", "/projects", map[string]any{"path_with_namespace": "eve/shop", "owner": "eve", "creator": "eve", "fork_of": "acme/shop"})
	with := entry("Cards from afar.")
	with["branch"], with["user"] = "cards", "eve"
	s.do("POST", "/projects/2/commits", with)
	n := s.open(map[string]any{"author": "eve", "source_project": "eve/shop", "files": nil})
	at := s.change(n).SHA
	s.showsOn(at, map[string]string{"sluice/changelog": green, "sluice/gate": amber})
	s.act(n, "approve", map[string]any{"user": "bo"})
	s.showsOn(at, map[string]string{"sluice/gate": green})
	for _, p := range s.pipelines(at) {
		if p.Ref != fmt.Sprintf("refs/merge-requests/%d/head", n) {
			t.Errorf("there is a pipeline %+v", p)
		}
	}
	s.oneNote(n)
}

// The statuses stand in the pipeline that decides, which is the project's own where there is one, and make none beside it.
func TestGitLabStatusesStandInThePipelineThatDecides(t *testing.T) {
	t.Parallel()
	s := labbed(t, func(w *labWorld) {
		w.project["files"] = map[string]string{".sluice.yml": simPolicy, "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-01-02\n\n### Added\n\n- All.\n", ".gitlab-ci.yml": "build: {script: make}\n"}
	})
	n := s.open(nil)
	own := s.runsOn(map[string]any{"merge_request": n})
	s.shows(n, map[string]string{"sluice/changelog": red, "sluice/gate": red, "build": "running"})
	s.do("POST", fmt.Sprintf("%s/pipelines/%d", labProject, own), map[string]any{"status": "success"})
	s.shut(n)
	s.settles()
	s.pipelined(n, own)

	other := s.runsOn(map[string]any{"ref": "cards", "user": "eve"}) // somebody hopes for a pipeline without us
	s.shows(n, map[string]string{"sluice/changelog": red, "sluice/gate": red, "sluice/approval": amber, "build": "running"})
	s.do("POST", fmt.Sprintf("%s/pipelines/%d", labProject, other), map[string]any{"status": "success"})
	s.settles()
	s.shut(n)
	s.pipelined(n, own, other)

	s.pushes(n, entry("Gift cards."))
	third := s.runsOn(map[string]any{"merge_request": n})
	s.act(n, "approve", map[string]any{"user": "bo"})
	s.shows(n, map[string]string{"sluice/changelog": green, "sluice/gate": green, "build": "running"})
	s.shut(n) // for its own job
	s.do("POST", fmt.Sprintf("%s/pipelines/%d", labProject, third), map[string]any{"status": "success"})
	s.merges(n)
	s.settles()
	s.pipelined(n, third)
}

// pipelined fails unless these pipelines, and no others, are on the head of a merge request.
func (s *lab) pipelined(n int, want ...int64) {
	s.t.Helper()
	var got []int64
	list := s.pipelines(s.change(n).SHA)
	for _, p := range list {
		got = append(got, p.ID)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Errorf("on the head of merge request %d are %+v, want %v", n, list, want)
	}
}

// On Premium GitLab asks for approvals of its own; they stand beside ours.
func TestGitLabApprovalRulesOfItsOwn(t *testing.T) {
	t.Parallel()
	s := labbed(t, onTier("premium"), func(w *labWorld) { w.project["approvals_required"] = 2 })
	n := s.open(nil)
	s.pushes(n, entry("Gift cards."))
	s.shows(n, map[string]string{"sluice/gate": amber})
	s.decided(n, "not_approved")
	s.act(n, "approve", map[string]any{"user": "bo"})
	s.shows(n, map[string]string{"sluice/gate": green})
	s.decided(n, "not_approved")
	s.act(n, "approve", map[string]any{"user": "cy"})
	s.merges(n)
}

// On Ultimate a merge request waits for our answer to its external status check, which is of its head and no other.
func TestGitLabExternalStatusChecks(t *testing.T) {
	t.Parallel()
	s := labbed(t, onTier("ultimate"), func(w *labWorld) {
		w.project["settings"] = map[string]any{"only_allow_merge_if_all_status_checks_passed": true}
		w.install = []string{"acme/shop", "--status-check"}
	})
	n := s.open(nil)
	s.answers(n, "failed")
	s.decided(n, "status_checks_must_pass")
	s.pushes(n, entry("Gift cards."))
	s.answers(n, "pending")
	s.decided(n, "status_checks_must_pass")
	s.act(n, "approve", map[string]any{"user": "bo"})
	s.answers(n, "passed")
	s.merges(n)
	s.pushes(n, map[string]any{"message": "fix: more", "files": map[string]string{"gift.go": "package shop // more\n"}})
	s.answers(n, "pending")
	s.decided(n, "status_checks_must_pass")
	s.pushes(n, map[string]any{"message": "docs: oops", "files": map[string]string{"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-01-02\n\n### Added\n\n- All.\n"}})
	s.answers(n, "failed")
	var list []struct{ ID int }
	s.as("root", "GET", fmt.Sprintf("/merge_requests/%d/status_checks", n), nil, &list)
	for _, x := range list { // somebody presses Retry: nothing has changed, and it is answered once more
		s.as("ana", "POST", fmt.Sprintf("/merge_requests/%d/status_checks/%d/retry", n, x.ID), map[string]any{}, nil)
	}
	s.answers(n, "failed")
	for _, c := range s.calls("path=status_check_responses") {
		if c.Status != 201 {
			t.Errorf("an answer was refused: %v", c)
		}
	}
}

// answers waits until GitLab has this for our status check of the merge request's head.
func (s *lab) answers(n int, want string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("the status check of merge request %d is %s", n, want), func() error {
		s.settles()
		var list []struct{ Name, Status string }
		s.as("root", "GET", fmt.Sprintf("/merge_requests/%d/status_checks", n), nil, &list)
		if len(list) != 1 || list[0].Name != "sluice" || list[0].Status != want {
			return fmt.Errorf("there are %+v", list)
		}
		return nil
	})
}
