package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/gate"
)

// recorded lists what Recorded hands over: the first digit of each id.
func (f *fixture) recorded(q gate.Recall) string {
	f.t.Helper()
	var ids []string
	must(f.t, f.Recorded(ctx, q, func(r gate.Recorded) error {
		ids = append(ids, r.Decision.ID[:1])
		return nil
	}))
	return strings.Join(ids, "")
}

var recorded = map[string]func(*testing.T, *fixture){
	"of each subject and commit the newest decision is recorded, newest first": func(t *testing.T, f *fixture) {
		start := f.clock.Now()
		at := func(id string, n int, commit string) *gate.Decision {
			d := decision(id, n, f.clock.Now())
			d.Commit = commit
			return d
		}
		f.decided(1, gate.Outcome{Decision: at("a", 1, "c1"), Subject: open("c1", "main")})
		f.decided(1, gate.Outcome{Decision: at("b", 1, "c1"), Subject: open("c1", "main")})
		f.clock.pass(time.Hour)
		f.decided(1, gate.Outcome{Decision: at("c", 1, "c2"), Subject: open("c2", "main")})
		f.decided(2, gate.Outcome{Decision: at("d", 2, "c1"), Subject: &gate.SubjectState{}})
		for want, q := range map[string]gate.Recall{
			"dcb":  {},
			"dc":   {Since: start.Add(time.Minute)},
			"d":    {Limit: 1},
			"c":    {Of: gate.OpenChanges, Forge: "github"},
			"d ":   {Of: gate.SettledChanges, Repo: "ACME/shop"},
			" ":    {Repo: "acme/shopping"},
			"dcb ": {Owner: "Acme"},
			"  ":   {Owner: "acm"},
		} {
			equal(t, fmt.Sprintf("Recorded(%+v)", q), f.recorded(q), strings.TrimSpace(want))
		}
	},
	"more than a page is handed over, and an error ends it": func(t *testing.T, f *fixture) {
		for i := range 450 {
			d := decision("a", 1, f.clock.Now())
			d.ID, d.Commit = fmt.Sprintf("%032x", i), fmt.Sprint("c", i)
			f.decided(1, gate.Outcome{Decision: d, Facts: fmt.Append(nil, i), Sources: []byte("[]")})
		}
		var last string
		count, enough := 0, errors.New("enough")
		err := f.Recorded(ctx, gate.Recall{}, func(r gate.Recorded) error {
			if want := fmt.Sprint(449 - count); string(r.Facts) != want {
				t.Fatalf("facts %s, want %s", r.Facts, want)
			}
			last = r.Decision.ID
			if count++; count == 430 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || last != fmt.Sprintf("%032x", 20) {
			t.Errorf("Recorded = %v after %d, at %s", err, count, last)
		}
	},
	"what changes were last judged by is had by their numbers": func(t *testing.T, f *fixture) {
		judged := func(id string, n int, facts string) {
			d := decision(id, n, f.clock.Now())
			st := open("c1", "main")
			st.Decision = d.ID
			f.decided(n, gate.Outcome{Decision: d, Facts: []byte(facts), Sources: []byte("[]"), Subject: st})
		}
		var numbers []int
		for n := 1; n <= 60; n++ { // more than are asked for at a time
			judged(fmt.Sprintf("%x", n+16), n, fmt.Sprint("facts ", n))
			numbers = append(numbers, n)
		}
		judged("f", 2, "newer")
		got := map[int]string{}
		must(t, f.ChangeFacts(ctx, "github", "ACME/shop", append(numbers, 99), func(n int, facts []byte) error {
			got[n] = string(facts)
			return nil
		}))
		if len(got) != 60 || got[1] != "facts 1" || got[2] != "newer" || got[60] != "facts 60" {
			t.Errorf("ChangeFacts of 60 = %d, %v", len(got), got)
		}
		must(t, f.ChangeFacts(ctx, "gitlab", "acme/shop", numbers, func(n int, _ []byte) error {
			return fmt.Errorf("%d is of another forge", n)
		}))
		enough := errors.New("enough")
		if err := f.ChangeFacts(ctx, "github", "acme/shop", numbers, func(int, []byte) error { return enough }); !errors.Is(err, enough) {
			t.Errorf("ChangeFacts that is stopped = %v", err)
		}
	},
	"what was seen last is kept beside the decision that stands, once": func(t *testing.T, f *fixture) {
		d := decision("a", 1, f.clock.Now())
		f.decided(1, gate.Outcome{Decision: d, Facts: []byte("first"), Sources: []byte("[]"), Subject: open("c1", "main")})
		look := func(facts string) {
			f.clock.pass(time.Minute)
			st := open("c1", "main")
			st.Decision = d.ID
			f.decided(1, gate.Outcome{Facts: []byte(facts), Subject: st})
		}
		seen := func() (facts string, at time.Time) {
			must(t, f.Recorded(ctx, gate.Recall{}, func(r gate.Recorded) error {
				equal(t, "facts of the decision", string(r.Facts), "first")
				facts, at = string(r.Seen), r.SeenAt
				return nil
			}))
			return facts, at
		}
		facts, _ := seen()
		equal(t, "seen before a look", facts, "")
		look("second")
		_, first := seen()
		look("second")
		facts, again := seen()
		equal(t, "seen", facts, "second")
		equal(t, "when", again, first)
		look("third")
		facts, third := seen()
		equal(t, "seen", facts, "third")
		if !third.After(first) {
			t.Errorf("seen at %v, want after %v", third, first)
		}
		_, kept, _, err := f.Decision(ctx, d.ID)
		must(t, err)
		equal(t, "facts of the decision", string(kept), "first")
		f.decided(1, gate.Outcome{Facts: []byte("x"), Subject: &gate.SubjectState{Decision: "nope"}})
		f.clock.pass(401 * day)
		must(t, f.Prune(ctx, 400*day, 30*day))
		equal(t, "recorded after pruning", f.recorded(gate.Recall{}), "")
	},
	"decisions are found by how their ids begin": func(t *testing.T, f *fixture) {
		for i, id := range []string{"abc", "abd", "ff0"} {
			d := decision("a", i+1, f.clock.Now())
			d.ID = id + strings.Repeat("0", 29)
			f.decided(i+1, gate.Outcome{Decision: d})
		}
		for prefix, want := range map[string]int{"ab": 2, "abd": 1, "ff": 1, "ff1": 0, "": 2, "abc" + strings.Repeat("0", 29): 1, "a%": 0, "_": 0} {
			ids, err := f.DecisionsNamed(ctx, prefix)
			must(t, err)
			equal(t, "DecisionsNamed("+prefix+")", len(ids), want)
		}
	},
}
