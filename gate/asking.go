package gate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// asking is one command under way: what is known when it is worked off.
type asking struct {
	provider  Provider
	s         checks.Subject
	on        string // the commit that the comment is on; "": it is on the change
	unbrought string // why that commit is no change's
	comment   *Comment
	command   Command
	facts     *checks.Facts // of the change, read just now (Change.State open, closed or merged)
	set       *policy.Set   // nil when the policy is broken
	policyErr error
	head      string // the head that Sluice knew when the comment was received; "": none
	base      string // the target branch known then; "": not known
	receipt   int64  // of the comment, in the order of receipt
	received  time.Time
	ask       string     // the id of what was asked through the API; "": it was said in a comment
	under     string     // digest of the policies that a command about an environment went by
	concerns  *Promotion // what the command turned out to be about: its ID, where it has one, and its Commit
	acts      Acts       // live and waiting overrides, and the hold; commands of the same comment see those before them
}

// done, refused and waiting are the outcomes of a command.
const (
	done    = "done"
	refused = "refused"
	waiting = "waiting"
)

// result begins what came of the command.
func (a *asking) result(outcome, text string, args ...any) Result {
	return Result{Line: a.command.Line, Word: a.command.Word, Outcome: outcome, Text: fmt.Sprintf(text, args...)}
}

// by is who asks.
func (a *asking) by() checks.Person { return a.comment.By }

// errUnanswered says that the forge did not tell what somebody may do. No answer means no.
var errUnanswered = errors.New("the forge did not say")

// permission asks for the right on the repository at this moment.
func (a *asking) permission(ctx context.Context) (string, error) {
	registrar, ok := a.provider.(Registrar)
	if !ok {
		return "none", errUnanswered
	}
	has, err := registrar.Permission(ctx, a.s, a.by())
	if err != nil {
		return "none", fmt.Errorf("%w: %w", errUnanswered, err)
	}
	return has, nil
}

// atLeast refuses whoever has not the right, and says who could. ok is true when he has it.
func (a *asking) atLeast(ctx context.Context, right, what string) (has string, no Result, ok bool) {
	has, err := a.permission(ctx)
	switch {
	case err != nil:
		return has, a.unanswered(), false
	case !checks.AtLeast(has, right):
		return has, a.result(refused, "%s needs the right %s on this repository, and %s has %s. Ask somebody who has it to write the command.",
			what, codeSpan(right), escape(a.by().Login), codeSpan(has)), false
	}
	return has, Result{}, true
}

func (a *asking) unanswered() Result {
	return a.result(refused, "The forge did not say what %s may do here, and no answer means no. Nothing was done; write the command again in a minute.", escape(a.by().Login))
}

// entitled asks whether the person is one of those named by each of the layers, at this moment. An error is a no.
func (a *asking) entitled(ctx context.Context, by []policy.Named) (bool, error) {
	for _, n := range by {
		ok, err := a.oneOf(ctx, n)
		if !ok || err != nil {
			return false, err
		}
	}
	return len(by) > 0, nil
}

// oneOf asks for what one layer needs to know, and for nothing that was known before.
func (a *asking) oneOf(ctx context.Context, n policy.Named) (bool, error) {
	registrar, ok := a.provider.(Registrar)
	if !ok {
		return false, errUnanswered
	}
	f := *a.facts
	f.People, f.Teams, f.Orgs = map[int64]checks.Person{}, map[string]checks.Group{}, map[string]checks.Group{}
	for range 3 { // the owners of a path are only known after the first answers
		var w checks.Wants
		checks.WantEntitled(n.Layer, &f, &w, a.by(), n.From)
		if len(w.People)+len(w.Teams)+len(w.Orgs) == 0 {
			break
		}
		if err := a.fill(ctx, registrar, &f, w); err != nil {
			return false, fmt.Errorf("%w: %w", errUnanswered, err)
		}
	}
	yes, known := checks.Entitled(n.Layer, &f, a.by(), n.From)
	if !known {
		return false, errUnanswered
	}
	return yes, nil
}

func (a *asking) fill(ctx context.Context, registrar Registrar, f *checks.Facts, w checks.Wants) error {
	for _, p := range w.People {
		has, err := registrar.Permission(ctx, a.s, p)
		if err != nil {
			return err
		}
		p.Permission = has
		f.People[p.ID] = p
	}
	group := func(name string) (checks.Group, error) {
		in, err := registrar.Member(ctx, a.s, a.by(), name)
		g := checks.Group{Complete: true}
		if in {
			g.Members = []int64{a.by().ID}
		}
		return g, err
	}
	var err error
	for _, name := range w.Teams {
		if f.Teams[name], err = group(name); err != nil {
			return err
		}
	}
	for _, name := range w.Orgs {
		if f.Orgs[name], err = group(name); err != nil {
			return err
		}
	}
	return nil
}
