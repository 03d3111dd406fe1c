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
	} {
		if slices.Contains(names, name) {
			return why
		}
	}
	return ""
}
