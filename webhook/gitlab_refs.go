package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// branchPush: a branch that changes go into has moved, and with it the policy and what they are compared with. A push to a
// merge request's own branch is told as an update of it; it announces the first merge request where none was heard of yet.
func (h *gitlabReceiver) branchPush(ctx context.Context, p *hookBody) (m meant, err error) {
	repo, name, before, after, err := p.moved("refs/heads/")
	if err != nil {
		return m, err
	}
	if after != "" {
		h.hint(p.Commits, repo, 0, after)
	}
	switch {
	case h.target(ctx, repo, p.Project.Default, name):
		m.marks = []gate.Mark{{Kind: gate.MarkBase, Repo: repo, Base: name, Commit: after, Before: before, By: p.by(), Detail: p.pusher()}}
	case after != "" && h.Unread != nil && h.Unread(gate.Repo{Forge: h.forge, Name: repo}):
		m.marks = []gate.Mark{{Kind: gate.MarkAhead, Repo: repo}}
	}
	return m, nil
}

// tagPush: a tag was made, moved or deleted.
func (h *gitlabReceiver) tagPush(_ context.Context, p *hookBody) (m meant, err error) {
	repo, name, before, after, err := p.moved("refs/tags/")
	if err != nil {
		return m, err
	}
	m.marks = []gate.Mark{{Kind: gate.MarkTag, Repo: repo, Tag: name, Commit: after, Before: before, By: p.by()}}
	return m, nil
}

// moved is what a push tells: the ref without its prefix, and where it pointed; "" for nowhere.
func (p *hookBody) moved(prefix string) (repo, name, before, after string, err error) {
	if repo, err = p.repo(); err != nil {
		return
	}
	full, err := ref(p.Ref, "ref")
	if err != nil {
		return
	}
	name, ok := strings.CutPrefix(full, prefix)
	if !ok {
		err = fmt.Errorf("ref: does not begin with %s", prefix)
		return
	}
	if before, err = tip(p.Before, "before"); err != nil {
		return
	}
	after, err = tip(p.After, "after")
	return
}

// pusher is the numeric id of who by names, or "": a login may be given to somebody else one day.
func (p *hookBody) pusher() string {
	if p.UserID <= 0 || p.by() == "" {
		return ""
	}
	return strconv.FormatInt(p.UserID, 10)
}

// pipeline: one was started or moved on. What we posted is attached to a pipeline, so a new one starts without it, and
// promotions may wait for how it ends. One that our first status made tells of what we posted, as long as it is not green:
// others may have put theirs into it, under our names too, and a green one lets a change be merged.
func (h *gitlabReceiver) pipeline(ctx context.Context, p *hookBody) (m meant, err error) {
	var a struct {
		Ref    string `json:"ref"`
		SHA    string `json:"sha"`
		Source string `json:"source"`
		Status string `json:"status"`
	}
	if err := p.attributes(&a); err != nil {
		return m, err
	}
	repo, err := p.repo()
	if err != nil {
		return m, err
	}
	commit, err := sha(a.SHA, "object_attributes.sha")
	if err != nil {
		return m, err
	}
	m.action = a.Status
	m.marks = h.awaited(ctx, repo, commit)
	if a.Source == "external" && h.ours(p) && !slices.Contains([]string{"success", "skipped"}, a.Status) {
		m.echo = len(m.marks) == 0
		return m, nil
	}
	m.marks = p.held(m.marks, repo, a.Status)
	switch {
	case strings.HasPrefix(a.Ref, "refs/merge-requests/") && strings.HasSuffix(a.Ref, "/train"):
		m.marks = append(m.marks, boarding(p, repo, commit, a.Status))
	case p.MergeRequest != nil:
		n, err := iid(p.MergeRequest.IID, "merge_request.iid")
		if err != nil {
			return m, err
		}
		m.marks = append(m.marks, gate.Mark{Kind: gate.MarkChange, Repo: repo, Change: n})
		if h.Heads == nil || !h.headOfChange(ctx, repo, commit) {
			m.marks = append(m.marks, boarding(p, repo, commit, a.Status))
		}
	case h.heads(ctx, repo, commit):
		m.marks = append(m.marks, gate.Mark{Kind: gate.MarkHead, Repo: repo, Commit: commit})
	}
	return m, nil
}

// boarding has the commit of a merge request's pipeline looked for on the train into its target. Of such a pipeline GitLab
// tells the source branch for a ref, whether it runs on the head, on a merged result or on a train: what it is, only the forge
// can say. Where one has ended, the train may have let go of its commit or merged it.
func boarding(p *hookBody, repo, commit, status string) gate.Mark {
	g := gate.Mark{Kind: gate.MarkGroup, Repo: repo, Commit: commit}
	if p.MergeRequest != nil && p.MergeRequest.Target != "" {
		if base, err := ref(p.MergeRequest.Target, "merge_request.target_branch"); err == nil {
			g.Detail = gate.QueueRef(base)
		}
	}
	if slices.Contains([]string{"success", "failed", "canceled", "skipped"}, status) {
		g.Why = "destroyed"
	}
	return g
}

// headOfChange says whether the commit is known to be a change's own head, which no train's commit is. What cannot be found
// out is not known.
func (h *gitlabReceiver) headOfChange(ctx context.Context, repo, commit string) bool {
	is, err := h.Heads(ctx, h.forge, repo, commit)
	if err != nil {
		h.Log.Warn("cannot tell whether a change has the commit for its head", "err", err)
	}
	return is && err == nil
}

// heads says whether a change may have the commit for its head. When that cannot be found out it is looked into.
func (h *gitlabReceiver) heads(ctx context.Context, repo, commit string) bool {
	if h.Heads == nil {
		return true
	}
	is, err := h.Heads(ctx, h.forge, repo, commit)
	if err != nil {
		h.Log.Warn("cannot tell whether a change has the commit for its head", "err", err)
	}
	return is || err != nil
}

// job: one that deploys moved on or waits to be played, or one ended that a promotion may wait for.
func (h *gitlabReceiver) job(ctx context.Context, p *hookBody) (m meant, err error) {
	repo, err := p.repo()
	if err != nil {
		return m, err
	}
	commit, err := sha(p.SHA, "sha")
	if err != nil {
		return m, err
	}
	m.action = p.Job
	if slices.Contains([]string{"created", "pending", "preparing", "waiting_for_resource"}, p.Job) {
		return m, nil
	}
	m.marks = h.awaited(ctx, repo, commit)
	if !given(p.Environment) {
		return m, nil
	}
	at, err := deploysTo(p.Environment, "environment")
	if err != nil {
		return m, err
	}
	m.marks = at.mark(m.marks, repo, p.Job)
	return m, nil
}

// hookPlace is where a job deploys to, and what it does there.
type hookPlace struct {
	Name   string `json:"name"`
	Action string `json:"action"`
}

func deploysTo(raw json.RawMessage, place string) (at hookPlace, err error) {
	if err = decode(raw, &at); err == nil {
		at.Name, err = environmentName(at.Name, place+".name")
	}
	return at, err
}

// mark adds that a job moved on there. GitLab tells of no deployment that is held until it is approved, only that its job waits
// to be played: that is a reason to look what waits there. A job that stops or merely uses an environment deploys nothing.
func (at hookPlace) mark(marks []gate.Mark, repo, status string) []gate.Mark {
	held := status == "manual"
	if held && at.Action != "" && at.Action != "start" {
		return marks
	}
	i := slices.IndexFunc(marks, func(x gate.Mark) bool { return strings.EqualFold(x.Environment, at.Name) })
	if i < 0 {
		i, marks = len(marks), append(marks, gate.Mark{Kind: gate.MarkEnvironment, Repo: repo, Environment: at.Name})
	}
	if held {
		marks[i].Detail = gate.RunsWait
	}
	return marks
}

// mostPlaces bounds the environments that one pipeline may have looked at.
const mostPlaces = 20

// held adds the environments where jobs of a pipeline wait to be played, once nothing of it goes on by itself: whether GitLab
// tells of such a job alone hangs on its version. One that cannot be read is left to the sweep.
func (p *hookBody) held(marks []gate.Mark, repo, status string) []gate.Mark {
	if !slices.Contains([]string{"manual", "success", "skipped"}, status) {
		return marks
	}
	most := len(marks) + mostPlaces
	for _, b := range p.Builds {
		if b.Status != "manual" || !given(b.Environment) || len(marks) >= most {
			continue
		}
		if at, err := deploysTo(b.Environment, "builds.environment"); err == nil {
			marks = at.mark(marks, repo, b.Status)
		}
	}
	return marks
}

// deployed: a deployment was made, or moved on, or waits for leave. What it is and where it stands is read afresh.
func (h *gitlabReceiver) deployed(_ context.Context, p *hookBody) (m meant, err error) {
	repo, err := p.repo()
	if err != nil {
		return m, err
	}
	id, err := identifier(p.Deployment, "deployment_id")
	if err != nil {
		return m, err
	}
	var name string
	if json.Unmarshal(p.Environment, &name) != nil {
		return m, missing("environment")
	}
	if name, err = environmentName(name, "environment"); err != nil {
		return m, err
	}
	detail := fmt.Sprintf("deployment/%d", id)
	if p.Status == "blocked" {
		detail = fmt.Sprintf("run/%d", id)
	}
	m.action = p.Status
	m.marks = []gate.Mark{{Kind: gate.MarkEnvironment, Repo: repo, Environment: name, Detail: detail}}
	return m, nil
}

// released: a release was made of a tag, or deleted. The tag is looked at as if it had been pushed.
func (h *gitlabReceiver) released(_ context.Context, p *hookBody) (m meant, err error) {
	repo, err := p.repo()
	if err != nil {
		return m, err
	}
	var tag string
	if json.Unmarshal(p.Tag, &tag) != nil {
		return m, missing("tag")
	}
	if tag, err = ref(tag, "tag"); err != nil {
		return m, err
	}
	if m.action = p.Action; m.action == "create" || m.action == "delete" {
		m.marks = []gate.Mark{{Kind: gate.MarkTag, Repo: repo, Tag: tag}}
	}
	return m, nil
}

// member: what somebody may do has changed, and with it whose approvals count. A group's member may approve in all of the
// group's projects.
func (h *gitlabReceiver) member(_ context.Context, p *hookBody) (m meant, err error) {
	m.action = p.Name
	if !strings.HasPrefix(p.Name, "user_") || strings.Contains(p.Name, "_access_request_") {
		return m, nil
	}
	if p.ProjectPath == "" {
		m.marks = []gate.Mark{{Kind: gate.MarkSweep}}
		return m, nil
	}
	repo, err := projectPath(p.ProjectPath, "project_path_with_namespace")
	if err == nil {
		m.marks = []gate.Mark{{Kind: gate.MarkBase, Repo: repo}}
	}
	return m, err
}
