package calendar

import (
	"fmt"
	"strings"
	"time"
)

// When tells an instant in a zone and in UTC: "Tue 1 Dec 09:00 CET (08:00 UTC)". The year is told where it is not that
// of now, and the day in UTC where it is another one. A zone that is unknown here is told in UTC.
func When(t, now time.Time, zone string) string {
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		location = time.UTC
	}
	local, utc := t.In(location), t.UTC()
	day := "Mon 2 Jan "
	if local.Year() != now.In(location).Year() {
		day = "Mon 2 Jan 2006 "
	}
	hour := "15:04"
	if t.Second() != 0 {
		hour = "15:04:05"
	}
	if abbreviation(local) == "UTC" {
		return utc.Format(day+hour) + " UTC"
	}
	there := local.Format(day+hour) + " " + abbreviation(local)
	if local.Day() == utc.Day() {
		return fmt.Sprintf("%s (%s UTC)", there, utc.Format(hour))
	}
	return fmt.Sprintf("%s (%s UTC)", there, utc.Format("Mon 2 Jan "+hour))
}

// abbreviation is the zone's, or its distance from UTC where it has none that people use: "CET", "UTC+05:45".
func abbreviation(t time.Time) string {
	name, _ := t.Zone()
	if name == "" || strings.ContainsAny(name[:1], "+-") {
		return "UTC" + t.Format("-07:00")
	}
	return name
}
