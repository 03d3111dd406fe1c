package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// Changes implements gate.Provider.
func (c *Client) Changes(ctx context.Context, repo gate.Repo, base, head string) ([]checks.Subject, error) {
	list, err := c.changes(ctx, repo, base, head)
	if err != nil {
		return nil, fmt.Errorf("list the open changes of %s: %w", repo.Name, err)
	}
	var subjects []checks.Subject
	for _, o := range list {
		subjects = append(subjects, o.Subject)
	}
	return subjects, nil
}

var _ gate.Lister = (*Client)(nil)

// Open implements gate.Lister.
func (c *Client) Open(ctx context.Context, repo gate.Repo) ([]gate.Opened, error) {
	list, err := c.changes(ctx, repo, "", "")
	if err != nil {
		return nil, fmt.Errorf("list the open changes of %s: %w", repo.Name, err)
	}
	return list, nil
}

func (c *Client) changes(ctx context.Context, repo gate.Repo, base, head string) ([]gate.Opened, error) {
	name, err := splitRepo(repo.Name)
	if err != nil {
		return nil, err
	}
	if head != "" && !oid(head) {
		return nil, fmt.Errorf("%q is not a commit id", head)
	}
	in, err := c.reach(ctx, repo.Name, repo.Installation)
	if err != nil {
		return nil, err
	}
	var subjects []gate.Opened
	vars := map[string]any{"owner": name.owner, "name": name.name, "after": nil}
	operation := "Changes"
	if head != "" {
		operation, vars["head"] = "Associated", head
	} else if vars["base"] = nil; base != "" {
		vars["base"] = base
	}
	for {
		var node answerNode
		errs, err := in.query(ctx, operation, c.queries.document(operation, nil), vars, &node)
		if err == nil && len(errs) > 0 {
			err = errs[0].err(operation)
		}
		if err != nil {
			return nil, err
		}
		if node.Repository == nil {
			return nil, fmt.Errorf("%w: GitHub shows no repository %s", gate.ErrGone, name)
		}
		list := node.Repository.PullRequests
		if head != "" {
			if node.Repository.Object == nil || node.Repository.Object.PullRequests == nil {
				return subjects, nil // no such commit, or none any more
			}
			list = node.Repository.Object.PullRequests
		}
		if list == nil {
			return nil, errors.New("GitHub gave no list")
		}
		for _, n := range list.Nodes {
			if n.wanted(name, base, head) {
				s := checks.Subject{Forge: "github", Repo: repo.Name, Kind: checks.KindChange, Change: n.Number, Installation: in.id}
				subjects = append(subjects, gate.Opened{Subject: s, Head: n.HeadRefOID, Base: n.BaseRefName})
			}
		}
		if !list.PageInfo.HasNextPage || list.PageInfo.EndCursor == "" {
			sorting.By(subjects, func(a, b gate.Opened) int { return a.Subject.Change - b.Subject.Change })
			return subjects, nil
		}
		vars["after"] = list.PageInfo.EndCursor
	}
}

// wanted says whether an open change is one of those asked for. A commit is associated with changes in forks as well,
// and with changes that have it somewhere below their head.
func (n *openNode) wanted(repo repoName, base, head string) bool {
	return n != nil && n.State == "OPEN" && (head == "" || n.HeadRefOID == head) && (base == "" || n.BaseRefName == base) &&
		(n.BaseRepository == nil || head == "" || strings.EqualFold(n.BaseRepository.NameWithOwner, repo.String()))
}

// RequestReviewers asks for reviews of a change: users by login, teams as "org/slug". Asking again for one who is asked
// already changes nothing. GitHub refuses a request whole if it names one who may not review; then each is asked for
// alone, and those who may not are left out.
func (c *Client) RequestReviewers(ctx context.Context, s checks.Subject, users, teams []string) error {
	repo, err := splitRepo(s.Repo)
	if err != nil {
		return err
	}
	in, err := c.reach(ctx, s.Repo, s.Installation)
	if err != nil {
		return err
	}
	var slugs []string
	for _, t := range teams {
		slugs = append(slugs, t[strings.LastIndex(t, "/")+1:])
	}
	err = in.requestReviewers(ctx, repo, s.Change, users, slugs)
	if !unprocessable(err) || len(users)+len(slugs) == 1 {
		return err
	}
	for _, u := range users {
		if err := in.requestReviewers(ctx, repo, s.Change, []string{u}, nil); err != nil && !unprocessable(err) {
			return err
		}
	}
	for _, t := range slugs {
		if err := in.requestReviewers(ctx, repo, s.Change, nil, []string{t}); err != nil && !unprocessable(err) {
			return err
		}
	}
	return nil
}

func unprocessable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusUnprocessableEntity
}

func (in *installation) requestReviewers(ctx context.Context, repo repoName, change int, users, teams []string) error {
	if len(users)+len(teams) == 0 {
		return nil
	}
	if after := in.creation.take("", 1, false); after > 0 {
		return &gate.RetryError{After: after, Err: errors.New("a request for reviews has to wait for GitHub's limit on content creation")}
	}
	body := map[string][]string{}
	if len(users) > 0 {
		body["reviewers"] = users
	}
	if len(teams) > 0 {
		body["team_reviewers"] = teams
	}
	return in.post(ctx, "POST /repos/{owner}/{repo}/pulls/{number}/requested_reviewers", repo.path(fmt.Sprintf("/pulls/%d/requested_reviewers", change)), body)
}
