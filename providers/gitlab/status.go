package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

const (
	mostDescription = 255 // characters that GitLab takes
	mostTarget      = 255
)

// word is GitLab's word for an outcome.
func word(p gate.Post) string {
	if p.Cancelled {
		return "canceled"
	}
	switch p.Outcome {
	case checks.Pass, checks.Advise, checks.Overridden, checks.Skip:
		return "success"
	case checks.Fail:
		return "failed"
	}
	return "pending"
}

// ended says whether a status is at its end: the next word under its name makes a new one.
func ended(word string) bool { return word != "pending" && word != "running" }

// setting is one status to be set.
type setting struct {
	post    gate.Post
	place   place
	known   int64  // id of ours there; 0: none known
	shown   string // its state, in the words of checks.Status.State
	title   string // what it says; "" where that is not known
	foreign int64  // the newest that somebody else has put under our name; 0: none
}

// idle says that GitLab shows the status already, as far as it can: while something is pending, its description stays.
func (t setting) idle() bool {
	if t.known == 0 || t.foreign > t.known || t.shown != stateWord(word(t.post)) {
		return false
	}
	return t.shown == "in_progress" || t.title == title(t.post)
}

func title(p gate.Post) string { return checks.Clip(or(p.Title, p.Name), mostDescription) }

// set has GitLab show a status, in one write unless somebody else wrote under its name.
//
// GitLab keeps one status that is under way for each name and account in a pipeline, and shows the newest of a name,
// whoever wrote it. So what somebody else posts under our name hides ours, and what we then write goes to the hidden one as
// long as that is under way: it has to come to an end first, so that the next word makes a new one, which is shown.
func (p *posting) set(ctx context.Context, t setting) (statusNode, error) {
	got, err := p.write(ctx, t, word(t.post))
	stuck := unmoved(err)
	switch {
	case stuck && t.foreign == 0:
		return p.stuck(ctx, t)
	case err != nil && !stuck:
		return got, err
	case got.ID > t.foreign && !stuck:
		return got, nil
	}
	p.c.opts.Log.Warn("somebody else writes statuses under our names; ours is put above it again", "subject", p.s.Key(), "check", t.post.Name, "commit", t.post.Commit)
	return p.over(ctx, t, !stuck)
}

// over makes a new status above a foreign one. gone says that ours beneath it has come to its end.
func (p *posting) over(ctx context.Context, t setting, gone bool) (statusNode, error) {
	if !gone {
		if _, err := p.write(ctx, t, "canceled"); err != nil && !unmoved(err) {
			return statusNode{}, err
		}
	}
	return p.write(ctx, t, word(t.post))
}

// stuck looks at what GitLab shows when it would not move a status: mostly it stands where it should, since an earlier
// attempt put it there.
func (p *posting) stuck(ctx context.Context, t setting) (statusNode, error) {
	me, err := p.a.myself(ctx)
	if err != nil {
		return statusNode{}, err
	}
	q := url.Values{"name": {t.post.Name}, "per_page": {"100"}}
	if t.place.pipeline != 0 {
		q.Set("pipeline_id", strconv.FormatInt(t.place.pipeline, 10))
	} else if t.place.ref != "" {
		q.Set("ref", t.place.ref)
	}
	var list []statusNode
	if _, err := p.a.get(ctx, at(p.s.Repo, "repository", "commits", t.place.sha, "statuses"), q, &list); err != nil {
		return statusNode{}, err
	}
	var top statusNode
	for _, s := range list {
		if s.Name == t.post.Name && s.ID > top.ID && (t.place.pipeline == 0 || s.Pipeline == 0 || s.Pipeline == t.place.pipeline) {
			top = s
		}
	}
	if top.Author != nil && top.Author.ID == int64(me.ID) && stateWord(top.Status) == stateWord(word(t.post)) {
		return top, nil
	}
	p.c.opts.Log.Warn("a status of ours is hidden; a new one is put above", "subject", p.s.Key(), "check", t.post.Name, "commit", t.post.Commit)
	return p.over(ctx, t, false)
}

// unmoved says that GitLab refuses to move a status to where it stands.
func unmoved(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusBadRequest && strings.Contains(e.Message, "Cannot transition status")
}

// write posts one status. What GitLab refuses for its words is posted without them: the state has to be shown.
func (p *posting) write(ctx context.Context, t setting, state string) (statusNode, error) {
	body := map[string]any{"state": state, "name": t.post.Name, "description": title(t.post)}
	if u := t.post.URL; u != "" && len(u) <= mostTarget {
		body["target_url"] = u
	}
	if t.place.pipeline != 0 {
		body["pipeline_id"] = t.place.pipeline
	} else if t.place.ref != "" {
		body["ref"] = t.place.ref
	}
	got, err := p.post(ctx, t.place.sha, body)
	if status(err) == http.StatusBadRequest && !unmoved(err) {
		p.c.opts.Log.Warn("GitLab dislikes a status; it is posted without words", "subject", p.s.Key(), "check", t.post.Name, "err", err)
		delete(body, "description")
		delete(body, "target_url")
		got, err = p.post(ctx, t.place.sha, body)
	}
	return got, err
}

func (p *posting) post(ctx context.Context, sha string, body map[string]any) (got statusNode, err error) {
	_, err = p.a.send(ctx, http.MethodPost, at(p.s.Repo, "statuses", sha), nil, body, &got)
	switch {
	case status(err) == http.StatusConflict: // another write to this commit's statuses is under way; this one had no effect
		return got, &gate.RetryError{After: 2 * time.Second, Err: err}
	case err == nil && got.ID == 0:
		return got, &Unclear{Err: fmt.Errorf("GitLab took the status %v and named none", body["name"])}
	}
	return got, err
}
