package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Correspondent = (*Client)(nil)

// commentNode is a comment below an issue or pull request, or on a commit, as REST shows it. Of one on a commit GitHub does not
// say whether an app wrote it in somebody's name.
type commentNode struct {
	ID       int64           `json:"id"`
	Body     string          `json:"body"`
	HTML     string          `json:"html_url"`
	IssueURL string          `json:"issue_url"` // below an issue or pull request
	CommitID string          `json:"commit_id"` // on a commit
	Created  time.Time       `json:"created_at"`
	Updated  time.Time       `json:"updated_at"`
	App      json.RawMessage `json:"performed_via_github_app"`
	User     *struct {
		ID    int64  `json:"id"`
		Login string `json:"login"`
		Type  string `json:"type"`
	} `json:"user"`
}

// on says whether the comment belongs to the subject.
func (n commentNode) on(s checks.Subject) bool {
	if s.Kind == checks.KindCommit {
		return n.CommitID == s.Commit
	}
	return strings.HasSuffix(n.IssueURL, fmt.Sprintf("/issues/%d", s.Change))
}

// commentPath is where GitHub keeps the comments on a subject.
func commentPath(s checks.Subject) string {
	if s.Kind == checks.KindCommit {
		return "/comments"
	}
	return "/issues/comments"
}

// Comment implements gate.Correspondent. A comment of another issue, pull request or commit is gate.ErrGone.
func (c *Client) Comment(ctx context.Context, s checks.Subject, id int64) (*gate.Comment, error) {
	repo, in, err := c.at(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("read comment %d on %v: %w", id, s, err)
	}
	var n commentNode
	err = in.get(ctx, "GET /repos/{owner}/{repo}"+commentPath(s)+"/{comment_id}", repo.path(fmt.Sprintf("%s/%d", commentPath(s), id)), &n)
	if err != nil {
		return nil, fmt.Errorf("read comment %d on %v: %w", id, s, err)
	}
	if n.ID != id || !n.on(s) {
		return nil, fmt.Errorf("%w: comment %d is not on %v", gate.ErrGone, id, s)
	}
	out := &gate.Comment{ID: n.ID, Body: n.Body, At: n.Created.UTC(), URL: n.HTML, Edited: !n.Updated.Equal(n.Created),
		App: len(n.App) > 0 && string(n.App) != "null"}
	if u := n.User; u != nil && u.Login != "ghost" {
		kind := map[string]string{"User": "user", "Bot": "bot"}[u.Type]
		out.By = checks.Person{ID: u.ID, Login: u.Login, Kind: kind}
	}
	return out, nil
}

// at is the repository of a subject and how it is reached.
func (c *Client) at(ctx context.Context, s checks.Subject) (repoName, *installation, error) {
	repo, err := splitRepo(s.Repo)
	if err != nil {
		return repo, nil, err
	}
	in, err := c.reach(ctx, s.Repo, s.Installation)
	return repo, in, err
}

// React implements gate.Correspondent. GitHub keeps one reaction of each kind from each account.
func (c *Client) React(ctx context.Context, s checks.Subject, comment int64) error {
	repo, in, err := c.at(ctx, s)
	if err != nil {
		return fmt.Errorf("react to comment %d on %v: %w", comment, s, err)
	}
	if err := in.afford("a reaction"); err != nil {
		return err
	}
	return in.post(ctx, "POST /repos/{owner}/{repo}"+commentPath(s)+"/{comment_id}/reactions", repo.path(fmt.Sprintf("%s/%d/reactions", commentPath(s), comment)),
		map[string]string{"content": "eyes"})
}

// afford books a content creation, or says when there is room for one.
func (in *installation) afford(what string) error {
	after := in.talk.fits(1)
	if after == 0 {
		after = in.creation.take("", 1, false)
	}
	if after > 0 {
		return &gate.RetryError{After: after, Err: errors.New(what + " has to wait for GitHub's limit on content creation")}
	}
	return nil
}

// A reply carries what it answers in a comment that readers do not see, so that it is found again after a crash.
var unmarkable = patterns.New(`[^A-Za-z0-9./_\[\]-]+`)

func replyMark(to string) string {
	return "<!-- sluice:answers " + unmarkable.ReplaceAllString(strings.ReplaceAll(to, "--", "-_"), "_") + " -->"
}

// Reply implements gate.Correspondent.
func (c *Client) Reply(ctx context.Context, s checks.Subject, to string, known int64, body string) (int64, error) {
	id, err := c.reply(ctx, s, to, known, body)
	if err != nil {
		return 0, fmt.Errorf("answer on %v: %w", s, err)
	}
	return id, nil
}

func (c *Client) reply(ctx context.Context, s checks.Subject, to string, known int64, body string) (int64, error) {
	repo, in, err := c.at(ctx, s)
	if err != nil {
		return 0, err
	}
	mark := replyMark(to)
	if known < 0 {
		if known, err = c.findReply(ctx, in, repo, s, mark); err != nil {
			return 0, err
		}
	}
	if err := in.afford("a reply"); err != nil {
		return 0, err
	}
	text, err := json.Marshal(map[string]string{"body": body + "\n\n" + mark})
	if err != nil {
		return 0, err
	}
	var made struct {
		ID int64 `json:"id"`
	}
	if known > 0 {
		_, err := in.do(ctx, call{route: "PATCH /repos/{owner}/{repo}" + commentPath(s) + "/{comment_id}", method: http.MethodPatch, body: text, safe: true, out: &made,
			url: in.client.bases.rest + repo.path(fmt.Sprintf("%s/%d", commentPath(s), known))})
		if !errors.Is(err, gate.ErrGone) { // somebody deleted it: the next one takes its place
			return known, err
		}
	}
	route, path := "POST /repos/{owner}/{repo}/issues/{issue_number}/comments", fmt.Sprintf("/issues/%d/comments", s.Change)
	if s.Kind == checks.KindCommit {
		route, path = "POST /repos/{owner}/{repo}/commits/{commit_sha}/comments", "/commits/"+url.PathEscape(s.Commit)+"/comments"
	}
	_, err = in.do(ctx, call{route: route, method: http.MethodPost, body: text, out: &made, url: in.client.bases.rest + repo.path(path)})
	return made.ID, err
}

// repliesNode are the newest comments on a subject.
type repliesNode struct {
	Comments struct {
		Nodes []*struct {
			DatabaseID int64  `json:"databaseId"`
			Body       string `json:"body"`
			Ours       bool   `json:"viewerDidAuthor"`
		} `json:"nodes"`
	} `json:"comments"`
}

// findReply looks for our own reply with the mark among the newest comments; 0: it is not there.
func (c *Client) findReply(ctx context.Context, in *installation, repo repoName, s checks.Subject, mark string) (int64, error) {
	var node struct {
		Repository *struct {
			PullRequest *repliesNode `json:"pullRequest"`
			Object      *repliesNode `json:"object"`
		} `json:"repository"`
	}
	operation, vars := "Replies", map[string]any{"owner": repo.owner, "name": repo.name, "number": s.Change}
	if s.Kind == checks.KindCommit {
		operation, vars = "CommitReplies", map[string]any{"owner": repo.owner, "name": repo.name, "commit": s.Commit}
	}
	errs, err := in.query(ctx, operation, c.queries.document(operation, nil), vars, &node)
	switch {
	case err != nil:
		return 0, err
	case len(errs) > 0:
		return 0, errs[0].err(operation)
	case node.Repository == nil || node.Repository.PullRequest == nil && node.Repository.Object == nil:
		return 0, fmt.Errorf("%w: GitHub does not show %v", gate.ErrGone, s)
	}
	list := node.Repository.PullRequest
	if list == nil {
		list = node.Repository.Object
	}
	for _, n := range list.Comments.Nodes {
		if n != nil && n.Ours && strings.HasSuffix(strings.TrimSpace(n.Body), mark) {
			return n.DatabaseID, nil
		}
	}
	return 0, nil
}
