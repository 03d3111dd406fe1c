package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/providers/gitlab"
)

// enforced says of a project what GitLab makes of Sluice's word there, by its tier and settings, and what it does not.
// hook is the address of ours that an external status check would ask.
func enforced(s *gitlab.Standing, hook string) (list []finding) {
	about := s.Place.String()
	say := func(level, what, why, cure string) { list = append(list, finding{level, about, what, why, cure}) }
	service := asksUs(s, hook)
	if s.Level < 40 {
		level := map[bool]string{true: wrong, false: advice}[s.Level < 30]
		say(level, fmt.Sprintf("our account is %s here.", levelName(s.Level)),
			"statuses need Developer; webhooks, protected tags and answers to blocked deployments need Maintainer.",
			"give the token's account, or the token itself, the role Maintainer.")
	}
	if !s.Builds {
		say(wrong, "CI/CD is switched off.", "without it there are no pipelines, and commit statuses hold nothing back.",
			"Settings > General > Visibility, project features, permissions: switch CI/CD on. No .gitlab-ci.yml is needed.")
	}
	switch {
	case s.Pipelines:
		say(fine, "a merge request is held back until sluice/gate has passed (pipelines must succeed).", "", "")
	case s.StatusChecks && service:
		say(fine, "a merge request is held back until the external status check of Sluice has passed.", "", "")
	default:
		say(wrong, "a merge request may be merged whatever sluice/gate says.", "\"Pipelines must succeed\" is off.",
			"Settings > Merge requests > Merge checks: tick \"Pipelines must succeed\" (API: PUT /projects/"+fmt.Sprint(s.Place.ID)+" only_allow_merge_if_pipeline_succeeds=true).")
	}
	if s.Skipped {
		say(wrong, "a pipeline that was skipped counts as one that succeeded.", "whoever writes [skip ci] into a commit message gets past the gate.",
			"Settings > Merge requests > Merge checks: untick \"Skipped pipelines are considered successful\" (API: allow_merge_on_skipped_pipeline=false).")
	}
	list = append(list, early(s, about, service)...)
	return append(append(list, unguarded(s, about)...), byTier(s, about, hook, service)...)
}

// early says that a pipeline of the project's own may end before Sluice has spoken in it: GitLab then merges by that.
func early(s *gitlab.Standing, about string, service bool) []finding {
	const cure = "add the job that waits for sluice/gate, from docs/gitlab.md, to what describes the pipelines (.gitlab-ci.yml)"
	switch {
	case s.Waits && (s.CI || s.Trains):
		return []finding{{fine, about, "a job in its pipelines names sluice/gate, and so they do not end before that is there.", "", ""}}
	case s.Trains:
		return []finding{{wrong, about, "a merge train merges what Sluice has not judged, if its pipeline ends before Sluice has spoken.",
			"Sluice's statuses stand in the train's own pipeline from when it was told of that, and an external status check is of the source's head, not of the train's commit.", cure + "."}}
	case s.CI && s.Pipelines && !(service && s.StatusChecks):
		return []finding{{advice, about, "a pipeline that ends before Sluice has spoken in it lets a merge request be merged.",
			"Sluice's statuses stand in the pipeline from when it was told of that: seconds, as a rule, and longer while the server is away.", cure + ", or use the external status check of Ultimate."}}
	}
	return nil
}

// unguarded says how the default branch may be reached past any merge request.
func unguarded(s *gitlab.Standing, about string) (list []finding) {
	say := func(level, what, why, cure string) { list = append(list, finding{level, about, what, why, cure}) }
	const where = "Settings > Repository > Protected branches: "
	switch {
	case s.Default == "":
		say(advice, "there is no default branch yet.", "the policy is read from it.", "push a first commit.")
	case !s.Protected:
		say(wrong, "the default branch is not protected.", "whoever may push gets past any merge request.", where+"protect "+s.Default+", and allow nobody to push.")
	case slices.Contains(s.PushLevels, 30):
		say(wrong, "Developers may push to the default branch.", "what is pushed comes past any merge request.", where+"set \"Allowed to push and merge\" of "+s.Default+" to \"No one\".")
	case slices.Contains(s.PushLevels, 40):
		say(advice, "Maintainers may push to the default branch.", "what they push comes past any merge request; it is entered as a finding.", where+"set \"Allowed to push and merge\" of "+s.Default+" to \"No one\".")
	}
	if s.Force {
		say(wrong, "the default branch may be rewritten.", "history that was judged can be replaced by one that was not.", where+"switch \"Allowed to force push\" off.")
	}
	return list
}

// byTier says what the tier has to offer, and what it lacks.
func byTier(s *gitlab.Standing, about, hook string, service bool) (list []finding) {
	say := func(level, what, why, cure string) { list = append(list, finding{level, about, what, why, cure}) }
	if s.Tier == "ultimate" {
		switch {
		case !service:
			say(advice, "no external status check asks Sluice.", "it would hold back merge requests from forks too, which pipelines do not.", "sluice gitlab install --status-check "+s.Place.Path)
		case !s.StatusChecks:
			say(advice, "the external status check of Sluice is shown and holds nothing back.", "\"Status checks must succeed\" is off.",
				"Settings > Merge requests > Merge checks: tick \"Status checks must succeed\" (API: only_allow_merge_if_all_status_checks_passed=true).")
		}
	}
	if s.Forks && !(service && s.StatusChecks) {
		say(advice, "merge requests from forks are judged, and not held back.", "the pipeline that must succeed is the fork's own, and Sluice's statuses are not in it; only external status checks (Ultimate) reach there.",
			"let contributors work in branches of the project: Settings > General > Visibility: Forks \"Only project members\" or off; and have Maintainers look at sluice/gate before they merge a fork's.")
	}
	if s.Tier == "free" && s.Level < 40 { // who is no Maintainer is not shown what the tier has
		return list
	}
	if s.Tier == "free" {
		say(advice, "approvals are counted by Sluice alone, in sluice/approval.", "GitLab Free has no approval rules.", "")
		say(advice, "environments cannot be protected.", "whoever may run a deploying job gets past the gate; Sluice finds it afterwards and records it as outside the gate.",
			"let the deploying job run for deployments that Sluice makes alone, or play it through `gitlab: {job: ...}` of the environment, in a project whose jobs only Maintainers may run; Premium has protected environments.")
		return list
	}
	if s.Required == 0 {
		say(advice, "no approval rule of GitLab's own asks for anybody.", "approvals are counted by Sluice, in sluice/approval.", "")
	}
	if s.Required > 0 && s.KeepsVotes {
		say(advice, "GitLab's own approvals outlive a push.", "Sluice counts only those of the head commit; GitLab's own rule may be met by older ones.", "Settings > Merge requests > Merge request approvals: tick \"Remove all approvals\" when a commit is added.")
	}
	var guarded []string
	for _, e := range s.Environments {
		if e.Approvals() > 0 {
			guarded = append(guarded, e.Name)
		}
	}
	if len(guarded) == 0 {
		say(advice, "no protected environment waits for an approval.", "whoever may run a deploying job there gets past the gate; Sluice finds it afterwards.",
			"Settings > CI/CD > Protected environments: protect production with one required approval by Sluice's account, and deploying jobs wait for the gate.")
	} else {
		say(fine, "deploying jobs wait for an approval at "+strings.Join(guarded, ", ")+".", "", "")
	}
	return list
}

func levelName(level int) string {
	names := map[int]string{0: "no member", 5: "a guest with minimal access", 10: "Guest", 15: "Planner", 20: "Reporter", 30: "Developer", 40: "Maintainer", 50: "Owner"}
	if name, ok := names[level]; ok {
		return name
	}
	return fmt.Sprintf("of access level %d", level)
}
