package pretend

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// reaction is an emoji below a comment.
type reaction struct {
	id      int64
	by      *User
	content string
}

// Said is a comment as people see it.
type Said struct {
	ID        int64
	By, Body  string
	Reactions []string // "eyes", in the order given
	Edited    bool
	Internal  bool // shown to members alone; at GitLab
}

// Comment writes below the pull request. It returns the comment's id.
func (f *Forge) Comment(repo string, n int, by, body string) (int64, error) {
	var id int64
	err := f.change(repo, n, by, func(p *Pull, who *User) error { id = f.comment(p, who, body).id; return nil })
	return id, err
}

// CommentBy is Comment through an App, in its own name or, where by is a person, in that one's.
func (f *Forge) CommentBy(repo string, n int, app, by, body string) (int64, error) {
	var id int64
	err := f.change(repo, n, or(by, app+"[bot]"), func(p *Pull, who *User) error {
		c := &comment{id: f.id(), pull: p, by: who, body: body, created: f.at(), app: f.other(app)}
		f.addComment(c)
		id = c.id
		return nil
	})
	return id, err
}

func (f *Forge) comment(p *Pull, by *User, body string) *comment {
	c := f.newComment(p, by, body)
	f.addComment(c)
	return c
}

func (f *Forge) newComment(p *Pull, by *User, body string) *comment {
	c := &comment{id: f.id(), pull: p, by: by, body: body, created: f.at()}
	if by == f.app.Bot {
		c.app = f.app
	}
	return c
}

func (f *Forge) addComment(c *comment) {
	p := c.pull
	p.Repo.comments = append(p.Repo.comments, c)
	p.note(f, &event{kind: "IssueComment", actor: c.by, note: c})
	f.emitComment(c, "created", c.by)
}

// EditComment changes the newest comment of somebody, by another if so named, and says so.
func (f *Forge) EditComment(repo string, n int, whose, by, body string) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error {
		for _, c := range slices.Backward(p.Repo.comments) {
			if c.pull == p && c.by == f.user(or(whose, who.Login), "") {
				f.edit(c, who, body)
				return nil
			}
		}
		return fmt.Errorf("comment of %q: %w", whose, ErrUnknown)
	})
}

func (f *Forge) edit(c *comment, by *User, body string) {
	was := c.body
	c.body, c.edited = body, f.at().Add(time.Second) // nobody edits within the second
	if f.lab != nil {
		f.lab.hookNote(c, by, "update")
		return
	}
	if c.on != nil {
		return // GitHub tells of new ones alone
	}
	f.emit("issue_comment", "edited", c.pull.Repo, nil, by, obj{"comment": f.renderComment(c), "issue": f.renderIssue(c.pull), "changes": obj{"body": obj{"from": was}}})
}

// Issue opens an issue that is no pull request, and comments on it: Sluice must not take it for a change.
func (f *Forge) Issue(repo, by, body string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.repo(repo)
	if err != nil {
		return err
	}
	who := f.user(by, "")
	p := &Pull{ID: f.id(), Number: 9000 + len(r.comments), Title: "A question", Repo: r, Author: who, Created: f.at()}
	c := &comment{id: f.id(), pull: p, by: who, body: body, created: f.at()}
	issue := f.renderIssue(p)
	delete(issue, "pull_request")
	f.emit("issue_comment", "created", r, nil, who, obj{"comment": f.renderComment(c), "issue": issue})
	return nil
}

// Said lists the comments below a pull request, oldest first.
func (f *Forge) Said(repo string, n int) []Said {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, err := f.pull(repo, n)
	if err != nil {
		return nil
	}
	var list []Said
	for _, c := range p.Repo.comments {
		if c.pull == p {
			list = append(list, f.said(c))
		}
	}
	return list
}

func (f *Forge) said(c *comment) Said {
	s := Said{ID: c.id, By: f.loginOf(c.by), Body: c.body, Edited: !c.edited.IsZero(), Internal: f.lab != nil && f.lab.internal[c]}
	for _, r := range c.reactions {
		s.Reactions = append(s.Reactions, r.content)
	}
	return s
}

// Press presses a button of a check of the App on a pull request's head.
func (f *Forge) Press(repo string, n int, by, name, identifier string) error {
	return f.change(repo, n, by, func(p *Pull, who *User) error {
		for _, run := range p.Repo.latest(p.head) {
			if run.App != f.app || run.Name != name || run.Status != "completed" {
				continue
			}
			for _, a := range run.Actions {
				if has(a, identifier) {
					f.emit("check_run", "requested_action", run.Repo, nil, who, obj{"check_run": f.renderRun(run), "requested_action": obj{"identifier": identifier}})
					return nil
				}
			}
		}
		return fmt.Errorf("button %q of %q: %w", identifier, name, ErrUnknown)
	})
}

// has says whether an action of a check run is the one with the identifier.
func has(action any, identifier string) bool {
	m, ok := action.(map[string]any)
	return ok && m["identifier"] == identifier
}

// inComment finds the comment that the path names.
func inComment(do func(*request, *comment) reply) func(*request) reply {
	return inRepo(func(r *request, x *Repo) reply {
		for _, c := range x.comments {
			if c.id == int64(r.number("id")) && (c.on != nil) == !strings.Contains(r.URL.Path, "/issues/comments/") {
				return do(r, c)
			}
		}
		return lost
	})
}

func oneComment(r *request, c *comment) reply { return ok(r.f.renderComment(c)) }

func patchComment(r *request, c *comment) reply {
	body, fine := commentBody(r)
	switch {
	case !fine:
		return refuse(http.StatusUnprocessableEntity, "Validation Failed")
	case c.app != r.f.app:
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	r.f.edit(c, r.who.user, body)
	return ok(r.f.renderComment(c))
}

func commentBody(r *request) (string, bool) {
	var in struct {
		Body string `json:"body"`
	}
	err := r.decode(&in)
	return in.Body, err == nil && strings.TrimSpace(in.Body) != "" && len([]rune(in.Body)) <= 65536
}

func postReaction(r *request, c *comment) reply {
	var in struct {
		Content string `json:"content"`
	}
	if r.decode(&in) != nil || !slices.Contains([]string{"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}, in.Content) {
		return refuse(http.StatusUnprocessableEntity, "Validation Failed")
	}
	status := http.StatusOK
	i := slices.IndexFunc(c.reactions, func(x reaction) bool { return x.by == r.who.user && x.content == in.Content })
	if i < 0 {
		c.reactions, i, status = append(c.reactions, reaction{r.f.id(), r.who.user, in.Content}), len(c.reactions), http.StatusCreated
	}
	return reply{status: status, body: obj{"id": c.reactions[i].id, "user": r.f.renderUser(r.who.user), "content": in.Content}}
}

func orgMembership(r *request) reply {
	org, u := r.f.users[fold(r.PathValue("org"))], r.f.users[fold(r.PathValue("user"))]
	if org == nil || u == nil || org.members[u] == "" || u.Deleted {
		return lost
	}
	return ok(obj{"state": "active", "role": org.members[u], "user": r.f.renderUser(u), "organization": obj{"login": org.Login, "id": org.ID}})
}

func (f *Forge) renderIssue(p *Pull) obj {
	return obj{"id": p.ID, "number": p.Number, "title": p.Title, "user": f.renderUser(p.Author), "state": strings.ToLower(p.state()),
		"pull_request": obj{"url": fmt.Sprintf("%s/api/v3/repos/%s/pulls/%d", f.url, p.Repo.Name, p.Number), "html_url": f.pullURL(p)}}
}

func (f *Forge) renderComment(c *comment) obj {
	if c.on != nil {
		return f.renderCommitComment(c)
	}
	updated, app := c.created, any(nil)
	if !c.edited.IsZero() {
		updated = c.edited
	}
	if c.app != nil {
		app = obj{"id": c.app.ID, "slug": c.app.Slug, "name": c.app.Name}
	}
	return obj{"id": c.id, "node_id": node("IC", c.id), "user": f.renderUser(c.by), "body": c.body, "created_at": stamp(c.created),
		"updated_at": stamp(updated), "author_association": f.association(c.pull.Repo, c.by), "performed_via_github_app": app,
		"issue_url": fmt.Sprintf("%s/api/v3/repos/%s/issues/%d", f.url, c.pull.Repo.Name, c.pull.Number),
		"html_url":  fmt.Sprintf("%s#issuecomment-%d", f.pullURL(c.pull), c.id)}
}
