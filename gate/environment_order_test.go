package gate

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/calendar"
	"github.com/sluicegate/sluice/checks/policy"
)

// What a promotion's deployment is known by is written down when it is reserved first, and stays so.
func TestWhatADeploymentIsKnownBy(t *testing.T) {
	t.Parallel()
	set, err := policy.Load(policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: "environments: {production: {gitlab: {job: ship}}}"})
	if err != nil {
		t.Fatal(err)
	}
	p := Promotion{ID: "p1", Commit: "c1"}
	v := &visit{set: set, s: checks.Subject{Environment: "Production"}, standing: &Standing{Deployments: []checks.Deployment{
		{ID: 9, Commit: "c2", Workflow: true, State: "waiting"}, {ID: 7, Commit: "c1", Workflow: true, State: "waiting"}, {ID: 5, Commit: "c1", State: "success", Live: time.Now()}}},
		book: &EnvironmentBook{Promotions: []Promotion{p, {ID: "p0", Deployment: 5, Also: []int64{4}}, {ID: "none"}}}}
	v.mark(&p)
	v.standing.Deployments = append([]checks.Deployment{{ID: 12, Commit: "c1"}}, v.standing.Deployments...)
	v.mark(&p)
	want := Order{Promotion: "p1", Job: "ship", After: 9, Idle: []int64{7}, Others: []int64{5, 4}}
	if got := v.order(&p); !reflect.DeepEqual(got, want) {
		t.Errorf("order = %+v\nwant    %+v", got, want)
	}
	first := Promotion{Commit: "c1"}
	(&visit{standing: &Standing{}}).mark(&first)
	if first.After != -1 {
		t.Errorf("where nothing was deployed yet: after %d", first.After)
	}
}

func TestFreezesOfTheForgeAreKeptAsFarAsADecisionRestsOnThem(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	z := func(source string, from, to int) checks.Frozen {
		return checks.Frozen{Source: source, From: now.Add(time.Duration(from) * time.Hour), To: now.Add(time.Duration(to) * time.Hour)}
	}
	list := []checks.Frozen{z("a", -9, -8), z("a", -2, 3), z("b", 0, 1), z("b", 4, 5), z("a", 6, 7), z("b", 8, 9), z("a", 10, 11)}
	if got, want := frozenAround(list, now), []checks.Frozen{list[1], list[2], list[3], list[4]}; !reflect.DeepEqual(got, want) {
		t.Errorf("kept %+v\nwant %+v", got, want)
	}
	v := &visit{standing: &Standing{Frozen: list[:2], Thawing: "GitLab answered 500"}}
	span := calendar.Span{From: now.Add(-24 * time.Hour), To: now.Add(24 * time.Hour)}
	whole := calendar.Timetable{During: span}.Also(v.forgeFreezes())
	if len(whole.Freezes()) != 2 || len(whole.Unknown()) != 1 {
		t.Errorf("the calendar tells %+v, unknown %+v", whole.Freezes(), whole.Unknown())
	}
	if _, ok := whole.Next(now); ok {
		t.Error("an opening is promised though the forge's freezes are not known")
	}
}

// A run that the forge shows to wait is looked at once; the look itself does not bring about the next one.
func TestARunThatNobodyToldOfIsLookedAt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		book   []Promotion
		causes []Mark
		want   bool
	}{
		"nobody knows of it":          {nil, nil, true},
		"a promotion takes care":      {[]Promotion{{Run: 8}}, nil, false},
		"it knocks at one":            {[]Promotion{{Knocks: []int64{8}}}, nil, false},
		"this look was for it":        {nil, []Mark{{Detail: "run/8"}}, false},
		"this look was for another":   {nil, []Mark{{Detail: "run/7"}}, true},
		"a promotion has another":     {[]Promotion{{Run: 7}}, nil, true},
		"a deployment was told of it": {nil, []Mark{{Detail: "deployment/8"}}, true},
	} {
		v := &visit{s: checks.Subject{Forge: "f", Repo: "r", Environment: "production"}, w: Work{Causes: c.causes}, book: &EnvironmentBook{Promotions: c.book}, standing: &Standing{Waiting: []int64{8}}}
		v.waiting()
		got := slices.ContainsFunc(v.out.Marks, func(m Mark) bool { return m.Detail == "run/8" && m.Kind == MarkEnvironment })
		if got != c.want {
			t.Errorf("%s: looked at %v, want %v", name, got, c.want)
		}
	}
}
