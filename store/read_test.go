package store

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// Decisions of all ages are read as encoding/json reads them, and what it refuses is refused.
func TestDecisionsAreReadAsEver(t *testing.T) {
	t.Parallel()
	s := &Store{pack: newPacker()}
	whole, err := json.Marshal(gate.Decision{
		ID: "d1", Subject: checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindChange, Change: 7}, Commit: "c1", At: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Open: true,
		Verdicts: []checks.Verdict{{Check: "approval", Outcome: checks.Overridden, Beneath: checks.Wait, Mode: policy.Enforce, Reason: "a <b> & \u2028 \xff",
			Findings: []checks.Finding{{Outcome: checks.Fail, What: "x", Path: "a.go", Line: 3}}}},
		Acts: gate.Acts{Version: "3"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(whole), `{"id":"a","verdicts":null,"later":{"x":[1]},"ID":"b","gate":{"outcome":"fail"}}`, `{"id":"a","id":"b","open":null}`,
		`{"at":"yesterday"}`, `{"verdicts":[{"outcome":"maybe"}]}`, `{"open":1}`, `{"id":"a"`, ``} {
		var want gate.Decision
		refused := json.Unmarshal([]byte(text), &want)
		switch got, err := s.decision(s.pack.zip([]byte(text))); {
		case (err == nil) != (refused == nil):
			t.Errorf("decision(%s): %v, want %v", text, err, refused)
		case err == nil && !reflect.DeepEqual(*got, want):
			t.Errorf("decision(%s) = %+v, want %+v", text, *got, want)
		}
	}
}
