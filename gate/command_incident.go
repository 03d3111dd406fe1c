package gate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// Incident is a failure in an environment, told of by a person: reports link it to what was live there then.
type Incident struct {
	ID          string         `json:"id"` // what told of it ("comment/123/1"): one each
	Forge       string         `json:"forge"`
	Repo        string         `json:"repo"`
	Environment string         `json:"environment"`
	Commit      string         `json:"commit"`              // that was live
	Promotion   string         `json:"promotion,omitempty"` // that had brought it there; "": none is known
	By          checks.Person  `json:"by"`
	Reason      string         `json:"reason"`
	URL         string         `json:"url,omitempty"`
	Opened      time.Time      `json:"opened"`
	Resolved    time.Time      `json:"resolved,omitzero"`
	Resolver    *checks.Person `json:"resolver,omitempty"`
	How         string         `json:"how,omitempty"` // it was resolved, as far as somebody said
}

// incident says that what is live in an environment failed, or that this is over. It holds nothing back: `lock` does.
func (r *Reconciler) incident(ctx context.Context, a *asking, x *site, out *Outcome) (Result, error) {
	has, err := a.permission(ctx)
	switch {
	case err != nil:
		return Result{}, declined(a.unanswered().Text)
	case !checks.AtLeast(has, "write"):
		return Result{}, decline("Telling of an incident needs the right `write` on this repository, and %s has %s. Ask somebody who has it to write the command.", escape(a.by().Login), codeSpan(has))
	}
	if word, rest := next(a.command.Reason); strings.EqualFold(word, "resolved") {
		return r.resolved(ctx, a, x, out, strings.TrimSpace(rest))
	}
	live := x.live()
	switch {
	case live == nil && x.standing.Cut != "":
		return Result{}, fmt.Errorf("read what is live in %s: %s", x.name, x.standing.Cut)
	case live == nil:
		return Result{}, decline("Nothing is live in %s, so nothing there can have failed.", codeSpan(x.name))
	}
	p := x.brought(live)
	i := Incident{ID: a.request(), Forge: a.s.Forge, Repo: a.s.Repo, Environment: x.name, Commit: live.Commit, By: a.by(),
		Reason: Plain(a.command.Reason), URL: a.comment.URL, Opened: a.received}
	if p != nil {
		i.Promotion = p.ID
	}
	a.concerns = &Promotion{ID: i.Promotion, Commit: live.Commit}
	out.Incidents = append(out.Incidents, i)
	return a.result(done, "Written down: %s, which is live in %s, had a failure. `%s incident %s resolved` says that it is over; `%s rollback %s REASON` goes back.",
		codeSpan(short(live.Commit)), codeSpan(x.name), prefix, x.name, prefix, x.name), nil
}

// brought is the promotion that made a deployment, or nil.
func (x *site) brought(d *checks.Deployment) *Promotion {
	for i := range x.book.Promotions {
		if p := &x.book.Promotions[i]; p.made(d.ID) {
			return p
		}
	}
	return nil
}

// resolved ends the incidents of an environment that were told of before.
func (r *Reconciler) resolved(ctx context.Context, a *asking, x *site, out *Outcome, how string) (Result, error) {
	all, err := r.Book.Incidents(ctx, a.s.Forge, a.s.Repo, time.Time{})
	if err != nil {
		return Result{}, fmt.Errorf("read the incidents of %s: %w", x.name, err)
	}
	all = append(all, out.Incidents...)
	var ended []string
	for _, i := range all {
		if !sameName(i.Environment, x.name) || !i.Resolved.IsZero() || i.Opened.After(a.received) {
			continue
		}
		by := a.by()
		i.Resolved, i.Resolver, i.How = r.Now().UTC(), &by, Plain(how)
		out.Incidents = replacedIncident(out.Incidents, i)
		ended = append(ended, escape(strings.TrimRight(i.Reason, ".")))
		a.concerns = &Promotion{ID: i.Promotion, Commit: i.Commit}
	}
	if len(ended) == 0 {
		return Result{}, decline("No incident in %s is known that is not over.", codeSpan(x.name))
	}
	return a.result(done, "Resolved in %s: %s.", codeSpan(x.name), strings.Join(ended, "; ")), nil
}

func replacedIncident(list []Incident, i Incident) []Incident {
	for j := range list {
		if list[j].ID == i.ID {
			list[j] = i
			return list
		}
	}
	return append(list, i)
}
