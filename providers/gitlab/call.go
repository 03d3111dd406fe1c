package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	gitlab "github.com/xanzy/go-gitlab"
)

// The library knows most of GitLab's interface, but not all of it, and drops some of what it knows. What it lacks is
// called by path, with fields of our own.

// get reads path (below /api/v4/, its parts escaped) into out, and returns the answer for its headers.
func (a *access) get(ctx context.Context, path string, query url.Values, out any) (*gitlab.Response, error) {
	return a.send(ctx, http.MethodGet, path, query, nil, out)
}

// send calls what the library has no name for. body, unless nil, goes as JSON.
func (a *access) send(ctx context.Context, method, path string, query url.Values, body, out any) (*gitlab.Response, error) {
	req, err := a.api.NewRequest(method, path, body, []gitlab.RequestOptionFunc{gitlab.WithContext(ctx)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	if len(query) > 0 {
		req.URL.RawQuery = query.Encode()
	}
	resp, err := a.api.Do(req, out)
	if err != nil {
		return resp, fault(method+" "+general(path), err)
	}
	return resp, nil
}

// general is a path without the names and numbers in it.
func general(path string) string {
	return unnamed("/" + path)
}

// pages reads a list page by page until its end, at most `most` pages of 100; cut says that there are more.
func pages[T any](ctx context.Context, a *access, path string, query url.Values, most int) (list []T, cut bool, err error) {
	q := url.Values{}
	for k, v := range query {
		q[k] = v
	}
	q.Set("per_page", "100")
	for page := 1; ; page++ {
		q.Set("page", strconv.Itoa(page))
		var some []T
		resp, err := a.get(ctx, path, q, &some)
		if err != nil {
			return nil, false, err
		}
		list = append(list, some...)
		if last(resp, len(some)) {
			return list, false, nil
		}
		if page >= most {
			return list, true, nil
		}
	}
}

// last says whether a page of a hundred was the last one. Where something on the way took the header that tells, a full page
// is not the end.
func last(resp *gitlab.Response, entries int) bool {
	untold := len(resp.Header.Values("X-Next-Page")) == 0 && entries >= 100
	return resp.NextPage == 0 && !untold
}

// at is the path of something below a project: at("acme/shop", "merge_requests", "7"). Every part is escaped.
func at(repo string, parts ...string) string {
	path := "projects/" + gitlab.PathEscape(repo)
	for _, p := range parts {
		path += "/" + gitlab.PathEscape(p)
	}
	return path
}
