package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicegate/sluice/checks"
)

// lock holds back every promotion into the environment, or into all of them, until it is lifted or runs out.
func (r *Reconciler) lock(ctx context.Context, a *asking, x *site, out *Outcome) (Result, error) {
	if err := x.mayLock(ctx, a); err != nil {
		return Result{}, err
	}
	l := LockState{ID: a.request(), Forge: a.s.Forge, Repo: a.s.Repo, Lock: checks.Lock{Environment: x.name, By: a.by(),
		Reason: Plain(a.command.Reason), At: a.received, Until: until(a.received, a.command.For), URL: a.comment.URL}}
	also := x.heldBy(r)
	out.Locks = append(out.Locks, l)
	x.lookAll(a, out)
	return a.result(done, "%s is locked by %s %s: %s.%s", x.spelt(), escape(a.by().Login), lasts(l, a.command.Environment), escape(strings.TrimRight(l.Lock.Reason, ".")), also), nil
}

// lasts says until when a lock holds.
func lasts(l LockState, name string) string {
	if l.Lock.Until.IsZero() {
		return fmt.Sprintf("until somebody who may deploy writes `%s unlock %s`", prefix, name)
	}
	return "until " + stamp(l.Lock.Until)
}

// heldBy tells of the locks that hold already.
func (x *site) heldBy(r *Reconciler) string {
	var parts []string
	for _, l := range x.book.Locks {
		if l.Holds(r.Now()) {
			parts = append(parts, escape(l.Lock.By.Login)+" ("+escape(strings.TrimRight(l.Lock.Reason, "."))+")")
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " So it was already, by " + strings.Join(parts, ", ") + "."
}

// unlock lifts the environment's own locks, those that a rollback left too, or the repository's; never those that were put
// on after it was written.
func (r *Reconciler) unlock(ctx context.Context, a *asking, x *site, out *Outcome) (Result, error) {
	if err := x.mayLock(ctx, a); err != nil {
		return Result{}, err
	}
	var lifted, left []string
	for _, l := range x.book.Locks {
		own := l.Lock.Environment == "" && x.name == "" || l.Lock.Environment != "" && x.name != ""
		tells := escape(l.Lock.By.Login) + " (" + escape(strings.TrimRight(l.Lock.Reason, ".")) + ")"
		switch {
		case !l.Holds(r.Now()):
			continue
		case !own:
			left = append(left, "The whole repository is locked too, by "+tells+fmt.Sprintf(": `%s unlock %s` lifts that.", prefix, everywhere))
			continue
		case l.Lock.At.After(a.received):
			left = append(left, "The lock of "+tells+" was put on after this was written, and stays: write it again if it should not.")
			continue
		}
		by := a.by()
		l.Lifted, l.Lifter = r.Now().UTC(), &by
		out.Locks = replacedLock(out.Locks, l)
		lifted = append(lifted, tells)
	}
	rest := ""
	if len(left) > 0 {
		rest = " " + strings.Join(left, " ")
	}
	if len(lifted) == 0 {
		return Result{}, decline("No lock on %s was lifted: none of its own holds that this could lift.%s", x.spelt(), rest)
	}
	x.lookAll(a, out)
	return a.result(done, "%s is unlocked: lifted the lock of %s.%s", x.spelt(), strings.Join(lifted, ", "), rest), nil
}

func replacedLock(list []LockState, l LockState) []LockState {
	i := slices.IndexFunc(list, func(k LockState) bool { return k.ID == l.ID })
	if i < 0 {
		return append(list, l)
	}
	list[i] = l
	return list
}

// spelt is what is locked, for people.
func (x *site) spelt() string {
	if x.name == "" {
		return "The whole repository"
	}
	return codeSpan(x.name)
}

// mayLock asks for the deployers of the environment; of the whole repository for those of each.
func (x *site) mayLock(ctx context.Context, a *asking) error {
	for _, name := range x.meantBy() {
		if err := x.mayDeploy(ctx, a, name); err != nil {
			return err
		}
	}
	return nil
}

func (x *site) meantBy() []string {
	if x.name == "" {
		return x.guarded()
	}
	return []string{x.name}
}

func (x *site) lookAll(a *asking, out *Outcome) {
	for _, name := range x.meantBy() {
		x.look(a, out, name)
	}
}
