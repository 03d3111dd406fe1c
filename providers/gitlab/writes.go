package gitlab

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Committer = (*Client)(nil)

// branchNode is a branch as GitLab shows it.
type branchNode struct {
	Name      string `json:"name"`
	Default   bool   `json:"default"`
	Protected bool   `json:"protected"`
	Commit    struct {
		ID      string   `json:"id"`
		Message string   `json:"message"`
		Parents []string `json:"parent_ids"`
	} `json:"commit"`
}

// Branch implements gate.Committer.
func (c *Client) Branch(ctx context.Context, s checks.Subject, name string) (*gate.Branch, error) {
	a, err := c.reach(s.Repo)
	if err != nil {
		return nil, err
	}
	b, err := a.branch(ctx, s.Repo, name)
	if err != nil || b == nil {
		return nil, err
	}
	return &gate.Branch{Commit: b.Commit.ID, Message: b.Commit.Message, Protected: b.Protected}, nil
}

func (a *access) branch(ctx context.Context, repo, name string) (*branchNode, error) {
	var b branchNode
	_, err := a.get(ctx, at(repo, "repository", "branches", name), nil, &b)
	switch {
	case errors.Is(err, gate.ErrGone):
		return nil, nil
	case err == nil && !objectID(b.Commit.ID):
		err = errors.New("GitLab named no commit")
	}
	if err != nil {
		return nil, fmt.Errorf("read branch %s of %s: %w", gate.Plain(name), repo, err)
	}
	return &b, nil
}

const movedOn = "somebody pushed to the branch in between; say it again"

// Commit implements gate.Committer. GitLab puts a commit on whatever the tip is, so the tip is read right before, and each file
// goes with the commit that it was last changed in: what somebody pushes in between is never written over. Should a push to
// other files slip in there, the commit stands on that one, and loses nothing of it.
func (c *Client) Commit(ctx context.Context, s checks.Subject, e gate.Edit) (string, error) {
	a, err := c.inRepo(s, e.Repo)
	if err != nil {
		return "", err
	}
	id, err := c.onBranch(ctx, a, s, e)
	if err != nil {
		return "", fmt.Errorf("commit to %s of %s: %w", gate.Plain(e.Branch), e.Repo, err)
	}
	return id, nil
}

func (c *Client) onBranch(ctx context.Context, a *access, s checks.Subject, e gate.Edit) (string, error) {
	message := e.Title + "\n\n" + e.Body + c.coAuthor(e.For)
	b, err := a.branch(ctx, e.Repo, e.Branch)
	switch {
	case err != nil:
		return "", err
	case b == nil && !e.New:
		return "", &gate.RefusalError{Why: fmt.Sprintf("the branch is gone, or GitLab does not show %s to Sluice", gate.Plain(e.Repo))}
	case b != nil && ours(b, message, e.Expect):
		return b.Commit.ID, nil // an earlier attempt of which nobody knew
	case b != nil && b.Commit.ID != e.Expect:
		return "", &gate.RefusalError{Why: movedOn}
	}
	actions, err := a.actions(ctx, e)
	if err != nil {
		return "", err
	}
	body := map[string]any{"branch": e.Branch, "commit_message": message, "actions": actions, "stats": false}
	if b == nil {
		body["start_sha"] = e.Expect
	}
	var made struct {
		ID string `json:"id"`
	}
	_, err = a.send(ctx, http.MethodPost, at(e.Repo, "repository", "commits"), nil, body, &made)
	if unknown := (*Unclear)(nil); errors.As(err, &unknown) || err == nil && !objectID(made.ID) {
		return a.committed(ctx, e, message, err)
	}
	if err != nil {
		return "", refusedCommit(err, e, s)
	}
	return made.ID, nil
}

// ours says whether the tip of a branch is the very commit that is to be made.
func ours(b *branchNode, message, expect string) bool {
	return strings.TrimSpace(b.Commit.Message) == strings.TrimSpace(message) && len(b.Commit.Parents) == 1 && b.Commit.Parents[0] == expect
}

// committed looks for a commit of which nobody knows whether it was made.
func (a *access) committed(ctx context.Context, e gate.Edit, message string, unknown error) (string, error) {
	b, err := a.branch(ctx, e.Repo, e.Branch)
	if err == nil && b != nil && ours(b, message, e.Expect) {
		return b.Commit.ID, nil
	}
	if unknown == nil {
		unknown = &Unclear{errors.New("GitLab took the commit and named none")}
	}
	return "", unknown
}

// actions are the files of a commit, each made or changed as it stands at the tip.
func (a *access) actions(ctx context.Context, e gate.Edit) ([]map[string]any, error) {
	paths := make([]string, 0, len(e.Files))
	for path := range e.Files {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	var list []map[string]any
	for _, path := range paths {
		var there struct {
			Last string `json:"last_commit_id"`
		}
		_, err := a.get(ctx, at(e.Repo, "repository", "files", path), url.Values{"ref": {e.Expect}}, &there)
		if err != nil && !errors.Is(err, gate.ErrGone) {
			return nil, err
		}
		one := map[string]any{"action": "create", "file_path": path, "encoding": "base64", "content": base64.StdEncoding.EncodeToString([]byte(e.Files[path]))}
		if err == nil {
			one["action"], one["last_commit_id"] = "update", there.Last
		}
		list = append(list, one)
	}
	return list, nil
}

// coAuthor names somebody in a message by the address that GitLab gives to accounts.
func (c *Client) coAuthor(p checks.Person) string {
	if p.ID == 0 || p.Login == "" || strings.ContainsAny(p.Login, "<>\n\r ") {
		return ""
	}
	return fmt.Sprintf("\n\nCo-authored-by: %s <%d-%s@users.noreply.%s>", p.Login, p.ID, p.Login, c.base.Hostname())
}

// refusedCommit says in words why GitLab did not take a commit.
func refusedCommit(err error, e gate.Edit, s checks.Subject) error {
	var no *Error
	if !errors.As(err, &no) {
		return err
	}
	text := strings.ToLower(no.Message)
	fork := !strings.EqualFold(e.Repo, s.Repo)
	switch {
	case no.Status == http.StatusBadRequest && (strings.Contains(text, "has changed since") || strings.Contains(text, "already exists") || strings.Contains(text, "doesn't exist") || strings.Contains(text, "could not update")):
		return &gate.RefusalError{Why: movedOn}
	case (no.Status == http.StatusForbidden || no.Status == http.StatusNotFound) && fork:
		return &gate.RefusalError{Why: fmt.Sprintf("GitLab does not let Sluice write to the fork %s: its owner can allow it with “Allow commits from members who can merge to the target branch”, or write the entry", gate.Plain(e.Repo))}
	case no.Status == http.StatusForbidden || no.Status == http.StatusUnauthorized:
		return &gate.RefusalError{Why: "GitLab does not let Sluice push there: the token's role has to be Developer or higher, and on a protected branch among those allowed to push"}
	case no.Status == http.StatusNotFound:
		return &gate.RefusalError{Why: fmt.Sprintf("the branch is gone, or GitLab does not show %s to Sluice", gate.Plain(e.Repo))}
	}
	return worded(err)
}

// worded turns GitLab's refusal into one that people can read; other errors stay as they are.
func worded(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	why := checks.Clip(gate.Plain(e.Message), 200)
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return &gate.RefusalError{Why: strings.TrimSuffix("GitLab does not let Sluice do that: the token needs the scope api and a role that may (Developer or higher, and on protected branches and tags one of those named there). "+why, ". ")}
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		return &gate.RefusalError{Why: "GitLab did not take it: " + or(why, "it gave no reason")}
	}
	return err
}

// proposalNode is a merge request of a branch.
type proposalNode struct {
	IID    int    `json:"iid"`
	URL    string `json:"web_url"`
	State  string `json:"state"`
	Branch string `json:"source_branch"`
	Base   string `json:"target_branch"`
	Source int64  `json:"source_project_id"`
	Target int64  `json:"target_project_id"`
}

func (m proposalNode) proposed() *gate.Proposed {
	state := map[string]string{"opened": "open", "locked": "open"}[m.State]
	return &gate.Proposed{Number: m.IID, URL: m.URL, State: or(state, m.State)}
}

// Proposed implements gate.Committer. One that is open is what counts.
func (c *Client) Proposed(ctx context.Context, s checks.Subject, branch, base string) (*gate.Proposed, error) {
	a, err := c.reach(s.Repo)
	if err != nil {
		return nil, err
	}
	q := url.Values{"state": {"all"}, "source_branch": {branch}, "target_branch": {base}, "order_by": {"created_at"}, "sort": {"desc"}, "per_page": {"20"}}
	var list []proposalNode
	if _, err := a.get(ctx, at(s.Repo, "merge_requests"), q, &list); err != nil {
		return nil, fmt.Errorf("look for a change from %s of %s: %w", gate.Plain(branch), s.Repo, err)
	}
	var found *gate.Proposed
	for _, m := range list {
		if m.Branch != branch || m.Base != base || m.Source != m.Target {
			continue
		}
		if x := m.proposed(); found == nil || x.State == "open" && found.State != "open" {
			found = x
		}
	}
	return found, nil
}

// Propose implements gate.Committer.
func (c *Client) Propose(ctx context.Context, s checks.Subject, p gate.Proposal) (*gate.Proposed, error) {
	a, err := c.reach(s.Repo)
	if err != nil {
		return nil, err
	}
	open := func() *gate.Proposed {
		if there, lost := c.Proposed(ctx, s, p.Branch, p.Base); lost == nil && there != nil && there.State == "open" {
			return there
		}
		return nil
	}
	var made proposalNode
	_, err = a.send(ctx, http.MethodPost, at(s.Repo, "merge_requests"), nil,
		map[string]any{"source_branch": p.Branch, "target_branch": p.Base, "title": p.Title, "description": tame(p.Body)}, &made)
	if unknown := (*Unclear)(nil); status(err) == http.StatusConflict || errors.As(err, &unknown) {
		if there := open(); there != nil {
			return there, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open a change from %s of %s: %w", gate.Plain(p.Branch), s.Repo, worded(err))
	}
	if made.IID == 0 {
		return nil, fmt.Errorf("open a change from %s of %s: GitLab named none", gate.Plain(p.Branch), s.Repo)
	}
	return made.proposed(), nil
}
