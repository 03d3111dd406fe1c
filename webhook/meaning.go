package webhook

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// ours is how the names of our own checks begin. GitHub compares the names of statuses without regard to case.
const ours = "sluice/"

// reader finds what a body of one event means.
type reader func(*receiver, context.Context, *payload) ([]gate.Mark, error)

// readers has the events that mean something to us. app.yml asks for just these, but for the installation's own, which
// always arrive.
func readers() map[string]reader {
	return map[string]reader{
		"pull_request":               (*receiver).pullRequest,
		"pull_request_review":        (*receiver).review,
		"check_run":                  (*receiver).checkRun,
		"check_suite":                (*receiver).checkSuite,
		"push":                       (*receiver).push,
		"issue_comment":              (*receiver).comment,
		"commit_comment":             (*receiver).commitComment,
		"create":                     (*receiver).tagged,
		"delete":                     (*receiver).tagged,
		"status":                     (*receiver).status,
		"merge_group":                (*receiver).mergeGroup,
		"deployment":                 (*receiver).deployments,
		"deployment_status":          (*receiver).deployments,
		"deployment_protection_rule": (*receiver).protection,
		"installation":               (*receiver).installation,
		"installation_repositories":  (*receiver).repositories,
	}
}

// Events are the names of the events that mean something to us, sorted.
func Events() []string {
	var names []string
	for name := range readers() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// label is the event's name for metrics: a known one, or "other", since anybody may send a header.
func (h *receiver) label(event string) string {
	if _, ok := h.readers[event]; ok || event == "ping" {
		return event
	}
	return "other"
}

// meaning makes a delivery of a body that was verified. An event that we do not know has no marks.
func (h *receiver) meaning(ctx context.Context, event, id string, body []byte) (gate.Delivery, error) {
	d := gate.Delivery{Forge: h.forge, ID: id, Event: event, At: h.Now().UTC(), Body: body}
	read, ok := h.readers[event]
	if !ok {
		p, err := lenient(body)
		if err == nil {
			d.Action = action(p.Action)
		}
		return d, err
	}
	var p payload
	if err := decode(body, &p); err != nil {
		return d, err
	}
	if i := p.Installation; i != nil {
		if i.ID < 0 {
			return d, fmt.Errorf("installation.id: is no id")
		}
		d.Install = i.ID
	}
	marks, err := read(h, ctx, &p)
	if err != nil {
		return d, err
	}
	d.Action, d.Account = action(p.Action), p.account(event)
	for i := range marks {
		m := &marks[i]
		m.Forge, m.Installation = h.forge, d.Install
		if m.Why = event; d.Action != "" {
			m.Why += "." + d.Action
		}
	}
	d.Marks, d.Echo = marks, event == "check_run" && len(marks) == 0 && h.echo(&p)
	return d, nil
}

// account is whose installation the delivery came through. One that is going away is not worth remembering.
func (p *payload) account(event string) string {
	switch {
	case event == "installation" && (p.Action == "deleted" || p.Action == "suspend"):
		return ""
	case p.Installation != nil && p.Installation.Account != nil:
		return known(p.Installation.Account.Login)
	case p.Repository != nil:
		owner, _, _ := strings.Cut(p.Repository.FullName, "/")
		return known(owner)
	}
	return ""
}

// action is the action's name, or "" where it is none.
func action(s string) string {
	if eventName(s) {
		return s
	}
	return ""
}

// pullRequest: what a change says of itself may have changed. Who is assigned or asked to review is no rule's concern.
func (h *receiver) pullRequest(_ context.Context, p *payload) ([]gate.Mark, error) {
	m, err := p.change()
	if err != nil {
		return nil, err
	}
	switch p.Action {
	case "":
		return nil, missing("action")
	case "synchronize": // when the head came to be, by the forge's clock: a comment from before it is about another
		if at, err := time.Parse(time.RFC3339, p.PullRequest.Updated); err == nil {
			m.Detail = at.UTC().Format(time.RFC3339)
		}
	case "opened", "reopened", "ready_for_review", "converted_to_draft", "closed":
	case "labeled", "unlabeled":
		if p.Label != nil {
			m.Detail = detail(p.Label.Name)
		}
	case "edited":
		if c := p.Changes; c != nil && c.Title == nil && c.Body == nil && c.Base == nil {
			return nil, nil
		}
		if p.Changes != nil && p.Changes.Base != nil {
			m.Detail = "base" // it was retargeted, and perhaps back: overrides end
		}
	default:
		return nil, nil
	}
	return []gate.Mark{m}, nil
}

// review: somebody approved, objected, commented or took it back. Detail tells a mere comment.
func (h *receiver) review(_ context.Context, p *payload) ([]gate.Mark, error) {
	m, err := p.change()
	if err != nil {
		return nil, err
	}
	switch p.Action {
	case "":
		return nil, missing("action")
	case "submitted":
		if p.Review == nil {
			return nil, missing("review")
		}
		if strings.EqualFold(p.Review.State, "commented") {
			m.Detail = "commented"
		}
	case "edited", "dismissed":
	default:
		return nil, nil
	}
	return []gate.Mark{m}, nil
}

// change is the mark of the pull request in the body.
func (p *payload) change() (m gate.Mark, err error) {
	m.Kind = gate.MarkChange
	if m.Repo, err = p.repo(); err != nil {
		return m, err
	}
	if p.PullRequest == nil {
		return m, missing("pull_request")
	}
	n, place := p.PullRequest.Number, "pull_request.number"
	if n == 0 {
		n = p.Number
	}
	if m.Change, err = number(n, place); err != nil {
		return m, err
	}
	m.Commit, err = sha(p.PullRequest.Head.SHA, "pull_request.head.sha")
	return m, err
}
