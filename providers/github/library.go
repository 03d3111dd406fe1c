package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/compare"
)

var _ gate.Librarian = (*Client)(nil)

// Tree implements gate.Librarian.
func (c *Client) Tree(ctx context.Context, s checks.Subject, repo, commit string) ([]string, error) {
	in, r, err := c.inRepo(ctx, s, repo)
	if err != nil {
		return nil, err
	}
	if !oid(commit) {
		return nil, fmt.Errorf("%q is not a commit id", commit)
	}
	var list struct {
		Tree []struct {
			Path string `json:"path"`
			Type string `json:"type"`
		} `json:"tree"`
		Truncated bool `json:"truncated"`
	}
	err = in.get(ctx, "GET /repos/{owner}/{repo}/git/trees/{tree_sha}", r.path("/git/trees/"+commit+"?recursive=1"), &list)
	if err == nil && list.Truncated {
		err = errors.New("GitHub cut the list of the repository's files off")
	}
	if err != nil {
		return nil, fmt.Errorf("list the files of %s at %.8s: %w", r, commit, err)
	}
	paths := make([]string, 0, len(list.Tree))
	for _, e := range list.Tree {
		if e.Type == "blob" {
			paths = append(paths, e.Path)
		}
	}
	return paths, nil
}

// Texts implements gate.Librarian. What is written back has to be what is stored, to the byte, so a text that GraphQL gives
// in another form is read as GitHub keeps it.
func (c *Client) Texts(ctx context.Context, s checks.Subject, repo, commit string, paths []string) (map[string]string, error) {
	texts := map[string]string{}
	if len(paths) == 0 {
		return texts, nil
	}
	in, r, err := c.inRepo(ctx, s, repo)
	if err != nil {
		return nil, err
	}
	entries, err := c.entries(ctx, in, r, commit, paths)
	if err != nil {
		return nil, fmt.Errorf("read files of %s at %.8s: %w", r, commit, err)
	}
	got := make([]string, len(paths))
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, p := range paths {
		e := entries[i]
		if e == nil || e.Object == nil || e.Mode == compare.Link || e.Mode == compare.Submodule || e.Mode == compare.Folder || e.Object.ByteSize > compare.Largest {
			continue
		}
		if t := e.Object.Text; t != nil && !e.Object.IsTruncated && hashes(*t, e.Object.OID) {
			texts[p] = *t
			continue
		}
		group.Go(func() (err error) {
			got[i], err = c.blob(all, in, r, e.Object.OID)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("read files of %s at %.8s: %w", r, commit, err)
	}
	for i, p := range paths {
		if got[i] != "" && utf8.ValidString(got[i]) && !strings.ContainsRune(got[i], 0) {
			texts[p] = got[i]
		}
	}
	return texts, nil
}

// fileEntries are the files of a commit by alias; the type's name beside them is none.
type fileEntries map[string]*entryNode

func (f *fileEntries) UnmarshalJSON(b []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil || raw == nil {
		return err
	}
	*f = fileEntries{}
	for name, text := range raw {
		if alias(name, 'f') < 0 {
			continue
		}
		var e *entryNode
		if err := json.Unmarshal(text, &e); err != nil {
			return err
		}
		(*f)[name] = e
	}
	return nil
}

// entries asks for files of a commit, in the order of the paths; nil for one that is not there.
func (c *Client) entries(ctx context.Context, in *installation, r repoName, commit string, paths []string) ([]*entryNode, error) {
	var b strings.Builder
	b.WriteString("query Texts($owner: String!, $name: String!, $at: GitObjectID!) { repository(owner: $owner, name: $name) { object(oid: $at) { __typename ... on Commit { ")
	for i, p := range paths {
		fmt.Fprintf(&b, "f%d: file(path: %s) { ...Entry } ", i, quoted(p))
	}
	b.WriteString("} } } }\n" + c.queries.fragments["Entry"] + c.queries.fragments["Content"])
	var files struct {
		Repository *struct {
			Object *fileEntries `json:"object"`
		} `json:"repository"`
	}
	errs, err := in.query(ctx, "Texts", b.String(), map[string]any{"owner": r.owner, "name": r.name, "at": commit}, &files)
	switch {
	case err != nil:
		return nil, err
	case len(errs) > 0:
		return nil, errs[0].err("Texts")
	case files.Repository == nil || files.Repository.Object == nil:
		return nil, fmt.Errorf("%w: GitHub shows no commit %.8s", gate.ErrStale, commit)
	}
	list := make([]*entryNode, len(paths))
	for name, e := range *files.Repository.Object {
		if i := alias(name, 'f'); i >= 0 && i < len(list) {
			list[i] = e
		}
	}
	return list, nil
}

func (c *Client) blob(ctx context.Context, in *installation, r repoName, id string) (string, error) {
	a, err := in.do(ctx, call{route: "GET /repos/{owner}/{repo}/git/blobs/{file_sha}", method: http.MethodGet, safe: true, raw: true,
		url: in.client.bases.rest + r.path("/git/blobs/"+url.PathEscape(id)), accept: "application/vnd.github.raw+json", limit: compare.Largest})
	if err != nil {
		return "", err
	}
	return string(a.body), nil
}

// Relation implements gate.Librarian.
func (c *Client) Relation(ctx context.Context, s checks.Subject, base, head string) (string, error) {
	in, r, err := c.inRepo(ctx, s, s.Repo)
	if err != nil {
		return "", err
	}
	var said struct {
		Status string `json:"status"`
	}
	path := r.path("/compare/" + url.PathEscape(base) + "..." + url.PathEscape(head) + "?per_page=1")
	err = in.get(ctx, "GET /repos/{owner}/{repo}/compare/{basehead}", path, &said)
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		return "", nil // no common history, or one of them is gone
	}
	if err != nil {
		return "", fmt.Errorf("compare %.8s with %.8s of %s: %w", base, head, r, err)
	}
	return said.Status, nil
}

// inRepo is how a repository is reached; one of another owner is a fork, seen through the installation of the subject's.
func (c *Client) inRepo(ctx context.Context, s checks.Subject, repo string) (*installation, repoName, error) {
	r, err := splitRepo(repo)
	if err != nil {
		return nil, r, err
	}
	in, err := c.reach(ctx, s.Repo, s.Installation)
	return in, r, err
}

// mostTouched is how many files of a pull request GitHub lists.
const mostTouched = 3000

// Touched implements gate.Librarian.
func (c *Client) Touched(ctx context.Context, s checks.Subject) ([]checks.File, error) {
	in, r, err := c.inRepo(ctx, s, s.Repo)
	if err != nil {
		return nil, err
	}
	var all []checks.File
	for page := 1; ; page++ {
		var list []struct {
			Path string `json:"filename"`
			Old  string `json:"previous_filename"`
			Kind string `json:"status"`
		}
		path := r.path(fmt.Sprintf("/pulls/%d/files?per_page=100&page=%d", s.Change, page))
		if err := in.get(ctx, "GET /repos/{owner}/{repo}/pulls/{pull_number}/files", path, &list); err != nil {
			return nil, fmt.Errorf("list the files of %v: %w", s, err)
		}
		for _, x := range list {
			all = append(all, checks.File{Path: x.Path, Old: x.Old, Status: x.Kind})
		}
		switch {
		case len(all) >= mostTouched:
			return nil, fmt.Errorf("list the files of %v: GitHub's list ends at %d", s, mostTouched)
		case len(list) < 100:
			return all, nil
		}
	}
}
