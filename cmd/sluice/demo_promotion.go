package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/providers/pretend"
)

// The second half of the story: the merged change goes through its environments. The pretend forge plays the pipeline,
// which deploys what Sluice asks for by creating deployments, and says how that went.

// shopEnvironments are the environments of the shop's policy. The soak is short, so that the story does not take its time.
const shopEnvironments = `environments:
  development:
    deploy: on-merge
  integration:
    after: development
    deploy: automatic
    verify: [smoke-tests]
    soak: 2s
  production:
    after: integration
    approval:
      - {name: release manager, from: {teams: [acme/release]}}
    separate: [author]
    lineage: enforce
    changes: enforce
`

const beforeTheMerge = `
The gate is open; from here on the change goes through the environments of the policy: development on merge, integration once
it is well there, production when somebody asks for it and a release manager agrees. The pipeline of the shop deploys whatever
deployment Sluice creates, and nothing else.
`

// shopIsLive has v1.2.0 deployed everywhere, by the pipeline, from before Sluice came.
func shopIsLive(f *pretend.Forge) error {
	for _, name := range []string{"development", "integration", "production"} {
		if _, err := f.Deploy(pretend.Deployment{Repo: shop, Ref: "v1.2.0", Environment: name, App: "pipeline"}); err != nil {
			return err
		}
		if err := pipeline(name, "success")(f); err != nil {
			return err
		}
	}
	return nil
}

// pipeline says something of the newest deployment into an environment.
func pipeline(environment, state string) func(*pretend.Forge) error {
	return func(f *pretend.Forge) error {
		return f.DeploymentStatus(pretend.DeploymentStatus{Repo: shop, Environment: environment, State: state, App: "pipeline"})
	}
}

func promotionScenes() []scene {
	says := func(who, line string) func(*pretend.Forge) error {
		return func(f *pretend.Forge) error { _, err := f.Comment(shop, 1, who, line); return err }
	}
	return []scene{
		{told: "bo merges. Development follows by itself: Sluice judges the merge commit, and creates the deployment.",
			act: func(f *pretend.Forge) error { _, err := f.Merge(shop, 1, "bo", false); return err }},
		{told: "The pipeline has deployed it to development. That is well, and so integration follows by itself.",
			act: pipeline("development", "success")},
		{told: "It is live in integration, and soaks there for 2 s; the smoke tests have still to turn green.",
			act: pipeline("integration", "success")},
		// They take a second, for that is the smallest that a forge tells: what turns green within the very second in which
		// something went live may have been green before.
		{told: "The smoke tests turn green, and the soak ends. Production waits until somebody asks for it.",
			act: func(f *pretend.Forge) error {
				return f.Report(pretend.Report{Repo: shop, Commit: "main", Name: "smoke-tests", State: "success", App: "ci"})
			}, takes: time.Second, comes: "sluice/deploy (integration) success"},
		{told: "cy keeps everything away from production for a while: `/sluice lock production The fair opens at noon.`",
			act: says("cy", "/sluice lock production The fair opens at noon.")},
		{told: "bo asks for it nevertheless, below the merged change: `/sluice deploy production`. It waits for two things.",
			act: says("bo", "/sluice deploy production")},
		{told: "ana, who wrote the change, approves: `/sluice approve production`. She may not: she is no release manager.",
			act: says("ana", "/sluice approve production")},
		{told: "cy may: `/sluice approve production`. The lock holds still.",
			act: says("cy", "/sluice approve production")},
		{told: "The fair is open, and bo takes the lock off: `/sluice unlock production`. Every line holds: Sluice judges once more, and deploys.",
			act: says("bo", "/sluice unlock production")},
		{told: "The pipeline has deployed it: the gift cards are live.",
			act: pipeline("production", "success")},
	}
}

// tellPromotions prints what is new on the merge commit, among the deployments, and among the answers to commands.
func (d *stage) tellPromotions() {
	commit := d.forge.Head(shop, "main")
	for i, c := range d.forge.Said(shop, 1) {
		first, _, _ := strings.Cut(c.Body, "\n")
		if strings.HasSuffix(c.By, "[bot]") && strings.Contains(first, "/sluice ") {
			d.news(fmt.Sprintf("comment %d", i), "↳ answers: "+strings.NewReplacer("**", "", "`", "").Replace(first))
		}
	}
	for _, s := range d.forge.ShownOn(shop, commit) {
		if strings.HasPrefix(s.Name, "sluice/deploy ") {
			d.show(s, true)
		}
	}
	for _, x := range d.forge.Deployments(shop, "") {
		if x.Commit != commit {
			continue
		}
		state := x.State
		if state == "" {
			state = "the pipeline takes it up"
		}
		d.news(fmt.Sprintf("deployment %d", x.ID), fmt.Sprintf("⇒ deployment %d of %.8s into %s, created by %s: %s", x.ID, x.Commit, x.Environment, x.By, state))
	}
}

// news prints a line that was not said before.
func (d *stage) news(of, line string) {
	if d.told[of] != line {
		d.told[of] = line
		fmt.Fprintln(d.out, "   "+line)
	}
}

// promoted says whether the forge shows a check on the newest commit as this: its name and state; "": nothing is waited for.
func (d *stage) promoted(want string) bool {
	return want == "" || slices.ContainsFunc(d.forge.ShownOn(shop, d.forge.Head(shop, "main")), func(s pretend.Shown) bool {
		return s.Name+" "+strings.ToLower(s.State) == want
	})
}
