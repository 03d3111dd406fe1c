package github

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Committer = (*Client)(nil)

// Branch implements gate.Committer.
func (c *Client) Branch(ctx context.Context, s checks.Subject, name string) (*gate.Branch, error) {
	in, r, err := c.inRepo(ctx, s, s.Repo)
	if err != nil {
		return nil, err
	}
	var said struct {
		Commit struct {
			SHA    string `json:"sha"`
			Commit struct {
				Message string `json:"message"`
			} `json:"commit"`
		} `json:"commit"`
		Protected bool `json:"protected"` // by branch protection or by a ruleset
	}
	err = in.get(ctx, "GET /repos/{owner}/{repo}/branches/{branch}", r.path("/branches/"+url.PathEscape(name)), &said)
	switch {
	case errors.Is(err, gate.ErrGone):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read branch %s of %s: %w", name, r, err)
	case !oid(said.Commit.SHA):
		return nil, fmt.Errorf("read branch %s of %s: GitHub named no commit", name, r)
	}
	return &gate.Branch{Commit: said.Commit.SHA, Message: said.Commit.Commit.Message, Protected: said.Protected}, nil
}

// Commit implements gate.Committer: GitHub makes the commit, signs it, and puts it on the branch only if the branch still
// stands where it was.
func (c *Client) Commit(ctx context.Context, s checks.Subject, e gate.Edit) (string, error) {
	in, r, err := c.inRepo(ctx, s, e.Repo)
	if err != nil {
		return "", err
	}
	if e.New {
		err = in.create(ctx, s, "POST /repos/{owner}/{repo}/git/refs", r.path("/git/refs"), map[string]any{"ref": "refs/heads/" + e.Branch, "sha": e.Expect}, nil)
		if err != nil && !exists(err) {
			return "", fmt.Errorf("make branch %s of %s: %w", e.Branch, r, worded(err))
		}
	}
	id, err := c.onBranch(ctx, in, s, r, e)
	if err != nil {
		return "", fmt.Errorf("commit to %s of %s: %w", e.Branch, r, err)
	}
	return id, nil
}

const commitDocument = `mutation Commit($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }`

func (c *Client) onBranch(ctx context.Context, in *installation, s checks.Subject, r repoName, e gate.Edit) (string, error) {
	var added []map[string]string
	for path, text := range e.Files {
		added = append(added, map[string]string{"path": path, "contents": base64.StdEncoding.EncodeToString([]byte(text))})
	}
	sort.Slice(added, func(i, j int) bool { return added[i]["path"] < added[j]["path"] })
	input := map[string]any{
		"branch":          map[string]string{"repositoryNameWithOwner": r.String(), "branchName": e.Branch},
		"message":         map[string]string{"headline": e.Title, "body": e.Body + c.coAuthor(e.For)},
		"expectedHeadOid": e.Expect, "fileChanges": map[string]any{"additions": added},
	}
	var out struct {
		Made *struct {
			Commit *oidNode `json:"commit"`
		} `json:"createCommitOnBranch"`
	}
	var errs []graphError
	err := in.counted(s, func() (err error) {
		errs, err = in.mutate(ctx, "Commit", commitDocument, map[string]any{"input": input}, &out)
		return err
	})
	if len(errs) > 0 {
		return "", refusedCommit(errs[0], r, s)
	}
	if err == nil && (out.Made == nil || out.Made.Commit == nil) {
		err = &unclear{errors.New("GitHub took the commit and named none")}
	}
	if err != nil {
		return "", err
	}
	return out.Made.Commit.OID, nil
}

// coAuthor names somebody in a message by the address that GitHub gives to accounts.
func (c *Client) coAuthor(p checks.Person) string {
	if p.ID == 0 || !plain(p.Login) {
		return ""
	}
	host := "github.com"
	if u, err := url.Parse(c.bases.web); err == nil {
		host = u.Hostname()
	}
	return fmt.Sprintf("\n\nCo-authored-by: %s <%d+%s@users.noreply.%s>", p.Login, p.ID, p.Login, host)
}

// refusedCommit says in words why GitHub did not take a commit.
func refusedCommit(e graphError, r repoName, s checks.Subject) error {
	text := strings.ToLower(e.Message)
	fork := !strings.EqualFold(r.String(), s.Repo)
	switch {
	case e.Type == "STALE_DATA" || strings.Contains(text, "expected branch to point to"):
		return &gate.RefusalError{Why: "somebody pushed to the branch in between; say it again"}
	case e.Type == "FORBIDDEN" && fork:
		return &gate.RefusalError{Why: fmt.Sprintf("GitHub does not let Sluice write to the fork %s: its owner can install the App there with the permission contents: write, or write the entry", r)}
	case e.Type == "FORBIDDEN":
		return &gate.RefusalError{Why: "GitHub does not let Sluice write here: the App needs the permission contents: write, which an owner has to accept (and workflows: write where a file below .github/workflows is written)"}
	case e.Type == "NOT_FOUND":
		return &gate.RefusalError{Why: fmt.Sprintf("the branch is gone, or GitHub does not show %s to Sluice", r)}
	case slow(e.err("Commit")):
		return &unclear{e.err("Commit")}
	}
	why := checks.Clip(strings.Join(strings.Fields(e.Message), " "), 200)
	if strings.Contains(text, "protect") || strings.Contains(text, "rule") {
		return &gate.RefusalError{Why: "the branch is protected against it: " + why}
	}
	return &gate.RefusalError{Why: "GitHub did not take it: " + why}
}

// Proposed implements gate.Committer.
func (c *Client) Proposed(ctx context.Context, s checks.Subject, branch, base string) (*gate.Proposed, error) {
	in, r, err := c.inRepo(ctx, s, s.Repo)
	if err != nil {
		return nil, err
	}
	q := url.Values{"state": {"all"}, "head": {r.owner + ":" + branch}, "base": {base}, "sort": {"created"}, "direction": {"desc"}, "per_page": {"10"}}
	var list []pullNode
	if err := in.get(ctx, "GET /repos/{owner}/{repo}/pulls", r.path("/pulls?"+q.Encode()), &list); err != nil {
		return nil, fmt.Errorf("look for a change from %s of %s: %w", branch, r, err)
	}
	var found *gate.Proposed
	for _, p := range list {
		if p.Head.Ref != branch || p.Base.Ref != base || p.Head.Repo == nil || !strings.EqualFold(p.Head.Repo.FullName, r.String()) {
			continue
		}
		if x := p.proposed(); found == nil || x.State == "open" { // one that is open is what counts
			found = x
		}
	}
	return found, nil
}

type pullNode struct {
	Number   int        `json:"number"`
	URL      string     `json:"html_url"`
	State    string     `json:"state"`
	MergedAt *time.Time `json:"merged_at"`
	Head     refNode    `json:"head"`
	Base     refNode    `json:"base"`
}

type refNode struct {
	Ref  string `json:"ref"`
	Repo *struct {
		FullName string `json:"full_name"`
	} `json:"repo"`
}

func (p pullNode) proposed() *gate.Proposed {
	x := &gate.Proposed{Number: p.Number, URL: p.URL, State: p.State}
	if p.MergedAt != nil {
		x.State = "merged"
	}
	return x
}

// Propose implements gate.Committer.
func (c *Client) Propose(ctx context.Context, s checks.Subject, p gate.Proposal) (*gate.Proposed, error) {
	in, r, err := c.inRepo(ctx, s, s.Repo)
	if err != nil {
		return nil, err
	}
	var made pullNode
	err = in.create(ctx, s, "POST /repos/{owner}/{repo}/pulls", r.path("/pulls"), map[string]any{"title": p.Title, "head": p.Branch, "base": p.Base, "body": p.Body}, &made)
	if exists(err) {
		if there, lost := c.Proposed(ctx, s, p.Branch, p.Base); lost == nil && there != nil && there.State == "open" {
			return there, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open a change from %s of %s: %w", p.Branch, r, worded(err))
	}
	if made.Number == 0 {
		return nil, fmt.Errorf("open a change from %s of %s: GitHub named none", p.Branch, r)
	}
	return made.proposed(), nil
}

// create posts what makes something. It is never repeated: whoever calls looks first.
func (in *installation) create(ctx context.Context, s checks.Subject, route, path string, body, out any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return in.counted(s, func() error {
		_, err := in.do(ctx, call{route: route, method: http.MethodPost, url: in.client.bases.rest + path, body: b, out: out})
		return err
	})
}

var errRoom = errors.New("GitHub's limit on content creation leaves no room")

// counted does a write within GitHub's limits on content creation. What people asked for goes before details.
func (in *installation) counted(s checks.Subject, do func() error) error {
	if after := in.creation.take(s.Key(), 1, true); after > 0 {
		return &gate.RetryError{After: after, Err: errRoom}
	}
	err := do()
	if refused := errors.Is(err, errSecondary); refused || err == nil {
		in.creation.told(refused)
	} else {
		in.creation.unclear()
	}
	return err
}

// exists says that what was to be made is there.
func exists(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusUnprocessableEntity && (strings.Contains(e.Message, "already exists") || strings.Contains(e.Message, "already_exists"))
}

// worded turns GitHub's refusal into one that people can read; other errors stay as they are.
func worded(err error) error {
	var e *Error
	if err == nil || isRetry(err) || !errors.As(err, &e) {
		return err
	}
	why := checks.Clip(strings.Join(strings.Fields(e.Message), " "), 200)
	switch {
	case e.Status == http.StatusForbidden || e.Status == http.StatusNotFound:
		needs := "contents: write and pull_requests: write"
		if e.Needs != "" {
			needs = e.Needs
		}
		return &gate.RefusalError{Why: fmt.Sprintf("GitHub does not let Sluice do that (%s): the App needs the permissions %s, and workflows: write where the commit changes .github/workflows", why, needs)}
	case e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusConflict:
		return &gate.RefusalError{Why: "GitHub did not take it: " + why}
	}
	return err
}
