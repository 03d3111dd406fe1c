package pretend

import (
	"fmt"
	"slices"
	"time"
)

// patience is how long a job waits at an environment before it fails.
const patience = 30 * 24 * time.Hour

// gate is one thing that a job waits for: an App's rule, a reviewer, or, with neither, the time.
type gate struct {
	app      *App
	reviewed bool
	until    time.Time
	state    string // pending, approved, rejected
	reports  int    // without a state
}

// gateReview is one entry of what was said of the run at its environments.
type gateReview struct {
	place   *environment
	state   string // approved, rejected; pending: a report
	comment string
	by      *User
}

// gates are those that a job meets that comes now.
func (e *environment) gates(now time.Time) (list []*gate) {
	for _, c := range e.rules {
		list = append(list, &gate{app: c.app, state: "pending"})
	}
	if len(e.reviewers) > 0 {
		list = append(list, &gate{reviewed: true, state: "pending"})
	}
	if e.wait > 0 {
		list = append(list, &gate{until: now.Add(time.Duration(e.wait) * time.Minute), state: "pending"})
	}
	return list
}

// askRule asks the App under test whether the job may enter; a rule of another App is not our business.
func (f *Forge) askRule(j *job) {
	w := j.run
	pulls := []any{}
	for _, p := range w.repo.pulls {
		if p.head == w.commit && !p.Closed && p.headRepo == w.repo {
			pulls = append(pulls, f.renderPull(p))
		}
	}
	f.emitDeploy("deployment_protection_rule", "requested", j.deployment, w.by, obj{"environment": j.place.name, "event": w.event, "sha": w.commit.id,
		"ref": "refs/heads/" + w.branch, "deployment": f.renderDeployment(j.deployment), "pull_requests": pulls,
		"deployment_callback_url": fmt.Sprintf("%s/repos/%s/actions/runs/%d/deployment_protection_rule", f.api(), w.repo.Name, w.id)})
}

// settleGate settles one gate of a job.
func (f *Forge) settleGate(j *job, g *gate, state string, by *User, comment string) error {
	j.run.reviews = append(j.run.reviews, &gateReview{place: j.place, state: or(state, "pending"), comment: comment, by: by})
	switch g.state = or(state, "pending"); {
	case state == "":
		g.reports++
	case state == "rejected":
		return f.finish(j, "failure")
	case !slices.ContainsFunc(j.gates, func(g *gate) bool { return g.state != "approved" }):
		return f.enter(j)
	}
	return nil
}

// pass lets time do what it does: a timer runs out, and who waited for too long fails.
func (w *workflowRun) pass(f *Forge) error {
	for _, j := range w.jobs {
		if j.status == "waiting" && !f.now().Before(j.at.Add(patience)) {
			if err := f.finish(j, "failure"); err != nil {
				return err
			}
		}
		for _, g := range j.gates {
			if j.status == "waiting" && g.state == "pending" && !g.until.IsZero() && !f.now().Before(g.until) {
				if g.state = "approved"; !slices.ContainsFunc(j.gates, func(g *gate) bool { return g.state != "approved" }) {
					if err := f.enter(j); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// Bypass has an admin let the newest job into an environment, whatever it waits for. The App hears of it only by the
// deployment going on.
func (f *Forge) Bypass(repo, environment, by, comment string) error {
	if f.lab != nil {
		return refusedAct("GitLab lets nobody pass a protected environment by")
	}
	return f.work(repo, environment, func(j *job) error {
		who := f.user(by, "")
		if j.status != "waiting" || j.place.noBypass || j.run.repo.role(who) != "admin" {
			return fmt.Errorf("bypass of %s by %s: %w", environment, by, ErrRefused)
		}
		j.run.reviews = append(j.run.reviews, &gateReview{place: j.place, state: "approved", comment: comment, by: who})
		for _, g := range j.gates {
			g.state = "approved"
		}
		return f.enter(j)
	})
}

// Admit has a reviewer of the environment answer for the newest job there: approved or rejected.
// At GitLab the job then waits to be started by hand: see Play.
func (f *Forge) Admit(repo, environment, by, state, comment string) error {
	if f.lab != nil {
		return f.lab.admit(repo, environment, by, state, comment)
	}
	return f.work(repo, environment, func(j *job) error {
		i := slices.IndexFunc(j.gates, func(g *gate) bool { return g.reviewed && g.state == "pending" })
		who := f.user(by, "")
		if i < 0 || j.status != "waiting" || !slices.Contains(j.place.reviewers, who) || !slices.Contains([]string{"approved", "rejected"}, state) {
			return fmt.Errorf("%s at %s by %s: %w", state, environment, by, ErrRefused)
		}
		return f.settleGate(j, j.gates[i], state, who, comment)
	})
}
