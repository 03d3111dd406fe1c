package github

import (
	"context"
	"fmt"
	"regexp"
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

// person is an account; a deleted one is nobody.
func person(a *actorNode) checks.Person {
	if a == nil {
		return checks.Person{}
	}
	p := checks.Person{ID: a.DatabaseID, Login: a.Login}
	switch a.Typename {
	case "User":
		p.Kind = "user"
		if a.Login == "ghost" {
			return checks.Person{}
		}
	case "Bot":
		p.Kind = "bot"
		if !strings.HasSuffix(p.Login, "[bot]") {
			p.Login += "[bot]" // as everybody writes it; GraphQL leaves it out
		}
	}
	return p
}

// noreply is the address that GitHub gives to accounts. It is all that GraphQL shows of a bot as author.
var noreply = regexp.MustCompile(`^(\d{1,18})\+([A-Za-z0-9-]+\[bot\])@users\.noreply\.[A-Za-z0-9.-]+$`)

// author is a name in a commit, with the account that GitHub finds for it.
func author(n *nameNode) checks.Person {
	if n == nil {
		return checks.Person{}
	}
	p := checks.Person{Name: n.Name, Email: n.Email}
	switch {
	case n.User != nil && n.User.Login == "web-flow", n.User == nil && strings.EqualFold(n.Email, "noreply@github.com"):
		p.Kind, p.Login = "bot", "web-flow"
		if n.User != nil {
			p.ID = n.User.DatabaseID
		}
	case n.User != nil:
		p.ID, p.Login, p.Kind = n.User.DatabaseID, n.User.Login, "user"
	default:
		if m := noreply.FindStringSubmatch(n.Email); m != nil {
			p.ID, _ = strconv.ParseInt(m[1], 10, 64) // at most 18 digits
			p.Login, p.Kind = m[2], "bot"
		}
	}
	return p
}

var trailer = regexp.MustCompile(`(?im)^co-authored-by:[ \t]*(.*?)[ \t]*<([^<>\n]+)>[ \t]*\r?$`)

func commits(nodes []*changeCommit) []checks.Commit {
	var cs []checks.Commit
	for _, n := range nodes {
		if n == nil {
			continue // counted against the total, hence seen
		}
		c := n.Commit
		cs = append(cs, checks.Commit{ID: c.OID, Message: c.Message, Author: author(c.Author), Committer: author(c.Committer), CoAuthors: coAuthors(n), At: c.CommittedDate.UTC()})
	}
	return cs
}

// parents fills in the parents of a change's commits where all of them were told.
func parents(cs []checks.Commit, pr *changeNode) {
	if len(cs) != len(pr.Line.Nodes) || pr.Commits.TotalCount != len(cs) {
		return
	}
	for i, n := range pr.Line.Nodes {
		if n == nil || n.Commit.OID != cs[i].ID {
			return
		}
	}
	for i, n := range pr.Line.Nodes {
		for _, p := range n.Commit.Parents.Nodes {
			cs[i].Parents = append(cs[i].Parents, p.OID)
		}
	}
}

// coAuthors are those of GitHub's list that are not the author. What is beyond the list's end is read from the message:
// such people have no account here, and count as unknown.
func coAuthors(n *changeCommit) []checks.Person {
	c := n.Commit
	var people []checks.Person
	seen := map[string]bool{}
	if c.Author != nil {
		seen[strings.ToLower(c.Author.Email)] = true
	}
	for i := range c.Authors.Nodes {
		a := &c.Authors.Nodes[i]
		if key := strings.ToLower(a.Email); !seen[key] {
			seen[key] = true
			people = append(people, author(a))
		}
	}
	if c.Authors.TotalCount > len(c.Authors.Nodes) {
		for _, m := range trailer.FindAllStringSubmatch(c.Message, -1) {
			if key := strings.ToLower(m[2]); !seen[key] {
				seen[key] = true
				people = append(people, checks.Person{Name: m[1], Email: m[2]})
			}
		}
	}
	return people
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

// labels are those set now, each with who set it last. The timeline is read from its end; a label that was set before
// what is shown of it has no known setter.
func (r *reading) labels(pr *changeNode) {
	if pr.Labels == nil {
		r.gap("labels", "GitHub did not show the labels.")
		return
	}
	last := map[string]*labelEvent{}
	if pr.Labelled != nil {
		for _, e := range pr.Labelled.Nodes {
			if e == nil {
				continue
			}
			last[e.Label.Name] = e
		}
	}
	for _, l := range pr.Labels.Nodes {
		label := checks.Label{Name: l.Name}
		if e := last[l.Name]; e != nil && e.Typename == "LabeledEvent" {
			by := person(e.Actor)
			label.By, label.At = &by, e.CreatedAt.UTC()
		}
		r.f.Change.Labels = append(r.f.Change.Labels, label)
	}
	sort.Slice(r.f.Change.Labels, func(i, j int) bool { return r.f.Change.Labels[i].Name < r.f.Change.Labels[j].Name })
	if pr.Labels.TotalCount > len(pr.Labels.Nodes) {
		r.gap("labels", "GitHub showed %d of %d labels.", len(pr.Labels.Nodes), pr.Labels.TotalCount)
	}
}

// statuses are what GitHub shows on the head commit.
func (r *reading) statuses(head *commitNode) []checks.Status {
	ours := map[int64]contextNode{}
	if head.Ours != nil {
		for _, suite := range head.Ours.Nodes {
			for _, run := range suite.CheckRuns.Nodes {
				ours[run.DatabaseID] = run
			}
		}
	}
	var out []checks.Status
	if head.Rollup != nil {
		for _, n := range head.Rollup.Contexts.Nodes {
			out = append(out, r.status(n, ours))
			delete(ours, n.DatabaseID)
		}
	}
	for _, n := range ours { // beyond the first hundred
		n.Typename = "CheckRun"
		out = append(out, r.status(n, map[int64]contextNode{n.DatabaseID: n}))
	}
	sortStatuses(out)
	return out
}

func sortStatuses(s []checks.Status) {
	sort.Slice(s, func(i, j int) bool { return s[i].Name < s[j].Name || s[i].Name == s[j].Name && s[i].ID < s[j].ID })
}

func (r *reading) status(n contextNode, ours map[int64]contextNode) checks.Status {
	if n.Typename == "StatusContext" {
		return checks.Status{Name: n.Context, Node: n.ID, State: strings.ToLower(n.State), Title: checks.Clip(text(n.Description), 140)}
	}
	s := checks.Status{Name: n.Name, ID: n.DatabaseID, Node: n.ID, State: runState(n), Title: text(n.Title)}
	own, ok := ours[n.DatabaseID]
	if ok || n.CheckSuite != nil && n.CheckSuite.App != nil && n.CheckSuite.App.DatabaseID == r.c.app {
		s.Ours, s.Summary, s.ExternalID = true, text(own.Summary), text(own.ExternalID)
	}
	return s
}

func runState(n contextNode) string {
	if n.Status == "COMPLETED" && n.Conclusion != nil {
		return strings.ToLower(*n.Conclusion)
	}
	return strings.ToLower(n.Status)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
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
