package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/calendar"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// What a large place looks like, made up: to look at pages with much on them, and to measure them. Nothing of it exists at any
// forge. The same numbers make the same data.

// seeding makes so many repositories with so many decisions on the changes of each.
type seeding struct {
	repos, decisions int
	now              time.Time
	dice             *rand.Rand
	facts, sources   []byte
	st               *store.Store
	deployment       int64
}

const seedPolicy = "version: 1\napproval:\n  rules:\n    - {name: peer review, count: 1}\nenvironments:\n  development:\n    deploy: on-merge\n  staging:\n    after: development\n  production:\n    after: staging\n    deployers: {teams: [acme/release]}\n"

// seed fills a database that nobody works on yet.
func seed(ctx context.Context, st *store.Store, repos, decisions int) error {
	now := st.Now()
	x := &seeding{repos: repos, decisions: decisions, now: now, st: st, dice: rand.New(rand.NewPCG(1, 2))}
	sources, err := json.Marshal([]policy.Source{{Origin: policy.Repository, Name: ".sluice.yml", Commit: fake(1), Text: seedPolicy}})
	if err != nil {
		return err
	}
	x.sources = sources
	if x.facts, err = json.Marshal(x.changeFacts()); err != nil {
		return err
	}
	const batch = 25
	for i := 0; i < repos; i += batch {
		if err := x.batch(ctx, i, min(i+batch, repos)); err != nil {
			return fmt.Errorf("make up repositories: %w", err)
		}
	}
	return nil
}

// seedRepo is the name of one.
func seedRepo(i int) string { return fmt.Sprintf("team-%02d/service-%04d", i%40, i) }

// fake is an object id.
func fake(n int) string { return fmt.Sprintf("%040x", 0x5eed<<20+n) }

func (x *seeding) changeFacts() *checks.Facts {
	f := &checks.Facts{Subject: checks.Subject{Forge: "github", Kind: checks.KindChange}, Change: &checks.Change{Title: "A change", State: "merged", Author: checks.Person{ID: 7, Login: "ana", Kind: "user"}}}
	for i := range 20 {
		f.Files = append(f.Files, checks.File{Path: fmt.Sprintf("internal/part%d/file.go", i), Status: "modified", Additions: i})
	}
	return f
}

// batch makes some repositories in one go.
func (x *seeding) batch(ctx context.Context, from, to int) error {
	var out gate.Outcome
	for i := from; i < to; i++ {
		x.repository(i, &out)
	}
	mark := gate.Mark{Kind: gate.MarkPrune, Why: "seed"}
	if err := x.st.Mark(ctx, mark); err != nil {
		return err
	}
	works, err := x.st.Claim(ctx, 1, time.Hour)
	if err != nil || len(works) != 1 {
		return fmt.Errorf("take the work: %d, %w", len(works), err)
	}
	ended := out.Promotions // what was asked for is kept first, and ends in a second go
	out.Promotions = nil
	if err := x.st.Finish(ctx, works[0], out); err != nil {
		return err
	}
	if err := x.st.Mark(ctx, mark); err != nil {
		return err
	}
	if works, err = x.st.Claim(ctx, 1, time.Hour); err != nil || len(works) != 1 {
		return fmt.Errorf("take the work: %d, %w", len(works), err)
	}
	return x.st.Finish(ctx, works[0], gate.Outcome{Promotions: ended})
}

// repository makes one: its environments, what was promoted, and its decisions.
func (x *seeding) repository(i int, out *gate.Outcome) {
	repo := seedRepo(i)
	for j, name := range []string{"development", "staging", "production"} {
		x.environment(i, j, repo, name, out)
	}
	for k := range x.decisions {
		n := k/4 + 1
		d := &gate.Decision{ID: fmt.Sprintf("%08x%024x", i, k+1), Subject: checks.Subject{Forge: "github", Repo: repo, Kind: checks.KindChange, Change: n}, Commit: fake(i*1000 + k),
			At: x.now.Add(-time.Duration(x.decisions-k) * time.Hour), Open: k%4 == 3, Policy: "p", Facts: "f", Digest: fmt.Sprint(k),
			Verdicts: []checks.Verdict{{Check: "changelog", Outcome: checks.Pass, Mode: policy.Enforce, Reason: "Adds an entry.", Rule: "default changelog"}},
			Gate:     checks.Verdict{Check: "gate", Outcome: checks.Wait, Mode: policy.Enforce, Reason: "approval: Needs 1 more approval of this commit.", Rule: ".sluice.yml:4 approval.rules[0]"}}
		if d.Open {
			d.Gate.Outcome, d.Gate.Reason = checks.Pass, "Open: every check that blocks passes."
		}
		out.Also = append(out.Also, gate.Kept{Decision: d, Facts: x.facts, Sources: x.sources})
		if k%10 == 0 {
			out.Entries = append(out.Entries, gate.Entry{At: d.At, Kind: gate.EntryDecision, Forge: "github", Repo: repo, Change: n, Commit: d.Commit, Reason: d.Gate.Reason, Outcome: "shut", Decision: d.ID})
		}
	}
}

// environment makes one of a repository, with the promotions into it.
func (x *seeding) environment(i, j int, repo, name string, out *gate.Outcome) {
	view := &gate.EnvironmentView{Rank: j + 1, After: []string{"", "development", "staging"}[j]}
	seen := gate.EnvironmentSeen{Forge: "github", Repo: repo, Name: name, Looked: true, At: x.now, View: view}
	for n := range 4 {
		x.deployment++
		commit := 4 - j + n // what is live falls behind from one environment to the next
		at := x.now.Add(-time.Duration(100-10*n-j) * time.Hour)
		p := gate.Promotion{ID: fmt.Sprintf("%08x%08x%016x", i, j, n+1), Forge: "github", Repo: repo, Environment: name, Commit: fake(i*1000 + commit), Request: fmt.Sprint("seed/", n), How: checks.ByCommand,
			By: checks.Person{ID: 8, Login: "bo", Kind: "user"}, At: at, Since: at, State: gate.Verified, Deployment: x.deployment, LiveAt: at, VerifiedAt: at, Version: fmt.Sprintf("v1.%d.0", commit),
			Brings: &gate.Brings{Commits: 1 + x.dice.IntN(5), Oldest: at.Add(-20 * time.Hour)}}
		if n == 3 && i%5 == j { // some wait
			p.State, p.Deployment, p.LiveAt, p.VerifiedAt, p.Decision = gate.Gated, 0, time.Time{}, time.Time{}, fmt.Sprintf("%08x%024x", i, 1)
		} else {
			view.Live = &gate.LiveSeen{Deployment: p.Deployment, Commit: p.Commit, Version: p.Version, At: at, By: p.By}
		}
		asked := p
		asked.State = gate.Requested
		out.Requests, out.Promotions = append(out.Requests, asked), append(out.Promotions, p)
	}
	if j == 2 && i%97 == 0 {
		view.Live.Outside = true
	}
	if j == 2 && i%50 == 0 {
		view.Freezes = []calendar.Freeze{{Span: calendar.Span{From: x.now.Add(-time.Hour), To: x.now.Add(48 * time.Hour)}, Reason: "the fair", Rule: ".sluice.yml:9 environments.production.freezes[0]"}}
	}
	if j == 1 && i%60 == 0 {
		out.Locks = append(out.Locks, gate.LockState{ID: fmt.Sprint("seed/", i), Forge: "github", Repo: repo, Lock: checks.Lock{Environment: name, By: checks.Person{ID: 9, Login: "cy"}, Reason: "A load test runs" + strings.Repeat(".", i%3), At: x.now}})
	}
	out.Seen = append(out.Seen, seen)
}
