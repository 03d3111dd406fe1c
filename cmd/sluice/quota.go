package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluicegate/sluice/gate"
)

const quotaUsage = `usage: sluice quota [--json]

Asks a running server what the forges' quotas leave it: for each installation (GitHub) or token (GitLab) and resource the limit,
what is left and when it is whole again, how much is used a minute, and when nothing is left at this rate.

  SLUICE_PUBLIC_URL  where the server is (http://localhost:8080)
  SLUICE_API_TOKEN   the server's token

Exit codes: 0 there is enough; 1 something runs out at this rate before it is whole again, or the forge asked for a pause;
2 the server could not be asked.
`

// quotas are what the forges leave, all of them.
func (v *server) quotas() (list []gate.Quota) {
	forges := v.live.Load().reconciler.Providers
	for _, forge := range slices.Sorted(maps.Keys(forges)) {
		if m, ok := forges[forge].(gate.Metered); ok {
			list = append(list, m.Quotas()...)
		}
	}
	return list
}

// told is what the server answers.
type toldQuotas struct {
	At     time.Time    `json:"at"`
	Quotas []gate.Quota `json:"quotas"`
	Detail string       `json:"detail,omitempty"`
}

func quotaCommand(ctx context.Context, p process) int {
	flags := flag.NewFlagSet("sluice quota", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.Usage = func() { fmt.Fprint(flags.Output(), quotaUsage) }
	asJSON := flags.Bool("json", false, "")
	args, err := parseAnywhere(flags, p.args, p.stdout)
	if err != nil {
		return helpOr(err, exitFailed)
	}
	if len(args) > 0 {
		fmt.Fprintf(p.stderr, "sluice quota: it takes no arguments\n%s", quotaUsage)
		return exitFailed
	}
	r, err := newRemote(p)
	var told toldQuotas
	if err == nil {
		var status int
		if status, err = r.call(ctx, http.MethodGet, "/api/v1/quota", nil, "", &told); err == nil && status != http.StatusOK {
			err = fmt.Errorf("the server does not tell (%d): %s", status, cmp.Or(told.Detail, "it gave no reason; is SLUICE_PUBLIC_URL a Sluice of this version?"))
		}
	}
	if err == nil && *asJSON {
		encoder := json.NewEncoder(p.stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(told)
	} else if err == nil {
		err = writeQuotas(p.stdout, told)
	}
	switch {
	case err != nil:
		fmt.Fprintf(p.stderr, "sluice quota: %s\n", gate.Plain(err.Error()))
		return exitFailed
	case slices.ContainsFunc(told.Quotas, func(q gate.Quota) bool { return !q.Empty.IsZero() || !q.Paused.IsZero() }):
		return exitShut
	}
	return exitOpen
}

// writeQuotas is a table, with one line for each.
func writeQuotas(w io.Writer, told toldQuotas) error {
	if len(told.Quotas) == 0 {
		_, err := fmt.Fprintln(w, "No forge was asked for anything since the server started, or it has no quotas.")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FORGE\tACCOUNT\tRESOURCE\tLEFT\tLIMIT\tWHOLE AGAIN IN\tUSED/MIN\tAT THIS RATE\tTURNED AWAY")
	for _, q := range told.Quotas {
		account := strconv.FormatInt(q.Account, 10)
		if q.Name != "" {
			account += " (" + gate.Plain(q.Name) + ")"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\t%.1f\t%s\t%s\n", gate.Plain(q.Forge), account, gate.Plain(q.Resource), q.Left, q.Limit,
			until(told.At, q.Reset), q.PerMinute, outlook(told.At, q), turned(q.Turned))
	}
	return table.Flush()
}

func until(now, then time.Time) string {
	return max(then.Sub(now), 0).Round(time.Second).String()
}

// outlook says what comes of it.
func outlook(now time.Time, q gate.Quota) string {
	switch {
	case !q.Paused.IsZero():
		return "paused by the forge for " + until(now, q.Paused)
	case !q.Empty.IsZero():
		return "runs out in " + until(now, q.Empty)
	}
	return "lasts"
}

// turned says how many requests were put off, by class.
func turned(by map[string]int) string {
	var parts []string
	for _, class := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, fmt.Sprintf("%d %ss", by[class], gate.Plain(class)))
	}
	return cmp.Or(strings.Join(parts, ", "), "-")
}

// quotaMetrics are read from the clients when they are asked for.
type quotaMetrics struct{ read func() []gate.Quota }

var quotaLabels = []string{"forge", "installation", "resource"}

func quotaDesc(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc("sluice_forge_quota_"+name, help, append(slices.Clone(quotaLabels), more...), nil)
}

// Describe implements prometheus.Collector; what is collected is not known before a forge was asked.
func (quotaMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m quotaMetrics) Collect(to chan<- prometheus.Metric) {
	for _, q := range m.read() {
		labels := []string{q.Forge, strconv.FormatInt(q.Account, 10), q.Resource}
		gauge := func(name, help string, value float64) {
			to <- prometheus.MustNewConstMetric(quotaDesc(name, help), prometheus.GaugeValue, value, labels...)
		}
		gauge("limit", "What the forge allows, by resource.", float64(q.Limit))
		gauge("left", "What is left of it.", float64(q.Left))
		gauge("reset_timestamp_seconds", "When it is whole again.", float64(q.Reset.Unix()))
		gauge("used_per_minute", "What was used over the last minutes.", q.PerMinute)
		empty := 0.0
		if !q.Empty.IsZero() {
			empty = float64(q.Empty.Unix())
		}
		gauge("empty_timestamp_seconds", "When nothing is left at this rate; 0: not before it is whole again.", empty)
		for class, n := range q.Turned {
			to <- prometheus.MustNewConstMetric(quotaDesc("turned_away_total", "Requests put off for want of quota, by class.", "class"), prometheus.CounterValue, float64(n), append(slices.Clone(labels), class)...)
		}
	}
}
