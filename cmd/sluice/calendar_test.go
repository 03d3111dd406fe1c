package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const calendarPolicy = `environments:
  integration: {}
  production:
    windows: [{days: [tue, thu], from: "09:00", to: "16:00", timezone: Europe/Berlin}]
    freezes:
      - {from: 2026-12-18, to: 2027-01-04, reason: "year end\u202e"}
      - {calendar: ops/freeze.ics}
`

const calendarOfOneDay = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nSUMMARY:Audit\nDTSTART;VALUE=DATE:20261203\nEND:VEVENT\nEND:VCALENDAR\n"

func TestCalendarTellsOpeningsAndFreezes(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.commit("policy", map[string]string{".sluice.yml": calendarPolicy, "ops/freeze.ics": calendarOfOneDay})
	got := sluice(t, "", "calendar", "--repo", r.dir, "--environment", "production", "--from", "2026-12-01", "--for", "18d")
	want := `production: shut until Tue 1 Dec 09:00 CET (08:00 UTC)
  open    Tue 1 Dec 09:00 CET (08:00 UTC)   to Tue 1 Dec 16:00 CET (15:00 UTC)
  open    Tue 8 Dec 09:00 CET (08:00 UTC)   to Tue 8 Dec 16:00 CET (15:00 UTC)
  open    Thu 10 Dec 09:00 CET (08:00 UTC)  to Thu 10 Dec 16:00 CET (15:00 UTC)
  open    Tue 15 Dec 09:00 CET (08:00 UTC)  to Tue 15 Dec 16:00 CET (15:00 UTC)
  open    Thu 17 Dec 09:00 CET (08:00 UTC)  to Thu 17 Dec 16:00 CET (15:00 UTC)
  freeze  Thu 3 Dec 00:00 UTC               to Fri 4 Dec 00:00 UTC       Audit     ops/freeze.ics:2
  freeze  Fri 18 Dec 00:00 UTC              to Tue 5 Jan 2027 00:00 UTC  year end  .sluice.yml:6 environments.production.freezes[0]
`
	if got.code != exitOpen || got.out != want {
		t.Errorf("calendar = %d\n%s%s\nwant\n%s", got.code, got.out, got.errors, want)
	}
	for from, want := range map[string]string{
		"2026-12-01T10:00:00Z": "production: open until Tue 1 Dec 16:00 CET (15:00 UTC)\n",
		"2026-12-18":           "production: shut, and not open before Fri 25 Dec 00:00 UTC\n",
	} {
		if got := sluice(t, "", "calendar", "--repo", r.dir, "--environment", "production", "--from", from, "--for", "7d"); !strings.HasPrefix(got.out, want) {
			t.Errorf("calendar --from %s = %s%s, want %s first", from, got.out, got.errors, want)
		}
	}
}

// What is not committed is not in force, and what is unknown is no opening.
func TestCalendarTellsWhatIsUnknown(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	address := "https://cal.example/f.ics?key=1"
	r.commit("policy", map[string]string{".sluice.yml": calendarPolicy + "      - {calendar: \"" + address + "\"}\n"})
	file := filepath.Join(r.dir, "ops", "freeze.ics")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(calendarOfOneDay), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"calendar", "--repo", r.dir, "--from", "2026-12-01", "--for", "7d"}
	got := sluice(t, "", args...)
	for _, want := range []string{
		"integration: open, at least until Tue 8 Dec 00:00 UTC\n", "production: unknown, since a calendar of freezes could not be read\n",
		"  unknown: ops/freeze.ics could not be read: there is no such text file (.sluice.yml:7 environments.production.freezes[1])\n",
		"  unknown: " + address + " could not be read: it was not given, and nothing is fetched here; give it with --calendar " + address + "=FILE", "  window  Tue 1 Dec",
	} {
		if got.code != exitShut || !strings.Contains(got.out, want) {
			t.Errorf("calendar = %d\n%s%s\nwant it to tell %q", got.code, got.out, got.errors, want)
		}
	}
	given := append(args, "--calendar", address+"="+file, "--calendar", "ops/freeze.ics="+file)
	if got := sluice(t, "", given...); got.code != exitOpen || strings.Contains(got.out, "unknown") || strings.Count(got.out, "Audit") != 2 {
		t.Errorf("calendar with both = %d\n%s%s", got.code, got.out, got.errors)
	}
	var told struct {
		Environments []struct {
			Environment string
			Open        *bool
			Openings    []struct{ From, Zone string }
			Freezes     []struct{ Reason, Calendar string }
			Unknown     []struct{ Calendar string }
		}
	}
	got = sluice(t, "", append(args, "--format", "json")...)
	if err := json.Unmarshal([]byte(got.out), &told); err != nil || len(told.Environments) != 2 {
		t.Fatalf("calendar --format json = %s%s, %v", got.out, got.errors, err)
	}
	if p := told.Environments[1]; p.Open != nil || len(p.Unknown) != 2 || len(p.Openings) != 2 || p.Openings[0].Zone != "Europe/Berlin" || *told.Environments[0].Open != true {
		t.Errorf("calendar --format json = %s", got.out)
	}
	got = sluice(t, "", append(args, "--format", "ical")...)
	if !strings.Contains(got.out, "SUMMARY:production: freezes unknown\r\n") || strings.Contains(got.out, "open for deployments") || got.code != exitShut {
		t.Errorf("calendar --format ical = %d %s", got.code, got.out)
	}
}

func TestCalendarMisused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "p.yml")
	if err := os.WriteFile(file, []byte(calendarPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--format", "icl"}, `--format is text, json, ical, not "icl", did you mean "ical"?`},
		{[]string{"--environment", "prod"}, `the policy has no environment "prod"`},
		{[]string{"--from", "tomorrow"}, "want a time such as"},
		{[]string{"--for", "2y"}, "want a duration such as 30d"},
		{[]string{"--for", "401d"}, "at most 400d"},
		{[]string{"--calendar", "ops/freze.ics=x"}, `not "ops/freze.ics=x", did you mean "ops/freeze.ics"?`},
		{[]string{"--calendar", "ops/freeze.ics=/nowhere/at/all"}, "/nowhere/at/all cannot be read"},
		{[]string{"production"}, `"production" is one argument too many`},
		{[]string{"--environments", "x"}, `there is no option --environments, did you mean "--environment"?`},
	} {
		got := sluice(t, "", append([]string{"calendar", "--policy", file}, c.args...)...)
		if got.code != exitFailed || !strings.Contains(got.errors, c.want) || got.out != "" {
			t.Errorf("calendar %q = %d %s%s, want %s", c.args, got.code, got.out, got.errors, c.want)
		}
	}
}
