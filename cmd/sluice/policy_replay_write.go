package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sluicegate/sluice/gate"
)

// listed is how many flips are listed below one rule, unless all are asked for.
const listed = 20

func (p *replayReport) writeJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(p)
}

// write tells of the flips: gates first, then checks by rule.
func (p *replayReport) write(w io.Writer) error {
	l := &lineWriter{w: w}
	l.line(0, "Under %s, %s of the last %s were judged again.", p.Policy, p.judged(), inWords(p.Since))
	if p.Incomplete > 0 {
		l.line(0, "%d more could not be: the facts or the policy were not kept with them.", p.Incomplete)
	}
	if p.Hint != "" {
		l.line(0, "%s", p.Hint)
	}
	if p.Judged == 0 {
		return l.err
	}
	l.line(0, "")
	l.line(0, "GATE would have been shut for %d that were open and open for %d that were shut, of %d%s.", p.Gate.Shuts, p.Gate.Opens, p.Judged, untold(p.Gate.Untold))
	p.flips(l, p.Gate.flips)
	for _, c := range p.Rules {
		l.line(0, "")
		c.write(l, p.Judged)
		p.flips(l, c.flips)
	}
	if p.Gate.Shuts+p.Gate.Opens+p.Gate.Untold == 0 && len(p.Rules) == 0 {
		l.line(0, "Nothing flips.")
	}
	return l.err
}

// judged counts what was judged.
func (p *replayReport) judged() string {
	decisions, on := "decisions", "changes and tags"
	if p.Judged == 1 {
		decisions = "decision"
	}
	if p.Subjects == 1 {
		on = "change or tag"
	}
	return fmt.Sprintf("%d %s on %d %s", p.Judged, decisions, p.Subjects, on)
}

// inWords has days spelt out: "90 days"; what is not in whole days stays as it is.
func inWords(since string) string {
	days, whole := strings.CutSuffix(since, "d")
	if _, err := strconv.Atoi(days); !whole || err != nil {
		return since
	}
	return days + " days"
}

func untold(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; for %d what was recorded does not tell", n)
}

// write says how often the rule would have made a difference.
func (c *ruleCount) write(l *lineWriter, judged int) {
	at := "sluice/" + c.Check
	if c.Rule != "" {
		at += ", " + c.Rule
	}
	if c.Shuts > 0 {
		l.line(0, "%s would have blocked %d of %d", at, c.Shuts, judged)
	}
	if c.Opens > 0 {
		l.line(0, "%s blocked %d of %d, and would not have", at, c.Opens, judged)
	}
	if c.Observed > 0 {
		l.line(0, "%s (observed) would have blocked %d of %d", at, c.Observed, judged)
	}
	if c.Untold > 0 {
		l.line(0, "%s cannot be told for %d of %d: what this policy asks for was not recorded", at, c.Untold, judged)
	}
}

func (p *replayReport) flips(l *lineWriter, flips []*replayFlip) {
	for i, f := range flips {
		if i == listed && !p.run.all {
			l.line(2, "… and %d more; --all lists them", len(flips)-i)
			return
		}
		verb := map[gate.Turn]string{gate.WouldShut: "shut", gate.WouldOpen: "open"}[f.Turn]
		why := f.After.Reason
		if f.Turn == gate.WouldOpen {
			why = "was: " + f.Before.Reason
		}
		l.line(2, "%s  %s at %.8s  %s", verb, f.Subject, f.Commit, why)
		l.line(8, "%s  %s", f.URL, f.Details)
	}
}
