package main

import (
	"strings"
	"testing"

	"github.com/sluicegate/sluice/providers/gitlab"
)

// What is said of a project has one row for each thing that GitLab does not hold back there.
func TestWhatAGitLabProjectEnforces(t *testing.T) {
	t.Parallel()
	const hook = "https://sluice.example/webhook/gitlab"
	ours := []gitlab.StatusService{{ID: 1, Name: "sluice", URL: hook}}
	for name, c := range map[string]struct {
		change      func(*gitlab.Standing)
		level, want string // "" for level: it is not said
	}{
		"as it should be":                        {func(*gitlab.Standing) {}, fine, "held back until sluice/gate has passed"},
		"pipelines need not succeed":             {func(s *gitlab.Standing) { s.Pipelines = false }, wrong, "may be merged whatever sluice/gate says"},
		"the external status check instead":      {func(s *gitlab.Standing) { s.Pipelines, s.StatusChecks, s.Services = false, true, ours }, fine, "until the external status check of Sluice has passed"},
		"somebody else's status check":           {func(s *gitlab.Standing) { s.Pipelines, s.StatusChecks = false, true }, wrong, "may be merged whatever"},
		"skipped pipelines":                      {func(s *gitlab.Standing) { s.Skipped = true }, wrong, "a pipeline that was skipped counts"},
		"no CI at all":                           {func(s *gitlab.Standing) { s.Builds = false }, wrong, "CI/CD is switched off"},
		"a reporter's token":                     {func(s *gitlab.Standing) { s.Level = 20 }, wrong, "our account is Reporter here"},
		"a developer's token":                    {func(s *gitlab.Standing) { s.Level = 30 }, advice, "our account is Developer here"},
		"an open default branch":                 {func(s *gitlab.Standing) { s.Protected = false }, wrong, "the default branch is not protected"},
		"developers push":                        {func(s *gitlab.Standing) { s.PushLevels = []int{30} }, wrong, "Developers may push"},
		"maintainers push":                       {func(s *gitlab.Standing) { s.PushLevels = []int{40} }, advice, "Maintainers may push"},
		"history is rewritten":                   {func(s *gitlab.Standing) { s.Force = true }, wrong, "may be rewritten"},
		"forks":                                  {func(s *gitlab.Standing) { s.Forks = true }, advice, "from forks are judged, and not held back"},
		"forks that are held back":               {func(s *gitlab.Standing) { s.Forks, s.Tier, s.StatusChecks, s.Services = true, "ultimate", true, ours }, "", "not held back"},
		"a status check that holds nothing back": {func(s *gitlab.Standing) { s.Tier, s.Services = "ultimate", ours }, advice, "is shown and holds nothing back"},
		"no status check on Ultimate":            {func(s *gitlab.Standing) { s.Tier = "ultimate" }, advice, "no external status check asks Sluice"},
		"approvals that outlive a push":          {func(s *gitlab.Standing) { s.Required, s.KeepsVotes = 1, true }, advice, "outlive a push"},
		"no protected environment":               {func(s *gitlab.Standing) { s.Environments = nil }, advice, "no protected environment"},
		"environments on Free":                   {func(s *gitlab.Standing) { s.Tier = "free" }, advice, "environments cannot be protected"},
		"pipelines that end early":               {func(s *gitlab.Standing) { s.CI = true }, advice, "ends before Sluice has spoken"},
		"pipelines with a job that waits":        {func(s *gitlab.Standing) { s.CI, s.Waits = true, true }, fine, "names sluice/gate"},
		"early, with a status check":             {func(s *gitlab.Standing) { s.CI, s.Tier, s.StatusChecks, s.Services = true, "ultimate", true, ours }, "", "has spoken"},
		"trains that end early":                  {func(s *gitlab.Standing) { s.Trains, s.CI = true, true }, wrong, "a merge train merges what Sluice has not judged"},
		"trains, with a status check":            {func(s *gitlab.Standing) { s.Trains, s.Tier, s.StatusChecks, s.Services = true, "ultimate", true, ours }, wrong, "a merge train merges"},
		"trains with a job that waits":           {func(s *gitlab.Standing) { s.Trains, s.CI, s.Waits = true, true, true }, "", "a merge train merges"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &gitlab.Standing{Place: gitlab.Place{Path: "acme/shop", ID: 1}, Tier: "premium", Level: 40, Default: "main", Pipelines: true, Builds: true, Required: 1, Protected: true, PushLevels: []int{0}}
			s.Environments = []gitlab.ProtectedEnvironment{{Name: "production", Count: 1}}
			c.change(s)
			level := ""
			for _, f := range enforced(s, hook) {
				if strings.Contains(f.What, c.want) {
					level = f.Level
				}
				if f.Level == wrong && (f.Why == "" || f.Cure == "") {
					t.Errorf("%+v says neither why nor what cures it", f)
				}
			}
			if level != c.level {
				t.Errorf("%q is %q, want %q, in %+v", c.want, level, c.level, enforced(s, hook))
			}
		})
	}
}
