package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/width"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/dora"
)

// doraText writes the report for a terminal of 80 columns.
type doraText struct {
	strings.Builder
	names map[string]string // of the metrics
}

func writeDORA(w io.Writer, r *dora.Report) error {
	t := &doraText{names: map[string]string{}}
	t.line(0, "DORA metrics of deployments from %s to %s, in UTC.", minute(r.Since), minute(r.Until))
	t.line(0, "Bands: %s. %s", r.Bands.Name, r.Bands.Note)
	for _, d := range r.Definitions {
		t.names[d.Metric] = d.Name
	}
	for _, e := range r.Environments {
		t.environment(&e)
	}
	if len(r.Environments) == 0 {
		t.line(0, "")
		t.line(0, "No promotion, no deployment past the gate and no incident is written down.")
	}
	if n := r.Totals; n.Environments > 1 {
		t.line(0, "")
		t.line(0, "In all, in %d repositories and %d environments: %d deployments, %d past the gate, %d failures, %d unattributed, %d made for rework. Nothing but counts is summed: DORA advises against blending the rest.",
			n.Repositories, n.Environments, n.Deployments, n.Outside, n.Failures, n.Unattributed, n.Rework)
	}
	t.line(0, "")
	t.line(0, "What the numbers are")
	for _, d := range r.Definitions {
		t.line(2, "%s. DORA: %s Here: %s Bands: %s.", d.Name, d.DORA, d.Here, d.Bands)
	}
	_, err := io.WriteString(w, t.String())
	return err
}

func (t *doraText) environment(e *dora.Environment) {
	t.line(0, "")
	t.line(0, "%s, %s (%s)", plainOr(e.Repo), plainOr(e.Environment), plainOr(e.Forge))
	t.line(2, "Known from %s on, for %.1f days. Deployments: %d, and past the gate: %d.", minute(e.Known), e.Days, e.Deployments, e.Outside)
	for _, m := range e.Metrics {
		fmt.Fprintf(t, "%s\n", strings.TrimRight(fmt.Sprintf("  %-33s%-28s%s", t.names[m.Metric], doraValue(&m), m.Band), " "))
		t.line(6, "%s", doraSample(&m))
	}
	if len(e.Failures) > 0 {
		t.line(2, "Failures")
	}
	for _, f := range e.Failures {
		t.line(6, "%s", failure(&f))
	}
	if len(e.Unattributed) > 0 {
		t.line(2, "Unattributed: `/sluice incident ENVIRONMENT REASON`, a rollback or a hotfix tells of a failure")
	}
	for _, u := range e.Unattributed {
		t.line(6, "%s %s %s %s", minute(u.At), commitOr(u.Commit), u.Kind, checks.Clip(plainOr(u.Why), 200))
	}
}

// doraValue is a metric's value with its unit.
func doraValue(m *dora.Metric) string {
	if m.Value == nil {
		return "not known"
	}
	v := *m.Value
	switch m.Metric {
	case dora.Frequency:
		return fmt.Sprintf("%.2f a day", v)
	case dora.LeadTime, dora.RecoveryTime:
		return took(v)
	}
	text := fmt.Sprintf("%.1f%%", 100*v)
	if m.AtMost != nil {
		text += fmt.Sprintf(", at most %.1f%%", 100**m.AtMost)
	}
	return text
}

// doraSample says what the value is of, and what is not known.
func doraSample(m *dora.Metric) string {
	parts := []string{}
	switch m.Metric {
	case dora.Frequency:
		parts = append(parts, fmt.Sprintf("Promotions that went live: %d.", m.Sample))
		if s := m.Spread; s != nil {
			parts = append(parts, fmt.Sprintf("Between two of them: median %s, 90th percentile %s.", took(s.Median), took(s.P90)))
		}
	case dora.LeadTime, dora.RecoveryTime:
		what := map[string]string{dora.LeadTime: "Commits", dora.RecoveryTime: "Failures"}[m.Metric]
		parts = append(parts, fmt.Sprintf("%s: %d.", what, m.Sample))
		if s := m.Spread; s != nil {
			parts = append(parts, fmt.Sprintf("That was the median; 75th percentile %s, 90th %s.", took(s.P75), took(s.P90)))
		}
	default:
		parts = append(parts, fmt.Sprintf("%d of %d.", m.Counted, m.Sample))
	}
	return strings.Join(append(parts, m.Notes...), " ")
}

func failure(f *dora.Failure) string {
	text := fmt.Sprintf("%s %s", minute(f.At), commitOr(f.Commit))
	if f.Change != 0 {
		text += fmt.Sprintf(" #%d", f.Change)
	}
	var by []string
	for _, c := range f.By {
		by = append(by, string(c))
	}
	text += " " + strings.Join(by, ", ")
	switch {
	case f.Recovered.IsZero():
		return text + "; not over"
	case f.Noticed.IsZero():
		return text + "; over at " + minute(f.Recovered)
	}
	return text + "; over after " + took(f.Recovered.Sub(f.Noticed).Seconds())
}

func commitOr(commit string) string { return fmt.Sprintf("%.8s", plainOr(commit)) }

func minute(t time.Time) string {
	if t.IsZero() {
		return "the first"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// took is a time in one unit.
func took(seconds float64) string {
	switch d := time.Duration(seconds * float64(time.Second)); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", seconds)
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	default:
		return fmt.Sprintf("%.1f days", d.Hours()/24)
	}
}

// columns is how wide a line may be.
const columns = 80

// line writes a text, folded between its words. A word that is too long is cut: no name has to be that long.
func (t *doraText) line(indent int, format string, args ...any) {
	text := gate.Plain(fmt.Sprintf(format, args...))
	lines := []string{strings.Repeat(" ", indent)}
	for i, word := range strings.Fields(text) {
		last := len(lines) - 1
		word = fit(word, columns-indent-2)
		switch {
		case i == 0:
			lines[last] += word
		case wide(lines[last])+1+wide(word) <= columns:
			lines[last] += " " + word
		default:
			lines = append(lines, strings.Repeat(" ", indent+2)+word)
		}
	}
	for _, l := range lines {
		t.WriteString(strings.TrimRight(l, " ") + "\n")
	}
}

func fit(word string, room int) string {
	if wide(word) <= room {
		return word
	}
	r := []rune(word)
	for len(r) > 0 && wide(string(r)) > room-1 {
		r = slices.Delete(r, len(r)-1, len(r))
	}
	return string(r) + "…"
}

// wide is how many columns a text takes.
func wide(s string) (n int) {
	for _, r := range s {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n++
		}
		n++
	}
	return n
}
