package calendar_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluicegate/sluice/checks/calendar"
	"github.com/sluicegate/sluice/checks/policy"
)

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// window is written as "sun mon 02:00-03:00 Europe/Berlin"; no days are all days.
func window(s string) policy.Window {
	words := strings.Fields(s)
	from, to, _ := strings.Cut(words[len(words)-2], "-")
	w := policy.Window{Days: words[:len(words)-2], From: from, To: to, Timezone: words[len(words)-1]}
	if len(w.Days) == 0 {
		w.Days = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	}
	return w
}

func windows(lines ...string) (w calendar.Windows) {
	for _, l := range lines {
		w = append(w, window(l))
	}
	return w
}

// Both edges of daylight saving, in the zones that do it their own way.
func TestWindows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		windows  calendar.Windows
		from, to string
		want     string // spans in UTC
	}{
		"Berlin, an ordinary day":               {windows("09:00-16:00 Europe/Berlin"), "2026-01-14T00:00:00Z", "2026-01-15T00:00:00Z", "14T08:00 14T15:00"},
		"Berlin, forward: lies in the gap":      {windows("02:15-02:45 Europe/Berlin"), "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", ""},
		"Berlin, forward: the gap cuts in":      {windows("02:30-05:00 Europe/Berlin"), "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", "29T01:00 29T03:00"},
		"Berlin, forward: the gap cuts off":     {windows("01:00-02:30 Europe/Berlin"), "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", "29T00:00 29T01:00"},
		"Berlin, forward: around it":            {windows("sun 01:00-04:00 Europe/Berlin"), "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", "29T00:00 29T02:00"},
		"Berlin, forward: a day of 23 hours":    {windows("sun 00:00-24:00 Europe/Berlin"), "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", "28T23:00 29T22:00"},
		"Berlin, back: in the hour, twice":      {windows("02:15-02:45 Europe/Berlin"), "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", "25T00:15 25T00:45, 25T01:15 25T01:45"},
		"Berlin, back: the whole hour, twice":   {windows("02:00-03:00 Europe/Berlin"), "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", "25T00:00 25T02:00"},
		"Berlin, back: ends in the hour":        {windows("01:00-02:30 Europe/Berlin"), "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", "24T23:00 25T00:30, 25T01:00 25T01:30"},
		"Berlin, back: begins in the hour":      {windows("02:30-04:00 Europe/Berlin"), "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", "25T00:30 25T01:00, 25T01:30 25T03:00"},
		"New York, forward":                     {windows("01:30-03:30 America/New_York"), "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z", "08T06:30 08T07:30"},
		"New York, back":                        {windows("01:30-02:00 America/New_York"), "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "01T05:30 01T06:00, 01T06:30 01T07:00"},
		"Lord Howe, forward by half an hour":    {windows("02:15-02:45 Australia/Lord_Howe"), "2026-10-03T00:00:00Z", "2026-10-04T00:00:00Z", "03T15:30 03T15:45"},
		"Lord Howe, back by half an hour":       {windows("01:15-01:45 Australia/Lord_Howe"), "2026-04-04T00:00:00Z", "2026-04-05T00:00:00Z", "04T14:15 04T14:45, 04T15:00 04T15:15"},
		"São Paulo, the midnight that is not":   {windows("sun 00:00-02:00 America/Sao_Paulo"), "2018-11-03T12:00:00Z", "2018-11-04T12:00:00Z", "04T03:00 04T04:00"},
		"São Paulo, the hour before midnight":   {windows("sat 23:00-24:00 America/Sao_Paulo"), "2018-02-17T12:00:00Z", "2018-02-18T12:00:00Z", "18T01:00 18T03:00"},
		"Cairo, back at midnight":               {windows("thu 23:30-24:00 Africa/Cairo"), "2026-10-29T12:00:00Z", "2026-10-30T12:00:00Z", "29T20:30 29T21:00, 29T21:30 29T22:00"},
		"Apia, the Friday that was not":         {windows("fri 09:00-17:00 Pacific/Apia"), "2011-12-29T00:00:00Z", "2012-01-01T00:00:00Z", ""},
		"Apia, the days around it":              {windows("00:00-24:00 Pacific/Apia"), "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z", "29T10:00 31T10:00"},
		"Apia, the Saturday after the Thursday": {windows("sat 00:00-01:00 Pacific/Apia"), "2011-12-29T00:00:00Z", "2012-01-01T00:00:00Z", "30T10:00 30T11:00"},
		"Kathmandu, at a quarter":               {windows("mon 09:00-10:00 Asia/Kathmandu"), "2026-03-29T00:00:00Z", "2026-04-05T00:00:00Z", "30T03:15 30T04:15"},
		"across a set of days":                  {windows("mon tue 00:00-24:00 UTC", "wed 00:00-12:00 UTC"), "2026-06-01T00:00:00Z", "2026-06-08T00:00:00Z", "01T00:00 03T12:00"},
		"two zones that overlap":                {windows("mon 09:00-12:00 Europe/Berlin", "mon 09:00-12:00 Europe/London"), "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z", "01T07:00 01T11:00"},
		"one that the loader refuses":           {windows("12:00-09:00 UTC", "x-y UTC"), "2026-06-01T00:00:00Z", "2026-06-08T00:00:00Z", ""},
		"a zone that is none":                   {windows("00:00-24:00 Mars/Olympus"), "2026-06-01T00:00:00Z", "2026-06-08T00:00:00Z", ""},
		"none, which is always":                 {nil, "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z", "01T00:00 02T00:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for o := range c.windows.From(instant(t, c.from), instant(t, c.to)) {
				got = append(got, o.From.UTC().Format("02T15:04")+" "+o.To.UTC().Format("02T15:04"))
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("From(%s, %s) = %s, want %s", c.from, c.to, s, c.want)
			}
		})
	}
}

func TestWindowsAt(t *testing.T) {
	t.Parallel()
	shop := windows("tue thu 09:00-16:00 Europe/Berlin", "fri 08:00-10:00 America/New_York")
	for name, c := range map[string]struct {
		windows  calendar.Windows
		at, want string
	}{
		"before":                {shop, "2026-12-01T07:59:59Z", "false 2026-12-01T08:00:00Z 2026-12-01T15:00:00Z 0 true"},
		"the first moment":      {shop, "2026-12-01T08:00:00Z", "true 2026-12-01T08:00:00Z 2026-12-01T15:00:00Z 0 true"},
		"the last moment":       {shop, "2026-12-01T14:59:59Z", "true 2026-12-01T14:59:59Z 2026-12-01T15:00:00Z 0 true"},
		"its end, which is out": {shop, "2026-12-01T15:00:00Z", "false 2026-12-03T08:00:00Z 2026-12-03T15:00:00Z 0 true"},
		"another window":        {shop, "2026-12-03T15:00:00Z", "false 2026-12-04T13:00:00Z 2026-12-04T15:00:00Z 1 true"},
		"no windows":            {nil, "2026-12-03T15:00:00Z", "true 2026-12-03T15:00:00Z 2028-01-07T15:00:00Z -1 true"},
		"never":                 {windows("00:00-24:00 Mars/Olympus"), "2026-12-03T15:00:00Z", "false 0001-01-01T00:00:00Z 0001-01-01T00:00:00Z 0 false"},
	} {
		open, o, ok := c.windows.At(instant(t, c.at))
		if got := fmt.Sprint(open, " ", o.From.UTC().Format(time.RFC3339), " ", o.To.UTC().Format(time.RFC3339), " ", o.Window, " ", ok); got != c.want {
			t.Errorf("%s: At(%s) = %s, want %s", name, c.at, got, c.want)
		}
	}
}

var oddZones = []string{
	"UTC", "Europe/Berlin", "Europe/London", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Cairo",
	"Pacific/Apia", "Asia/Kathmandu", "Africa/Casablanca", "America/Havana", "Antarctica/Troll", "Asia/Gaza",
}

// naive says whether a window is open by looking at the clock on the wall.
func naive(ws calendar.Windows, t time.Time) bool {
	return len(ws) == 0 || slices.ContainsFunc(ws, func(w policy.Window) bool {
		zone, err := time.LoadLocation(w.Timezone)
		if err != nil {
			return false
		}
		local := t.In(zone)
		clock, day := local.Format("15:04"), strings.ToLower(local.Format("Mon"))
		return slices.Contains(w.Days, day) && w.From <= clock && clock < w.To
	})
}

func drawWindows(t *rapid.T, label string) (ws calendar.Windows) {
	days := []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	for range rapid.IntRange(0, 3).Draw(t, label) {
		from := rapid.IntRange(0, 24*60-1).Draw(t, "from")
		to := rapid.IntRange(from+1, 24*60).Draw(t, "to")
		ws = append(ws, policy.Window{
			Days: rapid.SliceOfNDistinct(rapid.SampledFrom(days), 1, 7, rapid.ID[string]).Draw(t, "days"),
			From: fmt.Sprintf("%02d:%02d", from/60, from%60), To: fmt.Sprintf("%02d:%02d", to/60, to%60),
			Timezone: rapid.SampledFrom(oddZones).Draw(t, "zone"),
		})
	}
	return ws
}

// drawStart is near a change of the clock as often as not.
func drawStart(t *rapid.T) time.Time {
	start := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 20*365*24*60).Draw(t, "start")) * time.Minute)
	zone, err := time.LoadLocation(rapid.SampledFrom(oddZones).Draw(t, "near"))
	if err != nil {
		t.Fatal(err)
	}
	if _, end := start.In(zone).ZoneBounds(); rapid.Bool().Draw(t, "edge") && !end.IsZero() {
		start = end.UTC().Add(-time.Duration(rapid.IntRange(0, 26*60).Draw(t, "before")) * time.Minute)
	}
	return start.Truncate(time.Minute) // the end of the times that a zone's file tells is no whole minute
}

// Windows and freezes agree, minute by minute, with a look at the wall and at each freeze.
func TestTimetableAgreesWithTheWall(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := drawStart(t)
		end := start.Add(time.Duration(rapid.IntRange(1, 3*24*60).Draw(t, "minutes")) * time.Minute)
		table := calendar.Timetable{During: calendar.Span{From: start, To: end}}
		for range rapid.IntRange(0, 2).Draw(t, "layers") {
			l := calendar.Layer{Windows: drawWindows(t, "windows")}
			for range rapid.IntRange(0, 3).Draw(t, "freezes") {
				from := start.Add(time.Duration(rapid.IntRange(-600, 4000).Draw(t, "frozen")) * time.Minute)
				l.Freezes = append(l.Freezes, calendar.Freeze{Span: calendar.Span{From: from, To: from.Add(time.Duration(rapid.IntRange(1, 2000).Draw(t, "long")) * time.Minute)}})
			}
			table.Layers = append(table.Layers, l)
		}
		var turns []calendar.Span
		for turn := range table.Turns(table.During) {
			turns = append(turns, turn.Span)
		}
		free := func(at time.Time) bool {
			return !slices.ContainsFunc(table.Layers, func(l calendar.Layer) bool {
				return !naive(l.Windows, at) || slices.ContainsFunc(l.Freezes, func(f calendar.Freeze) bool { return f.Holds(at) })
			})
		}
		first := time.Time{}
		for at := start; at.Before(end); at = at.Add(time.Minute) {
			want := free(at)
			if want && first.IsZero() {
				first = at
			}
			if got := slices.ContainsFunc(turns, func(s calendar.Span) bool { return s.Holds(at) }); got != want {
				t.Fatalf("at %s: Turns say %v, the wall %v\n%+v\n%v", at.Format(time.RFC3339), got, want, table, turns)
			}
		}
		if next, ok := table.Next(start); ok != !first.IsZero() || ok && !next.From.Equal(first) {
			t.Fatalf("Next(%s) = %v, %v, want %s", start, next, ok, first)
		}
		for i := 1; i < len(turns); i++ {
			if !turns[i-1].To.Before(turns[i].From) {
				t.Fatalf("turns touch or are out of order: %v", turns)
			}
		}
	})
}

// Wherever freezes join, none of them holds before the end and at least one each minute until then.
func TestFrozenAgreesWithEachFreeze(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2026, 12, 18, 0, 0, 0, 0, time.UTC)
		var freezes []calendar.Freeze
		for range rapid.IntRange(0, 6).Draw(t, "freezes") {
			from := start.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "from")) * time.Minute)
			freezes = append(freezes, calendar.Freeze{Span: calendar.Span{From: from, To: from.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "for")) * time.Minute)}})
		}
		holds := func(at time.Time) bool {
			return slices.ContainsFunc(freezes, func(f calendar.Freeze) bool { return f.Holds(at) })
		}
		at := start.Add(time.Duration(rapid.IntRange(0, 80).Draw(t, "at")) * time.Minute)
		f, frozen := calendar.Frozen(freezes, at)
		if frozen != holds(at) {
			t.Fatalf("Frozen(%v, %v) = %v", freezes, at, frozen)
		}
		if !frozen {
			return
		}
		for m := f.From; m.Before(f.To); m = m.Add(time.Minute) {
			if !holds(m) {
				t.Fatalf("Frozen(%v, %v) = %v, and nothing holds at %v", freezes, at, f, m)
			}
		}
		if holds(f.To) || holds(f.From.Add(-time.Minute)) || !f.First.Holds(at) || len(f.Joined) == 0 {
			t.Fatalf("Frozen(%v, %v) = %+v, which goes on", freezes, at, f)
		}
	})
}

func TestWhen(t *testing.T) {
	t.Parallel()
	now := instant(t, "2026-11-30T12:00:00Z")
	for _, c := range []struct{ at, zone, want string }{
		{"2026-12-01T08:00:00Z", "Europe/Berlin", "Tue 1 Dec 09:00 CET (08:00 UTC)"},
		{"2026-12-01T08:00:30Z", "Europe/Berlin", "Tue 1 Dec 09:00:30 CET (08:00:30 UTC)"},
		{"2026-07-01T08:00:00Z", "Europe/Berlin", "Wed 1 Jul 10:00 CEST (08:00 UTC)"},
		{"2026-11-30T23:30:00Z", "Europe/Berlin", "Tue 1 Dec 00:30 CET (Mon 30 Nov 23:30 UTC)"},
		{"2027-01-04T23:00:00Z", "Europe/Berlin", "Tue 5 Jan 2027 00:00 CET (Mon 4 Jan 23:00 UTC)"},
		{"2026-12-01T08:00:00Z", "UTC", "Tue 1 Dec 08:00 UTC"},
		{"2026-12-01T08:00:00Z", "", "Tue 1 Dec 08:00 UTC"},
		{"2026-12-01T08:00:00Z", "Mars/Olympus", "Tue 1 Dec 08:00 UTC"},
		{"2026-12-01T03:15:00Z", "Asia/Kathmandu", "Tue 1 Dec 09:00 UTC+05:45 (03:15 UTC)"},
		{"2026-10-25T00:30:00Z", "Europe/Berlin", "Sun 25 Oct 02:30 CEST (00:30 UTC)"},
		{"2026-10-25T01:30:00Z", "Europe/Berlin", "Sun 25 Oct 02:30 CET (01:30 UTC)"},
	} {
		if got := calendar.When(instant(t, c.at), now, c.zone); got != c.want {
			t.Errorf("When(%s, %s) = %s, want %s", c.at, c.zone, got, c.want)
		}
	}
}
