package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/dora"
	"github.com/sluicegate/sluice/store"
)

// deployed is a running server's store in which things were deployed.
type deployed struct {
	*store.Store
	t    *testing.T
	path string
	now  time.Time
	n    int
}

func newDeployed(t *testing.T) *deployed {
	t.Helper()
	d := &deployed{t: t, path: filepath.Join(t.TempDir(), "sluice.db"), now: time.Now().UTC().Truncate(time.Second)}
	var err error
	d.Store, err = store.Open(t.Context(), store.Options{URL: "sqlite:" + d.path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// keep finishes a visit to an environment.
func (d *deployed) keep(repo, environment string, o gate.Outcome) {
	d.t.Helper()
	d.n++
	m := gate.Mark{Kind: gate.MarkEnvironment, Forge: "github", Repo: repo, Environment: environment}
	if _, err := d.Add(d.t.Context(), gate.Delivery{Forge: "github", ID: fmt.Sprint(d.n), Event: "deployment", Body: []byte("{}"), Marks: []gate.Mark{m}}); err != nil {
		d.t.Fatal(err)
	}
	works, err := d.Claim(d.t.Context(), 1, time.Minute)
	if err == nil && len(works) == 1 {
		err = d.Finish(d.t.Context(), works[0], o)
	}
	if err != nil || len(works) != 1 {
		d.t.Fatal(works, err)
	}
}

// live has a commit live so many days ago, made so many hours before, by a decision that has what it brought.
func (d *deployed) live(repo, environment, id string, ago, lead float64, edits ...func(*gate.Promotion)) {
	d.t.Helper()
	at := d.now.Add(-time.Duration(ago * 24 * float64(time.Hour)))
	p := gate.Promotion{ID: id, Forge: "github", Repo: repo, Environment: environment, Commit: "c0ffee" + id, Request: id, How: checks.OnMerge, Change: 7,
		At: at.Add(-time.Hour), State: gate.Requested, Since: at.Add(-time.Hour), Decision: "d" + id}
	d.keep(repo, environment, gate.Outcome{Requests: []gate.Promotion{p}})
	facts := checks.Facts{Subject: p.Subject(), Promotion: &checks.Promotion{
		Deployments: []checks.Deployment{{ID: 1, Commit: "before", Live: at.Add(-time.Hour)}},
		Between:     []checks.Carried{{Commit: p.Commit, At: at.Add(-time.Duration(lead * float64(time.Hour)))}},
	}}
	text, err := json.Marshal(facts)
	if err != nil {
		d.t.Fatal(err)
	}
	d.keep(repo, environment, gate.Outcome{Decision: &gate.Decision{ID: p.Decision, Subject: p.Subject(), Commit: p.Commit, At: at}, Facts: text, Sources: []byte("[]")})
	p.State, p.Since, p.LiveAt, p.VerifiedAt, p.Deployment = gate.Verified, at, at, at, int64(d.n)
	for _, edit := range edits {
		edit(&p)
	}
	d.keep(repo, environment, gate.Outcome{Promotions: []gate.Promotion{p}})
}

func (d *deployed) report(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), process{append([]string{"report", "dora"}, args...), []string{"SLUICE_DATABASE=sqlite:" + d.path}, strings.NewReader(""), &out, &errs})
	return code, out.String(), errs.String()
}

// venomous is a name that a spreadsheet would run and a terminal obey.
const venomous = "=cmd|' /C calc'!A0 \x1b[31m\u202e" + "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字"

func fill(t *testing.T) *deployed {
	d := newDeployed(t)
	d.live("acme/shop", "production", "1", 50, 30)
	d.live("acme/shop", "production", "2", 40, 10)
	d.live("acme/shop", "production", "3", 30, 20, func(p *gate.Promotion) { p.State, p.VerifiedAt, p.Why = gate.Failed, time.Time{}, "@smoke is red" })
	d.live("acme/shop", "production", "4", 20, 50, func(p *gate.Promotion) { p.Hotfix = true })
	d.live("acme/shop", "production", "5", 10, 60, func(p *gate.Promotion) { p.How, p.Rolls, p.URL = checks.Rollback, "none", "-1+1" })
	d.live("acme/web", venomous, "6", 3, 1)
	opened := d.now.Add(-5 * 24 * time.Hour)
	i := gate.Incident{ID: "i", Forge: "github", Repo: "acme/shop", Environment: "production", Commit: "c0ffee2", Promotion: "2", Reason: "carts", Opened: opened, Resolved: opened.Add(90 * time.Minute)}
	d.keep("acme/shop", "production", gate.Outcome{Incidents: []gate.Incident{i}})
	if err := d.Enter(t.Context(), gate.Entry{Kind: gate.EntryOutside, Forge: "github", Repo: "acme/shop", Environment: "production", Commit: "x", Check: "deploy", Reason: "past"}); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDORAIsCountedFromWhatIsWrittenDown(t *testing.T) {
	t.Parallel()
	d := fill(t)
	code, out, errs := d.report("--format", "json", "--repo", "ACME/shop")
	var r dora.Report
	if err := json.Unmarshal([]byte(out), &r); code != 0 || err != nil || len(r.Environments) != 1 || r.Version != 1 || r.Bands.Year != 2024 || len(r.Definitions) != 5 {
		t.Fatalf("report dora = %d, %v\n%s%s", code, err, out, errs)
	}
	e := r.Environments[0]
	want := map[string]struct {
		value           float64
		counted, sample int
		band            string
	}{
		// Known since an hour before the first, 50 days ago, of which ends the time now.
		dora.Frequency:    {5 / (50 + 1.0/24), 0, 5, "medium"},
		dora.LeadTime:     {25 * 3600, 0, 4, "high"}, // of 10, 20, 30 and 50 hours
		dora.RecoveryTime: {(90*60 + 10*24*3600) / 2.0, 0, 2, ""},
		dora.FailRate:     {0.4, 2, 5, ""}, // 2 by the incident, 3 by the hotfix
		dora.ReworkRate:   {0.4, 2, 5, ""},
	}
	for _, m := range e.Metrics {
		w := want[m.Metric]
		if m.Value == nil || *m.Value-w.value > 0.001*w.value || w.value-*m.Value > 0.001*w.value || m.Counted != w.counted || m.Sample != w.sample || m.Band != w.band {
			t.Errorf("%s = %+v, want %+v", m.Metric, m, w)
		}
	}
	if e.Outside != 1 || len(e.Failures) != 2 || len(e.Unattributed) != 1 || e.Unattributed[0].Kind != "rollback" {
		t.Errorf("report dora =\n%s", out)
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--environment PRODUCTION", 0, "Deployments: 5, and past the gate: 1."},
		{"--environment production --since 25d", 0, "Change fail rate                 0.0%"},
		{"--since 1d", 0, "Change lead time                 not known"},
		{"--repo acme/none", 0, "No promotion, no deployment past the gate and no incident"},
		{"--environment production", 0, "c0ffee3 #7 hotfix; over after 10.0 days"},
		{"", 0, "In all, in 2 repositories and 2 environments: 6 deployments, 1 past the gate"},
		{"", 0, "The report of 2025 has none"},
		{"--help", 0, "usage: sluice report dora"},
		{"--format cvs", 2, `did you mean "csv"?`},
		{"--since 1d --until 2d", 2, "no time is left"},
		{"--since 2999-01-01", 2, "no time is left"},
		{"extra", 2, "dora takes --format"},
	} {
		code, out, errs := d.report(strings.Fields(c.args)...)
		folded := strings.Join(strings.Fields(out+errs), " ")
		if code != c.code || !strings.Contains(folded, strings.Join(strings.Fields(c.want), " ")) {
			t.Errorf("report dora %s = %d, want %d, %q\n%s%s", c.args, code, c.code, c.want, out, errs)
		}
	}
}

func TestDORAIsHarmlessToTerminalsAndSpreadsheets(t *testing.T) {
	t.Parallel()
	d := fill(t)
	_, text, _ := d.report()
	for line := range strings.Lines(text) {
		if n := wide(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	_, table, _ := d.report("--format", "csv")
	for what, s := range map[string]string{"text": text, "csv": table} {
		if strings.ContainsAny(s, "\x1b\u202e") || !strings.Contains(s, "=cmd|") {
			t.Errorf("%s =\n%s", what, s)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil || len(rows) != 1+5+3+5 {
		t.Fatalf("csv = %d rows, %v\n%s", len(rows), err, table)
	}
	for _, row := range rows {
		for i, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@", []rune(cell)[0]) {
				t.Errorf("the cell %s = %q is a formula", doraColumns[i], cell)
			}
		}
	}
	if last := rows[len(rows)-1]; last[2][0] != '\'' || last[3] != dora.ReworkRate || last[4] != "0" || last[8] != "" {
		t.Errorf("the last row = %q", last)
	}
	if first := rows[1]; first[3] != dora.Frequency || first[5] != "per_day" || first[7] != "medium" || first[8] != "DORA 2024" {
		t.Errorf("the first row = %q", first)
	}
}
