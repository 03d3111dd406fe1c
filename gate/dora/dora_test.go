package dora_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/gate/dora"
)

// noon is the begin of all that happens here, h so many hours after it.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func h(hours float64) time.Time { return noon.Add(time.Duration(hours * float64(time.Hour))) }

// live is a promotion of a commit that was asked for half an hour before it went live, and is well.
func live(id, commit string, hours float64, edits ...func(*gate.Promotion)) gate.Promotion {
	p := gate.Promotion{ID: id, Forge: "github", Repo: "acme/shop", Environment: "production", Commit: commit, Deployment: 1, How: checks.OnMerge, At: h(hours - 0.5),
		State: gate.Verified, LiveAt: h(hours), VerifiedAt: h(hours + 0.1), Since: h(hours + 0.1)}
	for _, edit := range edits {
		edit(&p)
	}
	return p
}

func hotfix(p *gate.Promotion) { p.Hotfix = true }

// red is one whose verify failed an hour after it went live.
func red(p *gate.Promotion) {
	p.State, p.Why, p.VerifiedAt, p.Since = gate.Failed, "smoke is red", time.Time{}, p.LiveAt.Add(time.Hour)
}

// broke is one whose deployment ended before it was live.
func broke(p *gate.Promotion) {
	p.State, p.Why, p.Since, p.LiveAt, p.VerifiedAt = gate.Failed, "the deployment ended as failure", p.LiveAt, time.Time{}, time.Time{}
}

func leaves(commit string) func(*gate.Promotion) {
	return func(p *gate.Promotion) { p.How, p.Rolls = checks.Rollback, commit }
}

func at(repo, environment string) func(*gate.Promotion) {
	return func(p *gate.Promotion) { p.Repo, p.Environment = repo, environment }
}

func cancelled(p *gate.Promotion) {
	p.State, p.LiveAt, p.VerifiedAt = gate.Cancelled, time.Time{}, time.Time{}
}

func incident(promotion, commit string, opened, resolved float64) gate.Incident {
	i := gate.Incident{ID: fmt.Sprint(opened), Forge: "github", Repo: "acme/shop", Environment: "production", Promotion: promotion, Commit: commit, Reason: "carts are empty", Opened: h(opened)}
	if resolved != 0 {
		i.Resolved = h(resolved)
	}
	return i
}

// ten days from noon on, of which all is known two days later.
var span = dora.Span{Since: noon, Until: h(240), Now: h(288)}

func one(t *testing.T, b dora.Book, s dora.Span) dora.Environment {
	t.Helper()
	r := dora.Count(b, s)
	if len(r.Environments) != 1 {
		t.Fatalf("Count = %+v, want one environment", r)
	}
	return r.Environments[0]
}

// said is a metric in a line: value, band, sample.
func said(m dora.Metric) string {
	text := "not known"
	if m.Value != nil {
		text = fmt.Sprintf("%.4g", *m.Value)
	}
	if m.AtMost != nil {
		text += fmt.Sprintf(" to %.4g", *m.AtMost)
	}
	return fmt.Sprintf("%s %s %d/%d ?%d", text, m.Band, m.Counted, m.Sample, m.Unknown)
}

// told are the failures and what is unattributed, a word each.
func told(e dora.Environment) string {
	var list []string
	for _, f := range e.Failures {
		over := "open"
		if !f.Recovered.IsZero() && !f.Noticed.IsZero() {
			over = fmt.Sprint(f.Recovered.Sub(f.Noticed))
		} else if !f.Recovered.IsZero() {
			over = "unnoticed"
		}
		list = append(list, fmt.Sprintf("%s:%v:%s", f.Promotion, f.By, over))
	}
	for _, u := range e.Unattributed {
		list = append(list, fmt.Sprintf("%s?%s", u.Promotion, u.Kind))
	}
	return strings.Join(list, " ")
}

func TestFailuresAreLaidAtTheDoorOfOneDeployment(t *testing.T) {
	t.Parallel()
	ps := func(list ...gate.Promotion) dora.Book { return dora.Book{Promotions: list} }
	with := func(b dora.Book, list ...gate.Incident) dora.Book { b.Incidents = list; return b }
	for name, c := range map[string]struct {
		book                  dora.Book
		fail, recovery, again string // the metrics
		want                  string // what failed
	}{
		"nothing was deployed": {ps(live("a", "c1", -50)),
			"not known  0/0 ?0", "not known  0/0 ?0", "not known  0/0 ?0", ""},
		"all is well": {ps(live("a", "c1", 1), live("b", "c2", 2)),
			"0  0/2 ?0", "not known  0/0 ?0", "0  0/2 ?0", ""},
		"rolled back: from the request to the rollback": {ps(live("a", "c1", 1), live("b", "c2", 20), live("r", "c1", 22, leaves("c2"))),
			"0.3333  1/3 ?0", "1800 elite 0/1 ?0", "0.3333  1/3 ?0", "b:[rollback]:30m0s"},
		"red, then rolled back: from the red status on": {ps(live("a", "c1", 1), live("b", "c2", 20, red), live("r", "c1", 23, leaves("c2"))),
			"0.3333  1/3 ?0", "7200 high or medium 0/1 ?0", "0.3333  1/3 ?0", "b:[rollback]:2h0m0s"},
		"a rollback of which somebody thought better": {ps(live("a", "c1", 1), live("b", "c2", 20), live("r", "c1", 22, leaves("c2"), cancelled)),
			"0  0/2 ?0", "not known  0/0 ?0", "0  0/2 ?0", ""},
		"the rollback failed too": {ps(live("a", "c1", 1), live("b", "c2", 20), live("r", "c1", 22, leaves("c2"), broke)),
			"0.5 to 0.6667  1/2 ?1", "not known  0/0 ?1", "0  0/2 ?0", "b:[rollback]:open r?deployment"},
		"a rollback asked for by a clock that is behind the forge's": {ps(live("b", "c2", 21.6, red), live("r", "c1", 22, leaves("c2"))),
			"0.5  1/2 ?0", "1440 elite 0/1 ?0", "0.5  1/2 ?0", "b:[rollback]:24m0s"},
		"a rollback that leaves its own commit is no remedy of itself": {ps(live("b", "c2", 20), live("r", "c2", 22, leaves("c2"))),
			"0.5  1/2 ?0", "1800 elite 0/1 ?0", "0.5  1/2 ?0", "b:[rollback]:30m0s"},
		"a rollback from what came past the gate": {ps(live("a", "c1", 1), live("r", "c1", 22, leaves("xx"))),
			"0  0/2 ?0", "not known  0/0 ?0", "0.5  1/2 ?0", "r?rollback"},
		"a hotfix alone does not say when anybody noticed": {ps(live("a", "c1", 1), live("b", "c2", 20), live("f", "c3", 22, hotfix)),
			"0.3333  1/3 ?0", "not known  0/0 ?1", "0.3333  1/3 ?0", "b:[hotfix]:unnoticed"},
		"a hotfix after a rollback mends what that left": {ps(live("a", "c1", 1), live("b", "c2", 20), live("r", "c1", 22, leaves("c2")), live("f", "c3", 30, hotfix)),
			"0.25  1/4 ?0", "1800 elite 0/1 ?0", "0.5  2/4 ?0", "b:[hotfix rollback]:30m0s"},
		"a hotfix that does not hold: it is over with the next one": {
			ps(live("b", "c2", 20, red), live("f", "c3", 22, hotfix, red), live("g", "c4", 25, hotfix)),
			"0.6667  2/3 ?0", "1.08e+04 high or medium 0/2 ?0", "0.6667  2/3 ?0", "b:[hotfix]:4h0m0s f:[hotfix]:2h0m0s"},
		"a hotfix that is deployed twice": {ps(live("b", "c2", 20, red), live("f", "c3", 22, hotfix, broke), live("g", "c3", 23, hotfix)),
			"0.5 to 0.6667  1/2 ?1", "7200 high or medium 0/1 ?0", "0.5  1/2 ?0", "b:[hotfix]:2h0m0s f?deployment"},
		"the first hotfix ever": {ps(live("f", "c3", 22, hotfix)),
			"0  0/1 ?0", "not known  0/0 ?0", "1  1/1 ?0", ""},
		"an incident that is over": {with(ps(live("a", "c1", 1), live("b", "c2", 20)), incident("b", "c2", 21, 21.25)),
			"0.5  1/2 ?0", "900 elite 0/1 ?0", "0  0/2 ?0", "b:[incident]:15m0s"},
		"an incident by its commit": {with(ps(live("a", "c1", 1), live("b", "c2", 20)), incident("", "c1", 2, 3)),
			"0.5  1/2 ?0", "3600 high or medium 0/1 ?0", "0  0/2 ?0", "a:[incident]:1h0m0s"},
		"an incident by a commit that was deployed once more later": {with(ps(live("a", "c1", 1), live("b", "c1", 20)), incident("", "c1", 2, 3)),
			"0.5  1/2 ?0", "3600 high or medium 0/1 ?0", "0  0/2 ?0", "a:[incident]:1h0m0s"},
		"an incident by a commit of which another deployment never was live": {with(ps(live("a", "c1", 1), live("b", "c1", 20, broke)), incident("", "c1", 22, 23)),
			"1 to 1  1/1 ?1", "3600 high or medium 0/1 ?0", "0  0/1 ?0", "a:[incident]:1h0m0s b?deployment"},
		"an incident and the hotfix: whichever is first": {with(ps(live("b", "c2", 20), live("f", "c3", 22, hotfix)), incident("b", "c2", 21, 30)),
			"0.5  1/2 ?0", "3600 high or medium 0/1 ?0", "0.5  1/2 ?0", "b:[hotfix incident]:1h0m0s"},
		"two incidents, of which one is not over": {with(ps(live("b", "c2", 20)), incident("b", "c2", 21, 22), incident("b", "c2", 23, 0)),
			"1  1/1 ?0", "not known  0/0 ?1", "0  0/1 ?0", "b:[incident]:open"},
		"an incident while nothing known was live": {with(ps(live("b", "c2", 20)), incident("", "c9", 21, 22)),
			"0  0/1 ?0", "not known  0/0 ?0", "0  0/1 ?0", "?incident"},
		"an incident of what was live before this time": {with(ps(live("a", "c1", -5), live("b", "c2", 20)), incident("a", "c1", 2, 3)),
			"0  0/1 ?0", "not known  0/0 ?0", "0  0/1 ?0", ""},
		"a red verify that nothing tells of": {ps(live("a", "c1", 1), live("b", "c2", 20, red), live("c", "c3", 30)),
			"0 to 0.3333  0/3 ?1", "not known  0/0 ?0", "0  0/3 ?0", "b?verify"},
		"a deployment that ended before it was live makes no rate better": {ps(live("a", "c1", 1), live("r", "c0", 2, leaves("c1")), live("b", "c2", 20, broke)),
			"0.5 to 0.6667  1/2 ?1", "1800 elite 0/1 ?0", "0.5  1/2 ?0", "a:[rollback]:30m0s b?deployment"},
		"a failure of this time that was found after it": {with(ps(live("a", "c1", 1), live("b", "c2", 239)), incident("b", "c2", 250, 251)),
			"0.5  1/2 ?0", "3600 high or medium 0/1 ?0", "0  0/2 ?0", "b:[incident]:1h0m0s"},
		"a rejected promotion is no deployment": {ps(live("a", "c1", 1), live("b", "c2", 20, broke, func(p *gate.Promotion) { p.Deployment = 0 })),
			"0  0/1 ?0", "not known  0/0 ?0", "0  0/1 ?0", ""},
		"an incident that a clock put before its deployment": {with(ps(live("b", "c2", 20)), incident("b", "c2", 19, 22)),
			"1  1/1 ?0", "7200 high or medium 0/1 ?0", "0  0/1 ?0", "b:[incident]:2h0m0s"},
		"what is at the end is not in it": {ps(live("a", "c1", 0), live("b", "c2", 240)),
			"0  0/1 ?0", "not known  0/0 ?0", "0  0/1 ?0", ""},
	} {
		e := one(t, c.book, span)
		got := []string{said(e.Metrics[3]), said(e.Metrics[2]), said(e.Metrics[4]), told(e)}
		for i, want := range []string{c.fail, c.recovery, c.again, c.want} {
			if got[i] != want {
				t.Errorf("%s: Count says of the %s %q, want %q", name, []string{"fail rate", "recovery", "rework", "failures"}[i], got[i], want)
			}
		}
	}
}

func TestFrequencyIsOfTheTimeThatTheEnvironmentIsKnown(t *testing.T) {
	t.Parallel()
	every := func(n int, from, step float64) (list []gate.Promotion) {
		for i := range n {
			list = append(list, live(fmt.Sprint(i), fmt.Sprint("c", i), from+float64(i)*step))
		}
		return list
	}
	past := func(n int) (list []gate.Entry) {
		for i := range n {
			list = append(list, gate.Entry{Kind: gate.EntryOutside, Forge: "github", Repo: "Acme/Shop", Environment: "Production", Commit: "x", At: h(float64(i + 1))})
		}
		return list
	}
	known := live("first", "c", -1000)
	for name, c := range map[string]struct {
		book   dora.Book
		want   string
		median float64 // hours between two; 0: not known
		says   string
	}{
		"twice a day":                  {dora.Book{Promotions: append(every(20, 1, 12), known)}, "2 elite 0/20 ?0", 12, ""},
		"once a day":                   {dora.Book{Promotions: append(every(10, 1, 24), known)}, "1 high 0/10 ?0", 24, ""},
		"twice in ten days":            {dora.Book{Promotions: append(every(2, 1, 100), known)}, "0.2 high 0/2 ?0", 100, ""},
		"once in ten days":             {dora.Book{Promotions: append(every(1, 1, 0), known)}, "0.1 medium 0/1 ?0", 0, ""},
		"not once":                     {dora.Book{Promotions: []gate.Promotion{known}}, "not known  0/0 ?0", 0, "No promotion went live"},
		"known for two days":           {dora.Book{Promotions: every(2, 192.5, 12)}, "1  0/2 ?0", 12, "less than a week"},
		"known for hours":              {dora.Book{Promotions: every(2, 230, 2)}, "not known  0/2 ?0", 2, "less than a day"},
		"some came past the gate":      {dora.Book{Promotions: append(every(2, 1, 100), known), Outside: past(3)}, "0.2 high 0/2 ?3", 100, "3 more deployments were made past the gate"},
		"all of it came past the gate": {dora.Book{Outside: past(1)}, "not known  0/0 ?1", 0, "1 more deployment was made past the gate"},
	} {
		m := one(t, c.book, span).Metrics[0]
		median := 0.0
		if m.Spread != nil {
			median = m.Spread.Median / 3600
		}
		if said(m) != c.want || median != c.median || !strings.Contains(strings.Join(m.Notes, " "), c.says) {
			t.Errorf("%s: Count says %q, %v h between, %q; want %q, %v, %q", name, said(m), median, m.Notes, c.want, c.median, c.says)
		}
	}
}

func TestLeadTimeIsFromTheCommitToLive(t *testing.T) {
	t.Parallel()
	commit := func(id string, hours float64, parents ...string) checks.Carried {
		return checks.Carried{Commit: id, At: h(hours), Parents: parents}
	}
	whole := func(list ...checks.Carried) dora.Carried { return dora.Carried{Commits: list, Whole: true} }
	for name, c := range map[string]struct {
		carried map[string]dora.Carried
		edits   []func(*gate.Promotion) // of the second promotion
		want    string
		p90     float64 // hours
		says    string
	}{
		"one commit each":               {map[string]dora.Carried{"a": whole(commit("c1", 9)), "b": whole(commit("c2", 10))}, nil, "1.98e+04 elite 0/2 ?0", 9.1, ""},
		"the median of many, no mean":   {map[string]dora.Carried{"a": whole(commit("c1", 9)), "b": whole(commit("c2", 18), commit("c3", -4000))}, nil, "7200 elite 0/3 ?0", 3216.4, ""},
		"merge commits bring nothing":   {map[string]dora.Carried{"a": whole(commit("c1", 4)), "b": whole(commit("c2", 19.9, "x", "y"))}, nil, "2.16e+04 elite 0/1 ?0", 6, ""},
		"a commit counts once":          {map[string]dora.Carried{"a": whole(commit("c1", 4)), "b": whole(commit("c1", 4))}, nil, "2.16e+04 elite 0/1 ?0", 6, ""},
		"a rollback brings nothing new": {map[string]dora.Carried{"a": whole(commit("c1", 4)), "b": whole(commit("c0", 1))}, []func(*gate.Promotion){leaves("c1")}, "2.16e+04 elite 0/1 ?0", 6, ""},
		"days":                          {map[string]dora.Carried{"a": whole(commit("c1", 10-24*8)), "b": whole()}, nil, "6.912e+05 medium 0/1 ?0", 192, ""},
		"the first is not known":        {map[string]dora.Carried{"b": whole(commit("c2", 8))}, nil, "4.32e+04 elite 0/1 ?0", 12, "What 1 promotion brought is not known"},
		"no time, and a clock that is ahead": {map[string]dora.Carried{"a": whole(checks.Carried{Commit: "c1"}), "b": whole(commit("c2", 21))}, nil, "not known  0/0 ?2", 0,
			"2 commits have no time"},
		"half of it is known": {map[string]dora.Carried{"a": whole(commit("c1", 4)), "b": {Commits: []checks.Carried{commit("c2", 14)}}}, nil, "2.16e+04 elite 0/2 ?0", 6,
			"Of 1 promotion not all commits are known"},
		"nothing is known": {nil, nil, "not known  0/0 ?0", 0, "What 2 promotions brought is not known"},
	} {
		m := one(t, dora.Book{Promotions: []gate.Promotion{live("a", "c1", 10), live("b", "c2", 20, c.edits...)}, Carried: c.carried}, span).Metrics[1]
		p90 := 0.0
		if m.Spread != nil {
			p90 = m.Spread.P90 / 3600
		}
		if said(m) != c.want || math.Abs(p90-c.p90) > 0.01 || !strings.Contains(strings.Join(m.Notes, " "), c.says) {
			t.Errorf("%s: Count says %q, p90 %v h, %q; want %q, %v, %q", name, said(m), p90, m.Notes, c.want, c.p90, c.says)
		}
	}
}

func TestBandsAreThoseThatWerePublished(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hours          float64
		lead, recovery string
	}{
		{0.99, "elite", "elite"},
		{1, "elite", "high or medium"},
		{23.9, "elite", "high or medium"},
		{24, "high", ""},
		{7 * 24, "high", "low"},
		{7*24 + 1, "medium", "low"},
		{30 * 24, "medium", "low"},
		{30*24 + 1, "low", ""},
		{180 * 24, "low", ""},
		{180*24 + 1, "", ""},
	} {
		b := dora.Book{Promotions: []gate.Promotion{live("a", "c1", 1)}, Incidents: []gate.Incident{incident("a", "c1", 2, 2+c.hours)},
			Carried: map[string]dora.Carried{"a": {Commits: []checks.Carried{{Commit: "c1", At: h(1 - c.hours)}}, Whole: true}}}
		m := one(t, b, dora.Span{Since: noon, Now: h(10000)}).Metrics
		if m[1].Band != c.lead || m[2].Band != c.recovery {
			t.Errorf("%v hours: lead time %q, recovery %q; want %q, %q", c.hours, m[1].Band, m[2].Band, c.lead, c.recovery)
		}
		if said := strings.Contains(strings.Join(m[2].Notes, " "), "none of the bands"); said != (c.recovery == "") {
			t.Errorf("%v hours: notes %q", c.hours, m[2].Notes)
		}
	}
}

func TestRepositoriesAndEnvironmentsStandByThemselves(t *testing.T) {
	t.Parallel()
	b := dora.Book{
		Promotions: []gate.Promotion{
			live("a", "c1", 1), live("b", "c2", 2, at("Acme/Shop", "Production")), live("r", "c1", 3, leaves("c2")),
			live("s", "c1", 1, at("acme/shop", "staging")), live("t", "c2", 2, at("acme/shop", "staging"), red),
			live("o", "c2", 2, at("acme/other", "production"), hotfix),
		},
		Outside: []gate.Entry{{Forge: "github", Repo: "acme/third", Environment: "production", At: h(5)}},
	}
	r := dora.Count(b, span)
	var got []string
	for _, e := range r.Environments {
		got = append(got, fmt.Sprintf("%s %s %d+%d %s", e.Repo, e.Environment, e.Deployments, e.Outside, told(e)))
	}
	want := []string{"acme/other production 1+0 ", "acme/shop production 3+0 b:[rollback]:30m0s", "acme/shop staging 2+0 t?verify", "acme/third production 0+1 "}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("Count =\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	totals := dora.Totals{Repositories: 3, Environments: 4, Deployments: 6, Outside: 1, Failures: 1, Unattributed: 1, Rework: 2}
	if r.Totals != totals {
		t.Errorf("Totals = %+v, want %+v", r.Totals, totals)
	}
}

func TestZonesChangeNothing(t *testing.T) {
	t.Parallel()
	b := dora.Book{Promotions: []gate.Promotion{live("a", "c1", 1), live("b", "c2", 20), live("r", "c1", 22, leaves("c2"))},
		Incidents: []gate.Incident{incident("b", "c2", 21, 21.5)}, Carried: map[string]dora.Carried{"a": {Commits: []checks.Carried{{Commit: "c1", At: h(-3)}}, Whole: true}}}
	want, err := json.Marshal(dora.Count(b, span))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Pacific/Apia", "America/St_Johns", "Asia/Kathmandu"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Skip("this machine has no zones:", err)
		}
		moved := dora.Book{Incidents: []gate.Incident{b.Incidents[0]}, Carried: b.Carried}
		moved.Incidents[0].Opened = moved.Incidents[0].Opened.In(zone)
		for _, p := range b.Promotions {
			p.LiveAt, p.At, p.Since = p.LiveAt.In(zone), p.At.In(zone), p.Since.In(zone)
			moved.Promotions = append(moved.Promotions, p)
		}
		got, err := json.Marshal(dora.Count(moved, dora.Span{Since: span.Since.In(zone), Until: span.Until.In(zone), Now: span.Now.In(zone)}))
		if err != nil || string(got) != string(want) {
			t.Errorf("in %s Count =\n%s, %v\nwant\n%s", name, got, err, want)
		}
	}
}

func TestWhatAPromotionBroughtIsReadFromItsFacts(t *testing.T) {
	t.Parallel()
	facts := func(f checks.Facts) []byte {
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	between := []checks.Carried{{Commit: "c2", Title: "x", Parents: []string{"c1"}, At: h(1)}}
	before := []checks.Deployment{{ID: 1, Commit: "c1", State: "success", Live: h(0)}}
	for name, c := range map[string]struct {
		facts        []byte
		known, whole bool
		fails        bool
	}{
		"all of it":               {facts: facts(checks.Facts{Promotion: &checks.Promotion{Deployments: before, Between: between}}), known: true, whole: true},
		"nothing was live before": {facts: facts(checks.Facts{Promotion: &checks.Promotion{}})},
		"half of it":              {facts: facts(checks.Facts{Promotion: &checks.Promotion{Deployments: before, Between: between}, Gaps: []checks.Gap{{Part: "between", Reason: "x"}}}), known: true},
		"no promotion":            {facts: facts(checks.Facts{})},
		"no facts":                {facts: []byte("x"), fails: true},
	} {
		got, known, err := dora.Brought(c.facts)
		if known != c.known || got.Whole != c.whole || (err != nil) != c.fails {
			t.Errorf("%s: Brought = %+v, %v, %v; want known %v, whole %v, an error: %v", name, got, known, err, c.known, c.whole, c.fails)
		}
		if known && (len(got.Commits) != 1 || got.Commits[0].Commit != "c2" || !got.Commits[0].At.Equal(h(1)) || len(got.Commits[0].Parents) != 1) {
			t.Errorf("%s: Brought = %+v", name, got)
		}
	}
}
