package gitlab

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/gate"
)

// account is somebody as GitLab names him beside what he did. Whether he is a person stands elsewhere.
type account struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	State    string `json:"state"`
}

var robots = patterns.New(`^(project|group)_\d+_bot(_[0-9a-f]+|\d*)$`)

// nobody says whether the account stands for those that were deleted.
func (u account) nobody() bool { return u.ID == 0 || strings.EqualFold(u.Username, "ghost") }

// kind is user or bot, or "" for nobody. The names of access tokens' accounts tell, though a person may take such a name: it
// does him no good. Of all others GitLab is asked, once: service accounts go by any name.
func (c *Client) kind(ctx context.Context, a *access, u account) (string, error) {
	switch known, ok := c.talk.kinds.Get(u.ID); {
	case u.nobody():
		return "", nil
	case robots.MatchString(u.Username):
		return "bot", nil
	case ok:
		return known, nil
	}
	var got struct {
		ID  int64 `json:"id"`
		Bot bool  `json:"bot"`
	}
	_, err := a.get(ctx, "users/"+strconv.FormatInt(u.ID, 10), url.Values{}, &got)
	if errors.Is(err, gate.ErrGone) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	kind := "user"
	if got.Bot {
		kind = "bot"
	}
	c.talk.kinds.Add(u.ID, kind)
	return kind, nil
}
