package gitlab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// Post implements gate.Provider: one write for each check whose state changed, and one for the note that holds what a status
// cannot. Posts come in order of importance. What GitLab shows already is not written again.
//
// A status belongs to a pipeline, and only the newest pipeline of a head decides whether it may be merged. Whoever starts
// another one on the same head gets one without our statuses: what is known of another pipeline does not count, and all is
// posted anew.
func (c *Client) Post(ctx context.Context, s checks.Subject, f *checks.Facts, posts []gate.Post) ([]gate.Posted, error) {
	if len(posts) == 0 {
		return nil, nil
	}
	a, err := c.reach(s.Repo)
	if err != nil {
		return nil, fmt.Errorf("post on %v: %w", s, err)
	}
	p := &posting{c: c, a: a, s: s, f: f}
	posted, err := p.all(ctx, posts)
	if err != nil {
		err = fmt.Errorf("post on %v: %w", s, err)
	}
	return posted, err
}

// posting is one Post under way.
type posting struct {
	c *Client
	a *access
	s checks.Subject
	f *checks.Facts // nil: not told
}

func (p *posting) all(ctx context.Context, posts []gate.Post) ([]gate.Posted, error) {
	var posted []gate.Posted
	places := map[string]place{}
	for _, post := range posts {
		known := inPipeline(post.Known)
		key := post.Commit
		if p.s.Kind != checks.KindChange {
			key += " " + strconv.FormatInt(known, 10)
		}
		where, ok := places[key]
		if !ok {
			var err error
			if where, err = p.place(ctx, post.Commit, known); err != nil {
				return posted, fmt.Errorf("find the pipeline of %.8s: %w", post.Commit, err)
			}
			places[key] = where
		}
		one, err := p.one(ctx, p.setting(post, where))
		if err != nil {
			return posted, fmt.Errorf("show %s: %w", post.Name, err)
		}
		posted = append(posted, one)
		if where.pipeline == 0 { // the first status made one, and the others go where it went
			where.pipeline = inPipeline(&one)
			places[key] = where
			p.made(where)
		}
	}
	return p.beside(ctx, posts, posted)
}

// one shows one status.
func (p *posting) one(ctx context.Context, t setting) (gate.Posted, error) {
	done := gate.Posted{Name: t.post.Name, Commit: t.post.Commit, Digest: t.post.Digest}
	if t.idle() {
		done.ID, done.Node, done.State = t.known, node(t.place.pipeline), t.shown
		return done, nil
	}
	got, err := p.set(ctx, t)
	switch {
	case errors.Is(err, gate.ErrGone) && t.place.pipeline != 0 && p.s.Kind == checks.KindChange: // somebody deleted the pipeline
		p.c.talk.heads.Remove(p.s.Key())
		return done, &gate.RetryError{After: again, Err: err}
	case errors.Is(err, gate.ErrGone) && t.place.pipeline != 0:
		t.place, t.known = place{sha: t.post.Commit}, 0
		got, err = p.set(ctx, t)
	}
	if err != nil {
		return done, err
	}
	done.ID, done.Node, done.State = got.ID, node(got.Pipeline), stateWord(got.Status)
	return done, nil
}

// made remembers the pipeline that our first status made: it is the head's now.
func (p *posting) made(where place) {
	h, ok := p.c.talk.heads.Get(p.s.Key())
	if ok && p.s.Kind == checks.KindChange && !h.fork && h.id == 0 && h.head == where.sha {
		h.id, h.sha = where.pipeline, where.sha
		p.c.talk.heads.Add(p.s.Key(), h)
	}
}

// node is a pipeline as gate.Posted.Node carries it.
func node(pipeline int64) string {
	if pipeline == 0 {
		return "external"
	}
	return pipelineName(pipeline)
}

func inPipeline(known *gate.Posted) int64 {
	if known == nil {
		return 0
	}
	rest, ok := strings.CutPrefix(known.Node, "pipeline/")
	id, err := strconv.ParseInt(rest, 10, 64)
	if !ok || err != nil {
		return 0
	}
	return id
}

// setting is a post with what is known of its name there: by what was written down, or by newer statuses in the facts.
func (p *posting) setting(post gate.Post, where place) setting {
	t := setting{post: post, place: where}
	if k := post.Known; k != nil && k.Commit == post.Commit && inPipeline(k) == where.pipeline {
		t.known, t.shown = k.ID, k.State
	}
	if p.f == nil || !p.tellsOf(post.Commit) {
		return t
	}
	for _, s := range p.f.Statuses {
		at := inPipeline(&gate.Posted{Node: s.Node})
		switch {
		case s.Name != post.Name || at != 0 && at != where.pipeline:
		case !s.Ours:
			t.foreign = max(t.foreign, s.ID)
		case s.ID > t.known: // nobody wrote down that it was posted
			t.known, t.shown, t.title = s.ID, s.State, s.Title
		case s.ID == t.known && s.State == t.shown:
			t.title = s.Title
		}
	}
	return t
}

// tellsOf says whether the facts' statuses are those of the commit.
func (p *posting) tellsOf(commit string) bool {
	switch {
	case p.f.Change != nil && p.s.Kind == checks.KindChange:
		return p.f.Change.Head.Commit == commit
	case p.f.Pushed != nil:
		return p.f.Pushed.Commit == commit
	}
	return p.f.Promotion == nil || p.f.Promotion.Commit == commit
}

// beside is what stands beside the statuses of a change: the note with the details, and the external status checks. Where it
// cannot be written now, nothing counts as posted, so that all of it is tried again: what stands there costs nothing. What
// GitLab refuses for good is told in the log alone, since no status may wait for it.
func (p *posting) beside(ctx context.Context, posts []gate.Post, posted []gate.Posted) ([]gate.Posted, error) {
	if p.s.Kind != checks.KindChange || p.s.Change == 0 || p.f == nil {
		return posted, nil
	}
	for _, do := range []func(context.Context, []gate.Post) error{p.answerOutside, p.detail} {
		err := do(ctx, posts)
		switch {
		case err == nil:
		case slices.Contains([]int{400, 401, 403, 404, 422}, status(err)):
			p.c.opts.Log.Warn("GitLab refuses what stands beside the statuses", "subject", p.s.Key(), "err", err)
		default:
			return nil, err
		}
	}
	return posted, nil
}
