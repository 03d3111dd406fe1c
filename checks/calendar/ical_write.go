package calendar

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"github.com/sluicegate/sluice/checks/sorting"
)

// Event is one entry of a calendar that Sluice itself gives out.
type Event struct {
	Span
	UID         string // stays with the event, however often the calendar is fetched
	Summary     string
	Description string
	Busy        bool // a freeze or something unknown, rather than an opening
}

// lookBack is how much before the span is looked for the true beginning of an opening, so that its UID stays the same.
const lookBack = 15 * 24 * time.Hour

// Events are what a calendar shows of an environment: its openings, its freezes and, so that nobody takes it for empty,
// each calendar of which is not known what it freezes. Scope is what sets it apart from others: "acme/shop".
func (t Timetable) Events(scope, environment string, in Span) []Event {
	in = in.Cut(t.During)
	if in.Empty() {
		return nil
	}
	identity := func(kind string, parts ...string) string {
		sum := sha256.Sum256([]byte(strings.Join(append([]string{scope, environment, kind}, parts...), "\x00")))
		return hex.EncodeToString(sum[:16]) + "@sluice"
	}
	var events []Event
	for _, u := range t.Unknown() {
		events = append(events, Event{in, identity("unknown", u.Calendar, u.Rule), environment + ": freezes unknown",
			fmt.Sprintf("%s %s\nWhat it freezes is missing here, and nothing is deployed until it can be read.\nAsked for by %s", u.Calendar, u.Reason, u.Rule), true})
	}
	for _, f := range t.Freezes() {
		if f.Cut(in).Empty() {
			continue
		}
		summary := environment + ": freeze"
		if f.Reason != "" {
			summary += ", " + f.Reason
		}
		events = append(events, Event{f.Span, identity("freeze", f.Calendar, f.UID, f.From.UTC().Format(time.RFC3339), f.Reason), summary, "From " + f.Source(), true})
	}
	return unique(append(events, t.openings(environment, in, identity)...))
}

// openings are when windows let deployments start. Where something is unknown, they are windows and no promise.
func (t Timetable) openings(environment string, in Span, identity func(string, ...string) string) (events []Event) {
	if !slices.ContainsFunc(t.Layers, func(l Layer) bool { return len(l.Windows) > 0 }) {
		return nil // always open is no event
	}
	summary, description := environment+": open for deployments", ""
	if t, description = t.certain(); description != "" {
		summary = environment + ": window, freezes unknown"
	}
	for turn := range t.Turns(Span{in.From.Add(-lookBack), in.To}) {
		if turn.Cut(in).Empty() {
			continue
		}
		begins := turn.From.UTC().Format(time.RFC3339)
		if !turn.From.After(in.From.Add(-lookBack)) || !turn.From.After(t.During.From) {
			begins = "until " + turn.To.UTC().Format(time.RFC3339)
		}
		events = append(events, Event{turn.Span, identity("opening", begins), summary, description, false})
	}
	return events
}

// certain is the timetable as if nothing were unknown in it, and what then has to be said beside it.
func (t Timetable) certain() (Timetable, string) {
	if len(t.Unknown()) == 0 {
		return t, ""
	}
	layers := slices.Clone(t.Layers)
	for i := range layers {
		layers[i].Unknown = nil
	}
	return Timetable{layers, t.During}, "A calendar of freezes could not be read, so it may be shut all the same."
}

// Certain goes by what is known alone, and says whether that is all: for people who look ahead, never for the gate.
func (t Timetable) Certain() (sure Timetable, complete bool) {
	sure, note := t.certain()
	return sure, note == ""
}

// unique makes UIDs differ where two events are alike, in the order of the events.
func unique(events []Event) []Event {
	sorting.By(events, func(a, b Event) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(a.UID, b.UID))
	})
	seen := map[string]int{}
	for i, e := range events {
		if seen[e.UID]++; seen[e.UID] > 1 {
			events[i].UID = fmt.Sprintf("%d-%s", seen[e.UID], e.UID)
		}
	}
	return events
}

// Render writes events as an iCalendar, with CRLF and folded lines as RFC 5545 wants them. Stamp is when they were
// looked up; times are in UTC.
func Render(name string, events []Event, stamp time.Time) string {
	c := ics.NewCalendarFor("Sluice")
	c.SetProductId("-//Sluice//Calendar//EN")
	c.SetMethod(ics.MethodPublish)
	c.SetXWRCalName(clip(name, 200))
	for _, e := range events {
		v := c.AddEvent(e.UID)
		v.SetDtStampTime(stamp)
		v.SetStartAt(e.From)
		v.SetEndAt(e.To)
		v.SetSummary(clip(e.Summary, 300))
		if e.Description != "" {
			v.SetDescription(lines(e.Description))
		}
		v.SetStatus(ics.ObjectStatusConfirmed)
		transparency := ics.TransparencyTransparent
		if e.Busy {
			transparency = ics.TransparencyOpaque
		}
		v.SetTimeTransparency(transparency)
	}
	return c.Serialize(ics.WithNewLineWindows)
}

// lines clips each line of a text.
func lines(s string) string {
	var kept []string
	for l := range strings.SplitSeq(s, "\n") {
		kept = append(kept, clip(l, 500))
	}
	return strings.Join(kept[:min(len(kept), 20)], "\n")
}
