package main

import (
	"encoding/json"

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
