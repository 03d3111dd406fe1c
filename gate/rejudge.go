package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// Swap says which policies stand in for those that a decision was made under. It is asked for each decision, since
// each may have been made under others.
type Swap func(recorded []policy.Source) []policy.Source

// Rejudged is a recorded decision and what other policies make of the same facts.
type Rejudged struct {
	Before, After *Decision
	Facts         *checks.Facts // as they were last recorded
	// Untold says by check what was not recorded and would have to be known. Those checks are unknown in After, and
	// stand for nothing: neither that they would have passed nor that they would not.
	Untold checks.Untold
}

// Rejudger judges recorded decisions under other policies. It keeps what it has loaded, so that a thousand decisions
// under one policy load it once. It is for one goroutine.
type Rejudger struct {
	Swap     Swap
	policies policyCache
}

// Judge judges one. Acts that counted then count again, as far as the policies let them: whoever let a check through then
// would have done so again.
func (j *Rejudger) Judge(r Recorded) (*Rejudged, error) {
	recorded, err := r.newest()
	if err != nil {
		return nil, err
	}
	out := &Rejudged{Before: r.Decision, Facts: recorded}
	was := r.Decision
	sources := j.Swap(recorded.Sources)
	if gap, unread := recorded.Gap("policy"); unread {
		out.After, out.Untold = nothingTold(recorded, gap, was)
		return out, nil
	}
	set, err := j.policies.load(sources)
	if err != nil { // the organisation's, say, is broken: nothing is judged, whatever was recorded
		f := *recorded
		f.Sources = sources
		out.After = DecideBroken(&f, err, was.Acts, was.ID, was.At)
		return out, nil
	}
	under, _ := j.policies.load(recorded.Sources) // one that is broken had nothing asked
	f, untold := checks.Reread(set, under, recorded)
	f.Sources = sources
	out.After, out.Untold = decideTold(set, f, untold, was.Acts.Under(set), was.ID, was.At)
	return out, nil
}

// nothingTold is what can be said where the policies of that time could not be read: who knows what was asked.
func nothingTold(f *checks.Facts, gap checks.Gap, was *Decision) (*Decision, checks.Untold) {
	d, untold := DecideUnread(f, gap, was.Acts, was.ID, was.At), checks.Untold{}
	for _, v := range d.Verdicts {
		untold[v.Check] = "the policies of that time"
	}
	return d, untold
}

// decideTold decides, with those checks unknown that lack something.
func decideTold(set *policy.Set, f *checks.Facts, untold checks.Untold, acts Acts, id string, at time.Time) (*Decision, checks.Untold) {
	d := Decide(set, f, acts, id, at)
	there := checks.Untold{}
	for i, v := range d.Verdicts {
		if what, ok := untold[v.Check]; ok {
			d.Verdicts[i], there[v.Check] = untoldVerdict(set, v, what), what
		}
	}
	if len(there) == 0 {
		return d, nil
	}
	apply(d.Verdicts, d.Acts.Overrides)
	d.Gate = weigh(d.Verdicts)
	d.hold()
	return seal(d), there
}

// untoldVerdict is unknown, and shuts the gate unless the check could not have shut it whatever it found.
func untoldVerdict(set *policy.Set, v checks.Verdict, what string) checks.Verdict {
	u := checks.Verdict{Check: v.Check, Outcome: checks.Unknown, Mode: policy.Observe, Rule: v.Rule,
		Reason: checks.Clip("Cannot be told from what was recorded: "+what+".", 140)}
	for _, layer := range set.Layers {
		if v.Check == "policy" || layer.ModeOf(v.Check) == policy.Enforce {
			u.Mode = policy.Enforce
		}
	}
	return u
}

// Turn is how a gate or a check would have come out otherwise.
type Turn string

// The turns; Same is no flip.
const (
	Unturned   Turn = ""
	WouldShut  Turn = "shut"
	WouldOpen  Turn = "open"
	CannotTell Turn = "unknown" // what was recorded does not tell
)

// Gate says how the gate would have come out otherwise.
func (j *Rejudged) Gate() Turn {
	if j.After.Open == j.Before.Open && len(j.Untold) == 0 {
		return Unturned
	}
	switch {
	case j.After.Open && !j.Before.Open:
		return WouldOpen
	case j.After.Open:
		return Unturned
	case !j.shutForCertain():
		return CannotTell
	case j.Before.Open:
		return WouldShut
	}
	return Unturned
}

// Heading is the gate of After as a heading tells it: what keeps it shut for certain comes before what cannot be told.
func (j *Rejudged) Heading() checks.Verdict {
	var certain []checks.Verdict
	untold := 0
	for _, v := range j.After.Verdicts {
		switch {
		case j.Untold[v.Check] == "":
			certain = append(certain, v)
		case v.Blocks():
			untold++
		}
	}
	if untold == 0 || !j.shutForCertain() {
		return j.After.Gate
	}
	d := Decision{Acts: j.After.Acts, Gate: weigh(certain)}
	d.hold()
	tail := fmt.Sprintf("; %d more cannot be told.", untold)
	d.Gate.Reason = checks.Clip(strings.TrimSuffix(d.Gate.Reason, "."), 140-len(tail)) + tail
	return d.Gate
}

// shutForCertain says that something else than a check of which nothing is known keeps the gate shut.
func (j *Rejudged) shutForCertain() bool {
	return len(j.Untold) == 0 || j.After.Acts.Hold != nil || slices.ContainsFunc(j.After.Verdicts, func(v checks.Verdict) bool {
		return v.Blocks() && j.Untold[v.Check] == ""
	})
}

// Check says how one check would have come out otherwise, with its verdicts; one that is not there blocks nothing.
func (j *Rejudged) Check(name string) (before, after checks.Verdict, t Turn) {
	before, after = verdictOf(j.Before, name), verdictOf(j.After, name)
	switch {
	case j.Untold[name] != "" && after.Blocks():
		t = CannotTell
	case before.Blocks() && !after.Blocks():
		t = WouldOpen
	case !before.Blocks() && after.Blocks():
		t = WouldShut
	}
	return before, after, t
}

func verdictOf(d *Decision, name string) checks.Verdict {
	for _, v := range d.Verdicts {
		if v.Check == name {
			return v
		}
	}
	return checks.Verdict{Check: name, Outcome: checks.Skip, Mode: policy.Enforce}
}

// Checks are the names of all checks, those that there were and those that there would have been.
func (j *Rejudged) Checks() (names []string) {
	for _, v := range slices.Concat(j.After.Verdicts, j.Before.Verdicts) {
		if !slices.Contains(names, v.Check) {
			names = append(names, v.Check)
		}
	}
	return names
}

// RulesBehind are the rules that make a verdict what it is, each once: those of its findings that block.
func RulesBehind(v checks.Verdict) (rules []string) {
	for _, f := range v.Findings {
		if f.Mode != policy.Observe && f.Mode != policy.Advise && !f.Outcome.Open() && f.Rule != "" && !slices.Contains(rules, f.Rule) {
			rules = append(rules, f.Rule)
		}
	}
	if len(rules) == 0 {
		rules = []string{v.Rule}
	}
	return rules
}

// Observed are the rules that would have blocked, were they not merely observed, each once.
func Observed(v checks.Verdict) (rules []string) {
	for _, f := range v.Findings {
		if f.Mode == policy.Observe && !f.Outcome.Open() && !slices.Contains(rules, f.Rule) {
			rules = append(rules, f.Rule)
		}
	}
	return rules
}

// Name is a subject as people write it: "acme/shop#7", "acme/shop@v1.2.3", "acme/shop>production@c2ee8ea6".
func Name(s checks.Subject) string {
	if s.Kind == checks.KindPromotion {
		return s.Repo + ">" + s.Environment + "@" + short(s.Commit)
	}
	if s.Tag != "" {
		return s.Repo + "@" + s.Tag
	}
	return fmt.Sprintf("%s#%d", s.Repo, s.Change)
}
