package main

import "slices"

// openAtGitLab are the scenarios that are not yet the same at GitLab, with what is left to do. Each that is mended leaves
// the list; one that is about GitHub's own objects says so in its forge.yml instead.
func openAtGitLab(name string) string {
	for why, names := range map[string][]string{
		"the stage has to switch merge trains on, and .gitlab-ci.yml pipelines for merge requests": {
			"finding-queue", "queue", "queue-before", "queue-dismissed", "queue-dropped", "queue-faults", "queue-override", "queue-push",
			"queue-released-heading", "queue-shuffled", "queue-two", "queue-unapproved",
		},
		"logins and addresses of bots are spelt otherwise: the policy of the scenario names GitHub's": {
			"bot", "changelog-exempt-bot", "dependabot",
		},
		"what is shown for a fork binds nobody: it needs a want-gitlab": {
			"fork", "fork-deleted", "fork-pushed",
		},
		"a status of another account under our name: it has to be looked into": {
			"foreign-run", "foreign-status",
		},
		"it has to be looked into, or needs a want-gitlab": {
			"changelog-command-refused", "changelog-command-shared-branch", "changes-requested",
			"command-reaction-refused", "finding-rewritten",
			"policy-edit-flips", "quota", "shared-head-closed",
			"shared-head-merged", "two-of-three",
		},
	} {
		if slices.Contains(names, name) {
			return why
		}
	}
	return ""
}
