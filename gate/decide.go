package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

// Name of the check that sums up the others; the one that branch protection should require.
const Gate = "gate"

// Decide judges the facts under the policies in force and weighs the verdicts with what people said. It is pure: id and
// at come from outside, and equal facts, policies and acts that count give an equal Digest.
func Decide(set *policy.Set, f *checks.Facts, acts Acts, id string, at time.Time) *Decision {
	d := begin(f, acts, id, at)
	d.Policy = set.Digest
	switch f.Subject.Kind {
	case checks.KindTag:
		d.Verdicts = checks.JudgeTag(set, f)
	case checks.KindPromotion:
		d.Verdicts = checks.JudgePromotion(set, f)
	default:
		d.Verdicts = checks.Judge(set, f)
	}
	apply(d.Verdicts, d.Acts.Overrides)
	d.Gate = weigh(d.Verdicts)
	d.hold()
	return seal(d)
}

// begin is a decision on the facts before anything is judged, with the acts that count.
func begin(f *checks.Facts, acts Acts, id string, at time.Time) *Decision {
	d := &Decision{ID: id, Subject: identity(f.Subject), Commit: commitOf(f), At: at, Policy: digestOf(f.Sources)}
	if f.Change != nil {
		d.Base = f.Change.Base.Name
		d.Acts = Acts{Overrides: acts.live(f.Change.Head.Commit, f.Change.Base.Name, at), Hold: acts.Hold}
	}
	if f.Promotion != nil {
		d.Acts = Acts{Overrides: acts.promoting(f.Promotion.Commit, at)}
	}
	return d
}

// hold shuts the gate for as long as somebody holds the change. A failure stays a failure.
func (d *Decision) hold() {
	h := d.Acts.Hold
	if h == nil {
		return
	}
	x := h.finding()
	if rank(d.Gate.Outcome) < rank(checks.Wait) {
		d.Gate.Outcome, d.Gate.Reason, d.Gate.Rule = x.Outcome, x.What, x.Rule
	}
	d.Gate.Findings = append(d.Gate.Findings, x)
}

// DecideBroken is the decision under a policy that cannot be read: the gate fails and names the place, and nothing
// else is judged, since nobody can say by what.
func DecideBroken(f *checks.Facts, problem error, acts Acts, id string, at time.Time) *Decision {
	d := begin(f, acts, id, at)
	place, list := "the policy", []string{problem.Error()}
	var ps policy.Problems
	if errors.As(problem, &ps) && len(ps) > 0 {
		place, list = ps[0].File, nil
		for _, p := range ps {
			list = append(list, p.String())
		}
	}
	d.Verdicts = unjudged(f, place, "Not judged: "+place+" on the target branch is broken; see sluice/gate.")
	d.Gate = checks.Verdict{Check: Gate, Outcome: checks.Fail, Mode: policy.Enforce, Rule: place,
		Reason: checks.Clip("The policy is broken: "+list[0], 140)}
	for _, p := range list {
		d.Gate.Findings = append(d.Gate.Findings, checks.Finding{
			Outcome: checks.Fail, Mode: policy.Enforce, What: p, Rule: place,
			How: "Mend it on the target branch; `sluice policy check " + place + "` shows the same.",
		})
	}
	d.Verdicts = apply(d.Verdicts, d.Acts.Overrides)
	d.throughBroken()
	d.hold()
	return seal(d)
}

// throughBroken opens the gate under a broken policy when people have let through every check and the policy itself: so
// the change that mends the policy gets in, on the record.
func (d *Decision) throughBroken() {
	broken := d.Gate
	broken.Check = "policy"
	all := apply(append(slices.Clone(d.Verdicts), broken), d.Acts.Overrides)
	if !slices.ContainsFunc(all, checks.Verdict.Blocks) {
		d.Verdicts, d.Gate = all, weigh(all)
	}
}

// DecideUnread is the decision while the policy could not be read at all: nothing is known, so nothing opens.
func DecideUnread(f *checks.Facts, gap checks.Gap, acts Acts, id string, at time.Time) *Decision {
	d := begin(f, acts, id, at)
	d.Verdicts = unjudged(f, "the policy", "Not judged: the policy could not be read. "+gap.Reason)
	d.Gate = checks.Verdict{Check: Gate, Outcome: checks.Unknown, Mode: policy.Enforce, Rule: "the policy",
		Reason: checks.Clip("The policy could not be read, so nothing is judged. "+gap.Reason, 140)}
	d.hold()
	return seal(d)
}

// unjudged are the checks of which nothing can be said.
func unjudged(f *checks.Facts, rule, reason string) (verdicts []checks.Verdict) {
	for _, name := range judgedOf(f.Subject.Kind) {
		verdicts = append(verdicts, checks.Verdict{Check: name, Outcome: checks.Unknown, Mode: policy.Enforce, Rule: rule, Reason: checks.Clip(reason, 140)})
	}
	return verdicts
}

// judgedOf are the names of what is judged of a kind of subject.
func judgedOf(kind checks.Kind) (names []string) {
	switch kind {
	case checks.KindTag:
		return []string{"tagging"}
	case checks.KindPromotion:
		return checks.LineNames()
	}
	for _, c := range checks.All() {
		names = append(names, c.Name)
	}
	return names
}

// weigh sums up: shut when a blocking verdict fails, waits or could not be had.
func weigh(verdicts []checks.Verdict) checks.Verdict {
	g := checks.Verdict{Check: Gate, Outcome: checks.Pass, Mode: policy.Enforce, Rule: "gate"}
	missing, overridden, advised := 0, 0, 0
	for _, v := range verdicts {
		switch {
		case v.Outcome == checks.Overridden:
			overridden++
		case v.Outcome == checks.Advise:
			advised++
		case v.Blocks():
			missing++
			if rank(v.Outcome) > rank(g.Outcome) {
				g.Outcome, g.Rule, g.Reason = v.Outcome, v.Rule, v.Check+": "+v.Reason
			}
			g.Findings = append(g.Findings, checks.Finding{
				Outcome: v.Outcome, Mode: policy.Enforce, What: v.Check + ": " + v.Reason, Rule: v.Rule,
			})
		}
	}
	switch {
	case len(verdicts) == 0: // nothing judged is nothing proven
		g.Outcome, g.Reason = checks.Unknown, "Nothing was judged."
	case missing > 1:
		g.Reason = fmt.Sprintf("%d checks hold this back; %s", missing, g.Reason)
	case missing == 0:
		g.Reason = "Open: every check that blocks passes" + also(overridden, "overridden") + also(advised, "advised") + "."
	}
	g.Reason = checks.Clip(g.Reason, 140)
	return g
}

func also(n int, word string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d %s", n, word)
}

// rank orders what shuts the gate: a failure is told before something unknown, and that before waiting.
func rank(o checks.Outcome) int {
	switch o {
	case checks.Fail:
		return 3
	case checks.Unknown:
		return 2
	case checks.Wait:
		return 1
	}
	return 0
}

// seal fills in what follows from the rest.
func seal(d *Decision) *Decision {
	d.Open = d.Gate.Outcome == checks.Pass
	d.Digest = digestOf(struct {
		Subject  string
		Commit   string
		Base     string `json:",omitempty"`
		Policy   string
		Verdicts []checks.Verdict
		Gate     checks.Verdict
	}{d.Subject.Key(), d.Commit, d.Base, d.Policy, d.Verdicts, d.Gate})
	return d
}

// identity leaves out of a subject what an event told of it.
func identity(s checks.Subject) checks.Subject {
	s.Before, s.By = "", ""
	return s
}

// commitOf is the commit that is judged and posted on.
func commitOf(f *checks.Facts) string {
	switch {
	case f.Promotion != nil:
		return f.Promotion.Commit
	case f.Queued != nil:
		return f.Queued.Commit
	case f.Change != nil:
		return f.Change.Head.Commit
	case f.Pushed != nil && f.Pushed.Commit != "":
		return f.Pushed.Commit
	case f.Pushed != nil:
		return f.Pushed.Before
	}
	return ""
}

// digestOf is the SHA-256 of the canonical JSON of v, hex. encoding/json sorts the keys of maps.
func digestOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // only values of our own types come here, and they all marshal
		panic("gate: digest: " + err.Error())
	}
	return sum(b)
}

// sum is the SHA-256, hex.
func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
