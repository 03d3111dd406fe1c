package gitlab

import (
	"context"
	"errors"
	"strings"

	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// policies are those in force for a branch whose tip this is: the repository's, then that of the group at the top. unread says
// why they are not known.
func (c *Client) policies(ctx context.Context, a *access, repo, tip string) (list []policy.Source, unread string, err error) {
	for _, path := range policy.Paths {
		src, ok, err := a.policy(ctx, repo, tip, path)
		if err != nil {
			return nil, "", err
		}
		if ok {
			src.Origin, src.Name, src.Commit = policy.Repository, path, tip
			list = append(list, src)
			break
		}
	}
	top, _, _ := strings.Cut(repo, "/")
	home := top + "/sluice-policy"
	src, ok, err := a.policy(ctx, home, "HEAD", "sluice.yml")
	if err != nil && !errors.Is(err, gate.ErrGone) {
		return nil, "", err
	}
	if ok {
		src.Origin, src.Name = policy.Organisation, home+":sluice.yml"
		list = append(list, src)
	}
	return list, "", nil
}

func (a *access) policy(ctx context.Context, repo, ref, path string) (policy.Source, bool, error) {
	f, err := a.file(ctx, repo, ref, path)
	if err != nil || f == nil {
		return policy.Source{}, false, err
	}
	text, is, err := a.stored(ctx, repo, ref, path)
	src := policy.Source{Text: text}
	if !is {
		src.Kind = "binary"
	}
	return src, err == nil, err
}
