package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

// storied plays a scenario and returns it with its database still open: the commands work beside it.
func storied(t *testing.T, name string) *playing {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("../../testdata/scenarios/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	return played(t, txtar.Parse(raw), key)
}

// command runs a command beside the scenario's server.
func (r *playing) command(args ...string) (code int, stdout, stderr string) {
	r.t.Helper()
	var out, errs bytes.Buffer
	code = run(r.t.Context(), process{args: args, environ: []string{"SLUICE_DATABASE=" + r.set.Database, "SLUICE_PUBLIC_URL=https://sluice.example"}, stdout: &out, stderr: &errs})
	return code, out.String(), errs.String()
}

func TestExplainReplaysADecision(t *testing.T) {
	t.Parallel()
	r := storied(t, "policy-edit-flips")
	s := checks.Subject{Forge: "github", Repo: shop, Kind: checks.KindChange, Change: 3}
	d := r.newest(s)
	for _, c := range []struct {
		args string
		code int
		says []string
	}{
		{d.ID, 0, []string{"acme/shop#3 is shut: approval: bo requested changes", "the same, byte for byte", "FAIL sluice/approval", "rule: .sluice.yml:5 approval.rules",
			"5 | approval: {rules: [{name: peers}]}", `"docs: words" by cy, from docs into main (open)`, "review     changes_requested by bo, of this commit", "right      ana: write"}},
		{d.ID[:10], 0, []string{"acme/shop#3 is shut"}},
		{"https://sluice.example/decisions/" + d.ID, 0, []string{"acme/shop#3 is shut"}},
		{"https://sluice.example/decisions/" + d.ID + "?a=b#c", 0, []string{"acme/shop#3 is shut"}},
		{strings.ToUpper(d.ID) + " --json", 0, []string{`"same": true`, `"differing": []`, `"text": "version: 1`}},
		{"--facts " + d.ID, 0, []string{`"title": "docs: words"`}},
		{"--fixture " + d.ID, 0, []string{"policy: |", "approval: fail"}},
		{strings.Repeat("f", 32), 2, []string{"not in the store", "SLUICE_KEEP"}},
		{"abc", 2, []string{"names no decision"}},
		{"acme/shop#3", 2, []string{"names no decision"}},
		{"", 2, []string{"sluice explain: which DECISION?", "usage: sluice explain"}},
		{"--fixture --json " + d.ID, 2, []string{"sluice explain: --fixture and --json are two forms", "usage: sluice explain"}},
		{d.ID + " " + d.ID, 2, []string{"one decision at a time, and was given 2"}},
		{"--jsn " + d.ID, 2, []string{"not defined"}},
		{"--help", 0, []string{"usage: sluice explain"}},
	} {
		code, stdout, stderr := r.command(append([]string{"explain"}, strings.Fields(c.args)...)...)
		for _, says := range c.says {
			if code != c.code || !strings.Contains(stdout+stderr, says) {
				t.Errorf("explain %s = %d, %s%s\nwant %d and %q", c.args, code, stdout, stderr, c.code, says)
			}
		}
	}
	// The change that edits the policy was told what would flip, and that is replayed as well.
	code, stdout, _ := r.command("explain", r.newest(checks.Subject{Forge: "github", Repo: shop, Kind: checks.KindChange, Change: 1}).ID)
	if code != 0 || !strings.Contains(stdout, "#3 (open) would be open; it is shut by approval") {
		t.Errorf("explain of the change that edits the policy = %d, %s", code, stdout)
	}
}

// A decision that this Sluice would not make is told from one that it would, and so are facts that were altered.
func TestExplainTellsWhatDiffers(t *testing.T) {
	t.Parallel()
	r := storied(t, "approved")
	past := r.decided()
	d, facts, sources, err := r.server.store.Decision(t.Context(), past[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		alter func(*gate.Decision, []byte) []byte
		says  string
	}{
		"a verdict": {func(d *gate.Decision, f []byte) []byte {
			d.Verdicts[len(d.Verdicts)-1].Outcome = checks.Fail
			return f
		}, "approval was fail"},
		"a fact": {func(_ *gate.Decision, f []byte) []byte {
			return bytes.Replace(f, []byte(`"approved"`), []byte(`"commented"`), 1)
		}, "digest is another"},
		"an odd character in a reason": {func(d *gate.Decision, f []byte) []byte {
			d.Verdicts[0].Reason = "\x1b[31mred\u202e"
			return f
		}, "[31mred"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			altered := *d
			altered.Verdicts = append([]checks.Verdict{}, d.Verdicts...)
			altered.ID = strings.Repeat("a", 32)
			kept := c.alter(&altered, facts)
			database := "sqlite:" + filepath.Join(t.TempDir(), "sluice.db")
			s, err := store.Open(t.Context(), store.Options{URL: database})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			keepDecision(t, s, &altered, kept, sources)
			var out, errs bytes.Buffer
			code := explainCommand(t.Context(), []string{altered.ID}, func(string) string { return database }, &out, &errs)
			if code != exitShut || !strings.Contains(out.String(), c.says) || !strings.Contains(out.String(), "NOT the same") || strings.ContainsAny(out.String(), "\x1b\u202e") {
				t.Errorf("explain = %d, %q%s, want 1 and %q", code, out.String(), errs.String(), c.says)
			}
		})
	}
}

// keepDecision keeps a decision as the work on its change would.
func keepDecision(t testing.TB, s *store.Store, d *gate.Decision, facts, sources []byte) {
	t.Helper()
	m := gate.Mark{Kind: gate.MarkChange, Forge: "github", Repo: d.Subject.Repo, Change: d.Subject.Change}
	if err := s.Mark(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	works, err := s.Claim(context.Background(), 1, time.Minute)
	if err != nil || len(works) != 1 {
		t.Fatalf("Claim = %v, %v", works, err)
	}
	err = s.Finish(context.Background(), works[0], gate.Outcome{Decision: d, Facts: facts, Sources: sources,
		Subject: &gate.SubjectState{Open: true, Head: d.Commit, Decision: d.ID}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPolicyReplayListsWhatFlips(t *testing.T) {
	t.Parallel()
	r := storied(t, "policy-edit-flips")
	off := "tagging: {mode: off}\nchangelog: {mode: off}\nconfig-separation: {mode: off}\n"
	dir := writeFiles(t, map[string]string{
		"two.yml":      off + "approval: {rules: [{name: peers, count: 2}]}\n",
		"half.yml":     "tagging: {mode: off}\nconfig-separation: {mode: off}\napproval: {rules: [{name: peers, count: 2}]}\n",
		"advise.yml":   off + "approval: {mode: advise}\n",
		"observe.yml":  "tagging: {mode: off}\nchangelog: {mode: off}\nconfig-separation: {mode: off}\nchecks: [{name: small, rule: change.files < 0, mode: observe}]\napproval: {rules: [{name: peers}]}\n",
		"defaults.yml": "version: 1\n",
		"broken.yml":   "version: 1\nchangelgo: {}\n",
		"floor.yml":    "required: {approval: {rules: [{name: a, from: {teams: [acme/none]}}]}}\n",
	})
	since := fmt.Sprintf("%dd", max(0, int(time.Since(r.clock.now()).Hours()/24))+2) // the scenario's clock is its own
	for _, c := range []struct {
		args string
		code int
		says []string
	}{
		{"--policy two.yml", 0, []string{"GATE would have been shut for 2 that were open and open for 0 that were shut, of 6", "sluice/approval, " + filepath.ToSlash(dir) + "/two.yml:4 approval.rules[0] would have blocked 2 of",
			"shut  acme/shop#2 at ", "/acme/shop/pull/2  https://sluice.example/decisions/"}},
		{"--policy advise.yml", 0, []string{"and open for 3 that were shut", "open  acme/shop#3 at ", "was: approval: bo requested changes"}},
		{"--policy observe.yml", 0, []string{"sluice/small, " + filepath.ToSlash(dir) + "/observe.yml:4 checks[0].rule (observed) would have blocked 6 of 6"}},
		{"--policy defaults.yml", 0, []string{"sluice/changelog cannot be told for ", "sluice/config-separation cannot be told for "}},
		{"--organisation floor.yml", 0, []string{"for 4 what was recorded does not tell", "sluice/approval cannot be told for"}},
		{"--policy two.yml --repo acme/other", 0, []string{"0 decisions on 0 changes and tags", "Nothing is recorded of acme/other at all: is it spelt as the forge has it"}},
		{"--policy two.yml --repo acme/shop --since 1m", 0, []string{"0 decisions on 0 changes and tags of the last 1m", "What is recorded of acme/shop is older than that: give a longer --since."}},
		{"--policy two.yml --since 1m", 0, []string{"What is recorded is older than that"}},
		{"--policy two.yml --since 0d", 0, []string{"--since leaves no time at all: say how far back, such as 90d."}},
		{"--policy two.yml --since 0d --json", 0, []string{`"hint": "--since leaves no time at all`}},
		{"--policy two.yml --since 520w", 0, []string{"of the last 3640 days were judged again"}},
		{"--policy half.yml", 0, []string{"; 1 more cannot be told.", "shut  acme/shop#2 at "}},
		{"--policy two.yml --repo ACME/Shop", 0, []string{"GATE would have been shut for 2 that were open and open for 0 that were shut, of 6"}},
		{"--policy broken.yml", 1, []string{`broken.yml:2:1: unknown key "changelgo"`}},
		{"--policy none.yml", 2, []string{"none.yml"}},
		{"--policy two.yml --since soon", 2, []string{`--since "soon"`}},
		{"--policy two.yml --repo acme", 2, []string{"want OWNER/NAME"}},
		{"", 2, []string{"sluice policy: replay wants the policy to judge under", "usage: sluice policy replay"}},
		{"two.yml", 2, []string{`two.yml": name a policy with --policy`}},
		{"--help", 0, []string{"usage: sluice policy replay"}},
	} {
		args := []string{"policy", "replay"}
		if !strings.Contains(c.args, "--since") {
			args = append(args, "--since", since)
		}
		for _, a := range strings.Fields(c.args) {
			if strings.HasSuffix(a, ".yml") {
				a = filepath.Join(dir, a)
			}
			args = append(args, a)
		}
		code, stdout, stderr := r.command(args...)
		for _, says := range c.says {
			if code != c.code || !strings.Contains(stdout+stderr, says) {
				t.Errorf("%s = %d, %s%s\nwant %d and %q", strings.Join(args, " "), code, stdout, stderr, c.code, says)
			}
		}
	}
	code, stdout, _ := r.command("policy", "replay", "--policy", filepath.Join(dir, "two.yml"), "--since", since, "--json")
	var got struct {
		Judged, Subjects int
		Gate             struct{ Shuts, Opens, Untold int }
		Flips            []struct{ Subject, Check, Turn, URL, Details string }
	}
	if err := json.Unmarshal([]byte(stdout), &got); code != 0 || err != nil || got.Gate.Shuts != 2 || got.Subjects != 4 || len(got.Flips) != 4 {
		t.Errorf("policy replay --json = %d, %v, %+v\n%s", code, err, got, stdout)
	}
}
