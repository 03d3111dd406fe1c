package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// What could not be read never opens a gate: of every decision that a scenario leads to and that is shut, parts of the
// facts are taken away, as a forge or a reading that ended early would leave them out, and the gate must stay shut.
// TestScenarios asks this of what it played, since to play all of them once more would take longer than to ask.
func (r *playing) neverOpensWithLess() {
	r.t.Helper()
	past, err := r.server.store.Decisions(r.t.Context(), store.Past{})
	if err != nil {
		r.t.Fatal(err)
	}
	asked := map[string]bool{} // the same facts under the same policy are the same question
	for _, p := range past {
		_, facts, sources, err := r.server.store.Decision(r.t.Context(), p.ID)
		if err != nil {
			r.t.Fatal(err)
		}
		if question := string(facts) + string(sources); !asked[question] {
			asked[question] = true
			staysShut(r.t, facts, sources)
		}
	}
}

func staysShut(t *testing.T, facts, sources []byte) {
	t.Helper()
	var src []policy.Source
	if err := json.Unmarshal(sources, &src); err != nil {
		t.Fatal(err)
	}
	set, err := policy.Load(src...)
	if err != nil {
		return
	}
	whole := readFacts(t, facts)
	if d := gate.Decide(set, whole, gate.Acts{}, "", time.Time{}); d.Open || whole.Change == nil {
		return
	}
	for what, take := range missingParts(whole) {
		f := readFacts(t, facts)
		take(f)
		if d := gate.Decide(set, f, gate.Acts{}, "", time.Time{}); d.Open {
			t.Errorf("%v without %s: open (%+v)", f.Subject, what, d.Verdicts)
		}
	}
}

func readFacts(t *testing.T, raw []byte) *checks.Facts {
	t.Helper()
	var f checks.Facts
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	return &f
}

// missingParts are ways to know less.
func missingParts(whole *checks.Facts) map[string]func(*checks.Facts) {
	unread := func(f *checks.Facts) {
		for i := range f.Files {
			x := &f.Files[i]
			x.Read, x.Added, x.Removed = false, nil, nil
		}
	}
	m := map[string]func(*checks.Facts){
		"texts":    func(f *checks.Facts) { f.Texts = nil },
		"the tree": func(f *checks.Facts) { f.Paths, f.Listed = nil, false },
		"lines":    unread,
		"people":   func(f *checks.Facts) { f.People = nil },
		"teams":    func(f *checks.Facts) { f.Teams, f.Orgs = nil, nil },
		"members": func(f *checks.Facts) {
			f.Teams, f.Orgs = nil, nil
			f.Gaps = append(f.Gaps, checks.Gap{Part: "teams", Reason: "x"})
		},
		"all that was asked for": func(f *checks.Facts) {
			f.Texts, f.Paths, f.Listed, f.People, f.Teams, f.Orgs = nil, nil, false, nil, nil, nil
			unread(f)
		},
		"lines that are cut": func(f *checks.Facts) {
			unread(f)
			for i := range f.Files {
				f.Files[i].Cut = f.Files[i].Kind == ""
			}
		},
		"files":      func(f *checks.Facts) { f.Files = nil },
		"commits":    func(f *checks.Facts) { f.Commits = nil },
		"a cut tree": func(f *checks.Facts) { f.Paths = nil; f.Gaps = append(f.Gaps, checks.Gap{Part: "paths", Reason: "x"}) },
		"who labelled": func(f *checks.Facts) {
			for i := range f.Change.Labels {
				f.Change.Labels[i].By = nil
			}
		},
	}
	m["labels that are cut"] = func(f *checks.Facts) {
		f.Change.Labels, f.Gaps = nil, append(f.Gaps, checks.Gap{Part: "labels", Reason: "It was cut."})
	}
	for _, part := range []string{"files", "lines", "commits", "reviews", "tags", "paths", "people", "teams", "labels", "policy", "statuses"} {
		m["a gap in "+part] = func(f *checks.Facts) { f.Gaps = append(f.Gaps, checks.Gap{Part: part, Reason: "It was cut."}) }
	}
	for i, x := range whole.Texts {
		m[fmt.Sprintf("the text of %s at %s", x.Path, x.Side)] = func(f *checks.Facts) { f.Texts = append(f.Texts[:i:i], f.Texts[i+1:]...) }
		if x.Side != checks.Head || whole.File(x.Path) == nil {
			continue // so it was before the change, which is nothing that its author did
		}
		for _, kind := range []string{"binary", "symlink", "submodule", "lfs", "encoding", "large"} {
			m[fmt.Sprintf("the text of %s at %s, %s", x.Path, x.Side, kind)] = func(f *checks.Facts) { f.Texts[i].Text, f.Texts[i].Absent, f.Texts[i].Kind = "", false, kind }
		}
	}
	return m
}
