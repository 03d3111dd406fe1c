package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agext/levenshtein"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// override lets checks through for one commit: by whom the policy names, with a reason, until the next push at most. All
// of the checks named are overridden, or none.
func (r *Reconciler) override(ctx context.Context, a *asking, out *Outcome) Result {
	if no, ok := r.bound(ctx, a); !ok {
		out.Marks = append(out.Marks, judgeAgain(a.s, "comment.override"))
		return no
	}
	leave := a.leave()
	names, no, ok := a.named(leave)
	if !ok {
		return no
	}
	if no, ok := a.mayOverride(ctx, leave); !ok {
		return no
	}
	unnamed := !leave.Self && checks.Unnamed(a.facts) // it might be anybody, whoever overrides too
	leave.Two = leave.Two || unnamed
	d := r.judged(a.facts, Acts{Hold: a.acts.Hold})
	for _, name := range names {
		why, idle := needless(d, name, a.policyErr != nil)
		if idle && !r.shutInQueue(ctx, a.s, name) {
			return a.result(refused, "%s", why)
		}
	}
	result := a.result(done, "")
	if unnamed {
		result.Text = "A commit here has an author whom the forge cannot name, so two people have to say it. "
	}
	for _, name := range names {
		for _, o := range r.grant(ctx, a, leave, name) {
			outcome := o.event(a.comment.ID)
			out.Overrides = replaced(out.Overrides, o)
			out.Entries = append(out.Entries, overrideEntry(a.s, digestIn(a), o, outcome))
			if o.Comment != a.comment.ID {
				out.Marks = append(out.Marks, answerAgain(a.s, o.Comment))
			}
			if outcome == "seconded" {
				result.Text += fmt.Sprintf("%s is overridden now that a second person says so: %s asked for it first. ", codeSpan(name), escape(o.By.Login))
			}
		}
		result.Checks = append(result.Checks, name)
	}
	if slices.ContainsFunc(out.Overrides, func(o Override) bool { return o.Comment == a.comment.ID && !o.complete() && o.Ended.IsZero() }) {
		result.Outcome = waiting
	}
	out.Marks = append(out.Marks, judgeAgain(a.s, "comment.override"))
	return result
}

// bound refuses when the head is not the one that Sluice knew as such when the comment was received.
func (r *Reconciler) bound(ctx context.Context, a *asking) (no Result, ok bool) {
	c := a.facts.Change
	switch {
	case c.State != "open":
		return a.result(refused, "This change is %s: an override binds to the head of an open change.", c.State), false
	case a.head == "":
		return a.result(refused, "Sluice had not read this change yet when the comment arrived, so it cannot know which commit was meant. It has now: write the command again."), false
	case a.head != c.Head.Commit:
		return a.result(refused, "A push arrived in between: the command was about %s, and the head is now %s. Look at the new head, and write the command again if it still holds.",
			codeSpan(short(a.head)), codeSpan(short(c.Head.Commit))), false
	case a.base != "" && a.base != c.Base.Name:
		return a.result(refused, "The change was retargeted in between, from %s to %s. Write the command again if it still holds.", codeSpan(a.base), codeSpan(c.Base.Name)), false
	case a.ask != "": // whoever asks named the commit, so nothing has to be known of when what arrived
		return Result{}, true
	}
	moved, arrived, err := r.Memory.Moved(ctx, a.s, a.receipt, a.head)
	switch {
	case err != nil:
		r.Log.Error("read what was told of a change", "subject", a.s.Key(), "err", err)
		return a.result(refused, "Whether a push arrived in between could not be read, so nothing was done. Write the command again in a minute."), false
	case moved:
		return a.result(refused, "A push or another target arrived in between. Look at the head, %s, and write the command again if it still holds.", codeSpan(short(a.head))), false
	case arrived.Truncate(time.Second).After(a.comment.At): // forges count in seconds
		return a.result(refused, "%s was pushed after the comment was written, which only arrived later. Look at it, and write the command again if it still holds.", codeSpan(short(a.head))), false
	}
	return Result{}, true
}

// leave is what the policies say of overriding. Under a broken policy it is what the organisation's says or else the
// defaults, so that the change that mends it can be let through.
func (a *asking) leave() policy.Leave {
	if a.set != nil {
		return a.set.Leave()
	}
	for _, s := range a.facts.Sources {
		if s.Origin != policy.Organisation {
			continue
		}
		if set, err := policy.Load(s); err == nil {
			return set.Leave()
		}
	}
	return (&policy.Set{Layers: []*policy.Policy{policy.Defaults()}}).Leave()
}

// named are the checks that the command names, as far as they exist and may be overridden.
func (a *asking) named(leave policy.Leave) (names []string, no Result, ok bool) {
	valid := slices.DeleteFunc(checks.Names(a.set), func(name string) bool {
		may, _, _ := leave.Of(name)
		return name == "policy" && !may && a.policyErr == nil
	})
	for _, word := range a.command.Checks {
		name := strings.TrimPrefix(strings.ToLower(word), "sluice/")
		switch {
		case name == Gate:
			return nil, a.result(refused, "The gate is the sum of the checks: override those that shut it, of %s.", codeList(valid)), false
		case slices.Contains(policy.Overridable, name) && !slices.Contains(valid, name) && name != "policy":
			return nil, a.result(refused, "%s is a line of a promotion, and this version guards changes alone.", codeSpan(name)), false
		case !slices.Contains(valid, name) && name != "policy":
			return nil, a.result(refused, "There is no check %s here; the nearest is %s. There are: %s.", codeSpan(word), codeSpan(nearest(name, valid)), codeList(valid)), false
		}
		if may, rule, list := leave.Of(name); !may && !(name == "policy" && a.policyErr != nil) {
			return nil, a.result(refused, "%s may not be overridden: %s allows %s. Whoever owns that policy can add it there.", codeSpan(name), codeSpan(rule), codeList(list)), false
		}
		names = append(names, name)
	}
	return names, Result{}, true
}

// mayOverride asks whether the person may, at this moment.
func (a *asking) mayOverride(ctx context.Context, leave policy.Leave) (no Result, ok bool) {
	yes, err := a.entitled(ctx, leave.By)
	switch {
	case err != nil:
		return a.unanswered(), false
	case !yes:
		return a.result(refused, "%s may not override here: %s.", escape(a.by().Login), whoMay(leave)), false
	case leave.Self || a.command.Word == "revoke":
		return Result{}, true
	}
	part, known := checks.TookPart(a.facts, a.by())
	switch {
	case part:
		return a.result(refused, "%s took part in this change, and nobody overrides a check on his own work (%s). Ask one of the others who may: %s.",
			escape(a.by().Login), codeSpan("override.self: false"), whoMay(leave)), false
	case !known:
		return a.result(refused, "The commits of this change could not all be read, so it is not known whether %s took part in it. Split or squash the change, or ask again later.",
			escape(a.by().Login)), false
	}
	return Result{}, true
}

// whoMay names those who may override, with the rules that say so.
func whoMay(leave policy.Leave) string {
	var parts []string
	for _, n := range leave.By {
		parts = append(parts, fmt.Sprintf("%s asks for %s", codeSpan(n.Layer.Rule("override.by")), escape(fromWords(n.From))))
	}
	return strings.Join(parts, ", and ")
}

// fromWords says who is meant.
func fromWords(f policy.From) string {
	var parts []string
	add := func(what string, names []string) {
		if len(names) > 0 {
			parts = append(parts, what+" "+strings.Join(names, ", "))
		}
	}
	if f.Permission != "" {
		parts = append(parts, "the right "+f.Permission)
	}
	add("one of", f.Users)
	add("the team", f.Teams)
	add("the organisation", f.Organizations)
	add("the role", f.Roles)
	if f.Codeowners {
		parts = append(parts, "an owner of the paths touched")
	}
	return strings.Join(parts, " or ")
}

// needless says that there is nothing to override: the check does not hold the change back at the moment.
func needless(d *Decision, name string, broken bool) (why string, idle bool) {
	if name == "policy" && broken {
		return "", false
	}
	i := slices.IndexFunc(d.Verdicts, func(v checks.Verdict) bool { return v.Check == name })
	switch {
	case i < 0:
		return fmt.Sprintf("%s says nothing about this change, so there is nothing to override.", codeSpan(name)), true
	case !d.Verdicts[i].Blocks():
		return fmt.Sprintf("%s does not hold this change back: it is %s. There is nothing to override.", codeSpan(name), codeSpan(d.Verdicts[i].Outcome.String())), true
	}
	return "", false
}

// shutInQueue says that the check held the change back when a merge queue carried it last, though not on its own head: the
// queue throws it out, and it goes in again with the override. When that cannot be read it did not.
func (r *Reconciler) shutInQueue(ctx context.Context, s checks.Subject, name string) bool {
	d, err := r.Memory.LatestQueued(ctx, s)
	if err != nil {
		r.Log.Error("read the newest decision in a merge queue", "subject", s.Key(), "err", err)
	}
	return err == nil && d != nil && slices.ContainsFunc(d.Verdicts, func(v checks.Verdict) bool { return v.Check == name && v.Blocks() })
}

// nearest is the valid name that is spelled most like the one given.
func nearest(name string, valid []string) string {
	return slices.MinFunc(valid, func(x, y string) int {
		return levenshtein.Distance(checks.Clip(name, 60), x, nil) - levenshtein.Distance(checks.Clip(name, 60), y, nil)
	})
}

func codeList(names []string) string {
	var parts []string
	for _, n := range names {
		parts = append(parts, codeSpan(n))
	}
	return strings.Join(parts, ", ")
}
