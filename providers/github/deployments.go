package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

const (
	deploymentsPage  = 50 // in one request after the first
	deploymentsPages = 20
)

// deployments takes in those that came along, and reads on while nothing live is among them: what is live counts, however
// long ago it was deployed.
func (st *standing) deployments(ctx context.Context, repo *repoNode) error {
	c := repo.Deployments
	if st.misspelt(repo.Every) {
		more, err := st.moreDeployments(ctx, "")
		if err != nil {
			return err
		}
		c = more
	}
	if c == nil {
		st.cut("GitHub did not show the deployments.")
		return nil
	}
	for page := 0; ; page++ {
		for _, n := range c.Nodes {
			st.deployment(n)
		}
		next := after(c.PageInfo)
		if next == "" || st.live() {
			break
		}
		if page == deploymentsPages {
			st.cut("Nothing is live among the newest %d deployments, and there are more.", len(st.out.Deployments))
			break
		}
		var err error
		if c, err = st.moreDeployments(ctx, next); err != nil {
			return err
		}
	}
	sorting.By(st.out.Deployments, func(a, b checks.Deployment) int {
		if by := b.At.Compare(a.At); by != 0 {
			return by
		}
		return int(min(max(b.ID-a.ID, -1), 1))
	})
	return st.current()
}

// current makes sure that the answer is not older than the deployment that was made here last: GitHub's replicas lag at
// times, and one that is missed would look like one that was deleted. It is waited for as long as for other news.
func (st *standing) current() error {
	st.place.mu.Lock()
	made, at := st.place.made, st.place.madeAt
	st.place.mu.Unlock()
	age := st.c.opts.Now().Sub(at)
	if made == 0 || age < 0 || age > 2*time.Minute || slices.ContainsFunc(st.out.Deployments, func(d checks.Deployment) bool { return d.ID >= made }) || st.out.Cut != "" {
		return nil
	}
	return fmt.Errorf("%w: the deployment %d", gate.ErrStale, made)
}

func (st *standing) live() bool {
	return slices.ContainsFunc(st.out.Deployments, func(d checks.Deployment) bool { return !d.Live.IsZero() })
}

// misspelt says whether the newest deployments of the repository show the environment's name in a spelling that was not
// asked for.
func (st *standing) misspelt(every *connection[*deploymentNode]) bool {
	if every == nil {
		return false
	}
	fresh := false
	for _, n := range every.Nodes {
		if n != nil && strings.EqualFold(n.Environment, st.f.Subject.Environment) && !slices.Contains(st.spelt, n.Environment) {
			st.place.spell(n.Environment)
			st.spelt, fresh = append(st.spelt, n.Environment), true
		}
	}
	return fresh
}

func (st *standing) moreDeployments(ctx context.Context, cursor string) (*connection[*deploymentNode], error) {
	var names []string
	for _, n := range st.spelt {
		names = append(names, quoted(n))
	}
	from := ""
	if cursor != "" {
		from = ", after: " + quoted(cursor)
	}
	wanted := fmt.Sprintf("deployments(environments: [%s], first: %d%s, orderBy: {field: CREATED_AT, direction: DESC}) { ...Deployments } ", strings.Join(names, ", "), deploymentsPage, from)
	node, err := st.more(ctx, wanted)
	if err != nil {
		return nil, err
	}
	if node.Deployments == nil {
		return nil, fmt.Errorf("read the deployments of %s: GitHub gave no answer", st.repo)
	}
	return node.Deployments, nil
}

// more asks for more of the repository.
func (st *standing) more(ctx context.Context, wanted string) (*repoNode, error) {
	var node answerNode
	vars := map[string]any{"owner": st.repo.owner, "name": st.repo.name}
	errs, err := st.in.query(ctx, "Wants", st.c.queries.document("Wants", map[string]string{"Wanted": wanted}), vars, &node)
	switch {
	case err != nil:
		return nil, err
	case len(errs) > 0:
		return nil, errs[0].err("Wants")
	case node.Repository == nil:
		return nil, fmt.Errorf("%w: GitHub shows no repository %s", gate.ErrGone, st.repo)
	}
	return node.Repository, nil
}

// deployment takes one in. Of one that has more statuses than were read it may not be known whether it ever succeeded.
func (st *standing) deployment(n *deploymentNode) {
	name := st.f.Subject.Environment
	if n == nil || n.DatabaseID == 0 || !oid(n.CommitOID) {
		st.cut("GitHub left a deployment out of its answer.")
		return
	}
	if !strings.EqualFold(n.Environment, name) && !strings.EqualFold(n.Original, name) {
		return
	}
	if slices.ContainsFunc(st.out.Deployments, func(d checks.Deployment) bool { return d.ID == n.DatabaseID }) {
		return // it moved from one page to the next while they were read
	}
	self := st.c.memory.self.Load()
	d := checks.Deployment{ID: n.DatabaseID, Commit: n.CommitOID, Creator: person(n.Creator), At: n.CreatedAt.UTC(), State: "pending"}
	d.Ours = self != 0 && d.Creator.ID == self
	d.Workflow = n.Creator != nil && n.Creator.Typename == "Bot" && strings.TrimSuffix(n.Creator.Login, "[bot]") == "github-actions"
	if d.Ours {
		d.Promotion = promotionIn([]byte(n.Payload))
	}
	d.URL = fmt.Sprintf("%s/%s/%s/deployments/%s", st.c.bases.web, url.PathEscape(st.repo.owner), url.PathEscape(st.repo.name), url.PathEscape(n.Environment))
	if l := n.Latest; l != nil {
		d.State, d.StateAt, d.StateBy = strings.ToLower(l.State), l.CreatedAt.UTC(), person(l.Creator)
		if linked(l.LogURL) {
			d.URL = l.LogURL
		}
	}
	for _, s := range n.Statuses.Nodes {
		if s != nil && s.State == "SUCCESS" && (d.Live.IsZero() || s.CreatedAt.Before(d.Live)) {
			d.Live = s.CreatedAt.UTC()
		}
	}
	if d.Workflow {
		st.job(&d, n.Statuses.Nodes, n.Statuses.TotalCount > len(n.Statuses.Nodes))
	}
	if d.Live.IsZero() && n.Statuses.TotalCount > len(n.Statuses.Nodes) {
		st.cut("GitHub showed %d of %d statuses of the deployment %d, and no success among them.", len(n.Statuses.Nodes), n.Statuses.TotalCount, d.ID)
	}
	st.out.Deployments = append(st.out.Deployments, d)
}

// job tells of a workflow's deployment whether its job began, and of which run it is: the runner's own statuses link to it.
func (st *standing) job(d *checks.Deployment, statuses []*deploymentStatusNode, cut bool) {
	d.Begun = cut
	for _, s := range statuses {
		if s == nil {
			d.Begun = true
			continue
		}
		d.Begun = d.Begun || s.State == "IN_PROGRESS" || s.State == "SUCCESS"
		if d.Run == 0 && person(s.Creator).ID == d.Creator.ID {
			d.Run = runIn(s.LogURL, st.repo)
		}
	}
}

// runIn is the run of the repository that an address leads to; 0: to none.
func runIn(address string, repo repoName) int64 {
	u, err := url.Parse(address)
	if err != nil {
		return 0
	}
	part := strings.Split(u.Path, "/") // "", owner, name, actions, runs, id, …
	if len(part) < 6 || !strings.EqualFold(part[1], repo.owner) || !strings.EqualFold(part[2], repo.name) || part[3] != "actions" || part[4] != "runs" {
		return 0
	}
	run, err := strconv.ParseInt(part[5], 10, 64)
	if err != nil {
		return 0
	}
	return run
}

// linked says whether people may follow an address that a pipeline gave: one on the web, without a user's name, which
// could be made to look like a host.
func linked(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && len(s) <= 2000
}

// promotionIn is the id of the promotion that a payload of ours names. GitHub gives an object as it is or as text.
func promotionIn(payload []byte) string {
	if len(payload) > 64<<10 {
		return ""
	}
	var text string
	if json.Unmarshal(payload, &text) == nil {
		payload = []byte(text)
	}
	var p struct {
		Sluice struct {
			Promotion string `json:"promotion"`
		} `json:"sluice"`
	}
	if json.Unmarshal(payload, &p) != nil || len(p.Sluice.Promotion) > 64 {
		return ""
	}
	return p.Sluice.Promotion
}
