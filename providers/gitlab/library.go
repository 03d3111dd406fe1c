package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Librarian = (*Client)(nil)

const (
	mostTouched = 60 // pages of a hundred files of a merge request
)

// inRepo is the token for a repository that is named beside a subject. One that lies elsewhere is a fork, seen as far as the
// token of the subject's sees it.
func (c *Client) inRepo(s checks.Subject, repo string) (*access, error) {
	if strings.EqualFold(repo, s.Repo) {
		return c.reach(s.Repo)
	}
	if _, err := c.reach(repo); err != nil && !errors.Is(err, gate.ErrGone) {
		return nil, err // no path of a project
	}
	return c.reach(s.Repo)
}

// Tree implements gate.Librarian.
func (c *Client) Tree(ctx context.Context, s checks.Subject, repo, commit string) ([]string, error) {
	a, err := c.inRepo(s, repo)
	if err != nil {
		return nil, err
	}
	if !objectID(commit) {
		return nil, fmt.Errorf("%q is not a commit id", commit)
	}
	list, why, err := a.treeNodes(ctx, repo, commit, mostTree)
	if err == nil && why != "" {
		err = errors.New(why)
	}
	if err != nil {
		return nil, fmt.Errorf("list the files of %s at %.8s: %w", repo, commit, err)
	}
	paths := make([]string, 0, len(list))
	for _, e := range list {
		if e.Type == "blob" {
			paths = append(paths, e.Path)
		}
	}
	return paths, nil
}

// Texts implements gate.Librarian. What is written back has to be what is stored, to the byte.
func (c *Client) Texts(ctx context.Context, s checks.Subject, repo, commit string, paths []string) (map[string]string, error) {
	texts := map[string]string{}
	a, err := c.inRepo(s, repo)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(abreast)
	for _, path := range paths {
		group.Go(func() error {
			t, _, err := a.text(all, repo, commit, path)
			if err == nil && !t.Absent && t.Kind == "" {
				mu.Lock()
				texts[path] = t.Text
				mu.Unlock()
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("read files of %s at %.8s: %w", repo, commit, err)
	}
	return texts, nil
}

// Relation implements gate.Librarian.
func (c *Client) Relation(ctx context.Context, s checks.Subject, base, head string) (string, error) {
	a, err := c.reach(s.Repo)
	if err != nil {
		return "", err
	}
	if base == head {
		return "identical", nil
	}
	var common struct {
		ID string `json:"id"`
	}
	_, err = a.get(ctx, at(s.Repo, "repository", "merge_base"), url.Values{"refs[]": {base, head}}, &common)
	switch {
	case errors.Is(err, gate.ErrGone), status(err) == http.StatusBadRequest: // no common history, or one of them is gone
		return "", nil
	case err != nil:
		return "", fmt.Errorf("compare %.8s with %.8s of %s: %w", base, head, s.Repo, err)
	case common.ID == base:
		return "ahead", nil
	case common.ID == head:
		return "behind", nil
	case !objectID(common.ID):
		return "", fmt.Errorf("compare %.8s with %.8s of %s: GitLab named no commit", base, head, s.Repo)
	}
	return "diverged", nil
}

// Touched implements gate.Librarian. GitLab lists the files up to a limit of the instance, and says in the count that it did.
func (c *Client) Touched(ctx context.Context, s checks.Subject) ([]checks.File, error) {
	files, err := c.touched(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("list the files of %v: %w", s, err)
	}
	return files, nil
}

func (c *Client) touched(ctx context.Context, s checks.Subject) ([]checks.File, error) {
	a, err := c.reach(s.Repo)
	if err != nil {
		return nil, err
	}
	var mr struct {
		Count string `json:"changes_count"` // "3", "1000+", or null
	}
	path := at(s.Repo, "merge_requests", strconv.Itoa(s.Change))
	if _, err := a.get(ctx, path, nil, &mr); err != nil {
		return nil, err
	}
	type diff struct {
		Old     string `json:"old_path"`
		New     string `json:"new_path"`
		Added   bool   `json:"new_file"`
		Moved   bool   `json:"renamed_file"`
		Removed bool   `json:"deleted_file"`
	}
	list, cut, err := pages[diff](ctx, a, path+"/diffs", nil, mostTouched)
	if err != nil {
		return nil, err
	}
	const limit = 1000 // of an instance, unless set otherwise; of an old merge request GitLab no longer tells the count
	if n, err := strconv.Atoi(mr.Count); cut || mr.Count != "" && (err != nil || n > len(list)) || mr.Count == "" && len(list) >= limit {
		return nil, fmt.Errorf("GitLab's list ends at %d of %s", len(list), checks.Clip(mr.Count, 20))
	}
	var files []checks.File
	for _, d := range list {
		f := checks.File{Path: d.New, Status: "modified"}
		switch {
		case d.Added:
			f.Status = "added"
		case d.Removed:
			f.Status = "removed"
		case d.Moved:
			f.Status, f.Old = "renamed", d.Old
		}
		files = append(files, f)
	}
	return files, nil
}
