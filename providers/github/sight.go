package github

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
)

// The most that is read of what a person may see: a hundred on each page.
const (
	mostInstallPages = 5
	mostRepoPages    = 100 // of all installations together
	sightAbreast     = 4
)

// Seen are the repositories that both the App and the person may see, as "owner/name" in lower case; of more than ten thousand
// the first ones, for what is not known to be seen is not.
func (s *SignIn) Seen(ctx context.Context, access string) ([]string, error) {
	var ids []int64
	for page := 1; page <= mostInstallPages; page++ {
		var got struct {
			Installations []struct {
				ID int64 `json:"id"`
			} `json:"installations"`
		}
		if err := s.get(ctx, access, "GET /user/installations", fmt.Sprintf("/user/installations?per_page=100&page=%d", page), &got); err != nil {
			return nil, fmt.Errorf("list what somebody may see: %w", err)
		}
		for _, i := range got.Installations {
			ids = append(ids, i.ID)
		}
		if len(got.Installations) < 100 {
			break
		}
	}
	list, err := s.repositories(ctx, access, ids)
	if err != nil {
		return nil, fmt.Errorf("list what somebody may see: %w", err)
	}
	return list, nil
}

func (s *SignIn) repositories(ctx context.Context, access string, ids []int64) (list []string, err error) {
	type place struct {
		id   int64
		page int
	}
	var mu sync.Mutex
	var more []place
	read := func(ctx context.Context, at place) error {
		names, total, err := s.page(ctx, access, at.id, at.page)
		mu.Lock()
		defer mu.Unlock()
		list = append(list, names...)
		for n := 2; at.page == 1 && n <= (total+99)/100; n++ {
			more = append(more, place{at.id, n})
		}
		return err
	}
	var first []place
	for _, id := range ids {
		first = append(first, place{id, 1})
	}
	left := mostRepoPages
	for _, places := range []*[]place{&first, &more} {
		pages := (*places)[:min(len(*places), left)]
		left -= len(pages)
		group, all := errgroup.WithContext(ctx)
		group.SetLimit(sightAbreast)
		for _, at := range pages {
			group.Go(func() error { return read(all, at) })
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

type seenRepo struct {
	FullName    string          `json:"full_name"`
	Permissions map[string]bool `json:"permissions"`
}

func (s *SignIn) page(ctx context.Context, access string, id int64, page int) (names []string, total int, err error) {
	var got struct {
		Total        int        `json:"total_count"`
		Repositories []seenRepo `json:"repositories"`
	}
	err = s.get(ctx, access, "GET /user/installations/{installation_id}/repositories", fmt.Sprintf("/user/installations/%d/repositories?per_page=100&page=%d", id, page), &got)
	if hidden(err) {
		return nil, 0, nil // an installation that wants more than a sign-in, or is gone meanwhile
	}
	for _, r := range got.Repositories {
		if r.role() != "" {
			names = append(names, strings.ToLower(r.FullName))
		}
	}
	return names, got.Total, err
}

// role is the highest permission. Of a custom role it is that of its base.
func (r seenRepo) role() string {
	for _, x := range []struct{ key, word string }{{"admin", "admin"}, {"maintain", "maintain"}, {"push", "write"}, {"triage", "triage"}, {"pull", "read"}} {
		if r.Permissions[x.key] {
			return x.word
		}
	}
	return ""
}

// Role is the person's permission on a repository, "" for none; it is asked with their own token, so who they are is said by that.
func (s *SignIn) Role(ctx context.Context, access string, _ checks.Person, repo string) (string, error) {
	name, err := splitRepo(repo)
	if err != nil {
		return "", nil //nolint:nilerr // what can be no repository, nobody sees
	}
	var got seenRepo
	err = s.get(ctx, access, "GET /repos/{owner}/{repo}", name.path(""), &got)
	switch {
	case hidden(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("ask what somebody may do in %s: %w", repo, err)
	case !strings.EqualFold(got.FullName, repo): // it was renamed, and another may get its name
		return "", nil
	}
	return got.role(), nil
}
