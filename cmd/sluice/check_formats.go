package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// writeJSON writes the shape that scripts rely on; fields may be added to it, none of these changes.
func writeJSON(w io.Writer, j judged) error {
	type annotation struct {
		Path    string `json:"path"`
		Line    int    `json:"line"`
		Message string `json:"message"`
	}
	type verdict struct {
		Check       string         `json:"check"`
		Outcome     checks.Outcome `json:"outcome"`
		Mode        policy.Mode    `json:"mode"`
		Reason      string         `json:"reason"`
		Rule        string         `json:"rule"`
		Annotations []annotation   `json:"annotations"`
	}
	out := struct {
		Version  int       `json:"version"`
		Repo     string    `json:"repo"`
		Base     string    `json:"base"`
		Head     string    `json:"head"`
		Open     bool      `json:"open"`
		Verdicts []verdict `json:"verdicts"`
	}{1, j.repo, j.base, j.head, j.decision.Open, []verdict{}}
	for _, v := range j.decision.Verdicts {
		x := verdict{v.Check, v.Outcome, v.Mode, v.Reason, v.Rule, []annotation{}}
		for _, a := range v.Annotations() {
			x.Annotations = append(x.Annotations, annotation{a.Path, a.Line, a.Message})
		}
		out.Verdicts = append(out.Verdicts, x)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

// writeText writes for people. Control characters from the repository never reach the terminal.
func writeText(w io.Writer, j judged, colour bool) error {
	var b strings.Builder
	paint := func(o checks.Outcome, s string) string {
		code := map[checks.Outcome]string{checks.Pass: "32", checks.Fail: "31", checks.Wait: "33", checks.Unknown: "33"}[o]
		if !colour || code == "" {
			return s
		}
		return "\x1b[" + code + "m" + s + "\x1b[0m"
	}
	for _, v := range j.decision.Verdicts {
		word, outcome := v.Outcome.String(), v.Outcome
		if v.Mode == policy.Observe {
			word, outcome = "observe", checks.Skip // judged and counted, and nobody is held up by it
		}
		fmt.Fprintf(&b, "%s  %-18s %s\n", paint(outcome, fmt.Sprintf("%-8s", word)), v.Check, gate.Plain(v.Reason))
		for _, f := range v.Findings {
			if f.Outcome != checks.Pass && f.Outcome != checks.Skip {
				textFinding(&b, f, len(v.Findings) == 1)
			}
		}
	}
	word := "shut"
	if j.decision.Open {
		word = "open"
	}
	fmt.Fprintf(&b, "%s  %-18s %s\n", paint(j.decision.Gate.Outcome, fmt.Sprintf("%-8s", word)), "gate", gate.Plain(j.decision.Gate.Reason))
	_, err := io.WriteString(w, b.String())
	return err
}

// textFinding words one finding; told says that the verdict's reason has said what it is.
func textFinding(b *strings.Builder, f checks.Finding, told bool) {
	place, what := "", gate.Plain(f.What)
	if f.Path != "" {
		place = gate.Plain(f.Path)
		if f.Line > 0 {
			place += fmt.Sprintf(":%d", f.Line)
		}
	}
	switch {
	case told && place == "":
	case told:
		fmt.Fprintf(b, "          %s\n", place)
	case place == "" || strings.HasPrefix(what, place):
		fmt.Fprintf(b, "          %s\n", what)
	default:
		fmt.Fprintf(b, "          %s: %s\n", place, what)
	}
	if f.Rule != "" {
		fmt.Fprintf(b, "            why: %s\n", gate.Plain(f.Rule))
	}
	for i, line := range strings.Split(strings.TrimRight(f.How, "\n"), "\n") {
		switch {
		case f.How == "":
		case i == 0:
			fmt.Fprintf(b, "            how: %s\n", gate.Plain(line))
		default:
			fmt.Fprintf(b, "                 %s\n", gate.Plain(line))
		}
	}
}

// writeWorkflow writes GitHub's workflow commands: one per line of the change, and one per verdict without a line.
func writeWorkflow(w io.Writer, j judged) error {
	var b strings.Builder
	for _, v := range j.decision.Verdicts {
		as := v.Annotations()
		for _, a := range as {
			fmt.Fprintf(&b, "::%s file=%s,line=%d,title=%s::%s\n", level(a.Outcome), property(a.Path), a.Line, property("sluice/"+v.Check), message(a.Message))
		}
		if len(as) == 0 && (!v.Outcome.Open() || v.Outcome == checks.Advise) && v.Mode != policy.Observe {
			fmt.Fprintf(&b, "::%s title=%s::%s\n", level(v.Outcome), property("sluice/"+v.Check), message(v.Reason))
		}
	}
	fmt.Fprintf(&b, "::notice title=sluice/gate::%s\n", message(j.decision.Gate.Reason))
	_, err := io.WriteString(w, b.String())
	return err
}

func level(o checks.Outcome) string {
	switch o {
	case checks.Fail, checks.Unknown:
		return "error"
	case checks.Wait, checks.Advise:
		return "warning"
	}
	return "notice"
}

// message and property escape as the workflow commands want it, so that no text of the change becomes a command.
func message(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}

// writeSARIF writes SARIF 2.1.0: a rule per check, a result per finding.
func writeSARIF(w io.Writer, j judged) error {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "sluice", InformationURI: "https://github.com/sluicegate/sluice", Version: version()}
	for _, v := range j.decision.Verdicts {
		id := "sluice/" + v.Check
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{ID: id, ShortDescription: sarifText{"Sluice's check " + v.Check}})
		as := v.Annotations()
		if len(as) == 0 && (!v.Outcome.Open() || v.Outcome == checks.Advise) && v.Mode != policy.Observe {
			run.Results = append(run.Results, sarifResult{RuleID: id, Level: sarifLevel(v.Outcome), Message: sarifText{v.Reason}})
		}
		for _, a := range as {
			var at sarifLocation
			at.Physical.Artifact.URI = (&url.URL{Path: a.Path}).EscapedPath()
			at.Physical.Region.StartLine = a.Line
			run.Results = append(run.Results, sarifResult{RuleID: id, Level: sarifLevel(a.Outcome), Message: sarifText{a.Message}, Locations: []sarifLocation{at}})
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

// The part of SARIF that is written. The libraries for it bring a schema validator along, which is more than this.
type (
	sarifText struct {
		Text string `json:"text"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Version        string      `json:"version"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region struct {
				StartLine int `json:"startLine"`
			} `json:"region"`
		} `json:"physicalLocation"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Results []sarifResult `json:"results"`
	}
)

func sarifLevel(o checks.Outcome) string {
	if l := level(o); l != "notice" {
		return l
	}
	return "note"
}

// writeJUnit writes one test case per check; what is skipped is skipped, and what blocks is a failure.
func writeJUnit(w io.Writer, j judged) error {
	suite := junit.Testsuite{Name: "sluice"}
	for _, v := range j.decision.Verdicts {
		c := junit.Testcase{Name: "sluice/" + v.Check, Classname: "sluice"}
		var detail strings.Builder
		for _, f := range v.Findings {
			textFinding(&detail, f, false)
		}
		switch {
		case v.Outcome == checks.Unknown && v.Blocks():
			c.Error = &junit.Result{Message: gate.Plain(v.Reason), Type: v.Outcome.String(), Data: clean(detail.String())}
		case v.Blocks():
			c.Failure = &junit.Result{Message: gate.Plain(v.Reason), Type: v.Outcome.String(), Data: clean(detail.String())}
		case v.Outcome == checks.Skip:
			c.Skipped = &junit.Result{Message: gate.Plain(v.Reason)}
		default:
			c.SystemOut = &junit.Output{Data: gate.Plain(v.Reason)}
		}
		suite.AddTestcase(c)
	}
	var all junit.Testsuites
	all.AddSuite(suite)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	return all.WriteXML(w)
}

// clean leaves out what XML cannot carry.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}
