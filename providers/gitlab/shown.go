package gitlab

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// shownKey is a pipeline, and the commit that it is of; without a pipeline, the commit alone.
type shownKey struct {
	token    int64
	repo     string // a commit may be in several, as in a fork
	commit   string
	pipeline int64
}

type shownAt struct {
	list []statusNode
	at   time.Time
}

const mostStatuses = 10 // pages

// statuses are those in the pipeline that decides about the merge, jobs and ours alike. A change without a pipeline has
// none: the first status makes one. In a fork the pipeline is the fork's, and ours stand in the target project.
func (r *reading) statuses(ctx context.Context) error {
	me, err := r.a.myself(ctx) // once for all readings, with the first
	if err != nil {
		return err
	}
	key := shownKey{token: r.a.n, repo: r.key(), commit: r.head}
	if r.car != nil {
		key.commit, key.pipeline = r.car.commit, r.car.pipeline.ID
	} else if h, err := r.c.sawHead(ctx, r.a, r.f.Subject, r.mr); err != nil {
		return err
	} else if h.id != 0 {
		key.commit, key.pipeline = h.sha, h.id
	}
	if key.pipeline == 0 && !r.f.Change.Fork {
		r.c.memory.shown.Add(key, shownAt{nil, r.c.opts.Now()})
		return nil
	}
	r.next.votes.shown = key
	known, ok := r.c.memory.shown.Get(key)
	if !ok || !r.c.within(known.at, settled) || r.doubtful(known.list, int64(me.ID)) || gate.Afresh(ctx) || !r.alone(ctx, known.list) {
		list, cut, err := pages[statusNode](ctx, r.a, at(r.repo, "repository", "commits", key.commit, "statuses"), nil, mostStatuses)
		if err != nil {
			return err
		}
		if cut {
			r.gap("statuses", "GitLab shows more statuses on %.8s than the %d that were read.", key.commit, len(list))
		}
		known = shownAt{slices.DeleteFunc(list, func(s statusNode) bool { return key.pipeline != 0 && s.Pipeline != 0 && s.Pipeline != key.pipeline }), r.c.opts.Now()}
		r.c.memory.shown.Add(key, known)
	}
	r.f.Statuses = statuses(known.list, int64(me.ID))
	return nil
}

// doubtful says that the pipeline is green though a status of ours in it is not: then somebody wrote over ours. Only what
// makes a pipeline green lets a merge through, so this is looked at each time; other foreign writes are found when what is
// remembered has aged.
func (r *reading) doubtful(list []statusNode, me int64) bool {
	p := r.mr.Pipeline
	if r.car != nil {
		p = r.car.pipeline
	}
	if p == nil || p.Status != "success" && p.Status != "skipped" {
		return false
	}
	return slices.ContainsFunc(list, func(s statusNode) bool {
		return s.Author != nil && s.Author.ID == me && strings.HasPrefix(s.Name, "sluice/") && s.Status != "success"
	})
}

// statuses turns a list into facts. Ours end in the decision's id with their details link.
func statuses(list []statusNode, me int64) []checks.Status {
	var all []checks.Status
	for _, n := range list {
		s := checks.Status{Name: n.Name, ID: n.ID, State: stateWord(n.Status), Title: n.Description, Ours: n.Author != nil && n.Author.ID == me}
		if n.Pipeline != 0 {
			s.Node = pipelineName(n.Pipeline)
		}
		if s.Ours {
			s.ExternalID = n.TargetURL[strings.LastIndexByte(n.TargetURL, '/')+1:]
		}
		all = append(all, s)
	}
	sorting.By(all, func(a, b checks.Status) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// stateWord says in the words of checks.Status what GitLab calls a state.
func stateWord(s string) string {
	switch s {
	case "success", "skipped":
		return s
	case "failed":
		return "failure"
	case "canceled":
		return "cancelled"
	case "pending", "running", "created", "preparing", "waiting_for_resource", "canceling":
		return "in_progress"
	}
	return s // manual, scheduled
}

// heard takes in what GitLab answered to a status that we wrote, so that the next look need not ask for it. It stands
// beneath whoever writes: what is remembered can never be older than our own last word.
func (c *Client) heard(a *access, r *http.Request, resp *http.Response, body []byte) {
	before, path, _ := strings.Cut(r.URL.EscapedPath(), "/statuses/")
	_, project, _ := strings.Cut(before, "/projects/")
	if r.Method != http.MethodPost || path == "" || strings.Contains(path, "/") || project == "" {
		return
	}
	repo, err := url.PathUnescape(project)
	if repo = lower(repo); err != nil {
		return
	}
	var n statusNode
	if err := json.Unmarshal(body, &n); resp.StatusCode >= 300 || err != nil || n.ID == 0 || n.Pipeline == 0 || n.SHA == "" {
		c.unheard(a, repo, path)
		return
	}
	key := shownKey{a.n, repo, n.SHA, n.Pipeline}
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.memory.shown.Get(key)
	if !ok {
		if known, ok = c.memory.shown.Get(shownKey{a.n, repo, n.SHA, 0}); !ok { // whether others had been there is not known
			return
		}
		c.memory.shown.Remove(shownKey{a.n, repo, n.SHA, 0})
	}
	list := slices.DeleteFunc(slices.Clone(known.list), func(o statusNode) bool { return o.Name == n.Name })
	c.memory.shown.Add(key, shownAt{append(list, n), known.at})
}

// unheard forgets what a commit shows: a write to it went another way than it should.
func (c *Client) unheard(a *access, repo, commit string) {
	for _, k := range c.memory.shown.Keys() {
		if k.token == a.n && k.repo == repo && k.commit == commit {
			c.memory.shown.Remove(k)
		}
	}
}
