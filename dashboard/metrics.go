package dashboard

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/dora"
)

// Reports counts deployments.
type Reports interface {
	// Deployments is what is counted of the environments of these repositories, at most fifty, and the promotions that it was
	// counted from.
	Deployments(ctx context.Context, repos []gate.Repo, since time.Time) (dora.Report, []gate.Promotion, error)
}

// deploymentsPage is the DORA metrics of one repository, or of those of a team beside one another.
type deploymentsPage struct {
	Repo         string
	Team         string
	Days         int
	Periods      []int // what can be asked for
	Environments []environmentCount
	Definitions  []dora.Definition
	Bands        dora.BandSet
	Choices      []gate.Repo // where none was chosen
	Teams        []team      // likewise
	Rows         []teamRow
	Next         string // address of the next repositories of the team
}

type environmentCount struct {
	dora.Environment
	Rows  []metricRow
	Bars  []bar
	Most  int
	Width int // of the chart
}

type metricRow struct {
	Name, Value, Sample, Band string
	Definition                dora.Definition
	Notes                     []string
}

// bar is a week of the chart, in the units of its picture.
type bar struct {
	From                            time.Time
	Well, Failed                    int
	X, WellY, WellH, FailY, FailedH int
}

// deployments serves it.
func deployments(v *visitor) (*page, string, error) {
	if v.Reports == nil {
		return nil, "", errMissing
	}
	q := v.r.URL.Query()
	data := &deploymentsPage{Repo: strings.TrimSpace(q.Get("repo")), Team: strings.Trim(strings.TrimSpace(q.Get("team")), "/"), Days: 90, Periods: []int{30, 90, 365}, Definitions: dora.Definitions, Bands: dora.Bands}
	if d := q.Get("days"); d != "" {
		data.Days, _ = strconv.Atoi(d)
	}
	if !slices.Contains(data.Periods, data.Days) || len(data.Repo) > 400 || len(data.Team) > 400 {
		return nil, "", wrong{"Deployments are counted over 30, 90 or 365 days."}
	}
	p := &page{Title: "Metrics", Here: "metrics", Data: data}
	if data.Repo == "" && data.Team != "" {
		return p, "metrics.html", v.ofTeam(data)
	}
	all, err := v.visible(gate.BoardFilter{Search: data.Repo, Forge: q.Get("forge")})
	if err != nil {
		return nil, "", err
	}
	exact := slices.DeleteFunc(slices.Clone(all), func(r gate.Repo) bool { return !strings.EqualFold(r.Name, data.Repo) })
	if len(exact) != 1 {
		data.Choices, data.Teams = all[:min(len(all), 50)], teamsOf(all)
		return p, "metrics.html", nil
	}
	report, list, err := v.Reports.Deployments(v.ctx(), exact[:1], v.now.AddDate(0, 0, -data.Days))
	if err != nil {
		return nil, "", err
	}
	for _, e := range report.Environments {
		x := environmentCount{Environment: e}
		for _, m := range e.Metrics {
			x.Rows = append(x.Rows, metricOf(m))
		}
		x.Bars, x.Most = bars(list, e.Environment, v.now, data.Days)
		x.Width = len(x.Bars) * weekWide
		data.Environments = append(data.Environments, x)
	}
	return p, "metrics.html", nil
}

func metricOf(m dora.Metric) metricRow {
	row := metricRow{Name: m.Metric, Value: "not known", Band: m.Band, Notes: m.Notes, Sample: strconv.Itoa(m.Sample)}
	i := slices.IndexFunc(dora.Definitions, func(d dora.Definition) bool { return d.Metric == m.Metric })
	if i < 0 {
		return row
	}
	row.Definition = dora.Definitions[i]
	row.Name = row.Definition.Name
	if m.Unknown > 0 {
		row.Sample += fmt.Sprintf(", %d not known", m.Unknown)
	}
	if m.Value == nil {
		return row
	}
	switch row.Definition.Unit {
	case "per_day":
		if row.Value = fmt.Sprintf("%.1f a day", *m.Value); *m.Value < 1 {
			row.Value = fmt.Sprintf("%.1f a week", *m.Value*7)
		}
	case "seconds":
		row.Value = length(*m.Value)
	default:
		row.Value = fmt.Sprintf("%.0f %%", *m.Value*100)
	}
	return row
}

// length is a median in words.
func length(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 48*time.Hour && d >= time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	case d >= 48*time.Hour:
		return fmt.Sprintf("%.1f d", d.Hours()/24)
	}
	return fmt.Sprintf("%d min", int(d.Minutes()))
}

// The picture of the chart: so many units high, and so many for each week.
const (
	chartHigh = 100
	weekWide  = 12
)

// bars are the deployments into an environment by week, oldest first.
func bars(list []gate.Promotion, environment string, now time.Time, days int) (all []bar, most int) {
	const week = 7 * 24 * time.Hour
	weeks := (days + 6) / 7
	begin := now.Add(-time.Duration(weeks) * week)
	all = make([]bar, weeks)
	for i := range all {
		all[i].From, all[i].X = begin.Add(time.Duration(i)*week), i*weekWide
	}
	for _, p := range list {
		at, bad := p.LiveAt, p.State == gate.RolledBack || p.State == gate.Failed
		if at.IsZero() && p.State == gate.Failed && p.Deployment != 0 {
			at = p.Since
		}
		if at.Before(begin) || at.After(now) || !sameWord(p.Environment, environment) {
			continue
		}
		if i := min(int(at.Sub(begin)/week), weeks-1); bad {
			all[i].Failed++
		} else {
			all[i].Well++
		}
	}
	for _, b := range all {
		most = max(most, b.Well+b.Failed)
	}
	for i := range all {
		b := &all[i]
		if most > 0 {
			b.WellH, b.FailedH = b.Well*chartHigh/most, b.Failed*chartHigh/most
		}
		b.WellY = chartHigh - b.WellH
		b.FailY = b.WellY - b.FailedH
	}
	return all, most
}
