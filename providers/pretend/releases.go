package pretend

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Release is one that was published of a tag.
type Release struct {
	ID              int64
	Tag, Name, Body string
	Prerelease      bool
	Draft           bool
	Latest          string // true, false, legacy
	By              *User
	At              time.Time
}

func (f *Forge) renderRelease(x *Repo, l *Release) obj {
	return obj{"id": l.ID, "node_id": node("RE", l.ID), "tag_name": l.Tag, "name": orNil(l.Name), "body": orNil(l.Body), "draft": l.Draft, "prerelease": l.Prerelease,
		"author": f.renderUser(l.By), "created_at": stamp(l.At), "published_at": stamp(l.At), "html_url": fmt.Sprintf("%s/%s/releases/tag/%s", f.url, x.Name, l.Tag)}
}

func releaseByTag(r *request, x *Repo) reply {
	for _, l := range x.releases {
		if l.Tag == r.PathValue("tag") && !l.Draft {
			return ok(r.f.renderRelease(x, l))
		}
	}
	return lost
}

func releaseList(r *request, x *Repo) reply {
	newest := slices.Clone(x.releases)
	slices.Reverse(newest)
	return paged(r, newest, func(l *Release) any { return r.f.renderRelease(x, l) })
}

// postRelease publishes the release of a tag; a tag that is not there is made, a lightweight one, as GitHub does.
func postRelease(r *request, x *Repo) reply {
	var in struct {
		Tag        string `json:"tag_name"`
		Target     string `json:"target_commitish"`
		Name       string `json:"name"`
		Body       string `json:"body"`
		Draft      bool   `json:"draft"`
		Prerelease bool   `json:"prerelease"`
		Latest     string `json:"make_latest"`
	}
	if r.decode(&in) != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	switch {
	case in.Tag == "":
		return unprocessable("Validation Failed", "Release", "tag_name", "missing_field")
	case len(in.Body) > 125_000:
		return unprocessable("Validation Failed", "Release", "body", "too_long")
	case in.Latest != "" && !slices.Contains([]string{"true", "false", "legacy"}, in.Latest):
		return unprocessable("Validation Failed", "Release", "make_latest", "invalid")
	case slices.ContainsFunc(x.releases, func(l *Release) bool { return l.Tag == in.Tag && !l.Draft }):
		return unprocessable("Validation Failed", "Release", "tag_name", "already_exists")
	}
	if _, there := x.tags[in.Tag]; !there && !in.Draft {
		c := x.resolve(or(in.Target, x.Default))
		if c == nil {
			return unprocessable("Validation Failed", "Release", "target_commitish", "invalid")
		}
		x.tags[in.Tag] = ref{commit: c}
		r.f.moved(x, "refs/tags/"+in.Tag, nil, c, r.who.user)
	}
	l := &Release{ID: r.f.id(), Tag: in.Tag, Name: in.Name, Body: in.Body, Prerelease: in.Prerelease, Draft: in.Draft, Latest: or(in.Latest, "true"), By: r.who.user, At: r.f.at()}
	x.releases = append(x.releases, l)
	for _, action := range []string{"created", "published", map[bool]string{true: "prereleased", false: "released"}[l.Prerelease]} {
		if action == "created" || !l.Draft {
			r.f.emit("release", action, x, nil, r.who.user, obj{"release": r.f.renderRelease(x, l)})
		}
	}
	return reply{status: http.StatusCreated, body: r.f.renderRelease(x, l)}
}

// Releases are those of a repository, oldest first.
func (f *Forge) Releases(repo string) []Release {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Release
	if r, err := f.repo(repo); err == nil {
		for _, l := range r.releases {
			list = append(list, *l)
		}
	}
	return list
}

// Tagged is a tag as it stands: the commit, and the message of an annotated one.
type Tagged struct {
	Name, Commit, Message string
	Annotated             bool
}

// Tags are those of a repository, by name.
func (f *Forge) Tags(repo string) []Tagged {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Tagged
	if r, err := f.repo(repo); err == nil {
		for _, name := range sortedLogins(r.tags) {
			t := Tagged{Name: name, Commit: r.tags[name].commit.id}
			if a := r.tags[name].tag; a != nil {
				t.Message, t.Annotated = a.message, true
			}
			list = append(list, t)
		}
	}
	return list
}

// Text is the content of a file at a branch, tag or commit.
func (f *Forge) Text(repo, at, path string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return "", false
	}
	c := r.resolve(at)
	if c == nil {
		return "", false
	}
	e, found := c.tree.at(path)
	if !found || e.blob == nil {
		return "", false
	}
	return string(e.blob.data), true
}

// Message is that of a commit.
func (f *Forge) Message(repo, at string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, err := f.repo(repo); err == nil {
		if c := r.resolve(at); c != nil {
			return strings.TrimSpace(c.message)
		}
	}
	return ""
}

// Body is what a pull request says of itself.
func (f *Forge) Body(repo string, n int) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p, err := f.pull(repo, n); err == nil {
		return p.Body
	}
	return ""
}
