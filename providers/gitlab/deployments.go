package gitlab

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// deploymentsPages is how many hundreds of deployments are looked through for what is live.
const deploymentsPages = 20

// deploymentNode is a deployment as GitLab tells it. What approvals it waits for is told of one that is read by itself alone.
type deploymentNode struct {
	ID          int64     `json:"id"`
	SHA         string    `json:"sha"`
	Status      string    `json:"status"`
	Created     time.Time `json:"created_at"`
	Updated     time.Time `json:"updated_at"`
	User        *userNode `json:"user"` // who started the pipeline, or called the API
	Environment *struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	} `json:"environment"`
	Job      *jobNode `json:"deployable"` // nil: made by the API
	Pending  int      `json:"pending_approval_count"`
	Approved []struct {
		User   *userNode `json:"user"`
		Status string    `json:"status"`
	} `json:"approvals"`
	Summary *struct {
		Rules []approvalRule `json:"rules"`
	} `json:"approval_summary"`
}

// jobNode is a job of a pipeline.
type jobNode struct {
	ID       int64      `json:"id"`
	Name     string     `json:"name"`
	Status   string     `json:"status"`
	Started  *time.Time `json:"started_at"`
	Finished *time.Time `json:"finished_at"`
	User     *userNode  `json:"user"` // who played it last, or started the pipeline
	URL      string     `json:"web_url"`
	Pipeline *struct {
		ID     int64  `json:"id"`
		SHA    string `json:"sha"`
		Source string `json:"source"`
	} `json:"pipeline"`
}

// idle says that a job waits for somebody to start it, or for jobs before it: nothing was begun.
func (j *jobNode) idle() bool {
	return j.Status == "manual" || j.Status == "created" || j.Status == "scheduled"
}

// begun says whether what deploys was set going. A job that is in the queue was.
func (n *deploymentNode) begun() bool {
	return n.Job == nil || n.Job.Started != nil || n.Status == "running" || n.Status == "success"
}

// state is the deployment's in our words. GitLab has a deployment for each job that could deploy, from when its pipeline is
// made: one that nobody has started is no more than a possibility.
func (n *deploymentNode) state() string {
	switch n.Status {
	case "running":
		return "in_progress"
	case "success":
		return "success"
	case "failed":
		return "failure"
	case "canceled":
		return "error"
	case "skipped":
		return "inactive"
	case "blocked":
		return "waiting"
	}
	switch {
	case n.Job == nil:
		return "pending"
	case n.Job.Status == "skipped":
		return "inactive"
	case n.Job.idle():
		return "waiting"
	}
	return "queued"
}

// by is who set it going: GitLab leaves the deployment with whoever started the pipeline, though another played the job.
func (n *deploymentNode) by() *userNode {
	if n.Job != nil && n.Job.User != nil {
		return n.Job.User
	}
	return n.User
}

// ours says whether our account made the deployment, or played its job.
func (n *deploymentNode) ours(me int64) bool {
	by := n.by()
	return by != nil && by.ID == me && n.state() != "waiting" && n.state() != "inactive"
}

// told is a deployment in our words. GitLab tells neither when it came to its state nor who brought it there: a job's end, or
// the last change of one that the API made, stands for that.
func (c *Client) told(n *deploymentNode, me int64, web string) checks.Deployment {
	d := checks.Deployment{ID: n.ID, Commit: n.SHA, At: n.Created.UTC(), State: n.state(), StateAt: n.Updated.UTC(), Creator: c.someone(n.by()), Ours: n.ours(me)}
	if n.Job != nil || !n.Updated.After(n.Created) {
		d.StateBy = d.Creator
	}
	if n.Environment != nil {
		d.URL = fmt.Sprintf("%s/-/environments/%d", web, n.Environment.ID)
	}
	if j := n.Job; j != nil {
		d.Workflow, d.Begun, d.Run = true, n.begun(), n.ID
		if linked(j.URL) {
			d.URL = j.URL
		}
		if j.Finished != nil {
			d.StateAt = j.Finished.UTC()
		}
	}
	if n.Status == "success" {
		d.Live = d.StateAt
	}
	return d
}

// someone is an account, without asking what it is: its name tells, and what is known already.
func (c *Client) someone(u *userNode) checks.Person {
	p := (&reading{c: c}).person(u)
	if known, ok := c.memory.kinds.Get(p.ID); ok && p.Kind == "user" {
		p.Kind = known.kind
	}
	return p
}

// linked says whether people may follow an address: one on the web, without a user's name, which could be made to look like
// a host.
func linked(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && len(s) <= 2000
}

// list reads an environment's deployments, the newest first, page by page until enough says so. cut says that it ended before.
func (a *access) deployments(ctx context.Context, repo, environment string, enough func([]*deploymentNode) bool) (list []*deploymentNode, cut bool, err error) {
	q := url.Values{"environment": {environment}, "order_by": {"id"}, "sort": {"desc"}, "per_page": {"100"}}
	for page := 1; ; page++ {
		q.Set("page", strconv.Itoa(page))
		var some []*deploymentNode
		resp, err := a.get(ctx, at(repo, "deployments"), q, &some)
		if err != nil {
			return nil, false, err
		}
		for _, n := range some {
			switch {
			case n == nil || n.ID == 0 || !objectID(n.SHA) || n.Environment == nil:
				return nil, false, fmt.Errorf("read the deployments to %s: GitLab left one out of its answer", checks.Clip(environment, 60))
			case !strings.EqualFold(n.Environment.Name, environment):
				return nil, false, fmt.Errorf("read the deployments to %s: GitLab answered with one to %s", checks.Clip(environment, 60), checks.Clip(n.Environment.Name, 60))
			}
			if !slices.ContainsFunc(list, func(o *deploymentNode) bool { return o.ID == n.ID }) { // one that moved between pages
				list = append(list, n)
			}
		}
		switch {
		case last(resp, len(some)), enough(list):
			return list, false, nil
		case page == deploymentsPages:
			return list, true, nil
		}
	}
}

// everywhere reads the deployments of an environment in all spellings, the newest first.
func (c *Client) everywhere(ctx context.Context, a *access, s checks.Subject, enough func([]*deploymentNode) bool) (list []*deploymentNode, cut bool, err error) {
	spelt, err := c.spellings(ctx, a, s)
	if err != nil {
		return nil, false, err
	}
	for _, name := range spelt.names() {
		some, short, err := a.deployments(ctx, s.Repo, name, enough)
		if err != nil {
			return nil, false, err
		}
		list, cut = append(list, some...), cut || short
	}
	slices.SortFunc(list, func(x, y *deploymentNode) int { return int(min(max(y.ID-x.ID, -1), 1)) })
	return list, cut, nil
}

// succeeded says whether one of them is live or was.
func succeeded(list []*deploymentNode) bool {
	return slices.ContainsFunc(list, func(n *deploymentNode) bool { return n.Status == "success" })
}
