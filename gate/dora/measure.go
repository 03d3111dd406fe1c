package dora

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Metric is one of the five, of one environment. What is not known is nil, and says why in Notes.
type Metric struct {
	Metric  string   `json:"metric"`
	Value   *float64 `json:"value"`             // in the unit of its definition
	AtMost  *float64 `json:"at_most,omitempty"` // of the fail rate: if all that is unattributed were failures
	Band    string   `json:"band,omitempty"`
	Sample  int      `json:"sample"`            // deployments, commits or failures that the value is of
	Counted int      `json:"counted,omitempty"` // of a rate: of the sample, those that are so
	Unknown int      `json:"unknown"`           // would belong to the sample, and something about them is not known
	Spread  *Spread  `json:"spread,omitempty"`  // of the durations; of the frequency: of the time between two
	Notes   []string `json:"notes,omitempty"`
}

// Spread are quantiles in seconds, interpolated between the two nearest of the sample.
type Spread struct {
	Sample int     `json:"sample"`
	Median float64 `json:"median"`
	P75    float64 `json:"p75"`
	P90    float64 `json:"p90"`
}

// cohort are the deployments of a time, and what became of them since.
type cohort struct {
	place *place
	list  []*deployment // live or failed in it, oldest first
	from  time.Time     // known from here
	until time.Time
}

// count counts an environment.
func (p *place) count(s Span) Environment {
	loose := p.link()
	c := cohort{place: p, from: s.Since, until: s.Until}
	if p.first.After(s.Since) {
		c.from = p.first
	}
	in := func(t time.Time) bool { return !t.Before(s.Since) && t.Before(s.Until) }
	e := Environment{Forge: p.forge, Repo: p.repo, Environment: p.environment, Known: c.from.UTC(), Failures: []Failure{}, Unattributed: []Unattributed{}}
	e.Days = math.Max(0, c.until.Sub(c.from).Hours()/24)
	for _, d := range p.deployments {
		if !in(d.at) {
			continue
		}
		c.list = append(c.list, d)
		if d.live {
			e.Deployments++
		}
		if u, is := d.unattributed(); is {
			loose = append(loose, u)
		}
		if len(d.by) > 0 {
			e.Failures = append(e.Failures, d.failure())
		}
	}
	for _, o := range p.outside {
		if in(o.At) {
			e.Outside++
		}
	}
	for _, u := range oldest(loose, func(u Unattributed) time.Time { return u.At }) {
		if in(u.At) {
			u.At = u.At.UTC()
			e.Unattributed = append(e.Unattributed, u)
		}
	}
	e.Metrics = []Metric{c.frequency(e.Days, e.Outside), c.leadTime(), c.recovery(), c.failRate(), c.rework()}
	return e
}

func (d *deployment) failure() Failure {
	f := Failure{Promotion: d.ID, Commit: d.Commit, Change: d.Change, At: d.at.UTC(), By: slices.Sorted(slices.Values(d.by))}
	f.Noticed = utc(d.noticed())
	f.Recovered = utc(d.recovered())
	return f
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// live are those that went live.
func (c *cohort) live() (list []*deployment) {
	for _, d := range c.list {
		if d.live {
			list = append(list, d)
		}
	}
	return list
}

// enough is how long an environment has to be known for a frequency to have a band: the bands tell days and weeks apart.
const enough = 7.0

func (c *cohort) frequency(days float64, outside int) Metric {
	live := c.live()
	m := Metric{Metric: Frequency, Sample: len(live), Unknown: outside}
	switch {
	case len(live) == 0:
		m.note("No promotion went live in this time.")
	case days < 1:
		m.note("The environment is known for less than a day.")
	default:
		m.value(float64(len(live)) / days)
		if days < enough {
			m.Band, m.Notes = "", []string{"It is known for less than a week: no band."}
		}
	}
	if outside > 0 {
		m.note("%s made past the gate, and how that ended is not known.", several(outside, "more deployment was", "more deployments were"))
	}
	var between []float64
	for i := 1; i < len(live); i++ {
		between = append(between, live[i].at.Sub(live[i-1].at).Seconds())
	}
	m.Spread = spread(between)
	return m
}

func (c *cohort) leadTime() Metric {
	m := Metric{Metric: LeadTime}
	var took []float64
	seen := map[string]bool{}
	blind, cut := 0, 0
	for _, d := range c.live() {
		if d.How.Back() {
			continue
		}
		brought, known := c.place.carried[d.ID]
		switch {
		case !known:
			blind++
		case !brought.Whole:
			cut++
		}
		for _, x := range brought.Commits {
			if len(x.Parents) > 1 || seen[x.Commit] {
				continue
			}
			seen[x.Commit] = true
			if x.At.IsZero() || x.At.After(d.at) {
				m.Unknown++
				continue
			}
			took = append(took, d.at.Sub(x.At).Seconds())
		}
	}
	m.Sample, m.Spread = len(took), spread(took)
	if m.Spread != nil {
		m.value(m.Spread.Median)
	} else {
		m.note("No commit went live for the first time of which the time is known.")
	}
	if m.Unknown > 0 {
		m.note("%s no time, or one after it was live.", several(m.Unknown, "commit has", "commits have"))
	}
	if blind > 0 {
		m.note("What %s brought is not known: the first into an environment, or its decision was deleted.", several(blind, "promotion", "promotions"))
	}
	if cut > 0 {
		m.note("Of %s not all commits are known.", several(cut, "promotion", "promotions"))
	}
	return m
}

func (c *cohort) recovery() Metric {
	m := Metric{Metric: RecoveryTime}
	var took []float64
	unnoticed, open := 0, 0
	for _, d := range c.list {
		if len(d.by) == 0 {
			continue
		}
		noticed, over := d.noticed(), d.recovered()
		switch {
		case over.IsZero():
			open++
		case noticed.IsZero(), over.Before(noticed):
			unnoticed++
		default:
			took = append(took, over.Sub(noticed).Seconds())
		}
	}
	m.Sample, m.Unknown, m.Spread = len(took), unnoticed+open, spread(took)
	if m.Spread != nil {
		m.value(m.Spread.Median)
	} else {
		m.note("No failure is known with its begin and its end.")
	}
	if unnoticed > 0 {
		m.note("Of %s it is not known when anybody noticed: only a hotfix tells of it. `/sluice incident` would.", several(unnoticed, "failure", "failures"))
	}
	if open > 0 {
		m.note("%s not over, as far as is known. A rollback, a hotfix or `/sluice incident ENVIRONMENT resolved` says so.", several(open, "failure is", "failures are"))
	}
	return m
}

// failRate leaves out what ended before it was live and is unattributed: in the sample alone, it would make the rate better.
func (c *cohort) failRate() Metric {
	m := Metric{Metric: FailRate}
	live, dead := 0, 0 // unattributed
	for _, d := range c.list {
		_, loose := d.unattributed()
		switch {
		case loose && !d.live:
			dead++
			continue
		case loose:
			live++
		case len(d.by) > 0:
			m.Counted++
		}
		m.Sample++
	}
	m.Unknown = live + dead
	m.rate()
	if m.Unknown > 0 {
		most := float64(m.Counted+m.Unknown) / float64(m.Sample+dead)
		m.AtMost = &most
		m.note("%s unattributed.", several(m.Unknown, "more is", "more are"))
	}
	return m
}

func (c *cohort) rework() Metric {
	m := Metric{Metric: ReworkRate}
	back := 0
	for _, d := range c.live() {
		m.Sample++
		if d.rework() {
			m.Counted++
		}
		if d.How.Back() {
			back++
		}
	}
	m.rate()
	if m.Counted > 0 {
		m.note("%s and %s.", several(back, "rollback", "rollbacks"), several(m.Counted-back, "hotfix", "hotfixes"))
	}
	return m
}

func (m *Metric) value(v float64) {
	m.Value, m.Band = &v, band(m.Metric, v)
	if m.Band == "" && m.Metric != FailRate && m.Metric != ReworkRate {
		m.note("It lies in none of the bands that were published.")
	}
}

func (m *Metric) rate() {
	if m.Sample == 0 {
		m.note("No deployment in this time.")
		return
	}
	m.value(float64(m.Counted) / float64(m.Sample))
}

func (m *Metric) note(format string, args ...any) {
	m.Notes = append(m.Notes, fmt.Sprintf(format, args...))
}

func several(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// spread are the quantiles of a sample, nil of none.
func spread(sample []float64) *Spread {
	if len(sample) == 0 {
		return nil
	}
	s := slices.Sorted(slices.Values(sample))
	return &Spread{Sample: len(s), Median: quantile(s, 0.5), P75: quantile(s, 0.75), P90: quantile(s, 0.9)}
}

func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 == len(sorted) {
		return sorted[low]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}
