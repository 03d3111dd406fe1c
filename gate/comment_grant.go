package gate

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// grant makes the override of one check, or completes one that waits for a second person. It returns all that changed.
func (r *Reconciler) grant(ctx context.Context, a *asking, leave policy.Leave, name string) (changed []Override) {
	until := a.until(leave, r.Now())
	for i := range a.acts.Overrides {
		o := &a.acts.Overrides[i]
		if o.Check != name || o.Promotion != a.merged() {
			continue
		}
		if !o.complete() && o.By.ID != a.by().ID && a.stillMay(ctx, leave, o.By) {
			second := a.by()
			o.Second, o.Until = &second, sooner(o.Until, until)
			return append(changed, *o)
		}
		o.Ended, o.Why = r.Now(), "replaced by a newer one"
		changed = append(changed, *o)
	}
	o := Override{Check: name, Commit: a.head, Base: a.facts.Change.Base.Name, By: a.by(), People: 1, Reason: Plain(a.command.Reason),
		Comment: a.comment.ID, URL: a.comment.URL, At: a.received, Receipt: a.receipt, Until: until, Broken: a.set == nil,
		Promotion: a.merged()}
	if leave.Two {
		o.People = 2
	}
	a.acts.Overrides = append(slices.DeleteFunc(a.acts.Overrides, func(x Override) bool { return !x.Ended.IsZero() }), o)
	return append(changed, o)
}

// stillMay says whether somebody who asked before may override even now.
func (a *asking) stillMay(ctx context.Context, leave policy.Leave, by checks.Person) bool {
	before := *a
	comment := *a.comment
	comment.By, before.comment = by, &comment
	_, ok := before.mayOverride(ctx, leave)
	return ok
}

// until is when the override ends if no push ends it before; zero: only a push does.
func (a *asking) until(leave policy.Leave, now time.Time) time.Time {
	d := a.command.For
	if leave.Most > 0 && (d == 0 || d > leave.Most) {
		d = leave.Most
	}
	if d == 0 {
		return time.Time{}
	}
	return now.Add(d)
}

// event is what happened to the override through a comment, as the audit log says it.
func (o Override) event(comment int64) string {
	switch {
	case o.EndedBy != nil:
		return "revoked"
	case !o.Ended.IsZero():
		return "ended"
	case o.Comment != comment:
		return "seconded"
	case !o.complete():
		return waiting
	}
	return "granted"
}

// revoke ends what is overridden of a check.
func (r *Reconciler) revoke(ctx context.Context, a *asking, out *Outcome) Result {
	if a.facts.Change.State != "open" {
		return a.result(refused, "This change is %s: nothing of it is overridden any more.", a.facts.Change.State)
	}
	if no, ok := a.mayOverride(ctx, a.leave()); !ok {
		return no
	}
	result, ended := r.endOverrides(a, out)
	if ended {
		out.Marks = append(out.Marks, judgeAgain(a.s, "comment.revoke"))
	}
	return result
}

// endOverrides ends those of the check that the command names: of the change, or of the promotions of what its merge made.
func (r *Reconciler) endOverrides(a *asking, out *Outcome) (result Result, ended bool) {
	name := strings.TrimPrefix(strings.ToLower(a.command.Checks[0]), "sluice/")
	var left []Override
	var names []string
	for _, o := range a.acts.Overrides {
		if o.Promotion != a.merged() {
			left = append(left, o)
			continue
		}
		if !strings.EqualFold(o.Check, name) {
			left, names = append(left, o), append(names, o.Check)
			continue
		}
		by := a.by()
		o.Ended, o.EndedBy, o.Why = r.Now(), &by, "revoked by "+by.Login
		out.Overrides = replaced(out.Overrides, o)
		e := overrideEntry(a.s, digestIn(a), o, "revoked")
		e.Who, e.URL = who(by), a.comment.URL
		out.Entries = append(out.Entries, e)
		out.Marks = append(out.Marks, answerAgain(a.s, o.Comment))
	}
	if len(left) == len(a.acts.Overrides) {
		if len(names) == 0 {
			return a.result(refused, "Nothing is overridden on this change."), false
		}
		return a.result(refused, "%s is not overridden; %s is.", codeSpan(a.command.Checks[0]), codeList(names)), false
	}
	a.acts.Overrides = left
	return a.result(done, "The override of %s is revoked.", codeSpan(name)), true
}

// replaced puts an override in place of its earlier state.
func replaced(list []Override, o Override) []Override {
	i := slices.IndexFunc(list, func(x Override) bool { return x.Check == o.Check && x.Comment == o.Comment })
	if i < 0 {
		return append(list, o)
	}
	list[i] = o
	return list
}

func digestIn(a *asking) string {
	if a.set == nil {
		return digestOf(a.facts.Sources)
	}
	return a.set.Digest
}
