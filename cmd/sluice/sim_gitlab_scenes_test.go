package main

import (
	"testing"
)

// The life of a merge request on a GitLab that is not ours: only an open gate may be merged there.
func TestGitLabLifeOfAChange(t *testing.T) {
	t.Parallel()
	s := labbed(t)
	n := s.open(nil)
	s.shows(n, map[string]string{"sluice/changelog": red, "sluice/approval": amber, "sluice/gate": red, "sluice/tagging": green})
	s.merges(n, pipelineFailed)

	s.pushes(n, entry("Gift cards."))
	s.shows(n, map[string]string{"sluice/changelog": green, "sluice/gate": amber})
	s.merges(n, pipelineRuns)

	s.act(n, "approve", map[string]any{"user": "bo"})
	s.shows(n, map[string]string{"sluice/approval": green, "sluice/gate": green})
	s.merges(n, mergeable)

	s.act(n, "unapprove", map[string]any{"user": "bo"})
	s.shows(n, map[string]string{"sluice/approval": amber, "sluice/gate": amber})
	s.merges(n, pipelineRuns)
	s.act(n, "approve", map[string]any{"user": "bo"})
	s.shows(n, map[string]string{"sluice/gate": green})

	s.pushes(n, map[string]any{"message": "fix: more", "files": map[string]string{"gift.go": "package shop // more\n"}})
	s.shows(n, map[string]string{"sluice/changelog": green, "sluice/approval": amber, "sluice/gate": amber})
	s.merges(n, pipelineRuns)
}
