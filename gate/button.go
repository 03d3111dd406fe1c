package gate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sluicegate/sluice/checks"
)

// ButtonOverride is the identifier of the button on a failed check.
const ButtonOverride = "override"

// Button is shown on a check that has ended; pressing it comes back as a delivery.
type Button struct {
	Label, Description, Identifier string // within 20, 40 and 20 characters
}

// buttons are those of a check: one that failed may be overridden, which needs a reason and so a comment.
func buttons(d *Decision, v checks.Verdict) []Button {
	if d.Subject.Kind != checks.KindChange || v.Check == Gate || !v.Blocks() || v.Outcome != checks.Fail {
		return nil
	}
	return []Button{{"Override", "Says which command lets this through", ButtonOverride}}
}

// pressed answers whoever pressed the button with the command to write, once per check, commit and person.
func (r *Reconciler) pressed(ctx context.Context, w Work) (Outcome, error) {
	m := w.Mark
	forge, ok := r.Providers[m.Forge].(Correspondent)
	if !ok || r.DryRun {
		return Outcome{Note: "nobody to answer"}, nil
	}
	s := m.Subject()
	if s.Change == 0 { // of a change from a fork the delivery does not name the change
		open, err := r.Memory.OpenAt(ctx, m.Forge, m.Repo, m.Commit)
		if err != nil {
			return Outcome{}, fmt.Errorf("find the change with the head %.8s: %w", m.Commit, err)
		}
		if len(open) == 0 {
			return Outcome{Note: "no open change has this head"}, nil
		}
		s = open[0]
	}
	check := checks.Clip(m.Detail, 100)
	body := fmt.Sprintf("To override %s for %s, somebody who may has to write a comment of one line, with the reason:\n\n%s\n\n(%s pressed *Override*.)",
		codeSpan("sluice/"+check), codeSpan(short(m.Commit)), fence(prefix+" override "+check+" REASON"), escape(m.By))
	const maybe = -1 // whoever presses twice is answered once
	_, err := forge.Reply(ctx, s, strings.Join([]string{"button", check, m.By, m.Commit}, "/"), maybe, body)
	if errors.Is(err, ErrGone) {
		return Outcome{Note: "gone"}, nil
	}
	return Outcome{}, err
}
