package pretend

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// commitCommentEndpoints are those of comments on commits.
func commitCommentEndpoints() []endpoint {
	return []endpoint{
		{method: "GET", path: "/repos/{owner}/{repo}/commits/{ref}/comments", need: "contents:read", do: inRepo(commitComments)},
		{method: "POST", path: "/repos/{owner}/{repo}/commits/{ref}/comments", need: "contents:write", creates: true, do: inRepo(postCommitComment)},
		{method: "GET", path: "/repos/{owner}/{repo}/comments/{id}", need: "contents:read", do: inComment(oneComment)},
		{method: "PATCH", path: "/repos/{owner}/{repo}/comments/{id}", need: "contents:write", creates: true, do: inComment(patchComment)},
		{method: "POST", path: "/repos/{owner}/{repo}/comments/{id}/reactions", need: "contents:write", creates: true, do: inComment(postReaction)},
	}
}

// CommentOn writes about a commit, or what a branch or tag points at. It returns the comment's id.
func (f *Forge) CommentOn(repo, at, by, body string) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, c, err := f.commitAt(repo, at)
	if err != nil {
		return 0, err
	}
	return f.commentOn(r, c, f.user(by, ""), body).id, nil
}

// CommentOnBy is CommentOn through an App in its own name. In a person's name it is CommentOn: of these comments GitHub
// does not say that an app wrote them.
func (f *Forge) CommentOnBy(repo, at, app, body string) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, c, err := f.commitAt(repo, at)
	if err != nil {
		return 0, err
	}
	return f.commentOn(r, c, f.other(app).Bot, body).id, nil
}

// EditCommentOn changes the newest comment on a commit, by another if so named. GitHub tells nobody.
func (f *Forge) EditCommentOn(repo, at, whose, by, body string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, on, err := f.commitAt(repo, at)
	if err != nil {
		return err
	}
	for _, c := range slices.Backward(r.comments) {
		if c.on == on && c.by == f.user(or(whose, by), "") {
			f.edit(c, f.user(by, ""), body)
			return nil
		}
	}
	return fmt.Errorf("comment of %q on %s: %w", or(whose, by), at, ErrUnknown)
}

// SaidOn lists the comments on all commits of a repository, oldest first.
func (f *Forge) SaidOn(repo string) []Said {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return nil
	}
	var list []Said
	for _, c := range r.comments {
		if c.on != nil {
			list = append(list, f.said(c))
		}
	}
	return list
}

func (f *Forge) commitAt(repo, at string) (*Repo, *commit, error) {
	r, err := f.repo(repo)
	if err != nil {
		return nil, nil, err
	}
	c := r.resolve(at)
	if c == nil {
		return nil, nil, fmt.Errorf("commit %q of %s: %w", at, repo, ErrUnknown)
	}
	return r, c, nil
}

func (f *Forge) commentOn(r *Repo, on *commit, by *User, body string) *comment {
	c := &comment{id: f.id(), on: on, repo: r, by: by, body: body, created: f.at()}
	if by == f.app.Bot {
		c.app = f.app
	}
	r.comments = append(r.comments, c)
	f.emit("commit_comment", "created", r, nil, by, obj{"comment": f.renderComment(c)})
	return c
}

func commitComments(r *request, x *Repo) reply {
	on := x.resolve(r.PathValue("ref"))
	if on == nil {
		return lost
	}
	return paged(r, on.comments(x), func(c *comment) any { return r.f.renderComment(c) })
}

// comments are those on the commit, oldest first.
func (c *commit) comments(r *Repo) (list []*comment) {
	for _, x := range r.comments {
		if x.on == c {
			list = append(list, x)
		}
	}
	return list
}

func postCommitComment(r *request, x *Repo) reply {
	on := x.resolve(r.PathValue("ref"))
	body, fine := commentBody(r)
	switch {
	case on == nil:
		return lost
	case !fine:
		return refuse(http.StatusUnprocessableEntity, "Validation Failed")
	}
	return reply{status: http.StatusCreated, body: r.f.renderComment(r.f.commentOn(x, on, r.who.user, body))}
}

func (f *Forge) renderCommitComment(c *comment) obj {
	updated := c.created
	if !c.edited.IsZero() {
		updated = c.edited
	}
	return obj{"id": c.id, "node_id": node("CC", c.id), "user": f.renderUser(c.by), "body": c.body, "created_at": stamp(c.created), "updated_at": stamp(updated),
		"author_association": f.association(c.repo, c.by), "commit_id": c.on.id, "path": nil, "position": nil, "line": nil,
		"url":      fmt.Sprintf("%s/api/v3/repos/%s/comments/%d", f.url, c.repo.Name, c.id),
		"html_url": fmt.Sprintf("%s/%s/commit/%s#commitcomment-%d", f.url, c.repo.Name, c.on.id, c.id)}
}

func (v view) commitNote(c *comment) thing {
	return thing{"__typename": "CommitComment", "id": node("CC", c.id), "databaseId": c.id, "fullDatabaseId": strconv.FormatInt(c.id, 10), "body": c.body,
		"createdAt": c.created, "lastEditedAt": stamp(c.edited), "author": func() any { return v.actor(c.by) },
		"authorAssociation": v.association(c.repo, c.by), "url": v.url + "/" + c.repo.Name + "/commit/" + c.on.id, "viewerDidAuthor": c.by == v.who.user}
}
