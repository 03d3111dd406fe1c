package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// leastID is how many digits an abbreviated object id has at least: with fewer, anybody could push a commit that makes it
// ambiguous.
const leastID = 7

// Resolve implements gate.Promoter. A name that means two commits is refused: which one was meant, nobody knows.
func (c *Client) Resolve(ctx context.Context, repo gate.Repo, ref string) (string, int, error) {
	commit, change, err := c.resolve(ctx, repo.Name, ref)
	if err != nil {
		return "", 0, fmt.Errorf("find %q in %s: %w", checks.Clip(gate.Plain(ref), 60), repo.Name, err)
	}
	return commit, change, nil
}

func (c *Client) resolve(ctx context.Context, repo, ref string) (string, int, error) {
	a, err := c.reach(repo)
	if err != nil {
		return "", 0, err
	}
	if ref == "" || len(ref) > 250 || strings.ContainsAny(ref, " ~^:?*[\\\x7f") || strings.Contains(ref, "..") || gate.Plain(ref) != ref {
		return "", 0, &gate.RefusalError{Why: "it is no name of a branch, a tag or a commit"}
	}
	found, err := c.meant(ctx, a, repo, ref)
	if err != nil {
		return "", 0, err
	}
	var ids []string
	for id := range found {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	switch len(ids) {
	case 1:
		change, err := c.changeOf(ctx, a, repo, ids[0])
		return ids[0], change, err
	case 0:
		why := "GitLab knows no branch, no tag and no commit of that name"
		if abbreviated(ref) && len(ref) < 40 {
			why += ", or several commits begin so: give all 40 digits"
		}
		return "", 0, &gate.RefusalError{Why: why}
	}
	return "", 0, &gate.RefusalError{Why: fmt.Sprintf("it is ambiguous: %s and %s of that name are different commits; say refs/heads/…, refs/tags/… or the 40 digits of the commit", found[ids[0]], found[ids[1]])}
}

// meant are the commits that a ref may mean, each with what it is as.
func (c *Client) meant(ctx context.Context, a *access, repo, ref string) (map[string]string, error) {
	if _, err := c.project(ctx, repo); err != nil { // one that is gone is no ref that is unknown
		return nil, err
	}
	branch, tag := ref, ref
	if name, is := strings.CutPrefix(ref, "refs/heads/"); is {
		branch, tag = name, ""
	} else if name, is := strings.CutPrefix(ref, "refs/tags/"); is {
		branch, tag = "", name
	}
	found := map[string]string{}
	look := func(kind, path, name string) error {
		var n struct {
			Name   string `json:"name"`
			Commit struct {
				ID string `json:"id"`
			} `json:"commit"`
		}
		if name == "" {
			return nil
		}
		_, err := a.get(ctx, at(repo, "repository", path, name), nil, &n)
		if err == nil && n.Name == name && objectID(n.Commit.ID) {
			found[n.Commit.ID] = kind
		}
		if errors.Is(err, gate.ErrGone) {
			return nil
		}
		return err
	}
	if err := errors.Join(look("a branch", "branches", branch), look("a tag", "tags", tag)); err != nil {
		return nil, err
	}
	if !abbreviated(ref) {
		return found, nil
	}
	var n struct {
		ID string `json:"id"`
	}
	_, err := a.get(ctx, at(repo, "repository", "commits", strings.ToLower(ref)), url.Values{"stats": {"false"}}, &n)
	if err == nil && objectID(n.ID) && strings.HasPrefix(n.ID, strings.ToLower(ref)) && found[n.ID] == "" {
		found[n.ID] = "a commit"
	}
	if errors.Is(err, gate.ErrGone) {
		err = nil
	}
	return found, err
}

// abbreviated says whether s may be an object id, or the beginning of one.
func abbreviated(s string) bool {
	if len(s) < leastID || len(s) > 64 {
		return false
	}
	return strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
}

// changeOf is the merged change that brought a commit: into the default branch, or else whose merge it is; 0: none.
func (c *Client) changeOf(ctx context.Context, a *access, repo, commit string) (int, error) {
	project, err := c.project(ctx, repo)
	if err != nil {
		return 0, err
	}
	list, err := a.bringers(ctx, repo, commit)
	if err != nil {
		return 0, err
	}
	into, merge := 0, 0
	for _, m := range list {
		if m.Target != int64(project.ID) {
			continue
		}
		is := m.became() == commit
		if m.Branch == project.DefaultBranch && (into == 0 || is || m.IID < into && merge != into) {
			if into = m.IID; is {
				merge = m.IID
			}
		} else if is && merge == 0 {
			merge = m.IID
		}
	}
	if into != 0 {
		return into, nil
	}
	return merge, nil
}
