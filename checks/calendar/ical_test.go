package calendar_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/calendar"
)

// year is the span that the tables look at.
func year(n int) calendar.Span {
	return calendar.Span{From: time.Date(n, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(n+1, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// ical wraps lines into a calendar, which may bring its own time zones along.
func ical(lines string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n" + strings.ReplaceAll(strings.TrimSpace(lines), "\n", "\r\n") + "\r\nEND:VCALENDAR\r\n"
}

func event(lines string) string {
	return ical("BEGIN:VEVENT\nUID:a\nDTSTAMP:20260101T000000Z\nSUMMARY:Sale\n" + strings.TrimSpace(lines) + "\nEND:VEVENT")
}

func shown(freezes []calendar.Freeze) string {
	var b strings.Builder
	for _, f := range freezes {
		fmt.Fprintf(&b, "%s %s; ", f.From.UTC().Format("0102T1504Z"), f.To.UTC().Format("0102T1504Z"))
	}
	return strings.TrimSuffix(b.String(), "; ")
}

const outlook = `BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
`

func TestRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, zone, want string }{
		"no events":                              {ical(""), "UTC", ""},
		"in UTC":                                 {event("DTSTART:20260301T080000Z\nDTEND:20260301T100000Z"), "Asia/Tokyo", "0301T0800Z 0301T1000Z"},
		"in a zone":                              {event("DTSTART;TZID=Europe/Berlin:20260701T080000\nDTEND;TZID=Europe/Berlin:20260701T100000"), "UTC", "0701T0600Z 0701T0800Z"},
		"in a zone with a maker's prefix":        {event("DTSTART;TZID=/citadel.org/20210210_1/Europe/Berlin:20260701T080000\nDURATION:PT2H"), "UTC", "0701T0600Z 0701T0800Z"},
		"in two zones":                           {event("DTSTART;TZID=Europe/Berlin:20260701T080000\nDTEND;TZID=America/New_York:20260701T080000"), "UTC", "0701T0600Z 0701T1200Z"},
		"without a zone":                         {event("DTSTART:20260701T080000\nDURATION:PT30M"), "Asia/Kathmandu", "0701T0215Z 0701T0245Z"},
		"in a zone that Outlook tells, winter":   {ical(outlook + "BEGIN:VEVENT\nDTSTART;TZID=W. Europe Standard Time:20260115T080000\nDURATION:PT1H\nEND:VEVENT"), "UTC", "0115T0700Z 0115T0800Z"},
		"in a zone that Outlook tells, summer":   {ical(outlook + "BEGIN:VEVENT\nDTSTART;TZID=\"W. Europe Standard Time\":20260715T080000\nDURATION:PT1H\nEND:VEVENT"), "UTC", "0715T0600Z 0715T0700Z"},
		"a day":                                  {event("DTSTART;VALUE=DATE:20260701"), "Europe/Berlin", "0630T2200Z 0701T2200Z"},
		"days, whose end is not in it":           {event("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227"), "UTC", "1224T0000Z 1227T0000Z"},
		"a day that ends on itself":              {event("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261224"), "UTC", "1224T0000Z 1225T0000Z"},
		"a day of 23 hours":                      {event("DTSTART;VALUE=DATE:20260329"), "Europe/Berlin", "0328T2300Z 0329T2200Z"},
		"a day with a zone, which has none":      {event("DTSTART;TZID=Nowhere/At_All;VALUE=DATE:20260701"), "UTC", "0701T0000Z 0702T0000Z"},
		"weeks":                                  {event("DTSTART;VALUE=DATE:20260701\nDURATION:P1W"), "UTC", "0701T0000Z 0708T0000Z"},
		"a day by the wall":                      {event("DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:P1D"), "UTC", "0328T1100Z 0329T1000Z"},
		"a day by the stopwatch":                 {event("DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:PT24H"), "UTC", "0328T1100Z 0329T1100Z"},
		"a time that is skipped":                 {event("DTSTART;TZID=Europe/Berlin:20260329T023000\nDURATION:PT1H"), "UTC", "0329T0130Z 0329T0230Z"},
		"a time that comes twice":                {event("DTSTART;TZID=Europe/Berlin:20261025T023000\nDURATION:PT1H"), "UTC", "1025T0030Z 1025T0130Z"},
		"cancelled":                              {event("DTSTART;VALUE=DATE:20260701\nSTATUS:CANCELLED"), "UTC", ""},
		"tentative and shown as free":            {event("DTSTART;VALUE=DATE:20260701\nSTATUS:TENTATIVE\nTRANSP:TRANSPARENT"), "UTC", "0701T0000Z 0702T0000Z"},
		"one that began before":                  {event("DTSTART;VALUE=DATE:20251230\nDTEND;VALUE=DATE:20260103"), "UTC", "1230T0000Z 0103T0000Z"},
		"another year":                           {event("DTSTART;VALUE=DATE:20270101"), "UTC", ""},
		"yearly since long ago":                  {event("DTSTART;VALUE=DATE:19701224\nDTEND;VALUE=DATE:19701227\nRRULE:FREQ=YEARLY"), "UTC", "1224T0000Z 1227T0000Z"},
		"the last Friday of a quarter":           {event("DTSTART;VALUE=DATE:20200327\nRRULE:FREQ=MONTHLY;INTERVAL=3;BYDAY=-1FR"), "UTC", "0327T0000Z 0328T0000Z; 0626T0000Z 0627T0000Z; 0925T0000Z 0926T0000Z; 1225T0000Z 1226T0000Z"},
		"weekly by the wall over both edges":     {event("DTSTART;TZID=Europe/Berlin:20260325T180000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=2"), "UTC", "0325T1700Z 0325T1800Z; 0401T1600Z 0401T1700Z"},
		"until a day, which is in it":            {event("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;UNTIL=20260103"), "UTC", "0101T0000Z 0102T0000Z; 0102T0000Z 0103T0000Z; 0103T0000Z 0104T0000Z"},
		"until an instant":                       {event("DTSTART;TZID=Europe/Berlin:20260101T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260102T080000Z"), "UTC", "0101T0800Z 0101T0900Z; 0102T0800Z 0102T0900Z"},
		"until a midnight that Exchange means":   {event("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;UNTIL=20260101T230000Z"), "Europe/Berlin", "1231T2300Z 0101T2300Z; 0101T2300Z 0102T2300Z"},
		"all but one":                            {event("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20260102"), "UTC", "0101T0000Z 0102T0000Z; 0103T0000Z 0104T0000Z"},
		"all but the first":                      {event("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE;VALUE=DATE:20260101"), "UTC", "0102T0000Z 0103T0000Z"},
		"all but some, named in another zone":    {event("DTSTART;TZID=Europe/Berlin:20260101T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260101T080000Z,20260103T080000Z"), "UTC", "0102T0800Z 0102T0900Z"},
		"a day taken out as Exchange writes it":  {event("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE;TZID=Asia/Tokyo:20260102T000000"), "UTC", "0101T0000Z 0102T0000Z"},
		"further days":                           {event("DTSTART;VALUE=DATE:20260101\nRDATE;VALUE=DATE:20260201,20260301"), "UTC", "0101T0000Z 0102T0000Z; 0201T0000Z 0202T0000Z; 0301T0000Z 0302T0000Z"},
		"further periods":                        {event("DTSTART:20260101T000000Z\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20260201T000000Z/PT2H,20260301T000000Z/20260301T030000Z"), "UTC", "0101T0000Z 0101T0100Z; 0201T0000Z 0201T0200Z; 0301T0000Z 0301T0300Z"},
		"a first day that the rule does not hit": {event("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260106"), "UTC", "0101T0000Z 0102T0000Z; 0105T0000Z 0106T0000Z"},
		"one occurrence moved": {ical("BEGIN:VEVENT\nUID:a\nDTSTART:20260101T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\nEND:VEVENT\n" +
			"BEGIN:VEVENT\nUID:a\nRECURRENCE-ID;TZID=Europe/Berlin:20260102T090000\nDTSTART:20260105T080000Z\nDURATION:PT2H\nEND:VEVENT"), "UTC", "0101T0800Z 0101T0900Z; 0105T0800Z 0105T1000Z"},
		"one occurrence cancelled": {ical("BEGIN:VEVENT\nUID:a\nRECURRENCE-ID:20260102T080000Z\nSTATUS:CANCELLED\nEND:VEVENT\n" +
			"BEGIN:VEVENT\nUID:a\nDTSTART:20260101T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\nEND:VEVENT"), "UTC", "0101T0800Z 0101T0900Z"},
		"an occurrence of another event moved": {ical("BEGIN:VEVENT\nUID:b\nDTSTART:20260101T080000Z\nDURATION:PT1H\nEND:VEVENT\n" +
			"BEGIN:VEVENT\nUID:a\nRECURRENCE-ID:20260101T080000Z\nSTATUS:CANCELLED\nEND:VEVENT"), "UTC", "0101T0800Z 0101T0900Z"},
		"an alarm, which is not looked into":     {event("DTSTART;VALUE=DATE:20260701\nBEGIN:VALARM\nTRIGGER:-PT15M\nDURATION:nonsense\nEND:VALARM"), "UTC", "0701T0000Z 0702T0000Z"},
		"folded, in small letters, after a mark": {"\ufeff" + strings.ReplaceAll(strings.ToLower(event("DTSTART;VALUE=DATE:20260701")), "dtstart;value", "dtsta\r\n rt;val\r\n\tue"), "UTC", "0701T0000Z 0702T0000Z"},
		"two calendars in one text":              {event("DTSTART;VALUE=DATE:20260701") + event("DTSTART;VALUE=DATE:20260801"), "UTC", "0701T0000Z 0702T0000Z; 0801T0000Z 0802T0000Z"},
		"a leap day, every four years":           {event("DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY"), "UTC", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := calendar.Read("f.ics", c.text, c.zone, year(2026))
			if err != nil || shown(got) != c.want {
				t.Errorf("Read(%s)\n got %s, %v\nwant %s", c.text, shown(got), err, c.want)
			}
		})
	}
}

func TestReadTellsWhereAFreezeStands(t *testing.T) {
	t.Parallel()
	got, err := calendar.Read("ops/f.ics", event("DTSTART;VALUE=DATE:20260701\nSUMMARY:"+`x\, y\n`+"\u202eevil"), "", year(2026))
	var b *calendar.Broken
	if err != nil || got[0].Reason != "Sale" || got[0].Source() != "ops/f.ics:4" || got[0].UID != "a" || errors.As(err, &b) {
		t.Errorf("Read = %+v, %v", got, err)
	}
	got, err = calendar.Read("ops/f.ics", ical("BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260701\nSUMMARY:"+`x\, y\nz`+"\u202eevil\nEND:VEVENT"), "", year(2026))
	if err != nil || got[0].Reason != "x, y z evil" {
		t.Errorf("Read = %+v, %v, want a reason in one line without direction characters", got, err)
	}
}

// What cannot be understood is told with its place, and is never an empty calendar.
func TestReadBroken(t *testing.T) {
	t.Parallel()
	day := "DTSTART;VALUE=DATE:20260101\n"
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                      {"", `f.ics:1: there is no calendar in the text`},
		"a page to sign in":            {"<!DOCTYPE html>\n<title>Sign in: now</title>", `f.ics:1: this is no line of an iCalendar: "<!DOCTYPE html>"`},
		"an event alone":               {"BEGIN:VEVENT\nEND:VEVENT", `f.ics:1: this is no iCalendar: BEGIN:VCALENDAR is expected`},
		"cut off":                      {strings.TrimSuffix(event(day), "END:VEVENT\r\nEND:VCALENDAR\r\n"), `f.ics:4: the calendar is cut off: the VEVENT that begins here has no end`},
		"cut off at the end":           {strings.TrimSuffix(event(day), "END:VCALENDAR\r\n"), `f.ics:1: the calendar is cut off`},
		"crossed":                      {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n", `f.ics:3: END:VCALENDAR does not end the VEVENT that begins in line 2`},
		"an end too many":              {event(day) + "END:VCALENDAR", `is expected`},
		"nested":                       {"BEGIN:VCALENDAR\n" + strings.Repeat("BEGIN:X\n", 20), `f.ics:9: components are nested`},
		"not UTF-8":                    {"BEGIN:VCALENDAR\nX:\xff\nEND:VCALENDAR", `f.ics:2: the calendar is not UTF-8 here`},
		"too large":                    {"BEGIN:VCALENDAR\n" + strings.Repeat("X:aaaaaaa\n", 300_000), `larger than 2 MB`},
		"a line without a colon":       {event(day + "hello"), `f.ics:9: this is no line of an iCalendar: "hello"`},
		"a quote that does not end":    {event(`DTSTART;TZID="Europe/Berlin:20260101T000000`), `f.ics:8: this DTSTART cannot be read`},
		"a quote and more":             {event(`DTSTART;TZID="Europe/Berlin"x:20260101T000000`), `f.ics:8: this DTSTART cannot be read`},
		"many parameters":              {event("DTSTART" + strings.Repeat(";A=B", 9000) + ":20260101"), `f.ics:8: this line is too long for a DTSTART`},
		"no start":                     {event("DTEND:20260101T000000Z"), `f.ics:4: the event has no DTSTART`},
		"no length":                    {event("DTSTART:20260101T000000Z"), `f.ics:4: the event has no length`},
		"an end before the start":      {event("DTSTART:20260101T000000Z\nDTEND:20250101T000000Z"), `f.ics:9: the event ends before it begins`},
		"days that end before":         {event(day + "DTEND;VALUE=DATE:20250101"), `f.ics:9: the event ends before it begins`},
		"a start that is a day":        {event(day + "DTEND:20260102T000000Z"), `f.ics:9: DTEND and DTSTART are not both`},
		"an end and a length":          {event(day + "DTEND;VALUE=DATE:20260102\nDURATION:P1D"), `f.ics:10: the event has a DTEND and a DURATION too`},
		"two starts":                   {event(day + day), `f.ics:9: the event has a second DTSTART`},
		"a day that is none":           {event("DTSTART;VALUE=DATE:20260230"), `f.ics:8: DTSTART holds no date or time`},
		"a time called a day":          {event("DTSTART;VALUE=DATE:20260101T000000"), `f.ics:8: DTSTART holds no date`},
		"a zone that is none":          {event("DTSTART;TZID=Mars/Olympus:20260101T000000\nDURATION:PT1H"), `f.ics:8: the time zone "Mars/Olympus" is neither`},
		"the zone of the machine":      {event("DTSTART;TZID=Local:20260101T000000\nDURATION:PT1H"), `the time zone "Local" is neither`},
		"a zone outside its folder":    {event("DTSTART;TZID=../../etc/passwd:20260101T000000\nDURATION:PT1H"), `is neither`},
		"a length in months":           {event(day + "DURATION:P1M"), `f.ics:9: a DURATION such as P1D`},
		"a length back in time":        {event("DTSTART:20260101T000000Z\nDURATION:-PT1H"), `a DURATION such as P1D`},
		"a length of nothing":          {event("DTSTART:20260101T000000Z\nDURATION:P"), `a DURATION such as P1D`},
		"hours of a day":               {event(day + "DURATION:PT5H"), `is not one of days`},
		"a rule that is none":          {event(day + "RRULE:FREQ=SOMETIMES"), `f.ics:9: the recurrence "FREQ=SOMETIMES" cannot be read`},
		"a rule without frequency":     {event(day + "RRULE:INTERVAL=2"), `cannot be read`},
		"a month of 400 days":          {event(day + "RRULE:FREQ=MONTHLY;BYDAY=53MO"), `a month has no such day`},
		"hourly":                       {event("DTSTART:20260101T000000Z\nDURATION:PT1M\nRRULE:FREQ=HOURLY;INTERVAL=24;BYHOUR=5"), `a freeze recurs daily at most`},
		"the thirtieth of February":    {event(day + "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), `the recurrence never comes`},
		"Easter":                       {event(day + "RRULE:FREQ=YEARLY;BYEASTER=-400"), `BYEASTER is not`},
		"an interval beyond time":      {event(day + "RRULE:FREQ=DAILY;INTERVAL=9223372036854775807"), `INTERVAL is too large`},
		"since before all time":        {event("DTSTART;VALUE=DATE:00010101\nRRULE:FREQ=DAILY"), `has to begin between 1900 and 2199`},
		"a bomb of times":              {event("DTSTART:20260101T000000Z\nDURATION:PT1S\nRRULE:FREQ=YEARLY;BYMONTH=1;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11;BYMINUTE=0,1,2,3,4,5,6,7,8,9"), `too many times a day`},
		"a bomb of days":               {ical(strings.Repeat("BEGIN:VEVENT\nDTSTART:19000101T000000Z\nDURATION:PT1S\nRRULE:FREQ=DAILY\nEND:VEVENT\n", 30)), `the calendar's recurrences are too many`},
		"all that follow":              {event(day + "RECURRENCE-ID;RANGE=THISANDFUTURE:20260101T000000Z"), `f.ics:9: a change to this occurrence and all that follow is not understood`},
		"an exception rule":            {event(day + "EXRULE:FREQ=DAILY"), `f.ics:9: EXRULE is not understood`},
		"a day taken out of times":     {event("DTSTART:20260101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEXDATE;VALUE=DATE:20260101"), `f.ics:11: EXDATE names the day 2026-01-01, and the event begins at a time of day`},
		"an exception that is none":    {event(day + "EXDATE:never"), `EXDATE holds no date or time`},
		"a zone without its distances": {ical(strings.ReplaceAll(outlook, "TZOFFSETTO:+0100", "TZOFFSETTO:CET")), `f.ics:9: this part of a time zone has no TZOFFSETTO such as +0100, but "CET"`},
		"a zone without a clock":       {ical("BEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE"), `f.ics:4: the time zone "x" tells of no change of the clock`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := calendar.Read("f.ics", c.text, "UTC", year(2026))
			var b *calendar.Broken
			if !errors.As(err, &b) || !strings.Contains(err.Error(), c.want) || got != nil {
				t.Errorf("Read(%.200q)\n got %s, %v\nwant %s", c.text, shown(got), err, c.want)
			}
		})
	}
}
