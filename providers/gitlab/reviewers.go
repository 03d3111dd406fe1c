package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Asker = (*Client)(nil)

// RequestReviewers implements gate.Asker. GitLab takes the whole list of reviewers, so those that are there stay in it. A group
// cannot be asked for a review: nobody is asked in its place, since who of it should be is not ours to choose. Where an
// instance takes one reviewer alone, GitLab keeps the first: whoever is there already.
func (c *Client) RequestReviewers(ctx context.Context, s checks.Subject, users, _ []string) error {
	if len(users) == 0 {
		return nil
	}
	if err := c.requestReviewers(ctx, s, users); err != nil {
		return fmt.Errorf("request reviews on %v: %w", s, err)
	}
	return nil
}

func (c *Client) requestReviewers(ctx context.Context, s checks.Subject, users []string) error {
	a, err := c.reach(s.Repo)
	if err != nil {
		return err
	}
	path := at(s.Repo, "merge_requests", strconv.Itoa(s.Change))
	var mr struct {
		Reviewers []userNode `json:"reviewers"`
		Author    userNode   `json:"author"`
	}
	if _, err := a.get(ctx, path, nil, &mr); err != nil {
		return err
	}
	var ids []int64
	for _, r := range mr.Reviewers {
		ids = append(ids, r.ID)
	}
	there := len(ids)
	for _, login := range users {
		who, err := c.account(ctx, a, login)
		if errors.Is(err, gate.ErrGone) {
			continue // he left: the others are asked all the same
		}
		if err != nil {
			return fmt.Errorf("find the account %s: %w", gate.Plain(login), err)
		}
		if !slices.Contains(ids, who.ID) && who.ID != mr.Author.ID {
			ids = append(ids, who.ID)
		}
	}
	if len(ids) == there {
		return nil
	}
	_, err = a.send(ctx, http.MethodPut, path, nil, map[string]any{"reviewer_ids": ids}, nil)
	return err
}
