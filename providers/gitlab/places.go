package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	gitlab "github.com/xanzy/go-gitlab"

	"github.com/sluicegate/sluice/checks/patterns"
	"github.com/sluicegate/sluice/gate"
)

// Place is a group or a project.
type Place struct {
	Path  string // with its groups, as GitLab spells it
	Group bool
	ID    int64
}

func (p Place) String() string {
	if p.Group {
		return "group " + p.Path
	}
	return "project " + p.Path
}

// route is the path of something below the place.
func (p Place) route(parts ...string) string {
	if !p.Group {
		return at(p.Path, parts...)
	}
	path := "groups/" + gitlab.PathEscape(p.Path)
	for _, part := range parts {
		path += "/" + gitlab.PathEscape(part)
	}
	return path
}

// way is the token for a group or project, by the longest path; a group may be that of the token itself.
func (c *Client) way(path string) (*access, error) {
	path = strings.ToLower(strings.Trim(path, "/"))
	if path == "" || strings.Contains("/"+path+"/", "/../") || strings.ContainsAny(path, " ?#%\\\n\r\t") {
		return nil, fmt.Errorf("%q is not the path of a group or project", path)
	}
	for _, a := range c.ways {
		if a.path == "" || a.path == path || strings.HasPrefix(path, a.path+"/") {
			return a, nil
		}
	}
	return nil, fmt.Errorf("%w: no token in SLUICE_GITLAB_TOKEN is for %s", gate.ErrGone, path)
}

// Find says whether a path is a project's or a group's.
func (c *Client) Find(ctx context.Context, path string) (Place, error) {
	path = strings.Trim(path, "/")
	a, err := c.way(path)
	if err != nil {
		return Place{}, err
	}
	var found struct {
		ID       int64  `json:"id"`
		Project  string `json:"path_with_namespace"`
		FullPath string `json:"full_path"`
	}
	if strings.Contains(path, "/") {
		_, err = a.get(ctx, at(path), nil, &found)
		if err == nil {
			return Place{Path: found.Project, ID: found.ID}, nil
		}
		if !errors.Is(err, gate.ErrGone) {
			return Place{}, err
		}
	}
	if _, err = a.get(ctx, Place{Path: path, Group: true}.route(), url.Values{"with_projects": {"false"}}, &found); err != nil {
		return Place{}, err
	}
	return Place{found.FullPath, true, found.ID}, nil
}

// mostProjects is how many pages of a hundred projects one token may reach.
const mostProjects = 100

// Projects are those of a group and of its subgroups, archived ones left out.
func (c *Client) Projects(ctx context.Context, group string) ([]Place, error) {
	a, err := c.way(group)
	if err != nil {
		return nil, err
	}
	return a.projects(ctx, Place{Path: group, Group: true}.route("projects"), url.Values{"include_subgroups": {"true"}, "with_shared": {"false"}})
}

// projects reads a list of projects to its end; one that is cut short would leave projects unguarded, and is an error.
func (a *access) projects(ctx context.Context, path string, query url.Values) ([]Place, error) {
	query.Set("archived", "false")
	query.Set("simple", "true")
	query.Set("order_by", "id")
	query.Set("sort", "asc")
	list, cut, err := pages[struct {
		ID   int64  `json:"id"`
		Path string `json:"path_with_namespace"`
	}](ctx, a, path, query, mostProjects)
	if err != nil {
		return nil, err
	}
	if cut {
		return nil, fmt.Errorf("there are more than %d projects: give their groups tokens of their own", mostProjects*100)
	}
	var places []Place
	for _, p := range list {
		places = append(places, Place{Path: p.Path, ID: p.ID})
	}
	return places, nil
}

// reached are the projects that a token is for: those of its group, its project, or all that its account is a member of.
func (c *Client) reached(ctx context.Context, a *access) ([]Place, error) {
	if a.path == "" {
		all, err := a.projects(ctx, "projects", url.Values{"membership": {"true"}, "min_access_level": {"30"}})
		return c.own(a, all), err
	}
	place, err := c.Find(ctx, a.path)
	switch {
	case err != nil:
		return nil, err
	case !place.Group:
		return []Place{place}, nil
	}
	all, err := c.Projects(ctx, place.Path)
	return c.own(a, all), err
}

// own leaves out the projects that another token is for.
func (c *Client) own(a *access, all []Place) (mine []Place) {
	for _, p := range all {
		if way, err := c.way(p.Path); err == nil && way == a {
			mine = append(mine, p)
		}
	}
	return mine
}

// Repositories are the projects that the tokens reach. GitLab does not send again what did not arrive, so that each of
// them may have changes of which nobody told. Where a token reaches none, or cannot be used, the others count all the same.
func (c *Client) Repositories(ctx context.Context) ([]gate.Repo, error) {
	var repos []gate.Repo
	var faults []error
	for _, a := range c.ways {
		places, err := c.reached(ctx, a)
		if err != nil {
			faults = append(faults, fmt.Errorf("list the projects of the token for %s: %w", or(a.path, "everything"), err))
		}
		for _, p := range places {
			repos = append(repos, gate.Repo{Forge: "gitlab", Name: p.Path})
		}
	}
	return repos, errors.Join(faults...)
}

// Absent says the same of an error to others.
func Absent(err error) bool { return absent(err) }

// absent says that GitLab does not have something here: its tier lacks it, or the account may not see it.
func absent(err error) bool {
	s := status(err)
	return s == http.StatusNotFound || s == http.StatusForbidden || s == http.StatusUnauthorized
}

// tokenAccount is what accounts of group and project tokens are called.
var tokenAccount = patterns.New(`^(project|group)_\d+_bot(\d*|_[0-9a-f]+)$`)

// HookPlaces are the projects and groups of a token's: where webhooks may hang.
func (c *Client) HookPlaces(ctx context.Context) (groups, projects []Place, err error) {
	var faults []error
	for _, a := range c.ways {
		places, err := c.hookPlaces(ctx, a)
		if err != nil {
			faults = append(faults, err)
		}
		for _, p := range places {
			if p.Group {
				groups = append(groups, p)
			} else {
				projects = append(projects, p)
			}
		}
	}
	return groups, projects, errors.Join(faults...)
}
