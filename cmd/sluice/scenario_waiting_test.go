package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/providers/pretend"
)

// Ten thousand promotions that wait for a window cost the forge nothing, however often is swept, until it opens.
func TestWaitingForAWindowCostsNothing(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{at: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	r := &playing{t: t, where: "github", ar: txtar.Parse([]byte("-- forge.yml --\n-- main/.sluice.yml --\nversion: 1\n")), clock: c, log: &bytes.Buffer{}, heads: map[string]string{},
		told:  map[string]string{},
		forge: pretend.New(pretend.Options{Key: key, Secret: "secret", Now: c.now, Permissions: asked(t).Permissions, Events: asked(t).Events})}
	r.open(key)
	r.settle() // what the server reads at its start
	const all, first = 10_000, 3
	opens, soon := c.now().Add(7*24*time.Hour), c.now().Add(4*time.Hour)
	r.wait10k(all, first, opens, soon)
	r.forge.ResetCalls()
	for range 20 {
		c.move(c.now().Add(10 * time.Minute))
		if err := r.sweep(); err != nil {
			t.Fatal(err)
		}
		r.settle()
	}
	if reads, writes := r.forge.Traffic(); reads+writes > 0 {
		t.Errorf("%d reads and %d writes while %d promotions waited for a window: %v", reads, writes, all, r.forge.Counts())
	}
	c.move(soon)
	if err := r.sweep(); err != nil {
		t.Fatal(err)
	}
	r.settle()
	if reads, _ := r.forge.Traffic(); reads < first || reads > 5*first {
		t.Errorf("%d reads when the window of %d opened: %v", reads, first, r.forge.Counts())
	}
}

// wait10k has so many environments wait, the first of them until soon: as visits leave them behind.
func (r *playing) wait10k(all, first int, opens, soon time.Time) {
	r.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+strings.TrimPrefix(r.set.Database, "sqlite:"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(r.t.Context(), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	now, head := r.clock.now(), r.forge.Head(shop, "main")
	for n := range all {
		until := opens
		if n < first {
			until = soon
		}
		p := gate.Promotion{ID: fmt.Sprintf("%032x", n+1), Forge: "github", Repo: shop, Environment: fmt.Sprintf("region-%d", n), Commit: head, Attempt: 1,
			Request: "merge/1/" + head, How: checks.OnMerge, At: now, State: gate.Gated, Since: now, Waits: until}
		seen := gate.EnvironmentSeen{Forge: "github", Repo: shop, Name: p.Environment, Looked: true, Busy: true, Rests: until, At: now}
		for query, args := range map[string][]any{
			`INSERT INTO promotion (id, forge, repo, environment, sha, attempt, request, state, number, deployment, at, since, body) VALUES (?, ?, ?, ?, ?, 1, ?, ?, 0, 0, ?, ?, ?)`: {p.ID,
				p.Forge, p.Repo, p.Environment, p.Commit, p.Request, string(p.State), now.UnixMilli(), now.UnixMilli(), asJSON(r.t, p)},
			`INSERT INTO environment_seen (forge, repo, name, body) VALUES (?, ?, ?, ?)`: {"github", shop, seen.Name, asJSON(r.t, seen)},
		} {
			if _, err := tx.ExecContext(r.t.Context(), query, args...); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		r.t.Fatal(err)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
