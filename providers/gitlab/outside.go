package gitlab

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// On the highest tier GitLab can make a merge wait for external status checks, which are answered for a source head. Who has
// one for Sluice, by its name or its address, has the gate answered there too.

// outsideKept is how long it is believed that a project has no such check.
const outsideKept = 10 * time.Minute

// outsiders are the external status checks of a target branch that are ours, as last listed.
type outsiders struct {
	list []outsider
	at   time.Time
	none bool // of a project: it has none at all
}

// outsideKey is what is remembered of a target branch under; without a branch, of the project.
func outsideKey(repo, branch string) string { return lower(repo) + " " + branch }

// outsider is one, with what it was last answered.
type outsider struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	URL    string `json:"external_url"`
	Status string `json:"status"`
}

// answerOutside answers ours with what the gate says. A tier without them refuses the list; that is believed for a while.
//
// A check that nobody answered is pending for as long as it takes; it is the answer "pending" that GitLab has fail after two
// minutes. So what GitLab shows as pending is left at that, rather than answered anew every other minute for as long as a
// change waits. Where the gate shuts again on a head that was let through, it is told pending, and what becomes of that is as
// shut; once the gate is open the answer is passed, whatever stood there.
func (p *posting) answerOutside(ctx context.Context, posts []gate.Post) error {
	i := slices.IndexFunc(posts, func(x gate.Post) bool { return x.Name == gateName })
	if i < 0 || p.f.Change == nil {
		return nil
	}
	if all, ok := p.c.talk.outside.Get(outsideKey(p.s.Repo, "")); ok && all.none && p.c.within(all.at, outsideKept) {
		return nil
	}
	post, key := posts[i], outsideKey(p.s.Repo, p.f.Change.Base.Name)
	known, ok := p.c.talk.outside.Get(key)
	if ok && p.c.opts.Now().Sub(known.at) < remembered && len(known.list) == 0 {
		return nil
	}
	mine, err := p.listOutside(ctx, post)
	if err != nil {
		return err
	}
	p.c.talk.outside.Add(key, outsiders{list: mine, at: p.c.opts.Now()})
	for _, one := range mine {
		if one.Status == outsideWord(post) {
			continue
		}
		_, err := p.a.send(ctx, http.MethodPost, at(p.s.Repo, "merge_requests", strconv.Itoa(p.s.Change), "status_check_responses"), nil,
			map[string]any{"sha": post.Commit, "external_status_check_id": one.ID, "status": outsideWord(post)}, nil)
		switch {
		case status(err) == http.StatusConflict: // the head moved on: what is judged of the next one is answered then
		case errors.Is(err, gate.ErrGone): // it was taken away
			p.c.talk.outside.Remove(key)
		case err != nil:
			return err
		}
	}
	return nil
}

func (p *posting) listOutside(ctx context.Context, post gate.Post) (mine []outsider, err error) {
	list, _, err := pages[outsider](ctx, p.a, at(p.s.Repo, "merge_requests", strconv.Itoa(p.s.Change), "status_checks"), nil, 3)
	if slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, status(err)) {
		return nil, nil
	}
	for _, one := range list {
		if strings.EqualFold(one.Name, "sluice") || sameHost(one.URL, post.URL) {
			mine = append(mine, one)
		}
	}
	return mine, err
}

func sameHost(a, b string) bool {
	u, err1 := url.Parse(a)
	v, err2 := url.Parse(b)
	return err1 == nil && err2 == nil && u.Host != "" && strings.EqualFold(u.Host, v.Host)
}

// outsideWord is the answer for an outcome.
func outsideWord(p gate.Post) string {
	switch {
	case p.Cancelled, p.Outcome == checks.Fail:
		return "failed"
	case p.Outcome.Open():
		return "passed"
	}
	return "pending"
}
