package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gitlab "github.com/xanzy/go-gitlab"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// place is where a commit's statuses go: into a pipeline, or, where there is none, into the one that GitLab makes of them
// for a branch, a tag or a merge request's ref.
type place struct {
	sha      string
	pipeline int64  // 0: none yet
	ref      string // where there is no pipeline: "" leaves it to GitLab
}

// headPipeline is a merge request's head, and the pipeline that decides whether it may be merged.
type headPipeline struct {
	head string // the source branch's commit
	sha  string // of the pipeline: the head, or a merge of it
	id   int64  // 0: none, or one of an older head, or one of another project
	fork bool
	ref  string // the source branch
	at   time.Time
}

// young is how long a commit's own pipeline is waited for, and again how long a reading is believed.
const (
	young = 10 * time.Second
	again = 3 * time.Second
	fresh = time.Minute
)

var (
	errSoon  = errors.New("the commit's own pipeline is not there yet")
	errMoved = errors.New("the change has another head by now")
)

// place says where the statuses of a commit go. known is the pipeline that one of them is in already.
func (p *posting) place(ctx context.Context, commit string, known int64) (place, error) {
	switch {
	case p.s.Kind == checks.KindChange:
		return p.inChange(ctx, commit)
	case known != 0:
		return place{sha: commit, pipeline: known}, nil
	}
	return p.onCommit(ctx, commit)
}

// inChange is the merge request's head pipeline. One of another project, where a fork runs its own, cannot be written to: the
// statuses then stand in a pipeline of the merge request's ref, which GitLab shows and does not ask when it merges.
func (p *posting) inChange(ctx context.Context, commit string) (place, error) {
	h, err := p.headPipeline(ctx)
	if err != nil {
		return place{}, err
	}
	switch {
	case h.head != commit: // what it would say there, nobody needs any more
		return place{}, &gate.RetryError{After: time.Second, Err: errMoved}
	case h.id != 0:
		return place{sha: h.sha, pipeline: h.id}, nil
	case h.fork && p.ownPipeline() != 0:
		return place{sha: commit, pipeline: p.ownPipeline()}, nil
	case h.fork:
		return place{sha: commit, ref: fmt.Sprintf("refs/merge-requests/%d/head", p.s.Change)}, nil
	}
	if err := p.await(ctx, commit); err != nil {
		return place{}, err
	}
	return place{sha: commit, ref: h.ref}, nil
}

// ownPipeline is the one that statuses of ours are in by the facts, or 0.
func (p *posting) ownPipeline() (id int64) {
	if p.f == nil {
		return 0
	}
	for _, s := range p.f.Statuses {
		if s.Ours {
			id = max(id, inPipeline(&gate.Posted{Node: s.Node}))
		}
	}
	return id
}

// headPipeline reads the merge request, unless that was done just now: for the facts, as a rule.
func (p *posting) headPipeline(ctx context.Context) (headPipeline, error) {
	h, ok := p.c.talk.heads.Get(p.s.Key())
	believed := fresh
	if h.id == 0 {
		believed = again // its pipeline may come at any moment
	}
	if ok && p.f != nil && p.f.Change != nil && h.head == p.f.Change.Head.Commit && p.c.within(h.at, believed) {
		return h, nil
	}
	var mr mergeRequest
	if _, err := p.a.get(ctx, at(p.s.Repo, "merge_requests", strconv.Itoa(p.s.Change)), nil, &mr); err != nil {
		return headPipeline{}, err
	}
	return p.c.sawHead(ctx, p.a, p.s, &mr)
}

// sawHead remembers where the statuses of a merge request go. Right after a push GitLab still names the pipeline of the head
// before it; and of a merged result's pipeline it names the merge, which has to have this head for a parent.
func (c *Client) sawHead(ctx context.Context, a *access, s checks.Subject, mr *mergeRequest) (headPipeline, error) {
	h := headPipeline{head: mr.SHA, ref: mr.SourceBranch, fork: mr.SourceProject != mr.TargetProject, at: c.opts.Now()}
	r, err := c.beside(ctx, a, s, mr)
	if err != nil {
		return h, err
	}
	if r != nil && r.ID != 0 && (r.Project == 0 && !h.fork || r.Project == mr.TargetProject) {
		ours := r.SHA == mr.SHA
		if !ours && merges(r.Ref, s.Change) {
			var err error
			if ours, err = c.contains(ctx, a, s.Repo, r.SHA, mr.SHA); err != nil {
				return h, err
			}
		}
		if ours {
			h.id, h.sha = r.ID, r.SHA
		}
	}
	c.talk.heads.Add(s.Key(), h)
	return h, nil
}

// beside is the pipeline that a merge request has beside the train. While it is on one, and when it has fallen off, GitLab
// names the train's, which runs on what others made of it too: that is judged by itself, and a word on the change alone, which
// may be a kinder one, must not stand in the place of that.
func (c *Client) beside(ctx context.Context, a *access, s checks.Subject, mr *mergeRequest) (*pipelineNode, error) {
	if mr.Pipeline == nil || !onTrain(mr.Pipeline.Ref) {
		return mr.Pipeline, nil
	}
	list, _, err := pages[pipelineNode](ctx, a, at(s.Repo, "merge_requests", strconv.Itoa(s.Change), "pipelines"), nil, 1)
	if err != nil {
		return nil, err
	}
	for _, p := range list { // the newest first
		if !onTrain(p.Ref) {
			return &p, nil
		}
	}
	return nil, nil
}

// merges says whether a pipeline runs on the merged result of a merge request.
func merges(ref string, change int) bool {
	return ref == fmt.Sprintf("refs/merge-requests/%d/merge", change)
}

// contains says whether a merge has a head for a parent.
func (c *Client) contains(ctx context.Context, a *access, repo, merge, head string) (bool, error) {
	key := lower(repo) + " " + merge + " " + head
	if known, ok := c.talk.merged.Get(key); ok {
		return known, nil
	}
	var got struct {
		Parents []string `json:"parent_ids"`
	}
	_, err := a.get(ctx, at(repo, "repository", "commits", merge), url.Values{"stats": {"false"}}, &got)
	if errors.Is(err, gate.ErrGone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	is := slices.Contains(got.Parents, head)
	c.talk.merged.Add(key, is)
	return is, nil
}

// onCommit is the newest pipeline of a commit that belongs to no change: of its tag, of the default branch, or any. Without one
// GitLab makes one, for the tag, for the merge request whose turn in the train it is, or for a branch that has the commit.
func (p *posting) onCommit(ctx context.Context, commit string) (place, error) {
	tag := ""
	if p.s.Kind == checks.KindTag && p.f != nil && p.f.Pushed != nil && p.f.Pushed.Commit == commit {
		tag = p.s.Tag
	}
	q := url.Values{"sha": {commit}, "per_page": {"20"}}
	if tag != "" {
		q.Set("ref", tag)
	}
	var list []struct {
		ID  int64  `json:"id"`
		Ref string `json:"ref"`
	}
	if _, err := p.a.get(ctx, at(p.s.Repo, "pipelines"), q, &list); err != nil && status(err) != http.StatusForbidden {
		return place{}, err
	}
	main := ""
	if p.f != nil {
		main = p.f.Repository.Default
	}
	for _, one := range list { // the newest first
		if one.Ref == main {
			return place{sha: commit, pipeline: one.ID}, nil
		}
	}
	if len(list) > 0 {
		return place{sha: commit, pipeline: list[0].ID}, nil
	}
	if err := p.await(ctx, commit); err != nil {
		return place{}, err
	}
	if p.s.Kind == checks.KindGroup && p.f != nil && p.f.Change != nil {
		return place{sha: commit, ref: fmt.Sprintf("refs/merge-requests/%d/train", p.f.Change.Number)}, nil
	}
	return place{sha: commit, ref: tag}, nil
}

// await asks for a little patience where the commit's own pipeline is on its way. GitLab makes it some seconds after the push,
// in the background. A status that comes before would make a pipeline of its own, which would stay behind when the real one
// takes its place: pending for ever, in everybody's list. Where no pipeline comes after all (rules may leave it out), the
// wait is over soon.
func (p *posting) await(ctx context.Context, commit string) error {
	has, err := p.builds(ctx)
	if err != nil || !has {
		return err
	}
	key, now := lower(p.s.Repo)+" "+commit, p.c.opts.Now()
	since, ok := p.c.talk.waits.Get(key)
	if !ok {
		p.c.talk.waits.Add(key, now)
		since = now
	}
	if now.Sub(since) < young {
		return &gate.RetryError{After: again, Err: errSoon}
	}
	return nil
}

// listed says whether a file lies in the default branch, where the facts are about a change upon its tip, whose files were listed.
func (p *posting) listed(path, main string) (has, known bool) {
	if p.f == nil || p.f.Change == nil || p.f.Change.Base.Name != main || p.f.Change.MergeBase != p.f.Change.Base.Commit {
		return false, false
	}
	paths, known := p.c.memory.lists.Get(pair{lower(p.s.Repo), "", p.f.Change.MergeBase})
	_, has = slices.BinarySearch(paths, path)
	return has, known
}

// builds is whether a project has pipelines of its own, as last seen.
type builds struct {
	has bool
	at  time.Time
}

// builds says whether GitLab makes pipelines for the project: a configuration lies in its default branch or comes with this
// change, or elsewhere.
func (p *posting) builds(ctx context.Context) (bool, error) {
	project, err := p.c.project(ctx, p.s.Repo)
	if err != nil {
		return false, err
	}
	path := or(project.CIConfigPath, ".gitlab-ci.yml")
	switch {
	case project.BuildsAccessLevel == gitlab.DisabledAccessControl:
		return false, nil
	case project.AutoDevopsEnabled, strings.Contains(path, "@"), strings.Contains(path, "://"):
		return true, nil
	case p.f != nil && slices.ContainsFunc(p.f.Files, func(f checks.File) bool { return f.Path == path && f.Status != "removed" }):
		return true, nil
	}
	if has, known := p.listed(path, project.DefaultBranch); known {
		return has, nil
	}
	key, now := lower(p.s.Repo), p.c.opts.Now()
	if b, ok := p.c.talk.builds.Get(key); ok && now.Sub(b.at) < remembered {
		return b.has, nil
	}
	_, err = p.a.send(ctx, http.MethodHead, at(p.s.Repo, "repository", "files", path), url.Values{"ref": {or(project.DefaultBranch, "HEAD")}}, nil, nil)
	if err != nil && !errors.Is(err, gate.ErrGone) {
		return false, err
	}
	p.c.talk.builds.Add(key, builds{err == nil, now})
	return err == nil, nil
}
