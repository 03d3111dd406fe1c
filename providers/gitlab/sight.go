package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// mostSeenPages bounds what is read of the projects that a person may see: a hundred on each page.
const mostSeenPages = 100

// readsCode is the least access that shows the code of a project that not everybody sees.
const readsCode = 20

// Seen are the projects whose code the person may read as a member, by their full paths in lower case; of more than ten thousand
// the first ones, for what is not known to be seen is not.
func (s *SignIn) Seen(ctx context.Context, access string) (list []string, err error) {
	q := url.Values{"membership": {"true"}, "simple": {"true"}, "min_access_level": {strconv.Itoa(readsCode)}, "order_by": {"id"}, "sort": {"asc"}, "per_page": {"100"}}
	for page, n := "1", 0; page != "" && n < mostSeenPages; n++ {
		var got []struct {
			Path string `json:"path_with_namespace"`
		}
		q.Set("page", page)
		if page, err = s.get(ctx, access, "GET /projects", "/projects", q, &got); err != nil {
			return nil, fmt.Errorf("list what somebody may see: %w", err)
		}
		for _, p := range got {
			list = append(list, strings.ToLower(p.Path))
		}
	}
	return list, nil
}

// sightNode is a project as somebody sees it.
type sightNode struct {
	Path       string `json:"path_with_namespace"`
	Visibility string `json:"visibility"`
	Code       string `json:"repository_access_level"`
	Changes    string `json:"merge_requests_access_level"`
}

// Role is the person's permission on a project, "" for none. Who may not read its code is shown nothing of it.
func (s *SignIn) Role(ctx context.Context, access string, who checks.Person, repo string) (string, error) {
	var p sightNode
	_, err := s.get(ctx, access, "GET /projects/{id}", "/projects/"+escaped(repo), nil, &p)
	switch {
	case errors.Is(err, gate.ErrGone):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("ask what somebody may do in %s: %w", repo, err)
	case !strings.EqualFold(p.Path, repo): // it was renamed, and another may get its name
		return "", nil
	}
	m, err := s.membership(ctx, access, "/projects/"+escaped(repo)+"/members/all/", who)
	if err != nil {
		return "", fmt.Errorf("ask what somebody may do in %s: %w", repo, err)
	}
	if m != nil && m.Level >= readsCode {
		return m.right(), nil
	}
	open := p.Visibility == "public" || p.Visibility == "internal"
	if open && p.Code == "enabled" && p.Changes == "enabled" { // to everybody who sees the project, that is
		return "read", nil
	}
	return "", nil
}

// membership is the person's in a project or group, if it holds at the moment; nil: none.
func (s *SignIn) membership(ctx context.Context, access, path string, who checks.Person) (*rankNode, error) {
	var m rankNode
	_, err := s.get(ctx, access, "GET "+strings.SplitN(path, "/", 3)[1]+" members", path+strconv.FormatInt(who.ID, 10), nil, &m)
	switch {
	case errors.Is(err, gate.ErrGone):
		return nil, nil
	case err != nil:
		return nil, err
	case m.ID != who.ID || !m.holds(s.opts.Now()):
		return nil, nil
	}
	return &m, nil
}

// Belongs says whether the person is a member of a group itself, not only of one above it: whoever may do something in all of a
// company's groups is not for that reason in the one that is named. Guests are no members of it.
func (s *SignIn) Belongs(ctx context.Context, access string, who checks.Person, to string) (bool, error) {
	if !canBeGroup(to) {
		return false, nil
	}
	m, err := s.membership(ctx, access, "/groups/"+escaped(to)+"/members/", who)
	return m != nil && m.Level > 10, err
}
