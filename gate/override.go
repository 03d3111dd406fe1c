package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// Override is a person's recorded leave for one check on one commit. It stands beside the verdict and never rewrites it.
type Override struct {
	Check   string         `json:"check"`  // of a promotion: the line, or ENVIRONMENT/LINE
	Commit  string         `json:"commit"` // the head that Sluice knew when the comment was received
	Base    string         `json:"base"`   // the target branch then
	By      checks.Person  `json:"by"`
	Second  *checks.Person `json:"second,omitempty"` // who said it too, where the policy wants two
	People  int            `json:"people"`           // how many must say it: 1 or 2
	Reason  string         `json:"reason"`
	Comment int64          `json:"comment"` // its id at the forge
	URL     string         `json:"url"`
	At      time.Time      `json:"at"`                // when the comment was received
	Receipt int64          `json:"receipt,omitempty"` // its place in the order of receipt
	Broken  bool           `json:"broken,omitempty"`  // given while the policy was broken: it ends when that can be read again
	Until   time.Time      `json:"until,omitzero"`    // zero: until the next push
	Ended   time.Time      `json:"ended,omitzero"`    // zero: not ended
	Why     string         `json:"why,omitempty"`     // what ended it
	EndedBy *checks.Person `json:"ended_by,omitempty"`
	// Promotion says that it was given on a merged change: it is for the promotions of Commit, what the merge made, and for
	// no change. The other way round likewise.
	Promotion bool `json:"promotion,omitempty"`
}

// Hold shuts the gate of one change until somebody lifts it, whatever is pushed meanwhile.
type Hold struct {
	By      checks.Person `json:"by"`
	Right   string        `json:"right"` // the holder's, which who lifts it must have too
	Reason  string        `json:"reason"`
	URL     string        `json:"url"`
	Comment int64         `json:"comment"`
	At      time.Time     `json:"at"`
	Lifted  bool          `json:"lifted,omitempty"`
}

// Acts are what people said about a subject and what still counts: overrides that have not ended, and the hold.
type Acts struct {
	Overrides []Override `json:"overrides,omitempty"`
	Hold      *Hold      `json:"hold,omitempty"`
	Version   string     `json:"-"` // of all of it, as it was read
	Unheard   bool       `json:"-"` // somebody said something that is not worked off yet, and did not fail too often
}

// heardOut is an error while something that was said is not taken in yet, and the decision would let through: what was said may
// be that it must not, such as a revocation that came with the approval that was missing.
func (a Acts) heardOut(d *Decision, attempt int64) error {
	if !a.Unheard || d.Gate.Outcome != checks.Pass && len(a.Overrides) == 0 {
		return nil
	}
	after := min(time.Second<<min(max(attempt-1, 0), 6), time.Minute)
	return &RetryError{After: after, Err: fmt.Errorf("a command on %v was received and is not worked off yet: nothing is let through before it is", d.Subject)}
}

// line is the line that an override of a promotion's is for, and the environment that it names; "": it holds for each of them.
func (o Override) line() (name, environment string) {
	if i := strings.LastIndexByte(o.Check, '/'); o.Promotion && i >= 0 {
		return o.Check[i+1:], o.Check[:i]
	}
	return o.Check, ""
}

// complete says that as many people said it as must.
func (o Override) complete() bool { return o.People <= 1 || o.Second != nil }

// over says what ended the override by now, or "".
func (o Override) over(commit, base string, now time.Time) string {
	switch {
	case !o.Ended.IsZero():
		return cmp.Or(o.Why, "ended")
	case o.Commit != commit:
		return fmt.Sprintf("ended by a push: the head is now %.8s", commit)
	case o.Base != base:
		return "ended: the change was retargeted"
	case !o.Until.IsZero() && !now.Before(o.Until):
		return "expired"
	}
	return ""
}

// live are the overrides that count for this commit, into this branch, at this time.
func (a Acts) live(commit, base string, now time.Time) []Override {
	return slices.DeleteFunc(slices.Clone(a.Overrides), func(o Override) bool {
		return o.Promotion || !o.complete() || o.over(commit, base, now) != ""
	})
}

// unfitUnder says why an override does not count under policies that can be read, or "".
func unfitUnder(leave policy.Leave, o Override) string {
	name, _ := o.line()
	if may, rule, _ := leave.Of(name); !may {
		return "ended: " + rule + " lets it be overridden no more"
	}
	if o.Broken {
		return "ended: the policy can be read again"
	}
	return ""
}

// Under leaves of the acts what the policies would let anybody override, by as many people as they ask for. By whom
// nobody can tell afterwards: that was asked of the forge at the time.
func (a Acts) Under(set *policy.Set) Acts {
	leave := set.Leave()
	a.Overrides = slices.DeleteFunc(slices.Clone(a.Overrides), func(o Override) bool { return unfitUnder(leave, o) != "" })
	for i := range a.Overrides {
		if leave.Two {
			a.Overrides[i].People = 2
		}
	}
	return a
}

// apply lets through the blocking verdicts that an override names. The verdict beneath stays visible.
func apply(verdicts []checks.Verdict, live []Override) []checks.Verdict {
	for i, v := range verdicts {
		j := slices.IndexFunc(live, func(o Override) bool { return o.Check == v.Check })
		if j >= 0 && v.Blocks() {
			verdicts[i].Beneath, verdicts[i].Outcome = v.Outcome, checks.Overridden
			verdicts[i].Override = live[j].sentence()
		}
	}
	return verdicts
}

// sentence says who, why and until when.
func (o Override) sentence() string {
	people := o.By.Login
	if o.Second != nil {
		people += " and " + o.Second.Login
	}
	return fmt.Sprintf("By %s, %s: %s", people, o.until(), o.Reason)
}

// until says what ends it. No push ends one that was given for what a merge made: that stays what it is.
func (o Override) until() string {
	end := map[bool]string{false: "the next push", true: "it is revoked"}[o.Promotion]
	if !o.Until.IsZero() {
		return "until " + o.Until.UTC().Format("2006-01-02 15:04 UTC") + " or " + end
	}
	return "until " + end
}

// held is what a hold says on the gate.
func (h *Hold) finding() checks.Finding {
	return checks.Finding{
		Outcome: checks.Wait, Mode: policy.Enforce, Rule: "hold",
		What: checks.Clip("Held by "+h.By.Login+": "+h.Reason, 140),
		How:  "Somebody with at least the right `" + h.Right + "` lifts it with the comment `/sluice unhold`.",
	}
}

// next is when the first of the overrides runs out; zero: none does by itself.
func (a Acts) next() (at time.Time) {
	for _, o := range a.Overrides {
		at = sooner(at, o.Until)
	}
	return at
}

// sooner is the earlier of two times; zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// settleActs parts what still counts from the overrides that have ended by now. That the change was at another commit or
// went into another branch in between is told by the causes, even when it is back where it was.
func (r *Reconciler) settleActs(a Acts, f *checks.Facts, w Work) (left Acts, ended []Override) {
	left = Acts{Hold: a.Hold, Version: a.Version, Unheard: a.Unheard}
	set, _ := r.policies.load(f.Sources) // under a broken one what was given stays
	for _, o := range a.Overrides {
		commit := f.Change.Head.Commit
		if o.Promotion {
			commit = f.Change.MergeCommit
		}
		why := o.over(commit, f.Change.Base.Name, r.Now())
		if why == "" && !o.Promotion {
			why = o.left(w.Causes)
		}
		if why == "" && set != nil {
			why = unfitUnder(set.Leave(), o)
		}
		if why == "" {
			left.Overrides = append(left.Overrides, o)
			continue
		}
		o.Ended, o.Why = r.Now(), why
		ended = append(ended, o)
	}
	return left, ended
}

// before says whether a cause was received after the override's comment.
func (o Override) before(c Mark) bool {
	if o.Receipt != 0 && c.Receipt != 0 {
		return c.Receipt > o.Receipt
	}
	return c.At.After(o.At)
}

// left says whether a cause that was received after the override tells of another head or target.
func (o Override) left(causes []Mark) string {
	for _, c := range causes {
		switch {
		case !o.before(c):
		case c.pushed() && c.Commit != "" && c.Commit != o.Commit:
			return fmt.Sprintf("ended by a push of %.8s", c.Commit)
		case c.retargeted():
			return "ended: the change was retargeted"
		}
	}
	return ""
}

// endedAs is the outcome that the audit log tells of an override that ended by itself.
func endedAs(o Override) string {
	if o.Why == "expired" {
		return "expired"
	}
	return "ended"
}

// overrideEntry is what the audit log says of an override.
func overrideEntry(s checks.Subject, policy string, o Override, outcome string) Entry {
	e := entry(EntryOverride, s, o.Commit)
	e.Who, e.Check, e.Reason, e.URL, e.Policy, e.Outcome = who(o.By), o.Check, o.Reason, o.URL, policy, outcome
	_, e.Environment = o.line()
	if outcome == "seconded" && o.Second != nil { // who asked for it stands in the entry before
		e.Who = who(*o.Second)
	}
	if outcome == "ended" || outcome == "expired" {
		e.Reason = o.Why + " (was: " + o.Reason + ")"
	}
	return e
}

// answerAgain has the reply to a comment written anew.
func answerAgain(s checks.Subject, comment int64) Mark {
	return Mark{Kind: MarkComment, Forge: s.Forge, Repo: s.Repo, Change: s.Change, Installation: s.Installation, Comment: comment, Why: "outcome changed"}
}
