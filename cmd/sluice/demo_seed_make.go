package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// One repository of a made-up place: its changes with the decisions on each, and what people let through.

const seedPolicy = "version: 1\napproval:\n  rules:\n    - {name: peer review, count: 1}\nenvironments:\n  development:\n    deploy: on-merge\n  staging:\n    after: development\n  production:\n    after: staging\n    deployers: {teams: [acme/release]}\n"

// decisionsOfChange is how often a change is judged before it is merged.
const decisionsOfChange = 4

// maker makes up one repository. All that it makes follows from its numbers.
type maker struct {
	i         int
	repo      string
	now       time.Time
	dice      *rand.Rand
	sources   []byte
	decisions int
	out       []store.Filling
}

func newMaker(s seeding, i int, sources []byte) *maker {
	return &maker{i: i, repo: seedRepo(i), now: s.now, dice: rand.New(rand.NewPCG(s.seed, uint64(i))), sources: sources, decisions: s.share(i)}
}

// fake is an object id of this repository.
func (m *maker) fake(n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", m.repo, n))
	return hex.EncodeToString(sum[:20])
}

// id is a decision's or a promotion's: they are apart by what they are of.
func (m *maker) id(of, n int) string { return fmt.Sprintf("%08x%08x%016x", m.i, of, n) }

// Decisions on changes have an of of their own; those on promotions are above the environments'.
const (
	ofChange    = 1 << 20
	ofPromotion = 1 << 10
)

// changes makes them all; the last few are open.
func (m *maker) changes() {
	all := (m.decisions + decisionsOfChange - 1) / decisionsOfChange
	for number, left := 1, m.decisions; left > 0; number, left = number+1, left-decisionsOfChange {
		m.change(number, all, min(left, decisionsOfChange))
	}
}

func (m *maker) change(number, all, decisions int) {
	open := number > all-1-m.i%4
	author := m.dice.IntN(40)
	opened := m.now.Add(-time.Duration(all-number+1) * 360 * 24 * time.Hour / time.Duration(all+1))
	f := m.changeFacts(number, author, opened, open)
	s := f.Subject
	x := store.Filling{Mark: gate.Mark{Kind: gate.MarkChange, Forge: s.Forge, Repo: s.Repo, Change: number}}
	out := &x.Outcome
	var last *gate.Decision
	for k := range decisions {
		pass := k == decisions-1 && !open
		last = m.decision(f, m.id(ofChange, number*decisionsOfChange+k), opened.Add(time.Duration(k)*17*time.Minute), pass)
		out.Also = append(out.Also, gate.Kept{Decision: last, Facts: seedJSON(f), Sources: m.sources})
		if k == 0 || pass {
			out.Entries = append(out.Entries, m.decided(last))
		}
	}
	out.Subject = &gate.SubjectState{Open: open, Merged: !open, Head: f.Change.Head.Commit, Base: "main", Author: f.Change.Author.Login, Title: f.Change.Title, Decision: last.ID, ReadAt: last.At}
	if m.dice.IntN(12) == 0 {
		m.override(out, f, last)
	}
	m.out = append(m.out, x)
}

func (m *maker) changeFacts(number, author int, opened time.Time, open bool) *checks.Facts {
	head, by := m.fake(number), seedPerson(author)
	c := &checks.Change{Number: number, URL: fmt.Sprintf("https://github.example/%s/pull/%d", m.repo, number), Title: seedTitle(m.dice), State: "merged", Author: by, CreatedAt: opened, CommitCount: 1,
		Base: checks.Ref{Repo: m.repo, Name: "main"}, Head: checks.Ref{Repo: m.repo, Name: fmt.Sprintf("change-%d", number), Commit: head}}
	if open {
		c.State = "open"
	}
	f := &checks.Facts{At: opened, Subject: checks.Subject{Forge: "github", Repo: m.repo, Kind: checks.KindChange, Change: number}, Change: c, Files: seedFiles(m.dice)}
	c.ChangedFiles = len(f.Files)
	f.Commits = []checks.Commit{{ID: head, Message: c.Title, Author: by, Committer: by, At: opened.Add(-time.Hour)}}
	if !open {
		f.Reviews = []checks.Review{{ID: int64(number), By: seedPerson(author + 1), State: "approved", Commit: head, At: opened.Add(40 * time.Minute)}}
	}
	return f
}

// decision is one that says what such facts would have come to. Nobody judged it.
func (m *maker) decision(f *checks.Facts, id string, at time.Time, pass bool) *gate.Decision {
	verdict := func(check string, outcome checks.Outcome, reason, rule string) checks.Verdict {
		return checks.Verdict{Check: check, Outcome: outcome, Mode: policy.Enforce, Reason: reason, Rule: rule}
	}
	d := &gate.Decision{ID: id, Subject: f.Subject, Commit: f.Change.Head.Commit, Base: "main", At: at, Open: pass, Policy: "made-up", Facts: "made-up", Digest: id,
		Verdicts: []checks.Verdict{verdict("tagging", checks.Pass, "Ships as a minor version.", "default tagging"), verdict("changelog", checks.Pass, "Adds an entry under Unreleased.", "default changelog"),
			verdict("config-separation", checks.Pass, "No configuration is mixed with code.", "default config-separation")},
		Gate: verdict("gate", checks.Pass, "Open: every check that blocks passes.", "")}
	review := verdict("approval", checks.Pass, "Approved by "+seedPerson(m.i).Login+".", ".sluice.yml:4 approval.rules[0]")
	if !pass {
		review.Outcome, review.Reason = checks.Wait, "Needs 1 more approval of this commit, by somebody with write access."
		d.Gate.Outcome, d.Gate.Reason = checks.Wait, "approval: "+review.Reason
	}
	d.Verdicts = append(d.Verdicts, review)
	return d
}

func (m *maker) decided(d *gate.Decision) gate.Entry {
	e := gate.Entry{At: d.At, Kind: gate.EntryDecision, Forge: d.Subject.Forge, Repo: m.repo, Change: d.Subject.Change, Commit: d.Commit, Policy: d.Policy, Reason: d.Gate.Reason, Outcome: "shut", Decision: d.ID}
	if d.Open {
		e.Outcome = "open"
	}
	return e
}

// override has an administrator let something through, and says what became of it.
func (m *maker) override(out *gate.Outcome, f *checks.Facts, d *gate.Decision) {
	names := []string{"changelog", "approval", "config-separation", "tagging"}
	n := f.Change.Number
	o := gate.Override{Check: names[m.dice.IntN(len(names))], Commit: d.Commit, Base: "main", By: seedPerson(m.dice.IntN(9)), People: 1, Reason: seedReason(m.dice), Comment: int64(n) + 1000,
		URL: fmt.Sprintf("%s#issuecomment-%d", f.Change.URL, n+1000), At: d.At}
	e := gate.Entry{At: o.At, Kind: gate.EntryOverride, Forge: "github", Repo: m.repo, Change: n, Commit: o.Commit, Who: gate.Who{ID: o.By.ID, Login: o.By.Login}, Check: o.Check, Reason: o.Reason, URL: o.URL, Policy: d.Policy, Outcome: "granted"}
	out.Entries = append(out.Entries, e)
	if f.Change.State != "open" {
		o.Ended, o.Why = d.At.Add(time.Hour), "the change was merged"
		e.At, e.Outcome, e.Reason = o.Ended, "ended", o.Why+" (was: "+o.Reason+")"
		out.Entries = append(out.Entries, e)
	}
	out.Overrides = append(out.Overrides, o)
}

// seedJSON is a value of ours as JSON, which cannot fail.
func seedJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // no part of facts or sources can fail to be written
	}
	return b
}
