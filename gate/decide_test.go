package gate

import (
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
)

func verdict(check string, o checks.Outcome, m policy.Mode) checks.Verdict {
	return checks.Verdict{Check: check, Outcome: o, Mode: m, Reason: check + " says " + o.String() + ".", Rule: "rule of " + check}
}

func TestWeigh(t *testing.T) {
	t.Parallel()
	pass := verdict("a", checks.Pass, policy.Enforce)
	for name, c := range map[string]struct {
		in   []checks.Verdict
		want checks.Outcome
	}{
		"nothing judged is not open":         {nil, checks.Unknown},
		"all passes open":                    {[]checks.Verdict{pass, pass}, checks.Pass},
		"one failure shuts":                  {[]checks.Verdict{pass, verdict("b", checks.Fail, policy.Enforce)}, checks.Fail},
		"a wait waits":                       {[]checks.Verdict{pass, verdict("b", checks.Wait, policy.Enforce)}, checks.Wait},
		"what could not be had is no pass":   {[]checks.Verdict{pass, verdict("b", checks.Unknown, policy.Enforce)}, checks.Unknown},
		"a failure is told before a wait":    {[]checks.Verdict{verdict("b", checks.Wait, policy.Enforce), verdict("c", checks.Fail, policy.Enforce)}, checks.Fail},
		"unknown is told before a wait":      {[]checks.Verdict{verdict("b", checks.Wait, policy.Enforce), verdict("c", checks.Unknown, policy.Enforce)}, checks.Unknown},
		"advice does not block":              {[]checks.Verdict{pass, verdict("b", checks.Advise, policy.Advise)}, checks.Pass},
		"what is observed does not block":    {[]checks.Verdict{pass, verdict("b", checks.Fail, policy.Observe)}, checks.Pass},
		"skipped does not block":             {[]checks.Verdict{verdict("b", checks.Skip, policy.Enforce)}, checks.Pass},
		"overridden does not block":          {[]checks.Verdict{verdict("b", checks.Overridden, policy.Enforce)}, checks.Pass},
		"a verdict nobody filled in is shut": {[]checks.Verdict{{}}, checks.Wait},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := weigh(c.in); got.Outcome != c.want {
				t.Errorf("weigh(%v) = %v (%s), want %v", c.in, got.Outcome, got.Reason, c.want)
			}
		})
	}
}

func TestWeighNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	g := weigh([]checks.Verdict{verdict("b", checks.Wait, policy.Enforce), verdict("c", checks.Fail, policy.Enforce)})
	if want := "2 checks hold this back; c: c says fail."; g.Reason != want {
		t.Errorf("reason = %q, want %q", g.Reason, want)
	}
	if g.Rule != "rule of c" {
		t.Errorf("rule = %q, want that of the worst", g.Rule)
	}
}

func TestDecideBrokenFailsTheGateAndNamesThePlace(t *testing.T) {
	t.Parallel()
	f := &checks.Facts{Change: &checks.Change{Head: checks.Ref{Commit: "c1"}}}
	d := DecideBroken(f, policy.Problems{{File: ".sluice.yml", Line: 3, Column: 7, Message: "unknown key"}}, Acts{}, "id", now)
	if d.Open || d.Gate.Outcome != checks.Fail || d.Gate.Reason != "The policy is broken: .sluice.yml:3:7: unknown key" {
		t.Errorf("gate = %v %q, want a failure with file, line and column", d.Gate.Outcome, d.Gate.Reason)
	}
	if len(d.Verdicts) != len(checks.All()) {
		t.Fatalf("verdicts = %d, want one per check", len(d.Verdicts))
	}
	for _, v := range d.Verdicts {
		if v.Outcome != checks.Unknown {
			t.Errorf("%s = %v, want unknown: nobody can say by what to judge", v.Check, v.Outcome)
		}
	}
}
