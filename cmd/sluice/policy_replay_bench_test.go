package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// benchDecisions is how many decisions the record holds; the figure is per decision.
const benchDecisions = 1000

// BenchmarkPolicyReplay judges a record again: the way of `sluice policy replay` from the database to what it prints.
func BenchmarkPolicyReplay(b *testing.B) {
	database := "sqlite:" + filepath.Join(b.TempDir(), "sluice.db")
	s, err := store.Open(b.Context(), store.Options{URL: database})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for n := 1; n <= benchDecisions; n++ {
		f := benchFacts(n)
		set, err := policy.Load(f.Sources...)
		if err != nil {
			b.Fatal(err)
		}
		d := gate.Decide(set, f, gate.Acts{}, fmt.Sprintf("%032x", n), time.Now().UTC())
		keepDecision(b, s, d, jsonOf(b, f), jsonOf(b, f.Sources))
	}
	other := filepath.Join(b.TempDir(), "other.yml")
	if err := os.WriteFile(other, []byte("approval: {rules: [{name: peers, count: 2}]}\nchecks: [{name: small, rule: change.files < 5, mode: observe}]\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var out, errs bytes.Buffer
		code := replayCommand(b.Context(), []string{"--policy", other}, func(name string) string {
			return map[string]string{"SLUICE_DATABASE": database}[name]
		}, nil, &out, &errs)
		if code != exitOpen || !strings.Contains(out.String(), fmt.Sprintf("%d decisions", benchDecisions)) {
			b.Fatalf("policy replay = %d, %s%s", code, out.String(), errs.String())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)/benchDecisions, "ms/decision")
}

// benchFacts are those of an ordinary change of twenty files.
func benchFacts(n int) *checks.Facts {
	ana, bo := account("ana"), account("bo")
	bo.Permission = "write"
	f := &checks.Facts{
		At:      time.Now().UTC(),
		Subject: checks.Subject{Forge: "github", Repo: "acme/shop", Kind: checks.KindChange, Change: n}, Repository: checks.Repository{Name: "acme/shop", Default: "main"},
		Sources: []policy.Source{{Origin: policy.Repository, Name: ".sluice.yml", Text: "version: 1\napproval: {rules: [{name: peers}]}\n"}},
		Change: &checks.Change{Number: n, Title: "feat: a basket", State: "open", Author: ana, Base: checks.Ref{Name: "main", Commit: strings.Repeat("b", 40)},
			Head: checks.Ref{Name: "x", Commit: fmt.Sprintf("%040x", n)}, ChangedFiles: 20, CommitCount: 1},
		Reviews: []checks.Review{{By: bo, State: "approved", Commit: fmt.Sprintf("%040x", n)}},
		People:  map[int64]checks.Person{bo.ID: bo}, Listed: true, Paths: []string{"CHANGELOG.md"},
	}
	f.Commits = []checks.Commit{{ID: f.Change.Head.Commit, Message: "feat: a basket", Author: ana, Committer: ana}}
	for i := range 20 {
		c := checks.File{Path: fmt.Sprintf("src/part%02d.go", i), Status: "modified", Read: true}
		for l := range 50 {
			c.Added = append(c.Added, checks.Line{N: l + 1, Text: fmt.Sprintf("\tbasket.add(%d, %d) // what is to be paid", i, l)})
		}
		f.Files = append(f.Files, c)
	}
	return f
}

func jsonOf(b *testing.B, v any) []byte {
	b.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return text
}
