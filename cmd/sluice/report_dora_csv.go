package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/dora"
)

// doraColumns are the columns of the report as CSV. A row is a metric, a failure or something unattributed; what is not
// known is empty.
var doraColumns = []string{"forge", "repo", "environment", "row", "value", "unit", "at_most", "band", "band_set", "sample", "counted", "unknown",
	"median_seconds", "p75_seconds", "p90_seconds", "at", "commit", "promotion", "url", "note", "definition"}

func writeDORACSV(w io.Writer, r *dora.Report) error {
	out := csv.NewWriter(w)
	rows := [][]string{doraColumns}
	for _, e := range r.Environments {
		row := func(cells map[string]string) {
			cells["forge"], cells["repo"], cells["environment"] = e.Forge, e.Repo, e.Environment
			line := make([]string, len(doraColumns))
			for i, name := range doraColumns {
				line[i] = harmless(cells[name])
			}
			rows = append(rows, line)
		}
		for i, m := range e.Metrics {
			row(metricCells(&m, r.Definitions[i], r.Bands))
		}
		for _, f := range e.Failures {
			row(map[string]string{"row": "failure", "at": rfc(f.At), "commit": f.Commit, "promotion": f.Promotion, "note": failure(&f)})
		}
		for _, u := range e.Unattributed {
			row(map[string]string{"row": "unattributed", "at": rfc(u.At), "commit": u.Commit, "promotion": u.Promotion, "url": u.URL, "note": u.Kind + ": " + u.Why})
		}
	}
	return out.WriteAll(rows) // which flushes
}

func metricCells(m *dora.Metric, d dora.Definition, b dora.BandSet) map[string]string {
	cells := map[string]string{
		"row": m.Metric, "value": number(m.Value), "unit": d.Unit, "at_most": number(m.AtMost), "band": m.Band,
		"sample": strconv.Itoa(m.Sample), "unknown": strconv.Itoa(m.Unknown),
		"note": strings.Join(m.Notes, " "), "definition": d.Here,
	}
	if m.Band != "" {
		cells["band_set"] = fmt.Sprintf("DORA %d", b.Year)
	}
	if m.Metric == dora.FailRate || m.Metric == dora.ReworkRate {
		cells["counted"] = strconv.Itoa(m.Counted)
	}
	if s := m.Spread; s != nil {
		cells["median_seconds"], cells["p75_seconds"], cells["p90_seconds"] = number(&s.Median), number(&s.P75), number(&s.P90)
	}
	return cells
}

func number(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

func rfc(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// harmless keeps a spreadsheet from taking a cell for a formula: names and reasons come from a forge.
func harmless(cell string) string {
	cell = gate.Plain(cell)
	if strings.IndexAny(cell, "=+-@=+-@") == 0 {
		return "'" + cell
	}
	return cell
}
