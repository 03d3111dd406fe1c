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

// A change that edits the policy is shown what that policy would flip: of the changes that are open, and of what was
// decided in the last 30 days. It informs and never blocks. What was found is kept with the decision, so that it can be
// replayed, and found once for each head and policy, so that a busy repository does not have it posted over and over.

// Bounds on looking ahead.
const (
	aheadMost  = 500                 // decisions judged again
	aheadDays  = 30 * 24 * time.Hour // how far back
	aheadTime  = 10 * time.Second    // at most, and what was found by then is shown
	aheadNamed = 20                  // flips named of each sort; the others are counted
)

// Foresight is what a policy would flip.
type Foresight struct {
	Key     string `json:"key"` // of the head and the policies that it was found for
	Open    Flips  `json:"open"`
	Settled Flips  `json:"settled"`           // of the last 30 days, and no longer open
	Partial bool   `json:"partial,omitempty"` // there was more than could be judged
}

// Flips counts gates that would come out otherwise, and names some.
type Flips struct {
	Judged int    `json:"judged"`
	Shut   int    `json:"shut"`   // would be shut and are open
	Opened int    `json:"opened"` // would be open and are shut
	Untold int    `json:"untold"` // cannot be told from what was recorded
	Hidden int    `json:"hidden"` // of the flips: not to be named here
	Named  []Flip `json:"named,omitempty"`
}

// Flip is one gate that would come out otherwise.
type Flip struct {
	Subject  string `json:"subject"` // "#7", or "acme/web#7" of another repository
	URL      string `json:"url,omitempty"`
	Turn     Turn   `json:"turn"`
	Check    string `json:"check"`
	Rule     string `json:"rule"`
	Reason   string `json:"reason,omitempty"`
	Decision string `json:"decision"` // the recorded one
}

// lookAhead finds what the policy that a change brings would flip, and adds it to the decision.
func (r *Reconciler) lookAhead(ctx context.Context, f *checks.Facts, d, latest *Decision, w Work) error {
	proposals := checks.Proposals(f)
	if r.Past == nil || len(proposals) == 0 || !judgesPolicy(d) {
		return nil
	}
	key := digestOf(struct {
		Commit, Base, InForce string
		Proposals             []checks.Proposal
	}{d.Commit, f.Change.Base.Name, policy.Digest(f.Sources...), proposals})
	if latest != nil && latest.Foresight != nil && latest.Foresight.Key == key && !rerequested(w)("sluice/policy") {
		d.foresee(latest.Foresight)
		return nil
	}
	found := &Foresight{Key: key}
	for _, p := range proposals {
		if err := r.ahead(ctx, f, p, found); err != nil {
			return fmt.Errorf("find what the policy of %v would flip: %w", f.Subject, err)
		}
	}
	d.foresee(found)
	return nil
}

// judgesPolicy says that the policy check found the new policy valid: what is broken would flip nothing but shut all.
func judgesPolicy(d *Decision) bool {
	v := verdictOf(d, "policy")
	return v.Outcome == checks.Pass && len(v.Findings)+len(v.Reason) > 0
}

// ahead looks at the record for one policy: the repository's own, or the organisation's for all its repositories.
func (r *Reconciler) ahead(ctx context.Context, f *checks.Facts, p checks.Proposal, found *Foresight) error {
	l := &lookout{of: f, proposal: p, judge: Rejudger{Swap: p.In}, left: aheadMost - found.Open.Judged - found.Settled.Judged}
	q := Recall{Forge: f.Subject.Forge, Repo: f.Subject.Repo}
	if p.Origin == policy.Organisation {
		if f.Change.Base.Name != f.Repository.Default {
			return nil // it is read from the default branch alone
		}
		q.Repo = ""
		q.Owner, _, _ = strings.Cut(f.Subject.Repo, "/")
	}
	limited, cancel := context.WithTimeout(ctx, aheadTime)
	defer cancel()
	for _, of := range []RecallOf{OpenChanges, SettledChanges} {
		into := &found.Open
		q.Of, q.Since = of, time.Time{}
		if of == SettledChanges {
			into, q.Since = &found.Settled, r.Now().Add(-aheadDays)
		}
		err := r.Past.Recorded(limited, q, func(rec Recorded) error { return l.look(limited, rec, into) })
		if errors.Is(err, errEnough) || err != nil && limited.Err() != nil && ctx.Err() == nil {
			found.Partial = true
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// errEnough ends a look at the record that has taken long enough.
var errEnough = errors.New("enough")

// lookout judges what was recorded under a policy that a change brings.
type lookout struct {
	of       *checks.Facts
	proposal checks.Proposal
	judge    Rejudger
	left     int
}

// look judges one decision and counts it.
func (l *lookout) look(ctx context.Context, rec Recorded, into *Flips) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if rec.Decision.Subject.Key() == l.of.Subject.Key() {
		return nil
	}
	if l.left--; l.left < 0 {
		return errEnough
	}
	j, err := l.judge.Judge(rec)
	if errors.Is(err, ErrIncomplete) {
		return nil
	}
	if err != nil {
		return err
	}
	if !l.concerns(j.Facts) {
		return nil
	}
	into.count(j, l.shown(j))
	return nil
}

// concerns says whether the policy would be in force for the subject: a change has that of its target branch.
func (l *lookout) concerns(f *checks.Facts) bool {
	if l.proposal.Origin == policy.Organisation {
		return true
	}
	if f.Change == nil {
		return l.of.Change.Base.Name == f.Repository.Default
	}
	return f.Change.Base.Name == l.of.Change.Base.Name
}

// shown is how much of a subject may be shown to whoever sees this check. Of another repository no reason is given,
// since it may quote what is in there; one that is private is not even named where all the world reads this.
func (l *lookout) shown(j *Rejudged) *Flip {
	s, own := j.Before.Subject, strings.EqualFold(j.Before.Subject.Repo, l.of.Subject.Repo)
	if !own && j.Facts.Repository.Private && !l.of.Repository.Private {
		return nil
	}
	f := &Flip{Subject: Name(s), Decision: j.Before.ID, Turn: j.Gate()}
	if own {
		f.Subject = strings.TrimPrefix(f.Subject, s.Repo)
	}
	if j.Facts.Change != nil {
		f.URL = j.Facts.Change.URL
	}
	v := cause(j, f.Turn)
	f.Check, f.Rule = v.Check, v.Rule
	if own {
		f.Reason = v.Reason
	}
	return f
}

// cause is the verdict that turns the gate: the worst that would shut it, or that shuts it now.
func cause(j *Rejudged, t Turn) (worst checks.Verdict) {
	from := j.After
	if t == WouldOpen {
		from = j.Before
	}
	for _, v := range from.Verdicts {
		if v.Blocks() && j.Untold[v.Check] == "" && (worst.Check == "" || rank(v.Outcome) > rank(worst.Outcome)) {
			worst = v
		}
	}
	if worst.Check == "" {
		worst = from.Gate
	}
	return worst
}

func (f *Flips) count(j *Rejudged, named *Flip) {
	f.Judged++
	switch j.Gate() {
	case WouldShut:
		f.Shut++
	case WouldOpen:
		f.Opened++
	case CannotTell:
		f.Untold++
		return
	default:
		return
	}
	switch {
	case named == nil:
		f.Hidden++
	case len(f.Named) < aheadNamed:
		f.Named = append(f.Named, *named)
	}
}

func (f Flips) flips() int { return f.Shut + f.Opened }

// foresee adds what a policy would flip to what the policy check says. It changes no outcome.
func (d *Decision) foresee(found *Foresight) {
	i := slices.IndexFunc(d.Verdicts, func(v checks.Verdict) bool { return v.Check == "policy" })
	if d.Foresight = found; found == nil || i < 0 {
		return
	}
	v := &d.Verdicts[i]
	v.Findings = append(slices.Clone(v.Findings), found.findings()...)
	if tail := found.title(); tail != "" && v.Outcome == checks.Pass {
		v.Reason = checks.Clip(strings.TrimSuffix(strings.TrimSuffix(v.Reason, "; see the list."), "."), 140-len(tail)) + tail
	}
	seal(d)
}

// title is the end of the check's title, or nothing when nothing flips.
func (f *Foresight) title() string {
	var parts []string
	if n := f.Open.flips(); n > 0 {
		parts = append(parts, counted(n, "open change"))
	}
	if n := f.Settled.flips(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d of the last 30 days", n))
	}
	if len(parts) == 0 {
		return ""
	}
	return "; it would flip " + strings.Join(parts, " and ") + "."
}

// findings say it in sentences: the sum of each sort, then the flips by name.
func (f *Foresight) findings() []checks.Finding {
	list := append(f.Open.findings("open", "is", "would be", "change that is open now", "changes that are open now"),
		f.Settled.findings("of the last 30 days", "was", "would have been", "change or tag of the last 30 days", "changes and tags of the last 30 days")...)
	if f.Partial {
		list = append(list, foreseen(fmt.Sprintf("There is more: the newest were judged, at most %d and for %v.", aheadMost, aheadTime), ""))
	}
	return list
}

func (f Flips) findings(when, is, would, one, of string) []checks.Finding {
	if f.Judged == 1 {
		of = one
	}
	sum := fmt.Sprintf("Of %d %s, %d %s shut and %d opened by this policy.", f.Judged, of, f.Shut, would, f.Opened)
	if f.Untold > 0 {
		sum += fmt.Sprintf(" Of %d of them what was recorded does not tell.", f.Untold)
	}
	list := []checks.Finding{foreseen(sum, "")}
	for _, x := range f.Named {
		list = append(list, x.finding(when, is, would))
	}
	if f.Hidden > 0 {
		list = append(list, foreseen(agreeing(f.Hidden, "1 of them lies in a private repository and is not named here.", "%d of them lie in private repositories and are not named here."), ""))
	}
	if more := f.flips() - f.Hidden - len(f.Named); more > 0 {
		list = append(list, foreseen(agreeing(more, "1 more is not listed; `sluice policy replay` lists all.", "%d more are not listed; `sluice policy replay` lists all."), ""))
	}
	return list
}

func (x Flip) finding(when, is, would string) checks.Finding {
	said := fmt.Sprintf("%s (%s) %s shut by %s", x.Subject, when, would, x.Check)
	if x.Turn == WouldOpen {
		said = fmt.Sprintf("%s (%s) %s open; it %s shut by %s", x.Subject, when, would, is, x.Check)
	}
	if x.Reason != "" {
		said += ": " + x.Reason
	}
	f := foreseen(strings.TrimSuffix(said, ".")+".", x.URL)
	if f.Rule = x.Rule; x.Rule == "" {
		f.Rule = policyRecord
	}
	return f
}

// policyRecord is where what was foreseen came from.
const policyRecord = "policy replay"

func foreseen(what, url string) checks.Finding {
	return checks.Finding{Outcome: checks.Pass, Mode: policy.Enforce, What: checks.Clip(what, 140), Rule: policyRecord, URL: url}
}

// agreeing is the sentence for one, or the one for n.
func agreeing(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
