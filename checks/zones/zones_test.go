package zones_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/sluicegate/sluice/checks/zones"
)

func TestInstantAndDay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, wall, instant, day string }{
		{"UTC", "2026-03-29T02:30:00", "2026-03-29T02:30:00Z", "2026-03-29T00:00:00Z"},
		{"Europe/Berlin", "2026-07-01T12:00:00", "2026-07-01T10:00:00Z", "2026-06-30T22:00:00Z"},
		{"Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z", "2026-03-28T23:00:00Z"},       // skipped
		{"Europe/Berlin", "2026-03-29T02:00:00", "2026-03-29T01:00:00Z", "2026-03-28T23:00:00Z"},       // the first that is
		{"Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z", "2026-10-24T22:00:00Z"},       // twice
		{"Europe/Berlin", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z", "2026-10-24T22:00:00Z"},       // once again
		{"America/Sao_Paulo", "2018-11-04T00:00:00", "2018-11-04T03:00:00Z", "2018-11-04T03:00:00Z"},   // no midnight
		{"America/Havana", "2026-11-01T00:30:00", "2026-11-01T04:30:00Z", "2026-11-01T04:00:00Z"},      // midnight twice
		{"America/Toronto", "1919-03-31T12:00:00", "1919-03-31T16:00:00Z", "1919-03-31T04:30:00Z"},     // 23:30 to 00:30
		{"Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00Z", "2011-12-30T10:00:00Z"},        // no such day
		{"Pacific/Apia", "2011-12-31T00:00:00", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},        // the day after
		{"Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00Z", "2026-10-03T13:30:00Z"}, // half an hour
		{"Asia/Kathmandu", "2026-01-01T00:00:00", "2025-12-31T18:15:00Z", "2025-12-31T18:15:00Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		wall, err := time.Parse("2006-01-02T15:04:05", c.wall)
		if err != nil {
			t.Fatal(err)
		}
		if got := zones.Instant(wall, zone).Format(time.RFC3339); got != c.instant {
			t.Errorf("Instant(%s, %s) = %s, want %s", c.wall, c.zone, got, c.instant)
		}
		if got := zones.Day(wall, zone).Format(time.RFC3339); got != c.day {
			t.Errorf("Day(%s, %s) = %s, want %s", c.wall, c.zone, got, c.day)
		}
	}
}
