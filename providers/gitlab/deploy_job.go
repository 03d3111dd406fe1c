package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// ranPipeline is a pipeline, as far as it counts here.
type ranPipeline struct {
	ID     int64  `json:"id"`
	SHA    string `json:"sha"`
	Ref    string `json:"ref"`
	Source string `json:"source"`
}

// play has the job run that the policy names, in the newest pipeline of the default branch for the very commit. A job that
// waits for somebody to start it is played; one that ran before is run anew, as GitLab's own buttons for deploying again and
// for rolling back do. Neither can happen twice to one job: GitLab refuses the second call.
func (c *Client) play(ctx context.Context, a *access, s checks.Subject, o gate.Order) (int64, error) {
	job, pipeline, err := c.jobOf(ctx, a, s, o.Job)
	if err != nil {
		return 0, unread(ctx, err)
	}
	n, err := c.deploymentOf(ctx, a, s, job.ID)
	if err != nil {
		return 0, unread(ctx, err)
	}
	if n == nil {
		return 0, &gate.RefusalError{Why: fmt.Sprintf("the job %s of pipeline %d does not deploy to %s: name that environment in its `environment:`, or another job under `gitlab: {job: …}`", quoted(o.Job), pipeline, s.Environment)}
	}
	switch job.Status {
	case "manual":
		return n.ID, c.start(ctx, a, s, n)
	case "success", "failed", "canceled":
		return c.again(ctx, a, s, o, job)
	}
	return 0, notPlayable(job, pipeline)
}

// notPlayable says what has to happen before the job can be played.
func notPlayable(job *jobNode, pipeline int64) error {
	which := fmt.Sprintf("the job %s of pipeline %d", quoted(job.Name), pipeline)
	switch job.Status {
	case "created":
		return &gate.RefusalError{Why: which + " cannot be started before the jobs that it needs have ended well", Cures: true}
	case "skipped":
		return &gate.RefusalError{Why: which + " was skipped: run the pipeline anew, or mend the job that failed before it", Cures: true}
	case "scheduled":
		return &gate.RefusalError{Why: which + " starts by itself at a set time: make it `when: manual`", Cures: true}
	}
	by := "somebody"
	if job.User != nil && job.User.Username != "" {
		by = gate.Plain(job.User.Username)
	}
	return &gate.RefusalError{Why: fmt.Sprintf("%s is %s already, set going by %s: it has to end first", which, quoted(job.Status), by), Cures: true}
}

// unread is an error from before anything was sent.
func unread(ctx context.Context, err error) error {
	var refused *gate.RefusalError
	if ctx.Err() != nil || errors.As(err, &refused) {
		return err
	}
	return &gate.RefusalError{Why: "the job could not be read: " + checks.Clip(err.Error(), 200), Cures: true}
}

func quoted(s string) string { return "“" + checks.Clip(gate.Plain(s), 60) + "”" }

// jobOf finds the job by its name. Pipelines of merge requests and of tags run on other refs, and those that statuses from
// outside make have no jobs.
func (c *Client) jobOf(ctx context.Context, a *access, s checks.Subject, name string) (*jobNode, int64, error) {
	project, err := c.project(ctx, s.Repo)
	if err != nil {
		return nil, 0, err
	}
	q := url.Values{"sha": {s.Commit}, "ref": {project.DefaultBranch}, "order_by": {"id"}, "sort": {"desc"}, "per_page": {"100"}}
	var list []ranPipeline
	if _, err := a.get(ctx, at(s.Repo, "pipelines"), q, &list); err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(list, func(p ranPipeline) bool {
		return p.SHA == s.Commit && p.Ref == project.DefaultBranch && p.Source != "external"
	})
	if i < 0 {
		return nil, 0, &gate.RefusalError{Cures: true, Why: fmt.Sprintf("no pipeline of %s ran for %.8s, so there is no job %s to play: only a commit that was the tip of %s when a pipeline started has one",
			gate.Plain(project.DefaultBranch), s.Commit, quoted(name), gate.Plain(project.DefaultBranch))}
	}
	jobs, cut, err := pages[jobNode](ctx, a, at(s.Repo, "pipelines", number(list[i].ID), "jobs"), nil, 10)
	if err != nil {
		return nil, 0, err
	}
	k := -1
	for j := range jobs {
		if jobs[j].Name == name && (k < 0 || jobs[j].ID > jobs[k].ID) {
			k = j
		}
	}
	if k < 0 {
		return nil, 0, &gate.RefusalError{Cures: cut, Why: fmt.Sprintf("pipeline %d of %.8s has no job %s%s: name one that it has under `gitlab: {job: …}`, or promote a commit whose pipeline has it",
			list[i].ID, s.Commit, quoted(name), nearest(name, jobs))}
	}
	return &jobs[k], list[i].ID, nil
}

// nearest names a job of the same name in another case, which is the mistake that is made most.
func nearest(name string, jobs []jobNode) string {
	for _, j := range jobs {
		if strings.EqualFold(j.Name, name) {
			return " (it has " + quoted(j.Name) + ")"
		}
	}
	return ""
}

// deploymentOf is the deployment that a job makes here; nil: none.
func (c *Client) deploymentOf(ctx context.Context, a *access, s checks.Subject, job int64) (*deploymentNode, error) {
	is := func(n *deploymentNode) bool { return n.Job != nil && n.Job.ID == job }
	list, cut, err := c.everywhere(ctx, a, s, func(list []*deploymentNode) bool { return slices.ContainsFunc(list, is) })
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i], nil
	}
	if cut {
		return nil, fmt.Errorf("its deployment is not among the newest %d", 100*deploymentsPages)
	}
	return nil, nil
}

// start starts a job that waits, after the approvals that it waits for.
func (c *Client) start(ctx context.Context, a *access, s checks.Subject, n *deploymentNode) error {
	if n.Status != "blocked" {
		return a.playJob(ctx, s.Repo, n.Job.ID)
	}
	whole, err := a.deployment(ctx, s.Repo, n.ID)
	if err != nil {
		return unread(ctx, err)
	}
	if whole.Job == nil {
		return &gate.RefusalError{Why: "the job of the deployment is gone", Cures: true}
	}
	return c.unblock(ctx, a, s, whole, "")
}

// playJob plays a job. One that is under way or over by now was played by an earlier call, or let go by its last approval.
func (a *access) playJob(ctx context.Context, repo string, job int64) error {
	_, err := a.send(ctx, http.MethodPost, at(repo, "jobs", number(job), "play"), nil, nil, nil)
	if status(err) == http.StatusBadRequest {
		var j jobNode
		if _, lost := a.get(ctx, at(repo, "jobs", number(job)), nil, &j); lost == nil {
			me, lost := a.myself(ctx)
			if lost == nil && j.User != nil && j.User.ID == int64(me.ID) && !j.idle() && j.Status != "skipped" {
				return nil
			}
			return &gate.RefusalError{Why: fmt.Sprintf("GitLab does not let the job be played: it is %s", quoted(j.Status)), Cures: true}
		}
	}
	return undeployed(err, "let the account of Sluice's token run jobs there: the role Developer or higher, a protected branch that it may merge or push to, and where the environment is protected a place among those allowed to deploy to it")
}

// again runs a job anew that has ended. GitLab starts it at once, or leaves it for somebody to start.
func (c *Client) again(ctx context.Context, a *access, s checks.Subject, o gate.Order, old *jobNode) (int64, error) {
	var job jobNode
	_, err := a.send(ctx, http.MethodPost, at(s.Repo, "jobs", number(old.ID), "retry"), nil, nil, &job)
	switch {
	case err != nil:
		return 0, undeployed(err, "let the account of Sluice's token run jobs there, and the job be run again")
	case job.ID == 0 || job.ID == old.ID:
		return 0, &Unclear{errors.New("GitLab took the job to be run again and named none")}
	}
	n, err := c.deploymentOf(ctx, a, s, job.ID)
	switch {
	case err != nil:
		return 0, &Unclear{fmt.Errorf("find the deployment of job %d: %w", job.ID, err)}
	case n == nil:
		return 0, &Unclear{fmt.Errorf("GitLab shows no deployment of job %d yet", job.ID)}
	case job.Status == "manual":
		return n.ID, c.start(ctx, a, s, n)
	}
	return n.ID, nil
}
