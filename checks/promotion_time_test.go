package checks

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const bigPast = 400 * 24 * time.Hour

func TestPromotionWindow(t *testing.T) {
	t.Parallel()
	on := func(year int, month time.Month, day, hour, minute int) func(*Facts, *Promotion) {
		return func(f *Facts, p *Promotion) { f.At = time.Date(year, month, day, hour, minute, 0, 0, time.UTC) }
	}
	runLines(t, "window", map[string]lineCase{
		"open":              {want: Pass, says: "open until Tue 1 Dec 16:00 CET (15:00 UTC)"},
		"as it opens":       {facts: on(2026, 12, 1, 8, 0), want: Pass},
		"before it opens":   {facts: on(2026, 12, 1, 7, 59), want: Wait, says: "Tue 1 Dec 09:00 CET (08:00 UTC)", until: time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)},
		"as it shuts":       {facts: on(2026, 12, 1, 15, 0), want: Wait, says: "Thu 3 Dec 09:00 CET", until: time.Date(2026, 12, 3, 8, 0, 0, 0, time.UTC)},
		"in summer":         {facts: on(2026, 7, 7, 6, 59), want: Wait, says: "09:00 CEST (07:00 UTC)", until: time.Date(2026, 7, 7, 7, 0, 0, 0, time.UTC)},
		"without an end":    {policy: "windows: [{days: [mon, tue, wed, thu, fri, sat, sun]}]", facts: on(2026, 12, 6, 3, 0), want: Pass, says: "A window is open, and stays so."},
		"and a way around":  {policy: "environments: {production: {windows: [{days: [mon]}]}}\noverride: {checks: [window]}", facts: on(2026, 12, 6, 3, 0), want: Wait, says: "/sluice override window REASON", until: time.Date(2026, 12, 7, 0, 0, 0, 0, time.UTC)},
		"at any time":       {policy: "windows: []", facts: on(2026, 12, 6, 3, 0), want: Pass, says: "at any time"},
		"one of several":    {policy: "windows: [{days: [mon]}, {days: [tue], from: '10:00', to: '12:00'}]", want: Pass, says: "environments.production.windows[1]"},
		"advised":           {policy: "modes: {window: advise}", facts: on(2026, 12, 6, 3, 0), want: Advise},
		"observed":          {policy: "modes: {window: observe}", facts: on(2026, 12, 6, 3, 0), want: Wait},
		"the floor's too":   {floor: "required: {environments: {production: {windows: [{days: [tue], from: '11:00', to: '12:00'}]}}}", facts: on(2026, 12, 1, 10, 0), want: Wait, says: "Tue 1 Dec 11:00 UTC", until: time.Date(2026, 12, 1, 11, 0, 0, 0, time.UTC)},
		"both wait":         {floor: "required: {environments: {production: {windows: [{days: [fri]}]}}}", facts: on(2026, 12, 2, 10, 0), want: Wait, until: time.Date(2026, 12, 4, 0, 0, 0, 0, time.UTC)},
		"of a long overdue": {facts: func(f *Facts, p *Promotion) { p.Requested = f.At.Add(bigPast) }, want: Pass},
	})
}

func TestPromotionFreeze(t *testing.T) {
	t.Parallel()
	frozen := time.Date(2026, 12, 22, 11, 0, 0, 0, time.UTC)
	over := time.Date(2027, 1, 4, 23, 0, 0, 0, time.UTC)
	in := func(f *Facts, p *Promotion) { f.At = frozen }
	calendars := func(c ...Calendar) func(*Facts, *Promotion) { return func(f *Facts, p *Promotion) { p.Calendars = c } }
	forge := func(z ...Frozen) func(*Facts, *Promotion) { return func(f *Facts, p *Promotion) { p.Frozen = z } }
	const by = "freezes: [{calendar: ops/freeze.ics}]"
	runLines(t, "freeze", map[string]lineCase{
		"none now":                  {want: Pass},
		"none planned":              {policy: "freezes: []", facts: in, want: Pass},
		"frozen":                    {facts: in, want: Wait, says: "Frozen (year end) until Tue 5 Jan 2027 00:00 CET (Mon 4 Jan 23:00 UTC).", until: over},
		"frozen, and a way through": {facts: in, want: Wait, says: "/sluice override freeze REASON", until: over},
		"frozen on the last day":    {facts: func(f *Facts, p *Promotion) { f.At = over.Add(-1) }, want: Wait, until: over},
		"frozen no more":            {facts: func(f *Facts, p *Promotion) { f.At = over }, want: Pass},
		"frozen by the floor":       {floor: "required: {environments: {production: {freezes: [{from: 2026-12-01, to: 2026-12-01}]}}}", want: Wait, says: "Frozen until", until: time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)},
		"a calendar nobody read":    {policy: by, want: Unknown, says: "ops/freeze.ics"},
		"a calendar that failed":    {policy: by, facts: calendars(Calendar{Name: "ops/freeze.ics", Failed: "answered 503", Read: noon}), want: Unknown, says: "503"},
		"a calendar that is old":    {policy: by, facts: calendars(Calendar{Name: "ops/freeze.ics", Text: "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", Read: ago(61 * time.Minute)}), want: Unknown, says: "last hour"},
		"a calendar never read":     {policy: by, facts: calendars(Calendar{Name: "ops/freeze.ics", Text: "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"}), want: Unknown, says: "last hour"},
		"another calendar":          {policy: by, facts: calendars(Calendar{Name: "ops/Freeze.ics", Text: "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", Read: noon}), want: Unknown},
		"a calendar that freezes now": {policy: by, facts: calendars(Calendar{Name: "ops/freeze.ics", Text: ics("20261130", "20261203"), Read: ago(59 * time.Minute)}),
			want: Wait, says: "Frozen (inventory) until Thu 3 Dec 00:00 UTC", until: time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC)},
		"a calendar that froze before": {policy: by, facts: calendars(Calendar{Name: "ops/freeze.ics", Text: ics("20261120", "20261201"), Read: noon}), want: Pass},
		"a calendar and a date that touch": {policy: "freezes: [{calendar: ops/freeze.ics}, {from: 2026-12-03, to: 2026-12-04}]",
			facts: calendars(Calendar{Name: "ops/freeze.ics", Text: ics("20261130", "20261203"), Read: noon}), want: Wait, says: "until Sat 5 Dec 00:00 UTC", until: time.Date(2026, 12, 5, 0, 0, 0, 0, time.UTC)},
		"frozen, and another calendar unknown": {policy: "freezes: [{calendar: ops/freeze.ics}, {calendar: ops/more.ics}]",
			facts: calendars(Calendar{Name: "ops/freeze.ics", Text: ics("20261130", "20261203"), Read: noon}), want: Unknown, says: "ops/more.ics"},
		"frozen by the forge": {facts: forge(Frozen{From: ago(time.Hour), To: noon.Add(time.Hour), Zone: "Europe/Berlin", Source: "freeze period 3 of acme/shop"}),
			want: Wait, says: "Frozen until Tue 1 Dec 13:00 CET (12:00 UTC).", until: noon.Add(time.Hour)},
		"frozen by the forge, and says where": {policy: "freezes: []", facts: forge(Frozen{From: noon, To: noon.Add(1), Source: "freeze period 3 of acme/shop"}), want: Wait, until: noon.Add(1), says: "The freeze is that of freeze period 3 of acme/shop."},
		"frozen by the forge until now":       {facts: forge(Frozen{From: ago(time.Hour), To: noon}), want: Pass},
		"frozen by the forge from later on":   {facts: forge(Frozen{From: noon.Add(1), To: noon.Add(time.Hour)}), want: Pass},
		"frozen by the forge beside a floor": {floor: "required: {environments: {production: {freezes: [{from: 2026-11-01, to: 2026-11-01}]}}}", facts: forge(Frozen{From: noon, To: noon.Add(time.Minute)}),
			want: Wait, until: noon.Add(time.Minute)},
		"frozen by both":            {facts: forge(Frozen{From: ago(time.Hour), To: time.Date(2026, 12, 17, 23, 0, 0, 0, time.UTC)}), want: Wait, says: "until Mon 4 Jan 2027 23:00 UTC", until: over},
		"the forge's are not known": {facts: func(f *Facts, p *Promotion) { f.Gaps = append(f.Gaps, Gap{"freezes", "GitLab answered 500."}) }, want: Unknown, says: "GitLab answered 500"},
		"the forge's, overridable":  {facts: forge(Frozen{From: noon, To: noon.Add(time.Hour)}), want: Wait, until: noon.Add(time.Hour), says: "/sluice override freeze REASON"},
		"a broken calendar":         {policy: by, facts: calendars(Calendar{Name: "ops/freeze.ics", Text: "<html>", Read: noon}), want: Unknown},
	})
}

// ics is a calendar with one event of whole days.
func ics(from, to string) string {
	return strings.ReplaceAll("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//t//t//EN\nBEGIN:VEVENT\nUID:1@t\nDTSTAMP:20260101T000000Z\nDTSTART;VALUE=DATE:"+
		from+"\nDTEND;VALUE=DATE:"+to+"\nSUMMARY:inventory\nEND:VEVENT\nEND:VCALENDAR\n", "\n", "\r\n")
}

func TestPromotionInterval(t *testing.T) {
	t.Parallel()
	newest := func(d Deployment) func(*Facts, *Promotion) {
		return func(f *Facts, p *Promotion) { p.Deployments = append([]Deployment{d}, p.Deployments...) }
	}
	runLines(t, "interval", map[string]lineCase{
		"long enough ago":            {want: Pass},
		"exactly so long ago":        {facts: newest(Deployment{Commit: living, At: ago(4 * time.Hour)}), want: Pass},
		"too recent":                 {facts: newest(Deployment{Commit: living, At: ago(3 * time.Hour), State: "success"}), want: Wait, says: "Tue 1 Dec 12:00 UTC", until: noon.Add(time.Hour)},
		"too recent, though it fell": {facts: newest(Deployment{Commit: living, At: ago(time.Hour), State: "failure"}), want: Wait, until: noon.Add(3 * time.Hour)},
		"in times to come":           {facts: newest(Deployment{Commit: living, At: noon.Add(time.Hour)}), want: Wait, until: noon.Add(5 * time.Hour)},
		"its own":                    {facts: newest(Deployment{Commit: candidate, At: ago(time.Minute), Ours: true, Promotion: "9"}), want: Pass},
		"one that claims to be its own": {facts: newest(Deployment{Commit: candidate, At: ago(time.Minute), Promotion: "9"}), want: Wait,
			until: noon.Add(4*time.Hour - time.Minute)},
		"another promotion of the same commit": {facts: newest(Deployment{Commit: candidate, At: ago(time.Minute), Ours: true, Promotion: "8"}), want: Wait,
			until: noon.Add(4*time.Hour - time.Minute)},
		"a workflow's that waits for leave": {facts: newest(Deployment{Commit: candidate, At: ago(time.Minute), Workflow: true, State: "waiting"}), want: Pass},
		"a workflow's that runs": {facts: newest(Deployment{Commit: candidate, At: ago(time.Minute), Workflow: true, State: "in_progress"}), want: Wait,
			until: noon.Add(4*time.Hour - time.Minute)},
		"nothing before": {facts: func(f *Facts, p *Promotion) { p.Deployments = nil }, want: Pass},
		"nothing that was told": {facts: func(f *Facts, p *Promotion) {
			p.Deployments, f.Gaps = nil, []Gap{{"deployments", "GitHub answered 502."}}
		}, want: Unknown, says: "502"},
		"not asked for": {policy: "interval: '0'", facts: newest(Deployment{At: noon}), want: Pass},
	})
}

func TestPromotionLock(t *testing.T) {
	t.Parallel()
	locks := func(l ...Lock) func(*Facts, *Promotion) { return func(f *Facts, p *Promotion) { p.Locks = l } }
	automatic := func(change func(*Facts, *Promotion)) func(*Facts, *Promotion) {
		return func(f *Facts, p *Promotion) { change(f, p); p.How = Automatic }
	}
	runLines(t, "lock", map[string]lineCase{
		"none":                               {want: Pass},
		"the environment's":                  {facts: locks(Lock{Environment: "Production", By: bo, Reason: "audit"}), want: Wait, says: "production is locked by bo: audit"},
		"how to lift it":                     {facts: locks(Lock{Environment: "production", By: bo, Reason: "audit"}), want: Wait, says: "/sluice unlock production"},
		"the repository's":                   {facts: locks(Lock{By: bo, Reason: "audit"}), want: Wait, says: "The repository is locked by bo"},
		"another environment's":              {facts: locks(Lock{Environment: "integration", By: bo}), want: Pass},
		"one that runs out":                  {facts: locks(Lock{By: bo, Until: noon.Add(time.Hour)}), want: Wait, says: "until Tue 1 Dec 12:00 UTC", until: noon.Add(time.Hour)},
		"one that has run out":               {facts: locks(Lock{By: bo, Until: noon}), want: Pass},
		"two, one without end":               {facts: locks(Lock{By: bo, Until: noon.Add(time.Hour)}, Lock{Environment: "production", By: ana}), want: Wait, says: "locked by ana"},
		"two that run out":                   {facts: locks(Lock{By: bo, Until: noon.Add(time.Hour)}, Lock{By: ana, Until: noon.Add(2 * time.Hour)}), want: Wait, until: noon.Add(2 * time.Hour)},
		"of what nobody asked":               {facts: automatic(locks(Lock{By: bo, Reason: "rolled back", Unasked: true})), want: Wait, says: "by itself is locked"},
		"not of what was asked":              {facts: locks(Lock{By: bo, Unasked: true}), want: Pass},
		"of a merge, unasked":                {facts: func(f *Facts, p *Promotion) { p.Locks, p.How = []Lock{{By: bo, Unasked: true}}, OnMerge }, want: Wait},
		"another under way":                  {facts: func(f *Facts, p *Promotion) { p.UnderWay = &UnderWay{Commit: living, Since: ago(time.Minute), By: bo} }, want: Wait, says: "one at a time"},
		"switched off":                       {policy: "modes: {lock: off}", facts: locks(Lock{By: bo}), want: Skip},
		"switched off, but not by the floor": {policy: "modes: {lock: off}", floor: "required: {environments: {production: {modes: {lock: enforce}}}}", facts: locks(Lock{By: bo}), want: Wait},
	})
}

func TestPromotionStatuses(t *testing.T) {
	t.Parallel()
	shown := func(list ...Status) func(*Facts, *Promotion) {
		return func(f *Facts, p *Promotion) { f.Statuses = append([]Status{{Name: "e2e", State: "success"}}, list...) }
	}
	runLines(t, "statuses", map[string]lineCase{
		"green":                               {want: Pass, says: "Green: build, e2e."},
		"missing":                             {facts: shown(), want: Wait, says: "build was not told of c0ffee0"},
		"red":                                 {facts: shown(Status{Name: "build", State: "failure"}), want: Wait, says: "run it again or promote another commit"},
		"skipped":                             {facts: shown(Status{Name: "build", State: "skipped"}), want: Wait, says: "skipped"},
		"neutral":                             {facts: shown(Status{Name: "build", State: "neutral"}), want: Wait, says: "neutral"},
		"running":                             {facts: shown(Status{Name: "build", State: "in_progress"}), want: Wait, says: "not done"},
		"a state nobody has heard of":         {facts: shown(Status{Name: "build", State: "splendid"}), want: Wait},
		"two of one name, one red":            {facts: shown(Status{Name: "build", State: "success"}, Status{Name: "build", State: "error"}), want: Wait},
		"two of one name, one running":        {facts: shown(Status{Name: "build", State: "pending"}, Status{Name: "build", State: "success"}), want: Wait},
		"forged in another case":              {facts: shown(Status{Name: "BUILD", State: "success"}), want: Wait, says: "was not told"},
		"red in another case":                 {facts: shown(Status{Name: "build", State: "success"}, Status{Name: "Build", State: "failure"}), want: Wait},
		"with a space at the end":             {facts: shown(Status{Name: "build ", State: "success"}), want: Wait},
		"our own":                             {facts: shown(Status{Name: "build", State: "success", Ours: true}), want: Wait},
		"that could not be read":              {facts: func(f *Facts, p *Promotion) { f.Gaps = []Gap{{"statuses", "GitHub answered 502."}} }, want: Unknown, says: "502"},
		"none asked for":                      {policy: "statuses: []", facts: func(f *Facts, p *Promotion) { f.Gaps = []Gap{{"statuses", "x"}} }, want: Pass},
		"another one, which nobody asked for": {facts: func(f *Facts, p *Promotion) { f.Statuses = append(f.Statuses, Status{Name: "lint", State: "failure"}) }, want: Pass},
	})
}

func TestPromotionAfter(t *testing.T) {
	t.Parallel()
	stage := func(state string, live time.Time, statuses ...Status) func(*Facts, *Promotion) {
		return func(f *Facts, p *Promotion) {
			p.Before = &Stage{Environment: "Integration", State: state, Live: live}
			f.Statuses = statuses
		}
	}
	green := Status{Name: "smoke-tests", State: "success", At: ago(5 * time.Minute)}
	for _, state := range []string{"requested", "gated", "deploying", "failed", "superseded", "rolled back", "cancelled", "splendid", ""} {
		for _, line := range []string{"after", "verify", "soak"} {
			runLines(t, line, map[string]lineCase{"it is " + state + " there: " + line: {facts: stage(state, ago(time.Hour), green), want: Wait, says: "has to be live and well in integration first"}})
		}
	}
	runLines(t, "after", map[string]lineCase{
		"verified there":        {want: Pass, says: "verified in integration"},
		"live there":            {facts: stage("live", ago(time.Minute)), want: Pass},
		"never there":           {facts: func(f *Facts, p *Promotion) { p.Before = nil }, want: Wait, says: "/sluice deploy integration c0ffee0"},
		"told of another one":   {facts: func(f *Facts, p *Promotion) { p.Before.Environment = "development" }, want: Unknown},
		"live since whenever":   {facts: stage("live", time.Time{}), want: Unknown},
		"live in times to come": {facts: stage("live", noon.Add(time.Hour)), want: Unknown},
		"none before":           {policy: "environments: {production: {}}", facts: func(f *Facts, p *Promotion) { p.Before = nil }, want: Pass},
		"the floor's order":     {policy: "environments: {integration: {}, production: {}}", floor: "required: {environments: {production: {after: integration}}}", facts: func(f *Facts, p *Promotion) { p.Before = nil }, want: Wait},
		"a hotfix keeps order":  {policy: "hotfix: {when: {labels: [hotfix]}}", facts: func(f *Facts, p *Promotion) { p.Before = nil }, want: Wait},
	})
	live := ago(10 * time.Minute)
	runLines(t, "verify", map[string]lineCase{
		"verified there":               {want: Pass},
		"green since":                  {facts: stage("live", live, green), want: Pass},
		"not yet":                      {facts: stage("live", live), want: Wait, says: "smoke-tests has not turned green yet"},
		"green before it was live":     {facts: stage("live", live, with(green, func(s *Status) { s.At = live })), want: Wait},
		"green at no time":             {facts: stage("live", live, with(green, func(s *Status) { s.At = time.Time{} })), want: Wait},
		"red since":                    {facts: stage("live", live, with(green, func(s *Status) { s.State = "failure" })), want: Wait, says: "smoke-tests is red (failure)"},
		"green and red since":          {facts: stage("live", live, green, with(green, func(s *Status) { s.State = "timed_out" })), want: Wait},
		"running":                      {facts: stage("live", live, with(green, func(s *Status) { s.State = "in_progress" })), want: Wait, says: "in_progress"},
		"skipped":                      {facts: stage("live", live, with(green, func(s *Status) { s.State = "skipped" })), want: Wait},
		"forged in another case":       {facts: stage("live", live, with(green, func(s *Status) { s.Name = "Smoke-Tests" })), want: Wait},
		"our own":                      {facts: stage("live", live, with(green, func(s *Status) { s.Ours = true })), want: Wait},
		"that could not be read":       {facts: func(f *Facts, p *Promotion) { stage("live", live, green)(f, p); f.Gaps = []Gap{{"statuses", "x"}} }, want: Unknown},
		"what is there is not guarded": {policy: "environments: {integration: {mode: off}, production: {after: integration}}", facts: stage("live", live, green), want: Unknown},
		"the floor's there":            {floor: "required: {environments: {integration: {verify: [scan]}}}", facts: stage("live", live, green), want: Wait, says: "scan has not turned green"},
		"nothing asked for there":      {policy: "environments: {integration: {}, production: {after: integration}}", facts: stage("live", live), want: Pass, says: "Nothing has to turn green"},
		"none before":                  {policy: "environments: {production: {}}", want: Pass},
	})
	const urgent = "environments: {integration: {soak: 15m, hotfix: {when: {labels: [hotfix]}, soak: 1m}}, production: {after: integration}}"
	runLines(t, "soak", map[string]lineCase{
		"verified there":           {want: Pass},
		"soaked":                   {facts: stage("live", ago(15*time.Minute)), want: Pass, says: "live in integration since"},
		"not yet":                  {facts: stage("live", ago(14*time.Minute)), want: Wait, says: "until Tue 1 Dec 11:01 UTC", until: noon.Add(time.Minute)},
		"no soak":                  {policy: "environments: {integration: {}, production: {after: integration}}", facts: stage("live", noon), want: Pass},
		"the floor's is longer":    {floor: "required: {environments: {integration: {soak: 1h}}}", facts: stage("live", ago(20*time.Minute)), want: Wait, says: "required.environments.integration.soak", until: noon.Add(40 * time.Minute)},
		"a hotfix soaks shorter":   {policy: urgent, facts: stage("live", ago(2*time.Minute)), want: Pass},
		"any other does not":       {policy: urgent, facts: func(f *Facts, p *Promotion) { stage("live", ago(2*time.Minute))(f, p); p.Origin.Change.Labels = nil }, want: Wait, until: noon.Add(13 * time.Minute)},
		"one nobody knows of":      {policy: urgent, facts: func(f *Facts, p *Promotion) { stage("live", ago(2*time.Minute))(f, p); p.Origin = nil }, want: Wait, until: noon.Add(13 * time.Minute)},
		"a floor's is not shorter": {policy: urgent, floor: "required: {environments: {integration: {soak: 5m}}}", facts: stage("live", ago(2*time.Minute)), want: Wait, until: noon.Add(3 * time.Minute)},
	})
}

func TestProve(t *testing.T) {
	t.Parallel()
	const text = "environments: {a: {soak: 15m, verify: [smoke, load], hotfix: {when: {labels: [h]}, soak: 1m}}, b: {}, c: {soak: 5m}, off: {mode: off}}"
	status := func(name, state string, ago time.Duration) Status {
		return Status{Name: name, State: state, At: noon.Add(-ago)}
	}
	green := []Status{status("smoke", "success", time.Minute), status("load", "success", time.Minute)}
	posted, rerun := "What deploys or tests there has to post it on the commit, after the deployment succeeded.", "Run it again if the failure was not the commit's; else promote another commit."
	for name, c := range map[string]struct {
		environment string
		statuses    []Status
		live        time.Time
		hotfix      bool
		want        Proving
	}{
		"nothing asked":       {"b", nil, noon, false, Proving{Well: true}},
		"green and soaked":    {"A", green, ago(15 * time.Minute), false, Proving{Well: true}},
		"green, and soaking":  {"a", green, ago(5 * time.Minute), false, Proving{Waits: "Soaks until Tue 1 Dec 11:10 UTC.", How: "It has to be live there for 15m; this ends by itself.", Until: noon.Add(10 * time.Minute), Soaks: true}},
		"a hotfix":            {"a", green, ago(5 * time.Minute), true, Proving{Well: true}},
		"soaked, one missing": {"a", green[:1], ago(time.Hour), false, Proving{Waits: "load has not turned green yet since it went live.", How: posted, Open: true}},
		"red within the soak": {"a", []Status{status("load", "failure", time.Minute)}, ago(5 * time.Minute), false,
			Proving{Red: "load: failure", Waits: "load is red (failure) since it went live.", How: rerun, Until: noon.Add(10 * time.Minute), Soaks: true, Open: true}},
		"red after the soak":     {"a", []Status{green[0], status("load", "cancelled", time.Minute)}, ago(time.Hour), false, Proving{Red: "load: cancelled", Waits: "load is red (cancelled) since it went live.", How: rerun, Open: true}},
		"red before it was live": {"a", append([]Status{status("load", "failure", 2*time.Hour)}, green...), ago(time.Hour), false, Proving{Well: true}},
		"begun before it was live": {"a", []Status{green[0], with(green[1], func(s *Status) { s.Began = ago(61 * time.Minute) })}, ago(time.Hour), false,
			Proving{Waits: "load has not turned green yet since it went live.", How: "What is shown of it had begun before it went live, so it does not count: run it again.", Open: true}},
		"red, and begun before it was live": {"a", []Status{green[0], with(status("load", "failure", time.Minute), func(s *Status) { s.Began = ago(61 * time.Minute) })}, ago(time.Hour), false,
			Proving{Waits: "load has not turned green yet since it went live.", How: "What is shown of it had begun before it went live, so it does not count: run it again.", Open: true}},
		"begun since it was live": {"a", []Status{green[0], with(green[1], func(s *Status) { s.Began = ago(time.Hour) })}, ago(time.Hour), false, Proving{Well: true}},
		"in the second of the success": {"a", []Status{green[0], status("load", "success", time.Hour)}, ago(time.Hour), false,
			Proving{Waits: "load has not turned green yet since it went live.", How: "What is shown of it came in the very second in which it went live, so it does not count: run it again.", Open: true}},
		"a soak without statuses": {"c", nil, ago(5 * time.Minute), false, Proving{Well: true}},
		"a clock before":          {"c", nil, noon.Add(time.Minute), false, Proving{Waits: "Soaks until Tue 1 Dec 11:06 UTC.", How: "It has to be live there for 5m; this ends by itself.", Until: noon.Add(6 * time.Minute), Soaks: true}},
		"live at no time":         {"b", nil, time.Time{}, false, Proving{Waits: "Since when it is live is not known.", Unread: true}},
		"not guarded":             {"off", nil, noon, false, Proving{Waits: "No policy in force guards the environment.", Unread: true}},
	} {
		if got := Prove(policies(t, text), c.environment, c.statuses, c.live, noon, c.hotfix); got != c.want {
			t.Errorf("%s: Prove = %+v, want %+v", name, got, c.want)
		}
	}
}

func TestPromotionLineage(t *testing.T) {
	t.Parallel()
	fix := Carried{Commit: "f1x0000000", Title: "Mend the till", Author: cid, Patch: "p9"}
	lacks := func(list ...Carried) func(*Facts, *Promotion) { return func(f *Facts, p *Promotion) { p.Lacks = list } }
	picked := func(patch string) func(*Facts, *Promotion) {
		return func(f *Facts, p *Promotion) {
			p.Lacks = []Carried{with(fix, func(c *Carried) { c.Patch = patch })}
			p.Between = append(p.Between, Carried{Commit: "b2", Change: 8, Patch: patch})
		}
	}
	var many []Carried
	for range 14 {
		many = append(many, fix)
	}
	runLines(t, "lineage", map[string]lineCase{
		"all of it is there":                {want: Pass, says: "Contains 11fe000"},
		"one is lacking":                    {facts: lacks(fix), want: Fail, says: "Lacks f1x0000 by cid, which is live: Mend the till."},
		"many are lacking":                  {facts: lacks(many...), want: Fail, says: "4 more commits"},
		"one was cherry-picked":             {facts: picked("p9"), want: Pass},
		"two without a patch are not alike": {facts: picked(""), want: Fail},
		"nothing is live":                   {facts: func(f *Facts, p *Promotion) { p.Deployments, p.Lacks = nil, []Carried{fix} }, want: Pass, says: "Nothing is live"},
		"what is live is not known":         {facts: func(f *Facts, p *Promotion) { p.Deployments, f.Gaps = nil, []Gap{{"deployments", "x"}} }, want: Unknown},
		"what lacks is not known":           {facts: func(f *Facts, p *Promotion) { f.Gaps = []Gap{{"lacks", "GitHub answered 502."}} }, want: Unknown, says: "502"},
		"what lies between is not known":    {facts: func(f *Facts, p *Promotion) { f.Gaps = []Gap{{"between", "x"}} }, want: Unknown},
		"nothing was compared":              {facts: func(f *Facts, p *Promotion) { p.Between = nil }, want: Unknown},
		"the very commit is live":           {facts: func(f *Facts, p *Promotion) { p.Between, p.Deployments[0].Commit = nil, candidate }, want: Pass},
		"not asked for":                     {policy: "lineage: off", facts: lacks(fix), want: Pass},
		"advised":                           {policy: "lineage: advise", facts: lacks(fix), want: Advise},
		"both have to ask":                  {policy: "modes: {lineage: observe}", facts: lacks(fix), want: Fail},
		"how to go back on purpose":         {facts: lacks(fix), want: Fail, says: "/sluice rollback production c0ffee0 REASON"},
	})
	v := JudgePromotion(policies(t, replaced(chain, "modes: {lineage: observe}")), with(*promotable(), func(f *Facts) { f.Promotion.Lacks = []Carried{fix} }).pointer())[12]
	if v.Blocks() {
		t.Errorf("an observed lineage blocks: %+v", v)
	}
}

func (f Facts) pointer() *Facts { return &f }

func TestPromotionChanges(t *testing.T) {
	t.Parallel()
	between := func(list ...Carried) func(*Facts, *Promotion) {
		return func(f *Facts, p *Promotion) { p.Between = list }
	}
	good := Carried{Commit: candidate, Change: 7}
	pushed := Carried{Commit: "badbadbad0", Title: "Quick one", Author: eve}
	merged := func(change func(*Promotion)) func(*Facts, *Promotion) {
		return func(f *Facts, p *Promotion) { p.How = OnMerge; change(p) }
	}
	running := func(event string, change func(*Promotion)) func(*Facts, *Promotion) {
		return func(f *Facts, p *Promotion) { p.How, p.Event = Workflow, event; change(p) }
	}
	var many []Carried
	for range 15 {
		many = append(many, pushed)
	}
	runLines(t, "changes", map[string]lineCase{
		"all came by open gates":     {want: Pass, says: "All of 1 commit came"},
		"one was pushed":             {facts: between(good, pushed), want: Fail, says: "badbadb by eve was pushed without a change: Quick one."},
		"one of a change below none": {facts: between(with(pushed, func(c *Carried) { c.Change = -1 })), want: Fail},
		"one was pushed, for ever":   {facts: between(good, pushed), want: Fail, says: "reverted or not"},
		"one came past its gate":     {facts: between(with(good, func(c *Carried) { c.Shut = "approval waits" })), want: Fail, says: "came by #7 past a shut gate (approval waits)"},
		"one nobody looked at":       {facts: between(good, with(good, func(c *Carried) { c.Shut = "?" })), want: Unknown, says: "not known yet"},
		"many were pushed":           {facts: between(many...), want: Fail, says: "5 more commits came past the gate"},
		"not all are known":          {facts: func(f *Facts, p *Promotion) { f.Gaps = []Gap{{"between", "More than 250 commits."}} }, want: Unknown, says: "250"},
		"what is live is not known":  {facts: func(f *Facts, p *Promotion) { f.Gaps = []Gap{{"deployments", "x"}} }, want: Unknown},
		"what lacks does not matter": {facts: func(f *Facts, p *Promotion) { f.Gaps = []Gap{{"lacks", "x"}} }, want: Pass},
		"nothing is live":            {facts: func(f *Facts, p *Promotion) { p.Deployments, p.Between = nil, nil }, want: Pass},
		"it brings nothing":          {facts: func(f *Facts, p *Promotion) { p.Between, p.Lacks = nil, []Carried{good} }, want: Pass, says: "brings no commit"},
		"not asked for":              {policy: "changes: off", facts: between(pushed), want: Pass},
		"a commit inside a change": {facts: func(f *Facts, p *Promotion) { p.Origin.Change.MergeCommit = living }, want: Fail,
			says: "c0ffee0 is a commit inside #7, which nobody judged by itself; the merge made 11fe000."},
		"what the merge made":                     {facts: func(f *Facts, p *Promotion) { p.Origin.Change.MergeCommit = candidate }, want: Pass},
		"on another branch":                       {facts: func(f *Facts, p *Promotion) { p.OnBranch = false }, want: Fail, says: "not on the default branch"},
		"on another branch as far as known now":   {facts: func(f *Facts, p *Promotion) { p.OnBranch, p.Requested = false, noon }, want: Unknown},
		"on another branch, where it may be so":   {policy: "changes: off", facts: func(f *Facts, p *Promotion) { p.OnBranch = false }, want: Pass},
		"inside a change, with nothing live here": {facts: func(f *Facts, p *Promotion) { p.Origin.Change.MergeCommit, p.Deployments = living, nil }, want: Pass},

		"a run on another branch, with nothing live here": {facts: running("push", func(p *Promotion) { p.OnBranch, p.Deployments = false, nil }), want: Fail, says: "not on the default branch"},
		"a run on the branch, with nothing live here":     {facts: running("push", func(p *Promotion) { p.Deployments, p.Between = nil, nil }), want: Pass},
		"a run of a pull request": {policy: "mode: advise", facts: running("pull_request", func(p *Promotion) { p.Deployments, p.Between = nil, nil }), want: Fail,
			says: "set off by pull_request: it executes a merge that nobody judged, and not c0ffee0."},
		"a run of a pull request's target": {policy: "changes: off\nmodes: {changes: off}", facts: running("pull_request_target", func(p *Promotion) {}), want: Fail},
		"a run of a push":                  {policy: "changes: off", facts: running("push", func(p *Promotion) {}), want: Pass},

		"a merge through an open gate":                 {policy: "changes: off", facts: merged(func(p *Promotion) {}), want: Pass},
		"a merge past the gate":                        {policy: "changes: off", facts: merged(func(p *Promotion) { p.Origin.Gate = "approval waits" }), want: Fail, says: "#7 was merged while its gate was not open: approval waits"},
		"a merge past the gate, where the line is off": {policy: "changes: off\nmodes: {changes: off}", facts: merged(func(p *Promotion) { p.Origin.Gate = "x" }), want: Fail},
		"a merge past the gate, where all is advised":  {policy: "mode: advise", facts: merged(func(p *Promotion) { p.Origin.Gate = "x" }), want: Fail},
		"a merge past the gate, with nothing live":     {policy: "changes: off", facts: merged(func(p *Promotion) { p.Origin.Gate, p.Deployments = "x", nil }), want: Fail},
		"a merge nobody looked at":                     {policy: "changes: off", facts: merged(func(p *Promotion) { p.Origin.Known = false }), want: Unknown},
		"a merge of no known change":                   {policy: "changes: off", facts: merged(func(p *Promotion) { p.Origin = nil }), want: Unknown},
		"asked for by name, past the gate":             {policy: "changes: off", facts: func(f *Facts, p *Promotion) { p.Origin.Gate = "x" }, want: Pass},
	})
}

// Every line that does not pass says what cures it, and by which rule.
func TestEveryFindingNamesItsRule(t *testing.T) {
	t.Parallel()
	f := &Facts{At: noon.Add(-8 * time.Hour), Listed: true, Promotion: &Promotion{Environment: "production", Commit: candidate, How: ByCommand, Requester: eve,
		Deployments: []Deployment{{Commit: living, At: noon, Live: noon}}, Lacks: []Carried{{Commit: living}}, Between: []Carried{{Commit: candidate}},
		Locks: []Lock{{By: bo}}}, People: map[int64]Person{5: {ID: 5, Permission: "read"}}}
	for _, v := range JudgePromotion(policies(t, chain), f) {
		for _, x := range v.Findings {
			if !x.Outcome.Open() && (x.How == "" || !strings.HasPrefix(x.Rule, ".sluice.yml:")) {
				t.Errorf("%s: %q by %q is cured by %q, want a rule and a cure", v.Check, x.What, x.Rule, x.How)
			}
		}
	}
}

// Whoever a line waits for is named: people, a team, or what has to turn green.
func TestWhoALineWaitsForIsNamed(t *testing.T) {
	t.Parallel()
	for line, c := range map[string]struct {
		policy string
		facts  func(*Facts, *Promotion)
		want   string
	}{
		"approval": {"", func(f *Facts, p *Promotion) { p.Approvals = nil }, "bo or cid"},
		"statuses": {"", func(f *Facts, p *Promotion) { f.Statuses[1].State = "pending" }, "CI: e2e"},
		"after":    {"", func(f *Facts, p *Promotion) { p.Before = nil }, "the deployers of integration: whoever has the right write"},
		"lock":     {"deployers: {teams: [acme/operations], users: [ana]}", func(f *Facts, p *Promotion) { p.Locks = []Lock{{By: bo, Reason: "audit"}} }, "the deployers of production: ana or acme/operations"},
		"tagging":  {"", func(f *Facts, p *Promotion) { f.Tags = nil }, "a maintainer of the repository"},
	} {
		verdicts, _ := lineCase{policy: c.policy, facts: c.facts}.judge(t)
		v := verdicts[slices.IndexFunc(verdicts, func(v Verdict) bool { return v.Check == line })]
		if len(v.Findings) == 0 || v.Findings[0].Outcome != Wait || v.Findings[0].Who != c.want {
			t.Errorf("%s waits for %+v, want %q", line, v.Findings, c.want)
		}
	}
}
