package gitlab

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
)

// A deployment of a protected environment that waits for approvals is what a workflow run that waits is elsewhere: its id is the
// run's. It is let through by our approval, and then by having its job played, which GitLab does not do by itself.

// mostComment is how many characters GitLab takes with an approval.
const mostComment = 255

// approvalRule is one of a protected environment: a person, a group or everybody of some rank.
type approvalRule struct {
	User     int64 `json:"user_id"`
	Group    int64 `json:"group_id"`
	Level    int   `json:"access_level"`
	Required int   `json:"required_approvals"`
	Given    []struct {
		User   *userNode `json:"user"`
		Status string    `json:"status"`
	} `json:"deployment_approvals"`
}

// open says whether approvals are missing.
func (r approvalRule) open() bool {
	given := 0
	for _, g := range r.Given {
		if g.Status == "approved" {
			given++
		}
	}
	return given < r.Required
}

// waits says whether the deployment is held until it is approved, or until its job is played after that. A job that is merely
// manual waits for nobody in particular.
func (n *deploymentNode) waits() bool {
	if n.Job == nil || n.Job.Status != "manual" || n.Status != "blocked" && n.Status != "created" {
		return false
	}
	return n.Pending > 0 || slices.ContainsFunc(n.Approved, func(x struct {
		User   *userNode `json:"user"`
		Status string    `json:"status"`
	}) bool {
		return x.Status == "approved"
	})
}

// approvedBy says whether an account has approved it.
func (n *deploymentNode) approvedBy(id int64) bool {
	for _, x := range n.Approved {
		if x.User != nil && x.User.ID == id && x.Status == "approved" {
			return true
		}
	}
	return false
}

// Run implements gate.Promoter.
func (c *Client) Run(ctx context.Context, repo gate.Repo, run int64) (*gate.Run, error) {
	x, err := c.run(ctx, repo.Name, run)
	if err != nil {
		return nil, fmt.Errorf("read the deployment %d of %s: %w", run, repo.Name, err)
	}
	return x, nil
}

func (c *Client) run(ctx context.Context, repo string, run int64) (*gate.Run, error) {
	a, err := c.reach(repo)
	if err != nil {
		return nil, err
	}
	n, err := a.deployment(ctx, repo, run)
	if err != nil {
		return nil, err
	}
	x := &gate.Run{ID: run, Attempt: 1, Commit: n.SHA, Event: "api", Over: slices.Contains([]string{"success", "failed", "canceled", "skipped"}, n.Status)}
	if x.Actor, err = (&reading{c: c, a: a}).surely(ctx, n.by()); err != nil {
		return nil, err
	}
	if j := n.Job; j != nil {
		x.Event = "job"
		if j.Pipeline != nil && j.Pipeline.Source != "" {
			x.Event = j.Pipeline.Source
		}
		if linked(j.URL) {
			x.URL = j.URL
		}
	}
	asks, err := c.asks(ctx, a, repo, n)
	if asks {
		x.Waits = []string{n.Environment.Name}
	}
	return x, err
}

// askedAt is whether a deployment waits for us, as last seen.
type askedAt struct {
	asks bool
	at   time.Time
}

// asks says whether a deployment waits for our approval, or has it and waits to be played.
func (c *Client) asks(ctx context.Context, a *access, repo string, n *deploymentNode) (asks bool, err error) {
	if n.waits() {
		me, err := a.myself(ctx)
		if err != nil {
			return false, err
		}
		if asks = n.approvedBy(int64(me.ID)) || n.Summary == nil || len(n.Summary.Rules) == 0; !asks {
			if asks, err = c.named(ctx, a, repo, n.Summary.Rules, int64(me.ID)); err != nil {
				return false, err
			}
		}
	}
	c.promo.asks.Add(under(repo, number(n.ID)), askedAt{asks, c.opts.Now()})
	return asks, nil
}

// named says whether one of the rules that are open is for us.
func (c *Client) named(ctx context.Context, a *access, repo string, rules []approvalRule, me int64) (bool, error) {
	for _, r := range rules {
		if !r.open() {
			continue
		}
		is, err := c.fits(ctx, a, at(repo), r, me)
		if is || err != nil {
			return is, err
		}
	}
	return false, nil
}

// fits says whether a rule is for us; a level is one in the project or group that the rule is of.
func (c *Client) fits(ctx context.Context, a *access, of string, r approvalRule, me int64) (bool, error) {
	switch {
	case r.User != 0:
		return r.User == me, nil
	case r.Group != 0:
		level, err := c.level(ctx, a, "groups/"+number(r.Group), me)
		return level > 0, err
	case r.Level == 0:
		return false, nil
	}
	level, err := c.level(ctx, a, of, me)
	return level >= r.Level, err
}

type levelAt struct {
	level int
	at    time.Time
}

// level is our own rank in a project or group; 0: none, or hidden from us.
func (c *Client) level(ctx context.Context, a *access, of string, me int64) (int, error) {
	if known, ok := c.promo.levels.Get(of); ok && c.opts.Now().Sub(known.at) < remembered {
		return known.level, nil
	}
	var m struct {
		ID    int64 `json:"id"`
		Level int   `json:"access_level"`
	}
	_, err := a.get(ctx, of+"/members/all/"+number(me), nil, &m)
	if err != nil && !errors.Is(err, gate.ErrGone) && status(err) != http.StatusForbidden {
		return 0, err
	}
	if m.ID != me {
		m.Level = 0
	}
	c.promo.levels.Add(of, levelAt{m.Level, c.opts.Now()})
	return m.Level, nil
}

// Answer implements gate.Promoter. Why a deployment waits, its check on the commit says: GitLab has no place for it.
func (c *Client) Answer(ctx context.Context, s checks.Subject, run int64, state, comment string) error {
	if err := c.answer(ctx, s, run, state, comment); err != nil {
		return fmt.Errorf("answer the deployment %d of %s for %s: %w", run, s.Repo, checks.Clip(s.Environment, 60), err)
	}
	return nil
}

func (c *Client) answer(ctx context.Context, s checks.Subject, run int64, state, comment string) error {
	if state != "" && state != "approved" && state != "rejected" {
		return fmt.Errorf("%q is no answer", state)
	}
	a, err := c.reach(s.Repo)
	if err != nil || state == "" {
		return err
	}
	n, err := a.deployment(ctx, s.Repo, run)
	switch {
	case err != nil:
		return err
	case !strings.EqualFold(n.Environment.Name, s.Environment) || s.Commit != "" && n.SHA != s.Commit || !n.waits():
		return fmt.Errorf("%w: the deployment does not wait there any more", gate.ErrGone)
	case state == "approved":
		return c.unblock(ctx, a, s, n, comment)
	}
	return a.approve(ctx, s.Repo, n, state, comment)
}

// unblock gives the approval that is missing, and has the job run. Sluice approves last: whoever approved after it would let
// the deployment go at a moment at which nobody had judged it.
func (c *Client) unblock(ctx context.Context, a *access, s checks.Subject, n *deploymentNode, comment string) error {
	me, err := a.myself(ctx)
	if err != nil {
		return unread(ctx, err)
	}
	mine := n.approvedBy(int64(me.ID))
	others := n.Pending
	if !mine {
		others--
	}
	if others > 0 {
		return &gate.RefusalError{Cures: true, Why: fmt.Sprintf("GitLab wants %d more approval(s) of other people for this deployment: they give them there, and Sluice gives the last one", others)}
	}
	if n.Pending > 0 && !mine {
		if err := a.approve(ctx, s.Repo, n, "approved", comment); err != nil {
			return err
		}
	}
	return a.playJob(ctx, s.Repo, n.Job.ID)
}

// approve says yes or no. GitLab's refusals tell apart what can be cured, and who has to.
func (a *access) approve(ctx context.Context, repo string, n *deploymentNode, state, comment string) error {
	body := map[string]any{"status": state}
	if comment = remark(comment); comment != "" {
		body["comment"] = comment
	}
	_, err := a.send(ctx, http.MethodPost, at(repo, "deployments", number(n.ID), "approval"), nil, body, nil)
	var e *Error
	if !errors.As(err, &e) {
		return undeployed(err, "")
	}
	said := strings.ToLower(e.Message)
	me, lost := a.myself(ctx)
	switch {
	case state == "approved" && lost == nil && n.User != nil && n.User.ID == int64(me.ID):
		return &gate.RefusalError{Cures: true, Why: "GitLab lets nobody approve a deployment whose pipeline he started, and this one was started by the account of Sluice's own token: have the pipeline started by another account, or let in the settings of the protected environment whoever starts a pipeline approve it"}
	case e.Status == http.StatusBadRequest && strings.Contains(said, "wait"): // "is not waiting for approvals"
		return fmt.Errorf("%w: the deployment does not wait any more", gate.ErrGone)
	case e.Status < 500:
		return undeployed(&Error{Route: e.Route, Status: http.StatusForbidden, Message: e.Message}, "name the account of Sluice's token among the approvers of the protected environment")
	}
	return err
}

// remark is a comment as GitLab takes it with an approval, and shows it: as it is written. What would keep Markdown quiet is
// undone, and where it has to be cut, the address at its end stays, which leads to all of it.
func remark(comment string) string {
	text := gate.Plain(html.UnescapeString(gate.Plain(comment)))
	at := strings.LastIndex(text, " ")
	link := text[at+1:]
	if most := mostComment - utf8.RuneCountInString(link) - 1; at > 0 && linked(link) && most > mostComment/3 {
		return clipped(text[:at], most) + " " + link
	}
	return clipped(text, mostComment)
}

// clipped cuts a text.
func clipped(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
