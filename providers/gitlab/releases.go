package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Releaser = (*Client)(nil)

// TagAt implements gate.Releaser. An annotated tag is an object of its own: what it points to is another id than the tag's.
func (c *Client) TagAt(ctx context.Context, s checks.Subject, name string) (*gate.StandingTag, error) {
	a, err := c.reach(s.Repo)
	if err != nil {
		return nil, err
	}
	var t struct {
		Message string `json:"message"`
		Target  string `json:"target"`
		Commit  struct {
			ID string `json:"id"`
		} `json:"commit"`
	}
	_, err = a.get(ctx, at(s.Repo, "repository", "tags", name), nil, &t)
	switch {
	case errors.Is(err, gate.ErrGone):
		return nil, nil
	case err == nil && !objectID(t.Commit.ID):
		err = errors.New("GitLab named no commit")
	}
	if err != nil {
		return nil, fmt.Errorf("read tag %s of %s: %w", gate.Plain(name), s.Repo, err)
	}
	return &gate.StandingTag{Commit: t.Commit.ID, Message: t.Message, Annotated: t.Target != "" && t.Target != t.Commit.ID || t.Message != ""}, nil
}

// CreateTag implements gate.Releaser. It is the message that makes GitLab annotate a tag.
func (c *Client) CreateTag(ctx context.Context, s checks.Subject, name, commit, message string) error {
	a, err := c.reach(s.Repo)
	if err != nil {
		return err
	}
	if strings.TrimSpace(message) == "" {
		message = name
	}
	_, err = a.send(ctx, http.MethodPost, at(s.Repo, "repository", "tags"), nil, map[string]any{"tag_name": name, "ref": commit, "message": message}, nil)
	if unknown := (*Unclear)(nil); errors.As(err, &unknown) {
		t, lost := c.TagAt(ctx, s, name)
		if lost == nil && t != nil && t.Commit == commit && strings.TrimSpace(t.Message) == strings.TrimSpace(message) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("tag %s of %s: %w", gate.Plain(name), s.Repo, worded(err))
	}
	return nil
}

// Published implements gate.Releaser.
func (c *Client) Published(ctx context.Context, s checks.Subject, tag string) (string, error) {
	a, err := c.reach(s.Repo)
	if err != nil {
		return "", err
	}
	var found releaseNode
	_, err = a.get(ctx, at(s.Repo, "releases", tag), nil, &found)
	switch {
	case errors.Is(err, gate.ErrGone):
		return "", nil
	case err == nil && found.Links.Self == "":
		err = errors.New("GitLab named no address")
	}
	if err != nil {
		return "", fmt.Errorf("read the release of %s of %s: %w", gate.Plain(tag), s.Repo, err)
	}
	return found.Links.Self, nil
}

type releaseNode struct {
	Links struct {
		Self string `json:"self"`
	} `json:"_links"`
}

// Publish implements gate.Releaser. GitLab knows neither prereleases nor which one is the latest: it goes by their dates.
func (c *Client) Publish(ctx context.Context, s checks.Subject, n gate.Notice) (string, error) {
	a, err := c.reach(s.Repo)
	if err != nil {
		return "", err
	}
	var made releaseNode
	_, err = a.send(ctx, http.MethodPost, at(s.Repo, "releases"), nil, map[string]any{"tag_name": n.Tag, "name": n.Title, "description": n.Notes}, &made)
	if unknown := (*Unclear)(nil); status(err) == http.StatusConflict || errors.As(err, &unknown) {
		if there, lost := c.Published(ctx, s, n.Tag); lost == nil && there != "" {
			return there, nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("publish the release of %s of %s: %w", gate.Plain(n.Tag), s.Repo, worded(err))
	}
	return made.Links.Self, nil
}
