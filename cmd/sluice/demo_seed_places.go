package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/calendar"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// The environments of a made-up repository, with the promotions into them.

func seedPlaces() []string { return []string{"development", "staging", "production"} }

// environments makes all of them.
func (m *maker) environments() {
	rounds := 4
	if m.decisions > 10*decisionsOfChange*rounds {
		rounds = 30
	}
	for j := range seedPlaces() {
		m.environment(j, rounds)
	}
}

// environment makes one: what is live falls behind from one environment to the next.
func (m *maker) environment(j, rounds int) {
	names := seedPlaces()
	view := &gate.EnvironmentView{Rank: j + 1}
	if j > 0 {
		view.After = names[j-1]
	}
	x := store.Filling{Mark: gate.Mark{Kind: gate.MarkEnvironment, Forge: "github", Repo: m.repo, Environment: names[j]}}
	out := &x.Outcome
	for n := range rounds {
		last := n == rounds-1
		p := m.promotion(j, n, rounds, last && m.i%5 == j)
		asked := p
		asked.State = gate.Requested
		out.Requests, out.Promotions = append(out.Requests, asked), append(out.Promotions, p)
		d, facts := m.judged(&p, view.Live)
		out.Also = append(out.Also, gate.Kept{Decision: d, Facts: facts, Sources: m.sources})
		if !p.LiveAt.IsZero() {
			view.Live = &gate.LiveSeen{Deployment: p.Deployment, Commit: p.Commit, Version: p.Version, At: p.LiveAt, By: p.By}
			out.Entries = append(out.Entries, gate.Entry{At: p.LiveAt, Kind: gate.EntryDeployment, Forge: "github", Repo: m.repo, Commit: p.Commit, Environment: p.Environment,
				Who: gate.Who{ID: p.By.ID, Login: p.By.Login}, Outcome: string(p.State), Reason: p.Why, Promotion: p.ID})
		}
	}
	m.holds(j, view, out)
	out.Seen = append(out.Seen, gate.EnvironmentSeen{Forge: "github", Repo: m.repo, Name: names[j], Looked: true, At: m.now, View: view})
	m.out = append(m.out, x)
}

func (m *maker) promotion(j, n, rounds int, waits bool) gate.Promotion {
	change := max(1, m.decisions/decisionsOfChange-rounds-j+n)
	at := m.now.Add(-time.Duration(rounds-n)*330*24*time.Hour/time.Duration(rounds) + time.Duration(3*j)*time.Hour)
	p := gate.Promotion{ID: m.id(j, n+1), Forge: "github", Repo: m.repo, Environment: seedPlaces()[j], Commit: m.fake(change), Request: fmt.Sprint("seed/", n), How: checks.Automatic, Change: change,
		At: at, Since: at, State: gate.Verified, Deployment: int64(m.i*1000 + j*100 + n + 1), Created: at, LiveAt: at.Add(4 * time.Minute), VerifiedAt: at.Add(9 * time.Minute),
		Version: fmt.Sprintf("v1.%d.0", change), Decision: m.id(ofPromotion+j, n+1), Brings: &gate.Brings{Commits: 1 + m.dice.IntN(5), Oldest: at.Add(-20 * time.Hour)}}
	switch p.By = seedPerson(m.i + n); {
	case j == 0:
		p.How = checks.OnMerge
	case j == 2:
		p.How = checks.ByCommand
	}
	switch {
	case waits:
		p.State, p.Deployment, p.Created, p.LiveAt, p.VerifiedAt = gate.Gated, 0, time.Time{}, time.Time{}, time.Time{}
	case n < rounds-1 && m.dice.IntN(9) == 0:
		p.State, p.Why, p.LiveAt, p.VerifiedAt = gate.Failed, "The pipeline told that it failed.", time.Time{}, time.Time{}
	}
	return p
}

// judged is the decision on a promotion, with the facts of it.
func (m *maker) judged(p *gate.Promotion, live *gate.LiveSeen) (*gate.Decision, []byte) {
	s := checks.Subject{Forge: "github", Repo: m.repo, Kind: checks.KindPromotion, Environment: p.Environment, Commit: p.Commit}
	told := &checks.Promotion{ID: p.ID, Environment: p.Environment, Commit: p.Commit, Branch: "main", OnBranch: true, How: p.How, Requester: p.By, Requested: p.At}
	if live != nil {
		told.Deployments = []checks.Deployment{{ID: live.Deployment, Commit: live.Commit, Ours: true, At: live.At, State: "success", StateAt: live.At, Live: live.At}}
		for k := range p.Brings.Commits {
			told.Between = append(told.Between, checks.Carried{Commit: m.fake(1<<18 + p.Change*8 + k), Title: seedTitle(m.dice), Author: seedPerson(m.dice.IntN(40)), Change: p.Change, At: p.At.Add(-time.Duration(2+3*k) * time.Hour)})
		}
	}
	f := &checks.Facts{At: p.At, Subject: s, Promotion: told, Files: seedFiles(m.dice)}
	line := func(name, reason string, outcome checks.Outcome) checks.Verdict {
		return checks.Verdict{Check: name, Outcome: outcome, Mode: policy.Enforce, Reason: reason}
	}
	d := &gate.Decision{ID: p.Decision, Subject: s, Commit: p.Commit, At: p.At, Open: p.State != gate.Gated, Policy: "made-up", Facts: "made-up", Digest: p.Decision,
		Gate: line("deploy", "Open: every line passes.", checks.Pass)}
	for _, name := range []string{"tagging", "changelog", "config-separation", "statuses", "after", "window", "freeze", "lock", "interval", "lineage", "changes"} {
		d.Verdicts = append(d.Verdicts, line(name, "Nothing stands against it.", checks.Pass))
	}
	approval := line("approval", "Approved by "+seedPerson(m.i).Login+".", checks.Pass)
	if !d.Open {
		approval.Outcome, approval.Reason = checks.Wait, "Needs the approval of a release manager: one of acme/release."
		d.Gate.Outcome, d.Gate.Reason = checks.Wait, "approval: "+approval.Reason
	}
	d.Verdicts = append(d.Verdicts, approval)
	return d, seedJSON(f)
}

// holds are what keeps some of the environments back: freezes, locks, and what came past the gate.
func (m *maker) holds(j int, view *gate.EnvironmentView, out *gate.Outcome) {
	if j == 2 && m.i%97 == 0 && view.Live != nil {
		view.Live.Outside = true
		out.Entries = append(out.Entries, gate.Entry{At: view.Live.At, Kind: gate.EntryOutside, Forge: "github", Repo: m.repo, Commit: view.Live.Commit, Environment: seedPlaces()[j], Reason: "A deployment that no promotion asked for is live."})
	}
	if j == 2 && m.i%50 == 0 {
		view.Freezes = []calendar.Freeze{{Span: calendar.Span{From: m.now.Add(-time.Hour), To: m.now.Add(48 * time.Hour)}, Reason: "the fair", Rule: ".sluice.yml:9 environments.production.freezes[0]"}}
	}
	if j == 1 && m.i%60 == 0 {
		out.Locks = append(out.Locks, gate.LockState{ID: "seed/lock", Forge: "github", Repo: m.repo, Lock: checks.Lock{Environment: seedPlaces()[j], By: seedPerson(m.i), Reason: "A load test runs" + strings.Repeat(".", m.i%3), At: m.now}})
	}
}
