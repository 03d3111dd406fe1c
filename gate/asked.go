package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks"
)

// Ask is what was asked through the API, in somebody's name, and what came of it. It is kept before it is answered for.
type Ask struct {
	ID          string        `json:"id"` // 32 hex digits
	Forge       string        `json:"forge"`
	Repo        string        `json:"repo"`
	Word        string        `json:"word"` // as of a command: deploy, rollback, lock, unlock, cancel, approve, reject; on a change: override, revoke, hold, unhold, recheck
	Environment string        `json:"environment"`
	Change      int           `json:"change,omitzero"` // 0: it is about an environment
	Commit      string        `json:"commit,omitzero"` // of the change: the head that whoever asks has looked at
	Checks      string        `json:"checks,omitzero"` // of an override, with commas between them, or the one that is revoked
	Ref         string        `json:"ref,omitempty"`
	For         time.Duration `json:"for,omitempty"`
	Reason      string        `json:"reason,omitempty"`
	By          string        `json:"by"`              // login
	At          time.Time     `json:"at"`              // received
	ByID        int64         `json:"by_id,omitempty"` // of who signed in; 0: only the login is known
	Result      *Result       `json:"result,omitempty"`
}

// Registry is a Provider that knows its accounts.
type Registry interface {
	// Account is the one with this login: ErrGone when there is none.
	Account(ctx context.Context, repo Repo, login string) (checks.Person, error)
}

// Problem says what is wrong with what was asked, as it would be of a command in a comment, or "".
func (x *Ask) Problem() string {
	if x.Change != 0 {
		return x.problemOnChange()
	}
	if !slices.Contains([]string{"deploy", "rollback", "lock", "unlock", "cancel", "approve", "reject"}, x.Word) {
		return "There is no such thing to ask for."
	}
	var c Command
	if _, why := environment(&c, x.Environment); why != "" || c.Environment != x.Environment {
		return "The environment must be printable ASCII without spaces, and not longer than 200 characters."
	}
	if x.Ref != "" && !isRef(x.Ref) {
		return "The ref is no name of a commit, a tag or a branch."
	}
	if _, why := reason(&c, x.Reason); why != "" && (x.Reason != "" || x.needsReason()) {
		return why
	}
	switch {
	case x.For < 0:
		return "The duration must be longer than nothing."
	case x.By == "" || !ascii(x.By):
		return "The login of the person in whose name this is asked is missing, or is none."
	}
	return ""
}

func (x *Ask) needsReason() bool {
	return slices.Contains([]string{"rollback", "lock", "reject"}, x.Word)
}

// asked does what was asked through the API, once, by the very rules of a command: whoever it is asked in the name of is
// looked up at the forge now, and so is what he may do.
func (r *Reconciler) asked(ctx context.Context, w Work) (Outcome, error) {
	if r.Book == nil {
		return Outcome{Note: "no environments are guarded here"}, nil
	}
	x, err := r.Book.Asked(ctx, w.Mark.Ask)
	switch {
	case err != nil:
		return Outcome{}, fmt.Errorf("read %s: %w", w.Mark.Key(), err)
	case x != nil && x.Change != w.Mark.Change:
		return Outcome{Note: "asked about another change"}, nil
	case x == nil || x.Result != nil:
		return Outcome{Note: "answered before"}, nil
	}
	a := &asking{provider: r.Providers[x.Forge], ask: x.ID, received: x.At, comment: &Comment{By: checks.Person{ID: x.ByID, Login: x.By}, At: x.At},
		s:       checks.Subject{Forge: x.Forge, Repo: x.Repo, Kind: checks.KindEnvironment, Environment: x.Environment, Installation: w.Mark.Installation},
		command: Command{Word: x.Word, Environment: x.Environment, Ref: x.Ref, For: x.For, Reason: x.Reason, Problem: x.Problem()}}
	var out Outcome
	if a.command.Checks = x.named(); x.Change != 0 {
		a.s = checks.Subject{Forge: x.Forge, Repo: x.Repo, Kind: checks.KindChange, Change: x.Change, Installation: w.Mark.Installation}
	}
	result, err := r.answerAsk(ctx, a, x, &out)
	if err != nil {
		return Outcome{}, fmt.Errorf("do %s: %w", w.Mark.Key(), err)
	}
	x.Result, out.Asked = &result, x
	out.Entries = append(out.Entries, r.commandEntry(a, result))
	return out, nil
}

func (r *Reconciler) answerAsk(ctx context.Context, a *asking, x *Ask, out *Outcome) (Result, error) {
	switch {
	case a.command.Problem != "":
		return a.result(refused, "%s", escape(a.command.Problem)), nil
	case r.DryRun:
		return a.result(refused, "This is a dry run: nothing that is asked for is done."), nil
	case r.Now().Sub(a.received) > tooOld:
		return a.result(refused, "This was asked more than a week ago, so nothing of it is done. Ask again."), nil
	}
	registry, ok := a.provider.(Registry)
	if !ok {
		return a.result(refused, "This forge does not tell whose a login is."), nil
	}
	who, err := registry.Account(ctx, Repo{a.s.Forge, a.s.Repo, a.s.Installation}, a.comment.By.Login)
	switch {
	case errors.Is(err, ErrGone) && !errors.Is(err, ErrStale):
		return a.result(refused, "The forge shows Sluice no account %s, or no repository %s.", codeSpan(a.comment.By.Login), codeSpan(a.s.Repo)), nil
	case err != nil:
		return Result{}, fmt.Errorf("find whose login %s is: %w", Plain(a.comment.By.Login), err)
	case a.comment.By.ID != 0 && who.ID != a.comment.By.ID:
		return a.result(refused, "%s is another account by now than the one that asked. Sign in anew, and ask again.", codeSpan(a.comment.By.Login)), nil
	case !who.Human():
		return a.result(refused, "%s is no person's account, and nobody but a person asks.", codeSpan(a.comment.By.Login)), nil
	}
	a.comment.By = who
	if x.Change != 0 {
		return r.atChange(ctx, a, x, out)
	}
	return r.atEnvironment(ctx, a, out)
}
