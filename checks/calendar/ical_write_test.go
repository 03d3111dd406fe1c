package calendar_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	goical "github.com/emersion/go-ical"

	"github.com/sluicegate/sluice/checks/calendar"
	"github.com/sluicegate/sluice/checks/policy"
)

func table(t *testing.T, in calendar.Span, texts ...calendar.Text) calendar.Timetable {
	t.Helper()
	set, err := policy.Load(policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: `
environments:
  production:
    windows: [{days: [tue, thu], from: "09:00", to: "16:00", timezone: Europe/Berlin}]
    freezes:
      - {from: 2026-12-18, to: 2027-01-04, reason: "year end; nobody, at all, is here and this reason goes on for longer than a line"}
      - {calendar: ops/freeze.ics}
`}, policy.Source{Origin: policy.Organisation, Name: "acme/.github:sluice.yml", Text: `
required:
  environments: {production: {windows: [{from: "08:00", to: "12:00"}]}}
`})
	if err != nil {
		t.Fatal(err)
	}
	return calendar.Of(set, "production", texts, in)
}

func december(t *testing.T) calendar.Span {
	return calendar.Span{From: instant(t, "2026-12-01T00:00:00Z"), To: instant(t, "2027-01-15T00:00:00Z")}
}

var oneDay = calendar.Text{Name: "ops/freeze.ics", Text: event("DTSTART;VALUE=DATE:20261210\nCLASS:PUBLIC")}

func TestTimetableOfAllLayers(t *testing.T) {
	t.Parallel()
	during := december(t)
	got := table(t, during, oneDay)
	var turns []string
	for turn := range got.Turns(during) {
		turns = append(turns, turn.From.Format("0102T1504")+"-"+turn.To.Format("1504")+" "+turn.Zone)
	}
	want := "1201T0800-1200 Europe/Berlin, 1203T0800-1200 Europe/Berlin, 1208T0800-1200 Europe/Berlin, 1215T0800-1200 Europe/Berlin, 1217T0800-1200 Europe/Berlin, " +
		"0105T0800-1200 Europe/Berlin, 0107T0800-1200 Europe/Berlin, 0112T0800-1200 Europe/Berlin, 0114T0800-1200 Europe/Berlin"
	if s := strings.Join(turns, ", "); s != want {
		t.Errorf("Turns = %s\nwant %s", s, want)
	}
	if f, ok := calendar.Frozen(got.Freezes(), instant(t, "2026-12-20T00:00:00Z")); !ok || f.First.Source() != ".sluice.yml:6 environments.production.freezes[0]" {
		t.Errorf("Frozen = %+v, %v", f, ok)
	}
	if f, ok := calendar.Frozen(got.Freezes(), instant(t, "2026-12-10T00:00:00Z")); !ok || f.First.Source() != "ops/freeze.ics:4" || f.First.Rule != ".sluice.yml:7 environments.production.freezes[1]" {
		t.Errorf("Frozen = %+v, %v", f, ok)
	}
}

// A calendar that is not there, cannot be read or is broken is never an empty one.
func TestUnknownIsNotOpen(t *testing.T) {
	t.Parallel()
	during := december(t)
	for want, texts := range map[string][]calendar.Text{
		"has not been read":                      nil,
		"could not be read: 404":                 {{Name: "ops/freeze.ics", Problem: "404"}},
		"ops/freeze.ics:1: there is no calendar": {{Name: "ops/freeze.ics"}},
		"ops/freeze.ics:2: this is no line":      {{Name: "ops/freeze.ics", Text: "BEGIN:VCALENDAR\nhello"}},
	} {
		got := table(t, during, texts...)
		if _, ok := got.Next(during.From); ok || len(got.Unknown()) != 1 || !strings.HasPrefix(got.Unknown()[0].Reason, want) {
			t.Errorf("with %v: Next is %v, Unknown %v, want %q", texts, ok, got.Unknown(), want)
		}
		if events := got.Events("acme/shop", "production", during); !slices.ContainsFunc(events, func(e calendar.Event) bool { return strings.Contains(e.Description, want) && e.Busy }) {
			t.Errorf("with %v: Events = %v, want one that tells", texts, events)
		}
	}
}

// What is written is read by a parser that is not ours, and by our own, and is the same whenever it is asked for.
func TestRenderIsICalendar(t *testing.T) {
	t.Parallel()
	during := december(t)
	stamp := instant(t, "2026-11-30T12:00:00Z")
	events := table(t, during, oneDay).Events("acme/shop", "production", during)
	text := calendar.Render("acme/shop\r\nX-EVIL:1", events, stamp)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("the line %q is %d bytes long or holds a line break", line, len(line))
		}
	}
	read, err := goical.NewDecoder(strings.NewReader(text)).Decode()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var again bytes.Buffer // its encoder checks what has to be there, and once
	if err := goical.NewEncoder(&again).Encode(read); err != nil {
		t.Error(err)
	}
	if len(read.Events()) != len(events) || len(events) != 11 || read.Props.Get("X-EVIL") != nil {
		t.Errorf("read %d events of %d, want 11\n%s", len(read.Events()), len(events), text)
	}
	for i, e := range read.Events() {
		start, err := e.DateTimeStart(nil)
		end, bad := e.DateTimeEnd(nil)
		summary, worse := e.Props.Text("SUMMARY")
		if err != nil || bad != nil || worse != nil || !start.Equal(events[i].From) || !end.Equal(events[i].To) || summary != events[i].Summary {
			t.Errorf("event %d is read as %s to %s, %q (%v, %v, %v), want %+v", i, start, end, summary, err, bad, worse, events[i])
		}
		if at, err := e.Props.DateTime("DTSTAMP", nil); err != nil || !at.Equal(stamp) {
			t.Errorf("DTSTAMP = %v, %v, want %v", at, err, stamp)
		}
	}
	if own, err := calendar.Read("own.ics", text, "UTC", during); err != nil || len(own) != len(events) {
		t.Errorf("Read gives %d of %d events, %v", len(own), len(events), err)
	}
}

func TestUIDsStay(t *testing.T) {
	t.Parallel()
	during := december(t)
	all := calendar.Span{From: during.From.AddDate(0, -2, 0), To: during.To.AddDate(0, 2, 0)}
	uids := map[string]calendar.Span{}
	for _, e := range table(t, all, oneDay).Events("acme/shop", "production", during) {
		if _, twice := uids[e.UID]; twice {
			t.Errorf("the UID of %+v is another one's too", e)
		}
		uids[e.UID] = e.Span
	}
	later := calendar.Span{From: during.From.Add(33*time.Hour + time.Second), To: during.To.AddDate(0, 1, 0)}
	kept := 0
	for _, e := range table(t, all, oneDay).Events("acme/shop", "production", later) {
		if was, ok := uids[e.UID]; ok && was == e.Span {
			kept++
		} else if e.From.Before(during.To) {
			t.Errorf("%+v had another UID before", e)
		}
	}
	if kept != len(uids)-1 { // the first opening is over
		t.Errorf("%d of %d events kept their UIDs", kept, len(uids))
	}
}
