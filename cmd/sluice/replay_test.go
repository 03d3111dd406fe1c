package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// replays judges every decision of the scenario again: each must come out the same, byte for byte.
func (r *playing) replays() {
	r.t.Helper()
	for _, id := range r.decided() {
		d, facts, sources, err := r.server.store.Decision(r.t.Context(), id)
		if err != nil {
			r.t.Fatal(err)
		}
		again, err := gate.Replay(gate.Recorded{Decision: d, Facts: facts, Sources: sources})
		if err != nil {
			r.t.Errorf("replay decision %s on %v: %v", id, d.Subject, err)
			continue
		}
		if !gate.Same(d, again) {
			r.t.Errorf("decision %s on %v\nwas:\n%s\nreplayed:\n%s", id, d.Subject, text(r, d), text(r, again))
		}
		r.holdsAsFixture(gate.Recorded{Decision: d, Facts: facts, Sources: sources}, again)
	}
}

// holdsAsFixture writes a policy test of the decision and runs it: it wants what was decided, and that is what it gets.
func (r *playing) holdsAsFixture(raw gate.Recorded, again *gate.Decision) {
	r.t.Helper()
	e := explained{decision: raw.Decision, again: again, facts: &checks.Facts{}, raw: raw}
	if err := errors.Join(json.Unmarshal(raw.Facts, e.facts), json.Unmarshal(raw.Sources, &e.sources)); err != nil {
		r.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := e.writeFixture(&out); err != nil {
		if !strings.Contains(err.Error(), "nothing to test") {
			r.t.Errorf("fixture of %v: %v", raw.Decision.Subject, err)
		}
		return
	}
	file := filepath.Join(r.t.TempDir(), "case.yml")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if code, stdout, stderr := runPolicy(r.t, "", "test", file); code != exitOpen || !strings.Contains(stdout, "1 of 1 cases hold") {
		r.t.Errorf("fixture of %v: exit %d\n%s%s\n%.3000s", raw.Decision.Subject, code, stdout, stderr, out.String())
	}
}

// decided are the ids of all decisions kept, newest first.
func (r *playing) decided() (ids []string) {
	r.t.Helper()
	p := store.Past{}
	for {
		page, err := r.server.store.Decisions(r.t.Context(), p)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, d := range page {
			ids = append(ids, d.ID)
		}
		if len(page) == 0 {
			return ids
		}
		p.Before = page[len(page)-1].Seq
	}
}

func text(r *playing, d *gate.Decision) string {
	r.t.Helper()
	b, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}
