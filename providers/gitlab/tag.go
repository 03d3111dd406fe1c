package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

const mostBranches = 20 // pages of branches that hold a tag's commit

// tag reads a tag that was pushed, moved or deleted.
func (r *reading) tag(ctx context.Context, expect string) error {
	r.c.memory.tags.Remove(r.key()) // an event told of one
	var node *tagNode
	group, all := errgroup.WithContext(ctx)
	group.Go(func() (err error) { r.p, err = r.c.projectWithin(all, r.repo, placeKept); return err })
	group.Go(func() (err error) { node, err = r.a.tag(all, r.repo, r.f.Subject.Tag); return err })
	if err := group.Wait(); err != nil {
		return err
	}
	if err := r.arrived(node, expect); err != nil {
		return err
	}
	r.describeProject()
	group, all = errgroup.WithContext(ctx)
	group.Go(func() error { return r.tags(all) })
	group.Go(func() error { return r.pushed(all, node) })
	group.Go(func() error {
		found, err := false, error(nil)
		if r.f.Repository.Default != "" {
			found, err = r.atTip(all, r.f.Repository.Default)
		}
		if err != nil {
			return err
		}
		if !found { // or it may not be seen: that is not the same as no policy
			r.gap("policy", "The repository shows no default branch, so its policy cannot be read.")
		}
		return r.floor(all)
	})
	if err := group.Wait(); err != nil {
		return missed(err)
	}
	return missed(r.rounds(ctx, checks.AskForTag))
}

// tag is one of the repository's; nil: there is none.
func (a *access) tag(ctx context.Context, repo, name string) (*tagNode, error) {
	var n tagNode
	_, err := a.get(ctx, at(repo, "repository", "tags", name), nil, &n)
	if errors.Is(err, gate.ErrGone) {
		return nil, nil
	}
	return &n, err
}

// arrived makes sure that GitLab knows of what the event told: a tag where the event said it points.
func (r *reading) arrived(n *tagNode, expect string) error {
	if expect == "" || n != nil && (n.Target == expect || n.Commit != nil && n.Commit.ID == expect) {
		return nil
	}
	key := r.f.Subject.Key() + "@" + expect
	first, missed := r.c.memory.stale.Get(key)
	now := r.c.opts.Now()
	if !missed {
		r.c.memory.stale.Add(key, now)
	} else if now.Sub(first) > 2*time.Minute {
		return nil // it has moved on, or it is gone
	}
	return fmt.Errorf("%w: the tag at %.8s", gate.ErrStale, expect)
}

// pushed describes the tag, who pushed it, and where its commit lies.
func (r *reading) pushed(ctx context.Context, n *tagNode) error {
	s := r.f.Subject
	p := &checks.TagPush{Name: s.Tag, Before: s.Before}
	r.f.Pushed = p
	if err := r.pusher(ctx, p); err != nil {
		return err
	}
	if n == nil {
		return nil
	}
	t := n.tag()
	p.Commit, p.Annotated = t.Commit, t.Annotated
	r.head, r.start = t.Commit, t.Commit
	if p.Annotated {
		p.Reason = "unsigned"
	}
	if p.Annotated && n.bearsSignature() {
		var err error
		if p.Signed, p.Reason, err = r.a.signature(ctx, at(r.repo, "repository", "tags", s.Tag, "signature")); err != nil {
			return err
		}
	}
	if p.Commit == "" {
		return nil
	}
	return r.holders(ctx)
}

// bearsSignature says whether a tag's message ends in one, as git writes it there; GitLab shows it with the message. What
// GitLab makes of it is asked for only then.
func (n *tagNode) bearsSignature() bool { return strings.Contains(n.Message, "-----BEGIN ") }

// pusher is who pushed, by the name that the event told.
func (r *reading) pusher(ctx context.Context, p *checks.TagPush) error {
	if r.f.Subject.By == "" || len(r.f.Subject.By) > 255 {
		return nil
	}
	var list []userNode
	if _, err := r.a.get(ctx, "users", url.Values{"username": {r.f.Subject.By}}, &list); err != nil {
		return err
	}
	for i := range list {
		if strings.EqualFold(list[i].Username, r.f.Subject.By) {
			who, err := r.surely(ctx, &list[i])
			p.By = &who
			return err
		}
	}
	return nil
}

// signature is what GitLab makes of one: verified or not, and its word on it. What has none answers with 404.
func (a *access) signature(ctx context.Context, path string) (verified bool, word string, err error) {
	var s struct {
		Status string `json:"verification_status"`
	}
	_, err = a.get(ctx, path, nil, &s)
	if errors.Is(err, gate.ErrGone) {
		return false, "unsigned", nil
	}
	return s.Status == "verified", checks.Clip(s.Status, 60), err
}

// holders finds the branches that hold the tag's commit, among the default branch and the protected ones.
func (r *reading) holders(ctx context.Context) error {
	type named struct {
		Name string `json:"name"`
	}
	holding, cut, err := pages[named](ctx, r.a, at(r.repo, "repository", "commits", r.head, "refs"), url.Values{"type": {"branch"}}, mostBranches)
	if err != nil {
		return err
	}
	if cut {
		r.gap("branches", "More branches hold the tag's commit than the %d that were read.", len(holding))
	}
	protected, _, err := pages[named](ctx, r.a, at(r.repo, "protected_branches"), nil, 5)
	if err != nil && status(err) != 401 && status(err) != 403 { // a token may be too low to see them: then the default branch alone counts
		return err
	}
	for _, b := range holding {
		if b.Name == r.f.Repository.Default || slices.ContainsFunc(protected, func(p named) bool { return covers(p.Name, b.Name) }) {
			r.f.Pushed.Branches = append(r.f.Pushed.Branches, b.Name)
		}
	}
	slices.Sort(r.f.Pushed.Branches)
	return nil
}

// covers says whether the name of a protected branch, which may hold stars, is that of a branch: a star stands for any
// characters, slashes too.
func covers(pattern, name string) bool {
	if !strings.Contains(pattern, "*") {
		return pattern == name
	}
	first, rest, _ := strings.Cut(pattern, "*")
	name, ok := strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	parts := strings.Split(rest, "*")
	for i, p := range parts {
		if i == len(parts)-1 {
			return strings.HasSuffix(name, p)
		}
		_, name, ok = strings.Cut(name, p)
		if !ok {
			return false
		}
	}
	return true
}
