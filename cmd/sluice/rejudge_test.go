package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
)

// otherPolicies ask for what the scenarios' own policies, or the defaults, did not ask for.
func otherPolicies() map[string]string {
	return map[string]string{
		"defaults":     "version: 1\n",
		"two must":     "approval: {rules: [{name: a, count: 2}], exclude: [author], stale: never}\n",
		"others must":  "approval: {rules: [{name: a, from: {teams: [acme/operations]}}, {name: b, when: {paths: ['**/*.go']}, from: {permission: admin}, after: a}]}\n",
		"owners must":  "approval: {rules: [{name: a, from: {codeowners: true}}, {name: b, from: {users: [bo], organizations: [acme]}}]}\ntagging: {bump: declared}\n",
		"other logs":   "changelog: {files: ['docs/*.md', NEWS.md], exempt: {labels: [docs, no-changelog], authors: [ana]}}\n",
		"fragments":    "changelog: {fragments: ['notes/*.md'], exempt: {paths: ['*.md', 'deploy/**']}}\n",
		"environments": "config-separation: {environments: {live: ['deploy/**', 'config/*prod*'], test: ['**/*staging*', 'config/*dev*']}, hosts: ['*.example.com', '*.acme.internal'], mixing: enforce}\n",
		"versions":     "tagging: {files: ['**/*.go', '*.json'], tag: '{version}', bump: declared, signed: true, by: {permission: admin}}\nconfig-separation: {ignore: ['deploy/**']}\n",
		"house rules":  "checks: [{name: small, rule: change.additions <= 1}, {name: told, rule: 'change.labels.exists(l, l == \"docs\")', mode: observe}]\nchangelog: {mode: observe}\napproval: {mode: advise}\n",
		"nothing":      "tagging: {mode: off}\nchangelog: {mode: off}\nconfig-separation: {mode: off}\napproval: {mode: off}\n",
	}
}

// What a replay under another policy says of a scenario is what Sluice says when the scenario is played under that
// policy, wherever it says anything: what was not recorded is unknown and is never taken for absent.
func TestReplayUnderAnotherPolicyNeverGuesses(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	others := otherPolicies()
	names := slices.Sorted(maps.Keys(others))
	var told, untold atomic.Int64
	t.Run("all", func(t *testing.T) {
		for i, path := range alike(t) {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
				t.Parallel()
				raw, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				was := played(t, txtar.Parse(raw), key)
				for n := range otherEach { // every policy is met by several scenarios
					other := names[(i+n*3)%len(names)]
					ar := txtar.Parse(raw)
					setSection(ar, "main/.sluice.yml", others[other])
					is := played(t, ar, key)
					for n := 1; n <= was.forge.Pulls(shop); n++ {
						a, b := compared(t, other, others[other], was, is, n)
						told.Add(a)
						untold.Add(b)
					}
				}
			})
		}
	})
	t.Logf("%d verdicts were told, %d were not", told.Load(), untold.Load())
	if told.Load() < untold.Load() {
		t.Errorf("%d verdicts told, %d not: want half of them told", told.Load(), untold.Load())
	}
}

// otherEach is how many of the other policies each scenario meets; len(otherPolicies()) is slow, and was run.
const otherEach = 1

var otherwisePlayed = regexp.MustCompile(`(?m)sluice\.yml|^\s*-? ?(comment|press|enqueue|fail|merge|limits|drop|permit|uninstall|suspend|expire|meanwhile|label|restart|move|rename):|log: true|dry-run`)

// alike are the scenarios whose acts do not hang on what the gate says, and which bring no policies.
func alike(t *testing.T) (paths []string) {
	t.Helper()
	all, err := filepath.Glob("../../testdata/scenarios/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		if name := filepath.Base(path); strings.HasPrefix(name, "promotion-") || strings.HasPrefix(name, "environment-") || strings.HasPrefix(name, "calendar") {
			continue // under a policy without their environments their acts are no acts, and changes alone are compared
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(raw), "main/.sluice.yml --", "", 1)
		if !otherwisePlayed.MatchString(text) {
			paths = append(paths, path)
		}
	}
	if len(paths) < 40 {
		t.Fatalf("got %d scenarios to compare, want 40 at least", len(paths))
	}
	return paths
}

// compared counts the verdicts told and not told of the newest decision on a change.
func compared(t *testing.T, name, other string, was, is *playing, change int) (told, untold int64) {
	t.Helper()
	s := checks.Subject{Forge: "github", Repo: shop, Kind: checks.KindChange, Change: change}
	before, now := was.newest(s), is.newest(s)
	if before == nil || now == nil {
		return 0, 0
	}
	var rec gate.Recorded
	err := was.server.store.Recorded(t.Context(), gate.Recall{}, func(r gate.Recorded) error {
		if r.Decision.ID == before.ID {
			rec = r
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	j := gate.Rejudger{Swap: func(old []policy.Source) []policy.Source {
		return checks.Proposal{Origin: policy.Repository, Source: &policy.Source{Origin: policy.Repository, Name: ".sluice.yml", Text: other}}.In(old)
	}}
	got, err := j.Judge(rec)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range now.Verdicts {
		if got.Untold[v.Check] != "" {
			untold++
			continue
		}
		told++
		if x := verdictNamed(got.After, v.Check); said(t, x) != said(t, v) {
			t.Errorf("#%d under %q, %s: replayed\n%s\nplayed\n%s", change, name, v.Check, said(t, x), said(t, v))
		}
	}
	if got.After.Open && !now.Open {
		t.Errorf("#%d under %q: open in the replay, and shut when played: %s", change, name, now.Gate.Reason)
	}
	return told, untold
}

func (r *playing) newest(s checks.Subject) *gate.Decision {
	r.t.Helper()
	d, _, err := r.server.store.Latest(r.t.Context(), s)
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

func verdictNamed(d *gate.Decision, name string) checks.Verdict {
	for _, v := range d.Verdicts {
		if v.Check == name {
			return v
		}
	}
	return checks.Verdict{}
}

var commitID = regexp.MustCompile(`\b[0-9a-f]{7,40}\b`)

// said is a verdict as text, but for ids of commits, which differ with the policy that is committed.
func said(t *testing.T, v checks.Verdict) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return commitID.ReplaceAllString(string(b), "COMMIT")
}
