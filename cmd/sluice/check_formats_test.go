package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// hostile is a decision whose every string tries to be more than a string.
func hostile() judged {
	const evil = "a\r\n::error::no \x1b[2J]]> <b>&\u202e, 100%"
	return judged{repo: "acme/shop", base: "b1", head: "c1", decision: &gate.Decision{
		Gate: checks.Verdict{Check: "gate", Outcome: checks.Fail, Reason: evil},
		Verdicts: []checks.Verdict{
			{Check: "changelog", Outcome: checks.Fail, Mode: policy.Enforce, Reason: evil, Rule: "default changelog", Findings: []checks.Finding{
				{Outcome: checks.Fail, What: evil, How: evil, Path: "a b,c:d\n.go", Line: 3}}},
			{Check: "approval", Outcome: checks.Skip, Mode: policy.Enforce, Reason: "No reviews here."},
			{Check: "tagging", Outcome: checks.Pass, Mode: policy.Enforce, Reason: "Ships v1.3.0."},
			{Check: "mood", Outcome: checks.Unknown, Mode: policy.Enforce, Reason: "Could not look."},
		}}}
}

func written(t *testing.T, write func(io.Writer, judged) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, hostile()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriteWorkflowLetsNoTextBecomeACommand(t *testing.T) {
	t.Parallel()
	out := written(t, writeWorkflow)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 3 { // the annotation, the unknown, the gate
		t.Errorf("%d lines, want 3:\n%s", len(lines), out)
	}
	if want := "::error file=a b%2Cc%3Ad%0A.go,line=3,title=sluice/changelog::"; !strings.HasPrefix(lines[0], want) {
		t.Errorf("first line = %q, want it to start with %q", lines[0], want)
	}
}

func TestWriteTextSendsNoControlCharacters(t *testing.T) {
	t.Parallel()
	out := written(t, func(w io.Writer, j judged) error { return writeText(w, j, false) })
	for _, r := range out {
		if r < 0x20 && r != '\n' || r == '\u202e' {
			t.Fatalf("the text contains %q:\n%q", r, out)
		}
	}
	if !strings.Contains(out, "fail      changelog") || !strings.Contains(out, "shut      gate") {
		t.Errorf("text = %s", out)
	}
}

func TestWriteTextIsColouredOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	out := written(t, func(w io.Writer, j judged) error { return writeText(w, j, true) })
	if !strings.Contains(out, "\x1b[31mfail") || !strings.Contains(out, "\x1b[32mpass") {
		t.Errorf("text = %q, want red and green", out)
	}
	if terminal(&bytes.Buffer{}) {
		t.Error("a buffer is taken for a terminal")
	}
}

func TestWriteJSONHasThePinnedShape(t *testing.T) {
	t.Parallel()
	var got struct {
		Version          int
		Repo, Base, Head *string
		Open             *bool
		Verdicts         []struct {
			Check, Outcome, Reason, Rule *string
			Annotations                  *[]struct {
				Path, Message *string
				Line          *int
			}
		}
	}
	if err := json.Unmarshal([]byte(written(t, writeJSON)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != 1 || got.Repo == nil || got.Base == nil || got.Head == nil || got.Open == nil || len(got.Verdicts) != 4 {
		t.Fatalf("shape = %+v", got)
	}
	for _, v := range got.Verdicts {
		if v.Check == nil || v.Outcome == nil || v.Reason == nil || v.Rule == nil || v.Annotations == nil {
			t.Errorf("verdict lacks a field: %+v", v)
		}
	}
	if a := (*got.Verdicts[0].Annotations)[0]; *a.Line != 3 {
		t.Errorf("annotation = %+v", a)
	}
}

func TestWriteSARIFNamesRulesAndPlaces(t *testing.T) {
	t.Parallel()
	var got struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID, Level string
				Locations     []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(written(t, writeSARIF)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != "2.1.0" || len(got.Runs[0].Tool.Driver.Rules) != 4 || len(got.Runs[0].Results) != 2 {
		t.Fatalf("SARIF = %+v", got)
	}
	r := got.Runs[0].Results[0]
	if r.RuleID != "sluice/changelog" || r.Level != "error" || r.Locations[0].PhysicalLocation.Region.StartLine != 3 ||
		r.Locations[0].PhysicalLocation.ArtifactLocation.URI != "a%20b,c:d%0A.go" {
		t.Errorf("result = %+v", r)
	}
}

func TestWriteJUnitCountsFailuresErrorsAndSkips(t *testing.T) {
	t.Parallel()
	var got struct {
		Suites []struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
			Skipped  int `xml:"skipped,attr"`
		} `xml:"testsuite"`
	}
	out := written(t, writeJUnit)
	if err := xml.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if s := got.Suites[0]; s.Tests != 4 || s.Failures != 1 || s.Errors != 1 || s.Skipped != 1 {
		t.Errorf("suite = %+v, want 4 tests, a failure, an error and a skip", s)
	}
}
