package checks

import (
	"encoding"
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks/policy"
)

// Outcome is what a check concluded. Wait is the zero value, so that a verdict nobody filled in opens nothing.
type Outcome int

// The outcomes of DESIGN's table.
const (
	Wait       Outcome = iota // somebody else must act, or time must pass
	Unknown                   // could not look
	Fail                      // looked, and no: the author must act
	Advise                    // an advisory rule that does not hold
	Pass                      //
	Skip                      // exempt or switched off
	Overridden                // let through by a person, on the record
)

var outcomes = [...]string{"wait", "unknown", "fail", "advise", "pass", "skip", "overridden"}

func (o Outcome) String() string { return outcomes[o] }

// MarshalText writes the outcome as its word.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the word back.
func (o *Outcome) UnmarshalText(b []byte) error {
	for i, w := range outcomes {
		if w == string(b) {
			*o = Outcome(i)
			return nil
		}
	}
	return fmt.Errorf("outcome %q is none of %s", b, strings.Join(outcomes[:], ", "))
}

var _ encoding.TextMarshaler = Wait

// Open says whether the outcome lets a change through.
func (o Outcome) Open() bool { return o == Pass || o == Advise || o == Skip || o == Overridden }

// severity orders what a verdict made of several findings shows: the worst first.
func (o Outcome) severity() int {
	return map[Outcome]int{Fail: 6, Unknown: 5, Wait: 4, Advise: 3, Overridden: 2, Pass: 1, Skip: 0}[o]
}

// Finding is one thing that a check has to say: what is missing, why, and who or what cures it.
type Finding struct {
	Outcome Outcome     `json:"outcome"`
	Mode    policy.Mode `json:"mode,omitempty"` // of the part of the policy behind it; enforce when empty
	What    string      `json:"what"`           // one sentence: what is missing and who can mend it, within 140 characters
	How     string      `json:"how,omitempty"`  // the exact command or edit
	Rule    string      `json:"rule,omitempty"` // where the rule came from: ".sluice.yml:12 changelog.exempt", "default changelog"
	Path    string      `json:"path,omitempty"` // in the change, when it can be annotated there
	Line    int         `json:"line,omitempty"` // from 1
	// EndLine is the last line, when more than one is meant.
	EndLine int `json:"end_line,omitempty"`
	// URL is where to look, when it is about something elsewhere: another change. It comes from the forge.
	URL string `json:"url,omitempty"`
	// Until is when this may change by itself: a window opens, a soak ends. Zero: only when something happens.
	Until time.Time `json:"until,omitzero"`
	// Who names those who, or what, cure it, in a few words: "ana or bo", "the deployers of production: @acme/ops", "CI: e2e".
	// "": the author of the change where it fails, time where it waits; or What tells.
	Who string `json:"who,omitempty"`
}

// Annotation is a finding shown beside a line of the change.
type Annotation struct {
	Path    string  `json:"path"`
	Line    int     `json:"line"`
	EndLine int     `json:"end_line,omitempty"`
	Message string  `json:"message"`
	Outcome Outcome `json:"outcome"`
}

// Verdict is what one check concluded, of all its findings under all policies in force.
type Verdict struct {
	Check    string      `json:"check"`
	Outcome  Outcome     `json:"outcome"`
	Mode     policy.Mode `json:"mode"`
	Reason   string      `json:"reason"` // one sentence: what is missing and who can mend it, within 140 characters
	Rule     string      `json:"rule"`   // of the finding that decided
	Findings []Finding   `json:"findings,omitempty"`
	// Beneath is the outcome without the override, when Outcome is Overridden.
	Beneath Outcome `json:"beneath,omitempty"`
	// Override says who let it through, why and until when.
	Override string `json:"override,omitempty"`
	// Until is when the outcome may be another by itself, of what shuts the gate; zero: only when something happens.
	Until time.Time `json:"until,omitzero"`
}

// Blocks says whether the verdict shuts the gate.
func (v Verdict) Blocks() bool { return v.Mode != policy.Observe && !v.Outcome.Open() }

// until is when the outcome may be another by itself: not before the last of what blocks has changed, and never where some
// of it needs somebody.
func (v Verdict) until() (at time.Time) {
	if !v.Blocks() {
		return at
	}
	for _, f := range v.Findings {
		switch {
		case f.Mode == policy.Observe || f.shown().Open():
		case f.Until.IsZero():
			return time.Time{}
		case f.Until.After(at):
			at = f.Until
		}
	}
	return at
}

// Annotations are the findings that belong to a line of the change, worst first, in the order found.
func (v Verdict) Annotations() []Annotation {
	as := []Annotation{}
	for _, f := range v.Findings {
		if f.Path != "" && f.Line > 0 && f.Outcome != Pass && f.Outcome != Skip && f.Mode != policy.Observe {
			message := f.What
			if f.How != "" {
				message += "\n" + f.How
			}
			as = append(as, Annotation{Path: f.Path, Line: f.Line, EndLine: f.EndLine, Message: message, Outcome: f.shown()})
		}
	}
	return as
}

// shown is the outcome once the mode is applied: advice does not block.
func (f Finding) shown() Outcome {
	if f.Mode == policy.Advise && !f.Outcome.Open() {
		return Advise
	}
	return f.Outcome
}

// conclude makes the verdict of a check out of its findings. With none, or with passes alone, it passes for `pass`.
// Findings under `observe` are kept and decide nothing unless all are; the whole is then observed.
func conclude(check string, findings []Finding, pass, rule string) Verdict {
	v := Verdict{Check: check, Outcome: Pass, Mode: policy.Enforce, Reason: pass, Rule: rule, Findings: findings}
	var worst *Finding
	count, observed, skipped := 0, 0, 0
	for i := range findings {
		f := &findings[i]
		if f.Mode == "" {
			f.Mode = policy.Enforce
		}
		if f.Outcome == Skip {
			skipped++
		}
		if f.Mode == policy.Observe {
			observed++
			continue
		}
		if worst == nil || f.shown().severity() > worst.shown().severity() {
			worst, count = f, 0
		}
		if f.shown() == worst.shown() {
			count++
		}
	}
	if worst == nil && observed > 0 {
		v.Mode = policy.Observe
		for i := range findings {
			f := &findings[i]
			if worst == nil || f.Outcome.severity() > worst.Outcome.severity() {
				worst, count = f, 1
			}
		}
		v.Outcome, v.Reason, v.Rule = worst.Outcome, worst.What, worst.Rule
		return v
	}
	if worst == nil || worst.shown() == Pass || worst.shown() == Skip && skipped < len(findings) {
		return v
	}
	v.Outcome, v.Rule = worst.shown(), worst.Rule
	if v.Outcome == Advise {
		v.Mode = policy.Advise
	}
	v.Reason = worst.What
	if count > 1 {
		v.Reason = fmt.Sprintf("%s (and %d more)", strings.TrimSuffix(Clip(worst.What, 120), "."), count-1)
	}
	v.Reason = Clip(v.Reason, 140)
	return v
}

// Clip shortens s to at most n characters (runes), on one line, with an ellipsis when it had to cut.
func Clip(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		return strings.TrimRight(string(r[:n-1]), " .,;:") + "…"
	}
	return s
}
