package dora_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/dora"
)

// anyBook is a history of one environment: promotions in an order, some failing in each way, and incidents of some.
func anyBook(t *rapid.T) (b dora.Book) {
	n := rapid.IntRange(0, 12).Draw(t, "promotions")
	hours := rapid.Float64Range(-300, 0).Draw(t, "begin")
	for i := range n {
		hours += rapid.Float64Range(0.6, 60).Draw(t, "later")
		p := live(fmt.Sprint("p", i), fmt.Sprint("c", rapid.IntRange(0, n).Draw(t, "commit")), hours)
		for _, edit := range []func(*gate.Promotion){hotfix, red, broke, cancelled} {
			if rapid.IntRange(0, 4).Draw(t, "edit") == 0 {
				edit(&p)
			}
		}
		if i > 0 && rapid.IntRange(0, 3).Draw(t, "back") == 0 {
			leaves(b.Promotions[rapid.IntRange(0, i-1).Draw(t, "leaves")].Commit)(&p)
		}
		b.Promotions = append(b.Promotions, p)
		if rapid.IntRange(0, 3).Draw(t, "incident") == 0 {
			over := hours + rapid.Float64Range(1, 50).Draw(t, "over")
			b.Incidents = append(b.Incidents, incident(p.ID, p.Commit, hours+rapid.Float64Range(0, 1).Draw(t, "opened"), over*float64(rapid.IntRange(0, 1).Draw(t, "resolved"))))
		}
	}
	return b
}

func metrics(b dora.Book) []dora.Metric {
	r := dora.Count(b, span)
	if len(r.Environments) == 0 {
		return nil
	}
	return r.Environments[0].Metrics
}

func TestRatesAreSharesAndNothingIsKnownOfNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, m := range metrics(anyBook(t)) {
			if (m.Sample == 0) != (m.Value == nil) && m.Metric != dora.Frequency || m.Sample == 0 && m.Value != nil {
				t.Fatalf("%s of a sample of %d is %v", m.Metric, m.Sample, m.Value)
			}
			if m.Value == nil && (m.Band != "" || len(m.Notes) == 0) {
				t.Fatalf("%s is not known, has the band %q and says why not in %q", m.Metric, m.Band, m.Notes)
			}
			if m.Value != nil && *m.Value < 0 {
				t.Fatalf("%s = %v", m.Metric, *m.Value)
			}
			if (m.Metric == dora.FailRate || m.Metric == dora.ReworkRate) && m.Value != nil {
				if *m.Value > 1 || m.Counted > m.Sample || m.AtMost != nil && (*m.AtMost < *m.Value || *m.AtMost > 1) {
					t.Fatalf("%s = %v, at most %v, %d of %d", m.Metric, *m.Value, m.AtMost, m.Counted, m.Sample)
				}
			}
		}
	})
}

// A deployment that goes well after all the others makes no rate worse and no failure more.
func TestASuccessRaisesNoFailRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := anyBook(t)
		before := metrics(b)
		b.Promotions = append(b.Promotions, live("new", "new", 239))
		after := metrics(b)
		if before == nil {
			return
		}
		for _, i := range []int{3, 4} {
			x, y := before[i], after[i]
			if x.Value != nil && *y.Value > *x.Value || x.AtMost != nil && *y.AtMost > *x.AtMost || y.Counted != x.Counted {
				t.Fatalf("%s was %+v and is %+v after a success", x.Metric, x, y)
			}
		}
	})
}

// An incident more makes no fail rate better.
func TestAnIncidentLowersNoFailRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := anyBook(t)
		b.Promotions = append(b.Promotions, live("new", "new", 239))
		before := metrics(b)[3]
		p := b.Promotions[rapid.IntRange(0, len(b.Promotions)-1).Draw(t, "of")]
		b.Incidents = append(b.Incidents, incident(p.ID, p.Commit, 240, 0))
		if after := metrics(b)[3]; *after.Value < *before.Value {
			t.Fatalf("the fail rate was %+v and is %+v after an incident", before, after)
		}
	})
}

// The order in which things were read says nothing.
func TestOrderSaysNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := anyBook(t)
		want, _ := json.Marshal(dora.Count(b, span))
		c := dora.Book{Promotions: slices.Clone(b.Promotions), Incidents: slices.Clone(b.Incidents)}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		r.Shuffle(len(c.Promotions), func(i, j int) { c.Promotions[i], c.Promotions[j] = c.Promotions[j], c.Promotions[i] })
		r.Shuffle(len(c.Incidents), func(i, j int) { c.Incidents[i], c.Incidents[j] = c.Incidents[j], c.Incidents[i] })
		if got, _ := json.Marshal(dora.Count(c, span)); string(got) != string(want) {
			t.Fatalf("Count =\n%s\nwant\n%s", got, want)
		}
	})
}
