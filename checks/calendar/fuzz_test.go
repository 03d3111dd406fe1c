package calendar_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks/calendar"
)

// Whatever a calendar says, reading it ends soon, in freezes that touch the span or in an error with a place.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.ics")
	if err != nil || len(files) == 0 {
		f.Fatalf("no calendars to begin with: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(event("DTSTART:20260101T000000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO,-1SU;BYSETPOS=-1;WKST=SU;UNTIL=20270101"))
	f.Add(event("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYWEEKNO=1,53,-1;BYYEARDAY=366,-366;BYMONTHDAY=-31"))
	f.Add(ical(outlook))
	f.Fuzz(func(t *testing.T, text string) {
		during := year(2026)
		begun := time.Now()
		freezes, err := calendar.Read("f.ics", text, "Europe/Berlin", during)
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("Read took %v", took)
		}
		var b *calendar.Broken
		if err != nil && (!errors.As(err, &b) || b.Line < 1 || b.Calendar != "f.ics" || freezes != nil) {
			t.Errorf("Read = %v, %v, want an error with a place alone", freezes, err)
		}
		for _, z := range freezes {
			if z.Cut(during).Empty() || z.Line < 1 {
				t.Errorf("Read gives %+v, which does not touch %v", z, during)
			}
		}
	})
}
