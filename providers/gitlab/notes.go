package gitlab

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

var _ gate.Correspondent = (*Client)(nil)

// spoken is a note with all that tells whether a command in it counts.
type spoken struct {
	ID       int64     `json:"id"`
	Body     string    `json:"body"`
	Author   *userNode `json:"author"`
	Created  time.Time `json:"created_at"`
	Updated  time.Time `json:"updated_at"`
	System   bool      `json:"system"`
	Internal bool      `json:"internal"`
	Secret   bool      `json:"confidential"` // as older instances call it
	Resolved time.Time `json:"resolved_at"`
}

// Comment implements gate.Correspondent. A note of another merge request, and one that GitLab wrote itself, is gate.ErrGone.
func (c *Client) Comment(ctx context.Context, s checks.Subject, id int64) (*gate.Comment, error) {
	out, err := c.comment(ctx, s, id)
	if err != nil {
		return nil, fmt.Errorf("read comment %d on %v: %w", id, s, err)
	}
	return out, nil
}

func (c *Client) comment(ctx context.Context, s checks.Subject, id int64) (*gate.Comment, error) {
	a, n, err := c.spoken(ctx, s, id)
	if err != nil {
		return nil, err
	}
	edited, err := c.edited(ctx, a, s, n)
	if err != nil {
		return nil, err
	}
	by, err := (&reading{c: c, a: a}).surely(ctx, n.Author)
	if err != nil {
		return nil, err
	}
	return &gate.Comment{ID: n.ID, By: by, Body: n.Body, At: n.Created.UTC(), Edited: edited, App: by.Kind == "bot",
		URL: fmt.Sprintf("%s/%s/-/merge_requests/%d#note_%d", c.base, s.Repo, s.Change, n.ID)}, nil
}

// spoken reads a note that somebody wrote below the merge request.
func (c *Client) spoken(ctx context.Context, s checks.Subject, id int64) (*access, *spoken, error) {
	a, err := c.reach(s.Repo)
	if err != nil {
		return nil, nil, err
	}
	if s.Kind != checks.KindChange || s.Change == 0 {
		return nil, nil, fmt.Errorf("%w: commands are taken on merge requests alone", gate.ErrGone)
	}
	var n spoken
	if _, err := a.get(ctx, notePath(s, id), nil, &n); err != nil {
		return nil, nil, err
	}
	if n.ID != id || n.System {
		return nil, nil, fmt.Errorf("%w: nobody wrote note %d on %v", gate.ErrGone, id, s)
	}
	c.talk.quiet.Add(id, n.Internal || n.Secret)
	return a, &n, nil
}

func notePath(s checks.Subject, id int64, more ...string) string {
	return at(s.Repo, append([]string{"merge_requests", strconv.Itoa(s.Change), "notes", strconv.FormatInt(id, 10)}, more...)...)
}

// touch is how far the time at which a note was last changed may lie behind what changed it.
const touch = 500 * time.Millisecond

// edited says whether a note was changed after it was written. GitLab's API does not tell: the time of the last change is also
// that of an emoji given to the note, ours included, and of a thread resolved, so those are asked for where the times differ and
// nothing is remembered of what it said. An edit that one of them hides does not get through: the gate compares the text with
// what was delivered when it was written. An answer in a thread changes the time too, and looks like an edit here.
func (c *Client) edited(ctx context.Context, a *access, s checks.Subject, n *spoken) (bool, error) {
	says := sha256.Sum256([]byte(n.Body))
	if n.Updated.Equal(n.Created) {
		c.talk.heard.Add(n.ID, says)
		return false, nil
	}
	if said, ok := c.talk.heard.Get(n.ID); ok {
		return said != says, nil
	}
	explains := func(at time.Time) bool { late := n.Updated.Sub(at); return late >= -touch && late <= touch }
	if !n.Resolved.IsZero() && explains(n.Resolved) {
		return false, nil
	}
	awards, err := a.awards(ctx, s, n.ID)
	if err != nil {
		return false, err
	}
	for _, w := range awards {
		if explains(w.Created) {
			return false, nil
		}
	}
	return true, nil
}

// award is an emoji that somebody gave to a note.
type award struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created_at"`
	User    userNode  `json:"user"`
}

func (a *access) awards(ctx context.Context, s checks.Subject, note int64) ([]award, error) {
	list, _, err := pages[award](ctx, a, notePath(s, note, "award_emoji"), nil, 3)
	return list, err
}

// React implements gate.Correspondent. GitLab says 404 both of a note that is gone and of an emoji that was given before.
func (c *Client) React(ctx context.Context, s checks.Subject, comment int64) error {
	a, err := c.reach(s.Repo)
	if err == nil {
		_, err = a.send(ctx, http.MethodPost, notePath(s, comment, "award_emoji"), nil, map[string]string{"name": seen}, nil)
	}
	if errors.Is(err, gate.ErrGone) && a != nil {
		err = a.reacted(ctx, s, comment, err)
	}
	if err != nil {
		return fmt.Errorf("react to comment %d on %v: %w", comment, s, err)
	}
	return nil
}

const seen = "eyes"

func (a *access) reacted(ctx context.Context, s checks.Subject, comment int64, refused error) error {
	me, err := a.myself(ctx)
	if err != nil {
		return err
	}
	awards, err := a.awards(ctx, s, comment)
	if err != nil {
		return err
	}
	for _, w := range awards {
		if w.Name == seen && w.User.ID == int64(me.ID) {
			return nil
		}
	}
	return refused
}

// A reply carries what it answers in a mark that readers do not see, so that it is found again after a crash.
func replyMark(to string) string { return "<!-- sluice:answers " + unmarked(to) + " -->" }

// Reply implements gate.Correspondent. An internal note is answered internally: what its author kept among few is not told to
// all. The answer is a note of its own, not one in a thread, where it would have to be resolved before a merge.
func (c *Client) Reply(ctx context.Context, s checks.Subject, to string, known int64, body string) (int64, error) {
	id, err := c.reply(ctx, s, to, known, body)
	if err != nil {
		return 0, fmt.Errorf("answer on %v: %w", s, err)
	}
	return id, nil
}

func (c *Client) reply(ctx context.Context, s checks.Subject, to string, known int64, body string) (int64, error) {
	a, err := c.reach(s.Repo)
	if err != nil {
		return 0, err
	}
	if s.Kind != checks.KindChange || s.Change == 0 {
		return 0, fmt.Errorf("%w: commands are taken on merge requests alone", gate.ErrGone)
	}
	mark := replyMark(to)
	if known < 0 {
		n, _, err := a.ownNote(ctx, s, "desc", 3, func(body string) bool { return strings.HasSuffix(strings.TrimSpace(body), mark) })
		if err != nil {
			return 0, err
		}
		known = n.ID
	}
	return a.writeNote(ctx, s, known, tame(body)+"\n\n"+mark, func() (bool, error) { return c.internally(ctx, s, to) })
}

// internally says whether the note that is answered was written internally. One that is gone may have been.
func (c *Client) internally(ctx context.Context, s checks.Subject, to string) (bool, error) {
	note, err := strconv.ParseInt(to, 10, 64)
	if err != nil {
		return false, nil // it answers no note
	}
	if is, ok := c.talk.quiet.Get(note); ok {
		return is, nil
	}
	_, n, err := c.spoken(ctx, s, note)
	switch {
	case errors.Is(err, gate.ErrGone):
		return true, nil
	case err != nil:
		return false, err
	}
	return n.Internal || n.Secret, nil
}
