package webhook

import (
	"context"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// checkRun: somebody asked for one of our checks again, or another App writes under our names. Our own posts come back
// as `created` and `completed` and mean nothing.
func (h *receiver) checkRun(ctx context.Context, p *payload) ([]gate.Mark, error) {
	c, err := p.check(p.CheckRun, "check_run")
	if err != nil {
		return nil, err
	}
	named := strings.HasPrefix(strings.ToLower(c.Name), ours)
	switch p.Action {
	case "":
		return nil, missing("action")
	case "rerequested":
		if !h.own(c) && !(h.AppID == 0 && named) {
			return nil, nil
		}
	case "created", "completed":
		if h.own(c) {
			return nil, nil
		}
		if waits := h.awaited(ctx, p.Repository.FullName, c.HeadSHA); !named || h.AppID == 0 {
			return waits, nil
		}
	case "requested_action":
		return h.pressed(p, c)
	default:
		return nil, nil
	}
	return p.checked(c, "check_run")
}

// checkSuite: somebody asked for all our checks again. A suite that GitHub requests by itself follows a push, of which
// we hear anyway.
func (h *receiver) checkSuite(_ context.Context, p *payload) ([]gate.Mark, error) {
	c, err := p.check(p.CheckSuite, "check_suite")
	if err != nil {
		return nil, err
	}
	if p.Action == "" {
		return nil, missing("action")
	}
	if p.Action != "rerequested" || h.AppID != 0 && !h.own(c) {
		return nil, nil
	}
	return p.checked(c, "check_suite")
}

// echo says that a delivery tells of what we posted ourselves.
func (h *receiver) echo(p *payload) bool {
	return p.CheckRun != nil && (p.Action == "created" || p.Action == "completed") && h.own(p.CheckRun)
}

func (h *receiver) own(c *check) bool { return h.AppID != 0 && c.App != nil && c.App.ID == h.AppID }

func (p *payload) check(c *check, place string) (*check, error) {
	if c == nil {
		return nil, missing(place)
	}
	if _, err := p.repo(); err != nil {
		return nil, err
	}
	_, err := sha(c.HeadSHA, place+".head_sha")
	return c, err
}

// checked marks the changes that a check belongs to. For those from forks GitHub does not name them, and then the commit
// is looked up. A change into another repository (the upstream of a fork) is that one's business.
func (p *payload) checked(c *check, place string) ([]gate.Mark, error) {
	var marks []gate.Mark
	for _, pr := range c.PullRequests {
		if id := pr.Base.Repo.ID; id != 0 && p.Repository.ID != 0 && id != p.Repository.ID {
			continue
		}
		n, err := number(pr.Number, place+".pull_requests.number")
		if err != nil {
			return nil, err
		}
		m := gate.Mark{Kind: gate.MarkChange, Repo: p.Repository.FullName, Change: n}
		if objectID(pr.Head.SHA) {
			m.Commit = pr.Head.SHA // the change's head now, which the check's commit may no longer be
		}
		marks = append(marks, m)
	}
	if len(marks) == 0 {
		marks = append(marks, gate.Mark{Kind: gate.MarkHead, Repo: p.Repository.FullName, Commit: c.HeadSHA})
	}
	return marks, nil
}

// status: of a change only one that takes one of our names matters, and we post none ourselves: no rule on a change reads
// others. A promotion may wait for any.
func (h *receiver) status(ctx context.Context, p *payload) ([]gate.Mark, error) {
	repo, err := p.repo()
	if err != nil {
		return nil, err
	}
	commit, err := sha(p.SHA, "sha")
	if err != nil {
		return nil, err
	}
	if p.Context == "" {
		return nil, missing("context")
	}
	if !strings.HasPrefix(strings.ToLower(p.Context), ours) {
		return h.awaited(ctx, repo, commit), nil
	}
	return []gate.Mark{{Kind: gate.MarkHead, Repo: repo, Commit: commit}}, nil
}
