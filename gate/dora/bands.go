package dora

// The metrics, by the names that stay.
const (
	Frequency    = "deployment_frequency"
	LeadTime     = "change_lead_time"
	FailRate     = "change_fail_rate"
	RecoveryTime = "failed_deployment_recovery_time"
	ReworkRate   = "deployment_rework_rate"
)

// Definition says what a metric is, at DORA and here.
type Definition struct {
	Metric string `json:"metric"`
	Name   string `json:"name"`
	Unit   string `json:"unit"` // of its value: per_day, seconds or ratio
	DORA   string `json:"dora"`
	Here   string `json:"here"`
	Bands  string `json:"bands"` // what was published of them
}

// Definitions are those of DORA's guide to the metrics, in the state of January 2026, and what is counted for each.
var Definitions = []Definition{
	{Frequency, "Deployment frequency", "per_day",
		"How often is it deployed: deployments in a time, or the time between them.",
		"Promotions that went live, rollbacks and hotfixes too, a day of the time that the environment was known in; and the median time between two of them.",
		"elite: several a day; high: once a day to once a week; medium: once a week to once a month; low: once a month to once in six months"},
	{LeadTime, "Change lead time", "seconds",
		"The time from committed to version control to deployed.",
		"For each commit that a promotion brought for the first time, from its commit time to when that promotion went live: the median. Merge commits and rollbacks are left out. Of a change that was squashed or rebased, the commit is the one made by the merge.",
		"elite: under a day; high: a day to a week; medium: a week to a month; low: a month to six months"},
	{RecoveryTime, "Failed deployment recovery time", "seconds",
		"The time to recover from a deployment that failed and needed somebody at once.",
		"From the first sign of the failure (an incident, a red verify, the request to roll back) to the rollback or hotfix that held went live, or the incident was called resolved, whichever is first: the median.",
		"elite: under an hour; high and medium: under a day; low: a week to a month"},
	{FailRate, "Change fail rate", "ratio",
		"The share of deployments that needed somebody at once, most likely for a rollback or a hotfix.",
		"Of the deployments, those that a rollback left, that a hotfix followed, or that an incident tells of. \"At most\" counts also what is unattributed.",
		"elite 5%, high 20%, medium 10%, low 40%: single numbers and in no order, so no band is given"},
	{ReworkRate, "Deployment rework rate", "ratio",
		"The share of deployments that nobody had planned and that came of an incident.",
		"Of the promotions that went live, rollbacks and those that the hotfix lane let through.",
		"none were published"},
}

// BandSet names where the bands come from.
type BandSet struct {
	Name string `json:"name"`
	Year int    `json:"year"`
	Note string `json:"note"`
}

// Bands are the newest that there are.
var Bands = BandSet{
	Name: "performance levels of the Accelerate State of DevOps Report 2024 (DORA)", Year: 2024,
	Note: "They are clusters of that year's answers about production, and no targets. The report of 2025 has none: it shows distributions and team profiles.",
}

const (
	hour  = 3600.0
	day   = 24 * hour
	week  = 7 * day
	month = 30 * day
)

// band is where a value falls among what was published; "" where that says nothing about it.
func band(metric string, v float64) string {
	switch metric {
	case Frequency:
		return level(1/v, 1, 7, 30, 180)
	case LeadTime:
		return level(v/day, 1, 7, 30, 180)
	case RecoveryTime:
		switch {
		case v < hour:
			return "elite"
		case v < day:
			return "high or medium" // both were published as less than a day
		case v >= week && v <= month:
			return "low"
		}
	}
	return ""
}

// level is the band of so many days: elite below the first, and each of the others up to its own.
func level(days float64, elite, high, medium, low float64) string {
	switch {
	case days < elite:
		return "elite"
	case days <= high:
		return "high"
	case days <= medium:
		return "medium"
	case days <= low:
		return "low"
	}
	return ""
}
