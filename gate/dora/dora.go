// Package dora counts the five DORA metrics of software delivery from what is remembered of promotions, deployments outside
// the gate and incidents: one line per repository and environment.
//
// It refuses to guess. A number without a sample is not known, and never 0; a failure that no rollback, hotfix or incident
// tells of is listed, and not put into a rate; what was left out is counted beside what was counted. It does no I/O and has
// no clock, and it makes no average over repositories: what is summed over them are counts alone.
package dora

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/sorting"
	"github.com/sluicegate/sluice/gate"
)

// Book is what is remembered, in any order. Promotions hold all that changed in the time asked for or later; what was live
// at its begin and the first promotion of each environment help.
type Book struct {
	Promotions []gate.Promotion
	Outside    []gate.Entry // of kind outside-the-gate
	Incidents  []gate.Incident
	Carried    map[string]Carried // what a promotion brought, by its id; missing: not known
}

// Carried are the commits that a promotion brought.
type Carried struct {
	Commits []checks.Carried
	Whole   bool // they are all
}

// Span is the time asked for: from Since on (zero: from what is known first), before Until (zero: before Now). What is known
// at Now counts: a deployment of that time may have failed after it.
type Span struct{ Since, Until, Now time.Time }

// Report is what was counted.
type Report struct {
	Version      int           `json:"version"`
	Since        time.Time     `json:"since,omitzero"`
	Until        time.Time     `json:"until"`
	Bands        BandSet       `json:"bands"`
	Definitions  []Definition  `json:"definitions"`
	Environments []Environment `json:"environments"`
	Totals       Totals        `json:"totals"`
}

// Environment is what was counted of one.
type Environment struct {
	Forge        string         `json:"forge"`
	Repo         string         `json:"repo"`
	Environment  string         `json:"environment"`
	Known        time.Time      `json:"known"` // from here on there is something to count: the later of Since and the first promotion
	Days         float64        `json:"days"`  // from there to Until
	Deployments  int            `json:"deployments"`
	Outside      int            `json:"outside"` // deployments past the gate, which are in no metric
	Metrics      []Metric       `json:"metrics"` // the five, in the order of Definitions
	Failures     []Failure      `json:"failures"`
	Unattributed []Unattributed `json:"unattributed"`
}

// Totals are sums over all environments. Nothing but counts is summed: DORA advises against blending the rest.
type Totals struct {
	Repositories int `json:"repositories"`
	Environments int `json:"environments"`
	Deployments  int `json:"deployments"`
	Outside      int `json:"outside"`
	Failures     int `json:"failures"`
	Unattributed int `json:"unattributed"`
	Rework       int `json:"rework"`
}

// Failure is a deployment that failed, with what tells of it.
type Failure struct {
	Promotion string    `json:"promotion"`
	Commit    string    `json:"commit"`
	Change    int       `json:"change,omitempty"`
	At        time.Time `json:"at"`                 // it went live, or ended
	By        []Cause   `json:"by"`                 // what tells of it
	Noticed   time.Time `json:"noticed,omitzero"`   // the first sign of it; zero: not known
	Recovered time.Time `json:"recovered,omitzero"` // zero: not yet, as far as is known
}

// Cause is what tells of a failure.
type Cause string

// The causes.
const (
	ByRollback Cause = "rollback"
	ByHotfix   Cause = "hotfix"
	ByIncident Cause = "incident"
)

// Unattributed is a sign of a failure that cannot be laid at the door of a deployment, or that may have done no harm.
type Unattributed struct {
	Kind      string    `json:"kind"` // verify, deployment, incident or rollback
	Promotion string    `json:"promotion,omitempty"`
	Commit    string    `json:"commit,omitempty"`
	At        time.Time `json:"at"`
	Why       string    `json:"why"` // with what cures it; may come from a forge
	URL       string    `json:"url,omitempty"`
}

// Count counts.
func Count(b Book, s Span) Report {
	if s.Until.IsZero() || s.Until.After(s.Now) {
		s.Until = s.Now
	}
	r := Report{Version: 1, Since: s.Since.UTC(), Until: s.Until.UTC(), Bands: Bands, Definitions: Definitions, Environments: []Environment{}}
	repos := map[string]bool{}
	for _, p := range places(b) {
		e := p.count(s)
		if e.Deployments+e.Outside+len(e.Failures)+len(e.Unattributed) == 0 && !p.first.Before(s.Until) {
			continue // nobody knew of it then
		}
		r.Environments = append(r.Environments, e)
		repos[p.forge+"\n"+fold(p.repo)] = true
		r.Totals.add(&e)
	}
	r.Totals.Repositories = len(repos)
	return r
}

func (t *Totals) add(e *Environment) {
	t.Environments++
	t.Deployments += e.Deployments
	t.Outside += e.Outside
	t.Failures += len(e.Failures)
	t.Unattributed += len(e.Unattributed)
	for _, m := range e.Metrics {
		if m.Metric == ReworkRate {
			t.Rework += m.Counted
		}
	}
}

// place is one environment of one repository, and what is known of it.
type place struct {
	forge, repo, environment string
	first                    time.Time // the first that is known of it
	promotions               []gate.Promotion
	outside                  []gate.Entry
	incidents                []gate.Incident
	carried                  map[string]Carried
	deployments              []*deployment // oldest first
}

// places sorts all by environment; names are taken for the same whatever their case, as forges do, and are spelt as the
// newest has it.
func places(b Book) []*place {
	found := map[string]*place{}
	at := func(forge, repo, environment string, when time.Time) *place {
		key := forge + "\n" + fold(repo) + "\n" + fold(environment)
		p := found[key]
		if p == nil {
			p = &place{forge: forge, repo: repo, environment: environment, first: when, carried: b.Carried}
			found[key] = p
		}
		if when.Before(p.first) {
			p.first = when
		}
		return p
	}
	for _, x := range oldest(b.Promotions, func(x gate.Promotion) time.Time { return x.At }) {
		p := at(x.Forge, x.Repo, x.Environment, x.At)
		p.repo, p.environment = x.Repo, x.Environment
		p.promotions = append(p.promotions, x)
	}
	for _, x := range oldest(b.Outside, func(x gate.Entry) time.Time { return x.At }) {
		p := at(x.Forge, x.Repo, x.Environment, x.At)
		p.outside = append(p.outside, x)
	}
	for _, x := range oldest(b.Incidents, func(x gate.Incident) time.Time { return x.Opened }) {
		p := at(x.Forge, x.Repo, x.Environment, x.Opened)
		p.incidents = append(p.incidents, x)
	}
	list := make([]*place, 0, len(found))
	for _, p := range found {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *place) int {
		return cmp.Or(cmp.Compare(a.forge, b.forge), cmp.Compare(fold(a.repo), fold(b.repo)), cmp.Compare(fold(a.environment), fold(b.environment)))
	})
	return list
}

// oldest are the same, oldest first.
func oldest[T any](list []T, at func(T) time.Time) []T {
	list = slices.Clone(list)
	sorting.By(list, func(a, b T) int { return at(a).Compare(at(b)) })
	return list
}

func fold(s string) string { return strings.ToLower(s) }
