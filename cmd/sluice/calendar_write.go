package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/sluicegate/sluice/checks/calendar"
	"github.com/sluicegate/sluice/gate"
)

// environmentTable is what is told of one environment.
type environmentTable struct {
	name string
	calendar.Timetable
	in calendar.Span
}

func (c *calendarRun) write(tables []environmentTable, in calendar.Span) error {
	switch c.format {
	case "json":
		return writeCalendarJSON(c.stdout, tables, in)
	case "ical":
		var events []calendar.Event
		for _, t := range tables {
			events = append(events, t.Events("", t.name, in)...)
		}
		_, err := io.WriteString(c.stdout, calendar.Render("Deployments", events, in.From))
		return err
	}
	if len(tables) == 0 {
		_, err := fmt.Fprintln(c.stdout, "The policy has no environments.")
		return err
	}
	for i, t := range tables {
		if i > 0 {
			fmt.Fprintln(c.stdout)
		}
		if err := t.write(c.stdout); err != nil {
			return err
		}
	}
	return nil
}

// write tells an environment to people.
func (t environmentTable) write(out io.Writer) error {
	sure, complete := t.Certain()
	fmt.Fprintf(out, "%s: %s\n", gate.Plain(t.name), t.now(sure, complete))
	for _, u := range t.Unknown() {
		fmt.Fprintf(out, "  unknown: %s %s (%s)\n", plainOr(u.Calendar), gate.Plain(u.Reason), gate.Plain(u.Rule))
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	if t.hasWindows() {
		what := "open"
		if !complete {
			what = "window"
		}
		for turn := range sure.Turns(t.in) {
			fmt.Fprintf(w, "  %s\t%s\tto %s\n", what, t.when(turn.From, turn.Zone), t.when(turn.To, turn.Zone))
		}
	}
	for _, f := range t.Freezes() {
		if !f.Cut(t.in).Empty() {
			fmt.Fprintf(w, "  freeze\t%s\tto %s\t%s\t%s\n", t.when(f.From, f.Zone), t.when(f.To, f.Zone), plainOr(f.Reason), gate.Plain(f.Source()))
		}
	}
	return w.Flush()
}

// now is how it stands at the first moment, in half a sentence.
func (t environmentTable) now(sure calendar.Timetable, complete bool) string {
	turn, ok := sure.Next(t.in.From)
	switch {
	case !complete:
		return "unknown, since a calendar of freezes could not be read"
	case !ok:
		return "shut, and not open before " + t.when(t.in.To, "UTC")
	case turn.From.After(t.in.From):
		return "shut until " + t.when(turn.From, turn.Zone)
	case !turn.To.Before(t.in.To):
		return "open, at least until " + t.when(turn.To, turn.Zone)
	}
	return "open until " + t.when(turn.To, turn.Zone)
}

func (t environmentTable) when(at time.Time, zone string) string {
	return calendar.When(at, t.in.From, zone)
}

func (t environmentTable) hasWindows() bool {
	for _, l := range t.Layers {
		if len(l.Windows) > 0 {
			return true
		}
	}
	return false
}

// environmentJSON is one environment for scripts; open is null where a calendar is unknown.
type environmentJSON struct {
	Environment string             `json:"environment"`
	Open        *bool              `json:"open"`
	Openings    []turnJSON         `json:"openings"`
	Freezes     []calendar.Freeze  `json:"freezes"`
	Unknown     []calendar.Unknown `json:"unknown"`
}

type turnJSON struct {
	calendar.Span
	Zone string `json:"zone"`
}

func writeCalendarJSON(out io.Writer, tables []environmentTable, in calendar.Span) error {
	all := []environmentJSON{}
	for _, t := range tables {
		e := environmentJSON{Environment: t.name, Openings: []turnJSON{}, Freezes: []calendar.Freeze{}, Unknown: append([]calendar.Unknown{}, t.Unknown()...)}
		sure, complete := t.Certain()
		open := false
		for turn := range sure.Turns(in) {
			open = open || turn.Holds(in.From)
			e.Openings = append(e.Openings, turnJSON{turn.Span, turn.Zone})
		}
		if complete {
			e.Open = &open
		}
		for _, f := range t.Freezes() {
			if !f.Cut(in).Empty() {
				e.Freezes = append(e.Freezes, f)
			}
		}
		all = append(all, e)
	}
	w := json.NewEncoder(out)
	w.SetEscapeHTML(false)
	w.SetIndent("", "  ")
	return w.Encode(map[string]any{"version": 1, "from": in.From, "to": in.To, "environments": all})
}
