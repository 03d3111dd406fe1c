package main

import "slices"

// openAtGitLab are the scenarios that are not yet the same at GitLab, with what is left to do. Each that is mended leaves
// the list; one that is about GitHub's own objects says so in its forge.yml instead.
func openAtGitLab(name string) string {
	for why, names := range map[string][]string{
		"a job that waits at a protected environment is found when the environment is looked at; the acts have to wait for that": {
			"promotion-run-broken-policy", "promotion-run-cancelled", "promotion-run-newer", "promotion-run-ours",
			"promotion-run-ours-cancelled", "promotion-run-ours-locked", "promotion-run-outwaits", "promotion-run-rejected",
			"promotion-run-reports", "promotion-run-second-job", "promotion-run-unguarded", "promotion-run-waits",
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
