package github

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// describe turns the answer into facts, apart from the difference, the tags and what the checks will want.
func (r *reading) describe(ctx context.Context, pr *changeNode, node *answerNode) error {
	r.repository(node.Repository)
	if err := r.owned(node.Repository); err != nil {
		return err
	}
	head, err := r.headOf(ctx, pr)
	if err != nil {
		return err
	}
	r.head = head.OID
	r.tip = pr.BaseRefOID
	var tip *commitNode
	if pr.BaseRef != nil && pr.BaseRef.Target != nil {
		tip = pr.BaseRef.Target
		r.tip = tip.OID
	}
	r.f.Change = r.pullRequest(pr)
	r.f.Commits = commits(pr.Commits.Nodes)
	parents(r.f.Commits, pr)
	r.f.Reviews = reviews(pr.Reviews)
	r.f.Statuses = r.statuses(head)
	r.labels(pr)
	if err := r.contents(checks.Tip, r.tip, r.asked.tip, tip); err != nil {
		return err
	}
	if err := r.contents(checks.Head, r.head, r.asked.head, head); err != nil {
		return err
	}
	if start := startOf(pr); start != nil {
		if err := r.contents(checks.Base, start.OID, r.asked.start, start); err != nil {
			return err
		}
	}
	if tip == nil {
		r.gap("policy", "The target branch %s does not exist any more, so its policy cannot be read.", checks.Clip(pr.BaseRefName, 60))
	}
	r.policies(tip, node)
	r.grouped(r.asking, node)
	r.habit.mu.Lock()
	r.habit.tips[pr.BaseRefName] = r.tip
	if len(r.habit.tips) > 256 {
		r.habit.tips = map[string]string{pr.BaseRefName: r.tip}
	}
	r.habit.mu.Unlock()
	return nil
}

// listedCommits is how many commits of a change GitHub lists at least, if there are more.
const listedCommits = 250

// headOf is the commit that is judged: the last of the change's commits. Where GitHub ends the list before the head, it
// is asked for by itself.
func (r *reading) headOf(ctx context.Context, pr *changeNode) (*commitNode, error) {
	switch {
	case !oid(pr.HeadRefOID) || len(pr.Head.Nodes) == 0 || pr.Head.Nodes[0] == nil:
		return nil, fmt.Errorf("%w: the change has no commits any more", gate.ErrGone)
	case pr.Head.Nodes[0].Commit.OID == pr.HeadRefOID:
		return &pr.Head.Nodes[0].Commit, nil
	case pr.Commits.TotalCount < listedCommits:
		return nil, fmt.Errorf("%w: the change moved while it was read", gate.ErrStale)
	}
	var node answerNode
	vars := map[string]any{"owner": r.repo.owner, "name": r.repo.name, "head": pr.HeadRefOID, "app": r.c.app}
	errs, err := r.in.query(ctx, "Head", r.c.queries.document("Head", r.asked.parts()), vars, &node)
	if err != nil {
		return nil, err
	}
	if len(errs) > 0 {
		return nil, errs[0].err("Head")
	}
	if node.Repository == nil || node.Repository.HeadAt == nil {
		return nil, fmt.Errorf("%w: the head %.8s", gate.ErrStale, pr.HeadRefOID)
	}
	pr.Head.Nodes[0].Commit = *node.Repository.HeadAt
	return node.Repository.HeadAt, nil
}

func startOf(pr *changeNode) *commitNode {
	if len(pr.Start.Nodes) == 0 || pr.Start.Nodes[0] == nil || len(pr.Start.Nodes[0].Commit.Parents.Nodes) == 0 {
		return nil
	}
	return &pr.Start.Nodes[0].Commit.Parents.Nodes[0]
}

func (r *reading) repository(n *repoNode) {
	r.f.Repository = checks.Repository{ID: n.DatabaseID, Node: n.ID, Name: n.NameWithOwner, Private: n.IsPrivate, URL: n.URL}
	if n.DefaultBranchRef != nil {
		r.f.Repository.Default = n.DefaultBranchRef.Name
	}
	r.habit.mu.Lock()
	r.habit.node, r.habit.defaults, r.habit.alone = n.ID, r.f.Repository.Default, !n.IsInOrganization
	r.habit.internal = n.Visibility == "INTERNAL"
	if c := n.Collaborators; c != nil {
		r.habit.crowded = c.PageInfo.HasNextPage
		if !r.habit.crowded {
			r.everybody = rights(c)
		}
	}
	r.habit.mu.Unlock()
}

// owned makes sure that the organisation's policy was asked for where there is an organisation: an account may have
// become one since its repository was last read.
func (r *reading) owned(n *repoNode) error {
	if n.IsInOrganization && !r.organisation {
		return fmt.Errorf("%w: %s has become an organisation", gate.ErrStale, r.repo.owner)
	}
	return nil
}

func (r *reading) pullRequest(pr *changeNode) *checks.Change {
	c := &checks.Change{
		Number: pr.Number, Node: pr.ID, URL: pr.URL, Title: pr.Title, Body: pr.Body, State: strings.ToLower(pr.State), Draft: pr.IsDraft,
		Author: person(pr.Author), Fork: pr.IsCrossRepository, Additions: pr.Additions, Deletions: pr.Deletions,
		ChangedFiles: pr.ChangedFiles, CommitCount: pr.Commits.TotalCount, CreatedAt: pr.CreatedAt.UTC(),
		Base: checks.Ref{Repo: r.f.Repository.Name, Name: pr.BaseRefName, Commit: r.tip},
		Head: checks.Ref{Name: pr.HeadRefName, Commit: pr.HeadRefOID},
	}
	if pr.HeadRepository != nil {
		c.Head.Repo = pr.HeadRepository.NameWithOwner
	}
	c.Editable = c.Fork && pr.MaintainersModify
	if pr.MergedAt != nil {
		c.MergedAt, c.MergedBy = pr.MergedAt.UTC(), person(pr.MergedBy)
		if pr.MergeCommit != nil {
			c.MergeCommit = pr.MergeCommit.OID
		}
	}
	if pr.Requests != nil {
		for _, q := range pr.Requests.Nodes {
			switch {
			case q == nil || q.Reviewer == nil:
			case q.Reviewer.Slug != "":
				c.Requested = append(c.Requested, r.repo.owner+"/"+q.Reviewer.Slug)
			case q.Reviewer.Login != "":
				c.Requested = append(c.Requested, person(&q.Reviewer.actorNode).Login)
			}
		}
		sort.Strings(c.Requested)
	}
	return c
}

func reviews(c *connection[*reviewNode]) []checks.Review {
	var rs []checks.Review
	if c == nil {
		return nil
	}
	for _, n := range c.Nodes {
		if n == nil || n.State == "PENDING" {
			continue
		}
		v := checks.Review{By: person(n.Author), State: strings.ToLower(n.State)}
		v.ID, _ = strconv.ParseInt(n.FullDatabaseID, 10, 64) // the id is for show
		if n.Commit != nil {
			v.Commit = n.Commit.OID
		}
		if n.SubmittedAt != nil {
			v.At = n.SubmittedAt.UTC()
		}
		rs = append(rs, v)
	}
	return rs
}

// policies are the repository's at the target branch, the first that is there, and the organisation's.
func (r *reading) policies(tip *commitNode, node *answerNode) {
	if tip != nil {
		for i, path := range policy.Paths {
			if src, ok := r.source(policy.Repository, path, path, r.tip, tip.files[i]); ok {
				r.f.Sources = append(r.f.Sources, src)
				break
			}
		}
	}
	home := node.Organisation
	if home == nil || !node.Repository.IsInOrganization || home.DefaultBranchRef == nil || home.DefaultBranchRef.Target == nil {
		return
	}
	at := home.DefaultBranchRef.Target
	if src, ok := r.source(policy.Organisation, home.NameWithOwner+":sluice.yml", "sluice.yml", at.OID, at.Policy); ok {
		r.f.Sources = append(r.f.Sources, src)
	}
}

func (r *reading) source(origin policy.Origin, name, path, commit string, e *entryNode) (policy.Source, bool) {
	if e == nil {
		return policy.Source{}, false
	}
	t, more, err := content(checks.Tip, path, e)
	if err != nil {
		r.gap("policy", "The policy %s could not be read.", name)
		return policy.Source{}, false
	}
	if more {
		t.Kind = "large" // no policy is half a megabyte
	}
	return policy.Source{Origin: origin, Name: name, Commit: commit, Text: t.Text, Kind: t.Kind}, !t.Absent
}
