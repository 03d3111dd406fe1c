package github

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Releaser = (*Client)(nil)

// TagAt implements gate.Releaser.
func (c *Client) TagAt(ctx context.Context, s checks.Subject, name string) (*gate.StandingTag, error) {
	in, r, err := c.inRepo(ctx, s, s.Repo)
	if err != nil {
		return nil, err
	}
	var ref struct {
		Object gitObject `json:"object"`
	}
	err = in.get(ctx, "GET /repos/{owner}/{repo}/git/ref/{ref}", r.path("/git/ref/tags/"+segments(name)), &ref)
	switch {
	case errors.Is(err, gate.ErrGone):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read tag %s of %s: %w", name, r, err)
	}
	t := &gate.StandingTag{Commit: ref.Object.SHA}
	for depth := 0; ref.Object.Type == "tag" && depth < 5; depth++ { // a tag may stand for another
		var tag struct {
			Message string    `json:"message"`
			Object  gitObject `json:"object"`
		}
		if err := in.get(ctx, "GET /repos/{owner}/{repo}/git/tags/{tag_sha}", r.path("/git/tags/"+url.PathEscape(ref.Object.SHA)), &tag); err != nil {
			return nil, fmt.Errorf("read tag %s of %s: %w", name, r, err)
		}
		if !t.Annotated {
			t.Annotated, t.Message = true, tag.Message
		}
		ref.Object, t.Commit = tag.Object, tag.Object.SHA
	}
	if !oid(t.Commit) {
		return nil, fmt.Errorf("read tag %s of %s: GitHub named no commit", name, r)
	}
	return t, nil
}

type gitObject struct {
	Type string `json:"type"`
	SHA  string `json:"sha"`
}

// segments escapes a name that may have slashes, which stay.
func segments(name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// CreateTag implements gate.Releaser. The tag's object alone is no tag: one that is left behind does no harm.
func (c *Client) CreateTag(ctx context.Context, s checks.Subject, name, commit, message string) error {
	in, r, err := c.inRepo(ctx, s, s.Repo)
	if err != nil {
		return err
	}
	var made struct {
		SHA string `json:"sha"`
	}
	err = in.create(ctx, s, "POST /repos/{owner}/{repo}/git/tags", r.path("/git/tags"), map[string]any{"tag": name, "message": message, "object": commit, "type": "commit"}, &made)
	if err == nil && !oid(made.SHA) {
		err = errors.New("GitHub named no object")
	}
	if err == nil {
		err = in.create(ctx, s, "POST /repos/{owner}/{repo}/git/refs", r.path("/git/refs"), map[string]any{"ref": "refs/tags/" + name, "sha": made.SHA}, nil)
	}
	if err != nil {
		return fmt.Errorf("tag %s of %s: %w", name, r, worded(err))
	}
	return nil
}

type releaseNode struct {
	URL   string `json:"html_url"`
	Draft bool   `json:"draft"`
}

// Published implements gate.Releaser. A draft is no release.
func (c *Client) Published(ctx context.Context, s checks.Subject, tag string) (string, error) {
	in, r, err := c.inRepo(ctx, s, s.Repo)
	if err != nil {
		return "", err
	}
	var found releaseNode
	err = in.get(ctx, "GET /repos/{owner}/{repo}/releases/tags/{tag}", r.path("/releases/tags/"+segments(tag)), &found)
	switch {
	case errors.Is(err, gate.ErrGone) || err == nil && found.Draft:
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read the release of %s of %s: %w", tag, r, err)
	case found.URL == "":
		return "", fmt.Errorf("read the release of %s of %s: GitHub named no address", tag, r)
	}
	return found.URL, nil
}

// Publish implements gate.Releaser.
func (c *Client) Publish(ctx context.Context, s checks.Subject, n gate.Notice) (string, error) {
	in, r, err := c.inRepo(ctx, s, s.Repo)
	if err != nil {
		return "", err
	}
	var made releaseNode
	err = in.create(ctx, s, "POST /repos/{owner}/{repo}/releases", r.path("/releases"), map[string]any{"tag_name": n.Tag, "name": n.Title, "body": n.Notes,
		"draft": false, "prerelease": n.Prerelease, "make_latest": n.Latest}, &made)
	if exists(err) {
		if there, lost := c.Published(ctx, s, n.Tag); lost == nil && there != "" {
			return there, nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("publish the release of %s of %s: %w", n.Tag, r, worded(err))
	}
	return made.URL, nil
}
