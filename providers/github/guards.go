package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicegate/sluice/gate"
)

// Guard is how GitHub itself holds a repository's default branch to a check.
type Guard struct {
	Repo     string // owner/name
	Branch   string // the default one; "": there is none yet
	Policy   bool   // the branch has a .sluice.yml
	Required bool   // nothing is merged without the check
	Pinned   bool   // our own App alone may say it
	Other    bool   // another App must say it, which never will
}

// guardsAtOnce keeps somebody who looks at a page from waiting for one answer after another.
const guardsAtOnce = 8

// Guards looks at repositories of an installation, in GitHub's order, at most so many: whether a check must pass there and who may
// say it, which rulesets and branch protection tell without the right to administer. More says how many were not looked at.
func (c *Client) Guards(ctx context.Context, installation int64, check string, most int) (list []Guard, more int, err error) {
	in := c.installation(installation)
	var some struct {
		Total        int `json:"total_count"`
		Repositories []struct {
			FullName string `json:"full_name"`
			Branch   string `json:"default_branch"`
			Archived bool   `json:"archived"`
		} `json:"repositories"`
	}
	if err := in.get(ctx, "GET /installation/repositories", fmt.Sprintf("/installation/repositories?per_page=%d&page=1", min(most, 100)), &some); err != nil {
		return nil, 0, fmt.Errorf("list repositories: %w", err)
	}
	found, faults := make([]Guard, len(some.Repositories)), make([]error, len(some.Repositories))
	var g errgroup.Group
	g.SetLimit(guardsAtOnce)
	for i, r := range some.Repositories {
		if r.Archived { // nothing is merged there
			continue
		}
		g.Go(func() error {
			if found[i], faults[i] = in.guard(ctx, r.FullName, r.Branch, check); faults[i] != nil {
				faults[i] = fmt.Errorf("look at %s: %w", r.FullName, faults[i])
			}
			return nil
		})
	}
	_ = g.Wait() // each has its own
	for i, r := range some.Repositories {
		if !r.Archived && faults[i] == nil {
			list = append(list, found[i])
		}
	}
	return list, max(0, some.Total-len(some.Repositories)), errors.Join(faults...)
}

func (in *installation) guard(ctx context.Context, full, branch, check string) (Guard, error) {
	g := Guard{Repo: full}
	r, err := splitRepo(full)
	if err != nil {
		return g, err
	}
	if branch == "" {
		return g, nil
	}
	protected, err := in.protected(ctx, r, branch, check, &g)
	if errors.Is(err, gate.ErrGone) { // nobody has pushed yet
		return g, nil
	}
	g.Branch = branch
	if err == nil && protected && !g.Pinned {
		err = in.ruled(ctx, r, branch, check, &g)
	}
	if err != nil {
		return g, err
	}
	var file struct {
		Type string `json:"type"`
	}
	err = in.get(ctx, "GET /repos/{owner}/{repo}/contents/{path}", r.path("/contents/.sluice.yml?ref="+url.QueryEscape(branch)), &file)
	g.Policy = err == nil && file.Type == "file"
	if errors.Is(err, gate.ErrGone) {
		err = nil
	}
	return g, err
}

// protected looks at branch protection, and says whether that or a ruleset is in force.
func (in *installation) protected(ctx context.Context, r repoName, branch, check string, g *Guard) (bool, error) {
	var x struct {
		Protected  bool `json:"protected"`
		Protection struct {
			Checks struct {
				Contexts []string `json:"contexts"`
				Checks   []struct {
					Context string `json:"context"`
					App     int64  `json:"app_id"`
				} `json:"checks"`
			} `json:"required_status_checks"`
		} `json:"protection"`
	}
	if err := in.get(ctx, "GET /repos/{owner}/{repo}/branches/{branch}", r.path("/branches/"+url.PathEscape(branch)), &x); err != nil {
		return false, err
	}
	for _, name := range x.Protection.Checks.Contexts {
		g.Required = g.Required || strings.EqualFold(name, check)
	}
	for _, c := range x.Protection.Checks.Checks {
		if strings.EqualFold(c.Context, check) {
			g.demand(c.App, in.client.app)
		}
	}
	return x.Protected, nil
}

// demand notes that the check is required of an App; 0 or less: of anybody.
func (g *Guard) demand(app, own int64) {
	g.Required = true
	g.Pinned = g.Pinned || app == own
	g.Other = g.Other || app > 0 && app != own
}

// ruled looks at the rulesets in force, an organisation's too. The library's own list fails on a rule that it does not know.
func (in *installation) ruled(ctx context.Context, r repoName, branch, check string, g *Guard) error {
	var rules []struct {
		Type       string `json:"type"`
		Parameters struct {
			Checks []struct {
				Context string `json:"context"`
				App     int64  `json:"integration_id"`
			} `json:"required_status_checks"`
		} `json:"parameters"`
	}
	if err := in.get(ctx, "GET /repos/{owner}/{repo}/rules/branches/{branch}", r.path("/rules/branches/"+url.PathEscape(branch)+"?per_page=100"), &rules); err != nil {
		return err
	}
	for _, rule := range rules {
		for _, c := range rule.Parameters.Checks {
			if rule.Type == "required_status_checks" && strings.EqualFold(c.Context, check) {
				g.demand(c.App, in.client.app)
			}
		}
	}
	return nil
}

// Pulse is what the App's log of deliveries tells of its newest hundred.
type Pulse struct {
	Now    time.Time // by GitHub's clock
	Sent   int
	Failed int       // not answered with a 2xx
	Newest time.Time // zero: none was sent
	Last   string    // how the newest that failed did, in GitHub's words
}

// Pulse reads how deliveries go, for `sluice doctor`.
func (c *Client) Pulse(ctx context.Context) (Pulse, error) {
	var list []struct {
		At     time.Time `json:"delivered_at"`
		Status string    `json:"status"`
		Code   int       `json:"status_code"`
	}
	a, err := c.jwt.do(ctx, call{route: "GET /app/hook/deliveries", method: http.MethodGet, safe: true, out: &list, url: c.bases.rest + "/app/hook/deliveries?per_page=100"})
	if err != nil {
		return Pulse{}, fmt.Errorf("read the log of deliveries: %w", err)
	}
	p := Pulse{Sent: len(list)}
	if t, err := http.ParseTime(a.header.Get("Date")); err == nil {
		p.Now = t.UTC()
	}
	for i, d := range list {
		if i == 0 {
			p.Newest = d.At.UTC()
		}
		if pending := d.Code == 0 && (d.Status == "" || strings.EqualFold(d.Status, "pending")); pending || d.Code/100 == 2 {
			continue
		}
		if p.Failed++; p.Last == "" {
			p.Last = d.Status
		}
	}
	return p, nil
}
