package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/gate"
)

// mergeRequest reads the change itself. How far the target branch has moved on comes along: that is how a look tells
// without another request that it has not.
func (r *reading) mergeRequest(ctx context.Context) (*mergeRequest, error) {
	var mr mergeRequest
	if _, err := r.a.get(ctx, r.here(), url.Values{"include_diverged_commits_count": {"true"}}, &mr); err != nil {
		return nil, err
	}
	if mr.IID != r.f.Subject.Change {
		return nil, fmt.Errorf("read the merge request %d: GitLab showed another one", r.f.Subject.Change)
	}
	return &mr, nil
}

// mark is what of a merge request shows that something about it has changed. Its commits and its target branch, for one;
// people, labels and the time of the last change, for another.
type mark struct {
	head, base, start, target string
	diverged                  int // -1: GitLab did not say
	labels, reviewers         string
	updated                   time.Time
}

func (mr *mergeRequest) mark() mark {
	m := mark{head: mr.SHA, target: mr.TargetBranch, diverged: -1, updated: mr.UpdatedAt, labels: strings.Join(mr.Labels, "\n")}
	if mr.Refs != nil {
		m.base, m.start = mr.Refs.Base, mr.Refs.Start
	}
	if mr.Diverged != nil {
		m.diverged = *mr.Diverged
	}
	for _, u := range mr.Reviewers {
		m.reviewers += fmt.Sprint(u.ID, " ")
	}
	return m
}

// commits says whether both are about the same commits into the same state of the target branch: a push to the target
// changes how many commits it has that the head has not, and one by force, or one that takes commits of the change, makes
// GitLab compare anew, from another start.
func (m mark) commits(o mark) bool {
	return m.diverged >= 0 && m.head == o.head && m.base == o.base && m.start == o.start && m.target == o.target && m.diverged == o.diverged
}

// fresh makes sure that GitLab's answer is not older than the event was: what was pushed is worked off in the background.
// What the event told of is missed for two minutes at most; then what GitLab shows is judged.
func (r *reading) fresh(ctx context.Context, expect string) error {
	if expect == "" || r.mr.SHA == expect {
		return nil
	}
	var versions []versionNode
	if _, err := r.a.get(ctx, r.here("versions"), url.Values{"per_page": {"100"}}, &versions); err != nil {
		return err
	}
	if slices.ContainsFunc(versions, func(v versionNode) bool { return v.Head == expect }) {
		return nil // the change has moved on
	}
	key := r.f.Subject.Key() + "@" + expect
	first, missed := r.c.memory.stale.Get(key)
	now := r.c.opts.Now()
	if !missed {
		r.c.memory.stale.Add(key, now)
	} else if now.Sub(first) > 2*time.Minute {
		return nil
	}
	return fmt.Errorf("%w: the head %.8s", gate.ErrStale, expect)
}

// belongs makes sure that the merge request is of the project that is remembered: one may have been moved away, and another
// made in its place.
func (r *reading) belongs() error {
	if id := r.mr.TargetProject; id != 0 && id != int64(r.p.ID) {
		r.c.forget(r.repo)
		return fmt.Errorf("%w: the project %d that was remembered is another one", gate.ErrStale, r.p.ID)
	}
	return nil
}

// describe turns the merge request into facts.
func (r *reading) describe(ctx context.Context) error {
	mr := r.mr
	if !objectID(mr.SHA) {
		return fmt.Errorf("%w: the change has no commits any more", gate.ErrGone)
	}
	if mr.Refs == nil && mr.PreparedAt == nil && mr.State == "opened" || mr.Refs != nil && mr.Refs.Head != mr.SHA {
		return fmt.Errorf("%w: GitLab is still preparing the merge request", gate.ErrStale)
	}
	r.describeProject()
	r.head = mr.SHA
	r.next.mark = mr.mark()
	r.same = r.prior != nil && r.prior.mark.commits(r.next.mark)
	state := map[string]string{"opened": "open", "locked": "open"}[mr.State]
	c := &checks.Change{
		Number: mr.IID, Node: fmt.Sprint(mr.ID), URL: mr.WebURL, Title: mr.plain(), Body: mr.Description, State: or(state, mr.State),
		Draft: mr.Draft || mr.InProgress, Author: r.person(mr.Author), Fork: mr.SourceProject != mr.TargetProject, CreatedAt: mr.CreatedAt.UTC(),
		Base: checks.Ref{Repo: r.f.Repository.Name, Name: mr.TargetBranch},
		Head: checks.Ref{Name: mr.SourceBranch, Commit: mr.SHA},
	}
	r.f.Change = c
	c.Editable = c.Fork && mr.Collaboration
	r.merged(c)
	var err error
	c.Head.Repo, err = r.headProject(ctx, c)
	return err
}

func (r *reading) describeProject() {
	p := r.p
	r.f.Repository = checks.Repository{
		ID: int64(p.ID), Name: p.PathWithNamespace, Default: p.DefaultBranch, Private: p.Visibility != "public", URL: p.WebURL,
		Owners: []string{"CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"}, Sections: true, Policies: policyProject,
		NoReply: "users.noreply." + strings.ToLower(r.c.base.Hostname()),
	}
}

// merged tells how a merged change was merged: by a merge commit, by a squashed one, or by moving the target forward.
func (r *reading) merged(c *checks.Change) {
	mr := r.mr
	if mr.State != "merged" {
		return
	}
	if mr.MergedAt != nil {
		c.MergedAt = mr.MergedAt.UTC()
	}
	c.MergedBy = r.person(mr.MergeUser)
	if mr.MergeUser == nil {
		c.MergedBy = r.person(mr.MergedBy)
	}
	c.MergeCommit = or(mr.MergeCommit, or(mr.SquashCommit, mr.SHA))
}

// headProject is the path of the project that the head lives in; "" when it is gone, or hidden from us. What is judged
// of a fork is in the target project all the same, where GitLab keeps the heads of merge requests.
func (r *reading) headProject(ctx context.Context, c *checks.Change) (string, error) {
	switch {
	case !c.Fork:
		return r.f.Repository.Name, nil
	case r.mr.SourceProject == 0:
		return "", nil
	}
	id := r.mr.SourceProject
	if known, ok := r.c.memory.names.Get(id); ok && r.c.within(known.at, settled) {
		return known.name, nil
	}
	var p struct {
		Path string `json:"path_with_namespace"`
	}
	_, err := r.a.get(ctx, at(fmt.Sprint(id)), nil, &p)
	if err != nil && !errors.Is(err, gate.ErrGone) && status(err) != 403 {
		return "", err
	}
	r.c.memory.names.Add(id, nameAt{p.Path, r.c.opts.Now()})
	return p.Path, nil
}

var draftMark = patterns.New(`(?i)^\s*(draft:|\[draft\]|\(draft\))\s*`)

// plain is the title without the words that make a draft of it at GitLab: they say nothing of the change.
func (mr *mergeRequest) plain() string {
	title := mr.Title
	for mr.Draft {
		mark := draftMark.FindString(title)
		if mark == "" || len(mark) == len(title) {
			break
		}
		title = title[len(mark):]
	}
	return title
}
