package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// everywhere stands for the whole repository, where a command takes it in place of an environment.
const everywhere = "*"

// declined is a no to a command about an environment, in Markdown with people's words escaped. Any other error means that
// it could not be looked.
type declined string

func (d declined) Error() string { return string(d) }

func decline(format string, args ...any) error { return declined(fmt.Sprintf(format, args...)) }

// site is an environment that a command is about: as the policy of the default branch guards it, and as it stands.
type site struct {
	promoter Promoter
	set      *policy.Set
	standing *Standing
	name     string // as the policy spells it; "": the whole repository
	book     *EnvironmentBook
}

// atEnvironment does what a command about an environment asks for. It only writes down what was asked, said or locked, and
// has the environment looked at: nothing but that look moves a promotion.
func (r *Reconciler) atEnvironment(ctx context.Context, a *asking, out *Outcome) (Result, error) {
	result, err := r.doThere(ctx, a, out)
	if why := declined(""); errors.As(err, &why) {
		return a.result(refused, "%s", string(why)), nil
	}
	return result, err
}

func (r *Reconciler) doThere(ctx context.Context, a *asking, out *Outcome) (Result, error) {
	x, err := r.site(ctx, a, out)
	if err != nil {
		return Result{}, err
	}
	a.under = x.set.Digest
	if a.command.Environment = x.name; x.name == "" {
		a.command.Environment = everywhere
	}
	switch a.command.Word {
	case "approve", "reject":
		return r.say(ctx, a, x, out)
	case "cancel":
		return r.cancel(ctx, a, x, out)
	case "deploy":
		return r.deploy(ctx, a, x, out)
	case "rollback":
		return r.rollBack(ctx, a, x, out)
	case "lock":
		return r.lock(ctx, a, x, out)
	case "unlock":
		return r.unlock(ctx, a, x, out)
	case "incident":
		return r.incident(ctx, a, x, out)
	}
	return Result{}, decline("I do not know what %s means of an environment.", codeSpan(a.command.Word))
}

// site reads the environment that the command names.
func (r *Reconciler) site(ctx context.Context, a *asking, out *Outcome) (*site, error) {
	promoter, ok := a.provider.(Promoter)
	if !ok || r.Book == nil {
		return nil, decline("This forge has no deployments, so there are no environments here.")
	}
	x := &site{promoter: promoter}
	st, set, err := r.standing(ctx, a, promoter, a.command.Environment)
	if err != nil {
		return nil, err
	}
	x.standing, x.set = st, set
	if x.name, err = x.named(a.command); err != nil {
		return nil, err
	}
	if x.book, err = r.Book.Environment(ctx, a.s.Forge, a.s.Repo, x.name); err != nil {
		return nil, fmt.Errorf("read what is remembered of %s: %w", x.name, err)
	}
	x.take(out)
	return x, nil
}

// standing reads an environment at the forge, with the policies of the default branch.
func (r *Reconciler) standing(ctx context.Context, a *asking, promoter Promoter, name string) (*Standing, *policy.Set, error) {
	s := checks.Subject{Forge: a.s.Forge, Repo: a.s.Repo, Kind: checks.KindEnvironment, Environment: name, Installation: a.s.Installation}
	st, err := promoter.Environment(ctx, s, nil, checks.Promotion{Environment: name})
	switch {
	case errors.Is(err, ErrGone) && !errors.Is(err, ErrStale):
		return nil, nil, decline("The forge shows Sluice no repository %s.", codeSpan(a.s.Repo))
	case err != nil:
		return nil, nil, fmt.Errorf("read the environment %s: %w", name, err)
	case st.Unread != "":
		return nil, nil, fmt.Errorf("read the policy: %s", st.Unread)
	}
	set, err := r.policies.load(st.Sources)
	if err != nil {
		return nil, nil, decline("The policy on %s is broken, so nobody can say who may do this, or what it guards. Mend it there; `sluice policy check` shows where. (%s)",
			codeSpan(st.Branch), escape(checks.Clip(err.Error(), 200)))
	}
	return st, set, nil
}

// named is the environment as the policy spells it.
func (x *site) named(c Command) (string, error) {
	if c.Environment == everywhere && (c.Word == "lock" || c.Word == "unlock") {
		if len(x.guarded()) == 0 {
			return "", x.unguarded()
		}
		return "", nil
	}
	spelt, ok := checks.Guarded(x.set, c.Environment)
	switch names := x.guarded(); {
	case ok:
		return spelt, nil
	case len(names) == 0:
		return "", x.unguarded()
	default:
		return "", decline("No environment %s is guarded here; the nearest is %s. The policy on %s guards: %s.",
			codeSpan(c.Environment), codeSpan(nearest(strings.ToLower(c.Environment), names)), codeSpan(x.standing.Branch), codeList(names))
	}
}

func (x *site) unguarded() error {
	return decline("The policy on %s guards no environment. Whoever owns it can name some under `environments`.", codeSpan(x.standing.Branch))
}

// guarded are the names of all environments that the policies guard.
func (x *site) guarded() (names []string) {
	for _, g := range environments(x.set) {
		names = append(names, g.name)
	}
	return names
}

// take adds what the commands above in the same comment left behind: it is not in the book yet.
func (x *site) take(out *Outcome) {
	for _, p := range out.Requests {
		if sameName(p.Environment, x.name) {
			x.book.Promotions = append([]Promotion{p}, x.book.Promotions...)
		}
	}
	for _, a := range out.Acts {
		i := slices.IndexFunc(x.book.Promotions, func(p Promotion) bool { return p.ID == a.Promotion })
		if i >= 0 && a.Kind == ActCancel {
			x.book.Promotions[i].State, x.book.Promotions[i].Since = Cancelled, time.Time{}
		}
	}
	for _, l := range out.Locks {
		i := slices.IndexFunc(x.book.Locks, func(k LockState) bool { return k.ID == l.ID })
		switch {
		case i >= 0:
			x.book.Locks[i] = l
		case l.Lock.Environment == "" || sameName(l.Lock.Environment, x.name):
			x.book.Locks = append(x.book.Locks, l)
		}
	}
}

// live is what the forge tells to be live there, or nil.
func (x *site) live() *checks.Deployment { return liveOf(x.standing) }

func liveOf(st *Standing) *checks.Deployment {
	return (&checks.Promotion{Deployments: st.Deployments}).Live()
}

// request names the command as what asks, or says, or locks: each line of a comment, and each asking, does so once.
func (a *asking) request() string {
	if a.ask != "" {
		return "ask/" + a.ask
	}
	return fmt.Sprintf("comment/%d/%d", a.comment.ID, a.command.Line)
}

// asks is a promotion that the command asks for.
func (a *asking) asks(r *Reconciler, x *site, how checks.How, commit string, change int) Promotion {
	p := Promotion{ID: r.NewID(), Forge: a.s.Forge, Repo: a.s.Repo, Installation: a.s.Installation, Environment: x.name, Commit: commit,
		Request: a.request(), How: how, By: a.by(), Reason: Plain(a.command.Reason), URL: a.comment.URL, Change: change,
		Comment: a.comment.ID, At: a.received, State: Requested, Since: r.Now().UTC()}
	if a.comment.ID != 0 {
		p.On = a.s.Change
	}
	return p
}

// look has the environment looked at.
func (x *site) look(a *asking, out *Outcome, name string) {
	m := environmentMark(a.s, name, "command."+a.command.Word)
	if !slices.ContainsFunc(out.Marks, func(k Mark) bool { return k.Kind == m.Kind && k.Key() == m.Key() }) {
		out.later(m)
	}
}

// until is when something that was said to last so long ends.
func until(from time.Time, lasts time.Duration) time.Time {
	if lasts == 0 {
		return time.Time{}
	}
	return from.Add(lasts)
}
