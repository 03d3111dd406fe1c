package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sluicegate/sluice/checks"
	"github.com/sluicegate/sluice/checks/policy"
	"github.com/sluicegate/sluice/gate"
	"github.com/sluicegate/sluice/store"
)

const replayUsage = `usage: sluice policy replay --policy FILE [--organisation FILE] [--since 90d] [--repo OWNER/NAME] [--json]

Judges what was recorded again under another policy, and lists what would have come out otherwise: gates first, then
checks by the rule behind them. Of each change and tag, the newest decision on each of its commits is judged.

  --policy FILE        stands in for the repository's policy; the organisation's stays what it was
  --organisation FILE  stands in for the organisation's; at least one of the two is needed
  --since 90d          how far back; hours, days and weeks (h, d, w)
  --repo OWNER/NAME    of one repository alone
  --all                lists every flip, rather than the first 20 of each rule
  --json               as JSON

What the other policy asks for and nobody asked for then is not recorded. Verdicts that hang on it are counted as not
told, and never guessed. The database is the one in SLUICE_DATABASE (sqlite:sluice.db); a server may be running on it.
Exit: 0 judged, whatever flips; 1 the policy is broken; 2 could not judge.
`

// replayRun is one `sluice policy replay`.
type replayRun struct {
	policy, organisation *policy.Source
	recall               gate.Recall
	since                time.Duration
	asJSON, all          bool
	public               string // where decisions are shown
}

// replayCommand judges recorded facts under another policy.
func replayCommand(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("sluice policy replay", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(flags.Output(), replayUsage) }
	own := flags.String("policy", "", "")
	organisation := flags.String("organisation", "", "")
	flags.StringVar(organisation, "organization", "", "")
	since := flags.String("since", "90d", "")
	repo := flags.String("repo", "", "")
	r := replayRun{public: strings.TrimRight(getenv("SLUICE_PUBLIC_URL"), "/")}
	flags.BoolVar(&r.asJSON, "json", false, "")
	flags.BoolVar(&r.all, "all", false, "")
	rest, err := parseAnywhere(flags, args, stdout)
	if err != nil {
		return helpOr(err, exitFailed)
	}
	switch {
	case len(rest) > 0:
		fmt.Fprintf(stderr, "sluice policy: replay takes options alone, and was given %q: name a policy with --policy\n%s", rest[0], replayUsage)
		return exitFailed
	case *own+*organisation == "":
		fmt.Fprint(stderr, "sluice policy: replay wants the policy to judge under: give --policy FILE or --organisation FILE\n", replayUsage)
		return exitFailed
	}
	if r.public == "" {
		r.public = "http://localhost:8080"
	}
	p := policyRun{stdin: stdin, stdout: stdout, stderr: stderr}
	if err := r.read(p, *own, *organisation, *since, *repo); err != nil {
		return p.failed(err)
	}
	if err := r.valid(); err != nil {
		fmt.Fprintln(stdout, err)
		return exitShut
	}
	report, err := r.run(ctx, getenv)
	if err != nil {
		return p.failed(err)
	}
	if r.asJSON {
		return p.failed(report.writeJSON(stdout))
	}
	return p.failed(report.write(stdout))
}

// read takes in what the flags say.
func (r *replayRun) read(p policyRun, own, organisation, since, repo string) error {
	for _, x := range []struct {
		file   string
		origin policy.Origin
		into   **policy.Source
	}{{own, policy.Given, &r.policy}, {organisation, policy.Organisation, &r.organisation}} {
		if x.file == "" {
			continue
		}
		s, err := p.source(x.file)
		if err != nil {
			return err
		}
		s.Origin = x.origin
		*x.into = &s
	}
	d, err := policy.ParseDuration(since)
	if err != nil {
		return fmt.Errorf("--since %q: %w", checks.Clip(since, 40), err)
	}
	if repo != "" && strings.Count(repo, "/") != 1 {
		return fmt.Errorf("--repo %q: want OWNER/NAME", checks.Clip(repo, 80))
	}
	r.since, r.recall.Repo = time.Duration(d), repo
	return nil
}

// valid loads the given policies by themselves: what is broken in them is no fault of what was recorded.
func (r *replayRun) valid() error {
	_, err := policy.Load(r.swap(nil)...)
	return err
}

// swap puts the given policies in place of those recorded.
func (r *replayRun) swap(recorded []policy.Source) []policy.Source {
	var out []policy.Source
	for _, s := range recorded {
		if s.Origin == policy.Organisation && r.organisation == nil || s.Origin != policy.Organisation && r.policy == nil {
			out = append(out, s)
		}
	}
	for _, s := range []*policy.Source{r.policy, r.organisation} {
		if s != nil {
			out = append(out, *s)
		}
	}
	return out
}

// run judges one decision after the other.
func (r *replayRun) run(ctx context.Context, getenv func(string) string) (*replayReport, error) {
	s, err := openBeside(ctx, getenv)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	report := newReplayReport(r)
	r.recall.Since = time.Now().Add(-r.since)
	j := gate.Rejudger{Swap: r.swap}
	err = s.Recorded(ctx, r.recall, func(rec gate.Recorded) error {
		got, err := j.Judge(rec)
		if errors.Is(err, gate.ErrIncomplete) {
			report.Incomplete++
			return nil
		}
		if err != nil {
			return err
		}
		report.take(got)
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("judge again: %w", err)
	}
	report.sort()
	if report.Judged+report.Incomplete == 0 {
		report.Hint, err = r.whyNothing(ctx, s)
	}
	return report, err
}

// whyNothing says what cures that there was nothing to judge.
func (r *replayRun) whyNothing(ctx context.Context, s *store.Store) (string, error) {
	if r.since == 0 {
		return "--since leaves no time at all: say how far back, such as 90d.", nil
	}
	ever := gate.Recall{Repo: r.recall.Repo, Limit: 1}
	found, of := false, ""
	if err := s.Recorded(ctx, ever, func(gate.Recorded) error { found = true; return nil }); err != nil {
		return "", fmt.Errorf("look for older decisions: %w", err)
	}
	if ever.Repo != "" {
		of = " of " + checks.Clip(gate.Plain(ever.Repo), 80)
	}
	if found {
		return fmt.Sprintf("What is recorded%s is older than that: give a longer --since.", of), nil
	}
	if of != "" {
		return fmt.Sprintf("Nothing is recorded%s at all: is it spelt as the forge has it, and has its server the database that SLUICE_DATABASE names?", of), nil
	}
	return "Nothing is recorded at all: has the server the database that SLUICE_DATABASE names?", nil
}

// inDays is a time as --since takes it, in days where it is a whole number of them.
func inDays(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return policy.Duration(d).String()
}

// replayReport is what came of it.
type replayReport struct {
	Version    int           `json:"version"`
	Policy     string        `json:"policy"`
	Since      string        `json:"since"`
	Judged     int           `json:"judged"`
	Subjects   int           `json:"subjects"` // changes and tags
	Incomplete int           `json:"incomplete"`
	Gate       ruleCount     `json:"gate"`
	Rules      []*ruleCount  `json:"rules"`
	Flips      []*replayFlip `json:"flips"`
	Hint       string        `json:"hint,omitempty"` // why there was nothing to judge

	run   *replayRun
	rules map[[2]string]*ruleCount
	seen  map[string]bool // subjects, by a short digest of their keys
}

// ruleCount counts how often a rule would have made a difference.
type ruleCount struct {
	Check    string `json:"check"`
	Rule     string `json:"rule,omitempty"`
	Shuts    int    `json:"shuts"`    // would have blocked, and did not
	Opens    int    `json:"opens"`    // blocked, and would not have
	Observed int    `json:"observed"` // would have blocked, were it not merely observed
	Untold   int    `json:"untold"`   // cannot be told from what was recorded
	flips    []*replayFlip
}

// replayFlip is one gate or check that would have come out otherwise.
type replayFlip struct {
	Subject  string     `json:"subject"`
	Commit   string     `json:"commit"`
	Check    string     `json:"check"` // or gate
	Turn     gate.Turn  `json:"turn"`
	Before   replaySide `json:"before"`
	After    replaySide `json:"after"`
	At       time.Time  `json:"at"`
	Decision string     `json:"decision"`
	URL      string     `json:"url,omitempty"` // of the change
	Details  string     `json:"details"`       // of the recorded decision
}

type replaySide struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
	Rule    string `json:"rule"`
}

func newReplayReport(r *replayRun) *replayReport {
	name := ""
	for _, s := range r.swap(nil) {
		name = strings.TrimPrefix(name+" and "+s.Name, " and ")
	}
	return &replayReport{Version: 1, Policy: name, Since: inDays(r.since), run: r, Gate: ruleCount{Check: gate.Gate},
		Rules: []*ruleCount{}, Flips: []*replayFlip{}, rules: map[[2]string]*ruleCount{}, seen: map[string]bool{}}
}

// take counts what one decision would have come out as.
func (p *replayReport) take(j *gate.Rejudged) {
	p.Judged++
	if key := j.Before.Subject.Key(); !p.seen[key] {
		p.seen[key] = true
		p.Subjects++
	}
	turn := j.Gate()
	p.Gate.add(turn)
	if turn == gate.WouldShut || turn == gate.WouldOpen {
		flip := p.flip(j, j.Before.Gate, j.Heading(), turn)
		p.Gate.flips = append(p.Gate.flips, flip)
		p.Flips = append(p.Flips, flip)
	}
	for _, name := range j.Checks() {
		before, after, turn := j.Check(name)
		var flip *replayFlip
		var rules []string
		switch turn {
		case gate.WouldShut:
			flip, rules = p.flip(j, before, after, turn), gate.RulesBehind(after)
		case gate.WouldOpen:
			flip, rules = p.flip(j, before, after, turn), gate.RulesBehind(before)
		case gate.CannotTell:
			rules = []string{""}
		}
		for _, rule := range rules {
			c := p.count(name, rule)
			if c.add(turn); flip != nil {
				c.flips = append(c.flips, flip)
			}
		}
		if flip != nil {
			p.Flips = append(p.Flips, flip)
		}
		if turn != gate.CannotTell {
			for _, rule := range gate.Observed(after) {
				p.count(name, rule).Observed++
			}
		}
	}
}

func (p *replayReport) count(check, rule string) *ruleCount {
	key := [2]string{check, rule}
	if p.rules[key] == nil {
		p.rules[key] = &ruleCount{Check: check, Rule: rule}
		p.Rules = append(p.Rules, p.rules[key])
	}
	return p.rules[key]
}

func (c *ruleCount) add(t gate.Turn) {
	switch t {
	case gate.WouldShut:
		c.Shuts++
	case gate.WouldOpen:
		c.Opens++
	case gate.CannotTell:
		c.Untold++
	}
}

func (p *replayReport) flip(j *gate.Rejudged, before, after checks.Verdict, t gate.Turn) *replayFlip {
	f := &replayFlip{Subject: gate.Name(j.Before.Subject), Commit: j.Before.Commit, Check: after.Check, Turn: t, At: j.Before.At.UTC(),
		Before: replaySide{before.Outcome.String(), before.Reason, before.Rule}, After: replaySide{after.Outcome.String(), after.Reason, after.Rule},
		Decision: j.Before.ID, Details: p.run.public + "/decisions/" + j.Before.ID}
	if j.Facts.Change != nil {
		f.URL = j.Facts.Change.URL
	}
	return f
}

// sort puts the rules that make the most difference first.
func (p *replayReport) sort() {
	slices.SortStableFunc(p.Rules, func(a, b *ruleCount) int {
		if d := (b.Shuts + b.Opens + b.Observed) - (a.Shuts + a.Opens + a.Observed); d != 0 {
			return d
		}
		return strings.Compare(a.Check+" "+a.Rule, b.Check+" "+b.Rule)
	})
}
